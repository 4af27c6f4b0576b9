//! Ranks drafts by how often reviewers approved similar ones.

use std::collections::HashMap;

use ken_base::domain::{Draft, DraftAction};

/// Approval rates of earlier drafts by class, agent and tag, with Laplace smoothing (one approval and one rejection
/// added).
#[derive(Debug, Default)]
pub struct DraftRanking {
    approved: HashMap<String, f64>,
    decided: HashMap<String, f64>,
}

impl DraftRanking {
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

    /// Adds a reviewer's decision. The reason of a rejection selects what it counts against: `wrong` the agents,
    /// `duplicate` the class, any other reason all features.
    pub fn learn(&mut self, draft: &Draft, approved: bool) {
        let reason = draft
            .history
            .iter()
            .rev()
            .find(|event| event.action == DraftAction::Rejected);
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

    /// The draft's rank, ≥ 0: demand × confidence × twice the mean approval rate of its features (1 if nothing is
    /// known).
    pub fn rank(&self, draft: &Draft) -> f64 {
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
    use jiff::Timestamp;

    use super::super::note;
    use super::*;
    use crate::cases::draft_text;

    #[test]
    fn rejection_reason_lowers_rank_of_named_source_only() {
        let draft = |agent: &str, tag: &str, reason: Option<&str>| {
            let mut draft = draft_text::empty("d");
            draft.confidence = 0.5;
            draft.tags = vec![tag.to_owned()];
            draft.sources = vec![ken_base::domain::DraftSource {
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
                    &ken_base::domain::Reviewer::named("r"),
                    DraftAction::Rejected,
                    Some(reason.to_owned()),
                );
            }
            draft
        };
        let mut taught = DraftRanking::default();
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
