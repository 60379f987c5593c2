#!/usr/bin/env bash
# Measures the hot paths beside their peers and writes docs/benchmarks.md;
# BENCH_RUNS (3) is how often, BENCH_ORDERS and BENCH_RECORDS (peers full) which
# sizes, BENCH_FIND (1000000) how many customers to find one among, BENCH_OWN (1000000) how many records an object of
# one's own has, BENCH_CUSTOMERS (1000000) among how many customers duplicates are looked for, BENCH_DATA (bench/data)
# where the made-up base is kept.
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

data=${BENCH_DATA:-bench/data}
scripts/page.sh >&2
say "building the measured programs (the first time takes some minutes)" >&2
# With the program, so that all share one build of the engine.
cargo build --release --locked --target-dir target -p keji -p keji-app -p keji-metrics -p keji-models \
  --bin keji --example fresh --example bench_evaluation --example fit_million >&2

if [[ ! -x bench/.venv/bin/python ]]; then
  say "fetching the peers" >&2
  python3 -m venv bench/.venv
  bench/.venv/bin/pip install --quiet --requirement bench/requirements.txt
fi
mkdir -p "$data"
python=bench/.venv/bin/python
say "kernel and models beside DuckDB and lifetimes" >&2
$python bench/run_peers.py --runs "${BENCH_RUNS:-3}" --data "$data" \
  --programs target/release/examples >"$data/peers.json" || say "a limit was missed: see the report" >&2

postgres=$(mktemp -u /tmp/keji-postgres.XXXXXXXX)
trap 'scripts/test-postgres.sh stop "$postgres" 2>/dev/null || true' EXIT
url=$(scripts/test-postgres.sh start "$postgres") || url=
say "the program itself, up to ${BENCH_ORDERS:-100000,1000000,10000000} orders" >&2
$python bench/run_product.py --program target/release/keji --data "$data" \
  --orders "${BENCH_ORDERS:-100000,1000000,10000000}" ${url:+--postgres "$url"} >"$data/product.json"
records=()
if command -v wrk >/dev/null; then
  for size in ${BENCH_RECORDS:-peers full}; do
    for store in sqlite postgres; do
      [[ "$store" = sqlite || -n "$url" ]] || continue
      say "records under load: $size, $store" >&2
      $python bench/run_records.py --program target/release/keji --data "$data" --size "$size" \
        ${url:+$([[ "$store" = postgres ]] && echo --postgres "$(scripts/test-postgres.sh database "$url" "bench_$size")")} \
        >"$data/records-$size-$store.json"
      records+=("$data/records-$size-$store.json")
    done
  done
else
  say "no wrk (the package of that name): records under load are left out" >&2
fi
if command -v wrk >/dev/null; then
  say "find anything" >&2
  $python bench/run_find.py --program target/release/keji --data "$data" \
    ${BENCH_FIND:+--customers "$BENCH_FIND" --touchpoints "$((BENCH_FIND * 3))"} >"$data/find.json"
  records+=("$data/find.json")
  for store in sqlite postgres; do
    [[ "$store" = sqlite || -n "$url" ]] || continue
    say "an object of one's own beside a given one: ${BENCH_OWN:-1000000} records, $store" >&2
    $python bench/run_own.py --program target/release/keji --data "$data" --records "${BENCH_OWN:-1000000}" \
      ${url:+$([[ "$store" = postgres ]] && echo --postgres "$(scripts/test-postgres.sh database "$url" bench_own)")} \
      >"$data/own-$store.json"
    records+=("$data/own-$store.json")
  done
fi
say "the scan for duplicates among ${BENCH_CUSTOMERS:-1000000} customers" >&2
bench/duplicates.sh "${BENCH_CUSTOMERS:-1000000}" >"$data/duplicates.txt" || say "duplicates: a limit was missed" >&2
records+=("$data/duplicates.txt")
story=
if [[ -x "${KEJI_CHROMIUM:=/usr/bin/chromium}" ]]; then
  say "story 1 by browser, with a stop-watch" >&2
  # Absolute: the browser's script runs in web/.
  data=$(realpath "$data")
  story=$data/story.json
  $python bench/make_story_files.py "$data/story" >"$data/story-expected.json"
  env -u KEJI_URL -u KEJI_E2E_POSTGRES KEJI_CHROMIUM="$KEJI_CHROMIUM" KEJI_BIN="$PWD/target/release/keji" \
    npm --prefix web run --silent story -- "$data/story" "$data/story-expected.json" >"$story" ||
    say "a file came out otherwise than it should: see the report" >&2
  # A script that could not even begin has left nothing to report.
  [[ -s "$story" ]] || story=
  say "a table from the clipboard, by browser" >&2
  if KEJI_CHROMIUM="$KEJI_CHROMIUM" KEJI_BIN="$PWD/target/release/keji" bench/paste.sh >"$data/paste.txt"; then
    records+=("$data/paste.txt")
  else
    say "the table was not pasted: its section is left out" >&2
  fi
else
  say "no $KEJI_CHROMIUM (KEJI_CHROMIUM names another): story 1 and the clipboard are left out" >&2
fi
$python bench/report.py "$data/peers.json" "$data/product.json" ${story:+"$story"} "${records[@]}" >"$data/benchmarks.md"
mv "$data/benchmarks.md" docs/benchmarks.md
say "written: docs/benchmarks.md" >&2
