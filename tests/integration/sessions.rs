//! Sign-in to the console: sessions by key and by an OpenID Connect provider, their cookie, and cross-site requests.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use jiff::SignedDuration;
use ken::app::App;
use ken_base::domain::Clock;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};

use crate::crash::{ken, serve_with};
use crate::keys::{Keyed, keyed_at, with_another_end};
use crate::provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use crate::support::{TestApp, config_in, embedder};

/// A browser: keeps cookies, does not follow redirects.
struct Browser {
    client: Client,
    address: String,
    cookies: BTreeMap<String, String>,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    fn location(&self) -> &str {
        assert_eq!(self.status, 302, "{}", self.body);
        self.headers[LOCATION].to_str().unwrap()
    }

    fn cookies(&self) -> Vec<&str> {
        let cookies = self.headers.get_all(SET_COOKIE).iter();
        cookies.map(|value| value.to_str().unwrap()).collect()
    }
}

impl Browser {
    fn new(address: &str) -> Self {
        ken_base::outbound::choose_cryptography();
        let client = Client::builder().redirect(Policy::none());
        Self {
            client: client.build().unwrap(),
            address: address.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    fn at(app: &TestApp) -> Self {
        Self::new(&app.address)
    }

    /// A browser that is signed in by a key.
    async fn signed_in(address: &str, key: &str) -> Self {
        let mut browser = Self::new(address);
        let reply = browser.sign_in(key).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        browser
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}{path}", self.address));
        let pairs = self.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match pairs.is_empty() {
            true => request,
            false => request.header("cookie", pairs.join("; ")),
        }
    }

    async fn send(&mut self, request: RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let reply = Reply {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        for cookie in reply.cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match value.is_empty() {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// A request as the console makes it.
    async fn change(&mut self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.request(method, path).header("x-ken-console", "1");
        self.send(request.json(&body)).await
    }

    async fn sign_in(&mut self, key: &str) -> Reply {
        let body = json!({ "key": key });
        self.change(Method::POST, "/v1/session", body).await
    }

    /// The reply to `GET /v1/session`.
    async fn session(&mut self) -> Value {
        let reply = self.get("/v1/session").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// The token of its session.
    fn token(&self) -> &str {
        &self.cookies["ken_session"]
    }
}

fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_by_key_sets_cookie_that_authenticates() {
    let keyed = Keyed::start().await;
    let mut browser = Browser::at(&keyed.app);
    let nobody = browser.session().await;
    let expected = json!({
        "signed_in": false, "needs_sign_in": true, "methods": ["key"], "name": null, "actor": null, "role": null,
        "workspace": null, "rights": [], "n_sessions": 0,
    });
    assert_eq!(nobody, expected);
    let refused = browser.get("/v1/faqs").await;
    assert_eq!(refused.status, 401);
    let reply = browser.sign_in(&keyed.keys["editor"]).await;
    let actor = format!("editor ({})", id_of(&keyed.keys["editor"]));
    let expected = json!({
        "signed_in": true, "needs_sign_in": true, "methods": ["key"], "name": "editor", "actor": actor,
        "role": "editor", "workspace": "a", "rights": ["ask", "read", "write", "review"], "n_sessions": 1,
    });
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &expected));
    let token = browser.token().to_owned();
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(
        reply.cookies(),
        [format!(
            "ken_session={token}; Path=/; HttpOnly; SameSite=Strict"
        )]
    );
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(browser.session().await, expected);
    assert_eq!(browser.get("/v1/faqs").await.status, 200);
    let text = json!({ "text": "可以退貨。" });
    let put = browser.change(Method::PUT, "/v1/documents/d", text).await;
    assert_eq!(put.status, 201, "{}", put.body);
    // The cookie is found among others.
    browser.cookies.insert("a".into(), "1".into());
    browser.cookies.insert("z_ken_session".into(), "2".into());
    assert_eq!(browser.session().await["signed_in"], true);
    // A bearer key shows its caller, too.
    let request = Browser::at(&keyed.app).request(Method::GET, "/v1/session");
    let reply = browser.send(request.bearer_auth(&keyed.keys["bot"])).await;
    assert_eq!(
        (&reply.body["role"], &reply.body["rights"]),
        (&json!("bot"), &json!(["ask"]))
    );
    let admin = Some(keyed.keys["admin"].as_str());
    let (_, audit) = keyed
        .send(Method::GET, "/v1/audit", admin, None, None)
        .await;
    let entries = audit["entries"].as_array().unwrap().iter();
    let entries: Vec<(&str, &str)> = entries
        .filter(|entry| entry["actor"] == actor)
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["subject"].as_str().unwrap(),
            )
        })
        .collect();
    let id = id_of(&keyed.keys["editor"]);
    assert_eq!(
        entries,
        [("document.put", "d"), ("session.create", id)],
        "{audit}"
    );
    assert!(!audit.to_string().contains(&token));
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_key_cannot_sign_in() {
    let clock = Clock::fixed("2026-11-01T00:00:00Z".parse().unwrap());
    let keyed = keyed_at(&clock).await;
    let make = async |mut limits: Value| {
        limits["role"] = json!("editor");
        limits["name"] = json!("limited");
        let (status, made) = keyed.make("a", limits).await;
        assert_eq!(status, 200, "{made}");
        made["key"].as_str().unwrap().to_owned()
    };
    let ends = clock.now() + SignedDuration::from_hours(1);
    let expired = make(json!({ "expires_at": ends })).await;
    let far = make(json!({ "networks": ["10.0.0.0/8"] })).await;
    clock.set(ends);
    let bot = keyed.keys["bot"].clone();
    let path = format!("/v1/keys/{}", id_of(&bot));
    let admin = Some(keyed.keys["admin"].as_str());
    assert_eq!(
        keyed.send(Method::DELETE, &path, admin, None, None).await.0,
        200
    );
    let editor = &keyed.keys["editor"];
    let wrong = with_another_end(editor);
    let mut problems = Vec::new();
    for key in [
        &bot,
        &expired,
        &far,
        &wrong,
        "ken_nobody_00",
        "nonsense",
        "",
    ] {
        let mut browser = Browser::at(&keyed.app);
        let mut reply = browser.sign_in(key).await;
        assert_eq!(
            (reply.status.as_u16(), reply.cookies().len()),
            (401, 0),
            "{}",
            reply.body
        );
        reply.body["request_id"] = Value::Null;
        problems.push(reply.body);
    }
    problems.dedup();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let mut browser = Browser::at(&keyed.app);
    let request = browser.request(Method::POST, "/v1/session");
    let reply = browser.send(request.json(&json!({ "token": "x" }))).await;
    assert_eq!(reply.status, 422);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookie_cannot_change_anything_from_another_site() {
    let keyed = Keyed::start().await;
    let mut browser = Browser::signed_in(&keyed.app.address, &keyed.keys["editor"]).await;
    let host = browser.address.trim_start_matches("http://").to_owned();
    let same = format!("http://{host}");
    let console = ("x-ken-console", "1");
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[], 403),
        (&[("x-ken-console", "0")], 403),
        (&[("sec-fetch-site", "same-origin")], 403),
        (&[("origin", &same)], 403),
        (&[console, ("sec-fetch-site", "cross-site")], 403),
        (&[console, ("sec-fetch-site", "same-site")], 403),
        (&[console, ("sec-fetch-site", "none")], 403),
        (&[console, ("origin", "https://evil.example")], 403),
        (&[console, ("origin", "null")], 403),
        (&[console, ("origin", "http://127.0.0.1:1")], 403),
        (&[console], 200),
        (&[console, ("sec-fetch-site", "same-origin")], 200),
        (&[console, ("origin", &same)], 200),
        (
            &[
                console,
                ("sec-fetch-site", "same-origin"),
                ("origin", &same),
            ],
            200,
        ),
    ];
    let put = browser.change(
        Method::PUT,
        "/v1/documents/d",
        json!({ "text": "可以退貨。" }),
    );
    assert_eq!(put.await.status, 201);
    for (method, path, body) in [
        (
            Method::PUT,
            "/v1/documents/d",
            json!({ "text": "可以退貨。" }),
        ),
        (
            Method::POST,
            "/v1/search",
            json!({ "question": "可以退貨嗎？" }),
        ),
    ] {
        for (headers, expected) in cases {
            let mut request = browser.request(method.clone(), path).json(&body);
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let reply = browser.send(request).await;
            assert_eq!(
                reply.status, *expected,
                "{method} {path} {headers:?}: {}",
                reply.body
            );
            if *expected == 403 {
                assert_eq!(reply.body["type"], "/problems/cross-site");
            }
        }
    }
    // Reading needs neither, and a page of another site cannot read the reply.
    let request = browser.request(Method::GET, "/v1/faqs");
    let reply = browser
        .send(request.header("origin", "https://evil.example"))
        .await;
    assert_eq!(reply.status, 200);
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    // Nor can it sign the browser out, or in as somebody else.
    let out = browser.request(Method::DELETE, "/v1/session");
    assert_eq!(browser.send(out).await.status, 403);
    let body = json!({ "key": keyed.keys["bot"] });
    let cross = browser.request(Method::POST, "/v1/session").json(&body);
    let reply = browser
        .send(cross.header("sec-fetch-site", "cross-site"))
        .await;
    assert_eq!((reply.status.as_u16(), reply.cookies().len()), (403, 0));
    assert_eq!(browser.session().await["role"], "editor");
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bearer_key_takes_precedence_over_cookie() {
    let keyed = Keyed::start().await;
    let mut browser = Browser::signed_in(&keyed.app.address, &keyed.keys["admin"]).await;
    let put = |browser: &Browser| {
        let text = json!({ "text": "可以退貨。" });
        browser.request(Method::PUT, "/v1/documents/d").json(&text)
    };
    let by_bot = put(&browser).bearer_auth(&keyed.keys["bot"]);
    let reply = browser.send(by_bot.header("x-ken-console", "1")).await;
    assert_eq!(reply.status, 403, "the bot may not write");
    assert_eq!(reply.body["type"], "/problems/forbidden");
    let by_nobody = put(&browser).bearer_auth("ken_nobody_00");
    let reply = browser.send(by_nobody.header("x-ken-console", "1")).await;
    assert_eq!(
        reply.status, 401,
        "the cookie does not stand in for an invalid key"
    );
    // With a key, neither header matters: no browser adds a key automatically.
    let by_editor = put(&browser).bearer_auth(&keyed.keys["editor"]);
    let reply = browser
        .send(by_editor.header("sec-fetch-site", "cross-site"))
        .await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_has_role_and_workspace_of_its_key() {
    let keyed = Keyed::start().await;
    let mut bot = Browser::signed_in(&keyed.app.address, &keyed.keys["bot"]).await;
    assert_eq!(bot.get("/v1/faqs").await.status, 403);
    let text = json!({ "text": "可以退貨。" });
    let put = bot
        .change(Method::PUT, "/v1/documents/d", text.clone())
        .await;
    assert_eq!(put.status, 403);
    let asked = json!({ "question": "可以退貨嗎？" });
    assert_eq!(
        bot.change(Method::POST, "/v1/answers", asked).await.status,
        200
    );
    let mut admin = Browser::signed_in(&keyed.app.address, &keyed.keys["admin"]).await;
    for (name, expected) in [("a", 200), ("b", 403), ("never-made", 403)] {
        let request = admin
            .request(Method::GET, "/v1/faqs")
            .header("x-ken-workspace", name);
        assert_eq!(admin.send(request).await.status, expected, "{name}");
    }
    assert_eq!(admin.get("/v1/workspaces").await.status, 403);
    let mut operator = Browser::signed_in(&keyed.app.address, &keyed.keys["operator"]).await;
    assert_eq!(operator.get("/v1/workspaces").await.status, 200);
    assert_eq!(operator.session().await["workspace"], Value::Null);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_ends_with_its_key() {
    let clock = Clock::fixed("2026-11-01T00:00:00Z".parse().unwrap());
    let keyed = keyed_at(&clock).await;
    let ends = clock.now() + SignedDuration::from_hours(1);
    let timed = json!({ "role": "editor", "name": "timed", "expires_at": ends });
    let (_, timed) = keyed.make("a", timed).await;
    let address = &keyed.app.address;
    let mut timed = Browser::signed_in(address, timed["key"].as_str().unwrap()).await;
    let mut editor = Browser::signed_in(address, &keyed.keys["editor"]).await;
    let mut agent = Browser::signed_in(address, &keyed.keys["agent"]).await;
    let path = format!("/v1/keys/{}", id_of(&keyed.keys["editor"]));
    let admin = Some(keyed.keys["admin"].as_str());
    assert_eq!(
        keyed.send(Method::DELETE, &path, admin, None, None).await.0,
        200
    );
    let reply = editor.get("/v1/faqs").await;
    assert_eq!(reply.status, 401, "the key is revoked");
    assert_eq!(reply.body["detail"], "the session has ended: sign in again");
    assert_eq!(editor.session().await["signed_in"], false);
    assert_eq!(timed.get("/v1/faqs").await.status, 200);
    clock.set(ends);
    assert_eq!(
        timed.get("/v1/faqs").await.status,
        401,
        "the key has expired"
    );
    assert_eq!(agent.get("/v1/faqs").await.status, 200);
    // A deleted workspace has no sessions.
    let operator = Some(keyed.keys["operator"].as_str());
    let (status, gone) = keyed
        .send(Method::DELETE, "/v1/workspaces/a", operator, None, None)
        .await;
    assert_eq!(
        (status.as_u16(), &gone["rows"]["sessions"]),
        (200, &json!(3)),
        "{gone}"
    );
    assert_eq!(agent.get("/v1/faqs").await.status, 401);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_ends_when_unused_or_old() {
    let start = "2026-11-01T00:00:00Z".parse().unwrap();
    let clock = Clock::fixed(start);
    let keyed = keyed_at(&clock).await;
    let address = &keyed.app.address;
    let mut used = Browser::signed_in(address, &keyed.keys["editor"]).await;
    let mut unused = Browser::signed_in(address, &keyed.keys["editor"]).await;
    assert_eq!(used.session().await["n_sessions"], 2);
    for minutes in [100, 119, 120, 200, 300, 400, 500, 600, 700, 719] {
        clock.set(start + SignedDuration::from_mins(minutes));
        assert_eq!(used.get("/v1/faqs").await.status, 200, "{minutes}");
        if minutes == 120 {
            assert_eq!(unused.get("/v1/faqs").await.status, 401);
            assert_eq!(used.session().await["n_sessions"], 1);
        }
    }
    clock.set(start + SignedDuration::from_mins(720));
    assert_eq!(used.get("/v1/faqs").await.status, 401);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_out_ends_this_session_or_all() {
    let keyed = Keyed::start().await;
    let address = &keyed.app.address;
    let mut browsers = Vec::new();
    for _ in 0..3 {
        browsers.push(Browser::signed_in(address, &keyed.keys["editor"]).await);
    }
    let mut agent = Browser::signed_in(address, &keyed.keys["agent"]).await;
    let [first, second, third] = browsers.as_mut_slice() else {
        unreachable!("there are three");
    };
    let stolen = first.token().to_owned();
    let reply = first
        .change(Method::DELETE, "/v1/session", Value::Null)
        .await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body),
        (200, &json!({ "n_ended": 1 }))
    );
    assert_eq!(
        reply.cookies(),
        ["ken_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"]
    );
    first.cookies.insert("ken_session".into(), stolen);
    assert_eq!(first.get("/v1/faqs").await.status, 401);
    let again = first
        .change(Method::DELETE, "/v1/session", Value::Null)
        .await;
    assert_eq!(
        (again.status.as_u16(), &again.body["n_ended"]),
        (200, &json!(0))
    );
    assert_eq!(second.session().await["n_sessions"], 2);
    const EVERYWHERE: &str = "/v1/session?everywhere=true";
    let reply = second.change(Method::DELETE, EVERYWHERE, Value::Null).await;
    assert_eq!(reply.body, json!({ "n_ended": 2 }));
    assert_eq!(third.get("/v1/faqs").await.status, 401);
    assert_eq!(agent.get("/v1/faqs").await.status, 200, "another key");
    let again = third.change(Method::DELETE, EVERYWHERE, Value::Null).await;
    assert_eq!(again.status, 401, "nobody in particular");
    // Signing in again replaces the session of the browser.
    let former = agent.token().to_owned();
    agent.sign_in(&keyed.keys["agent"]).await;
    assert_eq!(agent.session().await["n_sessions"], 1);
    agent.cookies.insert("ken_session".into(), former);
    assert_eq!(agent.get("/v1/faqs").await.status, 401);
    let admin = Some(keyed.keys["admin"].as_str());
    let (_, audit) = keyed
        .send(Method::GET, "/v1/audit", admin, None, None)
        .await;
    let actor = format!("editor ({})", id_of(&keyed.keys["editor"]));
    let ended: Vec<&Value> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["action"] == "session.delete" && entry["actor"] == actor)
        .map(|entry| &entry["after"]["everywhere"])
        .collect();
    assert_eq!(ended, [true, false], "{audit}");
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_survives_restart_and_store_has_no_token() {
    let keyed = Keyed::start().await;
    let mut browser = Browser::signed_in(&keyed.app.address, &keyed.keys["editor"]).await;
    let token = browser.token().to_owned();
    let folder = keyed.app.stop().await;
    if crate::postgres::chosen().is_none() {
        for entry in std::fs::read_dir(folder.path().join("data")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let has_token = bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes());
            assert!(!has_token, "the token is in the store");
        }
    }
    let app = TestApp::start_in(folder, |_| {}).await;
    browser.address.clone_from(&app.address);
    assert_eq!(browser.session().await["role"], "editor");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_without_keys_needs_no_sign_in() {
    let app = TestApp::start_with(|config| {
        config.http.cors_origins = vec!["https://help.example.com".to_owned()];
    })
    .await;
    let mut browser = Browser::at(&app);
    let session = browser.session().await;
    let all = json!([
        "ask", "read", "write", "cases", "review", "serve", "manage", "operate"
    ]);
    assert_eq!(
        (
            &session["signed_in"],
            &session["needs_sign_in"],
            &session["role"],
            &session["rights"]
        ),
        (&json!(false), &json!(false), &json!("operator"), &all)
    );
    assert_eq!(session["methods"], json!([]));
    let reply = browser.sign_in("ken_a_b").await;
    assert_eq!(
        (reply.status.as_u16(), reply.cookies().len()),
        (409, 0),
        "{}",
        reply.body
    );
    // Every caller is an operator, so a page of another site must not make the browser call.
    for (site, origin, expected) in [
        ("cross-site", "https://evil.example", 403),
        ("cross-site", "https://help.example.com", 201),
        ("same-origin", "http://localhost", 200),
    ] {
        let put = browser.request(Method::PUT, "/v1/documents/d");
        let put = put.json(&json!({ "text": "可以退貨。" }));
        let put = put.header("sec-fetch-site", site).header("origin", origin);
        let reply = browser.send(put).await;
        assert_eq!(reply.status, expected, "{site} {origin}: {}", reply.body);
    }
    // An old cookie does not get in the way.
    browser.cookies.insert("ken_session".into(), "0".repeat(64));
    assert_eq!(browser.get("/v1/faqs").await.status, 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cross_origin_replies_never_allow_credentials() {
    let app = TestApp::start_with(|config| {
        config.http.cors_origins = vec!["https://help.example.com".to_owned()];
    })
    .await;
    let keyed = Keyed::on(app).await;
    let mut browser = Browser::signed_in(&keyed.app.address, &keyed.keys["editor"]).await;
    for (method, path) in [
        (Method::OPTIONS, "/v1/documents/d"),
        (Method::OPTIONS, "/v1/session"),
        (Method::GET, "/v1/session"),
        (Method::GET, "/v1/faqs"),
        (Method::PUT, "/v1/documents/d"),
    ] {
        let request = browser
            .request(method.clone(), path)
            .json(&json!({ "text": "x" }));
        let request = request
            .header("origin", "https://help.example.com")
            .header("x-ken-console", "1")
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "x-ken-console");
        let reply = browser.send(request).await;
        let has = |name: &str| reply.headers.contains_key(name);
        assert!(has("access-control-allow-origin"), "{method} {path}");
        assert!(!has("access-control-allow-credentials"), "{method} {path}");
        let allowed = reply.headers.get("access-control-allow-headers");
        let allowed = allowed.map_or("", |value| value.to_str().unwrap());
        assert!(
            !allowed.contains("x-ken-console"),
            "{method} {path}: {allowed}"
        );
        if method == Method::PUT {
            assert_eq!(reply.status, 403, "listed origins need a key");
        }
    }
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_from_one_address_are_limited() {
    let keyed = Keyed::start().await;
    let mut browser = Browser::signed_in(&keyed.app.address, &keyed.keys["editor"]).await;
    let mut refused = None;
    for _ in 0..100 {
        let reply = Browser::at(&keyed.app).sign_in("ken_nobody_00").await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
        assert_eq!(reply.status, 401);
    }
    let refused = refused.expect("at most 60 a minute are allowed");
    assert!(refused.headers.contains_key("retry-after"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("too many sign-ins"), "{detail}");
    assert_eq!(
        browser.get("/v1/faqs").await.status,
        200,
        "sessions continue"
    );
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookie_is_bound_to_host_and_tls_behind_https() {
    let app = TestApp::start_with(|config| {
        config.http.public_url = "https://ken.example.com".to_owned();
    })
    .await;
    let keyed = Keyed::on(app).await;
    let mut browser = Browser::at(&keyed.app);
    let reply = browser.sign_in(&keyed.keys["editor"]).await;
    let token = browser.cookies["__Host-ken_session"].clone();
    assert_eq!(
        reply.cookies(),
        [format!(
            "__Host-ken_session={token}; Path=/; HttpOnly; SameSite=Strict; Secure"
        )]
    );
    // A proxy may change the host of the request.
    let request = browser
        .request(Method::POST, "/v1/search")
        .json(&json!({ "question": "x" }));
    let request = request.header("x-ken-console", "1");
    let reply = browser
        .send(request.header("origin", "https://ken.example.com"))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    // A cookie that was not sent over TLS does not count.
    browser.cookies = BTreeMap::from([("ken_session".to_owned(), token)]);
    assert_eq!(browser.get("/v1/faqs").await.status, 401);
    keyed.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_contain_neither_key_nor_token() {
    let folder = tempfile::tempdir().unwrap();
    let made = ken(folder.path())
        .args(["keys", "create", "--role", "operator", "--name", "root"])
        .output();
    let key = String::from_utf8(made.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned();
    let log = folder.path().join("log");
    let mut command = ken(folder.path());
    command
        .env("KEN_LOG__FILTER", "debug")
        .stderr(File::create(&log).unwrap());
    let (mut child, address, _printed) = serve_with(command);
    let mut browser = Browser::signed_in(&address, &key).await;
    assert_eq!(browser.get("/v1/faqs").await.status, 200);
    assert_eq!(
        Browser::new(&address)
            .sign_in(&format!("{key}0"))
            .await
            .status,
        401
    );
    let token = browser.token().to_owned();
    let out = browser
        .change(Method::DELETE, "/v1/session", Value::Null)
        .await;
    assert_eq!(out.status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("/v1/session"), "requests are logged: {log}");
    let secret = key.rsplit('_').next().unwrap();
    assert!(!log.contains(secret) && !log.contains(&token));
}

/// A service on whose console people sign in at a provider, and their browser.
async fn console_of(provider: &Provider) -> (TestApp, Browser) {
    let app = TestApp::start_with(|config| {
        config.auth.issuer = provider.issuer.clone();
        config.auth.audience = "ken".to_owned();
        config.auth.client_id = CLIENT_ID.to_owned();
        config.auth.client_secret = Some(ken_base::config::Secret::new(CLIENT_SECRET));
    })
    .await;
    let browser = Browser::at(&app);
    (app, browser)
}

impl Browser {
    /// Signs in at the provider, up to the address that it leads back to. Returns the path and query of that address.
    async fn go_to_provider(&mut self, next: &str) -> String {
        let reply = self.get(&format!("/v1/session/oidc?next={next}")).await;
        let at_provider = self.client.get(reply.location()).send().await.unwrap();
        let status = at_provider.status();
        let back = at_provider.headers().get(LOCATION).cloned();
        let text = at_provider.text().await.unwrap();
        let back = back.unwrap_or_else(|| panic!("{status} {text}"));
        let back = back.to_str().unwrap();
        assert!(back.starts_with(&self.address), "{back}");
        back[self.address.len()..].to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn person_signs_in_at_provider() {
    let provider = Provider::start().await;
    let (app, mut browser) = console_of(&provider).await;
    let nobody = browser.session().await;
    assert_eq!(
        (&nobody["needs_sign_in"], &nobody["methods"]),
        (&json!(true), &json!(["oidc"]))
    );
    let back = browser.go_to_provider("/documents%3Fpage%3D2").await;
    let reply = browser.get(&back).await;
    assert_eq!(reply.location(), "/documents?page=2");
    let token = browser.token();
    assert_eq!(
        reply.cookies(),
        [
            format!("ken_session={token}; Path=/; HttpOnly; SameSite=Strict"),
            "ken_sign_in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0".to_owned()
        ]
    );
    let expected = json!({
        "signed_in": true, "needs_sign_in": true, "methods": ["oidc"], "name": "amy", "actor": "amy (oidc)",
        "role": "editor", "workspace": "a", "rights": ["ask", "read", "write", "review"], "n_sessions": 1,
    });
    assert_eq!(browser.session().await, expected);
    let text = json!({ "text": "可以退貨。" });
    let put = browser
        .change(Method::PUT, "/v1/documents/d", text.clone())
        .await;
    assert_eq!(put.status, 201, "{}", put.body);
    let put = browser.request(Method::PUT, "/v1/documents/d").json(&text);
    assert_eq!(browser.send(put).await.status, 403, "without the header");
    let elsewhere = browser
        .request(Method::GET, "/v1/faqs")
        .header("x-ken-workspace", "b");
    assert_eq!(browser.send(elsewhere).await.status, 403);
    let operator = provider.token(|claims| {
        claims["ken_role"] = json!("operator");
        claims["ken_workspace"] = Value::Null;
    });
    let audit = browser.client.get(format!("{}/v1/audit", app.address));
    let audit = audit.header("x-ken-workspace", "a").bearer_auth(&operator);
    let audit: Value = audit.send().await.unwrap().json().await.unwrap();
    let created = &audit["entries"][1];
    assert_eq!(
        (&created["action"], &created["actor"], &created["subject"]),
        (
            &json!("session.create"),
            &json!("amy (oidc)"),
            &json!("oidc amy")
        ),
        "{audit}"
    );
    // Sign-out everywhere ends all sessions of the person.
    let mut other = Browser::at(&app);
    let back = other.go_to_provider("/").await;
    assert_eq!(other.get(&back).await.location(), "/");
    let out = browser
        .change(Method::DELETE, "/v1/session?everywhere=true", Value::Null)
        .await;
    assert_eq!(out.body, json!({ "n_ended": 2 }));
    assert_eq!(other.get("/v1/faqs").await.status, 401);
    // Without the provider, its sessions are invalid.
    let back = other.go_to_provider("/").await;
    assert_eq!(other.get(&back).await.location(), "/");
    let made = other
        .client
        .post(format!("{}/v1/keys", app.address))
        .bearer_auth(&operator);
    let made = made
        .json(&json!({ "role": "operator", "name": "root" }))
        .send();
    assert_eq!(made.await.unwrap().status(), 200);
    let app = TestApp::start_in(app.stop().await, |_| {}).await;
    other.address.clone_from(&app.address);
    assert_eq!(other.get("/v1/faqs").await.status, 401);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authorization_request_uses_pkce_and_state_cookie() {
    let provider = Provider::start().await;
    let (app, mut browser) = console_of(&provider).await;
    let reply = browser.get("/v1/session/oidc").await;
    let url = Url::parse(reply.location()).unwrap();
    let parameters: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let names: Vec<&str> = parameters.keys().map(String::as_str).collect();
    let expected = "client_id code_challenge code_challenge_method nonce redirect_uri response_type scope state tenant";
    assert_eq!(names.join(" "), expected);
    assert_eq!(
        parameters["redirect_uri"],
        format!("{}/v1/session/oidc/callback", app.address)
    );
    let state = &parameters["state"];
    assert_eq!(
        reply.cookies(),
        [format!(
            "ken_sign_in={state}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"
        )]
    );
    let again = browser.get("/v1/session/oidc").await;
    assert!(!again.location().contains(&parameters["nonce"]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_does_not_lead_to_another_site() {
    let provider = Provider::start().await;
    let (app, mut browser) = console_of(&provider).await;
    for next in [
        "https%3A%2F%2Fevil.example%2F",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2F%09%2Fevil.example",
        "%2Fa%0D%0Aset-cookie%3A+x%3D1",
        "javascript%3Aalert(1)",
        "evil",
        "",
    ] {
        let reply = browser.get(&format!("/v1/session/oidc?next={next}")).await;
        assert_eq!(reply.status, 422, "{next}: {}", reply.body);
        assert_eq!(reply.body["errors"][0]["pointer"], "?next");
        assert!(!reply.headers.contains_key(LOCATION) && reply.cookies().is_empty());
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_or_repeated_callback_is_refused() {
    let provider = Provider::start().await;
    let (app, mut browser) = console_of(&provider).await;
    let refused = |reply: &Reply, code: &str| {
        assert_eq!(reply.location(), format!("/?sign_in_error={code}"));
        let cookies = reply.cookies();
        assert!(
            !cookies
                .iter()
                .any(|cookie| cookie.starts_with("ken_session")),
            "{cookies:?}"
        );
    };
    const BACK: &str = "/v1/session/oidc/callback";
    // Without a sign-in, with a forged state, and with the state in the cookie but unknown to the service.
    refused(&browser.get(BACK).await, "expired");
    refused(
        &browser.get(&format!("{BACK}?state=&code=x")).await,
        "expired",
    );
    let forged = "f".repeat(64);
    browser.go_to_provider("/").await;
    refused(
        &browser.get(&format!("{BACK}?state={forged}&code=x")).await,
        "expired",
    );
    browser.cookies.insert("ken_sign_in".into(), forged.clone());
    refused(
        &browser.get(&format!("{BACK}?state={forged}&code=x")).await,
        "expired",
    );
    // In another browser, as when somebody is led to sign in as the attacker.
    let back = browser.go_to_provider("/").await;
    let mut victim = Browser::at(&app);
    refused(&victim.get(&back).await, "expired");
    victim.go_to_provider("/").await;
    refused(&victim.get(&back).await, "expired");
    assert_eq!(
        provider.n_exchanges(),
        0,
        "no code was sent to the provider"
    );
    // The same callback again, with the cookie of the first time.
    let sign_in = browser.cookies["ken_sign_in"].clone();
    assert_eq!(browser.get(&back).await.location(), "/");
    browser.cookies.insert("ken_sign_in".into(), sign_in);
    refused(&browser.get(&back).await, "expired");
    assert_eq!(provider.n_exchanges(), 1);
    // A used code in a new sign-in: the provider rejects it.
    let code = back
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let mut other = Browser::at(&app);
    other.go_to_provider("/").await;
    let state = other.cookies["ken_sign_in"].clone();
    refused(
        &other
            .get(&format!("{BACK}?state={state}&code={code}"))
            .await,
        "unavailable",
    );
    // A code that the provider issued for another sign-in: the verifier does not match.
    let back = browser.go_to_provider("/").await;
    let code = back
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    other.go_to_provider("/").await;
    let state = other.cookies["ken_sign_in"].clone();
    refused(
        &other
            .get(&format!("{BACK}?state={state}&code={code}"))
            .await,
        "unavailable",
    );
    // The person declines.
    other.go_to_provider("/").await;
    let state = other.cookies["ken_sign_in"].clone();
    refused(
        &other
            .get(&format!("{BACK}?state={state}&error=access_denied"))
            .await,
        "refused",
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_id_token_does_not_sign_in() {
    let provider = Provider::start().await;
    let (app, mut browser) = console_of(&provider).await;
    for claims in [
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "aud": "ken" }),
        json!({ "aud": ["console", "other"], "azp": "other" }),
        json!({ "iss": "http://other" }),
        json!({ "exp": 1 }),
        json!({ "ken_role": "king" }),
        json!({ "ken_workspace": null }),
        json!({ "ken_role": "operator" }),
    ] {
        provider.set_claims(claims.clone());
        let back = browser.go_to_provider("/").await;
        let reply = browser.get(&back).await;
        assert_eq!(reply.location(), "/?sign_in_error=refused", "{claims}");
        assert_eq!(browser.session().await["signed_in"], false, "{claims}");
    }
    provider.set_claims(json!({ "aud": ["console", "other"], "azp": "console" }));
    let back = browser.go_to_provider("/").await;
    assert_eq!(browser.get(&back).await.location(), "/");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_callback_and_missing_provider_are_reported() {
    let provider = Provider::start().await;
    let clock = Clock::fixed(jiff::Timestamp::now());
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut config = config_in(folder.path());
    config.auth.issuer.clone_from(&provider.issuer);
    config.auth.audience = "ken".to_owned();
    config.auth.client_id = CLIENT_ID.to_owned();
    config.auth.client_secret_file = Some(folder.path().join("secret"));
    std::fs::write(folder.path().join("secret"), format!("{CLIENT_SECRET}\n")).unwrap();
    let encoder = tokio::task::spawn_blocking(embedder).await.unwrap();
    let app = App::build_at(config, encoder, clock.clone()).await.unwrap();
    let app = TestApp::serve(Arc::new(app), folder).await;
    let mut browser = Browser::at(&app);
    let back = browser.go_to_provider("/").await;
    clock.set(clock.now() + SignedDuration::from_mins(10));
    assert_eq!(
        browser.get(&back).await.location(),
        "/?sign_in_error=expired"
    );
    let back = browser.go_to_provider("/").await;
    assert_eq!(browser.get(&back).await.location(), "/");
    app.stop().await;
    let app = TestApp::start_with(|config| {
        config.auth.issuer = "http://127.0.0.1:1".to_owned();
        config.auth.audience = "ken".to_owned();
        config.auth.client_id = CLIENT_ID.to_owned();
    })
    .await;
    let mut browser = Browser::at(&app);
    let reply = browser.get("/v1/session/oidc").await;
    assert_eq!(reply.location(), "/?sign_in_error=unavailable");
    app.stop().await;
    // Tokens of the provider are accepted, but Ken is no client of it.
    let app = TestApp::start_with(|config| {
        config.auth.issuer.clone_from(&provider.issuer);
        config.auth.audience = "ken".to_owned();
    })
    .await;
    let mut browser = Browser::at(&app);
    assert_eq!(browser.session().await["methods"], json!([]));
    for path in [
        "/v1/session/oidc",
        "/v1/session/oidc/callback?state=x&code=x",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    app.stop().await;
}
