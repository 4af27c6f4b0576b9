//! [`Draft`]: candidate knowledge for review, with its sources and history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, Excerpt, NoKnowledge};

/// State of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`open`: waits for a decision. `approved`: one reviewer has approved it and a second one has to. `published`: it is an FAQ now. \
     `rejected`: a reviewer has rejected it. `merged`: another draft has its sources now."
)]
pub enum DraftState {
    /// Waits for a decision.
    Open,
    /// Approved by one reviewer; a second approval is required.
    Approved,
    /// It is an FAQ now.
    Published,
    /// A reviewer rejected it.
    Rejected,
    /// Merged into another draft.
    Merged,
}

impl DraftState {
    /// Name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            DraftState::Open => "open",
            DraftState::Approved => "approved",
            DraftState::Published => "published",
            DraftState::Rejected => "rejected",
            DraftState::Merged => "merged",
        }
    }
}

/// How a draft relates to existing knowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum DraftClass {
    /// No existing knowledge answers the question.
    New,
    /// The answer exists, but the question does not retrieve it.
    Variant {
        /// The FAQ that answers the question already.
        document_id: DocumentId,
    },
    /// Same question, additional or different answer.
    Update {
        /// The document that would be extended.
        document_id: DocumentId,
    },
    /// Contradicts existing knowledge; `detail` lists the figures or words.
    Contradiction {
        /// The document that it contradicts.
        document_id: DocumentId,
        /// The figures or words that differ.
        detail: String,
    },
    /// Already known.
    Known {
        /// The document that answers the question already.
        document_id: DocumentId,
    },
    /// A question that retrieves an FAQ which does not answer it.
    Negative {
        /// The FAQ that is found for the question and does not answer it.
        document_id: DocumentId,
    },
    /// No case resolves the question; the answer must be written.
    Gap {
        /// Why no case answers the question.
        reason: NoKnowledge,
    },
}

impl DraftClass {
    /// Name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            DraftClass::New => "new",
            DraftClass::Variant { .. } => "variant",
            DraftClass::Update { .. } => "update",
            DraftClass::Contradiction { .. } => "contradiction",
            DraftClass::Known { .. } => "known",
            DraftClass::Negative { .. } => "negative",
            DraftClass::Gap { .. } => "gap",
        }
    }

    /// The document that it concerns; `None` for [`DraftClass::New`] and [`DraftClass::Gap`].
    pub fn document_id(&self) -> Option<&DocumentId> {
        match self {
            DraftClass::Variant { document_id }
            | DraftClass::Update { document_id }
            | DraftClass::Contradiction { document_id, .. }
            | DraftClass::Known { document_id }
            | DraftClass::Negative { document_id } => Some(document_id),
            DraftClass::New | DraftClass::Gap { .. } => None,
        }
    }
}

/// Source of a draft: a case or feedback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftSource {
    /// Id of the case or feedback.
    pub id: String,
    /// The question in general terms.
    pub question: String,
    /// Sentences of the agent that apply to any customer.
    pub resolution: Vec<Excerpt>,
    /// Requests and instructions of the agent, in order.
    pub steps: Vec<Excerpt>,
    /// The agent who handled the case.
    pub agent: Option<String>,
    /// The case's tags.
    pub tags: Vec<String>,
    /// Whether it resolves the question.
    pub settles: bool,
    /// Hashes of customer values found in system notes, to recognise them without storing them.
    #[serde(default)]
    pub values: Vec<String>,
}

/// The reviewer of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// Display name: given name and key, for example `amy by reviewers (id)`.
    pub name: String,
    /// Key of the request; `None` if no keys exist.
    pub key_id: Option<String>,
}

impl Reviewer {
    /// A reviewer with a name and no key, as in a service without keys.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            key_id: None,
        }
    }

    /// The reviewer of drafts that a rule of the workspace publishes.
    pub fn rule() -> Self {
        Self::named("rule")
    }

    /// Whether this reviewer caused an event. If both have a key, the keys decide, since a caller can choose the name
    /// beside a key; otherwise the names decide. The actor of events older than the field `key_id` ends with the id of
    /// the key in brackets.
    pub fn is_author_of(&self, event: &DraftEvent) -> bool {
        match (&self.key_id, &event.key_id) {
            (Some(own), Some(other)) => own == other,
            (Some(own), None) => {
                self.name == event.actor || event.actor.ends_with(&format!("({own})"))
            }
            _ => self.name == event.actor,
        }
    }
}

/// Action on a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What was done. `reopened`: the text changed after an approval, which no longer counts."
)]
pub enum DraftAction {
    /// A reviewer approved it.
    Approved,
    /// A reviewer changed its text.
    Edited,
    /// A reviewer rejected it.
    Rejected,
    /// Its sources were moved to another draft.
    Merged,
    /// It was published as an FAQ.
    Published,
    /// The text changed after an approval.
    Reopened,
}

/// An entry in the history of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftEvent {
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The reviewer's name.
    pub actor: String,
    /// The key of the request; missing if no keys exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The action.
    pub action: DraftAction,
    /// The reason that the reviewer gave for a rejection.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Candidate knowledge to review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Draft {
    /// The draft's id.
    pub id: String,
    /// State of the review.
    pub state: DraftState,
    /// How it relates to the existing knowledge.
    #[serde(flatten)]
    pub class: DraftClass,
    /// The question in general terms.
    pub question: String,
    /// Alternative wordings from other customers.
    pub variants: Vec<String>,
    /// Text from agents; empty if no case resolves the question.
    pub answer: String,
    /// Conditions of the answer, in the words of the agents.
    pub conditions: Vec<String>,
    /// Requests and instructions of agents, over all sources, in order.
    pub steps: Vec<String>,
    /// The product it is about.
    pub product: Option<String>,
    /// Tags of its sources.
    pub tags: Vec<String>,
    /// The draft's language (BCP 47).
    pub language: String,
    /// Cases and feedback that it was made from.
    pub sources: Vec<DraftSource>,
    /// Confidence that the answer is correct and general, 0 to 1.
    pub confidence: f32,
    /// Contradiction between its sources, if any.
    pub disagreement: Option<String>,
    /// Whether a person edited question, answer or variants; new sources no longer change them.
    pub is_edited: bool,
    /// Id of the published document.
    pub published_as: Option<DocumentId>,
    /// Its history, oldest first.
    pub history: Vec<DraftEvent>,
}

impl Draft {
    /// Number of customers who asked.
    pub fn demand(&self) -> usize {
        self.sources.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewers_are_distinguished_by_key_then_name() {
        let who = |name: &str, key: Option<&str>| Reviewer {
            name: name.to_owned(),
            key_id: key.map(str::to_owned),
        };
        let check = |one: Reviewer, other: Reviewer, expected: bool| {
            let event = DraftEvent {
                at: Timestamp::UNIX_EPOCH,
                actor: one.name.clone(),
                key_id: one.key_id.clone(),
                action: DraftAction::Approved,
                reason: None,
            };
            assert_eq!(other.is_author_of(&event), expected, "{one:?} {other:?}");
        };
        check(who("amy", Some("k1")), who("bob", Some("k1")), true);
        check(who("amy", Some("k1")), who("amy", Some("k2")), false);
        check(who("amy", None), who("amy", None), true);
        check(who("amy by bob", None), who("carol by bob", None), false);
        check(who("k1", None), who("amy", Some("k1")), false);
        check(who("amy by keys (k1)", None), who("bob", Some("k1")), true);
    }
}
