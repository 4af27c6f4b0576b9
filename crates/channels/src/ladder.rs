//! By which way a message may go out: one rule for all platforms.

use jiff::{SignedDuration, Timestamp};

use crate::channel::{Limits, Refusal, Way};

/// What is known when a message is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the customer last wrote; `None` if they never did.
    pub last_in_at: Option<Timestamp>,
    /// An unused token for a reply, and when its event was received.
    pub reply_token: Option<(String, Timestamp)>,
    /// How many messages of the platform were pushed to the customer since they last wrote: one for each text.
    pub sent_since: usize,
    /// Whether a person wrote the message, and not the bot.
    pub by_person: bool,
    /// Whether the message carries a template.
    pub has_template: bool,
    /// Whether the customer withdrew the consent to be written to, as by blocking the account.
    pub is_blocked: bool,
}

/// The way of a message at a time. The first line that holds decides:
///
/// | If | Way |
/// |---|---|
/// | the customer blocked the account | [`Way::Refuse`], `blocked` |
/// | the message carries a template, and the platform has templates | [`Way::Template`], whether the window is open or not |
/// | a reply token is younger than [`Limits::reply`] | [`Way::Reply`] |
/// | the platform has a window, and the customer never wrote | [`Way::Refuse`], `never_wrote` |
/// | the window has closed; of a message that a person wrote, the window for persons too | [`Way::Refuse`], `window_closed` |
/// | [`Limits::per_inbound`] messages were pushed since the customer wrote | [`Way::Refuse`], `quota_used` |
/// | the window is open, or there is none | [`Way::Push`] |
/// | only the window for persons is open | [`Way::PersonPush`] |
///
/// A template on a platform without templates is ignored: the message is sent with its texts. On a platform that takes its
/// reply in the response ([`Limits::in_response`]) the ways are the same; [`Way::Reply`] then needs a request of the platform
/// that still waits.
pub fn way(limits: &Limits, standing: &Standing, now: Timestamp) -> Way {
    if standing.is_blocked {
        return Way::Refuse(Refusal::Blocked);
    }
    if standing.has_template && limits.templates {
        return Way::Template;
    }
    let age = |at: Timestamp| now.duration_since(at);
    if let (Some(fresh), Some((token, at))) = (limits.reply, &standing.reply_token)
        && age(*at) < fresh
    {
        return Way::Reply(token.clone());
    }
    match (limits.per_inbound, push(limits, standing, age)) {
        (_, refused @ Way::Refuse(_)) => refused,
        (Some(most), _) if standing.sent_since >= most => Way::Refuse(Refusal::QuotaUsed),
        (_, push) => push,
    }
}

/// The way of a message without a token, by the windows.
fn push(limits: &Limits, standing: &Standing, age: impl Fn(Timestamp) -> SignedDuration) -> Way {
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

    const PLATFORMS: [ChannelKind; 7] = [
        ChannelKind::Line,
        ChannelKind::Whatsapp,
        ChannelKind::Messenger,
        ChannelKind::Telegram,
        ChannelKind::Slack,
        ChannelKind::Wechat,
        ChannelKind::Phone,
    ];

    fn after(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(n)
    }

    fn standing(wrote: i64, token: bool, by_person: bool) -> Standing {
        Standing {
            last_in_at: Some(after(wrote)),
            reply_token: token.then(|| ("token".to_owned(), after(wrote))),
            by_person,
            ..Standing::default()
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
            (
                ChannelKind::Slack,
                23 * HOUR,
                false,
                Way::Reply("token".into()),
            ),
            (ChannelKind::Slack, 900 * HOUR, false, Way::Push),
            (ChannelKind::Wechat, 4, false, Way::Reply("token".into())),
            (ChannelKind::Wechat, 5, false, Way::Push),
            (ChannelKind::Wechat, 47 * HOUR, false, Way::Push),
            (
                ChannelKind::Wechat,
                48 * HOUR,
                true,
                refused(Refusal::WindowClosed),
            ),
        ] {
            let limits = channel_of(kind).unwrap().limits();
            let found = way(&limits, &standing(0, true, by_person), after(seconds));
            assert_eq!(found, expected, "{kind:?} after {seconds} s");
        }
    }

    #[test]
    fn sixth_message_after_one_of_the_customer_is_refused() {
        let limits = channel_of(ChannelKind::Wechat).unwrap().limits();
        let of = |sent_since, token| Standing {
            sent_since,
            ..standing(0, token, false)
        };
        assert_eq!(way(&limits, &of(4, false), after(60)), Way::Push);
        let refused = Way::Refuse(Refusal::QuotaUsed);
        assert_eq!(way(&limits, &of(5, false), after(60)), refused);
        // A reply in the response does not count.
        let reply = Way::Reply("token".into());
        assert_eq!(way(&limits, &of(5, true), after(1)), reply);
    }

    #[test]
    fn template_goes_out_at_any_time_where_there_are_templates() {
        let template = |kind, of: &Standing| {
            let limits = channel_of(kind).unwrap().limits();
            let of = Standing {
                has_template: true,
                ..of.clone()
            };
            way(&limits, &of, after(900_000))
        };
        let never = Standing::default();
        assert_eq!(template(ChannelKind::Whatsapp, &never), Way::Template);
        let wrote = standing(0, false, false);
        assert_eq!(template(ChannelKind::Whatsapp, &wrote), Way::Template);
        let closed = Way::Refuse(Refusal::WindowClosed);
        assert_eq!(template(ChannelKind::Messenger, &wrote), closed);
        let blocked = Standing {
            is_blocked: true,
            ..wrote
        };
        let refused = Way::Refuse(Refusal::Blocked);
        assert_eq!(template(ChannelKind::Whatsapp, &blocked), refused);
    }

    #[test]
    fn properties_hold_for_any_standing() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let kind = random.choice(PLATFORMS).unwrap();
            let limits = Limits {
                per_inbound: random.choice([None, Some(5)]).unwrap(),
                ..channel_of(kind).unwrap().limits()
            };
            let wrote = random.i64(0..1_000_000);
            let mut of = standing(wrote, random.bool(), random.bool());
            of.is_blocked = random.u8(..) < 20;
            of.has_template = random.bool();
            of.sent_since = random.usize(0..8);
            if random.u8(..) < 20 {
                of.last_in_at = None;
            }
            let now = after(wrote + random.i64(0..1_000_000));
            let found = way(&limits, &of, now);
            let age = of.last_in_at.map(|at| now.duration_since(at));
            match &found {
                Way::Refuse(Refusal::Blocked) => assert!(of.is_blocked),
                _ if of.is_blocked => panic!("{found:?} to somebody who blocked"),
                Way::Template => assert!(of.has_template && limits.templates),
                _ if of.has_template && limits.templates => panic!("{found:?} for a template"),
                Way::Reply(_) => {
                    let (_, at) = of.reply_token.as_ref().unwrap();
                    assert!(now.duration_since(*at) < limits.reply.unwrap());
                }
                Way::Push => {
                    let closed = limits.window.zip(age).is_some_and(|(w, age)| age >= w);
                    assert!(!closed, "{kind:?} {of:?}");
                    assert!(limits.per_inbound.is_none_or(|most| of.sent_since < most));
                }
                Way::PersonPush => {
                    assert!(limits.per_inbound.is_none_or(|most| of.sent_since < most));
                    assert!(of.by_person && limits.person_window.unwrap() > age.unwrap());
                }
                Way::Refuse(Refusal::QuotaUsed) => {
                    assert!(of.sent_since >= limits.per_inbound.unwrap());
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
                // Neither does a further message.
                of.sent_since += 1;
                assert!(matches!(way(&limits, &of, now), Way::Refuse(_)), "{of:?}");
            }
        }
    }
}
