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
mod wechat;
mod whatsapp;
mod xml;

use ken_base::desk::ChannelKind;

use channel::Channel;

/// The platform of a channel; `None` if the channel has none, such as the web chat.
pub fn channel_of(kind: ChannelKind) -> Option<&'static dyn Channel> {
    match kind {
        ChannelKind::Line => Some(&line::Line),
        ChannelKind::Whatsapp => Some(&whatsapp::Whatsapp),
        ChannelKind::Messenger => Some(&messenger::Messenger),
        ChannelKind::Telegram => Some(&telegram::Telegram),
        ChannelKind::Slack => Some(&slack::Slack),
        ChannelKind::Wechat => Some(&wechat::Wechat),
        ChannelKind::Generic | ChannelKind::Web | ChannelKind::Phone | ChannelKind::Email => None,
    }
}
