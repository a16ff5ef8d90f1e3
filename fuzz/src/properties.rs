//! What holds of everything that was verified, by whatever proof.

use std::collections::BTreeSet;

use bearward_core::{
    AbsentAudience, Cause, IdentityHeaders, Presented, Reason, Requirement, Scheme, Scope, TokenRules, UnixTime,
    Verified,
};
use serde_json::{Map, Value};

use crate::fixture::NOW;

/// The object in a text that was accepted, as a reader reads it that is not strict, and takes the last of two members.
pub(crate) fn read_elsewhere(text: &[u8]) -> Map<String, Value> {
    let object = serde_json::from_slice(text).expect("what was accepted is a JSON object");
    assert_eq!(colons(text), members(&object), "a member that comes twice");
    object
}

/// Holds what was verified at [`NOW`] against the rules, and against what another reader reads in the same text.
pub(crate) fn hold_of(token: &Verified, rules: &TokenRules, read_elsewhere: &Map<String, Value>) {
    assert_eq!(token.claims(), read_elsewhere, "two readers agree on the claims");
    is_ours(token, rules);
    is_in_time(token, rules);
    assert_eq!(token.confirmation(), token.claims().get("cnf"), "a bound token is known for one");
    scopes_are_scopes(token);
    can_be_told(token);
    let admitted = Requirement::default().admit(&Presented::new(token, Scheme::Bearer, Ok(())), None);
    let expected = if token.confirmation().is_some() { Err(Reason::ConfirmationMissing) } else { Ok(()) };
    assert_eq!(
        admitted, expected,
        "a route that asks for nothing more takes every token, but no bound one from a bearer"
    );
}

/// What is wrong with a token never reads as something else on the wire.
pub(crate) fn is_invalid_token(reason: Reason) {
    assert_eq!(reason.cause(), Cause::InvalidToken, "{reason:?}");
}

/// One for each member that the text has.
fn colons(text: &[u8]) -> usize {
    let (mut colons, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}

/// One for each member that was read.
fn members(object: &Map<String, Value>) -> usize {
    fn below(value: &Value) -> usize {
        match value {
            Value::Object(object) => members(object),
            Value::Array(elements) => elements.iter().map(below).sum(),
            _ => 0,
        }
    }
    object.values().map(|value| 1 + below(value)).sum()
}

fn is_ours(token: &Verified, rules: &TokenRules) {
    assert_eq!(token.issuer(), &**rules.issuer.text());
    if let Some(issuer) = token.claims().get("iss") {
        assert_eq!(issuer.as_str(), Some(&**rules.issuer.text()));
    }
    let named: Vec<&str> = match token.claims().get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().map(|one| one.as_str().expect("a string")).collect(),
        Some(other) => panic!("no audience: {other:?}"),
        None => Vec::new(),
    };
    assert!(token.audiences().eq(named.iter().copied()), "the audiences that are named");
    let is_one_of = |ours: &[String], name: &str| ours.iter().any(|ours| ours == name);
    if token.claims().contains_key("aud") {
        assert!(named.into_iter().any(|name| is_one_of(&rules.audiences, name)));
    } else if let AbsentAudience::Clients(clients) = &rules.absent_audience {
        assert!(token.client_id().is_some_and(|client| is_one_of(clients, client)));
    } else {
        panic!("accepted without an audience");
    }
}

fn is_in_time(token: &Verified, rules: &TokenRules) {
    assert!(token.is_current(NOW));
    let date = |name| token.claims().get(name).map(|date| date.as_f64().expect("a number"));
    let (now, leeway) = (NOW.0 as f64, rules.leeway as f64);
    if let Some(exp) = date("exp") {
        assert!(exp + leeway > now, "expired");
        let end = token.expires_at().expect("`exp` is there").saturating_add(rules.leeway);
        assert!(!token.is_current(end) && !token.is_current(UnixTime(u64::MAX)), "remembered beyond its end");
    }
    // A fraction of a second is cut off.
    for begin in ["nbf", "iat"].into_iter().filter_map(date) {
        assert!(begin.floor() <= now + leeway, "not yet valid");
    }
    if let (Some(most), Some(exp)) = (rules.max_lifetime, date("exp")) {
        assert!(
            exp.floor() - date("iat").expect("a lifetime has a beginning").floor() <= most as f64,
            "lives too long"
        );
    }
}

fn scopes_are_scopes(token: &Verified) {
    for text in token.scopes().iter() {
        let scope = Scope::parse(text).expect("a scope-token");
        assert!(token.scopes().contains(&scope));
    }
}

/// The upstream is told of the caller in headers that say neither more nor less, or the request is refused.
fn can_be_told(token: &Verified) {
    let headers = IdentityHeaders::default();
    let told = match headers.render(token) {
        Ok(told) => told,
        Err(reason) => return assert_eq!(reason, Reason::IdentityUnrepresentable),
    };
    let mut names = BTreeSet::new();
    for (name, value) in told.fields() {
        assert!(names.insert(name.to_string()) && headers.is_reserved(name.as_str()));
        assert!(value.len() <= 4096 && value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')));
    }
    assert!(names.contains("x-auth-issuer"));
    assert_eq!(names.contains("x-auth-subject"), token.subject().is_some());
    assert_eq!(names.contains("x-auth-client-id"), token.client_id().is_some());
}
