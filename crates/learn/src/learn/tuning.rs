//! Settings that learn: the fusion's shares and the confidence from which on a question is answered, fitted to what is known
//! of a workspace's questions, and put in force only where they win.

use std::collections::{BTreeMap, HashSet};
use std::sync::{MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::feedback::Label;
use super::{LearnError, Learning};
use crate::measures::randomisation_p;
use crate::measures::tune::{self, Candidate, Example};
use ken_answer::answer::{AnswerError, Question};
use ken_base::domain::{
    DocumentId, MAX_LIMIT, Outcome, Query, Strategy, Tuning, Tunings, WorkspaceId,
};
use ken_search::retrieve::Shares;
use ken_store::store::Act;
use ken_text::text::sha256_hex;

/// What came of learning settings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = LearnedTuning)]
pub struct Learned {
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
    pub held_out_before: Fared,
    /// How the answers do with the settings that were tried.
    pub held_out_after: Fared,
    /// p-value of the paired randomisation test.
    pub p_value: f64,
    /// Languages with worse results.
    pub lost_languages: Vec<String>,
    /// Judged questions that would break.
    pub lost: Vec<String>,
    /// Whether the settings that were tried are in force now.
    pub is_live: bool,
}

/// That settings were to be learned and could not be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LearningFailure {
    /// When it failed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why it failed.
    pub error: String,
}

/// How answers did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AnswerResults)]
pub struct Fared {
    /// How many answers were right.
    pub right: usize,
    /// How many answers were wrong.
    pub wrong: usize,
    /// How many questions were refused.
    pub refused: usize,
}

/// The setting that holds the last [`Learned`].
const LAST_LEARNED: &str = "tuning_learned";
/// The setting that holds the last [`LearningFailure`].
const LAST_FAILED: &str = "tuning_failed";
/// With fewer labels nothing is learned.
const MIN_LABELS: usize = 20;
/// The share of labels, in tenths, that is held out.
const HELD_OUT: u64 = 4;
/// How unlikely it has to be that a gain on held-out labels as large as this comes about by chance. People err, so that a
/// single label that loses says nothing.
const CHANCE: f64 = 0.05;
/// What a wrong answer costs, where a right one is worth 1 and a refusal nothing.
const WRONG: f64 = 1.0;
/// Of the answers that are right now, so many have to be left by a stricter threshold.
const KEPT: f64 = 0.9;
/// How many earlier settings are kept for rolling back.
const MAX_HISTORY: usize = 50;

impl Learning {
    /// Learns settings from judged questions, feedback and published cases. They go live only where more of the labels held
    /// out are right with them, more than chance would have it and in no language fewer, and no judged question is lost.
    ///
    /// # Errors
    /// [`LearnError::Busy`] where this process is at it already.
    pub async fn tune(&self, workspace: &WorkspaceId, by: &str) -> Result<Learned, LearnError> {
        let _turn = Turn::begin(self, workspace).ok_or(LearnError::Busy)?;
        let learned = self.fit(workspace, by).await;
        if let Err(error) = &learned {
            self.keep_failure(workspace, error, by).await;
        }
        learned
    }

    async fn fit(&self, workspace: &WorkspaceId, by: &str) -> Result<Learned, LearnError> {
        let labels = self.labels(workspace).await?;
        let before = self.in_force(workspace).await?;
        let mut learned = Learned {
            at: self.store.now(),
            n_labels: labels.len(),
            before,
            candidate: None,
            n_held_out: 0,
            held_out_before: Fared::default(),
            held_out_after: Fared::default(),
            p_value: 1.0,
            lost_languages: Vec::new(),
            lost: Vec::new(),
            is_live: false,
        };
        if labels.len() < MIN_LABELS {
            return self.keep(workspace, learned, by).await;
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
            let was = self.fares(workspace, label, before).await?;
            let is = self.fares(workspace, label, candidate).await?;
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
            // What somebody has put in force meanwhile, or gone back to, stays.
            learned.is_live = self
                .put_tuning(workspace, (Some(before), candidate), by, "tune")
                .await?;
        }
        self.keep(workspace, learned, by).await
    }

    /// Writes down what came of it: in the audit log, and as the last time that settings were learned.
    async fn keep(
        &self,
        workspace: &WorkspaceId,
        mut learned: Learned,
        by: &str,
    ) -> Result<Learned, LearnError> {
        learned.at = self.store.now();
        let act = Act::new("tuning.learn", "tuning").after(&learned);
        self.store
            .set_setting_by(workspace, LAST_LEARNED, Some(&learned), (by, act))
            .await?;
        Ok(learned)
    }

    /// Writes down that nothing came of it; where that is not possible either, the log has it.
    async fn keep_failure(&self, workspace: &WorkspaceId, error: &LearnError, by: &str) {
        let failure = LearningFailure {
            at: self.store.now(),
            error: error.to_string(),
        };
        let act = Act::new("tuning.learn_failed", "tuning").after(&failure);
        let kept = self
            .store
            .set_setting_by(workspace, LAST_FAILED, Some(&failure), (by, act))
            .await;
        if let Err(error) = kept {
            tracing::error!(%error, %workspace, "cannot record tuning failure");
        }
    }

    /// Whether this process is learning a workspace's settings.
    pub fn is_tuning(&self, workspace: &WorkspaceId) -> bool {
        tuning(self).contains(workspace)
    }

    /// What came of it the last time that settings were learned.
    pub async fn last_learned(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<Learned>, LearnError> {
        Ok(self.store.setting(workspace, LAST_LEARNED).await?)
    }

    /// How it failed, where that was after what came of it the last time that something did.
    pub async fn last_failed(
        &self,
        workspace: &WorkspaceId,
        learned: Option<&Learned>,
    ) -> Result<Option<LearningFailure>, LearnError> {
        let failed: Option<LearningFailure> = self.store.setting(workspace, LAST_FAILED).await?;
        let is_last = |failed: &LearningFailure| learned.is_none_or(|last| last.at <= failed.at);
        Ok(failed.filter(is_last))
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

    /// The least confidence whose answers are worth most, of those that keep most of what is right; none where it makes no
    /// difference.
    async fn threshold(
        &self,
        workspace: &WorkspaceId,
        labels: &[&Label],
        tuning: Tuning,
    ) -> Result<Option<f32>, LearnError> {
        if self.answerer.rules().of(workspace).await?.level.is_some() {
            // A person has decided.
            return Ok(None);
        }
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

    async fn asked(
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
        let texts = [self.retriever.worded(&label.question)];
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

    /// Whether what is answered is right, `None` where nothing is; and whether that is as it should be.
    async fn fares(
        &self,
        workspace: &WorkspaceId,
        label: &Label,
        tuning: Tuning,
    ) -> Result<(Option<bool>, bool), LearnError> {
        let (outcome, _, cited) = self.asked(workspace, label, tuning).await?;
        Ok(match outcome {
            Outcome::Answered => {
                let is_right = label.is_right(Some(&cited));
                (Some(is_right), is_right)
            }
            _ => (None, label.is_right(None)),
        })
    }

    /// The settings in force, and how many earlier ones there are.
    pub async fn tuning(&self, workspace: &WorkspaceId) -> Result<(Tuning, usize), LearnError> {
        let known = self.tunings(workspace).await?;
        Ok((known.in_force, known.earlier.len()))
    }

    pub(super) async fn in_force(&self, workspace: &WorkspaceId) -> Result<Tuning, LearnError> {
        Ok(self.tunings(workspace).await?.in_force)
    }

    async fn tunings(&self, workspace: &WorkspaceId) -> Result<Tunings, LearnError> {
        let known = self.store.setting(workspace, Tunings::NAME).await?;
        Ok(known.unwrap_or_default())
    }

    /// Puts settings in force, where those before are still as expected; those before are kept. Returns whether it did.
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
        let act = Act::new("tuning.put", "tuning").before(before).after(after);
        self.set_tunings(workspace, &known, (by, act)).await?;
        Ok(true)
    }

    /// Puts the settings before the last change in force again; `None` where there are none.
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
        let act = Act::new("tuning.roll_back", "tuning");
        let act = act.before(before).after(after);
        self.set_tunings(workspace, &known, (by, act)).await?;
        Ok(Some(back))
    }

    async fn set_tunings(
        &self,
        workspace: &WorkspaceId,
        tunings: &Tunings,
        by: (&str, Act),
    ) -> Result<(), LearnError> {
        self.store
            .set_setting_by(workspace, Tunings::NAME, Some(tunings), by)
            .await?;
        self.answerer.rules().forget(workspace);
        Ok(())
    }
}

/// Held while a workspace's settings are learned.
struct Turn<'a> {
    learning: &'a Learning,
    workspace: &'a WorkspaceId,
}

impl<'a> Turn<'a> {
    fn begin(learning: &'a Learning, workspace: &'a WorkspaceId) -> Option<Self> {
        let is_first = tuning(learning).insert(workspace.clone());
        // Made only where it is first: dropping it ends the turn.
        is_first.then(|| Self {
            learning,
            workspace,
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        tuning(self.learning).remove(self.workspace);
    }
}

fn tuning(learning: &Learning) -> MutexGuard<'_, HashSet<WorkspaceId>> {
    let of = learning.tuning.lock();
    of.unwrap_or_else(PoisonError::into_inner)
}

impl Fared {
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
