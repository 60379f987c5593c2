#!/bin/sh
# A table of 10,000 rows and 20 columns on the clipboard: checked, written
# without its hundred wrong rows, and taken back with one key, in a browser
# against the program at KEJI_BIN (by default the release build). Prints the
# seconds of each and the megabytes of the page and, at its peak, of the server.
set -eu
cd "$(dirname "$0")/../web"
KEJI_BIN=${KEJI_BIN:-$(cd .. && pwd)/target/release/keji}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The peak is asked for before the program is told to stop.
cat > "$dir/keji" <<END
#!/bin/sh
"$KEJI_BIN" "\$@" &
child=\$!
trap 'grep VmHWM /proc/'\$child'/status >> "$dir/peak"; kill -TERM '\$child TERM
wait \$child
wait \$child
END
chmod +x "$dir/keji"
KEJI_BENCH=1 KEJI_BENCH_OUT="$dir/figures.json" KEJI_BIN="$dir/keji" \
  npx playwright test grid.spec.ts --grep "ten thousand" --reporter=line --retries=0 > "$dir/log" ||
  { cat "$dir/log"; exit 1; }
cat "$dir/figures.json"
echo
sort -k 2 -n "$dir/peak" | tail -1 | awk '{ printf "server peak %d MB\n", $2 / 1000 }'
