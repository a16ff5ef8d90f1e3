//! Connections to upstreams that no request uses.
//!
//! Each address keeps its own, in one stack a thread: the one that was used last is used next, and no thread waits for another.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::stream::UpstreamStream;
use crate::exchange::watch::Coarse;

/// The idle connections of one address.
#[derive(Debug)]
pub(crate) struct Idle(Vec<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    stream: UpstreamStream,
    since: Coarse,
    _counted: Counted,
}

/// One of the idle connections of a thread, until it is dropped, however that comes about: an address that is no longer resolved
/// goes with all that it keeps.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many idle connections a thread may keep, to all addresses together.
#[derive(Debug)]
pub(crate) struct IdleBound {
    most: usize,
    now: Arc<AtomicUsize>,
}

impl IdleBound {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, now: Arc::default() }
    }

    /// Counts one more, unless there are enough.
    fn count(&self) -> Option<Counted> {
        let more = |now| (now < self.most).then_some(now + 1);
        self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Counted(Arc::clone(&self.now)))
    }
}

impl Idle {
    pub(crate) fn new(threads: usize) -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(threads).collect())
    }

    /// A connection that the upstream has neither closed nor written to, as far as is known.
    pub(crate) fn take(&self, thread: usize) -> Option<UpstreamStream> {
        let mut kept = self.of(thread)?;
        while let Some(Kept { mut stream, .. }) = kept.pop() {
            if stream.is_silent() {
                return Some(stream);
            }
        }
        None
    }

    /// Keeps a connection for the next request, unless there are enough.
    pub(crate) fn keep(&self, thread: usize, bound: &IdleBound, stream: UpstreamStream, now: Coarse) {
        let Some(mut kept) = self.of(thread) else { return };
        if let Some(counted) = bound.count() {
            kept.push(Kept { stream, since: now, _counted: counted });
        }
    }

    /// Closes those that were idle for that long, and those that the upstream has closed.
    pub(crate) fn sweep(&self, thread: usize, now: Coarse, most: Duration) {
        let Some(mut kept) = self.of(thread) else { return };
        kept.retain_mut(|kept| now.since(kept.since) < most && kept.stream.is_silent());
    }

    fn of(&self, thread: usize) -> Option<std::sync::MutexGuard<'_, Vec<Kept>>> {
        // Nothing under the lock leaves a half-made state behind.
        Some(self.0.get(thread)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::exchange::watch::CoarseClock;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn the_last_one_used_is_used_next_and_dead_ones_never() {
        let (idle, bound, now) = (Idle::new(2), IdleBound::new(10), CoarseClock::new().now());
        let (first, _first) = pair().await;
        let (second, _second) = pair().await;
        let (closed, its_end) = pair().await;
        let (talking, mut its_talk) = pair().await;
        let ports = [&first, &second].map(|stream| stream.local_addr().unwrap());
        for stream in [first, second, closed, talking] {
            idle.keep(0, &bound, UpstreamStream::Plain(stream), now);
        }
        drop(its_end);
        its_talk.write_all(b"HTTP/1.1 408").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(idle.take(1).is_none(), "each thread has its own");
        let taken = [idle.take(0), idle.take(0)].map(|stream| match stream.unwrap() {
            UpstreamStream::Plain(stream) => stream.local_addr().unwrap(),
            UpstreamStream::Memory(_) => panic!("none of them was kept"),
        });
        assert_eq!(taken, [ports[1], ports[0]]);
        assert!(idle.take(0).is_none());
        assert_eq!(bound.now.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn they_are_bounded_and_closed_in_time() {
        let (idle, bound, now) = (Idle::new(1), IdleBound::new(1), CoarseClock::new().now());
        let (first, _first) = pair().await;
        let (second, _second) = pair().await;
        idle.keep(0, &bound, UpstreamStream::Plain(first), now);
        idle.keep(0, &bound, UpstreamStream::Plain(second), now);
        idle.sweep(0, now.after(Duration::from_secs(1)), Duration::from_secs(60));
        assert_eq!(bound.now.load(Ordering::Relaxed), 1);
        idle.sweep(0, now.after(Duration::from_secs(60)), Duration::from_secs(60));
        assert_eq!(bound.now.load(Ordering::Relaxed), 0);
        let (third, _third) = pair().await;
        idle.keep(0, &bound, UpstreamStream::Plain(third), now);
        assert_eq!(bound.now.load(Ordering::Relaxed), 1);
        drop(idle);
        assert_eq!(bound.now.load(Ordering::Relaxed), 0, "those of an address that is gone count no more");
    }
}
