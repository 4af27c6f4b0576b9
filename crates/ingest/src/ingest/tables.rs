use std::collections::BTreeMap;
use std::io::{BufReader, Cursor, Read};

use calamine::{Data, Reader, Sheets};
use quick_xml::events::Event;

use super::writer::Writer;
use super::{Extracted, IngestError};

/// The widest table read; a wider one is data for programs, not knowledge for people.
pub const MAX_COLUMNS: usize = 1_024;
/// The most cells read of one file.
const MAX_CELLS: usize = 4_000_000;

/// The cells of one table, as text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    pub name: String,
    pub rows: Vec<Vec<String>>,
    /// Of each row kept, its number in the file, from 1.
    numbers: Vec<usize>,
    /// How many rows came so far, empty ones too.
    n_rows: usize,
    n_cells: usize,
}

impl Grid {
    /// Adds a row; empty cells at its end are cut, an empty row is not kept.
    pub fn push(&mut self, mut row: Vec<String>) -> Result<(), IngestError> {
        while row.last().is_some_and(|cell| cell.trim().is_empty()) {
            row.pop();
        }
        if row.len() > MAX_COLUMNS {
            return Err(IngestError::too_large(
                "columns in a table",
                row.len(),
                MAX_COLUMNS,
            ));
        }
        self.n_cells += row.len();
        if self.n_cells > MAX_CELLS {
            return Err(IngestError::too_large(
                "cells in a table",
                self.n_cells,
                MAX_CELLS,
            ));
        }
        self.n_rows += 1;
        if !row.is_empty() {
            self.rows.push(row);
            self.numbers.push(self.n_rows);
        }
        Ok(())
    }

    /// The rows with their numbers in the file.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Vec<String>)> {
        self.numbers.iter().copied().zip(&self.rows)
    }

    /// As a table whose rows are all as wide as the widest.
    pub fn write(self, writer: &mut Writer) {
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        writer.table(self.rows.into_iter().map(|mut row| {
            row.resize(width, String::new());
            row
        }));
    }
}

/// What programs call a sheet that nobody gave a name, before its number.
const UNNAMED: [&str; 4] = ["", "sheet", "table", "工作表"];

/// All tables of one file as text: a heading for each where there are several, or where a person named the one.
pub fn extract(grids: Vec<Grid>) -> Extracted {
    let mut writer = Writer::default();
    let several = grids.iter().filter(|grid| !grid.rows.is_empty()).count() > 1;
    for grid in grids {
        let name = grid.name.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_named = !UNNAMED.contains(&name.trim_end().to_lowercase().as_str());
        if (several || is_named) && !grid.rows.is_empty() {
            writer.heading(1, &grid.name);
        }
        grid.write(&mut writer);
    }
    writer.finish()
}

/// Comma- or tab-separated values (RFC 4180); rows may differ in length.
pub fn read_separated(raw: &str, separator: u8) -> Result<Grid, IngestError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(raw.as_bytes());
    let mut grid = Grid::default();
    for record in reader.records() {
        let record = record.map_err(|error| IngestError::damaged("CSV", error.to_string()))?;
        grid.push(record.iter().map(str::to_owned).collect())?;
    }
    Ok(grid)
}

/// Whether every element of an ODS file's content is closed: in a sheet that is not, calamine 0.38 reads on for ever.
fn check_closed(bytes: &[u8]) -> Result<(), String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    if let Ok(mut manifest) = archive.by_name("META-INF/manifest.xml") {
        let mut text = Vec::new();
        let read = manifest.read_to_end(&mut text);
        read.map_err(|e| e.to_string())?;
        if String::from_utf8_lossy(&text).contains("manifest:encryption-data") {
            return Err("it is encrypted".into());
        }
    }
    let Ok(content) = archive.by_name("content.xml") else {
        // calamine says what is missing.
        return Ok(());
    };
    let mut reader = quick_xml::Reader::from_reader(BufReader::new(content));
    let (mut buffer, mut n_open) = (Vec::new(), 0_usize);
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(_)) => n_open += 1,
            Ok(Event::End(_)) => n_open = n_open.saturating_sub(1),
            Ok(Event::Eof) if n_open > 0 => return Err("content.xml ends within an element".into()),
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("content.xml: {error}")),
        }
        buffer.clear();
    }
}

/// The cells of a sheet that are not empty, with their columns, by row; both from 0.
type Rows = BTreeMap<u32, Vec<(u32, Data)>>;

/// As they stand in the file: a sheet whose last cell lies far out is no larger for that, where calamine's own range of it
/// would be.
fn cells_of(
    book: &mut calamine::Xlsx<Cursor<&[u8]>>,
    name: &str,
) -> Result<Rows, calamine::XlsxError> {
    let mut rows = Rows::new();
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        // A chart.
        Err(calamine::XlsxError::NotAWorksheet(_)) => return Ok(rows),
        Err(error) => return Err(error),
    };
    while let Some(cell) = reader.next_cell()? {
        let (y, x) = cell.get_position();
        if !matches!(cell.get_value(), calamine::DataRef::Empty) {
            let value = cell.get_value().clone().into();
            rows.entry(y).or_default().push((x, value));
        }
    }
    Ok(rows)
}

/// The visible sheets of a workbook (XLSX, ODS).
pub fn read_workbook(bytes: &[u8], format: &'static str) -> Result<Vec<Grid>, IngestError> {
    let damaged = |detail: String| match detail.to_lowercase() {
        lower if lower.contains("password") || lower.contains("encrypted") => {
            IngestError::PasswordProtected
        }
        _ => IngestError::damaged(format, detail),
    };
    let cursor = Cursor::new(bytes);
    let mut book = match format {
        "XLSX" => Sheets::Xlsx(calamine::Xlsx::new(cursor).map_err(|e| damaged(e.to_string()))?),
        _ => {
            check_closed(bytes).map_err(damaged)?;
            Sheets::Ods(calamine::Ods::new(cursor).map_err(|e| damaged(e.to_string()))?)
        }
    };
    let visible: Vec<String> = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == calamine::SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut grids = Vec::new();
    for name in visible {
        let rows = match &mut book {
            Sheets::Xlsx(book) => cells_of(book, &name).map_err(|e| damaged(e.to_string()))?,
            book => {
                let range = book.worksheet_range(&name);
                let range = range.map_err(|e| damaged(e.to_string()))?;
                let (top, left) = range.start().unwrap_or_default();
                let mut rows = Rows::new();
                for (y, x, cell) in range.used_cells() {
                    let row = rows.entry(top + y as u32).or_default();
                    row.push((left + x as u32, cell.clone()));
                }
                rows
            }
        };
        // Of XLSX also how each number is shown; calamine does not read that of ODS.
        let styles = match &mut book {
            Sheets::Xlsx(book) => book.worksheet_style(&name).ok(),
            _ => None,
        };
        let mut grid = Grid {
            name,
            ..Grid::default()
        };
        let columns = rows.values().flatten().map(|(x, _)| *x);
        let left = columns.min().unwrap_or(0);
        for (y, cells) in &rows {
            let mut row: Vec<String> = Vec::new();
            for (x, cell) in cells {
                let style = styles.as_ref().and_then(|styles| styles.get((*y, *x)));
                let format = style.and_then(|style| style.number_format.as_ref());
                let text = cell_text(cell, format.map(|format| format.format_code.as_str()));
                let at = (x - left) as usize;
                if text.trim().is_empty() {
                    continue;
                }
                if at >= MAX_COLUMNS {
                    let what = "columns in a table";
                    return Err(IngestError::too_large(what, at + 1, MAX_COLUMNS));
                }
                if row.len() <= at {
                    row.resize(at + 1, String::new());
                }
                row[at] = text;
            }
            grid.n_rows = *y as usize;
            grid.push(row)?;
        }
        grids.push(grid);
    }
    Ok(grids)
}

/// A cell as a person reads it: a number as its format shows it (`NT$1,280`, `93.6%`), without one no `.0` behind a
/// whole number, a date without an empty time.
fn cell_text(cell: &Data, format: Option<&str>) -> String {
    let number = match cell {
        Data::Float(number) => Some(*number),
        Data::Int(number) => Some(*number as f64),
        _ => None,
    };
    let format = format.filter(|format| !format.eq_ignore_ascii_case("general") && *format != "@");
    if let Some((number, format)) = number.zip(format)
        && let Ok(shown) = ssfmt::format_default(number, format)
    {
        return shown.trim().to_owned();
    }
    match cell {
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        // Sums of decimals carry noise in the last digits: 0.1 + 0.2.
        Data::Float(number) => format!("{}", (number * 1e10).round() / 1e10),
        Data::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        Data::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).to_owned(),
        Data::Bool(truth) => truth.to_string(),
        Data::Error(_) => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_that_somebody_named_keeps_its_name() {
        let text = |name: &str| {
            let mut grid = Grid {
                name: name.to_owned(),
                ..Grid::default()
            };
            grid.push(vec!["地區".to_owned(), "運費".to_owned()])
                .unwrap();
            extract(vec![grid]).text
        };
        assert!(text("離島運費").starts_with("離島運費\n"));
        for unnamed in ["", "Sheet1", "工作表 2"] {
            assert!(text(unnamed).starts_with("| 地區"), "{unnamed}");
        }
    }
}
