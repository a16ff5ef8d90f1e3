//! Private keys that sign whatever they are told to, right or wrong.

use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::digest::{SHA512, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fmt::{self, Debug, Formatter};

use crate::claims::merge;

/// The algorithms of RFC 7518, 3.1, that sign with a private key, and EdDSA of RFC 8037, 3.1.
pub const ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/// A private key that is used with one algorithm, and its id.
///
/// The keys are no secrets, and the same in each run: those of ECDSA and EdDSA follow from what they are made with, and the
/// one RSA key, which would take long to make, stands beside this file.
pub struct Signer {
    /// The key's id, which headers and JWKs name.
    pub kid: String,
    alg: &'static str,
    key: Key,
}

enum Key {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec { pair: EcdsaKeyPair, asn1: &'static EcdsaSigningAlgorithm, crv: &'static str },
    Ed(Ed25519KeyPair),
}

impl Signer {
    /// A signer for one of the [`ALGORITHMS`]. Two calls on one thread never give the same key, but for the RSA algorithms, which
    /// all share theirs: so a signature can hold in every way but the algorithm's name.
    pub fn new(alg: &str, kid: &str) -> Self {
        // The harness names a test's thread after the test.
        thread_local!(static MADE: Cell<u64> = const { Cell::new(0) });
        let nth = MADE.replace(MADE.get() + 1);
        Self::from_seed(alg, kid, &format!("{} {nth}", std::thread::current().name().unwrap_or_default()))
    }

    /// A signer whose key follows from the algorithm and this text alone.
    pub fn from_seed(alg: &str, kid: &str, seed: &str) -> Self {
        let alg = ALGORITHMS.into_iter().find(|known| *known == alg).expect("an algorithm of `ALGORITHMS`");
        let seed = digest(&SHA512, format!("{alg} {seed}").as_bytes());
        let key = match alg {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "PS384" => rsa(&RSA_PSS_SHA384),
            "PS512" => rsa(&RSA_PSS_SHA512),
            "ES256" => ec("P-256", seed.as_ref()),
            "ES384" => ec("P-384", seed.as_ref()),
            "ES512" => ec("P-521", seed.as_ref()),
            _ => Key::Ed(Ed25519KeyPair::from_seed_unchecked(&seed.as_ref()[..32]).expect("any 32 bytes are a seed")),
        };
        Self { kid: kid.to_owned(), alg, key }
    }

    /// An ES256 signer, for tests that need any key.
    pub fn es256(kid: &str) -> Self {
        Self::new("ES256", kid)
    }

    /// The algorithm's name.
    pub fn alg(&self) -> &'static str {
        self.alg
    }

    /// The public key as a JWK with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> Value {
        let mut jwk = json!({"kid": self.kid, "alg": self.alg, "use": "sig"});
        let members = match &self.key {
            Key::Rsa(pair, _) => {
                let (n, e) = modulus_and_exponent(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)})
            }
            Key::Ec { pair, crv, .. } => {
                let point = &pair.public_key().as_ref()[1..]; // after 0x04: SEC 1, 2.3.3
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y)})
            }
            Key::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key())}),
        };
        merge(&mut jwk, members);
        jwk
    }

    /// The public key in DER: `SubjectPublicKeyInfo`, and what is inside (for RSA `RSAPublicKey`, otherwise the point).
    pub fn der(&self) -> [Vec<u8>; 2] {
        let (info, inside) = match &self.key {
            Key::Rsa(pair, _) => (pair.public_key().as_der(), pair.public_key().as_ref()),
            Key::Ec { pair, .. } => (pair.public_key().as_der(), pair.public_key().as_ref()),
            Key::Ed(pair) => (pair.public_key().as_der(), pair.public_key().as_ref()),
        };
        [info.expect("the key can be written down").as_ref().to_vec(), inside.to_vec()]
    }

    /// The private key, PKCS #8 in DER.
    pub fn pkcs8(&self) -> Vec<u8> {
        match &self.key {
            Key::Rsa(..) => RSA_2048.to_vec(),
            Key::Ec { pair, .. } => pair.to_pkcs8v1().expect("the key can be written down").as_ref().to_vec(),
            Key::Ed(pair) => pair.to_pkcs8v1().expect("the key can be written down").as_ref().to_vec(),
        }
    }

    /// The private key, PKCS #8 in PEM.
    pub fn pem(&self) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(self.pkcs8()))
    }

    /// The header of an access token (RFC 9068, 2.1).
    pub fn header(&self) -> Value {
        json!({"alg": self.alg, "typ": "at+jwt", "kid": self.kid})
    }

    /// An access token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.sign_json(&self.header(), claims)
    }

    /// A token of this header and payload in JSON, right or wrong.
    pub fn sign_json(&self, header: &Value, payload: &Value) -> String {
        self.sign(header.to_string(), payload.to_string())
    }

    /// A token of this header and payload, whatever they hold.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_segments(&base64url(header), &base64url(payload))
    }

    /// A token of these two segments as they are spelled.
    pub fn sign_segments(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature = base64url(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The signature of the message, in the form that JWS wants.
    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).expect("signing works");
                signature
            }
            Key::Ec { pair, .. } => pair.sign(&SystemRandom::new(), message).expect("signing works").as_ref().to_vec(),
            Key::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The ECDSA signature in the form that X.509 wants and JWS forbids.
    pub fn der_signature(&self, message: &[u8]) -> Vec<u8> {
        let Key::Ec { asn1, .. } = &self.key else { panic!("{} is not an ECDSA algorithm", self.alg) };
        let pair = EcdsaKeyPair::from_pkcs8(asn1, &self.pkcs8()).expect("the same key");
        pair.sign(&SystemRandom::new(), message).expect("signing works").as_ref().to_vec()
    }
}

impl Debug for Signer {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// Base64url as RFC 7515 wants it: without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

const RSA_2048: &[u8] = include_bytes!("rsa_2048.p8");

fn rsa(encoding: &'static dyn RsaEncoding) -> Key {
    Key::Rsa(RsaKeyPair::from_pkcs8(RSA_2048).expect("the file is a key"), encoding)
}

/// The key whose private number begins with zeros, as many as keep it below each curve's order, and goes on with the seed.
fn ec(crv: &'static str, seed: &[u8]) -> Key {
    let (curve, length, fixed, asn1) = match crv {
        "P-256" => (&agreement::ECDH_P256, 32, &ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P256_SHA256_ASN1_SIGNING),
        "P-384" => (&agreement::ECDH_P384, 48, &ECDSA_P384_SHA384_FIXED_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING),
        _ => (&agreement::ECDH_P521, 66, &ECDSA_P521_SHA512_FIXED_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING),
    };
    let mut number = vec![0; length];
    let random = seed.len().min(length - 2);
    number[length - random..].copy_from_slice(&seed[..random]);
    let private = PrivateKey::from_private_key(curve, &number).expect("the number is below the order");
    let public = private.compute_public_key().expect("a private key has a public one");
    let pair = EcdsaKeyPair::from_private_key_and_public_key(fixed, &number, public.as_ref());
    Key::Ec { pair: pair.expect("they belong together"), asn1, crv }
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn a_key_follows_from_its_seed_and_two_that_are_made_differ() {
        for alg in ALGORITHMS {
            let jwk = |signer: Signer| signer.jwk();
            assert_eq!(jwk(Signer::from_seed(alg, "one", "a")), jwk(Signer::from_seed(alg, "one", "a")));
            let shared = alg.starts_with("RS") || alg.starts_with("PS");
            assert_eq!(jwk(Signer::new(alg, "one")) == jwk(Signer::new(alg, "one")), shared, "{alg}");
        }
    }

    #[test]
    fn what_is_signed_verifies_with_the_published_point() {
        let signer = Signer::es256("one");
        let token = signer.token(&json!({"sub": "alice"}));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let [_, point] = signer.der();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature).unwrap();
    }
}
