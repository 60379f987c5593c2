#!/usr/bin/env bash
# Builds the page into web/dist; does nothing when nothing changed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd web
stamp() { cat node_modules/.keji-"$1" 2>/dev/null || true; }

# Packages, when the lock file or the Node version changed.
packages=$(cat package.json package-lock.json <(node --version) | cksum)
if [[ "$(stamp packages)" != "$packages" ]]; then
  say "installing the page's packages (npm ci)"
  npm ci --no-audit --no-fund
  echo "$packages" >node_modules/.keji-packages
fi

# The page, when a source changed or the built page is gone.
sources=$(find . \( -path ./node_modules -o -path ./dist -o -path ./e2e -o -path ./bench -o -path ./test -o -path ./test-results \
  -o -path ./playwright-report \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum | cksum)
if [[ "$(stamp page)" != "$sources" || ! -f dist/index.html ]]; then
  say "building the page"
  npm run --silent build
  echo "$sources" >node_modules/.keji-page
fi
