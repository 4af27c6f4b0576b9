//! The conversation that a mail continues. Pure.
//!
//! A mail that we sent has the identifier `<msg_…@domain>`, and `Reply-To` with a signed token. So a reply names our message
//! in `In-Reply-To` or `References`; if a program removes them, the address it is sent to still names the conversation.
//!
//! A link only sorts a mail. It does not prove who wrote it: a forwarded mail holds the same identifiers. The caller compares
//! the sender with the conversation's customer.

use ken_base::desk::{ConversationId, MessageId};
use ring::hmac;
use subtle::ConstantTimeEq as _;

use crate::message::Mail;

/// Bytes of the signature in a token: 80 bits, so that guessing one takes 2^79 mails on average.
const MAC_BYTES: usize = 10;
/// The longest local part of an address (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// The alphabet of base32 (RFC 4648) in lower case: servers may change the case of a local part.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// How ids of conversations begin.
const PREFIX: &str = "cnv_";

/// What a mail continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A message that we sent.
    Message(MessageId),
    /// A conversation, by a signed address.
    Conversation(ConversationId),
}

/// What a mail continues, the best first: messages of ours in `In-Reply-To`, then in `References` from the last one on, then
/// the conversation of the signed address. `inbox` is the inbox's address.
pub fn links(mail: &Mail, inbox: &str, key: &[u8]) -> Vec<Link> {
    let domain = inbox.rsplit_once('@').map_or(inbox, |(_, domain)| domain);
    let identifiers = mail.in_reply_to.iter().chain(mail.references.iter().rev());
    let mut found: Vec<Link> = Vec::new();
    for link in identifiers
        .filter_map(|id| sent_id(id, domain))
        .map(Link::Message)
    {
        if !found.contains(&link) {
            found.push(link);
        }
    }
    let recipients: Vec<&str> = mail.recipients().collect();
    found.extend(token_of(&recipients, inbox, key).map(Link::Conversation));
    found
}

/// The message that an identifier names: `msg_…@domain`, without angle brackets.
pub fn sent_id(identifier: &str, domain: &str) -> Option<MessageId> {
    let (local, of) = identifier.trim_matches(['<', '>']).rsplit_once('@')?;
    let is_ours = of.eq_ignore_ascii_case(domain) && local.starts_with("msg_");
    is_ours.then(|| MessageId::parse(local).ok()).flatten()
}

/// The address for replies in a conversation, `local+TOKEN@domain`. `None` if the local part would be longer than 64 bytes:
/// then a conversation is found by its identifiers alone. `key` is secret, of 32 bytes or more.
pub fn reply_address(inbox: &str, conversation: &ConversationId, key: &[u8]) -> Option<String> {
    let (local, domain) = inbox.rsplit_once('@')?;
    let id = packed(conversation.as_str());
    let bytes = [id.as_slice(), &mac(&id, inbox, key)].concat();
    let address = format!("{local}+{}", base32(&bytes));
    (address.len() <= MAX_LOCAL).then(|| format!("{address}@{domain}"))
}

/// The conversation of the first address with a token that the key signed for the inbox. Compares in constant time.
pub fn token_of(addresses: &[&str], inbox: &str, key: &[u8]) -> Option<ConversationId> {
    let (own_local, own_domain) = inbox.rsplit_once('@')?;
    addresses.iter().find_map(|address| {
        let (local, domain) = address.trim_matches(['<', '>', ' ']).rsplit_once('@')?;
        let token = local.get(own_local.len()..)?.strip_prefix('+')?;
        let is_ours = domain.eq_ignore_ascii_case(own_domain)
            && local[..own_local.len()].eq_ignore_ascii_case(own_local);
        let bytes = unbase32(token).filter(|bytes| is_ours && bytes.len() > MAC_BYTES)?;
        let (id, given) = bytes.split_at(bytes.len() - MAC_BYTES);
        let is_signed: bool = mac(id, inbox, key).ct_eq(given).into();
        is_signed.then(|| unpacked(id)).flatten()
    })
}

/// The signature of a conversation's id for an inbox.
fn mac(id: &[u8], inbox: &str, key: &[u8]) -> [u8; MAC_BYTES] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let inbox = inbox.to_ascii_lowercase();
    let tag = hmac::sign(
        &key,
        &[b"ken reply address\0", inbox.as_bytes(), b"\0", id].concat(),
    );
    let mut mac = [0; MAC_BYTES];
    mac.copy_from_slice(&tag.as_ref()[..MAC_BYTES]);
    mac
}

/// An id in few bytes: the 16 of `cnv_` and 32 hexadecimal digits, or a zero and the text.
fn packed(id: &str) -> Vec<u8> {
    let digits = id.strip_prefix(PREFIX).filter(|digits| digits.len() == 32);
    let is_hex = |digits: &&str| {
        digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let byte =
        |digits: &str, at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap_or_default();
    match digits.filter(is_hex) {
        Some(digits) => (0..32).step_by(2).map(|at| byte(digits, at)).collect(),
        None => [&[0], id.as_bytes()].concat(),
    }
}

fn unpacked(bytes: &[u8]) -> Option<ConversationId> {
    let id = match (bytes.len(), bytes) {
        (16, _) => format!("{PREFIX}{}", ken_base::digest::hex(bytes)),
        (_, [0, text @ ..]) => String::from_utf8(text.to_vec()).ok()?,
        _ => return None,
    };
    ConversationId::parse(&id).ok()
}

fn base32(bytes: &[u8]) -> String {
    let (mut text, mut buffer, mut bits) = (String::new(), 0_u32, 0);
    let mut push = |value: u32| text.push(char::from(ALPHABET[(value & 31) as usize]));
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(buffer >> bits);
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(buffer << (5 - bits));
    }
    text
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = ALPHABET
            .iter()
            .position(|known| *known == letter.to_ascii_lowercase())?;
        buffer = (buffer << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 255).ok()?);
        }
        buffer &= (1 << bits) - 1;
    }
    // The bits that are left over belong to no byte; with others than zeros one token would have several spellings.
    (buffer == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse;

    const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
    const INBOX: &str = "support@shop.example";
    const ID: &str = "cnv_0192f3a1b2c37d4e8f901234567890ab";

    fn conversation(id: &str) -> ConversationId {
        ConversationId::parse(id).unwrap()
    }

    #[test]
    fn base32_equals_the_examples_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
            assert_eq!(unbase32(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(unbase32("mz"), None, "bits left over");
        assert_eq!(unbase32("m1"), None);
    }

    #[test]
    fn reply_address_leads_back_to_its_conversation() {
        for id in [ID, "cnv_1", "other-id"] {
            let address = reply_address(INBOX, &conversation(id), KEY).unwrap();
            let local = address.split('@').next().unwrap();
            assert!(
                local.len() <= MAX_LOCAL && local.starts_with("support+"),
                "{address}"
            );
            let spellings = [
                address.clone(),
                address.to_uppercase(),
                format!("<{address}>"),
            ];
            for spelling in &spellings {
                let found = token_of(&["a@x.example", spelling], INBOX, KEY);
                assert_eq!(found.unwrap().as_str(), id, "{spelling}");
            }
        }
        let long = format!("{}@shop.example", "x".repeat(40));
        assert_eq!(reply_address(&long, &conversation(ID), KEY), None);
    }

    #[test]
    fn forged_address_leads_nowhere() {
        let address = reply_address(INBOX, &conversation(ID), KEY).unwrap();
        let none = |address: &str, inbox: &str, key: &[u8]| {
            assert_eq!(token_of(&[address], inbox, key), None, "{address}");
        };
        none(&address, INBOX, b"another key");
        none(&address, "sales@shop.example", KEY);
        none(
            &address.replace("support+", "sales+"),
            "sales@shop.example",
            KEY,
        );
        none(&address.replace("shop.", "other."), INBOX, KEY);
        none("support@shop.example", INBOX, KEY);
        none("support+@shop.example", INBOX, KEY);
        none("support+aaaaaaaa@shop.example", INBOX, KEY);
        let (start, end) = ("support+".len(), address.find('@').unwrap());
        for at in start..end {
            let mut changed = address.clone().into_bytes();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            none(&String::from_utf8(changed).unwrap(), INBOX, KEY);
        }
    }

    #[test]
    fn links_follow_in_reply_to_then_references_then_address() {
        let address = reply_address(INBOX, &conversation(ID), KEY).unwrap();
        let raw = format!(
            "From: mei@mail.example\r\nTo: {address}\r\nIn-Reply-To: <msg_3@SHOP.example>\r\n\
             References: <msg_1@shop.example> <x@mail.example> <msg_2@shop.example> <msg_3@shop.example> <msg_9@other.example>\r\n\r\nx"
        );
        let message = |id: &str| Link::Message(MessageId::parse(id).unwrap());
        let found = links(&parse(raw.as_bytes()).unwrap(), INBOX, KEY);
        assert_eq!(
            found,
            [
                message("msg_3"),
                message("msg_2"),
                message("msg_1"),
                Link::Conversation(conversation(ID))
            ]
        );
        let new = parse(b"From: mei@mail.example\r\nTo: support@shop.example\r\n\r\nx").unwrap();
        assert_eq!(links(&new, INBOX, KEY), []);
    }
}
