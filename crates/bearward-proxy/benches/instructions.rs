//! How many instructions a request takes: `tests/instructions` counts them, and holds them against `instructions.txt` beside this
//! file.
//!
//! Callgrind counts the same on a busy machine as on an idle one, where a stopwatch needs hundreds of rounds and a quiet neighbour.
//! What it cannot see is the cost of memory and of the system: that is what the comparison with peers measures.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a program for people, which fails by panicking")]
#![allow(missing_docs, reason = "the macros make public items")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bearward_core::{
    Access, ClaimPointer, HeaderField, IdentityHeaders, KeySet, PathPattern, Requirement, Scope, Server,
};
use bearward_gate::{
    Decision, EngineSettings, Gate, GateSettings, IssuerSettings, KeySource, Progress, RequestFacts, RouteSettings,
};
use bearward_proxy::in_memory::InMemory;
use bearward_proxy::{ProxySettings, UpstreamSettings};
use bearward_testkit::{Signer, claims};
use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use http::{HeaderName, Method};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

// What a decision takes that waits for nothing.
#[library_benchmark]
#[bench::remembered_1_route(args = (1), setup = Asked::remembered)]
#[bench::remembered_1000_routes(args = (1_000), setup = Asked::remembered)]
#[bench::no_token_1_route(args = (1), setup = Asked::without_token)]
fn begin(asked: Box<Asked>) -> Box<Asked> {
    drop(black_box(asked.gate.begin(&asked.facts())));
    asked
}

// What a token takes that nobody has seen, all checks and its place in the memory included.
#[library_benchmark]
#[bench::es256(args = ("ES256"), setup = Asked::new_token)]
#[bench::rs256(args = ("RS256"), setup = Asked::new_token)]
fn verify(asked: Box<Asked>) -> Box<Asked> {
    drop(black_box(asked.decide()));
    asked
}

// What a whole request takes, without the system: head in, decision, exchange, answer out.
#[library_benchmark]
#[bench::remembered(args = ("/r0/orders/7"), setup = Proxied::new)]
#[bench::open(args = ("/open/orders/7"), setup = Proxied::new)]
fn proxy(mut proxied: Box<Proxied>) -> Box<Proxied> {
    proxied.exchange();
    proxied
}

library_benchmark_group!(name = gate, benchmarks = [begin, verify]);
library_benchmark_group!(name = whole, benchmarks = [proxy]);
main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [gate, whole]
);

/// A gate, and a request that is put to it.
struct Asked {
    gate: Gate,
    path: String,
    fields: Vec<HeaderField<'static>>,
    _runtime: Runtime,
}

impl Asked {
    /// A request whose token was seen before.
    fn remembered(routes: usize) -> Box<Self> {
        let asked = Self::new("ES256", routes);
        assert!(asked.decide().verdict.admission().is_some(), "admitted");
        assert!(matches!(asked.gate.begin(&asked.facts()), Progress::Decided(_)), "remembered");
        asked
    }

    fn without_token(routes: usize) -> Box<Self> {
        let mut asked = Self::remembered(routes);
        asked.fields.retain(|field| field.name != "authorization");
        assert!(asked.decide().verdict.admission().is_none(), "refused");
        asked
    }

    /// A request with a new token, of a key that has verified another.
    fn new_token(alg: &str) -> Box<Self> {
        let mut asked = Self::new(alg, 1);
        assert!(asked.decide().verdict.admission().is_some(), "admitted");
        asked.fields = fields(&token(&signer(alg), 2));
        assert!(matches!(asked.gate.begin(&asked.facts()), Progress::Pending(_)), "not seen before");
        asked
    }

    fn new(alg: &str, routes: usize) -> Box<Self> {
        let signer = signer(alg);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let gate = gate(&signer, routes, &runtime);
        let path = format!("/r{}/orders/7", routes / 2);
        Box::new(Self { gate, path, fields: fields(&token(&signer, 1)), _runtime: runtime })
    }

    fn facts(&self) -> RequestFacts<'_> {
        RequestFacts::new(&Method::GET, self.path.as_bytes(), &self.fields[..])
    }

    /// The decision, which waits for nothing where keys are fixed.
    fn decide(&self) -> Decision {
        let pending = match self.gate.begin(&self.facts()) {
            Progress::Decided(decision) => return decision,
            Progress::Pending(pending) => pending,
        };
        match pin!(pending.finish()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(decision) => decision,
            Poll::Pending => panic!("it waits"),
        }
    }
}

/// A proxy, and a request that goes through it.
struct Proxied {
    memory: InMemory,
    request: Vec<u8>,
    _runtime: Runtime,
}

impl Proxied {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: orders\r\nContent-Type: application/json\r\n\
        Cache-Control: no-store\r\nContent-Length: 26\r\n\r\n{\"id\":7,\"state\":\"shipped\"}";

    /// A request with the same fields, on connections that have served three of them.
    fn new(path: &str) -> Box<Self> {
        let signer = signer("ES256");
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let gate = Arc::new(gate(&signer, 1, &runtime));
        let mut request = format!("GET {path} HTTP/1.1\r\n").into_bytes();
        for HeaderField { name, value } in fields(&token(&signer, 1)) {
            request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        let upstream = UpstreamSettings::new("orders", [Server::parse("127.0.0.1:1").unwrap()]);
        let memory = InMemory::new(&ProxySettings::new([], [upstream]), gate).unwrap();
        let mut proxied = Box::new(Self { memory, request, _runtime: runtime });
        for _ in 0..3 {
            proxied.exchange();
            let answered = String::from_utf8_lossy(proxied.memory.answered());
            assert!(answered.starts_with("HTTP/1.1 200 "), "{answered}");
        }
        proxied
    }

    fn exchange(&mut self) {
        self.memory.exchange(&self.request, Self::ANSWER);
    }
}

const ISSUER: &str = "https://auth.example.com";

fn signer(alg: &str) -> Signer {
    Signer::from_seed(alg, "2026-11", "instructions")
}

/// A gate with so many routes that want a token, and an open one.
fn gate(signer: &Signer, routes: usize, runtime: &Runtime) -> Gate {
    let mut issuer = IssuerSettings::new(ISSUER.to_owned(), vec![claims::AUDIENCE.to_owned()]);
    issuer.keys =
        KeySource::Fixed(Arc::new(KeySet::parse(json!({"keys": [signer.jwk()]}).to_string().as_bytes()).unwrap()));
    let route = |name: String, access| {
        let path = PathPattern::parse(&format!("/{name}/*")).unwrap();
        let mut route = RouteSettings::new(name, path, access);
        "orders".clone_into(&mut route.upstream);
        route
    };
    let needs = Requirement { all: vec![Scope::parse("orders:read").unwrap()], ..Requirement::default() };
    let mut all: Vec<_> = (0..routes).map(|number| route(format!("r{number}"), Access::Token(needs.clone()))).collect();
    all.push(route("open".to_owned(), Access::Open));
    let mut settings = GateSettings::new(vec![issuer], all);
    let email = (HeaderName::from_static("x-auth-email"), ClaimPointer::parse("/email").unwrap());
    settings.identity = IdentityHeaders::new(vec![email]).unwrap();
    Gate::new(settings, EngineSettings::new(runtime.handle().clone())).unwrap()
}

/// A token of about 800 bytes with one of the usual signatures.
fn token(signer: &Signer, number: usize) -> String {
    let now = claims::now();
    signer.token(&json!({
        "iss": ISSUER, "aud": [claims::AUDIENCE], "sub": format!("user-{number}@example.com"), "client_id": "web",
        "scope": "orders:read orders:write profile", "iat": now, "nbf": now, "exp": now + 3_600,
        "jti": format!("{number:024}"), "email": format!("user-{number}@example.com"),
        "roles": ["reader", "writer"], "tenant": {"id": 7, "name": "acme"}, "filler": "x".repeat(150),
    }))
}

/// What a browser sends, with this token: 12 fields and the credential.
fn fields(token: &str) -> Vec<HeaderField<'static>> {
    // The process ends with the count.
    let authorization: &'static str = format!("Bearer {token}").leak();
    [
        ("host", "api.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
        ),
        ("accept", "application/json, text/plain, */*"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("authorization", authorization),
        ("cache-control", "no-cache"),
        ("origin", "https://shop.example.com"),
        ("referer", "https://shop.example.com/orders"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-site"),
        ("x-requested-with", "XMLHttpRequest"),
    ]
    .map(|(name, value)| HeaderField { name, value: value.as_bytes() })
    .into()
}
