//! Metrics of channels: messages and deliveries. Labels name channels, never an inbox, a customer or a conversation.

use jiff::SignedDuration;

use ken_base::desk::{ChannelKind, DeliveryState, Direction};

/// The label of a channel whose inbox is gone.
const NO_CHANNEL: &str = "none";

/// The result of an attempt at a delivery, or the end of a delivery without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The platform, or the callback address, took the message.
    Accepted,
    /// The platform reports that it reached the customer's device.
    Delivered,
    /// The platform reports that the customer opened it.
    Read,
    /// The attempt failed and is made again later.
    Retry,
    /// The platform refuses the credentials. The attempt is made again later, after somebody set them.
    Reconnect,
    /// The message is never sent, or the platform reports that it could not deliver it.
    Failed,
    /// The channel's window closed first.
    Expired,
    /// An agent took over, or the customer was erased, before an attempt began.
    Cancelled,
}

impl DeliveryOutcome {
    /// All outcomes.
    const ALL: [Self; 8] = [
        DeliveryOutcome::Accepted,
        DeliveryOutcome::Delivered,
        DeliveryOutcome::Read,
        DeliveryOutcome::Retry,
        DeliveryOutcome::Reconnect,
        DeliveryOutcome::Failed,
        DeliveryOutcome::Expired,
        DeliveryOutcome::Cancelled,
    ];

    /// The value of the label `outcome`.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryOutcome::Accepted => "accepted",
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Read => "read",
            DeliveryOutcome::Retry => "retry",
            DeliveryOutcome::Reconnect => "reconnect",
            DeliveryOutcome::Failed => "failed",
            DeliveryOutcome::Expired => "expired",
            DeliveryOutcome::Cancelled => "cancelled",
        }
    }

    /// The outcome that a state is; `None` for a state that is none.
    pub fn of(state: DeliveryState) -> Option<Self> {
        match state {
            DeliveryState::Queued | DeliveryState::Sending => None,
            DeliveryState::Accepted => Some(DeliveryOutcome::Accepted),
            DeliveryState::Delivered => Some(DeliveryOutcome::Delivered),
            DeliveryState::Read => Some(DeliveryOutcome::Read),
            DeliveryState::Failed => Some(DeliveryOutcome::Failed),
            DeliveryState::Expired => Some(DeliveryOutcome::Expired),
            DeliveryState::Cancelled => Some(DeliveryOutcome::Cancelled),
        }
    }
}

/// Shows the counters of a channel before anything is counted: Prometheus sees no increase in a series that begins at 1.
pub fn register(channel: ChannelKind) {
    for outcome in DeliveryOutcome::ALL {
        count_delivery(channel.as_str(), outcome, 0);
    }
    for direction in ["in", "out", "shadow", "echo"] {
        count_message(channel, direction, 0);
    }
}

/// Counts a message. What agents write to each other is not counted.
pub fn message(channel: ChannelKind, direction: Direction) {
    match direction {
        Direction::In => count_message(channel, "in", 1),
        Direction::Out => count_message(channel, "out", 1),
        Direction::Shadow => count_message(channel, "shadow", 1),
        Direction::Note => {}
    }
}

/// Counts a message that a person of the company wrote on the channel's own app.
pub fn echo(channel: ChannelKind) {
    count_message(channel, "echo", 1);
}

fn count_message(channel: ChannelKind, direction: &'static str, n: u64) {
    metrics::counter!("ken_messages_total", "channel" => channel.as_str(), "direction" => direction)
        .increment(n);
}

fn count_delivery(channel: &'static str, outcome: DeliveryOutcome, n: u64) {
    metrics::counter!("ken_deliveries_total", "channel" => channel, "outcome" => outcome.as_str())
        .increment(n);
}

/// Counts the outcome of a delivery. `None`: its inbox is gone.
pub fn delivery(channel: Option<ChannelKind>, outcome: DeliveryOutcome) {
    count_delivery(channel.map_or(NO_CHANNEL, ChannelKind::as_str), outcome, 1);
}

/// Records how long a message waited from its being written to its being accepted.
pub fn delivery_time(channel: ChannelKind, waited: SignedDuration) {
    metrics::histogram!("ken_delivery_seconds", "channel" => channel.as_str())
        .record(seconds(waited));
}

/// Records how long a customer waited from their last message, by the channel's clock, until a reply was accepted.
pub fn reply_time(channel: ChannelKind, waited: SignedDuration) {
    metrics::histogram!("ken_reply_seconds", "channel" => channel.as_str()).record(seconds(waited));
}

/// A duration in seconds. One that clocks out of step make negative is 0.
fn seconds(waited: SignedDuration) -> f64 {
    waited.as_secs_f64().max(0.0)
}
