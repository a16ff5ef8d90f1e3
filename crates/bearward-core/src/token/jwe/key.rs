//! One decryption key: what it fits, and how the content encryption key comes out of a token with it.

use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey};
use zeroize::Zeroizing;

use super::agreement::{Curve, Purpose, derive};
use super::algorithm::{Encryption, KeyManagement, KeyWrap};
use super::header::Header;

/// A key of the operator's file.
pub(super) struct DecryptionKey {
    pub(super) key_id: Option<String>,
    pub(super) secret: Secret,
}

/// The key itself, with the one family of algorithms that it is for (RFC 8725, 3.1).
pub(super) enum Secret {
    RsaOaep256(OaepPrivateDecryptingKey),
    EcdhEs {
        curve: Curve,
        key: PrivateKey,
        /// The one algorithm of the family, where the key names one.
        only: Option<KeyManagement>,
    },
    KeyWrap(KeyWrap, Zeroizing<Vec<u8>>),
    /// The content encryptions that the key is for. They all have its length.
    Direct(Vec<Encryption>, Zeroizing<Vec<u8>>),
}

impl DecryptionKey {
    /// Whether a token with this header is for this key. A token without `kid` may be for any.
    pub(super) fn fits(&self, header: &Header) -> bool {
        let named = header.key_id.is_none() || header.key_id == self.key_id;
        named
            && match (&self.secret, header.management) {
                (Secret::RsaOaep256(_), KeyManagement::RsaOaep256) => true,
                (Secret::EcdhEs { curve, only, .. }, management @ KeyManagement::EcdhEs(_)) => {
                    only.is_none_or(|only| only == management)
                        && header.ephemeral.as_ref().is_some_and(|theirs| theirs.curve == *curve)
                }
                (Secret::KeyWrap(ours, _), KeyManagement::KeyWrap(theirs)) => *ours == theirs,
                (Secret::Direct(encryptions, _), KeyManagement::Direct) => encryptions.contains(&header.encryption),
                _ => false,
            }
    }

    /// Whether a token can be for both keys, as its `kid` says, and not tell which.
    pub(super) fn is_mistakable_for(&self, other: &Self) -> bool {
        self.key_id.is_some() && self.key_id == other.key_id && self.opens_the_same(other)
    }

    /// Whether a token without `kid` can be for both keys.
    pub(super) fn opens_the_same(&self, other: &Self) -> bool {
        match (&self.secret, &other.secret) {
            (Secret::RsaOaep256(_), Secret::RsaOaep256(_)) => true,
            (Secret::EcdhEs { curve, .. }, Secret::EcdhEs { curve: other, .. }) => curve == other,
            (Secret::KeyWrap(wrap, _), Secret::KeyWrap(other, _)) => wrap == other,
            (Secret::Direct(encryptions, _), Secret::Direct(other, _)) => {
                encryptions.iter().any(|encryption| other.contains(encryption))
            }
            _ => false,
        }
    }

    /// Fills `out` with the content encryption key (RFC 7516, 5.2, steps 7 to 11).
    pub(super) fn content_key(&self, header: &Header, encrypted_key: &[u8], out: &mut [u8]) -> Result<(), Unspecified> {
        match (&self.secret, header.management) {
            (Secret::RsaOaep256(key), KeyManagement::RsaOaep256) => {
                let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
                copy(key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, &mut buffer, None)?, out)
            }
            (Secret::EcdhEs { key, .. }, KeyManagement::EcdhEs(wrap)) => {
                let theirs = header.ephemeral.as_ref().ok_or(Unspecified)?;
                let Some(wrap) = wrap else {
                    derive(key, theirs, Purpose::Content(header.encryption), &header.parties, out)?;
                    return must_be_empty(encrypted_key);
                };
                let mut agreed = Zeroizing::new(vec![0; wrap.key_length()]);
                derive(key, theirs, Purpose::Wrap(wrap), &header.parties, &mut agreed)?;
                unwrap(wrap, &agreed, encrypted_key, out)
            }
            (Secret::KeyWrap(wrap, key), KeyManagement::KeyWrap(_)) => unwrap(*wrap, key, encrypted_key, out),
            (Secret::Direct(_, key), KeyManagement::Direct) => {
                copy(key, out)?;
                must_be_empty(encrypted_key)
            }
            _ => Err(Unspecified),
        }
    }
}

/// AES key unwrap (RFC 3394, 2.2.2), which fails for all but what was wrapped with this key.
fn unwrap(wrap: KeyWrap, key: &[u8], wrapped: &[u8], out: &mut [u8]) -> Result<(), Unspecified> {
    if wrapped.len() != out.len() + 8 {
        return Err(Unspecified);
    }
    let cipher = match wrap {
        KeyWrap::A128 => &AES_128,
        KeyWrap::A256 => &AES_256,
    };
    AesKek::new(cipher, key)?.unwrap(wrapped, out).map(|_| ())
}

/// RFC 7516, 5.2, step 10: where the key is not sent, nothing may stand in its place.
fn must_be_empty(encrypted_key: &[u8]) -> Result<(), Unspecified> {
    if encrypted_key.is_empty() { Ok(()) } else { Err(Unspecified) }
}

/// Copies a key that must be exactly as long as the content encryption asks for.
fn copy(key: &[u8], out: &mut [u8]) -> Result<(), Unspecified> {
    if key.len() != out.len() {
        return Err(Unspecified);
    }
    out.copy_from_slice(key);
    Ok(())
}
