//! Up to where the mailboxes of inboxes were read.

use jiff::Timestamp;

use crate::store::{Store, StoreError, corrupt};
use ken_base::desk::InboxId;
use ken_base::domain::WorkspaceId;

/// A position in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailPosition {
    /// The server's number of the mailbox's numbering.
    pub uid_validity: u32,
    /// The number of the last mail that was read.
    pub uid: u32,
    /// Mails that the server received before this are not read; whole seconds.
    pub since: Timestamp,
}

impl Store {
    /// Up to where the mailbox of an inbox was read; `None` if it never was.
    pub async fn mail_position(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
    ) -> Result<Option<MailPosition>, StoreError> {
        let row: Option<(i64, i64, i64)> = sqlx::query_as(
            "SELECT uid_validity, uid, since FROM mail_cursors WHERE workspace = $1 AND inbox_id = $2",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .fetch_optional(&self.relaxed)
        .await?;
        let number = |n: i64| u32::try_from(n).map_err(|error| corrupt("a mail's number", &error));
        row.map(|(uid_validity, uid, since)| {
            Ok(MailPosition {
                uid_validity: number(uid_validity)?,
                uid: number(uid)?,
                since: Timestamp::from_second(since).map_err(|e| corrupt("a time", &e))?,
            })
        })
        .transpose()
    }

    /// Keeps up to where the mailbox of an inbox was read.
    pub async fn put_mail_position(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        at: MailPosition,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO mail_cursors (workspace, inbox_id, uid_validity, uid, since) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace, inbox_id) DO UPDATE SET uid_validity = excluded.uid_validity, uid = excluded.uid, \
             since = excluded.since",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .bind(i64::from(at.uid_validity))
        .bind(i64::from(at.uid))
        .bind(at.since.as_second())
        .execute(&self.durable)
        .await?;
        Ok(())
    }
}
