#!/bin/sh
# Fuzzes one target from its fixtures, its earlier findings, and the corpus of earlier runs: tools/fuzz.sh TARGET
# [-max_total_time=SECONDS] [-runs=N]. Short inputs run often; PDF and mail have longer parts.
set -eu
cd "$(dirname "$0")/.."
target=$1
shift
corpus=fuzz/corpus/$target
mkdir -p "$corpus"
case $target in
    pdf | packages) most=8192 ;;
    *) most=4096 ;;
esac
for input in tests/fixtures/formats/* "fuzz/seeds/$target"/* "fuzz/regressions/$target"/*; do
    if [ -f "$input" ]; then
        head -c "$most" "$input" >"$corpus/$(basename "$input")"
    fi
done
export RUSTC_BOOTSTRAP=1
# Comparisons are not traced: for the text functions, which are mostly regexes, tracing took four fifths of the time.
exec cargo fuzz run --sanitizer none --no-trace-compares "$target" -- -fork=1 -rss_limit_mb=2500 -timeout=20 -max_len="$most" "$@"
