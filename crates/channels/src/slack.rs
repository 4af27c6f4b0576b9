//! Slack Events API and Web API. Direct messages to the app are answered; what is written in channels is ignored.

use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits, Outcome,
    Outgoing, Person, PlatformReply, Rejection, Unit, Way, Webhook, credential, list_at, offered,
    required, text_at, time_of,
};
use crate::signature::{hex, hmac_sha256, is_equal};

/// A Slack app.
pub struct Slack;

const SECRET: &str = "signing_secret";
const TOKEN: &str = "bot_token";
/// How old a signature may be, in seconds (Slack, "Verifying requests from Slack").
const MAX_AGE_S: i64 = 300;

impl Channel for Slack {
    fn address(&self) -> &'static str {
        "https://slack.com"
    }

    fn credentials(&self) -> &'static [Credential] {
        &[
            Credential {
                name: SECRET,
                found_at: "api.slack.com, the app's Basic information, Signing secret",
            },
            Credential {
                name: TOKEN,
                found_at: "the app's OAuth & permissions, Bot user OAuth token, with chat:write and im:history",
            },
        ]
    }

    /// 4,000 characters of text (chat.postMessage), 3,000 in a section; 5 buttons of 75 characters.
    fn limits(&self) -> Limits {
        Limits {
            text: 3_000,
            unit: Unit::Characters,
            per_call: 1,
            choices: 5,
            choice: 75,
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

    fn calls(&self, credentials: &Credentials, message: &Outgoing, _: &Way) -> Vec<Call> {
        let token = credential(credentials, TOKEN);
        let choices = offered(message, &self.limits());
        let last = message.texts.len().saturating_sub(1);
        let call = |(n, text): (usize, &String)| {
            let mut body = json!({ "channel": message.to, "text": escaped(text), "unfurl_links": false, "unfurl_media": false });
            if n == last && !choices.is_empty() {
                let button = |(n, choice): (usize, &String)| json!({ "type": "button", "action_id": format!("choice-{n}"), "text": { "type": "plain_text", "text": choice }, "value": choice });
                let buttons: Vec<Value> = choices.iter().enumerate().map(button).collect();
                body["blocks"] = json!([
                    { "type": "section", "text": { "type": "plain_text", "text": text } },
                    { "type": "actions", "elements": buttons },
                ]);
            }
            Call {
                method: "POST",
                path: "/api/chat.postMessage".to_owned(),
                headers: vec![("authorization", format!("Bearer {token}"))],
                body: Some(body),
            }
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
                "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked"
                | "token_expired" | "missing_scope" | "no_permission" => Outcome::Reconnect(error),
                _ => Outcome::GiveUp(error),
            },
            _ => reply.by_status(),
        }
    }

    fn check(&self, credentials: &Credentials) -> Call {
        let token = credential(credentials, TOKEN);
        Call {
            method: "POST",
            path: "/api/auth.test".to_owned(),
            headers: vec![("authorization", format!("Bearer {token}"))],
            body: Some(json!({})),
        }
    }
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
    let is_direct = event["type"] == "message" && event["channel_type"] == "im";
    // Edits, joins and what apps write have a subtype or an id of a bot.
    let is_written =
        event["bot_id"].is_null() && matches!(event["subtype"].as_str(), None | Some("file_share"));
    let what = match text_at(event, "/user").filter(|_| is_direct && is_written) {
        None => EventKind::Ignored("other".to_owned()),
        Some(user) => {
            let text = text_at(event, "/text").filter(|text| !text.is_empty());
            let mut parts: Vec<Content> = Vec::new();
            parts.extend(text.map(|text| Content::Text(unescaped(&text))));
            let file = |_: &Value| Content::Other("file".to_owned());
            parts.extend(list_at(event, "/files").iter().map(file));
            EventKind::Message {
                from: Person::of(&user),
                parts,
                reply_token: None,
            }
        }
    };
    Ok(Event { id, at, what })
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

    #[test]
    fn text_is_shown_as_it_is() {
        let message = Outgoing {
            to: "U1".into(),
            texts: vec!["a < b & <!channel>".into()],
            ..Outgoing::default()
        };
        let calls = Slack.calls(&credentials(), &message, &Way::Push);
        assert_eq!(
            calls[0].body.as_ref().unwrap()["text"],
            "a &lt; b &amp; &lt;!channel&gt;"
        );
    }
}
