//! What a decision costs: `cargo bench -p bearward-gate`, or with names of parts: `cargo bench -p bearward-gate -- begin`.
//!
//! Nanoseconds are the best of many short rounds, which is what a busy machine disturbs least. A new token is put beside the bare
//! check of its signature, measured in turn with it: the ratio is what counts.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people, which fails by panicking")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::{
    Access, ClaimPointer, HeaderField, IdentityHeaders, KeySet, PathPattern, RequestPath, Requirement, Scope, Shape,
    TokenRules, UnixTime, credential, is_proxys_word, request_host, verify_jws,
};
use bearward_gate::{
    CacheSettings, Decision, EngineSettings, Gate, GateSettings, IssuerSettings, KeySource, Progress, RequestFacts,
    RequestIds, RouteSettings,
};
use bearward_testkit::{Signer, claims};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::runtime::Handle;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // cargo passes `--bench`.
    let asked: Vec<_> = std::env::args().skip(1).filter(|part| !part.starts_with('-')).collect();
    let is_asked = |part: &str| asked.is_empty() || asked.iter().any(|asked| asked == part);
    if is_asked("parts") {
        parts();
    }
    if is_asked("begin") {
        remembered();
    }
    if is_asked("new") {
        new_tokens();
    }
    if is_asked("memory") {
        memory();
    }
}

/// The nanoseconds of one call: the best of many rounds.
fn nanoseconds<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    (0..ROUNDS).map(|_| once(calls, &mut call)).fold(f64::INFINITY, f64::min)
}

/// The nanoseconds of one call of so many.
fn once<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    let begun = Instant::now();
    for _ in 0..calls {
        black_box(call());
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

const ROUNDS: usize = 400;

fn tell(what: &str, nanoseconds: f64) {
    println!("{what:<60} {nanoseconds:>9.0} ns");
}

/// What a decision consists of, and what mounts ask of each request besides.
fn parts() {
    let signer = Signer::new("RS256", "2026-11");
    let token = token_of(968, &signer, &issuer_name(0), 0);
    let (map, sent) = request(&token);
    let list = list(&sent);
    let names: Vec<_> = sent.iter().map(|(name, _)| name.to_string()).collect();
    let identity = identity_headers();
    tell("credential, from a map", nanoseconds(500, || credential(black_box(&map), 16_384)));
    tell("credential, from a list", nanoseconds(500, || credential(black_box(&list[..]), 16_384)));
    let taken = credential(&map, 16_384).unwrap();
    tell("shape", nanoseconds(500, || Shape::of(black_box(taken.token()))));
    tell("host, from a list", nanoseconds(500, || request_host(None, black_box(&list[..]))));
    tell("path", nanoseconds(500, || RequestPath::parse(black_box(b"/orders/2026/7"))));
    let is_removed = |name: &String| is_proxys_word(name) || identity.is_reserved(name);
    let removed = || black_box(&names).iter().filter(|name| is_removed(name)).count();
    tell("14 header names against the lists", nanoseconds(500, removed));
    let ids = RequestIds::default();
    tell("a new request id", nanoseconds(500, || ids.of(black_box(&list[..]))));
}

/// Requests that end where they begin.
fn remembered() {
    let signer = Signer::new("RS256", "2026-11");
    for count in [1, 10, 1_000] {
        let gate = gate(count, &signer, CacheSettings::default());
        let (path, issuer) = (format!("/r{}/orders/7", count / 2), issuer_name(count / 2));
        let token = token_of(968, &signer, &issuer, 0);
        let (map, sent) = request(&token);
        let list = list(&sent);
        let (of_map, of_list) = (facts(&path, &map), facts(&path, &list[..]));
        assert!(finished(&gate, &of_map).verdict.admission().is_some());
        let begin = |request: &RequestFacts<'_>| gate.begin(black_box(request));
        tell(&format!("remembered, {count} routes and issuers, map"), nanoseconds(200, || begin(&of_map)));
        tell(&format!("remembered, {count} routes and issuers, list"), nanoseconds(200, || begin(&of_list)));
        let (_, mut without) = request(&token);
        without.retain(|(name, _)| *name != "authorization");
        let without = self::list(&without);
        let none = facts(&path, &without[..]);
        tell(&format!("no token, {count} routes and issuers, list"), nanoseconds(200, || begin(&none)));
    }
    let gate = gate(1, &signer, CacheSettings::default());
    let tokens: Vec<_> = (0..1_000).map(|at| token_of(871, &signer, &issuer_name(0), at)).collect();
    let requests: Vec<_> = tokens.iter().map(|token| request(token).1).collect();
    let lists: Vec<_> = requests.iter().map(|sent| list(sent)).collect();
    let all: Vec<_> = lists.iter().map(|list| facts("/r0/orders/7", &list[..])).collect();
    all.iter().for_each(|request| drop(finished(&gate, request)));
    let mut next = all.iter().cycle();
    tell(
        "remembered, 1,000 tokens in turn, list",
        nanoseconds(2_000, || next.next().map(|request| gate.begin(request))),
    );
}

/// Tokens that nobody has seen, beside the bare check of their signatures.
fn new_tokens() {
    for (alg, kid) in [("RS256", "2026-11"), ("ES256", "2026-11"), ("EdDSA", "2026-11")] {
        let signer = Signer::new(alg, kid);
        let [_, key] = signer.der();
        let key = match alg {
            "RS256" => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key),
            "ES256" => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key),
            _ => ParsedPublicKey::new(&ED25519, key),
        };
        let key = key.unwrap();
        let token = token_of(871, &signer, &issuer_name(0), 0);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let keys = key_set(&signer);
        let rules = TokenRules::new(issuer_name(0), vec![claims::AUDIENCE.to_owned()]);
        let now = UnixTime(claims::now());
        let gate = gate(1, &signer, CacheSettings::default());
        let mut bare = f64::INFINITY;
        let mut core = f64::INFINITY;
        let mut whole = f64::INFINITY;
        let mut number = 0;
        // In turn, so that what disturbs one disturbs the others.
        for _ in 0..60 {
            bare = bare.min(once(100, || key.verify_sig(black_box(message.as_bytes()), &signature).unwrap()));
            core = core.min(once(100, || verify_jws(black_box(&token), &keys, &rules, now).unwrap()));
            let tokens: Vec<_> = (0..20).map(|at| token_of(871, &signer, &issuer_name(0), number + at)).collect();
            number += 20;
            let requests: Vec<_> = tokens.iter().map(|token| request(token).1).collect();
            let lists: Vec<_> = requests.iter().map(|sent| list(sent)).collect();
            let mut each = lists.iter();
            whole = whole.min(once(20, || {
                let facts = facts("/r0/orders/7", each.next().map_or(&[][..], |list| &list[..]));
                finished(&gate, &facts)
            }));
        }
        tell(&format!("{alg}: signature alone"), bare);
        tell(&format!("{alg}: verify_jws ({:.3} of it)", core / bare), core);
        tell(&format!("{alg}: a whole decision, remembered ({:.3} of it)", whole / bare), whole);
    }
}

/// A hundred thousand tokens with the claims of RS256 tokens of 871 bytes, each remembered with its identity headers.
fn memory() {
    const TOKENS: usize = 100_000;
    // The cheapest to sign. Its signature is 256 characters shorter, and is not kept.
    let signer = Signer::new("EdDSA", "2026-11");
    let gate = gate(1, &signer, CacheSettings::default());
    let ask = |number| {
        let token = token_of(615, &signer, &issuer_name(0), number);
        let (map, _) = request(&token);
        assert!(finished(&gate, &facts("/r0/orders/7", &map)).verdict.admission().is_some());
    };
    (0..10).for_each(ask);
    let before = resident();
    (10..TOKENS).for_each(ask);
    let held = resident() - before;
    println!(
        "{TOKENS} remembered tokens: {:.1} MB more, {} bytes each; {:.1} MB in all",
        held as f64 / 1e6,
        held / TOKENS,
        resident() as f64 / 1e6
    );
}

/// The memory of this process in bytes, where the system tells it.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or_default() * 4_096
}

fn issuer_name(number: usize) -> String {
    format!("https://auth{number}.example.com")
}

fn key_set(signer: &Signer) -> KeySet {
    KeySet::parse(json!({"keys": [signer.jwk()]}).to_string().as_bytes()).unwrap()
}

fn identity_headers() -> IdentityHeaders {
    let claim = (HeaderName::from_static("x-auth-email"), ClaimPointer::parse("/email").unwrap());
    IdentityHeaders::new(vec![claim]).unwrap()
}

/// A gate with so many routes, each of which takes the tokens of as many issuers.
fn gate(count: usize, signer: &Signer, cache: CacheSettings) -> Gate {
    let keys = Arc::new(key_set(signer));
    let issuers = (0..count).map(|number| {
        let mut issuer = IssuerSettings::new(issuer_name(number), vec![claims::AUDIENCE.to_owned()]);
        issuer.keys = KeySource::Fixed(Arc::clone(&keys));
        issuer
    });
    let routes = (0..count).map(|number| {
        let requirement = Requirement { all: vec![Scope::parse("orders:read").unwrap()], ..Requirement::default() };
        let path = PathPattern::parse(&format!("/r{number}/*")).unwrap();
        RouteSettings::new(format!("r{number}"), path, Access::Token(requirement))
    });
    let mut settings = GateSettings::new(issuers.collect(), routes.collect());
    settings.identity = identity_headers();
    settings.cache = cache;
    Gate::new(settings, EngineSettings::new(Handle::current())).unwrap()
}

/// A token of exactly this length.
fn token_of(length: usize, signer: &Signer, issuer: &str, number: usize) -> String {
    let now = claims::now();
    let claims = |filler: usize| -> Value {
        json!({
            "iss": issuer, "aud": [claims::AUDIENCE], "sub": format!("user-{number}@example.com"), "client_id": "web",
            "scope": "orders:read orders:write profile", "iat": now, "nbf": now, "exp": now + 3_600,
            "jti": format!("{number:024}"), "email": format!("user-{number}@example.com"), "filler": "x".repeat(filler),
            "roles": ["reader", "writer"], "tenant": {"id": 7, "name": "acme"},
        })
    };
    let base = signer.token(&claims(0)).len();
    // Three bytes are four digits; the rounding is made up for by one more or less.
    let guess = length.saturating_sub(base) * 3 / 4;
    (guess.saturating_sub(1)..guess + 3)
        .map(|filler| signer.token(&claims(filler)))
        .find(|token| token.len() >= length)
        .unwrap()
}

/// The fields that a browser's request has, with this token: 12 and the credential, and the host among them.
fn request(token: &str) -> (HeaderMap, Vec<(HeaderName, HeaderValue)>) {
    let authorization = format!("Bearer {token}");
    let sent = [
        ("host", "api.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
        ),
        ("accept", "application/json, text/plain, */*"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("authorization", &authorization),
        ("cache-control", "no-cache"),
        ("origin", "https://shop.example.com"),
        ("referer", "https://shop.example.com/orders"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-site"),
        ("x-requested-with", "XMLHttpRequest"),
    ];
    let sent = sent.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    (sent.iter().cloned().collect(), sent.to_vec())
}

fn list(sent: &[(HeaderName, HeaderValue)]) -> Vec<HeaderField<'_>> {
    sent.iter().map(|(name, value)| HeaderField { name: name.as_str(), value: value.as_bytes() }).collect()
}

fn facts<'a>(path: &'a str, headers: impl Into<bearward_core::HeaderFields<'a>>) -> RequestFacts<'a> {
    RequestFacts::new(&Method::GET, path.as_bytes(), headers)
}

/// The decision, which waits for nothing where keys are fixed.
fn finished(gate: &Gate, request: &RequestFacts<'_>) -> Decision {
    let pending = match gate.begin(request) {
        Progress::Decided(decision) => return decision,
        Progress::Pending(pending) => pending,
    };
    match pin!(pending.finish()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decision) => decision,
        Poll::Pending => panic!("it waits"),
    }
}
