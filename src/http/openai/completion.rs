//! An answer as a chat completion: its text, annotations, usage and `ken`.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::n_tokens;
use crate::http::AppState;
use crate::http::answers::CitationBody;
use crate::http::metrics;
use ken_base::domain::{self, Answer, Outcome, Strategy};

/// An answer as a chat completion.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatCompletionResponse {
    /// The completion's id. `ken.answer_id` is the id for feedback.
    pub id: String,
    /// `chat.completion`.
    pub object: &'static str,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The model of the request.
    pub model: String,
    /// One choice.
    pub choices: Vec<ChatChoice>,
    /// Estimated tokens.
    pub usage: UsageBody,
    /// The addresses of the cited documents, each once, in order of use.
    pub citations: Vec<String>,
    /// The answer's outcome and citations.
    pub ken: KenAnswerBody,
}

/// The only choice of a completion.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatChoice {
    /// 0.
    pub index: u32,
    /// The answer.
    pub message: AssistantMessage,
    /// `stop`.
    pub finish_reason: &'static str,
}

/// The message of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssistantMessage {
    /// `assistant`.
    pub role: &'static str,
    /// The text, also of a refusal, a clarifying question or a handoff; see `ken.outcome`.
    pub content: String,
    /// Null. A refusal of the knowledge base is in `content`.
    pub refusal: Option<String>,
    /// The citations of the sentences, in order.
    pub annotations: Vec<Annotation>,
}

/// A citation of a sentence.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Annotation {
    /// `url_citation`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The citation.
    pub url_citation: UrlCitation,
}

/// The cited document, and the sentence that cites it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UrlCitation {
    /// Where the sentence begins in `content`, in characters (Unicode code points).
    pub start_index: usize,
    /// Where the sentence ends in `content`, in characters, exclusive.
    pub end_index: usize,
    /// The document's title.
    pub title: String,
    /// The document's own address. A document without one has its address in Ken's API if `http.public_url` is set, else
    /// `ken:documents/ID?version=N`.
    pub url: String,
}

/// Estimated tokens: 1 for each Chinese, Japanese or Korean character, 1 for every 4 other characters, rounded up.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct UsageBody {
    /// Of the question and the history that was used.
    pub prompt_tokens: usize,
    /// Of `content`.
    pub completion_tokens: usize,
    /// The sum of both.
    pub total_tokens: usize,
}

/// The answer's outcome and citations, as in the reply of `POST /v1/answers`.
#[derive(Debug, Serialize, ToSchema)]
pub struct KenAnswerBody {
    /// The decision.
    pub outcome: Outcome,
    /// The answer's id; feedback names it.
    pub answer_id: String,
    /// Estimated probability that the evidence answers the question, 0 to 1.
    pub confidence: f32,
    /// How the text was produced.
    pub strategy: Strategy,
    /// Why the answer contains nothing from the knowledge base.
    pub reason: Option<domain::Reason>,
    /// Limitations of the answer, and components that were unavailable.
    pub notes: Vec<domain::Note>,
    /// Questions that the asker can choose from.
    pub suggestions: Vec<String>,
    /// BCP 47.
    pub language: String,
    /// The conversation that the answer is recorded in.
    pub conversation_id: Option<String>,
    /// Citations of the sentences, in order of use.
    pub citations: Vec<CitationBody>,
}

/// A request's values in every reply to it.
#[derive(Clone)]
pub struct Completion {
    pub id: String,
    pub created: i64,
    pub model: String,
    pub prompt_tokens: usize,
    /// `http.public_url`; empty if it is not set.
    pub public_url: String,
}

/// The parts of a completion that depend on the answer.
pub struct CompletedAnswer {
    pub content: String,
    /// Where the sentences end in `content`, in bytes, ascending.
    pub ends: Vec<usize>,
    pub annotations: Vec<Annotation>,
    pub citations: Vec<String>,
    pub usage: UsageBody,
    pub ken: KenAnswerBody,
}

impl Completion {
    /// A new completion by a model of the service.
    pub fn new(model: String, prompt_tokens: usize, state: &AppState) -> Self {
        Self {
            id: format!("chatcmpl-{}", Uuid::now_v7().simple()),
            created: Timestamp::now().as_second(),
            model,
            prompt_tokens,
            public_url: state.app.config.http.public_url.clone(),
        }
    }

    /// The reply that has the whole answer.
    pub fn reply(self, answer: Answer) -> ChatCompletionResponse {
        let whole = self.complete(answer);
        let message = AssistantMessage {
            role: "assistant",
            content: whole.content,
            refusal: None,
            annotations: whole.annotations,
        };
        let choice = ChatChoice {
            index: 0,
            message,
            finish_reason: "stop",
        };
        ChatCompletionResponse {
            id: self.id,
            object: "chat.completion",
            created: self.created,
            model: self.model,
            choices: vec![choice],
            usage: whole.usage,
            citations: whole.citations,
            ken: whole.ken,
        }
    }

    /// The answer as the parts of a completion.
    pub fn complete(&self, answer: Answer) -> CompletedAnswer {
        metrics::answered(&answer);
        let mut content = answer.text;
        if answer.outcome == Outcome::Clarify {
            for choice in &answer.suggestions {
                if !content.contains(choice.as_str()) {
                    content = format!("{content}\n- {choice}");
                }
            }
        }
        let (mut ends, mut annotations, mut from) = (Vec::new(), Vec::new(), 0);
        for sentence in &answer.sentences {
            let found = content[from..].find(sentence.text.as_str());
            // A sentence that the text repeats in other words cites for the whole text.
            let (start, end) = found.map_or((0, content.len()), |at| {
                (from + at, from + at + sentence.text.len())
            });
            if found.is_some() {
                ends.push(end);
                from = end;
            }
            let start_index = content[..start].chars().count();
            let end_index = start_index + content[start..end].chars().count();
            let numbers = &sentence.citations;
            let cited = answer
                .citations
                .iter()
                .filter(|one| numbers.contains(&one.number));
            annotations.extend(cited.map(|citation| Annotation {
                kind: "url_citation",
                url_citation: UrlCitation {
                    start_index,
                    end_index,
                    title: citation.title.clone(),
                    url: self.url_of(citation),
                },
            }));
        }
        let mut citations: Vec<String> = Vec::new();
        for url in answer
            .citations
            .iter()
            .map(|citation| self.url_of(citation))
        {
            if !citations.contains(&url) {
                citations.push(url);
            }
        }
        let completion_tokens = n_tokens(&content);
        CompletedAnswer {
            usage: UsageBody {
                prompt_tokens: self.prompt_tokens,
                completion_tokens,
                total_tokens: self.prompt_tokens + completion_tokens,
            },
            ken: KenAnswerBody {
                outcome: answer.outcome,
                answer_id: answer.id,
                confidence: answer.confidence,
                strategy: answer.strategy,
                reason: answer.reason,
                notes: answer.notes,
                suggestions: answer.suggestions,
                language: answer.language,
                conversation_id: answer.conversation_id,
                citations: answer
                    .citations
                    .into_iter()
                    .map(CitationBody::from)
                    .collect(),
            },
            content,
            ends,
            annotations,
            citations,
        }
    }

    /// The address of a cited document.
    fn url_of(&self, citation: &domain::Citation) -> String {
        if let Some(uri) = &citation.uri {
            return uri.clone();
        }
        let id = encoded(citation.document_id.as_str());
        let version = citation.document_version;
        match self.public_url.trim_end_matches('/') {
            "" => format!("ken:documents/{id}?version={version}"),
            base => format!("{base}/v1/documents/{id}?version={version}"),
        }
    }
}

/// A text as one segment of a path: every byte but unreserved ones is percent-encoded.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
