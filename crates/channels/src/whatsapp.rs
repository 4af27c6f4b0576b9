//! WhatsApp Cloud API. Contract: `business-messaging-api` of facebook/openapi; fields as in its webhooks.

use jiff::SignedDuration;
use ken_base::desk::DeliveryState;
use serde_json::{Value, json};

use crate::channel::{
    Call, Channel, Content, Credential, Credentials, Delivered, Event, EventKind, Limits,
    MediaCall, MediaStep, Outcome, Outgoing, Person, PlatformReply, Rejection, Template, Unit, Way,
    Webhook, credential, list_at, offered, required, text_at, time_of,
};
use crate::signature::{hex, hmac_sha256, is_equal};

/// A WhatsApp business number.
pub struct Whatsapp;

pub(crate) const APP_SECRET: &str = "app_secret";
pub(crate) const VERIFY_TOKEN: &str = "verify_token";
pub(crate) const ACCESS_TOKEN: &str = "access_token";
const NUMBER_ID: &str = "phone_number_id";
/// The version of the Graph API whose contract was read.
pub(crate) const VERSION: &str = "v23.0";

impl Channel for Whatsapp {
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
                found_at: "your own choice; the same text in the app's WhatsApp, Configuration, Verify token",
                is_optional: false,
            },
            Credential {
                name: ACCESS_TOKEN,
                found_at: "Meta Business settings, System users, a token with whatsapp_business_messaging",
                is_optional: false,
            },
            Credential {
                name: NUMBER_ID,
                found_at: "the app's WhatsApp, API setup, Phone number ID",
                is_optional: false,
            },
        ]
    }

    /// 4,096 characters; 3 buttons of 20, or a list of 10 rows of 24; 24 hours after the customer's last message.
    fn limits(&self) -> Limits {
        Limits {
            choices: 10,
            choice: 24,
            window: Some(SignedDuration::from_hours(24)),
            templates: true,
            ..Limits::of_text(4_096, Unit::Characters)
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
        let number = required(credentials, NUMBER_ID)?;
        let mut events = Vec::new();
        for change in list_at(&body, "/entry")
            .iter()
            .flat_map(|entry| list_at(entry, "/changes"))
        {
            let value = &change["value"];
            // One app may serve several numbers.
            if text_at(value, "/metadata/phone_number_id").is_some_and(|of| of != number) {
                continue;
            }
            let is_of_person = |message: &&Value| {
                let kind = message["type"].as_str().unwrap_or_default();
                !["reaction", "system", "unsupported", "edit"].contains(&kind)
            };
            for message in list_at(value, "/messages").iter().filter(is_of_person) {
                // One that lacks what it needs does not keep those beside it from being read.
                events.extend(inbound(value, message).unwrap_or_default());
            }
            let echoes = list_at(value, "/message_echoes").iter();
            for message in echoes.filter(is_of_person) {
                events.extend(echo(message));
            }
            for status in list_at(value, "/statuses") {
                events.extend(report(status));
            }
        }
        Ok(Delivered::Events(events))
    }

    fn calls(&self, credentials: &Credentials, message: &Outgoing, way: &Way) -> Vec<Call> {
        let post = |more: Value| {
            let mut body = json!({
                "messaging_product": "whatsapp", "recipient_type": "individual",
                "to": message.to.trim_start_matches('+'), "biz_opaque_callback_data": message.message_id,
            });
            for (name, value) in more.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            let number = credential(credentials, NUMBER_ID);
            Call::post(
                format!("/{VERSION}/{number}/messages"),
                bearer(credentials),
                body,
            )
        };
        if let (Way::Template, Some(template)) = (way, &message.template) {
            return vec![post(of_template(template))];
        }
        let choices = offered(message, &self.limits());
        let last = message.texts.len().saturating_sub(1);
        let call = |(n, text): (usize, &String)| {
            // The text of an interactive message is shorter than that of a plain one.
            match n == last && !choices.is_empty() && text.chars().count() <= 1_024 {
                true => post(
                    json!({ "type": "interactive", "interactive": interactive(text, choices) }),
                ),
                false => {
                    post(json!({ "type": "text", "text": { "body": text, "preview_url": false } }))
                }
            }
        };
        message.texts.iter().enumerate().map(call).collect()
    }

    fn outcome(&self, reply: &PlatformReply<'_>) -> Outcome {
        graph_outcome(reply)
    }

    fn check(&self, credentials: &Credentials) -> Call {
        let number = credential(credentials, NUMBER_ID);
        Call::get(
            format!("/{VERSION}/{number}?fields=display_phone_number,verified_name"),
            bearer(credentials),
        )
    }

    fn media_call(&self, credentials: &Credentials, id: &str) -> Option<MediaCall> {
        let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
        is_id.then(|| MediaCall {
            address: None,
            call: Call::get(format!("/{VERSION}/{id}"), bearer(credentials)),
        })
    }

    /// The file's address is valid for five minutes and needs the access token too.
    fn media_step(
        &self,
        credentials: &Credentials,
        reply: &PlatformReply<'_>,
    ) -> Result<MediaStep, Outcome> {
        match graph_outcome(reply) {
            Outcome::Accepted => text_at(&reply.json(), "/url")
                .and_then(|url| MediaCall::at(&url, bearer(credentials)))
                .map(MediaStep::Next)
                .ok_or_else(|| Outcome::GiveUp("no_address".to_owned())),
            other => Err(other),
        }
    }
}

/// A message of the type `template`, with text parameters for its body.
fn of_template(template: &Template) -> Value {
    let parameter = |value: &String| json!({ "type": "text", "text": value });
    let parameters: Vec<Value> = template.parameters.iter().map(parameter).collect();
    let mut body = json!({ "name": template.name, "language": { "code": template.language } });
    if !parameters.is_empty() {
        body["components"] = json!([{ "type": "body", "parameters": parameters }]);
    }
    json!({ "type": "template", "template": body })
}

pub(crate) fn bearer(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let token = credential(credentials, ACCESS_TOKEN);
    vec![("authorization", format!("Bearer {token}"))]
}

/// The body of a POST request that Meta signed; `None` for a GET request.
pub(crate) fn verified(
    credentials: &Credentials,
    webhook: &Webhook<'_>,
) -> Result<Option<Value>, Rejection> {
    if webhook.is_get {
        return Ok(None);
    }
    let secret = required(credentials, APP_SECRET)?;
    let signature = webhook.header("x-hub-signature-256");
    let signature = signature.ok_or(Rejection::Forged("expected X-Hub-Signature-256"))?;
    let expected = format!("sha256={}", hex(&hmac_sha256(secret, &[webhook.body])));
    match is_equal(signature, &expected) {
        true => webhook.json().map(Some),
        false => Err(Rejection::Forged(
            "X-Hub-Signature-256 is not of this app secret",
        )),
    }
}

/// The answer to Meta's check of the address.
pub(crate) fn challenge(
    credentials: &Credentials,
    webhook: &Webhook<'_>,
) -> Result<Delivered, Rejection> {
    let token = required(credentials, VERIFY_TOKEN)?;
    let is_ours = webhook.param("hub.mode") == Some("subscribe")
        && webhook
            .param("hub.verify_token")
            .is_some_and(|given| is_equal(given, token));
    match (is_ours, webhook.param("hub.challenge")) {
        (true, Some(challenge)) => Ok(Delivered::Challenge(challenge.to_owned())),
        _ => Err(Rejection::Forged(
            "hub.verify_token is not the inbox's verify_token",
        )),
    }
}

/// What a reply of the Graph API means.
pub(crate) fn graph_outcome(reply: &PlatformReply<'_>) -> Outcome {
    let error = reply.json()["error"].clone();
    let Some(code) = error["code"].as_i64() else {
        return reply.by_status();
    };
    let name = format!("error_{code}");
    match code {
        // Too many requests: of the app, the account, the pair.
        4 | 80_007 | 130_429 | 131_048 | 131_056 | 613 => Outcome::Retry(name, reply.retry_after),
        131_047 => Outcome::GiveUp("window_closed".to_owned()),
        131_050 => Outcome::GiveUp("blocked".to_owned()),
        // The token, or one of its permissions.
        0 | 3 | 10 | 190 | 200..=299 => Outcome::Reconnect(name),
        1 | 2 | 131_000 | 131_016 => Outcome::Retry(name, reply.retry_after),
        _ if reply.status >= 500 => Outcome::Retry(name, reply.retry_after),
        _ => Outcome::GiveUp(name),
    }
}

fn interactive(text: &str, choices: &[String]) -> Value {
    let is_short = |choice: &String| choice.chars().count() <= 20;
    let id = |n: usize| format!("choice-{n}");
    match choices.len() <= 3 && choices.iter().all(is_short) {
        true => {
            let button =
                |(n, choice)| json!({ "type": "reply", "reply": { "id": id(n), "title": choice } });
            let buttons: Vec<Value> = choices.iter().enumerate().map(button).collect();
            json!({ "type": "button", "body": { "text": text }, "action": { "buttons": buttons } })
        }
        false => {
            let row = |(n, choice)| json!({ "id": id(n), "title": choice });
            let rows: Vec<Value> = choices.iter().enumerate().map(row).collect();
            json!({ "type": "list", "body": { "text": text }, "action": { "button": "⋯", "sections": [{ "title": "⋯", "rows": rows }] } })
        }
    }
}

/// A customer as a message names them: by telephone number, and by the business-scoped id.
fn inbound(value: &Value, message: &Value) -> Result<Vec<Event>, Rejection> {
    let missing = |what: &str| Rejection::Malformed(format!("a message has no {what}"));
    let id = text_at(message, "/id").ok_or_else(|| missing("id"))?;
    let at = text_at(message, "/timestamp").and_then(|seconds| seconds.parse().ok());
    let at = time_of(at, true);
    if message["type"] == "revoke" {
        let message_id = text_at(message, "/revoke/original_message_id");
        let message_id = message_id.ok_or_else(|| missing("revoke.original_message_id"))?;
        let what = EventKind::Unsent { message_id };
        return Ok(vec![Event { id, at, what }]);
    }
    let number = text_at(message, "/from");
    let scoped = text_at(message, "/from_user_id");
    let user_id = number.clone().or_else(|| scoped.clone());
    let user_id = user_id.ok_or_else(|| missing("from"))?;
    let of_sender = |contact: &&Value| {
        [text_at(contact, "/wa_id"), text_at(contact, "/user_id")]
            .iter()
            .flatten()
            .any(|id| *id == user_id)
    };
    let contacts = list_at(value, "/contacts");
    let contact = contacts.iter().find(of_sender);
    let from = Person {
        name: contact
            .and_then(|contact| text_at(contact, "/profile/name"))
            .unwrap_or_default(),
        phone: number.as_ref().map(|number| format!("+{number}")),
        user_id: user_id.clone(),
    };
    let mut events = vec![Event {
        id: id.clone(),
        at,
        what: EventKind::Message {
            from: from.clone(),
            parts: contents(message),
            reply_token: None,
            revision: None,
        },
    }];
    let scoped = scoped.or_else(|| contact.and_then(|contact| text_at(contact, "/user_id")));
    if let Some(scoped) = scoped.filter(|scoped| number.is_some() && *scoped != user_id) {
        events.push(Event {
            id: format!("alias:{id}"),
            at,
            what: EventKind::Alias {
                of: Person::of(&user_id),
                user_id: scoped,
            },
        });
    }
    Ok(events)
}

fn echo(message: &Value) -> Result<Event, Rejection> {
    let id = text_at(message, "/id");
    let to = text_at(message, "/to");
    if message["type"] == "revoke" {
        return Err(Rejection::Malformed("an echo without words".to_owned()));
    }
    let (Some(id), Some(to)) = (id, to) else {
        return Err(Rejection::Malformed("an echo has no id or to".to_owned()));
    };
    let at = text_at(message, "/timestamp").and_then(|seconds| seconds.parse().ok());
    Ok(Event {
        id,
        at: time_of(at, true),
        what: EventKind::Echo {
            to: Person::of(&to),
            parts: contents(message),
        },
    })
}

/// A report about a message that Ken sent: it carries Ken's id.
fn report(status: &Value) -> Option<Event> {
    let message_id = text_at(status, "/biz_opaque_callback_data")?;
    let name = text_at(status, "/status")?;
    let state = match name.as_str() {
        "sent" => DeliveryState::Accepted,
        "delivered" => DeliveryState::Delivered,
        "read" => DeliveryState::Read,
        "failed" => DeliveryState::Failed,
        _ => return None,
    };
    let at = text_at(status, "/timestamp").and_then(|seconds| seconds.parse().ok());
    Some(Event {
        id: format!("{}:{name}", text_at(status, "/id").unwrap_or_default()),
        at: time_of(at, true),
        what: EventKind::Report { message_id, state },
    })
}

fn contents(message: &Value) -> Vec<Content> {
    let kind = message["type"].as_str().unwrap_or("unknown");
    let text = [
        "/text/body",
        "/button/text",
        "/interactive/button_reply/title",
        "/interactive/list_reply/title",
    ];
    let text = text.iter().find_map(|pointer| text_at(message, pointer));
    let degrees = |name: &str| message["location"][name].as_f64();
    let file = &message[kind];
    match (text, degrees("latitude"), degrees("longitude")) {
        (Some(text), ..) => vec![Content::Text(text)],
        (None, Some(north), Some(east)) => vec![Content::Location(north, east)],
        // The words below a picture are the question.
        _ => {
            let mut parts: Vec<Content> = Vec::new();
            parts.extend(text_at(file, "/caption").map(Content::Text));
            parts.push(media(kind, file));
            parts
        }
    }
}

fn media(kind: &str, file: &Value) -> Content {
    match (kind, text_at(file, "/id")) {
        ("image" | "audio" | "video" | "document" | "sticker", Some(id)) => Content::Media {
            kind: match kind {
                "document" => "file".to_owned(),
                other => other.to_owned(),
            },
            id,
            name: text_at(file, "/filename"),
            media_type: text_at(file, "/mime_type"),
        },
        _ => Content::Other(kind.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    pub fn credentials() -> Credentials {
        let pairs = [
            (APP_SECRET, "s3cret"),
            (VERIFY_TOKEN, "mine"),
            (ACCESS_TOKEN, "t0ken"),
            (NUMBER_ID, "10"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn received(body: &Value) -> Vec<Event> {
        let body = body.to_string();
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
        match Whatsapp.receive(&credentials(), &webhook).unwrap() {
            Delivered::Events(events) => events,
            other => panic!("{other:?}"),
        }
    }

    fn of_number(number: &str, more: Value) -> Value {
        let mut value =
            json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": number } });
        for (name, field) in more.as_object().unwrap() {
            value[name] = field.clone();
        }
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] })
    }

    #[test]
    fn address_is_confirmed_with_the_own_token_only() {
        let ask = |token: &str| {
            let query = [
                ("hub.mode", "subscribe"),
                ("hub.verify_token", token),
                ("hub.challenge", "42"),
            ];
            let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let webhook = Webhook {
                is_get: true,
                url: "",
                query: &query,
                headers: &[],
                body: b"",
                now: Timestamp::UNIX_EPOCH,
            };
            Whatsapp.receive(&credentials(), &webhook)
        };
        assert_eq!(ask("mine"), Ok(Delivered::Challenge("42".into())));
        assert!(matches!(ask("theirs"), Err(Rejection::Forged(_))));
    }

    #[test]
    fn message_names_number_and_scoped_id() {
        let message = json!({
            "contacts": [{ "profile": { "name": "Mei" }, "wa_id": "886912345678", "user_id": "TW.1" }],
            "messages": [{ "from": "886912345678", "id": "wamid.1", "timestamp": "1700000000", "type": "text", "text": { "body": "可以退貨嗎？" } }],
        });
        let events = received(&of_number("10", message.clone()));
        let from = Person {
            user_id: "886912345678".into(),
            name: "Mei".into(),
            phone: Some("+886912345678".into()),
        };
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(
            matches!(&events[0].what, EventKind::Message { from: found, .. } if *found == from)
        );
        assert!(matches!(&events[1].what, EventKind::Alias { user_id, .. } if user_id == "TW.1"));
        assert_eq!(
            received(&of_number("11", message)),
            [],
            "another number of the app"
        );
    }

    #[test]
    fn reports_and_echoes_are_told_apart() {
        let statuses = json!({ "statuses": [
            { "id": "wamid.2", "status": "read", "timestamp": "1700000001", "biz_opaque_callback_data": "msg_1" },
            { "id": "wamid.3", "status": "delivered", "timestamp": "1700000001" },
        ] });
        let events = received(&of_number("10", statuses));
        assert_eq!(events.len(), 1, "one was not sent by Ken");
        assert!(
            matches!(&events[0].what, EventKind::Report { message_id, state: DeliveryState::Read } if message_id == "msg_1")
        );
        let echoes = json!({ "message_echoes": [{ "from": "886", "to": "8869", "id": "wamid.4", "timestamp": "1700000002", "type": "text", "text": { "body": "我來" } }] });
        assert!(
            matches!(&received(&of_number("10", echoes))[0].what, EventKind::Echo { to, .. } if to.user_id == "8869")
        );
    }

    #[test]
    fn choices_are_buttons_or_a_list() {
        let message = |choices: &[&str]| Outgoing {
            message_id: "msg_1".into(),
            to: "+8869".into(),
            texts: vec!["一".into(), "哪一個？".into()],
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
            ..Outgoing::default()
        };
        let types = |choices: &[&str]| -> Vec<String> {
            let calls = Whatsapp.calls(&credentials(), &message(choices), &Way::Push);
            assert_eq!(calls[0].path, "/v23.0/10/messages");
            let body = |call: &Call| call.json().unwrap().clone();
            assert_eq!(body(&calls[0])["to"], "8869");
            let kind = |call: &Call| {
                text_at(&body(call), "/interactive/type").or_else(|| text_at(&body(call), "/type"))
            };
            calls.iter().filter_map(kind).collect()
        };
        assert_eq!(types(&["甲", "乙"]), ["text", "button"]);
        assert_eq!(types(&["甲", "乙", "丙", "丁"]), ["text", "list"]);
        assert_eq!(
            types(&["一個比二十四個字還要長得多所以不能當作按鈕的選項名稱"]),
            ["text", "text"]
        );
    }

    #[test]
    fn template_has_its_values_in_the_body() {
        let message = Outgoing {
            to: "+8869".into(),
            texts: vec!["您的訂單已出貨".into()],
            template: Some(Template {
                name: "shipped".into(),
                language: "zh_TW".into(),
                parameters: vec!["A-1".into()],
            }),
            ..Outgoing::default()
        };
        let calls = Whatsapp.calls(&credentials(), &message, &Way::Template);
        assert_eq!(calls.len(), 1);
        let body = calls[0].json().unwrap();
        assert_eq!(body["type"], "template");
        assert_eq!(body["template"]["language"]["code"], "zh_TW");
        assert_eq!(
            body["template"]["components"][0]["parameters"][0]["text"],
            "A-1"
        );
    }

    #[test]
    fn picture_keeps_its_caption_and_is_fetched_in_two_steps() {
        let picture = json!({ "type": "image", "image": { "id": "99", "mime_type": "image/jpeg", "caption": "這是什麼" } });
        let media = Content::Media {
            kind: "image".into(),
            id: "99".into(),
            name: None,
            media_type: Some("image/jpeg".into()),
        };
        assert_eq!(
            contents(&picture),
            [Content::Text("這是什麼".into()), media]
        );
        let first = Whatsapp.media_call(&credentials(), "99").unwrap();
        assert_eq!(first.call.path, "/v23.0/99");
        let step = |status, body: &str| {
            Whatsapp.media_step(
                &credentials(),
                &PlatformReply {
                    status,
                    retry_after: None,
                    body: body.as_bytes(),
                },
            )
        };
        let pointer = r#"{"url":"https://lookaside.fbsbx.com/a?mid=1","id":"99"}"#;
        let Ok(MediaStep::Next(next)) = step(200, pointer) else {
            panic!("{pointer}")
        };
        assert_eq!(next.address.as_deref(), Some("https://lookaside.fbsbx.com"));
        assert_eq!(next.call.path, "/a?mid=1");
        assert_eq!(next.call.headers, bearer(&credentials()));
        assert!(matches!(step(200, "{}"), Err(Outcome::GiveUp(_))));
        assert!(matches!(
            step(401, r#"{"error":{"code":190}}"#),
            Err(Outcome::Reconnect(_))
        ));
    }

    #[test]
    fn withdrawn_message_is_named() {
        let message = json!({ "messages": [{ "from": "8869", "id": "wamid.9", "timestamp": "1700000000", "type": "revoke", "revoke": { "original_message_id": "wamid.1" } }] });
        assert!(
            matches!(&received(&of_number("10", message))[0].what, EventKind::Unsent { message_id } if message_id == "wamid.1")
        );
    }

    #[test]
    fn errors_say_what_to_do() {
        let outcome = |status, code: i64| {
            let body = json!({ "error": { "code": code, "message": "x" } }).to_string();
            Whatsapp.outcome(&PlatformReply {
                status,
                retry_after: Some(3),
                body: body.as_bytes(),
            })
        };
        assert_eq!(
            outcome(400, 131_047),
            Outcome::GiveUp("window_closed".into())
        );
        assert_eq!(
            outcome(400, 130_429),
            Outcome::Retry("error_130429".into(), Some(3))
        );
        assert_eq!(outcome(401, 190), Outcome::Reconnect("error_190".into()));
        assert_eq!(
            outcome(400, 131_026),
            Outcome::GiveUp("error_131026".into())
        );
        assert!(matches!(outcome(500, 131_000), Outcome::Retry(..)));
    }
}
