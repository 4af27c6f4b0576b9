//! Customers over all channels: find, read, merge, split, export, erase.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Json, Params, Path, Workspace};
use super::page::{DEFAULT_LIMIT, MAX_LIMIT, page_of, parse_position};
use super::problem::Problem;
use super::settings::limit_of;
use ken_base::actor::actor;
use ken_base::desk::{Consent, Conversation, DeskEvent, Identity, IdentityId, Link, Message};
use ken_base::domain::{Answer, Turn, WorkspaceId};
use ken_customers::merging::MergeError;
use ken_customers::normalize::normalized;
use ken_store::store::desk::ConversationFilter;

/// The most conversations that are read with a customer.
const MAX_CONVERSATIONS: i64 = 100;

/// Query parameters of `GET /v1/customers`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CustomerListParams {
    /// Only customers with exactly this id, e-mail address or telephone number.
    value: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// A page of customers.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerListResponse {
    /// The oldest identity of each customer, the newest customers first.
    pub customers: Vec<Identity>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// List customers.
#[utoipa::path(
    get, path = "/v1/customers", tag = "desk", params(CustomerListParams),
    responses((status = 200, body = CustomerListResponse), (status = 422, body = Problem))
)]
pub async fn list_customers(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<CustomerListParams>,
) -> Result<axum::Json<CustomerListResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = match params.after.as_deref() {
        None => None,
        after => Some(parse_position(after)?),
    };
    let value = params.value.as_deref().map(as_stored);
    let store = &state.app.store;
    let found = store.customers(&workspace, value.as_deref(), before, limit + 1);
    let limit = usize::try_from(limit).unwrap_or(0);
    let (found, next) = page_of(found.await?, limit, |(seq, _)| seq.to_string());
    let customers = found.into_iter().map(|(_, identity)| identity).collect();
    Ok(axum::Json(CustomerListResponse { customers, next }))
}

/// A value as it is stored: an address or a number in its normal form, anything else as it is.
fn as_stored(value: &str) -> String {
    use ken_base::desk::IdentityKind::{Email, Phone};
    let known = [Email, Phone].into_iter();
    let mut normal = known.filter_map(|kind| normalized(kind, value).ok());
    normal.next().unwrap_or_else(|| value.trim().to_owned())
}

/// A customer: all that belongs to one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerResponse {
    /// The id of the oldest identity.
    pub id: String,
    /// Oldest first.
    pub identities: Vec<Identity>,
    /// Links among the identities, and with others: also suggested, refused and withdrawn ones.
    pub links: Vec<Link>,
    /// What was agreed to, by identity.
    pub consents: Vec<Consent>,
    /// On all inboxes, the one with the newest event first; at most 100.
    pub conversations: Vec<Conversation>,
}

/// The identities of a customer, by the id of any; 404 if there are none.
pub async fn identities_of(
    state: &AppState,
    workspace: &WorkspaceId,
    id: &str,
) -> Result<Vec<Identity>, Problem> {
    let found = match IdentityId::parse(id) {
        Ok(id) => state.app.store.customer(workspace, &id).await?,
        Err(_) => Vec::new(),
    };
    match found.is_empty() {
        true => Err(Problem::not_found(format!("customer {id} not found"))),
        false => Ok(found),
    }
}

/// Read a customer, by the id of any identity.
#[utoipa::path(
    get, path = "/v1/customers/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = CustomerResponse), (status = 404, body = Problem))
)]
pub async fn get_customer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<CustomerResponse>, Problem> {
    let identities = identities_of(&state, &workspace, &id).await?;
    Ok(axum::Json(customer(&state, &workspace, identities).await?))
}

/// A customer with these identities.
pub async fn customer(
    state: &AppState,
    workspace: &WorkspaceId,
    identities: Vec<Identity>,
) -> Result<CustomerResponse, Problem> {
    let store = &state.app.store;
    let ids: Vec<IdentityId> = identities.iter().map(|one| one.id.clone()).collect();
    let filter = ConversationFilter {
        customer: ids.first().cloned(),
        ..ConversationFilter::default()
    };
    Ok(CustomerResponse {
        id: ids.first().map(ToString::to_string).unwrap_or_default(),
        links: store.identity_links(workspace, &ids).await?,
        consents: store.consents(workspace, &ids).await?,
        conversations: store
            .conversations(workspace, &filter, None, MAX_CONVERSATIONS)
            .await?,
        identities,
    })
}

/// Query parameters of `GET /v1/customers/{id}/timeline`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TimelineParams {
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 200; default 100.
    limit: Option<i64>,
}

/// An event with the message that it is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    #[serde(flatten)]
    pub event: DeskEvent,
    /// The message that the event added; null for another event.
    pub message: Option<Message>,
}

/// A page of a customer's timeline.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineResponse {
    /// Newest first.
    pub entries: Vec<TimelineEntry>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// Read what happened with a customer on all channels, with who did it.
#[utoipa::path(
    get, path = "/v1/customers/{id}/timeline", tag = "desk", params(("id" = String, Path), TimelineParams),
    responses(
        (status = 200, body = TimelineResponse), (status = 404, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn get_timeline(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
    Params(params): Params<TimelineParams>,
) -> Result<axum::Json<TimelineResponse>, Problem> {
    let limit = limit_of(params.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = match params.after.as_deref() {
        None => None,
        after => Some(parse_position(after)?),
    };
    let identities = identities_of(&state, &workspace, &id).await?;
    let ids: Vec<IdentityId> = identities.into_iter().map(|one| one.id).collect();
    let store = &state.app.store;
    let found = store
        .desk_events_about(&workspace, &ids, before, limit + 1)
        .await?;
    let limit = usize::try_from(limit).unwrap_or(0);
    let (events, next) = page_of(found, limit, |event| event.seq.to_string());
    let messages = events.iter().filter_map(|event| event.event.fact.message());
    let messages: Vec<_> = messages.cloned().collect();
    let messages = store.messages_by_id(&workspace, &messages).await?;
    let entry = |event: DeskEvent| {
        let of = messages.iter().find(|message| message.seq == event.seq);
        TimelineEntry {
            message: of.cloned(),
            event,
        }
    };
    let entries = events.into_iter().map(entry).collect();
    Ok(axum::Json(TimelineResponse { entries, next }))
}

/// The other identity of a merge or a split.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerActionRequest {
    /// `merge`: an identity of the other customer. `split`: the identity whose link with the one of the path is withdrawn.
    #[schema(value_type = String)]
    pub identity_id: IdentityId,
}

impl From<MergeError> for Problem {
    fn from(error: MergeError) -> Self {
        let detail = error.to_string();
        match error {
            MergeError::NotFound(_) => Problem::not_found(detail),
            MergeError::SameCustomer(..)
            | MergeError::TwoExternalIds
            | MergeError::NotLinked(..) => Problem::conflict(detail),
            MergeError::Store(error) => error.into(),
        }
    }
}

/// Merge two customers or split one: the path ends in `:merge` or `:split`. Each is one event, which the other undoes; it is
/// on the timeline with who did it. Two verified external ids never share a customer.
#[utoipa::path(
    post, path = "/v1/customers/{id}", tag = "desk", request_body = CustomerActionRequest,
    params(("id" = String, Path, description = "The id of an identity, then `:merge` or `:split`")),
    responses(
        (status = 200, body = CustomerResponse), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn act_on_customer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(address): Path<String>,
    Json(request): Json<CustomerActionRequest>,
) -> Result<axum::Json<CustomerResponse>, Problem> {
    let (id, action) = address.rsplit_once(':').unwrap_or((&address, ""));
    let one = IdentityId::parse(id)
        .map_err(|_| Problem::not_found(format!("customer {id} not found")))?;
    let (desk, by) = (&state.app.desk, actor().to_string());
    let other = request.identity_id;
    match action {
        "merge" => desk.merge(workspace.clone(), one, other, by).await??,
        "split" => desk.split(workspace.clone(), one, other, by).await??,
        _ => {
            let detail = "expected the path to end in :merge or :split";
            return Err(Problem::not_found(detail));
        }
    }
    let identities = identities_of(&state, &workspace, id).await?;
    Ok(axum::Json(customer(&state, &workspace, identities).await?))
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasedResponse {
    /// The customer.
    pub id: String,
    /// How many identities lost their value and name.
    pub n_identities: usize,
    /// How many conversations lost their messages.
    pub n_conversations: usize,
    /// How many cases were deleted that came from them.
    pub n_cases: usize,
}

/// Erase a customer: the values of all identities, the texts of all messages, the answers, and the cases made from them. The
/// log and its counts stay, without personal values.
#[utoipa::path(
    delete, path = "/v1/customers/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = ErasedResponse), (status = 404, body = Problem))
)]
pub async fn erase_customer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ErasedResponse>, Problem> {
    let identities = identities_of(&state, &workspace, &id).await?;
    let oldest = identities[0].id.clone();
    let desk = &state.app.desk;
    let erased = desk
        .erase(workspace.clone(), oldest.clone(), actor().to_string())
        .await?;
    let forgotten = state.app.forget(&workspace, &erased).await?;
    Ok(axum::Json(ErasedResponse {
        id: oldest.to_string(),
        n_identities: erased.n_identities,
        n_conversations: erased.conversations.len(),
        n_cases: forgotten.n_cases,
    }))
}

/// Everything about one customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerExport {
    #[serde(flatten)]
    pub customer: CustomerResponse,
    /// All messages of all conversations, by conversation, in order.
    pub messages: Vec<Message>,
    /// All events about the customer, oldest first.
    pub events: Vec<DeskEvent>,
    /// The answers that were made, with their questions, by conversation.
    pub answers: Vec<ExportedAnswer>,
}

/// A question of the customer and its answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportedAnswer {
    /// When it was answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The question.
    pub question: String,
    /// The answer, as it was given.
    pub answer: Answer,
}

/// Export everything about one customer.
#[utoipa::path(
    get, path = "/v1/customers/{id}/export", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = CustomerExport), (status = 404, body = Problem))
)]
pub async fn export_customer(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<CustomerExport>, Problem> {
    let identities = identities_of(&state, &workspace, &id).await?;
    let mut customer = customer(&state, &workspace, identities).await?;
    let store = &state.app.store;
    let ids: Vec<IdentityId> = customer
        .identities
        .iter()
        .map(|one| one.id.clone())
        .collect();
    let filter = ConversationFilter {
        customer: ids.first().cloned(),
        ..ConversationFilter::default()
    };
    while let Some(last) = customer.conversations.last().map(|last| last.seq) {
        let more = store
            .conversations(&workspace, &filter, Some(last), MAX_CONVERSATIONS)
            .await?;
        if more.is_empty() {
            break;
        }
        customer.conversations.extend(more);
    }
    let (mut messages, mut answers) = (Vec::new(), Vec::new());
    for conversation in &customer.conversations {
        let mut after = None;
        loop {
            let page = store
                .messages(&workspace, &conversation.id, after, MAX_LIMIT)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some((last.at, last.seq));
            messages.extend(page);
        }
        let turns = store
            .recent_turns(&workspace, conversation.id.as_str(), MAX_TURNS)
            .await?;
        let turn = |turn: Turn| ExportedAnswer {
            at: turn.at,
            question: turn.question,
            answer: turn.answer,
        };
        answers.extend(turns.into_iter().map(turn));
    }
    let mut events = Vec::new();
    let mut before = None;
    loop {
        let page = store
            .desk_events_about(&workspace, &ids, before, MAX_LIMIT)
            .await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        events.extend(page);
    }
    events.reverse();
    Ok(axum::Json(CustomerExport {
        customer,
        messages,
        events,
        answers,
    }))
}

/// The most answers of a conversation that an export holds.
const MAX_TURNS: i64 = 10_000;
