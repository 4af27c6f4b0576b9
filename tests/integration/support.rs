//! Shared helpers: settings, the encoder, and `TestApp`, a service on a port of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use half::f16;
use ken::app::{App, default_workspace};
use ken::http;
use ken_base::config::Config;
use ken_knowledge::editing::files::{self, IngestReport};
use ken_search::embed::Embedder;
use ken_store::store::StoredVector;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use tempfile::TempDir;
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinHandle;

use crate::postgres;

#[path = "support/replies.rs"]
mod replies;

pub use replies::{
    Answer, CasesKept, Draft, Effects, Experiment, Found, Imported, Job, Written, read,
};

/// The repository's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pointers to the invalid values of a 422.
pub fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect()
}

/// Runs work to its end on a runtime of its own; the caller may already be inside another.
pub fn off_runtime<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let builder = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            builder.unwrap().block_on(work)
        });
        thread.join().unwrap()
    })
}

/// The URL of the store for a folder: a file in it, or a database of the server that the tests use.
pub fn store_in(folder: &Path) -> String {
    match postgres::chosen() {
        Some(server) => postgres::database_for(&server, folder),
        None => format!("sqlite://{}", folder.join("data/ken.db").display()),
    }
}

/// The default settings with all data in `folder`, and the models that `ken setup` prepares.
pub fn config_in(folder: &Path) -> Config {
    let mut config = Config::default();
    config.store.url = store_in(folder);
    config.index.dir = folder.join("indexes");
    config.desk.key_file = folder.join("desk.key");
    config.desk.attachments_dir = folder.join("attachments");
    config.models.dir = models_dir();
    // Platforms and receivers are on loopback.
    config.outbound.private_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config.ingest.reader = Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read");
    // Many tests ask at once, on a machine that is theirs together.
    config.http.max_wait_ms = 600_000;
    // Reading costs a tenth of a second a passage; `read_passages` is for the tests that are about it.
    config.reader.enabled = false;
    config.completed()
}

/// Has passages read, however long that takes.
pub fn read_passages(config: &mut Config) {
    config.reader.enabled = true;
    config.reader.budget_ms = 60_000;
}

pub fn models_dir() -> PathBuf {
    std::env::var_os("KEN_MODELS__DIR").map_or_else(|| root().join("models"), PathBuf::from)
}

/// The real encoder, loaded once for all tests.
pub fn embedder() -> Embedder {
    static EMBEDDER: OnceLock<Embedder> = OnceLock::new();
    let mut config = Config {
        models: ken_base::config::ModelsConfig { dir: models_dir() },
        ..Config::default()
    };
    // Many tests ask it at once, and each waits for its turn.
    config.encoder.max_wait_ms = 600_000;
    let config = config.completed();
    EMBEDDER
        .get_or_init(|| {
            Embedder::open(&config.encoder)
                .expect("the models are prepared: run `ken setup` (make test does)")
        })
        .clone()
}

pub fn client() -> Client {
    ken_base::outbound::choose_cryptography();
    let builder = Client::builder().timeout(Duration::from_secs(180));
    builder.build().unwrap()
}

/// A service in a directory of its own, on a port that the system chose.
pub struct TestApp {
    pub app: Arc<App>,
    pub address: String,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
    pub folder: Arc<TempDir>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_in(folder, change).await
    }

    pub async fn start_in(folder: Arc<TempDir>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config_in(folder.path());
        change(&mut config);
        let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
        let app = Arc::new(App::build_with(config, encoder).await.unwrap());
        Self::serve(app, folder).await
    }

    /// Serves a service that is built already.
    pub async fn serve(app: Arc<App>, folder: Arc<TempDir>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(http::serve(app.clone(), listener, async {
            let _ = stopped.await;
        }));
        Self {
            app,
            address,
            client: client(),
            stop: Some(stop),
            serving: Some(serving),
            folder,
        }
    }

    /// A service with the sample shop, searchable.
    pub async fn with_shop() -> Self {
        let this = Self::start().await;
        this.ingest_shop().await;
        this
    }

    /// Ingests the sample shop and waits until it can be searched. Its passages are encoded once for all tests, since a build
    /// for tests takes some ten seconds for them; a store that has vectors of its texts does not have them encoded again.
    pub async fn ingest_shop(&self) {
        static VECTORS: OnceCell<Vec<StoredVector>> = OnceCell::const_new();
        let vectors = VECTORS.get_or_init(async || {
            let first = Box::pin(Self::start()).await;
            first.ingest(&root().join("corpus/shop/knowledge")).await;
            sqlx::any::install_default_drivers();
            let url = &first.app.config.store.url;
            let mut store = sqlx::AnyConnection::connect(url).await.unwrap();
            let rows: Vec<(String, Vec<u8>)> =
                sqlx::query_as("SELECT text_hash, vector FROM vectors")
                    .fetch_all(&mut store)
                    .await
                    .unwrap();
            store.close().await.unwrap();
            first.stop().await;
            assert!(
                rows.len() > 200,
                "the sample shop has more than 200 vectors"
            );
            let vector = |bytes: Vec<u8>| -> Vec<f16> {
                let pairs = bytes.as_chunks().0.iter();
                pairs.map(|pair| f16::from_le_bytes(*pair)).collect()
            };
            let rows = rows.into_iter();
            rows.map(|(hash, bytes)| (hash, vector(bytes))).collect()
        });
        let (vectors, encoder) = (vectors.await, self.app.embedder.id());
        let (store, workspace) = (&self.app.store, default_workspace());
        store.ensure_workspace(&workspace).await.unwrap();
        store
            .insert_vectors(&workspace, encoder, vectors)
            .await
            .unwrap();
        let report = self.ingest(&root().join("corpus/shop/knowledge")).await;
        assert_eq!(report.failed, [], "the sample knowledge has no errors");
    }

    /// Ingests a path and waits until it can be searched.
    pub async fn ingest(&self, path: &Path) -> IngestReport {
        let workspace = default_workspace();
        let report = files::ingest(
            self.app.ingester(),
            &workspace,
            &[path.to_owned()],
            files::IngestOptions::default(),
            |_, _| {},
        )
        .await
        .unwrap();
        self.app.follower.wake();
        assert!(
            self.app
                .follower
                .wait_for(&workspace, report.revision, Duration::from_secs(600))
                .await
        );
        report
    }

    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let expected = if status.is_success() {
            "application/json"
        } else {
            "application/problem+json"
        };
        assert_eq!(kind, expected, "{path}");
        (status, response.json().await.unwrap())
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.request(Method::POST, path, Some(body)).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.request(Method::GET, path, None).await
    }

    /// Writes a Markdown document and waits until it can be searched.
    pub async fn put(&self, id: &str, body: Value) -> Value {
        let (status, written) = self
            .request(
                Method::PUT,
                &format!("/v1/documents/{id}?wait=indexed"),
                Some(body),
            )
            .await;
        assert!(status.is_success(), "{written}");
        if written["indexed"] != true {
            // The reply waits for a while, which may be too short where all tests start at once.
            let (workspace, revision) = (default_workspace(), written["revision"].as_i64());
            let patience = Duration::from_secs(120);
            let follower = &self.app.follower;
            let indexed = follower.wait_for(&workspace, revision.unwrap(), patience);
            assert!(indexed.await, "{written}");
        }
        written
    }

    pub async fn ask(&self, question: &str) -> Answer {
        self.answer(json!({ "question": question })).await
    }

    /// The reply to `POST /v1/answers` with this body.
    pub async fn answer(&self, body: Value) -> Answer {
        let (status, reply) = self.post("/v1/answers", body).await;
        assert_eq!(status, 200, "{reply}");
        read(reply)
    }

    /// The reply to `POST /v1/search` with this body.
    pub async fn search(&self, body: Value) -> Found {
        let (status, reply) = self.post("/v1/search", body).await;
        assert_eq!(status, 200, "{reply}");
        read(reply)
    }

    /// Waits until a run of the judged questions has ended, and returns it.
    pub async fn finish_run(&self, id: &str, key: Option<&str>) -> Value {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let mut request = self
                .client
                .get(format!("{}/v1/judged-runs/{id}", self.address));
            if let Some(key) = key {
                request = request.bearer_auth(key);
            }
            let read: Value = request.send().await.unwrap().json().await.unwrap();
            let state = read["run"]["state"].as_str().unwrap_or_default();
            if !["queued", "running"].contains(&state) {
                return read;
            }
            assert!(Instant::now() < until, "the run does not end: {read}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no backup is being written, and returns the list of backups.
    pub async fn finish_backup(&self) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let (_, listed) = self.get("/v1/backups").await;
            if listed["running"].is_null() {
                return listed;
            }
            assert!(Instant::now() < until, "the backup does not end: {listed}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Each quote of a citation equals the text at its span of the cited document version.
    pub async fn assert_citations_resolve(&self, answer: &Answer) {
        for citation in &answer.citations {
            let id = citation.document_id.replace('/', "%2F");
            let version = citation.document_version;
            let path = format!("/v1/documents/{id}?version={version}");
            let (_, document) = self.get(&path).await;
            let text = document["text"].as_str().unwrap();
            assert_eq!(text[citation.start..citation.end], citation.quote);
        }
    }

    /// Stops as SIGTERM would: requests that were accepted are finished, everything is saved.
    pub async fn stop(mut self) -> Arc<TempDir> {
        let _ = self.stop.take().unwrap().send(());
        drop(std::mem::take(&mut self.client));
        self.serving.take().unwrap().await.unwrap().unwrap();
        self.app.close().await;
        self.folder.clone()
    }
}
