//! The reader scores passages together with the question; readiness, answers and errors report its state.

use ken::app::{App, AppError};
use ken_base::config::Config;
use ken_search::reader::{Reader, ReaderError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, config_in, embedder, read_passages};

const FEES: &str = "# 宅配運費\n\n| 地區 | 運費 |\n|---|---|\n| 本島 | 80 元 |\n| 離島 | 150 元 |\n\n每週一、三、五出貨。\n";
const POINTS: &str = "# 會員點數\n\n點數自入帳日起 365 天內有效，逾期失效。\n";

async fn with_knowledge(change: impl FnOnce(&mut Config)) -> TestApp {
    let app = TestApp::start_with(change).await;
    app.put("fees", json!({ "text": FEES })).await;
    app.put("points", json!({ "text": POINTS })).await;
    app
}

/// An answer with the record of how it came about.
async fn explained(app: &TestApp, question: &str) -> (Answer, Value) {
    let answer = app.ask(question).await;
    let path = format!("/v1/answers/{}", answer.id);
    let (_, record) = app.get(&path).await;
    (answer, record)
}

/// The reader's logits of the evidence for the first question.
fn logits(record: &Value) -> Vec<f64> {
    let evidence = record["parts"][0]["evidence"].as_array().unwrap();
    let logits = evidence.iter().filter_map(|e| e["reading"].as_f64());
    logits.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_with_reader_records_logits() {
    let app = with_knowledge(read_passages).await;
    let (answer, record) = explained(&app, "離島運費多少？").await;
    assert!(answer.timings_ms.read > 0.0, "{answer:#?}");
    let read = logits(&record);
    assert!(
        !read.is_empty() && read.iter().all(|logit| *logit <= read[0]),
        "{record:#}"
    );
    let (answer, record) = explained(&app, "本店地址在哪裡？").await;
    assert_ne!(answer.outcome, "answered", "{answer:#?}\n{record:#}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paraphrased_heading_or_faq_question_answers_confidently() {
    let app = TestApp::start_with(read_passages).await;
    let text = "# 會員中心\n\n## 要怎麼更換綁定的載具？\n\n到「我的」→「電子憑證」按「重新設定」，再掃一次條碼。\n\n## 配送\n\n每週一出貨。\n";
    app.put("member", json!({ "text": text })).await;
    let faq = json!({ "question": "什麼時候出貨？", "answer": "宅配的話週一都會送到府上。", "language": "zh-Hant" });
    let path = "/v1/faqs/when?wait=indexed";
    app.request(Method::PUT, path, Some(faq)).await;
    let (answer, record) = explained(&app, "如何更換綁定的載具").await;
    assert_eq!(answer.outcome, "answered", "{answer:#?}\n{record:#}");
    assert!(answer.text.contains("重新設定"), "{answer:#?}");
    assert!(answer.confidence >= 0.8, "{answer:#?}");
    let (answer, _) = explained(&app, "請問幾時出貨呢").await;
    assert_eq!(answer.confidence, 1.0, "{answer:#?}");
    // A different question in similar words.
    let (answer, _) = explained(&app, "為什麼更換綁定的載具").await;
    assert!(answer.confidence < 0.8, "{answer:#?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_the_reader_in_use() {
    let app = TestApp::start_with(read_passages).await;
    let (_, with) = app.get("/readyz").await;
    let named = with["reader"].as_str().unwrap();
    assert!(named.starts_with("20"), "{with:#}");
    app.stop().await;
    let app = TestApp::start().await;
    let (_, without) = app.get("/readyz").await;
    assert!(without["reader"].is_null(), "{without:#}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_without_reader_records_no_logits() {
    let app = with_knowledge(|_| {}).await;
    let (answer, record) = explained(&app, "離島運費多少？").await;
    assert_eq!(answer.timings_ms.read, 0.0, "{answer:#?}");
    assert!(logits(&record).is_empty(), "{record:#}");
    assert_eq!(answer.outcome, "answered", "{answer:#?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_beyond_reader_budget_notes_reader_unavailable() {
    let app = with_knowledge(|config| {
        read_passages(config);
        config.reader.budget_ms = 1;
    })
    .await;
    // The first question waits for the model; a passage takes longer than a millisecond.
    app.ask("點數多久會過期？").await;
    let (answer, record) = explained(&app, "離島運費多少？").await;
    assert_eq!(answer.notes, ["reader_unavailable"], "{answer:#?}");
    assert!(logits(&record).is_empty(), "{record:#}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_reader_files_error_names_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config_in(folder.path());
    read_passages(&mut config);
    config.reader.path = folder.path().join("nowhere");
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let fault = App::build_with(config, encoder).await.err().unwrap();
    assert!(
        matches!(fault, AppError::Reader(ReaderError::File { .. })),
        "{fault}"
    );
    let said = fault.to_string();
    assert!(
        said.contains("nowhere") && said.contains("ken setup"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_ranks_answering_passage_and_locates_span() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config_in(folder.path());
    read_passages(&mut config);
    let open = || {
        Reader::open(&config.reader, &config.encoder)
            .unwrap()
            .unwrap()
    };
    let (reader, another) = (open(), open());
    let passages = [
        "宅配運費\n本島每件 80 元，離島每件 150 元。每週一、三、五出貨。".to_owned(),
        "會員點數\n點數自入帳日起 365 天內有效，逾期失效。".to_owned(),
    ];
    let mut n_spans = 0;
    for (question, at, answer) in [("離島運費多少？", 0, "150"), ("點數多久會過期？", 1, "365")]
    {
        let read = reader
            .read(question, &passages, reader.until(None))
            .await
            .unwrap();
        assert!(read[at].logit > read[1 - at].logit, "{question}: {read:?}");
        // A span is returned if it is likelier than none; then it contains the answer.
        if let Some(span) = read[at].span {
            let said = span.slice(&passages[at]).unwrap();
            assert!(said.contains(answer), "{question}: {said}");
            n_spans += 1;
        }
        // The logit depends neither on the other passages nor on the cache.
        for reader in [&another, &reader] {
            let alone = reader
                .read(question, &passages[at..=at], reader.until(None))
                .await
                .unwrap();
            assert_eq!(alone[0].span, read[at].span);
            assert!(
                (alone[0].logit - read[at].logit).abs() < 1e-3,
                "{alone:?} {read:?}"
            );
        }
    }
    assert!(n_spans > 0, "no span in any passage that answers");
}

#[test]
fn disabled_reader_opens_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config_in(folder.path());
    config.reader.path = folder.path().join("nowhere");
    assert!(
        Reader::open(&config.reader, &config.encoder)
            .unwrap()
            .is_none()
    );
}
