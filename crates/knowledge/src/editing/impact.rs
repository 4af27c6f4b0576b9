//! The impact of a change: which answers it would alter, before it is live.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use ken_answer::answer::{AnswerError, Answerer, Question};
use ken_base::domain::{
    Answer, DocumentId, DocumentKind, DocumentStatus, Filter, InvalidQuestion, JudgedQuestion,
    Metadata, Outcome, Source, WorkspaceId,
};
use ken_search::embed::Embedder;
use ken_search::retrieve::{Overlay, Retriever};
use ken_store::store::{Store, StoreError, Write};
use ken_text::text;

/// The default number of logged questions that are asked besides the judged ones.
pub const LOGGED: i64 = 200;
/// The most wordings of the changed FAQs that are asked: as long as a person waits for, at two answers each.
const MAX_OWN: usize = 100;

/// The questions that a change is tried on besides the judged ones.
pub struct Tried {
    /// How many logged questions, the latest.
    pub n_logged: i64,
    /// Questions that the editor gave.
    pub asked: Vec<String>,
    /// The time asked about; now, if absent.
    pub at: Option<Timestamp>,
}

impl Default for Tried {
    fn default() -> Self {
        Self {
            n_logged: LOGGED,
            asked: Vec::new(),
            at: None,
        }
    }
}

/// A change that is not live yet.
pub enum ProposedChange {
    /// Adds or replaces a document.
    Put(Box<Source>),
    /// Removes a document from all answers.
    Remove(DocumentId),
}

impl ProposedChange {
    /// Returns a write as a change of what callers can find.
    pub fn of(write: &Write) -> Self {
        match write {
            Write::Put { source, .. } | Write::Schedule { source, .. } => {
                ProposedChange::Put(source.clone())
            }
            Write::Archive(id) | Write::Delete(id) => ProposedChange::Remove(id.clone()),
        }
    }

    fn id(&self) -> &DocumentId {
        match self {
            ProposedChange::Put(source) => &source.id,
            ProposedChange::Remove(id) => id,
        }
    }
}

/// Which answers a change alters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Impact {
    /// How many judged questions were asked.
    pub n_judged: usize,
    /// How many logged questions were asked.
    pub n_logged: usize,
    /// How many wordings of the changed FAQs were asked, at most 100, as they are and as they would be.
    pub n_own: usize,
    /// How many given questions were asked.
    pub n_asked: usize,
    /// Judged questions answered correctly now, but not after the change.
    pub broken: Vec<AlteredAnswer>,
    /// Judged questions answered wrongly now, but correctly after the change.
    pub healed: Vec<AlteredAnswer>,
    /// Other questions whose answer would change.
    pub changed: Vec<AlteredAnswer>,
}

/// A question whose answer changes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AlteredAnswer {
    /// Id of the judged question; null for another question.
    pub id: Option<String>,
    /// Where the question comes from.
    pub origin: QuestionOrigin,
    /// The question.
    pub question: String,
    /// The answer now.
    pub before: ImpactReply,
    /// The answer with the change.
    pub after: ImpactReply,
    /// What the judged question expects and `after` does not have.
    pub unmet: Vec<Expectation>,
}

/// Where a tried question comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionOrigin {
    /// A judged question.
    Judged,
    /// A customer asked it; it is in the log.
    Logged,
    /// A wording of a changed FAQ.
    Own,
    /// The request has it.
    Asked,
}

/// An expectation of a judged question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// The outcome.
    Outcome,
    /// The document that must be cited.
    DocumentId,
    /// The text that the answer must contain.
    Contains,
}

impl AlteredAnswer {
    /// Returns a message with the question, the answer now and the answer with the change.
    pub fn describe(&self) -> String {
        format!(
            "{:?}: answered {:?} now, would be {} with {:?}",
            self.question,
            self.before.text,
            self.after.outcome.as_str(),
            self.after.text
        )
    }
}

/// The parts of an answer that are compared.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImpactReply {
    /// The outcome.
    pub outcome: Outcome,
    /// The whole reply.
    pub text: String,
    /// The documents that it cites.
    pub document_ids: Vec<String>,
}

/// Why the impact is unknown.
#[derive(Debug, thiserror::Error)]
pub enum ImpactError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A question could not be answered.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// How many previews run at once, and how many checks of the gate; further ones wait. Each holds the text and the vectors
/// of its chunks in memory, some 2 kB a chunk, and asks every judged question twice. Previews have a limit of their own,
/// so that they do not delay writes.
const MAX_AT_A_TIME: usize = 2;

/// Tries changes out. Clones share everything.
#[derive(Clone)]
pub struct WhatIf {
    /// The system of record.
    pub store: Store,
    /// The encoder.
    pub embedder: Embedder,
    /// Finds evidence.
    pub retriever: Retriever,
    /// Answers questions.
    pub answerer: Answerer,
    previews: Arc<Semaphore>,
    checks: Arc<Semaphore>,
}

impl WhatIf {
    /// Compares answers of `answerer` before and after changes. Clones share the limits of concurrency.
    pub fn new(store: Store, embedder: Embedder, retriever: Retriever, answerer: Answerer) -> Self {
        Self {
            store,
            embedder,
            retriever,
            answerer,
            previews: Arc::new(Semaphore::new(MAX_AT_A_TIME)),
            checks: Arc::new(Semaphore::new(MAX_AT_A_TIME)),
        }
    }

    /// Asks the judged questions, the wordings of the changed FAQs, those of `tried`, with the current and with the changed
    /// knowledge.
    ///
    /// # Errors
    /// [`ImpactError`] if the store fails or a question cannot be answered.
    pub async fn assess(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<ProposedChange>,
        tried: &Tried,
    ) -> Result<Impact, ImpactError> {
        let judged = self.store.judged_questions(workspace).await?;
        let logged = match tried.n_logged {
            0 => Vec::new(),
            n => self.store.logged_questions(workspace, n).await?,
        };
        let open = |text: &String| JudgedQuestion {
            question: text.clone(),
            ..JudgedQuestion::default()
        };
        let own = self.own_questions(workspace, &changes).await?;
        let others = [
            (
                QuestionOrigin::Asked,
                tried.asked.iter().map(open).collect(),
            ),
            (QuestionOrigin::Own, own),
            (QuestionOrigin::Logged, logged.iter().map(open).collect()),
        ];
        // The semaphores are never closed, so waiting for a permit does not fail.
        let _permit = self.previews.acquire().await.ok();
        self.compare(workspace, changes, &judged, &others, tried.at)
            .await
    }

    /// The wordings of the changed FAQs, the new ones first, each asked by somebody who may see the FAQ. The main question
    /// of each FAQ comes before other wordings.
    async fn own_questions(
        &self,
        workspace: &WorkspaceId,
        changes: &[ProposedChange],
    ) -> Result<Vec<JudgedQuestion>, StoreError> {
        let ids: Vec<DocumentId> = changes.iter().map(|change| change.id().clone()).collect();
        let stored = self.store.documents_by_id(workspace, &ids).await?;
        let put = changes.iter().filter_map(|change| match change {
            ProposedChange::Put(source) => Some(&source.metadata),
            ProposedChange::Remove(_) => None,
        });
        let all = put.chain(stored.iter().map(|document| &document.metadata));
        let faqs: Vec<&Metadata> = all
            .filter(|about| about.kind == DocumentKind::Faq)
            .filter(|about| about.status == DocumentStatus::Published)
            .collect();
        let most = faqs.iter().map(|about| about.questions.len()).max();
        let mut seen = HashSet::new();
        let mut own = Vec::new();
        for nth in 0..most.unwrap_or(0) {
            for about in &faqs {
                let Some(question) = about.questions.get(nth) else {
                    continue;
                };
                if own.len() < MAX_OWN && seen.insert(question) {
                    own.push(JudgedQuestion {
                        question: question.clone(),
                        audience: about.audience.clone(),
                        channel: about.channels.first().cloned(),
                        ..JudgedQuestion::default()
                    });
                }
            }
        }
        Ok(own)
    }

    /// Like [`WhatIf::assess`], with the given questions.
    ///
    /// The changed documents are searched in memory beside the indexed ones, and questions take the usual path. Nothing
    /// is written except the vectors of the changed documents.
    pub async fn ask(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<ProposedChange>,
        judged: &[JudgedQuestion],
        logged: &[String],
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        let logged = logged.iter().map(|text| JudgedQuestion {
            question: text.clone(),
            ..JudgedQuestion::default()
        });
        let others = [(QuestionOrigin::Logged, logged.collect())];
        let _permit = self.checks.acquire().await.ok();
        self.compare(workspace, changes, judged, &others, at).await
    }

    async fn compare(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<ProposedChange>,
        judged: &[JudgedQuestion],
        others: &[(QuestionOrigin, Vec<JudgedQuestion>)],
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        if judged.is_empty() && others.iter().all(|(_, questions)| questions.is_empty()) {
            return Ok(Impact::default());
        }
        let trial = BeforeAfter::of(self, workspace, changes).await?;
        trial.ask(workspace, judged, others, at).await
    }

    /// Returns the judged questions that a change would break. Changes are made through [`super::gate::Gate`], which
    /// calls this.
    pub(super) async fn gate(
        &self,
        workspace: &WorkspaceId,
        changes: Vec<ProposedChange>,
        at: Option<Timestamp>,
    ) -> Result<Vec<AlteredAnswer>, ImpactError> {
        let judged = self.store.judged_questions(workspace).await?;
        let impact = self.ask(workspace, changes, &judged, &[], at);
        Ok(impact.await?.broken)
    }
}

/// Answers questions with the current knowledge and with the changed one.
struct BeforeAfter<'a> {
    before: &'a Answerer,
    after: Answerer,
}

impl<'a> BeforeAfter<'a> {
    async fn of(
        what_if: &'a WhatIf,
        workspace: &WorkspaceId,
        changes: Vec<ProposedChange>,
    ) -> Result<Self, ImpactError> {
        // If a document changes more than once, the last change counts.
        let mut changes = changes;
        let mut seen = HashSet::new();
        changes.reverse();
        changes.retain(|change| seen.insert(change.id().clone()));
        changes.reverse();
        let replaced = changes.iter().map(|change| change.id().clone()).collect();
        let put = changes.into_iter().filter_map(|change| match change {
            ProposedChange::Put(source) if source.metadata.status == DocumentStatus::Published => {
                Some(*source)
            }
            _ => None,
        });
        let put: Vec<Source> = put.collect();
        let (store, embedder) = (&what_if.store, &what_if.embedder);
        let overlay = Overlay::of(store, embedder, workspace, &put, replaced).await;
        let retriever = what_if
            .retriever
            .with_overlay(overlay.map_err(AnswerError::from)?);
        Ok(Self {
            before: &what_if.answerer,
            after: what_if.answerer.with_retriever(retriever),
        })
    }

    async fn ask(
        &self,
        workspace: &WorkspaceId,
        judged: &[JudgedQuestion],
        others: &[(QuestionOrigin, Vec<JudgedQuestion>)],
        at: Option<Timestamp>,
    ) -> Result<Impact, ImpactError> {
        let mut impact = Impact {
            n_judged: judged.len(),
            ..Impact::default()
        };
        for question in judged {
            let (before, after) = self.before_and_after(workspace, question, at).await?;
            let unmet_now = unmet(question, &before);
            let unmet = unmet(question, &after);
            let list = match (unmet_now.is_empty(), unmet.is_empty()) {
                (true, false) => &mut impact.broken,
                (false, true) => &mut impact.healed,
                _ if before != after => &mut impact.changed,
                _ => continue,
            };
            list.push(AlteredAnswer {
                id: Some(question.id.clone()),
                origin: QuestionOrigin::Judged,
                question: question.question.clone(),
                before,
                after,
                unmet,
            });
        }
        let judged = judged.iter().map(|judged| judged.question.as_str());
        let mut seen: HashSet<&str> = judged.collect();
        for (origin, questions) in others {
            for question in questions {
                if !seen.insert(&question.question) {
                    continue;
                }
                match origin {
                    QuestionOrigin::Judged => impact.n_judged += 1,
                    QuestionOrigin::Logged => impact.n_logged += 1,
                    QuestionOrigin::Own => impact.n_own += 1,
                    QuestionOrigin::Asked => impact.n_asked += 1,
                }
                let (before, after) = self.before_and_after(workspace, question, at).await?;
                if before != after {
                    impact.changed.push(AlteredAnswer {
                        id: None,
                        origin: *origin,
                        question: question.question.clone(),
                        before,
                        after,
                        unmet: Vec::new(),
                    });
                }
            }
        }
        Ok(impact)
    }

    /// Returns the current answer and the one after the change.
    async fn before_and_after(
        &self,
        workspace: &WorkspaceId,
        asker: &JudgedQuestion,
        at: Option<Timestamp>,
    ) -> Result<(ImpactReply, ImpactReply), ImpactError> {
        let question = as_question(asker, &asker.question, at).map_err(AnswerError::Question)?;
        // Encoded once: only the knowledge differs.
        let vector = self.before.vector_of(&question).await?;
        let before = self.before.reply(workspace, &question, &[], vector.clone());
        let before = before.await?;
        let after = self.after.reply(workspace, &question, &[], vector).await?;
        Ok((reply_of(before.answer), reply_of(after.answer)))
    }
}

/// Returns the parts of an answer that are compared.
pub fn reply_of(answer: Answer) -> ImpactReply {
    let cited = answer.citations.iter();
    let mut document_ids: Vec<String> = cited.map(|c| c.document_id.to_string()).collect();
    document_ids.dedup();
    ImpactReply {
        outcome: answer.outcome,
        text: answer.text,
        document_ids,
    }
}

/// Returns a question with the context of the judged question `asker`: its audience, channel and so on.
pub fn as_question(
    asker: &JudgedQuestion,
    text: &str,
    at: Option<Timestamp>,
) -> Result<Question, InvalidQuestion> {
    let question = Question::parse(text)?;
    Ok(Question {
        filter: Filter {
            audience: asker.audience.clone(),
            channel: asker.channel.clone(),
            at,
            ..Filter::default()
        },
        ..question
    })
}

/// Returns the expectations of a judged question that a reply does not meet.
pub fn unmet(question: &JudgedQuestion, reply: &ImpactReply) -> Vec<Expectation> {
    let contains = |words: &String| {
        let letters = |text: &str| -> String {
            text::fold(text)
                .chars()
                .filter(|c| !c.is_whitespace())
                .collect()
        };
        letters(&reply.text).contains(&letters(words))
    };
    let outcome = question
        .outcome
        .is_none_or(|outcome| outcome == reply.outcome);
    let document = question.document_id.as_ref();
    let document = document.is_none_or(|id| reply.document_ids.contains(id));
    let contains = question.contains.as_ref().is_none_or(contains);
    let checks = [
        (outcome, Expectation::Outcome),
        (document, Expectation::DocumentId),
        (contains, Expectation::Contains),
    ];
    let failed = checks.into_iter().filter(|(is_met, _)| !is_met);
    failed.map(|(_, expectation)| expectation).collect()
}

/// Returns whether a reply meets the expectations of a judged question.
pub fn is_met(question: &JudgedQuestion, reply: &ImpactReply) -> bool {
    unmet(question, reply).is_empty()
}
