//! Each application is an issuer of its own: what it issues means nothing elsewhere, and nobody else gets tokens there.

use bearward_issuer::Application;
use serde_json::json;

use crate::{
    browser::payload,
    client::{
        API, GATEWAY, ORDERS, REFERENTIAL, assert_inactive, jwks, post_form, post_json, spawn, spawn_with, verify,
    },
};

const GRANT: &str = "grant_type=client_credentials";

#[tokio::test]
async fn a_token_is_issued_by_the_url_that_was_asked() {
    let issuer = spawn().await;
    let url = issuer.issuer().application_url("orders-app").unwrap();
    let answer = post_form(&issuer, "/apps/orders-app/token", ORDERS, GRANT).await.json();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(verify(token, &jwks(&issuer).await, &url, API).unwrap().claims["iss"], url);
    assert!(verify(token, &jwks(&issuer).await, issuer.url(), API).is_err());
}

#[tokio::test]
async fn another_application_gets_nothing_there() {
    let issuer = spawn().await;
    for client in [REFERENTIAL, GATEWAY] {
        post_form(&issuer, "/apps/orders-app/token", client, GRANT).await.expect_error(401, "invalid_client");
    }
    for path in ["/apps/orders-app/introspect", "/apps/orders-app/revoke"] {
        post_form(&issuer, path, REFERENTIAL, "token=unknown").await.expect_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn tokens_of_other_issuer_urls_are_inactive() {
    let issuer = spawn().await;
    for (client, name) in [(ORDERS, "orders-app"), (REFERENTIAL, "orders-app-referential")] {
        let own = issuer.issuer().token().application(name).own_issuer().mint().unwrap();
        let tenants = issuer.issuer().token().application(name).mint().unwrap();
        let others = issuer.issuer().token().application("other-app").own_issuer().mint().unwrap();
        // The client of a resource server may ask at each of them.
        for asking in [client, GATEWAY] {
            let path = format!("/apps/{name}/introspect");
            let ask = async |path: &str, token: &str| {
                post_form(&issuer, path, asking, &format!("token={token}")).await.json()
            };
            assert_eq!(ask(&path, &own).await["active"], true);
            assert_inactive(&ask(&path, &tenants).await);
            assert_inactive(&ask(&path, &others).await);
            assert_inactive(&ask("/introspect", &own).await);
        }
        // Nor can they be ended there.
        let answer = post_form(&issuer, &format!("/apps/{name}/revoke"), client, &format!("token={tenants}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(crate::client::introspect(&issuer, &tenants).await["active"], true);
    }
}

#[tokio::test]
async fn tokens_are_minted_there_as_well() {
    let issuer = spawn().await;
    let answer = post_json(&issuer, "/apps/other-app/dev/token", r#"{"custom_claims":{"tenant":"t1"}}"#).await.json();
    let claims = payload(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["iss"], issuer.issuer().application_url("other-app").unwrap());
    assert_eq!((&claims["client_id"], &claims["custom_claims"]), (&json!("other-app"), &json!({ "tenant": "t1" })));
    let other = post_json(&issuer, "/apps/other-app/dev/token", r#"{"application":"orders-app"}"#).await;
    other.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn claims_of_a_request_are_for_who_may_have_them() {
    let app = Application::new("app", "secret").custom_claims();
    let issuer = spawn_with(|builder| builder.application(app)).await;
    let form = format!(
        "{GRANT}&custom_claims=%7B%22plan%22%3A%22gold%22%2C%22iss%22%3A%22https%3A%2F%2Fevil.example.com%22%7D"
    );
    let token = post_form(&issuer, "/token", ("app", "secret"), &form).await.json();
    let claims = payload(token["access_token"].as_str().unwrap());
    assert_eq!(claims["custom_claims"]["plan"], "gold");
    assert_eq!(claims["iss"], issuer.url(), "they stand in a claim of their own");
    let meaning = crate::client::introspect(&issuer, token["access_token"].as_str().unwrap()).await;
    assert_eq!(meaning["custom_claims"]["plan"], "gold");
    post_form(&issuer, "/token", ORDERS, &form).await.expect_error(400, "invalid_request");
    for value in ["%5B%5D", "1", "%7B"] {
        let form = format!("{GRANT}&custom_claims={value}");
        post_form(&issuer, "/token", ("app", "secret"), &form).await.expect_error(400, "invalid_request");
    }
}
