//! Messenger Platform. The signature and the check of the address are those of WhatsApp.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits,
    MediaCall, Outcome, Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook, list_at,
    offered, required, text_at, time_of,
};
use crate::whatsapp::{
    ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN, VERSION, bearer, challenge, graph_outcome, verified,
};

/// A Facebook page.
pub struct Messenger;

const PAGE_ID: &str = "page_id";

impl Channel for Messenger {
    fn address(&self) -> &'static str {
        "https://graph.facebook.com"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: APP_SECRET,
                found_at: "Meta for Developers, the app's App settings, Basic, App secret",
                is_optional: false,
            },
            Credential {
                name: VERIFY_TOKEN,
                found_at: "your own choice; the same text in the app's Messenger, Webhooks, Verify token",
                is_optional: false,
            },
            Credential {
                name: ACCESS_TOKEN,
                found_at: "the app's Messenger, Access tokens, of the page, with pages_messaging",
                is_optional: false,
            },
            Credential {
                name: PAGE_ID,
                found_at: "the page's About, Page transparency, Page ID",
                is_optional: false,
            },
        ]
    }

    /// 2,000 characters, 13 quick replies of 20; 24 hours, for a person 7 days (tag HUMAN_AGENT).
    fn limits(&self) -> Limits {
        Limits {
            choices: 13,
            choice: 20,
            window: Some(SignedDuration::from_hours(24)),
            person_window: Some(SignedDuration::from_hours(7 * 24)),
            ..Limits::of_text(2_000, Unit::Utf16)
        }
    }

    fn receive(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
    ) -> Result<Delivered, Rejection> {
        let Some(body) = verified(credentials, webhook)? else {
            return challenge(credentials, webhook);
        };
        let page = required(credentials, PAGE_ID)?;
        // An app may serve several pages, and Instagram.
        let is_ours = |entry: &&Value| {
            body["object"] == "page" && text_at(entry, "/id").is_some_and(|id| id == page)
        };
        let entries = list_at(&body, "/entry").iter().filter(is_ours);
        let events = entries.flat_map(|entry| list_at(entry, "/messaging"));
        Ok(Delivered::Events(events.filter_map(event).collect()))
    }

    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call> {
        let choices = offered(message, &self.limits());
        let last = message.texts.len().saturating_sub(1);
        let call = |(n, text): (usize, &String)| {
            // The echo of this message carries it, so that it is not taken for a person's.
            let mut content = json!({ "text": text, "metadata": message.message_id });
            if n == last && !choices.is_empty() {
                let reply = |choice: &String| json!({ "content_type": "text", "title": choice, "payload": choice });
                content["quick_replies"] = choices.iter().map(reply).collect();
            }
            let mut body = json!({ "recipient": { "id": message.to }, "message": content });
            match way {
                Way::PersonPush => {
                    body["messaging_type"] = json!("MESSAGE_TAG");
                    body["tag"] = json!("HUMAN_AGENT");
                }
                _ => body["messaging_type"] = json!("RESPONSE"),
            }
            Call::post(format!("/{VERSION}/me/messages"), bearer(credentials), body)
        };
        message.texts.iter().enumerate().map(call).collect()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        let error = &reply.json()["error"];
        match (error["code"].as_i64(), error["error_subcode"].as_i64()) {
            (Some(10), Some(2_018_278)) => Outcome::GiveUp("window_closed".to_owned()),
            (Some(551), _) => Outcome::GiveUp("blocked".to_owned()),
            (Some(100), Some(2_018_001)) => Outcome::GiveUp("unknown_customer".to_owned()),
            _ => graph_outcome(reply),
        }
    }

    fn check(&self, credentials: &Credentials) -> Call {
        Call::get(format!("/{VERSION}/me?fields=id,name"), bearer(credentials))
    }

    /// The id is the file's address, which is signed and needs no token.
    fn media_call(&self, _: &Credentials, id: &str) -> Option<MediaCall> {
        MediaCall::at(id, Vec::new())
    }
}

fn event(value: &Value) -> Option<Event> {
    let at = time_of(value["timestamp"].as_i64(), false);
    let sender = text_at(value, "/sender/id")?;
    let recipient = text_at(value, "/recipient/id");
    if let Some(id) = text_at(value, "/message/mid") {
        let message = &value["message"];
        let what = match (message["is_echo"] == true, recipient) {
            // Ken's own.
            (true, _) if text_at(message, "/metadata").is_some_and(|of| of.starts_with("msg_")) => {
                EventKind::Ignored("own".to_owned())
            }
            (true, Some(recipient)) => EventKind::Echo {
                to: Person::of(&recipient),
                parts: contents(message),
            },
            (true, None) => EventKind::Ignored("echo".to_owned()),
            (false, _) => EventKind::Message {
                from: Person::of(&sender),
                parts: contents(message),
                reply_token: None,
                revision: None,
            },
        };
        return Some(Event { id, at, what });
    }
    let postback = &value["postback"];
    let id = text_at(postback, "/mid").unwrap_or_else(|| {
        let when = value["timestamp"].as_i64().unwrap_or_default();
        format!("{sender}:{when}")
    });
    let text = text_at(postback, "/payload").or_else(|| text_at(postback, "/title"));
    let what = match text {
        Some(text) => EventKind::Message {
            from: Person::of(&sender),
            parts: vec![Content::Text(text)],
            reply_token: None,
            revision: None,
        },
        None => EventKind::Ignored("other".to_owned()),
    };
    Some(Event { id, at, what })
}

fn contents(message: &Value) -> Vec<Content> {
    let mut parts = Vec::new();
    parts.extend(text_at(message, "/text").map(Content::Text));
    for file in list_at(message, "/attachments") {
        let place = &file["payload"]["coordinates"];
        let kind = text_at(file, "/type").unwrap_or_else(|| "file".to_owned());
        let is_file = ["image", "audio", "video", "file"].contains(&kind.as_str());
        let address = text_at(file, "/payload/url").filter(|_| is_file);
        parts.push(
            match (place["lat"].as_f64(), place["long"].as_f64(), address) {
                (Some(north), Some(east), _) => Content::Location(north, east),
                (.., Some(id)) => Content::Media {
                    kind,
                    id,
                    name: None,
                    media_type: None,
                },
                _ => Content::Other(kind),
            },
        );
    }
    if parts.is_empty() {
        parts.push(Content::Other("unknown".to_owned()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{hex, hmac_sha256};
    use jiff::Timestamp;

    fn credentials() -> Credentials {
        let pairs = [
            (APP_SECRET, "s3cret"),
            (VERIFY_TOKEN, "mine"),
            (ACCESS_TOKEN, "t0ken"),
            (PAGE_ID, "P"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn received(messaging: Value) -> EventKind {
        let body = json!({ "object": "page", "entry": [{ "id": "P", "messaging": [messaging] }] })
            .to_string();
        let signature = format!("sha256={}", hex(&hmac_sha256("s3cret", &[body.as_bytes()])));
        let headers = [("x-hub-signature-256".to_owned(), signature)];
        let webhook = Webhook {
            is_get: false,
            url: "",
            query: &[],
            headers: &headers,
            body: body.as_bytes(),
            now: Timestamp::UNIX_EPOCH,
        };
        match Messenger.receive(&credentials(), &webhook).unwrap() {
            Delivered::Events(mut events) => events.remove(0).what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn echo_of_a_person_is_told_from_the_own() {
        let messaging = |message: Value| json!({ "sender": { "id": "P" }, "recipient": { "id": "u1" }, "timestamp": 1, "message": message });
        let own = json!({ "mid": "m1", "is_echo": true, "metadata": "msg_01", "text": "您好" });
        assert_eq!(received(messaging(own)), EventKind::Ignored("own".into()));
        let person = json!({ "mid": "m2", "is_echo": true, "app_id": 263_902_037_430_900_i64, "text": "我來幫您" });
        assert!(
            matches!(received(messaging(person)), EventKind::Echo { to, .. } if to.user_id == "u1")
        );
    }

    #[test]
    fn message_and_postback_are_words_of_the_customer() {
        let messaging = |name: &str, value: Value| json!({ "sender": { "id": "u1" }, "recipient": { "id": "P" }, "timestamp": 1, name: value });
        let text = received(messaging(
            "message",
            json!({ "mid": "m3", "text": "可以退貨嗎？", "attachments": [{ "type": "image", "payload": { "url": "https://cdn.example/a.jpg?x=1" } }, { "type": "fallback" }] }),
        ));
        let EventKind::Message { parts, .. } = text else {
            panic!("{text:?}")
        };
        assert_eq!(
            parts,
            [
                Content::Text("可以退貨嗎？".into()),
                Content::Media {
                    kind: "image".into(),
                    id: "https://cdn.example/a.jpg?x=1".into(),
                    name: None,
                    media_type: None,
                },
                Content::Other("fallback".into())
            ]
        );
        let fetch = Messenger
            .media_call(&credentials(), "https://cdn.example/a.jpg?x=1")
            .unwrap();
        assert_eq!(fetch.address.as_deref(), Some("https://cdn.example"));
        assert_eq!(fetch.call.path, "/a.jpg?x=1");
        for other in [
            "http://cdn.example/a",
            "https://a@b/c",
            "file:///etc",
            "https:///a",
        ] {
            assert_eq!(Messenger.media_call(&credentials(), other), None, "{other}");
        }
        let touched = received(messaging(
            "postback",
            json!({ "mid": "m4", "payload": "退貨" }),
        ));
        assert!(
            matches!(touched, EventKind::Message { parts, .. } if parts == [Content::Text("退貨".into())])
        );
        assert_eq!(
            received(messaging("delivery", json!({ "mids": ["m1"] }))),
            EventKind::Ignored("other".into())
        );
    }

    #[test]
    fn person_writes_with_the_tag_after_the_window() {
        let message = Outgoing {
            message_id: "msg_1".into(),
            to: "u1".into(),
            texts: vec!["好的".into()],
            by_person: true,
            ..Outgoing::default()
        };
        let body = |way| {
            Messenger.calls(&credentials(), &message, &way)[0]
                .json()
                .unwrap()
                .clone()
        };
        assert_eq!(body(Way::PersonPush)["tag"], "HUMAN_AGENT");
        assert_eq!(body(Way::Push)["messaging_type"], "RESPONSE");
        assert_eq!(body(Way::Push)["message"]["metadata"], "msg_1");
    }
}
