//! [`Clock`]: the current time, which tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// The time that decides what is valid and published: the time of the system, or one that a test sets. Clones share a
/// set time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Milliseconds since 1970, if the time is set.
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that returns `at` until another time is set.
    pub fn fixed(at: Timestamp) -> Self {
        Self {
            set: Some(Arc::new(AtomicI64::new(at.as_millisecond()))),
        }
    }

    /// Sets the time of a clock made by [`Clock::fixed`] and of its clones; other clocks do not change.
    pub fn set(&self, at: Timestamp) {
        if let Some(set) = &self.set {
            set.store(at.as_millisecond(), Ordering::Release);
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        match &self.set {
            None => Timestamp::now(),
            Some(set) => Timestamp::from_millisecond(set.load(Ordering::Acquire))
                .expect("it was made of a timestamp"),
        }
    }
}
