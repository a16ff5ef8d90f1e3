//! The authorization code flow: what is asked for is proved, and a code is good once, for one client and one request.

use serde_json::json;

use crate::{
    browser::{CALLBACK, Client, Flow, Page, VERIFIER, payload},
    client::{assert_inactive, introspect, spawn},
};

#[tokio::test]
async fn a_person_signs_in_and_the_application_gets_tokens() {
    let issuer = spawn().await;
    for at in ["", "/apps/web-app"] {
        let flow = Flow::web().at(at).with("nonce", "a nonce");
        let answer = flow.redirect(&issuer).await;
        assert_eq!((&*answer["state"], &answer["iss"]), ("the state", &format!("{}{at}", issuer.url())));
        assert_eq!(answer.len(), 3, "{answer:?}");
        let tokens = flow.redeem(&issuer, &answer["code"], &[]).await.json();
        let access = payload(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["iss"], format!("{}{at}", issuer.url()));
        assert_eq!((&access["sub"], &access["client_id"]), (&json!("alice"), &json!("web-app")));
        assert_eq!((&access["aud"], &access["scope"]), (&json!("https://api.example.com"), &tokens["scope"]));
        assert_eq!(access["scope"], "openid orders:read orders:write");
        let [signed_in, issued] = ["auth_time", "iat"].map(|name| access[name].as_u64().unwrap());
        assert!(signed_in <= issued && issued - signed_in < 60, "the sign-in was just now: {access}");
    }
}

#[tokio::test]
async fn a_public_application_gets_referential_tokens_in_the_same_way() {
    let issuer = spawn().await;
    let tokens = Flow::native().tokens(&issuer).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!((access.split('.').count(), tokens.get("id_token")), (5, None));
    let meaning = introspect(&issuer, access).await;
    assert_eq!((&meaning["active"], &meaning["sub"]), (&json!(true), &json!("alice")));
    assert_eq!(meaning["scope"], "orders:read orders:write");
}

#[tokio::test]
async fn a_role_and_a_person_narrow_the_scope() {
    let issuer = spawn().await;
    let tokens = Flow::web().person("bob").tokens(&issuer).await;
    assert_eq!(tokens["scope"], "openid orders:read");
    let answer = Flow::native().with("scope", "orders:write").person("bob").redirect(&issuer).await;
    assert_eq!((&*answer["error"], &*answer["state"]), ("access_denied", "the state"));
}

#[tokio::test]
async fn a_code_is_good_for_one_request_of_one_client() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let wrong_verifier = format!("{VERIFIER}A");
    for changes in [
        &[("code_verifier", wrong_verifier.as_str())][..],
        &[("code_verifier", "")],
        &[("code_verifier", "short")],
        &[("redirect_uri", "http://127.0.0.1:8081/callback/")],
        &[("redirect_uri", "http://127.0.0.1:8082/callback")],
        &[("code", "unknown")],
        &[("code", "a..b.c.d")],
    ] {
        let code = flow.code(&issuer).await;
        flow.redeem(&issuer, &code, changes).await.expect_error(400, "invalid_grant");
    }
    for missing in ["code", "redirect_uri"] {
        let code = flow.code(&issuer).await;
        flow.redeem(&issuer, &code, &[(missing, "")]).await.expect_error(400, "invalid_request");
        assert_eq!(flow.redeem(&issuer, &code, &[]).await.status, 200, "what was not read was not used");
    }
    // Of another application, and at another issuer URL.
    let code = flow.code(&issuer).await;
    Flow::native().redeem(&issuer, &code, &[]).await.expect_error(400, "invalid_grant");
    flow.clone().at("/apps/web-app").redeem(&issuer, &code, &[]).await.expect_error(400, "invalid_grant");
    assert_eq!(flow.redeem(&issuer, &code, &[]).await.status, 200, "others did not use it up");
}

#[tokio::test]
async fn a_wrong_verifier_uses_the_code_up() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let code = flow.code(&issuer).await;
    let wrong = format!("{VERIFIER}A");
    flow.redeem(&issuer, &code, &[("code_verifier", &wrong)]).await.expect_error(400, "invalid_grant");
    flow.redeem(&issuer, &code, &[]).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_code_that_is_used_twice_ends_what_it_gave() {
    let issuer = spawn().await;
    let flow = Flow::web();
    let code = flow.code(&issuer).await;
    let tokens = flow.redeem(&issuer, &code, &[]).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(introspect(&issuer, access).await["active"], true);
    flow.redeem(&issuer, &code, &[]).await.expect_error(400, "invalid_grant");
    assert_inactive(&introspect(&issuer, access).await);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    flow.refresh(&issuer, refresh, &[]).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let issuer = spawn().await;
    let flow = Flow::web();
    for (offset, status) in [("clock=+50s", 200), ("clock=+61s", 400)] {
        issuer.issuer().set_faults([]);
        let code = flow.code(&issuer).await;
        issuer.issuer().set_faults([offset.parse().unwrap()]);
        assert_eq!(flow.redeem(&issuer, &code, &[]).await.status, status, "{offset}");
    }
}

#[tokio::test]
async fn what_the_application_asks_for_wrongly_is_told_to_it() {
    let issuer = spawn().await;
    let long = "a".repeat(2049);
    for (name, value, error) in [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("scope", "openid admin", "invalid_scope"),
        ("scope", "orders:read", "invalid_scope"),
        ("scope", "", "invalid_scope"),
        ("scope", "openid  email", "invalid_scope"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", "=============================================", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("request", "a.b.c", "request_not_supported"),
        ("request_uri", "https://app.example.com/request", "request_uri_not_supported"),
        ("resource", "https://other.example.com", "invalid_target"),
        ("nonce", &long, "invalid_request"),
        ("custom_claims", "{}", "invalid_request"),
    ] {
        let answer = Flow::web().with(name, value).request(&issuer).await;
        let told = crate::browser::answer_to(&answer);
        assert_eq!((&*told["error"], &*told["state"]), (error, "the state"), "{name}={value}");
        assert_eq!(told["iss"], issuer.url());
        assert!(!told["error_description"].is_empty() && !told.contains_key("code"));
    }
}

#[tokio::test]
async fn where_nobody_proved_the_redirect_uri_nobody_is_sent_anywhere() {
    let issuer = spawn().await;
    let long = "a".repeat(2049);
    for (name, value) in [
        ("client_id", ""),
        ("client_id", "nobody"),
        ("client_id", "orders-app"),
        ("redirect_uri", ""),
        ("redirect_uri", "http://127.0.0.1:8081/callback/"),
        ("redirect_uri", "http://127.0.0.1:8081/callback?a=b"),
        ("redirect_uri", "http://127.0.0.1:8081/CALLBACK"),
        ("redirect_uri", "http://localhost:8081/callback"),
        ("redirect_uri", "http://127.0.0.1:8082/callback"),
        ("redirect_uri", "https://evil.example.com"),
        ("state", &long),
    ] {
        let answer = Flow::web().with(name, value).request(&issuer).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{name}={value}");
        assert!(answer.header("content-type").starts_with("text/html") && answer.body.contains("role=\"alert\""));
    }
    let mut twice = Flow::web();
    twice.parameters.push(("redirect_uri", CALLBACK.to_owned()));
    assert_eq!(twice.request(&issuer).await.status, 400);
    // Another application's page is not shown at this one's issuer URL.
    assert_eq!(Flow::web().at("/apps/native-app").request(&issuer).await.status, 400);
}

#[tokio::test]
async fn a_native_application_is_sent_to_the_port_that_it_got_and_proves_to_be_the_same() {
    let issuer = spawn().await;
    let port = "http://127.0.0.1:49152/callback";
    let flow = Flow::native().with("redirect_uri", port);
    // The port stands for a program: a code that went to one is not good for another.
    for (redirect_uri, status) in [(port, 200), (CALLBACK, 400)] {
        let page = Page::of(flow.request(&issuer).await);
        let mut fields = page.scopes.clone();
        fields.extend([("person", "alice"), ("decision", "allow")].map(|(name, value)| (name.into(), value.into())));
        let answer = page.send(&issuer, "", fields).await;
        let (uri, query) = answer.header("location").split_once("?code=").unwrap();
        assert_eq!(uri, port);
        let code = query.split('&').next().unwrap();
        assert_eq!(flow.redeem(&issuer, code, &[("redirect_uri", redirect_uri)]).await.status, status);
    }
}

#[tokio::test]
async fn a_public_client_has_no_secret_and_a_confidential_one_shows_it() {
    let issuer = spawn().await;
    for client in [
        Client::Basic("native-app", "guess"),
        Client::Form(vec![("client_id", "native-app".to_owned()), ("client_secret", "guess".to_owned())]),
    ] {
        let code = Flow::native().code(&issuer).await;
        let flow = Flow { client, ..Flow::native() };
        flow.redeem(&issuer, &code, &[]).await.expect_error(401, "invalid_client");
    }
    for client in [Client::Basic("web-app", "wrong"), Client::Form(vec![("client_id", "web-app".to_owned())])] {
        let code = Flow::web().code(&issuer).await;
        let flow = Flow { client, ..Flow::web() };
        flow.redeem(&issuer, &code, &[]).await.expect_error(401, "invalid_client");
    }
    let both = Client::Form(vec![("client_id", "native-app".to_owned())]);
    let code = Flow::native().code(&issuer).await;
    let flow = Flow { client: both, ..Flow::native() };
    assert_eq!(flow.redeem(&issuer, &code, &[]).await.status, 200);
}
