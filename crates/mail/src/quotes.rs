//! The text that the sender of a mail wrote: without quoted mails and signatures. Pure.
//!
//! The words by which mail programs introduce quotations are data, in `data/marks.tsv`. A doubtful line stays: an answer to a
//! quotation too much is better than one to half a question.

use std::sync::LazyLock;

/// How many lines of a mail's header, one after another, begin a quoted mail.
const MIN_HEADERS: usize = 3;
/// Over how many lines programs break the line that introduces a quotation.
const MAX_ATTRIBUTION: usize = 4;
/// The shortest line of hyphens or underscores that is drawn, in characters.
const MIN_RULE: usize = 10;
/// How many lines a signature has at most, if it begins with `--` or a drawn line and not with `-- `.
const MAX_SIGNATURE: usize = 8;

/// The words and the source of each row of a kind.
pub(crate) fn marks(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    static ROWS: LazyLock<Vec<(&str, &str, &str)>> = LazyLock::new(|| {
        let lines = include_str!("../data/marks.tsv").lines();
        let lines = lines.filter(|line| !line.starts_with('#'));
        let row = |line: &'static str| {
            let mut fields = line.split('\t');
            Some((fields.next()?, fields.next()?, fields.next()?))
        };
        lines.filter_map(row).collect()
    });
    let rows = ROWS.iter().filter(move |(of, ..)| *of == kind);
    rows.map(|(_, words, source)| (*words, *source))
}

/// The text that the sender wrote. Lines between quoted ones stay. If nothing would be left, as of a mail that only
/// forwards, the whole text is returned.
pub fn written(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut own: Vec<&str> = Vec::new();
    let mut i = 0;
    while let Some(line) = lines.get(i) {
        match mark_at(&lines, i) {
            Mark::Rest => break,
            Mark::Lines(count) => i += count,
            Mark::Own => {
                own.push(line.trim_end());
                i += 1;
            }
        }
    }
    while own
        .last()
        .is_some_and(|line| line.is_empty() || is_rule(line.trim(), MIN_RULE))
    {
        // Outlook draws a line above the header of a quoted mail.
        own.pop();
    }
    let own = tidy(&own);
    match own.is_empty() {
        true => text.trim().to_owned(),
        false => own,
    }
}

/// What a line begins.
enum Mark {
    /// A line of the sender.
    Own,
    /// So many lines that are left out.
    Lines(usize),
    /// Everything from here on is left out.
    Rest,
}

fn mark_at(lines: &[&str], i: usize) -> Mark {
    let words = lines[i].trim();
    if is_signature(lines, i) || is_separator(words) || is_header(lines, i) {
        return Mark::Rest;
    }
    if is_quoted(lines, i)
        || marks("signature").any(|(mark, _)| words.starts_with(mark.trim_end())) && is_short(words)
    {
        return Mark::Lines(1);
    }
    attribution(lines, i)
}

/// Without empty lines at both ends, and with at most one between two others.
fn tidy(own: &[&str]) -> String {
    let mut lines: Vec<&str> = Vec::with_capacity(own.len());
    for line in own {
        let is_second = line.is_empty() && lines.last().is_none_or(|last| last.is_empty());
        if !is_second {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// Whether a line may be a program's own: it is short and no sentence.
fn is_short(words: &str) -> bool {
    let is_sentence =
        words.contains([',', '，']) || words.ends_with(['.', '。', '!', '！', '?', '？']);
    words.chars().count() <= 60 && !is_sentence
}

/// Whether a line is drawn, of at least so many hyphens or underscores.
fn is_rule(words: &str, least: usize) -> bool {
    words.len() >= least && (words.bytes().all(|b| b == b'-') || words.bytes().all(|b| b == b'_'))
}

/// `> text`. `> 10 公斤 150 元` alone means more than ten and is not a quotation.
fn is_quoted(lines: &[&str], i: usize) -> bool {
    let begins = |line: &&str| line.trim_start().starts_with('>');
    if !begins(&lines[i]) {
        return false;
    }
    let rest = lines[i].trim_start().trim_start_matches(['>', ' ']);
    let is_comparison = rest.starts_with(|c: char| c.is_ascii_digit() || c == '=');
    let beside = [i.checked_sub(1), Some(i + 1)];
    let beside = beside.into_iter().flatten();
    let has_neighbour = beside.filter_map(|at| lines.get(at)).any(begins);
    !is_comparison || has_neighbour
}

/// `-- ` (RFC 3676, section 4.3), or a line of hyphens with few lines after it. At the beginning of a mail it signs nothing.
fn is_signature(lines: &[&str], i: usize) -> bool {
    let is_first = lines[..i].iter().all(|line| line.trim().is_empty());
    if is_first {
        return false;
    }
    let below = lines[i + 1..].iter().map(|line| line.trim());
    let below = below.filter(|line| !line.is_empty() && !line.starts_with('>'));
    let words = lines[i].trim();
    let is_like = words == "--" || is_rule(words, MIN_RULE) && words.starts_with('_');
    lines[i] == "-- " || is_like && (1..=MAX_SIGNATURE).contains(&below.count())
}

fn bare(words: &str) -> &str {
    words.trim_matches(['-', '_', '=', '*', ' ', '>'])
}

fn is_separator(words: &str) -> bool {
    let bare = bare(words);
    bare.len() < words.len() && marks("separator").any(|(mark, _)| bare.eq_ignore_ascii_case(mark))
}

/// Whether a line belongs to the header of a mail: `From: …`, `*寄件者：* …`.
fn header_mark(line: &str, kind: &str) -> bool {
    let line = line.trim().trim_start_matches(['*', ' ']);
    marks(kind).any(|(mark, _)| {
        let rest = line
            .get(..mark.len())
            .filter(|head| head.eq_ignore_ascii_case(mark));
        let rest = rest.map(|_| line[mark.len()..].trim_start_matches(['*', ' ', '\u{a0}']));
        rest.is_some_and(|rest| rest.starts_with([':', '：']))
    })
}

/// Whether the header of a quoted mail begins here. It holds an address or a time of sending; a notice with a date and a
/// subject holds neither. A forwarded mail is kept.
fn is_header(lines: &[&str], i: usize) -> bool {
    let is_one = |line: &&str| header_mark(line, "header") || header_mark(line, "sent");
    let head: Vec<&&str> = lines[i..].iter().take_while(|line| is_one(line)).collect();
    let is_mail = head
        .iter()
        .any(|line| line.contains('@') || header_mark(line, "sent"));
    let mut before = lines[..i]
        .iter()
        .rev()
        .filter(|line| !line.trim().is_empty());
    let title = before.find(|line| !is_one(line));
    let is_forward =
        |line: &str| marks("forward").any(|(mark, _)| bare(line).eq_ignore_ascii_case(bare(mark)));
    let is_forwarded = title.is_some_and(|line| is_forward(line.trim()));
    head.len() >= MIN_HEADERS && is_mail && !is_forwarded
}

/// `On … wrote:` over one to four lines. Before quoted lines it is left out alone. Otherwise a date or an address is needed,
/// and everything after it is the quoted mail, which some programs do not mark.
fn attribution(lines: &[&str], i: usize) -> Mark {
    let first = lines[i].trim();
    let may_continue = opens(first) || first.contains('@') || digits(first) >= 4;
    let most = if may_continue { MAX_ATTRIBUTION } else { 1 };
    let mut joined = String::new();
    for count in 1..=most.min(lines.len() - i) {
        let line = lines[i + count - 1].trim();
        // Another opening begins a sentence or an attribution of its own.
        if line.is_empty() || count > 1 && opens(line) {
            break;
        }
        joined += line;
        joined += " ";
        let whole = joined.trim_end().trim_end_matches('*');
        let marked = marks("attribution").find_map(|(mark, _)| whole.strip_suffix(mark));
        let Some(before) = marked.or_else(|| addressed(whole)) else {
            continue;
        };
        let is_dated = before.contains(['@', '年']) || opens(first) && digits(before) > 0;
        let mut below = lines[i + count..].iter().map(|line| line.trim());
        let is_marked = below
            .find(|line| !line.is_empty())
            .is_some_and(|line| line.starts_with('>'));
        return match is_marked {
            true => Mark::Lines(count),
            false if is_dated => Mark::Rest,
            false => Mark::Own,
        };
    }
    Mark::Own
}

fn opens(line: &str) -> bool {
    marks("opening").any(|(mark, _)| line.starts_with(mark))
}

fn digits(line: &str) -> usize {
    line.bytes().filter(u8::is_ascii_digit).count()
}

/// A line that ends with an address and a colon and holds a date, as programs of many languages write it:
/// `Am 1. Jan. 2026 um 17:22 schrieb A <a@x.example>:`.
fn addressed(whole: &str) -> Option<&str> {
    let before = whole.trim_end_matches([':', '：']);
    let has_address = before.ends_with('>') && before.contains('@') && before.contains('<');
    (before.len() < whole.len() && has_address && digits(before) >= 4).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_and_signatures_are_cut() {
        for (mail, own) in [
            (
                "好的。\n\n林小姐 於 2026年3月1日 寫道：\n> 還是 150 嗎？",
                "好的。",
            ),
            (
                "好的。\n\n林小姐 <a@x.example> 於 2026年3月1日 週日 上午9:00寫道：\n\n還是 150 嗎？",
                "好的。",
            ),
            (
                "Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, Ann\n<ann@x.example> wrote:\n\n> Free?",
                "Yes.",
            ),
            (
                "Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, Ann wrote:\nFree?\nReally?",
                "Yes.",
            ),
            ("210。\n\n-----原始郵件-----\n寄件者: 甲\n150。", "210。"),
            (
                "210。\n\n寄件者：甲\n寄件日期：3月1日\n收件者：乙\n主旨：運費\n\n150。",
                "210。",
            ),
            ("210.\n\n*From:* A\n*Sent:* Monday\n*To:* B\n\n150.", "210."),
            ("可以。\n> 可以嗎？\n另外免運。", "可以。\n另外免運。"),
            ("可以。\n-- \n客服中心", "可以。"),
            ("Fine\n--\nAnn\n+1 555", "Fine"),
            ("可以。\n\nSent from my iPhone", "可以。"),
            (
                "Ja.\n\nAm So., 1. Jan. 2026 um 17:22 Uhr schrieb A <\na@x.example>:\n\nFrei?",
                "Ja.",
            ),
            (
                "はい。\n\n2026年1月1日(金) 9:00 田中 <t@x.example>:\n\n> 可能？",
                "はい。",
            ),
            (
                "Fine\n ________________________________\nFrom: A <a@x.example>\nSent: Monday\nTo: B\n\nold",
                "Fine",
            ),
            ("Fine\n____________\nlist footer\nhttp://x.example", "Fine"),
            (
                "可以。\n\n從我的 iPhone 傳送\n\n林 <a@x.example> 於 2026/3/1 寫道：\n\n> 舊",
                "可以。",
            ),
            (
                "A\n> one\nfirst answer\n\n> two\n> more\nsecond answer\n-- \nAnn",
                "A\nfirst answer\n\nsecond answer",
            ),
            (
                "On Monday, 1 June 2026, A wrote:\n> one\nfirst\n> two\nsecond",
                "first\nsecond",
            ),
        ] {
            assert_eq!(written(mail), own, "{mail}");
        }
    }

    #[test]
    fn text_that_only_resembles_a_quotation_stays() {
        for mail in [
            "他寫道：\n本店免運。",
            "主旨：退貨\n請於七日內申請。",
            "> 10 公斤 150 元",
            "--\nstarts with a signature",
            "A\n--\n1\n2\n3\n4\n5\n6\n7\n8\n9",
            "Sent from my desk, is much easier than my phone.",
            "Ask Mei <mei@mail.example>:\nshe knows.",
            "Sent from my point of view this order, which I placed last week, never arrived.",
            "On Friday I bought three and you wrote:\nfree of charge.",
            "From: Taipei\nTo: Tainan\nDate: tomorrow\nhow much?",
            "請看：\n---------- Forwarded message ---------\nFrom: A <a@x.example>\nDate: Monday\nSubject: s\nTo: b@x.example\n\nbody",
        ] {
            assert_eq!(written(mail), mail, "{mail}");
        }
    }

    #[test]
    fn mail_of_nothing_but_quotation_is_kept_whole() {
        for mail in [
            "> all\n> of it",
            "-----Original Message-----\nall of it",
            "Sent from my iPhone",
        ] {
            assert_eq!(written(mail), mail);
        }
        assert_eq!(written(""), "");
    }

    #[test]
    fn every_mark_has_a_source_and_works() {
        let mut rows = 0;
        for line in include_str!("../data/marks.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let fields: Vec<&str> = line.split('\t').collect();
            let [kind, words, source] = fields[..] else {
                panic!("{line}")
            };
            assert!(!words.trim().is_empty() && !source.is_empty(), "{line}");
            rows += 1;
            let mail = match kind {
                "attribution" => format!("己\n\n甲 <a@x.example> {words}\n彼"),
                "opening" => format!("己\n\n{words}2 Mar 2026 10:00,\nA wrote:\n彼"),
                "separator" => format!("己\n\n----- {words} -----\n彼"),
                "forward" => {
                    let mail = format!(
                        "己\n\n----- {words} -----\nFrom: a@x.example\nTo: b@x.example\nDate: 1\n\n彼"
                    );
                    assert_eq!(written(&mail), mail, "{line}");
                    let other = mail.replace(words, "x");
                    assert_eq!(written(&other), "己\n\n----- x -----", "{line}");
                    continue;
                }
                "header" => format!("己\n\n{words}: a@x.example\n*{words}*：乙\n{words} : 丙\n彼"),
                "sent" => format!("己\n\n{words}: 1\nFrom: 乙\nTo: 丙\n彼"),
                "signature" => format!("己\n\n{words}"),
                "html" | "html-rest" => continue,
                other => panic!("unknown kind {other}"),
            };
            assert_eq!(written(&mail), "己", "{line}");
            // Without the mark, the same mail is kept.
            let other = mail.replace(words.trim(), "x");
            assert_ne!(written(&other), "己", "{line}");
        }
        assert!(rows > 80, "{rows}");
    }
}
