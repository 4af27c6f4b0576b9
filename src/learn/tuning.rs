//! Settings that learn: the fusion's shares and the confidence from which on a question is answered, fitted to what is known
//! of a workspace's questions, and put in force only where they win.

use serde::Serialize;

use super::feedback::Label;
use super::{LearnError, Learning};
use crate::answer::Question;
use crate::domain::{DocumentId, MAX_LIMIT, Outcome, Query, Strategy, Tuning, WorkspaceId};
use crate::eval::tune::{self, Candidate, Example};
use crate::retrieve::Shares;
use crate::text::sha256_hex;

/// What came of learning settings.
#[derive(Debug, Clone, Serialize)]
pub struct Learned {
    pub n_labels: usize,
    pub before: Tuning,
    /// What was tried; absent where there is too little to learn from.
    pub candidate: Option<Tuning>,
    /// Over judged questions and the labels held out: how many are right, with the settings in force and with those tried.
    pub right_before: usize,
    pub right_after: usize,
    /// Questions that are right now and would not be.
    pub lost: Vec<String>,
    pub is_live: bool,
}

/// The names of the settings in the store.
const TUNING: &str = "tuning";
const HISTORY: &str = "tuning_history";
/// With fewer labels nothing is learned.
const MIN_LABELS: usize = 20;
/// The share of labels, in tenths, that is held out.
const HELD_OUT: u64 = 4;
/// What a wrong answer costs beside a refusal of a question that could be answered.
const WRONG: f64 = 2.0;
/// How many earlier settings are kept for rolling back.
const MAX_HISTORY: usize = 50;

impl Learning {
    /// Learns settings from judged questions and feedback. They go live only where more of the judged and the held-out
    /// questions are right with them, and none is wrong that was right.
    pub async fn tune(&self, workspace: &WorkspaceId, by: &str) -> Result<Learned, LearnError> {
        let labels = self.labels(workspace).await?;
        let before = self.in_force(workspace).await?;
        let mut learned = Learned {
            n_labels: labels.len(),
            before,
            candidate: None,
            right_before: 0,
            right_after: 0,
            lost: Vec::new(),
            is_live: false,
        };
        if labels.len() < MIN_LABELS {
            return Ok(learned);
        }
        let is_held_out = |label: &&Label| {
            let digest = sha256_hex([label.question.as_bytes()]);
            u64::from_str_radix(&digest[..8], 16).unwrap_or(0) % 10 < HELD_OUT
        };
        let judged: std::collections::HashSet<String> = self
            .store
            .judged_questions(workspace)
            .await?
            .into_iter()
            .map(|judged| judged.question)
            .collect();
        let (held_out, train): (Vec<&Label>, Vec<&Label>) = labels.iter().partition(is_held_out);
        let mut candidate = before;
        if let Some(shares) = self.shares(workspace, &train, before).await? {
            candidate.keyword_share = Some(shares.keyword);
            candidate.proximity_share = Some(shares.proximity);
        }
        candidate.min_confidence = self
            .threshold(workspace, &train, candidate)
            .await?
            .or(before.min_confidence);
        learned.candidate = Some(candidate);
        let checked = held_out.into_iter().chain(
            train
                .into_iter()
                .filter(|label| judged.contains(&label.question)),
        );
        for label in checked {
            let was = self.is_right(workspace, label, before).await?;
            let is = self.is_right(workspace, label, candidate).await?;
            learned.right_before += usize::from(was);
            learned.right_after += usize::from(is);
            if was && !is {
                learned.lost.push(label.question.clone());
            }
        }
        learned.is_live = learned.right_after > learned.right_before && learned.lost.is_empty();
        if learned.is_live {
            self.put_tuning(workspace, candidate, by, "tune").await?;
        }
        let detail = serde_json::json!(learned);
        self.store
            .audit(workspace, by, "tuning.learn", "tuning", &detail)
            .await?;
        Ok(learned)
    }

    /// The shares that rank the labelled documents best.
    async fn shares(
        &self,
        workspace: &WorkspaceId,
        labels: &[&Label],
        before: Tuning,
    ) -> Result<Option<Shares>, LearnError> {
        let mut examples = Vec::new();
        for label in labels {
            let (Some(document), Ok(query)) =
                (&label.document_id, Query::parse(&label.question, MAX_LIMIT))
            else {
                continue;
            };
            let query = self.retriever.timed(query);
            let found = self.retriever.retrieve(workspace, &query).await?;
            if found.is_foreign {
                continue;
            }
            let evidence = self
                .retriever
                .load_evidence(workspace, &query, &found.hits)
                .await?;
            let candidates = evidence.iter().filter_map(|e| {
                let hit = found.hits.iter().find(|hit| hit.chunk_key == e.chunk.key)?;
                Some(Candidate {
                    document: e.chunk.document_id.to_string(),
                    coverage: hit.coverage,
                    proximity: hit.proximity,
                    similarity: e.similarity,
                })
            });
            examples.push(Example {
                relevant: [(document.to_string(), 1.0)].into(),
                candidates: candidates.collect(),
            });
        }
        if examples.len() < MIN_LABELS / 2 {
            return Ok(None);
        }
        let now = Shares {
            keyword: before.keyword_share.unwrap_or(self.shares.keyword),
            proximity: before.proximity_share.unwrap_or(self.shares.proximity),
        };
        let tuned = tune::tune(&[("labels".to_owned(), examples)], now);
        // What is no better than what is there stays.
        let is_better = tuned.sets.first().is_some_and(|set| set.tuned > set.before);
        Ok(is_better.then_some(tuned.shares))
    }

    /// The least confidence that gets most right, wrong answers counting twice; none where it makes no difference.
    async fn threshold(
        &self,
        workspace: &WorkspaceId,
        labels: &[&Label],
        tuning: Tuning,
    ) -> Result<Option<f32>, LearnError> {
        let open = Tuning {
            min_confidence: Some(0.0),
            ..tuning
        };
        let mut seen: Vec<(f32, bool)> = Vec::new();
        for label in labels {
            let (outcome, confidence, cited) = self.asked(workspace, label, open).await?;
            if outcome != Outcome::Answered {
                continue;
            }
            let is_right = label.answerable
                && label
                    .document_id
                    .as_ref()
                    .is_none_or(|id| cited.contains(id));
            seen.push((confidence, is_right));
        }
        let worth = |least: f32| -> f64 {
            let answered = seen.iter().filter(|(confidence, _)| *confidence >= least);
            answered
                .map(|(_, is_right)| if *is_right { 1.0 } else { -WRONG })
                .sum()
        };
        let steps = (1..20).map(|step| step as f32 / 20.0);
        let best = steps.max_by(|a, b| worth(*a).total_cmp(&worth(*b)).then(b.total_cmp(a)));
        let has_both =
            seen.iter().any(|(_, right)| *right) && seen.iter().any(|(_, right)| !*right);
        Ok(best.filter(|_| has_both))
    }

    async fn asked(
        &self,
        workspace: &WorkspaceId,
        label: &Label,
        tuning: Tuning,
    ) -> Result<(Outcome, f32, Vec<DocumentId>), LearnError> {
        let question = Question {
            text: label.question.clone(),
            ceiling: Strategy::Extractive,
            tuning,
            ..Question::default()
        };
        let texts = [self.retriever.worded(&label.question)];
        let vector = super::vectors_of(&self.store, &self.embedder, &texts)
            .await?
            .pop();
        let explained = self
            .answerer
            .reply(workspace, &question, &[], vector)
            .await?;
        let answer = explained.answer;
        let cited = answer
            .citations
            .into_iter()
            .map(|c| c.document_id)
            .collect();
        Ok((answer.outcome, answer.confidence, cited))
    }

    /// Whether a question is answered from the document it is known to be answered by, or not at all where none does.
    async fn is_right(
        &self,
        workspace: &WorkspaceId,
        label: &Label,
        tuning: Tuning,
    ) -> Result<bool, LearnError> {
        let (outcome, _, cited) = self.asked(workspace, label, tuning).await?;
        let answered = outcome == Outcome::Answered;
        Ok(match (&label.document_id, label.answerable) {
            (Some(id), true) => answered && cited.contains(id),
            (None, true) => answered,
            (_, false) => !answered,
        })
    }

    /// The settings in force, and how many earlier ones there are.
    pub async fn tuning(&self, workspace: &WorkspaceId) -> Result<(Tuning, usize), LearnError> {
        let earlier: Option<Vec<Tuning>> = self.store.setting(workspace, HISTORY).await?;
        let n_earlier = earlier.map_or(0, |earlier| earlier.len());
        Ok((self.in_force(workspace).await?, n_earlier))
    }

    pub(super) async fn in_force(&self, workspace: &WorkspaceId) -> Result<Tuning, LearnError> {
        let tuning = self.store.setting(workspace, TUNING).await?;
        Ok(tuning.unwrap_or_default())
    }

    /// Puts settings in force; those before are kept.
    pub(super) async fn put_tuning(
        &self,
        workspace: &WorkspaceId,
        tuning: Tuning,
        by: &str,
        why: &str,
    ) -> Result<(), LearnError> {
        let before = self.in_force(workspace).await?;
        let mut history: Vec<Tuning> = self
            .store
            .setting(workspace, HISTORY)
            .await?
            .unwrap_or_default();
        history.push(before);
        let from = history.len().saturating_sub(MAX_HISTORY);
        let history = history.split_off(from);
        self.store
            .set_setting(workspace, HISTORY, Some(&history))
            .await?;
        self.store
            .set_setting(workspace, TUNING, Some(&tuning))
            .await?;
        self.answerer.rules().forget(workspace);
        let detail = serde_json::json!({ "before": before, "after": tuning, "why": why });
        self.store
            .audit(workspace, by, "tuning.put", "tuning", &detail)
            .await?;
        Ok(())
    }

    /// Puts the settings before the last change in force again; `None` where there are none.
    pub async fn roll_back(
        &self,
        workspace: &WorkspaceId,
        by: &str,
    ) -> Result<Option<Tuning>, LearnError> {
        let mut history: Vec<Tuning> = self
            .store
            .setting(workspace, HISTORY)
            .await?
            .unwrap_or_default();
        let Some(back) = history.pop() else {
            return Ok(None);
        };
        let before = self.in_force(workspace).await?;
        self.store
            .set_setting(workspace, TUNING, Some(&back))
            .await?;
        self.store
            .set_setting(workspace, HISTORY, Some(&history))
            .await?;
        self.answerer.rules().forget(workspace);
        let detail = serde_json::json!({ "before": before, "after": back });
        self.store
            .audit(workspace, by, "tuning.roll_back", "tuning", &detail)
            .await?;
        Ok(Some(back))
    }
}
