//! Who acts: what is changed is noted under their name.

use std::sync::Arc;

tokio::task_local! {
    static ACTOR: Arc<str>;
    static BY_ITSELF: ();
}

/// Who the service is where it acts by itself.
pub const SERVICE: &str = "ken";

/// Runs what somebody has asked for; what it changes is noted under their name.
pub async fn acting<T>(actor: impl Into<Arc<str>>, work: impl Future<Output = T>) -> T {
    ACTOR.scope(actor.into(), work).await
}

/// Runs what the service does by itself: it writes to workspaces that there are, and makes none, so that one that is deleted
/// meanwhile stays deleted.
pub async fn by_itself<T>(work: impl Future<Output = T>) -> T {
    BY_ITSELF.scope((), work).await
}

/// Whether a write of whoever acts may make a workspace that is not there.
pub fn makes_workspaces() -> bool {
    BY_ITSELF.try_with(|()| ()).is_err()
}

/// Who is acting; the service itself where nobody has asked.
pub fn actor() -> Arc<str> {
    ACTOR.try_with(Clone::clone).unwrap_or(SERVICE.into())
}
