//! Conversations on the desk, with the real store and the real answers: messages are received once, the bot answers or hands
//! off, people take over, and what is derived equals the log.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ken::app::default_workspace;
use ken_base::desk::{
    AuthorKind, ChannelKind, Conversation, ConversationStatus, DeliveryState, Direction,
    IdentityKey, IdentityKind, Inbox, InboxId, InboxSettings, Message, Part, Responder, SendMode,
    VerifiedBy, text_of,
};
use ken_conversations::actions::{Acted, Action, Refusal};
use ken_conversations::intake::{Inbound, InboundKind, Received, Revision};
use ken_customers::identify::Sender;
use ken_store::store::desk::ConversationFilter;

use crate::cases::wait_until;
use crate::support::TestApp;

const QUESTION: &str = "DoorMate K1 可以裝在玻璃門嗎？";

fn inbox(id: &str, mode: SendMode) -> Arc<Inbox> {
    Arc::new(Inbox {
        id: InboxId::parse(id).unwrap(),
        channel: ChannelKind::Web,
        name: id.to_uppercase(),
        settings: InboxSettings {
            mode,
            burst_ms: 0,
            auto_send_level: ken_base::domain::Level::Balanced,
            ..InboxSettings::default()
        },
        secrets: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
    })
}

fn sender(inbox: &Inbox, user: &str) -> Sender {
    Sender {
        key: IdentityKey {
            inbox: Some(inbox.id.clone()),
            kind: IdentityKind::ChannelUser,
            value: user.to_owned(),
        },
        verified_by: Some(VerifiedBy::Provider),
        display_name: String::new(),
        proofs: Vec::new(),
        claims: Vec::new(),
    }
}

fn text(text: &str) -> Vec<Part> {
    vec![Part::Text {
        text: text.to_owned(),
    }]
}

async fn connect(app: &TestApp, id: &str, mode: SendMode) -> Arc<Inbox> {
    let inbox = inbox(id, mode);
    let workspace = default_workspace();
    let put = app.app.store.put_inbox(&workspace, &inbox, None);
    assert!(put.await.unwrap());
    inbox
}

pub fn said(inbox: &Arc<Inbox>, id: &str, user: &str, words: &str) -> Inbound {
    Inbound {
        workspace: default_workspace(),
        inbox: inbox.clone(),
        provider_id: id.to_owned(),
        at: Timestamp::now(),
        what: InboundKind::Message {
            sender: sender(inbox, user),
            parts: text(words),
            revision: Revision::default(),
            needs_person: false,
        },
    }
}

/// The only conversation of an inbox, with its messages.
async fn conversation(app: &TestApp, inbox: &Inbox) -> (Conversation, Vec<Message>) {
    let filter = ConversationFilter {
        inbox: Some(inbox.id.clone()),
        ..ConversationFilter::default()
    };
    let (store, workspace) = (&app.app.store, default_workspace());
    let mut found = store
        .conversations(&workspace, &filter, None, 10)
        .await
        .unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found.remove(0);
    let messages = store
        .messages(&workspace, &found.id, None, 100)
        .await
        .unwrap();
    (found, messages)
}

/// Waits until what the customer wrote is answered, and returns the conversation.
async fn answered(app: &TestApp, inbox: &Inbox) -> (Conversation, Vec<Message>) {
    wait_until(async || {
        let (found, _) = conversation(app, inbox).await;
        found.answered_seq >= found.last_in_seq
    })
    .await;
    conversation(app, inbox).await
}

async fn act(
    app: &TestApp,
    inbox: &Inbox,
    of: &Conversation,
    action: Action,
) -> Result<Acted, Refusal> {
    let desk = &app.app.desk;
    let acted = desk.act(
        default_workspace(),
        inbox.clone(),
        of.id.clone(),
        action,
        "key_amy".to_owned(),
    );
    acted.await.unwrap()
}

/// The derived tables equal what the log says, and making them again changes nothing.
async fn assert_derived(app: &TestApp) {
    let (store, workspace) = (&app.app.store, default_workspace());
    let live = store.desk_projection(&workspace).await.unwrap();
    assert_eq!(
        store.desk_faults(&workspace).await.unwrap(),
        Vec::<String>::new()
    );
    store.rebuild_desk(&workspace).await.unwrap();
    assert_eq!(store.desk_projection(&workspace).await.unwrap(), live);
}

#[tokio::test(flavor = "multi_thread")]
async fn bot_answers_once_and_person_takes_over() {
    let app = TestApp::with_shop().await;
    let inbox = connect(&app, "web", SendMode::Live).await;
    let desk = &app.app.desk;
    let first = desk
        .receive(said(&inbox, "m1", "mei", QUESTION))
        .await
        .unwrap();
    assert!(matches!(first, Received::New { .. }));
    // Delivered again, also at once, it is known.
    let again = (0..8).map(|_| desk.receive(said(&inbox, "m1", "mei", QUESTION)));
    for again in futures_util::future::join_all(again).await {
        assert_eq!(again.unwrap(), Received::Known);
    }
    let (found, messages) = answered(&app, &inbox).await;
    assert_eq!(found.responder, Responder::Bot);
    assert_eq!(messages.len(), 2, "{messages:?}");
    let reply = &messages[1];
    assert_eq!(
        (reply.direction, reply.author.kind, reply.delivery),
        (
            Direction::Out,
            AuthorKind::Bot,
            Some(DeliveryState::Accepted)
        )
    );
    assert!(text_of(&reply.parts).contains("玻璃"), "{reply:?}");
    let answer = reply.answer_id.as_deref().unwrap();
    let (status, _) = app.get(&format!("/v1/answers/{answer}")).await;
    assert_eq!(status, 200);

    // A person writes: the bot is silent from then on.
    let written = act(
        &app,
        &inbox,
        &found,
        Action::Write(text("我是小美，我來幫您。")),
    )
    .await;
    let written = written.unwrap().conversation;
    assert_eq!(written.responder, Responder::Human);
    assert_eq!(written.assignee.as_deref(), Some("key_amy"));
    desk.receive(said(&inbox, "m2", "mei", "退款要多久？"))
        .await
        .unwrap();
    let (found, messages) = conversation(&app, &inbox).await;
    assert_eq!((found.reply_due_at, messages.len()), (None, 4));
    assert!(
        found.waiting_since.is_some(),
        "the customer waits for the person"
    );

    // Given back, the bot answers what waits.
    act(&app, &inbox, &found, Action::GiveBack).await.unwrap();
    let (found, messages) = answered(&app, &inbox).await;
    assert_eq!(
        (found.responder, found.assignee.as_deref()),
        (Responder::Bot, None)
    );
    assert_eq!(
        messages.last().unwrap().author.kind,
        AuthorKind::Bot,
        "{messages:?}"
    );

    let resolved = act(&app, &inbox, &found, Action::Resolve).await.unwrap();
    assert_eq!(resolved.conversation.status, ConversationStatus::Resolved);
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    let refused = act(&app, &inbox, &found, Action::Snooze(past)).await;
    assert_eq!(refused, Err(Refusal::Past));
    assert_derived(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_that_arrives_very_late_is_answered() {
    let app = TestApp::with_shop().await;
    let inbox = connect(&app, "web", SendMode::Live).await;
    let desk = &app.app.desk;
    for n in 0..30 {
        let talk = said(&inbox, &format!("m{n}"), "mei", "嗯");
        desk.receive(talk).await.unwrap();
    }
    let (found, _) = answered(&app, &inbox).await;
    let back = act(&app, &inbox, &found, Action::GiveBack).await;
    back.unwrap();
    // Older than what the bot looks back to.
    let late = Inbound {
        at: Timestamp::now() - SignedDuration::from_mins(5),
        ..said(&inbox, "late", "mei", QUESTION)
    };
    desk.receive(late).await.unwrap();
    let (_, messages) = answered(&app, &inbox).await;
    let has_answer =
        |one: &Message| text_of(&one.parts).contains("玻璃") && one.direction == Direction::Out;
    assert!(messages.iter().any(has_answer), "{messages:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unanswerable_question_is_handed_off_with_words_and_way_back() {
    let app = TestApp::with_shop().await;
    let inbox = connect(&app, "web", SendMode::Live).await;
    let desk = &app.app.desk;
    desk.receive(said(&inbox, "m1", "mei", "今天台北天氣如何？"))
        .await
        .unwrap();
    let (found, messages) = answered(&app, &inbox).await;
    assert_eq!(found.responder, Responder::Human);
    let handoff = &messages[1];
    assert_eq!(handoff.author.kind, AuthorKind::System);
    assert!(text_of(&handoff.parts).contains("機器人"), "{handoff:?}");
    assert!(found.waiting_since.is_some(), "a fixed text is no answer");
    // The customer writes the word and asks the bot again.
    desk.receive(said(&inbox, "m2", "mei", "機器人"))
        .await
        .unwrap();
    desk.receive(said(&inbox, "m3", "mei", QUESTION))
        .await
        .unwrap();
    let (found, messages) = answered(&app, &inbox).await;
    assert_eq!(found.responder, Responder::Bot, "{messages:?}");
    assert!(
        text_of(&messages.last().unwrap().parts).contains("玻璃"),
        "{messages:?}"
    );
    assert_derived(&app).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_in_the_shadow_is_kept_and_not_sent() {
    let app = TestApp::with_shop().await;
    let inbox = connect(&app, "web", SendMode::Shadow).await;
    let desk = &app.app.desk;
    desk.receive(said(&inbox, "m1", "mei", QUESTION))
        .await
        .unwrap();
    let (found, messages) = answered(&app, &inbox).await;
    assert_eq!(found.responder, Responder::Human);
    let shadow = &messages[1];
    assert_eq!(
        (shadow.direction, shadow.delivery),
        (Direction::Shadow, None)
    );
    assert!(shadow.answer_id.is_some());
    assert!(found.waiting_since.is_some() && found.last_out_at.is_none());
    assert_derived(&app).await;
    app.stop().await;
}

/// 240 messages, each delivered three times at once and in no order, of 12 people.
#[tokio::test(flavor = "multi_thread")]
async fn messages_delivered_repeatedly_are_stored_once() {
    let app = TestApp::start().await;
    // Nothing to answer with, and people who answer: only the receiving counts.
    let inbox = connect(&app, "web", SendMode::Shadow).await;
    let desk = &app.app.desk;
    let mut all: Vec<Inbound> = (0..720)
        .map(|n| {
            said(
                &inbox,
                &format!("m{}", n % 240),
                &format!("p{}", n % 12),
                "",
            )
        })
        .collect();
    fastrand::Rng::with_seed(7).shuffle(&mut all);
    let received = futures_util::future::join_all(all.into_iter().map(|one| desk.receive(one)));
    let received: Vec<Received> = received.await.into_iter().map(Result::unwrap).collect();
    let is_new = |one: &&Received| matches!(one, Received::New { .. });
    assert_eq!(received.iter().filter(is_new).count(), 240);
    let (store, workspace) = (&app.app.store, default_workspace());
    let filter = ConversationFilter::default();
    let found = store
        .conversations(&workspace, &filter, None, 100)
        .await
        .unwrap();
    assert_eq!(found.len(), 12, "one conversation a person");
    for conversation in found {
        let messages = store
            .messages(&workspace, &conversation.id, None, 100)
            .await
            .unwrap();
        assert_eq!(messages.len(), 20);
        assert!(messages.is_sorted_by_key(|message| message.at));
    }
    assert_derived(&app).await;
    app.stop().await;
}
