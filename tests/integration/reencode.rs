//! `ken reencode` switches the encoder under load, resumes after a crash and switches back.

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// The encoder's id, once it is as is waited for and all is indexed.
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

#[tokio::test(flavor = "multi_thread")]
async fn encoder_switch_survives_load_and_crash_and_is_reversible() {
    let folder = tempfile::tempdir().unwrap();
    let client = client();
    let knowledge = root().join("corpus/shop/knowledge");
    let ingested = ken(folder.path())
        .arg("ingest")
        .arg(knowledge)
        .output()
        .unwrap();
    assert!(ingested.status.success());
    let (mut service, address, _printed) = serve(folder.path());
    let first = encoder_when(&client, &address, |_| true).await;
    assert!(first.contains('+'), "two together: {first}");
    let judged = json!({ "question": "運費怎麼計算？", "outcome": "answered" });
    let url = format!("{address}/v1/judged-questions/shipping");
    let put = client.put(url).json(&judged).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");

    // What is no encoder is refused before anything is begun.
    let (is_done, printed) = ended(reencode(folder.path(), &["--to", "nowhere"])).await;
    assert!(!is_done && printed.contains("models.dir"), "{printed}");

    // Killed as soon as something is encoded.
    let to = reencode(folder.path(), &["--to", OTHER]);
    let begun = async {
        loop {
            let (_, printed) = ended(reencode(folder.path(), &["--list"])).await;
            let report: Value =
                serde_json::from_str(printed.lines().last().unwrap_or("{}")).unwrap_or_default();
            if report["report"]["n_encoded"].as_u64().unwrap_or(0) > 0 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    service.kill().unwrap();
    service.wait().unwrap();
    let (_restarted, address, _printed) = serve(folder.path());
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

    // Back, without encoding anything.
    let (is_done, printed) = ended(reencode(folder.path(), &["--back"])).await;
    assert!(is_done, "{printed}");
    let third = encoder_when(&client, &address, |id| id == first).await;
    assert_eq!(third, first);
    stop.store(true, Ordering::Relaxed);
    let n_answered = AtomicU64::new(0);
    for asker in askers {
        let (n, failed) = asker.await.unwrap();
        assert_eq!(failed, Vec::<String>::new());
        n_answered.fetch_add(n, Ordering::Relaxed);
    }
    println!(
        "{} answers meanwhile, none failed",
        n_answered.load(Ordering::Relaxed)
    );
    drop(_restarted);
    assert!(check(folder.path()).contains(" 0 faults"));
    // One that was chosen is used by commands, too, and without a service the command does it itself.
    let (is_done, printed) = ended(reencode(folder.path(), &["--to", OTHER, "--anyway"])).await;
    assert!(is_done, "{printed}");
    assert!(check(folder.path()).contains(" 0 faults"));
    let (_service, address, _printed) = serve(folder.path());
    assert_eq!(encoder_when(&client, &address, |_| true).await, second);
    assert!(models_dir().join(OTHER).is_dir());
}
