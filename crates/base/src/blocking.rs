//! Blocking work off the async threads.

use tokio::task::JoinError;

/// Runs `work` on a thread where it may block or compute, and returns its result. A panic of `work` resumes in the
/// caller.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => resume_panic(error).await,
    }
}

/// Resumes the panic of a task. A task is cancelled only when the process ends; then this future never completes, so
/// that the caller ends with the process.
pub async fn resume_panic<T>(error: JoinError) -> T {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
    }
}
