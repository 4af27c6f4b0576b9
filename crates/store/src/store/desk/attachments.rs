//! Files of messages: which are stored, and which messages have them. Their content is beside the store.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{DeskTx, ms};
use crate::store::{MAX_IN, Store, StoreError, corrupt, placeholders};
use ken_base::desk::{ConversationId, IdentityId, InboxId, MessageId, Part};
use ken_base::domain::WorkspaceId;

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The name of the file beside the store.
    pub id: String,
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// Its type, as found in its content.
    pub content_type: String,
    /// Its size in bytes.
    pub n_bytes: u64,
}

type FileRow = (String, String, String, i64);

fn file((id, sha256, content_type, n_bytes): FileRow) -> Result<StoredFile, StoreError> {
    Ok(StoredFile {
        id,
        sha256,
        content_type,
        n_bytes: u64::try_from(n_bytes).map_err(|error| corrupt("a file's size", &error))?,
    })
}

impl DeskTx {
    /// Records which files a message has.
    pub(super) async fn attach(
        &mut self,
        workspace: &WorkspaceId,
        message: &MessageId,
        parts: &[Part],
    ) -> Result<(), StoreError> {
        for part in parts {
            let Part::Attachment { sha256, .. } = part else {
                continue;
            };
            sqlx::query(
                "INSERT INTO message_attachments (workspace, message_id, sha256) VALUES ($1, $2, $3) \
                 ON CONFLICT (workspace, message_id, sha256) DO NOTHING",
            )
            .bind(workspace.as_str())
            .bind(message.as_str())
            .bind(sha256)
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    /// Takes the files from the messages of a conversation that were written before a time. Those that no other message has
    /// are marked for removal.
    pub(super) async fn detach(
        &mut self,
        workspace: &WorkspaceId,
        conversation: &ConversationId,
        before: i64,
    ) -> Result<(), StoreError> {
        let files: Vec<(String,)> = sqlx::query_as(
            "DELETE FROM message_attachments WHERE workspace = $1 AND message_id IN \
             (SELECT id FROM messages WHERE workspace = $1 AND conversation_id = $2 AND at < $3 AND erased_at IS NULL) \
             RETURNING sha256",
        )
        .bind(workspace.as_str())
        .bind(conversation.as_str())
        .bind(before)
        .fetch_all(&mut *self.tx)
        .await?;
        for (sha256,) in files {
            sqlx::query(
                "UPDATE attachments SET state = 'removing' WHERE workspace = $1 AND sha256 = $2 AND state = 'stored' \
                 AND NOT EXISTS (SELECT 1 FROM message_attachments m WHERE m.workspace = $1 AND m.sha256 = $2)",
            )
            .bind(workspace.as_str())
            .bind(&sha256)
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }
}

impl Store {
    /// The stored file with this content, which stays for at least a day from now; `None` if there is none.
    pub async fn use_file(
        &self,
        workspace: &WorkspaceId,
        sha256: &str,
    ) -> Result<Option<StoredFile>, StoreError> {
        let row: Option<FileRow> = sqlx::query_as(
            "UPDATE attachments SET used_at = $1 WHERE workspace = $2 AND sha256 = $3 AND state = 'stored' \
             RETURNING id, sha256, content_type, n_bytes",
        )
        .bind(self.now_ms())
        .bind(workspace.as_str())
        .bind(sha256)
        .fetch_optional(&self.durable)
        .await?;
        row.map(file).transpose()
    }

    /// The stored file with this content.
    pub async fn file(
        &self,
        workspace: &WorkspaceId,
        sha256: &str,
    ) -> Result<Option<StoredFile>, StoreError> {
        let row: Option<FileRow> = sqlx::query_as(
            "SELECT id, sha256, content_type, n_bytes FROM attachments \
             WHERE workspace = $1 AND sha256 = $2 AND state = 'stored'",
        )
        .bind(workspace.as_str())
        .bind(sha256)
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(file).transpose()
    }

    /// The file with this content, with the name that it has in a message with one of some identities on an inbox; `None`
    /// if no such message has it.
    pub async fn file_with(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        identities: &[IdentityId],
        sha256: &str,
    ) -> Result<Option<StoredFile>, StoreError> {
        if identities.is_empty() {
            return Ok(None);
        }
        let sql = format!(
            "SELECT 1 FROM message_attachments a JOIN messages m ON m.workspace = a.workspace AND m.id = a.message_id \
             JOIN conversations c ON c.workspace = m.workspace AND c.id = m.conversation_id \
             LEFT JOIN deliveries d ON d.workspace = m.workspace AND d.message_id = m.id \
             WHERE a.workspace = $1 AND a.sha256 = $2 AND m.inbox_id = $3 AND m.direction IN ('in', 'out') \
             AND (d.state IS NULL OR d.state NOT IN ('cancelled', 'expired', 'failed')) AND c.identity_id IN ({}) LIMIT 1",
            crate::store::placeholders(4, identities.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(sha256)
            .bind(inbox.as_str());
        for identity in identities {
            query = query.bind(identity.as_str());
        }
        let row: Option<(i32,)> = query.fetch_optional(&self.relaxed).await?;
        match row {
            Some(_) => self.file(workspace, sha256).await,
            None => Ok(None),
        }
    }

    /// Begins to store a file. It is not found before [`Store::end_file`].
    pub async fn begin_file(
        &self,
        workspace: &WorkspaceId,
        file: &StoredFile,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO attachments (workspace, id, sha256, content_type, n_bytes, state, used_at) \
             VALUES ($1, $2, $3, $4, $5, 'storing', $6)",
        )
        .bind(workspace.as_str())
        .bind(&file.id)
        .bind(&file.sha256)
        .bind(&file.content_type)
        .bind(i64::try_from(file.n_bytes).unwrap_or(i64::MAX))
        .bind(self.now_ms())
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Marks a file as stored. Returns false, and marks it for removal, if another file with its content is stored, or its
    /// workspace was deleted.
    pub async fn end_file(
        &self,
        workspace: &WorkspaceId,
        file: &StoredFile,
    ) -> Result<bool, StoreError> {
        let stored = sqlx::query(
            "UPDATE attachments SET state = 'stored' WHERE workspace = $1 AND id = $2 AND state = 'storing' AND NOT EXISTS \
             (SELECT 1 FROM attachments o WHERE o.workspace = $1 AND o.sha256 = $3 AND o.state = 'stored')",
        )
        .bind(workspace.as_str())
        .bind(&file.id)
        .bind(&file.sha256)
        .execute(&self.durable)
        .await;
        match stored {
            Ok(done) if done.rows_affected() > 0 => return Ok(true),
            Ok(_) => {}
            // Another process stored the same content in between.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
            Err(error) => return Err(error.into()),
        }
        sqlx::query("UPDATE attachments SET state = 'removing' WHERE workspace = $1 AND id = $2")
            .bind(workspace.as_str())
            .bind(&file.id)
            .execute(&self.durable)
            .await?;
        Ok(false)
    }

    /// Marks files for removal that no message has and nobody used since a time.
    pub async fn drop_unused_files(&self, kept: SignedDuration) -> Result<u64, StoreError> {
        let before = self.now().saturating_sub(kept).unwrap_or(Timestamp::MIN);
        let dropped = sqlx::query(
            "UPDATE attachments SET state = 'removing' WHERE state <> 'removing' AND used_at < $1 AND (state = 'storing' \
             OR NOT EXISTS (SELECT 1 FROM message_attachments m WHERE m.workspace = attachments.workspace \
             AND m.sha256 = attachments.sha256))",
        )
        .bind(ms(Some(before)).unwrap_or(i64::MIN))
        .execute(&self.durable)
        .await?;
        Ok(dropped.rows_affected())
    }

    /// Files that are to be removed, at most `limit`.
    pub async fn files_to_remove(
        &self,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, String)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT workspace, id FROM attachments WHERE state = 'removing' ORDER BY workspace, id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        let parse = |(workspace, id): (String, String)| {
            Ok((WorkspaceId::parse(&workspace).map_err(super::invalid)?, id))
        };
        rows.into_iter().map(parse).collect()
    }

    /// Forgets a file that was removed.
    pub async fn end_removal(&self, workspace: &WorkspaceId, id: &str) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM attachments WHERE workspace = $1 AND id = $2 AND state = 'removing'",
        )
        .bind(workspace.as_str())
        .bind(id)
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Which of these names of files have a row in any state.
    pub async fn known_files(
        &self,
        workspace: &WorkspaceId,
        ids: &[String],
    ) -> Result<HashSet<String>, StoreError> {
        let mut known = HashSet::new();
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT id FROM attachments WHERE workspace = $1 AND id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id);
            }
            let rows: Vec<(String,)> = query.fetch_all(&self.relaxed).await?;
            known.extend(rows.into_iter().map(|(id,)| id));
        }
        Ok(known)
    }

    /// The stored files of a workspace after an id, in order of their ids, at most `limit`.
    pub async fn files(
        &self,
        workspace: &WorkspaceId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<StoredFile>, StoreError> {
        let rows: Vec<FileRow> = sqlx::query_as(
            "SELECT id, sha256, content_type, n_bytes FROM attachments \
             WHERE workspace = $1 AND state = 'stored' AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(workspace.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(&self.relaxed)
        .await?;
        rows.into_iter().map(file).collect()
    }
}
