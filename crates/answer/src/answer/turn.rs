//! A turn: what stands around the answer to a message, in the order in which it is asked. Whose turn it is, whether it was
//! answered before, what was said, which arms of experiments the customer is in, whether the answer is kept, what is said
//! where time runs out, and the record.

use std::time::{Duration, Instant};

use tokio::sync::{OwnedMutexGuard, mpsc};
use uuid::Uuid;

use super::assemble::out_of_time;
use super::pipeline::elapsed_ms;
use super::{AnswerError, Answerer, Event, Explained, Question};
use ken_base::domain::{Note, Utterance, WorkspaceId};

/// What is kept of a deadline, a quarter of it at most, for looking up an FAQ by its question where the search takes too
/// long.
const RESERVE: Duration = Duration::from_millis(150);

/// When a turn began, and when it has to be over.
#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    until: Option<Instant>,
}

impl Clock {
    fn start(deadline: Option<Duration>) -> Self {
        let start = Instant::now();
        Self {
            start,
            until: deadline.map(|deadline| start + deadline),
        }
    }

    /// By when a reply has to be there, so that something else can still be said.
    fn reply_by(self) -> Option<Instant> {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        let reserve = |until| RESERVE.min(left(until) / 4);
        self.until.map(|until| until - reserve(until))
    }
}

/// What comes of a future, or `None` where it is not there in time.
async fn by<T>(until: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match until {
        None => Some(future.await),
        Some(until) => tokio::time::timeout_at(until.into(), future).await.ok(),
    }
}

impl Answerer {
    /// Answers and records the turn. Finding no evidence is an answer (a refusal), not an error. Turns of one
    /// conversation are answered one after another, in the order in which they came.
    #[tracing::instrument(name = "answer", skip_all)]
    pub async fn answer(
        &self,
        workspace: &WorkspaceId,
        question: Question,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<Explained, AnswerError> {
        let clock = Clock::start(question.deadline);
        let Some(_turn) = by(clock.until, self.in_order(workspace, &question)).await else {
            return self.out_of_turn(workspace, &question, clock).await;
        };
        if let Some(given) = self.given_before(workspace, &question).await? {
            return Ok(given);
        }
        let history = self.history(workspace, &question).await?;
        let reply_by = clock.reply_by();
        let (served, taken_part) = self.assigned(workspace, &question).await?;
        let reply = self.kept_or_new(workspace, &served, &history, reply_by, events);
        let mut explained = match by(reply_by, reply).await {
            Some(explained) => explained?,
            None => self.in_short(workspace, &question, clock).await?,
        };
        explained.answer.id = new_id();
        explained.answer.timings_ms.total = elapsed_ms(clock.start);
        let recorded = self.record(workspace, &question, &history, &explained);
        match recorded.await {
            // Better said and not recorded than not said.
            Err(AnswerError::Store(error)) if error.is_unwritable() => {
                tracing::error!(%error, "cannot record answer");
                explained.answer.notes.push(Note::NotRecorded);
                Ok(explained)
            }
            Err(error) => Err(error),
            // Another request with the same key was quicker: its answer is the answer.
            Ok(false) => {
                let given = self.given_before(workspace, &question).await?;
                given.ok_or(AnswerError::KeyReused)
            }
            Ok(true) => {
                let shown = &explained.answer;
                self.expose(workspace, &taken_part, shown).await?;
                Ok(explained)
            }
        }
    }

    /// Waits until a conversation's earlier turns are over.
    async fn in_order(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
    ) -> Option<OwnedMutexGuard<()>> {
        match &question.conversation_id {
            None => None,
            Some(conversation) => Some(self.turns.wait(workspace, conversation).await),
        }
    }

    /// A refusal behind a turn that takes too long, recorded: nothing was read, so nothing can be said.
    async fn out_of_turn(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        clock: Clock,
    ) -> Result<Explained, AnswerError> {
        let mut explained = out_of_time(question, clock.start);
        explained.answer.id = new_id();
        // The key stays with the turn it waited for, which may be the same request's first try.
        let question = Question {
            idempotency_key: None,
            ..question.clone()
        };
        self.record(workspace, &question, &[], &explained).await?;
        Ok(explained)
    }

    /// The answer that is kept, or a new one, which is kept. Those in a conversation are always new.
    async fn kept_or_new(
        &self,
        workspace: &WorkspaceId,
        served: &Question,
        history: &[Utterance],
        until: Option<Instant>,
        events: Option<&mpsc::UnboundedSender<Event>>,
    ) -> Result<Explained, AnswerError> {
        // Read before the search, so that what changes meanwhile is noticed the next time.
        let basis = match history.is_empty() {
            true => self.basis(workspace).await?,
            false => None,
        };
        let Some(basis) = basis else {
            return self
                .reply_until(workspace, served, history, None, until, events)
                .await;
        };
        if let Some(kept) = self.kept(workspace, served, &basis) {
            return Ok(kept);
        }
        let explained = self
            .reply_until(workspace, served, history, None, until, events)
            .await?;
        self.keep(workspace, served, basis, &explained);
        Ok(explained)
    }

    /// What can be said where the search took too long: an FAQ that asks the same, or that there was no time.
    async fn in_short(
        &self,
        workspace: &WorkspaceId,
        question: &Question,
        clock: Clock,
    ) -> Result<Explained, AnswerError> {
        let standard = by(clock.until, self.by_words(workspace, question)).await;
        Ok(match standard.transpose()?.flatten() {
            Some(mut explained) => {
                explained.answer.notes.push(Note::Deadline);
                explained
            }
            None => out_of_time(question, clock.start),
        })
    }
}

fn new_id() -> String {
    format!("ans_{}", Uuid::now_v7().simple())
}
