//! The gateway's own credentials, in their current version.

use http::HeaderValue;

use crate::secrets::{Rotating, Secret};

/// A value of `Authorization` that the gateway sends for itself (RFC 9110, 11.6.2). A file is read again when it changes; if
/// the new content cannot be used, the last good value stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials(Rotating<1, HeaderValue, CredentialsError>);

/// Why a text cannot be sent in `Authorization`. The message never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// It holds a character that no header field may hold.
    #[error("the file holds characters that a header field cannot hold")]
    NotAFieldValue,
    /// It is not an access token.
    #[error("not an access token: expected one token and nothing else, in one line")]
    NotAToken,
}

impl Credentials {
    /// Reads a whole value, such as `Basic Z2F0ZXdheTpzZWNyZXQ=`.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotAFieldValue`] if a header field cannot hold it.
    pub fn new(value: Secret) -> Result<Self, CredentialsError> {
        let make = |[value]: [&str; 1]| {
            let mut value = HeaderValue::from_str(value).map_err(|_| CredentialsError::NotAFieldValue)?;
            value.set_sensitive(true);
            Ok(value)
        };
        Rotating::new("credentials for an upstream", [value], make).map(Self)
    }

    /// Reads an access token that another program obtains for the gateway, to be sent as a bearer token (RFC 6750, 2.1).
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotAToken`] if it is not an access token.
    pub fn bearer(token: Secret) -> Result<Self, CredentialsError> {
        let make = |[token]: [&str; 1]| bearer(token).ok_or(CredentialsError::NotAToken);
        Rotating::new("access token of the gateway", [token], make).map(Self)
    }

    /// The value of `Authorization`.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        HeaderValue::clone(&self.0.get())
    }
}

/// `Authorization: Bearer` (RFC 6750, 2.1); `None` if the token cannot be sent.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let fit = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| fit)?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn what_cannot_be_sent_is_told_and_not_shown() {
        let text = |text: &str| Secret::from_text(text.to_owned());
        for odd in ["Basic a\nb", "Basic \u{1b}[2J", "Basic \u{7f}"] {
            assert_eq!(Credentials::new(text(odd)).unwrap_err(), CredentialsError::NotAFieldValue, "{odd:?}");
        }
        for odd in ["", "two words", "two\nlines", "f\u{fc}r", "\u{1b}[2J"] {
            assert_eq!(Credentials::bearer(text(odd)).unwrap_err(), CredentialsError::NotAToken, "{odd:?}");
        }
        let good = [
            (Credentials::new(text("Basic hunter2")), "Basic hunter2"),
            (Credentials::bearer(text("hunter2")), "Bearer hunter2"),
        ];
        for (credentials, value) in good {
            let credentials = credentials.unwrap();
            assert_eq!(credentials.value(), value);
            assert!(credentials.value().is_sensitive() && !format!("{credentials:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "first\n").unwrap();
        let secret = Secret::unwatched(&path);
        let token = Credentials::bearer(secret.clone()).unwrap();
        for (content, expected) in [
            ("second\n", "Bearer second"),
            ("half of\nsomething else", "Bearer second"),
            ("", "Bearer second"),
            ("third", "Bearer third"),
        ] {
            std::fs::write(&path, content).unwrap();
            secret.check();
            assert_eq!(token.value(), expected, "{content:?}");
        }
    }
}
