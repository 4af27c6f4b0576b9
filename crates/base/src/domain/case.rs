use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who speaks in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseTurn {
    pub role: CaseRole,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    Resolved,
    /// The wish was not met, but the customer was helped otherwise.
    Workaround,
    Unresolved,
}

/// A support case that a person worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Given, or made of the content.
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub channel: Option<String>,
    /// Read off the transcript where it is absent.
    #[serde(default)]
    pub outcome: Option<CaseOutcome>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub product: Option<String>,
    /// Who worked on it.
    #[serde(default)]
    pub agent: Option<String>,
    #[serde(default)]
    pub customer_id: Option<String>,
    /// The conversation with Ken that went before, and the answers Ken gave in it.
    #[serde(default)]
    pub conversation_id: Option<String>,
    #[serde(default)]
    pub answer_ids: Vec<String>,
    /// The customer's rating, 1 to 5.
    #[serde(default)]
    pub csat: Option<u8>,
    /// Whether the customer came back about it.
    #[serde(default)]
    pub reopened: bool,
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    pub turn: usize,
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// Why a case is no knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoKnowledge {
    Unresolved,
    /// All that was said holds for this customer's account alone.
    OneAccount,
    /// Nothing was said that settles anything.
    SettlesNothing,
}

/// What a case comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distilled {
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
    pub outcome: CaseOutcome,
    /// Whether whoever submitted the case named the outcome.
    pub is_outcome_given: bool,
    /// `None` where it is knowledge.
    pub gap: Option<NoKnowledge>,
    pub product: Option<String>,
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
