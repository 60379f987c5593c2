#!/usr/bin/env bash
# Runs Schemathesis, in a Python of its own that it makes when it is not there:
#   scripts/schemathesis.sh FOLDER DOCUMENT URL [option …]
# The report is FOLDER/report.json. A token in KEJI_TOKEN is sent along. Ends
# with 77 where this machine has no Python that could run it.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=4.32.5
folder=$1 document=$2 url=$3
shift 3

home=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/keji/schemathesis-$version
run=$home/bin/schemathesis
if [[ ! -x "$run" ]]; then
  making=$(mktemp -d)
  trap 'rm -rf "$making"' EXIT
  if ! python3 -m venv "$home" >"$making/log" 2>&1 ||
    ! "$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >>"$making/log" 2>&1; then
    cat "$making/log" >&2
    exit 77
  fi
  rm -rf "$making"
fi

# What is left out: that everything which fits a schema is accepted (conditions,
# unique numbers and what a link leads to are beyond schemas), and that Allow
# names what is described (one route serves all objects, and some are only read).
checks=(--checks all --exclude-checks positive_data_acceptance,allow_header_conformance)
header=()
if [[ -n "${KEJI_TOKEN:-}" ]]; then header=(--header "Authorization: Bearer $KEJI_TOKEN"); fi
cd "$folder"
exec "$run" run "$document" --url "$url" "${header[@]}" "${checks[@]}" \
  --report json --report-json-path "$folder/report.json" \
  --generation-database none --request-timeout 30 --no-color "$@"
