//! When an issuer is asked for its keys, and until when old ones are used: by a clock that the test moves.

use std::time::Duration;

use crate::support::stopped::Stopped;
use crate::support::wire::{Says, Wire};
use crate::support::{AUDIENCE, Key, TestClock, gate, outcome, route};
use bearward_gate::{Gate, IssuerSettings, KeySource};
use serde_json::{Value, json};

fn claims(issuer: &Wire, clock: &TestClock, id: &str) -> Value {
    json!({
        "iss": issuer.url, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": id, "iat": clock.now(),
        "exp": clock.now() + 86_400,
    })
}

fn keys(headers: &str, keys: &[&Key]) -> Says {
    let set = json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()});
    Says::answer("200 OK", headers, set.to_string())
}

fn settings(issuer: &Wire) -> IssuerSettings {
    let mut settings = IssuerSettings::new(issuer.url.clone(), vec![AUDIENCE.to_owned()]);
    settings.keys = KeySource::Url(format!("{}/jwks", issuer.url));
    settings.refresh.max = Duration::from_secs(300);
    settings
}

fn ready(gate: &Gate) -> bool {
    gate.status().remove(0).ready
}

#[tokio::test]
async fn cache_control_is_obeyed_within_the_bounds() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    // Bounds of one minute and five, each less up to a tenth: how often in ten minutes, the first time included.
    for (header, least, most) in [
        ("cache-control: max-age=0\r\n", 10, 12),
        ("cache-control: no-store, max-age=600\r\n", 10, 12),
        ("cache-control: no-cache\r\n", 10, 12),
        ("cache-control: max-age=120\r\n", 5, 6),
        ("cache-control: public\r\ncache-control: Max-Age=\"120\"\r\n", 5, 6),
        ("cache-control: max-age=315360000\r\n", 2, 3),
        ("cache-control: max-age=99999999999999999999999\r\n", 2, 3),
        ("cache-control: max-age=-1\r\n", 2, 3),
        ("", 2, 3),
    ] {
        let issuer = Wire::start().await;
        issuer.say("/jwks", keys(header, &[&key]));
        let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
        stopped.until(|| ready(&gate)).await;
        stopped.pass(Duration::from_secs(599)).await;
        let asked = issuer.asked("/jwks");
        assert!((least..=most).contains(&asked), "{header:?}: {asked}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_is_asked_ever_less_often_and_at_least_once_a_minute() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", Says::answer("503 Service Unavailable", "", ""));
    let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
    stopped.until(|| issuer.asked("/jwks") == 1).await;
    // 1, 2, 4, 8, 16 and 32 seconds, and then a minute each; nobody asks for a token's sake.
    stopped.pass(Duration::from_secs(600)).await;
    let asked = issuer.asked("/jwks");
    assert!((14..=18).contains(&asked), "{asked}");
    assert!(!ready(&gate));

    issuer.say("/jwks", keys("", &[&key]));
    stopped.pass(Duration::from_secs(62)).await;
    assert!(ready(&gate), "without any request");
    assert_eq!(outcome(&gate, "/", &key.sign(&claims(&issuer, &clock, "1"))).await, "admit signature");
}

#[tokio::test]
async fn keys_that_cannot_be_renewed_are_used_up_to_the_bound_whatever_the_wall_clock_says() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", keys("cache-control: max-age=60\r\n", &[&key]));
    let mut settings = settings(&issuer);
    settings.refresh.stale = Duration::from_secs(600);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    stopped.until(|| ready(&gate)).await;
    let remembered = key.sign(&claims(&issuer, &clock, "remembered"));
    assert_eq!(outcome(&gate, "/", &remembered).await, "admit signature");
    issuer.say("/jwks", Says::answer("500 Internal Server Error", "", ""));
    let mut seen = 0;
    let mut next = || {
        seen += 1;
        key.sign(&claims(&issuer, &clock, &seen.to_string()))
    };
    stopped.pass(Duration::from_secs(590)).await;
    assert_eq!(outcome(&gate, "/", &next()).await, "admit signature", "within the bound");
    // A wall clock that jumps makes keys neither older nor younger.
    clock.step(40_000);
    assert_eq!(outcome(&gate, "/", &next()).await, "admit signature");
    clock.step(-40_000);
    assert_eq!(outcome(&gate, "/", &next()).await, "admit signature");

    // 60 s and 600 s after the last answer, which came before those 590 s began.
    stopped.pass(Duration::from_secs(80)).await;
    assert_eq!(outcome(&gate, "/", &next()).await, "keys_unavailable", "beyond the bound, and never invalid");
    assert_eq!(outcome(&gate, "/", &remembered).await, "keys_unavailable", "nor by what is remembered");
    clock.step(-10_000);
    assert_eq!(outcome(&gate, "/", &remembered).await, "keys_unavailable");
    clock.step(10_000);
    assert!(!ready(&gate));

    issuer.say("/jwks", keys("", &[&key]));
    stopped.pass(Duration::from_secs(62)).await;
    assert_eq!(outcome(&gate, "/", &next()).await, "admit signature");
}

/// However short the bound: one late fetch is no reason to forget keys.
#[tokio::test]
async fn keys_are_used_while_their_renewal_may_still_come() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", keys("cache-control: max-age=60\r\n", &[&key]));
    let mut settings = settings(&issuer);
    settings.refresh.stale = Duration::ZERO;
    settings.timeout = Duration::from_secs(60);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    stopped.until(|| ready(&gate)).await;
    issuer.say("/jwks", Says::Nothing);
    stopped.pass(Duration::from_secs(64)).await;
    assert!(ready(&gate));
    stopped.pass(Duration::from_secs(64)).await;
    assert!(!ready(&gate));
}

#[tokio::test]
async fn ten_thousand_invented_keys_are_one_fetch_per_cooldown() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", keys("cache-control: max-age=300\r\n", &[&key]));
    let mut settings = settings(&issuer);
    settings.refresh.min = Duration::from_secs(300);
    settings.refresh.cooldown = Duration::from_secs(20);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    stopped.until(|| ready(&gate)).await;
    let claims = claims(&issuer, &clock, "1");
    let (before, mut sent) = (issuer.asked("/jwks"), 0);
    for cooldown in 1..=10 {
        for _ in 0..1_000 {
            sent += 1;
            let forged = key.sign_as(&format!("invented-{sent}"), &claims);
            assert_eq!(outcome(&gate, "/", &forged).await, "key_unknown");
        }
        let asked = issuer.asked("/jwks") - before;
        assert!(asked <= cooldown, "{asked} fetches after {cooldown} cooldowns");
        stopped.pass(Duration::from_secs(20)).await;
    }
    assert!(issuer.asked("/jwks") - before >= 5, "but each cooldown's end grants a wish");
    assert_eq!(outcome(&gate, "/", &key.sign(&claims)).await, "admit signature");
}

#[tokio::test]
async fn a_gate_that_is_gone_asks_nobody() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", keys("cache-control: max-age=60\r\n", &[&key]));
    let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
    stopped.until(|| ready(&gate)).await;
    stopped.pass(Duration::from_secs(61)).await;
    let asked = issuer.asked("/jwks");
    assert_eq!(asked, 2);
    drop(gate);
    stopped.pass(Duration::from_secs(300)).await;
    assert_eq!(issuer.asked("/jwks"), asked);
}
