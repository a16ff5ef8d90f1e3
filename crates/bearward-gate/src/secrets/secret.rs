//! Secrets that are never printed: given as text, or read from a file and read again when the file changes.
//!
//! A rotation must need no restart, so files are checked in the background: their metadata twice a second, their content only
//! if the metadata changed. Kubernetes replaces a mounted secret by swapping a symbolic link, which changes the inode; an
//! editor that writes in place changes the times. No use of a secret touches a file or waits for a lock.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::file::{self, Dependent, SecretFile};
use super::watch;

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

/// A file of a secret that cannot be used as it is now. Its last good content stays in use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailingFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it. It never shows the content.
    pub problem: String,
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
    /// When the file cannot be read, does not answer within five seconds, is empty, is longer than 64 KiB, or is not UTF-8. The
    /// error names the path and never shows the content.
    pub fn from_file(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self::watched(path.into(), false)
    }

    /// The same, for a file that nobody but its owner and group may have access to, now and later.
    ///
    /// # Errors
    ///
    /// As [`Secret::from_file`], and when users of the machine other than the file's owner and group may read, change or run it.
    pub fn from_private_file(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self::watched(path.into(), true)
    }

    /// The secret as it is now. A change of its file is seen within a second; if the file has become unusable, the last good
    /// value stays, and the log says so once.
    #[must_use]
    pub fn read(&self) -> Arc<str> {
        match &self.0 {
            Source::Text(text) => Arc::clone(text),
            Source::File(file) => file.value(),
        }
    }

    /// The files of all secrets in this process that cannot be used as they are now, by their paths.
    #[must_use]
    pub fn failing_files() -> Vec<FailingFile> {
        let failing =
            |file: &Arc<SecretFile>| Some(FailingFile { path: file.path().to_owned(), problem: file.problem()? });
        let mut files: Vec<_> = watch::files().iter().filter_map(failing).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files.dedup_by(|one, other| one.path == other.path);
        files
    }

    /// Whether users of the machine other than the file's owner and group may read, change or run the file at `path`.
    /// Outside Unix, which has no such permissions, the answer is always no.
    ///
    /// # Errors
    ///
    /// If the metadata cannot be read.
    pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
        let metadata = fs::metadata(path).map_err(|error| file::about(path, &error))?;
        Ok(file::is_open_to_others(&metadata))
    }

    /// Has `dependent` made again when the file changes, as long as it lives.
    pub(super) fn tell(&self, dependent: Weak<dyn Dependent>) {
        if let Source::File(file) = &self.0 {
            file.tell(dependent);
        }
    }

    fn watched(path: PathBuf, is_private: bool) -> io::Result<Self> {
        let (file, is_regular) = SecretFile::open(path, is_private)?;
        let file = Arc::new(file);
        if is_regular {
            watch::watch(&file).map_err(|error| file::about(file.path(), &error))?;
        }
        Ok(Self(Source::File(file)))
    }

    /// A secret whose file is checked by [`Secret::check`] alone.
    #[cfg(test)]
    pub(crate) fn unwatched(path: &Path) -> Self {
        #[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
        Self(Source::File(Arc::new(SecretFile::open(path.to_owned(), false).unwrap().0)))
    }

    #[cfg(test)]
    pub(crate) fn check(&self) {
        if let Source::File(file) = &self.0
            && let Some(turn) = file.turn()
        {
            turn.check();
        }
    }
}

/// Two secrets are equal if they have the same text or the same file, whose content is read again anyway.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Source::Text(one), Source::Text(other)) => one == other,
            (Source::File(one), Source::File(other)) => one.path() == other.path(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "tests fail by panicking")]

    use std::fs::File;
    use std::time::{Duration, Instant, SystemTime};

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
        let secret = Secret::unwatched(&path);
        let clone = secret.clone();
        assert_eq!(&*secret.read(), "one");
        fs::write(&path, "longer two").unwrap();
        clone.check();
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
        let secret = Secret::unwatched(&at("secret"));
        assert_eq!(&*secret.read(), "one");
        std::os::unix::fs::symlink("v2", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        secret.check();
        assert_eq!(&*secret.read(), "two");
    }

    #[test]
    fn the_last_good_value_stays_while_the_file_is_unusable() {
        let (_folder, path) = file("good");
        let secret = Secret::unwatched(&path);
        fs::write(&path, "").unwrap();
        secret.check();
        assert_eq!(&*secret.read(), "good", "emptied");
        fs::remove_file(&path).unwrap();
        secret.check();
        assert_eq!(&*secret.read(), "good", "removed");
        fs::write(&path, "back").unwrap();
        secret.check();
        assert_eq!(&*secret.read(), "back");
    }

    fn soon(what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn changes_are_seen_without_being_asked_for_and_bad_ones_are_told() {
        let (_folder, path) = file("one");
        let problem = || Secret::failing_files().into_iter().find(|file| file.path == path).map(|file| file.problem);
        let secret = Secret::from_file(&path).unwrap();
        assert_eq!(problem(), None);
        fs::write(&path, "longer two").unwrap();
        soon("the change is seen", || &*secret.read() == "longer two");
        fs::write(&path, "").unwrap();
        soon("it is told", || problem().is_some_and(|problem| problem.contains("empty")));
        assert_eq!(&*secret.read(), "longer two");
        fs::write(&path, "three").unwrap();
        soon("it is good again", || problem().is_none());
        assert_eq!(&*secret.read(), "three");
        fs::write(&path, "").unwrap();
        drop(secret);
        assert_eq!(problem(), None, "nobody needs it any more");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_must_stay_so() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = file("first");
        let open_to = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        open_to(0o644);
        assert!(Secret::from_private_file(&path).unwrap_err().to_string().contains("every user of this machine"));
        open_to(0o640);
        let secret = Secret::from_private_file(&path).unwrap();
        fs::write(&path, "second").unwrap();
        open_to(0o644);
        secret.check();
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(&*secret.read(), "first");
        open_to(0o600);
        soon("it is private again", || &*secret.read() == "second");
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
