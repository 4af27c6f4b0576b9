//! What is sent to platforms, and what they reply.

use jiff::SignedDuration;
use serde_json::Value;

/// How a platform counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// UTF-16 code units.
    Utf16,
    /// Unicode characters.
    Characters,
    /// Bytes of UTF-8.
    Bytes,
}

/// What a platform allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text of a message.
    pub text: usize,
    /// In what that is counted.
    pub unit: Unit,
    /// The most messages of one request.
    pub per_call: usize,
    /// The most choices that can be offered to touch.
    pub choices: usize,
    /// The longest name of a choice, in characters; longer ones are offered as numbered lines only.
    pub choice: usize,
    /// How long a reply token is used after its event was received; `None` if there are none. Less than the platform allows,
    /// so that a push follows in time.
    pub reply: Option<SignedDuration>,
    /// Whether the reply goes into the response to the webhook ([`super::Channel::response`]), and not into a request.
    pub in_response: bool,
    /// How long after a customer's message the bot may write.
    pub window: Option<SignedDuration>,
    /// How long after a customer's message a person may write.
    pub person_window: Option<SignedDuration>,
    /// How many messages may be pushed after each message of the customer; `None` if there is no such limit.
    pub per_inbound: Option<usize>,
    /// Whether the platform has approved templates, which may be sent at any time.
    pub templates: bool,
}

impl Limits {
    /// The limits of a platform that only limits the length of a text: one message a request, no choices, no reply tokens, no
    /// windows, no templates.
    pub const fn of_text(text: usize, unit: Unit) -> Self {
        Self {
            text,
            unit,
            per_call: 1,
            choices: 0,
            choice: 0,
            reply: None,
            in_response: false,
            window: None,
            person_window: None,
            per_inbound: None,
            templates: false,
        }
    }
}

/// A message that the platform has approved, with values for its places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// Its name at the platform.
    pub name: String,
    /// Its language as the platform names it, such as `zh_TW`.
    pub language: String,
    /// The values of the places in its body, in their order.
    pub parameters: Vec<String>,
}

/// A message to a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Ken's id of it.
    pub message_id: String,
    /// The platform's id of the customer.
    pub to: String,
    /// Its texts, each within the platform's limit.
    pub texts: Vec<String>,
    /// Questions to choose from, offered with the last text.
    pub choices: Vec<String>,
    /// Whether a person wrote it, and not the bot.
    pub by_person: bool,
    /// The template that it is sent as by [`Way::Template`].
    pub template: Option<Template>,
}

/// The way that a message takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// As the reply to an event, by its token.
    Reply(String),
    /// As a message.
    Push,
    /// As a message marked as written by a person, after the bot's window has closed.
    PersonPush,
    /// As its template.
    Template,
    /// Not at all.
    Refuse(Refusal),
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The customer has never written, and the platform allows no first message.
    NeverWrote,
    /// The platform's window after the customer's last message has closed.
    WindowClosed,
    /// The customer blocked the account.
    Blocked,
    /// As many messages were sent as the platform allows after one message of the customer.
    QuotaUsed,
}

impl Refusal {
    /// A code for the delivery.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::NeverWrote => "never_wrote",
            Refusal::WindowClosed => "window_closed",
            Refusal::Blocked => "blocked",
            Refusal::QuotaUsed => "quota_used",
        }
    }
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// None.
    None,
    /// JSON, as `application/json`.
    Json(Value),
    /// Fields of a form, as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
}

/// A request to the platform. Path, headers and body may hold credentials: they belong in no log.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path and query below the platform's address.
    pub path: String,
    /// Headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body; none for a GET request.
    pub body: Body,
}

impl Call {
    /// A GET request.
    pub fn get(path: String, headers: Vec<(&'static str, String)>) -> Self {
        Self {
            method: "GET",
            path,
            headers,
            body: Body::None,
        }
    }

    /// A POST request with JSON.
    pub fn post(path: String, headers: Vec<(&'static str, String)>, body: Value) -> Self {
        Self {
            method: "POST",
            path,
            headers,
            body: Body::Json(body),
        }
    }

    /// The body if it is JSON.
    pub fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            Body::None | Body::Form(_) => None,
        }
    }
}

/// The response to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: String::new(),
        }
    }
}

/// A request for a file of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaCall {
    /// The address that the call's path is below, with its scheme and without a slash at its end; `None` for the platform's
    /// own ([`super::Channel::address`]). Part of it may come from a customer's message: requests to internal addresses
    /// have to be refused, as for any address.
    pub address: Option<String>,
    /// The request.
    pub call: Call,
}

impl MediaCall {
    /// A GET request for an `https` address; `None` if it is not one, or names a user.
    pub fn at(url: &str, headers: Vec<(&'static str, String)>) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if host.is_empty() || !host.chars().all(is_plain) {
            return None;
        }
        let path = path.split('#').next().unwrap_or_default();
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/{path}"),
        };
        Some(Self {
            address: Some(format!("https://{host}")),
            call: Call::get(path, headers),
        })
    }
}

/// What the reply to a request for a file is.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaStep {
    /// The file.
    File,
    /// A pointer: this request fetches the file.
    Next(MediaCall),
}

/// What the platform's reply to a call means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took the message: that is not yet delivered.
    Accepted,
    /// Try again, after so many seconds if it says so.
    Retry(String, Option<u32>),
    /// The reply token is used up or too old: push.
    TokenSpent,
    /// The access token of [`super::Channel::token_call`] has expired or was replaced: fetch it again, then try again once.
    AccessExpired,
    /// It never takes the message.
    GiveUp(String),
    /// The credentials are refused: an operator has to connect the inbox again.
    Reconnect(String),
}

/// A reply of the platform.
#[derive(Debug, Clone, Copy)]
pub struct PlatformReply<'a> {
    /// Its status.
    pub status: u16,
    /// Its header `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// Its body.
    pub body: &'a [u8],
}

impl PlatformReply<'_> {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or(Value::Null)
    }

    /// What the status says where the body says nothing more.
    pub fn by_status(&self) -> Outcome {
        let code = format!("status_{}", self.status);
        match self.status {
            200..=299 => Outcome::Accepted,
            401 => Outcome::Reconnect(code),
            408 | 425 | 429 | 500..=599 => Outcome::Retry(code, self.retry_after),
            _ => Outcome::GiveUp(code),
        }
    }
}
