//! The change log and the chunks that the indexes follow.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{MAX_IN, Store, StoreError, corrupt, from_json, placeholders, time_of};
use ken_base::domain::{
    Chunk, ChunkNote, Document, DocumentId, Metadata, Revision, Source, Span, ValidityPeriod,
    WorkspaceId,
};
use ken_text::conflict::Authority;

/// One entry of a workspace's change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeLogEntry {
    /// Revision of the change.
    pub revision: Revision,
    /// The changed document.
    pub document_id: DocumentId,
    /// Keys of the chunks that the change removed.
    pub removed: std::ops::Range<u32>,
}

/// A chunk with everything that the indexes need.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    /// The chunk.
    pub chunk: Chunk,
    /// Metadata of the chunk: those of the document, narrowed by the note of the chunk and the window of its version.
    pub metadata: Arc<Metadata>,
    /// When its document was last written.
    pub updated_at: Timestamp,
}

impl IndexEntry {
    /// Its precedence in a contradiction.
    pub fn authority(&self) -> Authority {
        Authority::of(&self.metadata, self.updated_at)
    }
}

/// The chunks of a document as they would be indexed if it were written at time `at`: keys from `first_key` on, version
/// 0.
///
/// # Errors
/// The span of a chunk is outside of the text, which parsing never yields.
pub fn entries_of(
    source: &Source,
    first_key: u32,
    at: Timestamp,
) -> Result<Vec<IndexEntry>, StoreError> {
    let shared = Arc::new(source.metadata.clone());
    let entries = (0_u32..).zip(&source.chunks).map(|(ordinal, chunk)| {
        let text = chunk.span.slice(&source.text);
        let text = text.ok_or_else(|| corrupt("a chunk", &"span outside of its document"))?;
        let metadata = match chunk.note.narrows() {
            true => Arc::new(shared.narrowed(&chunk.note, ValidityPeriod::default())),
            false => shared.clone(),
        };
        Ok(IndexEntry {
            chunk: Chunk {
                key: first_key + ordinal,
                document_id: source.id.clone(),
                version: 0,
                ordinal: i64::from(ordinal),
                heading_path: chunk.heading_path.clone(),
                span: chunk.span,
                text: text.to_owned(),
                note: chunk.note.clone(),
            },
            metadata,
            updated_at: at,
        })
    });
    entries.collect()
}

/// A chunk with metadata: those of its version if it is scheduled, otherwise those of the document.
struct ChunkRow {
    chunk_key: i64,
    document_id: String,
    version: i64,
    ordinal: i64,
    heading_path: String,
    start_byte: i64,
    end_byte: i64,
    text: String,
    note: String,
    live_version: i64,
    next_at: Option<i64>,
    metadata: String,
    updated_at: i64,
}

from_row!(ChunkRow {
    chunk_key,
    document_id,
    version,
    ordinal,
    heading_path,
    start_byte,
    end_byte,
    text,
    note,
    live_version,
    next_at,
    metadata,
    updated_at,
});

impl Store {
    /// The changes after `revision`, oldest first, at most `limit`.
    pub async fn changes_since(
        &self,
        workspace: &WorkspaceId,
        revision: Revision,
        limit: i64,
    ) -> Result<Vec<ChangeLogEntry>, StoreError> {
        let rows: Vec<(i64, String, i64, i64)> = sqlx::query_as(
            "SELECT revision, document_id, removed_first, removed_count FROM changes \
             WHERE workspace = $1 AND revision > $2 ORDER BY revision LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(revision)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter()
            .map(|(revision, id, first, count)| {
                Ok(ChangeLogEntry {
                    revision,
                    document_id: DocumentId::parse(&id)
                        .map_err(|e| corrupt("a document id", &e))?,
                    removed: key(first)?..key(first + count)?,
                })
            })
            .collect()
    }

    /// The chunks of these documents' live versions, in order of key.
    pub async fn chunks_of(
        &self,
        workspace: &WorkspaceId,
        documents: &[DocumentId],
    ) -> Result<Vec<IndexEntry>, StoreError> {
        let mut rows: Vec<ChunkRow> = Vec::new();
        for some in documents.chunks(MAX_IN) {
            let sql = chunks_of_documents(some.len());
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id.as_str());
            }
            rows.extend(query.fetch_all(&self.relaxed).await?);
        }
        entries(rows)
    }

    /// Live chunks with these keys, in no order; keys of removed chunks are left out.
    pub async fn chunks(
        &self,
        workspace: &WorkspaceId,
        keys: &[u32],
    ) -> Result<Vec<IndexEntry>, StoreError> {
        let mut rows: Vec<ChunkRow> = Vec::new();
        for some in keys.chunks(MAX_IN) {
            let sql = chunks_with_keys(some.len());
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for key in some {
                query = query.bind(i64::from(*key));
            }
            rows.extend(query.fetch_all(&self.relaxed).await?);
        }
        entries(rows)
    }

    /// Keys above `after`, in order, at most `limit`.
    pub async fn chunk_keys(
        &self,
        workspace: &WorkspaceId,
        after: u32,
        limit: i64,
    ) -> Result<Vec<u32>, StoreError> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT chunk_key FROM chunks WHERE workspace = $1 AND chunk_key > $2 ORDER BY chunk_key LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(i64::from(after))
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().map(|(value,)| key(value)).collect()
    }

    /// Ids of chunks whose text differs from their span of the document; empty in an intact store.
    pub async fn chunks_with_wrong_spans(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<String>, StoreError> {
        let mut wrong = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.documents(workspace, Some(&after), 100).await?;
            let Some(last) = page.last() else {
                return Ok(wrong);
            };
            after = last.id.to_string();
            for summary in page.iter().filter(|s| s.n_chunks > 0) {
                let Some(document) = self.document(workspace, &summary.id, None).await? else {
                    continue;
                };
                let entries = self
                    .chunks_of(workspace, std::slice::from_ref(&summary.id))
                    .await?;
                wrong.extend(
                    entries
                        .iter()
                        .filter(|e| e.chunk.version == document.version)
                        .filter(|e| !fits(&e.chunk, &document))
                        .map(|e| e.chunk.id()),
                );
            }
        }
    }
}

fn fits(chunk: &Chunk, document: &Document) -> bool {
    chunk.version == document.version && chunk.span.slice(&document.text) == Some(&chunk.text)
}

/// SQL for the visible chunks of `n` documents (from `$2` on) of a workspace (`$1`), in order of key.
pub(super) fn chunks_of_documents(n: usize) -> String {
    // Each version by its own range of keys: with one condition for both, or with the chunks first, SQLite would scan
    // all chunks of the workspace for each change.
    let (live, next) = chunks_that_count("documents d CROSS JOIN chunks c");
    let ids = placeholders(2, n);
    format!(
        "{live} AND d.id IN ({ids}) AND c.chunk_key >= d.first_key AND c.chunk_key < d.first_key + d.n_chunks \
         UNION ALL \
         {next} AND d.id IN ({ids}) AND c.chunk_key >= d.next_first_key \
         AND c.chunk_key < d.next_first_key + d.next_n_chunks ORDER BY chunk_key"
    )
}

/// SQL for the visible chunks among `n` keys (from `$2` on) of a workspace (`$1`), in no order.
pub(super) fn chunks_with_keys(n: usize) -> String {
    let (live, next) = chunks_that_count("chunks c CROSS JOIN documents d");
    let keys = placeholders(2, n);
    format!("{live} AND c.chunk_key IN ({keys}) UNION ALL {next} AND c.chunk_key IN ({keys})")
}

/// SQL for live and for scheduled chunks. A chunk counts only while its document is published, not deleted, and at this
/// version, or while its version is scheduled to replace the live one. In SQLite `CROSS JOIN` fixes the order of the
/// tables.
fn chunks_that_count(tables: &str) -> (String, String) {
    let select = |metadata: &str, versions: &str, which: &str| {
        format!(
            "SELECT c.chunk_key, c.document_id, c.version, c.ordinal, c.heading_path, c.start_byte, c.end_byte, c.text, \
             c.note, d.version AS live_version, d.next_at, d.updated_at, {metadata} AS metadata \
             FROM {tables} {versions} WHERE d.workspace = $1 AND c.workspace = $1 AND c.document_id = d.id \
             AND d.deleted = 0 AND {which}"
        )
    };
    let live = "c.version = d.version AND d.status = 'published'";
    let versions = "LEFT JOIN document_versions v ON v.workspace = d.workspace AND v.document_id = d.id \
                    AND v.version = d.next_version";
    (
        select("d.metadata", "", live),
        select(
            "COALESCE(v.metadata, d.metadata)",
            versions,
            "c.version = d.next_version",
        ),
    )
}

fn entries(rows: Vec<ChunkRow>) -> Result<Vec<IndexEntry>, StoreError> {
    let mut known: HashMap<(String, i64), Arc<Metadata>> = HashMap::new();
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let of = (row.document_id.clone(), row.version);
        let shared = match known.get(&of) {
            Some(metadata) => metadata.clone(),
            None => {
                let read: Metadata = from_json("a document's metadata", &row.metadata)?;
                known.entry(of).or_insert(Arc::new(read)).clone()
            }
        };
        let note: ChunkNote = match row.note.as_str() {
            "{}" => ChunkNote::default(),
            note => from_json("a chunk's note", note)?,
        };
        let next_at = row.next_at.map(time_of).transpose()?;
        let window = match row.version == row.live_version {
            true => ValidityPeriod {
                from: None,
                until: next_at,
            },
            false => ValidityPeriod {
                from: next_at,
                until: None,
            },
        };
        let metadata = match note.narrows() || window != ValidityPeriod::default() {
            true => Arc::new(shared.narrowed(&note, window)),
            false => shared,
        };
        entries.push(IndexEntry {
            chunk: Chunk {
                key: key(row.chunk_key)?,
                document_id: DocumentId::parse(&row.document_id)
                    .map_err(|e| corrupt("a document id", &e))?,
                version: row.version,
                ordinal: row.ordinal,
                heading_path: from_json("a heading path", &row.heading_path)?,
                span: Span::new(row.start_byte as usize, row.end_byte as usize),
                text: row.text,
                note,
            },
            metadata,
            updated_at: time_of(row.updated_at)?,
        });
    }
    Ok(entries)
}

fn key(value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|e| corrupt("a chunk key", &e))
}
