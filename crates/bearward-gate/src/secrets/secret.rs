//! Secrets that are never printed: given as text, or read from a file and read again when the file changes.
//!
//! A rotation must need no restart, so a file in use is checked again: its metadata at most once a second, its content only
//! if the metadata changed. Kubernetes replaces a mounted secret by swapping a symbolic link, which changes the inode; an
//! editor that writes in place changes the times.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A client secret or a fixed credential.
///
/// It has no `Display` and no `Serialize`, and its `Debug` is redacted, so it cannot reach a log, a dump of the configuration
/// or an error by accident. Clones share the value that was last read.
///
/// ```
/// use bearward_gate::Secret;
///
/// let secret = Secret::from_text("s3cr3t".to_owned());
/// assert_eq!(&*secret.read(), "s3cr3t");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// ```
#[derive(Clone)]
pub struct Secret(Source);

#[derive(Clone)]
enum Source {
    Text(Arc<str>),
    File(Arc<SecretFile>),
}

impl Secret {
    /// A secret that never changes, exactly as given, for example from the environment.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self(Source::Text(text.into()))
    }

    /// A secret in a file, which is read now and whenever the file changes. Newlines at its end are removed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is empty, is longer than 64 KiB, or is not UTF-8. The error names the path and
    /// never shows the content.
    pub fn from_file(path: impl Into<PathBuf>) -> io::Result<Self> {
        SecretFile::open(path.into(), CHECK_EVERY).map(|file| Self(Source::File(Arc::new(file))))
    }

    /// The secret as it is now.
    ///
    /// If the file has become unreadable or empty, the last good value stays, and the log says so once. Call this for each use:
    /// it does a little file I/O, at most once a second.
    #[must_use]
    pub fn read(&self) -> Arc<str> {
        match &self.0 {
            Source::Text(text) => Arc::clone(text),
            Source::File(file) => file.read(),
        }
    }

    /// A secret that checks its file at each read.
    #[cfg(test)]
    pub(crate) fn eager(path: &Path) -> Self {
        #[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
        Self(Source::File(Arc::new(SecretFile::open(path.to_owned(), Duration::ZERO).unwrap())))
    }

    /// Whether users of the machine other than the file's owner and group may read, change or run the file at `path`.
    /// Outside Unix, which has no such permissions, the answer is always no.
    ///
    /// # Errors
    ///
    /// If the metadata cannot be read.
    pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
        let metadata = fs::metadata(path).map_err(|error| about(path, &error))?;
        #[cfg(unix)]
        let open = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o007 != 0;
        #[cfg(not(unix))]
        let open = {
            let _ = metadata;
            false
        };
        Ok(open)
    }
}

/// Two secrets are equal if they have the same text or the same file, whose content is read again anyway.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Source::Text(one), Source::Text(other)) => one == other,
            (Source::File(one), Source::File(other)) => one.path == other.path,
            (Source::Text(_), Source::File(_)) | (Source::File(_), Source::Text(_)) => false,
        }
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// How often, at most, a file is checked.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Larger than any secret, and small enough that a wrong path (`/dev/zero`) does no harm.
const MAX_BYTES: u64 = 64 * 1024;

struct SecretFile {
    path: PathBuf,
    check_every: Duration,
    state: Mutex<State>,
}

struct State {
    value: Arc<str>,
    /// The state of the file just before `value` was read.
    stamp: Option<Stamp>,
    checked: Instant,
    /// The last check failed, and the log has said so.
    failing: bool,
}

impl SecretFile {
    fn open(path: PathBuf, check_every: Duration) -> io::Result<Self> {
        let (value, stamp) = load(&path).map_err(|error| about(&path, &error))?;
        let state = State { value, stamp, checked: Instant::now(), failing: false };
        Ok(Self { path, check_every, state: Mutex::new(state) })
    }

    fn read(&self) -> Arc<str> {
        // Held during the check, so that only one caller checks. A panic under the lock leaves no half-made state behind.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stamp.is_some() && state.checked.elapsed() >= self.check_every {
            state.checked = Instant::now();
            state.check(&self.path);
        }
        Arc::clone(&state.value)
    }
}

impl State {
    fn check(&mut self, path: &Path) {
        let unchanged = fs::metadata(path).is_ok_and(|metadata| self.stamp == Some(Stamp::of(&metadata)));
        if unchanged && !self.failing {
            return;
        }
        match load(path) {
            Ok((value, stamp)) => {
                if value != self.value || self.failing {
                    tracing::info!(path = %path.display(), "the secret was read again");
                }
                (self.value, self.stamp, self.failing) = (value, stamp, false);
            }
            Err(error) => {
                if !self.failing {
                    let path = path.display();
                    tracing::warn!(%path, %error, "cannot read the secret again; the last good one stays in use");
                }
                self.failing = true;
            }
        }
    }
}

/// The metadata that differs between two states of a file.
#[derive(PartialEq, Eq)]
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

/// Reads the secret, and before it the stamp, so that the next check sees a change between the two. What is not a regular
/// file (a pipe from the shell's `<(...)`) can be read only once and gets no stamp.
fn load(path: &Path) -> io::Result<(Arc<str>, Option<Stamp>)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
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
        return Err(invalid("empty, but should hold a secret"));
    }
    Ok((secret.into(), stamp))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "tests fail by panicking")]

    use super::*;

    fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    #[test]
    fn no_form_of_it_shows_the_secret() {
        let (_folder, path) = file("hush\n");
        for secret in [Secret::from_text("hush".into()), Secret::from_file(path).unwrap()] {
            assert_eq!(&*secret.read(), "hush");
            assert_eq!(format!("{secret:?} {secret:#?}"), "[redacted] [redacted]");
            assert_eq!(format!("{:?}", Some(secret)), "Some([redacted])");
        }
    }

    #[test]
    fn only_newlines_at_the_end_are_trimmed() {
        for (content, secret) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a"), (" a ", " a "), ("\na", "\na")] {
            let (_folder, path) = file(content);
            assert_eq!(&*Secret::from_file(path).unwrap().read(), secret, "{content:?}");
        }
        assert_eq!(&*Secret::from_text("a\n".into()).read(), "a\n", "text is taken as it is");
    }

    #[test]
    fn what_holds_no_secret_is_an_error_that_names_the_file_alone() {
        let long = "x".repeat(64 * 1024 + 1);
        for content in [&b""[..], b"\n", b"\r\n\n", b"half\xffhidden", long.as_bytes()] {
            let (_folder, path) = file(content);
            let error = Secret::from_file(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
        let missing = Secret::from_file("/nonexistent/secret").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(missing.to_string().contains("/nonexistent/secret"), "{missing}");
    }

    #[test]
    fn a_changed_file_is_read_again_by_all_clones() {
        let (_folder, path) = file("one");
        let secret = Secret::eager(&path);
        let clone = secret.clone();
        assert_eq!(&*secret.read(), "one");
        fs::write(&path, "longer two").unwrap();
        assert_eq!((&*secret.read(), &*clone.read()), ("longer two", "longer two"));
    }

    #[cfg(unix)]
    #[test]
    fn a_swapped_link_is_a_change_even_with_the_same_size_and_time() {
        // What the kubelet does: `secret` -> `..data/secret`, and `..data` is renamed over.
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (version, content) in [("v1", "one"), ("v2", "two")] {
            fs::create_dir(at(version)).unwrap();
            let path = at(version).join("secret");
            fs::write(&path, content).unwrap();
            File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        std::os::unix::fs::symlink("v1", at("..data")).unwrap();
        std::os::unix::fs::symlink("..data/secret", at("secret")).unwrap();
        let secret = Secret::eager(&at("secret"));
        assert_eq!(&*secret.read(), "one");
        std::os::unix::fs::symlink("v2", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        assert_eq!(&*secret.read(), "two");
    }

    #[test]
    fn the_last_good_value_stays_while_the_file_is_unusable() {
        let (_folder, path) = file("good");
        let secret = Secret::eager(&path);
        fs::write(&path, "").unwrap();
        assert_eq!(&*secret.read(), "good", "emptied");
        fs::remove_file(&path).unwrap();
        assert_eq!(&*secret.read(), "good", "removed");
        fs::write(&path, "back").unwrap();
        assert_eq!(&*secret.read(), "back");
    }

    #[test]
    fn a_file_is_checked_at_most_once_in_the_interval() {
        let (_folder, path) = file("one");
        let secret = Secret::from_file(&path).unwrap();
        fs::write(&path, "longer two").unwrap();
        assert_eq!(&*secret.read(), "one", "checked less than a second ago");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_for_others_are_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = file("x");
        for (mode, open) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Secret::is_open_to_others(&path).unwrap(), open, "{mode:o}");
        }
        assert!(Secret::is_open_to_others(Path::new("/nonexistent/secret")).is_err());
    }
}
