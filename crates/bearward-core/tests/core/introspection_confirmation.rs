//! A token that is proved twice, by its signature and by the issuer's answer: the answer takes away, and never adds.

use crate::support::{AUDIENCE, ISSUER, LEEWAY, NOW, Table, admitted, altered, claims, rules, signer, with};
use bearward_core::{
    Algorithm, ClaimPointer, ClaimRule, ClaimTest, IntrospectionAnswer, Reason, TokenRules, UnixTime, Verified,
    verify_jws,
};
use serde_json::{Value, json};

fn token(claims: &Value) -> Verified {
    let signer = signer(Algorithm::EdDsa);
    crate::support::verify(&signer.sign(signer.header().to_string(), claims.to_string())).unwrap()
}

fn confirm(token: &Verified, answer: &Value, rules: &TokenRules) -> Result<Verified, Reason> {
    IntrospectionAnswer::parse(answer.to_string().as_bytes())?.confirm(token, rules, UnixTime(NOW)).and_then(admitted)
}

#[test]
fn active_alone_is_enough_and_the_token_speaks_for_itself() {
    let confirmed = confirm(&token(&claims()), &json!({"active": true}), &rules()).unwrap();
    assert_eq!((confirmed.subject(), confirmed.client_id()), (Some("alice"), Some("shop")));
    assert_eq!(confirmed.scopes().as_str(), "orders:read orders:write");
    assert_eq!(confirmed.expires_at(), Some(UnixTime(NOW + 300)));
    // What the issuer adds is not taken over.
    let more = json!({"active": true, "email": "mallory@example.com", "exp": NOW + 900, "scope": "orders:read admin"});
    let confirmed = confirm(&token(&claims()), &more, &rules()).unwrap();
    assert_eq!(confirmed.scopes().as_str(), "orders:read");
    assert_eq!(confirmed.expires_at(), Some(UnixTime(NOW + 300)));
    assert!(confirmed.claims().get("email").is_none());
    // What every token must say, the token has said.
    let rule = ClaimRule { claim: ClaimPointer::member("jti"), test: ClaimTest::Exists };
    let strict = altered(rules(), |rules| {
        rules.required_claims = vec![rule];
        rules.max_lifetime = Some(3_600);
    });
    assert!(confirm(&token(&claims()), &json!({"active": true}), &strict).is_ok());
}

#[test]
fn an_answer_about_anything_else_bears_nothing_out() {
    let token = token(&claims());
    let mut table = Table::new();
    for (member, value, expected) in [
        ("active", json!(false), Err(Reason::TokenInactive)),
        ("active", json!("true"), Err(Reason::IntrospectionUnavailable)),
        ("sub", json!("alice"), Ok(())),
        ("sub", json!("bob"), Err(Reason::ClaimMismatch)),
        ("sub", json!(1), Err(Reason::ClaimsMalformed)),
        ("client_id", json!("shop"), Ok(())),
        ("client_id", json!("other"), Err(Reason::ClaimMismatch)),
        ("iss", json!(ISSUER), Ok(())),
        ("iss", json!("https://other.example.com"), Err(Reason::IssuerMismatch)),
        ("aud", json!([AUDIENCE]), Ok(())),
        ("aud", json!("other"), Err(Reason::AudienceMismatch)),
        ("aud", json!([]), Err(Reason::AudienceMismatch)),
        ("token_type", json!("Bearer"), Ok(())),
        ("token_type", json!("DPoP"), Err(Reason::ConfirmationMissing)),
        ("token_type", json!("refresh_token"), Err(Reason::TypeMismatch)),
        ("token_use", json!("refresh_token"), Err(Reason::TypeMismatch)),
        ("cnf", json!({"jkt": "x"}), Err(Reason::ConfirmationMissing)),
        ("exp", json!(NOW - LEEWAY), Err(Reason::TokenExpired)),
        ("nbf", json!(NOW + LEEWAY + 1), Err(Reason::TokenNotYetValid)),
        ("scope", json!(5), Err(Reason::ClaimsMalformed)),
    ] {
        let answer = with(json!({"active": true}), member, Some(value.clone()));
        table.case(format!("{member} {value}"), confirm(&token, &answer, &rules()).map(drop), expected);
    }
    table.finish();
}

#[test]
fn the_earlier_expiry_and_the_scopes_of_both_count() {
    let first = token(&claims());
    let answer = |member: &str, value: Value| with(json!({"active": true}), member, Some(value));
    let confirmed = confirm(&first, &answer("exp", json!(NOW + 100)), &rules()).unwrap();
    assert_eq!(confirmed.expires_at(), Some(UnixTime(NOW + 100)));
    for (scope, left) in [
        (json!("orders:write orders:read"), "orders:read orders:write"),
        (json!(["orders:write"]), "orders:write"),
        (json!("admin"), ""),
        (json!(""), ""),
        (json!(null), "orders:read orders:write"),
    ] {
        let confirmed = confirm(&first, &answer("scope", scope.clone()), &rules()).unwrap();
        assert_eq!(confirmed.scopes().as_str(), left, "{scope}");
        // Nor does a header that is made of the claim say more.
        assert_eq!(confirmed.claim(&ClaimPointer::member("scope")), Some(&json!(left)), "{scope}");
    }
    let listed = with(with(claims(), "scope", None), "scp", Some(json!(["orders:read", "orders:write"])));
    let confirmed = confirm(&token(&listed), &answer("scope", json!("orders:read")), &rules()).unwrap();
    assert_eq!(confirmed.scopes().as_str(), "orders:read");
    assert_eq!(confirmed.claim(&ClaimPointer::member("scp")), Some(&json!(["orders:read"])));
}

/// Either of them may bind the token to a key. What binds it stays with it, for the check of each request.
#[test]
fn a_token_that_either_of_them_binds_is_bound() {
    let (own, other) = (json!({"jkt": "own"}), json!({"jkt": "other"}));
    let signer = signer(Algorithm::EdDsa);
    let token = |cnf: &Option<Value>| {
        let claims = with(claims(), "cnf", cnf.clone());
        verify_jws(&signer.token(&claims), crate::support::key_set(), &rules(), UnixTime(NOW)).unwrap()
    };
    for (in_token, in_answer, expected) in [
        (None, None, Ok(None)),
        (Some(own.clone()), None, Ok(Some(own.clone()))),
        (None, Some(other.clone()), Ok(Some(other.clone()))),
        (Some(own.clone()), Some(own.clone()), Ok(Some(own.clone()))),
        (Some(own), Some(other), Err(Reason::ClaimMismatch)),
    ] {
        let answer = with(json!({"active": true}), "cnf", in_answer);
        let answer = IntrospectionAnswer::parse(answer.to_string().as_bytes()).unwrap();
        let confirmed = answer.confirm(&token(&in_token), &rules(), UnixTime(NOW));
        assert_eq!(confirmed.as_ref().map(|token| token.confirmation().cloned()).map_err(|reason| *reason), expected);
        let is_bound = expected != Ok(None);
        assert_eq!(confirmed.and_then(admitted).is_err(), is_bound);
    }
}
