//! Faults of real machines: killed processes, full, read-only or failing disks, clock jumps, damaged files, two processes on
//! one folder. After each fault the acknowledged writes exist and `ken check` is clean.
//!
//! `make faults` runs 300 kills, the test suite two of each kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ken_base::domain::DocumentId;
use ken_store::store::Store;
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use tempfile::TempDir;

use crate::crash::{Service, check, ken, serve, serve_with};
use crate::support::{client, root};

const KINDS: [&str; 7] = [
    "serving",
    "ingest",
    "upload",
    "rebuild",
    "backup",
    "restore",
    "migration",
];
/// Number of concurrent writers.
const WRITERS: usize = 4;

/// The expected content of a document: the last acknowledged write or the one in flight.
#[derive(Debug, Clone, Default)]
struct Expected {
    acknowledged: Option<u32>,
    on_the_way: Option<Option<u32>>,
}

#[derive(Default)]
struct Ledger {
    documents: BTreeMap<String, Expected>,
    n_acknowledged: usize,
}

/// Records that the service acknowledged a version of a document.
fn acknowledge(ledger: &Mutex<Ledger>, id: impl Into<String>, n: u32) {
    let mut ledger = ledger.lock().unwrap();
    ledger.documents.entry(id.into()).or_default().acknowledged = Some(n);
}

fn text_of(id: &str, n: u32) -> String {
    format!("# 說明 {id}\n\n第 {n} 版的內容，代號 mark{n}of{id}，退貨需要 {n} 天。\n")
}

/// Kills a process after this time and waits for its end.
fn kill_after(child: &mut Child, wait: Duration) {
    let until = std::time::Instant::now() + wait;
    while std::time::Instant::now() < until && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    child.wait().unwrap();
}

/// Writes documents one after another until the service is gone.
async fn write(
    address: String,
    writer: usize,
    mut random: fastrand::Rng,
    ledger: Arc<Mutex<Ledger>>,
    counter: Arc<AtomicU32>,
) {
    let client = client();
    loop {
        let id = format!("w{writer}-{}", random.u32(..12));
        let n = counter.fetch_add(1, Ordering::Relaxed);
        let is_deletion = random.u32(..6) == 0;
        let content = (!is_deletion).then_some(n);
        ledger
            .lock()
            .unwrap()
            .documents
            .entry(id.clone())
            .or_default()
            .on_the_way = Some(content);
        let url = format!("{address}/v1/documents/{id}");
        let sent = match content {
            Some(n) => client
                .put(url)
                .json(&json!({ "text": text_of(&id, n) }))
                .send(),
            None => client.delete(url).send(),
        };
        let Ok(response) = sent.await else { return };
        let status = response.status();
        assert!(
            status.is_success() || (is_deletion && status == 404),
            "{status}"
        );
        let mut ledger = ledger.lock().unwrap();
        ledger.n_acknowledged += 1;
        let expected = ledger.documents.entry(id).or_default();
        expected.acknowledged = content;
        expected.on_the_way = None;
    }
}

/// Sends questions until the service is gone, so that answers are recorded between the other writes.
async fn ask(address: String) {
    let client = client();
    loop {
        let asked = json!({ "question": "退貨需要幾天？", "conversation_id": "c" });
        let sent = client.post(format!("{address}/v1/answers")).json(&asked);
        if sent.send().await.is_err() {
            return;
        }
    }
}

/// Each document is its last acknowledged write or the one in flight. That content counts as acknowledged from now on.
async fn assert_kept(folder: &Path, ledger: &Mutex<Ledger>, after: &str) {
    let url = format!("sqlite://{}", folder.join("data/ken.db").display());
    let store = Store::open(&url).await.unwrap();
    let workspace = ken::app::default_workspace();
    let documents = ledger.lock().unwrap().documents.clone();
    for (id, expected) in documents {
        let document_id = DocumentId::parse(&id).unwrap();
        let found = store
            .document(&workspace, &document_id, None)
            .await
            .unwrap()
            .map(|document| document.text);
        let fits = |content: Option<u32>| match content {
            Some(n) => found
                .as_ref()
                .is_some_and(|text| text.contains(&format!("mark{n}of{id}，"))),
            None => found.is_none(),
        };
        let kept = [Some(expected.acknowledged), expected.on_the_way]
            .into_iter()
            .flatten()
            .find(|content| fits(*content));
        let kept = kept.unwrap_or_else(|| {
            panic!("after {after}: {id} should be {expected:?} and is {found:?}")
        });
        ledger.lock().unwrap().documents.insert(
            id,
            Expected {
                acknowledged: kept,
                on_the_way: None,
            },
        );
    }
    store.close().await;
}

/// Each acknowledged document is found by its unique mark.
async fn assert_searchable(address: &str, client: &Client, ledger: &Mutex<Ledger>) {
    let documents = ledger.lock().unwrap().documents.clone();
    for (id, expected) in documents {
        let Some(n) = expected.acknowledged else {
            continue;
        };
        let query = json!({ "question": format!("mark{n}of{id}"), "mode": "keyword", "limit": 5 });
        let found = client.post(format!("{address}/v1/search")).json(&query);
        let found: Value = found.send().await.unwrap().json().await.unwrap();
        let first = &found["hits"][0]["document_id"];
        assert_eq!(first, &json!(id), "{id} is there and is not found: {found}");
    }
}

async fn until_ready(address: &str, client: &Client) {
    let ready = async {
        while client
            .get(format!("{address}/readyz"))
            .send()
            .await
            .map_or(0, |response| response.status().as_u16())
            != 200
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), ready)
        .await
        .expect("the indexes catch up after a restart");
}

fn kills() -> usize {
    let set = std::env::var("FAULT_KILLS").ok();
    set.map_or(14, |n| n.parse().expect("FAULT_KILLS is a number"))
}

/// What the rounds of `random_kills_preserve_acknowledged_writes` share.
struct Killing {
    folder: TempDir,
    client: Client,
    ledger: Arc<Mutex<Ledger>>,
    counter: Arc<AtomicU32>,
    random: fastrand::Rng,
}

impl Killing {
    /// A moment of at most so many milliseconds from now.
    fn moment(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.random.u64(..most))
    }

    /// Kills the service while it is written to and asked, or while it reads uploaded files.
    async fn while_serving(&mut self, is_upload: bool) {
        let (mut child, address, _printed) = serve(self.folder.path());
        let (wait, seed) = (self.moment(1_500), self.random.u64(..));
        let mut at_work = tokio::task::JoinSet::new();
        if is_upload {
            upload(&address, &self.client, &self.ledger, &self.counter).await;
        } else {
            for writer in 0..WRITERS {
                let random = fastrand::Rng::with_seed(seed + writer as u64);
                let (ledger, counter) = (self.ledger.clone(), self.counter.clone());
                at_work.spawn(write(address.clone(), writer, random, ledger, counter));
            }
            at_work.spawn(ask(address.clone()));
        }
        tokio::task::spawn_blocking(move || kill_after(&mut child, wait))
            .await
            .unwrap();
        while let Some(ended) = at_work.join_next().await {
            ended.unwrap();
        }
    }

    /// Kills a command of this kind.
    fn while_running(&mut self, kind: &str) {
        let most = match kind {
            "ingest" => 4_000,
            "rebuild" => 3_000,
            "backup" => 120,
            "restore" => 150,
            _ => unreachable!("all kinds are named"),
        };
        let wait = self.moment(most);
        let folder = self.folder.path();
        let mut command = ken(folder);
        match kind {
            "ingest" => command.arg(kind).arg(root().join("corpus/shop/knowledge")),
            "rebuild" => command.arg(kind),
            "backup" => {
                let file = folder.join("half.backup");
                let _ = std::fs::remove_file(&file);
                command.arg(kind).arg(file)
            }
            _ => {
                // A backup of all there is, so that nothing acknowledged is missing in it.
                let file = folder.join("whole.backup");
                let _ = std::fs::remove_file(&file);
                let made = ken(folder).arg("backup").arg(&file).status();
                assert!(made.unwrap().success());
                command.arg("restore").arg(file)
            }
        };
        kill_after(&mut quietly(&mut command), wait);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_preserve_acknowledged_writes() {
    let seed = std::env::var("FAULT_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut killing = Killing {
        folder: tempfile::tempdir().unwrap(),
        client: client(),
        ledger: Arc::default(),
        counter: Arc::new(AtomicU32::new(1)),
        random: fastrand::Rng::with_seed(seed),
    };
    let mut killed: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..kills() {
        let kind = KINDS[round % KINDS.len()];
        match kind {
            "serving" | "upload" => killing.while_serving(kind == "upload").await,
            "migration" => migration(killing.moment(400)).await,
            _ => killing.while_running(kind),
        }
        *killed.entry(kind).or_default() += 1;
        let folder = killing.folder.path();
        let report = check(folder);
        assert!(report.contains(" 0 faults"), "after {kind}: {report}");
        assert_kept(folder, &killing.ledger, kind).await;
    }
    let (child, address, _printed) = serve(killing.folder.path());
    until_ready(&address, &killing.client).await;
    // Uploads that were acknowledged are read in the end.
    assert_searchable(&address, &killing.client, &killing.ledger).await;
    drop(child);
    let ledger = killing.ledger.lock().unwrap();
    println!(
        "{killed:?} killed, {} writes acknowledged, none lost",
        ledger.n_acknowledged
    );
    assert!(ledger.n_acknowledged > 0);
}

fn quietly(command: &mut Command) -> Child {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Files that are acknowledged before they are read.
async fn upload(address: &str, client: &Client, ledger: &Mutex<Ledger>, counter: &AtomicU32) {
    let mut form = reqwest::multipart::Form::new();
    let mut sent = Vec::new();
    for file in 0..5 {
        let (id, n) = (
            format!("u{file}.md"),
            counter.fetch_add(1, Ordering::Relaxed),
        );
        let part = reqwest::multipart::Part::text(text_of(&id, n)).file_name(id.clone());
        form = form.part("file", part);
        sent.push((id, n));
    }
    let request = client
        .post(format!("{address}/v1/documents:upload"))
        .multipart(form);
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    // The job resumes at the next start of the service; until then the earlier text is valid.
    let job: Value = response.json().await.unwrap();
    let id = job["id"]
        .as_str()
        .or(job["job_id"].as_str())
        .unwrap_or_else(|| panic!("{job}"));
    let done = async {
        loop {
            let job = client
                .get(format!("{address}/v1/jobs/{id}"))
                .send()
                .await
                .unwrap();
            let job: Value = job.json().await.unwrap();
            if job["state"] == "done" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // In half of the rounds the service is killed while it parses the files.
    let is_done = tokio::time::timeout(Duration::from_millis(60), done)
        .await
        .is_ok();
    let mut ledger = ledger.lock().unwrap();
    for (id, n) in sent {
        ledger.n_acknowledged += 1;
        let expected = ledger.documents.entry(id).or_default();
        if is_done {
            expected.acknowledged = Some(n);
            expected.on_the_way = None;
        } else {
            expected.on_the_way = Some(Some(n));
        }
    }
}

/// A process killed during the newest migration loses no document.
async fn migration(wait: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let (former, data) = (folder.path().join("former"), folder.path().join("data"));
    std::fs::create_dir_all(&former).unwrap();
    std::fs::create_dir_all(&data).unwrap();
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("crates/store/migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.pop();
    for file in &files {
        std::fs::copy(file, former.join(file.file_name().unwrap())).unwrap();
    }
    let url = format!("sqlite://{}?mode=rwc", data.join("ken.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    Migrator::new(&*former)
        .await
        .unwrap()
        .run(&pool)
        .await
        .unwrap();
    sqlx::raw_sql(
        "INSERT INTO workspaces (id, revision, next_chunk_key, created_at) VALUES ('default', 1, 2, 0); \
         INSERT INTO documents (workspace, id, version, status, content_hash, metadata, first_key, n_chunks, revision, updated_at) \
         VALUES ('default', 'd', 1, 'published', 'h', '{\"title\":\"t\"}', 1, 1, 1, 0); \
         INSERT INTO document_versions (workspace, document_id, version, content_hash, metadata, raw, text, created_at) \
         VALUES ('default', 'd', 1, 'h', '{\"title\":\"t\"}', 'abc', 'abc', 0); \
         INSERT INTO chunks (workspace, chunk_key, document_id, version, ordinal, heading_path, start_byte, end_byte, text) \
         VALUES ('default', 1, 'd', 1, 0, '[]', 0, 3, 'abc'); \
         INSERT INTO changes (workspace, revision, document_id, operation, version, removed_first, removed_count, created_at) \
         VALUES ('default', 1, 'd', 'put', 1, 0, 0, 0);",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    kill_after(&mut quietly(ken(folder.path()).arg("status")), wait);
    let report = check(folder.path());
    assert!(report.contains("default: 1 chunks, 0 faults"), "{report}");
}

/// The library that injects faults, built once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SHIM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("shim.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(root().join("tests/faults/shim.c"))
            .arg("-ldl")
            .status();
        assert!(built.unwrap().success(), "cc compiles tests/faults/shim.c");
        (folder, library)
    });
    path
}

/// A service with injected faults of disk and clock.
struct Struck {
    child: Service,
    address: String,
    _printed: std::io::BufReader<std::process::ChildStdout>,
    control: PathBuf,
    folder: tempfile::TempDir,
    client: Client,
}

impl Struck {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control");
        let mut command = struck(folder.path(), &control);
        command.stderr(Stdio::null());
        let (child, address, _printed) = serve_with(command);
        Self {
            child,
            address,
            _printed,
            control,
            folder,
            client: client(),
        }
    }

    fn now(&self, fault: &str) {
        std::fs::write(&self.control, fault).unwrap();
    }

    async fn put(&self, id: &str, n: u32) -> (u16, Value) {
        let request = self
            .client
            .put(format!("{}/v1/documents/{id}", self.address));
        let response = request
            .json(&json!({ "text": text_of(id, n) }))
            .send()
            .await;
        let response = response.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Kills the service. Its data are consistent and contain the acknowledged writes.
    async fn ends_clean(mut self, ledger: &Mutex<Ledger>, after: &str) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let report = check(self.folder.path());
        assert!(report.contains(" 0 faults"), "{after}: {report}");
        assert_kept(self.folder.path(), ledger, after).await;
    }

    async fn ask(&self) -> Value {
        let asked = json!({ "question": "退貨需要幾天？" });
        let request = self.client.post(format!("{}/v1/answers", self.address));
        let response = request.json(&asked).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

fn struck(folder: &Path, control: &Path) -> Command {
    let mut command = ken(folder);
    command
        .env("LD_PRELOAD", shim())
        .env("FAULTS", control)
        .env("FAULTS_DIR", std::fs::canonicalize(folder).unwrap());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_fault_rejects_writes_and_keeps_answering() {
    for fault in ["full", "readonly", "nosync"] {
        let service = Struck::start();
        let ledger = Mutex::new(Ledger::default());
        for n in 1..4 {
            let id = format!("d{n}");
            assert_eq!(service.put(&id, n).await.0, 201);
            acknowledge(&ledger, &id, n);
        }
        until_ready(&service.address, &service.client).await;
        service.now(fault);
        for n in 1..4 {
            let (status, problem) = service.put("d1", 10 + n).await;
            assert_eq!(status, 503, "{fault}: {problem}");
            assert_eq!(problem["type"], "/problems/unavailable");
            assert!(
                problem["detail"].as_str().unwrap().contains("disk"),
                "{problem}"
            );
        }
        let answer = service.ask().await;
        assert_eq!(answer["outcome"], "answered", "{fault}: {answer}");
        if fault != "nosync" {
            assert_eq!(answer["notes"], json!(["not_recorded"]), "{fault}");
        }
        // With free space the service continues without a restart.
        service.now("");
        let (status, reply) = service.put("d4", 4).await;
        assert_eq!(status, 201, "{fault}: {reply}");
        acknowledge(&ledger, "d4", 4);
        let answer = service.ask().await;
        assert_eq!(answer["notes"], json!([]), "{fault}");
        until_ready(&service.address, &service.client).await;
        assert_searchable(&service.address, &service.client, &ledger).await;
        service.ends_clean(&ledger, fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn index_catches_up_after_full_disk() {
    let service = Struck::start();
    let ledger = Mutex::new(Ledger::default());
    // The disk fills up and has free space again while documents are written.
    for n in 1..60 {
        service.now(if n % 10 == 5 { "full" } else { "" });
        let id = format!("d{n}");
        if service.put(&id, n).await.0 == 201 {
            acknowledge(&ledger, id, n);
        }
    }
    service.now("");
    assert!(ledger.lock().unwrap().documents.len() >= 50);
    until_ready(&service.address, &service.client).await;
    assert_searchable(&service.address, &service.client, &ledger).await;
    service.ends_clean(&ledger, "a full disk").await;
}

#[test]
fn unwritable_folder_is_reported_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    std::fs::write(&control, "readonly").unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let started = struck(folder.path(), &control)
        .arg("status")
        .output()
        .unwrap();
    assert!(!started.status.success());
    let stderr = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(
        stderr.starts_with("ken: ") && stderr.contains("ken.db"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_jump_preserves_writes_and_answers() {
    let service = Struck::start();
    let ledger = Mutex::new(Ledger::default());
    for (n, jump) in (1..).zip([0, 86_400 * 30, -86_400 * 30, -3_600, 0]) {
        service.now(&format!("clock {jump}"));
        let id = format!("d{n}");
        assert_eq!(service.put(&id, n).await.0, 201, "{jump}");
        acknowledge(&ledger, id, n);
        until_ready(&service.address, &service.client).await;
        assert_eq!(service.ask().await["outcome"], "answered", "{jump}");
    }
    assert_searchable(&service.address, &service.client, &ledger).await;
    service.ends_clean(&ledger, "a clock that jumps").await;
}

/// One index file of each kind, and all of JSON; no locks. The segments' files have the same names but for their ids.
fn index_files(indexes: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for part in [
        indexes.to_owned(),
        indexes.join("keyword"),
        indexes.join("vectors"),
    ] {
        let entries = std::fs::read_dir(part).unwrap().map(|entry| entry.unwrap());
        files.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_file()),
        );
    }
    let ends = |ending: &str| {
        files
            .iter()
            .any(|file| file.to_string_lossy().ends_with(ending))
    };
    assert!(ends("meta.json") && ends(".usearch") && ends("manifest.json") && ends(".store"));
    let mut kinds = std::collections::BTreeSet::new();
    files.retain(|file| {
        let is_lock = file.to_string_lossy().ends_with(".lock");
        let kind = file.extension().map(std::ffi::OsStr::to_owned);
        !is_lock && (kinds.insert(kind.clone()) || kind == Some("json".into()))
    });
    files
}

/// Damages a file in this way.
fn damage(file: &Path, how: &str) {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    match how {
        "truncated" => std::fs::write(file, &bytes[..middle]).unwrap(),
        "altered" => {
            bytes[middle] ^= 0x55;
            std::fs::write(file, bytes).unwrap();
        }
        "emptied" => std::fs::write(file, b"").unwrap(),
        _ => std::fs::remove_file(file).unwrap(),
    }
}

#[test]
fn damaged_index_file_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let knowledge = folder.path().join("knowledge");
    std::fs::create_dir(&knowledge).unwrap();
    for n in 0..20 {
        std::fs::write(knowledge.join(format!("d{n}.md")), text_of("d", n)).unwrap();
    }
    let ingested = ken(folder.path()).arg("ingest").arg(&knowledge).output();
    assert!(ingested.unwrap().status.success());
    assert!(check(folder.path()).contains("20 chunks, 0 faults"));
    let indexes = folder.path().join("indexes/default");
    for (at, file) in index_files(&indexes).iter().enumerate() {
        let name = file.strip_prefix(&indexes).unwrap().to_owned();
        // Each check rebuilds the indexes, so the present file of the same kind is damaged.
        let Some(file) = there_now(&indexes, file) else {
            continue;
        };
        let what = ["truncated", "altered", "emptied", "gone"][at % 4];
        damage(&file, what);
        let report = check(folder.path());
        assert!(
            report.contains("20 chunks, 0 faults"),
            "{} {what}: {report}",
            name.display()
        );
    }
}

/// A file of the same kind.
fn there_now(indexes: &Path, file: &Path) -> Option<PathBuf> {
    if file.exists() {
        return Some(file.to_owned());
    }
    let folder = file.parent().unwrap();
    assert!(folder.starts_with(indexes));
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap());
    entries
        .map(|entry| entry.path())
        .find(|path| path.extension() == file.extension() && path.is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_folder_safely() {
    let folder = tempfile::tempdir().unwrap();
    let client = client();
    let ledger = Mutex::new(Ledger::default());
    let (mut first, address_of_first, _printed) = serve(folder.path());
    let (mut second, address_of_second, _printed_too) = serve(folder.path());
    for n in 1..20 {
        let address = [&address_of_first, &address_of_second][n as usize % 2];
        let id = format!("d{n}");
        let request = client.put(format!("{address}/v1/documents/{id}"));
        let response = request
            .json(&json!({ "text": text_of(&id, n) }))
            .send()
            .await;
        assert_eq!(response.unwrap().status(), 201);
        acknowledge(&ledger, id, n);
    }
    for address in [&address_of_first, &address_of_second] {
        until_ready(address, &client).await;
        assert_searchable(address, &client, &ledger).await;
    }
    // The process that writes the indexes is killed; the other one still answers and accepts documents.
    first.kill().unwrap();
    first.wait().unwrap();
    let request = client.put(format!("{address_of_second}/v1/documents/d20"));
    let response = request
        .json(&json!({ "text": text_of("d20", 20) }))
        .send()
        .await;
    assert_eq!(response.unwrap().status(), 201);
    let asked = json!({ "question": "退貨需要幾天？" });
    let answer = client
        .post(format!("{address_of_second}/v1/answers"))
        .json(&asked);
    assert_eq!(answer.send().await.unwrap().status(), 200);
    second.kill().unwrap();
    second.wait().unwrap();
    ledger
        .lock()
        .unwrap()
        .documents
        .entry("d20".to_owned())
        .or_default()
        .acknowledged = Some(20);
    assert!(check(folder.path()).contains("20 chunks, 0 faults"));
    assert_kept(folder.path(), &ledger, "two processes").await;
}

/// The documents of the store in a folder, each as it was before, after or in between: no older and no newer.
async fn assert_between(
    folder: &Path,
    before: &BTreeMap<String, Expected>,
    after: &BTreeMap<String, Expected>,
) {
    let url = format!("sqlite://{}", folder.join("data/ken.db").display());
    let store = Store::open(&url).await.unwrap();
    let workspace = ken::app::default_workspace();
    let number = |text: &str| -> u32 {
        let digits = text.split("第 ").nth(1).unwrap().split(' ').next().unwrap();
        digits.parse().unwrap()
    };
    for (id, expected) in after {
        let document_id = DocumentId::parse(id).unwrap();
        let found = store
            .document(&workspace, &document_id, None)
            .await
            .unwrap();
        let found = found.map(|document| number(&document.text));
        let was = before.get(id).cloned().unwrap_or_default();
        let at_first = was.acknowledged.unwrap_or(0);
        let at_last = [expected.acknowledged, expected.on_the_way.flatten()];
        let at_last = at_last.into_iter().flatten().max();
        match found {
            Some(n) => {
                assert!(n >= at_first, "{id}: {n} is older than {at_first}");
                let newest = at_last.unwrap_or(u32::MAX);
                assert!(n <= newest, "{id}: {n} is newer than {newest}");
            }
            None => {
                let is_untouched = was.on_the_way.is_none()
                    && was.acknowledged == expected.acknowledged
                    && expected.on_the_way.is_none();
                assert!(!is_untouched || was.acknowledged.is_none(), "{id} is lost");
            }
        }
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_under_load_contains_acknowledged_state() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut child, address, _printed) = serve(folder.path());
    let (ledger, counter) = (
        Arc::new(Mutex::new(Ledger::default())),
        Arc::new(AtomicU32::new(1)),
    );
    let mut at_work = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let random = fastrand::Rng::with_seed(writer as u64);
        let (ledger, counter) = (ledger.clone(), counter.clone());
        at_work.spawn(write(address.clone(), writer, random, ledger, counter));
    }
    for round in 0..3 {
        while ledger.lock().unwrap().n_acknowledged < 30 * (round + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = ledger.lock().unwrap().documents.clone();
        let file = elsewhere.path().join(format!("{round}.backup"));
        let (of, to) = (folder.path().to_owned(), file.clone());
        let made =
            tokio::task::spawn_blocking(move || ken(&of).arg("backup").arg(to).output().unwrap());
        assert!(made.await.unwrap().status.success());
        let after = ledger.lock().unwrap().documents.clone();
        let place = tempfile::tempdir().unwrap();
        let restored = ken(place.path())
            .arg("restore")
            .arg(&file)
            .output()
            .unwrap();
        assert!(restored.status.success(), "{restored:?}");
        assert!(check(place.path()).contains(" 0 faults"));
        assert_between(place.path(), &before, &after).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    while let Some(ended) = at_work.join_next().await {
        ended.unwrap();
    }
}
