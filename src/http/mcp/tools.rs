//! The tools. Each makes a request of the API with the rights of the caller, and gives a part of its reply.

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Method, Request, header};
use jiff::Timestamp;
use rmcp::model::{JsonObject, Tool as McpTool, ToolAnnotations};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tower::ServiceExt;
use utoipa::ToSchema;

use super::super::auth::Actor;
use super::super::customers::{CustomerResponse, customer, identities_of};
use super::super::desk_conversations::conversation_of;
use super::super::extract::{WORKSPACE_HEADER, Workspace, parse};
use super::super::problem::Problem;
use super::super::{AppState, KeyPermit, Permit};
use super::schema::schema_of;
use ken_base::actor::as_actor;
use ken_base::desk::{Conversation, Direction, Message, text_of};
use ken_base::domain::{Outcome, Principal, Reason, Role, Utterance, WorkspaceId};

/// The most characters of a question (as of `POST /v1/answers`).
const MAX_QUESTION: usize = 2_000;
/// How many of a conversation's last messages are given.
const MAX_MESSAGES: i64 = 50;
/// The largest reply of the API that is read, in bytes: a document's text is at most an uploaded file's.
const MAX_REPLY: usize = 64 << 20;

/// What a model can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    SearchKnowledge,
    AnswerQuestion,
    GetDocument,
    ListGaps,
    GetCustomerContext,
    SuggestReply,
}

/// All, in the order in which they are listed.
pub const ALL: [Tool; 6] = [
    Tool::SearchKnowledge,
    Tool::AnswerQuestion,
    Tool::GetDocument,
    Tool::ListGaps,
    Tool::GetCustomerContext,
    Tool::SuggestReply,
];

/// Arguments of `search_knowledge`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchKnowledge {
    /// What to look for, 1 to 2,000 characters; a question or keywords, in any language.
    query: String,
    /// How many passages, 1 to 20; default 5.
    limit: Option<usize>,
}

/// Passages of the knowledge base.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchResult {
    /// Best first; none of them need hold what is looked for.
    #[serde(alias = "hits")]
    passages: Vec<FoundPassage>,
    /// Why only keywords were searched; null if nothing failed.
    degraded: Option<String>,
}

/// A passage.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FoundPassage {
    /// Its document, for `get_document`.
    document_id: String,
    /// The document's title.
    title: String,
    /// The document's own address, if it has one.
    uri: Option<String>,
    /// The headings above it, outermost first.
    heading_path: Vec<String>,
    /// The text.
    text: String,
}

/// Arguments of `answer_question`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerQuestion {
    /// The customer's question in the customer's own words, 1 to 2,000 characters.
    question: String,
    /// The same for all questions of a conversation, 1 to 128 characters, so that one can refer to those before it.
    conversation_id: Option<String>,
}

/// An answer, or that there is none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AnswerResult {
    /// Whether the question is answered.
    outcome: Outcome,
    /// The reply to give, also if the question is not answered.
    text: String,
    /// Its id, for feedback.
    #[serde(alias = "id")]
    answer_id: String,
    /// Estimated probability that the knowledge base answers the question, 0 to 1.
    confidence: f32,
    /// What its sentences quote, in order.
    citations: Vec<Quotation>,
    /// Questions to choose from if the outcome is `clarify`.
    suggestions: Vec<String>,
    /// Why the answer contains nothing from the knowledge base.
    reason: Option<Reason>,
}

/// A quotation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Quotation {
    /// From 1.
    number: usize,
    /// The document that is quoted.
    document_id: String,
    /// The document's title.
    title: String,
    /// The document's own address, if it has one.
    uri: Option<String>,
    /// The quoted text, word for word.
    quote: String,
}

/// Arguments of `get_document`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDocument {
    /// The document's id, as search results and quotations name it.
    id: String,
}

/// A document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentResult {
    /// Its id.
    id: String,
    /// The version, from 1.
    version: i64,
    /// Its title.
    title: String,
    /// Its own address, if it has one.
    uri: Option<String>,
    /// Its language (BCP 47).
    language: Option<String>,
    /// When the version was written.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The whole text.
    text: String,
}

/// Arguments of `list_gaps`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListGaps {
    /// How many, 1 to 50; default 10.
    limit: Option<usize>,
    /// Of how many days, 1 to 366; default 30.
    days: Option<u32>,
}

/// What customers ask and the knowledge base does not answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GapsResult {
    /// The most urgent first.
    gaps: Vec<OpenGap>,
}

/// A question that is not answered well.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenGap {
    /// Its id.
    id: String,
    /// The question.
    question: String,
    /// How many asked it.
    volume: usize,
    /// Other wordings, at most five.
    wordings: Vec<String>,
    /// The draft of an answer that waits for review, if there is one.
    draft_id: Option<String>,
}

/// Arguments of `get_customer_context`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCustomerContext {
    /// The conversation on the desk.
    conversation_id: String,
}

/// A conversation with all that is known of its customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerContext {
    /// The conversation.
    conversation: Conversation,
    /// The customer, with identities and other conversations.
    customer: CustomerResponse,
    /// The conversation's last messages, at most 50, oldest first.
    messages: Vec<Message>,
}

/// Arguments of `suggest_reply`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestReply {
    /// The conversation on the desk.
    conversation_id: String,
}

/// What the bot would reply. Nothing is sent or recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuggestedReply {
    /// What the customer wrote since the last reply, or last.
    question: String,
    /// The suggestion.
    answer: AnswerResult,
}

impl Tool {
    /// The name by which it is called.
    pub fn name(self) -> &'static str {
        match self {
            Tool::SearchKnowledge => "search_knowledge",
            Tool::AnswerQuestion => "answer_question",
            Tool::GetDocument => "get_document",
            Tool::ListGaps => "list_gaps",
            Tool::GetCustomerContext => "get_customer_context",
            Tool::SuggestReply => "suggest_reply",
        }
    }

    /// The method of the operation whose right it needs.
    pub fn method(self) -> Method {
        match self {
            Tool::SearchKnowledge | Tool::AnswerQuestion => Method::POST,
            Tool::GetDocument | Tool::ListGaps => Method::GET,
            Tool::GetCustomerContext | Tool::SuggestReply => Method::GET,
        }
    }

    /// The operation whose right it needs.
    pub fn route(self) -> &'static str {
        match self {
            Tool::SearchKnowledge => "/v1/search",
            Tool::AnswerQuestion => "/v1/answers",
            Tool::GetDocument => "/v1/documents/{id}",
            Tool::ListGaps => "/v1/insights/gaps",
            Tool::GetCustomerContext | Tool::SuggestReply => "/v1/conversations/{id}/messages",
        }
    }

    /// What a client lists.
    pub fn described(&self) -> McpTool {
        let (title, description, takes, gives) = match self {
            Tool::SearchKnowledge => (
                "Search the knowledge base",
                "Find passages by words and by meaning. They may be near the question without answering it.",
                "SearchKnowledge",
                "SearchResult",
            ),
            Tool::AnswerQuestion => (
                "Answer a question",
                "Answer a customer's question with quotations, or learn that the knowledge base has no answer (outcome refused, \
                 clarify or handoff). The question is recorded.",
                "AnswerQuestion",
                "AnswerResult",
            ),
            Tool::GetDocument => (
                "Read a document",
                "Read the whole text of a document.",
                "GetDocument",
                "DocumentResult",
            ),
            Tool::ListGaps => (
                "List unanswered questions",
                "List what customers ask and the knowledge base does not answer, most urgent first.",
                "ListGaps",
                "GapsResult",
            ),
            Tool::GetCustomerContext => (
                "Read a conversation",
                "Read a conversation with a customer: its messages, the customer's identities and other conversations.",
                "GetCustomerContext",
                "CustomerContext",
            ),
            Tool::SuggestReply => (
                "Suggest a reply",
                "Learn what the knowledge base would reply to the customer's last message, with quotations. Nothing is sent.",
                "SuggestReply",
                "SuggestedReply",
            ),
        };
        let hints = ToolAnnotations::with_title(title)
            .read_only(*self != Tool::AnswerQuestion)
            .destructive(false)
            .open_world(false);
        McpTool::new(self.name(), description, schema_of(takes))
            .with_title(title)
            .with_raw_output_schema(schema_of(gives))
            .with_annotations(hints)
    }

    /// Uses it for the sender of a request.
    ///
    /// # Errors
    /// The problem of the operation.
    pub async fn call(
        self,
        state: &AppState,
        api: &Router,
        parts: &Parts,
        arguments: JsonObject,
    ) -> Result<Value, Failed> {
        let principal = parts.extensions.get::<Principal>();
        let actor = Actor::of(principal).name;
        let limit = Duration::from_millis(state.app.config.http.timeout_ms);
        let calling = Calling { state, api, parts };
        let called = as_actor(actor, calling.call(self, arguments));
        match tokio::time::timeout(limit, called).await {
            Ok(made) => made,
            Err(_) => Err(Problem::timed_out(limit).into()),
        }
    }
}

/// Why a tool failed: a problem (RFC 9457).
pub struct Failed(pub Value);

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self(json!(problem))
    }
}

/// The arguments of a tool; 422 with the place of what is wrong.
fn arguments_of<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Problem> {
    parse(Value::Object(arguments).to_string().as_bytes())
}

/// A use of a tool.
struct Calling<'a> {
    state: &'a AppState,
    api: &'a Router,
    parts: &'a Parts,
}

impl Calling<'_> {
    async fn call(&self, tool: Tool, arguments: JsonObject) -> Result<Value, Failed> {
        Ok(match tool {
            Tool::SearchKnowledge => {
                let of: SearchKnowledge = arguments_of(arguments)?;
                let limit = of.limit.unwrap_or(5).min(20);
                let asked = json!({ "question": of.query, "limit": limit });
                json!(self.post::<SearchResult>("/v1/search", asked).await?)
            }
            Tool::AnswerQuestion => {
                let of: AnswerQuestion = arguments_of(arguments)?;
                let asked =
                    json!({ "question": of.question, "conversation_id": of.conversation_id });
                json!(self.post::<AnswerResult>("/v1/answers", asked).await?)
            }
            Tool::GetDocument => {
                let of: GetDocument = arguments_of(arguments)?;
                let id: String = form_urlencoded::byte_serialize(of.id.as_bytes()).collect();
                // In a path, a space is no plus.
                let path = format!("/v1/documents/{}", id.replace('+', "%20"));
                json!(self.get::<DocumentResult>(&path).await?)
            }
            Tool::ListGaps => {
                let of: ListGaps = arguments_of(arguments)?;
                let (limit, days) = (of.limit.unwrap_or(10).min(50), of.days.unwrap_or(30));
                let path = format!("/v1/insights/gaps?limit={limit}&days={days}");
                json!(self.get::<GapsResult>(&path).await?)
            }
            Tool::GetCustomerContext => {
                let of: GetCustomerContext = arguments_of(arguments)?;
                json!(self.context(&of.conversation_id).await?)
            }
            Tool::SuggestReply => {
                let of: SuggestReply = arguments_of(arguments)?;
                json!(self.suggestion(&of.conversation_id).await?)
            }
        })
    }

    async fn workspace(&self) -> Result<WorkspaceId, Problem> {
        let mut parts = self.parts.clone();
        let Workspace(workspace) = Workspace::from_request_parts(&mut parts, self.state).await?;
        Ok(workspace)
    }

    async fn messages(&self, id: &str) -> Result<(Conversation, Vec<Message>), Problem> {
        let workspace = self.workspace().await?;
        let conversation = conversation_of(self.state, &workspace, id).await?;
        let store = &self.state.app.store;
        let newest = store.newest_messages(&workspace, &conversation.id, i64::MAX, MAX_MESSAGES);
        let messages = newest.await?;
        Ok((conversation, messages))
    }

    async fn context(&self, id: &str) -> Result<CustomerContext, Problem> {
        let workspace = self.workspace().await?;
        let (conversation, messages) = self.messages(id).await?;
        let of = conversation.identity_id.to_string();
        let identities = identities_of(self.state, &workspace, &of).await?;
        Ok(CustomerContext {
            customer: customer(self.state, &workspace, identities).await?,
            conversation,
            messages,
        })
    }

    async fn suggestion(&self, id: &str) -> Result<SuggestedReply, Failed> {
        let (_, messages) = self.messages(id).await?;
        let (history, question) = asked(&messages);
        if question.is_empty() {
            let detail = "the customer has written nothing that can be answered";
            return Err(Problem::conflict(detail).into());
        }
        let body = json!({ "question": question, "history": history, "dry_run": true });
        let answer = self.post("/v1/answers", body).await?;
        Ok(SuggestedReply { question, answer })
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: Value) -> Result<T, Failed> {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string()))).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        self.send(Request::get(path).body(Body::empty())).await
    }

    /// Makes a request of the API as the sender.
    async fn send<T: DeserializeOwned>(
        &self,
        request: Result<Request<Body>, axum::http::Error>,
    ) -> Result<T, Failed> {
        let wrong = |error: &dyn std::fmt::Display| Failed::from(Problem::internal(error));
        let mut request = request.map_err(|error| wrong(&error))?;
        if let Some(workspace) = self.parts.headers.get(WORKSPACE_HEADER) {
            let headers = request.headers_mut();
            headers.insert(WORKSPACE_HEADER, workspace.clone());
        }
        let (from, to) = (&self.parts.extensions, request.extensions_mut());
        to.extend_with::<Principal>(from);
        to.extend_with::<Permit>(from);
        to.extend_with::<KeyPermit>(from);
        to.extend_with::<ConnectInfo<SocketAddr>>(from);
        let response = match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), MAX_REPLY).await;
        let body = body.map_err(|error| wrong(&error))?;
        if !status.is_success() {
            return Err(Failed(serde_json::from_slice(&body).unwrap_or(Value::Null)));
        }
        serde_json::from_slice(&body).map_err(|error| wrong(&error))
    }
}

/// Copies what a request carries with it.
trait ExtendWith {
    fn extend_with<T: Clone + Send + Sync + 'static>(&mut self, from: &axum::http::Extensions);
}

impl ExtendWith for axum::http::Extensions {
    fn extend_with<T: Clone + Send + Sync + 'static>(&mut self, from: &axum::http::Extensions) {
        if let Some(value) = from.get::<T>() {
            self.insert(value.clone());
        }
    }
}

/// What the customer wrote since the last reply, or last; and what was written before.
fn asked(messages: &[Message]) -> (Vec<Utterance>, String) {
    let written: Vec<(Role, String)> = messages
        .iter()
        .filter_map(|message| {
            let role = match message.direction {
                Direction::In => Role::User,
                Direction::Out => Role::Agent,
                _ => return None,
            };
            let text = text_of(&message.parts);
            (!text.trim().is_empty()).then_some((role, text))
        })
        .collect();
    let is_customer = |(role, _): &(Role, String)| *role == Role::User;
    let end = written.iter().rposition(is_customer).map_or(0, |at| at + 1);
    let begin = written[..end].iter().rposition(|one| !is_customer(one));
    let begin = begin.map_or(0, |at| at + 1);
    let texts: Vec<&str> = written[begin..end]
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    let question = last_characters(&texts.join("\n"));
    let utterance = |(role, text): &(Role, String)| Utterance {
        role: *role,
        text: last_characters(text),
    };
    (written[..begin].iter().map(utterance).collect(), question)
}

fn last_characters(text: &str) -> String {
    let n = text.chars().count();
    text.chars().skip(n.saturating_sub(MAX_QUESTION)).collect()
}
