//! Hostile files are parsed or rejected with a reason, within the limits of time and memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use ken_base::config::IngestConfig;
use ken_ingest::ingest::worker::FileReader;
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

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_contained_within_limits() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("python3")
        .arg(root().join("tests/fixtures/hostile/make.py"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
    let manifest: BTreeMap<String, Expectation> = serde_json::from_slice(&manifest).unwrap();
    assert!(manifest.len() >= 60);
    // What has to be read has the default's time; of the rest those that run into a limit do not take the test's.
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
            let reader = if expected.expect == "read" {
                &patient
            } else {
                &hasty
            };
            let path = folder.path().join(name);
            async move {
                let bytes = tokio::fs::read(&path).await.unwrap();
                let start = Instant::now();
                // Waiting for a free worker is no reading.
                let outcome = reader.read(name, bytes).await;
                (name, expected, outcome, start.elapsed())
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
        let (text, reason) = match outcome {
            Ok(parsed) => {
                let mut texts: Vec<&str> = parsed.sources.iter().map(|s| s.text.as_str()).collect();
                let reasons: Vec<&str> = parsed
                    .failed
                    .iter()
                    .map(|(_, reason)| reason.as_str())
                    .collect();
                for source in &parsed.sources {
                    for chunk in &source.chunks {
                        let inside = chunk
                            .span
                            .slice(&source.text)
                            .is_some_and(|text| !text.trim().is_empty());
                        assert!(inside, "{name}: {:?}", chunk.span);
                    }
                }
                texts.retain(|text| !text.is_empty());
                (texts.join("\n"), reasons.join("\n"))
            }
            Err(error) => (String::new(), error.to_string()),
        };
        println!(
            "{:>6} ms {name}: {} bytes; {}",
            took.as_millis(),
            text.len(),
            reason.chars().take(160).collect::<String>()
        );
        if text.is_empty() {
            n_refused += 1;
        } else {
            n_read += 1;
        }
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut fault = |what: String| faults.push(format!("{name} ({}): {what}", expected.what));
        if text.is_empty() && reason.is_empty() {
            fault("neither text nor reason".into());
        }
        if text.is_empty() && !reason.to_lowercase().contains(&expected.hint) {
            fault(format!("expected {:?} in {reason:?}", expected.hint));
        }
        match expected.expect.as_str() {
            "read" if text.is_empty() => fault(format!("was refused: {reason}")),
            "refused" if !text.is_empty() => fault(format!(
                "was read: {}",
                &text[..text.floor_char_boundary(80)]
            )),
            _ => {}
        }
        if let Some(words) = &expected.contains
            && expected.expect == "read"
            && !flat.contains(words.as_str())
        {
            fault(format!(
                "lacks {words:?}: {}",
                &flat[..flat.floor_char_boundary(200)]
            ));
        }
        if let Some(words) = &expected.forbid
            && flat.contains(words.as_str())
        {
            fault(format!("has {words:?}"));
        }
    }
    println!("{n_read} read, {n_refused} refused, slowest {slowest:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A quarter of the default's memory, and more than its share of text: 64 MiB, the most that is read, take half of it.
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
