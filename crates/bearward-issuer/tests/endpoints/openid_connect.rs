//! OpenID Connect: ID tokens, which are no access tokens, and UserInfo.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::{
    browser::{Flow, part, payload, with_bearer},
    client::{assert_inactive, introspect, jwks, spawn},
};

#[tokio::test]
async fn an_id_token_says_who_signed_in_to_which_application() {
    let issuer = spawn().await;
    let flow = Flow::web().at("/apps/web-app").with("nonce", "a nonce");
    let tokens = flow.tokens(&issuer).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    let url = format!("{}/apps/web-app", issuer.url());
    let keys = jwks(&issuer).await;
    let key = keys.find(part(id_token, 0)["kid"].as_str().unwrap()).expect("a published key");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&url]);
    validation.set_audience(&["web-app"]);
    let claims = decode::<Value>(id_token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(url), &json!("web-app")));
    assert_eq!((&claims["sub"], &claims["nonce"]), (&json!("alice"), &json!("a nonce")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert!(claims["auth_time"].is_u64() && claims.get("scope").is_none() && claims.get("client_id").is_none());

    let again = flow.refresh(&issuer, tokens["refresh_token"].as_str().unwrap(), &[]).await.json();
    let again = payload(again["id_token"].as_str().unwrap());
    assert_eq!((&again["sub"], again.get("nonce")), (&json!("alice"), None));
    assert_eq!(again["auth_time"], claims["auth_time"]);
}

#[tokio::test]
async fn an_id_token_is_no_access_token() {
    let issuer = spawn().await;
    let tokens = Flow::web().tokens(&issuer).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    assert_eq!(part(id_token, 0)["typ"], "JWT");
    assert_inactive(&introspect(&issuer, id_token).await);
    assert_eq!(with_bearer(&issuer, "GET", "/userinfo", id_token).await.status, 401);
}

#[tokio::test]
async fn userinfo_tells_what_the_scope_holds() {
    let issuer = spawn().await;
    for (scope, expected) in [
        ("openid", json!({ "sub": "alice" })),
        ("openid profile", json!({ "sub": "alice", "name": "Alice" })),
        ("openid email", json!({ "sub": "alice", "email": "alice@example.com", "email_verified": true })),
    ] {
        let tokens = Flow::web().with("scope", scope).tokens(&issuer).await;
        let token = tokens["access_token"].as_str().unwrap();
        for method in ["GET", "POST"] {
            let answer = with_bearer(&issuer, method, "/userinfo", token).await;
            assert_eq!((answer.status, answer.json()), (200, expected.clone()));
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        assert_eq!(with_bearer(&issuer, "GET", "/apps/web-app/userinfo", token).await.status, 401, "another issuer's");
    }
}

#[tokio::test]
async fn userinfo_refuses_as_rfc_6750_has_it() {
    let issuer = spawn().await;
    let without = issuer.issuer().token().application("web-app").scope("orders:read").mint().unwrap();
    let expired = issuer.issuer().token().application("web-app").scope("openid").expired().mint().unwrap();
    for (token, status, challenge) in [
        (without.as_str(), 403, r#"error="insufficient_scope", scope="openid""#),
        (&expired, 401, r#"error="invalid_token""#),
        ("unknown", 401, r#"error="invalid_token""#),
    ] {
        let answer = with_bearer(&issuer, "GET", "/userinfo", token).await;
        assert_eq!(answer.status, status);
        assert!(answer.header("www-authenticate").ends_with(challenge), "{}", answer.header("www-authenticate"));
    }
    const REALM: &str = r#"Bearer realm="bearward-issuer""#;
    let nothing = crate::client::get(&issuer, "/userinfo").await;
    assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, REALM));
    for (credentials, status, error) in [
        ("Basic YTpi", 401, ""),
        ("Negotiate", 401, ""),
        ("Bearer", 400, r#", error="invalid_request""#),
        ("bEARER unknown", 401, r#", error="invalid_token""#),
    ] {
        let header = [format!("authorization: {credentials}")];
        let answer = crate::client::send(issuer.address(), "GET", "/userinfo", &header, "").await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (status, &*format!("{REALM}{error}")));
    }
}
