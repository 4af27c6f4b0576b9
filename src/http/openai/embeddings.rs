//! `POST /v1/embeddings`: vectors of Ken's encoder.

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EMBEDDING, n_tokens, unknown_model};
use crate::http::AppState;
use crate::http::error_shapes::OpenAiErrorResponse;
use crate::http::extract::Json;
use crate::http::problem::{Fault, Problem};
use ken_base::blocking::blocking;
use ken_search::retrieve::RetrieveError;

/// Texts to encode. Fields that are not listed are accepted and ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EmbeddingsRequest {
    /// `ken-embedding`.
    pub model: String,
    /// A text or a list of 1 to 2,048 texts, none of them empty. The encoder reads the beginning of a long text, some 500
    /// tokens. Token ids are rejected.
    pub input: EmbeddingsInput,
    /// `float` (default) or `base64`: little-endian 32-bit floats.
    #[serde(default)]
    pub encoding_format: Option<EncodingFormat>,
    /// The dimension of the vectors, which cannot be changed; see `GET /v1/models`.
    pub dimensions: Option<i64>,
    /// `passage` (default): texts that are searched. `query`: questions that are searched for. The encoder distinguishes
    /// both; encode questions as `query` to search among passages.
    #[serde(default)]
    pub input_type: Option<InputType>,
}

/// A text, several texts, or token ids, which are rejected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub enum EmbeddingsInput {
    One(String),
    Many(Vec<String>),
    Tokens(Vec<i64>),
    ManyTokens(Vec<Vec<i64>>),
}

/// How a vector is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncodingFormat {
    #[default]
    Float,
    Base64,
}

/// The role of a text in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    #[default]
    Passage,
    Query,
}

/// The vectors of the texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbeddingsResponse {
    /// `list`.
    pub object: &'static str,
    /// In the order of the texts.
    pub data: Vec<EmbeddingBody>,
    /// `ken-embedding`.
    pub model: String,
    /// Estimated tokens.
    pub usage: EmbeddingsUsage,
}

/// The vector of a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbeddingBody {
    /// `embedding`.
    pub object: &'static str,
    /// The index of the text in the request.
    pub index: usize,
    /// A vector of unit length.
    pub embedding: VectorBody,
}

/// Numbers, or little-endian 32-bit floats in base64.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum VectorBody {
    Float(Vec<f32>),
    Base64(String),
}

/// Estimated tokens, as in chat completions.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbeddingsUsage {
    /// Of all texts.
    pub prompt_tokens: usize,
    /// Equal to `prompt_tokens`.
    pub total_tokens: usize,
}

/// The most texts of a request.
const MAX_INPUTS: usize = 2_048;
/// How many texts are encoded before the request is checked for having ended.
const AT_ONCE: usize = 32;

impl EmbeddingsRequest {
    /// Validates the request and returns the texts. `dimension` is that of the encoder.
    fn parse(self, dimension: usize) -> Result<Vec<String>, Problem> {
        if self.model != EMBEDDING {
            return Err(unknown_model(
                &self.model,
                "use \"ken-embedding\" for embeddings",
            ));
        }
        let mut faults = Vec::new();
        if let Some(found) = self.dimensions
            && usize::try_from(found) != Ok(dimension)
        {
            let detail = format!("expected {dimension} or no value, found {found}");
            faults.push(Fault::new("/dimensions", detail));
        }
        let texts = match self.input {
            EmbeddingsInput::One(text) => vec![text],
            EmbeddingsInput::Many(texts) => texts,
            EmbeddingsInput::Tokens(ids) => return Err(token_ids(ids.len())),
            EmbeddingsInput::ManyTokens(lists) => {
                return Err(token_ids(lists.iter().map(Vec::len).sum()));
            }
        };
        if !(1..=MAX_INPUTS).contains(&texts.len()) {
            let detail = format!("expected 1 to {MAX_INPUTS} texts, found {}", texts.len());
            faults.push(Fault::new("/input", detail));
        }
        if let Some(at) = texts.iter().position(|text| text.trim().is_empty()) {
            let detail = format!("expected a text, found an empty one at index {at}");
            faults.push(Fault::new("/input", detail));
        }
        match faults.is_empty() {
            true => Ok(texts),
            false => Err(Problem::invalid(faults)),
        }
    }
}

/// The problem of a request with token ids.
fn token_ids(n: usize) -> Problem {
    let detail = format!(
        "expected text, found {n} token ids; have the client send text (langchain-openai: \
         check_embedding_ctx_length=False)"
    );
    Problem::invalid(vec![Fault::new("/input", detail)])
}

/// Encode texts as vectors, as OpenAI's embeddings.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "openai", request_body = EmbeddingsRequest,
    responses(
        (status = 200, body = EmbeddingsResponse),
        (status = 400, body = OpenAiErrorResponse), (status = 401, body = OpenAiErrorResponse),
        (status = 404, body = OpenAiErrorResponse), (status = 429, body = OpenAiErrorResponse),
        (status = 503, body = OpenAiErrorResponse),
    )
)]
pub async fn post_embeddings(
    State(state): State<AppState>,
    Json(request): Json<EmbeddingsRequest>,
) -> Result<axum::Json<EmbeddingsResponse>, Problem> {
    let embedder = &state.app.embedder;
    let format = request.encoding_format.unwrap_or_default();
    let as_questions = request.input_type == Some(InputType::Query);
    let texts = request.parse(embedder.dimension())?;
    let _in_flight = state.admit()?;
    let prompt_tokens = texts.iter().map(|text| n_tokens(text)).sum();
    let mut vectors = Vec::with_capacity(texts.len());
    for some in texts.chunks(AT_ONCE) {
        let (embedder, some) = (embedder.clone(), some.to_vec());
        let encode = move || match as_questions {
            true => embedder.embed_questions(some),
            false => embedder.embed_passages(some),
        };
        vectors.extend(blocking(encode).await.map_err(RetrieveError::from)?);
    }
    let body = |(index, vector): (usize, Vec<f32>)| EmbeddingBody {
        object: "embedding",
        index,
        embedding: match format {
            EncodingFormat::Float => VectorBody::Float(vector),
            EncodingFormat::Base64 => {
                let bytes = vector.iter().flat_map(|number| number.to_le_bytes());
                VectorBody::Base64(STANDARD.encode(bytes.collect::<Vec<u8>>()))
            }
        },
    };
    Ok(axum::Json(EmbeddingsResponse {
        object: "list",
        data: vectors.into_iter().enumerate().map(body).collect(),
        model: EMBEDDING.to_owned(),
        usage: EmbeddingsUsage {
            prompt_tokens,
            total_tokens: prompt_tokens,
        },
    }))
}
