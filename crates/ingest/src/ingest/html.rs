//! HTML: finds the main content of a page and writes it as text.

use std::collections::HashMap;

use dom_query::{Document, NodeRef};

use super::grid::{Cell, Grid};
use super::writer::{Writer, joins, lowered, one_line, raised};
use super::{BlockKind, Extracted, IngestError, pages, questions};

/// Elements that are never content: not for people, hidden, or struck out. furniture.tsv lists what sites put around
/// their content.
const NEVER: &str = "script, style, noscript, template, svg, iframe, object, nav, dialog, select, button, \
    textarea, [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo], [role=search], \
    [role=dialog], [role=alert], s, del, strike, rt, rp";
/// Elements that are content only inside an article.
const FRAME: &str = "header, footer, aside";
/// Readability's cost grows with the number of elements; a page with more is not written for people.
const MAX_READABILITY_ELEMENTS: usize = 50_000;
/// The deepest nesting of elements.
const MAX_DEPTH: usize = 2_000;

/// Extracts the main content of a page: `<main>` or the single `<article>`, otherwise the result of Mozilla's
/// readability, otherwise the body. Skips navigation, banners, scripts and hidden elements.
pub fn extract(raw: &str) -> Result<Extracted, IngestError> {
    check_depth(raw)?;
    let page = Document::from(raw);
    let title = one_line(&page.select_single("head title").text());
    let faqs = pages::faqs_of(&page);
    let mut writer = Writer::default();
    pages::open_panels(&page);
    page.select(NEVER).remove();
    pages::remove_furniture(&page);
    match main_of(&page) {
        Some(main) => write(&mut writer, main)?,
        None => {
            remove_frame(&page);
            match readable(&page) {
                Some(article) => write(&mut writer, article.root())?,
                None => write(&mut writer, page.root())?,
            }
        }
    }
    for (question, answer) in faqs {
        if !writer.written().contains(question.as_str()) {
            writer.heading(2, &question);
            extract_into(&mut writer, &answer)?;
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

/// Writes a piece of HTML that is all content, such as a chapter or a mail.
pub fn extract_into(writer: &mut Writer, raw: &str) -> Result<(), IngestError> {
    check_depth(raw)?;
    let page = Document::from(raw);
    pages::open_panels(&page);
    page.select(NEVER).remove();
    page.select("head").remove();
    write(writer, page.root())
}

/// Refuses a page with endless nesting before the parser, whose cost grows with the depth of each element. Counts
/// roughly, by tags that need an end tag.
fn check_depth(raw: &str) -> Result<(), IngestError> {
    // Elements without an end tag, and those whose end tag is optional.
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

/// Returns readability's article if it contains most of the page's text outside of links.
fn readable(page: &Document) -> Option<Document> {
    let config = dom_smoothie::Config {
        max_elements_to_parse: MAX_READABILITY_ELEMENTS,
        ..dom_smoothie::Config::default()
    };
    let article = dom_smoothie::Readability::new(page.html(), None, Some(config))
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
    let article_len: usize = article.text_content.split_whitespace().map(str::len).sum();
    (article_len * 10 >= all * 7).then_some(content)
}

enum Step<'a> {
    Enter(NodeRef<'a>),
    Leave(NodeRef<'a>),
}

/// Walks the tree without recursion, because pages may be nested deeply.
fn write(writer: &mut Writer, root: NodeRef<'_>) -> Result<(), IngestError> {
    let mut gap = Spacing::None;
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

/// The white space between the last word and the next.
#[derive(Clone, Copy, PartialEq)]
enum Spacing {
    None,
    Space,
    Line,
}

/// Returns whether the element's children are walked too.
fn enter(writer: &mut Writer, gap: &mut Spacing, node: &NodeRef) -> Result<bool, IngestError> {
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
        "dt" if !writer.in_list() => {
            match defined(node) {
                Some(line) => writer.paragraph(&line),
                None => writer.heading(6, &one_line(&node.text())),
            }
            return Ok(false);
        }
        "dd" if !writer.in_list() && is_defined(node) => return Ok(false),
        "summary" if !writer.in_list() => {
            writer.heading(6, &one_line(&node.text()));
            return Ok(false);
        }
        "sup" | "sub" => {
            let words = one_line(&node.text());
            fill(writer, gap, words.chars().next());
            match name.as_ref() {
                "sup" => writer.text(&raised(&words)),
                _ => writer.text(&lowered(&words)),
            }
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
            *gap = Spacing::None;
        }
        "li" if writer.in_list() => {
            writer.start_item();
            *gap = Spacing::None;
        }
        "br" => {
            if !writer.open_text().is_empty() {
                writer.new_line();
            }
            *gap = Spacing::None;
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

fn leave(writer: &mut Writer, gap: &mut Spacing, node: &NodeRef) {
    let Some(name) = node.node_name() else { return };
    match name.as_ref() {
        "ul" | "ol" => writer.end_list(),
        "li" if writer.in_list() => writer.end_item(),
        "a" => {
            if let Some(address) = hidden_address(node) {
                writer.text(&address);
            }
            writer.end_link();
        }
        "td" | "th" => *gap = Spacing::Space,
        name if is_block(name) => part(writer, gap),
        _ => {}
    }
}

/// Starts or ends a block.
fn part(writer: &mut Writer, gap: &mut Spacing) {
    match writer.in_list() {
        true => writer.fresh_line_unless_at_item_head(),
        false => writer.close(),
    }
    *gap = Spacing::None;
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

/// Writes running text. White space becomes one space, or none if a line was broken between Han characters.
fn flow(writer: &mut Writer, gap: &mut Spacing, text: &str) {
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            fill(writer, gap, word.chars().next());
            writer.text(word);
        }
        *gap = match (piece.len() > word.len(), piece.ends_with('\n')) {
            (false, _) => Spacing::None,
            (true, true) => Spacing::Line,
            (true, false) if *gap == Spacing::Line => Spacing::Line,
            (true, false) => Spacing::Space,
        };
    }
}

fn fill(writer: &mut Writer, gap: &mut Spacing, next: Option<char>) {
    let last = writer.open_text().chars().next_back();
    let joined = *gap == Spacing::Line && last.is_some_and(joins) && next.is_some_and(joins);
    if *gap != Spacing::None && last.is_some_and(|c| !c.is_whitespace()) && !joined {
        writer.text(" ");
    }
    *gap = Spacing::None;
}

/// Returns, in brackets, the number or mail address of a link whose words do not contain it.
fn hidden_address(link: &NodeRef) -> Option<String> {
    let target = link.attr("href")?;
    let (scheme, address) = target.split_once(':')?;
    let is_number = match scheme.to_ascii_lowercase().as_str() {
        "tel" => true,
        "mailto" => false,
        _ => return None,
    };
    let address = address.split('?').next().unwrap_or_default().trim();
    let words = link.text();
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let is_said = match is_number {
        // The same number may start with the country code.
        true => {
            let number = digits(address);
            let last = number.len().saturating_sub(8);
            digits(&words).ends_with(&number[last..])
        }
        false => words.to_lowercase().contains(&address.to_lowercase()),
    };
    if address.is_empty() || is_said {
        return None;
    }
    Some(match words.chars().next_back().is_some_and(joins) {
        true => format!("（{address}）"),
        false => format!(" ({address})"),
    })
}

/// Returns a term and its meaning on one line, `term：meaning`, if both are plain words and the term is not a question.
/// Terms with a common meaning are written together before it.
fn defined(term: &NodeRef) -> Option<String> {
    let mut terms = vec![one_line(&term.text())];
    let mut above = *term;
    while let Some(before) = above
        .prev_element_sibling()
        .filter(|node| node.has_name("dt"))
    {
        terms.insert(0, one_line(&before.text()));
        above = before;
    }
    if term
        .next_element_sibling()
        .is_some_and(|next| next.has_name("dt"))
    {
        // The last term of the group is written with the others.
        return Some(String::new());
    }
    let mut meanings: Vec<String> = Vec::new();
    let mut next = term.next_element_sibling();
    while let Some(meaning) = next.filter(|node| node.has_name("dd")) {
        let is_words = !meaning.descendants_it().any(|node| {
            let name = node.node_name();
            name.is_some_and(|name| {
                matches!(name.as_ref(), "ul" | "ol" | "table" | "pre" | "dl" | "a")
            })
        });
        if !is_words {
            return None;
        }
        meanings.push(cell_text(&meaning).ok()?);
        next = meaning.next_element_sibling();
    }
    let is_question = terms.iter().any(|term| questions::is_question(term));
    if meanings.is_empty() || is_question {
        return None;
    }
    let is_cjk = terms
        .iter()
        .chain(&meanings)
        .any(|text| text.chars().any(ken_text::text::is_cjk));
    let (comma, colon, gap) = if is_cjk {
        ("、", "：", "")
    } else {
        (", ", ": ", " ")
    };
    Some(format!(
        "{}{colon}{}",
        terms.join(comma),
        meanings.join(gap)
    ))
}

/// Returns whether a meaning was written with its term.
fn is_defined(meaning: &NodeRef) -> bool {
    let mut above = meaning.prev_element_sibling();
    while let Some(node) = above {
        match node.node_name().as_deref() {
            Some("dt") => return defined(&node).is_some(),
            Some("dd") => above = node.prev_element_sibling(),
            _ => return false,
        }
    }
    false
}

/// Returns whether a table contains data. Tables with one cell, with the role of presentation, or with inner tables and
/// without column names are layout.
fn is_data(table: &NodeRef) -> bool {
    let is_presentation = table
        .attr("role")
        .is_some_and(|role| matches!(role.as_ref(), "presentation" | "none"));
    let (mut n_cells, mut has_names, mut has_tables) = (0, false, false);
    for node in table.descendants_it() {
        match node.node_name().as_deref() {
            Some("table") => has_tables = true,
            Some("th") => (n_cells, has_names) = (n_cells + 1, has_names || !has_tables),
            Some("td") => n_cells += 1,
            _ => {}
        }
    }
    !is_presentation && n_cells > 1 && (has_names || !has_tables)
}

/// The deepest nesting of tables in cells. Deeper ones are read as running text.
const MAX_NESTED: usize = 4;

fn table(writer: &mut Writer, table: &NodeRef) -> Result<(), IngestError> {
    let is_caption = |node: &NodeRef| node.has_name("caption");
    if let Some(caption) = table.children_it(false).find(is_caption) {
        writer.paragraph(&one_line(&caption.text()));
    }
    grid_of(table, 0)?.write(writer);
    Ok(())
}

fn grid_of(table: &NodeRef, depth: usize) -> Result<Grid, IngestError> {
    let mut grid = Grid::default();
    let mut in_header = true;
    for row in rows_of(table) {
        let is_cell = |node: &NodeRef| node.has_name("td") || node.has_name("th");
        let cells: Vec<NodeRef> = row.children_it(false).filter(is_cell).collect();
        let names = row.parent().is_some_and(|parent| parent.has_name("thead"))
            || cells.iter().all(|cell| cell.has_name("th"));
        if in_header && !names {
            grid.end_header();
            in_header = false;
        }
        let mut read = Vec::with_capacity(cells.len());
        for cell in cells {
            let span = |name: &str| cell.attr(name).and_then(|n| n.parse().ok()).unwrap_or(1);
            let text = text_of(&cell, depth)?;
            read.push(Cell::new(text, span("colspan"), span("rowspan")));
        }
        grid.push_cells(read)?;
    }
    Ok(grid)
}

/// Returns the rows of a table, without those of tables in its cells.
fn rows_of<'a>(table: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    let mut rows = Vec::new();
    for child in table.children_it(false) {
        match child.node_name().as_deref() {
            Some("tr") => rows.push(child),
            Some("thead" | "tbody" | "tfoot") => {
                rows.extend(child.children_it(false).filter(|row| row.has_name("tr")))
            }
            _ => {}
        }
    }
    rows
}

fn cell_text(cell: &NodeRef) -> Result<String, IngestError> {
    text_of(cell, MAX_NESTED)
}

/// Returns the text of a cell on one line. Separate lines are joined with separators, and list items with a mark.
fn text_of(cell: &NodeRef, depth: usize) -> Result<String, IngestError> {
    let mut text = String::new();
    let part = |text: &mut String, sign: &str| {
        let end = text.trim_end().len();
        text.truncate(end);
        if !text.is_empty() {
            text.push_str(sign);
        }
    };
    let mut steps = vec![Step::Enter(*cell)];
    while let Some(step) = steps.pop() {
        let (node, enters) = match step {
            Step::Enter(node) => (node, true),
            Step::Leave(node) => (node, false),
        };
        if node.is_text() {
            // A line break in the source is a space; elements separate the lines of a cell.
            let words = one_line(&node.text());
            let has_space = node.text().starts_with(char::is_whitespace);
            if has_space && !text.is_empty() && !text.ends_with(char::is_whitespace) {
                let joined = text.chars().next_back().is_some_and(joins)
                    && words.chars().next().is_some_and(joins);
                text.push_str(if joined { "" } else { " " });
            }
            text.push_str(&words);
            if node.text().ends_with(char::is_whitespace) && !words.is_empty() {
                text.push(' ');
            }
            continue;
        }
        let name = node.node_name();
        match (name.as_deref(), enters) {
            (Some("br"), _) => part(&mut text, " "),
            (Some("sup"), true) => {
                text.push_str(&raised(&one_line(&node.text())));
                continue;
            }
            (Some("sub"), true) => {
                text.push_str(&lowered(&one_line(&node.text())));
                continue;
            }
            (Some("table"), true) if depth < MAX_NESTED => {
                part(&mut text, " ");
                text.push_str(&grid_of(&node, depth + 1)?.flat());
                text.push(' ');
                continue;
            }
            (Some("li"), true) => {
                let is_cjk = text.chars().any(joins);
                let is_first = node.prev_element_sibling().is_none();
                part(
                    &mut text,
                    if is_first {
                        " "
                    } else if is_cjk {
                        "、"
                    } else {
                        ", "
                    },
                );
            }
            (Some("img"), true) => text.push_str(&node.attr_or("alt", "")),
            (Some("a"), false) => text.extend(hidden_address(&node)),
            (Some(name), _) if is_block(name) => part(&mut text, " "),
            _ => {}
        }
        if enters {
            steps.push(Step::Leave(node));
            steps.extend(node.children_it(true).map(Step::Enter));
        }
    }
    Ok(one_line(&text))
}

#[cfg(test)]
mod tests {
    fn text(raw: &str) -> String {
        super::extract(raw).unwrap().text
    }

    #[test]
    fn collapsible_panel_is_content_and_its_control_a_heading() {
        let page = "<body><div><h2>配送</h2><h3><button aria-expanded=false aria-controls=x>能寄離島嗎？</button></h3>\
            <div id=x hidden><p>可以，五天到。</p></div><div hidden>舊公告</div></div></body>";
        assert_eq!(text(page), "配送\n\n能寄離島嗎？\n\n可以，五天到。");
        let tabs = "<main><h1>保固</h1><div role=tablist><a role=tab href='#a'>風扇</a><a role=tab href='#b'>燈</a></div>\
            <div role=tabpanel id=a><p>一年。</p></div><div role=tabpanel id=b style='display:none'><p>兩年。</p></div></main>";
        assert_eq!(text(tabs), "保固\n\n風扇\n\n一年。\n\n燈\n\n兩年。");
    }

    #[test]
    fn json_ld_faq_is_used_only_when_page_does_not_show_it() {
        let script = r#"<script type="application/ld+json">{"@graph":[{"@type":"FAQPage","mainEntity":{"@type":"Question",
            "name":"有發票嗎？","acceptedAnswer":{"text":"<p>有，<b>電子</b>發票。</p>"}}}]}</script>"#;
        let page = format!("<head>{script}</head><body><div id=app></div></body>");
        assert_eq!(text(&page), "有發票嗎？\n\n有，電子發票。");
        let shown = format!(
            "<head>{script}</head><body><main><h2>有發票嗎？</h2><p>有。</p></main></body>"
        );
        assert_eq!(text(&shown), "有發票嗎？\n\n有。");
    }

    #[test]
    fn superscripts_and_subscripts_stay_apart_from_figures() {
        let page = "<main><p>年費 800<sup>1</sup> 元，面積 20 m<sup>2</sup>，CO<sub>2</sub>，5<sup>th</sup></p></main>";
        assert_eq!(text(page), "年費 800¹ 元，面積 20 m²，CO₂，5th");
    }

    #[test]
    fn html_strikethrough_and_ruby_readings_are_dropped() {
        let page = "<main><p>售價 <s>500</s> <ruby>筲<rp>(</rp><rt>shāo</rt></ruby>箕灣</p></main>";
        assert_eq!(text(page), "售價 筲箕灣");
    }

    #[test]
    fn definitions_and_link_targets_stay_with_their_terms() {
        let page = "<main><dl><dt>猶豫期<dd>七天。<dt>定金<dd>兩成。<dd>不退。</dl></main>";
        assert_eq!(text(page), "猶豫期：七天。\n\n定金：兩成。不退。");
        let page = "<main><p><a href='tel:+886-2-1234-5678'>來電</a>，<a href='tel:0212345678'>02-1234-5678</a>，\
            <a href='mailto:a@b.example?subject=x'>write</a></p></main>";
        assert_eq!(
            text(page),
            "來電（+886-2-1234-5678），02-1234-5678，write (a@b.example)"
        );
    }

    #[test]
    fn table_cell_lines_lists_and_tables_are_separated() {
        let page = "<main><table><caption>營業時間</caption><tr><th>店<th>時間<th>證件\
            <tr><td>東店<td>平日 9-18<br>假日 10-17<td><ul><li>健保卡<li>駕照</ul>\
            <tr><td>西店<td><table><tr><th>日<th>時<tr><td>週一<td>休</table><td>無</table></main>";
        assert_eq!(
            text(page),
            "營業時間\n\n| 店 | 時間 | 證件 |\n| 東店 | 平日 9-18 假日 10-17 | 健保卡、駕照 |\n| 西店 | 週一，時：休 | 無 |"
        );
    }

    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(extract(html).unwrap().text, expected, "{html}");
    }

    #[test]
    fn html_main_content_is_extracted_without_page_frame() {
        check(
            "<html><head><title>退貨</title><script>x()</script></head><body><header>商店</header>\
             <nav><a href=/>首頁</a></nav><main><h1>退貨</h1><p>七天內\n可退。</p></main>\
             <footer>版權所有</footer></body></html>",
            "退貨\n\n七天內可退。",
        );
    }

    #[test]
    fn html_whitespace_is_preserved_for_latin_and_dropped_for_han() {
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
    fn link_span_covers_anchor_text() {
        let found = extract("<p>請見<a href='https://x.test/a'>運費說明</a>。</p>").unwrap();
        let link = &found.links[0];
        assert_eq!(link.span.slice(&found.text), Some("運費說明"));
        assert_eq!(link.url, "https://x.test/a");
    }
}
