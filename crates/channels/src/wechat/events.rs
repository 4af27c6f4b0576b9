//! WeChat's messages and events as ours.

use super::Fields;
use crate::channel::{Content, Event, EventKind, Person, Rejection, time_of};

/// A message or an event by its fields.
///
/// # Errors
/// [`Rejection::Malformed`] if it has no sender or no type.
pub fn event(message: &Fields) -> Result<Event, Rejection> {
    let missing = |what: &str| Rejection::Malformed(format!("a message has no {what}"));
    let field = |name: &str| {
        let value = message.get(name).map(|value| value.trim().to_owned());
        value.filter(|value| !value.is_empty())
    };
    let from = field("FromUserName").ok_or_else(|| missing("FromUserName"))?;
    let created = field("CreateTime").unwrap_or_default();
    let at = time_of(created.parse().ok(), true);
    let kind = field("MsgType").ok_or_else(|| missing("MsgType"))?;
    // An event has no id.
    let name = field("Event").unwrap_or_default();
    let id = field("MsgId").unwrap_or_else(|| format!("{from}:{created}:{name}"));
    let written = |parts| EventKind::Message {
        from: Person::of(&from),
        parts,
        reply_token: Some(id.clone()),
        revision: None,
    };
    let consent = |granted| EventKind::Consent {
        of: Person::of(&from),
        granted,
    };
    let what = match (kind.as_str(), name.to_lowercase().as_str()) {
        ("event", "subscribe") => consent(true),
        ("event", "unsubscribe") => consent(false),
        // A touch of the account's menu.
        ("event", "click") => match field("EventKey") {
            Some(text) => written(vec![Content::Text(text)]),
            None => EventKind::Ignored("click".to_owned()),
        },
        ("event", other) => EventKind::Ignored(other.to_owned()),
        _ => written(contents(&kind, message)),
    };
    Ok(Event { id, at, what })
}

fn contents(kind: &str, message: &Fields) -> Vec<Content> {
    let field = |name: &str| message.get(name).map(|value| value.trim().to_owned());
    let degrees = |name: &str| message.get(name)?.trim().parse::<f64>().ok();
    let media = |kind: &str, media_type| match field("MediaId").filter(|id| !id.is_empty()) {
        Some(id) => Content::Media {
            kind: kind.to_owned(),
            id,
            name: None,
            media_type,
        },
        None => Content::Other(kind.to_owned()),
    };
    match (kind, degrees("Location_X"), degrees("Location_Y")) {
        ("text", ..) => vec![Content::Text(field("Content").unwrap_or_default())],
        // WeChat may recognize the words.
        ("voice", ..) => {
            let words = field("Recognition").filter(|words| !words.is_empty());
            let mut parts: Vec<Content> = words.map(Content::Text).into_iter().collect();
            let format = field("Format").map(|format| format!("audio/{}", format.to_lowercase()));
            parts.push(media("audio", format));
            parts
        }
        ("image", ..) => vec![media("image", None)],
        ("video" | "shortvideo", ..) => vec![media("video", None)],
        ("location", Some(north), Some(east)) => vec![Content::Location(north, east)],
        ("link", ..) => {
            let lines = [field("Title"), field("Url")];
            let lines: Vec<String> = lines.into_iter().flatten().collect();
            vec![Content::Text(lines.join("\n"))]
        }
        _ => vec![Content::Other(kind.to_owned())],
    }
}
