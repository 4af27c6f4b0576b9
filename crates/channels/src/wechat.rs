//! WeChat official accounts, in plain and in secure mode. Contract: the documents of developers.weixin.qq.com/doc/service,
//! "Receive standard messages", "Passive replies", "Customer messages".

mod crypto;

use std::collections::BTreeMap;
use std::time::Duration;

use form_urlencoded::byte_serialize;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits,
    MediaCall, MediaStep, Outcome, Outgoing, Person, PlatformReply, Rejection, Response, Unit, Way,
    Webhook, credential, offered, required, text_at, time_of,
};
use crate::signature::is_equal;
use crate::xml::{cdata, fields};
use crypto::{Key, signature};

/// A WeChat official account.
pub struct Wechat;

const APP_ID: &str = "app_id";
const APP_SECRET: &str = "app_secret";
const TOKEN: &str = "token";
const AES_KEY: &str = "encoding_aes_key";
const ACCESS_TOKEN: &str = "access_token";
/// How old a signature may be, in seconds. The platform sets no limit; this one makes a seen address useless soon.
const MAX_AGE_S: i64 = 300;
/// The longest text above a menu, in bytes (the limit that WeChat states for its customer service).
const MENU_TEXT: usize = 1_024;

/// The fields of a message.
type Fields = BTreeMap<String, String>;

impl Channel for Wechat {
    fn address(&self) -> &'static str {
        "https://api.weixin.qq.com"
    }

    fn credentials(&self) -> &'static [Credential] {
        const IN_CONSOLE: &str = "mp.weixin.qq.com, Settings and development, Basic configuration";
        &[
            Credential {
                name: APP_ID,
                found_at: IN_CONSOLE,
                is_optional: false,
            },
            Credential {
                name: APP_SECRET,
                found_at: IN_CONSOLE,
                is_optional: false,
            },
            Credential {
                name: TOKEN,
                found_at: "your own choice, 3 to 32 letters and digits; the same as Token in the server configuration",
                is_optional: false,
            },
            Credential {
                name: AES_KEY,
                found_at: "the server configuration, EncodingAESKey; needed in secure mode, which is recommended",
                is_optional: true,
            },
        ]
    }

    /// 2,048 bytes; a menu of 10 lines; 48 hours and 5 messages after the customer's last message. The platform gives up on
    /// a response after 5 s.
    fn limits(&self) -> Limits {
        Limits {
            choices: 10,
            choice: 40,
            reply: Some(SignedDuration::from_millis(4_500)),
            in_response: true,
            window: Some(SignedDuration::from_hours(48)),
            per_inbound: Some(5),
            ..Limits::of_text(2_048, Unit::Bytes)
        }
    }

    fn receive(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
    ) -> Result<Delivered, Rejection> {
        match opened(credentials, webhook)? {
            Opened::Challenge(text) => Ok(Delivered::Challenge(text)),
            Opened::Message(message) => Ok(Delivered::Events(vec![event(&message)?])),
        }
    }

    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call> {
        let choices = offered(message, &self.limits());
        let last = message.texts.len().saturating_sub(1);
        let call = |(n, text): (usize, &String)| {
            let mut body = json!({ "touser": message.to });
            match n == last && !choices.is_empty() && text.len() <= MENU_TEXT {
                true => {
                    body["msgtype"] = json!("msgmenu");
                    body["msgmenu"] = menu(text, choices);
                }
                false => {
                    body["msgtype"] = json!("text");
                    body["text"] = json!({ "content": text });
                }
            }
            let path = with_token("/cgi-bin/message/custom/send", credentials);
            Call::post(path, Vec::new(), body)
        };
        // The response has taken the first text.
        let taken = usize::from(matches!(way, Way::Reply(_)));
        let texts = message.texts.iter().enumerate();
        texts.skip(taken).map(call).collect()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        let Some(code) = reply.json()["errcode"].as_i64() else {
            return reply.by_status();
        };
        let name = format!("errcode_{code}");
        match code {
            0 => Outcome::Accepted,
            // The system is busy; the quota of the day or of the minute is used up.
            -1 | 45_009 | 45_011 => Outcome::Retry(name, reply.retry_after),
            40_001 | 40_014 | 41_001 | 42_001 => Outcome::AccessExpired,
            40_003 => Outcome::GiveUp("unknown_customer".to_owned()),
            43_004 => Outcome::GiveUp("blocked".to_owned()),
            45_015 => Outcome::GiveUp("window_closed".to_owned()),
            45_047 => Outcome::GiveUp("quota_used".to_owned()),
            // The account lacks the right; this server's address is not on its list.
            40_013 | 40_125 | 40_164 | 48_001 | 48_004 | 61_004 => Outcome::Reconnect(name),
            _ => Outcome::GiveUp(name),
        }
    }

    /// The addresses of WeChat's servers.
    fn check(&self, credentials: &Credentials) -> Call {
        let path = with_token("/cgi-bin/get_api_domain_ip", credentials);
        Call::get(path, Vec::new())
    }

    fn response(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
        text: Option<&str>,
        _: &[String],
    ) -> Response {
        let acknowledged = Response {
            body: "success".to_owned(),
            ..Response::default()
        };
        let (Some(text), Ok(Opened::Message(message))) = (text, opened(credentials, webhook))
        else {
            return acknowledged;
        };
        let body = reply(&message, text, webhook.now);
        let body = match key(credentials) {
            Ok(None) => body,
            Ok(Some(key)) => sealed(credentials, &key, &body, webhook),
            Err(_) => return acknowledged,
        };
        Response {
            content_type: "text/xml; charset=utf-8",
            body,
        }
    }

    /// `stable_token` gives every process the same token; `token` would end the one before.
    fn token_call(&self, credentials: &Credentials) -> Option<Call> {
        let body = json!({
            "grant_type": "client_credential", "appid": credential(credentials, APP_ID), "secret": credential(credentials, APP_SECRET),
        });
        let path = "/cgi-bin/stable_token".to_owned();
        Some(Call::post(path, Vec::new(), body))
    }

    fn token_of(&self, reply: &PlatformReply<'_>) -> Result<(String, Duration), Outcome> {
        let body = reply.json();
        match (text_at(&body, "/access_token"), body["expires_in"].as_u64()) {
            (Some(token), Some(seconds)) => Ok((token, Duration::from_secs(seconds))),
            _ => Err(match self.outcome(reply) {
                // Here it is the secret that is wrong.
                Outcome::AccessExpired => Outcome::Reconnect("app_secret".to_owned()),
                Outcome::Accepted => Outcome::GiveUp("no_token".to_owned()),
                other => other,
            }),
        }
    }

    fn media_call(&self, credentials: &Credentials, id: &str) -> Option<MediaCall> {
        let path = with_token("/cgi-bin/media/get", credentials);
        (!id.is_empty()).then(|| MediaCall {
            address: None,
            call: Call::get(format!("{path}&media_id={}", encoded(id)), Vec::new()),
        })
    }

    /// A video comes as a pointer, everything else as the file; an error comes with the status 200.
    fn media_step(&self, _: &Credentials, reply: &PlatformReply<'_>) -> Result<MediaStep, Outcome> {
        let body = reply.json();
        if let Some(url) = text_at(&body, "/video_url") {
            let url = url.replacen("http://", "https://", 1);
            let next = MediaCall::at(&url, Vec::new()).map(MediaStep::Next);
            return next.ok_or_else(|| Outcome::GiveUp("no_address".to_owned()));
        }
        match self.outcome(reply) {
            Outcome::Accepted if body.is_null() => Ok(MediaStep::File),
            Outcome::Accepted => Err(Outcome::GiveUp("no_file".to_owned())),
            other => Err(other),
        }
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn with_token(path: &str, credentials: &Credentials) -> String {
    let token = credential(credentials, ACCESS_TOKEN);
    format!("{path}?access_token={}", encoded(token))
}

/// A menu: what is touched comes back as a text.
fn menu(text: &str, choices: &[String]) -> Value {
    let line = |(n, choice): (usize, &String)| json!({ "id": n.to_string(), "content": choice });
    let lines: Vec<Value> = choices.iter().enumerate().map(line).collect();
    json!({ "head_content": text, "list": lines, "tail_content": "" })
}

/// A verified request.
enum Opened {
    /// The platform checks the address.
    Challenge(String),
    /// A message or an event.
    Message(Fields),
}

/// The key of the secure mode; none in plain mode.
fn key(credentials: &Credentials) -> Result<Option<Key>, Rejection> {
    let found = Some(credential(credentials, AES_KEY)).filter(|key| !key.is_empty());
    found
        .map(|encoded| {
            Key::of(encoded).ok_or(Rejection::NoCredential("encoding_aes_key of 43 characters"))
        })
        .transpose()
}

/// Verifies and decrypts a request.
fn opened(credentials: &Credentials, webhook: &Webhook<'_>) -> Result<Opened, Rejection> {
    let token = required(credentials, TOKEN)?;
    let key = key(credentials)?;
    let param = |name| webhook.param(name).unwrap_or_default();
    let (stamp, nonce) = (param("timestamp"), param("nonce"));
    if key.is_none() && param("encrypt_type") == "aes" {
        return Err(Rejection::NoCredential(AES_KEY));
    }
    // In secure mode the body is signed. In plain mode it is not: the account has to trust the address.
    let body = match webhook.is_get {
        true => Fields::new(),
        false => read(webhook.body)?,
    };
    let encrypted = match webhook.is_get {
        true => webhook.param("echostr"),
        false => body.get("Encrypt").map(|text| text.trim()),
    };
    let key = key.filter(|_| !webhook.is_get || webhook.param("msg_signature").is_some());
    let (given, expected) = match &key {
        Some(_) => {
            let encrypted = encrypted.unwrap_or_default();
            let expected = signature(&[token, stamp, nonce, encrypted]);
            (param("msg_signature"), expected)
        }
        None => (param("signature"), signature(&[token, stamp, nonce])),
    };
    if !is_equal(given, &expected) {
        return Err(Rejection::Forged(
            "the signature is not of the inbox's token; in secure mode msg_signature is needed",
        ));
    }
    let second = stamp
        .parse()
        .map_err(|_| Rejection::Forged("the timestamp is no number"))?;
    let age = webhook.now.as_second().saturating_sub(second);
    if age.saturating_abs() > MAX_AGE_S {
        return Err(Rejection::Stale(age));
    }
    let app_id = credential(credentials, APP_ID);
    let plain = match (&key, encrypted) {
        (Some(key), Some(encrypted)) => {
            let plain = key.decrypt(encrypted, app_id);
            let undone = "it is not encrypted with the inbox's encoding_aes_key for its app_id";
            Some(plain.ok_or_else(|| Rejection::Malformed(undone.to_owned()))?)
        }
        _ => None,
    };
    if webhook.is_get {
        let text = plain.unwrap_or_else(|| param("echostr").to_owned());
        return Ok(Opened::Challenge(text));
    }
    match plain {
        Some(plain) => Ok(Opened::Message(read(plain.as_bytes())?)),
        None => Ok(Opened::Message(body)),
    }
}

fn read(body: &[u8]) -> Result<Fields, Rejection> {
    let malformed = |why: String| Rejection::Malformed(why);
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    fields(text).map_err(malformed)
}

/// A reply in the response.
fn reply(message: &Fields, text: &str, now: Timestamp) -> String {
    let field = |name: &str| cdata(message.get(name).map_or("", |value| value.trim()));
    format!(
        "<xml><ToUserName>{}</ToUserName><FromUserName>{}</FromUserName><CreateTime>{}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content>{}</Content></xml>",
        field("FromUserName"),
        field("ToUserName"),
        now.as_second(),
        cdata(text),
    )
}

fn sealed(credentials: &Credentials, key: &Key, body: &str, webhook: &Webhook<'_>) -> String {
    let stamp = webhook.now.as_second().to_string();
    let app_id = credential(credentials, APP_ID);
    let (encrypted, nonce) = key.encrypt(body, app_id, &stamp);
    let signed = signature(&[credential(credentials, TOKEN), &stamp, &nonce, &encrypted]);
    format!(
        "<xml><Encrypt>{}</Encrypt><MsgSignature>{}</MsgSignature><TimeStamp>{stamp}</TimeStamp><Nonce>{}</Nonce></xml>",
        cdata(&encrypted),
        cdata(&signed),
        cdata(&nonce),
    )
}

fn event(message: &Fields) -> Result<Event, Rejection> {
    let missing = |what: &str| Rejection::Malformed(format!("a message has no {what}"));
    let field = |name: &str| {
        let value = message.get(name).map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty())
    };
    let from = field("FromUserName").ok_or_else(|| missing("FromUserName"))?;
    let created = field("CreateTime").unwrap_or_default();
    let at = time_of(created.parse().ok(), true);
    let kind = field("MsgType").ok_or_else(|| missing("MsgType"))?;
    // An event has no id.
    let name = field("Event").unwrap_or_default();
    let id = field("MsgId").unwrap_or_else(|| format!("{from}:{created}:{name}"));
    let written = |parts| EventKind::Message {
        from: Person::of(&from),
        parts,
        reply_token: Some(id.clone()),
        revision: None,
    };
    let consent = |granted| EventKind::Consent {
        of: Person::of(&from),
        granted,
    };
    let what = match (kind.as_str(), name.to_lowercase().as_str()) {
        ("event", "subscribe") => consent(true),
        ("event", "unsubscribe") => consent(false),
        // A touch of the account's menu.
        ("event", "click") => match field("EventKey") {
            Some(text) => written(vec![Content::Text(text)]),
            None => EventKind::Ignored("click".to_owned()),
        },
        ("event", other) => EventKind::Ignored(other.to_owned()),
        _ => written(contents(&kind, message)),
    };
    Ok(Event { id, at, what })
}

fn contents(kind: &str, message: &Fields) -> Vec<Content> {
    let field = |name: &str| message.get(name).map(|value| value.trim().to_owned());
    let degrees = |name: &str| message.get(name)?.trim().parse::<f64>().ok();
    let media = |kind: &str, media_type| match field("MediaId").filter(|id| !id.is_empty()) {
        Some(id) => Content::Media {
            kind: kind.to_owned(),
            id,
            name: None,
            media_type,
        },
        None => Content::Other(kind.to_owned()),
    };
    match (kind, degrees("Location_X"), degrees("Location_Y")) {
        ("text", ..) => vec![Content::Text(field("Content").unwrap_or_default())],
        // WeChat may recognize the words.
        ("voice", ..) => {
            let words = field("Recognition").filter(|words| !words.is_empty());
            let mut parts: Vec<Content> = words.map(Content::Text).into_iter().collect();
            let format = field("Format").map(|format| format!("audio/{}", format.to_lowercase()));
            parts.push(media("audio", format));
            parts
        }
        ("image", ..) => vec![media("image", None)],
        ("video" | "shortvideo", ..) => vec![media("video", None)],
        ("location", Some(north), Some(east)) => vec![Content::Location(north, east)],
        ("link", ..) => {
            let lines = [field("Title"), field("Url")];
            let lines: Vec<String> = lines.into_iter().flatten().collect();
            vec![Content::Text(lines.join("\n"))]
        }
        _ => vec![Content::Other(kind.to_owned())],
    }
}

#[cfg(test)]
mod tests;
