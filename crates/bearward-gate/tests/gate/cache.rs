//! The cache holds what an issuer said of a token, never what a route decided, and never for too long.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, gate, gate_with_cache, numbers_of, outcome, route};
use bearward_gate::{CacheSettings, TokenFormats};
use serde_json::json;

#[tokio::test]
async fn policy_runs_on_every_request_cached_or_not() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut narrow = route("/narrow/*", &[]);
    if let bearward_core::Access::Token(requirement) = &mut narrow.access {
        requirement.audiences = vec!["https://narrow.example.com".to_owned()];
    }
    let routes = vec![route("/read/*", &["orders:read"]), route("/write/*", &["orders:write"]), narrow];
    let gate = gate(&clock, vec![issuer.settings()], routes);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "scope": "orders:read"}));
    for (token, source) in
        [(key.sign(&issuer.claims(clock.now())), "signature"), ("opaque".to_owned(), "introspection")]
    {
        assert_eq!(outcome(&gate, "/write/1", &token).await, "scope_missing");
        assert_eq!(outcome(&gate, "/read/1", &token).await, "admit cache", "{source}");
        assert_eq!(outcome(&gate, "/write/1", &token).await, "scope_missing");
        assert_eq!(outcome(&gate, "/narrow/1", &token).await, "audience_mismatch");
        assert_eq!(outcome(&gate, "/read/1", &token).await, "admit cache");
    }
}

#[tokio::test]
async fn no_entry_outlives_the_token() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let mut claims = issuer.claims(clock.now());
    claims["exp"] = json!(clock.now() + 30);
    let token = key.sign(&claims);
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
    clock.step(36); // exp, and the leeway of 5 s
    assert_eq!(outcome(&gate, "/", &token).await, "token_expired");
    // A clock that steps back finds a token that is good again, as it should; nothing worse.
    clock.step(-20);
    assert!(outcome(&gate, "/", &token).await.starts_with("admit"));
    clock.step(-60);
    assert_eq!(outcome(&gate, "/", &token).await, "token_not_yet_valid");
}

#[tokio::test]
async fn an_active_answer_is_used_for_its_time_and_a_revocation_seen_after_it() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "exp": clock.now() + 600}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    issuer.answer("opaque", json!({"active": false}));
    clock.step(59);
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit cache");
    clock.step(1);
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
    assert_eq!(issuer.questions(), 2, "the refusal was remembered");
}

#[tokio::test]
async fn a_failing_issuer_poisons_nothing() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    *issuer.script.introspection_status.lock().unwrap() = axum::http::StatusCode::BAD_GATEWAY;
    assert_eq!(outcome(&gate, "/", "opaque").await, "introspection_unavailable");
    *issuer.script.introspection_status.lock().unwrap() = axum::http::StatusCode::OK;
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_with_one_token_are_one_question() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = Arc::new(gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]));
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    // The first answer needs the metadata; the hundred shall meet at the question.
    assert_eq!(outcome(&gate, "/", "other").await, "token_inactive");
    *issuer.script.delay.lock().unwrap() = Duration::from_millis(100);
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { outcome(&gate, "/", "opaque").await })
        })
        .collect();
    for request in requests {
        assert!(request.await.unwrap().starts_with("admit"));
    }
    assert_eq!(issuer.questions(), 2);
}

/// GHSA-4mq7-pvjg-xp2r: an answer of one introspection endpoint was used for another.
#[tokio::test]
async fn one_issuers_answer_is_not_anothers() {
    let clock = TestClock::new();
    let (one, two) = (FakeIssuer::start(&[]).await, FakeIssuer::start(&[]).await);
    let mut first = route("/one/*", &[]);
    first.issuers = vec![one.url.clone()];
    let mut second = route("/two/*", &[]);
    second.issuers = vec![two.url.clone()];
    let gate = gate(&clock, vec![one.settings(), two.settings()], vec![first, second]);
    one.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/one/x", "opaque").await, "admit introspection");
    assert_eq!(outcome(&gate, "/two/x", "opaque").await, "token_inactive");
    assert_eq!(outcome(&gate, "/one/x", "opaque").await, "admit cache");
}

#[tokio::test]
async fn a_refresh_token_and_an_id_token_are_refused_whatever_the_issuer_says() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    issuer.answer("no-audience", json!({"active": true, "sub": "alice", "scope": "orders:read"}));
    issuer.answer("refresh", json!({"active": true, "aud": AUDIENCE, "token_type": "refresh_token"}));
    issuer.answer("id", json!({"active": true, "aud": AUDIENCE, "token_type": "id_token"}));
    issuer.answer("bound", json!({"active": true, "aud": AUDIENCE, "token_type": "DPoP", "cnf": {"jkt": "x"}}));
    issuer.answer("foreign", json!({"active": true, "aud": AUDIENCE, "iss": "https://other.example.com"}));
    for (token, reason) in [
        ("no-audience", "audience_mismatch"),
        ("refresh", "type_mismatch"),
        ("id", "type_mismatch"),
        ("bound", "confirmation_missing"),
        ("foreign", "issuer_mismatch"),
    ] {
        assert_eq!(outcome(&gate, "/", token).await, reason);
    }
}

#[tokio::test]
async fn a_refusal_is_looked_for_only_where_one_can_be() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    for (tokens, looked_for) in [(TokenFormats::SelfContained, 0.0), (TokenFormats::Both, 2.0)] {
        let mut settings = issuer.settings();
        settings.tokens = tokens;
        settings.introspection = settings.introspection.filter(|_| tokens == TokenFormats::Both);
        let routes = vec![route("/*", &[])];
        let (gate, registry) = gate_with_cache(&clock, vec![settings], routes, CacheSettings::default());
        let token = key.sign(&issuer.claims(clock.now()));
        for _ in 0..2 {
            outcome(&gate, "/", &token).await;
        }
        let counted: f64 = numbers_of(&registry, "bearward_cache_requests_total{cache=\"refused\"").iter().sum();
        assert!((counted - looked_for).abs() < 0.5, "{tokens:?}: {counted}");
    }
}
