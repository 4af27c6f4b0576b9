//! Export and import of documents; backup of the store.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::{Any, Executor, Row, Transaction};

use super::writes::{Cursor, Effect, Write, apply, lock};
use super::{Store, StoreError, corrupt, from_json, time_of, to_json};
use ken_base::domain::{
    ChunkNote, DocumentId, Metadata, NewChunk, Outline, Source, Span, WorkspaceId,
};

/// A document with all its versions, for export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedDocument {
    /// Id of the document.
    pub id: DocumentId,
    /// The live version.
    pub version: i64,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Current metadata. An archived document differs from its last version, which may still be published.
    pub metadata: Metadata,
    /// All versions, oldest first.
    pub versions: Vec<ExportedVersion>,
    /// The scheduled version and its time, if there is one.
    #[serde(default)]
    pub next: Option<(i64, jiff::Timestamp)>,
}

/// A version of an exported document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedVersion {
    /// Number of the version, from 1.
    pub version: i64,
    /// SHA-256 (hex) of the source bytes and the metadata.
    pub content_hash: String,
    /// Metadata of the version.
    pub metadata: Metadata,
    /// The submitted text; empty for binary formats.
    pub raw: String,
    /// The extracted text.
    pub text: String,
    /// Pages, links and FAQ answers of `text`.
    pub outline: Outline,
    /// Positions of the chunks in `text`.
    pub chunks: Vec<NewChunk>,
    /// When the version was written.
    pub created_at: jiff::Timestamp,
}

/// A document's live version, whether it is deleted, its metadata, the scheduled version and its time.
type HeadRow = (i64, i64, String, Option<i64>, Option<i64>);
/// All columns of a version.
type FullRow = (i64, String, String, String, String, String, String, i64);

impl Store {
    /// Ids of all documents, also deleted ones, sorted.
    pub async fn document_ids(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let rows: Vec<(String,)> =
            sqlx::query_as("SELECT id FROM documents WHERE workspace = $1 ORDER BY id")
                .bind(workspace.as_str())
                .fetch_all(&self.relaxed)
                .await?;
        rows.into_iter()
            .map(|(id,)| DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e)))
            .collect()
    }

    /// A document with all its versions.
    pub async fn exported(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Option<ExportedDocument>, StoreError> {
        let row: Option<HeadRow> = sqlx::query_as(
            "SELECT version, deleted, metadata, next_version, next_at FROM documents WHERE workspace = $1 AND id = $2",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_optional(&self.relaxed)
        .await?;
        let Some((version, deleted, metadata, next_version, next_at)) = row else {
            return Ok(None);
        };
        let rows: Vec<FullRow> = sqlx::query_as(
            "SELECT version, content_hash, metadata, raw, text, outline, chunks, created_at FROM document_versions \
             WHERE workspace = $1 AND document_id = $2 ORDER BY version",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_all(&self.relaxed)
        .await?;
        let versions = rows
            .into_iter()
            .map(exported_version)
            .collect::<Result<_, _>>()?;
        let next = match next_version.zip(next_at) {
            Some((version, at)) => Some((version, time_of(at)?)),
            None => None,
        };
        Ok(Some(ExportedDocument {
            id: id.clone(),
            version,
            deleted: deleted != 0,
            metadata: from_json("a document's metadata", &metadata)?,
            versions,
            next,
        }))
    }

    /// A version in the form in which it was written, to write it again.
    pub async fn source(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
        version: i64,
    ) -> Result<Option<Source>, StoreError> {
        let row: Option<FullRow> = sqlx::query_as(
            "SELECT v.version, v.content_hash, v.metadata, v.raw, v.text, v.outline, v.chunks, v.created_at \
             FROM document_versions v JOIN documents d ON d.workspace = v.workspace AND d.id = v.document_id \
             WHERE v.workspace = $1 AND v.document_id = $2 AND v.version = $3",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .bind(version)
        .fetch_optional(&self.relaxed)
        .await?;
        Ok(row
            .map(exported_version)
            .transpose()?
            .map(|version| source(id, version)))
    }

    /// Versions as in [`Store::source`]; missing ones are left out. In no order.
    pub async fn sources(
        &self,
        workspace: &WorkspaceId,
        versions: &[(DocumentId, i64)],
    ) -> Result<Vec<(i64, Source)>, StoreError> {
        /// How many versions are named in one statement.
        const BATCH: usize = 200;
        let mut found = Vec::with_capacity(versions.len());
        for some in versions.chunks(BATCH) {
            let pairs = (0..some.len()).map(|n| {
                let (id, version) = (2 * n + 2, 2 * n + 3);
                format!("(document_id = ${id} AND version = ${version})")
            });
            let sql = format!(
                "SELECT document_id, version, content_hash, metadata, raw, text, outline, chunks, created_at \
                 FROM document_versions WHERE workspace = $1 AND ({})",
                pairs.collect::<Vec<_>>().join(" OR ")
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for (id, version) in some {
                query = query.bind(id.as_str()).bind(*version);
            }
            for row in query.fetch_all(&self.relaxed).await? {
                let id: String = row.try_get(0)?;
                let id = DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?;
                let version = exported_version((
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                    row.try_get(5)?,
                    row.try_get(6)?,
                    row.try_get(7)?,
                    row.try_get(8)?,
                ))?;
                found.push((version.version, source(&id, version)));
            }
        }
        Ok(found)
    }

    /// Imports an exported document. A new document comes with all its versions. Of an existing one only the live
    /// version is written, if it differs.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the live version is missing.
    pub async fn import_document(
        &self,
        workspace: &WorkspaceId,
        document: ExportedDocument,
    ) -> Result<Effect, StoreError> {
        let known = self.exported(workspace, &document.id).await?;
        if let Some(known) = &known
            && (known.deleted, &known.metadata) == (document.deleted, &document.metadata)
            && known.next == document.next
            && hash_of(known) == hash_of(&document)
        {
            return Ok(Effect::Unchanged);
        }
        let Some(live) = document
            .versions
            .iter()
            .find(|v| v.version == document.version)
        else {
            return Err(corrupt(
                "an exported document",
                &format!("{}: live version missing", document.id),
            ));
        };
        let mut put = source(&document.id, live.clone());
        put.metadata = document.metadata.clone();
        let mut writes = vec![Write::Put {
            source: Box::new(put),
            origin: None,
        }];
        if let Some((version, at)) = document.next
            && let Some(next) = document.versions.iter().find(|v| v.version == version)
        {
            writes.push(Write::Schedule {
                source: Box::new(source(&document.id, next.clone())),
                at,
            });
        }
        if document.deleted {
            writes.push(Write::Delete(document.id.clone()));
        }
        let mut tx = self.begin().await?;
        lock(&mut tx, workspace).await?;
        let mut cursor = Cursor::read(&mut tx, workspace, self.now()).await?;
        let mut effect = Effect::NotFound;
        for (i, write) in writes.into_iter().enumerate() {
            let recorded = apply(&mut tx, workspace, &mut cursor, write).await?;
            if i == 0 {
                effect = recorded.effect;
            }
        }
        if known.is_none() {
            renumber(&mut tx, workspace, &document).await?;
        }
        cursor.save(&mut tx, workspace).await?;
        tx.commit().await?;
        Ok(effect)
    }

    /// Writes a consistent copy of the store into a new file, while the store is in use.
    ///
    /// # Errors
    /// The file exists, cannot be written, or the store is not SQLite.
    pub async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        if self.is_shared() {
            return Err(StoreError::LeftToPostgres(BACKUP));
        }
        copy_into(&self.durable, path).await
    }

    /// A message about damage that the database finds in itself; `None` if it finds none. On PostgreSQL only the
    /// connection is tested; its own `pg_amcheck` finds damage.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        if self.is_shared() {
            sqlx::query("SELECT 1").execute(&self.relaxed).await?;
            return Ok(None);
        }
        let (state,): (String,) = sqlx::query_as("PRAGMA quick_check(1)")
            .fetch_one(&self.relaxed)
            .await?;
        Ok((state != "ok").then_some(state))
    }

    /// Checks that a file is an intact backup.
    ///
    /// # Errors
    /// [`StoreError::Open`] with what is wrong.
    pub async fn check_backup(path: &Path) -> Result<(), StoreError> {
        let unsound = |detail: String| StoreError::Open {
            url: path.display().to_string(),
            detail,
        };
        if !path.is_file() {
            return Err(unsound("file not found".into()));
        }
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=ro", path.display());
        let pool = sqlx::AnyPool::connect(&url)
            .await
            .map_err(|e| unsound(e.to_string()))?;
        let checked: Result<(String,), _> = sqlx::query_as("PRAGMA integrity_check")
            .fetch_one(&pool)
            .await;
        let counted: Result<(i64,), _> = sqlx::query_as("SELECT COUNT(*) FROM workspaces")
            .fetch_one(&pool)
            .await;
        pool.close().await;
        match (checked, counted) {
            (Ok((state,)), Ok(_)) if state == "ok" => Ok(()),
            (Ok((state,)), Ok(_)) => Err(unsound(state)),
            (Err(error), _) | (_, Err(error)) => Err(unsound(format!("not a Ken backup: {error}"))),
        }
    }
}

/// What to use instead on PostgreSQL.
pub(super) const BACKUP: &str =
    "use `pg_dump` and `pg_restore`; `ken export` exports the knowledge only";

/// Writes a consistent copy of a database into a new file.
pub(super) async fn copy_into(pool: &sqlx::AnyPool, path: &Path) -> Result<(), StoreError> {
    let quoted = path.display().to_string().replace('\'', "''");
    let sql = format!("VACUUM INTO '{quoted}'");
    pool.execute(sqlx::AssertSqlSafe(sql)).await?;
    let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|e| StoreError::Open {
        url: path.display().to_string(),
        detail: e.to_string(),
    })
}

/// Replaces the versions of a document that was just imported by its exported ones, with their numbers.
async fn renumber(
    tx: &mut Transaction<'_, Any>,

    workspace: &WorkspaceId,
    document: &ExportedDocument,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM document_versions WHERE workspace = $1 AND document_id = $2")
        .bind(workspace.as_str())
        .bind(document.id.as_str())
        .execute(&mut **tx)
        .await?;
    for version in &document.versions {
        sqlx::query(
                "INSERT INTO document_versions (workspace, document_id, version, content_hash, metadata, raw, text, \
                 outline, chunks, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(workspace.as_str())
            .bind(document.id.as_str())
            .bind(version.version)
            .bind(&version.content_hash)
            .bind(to_json(&version.metadata))
            .bind(&version.raw)
            .bind(&version.text)
            .bind(to_json(&version.outline))
            .bind(to_json(&version.chunks))
            .bind(version.created_at.as_millisecond())
            .execute(&mut **tx)
            .await?;
    }
    let next = document.next.map(|(version, _)| version);
    // The import wrote the live version as 1 and the scheduled one as 2.
    for (sql, version) in [
        (
            "UPDATE chunks SET version = $1 WHERE workspace = $2 AND document_id = $3 AND version = 2",
            next,
        ),
        (
            "UPDATE documents SET next_version = $1 WHERE workspace = $2 AND id = $3 AND next_version = 2",
            next,
        ),
        (
            "UPDATE chunks SET version = $1 WHERE workspace = $2 AND document_id = $3 AND version = 1",
            Some(document.version),
        ),
        (
            "UPDATE documents SET version = $1 WHERE workspace = $2 AND id = $3",
            Some(document.version),
        ),
    ] {
        if let Some(version) = version {
            sqlx::query(sql)
                .bind(version)
                .bind(workspace.as_str())
                .bind(document.id.as_str())
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

fn exported_version(row: FullRow) -> Result<ExportedVersion, StoreError> {
    let (version, content_hash, metadata, raw, text, outline, chunks, created_at) = row;
    Ok(ExportedVersion {
        version,
        content_hash,
        metadata: from_json("a document's metadata", &metadata)?,
        raw,
        text,
        outline: from_json("a document's outline", &outline)?,
        chunks: from_json("a document's chunks", &chunks)?,
        created_at: time_of(created_at)?,
    })
}

/// A version as a source. Versions older than stored chunks become one chunk.
fn source(id: &DocumentId, version: ExportedVersion) -> Source {
    let whole = || NewChunk {
        heading_path: Vec::new(),
        span: Span::new(0, version.text.len()),
        note: ChunkNote::default(),
    };
    Source {
        id: id.clone(),
        chunks: match version.chunks.is_empty() {
            true => vec![whole()],
            false => version.chunks,
        },
        metadata: version.metadata,
        raw: version.raw,
        text: version.text,
        outline: version.outline,
        content_hash: version.content_hash,
    }
}

fn hash_of(document: &ExportedDocument) -> Option<&str> {
    let live = document
        .versions
        .iter()
        .find(|v| v.version == document.version);
    live.map(|version| version.content_hash.as_str())
}
