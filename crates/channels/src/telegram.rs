//! Telegram Bot API, as of version 9. Only private chats are answered.

use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits,
    MediaCall, MediaStep, Outcome, Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook,
    credential, list_at, offered, required, text_at, time_of,
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
                is_optional: false,
            },
            Credential {
                name: SECRET,
                found_at: "your own choice, 1 to 256 of A-Z, a-z, 0-9, _ and -; the same as secret_token of setWebhook",
                is_optional: false,
            },
        ]
    }

    /// 4,096 characters after entities are parsed; Ken sends none. A keyboard of any size.
    fn limits(&self) -> Limits {
        Limits {
            choices: 12,
            choice: 60,
            ..Limits::of_text(4_096, Unit::Utf16)
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
            Call::post(format!("/bot{token}/sendMessage"), Vec::new(), body)
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
        Call::get(
            format!("/bot{}/getWebhookInfo", credential(credentials, TOKEN)),
            Vec::new(),
        )
    }

    fn media_call(&self, credentials: &Credentials, id: &str) -> Option<MediaCall> {
        let token = credential(credentials, TOKEN);
        let path = format!("/bot{token}/getFile");
        (!id.is_empty()).then(|| MediaCall {
            address: None,
            call: Call::post(path, Vec::new(), json!({ "file_id": id })),
        })
    }

    /// The path is valid for an hour; files of more than 20 MB cannot be fetched.
    fn media_step(
        &self,
        credentials: &Credentials,
        reply: &PlatformReply<'_>,
    ) -> Result<MediaStep, Outcome> {
        match self.outcome(reply) {
            Outcome::Accepted => {}
            other => return Err(other),
        }
        let path = text_at(&reply.json(), "/result/file_path");
        let is_path = |path: &String| {
            let of_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            !path.is_empty() && path.chars().all(of_path) && !path.contains("..")
        };
        let path = path.filter(is_path);
        let path = path.ok_or_else(|| Outcome::GiveUp("no_path".to_owned()))?;
        let token = credential(credentials, TOKEN);
        Ok(MediaStep::Next(MediaCall {
            address: None,
            call: Call::get(format!("/file/bot{token}/{path}"), Vec::new()),
        }))
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
    let parts = contents(message);
    let (id, what) = match (person(message), parts) {
        _ if !message.is_object() => (id, ignored("other")),
        (None, _) => (id, ignored("group")),
        // A pinned message or another of Telegram's own.
        (_, parts) if parts.is_empty() => (id, ignored("service")),
        // The button that opens a chat.
        (Some(of), parts) if is_start(&parts) => (id, EventKind::Consent { of, granted: true }),
        (Some(from), parts) => {
            // The numbers of updates begin at another one after a week without any; those of messages go on.
            let id = match text_at(message, "/message_id") {
                Some(message_id) => format!("{}:{message_id}", from.user_id),
                None => id,
            };
            let message = EventKind::Message {
                from,
                parts,
                reply_token: None,
                revision: None,
            };
            (id, message)
        }
    };
    Event { id, at, what }
}

/// Whether a message is the command that the button *Start* writes, perhaps with a parameter of a link.
fn is_start(parts: &[Content]) -> bool {
    let is_command = |text: &String| text.split_whitespace().next() == Some("/start");
    matches!(parts, [Content::Text(text)] if is_command(text))
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

/// The parts of a message; empty for Telegram's own messages.
fn contents(message: &Value) -> Vec<Content> {
    let mut parts: Vec<Content> = Vec::new();
    let text = text_at(message, "/text").or_else(|| text_at(message, "/caption"));
    parts.extend(text.map(Content::Text));
    let degrees = |name: &str| message["location"][name].as_f64();
    if let (Some(north), Some(east)) = (degrees("latitude"), degrees("longitude")) {
        parts.push(Content::Location(north, east));
    }
    parts.extend(media(message));
    if !message["contact"].is_null() {
        parts.push(Content::Other("contact".to_owned()));
    }
    parts
}

/// The file of a message. An animation is also given as a document.
fn media(message: &Value) -> Option<Content> {
    let kinds = [
        ("photo", "image"),
        ("voice", "audio"),
        ("audio", "audio"),
        ("video", "video"),
        ("video_note", "video"),
        ("animation", "video"),
        ("document", "file"),
        ("sticker", "sticker"),
    ];
    let is_there = |(field, _): &(&str, &str)| !message[*field].is_null();
    let (field, kind) = kinds.into_iter().find(is_there)?;
    // A photo comes in several sizes, the largest last.
    let file = match field {
        "photo" => list_at(message, "/photo").last()?,
        _ => &message[field],
    };
    Some(match text_at(file, "/file_id") {
        Some(id) => Content::Media {
            kind: kind.to_owned(),
            id,
            name: text_at(file, "/file_name"),
            media_type: text_at(file, "/mime_type"),
        },
        None => Content::Other(field.to_owned()),
    })
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
            url: "",
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
            matches!(received("s3cret", &photo).unwrap().what, EventKind::Message { parts, .. } if parts == [Content::Text("這是什麼".into()), Content::Media { kind: "image".into(), id: "x".into(), name: None, media_type: None }])
        );
    }

    #[test]
    fn file_is_fetched_by_its_path() {
        let first = Telegram.media_call(&credentials(), "x").unwrap();
        assert_eq!(first.call.path, "/bot1:a/getFile");
        let step = |body: &str| {
            let reply = PlatformReply {
                status: 200,
                retry_after: None,
                body: body.as_bytes(),
            };
            Telegram.media_step(&credentials(), &reply)
        };
        let found = step(r#"{"ok":true,"result":{"file_id":"x","file_path":"photos/file_1.jpg"}}"#);
        assert!(
            matches!(found, Ok(MediaStep::Next(next)) if next.call.path == "/file/bot1:a/photos/file_1.jpg")
        );
        for path in ["../a", "", "a?b"] {
            let body = json!({ "ok": true, "result": { "file_path": path } }).to_string();
            assert!(matches!(step(&body), Err(Outcome::GiveUp(_))), "{path}");
        }
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
