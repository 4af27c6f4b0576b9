#!/bin/sh
# Fuzzes one target from what it begins with, what was found by it, and what earlier runs kept:
# tools/fuzz.sh TARGET [-max_total_time=SECONDS] [-runs=N]. What is short is run often; PDF and mails have longer parts.
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
# Compares are not traced: of the pipeline of words, which is mostly regexes, four parts in five of the time went there.
exec cargo fuzz run --sanitizer none --no-trace-compares "$target" -- -fork=1 -rss_limit_mb=2500 -timeout=20 -max_len="$most" "$@"
