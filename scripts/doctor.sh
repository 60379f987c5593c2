#!/usr/bin/env bash
# Says what this machine lacks: scripts/doctor.sh [build] [test] [bench]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

missing=0
lacks() { printf 'missing: %s\n' "$*" >&2; missing=1; }
has() { command -v "$1" >/dev/null 2>&1; }

rust() {
  local wanted found
  wanted=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml)
  if ! has cargo; then
    lacks "Rust $wanted: install rustup (https://rustup.rs); it then fetches this version by itself"
    return
  fi
  # rustup picks the version from rust-toolchain.toml, or says that it may not.
  found=$(rustc --version 2>/dev/null | cut -d' ' -f2) || found=none
  [[ "$found" == "$wanted" ]] || lacks "Rust $wanted (found: $found): rustup toolchain install $wanted"
}

rust_tools() {
  cargo fmt --version >/dev/null 2>&1 || lacks "rustfmt: rustup component add rustfmt"
  cargo clippy --version >/dev/null 2>&1 || lacks "clippy: rustup component add clippy"
}

node_and_npm() {
  local found
  if has node; then
    found=$(node --version)
    found=${found#v}
    [[ "${found%%.*}" -ge 20 ]] || lacks "Node.js 20 or newer (found: $found): https://nodejs.org"
  else
    lacks "Node.js 20 or newer: https://nodejs.org, or apt-get install nodejs npm"
  fi
  has npm || lacks "npm, which comes with Node.js: https://nodejs.org, or apt-get install npm"
}

for purpose in "${@:-build}"; do
  case "$purpose" in
    build)
      rust
      node_and_npm
      has cc || lacks "a C compiler named cc: apt-get install gcc libc6-dev, or xcode-select --install"
      ;;
    test) if has cargo; then rust_tools; fi ;;
    bench) has python3 || lacks "Python 3 (only for the benchmarks): apt-get install python3" ;;
    *) fail "doctor knows build, test and bench, not \`$purpose\`" ;;
  esac
done
[[ $missing -eq 0 ]] || fail "install what is missing above, then try again"
