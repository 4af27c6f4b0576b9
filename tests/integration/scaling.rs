//! Several processes on one PostgreSQL store, with vectors in each process or in a Qdrant cluster.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ken_base::config::{Config, VectorBackend};
use reqwest::Client;
use serde_json::{Value, json};

use crate::contract_vectors::TestQdrant;
use crate::crash::{Service, check_with, ken, serve_with};
use crate::postgres::{database_for, server};
use crate::support::{TestApp, client};

const PATIENCE: Duration = Duration::from_secs(60);

fn text_of(id: &str) -> String {
    format!("# 說明 {id}\n\n代號 mark{id}，退貨需要 7 天，請保留發票。\n")
}

async fn put(client: &Client, address: &str, id: &str) {
    let request = client.put(format!("{address}/v1/documents/{id}"));
    let request = request.json(&json!({ "text": text_of(id) }));
    assert_eq!(request.send().await.unwrap().status(), 201, "{id}");
}

/// Waits until `/readyz` reports readiness and this leadership. Returns its reply.
async fn ready(client: &Client, address: &str, leads: Option<bool>) -> Value {
    let asking = async {
        loop {
            if let Ok(response) = client.get(format!("{address}/readyz")).send().await {
                let state: Value = response.json().await.unwrap();
                if state["ready"] == true && leads.is_none_or(|leads| state["leads"] == leads) {
                    return state;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("{address} was not ready in time"))
}

/// Waits until this document exists.
async fn is_read(client: &Client, address: &str, id: &str) {
    let address = format!("{address}/v1/documents/{id}");
    let reading = async {
        while client.get(&address).send().await.unwrap().status() != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap_or_else(|_| panic!("{id} was not read in time"));
}

async fn assert_found(client: &Client, address: &str, ids: &[String]) {
    for id in ids {
        for mode in ["keyword", "vector"] {
            let question = match mode {
                "keyword" => format!("mark{id}"),
                _ => text_of(id),
            };
            let query = json!({ "question": question, "mode": mode, "limit": 50 });
            let found = client.post(format!("{address}/v1/search")).json(&query);
            let found: Value = found.send().await.unwrap().json().await.unwrap();
            let hits = found["hits"].as_array().unwrap();
            assert!(
                hits.iter().any(|hit| hit["document_id"] == **id),
                "{id} is not found at {address} by {mode}: {found}"
            );
        }
    }
}

/// A process with a keyword index in its folder; store and vectors are shared.
fn node(folder: &Path, store: &str, qdrant: &TestQdrant) -> Command {
    let mut command = ken(folder);
    command
        .env("KEN_STORE__URL", store)
        .env("KEN_VECTORS", "qdrant")
        .env("KEN_QDRANT__URL", &qdrant.config.url)
        .env("KEN_QDRANT__COLLECTION", &qdrant.config.collection);
    if let Some(key) = &qdrant.config.key {
        command.env("KEN_QDRANT__KEY", key.expose());
    }
    command
}

/// Which of two nodes leads. Exactly one has to.
async fn leader_of(client: &Client, nodes: [&str; 2]) -> usize {
    let first = ready(client, nodes[0], None).await["leads"] == true;
    let second = ready(client, nodes[1], None).await["leads"] == true;
    assert!(first != second, "{first} {second}");
    usize::from(second)
}

/// Uploads 40 files. Returns their ids.
async fn upload(client: &Client, address: &str) -> Vec<String> {
    let ids: Vec<String> = (0..40).map(|n| format!("u{n}.md")).collect();
    let mut form = reqwest::multipart::Form::new();
    for id in &ids {
        let part = reqwest::multipart::Part::text(text_of(id)).file_name(id.clone());
        form = form.part("file", part);
    }
    let upload = client
        .post(format!("{address}/v1/documents:upload"))
        .multipart(form);
    assert_eq!(upload.send().await.unwrap().status(), 202);
    ids
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tools/postgres/with.sh cargo test -- --include-ignored"]
async fn second_node_takes_over_when_leader_is_killed() {
    let server = server();
    let qdrant = TestQdrant::start(1).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let store = database_for(&server, folders[0].path());
    let client = client();
    let mut nodes: Vec<(Service, String)> = Vec::new();
    let mut printed = Vec::new();
    for folder in &folders {
        let (service, address, rest) = serve_with(node(folder.path(), &store, &qdrant));
        nodes.push((service, address));
        printed.push(rest);
    }
    let mut ids: Vec<String> = (0..12).map(|n| format!("d{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        put(&client, &nodes[n % 2].1, id).await;
    }
    for (_, address) in &nodes {
        ready(&client, address, None).await;
        assert_found(&client, address, &ids).await;
    }
    let leader = leader_of(&client, [&nodes[0].1, &nodes[1].1]).await;
    // The node that does not lead accepts the files. The leader parses them and is killed meanwhile.
    let survivor = nodes[1 - leader].1.clone();
    ids.extend(upload(&client, &survivor).await);
    is_read(&client, &survivor, "u1.md").await;
    nodes[leader].0.kill().unwrap();
    nodes[leader].0.wait().unwrap();
    let killed = Instant::now();
    // The survivor accepts writes and becomes the leader.
    put(&client, &survivor, "after").await;
    ids.push("after".to_owned());
    ready(&client, &survivor, Some(true)).await;
    println!("taken over after {:.1} s", killed.elapsed().as_secs_f64());
    is_read(&client, &survivor, "u39.md").await;
    ready(&client, &survivor, Some(true)).await;
    assert_found(&client, &survivor, &ids).await;
    // The killed node restarts with an old index and catches up.
    let (service, address, rest) = serve_with(node(folders[leader].path(), &store, &qdrant));
    nodes[leader] = (service, address);
    printed.push(rest);
    ready(&client, &nodes[leader].1, Some(false)).await;
    assert_found(&client, &nodes[leader].1, &ids).await;
    for (service, _) in &mut nodes {
        service.kill().unwrap();
        service.wait().unwrap();
    }
    for folder in &folders {
        let report = check_with(node(folder.path(), &store, &qdrant));
        assert!(report.contains("53 chunks, 0 faults"), "{report}");
    }
    qdrant.remove().await;
}

fn on(store: &str) -> impl FnOnce(&mut Config) {
    let store = store.to_owned();
    move |config| {
        config.store.vault_url.clone_from(&store);
        config.store.url = store;
        config.index.poll_ms = 100;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tools/postgres/with.sh cargo test -- --include-ignored"]
async fn nodes_with_local_vectors_encode_each_text_once() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let store = database_for(&server, folder.path());
    let first = TestApp::start_with(on(&store)).await;
    let second = TestApp::start_with(on(&store)).await;
    let ids: Vec<String> = (0..6).map(|n| format!("e{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        put(&first.client, &[&first, &second][n % 2].address, id).await;
    }
    for app in [&first, &second] {
        ready(&app.client, &app.address, None).await;
        assert_found(&app.client, &app.address, &ids).await;
    }
    let n_encoded = |app: &TestApp| app.app.follower.progress().borrow().n_encoded;
    let leads = |app: &TestApp| app.app.leadership.is_leader();
    assert_eq!(n_encoded(&first) + n_encoded(&second), 6);
    assert!(leads(&first) && !leads(&second) && n_encoded(&second) == 0);
    // A workspace deleted by one node is found by no other and leaves no files there.
    for app in [&first, &second] {
        let created = app.client.put(format!("{}/v1/documents/x", app.address));
        let created = created.header("x-ken-workspace", "gone");
        let written = created
            .json(&json!({ "text": "# 臨時\n\n只在這裡。\n" }))
            .send();
        assert!(written.await.unwrap().status().is_success());
    }
    let workspaces = first.app.store.workspaces().await.unwrap();
    let gone = workspaces.iter().find(|(name, _)| name.as_str() == "gone");
    assert!(gone.is_some(), "{workspaces:?}");
    ready(&first.client, &first.address, None).await;
    ready(&second.client, &second.address, None).await;
    let of_first = first.folder.path().join("indexes/gone");
    assert!(of_first.is_dir());
    let delete = second
        .client
        .delete(format!("{}/v1/workspaces/gone", second.address));
    assert_eq!(delete.send().await.unwrap().status(), 200);
    let is_gone = async {
        while of_first.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_gone).await.unwrap();
    // A regular shutdown hands over the leadership, too.
    first.stop().await;
    ready(&second.client, &second.address, Some(true)).await;
    second
        .put("later", json!({ "text": text_of("later") }))
        .await;
    assert_found(&second.client, &second.address, &["later".to_owned()]).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tools/postgres/with.sh cargo test -- --include-ignored"]
async fn unresponsive_database_connection_at_start_is_retried() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let direct = reqwest::Url::parse(&database_for(&server, folder.path())).unwrap();
    let to = (
        direct.host_str().unwrap().to_owned(),
        direct.port().unwrap_or(5432),
    );
    // The first to come is let in and hears nothing; the others get through.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut url = direct.clone();
    url.set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    tokio::spawn(async move {
        let _unheard = listener.accept().await.unwrap();
        loop {
            let (mut here, _) = listener.accept().await.unwrap();
            let mut there = tokio::net::TcpStream::connect(to.clone()).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
            });
        }
    });
    let store = ken_store::store::Store::open(url.as_str()).await.unwrap();
    assert_eq!(store.workspaces().await.unwrap(), []);
    store.close().await;
}

/// A task that went on without an owner asked the server for connections as fast as it could.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: tools/postgres/with.sh cargo test -- --include-ignored"]
async fn dropped_leader_election_handle_ends_its_task() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let url = database_for(&server, folder.path());
    let store = ken_store::store::Store::open(&url).await.unwrap();
    let leadership = store.elect_leader(true, Duration::from_millis(50));
    let mut leads = leadership.watch();
    let led = tokio::time::timeout(PATIENCE, leads.wait_for(|leads| *leads)).await;
    led.expect("no other candidate").unwrap();
    drop(leadership);
    let ended = async { while leads.changed().await.is_ok() {} };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.expect("the task ends with its owner");
    store.close().await;
}

/// An app with its vectors in Qdrant, in which chunks are never named one by one, so that what they are decides there.
pub async fn app_on_qdrant(max_keys: u64) -> (TestApp, TestQdrant) {
    let qdrant = TestQdrant::start(1).await;
    let config = qdrant.config.clone();
    let app = TestApp::start_with(|settings| {
        settings.vectors = VectorBackend::Qdrant;
        settings.qdrant = config;
        settings.qdrant.max_keys = max_keys;
    })
    .await;
    (app, qdrant)
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_shop_search_is_same_for_local_and_remote_vectors() {
    let embedded = TestApp::with_shop().await;
    let (remote, qdrant) = app_on_qdrant(1_000).await;
    remote.ingest_shop().await;
    let questions =
        std::fs::read_to_string(crate::support::root().join("corpus/shop/queries.jsonl")).unwrap();
    let mut n_asked = 0;
    for line in questions.lines().step_by(9) {
        let question: Value = serde_json::from_str(line).unwrap();
        let query = json!({ "question": question["text"], "limit": 10 });
        let found = |found: Value| -> Vec<(String, String)> {
            let hits = found["hits"].as_array().unwrap().iter();
            hits.map(|hit| (hit["document_id"].to_string(), hit["chunk"].to_string()))
                .collect()
        };
        let (_, here) = embedded.post("/v1/search", query.clone()).await;
        let (_, there) = remote.post("/v1/search", query.clone()).await;
        assert_eq!(found(here), found(there), "{query}");
        n_asked += 1;
    }
    assert!(n_asked >= 10, "{n_asked}");
    let status = ken::check::check(&remote.app, &ken::app::default_workspace())
        .await
        .unwrap();
    assert_eq!(status.faults, Vec::<String>::new());
    remote.stop().await;
    qdrant.remove().await;
}
