//! The record of a turn: enough to explain the answer and to ask the question again.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::understand::utterances;
use super::{AnswerError, Answerer, ExplainedAnswer, Features, Question, RECENT_TURNS};
use ken_base::domain::{
    DocumentId, Filter, InvalidQuestion, Level, Strategy, Turn, Utterance, WorkspaceId,
};
use ken_store::store::{RecordedAnswer, to_json};

/// Request parameters besides the question, as recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RecordedRequest {
    /// The channel that was given.
    pub channel: Option<String>,
    /// Everything that the asker is.
    pub audience: Vec<String>,
    /// The tags that documents had to have.
    pub tags: Vec<String>,
    /// The time that the question refers to, if given.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// The reply's language that was asked for (BCP 47).
    pub language: Option<String>,
    /// How many passages could serve as evidence.
    pub limit: usize,
    /// The level of confidence that was asked for; null: the workspace's.
    pub level: Option<Level>,
    /// The highest strategy that was allowed.
    pub ceiling: Option<Strategy>,
    /// The customer's id that was given.
    pub customer_id: Option<String>,
    /// The earlier messages that were used, without those of another conversation.
    pub history: Vec<Utterance>,
}

impl RecordedRequest {
    fn of(question: &Question, history: &[Utterance]) -> Self {
        Self {
            channel: question.filter.channel.clone(),
            audience: question.filter.audience.clone(),
            tags: question.filter.tags.clone(),
            as_of: question.filter.at,
            language: question.language.clone(),
            limit: question.limit,
            level: question.level,
            ceiling: Some(question.ceiling),
            customer_id: question.customer_id.clone(),
            history: history
                .iter()
                .skip(question.n_unrecorded)
                .cloned()
                .collect(),
        }
    }

    /// Reads the request from a recorded trace; `None` if it cannot be read.
    fn recorded(trace: &serde_json::Value) -> Option<Self> {
        let request = trace.get("request")?;
        // A record without an audience is not trusted: visibility would be unknown.
        request.get("audience")?;
        Self::deserialize(request)
            .inspect_err(|error| tracing::warn!(%error, "cannot parse recorded request"))
            .ok()
    }

    fn without_history(self) -> Self {
        Self {
            history: Vec::new(),
            ..self
        }
    }
}

/// Returns whether a caller with this audience may see a recorded turn. A turn that was addressed to a wider audience
/// is hidden, and so is one whose request cannot be read.
fn may_see(trace: &serde_json::Value, audience: &[String]) -> bool {
    RecordedRequest::recorded(trace)
        .is_some_and(|request| request.audience.iter().all(|name| audience.contains(name)))
}

/// A recorded answer with its request.
#[derive(Debug, Clone)]
pub struct LoggedQuestion {
    /// The recorded turn.
    pub turn: Turn,
    /// How the question was asked.
    pub request: RecordedRequest,
}

impl LoggedQuestion {
    /// Returns the same question, asked about the present time, and its history.
    pub fn to_question(&self) -> Result<(Question, &[Utterance]), InvalidQuestion> {
        let request = &self.request;
        let question = Question {
            filter: Filter {
                channel: request.channel.clone(),
                audience: request.audience.clone(),
                tags: request.tags.clone(),
                ..Filter::default()
            },
            limit: request.limit.max(1),
            language: request.language.clone(),
            level: request.level,
            ceiling: request.ceiling.unwrap_or(Strategy::Generated),
            ..Question::parse(&self.turn.question)?
        };
        Ok((question, &request.history))
    }
}

impl Answerer {
    /// Returns the earlier messages: the caller's, or those on record.
    pub(super) async fn history(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<Vec<Utterance>, AnswerError> {
        if !question.history.is_empty() {
            return Ok(question.history.clone());
        }
        let Some(conversation) = &question.conversation_id else {
            return Ok(Vec::new());
        };
        let turns = self
            .store
            .logged_answers(workspace, Some(conversation), RECENT_TURNS)
            .await?;
        let audience = &question.filter.audience;
        let visible = turns
            .into_iter()
            .rev()
            .filter(|(_, trace)| may_see(trace, audience));
        Ok(visible.flat_map(|(turn, _)| utterances(turn)).collect())
    }

    /// Returns a recorded answer with its trace. Evidence gets its text if its document version still exists.
    pub async fn explained(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<Option<(Turn, serde_json::Value)>, AnswerError> {
        let Some((turn, mut trace)) = self.store.answer(workspace, id).await? else {
            return Ok(None);
        };
        self.add_texts(workspace, &mut trace).await?;
        Ok(Some((turn, trace)))
    }

    /// Adds the text of each passage of evidence to a trace, if its document version still exists.
    async fn add_texts(
        &self,
        workspace: &WorkspaceId,
        trace: &mut serde_json::Value,
    ) -> Result<(), AnswerError> {
        let mut texts: HashMap<(String, i64), Option<String>> = HashMap::new();
        let parts = trace["parts"].as_array_mut().into_iter().flatten();
        for evidence in parts.flat_map(|part| part["evidence"].as_array_mut().into_iter().flatten())
        {
            let document = evidence["document_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let version = evidence["document_version"].as_i64().unwrap_or_default();
            let key = (document, version);
            if !texts.contains_key(&key) {
                let text = match DocumentId::parse(&key.0) {
                    Ok(id) => self
                        .store
                        .document(workspace, &id, Some(version))
                        .await?
                        .map(|d| d.text),
                    Err(_) => None,
                };
                texts.insert(key.clone(), text);
            }
            let place = |name: &str| evidence[name].as_u64().map(|n| n as usize);
            let span = place("start").zip(place("end"));
            let text = texts[&key]
                .as_deref()
                .zip(span)
                .and_then(|(text, (start, end))| text.get(start..end));
            evidence["text"] = json!(text);
        }
        Ok(())
    }

    /// Returns an answer as [`Self::explained`] would return it if it were recorded.
    pub(super) async fn unrecorded(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
        explained: ExplainedAnswer,
    ) -> Result<(Turn, serde_json::Value), AnswerError> {
        let parts: serde_json::Value =
            serde_json::from_str(&explained.trace).expect("a trace is JSON");
        let request = RecordedRequest::of(question, history);
        let mut trace = json!({ "request": request, "parts": parts });
        self.add_texts(workspace, &mut trace).await?;
        let turn = Turn {
            question: question.text.to_string(),
            answer: explained.answer,
            at: self.store.now(),
        };
        Ok((turn, trace))
    }

    /// Deletes a conversation once its running turns are finished. Returns the number of deleted turns.
    pub async fn forget(
        &self,
        workspace: &WorkspaceId,
        conversation: &str,
    ) -> Result<u64, AnswerError> {
        let _turn = self.turns.wait(workspace, conversation).await;
        self.clear_cache();
        Ok(self
            .store
            .delete_conversation(workspace, conversation)
            .await?)
    }

    /// Returns the answer recorded under the same idempotency key, or `None`.
    pub(super) async fn recorded_answer(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Result<Option<ExplainedAnswer>, AnswerError> {
        let Some(key) = &question.idempotency_key else {
            return Ok(None);
        };
        let Some((turn, trace)) = self.store.answer_by_idempotency_key(workspace, key).await?
        else {
            return Ok(None);
        };
        // The same key with another caller, channel or other settings is a different question.
        let request = RecordedRequest::recorded(&trace).map(RecordedRequest::without_history);
        let same = turn.question == *question.text
            && turn.answer.conversation_id == question.conversation_id
            && request == Some(RecordedRequest::of(question, &[]));
        match same {
            false => Err(AnswerError::KeyReused),
            true => Ok(Some(ExplainedAnswer {
                answer: turn.answer,
                evidence: Vec::new(),
                features: Features::default(),
                reviews: Vec::new(),
                trace: "[]".into(),
            })),
        }
    }

    pub(super) async fn record(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        history: &[Utterance],
        explained: &ExplainedAnswer,
    ) -> Result<bool, AnswerError> {
        let request = RecordedRequest::of(question, history);
        let (request, parts) = (to_json(&request), &explained.trace);
        let trace = format!(r#"{{"request":{request},"parts":{parts}}}"#);
        for review in &explained.reviews {
            self.store.open_review(workspace, review).await?;
        }
        let record = RecordedAnswer {
            question: &question.text,
            answer: &explained.answer,
            trace: &trace,
            idempotency_key: question.idempotency_key.as_deref(),
            channel: question.filter.channel.as_deref(),
            tags: &question.filter.tags,
        };
        Ok(self.store.record_answer(workspace, record).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_turn_is_visible_to_same_audience_only() {
        let agent = ["agent".to_owned()];
        for (request, to_public, to_agent) in [
            (json!({ "audience": [] }), true, true),
            (json!({}), false, false),
            (json!({ "audience": ["agent"] }), false, true),
            // Unreadable, so its audience is unknown.
            (json!({ "audience": "agent" }), false, false),
            (json!({ "audience": [], "limit": "ten" }), false, false),
            (json!(null), false, false),
        ] {
            let trace = json!({ "request": request, "parts": [] });
            assert_eq!(may_see(&trace, &[]), to_public, "{request}");
            assert_eq!(may_see(&trace, &agent), to_agent, "{request}");
        }
        assert!(!may_see(&json!({}), &agent), "no request at all");
    }
}
