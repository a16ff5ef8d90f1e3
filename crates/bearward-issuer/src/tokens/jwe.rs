//! What only the issuer can read: JWE compact serialisation (RFC 7516), `dir` with A256GCM (RFC 7518 4.5, 5.3).
//!
//! The issuer encrypts to itself, so there is one key, one header, and nothing to negotiate.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::CryptoError;

/// What is sealed. It stands in the header, which the tag covers: what was sealed as one kind never opens as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// A referential access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// An authorization code.
    Code,
    /// A sign-in page that was shown and not yet answered.
    SignIn,
}

impl Sealed {
    fn header(self) -> &'static str {
        match self {
            Self::AccessToken => r#"{"typ":"at+jwt","alg":"dir","enc":"A256GCM"}"#,
            Self::RefreshToken => r#"{"typ":"rt+jwt","alg":"dir","enc":"A256GCM"}"#,
            Self::Code => r#"{"typ":"code+jwt","alg":"dir","enc":"A256GCM"}"#,
            Self::SignIn => r#"{"typ":"sign-in+jwt","alg":"dir","enc":"A256GCM"}"#,
        }
    }
}

pub(super) struct SealingKey(LessSafeKey);

impl SealingKey {
    pub(super) fn generate() -> Result<Self, CryptoError> {
        let mut key = [0; 32];
        rand::fill(&mut key)?;
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?)))
    }

    pub(super) fn seal(&self, kind: Sealed, plaintext: &[u8]) -> Result<String, CryptoError> {
        let header = BASE64_URL_SAFE_NO_PAD.encode(kind.header());
        // Random nonces of 96 bits are safe for 2^32 tokens under one key (NIST SP 800-38D 8.3), and this key lives no
        // longer than a development process.
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce)?;
        let mut sealed = plaintext.to_vec();
        let tag = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(header.as_bytes()),
            &mut sealed,
        )?;
        let [nonce, sealed, tag] = [&nonce[..], &sealed, tag.as_ref()].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        // The second part is the encrypted key, which `dir` leaves empty (RFC 7518 4.5).
        Ok(format!("{header}..{nonce}.{sealed}.{tag}"))
    }

    /// The plaintext, if this key sealed it as this kind and nothing of it was changed.
    pub(super) fn open(&self, kind: Sealed, token: &str) -> Option<Vec<u8>> {
        let mut parts = token.split('.');
        let (header, key, nonce, sealed, tag) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !key.is_empty() || header != BASE64_URL_SAFE_NO_PAD.encode(kind.header()) {
            return None;
        }
        // The decoder refuses padding and stray bits, and the key a tag that is not whole: a token has one spelling.
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
        let nonce = Nonce::try_assume_unique_for_key(&decode(nonce)?).ok()?;
        let mut sealed = decode(sealed)?;
        let tag = decode(tag)?;
        let plaintext =
            self.0.open_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &tag, &mut sealed).ok()?;
        Some(plaintext.to_vec())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_two_seals_differ() {
        let key = SealingKey::generate().unwrap();
        let (one, two) =
            (key.seal(Sealed::AccessToken, b"claims").unwrap(), key.seal(Sealed::AccessToken, b"claims").unwrap());
        assert_ne!(one, two);
        assert_eq!(key.open(Sealed::AccessToken, &one).unwrap(), b"claims");
        assert_eq!(key.open(Sealed::AccessToken, &two).unwrap(), b"claims");
    }

    #[test]
    fn the_form_is_that_of_a_direct_jwe() {
        let token = SealingKey::generate().unwrap().seal(Sealed::AccessToken, b"claims").unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 5);
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(parts[0]).unwrap(), Sealed::AccessToken.header().as_bytes());
        assert_eq!(parts[1], "");
        let lengths: Vec<usize> =
            parts[2..].iter().map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap().len()).collect();
        assert_eq!(lengths, [12, 6, 16]);
    }

    #[test]
    fn no_character_can_be_changed() {
        let key = SealingKey::generate().unwrap();
        let token = key.seal(Sealed::AccessToken, b"the claims of a token").unwrap();
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(key.open(Sealed::AccessToken, std::str::from_utf8(&changed).unwrap()).is_none(), "{at}");
        }
    }

    #[test]
    fn no_part_can_be_left_out_added_or_cut() {
        let key = SealingKey::generate().unwrap();
        let token = key.seal(Sealed::AccessToken, b"claims").unwrap();
        let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        for part in 0..parts.len() {
            for replacement in ["", "A", "AAAA", "=", "*"] {
                let mut changed = parts.clone();
                if changed[part] == replacement {
                    continue;
                }
                changed[part] = replacement.to_owned();
                assert!(key.open(Sealed::AccessToken, &changed.join(".")).is_none(), "part {part} as {replacement:?}");
            }
        }
        assert!(key.open(Sealed::AccessToken, &parts[..4].join(".")).is_none());
        assert!(key.open(Sealed::AccessToken, &format!("{token}.")).is_none());
        assert!(key.open(Sealed::AccessToken, &format!("{token}=")).is_none());
        // A shorter tag is easier to guess; it must not be taken for a whole one.
        let tag = BASE64_URL_SAFE_NO_PAD.decode(&parts[4]).unwrap();
        let short = BASE64_URL_SAFE_NO_PAD.encode(&tag[..12]);
        assert!(key.open(Sealed::AccessToken, &format!("{}.{short}", parts[..4].join("."))).is_none());
    }

    #[test]
    fn another_key_opens_nothing() {
        let token = SealingKey::generate().unwrap().seal(Sealed::AccessToken, b"claims").unwrap();
        assert!(SealingKey::generate().unwrap().open(Sealed::AccessToken, &token).is_none());
    }

    #[test]
    fn what_was_sealed_as_one_kind_never_opens_as_another() {
        let key = SealingKey::generate().unwrap();
        let kinds = [Sealed::AccessToken, Sealed::RefreshToken, Sealed::Code, Sealed::SignIn];
        for kind in kinds {
            let token = key.seal(kind, b"claims").unwrap();
            for other in kinds {
                assert_eq!(key.open(other, &token).is_some(), kind == other);
                // Nor does it when the header is exchanged.
                let header = BASE64_URL_SAFE_NO_PAD.encode(other.header());
                let changed = token.replacen(token.split('.').next().unwrap(), &header, 1);
                assert_eq!(key.open(other, &changed).is_some(), kind == other);
            }
        }
    }
}
