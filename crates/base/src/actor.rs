//! The actor of the current task. The audit log records changes under its name.

use std::sync::Arc;

tokio::task_local! {
    static ACTOR: Arc<str>;
    static AS_SYSTEM: ();
}

/// Name of the service as the actor of its own changes.
pub const SERVICE: &str = "ken";

/// Runs `work` on behalf of `actor`. The audit log records its changes under that name.
pub async fn as_actor<T>(actor: impl Into<Arc<str>>, work: impl Future<Output = T>) -> T {
    ACTOR.scope(actor.into(), work).await
}

/// Runs work that the service does on its own initiative. Such work writes to existing workspaces only and creates
/// none, so a workspace that is deleted meanwhile stays deleted.
pub async fn as_system<T>(work: impl Future<Output = T>) -> T {
    AS_SYSTEM.scope((), work).await
}

/// Whether the current task may create a missing workspace: false within [`as_system`].
pub fn may_create_workspaces() -> bool {
    AS_SYSTEM.try_with(|()| ()).is_err()
}

/// The current actor; [`SERVICE`] outside of [`as_actor`].
pub fn actor() -> Arc<str> {
    ACTOR.try_with(Clone::clone).unwrap_or(SERVICE.into())
}
