//! Who answers: pure rules that say which events follow from what happens in a conversation. A conversation has one
//! responder; a person who writes takes over at once; the bot returns by rule only.

use jiff::{SignedDuration, Timestamp};

use crate::phrases::asks_for_bot;
use ken_base::desk::{
    Conversation, ConversationStatus, Fact, InboxSettings, Part, Responder, ResponderReason,
    SendMode, text_of,
};

/// Who answers in a new conversation.
pub fn first_responder(settings: &InboxSettings) -> Responder {
    match settings.mode {
        SendMode::Live => Responder::Bot,
        SendMode::Shadow => Responder::Human,
    }
}

fn hours(n: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(n))
}

fn to_bot(reason: ResponderReason) -> Fact {
    Fact::ResponderChanged {
        to: Responder::Bot,
        reason,
    }
}

fn to_people(reason: ResponderReason) -> Fact {
    Fact::ResponderChanged {
        to: Responder::Human,
        reason,
    }
}

fn status(to: ConversationStatus) -> Fact {
    Fact::StatusChanged { to, until: None }
}

/// Whether a message belongs to a conversation rather than to a new one. A resolved conversation takes thanks and goodbyes
/// only.
pub fn takes_message(
    conversation: &Conversation,
    settings: &InboxSettings,
    is_courtesy: bool,
    now: Timestamp,
) -> bool {
    let last = [
        conversation.last_in_at,
        conversation.last_out_at,
        conversation.resolved_at,
        Some(conversation.opened_at),
    ];
    let last = last.into_iter().flatten().max().unwrap_or(now);
    let is_over = now.duration_since(last) > hours(settings.reopen_hours);
    let is_resolved = conversation.status == ConversationStatus::Resolved;
    conversation.responder != Responder::None && !is_over && (!is_resolved || is_courtesy)
}

/// The events before a customer's message is added to a conversation that takes it.
pub fn before_message(
    conversation: &Conversation,
    settings: &InboxSettings,
    text: &str,
    now: Timestamp,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    if matches!(
        conversation.status,
        ConversationStatus::Pending | ConversationStatus::Snoozed
    ) {
        facts.push(status(ConversationStatus::Open));
    }
    // The inbox went into the shadow since.
    if conversation.responder == Responder::Bot && settings.mode == SendMode::Shadow {
        facts.push(to_people(ResponderReason::NotAnswered));
    }
    let is_for_people = conversation.responder == Responder::Human;
    if is_for_people && settings.mode == SendMode::Live {
        let spoke = conversation.last_agent_at.or(conversation.last_out_at);
        let since = spoke.unwrap_or(conversation.opened_at);
        let patience = settings.return_to_bot_hours.map(hours);
        let is_idle = patience.is_some_and(|patience| now.duration_since(since) > patience);
        let reason = match conversation.status {
            ConversationStatus::Resolved => Some(ResponderReason::Resolved),
            _ if asks_for_bot(text) => Some(ResponderReason::CustomerReturned),
            _ if is_idle => Some(ResponderReason::Idle),
            _ => None,
        };
        if let Some(reason) = reason {
            facts.extend(released(conversation));
            facts.push(to_bot(reason));
        }
    }
    facts
}

fn released(conversation: &Conversation) -> Option<Fact> {
    conversation
        .assignee
        .is_some()
        .then_some(Fact::Assigned { to: None })
}

/// How long the bot waits for words about a picture that comes without any. Own choice: as long as a sentence takes to type.
const WORDS: SignedDuration = SignedDuration::from_secs(20);

/// When the bot answers a customer's message; `None` if it need not. In the shadow it answers beside the people. A message
/// without words is handed off if none follow, and delays nothing that is due.
pub fn reply_due(
    conversation: &Conversation,
    settings: &InboxSettings,
    parts: &[Part],
    now: Timestamp,
) -> Option<Timestamp> {
    let answers = match settings.mode {
        SendMode::Live => conversation.responder == Responder::Bot,
        SendMode::Shadow => conversation.responder == Responder::Human,
    };
    let burst = SignedDuration::from_millis(i64::from(settings.burst_ms));
    let has_words = !text_of(parts).trim().is_empty();
    let is_words = |part: &Part| matches!(part, Part::Text { .. } | Part::Subject { .. });
    let is_silence = parts.iter().all(is_words);
    let after = |wait| now.saturating_add(wait).unwrap_or(now);
    match (answers, has_words, is_silence) {
        (false, ..) | (_, false, true) => None,
        (_, true, _) => Some(after(burst)),
        (_, false, false) => Some(
            conversation
                .reply_due_at
                .unwrap_or_else(|| after(burst.max(WORDS))),
        ),
    }
}

/// The events before an agent's message to the customer is added.
pub fn before_agent_message(conversation: &Conversation, agent: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    if conversation.status != ConversationStatus::Open {
        facts.push(status(ConversationStatus::Open));
    }
    if conversation.responder != Responder::Human {
        facts.push(to_people(ResponderReason::AgentSpoke));
    }
    // Who wrote on the channel's own app is unknown here.
    if conversation.assignee.is_none() && !agent.is_empty() {
        facts.push(Fact::Assigned {
            to: Some(agent.to_owned()),
        });
    }
    facts
}

/// The events of an agent who takes a conversation over without a word.
pub fn take_over(conversation: &Conversation, agent: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    if conversation.status != ConversationStatus::Open {
        facts.push(status(ConversationStatus::Open));
    }
    if conversation.responder != Responder::Human {
        facts.push(to_people(ResponderReason::TakenOver));
    }
    if conversation.assignee.as_deref() != Some(agent) {
        facts.push(Fact::Assigned {
            to: Some(agent.to_owned()),
        });
    }
    facts
}

/// The events of an agent who gives a conversation back to the bot. In the shadow the bot does not answer.
pub fn give_back(conversation: &Conversation, settings: &InboxSettings) -> Vec<Fact> {
    if settings.mode == SendMode::Shadow || conversation.responder == Responder::Bot {
        return released(conversation).into_iter().collect();
    }
    let mut facts: Vec<Fact> = released(conversation).into_iter().collect();
    facts.push(to_bot(ResponderReason::Returned));
    facts
}

/// The events of the bot's handoff to people. Its text to the customer comes before them.
pub fn hand_off(conversation: &Conversation, reason: ResponderReason) -> Vec<Fact> {
    match conversation.responder {
        Responder::Bot => vec![to_people(reason)],
        Responder::Human | Responder::None => Vec::new(),
    }
}

/// The events of another status; none if it is the status already.
pub fn set_status(
    conversation: &Conversation,
    to: ConversationStatus,
    until: Option<Timestamp>,
) -> Vec<Fact> {
    match conversation.status == to && conversation.snoozed_until == until {
        true => Vec::new(),
        false => vec![Fact::StatusChanged { to, until }],
    }
}

/// Whether the bot may still send an answer to what was written up to an event: it is the bot's turn, nothing was written
/// since, and nothing has answered it.
pub fn may_send(conversation: &Conversation, answers_seq: i64) -> bool {
    conversation.responder == Responder::Bot && may_shadow(conversation, answers_seq)
}

/// Whether an answer in the shadow is still of use.
pub fn may_shadow(conversation: &Conversation, answers_seq: i64) -> bool {
    conversation.responder != Responder::None
        && conversation.last_in_seq == answers_seq
        && conversation.answered_seq < answers_seq
}

#[cfg(test)]
mod tests {
    use ken_base::desk::{
        Author, AuthorKind, ConversationId, DeskEvent, Direction, IdentityId, InboxId, MessageId,
        NewEvent, Seq,
    };

    use super::*;

    /// What may happen, in any order. An answer of the bot begins before it ends.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Op {
        Customer,
        Picture,
        BotBegins,
        BotAnswers,
        BotHandsOff,
        AgentWrites,
        TakesOver,
        GivesBack,
        Resolves,
        Reopens,
    }

    const OPS: [Op; 9] = [
        Op::Customer,
        Op::BotBegins,
        Op::BotAnswers,
        Op::BotHandsOff,
        Op::AgentWrites,
        Op::TakesOver,
        Op::GivesBack,
        Op::Resolves,
        Op::Reopens,
    ];

    fn words() -> Part {
        Part::Text {
            text: "問題".into(),
        }
    }

    fn picture() -> Part {
        Part::Attachment {
            sha256: "0".repeat(64),
            name: "a.png".into(),
            content_type: "image/png".into(),
            n_bytes: 1,
        }
    }

    /// A conversation in memory with its log.
    #[derive(Clone)]
    struct Model {
        settings: InboxSettings,
        conversation: Conversation,
        begun: Option<Seq>,
        log: Vec<Fact>,
        seq: Seq,
    }

    impl Model {
        fn new(settings: InboxSettings) -> Self {
            let opened = Fact::ConversationOpened {
                inbox_id: InboxId::parse("web").unwrap(),
                responder: first_responder(&settings),
                continues_id: None,
            };
            let event = Self::event(1, opened.clone());
            Self {
                settings,
                conversation: Conversation::opened_by(&event).unwrap(),
                begun: None,
                log: vec![opened],
                seq: 1,
            }
        }

        fn event(seq: Seq, fact: Fact) -> DeskEvent {
            DeskEvent {
                seq,
                received_at: Timestamp::UNIX_EPOCH,
                event: NewEvent {
                    fact,
                    at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seq),
                    source: "test".into(),
                    source_id: None,
                    identity_id: Some(IdentityId::parse("idn_1").unwrap()),
                    conversation_id: Some(ConversationId::parse("cnv_1").unwrap()),
                    actor: "test".into(),
                    cause: None,
                },
            }
        }

        fn append(&mut self, fact: Fact) {
            self.seq += 1;
            self.conversation
                .apply(&Self::event(self.seq, fact.clone()));
            self.log.push(fact);
        }

        fn added(author: AuthorKind, answers_seq: Seq) -> Fact {
            Fact::MessageAdded {
                message_id: MessageId::parse("msg_1").unwrap(),
                direction: Direction::Out,
                author: Author {
                    kind: author,
                    id: String::new(),
                },
                answers_seq,
                route: None,
                not_after: None,
            }
        }

        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.seq)
        }

        fn run(&mut self, op: Op) {
            let (now, before) = (self.now(), self.conversation.clone());
            match op {
                Op::Customer | Op::Picture => {
                    if !takes_message(&before, &self.settings, true, now) {
                        return;
                    }
                    let parts = [match op {
                        Op::Picture => picture(),
                        _ => words(),
                    }];
                    for fact in before_message(&before, &self.settings, "問題", now) {
                        self.append(fact);
                    }
                    let due = reply_due(&self.conversation, &self.settings, &parts, now);
                    self.append(Fact::MessageReceived {
                        message_id: MessageId::parse("msg_1").unwrap(),
                        reply_due_at: due,
                        window_until: None,
                    });
                }
                Op::BotBegins => {
                    if before.reply_due_at.is_some() {
                        self.begun = Some(before.last_in_seq);
                    }
                }
                Op::BotAnswers | Op::BotHandsOff => {
                    let Some(up_to) = self.begun.take() else {
                        return;
                    };
                    if !may_send(&before, up_to) {
                        return;
                    }
                    let is_answer = op == Op::BotAnswers;
                    let author = if is_answer {
                        AuthorKind::Bot
                    } else {
                        AuthorKind::System
                    };
                    self.append(Self::added(author, up_to));
                    if !is_answer {
                        for fact in hand_off(&before, ResponderReason::NotAnswered) {
                            self.append(fact);
                        }
                    }
                }
                Op::AgentWrites => {
                    for fact in before_agent_message(&before, "key_1") {
                        self.append(fact);
                    }
                    self.append(Self::added(AuthorKind::Agent, before.last_in_seq));
                }
                Op::TakesOver => {
                    for fact in take_over(&before, "key_1") {
                        self.append(fact);
                    }
                }
                Op::GivesBack => {
                    for fact in give_back(&before, &self.settings) {
                        self.append(fact);
                    }
                }
                Op::Resolves => {
                    for fact in set_status(&before, ConversationStatus::Resolved, None) {
                        self.append(fact);
                    }
                }
                Op::Reopens => {
                    for fact in set_status(&before, ConversationStatus::Open, None) {
                        self.append(fact);
                    }
                }
            }
        }

        /// The rules, read from the log alone.
        fn check(&self, ops: &[Op]) {
            let (mut responder, mut answered) = (Responder::None, Vec::new());
            for (place, fact) in self.log.iter().enumerate() {
                match fact {
                    Fact::ConversationOpened {
                        responder: first, ..
                    } => responder = *first,
                    Fact::ResponderChanged { to, reason } => {
                        assert_ne!(responder, *to, "a change changes something: {ops:?}");
                        let spoke = matches!(
                            &self.log[place - 1],
                            Fact::MessageAdded { author, .. } if author.kind == AuthorKind::System
                        );
                        if *reason == ResponderReason::NotAnswered {
                            assert!(spoke, "a handoff says something: {ops:?}");
                        }
                        responder = *to;
                    }
                    Fact::MessageAdded {
                        author,
                        answers_seq,
                        ..
                    } => match author.kind {
                        AuthorKind::Bot | AuthorKind::System => {
                            assert_eq!(responder, Responder::Bot, "nobody else's turn: {ops:?}");
                            assert!(
                                !answered.contains(answers_seq),
                                "one answer a turn: {ops:?}"
                            );
                            answered.push(*answers_seq);
                        }
                        _ => assert_eq!(responder, Responder::Human, "a person took over: {ops:?}"),
                    },
                    _ => {}
                }
            }
            let waits = self.conversation.answered_seq < self.conversation.last_in_seq;
            let is_bots = self.conversation.responder == Responder::Bot;
            let is_resolved = self.conversation.status == ConversationStatus::Resolved;
            if self.settings.mode == SendMode::Live && waits && is_bots && !is_resolved {
                assert!(
                    self.conversation.reply_due_at.is_some(),
                    "forgotten: {ops:?}"
                );
            }
        }
    }

    fn all_orders(model: &Model, of: &[Op], ops: &mut Vec<Op>, most: usize) {
        model.check(ops);
        if ops.len() == most {
            return;
        }
        for op in of {
            let mut next = model.clone();
            next.run(*op);
            ops.push(*op);
            all_orders(&next, of, ops, most);
            ops.pop();
        }
    }

    /// All orders of six of nine things that may happen: 531,441 of the longest.
    #[test]
    fn one_responder_in_every_order_of_events() {
        let live = InboxSettings {
            mode: SendMode::Live,
            ..InboxSettings::default()
        };
        all_orders(&Model::new(live.clone()), &OPS, &mut Vec::new(), 6);
        let shadow = Model::new(InboxSettings::default());
        all_orders(&shadow, &OPS, &mut Vec::new(), 4);
        let with_pictures = [OPS.as_slice(), &[Op::Picture]].concat();
        all_orders(&Model::new(live), &with_pictures, &mut Vec::new(), 5);
    }

    #[test]
    fn picture_waits_for_words_and_delays_none() {
        let live = InboxSettings {
            mode: SendMode::Live,
            burst_ms: 1_000,
            ..InboxSettings::default()
        };
        let mut model = Model::new(live.clone());
        let now = model.now();
        let due = |model: &Model, part| {
            let due = reply_due(&model.conversation, &live, &[part], now);
            due.map(|due| due.duration_since(now).as_secs())
        };
        assert_eq!(due(&model, picture()), Some(20));
        assert_eq!(due(&model, words()), Some(1));
        let silence = Part::Text { text: " ".into() };
        assert_eq!(due(&model, silence), None);
        model.run(Op::Customer);
        let waits = model.conversation.reply_due_at;
        let with_picture = reply_due(&model.conversation, &live, &[picture()], now);
        assert_eq!(with_picture, waits, "the question is not delayed");
    }

    #[test]
    fn bot_returns_by_rule_only() {
        let live = InboxSettings {
            mode: SendMode::Live,
            return_to_bot_hours: Some(2),
            ..InboxSettings::default()
        };
        let mut model = Model::new(live.clone());
        model.run(Op::Customer);
        model.run(Op::AgentWrites);
        let hours = |n| model.now() + SignedDuration::from_hours(n);
        for (text, now, expected) in [
            ("還在嗎", hours(1), None),
            ("還在嗎", hours(3), Some(ResponderReason::Idle)),
            ("機器人", hours(1), Some(ResponderReason::CustomerReturned)),
            ("我的掃地機器人壞了", hours(1), None),
        ] {
            let facts = before_message(&model.conversation, &live, text, now);
            let found = facts.iter().find_map(|fact| match fact {
                Fact::ResponderChanged { to, reason } => Some((*to, *reason)),
                _ => None,
            });
            assert_eq!(
                found,
                expected.map(|reason| (Responder::Bot, reason)),
                "{text}"
            );
        }
    }

    #[test]
    fn conversation_is_over_by_time_or_by_topic() {
        let settings = InboxSettings {
            reopen_hours: 10,
            ..InboxSettings::default()
        };
        let mut model = Model::new(settings.clone());
        model.run(Op::Customer);
        let after = |n| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(n);
        assert!(takes_message(
            &model.conversation,
            &settings,
            false,
            after(9)
        ));
        assert!(!takes_message(
            &model.conversation,
            &settings,
            false,
            after(11)
        ));
        model.run(Op::Resolves);
        assert!(!takes_message(
            &model.conversation,
            &settings,
            false,
            after(1)
        ));
        assert!(takes_message(
            &model.conversation,
            &settings,
            true,
            after(1)
        ));
    }
}
