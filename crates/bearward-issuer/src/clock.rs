//! The issuer's time, which a test may move.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::SystemTime,
};

/// The system's clock, so many seconds ahead or behind.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    /// Whole seconds since 1970. A clock before that reads as 0: every token would then be too new, none too old.
    pub(crate) fn now(&self) -> u64 {
        let system = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        system.saturating_add_signed(self.offset.load(Ordering::Relaxed))
    }

    pub(crate) fn set_offset(&self, seconds: i64) {
        self.offset.store(seconds, Ordering::Relaxed);
    }
}
