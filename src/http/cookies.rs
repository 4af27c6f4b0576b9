//! The cookies of the console, and the protection of requests that a browser authenticates automatically against pages
//! of other sites.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};

use super::AppState;
use super::problem::Problem;
use crate::sessions::SIGN_IN;
use ken_base::config::HttpConfig;

/// The header that the console sends with each request. Pages of other origins cannot: it needs a preflight, which CORS
/// does not allow.
pub const CONSOLE_HEADER: &str = "x-ken-console";

/// A cookie of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The token of the session.
    Session,
    /// The state of a sign-in at the provider. The provider's page sends the browser back, so the cookie has to be sent
    /// with a navigation from another site.
    SignIn,
}

impl Cookie {
    /// Browsers accept a cookie with the prefix `__Host-` from this host over TLS only, so neither a neighbouring
    /// domain nor an eavesdropper can set it (RFC 6265bis, section 4.1.3.2).
    fn name(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Self::Session, false) => "ken_session",
            (Self::Session, true) => "__Host-ken_session",
            (Self::SignIn, false) => "ken_sign_in",
            (Self::SignIn, true) => "__Host-ken_sign_in",
        }
    }

    /// The value in a request.
    pub fn of<'a>(self, http: &HttpConfig, parts: &'a Parts) -> Option<&'a str> {
        let name = self.name(is_secure(http));
        let headers = parts.headers.get_all(COOKIE).into_iter();
        let pairs = headers.filter_map(|header| header.to_str().ok());
        let mut pairs = pairs.flat_map(|header| header.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// The header that sets the cookie. A browser drops the session when it is closed.
    pub fn set(self, http: &HttpConfig, value: &str) -> HeaderValue {
        let lifetime = match self {
            Self::Session => String::new(),
            Self::SignIn => format!("; Max-Age={}", SIGN_IN.as_secs()),
        };
        self.header(http, value, &lifetime)
    }

    /// The header that deletes the cookie.
    pub fn delete(self, http: &HttpConfig) -> HeaderValue {
        self.header(http, "", "; Max-Age=0")
    }

    fn header(self, http: &HttpConfig, value: &str, lifetime: &str) -> HeaderValue {
        let is_secure = is_secure(http);
        let name = self.name(is_secure);
        let same_site = match self {
            Self::Session => "Strict",
            Self::SignIn => "Lax",
        };
        let secure = if is_secure { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{lifetime}");
        HeaderValue::try_from(text).expect("tokens are hexadecimal digits")
    }
}

/// Whether browsers reach the service over TLS.
fn is_secure(http: &HttpConfig) -> bool {
    http.tls_cert.is_some() || http.public_url.starts_with("https://")
}

/// The address of the service in the browser, for example `https://ken.example.com`; `None` if neither the settings nor
/// the request name the host.
pub fn origin_of_service(http: &HttpConfig, parts: &Parts) -> Option<String> {
    if !http.public_url.is_empty() {
        return Some(http.public_url.clone());
    }
    let scheme = if is_secure(http) { "https" } else { "http" };
    host(parts).map(|host| format!("{scheme}://{host}"))
}

/// The host that a request names; HTTP/2 has it in the address.
fn host(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(HOST);
    let header = header.and_then(|value| value.to_str().ok());
    parts
        .uri
        .authority()
        .map(|authority| authority.as_str())
        .or(header)
}

/// Whether a request comes from a page of the service itself, or not from a browser. `Sec-Fetch-Site` decides; browsers
/// omit it on plain HTTP and then send `Origin` (as `http.CrossOriginProtection` of Go does).
pub fn is_same_origin(http: &HttpConfig, parts: &Parts) -> bool {
    if let Some(site) = parts.headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = parts.headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let authority = origin
        .split_once("://")
        .map_or("", |(_, authority)| authority);
    let is_host = host(parts).is_some_and(|host| host.eq_ignore_ascii_case(authority));
    is_host || (origin == http.public_url && !origin.is_empty())
}

/// Refuses a request that may have been made by a page of another site, if the browser authenticates it: by the cookie,
/// or by its address while every caller is an operator. Reading is allowed, since such a page cannot read the reply.
///
/// # Errors
/// 403 with the reason.
pub fn check_site(state: &AppState, parts: &Parts, has_session: bool) -> Result<(), Problem> {
    let http = &state.app.config.http;
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return Ok(());
    }
    let origin = parts.headers.get(ORIGIN);
    let is_listed = || {
        let listed = &http.cors_origins;
        origin.is_some_and(|origin| listed.iter().any(|of| origin.as_bytes() == of.as_bytes()))
    };
    if !is_same_origin(http, parts) && (has_session || !is_listed()) {
        return Err(Problem::cross_site(
            "a page of another site made the request; behind a proxy, set http.public_url",
        ));
    }
    match has_session
        && parts
            .headers
            .get(CONSOLE_HEADER)
            .is_none_or(|value| value != "1")
    {
        true => Err(Problem::cross_site(
            "with the session cookie, a request that changes something needs the header `X-Ken-Console: 1`",
        )),
        false => Ok(()),
    }
}
