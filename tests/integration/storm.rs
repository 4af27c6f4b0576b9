//! A storm of messages: each delivered one to four times, in no order, by many at once, while the service is killed. The
//! suite's run is short; `make storm` has 50,000 messages and 50 kills. On PostgreSQL two processes serve, and either is
//! killed.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ken::app::default_workspace;
use ken_base::desk::{AuthorKind, Direction, Fact, Message, Seq, text_of};
use ken_store::store::Store;
use ken_store::store::desk::ConversationFilter;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::crash::{Service, ken, serve_with};
use crate::support::store_in;

/// Who delivers at once.
const SENDERS: usize = 32;
/// Messages that may be delivered in any order.
const WINDOW: usize = 400;
/// Messages of a person.
const OF_ONE: usize = 25;
/// The inboxes: two on which the bot answers, one in the shadow, and a telephone.
const INBOXES: [(&str, &str, &str); 4] = [
    ("site", "web", "live"),
    ("app", "generic", "live"),
    ("desk", "generic", "shadow"),
    ("calls", "phone", "live"),
];

fn number(name: &str, default: usize) -> usize {
    let set = std::env::var(name).ok();
    set.map_or(default, |n| n.parse().expect("it is a number"))
}

/// Message `n`: its inbox, and what is delivered. Times of one person increase with `n`.
fn delivery(n: usize, start: Timestamp) -> (&'static str, Value) {
    let person = n / OF_ONE;
    let (inbox, ..) = INBOXES[person % INBOXES.len()];
    // A question now and then; the rest is talk that is joined with it.
    let text = match n % OF_ONE {
        7 | 19 => format!("{n} 退貨期限是幾天？"),
        _ => format!("{n} 嗯"),
    };
    let at = start + SignedDuration::from_millis(n as i64);
    let body = json!({
        "type": "message", "id": format!("m{n}"), "at": at, "sender": { "user_id": format!("p{person}") }, "text": text,
    });
    (inbox, body)
}

/// Delivers one message until it is acknowledged; the process may be killed at any time.
async fn deliver(
    client: &Client,
    addresses: &mut watch::Receiver<Vec<String>>,
    inbox: &str,
    body: &Value,
) {
    let start = Instant::now();
    loop {
        let address = fastrand::choice(addresses.borrow_and_update().iter()).cloned();
        let url = format!("{}/v1/inboxes/{inbox}/messages", address.unwrap());
        match client.post(url).json(body).send().await {
            Ok(reply) if reply.status() == 200 => return,
            Ok(reply) if [429, 503].contains(&reply.status().as_u16()) => {}
            Ok(reply) => panic!("{} {}", reply.status(), reply.text().await.unwrap()),
            // The process was killed: the addresses change with the next one.
            Err(_) => {
                drop(tokio::time::timeout(Duration::from_secs(5), addresses.changed()).await);
            }
        }
        assert!(start.elapsed() < Duration::from_secs(300), "{body}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Process `n` of those that serve the store of a folder, its address, and what has to stay open.
fn serving(folder: &Path, n: usize) -> (Service, String, impl Sized) {
    let mut command = ken(folder);
    command.env("KEN_HTTP__MAX_CONCURRENT", "512");
    if n > 0 {
        let own = folder.join(n.to_string());
        std::fs::create_dir_all(&own).unwrap();
        command
            .current_dir(&own)
            .env("KEN_DESK__KEY_FILE", folder.join("data/desk.key"));
    }
    serve_with(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_of_messages_loses_and_repeats_nothing() {
    let n_messages = number("STORM_MESSAGES", 800);
    let kills = number("STORM_KILLS", 3);
    let folder = tempfile::tempdir().unwrap();
    let client = crate::support::client();
    let n_processes = match crate::postgres::chosen() {
        Some(_) => 2,
        None => 1,
    };
    let mut processes: Vec<_> = (0..n_processes)
        .map(|n| serving(folder.path(), n))
        .collect();
    let first = processes[0].1.clone();
    let text = json!({ "text": "# 退貨\n\n退貨期限是收到商品後七天。" });
    let put = client
        .put(format!("{first}/v1/documents/returns?wait=indexed"))
        .json(&text);
    assert_eq!(put.send().await.unwrap().status(), 201);
    for (id, channel, mode) in INBOXES {
        let settings = json!({ "mode": mode, "burst_ms": 200, "auto_send_level": "balanced" });
        let body = json!({ "channel": channel, "name": id, "settings": settings });
        let put = client.put(format!("{first}/v1/inboxes/{id}")).json(&body);
        assert_eq!(put.send().await.unwrap().status(), 201);
    }
    fn addresses<P>(of: &[(Service, String, P)]) -> Vec<String> {
        of.iter().map(|(_, address, _)| address.clone()).collect()
    }
    let (set_addresses, address) = watch::channel(addresses(&processes));

    // Windows of messages, each one to four times, shuffled.
    let mut random = fastrand::Rng::with_seed(11);
    let mut deliveries = Vec::new();
    for start in (0..n_messages).step_by(WINDOW) {
        let mut window: Vec<usize> = (start..(start + WINDOW).min(n_messages))
            .flat_map(|n| std::iter::repeat_n(n, random.usize(1..=4)))
            .collect();
        random.shuffle(&mut window);
        deliveries.extend(window);
    }
    let n_deliveries = deliveries.len();
    // The store keeps milliseconds.
    let start = Timestamp::now() - SignedDuration::from_hours(1);
    let start = Timestamp::from_millisecond(start.as_millisecond()).unwrap();
    let (deliveries, next) = (Arc::new(deliveries), Arc::new(AtomicUsize::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    let began = Instant::now();
    for _ in 0..SENDERS {
        let (deliveries, next) = (deliveries.clone(), next.clone());
        let (client, mut address) = (client.clone(), address.clone());
        senders.spawn(async move {
            while let Some(n) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (inbox, body) = delivery(*n, start);
                deliver(&client, &mut address, inbox, &body).await;
            }
        });
    }
    for kill in 1..=kills {
        let at = n_deliveries * kill / (kills + 1);
        while next.load(Ordering::Relaxed) < at {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let n = kill % n_processes;
        processes[n].0.kill().unwrap();
        processes[n].0.wait().unwrap();
        processes[n] = serving(folder.path(), n);
        set_addresses.send_replace(addresses(&processes));
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    let took = began.elapsed();
    let rate = n_deliveries as f64 / took.as_secs_f64();
    println!(
        "{n_processes} processes, {n_messages} messages, {n_deliveries} deliveries, {kills} kills: {took:?}, {rate:.0} deliveries/s"
    );

    let store = Store::open(&store_in(folder.path())).await.unwrap();
    until_nothing_is_due(&store).await;
    for (mut process, ..) in processes {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert_outcome(&store, n_messages, start).await;
    store.close().await;
}

/// Waits until every question is answered or handed off.
async fn until_nothing_is_due(store: &Store) {
    let start = Instant::now();
    while let Some(due) = store.next_desk_work().await.unwrap() {
        assert!(
            start.elapsed() < Duration::from_secs(600),
            "due since {due}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn assert_outcome(store: &Store, n_messages: usize, start: Timestamp) {
    let workspace = default_workspace();
    let mut conversations = Vec::new();
    let mut before = None;
    loop {
        let filter = ConversationFilter::default();
        let page = store.conversations(&workspace, &filter, before, 500);
        let page = page.await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        conversations.extend(page);
    }
    let n_people = n_messages.div_ceil(OF_ONE);
    assert_eq!(conversations.len(), n_people, "one conversation a person");
    let (mut received, mut n_replies) = (HashSet::new(), 0);
    for conversation in &conversations {
        let messages = store.messages(&workspace, &conversation.id, None, 1_000);
        let messages: Vec<Message> = messages.await.unwrap();
        let (inbound, rest): (Vec<&Message>, Vec<&Message>) = messages
            .iter()
            .partition(|message| message.direction == Direction::In);
        // In the order in which they were written, each once.
        let mut last = None;
        for message in inbound {
            let text = text_of(&message.parts);
            let n: usize = text.split(' ').next().unwrap().parse().unwrap();
            assert!(received.insert(n), "{n} is there twice");
            assert!(last < Some(n), "{n} after {last:?}");
            let written = start + SignedDuration::from_millis(n as i64);
            assert_eq!(message.at, written, "{n}");
            last = Some(n);
        }
        let of_bot = rest
            .iter()
            .filter(|one| one.author.kind != AuthorKind::Agent);
        n_replies += of_bot.count();
    }
    assert!(
        (0..n_messages).all(|n| received.contains(&n)),
        "nothing is lost"
    );
    assert!(n_replies > 0, "the bot answered");

    // At most one reply a turn: each reply answers up to a later message than the one before.
    let mut answered: BTreeMap<String, Seq> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.desk_events(&workspace, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        for (at, event) in page.iter().enumerate() {
            assert_eq!(event.seq, after + 1 + at as i64, "no gaps");
            if let Fact::MessageAdded {
                answers_seq,
                direction,
                ..
            } = &event.event.fact
            {
                assert_ne!(*direction, Direction::Note);
                let of = event.event.conversation_id.as_ref().unwrap().to_string();
                let before = answered.insert(of.clone(), *answers_seq);
                assert!(
                    before < Some(*answers_seq),
                    "{of}: {before:?} and {answers_seq}"
                );
            }
        }
        after = last.seq;
    }
    let live = store.desk_projection(&workspace).await.unwrap();
    assert_eq!(
        store.desk_faults(&workspace).await.unwrap(),
        Vec::<String>::new()
    );
    store.rebuild_desk(&workspace).await.unwrap();
    assert_eq!(store.desk_projection(&workspace).await.unwrap(), live);
}
