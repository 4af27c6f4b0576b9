//! Blocking work off the async threads.

use tokio::task::JoinError;

/// Runs work on a thread where it may block or compute; a panic there goes on here.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => carry_on(error).await,
    }
}

/// Goes on with a task's panic. One that was cancelled was so because the process ends: then whoever waits for it ends, too.
pub async fn carry_on<T>(error: JoinError) -> T {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
    }
}
