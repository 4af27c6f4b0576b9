use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentId, Revision};

/// What Ken decided to do with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`answered`: from the knowledge base, or a greeting returned. `clarify`: the suggestions are what to choose from. `refused`: \
     the knowledge base does not answer this. `handoff`: a person has to answer."
)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`standard`: an FAQ's own answer. `extractive`: sentences of documents. `generated`: a language model's wording of \
     documents, verified against them. `none`: nothing from the knowledge base."
)]
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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[schema(rename_all = "snake_case")]
        $(#[$doc])*
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
    #[schema(description = "Refused: `no_evidence` (nothing was found), `weak_evidence` (what was found is not likely enough to answer), \
         `no_supported_sentence` (no sentence passed verification), `similar_only` (the thing asked about is named nowhere, another \
         of its kind is), `deadline` (there was no answer in time). Handoff: `conflicting_evidence` (two passages contradict each \
         other), `asked_for_person`. Clarify: `ambiguous`. Answered: `greeting`, `thanks`, `goodbye`.")]
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
    #[schema(description = "`false_premise`: the answer corrects what the question takes for granted. `partly_answered`: some of the message's questions \
         were not answered. `list_continues`: the quoted list or table has more items. `deadline`: the search took too long; an FAQ \
         with this very question was found by words. `encoder_unavailable`, `vectors_unavailable`: the search went by words alone. \
         `reader_unavailable`: the passages were not read; search scores decided, one level stricter. `not_recorded`: the answer \
         could not be written to the store. `llm_unavailable`, `llm_refused`, `llm_truncated`, `llm_garbage`, `llm_deadline`, \
         `llm_unsupported`: why the answer quotes instead of a language model's wording.")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecordedSentence)]
pub struct Sentence {
    /// The sentence as it was sent.
    pub text: String,
    /// Numbers of the citations that support it, from 1.
    pub citations: Vec<usize>,
}

/// A span of a document version and the quotation found there: `text[start..end] == quote`, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecordedCitation)]
pub struct Citation {
    /// From 1, in order of use.
    pub number: usize,
    /// The document that is quoted.
    pub document_id: DocumentId,
    /// The version of it that is quoted, from 1.
    pub document_version: i64,
    /// The document's title.
    pub title: String,
    /// The document's own address, if it has one.
    pub uri: Option<String>,
    /// The passage that is quoted.
    pub chunk_id: String,
    /// The headings above the passage, outermost first.
    pub heading_path: Vec<String>,
    /// The page (or slide) on which the quote begins, from 1, where the source has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The quoted text.
    pub quote: String,
    /// Where the quote begins in the document's text, in bytes.
    pub start: usize,
    /// Where the quote ends in the document's text, in bytes, exclusive.
    pub end: usize,
    /// Words of the quote that lead elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<CitedLink>,
}

/// Words that lead elsewhere, and where: an address by http, https, mailto or tel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecordedLink)]
pub struct CitedLink {
    /// The words of the link.
    pub text: String,
    /// The address that the link leads to.
    pub uri: String,
    /// Where the words stand in the document, in bytes, as the citation's own `start` and `end`.
    pub start: usize,
    /// Where the words end in the document, in bytes, exclusive.
    pub end: usize,
}

/// Milliseconds spent by stage. `keyword` and `vector` run side by side, so `total` is less than the sum.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = RecordedTimings)]
pub struct Timings {
    /// Encoding the question, in milliseconds.
    pub embed: f64,
    /// Keyword search, in milliseconds.
    pub keyword: f64,
    /// Vector search, in milliseconds.
    pub vector: f64,
    /// Merging both result lists, in milliseconds.
    pub fuse: f64,
    /// Loading the evidence from the store, in milliseconds.
    pub load: f64,
    /// Reading the best passages with the question.
    #[serde(default)]
    pub read: f64,
    /// Deciding whether to answer, in milliseconds.
    pub admit: f64,
    /// Choosing and verifying the sentences, in milliseconds.
    pub compose: f64,
    /// A model's wording.
    pub generate: f64,
    /// From the request to the reply, in milliseconds.
    pub total: f64,
}

/// The reply to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecordedAnswer)]
pub struct Answer {
    /// The answer's id.
    pub id: String,
    /// What was decided.
    pub outcome: Outcome,
    /// The whole reply.
    pub text: String,
    /// The reply's language (BCP 47).
    pub language: String,
    /// How the words were found.
    pub strategy: Strategy,
    /// The estimated probability that the evidence answers the question, in [0, 1].
    pub confidence: f32,
    /// The sentences that cite the knowledge base, in order.
    pub sentences: Vec<Sentence>,
    /// What the sentences cite, in order of use.
    pub citations: Vec<Citation>,
    /// Questions that the asker can choose from.
    pub suggestions: Vec<String>,
    /// Why it holds nothing from the knowledge base.
    pub reason: Option<Reason>,
    /// What limits it, or what was unavailable while it was made.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The conversation it belongs to, if it belongs to one.
    pub conversation_id: Option<String>,
    /// The lowest revision the indexes held when they were read.
    #[schema(value_type = i64)]
    pub revision: Revision,
    /// How long each stage took.
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

    /// The values of a schema.
    fn values_of<T: utoipa::PartialSchema>() -> serde_json::Value {
        serde_json::to_value(T::schema()).unwrap()["enum"].clone()
    }

    #[test]
    fn words_are_the_same_in_the_schema() {
        let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(values_of::<Reason>(), serde_json::json!(reasons));
        let notes: Vec<&str> = Note::ALL.iter().map(|note| note.as_str()).collect();
        assert_eq!(values_of::<Note>(), serde_json::json!(notes));
    }

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
