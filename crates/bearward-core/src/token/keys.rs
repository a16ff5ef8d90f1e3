//! An issuer's public keys (RFC 7517), parsed once.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::token::algorithm::Parameters;
use crate::token::json::parse_object;
use crate::{Algorithm, Reason};

/// More keys than this in one set are no key set of an issuer.
const MAX_KEYS: usize = 100;

/// How many keys are tried for one token: those of its `kid`, or all that fit where it names none.
const MAX_TRIES: usize = 8;

/// The keys of one issuer; the default has none. The caller must use it for tokens of that issuer only (RFC 8725, 3.8).
#[derive(Default)]
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

/// Why a key is left out that only its owner should have.
const PRIVATE: &str = "it is a secret or private key, published by mistake";

impl SkippedKey {
    /// Whether it is a secret or private key, which every reader of the set now has.
    pub fn is_private(&self) -> bool {
        self.why == PRIVATE
    }
}

/// Why a text is no JWK set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not JSON, or not an object with an array `keys`.
    #[error("not a JWK set: expected a JSON object with an array `keys` (RFC 7517, 5)")]
    NotAKeySet,
    /// More than 100 keys.
    #[error("a JWK set of more than 100 keys")]
    TooManyKeys,
}

impl KeySet {
    /// Reads a JWK set key by key: one that cannot be used is skipped and named, and never spoils the others.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let text = str::from_utf8(json).map_err(|_| KeySetError::NotAKeySet)?;
        // serde would also read an array as the struct.
        let set = Some(text).filter(|text| text.trim_ascii_start().starts_with('{'));
        let set: Set<'_> = set.and_then(|text| serde_json::from_str(text).ok()).ok_or(KeySetError::NotAKeySet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for key in set.keys {
            let Ok(jwk) = parse_object(key.get().as_bytes()) else {
                skipped.push(SkippedKey { key_id: None, why: "not a JSON object, or one with a member twice" });
                continue;
            };
            let key_id = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
            match PublicKey::from_jwk(jwk) {
                Ok(key) => keys.push(key),
                Err(why) => skipped.push(SkippedKey { key_id, why }),
            }
        }
        let fingerprint = fingerprint(&keys);
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

    /// SHA-256 over the keys that can verify, in whatever order they came: it changes when, and only when, they do.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The keys for the algorithm that `key_id` names, or all of them where it names none.
    pub(crate) fn fitting(&self, algorithm: Algorithm, key_id: Option<&str>) -> Result<FittingKeys<'_>, Reason> {
        let mut named = self.keys.iter().filter(|key| key_id.is_none() || key.key_id.as_deref() == key_id).peekable();
        if named.peek().is_none() {
            return Err(Reason::KeyUnknown);
        }
        let mut verifiers = [None; MAX_TRIES];
        let fitting = named.filter_map(|key| key.verifier(algorithm));
        verifiers.iter_mut().zip(fitting).for_each(|(place, key)| *place = Some(key));
        if verifiers.first().is_none_or(Option::is_none) {
            // A token that names no key may mean one that is not known yet; one that names a key means that one.
            return Err(if key_id.is_none() { Reason::KeyUnknown } else { Reason::AlgorithmRefused });
        }
        Ok(FittingKeys { verifiers, are_named: key_id.is_some() })
    }
}

/// Keys that may have made a signature.
pub(crate) struct FittingKeys<'a> {
    verifiers: [Option<&'a ParsedPublicKey>; MAX_TRIES],
    are_named: bool,
}

impl FittingKeys<'_> {
    /// Verifies a signature with any of them.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Reason> {
        if self.verifiers.iter().flatten().any(|key| key.verify_sig(message, signature).is_ok()) {
            return Ok(());
        }
        // A token that names no key may be signed with one that is not known yet; the cooldown bounds what junk can cause.
        Err(if self.are_named { Reason::SignatureInvalid } else { Reason::KeyUnknown })
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

    /// Over all that matters of it: its name, its algorithms and the key.
    fn digest(&self) -> [u8; 32] {
        let mut parts = vec![sha256(self.key_id.as_deref().unwrap_or_default().as_bytes())];
        parts.push([u8::from(self.key_id.is_some()); 32]);
        for (algorithm, key) in &self.verifiers {
            parts.push(sha256(algorithm.name().as_bytes()));
            parts.push(sha256(key.as_ref()));
        }
        sha256(parts.as_flattened())
    }

    fn from_jwk(jwk: Map<String, Value>) -> Result<Self, &'static str> {
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(PRIVATE);
        }
        let jwk: Jwk = serde_json::from_value(Value::Object(jwk)).map_err(|_| "a member has the wrong type")?;
        // `jwt-svid` is what SPIFFE's trust bundles call it (SPIFFE Trust Domain and Bundle, 4.2.2).
        if jwk.r#use.as_deref().is_some_and(|r#use| !matches!(r#use, "sig" | "jwt-svid")) {
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
}

/// What only a secret or private key has (RFC 7518, 6.2.2, 6.3.2, 6.4); any one of them gives the rest away.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

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
                check_rsa(&n, &e)?;
                let components = RsaPublicKeyComponents { n, e };
                components.to_parsed_public_key(parameters).map_err(|_| "not a valid RSA public key")
            }
            Parameters::Other(parameters) => {
                // This refuses a point that is not on the curve (RFC 8725, 3.4).
                ParsedPublicKey::new(parameters, self.point(algorithm)?).map_err(|_| "not a valid point of its curve")
            }
        }
    }

    /// The public key as aws-lc-rs takes it: an uncompressed point (SEC 1, 2.3.3), or the 32 bytes of Ed25519.
    fn point(&self, algorithm: Algorithm) -> Result<Vec<u8>, &'static str> {
        let length = match algorithm {
            Algorithm::Es384 => 48,
            Algorithm::Es512 => 66,
            _ => 32,
        };
        // The lengths are fixed (RFC 7518, 6.2.1.2; RFC 8037, 2); aws-lc-rs would take other encodings too.
        let coordinate = |value: Option<&String>| {
            member(value).and_then(|bytes| {
                if bytes.len() == length { Ok(bytes) } else { Err("a coordinate of the wrong length") }
            })
        };
        let x = coordinate(self.x.as_ref())?;
        if algorithm == Algorithm::EdDsa {
            return if is_small_order(&x) { Err("a point of small order: anyone can sign for it") } else { Ok(x) };
        }
        let mut point = vec![4];
        point.extend(x);
        point.extend(coordinate(self.y.as_ref())?);
        Ok(point)
    }
}

/// 2048 bits and more (RFC 7518, 3.3), and no more than a verifier can bear; an exponent with which a signature means
/// something (RFC 8017, 3.1).
pub(crate) fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), &'static str> {
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !(2048..=8192).contains(&bits(n)) {
        return Err("an RSA modulus of less than 2048 or more than 8192 bits");
    }
    // aws-lc verifies with exponents of at most 33 bits.
    if !is_odd(n) || !is_odd(e) || !(2..=33).contains(&bits(e)) {
        return Err("not a valid RSA public key");
    }
    Ok(())
}

/// The Ed25519 points of order 8 and less, by their y coordinate: for those, a signature can be made without a key.
fn is_small_order(point: &[u8]) -> bool {
    const P_LOW: [u8; 3] = [0xec, 0xed, 0xee]; // p - 1, p, p + 1, of which all other bytes are set
    const ORDER_8: [[u8; 32]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut y = point.to_vec();
    if let Some(last) = y.last_mut() {
        *last &= 0x7f; // the sign of x
    }
    match y.as_slice() {
        [0 | 1, rest @ ..] if rest.iter().all(|byte| *byte == 0) => true,
        [low, middle @ .., 0x7f] if P_LOW.contains(low) && middle.iter().all(|byte| *byte == 0xff) => true,
        y => ORDER_8.iter().any(|point| point == y),
    }
}

fn fingerprint(keys: &[PublicKey]) -> [u8; 32] {
    let mut each: Vec<_> = keys.iter().map(PublicKey::digest).collect();
    each.sort_unstable();
    sha256(each.as_flattened())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
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
