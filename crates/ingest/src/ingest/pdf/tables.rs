//! Tables of a PDF: which lines are rows, where the columns are, and which places merged cells cover.

use super::super::writer::joins;
use super::glyphs::RuledLine;
use super::{Line, Page, item, room_for};

/// Returns how many lines from here on belong to one table: at least `min_rows` lines of several cells below one
/// another. Lines of one cell between them continue a cell.
pub fn table_at(lines: &[Line], min_rows: usize) -> Option<usize> {
    let first = lines.first()?.cells();
    if first.len() < 2 || item(&lines[0].text()).is_some() {
        return None;
    }
    let (mut n, mut n_rows, mut y) = (1, 1, lines[0].y);
    for (i, line) in lines.iter().enumerate().skip(1) {
        let distance = line.y - y;
        if distance <= 0.0 && distance.abs() > 3.0 * line.size || distance > 4.0 * line.size {
            break;
        }
        let cells = line.cells();
        let aligned = cells.iter().all(|(start, _)| {
            first
                .iter()
                .any(|(other, _)| (start - other).abs() < 2.0 * line.size)
        });
        match cells.len() {
            0 => break,
            1 if !aligned || cells[0].0 <= first[0].0 + line.size => break,
            1 => {}
            _ => {
                n_rows += 1;
                n = i + 1;
            }
        }
        y = line.y;
        if cells.len() == 1 {
            n = i + 1;
        }
    }
    (n_rows >= min_rows).then_some(n)
}

/// A column of a table: where its cells start and end.
pub type Column = (f64, f64);

/// Returns the columns of a table's lines, from the left, by the positions on the lines with the most cells.
pub fn columns_of(lines: &[Line]) -> Vec<Column> {
    let rows: Vec<Vec<(f64, f64, String)>> = lines.iter().map(Line::extents).collect();
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<Column> = vec![(f64::MAX, f64::MIN); most];
    for row in rows.iter().filter(|row| row.len() == most) {
        for (column, (start, end, _)) in columns.iter_mut().zip(row) {
            *column = (column.0.min(*start), column.1.max(*end));
        }
    }
    columns
}

/// Returns the column of a cell: the one that it overlaps most, otherwise the nearest.
fn column_at(columns: &[Column], start: f64, end: f64) -> usize {
    let shared = |column: &Column| end.min(column.1) - start.max(column.0);
    let order = |a: &usize, b: &usize| shared(&columns[*a]).total_cmp(&shared(&columns[*b]));
    (0..columns.len()).rev().max_by(order).unwrap_or(0)
}

/// Returns the rows of a table's lines. If rules are drawn between them, a row is everything between two rules, and a
/// cell without a rule below it extends into the next row. Otherwise a row is a group of near lines, if rows are
/// further apart than the lines within them. Otherwise a row is each line of several cells, with the lines below that
/// continue one of its cells.
pub fn rows_of(lines: &[Line], columns: &[Column], page: &Page) -> Vec<Row> {
    let rules = &within(lines, columns, &page.rules);
    let (groups, between) = match ruled(lines, rules) {
        Some((groups, between)) => (groups, between),
        None => (grouped(lines, columns), Vec::new()),
    };
    let mut rows: Vec<Row> = Vec::new();
    for group in &groups {
        let mut row = vec![Cell::default(); columns.len()];
        // Where the last line of each cell ended.
        let mut ends = vec![f64::MAX; columns.len()];
        for line in group.iter().map(|line| &lines[*line]) {
            for (start, end, text) in line.extents() {
                let at = column_at(columns, start, end);
                let Some(cell) = row.get_mut(at) else {
                    continue;
                };
                let is_full = columns[at].1 - ends[at] < room_for(&text, line.size);
                continue_cell(&mut cell.text, &text, is_full);
                ends[at] = end;
            }
        }
        rows.push(row);
    }
    if !between.is_empty() {
        let mut n_merged = 0;
        fill_across(
            &mut rows,
            &groups,
            lines,
            columns,
            &page.walls,
            &mut n_merged,
        );
        fill(&mut rows, columns, rules, &between, &mut n_merged);
    }
    rows
}

/// A row's cells, one per column.
pub type Row = Vec<Cell>;

/// The content of one place of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// The number of the merged cell that covers the place.
    pub merged: Option<usize>,
}

/// Adds a line to a cell. A line that left room for the next word ended on purpose.
fn continue_cell(cell: &mut String, text: &str, is_full: bool) {
    let (last, first) = (cell.chars().next_back(), text.chars().next());
    let is_cjk = last.is_some_and(joins) && first.is_some_and(joins);
    let is_open = last.is_some_and(|c| c.is_alphanumeric() || ")）」".contains(c));
    match (last, is_full) {
        (None, _) => {}
        (Some(_), false) if is_open && first.is_some_and(joins) => cell.push('；'),
        (Some(_), false) if is_open => cell.push_str("; "),
        _ if is_cjk => {}
        _ => cell.push(' '),
    }
    cell.push_str(text);
}

/// Repeats the text of a cell merged over columns in each of them, if no wall is drawn between two columns that are
/// separate in other rows. A line across the whole table is a heading for the rows below it and is not repeated.
fn fill_across(
    rows: &mut [Row],
    groups: &[Vec<usize>],
    lines: &[Line],
    columns: &[Column],
    walls: &[RuledLine],
    n_merged: &mut usize,
) {
    let heights: Vec<f64> = groups
        .iter()
        .map(|group| {
            group.iter().map(|line| middle(&lines[*line])).sum::<f64>() / group.len() as f64
        })
        .collect();
    let middle_of = |column: &Column| (column.0 + column.1) / 2.0;
    let (top, bottom) = (
        heights.iter().copied().fold(f64::MAX, f64::min),
        heights.iter().copied().fold(f64::MIN, f64::max),
    );
    let near: Vec<&RuledLine> = walls
        .iter()
        .filter(|wall| wall.start < bottom && wall.end > top)
        .collect();
    if near.len() > MAX_RULES {
        return;
    }
    let is_walled = |row: usize, column: usize| {
        let (left, right) = (middle_of(&columns[column]), middle_of(&columns[column + 1]));
        near.iter().any(|wall| {
            let is_between = left < wall.at && wall.at < right;
            is_between && wall.start <= heights[row] && heights[row] <= wall.end
        })
    };
    let walled: Vec<Vec<bool>> = (0..rows.len())
        .map(|row| {
            (0..columns.len().saturating_sub(1))
                .map(|column| is_walled(row, column))
                .collect()
        })
        .collect();
    for row in 0..rows.len() {
        let mut first = 0;
        for column in 0..columns.len() {
            let others = || walled.iter().any(|walls| walls.get(column) == Some(&true));
            let is_last = column + 1 == columns.len();
            if !is_last && !walled[row][column] && others() {
                continue;
            }
            let is_whole = first == 0 && is_last;
            if let Some(text) = only(rows[row][first..=column].iter())
                && column > first
                && !is_whole
            {
                *n_merged += 1;
                let merged = Some(*n_merged);
                rows[row][first..=column].fill(Cell { text, merged });
            }
            first = column + 1;
        }
    }
}

/// Returns the only text of some cells; `None` if there is none, or several.
fn only<'a>(cells: impl Iterator<Item = &'a Cell>) -> Option<String> {
    let mut filled = cells.filter(|cell| !cell.text.is_empty());
    let first = filled.next()?;
    // A cell that is already merged over columns counts once.
    let is_same = |cell: &Cell| cell.merged.is_some() && cell.merged == first.merged;
    filled.all(is_same).then(|| first.text.clone())
}

/// Repeats the text of a merged cell in each row that it covers. `between` is the height of the rule between each row
/// and the next.
fn fill(
    rows: &mut [Row],
    columns: &[Column],
    rules: &[RuledLine],
    between: &[f64],
    n_merged: &mut usize,
) {
    for (column, (start, end)) in columns.iter().enumerate() {
        let middle = (start + end) / 2.0;
        let is_parted = |y: f64| {
            let near = |rule: &&RuledLine| (rule.at - y).abs() < SAME_RULE;
            rules
                .iter()
                .filter(near)
                .any(|rule| rule.start <= middle && middle <= rule.end)
        };
        let mut first = 0;
        for row in 0..rows.len() {
            let ends = between.get(row).is_none_or(|y| is_parted(*y));
            if !ends {
                continue;
            }
            // Two texts are two cells, whatever is drawn between them.
            let text = only(rows[first..=row].iter().map(|row| &row[column]));
            if let Some(text) = text.filter(|_| row > first) {
                *n_merged += 1;
                for row in &mut rows[first..=row] {
                    let merged = row[column].merged.or(Some(*n_merged));
                    row[column] = Cell {
                        text: text.clone(),
                        merged,
                    };
                }
            }
            first = row + 1;
        }
    }
}

/// Rules nearer than this, in points, are the two edges of one line.
const SAME_RULE: f64 = 2.5;

/// More rules within one table are a drawing.
const MAX_RULES: usize = 2_000;

/// Returns the height of the middle of a line's letters.
fn middle(line: &Line) -> f64 {
    line.y - 0.35 * line.size
}

/// Returns the rules between the lines of a table; none if there are too many.
fn within(lines: &[Line], columns: &[Column], rules: &[RuledLine]) -> Vec<RuledLine> {
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else {
        return Vec::new();
    };
    let top = lines.iter().map(middle).fold(f64::MAX, f64::min);
    let bottom = lines.iter().map(middle).fold(f64::MIN, f64::max);
    let is_within = |rule: &&RuledLine| {
        rule.at > top && rule.at < bottom && rule.start < last.1 && rule.end > first.0
    };
    let found: Vec<RuledLine> = rules.iter().filter(is_within).copied().collect();
    match found.len() > MAX_RULES {
        true => Vec::new(),
        false => found,
    }
}

/// The lines of each row, and the height of the rule below each row but the last.
type Ruled = (Vec<Vec<usize>>, Vec<f64>);

/// Groups lines by the rules between them; `None` if there are too few rules.
fn ruled(lines: &[Line], rules: &[RuledLine]) -> Option<Ruled> {
    let mut heights: Vec<f64> = rules.iter().map(|rule| rule.at).collect();
    heights.sort_by(f64::total_cmp);
    heights.dedup_by(|a, b| (*a - *b).abs() < SAME_RULE);
    let mut groups: Vec<(f64, Vec<usize>)> = vec![(f64::MIN, Vec::new())];
    groups.extend(heights.iter().map(|y| (*y, Vec::new())));
    for (i, line) in lines.iter().enumerate() {
        let at = heights.partition_point(|y| *y < middle(line));
        groups[at].1.push(i);
    }
    groups.retain(|(_, group)| !group.is_empty());
    // Rules between few rows are decoration: a single rule below the header separates nothing.
    let n_rows = lines.iter().filter(|line| line.groups().len() > 1).count();
    if groups.len() < 3 || groups.len() * 2 < n_rows {
        return None;
    }
    let between = groups.iter().skip(1).map(|(y, _)| *y).collect();
    let groups = groups.into_iter().map(|(_, mut group)| {
        group.sort_by(|a, b| lines[*a].y.total_cmp(&lines[*b].y));
        group
    });
    Some((groups.collect(), between))
}

/// Groups lines into rows: near lines if rows are further apart than the lines within them; otherwise each line of
/// several cells, with the lines below that continue one of its cells.
fn grouped(lines: &[Line], columns: &[Column]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|a, b| lines[*a].y.total_cmp(&lines[*b].y));
    let size = lines.iter().map(|line| line.size).fold(0.0, f64::max);
    let gaps: Vec<f64> = order
        .windows(2)
        .map(|pair| lines[pair[1]].y - lines[pair[0]].y)
        .collect();
    let pitch = gaps.iter().copied().filter(|gap| *gap > 0.9 * size);
    let pitch = pitch.fold(f64::MAX, f64::min);
    let is_wide = |gap: f64| gap > ROW_GAP * pitch;
    let n_wide = gaps.iter().filter(|gap| is_wide(**gap)).count();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    if n_wide > 0 && n_wide < gaps.len() {
        for (i, line) in order.iter().enumerate() {
            match groups.last_mut().filter(|_| i > 0 && !is_wide(gaps[i - 1])) {
                Some(group) => group.push(*line),
                None => groups.push(vec![*line]),
            }
        }
        return groups;
    }
    for (i, line) in lines.iter().enumerate() {
        let cells = line.extents();
        let continues =
            matches!(&cells[..], [(start, end, _)] if column_at(columns, *start, *end) > 0);
        match groups.last_mut().filter(|_| continues) {
            Some(group) => group.push(i),
            None => groups.push(vec![i]),
        }
    }
    groups
}

/// Rows are further apart than the lines of a cell by this factor.
const ROW_GAP: f64 = 1.3;

#[cfg(test)]
mod tests {
    use super::super::Piece;
    use super::*;

    /// Returns a line of cells at their positions, each 10 wide per letter.
    fn line(y: f64, cells: &[(f64, &str)]) -> Line {
        let piece = |(start, text): &(f64, &str)| Piece {
            start: *start,
            end: start + 10.0 * text.chars().count() as f64,
            y,
            size: 10.0,
            text: (*text).to_owned(),
        };
        Line {
            y,
            size: 10.0,
            pieces: cells.iter().map(piece).collect(),
            right: None,
            begins_column: false,
        }
    }

    fn rule(at: f64, start: f64, end: f64) -> RuledLine {
        RuledLine { start, end, at }
    }

    fn rows(lines: &[Line], rules: &[RuledLine], walls: &[RuledLine]) -> Vec<Vec<String>> {
        let page = Page {
            rules: rules.to_vec(),
            walls: walls.to_vec(),
            ..Page::default()
        };
        let rows = rows_of(lines, &columns_of(lines), &page).into_iter();
        rows.map(|row| row.into_iter().map(|cell| cell.text).collect())
            .collect()
    }

    #[test]
    fn pdf_cell_merged_over_rows_is_repeated_in_each() {
        let lines = [
            line(20.0, &[(0.0, "科別"), (100.0, "醫師"), (200.0, "費用")]),
            line(40.0, &[(0.0, "骨科"), (100.0, "甲"), (200.0, "150")]),
            line(60.0, &[(100.0, "乙")]),
            line(80.0, &[(0.0, "眼科"), (100.0, "丙"), (200.0, "280")]),
        ];
        let all = |y| rule(y, 0.0, 260.0);
        let rules = [all(25.0), rule(45.0, 95.0, 195.0), all(65.0), all(85.0)];
        assert_eq!(
            rows(&lines, &rules, &[]),
            [
                ["科別", "醫師", "費用"],
                ["骨科", "甲", "150"],
                ["骨科", "乙", "150"],
                ["眼科", "丙", "280"],
            ]
        );
        // Without rules, merged cells are unknown.
        assert_eq!(rows(&lines, &[], &[]).len(), 3);
    }

    #[test]
    fn pdf_lines_between_two_rules_are_one_row() {
        let lines = [
            line(20.0, &[(0.0, "故障"), (100.0, "處理")]),
            line(40.0, &[(100.0, "先拍照")]),
            line(45.0, &[(0.0, "破裂")]),
            line(52.0, &[(100.0, "再估價")]),
            line(70.0, &[(0.0, "泡水"), (100.0, "先烘乾")]),
        ];
        let rules = [25.0, 57.0, 75.0].map(|y| rule(y, 0.0, 200.0));
        assert_eq!(
            rows(&lines, &rules, &[]),
            [
                ["故障", "處理"],
                ["破裂", "先拍照再估價"],
                ["泡水", "先烘乾"]
            ]
        );
    }

    #[test]
    fn pdf_cell_merged_over_columns_is_repeated_in_each() {
        let lines = [
            line(20.0, &[(0.0, "項目"), (100.0, "月卡"), (200.0, "季卡")]),
            line(40.0, &[(0.0, "毛巾"), (150.0, "四元")]),
            line(60.0, &[(0.0, "私教"), (100.0, "不含"), (200.0, "一節")]),
        ];
        let rules = [25.0, 45.0, 65.0].map(|y| rule(y, 0.0, 260.0));
        let walls = [
            rule(90.0, 0.0, 80.0),
            rule(190.0, 0.0, 25.0),
            rule(190.0, 45.0, 80.0),
        ];
        assert_eq!(rows(&lines, &rules, &walls)[1], ["毛巾", "四元", "四元"]);
        assert_eq!(rows(&lines, &rules, &walls)[2], ["私教", "不含", "一節"]);
    }

    #[test]
    fn short_cell_line_ends_item_and_full_line_continues() {
        let mut cell = "手機".to_owned();
        continue_cell(&mut cell, "充電線", false);
        assert_eq!(cell, "手機；充電線");
        continue_cell(&mut cell, "與保護殼", true);
        assert_eq!(cell, "手機；充電線與保護殼");
        continue_cell(&mut cell, "90 days", false);
        assert_eq!(cell, "手機；充電線與保護殼; 90 days");
    }
}
