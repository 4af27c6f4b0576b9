//! Finds wordings of an FAQ that collide with other documents.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::CaseError;
use ken_answer::answer::{AnswerError, Question};
use ken_base::domain::{
    DocumentId, DocumentKind, Evidence, JudgedQuestion, Outcome, Query, Source, Strategy,
    WorkspaceId,
};
use ken_ingest::ingest::faq::question_key;
use ken_knowledge::editing::impact::{ProposedChange, WhatIf};
use ken_search::vectors::{CachedEmbedder, dot};

/// A question that belongs to another document.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Collision {
    /// The new wording.
    pub wording: String,
    /// The affected question of the other FAQ.
    pub question: String,
    /// The document that the question belongs to.
    pub belongs_to: DocumentId,
    /// `taken`: that question would be answered from the new document. `same`: the wording equals a question of that
    /// document. `answered`: the wording is already answered from that document. `nearer`: that FAQ ranks clearly above
    /// the target FAQ for this wording.
    #[schema(value_type = CollisionReason)]
    pub why: &'static str,
}

/// How many of the best passages for each wording are searched for other FAQs.
const NEIGHBOURS: usize = 10;
/// How many questions of each neighbour are examined.
const QUESTIONS_EACH: usize = 6;
/// The least cosine at which a wording and another FAQ's question ask the same, if no own question is nearer.
const SAME_QUESTION: f32 = 0.93;
/// The least confidence, in [0, 1], at which a wording counts as answered elsewhere.
const SURE: f32 = 0.8;
/// The least lead in score by which another FAQ is clearly nearer. Measured on 123 questions of the shop and the month
/// (docs/measured/learning.md), each assigned to the best FAQ that is not its own: this margin holds back 79 % of them.
/// Of the 26 questions that are not answered from their own FAQ now, assigned to that FAQ, it holds back 19 %.
const NEARER: f32 = 0.02;
/// How many hits are searched for the FAQ itself.
const DEPTH: usize = 100;

/// Answers the neighbours' questions with and without the change, through the normal pipeline, and compares each
/// wording with them. `faq` is the document that already contains the wordings. Returns the collisions; empty if there
/// are none.
pub async fn collisions(
    what_if: &WhatIf,
    vectors: &CachedEmbedder,
    workspace: &WorkspaceId,
    faq: &Source,
    wordings: &[String],
) -> Result<Vec<Collision>, CaseError> {
    let retriever = &what_if.retriever;
    let mut neighbours: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    // A document that is not stored yet is never retrieved, so scores cannot be compared.
    let is_known = what_if
        .store
        .document(workspace, &faq.id, None)
        .await?
        .is_some();
    for wording in wordings {
        let query = Query::parse(wording, DEPTH).map_err(AnswerError::Question)?;
        let query = retriever.with_time(query);
        let hits = retriever
            .retrieve(workspace, &query)
            .await
            .map_err(AnswerError::from)?;
        let evidence = retriever
            .load_evidence(workspace, &query, &hits.hits)
            .await
            .map_err(AnswerError::from)?;
        let own = evidence.iter().find(|e| e.chunk.document_id == faq.id);
        let own = own.map_or(0.0, |e| e.score);
        let is_other =
            |e: &Evidence| e.chunk.document_id != faq.id && e.metadata.kind == DocumentKind::Faq;
        let nearer = evidence
            .iter()
            .find(|e| is_other(e))
            .filter(|e| is_known && e.score - own >= NEARER)
            .map(|e| e.chunk.document_id.clone());
        for e in evidence.into_iter().take(NEIGHBOURS) {
            if is_other(&e) {
                let id = e.chunk.document_id.to_string();
                let questions: Vec<String> = e
                    .metadata
                    .questions
                    .into_iter()
                    .take(QUESTIONS_EACH)
                    .collect();
                neighbours.insert(id, questions);
            }
        }
        let question = Question {
            ceiling: Strategy::Extractive,
            ..Question::parse(wording).map_err(AnswerError::Question)?
        };
        let explained = what_if
            .answerer
            .reply(workspace, &question, &[], None)
            .await?;
        let answer = explained.answer;
        let elsewhere = answer.citations.first().filter(|c| c.document_id != faq.id);
        if let (Outcome::Answered, Some(cited)) = (answer.outcome, elsewhere)
            && answer.confidence >= SURE
        {
            found.push(Collision {
                wording: wording.clone(),
                question: wording.clone(),
                belongs_to: cited.document_id.clone(),
                why: "answered",
            });
        } else if let Some(belongs_to) = nearer {
            found.push(Collision {
                wording: wording.clone(),
                question: wording.clone(),
                belongs_to,
                why: "nearer",
            });
        }
    }
    // The FAQ's questions other than the new wordings.
    let keys: Vec<String> = wordings
        .iter()
        .map(|wording| question_key(wording))
        .collect();
    let own: Vec<String> = faq
        .metadata
        .questions
        .iter()
        .filter(|q| !keys.contains(&question_key(q)))
        .cloned()
        .collect();
    let theirs: Vec<(String, String)> = neighbours
        .iter()
        .flat_map(|(id, questions)| questions.iter().map(|q| (id.clone(), q.clone())))
        .collect();
    let texts: Vec<String> = wordings
        .iter()
        .chain(&own)
        .chain(theirs.iter().map(|(_, q)| q))
        .cloned()
        .collect();
    let vectors = vectors.of_questions(workspace, &texts).await?;
    let (of_wordings, rest) = vectors.split_at(wordings.len());
    let (of_own, of_theirs) = rest.split_at(own.len());
    for (wording, vector) in wordings.iter().zip(of_wordings) {
        let nearest_own = of_own.iter().map(|v| dot(v, vector)).fold(0.0, f32::max);
        for ((id, question), v) in theirs.iter().zip(of_theirs) {
            let similarity = dot(v, vector);
            let is_same = similarity >= SAME_QUESTION && similarity > nearest_own;
            let known = found
                .iter()
                .any(|c| c.wording == *wording && c.belongs_to.as_str() == id);
            if (is_same || question_key(wording) == question_key(question)) && !known {
                found.push(Collision {
                    wording: wording.clone(),
                    question: question.clone(),
                    belongs_to: DocumentId::parse(id).expect("it was an id"),
                    why: "same",
                });
            }
        }
    }
    let judged: Vec<JudgedQuestion> = theirs
        .iter()
        .map(|(id, question)| JudgedQuestion {
            id: id.clone(),
            question: question.clone(),
            document_id: Some(id.clone()),
            ..JudgedQuestion::default()
        })
        .collect();
    let change = vec![ProposedChange::Put(Box::new(faq.clone()))];
    let impact = what_if.ask(workspace, change, &judged, &[], None).await?;
    for broken in impact.broken {
        let belongs_to = broken
            .id
            .as_deref()
            .and_then(|id| DocumentId::parse(id).ok());
        if let Some(belongs_to) = belongs_to
            && broken.after.document_ids.contains(&faq.id.to_string())
        {
            found.push(Collision {
                wording: wordings.first().cloned().unwrap_or_default(),
                question: broken.question,
                belongs_to,
                why: "taken",
            });
        }
    }
    Ok(found)
}

/// The values of [`Collision::why`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "Why a wording collides with another document."
)]
pub enum CollisionReason {
    /// That question would be answered from the new document.
    Taken,
    /// The wording equals a question of that document.
    Same,
    /// The wording is already answered from that document.
    Answered,
    /// That FAQ ranks clearly above the target FAQ for the wording.
    Nearer,
}
