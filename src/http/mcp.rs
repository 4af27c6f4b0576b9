//! The Model Context Protocol at `/mcp`, by `rmcp`: the newest version without sessions, earlier ones with them. Which tools
//! there are, and what they do: [`tools`].

mod schema;
mod tools;

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use axum::response::{IntoResponse, Response};
use ken_base::domain::Principal;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use super::AppState;
use super::auth::is_allowed;
use tools::{ALL, Failed, Tool};

/// The largest message of a client, in bytes: a tool's arguments are at most some thousand characters.
const MAX_MESSAGE: usize = 256 << 10;
/// How long a client may keep the list of tools, in milliseconds; it changes with the key's role only.
const TOOLS_KEPT_MS: u64 = 300_000;
/// What a model reads about the tools.
const INSTRUCTIONS: &str = "Tools of a customer-service knowledge base. answer_question gives an answer whose sentences quote \
    documents, or says that it may not answer: then its outcome is refused, clarify or handoff, and nothing else may be \
    given as an answer of the company. search_knowledge gives passages to read.";

/// The endpoint.
pub type McpService = StreamableHttpService<McpServer, LocalSessionManager>;

/// What the endpoint serves.
#[derive(Clone)]
pub struct McpServer {
    state: AppState,
    /// The API without its limits, which the request to the endpoint has passed.
    api: Router,
}

/// The endpoint over an API.
pub fn service(state: AppState, api: Router) -> McpService {
    let http = &state.app.config.http;
    let stopped = CancellationToken::new();
    let (mut ended, stop) = (state.app.desk.ended(), stopped.clone());
    // Open streams must not keep the service from stopping.
    tokio::spawn(async move {
        if ended.wait_for(|ended| *ended).await.is_ok() {
            stop.cancel();
        }
    });
    let mut config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts(&http.public_url, &http.mcp_hosts))
        .with_allowed_origins(http.cors_origins.iter().map(|origin| with_port(origin)))
        .enforce_origin_validation()
        .with_cancellation_token(stopped);
    config.max_request_body_bytes = MAX_MESSAGE;
    let server = McpServer { state, api };
    StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), config)
}

/// The names that requests may be addressed to: of this machine, of the service, and others by the settings. None means all.
fn hosts(public_url: &str, others: &[String]) -> Vec<String> {
    if others.iter().any(|host| host == "*") {
        return Vec::new();
    }
    let public = public_url.parse::<axum::http::Uri>().ok();
    let public = public.and_then(|url| url.host().map(str::to_owned));
    ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .into_iter()
        .chain(public)
        .chain(others.iter().cloned())
        .collect()
}

/// An origin with its port, which `rmcp` wants to see.
fn with_port(origin: &str) -> String {
    let named = origin.split_once("://");
    match named {
        Some((_, host))
            if host
                .rsplit(':')
                .next()
                .is_some_and(|port| port.parse::<u16>().is_ok()) =>
        {
            origin.to_owned()
        }
        Some(("https", _)) => format!("{origin}:443"),
        _ => format!("{origin}:80"),
    }
}

/// Send a message of the Model Context Protocol (JSON-RPC 2.0): versions 2026-07-28, without sessions, and earlier, with
/// them. `/mcp/` is the same.
#[utoipa::path(
    post, path = "/mcp", tag = "mcp",
    request_body(content = String, content_type = "application/json", description = "A message, at most 256 KiB"),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "The reply, as an event or as JSON"),
        (status = 202, description = "Taken: it needs no reply"),
        (status = 400, description = "Not a message, or of an unknown version"),
        (status = 403, description = "Addressed to a host, or sent from an origin, that the settings do not name"),
        (status = 404, description = "The session has ended, or the method is unknown"),
    )
)]
pub async fn post_mcp(service: Extension<McpService>, request: Request) -> Response {
    serve(service, request).await
}

/// Listen to a session of an earlier version of the protocol.
#[utoipa::path(
    get, path = "/mcp", tag = "mcp",
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "Messages of the session"),
        (status = 400, description = "No session is named"),
        (status = 404, description = "The session has ended"),
    )
)]
pub async fn listen_mcp(service: Extension<McpService>, request: Request) -> Response {
    serve(service, request).await
}

/// End a session of an earlier version of the protocol.
#[utoipa::path(
    delete, path = "/mcp", tag = "mcp",
    responses(
        (status = 202, body = String, content_type = "text/plain", description = "It has ended"),
        (status = 400, description = "No session is named"),
    )
)]
pub async fn end_mcp(service: Extension<McpService>, request: Request) -> Response {
    serve(service, request).await
}

/// Handles a request of either path.
pub async fn serve(Extension(service): Extension<McpService>, mut request: Request) -> Response {
    // Many clients accept less than the protocol asks of them, and read what comes.
    let accept = match *request.method() {
        Method::POST => HeaderValue::from_static("application/json, text/event-stream"),
        _ => HeaderValue::from_static("text/event-stream"),
    };
    request.headers_mut().insert(header::ACCEPT, accept);
    let mut response = service.handle(request).await.into_response();
    // A proxy that collects a stream would hold it back.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    let headers = response.headers_mut();
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    response
}

impl McpServer {
    /// The request over HTTP that brought a message.
    fn parts(context: &RequestContext<RoleServer>) -> Result<&Parts, ErrorData> {
        let parts = context.extensions.get::<Parts>();
        parts.ok_or_else(|| ErrorData::internal_error("expected a request over HTTP", None))
    }
}

/// Whether the sender of a request may use a tool.
fn may_use(tool: &Tool, parts: &Parts) -> bool {
    let principal = parts.extensions.get::<Principal>();
    principal.is_some_and(|principal| is_allowed(principal, &tool.method(), tool.route()))
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let server = Implementation::new("ken", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let parts = Self::parts(&context)?;
        let tools = ALL.iter().filter(|tool| may_use(tool, parts));
        let mut listed = ListToolsResult::with_all_items(tools.map(Tool::described).collect());
        listed.ttl_ms = Some(TOOLS_KEPT_MS);
        listed.cache_scope = Some(CacheScope::Private);
        Ok(listed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = Self::parts(&context)?;
        let tool = ALL.iter().find(|tool| tool.name() == request.name);
        // A tool that the key may not use is as unknown as one that does not exist.
        let Some(tool) = tool.filter(|tool| may_use(tool, parts)) else {
            let detail = format!("unknown tool {}", request.name);
            return Err(ErrorData::invalid_params(Cow::Owned(detail), None));
        };
        let arguments = request.arguments.unwrap_or_default();
        let made = tool.call(&self.state, &self.api, parts, arguments).await;
        Ok(CallToolResponse::from(match made {
            Ok(value) => CallToolResult::structured(value),
            // As text only: clients compare structured content with the schema of the tool, also of an error.
            Err(Failed(problem)) => {
                CallToolResult::error(vec![ContentBlock::text(problem.to_string())])
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_to_named_hosts_are_served() {
        let named = hosts(
            "https://ken.example.com:8443/x",
            &["other.example".to_owned()],
        );
        let expected = [
            "localhost",
            "127.0.0.1",
            "::1",
            "ken.example.com",
            "other.example",
        ];
        assert_eq!(named, expected);
        assert_eq!(hosts("", &[]), expected[..3]);
        assert!(hosts("https://a.example", &["*".to_owned()]).is_empty());
        assert_eq!(with_port("https://a.example"), "https://a.example:443");
        assert_eq!(with_port("http://[::1]"), "http://[::1]:80");
        assert_eq!(with_port("http://a.example:8080"), "http://a.example:8080");
    }
}
