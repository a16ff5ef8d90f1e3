//! The gateway's own keys, to which issuers encrypt tokens, as they are now.

use std::sync::Arc;

use bearward_core::{DecryptionKeys, DecryptionKeysError};

use crate::secrets::{Rotating, Secret};

/// Keys that decrypt tokens. A file of them is read again when it changes; one that cannot be used leaves the last good ones.
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
