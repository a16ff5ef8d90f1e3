//! Private and secret JWKs (RFC 7517; RFC 7518, 6; RFC 8037, 2), as the operator's file holds them.

use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::KeyTries;
use super::agreement::Curve;
use super::algorithm::{Encryption, KeyManagement};
use super::error::DecryptionKeysError;
use super::key::{DecryptionKey, Secret};
use super::pkcs8::rsa_private_key;
use crate::token::json::parse_object;
use crate::token::jws::MAX_KID;
use crate::token::keys::check_rsa;

/// More are no keys of one gateway.
const MAX_KEYS: usize = 16;

/// Reads a JWK set or a single JWK.
pub(super) fn parse(json: &[u8]) -> Result<Vec<DecryptionKey>, DecryptionKeysError> {
    let mut document = Jwk(parse_object(json).map_err(|_| DecryptionKeysError::NotAKeySet)?);
    let jwks = match (document.0.contains_key("kty"), document.0.get_mut("keys")) {
        (true, None) => vec![document],
        (false, Some(Value::Array(elements))) => {
            let jwks = elements.iter_mut().map(|element| match element.take() {
                Value::Object(members) => Ok(Jwk(members)),
                _ => Err(DecryptionKeysError::NotAKeySet),
            });
            jwks.collect::<Result<_, _>>()?
        }
        _ => return Err(DecryptionKeysError::NotAKeySet),
    };
    if jwks.is_empty() {
        return Err(DecryptionKeysError::NoKeys);
    }
    if jwks.len() > MAX_KEYS {
        return Err(DecryptionKeysError::TooManyKeys);
    }
    let mut keys: Vec<DecryptionKey> = Vec::with_capacity(jwks.len());
    for (at, jwk) in jwks.iter().enumerate() {
        let name = |Fault(member, why)| DecryptionKeysError::Key { key: jwk.name(at), member, why };
        let key = jwk.read().map_err(name)?;
        if keys.iter().any(|other| key.is_mistakable_for(other)) {
            return Err(name(Fault("kid", "another key for the same algorithm has it too")));
        }
        keys.push(key);
    }
    for (jwk, (at, key)) in jwks.iter().zip(keys.iter().enumerate()) {
        let alike = keys.iter().filter(|other| key.opens_the_same(other)).count();
        if key.key_id.is_none() && alike > KeyTries::MOST {
            let why = "missing, and more than 4 keys open the same: a token must name the one that it is for";
            return Err(DecryptionKeysError::Key { key: jwk.name(at), member: "kid", why });
        }
    }
    Ok(keys)
}

/// The member at fault, and what is wrong with it.
struct Fault(&'static str, &'static str);

/// The members of one key. Their text is wiped when it is no longer needed.
struct Jwk(Map<String, Value>);

impl Jwk {
    /// The `kid`, or the place in the set, counted as people count.
    fn name(&self, at: usize) -> String {
        match self.key_id() {
            Ok(Some(kid)) => format!("key {kid:?}"),
            _ => format!("key {}", at + 1),
        }
    }

    fn read(&self) -> Result<DecryptionKey, Fault> {
        let key_id = self.key_id()?.map(str::to_owned);
        if self.optional("use")?.is_some_and(|r#use| r#use != "enc") {
            return Err(Fault("use", "must be `enc`, if it is there"));
        }
        let alg = self.optional("alg")?;
        let (secret, operations): (_, &[&str]) = match self.required("kty")? {
            "RSA" => (self.rsa(alg)?, &["decrypt", "unwrapKey"]),
            kty @ ("EC" | "OKP") => (self.agreement(kty, alg)?, &["deriveKey", "deriveBits"]),
            "oct" => (self.symmetric(alg)?, &["decrypt", "unwrapKey"]),
            _ => return Err(Fault("kty", "must be `RSA`, `EC`, `OKP` or `oct`")),
        };
        self.check_operations(operations)?;
        Ok(DecryptionKey { key_id, secret })
    }

    fn rsa(&self, alg: Option<&str>) -> Result<Secret, Fault> {
        if alg.is_some_and(|alg| alg != "RSA-OAEP-256") {
            return Err(Fault("alg", "must be `RSA-OAEP-256` for an RSA key, if it is there"));
        }
        if self.0.contains_key("oth") {
            return Err(Fault("oth", "keys of more than two primes are not supported"));
        }
        let [n, e] = [self.public("n")?, self.public("e")?];
        let [d, p, q] = [self.private("d")?, self.private("p")?, self.private("q")?];
        let [dp, dq, qi] = [self.private("dp")?, self.private("dq")?, self.private("qi")?];
        check_rsa(&n, &e).map_err(|why| Fault("n", why))?;
        // This checks that the numbers belong to each other.
        let key = PrivateDecryptingKey::from_pkcs8(&rsa_private_key(&[n, e, d, p, q, dp, dq, qi]))
            .map_err(|_| Fault("d", "`n e d p q dp dq qi` are not those of one RSA private key"))?;
        OaepPrivateDecryptingKey::new(key)
            .map(Secret::RsaOaep256)
            .map_err(|_| Fault("d", "not a usable RSA private key"))
    }

    fn agreement(&self, kty: &str, alg: Option<&str>) -> Result<Secret, Fault> {
        let only = match alg.map(KeyManagement::parse) {
            None => None,
            Some(Ok(management @ KeyManagement::EcdhEs(_))) => Some(management),
            Some(_) => {
                return Err(Fault("alg", "must be `ECDH-ES`, `ECDH-ES+A128KW` or `ECDH-ES+A256KW`, if it is there"));
            }
        };
        let curve = Curve::parse(kty, self.required("crv")?)
            .ok_or(Fault("crv", "must be `P-256`, `P-384` or `P-521` (EC), or `X25519` (OKP)"))?;
        let x = self.public("x")?;
        let y = if curve.has_y() { Some(self.public("y")?) } else { None };
        let d = self.private("d")?;
        if d.len() != curve.length() {
            return Err(Fault("d", "not as long as the keys of its curve are"));
        }
        let public = curve
            .point(&x, y.as_deref().map(Vec::as_slice))
            .ok_or(Fault("x", "a coordinate is not as long as those of its curve are"))?;
        let key = PrivateKey::from_private_key(curve.algorithm(), &d)
            .map_err(|_| Fault("d", "not a private key of its curve"))?;
        // Senders encrypt to what is published as `x` and `y`: if that is another key, no token will ever decrypt.
        if key.compute_public_key().map_or(true, |computed| computed.as_ref() != public) {
            return Err(Fault("d", "not the private key of the public key in `x` (and `y`)"));
        }
        Ok(Secret::EcdhEs { curve, key, only })
    }

    fn symmetric(&self, alg: Option<&str>) -> Result<Secret, Fault> {
        const ALG: Fault = Fault(
            "alg",
            "must say what a symmetric key is for: `A128KW`, `A256KW`, `dir`, or a content encryption to be used with `dir` \
             (`A128GCM`, `A256GCM`, `A128CBC-HS256`, `A256CBC-HS512`)",
        );
        let alg = alg.ok_or(ALG)?;
        let key = self.private("k")?;
        let wrong_length = Fault("k", "not exactly as long as `alg` asks for");
        match (KeyManagement::parse(alg), Encryption::parse(alg)) {
            (Ok(KeyManagement::KeyWrap(wrap)), _) if wrap.key_length() == key.len() => Ok(Secret::KeyWrap(wrap, key)),
            (Ok(KeyManagement::KeyWrap(_)), _) => Err(wrong_length),
            (Ok(KeyManagement::Direct), _) => {
                let fits = |encryption: &Encryption| encryption.key_length() == key.len();
                let encryptions: Vec<_> = Encryption::ALL.into_iter().filter(fits).collect();
                if encryptions.is_empty() {
                    return Err(Fault("k", "must have 16, 32 or 64 bytes for `dir`"));
                }
                Ok(Secret::Direct(encryptions, key))
            }
            (_, Ok(encryption)) if encryption.key_length() == key.len() => Ok(Secret::Direct(vec![encryption], key)),
            (_, Ok(_)) => Err(wrong_length),
            _ => Err(ALG),
        }
    }

    /// RFC 7517, 4.3: what a key may be used for, one of which must be what it is used for here.
    fn check_operations(&self, fitting: &[&str]) -> Result<(), Fault> {
        match self.0.get("key_ops") {
            None => Ok(()),
            Some(Value::Array(named)) if named.iter().filter_map(Value::as_str).any(|name| fitting.contains(&name)) => {
                Ok(())
            }
            Some(_) => Err(Fault(
                "key_ops",
                "must name `decrypt` or `unwrapKey`, or `deriveKey` or `deriveBits` for a curve, if it is there",
            )),
        }
    }

    fn key_id(&self) -> Result<Option<&str>, Fault> {
        match self.optional("kid")? {
            Some(kid) if kid.is_empty() || kid.len() > MAX_KID => {
                Err(Fault("kid", "must have 1 to 512 bytes, if it is there"))
            }
            kid => Ok(kid),
        }
    }

    fn public(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.bytes(member, "missing")
    }

    fn private(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.bytes(member, "missing; decryption takes the private key, with all its members")
    }

    fn bytes(&self, member: &'static str, missing: &'static str) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let text = self.optional(member)?.ok_or(Fault(member, missing))?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
        bytes.map_err(|_| Fault(member, "not base64url without padding"))
    }

    fn required(&self, member: &'static str) -> Result<&str, Fault> {
        self.optional(member)?.ok_or(Fault(member, "missing"))
    }

    fn optional(&self, member: &'static str) -> Result<Option<&str>, Fault> {
        match self.0.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault(member, "not a string")),
        }
    }
}

impl Drop for Jwk {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}
