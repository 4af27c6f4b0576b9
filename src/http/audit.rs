//! The audit log: `GET /v1/audit` and its export.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::extract::{Params, Workspace};
use super::problem::{Fault, Problem};
use super::settings::limit_of;
use ken_store::store::{AuditEntry, AuditFilter, Scope, StoreError};

/// Query parameters of `GET /v1/audit`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    /// Only entries whose actor contains this text, in any case of letters. 1 to 200 characters.
    actor: Option<String>,
    /// Only entries whose action contains this text, such as `document.` or `key.revoke`. 1 to 200 characters.
    action: Option<String>,
    /// Only entries whose subject contains this text. 1 to 256 characters.
    subject: Option<String>,
    /// RFC 3339. Only entries from this time on.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// RFC 3339, exclusive. Only entries before this time.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// 1 to 1,000; default 100.
    limit: Option<i64>,
    /// Return only entries with a smaller number: the last `number` of the previous page.
    before: Option<i64>,
}

/// Lines of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditResponse {
    /// Newest first: `number` (1, 2, 3 … without gaps), `at`, `actor`, `action`, `subject`, `before`, `after`, `hash` (SHA-256
    /// over the entry and the previous hash).
    pub entries: Vec<AuditEntry>,
}

/// List audit log entries.
#[utoipa::path(
    get, path = "/v1/audit", tag = "operation", params(AuditParams),
    responses((status = 200, body = AuditResponse), (status = 422, body = Problem))
)]
pub async fn get_audit(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Params(params): Params<AuditParams>,
) -> Result<axum::Json<AuditResponse>, Problem> {
    let limit = limit_of(params.limit, 100, 1_000)?;
    let texts = [
        ("?actor", &params.actor, 200),
        ("?action", &params.action, 200),
        ("?subject", &params.subject, 256),
    ];
    let faults = texts.into_iter();
    let faults: Vec<Fault> = faults
        .filter_map(|(pointer, text, most)| Fault::bounded(pointer, text.as_ref()?, most))
        .collect();
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let filter = AuditFilter {
        actor: params.actor,
        action: params.action,
        subject: params.subject,
        from: params.from,
        to: params.to,
    };
    let scope = Scope::Workspace(&workspace);
    let store = &state.app.store;
    let entries = store.audit_log(scope, &filter, params.before, limit);
    Ok(axum::Json(AuditResponse {
        entries: entries.await?,
    }))
}

/// Export the whole audit log as JSON Lines, oldest first.
#[utoipa::path(
    get, path = "/v1/audit:export", tag = "operation",
    responses((status = 200, body = String, content_type = "application/x-ndjson"))
)]
pub async fn export_audit(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Response {
    let pages = stream::try_unfold(Some(0), move |after| {
        let (state, workspace) = (state.clone(), workspace.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let scope = Scope::Workspace(&workspace);
            let page = state.app.store.audit_after(scope, after, 1_000).await?;
            let next = page.last().map(|line| line.number);
            let lines = page
                .iter()
                .map(|line| format!("{}\n", serde_json::json!(line)));
            Ok::<_, StoreError>(next.map(|_| (Bytes::from(lines.collect::<String>()), next)))
        }
    });
    (
        [(CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(pages),
    )
        .into_response()
}
