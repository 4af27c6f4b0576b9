//! Conditional writes (RFC 9110, section 13): `ETag`, `If-Match` and `If-None-Match`. The entity tag of a document is
//! the number of its live version, in quotes.

use axum::extract::FromRequestParts;
use axum::http::header::{AsHeaderName, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use utoipa::IntoParams;

use super::AppState;
use super::problem::{CurrentVersion, Fault, Problem};
use ken_base::domain::{DocumentId, WorkspaceId};
use ken_knowledge::editing::gate::ChangeTerms;
use ken_store::store::{Precondition, StoreError, UnmetCondition};

/// Header parameters of a write, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes the headers")]
pub struct IfMatch {
    /// Write only if this version is live, as in the `ETag` of a read: `"3"`, a list of them, or `*` for any. Otherwise
    /// 412.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
    /// `*`: write only if the document does not exist. Otherwise 412.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// The conditions of a request on the document that it writes.
#[derive(Debug, Default)]
pub struct Preconditions(Vec<Precondition>);

/// The `ETag` header of a document's version.
pub fn etag(version: i64) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{version}\""))]
}

impl Preconditions {
    /// The conditions as terms of a change of the document.
    pub fn on(&self, id: &DocumentId) -> ChangeTerms {
        let of_document = |condition: &Precondition| (id.clone(), condition.clone());
        ChangeTerms {
            versions: self.0.iter().map(of_document).collect(),
            ..ChangeTerms::default()
        }
    }

    /// Returns the 412 if a condition does not hold now. The writing transaction checks again; this comes before other
    /// checks of the document, such as whether it exists.
    pub async fn check(
        &self,
        state: &AppState,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<(), Problem> {
        let terms = self.on(id);
        let store = &state.app.store;
        match store
            .unmet_condition(workspace, &terms.conditions())
            .await?
        {
            Some(unmet) => Err(unmet_problem(state, workspace, unmet).await?),
            None => Ok(()),
        }
    }
}

impl FromRequestParts<AppState> for Preconditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let mut conditions = Vec::new();
        let mut faults = Vec::new();
        if let Some(value) = joined(parts, IF_MATCH) {
            match versions_of(&value) {
                Some(condition) => conditions.push(condition),
                None => faults.push(Fault::new(
                    "If-Match",
                    format!("expected *, or versions in quotes such as \"3\"; found {value}"),
                )),
            }
        }
        if let Some(value) = joined(parts, IF_NONE_MATCH) {
            match value.trim() {
                "*" => conditions.push(Precondition::Absent),
                other => faults.push(Fault::new(
                    "If-None-Match",
                    format!("expected *, found {other}"),
                )),
            }
        }
        match faults.is_empty() {
            true => Ok(Self(conditions)),
            false => Err(Problem::invalid(faults)),
        }
    }
}

/// The values of a header as one list; `None` without the header.
fn joined(parts: &Parts, name: impl AsHeaderName) -> Option<String> {
    let values = parts.headers.get_all(name).iter();
    let values: Vec<String> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Parses the value of `If-Match`. A tag that is not a version of ours, and a weak one, match nothing. `None` if the
/// value is not a list of tags.
fn versions_of(value: &str) -> Option<Precondition> {
    if value.trim() == "*" {
        return Some(Precondition::Exists);
    }
    let mut versions = Vec::new();
    for tag in value
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
    {
        let (is_weak, tag) = match tag.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let inside = tag.strip_prefix('"')?.strip_suffix('"')?;
        // A number has one spelling: "03" is another tag than "3".
        let version = inside.parse::<i64>().ok();
        let version = version.filter(|version| !is_weak && version.to_string() == inside);
        versions.extend(version);
    }
    let has_tags = value.contains('"');
    has_tags.then_some(Precondition::Version(versions))
}

/// The problem of a change whose condition was not met: 412 with the live version for another version, else 409.
///
/// # Errors
/// [`StoreError`] if the audit log cannot be read.
pub async fn unmet_problem(
    state: &AppState,
    workspace: &WorkspaceId,
    unmet: UnmetCondition,
) -> Result<Problem, StoreError> {
    let detail = unmet.to_string();
    let UnmetCondition::Version { id, current } = unmet else {
        return Ok(Problem::conflict(detail));
    };
    let last = state.app.store.last_change_of(workspace, &id).await?;
    let current = CurrentVersion {
        document_id: id.into(),
        version: current,
        changed_by: last.as_ref().map(|entry| entry.actor.clone()),
        changed_at: last.as_ref().map(|entry| entry.at),
    };
    Ok(Problem::version_mismatch(detail, current))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_value_is_parsed() {
        let versions = |all: &[i64]| Some(Precondition::Version(all.to_vec()));
        for (value, expected) in [
            ("\"3\"", versions(&[3])),
            (" \"3\" , \"4\"", versions(&[3, 4])),
            ("*", Some(Precondition::Exists)),
            ("W/\"3\"", versions(&[])),
            ("\"03\"", versions(&[])),
            ("\"abc\"", versions(&[])),
            ("3", None),
            ("", None),
            ("\"3", None),
            ("\"", None),
        ] {
            assert_eq!(versions_of(value), expected, "{value}");
        }
    }
}
