//! Sets up tracing. Questions and document text are never logged above `debug`; what an error message brings along is logged
//! without personal data.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;

use regex::Regex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogConfig;
use crate::redact::Redactor;

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
        .with_writer(Masking::new(std::io::stderr));
    // Only a second call in one process fails, and then the first one's setting stands.
    let _ = match config.json {
        true => subscriber.json().try_init(),
        false => subscriber.compact().try_init(),
    };
}

/// Writes log lines without personal data.
pub struct Masking<M> {
    inner: M,
    redactor: Redactor,
}

impl<M> Masking<M> {
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            redactor: Redactor::default(),
        }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Masking<M> {
    type Writer = MaskingWriter<'a, M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskingWriter {
            inner: self.inner.make_writer(),
            redactor: &self.redactor,
        }
    }
}

/// Writes what it is given, a whole line at a time as the formatter does, without personal data.
pub struct MaskingWriter<'a, W> {
    inner: W,
    redactor: &'a Redactor,
}

impl<W: Write> Write for MaskingWriter<'_, W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.inner
            .write_all(masked(&String::from_utf8_lossy(line), self.redactor).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// A line without personal data; times and the ids of requests, answers and cases stay what they are.
fn masked(line: &str, redactor: &Redactor) -> String {
    static OURS: LazyLock<Regex> = LazyLock::new(|| {
        let time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?";
        let uuid = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}";
        let id = r"\b(?:[a-z]{2,8}_)?[0-9a-f]{16,64}\b";
        Regex::new(&format!("{time}|{uuid}|{id}")).expect("the pattern is fixed and tested")
    });
    let mut out = String::with_capacity(line.len());
    let mut from = 0;
    for ours in OURS.find_iter(line) {
        // Sixteen digits and no letter are a card's rather than an id.
        if ours.as_str().bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        out.push_str(&redactor.mask(&line[from..ours.start()]));
        out.push_str(ours.as_str());
        from = ours.end();
    }
    out.push_str(&redactor.mask(&line[from..]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_personal_data_and_keep_times_and_ids() {
        let redactor = Redactor::default();
        let kept = "2026-11-23T13:27:31.363851Z ERROR request{id=7b0c2d5e-93a1-4f6e-8a35-0f6f2d1b9c44}: ken::cases: case_0123456789abcdef01234567 waits";
        assert_eq!(masked(kept, &redactor), kept);
        let line = "WARN ken::llm: 400: invalid user amy.lin@example.com, 0912-345-678, card 4111111111111111 in case_0123456789abcdef01234567";
        let masked = masked(line, &redactor);
        for gone in ["amy.lin", "0912", "4111111111111111"] {
            assert!(!masked.contains(gone), "{masked}");
        }
        assert!(
            masked.contains("case_0123456789abcdef01234567")
                && masked.contains("400: invalid user"),
            "{masked}"
        );
    }
}
