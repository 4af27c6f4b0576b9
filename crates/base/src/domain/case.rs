use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who speaks in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Who speaks. `customer`: the customer. `agent`: a person of the company. `bot`: an automatic reply. `system`: a note of a system \
     (a query, a record, a transfer)."
)]
pub enum CaseRole {
    #[serde(alias = "user", alias = "visitor", alias = "client")]
    Customer,
    /// A person of the company. Only what agents said counts as fact.
    #[serde(alias = "human", alias = "staff", alias = "assistant")]
    Agent,
    Bot,
    /// What a system noted: queries, records, transfers.
    #[serde(alias = "tool", alias = "note")]
    System,
}

/// One utterance of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseTurn {
    /// Who speaks.
    pub role: CaseRole,
    /// The words, without markup.
    pub text: String,
    /// When it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`resolved`: the customer's request was met. `workaround`: the request was not met, but the customer was helped otherwise. \
     `unresolved`: neither."
)]
pub enum CaseOutcome {
    Resolved,
    /// The wish was not met, but the customer was helped otherwise.
    Workaround,
    Unresolved,
}

/// A support case that a person worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Given, or made of the content.
    #[serde(default)]
    pub id: String,
    /// The channel that the customer used, as `chat` or `phone`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Read off the transcript where it is absent.
    #[serde(default)]
    pub outcome: Option<CaseOutcome>,
    /// Tags that the company gave the case.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The product it is about.
    #[serde(default)]
    pub product: Option<String>,
    /// Who worked on it.
    #[serde(default)]
    pub agent: Option<String>,
    /// The company's id of the customer.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// The conversation with Ken that went before, and the answers Ken gave in it.
    #[serde(default)]
    pub conversation_id: Option<String>,
    /// Ids of the answers that Ken gave before the case began.
    #[serde(default)]
    pub answer_ids: Vec<String>,
    /// The customer's rating, 1 to 5.
    #[serde(default)]
    pub csat: Option<u8>,
    /// Whether the customer came back about it.
    #[serde(default)]
    pub reopened: bool,
    /// When it was closed.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// What was said, oldest first.
    pub turns: Vec<CaseTurn>,
}

impl Case {
    /// A case of which nothing is known but what was said.
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

/// A sentence of a case in general terms, and where it stands: `start..end`, in bytes, of the text of turn `turn`
/// (from 0) without personal data.
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

/// Why a case is no knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Why a case makes no knowledge. `unresolved`: the case was not resolved. `one_account`: what was said holds for this \
     customer's account only. `settles_nothing`: no statement answers the question."
)]
pub enum NoKnowledge {
    Unresolved,
    /// All that was said holds for this customer's account alone.
    OneAccount,
    /// Nothing was said that settles anything.
    SettlesNothing,
}

/// What a case comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Distilled {
    /// The case's language (BCP 47).
    pub language: String,
    /// The customer's question in general terms; empty where none was asked.
    pub question: String,
    /// All that the customer asked for.
    pub requests: Vec<Excerpt>,
    /// Under which conditions what was said holds, in the agent's words.
    pub conditions: Vec<Excerpt>,
    /// What the agent asked for and told the customer to do, in order.
    pub steps: Vec<Excerpt>,
    /// What the agent said that holds for anyone.
    pub resolution: Vec<Excerpt>,
    /// How the case ended.
    pub outcome: CaseOutcome,
    /// Whether whoever submitted the case named the outcome.
    pub is_outcome_given: bool,
    /// Why it makes no knowledge; null where it does.
    pub gap: Option<NoKnowledge>,
    /// The product it is about.
    pub product: Option<String>,
    /// The case's tags.
    pub tags: Vec<String>,
    /// Whether a model chose the sentences; else rules did.
    pub by_model: bool,
}

impl Distilled {
    /// What the agent said that holds for anyone, as one text.
    pub fn answer(&self) -> String {
        join(self.resolution.iter().map(|e| e.text.as_str()))
    }
}

/// Sentences as one text: with spaces between them unless they are Chinese.
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
