#!/usr/bin/env bash
# Writes the API's description and the page's types from the program.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

use_test_target
say "web/openapi.json, from the program"
made=$(cargo run --quiet --profile ci --package keji --locked -- openapi)
printf '%s\n' "$made" >web/openapi.json
say "web/src/api/schema.d.ts, from web/openapi.json"
npm --prefix web run --silent api
