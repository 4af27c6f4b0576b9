//! How much is asked for beside how much is done: a question that would wait too long is refused at once, so that those which are
//! taken do not wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::problem::Problem;

/// How much of the pace the newest reply makes: some sixty replies are remembered, four full batches of the encoder.
const NEWEST: u32 = 64;

/// So few are never too many.
const FEW: u32 = 8;

/// Where there has been something to do without a pause for so long, a queue is no rush that passes but stands, and only adds to
/// what each in it waits: then half of it has to do. After CoDel (Nichols and Jacobson 2012), which services take up as two bounds
/// on the same queue (Maurer, "Fail at Scale", 2015). Beside one that takes long, or on many cores, there is hardly ever a pause: then
/// half is what holds. Where a pause was wherever little was in work (an eighth of the bound), the p99 of the admitted under four times too
/// much was 321 ms, and 250 as it is (one run each).
const STANDING: Duration = Duration::from_secs(1);

/// The questions in work and the pace at which they come to an end. By Little's law (1961) one more waits for as long as it
/// takes to do those in work, whatever it is that they wait for.
pub struct Load {
    max_wait: Duration,
    now: Mutex<Now>,
}

struct Now {
    n_in_work: u32,
    /// Since when there has been something to do without a pause.
    busy_since: Instant,
    /// The last reply in that time, or its begin.
    since: Instant,
    /// The mean time from one reply to the next while there was more to do; zero where there never was.
    pace: Duration,
    /// The shortest time that a reply took which had nothing beside it: what is known of the pace before there is one.
    alone: Duration,
}

/// A question in work, until it is dropped.
pub struct InWork(Arc<Load>);

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.ended(Instant::now());
    }
}

impl Load {
    pub fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            now: Mutex::new(Now {
                n_in_work: 0,
                busy_since: Instant::now(),
                since: Instant::now(),
                pace: Duration::ZERO,
                alone: Duration::MAX,
            }),
        }
    }

    /// Takes a question into work.
    ///
    /// # Errors
    /// `/problems/overloaded` where it would take longer than allowed, by what those before it took.
    pub fn admit(self: &Arc<Self>) -> Result<InWork, Problem> {
        match self.begun(Instant::now()) {
            true => Ok(InWork(self.clone())),
            false => Err(Problem::overloaded(
                "estimated queueing time exceeds http.max_wait_ms",
            )),
        }
    }

    fn begun(&self, at: Instant) -> bool {
        let mut now = self.now();
        let pace = match (now.pace, now.alone) {
            (Duration::ZERO, Duration::MAX) => Duration::ZERO,
            (Duration::ZERO, alone) => alone,
            (pace, _) => pace,
        };
        if now.n_in_work == 0 {
            (now.busy_since, now.since) = (at, at);
        }
        let max_wait = match at.saturating_duration_since(now.busy_since) > STANDING {
            true => self.max_wait / 2,
            false => self.max_wait,
        };
        if now.n_in_work >= FEW && pace * now.n_in_work > max_wait {
            return false;
        }
        now.n_in_work += 1;
        true
    }

    fn ended(&self, at: Instant) {
        let mut now = self.now();
        let took = at.saturating_duration_since(now.since);
        now.since = at;
        now.n_in_work -= 1;
        // What was alone says how long a reply takes, not how many there are in a time.
        if now.n_in_work == 0 {
            now.alone = now.alone.min(took);
            return;
        }
        now.pace = match now.pace.is_zero() {
            true => took,
            false => now.pace - now.pace / NEWEST + took / NEWEST,
        };
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_refused_while_estimated_wait_exceeds_limit() {
        let load = Load::new(Duration::from_millis(100));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        // Nothing is known yet of how long it takes.
        for _ in 0..50 {
            assert!(load.begun(start));
        }
        // One every ten milliseconds, so that eleven are too many.
        for n in 1..=39 {
            load.ended(after(n * 10));
            assert!(!load.begun(after(n * 10)), "{n}");
        }
        load.ended(after(400));
        assert!(load.begun(after(400)));
        assert!(!load.begun(after(400)));
    }

    #[test]
    fn single_reply_time_limits_first_burst() {
        let load = Load::new(Duration::from_millis(100));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        assert!(load.begun(start));
        load.ended(after(20));
        let n_taken = (0..50).filter(|_| load.begun(after(1_000))).count();
        assert_eq!(n_taken, FEW as usize);
        // Together they go faster.
        load.ended(after(1_005));
        assert!(load.begun(after(1_005)) && load.begun(after(1_005)));
    }

    #[test]
    fn admission_halves_after_sustained_load_without_pause() {
        let load = Load::new(Duration::from_millis(400));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let taken = |at| (0..100).filter(|_| load.begun(at)).count();
        assert_eq!(taken(start), 100);
        for n in 1..=80 {
            load.ended(after(n * 10));
        }
        // Twenty are in work, one is done every ten milliseconds.
        assert_eq!(taken(after(990)), 21);
        for n in 81..=102 {
            load.ended(after(n * 10));
        }
        assert_eq!(taken(after(1_020)), 2);
        for n in 103..=123 {
            load.ended(after(n * 10));
        }
        assert_eq!(load.now().n_in_work, 0);
        // After a pause as many as before.
        assert_eq!(taken(after(2_000)), 41);
    }

    #[test]
    fn pace_ignores_pauses_and_single_requests() {
        let load = Load::new(Duration::from_millis(100));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        for n in 0..20 {
            assert!(load.begun(after(n * 10_000)));
            load.ended(after(n * 10_000 + 900));
        }
        for n in 20..40 {
            let at = n * 10_000;
            assert!(load.begun(after(at)) && load.begun(after(at)));
            load.ended(after(at + 5));
            load.ended(after(at + 9));
        }
        let pace = load.now().pace;
        assert_eq!(pace, Duration::from_millis(5));
    }
}
