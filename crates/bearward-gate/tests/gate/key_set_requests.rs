//! What makes the gate ask an issuer for its keys once more, and what does not.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::stopped::Stopped;
use crate::support::wire::{Says, Wire};
use crate::support::{AUDIENCE, Key, TestClock, gate, outcome, route};
use axum::Router;
use axum::routing::get;
use bearward_gate::{IssuerSettings, KeySource};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

const ISSUER: &str = "https://a.example";

fn claims(clock: &TestClock) -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "iat": clock.now(),
        "exp": clock.now() + 86_400,
    })
}

fn set(key: &Key) -> String {
    json!({"keys": [key.jwk()]}).to_string()
}

fn settings(issuer: &str, address: &str) -> IssuerSettings {
    let mut settings = IssuerSettings::new(issuer, vec![AUDIENCE.to_owned()]);
    settings.keys = KeySource::Url(format!("{address}/jwks"));
    settings
}

/// The fetch under way may have begun before the issuer changed its keys.
#[tokio::test]
async fn a_token_that_waited_for_a_fetch_under_way_asks_once_more() {
    /// An issuer that takes its keys from the store at once, and answers when it may.
    struct Slow {
        keys: Mutex<String>,
        asked: AtomicUsize,
        may_answer: Semaphore,
    }
    let stopped = Stopped::now();
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let slow =
        Arc::new(Slow { keys: Mutex::new(set(&old)), asked: AtomicUsize::new(0), may_answer: Semaphore::new(1) });
    let asked = |slow: &Slow| slow.asked.load(Ordering::SeqCst);
    let handler = {
        let slow = Arc::clone(&slow);
        move || async move {
            let keys = slow.keys.lock().unwrap().clone();
            slow.asked.fetch_add(1, Ordering::SeqCst);
            slow.may_answer.acquire().await.unwrap().forget();
            keys
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/jwks", get(handler));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let mut settings = settings(ISSUER, &address);
    (settings.refresh.min, settings.refresh.max) = (Duration::from_secs(60), Duration::from_secs(60));
    // The fetch must still be under way when the token comes.
    settings.timeout = Duration::from_secs(60);
    let gate = Arc::new(gate(&clock, vec![settings], vec![route("/*", &[])]));
    stopped.until(|| gate.status()[0].ready).await;
    // The keys are asked for again because of their age, and not for the sake of a token.
    stopped.pass(Duration::from_secs(61)).await;
    stopped.until(|| asked(&slow) == 2).await;

    *slow.keys.lock().unwrap() = set(&new);
    let token = new.sign(&claims(&clock));
    let decision = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { outcome(&gate, "/", &token).await }
    });
    stopped.pass(Duration::from_millis(100)).await;
    assert!(!decision.is_finished() && asked(&slow) == 2, "it waits for the fetch under way");
    slow.may_answer.add_permits(2);
    stopped.until(|| decision.is_finished()).await;
    assert_eq!((decision.await.unwrap().as_str(), asked(&slow)), ("admit signature", 3));
}

#[tokio::test]
async fn a_wish_that_another_requests_fetch_has_granted_causes_none_of_its_own() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", Says::answer("200 OK", "", set(&key)));
    let mut settings = settings(ISSUER, &issuer.url);
    (settings.refresh.min, settings.refresh.max) = (Duration::from_secs(300), Duration::from_secs(300));
    settings.refresh.cooldown = Duration::from_secs(20);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    stopped.until(|| gate.status()[0].ready).await;
    let forged = |kid: &str| key.sign_as(kid, &claims(&clock));

    assert_eq!(outcome(&gate, "/", &forged("first")).await, "key_unknown");
    assert_eq!(issuer.asked("/jwks"), 2, "the first wish is granted");
    assert_eq!(outcome(&gate, "/", &forged("held")).await, "key_unknown");
    stopped.pass(Duration::from_secs(19)).await;
    assert_eq!(issuer.asked("/jwks"), 2, "the second one has to wait for the end of the cooldown");

    // At its end another request is faster than the timer.
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(outcome(&gate, "/", &forged("faster")).await, "key_unknown");
    stopped.pass(Duration::from_secs(19)).await;
    assert_eq!(issuer.asked("/jwks"), 3, "one fetch for both, and the next cooldown has begun");
}

#[tokio::test]
async fn no_request_waits_twice_for_an_issuer_that_hangs() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", Says::Nothing);
    let mut settings = settings(ISSUER, &issuer.url);
    settings.timeout = Duration::from_secs(20);
    let gate = Arc::new(gate(&clock, vec![settings], vec![route("/*", &[])]));
    stopped.until(|| issuer.asked("/jwks") == 1).await;
    let token = key.sign(&claims(&clock));
    let decision = tokio::spawn(async move { outcome(&gate, "/", &token).await });
    stopped.pass(Duration::from_secs(16)).await;
    assert!(!decision.is_finished(), "it waits for the fetch under way");
    stopped.pass(Duration::from_secs(8)).await;
    stopped.until(|| decision.is_finished()).await;
    assert_eq!(decision.await.unwrap(), "keys_unavailable");
}

#[tokio::test]
async fn many_gates_do_not_ask_in_step() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", Says::answer("200 OK", "cache-control: max-age=600\r\n", set(&key)));
    // Each issuer has a timer of its own, as each gate has.
    let issuers = (0..16).map(|at| {
        let mut settings = settings(&format!("https://{at}.example"), &issuer.url);
        settings.refresh.max = Duration::from_secs(600);
        // On a busy machine the clock may move on by some steps before an answer is read.
        settings.timeout = Duration::from_secs(60);
        settings
    });
    let gate = gate(&clock, issuers.collect(), vec![route("/*", &[])]);
    stopped.until(|| gate.status().iter().all(|issuer| issuer.ready)).await;
    stopped.pass(Duration::from_secs(530)).await;
    assert_eq!(issuer.asked("/jwks"), 16, "no one is earlier by more than a tenth");
    stopped.pass(Duration::from_secs(68)).await;
    let early = issuer.asked("/jwks") - 16;
    assert!(early > 0, "all of them ask at the very end of the keys' lifetime");
    // On a busy machine a timer may have begun some steps late.
    stopped.pass(Duration::from_secs(20)).await;
    stopped.until(|| issuer.asked("/jwks") >= 32).await;
    assert_eq!(issuer.asked("/jwks"), 32, "and no one is late");
}
