//! [`Channel`]: what a platform has to say for itself, and the types that all platforms share.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use ken_base::desk::DeliveryState;
use serde_json::Value;

/// Opened credentials of an inbox by name.
pub type Credentials = BTreeMap<String, String>;

/// A credential that a channel needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Its name among the inbox's secrets.
    pub name: &'static str,
    /// Where the platform shows it.
    pub found_at: &'static str,
}

/// A request that a platform makes to an inbox's webhook.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// Whether it is a GET request.
    pub is_get: bool,
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

/// What a verified request holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivered {
    /// The platform checks the address: reply this text.
    Challenge(String),
    /// Events, in the order of the request.
    Events(Vec<Event>),
}

/// Something that happened on the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The platform's id of it: what has the same id happened once.
    pub id: String,
    /// When, by the platform's clock; `None` if it does not say.
    pub at: Option<Timestamp>,
    /// What.
    pub what: EventKind,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A customer wrote.
    Message {
        /// Who.
        from: Person,
        /// What.
        parts: Vec<Content>,
        /// A token with which one reply is free, if the platform gives one.
        reply_token: Option<String>,
    },
    /// A person of the company wrote to a customer on the platform's own app.
    Echo {
        /// To whom.
        to: Person,
        /// What.
        parts: Vec<Content>,
    },
    /// What became of a message.
    Report {
        /// The id that Ken gave the message.
        message_id: String,
        /// Its state.
        state: DeliveryState,
    },
    /// A customer follows the account, or blocks it.
    Consent {
        /// Who.
        of: Person,
        /// Whether the account may write.
        granted: bool,
    },
    /// The platform has another id for a customer.
    Alias {
        /// The customer, by one id.
        of: Person,
        /// The other id.
        user_id: String,
    },
    /// Something that Ken has no use for, by a word for logs.
    Ignored(String),
}

/// Somebody on the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The platform's id of them.
    pub user_id: String,
    /// The name that they chose; empty if unknown.
    pub name: String,
    /// Their telephone number with a leading `+`, if the platform has verified it.
    pub phone: Option<String>,
}

impl Person {
    /// Somebody of whom only the id is known.
    pub fn of(user_id: &str) -> Self {
        Self {
            user_id: user_id.to_owned(),
            ..Self::default()
        }
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// A place, in degrees north and east.
    Location(f64, f64),
    /// Something in another form, which stays on the platform: the platform's word for it.
    Other(String),
}

/// How a platform counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// UTF-16 code units.
    Utf16,
    /// Unicode characters.
    Characters,
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
    /// How long a reply token is used after its event; `None` if there are none. Less than the platform allows, so that a
    /// push follows in time.
    pub reply: Option<SignedDuration>,
    /// How long after a customer's message the bot may write.
    pub window: Option<SignedDuration>,
    /// How long after a customer's message a person may write.
    pub person_window: Option<SignedDuration>,
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
}

/// The way that a message takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// As the free reply to an event, by its token.
    Reply(String),
    /// As a message.
    Push,
    /// As a message marked as written by a person, after the bot's window has closed.
    PersonPush,
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
}

impl Refusal {
    /// A code for the delivery.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::NeverWrote => "never_wrote",
            Refusal::WindowClosed => "window_closed",
            Refusal::Blocked => "blocked",
        }
    }
}

/// A request to the platform. All have a JSON body, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path and query below the platform's address.
    pub path: String,
    /// Headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `None` for a GET request.
    pub body: Option<Value>,
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

    /// The requests that send a message by a way, in order.
    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call>;

    /// What a reply to such a request means.
    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome;

    /// A request that fails if the credentials are wrong, and sends nothing.
    fn check(&self, credentials: &Credentials) -> Call;
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

/// The choices that can be offered to touch: none if there are too many or one is too long.
pub(crate) fn offered<'a>(message: &'a Outgoing, limits: &Limits) -> &'a [String] {
    let fits = |choice: &String| choice.chars().count() <= limits.choice;
    match message.choices.len() <= limits.choices && message.choices.iter().all(fits) {
        true => &message.choices,
        false => &[],
    }
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

/// Cuts a text into pieces within a limit, at paragraph, line or sentence ends where there are any.
pub fn cut(text: &str, limits: &Limits) -> Vec<String> {
    let size = |text: &str| match limits.unit {
        Unit::Utf16 => text.encode_utf16().count(),
        Unit::Characters => text.chars().count(),
    };
    let (mut rest, mut pieces) = (text.trim(), Vec::new());
    while size(rest) > limits.text {
        let mut end = 0;
        let mut used = 0;
        for (at, c) in rest.char_indices() {
            used += match limits.unit {
                Unit::Utf16 => c.len_utf16(),
                Unit::Characters => 1,
            };
            if used > limits.text {
                break;
            }
            end = at + c.len_utf8();
        }
        let fits = &rest[..end];
        let after = |mark: &str| fits.rfind(mark).map(|at| at + mark.len());
        let natural = after("\n\n").or_else(|| after("\n")).or_else(|| {
            let ends = ["。", "！", "？", ". ", "! ", "? "];
            ends.iter().filter_map(|mark| after(mark)).max()
        });
        // A cut near the beginning would make many short messages.
        let at = natural.filter(|at| *at > end / 4).unwrap_or(end);
        pieces.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Limits = Limits {
        text: 10,
        unit: Unit::Utf16,
        per_call: 1,
        choices: 3,
        choice: 4,
        reply: None,
        window: None,
        person_window: None,
    };

    #[test]
    fn text_is_cut_at_natural_places_within_the_limit() {
        assert_eq!(cut("很短", &TEN), ["很短"]);
        assert_eq!(cut("", &TEN), Vec::<String>::new());
        assert_eq!(
            cut("第一句話。第二句話到這裡。", &TEN),
            ["第一句話。", "第二句話到這裡。"]
        );
        assert_eq!(
            cut("一二三四五六七八九十甲", &TEN),
            ["一二三四五六七八九十", "甲"]
        );
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..2_000 {
            let n = random.usize(0..60);
            let letters = ['a', '。', '😀', '\n', ' ', '字', '.'];
            let text: String = (0..n).filter_map(|_| random.choice(letters)).collect();
            let pieces = cut(&text, &TEN);
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(bare(&pieces.concat()), bare(&text), "{text:?}");
            let fits = |piece: &String| piece.encode_utf16().count() <= TEN.text;
            assert!(pieces.iter().all(fits), "{pieces:?}");
        }
    }

    #[test]
    fn choices_are_offered_only_if_all_fit() {
        let message = |choices: &[&str]| Outgoing {
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
            ..Outgoing::default()
        };
        assert_eq!(offered(&message(&["甲", "乙"]), &TEN).len(), 2);
        assert!(offered(&message(&["甲", "太長的選項"]), &TEN).is_empty());
        assert!(offered(&message(&["1", "2", "3", "4"]), &TEN).is_empty());
    }
}
