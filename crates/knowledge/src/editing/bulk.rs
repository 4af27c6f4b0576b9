//! One change of many FAQs.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::import::{FieldChange, changes};
use ken_base::domain::{Document, DocumentId, DocumentKind, DocumentStatus, Metadata, WorkspaceId};
use ken_ingest::ingest::faq::FaqRow;
use ken_store::store::{BaseRevisions, Store, StoreError, Write};

/// New values of fields. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldUpdates {
    /// The status.
    pub status: Option<DocumentStatus>,
    /// Tags to add.
    pub tags_add: Vec<String>,
    /// Tags to remove.
    pub tags_remove: Vec<String>,
    /// The audience; empty: everyone.
    pub audience: Option<Vec<String>>,
    /// Start of validity; `Some(None)` removes it.
    pub valid_from: Option<Option<Timestamp>>,
    /// End of validity; `Some(None)` removes it.
    pub valid_until: Option<Option<Timestamp>>,
    /// When a person should check it; `Some(None)` removes it.
    pub review_by: Option<Option<Timestamp>>,
    /// The rank.
    pub rank: Option<i64>,
}

impl FieldUpdates {
    fn apply(&self, to: &mut Metadata) {
        to.status = self.status.unwrap_or(to.status);
        to.tags.retain(|tag| !self.tags_remove.contains(tag));
        for tag in &self.tags_add {
            if !to.tags.contains(tag) {
                to.tags.push(tag.clone());
            }
        }
        if let Some(audience) = &self.audience {
            to.audience.clone_from(audience);
        }
        to.valid_from = self.valid_from.unwrap_or(to.valid_from);
        to.valid_until = self.valid_until.unwrap_or(to.valid_until);
        to.review_by = self.review_by.unwrap_or(to.review_by);
        to.rank = self.rank.unwrap_or(to.rank);
    }
}

/// One change of many FAQs.
#[derive(Debug, Clone, PartialEq)]
pub enum BulkChange {
    /// Sets fields.
    Set(FieldUpdates),
    /// Deletes the FAQs.
    Delete,
}

/// What a bulk change does with one FAQ.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BulkRow {
    /// The FAQ's id.
    pub id: String,
    // What the change does with it. A doc comment would enter the OpenAPI document.
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub effect: BulkEffect,
}

/// Effect on an FAQ.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum BulkEffect {
    /// It gets a new version.
    Changed {
        /// The fields that differ.
        changes: Vec<FieldChange>,
    },
    /// It has these values already.
    Unchanged,
    /// It is deleted.
    Deleted,
}

/// The writes of a bulk change, with its effect on each FAQ.
pub struct BulkPlan {
    /// The writes.
    pub writes: Vec<Write>,
    /// The revisions that the FAQs must still have.
    pub base: BaseRevisions,
    /// All FAQs, in the given order.
    pub rows: Vec<BulkRow>,
}

/// An FAQ that cannot be changed: its place in the given list and the reason.
pub type BulkFault = (usize, String);

/// Plans a bulk change. Writes nothing. Returns the faults if an id is no FAQ, or if the change would make one invalid.
pub async fn plan(
    store: &Store,
    workspace: &WorkspaceId,
    ids: &[DocumentId],
    change: &BulkChange,
) -> Result<Result<BulkPlan, Vec<BulkFault>>, StoreError> {
    // Read before the documents: a change in between is a conflict.
    let base = store.base(workspace, ids).await?;
    let documents = store.documents_by_id(workspace, ids).await?.into_iter();
    let by_id: HashMap<DocumentId, Document> = documents.map(|d| (d.id.clone(), d)).collect();
    let (mut writes, mut rows, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (place, id) in ids.iter().enumerate() {
        let document = by_id.get(id);
        let Some(document) = document.filter(|d| d.metadata.kind == DocumentKind::Faq) else {
            faults.push((place, format!("FAQ {id} not found")));
            continue;
        };
        match planned(document, change) {
            Ok((write, effect)) => {
                writes.extend(write);
                let id = id.to_string();
                rows.push(BulkRow { id, effect });
            }
            Err(detail) => faults.push((place, detail)),
        }
    }
    Ok(match faults.is_empty() {
        true => Ok(BulkPlan { writes, base, rows }),
        false => Err(faults),
    })
}

/// Returns the write and the effect of a change on one FAQ, or the reason why it would be invalid.
fn planned(
    document: &Document,
    change: &BulkChange,
) -> Result<(Option<Write>, BulkEffect), String> {
    let BulkChange::Set(updates) = change else {
        let write = Write::Delete(document.id.clone());
        return Ok((Some(write), BulkEffect::Deleted));
    };
    let mut faq = FaqRow::of_document(document);
    updates.apply(&mut faq.metadata);
    if let (Some(from), Some(until)) = (faq.metadata.valid_from, faq.metadata.valid_until)
        && from >= until
    {
        return Err(format!(
            "valid_until ({until}) would not be after valid_from ({from})"
        ));
    }
    let source = faq.into_source().map_err(|error| error.to_string())?;
    let changes = changes(document, &source);
    Ok(match changes.is_empty() {
        true => (None, BulkEffect::Unchanged),
        false => (Some(Write::put(source)), BulkEffect::Changed { changes }),
    })
}
