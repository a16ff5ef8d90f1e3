//! A reload leaves nothing behind by which a later request is admitted or a later configuration misled.

use std::sync::Arc;
use std::time::Duration;

use bearward_core::{ClaimPointer, IdentityHeaders};
use bearward_gate::{CacheSettings, Gate, IssuerSettings, Progress, RequestFacts, RouteSettings, TokenFormats};
use http::{HeaderMap, Method};
use serde_json::json;

use crate::support::{
    AUDIENCE, FakeIssuer, Key, TestClock, decide, engine, eventually, gate, gate_settings, gate_with_cache, in_time,
    name_of, numbers_of, outcome, route,
};

fn of(issuers: &[&FakeIssuer], path: &str) -> RouteSettings {
    let mut route = route(path, &[]);
    route.issuers = issuers.iter().map(|issuer| issuer.url.clone()).collect();
    route.referential_issuer = issuers.first().map(|issuer| issuer.url.clone());
    route
}

/// What is asked for, with a request that begins now and ends later.
fn begin(gate: &Gate, path: &str, token: &str) -> Progress {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    gate.begin(&RequestFacts::new(&Method::GET, path.as_bytes(), &headers))
}

fn both(mut settings: IssuerSettings) -> IssuerSettings {
    settings.tokens = TokenFormats::Both;
    settings
}

/// The rules that a token was held against are part of what is remembered of it.
#[tokio::test]
async fn a_changed_rule_forgets_and_an_unchanged_issuer_does_not() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (changed, same) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let routes = || vec![of(&[&changed], "/changed/*"), of(&[&same], "/same/*")];
    let gate = gate(&clock, vec![changed.settings(), same.settings()], routes());
    let tokens = [key.sign(&changed.claims(clock.now())), key.sign(&same.claims(clock.now()))];
    changed.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    for (path, token) in [("/changed/1", &*tokens[0]), ("/same/1", &*tokens[1]), ("/changed/1", "opaque")] {
        assert!(outcome(&gate, path, token).await.starts_with("admit"), "{path}");
        assert_eq!(outcome(&gate, path, token).await, "admit cache", "{path}");
    }
    let fetches = same.key_fetches();

    let mut narrower = changed.settings();
    narrower.audiences = vec!["https://another.example.com".to_owned()];
    let changes = gate.reload(gate_settings(vec![narrower, same.settings()], routes())).unwrap();
    assert_eq!(changes.issuers_restarted, [&*changed.url]);
    assert_eq!((changes.issuers_started.len(), changes.issuers_stopped.len()), (0, 0));
    assert_eq!(outcome(&gate, "/changed/1", &tokens[0]).await, "audience_mismatch");
    assert_eq!(outcome(&gate, "/changed/1", "opaque").await, "audience_mismatch");
    assert_eq!(outcome(&gate, "/same/1", &tokens[1]).await, "admit cache");
    assert_eq!(same.key_fetches(), fetches);

    // The first rules again are new ones: what was proved by them before counts no more.
    gate.reload(gate_settings(vec![changed.settings(), same.settings()], routes())).unwrap();
    assert_eq!(outcome(&gate, "/changed/1", &tokens[0]).await, "admit signature");
    assert_eq!(outcome(&gate, "/changed/1", "opaque").await, "admit introspection");
}

#[tokio::test]
async fn an_issuer_that_is_gone_admits_nothing_more() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (gone, stays) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let all = || gate_settings(vec![gone.settings(), stays.settings()], vec![of(&[&stays, &gone], "/*")]);
    let gate = gate(&clock, all().issuers, all().routes);
    let token = key.sign(&gone.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    let changes = gate.reload(gate_settings(vec![stays.settings()], vec![of(&[&stays], "/*")])).unwrap();
    assert_eq!(changes.issuers_stopped, [&*gone.url]);
    assert_eq!(outcome(&gate, "/", &token).await, "issuer_mismatch");
    assert_eq!(gate.status().len(), 1);
    gate.reload(all()).unwrap();
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
}

/// Headers are rendered once, at proof: what was rendered in others must not reach an upstream that reads the new ones.
#[tokio::test]
async fn headers_of_another_configuration_reach_no_upstream() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let with = |name: &str, claim: &str| {
        let claims = vec![(name.parse().unwrap(), ClaimPointer::member(claim))];
        let identity = IdentityHeaders::new(claims).unwrap();
        let mut settings = gate_settings(vec![issuer.settings()], vec![route("/*", &[])]);
        settings.identity = identity;
        settings
    };
    let gate = Gate::new(with("x-who", "sub"), engine(&clock)).unwrap();
    let token = key.sign(&issuer.claims(clock.now()));
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "sub": "alice", "client_id": "shop"}));
    let who = async |gate: &Gate, token: &str| {
        let decision = decide(gate, "/", token).await;
        let headers = decision.verdict.admission().unwrap().headers().iter();
        let who = headers.filter(|(name, _)| name.as_str().starts_with("x-"));
        who.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect::<Vec<_>>()
    };
    for (settings, expected) in [
        (with("x-who", "sub"), "x-who: alice"),
        (with("x-who", "client_id"), "x-who: shop"),
        (with("x-client", "client_id"), "x-client: shop"),
        (with("x-who", "sub"), "x-who: alice"),
    ] {
        gate.reload(settings).unwrap();
        for _ in 0..2 {
            for token in [&*token, "opaque"] {
                assert!(who(&gate, token).await.contains(&expected.to_owned()), "{expected}");
            }
        }
    }
    assert!(issuer.key_fetches() <= 2, "the issuer itself did not change");
}

/// A request ends by the configuration that it began with, and leaves nothing behind that a newer one could find.
#[tokio::test]
async fn a_request_under_way_ends_by_the_old_rules_and_is_not_remembered_under_the_new_ones() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let routes = || vec![route("/*", &[])];
    let gate = gate(&clock, vec![issuer.settings()], routes());
    in_time("keys", gate.ready()).await;
    let token = key.sign(&issuer.claims(clock.now()));
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    let pending: Vec<_> = [&*token, "opaque"].iter().map(|token| begin(&gate, "/", token)).collect();

    let mut narrower = issuer.settings();
    narrower.audiences = vec!["https://another.example.com".to_owned()];
    gate.reload(gate_settings(vec![narrower], routes())).unwrap();
    for progress in pending {
        let Progress::Pending(pending) = progress else { panic!("nothing was remembered yet") };
        let decision = in_time("a request under way", pending.finish()).await;
        assert!(name_of(&decision).starts_with("admit"), "{}", name_of(&decision));
        assert!(!Arc::ptr_eq(&decision.generation, &gate.generation()));
    }
    for token in [&*token, "opaque"] {
        assert_eq!(outcome(&gate, "/", token).await, "audience_mismatch");
    }
}

/// A refusal is newer than every proof that was remembered before it, also one that another configuration left behind.
#[tokio::test]
async fn a_refusal_is_not_undone_by_going_back_to_an_earlier_configuration() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (issuer, other) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let settings = |issuers: &[&FakeIssuer]| {
        gate_settings(vec![both(issuer.settings()), other.settings()], vec![of(issuers, "/*")])
    };
    let (wide, narrow) = (|| settings(&[&issuer, &other]), || settings(&[&issuer]));
    let token = key.sign(&issuer.claims(clock.now()));
    for token in [&*token, "opaque"] {
        issuer.answer(token, json!({"active": true, "aud": AUDIENCE}));
        let gate = Gate::new(wide(), engine(&clock)).unwrap();
        assert_eq!(outcome(&gate, "/", token).await, "admit introspection");
        assert_eq!(outcome(&gate, "/", token).await, "admit cache");
        gate.reload(narrow()).unwrap();
        issuer.answer(token, json!({"active": false}));
        assert_eq!(outcome(&gate, "/", token).await, "token_inactive");
        gate.reload(wide()).unwrap();
        assert_eq!(outcome(&gate, "/", token).await, "token_inactive");
    }
}

/// The time in memory is no business of an issuer: with its keys it would lose what may not be had again while it is away.
#[tokio::test]
async fn another_time_in_memory_forgets_and_starts_no_issuer_anew() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let with = |seconds: u64| {
        let mut settings = gate_settings(vec![issuer.settings()], vec![route("/*", &[])]);
        settings.cache.max_age = Duration::from_secs(seconds);
        settings
    };
    let gate = Gate::new(with(60), engine(&clock)).unwrap();
    let token = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    *issuer.script.key_status.lock().unwrap() = axum::http::StatusCode::BAD_GATEWAY;
    let changes = gate.reload(with(30)).unwrap();
    assert_eq!(changes.issuers_restarted, [""; 0]);
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature", "an entry that lives for 60 seconds is not used");
    clock.step(30);
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    gate.reload(with(30)).unwrap();
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
}

#[tokio::test]
async fn an_issuer_that_is_gone_is_waited_for_no_more() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut away = issuer.settings();
    "http://127.0.0.1:9".clone_into(&mut away.issuer);
    let routes = || vec![of(&[&issuer], "/*")];
    let gate = Arc::new(gate(&clock, vec![issuer.settings(), away], routes()));
    let waits = {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { gate.ready().await })
    };
    eventually("a fetch that fails", || gate.status()[1].last_error.is_some()).await;
    assert!(!waits.is_finished());
    gate.reload(gate_settings(vec![issuer.settings()], routes())).unwrap();
    in_time("readiness", waits).await.unwrap();
}

/// An alert on the number of keys must not be fooled by those of the settings before.
#[tokio::test]
async fn the_metrics_of_an_issuer_that_starts_anew_say_what_it_has_now() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let routes = || vec![route("/*", &[])];
    let (gate, registry) = gate_with_cache(&clock, vec![issuer.settings()], routes(), CacheSettings::default());
    in_time("keys", gate.ready()).await;
    assert_eq!(numbers_of(&registry, "bearward_key_set_keys{"), [1.0]);
    *issuer.script.key_status.lock().unwrap() = axum::http::StatusCode::BAD_GATEWAY;
    let mut changed = issuer.settings();
    changed.leeway = Duration::from_secs(1);
    gate.reload(gate_settings(vec![changed], routes())).unwrap();
    eventually("a fetch that fails", || gate.status().iter().any(|issuer| issuer.last_error.is_some())).await;
    assert_eq!(gate.status()[0].keys, 0);
    assert_eq!(numbers_of(&registry, "bearward_key_set_keys{"), [0.0]);
    gate.reload(gate_settings(Vec::new(), Vec::new())).unwrap();
    assert_eq!(numbers_of(&registry, "bearward_issuer_ready{"), [0.0; 0]);
}

/// An issuer that no configuration has any more is asked no more.
#[tokio::test]
async fn reloads_leave_no_task_behind() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    in_time("keys", gate.ready()).await;
    let before = metrics.num_alive_tasks();
    for at in 0..50 {
        let mut settings = issuer.settings();
        settings.leeway = Duration::from_secs(1 + at % 2);
        let changes = gate.reload(gate_settings(vec![settings], vec![route("/*", &[])])).unwrap();
        assert_eq!(changes.issuers_restarted.len(), 1);
        in_time("keys", gate.ready()).await;
    }
    eventually("the end of the old tasks", || metrics.num_alive_tasks() < before + 20).await;
    let token = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
}
