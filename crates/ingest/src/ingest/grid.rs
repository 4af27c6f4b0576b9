//! A common model of tables for all formats: cells with their spans → titles, header, rows and notes.

use std::collections::{HashMap, HashSet};

use super::IngestError;
use super::writer::{Writer, joins, one_line};

/// The widest table that is read; wider ones are data for programs.
pub const MAX_COLUMNS: usize = 1_024;
/// The most cells read of one file.
const MAX_CELLS: usize = 4_000_000;
/// The largest accepted span in rows or columns; a larger one is a mistake or an attack.
pub const MAX_SPAN: usize = 1_000;
/// The most header rows.
const MAX_HEADER_ROWS: usize = 4;

/// A cell as its file has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// The cell's text.
    pub text: String,
    /// How many columns it covers, itself included.
    pub columns: usize,
    /// How many rows it covers, itself included.
    pub rows: usize,
}

impl Cell {
    /// Makes a cell; spans are limited to 1 to [`MAX_SPAN`].
    pub fn new(text: String, columns: usize, rows: usize) -> Self {
        let span = |n: usize| n.clamp(1, MAX_SPAN);
        Self {
            text,
            columns: span(columns),
            rows: span(rows),
        }
    }
}

/// The cells of one table (or sheet) as text. A merged cell's text is repeated in every place that it covers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    /// The sheet's name; empty without one.
    pub name: String,
    /// The rows, without empty ones.
    pub rows: Vec<Vec<String>>,
    /// The number of each row in the file, from 1.
    numbers: Vec<usize>,
    /// How many rows have been added, including empty ones.
    n_rows: usize,
    n_cells: usize,
    /// The cells that extend into the next row: column, rows left, number of the merged cell, text.
    reaching: Vec<(usize, usize, usize, String)>,
    /// For places covered by a merged cell (row in the file, column), its number.
    merged: HashMap<(usize, usize), usize>,
    n_merged: usize,
    /// How many rows at the top the file marks as the header; 0 if it marks none.
    header_rows: usize,
}

/// A part of a grid, in reading order.
#[derive(Debug, Clone, PartialEq)]
enum GridPart {
    /// A title above a table or a note below it.
    Words(String),
    /// Rows of equal width; the first has the column names.
    Table(Vec<Vec<String>>),
}

impl Grid {
    /// Starts an empty grid with a name.
    pub fn named(name: String) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Adds a row without merged cells. Empty cells at its end are cut, and an empty row is dropped.
    pub fn push(&mut self, mut row: Vec<String>) -> Result<(), IngestError> {
        while row.last().is_some_and(|cell| cell.trim().is_empty()) {
            row.pop();
        }
        if row.len() > MAX_COLUMNS {
            return Err(too_wide(row.len()));
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

    /// Adds a row of cells as they are in the file, from the left. Places covered from above are skipped.
    pub fn push_cells(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), IngestError> {
        let number = self.n_rows + 1;
        let mut row: Vec<String> = Vec::new();
        let mut reaching = std::mem::take(&mut self.reaching);
        let mut next: Vec<(usize, usize, usize, String)> = Vec::new();
        let mut cells = cells.into_iter();
        loop {
            if let Some(i) = reaching.iter().position(|(at, ..)| *at == row.len()) {
                let (at, left, which, text) = reaching.swap_remove(i);
                self.merged.insert((number, at), which);
                row.push(text.clone());
                if left > 1 {
                    next.push((at, left - 1, which, text));
                }
                continue;
            }
            let Some(cell) = cells.next() else { break };
            let at = row.len();
            if at + cell.columns > MAX_COLUMNS {
                return Err(too_wide(at + cell.columns));
            }
            if cell.columns * cell.rows > 1 {
                self.n_merged += 1;
            }
            for column in at..at + cell.columns {
                if cell.columns * cell.rows > 1 {
                    self.merged.insert((number, column), self.n_merged);
                }
                if cell.rows > 1 {
                    next.push((column, cell.rows - 1, self.n_merged, cell.text.clone()));
                }
                row.push(cell.text.clone());
            }
        }
        // Cells that extend from above beyond the row's own cells.
        for (at, left, which, text) in reaching {
            if row.len() <= at {
                row.resize(at + 1, String::new());
            }
            self.merged.insert((number, at), which);
            row[at].clone_from(&text);
            if left > 1 {
                next.push((at, left - 1, which, text));
            }
        }
        self.reaching = next;
        self.push(row)
    }

    /// Marks the rows added so far as the header, if the file does.
    pub fn end_header(&mut self) {
        self.header_rows = self.rows.len();
    }

    /// Like [`Grid::push`], with the row's number in the file, from 1. `merged` is the number of the merged cell that
    /// covers each column.
    pub fn push_numbered(
        &mut self,
        number: usize,
        row: Vec<String>,
        merged: impl IntoIterator<Item = (usize, usize)>,
    ) -> Result<(), IngestError> {
        self.n_rows = number - 1;
        let places = merged.into_iter();
        self.merged
            .extend(places.map(|(column, which)| ((number, column), which)));
        self.push(row)
    }

    /// Returns the rows with their numbers in the file.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Vec<String>)> {
        self.numbers.iter().copied().zip(&self.rows)
    }

    /// Returns the grid on one line, each value after its column's name. A table inside a cell is written this way.
    pub fn flat(self) -> String {
        let mut lines = Vec::new();
        for part in self.parts() {
            match part {
                GridPart::Words(words) => lines.push(words),
                GridPart::Table(rows) => {
                    let header = rows.first().cloned().unwrap_or_default();
                    for row in rows.iter().skip(1) {
                        let cells = header.iter().zip(row).enumerate();
                        let named = cells.filter(|(_, (_, cell))| !cell.is_empty());
                        let named =
                            named.map(|(i, (name, cell))| match i == 0 || name.is_empty() {
                                true => cell.clone(),
                                false => label(name, cell),
                            });
                        let named: Vec<String> = named.collect();
                        lines.push(named.join(if has_cjk(row) { "，" } else { ", " }));
                    }
                    if rows.len() == 1 {
                        lines.push(header.join(" "));
                    }
                }
            }
        }
        let separator = if has_cjk(&lines) { "；" } else { "; " };
        lines.join(separator)
    }

    /// Writes titles and notes as paragraphs, and tables whose rows are all as wide as the widest.
    pub fn write(self, writer: &mut Writer) {
        for part in self.parts() {
            match part {
                GridPart::Words(words) => writer.paragraph(&words),
                GridPart::Table(rows) => writer.table(rows),
            }
        }
    }

    fn parts(self) -> Vec<GridPart> {
        let mut parts = Vec::new();
        for block in self.blocks() {
            for columns in self.column_groups(&block) {
                self.part(&block, &columns, &mut parts);
            }
        }
        parts
    }

    /// Returns the row indexes of each table. An empty row ends a table if the rows after it start a new one.
    fn blocks(&self) -> Vec<Vec<usize>> {
        let mut stretches: Vec<Vec<usize>> = Vec::new();
        for i in 0..self.rows.len() {
            let follows = i > 0 && self.numbers[i] == self.numbers[i - 1] + 1;
            match stretches.last_mut().filter(|_| follows) {
                Some(stretch) => stretch.push(i),
                None => stretches.push(vec![i]),
            }
        }
        let mut blocks: Vec<Vec<usize>> = Vec::new();
        for stretch in stretches {
            match blocks.last_mut() {
                Some(block) if !self.begins_table(block, &stretch) => block.extend(stretch),
                _ => blocks.push(stretch),
            }
        }
        blocks
    }

    /// Returns whether the rows of `next`, after an empty one, are a table of their own.
    fn begins_table(&self, block: &[usize], next: &[usize]) -> bool {
        let has_table = block.iter().any(|row| self.n_values(*row) > 1);
        let Some(first) = next.iter().position(|row| self.n_values(*row) > 1) else {
            return false;
        };
        if !has_table || next.len() < first + 2 {
            return false;
        }
        // A title of its own, or names where the table above has figures.
        let head = &self.rows[next[first]];
        let names = |cell: &String| cell.trim().is_empty() || !is_figure(cell);
        let figures = |row: &Vec<String>| row.iter().any(|cell| is_figure(cell));
        let others = |rows: &[usize]| rows.iter().any(|row| figures(&self.rows[*row]));
        let differs = block
            .iter()
            .rev()
            .find(|row| self.n_values(**row) > 1)
            .is_some_and(|row| self.rows[*row].len() != head.len());
        first > 0
            || (head.iter().all(names) && (others(block) || others(&next[first + 1..]) || differs))
    }

    /// Returns the columns of each table: tables side by side have empty columns between them.
    fn column_groups(&self, block: &[usize]) -> Vec<Vec<usize>> {
        let width = block.iter().map(|row| self.rows[*row].len()).max();
        let is_used = |column: &usize| {
            let cells = block.iter().filter_map(|row| self.rows[*row].get(*column));
            cells.into_iter().any(|cell| !cell.trim().is_empty())
        };
        let used: Vec<usize> = (0..width.unwrap_or(0)).filter(is_used).collect();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for column in &used {
            match groups.last_mut() {
                Some(group) if group.last().is_some_and(|last| last + 1 == *column) => {
                    group.push(*column)
                }
                _ => groups.push(vec![*column]),
            }
        }
        let are_tables = groups.len() > 1
            && groups.iter().all(|group| {
                let heads = block
                    .iter()
                    .find(|row| self.values_of(**row, group).len() > 1);
                group.len() > 1
                    && heads.is_some_and(|row| self.values_of(*row, group).len() == group.len())
            });
        match are_tables {
            true => groups,
            false => vec![used],
        }
    }

    /// Returns the non-empty texts of a row in some columns, each merged cell once.
    fn values_of(&self, row: usize, columns: &[usize]) -> Vec<&str> {
        let mut seen = HashSet::new();
        let number = self.numbers[row];
        let cells = columns.iter().filter_map(|column| {
            let text = self.rows[row].get(*column)?.trim();
            let is_new = match self.merged.get(&(number, *column)) {
                Some(which) => seen.insert(*which),
                None => true,
            };
            (is_new && !text.is_empty()).then_some(text)
        });
        cells.collect()
    }

    fn n_values(&self, row: usize) -> usize {
        let columns: Vec<usize> = (0..self.rows[row].len()).collect();
        self.values_of(row, &columns).len()
    }

    /// Adds one table with the lines around it.
    fn part(&self, block: &[usize], columns: &[usize], parts: &mut Vec<GridPart>) {
        let rows: Vec<usize> = block
            .iter()
            .copied()
            .filter(|row| !self.values_of(*row, columns).is_empty())
            .collect();
        let words = |row: usize| GridPart::Words(one_line(&self.values_of(row, columns).join(" ")));
        let is_line = |row: &usize| self.values_of(*row, columns).len() == 1;
        let is_narrow = columns.len() < 2 || rows.iter().all(is_line);
        let n_titles = match is_narrow {
            true => 0,
            false => rows.iter().take_while(|row| is_line(row)).count(),
        };
        let n_notes = match is_narrow {
            true => 0,
            false => rows[n_titles..]
                .iter()
                .rev()
                .take_while(|row| is_line(row))
                .count(),
        };
        let (titles, rest) = rows.split_at(n_titles);
        let (rows, notes) = rest.split_at(rest.len() - n_notes);
        // A frame around text is not a table.
        if let ([row], true) = (rows, is_narrow) {
            parts.push(words(*row));
            return;
        }
        parts.extend(titles.iter().map(|row| words(*row)));
        let depth = self.header_depth(rows, columns, n_titles);
        let (header, body) = rows.split_at(depth);
        let mut table = vec![self.header(header, columns)];
        table.extend(body.iter().map(|row| self.body(*row, columns)));
        if !rows.is_empty() {
            parts.push(GridPart::Table(table));
        }
        parts.extend(notes.iter().map(|row| words(*row)));
    }

    /// Returns the number of header rows: as many as the file marks; otherwise the first row, and below a name over
    /// several columns also the row that distinguishes them.
    fn header_depth(&self, rows: &[usize], columns: &[usize], n_titles: usize) -> usize {
        let most = rows.len().saturating_sub(1).clamp(1, MAX_HEADER_ROWS);
        if self.header_rows > n_titles {
            return (self.header_rows - n_titles).min(most);
        }
        let mut depth = 1;
        while depth < most {
            let (above, below) = (rows[depth - 1], rows[depth]);
            let at = |row: usize, column: &usize| self.merged.get(&(self.numbers[row], *column));
            let covers = columns.windows(2).any(|pair| {
                let here = at(above, &pair[0]);
                here.is_some() && here == at(above, &pair[1])
            });
            let distinguishes = columns.iter().all(|column| {
                let cell = self.rows[below].get(*column).map_or("", String::as_str);
                !is_figure(cell)
            });
            if !covers || !distinguishes {
                break;
            }
            depth += 1;
        }
        depth
    }

    /// Returns the names of each column, joined from top to bottom.
    fn header(&self, rows: &[usize], columns: &[usize]) -> Vec<String> {
        let name = |column: &usize| {
            let mut names: Vec<String> = Vec::new();
            for row in rows {
                let cell = self.rows[*row].get(*column).map(|cell| one_line(cell));
                let cell = cell.unwrap_or_default();
                if !cell.is_empty() && names.last() != Some(&cell) {
                    names.push(cell);
                }
            }
            names.join(" ")
        };
        columns.iter().map(name).collect()
    }

    fn body(&self, row: usize, columns: &[usize]) -> Vec<String> {
        let values = self.values_of(row, columns);
        // A line across the table is a heading for the rows below it, not a value of each column.
        if let ([only], true) = (values.as_slice(), columns.len() > 1) {
            let mut cells = vec![String::new(); columns.len()];
            let own = |column: &&usize| {
                self.rows[row]
                    .get(**column)
                    .is_some_and(|cell| !cell.trim().is_empty())
            };
            let at = columns.iter().position(|column| own(&column)).unwrap_or(0);
            cells[at] = one_line(only);
            return cells;
        }
        let cell = |column: &usize| self.rows[row].get(*column).map(|cell| one_line(cell));
        columns
            .iter()
            .map(|column| cell(column).unwrap_or_default())
            .collect()
    }
}

/// Joins the lines of a cell into one, with a separator unless a line ends with punctuation.
pub fn cell_lines(lines: &[String]) -> String {
    let separator = if has_cjk(lines) { "；" } else { "; " };
    let mut joined = String::new();
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let ends = joined.ends_with([
            '。', '；', '，', '、', '：', '！', '？', ';', ',', ':', '.', '!', '?', '/', '／',
        ]);
        match (joined.is_empty(), ends) {
            (true, _) => {}
            (_, true) if joined.is_ascii() => joined.push(' '),
            (_, true) => {}
            _ => joined.push_str(separator),
        }
        joined.push_str(line.trim());
    }
    joined
}

fn too_wide(found: usize) -> IngestError {
    IngestError::too_large("columns in a table", found, MAX_COLUMNS)
}

fn label(name: &str, cell: &str) -> String {
    match cell.chars().chain(name.chars()).any(ken_text::text::is_cjk) {
        true => format!("{name}：{cell}"),
        false => format!("{name}: {cell}"),
    }
}

fn has_cjk(texts: &[String]) -> bool {
    texts.iter().any(|text| text.chars().any(joins))
}

/// Returns whether a cell is a value rather than a name: it starts with a digit, possibly after a sign or currency.
fn is_figure(cell: &str) -> bool {
    let rest = cell.trim().trim_start_matches(|c: char| {
        c.is_ascii_uppercase() || "$￥¥€£+-−±<>≤≥~～約 .".contains(c)
    });
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    rest.starts_with(|c: char| c.is_ascii_digit()) && digits * 2 >= rest.chars().count().min(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str, columns: usize, rows: usize) -> Cell {
        Cell::new(text.to_owned(), columns, rows)
    }

    fn parts(rows: &[&[&str]]) -> Vec<GridPart> {
        let mut grid = Grid::default();
        for row in rows {
            grid.push(row.iter().map(|cell| (*cell).to_owned()).collect())
                .unwrap();
        }
        grid.parts()
    }

    fn table(rows: &[&[&str]]) -> GridPart {
        let row = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        GridPart::Table(rows.iter().map(row).collect())
    }

    #[test]
    fn merged_cell_text_is_repeated_in_each_row() {
        let mut grid = Grid::default();
        grid.push_cells([cell("縣市", 1, 1), cell("鄉鎮", 1, 1), cell("運費", 1, 1)])
            .unwrap();
        grid.push_cells([
            cell("臺東縣", 1, 2),
            cell("蘭嶼鄉", 1, 1),
            cell("NT$300", 1, 1),
        ])
        .unwrap();
        grid.push_cells([cell("綠島鄉", 1, 1), cell("NT$280", 1, 1)])
            .unwrap();
        assert_eq!(
            grid.parts(),
            [table(&[
                &["縣市", "鄉鎮", "運費"],
                &["臺東縣", "蘭嶼鄉", "NT$300"],
                &["臺東縣", "綠島鄉", "NT$280"],
            ])]
        );
    }

    #[test]
    fn two_header_rows_are_joined_per_column() {
        let mut grid = Grid::default();
        grid.push_cells([cell("品類", 1, 2), cell("門市", 2, 1)])
            .unwrap();
        grid.push_cells([cell("平日", 1, 1), cell("假日", 1, 1)])
            .unwrap();
        grid.push_cells([cell("家具", 1, 1), cell("7 天", 1, 1), cell("5 天", 1, 1)])
            .unwrap();
        assert_eq!(
            grid.parts(),
            [table(&[
                &["品類", "門市 平日", "門市 假日"],
                &["家具", "7 天", "5 天"],
            ])]
        );
    }

    #[test]
    fn title_and_note_rows_are_separated_from_table() {
        let found = parts(&[
            &["運費表"],
            &["地區", "常溫", "冷藏"],
            &["本島", "80", "150"],
            &["單位：元"],
        ]);
        let words = |text: &str| GridPart::Words(text.to_owned());
        let rows = table(&[&["地區", "常溫", "冷藏"], &["本島", "80", "150"]]);
        assert_eq!(found, [words("運費表"), rows, words("單位：元")]);
    }

    #[test]
    fn adjacent_tables_are_split_and_gap_within_table_is_not() {
        let below = parts(&[
            &["型號", "售價"],
            &["K1", "900"],
            &[],
            &["配件", "單價"],
            &["電池", "50"],
        ]);
        assert_eq!(below.len(), 2, "{below:?}");
        let beside = parts(&[
            &["型號", "售價", "", "配件", "單價"],
            &["K1", "900", "", "電池", "50"],
        ]);
        assert_eq!(beside.len(), 2, "{beside:?}");
        // A gap within a table does not split it.
        let gap = parts(&[&["型號", "售價"], &["K1", "900"], &[], &["K2", "950"]]);
        assert_eq!(gap.len(), 1, "{gap:?}");
    }

    #[test]
    fn nested_table_is_flattened_to_one_line() {
        let mut grid = Grid::default();
        for row in [["等級", "時限"], ["急件", "2 小時"], ["一般", "3 天"]] {
            grid.push(row.map(str::to_owned).to_vec()).unwrap();
        }
        assert_eq!(grid.flat(), "急件，時限：2 小時；一般，時限：3 天");
    }
}
