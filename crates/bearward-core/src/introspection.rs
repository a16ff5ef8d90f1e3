//! What an issuer answers about a referential token (RFC 7662, 2.2).

use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::json::parse_object;
use crate::{Reason, TokenRules, UnixTime, Verified};

/// Reads the body of a successful introspection answer from the issuer whose `rules` these are.
///
/// Only `active: true` is active. Issuers say `active: true` of refresh and ID tokens too, so a `token_type` must be
/// `Bearer` where it is given, and one of the configured audiences must always stand in `aud`. Members that are `null`
/// count as absent, as some issuers write them so.
///
/// # Errors
///
/// [`Reason::TokenInactive`] where the issuer says so, another reason of an invalid token where the answer does not fit
/// `rules`, and [`Reason::IntrospectionUnavailable`] where it is no introspection answer at all: that says nothing about
/// the token.
pub fn read_introspection(body: &[u8], rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
    read_members(parse_object(body).map_err(|_| Reason::IntrospectionUnavailable)?, rules, now)
}

/// Reads the members of an answer, plain or signed.
pub(crate) fn read_members(
    mut answer: Map<String, Value>,
    rules: &TokenRules,
    now: UnixTime,
) -> Result<Verified, Reason> {
    match answer.remove("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(Reason::TokenInactive),
        _ => return Err(Reason::IntrospectionUnavailable),
    }
    answer.retain(|_, value| !value.is_null());
    match answer.get("token_type") {
        // Nothing then tells an access token from a refresh token of the same client.
        None if !answer.contains_key("aud") => return Err(Reason::AudienceMismatch),
        None => {}
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("Bearer") => {}
        // A DPoP-bound token (RFC 9449, 6.2) that came as a bearer token.
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("DPoP") => return Err(Reason::ConfirmationMissing),
        Some(_) => return Err(Reason::TypeMismatch),
    }
    rules.check(Claims::read(answer, rules)?, now)
}
