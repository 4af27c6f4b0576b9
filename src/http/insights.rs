//! Insights: gaps, summaries, use of documents, weak scenes.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::changed::ItemChanged;
use super::extract::{Json, Params, Path, Workspace};
use super::page::{page_of, parse_rank_cursor, rank_cursor, wrong_cursor};
use super::problem::{Fault, Problem};
use super::schema_enums;
use super::settings::limit_of;
use ken_base::domain::{GapClosing, GapClosure};
use ken_learn::learn::gaps::Gap;
use ken_learn::learn::insights::{DocumentUsage, GroupBy, InsightSummary, Scene};

/// Query parameters of `GET /v1/insights/gaps`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GapParams {
    /// Period in days, 1 to 366; default 30.
    days: Option<i64>,
    /// 1 to 500; default 50.
    limit: Option<i64>,
    /// `next` of the previous page.
    after: Option<String>,
}

/// Questions that were not answered well.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapsResponse {
    /// By volume × cost × trend. Each has `id`, `question` (the most central), `volume`, `rank`, `cost`, `trend`,
    /// `failures`, `wordings`, the `closest` knowledge, the FAQ that it was `filled_by`, and a `draft_id` that would fill it or a `stub` to write.
    pub gaps: Vec<Gap>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// List unanswered questions, clustered by meaning, most urgent first.
#[utoipa::path(
    get, path = "/v1/insights/gaps", tag = "learning", params(GapParams),
    responses((status = 200, body = GapsResponse), (status = 422, body = Problem))
)]
pub async fn gaps(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<GapParams>,
) -> Result<axum::Json<GapsResponse>, Problem> {
    let limit = limit_of(params.limit, 50, 500)?;
    let days = params.days.unwrap_or(30);
    if !(1..=366).contains(&days) {
        let detail = format!("expected 1 to 366, found {days}");
        return Err(Problem::invalid(vec![Fault::new("?days", detail)]));
    }
    let limit = usize::try_from(limit).unwrap_or(50);
    let after = parse_rank_cursor(params.after.as_deref())?;
    let learning = &state.app.learning;
    let gaps = learning
        .gaps(&workspace, days, after.as_ref(), limit + 1)
        .await?;
    let (gaps, next) = page_of(gaps, limit, |gap| rank_cursor(gap.rank, &gap.id));
    Ok(axum::Json(GapsResponse { gaps, next }))
}

/// The gap to close.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GapClosureRequest {
    /// The gap's question, 1 to 2,000 characters. Questions that mean the same are covered too.
    pub question: String,
    /// Why it is closed.
    pub reason: GapClosing,
}

/// The closed gaps.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapClosuresResponse {
    /// Newest first.
    pub closures: Vec<GapClosure>,
}

/// List closed gaps.
#[utoipa::path(
    get, path = "/v1/insights/gap-closures", tag = "learning",
    responses((status = 200, body = GapClosuresResponse))
)]
pub async fn list_closures(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<GapClosuresResponse>, Problem> {
    let closures = state.app.store.gap_closures(&workspace).await?;
    Ok(axum::Json(GapClosuresResponse { closures }))
}

/// Close a gap: it is no longer listed. Closing it again replaces the reason.
#[utoipa::path(
    post, path = "/v1/insights/gap-closures", tag = "learning", request_body = GapClosureRequest,
    responses((status = 200, body = GapClosure), (status = 422, body = Problem))
)]
pub async fn close_gap(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Json(request): Json<GapClosureRequest>,
) -> Result<axum::Json<GapClosure>, Problem> {
    if let Some(fault) = Fault::bounded("/question", &request.question, 2_000) {
        return Err(Problem::invalid(vec![fault]));
    }
    let learning = &state.app.learning;
    let closed = learning.close_gap(&workspace, &request.question, request.reason);
    Ok(axum::Json(closed.await?))
}

/// Open a closed gap again.
#[utoipa::path(
    delete, path = "/v1/insights/gap-closures/{id}", tag = "learning",
    params(("id" = String, Path, description = "The gap's id")),
    responses((status = 200, body = ItemChanged), (status = 404, body = Problem))
)]
pub async fn reopen_gap(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Path(id): Path<String>,
) -> Result<axum::Json<ItemChanged>, Problem> {
    match state.app.store.delete_gap_closure(&workspace, &id).await? {
        true => Ok(axum::Json(ItemChanged {
            id,
            effect: "opened",
        })),
        false => Err(Problem::not_found(format!("closed gap {id} not found"))),
    }
}

/// Query parameters of the other insights.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PeriodParams {
    /// RFC 3339. Default: 30 days before `to`.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// RFC 3339, exclusive. Default: now.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// Group by (summary only): `channel`, `tag`, `day`, `intent` or `reason`.
    #[param(inline, value_type = Option<schema_enums::GroupBy>)]
    by: Option<String>,
}

/// The period of a request. Default: the 30 days before `to`, which is now by default.
pub fn period_of(
    state: &AppState,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<(Timestamp, Timestamp), Problem> {
    // Include answers of the current millisecond.
    let now = state.app.store.now() + SignedDuration::from_millis(1);
    let to = to.unwrap_or(now);
    let month = SignedDuration::from_hours(24 * 30);
    let from = from.or_else(|| to.checked_sub(month).ok());
    let from = from.unwrap_or(Timestamp::MIN);
    match from < to {
        true => Ok((from, to)),
        false => {
            let detail = format!("expected a time before {to}, found {from}");
            Err(Problem::invalid(vec![Fault::new("?from", detail)]))
        }
    }
}

impl PeriodParams {
    fn period(&self, state: &AppState) -> Result<(Timestamp, Timestamp), Problem> {
        period_of(state, self.from, self.to)
    }

    fn by(&self) -> Result<GroupBy, Problem> {
        Ok(match self.by.as_deref() {
            None => GroupBy::Nothing,
            Some("channel") => GroupBy::Channel,
            Some("tag") => GroupBy::Tag,
            Some("day") => GroupBy::Day,
            Some("intent") => GroupBy::Intent,
            Some("reason") => GroupBy::Reason,
            Some(other) => {
                let detail =
                    format!("expected channel, tag, day, intent or reason, found {other:?}");
                return Err(Problem::invalid(vec![Fault::new("?by", detail)]));
            }
        })
    }
}

/// 422 if a request groups what is not grouped.
fn takes_no_by(by: Option<&str>) -> Result<(), Problem> {
    match by {
        None => Ok(()),
        Some(_) => Err(Problem::invalid(vec![Fault::new(
            "?by",
            "by is supported by the summary only",
        )])),
    }
}

/// Count questions, outcomes, resolutions and ratings, in total and by group.
///
/// A question is *resolved* if it was answered from the knowledge base, nobody found the answer unhelpful, and no case or
/// reopening followed within `learn.reopen_hours`.
#[utoipa::path(
    get, path = "/v1/insights/summary", tag = "learning", params(PeriodParams),
    responses((status = 200, body = InsightSummary), (status = 422, body = Problem))
)]
pub async fn summary(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<PeriodParams>,
) -> Result<axum::Json<InsightSummary>, Problem> {
    let ((from, to), by) = (params.period(&state)?, params.by()?);
    let learning = &state.app.learning;
    Ok(axum::Json(
        learning.summary(&workspace, from, to, by).await?,
    ))
}

/// Query parameters of `GET /v1/insights/knowledge`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsageParams {
    /// RFC 3339. Default: 30 days before `to`.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// RFC 3339, exclusive. Default: now.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    #[param(ignore)]
    by: Option<String>,
    /// `next` of the previous page.
    after: Option<String>,
    /// 1 to 1,000. Default: all.
    limit: Option<i64>,
}

/// The cursor of a document in a list by usage.
fn usage_cursor(usage: &DocumentUsage) -> String {
    format!("{}.{}.{}", usage.disliked, usage.cited, usage.document_id)
}

/// Reads a cursor of [`usage_cursor`]: dislikes, citations, id.
fn parse_usage_cursor(text: &str) -> Result<(usize, usize, &str), Problem> {
    let mut parts = text.splitn(3, '.');
    let mut number = || parts.next()?.parse().ok();
    let key = number().zip(number());
    let id = parts.next().filter(|id| !id.is_empty());
    let key = key
        .zip(id)
        .map(|((disliked, cited), id)| (disliked, cited, id));
    key.ok_or_else(|| wrong_cursor(text))
}

/// Usage of the documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageResponse {
    /// Most disliked first, then most cited. Each published document has `document_id`, `title`, `cited`, `liked`,
    /// `disliked`, and `flags` among `unused`, `stale`, `disliked`, `distrusted`.
    pub documents: Vec<DocumentUsage>,
    /// Pass as `after` to get the next page; null on the last page.
    pub next: Option<String>,
}

/// Report knowledge usage: cited, disliked, unused and stale documents.
#[utoipa::path(
    get, path = "/v1/insights/knowledge", tag = "learning", params(UsageParams),
    responses((status = 200, body = UsageResponse), (status = 422, body = Problem))
)]
pub async fn knowledge(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<UsageParams>,
) -> Result<axum::Json<UsageResponse>, Problem> {
    takes_no_by(params.by.as_deref())?;
    let limit = match params.limit {
        Some(limit) => limit_of(Some(limit), limit, 1_000)? as usize,
        None => usize::MAX,
    };
    let after = params
        .after
        .as_deref()
        .map(parse_usage_cursor)
        .transpose()?;
    let (from, to) = period_of(&state, params.from, params.to)?;
    let mut documents = state.app.learning.usage(&workspace, from, to).await?;
    if let Some((disliked, cited, id)) = after {
        let order = |usage: &DocumentUsage| {
            let order = disliked.cmp(&usage.disliked);
            let order = order.then(cited.cmp(&usage.cited));
            order.then_with(|| usage.document_id.as_str().cmp(id))
        };
        documents.retain(|usage| order(usage).is_gt());
    }
    let (documents, next) = page_of(documents, limit, usage_cursor);
    Ok(axum::Json(UsageResponse { documents, next }))
}

/// Scenes that are resolved less often than the rest.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScenesResponse {
    /// Largest loss first. Each has `scene` (`channel …`, `tag …`, `intent …`), `counts`, the `usual` resolution rate,
    /// and `evidence`: unresolved questions.
    pub scenes: Vec<Scene>,
}

/// Report channels, tags and intents with a significantly lower resolution rate than the rest.
#[utoipa::path(
    get, path = "/v1/insights/scenes", tag = "learning", params(PeriodParams),
    responses((status = 200, body = ScenesResponse), (status = 422, body = Problem))
)]
pub async fn scenes(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<PeriodParams>,
) -> Result<axum::Json<ScenesResponse>, Problem> {
    takes_no_by(params.by.as_deref())?;
    let (from, to) = params.period(&state)?;
    let scenes = state.app.learning.scenes(&workspace, from, to).await?;
    Ok(axum::Json(ScenesResponse { scenes }))
}
