//! Tokens: making them in both formats, and saying what one means.

mod jwe;
mod jws;

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use jwe::Sealed;
pub(crate) use jws::Signed;

use crate::{
    CryptoError, MintError, SigningAlgorithm,
    keys::KeyRing,
    store::{Full, Store},
};

/// How many revoked tokens are remembered at most.
const MAX_REVOKED: usize = 100_000;

/// The claims of an access token, in both formats (RFC 9068 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Audience,
    pub(crate) client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    pub(crate) iat: u64,
    pub(crate) nbf: u64,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    /// When the person signed in, if there was one (RFC 9068 2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth_time: Option<u64>,
    /// What the request asked to have in the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_claims: Option<Map<String, Value>>,
}

impl Claims {
    pub(crate) fn has_scope(&self, name: &str) -> bool {
        self.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|held| held == name))
    }
}

/// One audience is a string and several are an array: both forms exist (RFC 7519 4.1.3), and a verifier under test
/// should meet both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn contains(&self, identifier: &str) -> bool {
        match self {
            Self::One(one) => one == identifier,
            Self::Several(several) => several.iter().any(|one| one == identifier),
        }
    }
}

/// All that it takes to make tokens and to answer for them. One set of keys serves every issuer URL of the tenant: what
/// tells their tokens apart is `iss`, and a verifier has to look at it.
pub(crate) struct Tokens {
    pub(crate) keys: KeyRing,
    /// By `jti`, each until the token would have expired anyway.
    revoked: Store<()>,
    sealing: jwe::SealingKey,
}

impl Tokens {
    pub(crate) fn generate(algorithms: &[SigningAlgorithm]) -> Result<Self, CryptoError> {
        Ok(Self {
            keys: KeyRing::generate(algorithms)?,
            revoked: Store::new(MAX_REVOKED),
            sealing: jwe::SealingKey::generate()?,
        })
    }

    /// Signs claims by the first algorithm.
    pub(crate) fn sign(&self, kind: Signed, claims: &impl Serialize) -> Result<String, CryptoError> {
        // There is always one: settings without an algorithm are refused.
        let key = self.keys.current(None).ok_or(CryptoError)?;
        jws::sign(kind, claims, &key)
    }

    /// Signs an access token by one of the algorithms.
    pub(crate) fn sign_by(&self, algorithm: SigningAlgorithm, claims: &Claims) -> Result<String, MintError> {
        let key = self.keys.current(Some(algorithm)).ok_or(MintError::Algorithm(algorithm))?;
        Ok(jws::sign(Signed::AccessToken, claims, &key)?)
    }

    /// Encrypts claims to the issuer itself.
    pub(crate) fn seal(&self, kind: Sealed, claims: &impl Serialize) -> Result<String, CryptoError> {
        self.sealing.seal(kind, &serde_json::to_vec(claims)?)
    }

    /// What was sealed as this kind.
    pub(crate) fn open<T: for<'a> Deserialize<'a>>(&self, kind: Sealed, token: &str) -> Option<T> {
        serde_json::from_slice(&self.sealing.open(kind, token)?).ok()
    }

    /// A self-contained token without signature: an attack to show, not a token to accept.
    pub(crate) fn unsigned(claims: &Claims) -> Result<String, CryptoError> {
        jws::unsigned(claims)
    }

    /// What an access token means, if this issuer URL issued it and it is in force.
    pub(crate) fn read(&self, token: &str, issuer: &str, now: u64) -> Option<Claims> {
        self.read_of_any_issuer(token, now).filter(|claims| claims.iss == issuer)
    }

    /// What an access token means, if any issuer URL of this tenant issued it and it is in force: authentic, within its
    /// time, and not revoked.
    pub(crate) fn read_of_any_issuer(&self, token: &str, now: u64) -> Option<Claims> {
        let in_force = |claims: &Claims| claims.nbf <= now && now < claims.exp && !self.is_revoked(&claims.jti, now);
        self.authentic(token).filter(in_force)
    }

    /// What an access token of this tenant says, in force or not.
    pub(crate) fn authentic(&self, token: &str) -> Option<Claims> {
        match token.split('.').count() {
            3 => jws::verify(token, &self.keys),
            5 => self.open(Sealed::AccessToken, token),
            _ => None,
        }
    }

    /// Ends a token before its time. Introspection knows at once.
    pub(crate) fn revoke(&self, jti: &str, exp: u64, now: u64) -> Result<(), Full> {
        self.revoked.insert(jti, (), exp, now)
    }

    pub(crate) fn is_revoked(&self, jti: &str, now: u64) -> bool {
        self.revoked.contains(jti, now)
    }
}

/// 128 random bits: no two tokens share a `jti`, and none can be guessed (RFC 7519 4.1.7).
pub(crate) fn random_id() -> Result<String, CryptoError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const ISSUER: &str = "http://127.0.0.1:9000";

    pub(super) fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: "alice".to_owned(),
            aud: Audience::One("https://api.example.com".to_owned()),
            client_id: "orders-app".to_owned(),
            scope: Some("orders:read".to_owned()),
            iat: 1000,
            nbf: 1000,
            exp: 2000,
            jti: random_id().unwrap(),
            auth_time: None,
            custom_claims: None,
        }
    }

    fn tokens() -> Tokens {
        Tokens::generate(&[SigningAlgorithm::EdDsa]).unwrap()
    }

    fn both(tokens: &Tokens, claims: &Claims) -> [String; 2] {
        [tokens.sign(Signed::AccessToken, claims).unwrap(), tokens.seal(Sealed::AccessToken, claims).unwrap()]
    }

    #[test]
    fn both_formats_mean_what_was_put_in() {
        let (tokens, claims) = (tokens(), claims());
        for token in both(&tokens, &claims) {
            assert_eq!(tokens.read(&token, ISSUER, 1500), Some(claims.clone()));
        }
    }

    #[test]
    fn a_token_is_in_force_from_nbf_until_just_before_exp() {
        let (tokens, claims) = (tokens(), claims());
        for token in both(&tokens, &claims) {
            for (now, active) in [(999, false), (1000, true), (1999, true), (2000, false), (u64::MAX, false)] {
                assert_eq!(tokens.read(&token, ISSUER, now).is_some(), active, "{now}");
            }
        }
    }

    #[test]
    fn a_revoked_token_and_a_foreign_one_mean_nothing() {
        let (tokens, claims, other) = (tokens(), claims(), tokens());
        for token in both(&other, &claims) {
            assert_eq!(tokens.read(&token, ISSUER, 1500), None);
        }
        for token in both(&tokens, &claims) {
            assert_eq!(tokens.read(&token, "http://127.0.0.1:9001", 1500), None);
        }
        tokens.revoke(&claims.jti, claims.exp, 1500).unwrap();
        for token in both(&tokens, &claims) {
            assert_eq!(tokens.read(&token, ISSUER, 1500), None);
        }
    }

    #[test]
    fn what_is_no_token_means_nothing() {
        let tokens = tokens();
        for token in ["", ".", "..", "....", "a.b.c", "a.b.c.d", "a.b.c.d.e", "opaque", "\u{e9}.\u{e9}.\u{e9}"] {
            assert_eq!(tokens.read(token, ISSUER, 1500), None, "{token:?}");
        }
        assert_eq!(tokens.read(&Tokens::unsigned(&claims()).unwrap(), ISSUER, 1500), None);
    }

    #[test]
    fn one_audience_is_a_string_and_several_are_an_array() {
        let shown = |audience: &Audience| serde_json::to_string(audience).unwrap();
        assert_eq!(shown(&Audience::One("a".to_owned())), r#""a""#);
        assert_eq!(shown(&Audience::Several(vec!["a".to_owned(), "b".to_owned()])), r#"["a","b"]"#);
    }

    #[test]
    fn identifiers_do_not_repeat() {
        assert_ne!(random_id().unwrap(), random_id().unwrap());
        assert_eq!(random_id().unwrap().len(), 22);
    }
}
