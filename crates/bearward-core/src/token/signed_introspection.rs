//! Introspection answers that the issuer signs (RFC 9701).

use serde_json::{Map, Value};

use crate::token::claims::Claims;
use crate::token::document::Document;
use crate::token::json::parse_object;
use crate::token::jws::CompactJws;
use crate::{IntrospectionAnswer, KeySet, Reason, TokenRules, UnixTime};

/// How old a signed answer may be, in seconds. It was requested a moment ago; an older one was recorded and replayed.
const MAX_AGE: u64 = 300;

impl IntrospectionAnswer {
    /// Reads a signed answer: a JWT of the issuer whose `keys` and `rules` these are, made for the client `client_id`, with
    /// the answer in its one claim `token_introspection` (RFC 9701, 5). Nothing else in the JWT describes the token.
    ///
    /// Such a JWT is no access token, and its `typ` keeps it from being taken for one.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenInactive`] where the issuer says so. What is wrong with the JWT says nothing about the token: it is
    /// [`Reason::KeyUnknown`] where fetching the key set again may help, and [`Reason::IntrospectionUnavailable`] otherwise.
    pub fn parse_signed(
        answer: &str,
        keys: &KeySet,
        rules: &TokenRules,
        client_id: &str,
        now: UnixTime,
    ) -> Result<Self, Reason> {
        let members = open(answer, keys, rules, client_id, now).map_err(|reason| match reason {
            Reason::KeyUnknown => Reason::KeyUnknown,
            _ => Reason::IntrospectionUnavailable,
        })?;
        Self::from_members(members)
    }
}

/// Proves the JWT, and takes out what it was made for.
fn open(
    answer: &str,
    keys: &KeySet,
    rules: &TokenRules,
    client_id: &str,
    now: UnixTime,
) -> Result<Map<String, Value>, Reason> {
    let mut jws = CompactJws::parse(answer)?;
    let header = jws.header()?;
    let algorithm = header.algorithm(&rules.algorithms)?;
    // The type is all that tells this JWT from an access token of the same issuer (RFC 8725, 3.11).
    if header.typ() != Some("token-introspection+jwt") {
        return Err(Reason::TypeMismatch);
    }
    keys.fitting(algorithm, header.key_id())?.verify(jws.signing_input, &jws.signature)?;

    let mut payload = parse_object(&jws.payload()?).map_err(|_| Reason::ClaimsMalformed)?;
    let answer = payload.remove("token_introspection");
    let claims = Claims::read(Document::of(&payload).map_err(|_| Reason::ClaimsMalformed)?, rules)?;
    if claims.issuer.is_none() {
        return Err(Reason::IssuerMismatch);
    }
    rules.issuer.check(&claims)?;
    // Issuers may tell different clients different things of one token (RFC 7662, 2.2).
    if !claims.audiences().any(|audience| audience == client_id) {
        return Err(Reason::AudienceMismatch);
    }
    // RFC 9701 wants no `exp` here; one that is given all the same is kept.
    claims.check_time(now, rules.leeway)?;
    let issued_at = claims.issued_at.ok_or(Reason::ClaimMissing)?;
    if now.seconds_since(issued_at) > MAX_AGE {
        return Err(Reason::TokenExpired);
    }
    match answer {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(Reason::ClaimMissing),
    }
}
