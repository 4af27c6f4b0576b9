//! **Ken**, a knowledge base that answers. It takes in a company's documents and FAQs, indexes them by words and by
//! meaning, and gives a customer-service bot replies of which every sentence is backed by text that can be opened.
//! Whether a question may be answered is decided from the evidence before anything is worded; if it may not, Ken says so.
//!
//! # The map, in reading order
//!
//! | Crate, module | Is |
//! |---|---|
//! | [`ken_base`] `domain` | the nouns: `Document`, `Chunk`, `Query`, `Hit`, `Evidence`, `Citation`, `Answer`. No I/O |
//! | `config` | `Config` in sections; the only place that reads settings |
//! | `outbound` | requests to other servers, within bounds |
//! | `blocking`, `background` | work off the async threads; tasks that are stopped with the service |
//! | `actor`, `digest`, `store_url` | who acts; SHA-256; where a store is |
//! | [`ken_text`] `text` | what a string means: folding, figures, terms, sounds, spoken and other words, sentences, language, highlights. Pure |
//! | `conflict` | do two statements contradict each other. Pure |
//! | `redact` | personal data → placeholders, and back. Pure |
//! | [`ken_ingest`] `ingest` | bytes → text with structure → chunks: one file a family of formats; read by `ken-read` (`src/read.rs`), in bounded processes ([`ken_ingest::ingest::worker`]) |
//! | [`ken_store`] `store` | the system of record, SQLite or PostgreSQL; all SQL (`crates/store/migrations`); the change log; who leads; the vault, a store apart |
//! | `queue` | `Queue`: durable work: retried, in turns among workspaces, with dead letters |
//! | [`ken_search`] `embed`, `vectors` | `Embedder`: texts → vectors; one thread owns the models; what was encoded before is remembered |
//! | `reader` | `Reader`: does a passage answer a question, and where? A cross-encoder of our own (`tools/reader/`) |
//! | `index` | `KeywordIndex` (tantivy, with a forward index that scores what was found), `VectorStore` (usearch or a Qdrant cluster), the `Follower` that keeps both in step with the store |
//! | `retrieve` | `Retriever`: query → hits; `Fusion`; why a document was found or not |
//! | [`ken_answer`] `answer` | message → answer: understand, retrieve, admit, compose, verify, settle contradictions, record; explained, rendered |
//! | `llm` | a client of OpenAI-compatible chat servers; none by default |
//! | [`ken_knowledge`] `editing` | `Gate`: the one door for changes of knowledge; what editors do: files and folders, FAQ import, lint, impact of a change, questions asked again, export and restore |
//! | `jobs` | uploaded files, and changes that take long to check: work of the queue |
//! | [`ken_learn`] `cases` | what human agents resolved → drafts, held against what is known, reviewed, published |
//! | `learn` | what was said of answers, and asked in vain → work; experiments; settings that learn; insights |
//! | `measures` | the measures, a test of differences, the fusion's shares tuned. Pure |
//! | `ken` [`app`] | `App::build`: the one place that connects the parts |
//! | [`http`] | the API, the page, every failure as a problem |
//! | [`keys`], [`oidc`] | `KeyRing`: who sends a request, by a key or by a provider's token |
//! | [`check`], [`doctor`] | do store and indexes agree; is it set up as it should be |
//! | [`encoders`], [`reencode`] | which encoder serves; another one, prepared beside it, in an `App` of its own that takes its place |
//! | [`eval`], [`mod@bench`] | judged questions → measures, runs compared, admission calibrated; a drawn corpus, the real service, questions by the clock |
//! | [`setup`], [`telemetry`] | fetching the models; logging |
//! | `cli`, `main.rs` | the commands: each names its parts and prints what they say |
//!
//! `tests/integration/architecture.rs` compares both lists below with the sources and with `cargo metadata`.
//!
//! ## Crates
//!
//! Each in `crates/NAME`, as `ken-NAME`, with those of ours that it is linked to.
//!
//! ```text
//! base
//! text base
//! ingest base text
//! store base text
//! search base text store
//! answer base text store search
//! knowledge base text ingest store search answer
//! learn base text ingest store search answer knowledge
//! ken base text ingest store search answer knowledge learn
//! ```
//!
//! ## Modules
//!
//! A module names only modules of the lines above its own.
//!
//! ```text
//! actor blocking digest outbound store_url
//! background domain
//! config text
//! conflict embed llm oidc redact setup
//! reader store telemetry
//! ingest keys queue vectors
//! index
//! doctor encoders retrieve
//! answer measures
//! editing
//! cases jobs
//! learn
//! app
//! bench check eval http
//! reencode
//! ```
//!
//! # Three straight lines
//!
//! **Ingest**: read → parse → chunk → record (one transaction, one revision a change) → *acknowledge* → follower:
//! keyword index ‖ encode in batches, vectors → each commits with the revision as watermark.
//!
//! **Answer**: understand → search words ‖ encode, search vectors → fuse → load evidence → read → admit →
//! compose → verify (→ a model's wording, held against the evidence) → record. See [`ken_answer::answer::Answerer::reply`].
//!
//! **Learn**: case → redact (what is taken out goes into the vault) → record → *acknowledge* → distil → group → relate to what
//! is known → draft → a person approves, past the gate and the collision test → ingest. See [`ken_learn::cases::Cases`].
//!
//! # Invariants
//!
//! - The store is the truth. The index folder can be deleted and is rebuilt, from vectors that the store keeps.
//! - A write is acknowledged when its transaction is durable. Revisions of a workspace have no gaps.
//! - Nothing that a model worded leaves before each of its sentences was held against the passage it cites; nothing that a
//!   customer wrote is said back.
//! - Nothing is derived from a case before personal data is out of it; what was taken out is in the vault alone. A model is
//!   asked without it, and logs are written without it.
//! - Nothing learned answers anybody before a person has approved it, unless a workspace lets that class of drafts pass.
//! - `text[start..end]` of the cited document version *is* the quote, or the citation does not leave `answer`.
//! - What is for some, or for some time, is decided inside the searches: a scheduled version is indexed beside the live one.
//! - A change is tried out by searching it beside the indexes, in memory (`retrieve/beside.rs`): nothing of it is recorded.
//! - Evidence is loaded from the store and checked to be live, valid and visible, whatever the indexes say.
//! - What a chunk scores depends on what is there, not on what was deleted or on how segments are merged (`index/view.rs`).
//! - A search that fails is an error with a name, never a quietly shorter list: where encoder or vectors are away, words alone
//!   are searched, and the answer says so. Finding nothing is an answer (a refusal).
//! - Knowledge is changed through `Gate` alone (`editing/gate.rs`; a test finds whoever records without it). `ken import`
//!   and `ken restore` put back a state with judged questions of its own.
//! - Every change is noted, with who made it, in the transaction that makes it (`store/audit.rs`). What the service does by
//!   itself makes no workspace, so that a deleted one stays deleted.
//! - Of several processes on one store one leads (`store/lead.rs`): it alone encodes, writes shared vectors, works off jobs and
//!   cases, and learns. Every process follows the change log into its own keyword index.
//! - An answer that is kept is given again only while the store, both indexes, synonyms and rules are what they were
//!   (`answer/kept.rs`).
//! - Vectors of different encoders are never mixed: the encoder's id stands in the manifest and in the vector cache.
//! - Nothing but [`http`] knows axum; nothing but `config` (and the command line) reads the environment; nothing but
//!   `store` holds SQL. No blocking work on the async runtime.
//!
//! # Where do I add…
//!
//! `http…` is under `src/`; any other module M under `crates/CRATE/src/`, and the table above says in which crate.
//!
//! - *A file format*: a file in `ingest/` (what holds other files: `ingest/containers.rs`, within its `Budget`); in `ingest.rs`
//!   `FORMATS`, `ENDINGS`, `Format`, `parse_at` and, where it is text, `extract_text`; `TYPES` in `http/files.rs`; a
//!   fixture in `tests/fixtures/formats` and its row in `tests/integration/formats.rs`; broken ones in `tests/fixtures/hostile`;
//!   a fuzz target (`TARGETS` in `fuzz/targets.rs`, `fuzz/fuzz_targets/`, `fuzz/Cargo.toml`, `FUZZ` in the Makefile); the list in docs/reference/formats.md. Also by `PUT`: `FormatName` in `http/documents.rs`.
//!   Uploads, folders, archives and the command line go by `ENDINGS`. Unit tests: `cargo test --workspace --lib ingest`.
//! - *An endpoint*: a handler in `http/`, a line in the router (`http.rs`), its right in `RIGHTS` (`http/auth.rs`; without one it
//!   replies 405), its row in docs/reference/routes.md, a test in the file of `tests/integration/` that tests its neighbours, and a free arm of the `match` in `operations()` of
//!   `tests/integration/tenants.rs`; with a JSON body,
//!   `problems_of`. Its bodies are types with `ToSchema`, each field with a comment, and it is called in `replies_match_their_schemas`
//!   (`tests/integration/openapi.rs`); an example is a file in `http/examples/` with its row in `http/examples.rs`. Two snapshots change: `INSTA_UPDATE=always cargo test --test integration -- openapi:: keys::`, then read the diff.
//! - *Background work*: a [`ken_store::queue::Handler`] in the module whose work it is, `.with(…)` in `App::assemble`; enqueued by
//!   `Store::enqueue`, or in one transaction with its data by a store method that calls `enqueue_in`; then `queue.wake()`.
//! - *A table*: the next file in `crates/store/migrations/`, never an edited one; its row in `store/migrations.rs` and in `TABLES` of
//!   `store/workspaces.rs`; tests of it in `tools/postgres/suite.sh`. *A dependency*: `[workspace.dependencies]`, the
//!   crate that uses it, `Cargo.lock`, `fuzz/Cargo.lock` and docs/licences.md.
//! - *A vector back end*: `index/`, then run the contract suite on it.
//! - *Words that mean the same*: `text/lexicon/`, or a workspace's `/v1/synonyms`. *A rule about words*: a pure function in
//!   `text/`, a [`ken_base::config::Part`] to leave it out by, and a row in docs/measured/quality.md.
//! - *What an answer is admitted by*: `tools/reader/`, then `ken calibrate --reading-only`. *A channel*: `answer/render.rs`.
//! - *A measure*: `measures.rs`, with an example worked out by hand. *An attack*: a line in corpus/attacks. *A setting*: `config`.

pub mod app;
pub mod bench;
pub mod check;
pub mod doctor;
pub mod encoders;
pub mod eval;
pub mod http;
pub mod keys;
pub mod oidc;
pub mod reencode;
pub mod setup;
pub mod telemetry;
