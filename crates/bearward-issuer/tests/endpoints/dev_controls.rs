//! The development controls: everything, for programs on this machine, and nothing for anybody else.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bearward_issuer::{Issuer, RunningIssuer, SigningAlgorithm};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::{assert_inactive, introspect, post_json, send, spawn};

async fn mint(issuer: &RunningIssuer, request: Value) -> String {
    let answer = post_json(issuer, "/dev/token", &request.to_string()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.body);
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_minted_as_described() {
    let issuer = spawn().await;
    let meaning = introspect(&issuer, &mint(&issuer, json!({})).await).await;
    assert_eq!((&meaning["client_id"], &meaning["sub"]), (&json!("orders-app"), &json!("orders-app")));

    let request = json!({
        "application": "other-app", "format": "referential", "audience": "https://a.example.com",
        "scope": "anything:at-all", "lifetime": 5, "subject": "alice",
    });
    let token = mint(&issuer, request).await;
    assert_eq!(token.split('.').count(), 5);
    let meaning = introspect(&issuer, &token).await;
    assert_eq!(meaning["client_id"], "other-app");
    assert_eq!(meaning["aud"], "https://a.example.com");
    assert_eq!(meaning["scope"], "anything:at-all");
    assert_eq!(meaning["sub"], "alice");
    assert_eq!(meaning["exp"].as_u64().unwrap() - meaning["iat"].as_u64().unwrap(), 5);
}

#[tokio::test]
async fn an_expired_token_can_be_had() {
    let issuer = spawn().await;
    let token = mint(&issuer, json!({ "lifetime": -60, "format": "self-contained" })).await;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert!(claims["exp"].as_u64() > claims["iat"].as_u64());
    assert_inactive(&introspect(&issuer, &token).await);
}

#[tokio::test]
async fn a_description_with_a_mistake_is_refused_and_told() {
    let issuer = spawn().await;
    for (request, error, told) in [
        (r#"{"application":"nobody"}"#, "invalid_request", "nobody"),
        (r#"{"aplication":"orders-app"}"#, "invalid_request", "aplication"),
        (r#"{"format":"opaque"}"#, "invalid_request", "self-contained"),
        (r#"{"lifetime":"60"}"#, "invalid_request", "lifetime"),
        (r#"{"lifetime":1.5}"#, "invalid_request", "lifetime"),
        (r#"{"scope":"a  b"}"#, "invalid_scope", "scope"),
        ("{", "invalid_request", "JSON"),
        ("", "invalid_request", "JSON"),
    ] {
        let answer = post_json(&issuer, "/dev/token", request).await;
        answer.expect_error(400, error);
        assert!(answer.body.contains(told), "{request}: {}", answer.body);
    }
    let plain = ["content-type: text/plain".to_owned()];
    let answer = send(issuer.address(), "POST", "/dev/token", &plain, "{}").await;
    answer.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn a_web_page_and_a_proxy_are_refused() {
    let issuer = spawn().await;
    for (method, path) in [
        ("POST", "/dev/token"),
        ("POST", "/apps/orders-app/dev/token"),
        ("POST", "/dev/rotate-keys"),
        ("POST", "/dev/retire-keys"),
        ("PUT", "/dev/faults"),
    ] {
        for header in ["origin: https://evil.example.com", "forwarded: for=192.0.2.1", "x-forwarded-for: 192.0.2.1"] {
            let headers = [header.to_owned(), "content-type: application/json".to_owned()];
            let answer = send(issuer.address(), method, path, &headers, "{}").await;
            answer.expect_error(403, "access_denied");
        }
    }
}

#[tokio::test]
async fn where_the_peer_is_not_known_nobody_is_let_through() {
    let issuer = Issuer::builder().algorithms([SigningAlgorithm::EdDsa]).url("http://127.0.0.1:9000").build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = issuer.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let answer = send(address, "POST", "/dev/token", &["content-type: application/json".to_owned()], "{}").await;
    answer.expect_error(403, "access_denied");
    assert_eq!(send(address, "GET", "/jwks", &[], "").await.status, 200);
    server.abort();
}
