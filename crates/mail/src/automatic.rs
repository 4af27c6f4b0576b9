//! Mails that must not be answered automatically: otherwise two programs would answer each other without end, and mailing
//! lists and strangers would get answers that they did not ask for (RFC 3834). Pure.

use crate::message::Mail;

/// Local parts of addresses that nobody reads, without hyphens, dots and underscores. RFC 3834 section 2 and RFC 5321 for the
/// first two; the others are customary.
const UNREAD: [&str; 8] = [
    "mailerdaemon",
    "postmaster",
    "noreply",
    "donotreply",
    "nepasrepondre",
    "noresponder",
    "bounce",
    "bounces",
];

/// Why a mail is not answered automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It reports about a mail (`multipart/report`).
    Report,
    /// The sender is an address of ours.
    OwnAddress,
    /// A program made it (`Auto-Submitted`, `X-Autoreply` and similar fields).
    AutoSubmitted,
    /// It was sent to many (`Precedence`).
    Bulk,
    /// It came over a mailing list (`List-Id` and similar fields).
    MailingList,
    /// Its sender wants no automatic answers (`X-Auto-Response-Suppress`).
    Suppressed,
    /// Its return path is empty, as that of reports.
    EmptyReturnPath,
    /// Nobody reads the sender's address.
    UnreadSender,
}

impl Why {
    /// A word for logs and events.
    pub fn code(self) -> &'static str {
        match self {
            Why::Report => "report",
            Why::OwnAddress => "own_address",
            Why::AutoSubmitted => "auto_submitted",
            Why::Bulk => "bulk",
            Why::MailingList => "mailing_list",
            Why::Suppressed => "suppressed",
            Why::EmptyReturnPath => "empty_return_path",
            Why::UnreadSender => "unread_sender",
        }
    }
}

/// Why a mail must not be answered automatically; `None` if it may be. `own` are the addresses of our inboxes.
pub fn is_automatic(mail: &Mail, own: &[&str]) -> Option<Why> {
    let has = |name: &str| mail.header(name).is_some();
    // A parameter or a comment may follow the word.
    let word = |name: &str| {
        let value = mail.header(name)?.to_ascii_lowercase();
        let word = value
            .split(|c: char| c == ';' || c == '(' || c.is_whitespace())
            .next();
        word.map(str::to_owned)
    };
    let kind = word("content-type").unwrap_or_default();
    if mail.report.is_some() || kind == "multipart/report" {
        return Some(Why::Report);
    }
    if own.iter().any(|own| is_same_box(own, &mail.from.address)) {
        return Some(Why::OwnAddress);
    }
    let marks = [
        "x-autoreply",
        "x-autorespond",
        "x-autoresponder",
        "x-mail-autoreply",
        "x-ms-exchange-inbox-rules-loop",
    ];
    let is_marked = word("auto-submitted").is_some_and(|word| word != "no");
    if is_marked
        || marks
            .iter()
            .any(|name| word(name).is_some_and(|word| word != "no" && word != "false"))
    {
        return Some(Why::AutoSubmitted);
    }
    let precedence = word("precedence").unwrap_or_default();
    if ["bulk", "list", "junk", "auto_reply"].contains(&precedence.as_str()) {
        return Some(Why::Bulk);
    }
    if [
        "list-id",
        "list-unsubscribe",
        "list-post",
        "mailing-list",
        "x-mailman-version",
    ]
    .iter()
    .any(|name| has(name))
    {
        return Some(Why::MailingList);
    }
    let suppressed = mail
        .header("x-auto-response-suppress")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let forbids = |word: &str| ["all", "autoreply", "oof"].contains(&word.trim());
    if suppressed.split(',').any(forbids) {
        return Some(Why::Suppressed);
    }
    let path = mail
        .header("return-path")
        .map(|path| path.trim_matches(['<', '>', ' ']));
    if path == Some("") {
        return Some(Why::EmptyReturnPath);
    }
    let senders = [
        Some(mail.from.address.as_str()),
        mail.reply_to.as_ref().map(|to| to.address.as_str()),
        path,
    ];
    let is_unread = senders.into_iter().flatten().any(is_unread);
    is_unread.then_some(Why::UnreadSender)
}

/// Whether nobody reads an address: `no-reply@…`, `bounces+123@…`.
fn is_unread(address: &str) -> bool {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let local = local
        .split('+')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let letters: String = local
        .chars()
        .filter(|c| !['-', '.', '_'].contains(c))
        .collect();
    UNREAD.contains(&letters.as_str())
}

/// Whether two addresses are one mailbox, without regard to what follows `+` and to the case of letters.
fn is_same_box(one: &str, other: &str) -> bool {
    let normal = |address: &str| {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let local = local.split('+').next().unwrap_or_default();
        format!("{local}@{domain}").to_lowercase()
    };
    normal(one) == normal(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    fn why(header: &str) -> Option<Why> {
        let raw = match header.starts_with("From:") {
            true => format!("{header}\r\n\r\nx"),
            false => format!("From: mei@mail.example\r\n{header}\r\n\r\nx"),
        };
        is_automatic(&parse(raw.as_bytes()).unwrap(), &["help@shop.example"])
    }

    #[test]
    fn automatic_mails_are_recognised() {
        for (header, expected) in [
            ("Auto-Submitted: auto-replied", Why::AutoSubmitted),
            (
                "auto-submitted: AUTO-GENERATED; owner-email=\"a@x.example\"",
                Why::AutoSubmitted,
            ),
            ("X-Autoreply: yes", Why::AutoSubmitted),
            ("Precedence: bulk", Why::Bulk),
            ("Precedence: List", Why::Bulk),
            ("Precedence: junk", Why::Bulk),
            ("Precedence: auto_reply", Why::Bulk),
            ("List-Id: <news.x.example>", Why::MailingList),
            ("List-Unsubscribe: <mailto:u@x.example>", Why::MailingList),
            ("X-Auto-Response-Suppress: DR, AutoReply", Why::Suppressed),
            ("X-Auto-Response-Suppress: All", Why::Suppressed),
            ("Return-Path: <>", Why::EmptyReturnPath),
            (
                "Return-Path: <bounces+123=x@mail.example>",
                Why::UnreadSender,
            ),
            ("Reply-To: do-not-reply@mail.example", Why::UnreadSender),
            (
                "From: Mail Delivery <MAILER-DAEMON@mx.example>",
                Why::UnreadSender,
            ),
            ("From: postmaster@x.example", Why::UnreadSender),
            ("From: No Reply <no-reply@x.example>", Why::UnreadSender),
            ("From: no.reply+1@x.example", Why::UnreadSender),
            ("From: Help+abc@SHOP.example", Why::OwnAddress),
            (
                "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
                Why::Report,
            ),
        ] {
            assert_eq!(why(header), Some(expected), "{header}");
        }
    }

    #[test]
    fn mails_of_people_are_not_automatic() {
        for header in [
            "Auto-Submitted: no",
            "Auto-Submitted: No (a person)",
            "Precedence: normal",
            "X-Auto-Response-Suppress: DR, RN, NRN",
            "Return-Path: <mei@mail.example>",
            "From: noreply.wang@x.example",
            "From: helpful@shop.example",
            "From: help@shop.example.org",
            "Subject: Automatic reply: out of office?",
        ] {
            assert_eq!(why(header), None, "{header}");
        }
    }
}
