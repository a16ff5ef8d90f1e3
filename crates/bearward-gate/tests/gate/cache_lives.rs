//! How long what is remembered lives: never longer than was said, by whichever clock, and nothing comes to life again.

use std::sync::Arc;
use std::time::Duration;

use crate::support::stopped::skip;
use crate::support::{
    AUDIENCE, FakeIssuer, Key, TestClock, becomes, eventually, gate, gate_settings, gate_with_cache, outcome, route,
};
use axum::http::StatusCode;
use bearward_gate::{CacheSettings, IssuerSettings};
use serde_json::json;

/// The shortest that there is.
const COOLDOWN: Duration = Duration::from_secs(1);

fn with_lives(issuer: &FakeIssuer, active: Duration, refused: Duration) -> IssuerSettings {
    let mut settings = issuer.settings();
    let introspection = settings.introspection.as_mut().unwrap();
    (introspection.cache_ttl, introspection.negative_ttl) = (active, refused);
    settings
}

#[tokio::test]
async fn a_clock_that_steps_to_and_fro_lengthens_no_life() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let settings = with_lives(&issuer, Duration::from_secs(1), Duration::ZERO);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    issuer.answer("opaque", json!({"active": false}));
    // By the clock that was set back the answer would be good for another hour.
    clock.step(-3_600);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
    clock.step(3_600);
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");

    // Nor does a token live on that ended while the clock was ahead, once it is back: what was remembered is still true.
    issuer.answer("dated", json!({"active": true, "aud": AUDIENCE, "exp": clock.now() + 30, "iat": clock.now()}));
    for (step, expected) in [
        (0, "admit introspection"),
        (60, "token_expired"),
        (-60, "admit introspection"),
        (-60, "token_not_yet_valid"),
        (60, "admit introspection"),
        (1_000_000, "token_expired"),
    ] {
        clock.step(step);
        let found = outcome(&gate, "/", "dated").await;
        // Within the second of its life it may also be remembered.
        assert!(found == expected || found == "admit cache" && expected.starts_with("admit"), "{step}: {found}");
    }
}

#[tokio::test]
async fn a_refusal_is_forgotten_after_its_time_and_a_fault_is_never_one() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let settings = with_lives(&issuer, Duration::from_secs(60), Duration::from_secs(2));
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let active = json!({"active": true, "aud": AUDIENCE});

    // Refused, remembered as refused, and active a moment later: the refusal does not outlive its time.
    assert_eq!(outcome(&gate, "/", "early").await, "token_inactive");
    issuer.answer("early", active.clone());
    assert_eq!(outcome(&gate, "/", "early").await, "token_inactive");
    assert_eq!(issuer.questions(), 1);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(outcome(&gate, "/", "early").await, "admit introspection");

    for status in [
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::FOUND,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::GATEWAY_TIMEOUT,
    ] {
        let token = format!("during-{}", status.as_u16());
        issuer.answer(&token, active.clone());
        *issuer.script.introspection_status.lock().unwrap() = status;
        assert_eq!(outcome(&gate, "/", &token).await, "introspection_unavailable", "{status}");
        // One that was refused before stays so for its time, and is no word of the fault.
        *issuer.script.introspection_status.lock().unwrap() = StatusCode::OK;
        assert_eq!(outcome(&gate, "/", &token).await, "admit introspection", "{status}");
    }
}

#[tokio::test]
async fn a_proof_by_the_keys_is_used_for_its_time_and_then_made_anew() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut cache = CacheSettings::default();
    cache.max_age = Duration::from_secs(60);
    let (gate, _) = gate_with_cache(&clock, vec![issuer.settings()], vec![route("/*", &[])], cache);
    let token = key.sign(&issuer.claims(clock.now()));
    for (step, expected) in [(0, "admit signature"), (59, "admit cache"), (1, "admit signature"), (59, "admit cache")] {
        clock.step(step);
        assert_eq!(outcome(&gate, "/", &token).await, expected);
    }
}

#[tokio::test]
async fn what_was_driven_out_of_the_cache_does_not_come_back_as_it_was() {
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let issuer = FakeIssuer::start(&[&old]).await;
    let mut settings = with_lives(&issuer, Duration::from_secs(60), Duration::from_secs(60));
    settings.refresh.cooldown = COOLDOWN;
    let mut cache = CacheSettings::default();
    (cache.max_entries, cache.negative_entries) = (4, 4);
    let (gate, _) = gate_with_cache(&clock, vec![settings], vec![route("/*", &[])], cache);
    let active = json!({"active": true, "aud": AUDIENCE, "exp": clock.now() + 3_600});
    let names: Vec<String> = (0..100).map(|at| format!("opaque-{at}")).collect();
    for name in &names {
        issuer.answer(name, active.clone());
        assert_eq!(outcome(&gate, "/", name).await, "admit introspection");
    }
    let mut brief = issuer.claims(clock.now());
    brief["exp"] = json!(clock.now() + 30);
    let (brief, signed) = (old.sign(&brief), old.sign(&issuer.claims(clock.now())));
    assert!(outcome(&gate, "/", &brief).await.starts_with("admit"));
    assert!(outcome(&gate, "/", &signed).await.starts_with("admit"));

    for name in &names {
        issuer.answer(name, json!({"active": false}));
    }
    let mut remembered = 0;
    for name in &names {
        match outcome(&gate, "/", name).await.as_str() {
            "admit cache" => remembered += 1,
            "token_inactive" => {}
            other => panic!("{name}: {other}"),
        }
    }
    assert!(remembered <= 8, "{remembered} of a cache of four");
    clock.step(60);
    issuer.publish(&[&new]);
    skip(COOLDOWN).await;
    becomes(&gate, &new.sign(&issuer.claims(clock.now())), "admit signature").await;
    for _ in 0..2 {
        for name in &names {
            assert_eq!(outcome(&gate, "/", name).await, "token_inactive");
        }
        assert_eq!(outcome(&gate, "/", &signed).await, "key_unknown");
        assert_eq!(outcome(&gate, "/", &brief).await, "key_unknown");
    }
    // With its key the token that is still in its time is proved anew, and the other one is not.
    issuer.publish(&[&old, &new]);
    skip(COOLDOWN).await;
    becomes(&gate, &signed, "admit signature").await;
    assert_eq!(outcome(&gate, "/", &brief).await, "token_expired");
}

#[tokio::test]
async fn an_answer_arrives_though_the_first_who_asked_went_away() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = Arc::new(gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]));
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/", "other").await, "token_inactive");
    *issuer.script.delay.lock().unwrap() = Duration::from_millis(300);
    let ask = |gate: &Arc<_>| {
        let gate = Arc::clone(gate);
        tokio::spawn(async move { outcome(&gate, "/", "opaque").await })
    };
    let first = ask(&gate);
    eventually("the second question", || issuer.questions() == 2).await;
    let second = ask(&gate);
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.is_err_and(|error| error.is_cancelled()));
    assert!(second.await.unwrap().starts_with("admit"));
    assert_eq!(issuer.questions(), 2);
}

/// How many fit is said once, for as long as the process lives.
#[tokio::test]
async fn another_size_of_the_cache_waits_for_another_process() {
    let (clock, issuer) = (TestClock::new(), FakeIssuer::start(&[]).await);
    let usual = CacheSettings::default();
    let (issuers, routes) = (vec![issuer.settings()], vec![route("/*", &[])]);
    let (gate, _) = gate_with_cache(&clock, issuers.clone(), routes.clone(), usual.clone());
    let (mut larger, mut larger_negative) = (usual.clone(), usual.clone());
    larger.max_entries = 7;
    larger_negative.negative_entries = 7;
    for (cache, needs_restart) in
        [(usual, &[][..]), (larger, &["cache.max_entries"]), (larger_negative, &["cache.negative_entries"])]
    {
        let mut settings = gate_settings(issuers.clone(), routes.clone());
        settings.cache = cache;
        assert_eq!(gate.reload(settings).unwrap().needs_restart, needs_restart);
    }
}
