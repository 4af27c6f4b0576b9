//! Conversations on the desk: list them, read and write messages, and what agents do.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::attachments::completed;
use super::extract::{Json, Params, Path, Workspace};
use super::inbound::parts_of;
use super::page::{
    DEFAULT_LIMIT, MAX_LIMIT, page_of, parse_position, parse_time_cursor, time_cursor, wrong_cursor,
};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use ken_base::actor::actor;
use ken_base::desk::{
    Conversation, ConversationId, ConversationStatus, IdentityId, Inbox, InboxId, Message, Part,
    Responder,
};
use ken_base::domain::WorkspaceId;
use ken_channels::channel_of;
use ken_conversations::actions::{Acted, Action, Refusal};
use ken_store::store::desk::ConversationFilter;

/// Query parameters of `GET /v1/conversations`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ConversationListParams {
    /// Only conversations of this status.
    #[param(inline)]
    status: Option<ConversationStatus>,
    /// Only conversations that the bot, people, or nobody answers.
    #[param(inline)]
    responder: Option<Responder>,
    /// Only conversations on this inbox.
    inbox_id: Option<String>,
    /// Only conversations that this agent has.
    assignee: Option<String>,
    /// Only conversations of this customer, on all inboxes: the id of any of the customer's identities.
    customer_id: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of conversations.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationListResponse {
    /// The one with the newest event first.
    pub conversations: Vec<Conversation>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// An id in a query; 422 if it is none.
fn id_of<T>(
    pointer: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, ken_base::domain::InvalidId>,
) -> Result<Option<T>, Problem> {
    let parsed = text.map(parse).transpose();
    parsed.map_err(|error| Problem::invalid(vec![Fault::new(pointer, error.to_string())]))
}

/// List conversations with customers.
#[utoipa::path(
    get, path = "/v1/conversations", tag = "desk", params(ConversationListParams),
    responses((status = 200, body = ConversationListResponse), (status = 422, body = Problem))
)]
pub async fn list_conversations(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<ConversationListParams>,
) -> Result<axum::Json<ConversationListResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = match params.after.as_deref() {
        None => None,
        after => Some(parse_position(after)?),
    };
    let filter = ConversationFilter {
        status: params.status,
        responder: params.responder,
        inbox: id_of("?inbox_id", params.inbox_id.as_deref(), InboxId::parse)?,
        assignee: params.assignee,
        customer: id_of(
            "?customer_id",
            params.customer_id.as_deref(),
            IdentityId::parse,
        )?,
    };
    let store = &state.app.store;
    let found = store.conversations(&workspace, &filter, before, limit + 1);
    let limit = usize::try_from(limit).unwrap_or(0);
    let (conversations, next) = page_of(found.await?, limit, |one| one.seq.to_string());
    Ok(axum::Json(ConversationListResponse {
        conversations,
        next,
    }))
}

/// The conversation of a path; 404 if there is none.
pub async fn conversation_of(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<Conversation, Problem> {
    let found = match ConversationId::parse(id) {
        Ok(id) => state.app.store.conversation(workspace, &id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Problem::not_found(format!("conversation {id} not found")))
}

/// The inbox of a conversation; 409 if it was disconnected.
async fn inbox_of(
    state: &AppState,
    workspace: &WorkspaceId,
    of: &Conversation,
) -> Result<Inbox, Problem> {
    let found = state.app.store.inbox(workspace, &of.inbox_id).await?;
    let (inbox, _) = found.ok_or_else(|| {
        Problem::conflict(format!(
            "inbox {} is disconnected; connect it again",
            of.inbox_id
        ))
    })?;
    Ok(inbox)
}

/// Query parameters of `GET /v1/conversations/{id}/messages`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MessageListParams {
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageListResponse {
    /// By the time they were written, the oldest first; with notes, and with answers that were made in the shadow.
    pub messages: Vec<Message>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// Read the messages of a conversation.
#[utoipa::path(
    get, path = "/v1/conversations/{id}/messages", tag = "desk",
    params(("id" = String, Path), MessageListParams),
    responses(
        (status = 200, body = MessageListResponse), (status = 404, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn list_messages(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Params(params): Params<MessageListParams>,
) -> Result<axum::Json<MessageListResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let after = position_of(params.after.as_deref())?;
    let conversation = conversation_of(&state, &workspace, &id).await?;
    let store = &state.app.store;
    let found = store.messages(&workspace, &conversation.id, after, limit + 1);
    let limit = usize::try_from(limit).unwrap_or(0);
    let position = |message: &Message| time_cursor(message.at, &message.seq.to_string());
    let (messages, next) = page_of(found.await?, limit, position);
    Ok(axum::Json(MessageListResponse { messages, next }))
}

/// The position of a message in its conversation; 422 if it is none.
pub fn position_of(after: Option<&str>) -> Result<Option<(Timestamp, i64)>, Problem> {
    let Some(text) = after else { return Ok(None) };
    let key = parse_time_cursor(after)?;
    let position = key.and_then(|key| {
        let at = Timestamp::from_millisecond(key.at_ms).ok()?;
        Some((at, key.id.parse().ok()?))
    });
    match position {
        Some(position) => Ok(Some(position)),
        None => Err(wrong_cursor(text)),
    }
}

/// A message of an agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentMessageRequest {
    /// The text, 1 to 20,000 characters; or `parts`.
    pub text: Option<String>,
    /// 1 to 20 parts.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// Whether it is a note for other agents, which the customer does not get.
    #[serde(default)]
    pub is_note: bool,
}

/// What an agent did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActedResponse {
    /// The conversation afterwards.
    pub conversation: Conversation,
    /// The message that was written.
    pub message_id: Option<String>,
}

impl From<Acted> for ActedResponse {
    fn from(acted: Acted) -> Self {
        Self {
            conversation: acted.conversation,
            message_id: acted.message_id.map(String::from),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NotFound => Problem::not_found(detail),
            Refusal::Closed | Refusal::WindowClosed(_) => Problem::conflict(detail),
            Refusal::Past => Problem::invalid(vec![Fault::new("/until", detail)]),
        }
    }
}

async fn acted(
    state: &AppState,
    workspace: WorkspaceId,
    id: &str,
    action: Action,
) -> Result<Acted, Problem> {
    let conversation = conversation_of(state, &workspace, id).await?;
    let inbox = inbox_of(state, &workspace, &conversation).await?;
    let desk = &state.app.desk;
    let by = actor().to_string();
    let acted = desk.act(workspace, inbox, conversation.id, action, by);
    Ok(acted.await??)
}

/// Write to the customer, and take over by it; or write a note.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/messages", tag = "desk", request_body = AgentMessageRequest,
    params(("id" = String, Path)),
    responses(
        (status = 201, body = ActedResponse), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "The channel's window is closed, its inbox is disconnected, or the customer was erased"),
        (status = 422, body = Problem),
    )
)]
pub async fn write_message(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Json(request): Json<AgentMessageRequest>,
) -> Result<Response, Problem> {
    let parts = parts_of(request.text, request.parts).map_err(Problem::invalid)?;
    let parts = completed(&state, &workspace, parts).await?;
    let is_text = |part: &Part| matches!(part, Part::Text { .. });
    if !request.is_note && !parts.iter().all(is_text) {
        let conversation = conversation_of(&state, &workspace, &id).await?;
        let inbox = inbox_of(&state, &workspace, &conversation).await?;
        if channel_of(inbox.channel).is_some() {
            let detail = "only text can be sent on this channel yet; send a link";
            return Err(Problem::invalid(vec![Fault::new("/parts", detail)]));
        }
    }
    let action = match request.is_note {
        true => Action::Note(parts),
        false => Action::Write(parts),
    };
    let acted = acted(&state, workspace, &id, action).await?;
    Ok((StatusCode::CREATED, axum::Json(ActedResponse::from(acted))).into_response())
}

/// Options of an action.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConversationActionRequest {
    /// `assign`: the id of the agent who gets it, 1 to 128 visible ASCII characters; null: nobody.
    pub to: Option<String>,
    /// `snooze`: until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Act in a conversation: the path ends in `:takeover` (people answer from now on), `:return` (the bot does), `:assign`,
/// `:resolve`, `:reopen`, `:wait` (for the customer), or `:snooze`.
#[utoipa::path(
    post, path = "/v1/conversations/{id}", tag = "desk", request_body = ConversationActionRequest,
    params(("id" = String, Path, description = "The id, then the action")),
    responses(
        (status = 200, body = ActedResponse), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn act_in_conversation(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    Json(request): Json<ConversationActionRequest>,
) -> Result<axum::Json<ActedResponse>, Problem> {
    let (id, action) = address.rsplit_once(':').unwrap_or((&address, ""));
    let action = match action {
        "takeover" => Action::TakeOver,
        "return" => Action::GiveBack,
        "assign" => {
            // It stays in the log when everything else about a customer is erased.
            let is_id = |to: &String| {
                (1..=128).contains(&to.len()) && to.bytes().all(|byte| byte.is_ascii_graphic())
            };
            if let Some(to) = request.to.as_ref().filter(|to| !is_id(to)) {
                let detail = format!(
                    "expected the id of an agent, 1 to 128 of the visible ASCII characters, found {to:?}"
                );
                return Err(Problem::invalid(vec![Fault::new("/to", detail)]));
            }
            Action::Assign(request.to)
        }
        "resolve" => Action::Resolve,
        "reopen" => Action::Reopen,
        "wait" => Action::Wait,
        "snooze" => match request.until {
            Some(until) => Action::Snooze(until),
            None => {
                let fault = Fault::new("/until", "expected a time in the future, found none");
                return Err(Problem::invalid(vec![fault]));
            }
        },
        _ => {
            return Err(Problem::not_found(
                "expected the path to end in :takeover, :return, :assign, :resolve, :reopen, :wait or :snooze",
            ));
        }
    };
    let acted = acted(&state, workspace, id, action).await?;
    Ok(axum::Json(acted.into()))
}
