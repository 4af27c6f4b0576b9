//! Up to where the mailboxes of inboxes were read.

use jiff::Timestamp;

use crate::store::{Store, StoreError, corrupt};
use ken_base::desk::InboxId;
use ken_base::domain::WorkspaceId;

/// A position in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPosition {
    /// Which mailbox: host, port, user and folder, a line each.
    pub mailbox: String,
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
        let row: Option<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT mailbox, uid_validity, uid, since FROM mail_cursors WHERE workspace = $1 AND inbox_id = $2",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .fetch_optional(&self.relaxed)
        .await?;
        let number = |n: i64| u32::try_from(n).map_err(|error| corrupt("a mail's number", &error));
        row.map(|(mailbox, uid_validity, uid, since)| {
            Ok(MailPosition {
                mailbox,
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
        at: &MailPosition,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO mail_cursors (workspace, inbox_id, mailbox, uid_validity, uid, since) \
             SELECT workspace, id, $3, $4, $5, $6 FROM inboxes WHERE workspace = $1 AND id = $2 AND disconnected_at IS NULL \
             ON CONFLICT (workspace, inbox_id) DO UPDATE SET mailbox = excluded.mailbox, uid_validity = excluded.uid_validity, \
             uid = excluded.uid, since = excluded.since",
        )
        .bind(workspace.as_str())
        .bind(inbox.as_str())
        .bind(&at.mailbox)
        .bind(i64::from(at.uid_validity))
        .bind(i64::from(at.uid))
        .bind(at.since.as_second())
        .execute(&self.durable)
        .await?;
        Ok(())
    }
}
