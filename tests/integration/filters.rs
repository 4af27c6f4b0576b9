//! Filters, and what they leave unchanged in keyword and vector search: order and scores.

use std::collections::HashMap;

use ken_base::config::{Config, SearchFeature};
use serde_json::{Value, json};

use crate::scaling::app_on_qdrant;
use crate::support::TestApp;

async fn found(app: &TestApp, mode: &str, filter: Value) -> Vec<String> {
    let mut body = json!({ "question": "優惠活動的折扣是多少", "mode": mode, "limit": 50 });
    body.as_object_mut()
        .unwrap()
        .extend(filter.as_object().unwrap().clone());
    let found = app.search(body).await;
    let hits = found.hits.into_iter();
    let mut ids: Vec<String> = hits.map(|hit| hit.document_id).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_apply_in_keyword_and_vector_search() {
    // Vectors in memory, in Qdrant filtered by chunk keys, and in Qdrant filtered by payload.
    assert_filters_apply(TestApp::start().await).await;
    for max_keys in [1_000, 0] {
        let (app, qdrant) = app_on_qdrant(max_keys).await;
        assert_filters_apply(app).await;
        qdrant.remove().await;
    }
}

async fn assert_filters_apply(app: TestApp) {
    let text = |n: u32| format!("# 優惠活動\n\n本次優惠活動的折扣是 {n} 元，歡迎選購。");
    for (id, mut body) in [
        ("all", json!({})),
        (
            "vip",
            json!({ "audience": ["vip"], "tags": ["campaign", "2026"] }),
        ),
        (
            "line",
            json!({ "channels": ["line"], "tags": ["campaign"] }),
        ),
        ("past", json!({ "valid_until": "2026-01-01T00:00:00Z" })),
        ("future", json!({ "valid_from": "2099-01-01T00:00:00Z" })),
        ("draft", json!({ "status": "draft" })),
        ("english", json!({ "language": "en" })),
    ] {
        body["text"] = json!(text(id.len() as u32 * 100));
        app.put(id, body).await;
    }
    for mode in ["keyword", "vector", "hybrid"] {
        for (filter, expected) in [
            (json!({}), vec!["all", "english"]),
            (json!({ "audience": "vip" }), vec!["all", "english", "vip"]),
            (json!({ "audience": "guest" }), vec!["all", "english"]),
            (json!({ "channel": "line" }), vec!["all", "english", "line"]),
            (
                json!({ "as_of": "2025-06-01T00:00:00Z" }),
                vec!["all", "english", "past"],
            ),
            (
                json!({ "as_of": "2026-01-01T00:00:00Z" }),
                vec!["all", "english"],
            ),
            (
                json!({ "as_of": "2099-06-01T00:00:00Z" }),
                vec!["all", "english", "future"],
            ),
            (
                json!({ "tags": ["campaign"], "audience": "vip", "channel": "line" }),
                vec!["line", "vip"],
            ),
            (
                json!({ "tags": ["campaign", "2026"], "audience": "vip" }),
                vec!["vip"],
            ),
            (json!({ "tags": ["campaign"] }), vec![]),
            (json!({ "languages": ["en"] }), vec!["english"]),
            (
                json!({ "document_ids": ["all", "vip", "nowhere"] }),
                vec!["all"],
            ),
            (json!({ "kinds": ["faq"] }), vec![]),
        ] {
            assert_eq!(
                found(&app, mode, filter.clone()).await,
                expected,
                "{mode} {filter}"
            );
        }
    }
    app.stop().await;
}

/// A linear congruential generator with a fixed seed: the same documents in every run.
fn draws(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

/// Writes 100 documents, d0 to d99, and waits until they are indexed. Returns their tags: a filter by tag `p30` admits
/// about 30 % of them.
async fn put_tagged_documents(app: &TestApp) -> HashMap<String, Vec<String>> {
    let mut draw = draws(13);
    let things = ["耳機", "門鎖", "充電器", "滑鼠", "掃地機器人", "保護殼"];
    let facts = ["保固", "退貨", "運費", "配送", "維修"];
    let mut tags = HashMap::new();
    for i in 0..100 {
        let text = format!(
            "{}的{}說明：第 {i} 條，請在 {} 天內辦理。",
            things[draw(6) as usize],
            facts[draw(5) as usize],
            draw(60) + 1
        );
        let of_document: Vec<String> = [1, 3, 10, 30, 60, 100]
            .into_iter()
            .filter(|percent| draw(100) < *percent || (*percent == 1 && i == 42))
            .map(|percent| format!("p{percent}"))
            .collect();
        let body = json!({ "text": text, "tags": of_document, "language": "zh-Hant" });
        let wait = if i == 99 { "?wait=indexed" } else { "" };
        let path = format!("/v1/documents/d{i}{wait}");
        let (status, written) = app.request(reqwest::Method::PUT, &path, Some(body)).await;
        assert!(status.is_success(), "{written}");
        tags.insert(format!("d{i}"), of_document);
    }
    tags
}

/// A search with a filter is the search without it, less what the filter takes away: same order, same scores.
#[tokio::test(flavor = "multi_thread")]
async fn filtered_search_equals_unfiltered_minus_excluded() {
    let app = TestApp::start_with(|config| config.retrieve.candidates = 100).await;
    let tags = put_tagged_documents(&app).await;
    let hits = async |mode: &str, wanted: &[&str]| -> Vec<(String, f64)> {
        let body =
            json!({ "question": "耳機退貨運費", "mode": mode, "limit": 100, "tags": wanted });
        let hits = app.search(body).await.hits.into_iter();
        hits.map(|hit| (hit.document_id, hit.score)).collect()
    };
    for mode in ["keyword", "vector", "hybrid"] {
        let all = hits(mode, &[]).await;
        assert!(
            all.len() >= if mode == "keyword" { 10 } else { 100 },
            "{mode}"
        );
        for wanted in [
            vec!["p1"],
            vec!["p3"],
            vec!["p10"],
            vec!["p30"],
            vec!["p60"],
            vec!["p100"],
            vec!["p30", "p60"],
        ] {
            let admitted = |id: &str| wanted.iter().all(|tag| tags[id].iter().any(|t| t == tag));
            let expected: Vec<(String, f64)> =
                all.iter().filter(|(id, _)| admitted(id)).cloned().collect();
            let found = hits(mode, &wanted).await;
            let ids = |hits: &[(String, f64)]| -> Vec<String> {
                hits.iter().map(|(id, _)| id.clone()).collect()
            };
            assert_eq!(ids(&found), ids(&expected), "{mode} {wanted:?}");
            // Vectors differ by some 1e-7 with the other texts of their batch.
            let same = |(a, b): (&(String, f64), &(String, f64))| (a.1 - b.1).abs() < 1e-5;
            assert!(found.iter().zip(&expected).all(same), "{mode} {wanted:?}");
        }
    }
}

fn entry(key: u32, text: String, tags: Vec<String>) -> ken_store::store::IndexEntry {
    use ken_base::domain::{Chunk, ChunkNote, DocumentId, Metadata, Span};
    ken_store::store::IndexEntry {
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        chunk: Chunk {
            note: ChunkNote::default(),
            key,
            document_id: DocumentId::parse(&format!("d{key}")).unwrap(),
            version: 1,
            ordinal: 0,
            heading_path: Vec::new(),
            span: Span::new(0, text.len()),
            text,
        },
        metadata: std::sync::Arc::new(Metadata {
            tags,
            ..Metadata::default()
        }),
    }
}

/// The revision of an index reader never exceeds the chunks that it finds.
#[test]
fn index_reader_revision_matches_visible_chunks() {
    use ken_search::index::KeywordIndex;

    let folder = tempfile::tempdir().unwrap();
    let writer = KeywordIndex::open(folder.path(), Some(15_000_000)).unwrap();
    let reader = KeywordIndex::open(folder.path(), None).unwrap();
    for revision in 1..4 {
        let added = entry(revision, "退貨運費怎麼算".to_owned(), Vec::new());
        writer.apply(&[], &[added], revision.into()).unwrap();
        let found = |index: &KeywordIndex| index.all_keys().unwrap().len();
        assert_eq!(
            (reader.revision(), found(&reader)),
            (i64::from(revision) - 1, u64::from(revision) - 1)
        );
        reader.refresh().unwrap();
        assert_eq!(
            (reader.revision(), found(&reader)),
            (i64::from(revision), u64::from(revision))
        );
    }
}

/// The same on the keyword index for one chunk in a thousand; contract_vectors.rs tests this for vectors.
#[test]
fn narrow_keyword_selection_is_exact() {
    use ken_base::domain::Filter;
    use ken_search::index::{KeywordIndex, Selection};
    use ken_store::store::IndexEntry;
    use ken_text::text::Synonyms;

    let folder = tempfile::tempdir().unwrap();
    let index = KeywordIndex::open(folder.path(), Some(15_000_000)).unwrap();
    let mut draw = draws(7);
    let entries: Vec<IndexEntry> = (0..2_000_u32)
        .map(|key| {
            let words = ["退貨", "運費", "保固", "配送", "發票"];
            let text: Vec<&str> = (0..1 + draw(6)).map(|_| words[draw(5) as usize]).collect();
            let text = format!("第{key}條{}", text.join("與"));
            let steps = [1_000, 100, 10, 2, 1];
            let tags = steps.into_iter().filter(|step| key % step == 0);
            entry(
                key,
                text,
                tags.map(|step| format!("one-in-{step}")).collect(),
            )
        })
        .collect();
    index.apply(&[], &entries, 1).unwrap();
    let search = index
        .search("退貨運費怎麼算", &Synonyms::default(), &[])
        .unwrap()
        .unwrap();
    let all = search.top(2_000, &Selection::default()).unwrap();
    assert!(all.len() > 500, "{}", all.len());
    for step in [1_000, 100, 10, 2, 1] {
        let filter = Filter {
            tags: vec![format!("one-in-{step}")],
            ..Filter::default()
        };
        let selection = index.select(&filter).unwrap();
        let expected: Vec<_> = all
            .iter()
            .filter(|hit| hit.key % step == 0)
            .copied()
            .collect();
        assert_eq!(
            search.top(2_000, &selection).unwrap(),
            expected,
            "one in {step}"
        );
        let ten: Vec<_> = expected.into_iter().take(10).collect();
        assert_eq!(
            search.top(10, &selection).unwrap(),
            ten,
            "top ten of one in {step}"
        );
    }
}

/// Compacting an index of many segments changes neither results nor scores.
#[test]
fn compacted_keyword_index_returns_same_results() {
    use ken_search::index::{KeywordIndex, Selection};
    use ken_text::text::Synonyms;

    let folder = tempfile::tempdir().unwrap();
    let index = KeywordIndex::open(folder.path(), Some(15_000_000)).unwrap();
    let n_segments = || tantivy_segments(folder.path());
    assert!(!index.compact().unwrap(), "an empty index is not compacted");
    let mut draw = draws(5);
    for step in 0..7_u32 {
        let words = ["退貨", "運費", "保固", "配送", "發票"];
        let entries = (step * 40..step * 40 + 40).map(|key| {
            let text: Vec<&str> = (0..1 + draw(6)).map(|_| words[draw(5) as usize]).collect();
            entry(key, text.join("與"), Vec::new())
        });
        let entries: Vec<_> = entries.collect();
        index.apply(&[], &entries, i64::from(step) + 1).unwrap();
    }
    let found = || {
        let search = index.search("退貨運費怎麼算", &Synonyms::default(), &[]);
        let search = search.unwrap().unwrap();
        let hits = search.top(300, &Selection::default()).unwrap();
        let keys: Vec<u32> = hits.iter().map(|hit| hit.key).collect();
        // Both ways to score a chunk agree.
        let scores = search.scores(&keys).unwrap();
        assert!(
            hits.iter()
                .zip(scores)
                .all(|(hit, words)| hit.words == words)
        );
        hits
    };
    let before = found();
    assert!(before.len() > 100 && n_segments() > 1, "{}", n_segments());
    assert!(index.compact().unwrap());
    assert_eq!(n_segments(), 1);
    assert_eq!(found(), before);
    assert_eq!(index.revision(), 7);
    // A compacted index is not compacted again, also after a small change.
    assert!(!index.compact().unwrap());
    index
        .apply(&[], &[entry(900, "發票".into(), Vec::new())], 8)
        .unwrap();
    assert!(!index.compact().unwrap());
    // Many deletions make another compaction worthwhile.
    index
        .apply(std::slice::from_ref(&(40..280)), &[], 9)
        .unwrap();
    assert!(index.compact().unwrap());
    assert!(found().iter().all(|hit| hit.key < 40));
    drop(index);
    let again = KeywordIndex::open(folder.path(), None).unwrap();
    assert_eq!((again.revision(), again.all_keys().unwrap().len()), (9, 41));
}

/// Texts of 200 chunks, in Chinese and English.
fn drawn_texts() -> Vec<String> {
    const WORDS: [&str; 6] = ["退貨", "運費", "保固", "warranty", "returned items", "發票"];
    let mut draw = draws(11);
    let mut text = || {
        let words = (0..1 + draw(90)).map(|_| WORDS[draw(6) as usize]);
        words.collect::<Vec<_>>().join("，")
    };
    (0..200).map(|_| text()).collect()
}

/// A score depends on the present chunks only, not on deleted chunks or on the segments of the index.
#[test]
fn deleted_chunks_do_not_affect_scores_before_or_after_compact() {
    use ken_search::index::{KeywordIndex, Selection};
    use ken_text::text::Synonyms;

    let texts = drawn_texts();
    let entries = |keys: std::ops::Range<u32>, kept: &dyn Fn(u32) -> bool| {
        let keys = keys.filter(|key| kept(*key));
        let entries = keys.map(|key| entry(key, texts[key as usize].clone(), Vec::new()));
        entries.collect::<Vec<_>>()
    };
    let is_kept = |key: u32| key < 150 && !key.is_multiple_of(3);
    let open =
        |folder: &tempfile::TempDir| KeywordIndex::open(folder.path(), Some(15_000_000)).unwrap();
    // One of the question's terms occurs only in deleted chunks.
    let found = |index: &KeywordIndex| {
        let asked = "退貨運費 returned warranty 絕版";
        let search = index.search(asked, &Synonyms::default(), &[]);
        let search = search.unwrap().unwrap();
        let hits = search.top(300, &Selection::default()).unwrap();
        (hits, search.term_weights())
    };
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let plain = open(&folders[0]);
    plain.apply(&[], &entries(0..200, &is_kept), 1).unwrap();
    let expected = found(&plain);
    assert!(expected.0.len() > 50, "{}", expected.0.len());

    let worn = open(&folders[1]);
    let unlike = (0..200).map(|key| entry(key, "絕版的退貨與 warranty".into(), Vec::new()));
    worn.apply(&[], &unlike.collect::<Vec<_>>(), 1).unwrap();
    worn.apply(&[], &entries(0..90, &|_| true), 2).unwrap();
    worn.apply(&[], &entries(90..200, &|_| true), 3).unwrap();
    assert_ne!(found(&worn), expected);
    let gone: Vec<_> = (0..200).filter(|key| !is_kept(*key)).collect();
    for some in gone.chunks(30) {
        let some: Vec<_> = some.iter().map(|key| *key..*key + 1).collect();
        worn.apply(&some, &[], 4).unwrap();
    }
    assert_eq!(found(&worn), expected);
    // The same scores after reopening, in another process too.
    drop(worn);
    let again = KeywordIndex::open(folders[1].path(), None).unwrap();
    assert_eq!(found(&again), expected);
    let worn = open(&folders[1]);
    assert!(worn.compact().unwrap());
    assert_eq!(found(&worn), expected);
    again.refresh().unwrap();
    assert_eq!(found(&again), expected);

    // All chunks are deleted.
    let emptied = open(&folders[2]);
    emptied.apply(&[], &entries(0..9, &|_| true), 1).unwrap();
    emptied
        .apply(std::slice::from_ref(&(0..9)), &[], 2)
        .unwrap();
    assert_eq!(found(&emptied).0, Vec::new());
}

/// Compaction during concurrent writes loses no acknowledged write.
#[test]
fn writes_during_compaction_are_found_immediately() {
    use ken_search::index::KeywordIndex;
    use std::sync::atomic::{AtomicBool, Ordering};

    let folder = tempfile::tempdir().unwrap();
    let index = KeywordIndex::open(folder.path(), Some(15_000_000)).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let compacting = scope.spawn(|| {
            let mut n_done = 0;
            while !is_over.load(Ordering::Relaxed) {
                // It may conflict with a merge started by tantivy.
                n_done += u32::from(index.compact().is_ok_and(|did| did));
            }
            n_done
        });
        for key in 0..150_u32 {
            let text = format!("第 {key} 條退貨運費的說明");
            let written = index.apply(&[], &[entry(key, text, Vec::new())], i64::from(key) + 1);
            written.unwrap();
            assert_eq!(index.all_keys().unwrap().len(), u64::from(key) + 1);
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(compacting.join().unwrap() > 0);
    });
}

/// Number of committed segments of an index.
fn tantivy_segments(folder: &std::path::Path) -> usize {
    let meta = std::fs::read(folder.join("meta.json")).unwrap();
    let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
    meta["segments"].as_array().unwrap().len()
}

/// Eight articles on a pet hotel, the one on typhoons in English alone: the first four for a Chinese question about it.
async fn first_of_two_languages(
    change: impl FnOnce(&mut Config),
    languages: &[&str],
) -> Vec<String> {
    let app = TestApp::start_with(change).await;
    let chinese = [
        ("收費", "貓咪住宿每晚 320 元，狗狗住宿每晚 420 元。"),
        ("入住", "入住當天請在下午三點後帶寵物過來，並帶上疫苗手冊。"),
        ("取消", "入住前三天取消可以退一半訂金，之後不退。"),
        (
            "接送",
            "接送寵物要在前一天預約，一趟 150 元，週日可以過來接。",
        ),
        ("探望", "每天下午可以過來探望寵物，一次半小時。"),
        ("餵食", "寵物住宿每天餵兩餐，可以自己帶飼料過來。"),
        (
            "散步",
            "狗狗每天散步兩次，下雨天改在室內活動，接寵物時會告訴你。",
        ),
    ];
    for (title, text) in chinese {
        let text = format!("# {title}\n\n{text}");
        app.put(title, json!({ "text": text, "language": "zh-Hant" }))
            .await;
    }
    let text =
        "# Typhoons\n\nDuring a typhoon signal no pet can be collected; come on the next day.";
    app.put("typhoons", json!({ "text": text, "language": "en" }))
        .await;
    let body =
        json!({ "question": "颱風天可以過來接寵物嗎？", "limit": 4, "languages": languages });
    let hits = app.search(body).await.hits;
    let is_sorted = hits.is_sorted_by(|a, b| a.score >= b.score);
    assert!(is_sorted, "{hits:#?}");
    let ids = hits.into_iter().map(|hit| hit.document_id).collect();
    app.stop().await;
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn other_script_hit_is_reserved_a_place() {
    let with = first_of_two_languages(|_| {}, &[]).await;
    assert!(with.contains(&"typhoons".to_owned()), "{with:?}");
    let without = |config: &mut Config| config.retrieve.without = vec![SearchFeature::OtherWriting];
    let without = first_of_two_languages(without, &[]).await;
    assert!(!without.contains(&"typhoons".to_owned()), "{without:?}");
    // A language filter excludes all other languages.
    let filtered = first_of_two_languages(|_| {}, &["zh-Hant"]).await;
    assert!(!filtered.contains(&"typhoons".to_owned()), "{filtered:?}");
}
