//! The gateway's own credentials for an upstream, as they are now.

use http::HeaderValue;

use crate::rotating::Rotating;
use crate::secret::Secret;

/// A whole value of `Authorization` (RFC 9110, 11.6.2). One in a file is read again when the file changes; a file that
/// cannot be used leaves the last good one.
#[derive(Clone, Debug)]
pub struct Credentials(Rotating<1, HeaderValue, CredentialsError>);

/// Why a text is no value of `Authorization`. The message shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Something in it that no header can hold.
    #[error("the content of this file cannot stand in a header")]
    NotAFieldValue,
}

impl Credentials {
    /// Reads the value, such as `Basic Z2F0ZXdheTpzZWNyZXQ=`.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] where it cannot be sent as it is.
    pub fn new(value: Secret) -> Result<Self, CredentialsError> {
        Rotating::new("credentials for an upstream", [value], |[value]| {
            let mut value = HeaderValue::from_str(value).map_err(|_| CredentialsError::NotAFieldValue)?;
            value.set_sensitive(true);
            Ok(value)
        })
        .map(Self)
    }

    /// The value of `Authorization`.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        HeaderValue::clone(&self.0.get())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn what_cannot_stand_in_a_header_is_told_and_not_shown() {
        for odd in ["Basic a\nb", "Basic \u{1b}[2J", "Basic \u{7f}"] {
            let error = Credentials::new(Secret::from_text(odd.to_owned())).unwrap_err();
            assert_eq!(error, CredentialsError::NotAFieldValue, "{odd:?}");
        }
        let credentials = Credentials::new(Secret::from_text("Basic hunter2".to_owned())).unwrap();
        assert_eq!(credentials.value(), "Basic hunter2");
        assert!(credentials.value().is_sensitive() && !format!("{credentials:?}").contains("hunter2"));
    }
}
