//! The web console: one page, its script and its style, compiled into the binary.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::AppState;

/// The content security policy: no content from other origins.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The routes of the console's three files.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/",
            get(|| {
                page(
                    "text/html; charset=utf-8",
                    include_str!("console/index.html"),
                )
            }),
        )
        .route(
            "/console/app.js",
            get(|| {
                page(
                    "text/javascript; charset=utf-8",
                    include_str!("console/app.js"),
                )
            }),
        )
        .route(
            "/console/style.css",
            get(|| page("text/css; charset=utf-8", include_str!("console/style.css"))),
        )
}

async fn page(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}
