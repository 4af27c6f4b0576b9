//! The API of OpenAI's clients: `POST /v1/chat/completions`, `POST /v1/embeddings`, `GET /v1/models` and
//! `GET /v1/models/{id}`.
//!
//! A refusal of the knowledge base is a completion with `ken.outcome`, not an error. Errors have OpenAI's shape
//! (`error_shapes`).

pub mod chat;
mod completion;
pub mod embeddings;
mod stream;

use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error_shapes::OpenAiErrorResponse;
use super::extract::Path;
use super::problem::{Fault, Problem};
use ken_base::domain::{Level, Principal, Right};
use ken_text::text::is_cjk;

/// The model that answers at the workspace's level. With a level's name after a hyphen, it answers at that level.
const CHAT: &str = "ken";
/// The model of `/v1/embeddings`.
const EMBEDDING: &str = "ken-embedding";

/// The models that the caller may use.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelsResponse {
    /// `list`.
    pub object: &'static str,
    /// Chat models first.
    pub data: Vec<ModelBody>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelBody {
    /// The value for `model` in requests.
    pub id: String,
    /// `model`.
    pub object: &'static str,
    /// 0: Ken does not record it.
    pub created: i64,
    /// `ken`.
    pub owned_by: &'static str,
    /// Properties of the model in Ken.
    pub ken: KenModelBody,
}

/// Properties of a model in Ken.
#[derive(Debug, Serialize, ToSchema)]
pub struct KenModelBody {
    /// `chat` or `embedding`: the route that accepts the model.
    pub kind: &'static str,
    /// The level at which a chat model answers; null for the workspace's level and for an embedding model.
    pub level: Option<Level>,
    /// How many numbers a vector has; null for a chat model.
    pub dimension: Option<usize>,
    /// The encoder. Vectors of different encoders cannot be compared. Null for a chat model.
    pub encoder: Option<String>,
}

impl ModelBody {
    fn new(id: String, ken: KenModelBody) -> Self {
        Self {
            id,
            object: "model",
            created: 0,
            owned_by: "ken",
            ken,
        }
    }

    fn chat(level: Option<Level>) -> Self {
        let ken = KenModelBody {
            kind: "chat",
            level,
            dimension: None,
            encoder: None,
        };
        Self::new(level.map_or_else(|| CHAT.to_owned(), model_of), ken)
    }
}

/// The chat model that answers at a level.
fn model_of(level: Level) -> String {
    format!("{CHAT}-{}", level.as_str().replace('_', "-"))
}

/// The level that a chat model names; `None` for the workspace's level.
///
/// # Errors
/// 404 if the model is unknown; 403 if the role may not choose a level.
fn level_of(model: &str, principal: &Principal) -> Result<Option<Level>, Problem> {
    if model == CHAT {
        return Ok(None);
    }
    let mut levels = Level::ALL.into_iter();
    let Some(level) = levels.find(|level| model_of(*level) == model) else {
        return Err(unknown_model(model, "GET /v1/models lists the chat models"));
    };
    match principal.role.may(Right::Read) {
        true => Ok(Some(level)),
        false => {
            let role = principal.role.as_str();
            let detail = format!(
                "role {role} may not choose a level; use {CHAT:?}, or a key that may read the knowledge base"
            );
            let fault = Fault::new("/model", detail.clone());
            Err(Problem::forbidden_values(detail, vec![fault]))
        }
    }
}

/// 404: the route has no such model.
fn unknown_model(model: &str, remedy: &str) -> Problem {
    let shown: String = model.chars().take(64).collect();
    let detail = format!("the model {shown:?} does not exist here; {remedy}");
    Problem::no_such_value("/model", detail)
}

/// Estimates the tokens of a text: 1 for each Chinese, Japanese or Korean character, 1 for every 4 other characters,
/// rounded up.
fn n_tokens(text: &str) -> usize {
    let n_cjk = text.chars().filter(|c| is_cjk(*c)).count();
    n_cjk + (text.chars().count() - n_cjk).div_ceil(4)
}

/// List the models that the caller may use: `ken` at the workspace's level, one for each other level if the role may choose
/// a level (`editor` and above), and the embedding model with its dimension.
#[utoipa::path(
    get, path = "/v1/models", tag = "openai",
    responses(
        (status = 200, body = ModelsResponse), (status = 401, body = OpenAiErrorResponse),
    )
)]
pub async fn list_models(
    State(state): State<AppState>,
    Extension(principal): Extension<Principal>,
) -> axum::Json<ModelsResponse> {
    axum::Json(ModelsResponse {
        object: "list",
        data: models(&state, &principal),
    })
}

/// Read a model that the caller may use.
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "openai",
    params(("id" = String, Path, description = "The model's id, for example `ken`")),
    responses(
        (status = 200, body = ModelBody), (status = 401, body = OpenAiErrorResponse),
        (status = 404, body = OpenAiErrorResponse),
    )
)]
pub async fn get_model(
    State(state): State<AppState>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<axum::Json<ModelBody>, Problem> {
    let mut models = models(&state, &principal).into_iter();
    let found = models.find(|model| model.id == id);
    let missing = || unknown_model(&id, "GET /v1/models lists the models of this key");
    found.map(axum::Json).ok_or_else(missing)
}

/// The models that a caller may use, chat models first.
fn models(state: &AppState, principal: &Principal) -> Vec<ModelBody> {
    let may_choose = principal.role.may(Right::Read);
    let levels = Level::ALL.into_iter().filter(|_| may_choose).map(Some);
    let chat = std::iter::once(None).chain(levels).map(ModelBody::chat);
    let embedder = &state.app.embedder;
    let ken = KenModelBody {
        kind: "embedding",
        level: None,
        dimension: Some(embedder.dimension()),
        encoder: Some(embedder.id().to_owned()),
    };
    let embedding = ModelBody::new(EMBEDDING.to_owned(), ken);
    chat.chain([embedding]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_estimated_by_script() {
        for (text, expected) in [
            ("", 0),
            ("退貨", 2),
            ("four", 1),
            ("fives", 2),
            ("退貨 ok?", 3),
        ] {
            assert_eq!(n_tokens(text), expected, "{text}");
        }
    }
}
