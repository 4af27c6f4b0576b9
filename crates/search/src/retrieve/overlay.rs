//! Documents that are searched as if they were in a workspace, but are neither in its indexes nor in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RetrieveError;
use crate::embed::Embedder;
use crate::index::{
    ChunkEncoding, IndexError, KeywordSearch, Selection, VectorHit, WorkspaceIndex,
};
use ken_base::blocking::blocking;
use ken_base::config::SearchFeature;
use ken_base::domain::{DocumentId, Query, Revision, Source, WorkspaceId};
use ken_store::store::{IndexEntry, Store, entries_of};
use ken_text::text::Synonyms;

/// The first key of such a chunk. A workspace has fewer chunks of its own.
const FIRST_KEY: u32 = 0xFF00_0000;

/// Documents searched beside a workspace's own. They can replace some of those.
pub struct Overlay {
    index: Arc<WorkspaceIndex>,
    entries: BTreeMap<u32, IndexEntry>,
    /// Documents of the workspace to exclude.
    without: Vec<DocumentId>,
}

impl Overlay {
    /// Encodes and indexes documents in memory. Their vectors are cached, so that storing the documents later does not
    /// encode them again.
    pub async fn of(
        store: &Store,
        embedder: &Embedder,
        workspace: &WorkspaceId,
        sources: &[Source],
        without: Vec<DocumentId>,
    ) -> Result<Self, RetrieveError> {
        let mut entries: Vec<IndexEntry> = Vec::new();
        for source in sources {
            let first_key = FIRST_KEY + entries.len() as u32;
            entries.extend(entries_of(source, first_key, store.now())?);
        }
        let encoding = ChunkEncoding::of(store, embedder, workspace, &entries).await?;
        let vectors = encoding.finish(|_| ()).await?;
        let dimension = embedder.dimension();
        let (index, entries) = blocking(move || -> Result<_, IndexError> {
            let index = WorkspaceIndex::in_memory(&entries, &vectors, dimension)?;
            Ok((index, entries))
        })
        .await?;
        let by_key = entries.into_iter().map(|entry| (entry.chunk.key, entry));
        Ok(Self {
            index: Arc::new(index),
            entries: by_key.collect(),
            without,
        })
    }

    /// Returns one of its own chunks.
    pub fn entry(&self, key: u32) -> Option<&IndexEntry> {
        self.entries.get(&key)
    }
}

/// Everything to search: a workspace's indexes and the documents beside them.
#[derive(Clone)]
pub struct SearchTarget {
    own: Arc<WorkspaceIndex>,
    overlay: Option<Arc<Overlay>>,
}

/// The chunks that a query may find.
pub struct SearchSelection {
    own: Selection,
    overlay: Selection,
    both: Selection,
}

impl SearchTarget {
    /// Returns `None` if there is nothing to search. A workspace without any write has no indexes.
    pub fn of(own: Option<Arc<WorkspaceIndex>>, overlay: Option<&Arc<Overlay>>) -> Option<Self> {
        match (own, overlay) {
            (Some(own), overlay) => Some(Self {
                own,
                overlay: overlay.cloned(),
            }),
            (None, Some(overlay)) => Some(Self {
                own: overlay.index.clone(),
                overlay: None,
            }),
            (None, None) => None,
        }
    }

    /// Returns the revision that both indexes of the workspace hold.
    pub fn revision(&self) -> Revision {
        self.own.revision()
    }

    /// Returns the chunks that a query may find. Takes hardly any time if no chunk is restricted and the filter asks
    /// for nothing particular.
    pub async fn select(&self, query: &Query) -> Result<Arc<SearchSelection>, RetrieveError> {
        let filter = query.filter.clone();
        if self.overlay.is_none()
            && let Some(everything) = self.own.keyword.select_everything(&filter)
        {
            return Ok(Arc::new(SearchSelection::only(everything)));
        }
        let this = self.clone();
        let selected = blocking(move || match &this.overlay {
            None => Ok(SearchSelection::only(this.own.keyword.select(&filter)?)),
            Some(overlay) => {
                let mut own = filter.clone();
                own.without_documents.extend_from_slice(&overlay.without);
                let own = this.own.keyword.select(&own)?;
                Ok(own.overlay(overlay.index.keyword.select(&filter)?))
            }
        });
        Ok(Arc::new(selected.await.map_err(RetrieveError::Index)?))
    }

    /// Prepares a search for a question's terms. Returns `None` if the question has no terms.
    pub fn keywords(
        &self,
        question: &str,
        synonyms: &Synonyms,
        without: &[SearchFeature],
    ) -> Result<Option<KeywordSearch>, IndexError> {
        let own = &self.own.keyword;
        match &self.overlay {
            None => own.search(question, synonyms, without),
            Some(overlay) => {
                own.search_with_overlay(&overlay.index.keyword, question, synonyms, without)
            }
        }
    }

    /// Returns the `limit` chunks nearest to a question's vector, best first, ties by key.
    pub fn nearest(
        &self,
        vector: &[f32],
        limit: usize,
        selected: &SearchSelection,
    ) -> Result<Vec<VectorHit>, IndexError> {
        let own = self.own.vectors.search(vector, limit, &selected.own)?;
        let Some(overlay) = &self.overlay else {
            return Ok(own);
        };
        let others = overlay
            .index
            .vectors
            .search(vector, limit, &selected.overlay)?;
        Ok(merged(own, others, limit))
    }

    /// Returns the nearest chunk that is not in the question's writing. `None` if hardly any chunk of the workspace is
    /// in one of the two, or if the query names languages.
    pub fn nearest_in_other_script(
        &self,
        question: &str,
        vector: &[f32],
        selected: &SearchSelection,
    ) -> Result<Option<VectorHit>, IndexError> {
        let overlay = self.overlay.as_ref().map(|overlay| &overlay.index.keyword);
        let latin = self.own.keyword.latin_share(overlay);
        let in_index = |index: &WorkspaceIndex, selection: &Selection| {
            let other = index.keyword.in_other_script(question, selection, latin);
            other.map_or(Ok(Vec::new()), |other| {
                index.vectors.search(vector, 1, &other)
            })
        };
        let own = in_index(&self.own, &selected.own)?;
        let others = match &self.overlay {
            Some(overlay) => in_index(&overlay.index, &selected.overlay)?,
            None => Vec::new(),
        };
        Ok(merged(own, others, 1).pop())
    }

    /// Returns the cosine of each chunk's nearest view, in the order of `keys`.
    pub fn similarities(
        &self,
        vector: &[f32],
        keys: &[u32],
    ) -> Result<Vec<Option<f32>>, IndexError> {
        self.each(keys, |index, keys| index.vectors.similarities(vector, keys))
    }

    /// Like [`Self::similarities`], for the questions that the chunks do not answer.
    pub fn negatives(&self, vector: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.each(keys, |index, keys| index.vectors.negatives(vector, keys))
    }

    fn each(
        &self,
        keys: &[u32],
        of: impl Fn(&WorkspaceIndex, &[u32]) -> Result<Vec<Option<f32>>, IndexError>,
    ) -> Result<Vec<Option<f32>>, IndexError> {
        let mut found = of(&self.own, keys)?;
        if let Some(overlay) = &self.overlay {
            for (own, other) in found.iter_mut().zip(of(&overlay.index, keys)?) {
                *own = other.or(*own);
            }
        }
        Ok(found)
    }
}

impl SearchSelection {
    fn only(own: Selection) -> Self {
        Self {
            overlay: Selection::default(),
            both: own.clone(),
            own,
        }
    }

    /// Returns the selection by key, over both the workspace's chunks and those beside.
    pub fn both(&self) -> &Selection {
        &self.both
    }
}

impl Selection {
    /// Joins two selections of the same filter over chunks with different keys.
    fn overlay(self, overlay: Self) -> SearchSelection {
        let listed = |own: &Self, other: &Self| match (&own.only, &other.only) {
            (Some(own), Some(other)) => Some(own | other),
            _ => None,
        };
        SearchSelection {
            both: Self {
                only: listed(&self, &overlay),
                except: &self.except | &overlay.except,
                rules: None,
            },
            own: self,
            overlay,
        }
    }
}

fn merged(mut hits: Vec<VectorHit>, others: Vec<VectorHit>, limit: usize) -> Vec<VectorHit> {
    hits.extend(others);
    hits.sort_by(|a, b| {
        let by_similarity = b.similarity.total_cmp(&a.similarity);
        by_similarity.then(a.key.cmp(&b.key))
    });
    hits.truncate(limit);
    hits
}
