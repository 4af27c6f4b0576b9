//! Statistics of answers: volumes, outcomes, resolution, use of documents, weak scenes.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::gaps::{SAME_NEED, grouped};
use super::{LearnError, Learning};
use ken_base::blocking::blocking;
use ken_base::domain::{DocumentId, DocumentStatus, Feedback, Outcome, WorkspaceId};
use ken_store::store::{AnswerRecord, LoggedQuestion, NO_CHANNEL, QuestionFilter, TimeKey};

/// What is counted of a group of answers.
///
/// *Resolved*: the question was answered from the knowledge (so relevant and supported, by admission and verification),
/// nobody said that it did not help, no case with a person came of it, and the customer did not come back with the same
/// conversation's question reopened within `learn.reopen_hours`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct AnswerCounts {
    /// How many questions there were.
    pub n: usize,
    /// How many were answered.
    pub answered: usize,
    /// How many were answered with a question back.
    pub clarified: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many were handed off to a person.
    pub handed_off: usize,
    /// How many were resolved.
    pub resolved: usize,
    /// `resolved` divided by `n`, in [0, 1].
    pub resolution_rate: f64,
    /// Number of helpful and unhelpful ratings.
    pub liked: usize,
    /// How many answers were rated as not helpful.
    pub disliked: usize,
    /// The mean rating, 1 to 5.
    pub csat: Option<f64>,
    #[serde(skip)]
    ratings: (u64, u64),
}

/// Counts by what they are grouped by, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct InsightSummary {
    /// The beginning of the period.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The end of the period, exclusive.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The counts of all questions.
    pub total: AnswerCounts,
    /// The counts by group; empty, if the request does not group.
    pub groups: BTreeMap<String, AnswerCounts>,
}

/// The property that answers are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// No groups.
    Nothing,
    /// The channel of the request; `none` without one.
    Channel,
    /// Each tag of the request.
    Tag,
    /// The day (UTC).
    Day,
    /// The meaning of the question; a group is named by its first question.
    Intent,
    /// The reason of a refusal or hand-off; empty without one.
    Reason,
}

/// Usage of a document.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DocumentUsage {
    /// The document's id.
    pub document_id: DocumentId,
    /// The document's title.
    pub title: String,
    /// How many answers cite it.
    pub cited: usize,
    /// How many of them were rated as helpful.
    pub liked: usize,
    /// How many of them were rated as not helpful.
    pub disliked: usize,
    /// `unused` (published, never cited), `stale` (past its review date or validity), `disliked` (cited at least five times
    /// and disliked more often than liked), `distrusted` (excluded from answers).
    #[schema(value_type = Vec<UsageFlag>)]
    pub flags: Vec<&'static str>,
}

/// A group of similar questions with poor results.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Scene {
    /// Channel, tag or intent, for example `channel line`.
    pub scene: String,
    /// The counts of its questions.
    pub counts: AnswerCounts,
    /// Overall resolution rate.
    pub usual: f64,
    /// Unresolved questions, at most five.
    pub evidence: Vec<String>,
}

/// Which logged questions to list; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogFilter {
    /// What is stored of the answer itself.
    pub stored: QuestionFilter,
    /// The intent: a name of [`GroupBy::Intent`].
    pub intent: Option<String>,
    /// Whether the newest rating was positive.
    pub liked: Option<bool>,
}

/// A logged question with its rating.
#[derive(Debug, Clone, PartialEq)]
pub struct RatedQuestion {
    /// The question, without personal data, and its answer.
    pub logged: LoggedQuestion,
    /// Whether the newest rating is positive; `None` without one.
    pub liked: Option<bool>,
}

/// The most answers that are counted, and the most feedback entries.
const MAX_ANSWERS: i64 = 50_000;
/// The least number of questions of a scene.
const MIN_SCENE: usize = 8;
/// How many standard errors a scene's resolution rate lies below the overall rate at least.
const WEAK: f64 = 2.0;
/// The most questions that are grouped by meaning, the newest.
const MAX_INTENTS: usize = 2_000;

struct RatedAnswer {
    answer: AnswerRecord,
    resolved: bool,
    feedback: Vec<Feedback>,
}

impl Learning {
    /// Counts the answers from `from` to before `to`, in total and by group.
    pub async fn summary(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        to: Timestamp,
        by: GroupBy,
    ) -> Result<InsightSummary, LearnError> {
        let rated_answers = self.rated_answers(workspace, from, to).await?;
        let names = self.named(workspace, &rated_answers, by).await?;
        let mut summary = InsightSummary {
            from,
            to,
            total: AnswerCounts::default(),
            groups: BTreeMap::new(),
        };
        for (rated_answers, names) in rated_answers.iter().zip(names) {
            summary.total.add(rated_answers);
            for name in names {
                summary.groups.entry(name).or_default().add(rated_answers);
            }
        }
        Ok(summary)
    }

    /// The groups of each answer, in the order of the answers.
    async fn named(
        &self,
        workspace: &WorkspaceId,
        rated_answers: &[RatedAnswer],
        by: GroupBy,
    ) -> Result<Vec<Vec<String>>, LearnError> {
        let one = |name: String| vec![name];
        Ok(match by {
            GroupBy::Nothing => vec![Vec::new(); rated_answers.len()],
            GroupBy::Channel => {
                let of = |t: &RatedAnswer| {
                    one(t
                        .answer
                        .channel
                        .clone()
                        .unwrap_or_else(|| NO_CHANNEL.to_owned()))
                };
                rated_answers.iter().map(of).collect()
            }
            GroupBy::Tag => rated_answers
                .iter()
                .map(|t| t.answer.tags.clone())
                .collect(),
            GroupBy::Day => rated_answers
                .iter()
                .map(|t| one(t.answer.at.to_string()[..10].to_owned()))
                .collect(),
            GroupBy::Reason => rated_answers
                .iter()
                .map(|t| one(t.answer.reason.clone().unwrap_or_default()))
                .collect(),
            GroupBy::Intent => {
                let newest = rated_answers.iter().take(MAX_INTENTS);
                let questions: Vec<&str> = newest.map(|t| t.answer.question.as_str()).collect();
                let intents = self.intents(workspace, &questions).await?;
                let mut names: Vec<Vec<String>> = intents.into_iter().map(one).collect();
                names.resize(rated_answers.len(), Vec::new());
                names
            }
        })
    }

    /// The intent of each question: the first question of the same meaning, without personal data.
    async fn intents(
        &self,
        workspace: &WorkspaceId,
        questions: &[&str],
    ) -> Result<Vec<String>, LearnError> {
        let redactor = self.cases.redactor(workspace).await?;
        let masked = questions
            .iter()
            .map(|question| redactor.mask(question).into_owned());
        let texts: Vec<String> = masked.collect();
        let vectors = self.vectors.of_questions(workspace, &texts).await?;
        let mut names = texts.clone();
        for members in blocking(move || grouped(&vectors, SAME_NEED)).await {
            for at in &members {
                names[*at].clone_from(&texts[members[0]]);
            }
        }
        Ok(names)
    }

    /// Returns logged questions from `from` to before `to`, without personal data, newest first, at most `limit`; and the
    /// key of the last one if there are more. `after` is that key of the previous page. The filters select the answers that [`Learning::summary`] counts,
    /// an intent among the newest 2,000.
    pub async fn questions(
        &self,
        workspace: &WorkspaceId,
        (from, to): (Timestamp, Timestamp),
        filter: LogFilter,
        after: Option<&TimeKey>,
        limit: usize,
    ) -> Result<(Vec<RatedQuestion>, Option<TimeKey>), LearnError> {
        let mut only: Option<HashSet<String>> = None;
        if let Some(liked) = filter.liked {
            let mut verdicts: HashMap<String, bool> = HashMap::new();
            let feedback = self.store.feedback_since(workspace, from, MAX_ANSWERS);
            for given in feedback.await? {
                if let Some(verdict) = given.verdict() {
                    verdicts.insert(given.answer_id, verdict);
                }
            }
            let of = verdicts
                .into_iter()
                .filter(|(_, verdict)| *verdict == liked);
            only = Some(of.map(|(id, _)| id).collect());
        }
        if let Some(intent) = &filter.intent {
            let newest = self
                .store
                .answers_between(workspace, from, to, MAX_INTENTS as i64)
                .await?;
            let questions: Vec<&str> = newest.iter().map(|a| a.question.as_str()).collect();
            let intents = self.intents(workspace, &questions).await?;
            let ids = newest.iter().zip(&intents);
            let ids = ids.filter(|(_, of)| *of == intent);
            let mut ids: HashSet<String> = ids.map(|(answer, _)| answer.id.clone()).collect();
            if let Some(rated) = &only {
                ids.retain(|id| rated.contains(id));
            }
            only = Some(ids);
        }
        if only.as_ref().is_some_and(HashSet::is_empty) {
            return Ok((Vec::new(), None));
        }
        let stored = QuestionFilter {
            only,
            ..filter.stored
        };
        let (logged, next) = self
            .store
            .logged_questions_page(workspace, (from, to), &stored, after, limit)
            .await?;
        let ids: Vec<&str> = logged.iter().map(|one| one.answer_id.as_str()).collect();
        let verdicts = self.store.verdicts(workspace, &ids).await?;
        let redactor = self.cases.redactor(workspace).await?;
        let rated = |mut logged: LoggedQuestion| {
            logged.question = redactor.mask(&logged.question).into_owned();
            RatedQuestion {
                liked: verdicts.get(&logged.answer_id).copied(),
                logged,
            }
        };
        Ok((logged.into_iter().map(rated).collect(), next))
    }

    async fn rated_answers(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<RatedAnswer>, LearnError> {
        let mut feedback: HashMap<String, Vec<Feedback>> = HashMap::new();
        for f in self
            .store
            .feedback_since(workspace, from, MAX_ANSWERS)
            .await?
        {
            feedback.entry(f.answer_id.clone()).or_default().push(f);
        }
        let (mut in_cases, mut reopened) = (HashSet::new(), HashSet::new());
        for links in self.store.case_links(workspace, from, MAX_ANSWERS).await? {
            in_cases.extend(links.answer_ids);
            reopened.extend(links.conversation_id);
        }
        let answers = self.store.answers_between(workspace, from, to, MAX_ANSWERS);
        let hours = SignedDuration::from_hours(i64::from(self.config.reopen_hours));
        let rated_answers = answers.await?.into_iter().map(|answer| {
            let feedback = feedback.remove(&answer.id).unwrap_or_default();
            let in_time = |f: &&Feedback| f.at.duration_since(answer.at) <= hours;
            let is_bad = feedback
                .iter()
                .filter(in_time)
                .any(|f| f.verdict() == Some(false));
            let of = answer.conversation_id.as_ref();
            let is_followed =
                in_cases.contains(&answer.id) || of.is_some_and(|id| reopened.contains(id));
            let is_from_knowledge = answer.outcome == Outcome::Answered && !answer.cited.is_empty();
            RatedAnswer {
                resolved: is_from_knowledge && !is_bad && !is_followed,
                answer,
                feedback,
            }
        });
        Ok(rated_answers.collect())
    }

    /// Returns the use of every published document from `from` to before `to`: most disliked first, then most cited.
    pub async fn usage(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<DocumentUsage>, LearnError> {
        let rated_answers = self.rated_answers(workspace, from, to).await?;
        let mut used: HashMap<DocumentId, [usize; 3]> = HashMap::new();
        for t in &rated_answers {
            let cited: HashSet<&DocumentId> = t.answer.cited.iter().collect();
            let verdict = t.feedback.iter().rev().find_map(Feedback::verdict);
            for id in cited {
                let counts = used.entry(id.clone()).or_default();
                counts[0] += 1;
                counts[1] += usize::from(verdict == Some(true));
                counts[2] += usize::from(verdict == Some(false));
            }
        }
        let now = self.store.now();
        let distrusted = self.store.distrusted(workspace).await?;
        let mut usage: Vec<DocumentUsage> = Vec::new();
        for document in self.store.all_documents(workspace).await? {
            let about = &document.metadata;
            if about.status != DocumentStatus::Published {
                continue;
            }
            let [cited, liked, disliked] = used.get(&document.id).copied().unwrap_or_default();
            let is_past = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
            let flags = [
                ("unused", cited == 0),
                (
                    "stale",
                    is_past(about.review_by) || is_past(about.valid_until),
                ),
                ("disliked", cited >= 5 && disliked > liked),
                (
                    "distrusted",
                    distrusted.contains(&(document.id.clone(), document.version)),
                ),
            ];
            usage.push(DocumentUsage {
                title: about.title.clone(),
                flags: flags
                    .into_iter()
                    .filter(|(_, holds)| *holds)
                    .map(|(name, _)| name)
                    .collect(),
                document_id: document.id,
                cited,
                liked,
                disliked,
            });
        }
        usage.sort_by(|a, b| {
            b.disliked
                .cmp(&a.disliked)
                .then(b.cited.cmp(&a.cited))
                .then(a.document_id.cmp(&b.document_id))
        });
        Ok(usage)
    }

    /// Returns the channels, tags and intents that are resolved significantly less often than the average, those with
    /// the greatest excess of unresolved questions first.
    pub async fn scenes(
        &self,
        workspace: &WorkspaceId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Scene>, LearnError> {
        let rated_answers = self.rated_answers(workspace, from, to).await?;
        let redactor = self.cases.redactor(workspace).await?;
        let mut total = AnswerCounts::default();
        rated_answers.iter().for_each(|t| total.add(t));
        let mut scenes = Vec::new();
        for (by, kind) in [
            (GroupBy::Channel, "channel"),
            (GroupBy::Tag, "tag"),
            (GroupBy::Intent, "intent"),
        ] {
            let names = self.named(workspace, &rated_answers, by).await?;
            let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for (at, names) in names.into_iter().enumerate() {
                for name in names {
                    groups.entry(name).or_default().push(at);
                }
            }
            for (name, members) in groups {
                let mut counts = AnswerCounts::default();
                members
                    .iter()
                    .for_each(|at| counts.add(&rated_answers[*at]));
                let usual = total.resolution_rate;
                let error = (usual * (1.0 - usual) / members.len() as f64).sqrt();
                if members.len() < MIN_SCENE || counts.resolution_rate >= usual - WEAK * error {
                    continue;
                }
                let bad = members
                    .iter()
                    .map(|at| &rated_answers[*at])
                    .filter(|t| !t.resolved);
                scenes.push(Scene {
                    scene: format!("{kind} {name}"),
                    evidence: bad
                        .take(5)
                        .map(|t| redactor.mask(&t.answer.question).into_owned())
                        .collect(),
                    counts,
                    usual,
                });
            }
        }
        let lost =
            |scene: &Scene| scene.counts.n as f64 * (scene.usual - scene.counts.resolution_rate);
        scenes.sort_by(|a, b| lost(b).total_cmp(&lost(a)));
        Ok(scenes)
    }
}

impl AnswerCounts {
    fn add(&mut self, rated_answers: &RatedAnswer) {
        self.n += 1;
        match rated_answers.answer.outcome {
            Outcome::Answered => self.answered += 1,
            Outcome::Clarify => self.clarified += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Handoff => self.handed_off += 1,
        }
        self.resolved += usize::from(rated_answers.resolved);
        self.resolution_rate = self.resolved as f64 / self.n as f64;
        match rated_answers
            .feedback
            .iter()
            .rev()
            .find_map(Feedback::verdict)
        {
            Some(true) => self.liked += 1,
            Some(false) => self.disliked += 1,
            None => {}
        }
        for rating in rated_answers.feedback.iter().filter_map(|f| f.csat) {
            self.ratings = (self.ratings.0 + u64::from(rating), self.ratings.1 + 1);
            self.csat = Some(self.ratings.0 as f64 / self.ratings.1 as f64);
        }
    }
}

/// The values of [`DocumentUsage::flags`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(
    rename_all = "snake_case",
    description = "Usage figures of a document for editors."
)]
pub enum UsageFlag {
    /// Published and never cited.
    Unused,
    /// Past its review date or validity.
    Stale,
    /// Cited at least five times and disliked more often than liked.
    Disliked,
    /// Excluded from answers.
    Distrusted,
}
