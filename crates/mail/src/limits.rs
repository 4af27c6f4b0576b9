//! How often a thread may be answered automatically. Pure.

use jiff::{SignedDuration, Timestamp};

/// The most automatic mails of a thread within [`PERIOD`]. RFC 3834 section 2 asks for a limit and leaves the number open;
/// three lets a customer ask twice more, and ends a loop of two programs that do not mark their mails.
pub const MAX_AUTOMATIC: usize = 3;
/// The time over which they are counted.
pub const PERIOD: SignedDuration = SignedDuration::from_hours(24);

/// Whether one more automatic mail may be sent to a thread. `earlier` are the times of those that were sent, in any order;
/// times after `now`, by another clock, count.
pub fn may_send(earlier: &[Timestamp], now: Timestamp) -> bool {
    let is_recent = |at: &&Timestamp| now.duration_since(**at) < PERIOD;
    earlier.iter().filter(is_recent).count() < MAX_AUTOMATIC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourth_mail_within_a_day_is_refused() {
        let now = Timestamp::from_second(1_796_000_000).unwrap();
        let hours = |ago: i64| now - SignedDuration::from_hours(ago);
        assert!(may_send(&[], now));
        assert!(may_send(&[hours(1), hours(2)], now));
        assert!(!may_send(&[hours(3), hours(1), hours(2)], now));
        assert!(may_send(&[hours(24), hours(1), hours(2)], now));
        assert!(!may_send(&[hours(23), hours(-1), hours(-30)], now));
    }
}
