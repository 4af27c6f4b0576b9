#!/usr/bin/env bash
# Tests a service on the sample shop through the clients of other ecosystems and through our own. Each has to get a cited
# answer and a typed refusal: OpenAI's clients, requests as Dify builds them, LangChain, LlamaIndex, Haystack, the SDKs of
# the Model Context Protocol, and the libraries of Standard Webhooks. They come from PyPI and npm into private environments
# under .cache/ (some 700 MB). It needs Python 3.11 and Node 20.3 or later. `run.sh clients` tests only our own clients.
set -eu
cd "$(dirname "$0")/../.."
if [ -z "${KEN_URL:-}" ]; then
    exec tools/interop/with.sh tools/interop/run.sh "$@"
fi
part=${1:-all}
export HAYSTACK_TELEMETRY_ENABLED=False LANGSMITH_TRACING=false

# A private environment of Python with the packages of a list, made again when the list changes.
environment() {
    if ! cmp -s "tools/interop/$2" ".cache/$1/installed.txt"; then
        python3 -m venv --clear ".cache/$1"
        ".cache/$1/bin/pip" install --quiet --requirement "tools/interop/$2"
        cp "tools/interop/$2" ".cache/$1/installed.txt"
    fi
}

# The packages of a lock file of npm in a folder beside its copy.
packages() {
    if ! cmp -s "$1/package-lock.json" "$2/node_modules/installed.json"; then
        (cd "$2" && npm ci --ignore-scripts --no-audit --no-fund --silent)
        cp "$1/package-lock.json" "$2/node_modules/installed.json"
    fi
}

failed=0
check() { "$@" || failed=1; }

environment interop requirements.txt
python=.cache/interop/bin/python
# From the sources as they are, so that the tests run what is installed.
$python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall ./clients/python
check $python -m pytest --quiet -p no:cacheprovider clients/python
packages clients/typescript clients/typescript
check npm --prefix clients/typescript --silent test
if [ "$part" = clients ]; then
    exit $failed
fi

js=.cache/interop-js
mkdir -p "$js"
cp tools/interop/js/* "$js/"
packages tools/interop/js "$js"
check $python tools/interop/clients.py "$KEN_URL" "$KEN_BOT_KEY" "$KEN_ADMIN_KEY"
check node "$js/client.mjs" "$KEN_URL" "$KEN_BOT_KEY"
check $python tools/interop/webhooks.py "$KEN_URL" "$KEN_BOT_KEY" "$KEN_ADMIN_KEY" "$js/webhooks.mjs"
environment interop-mcp requirements-mcp.txt
check .cache/interop-mcp/bin/python tools/interop/mcp_client.py "$KEN_URL" "$KEN_BOT_KEY" "$KEN_ADMIN_KEY"
environment interop-mcp-langchain requirements-mcp-langchain.txt
check .cache/interop-mcp-langchain/bin/python tools/interop/mcp_langchain.py "$KEN_URL" "$KEN_BOT_KEY"
check node "$js/mcp.mjs" "$KEN_URL" "$KEN_BOT_KEY" "$KEN_ADMIN_KEY"
exit $failed
