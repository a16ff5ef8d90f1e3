//! A scripted issuer on a loopback port, and the tokens it signs.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    reason = "test support: each test binary uses its own part of it"
)]

pub mod stopped;
pub mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use bearward_core::{Access, PathPattern, Requirement, Scope, UnixTime};
use bearward_gate::{
    CacheSettings, ClientAuth, Clock, Decision, EngineSettings, Gate, GateError, GateSettings, IntrospectionSettings,
    IssuerSettings, MetricsRegistry, RequestFacts, RouteSettings, Secret, Verdict,
};
use bearward_testkit::Signer;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const AUDIENCE: &str = "https://api.example.com";

/// A signing key that an issuer may publish.
pub struct Key(Signer);

impl Key {
    pub fn new(id: &str) -> Self {
        Self(Signer::es256(id))
    }

    pub fn jwk(&self) -> Value {
        self.0.jwk()
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.0.token(claims)
    }

    /// A token that names another key than the one that signed it.
    pub fn sign_as(&self, kid: &str, claims: &Value) -> String {
        self.0.sign_json(&json!({"alg": "ES256", "typ": "at+jwt", "kid": kid}), claims)
    }
}

/// What the issuer does and has been asked.
pub struct Script {
    pub keys: Mutex<Vec<Value>>,
    pub key_status: Mutex<StatusCode>,
    pub introspection_status: Mutex<StatusCode>,
    pub delay: Mutex<Duration>,
    pub answers: Mutex<HashMap<String, Value>>,
    pub key_fetches: AtomicU64,
    pub questions: AtomicU64,
}

pub struct FakeIssuer {
    pub url: String,
    pub script: Arc<Script>,
    server: tokio::task::JoinHandle<()>,
}

impl FakeIssuer {
    pub async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(listener, url, keys)
    }

    pub fn serve(listener: TcpListener, url: String, keys: &[&Key]) -> Self {
        let script = Arc::new(Script {
            keys: Mutex::new(keys.iter().map(|key| key.jwk()).collect()),
            key_status: Mutex::new(StatusCode::OK),
            introspection_status: Mutex::new(StatusCode::OK),
            delay: Mutex::new(Duration::ZERO),
            answers: Mutex::default(),
            key_fetches: AtomicU64::new(0),
            questions: AtomicU64::new(0),
        });
        let metadata = json!({
            "issuer": url, "jwks_uri": format!("{url}/jwks"), "introspection_endpoint": format!("{url}/introspect"),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(metadata) }))
            .route("/jwks", get(jwks))
            .route("/introspect", post(introspect))
            .with_state(Arc::clone(&script));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, server }
    }

    pub fn publish(&self, keys: &[&Key]) {
        *self.script.keys.lock().unwrap() = keys.iter().map(|key| key.jwk()).collect();
    }

    pub fn answer(&self, token: &str, answer: Value) {
        self.script.answers.lock().unwrap().insert(token.to_owned(), answer);
    }

    pub fn key_fetches(&self) -> u64 {
        self.script.key_fetches.load(Ordering::SeqCst)
    }

    pub fn questions(&self) -> u64 {
        self.script.questions.load(Ordering::SeqCst)
    }

    pub fn claims(&self, now: u64) -> Value {
        json!({
            "iss": self.url, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "scope": "orders:read",
            "iat": now, "exp": now + 600,
        })
    }

    pub fn settings(&self) -> IssuerSettings {
        let secret = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
        let mut settings = IssuerSettings::new(self.url.clone(), vec![AUDIENCE.to_owned()]);
        settings.leeway = Duration::from_secs(5);
        settings.introspection = Some(IntrospectionSettings::new("gateway", secret));
        settings
    }
}

impl Drop for FakeIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn jwks(State(script): State<Arc<Script>>) -> Response {
    script.key_fetches.fetch_add(1, Ordering::SeqCst);
    let delay = *script.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let status = *script.key_status.lock().unwrap();
    let keys = script.keys.lock().unwrap().clone();
    (status, Json(json!({"keys": keys}))).into_response()
}

async fn introspect(State(script): State<Arc<Script>>, Form(form): Form<HashMap<String, String>>) -> Response {
    script.questions.fetch_add(1, Ordering::SeqCst);
    let delay = *script.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let status = *script.introspection_status.lock().unwrap();
    let known = script.answers.lock().unwrap().get(&form["token"]).cloned();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return (status, [("retry-after", "2")]).into_response();
    }
    (status, Json(known.unwrap_or_else(|| json!({"active": false})))).into_response()
}

/// A clock that the test sets.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000)))
    }

    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub fn step(&self, seconds: i64) {
        self.0.store(self.now().saturating_add_signed(seconds), Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::from_fn(move || UnixTime(seconds.load(Ordering::SeqCst)))
    }
}

/// A route on `path` that takes any method and needs `scopes`.
pub fn route(path: &str, scopes: &[&str]) -> RouteSettings {
    let access = Access::Token(Requirement {
        all: scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect(),
        ..Requirement::default()
    });
    let mut route = RouteSettings::new(path, PathPattern::parse(path).unwrap(), access);
    "orders".clone_into(&mut route.upstream);
    route
}

pub fn gate(clock: &TestClock, issuers: Vec<IssuerSettings>, routes: Vec<RouteSettings>) -> Gate {
    try_gate(clock, issuers, routes).unwrap()
}

/// A gate whose caches have these bounds, and its metrics.
pub fn gate_with_cache(
    clock: &TestClock,
    issuers: Vec<IssuerSettings>,
    routes: Vec<RouteSettings>,
    cache: CacheSettings,
) -> (Gate, MetricsRegistry) {
    let registry = MetricsRegistry::default();
    let mut settings = gate_settings(issuers, routes);
    settings.cache = cache;
    (Gate::new(settings, engine(clock).with_registry(registry.clone())).unwrap(), registry)
}

pub fn try_gate(
    clock: &TestClock,
    issuers: Vec<IssuerSettings>,
    routes: Vec<RouteSettings>,
) -> Result<Gate, GateError> {
    let settings = gate_settings(issuers, routes);
    Gate::new(settings, engine(clock))
}

/// An engine on the test's runtime and by its clock.
pub fn engine(clock: &TestClock) -> EngineSettings {
    EngineSettings::new(tokio::runtime::Handle::current()).with_clock(clock.clock())
}

pub fn gate_settings(issuers: Vec<IssuerSettings>, routes: Vec<RouteSettings>) -> GateSettings {
    let mut settings = GateSettings::new(issuers, routes);
    "test".clone_into(&mut settings.realm);
    settings
}

pub async fn decide(gate: &Gate, path: &str, token: &str) -> Decision {
    decide_at(gate, None, path, token).await
}

pub async fn decide_at(gate: &Gate, host: Option<&str>, path: &str, token: &str) -> Decision {
    decide_with_query(gate, host, path, None, token).await
}

pub async fn decide_with_query(
    gate: &Gate,
    host: Option<&str>,
    path: &str,
    query: Option<&[u8]>,
    token: &str,
) -> Decision {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    if let Some(host) = host {
        headers.insert("host", host.parse().unwrap());
    }
    let mut request = RequestFacts::new(&Method::GET, path.as_bytes(), &headers);
    request.query = query;
    in_time("a decision", gate.decide(&request)).await
}

/// `admit SOURCE`, or the reason's name.
pub async fn outcome(gate: &Gate, path: &str, token: &str) -> String {
    outcome_at(gate, None, path, token).await
}

/// What comes of `work`, which must come to an end: a test that waits for ever does not say what for.
pub async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let Ok(done) = tokio::time::timeout(Duration::from_secs(120), work).await else {
        panic!("{what} does not come to an end");
    };
    done
}

/// Waits until `done`, for no longer than some seconds.
pub async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} does not happen");
}

/// Until the gate says so: a file is looked at every ten seconds, an issuer when a cooldown is over.
pub async fn becomes(gate: &Gate, token: &str, expected: &str) {
    for _ in 0..300 {
        if outcome(gate, "/", token).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(outcome(gate, "/", token).await, expected);
}

pub async fn outcome_at(gate: &Gate, host: Option<&str>, path: &str, token: &str) -> String {
    name_of(&decide_at(gate, host, path, token).await)
}

/// `admit SOURCE`, or the reason's name.
pub fn name_of(decision: &Decision) -> String {
    match &decision.verdict {
        Verdict::Admit(_) => format!("admit {}", decision.source.map_or("none", |source| source.name())),
        Verdict::Refuse(refusal) => refusal.reason().name().to_owned(),
    }
}

/// The numbers of all metrics that begin with `prefix`: a name, and perhaps a part of its labels.
pub fn numbers_of(registry: &MetricsRegistry, prefix: &str) -> Vec<f64> {
    let text = registry.text().unwrap();
    let lines = text.lines().filter(|line| line.starts_with(prefix));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
}
