#!/usr/bin/env bash
# Builds the page and the program; the program is target/release/keji.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

scripts/doctor.sh build
scripts/page.sh
say "building target/release/keji (the first time takes some minutes)"
# Always in ./target, whatever the environment says.
cargo build --release --package keji --locked --target-dir target
