//! The settings in effect: `GET /v1/config`.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AppState;
use super::problem::Problem;
use ken_base::config::{Config, reference};

/// The settings of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigResponse {
    /// Every setting, by section, in the order of the documentation.
    pub settings: Vec<SettingBody>,
}

/// One setting.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingBody {
    /// Section and name in the settings file, as `http.listen`.
    pub key: String,
    /// The value in effect: a text, or JSON for numbers, switches and lists; null if it is not set. A secret is `set`;
    /// addresses are shown without their password.
    pub value: Option<String>,
    /// The default, like `value`.
    pub default: Option<String>,
    /// Whether the value differs from the default.
    pub is_changed: bool,
    /// Whether the value is a secret.
    pub is_secret: bool,
    /// The environment variable that sets it; null if only the file can.
    pub variable: Option<String>,
    /// What it does, with its unit and default.
    pub effect: String,
}

/// Read every setting with its value in effect, its default and its meaning. Secrets are shown as `set` only. Settings are
/// changed in the settings file or the environment, and take effect with the next start.
#[utoipa::path(
    get, path = "/v1/config", tag = "operation", responses((status = 200, body = ConfigResponse))
)]
pub async fn get_config(
    State(state): State<AppState>,
) -> Result<axum::Json<ConfigResponse>, Problem> {
    let json =
        |config: &Config| serde_json::to_value(config).map_err(|error| Problem::internal(&error));
    let in_effect = json(&state.app.config)?;
    let defaults = json(&Config::default().completed())?;
    Ok(axum::Json(ConfigResponse {
        settings: settings(&in_effect, &defaults),
    }))
}

/// The settings of a configuration. Values without a setting are not in its JSON.
fn settings(in_effect: &Value, defaults: &Value) -> Vec<SettingBody> {
    let sections = reference::sections();
    let documentation: Vec<&str> = sections
        .iter()
        .flat_map(|section| section.fields.iter().map(|field| field.text.as_str()))
        .collect();
    let mut settings = Vec::new();
    for section in &sections {
        let Some(name) = &section.name else { continue };
        let of = |config: &Value| match name.as_str() {
            "" => config.clone(),
            name => config[name].clone(),
        };
        let (in_effect, defaults) = (of(in_effect), of(defaults));
        for field in &section.fields {
            // An object is a section.
            let Some(value) = in_effect
                .get(&field.name)
                .filter(|value| !value.is_object())
            else {
                continue;
            };
            let key = match name.as_str() {
                "" => field.name.clone(),
                name => format!("{name}.{}", field.name),
            };
            let variable = format!("KEN_{}", key.replace('.', "__").to_uppercase());
            let quoted = format!("`{variable}`");
            let is_documented = documentation.iter().any(|text| text.contains(&quoted));
            let default = &defaults[&field.name];
            settings.push(SettingBody {
                is_changed: value != default,
                value: text(value),
                default: text(default),
                key,
                is_secret: field.is_secret,
                variable: is_documented.then_some(variable),
                effect: field.text.clone(),
            });
        }
    }
    settings
}

/// A value as text; `None` if it is not set.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}
