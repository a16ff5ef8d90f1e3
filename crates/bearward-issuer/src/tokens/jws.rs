//! What the issuer signs: JWS compact serialisation (RFC 7515), typed by its header.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, Validation};
use serde::Serialize;

use super::Claims;
use crate::{
    CryptoError,
    keys::{KeyRing, SigningKey},
};

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// A self-contained access token.
    AccessToken,
    /// An ID token (OpenID Connect Core 2).
    IdToken,
    /// An answer of introspection (RFC 9701 5).
    Introspection,
}

impl Signed {
    /// The `typ` value, so that no token is taken for another (RFC 8725 3.11).
    fn typ(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IdToken => "JWT",
            Self::Introspection => "token-introspection+jwt",
        }
    }
}

pub(super) fn sign(kind: Signed, claims: &impl Serialize, key: &SigningKey) -> Result<String, CryptoError> {
    let mut header = Header::new(key.algorithm.jose());
    header.typ = Some(kind.typ().to_owned());
    header.kid = Some(key.kid.clone());
    Ok(jsonwebtoken::encode(&header, claims, &key.private)?)
}

/// The `alg: none` of RFC 7518 3.6, with an empty signature.
pub(super) fn unsigned(claims: &Claims) -> Result<String, CryptoError> {
    let header = serde_json::json!({ "typ": Signed::AccessToken.typ(), "alg": "none" }).to_string();
    let payload = serde_json::to_vec(claims)?;
    Ok(format!("{}.{}.", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload)))
}

/// The claims of an access token, if one of our published keys signed them. Says nothing of their time or meaning.
pub(super) fn verify(token: &str, keys: &KeyRing) -> Option<Claims> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key = keys.published(header.kid.as_deref()?)?;
    if header.typ.as_deref() != Some(Signed::AccessToken.typ()) {
        return None;
    }
    // The key decides on the algorithm, never the token: `Validation` refuses any other.
    let mut validation = Validation::new(key.algorithm.jose());
    // Time, issuer and audience are the caller's, for both formats alike.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Claims>(token, &key.public, &validation).ok().map(|data| data.claims)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use serde_json::{Value, json};

    use super::{super::tests::claims, *};
    use crate::SigningAlgorithm::{EdDsa, Es256, Ps256, Rs256};

    fn header(token: &str) -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn every_algorithm_signs_and_verifies() {
        let keys = KeyRing::generate(&[Rs256, Ps256, Es256, EdDsa]).unwrap();
        for algorithm in [Rs256, Ps256, Es256, EdDsa] {
            let key = keys.current(Some(algorithm)).unwrap();
            let (claims, token) = (claims(), sign(Signed::AccessToken, &claims(), &key).unwrap());
            assert_eq!(header(&token), json!({ "typ": "at+jwt", "alg": algorithm.name(), "kid": key.kid }));
            assert_eq!(verify(&token, &keys).unwrap().sub, claims.sub);
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let keys = KeyRing::generate(&[EdDsa]).unwrap();
        let token = sign(Signed::AccessToken, &claims(), &keys.current(None).unwrap()).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let payload = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let payload = BASE64_URL_SAFE_NO_PAD.encode(payload.replace("alice", "bobby"));
        assert!(verify(&format!("{}.{payload}.{}", parts[0], parts[2]), &keys).is_none());
        assert!(verify(&format!("{}.{}.", parts[0], parts[1]), &keys).is_none());
        assert!(verify(&format!("{token}A"), &keys).is_none());
    }

    #[test]
    fn a_header_of_another_kind_is_refused() {
        let keys = KeyRing::generate(&[EdDsa, Es256]).unwrap();
        let key = keys.current(Some(EdDsa)).unwrap();
        let signed = |typ: Option<&str>, kid: Option<&str>| {
            let mut header = Header::new(EdDsa.jose());
            header.typ = typ.map(str::to_owned);
            header.kid = kid.map(str::to_owned);
            jsonwebtoken::encode(&header, &claims(), &key.private).unwrap()
        };
        assert!(verify(&signed(Some("at+jwt"), Some(&key.kid)), &keys).is_some());
        for typ in [None, Some("JWT"), Some("dpop+jwt")] {
            assert!(verify(&signed(typ, Some(&key.kid)), &keys).is_none(), "{typ:?}");
        }
        let another = keys.current(Some(Es256)).unwrap();
        for kid in [None, Some("unknown"), Some(another.kid.as_str())] {
            assert!(verify(&signed(Some("at+jwt"), kid), &keys).is_none(), "{kid:?}");
        }
    }

    #[test]
    fn what_is_signed_as_another_kind_is_no_access_token() {
        let keys = KeyRing::generate(&[EdDsa]).unwrap();
        for kind in [Signed::IdToken, Signed::Introspection] {
            assert!(verify(&sign(kind, &claims(), &keys.current(None).unwrap()).unwrap(), &keys).is_none());
        }
    }

    #[test]
    fn an_unsigned_token_says_so_and_is_refused() {
        let keys = KeyRing::generate(&[EdDsa]).unwrap();
        let token = unsigned(&claims()).unwrap();
        assert_eq!(header(&token), json!({ "typ": "at+jwt", "alg": "none" }));
        assert!(token.ends_with('.') && token.split('.').count() == 3);
        assert!(verify(&token, &keys).is_none());
    }
}
