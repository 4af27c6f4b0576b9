//! One change of many FAQs: `POST /v1/faqs:bulk`.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::documents::{ChangeResult, accepted, changes};
use super::extract::{Json, Workspace};
use super::jobs::JobResponse;
use super::problem::{Fault, Problem};
use ken_base::domain::{DocumentId, DocumentStatus};
use ken_knowledge::editing::bulk::{BulkChange, BulkEffect, BulkRow, FieldUpdates, plan};
use ken_knowledge::editing::gate::ChangeTerms;
use ken_knowledge::editing::undo::{ImportKind, new_import};

/// The most FAQs of one change.
const MAX_IDS: usize = 1_000;

/// One change of many FAQs: `set` or `delete`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// The FAQs, 1 to 1,000.
    pub ids: Vec<String>,
    /// New values of their fields. Absent fields stay as they are.
    pub set: Option<BulkSet>,
    /// Delete the FAQs.
    #[serde(default)]
    pub delete: bool,
    /// Report the effects without writing.
    #[serde(default)]
    pub dry_run: bool,
    /// Write even if judged questions break.
    #[serde(default)]
    pub force: bool,
    /// See `PUT /v1/documents/{id}`.
    #[serde(default)]
    pub background: bool,
}

/// New values of fields. Absent fields stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BulkSet {
    /// The status.
    pub status: Option<DocumentStatus>,
    /// Tags to add.
    pub tags_add: Vec<String>,
    /// Tags to remove.
    pub tags_remove: Vec<String>,
    /// Audiences that may see them; empty: everyone.
    pub audience: Option<Vec<String>>,
    /// From when they are valid; null: from the beginning.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Option<Timestamp>>,
    /// Until when they are valid, exclusive; null: for ever.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Option<Timestamp>>,
    /// When a person should check them; null: never.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub review_by: Option<Option<Timestamp>>,
    /// Precedence in contradictions.
    pub rank: Option<i64>,
}

/// Distinguishes null from an absent field.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// The effects of a bulk change, or of its dry run.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkReport {
    /// How many FAQs get a new version.
    pub n_changed: usize,
    /// How many FAQs have these values already.
    pub n_unchanged: usize,
    /// How many FAQs are deleted.
    pub n_deleted: usize,
    /// All FAQs, in the given order.
    pub faqs: Vec<BulkRow>,
    /// Whether it is written.
    pub applied: bool,
    /// The id of the change in `GET /v1/imports` once it is written, to undo it; null if nothing is written.
    pub import_id: Option<String>,
    /// Newest revision after the change.
    pub revision: i64,
}

/// A bulk change that a job checks against the judged questions, then writes.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkJobResponse {
    #[serde(flatten)]
    pub job: JobResponse,
    /// What the change will do.
    pub report: BulkReport,
}

/// Change or delete many FAQs at once: all or none. `POST /v1/imports/{id}:undo` undoes it.
#[utoipa::path(
    post, path = "/v1/faqs:bulk", tag = "faqs", request_body = BulkRequest,
    responses(
        (status = 200, body = BulkReport, description = "The changes made, or planned if `applied` is false"),
        (status = 202, body = BulkJobResponse, description = "A job checks the judged questions, then writes"),
        (status = 409, body = Problem, description = "Judged questions would break, or an FAQ was changed meanwhile"),
        (status = 422, body = Problem),
    )
)]
pub async fn bulk(
    State(state): State<AppState>,
    Workspace(workspace): Workspace,
    Json(request): Json<BulkRequest>,
) -> Result<Response, Problem> {
    let (dry_run, force, background) = (request.dry_run, request.force, request.background);
    let (ids, change) = request.checked().map_err(Problem::invalid)?;
    let store = &state.app.store;
    let planned = plan(store, &workspace, &ids, &change).await?;
    let planned = planned.map_err(|faults| {
        let fault = |(place, detail)| Fault::new(format!("/ids/{place}"), detail);
        Problem::invalid(faults.into_iter().map(fault).collect())
    })?;
    let count = |is: fn(&BulkEffect) -> bool| {
        let rows = planned.rows.iter();
        rows.filter(|row| is(&row.effect)).count()
    };
    let mut report = BulkReport {
        n_changed: count(|effect| matches!(effect, BulkEffect::Changed { .. })),
        n_unchanged: count(|effect| matches!(effect, BulkEffect::Unchanged)),
        n_deleted: count(|effect| matches!(effect, BulkEffect::Deleted)),
        faqs: planned.rows,
        applied: false,
        import_id: None,
        revision: store.revision(&workspace).await?,
    };
    if dry_run || planned.writes.is_empty() {
        return Ok(axum::Json(report).into_response());
    }
    let import = new_import(ImportKind::Bulk, &format!("{} FAQs", planned.writes.len()));
    report.import_id = Some(import.id.clone());
    let terms = ChangeTerms {
        base: Some(planned.base),
        import: Some(import),
        ..ChangeTerms::default()
    };
    match changes(&state, &workspace, planned.writes, force, background, terms).await? {
        ChangeResult::Later(job) => {
            let id = job.about.id.clone();
            Ok(accepted(&id, BulkJobResponse { job, report }))
        }
        ChangeResult::Now(recorded) => {
            report.applied = true;
            if let Some(last) = recorded.last() {
                report.revision = last.revision;
            }
            Ok(axum::Json(report).into_response())
        }
    }
}

impl BulkRequest {
    /// Returns the ids and the change, or every fault.
    fn checked(self) -> Result<(Vec<DocumentId>, BulkChange), Vec<Fault>> {
        let mut faults = Vec::new();
        let n_ids = self.ids.len();
        if !(1..=MAX_IDS).contains(&n_ids) {
            let detail = format!("expected 1 to {MAX_IDS} ids, found {n_ids}");
            return Err(vec![Fault::new("/ids", detail)]);
        }
        let mut ids = Vec::with_capacity(n_ids);
        let mut places: HashMap<DocumentId, usize> = HashMap::new();
        for (place, id) in self.ids.iter().enumerate() {
            let fault = |detail: String| Fault::new(format!("/ids/{place}"), detail);
            match DocumentId::parse(id) {
                Ok(id) => match places.insert(id.clone(), place) {
                    Some(first) => faults.push(fault(format!("{id} is also /ids/{first}"))),
                    None => ids.push(id),
                },
                Err(error) => faults.push(fault(error.to_string())),
            }
        }
        let change = match (self.set, self.delete) {
            (Some(set), false) => set.checked(&mut faults),
            (None, true) => BulkChange::Delete,
            (Some(_), true) => {
                faults.push(Fault::new("/delete", "expected set or delete, found both"));
                BulkChange::Delete
            }
            (None, false) => {
                faults.push(Fault::new("/set", "expected set or delete, found neither"));
                BulkChange::Delete
            }
        };
        match faults.is_empty() {
            true => Ok((ids, change)),
            false => Err(faults),
        }
    }
}

impl BulkSet {
    fn checked(self, faults: &mut Vec<Fault>) -> BulkChange {
        let lists = [
            ("tags_add", Some(&self.tags_add)),
            ("tags_remove", Some(&self.tags_remove)),
            ("audience", self.audience.as_ref()),
        ];
        for (name, list) in lists {
            for (place, word) in list.into_iter().flatten().enumerate() {
                faults.extend(Fault::bounded(&format!("/set/{name}/{place}"), word, 128));
            }
        }
        let trimmed = |words: Vec<String>| -> Vec<String> {
            words.iter().map(|word| word.trim().to_owned()).collect()
        };
        let updates = FieldUpdates {
            status: self.status,
            tags_add: trimmed(self.tags_add),
            tags_remove: trimmed(self.tags_remove),
            audience: self.audience.map(trimmed),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            review_by: self.review_by,
            rank: self.rank,
        };
        if updates == FieldUpdates::default() {
            faults.push(Fault::new(
                "/set",
                "expected at least one field, found none",
            ));
        }
        BulkChange::Set(updates)
    }
}
