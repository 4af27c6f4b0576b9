//! A server of a few lines answers as real ones do only at bad moments; `tools/mail` tests against dovecot.

use std::sync::{Arc, Mutex};

use ken_base::config::Secret;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::server::Security;

/// The answers to commands that begin with some words. `TAG` stands for the command's tag, `CLOSE` ends the connection.
type Answers = &'static [(&'static str, &'static str)];

async fn serve(answers: Answers) -> (Server, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = seen.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let answer = |command: &str| {
            let mut known = answers.iter();
            known
                .find(|(of, _)| command.starts_with(of))
                .map(|(_, answer)| *answer)
        };
        let greeting = answer("GREETING").unwrap_or("* OK ready\r\n");
        stream.write_all(greeting.as_bytes()).await.unwrap();
        let (mut line, mut idle) = (String::new(), String::new());
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let text = std::mem::take(&mut line).trim_end().to_owned();
            lines.lock().unwrap().push(text.clone());
            let (tag, command) = match text == "DONE" {
                true => (idle.as_str(), "DONE"),
                false => text.split_once(' ').unwrap(),
            };
            let usual = match command.split(' ').next().unwrap() {
                "CAPABILITY" => "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK\r\n",
                "EXAMINE" => {
                    "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 12] x\r\nTAG OK [READ-ONLY] x\r\n"
                }
                "IDLE" => "+ idling\r\n",
                _ => "TAG OK done\r\n",
            };
            let reply = answer(command).unwrap_or(usual).replace("TAG", tag);
            if command == "IDLE" {
                idle = tag.to_owned();
            }
            let reply = match reply.split_once("CLOSE") {
                Some((before, _)) => {
                    stream.write_all(before.as_bytes()).await.unwrap();
                    return;
                }
                None => reply,
            };
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    let server = Server {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        user: "help".to_owned(),
        password: Secret::new("s3cret"),
        authority: None,
    };
    (server, seen)
}

const CURSOR: Cursor = Cursor {
    uid_validity: 7,
    uid: 9,
    since: Timestamp::UNIX_EPOCH,
};
const LIST: &str = "* 1 FETCH (UID 10 RFC822.SIZE 4 INTERNALDATE \"30-Nov-2026 08:00:00 +0800\")\r\n\
                    * 2 FETCH (UID 11 RFC822.SIZE 4 INTERNALDATE \" 1-Dec-2026 08:00:00 +0000\")\r\nTAG OK\r\n";

async fn fetched(answers: Answers) -> (Result<Batch, ImapError>, Vec<String>) {
    let (server, seen) = serve(answers).await;
    let mut mailbox = Mailbox::open(&server, "INBOX").await.unwrap();
    let batch = mailbox.fetch_after(CURSOR, 100).await;
    let seen = seen.lock().unwrap().clone();
    (batch, seen)
}

fn uids(batch: &Batch) -> Vec<u32> {
    batch.mails.iter().map(|mail| mail.uid).collect()
}

#[tokio::test]
async fn mails_are_read_without_marks() {
    let (batch, seen) = fetched(&[
        ("UID FETCH 10:*", LIST),
        (
            "UID FETCH 10 ",
            "* 1 FETCH (UID 10 BODY[] {4}\r\nab\r\n)\r\nTAG OK\r\n",
        ),
        (
            "UID FETCH 11 ",
            "* 2 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (UID 11 BODY[] {4}\r\ncd\r\n)\r\nTAG OK\r\n",
        ),
    ])
    .await;
    let batch = batch.unwrap();
    assert_eq!(uids(&batch), [10, 11]);
    assert_eq!(batch.mails[1].raw, b"cd\r\n");
    assert_eq!(
        batch.mails[0].received.unwrap().to_string(),
        "2026-11-30T00:00:00Z"
    );
    assert_eq!(
        batch.mails[1].received.unwrap().to_string(),
        "2026-12-01T08:00:00Z"
    );
    assert_eq!((batch.cursor.uid, batch.has_more), (11, false));
    let changes = ["SELECT", "STORE", "EXPUNGE", "MOVE", "COPY", "CLOSE"];
    let is_change = |line: &String| changes.iter().any(|word| line.contains(word));
    assert!(!seen.iter().any(is_change), "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("BODY[")), "{seen:?}");
}

#[tokio::test]
async fn lost_connection_loses_no_mail() {
    for answers in [
        &[(
            "UID FETCH 10:*",
            "* 1 FETCH (UID 10 RFC822.SIZE 4)\r\nCLOSE",
        )] as Answers,
        &[("UID FETCH 10:*", LIST), ("UID FETCH 10 ", "CLOSE")],
        &[
            ("UID FETCH 10:*", LIST),
            ("UID FETCH 10 ", "* BYE shutting down\r\n"),
        ],
        &[("UID FETCH 10:*", "TAG NO [UNAVAILABLE] later\r\n")],
        &[("UID FETCH 10:*", "TAG NO later\r\n")],
        &[
            ("UID FETCH 10:*", LIST),
            ("UID FETCH 10 ", "TAG NO Server Unavailable. 15\r\n"),
        ],
    ] {
        let (batch, _) = fetched(answers).await;
        assert!(
            matches!(batch, Err(ImapError::Unreachable(_))),
            "{answers:?}: {batch:?}"
        );
    }
    let (batch, _) = fetched(&[("UID FETCH 10:*", "TAG BAD what\r\n")]).await;
    assert!(matches!(batch, Err(ImapError::Protocol(_))), "{batch:?}");
}

#[tokio::test]
async fn deleted_and_refused_mails_do_not_stop_the_others() {
    let (batch, _) = fetched(&[
        ("UID FETCH 10:*", LIST),
        ("UID FETCH 10 ", "TAG NO [EXPUNGEISSUED] gone\r\n"),
        ("UID FETCH 11 ", "TAG OK\r\n"),
    ])
    .await;
    let batch = batch.unwrap();
    assert_eq!((uids(&batch), batch.cursor.uid), (vec![], 11));
    assert_eq!(batch.unreadable.len(), 1);
    assert_eq!(batch.unreadable[0].0, 10);
}

#[tokio::test]
async fn mail_announced_with_another_answer_ends_the_wait() {
    let (server, _) = serve(&[("UID FETCH", "* 3 EXISTS\r\nTAG OK\r\n")]).await;
    let mut mailbox = Mailbox::open(&server, "INBOX").await.unwrap();
    assert_eq!(
        uids(&mailbox.fetch_after(CURSOR, 100).await.unwrap()),
        [0_u32; 0]
    );
    let (mailbox, has_changed) = mailbox.wait(Duration::from_secs(60)).await.unwrap();
    assert!(has_changed);
    // Once.
    let (_, has_changed) = mailbox.wait(Duration::from_millis(50)).await.unwrap();
    assert!(!has_changed);
}

#[tokio::test]
async fn mail_announced_before_the_server_idles_ends_the_wait() {
    let (server, _) = serve(&[("IDLE", "* 3 EXISTS\r\n+ idling\r\n")]).await;
    let mailbox = Mailbox::open(&server, "INBOX").await.unwrap();
    let (_, has_changed) = mailbox.wait(Duration::from_secs(60)).await.unwrap();
    assert!(has_changed);
}

#[tokio::test]
async fn refusals_and_strange_servers_are_distinguished() {
    let refused: [Answers; 2] = [
        &[("LOGIN", "TAG NO [AUTHENTICATIONFAILED] no\r\n")],
        &[("EXAMINE", "TAG NO no such mailbox\r\n")],
    ];
    for answers in refused {
        let opened = Mailbox::open(&serve(answers).await.0, "INBOX").await;
        assert!(
            matches!(opened, Err(ImapError::Refused(_))),
            "{answers:?}: {opened:?}"
        );
    }
    let unreachable: [Answers; 4] = [
        &[("GREETING", "* BYE too many\r\n")],
        &[("LOGIN", "TAG NO [UNAVAILABLE] later\r\n")],
        &[("LOGIN", "CLOSE")],
        &[("CAPABILITY", "CLOSE")],
    ];
    for answers in unreachable {
        let opened = Mailbox::open(&serve(answers).await.0, "INBOX").await;
        assert!(
            matches!(opened, Err(ImapError::Unreachable(_))),
            "{answers:?}: {opened:?}"
        );
    }
    let strange = Mailbox::open(
        &serve(&[("EXAMINE", "* 2 EXISTS\r\nTAG OK\r\n")]).await.0,
        "INBOX",
    )
    .await;
    assert!(
        matches!(strange, Err(ImapError::Protocol(_))),
        "{strange:?}"
    );
}

#[tokio::test]
async fn missing_next_number_is_searched() {
    let answers: Answers = &[
        (
            "EXAMINE",
            "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK\r\n",
        ),
        ("UID SEARCH", "* SEARCH 3 11\r\nTAG OK\r\n"),
    ];
    let mailbox = Mailbox::open(&serve(answers).await.0, "INBOX")
        .await
        .unwrap();
    let end = mailbox.end(Timestamp::UNIX_EPOCH);
    assert_eq!((end.uid_validity, end.uid), (7, 11));
}
