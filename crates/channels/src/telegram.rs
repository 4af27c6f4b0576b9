//! Telegram Bot API, as of version 9. Only private chats are answered.

use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits, Outcome,
    Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook, credential, offered, required,
    text_at, time_of,
};
use crate::signature::is_equal;

/// A Telegram bot.
pub struct Telegram;

const SECRET: &str = "secret_token";
const TOKEN: &str = "bot_token";

impl Channel for Telegram {
    fn address(&self) -> &'static str {
        "https://api.telegram.org"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: TOKEN,
                found_at: "the chat with @BotFather, /newbot or /token",
            },
            Credential {
                name: SECRET,
                found_at: "your own choice, 1 to 256 of A-Z, a-z, 0-9, _ and -; the same as secret_token of setWebhook",
            },
        ]
    }

    /// 4,096 characters after entities are parsed; Ken sends none. A keyboard of any size.
    fn limits(&self) -> Limits {
        Limits {
            text: 4_096,
            unit: Unit::Utf16,
            per_call: 1,
            choices: 12,
            choice: 60,
            reply: None,
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
        let given = webhook.header("x-telegram-bot-api-secret-token");
        if !given.is_some_and(|given| is_equal(given, secret)) {
            return Err(Rejection::Forged(
                "X-Telegram-Bot-Api-Secret-Token is not the inbox's secret_token",
            ));
        }
        let update = webhook.json()?;
        let id = text_at(&update, "/update_id");
        let id = id.ok_or_else(|| Rejection::Malformed("an update has no update_id".to_owned()))?;
        Ok(Delivered::Events(vec![event(id, &update)]))
    }

    fn calls(&self, credentials: &Credentials, message: &Outgoing, _: &Way) -> Vec<Call> {
        let token = credential(credentials, TOKEN);
        let choices = offered(message, &self.limits());
        let last = message.texts.len().saturating_sub(1);
        let call = |(n, text): (usize, &String)| {
            let mut body = json!({ "chat_id": message.to, "text": text, "link_preview_options": { "is_disabled": true } });
            if n == last && !choices.is_empty() {
                let rows: Vec<Value> = choices
                    .iter()
                    .map(|choice| json!([{ "text": choice }]))
                    .collect();
                body["reply_markup"] =
                    json!({ "keyboard": rows, "one_time_keyboard": true, "resize_keyboard": true });
            }
            Call {
                method: "POST",
                path: format!("/bot{token}/sendMessage"),
                headers: Vec::new(),
                body: Some(body),
            }
        };
        message.texts.iter().enumerate().map(call).collect()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        let body = reply.json();
        let seconds = body.pointer("/parameters/retry_after");
        let seconds = seconds.and_then(Value::as_u64);
        match reply.status {
            403 => Outcome::GiveUp("blocked".to_owned()),
            401 | 404 => Outcome::Reconnect(format!("status_{}", reply.status)),
            429 => Outcome::Retry(
                "status_429".to_owned(),
                seconds.and_then(|seconds| u32::try_from(seconds).ok()),
            ),
            _ => reply.by_status(),
        }
    }

    fn check(&self, credentials: &Credentials) -> Call {
        Call {
            method: "GET",
            path: format!("/bot{}/getWebhookInfo", credential(credentials, TOKEN)),
            headers: Vec::new(),
            body: None,
        }
    }
}

fn event(id: String, update: &Value) -> Event {
    let ignored = |why: &str| EventKind::Ignored(why.to_owned());
    let membership = &update["my_chat_member"];
    if membership.is_object() {
        let is_member = text_at(membership, "/new_chat_member/status");
        let what = match person(membership) {
            Some(of) => EventKind::Consent {
                of,
                granted: is_member.is_some_and(|status| status == "member"),
            },
            None => ignored("group"),
        };
        let at = time_of(membership["date"].as_i64(), true);
        return Event { id, at, what };
    }
    let message = &update["message"];
    let at = time_of(message["date"].as_i64(), true);
    let (id, what) = match (person(message), content(message)) {
        _ if !message.is_object() => (id, ignored("other")),
        (None, _) => (id, ignored("group")),
        // A pinned message or another of Telegram's own.
        (_, None) => (id, ignored("service")),
        // The button that opens a chat.
        (Some(of), Some(Content::Text(text))) if is_start(&text) => {
            (id, EventKind::Consent { of, granted: true })
        }
        (Some(from), Some(content)) => {
            // The numbers of updates begin at another one after a week without any; those of messages go on.
            let id = match text_at(message, "/message_id") {
                Some(message_id) => format!("{}:{message_id}", from.user_id),
                None => id,
            };
            let message = EventKind::Message {
                from,
                parts: vec![content],
                reply_token: None,
            };
            (id, message)
        }
    };
    Event { id, at, what }
}

/// Whether a text is the command that the button *Start* writes, perhaps with a parameter of a link.
fn is_start(text: &str) -> bool {
    text.split_whitespace().next() == Some("/start")
}

/// Who writes in a private chat.
fn person(message: &Value) -> Option<Person> {
    if message["chat"]["type"] != "private" {
        return None;
    }
    let names = [
        text_at(message, "/from/first_name"),
        text_at(message, "/from/last_name"),
    ];
    let names: Vec<String> = names.into_iter().flatten().collect();
    Some(Person {
        user_id: text_at(message, "/chat/id")?,
        name: names.join(" "),
        phone: None,
    })
}

/// What a person wrote or sent; `None` for Telegram's own messages.
fn content(message: &Value) -> Option<Content> {
    let text = text_at(message, "/text").or_else(|| text_at(message, "/caption"));
    let degrees = |name: &str| message["location"][name].as_f64();
    let kinds = [
        "photo",
        "voice",
        "audio",
        "video",
        "video_note",
        "document",
        "sticker",
        "contact",
        "animation",
    ];
    match (text, degrees("latitude"), degrees("longitude")) {
        (Some(text), ..) => Some(Content::Text(text)),
        (None, Some(north), Some(east)) => Some(Content::Location(north, east)),
        _ => {
            let kind = kinds.into_iter().find(|kind| !message[*kind].is_null());
            kind.map(|kind| Content::Other(kind.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn credentials() -> Credentials {
        let pairs = [(SECRET, "s3cret"), (TOKEN, "1:a")];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn received(secret: &str, update: &Value) -> Result<Event, Rejection> {
        let headers = [(
            "x-telegram-bot-api-secret-token".to_owned(),
            secret.to_owned(),
        )];
        let body = update.to_string();
        let webhook = Webhook {
            is_get: false,
            query: &[],
            headers: &headers,
            body: body.as_bytes(),
            now: Timestamp::UNIX_EPOCH,
        };
        match Telegram.receive(&credentials(), &webhook)? {
            Delivered::Events(mut events) => Ok(events.remove(0)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn private_messages_are_taken_and_others_ignored() {
        let chat = |kind: &str| json!({ "update_id": 7, "message": { "date": 1_700_000_000, "chat": { "id": 42, "type": kind }, "from": { "first_name": "Mei", "last_name": "Lin" }, "text": "可以退貨嗎？" } });
        assert!(matches!(
            received("other", &chat("private")),
            Err(Rejection::Forged(_))
        ));
        let found = received("s3cret", &chat("private")).unwrap();
        assert_eq!(
            (found.id.as_str(), found.at.unwrap().as_second()),
            ("7", 1_700_000_000)
        );
        assert!(
            matches!(&found.what, EventKind::Message { from, .. } if from.user_id == "42" && from.name == "Mei Lin")
        );
        let start = json!({ "update_id": 6, "message": { "message_id": 1, "chat": { "id": 42, "type": "private" }, "text": "/start shop" } });
        assert!(matches!(
            received("s3cret", &start).unwrap().what,
            EventKind::Consent { granted: true, .. }
        ));
        let pinned = json!({ "update_id": 5, "message": { "message_id": 2, "chat": { "id": 42, "type": "private" }, "pinned_message": {} } });
        let pinned = received("s3cret", &pinned).unwrap();
        assert_eq!(pinned.what, EventKind::Ignored("service".into()));
        let numbered = json!({ "update_id": 4, "message": { "message_id": 3, "chat": { "id": 42, "type": "private" }, "text": "x" } });
        assert_eq!(received("s3cret", &numbered).unwrap().id, "42:3");
        let group = received("s3cret", &chat("group")).unwrap();
        assert_eq!(group.what, EventKind::Ignored("group".into()));
        let blocked = json!({ "update_id": 8, "my_chat_member": { "date": 1, "chat": { "id": 42, "type": "private" }, "new_chat_member": { "status": "kicked" } } });
        assert!(matches!(
            received("s3cret", &blocked).unwrap().what,
            EventKind::Consent { granted: false, .. }
        ));
        let photo = json!({ "update_id": 9, "message": { "chat": { "id": 42, "type": "private" }, "photo": [{ "file_id": "x" }], "caption": "這是什麼" } });
        assert!(
            matches!(received("s3cret", &photo).unwrap().what, EventKind::Message { parts, .. } if parts == [Content::Text("這是什麼".into())])
        );
    }

    #[test]
    fn wait_of_the_platform_is_obeyed() {
        let body = br#"{"ok":false,"error_code":429,"parameters":{"retry_after":17}}"#;
        let reply = PlatformReply {
            status: 429,
            retry_after: None,
            body,
        };
        assert_eq!(
            Telegram.outcome(&reply),
            Outcome::Retry("status_429".into(), Some(17))
        );
    }
}
