//! The last request that a platform made to each inbox, in the memory of this process for an hour: it shows what is wrong
//! with a connection. It may have words of a customer, so it is forgotten whenever something is erased.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use ken_base::desk::InboxId;
use ken_base::domain::WorkspaceId;

/// How long a request is kept.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// The last request that a platform made, in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastWebhook {
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many events it held; null if it was refused.
    pub n_events: Option<usize>,
    /// Why it was refused.
    pub error: Option<String>,
    /// Its body, the first 16 KiB.
    pub body: String,
}

type Lasts = HashMap<(WorkspaceId, InboxId), LastWebhook>;

/// The last request to each inbox of this process.
#[derive(Debug, Default)]
pub struct LastWebhooks(Mutex<Lasts>);

impl LastWebhooks {
    fn lasts(&self) -> MutexGuard<'_, Lasts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request. One that nobody signed replaces none that was signed: anyone could have sent it.
    pub fn put(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        last: LastWebhook,
        is_signed: bool,
    ) {
        let key = (workspace.clone(), inbox.clone());
        let mut lasts = self.lasts();
        drop_old(&mut lasts, last.at);
        let is_sound = |known: &LastWebhook| known.error.is_none();
        if is_signed || !lasts.get(&key).is_some_and(is_sound) {
            lasts.insert(key, last);
        }
    }

    /// The last request to an inbox within an hour; `None` if none came to this process.
    pub fn get(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        now: Timestamp,
    ) -> Option<LastWebhook> {
        let mut lasts = self.lasts();
        drop_old(&mut lasts, now);
        lasts.get(&(workspace.clone(), inbox.clone())).cloned()
    }

    /// Forgets the requests to the inboxes of a workspace, as when it is deleted.
    pub fn forget_workspace(&self, workspace: &WorkspaceId) {
        self.lasts().retain(|(of, _), _| of != workspace);
    }

    /// Forgets what is older than an hour.
    pub fn forget_old(&self, now: Timestamp) {
        drop_old(&mut self.lasts(), now);
    }
}

fn drop_old(lasts: &mut Lasts, now: Timestamp) {
    lasts.retain(|_, last| now.duration_since(last.at) < REMEMBERED);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, error: Option<&str>) -> LastWebhook {
        LastWebhook {
            at: Timestamp::from_second(second).unwrap(),
            n_events: error.is_none().then_some(1),
            error: error.map(str::to_owned),
            body: "退貨".to_owned(),
        }
    }

    fn names() -> (WorkspaceId, InboxId) {
        (
            WorkspaceId::parse("default").unwrap(),
            InboxId::parse("line").unwrap(),
        )
    }

    #[test]
    fn unsigned_request_replaces_no_signed_one_within_an_hour() {
        let (lasts, (workspace, inbox)) = (LastWebhooks::default(), names());
        let read = |second| {
            let now = Timestamp::from_second(second).unwrap();
            lasts.get(&workspace, &inbox, now)
        };
        lasts.put(&workspace, &inbox, at(0, None), true);
        lasts.put(&workspace, &inbox, at(10, Some("forged")), false);
        assert_eq!(read(20), Some(at(0, None)));
        lasts.put(&workspace, &inbox, at(3_600, Some("forged")), false);
        assert_eq!(read(3_601), Some(at(3_600, Some("forged"))));
        lasts.put(&workspace, &inbox, at(3_602, Some("malformed")), true);
        assert_eq!(read(3_603), Some(at(3_602, Some("malformed"))));
        assert_eq!(read(7_202), None, "an hour is over");
    }

    #[test]
    fn requests_are_forgotten_by_workspace_and_by_age() {
        let (lasts, (workspace, inbox)) = (LastWebhooks::default(), names());
        let other = WorkspaceId::parse("other").unwrap();
        lasts.put(&workspace, &inbox, at(0, None), true);
        lasts.put(&other, &inbox, at(60, None), true);
        lasts.forget_workspace(&other);
        assert_eq!(lasts.lasts().len(), 1);
        lasts.forget_old(Timestamp::from_second(3_600).unwrap());
        assert!(lasts.lasts().is_empty());
    }
}
