#!/bin/sh
# The tests of what the store does, once more with every store in PostgreSQL. Those left out are about files, or about what is
# the same wherever the store is.
set -eu
if [ -z "${KEN_TEST_POSTGRES_URL:-}" ]; then
    exit 0
fi
KEN_TEST_STORE=postgres cargo test --locked --workspace --test integration -- \
    answers:: cases:: conflicts:: conversations:: documents:: editing:: experiments:: filters:: gate:: ingestion:: keys:: learning:: \
    queue:: tenants:: wording:: "$@"
