//! How a decision is told: to the sink, and in the headers of a refusal.

use std::sync::{Arc, Mutex};

use crate::support::wire::{Says, Wire};
use crate::support::{
    AUDIENCE, FakeIssuer, Key, TestClock, decide, engine, gate, gate_settings, gate_with_cache, numbers_of, route,
};
use bearward_core::{Access, KeySet};
use bearward_gate::{
    CacheSettings, ClientAuth, Decision, DecisionEvent, DecisionSink, Gate, IntrospectionSettings, IssuerSettings,
    KeySource, RequestFacts, Secret, Verdict,
};
use http::{HeaderMap, Method, header};
use serde_json::json;

/// Writes a line for each decision.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl DecisionSink for Lines {
    fn decided(&self, event: &DecisionEvent<'_>) {
        let id = event.request_id.unwrap_or("-");
        let route = event.route.unwrap_or("-");
        let issuer = event.issuer.map_or("-", |_| "issuer");
        let source = event.source.map_or("-", |source| source.name());
        let reason = event.reason.map_or("-", |reason| reason.name());
        let subject = event.token.and_then(|token| token.subject()).unwrap_or("-");
        self.0.lock().unwrap().push([id, route, issuer, source, reason, subject].join(" "));
    }
}

#[tokio::test]
async fn each_decision_is_told_once_with_what_is_known_of_it() {
    let (clock, key, lines) = (TestClock::new(), Key::new("k1"), Arc::new(Lines::default()));
    let issuer = FakeIssuer::start(&[&key]).await;
    let routes = vec![route("/any/*", &[]), route("/admin/*", &["orders:admin"])];
    let settings = gate_settings(vec![issuer.settings()], routes);
    let sink = Arc::clone(&lines);
    let gate = Gate::new(settings, engine(&clock).with_sink(sink)).unwrap();
    let token = format!("Bearer {}", key.sign(&issuer.claims(clock.now())));
    for (id, path, authorization) in [
        ("1", "/any/1", Some(&*token)),
        ("2", "/any/1", Some(&*token)),
        ("3", "/admin/1", Some(&*token)),
        ("4", "/any/1", Some("Bearer opaque")),
        ("5", "/any/1", Some("Bearer opaque")),
        ("6", "/any/1", None),
        ("7", "/none", None),
    ] {
        let headers = HeaderMap::from_iter(authorization.map(|value| (header::AUTHORIZATION, value.parse().unwrap())));
        let mut request = RequestFacts::new(&Method::GET, path.as_bytes(), &headers);
        request.request_id = Some(id);
        gate.decide(&request).await;
    }
    let expected = [
        "1 /any/* issuer signature - alice",
        "2 /any/* issuer cache - alice",
        "3 /admin/* issuer cache scope_missing -",
        "4 /any/* issuer introspection token_inactive -",
        "5 /any/* issuer cache token_inactive -",
        "6 /any/* - - credential_missing -",
        "7 - - - route_not_found -",
    ];
    assert_eq!(*lines.0.lock().unwrap(), expected);
}

fn field(decision: Decision, name: header::HeaderName) -> Option<String> {
    let Verdict::Refuse(refusal) = decision.verdict else { panic!("admitted") };
    let headers = refusal.answer("1", bearward_core::Wire::Http).headers;
    headers.iter().find(|(is, _)| *is == name).map(|(_, value)| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_method_that_a_place_does_not_serve_is_told_which_it_serves() {
    let mut orders = route("/orders", &[]);
    orders.methods = vec![Method::GET, Method::PUT];
    let gate = gate(&TestClock::new(), Vec::new(), vec![orders]);
    let headers = HeaderMap::new();
    let decision = gate.decide(&RequestFacts::new(&Method::DELETE, b"/orders", &headers)).await;
    assert_eq!(field(decision, header::ALLOW).as_deref(), Some("GET, PUT"));
}

/// That an issuer wants a pause says nothing of when its keys will be there, nor of another issuer.
#[tokio::test]
async fn a_pause_is_told_to_those_alone_whose_issuer_wants_it() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (pausing, failing) = (Wire::start().await, Wire::start().await);
    pausing.say("/introspect", Says::answer("429 Too Many Requests", "retry-after: 30\r\n", ""));
    failing.say("/introspect", Says::answer("400 Bad Request", "", ""));
    let settings = [&pausing, &failing].map(|issuer| {
        let auth = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
        let url = Some(format!("{}/introspect", issuer.url));
        let mut introspection = IntrospectionSettings::new("gateway", auth);
        introspection.url = url;
        let mut settings = IssuerSettings::new(&issuer.url, vec![AUDIENCE.to_owned()]);
        settings.introspection = Some(introspection);
        settings
    });
    let routes = [&pausing, &failing].map(|issuer| {
        let mut route = route(if issuer.url == pausing.url { "/pausing/*" } else { "/failing/*" }, &[]);
        route.issuers = vec![issuer.url.clone()];
        route
    });
    let gate = gate(&clock, settings.to_vec(), routes.to_vec());
    let jws = key.sign(&json!({
        "iss": pausing.url, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "iat": clock.now(),
        "exp": clock.now() + 600,
    }));
    for (path, token, expected) in [
        ("/pausing/1", "opaque", 10..=30),
        ("/failing/1", "opaque", 5..=5),
        ("/pausing/1", &*jws, 5..=5),
        ("/pausing/1", "another", 10..=30),
    ] {
        let wait: u32 = field(decide(&gate, path, token).await, header::RETRY_AFTER).unwrap().parse().unwrap();
        assert!(expected.contains(&wait), "{path}: {wait}, not {expected:?}");
    }
}

/// The identity headers as bytes and as fields say the same, the first time and from memory.
#[tokio::test]
async fn who_calls_is_told_in_lines_and_in_fields() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut open = route("/open", &[]);
    open.access = Access::Open;
    let gate = gate(&clock, vec![issuer.settings()], vec![route("/any/*", &[]), open]);
    let mut claims = issuer.claims(clock.now());
    claims["sub"] = json!("alice\r\nx-auth-scope: admin");
    let token = key.sign(&claims);
    for (path, count) in [("/any/1", 4), ("/any/2", 4), ("/open", 0)] {
        let decision = decide(&gate, path, &token).await;
        let admission = decision.verdict.admission().unwrap();
        let fields = admission.headers().iter();
        let lines: Vec<_> = fields.map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
        assert_eq!(lines.len(), count, "{path}");
        assert_eq!(lines.concat().as_bytes(), admission.lines(), "{path}");
    }
}

/// Readiness is told of each issuer; which of them counts, a route decides that looks at its tokens.
#[tokio::test]
async fn the_state_of_each_issuer_is_told() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let key_set = json!({"keys": [key.jwk()]}).to_string();
    let fixed = KeySource::Fixed(Arc::new(KeySet::parse(key_set.as_bytes()).unwrap()));
    let away = KeySource::Url("http://127.0.0.1:9/jwks".to_owned());
    let issuers = [("a.example", &fixed), ("b.example", &away), ("c.example", &fixed)].map(|(name, keys)| {
        let mut settings = IssuerSettings::new(name, vec![AUDIENCE.to_owned()]);
        settings.keys = keys.clone();
        settings
    });
    let mut routes = [route("/a/*", &[]), route("/b/*", &[])];
    routes[0].issuers = vec!["a.example".to_owned()];
    (routes[1].issuers, routes[1].access) = (vec!["b.example".to_owned()], Access::Open);
    let (gate, registry) = gate_with_cache(&clock, issuers.to_vec(), routes.to_vec(), CacheSettings::default());
    let told: Vec<_> = gate.status().into_iter().map(|issuer| (issuer.issuer, issuer.used, issuer.ready)).collect();
    let expected = [("a.example", true, true), ("b.example", false, false), ("c.example", false, true)];
    assert_eq!(told, expected.map(|(name, used, ready)| (name.to_owned(), used, ready)));
    for (name, _, ready) in expected {
        let label = format!("bearward_issuer_ready{{issuer=\"{name}\"}}");
        assert_eq!(numbers_of(&registry, &label), [f64::from(u8::from(ready))], "{name}");
    }
}
