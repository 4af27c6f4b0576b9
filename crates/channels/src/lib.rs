//! The contracts of messaging platforms: what they deliver is verified and parsed, and what is sent to them is written as
//! requests. Pure: no requests are made here, and nothing is stored.
//!
//! One file per platform behind the trait [`channel::Channel`]. A platform's limits are in its [`channel::Limits`]; by which
//! way a message may go out is decided by [`ladder::way`] for all of them.

#![deny(missing_docs)]
pub mod channel;
pub mod ladder;
mod line;
mod messenger;
mod signature;
mod slack;
mod telegram;
mod twilio;
mod wechat;
mod whatsapp;
mod xml;

use ken_base::desk::ChannelKind;

use channel::Channel;

/// The platform of a channel; `None` if the channel has none, such as the web chat. An inbox of [`ChannelKind::Phone`] has one
/// only with the secret `auth_token`; without it, transcripts come by the API.
pub fn channel_of(kind: ChannelKind) -> Option<&'static dyn Channel> {
    match kind {
        ChannelKind::Line => Some(&line::Line),
        ChannelKind::Whatsapp => Some(&whatsapp::Whatsapp),
        ChannelKind::Messenger => Some(&messenger::Messenger),
        ChannelKind::Telegram => Some(&telegram::Telegram),
        ChannelKind::Slack => Some(&slack::Slack),
        ChannelKind::Wechat => Some(&wechat::Wechat),
        ChannelKind::Phone => Some(&twilio::Twilio),
        ChannelKind::Generic | ChannelKind::Web | ChannelKind::Email => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Body, Call, Credentials, Outgoing, Rejection, Way, Webhook};
    use jiff::Timestamp;

    const PLATFORMS: [ChannelKind; 7] = [
        ChannelKind::Line,
        ChannelKind::Whatsapp,
        ChannelKind::Messenger,
        ChannelKind::Telegram,
        ChannelKind::Slack,
        ChannelKind::Wechat,
        ChannelKind::Phone,
    ];

    fn platforms() -> impl Iterator<Item = (ChannelKind, &'static dyn Channel)> {
        PLATFORMS
            .into_iter()
            .map(|kind| (kind, channel_of(kind).unwrap()))
    }

    /// Secrets that fit no signature of these tests.
    fn secrets(channel: &dyn Channel) -> Credentials {
        let needed = channel.credentials().iter().filter(|of| !of.is_optional);
        needed
            .map(|of| (of.name.to_owned(), "secret".to_owned()))
            .collect()
    }

    fn unsigned(is_get: bool, body: &[u8]) -> Webhook<'_> {
        Webhook {
            is_get,
            url: "https://ken.example/v1/inboxes/x/webhook",
            query: &[],
            headers: &[],
            body,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn unsigned_request_is_refused_on_every_platform() {
        for (kind, channel) in platforms() {
            for is_get in [false, true] {
                for body in [&b""[..], b"{}", b"<xml></xml>", b"\xff\xfe", b"a=b"] {
                    let webhook = unsigned(is_get, body);
                    let found = channel.receive(&secrets(channel), &webhook);
                    assert!(
                        matches!(found, Err(Rejection::Forged(_))),
                        "{kind:?} {found:?}"
                    );
                    let found = channel.receive(&Credentials::new(), &webhook);
                    assert!(
                        matches!(found, Err(Rejection::NoCredential(_))),
                        "{kind:?} {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn requests_hold_to_the_limits_on_every_platform() {
        let choices: Vec<String> = (0..20).map(|n| format!("choice {n}")).collect();
        for (kind, channel) in platforms() {
            let limits = channel.limits();
            assert!(limits.text > 0 && limits.per_call > 0, "{kind:?}");
            // A platform that takes the reply in the response has a time for it.
            assert!(!limits.in_response || limits.reply.is_some(), "{kind:?}");
            let texts: Vec<String> = (0..7).map(|n| n.to_string()).collect();
            for n in 0..=20 {
                let message = Outgoing {
                    message_id: "msg_1".to_owned(),
                    to: "u1".to_owned(),
                    texts: texts.clone(),
                    choices: choices[..n].to_vec(),
                    ..Outgoing::default()
                };
                let calls = |way| channel.calls(&secrets(channel), &message, &way);
                let pushed = calls(Way::Push);
                let expected = match kind {
                    ChannelKind::Phone => 0,
                    _ => texts.len().div_ceil(limits.per_call),
                };
                assert_eq!(pushed.len(), expected, "{kind:?}");
                // The response takes the first text.
                let rest = expected.saturating_sub(usize::from(limits.in_response));
                assert_eq!(calls(Way::Reply("a b".to_owned())).len(), rest, "{kind:?}");
                let is_post = |call: &Call| call.path.starts_with('/') && call.method == "POST";
                assert!(pushed.iter().all(is_post), "{kind:?}");
                let names = |call: &Call| call.json().unwrap().to_string().contains("choice 0");
                let may_be = (1..=limits.choices).contains(&n);
                assert_eq!(pushed.iter().any(names), may_be, "{kind:?} {n}");
            }
        }
    }

    #[test]
    fn check_sends_nothing_on_any_platform() {
        for (kind, channel) in platforms() {
            let call = channel.check(&secrets(channel));
            assert_eq!((call.method, call.body), ("GET", Body::None), "{kind:?}");
            assert!(channel.address().starts_with("https://"));
            assert_eq!(channel.media_call(&secrets(channel), ""), None, "{kind:?}");
        }
    }
}
