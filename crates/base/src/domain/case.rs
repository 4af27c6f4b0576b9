//! [`Case`]: a support case that an agent handled, and what distilling yields from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Author of a case turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Who speaks. `customer`: the customer. `agent`: a person of the company. `bot`: an automatic reply. `system`: a note of a system \
     (a query, a record, a transfer)."
)]
pub enum CaseRole {
    /// The customer.
    #[serde(alias = "user", alias = "visitor", alias = "client")]
    Customer,
    /// A support agent. Only agents' statements count as facts.
    #[serde(alias = "human", alias = "staff", alias = "assistant")]
    Agent,
    /// An automatic reply.
    Bot,
    /// System notes: queries, records, transfers.
    #[serde(alias = "tool", alias = "note")]
    System,
}

/// One utterance of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseTurn {
    /// The speaker.
    pub role: CaseRole,
    /// The words, without markup.
    pub text: String,
    /// When it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// Outcome of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`resolved`: the customer's request was met. `workaround`: the request was not met, but the customer was helped otherwise. \
     `unresolved`: neither."
)]
pub enum CaseOutcome {
    /// The customer's request was met.
    Resolved,
    /// Not resolved as requested, but the customer was helped another way.
    Workaround,
    /// Neither resolved nor helped otherwise.
    Unresolved,
}

/// A support case handled by an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Id of the case; derived from its content if missing.
    #[serde(default)]
    pub id: String,
    /// The channel that the customer used, as `chat` or `phone`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Outcome of the case; inferred from the transcript if missing.
    #[serde(default)]
    pub outcome: Option<CaseOutcome>,
    /// Tags that the company gave the case.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The product it is about.
    #[serde(default)]
    pub product: Option<String>,
    /// Name of the agent.
    #[serde(default)]
    pub agent: Option<String>,
    /// The company's id of the customer.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// Id of the preceding conversation with Ken.
    #[serde(default)]
    pub conversation_id: Option<String>,
    /// Ids of the answers that Ken gave before the case began.
    #[serde(default)]
    pub answer_ids: Vec<String>,
    /// The customer's rating, 1 to 5.
    #[serde(default)]
    pub csat: Option<u8>,
    /// Whether the customer contacted support again about the same issue.
    #[serde(default)]
    pub reopened: bool,
    /// When it was closed.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// Turns of the case, oldest first.
    pub turns: Vec<CaseTurn>,
}

impl Case {
    /// A case with an id and its turns; everything else is unknown.
    pub fn new(id: &str, turns: Vec<CaseTurn>) -> Self {
        Self {
            id: id.to_owned(),
            channel: None,
            outcome: None,
            tags: Vec::new(),
            product: None,
            agent: None,
            customer_id: None,
            conversation_id: None,
            answer_ids: Vec::new(),
            csat: None,
            reopened: false,
            closed_at: None,
            turns,
        }
    }
}

/// A generalized sentence of a case and its position: bytes `start..end` of the redacted text of turn `turn` (from 0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Excerpt {
    /// The turn, from 0.
    pub turn: usize,
    /// Where the sentence begins in the turn's text, in bytes.
    pub start: usize,
    /// Where the sentence ends in the turn's text, in bytes, exclusive.
    pub end: usize,
    /// The sentence in general terms.
    pub text: String,
}

/// Why a case yields no knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Why a case yields no knowledge. `unresolved`: the case was not resolved. `one_account`: all statements apply to this \
     customer's account only. `settles_nothing`: no statement answers the question."
)]
pub enum NoKnowledge {
    /// The case was not resolved.
    Unresolved,
    /// All statements apply to this customer's account only.
    OneAccount,
    /// No statement resolves the question.
    SettlesNothing,
}

/// A distilled case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Distilled {
    /// The case's language (BCP 47).
    pub language: String,
    /// The customer's question, generalized; empty if none was asked.
    pub question: String,
    /// Requests of the customer.
    pub requests: Vec<Excerpt>,
    /// Conditions of the resolution, quoted from the agent.
    pub conditions: Vec<Excerpt>,
    /// Requests and instructions of the agent, in order.
    pub steps: Vec<Excerpt>,
    /// Sentences of the agent that apply to any customer.
    pub resolution: Vec<Excerpt>,
    /// How the case ended.
    pub outcome: CaseOutcome,
    /// Whether the submitter gave the outcome.
    pub is_outcome_given: bool,
    /// Why the case yields no knowledge; null if it does.
    pub gap: Option<NoKnowledge>,
    /// The product it is about.
    pub product: Option<String>,
    /// The case's tags.
    pub tags: Vec<String>,
    /// Whether a language model selected the sentences; otherwise rules did.
    pub by_model: bool,
}

impl Distilled {
    /// The resolution as one text: the sentences of the agent that apply to any customer.
    pub fn answer(&self) -> String {
        join(self.resolution.iter().map(|e| e.text.as_str()))
    }
}

/// Joins sentences into one text. A space separates two sentences unless the first ends in a wide character (U+2E80 or
/// above, such as Chinese).
pub fn join<'a>(sentences: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for sentence in sentences {
        let is_wide = |c: char| c as u32 >= 0x2E80;
        if text.chars().next_back().is_some_and(|c| !is_wide(c)) {
            text.push(' ');
        }
        text.push_str(sentence);
    }
    text
}
