//! [`Mail`]: a mail, parsed. Pure.

use jiff::Timestamp;
use ken_base::digest::sha256_hex;
use mail_parser::{
    Addr, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};

use crate::fields::{normal_address, one_line};
use crate::html_text::text_of;
use crate::report::{DeliveryReport, delivery_report};

/// The largest mail that is parsed, in bytes. Gmail delivers at most 50 MB with attachments encoded, Microsoft 365 36 MB by
/// default (their help pages on attachment limits); base64 takes a third of it.
pub const MAX_BYTES: usize = 52 << 20;
/// The most attachments of a mail that are returned; the others are counted in [`Mail::left_out`].
pub const MAX_ATTACHMENTS: usize = 20;
/// The most bytes of attachments that are returned, over all of a mail.
pub const MAX_ATTACHED: usize = 25 << 20;
/// The most header fields that are kept. Real mails have fewer than 100.
const MAX_HEADERS: usize = 500;
/// The most characters of a header field that are kept.
const MAX_HEADER: usize = 8_192;
/// The most identifiers of `References` that are kept, the last ones.
const MAX_REFERENCES: usize = 100;
/// Fields in which servers write the address that a mail was delivered to.
const DELIVERED_TO: [&str; 4] = [
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-delivered-to",
];

/// An address with the name that its owner gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// `local@domain`, the domain in lower case.
    pub address: String,
    /// The name; empty if there is none.
    pub name: String,
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name without folders; `attachment-N` if it has none.
    pub name: String,
    /// Its declared media type, such as `image/png`.
    pub media_type: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// `Message-ID` without angle brackets. A mail without one gets `sha256-…@digest.invalid`, from its bytes.
    pub message_id: String,
    /// The identifiers in `In-Reply-To`, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The identifiers in `References`, oldest first, at most 100.
    pub references: Vec<String>,
    /// The sender: the first address in `From`.
    pub from: Mailbox,
    /// How many addresses `From` has, over all its fields. More than one is suspicious.
    pub senders: usize,
    /// Where the sender wants replies: the first address in `Reply-To`.
    pub reply_to: Option<Mailbox>,
    /// Addresses in `To`.
    pub to: Vec<String>,
    /// Addresses in `Cc`.
    pub cc: Vec<String>,
    /// Addresses that the receiving servers noted (`Delivered-To`, `X-Original-To`, `Envelope-To`).
    pub delivered_to: Vec<String>,
    /// The subject; empty if there is none.
    pub subject: String,
    /// When it was written, by the sender's clock.
    pub date: Option<Timestamp>,
    /// Its text: the plain text, or else the HTML as text, in which quoted mails begin with `> `.
    pub text: String,
    /// Its attachments, at most 20 of 25 MiB together.
    pub attachments: Vec<Attachment>,
    /// How many attachments were left out.
    pub left_out: usize,
    /// What a server reports about a mail that it could not deliver.
    pub report: Option<DeliveryReport>,
    /// Its header fields in order, names in lower case, values unfolded; at most 500 of 8,192 characters.
    pub headers: Vec<(String, String)>,
}

impl Mail {
    /// The first header field of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All addresses that it was sent to.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        let all = self.to.iter().chain(&self.cc).chain(&self.delivered_to);
        all.map(String::as_str)
    }
}

/// Why bytes are not taken for a mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It is too large.
    #[error("the mail has {0} bytes; at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// It has no header.
    #[error("the bytes are no mail: they have no header")]
    NotAMail,
    /// It has no sender.
    #[error("the mail has no address in From")]
    NoSender,
}

/// Parses a mail.
///
/// # Errors
/// [`MailError`] if it is too large, has no header, or has no sender.
pub fn parse(raw: &[u8]) -> Result<Mail, MailError> {
    if raw.len() > MAX_BYTES {
        return Err(MailError::TooLarge(raw.len()));
    }
    let message = MessageParser::default()
        .parse(raw)
        .ok_or(MailError::NotAMail)?;
    let froms: Vec<Mailbox> = message.header_values("From").flat_map(mailboxes).collect();
    // If a field is repeated, the last one counts, as for signatures: DKIM signs from the last one on.
    let from = mailboxes(message.header("From").unwrap_or(&HeaderValue::Empty));
    let from = from.into_iter().next().ok_or(MailError::NoSender)?;
    let headers = headers(&message);
    let addresses = |name: &str| -> Vec<String> {
        let all = message.header_values(name).flat_map(mailboxes);
        all.map(|mailbox| mailbox.address).collect()
    };
    let delivered = headers
        .iter()
        .filter(|(name, _)| DELIVERED_TO.contains(&name.as_str()));
    let delivered = delivered
        .map(|(_, value)| normal_address(value.trim_matches(['<', '>', ' '])))
        .collect();
    let mut references = identifiers(message.references());
    references.drain(..references.len().saturating_sub(MAX_REFERENCES));
    let (attachments, left_out) = attachments(&message);
    let reply_to = message.header("Reply-To").map(mailboxes);
    let reply_to = reply_to.and_then(|all| all.into_iter().next());
    Ok(Mail {
        message_id: match message.message_id().map(str::trim) {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => format!("sha256-{}@digest.invalid", &sha256_hex([raw])[..40]),
        },
        in_reply_to: identifiers(message.in_reply_to()),
        references,
        from,
        senders: froms.len(),
        reply_to,
        to: addresses("To"),
        cc: addresses("Cc"),
        delivered_to: delivered,
        subject: message.subject().map(one_line).unwrap_or_default(),
        date: message
            .date()
            .filter(|date| date.is_valid())
            .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
        text: text(&message, raw),
        attachments,
        left_out,
        report: delivery_report(&message),
        headers,
    })
}

fn mailboxes(value: &HeaderValue<'_>) -> Vec<Mailbox> {
    let mailbox = |addr: &Addr<'_>| {
        let address = addr
            .address
            .as_deref()
            .filter(|address| address.contains('@'))?;
        Some(Mailbox {
            address: normal_address(&one_line(address)),
            name: one_line(addr.name.as_deref().unwrap_or_default()),
        })
    };
    let all = value.as_address().map(|address| address.iter());
    all.into_iter().flatten().filter_map(mailbox).collect()
}

fn identifiers(value: &HeaderValue<'_>) -> Vec<String> {
    let all = value.as_text_list().unwrap_or_default().iter();
    let all = all.map(|id| id.trim().to_owned());
    all.filter(|id| !id.is_empty()).collect()
}

fn headers(message: &Message<'_>) -> Vec<(String, String)> {
    let pair = |(name, value): (&str, &str)| {
        let value: String = one_line(value).chars().take(MAX_HEADER).collect();
        (name.trim().to_ascii_lowercase(), value)
    };
    message.headers_raw().take(MAX_HEADERS).map(pair).collect()
}

/// The text of all its bodies; those of HTML as text.
fn text(message: &Message<'_>, raw: &[u8]) -> String {
    let mut all = Vec::new();
    for part in message.text_bodies() {
        let body = match &part.body {
            PartType::Text(body) => {
                let body = undeclared(part, body, raw).unwrap_or_else(|| body.to_string());
                match flowed(part) {
                    Some(drops_space) => reflowed(&body, drops_space),
                    None => body.replace("\r\n", "\n"),
                }
            }
            PartType::Html(body) => {
                text_of(&undeclared(part, body, raw).unwrap_or_else(|| body.to_string()))
            }
            _ => continue,
        };
        let body = body.replace(['\0', '\u{FEFF}'], "");
        if !body.trim().is_empty() {
            all.push(body.trim_end().to_owned());
        }
    }
    all.join("\n\n")
}

/// The text of a part that declares no charset and is not UTF-8, such as Big5 of an old program: its charset is guessed.
fn undeclared(part: &MessagePart<'_>, parsed: &str, raw: &[u8]) -> Option<String> {
    let declares = part
        .content_type()
        .is_some_and(|kind| kind.attribute("charset").is_some());
    if declares || part.encoding != Encoding::None || !parsed.contains('\u{FFFD}') {
        return None;
    }
    let raw = raw.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)?;
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(raw, true);
    let charset = detector.guess(None, chardetng::Utf8Detection::Allow);
    Some(charset.decode(raw).0.into_owned())
}

/// `None` unless the text is `format=flowed`; otherwise whether the space at a line's end belongs to the break
/// (`delsp=yes`).
fn flowed(part: &MessagePart<'_>) -> Option<bool> {
    let kind = part.content_type()?;
    let is = |name: &str, value: &str| {
        let found = kind.attribute(name);
        found.is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    is("format", "flowed").then(|| is("delsp", "yes"))
}

/// Joins lines that end with a space to the next one of the same depth of quotation (RFC 3676).
fn reflowed(text: &str, drops_space: bool) -> String {
    let depth = |line: &str| line.bytes().take_while(|b| *b == b'>').count();
    let (mut shown, mut open) = (String::with_capacity(text.len()), None);
    for line in text.lines() {
        let deep = depth(line);
        let body = &line[deep..];
        // Removes the space that protects a line from being read as something else.
        let body = body.strip_prefix(' ').unwrap_or(body);
        if open != Some(deep) {
            if open.is_some() {
                shown.push('\n');
            }
            if deep > 0 {
                shown.push_str(&">".repeat(deep));
                shown.push(' ');
            }
        }
        let is_open = body.ends_with(' ') && body != "-- ";
        match is_open && drops_space {
            true => shown.push_str(&body[..body.len() - 1]),
            false => shown.push_str(body),
        }
        open = is_open.then_some(deep);
        if !is_open {
            shown.push('\n');
        }
    }
    shown
}

fn attachments(message: &Message<'_>) -> (Vec<Attachment>, usize) {
    let (mut kept, mut left_out, mut bytes) = (Vec::new(), 0, 0);
    for part in message.attachments() {
        let content = match &part.body {
            PartType::Message(nested) => nested.raw_message(),
            _ => part.contents(),
        };
        if kept.len() >= MAX_ATTACHMENTS || bytes + content.len() > MAX_ATTACHED {
            left_out += 1;
            continue;
        }
        bytes += content.len();
        let kind = part.content_type().map(|kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase(),
            None => kind.ctype().to_ascii_lowercase(),
        });
        let name = part.attachment_name().map(one_line).unwrap_or_default();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = name.trim_matches('.').chars().take(200).collect();
        kept.push(Attachment {
            name: match name.is_empty() {
                true => format!("attachment-{}", kept.len() + 1),
                false => name,
            },
            media_type: kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
            bytes: content.to_vec(),
        });
    }
    (kept, left_out)
}

#[cfg(test)]
mod tests;
