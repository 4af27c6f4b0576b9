#!/usr/bin/env bash
# Tests the console: its types, its texts, that console/dist is what its sources make, byte for byte, and the console itself
# in Debian's Chromium on a real service.
#   tools/console/test.sh short|full
# Needs Node 20.19 or later with npm, and Chromium. Without them nothing is tested, which is said; with KEN_CONSOLE=required it
# is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
extent=${1:-full}
export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
missing=
command -v node > /dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || missing="Node 20.19 or later"
command -v npm > /dev/null || missing="${missing:+$missing, }npm"
[ -n "$CHROMIUM" ] || missing="${missing:+$missing, }Chromium"
not_tested() {
    echo "console: NOT TESTED, for want of $1" >&2
    [ "${KEN_CONSOLE:-}" != required ]
    exit
}
[ -z "$missing" ] || not_tested "$missing"
target=$(realpath "${CARGO_TARGET_DIR:-target}")
export KEN=${KEN:-$target/debug/ken}
cd console
npm ci --ignore-scripts --no-progress --loglevel=error || not_tested "the packages of console/package-lock.json"
npm run --silent api
git diff --exit-code -- src/api/schema.d.ts || { echo "console: run \`npm run api\` and commit what it writes" >&2; exit 1; }
npm run --silent check
npm run --silent test
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
KEN_DIST=$built npm run --silent build -- --logLevel error
diff -r "$built" dist || { echo "console: run \`make console\` and commit console/dist" >&2; exit 1; }
node tools/size.mjs
# In short, what all screens have in common, and the four stories, each once; in full, everything in every language.
case $extent in
short) files=(test/e2e/screens.test.mjs test/e2e/scripts.test.mjs) ;;
*) files=(test/e2e/*.test.mjs) ;;
esac
KEN_CONSOLE_EXTENT=$extent node --test --test-reporter=spec "${files[@]}"
