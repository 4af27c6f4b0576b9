//! Sets up tracing. Questions and document text are never logged above `debug`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogConfig;

/// Starts logging to standard error. A filter that cannot be read is reported and `info` used instead.
pub fn start(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|error| {
        eprintln!(
            "log.filter {:?} cannot be read ({error}); using info",
            config.filter
        );
        EnvFilter::new("info")
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
