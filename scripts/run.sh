#!/usr/bin/env bash
# Serves on $LISTEN from the data folder $DATA; an empty one gets the demo company.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

data=${DATA:-./data}
mkdir -p "$data"
say "serving from $data; Ctrl-C stops"
exec target/release/keji serve --data "$data" --listen "${LISTEN:-127.0.0.1:8080}" --demo-if-empty
