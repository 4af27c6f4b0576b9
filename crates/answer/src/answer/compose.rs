//! Composes an answer from quotations of the evidence.

mod choose;

use super::passage::Passage;
use super::prompt_injection::plain;
use choose::{choose, is_item, is_row, join};
use ken_base::domain::{
    Chunk, Citation, CitedLink, DocumentKind, Evidence, Sentence, Span, Strategy,
};
use ken_text::text::sentences;

/// An answer in preparation.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerDraft {
    /// How the answer was made.
    pub strategy: Strategy,
    /// The whole text.
    pub text: String,
    /// The text's sentences with the numbers of their citations.
    pub sentences: Vec<Sentence>,
    /// The citations, numbered from 1.
    pub citations: Vec<Citation>,
}

impl Default for AnswerDraft {
    fn default() -> Self {
        Self {
            strategy: Strategy::None,
            text: String::new(),
            sentences: Vec::new(),
            citations: Vec::new(),
        }
    }
}

/// The most sentences to choose, not counting lists and tables.
const MAX_SENTENCES: usize = 2;

/// A list or table has at least this many items or rows.
const MIN_PARTS: usize = 3;

/// Composes an answer from admitted evidence (best first). An FAQ's answer is quoted whole. Otherwise it quotes, in
/// reading order, the sentences of the best chunks that contain most of what the question asks for. Sentences addressed
/// to a machine are left out.
pub fn compose(
    question: &str,
    term_weights: &[(String, f32)],
    evidence: &[Evidence],
    passages: &[Passage],
) -> AnswerDraft {
    let Some((best, passage)) = evidence.first().zip(passages.first()) else {
        return AnswerDraft::default();
    };
    let is_standard = is_standard(best);
    let units = passage.spans();
    // One short paragraph is about one thing; two may be about two.
    let is_one = units.len() <= MAX_SENTENCES && !best.chunk.text.trim().contains("\n\n");
    if is_standard || is_one {
        let strategy = match is_standard {
            true => Strategy::Standard,
            false => Strategy::Extractive,
        };
        return quote(strategy, &[(best, whole(&best.chunk.text, &units))]);
    }
    let chosen = choose(question, term_weights, evidence, passages);
    let quoted: Vec<(&Evidence, Vec<Span>)> = chosen
        .into_iter()
        .map(|(at, spans)| (&evidence[at], spans))
        .collect();
    quote(Strategy::Extractive, &quoted)
}

/// Returns whether a piece of evidence is quoted whole: an FAQ's answer, or an answer next to its question in a
/// document.
pub fn is_standard(evidence: &Evidence) -> bool {
    evidence.metadata.kind == DocumentKind::Faq || evidence.chunk.note.question.is_some()
}

/// Returns the whole text as spans, without the sentences that are not among its units.
fn whole(text: &str, units: &[Span]) -> Vec<Span> {
    let all = sentences(text);
    if units.len() == all.len() {
        return vec![Span::new(0, text.len())];
    }
    let included: Vec<usize> = (0..all.len())
        .filter(|i| units.contains(&all[*i]))
        .collect();
    join(text, &all, &included)
}

/// Returns the citation of a span of a chunk, or `None` if the span is outside the chunk.
pub fn quote_of(evidence: &Evidence, span: Span, number: usize) -> Option<Citation> {
    let chunk = &evidence.chunk;
    Some(Citation {
        number,
        document_id: chunk.document_id.clone(),
        document_version: chunk.version,
        title: plain(&evidence.metadata.title).to_owned(),
        uri: evidence.metadata.uri.clone(),
        chunk_id: chunk.id(),
        heading_path: chunk
            .heading_path
            .iter()
            .map(|heading| plain(heading).to_owned())
            .collect(),
        page: chunk.note.page_of(chunk.span.start + span.start),
        quote: span.slice(&chunk.text)?.to_owned(),
        start: chunk.span.start + span.start,
        end: chunk.span.start + span.end,
        links: links_in(chunk, span),
    })
}

/// Returns the links within a span of a chunk.
fn links_in(chunk: &Chunk, span: Span) -> Vec<CitedLink> {
    let start = chunk.span.start;
    let inside = |(from, to, _): &&(usize, usize, String)| {
        *from >= start + span.start && *to <= start + span.end
    };
    let links = chunk.note.links.iter().filter(inside);
    let cited = links.filter_map(|(from, to, uri)| {
        Some(CitedLink {
            text: chunk.text.get(from - start..to - start)?.to_owned(),
            uri: uri.clone(),
            start: *from,
            end: *to,
        })
    });
    cited.collect()
}

/// Returns the citation of the header row if a span starts in a table whose header is in an earlier chunk.
fn header_of(evidence: &Evidence, span: Span, number: usize) -> Option<Citation> {
    let chunk = &evidence.chunk;
    let header = chunk.note.header.as_ref()?;
    let is_of_table = is_row(span.slice(&chunk.text)?.lines().next()?.trim())
        && in_first_table(&chunk.text, span.start);
    let citation = quote_of(evidence, Span::new(0, 0), number)?;
    is_of_table.then(|| Citation {
        quote: header.text.clone(),
        start: header.start,
        end: header.start + header.text.len(),
        ..citation
    })
}

/// Returns whether only rows of one table precede a position.
fn in_first_table(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end();
    !before.contains("\n\n") && before.lines().all(|line| is_row(line.trim()))
}

/// Quotes spans of chunks, in order, each with its citation.
fn quote(strategy: Strategy, quoted: &[(&Evidence, Vec<Span>)]) -> AnswerDraft {
    let mut draft = AnswerDraft {
        strategy,
        ..AnswerDraft::default()
    };
    let all = quoted
        .iter()
        .flat_map(|(evidence, spans)| spans.iter().map(move |span| (*evidence, *span)));
    let cited = all.flat_map(|(evidence, span)| {
        let header = header_of(evidence, span, 0);
        [header, quote_of(evidence, span, 0)]
    });
    for citation in cited.flatten() {
        // Column names are cited once, and not if they are quoted already.
        let is_known = |known: &Citation| {
            known.document_id == citation.document_id
                && known.document_version == citation.document_version
                && known.start <= citation.start
                && citation.end <= known.end
        };
        if draft.citations.iter().any(is_known) {
            continue;
        }
        let number = draft.citations.len() + 1;
        let citation = Citation { number, ..citation };
        let quote = &citation.quote;
        if !draft.text.is_empty() {
            draft.text.push('\n');
        }
        draft.text.push_str(quote);
        let spans = sentences(quote);
        let texts = spans.iter().filter_map(|span| span.slice(quote));
        draft.sentences.extend(texts.map(|text| Sentence {
            text: text.to_owned(),
            citations: vec![number],
        }));
        draft.citations.push(citation);
    }
    draft
}

/// How a draft's quotation ends.
pub enum QuotationEnd<'a> {
    /// Not inside a list or table.
    Whole,
    /// Inside one: the passage has more of it.
    Cut,
    /// With a list or table that ends with its passage, so it may continue in the next passage.
    WithPassage(&'a Evidence),
}

/// Returns how a draft ends, with regard to a list or table of which it quotes at least [`MIN_PARTS`] items or rows.
pub fn quotation_end<'a>(draft: &AnswerDraft, evidence: &'a [Evidence]) -> QuotationEnd<'a> {
    let cited = draft.citations.last().and_then(|last| {
        let of = evidence.iter().find(|e| e.chunk.id() == last.chunk_id)?;
        Some((last, of))
    });
    let Some((last, of)) = cited else {
        return QuotationEnd::Whole;
    };
    let is_part = |line: &&str| is_item(line) || is_row(line);
    let lines = last.quote.lines().map(str::trim).rev();
    let parts: Vec<&str> = lines.take_while(is_part).collect();
    // A table's header does not count as a row.
    let n_headers = usize::from(parts.iter().any(|line| is_row(line)));
    if parts.len() - n_headers < MIN_PARTS {
        return QuotationEnd::Whole;
    }
    let behind = last.end - of.chunk.span.start;
    match of.chunk.text.get(behind..).unwrap_or_default().trim() {
        "" => QuotationEnd::WithPassage(of),
        rest if continues(rest) => QuotationEnd::Cut,
        _ => QuotationEnd::Whole,
    }
}

/// Returns whether a text continues the list or table at the end of the previous one.
pub fn continues(next: &str) -> bool {
    let first = next.trim_start().lines().next().unwrap_or_default().trim();
    is_item(first) || is_row(first)
}

/// Moves a sentence of the evidence to the start of a draft.
pub fn prepend(draft: AnswerDraft, evidence: &Evidence, span: Span) -> AnswerDraft {
    let Some(first) = quote_of(evidence, span, 1) else {
        return draft;
    };
    let mut whole = AnswerDraft {
        strategy: draft.strategy,
        text: String::new(),
        sentences: vec![Sentence {
            text: first.quote.clone(),
            citations: vec![1],
        }],
        citations: vec![first],
    };
    let mut rest = draft;
    rest.sentences
        .retain(|sentence| sentence.text != whole.sentences[0].text);
    let quoted = |number: usize| rest.sentences.iter().any(|s| s.citations.contains(&number));
    rest.citations.retain(|citation| quoted(citation.number));
    // Numbered again if a citation was removed.
    let order: Vec<usize> = rest.citations.iter().map(|c| c.number).collect();
    let place = |number: usize| {
        order
            .iter()
            .position(|known| *known == number)
            .map_or(number, |i| i + 1)
    };
    rest.citations
        .iter_mut()
        .for_each(|c| c.number = place(c.number));
    for sentence in &mut rest.sentences {
        sentence
            .citations
            .iter_mut()
            .for_each(|number| *number = place(*number));
    }
    whole.append(rest);
    let texts: Vec<&str> = whole.sentences.iter().map(|s| s.text.as_str()).collect();
    whole.text = texts.join("\n");
    whole
}

impl AnswerDraft {
    /// Appends another draft's sentences and citations with new numbers, but not its text.
    pub fn append(&mut self, other: AnswerDraft) {
        let before = self.citations.len();
        let renumbered = other.sentences.into_iter().map(|mut sentence| {
            sentence
                .citations
                .iter_mut()
                .for_each(|number| *number += before);
            sentence
        });
        self.sentences.extend(renumbered);
        let renumbered = other.citations.into_iter().map(|mut citation| {
            citation.number += before;
            citation
        });
        self.citations.extend(renumbered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_text::text::terms;

    fn pick(text: &str, question: &str) -> Vec<String> {
        let weights: Vec<(String, f32)> = terms(question).into_iter().map(|t| (t, 1.0)).collect();
        let evidence = [Evidence {
            chunk: ken_base::domain::Chunk {
                note: Default::default(),
                key: 1,
                document_id: ken_base::domain::DocumentId::parse("d").unwrap(),
                version: 1,
                ordinal: 0,
                heading_path: vec![],
                span: Span::new(0, text.len()),
                text: text.to_owned(),
            },
            metadata: Default::default(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            score: 1.0,
            coverage: 1.0,
            similarity: 1.0,
        }];
        let passages = [Passage::read(&evidence[0])];
        let draft = compose(question, &weights, &evidence, &passages);
        draft.citations.into_iter().map(|c| c.quote).collect()
    }

    #[test]
    fn extract_picks_sentence_matching_question() {
        let text = "本店於週一至週五營業。退貨運費由本店負擔，但離島除外。商品保固一年。";
        assert_eq!(
            pick(text, "退貨運費誰負擔"),
            ["退貨運費由本店負擔，但離島除外。"]
        );
    }

    #[test]
    fn second_document_quoted_only_when_title_matches() {
        let of = |document: &str, title: &str, text: &str, score: f32| {
            let mut found = crate::answer::conflict_resolution::tests::evidence(
                title,
                DocumentKind::Article,
                text,
                score,
            );
            found.chunk.document_id = ken_base::domain::DocumentId::parse(document).unwrap();
            found
        };
        let quoted = |other: &str| {
            let question = "投影機紅燈慢閃";
            let weights: Vec<(String, f32)> =
                terms(question).into_iter().map(|t| (t, 1.0)).collect();
            let evidence = [
                of("a", "投影機", "先看電源。紅色慢閃要冷卻。其他請送修。", 1.0),
                of("b", other, "白燈為電量。橘燈慢閃換線。紅燈慢閃送修。", 0.99),
            ];
            let passages: Vec<Passage> = evidence.iter().map(Passage::read).collect();
            let draft = compose(question, &weights, &evidence, &passages);
            let ids = draft.citations.iter().map(|c| c.document_id.to_string());
            ids.collect::<Vec<_>>()
        };
        assert!(!quoted("行動電源").contains(&"b".to_owned()));
        assert!(quoted("投影機燈號").contains(&"b".to_owned()));
    }

    #[test]
    fn anaphoric_sentence_is_quoted_with_its_predecessor() {
        let text = "第一段。鋰電池不得空運。此限制不含配送行動電源時的陸運。最後。";
        assert_eq!(
            pick(text, "配送行動電源陸運"),
            ["鋰電池不得空運。此限制不含配送行動電源時的陸運。"]
        );
    }

    #[test]
    fn procedure_is_quoted_whole_with_lead_in() {
        let text =
            "說明。\n重設耳機的步驟：\n1. 放回充電盒。\n2. 長按十秒。\n3. 燈號閃紅。\n其他事項。";
        let expected = ["重設耳機的步驟：\n1. 放回充電盒。\n2. 長按十秒。\n3. 燈號閃紅。"];
        assert_eq!(pick(text, "如何重設耳機"), expected);
        assert_eq!(pick(text, "長按幾秒十秒"), expected);
    }

    #[test]
    fn table_row_is_quoted_with_header() {
        let text = "| 地區 | 運費 |\n| 本島 | 80 元 |\n| 離島 | 150 元 |";
        assert_eq!(pick(text, "離島"), ["| 地區 | 運費 |", "| 離島 | 150 元 |"]);
    }

    #[test]
    fn table_row_is_picked_when_question_names_columns() {
        let text = "| 科別 | 醫師 | 掛號費 |\n| 骨科 | 林以恩 | 150 元 |\n| 牙科 | 周柏睿 | 160 元 |\n| 眼科 | 孫亦晴 | 280 元 |";
        assert_eq!(
            pick(text, "孫亦晴醫師的掛號費"),
            ["| 科別 | 醫師 | 掛號費 |", "| 眼科 | 孫亦晴 | 280 元 |"]
        );
    }

    #[test]
    fn inner_heading_selects_sentence_below_and_is_not_quoted() {
        let text = "送修要 7 天。\n\n代用機\n\n押金 3,000 元。歸還後退。\n\n寄送方式\n\n請用原箱。";
        assert_eq!(pick(text, "代用機"), ["押金 3,000 元。"]);
    }

    #[test]
    fn quotation_cut_within_list_is_detected() {
        let end = |text: &str, quoted: &str| {
            let evidence = [crate::answer::conflict_resolution::tests::evidence(
                "t",
                DocumentKind::Article,
                text,
                1.0,
            )];
            let start = text.find(quoted).unwrap();
            let span = Span::new(start, start + quoted.len());
            let draft = quote(Strategy::Extractive, &[(&evidence[0], vec![span])]);
            match quotation_end(&draft, &evidence) {
                QuotationEnd::Whole => "whole",
                QuotationEnd::Cut => "cut",
                QuotationEnd::WithPassage(_) => "with its passage",
            }
        };
        let list = "門市：\n1. 東店\n2. 西店\n3. 南店\n4. 北店\n";
        assert_eq!(end(list, list.trim_end()), "with its passage");
        assert_eq!(end(list, "門市：\n1. 東店\n2. 西店\n3. 南店"), "cut");
        assert_eq!(
            end(list, "1. 東店\n2. 西店"),
            "whole",
            "two items are no list"
        );
        let more = format!("{list}\n以上。");
        assert_eq!(end(&more, list.trim_end()), "whole");
        let table = "| 店 | 電話 |\n| 東 | 1 |\n| 西 | 2 |\n| 南 | 3 |\n| 北 | 4 |";
        assert_eq!(end(table, "| 店 | 電話 |\n| 東 | 1 |\n| 西 | 2 |"), "whole");
        assert_eq!(
            end(table, "| 店 | 電話 |\n| 東 | 1 |\n| 西 | 2 |\n| 南 | 3 |"),
            "cut"
        );
        assert!(continues("4. 北店\n5. 中店") && continues("| a | b |") && !continues("營業時間"));
    }

    #[test]
    fn clause_after_semicolon_is_quoted_too() {
        let text = "本店接受預購。取消預購時訂金不沒收；但預購禮每人限領一份。出貨後不能取消訂單。門市不收現金。";
        let picked = pick(text, "取消預購訂金沒收");
        assert!(picked[0].contains("但預購禮每人限領一份。"), "{picked:?}");
    }

    #[test]
    fn extract_without_common_word_returns_beginning() {
        assert_eq!(pick("一。二。三。四。", "refund"), ["一。二。三。"]);
    }
}
