//! Import and export of FAQs, with a report on each row.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Knowledge;
use super::gate::{Breaking, Gate, GateError};
use super::lint::{LintError, statement};
use ken_base::blocking::blocking;
use ken_base::domain::{
    Document, DocumentId, DocumentKind, DocumentStatus, Revision, Source, WorkspaceId,
};
use ken_ingest::ingest::faq::{CellFault, Column, FaqFile, FaqRow, question_key};
use ken_search::index::Selection;
use ken_store::store::{NewImport, Recorded, Store, StoreError, Write, WriteConditions};
use ken_text::conflict::{Conflict, Relation, Statement, compare, contradiction};

/// Effects of an import, or of its dry run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ImportReport {
    /// How many rows are new FAQs.
    pub n_new: usize,
    /// How many rows change an FAQ.
    pub n_changed: usize,
    /// How many rows equal a stored FAQ.
    pub n_unchanged: usize,
    /// How many rows ask what another FAQ or row asks.
    pub n_duplicate: usize,
    /// How many rows contradict another FAQ or row.
    pub n_conflicting: usize,
    /// How many rows cannot be read.
    pub n_invalid: usize,
    /// All rows except unchanged ones, in order.
    pub rows: Vec<ImportRow>,
    /// Unknown columns, ignored.
    pub ignored_columns: Vec<String>,
    /// All columns of the file, in order, and what each is taken for.
    pub columns: Vec<ImportColumn>,
    /// The row with the columns' names, from 1; null if there is none, as in JSON, or if none names a question and an
    /// answer.
    pub header_row: Option<usize>,
    /// Whether anything was written.
    pub applied: bool,
    /// The id under which the import is listed and can be undone once it is written; null if nothing is written.
    pub import_id: Option<String>,
    /// Newest revision after the import.
    #[schema(value_type = i64)]
    pub revision: Revision,
}

/// A column of an imported file.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImportColumn {
    /// The column's name; empty if it has none.
    pub header: String,
    /// Its position, from 1.
    pub position: usize,
    /// Its letters in a spreadsheet (`A`, `AB`); null for a field of JSON objects.
    pub letters: Option<String>,
    /// The field that it is taken for, such as `question` or `answer[channel=line]`; null if it is ignored.
    pub field: Option<String>,
    /// Its first values, at most 3, cut after 200 characters.
    pub samples: Vec<String>,
}

/// One row, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImportRow {
    /// Row number in the file, from 1, including the header.
    pub row: usize,
    /// The FAQ's id, if the row has one.
    pub id: Option<String>,
    /// The row's question.
    pub question: String,
    // What the import does with it. A doc comment would enter the OpenAPI document.
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub effect: ImportEffect,
    /// Semantically similar FAQs, nearest first; only if requested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<SimilarQuestion>,
}

/// A stored passage whose question is near a row's.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SimilarQuestion {
    /// The stored document.
    pub document_id: DocumentId,
    /// Cosine similarity of the questions.
    pub similarity: f32,
    /// Contradiction between the answers, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
}

/// Questions with at least this cosine are listed as similar.
const NEAR: f32 = 0.90;
/// How many similar questions are listed for a row.
const SHOWN: usize = 3;
/// How many questions are encoded at a time. Other callers of the encoder get their turn in between, and a cancelled
/// request encodes no more.
const STEP: usize = 64;

/// Finds stored questions that are nearly the same as those of new rows, by meaning. Encodes each new question.
pub async fn find_similar(
    knowledge: Knowledge<'_>,
    workspace: &WorkspaceId,
    plan: &mut ImportPlan,
) -> Result<(), LintError> {
    let Some(index) = knowledge.indexes.find(workspace) else {
        return Ok(());
    };
    let new: Vec<usize> = (0..plan.report.rows.len())
        .filter(|i| plan.report.rows[*i].effect == ImportEffect::New)
        .collect();
    let questions: Vec<String> = new
        .iter()
        .map(|i| plan.report.rows[*i].question.clone())
        .collect();
    let mut found = Vec::with_capacity(questions.len());
    for step in questions.chunks(STEP) {
        let (embedder, index, step) = (knowledge.embedder.clone(), index.clone(), step.to_vec());
        let searched = blocking(move || -> Result<_, LintError> {
            let everything = Selection::default();
            let vectors = embedder.embed_passages(step)?;
            let search = |vector: &Vec<f32>| index.vectors.search(vector, SHOWN, &everything);
            Ok(vectors.iter().map(search).collect::<Result<Vec<_>, _>>()?)
        });
        found.extend(searched.await?);
    }
    let keys: Vec<u32> = found
        .iter()
        .flatten()
        .filter(|hit| hit.similarity >= NEAR)
        .map(|hit| hit.key)
        .collect();
    let entries = knowledge.store.chunks(workspace, &keys).await?;
    for (i, hits) in new.into_iter().zip(found) {
        let row = &mut plan.report.rows[i];
        let source = plan
            .sources
            .iter()
            .find(|source| Some(source.id.as_str()) == row.id.as_deref());
        let answer = source.and_then(|source| source.chunks.first()?.span.slice(&source.text));
        for hit in hits.iter().filter(|hit| hit.similarity >= NEAR) {
            let Some(entry) = entries.iter().find(|entry| entry.chunk.key == hit.key) else {
                continue;
            };
            let own = Statement {
                title: &row.question,
                text: answer.unwrap_or_default(),
            };
            row.similar.push(SimilarQuestion {
                document_id: entry.chunk.document_id.clone(),
                similarity: hit.similarity,
                conflict: contradiction(own, statement(entry), Some(hit.similarity)),
            });
        }
    }
    Ok(())
}

/// Effect on a row.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum ImportEffect {
    /// The FAQ is new.
    New,
    /// The FAQ exists and its fields differ.
    Changed {
        /// The fields that differ.
        changes: Vec<FieldChange>,
    },
    /// Another FAQ or row has the same question (ignoring script, width and punctuation). The row is skipped.
    Duplicate {
        /// The other FAQ's id, or the other row.
        of: String,
    },
    /// Duplicate question with a contradicting answer.
    Conflicting {
        /// The other FAQ's id, or the other row.
        with: String,
        /// The contradiction between the answers.
        conflict: Conflict,
        /// The row's answer.
        answer: String,
        /// The answer of the other FAQ or row.
        other_answer: String,
    },
    /// The row cannot be read.
    Invalid {
        /// The column with the fault.
        column: String,
        /// The problem.
        detail: String,
    },
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// The stored value.
    pub before: String,
    /// The row's value.
    pub after: String,
}

/// Options of an import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Whether to report without writing.
    pub dry_run: bool,
    /// Whether to write the good rows although others are invalid or conflicting.
    pub partial: bool,
}

/// The documents that an import would write, with its report.
pub struct ImportPlan {
    /// The documents to write.
    pub sources: Vec<Source>,
    /// The report on all rows.
    pub report: ImportReport,
}

/// Writes a plan through the gate in one transaction: all rows or none, unless `partial` is set. Does nothing if
/// [`ImportReport::is_blocked`]. Duplicates are skipped and do not stop the import.
///
/// It is recorded as `record`, so that it can be undone.
///
/// # Errors
/// Those of [`Gate::apply`]. Faulty rows are listed in the report.
pub async fn import(
    gate: &Gate,
    workspace: &WorkspaceId,
    plan: ImportPlan,
    options: ImportOptions,
    breaking: Breaking,
    record: NewImport,
) -> Result<ImportReport, GateError> {
    let mut report = plan.report;
    report.revision = gate.revision(workspace).await?;
    if report.is_blocked(options) || plan.sources.is_empty() {
        return Ok(report);
    }
    let writes = plan.sources.into_iter().map(Write::put).collect();
    let conditions = WriteConditions {
        import: Some(&record),
        ..WriteConditions::default()
    };
    let recorded = gate.apply_if(workspace, writes, breaking, conditions);
    let recorded = recorded.await?.expect("no conditions were set");
    report.import_id = Some(record.id);
    report.mark_applied(&recorded);
    Ok(report)
}

impl ImportReport {
    /// Returns whether nothing may be written: in a dry run, or if rows are invalid or conflicting and `partial` is not
    /// set.
    pub fn is_blocked(&self, options: ImportOptions) -> bool {
        let is_wrong = self.n_invalid + self.n_conflicting > 0;
        options.dry_run || (is_wrong && !options.partial)
    }

    /// Marks the report as applied.
    pub fn mark_applied(&mut self, recorded: &[Recorded]) {
        self.applied = true;
        if let Some(last) = recorded.last() {
            self.revision = last.revision;
        }
    }
}

/// Compares a file with the stored FAQs. Writes nothing.
pub async fn plan(
    store: &Store,
    workspace: &WorkspaceId,
    file: FaqFile,
) -> Result<ImportPlan, StoreError> {
    let known = StoredFaqs::load(store, workspace, &file.rows).await?;
    let mut report = ImportReport {
        ignored_columns: file.ignored_columns(),
        header_row: file.header_row,
        ..ImportReport::default()
    };
    let is_table = file.is_table;
    let columns = file.columns.clone();
    let column = |column: Column| ImportColumn {
        letters: is_table.then(|| column.letters()),
        header: column.header,
        position: column.position,
        field: column.field,
        samples: column.samples,
    };
    report.columns = file.columns.into_iter().map(column).collect();
    for CellFault {
        row,
        column,
        detail,
    } in file.faults
    {
        report.rows.push(ImportRow {
            row,
            id: None,
            question: String::new(),
            effect: ImportEffect::Invalid { column, detail },
            similar: Vec::new(),
        });
    }
    let mut sources = Vec::new();
    // By question: the row of this file that asks it, and its answer.
    let mut in_file: HashMap<String, (String, String)> = HashMap::new();
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut unchanged = 0;
    for mut faq in file.rows {
        let stored = faq.id().ok();
        let stored = stored.and_then(|id| known.documents.get(id.as_str()));
        if let Some(stored) = stored.filter(|_| is_table) {
            faq.keep_unnamed(&columns, &stored.metadata);
        }
        let (row, question) = (faq.row, faq.question.clone());
        let answer = faq
            .answers
            .first()
            .map(|a| a.text.clone())
            .unwrap_or_default();
        let mut tell = |id: Option<&DocumentId>, effect: ImportEffect| {
            report.rows.push(ImportRow {
                row,
                id: id.map(DocumentId::to_string),
                question: question.clone(),
                effect,
                similar: Vec::new(),
            });
        };
        let source = match faq.into_source() {
            Ok(source) => source,
            Err(error) => {
                let detail = error.to_string();
                let column = "id".to_owned();
                tell(None, ImportEffect::Invalid { column, detail });
                continue;
            }
        };
        let id = source.id.clone();
        let keys: Vec<String> = source
            .metadata
            .questions
            .iter()
            .map(|q| question_key(q))
            .collect();
        let statement = Statement {
            title: &question,
            text: &answer,
        };
        let stored = known.duplicate_of(&keys, &id);
        let twin = keys
            .iter()
            .find_map(|key| in_file.get(key).cloned())
            .or_else(|| stored.map(|(of, text)| (of.to_owned(), text.to_owned())));
        if let Some((of, other)) = twin {
            let stated = Statement {
                title: &question,
                text: &other,
            };
            let effect = match compare(statement, stated, Some(1.0)) {
                Relation::Conflict(conflict) => ImportEffect::Conflicting {
                    with: of,
                    conflict,
                    answer,
                    other_answer: other,
                },
                _ => ImportEffect::Duplicate { of },
            };
            tell(Some(&id), effect);
            continue;
        }
        if let Some(before) = ids.insert(id.to_string(), row) {
            let detail = format!("duplicate id {:?}, also in row {before}", id.as_str());
            let column = "id".to_owned();
            tell(Some(&id), ImportEffect::Invalid { column, detail });
            continue;
        }
        for key in keys {
            in_file
                .entry(key)
                .or_insert_with(|| (format!("row {row}"), answer.clone()));
        }
        match known.documents.get(id.as_str()) {
            Some(before) if is_same(before, &source) => unchanged += 1,
            Some(before) => {
                let changes = changes(before, &source);
                if changes.is_empty() {
                    unchanged += 1;
                    continue;
                }
                tell(Some(&id), ImportEffect::Changed { changes });
                sources.push(source);
            }
            None => {
                tell(Some(&id), ImportEffect::New);
                sources.push(source);
            }
        }
    }
    report.n_unchanged = unchanged;
    report.rows.sort_by_key(|row| row.row);
    for row in &report.rows {
        match row.effect {
            ImportEffect::New => report.n_new += 1,
            ImportEffect::Changed { .. } => report.n_changed += 1,
            ImportEffect::Duplicate { .. } => report.n_duplicate += 1,
            ImportEffect::Conflicting { .. } => report.n_conflicting += 1,
            ImportEffect::Invalid { .. } => report.n_invalid += 1,
        }
    }
    Ok(ImportPlan { sources, report })
}

/// The stored FAQs that a file is compared with.
struct StoredFaqs {
    /// The FAQs that the file names, by id.
    documents: HashMap<String, Document>,
    /// By question: the FAQ that asks it and its answer, for FAQs that the file does not name.
    by_question: HashMap<String, (String, String)>,
}

impl StoredFaqs {
    async fn load(
        store: &Store,
        workspace: &WorkspaceId,
        rows: &[FaqRow],
    ) -> Result<Self, StoreError> {
        let ids: std::collections::HashSet<String> = rows
            .iter()
            .filter_map(|row| row.id().ok())
            .map(|id| id.to_string())
            .collect();
        let asked: std::collections::HashSet<String> = rows
            .iter()
            .flat_map(|row| std::iter::once(&row.question).chain(&row.variants))
            .map(|question| question_key(question))
            .collect();
        let mut known = StoredFaqs {
            documents: HashMap::new(),
            by_question: HashMap::new(),
        };
        let mut document_ids: Vec<DocumentId> = Vec::new();
        for summary in store.all_documents(workspace).await? {
            let is_named = ids.contains(summary.id.as_str());
            let mut questions = summary.metadata.questions.iter();
            let is_asked = summary.metadata.kind == DocumentKind::Faq
                && questions.any(|question| asked.contains(&question_key(question)));
            if is_named || is_asked {
                document_ids.push(summary.id);
            }
        }
        for document in store.documents_by_id(workspace, &document_ids).await? {
            if ids.contains(document.id.as_str()) {
                known.documents.insert(document.id.to_string(), document);
                continue;
            }
            if document.metadata.status == DocumentStatus::Archived {
                continue;
            }
            let answers = document.answers();
            let answer = answers.first().map(|a| a.text.clone()).unwrap_or_default();
            for question in &document.metadata.questions {
                let twin = (document.id.to_string(), answer.clone());
                known.by_question.insert(question_key(question), twin);
            }
        }
        Ok(known)
    }

    fn duplicate_of(&self, keys: &[String], id: &DocumentId) -> Option<(&str, &str)> {
        let found = keys.iter().find_map(|key| self.by_question.get(key));
        found
            .filter(|(of, _)| of != id.as_str())
            .map(|(of, answer)| (of.as_str(), answer.as_str()))
    }
}

fn is_same(before: &Document, after: &Source) -> bool {
    before.content_hash == after.content_hash && before.metadata.status == after.metadata.status
}

/// Returns the fields that differ, by the names under which they are imported.
pub(super) fn changes(before: &Document, after: &Source) -> Vec<FieldChange> {
    let after = Document {
        id: after.id.clone(),
        version: 0,
        metadata: after.metadata.clone(),
        text: after.text.clone(),
        outline: after.outline.clone(),
        content_hash: String::new(),
        updated_at: before.updated_at,
    };
    let (before, after) = (
        FaqRow::of_document(before).fields(),
        FaqRow::of_document(&after).fields(),
    );
    let shown = |value: Option<&serde_json::Value>| match value {
        None => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            before: shown(before.get(name)),
            after: shown(after.get(name)),
        })
        .collect()
}

/// Returns all FAQs, whatever their status, as rows ordered by id.
pub async fn export(store: &Store, workspace: &WorkspaceId) -> Result<Vec<FaqRow>, StoreError> {
    let faqs: Vec<DocumentId> = store
        .all_documents(workspace)
        .await?
        .into_iter()
        .filter(|summary| summary.metadata.kind == DocumentKind::Faq)
        .map(|summary| summary.id)
        .collect();
    let documents = store.documents_by_id(workspace, &faqs).await?;
    Ok(documents.iter().map(FaqRow::of_document).collect())
}
