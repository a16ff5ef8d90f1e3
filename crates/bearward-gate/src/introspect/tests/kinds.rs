//! Google's tokeninfo and Kubernetes' TokenReview: what is asked, and what each answer comes to.

use serde_json::json as value;

use super::*;

const URL_FORM: &str = "application/x-www-form-urlencoded";

fn google() -> IntrospectionSettings {
    IntrospectionSettings { kind: IntrospectionKind::GoogleTokeninfo, auth: IntrospectionAuth::Anonymous, ..settings() }
}

fn kubernetes() -> IntrospectionSettings {
    let auth = IntrospectionAuth::Bearer(Credentials::bearer(Secret::from_text("reviewer".into())).unwrap());
    IntrospectionSettings { kind: IntrospectionKind::KubernetesTokenReview, auth, ..settings() }
}

fn review(status: &serde_json::Value) -> String {
    value!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).to_string()
}

#[tokio::test]
async fn google_is_asked_in_the_body_by_nobody() {
    let body = r#"{"azp":"web","aud":"https://api.example.com","exp":"2000","scope":"read","sub":"1034"}"#;
    let issuer = Issuer::says(200, "application/json; charset=UTF-8", body).await;
    let token = new_introspector(google()).ask(&issuer).await.unwrap();
    assert_eq!((token.subject(), token.client_id()), (Some("1034"), Some("web")));
    let (target, headers, body) = issuer.last_question();
    assert_eq!(target, "POST /introspect?tenant=a");
    assert_eq!(body, "access_token=aB3-._%7Etok%2Ben%2Fx%3D%3D");
    assert_eq!(headers[CONTENT_TYPE], URL_FORM);
    assert!(!headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn only_invalid_token_is_held_against_a_token_of_google() {
    let json = "application/json";
    let invalid = r#"{"error":"invalid_token","error_description":"Invalid Value"}"#;
    let other = r#"{"azp":"web","aud":"another app","exp":"2000"}"#;
    let unavailable = Reason::IntrospectionUnavailable;
    let cases: &[(u16, &str, &str, &str, Reason)] = &[
        (400, json, invalid, "inactive", Reason::TokenInactive),
        (400, json, r#"{"error":"invalid_request"}"#, "failed", unavailable),
        (400, "text/html", invalid, "failed", unavailable),
        (400, json, "invalid_token", "failed", unavailable),
        (401, json, invalid, "refused", unavailable),
        (404, json, invalid, "failed", unavailable),
        (429, json, invalid, "failed", unavailable),
        (500, json, invalid, "failed", unavailable),
        (302, json, invalid, "failed", unavailable),
        (200, json, invalid, "failed", unavailable),
        (200, json, "{}", "failed", unavailable),
        (200, "text/html", other, "failed", unavailable),
        (200, json, other, "active", Reason::AudienceMismatch),
        (200, json, r#"{"aud":"https://api.example.com","exp":"900"}"#, "active", Reason::TokenExpired),
    ];
    for (status, content_type, body, outcome, reason) in cases {
        let issuer = Issuer::says(*status, content_type, body).await;
        let introspector = new_introspector(google());
        assert_eq!(introspector.ask(&issuer).await.unwrap_err(), *reason, "{status} {body}");
        assert_eq!(introspector.outcomes(), [*outcome], "{status} {body}");
    }
}

#[tokio::test]
async fn a_cluster_reviews_the_token_for_our_audiences() {
    let user = value!({"username": "system:serviceaccount:shop:default", "groups": ["a"]});
    let good = review(&value!({"authenticated": true, "audiences": ["https://api.example.com"], "user": user}));
    for status in [200, 201] {
        let issuer = Issuer::says(status, "application/json", &good).await;
        let token = new_introspector(kubernetes()).ask(&issuer).await.unwrap();
        assert_eq!(token.subject(), Some("system:serviceaccount:shop:default"));
        let (target, headers, body) = issuer.last_question();
        assert_eq!(target, "POST /introspect?tenant=a");
        assert_eq!(headers[AUTHORIZATION], "Bearer reviewer");
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        let asked: serde_json::Value = serde_json::from_str(&body).unwrap();
        let expected = value!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": {"token": TOKEN, "audiences": ["https://api.example.com"]},
        });
        assert_eq!(asked, expected);
    }
}

#[tokio::test]
async fn only_an_unauthenticated_review_is_held_against_a_token() {
    let json = "application/json";
    let refused = review(&value!({"user": {}, "error": "invalid bearer token"}));
    let unaware = review(&value!({"authenticated": true, "user": {"username": "alice"}}));
    let unavailable = Reason::IntrospectionUnavailable;
    let cases: &[(u16, &str, &str, &str, Reason)] = &[
        (201, json, &refused, "inactive", Reason::TokenInactive),
        (200, json, &refused, "inactive", Reason::TokenInactive),
        (201, json, &unaware, "active", Reason::AudienceMismatch),
        (201, "text/plain", &refused, "failed", unavailable),
        (202, json, &refused, "failed", unavailable),
        (400, json, &refused, "failed", unavailable),
        (401, json, &refused, "refused", unavailable),
        (403, json, r#"{"kind":"Status","code":403}"#, "refused", unavailable),
        (404, json, &refused, "failed", unavailable),
        (429, json, &refused, "failed", unavailable),
        (500, json, &refused, "failed", unavailable),
        (201, json, ACTIVE, "failed", unavailable),
    ];
    for (status, content_type, body, outcome, reason) in cases {
        let issuer = Issuer::says(*status, content_type, body).await;
        let introspector = new_introspector(kubernetes());
        assert_eq!(introspector.ask(&issuer).await.unwrap_err(), *reason, "{status} {body}");
        assert_eq!(introspector.outcomes(), [*outcome], "{status} {body}");
    }
}
