//! The HTTP interface: router, layers, server, and one file per resource. No other module uses axum or a status code.

mod admission_control;
mod answers;
mod attachments;
mod audit;
mod auth;
mod backups;
mod bulk;
mod cases;
mod changed;
mod chat;
mod config;
mod console;
mod conversations;
mod cookies;
mod customers;
mod dead_letters;
mod desk_conversations;
mod dify;
mod doctor;
mod documents;
mod drafts;
mod error_shapes;
mod examples;
mod experiments;
mod extract;
mod faqs;
mod feedback;
mod files;
mod health;
mod impact;
mod imports;
mod inbound;
mod inboxes;
mod insights;
mod jobs;
mod judged_runs;
mod keys;
mod lifecycle;
mod mcp;
mod metrics;
mod openai;
mod originals;
mod page;
mod preconditions;
mod problem;
mod questions;
mod schema_enums;
mod search;
mod sessions;
mod settings;
mod stream;
mod synonyms;
mod uploads;
mod webhook_endpoints;
mod webhooks;
mod workspaces;

pub use answers::AnswerResponse;

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;
use crate::backups::Backups;
use ken_base::outbound;
use problem::Problem;

/// The state that handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The service.
    pub app: Arc<App>,
    permits: Arc<Semaphore>,
    load: Arc<admission_control::AdmissionControl>,
    rates: Option<Arc<auth::Rates>>,
    in_flight_per_key: Arc<auth::InFlightPerKey>,
    sign_ins: Arc<sessions::SignInRates>,
    chats: Arc<chat::ChatRates>,
    webhooks: Arc<webhooks::Webhooks>,
    backups: Backups,
    /// Held while the service is checked.
    checking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ken",
        description = "A knowledge base for customer service that answers with citations, or refuses. \
                       Every error is `application/problem+json` (RFC 9457); branch on its `type`. The routes of the \
                       tags `openai` and `dify` return errors in the shapes of those ecosystems."
    ),
    tags(
        (name = "answers", description = "Answers with citations"),
        (name = "search", description = "Ranked passages"),
        (name = "documents", description = "Articles, uploads and their versions"),
        (name = "faqs", description = "Curated questions and answers"),
        (name = "editing", description = "Change previews, judged questions, lint and reviews"),
        (name = "conversations", description = "Recorded conversations"),
        (name = "learning", description = "Cases, drafts, feedback, gaps and experiments"),
        (name = "desk", description = "Inboxes, customers and conversations over all channels"),
        (name = "channels", description = "What platforms call, and whether an inbox is connected"),
        (name = "webhooks", description = "Addresses that are sent what happens"),
        (name = "chat", description = "The web chat, as a visitor's browser calls it"),
        (name = "synonyms", description = "Synonym groups"),
        (name = "openai", description = "The API of OpenAI's clients"),
        (name = "dify", description = "Dify's external knowledge API"),
        (name = "mcp", description = "The Model Context Protocol"),
        (name = "session", description = "Sign-in to the console"),
        (name = "operation", description = "Health, metrics, keys, workspaces and audit log")
    )
)]
struct ApiDoc;

impl AppState {
    /// Admits a question, unless it would wait too long. With a language model there is no estimate, since generation
    /// takes long without a queue.
    fn admit(&self) -> Result<Option<admission_control::InFlight>, Problem> {
        if self.app.embedder.is_overloaded() {
            return Err(Problem::overloaded(
                "encoder queue exceeds encoder.max_wait_ms",
            ));
        }
        match self.app.answerer.has_llm() {
            true => Ok(None),
            false => self.load.admit().map(Some),
        }
    }

    /// The number of requests in progress that hold a permit.
    fn n_in_flight(&self) -> usize {
        self.app.config.http.max_concurrent - self.permits.available_permits()
    }
}

/// A slot for one request in progress, held until its last clone is dropped.
#[derive(Clone)]
#[expect(dead_code, reason = "they are held")]
pub struct Permit(Arc<OwnedSemaphorePermit>, Option<KeyPermit>);

/// Like [`Permit`], a slot of the request's key.
#[derive(Clone)]
pub struct KeyPermit(#[expect(dead_code, reason = "it is held")] Arc<OwnedSemaphorePermit>);

/// The whole API with its OpenAPI document.
pub fn router(app: Arc<App>) -> Router {
    app.begin_serving();
    let http = app.config.http.clone();
    let backups = Backups::new(&app.config);
    let state = AppState {
        app,
        permits: Arc::new(Semaphore::new(http.max_concurrent)),
        load: Arc::new(admission_control::AdmissionControl::new(
            Duration::from_millis(http.max_wait_ms),
        )),
        rates: auth::rates(http.requests_per_minute).map(Arc::new),
        in_flight_per_key: Arc::new(auth::InFlightPerKey::new(http.max_concurrent_per_key)),
        sign_ins: Arc::default(),
        chats: Arc::default(),
        webhooks: Arc::default(),
        backups,
        checking: Arc::default(),
    };
    let max_upload_bytes = state.app.config.ingest.max_upload_bytes;
    let timeout = Duration::from_millis(http.timeout_ms);
    let (api, document) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(answers::post_answer))
        .routes(routes!(conversations::get_answer))
        .routes(routes!(desk_conversations::list_conversations))
        .routes(routes!(
            conversations::get_conversation,
            conversations::delete_conversation,
            desk_conversations::act_in_conversation
        ))
        .routes(routes!(
            desk_conversations::list_messages,
            desk_conversations::write_message
        ))
        .routes(routes!(inboxes::list_inboxes))
        .routes(routes!(
            inboxes::get_inbox,
            inboxes::put_inbox,
            inboxes::delete_inbox,
            webhooks::test_inbox
        ))
        .routes(routes!(inboxes::get_shadow_report))
        .routes(routes!(inbound::post_inbound, inbound::list_outbound))
        .routes(routes!(attachments::post_attachment))
        .routes(routes!(attachments::get_attachment))
        .routes(routes!(customers::list_customers))
        .routes(routes!(
            customers::get_customer,
            customers::act_on_customer,
            customers::erase_customer
        ))
        .routes(routes!(customers::get_timeline))
        .routes(routes!(customers::export_customer))
        .routes(routes!(stream::get_stream))
        .routes(routes!(webhook_endpoints::list_webhooks))
        .routes(routes!(
            webhook_endpoints::get_webhook,
            webhook_endpoints::put_webhook,
            webhook_endpoints::delete_webhook,
            webhook_endpoints::act_on_webhook
        ))
        .routes(routes!(webhook_endpoints::list_webhook_events))
        .routes(routes!(settings::get_settings, settings::put_settings))
        .routes(routes!(backups::start_backup, backups::list_backups))
        .routes(routes!(config::get_config))
        .routes(routes!(doctor::get_doctor))
        .routes(routes!(audit::get_audit))
        .routes(routes!(audit::export_audit))
        .routes(routes!(workspaces::list_workspaces))
        .routes(routes!(workspaces::delete_workspace))
        .routes(routes!(cases::post_cases))
        .routes(routes!(cases::get_case, cases::delete_case))
        .routes(routes!(drafts::list_drafts))
        .routes(routes!(drafts::get_draft, drafts::post_draft_action))
        .routes(routes!(feedback::post_feedback, feedback::list_feedback))
        .routes(routes!(keys::create_key, keys::list_keys))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(insights::gaps))
        .routes(routes!(insights::list_closures, insights::close_gap))
        .routes(routes!(insights::reopen_gap))
        .routes(routes!(insights::summary))
        .routes(routes!(insights::knowledge))
        .routes(routes!(insights::scenes))
        .routes(routes!(dead_letters::list_dead_letters))
        .routes(routes!(
            dead_letters::revive_dead_letter,
            dead_letters::discard_dead_letter
        ))
        .routes(routes!(experiments::begin, experiments::list))
        .routes(routes!(experiments::decide))
        .routes(routes!(experiments::get_tuning))
        .routes(routes!(experiments::learn))
        .routes(routes!(experiments::roll_back))
        .routes(routes!(search::post_search))
        .routes(routes!(openai::chat::post_chat_completion))
        .routes(routes!(openai::embeddings::post_embeddings))
        .routes(routes!(openai::list_models))
        .routes(routes!(openai::get_model))
        .routes(routes!(dify::post_retrieval))
        .routes(routes!(mcp::post_mcp, mcp::listen_mcp, mcp::end_mcp))
        .routes(routes!(
            documents::put_document,
            documents::get_document,
            documents::delete_document,
            lifecycle::post_action
        ))
        .routes(routes!(documents::list_chunks))
        .routes(routes!(lifecycle::list_versions))
        .routes(routes!(originals::get_original))
        .routes(routes!(originals::get_source))
        .routes(routes!(lifecycle::diff_versions))
        .routes(routes!(uploads::preview))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job, jobs::retry_job, jobs::cancel_job))
        .routes(routes!(questions::list_questions))
        .routes(routes!(faqs::put_faq, faqs::get_faq, faqs::delete_faq))
        .routes(routes!(faqs::list_faqs))
        .routes(routes!(faqs::import_faqs))
        .routes(routes!(faqs::export_faqs))
        .routes(routes!(bulk::bulk))
        .routes(routes!(imports::list_imports))
        .routes(routes!(imports::undo_import))
        .routes(routes!(impact::preview_impact))
        .routes(routes!(impact::list_judged))
        .routes(routes!(impact::put_judged, impact::delete_judged))
        .routes(routes!(
            judged_runs::start_judged_run,
            judged_runs::list_judged_runs
        ))
        .routes(routes!(judged_runs::get_judged_run))
        .routes(routes!(impact::post_lint))
        .routes(routes!(impact::list_reviews))
        .routes(routes!(impact::close_review))
        .routes(routes!(uploads::upload))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::list_tree))
        .routes(routes!(synonyms::get_synonyms, synonyms::put_synonyms))
        .split_for_parts();
    // The tools are requests of the API itself, whose limits a request to them has passed.
    let tools = mcp::service(state.clone(), api.clone().with_state(state.clone()));
    let api = api
        .route("/mcp/", axum::routing::any(mcp::serve))
        .layer(Extension(tools))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            timeout_after(timeout, request, next)
        }))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            acquire_permit,
        ))
        .layer(DefaultBodyLimit::max(max_upload_bytes))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            auth::authorize,
        ));
    // They need no right: signing in, and showing who is signed in.
    let (session, document) = OpenApiRouter::with_openapi(document)
        .routes(routes!(
            sessions::get_session,
            sessions::sign_in,
            sessions::sign_out
        ))
        .routes(routes!(sessions::begin_oidc))
        .routes(routes!(sessions::finish_oidc))
        .split_for_parts();
    // They need no key: visitors of a web chat.
    let (chat, document) = OpenApiRouter::with_openapi(document)
        .routes(routes!(chat::open_chat))
        .routes(routes!(chat::write_chat, chat::list_chat))
        .routes(routes!(chat::send_chat_file))
        .routes(routes!(chat::get_chat_file))
        .routes(routes!(chat::stream_chat))
        .split_for_parts();
    let chat = chat
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            timeout_after(timeout, request, next)
        }))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            acquire_permit,
        ));
    // They need no key: platforms, which sign what they send.
    let (platforms, document) = OpenApiRouter::with_openapi(document)
        .routes(routes!(webhooks::check_webhook, webhooks::post_webhook))
        .split_for_parts();
    let platforms = platforms.layer(middleware::from_fn(move |request: Request, next: Next| {
        timeout_after(timeout, request, next)
    }));
    let session = session.layer(middleware::from_fn(move |request: Request, next: Next| {
        timeout_after(timeout, request, next)
    }));
    let (operation, document) = OpenApiRouter::with_openapi(document)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .split_for_parts();
    let (measures, document) = OpenApiRouter::with_openapi(document)
        .routes(routes!(health::metrics))
        .split_for_parts();
    let measures = measures.layer(middleware::from_fn_with_state(
        state.clone(),
        auth::authorize,
    ));
    Router::new()
        .merge(api)
        .merge(session)
        .merge(chat)
        .merge(platforms)
        .merge(operation)
        .merge(measures)
        .merge(SwaggerUi::new("/docs").url("/openapi.json", described(document)))
        .merge(console::routes())
        .fallback(|| async { Problem::not_found("no resource at this path; see /docs") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(state)
        .layer(tower::util::option_layer(cors(&http.cors_origins)))
        .layer(middleware::from_fn(metrics::count))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(middleware::from_fn(error_shapes::translate))
        .layer(middleware::from_fn(problem::name_request))
        // Failures are logged where they become problems; a 503 of /readyz is not a failure.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_span)
                .on_failure(()),
        )
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        // Answers may be personal, so no cache may store them.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// The OpenAPI document with what holds for every operation, and with examples.
fn described(document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    examples::add(problem::documented(document))
}

/// Parses bytes as each kind of request, and returns the kind and the problem (as JSON) of each that fails. For
/// fuzzing.
pub fn problems_of(bytes: &[u8]) -> Vec<(&'static str, String)> {
    fn problem_of<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<String> {
        let problem = extract::parse::<T>(bytes).err()?;
        Some(serde_json::json!(problem).to_string())
    }
    let all = [
        ("answers", problem_of::<answers::AnswerRequest>(bytes)),
        ("search", problem_of::<search::SearchRequest>(bytes)),
        (
            "chat completion",
            problem_of::<openai::chat::ChatCompletionRequest>(bytes),
        ),
        (
            "embeddings",
            problem_of::<openai::embeddings::EmbeddingsRequest>(bytes),
        ),
        ("retrieval", problem_of::<dify::RetrievalRequest>(bytes)),
        ("bulk", problem_of::<bulk::BulkRequest>(bytes)),
        ("documents", problem_of::<documents::DocumentRequest>(bytes)),
        ("drafts", problem_of::<drafts::DraftActionRequest>(bytes)),
        (
            "experiments",
            problem_of::<experiments::ExperimentRequest>(bytes),
        ),
        ("feedback", problem_of::<feedback::FeedbackRequest>(bytes)),
        ("impact", problem_of::<impact::ImpactRequest>(bytes)),
        (
            "judged questions",
            problem_of::<impact::JudgedQuestionRequest>(bytes),
        ),
        ("imports", problem_of::<imports::UndoRequest>(bytes)),
        ("keys", problem_of::<keys::KeyRequest>(bytes)),
        ("lifecycle", problem_of::<lifecycle::ActionRequest>(bytes)),
        ("sessions", problem_of::<sessions::SignInRequest>(bytes)),
        ("settings", problem_of::<settings::Settings>(bytes)),
        (
            "gap closure",
            problem_of::<insights::GapClosureRequest>(bytes),
        ),
        ("chat", problem_of::<chat::ChatRequest>(bytes)),
        (
            "chat message",
            problem_of::<chat::ChatMessageRequest>(bytes),
        ),
        (
            "conversation action",
            problem_of::<desk_conversations::ConversationActionRequest>(bytes),
        ),
        (
            "customer action",
            problem_of::<customers::CustomerActionRequest>(bytes),
        ),
        ("inbound", problem_of::<inbound::InboundRequest>(bytes)),
        ("inbox", problem_of::<inboxes::InboxRequest>(bytes)),
        (
            "agent message",
            problem_of::<desk_conversations::AgentMessageRequest>(bytes),
        ),
        ("synonyms", problem_of::<synonyms::SynonymsRequest>(bytes)),
        (
            "webhook",
            problem_of::<webhook_endpoints::WebhookRequest>(bytes),
        ),
        (
            "webhook action",
            problem_of::<webhook_endpoints::WebhookActionRequest>(bytes),
        ),
    ];
    let problems = all.into_iter();
    problems
        .filter_map(|(kind, problem)| Some((kind, problem?)))
        .collect()
}

/// The app in service, which can be replaced. Each request is handled by the app that was in service when it arrived.
pub struct CurrentApp(ArcSwap<(Arc<App>, Router)>);

impl CurrentApp {
    /// Puts an app into service.
    pub fn new(app: Arc<App>) -> Self {
        let router = router(app.clone());
        Self(ArcSwap::from_pointee((app, router)))
    }

    /// The app in service.
    pub fn app(&self) -> Arc<App> {
        self.0.load().0.clone()
    }

    /// Replaces the app in service and returns the former one.
    pub fn replace(&self, app: Arc<App>) -> Arc<App> {
        let router = router(app.clone());
        self.0.swap(Arc::new((app, router))).0.clone()
    }

    fn router(&self) -> Router {
        self.0.load().1.clone()
    }
}

/// Like [`serve_current`], with one app that is never replaced.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_current(Arc::new(CurrentApp::new(app)), listener, stop).await
}

/// Serves requests until `stop` resolves, then finishes the accepted ones, for at most `http.timeout_ms`. Fails if the
/// listener or the TLS files cannot be used.
pub async fn serve_current(
    current: Arc<CurrentApp>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let http = current.app().config.http.clone();
    let timeout = Duration::from_millis(http.timeout_ms);
    let running = current.clone();
    let service = Router::new().fallback(move |request: Request| {
        let router = current.router();
        async move { router.oneshot(request).await }
    });
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    let stopping = handle.clone();
    let stopped = tokio::spawn(async move {
        stop.await;
        running.app().desk.end_streams();
        stopping.graceful_shutdown(Some(timeout));
    });
    let measuring = tokio::spawn(async {
        loop {
            tokio::time::sleep(SETTLED_EVERY).await;
            metrics::run_upkeep();
        }
    });
    let mut server = axum_server::from_tcp(listener.into_std()?)?
        .handle(handle)
        .first_request_timeout(timeout);
    let mut builder = server.http_builder().http1();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(timeout);
    let outcome = match (http.tls_cert, http.tls_key) {
        (Some(cert), Some(key)) => {
            outbound::choose_cryptography();
            let tls = RustlsConfig::from_pem_file(&cert, &key).await?;
            let renewing = tokio::spawn(reload_certificate(tls.clone(), cert, key));
            let acceptor = RustlsAcceptor::new(tls).handshake_timeout(timeout);
            let acceptor = acceptor.acceptor(NoDelayAcceptor::new());
            let outcome = server.acceptor(acceptor).serve(service).await;
            renewing.abort();
            outcome
        }
        _ => server.acceptor(NoDelayAcceptor::new()).serve(service).await,
    };
    measuring.abort();
    stopped.abort();
    outcome
}

/// How often recorded metrics are aggregated.
const SETTLED_EVERY: Duration = Duration::from_secs(5);
/// How often the TLS files are checked for changes.
const RENEWED_EVERY: Duration = Duration::from_secs(60);

/// Reloads a changed certificate. If it cannot be read, the former one stays in use.
async fn reload_certificate(tls: RustlsConfig, cert: PathBuf, key: PathBuf) {
    let changed_at = || {
        let time = |path: &Path| std::fs::metadata(path).and_then(|of| of.modified()).ok();
        (time(&cert), time(&key))
    };
    let mut known = changed_at();
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        let now = changed_at();
        if now != known {
            known = now;
            match tls.reload_from_pem_file(&cert, &key).await {
                Ok(()) => tracing::info!("TLS certificate reloaded"),
                Err(error) => {
                    tracing::error!(%error, "TLS certificate reload failed; keeping the previous one")
                }
            }
        }
    }
}

/// Allows browsers to call the API from pages of these origins only; `None` without origins. Never with credentials, so
/// that the cookie of the console is of no use there.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|o| o.parse().ok()).collect();
    let may = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(extract::WORKSPACE_HEADER),
            HeaderName::from_static("idempotency-key"),
            header::IF_MATCH,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([header::ETAG]);
    (!origins.is_empty()).then(|| may.allow_origin(origins))
}

fn request_span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or("");
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

/// Long work takes a permit first; without one the reply is 429 at once.
async fn acquire_permit(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    match state.permits.clone().try_acquire_owned() {
        Ok(permit) => {
            let place = request.extensions().get::<KeyPermit>().cloned();
            let permit = Permit(Arc::new(permit), place);
            request.extensions_mut().insert(permit.clone());
            next.run(request).await
        }
        Err(_) => Problem::overloaded("concurrency limit reached").into_response(),
    }
}

async fn timeout_after(timeout: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out(timeout).into_response(),
    }
}
