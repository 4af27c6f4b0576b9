//! Sets up tracing. Questions and document text are never logged above `debug`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// Starts logging to standard error, by `default` where no filter is set. A filter that cannot be read is reported
/// and `default` used instead.
pub fn start(config: &LogConfig, default: &str) {
    let filter = config.filter.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("log.filter {filter:?} cannot be read ({error}); using {default}");
        EnvFilter::new(default)
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Only a second call in one process fails, and then the first one's setting stands.
    let _ = match config.json {
        true => subscriber.json().try_init(),
        false => subscriber.compact().try_init(),
    };
}
