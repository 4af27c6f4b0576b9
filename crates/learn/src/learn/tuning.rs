//! Tunes settings: fits the fusion shares and the least confidence for answering to a workspace's labelled questions.
//! The new settings go live only if they do better on held-out labels.

use std::collections::{BTreeMap, HashSet};
use std::sync::{MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::feedback::Label;
use super::{LearnError, Learning};
use crate::measures::randomisation_p;
use crate::measures::tune::{self, Example, TuningCandidate};
use ken_answer::answer::{AnswerError, Question};
use ken_base::domain::{
    DocumentId, MAX_LIMIT, Outcome, Query, Strategy, Tuning, TuningHistory, WorkspaceId,
};
use ken_search::retrieve::Shares;
use ken_store::store::AuditEvent;
use ken_text::text::sha256_hex;

/// Result of learning settings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LearnedTuning {
    /// Time of the run.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many labelled questions there were.
    pub n_labels: usize,
    /// The settings that were in force.
    pub before: Tuning,
    /// Settings tried; `None` if there is too little feedback.
    pub candidate: Option<Tuning>,
    /// How many labels were held out for the comparison.
    pub n_held_out: usize,
    /// Results on held-out labels, with the current settings and with those tried.
    pub held_out_before: AnswerResults,
    /// Results with the settings that were tried.
    pub held_out_after: AnswerResults,
    /// p-value of the paired randomisation test.
    pub p_value: f64,
    /// Languages with worse results.
    pub lost_languages: Vec<String>,
    /// Judged questions that would break.
    pub lost: Vec<String>,
    /// Whether the settings that were tried are in force now.
    pub is_live: bool,
}

/// Learning settings failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LearningFailure {
    /// When it failed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why it failed.
    pub error: String,
}

/// Results of answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnswerResults {
    /// How many answers were right.
    pub right: usize,
    /// How many answers were wrong.
    pub wrong: usize,
    /// How many questions were refused.
    pub refused: usize,
}

/// The setting that holds the last [`LearnedTuning`].
const LAST_LEARNED: &str = "tuning_learned";
/// The setting that holds the last [`LearningFailure`].
const LAST_FAILED: &str = "tuning_failed";
/// The least number of labels for a run.
const MIN_LABELS: usize = 20;
/// The share of labels that is held out, in tenths.
const HELD_OUT: u64 = 4;
/// The greatest p-value at which new settings go live. People make mistakes, so a single lost label means nothing.
const CHANCE: f64 = 0.05;
/// The cost of a wrong answer. A right answer is worth 1, a refusal 0.
const WRONG: f64 = 1.0;
/// The share of the currently right answers that a stricter threshold has to keep.
const KEPT: f64 = 0.9;
/// How many earlier settings are kept for a roll-back.
const MAX_HISTORY: usize = 50;

impl Learning {
    /// Fits settings to judged questions, feedback and published cases. They go live only if the held-out labels gain
    /// significantly, no language loses and no judged question is lost. Stores and returns the outcome. `by` is the
    /// actor in the audit log.
    ///
    /// [`LearnError::Busy`] if this process is already tuning the workspace. A failure is stored, too.
    pub async fn tune(
        &self,
        workspace: &WorkspaceId,
        by: &str,
    ) -> Result<LearnedTuning, LearnError> {
        let _turn = TuningTurn::begin(self, workspace).ok_or(LearnError::Busy)?;
        let learned = self.fit(workspace, by).await;
        if let Err(error) = &learned {
            self.save_failure(workspace, error, by).await;
        }
        learned
    }

    async fn fit(&self, workspace: &WorkspaceId, by: &str) -> Result<LearnedTuning, LearnError> {
        let labels = self.labels(workspace).await?;
        let before = self.in_force(workspace).await?;
        let mut learned = LearnedTuning {
            at: self.store.now(),
            n_labels: labels.len(),
            before,
            candidate: None,
            n_held_out: 0,
            held_out_before: AnswerResults::default(),
            held_out_after: AnswerResults::default(),
            p_value: 1.0,
            lost_languages: Vec::new(),
            lost: Vec::new(),
            is_live: false,
        };
        if labels.len() < MIN_LABELS {
            return self.save_result(workspace, learned, by).await;
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
        let train: Vec<&Label> = labels.iter().filter(|label| !is_held_out(label)).collect();
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
        let mut gains: Vec<f64> = Vec::new();
        let mut by_language: BTreeMap<&'static str, f64> = BTreeMap::new();
        for label in &labels {
            let is_judged = judged.contains(&label.question);
            let is_out = is_held_out(&label);
            if !is_judged && !is_out {
                continue;
            }
            let was = self.measure(workspace, label, before).await?;
            let is = self.measure(workspace, label, candidate).await?;
            if is_judged && was.1 && !is.1 {
                learned.lost.push(label.question.clone());
            }
            if is_out {
                learned.n_held_out += 1;
                learned.held_out_before.count(was.0);
                learned.held_out_after.count(is.0);
                let gain = worth(is.0) - worth(was.0);
                gains.push(gain);
                let language = ken_text::text::detect(&label.question).tag();
                *by_language.entry(language).or_default() += gain;
            }
        }
        learned.p_value = randomisation_p(&gains);
        let losing = by_language.into_iter().filter(|(_, gain)| *gain < 0.0);
        learned.lost_languages = losing.map(|(language, _)| language.to_owned()).collect();
        learned.is_live = gains.iter().sum::<f64>() > 0.0
            && learned.p_value <= CHANCE
            && learned.lost.is_empty()
            && learned.lost_languages.is_empty();
        if learned.is_live {
            // Settings that changed meanwhile stay in force.
            learned.is_live = self
                .put_tuning(workspace, (Some(before), candidate), by, "tune")
                .await?;
        }
        self.save_result(workspace, learned, by).await
    }

    /// Stores the outcome as the last one, with an audit entry.
    async fn save_result(
        &self,
        workspace: &WorkspaceId,
        mut learned: LearnedTuning,
        by: &str,
    ) -> Result<LearnedTuning, LearnError> {
        learned.at = self.store.now();
        let act = AuditEvent::new("tuning.learn", "tuning").after(&learned);
        self.store
            .set_setting_by(workspace, LAST_LEARNED, Some(&learned), (by, act))
            .await?;
        Ok(learned)
    }

    /// Stores the failure with an audit entry. If that fails, too, it is logged.
    async fn save_failure(&self, workspace: &WorkspaceId, error: &LearnError, by: &str) {
        let failure = LearningFailure {
            at: self.store.now(),
            error: error.to_string(),
        };
        let act = AuditEvent::new("tuning.learn_failed", "tuning").after(&failure);
        let saved = self
            .store
            .set_setting_by(workspace, LAST_FAILED, Some(&failure), (by, act))
            .await;
        if let Err(error) = saved {
            tracing::error!(%error, %workspace, "cannot record tuning failure");
        }
    }

    /// Whether this process is tuning a workspace.
    pub fn is_tuning(&self, workspace: &WorkspaceId) -> bool {
        tuning(self).contains(workspace)
    }

    /// The outcome of the last finished run; `None` before the first.
    pub async fn last_learned(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<LearnedTuning>, LearnError> {
        Ok(self.store.setting(workspace, LAST_LEARNED).await?)
    }

    /// The last failure; `None` if there was none or if `learned` is later.
    pub async fn last_failed(
        &self,
        workspace: &WorkspaceId,
        learned: Option<&LearnedTuning>,
    ) -> Result<Option<LearningFailure>, LearnError> {
        let failed: Option<LearningFailure> = self.store.setting(workspace, LAST_FAILED).await?;
        let is_last = |failed: &LearningFailure| learned.is_none_or(|last| last.at <= failed.at);
        Ok(failed.filter(is_last))
    }

    /// The shares that rank the labelled documents best; `None` if there are too few examples or no gain.
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
            let query = self.retriever.with_time(query);
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
                Some(TuningCandidate {
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
        // The current shares stay unless others are better.
        let is_better = tuned.sets.first().is_some_and(|set| set.tuned > set.before);
        Ok(is_better.then_some(tuned.shares))
    }

    /// The confidence threshold, in steps of .05, with the greatest total worth among those that keep enough right
    /// answers. `None` if answers are all right or all wrong, or if the workspace sets a level of its own.
    async fn threshold(
        &self,
        workspace: &WorkspaceId,
        labels: &[&Label],
        tuning: Tuning,
    ) -> Result<Option<f32>, LearnError> {
        if self
            .answerer
            .settings()
            .of(workspace)
            .await?
            .level
            .is_some()
        {
            // A person set the level.
            return Ok(None);
        }
        let open = Tuning {
            min_confidence: Some(0.0),
            ..tuning
        };
        let mut seen: Vec<(f32, bool)> = Vec::new();
        for label in labels {
            let (outcome, confidence, cited) = self.ask(workspace, label, open).await?;
            if outcome != Outcome::Answered {
                continue;
            }
            seen.push((confidence, label.is_right(Some(&cited))));
        }
        let of = |least: f32| -> f64 {
            let answered = seen.iter().filter(|(confidence, _)| *confidence >= least);
            answered.map(|(_, is_right)| worth(Some(*is_right))).sum()
        };
        let right_from = |least: f32| {
            let right = seen
                .iter()
                .filter(|(confidence, right)| *right && *confidence >= least);
            right.count() as f64
        };
        let now = tuning
            .min_confidence
            .unwrap_or(self.answerer.min_confidence());
        let steps = (1..20)
            .map(|step| step as f32 / 20.0)
            .filter(|least| right_from(*least) >= KEPT * right_from(now));
        let best = steps.max_by(|a, b| of(*a).total_cmp(&of(*b)).then(b.total_cmp(a)));
        let has_both =
            seen.iter().any(|(_, right)| *right) && seen.iter().any(|(_, right)| !*right);
        Ok(best.filter(|_| has_both))
    }

    async fn ask(
        &self,
        workspace: &WorkspaceId,
        label: &Label,
        tuning: Tuning,
    ) -> Result<(Outcome, f32, Vec<DocumentId>), LearnError> {
        let question = Question {
            ceiling: Strategy::Extractive,
            tuning,
            ..Question::parse(&label.question).map_err(AnswerError::Question)?
        };
        let texts = [self.retriever.normalized(&label.question)];
        let vector = self.vectors.of_questions(workspace, &texts).await?.pop();
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

    /// Whether the answer is right (`None` without an answer), and whether the outcome is the expected one.
    async fn measure(
        &self,
        workspace: &WorkspaceId,
        label: &Label,
        tuning: Tuning,
    ) -> Result<(Option<bool>, bool), LearnError> {
        let (outcome, _, cited) = self.ask(workspace, label, tuning).await?;
        Ok(match outcome {
            Outcome::Answered => {
                let is_right = label.is_right(Some(&cited));
                (Some(is_right), is_right)
            }
            _ => (None, label.is_right(None)),
        })
    }

    /// The settings in force and the number of earlier ones that a roll-back can restore.
    pub async fn tuning(&self, workspace: &WorkspaceId) -> Result<(Tuning, usize), LearnError> {
        let known = self.tunings(workspace).await?;
        Ok((known.in_force, known.earlier.len()))
    }

    pub(super) async fn in_force(&self, workspace: &WorkspaceId) -> Result<Tuning, LearnError> {
        Ok(self.tunings(workspace).await?.in_force)
    }

    async fn tunings(&self, workspace: &WorkspaceId) -> Result<TuningHistory, LearnError> {
        let known = self.store.setting(workspace, TuningHistory::NAME).await?;
        Ok(known.unwrap_or_default())
    }

    /// Puts settings in force and stores the former ones for a roll-back. Returns `false` and changes nothing if
    /// `expected` is set and is not in force.
    pub(super) async fn put_tuning(
        &self,
        workspace: &WorkspaceId,
        (expected, tuning): (Option<Tuning>, Tuning),
        by: &str,
        why: &str,
    ) -> Result<bool, LearnError> {
        let _setting = self.setting.lock().await;
        let mut known = self.tunings(workspace).await?;
        if expected.is_some_and(|expected| expected != known.in_force) {
            return Ok(false);
        }
        let before = std::mem::replace(&mut known.in_force, tuning);
        known.earlier.push(before);
        let n_over = known.earlier.len().saturating_sub(MAX_HISTORY);
        known.earlier.drain(..n_over);
        let after = serde_json::json!({ "tuning": tuning, "why": why });
        let act = AuditEvent::new("tuning.put", "tuning")
            .before(before)
            .after(after);
        self.set_tunings(workspace, &known, (by, act)).await?;
        Ok(true)
    }

    /// Restores the settings before the last change and returns them; `None` if there are none.
    pub async fn roll_back(
        &self,
        workspace: &WorkspaceId,
        by: &str,
    ) -> Result<Option<Tuning>, LearnError> {
        let _setting = self.setting.lock().await;
        let mut known = self.tunings(workspace).await?;
        let Some(back) = known.earlier.pop() else {
            return Ok(None);
        };
        let before = std::mem::replace(&mut known.in_force, back);
        let after = serde_json::json!({ "tuning": back });
        let act = AuditEvent::new("tuning.roll_back", "tuning");
        let act = act.before(before).after(after);
        self.set_tunings(workspace, &known, (by, act)).await?;
        Ok(Some(back))
    }

    async fn set_tunings(
        &self,
        workspace: &WorkspaceId,
        tunings: &TuningHistory,
        by: (&str, AuditEvent),
    ) -> Result<(), LearnError> {
        self.store
            .set_setting_by(workspace, TuningHistory::NAME, Some(tunings), by)
            .await?;
        self.answerer.settings().invalidate(workspace);
        Ok(())
    }
}

/// Marks a workspace as being tuned until it is dropped.
struct TuningTurn<'a> {
    learning: &'a Learning,
    workspace: &'a WorkspaceId,
}

impl<'a> TuningTurn<'a> {
    fn begin(learning: &'a Learning, workspace: &'a WorkspaceId) -> Option<Self> {
        let is_first = tuning(learning).insert(workspace.clone());
        // Created only on success, since dropping it ends the turn.
        is_first.then(|| Self {
            learning,
            workspace,
        })
    }
}

impl Drop for TuningTurn<'_> {
    fn drop(&mut self) {
        tuning(self.learning).remove(self.workspace);
    }
}

fn tuning(learning: &Learning) -> MutexGuard<'_, HashSet<WorkspaceId>> {
    let of = learning.tuning.lock();
    of.unwrap_or_else(PoisonError::into_inner)
}

impl AnswerResults {
    fn count(&mut self, right: Option<bool>) {
        match right {
            Some(true) => self.right += 1,
            Some(false) => self.wrong += 1,
            None => self.refused += 1,
        }
    }
}

fn worth(right: Option<bool>) -> f64 {
    match right {
        Some(true) => 1.0,
        Some(false) => -WRONG,
        None => 0.0,
    }
}
