//! Slack Events API and Web API. Direct messages to the app are answered, and mentions of it in channels in their thread. What
//! else is written in channels is ignored.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits,
    MediaCall, Outcome, Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook, credential,
    list_at, offered, required, text_at, time_of,
};
use crate::signature::{hex, hmac_sha256, is_equal};

/// A Slack app.
pub struct Slack;

const SECRET: &str = "signing_secret";
const TOKEN: &str = "bot_token";
/// How old a signature may be, in seconds (Slack, "Verifying requests from Slack").
const MAX_AGE_S: i64 = 300;
/// The address of files.
const FILES: &str = "https://files.slack.com";

impl Channel for Slack {
    fn address(&self) -> &'static str {
        "https://slack.com"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: SECRET,
                found_at: "api.slack.com, the app's Basic information, Signing secret",
                is_optional: false,
            },
            Credential {
                name: TOKEN,
                found_at: "the app's OAuth & permissions, Bot user OAuth token, with chat:write, im:history, app_mentions:read and files:read",
                is_optional: false,
            },
        ]
    }

    /// 4,000 characters of text (chat.postMessage), 3,000 in a section; 5 buttons of 75 characters. A thread is answered in the
    /// thread for 24 hours; that limit is ours.
    fn limits(&self) -> Limits {
        Limits {
            choices: 5,
            choice: 75,
            reply: Some(SignedDuration::from_hours(24)),
            ..Limits::of_text(3_000, Unit::Characters)
        }
    }

    fn receive(
        &self,
        credentials: &Credentials,
        webhook: &Webhook<'_>,
    ) -> Result<Delivered, Rejection> {
        let secret = required(credentials, SECRET)?;
        let stamp = webhook.header("x-slack-request-timestamp");
        let stamp = stamp.ok_or(Rejection::Forged("expected X-Slack-Request-Timestamp"))?;
        let signature = webhook.header("x-slack-signature");
        let signature = signature.ok_or(Rejection::Forged("expected X-Slack-Signature"))?;
        let signed = hmac_sha256(secret, &[b"v0:", stamp.as_bytes(), b":", webhook.body]);
        if !is_equal(signature, &format!("v0={}", hex(&signed))) {
            return Err(Rejection::Forged(
                "X-Slack-Signature is not of this signing secret",
            ));
        }
        let second: i64 = stamp
            .parse()
            .map_err(|_| Rejection::Forged("X-Slack-Request-Timestamp is no number"))?;
        let age = webhook.now.as_second().saturating_sub(second);
        if age.saturating_abs() > MAX_AGE_S {
            return Err(Rejection::Stale(age));
        }
        // Touches of buttons come as a form with JSON in it.
        let body = match webhook.json() {
            Ok(body) => body,
            Err(error) => match touched(webhook.body) {
                Some(touched) => return Ok(Delivered::Events(vec![touched])),
                None => return Err(error),
            },
        };
        if body["type"] == "url_verification" {
            let challenge = text_at(&body, "/challenge").unwrap_or_default();
            return Ok(Delivered::Challenge(challenge));
        }
        Ok(Delivered::Events(vec![event(&body)?]))
    }

    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call> {
        let thread = match way {
            Way::Reply(token) => token.split_once(' '),
            _ => None,
        };
        let choices = offered(message, &self.limits());
        let last = message.texts.len().saturating_sub(1);
        let call = |(n, text): (usize, &String)| {
            let channel = thread.map_or(message.to.as_str(), |(channel, _)| channel);
            let mut body = json!({ "channel": channel, "text": escaped(text), "unfurl_links": false, "unfurl_media": false });
            if let Some((_, thread)) = thread {
                body["thread_ts"] = json!(thread);
            }
            if n == last && !choices.is_empty() {
                let button = |(n, choice): (usize, &String)| json!({ "type": "button", "action_id": format!("choice-{n}"), "text": { "type": "plain_text", "text": choice }, "value": choice });
                let buttons: Vec<Value> = choices.iter().enumerate().map(button).collect();
                body["blocks"] = json!([
                    { "type": "section", "text": { "type": "plain_text", "text": text } },
                    { "type": "actions", "elements": buttons },
                ]);
            }
            Call::post(
                "/api/chat.postMessage".to_owned(),
                bearer(credentials),
                body,
            )
        };
        message.texts.iter().enumerate().map(call).collect()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        let body = reply.json();
        // Errors come with the status 200.
        match (body["ok"].as_bool(), text_at(&body, "/error")) {
            (Some(true), _) => Outcome::Accepted,
            (Some(false), Some(error)) => match error.as_str() {
                "ratelimited"
                | "rate_limited"
                | "service_unavailable"
                | "internal_error"
                | "fatal_error"
                | "request_timeout" => Outcome::Retry(error, reply.retry_after),
                // Of a thread in a channel: the answer goes to the person directly.
                "not_in_channel" | "is_archived" | "thread_not_found" => Outcome::TokenSpent,
                "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked"
                | "token_expired" | "missing_scope" | "no_permission" => Outcome::Reconnect(error),
                _ => Outcome::GiveUp(error),
            },
            _ => reply.by_status(),
        }
    }

    fn check(&self, credentials: &Credentials) -> Call {
        Call::post("/api/auth.test".to_owned(), bearer(credentials), json!({}))
    }

    /// The id is the file's `url_private`. The token is sent to Slack's own host only: a file may be a link to another
    /// service.
    fn media_call(&self, credentials: &Credentials, id: &str) -> Option<MediaCall> {
        let found = MediaCall::at(id, bearer(credentials))?;
        (found.address.as_deref() == Some(FILES)).then_some(found)
    }
}

fn bearer(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let token = credential(credentials, TOKEN);
    vec![("authorization", format!("Bearer {token}"))]
}

/// Slack's control characters as text ("Formatting text for app surfaces").
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn event(body: &Value) -> Result<Event, Rejection> {
    let id = text_at(body, "/event_id");
    let id = id.ok_or_else(|| Rejection::Malformed("an event has no event_id".to_owned()))?;
    let event = &body["event"];
    // The time of a message has microseconds: "1700000000.123456".
    let seconds = text_at(event, "/ts").and_then(|ts| ts.split('.').next()?.parse().ok());
    let at = time_of(seconds, true);
    // One message may come as two events: a message, and a mention of the app. Only a timestamp in a channel names it.
    let channel = text_at(event, "/channel").unwrap_or_default();
    let id_of = |ts: &str| format!("{channel}:{ts}");
    if event["type"] == "message" && event["subtype"] == "message_deleted" {
        let is_own = !event["previous_message"]["bot_id"].is_null();
        let what = match text_at(event, "/deleted_ts").filter(|_| !is_own) {
            Some(ts) => EventKind::Unsent {
                message_id: id_of(&ts),
            },
            None => EventKind::Ignored("own".to_owned()),
        };
        return Ok(Event { id, at, what });
    }
    let is_direct = event["type"] == "message" && event["channel_type"] == "im";
    let is_mention = event["type"] == "app_mention";
    // Edits, joins and what apps write have a subtype or an id of a bot.
    let is_written =
        event["bot_id"].is_null() && matches!(event["subtype"].as_str(), None | Some("file_share"));
    let is_ours = (is_direct || is_mention) && is_written;
    let user = text_at(event, "/user").filter(|_| is_ours);
    let (Some(user), Some(ts)) = (user, text_at(event, "/ts")) else {
        let what = EventKind::Ignored("other".to_owned());
        return Ok(Event { id, at, what });
    };
    let thread = text_at(event, "/thread_ts").or_else(|| is_mention.then(|| ts.clone()));
    let text = text_at(event, "/text").unwrap_or_default();
    let text = match is_mention {
        true => without_mention(&text),
        false => &text,
    };
    let mut parts: Vec<Content> = Vec::new();
    parts.extend((!text.is_empty()).then(|| Content::Text(unescaped(text))));
    parts.extend(list_at(event, "/files").iter().map(file));
    let what = EventKind::Message {
        from: Person::of(&user),
        parts,
        reply_token: thread.map(|thread| format!("{channel} {thread}")),
        revision: None,
    };
    let id = id_of(&ts);
    Ok(Event { id, at, what })
}

/// A text without the mention that it begins with, `<@U…>`: it names the app.
fn without_mention(text: &str) -> &str {
    let text = text.trim_start();
    let rest = text
        .strip_prefix("<@")
        .and_then(|rest| rest.split_once('>'));
    rest.map_or(text, |(_, rest)| rest.trim_start())
}

fn file(of: &Value) -> Content {
    let media_type = text_at(of, "/mimetype");
    let kind = media_type.as_deref().and_then(|of| of.split('/').next());
    let kind = kind.filter(|kind| ["image", "audio", "video"].contains(kind));
    match text_at(of, "/url_private") {
        Some(id) => Content::Media {
            kind: kind.unwrap_or("file").to_owned(),
            id,
            name: text_at(of, "/name"),
            media_type,
        },
        None => Content::Other("file".to_owned()),
    }
}

/// A touch of a button.
fn touched(body: &[u8]) -> Option<Event> {
    let encoded = std::str::from_utf8(body).ok()?.strip_prefix("payload=")?;
    let payload: Value = serde_json::from_str(&decoded(encoded)?).ok()?;
    let action = list_at(&payload, "/actions").first()?;
    Some(Event {
        id: format!(
            "{}:{}",
            text_at(&payload, "/trigger_id")?,
            text_at(action, "/action_id")?
        ),
        at: None,
        what: EventKind::Message {
            from: Person::of(&text_at(&payload, "/user/id")?),
            parts: vec![Content::Text(text_at(action, "/value")?)],
            reply_token: None,
            revision: None,
        },
    })
}

/// The value of a form field.
fn decoded(encoded: &str) -> Option<String> {
    let pair = format!("p={encoded}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn credentials() -> Credentials {
        let pairs = [
            (SECRET, "8f742231b10e8888abcd99yyyzzz85a5"),
            (TOKEN, "xoxb"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn received(body: &str, signed_at: i64, now: i64) -> Result<Delivered, Rejection> {
        let stamp = signed_at.to_string();
        let secret = &credentials()[SECRET];
        let signed = hmac_sha256(secret, &[b"v0:", stamp.as_bytes(), b":", body.as_bytes()]);
        let headers = [
            ("x-slack-request-timestamp".to_owned(), stamp),
            (
                "x-slack-signature".to_owned(),
                format!("v0={}", hex(&signed)),
            ),
        ];
        let webhook = Webhook {
            is_get: false,
            url: "",
            query: &[],
            headers: &headers,
            body: body.as_bytes(),
            now: Timestamp::from_second(now).unwrap(),
        };
        Slack.receive(&credentials(), &webhook)
    }

    /// The example of Slack's documentation.
    #[test]
    fn signature_equals_the_published_example() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signed = hmac_sha256(
            "8f742231b10e8888abcd99yyyzzz85a5",
            &[b"v0:1531420618:", body.as_bytes()],
        );
        let expected = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        assert_eq!(hex(&signed), expected);
    }

    #[test]
    fn replayed_request_is_refused() {
        let body = r#"{"type":"url_verification","challenge":"c"}"#;
        assert_eq!(
            received(body, 1_000, 1_200),
            Ok(Delivered::Challenge("c".into()))
        );
        assert_eq!(received(body, 1_000, 1_301), Err(Rejection::Stale(301)));
        assert_eq!(received(body, 1_301, 1_000), Err(Rejection::Stale(-301)));
    }

    #[test]
    fn direct_messages_of_people_are_taken() {
        let event = |event: Value| {
            let body =
                json!({ "type": "event_callback", "event_id": "Ev1", "event": event }).to_string();
            match received(&body, 1_000, 1_000).unwrap() {
                Delivered::Events(mut events) => events.remove(0).what,
                other => panic!("{other:?}"),
            }
        };
        let direct = json!({ "type": "message", "channel_type": "im", "user": "U1", "text": "A &amp; B &lt;3", "ts": "1700000000.1" });
        assert!(
            matches!(event(direct.clone()), EventKind::Message { parts, .. } if parts == [Content::Text("A & B <3".into())])
        );
        for (name, value) in [
            ("bot_id", "B1"),
            ("subtype", "message_changed"),
            ("channel_type", "channel"),
            ("type", "reaction_added"),
        ] {
            let mut other = direct.clone();
            other[name] = json!(value);
            assert_eq!(event(other), EventKind::Ignored("other".into()), "{name}");
        }
        let payload = json!({ "type": "block_actions", "trigger_id": "t1", "user": { "id": "U1" }, "actions": [{ "action_id": "choice-0", "value": "退貨 期限" }] }).to_string();
        let form: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload)
            .finish();
        assert!(
            matches!(received(&form, 1_000, 1_000), Ok(Delivered::Events(events)) if matches!(&events[0].what, EventKind::Message { parts, .. } if *parts == [Content::Text("退貨 期限".into())]))
        );
    }

    fn one(event: Value) -> Event {
        let body =
            json!({ "type": "event_callback", "event_id": "Ev1", "event": event }).to_string();
        match received(&body, 1_000, 1_000).unwrap() {
            Delivered::Events(mut events) => events.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mention_and_thread_are_answered_in_the_thread() {
        let mention = json!({ "type": "app_mention", "channel": "C1", "user": "U1", "text": "<@U0BOT> 可以退貨嗎？", "ts": "17.2" });
        let found = one(mention);
        assert_eq!(found.id, "C1:17.2");
        let EventKind::Message {
            parts, reply_token, ..
        } = found.what
        else {
            panic!("a message")
        };
        assert_eq!(parts, [Content::Text("可以退貨嗎？".into())]);
        assert_eq!(reply_token.as_deref(), Some("C1 17.2"));
        let direct = |more: Value| {
            let mut event = json!({ "type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "text": "x", "ts": "18.1" });
            for (name, value) in more.as_object().unwrap() {
                event[name] = value.clone();
            }
            match one(event).what {
                EventKind::Message { reply_token, .. } => reply_token,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(direct(json!({})), None);
        let token = direct(json!({ "thread_ts": "17.9" })).unwrap();
        assert_eq!(token, "D1 17.9");
        let message = Outgoing {
            to: "U1".into(),
            texts: vec!["可以".into()],
            ..Outgoing::default()
        };
        let body = |way| {
            let calls = Slack.calls(&credentials(), &message, &way);
            calls[0].json().unwrap().clone()
        };
        assert_eq!(body(Way::Reply(token.clone()))["thread_ts"], "17.9");
        assert_eq!(body(Way::Reply(token))["channel"], "D1");
        assert_eq!(body(Way::Push)["channel"], "U1");
        assert!(body(Way::Push)["thread_ts"].is_null());
    }

    #[test]
    fn deleted_message_is_named_as_it_came() {
        let deleted = json!({ "type": "message", "subtype": "message_deleted", "channel_type": "im", "channel": "D1", "ts": "19.1", "deleted_ts": "18.1", "previous_message": { "user": "U1" } });
        let found = one(deleted.clone());
        assert_eq!(found.id, "Ev1");
        assert!(matches!(found.what, EventKind::Unsent { message_id } if message_id == "D1:18.1"));
        let mut own = deleted;
        own["previous_message"] = json!({ "bot_id": "B1" });
        assert_eq!(one(own).what, EventKind::Ignored("own".into()));
    }

    #[test]
    fn token_is_sent_to_the_own_host_only() {
        let shared = file(
            &json!({ "url_private": "https://files.slack.com/files-pri/T1-F1/a.png", "mimetype": "image/png", "name": "a.png" }),
        );
        let Content::Media { kind, id, .. } = shared else {
            panic!("{shared:?}")
        };
        assert_eq!(kind, "image");
        let found = Slack.media_call(&credentials(), &id).unwrap();
        assert_eq!(found.call.path, "/files-pri/T1-F1/a.png");
        for other in [
            "https://docs.example.com/a",
            "https://files.slack.com.example/a",
            "http://files.slack.com/a",
        ] {
            assert_eq!(Slack.media_call(&credentials(), other), None, "{other}");
        }
    }

    #[test]
    fn text_is_shown_as_it_is() {
        let message = Outgoing {
            to: "U1".into(),
            texts: vec!["a < b & <!channel>".into()],
            ..Outgoing::default()
        };
        let calls = Slack.calls(&credentials(), &message, &Way::Push);
        assert_eq!(
            calls[0].json().unwrap()["text"],
            "a &lt; b &amp; &lt;!channel&gt;"
        );
    }
}
