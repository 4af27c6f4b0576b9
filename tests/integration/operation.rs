//! What an operator does with a running service: reading its settings, the checks of `ken doctor`, backups.

use ken::app::default_workspace;
use ken_base::config::Secret;
use ken_store::store::Store;
use reqwest::Method;
use serde_json::{Value, json};

use crate::postgres;
use crate::support::TestApp;

/// The setting with this key.
fn setting<'a>(reply: &'a Value, key: &str) -> &'a Value {
    let settings = reply["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["key"] == key);
    found.unwrap_or_else(|| panic!("{key} is listed"))
}

#[tokio::test(flavor = "multi_thread")]
async fn config_lists_settings_without_secrets() {
    let app = TestApp::start_with(|config| {
        config.answer.keep_days = 7;
        config.llm.key = Some(Secret::new("sk-hidden"));
        config.log.otlp_url = "http://amy:hidden@127.0.0.1:4318/?token=hidden".into();
    })
    .await;
    let (status, reply) = app.get("/v1/config").await;
    assert_eq!(status.as_u16(), 200, "{reply}");
    assert!(!reply.to_string().contains("hidden"), "{reply}");
    let keep = setting(&reply, "answer.keep_days");
    assert_eq!(
        (&keep["value"], &keep["default"], &keep["is_changed"]),
        (&json!("7"), &json!("90"), &json!(true))
    );
    assert_eq!(keep["variable"], "KEN_ANSWER__KEEP_DAYS");
    assert!(keep["effect"].as_str().unwrap().contains("Retention"));
    let key = setting(&reply, "llm.key");
    assert_eq!(
        (&key["value"], &key["is_secret"]),
        (&json!("set"), &json!(true))
    );
    let key = setting(&reply, "qdrant.key");
    assert_eq!(
        (&key["value"], &key["is_secret"]),
        (&Value::Null, &json!(true))
    );
    let address = setting(&reply, "log.otlp_url");
    assert_eq!(address["value"], "http://127.0.0.1:4318/");
    assert_eq!(setting(&reply, "vectors")["value"], "embedded");
    let level = setting(&reply, "answer.level");
    assert_eq!(
        (&level["value"], &level["is_changed"]),
        (&json!("balanced"), &json!(false))
    );
    assert_eq!(
        setting(&reply, "http.cors_origins")["variable"],
        Value::Null
    );
    assert_eq!(
        setting(&reply, "http.tls_key")["variable"],
        "KEN_HTTP__TLS_KEY"
    );
    let settings = reply["settings"].as_array().unwrap();
    assert!(settings.len() > 45, "{}", settings.len());
    for setting in settings {
        assert_ne!(setting["effect"], "", "{setting}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_the_running_service() {
    let app = TestApp::start().await;
    let (status, reply) = app.get("/v1/doctor").await;
    assert_eq!(status.as_u16(), 200, "{reply}");
    let findings = reply["findings"].as_array().unwrap();
    let of = |subject: &str| {
        let found = findings
            .iter()
            .find(|finding| finding["subject"] == subject);
        found.unwrap_or_else(|| panic!("{subject} is checked: {reply}"))
    };
    for subject in [
        "clock",
        "encoder",
        "file reader",
        "store",
        "vault",
        "index folder",
    ] {
        assert_eq!(of(subject)["severity"], "fine", "{reply}");
    }
    assert_eq!(of("encoder")["detail"], app.app.embedder.id());
    assert!(
        of("reader")["detail"]
            .as_str()
            .unwrap()
            .contains("disabled")
    );
    assert_eq!(of("keys")["severity"], "warning", "there are no keys");
    let worst = findings
        .iter()
        .any(|finding| finding["severity"] == "fault");
    assert_eq!(reply["severity"] == "fault", worst);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_doctor_is_refused() {
    // An address that accepts connections and never replies holds the first check.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let connection = silent.accept().await;
        let _ = reached.send(());
        std::future::pending::<()>().await;
        drop(connection);
    });
    let app = TestApp::start_with(|config| {
        config.llm.url = format!("http://{address}/v1");
        config.llm.model = "m".into();
    })
    .await;
    let (client, url) = (app.client.clone(), format!("{}/v1/doctor", app.address));
    let first = tokio::spawn(client.get(url).send());
    is_reached.await.unwrap();
    let (status, problem) = app.request(Method::GET, "/v1/doctor", None).await;
    assert_eq!(status.as_u16(), 429, "{problem}");
    let first = first.await.unwrap().unwrap();
    let reply: Value = first.json().await.unwrap();
    let findings = reply["findings"].as_array().unwrap().iter();
    let mut chat = findings.filter(|finding| finding["subject"] == "chat server");
    assert_eq!(chat.next().unwrap()["severity"], "warning", "{reply}");
    let (status, _) = app.get("/v1/doctor").await;
    assert_eq!(status.as_u16(), 200, "the next one runs");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_by_the_service_is_complete_and_private() {
    if postgres::chosen().is_some() {
        return;
    }
    let app = TestApp::start_with(|config| {
        let folder = config.index.dir.parent().unwrap();
        config.backup.dir = Some(folder.join("backups"));
    })
    .await;
    app.put("fee", json!({ "text": "# 運費\n\n運費是 80 元。\n" }))
        .await;
    let folder = app.folder.path().join("backups");
    std::fs::create_dir_all(&folder).unwrap();
    // An earlier process left the first; the second is not of Ken.
    let left = folder.join("ken-20200101T000000000Z.db.unfinished");
    std::fs::write(&left, b"half").unwrap();
    std::fs::write(folder.join("notes.txt"), b"mine").unwrap();
    let (status, begun) = app
        .request(Method::POST, "/v1/backups?vault=true", None)
        .await;
    assert_eq!(status.as_u16(), 202, "{begun}");
    let listed = app.finish_backup().await;
    assert_eq!(listed["failed"], Value::Null, "{listed}");
    let backups = listed["backups"].as_array().unwrap();
    let mut contents: Vec<_> = backups.iter().map(|of| of["content"].as_str()).collect();
    contents.sort_unstable();
    assert_eq!(contents, [Some("store"), Some("vault")]);
    assert!(!left.exists(), "what was left is removed");
    assert!(folder.join("notes.txt").exists());
    for backup in backups {
        use std::os::unix::fs::PermissionsExt;
        let file = folder.join(backup["name"].as_str().unwrap());
        let metadata = std::fs::metadata(&file).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{backup}");
        assert_eq!(backup["n_bytes"].as_u64(), Some(metadata.len()));
    }
    let name = begun["name"].as_str().unwrap();
    Store::check_backup(&folder.join(name)).await.unwrap();
    let copy = Store::open(&format!("sqlite://{}", folder.join(name).display()))
        .await
        .unwrap();
    let documents = copy
        .documents(&default_workspace(), None, 10)
        .await
        .unwrap();
    assert_eq!(documents.len(), 1);
    copy.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_without_folder_is_refused_and_bad_folder_reported() {
    if postgres::chosen().is_some() {
        return;
    }
    let app = TestApp::start().await;
    let (status, problem) = app.request(Method::POST, "/v1/backups", None).await;
    assert_eq!(status.as_u16(), 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("backup.dir"));
    let (_, listed) = app.get("/v1/backups").await;
    assert_eq!(
        (&listed["folder"], &listed["backups"]),
        (&Value::Null, &json!([]))
    );
    app.stop().await;
    let app = TestApp::start_with(|config| {
        config.backup.dir = Some("/dev/null/backups".into());
    })
    .await;
    let (status, _) = app.request(Method::POST, "/v1/backups", None).await;
    assert_eq!(status.as_u16(), 500);
    app.stop().await;
}
