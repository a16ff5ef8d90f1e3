//! An issuer that is late, away, slow or changes its keys harms nobody more than it must.

use std::sync::Arc;
use std::time::Duration;

use crate::support::stopped::skip;
use crate::support::wire::{Says, Wire};
use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, becomes, decide, eventually, gate, outcome, route};
use axum::http::StatusCode;
use bearward_gate::{ClientAuth, IntrospectionSettings, IssuerSettings, KeySource, Secret, Verdict};
use serde_json::json;
use tokio::net::TcpListener;

/// The shortest that there is.
const COOLDOWN: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_gate_starts_without_its_issuer_and_serves_when_keys_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let address = listener.local_addr().unwrap();
    drop(listener);

    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let placeholder = FakeIssuer::start(&[]).await;
    let mut settings = placeholder.settings();
    settings.issuer.clone_from(&url);
    settings.refresh.cooldown = COOLDOWN;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let claims = json!({
        "iss": url, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "iat": clock.now(),
        "exp": clock.now() + 600,
    });
    let token = key.sign(&claims);
    assert_eq!(outcome(&gate, "/", &token).await, "keys_unavailable");
    assert_eq!(outcome(&gate, "/", "opaque").await, "introspection_unavailable");
    let status = gate.status().remove(0);
    assert!(!status.ready && status.last_error.is_some(), "{status:?}");

    let issuer = FakeIssuer::serve(TcpListener::bind(address).await.unwrap(), url, &[&key]);
    skip(COOLDOWN).await;
    becomes(&gate, &token, "admit signature").await;
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
    let status = gate.status().remove(0);
    assert!(status.ready && status.last_error.is_none() && status.keys == 1, "{status:?}");
    assert!(issuer.key_fetches() >= 1);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_per_cooldown() {
    let (clock, key, stranger) = (TestClock::new(), Key::new("k1"), Key::new("invented"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &key.sign(&issuer.claims(clock.now()))).await, "admit signature");
    let before = issuer.key_fetches();
    let forged = stranger.sign(&issuer.claims(clock.now()));
    for _ in 0..10_000 {
        assert_eq!(outcome(&gate, "/", &forged).await, "key_unknown");
    }
    // The first request may have used up the cooldown when it waited for the first keys.
    assert!(issuer.key_fetches() - before <= 1, "{} fetches", issuer.key_fetches() - before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_fails_no_request() {
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let issuer = FakeIssuer::start(&[&old]).await;
    let mut settings = issuer.settings();
    settings.refresh.cooldown = COOLDOWN;
    let gate = Arc::new(gate(&clock, vec![settings], vec![route("/*", &[])]));
    assert_eq!(outcome(&gate, "/", &old.sign(&issuer.claims(clock.now()))).await, "admit signature");
    // Whatever the first keys took of the cooldown. The clock of several threads cannot be moved.
    tokio::time::sleep(COOLDOWN).await;

    issuer.publish(&[&old, &new]);
    *issuer.script.delay.lock().unwrap() = Duration::from_millis(50);
    let mut requests = Vec::new();
    for at in 0..200 {
        let mut claims = issuer.claims(clock.now());
        claims["jti"] = json!(at.to_string());
        let token = if at % 2 == 0 { new.sign(&claims) } else { old.sign(&claims) };
        let gate = Arc::clone(&gate);
        requests.push(tokio::spawn(async move { outcome(&gate, "/", &token).await }));
    }
    for request in requests {
        assert_eq!(request.await.unwrap(), "admit signature");
    }
}

#[tokio::test]
async fn a_withdrawn_key_ends_what_it_proved() {
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let issuer = FakeIssuer::start(&[&old]).await;
    let mut settings = issuer.settings();
    settings.refresh.cooldown = COOLDOWN;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let token = old.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
    issuer.publish(&[&new]);
    skip(COOLDOWN).await;
    becomes(&gate, &new.sign(&issuer.claims(clock.now())), "admit signature").await;
    assert_eq!(outcome(&gate, "/", &token).await, "key_unknown");
}

#[tokio::test]
async fn an_issuer_that_goes_away_leaves_its_keys_behind() {
    let (clock, key, unseen) = (TestClock::new(), Key::new("k1"), Key::new("k2"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut settings = issuer.settings();
    settings.refresh.cooldown = COOLDOWN;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let token = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE, "exp": clock.now() + 600}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");

    *issuer.script.key_status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
    *issuer.script.introspection_status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
    let mut claims = issuer.claims(clock.now());
    claims["jti"] = json!("2");
    assert_eq!(outcome(&gate, "/", &key.sign(&claims)).await, "admit signature", "known keys stay in use");
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit cache", "a fresh answer stays in use");
    assert_eq!(outcome(&gate, "/", "other").await, "introspection_unavailable");
    skip(COOLDOWN).await;
    // Nobody can say whether k2 is new.
    becomes(&gate, &unseen.sign(&claims), "keys_unavailable").await;
}

#[tokio::test]
async fn keys_older_than_the_bound_are_not_used() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut settings = issuer.settings();
    (settings.refresh.min, settings.refresh.max) = (Duration::from_secs(1), Duration::from_secs(1));
    settings.refresh.stale = Duration::from_millis(200);
    settings.refresh.cooldown = COOLDOWN;
    settings.timeout = Duration::from_millis(500);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let token = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    // While the issuer answers, the bound means nothing.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
    *issuer.script.key_status.lock().unwrap() = StatusCode::SERVICE_UNAVAILABLE;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(outcome(&gate, "/", &token).await, "keys_unavailable");
}

#[tokio::test]
async fn one_failing_issuer_changes_nothing_for_another() {
    let (clock, key) = (TestClock::new(), Key::new("same-kid"));
    let good = FakeIssuer::start(&[&key]).await;
    let bad = FakeIssuer::start(&[]).await;
    *bad.script.key_status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
    let mut without_introspection = bad.settings();
    without_introspection.introspection = None;
    let gate = gate(&clock, vec![without_introspection, good.settings()], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &key.sign(&good.claims(clock.now()))).await, "admit signature");
    assert_eq!(outcome(&gate, "/", &key.sign(&bad.claims(clock.now()))).await, "keys_unavailable");
    // A key of one issuer never verifies for the other, whatever its `kid`.
    *bad.script.key_status.lock().unwrap() = StatusCode::OK;
    bad.publish(&[&Key::new("same-kid")]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(outcome(&gate, "/", &key.sign(&bad.claims(clock.now()))).await, "signature_invalid");
}

#[tokio::test]
async fn junk_delays_a_new_key_by_no_more_than_the_cooldown() {
    let (clock, old, new, junk) = (TestClock::new(), Key::new("old"), Key::new("new"), Key::new("invented"));
    let issuer = FakeIssuer::start(&[&old]).await;
    let mut settings = issuer.settings();
    settings.refresh.cooldown = Duration::from_secs(1);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &old.sign(&issuer.claims(clock.now()))).await, "admit signature");
    tokio::time::sleep(Duration::from_millis(1_100)).await; // whatever the first keys took of the cooldown

    assert_eq!(outcome(&gate, "/", &junk.sign(&issuer.claims(clock.now()))).await, "key_unknown");
    let before = issuer.key_fetches();
    issuer.publish(&[&old, &new]);
    let token = new.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "key_unknown", "within the cooldown nobody is asked");
    assert_eq!(issuer.key_fetches(), before);
    // No further request: the gate itself catches up.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if issuer.key_fetches() > before {
            break;
        }
    }
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
}

/// The back-off must go on beside a cooldown that requests have started.
#[tokio::test]
async fn requests_do_not_delay_recovery() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, url) = (listener.local_addr().unwrap(), format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let placeholder = FakeIssuer::start(&[]).await;
    let mut settings = placeholder.settings();
    settings.issuer.clone_from(&url);
    settings.refresh.cooldown = Duration::from_secs(60);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let mut claims = placeholder.claims(clock.now());
    claims["iss"] = json!(url);
    let token = key.sign(&claims);
    for _ in 0..3 {
        assert_eq!(outcome(&gate, "/", &token).await, "keys_unavailable");
    }
    let _issuer = FakeIssuer::serve(TcpListener::bind(address).await.unwrap(), url, &[&key]);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if gate.status().remove(0).ready {
            break;
        }
    }
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
}

#[tokio::test]
async fn an_issuer_that_withdraws_its_only_key_is_obeyed() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut settings = issuer.settings();
    (settings.refresh.min, settings.refresh.max) = (Duration::from_secs(1), Duration::from_secs(1));
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let token = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
    issuer.publish(&[]);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(outcome(&gate, "/", &token).await, "keys_unavailable");
}

/// What no key could make valid waits for none.
#[tokio::test]
async fn junk_does_not_wait_for_a_hanging_issuer() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    *issuer.script.delay.lock().unwrap() = Duration::from_secs(60);
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let begun = std::time::Instant::now();
    for junk in ["eyJ9.e30.N", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"] {
        let reason = outcome(&gate, "/", junk).await;
        assert!(["token_malformed", "algorithm_refused"].contains(&&*reason), "{reason}");
    }
    // Not a measurement: one wait would be five seconds.
    assert!(begun.elapsed() < Duration::from_secs(4));
}

/// An address that accepts and stays silent is worse than one that refuses.
#[tokio::test]
async fn metadata_that_hangs_leaves_time_for_keys_at_a_configured_address() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = issuer.settings();
    settings.issuer = format!("http://{}", silent.local_addr().unwrap());
    settings.keys = KeySource::Url(format!("{}/jwks", issuer.url));
    settings.timeout = Duration::from_secs(2);
    let mut claims = issuer.claims(clock.now());
    claims["iss"] = json!(settings.issuer);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &key.sign(&claims)).await, "admit signature");
    assert_eq!(outcome(&gate, "/", "opaque").await, "introspection_unavailable");
}

/// A fetch that is cut off as a whole has failed for the keys too: whether a key is new cannot be told.
#[tokio::test]
async fn a_fetch_that_is_cut_off_makes_no_key_unknown() {
    let (clock, key, new) = (TestClock::new(), Key::new("k1"), Key::new("k2"));
    let issuer = Wire::start().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        issuer.say(path, Says::Nothing);
    }
    issuer.say("/jwks", Says::json(json!({"keys": [key.jwk()]}).to_string()));
    let auth = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
    let mut settings = IssuerSettings::new(&issuer.url, vec![AUDIENCE.to_owned()]);
    settings.introspection = Some(IntrospectionSettings::new("gateway", auth));
    settings.keys = KeySource::Url(format!("{}/jwks", issuer.url));
    settings.timeout = Duration::from_millis(400);
    settings.refresh.cooldown = COOLDOWN;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let claims = json!({
        "iss": issuer.url, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "iat": clock.now(),
        "exp": clock.now() + 600,
    });
    becomes(&gate, &key.sign(&claims), "admit signature").await;
    skip(COOLDOWN).await;
    becomes(&gate, &new.sign(&claims), "key_unknown").await;
    issuer.say("/jwks", Says::Nothing);
    skip(COOLDOWN).await;
    becomes(&gate, &new.sign(&claims), "keys_unavailable").await;
}

/// What cannot be waited for is unavailable, and not unknown.
#[tokio::test]
async fn a_request_that_finds_no_place_to_wait_is_told_so() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut settings = issuer.settings();
    (settings.timeout, settings.refresh.cooldown) = (Duration::from_secs(60), COOLDOWN);
    let gate = Arc::new(gate(&clock, vec![settings], vec![route("/*", &[])]));
    let claims = issuer.claims(clock.now());
    assert_eq!(outcome(&gate, "/", &key.sign(&claims)).await, "admit signature");
    *issuer.script.delay.lock().unwrap() = Duration::from_secs(600);
    skip(COOLDOWN).await;
    let waiting: Vec<_> = (0..1_030)
        .map(|at| {
            let (gate, token) = (Arc::clone(&gate), key.sign_as(&format!("new-{at}"), &claims));
            tokio::spawn(async move { outcome(&gate, "/", &token).await })
        })
        .collect();
    let done = || waiting.iter().filter(|request| request.is_finished()).count();
    eventually("the refusal of those who are too many", || done() == 6).await;
    for request in waiting {
        if request.is_finished() {
            assert_eq!(request.await.unwrap(), "keys_unavailable");
        } else {
            request.abort();
        }
    }
}

#[tokio::test]
async fn a_refusal_says_when_the_issuer_is_asked_again() {
    // Whether the issuer asks for half a minute or the circuit opens for one, which may be a tenth less.
    for (says, expected) in [
        (Says::answer("429 Too Many Requests", "retry-after: 30\r\n", ""), 10..=30),
        (Says::answer("502 Bad Gateway", "", ""), 34..=60),
        (Says::answer("400 Bad Request", "", ""), 5..=5),
    ] {
        let (clock, issuer) = (TestClock::new(), Wire::start().await);
        issuer.say("/introspect", says);
        let auth = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
        let mut asked = IntrospectionSettings::new("gateway", auth);
        asked.url = Some(format!("{}/introspect", issuer.url));
        (asked.breaker_failures, asked.breaker_pause) = (1, Duration::from_secs(60));
        let mut settings = IssuerSettings::new(&issuer.url, vec![AUDIENCE.to_owned()]);
        settings.introspection = Some(asked);
        let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
        for token in ["the one that learns it", "the next"].map(|token| token.replace(' ', "-")) {
            let Verdict::Refuse(refusal) = decide(&gate, "/", &token).await.verdict else { panic!("{token}") };
            let answer = refusal.answer("1", bearward_core::Wire::Http);
            let mut headers = answer.headers.iter();
            let (_, wait) = headers.find(|(name, _)| *name == http::header::RETRY_AFTER).unwrap();
            let wait: u32 = wait.to_str().unwrap().parse().unwrap();
            assert!(expected.contains(&wait), "{token}: {wait}, not {expected:?}");
        }
    }
}

#[tokio::test]
async fn an_issuer_that_asks_for_a_pause_gets_it() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    *issuer.script.introspection_status.lock().unwrap() = StatusCode::TOO_MANY_REQUESTS;
    for token in ["one", "two", "three", "opaque"] {
        assert_eq!(outcome(&gate, "/", token).await, "introspection_unavailable");
    }
    assert_eq!(issuer.questions(), 1, "it said for two seconds");
    *issuer.script.introspection_status.lock().unwrap() = StatusCode::OK;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
}
