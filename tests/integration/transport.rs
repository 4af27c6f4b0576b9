//! Transport and access: TLS, OpenID Connect tokens, CORS, slow clients and load shedding.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ken::app::App;
use ken_search::embed::Embedder;
use rcgen::CertifiedKey;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::provider::Provider;
use crate::scripted_llm::{Script, ScriptedLlm};
use crate::support::{TestApp, config_in};

#[tokio::test(flavor = "multi_thread")]
async fn tls_certificate_encrypts_connections() {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert_file, key_file) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    let app = TestApp::start_with(|config| {
        config.http.tls_cert = Some(cert_file);
        config.http.tls_key = Some(key_file);
    })
    .await;
    let address: SocketAddr = app.address.trim_start_matches("http://").parse().unwrap();
    let trusting = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(cert.pem().as_bytes()).unwrap())
        .resolve("localhost", address)
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/healthz", address.port());
    let response = trusting.get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let others = reqwest::Client::builder().resolve("localhost", address);
    assert!(others.build().unwrap().get(&url).send().await.is_err());
    let plain = app.client.get(format!("{}/healthz", app.address)).send();
    assert!(plain.await.is_err(), "unencrypted connections fail");
    app.stop().await;
}

impl Provider {
    /// A service that accepts this provider's tokens.
    async fn service(&self) -> TestApp {
        TestApp::start_with(|config| {
            config.auth.issuer = self.issuer.clone();
            config.auth.audience = "ken".to_owned();
        })
        .await
    }

    /// Tokens that the service has to reject, each with what is wrong with it.
    fn invalid_tokens(&self) -> Vec<(&'static str, String)> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let header = |alg| {
            let mut header = Header::new(alg);
            header.kid = Some("first".to_owned());
            header
        };
        let by_other = encode(
            &header(Algorithm::ES256),
            &self.claims(|_| {}),
            &self.unknown,
        );
        // Signed by HMAC with the public key as the shared secret.
        let shared = EncodingKey::from_secret(self.public_pem.as_bytes());
        let by_public = encode(&header(Algorithm::HS256), &self.claims(|_| {}), &shared);
        let mut strange = header(Algorithm::ES256);
        strange.kid = Some("another".to_owned());
        let by_name = encode(&strange, &self.claims(|_| {}), &self.known);
        let editor = self.token(|_| {});
        // The first letter of the signature is changed.
        let by_hand = |token: &str| {
            let (said, signature) = token.rsplit_once('.').unwrap();
            let first = if signature.starts_with('A') { 'B' } else { 'A' };
            format!("{said}.{first}{}", &signature[1..])
        };
        // {"alg":"none"}, the claims, and no signature.
        let claims = editor.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
        vec![
            (
                "expired",
                self.token(|claims| claims["exp"] = json!(now - 60)),
            ),
            (
                "not yet",
                self.token(|claims| claims["nbf"] = json!(now + 300)),
            ),
            (
                "never ends",
                self.token(|claims| claims["exp"] = Value::Null),
            ),
            (
                "for others",
                self.token(|claims| claims["aud"] = json!("shop")),
            ),
            (
                "of others",
                self.token(|claims| claims["iss"] = json!("http://other")),
            ),
            (
                "no role",
                self.token(|claims| claims["ken_role"] = json!("king")),
            ),
            (
                "no workspace",
                self.token(|claims| claims["ken_workspace"] = Value::Null),
            ),
            (
                "operator of one workspace",
                self.token(|claims| claims["ken_role"] = json!("operator")),
            ),
            ("another key", by_other.unwrap()),
            ("a shared key", by_public.unwrap()),
            ("an unknown key", by_name.unwrap()),
            ("unsigned", unsigned),
            ("altered", by_hand(&editor)),
            ("nonsense", "a.b.c".to_owned()),
        ]
    }
}

/// The status of writing a document with this token.
async fn put_with(app: &TestApp, token: Option<&str>, workspace: Option<&str>) -> StatusCode {
    let address = format!("{}/v1/documents/d", app.address);
    let mut request = app
        .client
        .put(address)
        .json(&json!({ "text": "可以退貨。" }));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(workspace) = workspace {
        request = request.header("x-ken-workspace", workspace);
    }
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn oidc_token_grants_its_role_and_workspace() {
    let provider = Provider::start().await;
    let app = provider.service().await;
    let without = put_with(&app, None, None).await;
    assert_eq!(without, 401, "with a provider, requests need a token");
    let editor = provider.token(|_| {});
    assert_eq!(put_with(&app, Some(&editor), None).await, 201);
    let elsewhere = put_with(&app, Some(&editor), Some("b")).await;
    assert_eq!(elsewhere, 403, "another's workspace");
    let bot = provider.token(|claims| claims["ken_role"] = json!("bot"));
    assert_eq!(put_with(&app, Some(&bot), None).await, 403);
    let operator = provider.token(|claims| {
        claims["ken_role"] = json!("operator");
        claims["ken_workspace"] = Value::Null;
    });
    assert_eq!(put_with(&app, Some(&operator), Some("b")).await, 201);
    let log = app.client.get(format!("{}/v1/audit", app.address));
    let log = log.header("x-ken-workspace", "a").bearer_auth(&operator);
    let log: Value = log.send().await.unwrap().json().await.unwrap();
    assert_eq!(log["entries"][0]["actor"], "amy (oidc)", "{log}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_oidc_token_is_rejected() {
    let provider = Provider::start().await;
    let app = provider.service().await;
    for (what, token) in provider.invalid_tokens() {
        let status = put_with(&app, Some(&token), None).await;
        assert_eq!(status, 401, "{what}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cors_preflight_allows_only_listed_origins() {
    let preflight = async |app: &TestApp, origin: &str| {
        let address = format!("{}/v1/answers", app.address);
        let request = app.client.request(reqwest::Method::OPTIONS, address);
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let response = request.send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin");
        allowed.map(|value| value.to_str().unwrap().to_owned())
    };
    let closed = TestApp::start().await;
    assert_eq!(preflight(&closed, "https://help.example.com").await, None);
    closed.stop().await;
    let open = TestApp::start_with(|config| {
        config.http.cors_origins = vec!["https://help.example.com".to_owned()];
    })
    .await;
    let allowed = preflight(&open, "https://help.example.com").await;
    assert_eq!(allowed.as_deref(), Some("https://help.example.com"));
    assert_eq!(preflight(&open, "https://evil.example.com").await, None);
    open.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_request_is_disconnected_after_timeout() {
    let app = TestApp::start_with(|config| config.http.timeout_ms = 300).await;
    let address = app.address.trim_start_matches("http://");
    for half in [
        "",
        "GET /healthz HTTP/1.1\r\nhost: k",
        "POST /v1/answers HTTP/1.1\r\nhost: k\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{",
    ] {
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        connection.write_all(half.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        let reading = connection.read_to_end(&mut received);
        let ended = tokio::time::timeout(Duration::from_secs(20), reading).await;
        assert!(ended.is_ok(), "{half:?} holds its connection");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_stream_counts_as_in_flight_until_client_leaves() {
    let llm = ScriptedLlm::start(vec![Script::StallsAfter("退款".to_owned())]).await;
    let app = TestApp::start_with(|config| {
        config.llm.url = llm.url.clone();
        config.llm.model = "scripted".to_owned();
        config.http.max_concurrent = 1;
    })
    .await;
    app.put(
        "refunds",
        json!({ "text": "# 退款\n\n退款會在 7 個工作天內退回原付款帳戶。\n" }),
    )
    .await;
    let ask = |stream: bool| {
        let body = json!({ "question": "退款要幾個工作天？", "stream": stream, "strategy": if stream { "generated" } else { "extractive" } });
        let request = app.client.post(format!("{}/v1/answers", app.address));
        request.json(&body).send()
    };
    let mut streaming = ask(true).await.unwrap();
    assert_eq!(streaming.status(), 200);
    assert!(streaming.chunk().await.unwrap().is_some());
    let refused = ask(false).await.unwrap();
    assert_eq!(refused.status(), 429, "the stream is in flight");
    assert!(refused.headers().contains_key("retry-after"));
    drop(streaming);
    let again = async {
        while ask(false).await.unwrap().status() != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(10), again).await;
    assert!(again.is_ok(), "a disconnected client frees its permit");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_over_estimated_wait_is_refused_immediately() {
    for (encoder_ms, all_ms) in [(20, 600_000), (600_000, 20)] {
        refuse_beyond(encoder_ms, all_ms).await;
    }
}

async fn refuse_beyond(encoder_ms: u64, all_ms: u64) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut config = config_in(folder.path());
    config.encoder.max_wait_ms = encoder_ms;
    config.http.max_wait_ms = all_ms;
    let encoder = config.encoder.clone();
    let encoder = tokio::task::spawn_blocking(move || Embedder::open(&encoder).unwrap());
    let app = App::build_with(config, encoder.await.unwrap())
        .await
        .unwrap();
    let app = TestApp::serve(Arc::new(app), folder).await;
    app.put(
        "refunds",
        json!({ "text": "# 退款\n\n退款會在 7 個工作天內退回原付款帳戶。\n" }),
    )
    .await;
    // The service measures how long a question takes.
    app.ask("退款要幾個工作天？").await;
    let asking = (0..200).map(|n| {
        let body = json!({ "question": format!("{} 退款要幾個工作天？", "請問第一次來的客人 ".repeat(n % 7)) });
        let request = app.client.post(format!("{}/v1/answers", app.address));
        async move { request.json(&body).send().await.unwrap() }
    });
    let responses = futures_util::future::join_all(asking).await;
    let of = |status: u16| {
        responses
            .iter()
            .filter(move |response| response.status() == status)
    };
    assert!(of(200).count() > 0 && of(429).count() > 0);
    assert_eq!(of(200).count() + of(429).count(), 200);
    assert!(of(429).all(|response| response.headers().contains_key("retry-after")));
    // The service answers again after the overload.
    let answer = app.ask("退款要幾個工作天？").await;
    assert_eq!(answer.outcome, "answered");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_over_estimated_wait_are_refused() {
    let app = TestApp::start_with(|config| config.http.max_wait_ms = 20).await;
    let embed = |n: usize| {
        let texts: Vec<String> = (0..4)
            .map(|m| format!("第 {n} 個請求的第 {m} 段文字。"))
            .collect();
        let body = json!({ "model": "ken-embedding", "input": texts });
        let request = app.client.post(format!("{}/v1/embeddings", app.address));
        async move { request.json(&body).send().await.unwrap() }
    };
    // The service measures how long one takes.
    assert_eq!(embed(0).await.status(), 200);
    let replies = futures_util::future::join_all((1..100).map(embed)).await;
    let of = |status: u16| replies.iter().filter(move |reply| reply.status() == status);
    assert!(of(200).count() > 0 && of(429).count() > 0);
    assert_eq!(of(200).count() + of(429).count(), 99);
    assert_eq!(embed(100).await.status(), 200, "after the overload");
    app.stop().await;
}
