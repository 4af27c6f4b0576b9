use serde::Serialize;

use ken_answer::answer::{AnswerError, Answerer, Logged, Request};
use ken_base::domain::{Answer, Outcome, WorkspaceId};
use ken_store::store::Store;

/// What asking logged questions again came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Replay {
    pub n_asked: usize,
    pub changed: Vec<Changed>,
}

/// A question that is answered otherwise now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    pub answer_id: String,
    pub question: String,
    pub before: Said,
    pub now: Said,
}

/// What of an answer is compared: all but its texts' sources' versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    pub outcome: Outcome,
    pub text: String,
    pub document_ids: Vec<String>,
}

impl Said {
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

/// Asks the newest logged questions again, of one conversation or of all, each as it was asked: for whom, over which
/// channel, after the same words. Nothing is recorded.
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
        // What was recorded before requests were kept is asked as anyone would.
        let request: Request = serde_json::from_value(trace["request"].clone()).unwrap_or_default();
        let logged = Logged { turn, request };
        let (question, history) = logged.again()?;
        let explained = answerer.reply(workspace, &question, history, None).await?;
        let (before, now) = (Said::of(&logged.turn.answer), Said::of(&explained.answer));
        replay.n_asked += 1;
        if before != now {
            replay.changed.push(Changed {
                answer_id: logged.turn.answer.id,
                question: question.text.to_string(),
                before,
                now,
            });
        }
    }
    Ok(replay)
}
