//! LINE Messaging API. Contract: the OpenAPI documents `webhook.yml` and `messaging-api.yml` of line/line-openapi.

use jiff::SignedDuration;
use ken_base::digest::sha256;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits,
    MediaCall, MediaStep, Outcome, Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook,
    credential, list_at, offered, required, text_at, time_of,
};
use crate::signature::{base64, hmac_sha256, is_equal};

/// A LINE official account.
pub struct Line;

const SECRET: &str = "channel_secret";
const TOKEN: &str = "access_token";
/// The address of files (`servers` of `getMessageContent` in messaging-api.yml).
const FILES: &str = "https://api-data.line.me";

impl Channel for Line {
    fn address(&self) -> &'static str {
        "https://api.line.me"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: SECRET,
                found_at: "LINE Developers, the channel's Basic settings, Channel secret",
                is_optional: false,
            },
            Credential {
                name: TOKEN,
                found_at: "LINE Developers, the channel's Messaging API, Channel access token",
                is_optional: false,
            },
        ]
    }

    /// 5,000 UTF-16 units, 5 messages a request, 13 quick replies of 20 characters (messaging-api.yml). A reply token lasts
    /// about a minute.
    fn limits(&self) -> Limits {
        Limits {
            per_call: 5,
            choices: 13,
            choice: 20,
            reply: Some(SignedDuration::from_secs(50)),
            ..Limits::of_text(5_000, Unit::Utf16)
        }
    }

    fn receive(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
    ) -> Result<Delivered, Rejection> {
        let secret = required(credentials, SECRET)?;
        let signature = webhook.header("x-line-signature");
        let signature = signature.ok_or(Rejection::Forged("expected X-Line-Signature"))?;
        let expected = base64(&hmac_sha256(secret, &[webhook.body]));
        if !is_equal(signature, &expected) {
            return Err(Rejection::Forged(
                "X-Line-Signature is not of this channel secret",
            ));
        }
        let body = webhook.json()?;
        // An empty list is the console's check of the address.
        let events = list_at(&body, "/events").iter().map(readable);
        Ok(Delivered::Events(events.collect()))
    }

    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call> {
        let limits = self.limits();
        let choices = offered(message, &limits);
        let mut bubbles: Vec<Value> = message
            .texts
            .iter()
            .map(|text| json!({ "type": "text", "text": text }))
            .collect();
        if let Some(last) = bubbles.last_mut().filter(|_| !choices.is_empty()) {
            let item = |choice: &String| json!({ "type": "action", "action": { "type": "message", "label": choice, "text": choice } });
            last["quickReply"] = json!({ "items": choices.iter().map(item).collect::<Vec<_>>() });
        }
        let authorization = bearer(credentials);
        let calls = bubbles.chunks(limits.per_call).enumerate();
        let call = |(n, messages): (usize, &[Value])| match way {
            // A token replies once.
            Way::Reply(token) if n == 0 => Call::post(
                "/v2/bot/message/reply".to_owned(),
                vec![authorization.clone()],
                json!({ "replyToken": token, "messages": messages }),
            ),
            _ => Call::post(
                "/v2/bot/message/push".to_owned(),
                vec![
                    authorization.clone(),
                    ("x-line-retry-key", retry_key(&message.message_id, n)),
                ],
                json!({ "to": message.to, "messages": messages }),
            ),
        };
        calls.map(call).collect()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        let detail = text_at(&reply.json(), "/message").unwrap_or_default();
        match reply.status {
            // The same retry key was accepted before.
            409 => Outcome::Accepted,
            400 if detail.to_lowercase().contains("reply token") => Outcome::TokenSpent,
            401 | 403 => Outcome::Reconnect(format!("status_{}", reply.status)),
            429 if detail.to_lowercase().contains("monthly limit") => {
                Outcome::GiveUp("monthly_limit".to_owned())
            }
            _ => reply.by_status(),
        }
    }

    fn check(&self, credentials: &Credentials) -> Call {
        Call::get("/v2/bot/info".to_owned(), vec![bearer(credentials)])
    }

    fn media_call(&self, credentials: &Credentials, id: &str) -> Option<MediaCall> {
        let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
        is_id.then(|| MediaCall {
            address: Some(FILES.to_owned()),
            call: Call::get(
                format!("/v2/bot/message/{id}/content"),
                vec![bearer(credentials)],
            ),
        })
    }

    fn media_step(&self, _: &Credentials, reply: &PlatformReply<'_>) -> Result<MediaStep, Outcome> {
        match (reply.status, reply.by_status()) {
            // A video or a recording is still being prepared.
            (202, _) => Err(Outcome::Retry("preparing".to_owned(), reply.retry_after)),
            (_, Outcome::Accepted) => Ok(MediaStep::File),
            (_, other) => Err(other),
        }
    }
}

fn bearer(credentials: &Credentials) -> (&'static str, String) {
    let token = credential(credentials, TOKEN);
    ("authorization", format!("Bearer {token}"))
}

/// The same for each attempt at a message, so that it arrives once.
fn retry_key(message_id: &str, n: usize) -> String {
    let digest = sha256(format!("{message_id}/{n}").as_bytes());
    let bytes: [u8; 16] = std::array::from_fn(|at| digest[at]);
    Uuid::new_v8(bytes).to_string()
}

/// An event; one that lacks what it needs does not keep those beside it from being read.
fn readable(value: &Value) -> Event {
    event(value).unwrap_or_else(|why| Event {
        id: String::new(),
        at: None,
        what: EventKind::Ignored(why.to_string()),
    })
}

fn event(value: &Value) -> Result<Event, Rejection> {
    let missing = |what: &str| Rejection::Malformed(format!("an event has no {what}"));
    let event_id = text_at(value, "/webhookEventId").ok_or_else(|| missing("webhookEventId"))?;
    let kind = text_at(value, "/type").ok_or_else(|| missing("type"))?;
    let at = time_of(value["timestamp"].as_i64(), false);
    let ignored = |why: &str| EventKind::Ignored(why.to_owned());
    // Another module of the account answers.
    let is_standby = value["mode"] == "standby";
    let user = text_at(value, "/source/userId");
    let is_person = value["source"]["type"] == "user";
    let (id, what) = match (kind.as_str(), user.filter(|_| is_person)) {
        _ if is_standby => (event_id, ignored("standby")),
        ("message", Some(user)) => {
            let id = text_at(value, "/message/id").ok_or_else(|| missing("message.id"))?;
            let message = EventKind::Message {
                from: Person::of(&user),
                parts: vec![content(&value["message"])],
                reply_token: text_at(value, "/replyToken"),
                revision: None,
            };
            (id, message)
        }
        ("postback", Some(user)) => {
            let data = text_at(value, "/postback/data").unwrap_or_default();
            let message = EventKind::Message {
                from: Person::of(&user),
                parts: vec![Content::Text(data)],
                reply_token: text_at(value, "/replyToken"),
                revision: None,
            };
            (event_id, message)
        }
        (kind @ ("follow" | "unfollow"), Some(user)) => {
            let consent = EventKind::Consent {
                of: Person::of(&user),
                granted: kind == "follow",
            };
            (event_id, consent)
        }
        ("unsend", Some(_)) => {
            let message_id = text_at(value, "/unsend/messageId");
            let message_id = message_id.ok_or_else(|| missing("unsend.messageId"))?;
            (event_id, EventKind::Unsent { message_id })
        }
        (_, None) => (event_id, ignored("group")),
        (kind, _) => (event_id, ignored(kind)),
    };
    Ok(Event { id, at, what })
}

fn content(message: &Value) -> Content {
    let kind = message["type"].as_str().unwrap_or("unknown");
    let degrees = |name: &str| message[name].as_f64();
    match (kind, degrees("latitude"), degrees("longitude")) {
        ("text", ..) => Content::Text(text_at(message, "/text").unwrap_or_default()),
        ("location", Some(north), Some(east)) => Content::Location(north, east),
        // A file of another provider has an address that the platform does not vouch for.
        ("image" | "video" | "audio" | "file", ..)
            if message["contentProvider"]["type"] != "external" =>
        {
            media(kind, message)
        }
        _ => Content::Other(kind.to_owned()),
    }
}

fn media(kind: &str, message: &Value) -> Content {
    match text_at(message, "/id") {
        Some(id) => Content::Media {
            kind: kind.to_owned(),
            id,
            name: text_at(message, "/fileName"),
            media_type: None,
        },
        None => Content::Other(kind.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn credentials() -> Credentials {
        Credentials::from([
            (SECRET.to_owned(), "s3cret".to_owned()),
            (TOKEN.to_owned(), "t0ken".to_owned()),
        ])
    }

    fn received(body: &str, signature: Option<&str>) -> Result<Delivered, Rejection> {
        let headers: Vec<(String, String)> = signature
            .map(|value| ("x-line-signature".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let webhook = Webhook {
            is_get: false,
            url: "",
            query: &[],
            headers: &headers,
            body: body.as_bytes(),
            now: Timestamp::UNIX_EPOCH,
        };
        Line.receive(&credentials(), &webhook)
    }

    fn signed(body: &str) -> Result<Delivered, Rejection> {
        let signature = base64(&hmac_sha256("s3cret", &[body.as_bytes()]));
        received(body, Some(&signature))
    }

    #[test]
    fn signature_is_of_the_raw_bytes() {
        let body = r#"{"destination":"U1","events":[]}"#;
        assert_eq!(signed(body), Ok(Delivered::Events(Vec::new())));
        assert!(matches!(received(body, None), Err(Rejection::Forged(_))));
        let other = base64(&hmac_sha256("other", &[body.as_bytes()]));
        assert!(matches!(
            received(body, Some(&other)),
            Err(Rejection::Forged(_))
        ));
        let altered = received(
            &body.replace("U1", "U2"),
            Some(&base64(&hmac_sha256("s3cret", &[body.as_bytes()]))),
        );
        assert!(matches!(altered, Err(Rejection::Forged(_))));
    }

    #[test]
    fn events_become_what_happened() {
        let event = |kind: &str, more: Value| {
            let mut event = json!({
                "type": kind, "mode": "active", "timestamp": 1_462_629_479_859_i64, "webhookEventId": "01H",
                "source": { "type": "user", "userId": "U4af" }, "deliveryContext": { "isRedelivery": false },
            });
            for (name, value) in more.as_object().unwrap() {
                event[name] = value.clone();
            }
            let body = json!({ "destination": "U1", "events": [event] }).to_string();
            match signed(&body).unwrap() {
                Delivered::Events(mut events) => events.remove(0),
                other => panic!("{other:?}"),
            }
        };
        let text = json!({ "replyToken": "r1", "message": { "type": "text", "id": "325708", "text": "可以退貨嗎？" } });
        let found = event("message", text);
        assert_eq!(found.id, "325708");
        assert_eq!(found.at.unwrap().as_millisecond(), 1_462_629_479_859);
        let message = EventKind::Message {
            from: Person::of("U4af"),
            parts: vec![Content::Text("可以退貨嗎？".into())],
            reply_token: Some("r1".into()),
            revision: None,
        };
        assert_eq!(found.what, message);
        let sticker = json!({ "message": { "type": "sticker", "id": "2", "packageId": "1", "stickerId": "1" } });
        assert!(matches!(
            event("message", sticker).what,
            EventKind::Message { parts, .. } if parts == [Content::Other("sticker".into())]
        ));
        let unsent = event("unsend", json!({ "unsend": { "messageId": "325708" } }));
        assert!(matches!(unsent.what, EventKind::Unsent { message_id } if message_id == "325708"));
        assert!(matches!(
            event("unfollow", json!({})).what,
            EventKind::Consent { granted: false, .. }
        ));
        let group = json!({ "source": { "type": "group", "groupId": "C1", "userId": "U4af" }, "message": { "type": "text", "id": "3", "text": "x" } });
        assert_eq!(
            event("message", group).what,
            EventKind::Ignored("group".into())
        );
        let standby =
            json!({ "mode": "standby", "message": { "type": "text", "id": "4", "text": "x" } });
        assert_eq!(
            event("message", standby).what,
            EventKind::Ignored("standby".into())
        );
        assert!(matches!(
            signed(r#"{"events":[{}]}"#),
            Ok(Delivered::Events(events)) if matches!(&events[0].what, EventKind::Ignored(_))
        ));
    }

    #[test]
    fn reply_goes_first_and_each_push_has_its_own_key() {
        let message = Outgoing {
            message_id: "msg_1".into(),
            to: "U4af".into(),
            texts: (0..7).map(|n| n.to_string()).collect(),
            choices: vec!["退貨".into()],
            ..Outgoing::default()
        };
        let calls = Line.calls(&credentials(), &message, &Way::Reply("r1".into()));
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].path, "/v2/bot/message/reply");
        let first = calls[0].json().unwrap();
        assert_eq!(first["messages"].as_array().unwrap().len(), 5);
        let last = &calls[1].json().unwrap()["messages"][1];
        assert_eq!(last["quickReply"]["items"][0]["action"]["text"], "退貨");
        let pushed = Line.calls(&credentials(), &message, &Way::Push);
        let key = |call: &Call| {
            call.headers
                .iter()
                .find(|(name, _)| *name == "x-line-retry-key")
                .cloned()
        };
        assert!(key(&pushed[0]).is_some() && key(&pushed[0]) != key(&pushed[1]));
        assert_eq!(
            pushed,
            Line.calls(&credentials(), &message, &Way::Push),
            "each attempt is the same"
        );
    }

    #[test]
    fn file_is_fetched_from_the_address_of_files() {
        let pdf = json!({ "type": "file", "id": "7", "fileName": "a.pdf", "fileSize": 3 });
        let Content::Media { kind, id, name, .. } = content(&pdf) else {
            panic!("{pdf}")
        };
        assert_eq!((kind.as_str(), name.as_deref()), ("file", Some("a.pdf")));
        let found = Line.media_call(&credentials(), &id).unwrap();
        assert_eq!(found.address.as_deref(), Some(FILES));
        assert_eq!(found.call.path, "/v2/bot/message/7/content");
        assert_eq!(Line.media_call(&credentials(), "../7"), None);
        let external = json!({ "type": "image", "id": "8", "contentProvider": { "type": "external", "originalContentUrl": "https://x" } });
        assert_eq!(content(&external), Content::Other("image".into()));
        let step = |status| {
            let reply = PlatformReply {
                status,
                retry_after: None,
                body: b"",
            };
            Line.media_step(&credentials(), &reply)
        };
        assert_eq!(step(200), Ok(MediaStep::File));
        assert!(matches!(step(202), Err(Outcome::Retry(..))));
        assert!(matches!(step(404), Err(Outcome::GiveUp(_))));
    }

    #[test]
    fn replies_of_the_platform_are_understood() {
        let outcome = |status, body: &str| {
            Line.outcome(&PlatformReply {
                status,
                retry_after: None,
                body: body.as_bytes(),
            })
        };
        assert_eq!(
            outcome(200, r#"{"sentMessages":[{"id":"1"}]}"#),
            Outcome::Accepted
        );
        assert_eq!(outcome(409, "{}"), Outcome::Accepted);
        assert_eq!(
            outcome(400, r#"{"message":"Invalid reply token"}"#),
            Outcome::TokenSpent
        );
        assert!(matches!(
            outcome(400, r#"{"message":"x"}"#),
            Outcome::GiveUp(_)
        ));
        assert!(matches!(outcome(401, "{}"), Outcome::Reconnect(_)));
        assert!(matches!(outcome(429, "{}"), Outcome::Retry(..)));
        assert!(matches!(outcome(500, ""), Outcome::Retry(..)));
    }
}
