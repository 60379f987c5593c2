# Read by the other scripts: the folder of the project, no questions asked,
# and one way to talk.
# shellcheck shell=bash

set -euo pipefail
# Nothing here asks questions, and a closed standard input confuses Node.
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Tests build outside the clone, so that a fresh one starts warm, and never
# over the release build.
use_test_target() {
  export CARGO_TARGET_DIR=${KEJI_TARGET_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/keji/target}
}
