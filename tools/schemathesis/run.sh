#!/usr/bin/env bash
# Tests every operation of the OpenAPI document with generated inputs against a running service: no 5xx, and no status,
# content type or body that the document does not declare. `tools/schemathesis/run.sh [EXAMPLES]`, 60 per operation by
# default. Schemathesis comes from PyPI into a private environment.
set -eu
cd "$(dirname "$0")/../.."
examples=${1:-60}
ken=$PWD/${KEN:-target/release/ken}
python=.cache/schemathesis/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .cache/schemathesis
    .cache/schemathesis/bin/pip install --quiet --requirement tools/schemathesis/requirements.txt
fi
folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$folder"' EXIT
export KEN_MODELS__DIR=$PWD/models KEN_STORE__URL="sqlite://$folder/data/ken.db" KEN_INDEX__DIR="$folder/indexes"
server=
"$ken" ingest corpus/shop/knowledge > /dev/null
# A key exists already, so that generated keys do not lock the test out.
key=$("$ken" keys create --role operator --name schemathesis)
"$ken" serve --listen 127.0.0.1:0 > "$folder/out" 2> "$folder/err" &
server=$!
until grep -q 'serving on' "$folder/out"; do sleep 0.1; kill -0 "$server"; done
address=$(sed -n 's/.*serving on \(http[^ ]*\) .*/\1/p' "$folder/out")
.cache/schemathesis/bin/schemathesis run "$address/openapi.json" --header "Authorization: Bearer $key" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --phases examples,coverage,fuzzing --max-examples "$examples" --seed 7 --continue-on-failure --no-color
kill -0 "$server"
