//! Vectors in half precision, in memory and in a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use half::f16;
use half::slice::HalfFloatSliceExt;
use sha2::{Digest, Sha256};

use super::{NEGATIVE, chunk_of, is_first, is_negative, view_key};
use crate::index::VectorHit;
use crate::vectors::dot;
use ken_text::text::hex;

/// How many vectors one block of memory holds. Growing never moves more than one block.
const PER_BLOCK: usize = 1_024;

/// Vectors in half precision, by view key.
pub struct F16Vectors {
    dimension: usize,
    slots: HashMap<u64, usize>,
    /// The number of chunks, counted by their first views.
    n_chunks: usize,
    free: Vec<usize>,
    blocks: Vec<Vec<f16>>,
}

impl F16Vectors {
    /// Starts empty, for vectors of this length.
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            slots: HashMap::new(),
            n_chunks: 0,
            free: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Returns how many vectors there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether a view has a vector.
    pub fn contains(&self, view: u64) -> bool {
        self.slots.contains_key(&view)
    }

    /// Adds or replaces a view's vector, which must have the store's length.
    pub fn put(&mut self, view: u64, vector: &[f16]) {
        let slot = match self.slots.get(&view) {
            Some(slot) => Some(*slot),
            None => self.free.pop(),
        };
        let slot = match slot {
            Some(slot) => {
                let first = slot % PER_BLOCK * self.dimension;
                self.blocks[slot / PER_BLOCK][first..first + self.dimension]
                    .copy_from_slice(vector);
                slot
            }
            None => {
                let is_full = |block: &Vec<f16>| block.len() == PER_BLOCK * self.dimension;
                if self.blocks.last().is_none_or(is_full) {
                    self.blocks.push(Vec::new());
                }
                let n_full = self.blocks.len() - 1;
                let block = &mut self.blocks[n_full];
                block.extend_from_slice(vector);
                n_full * PER_BLOCK + block.len() / self.dimension - 1
            }
        };
        if self.slots.insert(view, slot).is_none() && is_first(view) {
            self.n_chunks += 1;
        }
    }

    /// Removes a view's vector. Returns whether there was one.
    pub fn remove(&mut self, view: u64) -> bool {
        let slot = self.slots.remove(&view);
        self.free.extend(slot);
        if slot.is_some() && is_first(view) {
            self.n_chunks -= 1;
        }
        slot.is_some()
    }

    /// Returns how many views this many chunks have on average, rounded up.
    pub fn n_views_of(&self, n_chunks: usize) -> usize {
        (self.len() * n_chunks).div_ceil(self.n_chunks.max(1))
    }

    fn at(&self, slot: usize) -> &[f16] {
        let first = slot % PER_BLOCK * self.dimension;
        &self.blocks[slot / PER_BLOCK][first..first + self.dimension]
    }

    /// Compares the query with every view, except negatives, of the admitted chunks.
    pub fn scan(&self, query: &[f32], admits: impl Fn(u32) -> bool) -> Vec<VectorHit> {
        let mut scanner = Scanner::new(self, query);
        let views = self.slots.iter();
        let views = views.filter(|(view, _)| !is_negative(**view) && admits(chunk_of(**view)));
        views
            .map(|(view, slot)| VectorHit {
                key: chunk_of(*view),
                similarity: scanner.compare(*slot),
            })
            .collect()
    }

    /// Writes all vectors to a new file and returns its SHA-256 (hex).
    pub fn save(&self, path: &Path) -> std::io::Result<String> {
        let mut file = BufWriter::new(File::create(path)?);
        let (mut hash, mut record) = (Sha256::new(), Vec::new());
        for (view, slot) in &self.slots {
            record.clear();
            record.extend_from_slice(&view.to_le_bytes());
            record.extend(
                self.at(*slot)
                    .iter()
                    .flat_map(|number| number.to_le_bytes()),
            );
            hash.update(&record);
            file.write_all(&record)?;
        }
        file.into_inner()?.sync_all()?;
        Ok(hex(&hash.finalize()))
    }

    /// Reads a saved file. Returns the vectors and the file's SHA-256 (hex).
    pub fn load(path: &Path, dimension: usize) -> std::io::Result<(Self, String)> {
        let file = File::open(path)?;
        let mut record = vec![0; 8 + 2 * dimension];
        let n_records = file.metadata()?.len() as usize / record.len();
        let mut file = BufReader::with_capacity(1 << 20, file);
        let (mut this, mut hash) = (Self::new(dimension), Sha256::new());
        let mut vector = vec![f16::ZERO; dimension];
        for _ in 0..n_records {
            file.read_exact(&mut record)?;
            hash.update(&record);
            let (view, numbers) = record.split_at(8);
            for (number, bytes) in vector.iter_mut().zip(numbers.chunks_exact(2)) {
                *number = f16::from_le_bytes([bytes[0], bytes[1]]);
            }
            let view = view.try_into().expect("it was split so");
            this.put(u64::from_le_bytes(view), &vector);
        }
        // An incomplete last record shows in the checksum.
        let mut rest = Vec::new();
        file.read_to_end(&mut rest)?;
        hash.update(&rest);
        Ok((this, hex(&hash.finalize())))
    }
}

/// Compares a query with the vectors of given chunks, one after another.
pub struct Scanner<'a> {
    vectors: &'a F16Vectors,
    query: &'a [f32],
    buffer: Vec<f32>,
}

impl<'a> Scanner<'a> {
    /// Prepares comparisons with one query.
    pub fn new(vectors: &'a F16Vectors, query: &'a [f32]) -> Self {
        Self {
            vectors,
            query,
            buffer: vec![0.0; vectors.dimension],
        }
    }

    fn compare(&mut self, slot: usize) -> f32 {
        self.vectors.at(slot).convert_to_f32_slice(&mut self.buffer);
        dot(self.query, &self.buffer)
    }

    /// Returns the cosine of a chunk's nearest view, counted from view number `first`: 0 for views, [`NEGATIVE`] for
    /// negatives.
    pub fn similarity(&mut self, key: u32, first: usize) -> Option<f32> {
        let vectors = self.vectors;
        let slots = (first..first + NEGATIVE)
            .map_while(|view| vectors.slots.get(&view_key(key, view)).copied());
        slots.map(|slot| self.compare(slot)).reduce(f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f16_vectors_survive_insert_remove_and_reload() {
        let vector = |of: u64| [of as f32, 1.0, -0.5].map(f16::from_f32);
        let mut vectors = F16Vectors::new(3);
        for view in 0..3_000 {
            vectors.put(view, &vector(view));
        }
        for view in 0..1_500 {
            assert!(vectors.remove(view * 2));
        }
        assert!(!vectors.remove(0));
        for view in (3_000..3_500).chain([1]) {
            vectors.put(view, &vector(view + 7));
        }
        // Free slots were used again.
        assert_eq!(vectors.blocks.len(), 3);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.f16");
        let saved = vectors.save(&path).unwrap();
        let (read, found) = F16Vectors::load(&path, 3).unwrap();
        assert_eq!(found, saved);
        for vectors in [&vectors, &read] {
            assert_eq!(vectors.len(), 2_000);
            let n_first = vectors.slots.keys().filter(|view| is_first(**view)).count();
            assert_eq!(vectors.n_chunks, n_first);
            assert_eq!(vectors.n_views_of(n_first), 2_000);
            for view in 0..4_000 {
                let expected = match view {
                    1 | 3_000..3_500 => Some(vector(view + 7)),
                    0..3_000 if view % 2 == 1 => Some(vector(view)),
                    _ => None,
                };
                let slot = vectors.slots.get(&view);
                assert_eq!(
                    slot.map(|slot| vectors.at(*slot)),
                    expected.as_ref().map(|v| &v[..])
                );
            }
        }
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_ne!(F16Vectors::load(&path, 3).unwrap().1, saved);
    }
}
