#!/usr/bin/env bash
# Tests the vector contract, the filters and the sample shop on Qdrant's own engine (qdrant-edge-py, from PyPI into a
# private environment). engine.py serves it over the part of Qdrant's protocol that Ken uses. It is not a Qdrant server.
set -eu
cd "$(dirname "$0")/../.."
bin=.cache/qdrant/bin
python3 -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
if ! cmp --silent tools/qdrant/requirements.txt .cache/qdrant/installed; then
    python3 -m venv --clear .cache/qdrant
    "$bin/pip" install --quiet --requirement tools/qdrant/requirements.txt
    cp tools/qdrant/requirements.txt .cache/qdrant/installed
fi
folder=$(mktemp -d)
engine=
trap 'kill $engine 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$bin/python" tools/qdrant/engine.py "$port" "$folder" > "$folder/out" &
engine=$!
until grep -q ready "$folder/out"; do sleep 0.1; kill -0 "$engine"; done
KEN_TEST_QDRANT_URL=http://127.0.0.1:$port cargo test --locked --workspace --test integration -- --nocapture --test-threads 1 \
    contract_vectors:: filters:: scaling:: "$@"
