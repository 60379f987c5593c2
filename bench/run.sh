#!/usr/bin/env bash
# Measures the hot paths beside their peers and prints JSON; BENCH_RUNS (3) is
# how often, BENCH_DATA (bench/data) where the made-up base is kept.
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

data=${BENCH_DATA:-bench/data}
say "building the measured programs (the first time takes some minutes)" >&2
cargo build --release --locked --target-dir target \
  -p keji-metrics --example bench_evaluation -p keji-models --example fit_million >&2

if [[ ! -x bench/.venv/bin/python ]]; then
  say "fetching the peers" >&2
  python3 -m venv bench/.venv
  bench/.venv/bin/pip install --quiet --requirement bench/requirements.txt
fi
mkdir -p "$data"
exec bench/.venv/bin/python bench/run_peers.py --runs "${BENCH_RUNS:-3}" --data "$data" \
  --programs target/release/examples
