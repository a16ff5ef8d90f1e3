//! The issuer's own API: holders of an access token with the right scope introspect, revoke, and list what was issued.

use bearward_issuer::{ResourceServer, RunningIssuer};
use serde_json::json;

use crate::{
    browser::{Flow, with_bearer},
    client::{ORDERS, assert_inactive, introspect, obtain, post_form_with, spawn},
};

const OPERATOR: (&str, &str) = ("operator", "operator-secret");

async fn ask(issuer: &RunningIssuer, path: &str, bearer: &str, form: &str) -> crate::client::Answer {
    post_form_with(issuer, path, &[format!("authorization: Bearer {bearer}")], form).await
}

#[tokio::test]
async fn a_holder_of_tokens_introspect_asks_at_every_issuer_url() {
    let issuer = spawn().await;
    let operator = obtain(&issuer, OPERATOR).await;
    let form = |token: &str| format!("token={token}");
    let token = obtain(&issuer, ORDERS).await;
    assert_eq!(ask(&issuer, "/introspect", &operator, &form(&token)).await.json()["active"], true);
    let own = issuer.issuer().token().own_issuer().mint().unwrap();
    assert_eq!(ask(&issuer, "/apps/orders-app/introspect", &operator, &form(&own)).await.json()["active"], true);
    let both = format!("{}&client_id=gateway&client_secret=gateway-secret", form(&token));
    ask(&issuer, "/introspect", &operator, &both).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn nobody_else_does() {
    let issuer = spawn().await;
    let mint = |audience: &str, scope: &str| issuer.issuer().token().audience(audience).scope(scope).mint().unwrap();
    let all = "tokens:introspect tokens:read tokens:delete";
    let expired = issuer.issuer().token().audience(ResourceServer::ISSUER).scope(all).expired().mint().unwrap();
    let token = obtain(&issuer, ORDERS).await;
    for (bearer, status) in [
        (mint(ResourceServer::ISSUER, "tokens:other"), 403),
        // The right scope for another API: whoever runs that one would otherwise run this one as well.
        (mint("https://api.example.com", all), 401),
        (expired, 401),
        ("unknown".to_owned(), 401),
    ] {
        for (method, path) in [("GET", "/tokens"), ("DELETE", "/tokens/unknown")] {
            let answer = with_bearer(&issuer, method, path, &bearer).await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert!(answer.header("www-authenticate").starts_with("Bearer "));
        }
        for path in ["/introspect", "/revoke"] {
            assert_eq!(ask(&issuer, path, &bearer, &format!("token={token}")).await.status, status, "{path}");
        }
    }
    assert_eq!(crate::client::get(&issuer, "/tokens").await.status, 401);
    let empty = post_form_with(&issuer, "/introspect", &["authorization: Bearer".to_owned()], "token=a").await;
    assert!(empty.status == 400 && empty.header("www-authenticate").starts_with("Bearer "), "asked as it tried");
    assert_eq!(introspect(&issuer, &token).await["active"], true);
}

#[tokio::test]
async fn what_was_issued_is_listed_and_ended_by_its_identifier() {
    let issuer = spawn().await;
    let operator = obtain(&issuer, OPERATOR).await;
    let native = Flow::native().at("/apps/native-app");
    let tokens = native.tokens(&issuer).await;
    let listed = with_bearer(&issuer, "GET", "/apps/native-app/tokens", &operator).await.json();
    let [entry] = listed["tokens"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&entry["client_id"], &entry["subject"]), (&json!("native-app"), &json!("alice")));
    assert_eq!((&entry["token_type"], &entry["token_format"]), (&json!("Bearer"), &json!("referential")));
    assert_eq!(entry["scopes"], json!(["orders:read", "orders:write"]));
    assert_eq!(entry["expires"].as_u64().unwrap() - entry["issued_at"].as_u64().unwrap(), 3600);
    assert_eq!(entry["active"], true);
    assert_eq!(entry.as_object().unwrap().len(), 9, "and never the token");

    let access = tokens["access_token"].as_str().unwrap();
    let path = format!("/apps/native-app/tokens/{}", entry["id"].as_str().unwrap());
    // Not listed at another issuer URL.
    let elsewhere = format!("/tokens/{}", entry["id"].as_str().unwrap());
    assert_eq!(with_bearer(&issuer, "DELETE", &elsewhere, &operator).await.status, 404);
    assert_eq!(with_bearer(&issuer, "DELETE", &path, &operator).await.status, 204);
    let meaning = ask(&issuer, "/apps/native-app/introspect", &operator, &format!("token={access}")).await.json();
    assert_inactive(&meaning);
    let listed = with_bearer(&issuer, "GET", "/apps/native-app/tokens", &operator).await.json();
    assert_eq!(listed["tokens"][0]["active"], false);
}

#[tokio::test]
async fn a_holder_of_tokens_delete_ends_the_tokens_of_every_client() {
    let issuer = spawn().await;
    let operator = obtain(&issuer, OPERATOR).await;
    let token = obtain(&issuer, ORDERS).await;
    assert_eq!(ask(&issuer, "/revoke", &operator, &format!("token={token}")).await.status, 200);
    assert_inactive(&introspect(&issuer, &token).await);
}

#[tokio::test]
async fn a_public_client_introspects_nothing_and_ends_its_own() {
    let issuer = spawn().await;
    let flow = Flow::native();
    let tokens = flow.tokens(&issuer).await;
    let access = tokens["access_token"].as_str().unwrap();
    flow.ask(&issuer, "/introspect", &[("token", access.to_owned())]).await.expect_error(401, "invalid_client");
    assert_eq!(flow.ask(&issuer, "/revoke", &[("token", access.to_owned())]).await.status, 200);
    assert_inactive(&introspect(&issuer, access).await);
}
