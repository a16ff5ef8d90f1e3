//! The one thread that writes the log, and the only one that waits when nobody reads it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::queue::Queue;

/// The most that one write takes, except for a longer line: what a pipe takes as one (PIPE_BUF of Linux), so that lines of
/// other processes into the same pipe come between ours and never into them.
const MAX_WRITE: usize = 4_096;
/// How much memory is kept after a batch. The queue was that full for once.
const KEPT: usize = 256 << 10;
/// The pause before a sink that never waits by itself (O_NONBLOCK) is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(10);

/// Starts the thread that writes what is queued to standard error.
///
/// # Errors
///
/// When there is no standard error, or no thread.
pub(super) fn spawn(queue: Arc<Queue>) -> io::Result<()> {
    // A descriptor of its own. Whoever writes through the library's would wait for its lock, which is held while a write is
    // waited for.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let body = move || {
        run(&queue, stderr);
        queue.end();
    };
    thread::Builder::new().name("log".to_owned()).spawn(body).map(drop)
}

fn run(queue: &Queue, sink: impl Write) {
    let mut lines = Lines { sink, is_torn: false };
    let mut batch = Vec::new();
    while queue.take(&mut batch) {
        let mut rest = &*batch;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(some_lines(rest));
            if lines.write(now).is_err() {
                queue.count_write_error();
            }
            queue.release(now.len());
            rest = later;
        }
        batch.clear();
        if batch.capacity() > KEPT {
            batch = Vec::new();
        }
        if let Some(lines) = queue.lost() {
            tracing::warn!(
                lines,
                "lines of the log could not be written in time and are lost: what reads standard error is too slow"
            );
        }
    }
}

/// The length of the whole lines at the start that are written at once: at least one, and at most [`MAX_WRITE`].
fn some_lines(text: &[u8]) -> usize {
    let newline = |byte: &u8| *byte == b'\n';
    let fits = text.get(..MAX_WRITE).unwrap_or(text).iter().rposition(newline);
    fits.or_else(|| text.iter().position(newline)).map_or(text.len(), |at| at + 1)
}

struct Lines<W> {
    sink: W,
    /// The last write ended within a line, as on a disk that is full.
    is_torn: bool,
}

impl<W: Write> Lines<W> {
    /// Writes whole lines. Of what fails the rest is lost, and the next lines begin anew.
    fn write(&mut self, mut text: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_some(b"\n")?;
            self.is_torn = false;
        }
        while !text.is_empty() {
            let written = self.write_some(text)?;
            self.is_torn = text.get(..written).is_some_and(|written| !written.ends_with(b"\n"));
            text = text.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn write_some(&mut self, text: &[u8]) -> io::Result<usize> {
        loop {
            match self.sink.write(text) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL_PAUSE),
                written => return written,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn a_write_holds_whole_lines() {
        assert_eq!(some_lines(b"one\ntwo\nthr"), 8);
        assert_eq!(some_lines(b"one"), 3);
        let (long, short) = ([&[b'x'; 5_000][..], b"\n"].concat(), b"short\n");
        assert_eq!(some_lines(&[&long[..], short].concat()), 5_001, "a long one alone");
        assert_eq!(some_lines(&[short, &long[..]].concat()), 6, "and not with another one");
        assert_eq!(some_lines(&short.repeat(1_000)), 4_092);
    }

    /// Takes so many bytes at each write, or fails.
    struct Sink(Vec<u8>, VecDeque<io::Result<usize>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.1.pop_front().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
            self.0.extend_from_slice(bytes.get(..taken).unwrap());
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_after_a_torn_one_begins_anew() {
        let full = || Err(io::ErrorKind::StorageFull.into());
        let again = |kind: io::ErrorKind| Err(kind.into());
        let steps = [Ok(4), again(io::ErrorKind::WouldBlock), again(io::ErrorKind::Interrupted), Ok(2), full(), full()];
        let mut lines = Lines { sink: Sink(Vec::new(), steps.into()), is_torn: false };
        assert!(lines.write(b"one\ntwo\nthree\n").is_err());
        assert!(lines.write(b"four\n").is_err());
        lines.write(b"five\n").unwrap();
        assert_eq!(lines.sink.0, b"one\ntw\nfive\n");
    }
}
