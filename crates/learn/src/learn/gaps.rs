//! Groups unanswered questions by meaning, as a list of knowledge to write next.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp, Unit};
use serde::Serialize;
use utoipa::ToSchema;

use super::{LearnError, Learning};
use ken_base::actor::actor;
use ken_base::blocking::blocking;
use ken_base::domain::{
    DocumentId, DocumentKind, Draft, DraftState, Evidence, GapClosing, GapClosure, Outcome, Query,
    WorkspaceId,
};
use ken_ingest::ingest::faq::question_key;
use ken_search::vectors::dot;

/// Questions of one meaning that were not answered well.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Gap {
    /// Derived from the most central question, so it is stable across calls.
    pub id: String,
    /// The most central question.
    pub question: String,
    /// Number of askers.
    pub volume: usize,
    /// Volume × cost × trend.
    pub rank: f64,
    /// Mean cost of its failures: 0.5 clarified, 1 refused, 2 handed off or disliked, 3 a case without knowledge.
    pub cost: f64,
    /// Ratio of questions in the later half of the period to the earlier half; 1: constant.
    pub trend: f64,
    /// Failures by kind, with counts.
    #[schema(value_type = Vec<(GapFailure, usize)>)]
    pub failures: Vec<(&'static str, usize)>,
    /// Alternative wordings, at most five.
    pub wordings: Vec<String>,
    /// Nearest existing knowledge.
    pub closest: Option<ClosestKnowledge>,
    /// An FAQ that asks the same and was written after the last of the questions; null if there is none. Whether it answers
    /// them is seen when they are asked again.
    pub filled_by: Option<FillingFaq>,
    /// Draft that would fill the gap; otherwise `stub` outlines the FAQ to write.
    pub draft_id: Option<String>,
    /// The beginning of the FAQ that would fill it.
    pub stub: Option<FaqStub>,
}

/// The document that is nearest to a gap.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClosestKnowledge {
    /// Its id.
    pub document_id: DocumentId,
    /// Its title.
    pub title: String,
    /// The cosine of its vector and the question's vector, in [-1, 1].
    pub similarity: f32,
}

/// An FAQ that fills a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FillingFaq {
    /// Its id.
    pub document_id: DocumentId,
    /// Its title.
    pub title: String,
}

/// The beginning of an FAQ.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FaqStub {
    /// The FAQ's question.
    pub question: String,
    /// Other wordings of the question.
    pub variants: Vec<String>,
    /// The answer, if one is known.
    pub answer: Option<String>,
}

/// How a question failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum AnswerFailure {
    Refused,
    Clarified,
    HandedOff,
    Disliked,
    Case,
}

impl AnswerFailure {
    fn name(self) -> &'static str {
        match self {
            AnswerFailure::Refused => "refused",
            AnswerFailure::Clarified => "clarified",
            AnswerFailure::HandedOff => "handed_off",
            AnswerFailure::Disliked => "disliked",
            AnswerFailure::Case => "case",
        }
    }

    /// The cost relative to a refusal: a wrong answer that was believed costs more than none, and a person's time costs
    /// most.
    fn cost(self) -> f64 {
        match self {
            AnswerFailure::Clarified => 0.5,
            AnswerFailure::Refused => 1.0,
            AnswerFailure::HandedOff | AnswerFailure::Disliked => 2.0,
            AnswerFailure::Case => 3.0,
        }
    }
}

struct FailedQuestion {
    question: String,
    at: Timestamp,
    failure: AnswerFailure,
}

/// The most answers and the most cases that are examined, the newest.
const MAX_QUESTIONS: i64 = 2_000;
/// Groups whose mean cosine is at least this are about the same need. Of the 480 wordings of the 48 needs of
/// corpus/month, 84 % are grouped with their like at .82 (2.5 groups per need), 93 % at .84 (3.6), 96 % at .86 (4.9).
pub const SAME_NEED: f32 = 0.84;
/// Vectors with at least this cosine are joined at once, in their order.
const ALIKE: f32 = 0.93;
/// The least cosine at which an open draft or a newer FAQ fills a gap.
const FILLS: f32 = 0.86;

impl Learning {
    /// Returns the gaps of the last `days` days, by descending rank, then by id, at most `limit`. `after` is the rank and
    /// the id of the last gap of the previous page.
    pub async fn gaps(
        &self,
        workspace: &WorkspaceId,
        days: i64,
        after: Option<&(f64, String)>,
        limit: usize,
    ) -> Result<Vec<Gap>, LearnError> {
        let now = self.store.now();
        let since = now - SignedDuration::from_hours(24 * days);
        let failed = self.failed(workspace, since, now).await?;
        let texts: Vec<String> = failed
            .iter()
            .map(|failed| failed.question.clone())
            .collect();
        let vectors = self.vectors.of_questions(workspace, &texts).await?;
        let (failed, vectors) = self.open(workspace, failed, vectors).await?;
        let (groups, vectors) = blocking(move || (grouped(&vectors, SAME_NEED), vectors)).await;
        let middle = since + SignedDuration::from_secs(now.duration_since(since).as_secs() / 2);
        let drafts = self
            .store
            .drafts(workspace, DraftState::Open, 2_000)
            .await?;
        let of_drafts: Vec<String> = drafts.iter().map(|draft| draft.question.clone()).collect();
        let draft_vectors = self.vectors.of_questions(workspace, &of_drafts).await?;
        let last = |members: &[usize]| members.iter().map(|at| failed[*at].at).max();
        let mut gaps: Vec<(Gap, Vec<f32>, Option<Timestamp>)> = groups
            .into_iter()
            .map(|members| {
                let (gap, vector) = gap(&failed, &vectors, &members, middle);
                (gap, vector, last(&members))
            })
            .collect();
        gaps.sort_by(|a, b| {
            b.0.rank
                .total_cmp(&a.0.rank)
                .then_with(|| a.0.id.cmp(&b.0.id))
        });
        if let Some((rank, id)) = after {
            let order = |gap: &Gap| rank.total_cmp(&gap.rank).then_with(|| gap.id.cmp(id));
            gaps.retain(|(gap, ..)| order(gap).is_gt());
        }
        gaps.truncate(limit);
        let mut found = Vec::with_capacity(gaps.len());
        for (mut gap, vector, last) in gaps {
            let near = drafts
                .iter()
                .zip(&draft_vectors)
                .map(|(draft, v)| (draft, dot(v, &vector)));
            let near: Option<(&Draft, f32)> = near.max_by(|a, b| a.1.total_cmp(&b.1));
            match near.filter(|(_, similarity)| *similarity >= FILLS) {
                Some((draft, _)) => gap.draft_id = Some(draft.id.clone()),
                None => {
                    gap.stub = Some(FaqStub {
                        question: gap.question.clone(),
                        variants: gap.wordings.clone(),
                        answer: None,
                    });
                }
            }
            if let Some(nearest) = self.nearest(workspace, &gap.question, vector).await? {
                let is_newer = last.is_some_and(|last| nearest.updated_at > last);
                let is_faq = nearest.metadata.kind == DocumentKind::Faq;
                if is_faq && is_newer && nearest.similarity >= FILLS {
                    gap.filled_by = Some(FillingFaq {
                        document_id: nearest.chunk.document_id.clone(),
                        title: nearest.metadata.title.clone(),
                    });
                }
                gap.closest = Some(ClosestKnowledge {
                    document_id: nearest.chunk.document_id,
                    title: nearest.metadata.title,
                    similarity: nearest.similarity,
                });
            }
            found.push(gap);
        }
        Ok(found)
    }

    /// Closes the gap of a question, and of those that mean the same. Personal data is removed from it.
    pub async fn close_gap(
        &self,
        workspace: &WorkspaceId,
        question: &str,
        reason: GapClosing,
    ) -> Result<GapClosure, LearnError> {
        let redactor = self.cases.redactor(workspace).await?;
        let question = redactor.mask(question.trim()).into_owned();
        // As it is stored.
        let now = self.store.now().round(Unit::Millisecond);
        let closure = GapClosure {
            id: id_of(&question),
            question,
            reason,
            closed_by: actor().to_string(),
            closed_at: now.unwrap_or(self.store.now()),
        };
        self.store.put_gap_closure(workspace, &closure).await?;
        Ok(closure)
    }

    /// Leaves out the questions of closed gaps.
    async fn open(
        &self,
        workspace: &WorkspaceId,
        failed: Vec<FailedQuestion>,
        vectors: Vec<Vec<f32>>,
    ) -> Result<(Vec<FailedQuestion>, Vec<Vec<f32>>), LearnError> {
        let closures = self.store.gap_closures(workspace).await?;
        if closures.is_empty() {
            return Ok((failed, vectors));
        }
        let texts: Vec<String> = closures.iter().map(|one| one.question.clone()).collect();
        let closed = self.vectors.of_questions(workspace, &texts).await?;
        let is_closed = |question: &FailedQuestion, vector: &[f32]| {
            let mut covering = closures.iter().zip(&closed).filter(|(closure, _)| {
                closure.reason == GapClosing::OutOfScope || question.at <= closure.closed_at
            });
            covering.any(|(_, closed)| dot(closed, vector) >= SAME_NEED)
        };
        let all = failed.into_iter().zip(vectors);
        Ok(all
            .filter(|(question, vector)| !is_closed(question, vector))
            .unzip())
    }

    async fn nearest(
        &self,
        workspace: &WorkspaceId,
        question: &str,
        vector: Vec<f32>,
    ) -> Result<Option<Evidence>, LearnError> {
        let Ok(query) = Query::parse(question, 1) else {
            return Ok(None);
        };
        let query = self.retriever.with_time(query);
        let found = self
            .retriever
            .retrieve_with(workspace, &query, Some(vector))
            .await?;
        let evidence = self
            .retriever
            .load_evidence(workspace, &query, &found.hits)
            .await?;
        Ok(evidence.into_iter().next())
    }

    /// The questions that failed between two times, without personal data.
    async fn failed(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<FailedQuestion>, LearnError> {
        let redactor = self.cases.redactor(workspace).await?;
        let disliked = self.disliked(workspace, from).await?;
        let to_now = to + SignedDuration::from_secs(1);
        let turns = self
            .store
            .answers_between(workspace, from, to_now, MAX_QUESTIONS)
            .await?;
        let mut failed: Vec<FailedQuestion> = turns
            .into_iter()
            .filter_map(|turn| {
                let failure = match turn.outcome {
                    _ if disliked.contains(&turn.id) => AnswerFailure::Disliked,
                    Outcome::Refused => AnswerFailure::Refused,
                    Outcome::Clarify => AnswerFailure::Clarified,
                    Outcome::Handoff => AnswerFailure::HandedOff,
                    Outcome::Answered => return None,
                };
                Some(FailedQuestion {
                    question: redactor.mask(&turn.question).into_owned(),
                    at: turn.at,
                    failure,
                })
            })
            .collect();
        for stored in self
            .store
            .cases_since(workspace, from, MAX_QUESTIONS)
            .await?
        {
            let Some(made) = stored
                .distilled
                .filter(|made| made.gap.is_some() && !made.question.is_empty())
            else {
                continue;
            };
            failed.push(FailedQuestion {
                question: made.question,
                at: stored.created_at,
                failure: AnswerFailure::Case,
            });
        }
        Ok(failed)
    }
}

/// Groups vectors of unit length by average linkage. Returns the members' indices, groups in the order of their first
/// member.
///
/// First, each vector joins the nearest group if their cosine is at least `ALIKE`. Then the two groups with the
/// greatest mean cosine are joined repeatedly, as long as it is at least `same`.
pub fn grouped(vectors: &[Vec<f32>], same: f32) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<f32>, Vec<usize>)> = Vec::new();
    let mean =
        |a: &(Vec<f32>, Vec<usize>), sum: &[f32], n: usize| dot(&a.0, sum) / (a.1.len() * n) as f32;
    let add = |sum: &mut [f32], more: &[f32]| sum.iter_mut().zip(more).for_each(|(s, v)| *s += v);
    for (at, vector) in vectors.iter().enumerate() {
        let nearest = groups
            .iter()
            .map(|group| mean(group, vector, 1))
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1));
        match nearest {
            Some((group, similarity)) if similarity >= ALIKE.max(same) => {
                add(&mut groups[group].0, vector);
                groups[group].1.push(at);
            }
            _ => groups.push((vector.clone(), vec![at])),
        }
    }
    // For each group, the nearest of the later groups. So a join recomputes only the entries that it changed.
    let after = |groups: &[(Vec<f32>, Vec<usize>)], of: usize| -> (f32, usize) {
        let (sum, members) = &groups[of];
        let others = (of + 1..groups.len()).filter(|other| !groups[*other].1.is_empty());
        others
            .map(|other| (mean(&groups[other], sum, members.len()), other))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f32::MIN, of))
    };
    let mut nearest: Vec<(f32, usize)> = (0..groups.len()).map(|of| after(&groups, of)).collect();
    loop {
        let best = (0..groups.len()).max_by(|a, b| nearest[*a].0.total_cmp(&nearest[*b].0));
        let Some(into) = best.filter(|best| nearest[*best].0 >= same) else {
            break;
        };
        let from = nearest[into].1;
        let (sum, mut members) = std::mem::take(&mut groups[from]);
        add(&mut groups[into].0, &sum);
        groups[into].1.append(&mut members);
        nearest[from] = (f32::MIN, from);
        for of in 0..groups.len() {
            let is_gone = groups[of].1.is_empty();
            if !is_gone && (of == into || [into, from].contains(&nearest[of].1)) {
                nearest[of] = after(&groups, of);
            } else if !is_gone && of < into {
                let (sum, members) = &groups[of];
                let similarity = mean(&groups[into], sum, members.len());
                if similarity > nearest[of].0 {
                    nearest[of] = (similarity, into);
                }
            }
        }
    }
    let joined = groups.into_iter().map(|(_, members)| members);
    joined.filter(|members| !members.is_empty()).collect()
}

/// The id of the gap of which this is the most central question.
fn id_of(question: &str) -> String {
    let key = ken_text::text::sha256_hex([question_key(question).as_bytes()]);
    format!("gap_{}", &key[..16])
}

fn gap(
    failed: &[FailedQuestion],
    vectors: &[Vec<f32>],
    members: &[usize],
    middle: Timestamp,
) -> (Gap, Vec<f32>) {
    let central = |at: usize| -> f32 {
        members
            .iter()
            .map(|other| dot(&vectors[at], &vectors[*other]))
            .sum()
    };
    let best = members
        .iter()
        .copied()
        .max_by(|a, b| central(*a).total_cmp(&central(*b)).then(b.cmp(a)));
    let best = best.expect("no group is empty");
    let volume = members.len();
    let cost = members
        .iter()
        .map(|at| failed[*at].failure.cost())
        .sum::<f64>()
        / volume as f64;
    let late = members
        .iter()
        .filter(|at| failed[**at].at >= middle)
        .count() as f64;
    let trend = (late + 1.0) / (volume as f64 - late + 1.0);
    let mut failures: HashMap<AnswerFailure, usize> = HashMap::new();
    members
        .iter()
        .for_each(|at| *failures.entry(failed[*at].failure).or_default() += 1);
    let mut failures: Vec<(&'static str, usize)> =
        failures.into_iter().map(|(f, n)| (f.name(), n)).collect();
    failures.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let question = failed[best].question.clone();
    let mut seen = std::collections::HashSet::from([question_key(&question)]);
    let others = members
        .iter()
        .map(|at| &failed[*at].question)
        .filter(|q| seen.insert(question_key(q)));
    let wordings = others.take(5).cloned().collect();
    let gap = Gap {
        id: id_of(&question),
        question,
        volume,
        rank: volume as f64 * cost * trend,
        cost,
        trend,
        failures,
        wordings,
        closest: None,
        filled_by: None,
        draft_id: None,
        stub: None,
    };
    (gap, vectors[best].clone())
}

/// The values of the first part of each of [`Gap::failures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "How a question failed. `refused`, `clarified`, `handed_off`: the answer's outcome. `disliked`: the answer was rated as not \
                   helpful. `case`: a case that makes no knowledge."
)]
pub enum GapFailure {
    /// The question was refused.
    Refused,
    /// The reply was a clarifying question.
    Clarified,
    /// The question was handed off to a person.
    HandedOff,
    /// The answer got negative feedback.
    Disliked,
    /// A resolved case yielded no knowledge.
    Case,
}
