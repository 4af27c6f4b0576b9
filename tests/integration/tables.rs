//! Tables written by third-party programs: each cell is answered with its row and column labels on web, LINE and voice.

use std::collections::BTreeMap;
use std::time::Duration;

use ken_base::domain::WorkspaceId;
use ken_knowledge::editing::files;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::support::{Answer, TestApp, read_passages, root};

/// What `tests/fixtures/tables/asked.json` says of a cell.
#[derive(Deserialize)]
struct Asked {
    file: String,
    question: String,
    value: Vec<String>,
    row: String,
    column: Words,
    #[serde(default)]
    not: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

/// Letters alone: figures are spoken in words, and channels differ in signs and space.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

fn close(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What is wrong with an answer as a channel shows it.
fn fault(asked: &Asked, channel: &str, answer: &Answer) -> Option<String> {
    if answer.outcome != "answered" {
        return Some(format!("{:?}", answer.decision()));
    }
    let shown = answer.rendered.messages.join("\n");
    // What follows is where it is from.
    let shown = shown.split("\n\n來源").next().unwrap();
    let shown = shown.split("\n\n来源").next().unwrap();
    let shown = shown.split("\n\nSources").next().unwrap();
    let whole = close(shown);
    let is_spoken = channel == "phone";
    let has_value = asked
        .value
        .iter()
        .any(|value| whole.contains(&close(value)));
    if !is_spoken && !has_value {
        return Some(format!("lacks {:?}: {shown}", asked.value[0]));
    }
    let columns = match &asked.column {
        Words::One(column) => vec![column],
        Words::Several(columns) => columns.iter().collect(),
    };
    for name in columns.into_iter().chain([&asked.row]) {
        let has_name = match is_spoken {
            true => letters(shown).contains(&letters(name)),
            false => whole.contains(&close(name)),
        };
        if !has_name {
            return Some(format!("lacks the name {name:?}: {shown}"));
        }
    }
    // On LINE the value stands right behind its column's name.
    if channel == "line" {
        let column = match &asked.column {
            Words::One(column) => column,
            Words::Several(columns) => columns.last().unwrap(),
        };
        let labelled = asked.value.iter().any(|value| {
            [":", "："]
                .iter()
                .any(|sign| whole.contains(&format!("{}{sign}{}", close(column), close(value))))
        });
        let wrong = asked.not.iter().find(|other| {
            [":", "："]
                .iter()
                .any(|sign| whole.contains(&format!("{}{sign}{}", close(column), close(other))))
        });
        if !labelled && wrong.is_some() {
            return Some(format!("another cell's value {wrong:?}: {shown}"));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn table_cell_questions_are_answered_with_row_labels() {
    let folder = root().join("tests/fixtures/tables");
    let asked = std::fs::read(folder.join("asked.json")).unwrap();
    let asked: Vec<Asked> = serde_json::from_slice(&asked).unwrap();
    let mut files: BTreeMap<&str, Vec<&Asked>> = BTreeMap::new();
    for cell in &asked {
        files.entry(&cell.file).or_default().push(cell);
    }
    assert!(files.len() >= 60, "{} files", files.len());
    let service = TestApp::start_with(read_passages).await;
    let mut faults: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, (file, cells)) in files.iter().enumerate() {
        let workspace = WorkspaceId::parse(&format!("t{number}")).unwrap();
        let report = files::ingest(
            service.app.ingester(),
            &workspace,
            &[folder.join(file)],
            files::IngestOptions::default(),
            |_, _| {},
        )
        .await
        .unwrap();
        assert_eq!(report.failed, [], "{file}");
        service.app.follower.wake();
        let wait = Duration::from_secs(120);
        let indexed = service
            .app
            .follower
            .wait_for(&workspace, report.revision, wait);
        assert!(indexed.await, "{file}");
        for cell in cells {
            for channel in ["web", "line", "phone"] {
                let url = format!("{}/v1/answers", service.address);
                let request = service.client.request(Method::POST, url);
                let request = request
                    .header("X-Ken-Workspace", workspace.as_str())
                    .json(&json!({ "question": cell.question, "channel": channel }));
                let answer: Answer = request.send().await.unwrap().json().await.unwrap();
                if let Some(fault) = fault(cell, channel, &answer) {
                    let fault = format!("{file} ({channel}): {}: {fault}", cell.question);
                    faults.entry(channel).or_default().push(fault);
                }
            }
        }
    }
    service.stop().await;
    let n_cells = asked.len();
    for (channel, faults) in &faults {
        println!("{channel}: {} of {n_cells} cells", n_cells - faults.len());
    }
    for fault in faults.values().flatten() {
        println!("{fault}");
    }
    for channel in ["web", "line", "phone"] {
        let n_faults = faults.get(channel).map_or(0, Vec::len);
        let share = (n_cells - n_faults) as f64 / n_cells as f64;
        assert!(share >= FLOOR, "{channel}: {share:.3}");
    }
}

/// Just under what was measured (docs/measured/files.md).
const FLOOR: f64 = 0.86;
