#!/usr/bin/env bash
# Runs every check and test and ends with one line: N passed, N failed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export CI=1 NO_COLOR=1 CARGO_TERM_COLOR=never
# Many tests wait for a server or a disk rather than for a core.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-4}
unset FORCE_COLOR
use_test_target
export KEJI_BIN="$CARGO_TARGET_DIR/ci/keji"

scripts/doctor.sh build test
scripts/test-packages.sh
mkdir -p "$CARGO_TARGET_DIR"

work=$(mktemp -d)
# Below /tmp and not in $work: PostgreSQL's own user has to get there.
postgres=$(mktemp -u /tmp/keji-postgres.XXXXXXXX)
finish() {
  if [[ -d "$postgres" ]]; then scripts/test-postgres.sh stop "$postgres" || true; fi
  rm -rf "$work"
}
trap finish EXIT

passed=0
failed=0

# step NAME COMMAND…: runs it, adds what its runner counted, and goes on. A
# step that fails without a failed test counts as one.
step() {
  local name=$1 log="$work/log" ok=0 counts begun=$SECONDS
  shift
  say "$name"
  ("$@") 2>&1 | tee "$log" || ok=1
  printf '%5d s  %s\n' $((SECONDS - begun)) "$name" >>"$work/times"
  counts=$(counted <"$log")
  passed=$((passed + ${counts% *}))
  local n_failed=${counts#* }
  if [[ $ok -ne 0 ]]; then
    if [[ $n_failed -eq 0 ]]; then n_failed=1; fi
    say "FAILED: $name"
    { say "FAILED: $name" && what_failed <"$log"; } >>"$work/failures"
  fi
  names_of_failed <"$log" | sed "s|^|$name: |" >>"$work/names"
  failed=$((failed + n_failed))
  return $ok
}

# Reads a runner's output, prints "passed failed". Knows cargo test, Vitest
# and Playwright.
counted() {
  sed 's/\x1b\[[0-9;]*m//g' | awk '
    /^test result: / { passed += $4; failed += $6 }
    /^ *Tests +[0-9]/ {
      for (i = 2; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) passed += $i
        if ($(i + 1) ~ /^failed/) failed += $i
      }
    }
    /^  [0-9]+ passed( \(.*\))?$/ || /^  [0-9]+ flaky$/ { passed += $1 }
    /^reliability: [0-9]+ tests, [0-9]+ failed/ { passed += $2 - $4; failed += $4 }
    /^  [0-9]+ (failed|interrupted|did not run)$/ { failed += $1 }
    END { printf "%d %d\n", passed, failed }'
}

# Reads a failed step's output, prints what its runner says of the failures;
# the end of the output where that runner is none that is known.
what_failed() {
  sed 's/\x1b\[[0-9;]*m//g' | awk '
    { last[NR % 30] = $0 }
    /^failures:$/ || /^  1\) / || /Failed Tests/ { telling = 1 }
    /^test result: / || /^  [0-9]+ failed$/ { telling = 0 }
    telling && n < 200 { print; n++ }
    END {
      if (n) exit
      for (i = NR - 29; i <= NR; i++) if (i > 0) print last[i % 30]
    }'
}

# The names alone of what failed, and of what passed at the second try.
names_of_failed() {
  sed 's/\x1b\[[0-9;]*m//g' | awk '
    /^test .* \.\.\. FAILED$/ || /^ FAIL  / { print; next }
    /^  [0-9]+ (failed|flaky|interrupted)$/ { n = $1; kind = $2; next }
    n > 0 { print kind " " $0; n-- }'
}

definitions() {
  "$KEJI_BIN" check --data "$work/check"
}

# The page's types are those of the API's description, which a test of the
# server compares with the program.
generated() {
  (cd web && npm exec --no -- openapi-typescript openapi.json -o "$work/schema.d.ts" >/dev/null) &&
    { cmp "$work/schema.d.ts" web/src/api/schema.d.ts || fail "web/src/api/schema.d.ts is stale: run make api"; }
}

step "page" scripts/page.sh || page_failed=1
step "format" cargo fmt --all --check || true
step "tidy" cargo run --quiet --profile ci --package xtask --locked -- tidy || true
step "clippy" cargo clippy --profile ci --workspace --all-targets --locked -- -D warnings || true
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --profile ci --workspace --no-deps --locked || true

if url=$(scripts/test-postgres.sh start "$postgres"); then
  export KEJI_TEST_POSTGRES=$url
else
  say "FAILED: PostgreSQL for the tests"
  failed=$((failed + 1))
fi
# The server's tests build the program as well; a stale one must not pass.
rm -f "$KEJI_BIN"
step "tests" cargo test --profile ci --workspace --locked --no-fail-fast || true
if [[ -x "$KEJI_BIN" ]]; then
  step "definitions" definitions || true
else
  say "FAILED: there is no program to test"
  failed=$((failed + 1))
fi

if [[ -x "$KEJI_BIN" ]]; then
  step "reliability, a small sample" env KEJI_TEST_POSTGRES_DIR="$postgres" \
    cargo run --quiet --profile ci --package xtask --locked -- reliability --sample || true
fi

if [[ -z "${page_failed:-}" ]]; then
  step "page: generated types" generated || true
  step "page: types and style" npm --prefix web run --silent check || true
  step "page: tests" npm --prefix web run --silent test || true
  if [[ -x "$KEJI_BIN" ]]; then
    step "page: stories in the browser" npm --prefix web run --silent e2e || true
    step "page: the main stories on PostgreSQL" env KEJI_E2E_POSTGRES="${KEJI_TEST_POSTGRES:-}" \
      npm --prefix web run --silent e2e -- story1 import || true
  fi
fi

cat "$work/times"
# What failed stands far above by now.
if [[ -s "$work/failures" ]]; then cat "$work/failures"; fi
if [[ -s "$work/names" ]]; then cat "$work/names"; fi
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
