#!/usr/bin/env bash
# Runs a command beside a service on the sample shop, in a temporary folder. The command finds the service's address in
# KEN_URL, a key of each role in KEN_BOT_KEY, KEN_AGENT_KEY, KEN_EDITOR_KEY, KEN_ADMIN_KEY and KEN_OPERATOR_KEY, and the
# binary in KEN. If KEN_URL is already set, the command runs unchanged.
#   tools/interop/with.sh .cache/interop/bin/python -m pytest clients/python
set -eu
if [ -n "${KEN_URL:-}" ]; then
    exec "$@"
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
export KEN=${KEN:-$root/target/release/ken}
export KEN_MODELS__DIR=${KEN_MODELS__DIR:-$root/models}
folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
# Webhooks are sent to receivers on this machine.
cat > "$folder/ken.toml" << 'END'
[outbound]
private_networks = ["127.0.0.0/8"]
END
export KEN_STORE__URL="sqlite://$folder/data/ken.db" KEN_INDEX__DIR="$folder/indexes" KEN_DESK__KEY_FILE="$folder/desk.key"
ken=("$KEN" --config "$folder/ken.toml")
"${ken[@]}" ingest "$root/corpus/shop/knowledge" > /dev/null
for role in operator bot agent editor admin; do
    "${ken[@]}" keys create --role $role --name "interop-$role" > "$folder/$role"
done
"${ken[@]}" serve --listen 127.0.0.1:0 > "$folder/out" 2> "$folder/err" &
server=$!
until grep -q 'serving on' "$folder/out"; do
    sleep 0.1
    kill -0 "$server" 2> /dev/null || { cat "$folder/err" >&2; exit 1; }
done
KEN_URL=$(sed -n 's/.*serving on \(http[^ ]*\) .*/\1/p' "$folder/out")
KEN_OPERATOR_KEY=$(cat "$folder/operator") KEN_BOT_KEY=$(cat "$folder/bot") KEN_AGENT_KEY=$(cat "$folder/agent")
KEN_EDITOR_KEY=$(cat "$folder/editor") KEN_ADMIN_KEY=$(cat "$folder/admin")
export KEN_URL KEN_OPERATOR_KEY KEN_BOT_KEY KEN_AGENT_KEY KEN_EDITOR_KEY KEN_ADMIN_KEY
failed=0
"$@" || failed=$?
kill -0 "$server" || { cat "$folder/err" >&2; exit 1; }
exit $failed
