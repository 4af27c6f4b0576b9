//! Classifies a draft by its relation to the knowledge: new, variant, update, contradiction, known.

use super::{CaseError, Cases};
use ken_answer::answer::{AnswerError, Question};
use ken_base::domain::{
    DocumentKind, Draft, DraftClass, Evidence, MAX_QUESTION_CHARS, Outcome, Strategy, WorkspaceId,
};
use ken_search::vectors::dot;
use ken_text::conflict::{self, Statement};
use ken_text::text::{detect, figures, fold, is_function_word, terms};

/// How many of the best passages a draft is compared with.
const HELD_AGAINST: usize = 5;
/// A passage covers an answer if it has this share of its words and all its figures.
const COVERED: f32 = 0.6;
/// The least cosine at which a passage in another language covers an answer.
const SAME_MEANING: f32 = 0.88;
/// The least cosine at which a question and an FAQ's question ask the same.
const SAME_QUESTION: f32 = 0.9;

impl Cases {
    /// Sets a draft's class by comparing it with the passages retrieved for its question. Drafts without an answer,
    /// gaps and negatives keep their class.
    pub(super) async fn classify(
        &self,
        workspace: &WorkspaceId,
        draft: &mut Draft,
    ) -> Result<(), CaseError> {
        if draft.answer.is_empty()
            || matches!(
                draft.class,
                DraftClass::Gap { .. } | DraftClass::Negative { .. }
            )
        {
            return Ok(());
        }
        let question_text: String = draft.question.chars().take(MAX_QUESTION_CHARS).collect();
        let question = Question {
            ceiling: Strategy::Extractive,
            ..Question::parse(&question_text).map_err(AnswerError::Question)?
        };
        let normalized = self.what_if.retriever.normalized(&question.text);
        let vector = self
            .vectors
            .of_questions(workspace, &[normalized])
            .await?
            .pop();
        let explained = self
            .answerer
            .reply(workspace, &question, &[], vector)
            .await?;
        let found: Vec<&Evidence> = explained.evidence.iter().take(HELD_AGAINST).collect();
        let mut texts = vec![draft.answer.clone()];
        texts.extend(found.iter().map(|e| e.chunk.text.clone()));
        let vectors = self.vectors.of_passages(workspace, &texts).await?;
        let mut class = DraftClass::New;
        for (e, vector) in found.iter().zip(&vectors[1..]) {
            let similarity = dot(&vectors[0], vector);
            let document_id = e.chunk.document_id.clone();
            let asks_the_same =
                e.metadata.kind == DocumentKind::Faq && e.similarity >= SAME_QUESTION;
            // If the FAQ asks the same in other words, both texts are compared as answers to the draft's question.
            let title = match (asks_the_same, e.chunk.note.question.as_deref()) {
                (true, _) => &draft.question,
                (false, Some(question)) => question,
                (false, None) => &e.metadata.title,
            };
            let (ours, theirs) = (
                Statement {
                    title: &draft.question,
                    text: &draft.answer,
                },
                Statement {
                    title,
                    text: &e.chunk.text,
                },
            );
            if let Some(found) = conflict::contradiction(ours, theirs, Some(similarity)) {
                let detail = found.describe(&[draft.id.clone(), e.chunk.id()]);
                class = DraftClass::Contradiction {
                    document_id,
                    detail,
                };
                break;
            }
            if is_covered(&draft.answer, &e.chunk.text, similarity) {
                let is_found = explained.answer.outcome == Outcome::Answered
                    && explained
                        .answer
                        .citations
                        .iter()
                        .any(|c| c.document_id == document_id);
                class = match is_found {
                    true => DraftClass::Known { document_id },
                    false => DraftClass::Variant { document_id },
                };
                break;
            }
            if asks_the_same && class == DraftClass::New {
                class = DraftClass::Update { document_id };
            }
        }
        draft.class = class;
        Ok(())
    }
}

/// Whether a passage covers an answer: it has most of its words and all its figures.
fn is_covered(answer: &str, passage: &str, similarity: f32) -> bool {
    let numbers = |text: &str| -> Vec<String> {
        let folded = figures(&fold(text));
        let runs = folded.split(|c: char| !c.is_ascii_digit() && c != '.');
        let runs = runs.map(|run| run.trim_matches('.').to_owned());
        runs.filter(|run| !run.is_empty()).collect()
    };
    let theirs = numbers(passage);
    if !numbers(answer).iter().all(|number| theirs.contains(number)) {
        return false;
    }
    if detect(answer).is_chinese() != detect(passage).is_chinese() {
        return similarity >= SAME_MEANING;
    }
    let bag = |text: &str| -> std::collections::BTreeSet<String> {
        terms(text)
            .into_iter()
            .filter(|term| !is_function_word(term))
            .collect()
    };
    let (ours, theirs) = (bag(answer), bag(passage));
    let common = ours.intersection(&theirs).count() as f32;
    common / ours.len().max(1) as f32 >= COVERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_coverage_requires_words_and_figures() {
        let passage = "禮物卡自購買日起 12 個月內有效，逾期不可退款。";
        assert!(is_covered(
            "禮物卡的有效期是購買日起十二個月。",
            passage,
            0.9
        ));
        assert!(!is_covered(
            "禮物卡自購買日起 6 個月內有效。",
            passage,
            0.99
        ));
        assert!(!is_covered("刻字服務需要三個工作天。", passage, 0.5));
    }
}
