use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};

use roaring::RoaringBitmap;
use tantivy::collector::DocSetCollector;
use tantivy::query::{
    AllQuery, BooleanQuery, EnableScoring, Occur, Query, RangeQuery, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    DocSet, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TERMINATED,
    TantivyDocument, Term,
};

use super::collector::{KEY_FIELD, top_of_segment};
use super::schema::{ANALYZER, Analyzer, Fields, schema};
use super::{IndexError, Selection, damaged, unusable};
use crate::domain::{Filter, Revision};
use crate::store::IndexEntry;
use crate::text::{self, Language};

/// BM25's saturation, as compiled into tantivy (Robertson et al., TREC-3; b is 0.75).
const K1: f32 = 1.2;
/// A collection with a smaller share of chunks in Latin letters is foreign to a question in them.
const FOREIGN: f32 = 0.02;
const LATIN: &str = "latin";
/// What a chunk that is for everyone, or for every channel, has in place of a name.
const EVERYONE: &str = "*";

/// Full-text search of one workspace's chunks by BM25 over folded bigrams and stems, on tantivy.
pub struct KeywordIndex {
    fields: Fields,
    index: Index,
    reader: IndexReader,
    writer: Option<Mutex<IndexWriter>>,
    revision: AtomicI64,
}

/// A chunk found by words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeywordHit {
    pub key: u32,
    /// BM25, ≥ 0.
    pub score: f32,
}

impl KeywordIndex {
    /// Opens or makes the index in a folder. Without `writer_bytes` (the write buffer's size) it is only read.
    pub fn open(folder: &Path, writer_bytes: Option<usize>) -> Result<Self, IndexError> {
        let (schema, fields) = schema();
        if writer_bytes.is_some() {
            std::fs::create_dir_all(folder).map_err(|e| unusable(folder, &e))?;
        }
        let directory =
            tantivy::directory::MmapDirectory::open(folder).map_err(|e| unusable(folder, &e))?;
        let exists = Index::exists(&directory).map_err(|e| damaged(folder, &e))?;
        let index = match exists {
            true => Index::open(directory).map_err(|e| damaged(folder, &e))?,
            false => Index::create(directory, schema.clone(), IndexSettings::default())
                .map_err(|e| unusable(folder, &e))?,
        };
        if index.schema() != schema {
            return Err(damaged(folder, &"its fields are not ours"));
        }
        index.tokenizers().register(ANALYZER, Analyzer);
        let damage = |e: tantivy::TantivyError| damaged(folder, &e);
        let writer = writer_bytes
            .map(|bytes| index.writer_with_num_threads(1, bytes))
            .transpose()
            .map_err(damage)?;
        let reader = index
            .reader_builder()
            .reload_policy(if writer.is_some() {
                ReloadPolicy::Manual
            } else {
                ReloadPolicy::OnCommitWithDelay
            })
            .try_into()
            .map_err(damage)?;
        let this = Self {
            fields,
            reader,
            writer: writer.map(Mutex::new),
            revision: AtomicI64::new(0),
            index,
        };
        this.revision
            .store(this.committed_revision()?, Ordering::Release);
        Ok(this)
    }

    /// Takes chunks out and puts chunks in, then commits with `at` as the watermark.
    pub fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[IndexEntry],
        at: Revision,
    ) -> Result<(), IndexError> {
        let mut writer = self.writer()?;
        for key in removed.iter().cloned().flatten() {
            writer.delete_term(self.key_term(key));
        }
        for entry in added {
            writer.delete_term(self.key_term(entry.chunk.key));
            writer.add_document(self.document(entry))?;
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&at.to_string());
        commit.commit()?;
        self.reader.reload()?;
        self.revision.store(at, Ordering::Release);
        Ok(())
    }

    /// The revision that is searched.
    pub fn revision(&self) -> Revision {
        match self.writer {
            Some(_) => self.revision.load(Ordering::Acquire),
            // Another process commits; what it last committed is what we read (or are about to).
            None => self.committed_revision().unwrap_or(0),
        }
    }

    /// Prepares a search for a question's terms. `None` where the question has no terms at all.
    pub fn search(&self, question: &str) -> Result<Option<KeywordSearch>, IndexError> {
        let mut terms = text::terms(question);
        // A question of nothing but function words is still searched for.
        if !terms.iter().all(|term| text::is_function_word(term)) {
            terms.retain(|term| !text::is_function_word(term));
        }
        terms.sort_unstable();
        terms.dedup();
        if terms.is_empty() {
            return Ok(None);
        }
        let searcher = self.reader.searcher();
        let n_chunks: u64 = searcher
            .segment_readers()
            .iter()
            .map(|s| u64::from(s.max_doc()))
            .sum();
        let mut ceiling = 0.0;
        let mut known = Vec::with_capacity(terms.len());
        let mut weights = Vec::with_capacity(terms.len());
        for text in terms {
            let term = Term::from_field_text(self.fields.text, &text);
            let n_with = searcher.doc_freq(&term)?;
            let idf = idf(n_with, n_chunks);
            ceiling += (1.0 + K1) * idf;
            weights.push((text, idf));
            if n_with > 0 {
                known.push(term);
            }
        }
        let is_latin = !question.chars().any(text::is_cjk);
        let n_latin = searcher.doc_freq(&Term::from_field_text(self.fields.writing, LATIN))?;
        let is_foreign = is_latin && (n_latin as f32) < FOREIGN * n_chunks as f32;
        let query = BooleanQuery::new_multiterms_query(known);
        let weight = query.weight(EnableScoring::enabled_from_searcher(&searcher))?;
        Ok(Some(KeywordSearch {
            key_field: self.fields.key,
            searcher,
            weight,
            weights,
            ceiling,
            is_foreign,
        }))
    }

    /// Which chunks a filter admits. Costs nothing to speak of where no chunk is restricted and nothing is asked.
    pub fn select(&self, filter: &Filter) -> Result<Selection, IndexError> {
        let searcher = self.reader.searcher();
        let restricted = self.term(self.fields.restricted, "yes");
        let except = match searcher.doc_freq(&restricted)? {
            0 => RoaringBitmap::new(),
            _ => {
                let hidden = BooleanQuery::new(vec![
                    (Occur::Must, self.is(self.fields.restricted, "yes")),
                    (Occur::MustNot, self.visible(filter)),
                ]);
                keys(&searcher, &hidden)?
            }
        };
        let mut wanted: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for tag in &filter.tags {
            wanted.push((Occur::Must, self.is(self.fields.tags, tag)));
        }
        let any = |field: Field, values: Vec<&str>| -> (Occur, Box<dyn Query>) {
            (
                Occur::Must,
                Box::new(BooleanQuery::union(
                    values.iter().map(|v| self.is(field, v)).collect(),
                )),
            )
        };
        if !filter.languages.is_empty() {
            wanted.push(any(
                self.fields.language,
                filter.languages.iter().map(String::as_str).collect(),
            ));
        }
        if !filter.kinds.is_empty() {
            wanted.push(any(
                self.fields.kind,
                filter.kinds.iter().map(|k| k.as_str()).collect(),
            ));
        }
        if !filter.document_ids.is_empty() {
            wanted.push(any(
                self.fields.document_id,
                filter.document_ids.iter().map(|id| id.as_str()).collect(),
            ));
        }
        let only = match wanted.is_empty() {
            true => None,
            false => Some(keys(&searcher, &BooleanQuery::new(wanted))?),
        };
        Ok(Selection { only, except })
    }

    /// The keys of all chunks held.
    pub fn all_keys(&self) -> Result<RoaringBitmap, IndexError> {
        keys(&self.reader.searcher(), &AllQuery)
    }

    fn document(&self, entry: &IndexEntry) -> TantivyDocument {
        let fields = &self.fields;
        let (chunk, metadata) = (&entry.chunk, &entry.metadata);
        let mut text = metadata.searchable(&chunk.heading_path, &chunk.text);
        for question in metadata.questions.iter().skip(1) {
            text.push('\n');
            text.push_str(question);
        }
        let mut document = TantivyDocument::new();
        document.add_u64(fields.key, u64::from(chunk.key));
        document.add_text(fields.text, text);
        document.add_text(fields.document_id, chunk.document_id.as_str());
        document.add_text(fields.kind, metadata.kind.as_str());
        document.add_text(
            fields.language,
            metadata.language.as_deref().unwrap_or("und"),
        );
        document.add_text(
            fields.writing,
            writing_of(
                metadata
                    .language
                    .as_deref()
                    .map_or_else(|| text::detect(&chunk.text), Language::from_tag),
            ),
        );
        for tag in &metadata.tags {
            document.add_text(fields.tags, tag);
        }
        for (field, names) in [
            (fields.audience, &metadata.audience),
            (fields.channels, &metadata.channels),
        ] {
            match names.is_empty() {
                true => document.add_text(field, EVERYONE),
                false => names.iter().for_each(|name| document.add_text(field, name)),
            }
        }
        if metadata.is_restricted() {
            document.add_text(fields.restricted, "yes");
        }
        document.add_i64(
            fields.valid_from,
            metadata.valid_from.map_or(i64::MIN, |t| t.as_millisecond()),
        );
        document.add_i64(
            fields.valid_until,
            metadata
                .valid_until
                .map_or(i64::MAX, |t| t.as_millisecond()),
        );
        document
    }

    /// Open to who asks, and valid at the time asked about.
    fn visible(&self, filter: &Filter) -> Box<dyn Query> {
        let at = filter
            .at
            .unwrap_or_else(jiff::Timestamp::now)
            .as_millisecond();
        let open_to = |field: Field, who: Option<&str>| -> Box<dyn Query> {
            let allowed = [Some(EVERYONE), who.filter(|who| *who != EVERYONE)];
            Box::new(BooleanQuery::union(
                allowed
                    .into_iter()
                    .flatten()
                    .map(|name| self.is(field, name))
                    .collect(),
            ))
        };
        let up_to = |field: Field| {
            RangeQuery::new(
                std::ops::Bound::Unbounded,
                std::ops::Bound::Included(Term::from_field_i64(field, at)),
            )
        };
        let after = |field: Field| {
            RangeQuery::new(
                std::ops::Bound::Excluded(Term::from_field_i64(field, at)),
                std::ops::Bound::Unbounded,
            )
        };
        Box::new(BooleanQuery::new(vec![
            (
                Occur::Must,
                open_to(self.fields.audience, filter.audience.as_deref()),
            ),
            (
                Occur::Must,
                open_to(self.fields.channels, filter.channel.as_deref()),
            ),
            (Occur::Must, Box::new(up_to(self.fields.valid_from))),
            (Occur::Must, Box::new(after(self.fields.valid_until))),
        ]))
    }

    fn is(&self, field: Field, value: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(
            self.term(field, value),
            IndexRecordOption::Basic,
        ))
    }

    fn term(&self, field: Field, value: &str) -> Term {
        Term::from_field_text(field, value)
    }

    fn key_term(&self, key: u32) -> Term {
        Term::from_field_u64(self.fields.key, u64::from(key))
    }

    fn writer(&self) -> Result<MutexGuard<'_, IndexWriter>, IndexError> {
        let writer = self.writer.as_ref().ok_or(IndexError::ReadOnly)?;
        Ok(writer
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn committed_revision(&self) -> Result<Revision, IndexError> {
        let payload = self.index.load_metas()?.payload;
        Ok(payload.and_then(|text| text.parse().ok()).unwrap_or(0))
    }
}

/// One question against one state of the index.
pub struct KeywordSearch {
    key_field: Field,
    searcher: Searcher,
    weight: Box<dyn Weight>,
    weights: Vec<(String, f32)>,
    ceiling: f32,
    is_foreign: bool,
}

impl KeywordSearch {
    /// The best `limit` chunks that are admitted, best first, ties by key.
    pub fn top(&self, limit: usize, selection: &Selection) -> Result<Vec<KeywordHit>, IndexError> {
        let mut best = Vec::new();
        for reader in self.searcher.segment_readers() {
            best.extend(top_of_segment(
                self.weight.as_ref(),
                reader,
                limit,
                selection,
            )?);
        }
        best.sort_by(|a, b| b.cmp(a));
        best.truncate(limit);
        Ok(best
            .into_iter()
            .map(|s| KeywordHit {
                key: s.key,
                score: s.score,
            })
            .collect())
    }

    /// BM25 of given chunks, in the order of `keys`; 0 where a chunk has none of the terms.
    pub fn scores(&self, keys: &[u32]) -> Result<Vec<f32>, IndexError> {
        let mut scores = vec![0.0; keys.len()];
        for reader in self.searcher.segment_readers() {
            let inverted = reader.inverted_index(self.key_field)?;
            let mut docs = Vec::with_capacity(keys.len());
            for (i, key) in keys.iter().enumerate() {
                let term = Term::from_field_u64(self.key_field, u64::from(*key));
                let found = inverted
                    .read_postings(&term, IndexRecordOption::Basic)
                    .map_err(tantivy::TantivyError::from)?;
                let Some(mut postings) = found else { continue };
                let is_alive = |doc: u32| {
                    reader
                        .alive_bitset()
                        .is_none_or(|alive| alive.is_alive(doc))
                };
                let mut doc = postings.doc();
                while doc != TERMINATED && !is_alive(doc) {
                    doc = postings.advance();
                }
                if doc != TERMINATED {
                    docs.push((doc, i));
                }
            }
            docs.sort_unstable();
            if docs.is_empty() {
                continue;
            }
            let mut scorer = self.weight.scorer(reader, 1.0)?;
            for (doc, i) in docs {
                if scorer.doc() < doc {
                    scorer.seek(doc);
                }
                if scorer.doc() == doc {
                    scores[i] = scorer.score();
                }
            }
        }
        Ok(scores)
    }

    /// The highest BM25 the question could reach in this collection: each of its terms, unknown ones too, at full
    /// saturation in a chunk of no length. Always positive.
    pub fn ceiling(&self) -> f32 {
        self.ceiling
    }

    /// Whether the question is written in Latin letters and hardly a chunk here is. What words it then shares
    /// with a Chinese text (names of menus, of products) say little; in a Chinese question such words say much.
    pub fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// The question's different terms with their inverse document frequency here: how much each one tells.
    pub fn term_weights(&self) -> &[(String, f32)] {
        &self.weights
    }
}

fn writing_of(language: Language) -> &'static str {
    match language {
        Language::TraditionalChinese
        | Language::SimplifiedChinese
        | Language::Japanese
        | Language::Korean => "cjk",
        Language::English | Language::Other => LATIN,
    }
}

/// tantivy's: ln(1 + (N − n + ½) / (n + ½)).
fn idf(n_with: u64, n_chunks: u64) -> f32 {
    let (with, all) = (n_with as f32, n_chunks as f32);
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

fn keys(searcher: &Searcher, query: &dyn Query) -> Result<RoaringBitmap, IndexError> {
    let docs = searcher.search(query, &DocSetCollector)?;
    let mut keys = RoaringBitmap::new();
    let columns: Vec<_> = searcher
        .segment_readers()
        .iter()
        .map(|reader| reader.fast_fields().u64(KEY_FIELD))
        .collect::<tantivy::Result<_>>()?;
    for address in docs {
        if let Some(key) = columns[address.segment_ord as usize].first(address.doc_id) {
            keys.insert(key as u32);
        }
    }
    Ok(keys)
}
