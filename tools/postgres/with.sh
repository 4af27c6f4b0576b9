#!/bin/sh
# Runs a command with KEN_TEST_POSTGRES_URL set to a private PostgreSQL server from the distribution's package (Debian:
# postgresql), in a temporary folder. If the package is not installed or the variable is already set, the command runs
# unchanged.
#   tools/postgres/with.sh cargo test
set -eu
if [ -n "${KEN_TEST_POSTGRES_URL:-}" ]; then
    exec "$@"
fi
bin=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V | tail -1)
if [ -z "$bin" ] && command -v initdb > /dev/null; then
    bin=$(dirname "$(command -v initdb)")
fi
if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
    echo "no PostgreSQL server is installed (Debian: apt-get install postgresql): its tests are not run" >&2
    exec "$@"
fi
folder=$(mktemp -d /tmp/ken-postgres.XXXXXX)
# PostgreSQL does not run as root.
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
finish() {
    as "$bin/pg_ctl" -D "$folder/data" -m immediate stop > /dev/null 2>&1 || true
    rm -rf "$folder"
}
trap finish EXIT INT TERM
as "$bin/initdb" -D "$folder/data" -U ken --auth=trust --encoding=UTF8 --locale=C.UTF-8 > "$folder.log" 2>&1 \
    || { cat "$folder.log" >&2; rm -f "$folder.log"; exit 1; }
rm -f "$folder.log"
# A free port.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# The data is temporary, so it need not survive a crash and does not wait for the disk.
as "$bin/pg_ctl" -D "$folder/data" -w -t 300 -l "$folder/data/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=500 -c shared_buffers=256MB -c fsync=off -c full_page_writes=off" start \
    > /dev/null
export KEN_TEST_POSTGRES_URL="postgres://ken@127.0.0.1:$port/postgres"
"$@"
