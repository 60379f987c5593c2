#!/usr/bin/env bash
# Installs the Debian packages that the tests need, where they are missing.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
# Without Chinese letters every screenshot would show boxes.
[[ -n "$(fc-list :lang=zh 2>/dev/null)" ]] || wanted+=(fontconfig fonts-noto-cjk)
scripts/test-postgres.sh which >/dev/null 2>&1 || wanted+=(postgresql)
if [[ ${#wanted[@]} -eq 0 ]]; then
  exit 0
fi

by_hand="install these packages by hand and run it again: ${wanted[*]}"
command -v apt-get >/dev/null || fail "the tests need ${wanted[*]}, and there is no apt-get here; $by_hand"
if [[ $EUID -eq 0 ]]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  fail "the tests need ${wanted[*]}, and this user may not install packages; $by_hand"
fi
say "installing with apt-get: ${wanted[*]}"
"${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the lists that are here"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" ||
  fail "apt-get could not install ${wanted[*]}; $by_hand"
