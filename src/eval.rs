//! Judged questions → measures: `ken eval`.
//!
//! Evaluates judged sets. A set is ingested into a temporary workspace and asked through the production code; only a
//! query's `text` and `history` reach the system. Ties count against the system.

mod admission;
pub mod calibrate;
pub mod channels;
pub mod compare;
mod dataset;
pub mod dialogues;
mod report;
mod slices;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{App, AppError};
use compare::Scores;
use ken_answer::answer::{
    AnswerError, Features, Passage, Question, UnderstoodQuestion, best_logit, occurs_in,
    reranked_first, to_front,
};
use ken_base::blocking::blocking;
use ken_base::config::Config;
use ken_base::domain::{Evidence, Hit, MAX_LIMIT, Mode, Outcome, Query, WorkspaceId};
use ken_learn::measures::{self, RankedGains, tune};
use ken_search::embed::EmbedError;
use ken_search::index::{self, IndexError};
use ken_search::retrieve::RetrieveError;
use ken_store::store::{StoreError, Write, text_hash};
use ken_text::text::fold;

pub use dataset::{Dataset, DatasetError, JudgedQuery, find};
use slices::Slices;

pub use admission::{KindMeasures, LevelMeasures, admission_table};
pub use report::{AdmissionMeasures, AnswerMeasures, EvalReport, Latency, table, with_card};
pub use slices::{Slice, slice_table};

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The set is invalid.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The service could not be built.
    #[error(transparent)]
    App(#[from] AppError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// Retrieval failed.
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    /// A question is invalid or could not be answered.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// A file cannot be read, written or parsed.
    #[error("{path}: {detail}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
    /// The desk failed.
    #[error("the desk failed: {0}")]
    Desk(String),
    /// Indexing failed.
    #[error("indexing failed: {0}")]
    NotIndexed(String),
}

/// How many chunks are retrieved, enough for ten different documents.
const CHUNKS: usize = 50;
/// How many documents are ranked.
const DOCUMENTS: usize = 10;
/// The most chunks of evidence for an answer, as over HTTP.
const EVIDENCE: usize = 10;

/// An environment for evaluations: a whole service with a store and indexes of its own.
pub struct Evaluation {
    app: App,
    /// Whether question vectors are cached, too; then latencies exclude the encoder.
    cached: bool,
    _folder: Option<tempfile::TempDir>,
}

impl Evaluation {
    /// Opens an environment in a temporary folder, or in `cache`: then texts and questions that an earlier run encoded
    /// are not encoded again.
    pub async fn open(config: &Config, cache: Option<&Path>) -> Result<Self, EvalError> {
        let file_error = |path: &Path, e: std::io::Error| EvalError::File {
            path: path.into(),
            detail: e.to_string(),
        };
        let temporary = match cache {
            Some(_) => None,
            None => Some(
                tempfile::tempdir()
                    .map_err(|e| file_error(Path::new("the temporary folder"), e))?,
            ),
        };
        let folder = cache
            .map(Path::to_path_buf)
            .or_else(|| temporary.as_ref().map(|t| t.path().to_owned()));
        let folder = folder.unwrap_or_default();
        std::fs::create_dir_all(&folder).map_err(|e| file_error(&folder, e))?;
        let mut config = config.clone();
        config.store.url = format!("sqlite://{}", folder.join("eval.db").display());
        // Personal data of a set's cases must not enter the service's own vault.
        config.store.vault_url = format!("sqlite://{}", folder.join("eval-vault.db").display());
        config.index.dir = folder.join("indexes");
        config.desk.key_file = folder.join("desk.key");
        config.desk.attachments_dir = folder.join("attachments");
        // All modes ask the same questions, and each mode's latency must be its own.
        config.encoder.cache_entries = 0;
        let app = match App::build(config.clone()).await {
            // The cache was made with other settings; indexes are derived data, so they are built again.
            Err(AppError::Index(IndexError::Mismatch { .. } | IndexError::Damaged { .. })) => {
                index::clear(&config.index.dir)?;
                App::build(config).await?
            }
            other => other?,
        };
        Ok(Self {
            app,
            cached: cache.is_some(),
            _folder: temporary,
        })
    }

    /// The version of the reader model; `None` if it is disabled.
    pub fn reader_version(&self) -> Option<&str> {
        self.app.answerer.reader_version()
    }

    /// Closes the service and saves the cache.
    pub async fn close(self) {
        self.app.close().await;
    }

    /// Evaluates one set in one mode. `per_query` receives one line of JSON per query, and the query's scores if it is
    /// judged.
    pub async fn run(
        &self,
        dataset: &Dataset,
        mode: Mode,
        mut per_query: impl FnMut(&serde_json::Value, Option<Scores>),
    ) -> Result<EvalReport, EvalError> {
        let workspace = self.prepare(dataset).await?;
        let vectors = match (self.cached, mode) {
            (true, Mode::Hybrid | Mode::Vector) => {
                self.question_vectors(&workspace, &dataset.queries).await?
            }
            _ => HashMap::new(),
        };
        let mut tally = EvalTally::default();
        for query in &dataset.queries {
            let understood = self.understood(&workspace, query).await?;
            let vector = vectors
                .get(&self.app.retriever.normalized(&understood.search_text))
                .cloned();
            let parsed = Query::parse(&understood.search_text, CHUNKS)
                .map_err(AnswerError::Question)?
                .with_mode(mode);
            let start = Instant::now();
            let (found, mut evidence) = self
                .app
                .answerer
                .find(&workspace, &parsed, &understood, vector.clone())
                .await?;
            let weights = &found.term_weights;
            let readings = match mode {
                Mode::Hybrid => {
                    self.app
                        .answerer
                        .read(parsed.text(), weights, &evidence)
                        .await
                }
                _ => Vec::new(),
            };
            let led_by = reranked_first(parsed.text(), &evidence, &readings, &understood.about);
            if let Some(at) = led_by {
                // Scores stay at their positions, so that the list is still in descending order.
                let places: Vec<f32> = evidence.iter().map(|e| e.score).collect();
                to_front(&mut evidence, at);
                for (e, score) in evidence.iter_mut().zip(places) {
                    e.score = score;
                }
            }
            let load_ms = found.timings.load;
            tally
                .latencies_ms
                .push(start.elapsed().as_secs_f64() * 1e3 - load_ms);
            let mut seen = HashSet::new();
            let documents: Vec<(String, f32)> = evidence
                .iter()
                .filter(|e| seen.insert(e.chunk.document_id.clone()))
                .take(DOCUMENTS)
                .map(|e| (e.chunk.document_id.to_string(), e.score))
                .collect();
            let ranked = dataset.qrels.get(&query.id).map(|relevant| {
                let ranked = RankedGains::new(&documents, relevant);
                tally.ranked.push(ranked.clone());
                tally.slices.add(query, &ranked);
                ranked
            });
            let scores = ranked.as_ref().map(Scores::from);
            let mut line = json!({
                "id": query.id, "lang": query.lang, "kind": query.kind, "perturb": query.perturb,
                "documents": documents,
                "rank": ranked.as_ref().and_then(RankedGains::first_relevant),
                "scores": scores,
                "hits": evidence.iter().filter_map(|e| {
                    Some((e, found.hits.iter().find(|hit| hit.chunk_key == e.chunk.key)?))
                }).map(|(e, h)| json!({
                    "document": e.chunk.document_id, "score": h.score, "coverage": h.coverage,
                    "proximity": h.proximity,
                    "keyword": h.keyword, "vector": h.vector,
                })).collect::<Vec<_>>(),
                // Of the first passages in the order of the search.
                "readings": readings.iter().map(|reading| reading.logit).collect::<Vec<_>>(),
                "led_by": led_by,
            });
            if mode == Mode::Hybrid && dataset.asks_for_answers() {
                let answered = self.ask(&workspace, query, vector, &mut tally).await?;
                line["answer"] = answered;
            }
            per_query(&line, scores);
        }
        let reads = self.reader_version().is_some();
        Ok(tally.report(dataset, mode, !vectors.is_empty(), reads))
    }

    /// Returns the judged questions of a set with their candidates, for [`tune::tune`]. Questions in another script
    /// than the collection's are left out, since keywords hardly count for them.
    pub async fn examples(&self, dataset: &Dataset) -> Result<Vec<tune::Example>, EvalError> {
        let workspace = self.prepare(dataset).await?;
        let vectors = match self.cached {
            true => self.question_vectors(&workspace, &dataset.queries).await?,
            false => HashMap::new(),
        };
        let retriever = &self.app.retriever;
        let mut examples = Vec::new();
        for query in &dataset.queries {
            let Some(relevant) = dataset.qrels.get(&query.id) else {
                continue;
            };
            let search_text = self.understood(&workspace, query).await?.search_text;
            let vector = vectors.get(&retriever.normalized(&search_text)).cloned();
            let parsed = Query::parse(&search_text, MAX_LIMIT).map_err(AnswerError::Question)?;
            let found = retriever.retrieve_with(&workspace, &parsed, vector).await?;
            if found.is_foreign {
                continue;
            }
            let evidence = retriever
                .load_evidence(&workspace, &parsed, &found.hits)
                .await?;
            let candidates =
                found
                    .hits
                    .iter()
                    .zip(&evidence)
                    .map(|(hit, e)| tune::TuningCandidate {
                        document: e.chunk.document_id.to_string(),
                        coverage: hit.coverage,
                        proximity: hit.proximity,
                        similarity: e.similarity,
                    });
            examples.push(tune::Example {
                relevant: relevant.clone(),
                candidates: candidates.collect(),
            });
        }
        Ok(examples)
    }

    async fn understood(
        &self,
        workspace: &WorkspaceId,
        query: &JudgedQuery,
    ) -> Result<UnderstoodQuestion, EvalError> {
        let answerer = &self.app.answerer;
        let understood = answerer.understand(workspace, &query.text, &query.history);
        Ok(understood.await?)
    }

    /// Returns the features of a set's questions, for [`calibrate::calibrate`]. If a set does not state answerability,
    /// each judged question gives two rows: one as it is, and one without the passages that answer it.
    pub async fn rows(
        &self,
        dataset: &Dataset,
    ) -> Result<Vec<calibrate::CalibrationRow>, EvalError> {
        let workspace = self.prepare(dataset).await?;
        let vectors = match self.cached {
            true => self.question_vectors(&workspace, &dataset.queries).await?,
            false => HashMap::new(),
        };
        let mut rows = Vec::new();
        for query in &dataset.queries {
            let understood = self.understood(&workspace, query).await?;
            let text = &understood.search_text;
            let vector = vectors.get(&self.app.retriever.normalized(text)).cloned();
            let parsed = Query::parse(text, EVIDENCE).map_err(AnswerError::Question)?;
            let answerer = &self.app.answerer;
            let (found, evidence) = answerer
                .find(&workspace, &parsed, &understood, vector)
                .await?;
            let relevant = dataset.qrels.get(&query.id);
            let gold = relevant
                .and_then(|relevant| relevant.keys().min())
                .unwrap_or(&query.id);
            let weights = &found.term_weights;
            let mut push = async |answerable: bool, hits: &[Hit], evidence: &[Evidence]| {
                let readings = answerer.read(text, weights, evidence).await;
                rows.push(calibrate::CalibrationRow {
                    reading: best_logit(&readings),
                    dataset: dataset.name.clone(),
                    group: gold.clone(),
                    answerable,
                    features: {
                        let passages: Vec<Passage> =
                            evidence.iter().take(5).map(Passage::read).collect();
                        Features::of(text, weights, hits, evidence, &passages)
                    },
                });
            };
            if let Some(answerable) = query.answerable {
                push(answerable, &found.hits, &evidence).await;
                continue;
            }
            let Some(relevant) = relevant else { continue };
            push(true, &found.hits, &evidence).await;
            let golds: Vec<String> = query.answers.iter().map(|gold| fold(gold)).collect();
            let answers = |e: &Evidence| {
                let text = fold(&e.chunk.text);
                relevant.contains_key(e.chunk.document_id.as_str())
                    || golds.iter().any(|gold| text.contains(gold))
            };
            let (gone, left): (Vec<Evidence>, Vec<Evidence>) =
                evidence.into_iter().partition(answers);
            if !gone.is_empty() && !left.is_empty() {
                let gone: HashSet<u32> = gone.iter().map(|e| e.chunk.key).collect();
                push(false, &without_chunks(&found.hits, &gone), &left).await;
            }
        }
        Ok(rows)
    }

    /// Asks for an answer as a bot does and compares it with the gold fields.
    async fn ask(
        &self,
        workspace: &WorkspaceId,
        query: &JudgedQuery,
        vector: Option<Vec<f32>>,
        tally: &mut EvalTally,
    ) -> Result<serde_json::Value, EvalError> {
        let question = Question {
            limit: EVIDENCE,
            ..Question::parse(&query.text).map_err(AnswerError::Question)?
        };
        let explained = self
            .app
            .answerer
            .reply(workspace, &question, &query.history, vector)
            .await?;
        let answer = &explained.answer;
        let answered = answer.outcome == Outcome::Answered;
        let text = fold(&answer.text);
        let is_right = (!query.answers.is_empty())
            .then(|| query.answers.iter().any(|gold| text.contains(&fold(gold))));
        if let Some(answerable) = query.answerable {
            tally.decisions.push(admission::Judged {
                decision: measures::JudgedDecision {
                    answerable,
                    confidence: answer.confidence,
                    answered,
                },
                kind: query.kind.clone(),
                is_right,
            });
        }
        if query.answerable != Some(false) && !query.answers.is_empty() {
            tally.contains.push(answered && is_right == Some(true));
        }
        if answered {
            tally.characters.push(answer.text.chars().count() as f64);
        }
        tally.n_answered += usize::from(answered);
        for sentence in &answer.sentences {
            let cited = answer
                .citations
                .iter()
                .filter(|c| sentence.citations.contains(&c.number));
            tally.unsupported.push(
                !cited
                    .into_iter()
                    .any(|c| occurs_in(&sentence.text, &c.quote)),
            );
        }
        for citation in &answer.citations {
            let document = self
                .app
                .store
                .document(
                    workspace,
                    &citation.document_id,
                    Some(citation.document_version),
                )
                .await?;
            let exact = document
                .is_some_and(|d| d.text.get(citation.start..citation.end) == Some(&citation.quote));
            tally.citations_valid.push(exact);
        }
        Ok(json!({
            "answerable": query.answerable, "answered": answered, "outcome": answer.outcome, "reason": answer.reason,
            "notes": answer.notes, "confidence": answer.confidence,
            "strategy": answer.strategy, "text": answer.text, "n_sentences": answer.sentences.len(), "features": explained.features,
            "trace": serde_json::from_str::<serde_json::Value>(&explained.trace).ok(),
        }))
    }

    /// Updates the set's workspace to its corpus and waits until it is indexed.
    async fn prepare(&self, dataset: &Dataset) -> Result<WorkspaceId, EvalError> {
        let workspace = dataset.workspace();
        let store = &self.app.store;
        store.ensure_workspace(&workspace).await?;
        let sources = dataset.sources()?;
        let ids: HashSet<String> = sources.iter().map(|s| s.id.to_string()).collect();
        let mut writes: Vec<Write> = sources
            .into_iter()
            .map(|s| Write::Put {
                source: Box::new(s),
                origin: None,
            })
            .collect();
        let mut after: Option<String> = None;
        loop {
            let page = store.documents(&workspace, after.as_deref(), 1_000).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.to_string());
            writes.extend(
                page.into_iter()
                    .filter(|d| !ids.contains(d.id.as_str()))
                    .map(|d| Write::Delete(d.id)),
            );
        }
        while !writes.is_empty() {
            let batch = writes.drain(..writes.len().min(200)).collect();
            store.record(&workspace, batch).await?;
        }
        let revision = store.revision(&workspace).await?;
        self.app.follower.wake();
        loop {
            if self
                .app
                .follower
                .wait_for(&workspace, revision, Duration::from_secs(1))
                .await
            {
                return Ok(workspace);
            }
            if let Some(error) = self.app.follower.progress().borrow().error.clone() {
                return Err(EvalError::NotIndexed(error));
            }
        }
    }

    /// The vectors of all questions by their text: from the cache, or encoded and cached.
    async fn question_vectors(
        &self,
        workspace: &WorkspaceId,
        queries: &[JudgedQuery],
    ) -> Result<HashMap<String, Vec<f32>>, EvalError> {
        let app = &self.app;
        // Cached separately from passages, since the encoder uses another prefix for questions.
        let encoder = format!("{}#question", app.embedder.id());
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for query in queries {
            let search_text = self.understood(workspace, query).await?.search_text;
            let text = app.retriever.normalized(&search_text);
            texts.insert(text_hash(&text), text);
        }
        let hashes: Vec<String> = texts.keys().cloned().collect();
        let mut known: HashMap<String, Vec<half::f16>> = app
            .store
            .cached_vectors(workspace, &encoder, &hashes)
            .await?
            .into_iter()
            .collect();
        let missing: Vec<(&String, &String)> = texts
            .iter()
            .filter(|(hash, _)| !known.contains_key(*hash))
            .collect();
        for step in missing.chunks(64) {
            let batch: Vec<String> = step.iter().map(|(_, text)| (*text).clone()).collect();
            let embedder = app.embedder.clone();
            let encoded = blocking(move || embedder.embed_questions(batch)).await?;
            let fresh: Vec<_> = step
                .iter()
                .zip(encoded)
                .map(|((hash, _), vector)| {
                    (
                        (*hash).clone(),
                        vector.into_iter().map(half::f16::from_f32).collect(),
                    )
                })
                .collect();
            app.store.ensure_workspace(workspace).await?;
            app.store
                .insert_vectors(workspace, &encoder, &fresh)
                .await?;
            known.extend(fresh);
        }
        Ok(texts
            .into_iter()
            .filter_map(|(hash, text)| {
                Some((text, known.get(&hash)?.iter().map(|x| x.to_f32()).collect()))
            })
            .collect())
    }
}

/// Removes hits and closes the gaps in the ranks.
fn without_chunks(hits: &[Hit], gone: &HashSet<u32>) -> Vec<Hit> {
    let ranks = |leg: fn(&Hit) -> Option<usize>| -> Vec<usize> {
        let gone = hits.iter().filter(|hit| gone.contains(&hit.chunk_key));
        gone.filter_map(leg).collect()
    };
    let before = |ranks: &[usize], rank: usize| ranks.iter().filter(|gone| **gone < rank).count();
    let by_words = ranks(|hit| hit.keyword.and_then(|leg| leg.rank));
    let by_vector = ranks(|hit| hit.vector.and_then(|leg| leg.rank));
    let mut left: Vec<Hit> = hits
        .iter()
        .filter(|hit| !gone.contains(&hit.chunk_key))
        .cloned()
        .collect();
    for hit in &mut left {
        for (leg, ranks) in [(&mut hit.keyword, &by_words), (&mut hit.vector, &by_vector)] {
            if let Some(rank) = leg.as_mut().and_then(|leg| leg.rank.as_mut()) {
                *rank -= before(ranks, *rank);
            }
        }
    }
    left
}

/// The values collected query by query.
#[derive(Default)]
struct EvalTally {
    ranked: Vec<RankedGains>,
    slices: Slices,
    latencies_ms: Vec<f64>,
    decisions: Vec<admission::Judged>,
    /// The length of each answer, in characters.
    characters: Vec<f64>,
    contains: Vec<bool>,
    citations_valid: Vec<bool>,
    /// For each sentence, whether its citations do not contain it.
    unsupported: Vec<bool>,
    n_answered: usize,
}

impl EvalTally {
    fn report(
        self,
        dataset: &Dataset,
        mode: Mode,
        vectors_cached: bool,
        reads: bool,
    ) -> EvalReport {
        let mean =
            |measure: &dyn Fn(&RankedGains) -> f64| measures::mean(self.ranked.iter().map(measure));
        let share =
            |flags: &[bool]| measures::mean(flags.iter().map(|flag| f64::from(u8::from(*flag))));
        EvalReport {
            dataset: dataset.name.clone(),
            mode: mode.as_str().to_owned(),
            n_queries: dataset.queries.len(),
            n_judged: self.ranked.len(),
            recall_1: mean(&|r| r.recall(1)),
            recall_5: mean(&|r| r.recall(5)),
            recall_10: mean(&|r| r.recall(10)),
            success_1: mean(&|r| r.success(1)),
            success_5: mean(&|r| r.success(5)),
            mrr_10: mean(&|r| r.reciprocal_rank(10)),
            ndcg_10: mean(&|r| r.ndcg(10)),
            slices: self.slices.report(),
            latency_ms: Latency::of(self.latencies_ms, !vectors_cached && mode != Mode::Keyword),
            admission: AdmissionMeasures::of(&self.decisions, reads),
            answers: match self.contains.is_empty() && self.citations_valid.is_empty() {
                true => None,
                false => Some(AnswerMeasures {
                    answer_contains: share(&self.contains),
                    citation_valid: share(&self.citations_valid),
                    n_citations: self.citations_valid.len(),
                    sentences_unsupported: share(&self.unsupported),
                    sentences_per_answer: self.unsupported.len() as f64
                        / self.n_answered.max(1) as f64,
                    characters_per_answer: measures::mean(self.characters.into_iter()),
                }),
            },
        }
    }
}
