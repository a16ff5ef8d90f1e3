//! A self-contained token whose signature holds, whatever it says.

use bearward_core::{Profile, verify_jws};
use serde_json::Value;

use crate::fixture::{HEADER, KEY_SET, NOW, RULES, base64url, signature};
use crate::properties;

/// The input is the JSON of a header on the first line, and that of claims on those below. Without a header it is the
/// one of an access token. Both are signed.
///
/// What is accepted is an access token of our issuer, for us and for now, and says what another reader reads in it.
pub fn claims(data: &[u8]) -> bool {
    let (header, payload) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let payload = payload.strip_prefix(b"\n").unwrap_or(payload);
    let header = if header.is_empty() { HEADER.as_bytes() } else { header };
    let signing_input = format!("{}.{}", base64url(header), base64url(payload));
    let token = format!("{signing_input}.{}", signature(&signing_input));

    let mut accepted = true;
    for rules in &*RULES {
        let verified = match verify_jws(&token, &KEY_SET, rules, NOW) {
            Ok(verified) => verified,
            Err(reason) => {
                accepted = false;
                properties::is_invalid_token(reason);
                continue;
            }
        };
        let header = Value::Object(properties::read_elsewhere(header));
        assert!(matches!(header["alg"].as_str(), Some("EdDSA" | "Ed25519")));
        assert!(header.get("crit").is_none() && header.get("b64").is_none());
        assert!(header["kid"] == "ed" || header.get("kid").is_none());
        is_access_token(rules.profile, &header["typ"]);

        let claims = properties::read_elsewhere(payload);
        assert!(claims.contains_key("iss") && claims.contains_key("exp"));
        if rules.profile == Profile::Rfc9068 {
            assert!(["aud", "sub", "client_id", "iat", "jti"].iter().all(|name| claims.contains_key(*name)));
        } else {
            assert!(["nonce", "events", "at_hash", "htu"].iter().all(|name| !claims.contains_key(*name)));
            let is_for_its_client =
                verified.client_id().is_none_or(|client| verified.audiences().any(|name| name == client));
            let is_empty = |name| match claims.get(name) {
                Some(Value::String(text)) => text.trim_matches(' ').is_empty(),
                Some(Value::Array(elements)) => elements.is_empty(),
                _ => true,
            };
            assert!(!is_for_its_client || !is_empty("scope") || !is_empty("scp"), "an ID token");
        }
        properties::hold_of(&verified, rules, &claims);
    }
    accepted
}

fn is_access_token(profile: Profile, typ: &Value) {
    let typ = typ.as_str().map(str::to_ascii_lowercase);
    match typ.as_deref() {
        Some("at+jwt" | "application/at+jwt") => {}
        None | Some("jwt" | "application/jwt") => assert_eq!(profile, Profile::Jwt),
        Some(other) => panic!("accepted the type {other:?}"),
    }
}
