use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DocumentId, Revision};

/// What Ken decided to do with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answered,
    Clarify,
    Refused,
    Handoff,
}

impl Outcome {
    pub const ALL: &[Self] = &[Self::Answered, Self::Clarify, Self::Refused, Self::Handoff];

    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Clarify => "clarify",
            Outcome::Refused => "refused",
            Outcome::Handoff => "handoff",
        }
    }
}

/// How the words of an answer were found: an FAQ's own answer, sentences of the evidence, or a model's
/// wording of it. `None` where nothing was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Standard,
    Extractive,
    Generated,
    None,
}

impl Strategy {
    pub const ALL: &[Self] = &[
        Self::Standard,
        Self::Extractive,
        Self::Generated,
        Self::None,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Strategy::Standard => "standard",
            Strategy::Extractive => "extractive",
            Strategy::Generated => "generated",
            Strategy::None => "none",
        }
    }
}

/// An enum of words that are stable in the API, in records and in metrics.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// Why an answer holds nothing from the knowledge base.
    Reason {
        /// Refused: nothing was found.
        NoEvidence = "no_evidence",
        /// Refused: what was found is not likely enough to answer.
        WeakEvidence = "weak_evidence",
        /// Refused: no sentence passed verification.
        NoSupportedSentence = "no_supported_sentence",
        /// Refused: the thing asked about is named nowhere, another of its kind is.
        SimilarOnly = "similar_only",
        /// Refused: there was no answer in time.
        Deadline = "deadline",
        /// Handoff: two passages contradict each other and no rule decides between them.
        ConflictingEvidence = "conflicting_evidence",
        /// Handoff: the customer wants to speak to a person.
        AskedForPerson = "asked_for_person",
        /// Clarify: several things fit; the suggestions name them.
        Ambiguous = "ambiguous",
        /// Answered without the knowledge base.
        Greeting = "greeting",
        /// Answered without the knowledge base.
        Thanks = "thanks",
        /// Answered without the knowledge base.
        Goodbye = "goodbye",
    }
}

words! {
    /// What limits an answer, or what was unavailable while it was made.
    Note {
        /// The question takes something for granted that the evidence contradicts; the answer corrects it.
        FalsePremise = "false_premise",
        /// Some of the message's questions were not answered.
        PartlyAnswered = "partly_answered",
        /// The quoted list or table has more items than the answer.
        ListContinues = "list_continues",
        /// The search took too long; an FAQ with this very question was found by words.
        Deadline = "deadline",
        /// The encoder failed; the search went by words alone.
        EncoderUnavailable = "encoder_unavailable",
        /// The vectors could not be searched; the search went by words alone.
        VectorsUnavailable = "vectors_unavailable",
        /// The passages were not read; search scores decided, one level stricter.
        ReaderUnavailable = "reader_unavailable",
        /// The answer could not be written to the store.
        NotRecorded = "not_recorded",
        /// The language model could not be reached; the answer quotes.
        LlmUnavailable = "llm_unavailable",
        /// The language model's server returned an error.
        LlmRefused = "llm_refused",
        /// The language model's text was cut off.
        LlmTruncated = "llm_truncated",
        /// The language model's reply could not be parsed.
        LlmGarbage = "llm_garbage",
        /// There was no time for the language model.
        LlmDeadline = "llm_deadline",
        /// No sentence of the language model passed verification.
        LlmUnsupported = "llm_unsupported",
    }
}

/// A sentence of an answer and the numbers of the citations that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    pub text: String,
    pub citations: Vec<usize>,
}

/// A span of a document version and the quotation found there: `text[start..end] == quote`, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// From 1, in order of use.
    pub number: usize,
    pub document_id: DocumentId,
    pub document_version: i64,
    pub title: String,
    pub uri: Option<String>,
    pub chunk_id: String,
    pub heading_path: Vec<String>,
    /// The page (or slide) on which the quote begins, from 1, where the source has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    pub quote: String,
    pub start: usize,
    pub end: usize,
    /// Words of the quote that lead elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<CitedLink>,
}

/// Words that lead elsewhere, and where: an address by http, https, mailto or tel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitedLink {
    pub text: String,
    pub uri: String,
    /// Where the words stand in the document, in bytes, as the citation's own `start` and `end`.
    pub start: usize,
    pub end: usize,
}

/// Milliseconds spent by stage. `keyword` and `vector` run side by side, so `total` is less than the sum.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    pub embed: f64,
    pub keyword: f64,
    pub vector: f64,
    pub fuse: f64,
    pub load: f64,
    /// Reading the best passages with the question.
    #[serde(default)]
    pub read: f64,
    pub admit: f64,
    pub compose: f64,
    /// A model's wording.
    pub generate: f64,
    pub total: f64,
}

/// The reply to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub id: String,
    pub outcome: Outcome,
    pub text: String,
    pub language: String,
    pub strategy: Strategy,
    /// The estimated probability that the evidence answers the question, in [0, 1].
    pub confidence: f32,
    pub sentences: Vec<Sentence>,
    pub citations: Vec<Citation>,
    pub suggestions: Vec<String>,
    /// Why it holds nothing from the knowledge base.
    pub reason: Option<Reason>,
    #[serde(default)]
    pub notes: Vec<Note>,
    pub conversation_id: Option<String>,
    /// The lowest revision the indexes held when they were read.
    pub revision: Revision,
    pub timings_ms: Timings,
}

/// A recorded question with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub question: String,
    pub answer: Answer,
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_records_and_metrics() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for note in Note::ALL {
            assert_eq!(serde_json::to_value(note).unwrap(), note.as_str());
        }
    }
}
