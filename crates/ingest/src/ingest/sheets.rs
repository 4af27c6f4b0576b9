//! Properties of a workbook's sheets that calamine does not read: hidden rows and columns, merged cells.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Cursor, Read, Seek};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

/// The most rows or columns that one element of an ODS file may represent; further repetitions are empty.
const MAX_REPEATED: u32 = 100_000;

/// The properties of one sheet. Rows and columns count from 0.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SheetMarks {
    /// The hidden rows.
    pub hidden_rows: HashSet<u32>,
    /// The hidden columns.
    pub hidden_columns: HashSet<u32>,
    /// The first and last row and column of each merged cell.
    pub merged: Vec<((u32, u32), (u32, u32))>,
    /// The displayed text of cells, by row and column, if the file contains it (ODS).
    pub shown: HashMap<(u32, u32), String>,
}

/// Returns the properties of each sheet by its name. A sheet that cannot be read has none.
pub fn marks(bytes: &[u8], format: &str) -> HashMap<String, SheetMarks> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return HashMap::new();
    };
    match format {
        "XLSX" => of_xlsx(&mut archive),
        _ => of_ods(&mut archive),
    }
    .unwrap_or_default()
}

fn of_xlsx<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Option<HashMap<String, SheetMarks>> {
    let mut sheets: Vec<(String, String)> = Vec::new();
    each(archive, "xl/workbook.xml", |name, element| {
        if name == "sheet" {
            sheets.extend(value(element, "name").zip(value(element, "r:id")));
        }
    })?;
    let mut paths: HashMap<String, String> = HashMap::new();
    each(archive, "xl/_rels/workbook.xml.rels", |_, element| {
        paths.extend(value(element, "Id").zip(value(element, "Target")));
    })?;
    let mut found = HashMap::new();
    for (name, id) in sheets {
        let Some(target) = paths.get(&id) else {
            continue;
        };
        let path = match target.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None => format!("xl/{target}"),
        };
        let (mut marks, mut row) = (SheetMarks::default(), 0);
        each(archive, &path, |name, element| {
            let number = |key: &str| value(element, key).and_then(|n| n.parse::<u32>().ok());
            match name {
                "col" if is_true(element, "hidden") => {
                    let (first, last) = (number("min").unwrap_or(1), number("max").unwrap_or(1));
                    let last = last.min(first.saturating_add(MAX_REPEATED));
                    marks.hidden_columns.extend(first.saturating_sub(1)..last);
                }
                "row" => {
                    row = number("r").unwrap_or(row + 1);
                    if is_true(element, "hidden") {
                        marks.hidden_rows.insert(row.saturating_sub(1));
                    }
                }
                "mergeCell" => marks
                    .merged
                    .extend(value(element, "ref").and_then(|range| corners(&range))),
                _ => {}
            }
        });
        found.insert(name, marks);
    }
    Some(found)
}

fn of_ods<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Option<HashMap<String, SheetMarks>> {
    let file = archive.by_name("content.xml").ok()?;
    let mut reader = Reader::from_reader(BufReader::new(file));
    let mut buffer = Vec::new();
    let mut sheets = Sheets::default();
    loop {
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(element) => {
                let name = element.local_name();
                sheets.begin(name.as_ref(), &element, false);
            }
            Event::Empty(element) => {
                let name = element.local_name();
                sheets.begin(name.as_ref(), &element, true);
            }
            Event::End(element) => {
                let name = element.local_name();
                sheets.end(name.as_ref());
            }
            Event::Text(text) => sheets.text(&text),
            Event::GeneralRef(entity) => {
                let character = match entity.resolve_char_ref().ok()? {
                    Some(character) => character,
                    None => match &*entity {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => ' ',
                    },
                };
                sheets.text(character.encode_utf8(&mut [0; 4]));
            }
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    sheets.found.insert(sheets.name, sheets.marks);
    Some(sheets.found)
}

/// In at most this many rows, and columns, of equal cells the displayed text is repeated.
const MAX_SHOWN: u32 = 100;

/// The state while an ODS file's elements are read.
#[derive(Default)]
struct Sheets {
    found: HashMap<String, SheetMarks>,
    name: String,
    marks: SheetMarks,
    row: u32,
    /// How many rows the open one represents.
    n_rows: u32,
    column: u32,
    /// The place of the open cell, and its displayed text so far.
    cell: Option<((u32, u32), String)>,
    /// How many columns the open cell represents.
    n_columns: u32,
    /// Whether the reader is inside a comment on a cell.
    in_comment: bool,
    in_paragraph: bool,
}

impl Sheets {
    fn begin(&mut self, name: &str, element: &BytesStart<'_>, is_empty: bool) {
        let count = |key: &str| {
            let n = value(element, key).and_then(|n| n.parse::<u32>().ok());
            n.unwrap_or(1).min(MAX_REPEATED)
        };
        let is_hidden = || value(element, "table:visibility").is_some_and(|how| how != "visible");
        match name {
            "table" => {
                let marks = std::mem::take(&mut self.marks);
                self.found.insert(std::mem::take(&mut self.name), marks);
                self.name = value(element, "table:name").unwrap_or_default();
                (self.row, self.n_rows, self.column) = (0, 0, 0);
            }
            "table-column" => {
                let (from, n) = (self.column, count("table:number-columns-repeated"));
                if is_hidden() {
                    self.marks
                        .hidden_columns
                        .extend(from..from.saturating_add(n));
                }
                self.column = from.saturating_add(n);
            }
            "table-row" => {
                self.row = self.row.saturating_add(self.n_rows);
                self.n_rows = count("table:number-rows-repeated");
                self.column = 0;
                if is_hidden() {
                    let end = self.row.saturating_add(self.n_rows);
                    self.marks.hidden_rows.extend(self.row..end);
                }
            }
            "table-cell" | "covered-table-cell" => {
                let (columns, rows) = (
                    count("table:number-columns-spanned"),
                    count("table:number-rows-spanned"),
                );
                let place = (self.row, self.column);
                if columns > 1 || rows > 1 {
                    let end = (
                        place.0.saturating_add(rows - 1),
                        place.1.saturating_add(columns - 1),
                    );
                    self.marks.merged.push((place, end));
                }
                self.n_columns = count("table:number-columns-repeated");
                self.column = place.1.saturating_add(self.n_columns);
                self.cell = (!is_empty).then(|| (place, String::new()));
            }
            "annotation" => self.in_comment = !is_empty,
            "p" if !is_empty => {
                self.in_paragraph = true;
                if let Some((_, shown)) = &mut self.cell
                    && !self.in_comment
                    && !shown.is_empty()
                {
                    shown.push('\n');
                }
            }
            "s" => {
                let n = value(element, "text:c").and_then(|n| n.parse().ok());
                self.text(&" ".repeat(n.unwrap_or(1).clamp(1, 100)));
            }
            "line-break" => self.text("\n"),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "annotation" => self.in_comment = false,
            "p" => self.in_paragraph = false,
            "table-cell" | "covered-table-cell" => {
                let shown = self.cell.take().filter(|(_, shown)| !shown.is_empty());
                let Some(((row, column), shown)) = shown else {
                    return;
                };
                // Equal neighbours are stored once in the file.
                for y in row..row.saturating_add(self.n_rows.min(MAX_SHOWN)) {
                    for x in column..column.saturating_add(self.n_columns.min(MAX_SHOWN)) {
                        self.marks.shown.insert((y, x), shown.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, shown)) = &mut self.cell
            && self.in_paragraph
            && !self.in_comment
        {
            shown.push_str(text);
        }
    }
}

/// Calls a function with the local name of each opening element.
fn each<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    mut take: impl FnMut(&str, &BytesStart<'_>),
) -> Option<()> {
    let file = archive.by_name(path).ok()?;
    let mut reader = Reader::from_reader(BufReader::new(file));
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.local_name();
                take(name.as_ref(), &element);
            }
            Event::Eof => return Some(()),
            _ => {}
        }
        buffer.clear();
    }
}

fn value(element: &BytesStart<'_>, key: &str) -> Option<String> {
    let attribute = element.try_get_attribute(key).ok()??;
    Some(
        attribute
            .normalized_value(XmlVersion::default())
            .ok()?
            .into_owned(),
    )
}

fn is_true(element: &BytesStart<'_>, key: &str) -> bool {
    value(element, key).is_some_and(|flag| flag == "1" || flag == "true")
}

/// Returns the corners of a range such as `B2:D5`, as row and column from 0.
fn corners(range: &str) -> Option<((u32, u32), (u32, u32))> {
    let (first, last) = range.split_once(':')?;
    Some((place(first)?, place(last)?))
}

fn place(name: &str) -> Option<(u32, u32)> {
    let split = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = name.split_at(split);
    let column = letters.bytes().try_fold(0_u32, |sum, letter| {
        let digit = u32::from(letter.to_ascii_uppercase()).checked_sub(64)?;
        sum.checked_mul(26)?.checked_add(digit)
    })?;
    let row: u32 = digits.parse().ok()?;
    Some((row.checked_sub(1)?, column.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_range_is_parsed_to_corners() {
        for (range, expected) in [
            ("A1:B2", Some(((0, 0), (1, 1)))),
            ("Z9:AB12", Some(((8, 25), (11, 27)))),
            ("A1", None),
            ("A0:B1", None),
        ] {
            assert_eq!(corners(range), expected, "{range}");
        }
    }
}
