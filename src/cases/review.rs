//! Reviewing drafts: the queue, what a draft would change, and what a person decides.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use similar::TextDiff;

use super::{CaseError, Cases, Collision, collisions, group};
use crate::domain::{
    DocumentId, Draft, DraftClass, DraftEvent, DraftState, FaqAnswer, Kind, Outcome, Source,
    WorkspaceId,
};
use crate::editing::impact::{Altered, Change, Impact};
use crate::ingest::faq::{FaqRow, question_key};
use crate::redact::has_placeholder;
use crate::store::{StoreError, Write};
use crate::vectors::dot;

/// Why a decision about a draft was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    #[error("there is no draft {0}")]
    NotFound(String),
    #[error("the draft is {0}")]
    State(&'static str),
    /// Field and what is wrong with it.
    #[error("the draft cannot be published as it is")]
    Incomplete(Vec<(&'static str, String)>),
    #[error("judged questions would break")]
    WouldBreak(Vec<Altered>),
    #[error("a wording belongs to another FAQ")]
    Collides(Vec<Collision>),
    #[error("{0} approved it already; somebody else has to")]
    SameReviewer(String),
    #[error(transparent)]
    Case(#[from] CaseError),
}

impl From<StoreError> for ReviewError {
    fn from(error: StoreError) -> Self {
        ReviewError::Case(error.into())
    }
}

/// What a person changes in a draft; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    pub question: Option<String>,
    pub answer: Option<String>,
    pub variants: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
}

/// A draft with its place in the queue.
#[derive(Debug, Clone, Serialize)]
pub struct Ranked {
    /// Demand × confidence × how often what is like it was approved.
    pub rank: f64,
    pub demand: usize,
    #[serde(flatten)]
    pub draft: Draft,
}

/// What a reviewer has to see.
#[derive(Debug, Clone, Serialize)]
pub struct Details {
    #[serde(flatten)]
    pub ranked: Ranked,
    /// What is known that is nearest to it, and the difference as a unified diff of the answers.
    pub nearest: Option<Nearest>,
    /// Logged questions that are not answered now and would be, from this draft.
    pub would_answer: Vec<String>,
    /// Which answers it would change.
    pub impact: Impact,
    /// Questions of other FAQs that its wordings would take.
    pub collisions: Vec<Collision>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Nearest {
    pub document_id: DocumentId,
    pub title: String,
    pub text: String,
    pub difference: String,
}

/// What a decision did.
#[derive(Debug, Clone, Serialize)]
pub struct Reviewed {
    pub draft: Draft,
    /// Of the document that was written, where one was.
    pub revision: Option<i64>,
}

/// How many decided drafts teach the ranking.
const TAUGHT_BY: i64 = 1_000;
/// How many of the logged questions nearest to a draft are asked.
const LOGGED_NEAR: usize = 30;
/// Among so many of the last ones.
const LOGGED_AMONG: i64 = 1_000;

impl Cases {
    /// Drafts in a state, of a class where one is named; without one, those that say something new. By rank.
    pub async fn queue(
        &self,
        workspace: &WorkspaceId,
        state: DraftState,
        class: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Ranked>, CaseError> {
        let drafts = self.store.drafts(workspace, state, 10_000).await?;
        let taught = self.taught(workspace).await?;
        let is_wanted = |draft: &Draft| match class {
            Some("all") => true,
            Some(class) => draft.class.name() == class,
            None => {
                state != DraftState::Open
                    || !matches!(
                        draft.class,
                        DraftClass::Gap { .. } | DraftClass::Known { .. }
                    )
            }
        };
        let mut ranked: Vec<Ranked> = drafts
            .into_iter()
            .filter(is_wanted)
            .map(|draft| Ranked {
                rank: taught.rank(&draft),
                demand: draft.demand(),
                draft,
            })
            .collect();
        ranked.sort_by(|a, b| {
            b.rank
                .total_cmp(&a.rank)
                .then_with(|| a.draft.id.cmp(&b.draft.id))
        });
        ranked.truncate(limit);
        Ok(ranked)
    }

    async fn taught(&self, workspace: &WorkspaceId) -> Result<Taught, StoreError> {
        let mut taught = Taught::default();
        for (state, approved) in [(DraftState::Published, true), (DraftState::Rejected, false)] {
            for draft in self.store.drafts(workspace, state, TAUGHT_BY).await? {
                taught.learn(&draft, approved);
            }
        }
        Ok(taught)
    }

    /// A draft with all that a reviewer has to see, asked for now.
    pub async fn details(&self, workspace: &WorkspaceId, id: &str) -> Result<Details, ReviewError> {
        let mut draft = self.found(workspace, id).await?;
        if draft.state == DraftState::Open {
            // What is known may have changed since.
            self.relate(workspace, &mut draft).await?;
            self.store.update_drafts(workspace, &[&draft]).await?;
        }
        let taught = self.taught(workspace).await?;
        let nearest = self.nearest(workspace, &draft).await?;
        let is_done = matches!(draft.state, DraftState::Published | DraftState::Merged);
        let (mut impact, mut collided, mut would_answer) =
            (Impact::default(), Vec::new(), Vec::new());
        if !is_done && let Ok(Some((source, wordings))) = self.as_published(workspace, &draft).await
        {
            let logged = self.logged_near(workspace, &draft).await?;
            let judged = self.store.judged_questions(workspace).await?;
            let change = vec![Change::Put(Box::new(source.clone()))];
            impact = self
                .trials
                .ask(workspace, change, &judged, &logged, None)
                .await
                .map_err(CaseError::from)?;
            let answers = |altered: &&Altered| {
                altered.before.outcome != Outcome::Answered
                    && altered.after.document_ids.contains(&source.id.to_string())
            };
            let gained = impact.changed.iter().chain(&impact.healed).filter(answers);
            would_answer = gained.map(|altered| altered.question.clone()).collect();
            collided =
                collisions(&self.trials, &self.vectors, workspace, &source, &wordings).await?;
        }
        Ok(Details {
            ranked: Ranked {
                rank: taught.rank(&draft),
                demand: draft.demand(),
                draft,
            },
            nearest,
            would_answer,
            impact,
            collisions: collided,
        })
    }

    /// The logged questions that are nearest to a draft's.
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
        let vectors = self.vectors.of_questions(&texts).await?;
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
    ) -> Result<Option<Nearest>, CaseError> {
        let known = match draft.class.document_id().or(draft.published_as.as_ref()) {
            Some(id) => Some(id.clone()),
            None if draft.question.is_empty() => None,
            None => {
                let question = crate::answer::Question {
                    text: draft.question.clone(),
                    ceiling: crate::domain::Strategy::Extractive,
                    ..Default::default()
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
        Ok(Some(Nearest {
            document_id: id,
            title: document.metadata.title,
            text,
            difference,
        }))
    }

    async fn found(&self, workspace: &WorkspaceId, id: &str) -> Result<Draft, ReviewError> {
        let draft = self.store.draft(workspace, id).await?;
        draft.ok_or_else(|| ReviewError::NotFound(id.to_owned()))
    }

    async fn open(&self, workspace: &WorkspaceId, id: &str) -> Result<Draft, ReviewError> {
        let draft = self.found(workspace, id).await?;
        match draft.state {
            DraftState::Open | DraftState::Approved => Ok(draft),
            other => Err(ReviewError::State(other.as_str())),
        }
    }

    /// The document that approving a draft writes, with the wordings that are new in it; `None` where there is nothing to
    /// write.
    async fn as_published(
        &self,
        workspace: &WorkspaceId,
        draft: &Draft,
    ) -> Result<Option<(Source, Vec<String>)>, ReviewError> {
        let mut faults = Vec::new();
        let mut wants_text = |field: &'static str, text: &str, needed: bool| {
            if needed && text.trim().is_empty() {
                faults.push((field, "it is empty: write it with :edit".to_owned()));
            }
            if has_placeholder(text) || text.contains('[') && is_blank(text) {
                faults.push((field, "it has a blank in place of one customer's own; write it in general terms with :edit".to_owned()));
            }
        };
        let is_negative = matches!(draft.class, DraftClass::Negative { .. });
        let is_variant = matches!(draft.class, DraftClass::Variant { .. });
        wants_text("/question", &draft.question, true);
        wants_text("/answer", &draft.answer, !is_negative && !is_variant);
        if !faults.is_empty() {
            return Err(ReviewError::Incomplete(faults));
        }
        if matches!(draft.class, DraftClass::Known { .. }) && !draft.is_edited {
            return Ok(None);
        }
        let known = match draft.class.document_id() {
            Some(id) => self.store.document(workspace, id, None).await?,
            None => None,
        };
        let wordings = || {
            std::iter::once(&draft.question)
                .chain(&draft.variants)
                .cloned()
        };
        let ingest = |e: crate::ingest::IngestError| ReviewError::Case(e.into());
        if let Some(document) = known.filter(|document| document.metadata.kind == Kind::Faq) {
            let mut faq = FaqRow::of_document(&document);
            if is_negative {
                faq.negatives.push(draft.question.clone());
                return Ok(Some((faq.into_source().map_err(ingest)?, Vec::new())));
            }
            let mut asked: Vec<String> = faq
                .variants
                .iter()
                .chain([&faq.question])
                .map(|q| question_key(q))
                .collect();
            let mut added = Vec::new();
            for wording in wordings() {
                let key = question_key(&wording);
                if !asked.contains(&key) {
                    asked.push(key);
                    faq.variants.push(wording.clone());
                    added.push(wording);
                }
            }
            if !is_variant && !matches!(draft.class, DraftClass::Known { .. }) {
                faq.answers = vec![FaqAnswer {
                    text: draft.answer.clone(),
                    ..FaqAnswer::default()
                }];
            }
            return Ok(Some((faq.into_source().map_err(ingest)?, added)));
        }
        if is_negative {
            let fault = "the document is no FAQ, so it has no questions to exclude";
            return Err(ReviewError::Incomplete(vec![(
                "/document_id",
                fault.to_owned(),
            )]));
        }
        let mut faq = FaqRow {
            id: Some(format!("learned/{}", draft.id)),
            question: draft.question.clone(),
            variants: draft.variants.clone(),
            answers: vec![FaqAnswer {
                text: draft.answer.clone(),
                ..FaqAnswer::default()
            }],
            ..FaqRow::default()
        };
        faq.metadata.tags.clone_from(&draft.tags);
        faq.metadata.language = group::language(draft);
        if let DraftClass::Contradiction { document_id, .. } = &draft.class
            && let Some(other) = self.store.document(workspace, document_id, None).await?
        {
            // A person has decided that this is right and that is not.
            faq.metadata.rank = other.metadata.rank + 1;
        }
        Ok(Some((
            faq.into_source().map_err(ingest)?,
            wordings().collect(),
        )))
    }

    /// Approves a draft: it is published, unless somebody else has to approve it too. Refused where judged questions would
    /// break or a wording belongs to another FAQ, unless it is forced.
    pub async fn approve(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &str,
        force: bool,
    ) -> Result<Reviewed, ReviewError> {
        // The groups in memory are read anew; no case joins meanwhile.
        let mut loaded = self.grouping.lock().await;
        loaded.workspace = None;
        let mut draft = self.open(workspace, id).await?;
        let planned = self.as_published(workspace, &draft).await?;
        let rules = self.store.learning(workspace).await?;
        if rules.four_eyes {
            let before = draft
                .history
                .iter()
                .rev()
                .find(|event| event.action == "approved" || event.action == "edited");
            match draft.state {
                DraftState::Approved if before.is_some_and(|event| event.actor == reviewer) => {
                    return Err(ReviewError::SameReviewer(reviewer.to_owned()));
                }
                DraftState::Approved => {}
                _ => {
                    draft.state = DraftState::Approved;
                    note(&mut draft, self.now(), reviewer, "approved", None);
                    self.store.update_drafts(workspace, &[&draft]).await?;
                    return Ok(Reviewed {
                        draft,
                        revision: None,
                    });
                }
            }
        }
        let mut revision = None;
        if let Some((source, wordings)) = planned {
            if !force {
                self.check(workspace, &source, &wordings).await?;
            }
            draft.published_as = Some(source.id.clone());
            let write = Write::Put {
                source: Box::new(source),
                origin: None,
            };
            let recorded = self.store.record(workspace, vec![write]).await?;
            revision = recorded.last().map(|recorded| recorded.revision);
            self.trials.follower.wake();
        } else {
            draft.published_as = draft.class.document_id().cloned();
        }
        draft.state = DraftState::Published;
        note(
            &mut draft,
            self.now(),
            reviewer,
            "published",
            force.then(|| "forced".to_owned()),
        );
        self.store.update_drafts(workspace, &[&draft]).await?;
        let detail =
            serde_json::json!({ "document_id": draft.published_as, "class": draft.class.name() });
        self.store
            .audit(workspace, reviewer, "draft.approve", id, &detail)
            .await?;
        Ok(Reviewed { draft, revision })
    }

    /// The publishing gate and the collision test.
    async fn check(
        &self,
        workspace: &WorkspaceId,
        source: &Source,
        wordings: &[String],
    ) -> Result<(), ReviewError> {
        if self.store.has_judged_questions(workspace).await? {
            let judged = self.store.judged_questions(workspace).await?;
            let change = vec![Change::Put(Box::new(source.clone()))];
            let impact = self
                .trials
                .ask(workspace, change, &judged, &[], None)
                .await
                .map_err(CaseError::from)?;
            if !impact.broken.is_empty() {
                return Err(ReviewError::WouldBreak(impact.broken));
            }
        }
        let found = collisions(&self.trials, &self.vectors, workspace, source, wordings).await?;
        match found.is_empty() {
            true => Ok(()),
            false => Err(ReviewError::Collides(found)),
        }
    }

    /// Changes a draft's words; sources that come later do not change them again.
    pub async fn edit(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &str,
        edit: Edit,
    ) -> Result<Draft, ReviewError> {
        // The groups in memory are read anew; no case joins meanwhile.
        let mut loaded = self.grouping.lock().await;
        loaded.workspace = None;
        let mut draft = self.open(workspace, id).await?;
        draft.question = edit.question.unwrap_or(draft.question);
        draft.answer = edit.answer.unwrap_or(draft.answer);
        draft.variants = edit.variants.unwrap_or(draft.variants);
        draft.tags = edit.tags.unwrap_or(draft.tags);
        draft.is_edited = true;
        // Whoever approved before approved other words.
        draft.state = DraftState::Open;
        if matches!(
            draft.class,
            DraftClass::Gap { .. } | DraftClass::Known { .. }
        ) && !draft.answer.is_empty()
        {
            draft.class = DraftClass::New;
        }
        self.relate(workspace, &mut draft).await?;
        note(&mut draft, self.now(), reviewer, "edited", None);
        self.store.update_drafts(workspace, &[&draft]).await?;
        Ok(draft)
    }

    /// Rejects a draft for a reason, which teaches the ranking.
    pub async fn reject(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        reviewer: &str,
        reason: &str,
    ) -> Result<Draft, ReviewError> {
        // The groups in memory are read anew; no case joins meanwhile.
        let mut loaded = self.grouping.lock().await;
        loaded.workspace = None;
        let mut draft = self.open(workspace, id).await?;
        draft.state = DraftState::Rejected;
        note(
            &mut draft,
            self.now(),
            reviewer,
            "rejected",
            Some(reason.to_owned()),
        );
        self.store.update_drafts(workspace, &[&draft]).await?;
        let detail = serde_json::json!({ "reason": reason });
        self.store
            .audit(workspace, reviewer, "draft.reject", id, &detail)
            .await?;
        Ok(draft)
    }

    /// Makes one draft's sources another's.
    pub async fn merge(
        &self,
        workspace: &WorkspaceId,
        id: &str,
        into: &str,
        reviewer: &str,
    ) -> Result<Draft, ReviewError> {
        let mut loaded = self.grouping.lock().await;
        let mut from = self.open(workspace, id).await?;
        let mut target = self.open(workspace, into).await?;
        if from.id == target.id {
            return Err(ReviewError::State("the same draft"));
        }
        target.sources.append(&mut from.sources);
        from.state = DraftState::Merged;
        note(
            &mut from,
            self.now(),
            reviewer,
            "merged",
            Some(into.to_owned()),
        );
        note(
            &mut target,
            self.now(),
            reviewer,
            "merged",
            Some(id.to_owned()),
        );
        if matches!(target.class, DraftClass::Gap { .. })
            && target.sources.iter().any(|s| s.settles)
        {
            target.class = DraftClass::New;
        }
        group::rebuild(&mut target);
        self.relate(workspace, &mut target).await?;
        self.store.move_cases(workspace, id, into).await?;
        self.store
            .update_drafts(workspace, &[&from, &target])
            .await?;
        // The groups in memory are read anew.
        loaded.workspace = None;
        Ok(target)
    }
}

/// Whether a text has one of the blanks that general terms leave: `[date]`, `[order_number]`.
fn is_blank(text: &str) -> bool {
    static BLANK: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"\[[a-z][a-z0-9_]{1,31}\]").expect("the pattern is fixed and tested")
    });
    BLANK.is_match(text)
}

fn note(draft: &mut Draft, at: Timestamp, actor: &str, action: &str, reason: Option<String>) {
    draft.history.push(DraftEvent {
        at,
        actor: actor.to_owned(),
        action: action.to_owned(),
        reason,
    });
}

/// How often what is like a draft was approved: by class, agent and tags, each with Laplace's one for and one against.
#[derive(Debug, Default)]
struct Taught {
    approved: HashMap<String, f64>,
    decided: HashMap<String, f64>,
}

impl Taught {
    fn features(draft: &Draft) -> Vec<String> {
        let mut features = vec![format!("class {}", draft.class.name())];
        features.extend(draft.tags.iter().map(|tag| format!("tag {tag}")));
        features.extend(
            draft
                .sources
                .iter()
                .filter_map(|s| s.agent.as_ref())
                .map(|agent| format!("agent {agent}")),
        );
        features.sort_unstable();
        features.dedup();
        features
    }

    /// A rejection speaks against what its reason names: `wrong` against the agents, `duplicate` against the class,
    /// anything else against all.
    fn learn(&mut self, draft: &Draft, approved: bool) {
        let reason = draft
            .history
            .iter()
            .rev()
            .find(|event| event.action == "rejected");
        let reason = reason
            .and_then(|event| event.reason.as_deref())
            .unwrap_or_default();
        for feature in Self::features(draft) {
            let counts = match (approved, reason) {
                (false, "wrong") => feature.starts_with("agent "),
                (false, "duplicate") => feature.starts_with("class "),
                _ => true,
            };
            if counts {
                *self.decided.entry(feature.clone()).or_default() += 1.0;
                *self.approved.entry(feature).or_default() += f64::from(u8::from(approved));
            }
        }
    }

    fn rank(&self, draft: &Draft) -> f64 {
        let rate = |feature: &String| {
            let of =
                |counts: &HashMap<String, f64>| counts.get(feature).copied().unwrap_or_default();
            (of(&self.approved) + 1.0) / (of(&self.decided) + 2.0)
        };
        let features = Self::features(draft);
        let mean = features.iter().map(rate).sum::<f64>() / features.len() as f64;
        draft.demand() as f64 * f64::from(draft.confidence) * 2.0 * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_reasons_teach_the_ranking_about_what_they_name() {
        let draft = |agent: &str, tag: &str, reason: Option<&str>| {
            let mut draft = group::empty("d");
            draft.confidence = 0.5;
            draft.tags = vec![tag.to_owned()];
            draft.sources = vec![crate::domain::DraftSource {
                id: "c".into(),
                question: String::new(),
                resolution: Vec::new(),
                steps: Vec::new(),
                agent: Some(agent.to_owned()),
                tags: Vec::new(),
                settles: true,
                values: Vec::new(),
            }];
            if let Some(reason) = reason {
                note(
                    &mut draft,
                    Timestamp::UNIX_EPOCH,
                    "r",
                    "rejected",
                    Some(reason.to_owned()),
                );
            }
            draft
        };
        let mut taught = Taught::default();
        assert_eq!(
            taught.rank(&draft("amy", "gift", None)),
            0.5,
            "nothing known: demand times confidence"
        );
        taught.learn(&draft("bob", "gift", Some("wrong")), false);
        assert!(
            taught.rank(&draft("bob", "gift", None)) < taught.rank(&draft("amy", "gift", None))
        );
        assert_eq!(
            taught.rank(&draft("amy", "gift", None)),
            0.5,
            "not the tag's fault"
        );
        taught.learn(&draft("amy", "gift", None), true);
        assert!(taught.rank(&draft("amy", "gift", None)) > 0.5);
    }
}
