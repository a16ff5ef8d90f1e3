//! Private keys in every form that is read, and the public ones by which an issuer verifies; and forms taken apart.

use std::collections::HashMap;

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, Curve25519SeedBin, EcPrivateKeyBin};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

/// A private key, and the key that verifies what it signs.
pub(super) struct TestKey {
    /// PKCS #8 in PEM.
    pub(super) pem: String,
    /// A private JWK with `kid: "jwk-1"` and no `alg`.
    pub(super) jwk: Value,
    pub(super) public: DecodingKey,
}

impl TestKey {
    pub(super) fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
    }

    pub(super) fn p384() -> Self {
        Self::ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
    }

    pub(super) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let seed: Curve25519SeedBin<'_> = pair.seed().unwrap().as_be_bytes().unwrap();
        let (d, x) = (b64(&*seed), b64(pair.public_key()));
        Self::new(pair.to_pkcs8v1().unwrap(), json!({"kty": "OKP", "crv": "Ed25519", "d": d, "x": x}))
    }

    /// The one RSA key: making one takes its time.
    pub(super) fn rsa() -> Self {
        static KEY: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let der =
            KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec());
        // PrivateKeyInfo (RFC 5208, 5): version, algorithm, and RSAPrivateKey (RFC 8017, A.1.2) in an octet string.
        let inner = elements(elements(elements(der)[0])[2]);
        let numbers: Vec<_> = elements(inner[0]).into_iter().skip(1).map(unsigned).map(b64).collect();
        let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
        let mut jwk: Value =
            names.into_iter().zip(numbers).map(|(name, number)| (name.to_owned(), json!(number))).collect();
        jwk["kty"] = json!("RSA");
        Self::new(der, jwk)
    }

    fn ec(algorithm: &'static EcdsaSigningAlgorithm, curve: &str) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
        let jwk = json!({"kty": "EC", "crv": curve, "d": b64(&*d), "x": b64(x), "y": b64(y)});
        Self::new(pair.to_pkcs8v1().unwrap(), jwk)
    }

    fn new(pkcs8: impl AsRef<[u8]>, mut jwk: Value) -> Self {
        jwk["kid"] = json!("jwk-1");
        let public = serde_json::from_value::<Jwk>(jwk.clone()).unwrap();
        let public = DecodingKey::from_jwk(&public).unwrap();
        Self { pem: pem("PRIVATE KEY", &BASE64_STANDARD.encode(pkcs8)), jwk, public }
    }
}

/// PEM around base64.
pub(super) fn pem(label: &str, base64: &str) -> String {
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// What an assertion says, header and claims, once its signature was verified by another library than the one that
/// made it. Times are left to the caller, whose clock is not the machine's.
pub(super) fn verified(assertion: &str, algorithm: Algorithm, key: &DecodingKey) -> (Value, Value) {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Value>(assertion, key, &validation).unwrap();
    let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
    (serde_json::from_slice(&header).unwrap(), token.claims)
}

/// The fields of a form. None comes twice.
pub(super) fn fields(body: &str) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    for pair in body.split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        assert!(fields.insert(decoded(name), decoded(value)).is_none(), "{name} twice");
    }
    fields
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The contents of the DER elements that follow one another here.
fn elements(mut der: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while !der.is_empty() {
        let (length, start) = match der[1] {
            short @ 0..=0x7f => (usize::from(short), 2),
            0x81 => (usize::from(der[2]), 3),
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
            _ => panic!("a length that no key here has"),
        };
        let (element, rest) = der[start..].split_at(length);
        elements.push(element);
        der = rest;
    }
    elements
}

fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
