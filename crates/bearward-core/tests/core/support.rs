//! What the tests of this crate share: keys that sign whatever they are told to, and a valid token to spoil.
//!
//! Nothing here goes through the code under test: tokens are put together and signed by hand, so that one that is wrong
//! in a single place can still carry a signature that holds.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

pub(crate) mod any;
pub(crate) mod encryptor;
pub(crate) mod junk;

use std::fmt::Debug;
use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::{
    Algorithm, KeySet, Presented, Reason, Requirement, Scheme, TokenRules, UnixTime, Verified, verify_jws,
};
use serde_json::{Value, json};

/// The issuer of every valid token here.
pub(crate) const ISSUER: &str = "https://auth.example.com";
/// The audience of every valid token here.
pub(crate) const AUDIENCE: &str = "https://api.example.com";
/// The time of every check here, unless a test says otherwise.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The leeway of [`rules`], in seconds.
pub(crate) const LEEWAY: u64 = 30;

/// A private key that is used with one algorithm.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
    key: Private,
}

enum Private {
    Rsa(&'static RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair, &'static EcdsaSigningAlgorithm),
    Ed(Ed25519KeyPair),
}

/// The one signer of an algorithm. The six RSA algorithms share a key, made once: making one is slow, and sharing it
/// lets a signature hold in every way but the algorithm's name.
pub(crate) fn signer(algorithm: Algorithm) -> &'static Signer {
    static SIGNERS: [OnceLock<Signer>; Algorithm::ALL.len()] = [const { OnceLock::new() }; Algorithm::ALL.len()];
    let index = Algorithm::ALL.iter().position(|candidate| *candidate == algorithm).unwrap();
    SIGNERS[index].get_or_init(|| Signer::new(algorithm, &format!("key-{}", algorithm.name())))
}

/// The one signer of each algorithm.
pub(crate) fn signers() -> impl Iterator<Item = &'static Signer> {
    Algorithm::ALL.into_iter().map(signer)
}

fn rsa_key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

impl Signer {
    /// A signer with a key of its own, except that RSA ones share theirs.
    pub(crate) fn new(algorithm: Algorithm, kid: &str) -> Self {
        let rsa = |encoding| Private::Rsa(rsa_key(), encoding);
        let ec =
            |fixed: &'static EcdsaSigningAlgorithm, asn1| Private::Ec(EcdsaKeyPair::generate(fixed).unwrap(), asn1);
        let key = match algorithm {
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
            Algorithm::Ps384 => rsa(&RSA_PSS_SHA384),
            Algorithm::Ps512 => rsa(&RSA_PSS_SHA512),
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P256_SHA256_ASN1_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING),
            Algorithm::Es512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING),
            Algorithm::EdDsa => Private::Ed(Ed25519KeyPair::generate().unwrap()),
        };
        Self { algorithm, kid: kid.to_owned(), key }
    }

    /// The public key as a JWK with `kid`, `alg` and `use`.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = json!({"kid": self.kid, "alg": self.algorithm.name(), "use": "sig"});
        let members = match &self.key {
            Private::Rsa(key, _) => {
                let (n, e) = modulus_and_exponent(key.public_key().as_ref());
                json!({"kty": "RSA", "n": b64(n), "e": b64(e)})
            }
            Private::Ec(key, _) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    Algorithm::Es256 => "P-256",
                    Algorithm::Es384 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
            }
            Private::Ed(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().as_ref())}),
        };
        merge(&mut jwk, members);
        jwk
    }

    /// The public key in DER: `SubjectPublicKeyInfo`, and what is inside (for RSA `RSAPublicKey`, otherwise the point).
    pub(crate) fn der(&self) -> [Vec<u8>; 2] {
        match &self.key {
            Private::Rsa(key, _) => {
                [key.public_key().as_der().unwrap().as_ref().to_vec(), key.public_key().as_ref().to_vec()]
            }
            Private::Ec(key, _) => {
                [key.public_key().as_der().unwrap().as_ref().to_vec(), key.public_key().as_ref().to_vec()]
            }
            Private::Ed(key) => {
                [key.public_key().as_der().unwrap().as_ref().to_vec(), key.public_key().as_ref().to_vec()]
            }
        }
    }

    /// The header of a valid token.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm.name(), "typ": "at+jwt", "kid": self.kid})
    }

    /// A valid token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(self.header().to_string(), claims.to_string())
    }

    /// A token of this header and payload, whatever they hold.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_segments(&b64(header), &b64(payload))
    }

    /// A token of these two segments as they are spelled.
    pub(crate) fn sign_segments(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature = b64(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The signature of the message, in the form that JWS wants.
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Private::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Private::Ec(key, _) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Private::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// The ECDSA signature in the form that X.509 wants and JWS forbids.
    pub(crate) fn der_signature(&self, message: &[u8]) -> Vec<u8> {
        let Private::Ec(key, asn1) = &self.key else { panic!("not an ECDSA key") };
        let pkcs8 = key.to_pkcs8v1().unwrap();
        let key = EcdsaKeyPair::from_pkcs8(asn1, pkcs8.as_ref()).unwrap();
        key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

/// The two INTEGERs of an `RSAPublicKey` (RFC 8017, A.1.1) without the sign byte.
fn modulus_and_exponent(der: &[u8]) -> (&[u8], &[u8]) {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, start) = match der[1] {
            short @ 0..=0x7f => (usize::from(short), 2),
            0x81 => (usize::from(der[2]), 3),
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            _ => panic!("a length that no key here has"),
        };
        der[start..].split_at(length)
    }
    fn unsigned(integer: &[u8]) -> &[u8] {
        integer.strip_prefix(&[0]).unwrap_or(integer)
    }
    let (sequence, _) = element(der);
    let (n, rest) = element(sequence);
    let (e, _) = element(rest);
    (unsigned(n), unsigned(e))
}

/// Every public key, each under its own `kid` and for one algorithm.
pub(crate) fn key_set() -> &'static KeySet {
    static SET: OnceLock<KeySet> = OnceLock::new();
    SET.get_or_init(|| parse_keys(signers().map(Signer::jwk)))
}

/// A key set of these keys.
pub(crate) fn parse_keys(keys: impl IntoIterator<Item = Value>) -> KeySet {
    let keys: Vec<Value> = keys.into_iter().collect();
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).expect("a JWK set")
}

/// The rules that a valid token keeps.
pub(crate) fn rules() -> TokenRules {
    altered(TokenRules::new(ISSUER, vec![AUDIENCE.to_owned()]), |rules| rules.leeway = LEEWAY)
}

/// Rules that differ in one or two points.
pub(crate) fn altered(mut rules: TokenRules, alter: impl FnOnce(&mut TokenRules)) -> TokenRules {
    alter(&mut rules);
    rules
}

/// The claims of a valid token, at the time `now`.
pub(crate) fn claims_at(now: u64) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "jti": "5f1c0a52",
        "iat": now - 60, "exp": now + 300, "scope": "orders:read orders:write"
    })
}

/// The claims of a valid token, at [`NOW`].
pub(crate) fn claims() -> Value {
    claims_at(NOW)
}

/// An object with these members set, or taken away where the new value is `None`.
pub(crate) fn with(mut object: Value, member: &str, value: Option<Value>) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
    object
}

/// An object with the members of another added.
pub(crate) fn merge(object: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("members come from an object") };
    object.as_object_mut().unwrap().extend(more);
}

/// The token under all keys, at [`NOW`].
pub(crate) fn verify(token: &str) -> Result<Verified, Reason> {
    verify_with(token, key_set())
}

/// The token under these keys, at [`NOW`].
pub(crate) fn verify_with(token: &str, keys: &KeySet) -> Result<Verified, Reason> {
    verify_jws(token, keys, &rules(), UnixTime(NOW)).and_then(admitted)
}

/// The verified token, if a decision admits a request that sends it as a bearer token, to a route that asks for nothing
/// more.
pub(crate) fn admitted(token: Verified) -> Result<Verified, Reason> {
    Requirement::default().admit(&Presented::new(&token, Scheme::Bearer, Ok(())), None).map(|()| token)
}

/// A table of cases. All of them run, and one failure tells all that failed.
pub(crate) struct Table {
    failed: Vec<String>,
    ran: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { failed: Vec::new(), ran: 0 }
    }

    /// One case: what came out, and what should have.
    pub(crate) fn case<T: Debug + PartialEq>(&mut self, name: impl AsRef<str>, found: T, expected: T) {
        self.ran += 1;
        if found != expected {
            self.failed.push(format!("{}: expected {expected:?}, found {found:?}", name.as_ref()));
        }
    }

    /// A token that must be refused for this reason, under all keys.
    pub(crate) fn refused(&mut self, name: impl AsRef<str>, token: &str, reason: Reason) {
        self.case(name, verify(token).map(drop), Err(reason));
    }

    /// A token that must be accepted, under all keys.
    pub(crate) fn accepted(&mut self, name: impl AsRef<str>, token: &str) {
        self.case(name, verify(token).map(drop), Ok(()));
    }

    pub(crate) fn finish(self) {
        assert!(self.ran > 0, "a table without a case");
        assert!(self.failed.is_empty(), "{} of {} cases:\n  {}", self.failed.len(), self.ran, self.failed.join("\n  "));
    }
}

/// Base64url as RFC 7515 wants it.
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
