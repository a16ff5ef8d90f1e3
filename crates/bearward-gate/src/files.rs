//! Files that may hang: a mount whose server is away, a pipe that nobody writes to.
//!
//! No call to the system can be taken back, so each is made by a thread that may hang with it, and whoever waits for the answer
//! stops waiting. There is at most one such thread for each file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How long a file may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Does `work` with a file, and waits for it at most five seconds. It may be asked for by whoever reads files at the start of a
/// process, which should end with a reason and not hang.
///
/// # Errors
///
/// [`io::ErrorKind::TimedOut`] if it takes longer; the thread that does it is left behind.
pub fn answers_in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (answer, answered) = sync_channel(1);
    let body = move || {
        // Nobody waits any more if it took too long.
        let _ = answer.send(work());
    };
    thread::Builder::new().name("file".to_owned()).spawn(body)?;
    answered.recv_timeout(PATIENCE).map_err(|error| match error {
        RecvTimeoutError::Timeout => silent(),
        RecvTimeoutError::Disconnected => io::Error::other("the thread that reads it has panicked"),
    })
}

/// The reader of one file, for callers that must not block their thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct PatientReader {
    is_busy: Arc<AtomicBool>,
}

impl PatientReader {
    /// Does `work` with the file, and waits for it a bounded time.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] if it takes longer, or earlier work with the file has not ended yet.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let Some(turn) = Turn::begin(&self.is_busy) else { return Err(silent()) };
        let (answer, answered) = tokio::sync::oneshot::channel();
        let body = move || {
            let done = work();
            drop(turn);
            let _ = answer.send(done);
        };
        thread::Builder::new().name("file".to_owned()).spawn(body)?;
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(io::Error::other("the thread that reads it has panicked")),
            Err(_) => Err(silent()),
        }
    }
}

/// Marks a file as being read, until this is dropped.
struct Turn(Arc<AtomicBool>);

impl Turn {
    /// `None` if it is being read already.
    fn begin(is_busy: &Arc<AtomicBool>) -> Option<Self> {
        (!is_busy.swap(true, Ordering::Acquire)).then(|| Self(Arc::clone(is_busy)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The error of a file that does not answer.
pub(crate) fn silent() -> io::Error {
    let seconds = PATIENCE.as_secs();
    let text =
        format!("it does not answer within {seconds} seconds: a pipe that nobody writes to, or a mount that hangs");
    io::Error::new(io::ErrorKind::TimedOut, text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_thread_at_most_hangs_with_a_file() {
        let (reader, (release, hangs)) = (PatientReader::default(), channel::<()>());
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        assert_eq!(kind(reader.run(move || hangs.recv().unwrap_or_default()).await), Err(io::ErrorKind::TimedOut));
        assert_eq!(kind(reader.run(|| unreachable!("it is still being read")).await), Err(io::ErrorKind::TimedOut));
        drop(release);
        while reader.is_busy.load(Ordering::Acquire) {
            thread::sleep(Duration::from_millis(1));
        }
        tokio::time::resume();
        assert_eq!(reader.run(|| 1).await.unwrap(), 1);
    }
}
