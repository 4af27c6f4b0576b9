//! [`DeliveryReport`]: what a server reports about a mail that it could not deliver (RFC 3464). Pure.

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use crate::fields::one_line;

/// The most recipients of a report that are read.
const MAX_RECIPIENTS: usize = 50;

/// A report about the delivery of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The identifiers of the mails that it is about, without angle brackets: `Message-ID` of the returned mail, or else the
    /// references of the report itself.
    pub message_ids: Vec<String>,
    /// Each recipient that it names, at most 50.
    pub recipients: Vec<Recipient>,
}

/// A recipient of a mail, with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// What happened.
    pub action: Action,
    /// The status code, such as `5.1.1` (RFC 3463); empty if there is none.
    pub status: String,
}

/// What happened to a mail for one recipient (RFC 3464, section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It will not be delivered.
    Failed,
    /// The server goes on trying.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was handed to a server that sends no reports.
    Relayed,
    /// It was delivered to several addresses behind this one.
    Expanded,
}

impl DeliveryReport {
    /// Whether the mail will not reach a recipient.
    pub fn has_failed(&self) -> bool {
        self.recipients
            .iter()
            .any(|one| one.action == Action::Failed)
    }
}

/// The delivery report in a mail; `None` if it is none.
pub(crate) fn delivery_report(message: &Message<'_>) -> Option<DeliveryReport> {
    let kind = message.root_part().content_type()?;
    let is_report = kind.ctype().eq_ignore_ascii_case("multipart")
        && kind
            .subtype()
            .is_some_and(|of| of.eq_ignore_ascii_case("report"))
        && kind
            .attribute("report-type")
            .is_some_and(|of| of.eq_ignore_ascii_case("delivery-status"));
    let status = message.parts.iter().find(|part| {
        part.is_content_type("message", "delivery-status")
            || part.is_content_type("message", "global-delivery-status")
    })?;
    if !is_report {
        return None;
    }
    let recipients = recipients(&String::from_utf8_lossy(status.contents()));
    let mut message_ids: Vec<String> = message.parts.iter().filter_map(returned_id).collect();
    if message_ids.is_empty() {
        let own = [message.in_reply_to(), message.references()];
        let own = own
            .into_iter()
            .filter_map(HeaderValue::as_text_list)
            .flatten();
        message_ids = own.map(|id| id.trim().to_owned()).collect();
    }
    message_ids.sort();
    message_ids.dedup();
    Some(DeliveryReport {
        message_ids,
        recipients,
    })
}

/// `Message-ID` of a returned mail, or of its header alone.
fn returned_id(part: &mail_parser::MessagePart<'_>) -> Option<String> {
    if let PartType::Message(nested) = &part.body {
        return nested.message_id().map(|id| id.trim().to_owned());
    }
    let holds_header = [
        ("message", "rfc822"),
        ("text", "rfc822-headers"),
        ("message", "global-headers"),
    ];
    if !holds_header
        .iter()
        .any(|(of, sub)| part.is_content_type(of, sub))
    {
        return None;
    }
    let header = [part.contents(), b"\r\n\r\n"].concat();
    let parsed = MessageParser::default().parse_headers(&header)?;
    parsed.message_id().map(|id| id.trim().to_owned())
}

/// The groups of fields of `message/delivery-status` that name a recipient.
fn recipients(status: &str) -> Vec<Recipient> {
    let status = status.replace("\r\n", "\n");
    let groups = status.split("\n\n").filter_map(|group| {
        let unfolded = group.replace("\n ", " ").replace("\n\t", " ");
        let field = |name: &str| {
            unfolded.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known
                    .trim()
                    .eq_ignore_ascii_case(name)
                    .then(|| one_line(value))
            })
        };
        let address = field("Final-Recipient").or_else(|| field("Original-Recipient"))?;
        let address = address
            .split_once(';')
            .map_or(address.as_str(), |(_, address)| address);
        let status = field("Status").unwrap_or_default();
        let action = match field("Action")?.to_ascii_lowercase().as_str() {
            "failed" => Action::Failed,
            "delayed" => Action::Delayed,
            "delivered" => Action::Delivered,
            "relayed" => Action::Relayed,
            "expanded" => Action::Expanded,
            _ => return None,
        };
        Some(Recipient {
            address: address.trim().trim_matches(['<', '>']).to_owned(),
            action,
            status: status.split(' ').next().unwrap_or_default().to_owned(),
        })
    });
    groups.take(MAX_RECIPIENTS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    fn report(kind: &str, returned: &str, action: &str) -> Option<DeliveryReport> {
        let raw = format!(
            "From: MAILER-DAEMON@mx.example\nReferences: <msg_0@shop.example>\n\
             Content-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
             sorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\nArrival-Date: today\n\n\
             Final-Recipient: rfc822;\n  <mei@mail.example>\nAction: {action}\nStatus: 5.1.1 (unknown)\n\n\
             Final-Recipient: rfc822; b@mail.example\nAction: delayed\nStatus: 4.2.2\n--b\n{returned}--b--\n"
        );
        parse(raw.replace('\n', "\r\n").as_bytes()).unwrap().report
    }

    #[test]
    fn report_names_mail_and_recipients() {
        for returned in [
            "Content-Type: message/rfc822\n\nMessage-ID: <msg_7@shop.example>\nSubject: x\n\ntext\n",
            "Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: <msg_7@shop.example>\n",
        ] {
            let found = report("delivery-status", returned, "Failed").unwrap();
            assert_eq!(found.message_ids, ["msg_7@shop.example"], "{returned}");
            assert!(found.has_failed());
            let recipients: Vec<(&str, Action, &str)> = found
                .recipients
                .iter()
                .map(|one| (one.address.as_str(), one.action, one.status.as_str()))
                .collect();
            assert_eq!(
                recipients,
                [
                    ("mei@mail.example", Action::Failed, "5.1.1"),
                    ("b@mail.example", Action::Delayed, "4.2.2")
                ]
            );
        }
    }

    #[test]
    fn report_without_returned_mail_uses_references() {
        let found = report(
            "delivery-status",
            "Content-Type: text/plain\n\nx\n",
            "delivered",
        )
        .unwrap();
        assert_eq!(found.message_ids, ["msg_0@shop.example"]);
        assert!(!found.has_failed());
    }

    #[test]
    fn other_reports_are_none() {
        assert_eq!(report("disposition-notification", "\nx\n", "failed"), None);
    }
}
