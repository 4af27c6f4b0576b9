#!/usr/bin/env bash
# Tests tokens of a third-party OpenID Connect provider (oidc-provider-mock, on Authlib; from PyPI into a private
# environment): discovery, fetching its keys, tokens of the authorization code flow, and sign-in to the console.
# Compares the status of each request with the expected one.
set -eu
cd "$(dirname "$0")/../.."
ken=$PWD/${KEN:-target/release/ken}
bin=.cache/oidc/bin
if [ ! -x "$bin/oidc-provider-mock" ]; then
    python3 -m venv .cache/oidc
    "$bin/pip" install --quiet --requirement tools/oidc/requirements.txt
fi
folder=$(mktemp -d)
provider= server=
trap 'kill $provider $server 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
export KEN_MODELS__DIR=$PWD/models KEN_STORE__URL="sqlite://$folder/data/ken.db" KEN_INDEX__DIR="$folder/indexes"
"$ken" keys create --role operator --name root > /dev/null

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
issuer=http://127.0.0.1:$port
"$bin/oidc-provider-mock" --port "$port" \
    --user-claims '{"sub": "amy", "ken_role": "bot", "ken_workspace": "default"}' \
    --user-claims '{"sub": "bob", "ken_role": "editor", "ken_workspace": "other"}' \
    --user-claims '{"sub": "eve"}' > "$folder/provider" 2>&1 &
provider=$!
until curl -sf "$issuer/jwks" > /dev/null; do sleep 0.1; kill -0 "$provider"; done
export KEN_AUTH__ISSUER=$issuer KEN_AUTH__AUDIENCE=ken KEN_AUTH__CLIENT_ID=console KEN_AUTH__CLIENT_SECRET=secret
"$ken" serve --listen 127.0.0.1:0 > "$folder/out" 2> "$folder/err" &
server=$!
until grep -q 'serving on' "$folder/out"; do sleep 0.1; kill -0 "$server"; done
address=$(sed -n 's/.*serving on \(http[^ ]*\) .*/\1/p' "$folder/out")

token() { # USER CLIENT: the token of a user that a client gets
    back=http://127.0.0.1/back
    code=$(curl -s -o /dev/null -D - "$issuer/oauth2/authorize?client_id=$2&redirect_uri=$back&response_type=code&scope=openid" \
        -d "sub=$1" | tr -d '\r' | sed -n 's/^[Ll]ocation:.*code=\([^&]*\).*/\1/p')
    curl -s "$issuer/oauth2/token" -u "$2:secret" -d "grant_type=authorization_code&code=$code&redirect_uri=$back" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["id_token"])'
}
failed=0
expect() { # STATUS WHAT TOKEN WORKSPACE METHOD PATH BODY
    found=$(curl -s -o "$folder/body" -w '%{http_code}' -X "$5" "$address$6" -H "authorization: Bearer $3" \
        -H "x-ken-workspace: $4" -H 'content-type: application/json' -d "$7")
    if [ "$found" = "$1" ]; then echo "ok: $2: $found"; else
        echo "wrong: $2: $found, expected $1: $(cat "$folder/body")"
        failed=1
    fi
}
location() { # the address that a response leads to
    tr -d '\r' | sed -n 's/^[Ll]ocation: *//p'
}
signs_in() { # PLACE USER: signs a user in to the console; the last address has to be PLACE
    jar=$folder/$2
    page=$(curl -s -o /dev/null -D - -c "$jar" "$address/v1/session/oidc?next=/faqs" | location)
    back=$(curl -s -o /dev/null -D - "$page" -d "sub=$2" | location)
    found=$(curl -s -o /dev/null -D - -b "$jar" -c "$jar" "$back" | location)
    if [ "$found" = "$1" ]; then echo "ok: $2 signs in: $found"; else
        echo "wrong: $2 signs in: $found, expected $1: $(cat "$folder/err")"
        failed=1
    fi
}
browses() { # STATUS WHAT USER METHOD PATH
    found=$(curl -s -o "$folder/body" -w '%{http_code}' -b "$folder/$3" -X "$4" -H 'x-ken-console: 1' "$address$5")
    if [ "$found" = "$1" ]; then echo "ok: $2: $found"; else
        echo "wrong: $2: $found, expected $1: $(cat "$folder/body")"
        failed=1
    fi
}
ask='{"question": "退貨要運費嗎？"}' text='{"text": "離島運費另計。"}'
amy=$(token amy ken) bob=$(token bob ken) eve=$(token eve ken) for_another=$(token amy another)
expect 200 'a bot asks' "$amy" default POST /v1/answers "$ask"
expect 403 'a bot writes' "$amy" default PUT /v1/documents/a "$text"
expect 201 'an editor writes' "$bob" other PUT /v1/documents/a "$text"
expect 403 "an editor writes in another's workspace" "$bob" default PUT /v1/documents/a "$text"
expect 401 'nobody in particular asks' "$eve" default POST /v1/answers "$ask"
expect 401 'with a token for another service' "$for_another" default POST /v1/answers "$ask"
expect 401 'with an altered token' "${amy%??????}AAAAAA" default POST /v1/answers "$ask"
signs_in /faqs bob
browses 200 'an editor reads in the console' bob GET /v1/faqs
browses 403 "an editor lists all workspaces in the console" bob GET /v1/workspaces
browses 200 'an editor signs out' bob DELETE '/v1/session?everywhere=true'
browses 401 'an editor reads after the end of the session' bob GET /v1/faqs
signs_in '/?sign_in_error=refused' eve
kill "$provider"
wait "$provider" 2> /dev/null || true
expect 200 'a bot asks while the provider is unavailable' "$amy" default POST /v1/answers "$ask"
exit $failed
