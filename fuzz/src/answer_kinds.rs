//! What issuers answer that have a form of their own: Google's tokeninfo, and a Kubernetes API server's `TokenReview`.

use std::sync::LazyLock;

use bearward_core::{AbsentAudience, Cause, ClaimPointer, IntrospectionAnswer, Reason, TokenRules, Verified};
use serde_json::{Map, Value, json};

use crate::fixture::{AUDIENCE, NOW, RULES};
use crate::properties;

/// The input is the body of an answer of Google's tokeninfo endpoint.
///
/// What is accepted is a token for us and for now, of which the answer says whom it is for and when it ends, and shows
/// nothing of an ID token. What has no expiry, or says `error` or `active`, is no answer. What was read, read again, is
/// the same.
pub fn tokeninfo(data: &[u8]) -> bool {
    let elsewhere: Option<Map<String, Value>> = serde_json::from_slice(data).ok();
    let is_answer = elsewhere.as_ref().is_some_and(|answer| {
        says(answer, "exp").is_some() && ["error", "active"].iter().all(|name| !answer.contains_key(*name))
    });
    let mut accepted = true;
    for rules in &*STRICT_AND_LENIENT {
        let verified = match prove(IntrospectionAnswer::parse_tokeninfo, data, rules) {
            Ok(verified) => verified,
            Err(reason) => {
                accepted = false;
                assert!(is_answer || reason == Reason::IntrospectionUnavailable, "{reason:?} of no answer");
                assert_ne!(reason, Reason::TokenInactive, "no successful answer says so");
                continue;
            }
        };
        assert!(is_answer, "no answer, and accepted");
        let mut answer = properties::read_elsewhere(data);
        for name in ID_TOKEN {
            assert!(!answer.contains_key(name), "{name} is of an ID token");
        }
        answer.retain(|_, value| !value.is_null());
        for (name, value) in &mut answer {
            let Some(text) = value.as_str() else { continue };
            match name.as_str() {
                "exp" | "iat" | "expires_in" if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                    // What does not fit is no date, and what must be one is refused.
                    *value = text.parse::<u64>().map_or_else(|_| value.clone(), Value::from);
                }
                "email_verified" if ["true", "false"].contains(&text) => *value = (text == "true").into(),
                _ => {}
            }
        }
        if let Some(client) = answer.get("azp").cloned() {
            answer.insert("client_id".to_owned(), client);
        }
        let client = answer.get("client_id").or_else(|| answer.get("sub").filter(|_| rules.bare_answers));
        assert_eq!(verified.client_id(), client.and_then(Value::as_str));
        assert!(verified.expires_at().is_some(), "a token that lives for ever");
        assert!(is_for_us(&verified), "accepted without our audience");
        properties::hold_of(&verified, rules, &answer);
        is_read_again(IntrospectionAnswer::parse_tokeninfo, &verified, verified.claims().clone().into(), rules);
    }
    accepted
}

/// The input is the body of a Kubernetes API server's answer to a `TokenReview`.
///
/// What is accepted was authenticated, for us, without an error, and has a subject; nothing is known of it but what the
/// status says of its user, and it has no scope or end of its own. Only a review that does not authenticate the
/// token is a no. What was read, written as a review and read again, is the same.
pub fn token_review(data: &[u8]) -> bool {
    let elsewhere: Value = serde_json::from_slice(data).unwrap_or_default();
    let status = &elsewhere["status"];
    let is_review = elsewhere["kind"] == "TokenReview"
        && elsewhere["apiVersion"] == "authentication.k8s.io/v1"
        && status.is_object();
    let mut accepted = true;
    for rules in &*STRICT_AND_LENIENT {
        let verified = match prove(IntrospectionAnswer::parse_token_review, data, rules) {
            Ok(verified) => verified,
            Err(reason) => {
                accepted = false;
                assert!(is_review || reason == Reason::IntrospectionUnavailable, "{reason:?} of no review");
                match status.get("authenticated") {
                    None => {}
                    Some(Value::Bool(true)) => assert_ne!(reason, Reason::TokenInactive),
                    // A member that comes twice is no answer either.
                    Some(Value::Bool(false)) => {
                        assert!(matches!(reason, Reason::TokenInactive | Reason::IntrospectionUnavailable));
                    }
                    Some(_) => assert_eq!(reason, Reason::IntrospectionUnavailable),
                }
                continue;
            }
        };
        assert!(is_review, "no review, and accepted");
        let answer = properties::read_elsewhere(data);
        let (status, user) = (&answer["status"], &answer["status"]["user"]);
        assert_eq!(status["authenticated"], true);
        assert!(status.get("error").is_none_or(|error| error == ""), "accepted with an error");
        let mut expected = Map::new();
        expected.insert("sub".to_owned(), user["username"].clone());
        expected.insert("aud".to_owned(), status["audiences"].clone());
        for name in ["groups", "uid", "extra"] {
            if let Some(value) = says(user.as_object().expect("a user"), name) {
                expected.insert(name.to_owned(), value.clone());
            }
        }
        assert!(verified.subject().is_some_and(|subject| !subject.is_empty()), "nobody, and accepted");
        assert!(is_for_us(&verified), "accepted without our audience");
        assert_eq!(verified.expires_at(), None);
        assert_eq!(verified.client_id(), verified.subject().filter(|_| rules.bare_answers));
        assert!(verified.scopes().is_empty());
        properties::hold_of(&verified, rules, &expected);
        let mut user = verified.claims().clone();
        let audiences = user.remove("aud");
        let username = user.remove("sub");
        user.extend(username.map(|name| ("username".to_owned(), name)));
        let review = json!({
            "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
            "status": {"authenticated": true, "audiences": audiences, "user": user},
        });
        is_read_again(IntrospectionAnswer::parse_token_review, &verified, review, rules);
    }
    accepted
}

/// The rules of other answers, but that these never tell how long a token lives in all. The lenient ones know clients
/// by whatever is there and take theirs for an audience that nobody names, which must be in vain here.
static STRICT_AND_LENIENT: LazyLock<[TokenRules; 2]> = LazyLock::new(|| {
    RULES.each_ref().map(|rules| {
        let mut rules = rules.clone();
        rules.max_lifetime = None;
        if let AbsentAudience::Clients(clients) = &mut rules.absent_audience {
            clients.push("alice".to_owned());
            rules.client_id_claims.push(ClaimPointer::member("sub"));
            rules.bare_answers = true;
        }
        rules
    })
});

type Read = fn(&[u8]) -> Result<IntrospectionAnswer, Reason>;

/// Reads an answer, and holds it against the rules. Whatever is wrong is the token's fault, or nobody's.
fn prove(read: Read, data: &[u8], rules: &TokenRules) -> Result<Verified, Reason> {
    let proved = read(data).and_then(|answer| answer.prove(rules, NOW));
    if let Err(reason) = proved {
        assert!(matches!(reason.cause(), Cause::InvalidToken | Cause::Unavailable), "{reason:?}");
    }
    proved
}

/// Some members of ID tokens that access tokens do not have, and what their header has.
const ID_TOKEN: [&str; 5] = ["nonce", "at_hash", "c_hash", "alg", "kid"];

/// A member that says anything.
fn says<'a>(answer: &'a Map<String, Value>, member: &str) -> Option<&'a Value> {
    answer.get(member).filter(|value| !value.is_null())
}

fn is_for_us(token: &Verified) -> bool {
    token.audiences().any(|audience| audience == AUDIENCE)
}

/// `again` says what was read, and is read to the same. Not where a fraction could be written with other digits.
fn is_read_again(read: Read, token: &Verified, again: Value, rules: &TokenRules) {
    if has_fraction(&again) {
        return;
    }
    let once_more = prove(read, again.to_string().as_bytes(), rules).expect("as before");
    assert_eq!(once_more.claims(), token.claims());
    assert_eq!((once_more.subject(), once_more.client_id()), (token.subject(), token.client_id()));
    assert_eq!(once_more.expires_at(), token.expires_at());
    assert!(once_more.audiences().eq(token.audiences()));
    assert_eq!(once_more.scopes(), token.scopes());
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(elements) => elements.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}
