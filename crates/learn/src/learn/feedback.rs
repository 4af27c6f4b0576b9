//! Acts on feedback: creates variants and negatives for review, cases and labels, and excludes versions that people
//! found wrong.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{LearnError, Learning};
use ken_base::domain::{
    AgentAction, Case, CaseOutcome, CaseRole, CaseTurn, DocumentId, DocumentKind, DraftClass,
    DraftState, Experiment, Feedback, FeedbackReason, Outcome, Review, WorkspaceId,
};
use ken_text::text::sha256_hex;

/// Feedback as received, before its answer is looked up.
#[derive(Debug, Clone, Default)]
pub struct NewFeedback {
    /// The answer it is about.
    pub answer_id: String,
    /// Whether the answer helped.
    pub helpful: Option<bool>,
    /// Why it did not help.
    pub reason: Option<FeedbackReason>,
    /// Free text. Personal data is masked before it is stored.
    pub comment: Option<String>,
    /// The right answer. It becomes a case.
    pub corrected_answer: Option<String>,
    /// The document that should have answered.
    pub corrected_document_id: Option<DocumentId>,
    /// How a human agent used the answer.
    pub agent_action: Option<AgentAction>,
    /// The customer's satisfaction, 1 to 5.
    pub csat: Option<u8>,
    /// Whether the customer came back with the same question.
    pub reopened: bool,
    /// Whether the customer complained.
    pub complaint: bool,
    /// The person who gave it; by default the customer or the conversation of the answer. Stored as a hash.
    pub customer_id: Option<String>,
}

/// The effects of feedback.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackEffects {
    /// The feedback's id.
    pub id: String,
    /// `false` if the same feedback was already stored.
    pub is_new: bool,
    /// The draft that was created or supported.
    pub draft_id: Option<String>,
    /// The case made of the corrected answer.
    pub case_id: Option<String>,
    /// FAQs whose version is now excluded from answers.
    pub distrusted: Vec<DocumentId>,
}

/// The least confidence, in [0, 1], at which negative feedback counts against the cited versions. A less confident
/// answer may have missed the question; then its citations are not to blame.
const ON_THE_POINT: f32 = 0.5;
/// The least number of people whose feedback decides about a version. It is excluded if the lower bound of Wilson's
/// interval at 95 % (Wilson, JASA 1927) of the share who found it wrong exceeds one half. Five of five reach it, four
/// of five do not.
const MIN_PEOPLE: usize = 5;
/// The standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.96;
/// Feedback older than this many days does not count.
const RECENT_DAYS: i64 = 60;
/// The most feedback entries or drafts that are loaded.
const MAX_RECENT: i64 = 5_000;

/// A labelled question.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The question, without personal data.
    pub question: String,
    /// The document that answers it.
    pub document_id: Option<DocumentId>,
    /// Whether the knowledge answers it, as far as the labels show.
    pub answerable: bool,
    /// Documents that do not answer it. If there are any, an answer from another document counts as right, since
    /// knowledge may have been added.
    pub wrong: Vec<DocumentId>,
}

impl Label {
    /// Whether an answer that cites these documents is right by the label. `None`: the question was not answered.
    pub fn is_right(&self, cited: Option<&[DocumentId]>) -> bool {
        match (&self.document_id, cited) {
            (Some(id), cited) => cited.is_some_and(|cited| cited.contains(id)),
            (None, None) => !self.answerable,
            (None, Some(cited)) if self.wrong.is_empty() => self.answerable && !cited.is_empty(),
            (None, Some(cited)) => !cited.iter().any(|id| self.wrong.contains(id)),
        }
    }
}

impl Learning {
    /// Stores feedback and acts on it. Repeating it is harmless. `None` if the answer does not exist.
    pub async fn feedback(
        &self,
        workspace: &WorkspaceId,
        given: NewFeedback,
    ) -> Result<Option<FeedbackEffects>, LearnError> {
        let Some((turn, trace)) = self.store.answer(workspace, &given.answer_id).await? else {
            return Ok(None);
        };
        let redactor = self.cases.redactor(workspace).await?;
        let clean =
            |text: &Option<String>| text.as_ref().map(|text| redactor.mask(text).into_owned());
        let who = given.customer_id.clone().or_else(|| {
            let of_request = trace["request"]["customer_id"].as_str().map(str::to_owned);
            of_request.or(turn.answer.conversation_id.clone())
        });
        let mut cited: Vec<(DocumentId, i64)> = turn
            .answer
            .citations
            .iter()
            .map(|c| (c.document_id.clone(), c.document_version))
            .collect();
        cited.dedup();
        let mut feedback = Feedback {
            id: String::new(),
            answer_id: given.answer_id.clone(),
            helpful: given.helpful,
            reason: given.reason,
            comment: clean(&given.comment),
            corrected_answer: clean(&given.corrected_answer),
            corrected_document_id: given.corrected_document_id.clone(),
            agent_action: given.agent_action,
            csat: given.csat,
            reopened: given.reopened,
            complaint: given.complaint,
            customer: who.map(|who| {
                sha256_hex([workspace.as_str().as_bytes(), who.as_bytes()])[..24].to_owned()
            }),
            at: Timestamp::UNIX_EPOCH,
            question: redactor.mask(&turn.question).into_owned(),
            outcome: turn.answer.outcome,
            confidence: turn.answer.confidence,
            cited,
        };
        // Feedback that repeats the person's last one is the same. If they changed it in between, it counts again.
        let before = self
            .store
            .feedback_on(workspace, &feedback.answer_id)
            .await?;
        let own: Vec<Feedback> = before
            .into_iter()
            .filter(|given| given.customer == feedback.customer)
            .collect();
        let bare = |given: &Feedback| Feedback {
            id: String::new(),
            at: Timestamp::UNIX_EPOCH,
            ..given.clone()
        };
        let last = own.last().filter(|last| bare(last) == feedback);
        feedback.id = match last {
            Some(last) => last.id.clone(),
            None => {
                let content = serde_json::to_vec(&feedback).expect("feedback is plain data");
                let n = own.len().to_string();
                format!("fb_{}", &sha256_hex([&content, n.as_bytes()])[..24])
            }
        };
        feedback.at = last.map_or_else(|| self.store.now(), |last| last.at);
        let mut effects = FeedbackEffects {
            id: feedback.id.clone(),
            is_new: self.store.insert_feedback(workspace, &feedback).await?,
            ..FeedbackEffects::default()
        };
        // The following steps are idempotent and run each time, in case an earlier run was interrupted.
        if let Some(success) = feedback.verdict() {
            let answer = &feedback.answer_id;
            self.store
                .record_outcome(workspace, answer, success, feedback.complaint)
                .await?;
        }
        if let Some(answer) = &given.corrected_answer {
            effects.case_id = Some(
                self.as_case(workspace, &feedback, &turn.question, answer)
                    .await?,
            );
        }
        effects.draft_id = self.propose(workspace, &feedback).await?;
        effects.distrusted = self.judge_evidence(workspace, &feedback).await?;
        Ok(Some(effects))
    }

    /// Forgets what was learned from a conversation: feedback on its answers, and the cases that name it or one of them.
    /// Returns the number of cases.
    ///
    /// # Errors
    /// [`LearnError`] if the store or the vault fails; then some of it may remain.
    pub async fn forget_conversation(
        &self,
        workspace: &WorkspaceId,
        conversation: &str,
        answer_ids: &[String],
    ) -> Result<usize, LearnError> {
        let mut n_cases = 0;
        let named = answer_ids.iter().map(String::as_str);
        for id in std::iter::once(conversation).chain(named) {
            for case in self.store.cases_naming(workspace, id).await? {
                n_cases += usize::from(self.cases.forget(workspace, &case).await?);
            }
        }
        self.store.delete_feedback_on(workspace, answer_ids).await?;
        Ok(n_cases)
    }

    /// Submits a corrected answer as a case with two turns. Returns the case's id.
    async fn as_case(
        &self,
        workspace: &WorkspaceId,
        feedback: &Feedback,
        question: &str,
        answer: &str,
    ) -> Result<String, LearnError> {
        let turn = |role, text: &str| CaseTurn {
            role,
            text: text.to_owned(),
            at: None,
        };
        // One case per answer and person: a second correction replaces the first.
        let who = feedback.customer.as_deref().unwrap_or_default();
        let key = sha256_hex([feedback.answer_id.as_bytes(), who.as_bytes()]);
        let id = format!("feedback/{}", &key[..24]);
        let case = Case {
            outcome: Some(CaseOutcome::Resolved),
            answer_ids: vec![feedback.answer_id.clone()],
            ..Case::new(
                &id,
                vec![
                    turn(CaseRole::Customer, question),
                    turn(CaseRole::Agent, answer),
                ],
            )
        };
        // The case is built here, so only its length can be invalid.
        if let Err(faults) = self.cases.submit(workspace, vec![case]).await? {
            tracing::warn!(
                id,
                fault = faults[0].1.detail,
                "cannot create a case from a corrected answer"
            );
        }
        Ok(id)
    }

    /// Proposes a variant for the FAQ that should have answered, or a negative for the FAQ that wrongly did. Both need
    /// review. Returns the draft's id.
    async fn propose(
        &self,
        workspace: &WorkspaceId,
        feedback: &Feedback,
    ) -> Result<Option<String>, LearnError> {
        let class = match (
            &feedback.corrected_document_id,
            feedback.reason,
            feedback.cited.first(),
        ) {
            (Some(id), ..) => DraftClass::Variant {
                document_id: id.clone(),
            },
            (None, Some(FeedbackReason::Irrelevant), Some((id, _))) => DraftClass::Negative {
                document_id: id.clone(),
            },
            _ => return Ok(None),
        };
        let about = class.document_id().expect("both classes name one");
        let document = self.store.document(workspace, about, None).await?;
        if document.is_none_or(|document| document.metadata.kind != DocumentKind::Faq) {
            return Ok(None);
        }
        Ok(Some(self.cases.propose(workspace, class, feedback).await?))
    }

    /// Compares the cited versions with all recent feedback on them. An FAQ that most people find wrong is excluded
    /// from answers. An article holds much besides, so it only gets a review task. Returns the excluded FAQs.
    async fn judge_evidence(
        &self,
        workspace: &WorkspaceId,
        feedback: &Feedback,
    ) -> Result<Vec<DocumentId>, LearnError> {
        let counts_against = |f: &Feedback| {
            let is_on_the_point =
                f.confidence >= ON_THE_POINT && f.reason != Some(FeedbackReason::Irrelevant);
            f.verdict() == Some(false) && f.outcome == Outcome::Answered && is_on_the_point
        };
        if !counts_against(feedback) {
            return Ok(Vec::new());
        }
        let since = self.store.now() - SignedDuration::from_hours(24 * RECENT_DAYS);
        let all = self
            .store
            .feedback_since(workspace, since, MAX_RECENT)
            .await?;
        let mut distrusted = Vec::new();
        let settings = self.answerer.settings().of(workspace).await?;
        for (document, version) in &feedback.cited {
            // During an experiment on the FAQ, the experiment's own guardrail decides.
            let is_compared = |e: &Experiment| e.faq_id.as_ref() == Some(document);
            let is_known = settings.distrusted.contains(&(document.clone(), *version));
            if is_known || settings.experiments.iter().any(is_compared) {
                continue;
            }
            // Each person's last verdict.
            let mut people: HashMap<&str, bool> = HashMap::new();
            for f in all
                .iter()
                .filter(|f| f.cited.contains(&(document.clone(), *version)))
            {
                let who = f.customer.as_deref().unwrap_or(&f.answer_id);
                match f.verdict() {
                    Some(true) => drop(people.insert(who, true)),
                    Some(false) if counts_against(f) => drop(people.insert(who, false)),
                    _ => {}
                }
            }
            let against = people.values().filter(|helpful| !**helpful).count();
            if people.len() < MIN_PEOPLE || wilson_lower(against, people.len()) <= 0.5 {
                continue;
            }
            let detail = format!("{against} of {} people found it wrong", people.len());
            let stored = self.store.document(workspace, document, None).await?;
            let is_faq = stored.is_some_and(|stored| stored.metadata.kind == DocumentKind::Faq);
            if is_faq
                && !self
                    .store
                    .set_distrust(workspace, (document, *version), true, false, &detail)
                    .await?
            {
                continue;
            }
            self.answerer.settings().invalidate(workspace);
            let what = match is_faq {
                true => "excluded from answers until edited or trusted again",
                false => "still used in answers until it is edited",
            };
            let key = sha256_hex([document.as_str().as_bytes(), version.to_string().as_bytes()]);
            let review = Review {
                id: format!("rev_{}", &key[..16]),
                kind: "failing_evidence".to_owned(),
                document_ids: vec![document.to_string()],
                detail: format!("version {version}: {detail}; {what}"),
            };
            self.store.open_review(workspace, &review).await?;
            if !is_faq {
                continue;
            }
            let note = serde_json::json!({ "version": version, "against": against, "people": people.len() });
            self.store
                .audit(
                    workspace,
                    "rule",
                    "document.distrust",
                    document.as_str(),
                    &note,
                )
                .await?;
            distrusted.push(document.clone());
        }
        Ok(distrusted)
    }

    /// Lifts the exclusion of a document's versions after a person has checked it. Returns `false` if none was
    /// excluded.
    pub async fn trust(
        &self,
        workspace: &WorkspaceId,
        document: &DocumentId,
        reviewer: &str,
    ) -> Result<bool, LearnError> {
        let distrusted = self.store.distrusted(workspace).await?;
        let versions: Vec<i64> = distrusted
            .iter()
            .filter(|(id, _)| id == document)
            .map(|(_, v)| *v)
            .collect();
        for version in &versions {
            self.store
                .set_distrust(workspace, (document, *version), false, true, reviewer)
                .await?;
            let note = serde_json::json!({ "version": version });
            self.store
                .audit(
                    workspace,
                    reviewer,
                    "document.trust",
                    document.as_str(),
                    &note,
                )
                .await?;
        }
        self.answerer.settings().invalidate(workspace);
        Ok(!versions.is_empty())
    }

    /// Returns the labelled questions: from published drafts, feedback and judged questions. Each question occurs once.
    /// The latest feedback overrides earlier labels, and a judged question overrides all.
    pub async fn labels(&self, workspace: &WorkspaceId) -> Result<Vec<Label>, LearnError> {
        let mut labels: BTreeMap<String, Label> = BTreeMap::new();
        for draft in self
            .store
            .drafts(workspace, DraftState::Published, MAX_RECENT)
            .await?
        {
            let answers = !matches!(draft.class, DraftClass::Negative { .. });
            let Some(id) = draft.published_as.filter(|_| answers) else {
                continue;
            };
            for source in draft.sources.into_iter().filter(|s| !s.question.is_empty()) {
                let label = Label {
                    question: source.question.clone(),
                    document_id: Some(id.clone()),
                    answerable: true,
                    wrong: Vec::new(),
                };
                labels.insert(source.question, label);
            }
        }
        for f in self
            .store
            .feedback_since(workspace, Timestamp::UNIX_EPOCH, MAX_RECENT)
            .await?
        {
            let document_id = match (&f.corrected_document_id, f.verdict(), f.outcome) {
                (Some(id), ..) => Some(id.clone()),
                (None, Some(true), Outcome::Answered) => f.cited.first().map(|(id, _)| id.clone()),
                _ => None,
            };
            let is_wrong = f.verdict() == Some(false) && f.outcome == Outcome::Answered;
            if document_id.is_some() || is_wrong {
                let label = Label {
                    question: f.question.clone(),
                    answerable: document_id.is_some(),
                    document_id,
                    wrong: match is_wrong {
                        true => f.cited.iter().map(|(id, _)| id.clone()).collect(),
                        false => Vec::new(),
                    },
                };
                labels.insert(f.question, label);
            }
        }
        for judged in self.store.judged_questions(workspace).await? {
            let document_id = judged
                .document_id
                .as_deref()
                .and_then(|id| DocumentId::parse(id).ok());
            let answerable = document_id.is_some() || judged.outcome == Some(Outcome::Answered);
            if document_id.is_some()
                || judged
                    .outcome
                    .is_some_and(|outcome| outcome != Outcome::Answered)
            {
                let label = Label {
                    question: judged.question.clone(),
                    document_id,
                    answerable,
                    wrong: Vec::new(),
                };
                labels.insert(judged.question, label);
            }
        }
        Ok(labels.into_values().collect())
    }

    /// Ids of the answers with negative feedback since a time.
    pub(super) async fn disliked(
        &self,
        workspace: &WorkspaceId,
        since: Timestamp,
    ) -> Result<HashSet<String>, LearnError> {
        let all = self
            .store
            .feedback_since(workspace, since, MAX_RECENT)
            .await?;
        let bad = all.into_iter().filter(|f| f.verdict() == Some(false));
        Ok(bad.map(|f| f.answer_id).collect())
    }
}

/// The lower bound of Wilson's 95 % interval for the share `n / of`.
fn wilson_lower(n: usize, of: usize) -> f64 {
    let (n, of) = (n as f64, of as f64);
    let p = n / of;
    let centre = p + Z * Z / (2.0 * of);
    let spread = Z * (p * (1.0 - p) / of + Z * Z / (4.0 * of * of)).sqrt();
    (centre - spread) / (1.0 + Z * Z / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_lower_bound_matches_hand_calculation() {
        // 5 of 5: (1 + .38416 − 1.96·√.038416) / 1.76832 = .5655.
        assert!((wilson_lower(5, 5) - 0.5655).abs() < 1e-4);
        assert!(wilson_lower(4, 5) < 0.5 && wilson_lower(7, 8) > 0.5);
    }
}
