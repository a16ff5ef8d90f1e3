//! An explanation comes to what the decision comes to, whatever way a token is proved.

use std::time::Duration;

use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, gate, name_of, route};
use axum::http::StatusCode;
use bearward_core::{Check, Finding};
use bearward_gate::{Gate, RequestFacts, TokenFormats};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

/// The decision's outcome, with the findings of its explanation, each on a line.
async fn told(gate: &Gate, path: &str, token: &str) -> (String, String) {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let facts = RequestFacts::new(&Method::GET, path.as_bytes(), &headers);
    let explanation = gate.explain(&facts).await;
    let decision = gate.decide(&facts).await;
    let findings = explanation.trace.findings();
    let shown: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    let reason = decision.verdict.reason();
    assert_eq!(explanation.decision.verdict.reason(), reason, "{shown}");
    assert_eq!(explanation.trace.first_failure().and_then(Finding::reason), reason, "{shown}");
    assert!(findings.is_sorted_by_key(|finding| finding.check), "{shown}");
    assert!(!shown.contains(token) && !shown.contains("alice"), "{shown}");
    (name_of(&decision), shown)
}

#[tokio::test]
async fn it_says_what_the_decision_says() {
    let (clock, key, other) = (TestClock::new(), Key::new("k1"), Key::new("k2"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let claims = |change: fn(&mut Value)| {
        let mut claims = issuer.claims(clock.now());
        change(&mut claims);
        claims
    };
    let active = json!({"active": true, "aud": AUDIENCE, "scope": "orders:read"});
    let answers = [
        ("opaque-1", active.clone()),
        ("opaque-2", json!({"active": false})),
        ("opaque-3", json!({"active": true, "aud": "https://other.example.com"})),
        ("opaque-4", json!({"active": true, "aud": AUDIENCE, "token_type": "refresh_token"})),
    ];
    let signed = [
        ("good", key.sign(&claims(|_| {}))),
        ("expired", key.sign(&claims(|claims| claims["exp"] = json!(1)))),
        ("other audience", key.sign(&claims(|claims| claims["aud"] = json!("https://other.example.com")))),
        ("bound", key.sign(&claims(|claims| claims["cnf"] = json!({"jkt": "x"})))),
        ("all wrong", key.sign(&claims(|claims| *claims = json!({"iss": "https://x", "exp": 1, "cnf": {}})))),
        ("unknown key", other.sign(&claims(|_| {}))),
        ("forged", other.sign_as("k1", &claims(|_| {}))),
        ("not a token", "a.b.c".to_owned()),
    ];
    for tokens in [TokenFormats::Auto, TokenFormats::SelfContained, TokenFormats::Both] {
        let mut settings = issuer.settings();
        settings.tokens = tokens;
        if tokens == TokenFormats::SelfContained {
            settings.introspection = None;
        } else if let Some(asked) = &mut settings.introspection {
            (asked.cache_ttl, asked.negative_ttl) = (Duration::ZERO, Duration::ZERO);
        }
        let gate = gate(&clock, vec![settings], vec![route("/*", &["orders:read"]), route("/w/*", &["orders:write"])]);
        gate.ready().await;
        for (token, answer) in &answers {
            issuer.answer(token, answer.clone());
            told(&gate, "/", token).await;
        }
        for (name, token) in &signed {
            for answer in [&active, &json!({"active": false}), &json!({"active": true, "sub": "bob"})] {
                issuer.answer(token, answer.clone());
                for path in ["/", "/w/1"] {
                    let (_, shown) = told(&gate, path, token).await;
                    assert!(shown.contains("credential: passed"), "{name}: {shown}");
                }
            }
        }
        // An issuer that cannot be asked.
        *issuer.script.introspection_status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
        told(&gate, "/", "opaque-1").await;
        *issuer.script.introspection_status.lock().unwrap() = StatusCode::OK;
    }
}

#[tokio::test]
async fn every_check_that_can_be_made_is_made() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &["orders:write"])]);
    gate.ready().await;
    let mut claims = issuer.claims(clock.now());
    claims["exp"] = json!(clock.now() - 60);
    claims["aud"] = json!("https://other.example.com");
    let (outcome, shown) = told(&gate, "/", &key.sign(&claims)).await;
    assert_eq!(outcome, "token_expired");
    for failed in [Check::Time, Check::Audience] {
        assert!(shown.contains(&format!("{failed}: failed")), "{shown}");
    }
    // A remembered token is looked at again.
    let good = key.sign(&issuer.claims(clock.now()));
    told(&gate, "/", &good).await;
    let (outcome, shown) = told(&gate, "/", &good).await;
    assert_eq!(outcome, "scope_missing");
    assert!(shown.contains("signature: passed") && shown.contains("scope: failed"), "{shown}");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_told_as_such() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[]).await;
    *issuer.script.key_status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
    let mut settings = issuer.settings();
    settings.introspection = None;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let (outcome, shown) = told(&gate, "/", &key.sign(&issuer.claims(clock.now()))).await;
    assert_eq!(outcome, "keys_unavailable");
    assert!(shown.ends_with("key: failed (keys_unavailable)\n"), "{shown}");
}
