//! Undo of an import or a bulk change: each document returns to the version before.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use ken_base::domain::{DocumentId, Source, WorkspaceId};
use ken_store::store::{BaseRevisions, ImportedDocument, NewImport, Store, StoreError, Write};

/// A kind of change that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
    /// The import of a file.
    Import,
    /// One change of many FAQs.
    Bulk,
}

/// Returns the record of a new import, with a new id. `name` is the file's name, or what is changed.
pub fn new_import(kind: ImportKind, name: &str) -> NewImport {
    let kind = match kind {
        ImportKind::Import => "import",
        ImportKind::Bulk => "bulk",
    };
    NewImport {
        id: format!("imp_{}", Uuid::now_v7().simple()),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

/// The writes that undo an import.
pub struct UndoPlan {
    /// The writes, in the order of the import.
    pub writes: Vec<Write>,
    /// The revisions that the documents of the writes must still have.
    pub base: BaseRevisions,
    /// The documents that were changed after the import; no write changes them.
    pub changed_since: Vec<DocumentId>,
    /// How many documents return to the version before.
    pub n_restored: usize,
    /// How many documents are deleted because the import added them.
    pub n_deleted: usize,
}

/// Plans the undo of an import. Writes nothing.
///
/// # Errors
/// [`StoreError`] if the store fails, or a version that the import replaced is missing.
pub async fn plan_undo(
    store: &Store,
    workspace: &WorkspaceId,
    documents: Vec<ImportedDocument>,
) -> Result<UndoPlan, StoreError> {
    let base = BaseRevisions::of(documents.iter().map(|one| (one.id.clone(), one.revision)));
    let changed_since = store.changed_since(workspace, &base).await?;
    let changed: HashSet<&DocumentId> = changed_since.iter().collect();
    let unchanged = documents.into_iter();
    let unchanged: Vec<ImportedDocument> =
        unchanged.filter(|one| !changed.contains(&one.id)).collect();
    let mut versions = EarlierVersions::load(store, workspace, &unchanged).await?;
    let mut plan = UndoPlan {
        writes: Vec::with_capacity(unchanged.len()),
        base: BaseRevisions::of(unchanged.iter().map(|one| (one.id.clone(), one.revision))),
        changed_since: Vec::new(),
        n_restored: 0,
        n_deleted: 0,
    };
    let now = store.now();
    for one in unchanged {
        let Some(before) = one.before else {
            plan.writes.push(Write::Delete(one.id));
            plan.n_deleted += 1;
            continue;
        };
        plan.n_restored += 1;
        let mut source = versions.take(&one.id, before.version)?;
        source.metadata.status = before.status;
        let Some((next, at)) = before.next else {
            plan.writes.push(Write::put(source));
            continue;
        };
        // The import also dropped a scheduled version. It would be live by now if its time has come.
        let next = versions.take(&one.id, next)?;
        match Timestamp::from_millisecond(at) {
            Ok(at) if at > now => {
                plan.writes.push(Write::put(source));
                let source = Box::new(next);
                plan.writes.push(Write::Schedule { source, at });
            }
            _ => plan.writes.push(Write::put(next)),
        }
    }
    plan.changed_since = changed_since;
    Ok(plan)
}

/// The versions of documents before an import, by document and number.
struct EarlierVersions(HashMap<(DocumentId, i64), Source>);

impl EarlierVersions {
    async fn load(
        store: &Store,
        workspace: &WorkspaceId,
        documents: &[ImportedDocument],
    ) -> Result<Self, StoreError> {
        let mut wanted = Vec::new();
        for one in documents {
            let Some(before) = &one.before else { continue };
            wanted.push((one.id.clone(), before.version));
            wanted.extend(before.next.map(|(next, _)| (one.id.clone(), next)));
        }
        let found = store.sources(workspace, &wanted).await?.into_iter();
        let by_version = found.map(|(version, source)| ((source.id.clone(), version), source));
        Ok(Self(by_version.collect()))
    }

    fn take(&mut self, id: &DocumentId, version: i64) -> Result<Source, StoreError> {
        let source = self.0.remove(&(id.clone(), version));
        source.ok_or_else(|| StoreError::Corrupt {
            what: "the history of a document".to_owned(),
            detail: format!("version {version} of {id} is missing"),
        })
    }
}
