//! Recognises the questions in pages of questions and answers.

use super::{Block, BlockKind};
use ken_base::domain::Span;
use ken_text::text::is_cjk;

/// The longest recognised question, in characters.
const MAX_CHARS: usize = 120;

/// Returns whether a heading is a question, so that the text below it is the answer.
pub fn is_question(heading: &str) -> bool {
    let heading = heading.trim();
    let asks = heading.ends_with(['？', '?'])
        || ["嗎", "吗", "呢", "怎麼辦", "怎么办"]
            .iter()
            .any(|end| heading.ends_with(end));
    asks && heading.chars().count() <= MAX_CHARS
}

/// Returns the blocks with every answered question as a heading and its answer below it. Recognised forms: `Q: …` and
/// `A: …`, a question on a line of its own, list items that start with a question, a table of questions and answers,
/// and questions and answers in one paragraph. Marks and numbers are removed. Blocks of pages without such pairs are
/// returned unchanged.
pub fn found_in(text: &str, blocks: &[Block]) -> Vec<Block> {
    let deepest = blocks.iter().filter_map(|block| match block.kind {
        BlockKind::Heading(level) => Some(level),
        _ => None,
    });
    let page = Page {
        text,
        level: deepest.max().map_or(1, |deepest| (deepest + 1).min(6)),
        is_marked: is_marked_page(text, blocks),
        in_prose: n_in_prose(text, blocks) >= MIN_IN_PROSE,
    };
    let mut found: Vec<Block> = Vec::with_capacity(blocks.len());
    for (i, block) in blocks.iter().enumerate() {
        let next = blocks.get(i + 1);
        match &block.kind {
            BlockKind::Paragraph => page.paragraph(block, next, &mut found),
            BlockKind::List(items) => page.list(block, items, next, &mut found),
            BlockKind::Table(rows) => page.table(block, rows, &mut found),
            _ => found.push(block.clone()),
        }
    }
    found
}

/// Paragraphs with at least this many questions and answers are a list of FAQs.
const MIN_IN_PROSE: usize = 2;

struct Page<'a> {
    text: &'a str,
    /// The level of a question's heading.
    level: u8,
    /// Whether questions and answers are marked.
    is_marked: bool,
    /// Whether paragraphs contain questions followed by their answers.
    in_prose: bool,
}

impl Page<'_> {
    fn heading(&self, span: Span) -> Block {
        Block {
            kind: BlockKind::Heading(self.level),
            span,
        }
    }

    /// Returns a block that ends the last question's answer.
    fn end(&self) -> Block {
        self.heading(Span::new(0, 0))
    }

    fn slice(&self, span: Span) -> &str {
        span.slice(self.text).unwrap_or_default()
    }

    fn paragraph(&self, block: &Block, next: Option<&Block>, found: &mut Vec<Block>) {
        let lines: Vec<Span> = lines(self.text, block.span).collect();
        if self.is_marked && lines.iter().any(|line| is_marked(self.slice(*line))) {
            return self.marked(&lines, found);
        }
        let asks = |line: &Span| question_start(self.slice(*line)).is_some();
        // A question alone, followed by something else.
        if let [line] = lines.as_slice()
            && let Some(start) = question_start(self.slice(*line))
        {
            match self.answers(next) {
                true => found.push(self.heading(Span::new(line.start + start, line.end))),
                false => found.push(block.clone()),
            }
            return;
        }
        let is_last_open = lines.last().is_some_and(asks) && !self.answers(next);
        if lines.len() > 1 && lines.first().is_some_and(asks) && !is_last_open {
            return self.below(&lines, found);
        }
        if self.in_prose && self.prose(block.span, found) {
            return;
        }
        found.push(block.clone());
    }

    /// Returns whether a block can be an answer.
    fn answers(&self, block: Option<&Block>) -> bool {
        block.is_some_and(|block| match &block.kind {
            BlockKind::Heading(_) => false,
            BlockKind::Paragraph => question_start(self.slice(block.span)).is_none(),
            BlockKind::List(items) => items
                .iter()
                .any(|item| question_start(item_text(self.slice(*item))).is_none()),
            _ => true,
        })
    }

    /// Adds lines of `Q: …` and `A: …`.
    fn marked(&self, lines: &[Span], found: &mut Vec<Block>) {
        let mut open: Option<Span> = None;
        for line in lines {
            let words = self.slice(*line);
            let is_short = words.chars().count() <= MAX_CHARS + 8;
            if let Some(marker) = question_marker(words).filter(|_| is_short) {
                found.extend(open.take().map(paragraph));
                found.push(self.heading(Span::new(line.start + marker, line.end)));
            } else if let Some(marker) = answer_marker(words) {
                found.extend(open.take().map(paragraph));
                open = Some(Span::new(line.start + marker, line.end));
            } else {
                let start = open.map_or(line.start, |span| span.start);
                open = Some(Span::new(start, line.end));
            }
        }
        found.extend(open.map(paragraph));
    }

    /// Adds questions on lines of their own, each with the lines below it.
    fn below(&self, lines: &[Span], found: &mut Vec<Block>) {
        let mut open: Option<Span> = None;
        let mut asks_on = false;
        for line in lines {
            let start = question_start(self.slice(*line));
            // Two questions with a common answer are one heading.
            if let (Some(_), true, Some(last)) = (start, asks_on, found.last_mut()) {
                last.span.end = line.end;
                continue;
            }
            asks_on = start.is_some();
            if let Some(start) = start {
                found.extend(open.take().map(paragraph));
                found.push(self.heading(Span::new(line.start + start, line.end)));
            } else {
                let start = open.map_or(line.start, |span| span.start);
                open = Some(Span::new(start, line.end));
            }
        }
        found.extend(open.map(paragraph));
    }

    /// Adds questions and answers in one paragraph. Returns `false` if it does not start with a question.
    fn prose(&self, span: Span, found: &mut Vec<Block>) -> bool {
        let pairs = pairs_in(self.slice(span));
        for (question, answer) in &pairs {
            let at = |part: Span| Span::new(span.start + part.start, span.start + part.end);
            found.push(self.heading(at(*question)));
            found.push(paragraph(at(*answer)));
        }
        if !pairs.is_empty() {
            found.push(self.end());
        }
        !pairs.is_empty()
    }

    /// Adds items that start with a question and its answer, or a single question whose answer is below the list.
    fn list(&self, block: &Block, items: &[Span], next: Option<&Block>, found: &mut Vec<Block>) {
        let parted = |item: &Span| -> Option<(Span, Span)> {
            let first = lines(self.text, *item).next()?;
            let head = self.slice(first);
            let text = item_text(head);
            let start = first.end - text.len() + question_start(text)?;
            let rest = self.slice(Span::new(first.end, item.end));
            let answer = Span::new(item.end - rest.trim_start().len(), item.end);
            (!answer.is_empty()).then_some((Span::new(start, first.end), answer))
        };
        let pairs: Vec<Option<(Span, Span)>> = items.iter().map(parted).collect();
        if pairs.iter().flatten().count() * 2 >= items.len().max(1)
            && pairs.iter().any(Option::is_some)
        {
            for (item, pair) in items.iter().zip(pairs) {
                match pair {
                    Some((question, answer)) => {
                        found.push(self.heading(question));
                        found.push(paragraph(answer));
                    }
                    None => {
                        found.push(self.end());
                        found.push(Block {
                            kind: BlockKind::List(vec![*item]),
                            span: *item,
                        });
                    }
                }
            }
            found.push(self.end());
            return;
        }
        if let [item] = items
            && self.answers(next)
        {
            let text = item_text(self.slice(*item));
            if let Some(start) = question_start(text) {
                found.push(self.heading(Span::new(item.end - text.len() + start, item.end)));
                return;
            }
        }
        found.push(block.clone());
    }

    /// Adds a table with a column of questions and one of answers, and no column that FAQs do not have.
    fn table(&self, block: &Block, rows: &[Span], found: &mut Vec<Block>) {
        let Some((question, answer, n_header)) = self.columns(rows) else {
            found.push(block.clone());
            return;
        };
        for row in &rows[n_header..] {
            let cells = cells(self.text, *row);
            found.push(self.heading(cells[question]));
            found.push(paragraph(cells[answer]));
        }
        found.push(self.end());
    }

    /// Returns the indexes of the question and the answer column, and the number of header rows.
    fn columns(&self, rows: &[Span]) -> Option<(usize, usize, usize)> {
        let header: Vec<&str> = cells(self.text, *rows.first()?)
            .into_iter()
            .map(|cell| self.slice(cell))
            .collect();
        // No content may be lost: each row has a question, an answer, and otherwise at most a number.
        let is_whole = |question: usize, answer: usize, n_header: usize| {
            rows[n_header..].iter().all(|row| {
                let cells = cells(self.text, *row);
                let is_number = |cell: &Span| {
                    let number = self.slice(*cell).trim_end_matches('.');
                    number.len() <= 6 && number.bytes().all(|b| b.is_ascii_alphanumeric())
                };
                cells.len() == header.len()
                    && !cells[question].is_empty()
                    && !cells[answer].is_empty()
                    && cells
                        .iter()
                        .enumerate()
                        .all(|(i, cell)| i == question || i == answer || is_number(cell))
            })
        };
        if let Some((question, answer)) = super::faq::columns_of(&header) {
            return is_whole(question, answer, 1).then_some((question, answer, 1));
        }
        // No column names, but the first column of every row is a question.
        let asks = |row: &Span| {
            let first = cells(self.text, *row).into_iter().next();
            first.is_some_and(|cell| question_start(self.slice(cell)).is_some())
        };
        let n_asking = rows.iter().filter(|row| asks(row)).count();
        let n_header = usize::from(!asks(&rows[0]));
        let all_ask = n_asking > 0 && n_asking + n_header == rows.len();
        (header.len() == 2 && all_ask && is_whole(0, 1, n_header)).then_some((0, 1, n_header))
    }
}

/// Returns the cells of a row written as `| a | b |`.
fn cells(text: &str, row: Span) -> Vec<Span> {
    let line = row.slice(text).unwrap_or_default();
    let mut found = Vec::new();
    let mut start = row.start + usize::from(line.starts_with('|'));
    for cell in line.strip_prefix('|').unwrap_or(line).split('|') {
        let lead = cell.len() - cell.trim_start().len();
        let here = start + lead;
        found.push(Span::new(here, here + cell.trim().len()));
        start += cell.len() + 1;
    }
    // The part after the last bar.
    found.pop();
    found
}

/// Returns an item without its bullet or number.
fn item_text(item: &str) -> &str {
    let item = item.trim_start();
    let rest = item.strip_prefix("- ").unwrap_or(item);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[digits..]
        .strip_prefix(". ")
        .filter(|_| digits > 0)
        .unwrap_or(rest)
}

/// Returns where the question starts on a line that is only a question, after its number: `2. 可以分期嗎？`.
fn question_start(line: &str) -> Option<usize> {
    if line.contains('\n') || !is_question(line) {
        return None;
    }
    if let Some(marker) = question_marker(line) {
        return Some(marker);
    }
    let rest = line.trim_start_matches([' ', '\t', '(', '（']);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut after = rest[digits..].chars();
    let sign = after.next();
    // `1.5 公升`, `3:30` are figures.
    let is_figure = after.next().is_some_and(|c| c.is_ascii_digit());
    let is_numbered = digits > 0
        && digits <= 3
        && !is_figure
        && sign.is_some_and(|sign| ".、．)）:：".contains(sign));
    let rest = match (is_numbered, sign) {
        (true, Some(sign)) => rest[digits + sign.len_utf8()..].trim_start(),
        _ => line.trim_start(),
    };
    // Two sentences are more than a question.
    let body = rest.trim_end_matches(['？', '?']);
    let is_one = !body.contains(['？', '?', '。', '！']) && !body.contains(". ");
    (is_one && !body.trim().is_empty()).then(|| line.len() - rest.len())
}

/// Returns a paragraph's questions, each with the sentences after it; nothing if it does not start with a question or
/// one has no answer.
fn pairs_in(paragraph: &str) -> Vec<(Span, Span)> {
    // Most paragraphs contain none, which is found without splitting them into sentences.
    let mut beginning = paragraph.trim_start().chars().take(MAX_CHARS);
    if !beginning.any(|c| matches!(c, '？' | '?')) {
        return Vec::new();
    }
    let mut pairs: Vec<(Span, Option<Span>)> = Vec::new();
    for sentence in ken_text::text::sentences(paragraph) {
        let span = Span::new(sentence.start, sentence.end);
        let words = span.slice(paragraph).unwrap_or_default();
        let asks = words.trim_end().ends_with(['？', '?']) && words.chars().count() <= MAX_CHARS;
        match pairs.last_mut() {
            _ if asks => {
                let start = question_start(words.trim()).unwrap_or(0);
                let lead = words.len() - words.trim_start().len();
                let end = span.start + words.trim_end().len();
                pairs.push((Span::new(span.start + lead + start, end), None));
            }
            Some((_, answer)) => {
                let start = answer.map_or(span.start, |answer| answer.start);
                let end = span.start + words.trim_end().len();
                *answer = Some(Span::new(start, end));
            }
            None => return Vec::new(),
        }
    }
    let pairs: Option<Vec<(Span, Span)>> = pairs
        .into_iter()
        .map(|(question, answer)| Some((question, answer?)))
        .collect();
    pairs.unwrap_or_default()
}

fn n_in_prose(text: &str, blocks: &[Block]) -> usize {
    let paragraphs = blocks.iter().filter(|b| b.kind == BlockKind::Paragraph);
    paragraphs
        .map(|block| pairs_in(block.span.slice(text).unwrap_or_default()).len())
        .sum()
}

/// Returns whether a page marks both its questions and its answers.
fn is_marked_page(text: &str, blocks: &[Block]) -> bool {
    let has = |marker: fn(&str) -> Option<usize>| {
        let mut paragraphs = blocks.iter().filter(|b| b.kind == BlockKind::Paragraph);
        paragraphs.any(|b| {
            lines(text, b.span).any(|line| marker(line.slice(text).unwrap_or_default()).is_some())
        })
    };
    has(question_marker) && has(answer_marker)
}

fn paragraph(span: Span) -> Block {
    Block {
        kind: BlockKind::Paragraph,
        span,
    }
}

fn lines(text: &str, span: Span) -> impl Iterator<Item = Span> {
    let mut start = span.start;
    let body = span.slice(text).unwrap_or_default();
    body.split_inclusive('\n').filter_map(move |line| {
        let (content, here) = (line.trim_end(), start);
        start += line.len();
        (!content.is_empty()).then(|| Span::new(here, here + content.len()))
    })
}

/// Returns whether a line starts with the mark of a question or an answer.
pub fn is_marked(line: &str) -> bool {
    question_marker(line).or(answer_marker(line)).is_some()
}

/// Returns the length of the `Q:` at a line's start.
fn question_marker(line: &str) -> Option<usize> {
    marker(line, &["Q", "q", "問題", "问题", "問", "问", "Question"])
}

fn answer_marker(line: &str) -> Option<usize> {
    marker(line, &["A", "a", "答案", "答", "Answer", "回答"])
}

fn marker(line: &str, names: &[&str]) -> Option<usize> {
    // 【問】可以嗎, [Q] 可以嗎
    let open = line.chars().next().filter(|c| "【[［〔（(".contains(*c));
    if let Some(open) = open {
        let inner = &line[open.len_utf8()..];
        let end = inner.find(|c| "】]］〕）)".contains(c))?;
        let name = inner[..end].trim_end_matches(|c: char| c.is_ascii_digit());
        // `(a)`, `(q)` number clauses.
        let counts = "(（".contains(open) && name.chars().all(|c| c.is_ascii_lowercase());
        let is_name = names.contains(&name) && !counts;
        let close = inner[end..].chars().next().map_or(0, char::len_utf8);
        let words = inner[end + close..].trim_start_matches([' ', '\t', ':', '：', '*', '_']);
        return (is_name && !words.is_empty()).then(|| line.len() - words.len());
    }
    let name = names.iter().find(|name| line.starts_with(**name))?;
    let rest = &line[name.len()..];
    // `Q1:` has a number.
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // If the mark is bold, the end of the bold is before or after the colon.
    let after = rest[digits..].trim_start_matches([' ', '*', '_']);
    let sign = after
        .chars()
        .next()
        .filter(|c| [':', '：', '.', '、', '．'].contains(c))?;
    let words = after[sign.len_utf8()..].trim_start_matches([' ', '\t', '*', '_']);
    let is_abbreviation = sign == '.' && !words.starts_with(is_cjk);
    (!words.is_empty() && !is_abbreviation).then(|| line.len() - words.len())
}

#[cfg(test)]
mod tests {
    use super::super::{chunk, plain};
    use super::*;

    #[test]
    fn question_headings_and_qa_markers_are_detected() {
        for (heading, expected) in [
            ("可以退貨嗎？", true),
            ("How do I reset it?", true),
            ("忘記密碼怎麼辦", true),
            ("退貨流程", false),
        ] {
            assert_eq!(is_question(heading), expected, "{heading}");
        }
        assert_eq!(marker("Q: 可以嗎", &["Q"]), Some(3));
        assert_eq!(marker("問：可以嗎", &["問"]), Some(6));
        assert_eq!(marker("A. Smith wrote", &["A"]), None);
        assert_eq!(marker("Quality", &["Q"]), None);
    }

    fn pairs(markdown: &str) -> Vec<(String, String)> {
        let extracted = super::super::markdown::extract(markdown).unwrap();
        let chunks = chunk(&extracted).into_iter();
        chunks
            .filter_map(|c| {
                let words = c.span.slice(&extracted.text).unwrap();
                Some((c.note.question?, words.to_owned()))
            })
            .collect()
    }

    /// Compares the result with the one expected for every way of writing.
    fn check(markdown: &str) {
        let expected = [
            ("可以寄放嗎？", "可以，三天。"),
            ("要收費嗎？", "每件 20 元。"),
        ];
        let found = pairs(markdown);
        let found: Vec<(&str, &str)> = found.iter().map(|(q, a)| (&q[..], &a[..])).collect();
        assert_eq!(found, expected, "{markdown}");
    }

    #[test]
    fn qa_pairs_are_found_in_every_layout() {
        for markdown in [
            "## 可以寄放嗎？\n\n可以，三天。\n\n## 要收費嗎？\n\n每件 20 元。",
            "**可以寄放嗎？**\n\n可以，三天。\n\n**要收費嗎？**\n\n每件 20 元。",
            "**1、可以寄放嗎？**\n\n可以，三天。\n\n**2、要收費嗎？**\n\n每件 20 元。",
            "【問】可以寄放嗎？\n【答】可以，三天。\n\n【問】要收費嗎？\n【答】每件 20 元。",
            "1. 可以寄放嗎？\n\n可以，三天。\n\n2. 要收費嗎？\n\n每件 20 元。",
            "1. 可以寄放嗎？\n   可以，三天。\n2. 要收費嗎？\n   每件 20 元。",
            "| 問題 | 答案 |\n|---|---|\n| 可以寄放嗎？ | 可以，三天。 |\n| 要收費嗎？ | 每件 20 元。 |",
            "| 編號 | 問 | 答 |\n|---|---|---|\n| 1 | 可以寄放嗎？ | 可以，三天。 |\n| 2 | 要收費嗎？ | 每件 20 元。 |",
            "| 客人常問 | 怎麼說 |\n|---|---|\n| 可以寄放嗎？ | 可以，三天。 |\n| 要收費嗎？ | 每件 20 元。 |",
            "可以寄放嗎？可以，三天。要收費嗎？每件 20 元。",
            "可以寄放嗎？可以，三天。\n\n要收費嗎？每件 20 元。",
        ] {
            check(markdown);
        }
    }

    #[test]
    fn chunks_preserve_all_text_except_questions() {
        for (markdown, words) in [
            (
                "| 編號 | 題目 | 內容 | 開始時間 |\n|---|---|---|---|\n| 1 | 包裝 | 封箱 | 3/6 14:00 |",
                &["3/6 14:00", "包裝"][..],
            ),
            (
                "| 問題 | 答案 |\n|---|---|\n| 可以退嗎？ | 可以。 |\n| | 要附發票。 |",
                &["要附發票", "可以退嗎"],
            ),
            (
                "(a) The unit is new.\n\n(q) The warranty is void.",
                &["(a) The", "(q) The"],
            ),
        ] {
            let extracted = super::super::markdown::extract(markdown).unwrap();
            let all: String = chunk(&extracted)
                .iter()
                .map(|c| c.span.slice(&extracted.text).unwrap())
                .collect();
            for word in words {
                assert!(all.contains(word), "{word}: {all}");
            }
        }
    }

    #[test]
    fn text_after_qa_table_is_not_part_of_an_answer() {
        let markdown = "| 問題 | 答案 |\n|---|---|\n| 可以退嗎？ | 可以。 |\n\n客服專線 0800。";
        assert_eq!(
            pairs(markdown),
            [("可以退嗎？".to_owned(), "可以。".to_owned())]
        );
    }

    #[test]
    fn decimal_at_start_of_question_is_not_a_list_number() {
        assert_eq!(question_start("1.5 公升的水可以帶嗎？"), Some(0));
        assert_eq!(question_start("1. 可以帶嗎？"), Some(3));
    }

    #[test]
    fn questions_without_answers_yield_no_pairs() {
        for markdown in [
            "- 可以寄放嗎？\n- 要收費嗎？",
            "可以寄放嗎？\n\n要收費嗎？",
            "想省運費嗎？加入會員。",
            "| 型號 | 售價 |\n|---|---|\n| 一號？ | 900 |\n| 二號 | 800 |",
        ] {
            assert_eq!(pairs(markdown), [], "{markdown}");
        }
    }

    #[test]
    fn qa_pair_chunk_contains_answer_only() {
        let text = "常見問題\n\nQ1：可以退貨嗎？\nA1：七天內可以。\n請保留發票。\n\nQ2：運費多少？\nA2：80 元。";
        let chunks = chunk(&plain::extract(text));
        let read: Vec<(Option<&str>, &str)> = chunks
            .iter()
            .map(|c| (c.note.question.as_deref(), c.span.slice(text).unwrap()))
            .collect();
        assert_eq!(
            read[read.len() - 2..],
            [
                (Some("可以退貨嗎？"), "七天內可以。\n請保留發票。"),
                (Some("運費多少？"), "80 元。")
            ]
        );
    }
}
