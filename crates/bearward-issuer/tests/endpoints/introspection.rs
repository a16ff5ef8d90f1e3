//! Introspection: what a token means, and not a word on why it means nothing.

use bearward_issuer::TokenFormat;
use serde_json::json;

use crate::client::{
    API, GATEWAY, ORDERS, REFERENTIAL, assert_inactive, introspect, obtain, post_form, post_form_with, spawn,
    spawn_with,
};

const FORMATS: [TokenFormat; 2] = [TokenFormat::SelfContained, TokenFormat::Referential];

#[tokio::test]
async fn a_token_of_either_format_is_described_in_full() {
    let issuer = spawn().await;
    for (client, format) in [ORDERS, REFERENTIAL].into_iter().zip(FORMATS) {
        let token = issuer.issuer().token().application(client.0).format(format).subject("alice").mint().unwrap();
        let meaning = introspect(&issuer, &token).await;
        assert_eq!(meaning["active"], true);
        assert_eq!(meaning["token_type"], "Bearer");
        assert_eq!(meaning["iss"], issuer.url());
        assert_eq!(meaning["aud"], API);
        assert_eq!(meaning["sub"], "alice");
        assert_eq!(meaning["client_id"], client.0);
        assert_eq!(meaning["scope"], "orders:read orders:write");
        assert_eq!(meaning["nbf"], meaning["iat"]);
        assert_eq!(meaning["exp"].as_u64().unwrap() - meaning["iat"].as_u64().unwrap(), 3600);
        assert!(meaning["jti"].as_str().is_some_and(|jti| jti.len() == 22));
        assert_eq!(meaning.as_object().unwrap().len(), 11);
    }
}

#[tokio::test]
async fn any_registered_client_may_ask_and_with_a_hint() {
    let issuer = spawn().await;
    let token = obtain(&issuer, ORDERS).await;
    for client in [GATEWAY, ORDERS, REFERENTIAL] {
        let form = format!("token={token}&token_type_hint=refresh_token");
        let answer = post_form(&issuer, "/introspect", client, &form).await;
        assert_eq!(answer.json()["active"], true);
    }
}

#[tokio::test]
async fn nobody_else_learns_anything() {
    let issuer = spawn().await;
    let form = format!("token={}", obtain(&issuer, ORDERS).await);
    for client in [("gateway", "wrong"), ("nobody", "gateway-secret")] {
        post_form(&issuer, "/introspect", client, &form).await.expect_error(401, "invalid_client");
    }
    post_form_with(&issuer, "/introspect", &[], &form).await.expect_error(401, "invalid_client");
    let both = format!("{form}&client_id=gateway&client_secret=gateway-secret");
    post_form(&issuer, "/introspect", GATEWAY, &both).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn the_token_must_be_there_once() {
    let issuer = spawn().await;
    for form in ["", "token=", "token=a&token=b", "token_type_hint=access_token"] {
        post_form(&issuer, "/introspect", GATEWAY, form).await.expect_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn an_expired_token_is_inactive() {
    let issuer = spawn().await;
    for format in FORMATS {
        for lifetime in [-3600, -1, 0] {
            let token = issuer.issuer().token().format(format).lifetime(lifetime).mint().unwrap();
            assert_inactive(&introspect(&issuer, &token).await);
        }
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_is_inactive() {
    // The same URL, so that nothing but the keys can tell the two apart.
    let url = "https://auth.example.com";
    let issuer = spawn_with(|builder| builder.url(url)).await;
    let other = spawn_with(|builder| builder.url(url)).await;
    for format in FORMATS {
        let token = other.issuer().token().format(format).mint().unwrap();
        assert_eq!(introspect(&other, &token).await["active"], true);
        assert_inactive(&introspect(&issuer, &token).await);
    }
}

#[tokio::test]
async fn a_changed_token_is_inactive() {
    let issuer = spawn().await;
    for format in FORMATS {
        let token = issuer.issuer().token().format(format).mint().unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        for (number, part) in parts.iter().enumerate() {
            let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            // The middle: the last character of a part may hold bits that mean nothing.
            let at = part.len() / 2;
            let other = if part.get(at..=at) == Some("A") { "B" } else { "A" };
            changed[number].replace_range(at..(at + 1).min(part.len()), other);
            assert_inactive(&introspect(&issuer, &changed.join(".")).await);
        }
        assert_inactive(&introspect(&issuer, &format!("{token}A")).await);
    }
}

#[tokio::test]
async fn what_nobody_signed_or_issued_is_inactive() {
    let issuer = spawn().await;
    assert_inactive(&introspect(&issuer, &issuer.issuer().token().unsigned().mint().unwrap()).await);
    for token in ["opaque", "a.b.c", "a..b.c.d", "%00", "..", "...."] {
        assert_inactive(&introspect(&issuer, token).await);
    }
}

#[tokio::test]
async fn several_audiences_are_an_array() {
    let issuer = spawn().await;
    let token = issuer.issuer().token().audience("https://a.example.com").audience("https://b.example.com");
    let meaning = introspect(&issuer, &token.mint().unwrap()).await;
    assert_eq!(meaning["aud"], json!(["https://a.example.com", "https://b.example.com"]));
}
