//! Answers that are older than RFC 7662, or know nothing of it: Google's tokeninfo and Kubernetes' TokenReview.

use crate::support::{AUDIENCE, LEEWAY, NOW, Table, altered, rules, with};
use bearward_core::{AbsentAudience, ClaimPointer, IntrospectionAnswer, Reason, TokenRules, UnixTime, Verified};
use serde_json::{Value, json};

type Read = fn(&[u8]) -> Result<IntrospectionAnswer, Reason>;

fn prove(read: Read, body: impl AsRef<[u8]>, rules: &TokenRules) -> Result<Verified, Reason> {
    read(body.as_ref())?.prove(rules, UnixTime(NOW))
}

/// Clients may stand for an absent audience elsewhere; here there must be one all the same.
fn lenient() -> TokenRules {
    altered(rules(), |rules| {
        rules.absent_audience = AbsentAudience::Clients(vec!["shop".to_owned()]);
        rules.bare_answers = true;
    })
}

fn tokeninfo() -> Value {
    json!({
        "azp": "shop", "aud": AUDIENCE, "sub": "1034", "scope": "openid orders:read", "exp": (NOW + 300).to_string(),
        "expires_in": "300", "email": "alice@example.com", "email_verified": "true", "access_type": "online"
    })
}

fn about_google(member: &str, value: Option<Value>) -> Result<(), Reason> {
    prove(IntrospectionAnswer::parse_tokeninfo, with(tokeninfo(), member, value).to_string(), &lenient()).map(drop)
}

#[test]
fn tokeninfo_says_who_calls() {
    let verified = prove(IntrospectionAnswer::parse_tokeninfo, tokeninfo().to_string(), &rules()).unwrap();
    assert_eq!((verified.subject(), verified.client_id()), (Some("1034"), Some("shop")));
    assert_eq!(verified.scopes().as_str(), "openid orders:read");
    assert_eq!(verified.expires_at(), Some(UnixTime(NOW + 300)));
    assert_eq!(verified.claim(&ClaimPointer::member("email_verified")), Some(&json!(true)));
}

#[test]
fn tokeninfo_is_believed_only_where_it_is_about_an_access_token_for_us() {
    let mut table = Table::new();
    for (member, value, expected) in [
        ("sub", None, Ok(())), // no scope `openid`
        ("exp", Some(json!(NOW + 300)), Ok(())),
        ("exp", Some(json!((NOW - LEEWAY).to_string())), Err(Reason::TokenExpired)),
        ("exp", Some(json!("soon")), Err(Reason::ClaimsMalformed)),
        ("exp", Some(json!("+1800000300")), Err(Reason::ClaimsMalformed)),
        ("exp", Some(json!("")), Err(Reason::ClaimsMalformed)),
        ("exp", None, Err(Reason::IntrospectionUnavailable)),
        ("exp", Some(json!(null)), Err(Reason::IntrospectionUnavailable)),
        ("active", Some(json!(true)), Err(Reason::IntrospectionUnavailable)),
        ("active", Some(json!(false)), Err(Reason::IntrospectionUnavailable)),
        ("error", Some(json!("invalid_token")), Err(Reason::IntrospectionUnavailable)),
        ("aud", None, Err(Reason::AudienceMismatch)),
        ("aud", Some(json!(null)), Err(Reason::AudienceMismatch)),
        ("aud", Some(json!("another app")), Err(Reason::AudienceMismatch)),
        ("iss", Some(json!("https://other.example.com")), Err(Reason::IssuerMismatch)),
        ("azp", Some(json!(5)), Err(Reason::ClaimsMalformed)),
        ("azp", Some(json!(null)), Ok(())),
        ("nonce", Some(json!(null)), Err(Reason::TypeMismatch)),
        ("nonce", Some(json!("n")), Err(Reason::TypeMismatch)),
        ("at_hash", Some(json!("n")), Err(Reason::TypeMismatch)),
        ("kid", Some(json!("n")), Err(Reason::TypeMismatch)),
    ] {
        table.case(format!("{member} {value:?}"), about_google(member, value.clone()), expected);
    }
    table.case("as it is", about_google("x", Some(json!(1))), Ok(()));
    for body in ["", "[]", "{}", "true", "<html>", r#"{"active":true,"aud":"https://api.example.com"}"#] {
        let read = prove(IntrospectionAnswer::parse_tokeninfo, body, &lenient()).map(drop);
        table.case(body, read, Err(Reason::IntrospectionUnavailable));
    }
    table.finish();
    // RFC 7662 answers know no numbers in strings, wherever they come from.
    let plain = with(tokeninfo(), "active", Some(json!(true))).to_string();
    let read = prove(IntrospectionAnswer::parse, plain, &rules()).map(drop);
    assert_eq!(read, Err(Reason::ClaimsMalformed));
}

fn review(status: Value) -> String {
    json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "t"}, "status": status,
    })
    .to_string()
}

fn status() -> Value {
    json!({
        "authenticated": true, "audiences": [AUDIENCE, "other"],
        "user": {
            "username": "system:serviceaccount:shop:default", "uid": "42", "groups": ["system:authenticated"],
            "extra": {"authentication.kubernetes.io/pod-name": ["web-1"]}
        }
    })
}

#[test]
fn a_token_review_says_who_calls() {
    let verified = prove(IntrospectionAnswer::parse_token_review, review(status()), &rules()).unwrap();
    assert_eq!(verified.subject(), Some("system:serviceaccount:shop:default"));
    assert_eq!((verified.client_id(), verified.expires_at()), (None, None));
    let pointer = ClaimPointer::parse("/groups/0").unwrap();
    assert_eq!(verified.claim(&pointer), Some(&json!("system:authenticated")));
    let pointer = ClaimPointer::parse("/extra/authentication.kubernetes.io~1pod-name").unwrap();
    assert_eq!(verified.claim(&pointer), Some(&json!(["web-1"])));
    assert!(verified.claims().get("token").is_none() && verified.claims().get("spec").is_none());
}

#[test]
fn a_review_is_believed_only_where_it_authenticates_for_us() {
    let mut table = Table::new();
    let user = |member: &str, value: Option<Value>| Some(with(status()["user"].clone(), member, value));
    for (member, value, expected) in [
        ("authenticated", Some(json!(false)), Err(Reason::TokenInactive)),
        ("authenticated", None, Err(Reason::TokenInactive)),
        ("authenticated", Some(json!("true")), Err(Reason::IntrospectionUnavailable)),
        ("authenticated", Some(json!(1)), Err(Reason::IntrospectionUnavailable)),
        ("error", Some(json!("webhook timed out")), Err(Reason::IntrospectionUnavailable)),
        ("error", Some(json!("")), Ok(())),
        ("audiences", None, Err(Reason::AudienceMismatch)),
        ("audiences", Some(json!(null)), Err(Reason::AudienceMismatch)),
        ("audiences", Some(json!([])), Err(Reason::AudienceMismatch)),
        ("audiences", Some(json!(["other"])), Err(Reason::AudienceMismatch)),
        ("audiences", Some(json!([AUDIENCE, 1])), Err(Reason::ClaimsMalformed)),
        ("user", None, Err(Reason::ClaimMissing)),
        ("user", Some(json!("alice")), Err(Reason::ClaimMissing)),
        ("user", user("username", None), Err(Reason::ClaimMissing)),
        ("user", user("username", Some(json!(null))), Err(Reason::ClaimMissing)),
        ("user", user("username", Some(json!(""))), Err(Reason::ClaimsMalformed)),
        ("user", user("groups", Some(json!(null))), Ok(())),
    ] {
        let body = review(with(status(), member, value.clone()));
        let read = prove(IntrospectionAnswer::parse_token_review, body, &lenient()).map(drop);
        table.case(format!("{member} {value:?}"), read, expected);
    }
    // Even where the user counts as a client that stands for an absent audience.
    let user_as_client = altered(lenient(), |rules| {
        rules.client_id_claims = vec![ClaimPointer::member("sub")];
        rules.absent_audience = AbsentAudience::Clients(vec!["system:serviceaccount:shop:default".to_owned()]);
    });
    for value in [None, Some(json!(null)), Some(json!([]))] {
        let body = review(with(status(), "audiences", value.clone()));
        let read = prove(IntrospectionAnswer::parse_token_review, body, &user_as_client).map(drop);
        table.case(format!("audiences {value:?}, for a client"), read, Err(Reason::AudienceMismatch));
    }
    let refused = json!({"user": {}, "error": "invalid bearer token"});
    let of = |body: String| prove(IntrospectionAnswer::parse_token_review, body, &lenient()).map(drop);
    table.case("refused", of(review(refused)), Err(Reason::TokenInactive));
    table.case("refused, no user", of(review(json!({"error": "no"}))), Err(Reason::TokenInactive));
    for body in [
        String::new(),
        "{}".to_owned(),
        review(json!({})),
        review(json!(null)),
        review(json!([])),
        review(status()).replace("TokenReview", "SubjectAccessReview"),
        review(status()).replace("k8s.io/v1", "k8s.io/v2"),
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}).to_string(),
        json!({"active": true, "aud": AUDIENCE}).to_string(),
    ] {
        let read = of(body.clone());
        table.case(body, read, Err(Reason::IntrospectionUnavailable));
    }
    table.finish();
}
