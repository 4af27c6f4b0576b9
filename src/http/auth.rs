//! Authentication, authorization and limits per key. Every operation needs a right, and every role has some.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::cookies::{Cookie, check_site};
use super::extract::WORKSPACE_HEADER;
use super::problem::Problem;
use super::{AppState, KeyPermit};
use crate::keys::KeyError;
use ken_base::actor::as_actor;
use ken_base::domain::{KeyRole, Principal, Reviewer, Right, WorkspaceId};

/// The right that each operation requires. Operations not listed are denied.
const RIGHTS: &[(&str, &[&str], Right)] = &[
    ("/v1/answers", &["POST"], Right::Ask),
    ("/v1/search", &["POST"], Right::Ask),
    ("/v1/chat/completions", &["POST"], Right::Ask),
    ("/v1/embeddings", &["POST"], Right::Ask),
    ("/v1/models", &["GET"], Right::Ask),
    ("/v1/models/{id}", &["GET"], Right::Ask),
    ("/dify/retrieval", &["POST"], Right::Ask),
    ("/mcp", &["GET", "POST", "DELETE"], Right::Ask),
    ("/v1/feedback", &["POST"], Right::Ask),
    ("/v1/conversations/{id}", &["GET"], Right::Ask),
    ("/v1/answers/{id}", &["GET"], Right::Read),
    ("/v1/feedback", &["GET"], Right::Read),
    ("/v1/documents", &["GET"], Right::Read),
    ("/v1/documents/{id}", &["GET"], Right::Read),
    ("/v1/documents/{id}/chunks", &["GET"], Right::Read),
    ("/v1/documents/{id}/diff", &["GET"], Right::Read),
    ("/v1/documents/{id}/original", &["GET"], Right::Read),
    ("/v1/documents/{id}/source", &["GET"], Right::Read),
    ("/v1/documents/{id}/versions", &["GET"], Right::Read),
    ("/v1/documents:preview", &["POST"], Right::Read),
    ("/v1/documents:preview-impact", &["POST"], Right::Read),
    ("/v1/documents:tree", &["GET"], Right::Read),
    ("/v1/drafts", &["GET"], Right::Read),
    ("/v1/drafts/{id}", &["GET"], Right::Read),
    ("/v1/faqs", &["GET"], Right::Read),
    ("/v1/faqs/{id}", &["GET"], Right::Read),
    ("/v1/faqs:export", &["GET"], Right::Read),
    ("/v1/imports", &["GET"], Right::Read),
    ("/v1/insights/gap-closures", &["GET"], Right::Read),
    ("/v1/insights/gaps", &["GET"], Right::Read),
    ("/v1/insights/knowledge", &["GET"], Right::Read),
    ("/v1/insights/scenes", &["GET"], Right::Read),
    ("/v1/insights/summary", &["GET"], Right::Read),
    ("/v1/judged-questions", &["GET"], Right::Read),
    ("/v1/questions", &["GET"], Right::Read),
    ("/v1/judged-runs", &["GET"], Right::Read),
    ("/v1/judged-runs/{id}", &["GET"], Right::Read),
    ("/v1/reviews", &["GET"], Right::Read),
    ("/v1/settings", &["GET"], Right::Read),
    ("/v1/synonyms", &["GET"], Right::Read),
    (
        "/v1/documents/{id}",
        &["PUT", "POST", "DELETE"],
        Right::Write,
    ),
    ("/v1/documents:lint", &["POST"], Right::Write),
    ("/v1/documents:upload", &["POST"], Right::Write),
    ("/v1/faqs/{id}", &["PUT", "DELETE"], Right::Write),
    ("/v1/faqs:bulk", &["POST"], Right::Write),
    ("/v1/faqs:import", &["POST"], Right::Write),
    ("/v1/imports/{id}", &["POST"], Right::Write),
    ("/v1/insights/gap-closures", &["POST"], Right::Write),
    ("/v1/insights/gap-closures/{id}", &["DELETE"], Right::Write),
    ("/v1/jobs", &["GET"], Right::Write),
    ("/v1/jobs/{id}", &["GET", "POST", "DELETE"], Right::Write),
    (
        "/v1/judged-questions/{id}",
        &["PUT", "DELETE"],
        Right::Write,
    ),
    ("/v1/judged-runs", &["POST"], Right::Write),
    ("/v1/synonyms", &["PUT"], Right::Write),
    ("/v1/cases", &["POST"], Right::Cases),
    ("/v1/cases/{id}", &["GET", "DELETE"], Right::Cases),
    ("/v1/drafts/{id}", &["POST"], Right::Review),
    ("/v1/reviews/{id}", &["DELETE"], Right::Review),
    ("/v1/inboxes/{id}/messages", &["GET", "POST"], Right::Ask),
    ("/v1/conversations", &["GET"], Right::Serve),
    ("/v1/conversations/{id}", &["POST"], Right::Serve),
    (
        "/v1/conversations/{id}/messages",
        &["GET", "POST"],
        Right::Serve,
    ),
    ("/v1/customers", &["GET"], Right::Serve),
    ("/v1/customers/{id}", &["GET", "POST"], Right::Serve),
    ("/v1/customers/{id}/timeline", &["GET"], Right::Serve),
    ("/v1/inboxes", &["GET"], Right::Serve),
    ("/v1/inboxes/{id}", &["GET"], Right::Serve),
    ("/v1/attachments/{sha256}", &["GET"], Right::Ask),
    ("/v1/attachments", &["POST"], Right::Ask),
    ("/v1/stream", &["GET"], Right::Serve),
    (
        "/v1/inboxes/{id}",
        &["POST", "PUT", "DELETE"],
        Right::Manage,
    ),
    ("/v1/inboxes/{id}/shadow-report", &["GET"], Right::Manage),
    ("/v1/customers/{id}", &["DELETE"], Right::Manage),
    ("/v1/customers/{id}/export", &["GET"], Right::Manage),
    ("/v1/conversations/{id}", &["DELETE"], Right::Manage),
    ("/v1/audit", &["GET"], Right::Manage),
    ("/v1/audit:export", &["GET"], Right::Manage),
    ("/v1/dead-letters", &["GET"], Right::Manage),
    ("/v1/dead-letters/{id}", &["POST", "DELETE"], Right::Manage),
    ("/v1/experiments", &["GET", "POST"], Right::Manage),
    ("/v1/experiments/{id}", &["POST"], Right::Manage),
    ("/v1/keys", &["GET", "POST"], Right::Manage),
    ("/v1/keys/{id}", &["DELETE"], Right::Manage),
    ("/v1/settings", &["PUT"], Right::Manage),
    ("/v1/tuning", &["GET"], Right::Manage),
    ("/v1/webhooks", &["GET"], Right::Manage),
    (
        "/v1/webhooks/{id}",
        &["GET", "PUT", "POST", "DELETE"],
        Right::Manage,
    ),
    ("/v1/webhooks/{id}/events", &["GET"], Right::Manage),
    ("/v1/tuning/learn", &["POST"], Right::Manage),
    ("/v1/tuning/rollback", &["POST"], Right::Manage),
    ("/v1/workspaces", &["GET"], Right::Operate),
    ("/v1/workspaces/{id}", &["DELETE"], Right::Operate),
    ("/v1/backups", &["GET", "POST"], Right::Operate),
    ("/v1/config", &["GET"], Right::Operate),
    ("/v1/doctor", &["GET"], Right::Operate),
    ("/metrics", &["GET"], Right::Operate),
];

/// The rate limiter, by key.
pub type Rates = DefaultKeyedRateLimiter<String>;

/// A limiter of this many requests per minute, with bursts of a sixth (the generic cell rate algorithm); `None` for 0,
/// which means no limit.
pub fn rates(requests_per_minute: u32) -> Option<Rates> {
    let burst = NonZeroU32::new(requests_per_minute / 6).unwrap_or(NonZeroU32::MIN);
    NonZeroU32::new(requests_per_minute)
        .map(|rate| RateLimiter::keyed(Quota::per_minute(rate).allow_burst(burst)))
}

/// The requests in progress, by key.
pub struct InFlightPerKey {
    most: usize,
    by_key: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// With more keys than this, keys without a request in progress are removed.
const MAX_REMEMBERED: usize = 10_000;

impl InFlightPerKey {
    /// Allows `most` requests in progress per key.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            by_key: Mutex::default(),
        }
    }

    /// A slot of the key; `None` if all are taken.
    pub fn acquire(&self, key: &str) -> Option<OwnedSemaphorePermit> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if by_key.len() > MAX_REMEMBERED {
            by_key.retain(|_, places| places.available_permits() < self.most);
        }
        let places = by_key.entry(key.to_owned());
        let places = places.or_insert_with(|| Arc::new(Semaphore::new(self.most)));
        places.clone().try_acquire_owned().ok()
    }
}

/// The right that an operation needs; `None` for an unknown one.
pub fn right_of(method: &Method, route: &str) -> Option<Right> {
    // Clients of the Model Context Protocol append a slash.
    let route = route.strip_suffix('/').unwrap_or(route);
    // HEAD needs the same right as GET.
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let fits =
        |(of, methods, _): &&(&str, &[&str], Right)| *of == route && methods.contains(&method);
    RIGHTS.iter().find(fits).map(|(_, _, right)| *right)
}

/// Passes a request on if its key has the right it needs, else replies with a problem. Handlers read the caller from
/// [`Principal`].
pub async fn authorize(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admitted(&state, &parts).await {
        Ok(principal) => {
            if let Some(key) = &principal.key_id {
                let Some(place) = state.in_flight_per_key.acquire(key) else {
                    let detail = "concurrency limit of this key reached";
                    return Problem::overloaded(detail).into_response();
                };
                parts.extensions.insert(KeyPermit(Arc::new(place)));
            }
            let actor = Actor::of(Some(&principal)).name;
            parts.extensions.insert(principal);
            as_actor(actor, next.run(Request::from_parts(parts, body))).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admitted(state: &AppState, parts: &Parts) -> Result<Principal, Problem> {
    let principal = principal_of(state, parts).await?;
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    // An operation without a right is denied. A test compares the rights with the router.
    let Some(right) = right_of(&parts.method, route) else {
        return Err(Problem::method_not_allowed());
    };
    if let (Some(rates), Some(key)) = (&state.rates, &principal.key_id)
        && let Err(until) = rates.check_key(key)
    {
        let now = rates.clock().now();
        let wait = until.wait_time_from(now);
        return Err(Problem::too_many(
            wait,
            ", or raise http.requests_per_minute",
        ));
    }
    allowed(&principal, right, parts)?;
    Ok(principal)
}

/// Whether a principal has the right that an operation needs.
pub fn is_allowed(principal: &Principal, method: &Method, route: &str) -> bool {
    right_of(method, route).is_some_and(|right| principal.role.may(right))
}

/// Whether a principal has a right in the workspace of a request.
fn allowed(principal: &Principal, right: Right, parts: &Parts) -> Result<(), Problem> {
    // The reply does not show whether another workspace exists.
    let own = principal.workspace.as_ref().map(WorkspaceId::as_str);
    let named = parts.headers.get(WORKSPACE_HEADER);
    let is_own = |own: &str| named.is_none_or(|named| named.as_bytes() == own.as_bytes());
    if !own.is_none_or(is_own) {
        return Err(Problem::forbidden("the key belongs to another workspace"));
    }
    match principal.role.may(right) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!(
            "role {} does not permit this operation",
            principal.role.as_str()
        ))),
    }
}

/// A request that stays open, to ask again whether its sender may still make it.
pub struct StillAllowed(Parts);

impl StillAllowed {
    /// Whether the sender may still make the request: the key may be revoked since, or the session have ended.
    pub async fn check(&self, state: &AppState) -> bool {
        let route = self.0.extensions.get::<MatchedPath>();
        let route = route.map_or("", MatchedPath::as_str);
        let Some(right) = right_of(&self.0.method, route) else {
            return false;
        };
        match principal_of(state, &self.0).await {
            Ok(principal) => allowed(&principal, right, &self.0).is_ok(),
            Err(_) => false,
        }
    }
}

impl FromRequestParts<AppState> for StillAllowed {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

/// Authenticates the sender of a request by its bearer token, else by the session's cookie.
async fn principal_of(state: &AppState, parts: &Parts) -> Result<Principal, Problem> {
    let header = parts.headers.get(AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.split_once(' '));
    let token = token
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let (app, from) = (&state.app, address_of(parts));
    if let Some(token) = token {
        return Ok(app.keys.authenticate(Some(token), from).await?);
    }
    let principal = match Cookie::Session.of(&app.config.http, parts) {
        Some(session) => app.sessions.authenticate(session, from).await?,
        None => app.keys.authenticate(None, from).await?,
    };
    check_site(state, parts, principal.key_id.is_some())?;
    Ok(principal)
}

/// The address of the sender.
pub fn address_of(parts: &Parts) -> Option<IpAddr> {
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    address.map(|ConnectInfo(address)| address.ip())
}

/// The sender, or why the sender is not authenticated, for operations that need no right.
pub struct Caller(pub Result<Principal, Problem>);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        Ok(Self(principal_of(state, parts).await))
    }
}

/// Whether the sender is an operator, for operations that need no key.
pub struct IsOperator(pub bool);

impl FromRequestParts<AppState> for IsOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let principal = principal_of(state, parts).await;
        let is_operator = |principal: Principal| principal.role == KeyRole::Operator;
        Ok(Self(principal.is_ok_and(is_operator)))
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            error => Problem::unauthorized(error.to_string()),
        }
    }
}

/// The actor for the audit log: the key, or `api` if no keys exist.
pub struct Actor {
    /// The key's name, or `api`.
    pub name: String,
    /// The key's id; `None` if no keys exist.
    pub key_id: Option<String>,
}

impl Actor {
    /// The actor of a principal.
    pub fn of(principal: Option<&Principal>) -> Self {
        let name = principal.and_then(|principal| principal.name.clone());
        Self {
            name: name.unwrap_or_else(|| "api".to_owned()),
            key_id: principal.and_then(|principal| principal.key_id.clone()),
        }
    }

    /// The reviewer: the given name, with the key's name, and the key's id.
    pub fn reviewing_as(self, name: Option<String>) -> Reviewer {
        let name = match (name, &self.key_id) {
            (None, _) => self.name,
            (Some(name), None) => name,
            (Some(name), Some(_)) => format!("{name} by {}", self.name),
        };
        Reviewer {
            name,
            key_id: self.key_id,
        }
    }
}

impl FromRequestParts<AppState> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Ok(Self::of(parts.extensions.get()))
    }
}
