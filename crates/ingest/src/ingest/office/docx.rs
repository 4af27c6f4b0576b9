//! Word documents: paragraphs, lists with Word's numbering, tables by their grid, notes, text boxes, formulas.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::grid::{Cell, Grid, MAX_SPAN, cell_lines};
use super::super::writer::{Writer, lowered, one_line, raised};
use super::super::{BlockKind, IngestError};
use super::numbering::{ListLabel, Numbering};
use super::{
    MAX_DEPTH, MAX_NESTED, Package, Relationship, attribute, child, diagram, end_lists, formula,
    is, parsed, switch, value,
};

/// A short bold paragraph without the end of a sentence is a heading up to this many characters.
const MAX_BOLD_HEADING: usize = 40;
/// Styles of code paragraphs.
const CODE_STYLES: [&str; 4] = ["code", "preformatted", "macro text", "plain text"];
/// Fonts of code.
const CODE_FONTS: [&str; 9] = [
    "consolas",
    "courier",
    "menlo",
    "monaco",
    "source code pro",
    "lucida console",
    "dejavu sans mono",
    "liberation mono",
    "noto sans mono",
];

/// Writes the document whose main part is `main`.
pub fn write(writer: &mut Writer, package: &mut Package, main: &str) -> Result<(), IngestError> {
    let format = package.format;
    let relations = package.relations(main)?;
    let part = |kind: &str| {
        let found = relations
            .values()
            .find(|r| !r.is_external && r.kind.ends_with(kind));
        found.map(|relation| relation.target.clone())
    };
    let mut read = |kind: &str| match part(kind) {
        Some(name) => package.part(&name),
        None => Ok(None),
    };
    let (styles, numbering) = (read("/styles")?, read("/numbering")?);
    let (footnotes, endnotes) = (read("/footnotes")?, read("/endnotes")?);
    let xml = package.needed(main)?;
    let document = parsed(&xml, format)?;
    let styles = match &styles {
        Some(xml) => Styles::read(parsed(xml, format)?.root_element()),
        None => Styles::default(),
    };
    let numbering = match &numbering {
        Some(xml) => Numbering::read(parsed(xml, format)?.root_element()),
        None => Numbering::default(),
    };
    let mut reader = DocxReader {
        writer,
        package,
        relations: &relations,
        styles,
        numbering,
        lists: Vec::new(),
        notes: HashMap::new(),
        level: 0,
    };
    for (kind, xml) in [("footnote", &footnotes), ("endnote", &endnotes)] {
        let Some(xml) = xml else { continue };
        let notes = parsed(xml, format)?;
        for note in notes.root_element().children() {
            // Notes with a type are the separator lines above the notes.
            if let (Some(id), None) = (attribute(note, "id"), attribute(note, "type")) {
                let run_text = reader.text_of(note)?;
                reader.notes.insert((kind, id.to_owned()), run_text);
            }
        }
    }
    let body = child(document.root_element(), "body");
    let body = body.ok_or_else(|| IngestError::damaged(format, "missing body"))?;
    reader.blocks(body, 0)?;
    end_lists(reader.writer);
    Ok(())
}

/// The properties of a style, including those of the styles it is based on.
#[derive(Debug, Clone, Default)]
struct Style {
    name: String,
    /// The heading level, from 1.
    heading: Option<u8>,
    list: Option<(String, usize)>,
    is_hidden: bool,
    is_struck: bool,
    is_bold: bool,
    is_code: bool,
}

#[derive(Debug, Default)]
struct Styles {
    by_id: HashMap<String, Style>,
    /// The style of paragraphs that name none.
    usual: Style,
}

impl Styles {
    fn read(root: Node) -> Self {
        let nodes: HashMap<&str, Node> = root
            .children()
            .filter(|node| is(*node, "style"))
            .filter_map(|node| Some((attribute(node, "styleId")?, node)))
            .collect();
        let mut styles = Self::default();
        for (id, node) in &nodes {
            let style = Self::complete(&nodes, *node);
            let is_usual = matches!(attribute(*node, "default"), Some("1" | "true"))
                && attribute(*node, "type") == Some("paragraph");
            if is_usual {
                styles.usual = style.clone();
            }
            styles.by_id.insert((*id).to_owned(), style);
        }
        styles
    }

    fn complete(nodes: &HashMap<&str, Node>, node: Node) -> Style {
        let mut chain = vec![node];
        while let Some(base) = value(chain[chain.len() - 1], "basedOn")
            && let Some(base) = nodes.get(base)
            && chain.len() < 20
        {
            chain.push(*base);
        }
        let mut style = Style::default();
        for node in chain.into_iter().rev() {
            let name = value(node, "name").unwrap_or_default().to_lowercase();
            if let Some(properties) = child(node, "pPr") {
                if let Some(level) = value(properties, "outlineLvl").and_then(|l| l.parse().ok()) {
                    style.heading = heading(level);
                }
                style.list = list_of(properties).or(style.list);
            }
            if let Some(properties) = child(node, "rPr") {
                style.is_hidden = switch(properties, "vanish").unwrap_or(style.is_hidden);
                style.is_struck = is_struck(properties).unwrap_or(style.is_struck);
                style.is_bold = switch(properties, "b").unwrap_or(style.is_bold);
                style.is_code |= has_code_font(properties);
            }
            style.heading = named_heading(&name).or(style.heading);
            style.is_code |= CODE_STYLES.iter().any(|code| name.contains(code));
            style.name = name;
        }
        style
    }

    fn get(&self, id: Option<&str>) -> &Style {
        id.and_then(|id| self.by_id.get(id)).unwrap_or(&self.usual)
    }
}

/// Returns the heading level of Word's outline level, which counts from 0; 9 is body text.
fn heading(level: u8) -> Option<u8> {
    (level < 9).then(|| (level + 1).min(6))
}

/// Returns the heading level of style names that programs use without an outline level.
fn named_heading(name: &str) -> Option<u8> {
    if name == "title" {
        return Some(1);
    }
    let rest = ["heading", "標題", "标题"]
        .iter()
        .find_map(|word| name.strip_prefix(word))?;
    let level: u8 = rest.trim().parse().ok()?;
    Some(level.clamp(1, 6))
}

fn list_of(properties: Node) -> Option<(String, usize)> {
    let list = child(properties, "numPr")?;
    let level = value(list, "ilvl").and_then(|level| level.parse().ok());
    Some((value(list, "numId")?.to_owned(), level.unwrap_or(0)))
}

fn is_struck(properties: Node) -> Option<bool> {
    switch(properties, "strike").or_else(|| switch(properties, "dstrike"))
}

fn has_code_font(properties: Node) -> bool {
    let font = child(properties, "rFonts").and_then(|fonts| attribute(fonts, "ascii"));
    let font = font.unwrap_or_default().to_lowercase();
    CODE_FONTS.iter().any(|code| font.starts_with(code))
}

/// Text with uniform formatting.
#[derive(Debug, Clone, Default, PartialEq)]
struct Run {
    text: String,
    url: Option<String>,
    is_bold: bool,
    is_code: bool,
}

/// The content of a paragraph.
#[derive(Default)]
struct Paragraph<'a, 'x> {
    runs: Vec<Run>,
    boxes: Vec<Node<'a, 'x>>,
    notes: Vec<(&'static str, String)>,
    diagrams: Vec<String>,
    /// The address of an open field, and whether its result has started.
    field: Option<(String, bool)>,
}

impl Paragraph<'_, '_> {
    fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }
}

/// An open list: its number, its level, and whether it is numbered.
struct List {
    number: String,
    level: usize,
    is_numbered: bool,
}

struct DocxReader<'r, 'p> {
    writer: &'r mut Writer,
    package: &'r mut Package<'p>,
    relations: &'r HashMap<String, Relationship>,
    styles: Styles,
    numbering: Numbering,
    lists: Vec<List>,
    /// Footnotes and endnotes by their ids.
    notes: HashMap<(&'static str, String), String>,
    /// The level of the last heading.
    level: u8,
}

impl DocxReader<'_, '_> {
    fn blocks(&mut self, node: Node, depth: usize) -> Result<(), IngestError> {
        if depth > MAX_DEPTH {
            return Err(IngestError::too_deep("DOCX"));
        }
        for node in node.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" => self.paragraph(node, depth)?,
                "tbl" => {
                    end_lists(self.writer);
                    self.lists.clear();
                    let mut notes = Vec::new();
                    self.table(node, 0, &mut notes)?.write(self.writer);
                    self.write_notes(notes);
                }
                "sdt" if is_contents(node) => {}
                "AlternateContent" => {
                    if let Some(choice) = chosen(node) {
                        self.blocks(choice, depth + 1)?;
                    }
                }
                "sdt" | "sdtContent" | "ins" | "moveTo" | "customXml" | "smartTag" => {
                    self.blocks(node, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, node: Node, depth: usize) -> Result<(), IngestError> {
        let properties = child(node, "pPr");
        let style = properties.and_then(|p| value(p, "pStyle"));
        let style = self.styles.get(style).clone();
        // Lines of a table of contents.
        if style.name.starts_with("toc ") {
            return Ok(());
        }
        let mut content = Paragraph::default();
        self.inline(node, &style, None, &mut content, 0)?;
        let label = self.label(properties, &style);
        let text = content.text();
        let outline = properties.and_then(|p| value(p, "outlineLvl"));
        let outline = outline.and_then(|level| level.parse().ok());
        let level = match outline {
            Some(level) => heading(level),
            None => style.heading,
        };
        if !text.trim().is_empty() {
            self.written(&content, &style, level, label);
        }
        for points in std::mem::take(&mut content.diagrams) {
            let points = diagram(self.package, &points)?;
            self.end_lists();
            self.writer.start_list(None);
            for point in points {
                self.writer.start_item();
                self.writer.text(&point);
                self.writer.end_item();
            }
            self.end_lists();
        }
        for inner in content.boxes {
            self.blocks(inner, depth + 1)?;
        }
        self.write_notes(content.notes);
        Ok(())
    }

    fn written(
        &mut self,
        content: &Paragraph,
        style: &Style,
        level: Option<u8>,
        label: Option<ItemLabel>,
    ) {
        let text = content.text();
        let spoken = content
            .runs
            .iter()
            .filter(|run| !run.text.trim().is_empty());
        let is_code = style.is_code || spoken.clone().all(|run| run.is_code);
        let is_bold = spoken.clone().all(|run| run.is_bold);
        if let Some(level) = level {
            self.end_lists();
            let label = match label.map(|label| label.label) {
                Some(ListLabel::Number(number)) => format!("{number}. "),
                Some(ListLabel::Text(label)) => label,
                _ => String::new(),
            };
            self.level = level;
            let heading = one_line(&format!("{label}{text}"));
            self.writer.heading(level, &heading);
            return;
        }
        if let Some(label) = label {
            self.item(content, label);
            return;
        }
        self.end_lists();
        let line = one_line(&text);
        let is_sentence = line.ends_with(['。', '；', '，', '：', ':', '.', ';', ',', '！', '!']);
        if is_bold && !is_code && !is_sentence && line.chars().count() <= MAX_BOLD_HEADING {
            self.writer.heading((self.level + 1).clamp(2, 6), &line);
            return;
        }
        // Code of several lines is several paragraphs in a word processor.
        match is_code && self.writer.is_code() {
            true => self.writer.new_line(),
            false => self.writer.open(match is_code {
                true => BlockKind::Code,
                false => BlockKind::Paragraph,
            }),
        }
        self.runs(&content.runs);
        if !is_code {
            self.writer.close();
        }
    }

    /// Returns the label before the paragraph, with its list and level.
    fn label(&mut self, properties: Option<Node>, style: &Style) -> Option<ItemLabel> {
        let own = properties.and_then(list_of);
        let (number, level) = match own {
            // Numbering is switched off.
            Some((number, _)) if number == "0" => return None,
            Some(own) => own,
            None => match &style.list {
                Some(list) => list.clone(),
                None => return usual_list(&style.name),
            },
        };
        let label = self.numbering.next(&number, level)?;
        Some(ItemLabel {
            label,
            number,
            level,
        })
    }

    fn item(&mut self, content: &Paragraph, label: ItemLabel) {
        let ItemLabel {
            label,
            number,
            level,
        } = label;
        let is_numbered = label != ListLabel::Bullet;
        let is_same = |list: &List| list.number == number && list.level == level;
        while let Some(top) = self.lists.last() {
            // Bullets below a number explain it, whatever their level.
            let explains = top.is_numbered && !is_numbered && top.level == level;
            if is_same(top) || top.level < level || explains {
                break;
            }
            self.writer.end_list();
            self.lists.pop();
        }
        let first = match label {
            ListLabel::Number(number) => Some(number),
            _ => None,
        };
        if !self.lists.last().is_some_and(is_same) {
            self.writer.start_list(first);
            self.lists.push(List {
                number,
                level,
                is_numbered,
            });
        }
        match label {
            ListLabel::Bullet => self.writer.start_item(),
            ListLabel::Number(number) => self.writer.start_item_labelled(&format!("{number}. ")),
            ListLabel::Text(label) => self.writer.start_item_labelled(&label),
        }
        self.runs(&content.runs);
        self.writer.end_item();
    }

    fn end_lists(&mut self) {
        end_lists(self.writer);
        self.lists.clear();
    }

    fn runs(&mut self, runs: &[Run]) {
        for run in runs {
            match &run.url {
                Some(url) => self.writer.start_link(url),
                None => self.writer.end_link(),
            }
            for (i, line) in run.text.split('\n').enumerate() {
                if i > 0 {
                    self.writer.new_line();
                }
                self.writer.text(line);
            }
        }
        self.writer.end_link();
    }

    fn write_notes(&mut self, notes: Vec<(&'static str, String)>) {
        for note in notes {
            if let Some(run_text) = self
                .notes
                .get(&note)
                .filter(|run_text| !run_text.is_empty())
            {
                end_lists(self.writer);
                self.lists.clear();
                self.writer.paragraph(run_text);
            }
        }
    }

    /// Reads the content of a paragraph, without deleted, moved, struck-out or hidden text.
    fn inline<'a, 'x>(
        &self,
        node: Node<'a, 'x>,
        style: &Style,
        url: Option<&str>,
        found: &mut Paragraph<'a, 'x>,
        depth: usize,
    ) -> Result<(), IngestError> {
        if depth > MAX_DEPTH {
            return Err(IngestError::too_deep("DOCX"));
        }
        for node in node.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "r" => self.run(node, style, url, found, depth),
                "hyperlink" => {
                    let target = attribute(node, "id").and_then(|id| self.relations.get(id));
                    let target = target.filter(|relation| relation.is_external);
                    let url = target.map(|relation| relation.target.as_str()).or(url);
                    self.inline(node, style, url, found, depth + 1)?;
                }
                "fldSimple" => {
                    let link = attribute(node, "instr").and_then(linked);
                    self.inline(node, style, link.as_deref().or(url), found, depth + 1)?;
                }
                "oMath" => {
                    let mut text = String::new();
                    formula(node, &mut text, depth);
                    found.runs.push(Run {
                        text,
                        ..Run::default()
                    });
                }
                "AlternateContent" => {
                    if let Some(choice) = chosen(node) {
                        self.inline(choice, style, url, found, depth + 1)?;
                    }
                }
                "ins" | "moveTo" | "sdt" | "sdtContent" | "smartTag" | "customXml"
                | "oMathPara" | "dir" | "bdo" => {
                    self.inline(node, style, url, found, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn run<'a, 'x>(
        &self,
        node: Node<'a, 'x>,
        paragraph: &Style,
        url: Option<&str>,
        found: &mut Paragraph<'a, 'x>,
        depth: usize,
    ) {
        let properties = child(node, "rPr");
        let own = properties
            .and_then(|p| value(p, "rStyle"))
            .and_then(|id| self.styles.by_id.get(id));
        let styled = |of: fn(&Style) -> bool| of(paragraph) || own.is_some_and(of);
        let stated = |name: &str| properties.and_then(|p| switch(p, name));
        let is_hidden = stated("vanish").unwrap_or(styled(|style| style.is_hidden));
        let is_struck = properties
            .and_then(is_struck)
            .unwrap_or(styled(|style| style.is_struck));
        if is_hidden || is_struck {
            return;
        }
        let raise = properties.and_then(|p| value(p, "vertAlign"));
        let mut text = String::new();
        for part in node.children().filter(Node::is_element) {
            match part.tag_name().name() {
                "t" => {
                    let run_text = part.text().unwrap_or_default();
                    match raise {
                        Some("superscript") => text.push_str(&raised(run_text)),
                        Some("subscript") => text.push_str(&lowered(run_text)),
                        _ => text.push_str(run_text),
                    }
                }
                "tab" | "ptab" => text.push(' '),
                "br" | "cr" => text.push('\n'),
                "sym" => text.extend(attribute(part, "char").and_then(symbol)),
                "noBreakHyphen" => text.push('-'),
                // The words without their ruby annotation.
                "ruby" => {
                    let base = child(part, "rubyBase").into_iter();
                    let words = base.flat_map(|base| base.descendants());
                    let words = words.filter(|node| is(*node, "t"));
                    text.extend(words.filter_map(|t| t.text()));
                }
                "footnoteReference" | "endnoteReference" => {
                    let kind = match part.tag_name().name() {
                        "footnoteReference" => "footnote",
                        _ => "endnote",
                    };
                    found
                        .notes
                        .extend(attribute(part, "id").map(|id| (kind, id.to_owned())));
                }
                "fldChar" => match attribute(part, "fldCharType") {
                    Some("begin") => found.field = Some((String::new(), false)),
                    Some("separate") => {
                        if let Some((instruction, has_begun)) = &mut found.field {
                            *instruction = linked(instruction).unwrap_or_default();
                            *has_begun = true;
                        }
                    }
                    _ => found.field = None,
                },
                "instrText" => {
                    if let Some((instruction, false)) = &mut found.field {
                        instruction.push_str(part.text().unwrap_or_default());
                    }
                }
                "AlternateContent" => {
                    if let Some(choice) = chosen(part) {
                        self.drawing(choice, found, depth + 1);
                    }
                }
                "drawing" | "pict" | "object" => self.drawing(part, found, depth + 1),
                _ => {}
            }
        }
        if text.is_empty() {
            return;
        }
        let field = match &found.field {
            Some((url, true)) if !url.is_empty() => Some(url.as_str()),
            _ => None,
        };
        found.runs.push(Run {
            text,
            url: url.or(field).map(str::to_owned),
            is_bold: stated("b").unwrap_or(styled(|style| style.is_bold)),
            is_code: properties.is_some_and(has_code_font) || own.is_some_and(|own| own.is_code),
        });
    }

    /// Reads text boxes and diagrams; pictures are skipped.
    fn drawing<'a, 'x>(&self, node: Node<'a, 'x>, found: &mut Paragraph<'a, 'x>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for node in node.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "txbxContent" => found.boxes.push(node),
                "relIds" => {
                    let data = attribute(node, "dm").and_then(|id| self.relations.get(id));
                    found
                        .diagrams
                        .extend(data.map(|relation| relation.target.clone()));
                }
                "AlternateContent" => {
                    if let Some(choice) = chosen(node) {
                        self.drawing(choice, found, depth + 1);
                    }
                }
                _ => self.drawing(node, found, depth + 1),
            }
        }
    }

    /// Returns the whole text of an element on one line.
    fn text_of(&mut self, node: Node) -> Result<String, IngestError> {
        let mut lines = Vec::new();
        let mut notes = Vec::new();
        self.cell(node, 0, &mut lines, &mut notes)?;
        Ok(cell_lines(&lines))
    }

    fn table(
        &mut self,
        node: Node,
        depth: usize,
        notes: &mut Vec<(&'static str, String)>,
    ) -> Result<Grid, IngestError> {
        let mut rows: Vec<(bool, Vec<PlacedCell>)> = Vec::new();
        for row in within(node, "tr") {
            let properties = child(row, "trPr");
            let is_deleted = properties.is_some_and(|p| child(p, "del").is_some());
            if is_deleted || properties.and_then(|p| switch(p, "hidden")) == Some(true) {
                continue;
            }
            let is_header = properties.and_then(|p| switch(p, "tblHeader")) == Some(true);
            let before = properties.and_then(|p| value(p, "gridBefore"));
            let mut column = before.and_then(|n| n.parse().ok()).unwrap_or(0_usize);
            let mut cells: Vec<PlacedCell> = Vec::new();
            if column > 0 {
                cells.push(PlacedCell::empty(0, column));
            }
            for cell in within(row, "tc") {
                let properties = child(cell, "tcPr");
                let span = properties.and_then(|p| value(p, "gridSpan"));
                let span = span.and_then(|n| n.parse().ok()).unwrap_or(1_usize).max(1);
                let merge = properties.and_then(|p| child(p, "vMerge"));
                let continues = merge.is_some_and(|m| attribute(m, "val") != Some("restart"));
                let mut lines = Vec::new();
                self.cell(cell, depth, &mut lines, notes)?;
                cells.push(PlacedCell {
                    column,
                    span,
                    begins: merge.is_some() && !continues,
                    continues,
                    text: cell_lines(&lines),
                });
                column = column.saturating_add(span);
            }
            rows.push((is_header, cells));
        }
        let mut grid = Grid::default();
        let mut in_header = true;
        // By column: how many rows the last started cell still covers.
        let mut open: HashMap<usize, usize> = HashMap::new();
        for (i, (is_header, cells)) in rows.iter().enumerate() {
            if in_header && !is_header {
                grid.end_header();
                in_header = false;
            }
            let reach = |cell: &PlacedCell| {
                let below = rows[i + 1..].iter().take_while(|(_, cells)| {
                    cells
                        .iter()
                        .any(|other| other.continues && other.column == cell.column)
                });
                below.count() + 1
            };
            // A continued cell belongs to the cell above that started it, over all the rows that this one covers.
            let mut own = Vec::with_capacity(cells.len());
            for cell in cells {
                if let Some(left) = open
                    .get_mut(&cell.column)
                    .filter(|left| cell.continues && **left > 0)
                {
                    *left -= 1;
                    continue;
                }
                let n_rows = if cell.begins {
                    reach(cell).min(MAX_SPAN)
                } else {
                    1
                };
                open.insert(cell.column, n_rows - 1);
                own.push(Cell::new(cell.text.clone(), cell.span, n_rows));
            }
            grid.push_cells(own)?;
        }
        Ok(grid)
    }

    fn cell(
        &mut self,
        node: Node,
        depth: usize,
        lines: &mut Vec<String>,
        notes: &mut Vec<(&'static str, String)>,
    ) -> Result<(), IngestError> {
        if depth > MAX_DEPTH {
            return Err(IngestError::too_deep("DOCX"));
        }
        for node in node.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" => {
                    let properties = child(node, "pPr");
                    let style = properties.and_then(|p| value(p, "pStyle"));
                    let style = self.styles.get(style).clone();
                    let mut content = Paragraph::default();
                    self.inline(node, &style, None, &mut content, 0)?;
                    let label = match self.label(properties, &style).map(|label| label.label) {
                        Some(ListLabel::Number(number)) => format!("{number}. "),
                        Some(ListLabel::Text(label)) => label,
                        _ => String::new(),
                    };
                    let text = content.text();
                    let text = text.split('\n').map(one_line);
                    let mut text = text.filter(|line| !line.is_empty());
                    if let Some(first) = text.next() {
                        lines.push(format!("{label}{first}"));
                    }
                    lines.extend(text);
                    notes.append(&mut content.notes);
                    for inner in content.boxes {
                        self.cell(inner, depth + 1, lines, notes)?;
                    }
                }
                "tbl" if depth < MAX_NESTED => {
                    let inner = self.table(node, depth + 1, notes)?.flat();
                    lines.extend(Some(inner).filter(|inner| !inner.is_empty()));
                }
                "AlternateContent" => {
                    if let Some(choice) = chosen(node) {
                        self.cell(choice, depth + 1, lines, notes)?;
                    }
                }
                "sdt" | "sdtContent" | "ins" | "moveTo" | "customXml" | "smartTag" => {
                    self.cell(node, depth + 1, lines, notes)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A label with its list and level.
struct ItemLabel {
    label: ListLabel,
    number: String,
    level: usize,
}

/// Returns the list for numbering that comes from a style alone (`List Bullet 2`), without a definition in the
/// document.
fn usual_list(style: &str) -> Option<ItemLabel> {
    let rest = style.strip_prefix("list bullet")?;
    let depth: usize = rest.trim().parse().unwrap_or(1);
    Some(ItemLabel {
        label: ListLabel::Bullet,
        number: style.to_owned(),
        level: depth.clamp(1, 9) - 1,
    })
}

/// A cell with its place in the table's grid.
struct PlacedCell {
    column: usize,
    span: usize,
    /// Whether it starts a merged cell, or continues one from above.
    begins: bool,
    continues: bool,
    text: String,
}

impl PlacedCell {
    fn empty(column: usize, span: usize) -> Self {
        Self {
            column,
            span,
            begins: false,
            continues: false,
            text: String::new(),
        }
    }
}

/// Returns the children of this name, including those within grouping or marking elements.
fn within<'a, 'x>(node: Node<'a, 'x>, name: &str) -> Vec<Node<'a, 'x>> {
    let mut found = Vec::new();
    for node in node.children().filter(Node::is_element) {
        match node.tag_name().name() {
            here if here == name => found.push(node),
            // Not deeper than in files that people write.
            "sdt" | "sdtContent" | "ins" | "moveTo" | "customXml"
                if node.ancestors().count() < MAX_DEPTH =>
            {
                found.extend(within(node, name));
            }
            _ => {}
        }
    }
    found
}

/// Returns the alternative that Word shows.
fn chosen<'a, 'x>(node: Node<'a, 'x>) -> Option<Node<'a, 'x>> {
    child(node, "Choice").or_else(|| child(node, "Fallback"))
}

/// Returns whether a block is the table of contents.
fn is_contents(node: Node) -> bool {
    let gallery = child(node, "sdtPr")
        .and_then(|properties| child(properties, "docPartObj"))
        .and_then(|part| value(part, "docPartGallery"));
    gallery == Some("Table of Contents")
}

/// Returns the Unicode character of a symbol font's code (Wingdings); others are a small square.
fn symbol(code: &str) -> Option<char> {
    let code = u32::from_str_radix(code, 16).ok()?;
    Some(match code & 0xFF {
        0xFC => '✓',
        0xFB => '✗',
        0xFE => '☑',
        0xFD => '☒',
        0xA8 | 0x6F => '☐',
        0x6C | 0x9F => '•',
        0xE0 | 0xE8 => '→',
        _ => '▪',
    })
}

/// Returns the address in a field's instruction: `HYPERLINK "https://…"`.
fn linked(instruction: &str) -> Option<String> {
    let rest = instruction.trim().strip_prefix("HYPERLINK")?;
    let url = rest.split('"').nth(1)?.trim();
    url.contains(':').then(|| url.to_owned())
}
