//! Signed answers of introspection (RFC 9701): for whom they are asked for by `Accept`, and no token themselves.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::client::{Answer, GATEWAY, ORDERS, assert_inactive, basic, introspect, jwks, obtain, post_form_with, spawn};

const SIGNED: &str = "application/token-introspection+jwt";

async fn ask(issuer: &bearward_issuer::RunningIssuer, accept: &str, token: &str) -> Answer {
    let headers = [basic(GATEWAY), format!("accept: {accept}")];
    post_form_with(issuer, "/introspect", &headers, &format!("token={token}")).await
}

#[tokio::test]
async fn the_answer_is_signed_for_who_asks() {
    let issuer = spawn().await;
    let token = obtain(&issuer, ORDERS).await;
    for (token, active) in [(token.as_str(), true), ("unknown", false)] {
        for accept in [SIGNED, "Application/Token-Introspection+JWT;q=0.9, application/json"] {
            let answer = ask(&issuer, accept, token).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, SIGNED));
            assert_eq!(answer.header("cache-control"), "no-store");
            let header = decode_header(&answer.body).unwrap();
            assert_eq!(header.typ.as_deref(), Some("token-introspection+jwt"));
            let keys = jwks(&issuer).await;
            let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
            let mut validation = Validation::new(Algorithm::EdDSA);
            validation.set_issuer(&[issuer.url()]);
            validation.set_audience(&["gateway"]);
            validation.required_spec_claims.remove("exp");
            let claims = decode::<Value>(&answer.body, &key, &validation).unwrap().claims;
            assert_eq!(claims["token_introspection"]["active"], active);
            assert_eq!(claims["token_introspection"], introspect(&issuer, token).await);
            assert!(claims["iat"].is_u64() && claims.as_object().unwrap().len() == 4);
        }
    }
}

#[tokio::test]
async fn others_get_json_and_a_signed_answer_is_no_token() {
    let issuer = spawn().await;
    let token = obtain(&issuer, ORDERS).await;
    for accept in ["application/json", "*/*", "application/jwt"] {
        assert_eq!(ask(&issuer, accept, &token).await.header("content-type"), "application/json");
    }
    let answer = ask(&issuer, SIGNED, &token).await.body;
    assert_inactive(&introspect(&issuer, &answer).await);
    let refused = post_form_with(&issuer, "/introspect", &[format!("accept: {SIGNED}")], "token=a").await;
    refused.expect_error(401, "invalid_client");
    assert_eq!(refused.json()["error"], json!("invalid_client"));
}
