//! Experiments: the assignment of customers to arms, and the record of what they were shown.

use std::borrow::Cow;

use super::{AnswerError, Answerer, Question, SettingsCache};
use ken_base::domain::{Answer, Experiment, Outcome, WorkspaceId};

/// A customer's assignment in an experiment.
pub struct Assignment {
    experiment: Experiment,
    customer: String,
    arm: usize,
}

impl Answerer {
    /// Returns the rules by which workspaces answer.
    pub fn settings(&self) -> &SettingsCache {
        &self.settings
    }

    /// Returns the least confidence of an answer if a workspace sets none.
    pub fn min_confidence(&self) -> f32 {
        self.admission.min_confidence(None)
    }

    /// Applies the customer's arms of the running experiments to a question, and returns both. Anonymous callers take
    /// no part, nor do questions with a level of their own.
    pub(super) async fn assigned<'q>(
        &self,
        workspace: &WorkspaceId,
        question: &'q Question,
    ) -> Result<(Cow<'q, Question>, Vec<Assignment>), AnswerError> {
        let settings = self.settings.of(workspace).await?;
        let customer = question.customer_id.as_ref();
        let customer = customer.or(question.conversation_id.as_ref());
        let takes_part = !settings.experiments.is_empty() && question.level.is_none();
        let Some(customer) = customer.filter(|_| takes_part) else {
            return Ok((Cow::Borrowed(question), Vec::new()));
        };
        let mut served = question.clone();
        let customer =
            ken_text::text::sha256_hex([workspace.as_str().as_bytes(), customer.as_bytes()]);
        let mut parts = Vec::new();
        for experiment in &settings.experiments {
            let arm = experiment.arm_of(&customer);
            if let Some(tuning) = experiment.arms[arm].tuning {
                served.tuning = tuning.or(served.tuning);
            }
            if experiment.faq_id.is_some() && arm > 0 {
                served.filter.audience.push(experiment.audience(arm));
            }
            parts.push(Assignment {
                experiment: experiment.clone(),
                customer: customer.clone(),
                arm,
            });
        }
        Ok((Cow::Owned(served), parts))
    }

    /// Records what the customer was shown. In an experiment about an FAQ, only if it was cited.
    pub(super) async fn expose(
        &self,
        workspace: &WorkspaceId,
        parts: &[Assignment],
        answer: &Answer,
    ) -> Result<(), AnswerError> {
        for part in parts {
            let id = &part.experiment.id;
            // A request for a person counts against what the customer was shown before.
            if answer.outcome == Outcome::Handoff {
                self.store
                    .record_harm(workspace, id, &part.customer)
                    .await?;
            }
            let shown = match &part.experiment.faq_id {
                None => true,
                // Only the arm's own answer counts: the FAQ may have been edited meanwhile.
                Some(faq) => {
                    let own = part.experiment.arms[part.arm].answer.as_deref();
                    let is_own =
                        |quote: &str| own.is_none_or(|own| letters(own).contains(&letters(quote)));
                    let cited = answer.citations.iter();
                    cited
                        .filter(|c| c.document_id == *faq)
                        .any(|c| is_own(&c.quote))
                }
            };
            if !shown {
                continue;
            }
            let answered = answer.outcome == Outcome::Answered;
            let who = (part.customer.as_str(), part.arm);
            self.store
                .expose(workspace, id, who, &answer.id, answered)
                .await?;
        }
        Ok(())
    }
}

/// Returns a text's letters and digits, which layout does not change.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}
