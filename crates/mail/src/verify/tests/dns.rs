//! A server of the domain name system on loopback, for tests: answers questions for TXT records from memory.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

/// Starts a server with TXT records by name. Other names do not exist.
pub(crate) async fn serve(records: &[(&str, &str)]) -> SocketAddr {
    let records: BTreeMap<String, String> = records
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0; 1_500];
        while let Ok((size, from)) = socket.recv_from(&mut question).await {
            let reply = answer(&question[..size], &records);
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    address
}

/// A reply as RFC 1035 section 4 describes it.
fn answer(question: &[u8], records: &BTreeMap<String, String>) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_lowercase());
        at = end;
    }
    let end = at + 5;
    let is_txt = question[at + 1..at + 3] == [0, 16];
    let text = records.get(&labels.join("."));
    let found = text.filter(|_| is_txt);
    let code = if text.is_some() { 0x80 } else { 0x83 };
    let count = u8::from(found.is_some());
    let mut reply = question[..2].to_vec();
    reply.extend_from_slice(&[0x85, code, 0, 1, 0, count, 0, 0, 0, 0]);
    reply.extend_from_slice(&question[12..end]);
    if let Some(text) = found {
        let pieces = text.as_bytes().chunks(255);
        let data: Vec<u8> = pieces
            .flat_map(|piece| [&[u8::try_from(piece.len()).unwrap()], piece].concat())
            .collect();
        reply.extend_from_slice(&[0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend_from_slice(&data);
    }
    reply
}
