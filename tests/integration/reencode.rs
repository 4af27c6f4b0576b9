//! `ken reencode` switches the encoder under load, resumes after a crash and switches back.

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::crash::{check, ken, serve};
use crate::support::{client, models_dir, root};

const OTHER: &str = "multilingual-e5-small-zh-en";
const PATIENCE: Duration = Duration::from_secs(120);

async fn readiness(client: &Client, address: &str) -> Option<Value> {
    let response = client.get(format!("{address}/readyz")).send().await.ok()?;
    response.json().await.ok()
}

/// Waits until all is indexed with a matching encoder. Returns its id.
async fn encoder_when(client: &Client, address: &str, is: impl Fn(&str) -> bool) -> String {
    let asking = async {
        loop {
            if let Some(state) = readiness(client, address).await {
                let id = state["encoder"].as_str().unwrap();
                if state["ready"] == true && is(id) {
                    return id.to_owned();
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("it serves in time")
}

fn reencode(folder: &Path, args: &[&str]) -> Child {
    let mut command = ken(folder);
    let command = command
        .arg("reencode")
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

async fn ended(child: Child) -> (bool, String) {
    let output: Output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&printed).into_owned(),
    )
}

/// Sends questions without a pause until `stop` is set; returns the number of answers and the failures.
fn asking(address: String, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<(u64, Vec<String>)> {
    tokio::spawn(async move {
        let client = client();
        let (mut n_answered, mut failed) = (0, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let asked = json!({ "question": format!("運費怎麼計算？第 {n_answered} 次問") });
            let reply = client
                .post(format!("{address}/v1/answers"))
                .json(&asked)
                .send()
                .await;
            match reply {
                Ok(reply) if reply.status() == 200 => n_answered += 1,
                other => failed.push(format!("{other:?}")),
            }
        }
        (n_answered, failed)
    })
}

/// Ingests the sample shop.
fn ingest_shop(folder: &Path) {
    let knowledge = root().join("corpus/shop/knowledge");
    let ingested = ken(folder).arg("ingest").arg(knowledge).output().unwrap();
    assert!(ingested.status.success());
}

/// Records a judged question that the knowledge answers.
async fn put_judged_question(client: &Client, address: &str) {
    let judged = json!({ "question": "運費怎麼計算？", "outcome": "answered" });
    let url = format!("{address}/v1/judged-questions/shipping");
    let put = client.put(url).json(&judged).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
}

/// Waits until a switch has encoded something.
async fn until_encoding(folder: &Path) {
    let begun = async {
        loop {
            let (_, printed) = ended(reencode(folder, &["--list"])).await;
            let report: Value =
                serde_json::from_str(printed.lines().last().unwrap_or("{}")).unwrap_or_default();
            if report["report"]["n_encoded"].as_u64().unwrap_or(0) > 0 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn encoder_switch_survives_load_and_crash_and_is_reversible() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let client = client();
    ingest_shop(folder);
    let (mut service, address, _printed) = serve(folder);
    let first = encoder_when(&client, &address, |_| true).await;
    assert!(first.contains('+'), "two together: {first}");
    put_judged_question(&client, &address).await;

    let (is_done, printed) = ended(reencode(folder, &["--to", "nowhere"])).await;
    assert!(!is_done && printed.contains("models.dir"), "{printed}");

    // The service is killed as soon as something is encoded, and goes on after a restart.
    let to = reencode(folder, &["--to", OTHER]);
    until_encoding(folder).await;
    service.kill().unwrap();
    service.wait().unwrap();
    let (restarted, address, _printed) = serve(folder);
    let stop = Arc::new(AtomicBool::new(false));
    let askers = [
        asking(address.clone(), stop.clone()),
        asking(address.clone(), stop.clone()),
    ];
    let second = encoder_when(&client, &address, |id| id != first).await;
    assert!(!second.contains('+') && second.contains("e5"), "{second}");
    let (is_done, printed) = ended(to).await;
    assert!(
        is_done && printed.contains(&format!("switched to {OTHER}")),
        "{printed}"
    );
    assert!(
        printed.contains("1 of 1 correct before, 1 after"),
        "{printed}"
    );

    // The way back needs no encoding.
    let (is_done, printed) = ended(reencode(folder, &["--back"])).await;
    assert!(is_done, "{printed}");
    let third = encoder_when(&client, &address, |id| id == first).await;
    assert_eq!(third, first);
    stop.store(true, Ordering::Relaxed);
    let mut n_answered = 0;
    for asker in askers {
        let (n, failed) = asker.await.unwrap();
        assert_eq!(failed, Vec::<String>::new());
        n_answered += n;
    }
    println!("{n_answered} answers meanwhile, none failed");
    drop(restarted);
    assert!(check(folder).contains(" 0 faults"));
    // Without a service the command does the work itself. Commands use the chosen encoder, too.
    let (is_done, printed) = ended(reencode(folder, &["--to", OTHER, "--anyway"])).await;
    assert!(is_done, "{printed}");
    assert!(check(folder).contains(" 0 faults"));
    let (_service, address, _printed) = serve(folder);
    assert_eq!(encoder_when(&client, &address, |_| true).await, second);
    assert!(models_dir().join(OTHER).is_dir());
}
