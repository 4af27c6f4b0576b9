use super::*;
use jiff::Timestamp;

const URL: &str = "https://ken.example/v1/inboxes/phone/webhook?workspace=shop";

fn credentials() -> Credentials {
    let pairs = [
        (ACCOUNT, "AC1"),
        (TOKEN, "12345"),
        (LANGUAGE, "zh-TW"),
        (SPEECH, "cmn-Hant-TW"),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// A signed request, with what borrows from it.
struct Request {
    url: String,
    query: Fields,
    headers: Fields,
    body: String,
}

fn request(url: &str, pairs: &[(&str, &str)]) -> Request {
    let body: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let signed: String = sorted
        .iter()
        .flat_map(|(name, value)| [*name, *value])
        .collect();
    let signature = base64(&hmac_sha1("12345", &[url.as_bytes(), signed.as_bytes()]));
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let headers = [
        (
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ),
        ("x-twilio-signature", &signature),
    ];
    Request {
        url: url.to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body,
    }
}

impl Request {
    fn webhook(&self) -> Webhook<'_> {
        Webhook {
            is_get: false,
            url: &self.url,
            query: &self.query,
            headers: &self.headers,
            body: self.body.as_bytes(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn received(&self) -> Result<Event, Rejection> {
        match Twilio.receive(&credentials(), &self.webhook())? {
            Delivered::Events(mut events) => Ok(events.remove(0)),
            other => panic!("{other:?}"),
        }
    }

    fn response(&self, text: Option<&str>) -> String {
        let found = Twilio.response(&credentials(), &self.webhook(), text, &[]);
        assert_eq!(found.content_type, "text/xml; charset=utf-8");
        let head = r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#;
        let verbs = found.body.strip_prefix(head).unwrap();
        verbs.strip_suffix("</Response>").unwrap().to_owned()
    }
}

/// The example of Twilio's document "Webhooks security".
#[test]
fn signature_equals_the_published_example() {
    let url = "https://example.com/myapp.php?foo=1&bar=2";
    let pairs = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ];
    let found = request(url, &pairs);
    assert_eq!(found.headers[1].1, "L/OH5YylLD5NRKLltdqwSvS0BnU=");
    assert!(found.received().is_ok());
}

#[test]
fn forged_requests_are_refused() {
    let pairs = [("CallSid", "CA1"), ("SpeechResult", "可以退貨嗎")];
    let good = request(URL, &pairs);
    assert!(good.received().is_ok());
    let forged = |change: fn(&mut Request)| {
        let mut other = request(URL, &pairs);
        change(&mut other);
        matches!(other.received(), Err(Rejection::Forged(_)))
    };
    assert!(forged(|other| other.url.push_str("&turn=9")));
    assert!(forged(|other| other.body.push_str("&From=%2B8869")));
    assert!(forged(|other| other.headers[1].1 = "x".to_owned()));
    assert!(forged(|other| {
        other.headers.remove(1);
    }));
    // Not a form: the body is not signed then, unless by its hash.
    assert!(forged(|other| other.headers[0].1 = "text/plain".to_owned()));
}

#[test]
fn address_may_have_a_port_or_not() {
    let pairs = [("CallSid", "CA1")];
    for (signed, called) in [
        ("https://ken.example:443/a?b=c", "https://ken.example/a?b=c"),
        ("https://ken.example/a", "https://ken.example:8443/a"),
        ("http://ken.example:80", "http://ken.example"),
        ("https://ken.example:8443/a", "https://ken.example:8443/a"),
    ] {
        let mut of = request(signed, &pairs);
        of.url = called.to_owned();
        assert!(of.received().is_ok(), "{signed} {called}");
    }
    let mut other = request("https://ken.example:444/a", &pairs);
    other.url = "https://ken.example/a".to_owned();
    assert!(other.received().is_err());
}

#[test]
fn body_of_another_type_is_signed_by_its_hash() {
    let body = r#"{"CallSid":"CA1"}"#;
    let url = format!("{URL}&bodySHA256={}", hex(&sha256(body.as_bytes())));
    let of = |body: &str| {
        let mut of = request(&url, &[]);
        of.headers[0].1 = "application/json".to_owned();
        of.body = body.to_owned();
        of.received()
    };
    // It is signed, but not what Ken reads.
    assert!(matches!(of(body), Err(Rejection::Malformed(_))));
    assert!(matches!(of("{}"), Err(Rejection::Forged(_))));
}

#[test]
fn speech_is_a_message_and_the_number_a_claim() {
    let pairs = [
        ("CallSid", "CA1"),
        ("CallStatus", "in-progress"),
        ("From", "+886912345678"),
        ("SpeechResult", " 可以退貨嗎 "),
        ("Confidence", "0.93"),
    ];
    let found = request(&format!("{URL}&turn=2"), &pairs)
        .received()
        .unwrap();
    assert_eq!(found.id, "CA1:2");
    let EventKind::Message {
        from,
        parts,
        reply_token,
        ..
    } = found.what
    else {
        panic!("a message")
    };
    assert_eq!(from.user_id, "CA1");
    assert_eq!(from.phone, None);
    assert_eq!(from.shown_phone.as_deref(), Some("+886912345678"));
    assert_eq!(parts, [Content::Text("可以退貨嗎".into())]);
    assert_eq!(reply_token.as_deref(), Some("CA1:2"));
    for hidden in ["anonymous", "client:mei", "+", "+12"] {
        let pairs = [("CallSid", "CA1"), ("From", hidden), ("SpeechResult", "x")];
        let found = request(URL, &pairs).received().unwrap().what;
        assert!(
            matches!(found, EventKind::Message { from, .. } if from.shown_phone.is_none()),
            "{hidden}"
        );
    }
}

#[test]
fn call_is_answered_turn_by_turn() {
    let call = [("CallSid", "CA1"), ("CallStatus", "in-progress")];
    let first = request(URL, &call);
    assert_eq!(
        first.received().unwrap().what,
        EventKind::Ignored("silence".into())
    );
    assert_eq!(
        first.response(None),
        r#"<Gather input="speech" method="POST" speechTimeout="auto" action="https://ken.example/v1/inboxes/phone/webhook?workspace=shop&amp;turn=1" timeout="10" language="cmn-Hant-TW"></Gather>"#
    );
    let url = format!("{URL}&turn=1");
    let said = request(&url, &[call[0], call[1], ("SpeechResult", "可以退貨嗎")]);
    let wait = said.response(None);
    assert_eq!(
        wait,
        r#"<Pause length="1"/><Redirect method="POST">https://ken.example/v1/inboxes/phone/webhook?workspace=shop&amp;turn=1&amp;wait=1</Redirect>"#
    );
    let again = request(&format!("{url}&wait=1"), &call);
    let found = again.received().unwrap();
    assert!(matches!(&found.what, EventKind::Poll { reply_token, .. } if reply_token == "CA1:1"));
    let answer = again.response(Some("可以 <7> 天。"));
    assert!(answer.contains("turn=2\""), "{answer}");
    assert!(answer.contains(r#"<Say language="zh-TW">可以 &lt;7&gt; 天。</Say></Gather>"#));
    // After the last request for the answer, Twilio listens.
    let last = request(&format!("{url}&wait={MAX_WAITS}"), &call);
    assert!(last.response(None).starts_with("<Gather"));
    let over = request(URL, &[("CallSid", "CA1"), ("CallStatus", "completed")]);
    assert_eq!(
        over.received().unwrap().what,
        EventKind::Ignored("over".into())
    );
    assert_eq!(over.response(None), "");
}

#[test]
fn long_text_is_said_in_pieces() {
    let call = request(URL, &[("CallSid", "CA1"), ("SpeechResult", "x")]);
    let said = call.response(Some(&"退貨期限是七天。".repeat(200)));
    let pieces: Vec<&str> = said.split("<Say").skip(1).collect();
    assert!(pieces.len() > 1);
    for piece in pieces {
        assert!(piece.len() < SAY.text + 100, "{}", piece.len());
    }
    let hints = Twilio.response(
        &credentials(),
        &call.webhook(),
        Some("哪一個？"),
        &["退貨".to_owned(), "換貨".to_owned()],
    );
    assert!(hints.body.contains(r#"hints="退貨, 換貨""#));
}

#[test]
fn transcription_counts_when_it_is_final() {
    let event = |is_final: &str, track: &str| {
        let pairs = [
            ("CallSid", "CA1"),
            ("TranscriptionSid", "GT1"),
            ("TranscriptionEvent", "transcription-content"),
            (
                "TranscriptionData",
                r#"{"transcript":"可以退貨嗎","confidence":0.9}"#,
            ),
            ("SequenceId", "7"),
            ("Final", is_final),
            ("Track", track),
            ("Timestamp", "2026-11-30T08:00:00.123Z"),
        ];
        let of = request(URL, &pairs);
        assert_eq!(of.response(None), "");
        of.received().unwrap()
    };
    let partial = event("false", "inbound_track");
    assert_eq!(partial.what, EventKind::Ignored("partial".into()));
    let said = event("true", "inbound_track");
    assert_eq!(said.id, "GT1:7");
    assert_eq!(said.at.unwrap().as_second(), 1_796_025_600);
    assert!(
        matches!(said.what, EventKind::Message { parts, revision: Some((7, true)), reply_token: None, .. } if parts == [Content::Text("可以退貨嗎".into())])
    );
    assert!(
        matches!(event("true", "outbound_track").what, EventKind::Echo { to, .. } if to.user_id == "CA1")
    );
    let started = [
        ("CallSid", "CA1"),
        ("TranscriptionEvent", "transcription-started"),
    ];
    assert_eq!(
        request(URL, &started).received().unwrap().what,
        EventKind::Ignored("transcription-started".into())
    );
}

#[test]
fn check_names_the_account() {
    let call = Twilio.check(&credentials());
    assert_eq!(call.path, "/2010-04-01/Accounts/AC1.json");
    assert_eq!(call.headers[0].1, "Basic QUMxOjEyMzQ1");
    assert_eq!(
        Twilio.calls(&credentials(), &Outgoing::default(), &Way::Push),
        []
    );
}
