//! Tokens for tests, signed with aws-lc-rs alone: nothing of the gateway helps to make what it has to judge.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// An ES256 key with an id.
pub struct SigningKey {
    kid: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// Makes a new one.
    pub fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("P-256 is there");
        Self { kid: kid.to_owned(), pair }
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref(); // 0x04, x, y: SEC 1, 2.3.3
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    /// The private key, PKCS #8 in PEM.
    pub fn pem(&self) -> String {
        let der = self.pair.to_pkcs8v1().expect("the key can be written down");
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()))
    }

    /// Signs `claims` with the header of an access token (RFC 9068).
    pub fn access_token(&self, claims: &Value) -> String {
        self.sign(&json!({ "typ": "at+jwt", "alg": "ES256", "kid": self.kid }), claims)
    }

    /// Signs any header and payload, right or wrong.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).expect("signing works");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a good access token for the route of `minimal_config`; change what the test is about.
    pub fn claims(issuer: &str) -> Value {
        json!({
            "iss": issuer, "aud": "https://api.example.com", "sub": "alice", "client_id": "web",
            "scope": "orders:read", "iat": now(), "exp": now() + 300, "jti": now().to_string(),
        })
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs()
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}
