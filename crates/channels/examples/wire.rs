//! What a platform's own library is compared with (`tools/channels`): reads a JSON object a line, writes one a line. Each has
//! `channel` and `secrets`, and besides:
//!
//! - `{"receive": {"headers", "query", "body", "url", "now", "is_get"}}` → `{"events": […]}`, `{"challenge": "…"}` or
//!   `{"rejected": "…", "is_signed": …}`
//! - `{"respond": {…as above, "text", "choices"}}` → `{"content_type", "body"}`
//! - `{"send": {"to", "texts", "choices", "message_id", "token", "by_person", "template"}}` → `{"address", "calls": […]}`
//! - `{"check": {}}`, `{"token": {}}` → `{"address", "calls": […]}`
//! - `{"media": {"id", "status", "reply"}}` → `{"address", "calls": […]}`: of the file, and of the second step after a reply

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};

use jiff::Timestamp;
use ken_base::desk::ChannelKind;
use ken_channels::channel::{
    Body, Call, Channel, Content, Credentials, Delivered, Event, EventKind, MediaCall, MediaStep,
    Outgoing, Person, PlatformReply, Rejection, Template, Way, Webhook,
};
use ken_channels::channel_of;
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let run = |name: &str, of: &dyn Fn(&Value) -> Value| request.get(name).map(of);
        let found = run("receive", &received)
            .or_else(|| run("respond", &responded))
            .or_else(|| run("send", &sent))
            .or_else(|| run("check", &checked))
            .or_else(|| run("token", &token))
            .or_else(|| run("media", &media));
        let reply = found.unwrap_or_else(|| json!({ "error": "an unknown request" }));
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn channel(of: &Value) -> &'static dyn Channel {
    let kind: ChannelKind = serde_json::from_value(of["channel"].clone()).expect("a channel");
    channel_of(kind).expect("a platform")
}

fn secrets(of: &Value) -> Credentials {
    pairs(&of["secrets"]).into_iter().collect()
}

fn pairs(of: &Value) -> Vec<(String, String)> {
    let found: BTreeMap<String, String> = serde_json::from_value(of.clone()).unwrap_or_default();
    found.into_iter().collect()
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_default().to_owned()
}

fn list(of: &Value, name: &str) -> Vec<String> {
    serde_json::from_value(of[name].clone()).unwrap_or_default()
}

/// Runs something with the webhook of a request.
fn with_webhook<T>(of: &Value, run: impl FnOnce(&Webhook<'_>) -> T) -> T {
    let (query, headers) = (pairs(&of["query"]), pairs(&of["headers"]));
    let (body, url) = (text(of, "body"), text(of, "url"));
    let now = of["now"].as_i64().unwrap_or_default();
    run(&Webhook {
        is_get: of["is_get"] == true,
        url: &url,
        query: &query,
        headers: &headers,
        body: body.as_bytes(),
        now: Timestamp::from_second(now).unwrap_or_default(),
    })
}

fn received(of: &Value) -> Value {
    match with_webhook(of, |webhook| channel(of).receive(&secrets(of), webhook)) {
        Ok(Delivered::Challenge(text)) => json!({ "challenge": text }),
        Ok(Delivered::Events(events)) => {
            json!({ "events": events.iter().map(event).collect::<Vec<_>>() })
        }
        Err(rejection) => {
            let is_signed = matches!(rejection, Rejection::Malformed(_));
            json!({ "rejected": rejection.to_string(), "is_signed": is_signed })
        }
    }
}

fn responded(of: &Value) -> Value {
    let found = with_webhook(of, |webhook| {
        channel(of).response(
            &secrets(of),
            webhook,
            of["text"].as_str(),
            &list(of, "choices"),
        )
    });
    json!({ "content_type": found.content_type, "body": found.body })
}

fn person(of: &Person) -> Value {
    json!({ "user_id": of.user_id, "name": of.name, "phone": of.phone, "shown_phone": of.shown_phone })
}

fn parts(of: &[Content]) -> Vec<Value> {
    let part = |content: &Content| match content {
        Content::Text(text) => json!({ "text": text }),
        Content::Location(north, east) => json!({ "location": [north, east] }),
        Content::Media {
            kind,
            id,
            name,
            media_type,
        } => {
            json!({ "media": { "kind": kind, "id": id, "name": name, "media_type": media_type } })
        }
        Content::Other(kind) => json!({ "other": kind }),
    };
    of.iter().map(part).collect()
}

fn event(of: &Event) -> Value {
    let what = match &of.what {
        EventKind::Message {
            from,
            parts: contents,
            reply_token,
            revision,
        } => {
            json!({ "message": { "from": person(from), "parts": parts(contents), "token": reply_token, "revision": revision } })
        }
        EventKind::Echo {
            to,
            parts: contents,
        } => json!({ "echo": { "to": person(to), "parts": parts(contents) } }),
        EventKind::Poll { of, reply_token } => {
            json!({ "poll": { "of": person(of), "token": reply_token } })
        }
        EventKind::Unsent { message_id } => json!({ "unsent": message_id }),
        EventKind::Report { message_id, state } => {
            json!({ "report": { "message_id": message_id, "state": state } })
        }
        EventKind::Consent { of, granted } => {
            json!({ "consent": { "of": person(of), "granted": granted } })
        }
        EventKind::Alias { of, user_id } => {
            json!({ "alias": { "of": person(of), "user_id": user_id } })
        }
        EventKind::Ignored(why) => json!({ "ignored": why }),
    };
    json!({ "id": of.id, "at_ms": of.at.map(|at| at.as_millisecond()), "what": what })
}

fn call(of: &Call) -> Value {
    let headers: BTreeMap<&str, &str> = of
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let body = match &of.body {
        Body::None => Value::Null,
        Body::Json(value) => value.clone(),
        Body::Form(fields) => fields
            .iter()
            .cloned()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .map(|(name, value)| (name, json!(value)))
            .collect(),
    };
    json!({ "method": of.method, "path": of.path, "headers": headers, "body": body })
}

fn calls(channel: &dyn Channel, of: &[Call]) -> Value {
    json!({ "address": channel.address(), "calls": of.iter().map(call).collect::<Vec<_>>() })
}

fn sent(of: &Value) -> Value {
    let channel = channel(of);
    let template = of.get("template").filter(|of| of.is_object());
    let message = Outgoing {
        message_id: text(of, "message_id"),
        to: text(of, "to"),
        texts: list(of, "texts"),
        choices: list(of, "choices"),
        by_person: of["by_person"] == true,
        template: template.map(|of| Template {
            name: text(of, "name"),
            language: text(of, "language"),
            parameters: list(of, "parameters"),
        }),
    };
    let way = match (of["token"].as_str(), &message.template) {
        (Some(token), _) => Way::Reply(token.to_owned()),
        (None, Some(_)) => Way::Template,
        (None, None) if message.by_person => Way::PersonPush,
        (None, None) => Way::Push,
    };
    calls(channel, &channel.calls(&secrets(of), &message, &way))
}

fn checked(of: &Value) -> Value {
    let channel = channel(of);
    calls(channel, &[channel.check(&secrets(of))])
}

fn token(of: &Value) -> Value {
    let channel = channel(of);
    let call = channel.token_call(&secrets(of));
    calls(channel, &call.into_iter().collect::<Vec<_>>())
}

fn media(of: &Value) -> Value {
    let (channel, secrets) = (channel(of), secrets(of));
    let first = channel.media_call(&secrets, &text(of, "id"));
    let body = text(of, "reply");
    let step = channel.media_step(
        &secrets,
        &PlatformReply {
            status: of["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(200),
            retry_after: None,
            body: body.as_bytes(),
        },
    );
    let next = match step {
        Ok(MediaStep::Next(next)) => Some(next),
        Ok(MediaStep::File) | Err(_) => None,
    };
    let of_media = |of: MediaCall| {
        let mut found = call(&of.call);
        let address = of.address.unwrap_or_else(|| channel.address().to_owned());
        found["address"] = json!(address);
        found
    };
    let found: Vec<Value> = first.into_iter().chain(next).map(of_media).collect();
    json!({ "address": channel.address(), "calls": found })
}
