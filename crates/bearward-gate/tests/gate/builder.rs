//! A gate built in code: what it refuses to be built from, what its defaults are, and that it can be waited for.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{AUDIENCE, FakeIssuer, Key, outcome};
use bearward_core::ClaimTest;
use bearward_gate::{
    CacheSettings, ClientAuth, Gate, GateBuilder, GateError, IntrospectionSettings, Issuer, IssuerSettings, KeySource,
    RouteRule, Secret, TokenFormats,
};
use http::Method;

fn builder() -> GateBuilder {
    Gate::builder().issuer(Issuer::new("https://auth.example.com").audience(AUDIENCE))
}

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

#[tokio::test]
async fn what_makes_no_gate_says_why() {
    let rule = |path: &str| RouteRule::new(path);
    let mut told = Vec::new();
    for wrong in [
        Gate::builder(),
        Gate::builder().issuer(Issuer::new("https://auth.example.com")),
        builder().issuer(Issuer::new("https://a.example.com").audience(AUDIENCE).audience("")),
        builder().issuer(Issuer::new("https://a.example.com").audience(AUDIENCE).tokens(TokenFormats::Both)),
        builder().issuer(Issuer::new("http://auth.example.org").audience(AUDIENCE)),
        builder().issuer(Issuer::new("https://user:pass@auth.example.org").audience(AUDIENCE)),
        builder().issuer(Issuer::new("https://auth.example.com").audience(AUDIENCE)),
        builder().issuer(Issuer::new("acme").audience(AUDIENCE).keys(KeySource::Fixed(Arc::default()))),
        builder().issuer(Issuer::new("https://a.example.com").audience(AUDIENCE).leeway(Duration::from_secs(301))),
        builder().route(rule("orders")),
        builder().route(rule("/orders").scope("a b")),
        builder().route(rule("/orders").any_scope(["a", ""])),
        builder().route(rule("/orders").any_scope([])),
        builder().route(rule("/orders").any_scope(["a"]).any_scope([])),
        builder().route(rule("/orders").open().any_scope([])),
        builder().route(rule("/orders").methods([])),
        builder().route(rule("/orders").methods([]).open()),
        builder().route(rule("/orders").open().scope("a")),
        builder().route(rule("/orders").open().claim("a", ClaimTest::Exists)),
        builder().route(rule("/orders")).route(rule("/orders")),
        builder().route(rule("/orders/{id}").open()).route(rule("/orders/{order}").scope("a")),
        builder()
            .route(rule("/orders").methods([Method::GET]).open())
            .route(rule("/orders").methods([Method::GET, Method::POST]).scope("a")),
        builder().route(rule("/orders").methods([Method::TRACE])),
        builder().route(rule("/orders").methods([method("post")])),
        builder().route(rule("/orders").methods([method("Rotate")])).route(rule("/keys").methods([method("ROTATE")])),
        builder().route(rule("/Orders").ignore_case()).route(rule("/orders").ignore_case().open()),
        builder().route(rule("/orders").ignore_case()).route(rule("/Orders").open()),
        builder().route(rule("/orders").ignore_case().methods([Method::GET])).route(rule("/orders")),
        builder().route(rule("/admin").host("admin.example.com:8443")),
        builder().route(rule("/admin").host("")),
        builder().route(rule("/orders").issuer("https://other.example.com")),
        builder().scope_implies("a", ["b c"]),
        builder().identity_claim("x auth", "/a"),
        builder().identity_claim("x-email", "email"),
        builder().identity_claim("x-auth-subject", "/email"),
    ] {
        told.push(wrong.build().unwrap_err().to_string());
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_gate_needs_a_runtime() {
    assert!(matches!(builder().build(), Err(GateError::NoRuntime)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert!(builder().runtime(runtime.handle().clone()).build().is_ok());
}

#[tokio::test]
async fn it_starts_without_its_issuer_and_can_be_waited_for() {
    let key = Key::new("1");
    let issuer = FakeIssuer::start(&[&key]).await;
    *issuer.script.delay.lock().unwrap() = Duration::from_millis(300);
    let gate = Gate::builder().issuer(Issuer::new(&issuer.url).audience(AUDIENCE)).build().unwrap();
    assert!(!gate.status().iter().any(|status| status.ready));
    tokio::time::timeout(Duration::from_secs(10), gate.ready()).await.unwrap();
    assert!(gate.status().iter().all(|status| status.ready));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(outcome(&gate, "/anything", &key.sign(&issuer.claims(now))).await, "admit signature");
    assert_eq!(issuer.key_fetches(), 1);
}

#[tokio::test]
async fn who_waits_for_an_issuer_that_is_away_waits() {
    let gate = Gate::builder().issuer(Issuer::new("http://127.0.0.1:9").audience(AUDIENCE)).build().unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(500), gate.ready()).await.is_err());
}

/// A refresh without a pause is a busy loop, a cooldown of nothing none, and the end of time more than a clock can hold.
#[tokio::test]
async fn durations_are_held_to_the_bounds_of_the_configuration() {
    let longest = Duration::MAX;
    type Set = fn(&mut IssuerSettings, Duration);
    let cases: [(&str, Duration, Set); 14] = [
        ("timeout", Duration::ZERO, |issuer, it| issuer.timeout = it),
        ("timeout", longest, |issuer, it| issuer.timeout = it),
        ("refresh.min", Duration::ZERO, |issuer, it| issuer.refresh.min = it),
        ("refresh.min", longest, |issuer, it| issuer.refresh.min = it),
        ("refresh.max", Duration::ZERO, |issuer, it| issuer.refresh.max = it),
        ("refresh.max", Duration::from_secs(59), |issuer, it| issuer.refresh.max = it),
        ("refresh.max", longest, |issuer, it| issuer.refresh.max = it),
        ("refresh.stale", longest, |issuer, it| issuer.refresh.stale = it),
        ("refresh.cooldown", Duration::ZERO, |issuer, it| issuer.refresh.cooldown = it),
        ("introspection.timeout", longest, |issuer, it| asked(issuer).timeout = it),
        ("introspection.timeout", Duration::ZERO, |issuer, it| asked(issuer).timeout = it),
        ("introspection.cache_ttl", longest, |issuer, it| asked(issuer).cache_ttl = it),
        ("introspection.negative_ttl", longest, |issuer, it| asked(issuer).negative_ttl = it),
        ("introspection.breaker_pause", longest, |issuer, it| asked(issuer).breaker_pause = it),
    ];
    for (name, value, set) in cases {
        let mut issuer = IssuerSettings::new("https://auth.example.com", vec![AUDIENCE.to_owned()]);
        let auth = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
        issuer.introspection = Some(IntrospectionSettings::new("gateway", auth));
        assert!(Gate::builder().issuer(issuer.clone()).build().is_ok());
        set(&mut issuer, value);
        let told = Gate::builder().issuer(issuer).build().unwrap_err().to_string();
        assert!(told.starts_with(&format!("issuer `https://auth.example.com`: {name} is {value:?}, and")), "{told}");
    }
    let mut cache = CacheSettings::default();
    cache.max_age = longest;
    assert!(matches!(builder().cache(cache).build(), Err(GateError::OutOfBounds { .. })));
}

fn asked(issuer: &mut IssuerSettings) -> &mut IntrospectionSettings {
    issuer.introspection.as_mut().unwrap()
}
