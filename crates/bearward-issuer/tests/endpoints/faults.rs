//! Faults on demand: one endpoint is slow or refuses, and the clock is wrong, until they are mended.

use std::time::{Duration, Instant};

use bearward_issuer::RunningIssuer;

use crate::{
    browser::payload,
    client::{GATEWAY, ORDERS, get, obtain, post_form, send, spawn, spawn_with},
};

async fn set(issuer: &RunningIssuer, faults: &str) -> u16 {
    let headers = ["content-type: application/json".to_owned()];
    send(issuer.address(), "PUT", "/dev/faults", &headers, faults).await.status
}

#[tokio::test]
async fn an_endpoint_refuses_until_it_is_mended() {
    let issuer = spawn().await;
    for (fault, paths) in [
        ("jwks=500", &["/jwks", "/apps/orders-app/jwks"][..]),
        (
            "discovery=503",
            &["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/apps/web-app"],
        ),
        ("authorization=404", &["/authorize"]),
        ("userinfo=429", &["/userinfo"]),
    ] {
        assert_eq!(set(&issuer, &format!("[\"{fault}\"]")).await, 204);
        let status: u16 = fault.split_once('=').unwrap().1.parse().unwrap();
        for path in paths {
            assert_eq!(get(&issuer, path).await.status, status, "{path}");
        }
        assert_eq!(set(&issuer, "[]").await, 204);
        for path in paths {
            assert_ne!(get(&issuer, path).await.status, status, "{path}");
        }
    }
    for (fault, path) in [("token=502", "/token"), ("introspection=500", "/introspect"), ("revocation=500", "/revoke")]
    {
        set(&issuer, &format!("[\"{fault}\"]")).await;
        let answer = post_form(&issuer, path, ORDERS, "token=unknown&grant_type=client_credentials").await;
        assert_eq!(
            (answer.status.to_string(), answer.body.as_str()),
            (fault.split_once('=').unwrap().1.to_owned(), "")
        );
    }
}

#[tokio::test]
async fn a_slow_endpoint_answers_rightly_and_others_are_not_slow() {
    let issuer = spawn_with(|builder| builder.fault("introspection=slow:300ms".parse().unwrap())).await;
    let token = format!("token={}", obtain(&issuer, ORDERS).await);
    let started = Instant::now();
    let answer = post_form(&issuer, "/introspect", GATEWAY, &token).await;
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.json()["active"], true);
    // So slow that the others would not answer in time either.
    assert_eq!(set(&issuer, r#"["introspection=slow:3600s"]"#).await, 204);
    tokio::select! {
        _ = post_form(&issuer, "/introspect", GATEWAY, &token) => panic!("it answered"),
        _ = obtain(&issuer, ORDERS) => {}
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_wrong_in_tokens_and_in_judging_them() {
    let issuer = spawn().await;
    let good = obtain(&issuer, ORDERS).await;
    set(&issuer, r#"["clock=+7200s"]"#).await;
    let ahead = obtain(&issuer, ORDERS).await;
    let issued = |token: &str| payload(token)["iat"].as_u64().unwrap();
    assert!(issued(&ahead) - issued(&good) >= 7200);
    assert_eq!(crate::client::introspect(&issuer, &good).await["active"], false);
    set(&issuer, "[]").await;
    assert_eq!(crate::client::introspect(&issuer, &good).await["active"], true);
    assert_eq!(crate::client::introspect(&issuer, &ahead).await["active"], false, "it is not yet good");
}

#[tokio::test]
async fn what_is_no_fault_is_refused_and_changes_nothing() {
    let issuer = spawn().await;
    set(&issuer, r#"["jwks=500"]"#).await;
    for faults in [r#"["jwks=200"]"#, r#"["nothing=500"]"#, r#"[500]"#, "{}", ""] {
        assert_eq!(set(&issuer, faults).await, 400, "{faults}");
    }
    assert_eq!(get(&issuer, "/jwks").await.status, 500);
}
