//! A file with a secret: its last good content, and what is wrong with it now.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;

use crate::files::{PATIENCE, answers_in_time, silent};

/// Larger than any secret, and small enough that a wrong path (`/dev/zero`) does no harm.
const MAX_BYTES: u64 = 64 * 1024;

/// A file that is read when it is opened, and again by [`SecretFile::check`].
pub(super) struct SecretFile {
    path: PathBuf,
    /// Nobody else may have access to it.
    is_private: bool,
    value: ArcSwap<Arc<str>>,
    state: Mutex<State>,
    dependents: Mutex<Vec<Weak<dyn Dependent>>>,
    /// The log of the test that opened it: the thread that checks has none.
    #[cfg(test)]
    log: tracing::Dispatch,
}

/// What is made from the content of files, and made again when it changes.
pub(super) trait Dependent: Send + Sync {
    /// Makes it again from the contents as they are now.
    fn refresh(&self);

    /// Why the last contents cannot be used.
    fn problem(&self) -> Option<String>;
}

/// Never held while the file is read.
#[derive(Default)]
struct State {
    /// The state of the file just before the content was read.
    stamp: Option<Stamp>,
    /// Why the file cannot be read again. The log has said so.
    problem: Option<String>,
    /// When the check that is under way began.
    reading_since: Option<Instant>,
}

/// The right to check a file, which one thread has at a time.
pub(super) struct Turn(Arc<SecretFile>);

impl SecretFile {
    /// Reads the file, and says too whether it can be read again: a pipe cannot.
    pub(super) fn open(path: PathBuf, is_private: bool) -> io::Result<(Self, bool)> {
        let read = {
            let path = path.clone();
            answers_in_time(move || load(&path, is_private)).flatten()
        };
        let (value, stamp) = read.map_err(|error| about(&path, &error))?;
        let is_regular = stamp.is_some();
        let file = Self {
            path,
            is_private,
            value: ArcSwap::from_pointee(value),
            state: Mutex::new(State { stamp, problem: None, reading_since: None }),
            dependents: Mutex::default(),
            #[cfg(test)]
            log: tracing::dispatcher::get_default(Clone::clone),
        };
        Ok((file, is_regular))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The last good content.
    pub(super) fn value(&self) -> Arc<str> {
        Arc::clone(&**self.value.load())
    }

    /// Tells `dependent` of changes as long as it lives.
    pub(super) fn tell(&self, dependent: Weak<dyn Dependent>) {
        lock(&self.dependents).push(dependent);
    }

    /// Why the file, or what is made from it, cannot be used as it is now; the last good content stays in use.
    pub(super) fn problem(&self) -> Option<String> {
        let unreadable = lock(&self.state).problem.clone();
        unreadable.or_else(|| self.dependents().iter().find_map(|dependent| dependent.problem()))
    }

    /// The right to check the file. `None` as long as somebody does; if that takes too long, it is noted.
    pub(super) fn turn(self: &Arc<Self>) -> Option<Turn> {
        let mut state = lock(&self.state);
        match state.reading_since {
            None => {
                state.reading_since = Some(Instant::now());
                Some(Turn(Arc::clone(self)))
            }
            Some(since) => {
                drop(state);
                if since.elapsed() >= PATIENCE {
                    self.failed(&silent());
                }
                None
            }
        }
    }

    /// Reads the file again if it has changed. It may take as long as the file system likes.
    fn check(&self) {
        let known = {
            let state = lock(&self.state);
            state.stamp.clone().filter(|_| state.problem.is_none())
        };
        let unchanged = || fs::metadata(&self.path).is_ok_and(|metadata| known == Some(Stamp::of(&metadata)));
        if known.is_some() && unchanged() {
            return;
        }
        match load(&self.path, self.is_private) {
            Ok((value, stamp)) => self.replace(value, stamp),
            Err(error) => self.failed(&error),
        }
    }

    fn replace(&self, value: Arc<str>, stamp: Option<Stamp>) {
        let is_other = value != self.value();
        let had_failed = {
            let mut state = lock(&self.state);
            state.stamp = stamp;
            state.problem.take().is_some()
        };
        #[cfg(test)]
        let _log = tracing::dispatcher::set_default(&self.log);
        if is_other || had_failed {
            tracing::info!(path = %self.path.display(), "the secret was read again");
        }
        if is_other {
            self.value.store(Arc::new(value));
            for dependent in self.dependents() {
                dependent.refresh();
            }
        }
    }

    /// Says so in the log when it begins, and when another reason takes the place of the first.
    fn failed(&self, error: &io::Error) {
        let problem = error.to_string();
        let before = lock(&self.state).problem.replace(problem.clone());
        if before.as_ref() != Some(&problem) {
            #[cfg(test)]
            let _log = tracing::dispatcher::set_default(&self.log);
            let path = self.path.display();
            tracing::warn!(%path, %error, "cannot read the secret again; the last good one stays in use");
        }
    }

    fn dependents(&self) -> Vec<Arc<dyn Dependent>> {
        let mut dependents = lock(&self.dependents);
        dependents.retain(|dependent| dependent.strong_count() > 0);
        dependents.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Turn {
    /// [`SecretFile::check`]
    pub(super) fn check(&self) {
        self.0.check();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.0.state).reading_since = None;
    }
}

/// The metadata that differs between two states of a file.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            // The time of the last status change as well: unlike `modified`, a program that copies files cannot set it back.
            #[cfg(unix)]
            identity: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Whether users of the machine other than the file's owner and group may read, change or run it. Outside Unix, which has no
/// such permissions, the answer is always no.
pub(super) fn is_open_to_others(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    let open = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o007 != 0;
    #[cfg(not(unix))]
    let open = {
        let _ = metadata;
        false
    };
    open
}

/// Reads the secret, and before it the stamp, so that the next check sees a change between the two. What is not a regular
/// file (a pipe from the shell's `<(...)`) can be read only once and gets no stamp.
fn load(path: &Path, is_private: bool) -> io::Result<(Arc<str>, Option<Stamp>)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if is_private && is_open_to_others(&metadata) {
        return Err(invalid("every user of this machine has access to it (chmod o=)"));
    }
    let stamp = metadata.is_file().then(|| Stamp::of(&metadata));
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid("longer than 64 KiB, the limit for a secret"));
    }
    // The error of this conversion would say where the invalid byte is; a constant text is enough.
    let text = String::from_utf8(bytes).map_err(|_| invalid("not UTF-8 text"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(invalid("it is empty, but should hold a secret"));
    }
    Ok((secret.into(), stamp))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

pub(super) fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A panic under one of these locks leaves no half-made state behind.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
