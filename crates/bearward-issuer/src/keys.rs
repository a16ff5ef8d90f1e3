//! The signing keys: generated in memory, one current key for each algorithm, and the old ones still published.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::{Deserialize, Serialize};

use crate::{CryptoError, RotateError};

/// What self-contained tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 and a key of 2048 bits; what RFC 9068 2.1 asks everyone to support.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256 and a key of 2048 bits.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519 (RFC 8037).
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl SigningAlgorithm {
    /// The `alg` value (RFC 7518 3.1).
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn jose(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// Which keys there are, by their `kid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyIds {
    /// Those that sign, one for each algorithm.
    pub current: Vec<String>,
    /// All that are published: the current ones first, then the old ones not yet retired.
    pub published: Vec<String>,
}

pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) private: EncodingKey,
    pub(crate) public: DecodingKey,
    jwk: Jwk,
}

pub(crate) struct KeyRing {
    algorithms: Vec<SigningAlgorithm>,
    keys: RwLock<Keys>,
}

#[derive(Clone)]
struct Keys {
    current: Vec<Arc<SigningKey>>,
    old: Vec<Arc<SigningKey>>,
}

impl KeyRing {
    /// How many old keys are published at most: without retiring them the key set would grow at each rotation.
    const MAX_OLD: usize = 32;

    pub(crate) fn generate(algorithms: &[SigningAlgorithm]) -> Result<Self, CryptoError> {
        let current = generate_all(algorithms)?;
        Ok(Self { algorithms: algorithms.to_vec(), keys: RwLock::new(Keys { current, old: Vec::new() }) })
    }

    /// The key that signs now; with no algorithm named, the first one's. `None` if there is no key of that algorithm.
    pub(crate) fn current(&self, algorithm: Option<SigningAlgorithm>) -> Option<Arc<SigningKey>> {
        let keys = self.read();
        match algorithm {
            None => keys.current.first().cloned(),
            Some(algorithm) => keys.current.iter().find(|key| key.algorithm == algorithm).cloned(),
        }
    }

    pub(crate) fn published(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.read().published().find(|key| key.kid == kid).cloned()
    }

    pub(crate) fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.read().published().map(|key| key.jwk.clone()).collect() }
    }

    pub(crate) fn rotate(&self) -> Result<KeyIds, RotateError> {
        // Generated before the lock is taken: it takes long enough for requests to notice. Two rotations at once are
        // two rotations, one after the other.
        let fresh = generate_all(&self.algorithms)?;
        let mut keys = self.write();
        if keys.old.len() + keys.current.len() > Self::MAX_OLD {
            return Err(RotateError::TooManyKeys);
        }
        let replaced = std::mem::replace(&mut keys.current, fresh);
        keys.old.splice(0..0, replaced);
        Ok(keys.ids())
    }

    pub(crate) fn retire(&self) -> KeyIds {
        let mut keys = self.write();
        keys.old.clear();
        keys.ids()
    }

    // Nothing panics while the lock is held, and every change is whole: a poisoned lock still guards sound keys.
    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn published(&self) -> impl Iterator<Item = &Arc<SigningKey>> {
        self.current.iter().chain(&self.old)
    }

    fn ids(&self) -> KeyIds {
        KeyIds {
            current: self.current.iter().map(|key| key.kid.clone()).collect(),
            published: self.published().map(|key| key.kid.clone()).collect(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn generate_all(algorithms: &[SigningAlgorithm]) -> Result<Vec<Arc<SigningKey>>, CryptoError> {
    // jsonwebtoken panics on first use where several backends are compiled in and none is chosen. A program that chose one
    // before us is content with it, and so are we.
    let _chosen_before = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    algorithms.iter().map(|algorithm| generate(*algorithm).map(Arc::new)).collect()
}

fn generate(algorithm: SigningAlgorithm) -> Result<SigningKey, CryptoError> {
    let private = match algorithm {
        SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048)?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der()?;
            // EncodingKey wants the RSAPrivateKey inside the PKCS#8 that aws-lc-rs writes; from PEM it unwraps it.
            let body = BASE64_STANDARD.encode(pkcs8.as_ref());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
            EncodingKey::from_rsa_pem(pem.as_bytes())?
        }
        SigningAlgorithm::Es256 => {
            let rng = SystemRandom::new();
            EncodingKey::from_ec_der(EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng)?.as_ref())
        }
        SigningAlgorithm::EdDsa => {
            // Version 1, because Jwk::from_encoding_key knows an Ed25519 key by the length of that form.
            EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())?.as_ref())
        }
    };
    let mut jwk = Jwk::from_encoding_key(&private, algorithm.jose())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let public = DecodingKey::from_jwk(&jwk)?;
    Ok(SigningKey { kid, algorithm, private, public, jwk })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    use SigningAlgorithm::{EdDsa, Es256, Ps256, Rs256};

    const ALL: [SigningAlgorithm; 4] = [Rs256, Ps256, Es256, EdDsa];

    #[test]
    fn every_algorithm_has_a_public_key_and_nothing_private_is_published() {
        let ring = KeyRing::generate(&ALL).unwrap();
        let set = serde_json::to_value(ring.jwks()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), ALL.len());
        for (key, (algorithm, members)) in keys.iter().zip(ALL.iter().zip([
            &["n", "e", "kty"][..],
            &["n", "e", "kty"][..],
            &["crv", "x", "y", "kty"][..],
            &["crv", "x", "kty"][..],
        ])) {
            assert_eq!(key["alg"], algorithm.name());
            assert_eq!(key["use"], "sig");
            let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            for name in &names {
                assert!(["alg", "use", "kid"].contains(name) || members.contains(name), "{name}");
            }
            assert_eq!(names.len(), members.len() + 3);
        }
    }

    #[test]
    fn the_first_algorithm_signs_unless_another_is_asked_for() {
        let ring = KeyRing::generate(&[SigningAlgorithm::EdDsa, SigningAlgorithm::Es256]).unwrap();
        assert_eq!(ring.current(None).unwrap().algorithm, SigningAlgorithm::EdDsa);
        assert_eq!(ring.current(Some(SigningAlgorithm::Es256)).unwrap().algorithm, SigningAlgorithm::Es256);
        assert!(ring.current(Some(SigningAlgorithm::Rs256)).is_none());
    }

    #[test]
    fn rotation_publishes_old_keys_until_they_are_retired() {
        let ring = KeyRing::generate(&[SigningAlgorithm::EdDsa]).unwrap();
        let first = ring.current(None).unwrap().kid.clone();
        let rotated = ring.rotate().unwrap();
        assert_eq!(rotated.current.len(), 1);
        assert_ne!(rotated.current[0], first);
        assert_eq!(rotated.published, [rotated.current[0].clone(), first.clone()]);
        assert!(ring.published(&first).is_some());
        let retired = ring.retire();
        assert_eq!(retired.published, rotated.current);
        assert!(ring.published(&first).is_none());
    }

    #[test]
    fn the_published_set_has_a_bound() {
        let ring = KeyRing::generate(&[SigningAlgorithm::EdDsa]).unwrap();
        for _ in 0..KeyRing::MAX_OLD {
            ring.rotate().unwrap();
        }
        assert!(matches!(ring.rotate(), Err(RotateError::TooManyKeys)));
        assert_eq!(ring.jwks().keys.len(), KeyRing::MAX_OLD + 1);
        ring.retire();
        assert!(ring.rotate().is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let key = generate(SigningAlgorithm::EdDsa).unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, algorithm: EdDsa, .. }}", key.kid));
    }
}
