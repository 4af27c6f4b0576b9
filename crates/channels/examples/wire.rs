//! What a platform's own library is compared with (`tools/channels`): reads a JSON object a line, writes one a line.
//!
//! - `{"receive": {"channel", "secrets", "headers", "query", "body", "now", "is_get"}}` → `{"events": […]}`, `{"challenge": "…"}`
//!   or `{"rejected": "…"}`
//! - `{"send": {"channel", "secrets", "to", "texts", "choices", "message_id", "token", "by_person"}}` → `{"calls": […]}`

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};

use jiff::Timestamp;
use ken_base::desk::ChannelKind;
use ken_channels::channel::{
    Content, Delivered, Event, EventKind, Outgoing, Person, Rejection, Way, Webhook,
};
use ken_channels::channel_of;
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let reply = match (request.get("receive"), request.get("send")) {
            (Some(of), _) => received(of),
            (_, Some(of)) => sent(of),
            _ => json!({ "error": "expected receive or send" }),
        };
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn kind(of: &Value) -> ChannelKind {
    serde_json::from_value(of["channel"].clone()).expect("a channel")
}

fn pairs(of: &Value) -> Vec<(String, String)> {
    let found: BTreeMap<String, String> = serde_json::from_value(of.clone()).unwrap_or_default();
    found.into_iter().collect()
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_default().to_owned()
}

fn received(of: &Value) -> Value {
    let channel = channel_of(kind(of)).expect("a platform");
    let (query, headers) = (pairs(&of["query"]), pairs(&of["headers"]));
    let (body, url) = (text(of, "body"), text(of, "url"));
    let now = of["now"].as_i64().unwrap_or_default();
    let webhook = Webhook {
        is_get: of["is_get"] == true,
        url: &url,
        query: &query,
        headers: &headers,
        body: body.as_bytes(),
        now: Timestamp::from_second(now).unwrap_or_default(),
    };
    match channel.receive(&pairs(&of["secrets"]).into_iter().collect(), &webhook) {
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

fn person(of: &Person) -> Value {
    json!({ "user_id": of.user_id, "name": of.name, "phone": of.phone })
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

fn sent(of: &Value) -> Value {
    let channel = channel_of(kind(of)).expect("a platform");
    let list = |name: &str| -> Vec<String> {
        serde_json::from_value(of[name].clone()).unwrap_or_default()
    };
    let message = Outgoing {
        message_id: text(of, "message_id"),
        to: text(of, "to"),
        texts: list("texts"),
        choices: list("choices"),
        by_person: of["by_person"] == true,
        ..Outgoing::default()
    };
    let way = match of["token"].as_str() {
        Some(token) => Way::Reply(token.to_owned()),
        None => Way::Push,
    };
    let secrets = pairs(&of["secrets"]).into_iter().collect();
    let calls = channel.calls(&secrets, &message, &way);
    let call = |call: &ken_channels::channel::Call| {
        let headers: BTreeMap<&str, &str> = call
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        json!({ "method": call.method, "path": call.path, "headers": headers, "body": call.json() })
    };
    json!({ "address": channel.address(), "calls": calls.iter().map(call).collect::<Vec<_>>() })
}
