use std::borrow::Cow;

use undoc::model::{
    Block as OfficeBlock, Document, ListType, Paragraph, RevisionType, Table, TextRun,
};

use super::grid::{Cell, Grid};
use super::writer::{Writer, lowered, one_line, raised};
use super::{BlockKind, Extracted, IngestError};

/// Word documents and presentations, through [`undoc`]. Running headers and footers are left out; a slide is a
/// page, its name a heading, its speaker's notes follow its text.
pub fn extract(bytes: &[u8], format: &'static str) -> Result<Extracted, IngestError> {
    let document = undoc::parse_bytes(bytes).map_err(|error| match error {
        undoc::Error::Encrypted => IngestError::PasswordProtected,
        error => IngestError::damaged(format, error),
    })?;
    let mut writer = Writer::default();
    let is_slides = format == "PPTX";
    for (number, section) in (1..).zip(&document.sections) {
        if is_slides {
            writer.page(number);
        }
        for block in &section.content {
            write(&mut writer, block)?;
        }
        for note in section.notes.iter().flatten() {
            paragraph(&mut writer, note);
        }
        end_lists(&mut writer);
    }
    let title = title_of(&document);
    let mut extracted = writer.finish();
    let has_heading = extracted
        .blocks
        .iter()
        .any(|block| block.kind == BlockKind::Heading(1));
    if !has_heading {
        extracted.title = title;
    }
    Ok(extracted)
}

fn title_of(document: &Document) -> Option<String> {
    let title = one_line(document.metadata.title.as_deref()?);
    // What word processors call a document that nobody named.
    let is_named =
        !title.is_empty() && !title.starts_with("PowerPoint ") && title != "Word Document";
    is_named.then_some(title)
}

fn write(writer: &mut Writer, block: &OfficeBlock) -> Result<(), IngestError> {
    match block {
        OfficeBlock::Paragraph(paragraph) => self::paragraph(writer, paragraph),
        OfficeBlock::Table(table) => {
            end_lists(writer);
            self::table(writer, table)?;
        }
        OfficeBlock::Note { content, .. } => {
            end_lists(writer);
            content.iter().for_each(|note| paragraph(writer, note));
        }
        OfficeBlock::PageBreak | OfficeBlock::SectionBreak | OfficeBlock::Image { .. } => {
            end_lists(writer)
        }
    }
    Ok(())
}

fn paragraph(writer: &mut Writer, paragraph: &Paragraph) {
    if paragraph.is_empty() {
        return;
    }
    if paragraph.is_heading() {
        end_lists(writer);
        writer.heading(
            paragraph.heading.level(),
            &one_line(&paragraph.plain_text()),
        );
        return;
    }
    if let Some((depth, first)) = list_of(paragraph) {
        while writer.depth() > depth {
            writer.end_list();
        }
        while writer.depth() < depth {
            writer.start_list(first);
        }
        writer.start_item();
        runs(writer, paragraph);
        writer.end_item();
        return;
    }
    end_lists(writer);
    let is_code = is_code(paragraph);
    // A program of several lines is several paragraphs in a word processor.
    match is_code && writer.is_code() {
        true => writer.new_line(),
        false => writer.open(if is_code {
            BlockKind::Code
        } else {
            BlockKind::Paragraph
        }),
    }
    runs(writer, paragraph);
    if !is_code {
        writer.close();
    }
}

/// The depth of the list that a paragraph is an item of, from 1, and its number where it has one. Where the numbers
/// come from a style (`List Number`, `List Bullet 2`) the paragraph itself says nothing of a list.
fn list_of(paragraph: &Paragraph) -> Option<(usize, Option<u64>)> {
    if let Some(list) = &paragraph.list_info {
        let number = matches!(list.list_type, ListType::Numbered);
        let first = number.then(|| u64::from(list.number.unwrap_or(1)));
        return Some((usize::from(list.level) + 1, first));
    }
    let style = style_of(paragraph);
    let (rest, first) = match style.strip_prefix("list number") {
        Some(rest) => (rest, Some(1)),
        None => (style.strip_prefix("list bullet")?, None),
    };
    Some((rest.trim().parse().unwrap_or(1).clamp(1, 9), first))
}

fn style_of(paragraph: &Paragraph) -> String {
    let name = paragraph
        .style_name
        .as_deref()
        .or(paragraph.style_id.as_deref());
    name.unwrap_or_default().to_lowercase()
}

fn is_code(paragraph: &Paragraph) -> bool {
    const STYLES: [&str; 4] = ["code", "preformatted", "macro text", "plain text"];
    let style = style_of(paragraph);
    let mut words = paragraph
        .runs
        .iter()
        .filter(|run| !run.text.trim().is_empty());
    STYLES.iter().any(|code| style.contains(code)) || words.all(|run| run.style.code)
}

fn runs(writer: &mut Writer, paragraph: &Paragraph) {
    for run in &paragraph.runs {
        let said = shown(run);
        if said.is_empty() && !run.line_break {
            continue;
        }
        match &run.hyperlink {
            Some(url) => writer.start_link(url),
            None => writer.end_link(),
        }
        writer.text(&said);
        if run.line_break {
            writer.new_line();
        }
    }
    writer.end_link();
}

fn table(writer: &mut Writer, table: &Table) -> Result<(), IngestError> {
    grid_of(table, 0)?.write(writer);
    Ok(())
}

/// Tables in cells of cells deeper than this are left out: they are layout, and hostile files nest without end.
const MAX_NESTED: usize = 4;

fn grid_of(table: &Table, depth: usize) -> Result<Grid, IngestError> {
    let mut grid = Grid::default();
    let mut in_header = true;
    for row in &table.rows {
        if in_header && !row.is_header {
            grid.end_header();
            in_header = false;
        }
        let mut cells = Vec::with_capacity(row.cells.len());
        for cell in &row.cells {
            let mut lines: Vec<String> = cell.content.iter().map(words).collect();
            for nested in cell.nested_tables.iter().filter(|_| depth < MAX_NESTED) {
                lines.push(grid_of(nested, depth + 1)?.flat());
            }
            lines.retain(|line| !line.is_empty());
            let (columns, rows) = (cell.col_span as usize, cell.row_span as usize);
            cells.push(Cell::new(lines.join(" "), columns, rows));
        }
        grid.push_cells(cells)?;
    }
    Ok(grid)
}

/// What a paragraph says, on one line.
fn words(paragraph: &Paragraph) -> String {
    let mut said = String::new();
    for run in &paragraph.runs {
        said.push_str(&shown(run));
        if run.line_break {
            said.push(' ');
        }
    }
    one_line(&said)
}

/// What a run shows to a reader: nothing where it is deleted or struck out; raised and lowered figures as characters of their
/// own, so that a note's mark does not become part of a price.
fn shown(run: &TextRun) -> Cow<'_, str> {
    if matches!(run.revision, RevisionType::Deleted) || run.style.strikethrough {
        return Cow::Borrowed("");
    }
    match (run.style.superscript, run.style.subscript) {
        (true, _) => Cow::Owned(raised(&run.text)),
        (_, true) => Cow::Owned(lowered(&run.text)),
        _ => Cow::Borrowed(&run.text),
    }
}

fn end_lists(writer: &mut Writer) {
    while writer.in_list() {
        writer.end_list();
    }
}
