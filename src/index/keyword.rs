use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};

use roaring::RoaringBitmap;
use tantivy::collector::DocSetCollector;
use tantivy::query::{AllQuery, BooleanQuery, Occur, Query, RangeQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term,
};

use super::collector::KEY_FIELD;
use super::schema::{ANALYZER, Analyzer, Fields, schema};
use super::words::{KeywordSearch, LATIN};
use super::{IndexError, Selection, damaged, unusable};
use crate::config::Part;
use crate::domain::{Filter, Revision};
use crate::store::IndexEntry;
use crate::text::{self, Language, Synonyms};

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
    pub fn search(
        &self,
        question: &str,
        synonyms: &Synonyms,
        without: &[Part],
    ) -> Result<Option<KeywordSearch>, IndexError> {
        let searcher = self.reader.searcher();
        KeywordSearch::prepare(searcher, &self.fields, question, synonyms, without)
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
        for question in &metadata.questions {
            document.add_text(fields.questions, question);
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
