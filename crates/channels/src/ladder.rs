//! By which way a message may go out: one rule for all platforms.

use jiff::{SignedDuration, Timestamp};

use crate::channel::{Limits, Refusal, Way};

/// What is known when a message is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the customer last wrote; `None` if they never did.
    pub last_in_at: Option<Timestamp>,
    /// An unused token for a reply, and when it came.
    pub reply_token: Option<(String, Timestamp)>,
    /// Whether a person wrote the message, and not the bot.
    pub by_person: bool,
    /// Whether the customer withdrew the consent to be written to, as by blocking the account.
    pub is_blocked: bool,
}

/// The way of a message at a time: the free reply while its token is fresh, then a message within the window.
pub fn way(limits: &Limits, standing: &Standing, now: Timestamp) -> Way {
    if standing.is_blocked {
        return Way::Refuse(Refusal::Blocked);
    }
    let age = |at: Timestamp| now.duration_since(at);
    if let (Some(fresh), Some((token, at))) = (limits.reply, &standing.reply_token)
        && age(*at) < fresh
    {
        return Way::Reply(token.clone());
    }
    let Some(window) = limits.window else {
        return Way::Push;
    };
    let Some(last) = standing.last_in_at else {
        return Way::Refuse(Refusal::NeverWrote);
    };
    let is_open = |window: SignedDuration| age(last) < window;
    match limits.person_window {
        _ if is_open(window) => Way::Push,
        Some(window) if standing.by_person && is_open(window) => Way::PersonPush,
        _ => Way::Refuse(Refusal::WindowClosed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel_of;
    use ken_base::desk::ChannelKind;

    const PLATFORMS: [ChannelKind; 5] = [
        ChannelKind::Line,
        ChannelKind::Whatsapp,
        ChannelKind::Messenger,
        ChannelKind::Telegram,
        ChannelKind::Slack,
    ];

    fn after(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(n)
    }

    fn standing(wrote: i64, token: bool, by_person: bool) -> Standing {
        Standing {
            last_in_at: Some(after(wrote)),
            reply_token: token.then(|| ("token".to_owned(), after(wrote))),
            by_person,
            is_blocked: false,
        }
    }

    #[test]
    fn each_platform_has_its_way() {
        const HOUR: i64 = 3_600;
        let refused = |why| Way::Refuse(why);
        for (kind, seconds, by_person, expected) in [
            (ChannelKind::Line, 5, false, Way::Reply("token".into())),
            (ChannelKind::Line, 55, false, Way::Push),
            (ChannelKind::Line, 900 * HOUR, false, Way::Push),
            (ChannelKind::Whatsapp, 23 * HOUR, false, Way::Push),
            (
                ChannelKind::Whatsapp,
                25 * HOUR,
                true,
                refused(Refusal::WindowClosed),
            ),
            (
                ChannelKind::Messenger,
                25 * HOUR,
                false,
                refused(Refusal::WindowClosed),
            ),
            (ChannelKind::Messenger, 25 * HOUR, true, Way::PersonPush),
            (
                ChannelKind::Messenger,
                169 * HOUR,
                true,
                refused(Refusal::WindowClosed),
            ),
            (ChannelKind::Telegram, 900 * HOUR, false, Way::Push),
            (ChannelKind::Slack, 900 * HOUR, false, Way::Push),
        ] {
            let limits = channel_of(kind).unwrap().limits();
            let found = way(&limits, &standing(0, true, by_person), after(seconds));
            assert_eq!(found, expected, "{kind:?} after {seconds} s");
        }
    }

    #[test]
    fn properties_hold_for_any_standing() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let kind = random.choice(PLATFORMS).unwrap();
            let limits = channel_of(kind).unwrap().limits();
            let wrote = random.i64(0..1_000_000);
            let mut of = standing(wrote, random.bool(), random.bool());
            of.is_blocked = random.u8(..) < 20;
            if random.u8(..) < 20 {
                of.last_in_at = None;
            }
            let now = after(wrote + random.i64(0..1_000_000));
            let found = way(&limits, &of, now);
            let age = of.last_in_at.map(|at| now.duration_since(at));
            match &found {
                Way::Refuse(Refusal::Blocked) => assert!(of.is_blocked),
                _ if of.is_blocked => panic!("{found:?} to somebody who blocked"),
                Way::Reply(_) => {
                    let (_, at) = of.reply_token.as_ref().unwrap();
                    assert!(now.duration_since(*at) < limits.reply.unwrap());
                }
                Way::Push => {
                    let closed = limits.window.zip(age).is_some_and(|(w, age)| age >= w);
                    assert!(!closed, "{kind:?} {of:?}");
                }
                Way::PersonPush => {
                    assert!(of.by_person && limits.person_window.unwrap() > age.unwrap());
                }
                Way::Refuse(Refusal::NeverWrote) => assert!(of.last_in_at.is_none()),
                Way::Refuse(Refusal::WindowClosed) => {
                    assert!(age.unwrap() >= limits.window.unwrap());
                }
            }
            // Waiting never opens a way that was closed.
            let later = way(&limits, &of, now + SignedDuration::from_hours(1));
            if matches!(found, Way::Refuse(_)) {
                assert!(matches!(later, Way::Refuse(_)), "{of:?}");
            }
        }
    }
}
