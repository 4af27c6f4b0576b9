//! Liveness, readiness and metrics.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::IsOperator;
use super::problem::Problem;
use super::schema_enums;
use ken_search::retrieve::Degraded;

/// Whether the service can answer from all stored knowledge.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether questions can be answered from everything that is stored.
    pub ready: bool,
    /// Unavailable components: `encoder_unavailable` or `vectors_unavailable` (keyword search only; answers carry a note),
    /// `llm_unavailable` (answers are quoted, not generated).
    #[schema(value_type = Vec<schema_enums::Degradation>)]
    pub degraded: Vec<String>,
    /// Whether this process is the leader.
    pub leads: bool,
    /// Id of the encoder.
    pub encoder: String,
    /// Version of the reader; `null` if the reader is disabled and search scores alone decide.
    pub reader: Option<String>,
    /// Operators only; empty for other callers.
    pub workspaces: Vec<WorkspaceReadiness>,
    /// Indexing error, if any. Operators only.
    pub error: Option<String>,
}

/// How far a workspace's indexes are.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceReadiness {
    /// The workspace's name.
    pub workspace: String,
    /// Newest stored revision.
    pub revision: i64,
    /// Newest searchable revision.
    pub indexed: i64,
    /// Newest revision in the keyword index.
    pub words: i64,
}

/// Liveness: the process is running.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// Readiness: the model is loaded and the indexes are up to date, or the service can run degraded. Otherwise 503 with
/// the same body.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness))
)]
pub async fn readyz(
    State(state): State<AppState>,
    IsOperator(is_operator): IsOperator,
) -> Result<(StatusCode, axum::Json<Readiness>), Problem> {
    let progress = state.app.follower.progress().borrow().clone();
    let workspaces: Vec<WorkspaceReadiness> = state
        .app
        .store
        .workspaces()
        .await?
        .into_iter()
        .map(|(workspace, revision)| WorkspaceReadiness {
            words: progress.words.get(&workspace).copied().unwrap_or(0),
            indexed: progress.indexed.get(&workspace).copied().unwrap_or(0),
            workspace: workspace.into(),
            revision,
        })
        .collect();
    // Only operators see which workspaces are ready.
    let mut degraded: Vec<String> = state
        .app
        .retriever
        .degraded()
        .into_iter()
        .map(|part| part.as_str().to_owned())
        .collect();
    if progress.lacks_vectors && degraded.is_empty() {
        degraded.push(Degraded::Vectors.as_str().to_owned());
    }
    let lacks_vectors = !degraded.is_empty();
    if state.app.answerer.llm_is_unavailable() {
        degraded.push("llm_unavailable".to_owned());
    }
    let has_words = workspaces.iter().all(|w| w.words >= w.revision);
    let has_all = workspaces.iter().all(|w| w.indexed >= w.revision);
    let ready = match lacks_vectors {
        // Keyword search alone is better than no service.
        true => has_words,
        false => has_all && progress.error.is_none(),
    };
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let encoder = state.app.embedder.id().to_owned();
    Ok((
        status,
        axum::Json(Readiness {
            ready,
            degraded,
            leads: state.app.leadership.is_leader(),
            encoder,
            reader: state.app.answerer.reader_version().map(str::to_owned),
            workspaces: match is_operator {
                true => workspaces,
                false => Vec::new(),
            },
            error: progress.error.filter(|_| is_operator),
        }),
    ))
}

/// Metrics in Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String)))]
pub async fn metrics(State(state): State<AppState>) -> Result<String, Problem> {
    let progress = state.app.follower.progress().borrow().clone();
    for (workspace, revision) in state.app.store.workspaces().await? {
        let indexed = progress.indexed.get(&workspace).copied().unwrap_or(0);
        metrics::gauge!("ken_revision_lag", "workspace" => workspace.to_string())
            .set((revision - indexed) as f64);
    }
    let (n_work, n_dead, n_cases) = state.app.store.n_waiting().await?;
    metrics::gauge!("ken_queue_waiting").set(n_work as f64);
    metrics::gauge!("ken_queue_dead_letters").set(n_dead as f64);
    metrics::gauge!("ken_cases_waiting").set(n_cases as f64);
    let now = state.app.store.now();
    super::metrics::set_backlog(&state.app.store.desk_backlog(now).await?, now);
    let degraded = state.app.retriever.degraded();
    for part in [Degraded::Encoder, Degraded::Vectors] {
        let is_unavailable = u8::from(degraded.contains(&part));
        metrics::gauge!("ken_degraded", "part" => part.as_str()).set(is_unavailable);
    }
    let llm_is_unavailable = u8::from(state.app.answerer.llm_is_unavailable());
    metrics::gauge!("ken_degraded", "part" => "llm_unavailable").set(llm_is_unavailable);
    metrics::gauge!("ken_requests_in_flight").set(state.n_in_flight() as f64);
    let wait = state.app.embedder.expected_wait();
    metrics::gauge!("ken_encoder_wait_seconds").set(wait.as_secs_f64());
    metrics::gauge!("ken_encoder_queue_length").set(state.app.embedder.n_waiting() as f64);
    metrics::counter!("ken_texts_encoded_total").absolute(progress.n_encoded);
    Ok(super::metrics::render())
}
