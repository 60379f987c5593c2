#!/bin/sh
# Precision, recall, time and memory of the scan for duplicates, among a
# million customers of which 2 % are there twice in another writing. The
# customers are made by the test itself (crates/server/tests/duplicates.rs),
# with a fixed seed. Another number: bench/duplicates.sh 100000
set -eu
cd "$(dirname "$0")/.."
KEJI_DUPLICATE_CUSTOMERS=${1:-1000000} cargo test --quiet --release --locked --workspace \
  --exclude keji-store --exclude keji-metrics --exclude keji-models --exclude xtask \
  --test all -- --nocapture the_scan_finds_what_is_planted
