//! [`Config`] in sections, the only place that reads settings files or the environment.
//!
//! Defaults stand in code, then comes a TOML file where one is given (or `ken.toml` where it exists), then
//! variables `KEN_SECTION__KEY`. Unknown keys are refused, and all faults are reported together.

mod check;
mod secret;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::Level;
use crate::store_url::{is_postgres, without_password};

pub use secret::Secret;

/// All settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub http: HttpConfig,
    pub auth: AuthConfig,
    pub store: StoreConfig,
    pub index: IndexConfig,
    /// Where vectors are. Default `embedded`. `KEN_VECTORS`
    pub vectors: VectorsAt,
    pub qdrant: QdrantConfig,
    pub ingest: IngestConfig,
    pub models: ModelsConfig,
    pub encoder: EncoderConfig,
    pub retrieve: RetrieveConfig,
    pub reader: ReaderConfig,
    pub answer: AnswerConfig,
    pub llm: LlmConfig,
    pub learn: LearnConfig,
    pub log: LogConfig,
}

/// `[http]`: the service's door.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to listen. While there are no keys, `ken serve` takes loopback addresses only. `KEN_HTTP__LISTEN`
    pub listen: SocketAddr,
    /// The largest request body in bytes. Default 4 MiB. `KEN_HTTP__MAX_BODY_BYTES`
    pub max_body_bytes: usize,
    /// How many requests are worked on at once before more are refused with 429. Default 256.
    /// `KEN_HTTP__MAX_CONCURRENT`
    pub max_concurrent: usize,
    /// How many of them may be one key's, so that no key takes all. 128; no setting.
    #[serde(skip)]
    pub max_concurrent_per_key: usize,
    /// How long a question may take, by what is in work and the pace at which it gets done, before it is refused with 429
    /// instead; half of it once there has been something in work for a second without a pause. From eight in work on, and not
    /// where a chat server words answers. Milliseconds, default 200. `KEN_HTTP__MAX_WAIT_MS`
    pub max_wait_ms: u64,
    /// How many requests a key may send a minute; a sixth of them at once. More are refused with 429 and the time to wait. 0:
    /// as many as come. Default 60,000. `KEN_HTTP__REQUESTS_PER_MINUTE`
    pub requests_per_minute: u32,
    /// After how many milliseconds a request is given up, as is a connection that sends no whole head of one. Default 30,000.
    /// `KEN_HTTP__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// A certificate chain and its private key in PEM: then connections are encrypted (TLS 1.2 and 1.3). Read again when they
    /// change. `KEN_HTTP__TLS_CERT`, `KEN_HTTP__TLS_KEY`
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// From where pages may call the API in a browser, as `https://help.example.com`. None by default. File only.
    pub cors_origins: Vec<String>,
}

/// `[auth]`: an OpenID Connect provider whose tokens count beside keys. None by default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Who issues the tokens, as their `iss` says. Empty: none. `KEN_AUTH__ISSUER`
    pub issuer: String,
    /// For whom they have to be, as their `aud` says. `KEN_AUTH__AUDIENCE`
    pub audience: String,
    /// Where the provider's keys are; found by its issuer (OpenID Connect Discovery) where absent. `KEN_AUTH__JWKS_URL`
    pub jwks_url: Option<String>,
    /// The claim that holds a role, or a list with one: `bot`, `editor`, `agent`, `admin`, `operator`. Default `ken_role`.
    /// `KEN_AUTH__ROLE_CLAIM`
    pub role_claim: String,
    /// The claim that holds the workspace; an operator has none. Default `ken_workspace`. `KEN_AUTH__WORKSPACE_CLAIM`
    pub workspace_claim: String,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            jwks_url: None,
            role_claim: "ken_role".into(),
            workspace_claim: "ken_workspace".into(),
        }
    }
}

/// `[store]`: the system of record.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// An SQLite file, or `postgres://USER:PASSWORD@HOST/DATABASE` for several processes. Default `sqlite://data/ken.db`.
    /// `KEN_STORE__URL`
    pub url: String,
    /// Where what is taken out of cases is kept: a store of its own. Where empty, beside an SQLite store, as
    /// `sqlite://data/vault.db`, or a table of the PostgreSQL database. `KEN_STORE__VAULT_URL`
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
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexConfig {
    /// May be deleted at will; rebuilt from the store. Default `indexes`. `KEN_INDEX__DIR`
    pub dir: PathBuf,
    /// How often the store is asked for changes made by another process, in milliseconds. 1,000; no setting.
    #[serde(skip)]
    pub poll_ms: u64,
}

/// Where vectors are kept and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorsAt {
    /// In this process' memory, with snapshots in `index.dir`.
    #[default]
    Embedded,
    /// In a Qdrant cluster, which any number of processes search.
    Qdrant,
}

/// `[qdrant]`: the cluster, where `vectors` is `qdrant`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QdrantConfig {
    /// The gRPC addresses of its nodes, with commas between them, as `http://10.0.0.1:6334,http://10.0.0.2:6334`. One that does
    /// not answer is left for the next. `KEN_QDRANT__URL`
    pub url: String,
    /// `KEN_QDRANT__KEY`
    pub key: Option<Secret>,
    /// A file that holds the key; wins over `key`. `KEN_QDRANT__KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// What collections' names begin with; the encoder's follows. Default `ken`. `KEN_QDRANT__COLLECTION`
    pub collection: String,
    /// How many nodes hold each vector. Counts where the collection is made. Default 1. `KEN_QDRANT__REPLICATION`
    pub replication: u32,
    /// Into how many parts the collection is split. Counts where it is made. Default 1. `KEN_QDRANT__SHARDS`
    pub shards: u32,
    /// Up to how many chunks that a filter admits are named one by one; more are described by what they are. 1,000; no setting.
    #[serde(skip)]
    pub max_keys: u64,
}

/// `[ingest]`: files are read by processes of their own, within limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// The program that reads files; `ken-read` beside this one where empty. No setting.
    #[serde(skip)]
    pub reader: PathBuf,
    /// PDFium's library, which `ken setup` fetches: `<models.dir>/pdfium/libpdfium.so`. No setting.
    #[serde(skip)]
    pub pdfium: PathBuf,
    /// How many files are read at once. 2; no setting.
    #[serde(skip)]
    pub readers: usize,
    /// After how many milliseconds reading a file is given up. Default 30,000. `KEN_INGEST__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// How many bytes of address space reading a file may take. Default 1 GiB. `KEN_INGEST__MEMORY_BYTES`
    pub memory_bytes: u64,
    /// The largest file read, in bytes. Default 128 MiB. `KEN_INGEST__MAX_FILE_BYTES`
    pub max_file_bytes: u64,
    /// The largest upload of files, in bytes. Default 256 MiB. `KEN_INGEST__MAX_UPLOAD_BYTES`
    pub max_upload_bytes: usize,
}

/// `[models]`: where `ken setup` puts what it fetches.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Default `models`. `KEN_MODELS__DIR`
    pub dir: PathBuf,
}

/// `[encoder]`: the model that turns texts into vectors.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// A folder with `encoder.json`, used alone. `KEN_ENCODER__PATH`
    pub path: Option<PathBuf>,
    /// Where it is not set: encoders used together, see [`EncoderPart`]. Default: those that `ken setup`
    /// prepares, with the shares that were best on the development sets (docs/measured/quality.md). File only.
    pub parts: Vec<EncoderPart>,
    /// ONNX Runtime's library or the folder that holds it. Default `<models.dir>/onnxruntime`.
    /// `KEN_ENCODER__RUNTIME`
    pub runtime: PathBuf,
    /// Threads of each model for one forward pass; with more than one, the models encode a few texts beside each other. Default:
    /// all cores. `KEN_ENCODER__THREADS`
    pub threads: usize,
    /// How many questions may wait before more are refused. 256; no setting.
    #[serde(skip)]
    pub queue_capacity: usize,
    /// How many questions' vectors are kept in memory; 0: none. 4,096, some 15 MB; no setting.
    #[serde(skip)]
    pub kept: usize,
    /// How many milliseconds a question may have to wait for the encoder, by what those before it took; where it would wait
    /// longer it is refused at once, so that those that are not keep their time. Default 250. `KEN_ENCODER__MAX_WAIT_MS`
    pub max_wait_ms: u64,
}

/// `[[encoder.parts]]`: one of several encoders whose vectors are joined into one. The dot product of joined
/// vectors is the mean of the parts' cosines by their shares, so one index and one search serve all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderPart {
    /// A folder with `encoder.json`; where relative, below `models.dir`.
    pub path: PathBuf,
    /// Its weight in the mean, > 0; the shares are scaled to sum to 1.
    pub share: f32,
}

/// `[reader]`: the cross-encoder that decides whether a passage answers a question.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReaderConfig {
    /// Whether passages are read. Without reading, search scores alone decide. Default true. `KEN_READER__ENABLED`
    pub enabled: bool,
    /// The folder with `reader.json`. Default `<models.dir>/reader`. `KEN_READER__PATH`
    pub path: PathBuf,
    /// How many of the best passages are read at most, 1 to 10; those behind the second only where neither answers. 3;
    /// no setting.
    #[serde(skip)]
    pub passages: usize,
    /// How many milliseconds reading may take for one question; beyond it search scores decide, one level stricter.
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

/// `[retrieve]`: how hits are found.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrieveConfig {
    /// How much words count in coverage fusion, and how much that they stand together; closeness in meaning has the
    /// rest. `ken tune` finds them for given questions. Defaults .25 and .17, measured on the development sets
    /// (docs/measured/quality.md): the mean moves by less than .3 points of nDCG@10 within .1 of them.
    /// `KEN_RETRIEVE__KEYWORD_SHARE`, `KEN_RETRIEVE__PROXIMITY_SHARE`
    pub keyword_share: f32,
    pub proximity_share: f32,
    /// How many candidates each leg proposes. 50; no setting.
    #[serde(skip)]
    pub candidates: usize,
    /// Parts of the search that are left out: what each is worth is measured so. None; no setting.
    #[serde(skip)]
    pub without: Vec<Part>,
}

/// A part of the search that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Spoken words and courtesy in questions, `text::written`.
    Spoken,
    /// Other words for the same, `text::Synonyms`.
    Lexicon,
    /// Han of the same sound for those that the collection does not have.
    Homophones,
    /// Nearly the same spelling for Latin words that the collection does not have.
    Fuzzy,
    /// How close together a question's words stand.
    Proximity,
    /// FAQ questions as a search of their own by words.
    FaqQuestions,
    /// What an FAQ says that it does not answer.
    Negatives,
    /// A place for the best that is not in the question's writing, where the collection holds both.
    OtherWriting,
}

impl std::str::FromStr for Part {
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
            _ => return Err(format!("{name:?} is no part of the search")),
        })
    }
}

/// `[answer]`: when to answer, and what is kept of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerConfig {
    /// How sure an answer has to be, where a workspace says nothing else. Default `balanced`. `KEN_ANSWER__LEVEL`
    pub level: Level,
    /// The least confidence with which a question is answered, in [0, 1], in place of the level's. Default: the level's.
    /// `KEN_ANSWER__MIN_CONFIDENCE`
    pub min_confidence: Option<f32>,
    /// A model of admission that `ken calibrate` wrote; the one compiled in where absent. `KEN_ANSWER__MODEL`
    pub model: Option<PathBuf>,
    /// After how many days without a turn a conversation is forgotten; 0 keeps them. Default 90.
    /// `KEN_ANSWER__KEEP_DAYS`
    pub keep_days: u32,
    /// How many answers are kept in memory for as long as nothing they rest on changes; 0: none. Where a model words answers,
    /// none are. 1,000, some 30 MB; no setting.
    #[serde(skip)]
    pub kept: usize,
}

/// `[learn]`: what cases, feedback and logged questions are made into.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnConfig {
    /// After how many days a case is forgotten, with what was taken out of it; 0 keeps them. Default 365.
    /// `KEN_LEARN__KEEP_CASES_DAYS`
    pub keep_cases_days: u32,
    /// After how many days what was taken out of cases is forgotten, the cases staying; 0 keeps it as long as the case.
    /// Default 90. `KEN_LEARN__KEEP_VAULT_DAYS`
    pub keep_vault_days: u32,
    /// After how many hours without the customer's coming back a question counts as resolved. Default 72.
    /// `KEN_LEARN__REOPEN_HOURS`
    pub reopen_hours: u32,
    /// How often settings are learned anew from judged and rated questions, in hours; 0: only on demand. Default 24.
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

/// `[llm]`: an OpenAI-compatible chat server that words answers from admitted evidence. None by default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmConfig {
    /// Its base address, up to and without `/chat/completions`, as `http://127.0.0.1:8081/v1`. Empty: none.
    /// `KEN_LLM__URL`
    pub url: String,
    /// The model's name at that server. `KEN_LLM__MODEL`
    pub model: String,
    /// The server's key. `KEN_LLM__KEY`
    pub key: Option<Secret>,
    /// A file that holds the key; wins over `key`. `KEN_LLM__KEY_FILE`
    pub key_file: Option<PathBuf>,
    /// How long a wording may take in all; the next rung answers then. Default 15,000. `KEN_LLM__TIMEOUT_MS`
    pub timeout_ms: u64,
    /// How long the server may be silent, in milliseconds. 5,000; no setting.
    #[serde(skip)]
    pub idle_ms: u64,
    /// How often a server that is away, busy or out of order is asked again. 2; no setting.
    #[serde(skip)]
    pub retries: usize,
    /// The longest wording, in the model's tokens. 600; no setting.
    #[serde(skip)]
    pub max_tokens: u32,
    /// What a million tokens cost, in any currency; unknown where absent. `KEN_LLM__PROMPT_PRICE`,
    /// `KEN_LLM__COMPLETION_PRICE`
    pub prompt_price: Option<f64>,
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

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// tracing's filter syntax. Default `info,tantivy=warn,ort=warn` for `ken serve`, `warn` for other commands.
    /// `KEN_LOG__FILTER`
    pub filter: Option<String>,
    /// One JSON object a line instead of text. Default false. `KEN_LOG__JSON`
    pub json: bool,
    /// An OpenTelemetry collector (OTLP over HTTP) that gets a span a request and stage, as `http://127.0.0.1:4318`. None by
    /// default. `KEN_LOG__OTLP_URL`
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
            cors_origins: Vec::new(),
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
            kept: 4_096,
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
            kept: 1_000,
        }
    }
}

/// The folders below `models.dir` that `ken setup` prepares, with their shares. E5's cosines lie close together
/// and USE's far apart, so that six to one gives both about the same say.
const DEFAULT_PARTS: [(&str, f32); 2] = [
    ("multilingual-e5-small-zh-en", 6.0),
    ("use-multilingual-v3", 1.0),
];

/// The vault beside an SQLite store: `sqlite://data/ken.db` → `sqlite://data/vault.db`; a table of its own in PostgreSQL.
fn beside(url: &str) -> String {
    match url.rsplit_once('/') {
        Some((folder, _)) if url.starts_with("sqlite:") => format!("{folder}/vault.db"),
        _ if is_postgres(url) => url.to_owned(),
        _ => "sqlite://data/vault.db".to_owned(),
    }
}

/// Variables that tell tests where servers are, and are no settings.
const OF_TESTS: &str = "KEN_TEST_";

/// The settings that stand in no section.
const WITHOUT_SECTION: [&str; 1] = ["KEN_VECTORS"];

/// Whether an environment variable is a setting: one of a section (`KEN_STORE__URL`) or of [`WITHOUT_SECTION`]. Other
/// programs use names like `KEN_HOME`.
fn is_setting(name: &str) -> bool {
    (name.contains("__") || WITHOUT_SECTION.contains(&name)) && !name.starts_with(OF_TESTS)
}

/// What is wrong with the settings, all of it.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|f| format!("  - {f}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the settings: defaults, then `file` (or `ken.toml` where it exists), then the environment.
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
            self.store.vault_url = beside(&self.store.url);
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
    fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
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
    fn all_faults_are_reported_together() {
        let error = load(
            "[http]\nmax_concurrent = 0\n[store]\nurl = \"x\"\n[answer]\nmin_confidence = 2.0",
            &[],
        )
        .unwrap_err();
        assert_eq!(error.0.len(), 3, "{error}");
        assert!(error.to_string().contains("store.url"));
    }

    #[test]
    fn variables_outside_of_a_section_are_no_settings() {
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
    fn unknown_keys_and_wrong_types_are_refused_by_name() {
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
