//! What waits on the desk, for metrics.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::parse_code;
use crate::store::{Store, StoreError, time_of};
use ken_base::desk::ChannelKind;

/// Work that is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How much.
    pub n: i64,
    /// Since when the oldest is due; `None` if nothing is.
    pub since: Option<Timestamp>,
}

/// What is due in all workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeskBacklog {
    /// Deliveries that are due, by channel: queued ones, and those whose attempt never ended. A channel without an inbox is
    /// missing.
    pub deliveries: BTreeMap<ChannelKind, Waiting>,
    /// Answers of the bot that are due.
    pub replies: Waiting,
}

/// What is due at `$1`, by channel: the empty name is that of answers. Each channel with an inbox has a row.
const BACKLOG: &str = "SELECT channel, COUNT(since), COALESCE(MIN(since), 0) FROM ( \
     SELECT channel, CAST(NULL AS BIGINT) AS since FROM inboxes \
     UNION ALL SELECT i.channel, d.next_at FROM deliveries d \
     JOIN messages m ON m.workspace = d.workspace AND m.id = d.message_id \
     JOIN inboxes i ON i.workspace = m.workspace AND i.id = m.inbox_id \
     WHERE d.next_at <= $1 \
     UNION ALL SELECT '', reply_due_at FROM conversations WHERE reply_due_at <= $1 \
     ) AS due GROUP BY channel";

impl Store {
    /// What is due at a time, in one query.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn desk_backlog(&self, at: Timestamp) -> Result<DeskBacklog, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(BACKLOG)
            .bind(at.as_millisecond())
            .fetch_all(&self.relaxed)
            .await?;
        let mut backlog = DeskBacklog::default();
        for (channel, n, since) in rows {
            let since = (n > 0).then(|| time_of(since)).transpose()?;
            let waiting = Waiting { n, since };
            match channel.as_str() {
                "" => backlog.replies = waiting,
                name => {
                    let channel = parse_code("a channel", name)?;
                    backlog.deliveries.insert(channel, waiting);
                }
            }
        }
        Ok(backlog)
    }
}
