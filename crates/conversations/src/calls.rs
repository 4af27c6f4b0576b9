//! Requests to platforms, and why an attempt to deliver by one fails.

use std::time::Duration;

use reqwest::Response;

use ken_base::desk::Inbox;
use ken_base::outbound;
use ken_channels::channel::{Body, Call, Channel};

/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest reply that is read.
const MAX_REPLY: usize = 1 << 20;

/// A platform's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its header `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// Its body; of a longer one its beginning.
    pub body: Vec<u8>,
}

/// Makes a request to the platform of an inbox.
///
/// # Errors
/// A code: `unreachable` or `forbidden_address` if the platform has not received it; `timeout` or `interrupted` if it may have.
pub async fn call(
    client: &reqwest::Client,
    channel: &dyn Channel,
    inbox: &Inbox,
    call: &Call,
) -> Result<Answered, &'static str> {
    let address = inbox.settings.platform_url.as_deref();
    let address = address.unwrap_or(channel.address());
    call_at(client, address, call, TIMEOUT, MAX_REPLY).await
}

/// Makes a request below an address, within a time, and reads its reply up to somewhat more than `most` bytes.
///
/// # Errors
/// As of [`call`].
pub async fn call_at(
    client: &reqwest::Client,
    address: &str,
    call: &Call,
    timeout: Duration,
    most: usize,
) -> Result<Answered, &'static str> {
    let url = format!("{address}{}", call.path);
    outbound::check(&url).map_err(|_| "forbidden_address")?;
    let mut request = match call.method {
        "GET" => client.get(&url),
        _ => client.post(&url),
    };
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    request = match &call.body {
        Body::None => request,
        Body::Json(body) => request.json(body),
        Body::Form(fields) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let form = form.extend_pairs(fields).finish();
            let kind = "application/x-www-form-urlencoded";
            request.header("content-type", kind).body(form)
        }
    };
    let reply = request.timeout(timeout).send().await;
    let reply = reply.map_err(|error| match (error.is_connect(), error.is_timeout()) {
        (true, _) => "unreachable",
        (false, true) => "timeout",
        (false, false) => "interrupted",
    })?;
    read(reply, most).await
}

async fn read(mut reply: Response, most: usize) -> Result<Answered, &'static str> {
    let status = reply.status().as_u16();
    let after = reply.headers().get("retry-after");
    let retry_after = after
        .and_then(|value| value.to_str().ok())
        .and_then(|seconds| seconds.trim().parse().ok());
    let mut body = Vec::new();
    while let Some(bytes) = reply.chunk().await.map_err(|_| "interrupted")? {
        body.extend_from_slice(&bytes);
        if body.len() > most {
            break;
        }
    }
    Ok(Answered {
        status,
        retry_after,
        body,
    })
}

/// Why an attempt failed.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// By a code; it is tried again, not before so many seconds.
    Transient(String, Option<u32>),
    /// The platform refuses the credentials, by a code; it is tried again.
    Reconnect(String),
    /// By a code; it is not tried again.
    Final(String),
    /// The platform's window has closed.
    Expired,
}

impl Failure {
    /// A failure that is tried again by the schedule.
    pub(crate) fn retry(code: &str) -> Self {
        Failure::Transient(code.to_owned(), None)
    }
}
