//! The [`KeywordIndex`]: BM25 full-text search of one workspace's chunks, on tantivy.

use std::ops::{Bound, Range};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use arc_swap::ArcSwap;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use tantivy::collector::DocSetCollector;
use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::query::{AllQuery, BooleanQuery, Occur, Query, RangeQuery, TermQuery, TermSetQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term,
};

use super::forward::rows;
use super::keyword_search::{FOREIGN, KeywordSearch, LATIN, is_latin};
use super::maxscore::KEY_FIELD;
use super::schema::{ANALYZER, Analyzer, Fields, RESTRICTED, joined, schema};
use super::snapshot::IndexSnapshot;
use super::{IndexError, Selection, SelectionRules, damaged, unusable};
use ken_base::config::SearchFeature;
use ken_base::domain::{Filter, Metadata, Revision, audience_open_to};
use ken_store::store::IndexEntry;
use ken_text::text::{self, Language, Synonyms};

/// The audience and channels of a chunk. Few documents have any, and those share a few combinations, so a search
/// decides once per rule and not once per chunk.
#[derive(Serialize, Deserialize)]
pub(super) struct VisibilityRule {
    audience: Vec<String>,
    channels: Vec<String>,
}

impl VisibilityRule {
    /// Returns the rule as JSON, as it is indexed; `None` if the chunk is open to everyone everywhere.
    pub(super) fn of(metadata: &Metadata) -> Option<String> {
        if metadata.audience.is_empty() && metadata.channels.is_empty() {
            return None;
        }
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names
        };
        let rule = VisibilityRule {
            audience: sorted(&metadata.audience),
            channels: sorted(&metadata.channels),
        };
        Some(serde_json::to_string(&rule).expect("names are plain data"))
    }

    fn admits(&self, filter: &Filter) -> bool {
        let channel = filter.channel.as_ref();
        audience_open_to(&self.audience, &filter.audience)
            && (self.channels.is_empty() || channel.is_some_and(|c| self.channels.contains(c)))
    }
}

/// The smallest write buffer that tantivy accepts, in bytes.
const SMALLEST_BUFFER: usize = 15_000_000;

/// The index writer, created again after a failure: tantivy's own refuses to write once it has failed.
struct IndexWriterSlot {
    bytes: usize,
    inner: Option<IndexWriter>,
}

impl IndexWriterSlot {
    fn of(&mut self, index: &Index) -> Result<&mut IndexWriter, IndexError> {
        if self.inner.is_none() {
            self.inner = Some(index.writer_with_num_threads(1, self.bytes)?);
        }
        Ok(self.inner.as_mut().expect("it was made just now"))
    }
}

/// Full-text search of one workspace's chunks by BM25 over folded bigrams and stems.
pub struct KeywordIndex {
    fields: Fields,
    index: Index,
    reader: IndexReader,
    view: ArcSwap<IndexSnapshot>,
    /// Held during a reload, so that an older view never replaces a newer one.
    reloading: Mutex<()>,
    writer: Option<Mutex<IndexWriterSlot>>,
    revision: AtomicI64,
}

impl KeywordIndex {
    /// Opens the index in a folder, or creates it. `writer_bytes` is the size of the write buffer; without it the index
    /// is read-only.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if a file is damaged or of another schema; [`IndexError::Folder`] if the folder is
    /// unusable.
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
            return Err(damaged(folder, &"unknown index schema"));
        }
        index.tokenizers().register(ANALYZER, Analyzer);
        let damage = |e: tantivy::TantivyError| damaged(folder, &e);
        let broken = index.validate_checksum().map_err(damage)?;
        if let Some(file) = broken.iter().next() {
            let detail = format!("checksum mismatch in {}", file.display());
            return Err(damaged(folder, &detail));
        }
        let writer = writer_bytes
            .map(|bytes| {
                let inner = Some(index.writer_with_num_threads(1, bytes)?);
                Ok(IndexWriterSlot { bytes, inner })
            })
            .transpose()
            .map_err(damage)?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(damage)?;
        let view = IndexSnapshot::of(reader.searcher(), &fields, None).map_err(damage)?;
        let this = Self {
            view: ArcSwap::from_pointee(view),
            reloading: Mutex::new(()),
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

    /// Builds an index of some chunks that exists only in memory.
    pub fn in_memory(entries: &[IndexEntry]) -> Result<Self, IndexError> {
        let (schema, fields) = schema();
        let index = Index::create_in_ram(schema);
        index.tokenizers().register(ANALYZER, Analyzer);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let this = Self {
            view: ArcSwap::from_pointee(IndexSnapshot::of(reader.searcher(), &fields, None)?),
            reloading: Mutex::new(()),
            fields,
            reader,
            writer: Some(Mutex::new(IndexWriterSlot {
                bytes: SMALLEST_BUFFER,
                inner: None,
            })),
            revision: AtomicI64::new(0),
            index,
        };
        this.apply(&[], entries, 1)?;
        // Ends the writer's thread.
        this.end();
        Ok(this)
    }

    /// Removes chunks by key, adds chunks, then commits with `at` as the watermark.
    ///
    /// # Errors
    /// [`IndexError::ReadOnly`] without a writer. After any error nothing is committed.
    pub fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[IndexEntry],
        at: Revision,
    ) -> Result<(), IndexError> {
        let mut writer = self.writer()?;
        let written = self.write(writer.of(&self.index)?, removed, added, at);
        if written.is_err() {
            // Drops its uncommitted changes too; the caller applies them again.
            writer.inner = None;
        }
        written
    }

    fn write(
        &self,
        writer: &mut IndexWriter,
        removed: &[Range<u32>],
        added: &[IndexEntry],
        at: Revision,
    ) -> Result<(), IndexError> {
        for key in removed.iter().cloned().flatten() {
            writer.delete_term(self.key_term(key));
        }
        for entry in added {
            writer.delete_term(self.key_term(entry.chunk.key));
        }
        for document in self.documents(added) {
            writer.add_document(document)?;
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&at.to_string());
        commit.commit()?;
        self.reload()?;
        self.revision.store(at, Ordering::Release);
        Ok(())
    }

    /// Makes searches use the latest commit.
    fn reload(&self) -> Result<(), IndexError> {
        let _one_at_a_time = self
            .reloading
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        self.reader.reload()?;
        let earlier = self.view.load();
        let view = IndexSnapshot::of(self.reader.searcher(), &self.fields, Some(&earlier))?;
        self.view.store(Arc::new(view));
        Ok(())
    }

    /// Merges segments once the small ones together are large enough: all segments if the largest has at most ten times
    /// as many chunks as the others together (or more than a quarter of it is deleted), otherwise all but the largest.
    /// So a chunk is rewritten about ten times at most while the index grows tenfold. Returns whether anything was
    /// merged. Blocks until the merge is done; writes may go on meanwhile.
    pub fn compact(&self) -> Result<bool, IndexError> {
        let mut segments = self.index.searchable_segment_metas()?;
        segments.sort_by_key(|segment| segment.max_doc());
        let n_chunks =
            |segments: &[SegmentMeta]| -> u32 { segments.iter().map(SegmentMeta::num_docs).sum() };
        let Some((largest, others)) = segments.split_last() else {
            return Ok(false);
        };
        let is_worn = largest.num_deleted_docs() * 4 > largest.max_doc();
        let together = match n_chunks(others) * 10 >= largest.max_doc() || is_worn {
            true => &segments[..],
            false => others,
        };
        if together.len() < 2 && !is_worn {
            return Ok(false);
        }
        let ids: Vec<SegmentId> = together.iter().map(SegmentMeta::id).collect();
        let merged = self.writer()?.of(&self.index)?.merge(&ids);
        merged.wait()?;
        self.reload()?;
        Ok(true)
    }

    /// Waits for running merges and stops writing.
    pub(super) fn end(&self) {
        let writer = self.writer().ok().and_then(|mut own| own.inner.take());
        if let Some(Err(error)) = writer.map(IndexWriter::wait_merging_threads) {
            tracing::warn!(%error, "merge of a deleted index failed");
        }
    }

    /// Returns the revision that is searched.
    pub fn revision(&self) -> Revision {
        self.revision.load(Ordering::Acquire)
    }

    /// Loads the commits of another process. A commit during the call may be searched before [`Self::revision`] shows
    /// it.
    pub fn refresh(&self) -> Result<(), IndexError> {
        let committed = self.committed_revision()?;
        if committed != self.revision() {
            self.reload()?;
            self.revision.store(committed, Ordering::Release);
        }
        Ok(())
    }

    /// Prepares a search for a question's terms. Returns `None` if the question has no terms.
    pub fn search(
        &self,
        question: &str,
        synonyms: &Synonyms,
        without: &[SearchFeature],
    ) -> Result<Option<KeywordSearch>, IndexError> {
        let view = self.view.load_full();
        KeywordSearch::prepare(view, &self.fields, question, synonyms, without)
    }

    /// Like [`Self::search`], over this index and another one as if they were one.
    pub fn search_with_overlay(
        &self,
        other: &Self,
        question: &str,
        synonyms: &Synonyms,
        without: &[SearchFeature],
    ) -> Result<Option<KeywordSearch>, IndexError> {
        let view = Arc::new(self.view.load().with(&other.view.load()));
        KeywordSearch::prepare(view, &self.fields, question, synonyms, without)
    }

    /// Returns [`Self::select`]'s result if no chunk is restricted and the filter asks for nothing particular,
    /// otherwise `None`. Reads nothing.
    pub fn select_everything(&self, filter: &Filter) -> Option<Selection> {
        let Filter {
            tags,
            languages,
            kinds,
            document_ids,
            without_documents,
            audience: _,
            channel: _,
            at: _,
        } = filter;
        let asks_for_any = !(tags.is_empty() && languages.is_empty() && kinds.is_empty());
        let names_any = !(document_ids.is_empty() && without_documents.is_empty());
        let is_open = !asks_for_any && !names_any && !self.has_restricted();
        is_open.then(|| Selection {
            rules: Some(Arc::new(SelectionRules::of(filter, Vec::new()))),
            ..Selection::default()
        })
    }

    /// Returns which chunks a filter admits. Takes hardly any time if no chunk is restricted and the filter asks for
    /// nothing particular.
    pub fn select(&self, filter: &Filter) -> Result<Selection, IndexError> {
        let view = self.view.load();
        let searcher = &view.searcher;
        let mut rules = SelectionRules::of(filter, Vec::new());
        let mut except = RoaringBitmap::new();
        if view.has_restricted {
            rules.closed = self.closed(searcher, filter)?;
            except = keys(searcher, &self.hidden(&rules.closed, rules.at))?;
        }
        if !filter.without_documents.is_empty() {
            let ids = filter.without_documents.iter();
            let terms = ids.map(|id| self.term(self.fields.document_id, id.as_str()));
            except |= keys(searcher, &TermSetQuery::new(terms))?;
        }
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for tag in &filter.tags {
            clauses.push((Occur::Must, self.is(self.fields.tags, tag)));
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
            clauses.push(any(
                self.fields.language,
                filter.languages.iter().map(String::as_str).collect(),
            ));
        }
        if !filter.kinds.is_empty() {
            clauses.push(any(
                self.fields.kind,
                filter.kinds.iter().map(|k| k.as_str()).collect(),
            ));
        }
        if !filter.document_ids.is_empty() {
            clauses.push(any(
                self.fields.document_id,
                filter.document_ids.iter().map(|id| id.as_str()).collect(),
            ));
        }
        let only = match clauses.is_empty() {
            true => None,
            false => Some(keys(searcher, &BooleanQuery::new(clauses))?),
        };
        let rules = Some(Arc::new(rules));
        Ok(Selection {
            only,
            except,
            rules,
        })
    }

    /// Narrows a selection to the chunks whose writing is not the question's: Latin letters, or Han, kana and hangul.
    /// Returns `None` if hardly any chunk is in one of the two, or if the filter names languages.
    ///
    /// `latin` is the share of chunks in Latin letters in everything that is searched, see [`Self::latin_share`].
    pub fn in_other_script(
        &self,
        question: &str,
        selection: &Selection,
        latin: f32,
    ) -> Option<Selection> {
        let view = self.view.load();
        let rules = selection.rules.as_deref()?;
        let holds_both = (FOREIGN..=1.0 - FOREIGN).contains(&latin);
        if !holds_both || !rules.filter.languages.is_empty() {
            return None;
        }
        let latin = view.latin_keys();
        let (mut other, mut rules) = (selection.clone(), rules.clone());
        match is_latin(question) {
            true => other.except |= latin,
            false => {
                other.only = Some(match other.only {
                    Some(only) => only & latin,
                    None => latin,
                });
            }
        }
        let is_other =
            |language: &&Language| (writing_of(**language) == LATIN) != is_latin(question);
        let tags = Language::ALL.iter().filter(is_other);
        rules.filter.languages = tags.map(|language| language.tag().to_owned()).collect();
        other.rules = Some(Arc::new(rules));
        Some(other)
    }

    /// Returns the share of chunks in Latin letters, in [0, 1], of this index, or of this and the one beside it.
    pub fn latin_share(&self, overlay: Option<&Self>) -> f32 {
        let view = self.view.load();
        match overlay {
            Some(overlay) => view.with(&overlay.view.load()).latin,
            None => view.latin,
        }
    }

    /// Returns whether any chunk has an audience, a channel or a validity period. Reads nothing.
    pub fn has_restricted(&self) -> bool {
        self.view.load().has_restricted
    }

    /// Returns the keys of all chunks held.
    pub fn all_keys(&self) -> Result<RoaringBitmap, IndexError> {
        keys(&self.view.load().searcher, &AllQuery)
    }

    /// Builds the documents to index, on all cores, in the order of `entries`.
    fn documents(&self, entries: &[IndexEntry]) -> Vec<TantivyDocument> {
        let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let share = entries.len().div_ceil(n_threads).max(1);
        let make = |entries: &[IndexEntry]| -> Vec<TantivyDocument> {
            entries.iter().map(|entry| self.document(entry)).collect()
        };
        std::thread::scope(|scope| {
            let mut shares = entries.chunks(share);
            let own = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .map(|share| scope.spawn(move || make(share)))
                .collect();
            let mut made = make(own);
            for other in others {
                let others = other.join();
                made.extend(others.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            made
        })
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
        let terms = text::index_terms(&text);
        for row in rows(&terms) {
            document.add_u64(fields.forward, row);
        }
        document.add_text(fields.text, joined(&terms));
        for question in &metadata.questions {
            document.add_text(fields.questions, joined(&text::index_terms(question)));
        }
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
        if let Some(rule) = VisibilityRule::of(metadata) {
            document.add_text(fields.rule, rule);
        }
        if metadata.is_restricted() {
            document.add_text(fields.restricted, RESTRICTED);
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

    /// Returns the rules in the index that exclude the caller.
    fn closed(&self, searcher: &Searcher, filter: &Filter) -> Result<Vec<String>, IndexError> {
        let mut closed: Vec<String> = Vec::new();
        for segment in searcher.segment_readers() {
            let dictionary = segment.inverted_index(self.fields.rule)?;
            let mut rules = dictionary
                .terms()
                .stream()
                .map_err(tantivy::TantivyError::from)?;
            while rules.advance() {
                let text = String::from_utf8_lossy(rules.key());
                // A rule that cannot be read admits nobody.
                let admits = serde_json::from_str::<VisibilityRule>(&text)
                    .is_ok_and(|rule| rule.admits(filter));
                if !admits {
                    closed.push(text.into_owned());
                }
            }
        }
        closed.sort_unstable();
        closed.dedup();
        Ok(closed)
    }

    /// Matches chunks that are closed to the caller, or not valid at the time asked about.
    fn hidden(&self, closed: &[String], at: i64) -> BooleanQuery {
        let closed = closed.iter().map(|rule| self.term(self.fields.rule, rule));
        let closed: Vec<Term> = closed.collect();
        let not_yet = RangeQuery::new(
            Bound::Excluded(Term::from_field_i64(self.fields.valid_from, at)),
            Bound::Unbounded,
        );
        let no_more = RangeQuery::new(
            Bound::Unbounded,
            Bound::Included(Term::from_field_i64(self.fields.valid_until, at)),
        );
        BooleanQuery::union(vec![
            Box::new(TermSetQuery::new(closed)),
            Box::new(not_yet),
            Box::new(no_more),
        ])
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

    fn writer(&self) -> Result<MutexGuard<'_, IndexWriterSlot>, IndexError> {
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

fn writing_of(language: Language) -> &'static str {
    match language {
        Language::TraditionalChinese
        | Language::SimplifiedChinese
        | Language::Japanese
        | Language::Korean => "cjk",
        Language::English | Language::Other => LATIN,
    }
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
