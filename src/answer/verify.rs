use super::compose::Draft;
use crate::domain::Evidence;

/// Keeps what its citations carry: a citation has to be exactly the text at its span of a chunk that is evidence,
/// and a sentence has to stand in the quote of a citation it names. What fails is dropped, with the text rebuilt
/// from what is left; nothing is ever added.
pub fn verify(draft: Draft, evidence: &[Evidence]) -> Draft {
    let mut checked = draft.clone();
    checked.citations.retain(|citation| {
        evidence.iter().any(|e| {
            let chunk = &e.chunk;
            chunk.id() == citation.chunk_id
                && chunk.document_id == citation.document_id
                && chunk.version == citation.document_version
                && (citation.start.checked_sub(chunk.span.start))
                    .zip(citation.end.checked_sub(chunk.span.start))
                    .and_then(|(start, end)| chunk.text.get(start..end))
                    == Some(&citation.quote)
        })
    });
    checked.sentences.retain_mut(|sentence| {
        let text = &sentence.text;
        sentence.citations.retain(|number| {
            checked
                .citations
                .iter()
                .any(|c| c.number == *number && c.quote.contains(text.as_str()))
        });
        !sentence.citations.is_empty()
    });
    let used = |number: usize| {
        checked
            .sentences
            .iter()
            .any(|s| s.citations.contains(&number))
    };
    checked.citations.retain(|citation| used(citation.number));
    if checked.sentences.len() < draft.sentences.len() {
        let texts: Vec<&str> = checked.sentences.iter().map(|s| s.text.as_str()).collect();
        checked.text = texts.join("\n");
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Chunk, Citation, DocumentId, Metadata, Sentence, Span, Strategy};

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

    fn draft(sentence: &str, quote: &str, start: usize, version: i64) -> Draft {
        let citation = Citation {
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
        Draft {
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
    fn only_what_stands_in_the_cited_span_passes() {
        let good = draft("七天內可以。", "七天內可以。", 10, 2);
        assert_eq!(verify(good.clone(), &evidence()), good);
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
            let left = verify(bad, &evidence());
            assert!(
                left.sentences.is_empty() && left.citations.is_empty() && left.text.is_empty(),
                "{what}"
            );
        }
    }
}
