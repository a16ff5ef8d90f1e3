//! Looks at the files with secrets, so that no request has to.
//!
//! One thread for the whole process goes round, and lets another one do what may hang. When that one hangs with a file, it is left
//! to it, and the rest of the round is made with a new one. So there are two threads, and one for each file that hangs.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::file::{SecretFile, Turn};

/// The time between two rounds: a change is seen within a second.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a round waits for one file before it goes on without it.
const ROUND_WAITS: Duration = Duration::from_millis(250);

/// The files of every configuration in this process, as long as something holds them.
static WATCHED: Mutex<Watched> = Mutex::new(Watched { files: Vec::new(), is_running: false });

struct Watched {
    files: Vec<Weak<SecretFile>>,
    /// There is a thread that goes round. It ends when there is no file.
    is_running: bool,
}

/// Watches the file as long as something else holds it.
///
/// # Errors
///
/// If there is no thread to be had.
pub(super) fn watch(file: &Arc<SecretFile>) -> io::Result<()> {
    let mut watched = watched();
    if !watched.is_running {
        thread::Builder::new().name("secrets".to_owned()).spawn(go_round)?;
        watched.is_running = true;
    }
    watched.files.push(Arc::downgrade(file));
    Ok(())
}

/// All files that are watched.
pub(super) fn files() -> Vec<Arc<SecretFile>> {
    watched().files.iter().filter_map(Weak::upgrade).collect()
}

fn go_round() {
    let mut reader = None;
    loop {
        thread::sleep(PERIOD);
        let Some(files) = still_watched() else { return };
        for turn in files.iter().filter_map(SecretFile::turn) {
            reader = check(turn, reader.take());
        }
    }
}

/// `None` where there are none any more, and this thread must end.
fn still_watched() -> Option<Vec<Arc<SecretFile>>> {
    let mut watched = watched();
    watched.files.retain(|file| file.strong_count() > 0);
    watched.is_running = !watched.files.is_empty();
    watched.is_running.then(|| watched.files.iter().filter_map(Weak::upgrade).collect())
}

/// Has a file checked by this reader or a new one. Returns the reader if it is free again.
fn check(turn: Turn, reader: Option<Reader>) -> Option<Reader> {
    let reader = reader.map_or_else(Reader::spawn, Ok);
    let reader = reader.map_err(|error| tracing::warn!(%error, "no thread to read secrets with")).ok()?;
    reader.turns.send(turn).ok()?;
    match reader.done.recv_timeout(ROUND_WAITS) {
        Ok(()) => Some(reader),
        // It hangs, and ends when it has its answer; or it has panicked.
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
    }
}

/// A thread that may hang.
struct Reader {
    turns: SyncSender<Turn>,
    done: Receiver<()>,
}

impl Reader {
    fn spawn() -> io::Result<Self> {
        let (turns, taken) = sync_channel::<Turn>(1);
        let (tell, done) = sync_channel(1);
        let body = move || {
            for turn in taken {
                turn.check();
                drop(turn);
                if tell.send(()).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("secret-file".to_owned()).spawn(body)?;
        Ok(Self { turns, done })
    }
}

/// A panic under the lock leaves no half-made state behind.
fn watched() -> MutexGuard<'static, Watched> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}
