//! The service's door: router, layers, and one file per resource. Nothing else knows axum or a status code.

mod answers;
mod auth;
mod cases;
mod console;
mod conversations;
mod documents;
mod drafts;
mod experiments;
mod extract;
mod faqs;
mod feedback;
mod files;
mod health;
mod impact;
mod insights;
mod keys;
mod lifecycle;
mod metrics;
mod problem;
mod search;
mod settings;
mod synonyms;
mod uploads;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;
use problem::Problem;

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    pub app: Arc<App>,
    permits: Arc<Semaphore>,
    rates: Option<Arc<auth::Rates>>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ken",
        description = "A knowledge base that answers, grounded in text that can be opened, or says that it may not. \
                       Every failure is `application/problem+json` (RFC 9457); branch on its `type`."
    ),
    tags(
        (name = "answers", description = "The bot asks"),
        (name = "search", description = "Ranked passages"),
        (name = "documents", description = "Knowledge"),
        (name = "faqs", description = "Questions with their answers"),
        (name = "editing", description = "What a change does before it is made; what contradicts itself"),
        (name = "conversations", description = "Turns, read back and forgotten"),
        (name = "learning", description = "Cases, drafts, feedback, gaps, experiments: what people resolved and said becomes knowledge"),
        (name = "synonyms", description = "Words for the same thing"),
        (name = "operation", description = "Is it alive, ready, and how is it doing")
    )
)]
struct ApiDoc;

/// The whole API with its OpenAPI document.
pub fn router(app: Arc<App>) -> Router {
    let http = app.config.http.clone();
    let state = AppState {
        app,
        permits: Arc::new(Semaphore::new(http.max_concurrent)),
        rates: auth::rates(http.requests_per_minute).map(Arc::new),
    };
    let max_upload_bytes = state.app.config.ingest.max_upload_bytes;
    let timeout = Duration::from_millis(http.timeout_ms);
    let (api, document) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(answers::post_answer))
        .routes(routes!(conversations::get_answer))
        .routes(routes!(
            conversations::get_conversation,
            conversations::delete_conversation
        ))
        .routes(routes!(settings::get_settings, settings::put_settings))
        .routes(routes!(settings::get_audit))
        .routes(routes!(cases::post_cases))
        .routes(routes!(cases::get_case, cases::delete_case))
        .routes(routes!(drafts::list_drafts))
        .routes(routes!(drafts::get_draft, drafts::post_draft_action))
        .routes(routes!(feedback::post_feedback, feedback::list_feedback))
        .routes(routes!(keys::create_key, keys::list_keys))
        .routes(routes!(keys::revoke_key))
        .routes(routes!(insights::gaps))
        .routes(routes!(insights::summary))
        .routes(routes!(insights::knowledge))
        .routes(routes!(insights::scenes))
        .routes(routes!(experiments::begin, experiments::list))
        .routes(routes!(experiments::decide))
        .routes(routes!(experiments::get_tuning))
        .routes(routes!(experiments::learn))
        .routes(routes!(experiments::roll_back))
        .routes(routes!(search::post_search))
        .routes(routes!(
            documents::put_document,
            documents::get_document,
            documents::delete_document,
            lifecycle::post_action
        ))
        .routes(routes!(lifecycle::list_versions))
        .routes(routes!(lifecycle::diff_versions))
        .routes(routes!(uploads::preview))
        .routes(routes!(uploads::get_job, uploads::cancel_job))
        .routes(routes!(faqs::put_faq, faqs::get_faq, faqs::delete_faq))
        .routes(routes!(faqs::list_faqs))
        .routes(routes!(faqs::import_faqs))
        .routes(routes!(faqs::export_faqs))
        .routes(routes!(impact::preview_impact))
        .routes(routes!(impact::list_judged))
        .routes(routes!(impact::put_judged, impact::delete_judged))
        .routes(routes!(impact::post_lint))
        .routes(routes!(impact::list_reviews))
        .routes(routes!(impact::close_review))
        .routes(routes!(uploads::upload))
        .routes(routes!(documents::list_documents))
        .routes(routes!(synonyms::get_synonyms, synonyms::put_synonyms))
        .split_for_parts();
    let api = api
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            give_up_after(timeout, request, next)
        }))
        .layer(middleware::from_fn_with_state(state.clone(), one_permit))
        .layer(DefaultBodyLimit::max(max_upload_bytes))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            auth::authorize,
        ));
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
        .merge(operation)
        .merge(measures)
        .merge(SwaggerUi::new("/docs").url("/openapi.json", document))
        .merge(console::routes())
        .fallback(|| async { Problem::not_found("there is nothing at this address; see /docs") })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(state)
        .layer(middleware::from_fn(metrics::count))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(middleware::from_fn(problem::name_request))
        // Failures are logged where they are made into problems; a 503 of /readyz is none.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_span)
                .on_failure(()),
        )
        .layer(SetResponseHeaderLayer::if_not_present(
            axum::http::header::X_CONTENT_TYPE_OPTIONS,
            axum::http::HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            axum::http::header::REFERRER_POLICY,
            axum::http::HeaderValue::from_static("no-referrer"),
        ))
        // Answers are about somebody: no cache between keeps them.
        .layer(SetResponseHeaderLayer::if_not_present(
            axum::http::header::CACHE_CONTROL,
            axum::http::HeaderValue::from_static("no-store"),
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// Serves until `stop` resolves; then finishes the requests that were accepted.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
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
async fn one_permit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match state.permits.clone().try_acquire_owned() {
        Ok(_permit) => next.run(request).await,
        Err(_) => {
            Problem::overloaded("as many requests as allowed are being worked on").into_response()
        }
    }
}

async fn give_up_after(timeout: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out(timeout).into_response(),
    }
}
