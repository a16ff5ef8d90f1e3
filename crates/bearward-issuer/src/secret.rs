//! Client secrets: never printed, compared in constant time.

use std::fmt;

use aws_lc_rs::{constant_time, digest};

/// A client secret. `Debug` does not show it and nothing reads it back; it can only be compared.
#[derive(Clone)]
pub struct Secret {
    /// Of the SHA-256 digest, so that the comparison takes the same time for candidates of every length. A fast digest
    /// is no way to keep passwords: it is enough here, where nothing is stored beyond the process.
    digest: digest::Digest,
    empty: bool,
}

impl Secret {
    /// Takes the secret as the client sends it, before any encoding.
    pub fn new(secret: &str) -> Self {
        Self { digest: digest::digest(&digest::SHA256, secret.as_bytes()), empty: secret.is_empty() }
    }

    /// Whether `candidate` is this secret. An empty secret equals nothing.
    pub fn matches(&self, candidate: &str) -> bool {
        let candidate = digest::digest(&digest::SHA256, candidate.as_bytes());
        constant_time::verify_slices_are_equal(self.digest.as_ref(), candidate.as_ref()).is_ok() && !self.empty
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.empty
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_matches() {
        let secret = Secret::new("orders-secret");
        assert!(secret.matches("orders-secret"));
        for other in ["", "orders-secre", "orders-secret ", "Orders-secret", "orders-secretorders-secret"] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }

    #[test]
    fn an_empty_secret_matches_nothing() {
        assert!(!Secret::new("").matches(""));
    }

    #[test]
    fn debug_shows_neither_the_secret_nor_its_digest() {
        assert_eq!(format!("{:?}", Secret::new("orders-secret")), "Secret([redacted])");
    }
}
