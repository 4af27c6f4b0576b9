#!/usr/bin/env bash
# Tests the APIs of other ecosystems with their real clients: openai (PyPI and npm) and langchain-openai (PyPI), in private
# environments, and requests as Dify builds them. Each client has to get a cited answer and a typed refusal from a service
# on the sample shop. It needs Python 3.10 and Node 20 or later.
set -eu
cd "$(dirname "$0")/../.."
ken=${KEN:-$PWD/target/release/ken}
python=.cache/interop/bin/python
js=.cache/interop-js
if ! cmp -s tools/interop/requirements.txt .cache/interop/installed.txt; then
    python3 -m venv --clear .cache/interop
    .cache/interop/bin/pip install --quiet --requirement tools/interop/requirements.txt
    cp tools/interop/requirements.txt .cache/interop/installed.txt
fi
mkdir -p "$js"
if ! cmp -s tools/interop/js/package-lock.json "$js/installed.json"; then
    cp tools/interop/js/package.json tools/interop/js/package-lock.json "$js/"
    (cd "$js" && npm ci --ignore-scripts --no-audit --no-fund --silent)
    cp tools/interop/js/package-lock.json "$js/installed.json"
fi
cp tools/interop/js/client.mjs "$js/"
folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
export KEN_MODELS__DIR=${KEN_MODELS__DIR:-$PWD/models}
export KEN_STORE__URL="sqlite://$folder/data/ken.db" KEN_INDEX__DIR="$folder/indexes" KEN_DESK__KEY_FILE="$folder/desk.key"
"$ken" ingest corpus/shop/knowledge > /dev/null
"$ken" keys create --role operator --name root > /dev/null
bot=$("$ken" keys create --role bot --name interop)
admin=$("$ken" keys create --role admin --name interop-admin)
"$ken" serve --listen 127.0.0.1:0 > "$folder/out" 2> "$folder/err" &
server=$!
until grep -q 'serving on' "$folder/out"; do sleep 0.1; kill -0 "$server"; done
address=$(sed -n 's/.*serving on \(http[^ ]*\) .*/\1/p' "$folder/out")
failed=0
"$python" tools/interop/clients.py "$address" "$bot" "$admin" || failed=1
node "$js/client.mjs" "$address" "$bot" || failed=1
kill -0 "$server"
exit $failed
