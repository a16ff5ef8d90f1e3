//! The source of an issuer's keys.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bearward_core::{KeySet, KeySetError};

use crate::files::answers_in_time;

/// The source of an issuer's keys. Nothing in a token can change it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// The address that the issuer's metadata names as `jwks_uri` (RFC 8414, 2).
    #[default]
    Metadata,
    /// A JWK set (RFC 7517, 5) at this address.
    Url(String),
    /// A JWK set in a file that another program keeps fresh. It is read again every ten seconds.
    File(PathBuf),
    /// A fixed set of keys, at least one of which must be able to verify a token.
    Fixed(Arc<KeySet>),
}

/// Two are equal if they name the same address or file, or hold the same usable keys.
impl PartialEq for KeySource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Metadata, Self::Metadata) => true,
            (Self::Url(one), Self::Url(other)) => one == other,
            (Self::File(one), Self::File(other)) => one == other,
            (Self::Fixed(one), Self::Fixed(other)) => one.fingerprint() == other.fingerprint(),
            _ => false,
        }
    }
}

impl Eq for KeySource {}

/// How often a file of keys is read again.
pub(crate) const FILE_LIFETIME: Duration = Duration::from_secs(10);

/// The largest JWK set that is read, in bytes. A set of a hundred RSA keys takes about 80 KB.
pub(crate) const MAX_KEY_SET: usize = 512 * 1024;

/// Why a file cannot be read as a JWK set. The messages neither name the file nor show its content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// The file is larger than the bound on key sets.
    #[error("larger than {} KiB, the limit for a JWK set", MAX_KEY_SET / 1024)]
    TooLarge,
    /// The file holds no JWK set.
    #[error(transparent)]
    NotAKeySet(#[from] KeySetError),
}

/// Reads the JWK set of a [`KeySource::File`] as the gate does, to find an unusable file before the gate starts.
///
/// # Errors
///
/// A [`KeyFileError`] where the file cannot be read, does not answer within five seconds, holds no JWK set, or is larger than
/// 512 KiB.
pub fn read_key_file(path: &Path) -> Result<KeySet, KeyFileError> {
    let path = path.to_owned();
    answers_in_time(move || load_key_file(&path))?
}

/// [`read_key_file`], however long it takes.
pub(crate) fn load_key_file(path: &Path) -> Result<KeySet, KeyFileError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_KEY_SET as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_KEY_SET {
        return Err(KeyFileError::TooLarge);
    }
    Ok(KeySet::parse(&bytes)?)
}
