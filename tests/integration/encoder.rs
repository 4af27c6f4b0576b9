//! The encoder: agreement with an independent engine, batches, priority of questions, and missing model files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ken_base::config::EncoderConfig;
use ken_search::embed::Embedder;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{config_in, embedder, root};

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Vectors from the original engine of the weights with the whole vocabulary; see tools/encoder/README.md.
#[test]
fn vectors_match_independent_engine() {
    let text = std::fs::read_to_string(root().join("tools/encoder/reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let config = config_in(Path::new(".")).encoder;
    assert_eq!(config.parts.len(), 2);
    for part in &config.parts {
        let name = part.path.file_name().unwrap().to_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        given_as_written(&part.path, folder.path());
        let alone = EncoderConfig {
            path: Some(folder.path().to_owned()),
            ..config.clone()
        };
        check_against(&reference[name], &Embedder::open(&alone).unwrap());
    }
}

/// The same model, which is not given folded texts: the other engine was not either.
fn given_as_written(model: &Path, folder: &Path) {
    for entry in std::fs::read_dir(model).unwrap().flatten() {
        let target = folder.join(entry.file_name());
        std::os::unix::fs::symlink(entry.path().canonicalize().unwrap(), target).unwrap();
    }
    let described = std::fs::read_to_string(model.join("encoder.json")).unwrap();
    let mut described: Value = serde_json::from_str(&described).unwrap();
    described["folds"] = false.into();
    std::fs::remove_file(folder.join("encoder.json")).unwrap();
    std::fs::write(folder.join("encoder.json"), described.to_string()).unwrap();
}

#[test]
fn folding_encoder_treats_both_scripts_alike() {
    let config = config_in(Path::new(".")).encoder;
    let alone = EncoderConfig {
        path: Some(config.parts[1].path.clone()),
        ..config
    };
    let embedder = Embedder::open(&alone).unwrap();
    assert!(
        embedder.id().ends_with(ken_text::text::FOLDING),
        "{}",
        embedder.id()
    );
    let texts = ["滑鼠的軟體", "鼠标的软件"].map(String::from).to_vec();
    let vectors = embedder.embed_questions(texts).unwrap();
    assert!(dot(&vectors[0], &vectors[1]) > 0.9999);
}

fn check_against(reference: &Value, embedder: &Embedder) {
    let sentences = reference["sentences"].as_array().unwrap();
    assert!(sentences.len() >= 10);
    for sentence in sentences {
        let text = sentence["text"].as_str().unwrap();
        let expected: Vec<f32> = sentence["vector"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap() as f32)
            .collect();
        let found = match (text.strip_prefix("query: "), text.strip_prefix("passage: ")) {
            (Some(question), _) => embedder.embed_questions(vec![question.into()]),
            (_, Some(passage)) => embedder.embed_passages(vec![passage.into()]),
            _ => embedder.embed_passages(vec![text.into()]),
        };
        let cosine = dot(&found.unwrap()[0], &expected);
        assert!(cosine >= 0.998, "{text}: {cosine}");
    }
}

#[test]
fn vector_is_independent_of_batch() {
    let embedder = embedder();
    let texts: Vec<String> = [
        "退貨",
        "How do I return this?",
        &"離島運費另計。".repeat(40),
        "LumiBuds Pro 2 點樣 reset",
    ]
    .map(String::from)
    .to_vec();
    let together = embedder.embed_passages(texts.clone()).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(vector.len(), embedder.dimension());
        assert!((dot(vector, vector) - 1.0).abs() < 1e-4);
        let alone = embedder.embed_passages(vec![text.clone()]).unwrap();
        let largest = alone[0]
            .iter()
            .zip(vector)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(largest < 1e-5, "{text}: {largest}");
    }
}

async fn own_embedder() -> Embedder {
    let config = EncoderConfig {
        max_wait_ms: 600_000,
        ..config_in(Path::new(".")).encoder
    };
    let opening = tokio::task::spawn_blocking(move || Embedder::open(&config).unwrap());
    opening.await.unwrap()
}

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.expect("the encoder works");
}

/// More clients than fit into a batch, so that a question is always waiting.
#[tokio::test(flavor = "multi_thread")]
async fn passages_are_encoded_under_constant_question_load() {
    const ASKERS: usize = 64;
    const EACH: usize = 10;
    let embedder = own_embedder().await;
    let n_answered = Arc::new(AtomicUsize::new(0));
    let mut askers = JoinSet::new();
    for asker in 0..ASKERS {
        let (embedder, n_answered) = (embedder.clone(), n_answered.clone());
        askers.spawn(async move {
            for n in 0..EACH {
                let question = format!("第 {asker} 位顧客的第 {n} 個問題");
                embedder.embed_question(&question).await.unwrap();
                n_answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until(|| embedder.n_waiting() > 0).await;
    let passages = tokio::task::spawn_blocking(move || {
        embedder.embed_passages(vec!["七天內可以退貨。".into()])
    });
    assert_eq!(passages.await.unwrap().unwrap().len(), 1);
    let n_before = n_answered.load(Ordering::Relaxed);
    assert!(n_before < ASKERS * EACH / 2, "{n_before}");
    while let Some(asker) = askers.join_next().await {
        asker.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_encoded_during_passage_backlog() {
    let embedder = own_embedder().await;
    // Twenty batches.
    let texts = (0..640)
        .map(|n| format!("第 {n} 號公告：離島運費另計。"))
        .collect();
    let passages = {
        let embedder = embedder.clone();
        tokio::task::spawn_blocking(move || embedder.embed_passages(texts))
    };
    until(|| !embedder.busy_time().is_zero()).await;
    for n in 0..3 {
        let question = format!("第 {n} 號公告說什麼？");
        embedder.embed_question(&question).await.unwrap();
    }
    assert!(!passages.is_finished());
    assert_eq!(passages.await.unwrap().unwrap().len(), 640);
}

/// Each part by its share, in the order of the settings, whether they work beside each other or not.
#[test]
fn joined_vector_is_weighted_concatenation_of_parts() {
    let config = config_in(Path::new(".")).encoder;
    let texts: Vec<String> = (0..6).map(|n| format!("第 {n} 位顧客要退貨")).collect();
    let joined = embedder();
    let total: f32 = config.parts.iter().map(|part| part.share).sum();
    let mut at = 0;
    for part in &config.parts {
        let alone = EncoderConfig {
            path: Some(part.path.clone()),
            ..config.clone()
        };
        let alone = Embedder::open(&alone).unwrap();
        let end = at + alone.dimension();
        for some in [&texts[..1], &texts] {
            let whole = joined.embed_questions(some.to_vec()).unwrap();
            let vectors = alone.embed_questions(some.to_vec()).unwrap();
            for (whole, vector) in whole.iter().zip(&vectors) {
                let share = dot(&whole[at..end], vector) - (part.share / total).sqrt();
                assert!(share.abs() < 1e-3, "{share}");
            }
        }
        at = end;
    }
    assert_eq!(at, joined.dimension());
}

#[tokio::test]
async fn question_and_passage_vectors_differ_by_prefix() {
    let embedder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let question = embedder.embed_question("退貨運費").await.unwrap();
    let passages = tokio::task::spawn_blocking({
        let embedder = embedder.clone();
        move || embedder.embed_passages(vec!["退貨運費".into()])
    });
    let passage = passages.await.unwrap().unwrap();
    let cosine = dot(&question, &passage[0]);
    assert!(
        (0.7..0.999).contains(&cosine),
        "the prefixes change the vector: {cosine}"
    );
}

#[test]
fn missing_or_wrong_model_file_error_names_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let ours = config_in(folder.path()).encoder;
    let library = folder.path().join("libonnxruntime.so");
    std::fs::write(&library, "no library").unwrap();
    let copy = folder.path().join("model");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(&ours.parts[0].path).unwrap().flatten() {
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    std::fs::write(copy.join("model.onnx"), "cut").unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    // A process loads the library once, so tests/integration/commands.rs tests errors of the library.
    let open = |change: &dyn Fn(&mut EncoderConfig)| {
        let mut config = ours.clone();
        change(&mut config);
        Embedder::open(&config)
            .err()
            .expect("it cannot load")
            .to_string()
    };
    drop(embedder());
    for (error, words) in [
        (
            open(&|c| c.path = Some(empty.clone())),
            ["encoder.json not found", "ken setup"],
        ),
        (
            open(&|c| c.path = Some(copy.clone())),
            ["checksum mismatch", "ken setup"],
        ),
    ] {
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}
