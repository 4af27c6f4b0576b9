//! Insights: gaps, summaries, use of documents, weak scenes.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, Workspace};
use super::problem::{Fault, Problem};
use super::schema_enums;
use super::settings::limit_of;
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
}

/// Questions that were not answered well.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapsResponse {
    /// By volume × cost × trend. Each has `id`, `question` (the most central), `volume`, `rank`, `cost`, `trend`,
    /// `failures`, `wordings`, the `closest` knowledge, and a `draft_id` that would fill it or a `stub` to write.
    pub gaps: Vec<Gap>,
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
    let gaps = state.app.learning.gaps(&workspace, days, limit).await?;
    Ok(axum::Json(GapsResponse { gaps }))
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

impl PeriodParams {
    fn period(&self, state: &AppState) -> Result<(Timestamp, Timestamp), Problem> {
        // Include answers of the current millisecond.
        let now = state.app.store.now() + SignedDuration::from_millis(1);
        let to = self.to.unwrap_or(now);
        let month = SignedDuration::from_hours(24 * 30);
        let from = self.from.or_else(|| to.checked_sub(month).ok());
        let from = from.unwrap_or(Timestamp::MIN);
        match from < to {
            true => Ok((from, to)),
            false => {
                let detail = format!("expected a time before {to}, found {from}");
                Err(Problem::invalid(vec![Fault::new("?from", detail)]))
            }
        }
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

    fn takes_no_by(&self) -> Result<(), Problem> {
        match self.by {
            None => Ok(()),
            Some(_) => Err(Problem::invalid(vec![Fault::new(
                "?by",
                "by is supported by the summary only",
            )])),
        }
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

/// Usage of the documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageResponse {
    /// Most disliked first, then most cited. Each published document has `document_id`, `title`, `cited`, `liked`,
    /// `disliked`, and `flags` among `unused`, `stale`, `disliked`, `distrusted`.
    pub documents: Vec<DocumentUsage>,
}

/// Report knowledge usage: cited, disliked, unused and stale documents.
#[utoipa::path(
    get, path = "/v1/insights/knowledge", tag = "learning", params(PeriodParams),
    responses((status = 200, body = UsageResponse), (status = 422, body = Problem))
)]
pub async fn knowledge(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<PeriodParams>,
) -> Result<axum::Json<UsageResponse>, Problem> {
    params.takes_no_by()?;
    let (from, to) = params.period(&state)?;
    let documents = state.app.learning.usage(&workspace, from, to).await?;
    Ok(axum::Json(UsageResponse { documents }))
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
    params.takes_no_by()?;
    let (from, to) = params.period(&state)?;
    let scenes = state.app.learning.scenes(&workspace, from, to).await?;
    Ok(axum::Json(ScenesResponse { scenes }))
}
