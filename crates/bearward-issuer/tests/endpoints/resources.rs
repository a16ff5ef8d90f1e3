//! Resource indicators (RFC 8707): a request names the APIs that its token is for, and the token says so.

use bearward_issuer::{Application, ResourceServer, RunningIssuer};
use serde_json::{Value, json};

use crate::{
    browser::{CALLBACK, Client, Flow, payload},
    client::{API, introspect, post_form, spawn_with},
};

const ADMIN: &str = "https://admin.example.com";
const CLIENT: (&str, &str) = ("both", "secret");
const GRANT: &str = "grant_type=client_credentials";

/// An issuer with applications that are linked to two APIs, one for itself and one for people.
async fn spawn() -> RunningIssuer {
    let linked = |application: Application| {
        application
            .resource_server(API, ["orders:read", "orders:write"])
            .resource_server(ADMIN, ["orders:read", "admin:write"])
    };
    spawn_with(|builder| {
        builder
            .resource_server(ResourceServer::new(ADMIN).scopes(["orders:read", "admin:write"]))
            .application(linked(Application::new(CLIENT.0, CLIENT.1)))
            .application(linked(Application::new("people", "secret")).authorization_code([CALLBACK]).refresh_tokens())
    })
    .await
}

fn flow() -> Flow {
    Flow::new("people", Client::Basic("people", "secret"))
}

/// `aud` and `scope` of an access token.
fn said(answer: &Value) -> (Value, Value) {
    let claims = payload(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["scope"], answer["scope"], "what is granted is told");
    (claims["aud"].clone(), claims["scope"].clone())
}

#[tokio::test]
async fn a_token_is_for_what_the_request_names_and_has_the_scopes_of_that_alone() {
    let issuer = spawn().await;
    let all = json!("orders:read orders:write admin:write");
    for (form, aud, scope) in [
        (String::new(), json!([API, ADMIN]), all.clone()),
        (format!("&resource={API}&resource={ADMIN}"), json!([API, ADMIN]), all.clone()),
        (format!("&resource={ADMIN}&resource={API}&resource={ADMIN}/"), json!([ADMIN, API]), all),
        (format!("&resource={ADMIN}"), json!(ADMIN), json!("orders:read admin:write")),
        (format!("&resource={API}&scope=orders:read+admin:write"), json!(API), json!("orders:read")),
    ] {
        let answer = post_form(&issuer, "/token", CLIENT, &format!("{GRANT}{form}")).await;
        assert_eq!(answer.status, 200, "{form}: {}", answer.body);
        assert_eq!(said(&answer.json()), (aud.clone(), scope), "{form}");
        assert_eq!(introspect(&issuer, answer.json()["access_token"].as_str().unwrap()).await["aud"], aud);
    }
}

#[tokio::test]
async fn one_wrong_resource_refuses_all() {
    let issuer = spawn().await;
    for wrong in ["https://other.example.com", "admin.example.com", "https://admin.example.com%23a", "both"] {
        for form in [format!("&resource={API}&resource={wrong}"), format!("&resource={wrong}&resource={API}")] {
            let answer = post_form(&issuer, "/token", CLIENT, &format!("{GRANT}{form}")).await;
            answer.expect_error(400, "invalid_target");
        }
        let mut asking = flow().with("resource", API);
        asking.parameters.push(("resource", wrong.replace("%23", "#")));
        assert_eq!(crate::browser::answer_to(&asking.request(&issuer).await)["error"], "invalid_target");
    }
    // Of what is asked for, nothing means anything there.
    let nothing = format!("{GRANT}&resource={API}&scope=admin:write");
    post_form(&issuer, "/token", CLIENT, &nothing).await.expect_error(400, "invalid_scope");
    // No other parameter may be there twice.
    let twice = format!("{GRANT}&resource={API}&resource={ADMIN}&audience=a&audience=b");
    post_form(&issuer, "/token", CLIENT, &twice).await.expect_error(400, "invalid_request");
}

#[tokio::test]
async fn a_code_is_good_for_what_the_authorization_request_named_or_for_less() {
    let issuer = spawn().await;
    let both = flow();
    for (resource, aud, scope) in [
        ("", json!([API, ADMIN]), "orders:read orders:write admin:write"),
        (ADMIN, json!(ADMIN), "orders:read admin:write"),
    ] {
        let code = both.code(&issuer).await;
        let answer = both.redeem(&issuer, &code, &[("resource", resource)]).await.json();
        assert_eq!(said(&answer), (aud, json!(scope)));
    }
    // What the person did not see cannot be had with the code.
    let one = flow().with("resource", API);
    assert_eq!(said(&one.tokens(&issuer).await), (json!(API), json!("orders:read orders:write")));
    let code = one.code(&issuer).await;
    one.redeem(&issuer, &code, &[("resource", ADMIN)]).await.expect_error(400, "invalid_target");
    one.redeem(&issuer, &code, &[]).await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_is_good_for_all_of_the_grant_and_each_use_for_less() {
    let issuer = spawn().await;
    let flow = flow();
    let mut tokens = flow.tokens(&issuer).await;
    for (more, aud, scope) in [
        (&[("resource", ADMIN)][..], json!(ADMIN), "orders:read admin:write"),
        (&[("resource", API), ("resource", ADMIN)], json!([API, ADMIN]), "orders:read orders:write admin:write"),
        (&[("resource", API), ("scope", "orders:read admin:write")], json!(API), "orders:read"),
        (&[], json!([API, ADMIN]), "orders:read orders:write admin:write"),
    ] {
        tokens = flow.refresh(&issuer, tokens["refresh_token"].as_str().unwrap(), more).await.json();
        assert_eq!(said(&tokens), (aud, json!(scope)), "{more:?}");
    }
    let narrow = self::flow().with("resource", API);
    let token = narrow.tokens(&issuer).await["refresh_token"].as_str().unwrap().to_owned();
    for resource in [ADMIN, "https://other.example.com"] {
        narrow.refresh(&issuer, &token, &[("resource", resource)]).await.expect_error(400, "invalid_target");
    }
    assert_eq!(narrow.refresh(&issuer, &token, &[]).await.status, 200, "a mistake does not use it up");
}
