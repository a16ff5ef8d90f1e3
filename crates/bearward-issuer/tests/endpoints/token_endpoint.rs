//! The token endpoint: who gets a token, which, and who does not.

use bearward_issuer::{Application, ClientAuthentication, ResourceServer, RunningIssuer, SigningAlgorithm};
use serde_json::{Value, json};

use crate::client::{
    API, Answer, GATEWAY, ORDERS, REFERENTIAL, basic, introspect, jwks, obtain, post_form, post_form_with, post_json,
    send, spawn, spawn_with, verify,
};

const GRANT: &str = "grant_type=client_credentials";

async fn ask(issuer: &RunningIssuer, form: &str) -> Answer {
    post_form(issuer, "/token", ORDERS, form).await
}

#[tokio::test]
async fn every_algorithm_gives_tokens_that_verify_with_the_published_keys() {
    for algorithm in
        [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa]
    {
        let issuer = spawn_with(|builder| builder.algorithms([algorithm])).await;
        let token = obtain(&issuer, ORDERS).await;
        let keys = jwks(&issuer).await;
        let verified = verify(&token, &keys, issuer.url(), API).unwrap();
        assert_eq!(verified.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(serde_json::to_value(verified.header.alg).unwrap(), algorithm.name());
        assert_eq!(verified.claims["client_id"], "orders-app");
        assert_eq!(verified.claims["sub"], "orders-app");
        assert_eq!(verified.claims["scope"], "orders:read orders:write");
        assert!(verify(&token, &keys, issuer.url(), "https://other.example.com").is_err());
        assert!(verify(&token, &keys, "http://127.0.0.1:1", API).is_err());
        let at = token.rfind('.').unwrap() + 10;
        let mut changed = token.clone();
        changed.replace_range(at..=at, if token[at..].starts_with('A') { "B" } else { "A" });
        assert!(verify(&changed, &keys, issuer.url(), API).is_err());
    }
}

#[tokio::test]
async fn the_answer_is_that_of_rfc_6749_and_is_not_to_be_kept() {
    let issuer = spawn().await;
    let answer = ask(&issuer, GRANT).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(body["scope"], "orders:read orders:write");
    assert_eq!(body.as_object().unwrap().len(), 4, "no refresh token, no ID token");
}

#[tokio::test]
async fn a_client_authenticates_by_the_method_it_is_registered_with() {
    let issuer = spawn().await;
    let post = format!("{GRANT}&client_id=orders-app&client_secret=orders-secret");
    post_form_with(&issuer, "/token", &[], &post).await.expect_error(401, "invalid_client");
    let by_post =
        Application::new("orders-app", "").authentication(ClientAuthentication::SecretPost("orders-secret".into()));
    let changed = spawn_with(|builder| builder.application(by_post)).await;
    assert_eq!(post_form_with(&changed, "/token", &[], &post).await.status, 200);
    ask(&changed, GRANT).await.expect_error(401, "invalid_client");
    assert_eq!(ask(&issuer, GRANT).await.status, 200);
}

#[tokio::test]
async fn a_referential_token_tells_nothing_and_is_answered_for() {
    let issuer = spawn().await;
    let token = obtain(&issuer, REFERENTIAL).await;
    assert_eq!(token.split('.').count(), 5);
    assert!(verify(&token, &jwks(&issuer).await, issuer.url(), API).is_err());
    let meaning = introspect(&issuer, &token).await;
    assert_eq!((&meaning["active"], &meaning["client_id"]), (&json!(true), &json!("orders-app-referential")));
}

#[tokio::test]
async fn who_does_not_prove_itself_gets_nothing() {
    let issuer = spawn().await;
    for client in [("orders-app", "wrong"), ("orders-app", ""), ("nobody", "orders-secret"), ("", "")] {
        post_form(&issuer, "/token", client, GRANT).await.expect_error(401, "invalid_client");
    }
    for (headers, form) in [
        (vec![], GRANT.to_owned()),
        (vec![], format!("{GRANT}&client_id=orders-app")),
        (vec![], format!("{GRANT}&client_id=orders-app&client_secret=wrong")),
        (vec!["authorization: Bearer abc".to_owned()], GRANT.to_owned()),
        (vec!["authorization: Basic abc".to_owned()], GRANT.to_owned()),
    ] {
        post_form_with(&issuer, "/token", &headers, &form).await.expect_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn a_secret_in_two_places_is_refused() {
    let issuer = spawn().await;
    let both = format!("{GRANT}&client_id=orders-app&client_secret=orders-secret");
    ask(&issuer, &both).await.expect_error(400, "invalid_request");
    let twice = [basic(ORDERS), basic(ORDERS)];
    post_form_with(&issuer, "/token", &twice, GRANT).await.expect_error(400, "invalid_request");
    ask(&issuer, &format!("{GRANT}&client_id=gateway")).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn the_grant_type_must_be_there_known_and_allowed() {
    let issuer = spawn().await;
    ask(&issuer, "").await.expect_error(400, "invalid_request");
    ask(&issuer, "grant_type=").await.expect_error(400, "invalid_request");
    for grant in ["authorization_code", "refresh_token"] {
        ask(&issuer, &format!("grant_type={grant}")).await.expect_error(400, "unauthorized_client");
    }
    for grant in ["password", "Client_Credentials"] {
        ask(&issuer, &format!("grant_type={grant}")).await.expect_error(400, "unsupported_grant_type");
    }
    post_form(&issuer, "/token", GATEWAY, GRANT).await.expect_error(400, "unauthorized_client");
}

#[tokio::test]
async fn scope_is_never_more_than_allowed() {
    let issuer = spawn().await;
    let granted = ask(&issuer, &format!("{GRANT}&scope=orders%3Aread")).await.json();
    assert_eq!(granted["scope"], "orders:read");
    let token = granted["access_token"].as_str().unwrap();
    assert_eq!(introspect(&issuer, token).await["scope"], "orders:read");
    for scope in ["admin", "orders:read+admin", "orders:read++orders:write", "orders:read%0A", "%22"] {
        ask(&issuer, &format!("{GRANT}&scope={scope}")).await.expect_error(400, "invalid_scope");
    }
    // An empty parameter is an omitted one.
    assert_eq!(ask(&issuer, &format!("{GRANT}&scope=")).await.json()["scope"], "orders:read orders:write");
}

#[tokio::test]
async fn the_resource_is_the_one_that_the_client_is_linked_to() {
    let (path, slash) = ("https://api.example.com/v1", "https://slash.example.com/");
    let app =
        |client_id, resource_server| Application::new(client_id, "secret").resource_server(resource_server, [""; 0]);
    let issuer = spawn_with(|builder| {
        let servers = [path, slash].map(ResourceServer::new);
        let builder = servers.into_iter().fold(builder, |builder, server| builder.resource_server(server));
        builder.application(app("path", path)).application(app("slash", slash))
    });
    let issuer = issuer.await;
    for (client, resource, good) in [
        (ORDERS, API, true),
        // As a URL library writes it.
        (ORDERS, "https://api.example.com/", true),
        (("slash", "secret"), "https://slash.example.com", true),
        (ORDERS, "https://api.example.com//", false),
        (ORDERS, "https://api.example.com/v1", false),
        (ORDERS, "https://other.example.com", false),
        (("path", "secret"), path, true),
        (("path", "secret"), "https://api.example.com/v1/", false),
        (("path", "secret"), API, false),
    ] {
        let answer = post_form(&issuer, "/token", client, &format!("{GRANT}&resource={resource}")).await;
        if good {
            assert_eq!(answer.status, 200, "{resource}: {}", answer.body);
        } else {
            answer.expect_error(400, "invalid_target");
        }
    }
    // The audience is as it is configured.
    let answer = post_form(&issuer, "/token", ORDERS, &format!("{GRANT}&resource={API}/")).await.json();
    assert_eq!(introspect(&issuer, answer["access_token"].as_str().unwrap()).await["aud"], API);
    post_form(&issuer, "/token", ORDERS, &format!("{GRANT}&resource=api")).await.expect_error(400, "invalid_target");
}

#[tokio::test]
async fn without_a_resource_server_the_scope_stays_empty() {
    let issuer = spawn_with(|builder| builder.application(Application::new("alone", "alone-secret"))).await;
    let answer = post_form(&issuer, "/token", ("alone", "alone-secret"), GRANT).await.json();
    assert_eq!(answer.get("scope"), None);
    let meaning = introspect(&issuer, answer["access_token"].as_str().unwrap()).await;
    assert_eq!((&meaning["aud"], meaning.get("scope")), (&json!("alone"), None));
    let asking = format!("{GRANT}&scope=orders:read");
    post_form(&issuer, "/token", ("alone", "alone-secret"), &asking).await.expect_error(400, "invalid_scope");
}

#[tokio::test]
async fn a_lifetime_gets_shorter_only() {
    let issuer = spawn().await;
    let granted = ask(&issuer, &format!("{GRANT}&expiration_time=60")).await.json();
    assert_eq!(granted["expires_in"], 60);
    let token = granted["access_token"].as_str().unwrap();
    let claims: Value = verify(token, &jwks(&issuer).await, issuer.url(), API).unwrap().claims;
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
    for seconds in ["3601", "0", "-5", "soon"] {
        let form = format!("{GRANT}&expiration_time={seconds}");
        ask(&issuer, &form).await.expect_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn nothing_may_be_there_twice() {
    let issuer = spawn().await;
    for form in [
        format!("{GRANT}&{GRANT}"),
        format!("{GRANT}&scope=orders:read&scope=orders:write"),
        format!("{GRANT}&scope=&scope=orders:read"),
        format!("{GRANT}&unknown=1&unknown=2"),
        format!("{GRANT}&scope=orders:read&sc%6Fpe=orders:read"),
    ] {
        ask(&issuer, &form).await.expect_error(400, "invalid_request");
    }
    assert_eq!(ask(&issuer, &format!("{GRANT}&unknown=1")).await.status, 200, "what is unknown is ignored");
}

#[tokio::test]
async fn the_body_is_a_form_of_a_bounded_length() {
    let issuer = spawn().await;
    let json = r#"{"grant_type":"client_credentials"}"#;
    post_json(&issuer, "/token", json).await.expect_error(400, "invalid_request");
    send(issuer.address(), "POST", "/token", &[basic(ORDERS)], GRANT).await.expect_error(400, "invalid_request");
    let long = format!("{GRANT}&unknown={}", "a".repeat(65 * 1024));
    ask(&issuer, &long).await.expect_error(400, "invalid_request");
    // The query is no place for parameters (RFC 6749 2.3.1).
    let form = post_form_with(&issuer, &format!("/token?{GRANT}"), &[basic(ORDERS)], "").await;
    form.expect_error(400, "invalid_request");
}
