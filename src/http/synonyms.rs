//! Synonym groups of a workspace: `/v1/synonyms`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::extract::{Json, Workspace};
use super::problem::{Fault, Problem};
use ken_store::store::SynonymGroups;

/// The most groups of a workspace.
const MAX_GROUPS: usize = 10_000;
/// The most words of a group.
const MAX_WORDS: usize = 50;
/// The most characters of a word or phrase.
const MAX_CHARS: usize = 100;

/// Synonym groups, used to expand questions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SynonymsRequest {
    /// 0 to 10,000 groups of 2 to 50 words or phrases, each 1 to 100 characters. Matching ignores Chinese script, width and
    /// case. Replaces all existing groups.
    pub groups: Vec<Vec<String>>,
}

/// The workspace's own synonyms.
#[derive(Serialize, ToSchema)]
pub struct SynonymsResponse {
    /// Groups of words or phrases that mean the same.
    pub groups: Vec<Vec<String>>,
    /// Incremented with every replacement; 0 if never set.
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

/// Read the synonyms of a workspace.
#[utoipa::path(
    get, path = "/v1/synonyms", tag = "synonyms",
    params(("X-Ken-Workspace" = Option<String>, Header, description = "Default: the key's workspace, or `default`")),
    responses((status = 200, body = SynonymsResponse))
)]
pub async fn get_synonyms(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<SynonymsResponse>, Problem> {
    let synonyms = state.app.store.synonyms(&workspace).await?;
    Ok(axum::Json(synonyms.into()))
}

/// Replace the synonyms of a workspace; they take effect with the next question, without a rebuild.
#[utoipa::path(
    put, path = "/v1/synonyms", tag = "synonyms", request_body = SynonymsRequest,
    params(("X-Ken-Workspace" = Option<String>, Header, description = "Default: the key's workspace, or `default`")),
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
    app.retriever.glossary().invalidate(&workspace);
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
