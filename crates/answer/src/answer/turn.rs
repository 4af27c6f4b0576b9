//! A turn: everything around the answer to a message. It handles order within the conversation, idempotency, history,
//! experiments, the answer cache, the deadline and the record.

use std::time::{Duration, Instant};

use tokio::sync::{OwnedMutexGuard, mpsc};
use uuid::Uuid;

use super::assemble::deadline_exceeded;
use super::pipeline::elapsed_ms;
use super::{AnswerError, Answerer, Event, ExplainedAnswer, Question};
use ken_base::domain::{Note, Turn, Utterance, WorkspaceId};

/// The part of a deadline (at most a quarter) reserved for looking up an FAQ by its question if the search takes too
/// long.
const RESERVE: Duration = Duration::from_millis(150);

/// When a turn began, and its deadline.
#[derive(Clone, Copy)]
struct TurnClock {
    start: Instant,
    until: Option<Instant>,
}

impl TurnClock {
    fn start(deadline: Option<Duration>) -> Self {
        let start = Instant::now();
        Self {
            start,
            until: deadline.map(|deadline| start + deadline),
        }
    }

    /// Returns when a reply has to be ready, so that time for a short answer remains.
    fn reply_deadline(self) -> Option<Instant> {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        let reserve = |until| RESERVE.min(left(until) / 4);
        self.until.map(|until| until - reserve(until))
    }
}

/// Awaits a future. Returns `None` if the time limit passes first.
async fn timeout_until<T>(until: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match until {
        None => Some(future.await),
        Some(until) => tokio::time::timeout_at(until.into(), future).await.ok(),
    }
}

impl Answerer {
    /// Answers a message and records the turn. Missing evidence leads to a refusal, which is an answer and not an
    /// error. Turns of one conversation are answered one after another, in order of arrival.
    #[tracing::instrument(name = "answer", skip_all)]
    pub async fn answer(
        &self,
        workspace: &WorkspaceId,
        question: Question,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<ExplainedAnswer, AnswerError> {
        let clock = TurnClock::start(question.deadline);
        let Some(_turn) =
            timeout_until(clock.until, self.wait_for_turn(workspace, &question)).await
        else {
            return self.time_out_turn(workspace, &question, clock).await;
        };
        if let Some(given) = self.recorded_answer(workspace, &question).await? {
            return Ok(given);
        }
        let history = self.history(workspace, &question).await?;
        let reply_deadline = clock.reply_deadline();
        let (served, assignments) = self.assigned(workspace, &question).await?;
        let reply = self.cached_or_new(workspace, &served, &history, reply_deadline, events);
        let mut explained = match timeout_until(reply_deadline, reply).await {
            Some(explained) => explained?,
            None => self.fallback(workspace, &question, clock).await?,
        };
        explained.answer.id = new_id();
        explained.answer.timings_ms.total = elapsed_ms(clock.start);
        let recorded = self.record(workspace, &question, &history, &explained);
        match recorded.await {
            // An unrecorded answer is better than no answer.
            Err(AnswerError::Store(error)) if error.is_unwritable() => {
                tracing::error!(%error, "cannot record answer");
                explained.answer.notes.push(Note::NotRecorded);
                Ok(explained)
            }
            Err(error) => Err(error),
            // Another request with the same key finished first; its answer counts.
            Ok(false) => {
                let given = self.recorded_answer(workspace, &question).await?;
                given.ok_or(AnswerError::KeyReused)
            }
            Ok(true) => {
                let shown = &explained.answer;
                self.expose(workspace, &assignments, shown).await?;
                Ok(explained)
            }
        }
    }

    /// Answers a message as [`Self::answer`] does, and leaves nothing behind: the turn is not recorded, so no figure,
    /// gap, conversation or experiment contains it, and it opens no review. Returns what [`Self::explained`] returns for
    /// a recorded turn. The idempotency key is ignored.
    #[tracing::instrument(name = "dry_run", skip_all)]
    pub async fn dry_run(
        &self,
        workspace: &WorkspaceId,
        question: Question,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<(Turn, serde_json::Value), AnswerError> {
        let clock = TurnClock::start(question.deadline);
        let history = self.history(workspace, &question).await?;
        let reply_deadline = clock.reply_deadline();
        let reply = self.cached_or_new(workspace, &question, &history, reply_deadline, events);
        let mut explained = match timeout_until(reply_deadline, reply).await {
            Some(explained) => explained?,
            None => self.fallback(workspace, &question, clock).await?,
        };
        explained.answer.id = format!("dry_{}", Uuid::now_v7().simple());
        explained.answer.timings_ms.total = elapsed_ms(clock.start);
        self.unrecorded(workspace, &question, &history, explained)
            .await
    }

    /// Waits until the conversation's earlier turns are finished.
    async fn wait_for_turn(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Option<OwnedMutexGuard<()>> {
        match &question.conversation_id {
            None => None,
            Some(conversation) => Some(self.turns.wait(workspace, conversation).await),
        }
    }

    /// Records and returns a refusal, if the previous turn takes too long. Nothing was searched, so nothing can be
    /// answered.
    async fn time_out_turn(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        clock: TurnClock,
    ) -> Result<ExplainedAnswer, AnswerError> {
        let mut explained = deadline_exceeded(question, clock.start);
        explained.answer.id = new_id();
        // The key belongs to the earlier turn, which may be the first attempt of the same request.
        let question = Question {
            idempotency_key: None,
            ..question.clone()
        };
        self.record(workspace, &question, &[], &explained).await?;
        Ok(explained)
    }

    /// Returns the cached answer, or a new one, which is then cached. Answers with a history are never cached.
    async fn cached_or_new(
        &self,
        workspace: &WorkspaceId,
        served: &Question,
        history: &[Utterance],
        until: Option<Instant>,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<ExplainedAnswer, AnswerError> {
        // Read before the search, so that a change during the search invalidates the entry.
        let fingerprint = match history.is_empty() {
            true => self.fingerprint(workspace).await?,
            false => None,
        };
        let Some(fingerprint) = fingerprint else {
            return self
                .reply_until(workspace, served, history, None, until, events)
                .await;
        };
        if let Some(cached) = self.cached(workspace, served, &fingerprint) {
            return Ok(cached);
        }
        let explained = self
            .reply_until(workspace, served, history, None, until, events)
            .await?;
        self.cache_answer(workspace, served, fingerprint, &explained);
        Ok(explained)
    }

    /// Returns a short answer if the search takes too long: an FAQ with the same question, or a refusal for lack of
    /// time.
    async fn fallback(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        clock: TurnClock,
    ) -> Result<ExplainedAnswer, AnswerError> {
        let standard = timeout_until(clock.until, self.identical_faq(workspace, question)).await;
        Ok(match standard.transpose()?.flatten() {
            Some(mut explained) => {
                explained.answer.notes.push(Note::Deadline);
                explained
            }
            None => deadline_exceeded(question, clock.start),
        })
    }
}

fn new_id() -> String {
    format!("ans_{}", Uuid::now_v7().simple())
}
