//! The contract of `VectorStore`, run on each implementation.

use std::path::Path;

use half::f16;
use ken::index::{EmbeddedVectors, IndexError, Selection, VectorEntry, VectorStore};
use roaring::RoaringBitmap;

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

fn entries(keys: impl IntoIterator<Item = u32>) -> Vec<VectorEntry> {
    keys.into_iter()
        .map(|key| VectorEntry {
            key,
            vectors: views(key),
            negatives: negatives(key),
        })
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

/// The share of what an exact search finds that the store finds too.
fn recall(store: &dyn VectorStore, selection: &Selection, n: u32) -> f64 {
    let (mut hit, mut all) = (0, 0);
    for seed in 0..40 {
        let query = vector(seed * 977 + 13);
        let expected = exact(&query, (0..n).filter(|key| selection.admits(*key)), 10);
        let got = found(store, &query, 10, selection);
        assert!(
            got.iter().all(|key| selection.admits(*key)),
            "only what is admitted"
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
    assert_eq!(store.n_vectors(), 500 + 2 * 50 + 50);
    assert_eq!(recall(store, &Selection::default(), 500), 1.0);
    let some = Selection {
        only: Some((0..500).step_by(7).collect()),
        except: RoaringBitmap::new(),
    };
    assert_eq!(recall(store, &some, 500), 1.0);
    let all_but = Selection {
        only: None,
        except: (0..500).filter(|k| k % 3 == 0).collect(),
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
        except: RoaringBitmap::new(),
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
    let moved = || {
        vec![VectorEntry {
            key: 7,
            vectors: vec![half(&vector(42))],
            negatives: Vec::new(),
        }]
    };
    for _ in 0..2 {
        store.apply(&[10..20, 300..310], &moved(), 2).unwrap();
        assert!(
            !store.contains(10) && !store.contains(19) && store.contains(20) && store.contains(7)
        );
        // 100 chunks of which 10 have three views and 10 a negative; 10 chunks go (one of three views, one with a
        // negative), and 7 keeps one view.
        assert_eq!(store.n_vectors(), 120 - 12 - 2 + 9);
        let near = found(store, &vector(42), 2, &Selection::default());
        assert!(near.contains(&7) && near.contains(&42), "{near:?}");
    }
    let wrong = vec![VectorEntry {
        key: 1,
        vectors: vec![vec![f16::ZERO; DIMENSION + 1]],
        negatives: Vec::new(),
    }];
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
        except: RoaringBitmap::new(),
    };
    assert!(recall(store, &Selection::default(), n) >= 0.97);
    for step in [2, 3] {
        assert!(recall(store, &share(step), n) >= 0.95, "one in {step}");
    }
    for step in [10, 100, 1_000] {
        assert_eq!(recall(store, &share(step), n), 1.0, "one in {step}");
    }
}

fn run(open: impl Fn(&Path) -> Box<dyn VectorStore>) {
    for check in [
        small_collections_are_exact,
        negatives_are_held_and_never_found_by,
        changes_replace_and_repeat_harmlessly,
        large_collections_are_near_exact_and_narrow_selections_exact,
    ] {
        let folder = tempfile::tempdir().unwrap();
        check(open(folder.path()).as_ref());
    }
}

fn open_embedded(folder: &Path) -> Box<dyn VectorStore> {
    Box::new(EmbeddedVectors::open(folder, DIMENSION, true).unwrap())
}

#[test]
fn embedded_vectors_keep_the_contract() {
    run(open_embedded);
}

#[test]
fn embedded_vectors_survive_a_restart_as_saved_and_damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_embedded(folder.path());
    store.apply(&[], &entries(0..200), 5).unwrap();
    store.save().unwrap();
    store.apply(&[], &entries(200..210), 6).unwrap();
    drop(store);
    let store = open_embedded(folder.path());
    assert_eq!(
        (store.revision(), store.contains(199), store.contains(200)),
        (5, true, false)
    );
    assert_eq!(recall(store.as_ref(), &Selection::default(), 200), 1.0);
    drop(store);
    let file = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "usearch"))
        .unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let error = EmbeddedVectors::open(folder.path(), DIMENSION, true)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("damaged") && error.contains("ken rebuild"),
        "{error}"
    );
}
