//! Plain text.

use ken_base::domain::Span;

use super::{Block, BlockKind, Extracted};

/// Extracts plain text. Paragraphs are separated by empty lines.
pub fn extract(raw: &str) -> Extracted {
    let mut blocks = Vec::new();
    let mut open: Option<Span> = None;
    let mut offset = 0;
    for line in raw.split_inclusive('\n') {
        let content = line.trim_end();
        if content.trim().is_empty() {
            blocks.extend(open.take().map(paragraph));
        } else {
            let start = open.map_or(offset, |span| span.start);
            open = Some(Span::new(start, offset + content.len()));
        }
        offset += line.len();
    }
    blocks.extend(open.map(paragraph));
    Extracted {
        text: raw.to_owned(),
        blocks,
        ..Extracted::default()
    }
}

fn paragraph(span: Span) -> Block {
    Block {
        kind: BlockKind::Paragraph,
        span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_separate_paragraphs() {
        let text = "\n第一段\n還是第一段  \n \n第二段";
        let found = extract(text);
        let parts: Vec<_> = found
            .blocks
            .iter()
            .map(|b| b.span.slice(text).unwrap())
            .collect();
        assert_eq!(parts, ["第一段\n還是第一段", "第二段"]);
    }
}
