//! The certificate authorities that the machine trusts, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in their place.
//!
//! One bad certificate of a bundle takes nothing from the others. Where nothing can be read, nothing is trusted: to fall back to
//! the machine's own would trust more than was said.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

use crate::files::answers_in_time;

/// The authorities, and what is wrong with what names them.
#[derive(Debug)]
pub(crate) struct MachineRoots {
    pub(crate) store: RootCertStore,
    pub(crate) problems: Vec<MachineRootsProblem>,
}

/// What is wrong with the certificate authorities that this machine trusts. The gateway goes on without what it tells of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MachineRootsProblem {
    /// A file or folder cannot be read.
    #[error(
        "{source_of} names {}, which cannot be read: {why}; name what is there, or unset {source_of} to trust the machine's own \
         certificate authorities", .path.display()
    )]
    Unreadable {
        /// The variable that names it.
        source_of: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// One certificate of a file cannot be used.
    #[error(
        "certificate {number} of {} ({source_of}) cannot be used and is left out: {why}; replace or remove it", .path.display()
    )]
    BadCertificate {
        /// The variable that names the file or its folder.
        source_of: &'static str,
        /// The file.
        path: PathBuf,
        /// Which of its certificates, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// What the variables name holds no certificate.
    #[error(
        "no certificate authority is trusted, so no issuer can be reached over https: what {0} names holds no certificate that \
         can be used; expected PEM (`-----BEGIN CERTIFICATE-----`)"
    )]
    Nothing(&'static str),
    /// The machine has none.
    #[error(
        "this machine has no root certificates, so no issuer can be reached over https: install them (package ca-certificates) \
         or name a file of them in SSL_CERT_FILE"
    )]
    NoneOnMachine,
    /// They could not be read in time.
    #[error("no certificate authority is trusted, so no issuer can be reached over https: {0}")]
    Silent(String),
}

const FILE: &str = "SSL_CERT_FILE";
const DIR: &str = "SSL_CERT_DIR";

/// What is wrong with `SSL_CERT_FILE` and `SSL_CERT_DIR`, before anything starts. Nothing if neither is set.
#[must_use]
pub fn check_machine_roots() -> Vec<MachineRootsProblem> {
    let is_set = [FILE, DIR].iter().any(|name| std::env::var_os(name).is_some());
    if is_set { MachineRoots::load().problems } else { Vec::new() }
}

impl MachineRoots {
    /// Reads them now.
    pub(crate) fn load() -> Self {
        let [file, dirs] = [FILE, DIR].map(std::env::var_os);
        answers_in_time(move || Self::named(file, dirs).unwrap_or_else(Self::of_platform)).unwrap_or_else(|silence| {
            Self { store: RootCertStore::empty(), problems: vec![MachineRootsProblem::Silent(silence.to_string())] }
        })
    }

    /// Those that the variables name; `None` if neither is set.
    fn named(file: Option<OsString>, dirs: Option<OsString>) -> Option<Self> {
        let dirs: Vec<PathBuf> =
            dirs.iter().flat_map(std::env::split_paths).filter(|dir| dir != Path::new("")).collect();
        let variables = match (&file, dirs.is_empty()) {
            (None, true) => return None,
            (Some(_), true) => FILE,
            (None, false) => DIR,
            (Some(_), false) => "SSL_CERT_FILE and SSL_CERT_DIR",
        };
        let mut found = Found::default();
        if let Some(file) = file {
            found.read_file(FILE, Path::new(&file));
        }
        for dir in dirs {
            if let Err(error) = found.read_folder(&dir) {
                found.unreadable(DIR, &dir, &error);
            }
        }
        if found.roots.store.is_empty() {
            found.roots.problems.push(MachineRootsProblem::Nothing(variables));
        }
        Some(found.roots)
    }

    /// Those of the system, where a file that cannot be read is nobody's mistake here.
    fn of_platform() -> Self {
        let mut store = RootCertStore::empty();
        let _ = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let problems = if store.is_empty() { vec![MachineRootsProblem::NoneOnMachine] } else { Vec::new() };
        Self { store, problems }
    }
}

struct Found {
    roots: MachineRoots,
    /// Folders hold links to the same certificate under several names.
    known: HashSet<CertificateDer<'static>>,
}

impl Default for Found {
    fn default() -> Self {
        let roots = MachineRoots { store: RootCertStore::empty(), problems: Vec::new() };
        Self { roots, known: HashSet::new() }
    }
}

impl Found {
    fn read_folder(&mut self, folder: &Path) -> io::Result<()> {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            // Links that lead nowhere are usual.
            if path.is_file() {
                self.read_file(DIR, &path);
            }
        }
        Ok(())
    }

    fn read_file(&mut self, source_of: &'static str, path: &Path) {
        let certificates = match CertificateDer::pem_file_iter(path) {
            Ok(certificates) => certificates,
            Err(pem::Error::Io(error)) => return self.unreadable(source_of, path, &error),
            Err(_) => return, // nothing in PEM
        };
        for (number, certificate) in (1..).zip(certificates) {
            let added = match certificate {
                Err(pem::Error::Io(error)) => return self.unreadable(source_of, path, &error),
                Err(error) => Err(error.to_string()),
                Ok(certificate) if !self.known.insert(certificate.clone()) => Ok(()),
                Ok(certificate) => self.roots.store.add(certificate).map_err(|error| error.to_string()),
            };
            if let Err(why) = added {
                let problem = MachineRootsProblem::BadCertificate { source_of, path: path.to_owned(), number, why };
                self.roots.problems.push(problem);
            }
        }
    }

    fn unreadable(&mut self, source_of: &'static str, path: &Path, error: &io::Error) {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
            _ => error.to_string(),
        };
        self.roots.problems.push(MachineRootsProblem::Unreadable { source_of, path: path.to_owned(), why });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::introspect::tests::certificates::{FIRST, SECOND};

    fn pem(base64: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }

    fn told(file: Option<&Path>, dirs: Option<&Path>) -> (usize, Vec<String>) {
        let roots = MachineRoots::named(file.map(Into::into), dirs.map(Into::into)).unwrap();
        (roots.store.len(), roots.problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_bad_certificate_is_told_and_the_others_are_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bundle.pem");
        for bad in ["AAAA", "!not base64!"] {
            std::fs::write(&file, [pem(FIRST), pem(bad), pem(SECOND), pem(FIRST)].concat()).unwrap();
            let (trusted, problems) = told(Some(&file), None);
            assert_eq!((trusted, problems.len()), (2, 1), "{problems:?}");
            let start = format!("certificate 2 of {} (SSL_CERT_FILE) cannot be used and is left out: ", file.display());
            assert!(problems.iter().all(|problem| problem.starts_with(&start)), "{problems:?}");
            assert!(problems.iter().all(|problem| problem.ends_with("replace or remove it")), "{problems:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_and_nothing_else_is_trusted_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, empty) = (folder.path().join("missing"), folder.path().join("empty"));
        std::fs::write(&empty, "no PEM").unwrap();
        let (trusted, problems) = told(Some(&missing), None);
        assert_eq!((trusted, problems.len()), (0, 2), "{problems:?}");
        let sentence =
            format!("SSL_CERT_FILE names {}, which cannot be read: there is no such file", missing.display());
        assert!(problems.first().unwrap().starts_with(&sentence), "{problems:?}");
        assert!(problems.last().unwrap().contains("no certificate authority is trusted"), "{problems:?}");
        assert_eq!(told(Some(&empty), None).0, 0);
        assert!(told(None, Some(&missing)).1.first().unwrap().starts_with("SSL_CERT_DIR names "));

        // The other one is there.
        std::fs::create_dir(folder.path().join("certificates")).unwrap();
        let certificates = folder.path().join("certificates");
        std::fs::write(certificates.join("one"), pem(FIRST)).unwrap();
        std::os::unix::fs::symlink("nowhere", certificates.join("two")).unwrap();
        let (trusted, problems) = told(Some(&missing), Some(&certificates));
        assert_eq!((trusted, problems.len()), (1, 1), "{problems:?}");
        assert!(
            MachineRoots::named(None, None).is_none() && MachineRoots::named(None, Some(OsString::new())).is_none()
        );
    }
}
