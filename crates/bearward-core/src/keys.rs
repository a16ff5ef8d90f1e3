//! An issuer's public keys (RFC 7517), parsed once.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::algorithm::Parameters;
use crate::{Algorithm, Reason};

/// More keys than this in one set are no key set of an issuer.
const MAX_KEYS: usize = 100;

/// How many keys are tried for one token: those of its `kid`, or all that fit where it names none.
const MAX_TRIES: usize = 8;

/// The keys of one issuer. It verifies tokens of that issuer only, which is the caller's to see to (RFC 8725, 3.8).
pub struct KeySet {
    keys: Vec<PublicKey>,
    skipped: Vec<SkippedKey>,
    fingerprint: [u8; 32],
}

/// A key that was left out of a set, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its `kid`, where it has one.
    pub key_id: Option<String>,
    /// Why it cannot be used.
    pub why: &'static str,
}

/// What was fetched is no JWK set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not JSON, or not an object with an array `keys`.
    #[error("not a JWK set: expected a JSON object with an array `keys` (RFC 7517, 5)")]
    NotAKeySet,
    /// More keys than anyone has.
    #[error("a JWK set of more than 100 keys")]
    TooManyKeys,
}

impl KeySet {
    /// Reads a JWK set key by key: one that cannot be used is skipped and named, and never spoils the others.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| KeySetError::NotAKeySet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for key in set.keys {
            let key_id = key.get("kid").and_then(Value::as_str).map(str::to_owned);
            match PublicKey::from_jwk(key) {
                Ok(key) => keys.push(key),
                Err(why) => skipped.push(SkippedKey { key_id, why }),
            }
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, json).as_ref());
        Ok(Self { keys, skipped, fingerprint })
    }

    /// How many keys can verify.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can verify.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that were left out.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// SHA-256 of the text that the set was read from: equal sets are equal, so a changed one is noticed.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Verifies a signature with the keys that `key_id` names, or with those that fit where it names none.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        key_id: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        let mut named = self.keys.iter().filter(|key| key_id.is_none() || key.key_id.as_deref() == key_id).peekable();
        if named.peek().is_none() {
            return Err(Reason::KeyUnknown);
        }
        let mut fitting = named.filter_map(|key| key.verifier(algorithm)).take(MAX_TRIES).peekable();
        if fitting.peek().is_none() {
            return Err(Reason::AlgorithmRefused);
        }
        if fitting.any(|key| key.verify_sig(message, signature).is_ok()) {
            Ok(())
        } else {
            Err(Reason::SignatureInvalid)
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| key.key_id.as_deref().unwrap_or("-")).collect();
        f.debug_struct("KeySet").field("keys", &ids).field("skipped", &self.skipped).finish()
    }
}

/// One key, with a ready verifier for each algorithm it may be used with.
struct PublicKey {
    key_id: Option<String>,
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

impl PublicKey {
    fn verifier(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.verifiers.iter().find(|(candidate, _)| *candidate == algorithm).map(|(_, key)| key)
    }

    fn from_jwk(jwk: Value) -> Result<Self, &'static str> {
        let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| "a member has the wrong type")?;
        if jwk.d.is_some() || jwk.k.is_some() {
            return Err("it is a secret or private key, published by mistake");
        }
        if jwk.r#use.as_deref().is_some_and(|r#use| r#use != "sig") {
            return Err("`use` is not `sig`");
        }
        if jwk.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|name| name == "verify")) {
            return Err("`key_ops` does not hold `verify`");
        }
        let fitting = jwk.algorithms()?;
        let algorithms = match &jwk.alg {
            None => fitting,
            Some(name) => {
                let named: Algorithm = name.parse().map_err(|_| "`alg` is no supported signature algorithm")?;
                if !fitting.contains(&named) {
                    return Err("`alg` does not fit the key");
                }
                vec![named]
            }
        };
        let verifiers = algorithms
            .into_iter()
            .map(|algorithm| Ok((algorithm, jwk.parse_for(algorithm)?)))
            .collect::<Result<_, &'static str>>()?;
        Ok(Self { key_id: jwk.kid, verifiers })
    }
}

/// The members of a JWK that matter here (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<Value>,
    k: Option<Value>,
}

impl Jwk {
    /// The algorithms that this kind of key can be used with.
    fn algorithms(&self) -> Result<Vec<Algorithm>, &'static str> {
        use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Ok(vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512]),
            ("EC", Some("P-256")) => Ok(vec![Es256]),
            ("EC", Some("P-384")) => Ok(vec![Es384]),
            ("EC", Some("P-521")) => Ok(vec![Es512]),
            ("OKP", Some("Ed25519")) => Ok(vec![EdDsa]),
            ("EC" | "OKP", _) => Err("a curve that is not supported"),
            _ => Err("a key type that is not supported"),
        }
    }

    fn parse_for(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, &'static str> {
        match algorithm.parameters() {
            Parameters::Rsa(parameters) => {
                let (n, e) = (member(self.n.as_ref())?, member(self.e.as_ref())?);
                // 2048 bits and more (RFC 7518, 3.3), and no more than a verifier can bear.
                if !(2048..=8192).contains(&bits(&n)) {
                    return Err("an RSA modulus of less than 2048 or more than 8192 bits");
                }
                let components = RsaPublicKeyComponents { n, e };
                components.to_parsed_public_key(parameters).map_err(|_| "not a valid RSA public key")
            }
            Parameters::Other(parameters) => {
                let mut point = Vec::new();
                if self.kty == "EC" {
                    point.push(4); // uncompressed (SEC 1, 2.3.3)
                    point.extend(member(self.x.as_ref())?);
                    point.extend(member(self.y.as_ref())?);
                } else {
                    point.extend(member(self.x.as_ref())?);
                }
                // This refuses a point that is not on the curve (RFC 8725, 3.4).
                ParsedPublicKey::new(parameters, point).map_err(|_| "not a valid point of its curve")
            }
        }
    }
}

fn member(value: Option<&String>) -> Result<Vec<u8>, &'static str> {
    let value = value.ok_or("a required member is missing")?;
    URL_SAFE_NO_PAD.decode(value).map_err(|_| "a member is not base64url")
}

/// The length of a big-endian number in bits.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0).count();
    let first = number.iter().find(|byte| **byte != 0).map_or(0, |byte| byte.leading_zeros() as usize);
    significant * 8 - first
}
