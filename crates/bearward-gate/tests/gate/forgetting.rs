//! What a proof was held against is a part of its place in memory, and a refusal ends what was remembered before.

use std::time::Duration;

use crate::support::stopped::skip;
use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, becomes, engine, gate, gate_settings, outcome, route};
use bearward_core::{ClaimPointer, ClaimRule, ClaimTest, Profile};
use bearward_gate::{Gate, IssuerSettings, TokenFormats};
use serde_json::json;

/// Each of these changes is one after which the same token must be proved anew, or be refused.
#[tokio::test]
async fn a_changed_rule_forgets_what_was_proved_by_the_old_one() {
    type Change = fn(&mut IssuerSettings);
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let token = key.sign(&issuer.claims(clock.now()));
    let tenant = || ClaimRule { claim: ClaimPointer::member("tenant"), test: ClaimTest::Equals(json!("acme")) };
    let changes: [(&str, Change, &str); 7] = [
        ("audiences", |it| it.audiences = vec!["https://other.example.com".to_owned()], "audience_mismatch"),
        ("one more audience", |it| it.audiences.push("https://other.example.com".to_owned()), "admit signature"),
        ("algorithms", |it| it.algorithms.retain(|algorithm| algorithm.name() != "ES256"), "algorithm_refused"),
        ("profile", |it| it.profile = Profile::Jwt, "admit signature"),
        ("lifetime", |it| it.max_lifetime = Some(Duration::from_secs(60)), "lifetime_too_long"),
        ("leeway", |it| it.leeway = Duration::from_secs(7), "admit signature"),
        ("who is asked", |it| it.tokens = TokenFormats::Both, "token_inactive"),
    ];
    for (name, change, expected) in changes {
        let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
        becomes(&gate, &token, "admit signature").await;
        assert_eq!(outcome(&gate, "/", &token).await, "admit cache", "{name}");
        let mut changed = issuer.settings();
        change(&mut changed);
        gate.reload(gate_settings(vec![changed], vec![route("/*", &[])])).unwrap();
        gate.ready().await;
        assert_eq!(outcome(&gate, "/", &token).await, expected, "{name}");
        // Also on the way back: what was proved is not held against rules that came in between.
        gate.reload(gate_settings(vec![issuer.settings()], vec![route("/*", &[])])).unwrap();
        gate.ready().await;
        assert_eq!(outcome(&gate, "/", &token).await, "admit signature", "{name}, and back");
    }
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    becomes(&gate, &token, "admit signature").await;
    let mut changed = issuer.settings();
    changed.required_claims = vec![tenant()];
    gate.reload(gate_settings(vec![changed], vec![route("/*", &[])])).unwrap();
    gate.ready().await;
    assert_eq!(outcome(&gate, "/", &token).await, "claim_mismatch");
}

/// The issuer has said that the token is no longer active. The keys that proved it before are in use again.
#[tokio::test]
async fn an_inactive_token_stays_refused_when_an_earlier_key_set_returns() {
    let (clock, [one, two, three]) = (TestClock::new(), ["one", "two", "three"].map(Key::new));
    let issuer = FakeIssuer::start(&[&one]).await;
    let mut settings = issuer.settings();
    settings.tokens = TokenFormats::Both;
    settings.refresh.cooldown = Duration::from_secs(1);
    if let Some(asked) = &mut settings.introspection {
        asked.cache_ttl = Duration::from_secs(3_600);
        // Not remembered: the proof of before must be gone all the same.
        asked.negative_ttl = Duration::ZERO;
    }
    let gate = Gate::new(gate_settings(vec![settings], vec![route("/*", &[])]), engine(&clock)).unwrap();
    let claims = |id: &str| {
        let mut claims = issuer.claims(clock.now());
        claims["jti"] = json!(id);
        claims
    };
    let token = one.sign(&claims("the token"));
    let active = json!({"active": true, "aud": AUDIENCE});
    issuer.answer(&token, active.clone());
    becomes(&gate, &token, "admit introspection").await;
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");

    // Another key set: the token is proved anew, and the issuer says no.
    issuer.publish(&[&one, &two]);
    issuer.answer(&token, json!({"active": false}));
    let of_two = two.sign(&claims("2"));
    issuer.answer(&of_two, active.clone());
    skip(Duration::from_secs(1)).await;
    becomes(&gate, &of_two, "admit introspection").await;
    assert_eq!(outcome(&gate, "/", &token).await, "token_inactive");

    // The first key set again, by which the token was proved.
    issuer.publish(&[&one]);
    skip(Duration::from_secs(1)).await;
    becomes(&gate, &three.sign(&claims("3")), "key_unknown").await;
    becomes(&gate, &of_two, "key_unknown").await;
    assert_eq!(outcome(&gate, "/", &token).await, "token_inactive");
}

/// A refusal is learnt on one route, and the proof was remembered for another with other issuers beside.
#[tokio::test]
async fn a_refusal_ends_what_is_remembered_for_every_route() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (issuer, other) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let mut settings = issuer.settings();
    if let Some(asked) = &mut settings.introspection {
        asked.cache_ttl = Duration::from_secs(3_600);
    }
    let mut alone = route("/alone/*", &[]);
    alone.issuers = vec![issuer.url.clone()];
    let mut both = route("/both/*", &[]);
    both.referential_issuer = Some(issuer.url.clone());
    let gate = gate(&clock, vec![settings, other.settings()], vec![alone, both]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    gate.ready().await;
    assert_eq!(outcome(&gate, "/alone/1", "opaque").await, "admit introspection");
    assert_eq!(outcome(&gate, "/alone/1", "opaque").await, "admit cache");
    issuer.answer("opaque", json!({"active": false}));
    assert_eq!(outcome(&gate, "/both/1", "opaque").await, "token_inactive");
    assert_eq!(outcome(&gate, "/alone/1", "opaque").await, "token_inactive");
}

/// Routes with other issuers beside it join the question that is asked already.
#[tokio::test]
async fn a_token_is_asked_about_once_at_a_time_whatever_the_route() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (issuer, other) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let mut alone = route("/alone/*", &[]);
    alone.issuers = vec![issuer.url.clone()];
    let mut both = route("/both/*", &[]);
    both.referential_issuer = Some(issuer.url.clone());
    let gate = gate(&clock, vec![issuer.settings(), other.settings()], vec![alone, both]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    gate.ready().await;
    *issuer.script.delay.lock().unwrap() = Duration::from_millis(300);
    let (one, two) = tokio::join!(outcome(&gate, "/alone/1", "opaque"), outcome(&gate, "/both/1", "opaque"));
    assert_eq!([&*one, &*two], ["admit introspection"; 2]);
    assert_eq!(issuer.questions(), 1);
    // And each has it remembered.
    assert_eq!(outcome(&gate, "/alone/1", "opaque").await, "admit cache");
    assert_eq!(outcome(&gate, "/both/1", "opaque").await, "admit cache");
    assert_eq!(issuer.questions(), 1);
}
