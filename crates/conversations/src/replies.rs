//! The bot's answers: what a customer wrote in one burst is answered once, from the knowledge half, and sent only while it
//! is the bot's turn.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::intake::new_message_id;
use crate::phrases;
use crate::responder::{hand_off, may_send, may_shadow};
use crate::traffic::{self, DeliveryOutcome};
use crate::writer::{DeskWriter, WriteError, route_of};
use ken_answer::answer::{AnswerError, Answerer, Question};
use ken_base::desk::{
    Author, AuthorKind, Conversation, ConversationId, DeliveryRoute, Direction, Fact, Inbox,
    Message, MessageId, NewEvent, Part, Responder, ResponderReason, SendMode, Seq, text_of,
};
use ken_base::domain::{Answer, Filter, Outcome, Reason, Role, Utterance, WorkspaceId};
use ken_store::store::desk::{DeskTx, NewMessage};
use ken_store::store::{Store, StoreError};

/// How many earlier messages the bot knows.
const RECENT: i64 = 12;
/// How many conversations back it looks for them.
const MAX_CHAIN: usize = 3;
/// Most characters of a question.
const MAX_QUESTION: usize = 2_000;
/// How long the bot tries to make an answer before it hands off.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// How long it waits before it tries again.
const RETRY: SignedDuration = SignedDuration::from_secs(3);

/// Why a reply could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What was recorded could not be forgotten.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// Result of [`Replies::reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyResult {
    /// An answer was sent, or kept in the shadow.
    Replied,
    /// The conversation was handed off.
    HandedOff,
    /// Somebody wrote meanwhile, or took over: nothing was sent.
    Overtaken,
    /// It is tried again later.
    Delayed,
}

/// Makes the bot's answers.
#[derive(Clone)]
pub struct Replies {
    store: Store,
    answerer: Answerer,
    writer: DeskWriter,
}

/// What is to be answered.
struct Turn {
    conversation: Conversation,
    inbox: Arc<Inbox>,
    /// The newest message that is answered.
    up_to: Seq,
    text: String,
    /// The name of the inbox of the conversation that this one continues, before the first answer.
    continues_on: Option<String>,
    history: Vec<Utterance>,
    /// How many of these, the first ones, are of the conversations that this one continues.
    n_inherited: usize,
}

/// What the bot says.
enum Reply {
    Say {
        answer: Box<Answer>,
        prefix: String,
    },
    HandOff {
        language: String,
        reason: ResponderReason,
    },
}

impl Replies {
    /// Joins the parts that replies need.
    pub fn new(store: Store, answerer: Answerer, writer: DeskWriter) -> Self {
        Self {
            store,
            answerer,
            writer,
        }
    }

    /// Answers what waits in a conversation.
    ///
    /// # Errors
    /// [`ReplyError`] if the store fails; it stays due.
    pub async fn reply(
        &self,
        workspace: &WorkspaceId,
        id: &ConversationId,
    ) -> Result<ReplyResult, ReplyError> {
        let Some(turn) = self.turn(workspace, id).await? else {
            return Ok(ReplyResult::Overtaken);
        };
        let made = match turn.text.trim().is_empty() {
            // The bot does not see pictures.
            true => return self.hand_off_unread(workspace, turn).await,
            false => self.answer(workspace, &turn).await,
        };
        let reply = match made {
            Ok(answer) => reply_of(&turn, answer),
            Err(error) => {
                tracing::warn!(%error, conversation = id.as_str(), "cannot answer; trying again");
                let waited = turn
                    .conversation
                    .last_in_at
                    .map(|at| self.store.now().duration_since(at));
                match waited.is_some_and(|waited| waited > PATIENCE) {
                    true => Reply::HandOff {
                        language: ken_text::text::detect(&turn.text).tag().to_owned(),
                        reason: ResponderReason::BotFailed,
                    },
                    false => return self.delay(workspace, &turn).await,
                }
            }
        };
        let is_handoff = matches!(reply, Reply::HandOff { .. });
        Ok(
            match (self.commit(workspace, turn, reply).await?, is_handoff) {
                (false, _) => ReplyResult::Overtaken,
                (true, true) => ReplyResult::HandedOff,
                (true, false) => ReplyResult::Replied,
            },
        )
    }

    /// Hands off what has no words, in the language that the customer wrote last.
    async fn hand_off_unread(
        &self,
        workspace: &WorkspaceId,
        turn: Turn,
    ) -> Result<ReplyResult, ReplyError> {
        let words = turn.history.iter().rev();
        let words = words.map(|one| one.text.as_str()).next();
        let language = match words {
            Some(text) => ken_text::text::detect(text).tag().to_owned(),
            None => turn.inbox.settings.language.clone().unwrap_or_default(),
        };
        let reason = ResponderReason::NotAnswered;
        let reply = Reply::HandOff { language, reason };
        Ok(match self.commit(workspace, turn, reply).await? {
            true => ReplyResult::HandedOff,
            false => ReplyResult::Overtaken,
        })
    }

    /// Stores a reply if it is still wanted. Returns whether it is. What was recorded of a conversation that was erased
    /// meanwhile is forgotten.
    async fn commit(
        &self,
        workspace: &WorkspaceId,
        turn: Turn,
        reply: Reply,
    ) -> Result<bool, ReplyError> {
        let (of, id) = (workspace.clone(), turn.conversation.id.clone());
        let (inbox, asked_at) = (turn.inbox.clone(), turn.conversation.last_in_at);
        let written = self
            .writer
            .write(move |tx| Box::pin(async move { commit(tx, &of, &turn, reply).await }));
        let direction = written.await?;
        if let Some(direction) = direction {
            self.count(&inbox, direction, asked_at);
        }
        let is_wanted = direction.is_some();
        if !is_wanted {
            let now = self.store.conversation(workspace, &id).await?;
            if now.is_none_or(|now| now.responder == Responder::None) {
                self.answerer.forget(workspace, id.as_str()).await?;
            }
        }
        Ok(is_wanted)
    }

    /// Counts a reply. One that is read from the API is accepted at once.
    fn count(&self, inbox: &Inbox, direction: Direction, asked_at: Option<Timestamp>) {
        traffic::message(inbox.channel, direction);
        if direction == Direction::Out && route_of(inbox) == DeliveryRoute::Pull {
            traffic::delivery(Some(inbox.channel), DeliveryOutcome::Accepted);
            if let Some(asked_at) = asked_at {
                traffic::reply_time(inbox.channel, self.store.now().duration_since(asked_at));
            }
        }
    }

    /// Ends that an answer is due, unless the conversation has changed since it was read.
    async fn drop_reply(
        &self,
        workspace: &WorkspaceId,
        read: &Conversation,
    ) -> Result<(), WriteError> {
        let (workspace, read) = (workspace.clone(), read.clone());
        let dropped = event(&read, Fact::ReplyDropped, self.store.now());
        let written = self.writer.write(move |tx| {
            Box::pin(async move {
                let now = tx.conversation(&workspace, &read.id).await?;
                if now.is_some_and(|now| now.seq == read.seq) {
                    tx.append(&workspace, dropped).await?;
                }
                Ok(())
            })
        });
        written.await
    }

    /// What waits in a conversation; `None` if nothing does.
    async fn turn(
        &self,
        workspace: &WorkspaceId,
        id: &ConversationId,
    ) -> Result<Option<Turn>, ReplyError> {
        let store = &self.store;
        let Some(conversation) = store.conversation(workspace, id).await? else {
            return Ok(None);
        };
        let up_to = conversation.last_in_seq;
        if conversation.reply_due_at.is_none() {
            return Ok(None);
        }
        let inbox = store.inbox(workspace, &conversation.inbox_id).await?;
        let inbox = inbox.map(|(inbox, _)| inbox);
        let Some(inbox) = inbox.filter(|inbox| is_turn(&conversation, inbox, up_to)) else {
            // The inbox is disconnected, or its mode has changed since.
            self.drop_reply(workspace, &conversation).await?;
            return Ok(None);
        };
        let messages = store
            .newest_messages(workspace, id, up_to, 2 * RECENT)
            .await?;
        // Also one that was delivered so late that many newer ones are known.
        let waiting = store
            .waiting_messages(workspace, id, conversation.answered_seq, up_to, RECENT)
            .await?;
        let is_waiting = |message: &Message| {
            message.direction == Direction::In && message.seq > conversation.answered_seq
        };
        let earlier: Vec<Message> = messages
            .into_iter()
            .filter(|message| !is_waiting(message))
            .collect();
        let texts: Vec<String> = waiting
            .iter()
            .map(|message| text_of(&message.parts))
            .collect();
        let text = last_characters(&texts.join("\n"), MAX_QUESTION);
        let mut history: Vec<Utterance> = earlier.iter().filter_map(utterance).collect();
        let mut continues_on = None;
        let mut n_inherited = 0;
        if (history.len() as i64) < RECENT {
            let (inherited, inbox_name) = self.inherited(workspace, &conversation).await?;
            let is_first = conversation.answered_seq == 0 && history.is_empty();
            continues_on = inbox_name.filter(|_| is_first);
            n_inherited = inherited.len();
            history.splice(0..0, inherited);
        }
        let n_dropped = history.len().saturating_sub(RECENT as usize);
        history.drain(..n_dropped);
        n_inherited = n_inherited.saturating_sub(n_dropped);
        Ok(Some(Turn {
            conversation,
            inbox: Arc::new(inbox),
            up_to,
            text,
            continues_on,
            history,
            n_inherited,
        }))
    }

    /// Messages of the conversations that this one continues, as long as they are of the same customer; and the name of
    /// the inbox, if it is another one.
    async fn inherited(
        &self,
        workspace: &WorkspaceId,
        conversation: &Conversation,
    ) -> Result<(Vec<Utterance>, Option<String>), StoreError> {
        let store = &self.store;
        let mut before = conversation.continues_id.clone();
        if before.is_none() {
            return Ok((Vec::new(), None));
        }
        let customer = store.customer(workspace, &conversation.identity_id).await?;
        let mut history: Vec<Utterance> = Vec::new();
        let mut name = None;
        for _ in 0..MAX_CHAIN {
            let Some(id) = before else { break };
            let Some(earlier) = store.conversation(workspace, &id).await? else {
                break;
            };
            // A customer who was split since inherits nothing.
            if !customer
                .iter()
                .any(|identity| identity.id == earlier.identity_id)
            {
                break;
            }
            let messages = store
                .newest_messages(workspace, &id, Seq::MAX, RECENT)
                .await?;
            let earlier_words: Vec<Utterance> = messages.iter().filter_map(utterance).collect();
            if name.is_none()
                && earlier.inbox_id != conversation.inbox_id
                && !earlier_words.is_empty()
            {
                let inbox = store.inbox(workspace, &earlier.inbox_id).await?;
                name = inbox.map(|(inbox, _)| inbox.name);
            }
            history.splice(0..0, earlier_words);
            before = earlier.continues_id;
        }
        Ok((history, name))
    }

    async fn answer(&self, workspace: &WorkspaceId, turn: &Turn) -> Result<Answer, AnswerError> {
        let settings = &turn.inbox.settings;
        let channel = settings.channel.as_deref();
        let channel = channel.unwrap_or(turn.inbox.channel.as_str()).to_owned();
        let question = Question {
            filter: Filter {
                channel: Some(channel),
                audience: settings.audience.clone(),
                ..Filter::default()
            },
            conversation_id: Some(turn.conversation.id.to_string()),
            customer_id: Some(turn.conversation.identity_id.to_string()),
            history: turn.history.clone(),
            n_unrecorded: turn.n_inherited,
            // One answer a turn, also if the process dies before it is sent.
            idempotency_key: Some(format!("{}:{}", turn.conversation.id, turn.up_to)),
            level: Some(settings.auto_send_level),
            ..Question::parse(&turn.text)?
        };
        Ok(self
            .answerer
            .answer(workspace, question, None)
            .await?
            .answer)
    }

    async fn delay(&self, workspace: &WorkspaceId, turn: &Turn) -> Result<ReplyResult, ReplyError> {
        let until = self.store.now().saturating_add(RETRY);
        let until = until.unwrap_or(Timestamp::MAX);
        let event = event(
            &turn.conversation,
            Fact::ReplyDelayed { until },
            self.store.now(),
        );
        let (workspace, inbox) = (workspace.clone(), turn.inbox.clone());
        let (id, up_to) = (turn.conversation.id.clone(), turn.up_to);
        let written = self.writer.write(move |tx| {
            Box::pin(async move {
                // Somebody may have taken over, or written, meanwhile.
                let now = tx.conversation(&workspace, &id).await?;
                if now.is_some_and(|now| is_turn(&now, &inbox, up_to)) {
                    tx.append(&workspace, event).await?;
                }
                Ok(())
            })
        });
        written.await?;
        Ok(ReplyResult::Delayed)
    }
}

/// Whether an answer to what was written up to an event is still wanted.
fn is_turn(conversation: &Conversation, inbox: &Inbox, up_to: Seq) -> bool {
    match inbox.settings.mode {
        SendMode::Live => may_send(conversation, up_to),
        SendMode::Shadow => may_shadow(conversation, up_to),
    }
}

fn utterance(message: &Message) -> Option<Utterance> {
    let role = match (message.direction, message.author.kind) {
        (Direction::In, _) => Role::User,
        (Direction::Out, AuthorKind::Bot | AuthorKind::Agent) => Role::Agent,
        _ => return None,
    };
    let text = last_characters(&text_of(&message.parts), MAX_QUESTION);
    (!text.trim().is_empty()).then_some(Utterance { role, text })
}

fn last_characters(text: &str, most: usize) -> String {
    let skipped = text.chars().count().saturating_sub(most);
    text.chars().skip(skipped).collect()
}

/// What the bot says with an answer: a refusal is a handoff to people.
fn reply_of(turn: &Turn, answer: Answer) -> Reply {
    let language = answer.language.clone();
    let reason = match (answer.outcome, answer.reason) {
        (Outcome::Answered | Outcome::Clarify, _) => None,
        (_, Some(Reason::AskedForPerson)) => Some(ResponderReason::CustomerAsked),
        (Outcome::Refused | Outcome::Handoff, _) => Some(ResponderReason::NotAnswered),
    };
    match reason {
        Some(reason) => Reply::HandOff { language, reason },
        None => {
            let prefix = turn.continues_on.as_deref();
            let prefix = prefix.map(|inbox| phrases::continued(&language, inbox) + "\n");
            Reply::Say {
                answer: Box::new(answer),
                prefix: prefix.unwrap_or_default(),
            }
        }
    }
}

fn event(of: &Conversation, fact: Fact, at: Timestamp) -> NewEvent {
    NewEvent {
        fact,
        at,
        source: "ken".to_owned(),
        source_id: None,
        identity_id: Some(of.identity_id.clone()),
        conversation_id: Some(of.id.clone()),
        actor: "bot".to_owned(),
        cause: Some(of.last_in_seq),
    }
}

/// Stores a reply if it is still wanted. Returns whether it is sent or kept in the shadow; `None` if it is not wanted.
async fn commit(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    turn: &Turn,
    reply: Reply,
) -> Result<Option<Direction>, StoreError> {
    let (inbox, now) = (&*turn.inbox, tx.now());
    let Some(conversation) = tx.conversation(workspace, &turn.conversation.id).await? else {
        return Ok(None);
    };
    if !is_turn(&conversation, inbox, turn.up_to) {
        return Ok(None);
    }
    let is_live = inbox.settings.mode == SendMode::Live && conversation.responder == Responder::Bot;
    let (text, kind, answer_id, facts) = match reply {
        Reply::Say { answer, prefix } => (
            format!("{prefix}{}", answer.text),
            AuthorKind::Bot,
            Some(answer.id),
            Vec::new(),
        ),
        Reply::HandOff { language, reason } => (
            phrases::handoff(&language),
            AuthorKind::System,
            None,
            hand_off(&conversation, reason),
        ),
    };
    let direction = match is_live {
        true => Direction::Out,
        false => Direction::Shadow,
    };
    let id: MessageId = new_message_id();
    let author = Author {
        kind,
        id: String::new(),
    };
    let added = Fact::MessageAdded {
        message_id: id.clone(),
        direction,
        author: author.clone(),
        answers_seq: turn.up_to,
        route: is_live.then(|| route_of(inbox)),
        not_after: conversation.window_until,
    };
    let seq = tx
        .append(workspace, event(&conversation, added, now))
        .await?;
    let parts = [Part::Text { text }];
    let message = NewMessage {
        id: &id,
        conversation_id: &conversation.id,
        seq: seq.unwrap_or_default(),
        inbox_id: &inbox.id,
        direction,
        author: &author,
        parts: &parts,
        provider_message_id: None,
        at: now,
        answer_id: answer_id.as_deref(),
    };
    tx.add_message(workspace, message).await?;
    for fact in facts.into_iter().filter(|_| is_live) {
        tx.append(workspace, event(&conversation, fact, now))
            .await?;
    }
    Ok(Some(direction))
}
