//! Computes the details of a draft that a reviewer needs, on request.

use serde::Serialize;
use similar::TextDiff;
use utoipa::ToSchema;

use super::{RankedDraft, ReviewError};
use crate::cases::{CaseError, Cases, Collision, collisions};
use ken_answer::answer::{AnswerError, Question};
use ken_base::domain::{DocumentId, Draft, DraftState, Outcome, Strategy, WorkspaceId};
use ken_knowledge::editing::impact::{AlteredAnswer, Impact, ProposedChange};
use ken_search::vectors::dot;

/// Findings that a reviewer must see.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DraftDetails {
    #[serde(flatten)]
    #[expect(
        missing_docs,
        reason = "a description would change the OpenAPI document"
    )]
    pub ranked: RankedDraft,
    /// Nearest existing knowledge, with a unified diff of the answers.
    pub nearest: Option<NearestKnowledge>,
    /// Logged questions without an answer now that this draft would answer.
    pub would_answer: Vec<String>,
    /// Answers that it would change.
    pub impact: Impact,
    /// Wording collisions with other FAQs.
    pub collisions: Vec<Collision>,
}

/// The document that is nearest to a draft.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NearestKnowledge {
    /// Its id.
    pub document_id: DocumentId,
    /// Its title.
    pub title: String,
    /// The passage that is nearest.
    pub text: String,
    /// The unified diff from its answer to the draft's answer.
    pub difference: String,
}

/// How many logged questions, the nearest to the draft, are answered with and without it.
const LOGGED_NEAR: usize = 30;
/// How many of the newest logged questions are searched for them.
const LOGGED_AMONG: i64 = 1_000;

impl Cases {
    /// Returns a draft with its details, computed against the current knowledge.
    pub async fn details(
        &self,
        workspace: &WorkspaceId,
        id: &str,
    ) -> Result<DraftDetails, ReviewError> {
        let mut draft = self.found(workspace, id).await?;
        if draft.state == DraftState::Open {
            // The knowledge may have changed since. The new class is not stored, since others may decide at the same
            // time.
            self.classify(workspace, &mut draft).await?;
        }
        let ranking = self.draft_ranking(workspace).await?;
        let nearest = self.nearest(workspace, &draft).await?;
        let is_done = matches!(draft.state, DraftState::Published | DraftState::Merged);
        let (mut impact, mut collided, mut would_answer) =
            (Impact::default(), Vec::new(), Vec::new());
        if !is_done && let Ok(Some((source, wordings))) = self.as_published(workspace, &draft).await
        {
            let logged = self.logged_near(workspace, &draft).await?;
            let judged = self.store.judged_questions(workspace).await?;
            let change = vec![ProposedChange::Put(Box::new(source.clone()))];
            impact = self
                .what_if
                .ask(workspace, change, &judged, &logged, None)
                .await
                .map_err(CaseError::from)?;
            let answers = |altered: &&AlteredAnswer| {
                altered.before.outcome != Outcome::Answered
                    && altered.after.document_ids.contains(&source.id.to_string())
            };
            let gained = impact.changed.iter().chain(&impact.healed).filter(answers);
            would_answer = gained.map(|altered| altered.question.clone()).collect();
            collided =
                collisions(&self.what_if, &self.vectors, workspace, &source, &wordings).await?;
        }
        Ok(DraftDetails {
            ranked: RankedDraft {
                rank: ranking.rank(&draft),
                demand: draft.demand(),
                draft,
            },
            nearest,
            would_answer,
            impact,
            collisions: collided,
        })
    }

    /// Up to `LOGGED_NEAR` logged questions, the nearest to the draft's question first.
    async fn logged_near(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<Vec<String>, CaseError> {
        let logged = self.store.logged_questions(workspace, LOGGED_AMONG).await?;
        if logged.is_empty() {
            return Ok(logged);
        }
        let mut texts = vec![draft.question.clone()];
        texts.extend(logged.iter().cloned());
        let vectors = self.vectors.of_questions(workspace, &texts).await?;
        let mut near: Vec<(f32, String)> = logged
            .into_iter()
            .zip(&vectors[1..])
            .map(|(question, vector)| (dot(&vectors[0], vector), question))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(near
            .into_iter()
            .take(LOGGED_NEAR)
            .map(|(_, question)| question)
            .collect())
    }

    async fn nearest(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<Option<NearestKnowledge>, CaseError> {
        let known = match draft.class.document_id().or(draft.published_as.as_ref()) {
            Some(id) => Some(id.clone()),
            None if draft.question.is_empty() => None,
            None => {
                let question = Question {
                    ceiling: Strategy::Extractive,
                    ..Question::parse(&draft.question).map_err(AnswerError::Question)?
                };
                let explained = self.answerer.reply(workspace, &question, &[], None).await?;
                explained
                    .evidence
                    .first()
                    .map(|e| e.chunk.document_id.clone())
            }
        };
        let Some(id) = known else { return Ok(None) };
        let Some(document) = self.store.document(workspace, &id, None).await? else {
            return Ok(None);
        };
        let text = match document.answers().first() {
            Some(answer) => answer.text.clone(),
            None => document.text.chars().take(2_000).collect(),
        };
        let difference = TextDiff::from_lines(&text, &draft.answer)
            .unified_diff()
            .header("known", "draft")
            .to_string();
        Ok(Some(NearestKnowledge {
            document_id: id,
            title: document.metadata.title,
            text,
            difference,
        }))
    }
}
