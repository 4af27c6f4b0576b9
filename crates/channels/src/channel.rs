//! [`Channel`]: what a platform has to say for itself, and the types that all platforms share.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

mod event;
mod outgoing;
mod text;

pub use event::{Content, Delivered, Event, EventKind, Person};
pub use outgoing::{
    Body, Call, Limits, MediaCall, MediaStep, Outcome, Outgoing, PlatformReply, Refusal, Response,
    Template, Unit, Way,
};
pub use text::cut;
pub(crate) use text::offered;

/// Opened credentials of an inbox by name.
pub type Credentials = BTreeMap<String, String>;

/// A credential that a channel needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Its name among the inbox's secrets.
    pub name: &'static str,
    /// Where the platform shows it.
    pub found_at: &'static str,
    /// Whether the channel works without it.
    pub is_optional: bool,
}

/// A request that a platform makes to an inbox's webhook.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// Whether it is a GET request.
    pub is_get: bool,
    /// The address that the platform called, with its scheme, host and query: `https://HOST/PATH?QUERY`. Behind a proxy it is
    /// the public address, because Twilio signs it.
    pub url: &'a str,
    /// The parameters of its query, decoded.
    pub query: &'a [(String, String)],
    /// Its headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// Its body, as it was received.
    pub body: &'a [u8],
    /// When it was received.
    pub now: Timestamp,
}

impl<'a> Webhook<'a> {
    /// The first header of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        value_of(self.headers, name)
    }

    /// The first parameter of a name.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        value_of(self.query, name)
    }

    /// The fields of a form in the body, decoded, in their order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body).into_owned().collect()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] if it is none.
    pub fn json(&self) -> Result<Value, Rejection> {
        serde_json::from_slice(self.body).map_err(|error| Rejection::Malformed(error.to_string()))
    }
}

fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut pairs = pairs.iter();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// Why a request to a webhook is refused. Nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The inbox lacks a credential that verifies requests.
    #[error("the inbox has no {0}; set this secret")]
    NoCredential(&'static str),
    /// The request has no signature, or none by the inbox's credential.
    #[error("{0}")]
    Forged(&'static str),
    /// The signature is of another time.
    #[error("the request was signed {0} s ago; at most 300 s are allowed")]
    Stale(i64),
    /// The request is signed but cannot be read.
    #[error("cannot read the request: {0}")]
    Malformed(String),
}

/// A messaging platform.
pub trait Channel: Send + Sync {
    /// The platform's address for calls, without a slash at its end.
    fn address(&self) -> &'static str;

    /// The credentials that it needs.
    fn credentials(&self) -> &'static [Credential];

    /// What it allows.
    fn limits(&self) -> Limits;

    /// Verifies a request to the webhook on its raw bytes, and parses it.
    ///
    /// # Errors
    /// [`Rejection`]; then nothing of it is to be believed.
    fn receive(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
    ) -> Result<Delivered, Rejection>;

    /// The requests that send a message by a way, in order. With [`Way::Reply`] on a platform that takes its reply in the
    /// response ([`Limits::in_response`]), the first text is not among them: the caller gives it to
    /// [`Channel::response`]. So there may be none.
    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call>;

    /// What a reply to such a request means.
    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome;

    /// A request that fails if the credentials are wrong, and sends nothing.
    fn check(&self, credentials: &Credentials) -> Call;

    /// The response to a webhook that [`Channel::receive`] accepted: with the text of a reply if the platform takes it there
    /// ([`Limits::in_response`]), or `None` to acknowledge the request without one. The default is an empty body.
    fn response(
        &self,
        _credentials: &Credentials,
        _webhook: &Webhook<'_>,
        _text: Option<&str>,
        _choices: &[String],
    ) -> Response {
        Response::default()
    }

    /// The request for an access token, if the platform issues one for a limited time; `None` if the credentials are used as
    /// they are. The caller caches the token until shortly before it expires, and adds it to the credentials of
    /// [`Channel::calls`], [`Channel::check`] and [`Channel::media_call`] as `access_token`.
    fn token_call(&self, _credentials: &Credentials) -> Option<Call> {
        None
    }

    /// The access token in the reply to [`Channel::token_call`], and how long it is valid.
    ///
    /// # Errors
    /// [`Outcome`]: what the reply means if it holds no token; never [`Outcome::Accepted`].
    fn token_of(&self, _reply: &PlatformReply<'_>) -> Result<(String, Duration), Outcome> {
        Err(Outcome::GiveUp("no_token".to_owned()))
    }

    /// The request that fetches a [`Content::Media`] by its id; `None` if the platform has none for this id.
    fn media_call(&self, _credentials: &Credentials, _id: &str) -> Option<MediaCall> {
        None
    }

    /// What the reply to [`Channel::media_call`] is: the file, or a pointer to it. At most one further request is needed, and
    /// its reply is the file if [`PlatformReply::by_status`] accepts it.
    ///
    /// # Errors
    /// [`Outcome`]: what the reply means if it is neither; never [`Outcome::Accepted`].
    fn media_step(
        &self,
        _credentials: &Credentials,
        reply: &PlatformReply<'_>,
    ) -> Result<MediaStep, Outcome> {
        match reply.by_status() {
            Outcome::Accepted => Ok(MediaStep::File),
            other => Err(other),
        }
    }
}

/// A credential; empty if it is missing, so that the platform refuses it.
pub(crate) fn credential<'a>(credentials: &'a Credentials, name: &str) -> &'a str {
    credentials.get(name).map_or("", String::as_str)
}

/// A credential that verifies requests.
pub(crate) fn required<'a>(
    credentials: &'a Credentials,
    name: &'static str,
) -> Result<&'a str, Rejection> {
    let found = credentials.get(name).map(String::as_str);
    let found = found.filter(|secret| !secret.is_empty());
    found.ok_or(Rejection::NoCredential(name))
}

/// A value of a JSON object as text; numbers as their digits.
pub(crate) fn text_at(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list of a JSON object; empty if it is none.
pub(crate) fn list_at<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

/// A time in milliseconds, or in seconds, since 1970.
pub(crate) fn time_of(number: Option<i64>, is_seconds: bool) -> Option<Timestamp> {
    let number = number?;
    let at = match is_seconds {
        true => Timestamp::from_second(number),
        false => Timestamp::from_millisecond(number),
    };
    at.ok()
}
