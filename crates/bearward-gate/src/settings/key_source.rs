//! Where an issuer's keys come from.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bearward_core::{KeySet, KeySetError};

/// Where an issuer's keys come from. Nothing in a token has a say in it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// The address that the issuer's metadata names as `jwks_uri` (RFC 8414, 2).
    #[default]
    Metadata,
    /// A JWK set (RFC 7517, 5) at this address.
    Url(String),
    /// A JWK set in a file, which is read again every ten seconds: somebody else keeps it fresh.
    File(PathBuf),
    /// These keys, which never change; one of them at least must be able to verify a token.
    Fixed(Arc<KeySet>),
}

/// Two are equal where they name the same place, or hold the same keys that can verify.
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

/// How long a file's keys are used before it is read again.
pub(crate) const FILE_LIFETIME: Duration = Duration::from_secs(10);

/// The largest JWK set that is read, in bytes. One of a hundred RSA keys has some 80 KB.
pub(crate) const MAX_KEY_SET: usize = 512 * 1024;

/// Why a file gives no JWK set. The messages do not name the file, and show nothing of its content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It is larger than any key set.
    #[error("larger than {} KiB, which no JWK set is", MAX_KEY_SET / 1024)]
    TooLarge,
    /// There is something else in it.
    #[error(transparent)]
    NotAKeySet(#[from] KeySetError),
}

/// Reads the JWK set of a [`KeySource::File`] as the gate does, so that a file which it could not use can be told before.
///
/// # Errors
///
/// A [`KeyFileError`] where there is none, or one of more than 512 KiB.
pub fn read_key_file(path: &Path) -> Result<KeySet, KeyFileError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_KEY_SET as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_KEY_SET {
        return Err(KeyFileError::TooLarge);
    }
    Ok(KeySet::parse(&bytes)?)
}
