//! Separated values and workbooks.

use std::collections::BTreeMap;
use std::io::{BufReader, Cursor, Read};

use calamine::{Data, Reader, Sheets};
use quick_xml::events::Event;

use super::grid::{Grid, MAX_COLUMNS};
use super::sheets::{SheetMarks, marks};
use super::writer::Writer;
use super::{Extracted, IngestError};

/// Names of sheets that programs assign, without the number.
const UNNAMED: [&str; 4] = ["", "sheet", "table", "工作表"];

/// Writes all tables of one file as text. Each gets a heading if there are several, or if a person named the only one.
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

/// The possible separators of a CSV file, in order of preference.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// How many records are examined to find the separator.
const LOOKED_AT: usize = 30;

/// Returns the separator by which most of the first records have as many values as the first one, and the first has the
/// most. A line `sep=;` at the top decides, as in Excel. Also returns the text without that line.
fn separator_of(raw: &str) -> (u8, &str) {
    let first = raw.lines().next().unwrap_or_default();
    if let Some([sign]) = first.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        return (*sign, raw[first.len()..].trim_start_matches(['\r', '\n']));
    }
    let evenness = |separator: u8| {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(raw.as_bytes());
        let widths = reader.into_records().take(LOOKED_AT);
        let widths: Vec<usize> = widths.map_while(|r| Some(r.ok()?.len())).collect();
        // Titles above and notes below the table contain no separator.
        let widest = widths.iter().copied().max().unwrap_or(1);
        let like = widths.iter().filter(|width| **width == widest).count();
        match widest {
            ..=1 => (0, 0),
            _ => (like * 100 / widths.len().max(1), widest),
        }
    };
    let best = SEPARATORS.into_iter().rev().max_by_key(|s| evenness(*s));
    (best.unwrap_or(b','), raw)
}

/// Reads separated values (RFC 4180, or with another of the [`SEPARATORS`]). Rows may differ in length.
pub fn read_separated(raw: &str, is_tsv: bool) -> Result<Grid, IngestError> {
    let (separator, raw) = match is_tsv {
        true => (b'\t', raw),
        false => separator_of(raw),
    };
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

/// Checks that every element of an ODS file's content is closed: calamine 0.38 loops forever on a sheet that is not.
fn check_closed(bytes: &[u8]) -> Result<(), String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    if let Ok(mut manifest) = archive.by_name("META-INF/manifest.xml") {
        let mut text = Vec::new();
        let read = manifest.read_to_end(&mut text);
        read.map_err(|e| e.to_string())?;
        if String::from_utf8_lossy(&text).contains("manifest:encryption-data") {
            return Err("the file is encrypted".into());
        }
    }
    let Ok(content) = archive.by_name("content.xml") else {
        // calamine reports what is missing.
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

/// The non-empty cells of a sheet with their columns, by row; both from 0.
type Rows = BTreeMap<u32, Vec<(u32, Data)>>;

/// Returns the cells that exist in the file. calamine's own range would allocate all cells up to the last one, however
/// far out it is.
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

/// Reads the visible sheets of a workbook (XLSX, ODS), without hidden rows and columns.
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
    let marks = marks(bytes, format);
    let nothing = SheetMarks::default();
    let mut grids = Vec::new();
    for name in visible {
        let marks = marks.get(&name).unwrap_or(&nothing);
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
        // For XLSX also the number formats; calamine does not read those of ODS.
        let styles = match &mut book {
            Sheets::Xlsx(book) => book.worksheet_style(&name).ok(),
            _ => None,
        };
        let mut texts = Texts::new();
        for (y, cells) in rows {
            let row = texts.entry(y).or_default();
            for (x, cell) in cells {
                let style = styles.as_ref().and_then(|styles| styles.get((y, x)));
                let is_struck = style
                    .and_then(|style| style.font.as_ref())
                    .is_some_and(|font| font.has_strikethrough());
                let format = style.and_then(|style| style.number_format.as_ref());
                let shown = marks.shown.get(&(y, x));
                let text = match (&cell, shown) {
                    // A number, a percentage, an amount or a time is written as displayed; a day is written year,
                    // month, day.
                    (Data::Float(_) | Data::Int(_) | Data::DurationIso(_), Some(shown)) => {
                        shown.clone()
                    }
                    _ => cell_text(&cell, format.map(|format| format.format_code.as_str())),
                };
                if !is_struck && !text.trim().is_empty() {
                    row.insert(x, (text, None));
                }
            }
        }
        grids.push(grid_of(name, texts, marks)?);
    }
    Ok(grids)
}

/// The displayed text of each cell and the number of its merged cell, by row and column from 0.
type Texts = BTreeMap<u32, BTreeMap<u32, (String, Option<usize>)>>;

/// Builds the grid of a sheet without hidden cells. A merged cell's text is repeated in each place that it covers.
fn grid_of(name: String, mut texts: Texts, marks: &SheetMarks) -> Result<Grid, IngestError> {
    for (which, ((top, left), (bottom, right))) in marks.merged.iter().enumerate() {
        let first = texts.get(top).and_then(|row| row.get(left));
        let Some(text) = first.map(|(text, _)| text.clone()) else {
            continue;
        };
        for y in *top..=(*bottom).min(top.saturating_add(MAX_SPAN)) {
            let row = texts.entry(y).or_default();
            for x in *left..=(*right).min(left.saturating_add(MAX_SPAN)) {
                row.insert(x, (text.clone(), Some(which)));
            }
        }
    }
    let is_shown = |x: &u32| !marks.hidden_columns.contains(x);
    let used = texts
        .values()
        .flat_map(BTreeMap::keys)
        .filter(|x| is_shown(x));
    let left = used.copied().min().unwrap_or(0);
    let mut grid = Grid::named(name);
    let mut hidden: Vec<u32> = marks.hidden_columns.iter().copied().collect();
    hidden.retain(|x| *x > left);
    hidden.sort_unstable();
    // Hidden rows leave no gap.
    let mut n_hidden = 0;
    for (y, cells) in texts {
        if marks.hidden_rows.contains(&y) {
            n_hidden += 1;
            continue;
        }
        let (mut row, mut merged) = (Vec::new(), Vec::new());
        for (x, (text, which)) in cells.into_iter().filter(|(x, _)| is_shown(x)) {
            let at = (x - left) as usize - hidden.partition_point(|hidden| *hidden < x);
            if at >= MAX_COLUMNS {
                let what = "columns in a table";
                return Err(IngestError::too_large(what, at + 1, MAX_COLUMNS));
            }
            if row.len() <= at {
                row.resize(at + 1, String::new());
            }
            row[at] = text;
            merged.extend(which.map(|which| (at, which)));
        }
        grid.push_numbered(y as usize + 1 - n_hidden, row, merged)?;
    }
    Ok(grid)
}

/// The most rows or columns in which a merged cell's text is repeated.
const MAX_SPAN: u32 = 1_000;

/// Returns a cell's text as displayed: a number in its format (`NT$1,280`, `93.6%`) or, without one, without `.0` after
/// a whole number; a date without an empty time.
fn cell_text(cell: &Data, format: Option<&str>) -> String {
    let number = match cell {
        Data::Float(number) => Some(*number),
        Data::Int(number) => Some(*number as f64),
        // A day is written year, month, day, whatever its format; a time or a duration as displayed.
        Data::DateTime(time) if !format.is_some_and(shows_day) => Some(time.as_f64()),
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
        // Sums of decimals have noise in the last digits: 0.1 + 0.2.
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

/// Returns whether a number format shows a year or a day, ignoring quoted text, and conditions and colours in brackets.
fn shows_day(format: &str) -> bool {
    let (mut quoted, mut bracketed) = (false, false);
    format.chars().any(|c| {
        match c {
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        !quoted && !bracketed && matches!(c, 'y' | 'Y' | 'd' | 'D')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_separator_is_detected() {
        for (raw, expected) in [
            ("a;b\n1,5;2\n", b';'),
            ("a|b|c\n1|2|3\n", b'|'),
            ("a\tb\n1\t2,3\n", b'\t'),
            ("標題\n甲,乙\n1,2;3\n", b','),
            ("sep=;\na,b;c\n", b';'),
        ] {
            assert_eq!(separator_of(raw).0, expected, "{raw}");
        }
    }

    #[test]
    fn hidden_cells_are_dropped_and_merged_cells_repeated() {
        let mut texts = Texts::new();
        for (y, x, text) in [
            (0, 0, "區"),
            (0, 1, "成本"),
            (0, 2, "價"),
            (1, 0, "東"),
            (1, 1, "5"),
            (1, 2, "8"),
            (2, 2, "9"),
            (3, 0, "停售"),
        ] {
            texts
                .entry(y)
                .or_default()
                .insert(x, (text.to_owned(), None));
        }
        let marks = SheetMarks {
            hidden_rows: [3].into(),
            hidden_columns: [1].into(),
            merged: vec![((1, 0), (2, 0))],
            ..SheetMarks::default()
        };
        let grid = grid_of(String::new(), texts, &marks).unwrap();
        assert_eq!(grid.rows, [["區", "價"], ["東", "8"], ["東", "9"]]);
    }

    #[test]
    fn sheet_times_keep_format_and_dates_become_iso() {
        let time = |number: f64| {
            let kind = calamine::ExcelDateTimeType::DateTime;
            Data::DateTime(calamine::ExcelDateTime::new(number, kind, false))
        };
        assert_eq!(cell_text(&time(0.895_833_333_333), Some("hh:mm")), "21:30");
        assert_eq!(cell_text(&time(46_000.0), Some("m/d/yy")), "2025-12-09");
    }

    #[test]
    fn sheet_name_is_used_unless_default() {
        let text = |name: &str| {
            let mut grid = Grid::named(name.to_owned());
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
