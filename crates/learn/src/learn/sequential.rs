//! A sequential test that may be evaluated after every customer: the e-process for two Bernoulli streams. Pure.
//!
//! Turner, Ly, Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for optional stopping",
//! 2021 (arXiv:2106.02693). Customers are paired, one of each arm in order of arrival. A pair's e-variable is the
//! likelihood of its outcomes under the estimates so far, a and b, over that under their mean: p_a(y_a)·p_b(y_b) /
//! (p_m(y_a)·p_m(y_b)) with m = (a + b)/2. Its expectation is at most 1 whatever common rate is true, so by Ville's
//! inequality the product reaches 1/α with probability at most α, however often it is evaluated.

/// The prior of the estimates, as pseudo-counts of successes and failures: Beta(.18, .18), as the paper recommends.
const PRIOR: f64 = 0.18;

/// The state of the test.
#[derive(Debug, Clone, Default)]
pub struct SequentialTest {
    /// Outcomes without a partner yet, by arm.
    waiting: [std::collections::VecDeque<bool>; 2],
    successes: [f64; 2],
    n_pairs: f64,
    log_e: f64,
    most: f64,
}

impl SequentialTest {
    /// Adds an outcome of arm 0 or 1. Call it in the order of arrival. Panics for any other arm.
    pub fn take(&mut self, arm: usize, success: bool) {
        self.waiting[arm].push_back(success);
        while let (Some(_), Some(_)) = (self.waiting[0].front(), self.waiting[1].front()) {
            let pair = [0, 1].map(|arm| self.waiting[arm].pop_front().expect("both have one"));
            self.pair(pair);
        }
    }

    fn pair(&mut self, outcomes: [bool; 2]) {
        let rate = |arm: usize| (self.successes[arm] + PRIOR) / (self.n_pairs + 2.0 * PRIOR);
        let rates = [rate(0), rate(1)];
        let mean = (rates[0] + rates[1]) / 2.0;
        let of = |rate: f64, success: bool| if success { rate } else { 1.0 - rate };
        for arm in [0, 1] {
            self.log_e += (of(rates[arm], outcomes[arm]) / of(mean, outcomes[arm])).ln();
            self.successes[arm] += f64::from(u8::from(outcomes[arm]));
        }
        self.n_pairs += 1.0;
        self.most = self.most.max(self.log_e);
    }

    /// The greatest e-value so far: evidence against "no difference". At least 1/α is significant at α.
    pub fn e_value(&self) -> f64 {
        self.most.exp()
    }

    /// The arm with more successes, if the difference is significant at `alpha`; else `None`.
    pub fn ahead(&self, alpha: f64) -> Option<usize> {
        let is_significant = self.most >= -alpha.ln();
        is_significant.then(|| usize::from(self.successes[1] > self.successes[0]))
    }

    /// The number of complete pairs.
    pub fn n_pairs(&self) -> usize {
        self.n_pairs as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_test_e_value_matches_hand_calculation() {
        let mut test = SequentialTest::default();
        // The first pair carries no evidence: both estimates are the prior's.
        test.take(0, true);
        test.take(1, false);
        assert_eq!((test.e_value(), test.n_pairs()), (1.0, 1));
        // Now a = 1.18/1.36, b = .18/1.36, m = .5: (a / .5) · ((1 − b) / .5).
        test.take(0, true);
        test.take(1, false);
        let a: f64 = 1.18 / 1.36;
        assert!(
            (test.e_value() - 4.0 * a * a).abs() < 1e-9,
            "{}",
            test.e_value()
        );
    }

    /// 1,000 experiments each, of at most 2,000 pairs, evaluated after every pair.
    #[test]
    fn sequential_test_error_rate_stays_within_alpha() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut run = |rates: [f64; 2]| -> (Option<usize>, usize) {
            let mut test = SequentialTest::default();
            for n in 1..=2_000 {
                for arm in [0, 1] {
                    test.take(arm, random.f64() < rates[arm]);
                }
                if let Some(ahead) = test.ahead(0.05) {
                    return (Some(ahead), n);
                }
            }
            (None, 2_000)
        };
        for base in [0.1, 0.6] {
            let called = (0..1_000).filter(|_| run([base, base]).0.is_some()).count();
            println!("no difference at {base}: called {called} of 1,000");
            assert!(called <= 50, "{base}: {called}");
        }
        let (mut right, mut wrong, mut pairs) = (0, 0, 0);
        for _ in 0..1_000 {
            let (ahead, n) = run([0.60, 0.70]);
            right += usize::from(ahead == Some(1));
            wrong += usize::from(ahead == Some(0));
            pairs += n;
        }
        println!(
            "60 % against 70 %: right {right}, wrong {wrong} of 1,000, after {} pairs in the mean",
            pairs / 1_000
        );
        assert!(right >= 950 && wrong <= 10, "{right} right, {wrong} wrong");
    }
}
