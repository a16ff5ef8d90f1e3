//! A private key that signs assertions: from PKCS #8 in PEM (RFC 7468, 10) or from a JWK (RFC 7517).

use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::Algorithm;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::ClientAuthError;

/// A private key, and the one algorithm that it signs with.
pub(super) struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    key_id: Option<String>,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

impl SigningKey {
    /// Reads a key. `algorithm` chooses among those that the key can sign with; without it a JWK's `alg` does, and an RSA
    /// key signs with RS256, which every issuer knows.
    pub(super) fn parse(text: &str, algorithm: Option<Algorithm>) -> Result<Self, ClientAuthError> {
        if text.trim_start().starts_with('{') { from_jwk(text, algorithm) } else { from_pem(text, algorithm) }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `kid` of a JWK.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Signs in the form of RFC 7518, 3.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match &self.pair {
            Pair::Ec(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Pair::Ed(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    fn new(pair: Pair, fitting: Algorithm, wanted: Option<Algorithm>) -> Result<Self, ClientAuthError> {
        let (pair, algorithm) = match (pair, wanted) {
            (Pair::Rsa(pair, _), Some(Algorithm::Ps256)) => (Pair::Rsa(pair, &RSA_PSS_SHA256), Algorithm::Ps256),
            (pair, None) => (pair, fitting),
            (pair, Some(wanted)) if wanted == fitting => (pair, fitting),
            (_, Some(wanted)) => return Err(ClientAuthError::WrongAlgorithm(wanted)),
        };
        Ok(Self { pair, algorithm, key_id: None })
    }

    fn ec(
        make: impl Fn(&'static EcdsaSigningAlgorithm) -> Result<EcdsaKeyPair, KeyRejected>,
        curve: Algorithm,
        wanted: Option<Algorithm>,
    ) -> Result<Self, ClientAuthError> {
        let signing =
            if curve == Algorithm::Es256 { &ECDSA_P256_SHA256_FIXED_SIGNING } else { &ECDSA_P384_SHA384_FIXED_SIGNING };
        let pair = make(signing).map_err(|_| ClientAuthError::UnsupportedKey)?;
        Self::new(Pair::Ec(pair), curve, wanted)
    }

    fn ed(pair: Result<Ed25519KeyPair, KeyRejected>, wanted: Option<Algorithm>) -> Result<Self, ClientAuthError> {
        Self::new(Pair::Ed(pair.map_err(|_| ClientAuthError::UnsupportedKey)?), Algorithm::EdDsa, wanted)
    }

    fn rsa(pair: Result<RsaKeyPair, KeyRejected>, wanted: Option<Algorithm>) -> Result<Self, ClientAuthError> {
        let pair = pair.map_err(|_| ClientAuthError::UnsupportedKey)?;
        Self::new(Pair::Rsa(Box::new(pair), &RSA_PKCS1_SHA256), Algorithm::Rs256, wanted)
    }
}

fn from_pem(text: &str, wanted: Option<Algorithm>) -> Result<SigningKey, ClientAuthError> {
    let Ok(der) = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()) else {
        return Err(match text {
            text if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") => ClientAuthError::Encrypted,
            text if text.contains("\nProc-Type: 4,ENCRYPTED") => ClientAuthError::Encrypted,
            text if text.contains("-----BEGIN EC PRIVATE KEY-----") => ClientAuthError::NotPkcs8,
            text if text.contains("-----BEGIN RSA PRIVATE KEY-----") => ClientAuthError::NotPkcs8,
            _ => ClientAuthError::NoKey,
        });
    };
    let der = der.secret_pkcs8_der();
    // PKCS #8 names its algorithm, and each of these readers accepts its own only. The matching one reports a wanted algorithm
    // that the key does not sign with.
    let ec = |curve| SigningKey::ec(|signing| EcdsaKeyPair::from_pkcs8(signing, der), curve, wanted);
    let readers: [&dyn Fn() -> Result<SigningKey, ClientAuthError>; 4] = [
        &|| ec(Algorithm::Es256),
        &|| ec(Algorithm::Es384),
        &|| SigningKey::ed(Ed25519KeyPair::from_pkcs8(der), wanted),
        &|| SigningKey::rsa(RsaKeyPair::from_pkcs8(der), wanted),
    ];
    let mut read = readers.iter().map(|reader| reader());
    read.find(|read| !matches!(read, Err(ClientAuthError::UnsupportedKey)))
        .unwrap_or(Err(ClientAuthError::UnsupportedKey))
}

/// A private JWK (RFC 7518, 6.2.2 and 6.3.2; RFC 8037, 2). A repeated member is an error.
#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    d: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

fn from_jwk(text: &str, wanted: Option<Algorithm>) -> Result<SigningKey, ClientAuthError> {
    let jwk: PrivateJwk = serde_json::from_str(text).map_err(|_| ClientAuthError::NotAJwk)?;
    if jwk.r#use.as_deref().is_some_and(|r#use| r#use != "sig") {
        return Err(ClientAuthError::NotAJwk);
    }
    let wanted = match (wanted, &jwk.alg) {
        (Some(wanted), _) => Some(wanted),
        (None, Some(name)) => Some(name.parse().map_err(|_| ClientAuthError::UnsupportedKey)?),
        (None, None) => None,
    };
    let ec = |curve, length: usize| {
        let (d, mut point) = (member(jwk.d.as_ref())?, vec![4]);
        for coordinate in [member(jwk.x.as_ref())?, member(jwk.y.as_ref())?] {
            if coordinate.len() != length {
                return Err(ClientAuthError::NotAJwk);
            }
            point.extend(coordinate);
        }
        SigningKey::ec(|signing| EcdsaKeyPair::from_private_key_and_public_key(signing, &d, &point), curve, wanted)
    };
    let mut key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("EC", Some("P-256")) => ec(Algorithm::Es256, 32)?,
        ("EC", Some("P-384")) => ec(Algorithm::Es384, 48)?,
        ("OKP", Some("Ed25519")) => {
            let (d, x) = (member(jwk.d.as_ref())?, member(jwk.x.as_ref())?);
            SigningKey::ed(Ed25519KeyPair::from_seed_and_public_key(&d, &x), wanted)?
        }
        ("RSA", _) => SigningKey::rsa(RsaKeyPair::from_components(&rsa_components(&jwk)?), wanted)?,
        _ => return Err(ClientAuthError::UnsupportedKey),
    };
    key.key_id = jwk.kid;
    Ok(key)
}

fn rsa_components(jwk: &PrivateJwk) -> Result<KeyPairComponents<Vec<u8>>, ClientAuthError> {
    Ok(KeyPairComponents {
        public_key: PublicKeyComponents { n: member(jwk.n.as_ref())?, e: member(jwk.e.as_ref())? },
        d: member(jwk.d.as_ref())?,
        p: member(jwk.p.as_ref())?,
        q: member(jwk.q.as_ref())?,
        dP: member(jwk.dp.as_ref())?,
        dQ: member(jwk.dq.as_ref())?,
        qInv: member(jwk.qi.as_ref())?,
    })
}

fn member(value: Option<&String>) -> Result<Vec<u8>, ClientAuthError> {
    value.and_then(|value| URL_SAFE_NO_PAD.decode(value).ok()).ok_or(ClientAuthError::NotAJwk)
}
