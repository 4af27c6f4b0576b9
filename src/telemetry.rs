//! Sets up logging and tracing. Questions and document text are logged at `debug` only. Personal data in log lines is
//! masked.

use std::io::{IsTerminal, Write};
use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use regex::Regex;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use ken_base::config::LogConfig;
use ken_base::outbound;
use ken_text::redact::Redactor;

/// Flushes the remaining spans when it is dropped at the end of the process.
#[must_use = "what is not sent yet is lost"]
pub struct Exporting(Option<SdkTracerProvider>);

impl Drop for Exporting {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.as_ref().map(SdkTracerProvider::shutdown) {
            eprintln!("cannot flush traces: {error}");
        }
    }
}

/// The exporter of spans. If the collector is unavailable, spans are lost without other effects.
fn exporter(url: &str) -> Result<SdkTracerProvider, String> {
    outbound::choose_cryptography();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", url.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let about = Resource::builder().with_service_name("ken").build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(about)
        .build())
}

/// The time limit for one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts logging to standard error with the configured filter, or `default` without one. An invalid filter is reported
/// and `default` is used.
pub fn start(config: &LogConfig, default: &str) -> Exporting {
    let filter = config.filter.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("invalid log.filter {filter:?} ({error}); using {default}");
        EnvFilter::new(default)
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(Masking::new(std::io::stderr));
    let lines = match config.json {
        true => lines.json().boxed(),
        false => lines.compact().boxed(),
    };
    let provider = match config.otlp_url.as_str() {
        "" => None,
        url => exporter(url)
            .inspect_err(|error| eprintln!("log.otlp_url: {error}; trace export disabled"))
            .ok(),
    };
    // Only Ken's own spans, which hold no questions. The exporter's own requests are not exported.
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("ken"))
            .with_filter(Targets::new().with_target("ken", Level::INFO))
    });
    // Only a second call in one process fails; then the first one's setup stays.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init();
    Exporting(provider)
}

/// A writer of log lines that masks personal data.
pub struct Masking<M> {
    inner: M,
    redactor: Redactor,
}

impl<M> Masking<M> {
    /// Masks the lines written to `inner`.
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

/// Writes whole lines, as the formatter passes them, without personal data.
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

/// A line without personal data. Timestamps and ids of requests, answers and cases stay unchanged.
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
        // Digits without a letter are more likely a card number than an id.
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
    fn log_line_masks_personal_data_and_keeps_times_and_ids() {
        let redactor = Redactor::default();
        let kept = "2026-11-23T13:27:31.363851Z ERROR request{id=7b0c2d5e-93a1-4f6e-8a35-0f6f2d1b9c44}: ken_learn::cases: case_0123456789abcdef01234567 waits";
        assert_eq!(masked(kept, &redactor), kept);
        let line = "WARN ken_answer::llm: 400: invalid user amy.lin@example.com, 0912-345-678, card 4111111111111111 in case_0123456789abcdef01234567";
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
