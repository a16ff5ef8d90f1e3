//! What is judged on every request and not once for each token: who sends it, what the route asks, what is told upstream.

use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, decide, gate, route};
use bearward_core::Requirement;
use bearward_gate::{Source, TokenFormats};
use serde_json::json;

// RFC 9449, 7.2 and RFC 8705, 3. The proof is remembered, the refusal is not: the next sender may have the key.
#[tokio::test]
async fn a_bound_token_is_refused_as_a_bearer_token_each_time() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut bound = issuer.claims(clock.now());
    bound["cnf"] = json!({"jkt": "x"});
    let bound = key.sign(&bound);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "cnf": {"x5t#S256": "x"}}));
    issuer.answer("dpop", json!({"active": true, "aud": AUDIENCE, "token_type": "DPoP", "cnf": {"jkt": "x"}}));
    issuer.answer(&bound, json!({"active": true}));
    let free = key.sign(&issuer.claims(clock.now()));
    issuer.answer(&free, json!({"active": true, "cnf": {"jkt": "x"}}));

    let gates = [TokenFormats::Auto, TokenFormats::Both].map(|tokens| {
        let mut settings = issuer.settings();
        settings.tokens = tokens;
        gate(&clock, vec![settings], vec![route("/*", &[])])
    });
    for (gate, token) in [(0, &*bound), (0, "opaque"), (0, "dpop"), (1, &*bound), (1, &*free)] {
        for source in [None, Some(Source::Cache), Some(Source::Cache)] {
            let decision = decide(&gates[gate], "/", token).await;
            let reason = decision.verdict.reason().map(|reason| reason.name());
            assert_eq!(reason, Some("confirmation_missing"), "gate {gate}, {token}");
            assert_eq!(decision.issuer.as_deref(), Some(&*issuer.url), "remembered or not");
            assert!(source.is_none() || decision.source == source, "gate {gate}, {token}: {:?}", decision.source);
        }
    }
    // Only the issuer's word binds that token.
    assert_eq!(decide(&gates[0], "/", &free).await.verdict.reason(), None);
}

// A client that lacks the scope is told so; what its claims look like in a header matters to no route that refuses it.
#[tokio::test]
async fn what_no_header_can_hold_is_the_last_thing_that_is_judged() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let long = "x".repeat(5_000);
    let mut claims = issuer.claims(clock.now());
    claims["sub"] = json!(long);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "sub": long, "scope": claims["scope"]}));
    let routes = vec![route("/any/*", &[]), route("/admin/*", &["orders:admin"])];
    let gate = gate(&clock, vec![issuer.settings()], routes);
    for token in [&*key.sign(&claims), "opaque"] {
        for _ in 0..2 {
            for (path, expected) in
                [("/admin/1", (403, "scope_missing")), ("/any/1", (401, "identity_unrepresentable"))]
            {
                let reason = decide(&gate, path, token).await.verdict.reason().unwrap();
                assert_eq!((reason.cause().status().as_u16(), reason.name()), expected, "{path}");
            }
        }
    }
}

/// A handler that asks for a scope behind an open route has no token to look at.
#[tokio::test]
async fn what_a_handler_asks_beyond_its_route_needs_a_token() {
    let gate = gate(&TestClock::new(), Vec::new(), Vec::new());
    let refusal = gate.generation().narrow(None, None, &Requirement::default()).unwrap_err();
    assert_eq!(refusal.reason().name(), "credential_missing");
}
