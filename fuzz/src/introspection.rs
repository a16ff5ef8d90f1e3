//! What an issuer answers about a referential token, plain and signed.

use bearward_core::{Cause, IntrospectionAnswer, Reason, verify_jws};
use serde_json::{Map, Value};

use crate::fixture::{ISSUER, KEY_SET, NOW, RULES, base64url, signature};
use crate::properties;

/// The input is the body of an answer.
///
/// Only `active: true` is active. What is no answer says nothing about the token, and what is accepted is a bearer
/// token of our issuer, for us and for now.
pub fn introspection(data: &[u8]) -> bool {
    let elsewhere: Option<Map<String, Value>> = serde_json::from_slice(data).ok();
    let mut accepted = true;
    for rules in &*RULES {
        let verified = match IntrospectionAnswer::parse(data).and_then(|answer| answer.prove(rules, NOW)) {
            Ok(verified) => verified,
            Err(reason) => {
                accepted = false;
                assert!(matches!(reason.cause(), Cause::InvalidToken | Cause::Unavailable), "{reason:?}");
                let active = elsewhere.as_ref().and_then(|answer| answer.get("active"));
                match active {
                    Some(Value::Bool(true)) => assert_ne!(reason, Reason::TokenInactive),
                    // A member that comes twice is no answer either.
                    Some(Value::Bool(false)) => {
                        assert!(matches!(reason, Reason::TokenInactive | Reason::IntrospectionUnavailable));
                    }
                    _ => assert_eq!(reason, Reason::IntrospectionUnavailable),
                }
                continue;
            }
        };
        let mut answer = properties::read_elsewhere(data);
        assert_eq!(answer.remove("active"), Some(Value::Bool(true)));
        answer.retain(|_, value| !value.is_null());
        is_access_token(&answer);
        properties::hold_of(&verified, rules, &answer);
    }
    accepted
}

/// The input is the JSON of a JWT's header on the first line, and that of its payload on those below. Without a header
/// it is the one of a signed answer (RFC 9701). Both are signed.
///
/// What is accepted is such an answer, made by our issuer for us, and is no access token itself.
pub fn signed_introspection(data: &[u8]) -> bool {
    let (header, payload) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let payload = payload.strip_prefix(b"\n").unwrap_or(payload);
    let header = if header.is_empty() { ANSWER_HEADER } else { header };
    let signing_input = format!("{}.{}", base64url(header), base64url(payload));
    let jwt = format!("{signing_input}.{}", signature(&signing_input));
    let stripped = format!("{signing_input}.");

    let mut accepted = true;
    for rules in &*RULES {
        assert!(
            IntrospectionAnswer::parse_signed(&stripped, &KEY_SET, rules, CLIENT, NOW)
                .and_then(|answer| answer.prove(rules, NOW))
                .is_err(),
            "accepted unsigned"
        );
        let verified = match IntrospectionAnswer::parse_signed(&jwt, &KEY_SET, rules, CLIENT, NOW)
            .and_then(|answer| answer.prove(rules, NOW))
        {
            Ok(verified) => verified,
            Err(reason) => {
                accepted = false;
                assert!(matches!(reason.cause(), Cause::InvalidToken | Cause::Unavailable), "{reason:?}");
                continue;
            }
        };
        assert!(verify_jws(&jwt, &KEY_SET, rules, NOW).is_err(), "an answer that passes for a token");
        assert!(
            IntrospectionAnswer::parse_signed(&jwt, &KEY_SET, rules, "another", NOW)
                .and_then(|answer| answer.prove(rules, NOW))
                .is_err()
                || names(payload, "another")
        );
        assert_eq!(properties::read_elsewhere(header)["typ"], "token-introspection+jwt");
        let mut payload = properties::read_elsewhere(payload);
        assert_eq!(payload["iss"], ISSUER);
        let issued_at = payload["iat"].as_f64().expect("a date");
        assert!(issued_at >= NOW.0 as f64 - 300.0, "an answer that somebody kept");
        let Some(Value::Object(mut answer)) = payload.remove("token_introspection") else { panic!("no answer") };
        assert_eq!(answer.remove("active"), Some(Value::Bool(true)));
        answer.retain(|_, value| !value.is_null());
        is_access_token(&answer);
        properties::hold_of(&verified, rules, &answer);
    }
    accepted
}

const ANSWER_HEADER: &[u8] = br#"{"alg":"EdDSA","typ":"token-introspection+jwt","kid":"ed"}"#;
const CLIENT: &str = "gateway";

/// The type says so, or an audience does.
fn is_access_token(answer: &Map<String, Value>) {
    match answer.get("token_type") {
        Some(kind) => assert!(kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer"))),
        None => assert!(answer.contains_key("aud")),
    }
}

fn names(payload: &[u8], client: &str) -> bool {
    let payload: Value = serde_json::from_slice(payload).expect("JSON");
    payload["aud"] == client || payload["aud"].as_array().is_some_and(|names| names.contains(&client.into()))
}
