//! The [`Retriever`]: a [`Query`] → [`Hit`]s. Keyword and vector search run in parallel, then [`Fusion`] merges them.
//!
//! The keyword search runs while the encoder works, so a request takes little more than the encoder's time. Both
//! searches cover the same chunks. Each candidate of one is scored by the other too, so fusion never has to guess a
//! missing score.

mod beside;
mod explain;
mod fusion;
mod glossary;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::embed::{EmbedError, Embedder};
use crate::index::{
    IndexError, Indexes, KeywordHit, KeywordSearch, VectorHit, Wanted, WorkspaceIndex,
};
use crate::vectors::VectorsError;
use ken_base::blocking::blocking;
use ken_base::config::{Part, RetrieveConfig};
use ken_base::domain::{
    Chunk, Clock, Evidence, Hit, LegScore, Mode, Note, Query, Revision, Timings, WorkspaceId,
};
use ken_store::store::{Store, StoreError};
use ken_text::text::written;

use beside::{Searched, Selected};

pub use beside::Beside;
pub use explain::{DocumentExplanation, FilterDecision, FilterName, Standing};
pub use fusion::{Candidate, Fusion, Shares};
pub use glossary::Glossary;

/// A search that failed. A failure never shortens the list of hits silently.
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
    /// Best first, at most the query's limit, ties by chunk key.
    pub hits: Vec<Hit>,
    /// The question's terms with their weights (inverse document frequency in the collection).
    pub term_weights: Vec<(String, f32)>,
    /// The question's terms as written, each with the forms that were searched for.
    pub wanted: Vec<Wanted>,
    /// Whether hardly any chunk is in the question's writing, so that words count little.
    pub is_foreign: bool,
    /// The part that was unavailable, so that only keywords were searched.
    pub degraded: Option<Degraded>,
    /// The revision that both indexes held.
    pub revision: Revision,
    /// The time of each step.
    pub timings: Timings,
}

/// A part whose failure reduces the search to keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degraded {
    /// The encoder failed on the question.
    Encoder,
    /// The vectors could not be searched.
    Vectors,
}

impl From<Degraded> for Note {
    fn from(part: Degraded) -> Self {
        match part {
            Degraded::Encoder => Self::EncoderUnavailable,
            Degraded::Vectors => Self::VectorsUnavailable,
        }
    }
}

impl Degraded {
    /// Returns a stable word for answers, `/readyz` and metrics.
    pub fn as_str(self) -> &'static str {
        Note::from(self).as_str()
    }
}

/// How many searches run at once; more wait. A search is pure computation, so more than a few per core gain nothing.
const MAX_SEARCHES: usize = 32;

/// Finds chunks in both indexes of a workspace. Clones share everything.
#[derive(Clone)]
pub struct Retriever {
    store: Store,
    indexes: Arc<Indexes>,
    embedder: Embedder,
    fusion: Fusion,
    candidates: usize,
    without: Arc<[Part]>,
    glossary: Glossary,
    clock: Clock,
    permits: Arc<Semaphore>,
    /// Whether the last vector search failed.
    vectors_away: Arc<AtomicBool>,
    beside: Option<Arc<Beside>>,
}

impl Retriever {
    /// Joins the parts of a retriever.
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
            vectors_away: Arc::default(),
            beside: None,
        }
    }

    /// Returns a retriever that also searches `beside`. Use it for questions to that workspace only.
    pub fn searching(&self, beside: Beside) -> Self {
        Self {
            beside: Some(Arc::new(beside)),
            ..self.clone()
        }
    }

    /// Replaces the clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Returns the query with its time set: now, unless it names one. Search and loading then use the same time.
    pub fn timed(&self, mut query: Query) -> Query {
        query.filter.at.get_or_insert_with(|| self.clock.now());
        query
    }

    /// Returns a workspace's indexes if they are open.
    pub fn index_of(&self, workspace: &WorkspaceId) -> Option<Arc<WorkspaceIndex>> {
        self.indexes.find(workspace)
    }

    /// Returns the workspaces' synonyms.
    pub fn glossary(&self) -> &Glossary {
        &self.glossary
    }

    /// Returns the parts that were unavailable when last needed.
    pub fn degraded(&self) -> Vec<Degraded> {
        let away = [
            (Degraded::Encoder, self.embedder.is_failing()),
            (Degraded::Vectors, self.vectors_away.load(Ordering::Relaxed)),
        ];
        let away = away.into_iter().filter(|(_, is_away)| *is_away);
        away.map(|(part, _)| part).collect()
    }

    /// Returns a question as it is searched for: spoken forms replaced by written ones, without courtesy.
    pub fn worded(&self, question: &str) -> String {
        match self.without.contains(&Part::Spoken) {
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

    /// Searches with a given vector; `None` encodes the question first.
    ///
    /// # Errors
    /// [`RetrieveError`] if an index or the store fails or the encoder is overloaded. In hybrid mode a broken encoder
    /// or vector index only sets [`Retrieved::degraded`].
    #[tracing::instrument(name = "retrieve", skip_all)]
    pub async fn retrieve_with(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        vector: Option<Vec<f32>>,
    ) -> Result<Retrieved, RetrieveError> {
        let start = Instant::now();
        let query = &self.timed(query.clone());
        // A workspace without any indexed write has no index.
        let own = self.indexes.find(workspace);
        let Some(index) = Searched::of(own, self.beside.as_ref()) else {
            return Ok(Retrieved::default());
        };
        let revision = index.revision();
        let selection = index.select(query).await?;
        let by_words = self.keyword_leg(workspace, &index, query, &selection);
        let by_meaning = self.vector_leg(&index, query, &selection, vector);
        let (words, meaning) = tokio::try_join!(by_words, by_meaning)?;
        let (embed_ms, mut degraded) = (meaning.embed_ms, meaning.degraded);
        let mut both = Both {
            index,
            words,
            meaning,
            fusion: self.fusion.tuned(query.tuning),
            uses_negatives: !self.without.contains(&Part::Negatives),
            limit: query.limit(),
            revision,
        };
        let _permit = self.permits.acquire().await;
        let by_words_too = query.mode == Mode::Hybrid;
        let merged = computing(move || match both.merge() {
            Err(error)
                if error.is_of_vectors() && by_words_too && both.meaning.vector.is_some() =>
            {
                tracing::error!(%error, "vector search unavailable; falling back to keyword search");
                both.meaning = Meaning::default();
                Ok((both.merge()?, Some(Degraded::Vectors)))
            }
            found => Ok((found?, None)),
        });
        let (mut found, failed) = merged.await?;
        degraded = degraded.or(failed);
        if degraded != Some(Degraded::Encoder) && query.mode != Mode::Keyword {
            let is_away = degraded == Some(Degraded::Vectors);
            self.vectors_away.store(is_away, Ordering::Relaxed);
        }
        found.degraded = degraded;
        found.timings.embed = embed_ms;
        found.timings.total = elapsed_ms(start);
        Ok(found)
    }

    /// Loads the hits' chunks from the store, in their order. Leaves out chunks that are no longer live, valid or
    /// visible to the caller, whatever the indexes contain.
    pub async fn load_evidence(
        &self,
        workspace: &WorkspaceId,
        query: &Query,
        hits: &[Hit],
    ) -> Result<Vec<Evidence>, RetrieveError> {
        let beside = |key: u32| self.beside.as_ref()?.entry(key);
        let keys = hits.iter().map(|hit| hit.chunk_key);
        let (others, keys): (Vec<u32>, Vec<u32>) = keys.partition(|key| beside(*key).is_some());
        let others = others.into_iter().filter_map(beside).cloned();
        let at = query.filter.at.unwrap_or_else(|| self.clock.now());
        let (audience, channel) = (&query.filter.audience, query.filter.channel.as_deref());
        let mut live: HashMap<u32, _> = self
            .store
            .chunks(workspace, &keys)
            .await?
            .into_iter()
            .chain(others)
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

    /// Returns the text of the next passage if it continues a piece of evidence in the same section, otherwise `None`.
    /// The later parts of a long list repeat its lead-in as a last heading, those of a table its header.
    pub async fn behind(
        &self,
        workspace: &WorkspaceId,
        evidence: &Evidence,
    ) -> Result<Option<String>, RetrieveError> {
        let chunk = &evidence.chunk;
        let key = chunk.key + 1;
        let beside = self.beside.as_ref().and_then(|beside| beside.entry(key));
        let next = match beside {
            Some(next) => Some(next.clone()),
            None => self.store.chunks(workspace, &[key]).await?.pop(),
        };
        let is_next = |next: &Chunk| {
            let carried = next.heading_path.split_last();
            let is_of_section = next.heading_path == chunk.heading_path
                || carried.is_some_and(|(last, section)| {
                    section == chunk.heading_path && chunk.text.contains(last.as_str())
                });
            (&next.document_id, next.version) == (&chunk.document_id, chunk.version)
                && is_of_section
        };
        Ok(next
            .map(|entry| entry.chunk)
            .filter(is_next)
            .map(|next| next.text))
    }

    async fn vector_of(
        &self,
        query: &Query,
        known: Option<Vec<f32>>,
    ) -> Result<(Option<Vec<f32>>, f64, Option<Degraded>), RetrieveError> {
        let start = Instant::now();
        let (mut vector, mut degraded) = (known, None);
        if query.mode == Mode::Keyword {
            vector = None;
        } else if vector.is_none() {
            let worded = self.worded(query.text());
            match self.embedder.embed_question(&worded).await {
                Ok(made) => vector = Some(made),
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

    async fn keyword_leg(
        &self,
        workspace: &WorkspaceId,
        index: &Searched,
        query: &Query,
        selection: &Arc<Selected>,
    ) -> Result<Words, RetrieveError> {
        if query.mode == Mode::Vector {
            return Ok(Words::default());
        }
        let question = self.worded(query.text());
        let synonyms = self.glossary.of(workspace).await?;
        let (index, selection) = (index.clone(), selection.clone());
        let without = self.without.clone();
        let candidates = self.candidates.max(query.limit());
        let _permit = self.permits.acquire().await;
        computing(move || {
            let start = Instant::now();
            let search = index.words(&question, &synonyms, &without)?;
            let hits = match &search {
                Some(search) => search.top(candidates, selection.both())?,
                None => Vec::new(),
            };
            Ok(Words {
                search,
                hits,
                ms: elapsed_ms(start),
            })
        })
        .await
    }

    /// Searches near the question's vector, and encodes the question first if there is no vector yet.
    async fn vector_leg(
        &self,
        index: &Searched,
        query: &Query,
        selection: &Arc<Selected>,
        known: Option<Vec<f32>>,
    ) -> Result<Meaning, RetrieveError> {
        let (vector, embed_ms, degraded) = self.vector_of(query, known).await?;
        let nothing = Meaning {
            embed_ms,
            degraded,
            ..Meaning::default()
        };
        let Some(vector) = vector else {
            return Ok(nothing);
        };
        let (index, selection) = (index.clone(), selection.clone());
        let candidates = self.candidates.max(query.limit());
        let looks_across =
            query.mode == Mode::Hybrid && !self.without.contains(&Part::OtherWriting);
        let other = looks_across.then(|| query.text().to_owned());
        let _permit = self.permits.acquire().await;
        let searched = computing(move || {
            let start = Instant::now();
            let hits = index.nearest(&vector, candidates, &selection)?;
            let across = match other {
                Some(text) => index.nearest_in_other_writing(&text, &vector, &selection)?,
                None => None,
            };
            let best = hits.first().map_or(0.0, |hit| hit.similarity);
            let across = across.filter(|hit| hit.similarity >= best - FARTHER_ACROSS);
            Ok((vector, hits, across, elapsed_ms(start)))
        });
        match searched.await {
            Ok((vector, hits, across, ms)) => Ok(Meaning {
                vector: Some(vector),
                hits,
                across,
                ms,
                ..nothing
            }),
            Err(RetrieveError::Index(error))
                if error.is_of_vectors() && query.mode == Mode::Hybrid =>
            {
                tracing::error!(%error, "vector search unavailable; falling back to keyword search");
                Ok(Meaning {
                    degraded: Some(Degraded::Vectors),
                    ..nothing
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// The result of the keyword search.
#[derive(Default)]
struct Words {
    search: Option<KeywordSearch>,
    hits: Vec<KeywordHit>,
    ms: f64,
}

/// The result of the vector search.
#[derive(Default)]
struct Meaning {
    vector: Option<Vec<f32>>,
    hits: Vec<VectorHit>,
    /// The best chunk that is not in the question's writing, if the collection contains both.
    across: Option<VectorHit>,
    embed_ms: f64,
    ms: f64,
    degraded: Option<Degraded>,
}

/// The second half of a search: missing scores, then fusion.
struct Both {
    index: Searched,
    words: Words,
    meaning: Meaning,
    fusion: Fusion,
    uses_negatives: bool,
    limit: usize,
    revision: Revision,
}

impl Both {
    fn merge(&self) -> Result<Retrieved, IndexError> {
        let start = Instant::now();
        let (words, meaning) = (&self.words, &self.meaning);
        let n_found = words.hits.len() + meaning.hits.len();
        let mut found: HashMap<u32, Candidate> = HashMap::with_capacity(n_found);
        for (rank, hit) in (1..).zip(&words.hits) {
            let candidate = found
                .entry(hit.key)
                .or_insert_with(|| Candidate::new(hit.key));
            candidate.take_words(Some(rank), &hit.words);
        }
        let beyond = meaning.across.iter().map(|hit| (None, hit));
        let ranked = (1..)
            .zip(&meaning.hits)
            .map(|(rank, hit)| (Some(rank), hit));
        for (rank, hit) in beyond.chain(ranked) {
            let candidate = found
                .entry(hit.key)
                .or_insert_with(|| Candidate::new(hit.key));
            candidate.vector = Some(LegScore {
                rank,
                score: hit.similarity,
            });
        }
        if let Some(vector) = &meaning.vector {
            self.compare(vector, &mut found)?;
        }
        if let Some(search) = &words.search {
            let unseen: Vec<u32> = found
                .values()
                .filter(|c| c.keyword.is_none())
                .map(|c| c.key)
                .collect();
            for (key, scores) in unseen.iter().zip(search.scores(&unseen)?) {
                if let Some(candidate) = found.get_mut(key) {
                    candidate.take_words(None, &scores);
                }
            }
        }
        let is_foreign = words.search.as_ref().is_some_and(KeywordSearch::is_foreign);
        let candidates = found.into_values().collect();
        let mut hits = self.fusion.fuse(candidates, is_foreign);
        if let Some(across) = meaning.across {
            keep_among_first(&mut hits, across.key);
        }
        hits.truncate(self.limit);
        let term_weights = words
            .search
            .as_ref()
            .map_or_else(Vec::new, KeywordSearch::term_weights);
        let wanted = words
            .search
            .as_ref()
            .map_or_else(Vec::new, |search| search.wanted().to_vec());
        let timings = Timings {
            keyword: words.ms,
            vector: meaning.ms,
            fuse: elapsed_ms(start),
            ..Timings::default()
        };
        Ok(Retrieved {
            hits,
            term_weights,
            is_foreign,
            degraded: None,
            wanted,
            revision: self.revision,
            timings,
        })
    }

    /// Adds the missing cosines of chunks that keyword search found, and how near the question is to their negatives.
    fn compare(
        &self,
        vector: &[f32],
        found: &mut HashMap<u32, Candidate>,
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

/// The most that the cosine of a chunk in another writing may be below the best cosine. In six judged bases the chunks
/// that answer are up to .08 below, and half of the others are farther.
const FARTHER_ACROSS: f32 = 0.08;
/// The lowest place, from 0, for the best chunk that is not in the question's writing. It is after the passages that
/// are read unless `reader.passages` is 4, which answers more questions across languages, but more of them wrongly
/// (docs/measured/reading.md).
const ACROSS: usize = 3;

/// Moves the best chunk in another writing up to place [`ACROSS`]. Its score cannot be compared with the others: words
/// say nothing about it, and cosines less than about a chunk in the question's own writing. So it gets the score of the
/// chunk that it displaces.
fn keep_among_first(hits: &mut [Hit], key: u32) {
    // A chunk whose negatives match the question is not moved.
    let is_it = |hit: &Hit| hit.chunk_key == key && hit.negative == 0.0;
    let at = hits.iter().position(is_it);
    if let Some(at) = at.filter(|at| *at > ACROSS) {
        hits[at].score = hits[ACROSS].score;
        hits[ACROSS..=at].rotate_right(1);
    }
}

/// Runs a search off the async threads.
async fn computing<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IndexError> + Send + 'static,
) -> Result<T, RetrieveError> {
    Ok(blocking(work).await?)
}

fn elapsed_ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
