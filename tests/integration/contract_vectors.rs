//! The contract of `VectorStore`, tested on the embedded store and on Qdrant. `KEN_TEST_QDRANT_URL` names a real Qdrant
//! server; the tests fail if it is unreachable. Without the variable they use a stand-in.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use half::f16;
use ken_base::config::{QdrantConfig, Secret};
use ken_base::domain::{DocumentId, Metadata, WorkspaceId};
use ken_search::index::{
    EmbeddedVectors, IndexError, QdrantCluster, Selection, VectorEntry, VectorStore,
};
use qdrant_client::Qdrant;

use crate::qdrant_standin::{Made, Node, Shared, cluster};

const DIMENSION: usize = 32;

/// Vectors of unit length in clusters, the same on every run (a multiplicative generator, no crate needed).
fn vector(seed: u32) -> Vec<f32> {
    let mut state = u64::from(seed % 50) * 7_919 + 1;
    let mut next = |scale: f32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f32 / (1_u64 << 31) as f32 - 0.5) * scale
    };
    let centre: Vec<f32> = (0..DIMENSION).map(|_| next(2.0)).collect();
    let mut state = u64::from(seed) + 99_991;
    let mut jitter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f32 / (1_u64 << 31) as f32 - 0.5) * 0.8
    };
    let raw: Vec<f32> = centre.iter().map(|x| x + jitter()).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / norm).collect()
}

fn half(vector: &[f32]) -> Vec<f16> {
    vector.iter().map(|x| f16::from_f32(*x)).collect()
}

/// Chunk `key` has one view, or three where the key ends in 7.
fn views(key: u32) -> Vec<Vec<f16>> {
    let n = if key % 10 == 7 { 3 } else { 1 };
    (0..n)
        .map(|view| half(&vector(key + view * 1_000_003)))
        .collect()
}

/// Chunk `key` has one negative where the key ends in 3.
fn negatives(key: u32) -> Vec<Vec<f16>> {
    (0..u32::from(key % 10 == 3))
        .map(|_| half(&vector(key + 7_000_003)))
        .collect()
}

fn entry(key: u32, vectors: Vec<Vec<f16>>, negatives: Vec<Vec<f16>>) -> VectorEntry {
    VectorEntry {
        key,
        document_id: DocumentId::parse(&format!("d{key}")).unwrap(),
        metadata: Arc::new(Metadata::default()),
        vectors,
        negatives,
    }
}

fn entries(keys: impl IntoIterator<Item = u32>) -> Vec<VectorEntry> {
    keys.into_iter()
        .map(|key| entry(key, views(key), negatives(key)))
        .collect()
}

fn exact(query: &[f32], keys: impl Iterator<Item = u32>, limit: usize) -> Vec<u32> {
    let cosine = |key: u32| {
        let dot = |view: &Vec<f16>| {
            view.iter()
                .zip(query)
                .map(|(a, b)| a.to_f32() * b)
                .sum::<f32>()
        };
        views(key).iter().map(dot).fold(f32::MIN, f32::max)
    };
    let mut scored: Vec<(f32, u32)> = keys.map(|key| (cosine(key), key)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().take(limit).map(|(_, key)| key).collect()
}

fn found(store: &dyn VectorStore, query: &[f32], limit: usize, selection: &Selection) -> Vec<u32> {
    let hits = store.search(query, limit, selection).unwrap();
    assert!(
        hits.windows(2).all(|w| w[0].similarity >= w[1].similarity),
        "best first"
    );
    hits.into_iter().map(|hit| hit.key).collect()
}

/// Recall of the store against an exact search.
fn recall(store: &dyn VectorStore, selection: &Selection, n: u32) -> f64 {
    let (mut hit, mut all) = (0, 0);
    for seed in 0..40 {
        let query = vector(seed * 977 + 13);
        let expected = exact(&query, (0..n).filter(|key| selection.admits(*key)), 10);
        let got = found(store, &query, 10, selection);
        assert!(
            got.iter().all(|key| selection.admits(*key)),
            "only admitted chunks are found"
        );
        hit += expected.iter().filter(|key| got.contains(key)).count();
        all += expected.len();
    }
    hit as f64 / f64::from(all as u32).max(1.0)
}

fn small_collections_are_exact(store: &dyn VectorStore) {
    assert_eq!(
        found(store, &vector(1), 10, &Selection::default()),
        Vec::<u32>::new()
    );
    store.apply(&[], &entries(0..500), 3).unwrap();
    assert_eq!(store.revision(), 3);
    assert_eq!(store.n_vectors().unwrap(), 500 + 2 * 50 + 50);
    assert_eq!(recall(store, &Selection::default(), 500), 1.0);
    let some = Selection {
        only: Some((0..500).step_by(7).collect()),
        ..Selection::default()
    };
    assert_eq!(recall(store, &some, 500), 1.0);
    let all_but = Selection {
        except: (0..500).filter(|k| k % 3 == 0).collect(),
        ..Selection::default()
    };
    assert_eq!(recall(store, &all_but, 500), 1.0);
    let similarities = store.similarities(&vector(5), &[5, 9_999]).unwrap();
    assert!((similarities[0].unwrap() - 1.0).abs() < 2e-3 && similarities[1].is_none());
}

fn negatives_are_held_and_never_found_by(store: &dyn VectorStore) {
    store.apply(&[], &entries(0..100), 1).unwrap();
    let query = vector(33 + 7_000_003);
    let negatives = store.negatives(&query, &[33, 34, 43, 9_999]).unwrap();
    assert!((negatives[0].unwrap() - 1.0).abs() < 2e-3, "{negatives:?}");
    assert!(negatives[1].is_none() && negatives[2].unwrap() < 0.9 && negatives[3].is_none());
    let odd = Selection {
        only: Some((1..100).step_by(2).collect()),
        ..Selection::default()
    };
    for selection in [Selection::default(), odd] {
        let hits = store.search(&query, 100, &selection).unwrap();
        assert_eq!(hits.len(), if selection.is_everything() { 100 } else { 50 });
        assert!(hits.iter().all(|hit| hit.similarity < 0.99), "{hits:?}");
    }
    store.apply(&[33..34, 43..44], &[], 2).unwrap();
    assert_eq!(store.negatives(&query, &[33]).unwrap(), [None]);
}

fn changes_replace_and_repeat_harmlessly(store: &dyn VectorStore) {
    store.apply(&[], &entries(0..100), 1).unwrap();
    let moved = || vec![entry(7, vec![half(&vector(42))], Vec::new())];
    for _ in 0..2 {
        store.apply(&[10..20, 300..310], &moved(), 2).unwrap();
        assert_eq!(store.missing(&[20, 19, 7, 10]).unwrap(), [19, 10]);
        // 100 chunks of which 10 have three views and 10 a negative; 10 chunks go (one of three views, one with a
        // negative), and 7 keeps one view.
        assert_eq!(store.n_vectors().unwrap(), 120 - 12 - 2 + 9);
        let near = found(store, &vector(42), 2, &Selection::default());
        assert!(near.contains(&7) && near.contains(&42), "{near:?}");
    }
    let wrong = vec![entry(1, vec![vec![f16::ZERO; DIMENSION + 1]], Vec::new())];
    let error = store.apply(&[], &wrong, 3).unwrap_err();
    assert!(
        matches!(
            error,
            IndexError::DimensionMismatch {
                expected: DIMENSION,
                got: 33
            }
        ),
        "{error}"
    );
    assert!(store.search(&[0.0; 3], 1, &Selection::default()).is_err());
    assert_eq!(store.revision(), 2, "nothing was changed");
}

fn large_collections_are_near_exact_and_narrow_selections_exact(store: &dyn VectorStore) {
    let n = 9_000;
    store.apply(&[], &entries(0..n), 1).unwrap();
    let share = |step: usize| Selection {
        only: Some((0..n).step_by(step).collect()),
        ..Selection::default()
    };
    assert!(recall(store, &Selection::default(), n) >= 0.97);
    for step in [2, 3] {
        assert!(recall(store, &share(step), n) >= 0.95, "one in {step}");
    }
    for step in [10, 100, 1_000] {
        assert_eq!(recall(store, &share(step), n), 1.0, "one in {step}");
    }
}

const CONTRACT: [fn(&dyn VectorStore); 4] = [
    small_collections_are_exact,
    negatives_are_held_and_never_found_by,
    changes_replace_and_repeat_harmlessly,
    large_collections_are_near_exact_and_narrow_selections_exact,
];

fn open_embedded(folder: &Path) -> Box<dyn VectorStore> {
    Box::new(EmbeddedVectors::open(folder, DIMENSION, true).unwrap())
}

#[test]
fn embedded_vectors_satisfy_contract() {
    for check in CONTRACT {
        let folder = tempfile::tempdir().unwrap();
        check(open_embedded(folder.path()).as_ref());
    }
}

#[test]
fn embedded_vectors_survive_restart_and_damage_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_embedded(folder.path());
    store.apply(&[], &entries(0..200), 5).unwrap();
    store.save().unwrap();
    store.apply(&[], &entries(200..210), 6).unwrap();
    drop(store);
    let store = open_embedded(folder.path());
    assert_eq!(
        (store.revision(), store.missing(&[199, 200]).unwrap()),
        (5, vec![200])
    );
    assert_eq!(recall(store.as_ref(), &Selection::default(), 200), 1.0);
    drop(store);
    for kind in ["usearch", "f16"] {
        let mut of_kind = std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == kind));
        let (file, more) = (of_kind.next().unwrap(), of_kind.next());
        assert_eq!(more, None, "the earlier file is deleted");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let error = EmbeddedVectors::open(folder.path(), DIMENSION, true)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("damaged") && error.contains("ken rebuild") && error.contains(kind),
            "{error}"
        );
        std::fs::write(&file, bytes).unwrap();
    }
    EmbeddedVectors::open(folder.path(), DIMENSION, true).unwrap();
}

/// Qdrant for a test: the named server, or a stand-in with this many nodes. The test has collections of its own.
pub struct TestQdrant {
    pub config: QdrantConfig,
    standin: Option<(Arc<Shared>, Vec<Node>)>,
}

impl TestQdrant {
    pub async fn start(n_nodes: usize) -> Self {
        let mut config = QdrantConfig {
            collection: format!("kentest{}", uuid::Uuid::new_v4().simple()),
            ..QdrantConfig::default()
        };
        let standin = match std::env::var("KEN_TEST_QDRANT_URL") {
            Ok(url) => {
                config.url = url;
                config.key = std::env::var("KEN_TEST_QDRANT_KEY").ok().map(Secret::new);
                None
            }
            Err(_) => {
                let (shared, nodes, url) = cluster(n_nodes).await;
                config.url = url;
                Some((shared, nodes))
            }
        };
        Self { config, standin }
    }

    /// Deletes the collections of this test from a real server. The stand-in needs no cleanup.
    pub async fn remove(self) {
        if self.standin.is_some() {
            return;
        }
        let address = self.config.url.split(',').next().unwrap();
        let key = self.config.key.as_ref().map(|key| key.expose().to_owned());
        let client = Qdrant::from_url(address).api_key(key).build().unwrap();
        for collection in client.list_collections().await.unwrap().collections {
            if collection.name.starts_with(&self.config.collection) {
                client.delete_collection(collection.name).await.unwrap();
            }
        }
    }

    /// A connected cluster; fails the test otherwise.
    async fn connect(&self, encoder: &str) -> QdrantCluster {
        let connected = connect(&self.config, encoder).await.unwrap();
        let asked = connected.clone();
        off_async(move || asked.refresh()).await.unwrap();
        connected
    }
}

async fn connect(config: &QdrantConfig, encoder: &str) -> Result<QdrantCluster, IndexError> {
    connect_with(config, encoder, DIMENSION).await
}

async fn connect_with(
    config: &QdrantConfig,
    encoder: &str,
    dimension: usize,
) -> Result<QdrantCluster, IndexError> {
    let (config, encoder) = (config.clone(), encoder.to_owned());
    off_async(move || QdrantCluster::connect(&config, &encoder, dimension)).await
}

async fn off_async<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn workspace(name: &str) -> WorkspaceId {
    WorkspaceId::parse(name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn qdrant_vectors_satisfy_contract() {
    let qdrant = TestQdrant::start(1).await;
    let cluster = qdrant.connect("e5").await;
    off_async(move || {
        for (n, check) in CONTRACT.into_iter().enumerate() {
            let name = format!("w{n}");
            let store = cluster.vectors_of(&workspace(&name));
            check(&store);
            // Vectors of one workspace are not found, counted or deleted in another.
            let other = cluster.vectors_of(&workspace("other"));
            assert_eq!((other.n_vectors().unwrap(), other.revision()), (0, 0));
            other.apply(&[0..50_000, 50_000..100_000], &[], 1).unwrap();
            other.clear().unwrap();
            assert_ne!(store.n_vectors().unwrap(), 0);
            let held = store.revision();
            cluster.refresh().unwrap();
            assert_eq!((store.revision(), cluster.workspaces()), (held, vec![name]));
            store.clear().unwrap();
            assert_eq!((store.n_vectors().unwrap(), store.revision()), (0, 0));
            cluster.refresh().unwrap();
            assert_eq!(cluster.workspaces(), Vec::<String>::new());
        }
        // A collection deleted on the server is an error, not an empty result, until it is created and filled again.
        let store = cluster.vectors_of(&workspace("again"));
        store.apply(&[], &entries(0..10), 7).unwrap();
        cluster.drop_collection().unwrap();
        let search = || store.search(&vector(1), 3, &Selection::default());
        assert!(search().unwrap_err().is_of_vectors());
        assert!(store.apply(&[], &entries(10..20), 8).is_err());
        cluster.refresh().unwrap();
        assert_eq!((store.revision(), search().unwrap().len()), (0, 0));
        store.apply(&[], &entries(0..10), 7).unwrap();
        assert_eq!(search().unwrap().len(), 3);
        cluster.drop_collection().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_and_remote_vectors_return_same_results() {
    let qdrant = TestQdrant::start(1).await;
    let cluster = qdrant.connect("e5").await;
    off_async(move || {
        let folder = tempfile::tempdir().unwrap();
        let embedded = open_embedded(folder.path());
        let remote = cluster.vectors_of(&workspace("shop"));
        let n = 12_000;
        for from in (0..n).step_by(1_000) {
            let some = entries(from..from + 1_000);
            embedded.apply(&[], &some, i64::from(from) + 1).unwrap();
            remote.apply(&[], &some, i64::from(from) + 1).unwrap();
        }
        let same = (0..1_000).filter(|seed| {
            let query = vector(seed * 131 + 29);
            let all = Selection::default();
            found(embedded.as_ref(), &query, 10, &all) == found(&remote, &query, 10, &all)
        });
        let n_same = same.count();
        println!("{n_same} of 1,000 questions find the same ten in the same order");
        assert!(n_same >= 990, "{n_same}");
        cluster.drop_collection().unwrap();
    })
    .await;
}

async fn connect_error(config: &QdrantConfig, encoder: &str) -> String {
    let connected = connect(config, encoder).await;
    connected.err().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_encoder_has_its_own_collection() {
    let qdrant = TestQdrant::start(1).await;
    let first = qdrant.connect("e5").await;
    let second = qdrant.connect("use").await;
    assert_ne!(first.collection(), second.collection());
    let Some((shared, _)) = &qdrant.standin else {
        off_async(move || [first, second].map(|of| of.drop_collection().unwrap())).await;
        return;
    };
    let collections = shared.collections();
    assert_eq!(collections.len(), 2);
    for made in collections {
        let Made {
            fields,
            parts,
            copies,
            n_points,
        } = made;
        let tenants = fields.iter().filter(|(_, is)| **is);
        let tenants: Vec<&str> = tenants.map(|(field, _)| field.as_str()).collect();
        assert_eq!((tenants, fields.len()), (vec!["workspace"], 9));
        assert_eq!((parts, copies, n_points), (1, 1, 1), "its owner's point");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsuitable_collection_or_server_is_rejected() {
    let mut qdrant = TestQdrant::start(1).await;
    let first = qdrant.connect("e5").await;
    let second = qdrant.connect("use").await;
    let Some((shared, _)) = &qdrant.standin else {
        off_async(move || [first, second].map(|of| of.drop_collection().unwrap())).await;
        return;
    };
    // The collection has this name, and its vectors are another encoder's.
    shared.steal(first.collection(), "another");
    let error = connect_error(&qdrant.config, "e5").await;
    assert!(
        error.contains("\"another\"") && error.contains("qdrant.collection"),
        "{error}"
    );
    // Vectors of another length.
    let error = connect_with(&qdrant.config, "use", DIMENSION + 1).await;
    let error = error.err().unwrap().to_string();
    assert!(error.contains("33 dimensions"), "{error}");
    shared.say_version("1.9.2");
    let error = connect_error(&qdrant.config, "e5").await;
    assert!(
        error.contains("1.9.2") && error.contains("1.16 or later"),
        "{error}"
    );
    shared.say_version("1.19.0");
    // The API key is sent; a wrong key is reported.
    shared.ask_for("secret");
    let error = connect_error(&qdrant.config, "use").await;
    assert!(
        error.contains("API key") && error.contains("qdrant.key"),
        "{error}"
    );
    qdrant.config.key = Some(Secret::new("secret"));
    qdrant.config.replication = 2;
    qdrant.config.shards = 3;
    qdrant.connect("third").await;
    let (shared, _) = qdrant.standin.as_ref().unwrap();
    assert!(
        shared
            .collections()
            .iter()
            .any(|of| (of.parts, of.copies) == (3, 2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn search_survives_qdrant_node_failures() {
    // This tests our part: addresses, retries, pauses. docs/measured/operations.md describes the tests on a real cluster.
    let (shared, mut nodes, url) = cluster(3).await;
    let config = QdrantConfig {
        url,
        ..QdrantConfig::default()
    };
    let connected = connect(&config, "e5").await.unwrap();
    let store = Arc::new(connected.vectors_of(&workspace("shop")));
    let written = store.clone();
    off_async(move || written.apply(&[], &entries(0..300), 1))
        .await
        .unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let searching: Vec<_> = (0..4_u32)
        .map(|thread| {
            let (store, stopped) = (store.clone(), stopped.clone());
            tokio::task::spawn_blocking(move || {
                let mut n_found = 0;
                while !*stopped.borrow() {
                    let query = vector(thread * 50 + n_found % 50);
                    let hits = store.search(&query, 10, &Selection::default()).unwrap();
                    assert_eq!(hits.len(), 10);
                    n_found += 1;
                }
                n_found
            })
        })
        .collect();
    let some_more = || async {
        let before = shared.n_requests.load(Ordering::Relaxed);
        while shared.n_requests.load(Ordering::Relaxed) < before + 200 {
            tokio::task::yield_now().await;
        }
    };
    some_more().await;
    drop(nodes.remove(0));
    some_more().await;
    shared.n_to_fail.store(3, Ordering::Relaxed);
    some_more().await;
    drop(nodes.remove(0));
    some_more().await;
    stop.send_replace(true);
    for thread in searching {
        assert!(thread.await.unwrap() > 0);
    }
    // Without the last node the error names it and the vectors.
    drop(nodes.remove(0));
    let error = off_async(move || store.search(&vector(1), 10, &Selection::default())).await;
    let error = error.unwrap_err();
    assert!(
        error.is_of_vectors() && error.to_string().contains("Qdrant at http://127.0.0.1:"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lagging_replica_is_awaited_and_second_writer_is_rejected() {
    let (shared, _nodes, url) = cluster(1).await;
    let config = QdrantConfig {
        url,
        ..QdrantConfig::default()
    };
    let (ours, theirs) = (
        connect(&config, "e5").await.unwrap(),
        connect(&config, "e5").await.unwrap(),
    );
    off_async(move || {
        let store = ours.vectors_of(&workspace("shop"));
        store.apply(&[], &entries(0..10), 1).unwrap();
        shared.n_behind.store(2, Ordering::Relaxed);
        store.apply(&[], &entries(10..20), 2).unwrap();
        assert_eq!(shared.n_behind.load(Ordering::Relaxed), 0, "it was asked");
        assert_eq!(store.revision(), 2);

        theirs.refresh().unwrap();
        let other = theirs.vectors_of(&workspace("shop"));
        other.apply(&[], &entries(20..30), 3).unwrap();
        let before = shared.n_requests.load(Ordering::Relaxed);
        let error = store.apply(&[], &entries(30..40), 4).unwrap_err();
        assert!(error.to_string().contains("another process"), "{error}");
        let n_asked = shared.n_requests.load(Ordering::Relaxed) - before;
        assert_eq!(
            n_asked, 3,
            "written, what is left over removed, looked at once"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_key_selection_uses_exact_search() {
    let (shared, _nodes, url) = cluster(1).await;
    let config = QdrantConfig {
        url,
        max_keys: 5,
        ..QdrantConfig::default()
    };
    let connected = connect(&config, "e5").await.unwrap();
    off_async(move || {
        let store = connected.vectors_of(&workspace("shop"));
        store.apply(&[], &entries(0..20), 1).unwrap();
        for (n_keys, n_exact) in [(5, 1), (6, 1)] {
            let selection = Selection {
                only: Some((0..n_keys).collect()),
                ..Selection::default()
            };
            let hits = store.search(&vector(3), 3, &selection).unwrap();
            assert_eq!(hits.len(), 3);
            assert_eq!(shared.n_exact.load(Ordering::Relaxed), n_exact, "{n_keys}");
        }
    })
    .await;
}
