//! Markdown.

use std::borrow::Cow;

use pulldown_cmark::{Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::questions;
use super::writer::Writer;
use super::{BlockKind, Extracted, IngestError, front_matter::FrontMatter};

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS)
    .union(Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_HEADING_ATTRIBUTES)
    .union(Options::ENABLE_GFM);

/// Extracts CommonMark with tables, front matter, task lists, strikethrough, footnotes, and the notes of GitHub, MkDocs
/// and VitePress. Skips struck-out text and Obsidian's comments. A footnote becomes a paragraph of its own; its marks
/// are removed.
///
/// Markup is removed and words stay: links and emphasis keep their text, images their description, lists their numbers
/// and bullets. Table rows are written `| a | b |`, code is unchanged.
pub fn extract(raw: &str) -> Result<Extracted, IngestError> {
    let raw = &without_marks(raw);
    let mut reader = MarkdownReader::default();
    for (event, at) in Parser::new_ext(raw, OPTIONS).into_offset_iter() {
        match event {
            Event::SoftBreak if starts_block(&raw[at.end..]) || asks(&raw[..at.start]) => {
                reader.writer.new_line()
            }
            // `30*40*20` is a size.
            Event::Start(Tag::Emphasis) if is_between_figures(raw, at.start) => {
                reader.writer.text("*")
            }
            Event::End(TagEnd::Emphasis) if is_between_figures(raw, at.start) => {
                reader.writer.text("*")
            }
            event => reader.take(event),
        }
    }
    let front_matter = match reader.is_toml {
        true => FrontMatter::parse_toml(&reader.head)?,
        false => FrontMatter::parse(&reader.head)?,
    };
    Ok(Extracted {
        front_matter,
        ..reader.writer.finish()
    })
}

/// The text after the front matter.
pub fn without_front_matter(raw: &str) -> &str {
    let first = Parser::new_ext(raw, OPTIONS).into_offset_iter().next();
    match first {
        Some((Event::Start(Tag::MetadataBlock(_)), at)) => raw[at.end..].trim_start(),
        _ => raw,
    }
}

fn is_between_figures(raw: &str, star: usize) -> bool {
    let before = raw[..star].chars().next_back();
    let after = raw[star..].trim_start_matches(['*', '_']).chars().next();
    let is_figure = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    is_figure(before) && is_figure(after)
}

/// Removes marks of other tools that CommonMark treats as words: the start of a MkDocs note (`!!! note "Title"`, with a
/// body indented by four spaces), the fences of a VitePress note (`:::tip Title`), Obsidian's comments (`%%…%%`).
/// Titles stay, and code is unchanged.
fn without_marks(raw: &str) -> Cow<'_, str> {
    if !["!!!", "???", ":::", "%%"]
        .iter()
        .any(|mark| raw.contains(mark))
    {
        return Cow::Borrowed(raw);
    }
    let mut lines: Vec<String> = Vec::new();
    let (mut in_code, mut in_note, mut in_comment) = (false, false, false);
    for line in raw.lines() {
        let words = line.trim_start();
        if words.starts_with("```") || words.starts_with("~~~") {
            in_code = !in_code;
        }
        if in_code {
            lines.push(line.to_owned());
            continue;
        }
        let set_in = line.strip_prefix("    ").filter(|_| in_note);
        in_note &= set_in.is_some() || words.is_empty();
        let line = set_in.unwrap_or(line);
        let words = line.trim_start();
        let mkdocs = ["!!!", "???+", "???"]
            .iter()
            .find_map(|mark| words.strip_prefix(mark));
        let title = match (
            mkdocs.filter(|head| head.starts_with(' ')),
            words.strip_prefix(":::"),
        ) {
            (Some(head), _) => {
                in_note = true;
                Some(head.split('"').nth(1).unwrap_or_default())
            }
            (None, Some(head)) => {
                let head = head.trim_start_matches(':').trim();
                Some(
                    head.split_once(char::is_whitespace)
                        .map_or("", |(_, title)| title),
                )
            }
            (None, None) => None,
        };
        let mut cleaned = String::new();
        for (i, piece) in title.unwrap_or(line).split("%%").enumerate() {
            in_comment ^= i > 0;
            if !in_comment {
                cleaned.push_str(piece);
            }
        }
        // The marked text becomes a paragraph of its own.
        if title.is_some() {
            lines.push(String::new());
        }
        lines.push(cleaned);
        if title.is_some() {
            lines.push(String::new());
        }
    }
    Cow::Owned(lines.join("\n"))
}

/// Returns whether a line starts a new unit without a blank line before it: `A: …` below `Q: …`, or `電話：…` below
/// `地址：…`.
fn starts_block(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    let line = line.trim_start_matches([' ', '\t', '>', '*', '_']);
    let label = line.split('：').next().unwrap_or_default();
    let is_label = label.len() < line.len()
        && (1..=LONGEST_LABEL).contains(&label.chars().count())
        && label.chars().all(char::is_alphanumeric);
    is_label || questions::is_marked(line)
}

/// Returns whether the line before a break is a question, so that the next line is its answer.
fn asks(before: &str) -> bool {
    let line = before.lines().next_back().unwrap_or_default();
    line.trim_end().trim_end_matches(['*', '_']).ends_with('？')
}

/// The longest label, in characters.
const LONGEST_LABEL: usize = 8;

/// Translates the parser's events into calls of the writer.
#[derive(Default)]
struct MarkdownReader {
    writer: Writer,
    /// The front matter; `is_toml` says whether it is TOML.
    head: String,
    is_toml: bool,
    in_head: bool,
    /// How many struck-out ranges are open.
    struck: usize,
}

impl MarkdownReader {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_head => self.head.push_str(&text),
            Event::Text(_) | Event::Code(_) | Event::SoftBreak if self.struck > 0 => {}
            Event::Text(text) => self.writer.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.writer.text(&text)
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::SoftBreak => self.writer.soft_break(),
            Event::HardBreak => self.writer.new_line(),
            Event::TaskListMarker(done) => self.writer.text(if done { "[x] " } else { "[ ] " }),
            Event::Rule | Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        let writer = &mut self.writer;
        match tag {
            Tag::MetadataBlock(kind) => {
                self.in_head = true;
                self.is_toml = kind == MetadataBlockKind::PlusesStyle;
            }
            Tag::Strikethrough => self.struck += 1,
            Tag::Heading { level, .. } => writer.open(BlockKind::Heading(level as u8)),
            Tag::Paragraph if !writer.in_list() => writer.open(BlockKind::Paragraph),
            Tag::Paragraph => writer.fresh_line_unless_at_item_head(),
            Tag::CodeBlock(_) if !writer.in_list() => writer.open(BlockKind::Code),
            Tag::CodeBlock(_) => writer.new_line(),
            Tag::List(first) => writer.start_list(first),
            Tag::Item => writer.start_item(),
            Tag::Table(_) if !writer.in_list() => writer.open(BlockKind::Table(Vec::new())),
            Tag::Table(_) => writer.new_line(),
            Tag::TableHead | Tag::TableRow => writer.start_row(),
            Tag::TableCell => writer.start_cell(),
            Tag::Link { dest_url, .. } => writer.start_link(&dest_url),
            Tag::HtmlBlock if !writer.in_list() => writer.open(BlockKind::Paragraph),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let writer = &mut self.writer;
        match tag {
            TagEnd::MetadataBlock(_) => self.in_head = false,
            TagEnd::Strikethrough => self.struck = self.struck.saturating_sub(1),
            TagEnd::Heading(_) => writer.close(),
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::CodeBlock | TagEnd::Table
                if !writer.in_list() =>
            {
                writer.close()
            }
            TagEnd::Item => writer.end_item(),
            TagEnd::List(_) => writer.end_list(),
            TagEnd::TableCell => writer.end_cell(),
            TagEnd::TableHead | TagEnd::TableRow if !writer.in_list() => writer.end_part(),
            TagEnd::Link => writer.end_link(),
            _ => {}
        }
    }

    /// Removes tags; the text between them stays.
    fn html(&mut self, html: &str) {
        if html.trim_start().starts_with("<br") {
            return self.writer.new_line();
        }
        let mut rest = html;
        while let Some(open) = rest.find('<') {
            let text = &rest[..open];
            if !text.trim().is_empty() {
                self.writer.text(text);
            }
            rest = match rest[open..].find('>') {
                Some(close) => &rest[open + close + 1..],
                None => "",
            };
        }
        if !rest.trim().is_empty() {
            self.writer.text(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::Span;

    fn check(markdown: &str, expected: &str) {
        assert_eq!(extract(markdown).unwrap().text, expected, "{markdown}");
    }

    #[test]
    fn dimensions_with_asterisks_are_not_emphasis() {
        check("箱子 30*40*20 公分", "箱子 30*40*20 公分");
        check("這*很*重要", "這很重要");
    }

    #[test]
    fn markdown_strikethrough_and_comments_are_dropped() {
        check("月費 ~~NT$399~~ NT$299。", "月費  NT$299。");
        check("營業時間\n\n%%內部%%\n\n十點", "營業時間\n\n十點");
    }

    #[test]
    fn admonitions_keep_title_and_text() {
        check(
            "!!! note \"提醒\"\n    逾期收費。\n\n之後",
            "提醒\n\n逾期收費。\n\n之後",
        );
        check(":::tip 訣竅\n免運。\n:::\n\n之後", "訣竅\n\n免運。\n\n之後");
        check("```\n!!! note\n```", "!!! note");
    }

    #[test]
    fn footnotes_become_paragraphs_without_marks() {
        check("保固 3 年[^1]。\n\n[^1]: 另計。", "保固 3 年。\n\n另計。");
    }

    #[test]
    fn front_matter_is_cut_and_everything_after_it_kept() {
        for head in [
            "---\ntitle: \"a\"\n---\n",
            "+++\r\ntitle = \"a\"\r\n+++\r\n\r\n",
        ] {
            let raw = format!("{head}# 標題\n\n---\n\n文 \n");
            assert_eq!(without_front_matter(&raw), "# 標題\n\n---\n\n文 \n");
        }
        for raw in ["# 標題\n\n---\n\nb: c\n\n---\n", "  文", ""] {
            assert_eq!(without_front_matter(raw), raw);
        }
    }

    #[test]
    fn toml_front_matter_is_parsed_like_yaml() {
        let read = extract("+++\ntitle = \"退款\"\ndraft = true\n+++\n\n九天。").unwrap();
        assert_eq!(read.text, "九天。");
        let id = ken_base::domain::DocumentId::parse("a").unwrap();
        let (_, given) = read.front_matter.apply(id, Default::default()).unwrap();
        assert_eq!(given.title, "退款");
        assert_eq!(given.status, ken_base::domain::DocumentStatus::Draft);
    }

    #[test]
    fn markdown_markup_is_stripped_and_text_preserved() {
        check(
            "# 退貨\n\n七天內可**退貨**，見[說明](a.md)。",
            "退貨\n\n七天內可退貨，見說明。",
        );
        check("一行\n接著", "一行接著");
        check("one line\nand another", "one line and another");
        check("Q: 可以嗎\n**A:** 可以。", "Q: 可以嗎\nA: 可以。");
        check(
            "地址：海澄路 9 號\n電話：07-1",
            "地址：海澄路 9 號\n電話：07-1",
        );
        check("請看清楚\n說明，例如：一", "請看清楚說明，例如：一");
        check("![圖示](x.png) 看圖", "圖示 看圖");
        check("a<br>b <b>c</b>", "a\nb c");
        check("`--flag` 用法", "--flag 用法");
        check("{{< copyable \"shell\" >}}\n\n文字", "文字");
        check("<div>\n\n內容\n\n</div>", "內容");
    }

    #[test]
    fn lists_tables_and_code_keep_their_shape() {
        check(
            "步驟：\n\n1. 開機\n2. 連線\n   - 藍牙\n3. 完成",
            "步驟：\n\n1. 開機\n2. 連線\n  - 藍牙\n3. 完成",
        );
        check("- 一\n\n  續\n\n- 二", "- 一\n續\n- 二");
        check(
            "| 區 | 費 |\n|---|---|\n| 本島 | 80 元 |",
            "| 區 | 費 |\n| 本島 | 80 元 |",
        );
        check("```sh\nls -l\n\ncd x\n```\n", "ls -l\n\ncd x");
    }

    #[test]
    fn block_spans_cover_their_text() {
        let found =
            extract("---\ntitle: T\n---\n# 一\n\n文\n\n- a\n- b\n\n| x |\n|---|\n| 1 |\n").unwrap();
        let read: Vec<String> = found
            .blocks
            .iter()
            .map(|block| {
                let slice = |span: &Span| span.slice(&found.text).unwrap();
                match &block.kind {
                    BlockKind::Heading(level) => format!("h{level} {}", slice(&block.span)),
                    BlockKind::List(parts) | BlockKind::Table(parts) => {
                        parts.iter().map(slice).collect::<Vec<_>>().join("/")
                    }
                    _ => slice(&block.span).to_owned(),
                }
            })
            .collect();
        assert_eq!(read, ["h1 一", "文", "- a/- b", "| x |/| 1 |"]);
    }
}
