//! Settings of a workspace: `/v1/settings`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::extract::{Json, Workspace};
use super::problem::{Fault, Problem};
use ken_base::domain::Level;
use ken_store::store::LearningRules;
use ken_text::redact::{CustomPattern, Redactor};

/// Settings of a workspace.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Confidence required to answer: `very_strict`, `strict`, `balanced`, `lenient`, `very_lenient`; `null`: the service
    /// default. Unchanged if omitted.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Level>)]
    pub level: Option<Option<Level>>,
    /// Review of drafts: `four_eyes` (two people approve), `auto_publish` (`[{ "class", "min_sources" }]`: classes
    /// published without review if no judged question breaks), `auto_promote` (winners of experiments are promoted
    /// automatically). Unchanged if omitted.
    #[serde(default)]
    pub learning: Option<LearningRules>,
    /// Personal data patterns in addition to the built-in ones: `[{ "kind", "pattern" }]`, applied to new data only.
    /// Unchanged if omitted.
    #[serde(default)]
    pub redaction: Option<Vec<CustomPattern>>,
}

/// Deserializes a field so that `null` (`Some(None)`) differs from an omitted field (`None`).
fn given<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Option<Level>>, D::Error> {
    Option::<Level>::deserialize(input).map(Some)
}

/// The classes of drafts that may be published without review.
const PUBLISHABLE: [&str; 4] = ["new", "variant", "update", "negative"];

/// Read the settings of a workspace.
#[utoipa::path(
    get, path = "/v1/settings", tag = "answers", responses((status = 200, body = Settings))
)]
pub async fn get_settings(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
) -> Result<axum::Json<Settings>, Problem> {
    let store = &state.app.store;
    Ok(axum::Json(Settings {
        level: Some(store.level(&workspace).await?),
        learning: Some(store.learning(&workspace).await?),
        redaction: Some(store.patterns(&workspace).await?),
    }))
}

/// Change the settings of a workspace; they take effect with the next question.
#[utoipa::path(
    put, path = "/v1/settings", tag = "answers", request_body = Settings,
    responses((status = 200, body = Settings), (status = 422, body = Problem))
)]
pub async fn put_settings(
    state: State<AppState>,
    workspace: Workspace,
    Json(settings): Json<Settings>,
) -> Result<axum::Json<Settings>, Problem> {
    let mut faults = Vec::new();
    for (at, rule) in settings
        .learning
        .iter()
        .flat_map(|rules| &rules.auto_publish)
        .enumerate()
    {
        if !PUBLISHABLE.contains(&rule.class.as_str()) {
            let detail = format!("expected one of {PUBLISHABLE:?}, found {:?}", rule.class);
            faults.push(Fault::new(
                format!("/learning/auto_publish/{at}/class"),
                detail,
            ));
        }
        if rule.min_sources < 2 {
            let detail = format!("expected at least 2, found {}", rule.min_sources);
            faults.push(Fault::new(
                format!("/learning/auto_publish/{at}/min_sources"),
                detail,
            ));
        }
    }
    for (at, pattern) in settings.redaction.iter().flatten().enumerate() {
        if let Err(error) = Redactor::new(std::slice::from_ref(pattern)) {
            faults.push(Fault::new(format!("/redaction/{at}"), error.to_string()));
        }
    }
    if settings
        .redaction
        .as_ref()
        .is_some_and(|patterns| patterns.len() > 100)
    {
        faults.push(Fault::new("/redaction", "expected at most 100 patterns"));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let (store, name) = (&state.app.store, &workspace.0);
    if let Some(level) = &settings.level {
        store.set_setting(name, "level", level.as_ref()).await?;
    }
    if settings.learning.is_some() {
        store
            .set_setting(name, "learning", settings.learning.as_ref())
            .await?;
    }
    if settings.redaction.is_some() {
        store
            .set_setting(name, "redaction", settings.redaction.as_ref())
            .await?;
    }
    state.app.answerer.settings().invalidate(name);
    get_settings(state, workspace).await
}

/// The requested limit or the default; 422 unless it is 1 to `most`.
pub fn limit_of(given: Option<i64>, default: i64, most: i64) -> Result<i64, Problem> {
    let limit = given.unwrap_or(default);
    match (1..=most).contains(&limit) {
        true => Ok(limit),
        false => {
            let detail = format!("expected 1 to {most}, found {limit}");
            Err(Problem::invalid(vec![Fault::new("?limit", detail)]))
        }
    }
}
