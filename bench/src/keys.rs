//! The issuer's keys and certificate, made once and kept: tokens that were signed in advance stay good.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The algorithms that tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// The keys, and the folder with their public halves: `keys.json` with all, `RS256.pem` and `ES256.pem`, and `tls.pem` and
/// `tls.key` of the introspection endpoint.
pub(crate) struct Keys {
    pub(crate) folder: PathBuf,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    random: SystemRandom,
}

impl Keys {
    /// Reads the keys, or makes them.
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let kept = |name: &str, make: &dyn Fn() -> Result<Vec<u8>>| -> Result<Vec<u8>> {
            let path = folder.join(name);
            if !path.exists() {
                fs::write(&path, make()?)?;
            }
            Ok(fs::read(&path)?)
        };
        let rsa = kept("RS256.p8", &|| pkcs8(&RsaKeyPair::generate(KeySize::Rsa2048)?))?;
        let ec = kept("ES256.p8", &|| {
            Ok(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec())
        })?;
        let ed = kept("EdDSA.p8", &|| Ok(Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec()))?;
        let rejected = |error| anyhow!("a key in {} cannot be read: {error}", folder.display());
        let keys = Self {
            folder: folder.to_owned(),
            rsa: RsaKeyPair::from_pkcs8(&rsa).map_err(rejected)?,
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &ec).map_err(rejected)?,
            ed: Ed25519KeyPair::from_pkcs8(&ed).map_err(rejected)?,
            random: SystemRandom::new(),
        };
        fs::write(folder.join("RS256.pem"), pem(keys.rsa.public_key())?)?;
        fs::write(folder.join("ES256.pem"), pem(keys.ec.public_key())?)?;
        fs::write(folder.join("keys.json"), keys.published().to_string())?;
        if !folder.join("tls.pem").exists() {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
            fs::write(folder.join("tls.key"), made.signing_key.serialize_pem())?;
            fs::write(folder.join("tls.pem"), made.cert.pem())?;
        }
        Ok(keys)
    }

    /// Signs a header and claims.
    pub(crate) fn sign(&self, algorithm: Algorithm, claims: &Value) -> Result<String> {
        let header = json!({ "typ": "at+jwt", "alg": algorithm.name(), "kid": kid(algorithm) });
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut token = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let message = token.as_bytes();
        let signature = match algorithm {
            Algorithm::Rs256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)?;
                signature
            }
            Algorithm::Es256 => self.ec.sign(&self.random, message)?.as_ref().to_vec(),
            Algorithm::EdDsa => self.ed.sign(message).as_ref().to_vec(),
        };
        token.push('.');
        token.push_str(&encode(&signature));
        Ok(token)
    }

    /// The keys as a JWK set (RFC 7517).
    pub(crate) fn published(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let rsa = self.rsa.public_key();
        // An uncompressed point: 0x04, x, y.
        let point = self.ec.public_key().as_ref();
        json!({ "keys": [
            { "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid(Algorithm::Rs256),
              "n": encode(rsa.modulus().big_endian_without_leading_zero()),
              "e": encode(rsa.exponent().big_endian_without_leading_zero()) },
            { "kty": "EC", "use": "sig", "alg": "ES256", "kid": kid(Algorithm::Es256), "crv": "P-256",
              "x": encode(&point[1..33]), "y": encode(&point[33..]) },
            { "kty": "OKP", "use": "sig", "alg": "EdDSA", "kid": kid(Algorithm::EdDsa), "crv": "Ed25519",
              "x": encode(self.ed.public_key().as_ref()) },
        ] })
    }
}

fn kid(algorithm: Algorithm) -> String {
    format!("bench-{}", algorithm.name().to_lowercase())
}

fn pkcs8(key: &impl AsDer<Pkcs8V1Der<'static>>) -> Result<Vec<u8>> {
    Ok(key.as_der().context("a key cannot be written")?.as_ref().to_vec())
}

fn pem(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<String> {
    let der = key.as_der().context("a key cannot be written")?;
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
}
