//! Time that stands still until a test moves it, while sockets go on.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Holds tokio's clock. Timers fire when a test moves it and never by themselves.
///
/// A paused clock runs ahead by itself whenever there is nothing to do, and waiting for a socket is nothing to it; a
/// blocking task under way keeps it from that.
pub struct Stopped {
    _release: Sender<()>,
}

impl Stopped {
    pub fn now() -> Self {
        tokio::time::pause();
        let (release, held) = channel::<()>();
        tokio::task::spawn_blocking(move || held.recv());
        Self { _release: release }
    }

    /// Moves the clock, in steps that let whatever a timer begins come to its end.
    pub async fn pass(&self, span: Duration) {
        const STEP: Duration = Duration::from_secs(2);
        let mut left = span;
        while !left.is_zero() {
            tokio::time::advance(left.min(STEP)).await;
            left = left.saturating_sub(STEP);
            breathe().await;
        }
    }

    /// Lets sockets do their work until `done`, with the clock as it is.
    pub async fn until(&self, mut done: impl FnMut() -> bool) {
        for _ in 0..5_000 {
            if done() {
                return;
            }
            breathe().await;
        }
        panic!("it did not happen");
    }
}

/// Moves the clock of a test in which it runs on.
pub async fn skip(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// A moment of the machine's own time.
async fn breathe() {
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(3))).await.unwrap();
}
