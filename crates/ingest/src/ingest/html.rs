use std::collections::HashMap;

use dom_query::{Document, NodeRef};

use super::tables::{Grid, MAX_COLUMNS};
use super::writer::{Writer, joins, one_line};
use super::{BlockKind, Extracted, IngestError};

/// What is never content.
const NEVER: &str = "script, style, noscript, template, svg, iframe, object, nav, dialog, select, button, \
    textarea, [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo], [role=search], \
    [role=dialog], [role=alert]";
/// What is content only inside an article.
const FRAME: &str = "header, footer, aside";
/// Readability's cost grows with the number of elements, and a page of more is no page for people.
const MAX_READABILITY_ELEMENTS: usize = 50_000;
/// Elements that lie deeper in each other than this.
const MAX_DEPTH: usize = 2_000;
/// A span of more rows or columns than this is a mistake or an attack.
const MAX_SPAN: usize = 100;

/// HTML → the main content's text: the `<main>` or single `<article>` where the page has one, else what
/// Mozilla's readability finds, else the body; navigation, banners, scripts and what is hidden are left out.
pub fn extract(raw: &str) -> Result<Extracted, IngestError> {
    check_depth(raw)?;
    let page = Document::from(raw);
    let title = one_line(&page.select_single("head title").text());
    let mut writer = Writer::default();
    page.select(NEVER).remove();
    match main_of(&page) {
        Some(main) => write(&mut writer, main)?,
        None => {
            remove_frame(&page);
            match readable(raw, &page) {
                Some(article) => write(&mut writer, article.root())?,
                None => write(&mut writer, page.root())?,
            }
        }
    }
    let mut extracted = writer.finish();
    let has_heading = extracted
        .blocks
        .iter()
        .any(|block| block.kind == BlockKind::Heading(1));
    if !has_heading && !title.is_empty() {
        extracted.title = Some(title.chars().take(120).collect());
    }
    Ok(extracted)
}

/// A piece of HTML that is all content, as a chapter or a mail, into the text so far.
pub fn extract_into(writer: &mut Writer, raw: &str) -> Result<(), IngestError> {
    check_depth(raw)?;
    let page = Document::from(raw);
    page.select(NEVER).remove();
    page.select("head").remove();
    write(writer, page.root())
}

/// Refuses a page that nests without end, before the parser spends on each element what lies above it. Counted
/// roughly, by tags that have to be closed.
fn check_depth(raw: &str) -> Result<(), IngestError> {
    // Those without an end, and those whose end may be left out.
    const FLAT: [&str; 32] = [
        "br", "img", "hr", "input", "meta", "link", "source", "wbr", "area", "base", "col",
        "embed", "track", "param", "p", "li", "td", "tr", "th", "dt", "dd", "option", "thead",
        "tbody", "tfoot", "colgroup", "html", "head", "body", "rt", "rp", "optgroup",
    ];
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut depth: usize = 0;
    for tag in raw.split('<').skip(1) {
        let (closes, name) = match tag.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, tag),
        };
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len());
        let name = name[..end.min(16)].to_ascii_lowercase();
        if name.is_empty() || FLAT.contains(&name.as_str()) {
            continue;
        }
        let of_name = open.entry(name).or_default();
        match closes {
            true if *of_name > 0 => (*of_name, depth) = (*of_name - 1, depth - 1),
            true => {}
            false => (*of_name, depth) = (*of_name + 1, depth + 1),
        }
        if depth > MAX_DEPTH {
            return Err(IngestError::too_deep("HTML page"));
        }
    }
    Ok(())
}

fn main_of(page: &Document) -> Option<NodeRef<'_>> {
    for place in ["main, [role=main]", "article"] {
        let found = page.select(place);
        if let [only] = found.nodes()
            && !only.text().trim().is_empty()
        {
            return Some(*only);
        }
    }
    None
}

fn remove_frame(page: &Document) {
    for node in page.select(FRAME).nodes() {
        let inside = node
            .ancestors_it(Some(64))
            .any(|above| above.has_name("article") || above.has_name("main"));
        if !inside {
            node.remove_from_parent();
        }
    }
}

/// What readability takes for the article, where that is most of what the page says outside of its links.
fn readable(raw: &str, page: &Document) -> Option<Document> {
    let config = dom_smoothie::Config {
        max_elements_to_parse: MAX_READABILITY_ELEMENTS,
        ..dom_smoothie::Config::default()
    };
    let article = dom_smoothie::Readability::new(raw, None, Some(config))
        .and_then(|mut reading| reading.parse())
        .ok()?;
    let content = Document::fragment(article.content);
    let length = |page: &Document, place: &str| {
        let found = page.select(place);
        found
            .nodes()
            .iter()
            .map(|node| node.text().split_whitespace().map(str::len).sum::<usize>())
            .sum::<usize>()
    };
    let all = length(page, "body").saturating_sub(length(page, "body a"));
    let kept: usize = article.text_content.split_whitespace().map(str::len).sum();
    (kept * 2 >= all).then_some(content)
}

enum Step<'a> {
    Enter(NodeRef<'a>),
    Leave(NodeRef<'a>),
}

/// Walks without recursion: pages nest as deep as their makers like.
fn write(writer: &mut Writer, root: NodeRef<'_>) -> Result<(), IngestError> {
    let mut gap = Gap::None;
    let mut steps = vec![Step::Enter(root)];
    while let Some(step) = steps.pop() {
        let node = match step {
            Step::Enter(node) if node.is_text() => {
                flow(writer, &mut gap, &node.text());
                continue;
            }
            Step::Enter(node) => node,
            Step::Leave(node) => {
                leave(writer, &mut gap, &node);
                continue;
            }
        };
        if enter(writer, &mut gap, &node)? {
            steps.push(Step::Leave(node));
            steps.extend(node.children_it(true).map(Step::Enter));
        }
    }
    writer.close();
    Ok(())
}

/// What stood between the last word and the next.
#[derive(Clone, Copy, PartialEq)]
enum Gap {
    None,
    Space,
    Line,
}

/// Whether the element's children are to be walked too.
fn enter(writer: &mut Writer, gap: &mut Gap, node: &NodeRef) -> Result<bool, IngestError> {
    let Some(name) = node.node_name() else {
        return Ok(!node.is_comment() && !node.is_doctype());
    };
    match name.as_ref() {
        "head" | "meta" | "link" | "input" => return Ok(false),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if !writer.in_list() && !writer.in_table() => {
            let level = name.as_bytes()[1] - b'0';
            writer.heading(level, &one_line(&node.text()));
            return Ok(false);
        }
        "dt" | "summary" if !writer.in_list() => {
            writer.heading(6, &one_line(&node.text()));
            return Ok(false);
        }
        "pre" if !writer.in_list() => {
            writer.code(&node.text());
            return Ok(false);
        }
        "table" if !writer.in_list() && is_data(node) => {
            table(writer, node)?;
            return Ok(false);
        }
        "ul" | "ol" => {
            let first = (name.as_ref() == "ol").then(|| {
                node.attr("start")
                    .and_then(|start| start.parse().ok())
                    .unwrap_or(1)
            });
            writer.start_list(first);
            *gap = Gap::None;
        }
        "li" if writer.in_list() => {
            writer.start_item();
            *gap = Gap::None;
        }
        "br" => {
            if !writer.open_text().is_empty() {
                writer.new_line();
            }
            *gap = Gap::None;
        }
        "a" => {
            fill(writer, gap, None);
            writer.start_link(&node.attr_or("href", ""));
        }
        "img" => {
            if let Some(words) = node.attr("alt") {
                flow(writer, gap, &words);
            }
        }
        name if is_block(name) => part(writer, gap),
        _ => {}
    }
    Ok(true)
}

fn leave(writer: &mut Writer, gap: &mut Gap, node: &NodeRef) {
    let Some(name) = node.node_name() else { return };
    match name.as_ref() {
        "ul" | "ol" => writer.end_list(),
        "li" if writer.in_list() => writer.end_item(),
        "a" => writer.end_link(),
        "td" | "th" => *gap = Gap::Space,
        name if is_block(name) => part(writer, gap),
        _ => {}
    }
}

/// A block begins or ends here.
fn part(writer: &mut Writer, gap: &mut Gap) {
    match writer.in_list() {
        true => writer.fresh_line_unless_at_item_head(),
        false => writer.close(),
    }
    *gap = Gap::None;
}

fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 26] = [
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "aside",
        "blockquote",
        "figure",
        "figcaption",
        "address",
        "dl",
        "dd",
        "dt",
        "details",
        "summary",
        "fieldset",
        "form",
        "hr",
        "table",
        "tr",
        "caption",
        "pre",
        "body",
        "li",
    ];
    BLOCKS.contains(&name)
}

/// Running text: its white space is one space, and none where a line was broken between Han characters.
fn flow(writer: &mut Writer, gap: &mut Gap, text: &str) {
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            fill(writer, gap, word.chars().next());
            writer.text(word);
        }
        *gap = match (piece.len() > word.len(), piece.ends_with('\n')) {
            (false, _) => Gap::None,
            (true, true) => Gap::Line,
            (true, false) if *gap == Gap::Line => Gap::Line,
            (true, false) => Gap::Space,
        };
    }
}

fn fill(writer: &mut Writer, gap: &mut Gap, next: Option<char>) {
    let last = writer.open_text().chars().next_back();
    let joined = *gap == Gap::Line && last.is_some_and(joins) && next.is_some_and(joins);
    if *gap != Gap::None && last.is_some_and(|c| !c.is_whitespace()) && !joined {
        writer.text(" ");
    }
    *gap = Gap::None;
}

/// Tables of one cell, of tables, or said to be presentation, are only layout.
fn is_data(table: &NodeRef) -> bool {
    let is_presentation = table
        .attr("role")
        .is_some_and(|role| matches!(role.as_ref(), "presentation" | "none"));
    let mut n_cells = 0;
    for node in table.descendants_it() {
        match node.node_name().as_deref() {
            Some("table") => return false,
            Some("td" | "th") => n_cells += 1,
            _ => {}
        }
    }
    !is_presentation && n_cells > 1
}

fn table(writer: &mut Writer, table: &NodeRef) -> Result<(), IngestError> {
    let mut grid = Grid::default();
    // Cells that reach down from rows above: column, rows left, text.
    let mut reaching: Vec<(usize, usize, String)> = Vec::new();
    for row in table.descendants_it().filter(|node| node.has_name("tr")) {
        let mut cells: Vec<String> = Vec::new();
        let mut next: Vec<(usize, usize, String)> = Vec::new();
        let take_reaching = |cells: &mut Vec<String>,
                             reaching: &mut Vec<(usize, usize, String)>,
                             next: &mut Vec<(usize, usize, String)>| {
            while let Some(i) = reaching
                .iter()
                .position(|(column, ..)| *column == cells.len())
            {
                let (column, left, text) = reaching.swap_remove(i);
                cells.push(text.clone());
                if left > 1 {
                    next.push((column, left - 1, text));
                }
            }
        };
        for cell in row.children_it(false) {
            if !cell.has_name("td") && !cell.has_name("th") {
                continue;
            }
            take_reaching(&mut cells, &mut reaching, &mut next);
            let text = one_line(&cell.text());
            let span = |name: &str| {
                cell.attr(name)
                    .and_then(|n| n.parse::<usize>().ok())
                    .unwrap_or(1)
                    .clamp(1, MAX_SPAN)
            };
            let (columns, rows) = (span("colspan"), span("rowspan"));
            if rows > 1 {
                next.push((cells.len(), rows - 1, text.clone()));
            }
            cells.push(text);
            cells.extend(std::iter::repeat_n(String::new(), columns - 1));
            if cells.len() > MAX_COLUMNS {
                break;
            }
        }
        take_reaching(&mut cells, &mut reaching, &mut next);
        reaching = next;
        grid.push(cells)?;
    }
    grid.write(writer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(extract(html).unwrap().text, expected, "{html}");
    }

    #[test]
    fn the_main_content_is_read_and_the_frame_is_not() {
        check(
            "<html><head><title>退貨</title><script>x()</script></head><body><header>商店</header>\
             <nav><a href=/>首頁</a></nav><main><h1>退貨</h1><p>七天內\n可退。</p></main>\
             <footer>版權所有</footer></body></html>",
            "退貨\n\n七天內可退。",
        );
    }

    #[test]
    fn words_keep_their_spaces_and_han_characters_have_none() {
        check("<p>見 <b>CloudSync</b> 說明</p>", "見 CloudSync 說明");
        check("<p>一行\n  接著</p>", "一行接著");
        check(
            "<p>one line\n and <i>another</i>.</p>",
            "one line and another.",
        );
        check("<p>a<br>b</p>", "a\nb");
    }

    #[test]
    fn lists_tables_and_code_keep_their_shape() {
        check(
            "<p>步驟：</p><ol><li>開機</li><li><p>連線</p><ul><li>藍牙</li></ul></li></ol>",
            "步驟：\n\n1. 開機\n2. 連線\n  - 藍牙",
        );
        check(
            "<table><tr><th>區</th><th>費</th></tr><tr><td rowspan=2>本島</td><td>80</td></tr>\
             <tr><td>90</td></tr></table>",
            "| 區 | 費 |\n| 本島 | 80 |\n| 本島 | 90 |",
        );
        check("<pre>a\n  b</pre>", "a\n  b");
    }

    #[test]
    fn links_lie_on_their_words() {
        let found = extract("<p>請見<a href='https://x.test/a'>運費說明</a>。</p>").unwrap();
        let link = &found.links[0];
        assert_eq!(link.span.slice(&found.text), Some("運費說明"));
        assert_eq!(link.url, "https://x.test/a");
    }
}
