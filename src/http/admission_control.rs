//! Load shedding: refuses a question at once if it would wait too long, so that the admitted ones do not wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::problem::Problem;

/// The inverse weight of the newest reply in the mean interval: about sixty replies count, which is four full batches
/// of the encoder.
const NEWEST: u32 = 64;

/// This many questions are always admitted.
const FEW: u32 = 8;

/// After this time of work without a pause, the queue is no passing burst but a standing one, which only adds waiting
/// time. Then half the bound applies. After CoDel (Nichols and Jacobson 2012), which services implement as two bounds
/// on one queue (Maurer, "Fail at Scale", 2015). Beside a long request, or on many cores, there is hardly ever a pause,
/// so half the bound applies. Tried and left out: to count times with little work (an eighth of the bound) as pauses.
/// At four times the capacity the p99 of admitted questions was then 321 ms, and 250 ms as it is (one run each).
const STANDING: Duration = Duration::from_secs(1);

/// The questions in progress and the interval at which they finish. By Little's law (1961) a new question waits as long
/// as it takes to finish those in progress, regardless of what they wait for.
pub struct AdmissionControl {
    max_wait: Duration,
    now: Mutex<LoadState>,
}

struct LoadState {
    /// The number of questions in progress.
    n_in_flight: u32,
    /// The beginning of the current busy period.
    busy_since: Instant,
    /// The last reply in the busy period, or the period's beginning.
    since: Instant,
    /// The mean interval between replies while others were in progress; zero before the first.
    pace: Duration,
    /// The shortest time of a reply with no others in progress: the estimate before `pace` is known.
    alone: Duration,
}

/// A question in progress. Dropping it ends the question.
pub struct InFlight(Arc<AdmissionControl>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.end(Instant::now());
    }
}

impl AdmissionControl {
    /// Admits questions as long as their estimated wait is at most `max_wait`.
    pub fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            now: Mutex::new(LoadState {
                n_in_flight: 0,
                busy_since: Instant::now(),
                since: Instant::now(),
                pace: Duration::ZERO,
                alone: Duration::MAX,
            }),
        }
    }

    /// Admits a question.
    ///
    /// `/problems/overloaded` if the estimated wait exceeds the bound.
    pub fn admit(self: &Arc<Self>) -> Result<InFlight, Problem> {
        match self.try_begin(Instant::now()) {
            true => Ok(InFlight(self.clone())),
            false => Err(Problem::overloaded(
                "estimated queueing time exceeds http.max_wait_ms",
            )),
        }
    }

    fn try_begin(&self, at: Instant) -> bool {
        let mut now = self.now();
        let pace = match (now.pace, now.alone) {
            (Duration::ZERO, Duration::MAX) => Duration::ZERO,
            (Duration::ZERO, alone) => alone,
            (pace, _) => pace,
        };
        if now.n_in_flight == 0 {
            (now.busy_since, now.since) = (at, at);
        }
        let max_wait = match at.saturating_duration_since(now.busy_since) > STANDING {
            true => self.max_wait / 2,
            false => self.max_wait,
        };
        if now.n_in_flight >= FEW && pace * now.n_in_flight > max_wait {
            return false;
        }
        now.n_in_flight += 1;
        true
    }

    fn end(&self, at: Instant) {
        let mut now = self.now();
        let took = at.saturating_duration_since(now.since);
        now.since = at;
        now.n_in_flight -= 1;
        // A single reply shows the duration of a reply, not the interval between replies.
        if now.n_in_flight == 0 {
            now.alone = now.alone.min(took);
            return;
        }
        now.pace = match now.pace.is_zero() {
            true => took,
            false => now.pace - now.pace / NEWEST + took / NEWEST,
        };
    }

    fn now(&self) -> MutexGuard<'_, LoadState> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_refused_while_estimated_wait_exceeds_limit() {
        let load = AdmissionControl::new(Duration::from_millis(100));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        // The duration of a reply is still unknown.
        for _ in 0..50 {
            assert!(load.try_begin(start));
        }
        // One reply every ten milliseconds, so eleven questions are too many.
        for n in 1..=39 {
            load.end(after(n * 10));
            assert!(!load.try_begin(after(n * 10)), "{n}");
        }
        load.end(after(400));
        assert!(load.try_begin(after(400)));
        assert!(!load.try_begin(after(400)));
    }

    #[test]
    fn single_reply_time_limits_first_burst() {
        let load = AdmissionControl::new(Duration::from_millis(100));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        assert!(load.try_begin(start));
        load.end(after(20));
        let n_taken = (0..50).filter(|_| load.try_begin(after(1_000))).count();
        assert_eq!(n_taken, FEW as usize);
        // Concurrent replies are faster.
        load.end(after(1_005));
        assert!(load.try_begin(after(1_005)) && load.try_begin(after(1_005)));
    }

    #[test]
    fn admission_halves_after_sustained_load_without_pause() {
        let load = AdmissionControl::new(Duration::from_millis(400));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let taken = |at| (0..100).filter(|_| load.try_begin(at)).count();
        assert_eq!(taken(start), 100);
        for n in 1..=80 {
            load.end(after(n * 10));
        }
        // Twenty are in progress, and one finishes every ten milliseconds.
        assert_eq!(taken(after(990)), 21);
        for n in 81..=102 {
            load.end(after(n * 10));
        }
        assert_eq!(taken(after(1_020)), 2);
        for n in 103..=123 {
            load.end(after(n * 10));
        }
        assert_eq!(load.now().n_in_flight, 0);
        // After a pause, as many as before are admitted.
        assert_eq!(taken(after(2_000)), 41);
    }

    #[test]
    fn pace_ignores_pauses_and_single_requests() {
        let load = AdmissionControl::new(Duration::from_millis(100));
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        for n in 0..20 {
            assert!(load.try_begin(after(n * 10_000)));
            load.end(after(n * 10_000 + 900));
        }
        for n in 20..40 {
            let at = n * 10_000;
            assert!(load.try_begin(after(at)) && load.try_begin(after(at)));
            load.end(after(at + 5));
            load.end(after(at + 9));
        }
        let pace = load.now().pace;
        assert_eq!(pace, Duration::from_millis(5));
    }
}
