//! A configuration is replaced as a whole, while requests are decided: what did not change goes on, what changed starts anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{
    AUDIENCE, FakeIssuer, Key, TestClock, becomes, engine, eventually, gate, gate_settings, numbers_of, outcome, route,
};
use bearward_core::{ClaimPointer, IdentityHeaders};
use bearward_gate::{
    DecisionEvent, DecisionSink, EngineSettings, Gate, GateError, IssuerSettings, MetricsRegistry, Progress,
    RequestFacts, Source, Verdict,
};
use http::{HeaderMap, Method};
use serde_json::json;

fn authorized(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers
}

#[tokio::test]
async fn an_issuer_that_did_not_change_keeps_its_keys_and_what_is_remembered() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let token = key.sign(&issuer.claims(clock.now()));
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    becomes(&gate, &token, "admit signature").await;
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    let (fetches, questions) = (issuer.key_fetches(), issuer.questions());

    // Routes and realm are others; the issuer is read anew, and is the same.
    let mut settings =
        gate_settings(vec![issuer.settings()], vec![route("/*", &[]), route("/orders/*", &["orders:write"])]);
    settings.realm = "another".to_owned();
    let changes = gate.reload(settings).unwrap();
    assert_eq!(
        (changes.issuers_started.len(), changes.issuers_restarted.len(), changes.issuers_stopped.len()),
        (0, 0, 0)
    );
    assert_eq!(changes.routes_added, ["/orders/*"]);
    assert!(changes.routes_changed.is_empty() && changes.routes_removed.is_empty(), "{changes:?}");
    assert_eq!(outcome(&gate, "/", &token).await, "admit cache");
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit cache");
    assert_eq!(outcome(&gate, "/orders/1", &token).await, "scope_missing");
    assert_eq!((issuer.key_fetches(), issuer.questions()), (fetches, questions), "nothing was asked again");
}

#[tokio::test]
async fn its_breaker_moves_over_too() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    *issuer.script.introspection_status.lock().unwrap() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    let mut settings = issuer.settings();
    if let Some(asked) = &mut settings.introspection {
        asked.breaker_failures = 1;
        asked.breaker_pause = Duration::from_secs(600);
    }
    let gate = gate(&clock, vec![settings.clone()], vec![route("/*", &[])]);
    becomes(&gate, "opaque", "introspection_unavailable").await;
    eventually("the circuit opens", || gate.status()[0].introspection_paused).await;
    let asked = issuer.questions();
    gate.reload(gate_settings(vec![settings.clone()], vec![route("/*", &[])])).unwrap();
    assert!(gate.status()[0].introspection_paused);
    assert_eq!(outcome(&gate, "/", "opaque").await, "introspection_unavailable");
    assert_eq!(issuer.questions(), asked, "it is left alone");

    // Another client is another prover, and asks.
    if let Some(asked) = &mut settings.introspection {
        asked.client_id = "another".to_owned();
    }
    let changes = gate.reload(gate_settings(vec![settings], vec![route("/*", &[])])).unwrap();
    assert_eq!(changes.issuers_restarted, [&*issuer.url]);
    assert!(!gate.status()[0].introspection_paused);
    assert_eq!(outcome(&gate, "/", "opaque").await, "introspection_unavailable");
    assert_eq!(issuer.questions(), asked + 1);
}

#[tokio::test]
async fn settings_that_contradict_themselves_change_nothing() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let token = key.sign(&issuer.claims(clock.now()));
    becomes(&gate, &token, "admit signature").await;
    let mut nameless = issuer.settings();
    nameless.audiences.clear();
    let twice = vec![issuer.settings(), issuer.settings()];
    let mut again = route("/*", &[]);
    "again".clone_into(&mut again.name);
    let same_place = vec![route("/*", &[]), again];
    let mut unknown = route("/*", &[]);
    unknown.issuers = vec!["https://unknown.example.com".to_owned()];
    for (issuers, routes) in [
        (vec![nameless], vec![route("/*", &[])]),
        (twice, vec![route("/*", &[])]),
        (vec![issuer.settings()], same_place),
        (vec![issuer.settings()], vec![unknown]),
    ] {
        let before = gate.generation();
        let error: GateError = gate.reload(gate_settings(issuers, routes)).unwrap_err();
        assert!(Arc::ptr_eq(&before, &gate.generation()), "{error}");
        assert_eq!(outcome(&gate, "/", &token).await, "admit cache", "{error}");
    }
}

#[tokio::test]
async fn a_request_ends_by_the_configuration_that_it_began_with() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    gate.ready().await;
    let headers = authorized(&key.sign(&issuer.claims(clock.now())));
    let facts = RequestFacts::new(&Method::GET, b"/orders/1", &headers);
    let Progress::Pending(pending) = gate.begin(&facts) else { panic!("nothing is remembered") };

    // The new one asks for more, and names its headers differently.
    let mut settings = gate_settings(vec![issuer.settings()], vec![route("/*", &["orders:write"])]);
    let email = (http::HeaderName::from_static("x-email"), ClaimPointer::member("email"));
    settings.identity = IdentityHeaders::new(vec![email]).unwrap();
    gate.reload(settings).unwrap();
    let decision = pending.finish().await;
    assert!(matches!(decision.verdict, Verdict::Admit(_)), "{:?}", decision.verdict.reason());
    assert!(!decision.generation.identity_headers().is_reserved("x-email"));
    let decision = gate.decide(&facts).await;
    assert_eq!(decision.verdict.reason().map(|reason| reason.name()), Some("scope_missing"));
    assert!(decision.generation.identity_headers().is_reserved("x-email"));
}

/// What is remembered was rendered in the headers of before.
#[tokio::test]
async fn other_identity_headers_are_rendered_anew() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let mut claims = issuer.claims(clock.now());
    claims["email"] = json!("alice@example.com");
    let token = key.sign(&claims);
    becomes(&gate, &token, "admit signature").await;
    let mut settings = gate_settings(vec![issuer.settings()], vec![route("/*", &[])]);
    let email = (http::HeaderName::from_static("x-email"), ClaimPointer::member("email"));
    settings.identity = IdentityHeaders::new(vec![email]).unwrap();
    gate.reload(settings).unwrap();
    let headers = authorized(&token);
    let decision = gate.decide(&RequestFacts::new(&Method::GET, b"/", &headers)).await;
    assert_eq!(decision.source, Some(Source::Signature));
    let Verdict::Admit(admission) = &decision.verdict else { panic!("{:?}", decision.verdict.reason()) };
    assert!(admission.headers().iter().any(|(name, value)| name == "x-email" && value == "alice@example.com"));
}

#[tokio::test]
async fn an_issuer_that_is_gone_is_not_fetched_from_and_not_told_of() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (stays, goes) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[&key]).await);
    let registry = MetricsRegistry::default();
    let settings = |issuers: &[&FakeIssuer]| {
        let issuers: Vec<IssuerSettings> = issuers
            .iter()
            .map(|issuer| {
                let mut settings = issuer.settings();
                settings.introspection = None;
                settings.refresh.min = Duration::from_secs(1);
                settings.refresh.max = Duration::from_secs(1);
                settings
            })
            .collect();
        gate_settings(issuers, vec![route("/*", &[])])
    };
    let engine: EngineSettings = engine(&clock).with_registry(registry.clone());
    let gate = Gate::new(settings(&[&stays, &goes]), engine).unwrap();
    gate.ready().await;
    eventually("both are fetched from again", || stays.key_fetches() > 1 && goes.key_fetches() > 1).await;
    assert_eq!(numbers_of(&registry, "bearward_key_set_keys").len(), 2);
    assert_eq!(numbers_of(&registry, "bearward_issuer_ready").len(), 2);

    let changes = gate.reload(settings(&[&stays])).unwrap();
    assert_eq!(changes.issuers_stopped, [&*goes.url]);
    let (of_stays, of_goes) = (stays.key_fetches(), goes.key_fetches());
    eventually("the other one is fetched from still", || stays.key_fetches() >= of_stays + 3).await;
    // One may have been under way.
    assert!(goes.key_fetches() <= of_goes + 1, "{} after {of_goes}", goes.key_fetches());
    assert_eq!(numbers_of(&registry, "bearward_key_set_keys").len(), 1);
    assert_eq!(numbers_of(&registry, "bearward_issuer_ready").len(), 1);
    assert_eq!(outcome(&gate, "/", &key.sign(&goes.claims(clock.now()))).await, "issuer_mismatch");
}

#[tokio::test]
async fn what_takes_effect_with_a_new_process_alone_is_named() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]);
    let mut settings = gate_settings(vec![issuer.settings()], vec![route("/*", &[])]);
    settings.cache.max_entries += 1;
    let changes = gate.reload(settings).unwrap();
    assert_eq!(changes.needs_restart, ["cache.max_entries"]);
    let changes = gate.reload(gate_settings(vec![issuer.settings()], vec![route("/other/*", &[])])).unwrap();
    assert!(changes.needs_restart.is_empty());
    assert_eq!((changes.routes_added, changes.routes_removed), (vec!["/other/*".to_owned()], vec!["/*".to_owned()]));
}

/// Each request is decided by one configuration or by the other, and never by a mixture.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_under_load_give_no_other_verdict() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = Arc::new(gate(&clock, vec![issuer.settings()], vec![route("/*", &[])]));
    gate.ready().await;
    let requests: Vec<_> = (0..4)
        .map(|worker: u32| {
            let gate = Arc::clone(&gate);
            let tokens: Vec<_> = (0..20)
                .map(|at: u32| {
                    let mut claims = issuer.claims(clock.now());
                    claims["jti"] = json!(format!("{worker}-{at}"));
                    key.sign(&claims)
                })
                .collect();
            tokio::spawn(async move {
                for at in 0..400 {
                    let told = outcome(&gate, "/", &tokens[at % tokens.len()]).await;
                    assert!(told.starts_with("admit ") || told == "scope_missing", "{told}");
                }
            })
        })
        .collect();
    let mut leeway = 0;
    while !requests.iter().all(tokio::task::JoinHandle::is_finished) {
        leeway = (leeway + 1) % 5;
        let mut settings = issuer.settings();
        settings.introspection = None;
        let scopes: &[&str] = if leeway % 2 == 0 { &["orders:write"] } else { &["orders:read"] };
        gate.reload(gate_settings(vec![settings], vec![route("/*", scopes)])).unwrap();
        tokio::task::yield_now().await;
    }
    for request in requests {
        request.await.unwrap();
    }
}

#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl DecisionSink for Told {
    fn decided(&self, event: &DecisionEvent<'_>) {
        let (id, route) = (event.request_id.unwrap_or("-"), event.route.unwrap_or("-"));
        let reason = event.reason.map_or("admit", |reason| reason.name());
        let subject = event.token.and_then(|token| token.subject()).unwrap_or("-");
        self.0.lock().unwrap().push(format!("{id} {route} {reason} {subject}"));
    }
}

#[tokio::test]
async fn every_decision_is_told_once_with_the_identifier_of_its_request() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let told = Arc::new(Told::default());
    let sink: Arc<dyn DecisionSink> = Arc::clone(&told) as _;
    let settings = gate_settings(vec![issuer.settings()], vec![route("/orders/*", &[])]);
    let gate = Gate::new(settings, engine(&clock).with_sink(sink)).unwrap();
    gate.ready().await;
    let headers = authorized(&key.sign(&issuer.claims(clock.now())));
    for (path, id) in [(&b"/orders/1"[..], Some("a")), (b"/orders/1", Some("b")), (b"/none", None)] {
        let mut facts = RequestFacts::new(&Method::GET, path, &headers);
        facts.request_id = id;
        gate.decide(&facts).await;
    }
    let expected = ["a /orders/* admit alice", "b /orders/* admit alice", "- - route_not_found -"];
    assert_eq!(*told.0.lock().unwrap(), expected);
}
