//! A server of a few lines answers; `tools/mail` tests against a real one.

use std::sync::{Arc, Mutex};

use ken_base::config::Secret;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::compose::{Reply, compose};
use crate::message::Mailbox;

/// The replies to commands that begin with a word; others get 250.
type Replies = &'static [(&'static str, &'static str)];

async fn serve(replies: Replies) -> (Server, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let lines = seen.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let reply = |word: &str| {
            replies
                .iter()
                .find(|(of, _)| *of == word)
                .map(|(_, reply)| *reply)
        };
        let greeting = reply("GREETING").unwrap_or("220 mx.example");
        stream
            .write_all(format!("{greeting}\r\n").as_bytes())
            .await
            .unwrap();
        let (mut line, mut in_data) = (String::new(), false);
        while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
            let text = std::mem::take(&mut line).trim_end().to_owned();
            lines.lock().unwrap().push(text.clone());
            if in_data && text != "." {
                continue;
            }
            let word = text.split([' ', ':']).next().unwrap_or_default().to_owned();
            let usual = match word.as_str() {
                "EHLO" => "250-mx.example\r\n250 AUTH PLAIN",
                "AUTH" => "235 2.7.0 ok",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            let reply = reply(&word).unwrap_or(usual);
            in_data = word == "DATA" && reply.starts_with("354");
            if reply == "CLOSE" {
                return;
            }
            stream
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .unwrap();
        }
    });
    let server = Server {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        user: "shop".to_owned(),
        password: Secret::new("s3cret"),
        authority: None,
    };
    (server, seen)
}

fn mail() -> Composed {
    let of = |address: &str| Mailbox {
        address: address.to_owned(),
        name: String::new(),
    };
    let reply = Reply {
        message_id: "msg_1",
        from: &of("help@shop.example"),
        to: &of("mei@mail.example"),
        reply_to: None,
        subject: "s",
        in_reply_to: None,
        references: &[],
        text: ".\n..\nend",
        by_bot: true,
        at: std::time::SystemTime::UNIX_EPOCH,
    };
    compose(&reply).unwrap()
}

#[tokio::test]
async fn mail_is_sent_with_its_envelope() {
    let (server, seen) = serve(&[]).await;
    assert_eq!(send(&server, &mail()).await, Outcome::Accepted);
    let seen = seen.lock().unwrap();
    let has = |line: &str| assert!(seen.iter().any(|one| one == line), "{line}: {seen:?}");
    has("EHLO shop.example");
    has("AUTH PLAIN AHNob3AAczNjcmV0");
    has("MAIL FROM:<help@shop.example>");
    has("RCPT TO:<mei@mail.example>");
    has("...");
    has("Message-ID: <msg_1@shop.example>");
}

#[tokio::test]
async fn check_logs_in_and_sends_nothing() {
    let (server, seen) = serve(&[]).await;
    assert_eq!(check(&server).await, Outcome::Accepted);
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|line| line.starts_with("AUTH")));
    assert!(
        !seen.iter().any(|line| line.starts_with("MAIL")),
        "{seen:?}"
    );
}

#[tokio::test]
async fn replies_of_the_server_are_mapped() {
    let retry = |code: &str| Outcome::Retry(code.to_owned());
    let give_up = |code: &str| Outcome::GiveUp(code.to_owned());
    let reconnect = |code: &str| Outcome::Reconnect(code.to_owned());
    let cases: [(Replies, Outcome); 13] = [
        (&[("GREETING", "421 busy")], retry("smtp_421")),
        (&[("GREETING", "554 no")], give_up("smtp_554")),
        (&[("EHLO", "250 mx.example")], reconnect("no_login")),
        (&[("AUTH", "535 5.7.8 wrong")], reconnect("smtp_535")),
        (&[("AUTH", "504 not this way")], reconnect("smtp_504")),
        (&[("AUTH", "454 4.7.0 later")], retry("smtp_454")),
        (&[("MAIL", "530 5.7.0 log in first")], reconnect("smtp_530")),
        (
            &[("MAIL", "553 5.7.1 not your address")],
            give_up("smtp_553"),
        ),
        (&[("RCPT", "451 greylisted")], retry("smtp_451")),
        (&[("RCPT", "550 5.1.1 unknown")], give_up("smtp_550")),
        (&[(".", "452 full")], retry("smtp_452")),
        (&[(".", "554 spam")], give_up("smtp_554")),
        (&[(".", "CLOSE")], retry("connection")),
    ];
    for (replies, expected) in cases {
        let (server, _) = serve(replies).await;
        assert_eq!(send(&server, &mail()).await, expected, "{replies:?}");
    }
}

#[tokio::test]
async fn missing_server_and_missing_protection_are_mapped() {
    let (mut server, seen) = serve(&[]).await;
    server.security = Security::Starttls;
    assert_eq!(
        send(&server, &mail()).await,
        Outcome::Reconnect("no_starttls".to_owned())
    );
    assert!(
        !seen
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.starts_with("AUTH")),
        "no password in clear"
    );
    server.security = Security::None;
    server.host = "192.0.2.1".to_owned();
    assert_eq!(
        send(&server, &mail()).await,
        Outcome::Reconnect("unprotected".to_owned())
    );
    server.host = "127.0.0.1".to_owned();
    server.port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert_eq!(
        send(&server, &mail()).await,
        Outcome::Retry("connection".to_owned())
    );
}
