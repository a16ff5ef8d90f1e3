//! Refresh tokens: replaced at each use, never wider than what was allowed, and the end of the family when one is used
//! again.

use bearward_issuer::Application;
use serde_json::json;

use crate::{
    browser::{CALLBACK, Client, Flow, part, payload},
    client::{assert_inactive, introspect, jwks, post_form, spawn, spawn_with, verify},
};

#[tokio::test]
async fn each_use_gives_a_new_one() {
    let issuer = spawn().await;
    for flow in [Flow::web(), Flow::native().at("/apps/native-app")] {
        let first = flow.tokens(&issuer).await;
        let second = flow.refresh(&issuer, first["refresh_token"].as_str().unwrap(), &[]).await.json();
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        assert_ne!(first["access_token"], second["access_token"]);
        assert_eq!(first["scope"], second["scope"]);
        let third = flow.refresh(&issuer, second["refresh_token"].as_str().unwrap(), &[]).await;
        assert_eq!(third.status, 200);
    }
}

#[tokio::test]
async fn scope_can_be_narrowed_and_never_widened() {
    let issuer = spawn().await;
    let flow = Flow::web().with("scope", "openid orders:read");
    let first = flow.tokens(&issuer).await;
    let token = first["refresh_token"].as_str().unwrap();
    for scope in ["openid orders:write", "orders:read orders:write", "email", "orders:read  openid"] {
        flow.refresh(&issuer, token, &[("scope", scope)]).await.expect_error(400, "invalid_scope");
    }
    let narrow = flow.refresh(&issuer, token, &[("scope", "orders:read")]).await.json();
    assert_eq!((&narrow["scope"], narrow.get("id_token")), (&json!("orders:read"), None));
    let wide = flow.refresh(&issuer, narrow["refresh_token"].as_str().unwrap(), &[]).await.json();
    assert_eq!(wide["scope"], "openid orders:read", "the grant is what it was");
}

#[tokio::test]
async fn reuse_ends_the_family() {
    let issuer = spawn().await;
    let flow = Flow::native();
    let first = flow.tokens(&issuer).await;
    let old = first["refresh_token"].as_str().unwrap();
    let second = flow.refresh(&issuer, old, &[]).await.json();
    for tokens in [&first, &second] {
        assert_eq!(introspect(&issuer, tokens["access_token"].as_str().unwrap()).await["active"], true);
    }
    flow.refresh(&issuer, old, &[]).await.expect_error(400, "invalid_grant");
    for tokens in [&first, &second] {
        assert_inactive(&introspect(&issuer, tokens["access_token"].as_str().unwrap()).await);
    }
    flow.refresh(&issuer, second["refresh_token"].as_str().unwrap(), &[]).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_is_one_clients_and_one_issuers() {
    let issuer = spawn().await;
    let (web, native) = (Flow::web(), Flow::native());
    let tokens = native.tokens(&issuer).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    web.refresh(&issuer, token, &[]).await.expect_error(400, "invalid_grant");
    native.clone().at("/apps/native-app").refresh(&issuer, token, &[]).await.expect_error(400, "invalid_grant");
    for other in ["", "unknown", tokens["access_token"].as_str().unwrap()] {
        let answer = native.refresh(&issuer, other, &[]).await;
        answer.expect_error(400, if other.is_empty() { "invalid_request" } else { "invalid_grant" });
    }
    assert_eq!(native.refresh(&issuer, token, &[]).await.status, 200, "others did not end it");
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let issuer = spawn().await;
    let tokens = Flow::web().tokens(&issuer).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(part(token, 0)["typ"], "rt+jwt");
    assert!(verify(token, &jwks(&issuer).await, issuer.url(), "https://api.example.com").is_err());
    // Its own client learns what it is, and so that it is none; an API learns nothing.
    let own = post_form(&issuer, "/introspect", ("web-app", "web-secret"), &format!("token={token}")).await.json();
    assert_eq!((&own["active"], &own["token_type"]), (&json!(true), &json!("refresh_token")));
    assert_eq!(own.get("aud"), None);
    assert_inactive(&introspect(&issuer, token).await);
}

#[tokio::test]
async fn one_without_scope_has_none() {
    let app = Application::new("alone", "secret").authorization_code([CALLBACK]).refresh_tokens();
    let issuer = spawn_with(|builder| builder.application(app)).await;
    let tokens = Flow::new("alone", Client::Basic("alone", "secret")).tokens(&issuer).await;
    assert_eq!(tokens.get("scope"), None);
    let form = format!("token={}", tokens["refresh_token"].as_str().unwrap());
    let own = post_form(&issuer, "/introspect", ("alone", "secret"), &form).await.json();
    assert_eq!((&own["active"], own.get("scope")), (&json!(true), None), "a scope that is null is no text");
}

#[tokio::test]
async fn revoking_one_ends_the_family_and_revoking_an_access_token_does_not() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let tokens = flow.tokens(&issuer).await;
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned());
    assert_eq!(flow.ask(&issuer, "/revoke", &[("token", access.clone())]).await.status, 200);
    assert_inactive(&introspect(&issuer, &access).await);
    let next = flow.refresh(&issuer, &refresh, &[]).await.json();
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| next[name].as_str().unwrap().to_owned());
    Flow::native().ask(&issuer, "/revoke", &[("token", refresh.clone())]).await.expect_error(400, "invalid_grant");
    assert_eq!(flow.ask(&issuer, "/revoke", &[("token", refresh.clone())]).await.status, 200);
    assert_inactive(&introspect(&issuer, &access).await);
    flow.refresh(&issuer, &refresh, &[]).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn lifetimes_get_shorter_and_claims_come_too_late() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let tokens = flow.tokens(&issuer).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    flow.refresh(&issuer, token, &[("expiration_time", "3601")]).await.expect_error(400, "invalid_request");
    flow.refresh(&issuer, token, &[("custom_claims", "{}")]).await.expect_error(400, "invalid_request");
    let short = flow.refresh(&issuer, token, &[("expiration_time", "60")]).await.json();
    let claims = payload(short["access_token"].as_str().unwrap());
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
}

#[tokio::test]
async fn a_family_ends_thirty_days_after_the_sign_in() {
    let issuer = spawn().await;
    let flow = Flow::native();
    let tokens = flow.tokens(&issuer).await;
    issuer.issuer().set_faults(["clock=+2592001s".parse().unwrap()]);
    let refused = flow.refresh(&issuer, tokens["refresh_token"].as_str().unwrap(), &[]).await;
    refused.expect_error(400, "invalid_grant");
}
