//! Import and export of FAQs, with a report on each row.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Knowledge;
use super::gate::{Breaking, Gate, GateError};
use super::impact::Impact;
use super::lint::{LintError, statement};
use ken_base::blocking::blocking;
use ken_base::digest::sha256_hex;
use ken_base::domain::{
    Document, DocumentId, DocumentKind, DocumentStatus, FaqAnswer, Revision, Source, WorkspaceId,
};
use ken_ingest::ingest::IngestError;
use ken_ingest::ingest::faq::{CellFault, CellFaultCode, Column, FaqFile, FaqRow, question_key};
use ken_search::index::Selection;
use ken_store::store::{NewImport, Recorded, Store, StoreError, Write, WriteConditions};
use ken_text::conflict::{Conflict, Relation, Statement, compare, contradiction};
use ken_text::text;

/// Effects of an import, or of its dry run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ImportReport {
    /// How many rows are new FAQs.
    pub n_new: usize,
    /// How many rows change an FAQ.
    pub n_changed: usize,
    /// How many rows equal a stored FAQ.
    pub n_unchanged: usize,
    /// How many rows ask what another FAQ or row asks, without a choice.
    pub n_duplicate: usize,
    /// How many rows contradict another FAQ or row, without a choice.
    pub n_conflicting: usize,
    /// How many rows are left out by a choice.
    pub n_skipped: usize,
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
    /// Which answers the import alters; null unless it was asked for.
    pub impact: Option<Impact>,
    /// Newest revision after the import.
    #[schema(value_type = i64)]
    pub revision: Revision,
}

/// What is done with a row that asks the same as another FAQ or row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportChoice {
    /// Its answers replace the other's. A stored FAQ keeps its id, its wordings and the fields that the file has no column
    /// for. A row of the same file is left out.
    Replace,
    /// It becomes an FAQ beside the other one.
    Add,
    /// It is left out. Any row can be.
    Skip,
}

/// Choices by row number.
pub type ImportChoices = BTreeMap<usize, ImportChoice>;

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
    /// What was chosen for it; null if nothing was.
    pub choice: Option<ImportChoice>,
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
    /// Another FAQ or row has the same question (ignoring script, width and punctuation). Without a choice, the row is
    /// skipped.
    Duplicate {
        /// The other FAQ's id, or the other row.
        of: String,
        /// The row's answers, if they differ from the other's; null if they are the same.
        answer: Option<String>,
        /// The answers of the other FAQ or row, if they differ; null if they are the same.
        other_answer: Option<String>,
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
        /// The kind of fault.
        code: CellFaultCode,
        /// The problem in a sentence.
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

/// Compares a file with the stored FAQs. Writes nothing. A choice for a row that asks nothing twice changes nothing,
/// unless it leaves the row out.
pub async fn plan(
    store: &Store,
    workspace: &WorkspaceId,
    file: FaqFile,
    choices: &ImportChoices,
) -> Result<ImportPlan, StoreError> {
    let known = StoredFaqs::load(store, workspace, &file.rows).await?;
    let mut report = ImportReport {
        ignored_columns: file.ignored_columns(),
        header_row: file.header_row,
        ..ImportReport::default()
    };
    let is_table = file.is_table;
    let column = |column: &Column| ImportColumn {
        letters: is_table.then(|| column.letters()),
        header: column.header.clone(),
        position: column.position,
        field: column.field.clone(),
        samples: column.samples.clone(),
    };
    report.columns = file.columns.iter().map(column).collect();
    let mut planning = Planning {
        known,
        columns: file.columns,
        is_table,
        choices,
        rows: Vec::new(),
        sources: Vec::new(),
        in_file: HashMap::new(),
        ids: HashMap::new(),
    };
    for CellFault {
        row,
        column,
        code,
        detail,
    } in file.faults
    {
        let effect = ImportEffect::Invalid {
            column,
            code,
            detail,
        };
        planning.report(row, None, "", Some(effect));
    }
    for faq in file.rows {
        planning.add(faq);
    }
    let Planning { rows, sources, .. } = planning;
    report.count(rows);
    Ok(ImportPlan {
        sources: sources.into_iter().map(|(_, source)| source).collect(),
        report,
    })
}

impl ImportReport {
    /// Lists the rows by their number, and counts them. A row without an effect is unchanged.
    fn count(&mut self, mut rows: Vec<(ImportRow, bool)>) {
        rows.sort_by_key(|(row, _)| row.row);
        for (row, is_unchanged) in rows {
            if is_unchanged {
                self.n_unchanged += 1;
                continue;
            }
            match (&row.effect, row.choice) {
                (ImportEffect::Invalid { .. }, _) => self.n_invalid += 1,
                (_, Some(ImportChoice::Skip)) => self.n_skipped += 1,
                (ImportEffect::New, _) => self.n_new += 1,
                (ImportEffect::Changed { .. }, _) => self.n_changed += 1,
                (ImportEffect::Duplicate { .. }, _) => self.n_duplicate += 1,
                (ImportEffect::Conflicting { .. }, _) => self.n_conflicting += 1,
            }
            self.rows.push(row);
        }
    }
}

/// The rows of a file, compared one after the other.
struct Planning<'a> {
    known: StoredFaqs,
    columns: Vec<Column>,
    is_table: bool,
    choices: &'a ImportChoices,
    /// Each row, and whether it equals a stored FAQ.
    rows: Vec<(ImportRow, bool)>,
    /// The documents to write, with their rows.
    sources: Vec<(usize, Source)>,
    /// By question: the row of this file that asks it.
    in_file: HashMap<String, FileTwin>,
    /// The row of each id.
    ids: HashMap<DocumentId, usize>,
}

/// A row of the file, as what a later row may repeat.
#[derive(Clone)]
struct FileTwin {
    row: usize,
    id: DocumentId,
    answers: Answers,
}

/// The answers of an FAQ: the first, which is compared for contradictions, and all of them as one text.
#[derive(Clone, Default)]
struct Answers {
    first: String,
    all: String,
}

impl Answers {
    fn of(answers: &[FaqAnswer]) -> Self {
        let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        Self {
            first: texts.first().copied().unwrap_or_default().to_owned(),
            all: texts.join("\n"),
        }
    }

    /// Whether they say the same in the same words; script, width and spaces do not count.
    fn are(&self, other: &Self) -> bool {
        let letters = |text: &str| text::fold(text).split_whitespace().collect::<String>();
        letters(&self.all) == letters(&other.all)
    }
}

/// What already asks a row's question.
enum Twin {
    Row(FileTwin),
    Stored(DocumentId),
}

impl Planning<'_> {
    /// Lists a row; without an effect it is unchanged.
    fn report(
        &mut self,
        row: usize,
        id: Option<&DocumentId>,
        question: &str,
        effect: Option<ImportEffect>,
    ) {
        let is_unchanged = effect.is_none();
        let row = ImportRow {
            row,
            id: id.map(DocumentId::to_string),
            question: question.to_owned(),
            effect: effect.unwrap_or(ImportEffect::New),
            choice: self.choices.get(&row).copied(),
            similar: Vec::new(),
        };
        self.rows.push((row, is_unchanged));
    }

    fn add(&mut self, mut faq: FaqRow) {
        let (row, question) = (faq.row, faq.question.clone());
        let choice = self.choices.get(&row).copied();
        let answers = Answers::of(&faq.answers);
        if let Ok(id) = faq.id()
            && let Some(stored) = self.known.documents.get(&id)
            && self.is_table
        {
            faq.keep_unnamed(&self.columns, &stored.metadata);
        }
        let wordings = std::iter::once(&faq.question).chain(&faq.variants);
        let keys: Vec<String> = wordings.map(|wording| question_key(wording)).collect();
        match self.twin_of(&keys, faq.id().ok().as_ref()) {
            Some(twin) if choice == Some(ImportChoice::Replace) => self.replace(&mut faq, twin),
            // The id that the question gives is the other's.
            Some(_) if choice == Some(ImportChoice::Add) && faq.id.is_none() => {
                let question = question_key(&faq.question);
                let key = sha256_hex([question.as_bytes(), answers.all.as_bytes()]);
                faq.id = Some(format!("faq-{}", &key[..12]));
            }
            Some(twin) if choice != Some(ImportChoice::Add) => {
                let effect = self.repeated(&question, &answers, &twin);
                self.report(row, faq.id().ok().as_ref(), &question, Some(effect));
                return;
            }
            _ => {}
        }
        let source = match faq.into_source() {
            Ok(source) => source,
            Err(error) => {
                let (column, code) = match error {
                    IngestError::Id { .. } => ("id", CellFaultCode::InvalidId),
                    _ => ("answer", CellFaultCode::InvalidValue),
                };
                let effect = ImportEffect::Invalid {
                    column: column.to_owned(),
                    code,
                    detail: error.to_string(),
                };
                self.report(row, None, &question, Some(effect));
                return;
            }
        };
        let id = source.id.clone();
        let before = self.known.documents.get(&id);
        let changes = before.map(|before| match is_same(before, &source) {
            true => Vec::new(),
            false => changes(before, &source),
        });
        let effect = match changes {
            None => Some(ImportEffect::New),
            Some(changes) if changes.is_empty() => None,
            Some(changes) => Some(ImportEffect::Changed { changes }),
        };
        if choice == Some(ImportChoice::Skip) {
            self.report(row, Some(&id), &question, effect);
            return;
        }
        if let Some(before) = self.ids.insert(id.clone(), row) {
            let effect = ImportEffect::Invalid {
                column: "id".to_owned(),
                code: CellFaultCode::DuplicateId,
                detail: format!("duplicate id {:?}, also in row {before}", id.as_str()),
            };
            self.report(row, Some(&id), &question, Some(effect));
            return;
        }
        for key in keys {
            let twin = || FileTwin {
                row,
                id: id.clone(),
                answers: answers.clone(),
            };
            self.in_file.entry(key).or_insert_with(twin);
        }
        if effect.is_some() {
            self.sources.push((row, source));
        }
        self.report(row, Some(&id), &question, effect);
    }

    /// What else asks one of the questions: an earlier row, or else a stored FAQ.
    fn twin_of(&self, keys: &[String], id: Option<&DocumentId>) -> Option<Twin> {
        let earlier = keys.iter().find_map(|key| self.in_file.get(key).cloned());
        earlier.map(Twin::Row).or_else(|| {
            let asked = keys.iter().find_map(|key| self.known.by_question.get(key));
            asked
                .filter(|of| Some(*of) != id)
                .cloned()
                .map(Twin::Stored)
        })
    }

    /// The effect on a row of which a twin exists.
    fn repeated(&self, question: &str, answers: &Answers, twin: &Twin) -> ImportEffect {
        let (of, others) = match twin {
            Twin::Row(twin) => (format!("row {}", twin.row), twin.answers.clone()),
            Twin::Stored(id) => {
                let document = self.known.documents.get(id);
                let answers = document.map(|document| Answers::of(&document.answers()));
                (id.to_string(), answers.unwrap_or_default())
            }
        };
        let stated = |text| Statement {
            title: question,
            text,
        };
        let relation = compare(stated(&answers.first), stated(&others.first), Some(1.0));
        match relation {
            Relation::Conflict(conflict) => ImportEffect::Conflicting {
                with: of,
                conflict,
                answer: answers.all.clone(),
                other_answer: others.all,
            },
            _ => {
                let differs = !answers.are(&others);
                ImportEffect::Duplicate {
                    of,
                    answer: differs.then(|| answers.all.clone()),
                    other_answer: differs.then_some(others.all),
                }
            }
        }
    }

    /// Puts a row in the place of its twin.
    fn replace(&mut self, faq: &mut FaqRow, twin: Twin) {
        let replaced = match twin {
            Twin::Stored(id) => id,
            Twin::Row(twin) => {
                self.leave_out(&twin, faq);
                twin.id
            }
        };
        if let Some(stored) = self.known.documents.get(&replaced) {
            faq.replace_answers(&self.columns, stored);
        }
    }

    /// Leaves an earlier row out, because a later one replaces it.
    fn leave_out(&mut self, earlier: &FileTwin, later: &FaqRow) {
        let question = later.question.clone();
        let answers = Answers::of(&later.answers);
        let twin = Twin::Row(FileTwin {
            row: later.row,
            id: earlier.id.clone(),
            answers,
        });
        let effect = self.repeated(&question, &earlier.answers, &twin);
        self.sources.retain(|(row, _)| *row != earlier.row);
        self.ids.retain(|_, row| *row != earlier.row);
        self.in_file.retain(|_, twin| twin.row != earlier.row);
        let listed = self.rows.iter_mut().find(|(row, _)| row.row == earlier.row);
        if let Some((row, is_unchanged)) = listed {
            row.effect = effect;
            row.choice = Some(ImportChoice::Skip);
            *is_unchanged = false;
        }
    }
}

/// The stored FAQs that a file is compared with.
struct StoredFaqs {
    /// The FAQs that the file names, and those that ask the same.
    documents: HashMap<DocumentId, Document>,
    /// By question: the FAQ that asks it, for FAQs that the file does not name.
    by_question: HashMap<String, DocumentId>,
}

impl StoredFaqs {
    async fn load(
        store: &Store,
        workspace: &WorkspaceId,
        rows: &[FaqRow],
    ) -> Result<Self, StoreError> {
        let ids: HashSet<DocumentId> = rows.iter().filter_map(|row| row.id().ok()).collect();
        let asked: HashSet<String> = rows
            .iter()
            .flat_map(|row| std::iter::once(&row.question).chain(&row.variants))
            .map(|question| question_key(question))
            .collect();
        let mut needed: Vec<DocumentId> = Vec::new();
        let mut by_question = HashMap::new();
        for summary in store.all_documents(workspace).await? {
            let about = &summary.metadata;
            let is_named = ids.contains(&summary.id);
            let keys = about
                .questions
                .iter()
                .map(|question| question_key(question));
            let keys: Vec<String> = keys.filter(|key| asked.contains(key)).collect();
            let is_twin = about.kind == DocumentKind::Faq
                && about.status != DocumentStatus::Archived
                && !keys.is_empty();
            if is_twin && !is_named {
                by_question.extend(keys.into_iter().map(|key| (key, summary.id.clone())));
            }
            if is_twin || is_named {
                needed.push(summary.id);
            }
        }
        let documents = store.documents_by_id(workspace, &needed).await?;
        let documents = documents.into_iter().map(|one| (one.id.clone(), one));
        Ok(Self {
            documents: documents.collect(),
            by_question,
        })
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
