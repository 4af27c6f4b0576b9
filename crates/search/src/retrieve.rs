//! The [`Retriever`]: a [`Query`] → [`Hit`]s. Keyword and vector search run in parallel, then [`Fusion`] merges them.
//!
//! The keyword search runs while the encoder works, so a request takes little longer than encoding alone. Both searches
//! cover the same chunks. Candidates that only one search found also get a score from the other, so fusion never has to
//! guess a missing score.

mod explain;
mod fusion;
mod glossary;
mod overlay;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::embed::{EmbedError, Embedder};
use crate::index::{
    IndexError, Indexes, KeywordHit, KeywordSearch, QueryTerm, VectorHit, WorkspaceIndex,
};
use crate::vectors::VectorsError;
use ken_base::blocking::blocking;
use ken_base::config::{RetrieveConfig, SearchFeature};
use ken_base::domain::{
    Chunk, Clock, Evidence, Hit, LegScore, Mode, Note, Query, Revision, Timings, WorkspaceId,
};
use ken_store::store::{Store, StoreError};
use ken_text::text::written;

use overlay::{SearchSelection, SearchTarget};

pub use explain::{DocumentExplanation, FilterDecision, FilterName, SearchVerdict};
pub use fusion::{Fusion, FusionCandidate, Shares};
pub use glossary::Glossary;
pub use overlay::Overlay;

/// The error of a failed search. A failure never shortens the list of hits silently.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// An index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VectorsError> for RetrieveError {
    fn from(error: VectorsError) -> Self {
        match error {
            VectorsError::Store(error) => Self::Store(error),
            VectorsError::Embed(error) => Self::Embed(error),
        }
    }
}

/// The result of a query.
#[derive(Debug, Clone, Default)]
pub struct Retrieved {
    /// Best first, at most as many as the query's limit; ties are ordered by chunk key.
    pub hits: Vec<Hit>,
    /// The question's terms with their weights (inverse document frequency in the collection).
    pub term_weights: Vec<(String, f32)>,
    /// The question's terms as written, each with its search forms.
    pub query_terms: Vec<QueryTerm>,
    /// Whether the question is in Latin script and hardly any chunk is. Then keyword scores have a low weight.
    pub is_foreign: bool,
    /// The component that was unavailable, so that only keywords were searched; `None` if nothing was.
    pub degraded: Option<Degraded>,
    /// The revision that both indexes had reached when the search began.
    pub revision: Revision,
    /// The duration of each step.
    pub timings: Timings,
}

/// A component whose failure reduces a hybrid search to keyword search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// The encoder could not encode the question.
    Encoder,
    /// The vectors could not be searched.
    Vectors,
}

impl From<Degraded> for Note {
    fn from(degraded: Degraded) -> Self {
        match degraded {
            Degraded::Encoder => Self::EncoderUnavailable,
            Degraded::Vectors => Self::VectorsUnavailable,
        }
    }
}

impl Degraded {
    /// Returns the stable name for answers, `/readyz` and metrics.
    pub fn as_str(self) -> &'static str {
        Note::from(self).as_str()
    }
}

/// The maximum number of concurrent searches; more wait. A search is CPU-bound, so more than a few per core gain
/// nothing.
const MAX_SEARCHES: usize = 32;

/// Searches both indexes of a workspace. Clones share all state.
#[derive(Clone)]
pub struct Retriever {
    store: Store,
    indexes: Arc<Indexes>,
    embedder: Embedder,
    fusion: Fusion,
    candidates: usize,
    without: Arc<[SearchFeature]>,
    glossary: Glossary,
    clock: Clock,
    permits: Arc<Semaphore>,
    /// Whether the last vector search failed.
    vectors_unavailable: Arc<AtomicBool>,
    overlay: Option<Arc<Overlay>>,
}

impl Retriever {
    /// Creates a retriever with the system clock and no overlay.
    pub fn new(
        store: Store,
        indexes: Arc<Indexes>,
        embedder: Embedder,
        config: &RetrieveConfig,
    ) -> Self {
        Self {
            glossary: Glossary::new(store.clone()),
            store,
            indexes,
            embedder,
            fusion: Fusion::from(config),
            candidates: config.candidates,
            without: config.without.clone().into(),
            clock: Clock::default(),
            permits: Arc::new(Semaphore::new(MAX_SEARCHES)),
            vectors_unavailable: Arc::default(),
            overlay: None,
        }
    }

    /// Returns a retriever that also searches `overlay`. Use it only for the workspace that the overlay was made for.
    pub fn with_overlay(&self, overlay: Overlay) -> Self {
        Self {
            overlay: Some(Arc::new(overlay)),
            ..self.clone()
        }
    }

    /// Returns the retriever with another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Returns the query with `filter.at` set: the current time, unless the query has one. Searching and loading
    /// evidence then use the same time.
    pub fn with_time(&self, mut query: Query) -> Query {
        query.filter.at.get_or_insert_with(|| self.clock.now());
        query
    }

    /// Returns a workspace's indexes, or `None` if they are not open.
    pub fn index_of(&self, workspace: &WorkspaceId) -> Option<Arc<WorkspaceIndex>> {
        self.indexes.find(workspace)
    }

    /// Returns the workspaces' synonyms.
    pub fn glossary(&self) -> &Glossary {
        &self.glossary
    }

    /// Returns the components that were unavailable when they were last needed.
    pub fn degraded(&self) -> Vec<Degraded> {
        let unavailable = [
            (Degraded::Encoder, self.embedder.is_failing()),
            (
                Degraded::Vectors,
                self.vectors_unavailable.load(Ordering::Relaxed),
            ),
        ];
        let unavailable = unavailable
            .into_iter()
            .filter(|(_, is_unavailable)| *is_unavailable);
        unavailable.map(|(degraded, _)| degraded).collect()
    }

    /// Normalizes a question for search: replaces spoken forms by written ones and removes courtesy phrases. Returns
    /// the question unchanged if [`SearchFeature::Spoken`] is disabled.
    pub fn normalized(&self, question: &str) -> String {
        match self.without.contains(&SearchFeature::Spoken) {
            true => question.to_owned(),
            false => written(question),
        }
    }

    /// Encodes the question and searches.
    ///
    /// # Errors
    /// See [`Self::retrieve_with`].
    pub async fn retrieve(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
    ) -> Result<Retrieved, RetrieveError> {
        self.retrieve_with(workspace, query, None).await
    }

    /// Searches with the question's `vector`. If it is `None`, encodes the question first, unless the query is in
    /// keyword mode.
    ///
    /// # Errors
    /// [`RetrieveError`] if an index or the store fails or the encoder is overloaded. In hybrid mode, any other failure
    /// of the encoder or of the vector index only sets [`Retrieved::degraded`].
    #[tracing::instrument(name = "retrieve", skip_all)]
    pub async fn retrieve_with(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        vector: Option<Vec<f32>>,
    ) -> Result<Retrieved, RetrieveError> {
        let start = Instant::now();
        let query = &self.with_time(query.clone());
        // A workspace has no index before its first write is indexed.
        let own = self.indexes.find(workspace);
        let Some(index) = SearchTarget::of(own, self.overlay.as_ref()) else {
            return Ok(Retrieved::default());
        };
        let revision = index.revision();
        let selection = index.select(query).await?;
        let keyword_leg = self.keyword_leg(workspace, &index, query, &selection);
        let vector_leg = self.vector_leg(&index, query, &selection, vector);
        let (keywords, vectors) = tokio::try_join!(keyword_leg, vector_leg)?;
        let (embed_ms, mut degraded) = (vectors.embed_ms, vectors.degraded);
        let mut merge = Merge {
            index,
            keywords,
            vectors,
            fusion: self.fusion.tuned(query.tuning),
            uses_negatives: !self.without.contains(&SearchFeature::Negatives),
            limit: query.limit(),
            revision,
        };
        let _permit = self.permits.acquire().await;
        let is_hybrid = query.mode == Mode::Hybrid;
        let merged = search_blocking(move || match merge.run() {
            Err(error) if error.is_of_vectors() && is_hybrid && merge.vectors.vector.is_some() => {
                tracing::error!(%error, "vector search unavailable; falling back to keyword search");
                merge.vectors = VectorLeg::default();
                Ok((merge.run()?, Some(Degraded::Vectors)))
            }
            found => Ok((found?, None)),
        });
        let (mut found, failed) = merged.await?;
        degraded = degraded.or(failed);
        if degraded != Some(Degraded::Encoder) && query.mode != Mode::Keyword {
            let is_unavailable = degraded == Some(Degraded::Vectors);
            self.vectors_unavailable
                .store(is_unavailable, Ordering::Relaxed);
        }
        found.degraded = degraded;
        found.timings.embed = embed_ms;
        found.timings.total = elapsed_ms(start);
        Ok(found)
    }

    /// Loads the hits' chunks from the store or the overlay, in the order of the hits. Leaves out chunks that are no
    /// longer live, valid or visible to the caller, whatever the indexes contain.
    pub async fn load_evidence(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        hits: &[Hit],
    ) -> Result<Vec<Evidence>, RetrieveError> {
        let overlay_entry = |key: u32| self.overlay.as_ref()?.entry(key);
        let keys = hits.iter().map(|hit| hit.chunk_key);
        let (overlay_keys, keys): (Vec<u32>, Vec<u32>) =
            keys.partition(|key| overlay_entry(*key).is_some());
        let overlay_entries = overlay_keys.into_iter().filter_map(overlay_entry).cloned();
        let at = query.filter.at.unwrap_or_else(|| self.clock.now());
        let (audience, channel) = (&query.filter.audience, query.filter.channel.as_deref());
        let mut live: HashMap<u32, _> = self
            .store
            .chunks(workspace, &keys)
            .await?
            .into_iter()
            .chain(overlay_entries)
            .filter(|entry| entry.metadata.visible(audience, channel, at))
            .map(|entry| (entry.chunk.key, entry))
            .collect();
        let evidence = hits.iter().filter_map(|hit| {
            let entry = live.remove(&hit.chunk_key)?;
            Some(Evidence {
                chunk: entry.chunk,
                metadata: Arc::unwrap_or_clone(entry.metadata),
                updated_at: entry.updated_at,
                score: hit.score,
                coverage: hit.coverage,
                similarity: hit.vector.map_or(0.0, |leg| leg.score),
            })
        });
        Ok(evidence.collect())
    }

    /// Returns the text of the chunk that follows `evidence` in its document if it is in the same section, otherwise
    /// `None`. A long list or table is split into several chunks. Each later one has the lead-in of the list, or the
    /// header of the table, as an additional last heading; it is in the same section.
    pub async fn next_passage(
        &self,
        workspace: &WorkspaceId,
        evidence: &Evidence,
    ) -> Result<Option<String>, RetrieveError> {
        let chunk = &evidence.chunk;
        let key = chunk.key + 1;
        let overlay = self.overlay.as_ref().and_then(|overlay| overlay.entry(key));
        let next = match overlay {
            Some(next) => Some(next.clone()),
            None => self.store.chunks(workspace, &[key]).await?.pop(),
        };
        let is_next = |next: &Chunk| {
            let repeated = next.heading_path.split_last();
            let is_in_section = next.heading_path == chunk.heading_path
                || repeated.is_some_and(|(last, section)| {
                    section == chunk.heading_path && chunk.text.contains(last.as_str())
                });
            (&next.document_id, next.version) == (&chunk.document_id, chunk.version)
                && is_in_section
        };
        Ok(next
            .map(|entry| entry.chunk)
            .filter(is_next)
            .map(|next| next.text))
    }

    /// Returns the question's vector, the encoding time in milliseconds, and [`Degraded::Encoder`] if the encoder
    /// failed in hybrid mode. The vector is `None` in keyword mode and if the encoder failed.
    async fn question_vector(
        &self,
        query: &Query,
        known: Option<Vec<f32>>,
    ) -> Result<(Option<Vec<f32>>, f64, Option<Degraded>), RetrieveError> {
        let start = Instant::now();
        let (mut vector, mut degraded) = (known, None);
        if query.mode == Mode::Keyword {
            vector = None;
        } else if vector.is_none() {
            let normalized = self.normalized(query.text());
            match self.embedder.embed_question(&normalized).await {
                Ok(encoded) => vector = Some(encoded),
                // An overload is returned as an error, so that the caller slows down.
                Err(error) if query.mode == Mode::Vector || error.is_overload() => {
                    return Err(error.into());
                }
                Err(error) => {
                    tracing::error!(%error, "encoder unavailable; falling back to keyword search");
                    degraded = Some(Degraded::Encoder);
                }
            }
        }
        Ok((vector, elapsed_ms(start), degraded))
    }

    /// Runs the keyword search. Returns an empty result in vector mode.
    async fn keyword_leg(
        &self,
        workspace: &WorkspaceId,
        index: &SearchTarget,
        query: &Query,
        selection: &Arc<SearchSelection>,
    ) -> Result<KeywordLeg, RetrieveError> {
        if query.mode == Mode::Vector {
            return Ok(KeywordLeg::default());
        }
        let question = self.normalized(query.text());
        let synonyms = self.glossary.of(workspace).await?;
        let (index, selection) = (index.clone(), selection.clone());
        let without = self.without.clone();
        let candidates = self.candidates.max(query.limit());
        let _permit = self.permits.acquire().await;
        search_blocking(move || {
            let start = Instant::now();
            let search = index.keywords(&question, &synonyms, &without)?;
            let hits = match &search {
                Some(search) => search.top(candidates, selection.both())?,
                None => Vec::new(),
            };
            Ok(KeywordLeg {
                search,
                hits,
                ms: elapsed_ms(start),
            })
        })
        .await
    }

    /// Runs the vector search. Encodes the question first if the caller has no vector.
    async fn vector_leg(
        &self,
        index: &SearchTarget,
        query: &Query,
        selection: &Arc<SearchSelection>,
        known: Option<Vec<f32>>,
    ) -> Result<VectorLeg, RetrieveError> {
        let (vector, embed_ms, degraded) = self.question_vector(query, known).await?;
        let empty = VectorLeg {
            embed_ms,
            degraded,
            ..VectorLeg::default()
        };
        let Some(vector) = vector else {
            return Ok(empty);
        };
        let (index, selection) = (index.clone(), selection.clone());
        let candidates = self.candidates.max(query.limit());
        let searches_other_script =
            query.mode == Mode::Hybrid && !self.without.contains(&SearchFeature::OtherWriting);
        let other_script = searches_other_script.then(|| query.text().to_owned());
        let _permit = self.permits.acquire().await;
        let searched = search_blocking(move || {
            let start = Instant::now();
            let hits = index.nearest(&vector, candidates, &selection)?;
            let cross_script = match other_script {
                Some(text) => index.nearest_in_other_script(&text, &vector, &selection)?,
                None => None,
            };
            let best = hits.first().map_or(0.0, |hit| hit.similarity);
            let cross_script =
                cross_script.filter(|hit| hit.similarity >= best - CROSS_SCRIPT_MARGIN);
            Ok((vector, hits, cross_script, elapsed_ms(start)))
        });
        match searched.await {
            Ok((vector, hits, cross_script, ms)) => Ok(VectorLeg {
                vector: Some(vector),
                hits,
                cross_script,
                ms,
                ..empty
            }),
            Err(RetrieveError::Index(error))
                if error.is_of_vectors() && query.mode == Mode::Hybrid =>
            {
                tracing::error!(%error, "vector search unavailable; falling back to keyword search");
                Ok(VectorLeg {
                    degraded: Some(Degraded::Vectors),
                    ..empty
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// The result of the keyword search.
#[derive(Default)]
struct KeywordLeg {
    search: Option<KeywordSearch>,
    hits: Vec<KeywordHit>,
    ms: f64,
}

/// The result of the vector search.
#[derive(Default)]
struct VectorLeg {
    vector: Option<Vec<f32>>,
    hits: Vec<VectorHit>,
    /// The best chunk in another script than the question, if the collection contains both scripts and its cosine is
    /// within [`CROSS_SCRIPT_MARGIN`] of the best.
    cross_script: Option<VectorHit>,
    embed_ms: f64,
    ms: f64,
    degraded: Option<Degraded>,
}

/// The last step of a search: adds missing scores, then fuses the results.
struct Merge {
    index: SearchTarget,
    keywords: KeywordLeg,
    vectors: VectorLeg,
    fusion: Fusion,
    uses_negatives: bool,
    limit: usize,
    revision: Revision,
}

impl Merge {
    fn run(&self) -> Result<Retrieved, IndexError> {
        let start = Instant::now();
        let (keywords, vectors) = (&self.keywords, &self.vectors);
        let n_found = keywords.hits.len() + vectors.hits.len();
        let mut found: HashMap<u32, FusionCandidate> = HashMap::with_capacity(n_found);
        for (rank, hit) in (1..).zip(&keywords.hits) {
            let candidate = found
                .entry(hit.key)
                .or_insert_with(|| FusionCandidate::new(hit.key));
            candidate.set_keyword_scores(Some(rank), &hit.words);
        }
        let unranked = vectors.cross_script.iter().map(|hit| (None, hit));
        let ranked = (1..)
            .zip(&vectors.hits)
            .map(|(rank, hit)| (Some(rank), hit));
        for (rank, hit) in unranked.chain(ranked) {
            let candidate = found
                .entry(hit.key)
                .or_insert_with(|| FusionCandidate::new(hit.key));
            candidate.vector = Some(LegScore {
                rank,
                score: hit.similarity,
            });
        }
        if let Some(vector) = &vectors.vector {
            self.add_vector_scores(vector, &mut found)?;
        }
        if let Some(search) = &keywords.search {
            let unseen: Vec<u32> = found
                .values()
                .filter(|c| c.keyword.is_none())
                .map(|c| c.key)
                .collect();
            for (key, scores) in unseen.iter().zip(search.scores(&unseen)?) {
                if let Some(candidate) = found.get_mut(key) {
                    candidate.set_keyword_scores(None, &scores);
                }
            }
        }
        let is_foreign = keywords
            .search
            .as_ref()
            .is_some_and(KeywordSearch::is_foreign);
        let candidates = found.into_values().collect();
        let mut hits = self.fusion.fuse(candidates, is_foreign);
        if let Some(cross_script) = vectors.cross_script {
            promote_cross_script(&mut hits, cross_script.key);
        }
        hits.truncate(self.limit);
        let term_weights = keywords
            .search
            .as_ref()
            .map_or_else(Vec::new, KeywordSearch::term_weights);
        let query_terms = keywords
            .search
            .as_ref()
            .map_or_else(Vec::new, |search| search.query_terms().to_vec());
        let timings = Timings {
            keyword: keywords.ms,
            vector: vectors.ms,
            fuse: elapsed_ms(start),
            ..Timings::default()
        };
        Ok(Retrieved {
            hits,
            term_weights,
            is_foreign,
            degraded: None,
            query_terms,
            revision: self.revision,
            timings,
        })
    }

    /// Adds the missing cosines of chunks that only the keyword search found. For each chunk, also sets by how much the
    /// question's cosine with the chunk's negatives exceeds its cosine with the chunk.
    fn add_vector_scores(
        &self,
        vector: &[f32],
        found: &mut HashMap<u32, FusionCandidate>,
    ) -> Result<(), IndexError> {
        let unseen: Vec<u32> = found
            .values()
            .filter(|c| c.vector.is_none())
            .map(|c| c.key)
            .collect();
        let scores = self.index.similarities(vector, &unseen)?;
        for (key, score) in unseen.iter().zip(scores) {
            if let (Some(candidate), Some(score)) = (found.get_mut(key), score) {
                candidate.vector = Some(LegScore { rank: None, score });
            }
        }
        if !self.uses_negatives {
            return Ok(());
        }
        let keys: Vec<u32> = found.keys().copied().collect();
        let negatives = self.index.negatives(vector, &keys)?;
        for (key, negative) in keys.iter().zip(negatives) {
            if let (Some(candidate), Some(negative)) = (found.get_mut(key), negative) {
                let own = candidate.vector.map_or(0.0, |leg| leg.score);
                candidate.negative = (negative - own).max(0.0);
            }
        }
        Ok(())
    }
}

/// The maximum distance of a cross-script chunk's cosine below the best cosine. In six judged knowledge bases, the
/// chunks that answer are at most .08 below, and half of the others are farther below.
const CROSS_SCRIPT_MARGIN: f32 = 0.08;
/// The lowest rank, from 0, for the best cross-script chunk. It is not read unless `reader.passages` is 4 or
/// more. With 4, more questions are answered across languages, but more of them wrongly (docs/measured/reading.md).
const CROSS_SCRIPT_RANK: usize = 3;

/// Moves the best cross-script chunk up to [`CROSS_SCRIPT_RANK`] if it ranks lower. Its score cannot be compared with
/// the others: keywords cannot match it, and cosines across scripts are lower than within one. So it gets the score of
/// the chunk that it displaces.
fn promote_cross_script(hits: &mut [Hit], key: u32) {
    // A chunk whose negatives match the question is not moved.
    let is_eligible = |hit: &Hit| hit.chunk_key == key && hit.negative == 0.0;
    let at = hits.iter().position(is_eligible);
    if let Some(at) = at.filter(|at| *at > CROSS_SCRIPT_RANK) {
        hits[at].score = hits[CROSS_SCRIPT_RANK].score;
        hits[CROSS_SCRIPT_RANK..=at].rotate_right(1);
    }
}

/// Runs a search on a thread for blocking work.
async fn search_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IndexError> + Send + 'static,
) -> Result<T, RetrieveError> {
    Ok(blocking(work).await?)
}

fn elapsed_ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
