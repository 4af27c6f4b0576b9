use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, Excerpt, NoKnowledge};

/// Where a draft stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`open`: waits for a decision. `approved`: one reviewer has approved it and a second one has to. `published`: it is an FAQ now. \
     `rejected`: a reviewer has rejected it. `merged`: another draft has its sources now."
)]
pub enum DraftState {
    Open,
    /// One reviewer has approved; a second has to.
    Approved,
    Published,
    Rejected,
    /// Its sources are those of another draft now.
    Merged,
}

impl DraftState {
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

/// How a draft stands to what is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum DraftClass {
    /// Nothing that is known answers the question.
    New,
    /// What is answered is known, but the question does not find it.
    Variant {
        /// The FAQ that answers the question already.
        document_id: DocumentId,
    },
    /// The same is asked; more or other is said.
    Update {
        /// The document that would be extended.
        document_id: DocumentId,
    },
    /// It says otherwise than what is known: `detail` names the figures or words.
    Contradiction {
        /// The document that it contradicts.
        document_id: DocumentId,
        /// The figures or words that differ.
        detail: String,
    },
    /// Asked and answered already.
    Known {
        /// The document that answers the question already.
        document_id: DocumentId,
    },
    /// A question that an FAQ is found for and does not answer.
    Negative {
        /// The FAQ that is found for the question and does not answer it.
        document_id: DocumentId,
    },
    /// Asked, and not settled by any case: somebody has to write the answer.
    Gap {
        /// Why no case answers the question.
        reason: NoKnowledge,
    },
}

impl DraftClass {
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

    /// What it is about, where that is known already.
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

/// What a draft is made from: a case, or feedback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftSource {
    /// Of the case or the feedback.
    pub id: String,
    /// The question in general terms.
    pub question: String,
    /// What was said by an agent that holds for anyone, where that is anything.
    pub resolution: Vec<Excerpt>,
    /// What the agent asked for and told the customer to do, in order.
    pub steps: Vec<Excerpt>,
    /// The agent who handled the case.
    pub agent: Option<String>,
    /// The case's tags.
    pub tags: Vec<String>,
    /// Whether it settles the question.
    pub settles: bool,
    /// Hashes of what a system's notes hold of this customer, so that it is known again without being kept.
    #[serde(default)]
    pub values: Vec<String>,
}

/// Who decides about a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// For people: as they name themselves, and their key: `amy by reviewers (id)`.
    pub name: String,
    /// The key that the request was sent with; `None` where there are no keys.
    pub key_id: Option<String>,
}

impl Reviewer {
    /// Known by the name alone, as where there are no keys.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            key_id: None,
        }
    }

    /// A workspace's rule, which is nobody.
    pub fn rule() -> Self {
        Self::named("rule")
    }

    /// Whether they did what an event tells: by the key where both have one, for the name beside it is whatever they say;
    /// else by the name. Events of before keys were noted end with the key's id in brackets.
    pub fn did(&self, event: &DraftEvent) -> bool {
        match (&self.key_id, &event.key_id) {
            (Some(own), Some(other)) => own == other,
            (Some(own), None) => {
                self.name == event.actor || event.actor.ends_with(&format!("({own})"))
            }
            _ => self.name == event.actor,
        }
    }
}

/// What was done to a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "What was done. `reopened`: the text changed after an approval, which no longer counts."
)]
pub enum DraftAction {
    Approved,
    Edited,
    Rejected,
    Merged,
    Published,
    /// Its words changed after somebody had approved them.
    Reopened,
}

/// Who did what to a draft, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftEvent {
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it, as a reviewer's name.
    pub actor: String,
    /// The key of the request; absent where there are no keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// What was done.
    pub action: DraftAction,
    /// The reason that the reviewer gave for a rejection.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Candidate knowledge, for a person to review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Draft {
    /// The draft's id.
    pub id: String,
    /// Where it stands in the review.
    pub state: DraftState,
    #[serde(flatten)]
    pub class: DraftClass,
    /// The question in general terms.
    pub question: String,
    /// Other wordings, of other customers.
    pub variants: Vec<String>,
    /// In an agent's words; empty where no case settles the question.
    pub answer: String,
    /// Under which conditions the answer holds, in the agents' words.
    pub conditions: Vec<String>,
    /// What agents asked for and told customers to do, over all sources, in order.
    pub steps: Vec<String>,
    /// The product it is about.
    pub product: Option<String>,
    /// Tags of its sources.
    pub tags: Vec<String>,
    /// The draft's language (BCP 47).
    pub language: String,
    /// The cases and the feedback that it is made from.
    pub sources: Vec<DraftSource>,
    /// How sure it is that the answer is right and general, in [0, 1].
    pub confidence: f32,
    /// Where its sources contradict each other.
    pub disagreement: Option<String>,
    /// Whether a person has changed question, answer or variants: new sources do not change them again.
    pub is_edited: bool,
    /// What it was published as.
    pub published_as: Option<DocumentId>,
    /// What was done to it, oldest first.
    pub history: Vec<DraftEvent>,
}

impl Draft {
    /// How many asked.
    pub fn demand(&self) -> usize {
        self.sources.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewers_are_told_apart_by_key_else_by_name() {
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
            assert_eq!(other.did(&event), expected, "{one:?} {other:?}");
        };
        check(who("amy", Some("k1")), who("bob", Some("k1")), true);
        check(who("amy", Some("k1")), who("amy", Some("k2")), false);
        check(who("amy", None), who("amy", None), true);
        check(who("amy by bob", None), who("carol by bob", None), false);
        check(who("k1", None), who("amy", Some("k1")), false);
        check(who("amy by keys (k1)", None), who("bob", Some("k1")), true);
    }
}
