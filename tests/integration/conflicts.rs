//! Contradictions are distinguished from paraphrases and different cases on the judged pairs in corpus/conflicts.

use ken::app::default_workspace;
use ken_knowledge::editing::lint::{LintFindingKind, lint};
use ken_text::conflict::{Relation, Statement, compare};
use serde::Deserialize;

use crate::support::{TestApp, embedder, root};

#[derive(Deserialize)]
struct Pair {
    id: String,
    a: Side,
    b: Side,
    conflict: bool,
    why: String,
    part: String,
}

#[derive(Deserialize)]
struct Side {
    title: String,
    text: String,
}

impl Side {
    fn statement(&self) -> Statement<'_> {
        Statement {
            title: &self.title,
            text: &self.text,
        }
    }
}

fn pairs() -> Vec<Pair> {
    let raw = std::fs::read_to_string(root().join("corpus/conflicts/pairs.jsonl")).unwrap();
    raw.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Precision and recall of `Conflict` on one part. Prints the errors.
fn measure(part: &str) -> (f64, f64) {
    let (mut hits, mut false_alarms, mut missed) = (0.0, 0.0, 0.0);
    for pair in pairs().iter().filter(|pair| pair.part == part) {
        let texts = [&pair.a, &pair.b].map(|side| format!("{}\n{}", side.title, side.text));
        let vectors = embedder().embed_passages(texts.to_vec()).unwrap();
        let similarity: f32 = vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum();
        let found = compare(pair.a.statement(), pair.b.statement(), Some(similarity));
        let is_conflict = matches!(found, Relation::Conflict(_));
        match (is_conflict, pair.conflict) {
            (true, true) => hits += 1.0,
            (true, false) => false_alarms += 1.0,
            (false, true) => missed += 1.0,
            (false, false) => {}
        }
        if is_conflict != pair.conflict {
            println!(
                "{} {} ({}): {similarity:.3} {found:?}",
                part, pair.id, pair.why
            );
        }
    }
    (hits / (hits + false_alarms), hits / (hits + missed))
}

#[tokio::test(flavor = "multi_thread")]
async fn consistent_knowledge_yields_few_conflict_findings() {
    let app = TestApp::with_shop().await;
    let findings = lint(app.app.knowledge(), &default_workspace())
        .await
        .unwrap();
    let conflicts: Vec<_> = findings
        .iter()
        .filter(|f| matches!(f.what, LintFindingKind::Conflict { .. }))
        .collect();
    for finding in &conflicts {
        println!("{}", finding.detail);
    }
    // 237 passages with several hundred near pairs; the rest are known false alarms.
    assert!(conflicts.len() <= 5, "{}", conflicts.len());
    app.stop().await;
}

#[test]
fn contradiction_precision_and_recall_meet_floors() {
    for (part, floor) in [("dev", 0.9), ("test", 0.85)] {
        let (precision, recall) = measure(part);
        println!("{part}: precision {precision:.3}, recall {recall:.3}");
        assert!(
            precision >= floor && recall >= floor,
            "{part}: {precision} {recall}"
        );
    }
}
