//! Sessions of the console: `/v1/session`, and sign-in at an OpenID Connect provider.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use axum::extract::State;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::auth::{Caller, address_of};
use super::cookies::{Cookie, is_same_origin, origin_of_service};
use super::extract::{Json, Params};
use super::problem::{Fault, Problem};
use crate::sessions::SignInError;
use ken_base::actor::as_actor;
use ken_base::domain::{KeyRole, Principal, Right, WorkspaceId};

/// Sign-ins per minute and address, and as many at once. Nobody guesses 256 bits; the limit keeps somebody who tries
/// from loading the service. It is far above what the people behind one proxy need.
const SIGN_INS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("it is not 0");
/// With more addresses than this, those that have not tried for a minute are removed.
const MAX_REMEMBERED: usize = 10_000;

/// The rate limiter of sign-ins, by address.
pub struct SignInRates(DefaultKeyedRateLimiter<IpAddr>);

impl Default for SignInRates {
    fn default() -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(SIGN_INS_PER_MINUTE)))
    }
}

impl SignInRates {
    fn check(&self, from: Option<IpAddr>) -> Result<(), Problem> {
        if self.0.len() > MAX_REMEMBERED {
            self.0.retain_recent();
        }
        self.0.check_key(&subscriber_of(from)).map_err(|until| {
            let wait = until.wait_time_from(self.0.clock().now());
            Problem::too_many(wait, "; too many sign-ins from this address")
        })
    }
}

/// The address under which the requests of one subscriber are counted: a subscriber has at least 2⁶⁴ addresses of IPv6.
pub fn subscriber_of(from: Option<IpAddr>) -> IpAddr {
    match from.map(|from| from.to_canonical()) {
        Some(IpAddr::V6(v6)) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        from => from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    }
}

/// A sign-in by key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The key, `ken_…`.
    pub key: String,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`key`: `POST /v1/session`. `oidc`: open `/v1/session/oidc` in the browser."
)]
pub enum SignInMethod {
    /// By a key.
    Key,
    /// At the OpenID Connect provider.
    Oidc,
}

/// The caller, and how to sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionResponse {
    /// Whether the request has a valid session or key.
    pub signed_in: bool,
    /// Whether callers have to sign in. `false` while no key exists and no provider is configured: every caller is an
    /// operator then.
    pub needs_sign_in: bool,
    /// The ways to sign in.
    pub methods: Vec<SignInMethod>,
    /// Name of the key or of the person; null if not signed in.
    pub name: Option<String>,
    /// The caller in the audit log: the name with the key's id, or with `oidc`.
    pub actor: Option<String>,
    /// Role of the caller.
    pub role: Option<KeyRole>,
    /// Workspace of the caller; null for an operator, who names one with each request.
    pub workspace: Option<WorkspaceId>,
    /// Rights of the role.
    pub rights: Vec<Right>,
    /// Number of sessions of the same key or person, this one included.
    pub n_sessions: u64,
}

/// The sessions that were ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedOut {
    /// Number of ended sessions.
    pub n_ended: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SignOutParams {
    /// Ends all sessions of the same key or person. Default: only this one.
    #[serde(default)]
    everywhere: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OidcParams {
    /// The path to open after the sign-in, percent-encoded, with its query. Default `/`.
    next: Option<String>,
}

/// Providers add more parameters, such as `session_state` and `iss`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallbackParams {
    /// The state that the sign-in sent.
    state: Option<String>,
    /// The authorization code.
    code: Option<String>,
    /// Why the provider refused.
    error: Option<String>,
}

/// Show who is signed in, and how to sign in.
#[utoipa::path(
    get, path = "/v1/session", tag = "session", responses((status = 200, body = SessionResponse))
)]
pub async fn get_session(
    State(state): State<AppState>,
    Caller(caller): Caller,
) -> Result<axum::Json<SessionResponse>, Problem> {
    let principal = match caller {
        Ok(principal) => Some(principal),
        Err(problem) if problem.is_unauthorized() => None,
        Err(problem) => return Err(problem),
    };
    Ok(axum::Json(described(&state, principal).await?))
}

async fn described(
    state: &AppState,
    principal: Option<Principal>,
) -> Result<SessionResponse, Problem> {
    let app = &state.app;
    let mut methods = Vec::new();
    if app.keys.has_keys().await? {
        methods.push(SignInMethod::Key);
    }
    if app.sessions.has_oidc() {
        methods.push(SignInMethod::Oidc);
    }
    let n_sessions = match &principal {
        Some(principal) => app.sessions.count(principal).await?,
        None => 0,
    };
    let role = principal.as_ref().map(|principal| principal.role);
    let rights = Right::ALL.into_iter();
    let actor = principal.as_ref().and_then(|of| of.name.clone());
    // `NAME (ID)`.
    let name = actor.as_ref().map(|actor| {
        let name = actor.rsplit_once(" (");
        name.map_or_else(|| actor.clone(), |(name, _)| name.to_owned())
    });
    Ok(SessionResponse {
        signed_in: actor.is_some(),
        needs_sign_in: app.keys.anyone().await?.is_none(),
        methods,
        name,
        actor,
        role,
        rights: rights
            .filter(|right| role.is_some_and(|role| role.may(*right)))
            .collect(),
        workspace: principal.and_then(|of| of.workspace),
        n_sessions,
    })
}

/// Sign in to the console by a key. The reply sets the session's cookie.
#[utoipa::path(
    post, path = "/v1/session", tag = "session", request_body = SignInRequest,
    responses(
        (status = 200, body = SessionResponse), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "Nobody needs to sign in", body = Problem)
    )
)]
pub async fn sign_in(
    State(state): State<AppState>,
    Sender(parts): Sender,
    Json(request): Json<SignInRequest>,
) -> Result<(HeaderMap, axum::Json<SessionResponse>), Problem> {
    let http = &state.app.config.http;
    // A page of another site must not sign the browser in as somebody else.
    if !is_same_origin(http, &parts) {
        return Err(Problem::cross_site(
            "a page of another site made the request; behind a proxy, set http.public_url",
        ));
    }
    let from = address_of(&parts);
    state.sign_ins.check(from)?;
    let signed_in = state.app.sessions.sign_in(&request.key, from).await?;
    end_previous(&state, &parts, &signed_in.principal).await?;
    let cookie = Cookie::Session.set(http, &signed_in.token);
    let reply = described(&state, Some(signed_in.principal)).await?;
    Ok((
        HeaderMap::from_iter([(SET_COOKIE, cookie)]),
        axum::Json(reply),
    ))
}

/// Ends the session that a new one replaces in the browser.
async fn end_previous(state: &AppState, parts: &Parts, by: &Principal) -> Result<(), Problem> {
    if let Some(previous) = Cookie::Session.of(&state.app.config.http, parts) {
        let actor = by.name.clone().unwrap_or_default();
        as_actor(actor, state.app.sessions.end(previous)).await?;
    }
    Ok(())
}

/// Sign out of the console: end this session, or all sessions of the same key or person.
#[utoipa::path(
    delete, path = "/v1/session", tag = "session", params(SignOutParams),
    responses((status = 200, body = SignedOut), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub async fn sign_out(
    State(state): State<AppState>,
    Caller(caller): Caller,
    Sender(parts): Sender,
    Params(params): Params<SignOutParams>,
) -> Result<(HeaderMap, axum::Json<SignedOut>), Problem> {
    let http = &state.app.config.http;
    let n_ended = match caller {
        Ok(principal) => {
            let sessions = &state.app.sessions;
            let actor = principal.name.clone().unwrap_or_default();
            let ending = async {
                match (params.everywhere, Cookie::Session.of(http, &parts)) {
                    (true, _) => sessions.end_all(&principal).await,
                    (false, Some(token)) => sessions.end(token).await.map(u64::from),
                    (false, None) => Ok(0),
                }
            };
            as_actor(actor, ending).await?
        }
        // The session ended before.
        Err(problem) if problem.is_unauthorized() && !params.everywhere => 0,
        Err(problem) => return Err(problem),
    };
    let headers = HeaderMap::from_iter([(SET_COOKIE, Cookie::Session.delete(http))]);
    Ok((headers, axum::Json(SignedOut { n_ended })))
}

/// Sign in to the console at the OpenID Connect provider: open this address in the browser. It leads to the provider's
/// page, back, and to `next`. After a failure it leads to `/?sign_in_error=` with `expired` (start again), `refused`
/// (by the provider, or no role for Ken) or `unavailable` (the provider; see the log).
#[utoipa::path(
    get, path = "/v1/session/oidc", tag = "session", params(OidcParams),
    responses(
        (status = 302, description = "To the provider's page, or to `/?sign_in_error=unavailable`"),
        (status = 404, description = "No provider is configured", body = Problem),
        (status = 422, description = "`next` is not a local path", body = Problem)
    )
)]
pub async fn begin_oidc(
    State(state): State<AppState>,
    Sender(parts): Sender,
    Params(params): Params<OidcParams>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let next = params.next.unwrap_or_else(|| "/".to_owned());
    if !is_local_path(&next) {
        let detail =
            "expected a path of this service in percent-encoding, for example /documents?page=2";
        return Err(Problem::invalid(vec![Fault::new("?next", detail)]));
    }
    state.sign_ins.check(address_of(&parts))?;
    let redirect_uri = redirect_uri(&state, &parts)?;
    match state.app.sessions.begin(next, &redirect_uri).await {
        Ok((url, sign_in)) => {
            let cookie = Cookie::SignIn.set(&state.app.config.http, &sign_in);
            redirect(&url, [cookie])
        }
        Err(error) => failed(&state, error),
    }
}

/// Finish a sign-in at the provider, which sends the browser here.
#[utoipa::path(
    get, path = "/v1/session/oidc/callback", tag = "session", params(CallbackParams),
    responses(
        (status = 302, description = "To the requested path, with the session's cookie, or to `/?sign_in_error=…`"),
        (status = 404, description = "No provider is configured", body = Problem)
    )
)]
pub async fn finish_oidc(
    State(state): State<AppState>,
    Sender(parts): Sender,
    Params(params): Params<CallbackParams>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let http = &state.app.config.http;
    if !state.app.sessions.has_oidc() {
        return failed(&state, SignInError::NotConfigured);
    }
    // Only the browser that started the sign-in has the cookie.
    let cookie = Cookie::SignIn.of(http, &parts).unwrap_or_default();
    let sign_in = params.state.as_deref().unwrap_or_default();
    if sign_in.is_empty() || !bool::from(sign_in.as_bytes().ct_eq(cookie.as_bytes())) {
        return failed(&state, SignInError::Expired);
    }
    let Some(code) = params.code.filter(|_| params.error.is_none()) else {
        tracing::warn!(error = params.error, "provider refused a sign-in");
        return failed(&state, SignInError::Refused);
    };
    let redirect_uri = redirect_uri(&state, &parts)?;
    match state
        .app
        .sessions
        .finish(sign_in, &code, &redirect_uri)
        .await
    {
        Ok((signed_in, next)) => {
            end_previous(&state, &parts, &signed_in.principal).await?;
            let session = Cookie::Session.set(http, &signed_in.token);
            redirect(&next, [session, Cookie::SignIn.delete(http)])
        }
        Err(error) => failed(&state, error),
    }
}

/// The address that the provider sends the browser back to.
fn redirect_uri(state: &AppState, parts: &Parts) -> Result<String, Problem> {
    let origin = origin_of_service(&state.app.config.http, parts);
    let missing = || Problem::invalid(vec![Fault::new("host", "expected the header Host")]);
    Ok(format!(
        "{}/v1/session/oidc/callback",
        origin.ok_or_else(missing)?
    ))
}

/// Leads a person to the console, which shows the failure; the rest is a [`Problem`].
fn failed(state: &AppState, error: SignInError) -> Result<(StatusCode, HeaderMap), Problem> {
    let code = match &error {
        SignInError::Expired => "expired",
        SignInError::Refused => "refused",
        SignInError::Provider(_) => "unavailable",
        _ => return Err(error.into()),
    };
    tracing::warn!(%error, "sign-in failed");
    let cookie = Cookie::SignIn.delete(&state.app.config.http);
    redirect(&format!("/?sign_in_error={code}"), [cookie])
}

fn redirect<const N: usize>(
    to: &str,
    cookies: [HeaderValue; N],
) -> Result<(StatusCode, HeaderMap), Problem> {
    let location = HeaderValue::try_from(to).map_err(|error| Problem::internal(&error))?;
    let mut headers = HeaderMap::from_iter([(LOCATION, location)]);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    Ok((StatusCode::FOUND, headers))
}

/// Whether a browser that is led to `next` stays on this service. Browsers read `\` as `/`, drop tabs and line breaks,
/// and read a host after two slashes.
fn is_local_path(next: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && c != '\\';
    next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_048
        && next.chars().all(is_plain)
}

/// The request without its body.
pub struct Sender(Parts);

impl axum::extract::FromRequestParts<AppState> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Ok(Self(parts.clone()))
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Key(error) => error.into(),
            SignInError::NotNeeded => Problem::conflict(error.to_string()),
            SignInError::NotConfigured => Problem::not_found(error.to_string()),
            SignInError::Expired | SignInError::Refused => Problem::unauthorized(error.to_string()),
            SignInError::Provider(_) => Problem::unavailable("the provider is unavailable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_service_are_local() {
        for next in ["/", "/documents?page=2#top", "/a//b", "/%E9%80%80"] {
            assert!(is_local_path(next), "{next}");
        }
        for next in [
            "",
            "documents",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: x=1",
            "https://evil.example/",
            "javascript:alert(1)",
            " /",
            "/退",
        ] {
            assert!(!is_local_path(next), "{next}");
        }
    }

    #[test]
    fn sign_in_limit_is_per_address_and_per_ipv6_network() {
        let rates = SignInRates::default();
        let from = |address: &str| Some(address.parse().unwrap());
        for _ in 0..SIGN_INS_PER_MINUTE.get() {
            assert!(rates.check(from("2001:db8::1")).is_ok());
        }
        let refused = rates.check(from("2001:db8::2")).unwrap_err();
        assert_eq!(refused.status, 429);
        assert!(rates.check(from("2001:db8:0:1::1")).is_ok());
        assert!(rates.check(from("192.0.2.1")).is_ok());
    }
}
