//! [`Inbox`]: one connected address of a channel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InboxId;
use crate::domain::Level;

/// The kind of a channel.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`generic`: any system, by signed callbacks. `web`: a chat on a web site or in an app. `phone`: transcripts of calls. `line`: a LINE \
     official account. `whatsapp`: a WhatsApp business number. `messenger`: a Facebook page. `telegram`: a Telegram bot. `slack`: a Slack app. `wechat`: a \
     WeChat official account. `email`: a mailbox."
)]
pub enum ChannelKind {
    /// Any system; replies go to a callback address.
    Generic,
    /// A chat on a web site or in an app; replies are read from the API.
    Web,
    /// Transcripts of calls; replies are read from the API.
    Phone,
    /// A LINE official account.
    Line,
    /// A WhatsApp business number.
    Whatsapp,
    /// A Facebook page.
    Messenger,
    /// A Telegram bot.
    Telegram,
    /// A Slack app.
    Slack,
    /// A WeChat official account.
    Wechat,
    /// A mailbox.
    Email,
}

impl ChannelKind {
    /// Name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            ChannelKind::Generic => "generic",
            ChannelKind::Web => "web",
            ChannelKind::Phone => "phone",
            ChannelKind::Line => "line",
            ChannelKind::Whatsapp => "whatsapp",
            ChannelKind::Messenger => "messenger",
            ChannelKind::Telegram => "telegram",
            ChannelKind::Slack => "slack",
            ChannelKind::Wechat => "wechat",
            ChannelKind::Email => "email",
        }
    }
}

/// Whether answers of the bot are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`shadow`: answers are made, kept and compared with those of agents, and not sent. `live`: confident answers are sent."
)]
pub enum SendMode {
    /// Answers are made and kept, but not sent: people answer.
    #[default]
    Shadow,
    /// Answers that reach `auto_send_level` are sent.
    Live,
}

/// A mailbox: the servers by which mails come and go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    /// Its address, from which replies are sent.
    pub address: String,
    /// The account at both servers. Default: the address.
    #[serde(default)]
    pub user: Option<String>,
    /// The IMAP server from which mails are fetched.
    pub imap_host: String,
    /// Its port. Default 993.
    #[serde(default = "imap_port")]
    pub imap_port: u16,
    /// `tls` (default), `starttls`, or `none` for a server on this machine.
    #[serde(default = "tls")]
    pub imap_security: String,
    /// The SMTP server by which replies are sent.
    pub smtp_host: String,
    /// Its port. Default 587.
    #[serde(default = "smtp_port")]
    pub smtp_port: u16,
    /// `starttls` (default), `tls`, or `none` for a server on this machine.
    #[serde(default = "starttls")]
    pub smtp_security: String,
    /// The folder that is read. Default `INBOX`.
    #[serde(default = "inbox_folder")]
    pub mailbox: String,
    /// The name under which your own mail server writes `Authentication-Results`, which are then believed; null: none are.
    #[serde(default)]
    pub authserv_id: Option<String>,
    /// Certificates of authorities in PEM that are trusted besides the system's.
    #[serde(default)]
    pub authority: Option<String>,
    /// Whether replies ask for an answer to `local+TOKEN@domain`, which the mail server has to deliver to the mailbox. Default
    /// true.
    #[serde(default = "yes")]
    pub signed_replies: bool,
}

fn yes() -> bool {
    true
}

fn imap_port() -> u16 {
    993
}

fn smtp_port() -> u16 {
    587
}

fn tls() -> String {
    "tls".to_owned()
}

fn starttls() -> String {
    "starttls".to_owned()
}

fn inbox_folder() -> String {
    "INBOX".to_owned()
}

/// Settings of an inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InboxSettings {
    /// Whether answers are sent. A new inbox begins in the shadow.
    pub mode: SendMode,
    /// The confidence that an answer needs to be sent unread. Default: `strict`.
    pub auto_send_level: Level,
    /// Where replies are sent (`generic`): an `https` address.
    pub callback_url: Option<String>,
    /// Where the platform's API is, if not at its own address (`line`, `whatsapp`, `messenger`, `telegram`, `slack`, `wechat`, `phone`): an
    /// `https` address, as of a proxy, without a slash at its end.
    pub platform_url: Option<String>,
    /// The mailbox (`email`).
    pub email: Option<EmailSettings>,
    /// Audiences of everyone who writes here.
    pub audience: Vec<String>,
    /// Name of the channel for answers and their rendering. Default: the kind of the channel.
    pub channel: Option<String>,
    /// Language of fixed texts to a customer of whom no word is known: `zh-Hant`, `zh-Hans` or `en`; null: Traditional
    /// Chinese and English.
    pub language: Option<String>,
    /// How long the bot waits for further messages before it answers them together, in milliseconds, 0 to 10,000.
    pub burst_ms: u32,
    /// After how many hours without a message a conversation is over, 1 to 8,760. A later message opens a new one.
    pub reopen_hours: u32,
    /// After how many hours without a word from an agent a conversation returns to the bot, 1 to 8,760; null: never.
    pub return_to_bot_hours: Option<u32>,
    /// After how many days messages are erased, 1 to 3,650; null: never.
    pub keep_days: Option<u32>,
    /// For how many hours after a customer's message something may be sent, 1 to 8,760; null: at any time.
    pub window_hours: Option<u32>,
}

impl Default for InboxSettings {
    fn default() -> Self {
        Self {
            mode: SendMode::Shadow,
            auto_send_level: Level::Strict,
            callback_url: None,
            platform_url: None,
            email: None,
            audience: Vec::new(),
            channel: None,
            language: None,
            burst_ms: 1_000,
            reopen_hours: 72,
            return_to_bot_hours: Some(24),
            keep_days: None,
            window_hours: None,
        }
    }
}

/// One connected address of a channel: an account, a telephone number, a mailbox, a site.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Inbox {
    /// The inbox's id.
    pub id: InboxId,
    /// The kind of its channel.
    pub channel: ChannelKind,
    /// Its name for people.
    pub name: String,
    /// Its settings.
    pub settings: InboxSettings,
    /// The names of its secrets. Their values are never shown.
    pub secrets: Vec<String>,
    /// When it was connected.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: jiff::Timestamp,
}
