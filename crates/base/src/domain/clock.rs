use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// What time it is: the system's, or one that a test sets. What is valid when, and what is published when, goes by
/// it. Clones go alike.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Milliseconds since 1970, where the time is set.
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that stands at `at` until it is set anew.
    pub fn standing(at: Timestamp) -> Self {
        Self {
            set: Some(Arc::new(AtomicI64::new(at.as_millisecond()))),
        }
    }

    /// Sets a standing clock; the system's cannot be set.
    pub fn set(&self, at: Timestamp) {
        if let Some(set) = &self.set {
            set.store(at.as_millisecond(), Ordering::Release);
        }
    }

    pub fn now(&self) -> Timestamp {
        match &self.set {
            None => Timestamp::now(),
            Some(set) => Timestamp::from_millisecond(set.load(Ordering::Acquire))
                .expect("it was made of a timestamp"),
        }
    }
}
