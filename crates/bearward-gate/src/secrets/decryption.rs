//! The gateway's own keys, to which issuers encrypt tokens, in their current version.

use std::sync::Arc;

use bearward_core::{DecryptionKeys, DecryptionKeysError};

use crate::secrets::{Rotating, Secret};

/// Keys that decrypt tokens. A file is read again when it changes; if the new content cannot be used, the last good keys stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecryptionKeySource(Rotating<1, Arc<DecryptionKeys>, DecryptionKeysError>);

impl DecryptionKeySource {
    /// Reads a private JWK or a set of them; see [`DecryptionKeys::parse`].
    ///
    /// # Errors
    ///
    /// A [`DecryptionKeysError`] where one of the keys cannot be used.
    pub fn new(json: Secret) -> Result<Self, DecryptionKeysError> {
        Rotating::new("decryption keys", [json], |[json]| DecryptionKeys::parse(json.as_bytes()).map(Arc::new))
            .map(Self)
    }

    pub(crate) fn current(&self) -> Arc<DecryptionKeys> {
        Arc::clone(&self.0.get())
    }
}
