use super::*;

const AES: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const NOW: i64 = 1_700_000_000;

fn credentials(is_secure: bool) -> Credentials {
    let pairs = [
        (APP_ID, "wx1"),
        (APP_SECRET, "s3cret"),
        (TOKEN, "t0ken"),
        (ACCESS_TOKEN, "a/b"),
        (AES_KEY, if is_secure { AES } else { "" }),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn xml(kind: &str, more: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>{NOW}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{more}</xml>"
    )
}

type Pairs = Vec<(String, String)>;

fn query(pairs: &[(&str, &str)]) -> Pairs {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn signed(is_secure: bool, body: &str) -> (Pairs, String) {
    let stamp = NOW.to_string();
    let plain = signature(&["t0ken", &stamp, "n"]);
    let pairs = [
        ("timestamp", stamp.as_str()),
        ("nonce", "n"),
        ("signature", &plain),
    ];
    if !is_secure {
        return (query(&pairs), body.to_owned());
    }
    let (encrypted, _) = Key::of(AES).unwrap().encrypt(body, "wx1", "s");
    let of_body = signature(&["t0ken", &stamp, "n", &encrypted]);
    let mut pairs = query(&pairs);
    pairs.extend(query(&[
        ("encrypt_type", "aes"),
        ("msg_signature", &of_body),
    ]));
    let body = format!(
        "<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    );
    (pairs, body)
}

fn webhook<'a>(query: &'a [(String, String)], body: &'a str, now: i64) -> Webhook<'a> {
    Webhook {
        is_get: false,
        url: "",
        query,
        headers: &[],
        body: body.as_bytes(),
        now: Timestamp::from_second(now).unwrap(),
    }
}

fn received(is_secure: bool, body: &str) -> Result<Event, Rejection> {
    let (query, body) = signed(is_secure, body);
    let webhook = webhook(&query, &body, NOW);
    match Wechat.receive(&credentials(is_secure), &webhook)? {
        Delivered::Events(mut events) => Ok(events.remove(0)),
        other => panic!("{other:?}"),
    }
}

fn parts(kind: &str, more: &str) -> Vec<Content> {
    match received(true, &xml(kind, more)).unwrap().what {
        EventKind::Message { parts, .. } => parts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_arrives_in_both_modes() {
    for is_secure in [false, true] {
        let text = xml(
            "text",
            "<Content><![CDATA[可以退貨嗎？]]></Content><MsgId>23</MsgId>",
        );
        let found = received(is_secure, &text).unwrap();
        assert_eq!(found.id, "23");
        assert_eq!(found.at.unwrap().as_second(), NOW);
        let message = EventKind::Message {
            from: Person::of("o1"),
            parts: vec![Content::Text("可以退貨嗎？".into())],
            reply_token: Some("23".into()),
            revision: None,
        };
        assert_eq!(found.what, message);
    }
}

#[test]
fn forged_and_old_requests_are_refused() {
    for is_secure in [false, true] {
        let (query, body) = signed(is_secure, &xml("text", "<MsgId>1</MsgId>"));
        let credentials = credentials(is_secure);
        let at = |now| Wechat.receive(&credentials, &webhook(&query, &body, now));
        assert!(at(NOW + 300).is_ok() && at(NOW - 300).is_ok());
        assert_eq!(at(NOW + 301), Err(Rejection::Stale(301)));
        for name in ["timestamp", "nonce", "signature", "msg_signature"] {
            let mut other = query.clone();
            let Some(pair) = other.iter_mut().find(|(known, _)| known == name) else {
                continue;
            };
            pair.1.push('1');
            let found = Wechat.receive(&credentials, &webhook(&other, &body, NOW));
            // In secure mode the other signature counts.
            assert_eq!(found.is_ok(), is_secure && name == "signature", "{name}");
        }
    }
    let (query, body) = signed(true, &xml("text", ""));
    let none = Wechat.receive(&credentials(false), &webhook(&query, &body, NOW));
    assert_eq!(none, Err(Rejection::NoCredential(AES_KEY)));
    // A plain request to an inbox in secure mode: its body is signed by nobody.
    let (query, body) = signed(false, &xml("text", "<MsgId>1</MsgId>"));
    let plain = Wechat.receive(&credentials(true), &webhook(&query, &body, NOW));
    assert!(matches!(plain, Err(Rejection::Forged(_))));
}

#[test]
fn address_is_confirmed_in_both_modes() {
    let stamp = NOW.to_string();
    let ask = |pairs: Vec<(&str, &str)>, is_secure| {
        let query = query(&pairs);
        let webhook = Webhook {
            is_get: true,
            ..webhook(&query, "", NOW)
        };
        Wechat.receive(&credentials(is_secure), &webhook)
    };
    let confirmed = Ok(Delivered::Challenge("42".into()));
    let plain = signature(&["t0ken", &stamp, "n"]);
    let of_plain = vec![
        ("timestamp", stamp.as_str()),
        ("nonce", "n"),
        ("signature", &plain),
        ("echostr", "42"),
    ];
    assert_eq!(ask(of_plain.clone(), false), confirmed);
    assert_eq!(ask(of_plain, true), confirmed);
    let (encrypted, _) = Key::of(AES).unwrap().encrypt("42", "wx1", "s");
    let sealed = signature(&["t0ken", &stamp, "n", &encrypted]);
    let of_sealed = vec![
        ("timestamp", stamp.as_str()),
        ("nonce", "n"),
        ("msg_signature", &sealed),
        ("echostr", &encrypted),
    ];
    assert_eq!(ask(of_sealed, true), confirmed);
    let forged = vec![
        ("timestamp", stamp.as_str()),
        ("nonce", "n"),
        ("signature", "x"),
        ("echostr", "42"),
    ];
    assert!(matches!(ask(forged, true), Err(Rejection::Forged(_))));
}

#[test]
fn other_messages_become_parts() {
    let media = |kind: &str, media_type: Option<&str>| Content::Media {
        kind: kind.to_owned(),
        id: "m1".to_owned(),
        name: None,
        media_type: media_type.map(str::to_owned),
    };
    assert_eq!(
        parts(
            "voice",
            "<MediaId>m1</MediaId><Format>amr</Format><Recognition>可以退貨嗎</Recognition>"
        ),
        [
            Content::Text("可以退貨嗎".into()),
            media("audio", Some("audio/amr"))
        ]
    );
    assert_eq!(
        parts("image", "<MediaId>m1</MediaId><PicUrl>http://x</PicUrl>"),
        [media("image", None)]
    );
    assert_eq!(
        parts(
            "location",
            "<Location_X>25.03</Location_X><Location_Y>121.5</Location_Y>"
        ),
        [Content::Location(25.03, 121.5)]
    );
    assert_eq!(
        parts("link", "<Title>t</Title><Url>https://x</Url>"),
        [Content::Text("t\nhttps://x".into())]
    );
}

#[test]
fn events_are_named_by_sender_time_and_kind() {
    let event = |name: &str, more: &str| {
        let body = xml("event", &format!("<Event>{name}</Event>{more}"));
        received(true, &body).unwrap()
    };
    let found = event("subscribe", "");
    assert_eq!(found.id, format!("o1:{NOW}:subscribe"));
    assert!(matches!(
        found.what,
        EventKind::Consent { granted: true, .. }
    ));
    assert!(matches!(
        event("unsubscribe", "").what,
        EventKind::Consent { granted: false, .. }
    ));
    let click = event("CLICK", "<EventKey>退貨</EventKey>").what;
    assert!(
        matches!(click, EventKind::Message { parts, .. } if parts == [Content::Text("退貨".into())])
    );
    let other = event("VIEW", "<EventKey>https://x</EventKey>").what;
    assert_eq!(other, EventKind::Ignored("view".into()));
}

#[test]
fn reply_is_in_the_response_and_the_rest_is_pushed() {
    let message = Outgoing {
        to: "o1".into(),
        texts: vec!["一".into(), "哪一個？".into()],
        choices: vec!["退貨".into(), "換貨".into()],
        ..Outgoing::default()
    };
    let calls = |way| Wechat.calls(&credentials(true), &message, &way);
    assert_eq!(calls(Way::Push).len(), 2);
    let rest = calls(Way::Reply("23".into()));
    assert_eq!(rest.len(), 1);
    assert_eq!(
        rest[0].path,
        "/cgi-bin/message/custom/send?access_token=a%2Fb"
    );
    let body = rest[0].json().unwrap();
    assert_eq!(body["msgmenu"]["list"][1]["content"], "換貨");
    for is_secure in [false, true] {
        let (query, body) = signed(is_secure, &xml("text", "<MsgId>23</MsgId>"));
        let webhook = webhook(&query, &body, NOW);
        let credentials = credentials(is_secure);
        let respond = |text| Wechat.response(&credentials, &webhook, text, &[]);
        assert_eq!(respond(None).body, "success");
        let written = respond(Some("可以 ]]> <退貨>"));
        assert_eq!(respond(Some("可以 ]]> <退貨>")), written);
        let mut found = fields(&written.body).unwrap();
        if is_secure {
            let of_body = signature(&[
                "t0ken",
                &found["TimeStamp"],
                &found["Nonce"],
                &found["Encrypt"],
            ]);
            assert_eq!(found["MsgSignature"], of_body);
            let plain = Key::of(AES).unwrap().decrypt(&found["Encrypt"], "wx1");
            found = fields(&plain.unwrap()).unwrap();
        }
        assert_eq!(found["ToUserName"], "o1");
        assert_eq!(found["FromUserName"], "gh_1");
        assert_eq!(found["Content"], "可以 ]]> <退貨>");
    }
}

fn replied(body: &str) -> PlatformReply<'_> {
    PlatformReply {
        status: 200,
        retry_after: None,
        body: body.as_bytes(),
    }
}

#[test]
fn errors_say_what_to_do() {
    let outcome = |code: i64| Wechat.outcome(&replied(&format!(r#"{{"errcode":{code}}}"#)));
    let give_up = |code: &str| Outcome::GiveUp(code.to_owned());
    assert_eq!(outcome(0), Outcome::Accepted);
    assert!(matches!(outcome(-1), Outcome::Retry(..)));
    assert!(matches!(outcome(45_009), Outcome::Retry(..)));
    for code in [40_001, 40_014, 42_001] {
        assert_eq!(outcome(code), Outcome::AccessExpired);
    }
    assert_eq!(outcome(45_015), give_up("window_closed"));
    assert_eq!(outcome(45_047), give_up("quota_used"));
    assert_eq!(outcome(45_002), give_up("errcode_45002"));
    assert!(matches!(outcome(40_164), Outcome::Reconnect(_)));
    let list = Wechat.outcome(&replied(r#"{"ip_list":["1.2.3.4"]}"#));
    assert_eq!(list, Outcome::Accepted);
}

#[test]
fn access_token_is_read_with_its_time() {
    let call = Wechat.token_call(&credentials(true)).unwrap();
    assert_eq!(call.json().unwrap()["appid"], "wx1");
    let of = |body: &str| Wechat.token_of(&replied(body));
    let found = of(r#"{"access_token":"a","expires_in":7200}"#);
    assert_eq!(found, Ok(("a".to_owned(), Duration::from_secs(7_200))));
    assert!(matches!(
        of(r#"{"errcode":40001}"#),
        Err(Outcome::Reconnect(_))
    ));
    assert!(matches!(of("{}"), Err(Outcome::GiveUp(_))));
}

#[test]
fn media_is_the_file_or_a_pointer() {
    let found = Wechat.media_call(&credentials(true), "m&1").unwrap();
    assert_eq!(
        found.call.path,
        "/cgi-bin/media/get?access_token=a%2Fb&media_id=m%261"
    );
    let step = |body: &str| Wechat.media_step(&credentials(true), &replied(body));
    assert_eq!(step("\u{ff}\u{d8}bytes"), Ok(MediaStep::File));
    let pointer = step(r#"{"video_url":"http://v.example/a?b"}"#);
    assert!(
        matches!(pointer, Ok(MediaStep::Next(next)) if next.address.as_deref() == Some("https://v.example"))
    );
    assert_eq!(step(r#"{"errcode":42001}"#), Err(Outcome::AccessExpired));
    assert!(matches!(
        step(r#"{"errcode":40007}"#),
        Err(Outcome::GiveUp(_))
    ));
}
