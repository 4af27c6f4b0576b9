//! **Ken**, a knowledge base that answers. It ingests a company's documents and FAQs, indexes them for keyword and vector
//! search, and gives a customer-service bot answers in which every sentence cites text that can be opened. Before an answer
//! is composed, Ken decides from the evidence whether the question can be answered. If it cannot, Ken says so.
//!
//! # Modules, in reading order
//!
//! | Crate, module | Contents |
//! |---|---|
//! | [`ken_base`] `domain` | the domain types: `Document`, `Chunk`, `Query`, `Hit`, `Evidence`, `Citation`, `Answer`. No I/O |
//! | `config` | `Config` in sections; the only place that reads settings |
//! | `outbound` | HTTP requests to other servers, with limits |
//! | `blocking`, `background` | blocking work off the async threads; background tasks that stop with the service |
//! | `actor`, `digest`, `store_url` | the actor of a change, for the audit log; SHA-256; store URLs |
//! | [`ken_text`] `text` | text processing by language: folding, numbers, terms, homophones, synonyms, sentences, language, highlights. Pure |
//! | `conflict` | whether two statements contradict each other. Pure |
//! | `redact` | personal data → placeholders, and back. Pure |
//! | [`ken_ingest`] `ingest` | bytes → text with structure → chunks: one file per family of formats; runs in `ken-read` (`src/read.rs`), in worker processes with resource limits ([`ken_ingest::ingest::worker`]) |
//! | [`ken_store`] `store` | the system of record, SQLite or PostgreSQL; all SQL (`crates/store/migrations`); the change log; leader election; the vault, a separate store |
//! | `queue` | `Queue`: durable jobs with retries, fairness among workspaces, dead letters |
//! | [`ken_search`] `embed`, `vectors` | `Embedder`: texts → vectors, on one thread that owns the models; the vector cache |
//! | `reader` | `Reader`: scores whether a passage answers a question, and finds the answer's span. Our own cross-encoder (`tools/reader/`) |
//! | `index` | `KeywordIndex` (tantivy, with a forward index that scores the hits), `VectorStore` (usearch or a Qdrant cluster), the `Follower` that applies the store's change log to both |
//! | `retrieve` | `Retriever`: query → hits; `Fusion`; explains why a document was found or not |
//! | [`ken_answer`] `answer` | message → answer: understand, retrieve, admit, compose, verify, resolve contradictions, record; explain, render |
//! | `llm` | a client of OpenAI-compatible chat servers; none by default |
//! | [`ken_knowledge`] `editing` | `Gate`, which checks every change of knowledge; editors' tools: files and folders, FAQ import, lint, impact of a change, replay of questions, export and restore |
//! | `jobs` | queue jobs: uploaded files, and changes whose check takes long |
//! | [`ken_base`] `desk` | the desk's domain types: inboxes, identities, conversations, messages, and the events that change them. No I/O. Its SQL is in `store/desk/` |
//! | [`ken_customers`](../ken_customers/index.html) `identify`, `merging`, `normalize`, `tokens` | who wrote, and which identities are one customer; signed tokens |
//! | [`ken_conversations`] `service`, `intake`, `replies`, `deliveries`, `actions` | `Desk`: takes messages in once, has the bot answer them, sends what is written |
//! | `attachments`, `files` | files of messages, in a folder beside the store; those on platforms are fetched |
//! | [`ken_channels`](../ken_channels/index.html) `channel`, `ladder`, `line`, `whatsapp` … | the contracts of platforms, one file each: verify, parse, write requests; by which way a message may go out. Pure. `platforms` makes the requests |
//! | [`ken_mail`](../ken_mail/index.html) `message`, `quotes`, `automatic`, `thread`, `compose`, `verify` … | e-mail: what a mail says, who wrote it, which conversation it continues; replies as mails. Pure but for `verify`. `smtp`, `imap` speak with mail servers |
//! | `responder`, `phrases`, `secrets`, `chat`, `erasure`, `writer` | who answers (pure rules); fixed texts; sealed secrets of inboxes; sessions of the web chat; erasure; the one writer of the log |
//! | `traffic`, `last_webhooks` | metrics of channels; the last request of each platform, in memory |
//! | [`ken_learn`] `cases` | cases that human agents resolved → drafts, compared with the knowledge, reviewed, published |
//! | `learn` | feedback and unanswered questions → work for editors; experiments; tuning; insights |
//! | `measures` | metrics of ranking and admission, a significance test, tuning of the fusion. Pure |
//! | `ken` [`app`] | `App::build`: the only place that connects the parts |
//! | [`http`] | the API, the web console, errors as problem details (RFC 9457); the APIs of OpenAI's clients and of Dify |
//! | [`keys`], [`oidc`] | `KeyRing`: authentication by a key or by a provider's token |
//! | [`sessions`] | `Sessions`: sign-in to the console, by a key or at the provider |
//! | [`check`], [`doctor`] | consistency of store and indexes; common misconfigurations |
//! | [`shadow`] | what the bot would have sent, beside what agents said |
//! | [`webhooks`] | what happens is recorded for those who asked for it, and sent to them; its types are in `webhook` of `ken_base` |
//! | [`mailboxes`] | mails are fetched and received; [`ken_mail`](../ken_mail/index.html) reads, verifies, writes and sends them |
//! | [`inbox_setup`] | connecting and testing inboxes, for the API and `ken inbox` |
//! | [`retention`] | what is recorded and learned from conversations on the desk is forgotten with them |
//! | [`backups`] | backups that the running service writes |
//! | [`encoders`], [`reencode`] | which encoder is active; switching to another one, prepared in a standby `App` |
//! | [`eval`], [`mod@bench`] | judged questions → metrics, comparison of runs, calibration of admission; load test on a synthetic corpus |
//! | [`setup`], [`telemetry`] | download of the models; logging and tracing |
//! | `cli`, `main.rs` | the commands: each calls its parts and prints their results |
//!
//! `tests/integration/architecture.rs` compares both lists below with the sources and with `cargo metadata`.
//!
//! ## Crates
//!
//! Each is in `crates/NAME`, as `ken-NAME`. A line names a crate, then the workspace crates that it depends on.
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
//! channels base
//! mail base
//! customers base store
//! conversations base text store answer channels mail customers
//! ken base text ingest store search answer knowledge learn channels mail customers conversations
//! ```
//!
//! ## Modules
//!
//! A module depends only on modules in earlier lines.
//!
//! ```text
//! actor blocking digest outbound signature store_url webhook
//! background domain
//! config desk fields quotes text xml
//! channel conflict embed html_text last_webhooks limits llm normalize oidc phrases redact report responses server setup traffic
//! calls imap ladder line message reader responder slack store telegram telemetry twilio wechat whatsapp
//! access attachments automatic compose identify ingest keys messenger queue results secrets thread vectors writer
//! chat index merging sessions smtp tokens verify
//! backups doctor encoders retrieve
//! answer measures
//! editing intake
//! actions cases erasure jobs mails replies
//! platforms
//! deliveries files inbox_setup learn
//! service
//! mailboxes retention shadow webhooks
//! app
//! bench check eval http
//! reencode
//! ```
//!
//! # Three pipelines
//!
//! **Ingest**: read → parse → chunk → record (one transaction, one revision per change) → *acknowledge*. Then the
//! follower: keyword index ‖ encode in batches, vector index. Each index commits with the revision as its watermark.
//!
//! **Answer**: understand → keyword search ‖ encode, vector search → fuse → load evidence → read → admit →
//! compose → verify → record. A language model may rewrite the draft; its text is verified against the evidence. See
//! [`ken_answer::answer::Answerer::reply`].
//!
//! **Learn**: case → redact (personal data goes to the vault) → record → *acknowledge* → distil → group → compare with the
//! knowledge → draft → a person approves, after the gate and the collision test → ingest. See [`ken_learn::cases::Cases`].
//!
//! # Invariants
//!
//! - The store is the system of record. The index folder can be deleted; it is rebuilt from vectors that the store caches.
//! - A write is acknowledged when its transaction is durable. Revisions of a workspace have no gaps.
//! - A language model's sentence is sent only after it has been verified against the passage it cites. An answer never
//!   repeats text that a customer wrote.
//! - Nothing is derived from a case before its personal data is removed. Removed data exists in the vault only.
//!   Language models and logs receive text without it.
//! - Learned knowledge answers questions only after a person has approved it, unless a workspace publishes that class of
//!   drafts automatically.
//! - The quote of every returned citation equals `text[start..end]` of the cited document version.
//! - The searches themselves filter by audience and validity. A scheduled version is indexed together with the live
//!   one.
//! - A preview indexes the changed documents in memory and searches them together with the indexes
//!   (`retrieve/overlay.rs`). It does not record the change.
//! - Evidence is loaded from the store and checked to be live, valid and visible, whatever the indexes contain.
//! - A chunk's score depends on the live chunks only, not on deleted ones or on merges of segments (`index/snapshot.rs`).
//! - A failed search returns an error, never a silently shorter list. If the encoder or the vectors are unavailable,
//!   only keywords are searched, and the answer has a note about it. No hits is not an error: the answer is a refusal.
//! - Knowledge changes only through `Gate` (`editing/gate.rs`); a test finds code that bypasses it. `ken import`
//!   and `ken restore` do not pass it: they restore a state together with its judged questions.
//! - Every change is logged with its actor in its own transaction (`store/audit.rs`). Background work never
//!   creates a workspace, so a deleted one stays deleted.
//! - Of several processes on one store, one is the leader (`store/leader_election.rs`). Only the leader encodes, writes shared
//!   vectors, runs jobs, distils cases and learns. Every process applies the change log to its own keyword index.
//! - A cached answer is returned only while the store, both indexes, synonyms and rules are unchanged (`answer/cache.rs`).
//! - Vectors of different encoders are never mixed: the manifest and the vector cache hold the encoder's id.
//! - Only [`http`] uses axum, only `config` and the command line read the environment, only `store` contains SQL. The
//!   async runtime runs no blocking work.
//!
//! # Where do I add…
//!
//! `http…` is under `src/`. Any other module M is under `crates/CRATE/src/`; the table above names the crate.
//!
//! - *A file format*: a file in `ingest/` (container formats: `ingest/containers.rs`, within its `Budget`). In `ingest.rs`:
//!   `FORMATS`, `ENDINGS`, `FileFormat`, `parse_at` and, for text formats, `extract_text`. `TYPES` in `http/files.rs`; for
//!   `PUT` also `TextFormat` in `domain/document.rs` of ken-base. A fixture in `tests/fixtures/formats` and its row in
//!   `tests/integration/formats.rs`; broken files in `tests/fixtures/hostile`. A fuzz target (`TARGETS` in
//!   `fuzz/targets.rs`, `fuzz/fuzz_targets/`, `fuzz/Cargo.toml`, `FUZZ` in the Makefile). The list in
//!   docs/reference/formats.md. Uploads, folders, archives and the command line use `ENDINGS`. Unit tests:
//!   `cargo test --workspace --lib ingest`.
//! - *An endpoint*: a handler in `http/`, a line in the router (`http.rs`), its required right in `RIGHTS`
//!   (`http/auth.rs`; without one the reply is 405), its row in docs/reference/routes.md. A test among those of its
//!   area in `tests/integration/`, and an unused arm of the `match` in `operations()` of
//!   `tests/integration/tenants.rs`. An endpoint with a JSON body also needs a line in `problems_of` (`http.rs`). Its
//!   bodies are types with `ToSchema` and a comment on each field, and `replies_match_their_schemas`
//!   (`tests/integration/openapi.rs`) calls it. An example is a file in `http/examples/` with its row in
//!   `http/examples.rs`. Write what is generated again and read the diff: `INSTA_UPDATE=always KEN_UPDATE_REFERENCE=1
//!   cargo test --test integration -- keys:: openapi:: reference::`, then `make console` for the console's types.
//! - *Background work*: a [`ken_store::queue::Handler`] in the module that owns the work, and `.with(…)` in
//!   `App::assemble`. Enqueue it by `Store::enqueue`, or in one transaction with its data by a store method that calls
//!   `enqueue_in`. Then call `queue.wake()`.
//! - *A table*: the next file in `crates/store/migrations/` (never edit an old one), its row in `store/migrations.rs` and in
//!   `TABLES` of `store/workspaces.rs`, its tests in `tools/postgres/suite.sh`.
//! - *A dependency*: `[workspace.dependencies]`, the crate that uses it, `Cargo.lock`, `fuzz/Cargo.lock` and
//!   docs/licences.md.
//! - *A vector back end*: `index/`, then run the contract tests on it.
//! - *Synonyms*: `text/lexicon/`, or a workspace's `/v1/synonyms`.
//! - *A text rule*: a pure function in `text/`, a [`ken_base::config::SearchFeature`] to disable it, and a row in
//!   docs/measured/quality.md.
//! - *Admission*: `tools/reader/`, then `ken calibrate --reading-only`.
//! - *A channel*: `answer/render.rs`. *A metric*: `measures.rs`, with an example computed by hand. *An attack*: a line
//!   in corpus/attacks/cases.jsonl. *A setting*: `config`.

#![deny(missing_docs)]

pub mod app;
pub mod backups;
pub mod bench;
pub mod check;
pub mod doctor;
pub mod encoders;
pub mod eval;
pub mod http;
pub mod inbox_setup;
pub mod keys;
pub mod mailboxes;
pub mod oidc;
pub mod reencode;
pub mod retention;
pub mod sessions;
pub mod setup;
pub mod shadow;
pub mod telemetry;
pub mod webhooks;
