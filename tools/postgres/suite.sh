#!/bin/sh
# Runs the store's tests again with every store in PostgreSQL. Tests about files, and tests that do not depend on the
# store, are left out.
set -eu
if [ -z "${KEN_TEST_POSTGRES_URL:-}" ]; then
    exit 0
fi
KEN_TEST_STORE=postgres cargo test --locked --workspace --test integration -- \
    answers:: cases:: channel_metrics:: conflicts:: conversations:: desk:: desk_api:: desk_files:: documents:: editing:: experiments:: filters:: gate:: imports:: ingestion:: judged_runs:: \
    keys:: learning:: lists:: queue:: responses:: sessions:: storm:: tenants:: webhook_endpoints:: wording:: writes:: "$@"
