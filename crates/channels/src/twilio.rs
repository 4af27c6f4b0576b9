//! Twilio's telephone calls: what a caller says (`<Gather input="speech">`), answered in the response as TwiML, and real-time
//! transcriptions of calls that people take. Contract: Twilio's documents "TwiML Voice" and "Webhooks security".

use std::collections::BTreeSet;

use form_urlencoded::byte_serialize;
use jiff::SignedDuration;
use ken_base::digest::sha256;
use serde_json::Value;

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits, Outcome,
    Outgoing, Person, PlatformReply, Rejection, Response, Unit, Way, Webhook, credential, cut,
    required, text_at,
};
use crate::signature::{base64, hex, hmac_sha1, is_equal};
use crate::xml::escaped;

/// Telephone calls by Twilio.
pub struct Twilio;

const ACCOUNT: &str = "account_sid";
const TOKEN: &str = "auth_token";
const LANGUAGE: &str = "language";
const SPEECH: &str = "speech_language";
/// Parameters of the address: the number of what the caller says within the call, and how often Twilio has asked for its
/// answer. The signature covers them.
const TURN: &str = "turn";
const WAIT: &str = "wait";
/// How often Twilio asks for an answer: about a minute with [`Limits::reply`].
const MAX_WAITS: u32 = 6;
/// The longest text of one `<Say>`. The limit is 4,500 characters of its URL-encoding (Twilio, warning 13521), which has
/// three for each byte.
const SAY: Limits = Limits::of_text(1_500, Unit::Bytes);
/// The seconds of silence after which the call ends.
const SILENCE_S: u32 = 10;

type Fields = Vec<(String, String)>;

impl Channel for Twilio {
    fn address(&self) -> &'static str {
        "https://api.twilio.com"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: ACCOUNT,
                found_at: "Twilio Console, Account info, Account SID",
                is_optional: false,
            },
            Credential {
                name: TOKEN,
                found_at: "Twilio Console, Account info, Auth token",
                is_optional: false,
            },
            Credential {
                name: LANGUAGE,
                found_at: "your own choice: the language of the voice, such as zh-TW; Twilio's default is en-US",
                is_optional: true,
            },
            Credential {
                name: SPEECH,
                found_at: "your own choice: the language that is recognized, such as cmn-Hant-TW, if Twilio names it otherwise than the voice's",
                is_optional: true,
            },
        ]
    }

    /// A response has at most 64 KiB (Twilio, "TwiML"), so that 15,000 characters of at most 4 bytes fit. Twilio gives up
    /// on a response after 15 s.
    fn limits(&self) -> Limits {
        Limits {
            reply: Some(SignedDuration::from_secs(10)),
            in_response: true,
            ..Limits::of_text(15_000, Unit::Characters)
        }
    }

    fn receive(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
    ) -> Result<Delivered, Rejection> {
        let fields = verified(credentials, webhook)?;
        let event = match value(&fields, "TranscriptionEvent") {
            Some(kind) => transcription(kind, &fields)?,
            None => turn(&fields, webhook)?,
        };
        Ok(Delivered::Events(vec![event]))
    }

    /// None: a call is answered in the response only, and what comes later finds no call.
    fn calls(&self, _: &Credentials, _: &Outgoing, _: &Way) -> Vec<Call> {
        Vec::new()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        reply.by_status()
    }

    fn check(&self, credentials: &Credentials) -> Call {
        let account = credential(credentials, ACCOUNT);
        let token = credential(credentials, TOKEN);
        let basic = base64(format!("{account}:{token}").as_bytes());
        let encoded: String = byte_serialize(account.as_bytes()).collect();
        Call::get(
            format!("/2010-04-01/Accounts/{encoded}.json"),
            vec![("authorization", format!("Basic {basic}"))],
        )
    }

    /// With a text, it is spoken while Twilio listens for the next turn, so that the caller may interrupt it. Without one,
    /// Twilio asks for the answer again, or listens if nothing was said. What is not a turn of a running call gets an empty
    /// document.
    fn response(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
        text: Option<&str>,
        choices: &[String],
    ) -> Response {
        let fields = fields_of(webhook);
        let (turn, wait) = (number(webhook, TURN), number(webhook, WAIT));
        let is_turn = value(&fields, "SpeechResult").is_some() || wait > 0;
        let verbs = match text {
            _ if value(&fields, "TranscriptionEvent").is_some() || is_over(&fields) => {
                String::new()
            }
            None if is_turn && wait < MAX_WAITS => {
                let url = escaped(&next(webhook.url, turn, wait + 1));
                format!(r#"<Pause length="1"/><Redirect method="POST">{url}</Redirect>"#)
            }
            text => {
                let url = next(webhook.url, turn.saturating_add(1), 0);
                listen(credentials, &url, text.unwrap_or_default(), choices)
            }
        };
        Response {
            content_type: "text/xml; charset=utf-8",
            body: format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>"#),
        }
    }
}

/// Says a text, if there is one, and listens.
fn listen(credentials: &Credentials, url: &str, text: &str, choices: &[String]) -> String {
    let attribute = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!(r#" {name}="{}""#, escaped(value)),
    };
    let language = credential(credentials, LANGUAGE);
    let speech = match credential(credentials, SPEECH) {
        "" => language,
        speech => speech,
    };
    let say = |text: String| {
        format!(
            "<Say{}>{}</Say>",
            attribute("language", language),
            escaped(&text)
        )
    };
    let said: String = cut(text, &SAY).into_iter().map(say).collect();
    format!(
        r#"<Gather input="speech" method="POST" speechTimeout="auto"{}{}{}{}>{said}</Gather>"#,
        attribute("action", url),
        attribute("timeout", &SILENCE_S.to_string()),
        attribute("language", speech),
        // The words that are expected: a comma parts them.
        attribute("hints", &choices.join(", ").replace('\n', " ")),
    )
}

/// The fields of a request: of a form, or of the address of a GET request.
fn fields_of(webhook: &Webhook<'_>) -> Fields {
    match webhook.is_get {
        true => webhook.query.to_vec(),
        false => webhook.form(),
    }
}

fn value<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(known, _)| known == name);
    found
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

fn number(webhook: &Webhook<'_>, name: &str) -> u32 {
    let found = webhook.param(name).and_then(|digits| digits.parse().ok());
    found.unwrap_or(0)
}

fn is_over(fields: &Fields) -> bool {
    let over = ["completed", "busy", "failed", "no-answer", "canceled"];
    value(fields, "CallStatus").is_some_and(|status| over.contains(&status))
}

/// The address of the next request: that of this one, with another turn.
fn next(url: &str, turn: u32, wait: u32) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let is_kept = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && ![TURN, WAIT, "bodySHA256"].contains(&name)
    };
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(is_kept)
        .map(str::to_owned)
        .collect();
    pairs.push(format!("{TURN}={turn}"));
    if wait > 0 {
        pairs.push(format!("{WAIT}={wait}"));
    }
    format!("{path}?{}", pairs.join("&"))
}

/// The fields of a request that Twilio signed: the address as it was called, then the names and values of a form in the order
/// of the names. The body of another type is signed by its SHA-256 in the address.
fn verified(credentials: &Credentials, webhook: &Webhook<'_>) -> Result<Fields, Rejection> {
    let token = required(credentials, TOKEN)?;
    let given = webhook.header("x-twilio-signature");
    let given = given.ok_or(Rejection::Forged("expected X-Twilio-Signature"))?;
    let kind = webhook.header("content-type").unwrap_or_default();
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    let fields = match (webhook.is_get, is_form) {
        (false, true) => webhook.form(),
        (true, _) => Fields::new(),
        (false, false) => {
            let expected = hex(&sha256(webhook.body));
            let hash = webhook.param("bodySHA256").unwrap_or_default();
            if !is_equal(hash, &expected) {
                return Err(Rejection::Forged("bodySHA256 is not of this body"));
            }
            Fields::new()
        }
    };
    let pairs: BTreeSet<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let signed: String = pairs
        .iter()
        .flat_map(|(name, value)| [*name, *value])
        .collect();
    // Twilio signs the address sometimes with its port and sometimes without it.
    let is_of = |url: String| {
        let expected = hmac_sha1(token, &[url.as_bytes(), signed.as_bytes()]);
        is_equal(given, &base64(&expected))
    };
    // Both are computed, so that the time says nothing.
    let (with, without) = (
        is_of(with_port(webhook.url)),
        is_of(without_port(webhook.url)),
    );
    match with | without {
        true => Ok(fields_of(webhook)),
        false => Err(Rejection::Forged(
            "X-Twilio-Signature is not of this auth token and address; the public address has to be the one that Twilio calls",
        )),
    }
}

/// An address in its scheme, host, port and the rest.
fn parts(url: &str) -> Option<(&str, &str, Option<&str>, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let port = host.rsplit_once(':');
    let port =
        port.filter(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    Some(match port {
        Some((host, port)) => (scheme, host, Some(port), rest),
        None => (scheme, host, None, rest),
    })
}

fn with_port(url: &str) -> String {
    match parts(url) {
        Some((scheme, host, None, rest)) => {
            let port = if scheme == "https" { 443 } else { 80 };
            format!("{scheme}://{host}:{port}{rest}")
        }
        _ => url.to_owned(),
    }
}

fn without_port(url: &str) -> String {
    match parts(url) {
        Some((scheme, host, Some(_), rest)) => format!("{scheme}://{host}{rest}"),
        _ => url.to_owned(),
    }
}

/// A caller: the call, because the number that they show is only a claim.
fn caller(fields: &Fields, call: &str) -> Person {
    let shown = value(fields, "From").filter(|number| {
        let digits = number.strip_prefix('+').unwrap_or_default();
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    });
    Person {
        shown_phone: shown.map(str::to_owned),
        ..Person::of(call)
    }
}

fn call_of(fields: &Fields) -> Result<&str, Rejection> {
    let call = value(fields, "CallSid");
    call.ok_or_else(|| Rejection::Malformed("a request has no CallSid".to_owned()))
}

/// What happens in a call that Ken answers.
fn turn(fields: &Fields, webhook: &Webhook<'_>) -> Result<Event, Rejection> {
    let call = call_of(fields)?;
    let (turn, wait) = (number(webhook, TURN), number(webhook, WAIT));
    let person = caller(fields, call);
    let id = format!("{call}:{turn}");
    let (id, what) = match value(fields, "SpeechResult") {
        _ if is_over(fields) => (
            format!("{call}:over"),
            EventKind::Ignored("over".to_owned()),
        ),
        Some(said) => {
            let message = EventKind::Message {
                from: person,
                parts: vec![Content::Text(said.to_owned())],
                reply_token: Some(id.clone()),
                revision: None,
            };
            (id, message)
        }
        None if wait > 0 => {
            let poll = EventKind::Poll {
                of: person,
                reply_token: id.clone(),
            };
            (format!("{id}:{wait}"), poll)
        }
        None => (id, EventKind::Ignored("silence".to_owned())),
    };
    Ok(Event { id, at: None, what })
}

/// A part of a real-time transcription. What may still change has no id of its own, so that only final parts count.
fn transcription(kind: &str, fields: &Fields) -> Result<Event, Rejection> {
    let call = call_of(fields)?;
    let of = value(fields, "TranscriptionSid").unwrap_or(call);
    let sequence = value(fields, "SequenceId").unwrap_or_default();
    let id = format!("{of}:{sequence}");
    let at = value(fields, "Timestamp").and_then(|at| at.parse().ok());
    let ignored = |why: &str| EventKind::Ignored(why.to_owned());
    let is_final = value(fields, "Final") == Some("true");
    let data: Value = value(fields, "TranscriptionData")
        .and_then(|data| serde_json::from_str(data).ok())
        .unwrap_or_default();
    let said = text_at(&data, "/transcript").unwrap_or_default();
    let person = caller(fields, call);
    let parts = vec![Content::Text(said.trim().to_owned())];
    let what = match (kind, value(fields, "Track")) {
        ("transcription-content", _) if !is_final => ignored("partial"),
        ("transcription-content", _) if said.trim().is_empty() => ignored("silence"),
        ("transcription-content", Some("inbound_track")) => EventKind::Message {
            from: person,
            parts,
            reply_token: None,
            revision: Some((sequence.parse().unwrap_or(1).max(1), true)),
        },
        ("transcription-content", Some("outbound_track")) => EventKind::Echo { to: person, parts },
        (kind, _) => ignored(kind),
    };
    Ok(Event { id, at, what })
}

#[cfg(test)]
mod tests;
