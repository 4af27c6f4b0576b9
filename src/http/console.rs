//! The web console: a single-page application, compiled into the binary.
//!
//! `console/dist` is what `npm run build` made of `console/src`; `make console` makes it again. Every address of the console
//! is served the same page, which shows what belongs to the address. Files under `/console/assets/` have the hash of their
//! content in their name, so that browsers keep them for ever; the page itself is asked for again each time.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

use super::AppState;
use super::problem::Problem;

/// The files of the console.
#[derive(RustEmbed)]
#[folder = "console/dist"]
struct Files;

/// The first parts of the console's paths, as in `console/src/lib/router.svelte.ts`.
const SCREENS: [&str; 6] = ["ask", "documents", "faqs", "learning", "quality", "admin"];

/// What the page may do: run, show and call only what this service itself sends, in no frame of another page, and turn no
/// text into markup except by the one policy with which the framework makes its own templates.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// Browser features that the page does not use.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// The routes of the console: the page at each of its addresses, and its files.
pub fn routes() -> Router<AppState> {
    let mut router = Router::new()
        .route("/", get(page))
        .route("/console/{*path}", get(file));
    for screen in SCREENS {
        router = router
            .route(&format!("/{screen}"), get(page))
            .route(&format!("/{screen}/{{*rest}}"), get(page));
    }
    router.layer(CompressionLayer::new())
}

async fn page(headers: HeaderMap) -> Response {
    match Files::get("index.html") {
        Some(page) => {
            let protection = [
                (CONTENT_SECURITY_POLICY, POLICY),
                (X_FRAME_OPTIONS, "DENY"),
                (HeaderName::from_static("permissions-policy"), PERMISSIONS),
                (
                    HeaderName::from_static("cross-origin-opener-policy"),
                    "same-origin",
                ),
            ];
            (protection, reply(&page, &headers, "no-cache")).into_response()
        }
        None => Problem::not_found("the console was not built into this binary").into_response(),
    }
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let caching = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    match Files::get(&path) {
        Some(file) => reply(&file, &headers, caching),
        None => Problem::not_found("the console has no such file").into_response(),
    }
}

/// The file, or 304 if the browser has it.
fn reply(file: &EmbeddedFile, headers: &HeaderMap, caching: &'static str) -> Response {
    let tag = file.metadata.sha256_hash();
    let tag = tag.iter().map(|byte| format!("{byte:02x}"));
    let tag = format!("W/\"{}\"", tag.collect::<String>());
    let known = headers.get_all(IF_NONE_MATCH).iter();
    if known
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|one| one.trim() == tag))
    {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    let head = [
        (CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (CACHE_CONTROL, caching.to_owned()),
        (ETAG, tag),
    ];
    (head, file.data.clone()).into_response()
}
