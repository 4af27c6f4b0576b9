//! Evaluates experiments from exposures and outcomes. Pure.
//!
//! An observation never changes later, so repeated evaluation does no harm. Each customer's first outcome counts, from
//! the time it was reported. A customer who reports nothing in time counts by whether the question was answered, from
//! the end of that time.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::sequential::SequentialTest;
use ken_base::domain::{Experiment, ExperimentState, Exposure};

/// Results of an arm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ArmResult {
    /// The arm's name.
    pub name: String,
    /// Customers who saw it, and those with a known outcome.
    pub shown: usize,
    /// Customers with a known outcome.
    pub known: usize,
    /// Customers who were helped.
    pub successes: usize,
    /// Customers who complained or asked for a person.
    pub harms: usize,
    /// E-value against "as good as the first arm"; significant from 1/α of this comparison.
    pub e_value: f64,
    /// The same for harm.
    pub harm_e_value: f64,
    /// Customers for whom it is known whether they were harmed.
    #[serde(skip)]
    known_harm: usize,
}

/// A customer who neither complained nor asked for a person within this time counts as not harmed.
pub const HARM_WITHIN: SignedDuration = SignedDuration::from_hours(2);

/// The results of all arms at time `now`. A customer without feedback counts after `silence`.
pub fn results(
    experiment: &Experiment,
    exposures: &[Exposure],
    now: Timestamp,
    silence: SignedDuration,
) -> Vec<ArmResult> {
    let n = experiment.arms.len();
    let mut results: Vec<ArmResult> = experiment
        .arms
        .iter()
        .map(|arm| ArmResult {
            name: arm.name.clone(),
            ..ArmResult::default()
        })
        .collect();
    let mut tests = vec![(SequentialTest::default(), SequentialTest::default()); n];
    let exposures: Vec<&Exposure> = exposures.iter().filter(|e| e.arm < n).collect();
    let mut outcomes: Vec<(Timestamp, &str, usize, bool)> = Vec::new();
    let mut harmed: Vec<(Timestamp, &str, usize, bool)> = Vec::new();
    for e in &exposures {
        results[e.arm].shown += 1;
        let (silent, unharmed) = (e.at + silence, e.at + HARM_WITHIN);
        let (when, success) = match e.rated {
            Some((success, at)) if at <= silent => (at, success),
            _ => (silent, e.answered),
        };
        outcomes.push((when, &e.customer, e.arm, success));
        harmed.push(match e.harmed_at {
            Some(at) if at <= unharmed => (at, &e.customer, e.arm, true),
            _ => (unharmed, &e.customer, e.arm, false),
        });
    }
    for events in [&mut outcomes, &mut harmed] {
        events.retain(|(when, ..)| *when <= now);
        events.sort_unstable();
    }
    // The first arm's customers count in every comparison.
    let compared = |arm: usize| if arm == 0 { 1..n } else { arm..arm + 1 };
    for (_, _, arm, success) in outcomes {
        results[arm].known += 1;
        results[arm].successes += usize::from(success);
        for (test, _) in &mut tests[compared(arm)] {
            test.take(usize::from(arm > 0), success);
        }
    }
    for (_, _, arm, harm) in harmed {
        results[arm].known_harm += 1;
        results[arm].harms += usize::from(harm);
        for (_, test) in &mut tests[compared(arm)] {
            test.take(usize::from(arm > 0), harm);
        }
    }
    for (result, (success, harm)) in results.iter_mut().zip(&tests) {
        result.e_value = success.e_value();
        result.harm_e_value = harm.e_value();
    }
    results
}

/// Removes harmful arms, and ends the experiment if an arm is significantly better or worse than the live state or if
/// `max_customers` is reached. Returns whether the experiment changed.
pub fn conclude(experiment: &mut Experiment, results: &[ArmResult]) -> bool {
    if experiment.state != ExperimentState::Running {
        return false;
    }
    // Each arm is compared with the first twice, for success and for harm: Bonferroni over the comparisons.
    let alpha = experiment.alpha / (2 * (results.len() - 1)) as f64;
    let rate = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    let first = &results[0];
    let mut changed = false;
    for (arm, result) in results.iter().enumerate().skip(1) {
        let does_harm = result.harm_e_value >= 1.0 / alpha
            && rate(result.harms, result.known_harm) > rate(first.harms, first.known_harm);
        if does_harm && !experiment.out.contains(&arm) {
            experiment.out.push(arm);
            changed = true;
        }
    }
    let of = |arm: usize| rate(results[arm].successes, results[arm].known);
    let called = |arm: usize| results[arm].e_value >= 1.0 / alpha;
    let is_in = |arm: &usize| !experiment.out.contains(arm);
    let arms = 1..results.len();
    let best = arms
        .clone()
        .filter(|arm| is_in(arm) && called(*arm) && of(*arm) > of(0))
        .max_by(|a, b| of(*a).total_cmp(&of(*b)));
    let is_worse = |arm: usize| called(arm) && of(arm) <= of(0);
    let all_lost = arms.clone().all(|arm| !is_in(&arm) || is_worse(arm));
    let all_out = arms.clone().all(|arm| !is_in(&arm));
    let is_full = (0..results.len())
        .filter(is_in)
        .all(|arm| results[arm].known >= experiment.max_customers);
    let (state, winner, reason) = match best {
        Some(arm) => (ExperimentState::Decided, Some(arm), "an arm is better"),
        None if all_out => (
            ExperimentState::Stopped,
            None,
            "guardrail: every other arm does harm",
        ),
        None if all_lost => (
            ExperimentState::Decided,
            Some(0),
            "the live state is better than every other arm",
        ),
        None if is_full => (
            ExperimentState::Stopped,
            None,
            "no difference within max_customers",
        ),
        None => return changed,
    };
    experiment.state = state;
    experiment.winner = winner;
    experiment.reason = Some(reason.to_owned());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::Arm;

    fn experiment(arms: usize) -> Experiment {
        let arm = |n: usize| Arm {
            name: n.to_string(),
            answer: None,
            tuning: None,
        };
        Experiment {
            id: "e".into(),
            state: ExperimentState::Running,
            faq_id: None,
            live: None,
            arms: (0..arms).map(arm).collect(),
            alpha: 0.05,
            max_customers: 1_500,
            winner: None,
            reason: None,
            out: Vec::new(),
            to_promote: false,
        }
    }

    const SILENCE: SignedDuration = SignedDuration::from_hours(72);

    /// One customer a minute; four of ten report an outcome within two hours.
    fn customers(
        random: &mut fastrand::Rng,
        n: usize,
        rates: &[f64],
        harms: &[f64],
    ) -> Vec<Exposure> {
        (0..n)
            .map(|at| {
                let arm = random.usize(0..rates.len());
                let at = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(at as i64);
                let later =
                    |random: &mut fastrand::Rng| at + SignedDuration::from_mins(random.i64(1..120));
                let success = random.f64() < rates[arm];
                let says = random.f64() < 0.4;
                let harmed = random.f64() < harms[arm];
                Exposure {
                    customer: random.u64(..).to_string(),
                    arm,
                    at,
                    // Silent customers were shown an answer as often as it was a success.
                    answered: success,
                    rated: says.then(|| (success, later(random))),
                    harmed_at: harmed.then(|| later(random)),
                }
            })
            .collect()
    }

    /// Evaluated four times while it runs.
    fn run(random: &mut fastrand::Rng, rates: &[f64], harms: &[f64]) -> Experiment {
        let n = 3_000;
        let all = customers(random, n, rates, harms);
        let mut experiment = experiment(rates.len());
        for look in 1..=4 {
            let now =
                Timestamp::UNIX_EPOCH + SignedDuration::from_mins((look * n / 4) as i64) + SILENCE;
            // Later events are unknown at this time.
            let known: Vec<Exposure> = all.iter().filter(|e| e.at <= now).cloned().collect();
            let results = results(&experiment, &known, now, SILENCE);
            conclude(&mut experiment, &results);
        }
        experiment
    }

    #[test]
    fn verdict_over_1000_experiments_is_accurate() {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut called, mut right, mut wrong) = (0, 0, 0);
        for _ in 0..1_000 {
            let null = run(&mut random, &[0.6, 0.6], &[0.03, 0.03]);
            called += usize::from(null.winner.is_some() || !null.out.is_empty());
            let planted = run(&mut random, &[0.6, 0.7], &[0.03, 0.03]);
            right += usize::from(planted.winner == Some(1));
            wrong += usize::from(planted.winner == Some(0) || !planted.out.is_empty());
        }
        println!(
            "no difference: called {called} of 1,000; 60 % against 70 %: right {right}, wrong {wrong}"
        );
        assert!(called <= 50, "{called}");
        assert!(right >= 900 && wrong <= 25, "{right} {wrong}");
    }

    #[test]
    fn harmful_arm_is_removed_and_does_not_win() {
        let mut random = fastrand::Rng::with_seed(6);
        let ended = run(&mut random, &[0.6, 0.6, 0.6], &[0.03, 0.25, 0.03]);
        assert_eq!(ended.out, [1], "{ended:?}");
        assert_ne!(ended.winner, Some(1));
    }

    #[test]
    fn later_exposures_do_not_change_earlier_results() {
        let mut random = fastrand::Rng::with_seed(7);
        let all = customers(&mut random, 600, &[0.5, 0.6], &[0.1, 0.1]);
        let experiment = experiment(2);
        let mut before: Vec<ArmResult> = Vec::new();
        for hours in 0..90 {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
            // A verdict later than `now` does not count yet.
            let known: Vec<Exposure> = all
                .iter()
                .filter(|e| e.at <= now)
                .map(|e| Exposure {
                    rated: e.rated.filter(|(_, at)| *at <= now),
                    harmed_at: e.harmed_at.filter(|at| *at <= now),
                    ..e.clone()
                })
                .collect();
            let (with_less, with_all) = (
                results(&experiment, &known, now, SILENCE),
                results(&experiment, &all[..known.len()], now, SILENCE),
            );
            assert_eq!(
                with_less, with_all,
                "what comes later changes nothing at {hours} h"
            );
            for (was, is) in before.iter().zip(&with_less) {
                assert!(
                    was.known <= is.known
                        && was.successes <= is.successes
                        && was.e_value <= is.e_value
                );
            }
            before = with_less;
        }
    }
}
