//! Where an issuer's keys come from.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bearward_core::KeySet;

/// Where an issuer's keys come from. Nothing in a token has a say in it.
#[derive(Clone, Debug, Default)]
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

impl KeySource {
    /// Whether the keys can be others in a while.
    pub(crate) fn can_change(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }
}

/// How long a file's keys are used before it is read again.
pub(crate) const FILE_LIFETIME: Duration = Duration::from_secs(10);

/// Reads a JWK set from a file of at most `most` bytes.
///
/// # Errors
///
/// A sentence for the person who runs the gateway.
pub(crate) fn read_key_file(path: &Path, most: usize) -> Result<KeySet, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let mut read = || File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes);
    read().map_err(|error: io::Error| format!("{shown}: {error}"))?;
    if bytes.len() > most {
        return Err(format!("{shown}: larger than {most} bytes"));
    }
    KeySet::parse(&bytes).map_err(|why| format!("{shown}: {why}"))
}
