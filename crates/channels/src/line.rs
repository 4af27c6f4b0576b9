//! LINE Messaging API. Contract: the OpenAPI documents `webhook.yml` and `messaging-api.yml` of line/line-openapi.

use jiff::SignedDuration;
use ken_base::digest::sha256;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits, Outcome,
    Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook, credential, list_at, offered,
    required, text_at, time_of,
};
use crate::signature::{base64, hmac_sha256, is_equal};

/// A LINE official account.
pub struct Line;

const SECRET: &str = "channel_secret";
const TOKEN: &str = "access_token";

impl Channel for Line {
    fn address(&self) -> &'static str {
        "https://api.line.me"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: SECRET,
                found_at: "LINE Developers, the channel's Basic settings, Channel secret",
            },
            Credential {
                name: TOKEN,
                found_at: "LINE Developers, the channel's Messaging API, Channel access token",
            },
        ]
    }

    /// 5,000 UTF-16 units, 5 messages a request, 13 quick replies of 20 characters (messaging-api.yml). A reply token lasts
    /// about a minute.
    fn limits(&self) -> Limits {
        Limits {
            text: 5_000,
            unit: Unit::Utf16,
            per_call: 5,
            choices: 13,
            choice: 20,
            reply: Some(SignedDuration::from_secs(50)),
            window: None,
            person_window: None,
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
        let bearer = format!("Bearer {}", credential(credentials, TOKEN));
        let calls = bubbles.chunks(limits.per_call).enumerate();
        let call = |(n, messages): (usize, &[Value])| match way {
            // A token replies once.
            Way::Reply(token) if n == 0 => Call {
                method: "POST",
                path: "/v2/bot/message/reply".to_owned(),
                headers: vec![("authorization", bearer.clone())],
                body: Some(json!({ "replyToken": token, "messages": messages })),
            },
            _ => Call {
                method: "POST",
                path: "/v2/bot/message/push".to_owned(),
                headers: vec![
                    ("authorization", bearer.clone()),
                    ("x-line-retry-key", retry_key(&message.message_id, n)),
                ],
                body: Some(json!({ "to": message.to, "messages": messages })),
            },
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
        let bearer = format!("Bearer {}", credential(credentials, TOKEN));
        Call {
            method: "GET",
            path: "/v2/bot/info".to_owned(),
            headers: vec![("authorization", bearer)],
            body: None,
        }
    }
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
            };
            (id, message)
        }
        ("postback", Some(user)) => {
            let data = text_at(value, "/postback/data").unwrap_or_default();
            let message = EventKind::Message {
                from: Person::of(&user),
                parts: vec![Content::Text(data)],
                reply_token: text_at(value, "/replyToken"),
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
        _ => Content::Other(kind.to_owned()),
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
        };
        assert_eq!(found.what, message);
        let sticker = json!({ "message": { "type": "sticker", "id": "2", "packageId": "1", "stickerId": "1" } });
        assert!(matches!(
            event("message", sticker).what,
            EventKind::Message { parts, .. } if parts == [Content::Other("sticker".into())]
        ));
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
            by_person: false,
        };
        let calls = Line.calls(&credentials(), &message, &Way::Reply("r1".into()));
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].path, "/v2/bot/message/reply");
        let first = calls[0].body.as_ref().unwrap();
        assert_eq!(first["messages"].as_array().unwrap().len(), 5);
        let last = &calls[1].body.as_ref().unwrap()["messages"][1];
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
