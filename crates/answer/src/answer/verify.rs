//! Verifies that citations support every sentence of an answer. Unsupported sentences are dropped with a reason;
//! nothing is added.

mod facts;
mod support;

use serde::Serialize;
use utoipa::ToSchema;

use super::chinese_script::occurs_in;
use super::compose::AnswerDraft;
use super::prompt_injection::injections;
use ken_base::domain::{Citation, Evidence};

pub use facts::denials;
pub use support::{CitedSentence, citable, support};

/// Why a sentence is not sent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "why", content = "detail", rename_all = "snake_case")]
pub enum SentenceFault {
    /// It cites nothing that is evidence.
    Citation,
    /// It is not in what it quotes.
    NotQuoted,
    /// It holds markup that a page would act on.
    Markup,
    /// It speaks to a machine.
    ToMachines,
    /// A web or mail address or a phone number that the evidence does not have.
    Address(String),
    /// A number, or a number with another unit.
    Figure(String),
    /// A name that the evidence does not have.
    Name(String),
    /// A word on which it depends what is promised.
    Decision(String),
    /// The sentence attributes a fact to another item than the evidence does.
    OtherThing(String),
    /// The sentence negates a statement of the evidence, or the reverse.
    Denial(String),
    /// It contradicts the evidence.
    Opposed(String),
    /// It leaves out what it depends on.
    Condition(String),
    /// Share of the sentence that the evidence supports; it is below the minimum.
    Unlike(f32),
}

/// A sentence that is not sent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RejectedSentence {
    /// The sentence.
    pub text: String,
    // Why it was rejected. A doc comment would enter the OpenAPI document.
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub fault: SentenceFault,
}

/// Keeps the parts of a quoting draft that its citations support. A citation must equal the text at its span of a chunk
/// in the evidence. A sentence must occur in the quote of a citation that it names, possibly in the other Chinese
/// script. Also returns the rejected sentences.
pub fn verify(draft: AnswerDraft, evidence: &[Evidence]) -> (AnswerDraft, Vec<RejectedSentence>) {
    let n_sentences = draft.sentences.len();
    let mut checked = draft;
    checked
        .citations
        .retain(|citation| evidence.iter().any(|e| is_exact(citation, e)));
    let mut rejected = Vec::new();
    let citations = &checked.citations;
    checked.sentences.retain_mut(|sentence| {
        let text = &sentence.text;
        let named = sentence.citations.len();
        sentence.citations.retain(|number| {
            let cited = citations.iter().find(|c| c.number == *number);
            cited.is_some_and(|c| occurs_in(text, &c.quote))
        });
        let fault = match () {
            _ if !injections(text).is_empty() => SentenceFault::ToMachines,
            _ if !sentence.citations.is_empty() => return true,
            _ if named == 0 => SentenceFault::Citation,
            _ => SentenceFault::NotQuoted,
        };
        rejected.push(RejectedSentence {
            text: text.clone(),
            fault,
        });
        false
    });
    let sentences = &checked.sentences;
    checked.citations.retain(|citation| {
        sentences
            .iter()
            .any(|s| s.citations.contains(&citation.number))
    });
    if checked.sentences.len() < n_sentences {
        let texts: Vec<&str> = checked.sentences.iter().map(|s| s.text.as_str()).collect();
        checked.text = texts.join("\n");
    }
    (checked, rejected)
}

fn is_exact(citation: &Citation, evidence: &Evidence) -> bool {
    let chunk = &evidence.chunk;
    let offset = |at: usize| at.checked_sub(chunk.span.start);
    let in_chunk = || {
        let span = offset(citation.start).zip(offset(citation.end));
        span.and_then(|(start, end)| chunk.text.get(start..end))
    };
    // The header of a table may be in an earlier chunk.
    let is_header = || {
        let header = chunk.note.header.as_ref();
        header.is_some_and(|header| header.start == citation.start && header.text == citation.quote)
    };
    chunk.id() == citation.chunk_id
        && chunk.document_id == citation.document_id
        && chunk.version == citation.document_version
        && (in_chunk() == Some(&citation.quote) || is_header())
}
#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::{Chunk, Citation, DocumentId, Metadata, Sentence, Span, Strategy};

    fn evidence() -> Vec<Evidence> {
        let chunk = Chunk {
            note: Default::default(),
            key: 1,
            document_id: DocumentId::parse("d").unwrap(),
            version: 2,
            ordinal: 0,
            heading_path: vec![],
            span: Span::new(10, 10 + "七天內可以。".len()),
            text: "七天內可以。".into(),
        };
        vec![Evidence {
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            chunk,
            metadata: Metadata::default(),
            score: 1.0,
            coverage: 1.0,
            similarity: 1.0,
        }]
    }

    fn draft(sentence: &str, quote: &str, start: usize, version: i64) -> AnswerDraft {
        let citation = Citation {
            links: vec![],
            page: None,
            number: 1,
            document_id: DocumentId::parse("d").unwrap(),
            document_version: version,
            title: String::new(),
            uri: None,
            chunk_id: format!("d:{version}:0"),
            heading_path: vec![],
            quote: quote.into(),
            start,
            end: start + quote.len(),
        };
        AnswerDraft {
            strategy: Strategy::Extractive,
            text: sentence.into(),
            sentences: vec![Sentence {
                text: sentence.into(),
                citations: vec![1],
            }],
            citations: vec![citation],
        }
    }

    #[test]
    fn sentence_not_matching_cited_span_is_rejected() {
        let good = draft("七天內可以。", "七天內可以。", 10, 2);
        assert_eq!(verify(good.clone(), &evidence()), (good, vec![]));
        for (what, bad) in [
            (
                "a changed figure",
                draft("九天內可以。", "七天內可以。", 10, 2),
            ),
            (
                "a changed quote",
                draft("九天內可以。", "九天內可以。", 10, 2),
            ),
            (
                "a shifted span",
                draft("七天內可以。", "七天內可以。", 13, 2),
            ),
            (
                "a span before the chunk",
                draft("七天內可以。", "七天內可以。", 0, 2),
            ),
            (
                "another version",
                draft("七天內可以。", "七天內可以。", 10, 1),
            ),
        ] {
            let (left, rejected) = verify(bad, &evidence());
            assert_eq!(rejected.len(), 1, "{what}");
            assert!(
                left.sentences.is_empty() && left.citations.is_empty() && left.text.is_empty(),
                "{what}"
            );
        }
    }
}
