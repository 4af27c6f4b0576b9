use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::extract::{Json, Workspace};
use super::problem::{Fault, Problem};
use ken_store::store::SynonymGroups;

/// The most groups a workspace has.
const MAX_GROUPS: usize = 10_000;
/// The most words a group has.
const MAX_WORDS: usize = 50;
/// The most characters a word or phrase has.
const MAX_CHARS: usize = 100;

/// Words for the same thing, by which questions are searched for besides their own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SynonymsRequest {
    /// 0 to 10,000 groups of 2 to 50 words or phrases of 1 to 100 characters, in any script: each counts in both
    /// Chinese scripts, any width and case. They replace all groups there were.
    pub groups: Vec<Vec<String>>,
}

/// The workspace's own synonyms.
#[derive(Serialize, ToSchema)]
pub struct SynonymsResponse {
    /// Groups of words or phrases that mean the same.
    pub groups: Vec<Vec<String>>,
    /// Raised with every replacement; 0 where there was none.
    pub version: i64,
}

impl From<SynonymGroups> for SynonymsResponse {
    fn from(synonyms: SynonymGroups) -> Self {
        Self {
            groups: synonyms.groups,
            version: synonyms.version,
        }
    }
}

/// Read a workspace's own synonyms.
#[utoipa::path(
    get, path = "/v1/synonyms", tag = "synonyms",
    params(("X-Ken-Workspace" = Option<String>, Header, description = "`default` where absent")),
    responses((status = 200, body = SynonymsResponse))
)]
pub async fn get_synonyms(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<SynonymsResponse>, Problem> {
    let synonyms = state.app.store.synonyms(&workspace).await?;
    Ok(axum::Json(synonyms.into()))
}

/// Replace a workspace's own synonyms; they count from the next question on, without a rebuild.
#[utoipa::path(
    put, path = "/v1/synonyms", tag = "synonyms", request_body = SynonymsRequest,
    params(("X-Ken-Workspace" = Option<String>, Header, description = "`default` where absent")),
    responses(
        (status = 200, body = SynonymsResponse), (status = 400, body = Problem), (status = 413, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn put_synonyms(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Json(request): Json<SynonymsRequest>,
) -> Result<axum::Json<SynonymsResponse>, Problem> {
    let faults = faults(&request.groups);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let app = &state.app;
    let synonyms = app
        .store
        .replace_synonyms(&workspace, &request.groups)
        .await?;
    app.retriever.glossary().forget(&workspace);
    Ok(axum::Json(synonyms.into()))
}

fn faults(groups: &[Vec<String>]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut expect = |holds: bool, pointer: String, detail: String| {
        if !holds {
            faults.push(Fault::new(pointer, detail));
        }
    };
    expect(
        groups.len() <= MAX_GROUPS,
        "/groups".into(),
        format!("expected at most {MAX_GROUPS}, found {}", groups.len()),
    );
    for (i, group) in groups.iter().enumerate() {
        expect(
            (2..=MAX_WORDS).contains(&group.len()),
            format!("/groups/{i}"),
            format!("expected 2 to {MAX_WORDS} words, found {}", group.len()),
        );
        for (j, word) in group.iter().enumerate() {
            let n_chars = word.trim().chars().count();
            expect(
                (1..=MAX_CHARS).contains(&n_chars) && word.chars().any(char::is_alphanumeric),
                format!("/groups/{i}/{j}"),
                format!(
                    "expected 1 to {MAX_CHARS} characters with a letter or digit, found {word:?}"
                ),
            );
        }
    }
    faults.truncate(100);
    faults
}
