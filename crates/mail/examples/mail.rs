//! What `tools/mail` compares with real mail servers and with Python's own parser: reads a JSON object a line, writes one a
//! line. Bytes are base64.
//!
//! - `{"parse": {"raw", "own"}}` → the mail's fields, `written`, `automatic`; or `{"error"}`
//! - `{"written": {"text"}}` → `{"written"}`
//! - `{"links": {"raw", "inbox", "key"}}` → `{"links": […]}`; `{"address": {"inbox", "conversation", "key"}}` → `{"address"}`
//! - `{"send": {"server", "message_id", "from", "name", "to", "reply_to", "subject", "in_reply_to", "references", "text",
//!   "by_bot", "at"}}` → `{"outcome", "raw"}`; `{"check": {"server"}}` → `{"outcome"}`
//! - `{"verify": {"raw", "dns", "trusted"}}` → `{"verified"}` or `{"doubt"}`
//! - `{"open": {"server", "mailbox"}}` → `{"end", "can_idle"}`; then `{"fetch": {"cursor", "max_bytes"}}` → a batch;
//!   `{"wait": {"seconds"}}` → `{"has_changed", "waited_ms"}`; `{"close": {}}`

use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant, SystemTime};

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use jiff::Timestamp;
use ken_base::config::Secret;
use ken_base::desk::ConversationId;
use ken_mail::automatic::is_automatic;
use ken_mail::compose::{Reply, compose};
use ken_mail::imap::{Batch, Cursor, Mailbox as Opened};
use ken_mail::message::{Mailbox, parse};
use ken_mail::quotes::written;
use ken_mail::server::{Security, Server};
use ken_mail::smtp::{self, Outcome};
use ken_mail::thread::{Link, links, reply_address};
use ken_mail::verify::{Verification, Verifier};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut opened = None;
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let (name, of) = request
            .as_object()
            .and_then(|all| all.iter().next())
            .expect("a request");
        let reply = match name.as_str() {
            "parse" => parsed(of),
            "written" => json!({ "written": written(&text(of, "text")) }),
            "links" => linked(of),
            "address" => address(of),
            "send" => sent(of).await,
            "check" => json!({ "outcome": outcome(&smtp::check(&server(&of["server"])).await) }),
            "verify" => verified(of).await,
            _ => mailbox(name, of, &mut opened).await,
        };
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_default().to_owned()
}

fn list(of: &Value, name: &str) -> Vec<String> {
    serde_json::from_value(of[name].clone()).unwrap_or_default()
}

fn raw(of: &Value) -> Vec<u8> {
    BASE64.decode(text(of, "raw")).expect("base64")
}

fn server(of: &Value) -> Server {
    Server {
        host: text(of, "host"),
        port: u16::try_from(of["port"].as_u64().unwrap_or_default()).expect("a port"),
        security: Security::parse(&text(of, "security")).expect("a security"),
        user: text(of, "user"),
        password: Secret::new(text(of, "password")),
        authority: of["authority"].as_str().map(str::to_owned),
    }
}

fn parsed(of: &Value) -> Value {
    let mail = match parse(&raw(of)) {
        Ok(mail) => mail,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let own = list(of, "own");
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let attachments = mail.attachments.iter();
    let attachments = attachments.map(|one| json!([one.name, one.media_type, one.bytes.len()]));
    let report = mail.report.as_ref();
    json!({
        "message_id": mail.message_id, "in_reply_to": mail.in_reply_to, "references": mail.references,
        "from": mail.from.address, "name": mail.from.name, "senders": mail.senders, "to": mail.to, "cc": mail.cc,
        "subject": mail.subject, "date": mail.date.map(|at| at.as_second()), "text": mail.text,
        "written": written(&mail.text), "attachments": attachments.collect::<Vec<_>>(), "left_out": mail.left_out,
        "automatic": is_automatic(&mail, &own).map(|why| why.code()),
        "failed": report.filter(|report| report.has_failed()).map(|report| report.message_ids.clone()),
    })
}

fn linked(of: &Value) -> Value {
    let mail = parse(&raw(of)).expect("a mail");
    let found = links(&mail, &text(of, "inbox"), text(of, "key").as_bytes());
    let link = |link: &Link| match link {
        Link::Message(id) => json!({ "message": id }),
        Link::Conversation(id) => json!({ "conversation": id }),
    };
    json!({ "links": found.iter().map(link).collect::<Vec<_>>() })
}

fn address(of: &Value) -> Value {
    let id = ConversationId::parse(&text(of, "conversation")).expect("an id");
    json!({ "address": reply_address(&text(of, "inbox"), &id, text(of, "key").as_bytes()) })
}

fn outcome(of: &Outcome) -> Value {
    match of {
        Outcome::Accepted => json!(["accepted"]),
        Outcome::Retry(code) => json!(["retry", code]),
        Outcome::GiveUp(code) => json!(["give_up", code]),
        Outcome::Reconnect(code) => json!(["reconnect", code]),
    }
}

async fn sent(of: &Value) -> Value {
    let mailbox = |address: &str, name: &str| Mailbox {
        address: text(of, address),
        name: text(of, name),
    };
    let (message_id, subject, written) = (
        text(of, "message_id"),
        text(of, "subject"),
        text(of, "text"),
    );
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(of["at"].as_u64().unwrap_or_default());
    let reply = Reply {
        message_id: &message_id,
        from: &mailbox("from", "name"),
        to: &mailbox("to", "to_name"),
        reply_to: of["reply_to"].as_str(),
        subject: &subject,
        in_reply_to: of["in_reply_to"].as_str(),
        references: &list(of, "references"),
        text: &written,
        by_bot: of["by_bot"] == true,
        at,
    };
    match compose(&reply) {
        Ok(mail) => {
            let result = smtp::send(&server(&of["server"]), &mail).await;
            json!({ "outcome": outcome(&result), "raw": BASE64.encode(&mail.raw) })
        }
        Err(error) => json!({ "error": error.to_string() }),
    }
}

async fn verified(of: &Value) -> Value {
    let verifier = Verifier::at(&[text(of, "dns").parse().expect("an address")]).expect("a client");
    let raw = raw(of);
    let mail = match parse(&raw) {
        Ok(mail) => mail,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    match verifier.verify(&raw, &mail, of["trusted"].as_str()).await {
        Verification::Verified { domain } => json!({ "verified": domain }),
        Verification::Unverified(doubt) => {
            json!({ "doubt": doubt.code(), "why": format!("{doubt:?}") })
        }
    }
}

fn cursor(of: &Value) -> Cursor {
    let number =
        |name: &str| u32::try_from(of[name].as_u64().unwrap_or_default()).expect("a number");
    let since = Timestamp::from_second(of["since"].as_i64().unwrap_or_default());
    Cursor {
        uid_validity: number("uid_validity"),
        uid: number("uid"),
        since: since.expect("a time"),
    }
}

fn shown(of: Cursor) -> Value {
    json!({ "uid_validity": of.uid_validity, "uid": of.uid, "since": of.since.as_second() })
}

fn batch(of: &Batch) -> Value {
    let mails = of.mails.iter();
    let mails = mails.map(|mail| json!({ "uid": mail.uid, "received": mail.received.map(|at| at.as_second()), "raw": BASE64.encode(&mail.raw) }));
    let oversize = of.oversize.iter().map(|one| json!([one.uid, one.bytes]));
    json!({
        "mails": mails.collect::<Vec<_>>(), "oversize": oversize.collect::<Vec<_>>(), "cursor": shown(of.cursor),
        "unreadable": of.unreadable,
        "has_more": of.has_more,
    })
}

async fn mailbox(name: &str, of: &Value, opened: &mut Option<Opened>) -> Value {
    let result = match (name, opened.take()) {
        ("open", _) => Opened::open(&server(&of["server"]), &text(of, "mailbox")).await.map(|mailbox| {
            let reply = json!({ "end": shown(mailbox.end(Timestamp::now())), "can_idle": mailbox.can_idle() });
            (Some(mailbox), reply)
        }),
        ("fetch", Some(mut mailbox)) => {
            let most = u32::try_from(of["max_bytes"].as_u64().unwrap_or(1 << 20)).expect("a number");
            let found = mailbox.fetch_after(cursor(&of["cursor"]), most).await;
            found.map(|found| (Some(mailbox), batch(&found)))
        }
        ("wait", Some(mailbox)) => {
            let begun = Instant::now();
            let waited = mailbox.wait(Duration::from_secs(of["seconds"].as_u64().unwrap_or_default())).await;
            waited.map(|(mailbox, has_changed)| {
                let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                (Some(mailbox), json!({ "has_changed": has_changed, "waited_ms": ms }))
            })
        }
        ("close", Some(mailbox)) => {
            mailbox.close().await;
            Ok((None, json!({})))
        }
        _ => return json!({ "error": "unknown request, or no mailbox is open" }),
    };
    match result {
        Ok((mailbox, reply)) => {
            *opened = mailbox;
            reply
        }
        Err(error) => {
            let kind = format!("{error:?}");
            let kind = kind.split('(').next().unwrap_or_default().to_lowercase();
            json!({ "error": error.to_string(), "kind": kind })
        }
    }
}
