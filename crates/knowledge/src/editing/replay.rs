//! Asks logged questions again and compares the answers.

use serde::Serialize;

use ken_answer::answer::{AnswerError, Answerer, LoggedQuestion, RecordedRequest};
use ken_base::domain::{Answer, Outcome, WorkspaceId};
use ken_store::store::Store;

/// The result of a replay.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Replay {
    /// How many questions were asked.
    pub n_asked: usize,
    /// The questions whose answer differs.
    pub changed: Vec<ChangedAnswer>,
}

/// A question whose answer differs now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedAnswer {
    /// The recorded answer's id.
    pub answer_id: String,
    /// The question.
    pub question: String,
    /// The recorded answer.
    pub before: AnswerSummary,
    /// The answer now.
    pub now: AnswerSummary,
}

/// The parts of an answer that are compared. Versions of its documents do not count.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnswerSummary {
    /// The outcome.
    pub outcome: Outcome,
    /// The text.
    pub text: String,
    /// The ids of the cited documents, sorted.
    pub document_ids: Vec<String>,
}

impl AnswerSummary {
    fn of(answer: &Answer) -> Self {
        let mut document_ids: Vec<String> = answer
            .citations
            .iter()
            .map(|c| c.document_id.to_string())
            .collect();
        document_ids.sort_unstable();
        document_ids.dedup();
        Self {
            outcome: answer.outcome,
            text: answer.text.clone(),
            document_ids,
        }
    }
}

/// Asks the newest logged questions again, of one conversation or of all, with the same audience, channel and earlier
/// messages. Records nothing.
///
/// # Errors
/// [`AnswerError`] if the store or the search fails.
pub async fn replay(
    store: &Store,
    answerer: &Answerer,
    workspace: &WorkspaceId,
    conversation_id: Option<&str>,
    limit: i64,
) -> Result<Replay, AnswerError> {
    let mut replay = Replay::default();
    for (turn, trace) in store
        .logged_answers(workspace, conversation_id, limit)
        .await?
    {
        // Turns from before requests were recorded are asked without restrictions or history.
        let request: RecordedRequest =
            serde_json::from_value(trace["request"].clone()).unwrap_or_default();
        let logged = LoggedQuestion { turn, request };
        let (question, history) = logged.to_question()?;
        let explained = answerer.reply(workspace, &question, history, None).await?;
        let (before, now) = (
            AnswerSummary::of(&logged.turn.answer),
            AnswerSummary::of(&explained.answer),
        );
        replay.n_asked += 1;
        if before != now {
            replay.changed.push(ChangedAnswer {
                answer_id: logged.turn.answer.id,
                question: question.text.to_string(),
                before,
                now,
            });
        }
    }
    Ok(replay)
}
