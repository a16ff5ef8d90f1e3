//! Encrypted tokens (RFC 7516) that are meant for the gateway itself: a signed token inside an encrypted one (RFC 7519,
//! 11.2; RFC 9068, 4).
//!
//! Encryption proves nothing about who made a token: with RSA and ECDH any sender can encrypt to us. What comes out is
//! therefore no more than an unverified token, and is treated like every other one.
//!
//! What is known to go wrong here, and what stands against it:
//!
//! * **Padding and other oracles** (RFC 7516, 11.5; Bleichenbacher, Manger, Vaudenay): RSA1_5 is not there at all, a key
//!   that does not come out right is replaced by a random one so that the work goes on, CBC is not decrypted before its
//!   MAC holds, and all of it fails with the one [`Reason::DecryptionFailed`].
//! * **Invalid curve points** (RFC 8725, 3.4): refused, as are points that make the shared secret zero (RFC 7748, 6.1).
//! * **Work that the sender chooses** (`p2c` of PBES2, `zip`; RFC 8725bis): neither is there. A token that names no key, which
//!   costs a private-key operation for each that it may be for, is held against a few at most ([`KeyTries`]).
//! * **A token that chooses its key or algorithm**: a key is used with the algorithms that it was made for and no other.

mod agreement;
mod algorithm;
mod content;
mod error;
mod header;
mod jwk;
mod key;
mod pkcs8;

pub use error::DecryptionKeysError;

use std::fmt;

use zeroize::Zeroizing;

use crate::token::jws::decode;
use crate::{Reason, Shape};
use header::Header;
use key::DecryptionKey;

/// The longest token that is decrypted, in bytes: as much as any request can be allowed to carry.
const MAX_TOKEN: usize = 1024 * 1024;

/// The keys that were tried for one token, which is no more than a few: a private RSA key takes a third of a millisecond, which a
/// sender who has nothing could have the gateway spend for each that there is.
#[derive(Debug, Default)]
pub struct KeyTries {
    made: usize,
}

impl KeyTries {
    /// The most keys that are tried for one token: those before and after a change of keys, of two issuers.
    pub const MOST: usize = 4;

    /// How many were tried.
    pub fn made(&self) -> usize {
        self.made
    }

    /// Whether so many more may be tried.
    fn allows(&self, more: usize) -> bool {
        self.made.saturating_add(more) <= Self::MOST
    }
}

/// The private and secret keys with which the gateway decrypts tokens that are encrypted to it.
///
/// Like [`KeySet`](crate::KeySet) they belong to one issuer's tokens. What [`Debug`](fmt::Debug) shows are the `kid`s.
pub struct DecryptionKeys {
    keys: Vec<DecryptionKey>,
}

impl DecryptionKeys {
    /// Reads a private JWK, or a JWK set of them (RFC 7517), that the gateway's operator made.
    ///
    /// | `kty` | what it opens | what it needs |
    /// | --- | --- | --- |
    /// | `RSA` | `RSA-OAEP-256` | `n e d p q dp dq qi`, 2048 to 8192 bits |
    /// | `EC` (P-256, P-384, P-521) | `ECDH-ES`, `ECDH-ES+A128KW`, `ECDH-ES+A256KW`; the one that `alg` names, if it does | `x y d` |
    /// | `OKP` (X25519) | the same | `x d` |
    /// | `oct` | `A128KW`, `A256KW` or `dir`, as `alg` says; with the name of a content encryption as `alg`, `dir` with that | `k` of exactly that length |
    ///
    /// Where more than four keys open the same, each of them needs a `kid`, and so does each token: no more than that are tried
    /// for one ([`KeyTries`]).
    ///
    /// # Errors
    ///
    /// Other than in an issuer's set, any key that cannot be used is an error: this file is the operator's own, and a
    /// key left out of it would be noticed with the first token that needs it. No error shows a value.
    pub fn parse(json: &[u8]) -> Result<Self, DecryptionKeysError> {
        jwk::parse(json).map(|keys| Self { keys })
    }

    /// Whether the token is encrypted to one of these keys: it is a JWE, its header reads strictly, and a key fits its
    /// `alg`, `enc` and, where it has one, `kid`.
    ///
    /// Nothing is decrypted, so the form alone decides whether a token is self-contained or referential. A forged header
    /// gains nothing: what is encrypted to us and does not decrypt is not sent to the issuer as well.
    pub fn opens(&self, token: &str) -> bool {
        let header = split(token).ok().and_then(|[header, ..]| Header::parse(header).ok());
        header.is_some_and(|header| self.keys.iter().any(|key| key.fits(&header)))
    }

    /// Why a JWE is refused whichever key it is for: it is compressed (`zip`), or uses RSA1_5 or PBES2. `None` for every
    /// other token, whatever it is.
    pub fn refuses(token: &str) -> Option<Reason> {
        split(token).ok().and_then(|[header, ..]| header::refusal(header))
    }

    /// Decrypts a token, and returns the signed token inside it, which is not verified yet.
    ///
    /// # Errors
    ///
    /// * [`Reason::TokenMalformed`]: not five parts of base64url, a header that breaks RFC 7516 section 4 or names a type of
    ///   content that is no JWT, or content that is no JWS.
    /// * [`Reason::CriticalHeaderUnknown`]: `crit` or `zip`.
    /// * [`Reason::AlgorithmRefused`]: another `alg` or `enc` than those of [`DecryptionKeys::parse`].
    /// * [`Reason::TokenUnsupported`]: none of these keys fits, so [`DecryptionKeys::opens`] is false.
    /// * [`Reason::DecryptionFailed`]: whatever else, without distinction; also where it names no key and more than
    ///   [`KeyTries::MOST`] fit.
    pub fn decrypt(&self, token: &str) -> Result<DecryptedToken, Reason> {
        self.decrypt_within(token, &mut KeyTries::default())
    }

    /// [`DecryptionKeys::decrypt`], where other keys were tried for the same token before. Where those that fit are more than may
    /// still be tried, none is: which token is opened must not depend on the order of keys.
    ///
    /// # Errors
    ///
    /// As [`DecryptionKeys::decrypt`].
    pub fn decrypt_within(&self, token: &str, tries: &mut KeyTries) -> Result<DecryptedToken, Reason> {
        if token.len() > MAX_TOKEN {
            return Err(Reason::TokenMalformed);
        }
        let jwe = CompactJwe::parse(token)?;
        let fitting = || self.keys.iter().filter(|key| key.fits(&jwe.header));
        match fitting().count() {
            0 => return Err(Reason::TokenUnsupported),
            count if !tries.allows(count) => return Err(Reason::DecryptionFailed),
            _ => {}
        }
        let plaintext = fitting().find_map(|key| {
            tries.made += 1;
            jwe.open(key)
        });
        DecryptedToken::read(&plaintext.ok_or(Reason::DecryptionFailed)?)
    }
}

impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| key.key_id.as_deref().unwrap_or("-")).collect();
        f.debug_struct("DecryptionKeys").field("keys", &ids).finish()
    }
}

/// A signed token in compact serialization that came out of an encrypted one. Not verified. Wiped when dropped, and never
/// shown by [`Debug`](fmt::Debug).
pub struct DecryptedToken(Zeroizing<String>);

impl DecryptedToken {
    /// The token, for [`verify_jws`](crate::verify_jws).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Encrypted claims without a signature, or a third layer, are no access token (RFC 8725, 3.3).
    fn read(plaintext: &[u8]) -> Result<Self, Reason> {
        let is_jws = |text: &&str| Shape::of(text) == Shape::SelfContained && text.split('.').count() == 3;
        let token = str::from_utf8(plaintext).ok().filter(is_jws).ok_or(Reason::TokenMalformed)?;
        Ok(Self(Zeroizing::new(token.to_owned())))
    }
}

impl fmt::Debug for DecryptedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptedToken([redacted])")
    }
}

/// The compact serialization of a JWE (RFC 7516, 7.1), taken apart and held against the rules of its header.
struct CompactJwe<'a> {
    header: Header,
    /// The header as it was sent, which is what the tag protects (RFC 7516, 5.2, step 15).
    protected: &'a str,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl<'a> CompactJwe<'a> {
    fn parse(token: &'a str) -> Result<Self, Reason> {
        let [protected, encrypted_key, iv, ciphertext, tag] = split(token)?;
        let header = Header::parse(protected)?;
        header.check()?;
        Ok(Self {
            header,
            protected,
            encrypted_key: decode(encrypted_key)?,
            iv: decode(iv)?,
            ciphertext: decode(ciphertext)?,
            tag: decode(tag)?,
        })
    }

    fn open(&self, key: &DecryptionKey) -> Option<Zeroizing<Vec<u8>>> {
        let encryption = self.header.encryption;
        let mut content_key = Zeroizing::new(vec![0; encryption.key_length()]);
        let unwrapped = key.content_key(&self.header, &self.encrypted_key, &mut content_key);
        if unwrapped.is_err() {
            // RFC 7516, 11.5: whether the key or the content was at fault must not show, neither in time.
            aws_lc_rs::rand::fill(&mut content_key).ok()?;
        }
        let mut text = Zeroizing::new(self.ciphertext.clone());
        let opened = content::open(encryption, &content_key, &self.iv, self.protected.as_bytes(), &mut text, &self.tag);
        unwrapped.and(opened).ok().map(|()| text)
    }
}

/// Five parts and no more.
fn split(token: &str) -> Result<[&str; 5], Reason> {
    let mut parts = token.splitn(6, '.');
    match [parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()] {
        [Some(header), Some(key), Some(iv), Some(text), Some(tag), None] => Ok([header, key, iv, text, tag]),
        _ => Err(Reason::TokenMalformed),
    }
}
