//! Vector search inside the process: an HNSW graph, the vectors in half precision, and their snapshot on disk.

mod f16_vectors;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use half::f16;
use serde::{Deserialize, Serialize};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};
use uuid::Uuid;

use self::f16_vectors::{F16Vectors, Scanner};
use super::vector::{by_views, sort};
use super::{
    IndexError, Selection, VectorEntry, VectorHit, VectorStore, damaged, unusable, write_atomically,
};
use ken_base::domain::Revision;
use ken_text::text::sha256_hex_of;

/// Up to this many vectors, all are compared, which is exact.
const SCAN_ALL: usize = 4_000;
/// Up to this many admitted chunks, their vectors are compared instead of walking the graph.
const SCAN_SELECTED: u64 = 3_000;
/// If the selection admits fewer than one vector in this many, a graph walk visits more vectors than a scan does.
const NARROW: usize = 20;
/// How many chunks are inserted before searches get a turn: about two milliseconds of work.
const TOGETHER: usize = 16;
/// How many threads can search the graph at once without waiting for each other.
const THREADS: usize = 64;
/// Width of a view's number in bits: 6 for the number, and the highest one marks a negative.
const VIEW_BITS: u32 = 7;
/// The number of a chunk's first negative.
const NEGATIVE: usize = 1 << (VIEW_BITS - 1);

/// An HNSW graph (usearch) with vectors of 8 bits a number proposes chunks; the vectors in half precision score them.
/// Both are held in memory and saved as a snapshot.
///
/// Small collections and narrow selections are scanned exactly. The graph has no filter index: for a selection of 1 %
/// of 100,000 vectors a walk takes 24 ms (measured when the graph was in half precision).
pub struct EmbeddedVectors {
    folder: PathBuf,
    dimension: usize,
    state: RwLock<GraphAndVectors>,
    revision: AtomicI64,
    changed: AtomicBool,
    may_write: bool,
}

struct GraphAndVectors {
    /// Views only. Negatives are never searched for.
    graph: Index,
    vectors: F16Vectors,
}

/// `snapshot.json`: the name of the snapshot's two files (`NAME.usearch` and `NAME.f16`) and their checksums.
#[derive(Serialize, Deserialize)]
struct SnapshotFile {
    name: String,
    revision: Revision,
    graph_sha256: String,
    vectors_sha256: String,
}

impl EmbeddedVectors {
    /// Loads the newest snapshot of the folder, or starts empty. `dimension` is the length of the vectors.
    /// [`VectorStore::save`] writes only if `may_write`.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if the snapshot's files do not match it; [`IndexError::Folder`] if the folder is
    /// unusable.
    pub fn open(folder: &Path, dimension: usize, may_write: bool) -> Result<Self, IndexError> {
        let mut this = Self::empty(folder, dimension, may_write)?;
        let state = this.state.get_mut();
        let state = state.unwrap_or_else(|poisoned| poisoned.into_inner());
        match std::fs::read(folder.join("snapshot.json")) {
            Ok(bytes) => *this.revision.get_mut() = state.load(folder, &bytes, dimension)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if may_write {
                    std::fs::create_dir_all(folder).map_err(|e| unusable(folder, &e))?;
                }
            }
            Err(error) => return Err(unusable(folder, &error)),
        }
        state.reserve(state.graph.size().max(1_024))?;
        Ok(this)
    }

    /// Starts empty and never saves.
    pub fn in_memory(dimension: usize) -> Result<Self, IndexError> {
        let mut this = Self::empty(Path::new(""), dimension, false)?;
        let state = this.state.get_mut();
        let state = state.unwrap_or_else(|poisoned| poisoned.into_inner());
        state.reserve(1_024)?;
        Ok(this)
    }

    fn empty(folder: &Path, dimension: usize, may_write: bool) -> Result<Self, IndexError> {
        let graph = Index::new(&IndexOptions {
            dimensions: dimension,
            // Each vector is quantised with its own scale, which does not change a cosine.
            metric: MetricKind::Cos,
            quantization: ScalarKind::I8,
            connectivity: 16,
            expansion_add: 128,
            expansion_search: 96,
            multi: false,
        })
        .map_err(failed)?;
        let state = GraphAndVectors {
            graph,
            vectors: F16Vectors::new(dimension),
        };
        Ok(Self {
            folder: folder.to_owned(),
            dimension,
            state: RwLock::new(state),
            revision: AtomicI64::new(0),
            changed: AtomicBool::new(false),
            may_write,
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, GraphAndVectors> {
        self.state
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, GraphAndVectors> {
        self.state
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
            self.write().remove(key)?;
        }
        // A few at a time, so that searches do not wait long.
        for some in added.chunks(TOGETHER) {
            self.write().put(some)?;
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
        let state = self.read();
        let size = state.vectors.len();
        if size == 0 || limit == 0 {
            return Ok(Vec::new());
        }
        let listed = selection.listed();
        let narrow = |n: u64| n <= SCAN_SELECTED || n as usize * NARROW <= size;
        let mut hits = if let Some(keys) = listed.filter(|keys| narrow(keys.len())) {
            state.score(query, keys.iter())
        } else if size <= SCAN_ALL {
            let is_everything = selection.is_everything();
            let compared = state
                .vectors
                .scan(query, |key| is_everything || selection.admits(key));
            best_views(compared)
        } else {
            state.walk(query, limit, selection)?
        };
        sort(&mut hits);
        hits.truncate(limit);
        Ok(hits)
    }

    fn similarities(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.check(query.len())?;
        let state = self.read();
        let mut scanner = Scanner::new(&state.vectors, query);
        Ok(keys.iter().map(|key| scanner.similarity(*key, 0)).collect())
    }

    fn negatives(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.check(query.len())?;
        let state = self.read();
        let mut scanner = Scanner::new(&state.vectors, query);
        let nearest = keys.iter().map(|key| scanner.similarity(*key, NEGATIVE));
        Ok(nearest.collect())
    }

    fn n_vectors(&self) -> Result<usize, IndexError> {
        Ok(self.read().vectors.len())
    }

    fn missing(&self, keys: &[u32]) -> Result<Vec<u32>, IndexError> {
        let state = self.read();
        let keys = keys.iter().copied();
        Ok(keys
            .filter(|key| !state.vectors.contains(view_key(*key, 0)))
            .collect())
    }

    fn revision(&self) -> Revision {
        self.revision.load(Ordering::Acquire)
    }

    fn save(&self) -> Result<(), IndexError> {
        if !self.may_write || !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let saved = self.read().save(&self.folder, self.revision());
        if saved.is_err() {
            self.changed.store(true, Ordering::Release);
        }
        saved
    }
}

impl GraphAndVectors {
    /// Removes a chunk. Views are numbered without gaps, and so are negatives, so the first missing number ends each.
    fn remove(&mut self, key: u32) -> Result<(), IndexError> {
        for first in [0, NEGATIVE] {
            for view in first..first + NEGATIVE {
                let view = view_key(key, view);
                if !is_negative(view) {
                    self.graph.remove(view).map_err(failed)?;
                }
                if !self.vectors.remove(view) {
                    break;
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, entries: &[VectorEntry]) -> Result<(), IndexError> {
        let mut needed = self.graph.size();
        for entry in entries {
            self.remove(entry.key)?;
            needed += entry.vectors.len();
        }
        if needed > self.graph.capacity() {
            self.reserve(needed * 2)?;
        }
        // First, so that a retry after a failed insertion finds and removes what the graph already has.
        for entry in entries {
            let views = (0..).zip(&entry.vectors);
            for (view, vector) in views.chain((NEGATIVE..).zip(&entry.negatives)) {
                self.vectors.put(view_key(entry.key, view), vector);
            }
        }
        insert(&self.graph, entries)
    }

    fn reserve(&self, capacity: usize) -> Result<(), IndexError> {
        self.graph
            .reserve_capacity_and_threads(capacity, THREADS)
            .map_err(failed)
    }

    /// Scores those of the given chunks that are held, in no particular order.
    fn score(&self, query: &[f32], keys: impl Iterator<Item = u32>) -> Vec<VectorHit> {
        let mut scanner = Scanner::new(&self.vectors, query);
        let scored = keys.filter_map(|key| {
            let similarity = scanner.similarity(key, 0)?;
            Some(VectorHit { key, similarity })
        });
        scored.collect()
    }

    /// Finds the top chunks with the graph. It asks for 1.5 × `limit` chunks, because the graph compares with 8 bits a
    /// number.
    fn walk(
        &self,
        query: &[f32],
        limit: usize,
        selection: &Selection,
    ) -> Result<Vec<VectorHit>, IndexError> {
        let query_bytes = to_bytes(query.iter().copied());
        let size = self.graph.size();
        let n_proposed = limit + limit.div_ceil(2);
        // A sixth more than the average number of views, since views are spread unevenly over chunks.
        let n_views = self.vectors.n_views_of(n_proposed);
        let n_views = n_views + n_views / 6;
        let proposed = by_views(size, n_proposed, n_views, |n_views| {
            let matches = match selection.is_everything() {
                true => self.graph.search(&query_bytes, n_views),
                false => {
                    let admits = |view| selection.admits(chunk_of(view));
                    self.graph.filtered_search(&query_bytes, n_views, admits)
                }
            };
            let matches = matches.map_err(failed)?;
            let views = matches.keys.iter().zip(&matches.distances);
            let hits = views.map(|(view, distance)| VectorHit {
                key: chunk_of(*view),
                similarity: 1.0 - distance,
            });
            Ok((matches.keys.len(), hits.collect()))
        })?;
        // A chunk's score does not depend on the way it was found.
        Ok(self.score(query, proposed.into_iter().map(|hit| hit.key)))
    }

    fn load(
        &mut self,
        folder: &Path,
        snapshot: &[u8],
        dimension: usize,
    ) -> Result<Revision, IndexError> {
        let snapshot: SnapshotFile =
            serde_json::from_slice(snapshot).map_err(|e| damaged(folder, &e))?;
        let path_of = |kind| folder.join(format!("{}.{kind}", snapshot.name));
        let (of_graph, of_vectors) = (path_of("usearch"), path_of("f16"));
        let differs = |path: &Path| damaged(path, &"checksum mismatch");
        let load_graph = || -> Result<(), IndexError> {
            // usearch trusts its file, so the checksum is compared before loading.
            let found = sha256_of(&of_graph).map_err(|e| damaged(&of_graph, &e))?;
            if found != snapshot.graph_sha256 {
                return Err(differs(&of_graph));
            }
            self.graph
                .load(&of_graph.to_string_lossy())
                .map_err(|e| damaged(&of_graph, &e))
        };
        let (graph, loaded) = std::thread::scope(|scope| {
            let loading = scope.spawn(|| F16Vectors::load(&of_vectors, dimension));
            let graph = load_graph();
            let loaded = loading
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (graph, loaded)
        });
        graph?;
        let (vectors, found) = loaded.map_err(|e| damaged(&of_vectors, &e))?;
        if found != snapshot.vectors_sha256 {
            return Err(differs(&of_vectors));
        }
        self.vectors = vectors;
        Ok(snapshot.revision)
    }

    fn save(&self, folder: &Path, revision: Revision) -> Result<(), IndexError> {
        let name = format!("{revision}-{}", Uuid::new_v4().simple());
        let path_of = |kind| folder.join(format!("{name}.{kind}"));
        let (of_graph, of_vectors) = (path_of("usearch"), path_of("f16"));
        self.graph
            .save(&of_graph.to_string_lossy())
            .map_err(failed)?;
        let settle = || -> std::io::Result<String> {
            File::open(&of_graph)?.sync_all()?;
            sha256_of(&of_graph)
        };
        let graph_sha256 = settle().map_err(|e| unusable(&of_graph, &e))?;
        let vectors_sha256 = self
            .vectors
            .save(&of_vectors)
            .map_err(|e| unusable(&of_vectors, &e))?;
        let snapshot = SnapshotFile {
            name: name.clone(),
            revision,
            graph_sha256,
            vectors_sha256,
        };
        let json = serde_json::to_vec(&snapshot).expect("a snapshot note is plain data");
        write_atomically(&folder.join("snapshot.json"), &json)?;
        let others = std::fs::read_dir(folder)
            .map_err(|e| unusable(folder, &e))?
            .flatten();
        for other in others {
            let file = other.file_name().to_string_lossy().into_owned();
            let is_snapshot = file.ends_with(".usearch") || file.ends_with(".f16");
            if is_snapshot && !file.starts_with(&name) {
                // A leftover only takes space; the next save tries to delete it again.
                let _ = std::fs::remove_file(other.path());
            }
        }
        Ok(())
    }
}

/// Inserts vectors into a graph with enough capacity, on all cores. usearch locks per node.
fn insert(graph: &Index, entries: &[VectorEntry]) -> Result<(), IndexError> {
    let add = |entries: &[VectorEntry]| -> Result<(), IndexError> {
        for entry in entries {
            for (view, vector) in (0..).zip(&entry.vectors) {
                let bytes = to_bytes(vector.iter().map(|number: &f16| number.to_f32()));
                graph
                    .add(view_key(entry.key, view), &bytes)
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

/// Quantises a vector to 8 bits a number, scaled so that the greatest becomes 127.
fn to_bytes(vector: impl Iterator<Item = f32> + Clone) -> Vec<i8> {
    let greatest = vector
        .clone()
        .map(f32::abs)
        .fold(f32::MIN_POSITIVE, f32::max);
    let scale = 127.0 / greatest;
    vector
        .map(|number| (number * scale).round() as i8)
        .collect()
}

/// Returns the nearest view of each chunk.
fn best_views(mut compared: Vec<VectorHit>) -> Vec<VectorHit> {
    compared.sort_unstable_by(|a, b| {
        let nearest = b.similarity.total_cmp(&a.similarity);
        a.key.cmp(&b.key).then(nearest)
    });
    compared.dedup_by_key(|hit| hit.key);
    compared
}

fn view_key(key: u32, view: usize) -> u64 {
    u64::from(key) << VIEW_BITS | view as u64
}

fn chunk_of(view_key: u64) -> u32 {
    (view_key >> VIEW_BITS) as u32
}

/// Returns whether this is a chunk's first view, which every chunk has.
fn is_first(view_key: u64) -> bool {
    view_key & ((1 << VIEW_BITS) - 1) == 0
}

fn is_negative(view_key: u64) -> bool {
    view_key & NEGATIVE as u64 != 0
}

fn failed(error: cxx::Exception) -> IndexError {
    IndexError::Vector(error.what().to_owned())
}

fn sha256_of(path: &Path) -> std::io::Result<String> {
    sha256_hex_of(File::open(path)?)
}
