//! Files of messages over HTTP: a visitor's picture reaches the agent, an agent's file reaches the visitor, nobody else sees
//! them, and they are erased with the customer.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::desk_api::assert_nothing_is_left;
use crate::support::TestApp;

/// The beginning of a PNG, with a text that nothing else has.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR error code E21 on the display";
const NOTE: &[u8] = "維修單 R-7788：更換門鎖電池蓋".as_bytes();

impl TestApp {
    async fn upload(&self, path: &str, token: Option<&str>, bytes: &[u8]) -> (StatusCode, Value) {
        let mut request = self.client.post(format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let reply = request.body(bytes.to_vec()).send().await.unwrap();
        (reply.status(), reply.json().await.unwrap())
    }

    async fn download(&self, path: &str, token: Option<&str>) -> (StatusCode, String, Vec<u8>) {
        let mut request = self.client.get(format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let reply = request.send().await.unwrap();
        let kind = reply.headers().get("content-type").cloned();
        let kind = kind.map_or(String::new(), |kind| kind.to_str().unwrap().to_owned());
        if reply.status().is_success() {
            let headers = reply.headers();
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["content-security-policy"], "sandbox");
            let disposition = headers["content-disposition"].to_str().unwrap();
            assert!(disposition.starts_with("attachment;"), "{disposition}");
        }
        (reply.status(), kind, reply.bytes().await.unwrap().to_vec())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_and_file_travel_both_ways_and_are_erased() {
    let app = TestApp::with_shop().await;
    app.connect("site", "web", json!({})).await;
    let (visitor, other) = (
        app.open_chat(json!({})).await,
        app.open_chat(json!({})).await,
    );
    let path = "/v1/chat/attachments?id=p1&name=lock.png";
    let (status, sent) = app.upload(path, Some(&visitor), PICTURE).await;
    assert_eq!(status, 201, "{sent}");
    let (_, again) = app.upload(path, Some(&visitor), PICTURE).await;
    assert_eq!(again["message_id"], Value::Null, "it is stored once");
    let (_, read) = app
        .chat(Method::GET, "messages", &visitor, Value::Null)
        .await;
    let part = read["messages"][0]["parts"][0].clone();
    assert_eq!(
        (
            &part["type"],
            &part["name"],
            &part["content_type"],
            &part["n_bytes"]
        ),
        (
            &json!("attachment"),
            &json!("lock.png"),
            &json!("image/png"),
            &json!(PICTURE.len())
        )
    );
    let picture = part["sha256"].as_str().unwrap();

    // The visitor and agents can open it; another visitor cannot.
    for (path, token, expected) in [
        (
            format!("/v1/chat/attachments/{picture}"),
            Some(&visitor),
            200,
        ),
        (format!("/v1/chat/attachments/{picture}"), Some(&other), 404),
        (format!("/v1/attachments/{picture}"), None, 200),
        (format!("/v1/attachments/{}", "0".repeat(64)), None, 404),
        ("/v1/attachments/..%2Fken.db".to_owned(), None, 404),
    ] {
        let token = token.map(String::as_str);
        let (status, kind, bytes) = app.download(&path, token).await;
        assert_eq!(status, expected, "{path}");
        if expected == 200 {
            assert_eq!((kind.as_str(), bytes.as_slice()), ("image/png", PICTURE));
        }
    }

    // A picture without words is handed off, with words.
    let (_, list) = app.get("/v1/conversations").await;
    let conversation = list["conversations"][0]["id"].clone();
    let messages = app.answered(&conversation).await;
    assert_eq!(messages[1]["author"]["kind"], "system", "{messages:?}");
    let words = messages[1]["parts"][0]["text"].as_str().unwrap();
    assert!(
        words.contains("同事") && words.contains("colleague"),
        "{words}"
    );

    // An agent sends a file.
    let (status, note) = app
        .upload("/v1/attachments?name=R-7788.txt", None, NOTE)
        .await;
    assert_eq!(
        (status.as_u16(), &note["content_type"]),
        (201, &json!("text/plain"))
    );
    let id = conversation.as_str().unwrap();
    let parts = json!([{ "type": "text", "text": "這是維修單。" }, note]);
    let written = app
        .post(
            &format!("/v1/conversations/{id}/messages"),
            json!({ "parts": parts }),
        )
        .await;
    assert_eq!(written.0, 201, "{}", written.1);
    let sha256 = note["sha256"].as_str().unwrap();
    let own = format!("/v1/chat/attachments/{sha256}");
    assert_eq!(app.download(&own, Some(&visitor)).await.2, NOTE);
    assert_eq!(app.download(&own, Some(&other)).await.0, 404);

    // What another customer has stays when this one is erased.
    let sender = json!({ "user_id": "ann" });
    app.connect("shop", "generic", json!({ "mode": "shadow" }))
        .await;
    let shared = json!({ "type": "message", "id": "a1", "sender": sender, "parts": [note] });
    app.deliver("shop", shared).await;
    let (_, found) = app.get(&format!("/v1/conversations/{id}")).await;
    let customer = found["desk"]["identity_id"].as_str().unwrap();
    let (status, erased) = app
        .request(Method::DELETE, &format!("/v1/customers/{customer}"), None)
        .await;
    assert_eq!(status, 200, "{erased}");
    let (status, ..) = app
        .download(&format!("/v1/attachments/{picture}"), None)
        .await;
    assert_eq!(status, 404);
    assert_nothing_is_left(&app, &["error code E21"]).await;
    let path = format!("/v1/attachments/{sha256}");
    assert_eq!(app.download(&path, None).await.2, NOTE);
    let checked = ken::check::check(&app.app, &ken::app::default_workspace()).await;
    assert_eq!(checked.unwrap().faults, Vec::<String>::new());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_files_are_refused() {
    let app = TestApp::start_with(|config| config.desk.max_attachment_bytes = 1_000).await;
    app.connect("shop", "generic", json!({ "mode": "shadow" }))
        .await;
    for (path, bytes, status, detail) in [
        (
            "/v1/attachments?name=a.html",
            b"<!DOCTYPE html>".as_slice(),
            422,
            "text/html",
        ),
        ("/v1/attachments?name=a.txt", b"".as_slice(), 422, "empty"),
        (
            "/v1/attachments?name=a.txt",
            [b'a'; 1_001].as_slice(),
            413,
            "max_attachment_bytes",
        ),
        ("/v1/attachments?name=", b"text".as_slice(), 422, "?name"),
    ] {
        let (found, problem) = app.upload(path, None, bytes).await;
        assert_eq!(found, status, "{path}: {problem}");
        assert!(problem.to_string().contains(detail), "{path}: {problem}");
    }
    let part = json!({ "type": "attachment", "sha256": "0".repeat(64), "name": "a.png" });
    let body =
        json!({ "type": "message", "id": "m1", "sender": { "user_id": "mei" }, "parts": [part] });
    let (status, problem) = app.post("/v1/inboxes/shop/messages", body).await;
    assert_eq!(status, 422);
    assert_eq!(
        problem["errors"][0]["pointer"], "/parts/0/sha256",
        "{problem}"
    );
    app.stop().await;
}

/// The messages of an inbox that was disconnected are still erased as it said, and it can be connected again.
#[tokio::test(flavor = "multi_thread")]
async fn disconnected_inbox_keeps_messages_no_longer_than_it_said() {
    let app = TestApp::start().await;
    let settings = json!({ "keep_days": 30, "mode": "shadow" });
    app.connect("shop", "generic", settings.clone()).await;
    let old = json!({
        "type": "message", "id": "m1", "at": "2020-01-01T00:00:00Z", "sender": { "user_id": "mei" }, "text": "很久以前的話",
    });
    let old = app.deliver("shop", old).await;
    app.answered(&old["conversation_id"]).await;
    let (status, _) = app.request(Method::DELETE, "/v1/inboxes/shop", None).await;
    assert_eq!(status, 200);
    assert_eq!(app.get("/v1/inboxes/shop").await.0, 404);
    assert_eq!(app.get("/v1/inboxes").await.1["inboxes"], json!([]));
    let again = app.request(Method::DELETE, "/v1/inboxes/shop", None).await;
    assert_eq!(again.0, 404);
    let (desk, learning) = (&app.app.desk, &app.app.learning);
    ken::retention::erase_old(desk, learning).await.unwrap();
    let id = old["conversation_id"].as_str().unwrap();
    let path = format!("/v1/conversations/{id}/messages");
    let (_, page) = app.get(&path).await;
    assert!(page["messages"][0]["erased_at"].is_string(), "{page}");
    let made = app.connect("shop", "generic", settings).await;
    assert_eq!(made["secrets"], json!(["identity_key"]));
    app.stop().await;
}
