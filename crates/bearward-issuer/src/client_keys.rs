//! The public keys of a client that signs its own assertions.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use serde_json::Value;

use crate::client_auth::ALGORITHMS;

/// The public keys of a `private_key_jwt` client (RFC 7517).
#[derive(Clone)]
pub struct ClientKeys {
    keys: JwkSet,
}

/// Why a text is no key set of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientKeysError {
    /// Not the JSON of a key set.
    #[error("not a JWK set: {0}")]
    Json(serde_json::Error),
    /// There is no key in it that could have signed an assertion.
    #[error("the JWK set holds no key that verifies RS256, PS256, ES256, EdDSA or Ed25519")]
    NoKey,
    /// A private key has no place at the issuer.
    #[error("the JWK set holds a private key: give the issuer the public part alone")]
    Private,
    /// Neither RSA, nor EC, nor OKP: a shared secret cannot tell the client from the issuer.
    #[error("the JWK set holds a key that is no public key")]
    NotPublic,
}

impl ClientKeys {
    /// Reads a key set from its JSON.
    ///
    /// # Errors
    ///
    /// When it is no key set, holds what is no public key, or no key that verifies assertions. Others are ignored.
    pub fn from_json(json: &str) -> Result<Self, ClientKeysError> {
        let mut set: Value = serde_json::from_str(json).map_err(ClientKeysError::Json)?;
        for key in set.get_mut("keys").and_then(Value::as_array_mut).into_iter().flatten() {
            if key.get("d").is_some() {
                return Err(ClientKeysError::Private);
            }
            // By RFC 9864. Our library knows the older name alone.
            if let Some(name) = key.get_mut("alg").filter(|name| *name == "Ed25519") {
                *name = "EdDSA".into();
            }
        }
        let mut keys: JwkSet = serde_json::from_value(set).map_err(ClientKeysError::Json)?;
        if keys.keys.iter().any(|key| matches!(key.algorithm, AlgorithmParameters::OctetKey(_))) {
            return Err(ClientKeysError::NotPublic);
        }
        keys.keys.retain(verifies_assertions);
        if keys.keys.is_empty() {
            return Err(ClientKeysError::NoKey);
        }
        Ok(Self { keys })
    }

    /// The key of that `kid`; without one, the only key there is.
    pub(crate) fn find(&self, kid: Option<&str>) -> Option<&Jwk> {
        match (kid, self.keys.keys.as_slice()) {
            (Some(kid), _) => self.keys.find(kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// Whether an assertion by one of our algorithms can be verified with this key, and may be (RFC 7517 4.2, 4.4).
fn verifies_assertions(key: &Jwk) -> bool {
    let of_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => true,
        AlgorithmParameters::EllipticCurve(point) => point.curve == EllipticCurve::P256,
        AlgorithmParameters::OctetKeyPair(pair) => pair.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let known = |named| ALGORITHMS.iter().any(|(_, algorithm)| Algorithm::try_from(named).ok() == Some(*algorithm));
    of_kind
        && key.common.key_algorithm.is_none_or(known)
        && key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature)
        && DecodingKey::from_jwk(key).is_ok()
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys").field("keys", &self.keys.keys.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const PUBLIC: &str =
        r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_key_is_found_by_its_name_or_by_being_the_only_one() {
        let one = ClientKeys::from_json(&format!(r#"{{"keys":[{PUBLIC}]}}"#)).unwrap();
        assert!(one.find(Some("one")).is_some() && one.find(None).is_some() && one.find(Some("two")).is_none());
        let two = PUBLIC.replace("one", "two");
        let two = ClientKeys::from_json(&format!(r#"{{"keys":[{PUBLIC},{two}]}}"#)).unwrap();
        assert!(two.find(Some("two")).is_some() && two.find(None).is_none());
    }

    #[test]
    fn what_is_no_public_key_set_is_refused() {
        assert!(matches!(ClientKeys::from_json("{"), Err(ClientKeysError::Json(_))));
        assert!(matches!(ClientKeys::from_json("{}"), Err(ClientKeysError::Json(_))));
        assert!(matches!(ClientKeys::from_json(r#"{"keys":[]}"#), Err(ClientKeysError::NoKey)));
        let private = PUBLIC.replace(r#""kid""#, r#""d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","kid""#);
        let private = ClientKeys::from_json(&format!(r#"{{"keys":[{private}]}}"#));
        assert!(matches!(private, Err(ClientKeysError::Private)));
        let shared = ClientKeys::from_json(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#);
        assert!(matches!(shared, Err(ClientKeysError::NotPublic)));
    }

    #[test]
    fn what_cannot_have_signed_an_assertion_is_no_key_of_one() {
        let sign = PUBLIC.replace(r#""kid""#, r#""use":"sig","alg":"EdDSA","kid""#);
        for useless in [
            r#"{"kty":"EC","crv":"P-384","kid":"two","x":"AQ","y":"AQ"}"#,
            r#"{"kty":"OKP","crv":"X25519","kid":"two","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"RSA","use":"enc","kid":"two","n":"AQ","e":"AQAB"}"#,
            r#"{"kty":"RSA","alg":"RS512","kid":"two","n":"AQ","e":"AQAB"}"#,
            r#"{"kty":"RSA","kid":"two","n":"*","e":"AQAB"}"#,
            r#"{"kty":"AKP","kid":"two","pub":"AQ"}"#,
        ] {
            let alone = ClientKeys::from_json(&format!(r#"{{"keys":[{useless}]}}"#));
            assert!(matches!(alone, Err(ClientKeysError::NoKey)), "{useless}: {alone:?}");
            let with = ClientKeys::from_json(&format!(r#"{{"keys":[{useless},{sign}]}}"#)).unwrap();
            assert!(with.find(None).is_some() && with.find(Some("two")).is_none(), "{useless}");
        }
    }
}
