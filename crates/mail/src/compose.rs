//! Replies as mails: text and HTML, with the fields that thread them and that keep programs from answering them. Pure.

use std::time::SystemTime;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox as Box, MultiPart};
use lettre::{Address, Message};

use crate::fields::one_line;
use crate::message::Mailbox;

/// How many identifiers `References` holds at most: the first one and the last ones. RFC 5322 sets no limit; servers refuse
/// lines and headers that are too long.
const MAX_REFERENCES: usize = 20;
/// The longest identifier that is repeated, in bytes: a line of a mail has at most 998 (RFC 5322, section 2.1.1).
const MAX_IDENTIFIER: usize = 500;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 300;
/// How programs in several languages begin the subject of a reply.
const REPLY_MARKS: [&str; 8] = [
    "re:",
    "re：",
    "回覆:",
    "回覆：",
    "回复:",
    "回复：",
    "答复:",
    "答复：",
];
/// Where an address in a text ends.
const AFTER_LINK: [char; 16] = [
    '<', '>', '"', '\'', '`', '（', '）', '「', '」', '『', '』', '，', '。', '、', '；', '！',
];

/// A reply that is to be sent.
#[derive(Debug, Clone)]
pub struct Reply<'a> {
    /// Our id of the message, `msg_…`: the mail gets the identifier `<msg_…@domain of from>`.
    pub message_id: &'a str,
    /// The inbox's address and name.
    pub from: &'a Mailbox,
    /// The customer.
    pub to: &'a Mailbox,
    /// Where replies are to be sent ([`crate::thread::reply_address`]).
    pub reply_to: Option<&'a str>,
    /// The subject of the customer's mail.
    pub subject: &'a str,
    /// The identifier of the customer's mail; `None` for the first mail of a conversation.
    pub in_reply_to: Option<&'a str>,
    /// The references of the customer's mail, oldest first.
    pub references: &'a [String],
    /// The text.
    pub text: &'a str,
    /// Whether the bot wrote it, and not a person.
    pub by_bot: bool,
    /// The date of the mail.
    pub at: SystemTime,
}

/// A mail, ready to be sent.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The sender and the recipient for the server.
    pub(crate) envelope: lettre::address::Envelope,
    /// Its bytes, with lines of CRLF.
    pub raw: Vec<u8>,
}

/// Why a mail cannot be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// An address is none.
    #[error("{0:?} is no e-mail address")]
    Address(String),
    /// The mail cannot be written.
    #[error("cannot write the mail: {0}")]
    Write(String),
}

/// Writes a reply.
///
/// # Errors
/// [`ComposeError`] if an address is none.
pub fn compose(reply: &Reply<'_>) -> Result<Composed, ComposeError> {
    let from = mailbox(reply.from)?;
    let domain = from.email.domain().to_owned();
    let mut builder = Message::builder()
        .from(from)
        .to(mailbox(reply.to)?)
        .date(reply.at)
        .subject(subject(reply.subject, reply.in_reply_to.is_some()))
        .message_id(Some(format!("<{}@{domain}>", reply.message_id)));
    if let Some(address) = reply.reply_to {
        builder = builder.reply_to(Box::new(mailbox(reply.from)?.name, parsed(address)?));
    }
    if let Some(id) = reply.in_reply_to.and_then(identifier) {
        builder = builder
            .references(references(reply.references, &id))
            .in_reply_to(id);
    }
    if reply.by_bot {
        // RFC 3834, section 5; the second one is Microsoft's.
        builder = builder.raw_header(field("Auto-Submitted", "auto-replied"));
        builder = builder.raw_header(field("X-Auto-Response-Suppress", "All"));
    }
    let text = reply.text.replace("\r\n", "\n").replace('\0', "");
    let body = MultiPart::alternative_plain_html(text.replace('\n', "\r\n"), html(&text));
    let message = builder.multipart(body);
    let message = message.map_err(|error| ComposeError::Write(error.to_string()))?;
    Ok(Composed {
        envelope: message.envelope().clone(),
        raw: message.formatted(),
    })
}

fn field(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn parsed(address: &str) -> Result<Address, ComposeError> {
    let parsed = address.trim().parse();
    parsed.map_err(|_| ComposeError::Address(address.chars().take(100).collect()))
}

fn mailbox(of: &Mailbox) -> Result<Box, ComposeError> {
    let name = one_line(&of.name);
    Ok(Box::new(
        (!name.is_empty()).then_some(name),
        parsed(&of.address)?,
    ))
}

/// The subject of a reply: `Re: ` once before the customer's.
pub fn subject(of: &str, is_reply: bool) -> String {
    let line: String = one_line(of).chars().take(MAX_SUBJECT).collect();
    if !is_reply {
        return line;
    }
    let mut rest = line.as_str();
    while let Some(mark) = REPLY_MARKS.iter().find(|mark| {
        let head = rest.get(..mark.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(mark))
    }) {
        rest = rest[mark.len()..].trim_start();
    }
    format!("Re: {rest}").trim_end().to_owned()
}

/// An identifier in angle brackets; `None` if it cannot be repeated safely.
fn identifier(of: &str) -> Option<String> {
    let id = of.trim().trim_matches(['<', '>']);
    let is_plain = id
        .bytes()
        .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>');
    (is_plain && !id.is_empty() && id.len() <= MAX_IDENTIFIER).then(|| format!("<{id}>"))
}

/// The references of the mail that is replied to, and its identifier last (RFC 5322, section 3.6.4).
fn references(of: &[String], last: &str) -> String {
    let mut all: Vec<String> = of.iter().filter_map(|id| identifier(id)).collect();
    all.retain(|id| id != last);
    all.push(last.to_owned());
    if all.len() > MAX_REFERENCES {
        let end = all.len() - (MAX_REFERENCES - 1);
        all.drain(1..end);
    }
    all.join(" ")
}

/// A text as HTML: escaped, lines and paragraphs kept, addresses that begin with `http://` or `https://` as links.
pub fn html(text: &str) -> String {
    let mut body = String::new();
    for paragraph in text
        .trim()
        .split("\n\n")
        .filter(|one| !one.trim().is_empty())
    {
        let lines: Vec<String> = paragraph.trim_matches('\n').lines().map(linked).collect();
        body += &format!("<p>{}</p>\r\n", lines.join("<br>\r\n"));
    }
    format!(
        "<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"></head><body>\r\n{body}</body></html>\r\n"
    )
}

/// A line with its links.
fn linked(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(at) = [rest.find("https://"), rest.find("http://")]
        .into_iter()
        .flatten()
        .min()
    {
        let link = &rest[at..];
        let end =
            link.find(|c: char| c.is_whitespace() || c.is_control() || AFTER_LINK.contains(&c));
        let link = link[..end.unwrap_or(link.len())]
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        let has_host = link
            .split("//")
            .nth(1)
            .is_some_and(|host| host.starts_with(|c: char| c.is_alphanumeric() || c == '['));
        shown += &escaped(&rest[..at]);
        match has_host {
            true => shown += &format!("<a href=\"{0}\">{0}</a>", escaped(link)),
            false => shown += &escaped(link),
        }
        rest = &rest[at + link.len()..];
    }
    shown + &escaped(rest)
}

fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automatic::{Why, is_automatic};
    use crate::message::{Mail, parse};
    use std::time::Duration;

    fn written<'a>(change: impl FnOnce(&mut Reply<'a>)) -> Result<(Composed, Mail), ComposeError> {
        let of = |address: &str, name: &str| Mailbox {
            address: address.to_owned(),
            name: name.to_owned(),
        };
        let from: &Mailbox =
            std::boxed::Box::leak(std::boxed::Box::new(of("help@shop.example", "小店 客服")));
        let to: &Mailbox =
            std::boxed::Box::leak(std::boxed::Box::new(of("mei@mail.example", "林小姐")));
        let references = ["a@mail.example", "msg_1@shop.example"]
            .map(str::to_owned)
            .to_vec();
        let mut reply = Reply {
            message_id: "msg_2",
            from,
            to,
            reply_to: Some("help+token@shop.example"),
            subject: "回覆：RE: 退貨",
            in_reply_to: Some("b@mail.example"),
            references: references.leak(),
            text: "可以。\n\n七天內。\nhttps://shop.example/a?b=1&c=2。",
            by_bot: true,
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_000_000),
        };
        change(&mut reply);
        let composed = compose(&reply)?;
        let mail = parse(&composed.raw).unwrap();
        Ok((composed, mail))
    }

    #[test]
    fn reply_has_the_fields_of_a_thread() {
        let (composed, mail) = written(|_| ()).unwrap();
        assert_eq!(mail.message_id, "msg_2@shop.example");
        assert_eq!(mail.in_reply_to, ["b@mail.example"]);
        assert_eq!(
            mail.references,
            ["a@mail.example", "msg_1@shop.example", "b@mail.example"]
        );
        assert_eq!(
            (mail.from.address.as_str(), mail.from.name.as_str()),
            ("help@shop.example", "小店 客服")
        );
        assert_eq!(mail.to, ["mei@mail.example"]);
        assert_eq!(
            mail.reply_to.as_ref().unwrap().address,
            "help+token@shop.example"
        );
        assert_eq!(mail.subject, "Re: 退貨");
        assert_eq!(mail.date.unwrap().as_second(), 1_796_000_000);
        assert_eq!(
            mail.text,
            "可以。\n\n七天內。\nhttps://shop.example/a?b=1&c=2。"
        );
        assert_eq!(is_automatic(&mail, &[]), Some(Why::AutoSubmitted));
        assert_eq!(mail.header("x-auto-response-suppress"), Some("All"));
        let envelope = &composed.envelope;
        assert_eq!(envelope.from().unwrap().to_string(), "help@shop.example");
        assert!(composed.raw.is_ascii(), "any server takes it");
        let lines = composed.raw.split(|b| *b == b'\n');
        assert!(lines.into_iter().all(|line| line.len() < 999));
    }

    #[test]
    fn mail_of_a_person_is_not_marked_automatic() {
        let (_, mail) = written(|reply| reply.by_bot = false).unwrap();
        assert_eq!(is_automatic(&mail, &[]), None);
    }

    #[test]
    fn first_mail_has_no_references() {
        let (_, mail) = written(|reply| reply.in_reply_to = None).unwrap();
        assert!(mail.in_reply_to.is_empty() && mail.references.is_empty());
        assert_eq!(mail.subject, "回覆：RE: 退貨");
    }

    #[test]
    fn line_breaks_cannot_add_fields() {
        let bad = "x\r\nBcc: all@mail.example\r\n\r\nbody";
        let (composed, mail) = written(|reply| {
            reply.subject = bad;
            reply.in_reply_to = Some(bad);
        })
        .unwrap();
        assert_eq!(mail.header("bcc"), None);
        assert_eq!(mail.subject, "Re: x Bcc: all@mail.example body");
        assert!(mail.in_reply_to.is_empty());
        assert_eq!(composed.envelope.to().len(), 1);
        let name = Mailbox {
            address: "mei@mail.example".to_owned(),
            name: bad.to_owned(),
        };
        let (_, mail) = written(|reply| reply.to = &name).unwrap();
        assert_eq!((mail.header("bcc"), mail.to.len()), (None, 1));
        for address in [
            "mei@mail.example\r\nBcc: b@x.example",
            "nobody",
            "<a@b.example>",
            "",
        ] {
            let to = Mailbox {
                address: address.to_owned(),
                name: String::new(),
            };
            assert!(
                matches!(
                    written(|reply| reply.to = &to),
                    Err(ComposeError::Address(_))
                ),
                "{address}"
            );
        }
    }

    #[test]
    fn long_thread_keeps_first_and_last_references() {
        let many: Vec<String> = (0..60).map(|n| format!("{n}@mail.example")).collect();
        let (_, mail) = written(|reply| reply.references = &many).unwrap();
        assert_eq!(mail.references.len(), MAX_REFERENCES);
        assert_eq!(mail.references[..2], ["0@mail.example", "42@mail.example"]);
        assert_eq!(mail.references.last().unwrap(), "b@mail.example");
    }

    #[test]
    fn html_is_escaped_and_links_only_to_the_web() {
        for (text, shown) in [
            ("<b> & \"x\"", "<p>&lt;b&gt; &amp; &quot;x&quot;</p>"),
            ("a\nb\n\nc", "<p>a<br>\r\nb</p>\r\n<p>c</p>"),
            (
                "見 https://x.example/a。",
                "<p>見 <a href=\"https://x.example/a\">https://x.example/a</a>。</p>",
            ),
            (
                "(http://x.example/?a=1&b=2).",
                "<p>(<a href=\"http://x.example/?a=1&amp;b=2\">http://x.example/?a=1&amp;b=2</a>).</p>",
            ),
            (
                "javascript:alert(1) data:text/html,x",
                "<p>javascript:alert(1) data:text/html,x</p>",
            ),
            ("https://\"onclick=x", "<p>https://&quot;onclick=x</p>"),
            (
                "https://x.example/\"onclick=\"x",
                "<p><a href=\"https://x.example/\">https://x.example/</a>&quot;onclick=&quot;x</p>",
            ),
        ] {
            let page = html(text);
            let body = page.split("<body>\r\n").nth(1).unwrap();
            assert_eq!(
                body.trim_end_matches("\r\n</body></html>\r\n"),
                shown,
                "{text}"
            );
        }
    }
}
