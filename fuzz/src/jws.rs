//! A self-contained token, as it is spelled.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use bearward_core::{Finding, Reason, Shape, TokenRules, Trace, unverified_issuer, verify_jws, verify_jws_traced};
use serde_json::Value;

use crate::fixture::{KEY_SET, NOW, RULES, base64url, signature};
use crate::properties;

/// Stands for the signature over what comes before it. So a corpus holds no token, and what the fuzzer changes in
/// header and payload is still signed.
const SIGN: &str = ".SIGN";

/// The input is a token. One that ends in `.SIGN` is signed.
///
/// No other is accepted. One that is accepted has the one spelling of its parts, is told to be self-contained, and
/// names the issuer that it was selected by; changed in one place, it is refused.
pub fn jws(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let signed = text.strip_suffix(SIGN);
    let token = match signed {
        Some(signing_input) => format!("{signing_input}.{}", signature(signing_input)),
        None => text.to_owned(),
    };
    let shape = Shape::of(&token);
    assert_eq!(shape == Shape::SelfContained, is_self_contained(&token));
    let issuer = unverified_issuer(&token);
    if let Some(issuer) = &issuer {
        assert_eq!(payload(&token)["iss"], **issuer);
    }

    let mut accepted = true;
    for rules in &*RULES {
        let verified = verify_jws(&token, &KEY_SET, rules, NOW);
        is_explained(&token, rules, verified.as_ref().err());
        let verified = match verified {
            Ok(verified) => verified,
            Err(reason) => {
                accepted = false;
                properties::is_invalid_token(reason);
                continue;
            }
        };
        assert!(signed.is_some(), "accepted without a signature");
        assert_eq!(issuer.as_deref(), Some(verified.issuer()));
        let parts: Vec<Vec<u8>> = token.split('.').map(decode).collect();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts.iter().map(base64url).collect::<Vec<_>>().join("."), token, "one spelling");
        properties::hold_of(&verified, rules, &properties::read_elsewhere(&parts[1]));
        // White space before a header is no attack, but no issuer sends it either, and it counts as opaque.
        assert_eq!(shape == Shape::SelfContained, parts[0].first() == Some(&b'{'));
        for changed in changes(&token) {
            assert!(verify_jws(&changed, &KEY_SET, rules, NOW).is_err(), "changed, and accepted");
        }
    }
    accepted
}

/// A trace comes to the same, in the order of the checks, and shows nothing that a log cannot hold.
fn is_explained(token: &str, rules: &TokenRules, expected: Option<&Reason>) {
    let mut trace = Trace::new();
    let traced = verify_jws_traced(token, &KEY_SET, rules, NOW, Some(&mut trace));
    assert_eq!(traced.as_ref().err(), expected);
    assert_eq!(trace.first_failure().and_then(Finding::reason).as_ref(), expected);
    assert!(trace.findings().is_sorted_by(|a, b| a.check < b.check));
    for finding in trace.findings() {
        let shown = finding.to_string();
        assert!(shown.len() < 1_000 && shown.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{shown:?}");
    }
}

/// The rule of [`Shape::of`] by decoding: a header that begins an object, and not the five parts of a JWE with its tag.
fn is_self_contained(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    let is_jwe = parts.len() == 5 && !parts[4].is_empty();
    let forgiving = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
    let header = forgiving.decode(parts[0]).unwrap_or_default();
    parts.len() > 1 && !is_jwe && header.first() == Some(&b'{')
}

/// The token with one place changed; which one depends on the token, so that the fuzzer finds all of them.
fn changes(token: &str) -> impl Iterator<Item = String> {
    let at = token.bytes().map(usize::from).sum::<usize>() * 31 % token.len();
    let (before, after) = token.split_at(at);
    let character = if after.starts_with('A') { 'B' } else { 'A' };
    let message = token.rsplit_once('.').expect("two dots").0;
    [
        format!("{before}{character}{}", &after[1..]),
        format!("{before}{}", &after[1..]),
        format!("{before}{after}="),
        format!("{token}A"),
        format!("{token}."),
        format!(" {token}"),
        format!("{message}."),
        format!("{message}.{}", base64url([0; 64])),
    ]
    .into_iter()
}

/// The payload as a reader that is not strict reads it.
fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&decode(payload)).expect("JSON")
}

fn decode(segment: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(segment).expect("base64url")
}
