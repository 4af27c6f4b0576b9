//! Assembles the answers to a message's questions into one answer.

use std::time::Instant;

use super::compose::AnswerDraft;
use super::pipeline::{SubAnswer, elapsed_ms};
use super::prompt_injection;
use super::understand::{Courtesy, reply_language};
use super::{AnswerDecision, ExplainedAnswer, Features, Question, templates};
use ken_base::domain::{Answer, Note, Outcome, Reason, Revision, Strategy, Timings};
use ken_store::store::to_json;
use ken_text::text::Language;

/// Returns an answer that quotes no knowledge.
fn plain(
    question: &Question,
    language: Language,
    outcome: Outcome,
    text: &str,
    start: Instant,
) -> ExplainedAnswer {
    let answer = Answer {
        id: String::new(),
        outcome,
        text: text.to_owned(),
        language: language.tag().to_owned(),
        strategy: Strategy::None,
        confidence: 0.0,
        sentences: Vec::new(),
        citations: Vec::new(),
        suggestions: Vec::new(),
        reason: None,
        notes: Vec::new(),
        conversation_id: question.conversation_id.clone(),
        revision: 0,
        timings_ms: Timings {
            total: elapsed_ms(start),
            ..Timings::default()
        },
    };
    ExplainedAnswer {
        answer,
        evidence: Vec::new(),
        features: Features::default(),
        reviews: Vec::new(),
        trace: "[]".into(),
    }
}

/// Returns the answer to a message that asks nothing of the knowledge.
pub fn courtesy_reply(
    question: &Question,
    language: Language,
    kind: Courtesy,
    start: Instant,
) -> ExplainedAnswer {
    let outcome = match kind {
        Courtesy::AsksForPerson => Outcome::Handoff,
        _ => Outcome::Answered,
    };
    let mut explained = plain(
        question,
        language,
        outcome,
        templates::courtesy(language, kind),
        start,
    );
    explained.answer.reason = Some(kind.reason());
    explained.answer.confidence = 1.0;
    explained
}

/// Returns the refusal after the deadline has passed without an answer.
pub fn deadline_exceeded(question: &Question, start: Instant) -> ExplainedAnswer {
    let language = reply_language(&question.text, question.language.as_deref());
    let text = templates::refusal(language);
    let mut explained = plain(question, language, Outcome::Refused, text, start);
    explained.answer.reason = Some(Reason::Deadline);
    explained
}

/// Joins the answers to a message's questions.
pub fn finish(
    question: &Question,
    language: Language,
    replies: Vec<SubAnswer>,
    start: Instant,
) -> ExplainedAnswer {
    let trace = replies.iter().map(SubAnswer::trace).collect::<Vec<_>>();
    let trace = to_json(&trace).into();
    let is_one = replies.len() == 1;
    let mut explained = plain(question, language, Outcome::Refused, "", start);
    let answer = &mut explained.answer;
    let n_answered = replies.iter().filter(|reply| reply.is_answered()).count();
    let mut texts: Vec<String> = Vec::new();
    let mut whole = AnswerDraft::default();
    let revisions: Vec<Revision> = replies.iter().map(|reply| reply.revision).collect();
    for (i, reply) in replies.into_iter().enumerate() {
        let (outcome, text, reason) =
            reply.outcome(language, (!is_one && n_answered > 0).then_some(i + 1));
        if i == 0 || rank(outcome) > rank(answer.outcome) {
            (answer.outcome, answer.reason) = (outcome, reason);
            answer.strategy = reply.draft.strategy;
        }
        answer.confidence = match i {
            0 => reply.verdict.confidence,
            _ => answer.confidence.min(reply.verdict.confidence),
        };
        // Two questions with the same answer get it once.
        if !texts.contains(&text) {
            let choices = match n_answered {
                0 => &[][..],
                _ => &reply.suggestions,
            };
            texts.push(
                choices
                    .iter()
                    .fold(text, |text, choice| format!("{text}\n- {choice}")),
            );
            whole.append(reply.draft);
        }
        answer.suggestions.extend(reply.suggestions);
        answer.notes.extend(reply.notes);
        add(&mut answer.timings_ms, &reply.timings);
        explained.reviews.extend(reply.review);
        if i == 0 {
            explained.evidence = reply.evidence;
            explained.features = reply.features;
        }
    }
    if n_answered > 0 && n_answered < revisions.len() {
        answer.notes.push(Note::PartlyAnswered);
    }
    answer.text = texts.join("\n\n");
    (answer.sentences, answer.citations) = (whole.sentences, whole.citations);
    answer.revision = revisions.into_iter().min().unwrap_or_default();
    answer.timings_ms.total = elapsed_ms(start);
    explained.trace = trace;
    explained
}

/// Ranks outcomes: of several questions, the highest counts. A handoff to a person outranks an answer.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Refused => 0,
        Outcome::Clarify => 1,
        Outcome::Answered => 2,
        Outcome::Handoff => 3,
    }
}

/// Adds timings. Several questions run in parallel, so each stage takes as long as its slowest.
fn add(all: &mut Timings, part: &Timings) {
    for (sum, ms) in [
        (&mut all.embed, part.embed),
        (&mut all.keyword, part.keyword),
        (&mut all.vector, part.vector),
        (&mut all.fuse, part.fuse),
        (&mut all.load, part.load),
        (&mut all.read, part.read),
        (&mut all.admit, part.admit),
        (&mut all.compose, part.compose),
        (&mut all.generate, part.generate),
    ] {
        *sum = sum.max(ms);
    }
}

impl SubAnswer {
    fn is_answered(&self) -> bool {
        !self.draft.sentences.is_empty()
    }

    /// Returns the outcome, the text, and the reason if it is not an answer. `number` is the question's number if
    /// others are answered.
    fn outcome(
        &self,
        language: Language,
        number: Option<usize>,
    ) -> (Outcome, String, Option<Reason>) {
        if self.review.is_some() {
            let text = templates::contradiction(language).to_owned();
            return (Outcome::Handoff, text, Some(Reason::ConflictingEvidence));
        }
        if !self.suggestions.is_empty() {
            let text = templates::which(language).to_owned();
            return (Outcome::Clarify, text, Some(Reason::Ambiguous));
        }
        if self.is_answered() {
            let mut text = self.draft.text.clone();
            if self.notes.contains(&Note::ListContinues) {
                text.push('\n');
                text.push_str(templates::list_continues(language));
            }
            return (Outcome::Answered, text, None);
        }
        let reason = match self.verdict.decision {
            _ if !self.similar.is_empty() => Reason::SimilarOnly,
            AnswerDecision::Answer => Reason::NoSupportedSentence,
            AnswerDecision::Refuse if self.evidence.is_empty() => Reason::NoEvidence,
            AnswerDecision::Refuse => Reason::WeakEvidence,
        };
        let text = match number {
            None if !self.similar.is_empty() => {
                let mut text = templates::only_similar(language).to_owned();
                for label in &self.similar {
                    text.push_str("\n- ");
                    text.push_str(prompt_injection::plain(label));
                }
                text
            }
            None => templates::refusal(language).to_owned(),
            Some(number) => templates::unanswered_part(language, number),
        };
        (Outcome::Refused, text, Some(reason))
    }
}
