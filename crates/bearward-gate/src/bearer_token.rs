//! An access token of the gateway's own that somebody else obtains, as it is now.

use http::HeaderValue;

use crate::introspect::bearer;
use crate::rotating::Rotating;
use crate::secret::Secret;

/// An access token to show, made ready for `Authorization` (RFC 6750, 2.1). One in a file is read again when the file
/// changes; a file that cannot be used leaves the last good one.
#[derive(Clone, Debug)]
pub struct BearerToken(Rotating<1, HeaderValue, BearerTokenError>);

/// Why a text is no access token. The message shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BearerTokenError {
    /// Something in it that cannot be sent.
    #[error("no access token: expected one alone, in one line")]
    NotAToken,
}

impl BearerToken {
    /// Reads the token.
    ///
    /// # Errors
    ///
    /// [`BearerTokenError`] where it cannot be sent as it is.
    pub fn new(token: Secret) -> Result<Self, BearerTokenError> {
        Rotating::new("access token for fetching keys", [token], |[token]| {
            bearer(token).ok_or(BearerTokenError::NotAToken)
        })
        .map(Self)
    }

    /// The value of `Authorization`.
    pub(crate) fn value(&self) -> HeaderValue {
        HeaderValue::clone(&self.0.get())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn what_cannot_be_sent_is_no_token() {
        for odd in ["", "two words", "two\nlines", "f\u{fc}r", "\u{1b}[2J"] {
            let error = BearerToken::new(Secret::from_text(odd.to_owned())).unwrap_err();
            assert_eq!(error, BearerTokenError::NotAToken, "{odd:?}");
        }
        let token = BearerToken::new(Secret::from_text("hunter2".to_owned())).unwrap();
        assert_eq!(token.value().as_bytes(), b"Bearer hunter2");
        assert!(token.value().is_sensitive() && !format!("{token:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_last_good_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "first\n").unwrap();
        let token = BearerToken::new(Secret::eager(&path)).unwrap();
        for (content, expected) in [
            ("second\n", "Bearer second"),
            ("half of\nsomething else", "Bearer second"),
            ("", "Bearer second"),
            ("third", "Bearer third"),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(token.value().as_bytes(), expected.as_bytes(), "{content:?}");
        }
    }
}
