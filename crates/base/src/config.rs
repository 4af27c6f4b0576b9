//! [`Config`] in sections, the only place that reads settings files or the environment.
//!
//! Precedence, lowest first: defaults in code, a TOML file (`--config`, or `ken.toml` if it exists), environment variables
//! `KEN_SECTION__KEY`. Unknown keys are rejected, and all errors are reported together.

mod check;
pub mod reference;
mod secret;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use crate::domain::Level;
use crate::store_url::{is_postgres, without_credentials, without_password};

pub use secret::Secret;

/// All settings.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub http: HttpConfig,
    /// The identity provider.
    pub auth: AuthConfig,
    /// The system of record.
    pub store: StoreConfig,
    /// The derived indexes.
    pub index: IndexConfig,
    /// Vector storage. Default `embedded`. `KEN_VECTORS`
    pub vectors: VectorBackend,
    /// The Qdrant cluster.
    pub qdrant: QdrantConfig,
    /// Limits of parsing files.
    pub ingest: IngestConfig,
    /// Where the models are.
    pub models: ModelsConfig,
    /// The embedding models.
    pub encoder: EncoderConfig,
    /// Search and ranking.
    pub retrieve: RetrieveConfig,
    /// The cross-encoder.
    pub reader: ReaderConfig,
    /// When to answer, and retention.
    pub answer: AnswerConfig,
    /// The language model.
    pub llm: LlmConfig,
    /// Learning from cases and feedback.
    pub learn: LearnConfig,
    /// Conversations with customers.
    pub desk: DeskConfig,
    /// Where requests may go.
    pub outbound: OutboundConfig,
    /// Backups by the service.
    pub backup: BackupConfig,
    /// Logs and traces.
    pub log: LogConfig,
}

/// `[http]`: the HTTP server.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address to listen on. Default `127.0.0.1:8080`. Without keys, `ken serve` accepts loopback addresses only.
    /// `KEN_HTTP__LISTEN`
    pub listen: SocketAddr,
    /// Maximum request body in bytes. Default 4 MiB. `KEN_HTTP__MAX_BODY_BYTES`
    pub max_body_bytes: usize,
    /// Maximum number of concurrent requests; more are rejected with 429. Default 256.
    /// `KEN_HTTP__MAX_CONCURRENT`
    pub max_concurrent: usize,
    /// Maximum number of concurrent requests per key. 128; no setting.
    #[serde(skip)]
    pub max_concurrent_per_key: usize,
    /// Maximum estimated queueing time of a question in milliseconds; above it the question is rejected with 429. Default
    /// 200. Halved after one second of continuous load. Applies from eight questions in flight on, and not if `llm.url` is
    /// set. `KEN_HTTP__MAX_WAIT_MS`
    pub max_wait_ms: u64,
    /// Rate limit per key, in requests per minute, with bursts of a sixth of it. More are rejected with 429 and
    /// `Retry-After`. 0: no limit. Default 60,000. `KEN_HTTP__REQUESTS_PER_MINUTE`
    pub requests_per_minute: u32,
    /// Timeout of a request, and of receiving its headers, in milliseconds. Default 30,000. `KEN_HTTP__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// Certificate chain and private key (PEM); both enable TLS 1.2 and 1.3. Reloaded when the files change.
    /// `KEN_HTTP__TLS_CERT`, `KEN_HTTP__TLS_KEY`
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of `tls_cert`.
    pub tls_key: Option<PathBuf>,
    /// Address of the service in browsers, for example `https://ken.example.com`; needed behind a proxy that ends TLS.
    /// Default: that of the request. With `https`, the console's cookie is sent over TLS only. `ken inbox` prints the
    /// addresses of webhooks below it. `KEN_HTTP__PUBLIC_URL`
    pub public_url: String,
    /// Origins allowed to call the API from a browser (CORS), for example `https://help.example.com`. Default: none. File
    /// only.
    pub cors_origins: Vec<String>,
    /// Host names, with or without a port, at which clients of the Model Context Protocol may call `/mcp`, besides
    /// `localhost` and that of `public_url`; `*` for all. Default: none. File only.
    pub mcp_hosts: Vec<String>,
}

/// `[desk]`: conversations with customers. Without an inbox, nothing of it is used.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskConfig {
    /// File with the key that seals the secrets of inboxes; created with the first inbox. Back it up apart from the store.
    /// Default `data/desk.key`. `KEN_DESK__KEY_FILE`
    pub key_file: PathBuf,
    /// Folder with the files of messages, which all processes of a store share. Created with the first file. Back it up
    /// after the store. Default `data/attachments`. `KEN_DESK__ATTACHMENTS_DIR`
    pub attachments_dir: PathBuf,
    /// Maximum size of a file of a message in bytes. Default 16 MiB. `KEN_DESK__MAX_ATTACHMENT_BYTES`
    pub max_attachment_bytes: usize,
    /// Servers of the domain name system, with their ports, that are asked for the keys which verify mails, for example
    /// `["10.0.0.53:53"]`. Default: the system's. File only.
    pub dns_servers: Vec<SocketAddr>,
}

/// `[outbound]`: requests to addresses which a workspace's admins choose.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundConfig {
    /// Private networks, for example `["10.0.0.0/8"]`, to which webhooks may be sent, and from which files of messages are
    /// fetched and a platform's account is shown; public addresses always may. Default: none. File only.
    pub private_networks: Vec<ipnet::IpNet>,
}

/// `[auth]`: an OpenID Connect provider, in addition to keys: Ken accepts its tokens, and people sign in to the console
/// with it. Default: none.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Issuer of the tokens (claim `iss`). Empty: no provider. `KEN_AUTH__ISSUER`
    #[serde(serialize_with = "public_url")]
    pub issuer: String,
    /// Required audience of the tokens (claim `aud`). `KEN_AUTH__AUDIENCE`
    pub audience: String,
    /// URL of the provider's keys (JWKS). Default: found by OpenID Connect Discovery. `KEN_AUTH__JWKS_URL`
    #[serde(serialize_with = "optional_public_url")]
    pub jwks_url: Option<String>,
    /// Claim that contains the role, or a list with one: `bot`, `editor`, `agent`, `admin`, `operator`. Default `ken_role`.
    /// `KEN_AUTH__ROLE_CLAIM`
    pub role_claim: String,
    /// Claim that contains the workspace; operators have none. Default `ken_workspace`. `KEN_AUTH__WORKSPACE_CLAIM`
    pub workspace_claim: String,
    /// Client id of Ken at the provider; people then sign in to the console there. The redirect address to register is
    /// `http.public_url` and `/v1/session/oidc/callback`. Default: none. `KEN_AUTH__CLIENT_ID`
    pub client_id: String,
    /// Client secret; none for a public client. `KEN_AUTH__CLIENT_SECRET`
    pub client_secret: Option<Secret>,
    /// File that contains the client secret; overrides `client_secret`. `KEN_AUTH__CLIENT_SECRET_FILE`
    pub client_secret_file: Option<PathBuf>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            jwks_url: None,
            role_claim: "ken_role".into(),
            workspace_claim: "ken_workspace".into(),
            client_id: String::new(),
            client_secret: None,
            client_secret_file: None,
        }
    }
}

/// `[store]`: the system of record.
#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// SQLite file, or `postgres://USER:PASSWORD@HOST/DATABASE` for several processes. Default `sqlite://data/ken.db`.
    /// `KEN_STORE__URL`
    #[serde(serialize_with = "public_url")]
    pub url: String,
    /// Vault: a separate store for personal data redacted from cases. Default: `vault.db` in the folder of the SQLite
    /// store, or a table of the PostgreSQL database. `KEN_STORE__VAULT_URL`
    #[serde(serialize_with = "public_url")]
    pub vault_url: String,
}

impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreConfig")
            .field("url", &without_password(&self.url))
            .field("vault_url", &without_password(&self.vault_url))
            .finish()
    }
}

/// `[index]`: derived data only.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexConfig {
    /// Index folder; can be deleted at any time and is rebuilt from the store. Default `indexes`. `KEN_INDEX__DIR`
    pub dir: PathBuf,
    /// Interval for polling changes by other processes, in milliseconds. 1,000; no setting.
    #[serde(skip)]
    pub poll_ms: u64,
}

/// Where vectors are stored and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorBackend {
    /// In memory, with snapshots in `index.dir`.
    #[default]
    Embedded,
    /// In a Qdrant cluster shared by any number of processes.
    Qdrant,
}

/// `[qdrant]`: the Qdrant cluster, used if `vectors` is `qdrant`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct QdrantConfig {
    /// Comma-separated gRPC URLs of its nodes, for example `http://10.0.0.1:6334,http://10.0.0.2:6334`. If a node fails,
    /// the next one is used. `KEN_QDRANT__URL`
    #[serde(serialize_with = "public_url")]
    pub url: String,
    /// API key. `KEN_QDRANT__KEY`
    pub key: Option<Secret>,
    /// File that contains the API key; overrides `key`. `KEN_QDRANT__KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// Prefix of collection names, followed by the encoder's name. Default `ken`. `KEN_QDRANT__COLLECTION`
    pub collection: String,
    /// Replication factor; applied when the collection is created. Default 1. `KEN_QDRANT__REPLICATION`
    pub replication: u32,
    /// Number of shards; applied when the collection is created. Default 1. `KEN_QDRANT__SHARDS`
    pub shards: u32,
    /// Maximum number of chunk ids in a filter; larger filters use conditions. 1,000; no setting.
    #[serde(skip)]
    pub max_keys: u64,
}

/// `[ingest]`: limits of the separate processes that parse files.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Program that parses files. Default: `ken-read` next to this program. No setting.
    #[serde(skip)]
    pub reader: PathBuf,
    /// PDFium library, downloaded by `ken setup`: `<models.dir>/pdfium/libpdfium.so`. No setting.
    #[serde(skip)]
    pub pdfium: PathBuf,
    /// Number of files parsed concurrently. 2; no setting.
    #[serde(skip)]
    pub readers: usize,
    /// Timeout of parsing a file, in milliseconds. Default 30,000. `KEN_INGEST__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// Address space limit of parsing a file, in bytes. Default 1 GiB. `KEN_INGEST__MEMORY_BYTES`
    pub memory_bytes: u64,
    /// Maximum file size in bytes. Default 128 MiB. `KEN_INGEST__MAX_FILE_BYTES`
    pub max_file_bytes: u64,
    /// Maximum upload size in bytes, all files together. Default 256 MiB. `KEN_INGEST__MAX_UPLOAD_BYTES`
    pub max_upload_bytes: usize,
    /// Maximum size in bytes of an uploaded file that is kept as the original of its documents; larger ones are read and
    /// not kept. 0 keeps none. Default 10 MiB. `KEN_INGEST__KEEP_ORIGINAL_BYTES`
    pub keep_original_bytes: usize,
}

/// `[models]`: models and libraries downloaded by `ken setup`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Folder. Default `models`. `KEN_MODELS__DIR`
    pub dir: PathBuf,
}

/// `[encoder]`: the model that turns texts into vectors.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// Folder with `encoder.json`; if set, the only encoder. `KEN_ENCODER__PATH`
    pub path: Option<PathBuf>,
    /// Encoders used together if `path` is not set, see [`EncoderPart`]. Default: those prepared by `ken setup`, with the
    /// best shares on the development sets (docs/measured/quality.md). File only.
    pub parts: Vec<EncoderPart>,
    /// ONNX Runtime library, or the folder that contains it. Default `<models.dir>/onnxruntime`.
    /// `KEN_ENCODER__RUNTIME`
    pub runtime: PathBuf,
    /// Threads per model for one forward pass; with more than one, the models run in parallel on small batches. Default: all
    /// cores. `KEN_ENCODER__THREADS`
    pub threads: usize,
    /// Maximum queue length; more questions are rejected. 256; no setting.
    #[serde(skip)]
    pub queue_capacity: usize,
    /// Number of cached question vectors; 0 disables the cache. 4,096 (about 15 MB); no setting.
    #[serde(skip)]
    pub cache_entries: usize,
    /// Maximum estimated waiting time for the encoder, in milliseconds; above it the question is rejected. Default 250.
    /// `KEN_ENCODER__MAX_WAIT_MS`
    pub max_wait_ms: u64,
}

/// `[[encoder.parts]]`: one of several encoders whose vectors are joined into one. The dot product of joined
/// vectors is the mean of the parts' cosines by their shares, so one index and one search serve all.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderPart {
    /// Folder with `encoder.json`; relative paths are resolved against `models.dir`.
    pub path: PathBuf,
    /// Weight in the mean, above 0; shares are normalised to sum to 1.
    pub share: f32,
}

/// `[reader]`: the cross-encoder that decides whether a passage answers a question.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReaderConfig {
    /// Whether the reader is used; otherwise search scores alone decide. Default true. `KEN_READER__ENABLED`
    pub enabled: bool,
    /// Folder with `reader.json`. Default `<models.dir>/reader`. `KEN_READER__PATH`
    pub path: PathBuf,
    /// Maximum number of passages read, 1 to 10; passages after the second only if neither answers. 3; no setting.
    #[serde(skip)]
    pub passages: usize,
    /// Time budget of the reader per question, in milliseconds; when exceeded, search scores decide, one level stricter.
    /// Default 1,000. `KEN_READER__BUDGET_MS`
    pub budget_ms: u64,
}

impl Default for ReaderConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            path: PathBuf::new(),
            passages: 3,
            budget_ms: 1_000,
        }
    }
}

/// `[retrieve]`: search and ranking.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrieveConfig {
    /// Weights of keyword match and term proximity in the fused score; vector similarity has the rest. `ken tune` finds
    /// them for given questions. Defaults 0.25 and 0.17, measured on the development sets (docs/measured/quality.md): nDCG@10 varies
    /// by less than 0.3 points within 0.1 of them.
    /// `KEN_RETRIEVE__KEYWORD_SHARE`, `KEN_RETRIEVE__PROXIMITY_SHARE`
    pub keyword_share: f32,
    /// Weight of term proximity, see `keyword_share`.
    pub proximity_share: f32,
    /// Number of candidates per leg. 50; no setting.
    #[serde(skip)]
    pub candidates: usize,
    /// Disabled parts of the search, for ablation. None; no setting.
    #[serde(skip)]
    pub without: Vec<SearchFeature>,
}

/// A part of the search that can be disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchFeature {
    /// Normalisation of spoken words and courtesy in questions, `text::written`.
    Spoken,
    /// Synonym expansion, `text::Synonyms`.
    Lexicon,
    /// Homophones for Chinese words missing in the collection.
    Homophones,
    /// Fuzzy spelling for Latin words missing in the collection.
    Fuzzy,
    /// Term proximity.
    Proximity,
    /// Separate keyword search over FAQ questions.
    FaqQuestions,
    /// Negative questions of FAQs.
    Negatives,
    /// A reserved rank for the best passage in another script than the question, if the collection has both.
    OtherWriting,
}

impl std::str::FromStr for SearchFeature {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "spoken" => Self::Spoken,
            "lexicon" => Self::Lexicon,
            "homophones" => Self::Homophones,
            "fuzzy" => Self::Fuzzy,
            "proximity" => Self::Proximity,
            "faq_questions" => Self::FaqQuestions,
            "negatives" => Self::Negatives,
            "other_writing" => Self::OtherWriting,
            _ => return Err(format!("unknown part {name:?}")),
        })
    }
}

/// `[answer]`: when to answer, and retention.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerConfig {
    /// Confidence level required to answer, unless the workspace sets its own. Default `balanced`. `KEN_ANSWER__LEVEL`
    pub level: Level,
    /// Minimum confidence to answer, 0 to 1; overrides the level. Default: that of the level.
    /// `KEN_ANSWER__MIN_CONFIDENCE`
    pub min_confidence: Option<f32>,
    /// Answerability model written by `ken calibrate`. Default: the built-in model. `KEN_ANSWER__MODEL`
    pub model: Option<PathBuf>,
    /// Retention of conversations: days since the last turn; 0 disables deletion. Default 90.
    /// `KEN_ANSWER__KEEP_DAYS`
    pub keep_days: u32,
    /// Number of cached answers, invalidated when their evidence changes; 0 disables the cache. Not used with a language
    /// model. 1,000 (about 30 MB); no setting.
    #[serde(skip)]
    pub cache_entries: usize,
}

/// `[learn]`: learning from cases, feedback and logged questions.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnConfig {
    /// Retention of cases and their redacted personal data, in days; 0 disables deletion. Default 365.
    /// `KEN_LEARN__KEEP_CASES_DAYS`
    pub keep_cases_days: u32,
    /// Retention of redacted personal data, in days; 0: as long as the case. Default 90.
    /// `KEN_LEARN__KEEP_VAULT_DAYS`
    pub keep_vault_days: u32,
    /// Hours after which a question that was not reopened counts as resolved. Default 72.
    /// `KEN_LEARN__REOPEN_HOURS`
    pub reopen_hours: u32,
    /// Interval for learning settings from judged and rated questions, in hours; 0: only on demand. Default 24.
    /// `KEN_LEARN__TUNE_EVERY_HOURS`
    pub tune_every_hours: u32,
}

impl Default for LearnConfig {
    fn default() -> Self {
        Self {
            keep_cases_days: 365,
            keep_vault_days: 90,
            reopen_hours: 72,
            tune_every_hours: 24,
        }
    }
}

/// `[llm]`: an OpenAI-compatible chat server that generates answers from the evidence. Default: none.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmConfig {
    /// Base URL without `/chat/completions`, for example `http://127.0.0.1:8081/v1`. Empty: none.
    /// `KEN_LLM__URL`
    #[serde(serialize_with = "public_url")]
    pub url: String,
    /// Model name. `KEN_LLM__MODEL`
    pub model: String,
    /// API key. `KEN_LLM__KEY`
    pub key: Option<Secret>,
    /// File that contains the API key; overrides `key`. `KEN_LLM__KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// Timeout of generation, in milliseconds; the answer is quoted instead when exceeded. Default 15,000. `KEN_LLM__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// Timeout between chunks of the reply, in milliseconds. 5,000; no setting.
    #[serde(skip)]
    pub idle_ms: u64,
    /// Number of retries if the server is unreachable, busy or failing. 2; no setting.
    #[serde(skip)]
    pub retries: usize,
    /// Maximum number of generated tokens. 600; no setting.
    #[serde(skip)]
    pub max_tokens: u32,
    /// Price per million tokens, in any currency. Default: unknown. `KEN_LLM__PROMPT_PRICE`,
    /// `KEN_LLM__COMPLETION_PRICE`
    pub prompt_price: Option<f64>,
    /// Price per million generated tokens, see `prompt_price`.
    pub completion_price: Option<f64>,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            model: String::new(),
            key: None,
            key_file: None,
            timeout_ms: 15_000,
            idle_ms: 5_000,
            retries: 2,
            max_tokens: 600,
            prompt_price: None,
            completion_price: None,
        }
    }
}

/// `[backup]`: backups by the running service.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupConfig {
    /// Folder into which `POST /v1/backups` writes. Default: none, so that only `ken backup` makes backups.
    /// `KEN_BACKUP__DIR`
    pub dir: Option<PathBuf>,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Log filter (syntax of `tracing`). Default `info,tantivy=warn,ort=warn` for `ken serve`, `warn` for other commands.
    /// `KEN_LOG__FILTER`
    pub filter: Option<String>,
    /// Log JSON, one object per line. Default false. `KEN_LOG__JSON`
    pub json: bool,
    /// OpenTelemetry collector (OTLP over HTTP) that receives one span per request and stage, for example
    /// `http://127.0.0.1:4318`. Default: none. `KEN_LOG__OTLP_URL`
    #[serde(serialize_with = "public_url")]
    pub otlp_url: String,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            max_body_bytes: 4 << 20,
            max_concurrent: 256,
            max_concurrent_per_key: 128,
            max_wait_ms: 200,
            requests_per_minute: 60_000,
            timeout_ms: 30_000,
            tls_cert: None,
            tls_key: None,
            public_url: String::new(),
            cors_origins: Vec::new(),
            mcp_hosts: Vec::new(),
        }
    }
}

impl Default for DeskConfig {
    fn default() -> Self {
        Self {
            key_file: "data/desk.key".into(),
            attachments_dir: "data/attachments".into(),
            max_attachment_bytes: 16 << 20,
            dns_servers: Vec::new(),
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://data/ken.db".into(),
            vault_url: String::new(),
        }
    }
}

impl Default for QdrantConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:6334".into(),
            key: None,
            key_file: None,
            collection: "ken".into(),
            replication: 1,
            shards: 1,
            max_keys: 1_000,
        }
    }
}

impl Default for IndexConfig {
    fn default() -> Self {
        Self {
            dir: "indexes".into(),
            poll_ms: 1_000,
        }
    }
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            reader: PathBuf::new(),
            pdfium: PathBuf::new(),
            readers: 2,
            timeout_ms: 30_000,
            memory_bytes: 1 << 30,
            max_file_bytes: 128 << 20,
            max_upload_bytes: 256 << 20,
            keep_original_bytes: 10 << 20,
        }
    }
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self {
            dir: "models".into(),
        }
    }
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            path: None,
            parts: Vec::new(),
            runtime: PathBuf::new(),
            threads: 0,
            queue_capacity: 256,
            max_wait_ms: 250,
            cache_entries: 4_096,
        }
    }
}

impl Default for RetrieveConfig {
    fn default() -> Self {
        Self {
            keyword_share: 0.25,
            proximity_share: 0.17,
            candidates: 50,
            without: Vec::new(),
        }
    }
}

impl Default for AnswerConfig {
    fn default() -> Self {
        Self {
            level: Level::default(),
            min_confidence: None,
            model: None,
            keep_days: 90,
            cache_entries: 1_000,
        }
    }
}

/// Folders below `models.dir` that `ken setup` prepares, with their shares. The cosines of E5 lie close together and
/// those of USE far apart; six to one gives both about the same influence.
const DEFAULT_PARTS: [(&str, f32); 2] = [
    ("multilingual-e5-small-zh-en", 6.0),
    ("use-multilingual-v3", 1.0),
];

/// Default URL of the vault: a file beside an SQLite store (`sqlite://data/ken.db` → `sqlite://data/vault.db`), or the
/// PostgreSQL database itself.
fn default_vault_url(url: &str) -> String {
    match url.rsplit_once('/') {
        Some((folder, _)) if url.starts_with("sqlite:") => format!("{folder}/vault.db"),
        _ if is_postgres(url) => url.to_owned(),
        _ => "sqlite://data/vault.db".to_owned(),
    }
}

/// Prefix of variables that tests read; they are not settings.
const OF_TESTS: &str = "KEN_TEST_";

/// Settings outside of any section.
const WITHOUT_SECTION: [&str; 1] = ["KEN_VECTORS"];

/// Whether an environment variable is a setting: in a section (`KEN_STORE__URL`) or in [`WITHOUT_SECTION`]. Other
/// programs use names like `KEN_HOME`.
fn is_setting(name: &str) -> bool {
    (name.contains("__") || WITHOUT_SECTION.contains(&name)) && !name.starts_with(OF_TESTS)
}

/// Serializes addresses, separated by commas, without their credentials.
fn public_url<S: Serializer>(urls: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let urls: Vec<String> = urls.split(',').map(without_credentials).collect();
    serializer.serialize_str(&urls.join(","))
}

/// Like [`public_url`], for an address that may be absent.
fn optional_public_url<S: Serializer>(
    url: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let url = url.as_deref().map(without_credentials);
    url.serialize(serializer)
}

/// All errors in the settings.
#[derive(Debug, thiserror::Error)]
#[error("invalid settings:\n{}", .0.iter().map(|f| format!("  - {f}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the settings: defaults, then `file` (or `ken.toml` if it exists), then the environment.
    ///
    /// # Errors
    /// A missing or malformed `file`, unknown keys, wrong types, and all values out of range.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let settings = std::env::vars_os()
            .filter_map(text)
            .filter(|(name, _)| is_setting(name));
        let environment = config::Environment::with_prefix("KEN")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(settings.collect()));
        Self::load_from(file, environment)
    }

    fn load_from(
        file: Option<&Path>,
        environment: config::Environment,
    ) -> Result<Self, ConfigError> {
        let fault = |error: config::ConfigError| ConfigError(vec![error.to_string()]);
        let path = file.unwrap_or(Path::new("ken.toml"));
        let source = config::File::from(path)
            .format(config::FileFormat::Toml)
            .required(file.is_some());
        let config: Config = config::Config::builder()
            .add_source(source)
            .add_source(environment)
            .build()
            .map_err(fault)?
            .try_deserialize()
            .map_err(fault)?;
        config.completed().checked()
    }

    /// Fills in the defaults that depend on other settings.
    pub fn completed(mut self) -> Self {
        let models = self.models.dir.clone();
        let encoder = &mut self.encoder;
        if encoder.parts.is_empty() {
            let part = |(path, share): (&str, f32)| EncoderPart {
                path: path.into(),
                share,
            };
            encoder.parts = DEFAULT_PARTS.map(part).to_vec();
        }
        for part in &mut encoder.parts {
            // An absolute path stays as it is.
            part.path = models.join(&part.path);
        }
        if encoder.runtime.as_os_str().is_empty() {
            encoder.runtime = models.join("onnxruntime");
        }
        if self.ingest.pdfium.as_os_str().is_empty() {
            self.ingest.pdfium = models.join("pdfium/libpdfium.so");
        }
        if self.reader.path.as_os_str().is_empty() {
            self.reader.path = models.join("reader");
        }
        if self.store.vault_url.is_empty() {
            self.store.vault_url = default_vault_url(&self.store.url);
        }
        if encoder.threads == 0 {
            encoder.threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ken.toml");
        std::fs::write(&file, toml).unwrap();
        let variables = variables
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        let environment = config::Environment::with_prefix("KEN")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(variables));
        Config::load_from(Some(&file), environment)
    }

    #[test]
    fn environment_overrides_file_and_file_overrides_defaults() {
        let config = load(
            "[http]\nlisten = \"127.0.0.1:9000\"\n[models]\ndir = \"m\"",
            &[
                ("KEN_HTTP__LISTEN", "127.0.0.1:9001"),
                ("KEN_ANSWER__KEEP_DAYS", "7"),
            ],
        )
        .unwrap();
        assert_eq!(config.http.listen.port(), 9001);
        assert_eq!(config.answer.keep_days, 7);
        assert_eq!(
            config.encoder.parts[0].path,
            Path::new("m/multilingual-e5-small-zh-en")
        );
        assert_eq!(config.store.url, "sqlite://data/ken.db");
    }

    #[test]
    fn config_errors_are_reported_together() {
        let error = load(
            "[http]\nmax_concurrent = 0\n[store]\nurl = \"x\"\n[answer]\nmin_confidence = 2.0",
            &[],
        )
        .unwrap_err();
        assert_eq!(error.0.len(), 3, "{error}");
        assert!(error.to_string().contains("store.url"));
    }

    #[test]
    fn variable_without_section_is_not_a_setting() {
        for (name, expected) in [
            ("KEN_HTTP__LISTEN", true),
            ("KEN_HOME", false),
            ("KEN_VECTORS", true),
            ("KEN_TEST_POSTGRES_URL", false),
        ] {
            assert_eq!(is_setting(name), expected, "{name}");
        }
    }

    #[test]
    fn unknown_key_or_wrong_type_error_names_it() {
        for (toml, word) in [
            ("[http]\nport = 1", "port"),
            ("[htp]\n", "htp"),
            ("[http]\nmax_concurrent = \"many\"", "max_concurrent"),
            ("[http\n", "ken.toml"),
            ("[index]\npoll_ms = 1", "poll_ms"),
        ] {
            let error = load(toml, &[]).unwrap_err().to_string();
            assert!(error.contains(word), "{toml}: {error}");
        }
        let missing = Config::load(Some(Path::new("/no/such/ken.toml")))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/no/such/ken.toml"), "{missing}");
    }
}
