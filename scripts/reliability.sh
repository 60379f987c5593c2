#!/usr/bin/env bash
# What happens to the data when processes die, disks fill and files are
# hostile: builds the program, starts a throw-away PostgreSQL and runs
# `xtask reliability` with the given arguments. Without any, it runs everything
# and writes docs/reliability.json and docs/reliability.md.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

use_test_target
export KEJI_BIN="$CARGO_TARGET_DIR/ci/keji"

# install PROGRAM PACKAGE
install() {
  if command -v "$1" >/dev/null; then return; fi
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then return 1; fi
  say "installing with apt-get: $2"
  apt-get update -qq || say "apt-get update failed; trying with the lists that are here"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"
}

scripts/doctor.sh build
# Without it some tests are skipped, and the page says so.
install strace strace || say "strace is missing (apt-get install strace): some tests are skipped"
install sqlite3 sqlite3 || fail "the tests need sqlite3: apt-get install sqlite3"
scripts/test-postgres.sh which >/dev/null 2>&1 || install initdb postgresql ||
  fail "the tests need PostgreSQL: apt-get install postgresql"

say "page"
scripts/page.sh
say "program"
cargo build --quiet --profile ci --workspace --locked

# Below /tmp: PostgreSQL's own user has to get there.
postgres=$(mktemp -u /tmp/keji-postgres.XXXXXXXX)
finish() {
  if [[ -d "$postgres" ]]; then scripts/test-postgres.sh stop "$postgres" || true; fi
}
trap finish EXIT
KEJI_TEST_POSTGRES=$(scripts/test-postgres.sh start "$postgres")
export KEJI_TEST_POSTGRES KEJI_TEST_POSTGRES_DIR=$postgres

say "reliability"
cargo run --quiet --profile ci --package xtask --locked -- reliability "$@"
