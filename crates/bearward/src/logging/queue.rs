//! The lines between those who log and the one thread that writes: bounded in bytes, and never waited for.
//!
//! `tracing-appender` has a queue that drops lines as well, but it counts lines and not bytes, so its bound in memory is the
//! longest line times 128,000, and it drops an error as readily as the thousandth access line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};

/// Whole lines that wait to be written.
#[derive(Debug)]
pub(super) struct Queue {
    /// The most bytes that wait, those included that are being written.
    capacity: usize,
    state: Mutex<State>,
    /// There is something to write, or nothing more will come.
    changed: Condvar,
    /// All is written.
    ended: Condvar,
    /// How many lines did not fit, by [`Urgency::level`].
    dropped: [AtomicU64; Urgency::LEVELS.len()],
    write_errors: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// How many bytes the writer has taken and not written yet.
    under_way: usize,
    /// How many lines did not fit since that was last told.
    lost: u64,
    writer: Writer,
    is_closed: bool,
    has_ended: bool,
}

/// What the writer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    /// It writes, and will look again.
    #[default]
    Writes,
    /// It lets lines gather, and looks again in a moment.
    Naps,
    /// It waits to be woken.
    Sleeps,
}

/// How long lines gather. To wake the writer for each costs as much as to write it.
const NAP: Duration = Duration::from_millis(5);

/// What a line is about, which decides how much of the queue it may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Urgency {
    level: Level,
    /// One for each request, so that there is always another one.
    is_routine: bool,
}

impl Queue {
    /// A queue that holds `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
            changed: Condvar::new(),
            ended: Condvar::new(),
            dropped: Default::default(),
            write_errors: AtomicU64::new(0),
        }
    }

    /// Adds a whole line, or counts it as dropped. Nothing is waited for but the lock, which is held to copy bytes alone.
    pub(super) fn push(&self, urgency: Urgency, line: &[u8]) {
        let mut state = self.state();
        if state.len() + line.len() <= urgency.share(self.capacity) {
            state.waiting.extend_from_slice(line);
        } else {
            state.lost += 1;
            self.dropped(urgency.level).fetch_add(1, Ordering::Relaxed);
        }
        let wake = match state.writer {
            Writer::Writes => false,
            Writer::Naps => state.len() > self.capacity / 8,
            Writer::Sleeps => true,
        };
        if wake {
            state.writer = Writer::Writes;
        }
        drop(state);
        if wake {
            self.changed.notify_one();
        }
    }

    /// Waits for lines, and gives them all in place of `batch`, which is empty. `false` when nothing more will come.
    pub(super) fn take(&self, batch: &mut Vec<u8>) -> bool {
        let mut state = self.state();
        if !state.is_closed && state.len() <= self.capacity / 8 {
            state.writer = Writer::Naps;
            (state, _) = self.changed.wait_timeout(state, NAP).unwrap_or_else(PoisonError::into_inner);
        }
        while state.waiting.is_empty() && state.lost == 0 {
            if state.is_closed {
                return false;
            }
            state.writer = Writer::Sleeps;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Writer::Writes;
        std::mem::swap(&mut state.waiting, batch);
        state.under_way = batch.len();
        true
    }

    /// Gives back the place of `bytes` that are written, or lost for good.
    pub(super) fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(bytes);
    }

    /// How many lines did not fit since the last time, once half of the queue is free.
    pub(super) fn lost(&self) -> Option<u64> {
        let mut state = self.state();
        let is_due = state.lost > 0 && state.len() <= self.capacity / 2;
        is_due.then(|| std::mem::take(&mut state.lost))
    }

    /// Lets the writer end when all is written, and waits for that, at most so long.
    pub(super) fn close(&self, patience: Duration) {
        let mut state = self.state();
        state.is_closed = true;
        self.changed.notify_one();
        // What is written or not by then, nobody is left to tell.
        let _ = self.ended.wait_timeout_while(state, patience, |state| !state.has_ended);
    }

    /// The writer has ended.
    pub(super) fn end(&self) {
        self.state().has_ended = true;
        self.ended.notify_all();
    }

    /// Counts a write that the system refused.
    pub(super) fn count_write_error(&self) {
        self.write_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// How many writes the system refused.
    pub(super) fn write_errors(&self) -> u64 {
        self.write_errors.load(Ordering::Relaxed)
    }

    /// How many lines of this level did not fit.
    pub(super) fn dropped_lines(&self, level: Level) -> u64 {
        self.dropped(level).load(Ordering::Relaxed)
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.state().len()
    }

    fn dropped(&self, level: Level) -> &AtomicU64 {
        let [error, warn, info, debug, trace] = &self.dropped;
        match level {
            Level::ERROR => error,
            Level::WARN => warn,
            Level::INFO => info,
            Level::DEBUG => debug,
            Level::TRACE => trace,
        }
    }

    /// A panic under the lock leaves no half-made state behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn len(&self) -> usize {
        self.waiting.len() + self.under_way
    }
}

impl Urgency {
    /// Every level, the most urgent first.
    pub(super) const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

    /// What tells that a process ends for a reason.
    pub(super) const LAST_WORD: Self = Self { level: Level::ERROR, is_routine: false };

    /// By its level, and whether it is in the access log.
    pub(super) fn of(metadata: &Metadata<'_>) -> Self {
        let level = *metadata.level();
        let is_routine = metadata.target() == "bearward::access" && level >= Level::INFO || level >= Level::DEBUG;
        Self { level, is_routine }
    }

    /// How much of the queue may be full before this is dropped: an eighth is kept for what an operator must know.
    fn share(self, capacity: usize) -> usize {
        let eighth = capacity / 8;
        match self {
            Self { is_routine: true, .. } => capacity - 2 * eighth,
            Self { level: Level::ERROR | Level::WARN, .. } => capacity,
            Self { .. } => capacity - eighth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: Urgency = Urgency { level: Level::INFO, is_routine: true };
    const INFO: Urgency = Urgency { level: Level::INFO, is_routine: false };
    const WARN: Urgency = Urgency { level: Level::WARN, is_routine: false };

    #[test]
    fn requests_are_dropped_first_and_warnings_last() {
        let queue = Queue::new(800);
        let line = [b'x'; 100];
        let push = |urgency, times| (0..times).for_each(|_| queue.push(urgency, &line));
        push(ACCESS, 10);
        assert_eq!((queue.len(), queue.dropped_lines(Level::INFO)), (600, 4));
        push(INFO, 2);
        assert_eq!((queue.len(), queue.dropped_lines(Level::INFO)), (700, 5));
        push(WARN, 2);
        assert_eq!((queue.len(), queue.dropped_lines(Level::WARN)), (800, 1));
        push(Urgency::LAST_WORD, 1);
        assert_eq!((queue.len(), queue.dropped_lines(Level::ERROR)), (800, 1));
    }

    #[test]
    fn what_is_being_written_counts_and_the_lost_are_told_when_there_is_place() {
        let queue = Queue::new(800);
        let (line, mut batch) = ([b'x'; 200], Vec::new());
        (0..4).for_each(|_| queue.push(ACCESS, &line));
        assert!(queue.take(&mut batch) && batch.len() == 600);
        assert_eq!((queue.len(), queue.lost()), (600, None), "nothing is written yet");
        queue.push(ACCESS, &line);
        assert_eq!((queue.len(), queue.lost()), (600, None));
        queue.release(400);
        assert_eq!((queue.len(), queue.lost(), queue.lost()), (200, Some(2), None));
    }

    #[test]
    fn a_line_that_never_fits_is_told_of() {
        let queue = Queue::new(800);
        queue.push(ACCESS, &[b'x'; 801]);
        let mut batch = Vec::new();
        assert!(queue.take(&mut batch) && batch.is_empty());
        assert_eq!(queue.lost(), Some(1));
        queue.close(Duration::ZERO);
        assert!(!queue.take(&mut batch));
    }
}
