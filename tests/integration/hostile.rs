//! Hostile files are parsed or rejected with a reason, within the limits of time and memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use ken_base::config::IngestConfig;
use ken_ingest::ingest::worker::FileReader;
use ken_ingest::ingest::{IngestError, Parsed};
use serde::Deserialize;

use crate::support::root;

#[derive(Deserialize)]
struct Expectation {
    what: String,
    expect: String,
    #[serde(default)]
    hint: String,
    forbid: Option<String>,
    contains: Option<String>,
}

/// Writes the hostile files into a folder. Returns what is expected of each, by name.
fn make_files(folder: &Path) -> BTreeMap<String, Expectation> {
    let made = Command::new("python3")
        .arg(root().join("tests/fixtures/hostile/make.py"))
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    serde_json::from_slice(&manifest).unwrap()
}

/// The text of a parsed file and the reasons for rejected parts.
struct Outcome {
    text: String,
    reason: String,
}

impl Outcome {
    /// The spans of all chunks have to lie inside the text.
    fn of(name: &str, parsed: Result<Parsed, IngestError>) -> Self {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                let (text, reason) = (String::new(), error.to_string());
                return Self { text, reason };
            }
        };
        for source in &parsed.sources {
            for chunk in &source.chunks {
                let text = chunk.span.slice(&source.text);
                let inside = text.is_some_and(|text| !text.trim().is_empty());
                assert!(inside, "{name}: {:?}", chunk.span);
            }
        }
        let texts = parsed.sources.iter().map(|source| source.text.as_str());
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        let reasons = parsed.failed.iter().map(|(_, reason)| reason.as_str());
        let reasons: Vec<&str> = reasons.collect();
        Self {
            text: texts.join("\n"),
            reason: reasons.join("\n"),
        }
    }

    /// How it differs from what is expected.
    fn faults(&self, expected: &Expectation) -> Vec<String> {
        let Self { text, reason } = self;
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut faults = Vec::new();
        if text.is_empty() && reason.is_empty() {
            faults.push("neither text nor reason".to_owned());
        }
        if text.is_empty() && !reason.to_lowercase().contains(&expected.hint) {
            faults.push(format!("expected {:?} in {reason:?}", expected.hint));
        }
        match expected.expect.as_str() {
            "read" if text.is_empty() => faults.push(format!("was refused: {reason}")),
            "refused" if !text.is_empty() => {
                let start = &text[..text.floor_char_boundary(80)];
                faults.push(format!("was read: {start}"));
            }
            _ => {}
        }
        if let Some(words) = &expected.contains
            && expected.expect == "read"
            && !flat.contains(words.as_str())
        {
            let start = &flat[..flat.floor_char_boundary(200)];
            faults.push(format!("lacks {words:?}: {start}"));
        }
        if let Some(words) = &expected.forbid
            && flat.contains(words.as_str())
        {
            faults.push(format!("has {words:?}"));
        }
        faults
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_contained_within_limits() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = make_files(folder.path());
    assert!(manifest.len() >= 60);
    // Files that have to be read get the default's time. The others get less, so that files that run into a limit do not
    // slow the test down.
    let with_limit = |timeout_ms: u64| IngestConfig {
        reader: Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read"),
        timeout_ms,
        ..IngestConfig::default()
    };
    let patient = with_limit(IngestConfig::default().timeout_ms);
    let limit = Duration::from_millis(patient.timeout_ms) + Duration::from_secs(2);
    let (patient, hasty) = (
        FileReader::new(&patient),
        FileReader::new(&with_limit(5_000)),
    );
    let mut outcomes = stream::iter(&manifest)
        .map(|(name, expected)| {
            let must_be_read = expected.expect == "read";
            let reader = if must_be_read { &patient } else { &hasty };
            let path = folder.path().join(name);
            async move {
                let bytes = tokio::fs::read(&path).await.unwrap();
                // The wait for a free worker does not count.
                let start = Instant::now();
                let parsed = reader.read(name, bytes).await;
                (name, expected, Outcome::of(name, parsed), start.elapsed())
            }
        })
        .buffer_unordered(IngestConfig::default().readers);
    let mut faults = Vec::new();
    let (mut n_read, mut n_refused, mut slowest) = (0, 0, Duration::ZERO);
    while let Some((name, expected, outcome, took)) = outcomes.next().await {
        slowest = slowest.max(took);
        if took > limit {
            faults.push(format!("{name} took {took:?}"));
        }
        let reason: String = outcome.reason.chars().take(160).collect();
        let (ms, n_bytes) = (took.as_millis(), outcome.text.len());
        println!("{ms:>6} ms {name}: {n_bytes} bytes; {reason}");
        match outcome.text.is_empty() {
            true => n_refused += 1,
            false => n_read += 1,
        }
        let found = outcome.faults(expected).into_iter();
        faults.extend(found.map(|fault| format!("{name} ({}): {fault}", expected.what)));
    }
    println!("{n_read} read, {n_refused} refused, slowest {slowest:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A quarter of the default memory suffices for 12 MiB of text. With the default, the largest text (64 MiB) takes half of the
/// memory.
#[tokio::test(flavor = "multi_thread")]
async fn large_plain_file_fits_reader_memory() {
    let reader = FileReader::new(&IngestConfig {
        reader: Path::new(env!("CARGO_BIN_EXE_ken")).with_file_name("ken-read"),
        memory_bytes: IngestConfig::default().memory_bytes / 4,
        timeout_ms: 180_000,
        readers: 1,
        ..IngestConfig::default()
    });
    let paragraph =
        "退款會在七個工作天內退回付款帳戶 unless the DoorMat K1 was opened. ".repeat(20) + "\n\n";
    let text = paragraph.repeat((12 << 20) / paragraph.len());
    for time in ["first", "second"] {
        let parsed = reader.read("large.txt", text.clone().into_bytes()).await;
        let parsed = parsed.unwrap_or_else(|error| panic!("the {time} time: {error}"));
        let read: usize = parsed.sources.iter().map(|source| source.text.len()).sum();
        assert!(read >= text.len() - paragraph.len(), "{time}: {read}");
    }
}
