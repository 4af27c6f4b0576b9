use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::{IngestError, make_faq};
use crate::domain::{DocumentId, Kind, Metadata, Source, Status};

/// One line of an FAQ file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaqLine {
    id: String,
    question: String,
    answer: String,
    language: Option<String>,
    uri: Option<String>,
    #[serde(default)]
    variants: Vec<String>,
    #[serde(default)]
    negatives: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    audience: Vec<String>,
    #[serde(default)]
    channels: Vec<String>,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    review_by: Option<Timestamp>,
    #[serde(default)]
    status: Status,
}

/// FAQs as JSON Lines, one object a line; empty lines are passed over. All or nothing.
pub fn parse_lines(raw: &str) -> Result<Vec<Source>, IngestError> {
    let mut sources = Vec::new();
    let mut seen = HashSet::new();
    for (number, line) in raw
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let at_line = |detail: String| IngestError::Line {
            line: number + 1,
            detail,
        };
        let faq: FaqLine = serde_json::from_str(line).map_err(|e| at_line(e.to_string()))?;
        if !seen.insert(faq.id.clone()) {
            return Err(at_line(format!(
                "the id {:?} stands on an earlier line too",
                faq.id
            )));
        }
        let source = make(faq).map_err(|e| at_line(e.to_string()))?;
        sources.push(source);
    }
    match sources.is_empty() {
        true => Err(IngestError::Empty),
        false => Ok(sources),
    }
}

fn make(faq: FaqLine) -> Result<Source, IngestError> {
    let id = DocumentId::parse(&faq.id)?;
    let metadata = Metadata {
        kind: Kind::Faq,
        title: faq.question.trim().to_owned(),
        uri: faq.uri,
        language: faq.language,
        tags: faq.tags,
        audience: faq.audience,
        channels: faq.channels,
        valid_from: faq.valid_from,
        valid_until: faq.valid_until,
        review_by: faq.review_by,
        status: faq.status,
        questions: [faq.question].into_iter().chain(faq.variants).collect(),
        negatives: faq.negatives,
    };
    make_faq(id, metadata, &faq.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_faq_whose_evidence_is_the_answer() {
        let found = parse_lines(
            r#"{"id":"f1","question":"可以退貨嗎？","variants":["想退"],"answer":"七天內可以。","tags":["退貨"]}"#,
        )
        .unwrap();
        let faq = &found[0];
        assert_eq!(faq.text, "可以退貨嗎？\n\n七天內可以。");
        assert_eq!(faq.metadata.questions, ["可以退貨嗎？", "想退"]);
        assert_eq!(faq.chunks[0].1.slice(&faq.text).unwrap(), "七天內可以。");
    }

    #[test]
    fn faults_name_the_line() {
        for (text, line) in [
            ("\n{", 2),
            (r#"{"id":"a","question":"q","answer":"a","colour":1}"#, 1),
            (r#"{"id":"a","question":"q","answer":" "}"#, 1),
            (
                "{\"id\":\"a\",\"question\":\"q\",\"answer\":\"a\"}\n{\"id\":\"a\",\"question\":\"q\",\"answer\":\"a\"}",
                2,
            ),
        ] {
            match parse_lines(text) {
                Err(IngestError::Line { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(parse_lines("\n\n"), Err(IngestError::Empty)));
    }
}
