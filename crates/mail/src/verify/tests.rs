mod dns;

use base64::Engine as _;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::DkimSigner;

use super::*;
use crate::message::parse;

const MAIL: &str = "From: Mei <mei@mail.example>\r\nTo: help@shop.example\r\nSubject: return\r\nDate: Mon, 30 Nov 2026 08:00:00 +0800\r\nMessage-ID: <1@mail.example>\r\n\r\nCan I return it?\r\n";
const FIELDS: [&str; 5] = ["From", "To", "Subject", "Date", "Message-ID"];

/// A key of a domain, and the text of its record.
struct Key {
    pkcs8: Vec<u8>,
    record: String,
}

impl Key {
    fn new() -> Self {
        let pkcs8 = Ed25519Key::generate_pkcs8().unwrap();
        let public = Ed25519Key::from_pkcs8_der(&pkcs8).unwrap().public_key();
        let public = base64::prelude::BASE64_STANDARD.encode(public);
        Self {
            pkcs8,
            record: format!("v=DKIM1; k=ed25519; p={public}"),
        }
    }

    /// The mail with a signature on top.
    fn sign(&self, domain: &str, fields: &[&str], is_partial: bool, mail: &str) -> String {
        let key = Ed25519Key::from_pkcs8_der(&self.pkcs8).unwrap();
        let signer = DkimSigner::from_key(key).domain(domain).selector("s");
        let signer = signer
            .headers(fields.iter().copied())
            .body_length(is_partial);
        let signature = signer.sign(mail.as_bytes()).unwrap();
        format!("{}{mail}", signature.to_header())
    }
}

async fn verified(records: &[(&str, &str)], raw: &str) -> Verification {
    let verifier = Verifier::at(&[dns::serve(records).await]).unwrap();
    verifier
        .verify(raw.as_bytes(), &parse(raw.as_bytes()).unwrap(), None)
        .await
}

fn is_verified() -> Verification {
    Verification::Verified {
        domain: "mail.example".to_owned(),
    }
}

#[tokio::test]
async fn mail_signed_by_the_senders_domain_is_verified() {
    let key = Key::new();
    let records = [("s._domainkey.mail.example", key.record.as_str())];
    let signed = key.sign("mail.example", &FIELDS, false, MAIL);
    assert_eq!(verified(&records, &signed).await, is_verified());
    let upper = MAIL.replace("mei@mail.example", "Mei@MAIL.example");
    let signed = key.sign("Mail.example", &FIELDS, false, &upper);
    assert_eq!(verified(&records, &signed).await, is_verified());
    // A signature of somebody else, such as a mailing service, above it or below it.
    let other = Key::new();
    let records = [
        records[0],
        ("s._domainkey.service.example", other.record.as_str()),
    ];
    let twice = other.sign(
        "service.example",
        &FIELDS,
        false,
        &key.sign("mail.example", &FIELDS, false, MAIL),
    );
    assert_eq!(verified(&records, &twice).await, is_verified());
}

#[tokio::test]
async fn policy_of_the_domain_allows_its_organisation() {
    let key = Key::new();
    let below = ("s._domainkey.bulk.mail.example", key.record.as_str());
    let signed = key.sign("bulk.mail.example", &FIELDS, false, MAIL);
    let other = Verification::Unverified(Doubt::OtherDomain("bulk.mail.example".to_owned()));
    assert_eq!(verified(&[below], &signed).await, other, "no policy");
    let relaxed = ("_dmarc.mail.example", "v=DMARC1; p=reject");
    assert_eq!(verified(&[below, relaxed], &signed).await, is_verified());
    let strict = ("_dmarc.mail.example", "v=DMARC1; p=reject; adkim=s");
    assert_eq!(verified(&[below, strict], &signed).await, other);
}

#[tokio::test]
async fn forged_mails_are_unverified() {
    let key = Key::new();
    let other = Key::new();
    let records = [
        ("s._domainkey.mail.example", key.record.as_str()),
        ("s._domainkey.attacker.example", other.record.as_str()),
        ("_dmarc.mail.example", "v=DMARC1; p=none"),
        ("_dmarc.attacker.example", "v=DMARC1; p=none"),
    ];
    let signed = key.sign("mail.example", &FIELDS, false, MAIL);
    let two = MAIL.replace(
        "<mei@mail.example>",
        "<mei@mail.example>, <boss@bank.example>",
    );
    let group = MAIL.replace(
        "Mei <mei@mail.example>",
        "x: <mei@mail.example>, <boss@mail.example>;",
    );
    let with_reply = MAIL.replace("Subject", "Reply-To: x@attacker.example\r\nSubject");
    let without_subject = ["From", "To", "Date"];
    let repeated = |field: &str| Doubt::Repeated(field.to_owned());
    let cases = [
        ("unsigned", MAIL.to_owned(), Doubt::Unsigned),
        (
            "another domain",
            other.sign("attacker.example", &FIELDS, false, MAIL),
            Doubt::OtherDomain("attacker.example".to_owned()),
        ),
        (
            "two senders",
            key.sign("mail.example", &FIELDS, false, &two),
            Doubt::SeveralSenders,
        ),
        (
            "a group of senders",
            key.sign("mail.example", &FIELDS, false, &group),
            Doubt::SeveralSenders,
        ),
        (
            "a second sender above",
            format!("From: boss@mail.example\r\n{signed}"),
            repeated("from"),
        ),
        (
            "a second sender below",
            signed.replace("\r\n\r\n", "\r\nfrom : boss@mail.example\r\n\r\n"),
            Doubt::Malformed,
        ),
        (
            "a second subject",
            format!("Subject: pay\r\n{signed}"),
            repeated("subject"),
        ),
        (
            "a second content type",
            format!("Content-Type: text/html\r\nContent-Type: text/plain\r\n{signed}"),
            repeated("content-type"),
        ),
        (
            "a third sender below",
            signed.replace("\r\n\r\n", "\r\nfrom: boss@mail.example\r\n\r\n"),
            repeated("from"),
        ),
        (
            "no empty line",
            signed.replace("\r\n\r\n", "\r\n\0\r\n"),
            Doubt::Malformed,
        ),
        (
            "a bare line feed",
            signed.replace("\r\nTo", "\nTo"),
            Doubt::Malformed,
        ),
        (
            "a bare carriage return",
            signed.replace("it?\r\n", "it?\r\r\n"),
            Doubt::Malformed,
        ),
        (
            "a line that is no field",
            signed.replace("\r\nTo", "\r\nnothing\r\nTo"),
            Doubt::Malformed,
        ),
        (
            "subject not signed",
            key.sign("mail.example", &without_subject, false, MAIL),
            Doubt::PartlySigned("subject".to_owned()),
        ),
        (
            "reply address not signed",
            key.sign("mail.example", &FIELDS, false, &with_reply),
            Doubt::PartlySigned("reply-to".to_owned()),
        ),
    ];
    for (name, raw, doubt) in cases {
        assert_eq!(
            verified(&records, &raw).await,
            Verification::Unverified(doubt),
            "{name}"
        );
    }
    for (name, raw) in [
        ("text changed", signed.replace("return it", "keep it")),
        (
            "subject changed",
            signed.replace("Subject: return", "Subject: pay"),
        ),
        ("sender changed", signed.replace("mei@", "boss@")),
        (
            "another key",
            other.sign("mail.example", &FIELDS, false, MAIL),
        ),
        (
            "part of the text",
            format!("{}more\r\n", key.sign("mail.example", &FIELDS, true, MAIL)),
        ),
        (
            "length given",
            key.sign("mail.example", &FIELDS, true, MAIL),
        ),
        (
            "no record",
            key.sign("unknown.example", &FIELDS, false, MAIL),
        ),
    ] {
        let found = verified(&records, &raw).await;
        assert!(
            matches!(found, Verification::Unverified(Doubt::Invalid(_))),
            "{name}: {found:?}"
        );
    }
}

#[tokio::test]
async fn silent_name_server_leaves_a_mail_unverified_in_time() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let verifier = Verifier::at(&[silent.local_addr().unwrap()]).unwrap();
    let signed = Key::new().sign("mail.example", &FIELDS, false, MAIL);
    let begun = std::time::Instant::now();
    let found = verifier
        .verify(signed.as_bytes(), &parse(signed.as_bytes()).unwrap(), None)
        .await;
    assert_eq!(found, Verification::Unverified(Doubt::NoAnswer));
    assert!(begun.elapsed() < TIMEOUT + Duration::from_secs(1));
}

#[tokio::test]
async fn trusted_server_vouches_for_unsigned_mail() {
    let silent = dns::serve(&[]).await;
    let verifier = Verifier::at(&[silent]).unwrap();
    let raw = format!(
        "Authentication-Results: mx.shop.example; dmarc=pass header.from=mail.example\r\n{MAIL}"
    );
    let mail = parse(raw.as_bytes()).unwrap();
    let with = verifier
        .verify(raw.as_bytes(), &mail, Some("mx.shop.example"))
        .await;
    assert_eq!(with, is_verified());
    for server in [None, Some("mx.other.example")] {
        let found = verifier.verify(raw.as_bytes(), &mail, server).await;
        assert_eq!(
            found,
            Verification::Unverified(Doubt::Unsigned),
            "{server:?}"
        );
    }
    let two = raw.replace("<mei@mail.example>", "<mei@mail.example>, <b@bank.example>");
    let found = verifier
        .verify(
            two.as_bytes(),
            &parse(two.as_bytes()).unwrap(),
            Some("mx.shop.example"),
        )
        .await;
    assert_eq!(found, Verification::Unverified(Doubt::SeveralSenders));
}
