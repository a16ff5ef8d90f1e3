//! `private_key_jwt`: a client proves who it is with a JWT that it signed itself (RFC 7523 2.2, 3).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{ClientKeys, authority::Authority, endpoints::error::OAuthError, endpoints::path, tokens::Audience};

/// The `client_assertion_type` value.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The algorithms that clients may sign with. The last two are one: RFC 9864 gave it the name of its curve.
pub(crate) const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
    ("Ed25519", Algorithm::EdDSA),
];
/// The longest that an assertion may still be good for, in seconds: as long its `jti` is remembered. Libraries give
/// theirs up to an hour; a minute more is for clocks that differ.
const MAX_LIFETIME: u64 = 3660;
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 255;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    nbf: Option<u64>,
    jti: String,
}

/// The client that an assertion names. It is not proved yet: it only says whose keys to look at.
pub(super) fn client_id(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Unverified {
        sub: String,
    }
    part::<Unverified>(assertion.split('.').nth(1)?).map(|claims| claims.sub)
}

/// Whether the client signed this for this issuer, just now and for one use.
pub(super) fn verify(
    authority: &Authority,
    keys: &ClientKeys,
    client_id: &str,
    assertion: &str,
) -> Result<bool, OAuthError> {
    let Some(claims) = claims(keys, assertion) else { return Ok(false) };
    let issuer = authority.issuer();
    let now = issuer.now();
    let for_us =
        claims.aud.contains(authority.url()) || claims.aud.contains(&format!("{}{}", authority.url(), path::TOKEN));
    let in_time = claims.nbf.is_none_or(|nbf| nbf <= now)
        && (now.saturating_add(1)..=now.saturating_add(MAX_LIFETIME)).contains(&claims.exp);
    let for_one_use = (1..=MAX_JTI).contains(&claims.jti.len());
    if claims.iss != client_id || claims.sub != client_id || !for_us || !in_time || !for_one_use {
        return Ok(false);
    }
    let used = format!("{client_id} {}", claims.jti);
    Ok(issuer.shared.assertions.insert_new(&used, (), claims.exp, now)?)
}

/// The claims, if one of the client's keys signed them.
fn claims(keys: &ClientKeys, assertion: &str) -> Option<Claims> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header = part::<Header>(header).filter(is_plain)?;
    let algorithm = ALGORITHMS.iter().find(|(name, _)| *name == header.alg)?.1;
    let key = keys.find(header.kid.as_deref())?;
    // A key that names its algorithm is for no other (RFC 7517 4.4).
    if key.common.key_algorithm.is_some_and(|named| Algorithm::try_from(named).ok() != Some(algorithm)) {
        return None;
    }
    let key = DecodingKey::from_jwk(key).ok()?;
    let good = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm).is_ok_and(|good| good);
    good.then(|| part(claims)).flatten()
}

/// Typed as an assertion or not at all, and without extensions that must be understood (RFC 7515 4.1.11).
fn is_plain(header: &Header) -> bool {
    let known = |typ: &str| ["JWT", "client-authentication+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
    header.typ.as_deref().is_none_or(known) && header.crit.is_none()
}

/// What a part of an assertion says.
fn part<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use crate::{Issuer, SigningAlgorithm};

    #[test]
    fn a_client_can_make_a_thousand_assertions_a_second_that_live_for_a_minute()
    -> Result<(), Box<dyn std::error::Error>> {
        let issuer = Issuer::builder().algorithms([SigningAlgorithm::EdDsa]).url("http://127.0.0.1:9000").build()?;
        for number in 0..180_000 {
            let now = number / 1000;
            let taken = issuer.shared.assertions.insert_new(&format!("gateway {number}"), (), now + 60, now);
            assert!(taken.is_ok_and(|new| new), "{number}");
        }
        Ok(())
    }
}
