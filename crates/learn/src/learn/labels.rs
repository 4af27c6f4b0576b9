//! Exports a workspace's labelled questions as a judged set that `ken tune`, `ken calibrate` and `ken eval` read.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::feedback::Label;
use super::{LearnError, Learning};
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, DocumentKind, DocumentStatus, WorkspaceId};
use ken_ingest::ingest::{FileFormat, faq_file};
use ken_knowledge::editing::import;

/// The size of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelCounts {
    /// The number of labelled questions.
    pub n_questions: usize,
    /// The number of FAQs and articles.
    pub n_documents: usize,
}

/// The number of documents loaded at a time.
const PAGE: usize = 500;

impl Learning {
    /// Writes the labels and the published knowledge into a folder: `queries.jsonl`, `qrels.tsv`, `knowledge/faqs.jsonl` for
    /// FAQs with all their wordings, `corpus.jsonl` for articles.
    pub async fn write_labels(
        &self,
        workspace: &WorkspaceId,
        folder: &Path,
    ) -> Result<LabelCounts, LearnError> {
        let labels = self.labels(workspace).await?;
        let faqs = import::export(&self.store, workspace).await?;
        let ids: Vec<DocumentId> = self
            .store
            .all_documents(workspace)
            .await?
            .into_iter()
            .filter(|d| {
                d.metadata.kind != DocumentKind::Faq
                    && d.metadata.status == DocumentStatus::Published
            })
            .map(|document| document.id)
            .collect();
        let mut lines = Vec::new();
        for page in ids.chunks(PAGE) {
            for document in self.store.documents_by_id(workspace, page).await? {
                let line = json!({ "_id": document.id, "title": document.metadata.title, "text": document.text });
                lines.push(line.to_string());
            }
        }
        lines.sort_unstable();
        let n_documents = faqs.len() + lines.len();
        let faqs = faq_file::write(&faqs, FileFormat::JsonLines)?;
        let folder = folder.to_owned();
        let n_questions = labels.len();
        blocking(move || write(&folder, &labels, &lines, &faqs))
            .await
            .map_err(LearnError::Write)?;
        Ok(LabelCounts {
            n_questions,
            n_documents,
        })
    }
}

fn write(folder: &Path, labels: &[Label], articles: &[String], faqs: &[u8]) -> std::io::Result<()> {
    let knowledge = folder.join("knowledge");
    std::fs::create_dir_all(&knowledge)?;
    std::fs::write(knowledge.join("faqs.jsonl"), faqs)?;
    std::fs::write(folder.join("corpus.jsonl"), articles.join("\n"))?;
    let mut queries = std::fs::File::create(folder.join("queries.jsonl"))?;
    let mut qrels = std::fs::File::create(folder.join("qrels.tsv"))?;
    writeln!(qrels, "query-id\tcorpus-id\tscore")?;
    for (at, label) in labels.iter().enumerate() {
        let line = json!({ "_id": format!("q{at}"), "text": label.question, "answerable": label.answerable });
        writeln!(queries, "{line}")?;
        if let Some(id) = &label.document_id {
            writeln!(qrels, "q{at}\t{id}\t1")?;
        }
    }
    queries.sync_all()?;
    qrels.sync_all()
}
