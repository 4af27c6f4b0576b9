//! E-mails: the mail's own text, without quoted mails and without the signature.

use std::sync::LazyLock;

use dom_query::Document;
use mail_parser::{Encoding, Message, MessageParser, MimeHeaders, PartType};

use super::containers::{Budget, MAX_NESTING, attached};
use super::writer::{Writer, one_line};
use super::{Extracted, IngestError, Parsed, decode, html, plain};

/// The elements in which mail programs wrap a quoted mail (Gmail, Apple Mail, Thunderbird, Outlook on the web and for
/// the desktop, Yahoo, QQ, NetEase), and signatures.
const QUOTED: &str = "blockquote[type=cite], .gmail_quote, .gmail_attr, .moz-cite-prefix, #divRplyFwdMsg, #appendonsend ~ *, \
    #mail-editor-reference-message-container, .yahoo_quoted, .OutlookMessageHeader, .ntes-mailmaster-quote, #isReplyContent, \
    .gmail_signature, .moz-signature, #Signature, #signature";
/// How many consecutive header lines of a mail mark the start of a quoted one.
const MIN_HEADERS: usize = 3;

/// Lines that occur only in the header of a mail.
const SENT: [&str; 6] = [
    "Sent:",
    "Sent：",
    "寄件日期",
    "寄件者",
    "发送时间",
    "發送時間",
];

/// Reads a mail: its subject, its text (the HTML part if there is one), and each attachment whose name has a known
/// format.
pub fn read(
    name: &str,
    bytes: &[u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<(Extracted, Parsed), IngestError> {
    if depth >= MAX_NESTING {
        return Err(IngestError::Nested { max: MAX_NESTING });
    }
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| IngestError::damaged("e-mail", "missing header"))?;
    let is_html = message
        .html_bodies()
        .next()
        .is_some_and(|part| part.is_text_html());
    let body = message.body_html(0).filter(|_| is_html);
    let mut extracted = match body {
        Some(body) => {
            let body = undeclared(&message, bytes, true).unwrap_or_else(|| body.into_owned());
            let mut writer = Writer::default();
            html::extract_into(&mut writer, &without_quoted(&body))?;
            writer.finish()
        }
        None => {
            let body = undeclared(&message, bytes, false);
            let body = body.or_else(|| Some(message.body_text(0)?.into_owned()));
            let body = body.unwrap_or_default().replace("\r\n", "\n");
            let body = match flowed(&message) {
                Some(drops_space) => reflowed(&body, drops_space),
                None => body,
            };
            plain::extract(own_lines(&body).trim_end())
        }
    };
    extracted.title = message
        .subject()
        .map(one_line)
        .filter(|subject| !subject.is_empty());
    let mut parsed = Parsed::default();
    for attachment in message.attachments() {
        if let Some(file) = attachment.attachment_name() {
            attached(
                name,
                file,
                attachment.contents(),
                depth,
                budget,
                &mut parsed,
            )?;
        }
    }
    Ok((extracted, parsed))
}

/// Returns the text of a part that declares no encoding and is not UTF-8, such as Big5 or GBK.
fn undeclared(message: &Message, bytes: &[u8], is_html: bool) -> Option<String> {
    let part = match is_html {
        true => message.html_bodies().next()?,
        false => message.text_bodies().next()?,
    };
    let (PartType::Text(text) | PartType::Html(text)) = &part.body else {
        return None;
    };
    let names_one = part
        .content_type()
        .is_some_and(|kind| kind.attribute("charset").is_some());
    if names_one || part.encoding != Encoding::None || !text.contains('\u{FFFD}') {
        return None;
    }
    let raw = bytes.get(part.raw_body_offset() as usize..part.raw_end_offset() as usize)?;
    decode(raw).ok()
}

/// Returns `None` unless the text is `format=flowed`; otherwise whether the space at a line's end belongs to the break
/// (`delsp=yes`).
fn flowed(message: &Message) -> Option<bool> {
    let kind = message.text_bodies().next()?.content_type()?;
    let says = |name: &str, value: &str| {
        let found = kind.attribute(name);
        found.is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    says("format", "flowed").then(|| says("delsp", "yes"))
}

/// Joins lines that end with a space to the next one (RFC 3676).
fn reflowed(text: &str, drops_space: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.lines() {
        // Removes the space that protects a line from being read as something else.
        let line = line.strip_prefix(' ').unwrap_or(line);
        let is_open = line.ends_with(' ') && line != "-- " && !line.starts_with('>');
        match is_open && drops_space {
            true => shown.push_str(&line[..line.len() - 1]),
            false => shown.push_str(line),
        }
        if !is_open {
            shown.push('\n');
        }
    }
    shown
}

/// Returns the marks of one kind in `mail_marks.tsv`.
fn marks(kind: &str) -> impl Iterator<Item = &'static str> {
    static ROWS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        let lines = include_str!("mail_marks.tsv").lines();
        lines
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut fields = line.split('\t');
                Some((fields.next()?, fields.next()?))
            })
            .collect()
    });
    ROWS.iter()
        .filter(move |(of, _)| *of == kind)
        .map(|(_, words)| *words)
}

/// Returns the mail's own lines: up to a quoted mail or the signature, without single quoted lines. A mail with nothing
/// but a quotation (a forwarded one) is returned whole.
fn own_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut own: Vec<&str> = Vec::new();
    let mut in_signature = false;
    for (i, line) in lines.iter().enumerate() {
        let words = line.trim();
        if begins_quoted(&lines, i) {
            break;
        }
        in_signature |= *line == "-- ";
        let is_signed = marks("signature").any(|mark| words.starts_with(mark));
        // `> 10 公斤 150 元` means more than ten, and is not a quotation.
        let rest = words.trim_start_matches('>').trim_start();
        let is_quoted =
            words.starts_with('>') && !rest.starts_with(|c: char| c.is_ascii_digit() || c == '=');
        if !in_signature && !is_signed && !is_quoted {
            own.push(line);
        }
    }
    match own.iter().all(|line| line.trim().is_empty()) {
        true => text.to_owned(),
        false => own.join("\n"),
    }
}

/// Returns whether everything from this line on is an earlier mail.
fn begins_quoted(lines: &[&str], i: usize) -> bool {
    let words = lines[i].trim();
    let bare = words.trim_matches(['-', '_', ' ', '=']);
    if bare.len() < words.len() && marks("separator").any(|mark| bare.eq_ignore_ascii_case(mark)) {
        return true;
    }
    // `On … wrote:` may be broken over two lines; the quoted text follows.
    let next = lines.get(i + 1).map_or("", |line| line.trim());
    let attributes = |line: &str| marks("attribution").any(|mark| line.ends_with(mark));
    let quotes_below = |from: usize| {
        let mut below = lines
            .iter()
            .skip(from)
            .filter(|line| !line.trim().is_empty());
        below
            .next()
            .is_some_and(|line| line.trim().starts_with('>'))
    };
    if (attributes(words) && quotes_below(i + 1))
        || (words.starts_with("On ") && attributes(next) && quotes_below(i + 2))
    {
        return true;
    }
    let is_header = |line: &&&str| {
        let line = line.trim().trim_start_matches('*').replace(['：'], ":");
        let line = line.replace("*:", ":").replace(" :", ":");
        marks("header").any(|mark| line.starts_with(mark))
    };
    // The header of a mail contains an address or a time of sending; a notice with a date and a subject does not.
    let head: Vec<&&str> = lines[i..].iter().take_while(is_header).collect();
    let is_mail = head.iter().any(|line| {
        let words = line.trim_start_matches('*').trim_start();
        line.contains('@') || SENT.iter().any(|sent| words.starts_with(sent))
    });
    head.len() >= MIN_HEADERS && is_mail
}

/// Returns the mail's own HTML: without parts marked as quoted or as a signature, and without a quoted mail that starts
/// with its header as text.
fn without_quoted(body: &str) -> String {
    let page = Document::from(body);
    let whole = page.html().to_string();
    // The content of a forwarded mail is the subject of the mail.
    let forwards = |node: &dom_query::NodeRef| {
        let text = node.text();
        let head: String = text.trim_start().chars().take(60).collect();
        ["Forwarded message", "轉寄", "转发", "Forward"]
            .iter()
            .any(|mark| head.contains(mark))
    };
    for node in page.select(QUOTED).nodes() {
        if !forwards(node) {
            node.remove_from_parent();
        }
    }
    let has_text = !page.select("body").text().trim().is_empty();
    match has_text {
        true => page.html().to_string(),
        false => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_quotes_and_signatures_are_removed() {
        for (mail, own) in [
            (
                "運費 210 元。\n\n林小姐 於 2026年3月1日 寫道：\n> 還是 150 嗎？",
                "運費 210 元。",
            ),
            (
                "Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, Ann\n<ann@x.example> wrote:\n\n> Free?",
                "Yes.",
            ),
            (
                "新價 210。\n\n-----原始郵件-----\n寄件者: 甲\n舊價 150。",
                "新價 210。",
            ),
            (
                "新價 210。\n\n寄件者：甲\n寄件日期：3月1日\n收件者：乙\n主旨：運費\n\n舊價 150。",
                "新價 210。",
            ),
            (
                "新價 210。\n\n*From:* A\n*Sent:* Monday\n*To:* B\n\n150.",
                "新價 210。",
            ),
            ("可以。\n> 可以嗎？\n另外免運。", "可以。\n另外免運。"),
            ("可以。\n-- \n客服中心", "可以。"),
            ("可以。\n\nSent from my iPhone", "可以。"),
            // Only looks like a quotation.
            ("他寫道：\n本店免運。", "他寫道：\n本店免運。"),
            (
                "主旨：退貨\n請於七日內申請。",
                "主旨：退貨\n請於七日內申請。",
            ),
            (
                "-----Original Message-----\nall of it",
                "-----Original Message-----\nall of it",
            ),
        ] {
            assert_eq!(own_lines(mail).trim_end(), own, "{mail}");
        }
    }

    #[test]
    fn mail_marks_have_known_kind_and_source_and_work() {
        for line in include_str!("mail_marks.tsv")
            .lines()
            .filter(|l| !l.starts_with('#'))
        {
            let fields: Vec<&str> = line.split('\t').collect();
            let [kind, words, source] = fields[..] else {
                panic!("{line}")
            };
            assert!(
                ["attribution", "separator", "header", "signature"].contains(&kind),
                "{line}"
            );
            assert!(!words.is_empty() && !source.is_empty(), "{line}");
            let mail = match kind {
                "attribution" => format!("己\n\n甲 {words}\n> 彼"),
                "separator" => format!("己\n\n----- {words} -----\n彼"),
                "header" => format!("己\n\n{words} a@x.example\n{words} 乙\n{words} 丙\n彼"),
                _ => format!("己\n\n{words}甲"),
            };
            assert_eq!(own_lines(&mail).trim_end(), "己", "{line}");
        }
    }

    #[test]
    fn html_mail_quotes_are_removed() {
        let said = |body: &str| {
            let mut writer = Writer::default();
            html::extract_into(&mut writer, &without_quoted(body)).unwrap();
            writer.finish().text
        };
        assert_eq!(said("<p>新價</p><div class=gmail_quote>舊價</div>"), "新價");
        assert_eq!(
            said("<p>新價</p><blockquote type=cite>舊價</blockquote>"),
            "新價"
        );
        assert_eq!(said("<blockquote type=cite>全部</blockquote>"), "全部");
        assert_eq!(
            said("<p>規定</p><blockquote>七天可退</blockquote>"),
            "規定\n\n七天可退"
        );
    }

    #[test]
    fn flowed_mail_lines_are_joined() {
        assert_eq!(reflowed("one \ntwo\nthree", false), "one two\nthree\n");
        assert_eq!(reflowed("可 \n退", true), "可退\n");
    }

    #[test]
    fn mail_with_undeclared_big5_is_decoded() {
        let (body, ..) = encoding_rs::BIG5.encode("離島運費自三月起調整為二百一十元，本島不變。");
        let mut mail =
            b"From: a@b.example\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n".to_vec();
        mail.extend(&*body);
        let mut budget = Budget { bytes: 1 << 20 };
        let (read, _) = read("a.eml", &mail, 0, &mut budget).unwrap();
        assert!(read.text.contains("二百一十元"), "{}", read.text);
    }
}
