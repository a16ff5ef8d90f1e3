//! Issuers, routes, hosts and audiences have nothing of one another: neither keys, nor answers, nor troubles.

use std::sync::Arc;
use std::time::Duration;

use crate::support::wire::{Says, Wire};
use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, eventually, gate, outcome, outcome_at, route};
use bearward_core::{Access, Host};
use bearward_gate::RouteSettings;
use serde_json::json;

fn of(issuer: &str, path: &str) -> RouteSettings {
    let mut route = route(path, &[]);
    route.issuers = vec![issuer.to_owned()];
    route
}

/// Not a measurement: what hangs here hangs until the test is over, and the rest must be done before.
#[tokio::test]
async fn while_one_issuer_hangs_another_answers() {
    let (clock, key) = (TestClock::new(), Key::new("same-kid"));
    let good = FakeIssuer::start(&[&key]).await;
    let hangs = Wire::start().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/introspect"] {
        hangs.say(path, Says::Nothing);
    }
    let mut settings = good.settings();
    settings.issuer.clone_from(&hangs.url);
    settings.timeout = Duration::from_secs(60);
    let asked = settings.introspection.as_mut().unwrap();
    (asked.timeout, asked.max_concurrent) = (Duration::from_secs(60), 2);
    asked.url = Some(format!("{}/introspect", hangs.url));
    let routes = vec![of(&hangs.url, "/hangs/*"), of(&good.url, "/good/*")];
    let gate = Arc::new(gate(&clock, vec![settings, good.settings()], routes));
    good.answer("opaque", json!({"active": true, "aud": AUDIENCE}));

    let mut waiting = Vec::new();
    for at in 0..100 {
        let mut claims = good.claims(clock.now());
        claims["iss"] = json!(hangs.url);
        claims["jti"] = json!(at.to_string());
        // More than may be asked at once, and fewer than may wait.
        let token = if at % 4 == 0 { format!("opaque-{at}") } else { key.sign(&claims) };
        let gate = Arc::clone(&gate);
        waiting.push(tokio::spawn(async move { outcome(&gate, "/hangs/1", &token).await }));
    }
    eventually("the second question", || hangs.asked("/introspect") >= 2).await;
    for at in 0..100 {
        let mut claims = good.claims(clock.now());
        claims["jti"] = json!(at.to_string());
        assert_eq!(outcome(&gate, "/good/1", &key.sign(&claims)).await, "admit signature");
        assert!(outcome(&gate, "/good/1", "opaque").await.starts_with("admit"));
        assert_eq!(outcome(&gate, "/good/1", &format!("junk-{at}")).await, "token_inactive");
    }
    assert!(waiting.iter().all(|request| !request.is_finished()));
    for request in waiting {
        request.abort();
    }
}

/// RFC 8725, 3.8. CVE-2026-37979 is why the gateway does not lean on the issuer for it.
#[tokio::test]
async fn two_issuers_with_one_kid_share_nothing() {
    let (clock, one_key, two_key) = (TestClock::new(), Key::new("shared"), Key::new("shared"));
    let (one, two) = (FakeIssuer::start(&[&one_key]).await, FakeIssuer::start(&[&two_key]).await);
    let routes = vec![of(&one.url, "/one/*"), of(&two.url, "/two/*"), route("/both/*", &[])];
    let mut all = vec![one.settings(), two.settings()];
    for settings in &mut all {
        settings.introspection = None;
    }
    let gate = gate(&clock, all, routes);
    let now = clock.now();
    let (of_one, of_two) = (one_key.sign(&one.claims(now)), two_key.sign(&two.claims(now)));
    let (forged_one, forged_two) = (two_key.sign(&one.claims(now)), one_key.sign(&two.claims(now)));
    // Twice, so that the second time meets what the first one left in the cache.
    for source in ["signature", "cache"] {
        let admitted = format!("admit {source}");
        assert_eq!(outcome(&gate, "/both/1", &of_one).await, admitted);
        assert_eq!(outcome(&gate, "/both/1", &of_two).await, admitted);
        for forged in [&forged_one, &forged_two] {
            assert_eq!(outcome(&gate, "/both/1", forged).await, "signature_invalid");
        }
        // What was proved for a route with other issuers does not count here.
        assert_eq!(outcome(&gate, "/one/1", &of_one).await, admitted);
        assert_eq!(outcome(&gate, "/two/1", &of_two).await, admitted);
        assert_eq!(outcome(&gate, "/one/1", &of_two).await, "signature_invalid");
        assert_eq!(outcome(&gate, "/two/1", &of_one).await, "signature_invalid");
    }
}

#[tokio::test]
async fn an_issuer_that_publishes_anothers_key_gains_nothing_by_it() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (honest, thief) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let routes = vec![of(&honest.url, "/honest/*"), of(&thief.url, "/thief/*")];
    let gate = gate(&clock, vec![honest.settings(), thief.settings()], routes);
    let token = key.sign(&honest.claims(clock.now()));
    assert_eq!(outcome(&gate, "/honest/1", &token).await, "admit signature");
    assert_eq!(outcome(&gate, "/thief/1", &token).await, "issuer_mismatch");
    // The thief vouches for an opaque token; that is its word on its own routes and on no others.
    thief.answer("opaque", json!({"active": true, "aud": AUDIENCE, "scope": "admin"}));
    assert_eq!(outcome(&gate, "/thief/1", "opaque").await, "admit introspection");
    assert_eq!(outcome(&gate, "/honest/1", "opaque").await, "token_inactive");
    assert_eq!(outcome(&gate, "/thief/1", "opaque").await, "admit cache");
    thief.answer("claims-to-be", json!({"active": true, "aud": AUDIENCE, "iss": honest.url}));
    assert_eq!(outcome(&gate, "/thief/1", "claims-to-be").await, "issuer_mismatch");
}

/// CVE-2021-32701, with hosts and audiences in the place of scopes: what was enough there is not enough here.
#[tokio::test]
async fn what_one_host_lets_in_another_judges_anew() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let tenant = |host: &str, audience: &str| {
        let mut route = route("/*", &[]);
        host.clone_into(&mut route.name);
        route.hosts = vec![Host::parse(host).unwrap()];
        if let Access::Token(requirement) = &mut route.access {
            requirement.audiences = vec![audience.to_owned()];
        }
        route
    };
    let routes =
        vec![tenant("a.example.com", "https://a.example.com"), tenant("b.example.com", "https://b.example.com")];
    let gate = gate(&clock, vec![issuer.settings()], routes);
    let mut claims = issuer.claims(clock.now());
    claims["aud"] = json!([AUDIENCE, "https://a.example.com"]);
    issuer.answer("opaque", json!({"active": true, "aud": claims["aud"]}));
    for token in [key.sign(&claims), "opaque".to_owned()] {
        for _ in 0..3 {
            assert!(outcome_at(&gate, Some("a.example.com"), "/", &token).await.starts_with("admit"));
            assert_eq!(outcome_at(&gate, Some("b.example.com"), "/", &token).await, "audience_mismatch");
            assert_eq!(outcome_at(&gate, Some("c.example.com"), "/", &token).await, "route_not_found");
        }
    }
}
