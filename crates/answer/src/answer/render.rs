//! Renders an answer for a channel: with or without markup, with or without sources, cut to the channel's limits, or as
//! text for speech. The content does not change.

mod spoken;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use ken_base::domain::{Answer, Outcome, checked_uri};
use ken_text::text::{Language, sentences};
use spoken::spoken;
use utoipa::ToSchema;

/// The format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`plain`: no markup. `markdown`: CommonMark with tables. `speech`: text to be spoken, without addresses."
)]
pub enum AnswerFormat {
    /// No markup; sources as text with plain addresses.
    Plain,
    /// CommonMark with tables; sources as links.
    Markdown,
    /// Text for speech output: short sentences without addresses and sources, figures in words if the language needs it.
    Speech,
}

/// How a channel shows an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    /// The text format.
    pub format: AnswerFormat,
    /// The longest message, in UTF-16 code units, as the channels count.
    pub max_units: Option<usize>,
    /// Whether the sources are listed below the text.
    pub has_sources: bool,
}

impl Channel {
    /// Returns the channel of a name. An unknown channel shows plain text without a limit. Limits: SMS in UCS-2 by GSM
    /// 03.38, the others by the channels' own documentation of text messages.
    pub fn of(name: Option<&str>) -> Self {
        let shows = |format, max_units, has_sources| Channel {
            format,
            max_units,
            has_sources,
        };
        match name.unwrap_or_default().to_lowercase().as_str() {
            "web" | "app" | "widget" => shows(AnswerFormat::Markdown, None, true),
            "sms" => shows(AnswerFormat::Plain, Some(70), false),
            "line" => shows(AnswerFormat::Plain, Some(5_000), true),
            "whatsapp" | "telegram" => shows(AnswerFormat::Plain, Some(4_096), true),
            "messenger" => shows(AnswerFormat::Plain, Some(2_000), true),
            "slack" => shows(AnswerFormat::Plain, Some(3_000), true),
            "phone" | "voice" | "ivr" => shows(AnswerFormat::Speech, None, false),
            _ => shows(AnswerFormat::Plain, None, true),
        }
    }
}

/// An answer's text for one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rendered {
    /// The text format.
    pub format: AnswerFormat,
    /// The messages in order, each within the channel's limit.
    pub messages: Vec<String>,
}

/// Renders an answer for a channel. `format` replaces the channel's own format.
pub fn render(answer: &Answer, channel: Option<&str>, format: Option<AnswerFormat>) -> Rendered {
    let mut shows = Channel::of(channel);
    shows.format = format.unwrap_or(shows.format);
    let language = Language::from_tag(&answer.language);
    let mut text = match shows.format {
        AnswerFormat::Markdown => with_table_rules(&with_links(answer, escaped, |words, uri| {
            format!("[{words}](<{uri}>)")
        })),
        AnswerFormat::Plain => {
            let plain_link = |words: String, uri: &str| match bare(uri) {
                address if answer.text.contains(address) => words,
                address => format!("{words} {address} "),
            };
            without_tables(&with_links(answer, str::to_owned, plain_link), language)
        }
        AnswerFormat::Speech => spoken(&without_tables(&answer.text, language), language),
    };
    let choices = match answer.outcome {
        Outcome::Clarify => &answer.suggestions[..],
        _ => &[],
    };
    for (number, choice) in (1..).zip(choices) {
        let choice = match shows.format {
            AnswerFormat::Speech => spoken(choice, language),
            AnswerFormat::Markdown => format!("{number}. {}", escaped(choice)),
            AnswerFormat::Plain => format!("{number}. {choice}"),
        };
        text.push('\n');
        text.push_str(&choice);
    }
    if shows.has_sources && shows.format != AnswerFormat::Speech {
        text.push_str(&sources(answer, shows.format, language));
    }
    Rendered {
        format: shows.format,
        messages: cut(text.trim(), shows.max_units),
    }
}

/// Returns the list of cited documents, each once.
fn sources(answer: &Answer, format: AnswerFormat, language: Language) -> String {
    let mut lines: Vec<String> = Vec::new();
    for citation in &answer.citations {
        let title = match citation.title.trim() {
            "" => citation.document_id.as_str(),
            title => title,
        };
        // A file's name is not an address. Addresses stored before they were checked are not shown as links.
        let is_open = |uri: &&String| {
            checked_uri(uri).is_ok() && (uri.starts_with("https://") || uri.starts_with("http://"))
        };
        let uri = citation.uri.as_ref().filter(is_open);
        let line = match (uri, format) {
            (Some(uri), AnswerFormat::Markdown) => {
                format!("- [{}](<{uri}>)", escaped(title))
            }
            (Some(uri), _) => format!("{title} {uri}"),
            (None, AnswerFormat::Markdown) => format!("- {}", escaped(title)),
            (None, _) => title.to_owned(),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let heading = match language {
        Language::TraditionalChinese => "來源：",
        Language::SimplifiedChinese => "来源：",
        _ => "Sources:",
    };
    match format {
        AnswerFormat::Markdown => format!("\n\n{heading}\n\n{}", lines.join("\n")),
        _ => format!("\n\n{heading}\n{}", lines.join("\n")),
    }
}

/// Writes the answer's text with `plain` and its links with `link`.
fn with_links(
    answer: &Answer,
    plain: impl Fn(&str) -> String,
    link: impl Fn(String, &str) -> String,
) -> String {
    let text = answer.text.as_str();
    let mut places: Vec<(usize, usize, &str)> = Vec::new();
    let mut from = 0;
    for citation in &answer.citations {
        // Quotes occur in the text in the order of their citations; a model's wording does not contain them.
        let Some(at) = text[from..].find(citation.quote.as_str()) else {
            continue;
        };
        let quote = from + at;
        from = quote + citation.quote.len();
        for link in &citation.links {
            let offset = link.start.checked_sub(citation.start);
            let start = offset.map(|offset| quote + offset);
            let place = start.map(|start| (start, start + link.text.len()));
            let is_there =
                |(start, end): &(usize, usize)| text.get(*start..*end) == Some(&link.text);
            let is_free = |(start, end): &(usize, usize)| {
                places
                    .iter()
                    .all(|(from, to, _)| end <= from || start >= to)
            };
            if let Some((start, end)) = place.filter(is_there).filter(is_free) {
                places.push((start, end, link.uri.as_str()));
            }
        }
    }
    places.sort_unstable();
    let (mut shown, mut done) = (String::new(), 0);
    for (from, to, uri) in places {
        shown.push_str(&plain(&text[done..from]));
        shown.push_str(&link(plain(&text[from..to]), uri));
        done = to;
    }
    shown.push_str(&plain(&text[done..]));
    shown
}

/// Returns an address for display: a telephone number or mail address without its scheme.
fn bare(uri: &str) -> &str {
    let rest = ["tel:", "mailto:"]
        .iter()
        .find_map(|scheme| uri.strip_prefix(scheme));
    rest.map_or(uri, |rest| rest.split('?').next().unwrap_or(rest))
}

/// Escapes a text so that CommonMark shows it unchanged. Only lists and the bars of tables keep their meaning.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            shown.push('\n');
        }
        let words = line.trim_start();
        // Four spaces would start a code block.
        let lead = &line[..line.len() - words.len()];
        match lead.chars().count() > 3 {
            true => shown.extend(lead.chars().map(|_| "&nbsp;")),
            false => shown.push_str(lead),
        }
        // Characters that would start a heading, a quotation, a list or a rule.
        let first = words.chars().next();
        let is_rule = !words.is_empty()
            && words.chars().all(|c| c == '-' || c == '=' || c == ' ')
            && words.len() > 1;
        let begins = match first {
            Some('#' | '>' | '=' | '+') => true,
            Some('-') => is_rule || !words.starts_with("- "),
            _ => false,
        };
        if begins {
            shown.push('\\');
        }
        let mut before = None;
        let mut rest = words.chars().peekable();
        while let Some(c) = rest.next() {
            let after = rest.peek().copied();
            let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            match c {
                '<' => shown.push_str("&lt;"),
                '&' if after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '#') => {
                    shown.push_str("&amp;")
                }
                '*' | '`' | '[' | ']' | '~' => shown.extend(['\\', c]),
                // Before a link it would start an image.
                '!' if after.is_none_or(|c| c == '[') => shown.push_str("\\!"),
                '_' if !(in_word(before) && in_word(after)) => shown.extend(['\\', c]),
                '\\' if after.is_none_or(|c| c.is_ascii_punctuation()) => {
                    shown.push_str("\\\\");
                }
                _ => shown.push(c),
            }
            before = Some(c);
        }
    }
    shown
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// Adds the delimiter row that Markdown requires below the first row of each table.
fn with_table_rules(text: &str) -> String {
    let mut lines: Vec<Cow<str>> = Vec::new();
    let mut in_table = false;
    for line in text.lines() {
        let cells = cells(line);
        let begins = cells.is_some() && !in_table;
        if begins && lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push("".into());
        }
        in_table = cells.is_some();
        lines.push(line.into());
        if let Some(cells) = cells.filter(|_| begins) {
            lines.push(format!("|{}", " --- |".repeat(cells.len())).into());
        }
    }
    lines.join("\n")
}

/// Writes tables as one line per row: `地區：離島，運費：150 元`.
fn without_tables(text: &str, language: Language) -> String {
    let (colon, comma) = match language.is_chinese() {
        true => ("：", "，"),
        false => (": ", ", "),
    };
    let rows: Vec<(&str, Option<Vec<&str>>)> =
        text.lines().map(|line| (line, cells(line))).collect();
    let mut lines: Vec<String> = Vec::new();
    let mut header: Option<&[&str]> = None;
    for (i, (line, row)) in rows.iter().enumerate() {
        let Some(row) = row else {
            header = None;
            lines.push((*line).to_owned());
            continue;
        };
        let continues = rows.get(i + 1).is_some_and(|(_, next)| next.is_some());
        match header {
            None if continues => header = Some(row),
            None => lines.push(row.join(comma)),
            Some(names) => {
                let named = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
                let named =
                    named.map(
                        |(i, cell)| match names.get(i).filter(|name| !name.is_empty()) {
                            Some(name) => format!("{name}{colon}{cell}"),
                            None => (*cell).to_owned(),
                        },
                    );
                lines.push(named.collect::<Vec<_>>().join(comma));
            }
        }
    }
    lines.join("\n")
}

/// Splits a text into messages of at most `max_units` UTF-16 units, between sentences if possible. Several short
/// messages are numbered.
fn cut(text: &str, max_units: Option<usize>) -> Vec<String> {
    let units = |text: &str| text.encode_utf16().count();
    let Some(max) = max_units.filter(|max| units(text) > *max) else {
        return vec![text.to_owned()];
    };
    // `(12/34) ` for short messages, which are read one by one; `(123/134) ` if there may be as many, each half full.
    let is_short = max < 200;
    let number = if units(text) > 40 * max { 10 } else { 8 };
    let room = if is_short { max - number } else { max };
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    let mut last_end = 0;
    for span in sentences(text) {
        // With the gap before it, so that line breaks remain.
        let gap = if text[last_end..span.start].contains('\n') {
            "\n"
        } else {
            ""
        };
        last_end = span.end;
        let mut rest = &text[span.start..span.end];
        if units(&piece) + units(gap) + units(rest) > room && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        } else if !piece.is_empty() {
            let between = if gap.is_empty() && rest.is_ascii() {
                " "
            } else {
                gap
            };
            piece.push_str(between);
        }
        while units(&piece) + units(rest) > room {
            let mut n = 0;
            let at = rest
                .char_indices()
                .find(|(_, c)| {
                    n += c.len_utf16();
                    units(&piece) + n > room
                })
                .map_or(rest.len(), |(at, _)| at);
            // Not within a word or a figure, if there is another place.
            let head = &rest[..at];
            let better = head.rfind(|c: char| c.is_whitespace() || "，,、；;".contains(c));
            let at = better.map_or(at, |i| {
                i + head[i..].chars().next().map_or(1, char::len_utf8)
            });
            let at = at.max(rest.chars().next().map_or(1, char::len_utf8));
            piece.push_str(&rest[..at]);
            rest = &rest[at..];
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push_str(rest);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    let n = pieces.len();
    let numbered = (1..).zip(pieces).map(|(i, piece)| match is_short && n > 1 {
        true => format!("({i}/{n}) {}", piece.trim()),
        false => piece.trim().to_owned(),
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::{Citation, CitedLink, DocumentId, Strategy, Timings};
    use pulldown_cmark::{Event, Options, Parser};

    fn answer(text: &str, language: &str) -> Answer {
        Answer {
            id: "ans_1".into(),
            outcome: Outcome::Answered,
            text: text.into(),
            language: language.into(),
            strategy: Strategy::Extractive,
            confidence: 0.9,
            sentences: vec![],
            citations: vec![Citation {
                links: vec![],
                number: 1,
                document_id: DocumentId::parse("fees").unwrap(),
                document_version: 1,
                title: "運費".into(),
                uri: Some("https://shop.example/fees".into()),
                chunk_id: "fees:1:0".into(),
                heading_path: vec![],
                page: None,
                quote: text.into(),
                start: 0,
                end: text.len(),
            }],
            suggestions: vec![],
            reason: None,
            notes: vec![],
            conversation_id: None,
            revision: 1,
            timings_ms: Timings::default(),
        }
    }

    fn one(text: &str, language: &str, channel: &str) -> String {
        let rendered = render(&answer(text, language), Some(channel), None);
        assert_eq!(rendered.messages.len(), 1);
        rendered.messages[0].clone()
    }

    #[test]
    fn table_is_rendered_per_channel_capability() {
        let table = "| 地區 | 運費 |\n| 離島 | 150 元 |";
        assert_eq!(
            one(table, "zh-Hant", "web"),
            "| 地區 | 運費 |\n| --- | --- |\n| 離島 | 150 元 |\n\n來源：\n\n- [運費](<https://shop.example/fees>)"
        );
        assert_eq!(
            one(table, "zh-Hant", "line"),
            "地區：離島，運費：150 元\n\n來源：\n運費 https://shop.example/fees"
        );
        assert_eq!(one(table, "zh-Hant", "sms"), "地區：離島，運費：150 元");
        assert_eq!(
            one(table, "zh-Hant", "phone"),
            "地區：離島，運費：一百五十元。"
        );
    }

    #[test]
    fn markdown_escaping_preserves_text() {
        let shown = |text: &str| {
            let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
            let mut shown = String::new();
            for event in Parser::new_ext(&escaped(text), options) {
                match event {
                    Event::Text(text) | Event::Code(text) => shown.push_str(&text),
                    Event::SoftBreak | Event::HardBreak => shown.push('\n'),
                    Event::Html(html) | Event::InlineHtml(html) => panic!("live: {html}"),
                    _ => {}
                }
            }
            shown
        };
        for text in [
            "紙箱 30*40*20 公分，內徑 28*38*18",
            "請登記。</script><script>alert(6)</script>",
            "A&amp;B 與 a < b > c",
            "檔名 _init_ 與 snake_case_name",
            "`code` 與 \\* 與 C:\\*",
            "[不是連結](https://x.example) 與 ![圖](y.png)",
            "~~刪~~ 與 ~50 元",
            "# 不是標題",
            "> 不是引用",
            "+ 加號",
            "標題\n---",
            "標題\n===",
            "-5 度",
        ] {
            assert_eq!(shown(text), text, "{}", escaped(text));
        }
    }

    #[test]
    fn links_are_rendered_per_channel_capability() {
        let mut linked = answer("請填退貨表單，或來電。", "zh-Hant");
        let link = |text: &str, uri: &str| {
            let start = "請填退貨表單，或來電。".find(text).unwrap();
            CitedLink {
                text: text.into(),
                uri: uri.into(),
                start,
                end: start + text.len(),
            }
        };
        linked.citations[0].uri = Some("rules.docx".into());
        linked.citations[0].links = vec![
            link("退貨表單", "https://shop.example/form"),
            link("來電", "tel:0800-000-222"),
        ];
        let shown = |channel| render(&linked, Some(channel), None).messages[0].clone();
        assert_eq!(
            shown("web"),
            "請填[退貨表單](<https://shop.example/form>)，或[來電](<tel:0800-000-222>)。\n\n來源：\n\n- 運費"
        );
        assert_eq!(
            shown("line"),
            "請填退貨表單 https://shop.example/form ，或來電 0800-000-222 。\n\n來源：\n運費"
        );
        assert!(!shown("phone").contains("https"));
    }

    #[test]
    fn long_answer_is_split_at_sentences_within_limit() {
        let text = "運費由本店負擔，離島除外。".repeat(20);
        let rendered = render(&answer(&text, "zh-Hant"), Some("sms"), None);
        assert!(rendered.messages.len() > 3);
        let mut joined = String::new();
        for (i, message) in (1..).zip(&rendered.messages) {
            assert!(message.encode_utf16().count() <= 70, "{message}");
            let head = format!("({i}/{}) ", rendered.messages.len());
            joined.push_str(message.strip_prefix(&head).unwrap());
            assert!(message.ends_with('。'), "{message}");
        }
        assert_eq!(joined, text);
        let unbroken = "好".repeat(5_000);
        for (channel, limit) in [("sms", 70), ("whatsapp", 4_096), ("messenger", 2_000)] {
            let rendered = render(&answer(&unbroken, "zh-Hant"), Some(channel), None);
            assert!(
                rendered
                    .messages
                    .iter()
                    .all(|m| m.encode_utf16().count() <= limit),
                "{channel}"
            );
            let n: usize = rendered
                .messages
                .iter()
                .map(|m| m.matches('好').count())
                .sum();
            assert_eq!(n, 5_000, "{channel}");
        }
    }

    #[test]
    fn phone_text_spells_figures_and_drops_urls() {
        for (language, text, expected) in [
            (
                "zh-Hant",
                "運費 NT$1,200 元，見 https://a.example/b。",
                "運費新台幣一千二百元，見。",
            ),
            (
                "zh-Hant",
                "電話 02-2345-6789。",
                "電話零二，二三四五，六七八九。",
            ),
            (
                "zh-Hant",
                "S7 折扣 30%，7–10 天送達，至 2026-12-31 21:30 止。",
                "S7 折扣百分之三十，七到十天送達。至二零二六年十二月三十一日二十一點三十分止。",
            ),
            ("zh-Hans", "重 3.5 公斤；可水洗", "重三点五公斤。可水洗。"),
            (
                "en",
                "It costs NT$1,200, 30% off, in 7–10 days. Call 02-2345-6789.",
                "It costs 1,200 New Taiwan dollars, 30 percent off. in 7 to 10 days. Call 0 2, 2 3 4 5, 6 7 8 9.",
            ),
        ] {
            assert_eq!(one(text, language, "phone"), expected);
        }
        let long = "退貨商品必須保持全新狀態且包裝完整，請附上發票與所有配件，並在收到商品後七天內寄回本公司倉庫，逾期恕不受理。";
        assert!(one(long, "zh-Hant", "phone").matches('。').count() >= 2);
    }
}
