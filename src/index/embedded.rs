use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind, f16 as UsearchF16};

use super::vector::{by_views, sort};
use super::{
    IndexError, Selection, VectorEntry, VectorHit, VectorStore, damaged, unusable, write_atomically,
};
use crate::domain::Revision;
use crate::text::sha256_hex_of;
use crate::vectors::dot;

/// Up to this many vectors every one is compared: about a millisecond, and exact.
const SCAN_ALL: usize = 4_000;
/// Up to this many admitted chunks theirs are compared instead of walking the graph.
const SCAN_SELECTED: u64 = 3_000;
/// A graph walk that admits less than one vector in this many visits more of them than a scan would.
const NARROW: usize = 20;
/// How many chunks are inserted before a search may go on: some two milliseconds' work.
const TOGETHER: usize = 8;
/// How many threads may search at once without waiting for each other.
const THREADS: usize = 64;
/// Of a view's number: 6 for the view, above them one that says that it is a negative.
const VIEW_BITS: u32 = 7;
const NEGATIVE: usize = 1 << (VIEW_BITS - 1);

/// An HNSW graph (usearch) with half-precision vectors, held in memory and saved as a snapshot.
///
/// Small collections and narrow selections are scanned exactly: the graph has no filter index and would walk
/// 24 ms through 100,000 vectors for a selection of 1 % (measured), a scan 0.2 ms.
pub struct EmbeddedVectors {
    folder: PathBuf,
    dimension: usize,
    index: RwLock<Index>,
    revision: AtomicI64,
    changed: AtomicBool,
    may_write: bool,
}

/// `snapshot.json`: which file is the snapshot, and what it has to be.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    file: String,
    revision: Revision,
    sha256: String,
}

impl EmbeddedVectors {
    /// Loads the newest snapshot of the folder, or starts empty.
    pub fn open(folder: &Path, dimension: usize, may_write: bool) -> Result<Self, IndexError> {
        let index = Index::new(&IndexOptions {
            dimensions: dimension,
            metric: MetricKind::IP,
            quantization: ScalarKind::F16,
            connectivity: 16,
            expansion_add: 128,
            expansion_search: 96,
            multi: false,
        })
        .map_err(failed)?;
        let mut revision = 0;
        match std::fs::read(folder.join("snapshot.json")) {
            Ok(bytes) => revision = load(&index, folder, &bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if may_write {
                    std::fs::create_dir_all(folder).map_err(|e| unusable(folder, &e))?;
                }
            }
            Err(error) => return Err(unusable(folder, &error)),
        }
        reserve(&index, index.size().max(1_024))?;
        Ok(Self {
            folder: folder.to_owned(),
            dimension,
            index: RwLock::new(index),
            revision: AtomicI64::new(revision),
            changed: AtomicBool::new(false),
            may_write,
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn check(&self, length: usize) -> Result<(), IndexError> {
        match length == self.dimension {
            true => Ok(()),
            false => Err(IndexError::DimensionMismatch {
                expected: self.dimension,
                got: length,
            }),
        }
    }

    fn scan(
        &self,
        index: &Index,
        query: &[f32],
        keys: &roaring::RoaringBitmap,
        limit: usize,
    ) -> Result<Vec<VectorHit>, IndexError> {
        let mut scanner = Scanner::new(index, query, self.dimension);
        let mut hits = Vec::with_capacity(keys.len() as usize);
        for key in keys {
            if let Some(similarity) = scanner.similarity(key, 0)? {
                hits.push(VectorHit { key, similarity });
            }
        }
        sort(&mut hits);
        hits.truncate(limit);
        Ok(hits)
    }
}

impl VectorStore for EmbeddedVectors {
    fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[VectorEntry],
        at: Revision,
    ) -> Result<(), IndexError> {
        for entry in added {
            for vector in entry.vectors.iter().chain(&entry.negatives) {
                self.check(vector.len())?;
            }
        }
        for key in removed.iter().cloned().flatten() {
            remove_views(&self.write(), key)?;
        }
        for some in added.chunks(TOGETHER) {
            // A few at a time, so that a search does not wait for long.
            let index = self.write();
            let mut needed = index.size();
            for entry in some {
                remove_views(&index, entry.key)?;
                needed += entry.vectors.len() + entry.negatives.len();
            }
            if needed > index.capacity() {
                reserve(&index, needed * 2)?;
            }
            insert(&index, some)?;
        }
        if !removed.is_empty() || !added.is_empty() {
            self.changed.store(true, Ordering::Release);
        }
        self.revision.fetch_max(at, Ordering::AcqRel);
        Ok(())
    }

    fn search(
        &self,
        query: &[f32],
        limit: usize,
        selection: &Selection,
    ) -> Result<Vec<VectorHit>, IndexError> {
        self.check(query.len())?;
        let index = self.read();
        let size = index.size();
        if size == 0 || limit == 0 {
            return Ok(Vec::new());
        }
        let listed = selection.listed();
        let narrow = |n: u64| n <= SCAN_SELECTED || n as usize * NARROW <= size;
        if let Some(keys) = listed.filter(|keys| narrow(keys.len())) {
            return self.scan(&index, query, &keys, limit);
        }
        let hits = |matches: usearch::ffi::Matches| -> Vec<VectorHit> {
            let views = matches.keys.into_iter().zip(matches.distances);
            let views = views.filter(|(view, _)| !is_negative(*view));
            views
                .map(|(view, distance)| VectorHit {
                    key: chunk_of(view),
                    similarity: 1.0 - distance,
                })
                .collect()
        };
        let mut hits = by_views(size, limit, |n_views| {
            let matches = if selection.is_everything() {
                match size <= SCAN_ALL {
                    true => index.exact_search(query, n_views),
                    false => index.search(query, n_views),
                }
            } else if size <= SCAN_ALL {
                // All views are compared, so what is admitted is found whatever else is near.
                let all = index.exact_search(query, size).map_err(failed)?;
                let mut admitted = hits(all);
                admitted.retain(|hit| selection.admits(hit.key));
                admitted.truncate(n_views);
                return Ok((admitted.len(), admitted));
            } else {
                index.filtered_search(query, n_views, |view| {
                    !is_negative(view) && selection.admits(chunk_of(view))
                })
            };
            let matches = matches.map_err(failed)?;
            Ok((matches.keys.len(), hits(matches)))
        })?;
        // The graph compares in half precision; by whichever way a chunk is found, its score is the same.
        let mut scanner = Scanner::new(&index, query, self.dimension);
        for hit in &mut hits {
            if let Some(similarity) = scanner.similarity(hit.key, 0)? {
                hit.similarity = similarity;
            }
        }
        sort(&mut hits);
        Ok(hits)
    }

    fn similarities(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.check(query.len())?;
        let index = self.read();
        let mut scanner = Scanner::new(&index, query, self.dimension);
        keys.iter().map(|key| scanner.similarity(*key, 0)).collect()
    }

    fn negatives(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.check(query.len())?;
        let index = self.read();
        let mut scanner = Scanner::new(&index, query, self.dimension);
        keys.iter()
            .map(|key| scanner.similarity(*key, NEGATIVE))
            .collect()
    }

    fn n_vectors(&self) -> Result<usize, IndexError> {
        Ok(self.read().size())
    }

    fn missing(&self, keys: &[u32]) -> Result<Vec<u32>, IndexError> {
        let index = self.read();
        let keys = keys.iter().copied();
        Ok(keys
            .filter(|key| !index.contains(view_key(*key, 0)))
            .collect())
    }

    fn revision(&self) -> Revision {
        self.revision.load(Ordering::Acquire)
    }

    fn save(&self) -> Result<(), IndexError> {
        if !self.may_write || !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let saved = save_snapshot(&self.read(), &self.folder, self.revision());
        if saved.is_err() {
            self.changed.store(true, Ordering::Release);
        }
        saved
    }
}

/// Adds vectors to a graph that has room for them, on all cores: usearch locks what it links, node by node.
fn insert(index: &Index, entries: &[VectorEntry]) -> Result<(), IndexError> {
    let add = |entries: &[VectorEntry]| -> Result<(), IndexError> {
        for entry in entries {
            let views = (0..).zip(&entry.vectors);
            for (view, vector) in views.chain((NEGATIVE..).zip(&entry.negatives)) {
                let bits: &[u16] = vector.reinterpret_cast();
                let signed: Vec<i16> = bits.iter().map(|bits| *bits as i16).collect();
                index
                    .add(view_key(entry.key, view), UsearchF16::from_i16s(&signed))
                    .map_err(failed)?;
            }
        }
        Ok(())
    };
    let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let share = entries.len().div_ceil(n_threads).max(1);
    let mut shares = entries.chunks(share);
    let own = shares.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = shares
            .map(|share| scope.spawn(move || add(share)))
            .collect();
        let added = add(own);
        for other in others {
            other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        added
    })
}

/// Compares a query with the vectors of given chunks, one after another.
struct Scanner<'a> {
    index: &'a Index,
    query: &'a [f32],
    buffer: Vec<f32>,
}

impl<'a> Scanner<'a> {
    fn new(index: &'a Index, query: &'a [f32], dimension: usize) -> Self {
        Self {
            index,
            query,
            buffer: vec![0.0; dimension],
        }
    }

    /// Of a chunk's nearest view, counted from `first`: 0 or [`NEGATIVE`].
    fn similarity(&mut self, key: u32, first: usize) -> Result<Option<f32>, IndexError> {
        let mut best: Option<f32> = None;
        for view in first..first + NEGATIVE {
            if self
                .index
                .get(view_key(key, view), &mut self.buffer)
                .map_err(failed)?
                == 0
            {
                break;
            }
            let cosine = dot(self.query, &self.buffer);
            best = Some(best.map_or(cosine, |best| best.max(cosine)));
        }
        Ok(best)
    }
}

fn view_key(key: u32, view: usize) -> u64 {
    u64::from(key) << VIEW_BITS | view as u64
}

fn chunk_of(view_key: u64) -> u32 {
    (view_key >> VIEW_BITS) as u32
}

fn is_negative(view_key: u64) -> bool {
    view_key & NEGATIVE as u64 != 0
}

/// Views are numbered without gaps, and so are negatives, so the first absent one ends them.
fn remove_views(index: &Index, key: u32) -> Result<(), IndexError> {
    for first in [0, NEGATIVE] {
        for view in first..first + NEGATIVE {
            if index.remove(view_key(key, view)).map_err(failed)? == 0 {
                break;
            }
        }
    }
    Ok(())
}

fn reserve(index: &Index, capacity: usize) -> Result<(), IndexError> {
    index
        .reserve_capacity_and_threads(capacity, THREADS)
        .map_err(failed)
}

fn failed(error: cxx::Exception) -> IndexError {
    IndexError::Vector(error.what().to_owned())
}

fn load(index: &Index, folder: &Path, snapshot: &[u8]) -> Result<Revision, IndexError> {
    let snapshot: Snapshot = serde_json::from_slice(snapshot).map_err(|e| damaged(folder, &e))?;
    let path = folder.join(&snapshot.file);
    // usearch trusts its file, so the file is checked before it is given to it.
    let found = sha256_of(&path).map_err(|e| damaged(&path, &e))?;
    if found != snapshot.sha256 {
        return Err(damaged(&path, &"its checksum differs"));
    }
    index
        .load(&path.to_string_lossy())
        .map_err(|e| damaged(&path, &e))?;
    Ok(snapshot.revision)
}

fn save_snapshot(index: &Index, folder: &Path, revision: Revision) -> Result<(), IndexError> {
    let file = format!("{revision}.usearch");
    let path = folder.join(&file);
    let fresh = folder.join("snapshot.new.usearch");
    index.save(&fresh.to_string_lossy()).map_err(failed)?;
    let settle = || -> std::io::Result<String> {
        File::open(&fresh)?.sync_all()?;
        let sha256 = sha256_of(&fresh)?;
        std::fs::rename(&fresh, &path)?;
        Ok(sha256)
    };
    let sha256 = settle().map_err(|e| unusable(&path, &e))?;
    let snapshot = Snapshot {
        file: file.clone(),
        revision,
        sha256,
    };
    let json = serde_json::to_vec(&snapshot).expect("a snapshot note is plain data");
    write_atomically(&folder.join("snapshot.json"), &json)?;
    let others = std::fs::read_dir(folder)
        .map_err(|e| unusable(folder, &e))?
        .flatten();
    for other in others {
        let name = other.file_name().to_string_lossy().into_owned();
        if name.ends_with(".usearch") && name != file {
            // A leftover costs room and nothing else; the next save tries again.
            let _ = std::fs::remove_file(other.path());
        }
    }
    Ok(())
}

fn sha256_of(path: &Path) -> std::io::Result<String> {
    sha256_hex_of(File::open(path)?)
}
