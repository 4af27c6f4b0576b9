use pulldown_cmark::{Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::{Block, BlockKind, Extracted, IngestError, front_matter::FrontMatter};
use crate::domain::Span;

/// CommonMark with tables, front matter, task lists, strikethrough and GitHub's alerts → readable text.
///
/// Markup goes, words stay: links and emphasis keep their text, images their description, lists keep their
/// numbers and bullets, table rows are written `| a | b |`, code stays as it is.
pub fn extract(raw: &str) -> Result<Extracted, IngestError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM;
    let mut writer = Writer::default();
    for event in Parser::new_ext(raw, options) {
        writer.take(event);
    }
    let front_matter = FrontMatter::parse(&writer.yaml)?;
    Ok(Extracted {
        front_matter,
        text: writer.text,
        blocks: writer.blocks,
    })
}

/// Writes the text and notes where blocks begin and end.
#[derive(Default)]
struct Writer {
    text: String,
    blocks: Vec<Block>,
    yaml: String,
    in_yaml: bool,
    /// The open block's kind (its item or row spans so far) and start.
    open: Option<(BlockKind, usize)>,
    /// For each open list its next number, or `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Start of the open top-level item or table row.
    part_start: usize,
    in_code: bool,
}

impl Writer {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_yaml => self.yaml.push_str(&text),
            Event::Text(text) => self.write(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.write(&text)
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::SoftBreak => self.soft_break(),
            Event::HardBreak => self.new_line(),
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
            Event::Rule | Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle) => self.in_yaml = true,
            Tag::Heading { level, .. } => self.open_block(BlockKind::Heading(level as u8)),
            Tag::Paragraph if self.lists.is_empty() => self.open_block(BlockKind::Paragraph),
            Tag::Paragraph => self.fresh_line_unless_at_item_head(),
            Tag::CodeBlock(_) => {
                self.in_code = true;
                match self.lists.is_empty() {
                    true => self.open_block(BlockKind::Code),
                    false => self.new_line(),
                }
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.open_block(BlockKind::List(Vec::new()));
                }
                self.lists.push(first);
            }
            Tag::Item => self.start_item(),
            Tag::Table(_) => match self.lists.is_empty() {
                true => self.open_block(BlockKind::Table(Vec::new())),
                false => self.new_line(),
            },
            Tag::TableHead | Tag::TableRow => {
                self.fresh_line();
                self.part_start = self.text.len();
                self.text.push('|');
            }
            Tag::TableCell => self.text.push(' '),
            Tag::HtmlBlock if self.lists.is_empty() => self.open_block(BlockKind::Paragraph),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::MetadataBlock(_) => self.in_yaml = false,
            TagEnd::Heading(_) => self.close_block(),
            TagEnd::Paragraph | TagEnd::HtmlBlock if self.lists.is_empty() => self.close_block(),
            TagEnd::CodeBlock => {
                self.in_code = false;
                if self.lists.is_empty() {
                    self.close_block();
                }
            }
            TagEnd::Item if self.lists.len() == 1 => self.end_part(),
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.close_block();
                }
            }
            TagEnd::TableCell => self.text.push_str(" |"),
            TagEnd::TableHead | TagEnd::TableRow if self.lists.is_empty() => self.end_part(),
            TagEnd::Table if self.lists.is_empty() => self.close_block(),
            _ => {}
        }
    }

    fn open_block(&mut self, kind: BlockKind) {
        self.close_block();
        if !self.text.is_empty() {
            self.trim_end_to(0);
            self.text.push_str("\n\n");
        }
        self.open = Some((kind, self.text.len()));
    }

    /// Ends the open block; one without text leaves no trace.
    fn close_block(&mut self) {
        let Some((kind, start)) = self.open.take() else {
            return;
        };
        self.trim_end_to(start);
        let body = self.text[start..].trim();
        let is_template_tag =
            body.starts_with("{{") && body.ends_with("}}") && !body.contains('\n');
        match body.is_empty() || is_template_tag {
            true => {
                self.text.truncate(start);
                self.trim_end_to(0);
            }
            false => {
                let span = Span::new(start, self.text.len());
                self.blocks.push(Block { kind, span });
            }
        }
    }

    fn start_item(&mut self) {
        self.fresh_line();
        let depth = self.lists.len();
        if depth == 1 {
            self.part_start = self.text.len();
        }
        self.text.push_str(&"  ".repeat(depth.saturating_sub(1)));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.text.push_str(&format!("{number}. "));
                *number += 1;
            }
            _ => self.text.push_str("- "),
        }
    }

    /// Notes the item or row that ends here.
    fn end_part(&mut self) {
        self.trim_end_to(self.part_start);
        let span = Span::new(self.part_start, self.text.len());
        if let Some((BlockKind::List(parts) | BlockKind::Table(parts), _)) = &mut self.open {
            parts.push(span);
        }
    }

    fn write(&mut self, text: &str) {
        if self.open.is_none() {
            self.open_block(BlockKind::Paragraph);
        }
        self.text.push_str(text);
    }

    /// A line break in the source that means nothing: a space, but none between two Han characters.
    fn soft_break(&mut self) {
        match self.text.chars().next_back() {
            Some(c) if crate::text::is_cjk(c) || "，。；：、！？（）「」".contains(c) => {
            }
            _ => self.text.push(' '),
        }
    }

    /// Tags go; the text between them stays.
    fn html(&mut self, html: &str) {
        if html.trim_start().starts_with("<br") {
            return self.new_line();
        }
        let mut rest = html;
        while let Some(open) = rest.find('<') {
            let text = &rest[..open];
            if !text.trim().is_empty() {
                self.write(text);
            }
            rest = match rest[open..].find('>') {
                Some(close) => &rest[open + close + 1..],
                None => "",
            };
        }
        if !rest.trim().is_empty() {
            self.write(rest);
        }
    }

    /// A break inside a block; inside a table row it is a space, so that a row stays one line.
    fn new_line(&mut self) {
        match self.open {
            Some((BlockKind::Table(_), _)) => self.text.push(' '),
            _ => self.text.push('\n'),
        }
    }

    fn fresh_line(&mut self) {
        let block_start = self.open.as_ref().map_or(0, |(_, start)| *start);
        if self.text.len() > block_start && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn fresh_line_unless_at_item_head(&mut self) {
        let line = self.text.rsplit('\n').next().unwrap_or("");
        let is_head = line.trim_end().ends_with(['-', '.']) && line.ends_with(' ');
        if !is_head {
            self.fresh_line();
        }
    }

    fn trim_end_to(&mut self, floor: usize) {
        let end = self.text[floor..].trim_end().len() + floor;
        self.text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(markdown: &str, expected: &str) {
        assert_eq!(extract(markdown).unwrap().text, expected, "{markdown}");
    }

    #[test]
    fn markup_goes_and_words_stay() {
        check(
            "# 退貨\n\n七天內可**退貨**，見[說明](a.md)。",
            "退貨\n\n七天內可退貨，見說明。",
        );
        check("一行\n接著", "一行接著");
        check("one line\nand another", "one line and another");
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
    fn blocks_lie_where_they_say() {
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
