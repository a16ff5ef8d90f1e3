//! Whatever an issuer answers, or does not: what depends on it is 503 with `Retry-After`, never 401; what does not goes
//! on; and everything is well again when the issuer is, without a restart. No caller can make the gateway flood an issuer.

use crate::support::{Connection, Echo, Gateway, Received, Reply, SOON, ScriptedIssuer, Server, Signer, eventually};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[test]
fn metadata_that_cannot_be_had_is_503_for_its_issuer_alone() {
    keys_are_away(ScriptedIssuer::METADATA);
}

#[test]
fn a_key_set_that_cannot_be_had_is_503_for_its_issuer_alone() {
    keys_are_away(ScriptedIssuer::KEYS);
}

/// One issuer for each fault at `path`, and one that works, at one gateway.
fn keys_are_away(path: &'static str) {
    let (upstream, elsewhere) = (Echo::start(), Server::start(|_| Reply::status(200)));
    let good = ScriptedIssuer::start();
    let mut sick: Vec<(&str, ScriptedIssuer)> = Vec::new();
    for (name, fault) in faults(&elsewhere) {
        let issuer = ScriptedIssuer::start();
        issuer.script(path, fault);
        sick.push((name, issuer));
    }
    let own: [(&str, Fault); 3] = if path == ScriptedIssuer::METADATA {
        [
            (
                "metadata of another issuer",
                Box::new(|request| metadata(request, json!({ "issuer": "https://x.example" }))),
            ),
            (
                "an issuer with a slash",
                Box::new(|request| metadata(request, json!({ "issuer": format!("{}/", request.base()) }))),
            ),
            (
                "keys at a plain http address",
                Box::new(|request| metadata(request, json!({ "jwks_uri": "http://192.0.2.1/" }))),
            ),
        ]
    } else {
        [
            ("no keys", Box::new(|_| Reply::json(200, &json!({ "keys": [] })))),
            ("no list of keys", Box::new(|_| Reply::json(200, &json!({ "keys": {} })))),
            ("secret keys alone", Box::new(|_| Reply::json(200, &json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })))),
        ]
    };
    for (name, fault) in own {
        let issuer = ScriptedIssuer::start();
        issuer.script(path, fault);
        sick.push((name, issuer));
    }

    let tables: String = sick.iter().map(|(_, issuer)| issuer.table("timeout = \"500ms\"") + COOLDOWN).collect();
    let config = format!("{}{tables}{}", good.table(""), route(&upstream));
    let gateway = Gateway::start(&config);
    wait_for(&gateway, &good);
    for (name, issuer) in &sick {
        let answer = gateway.get("/orders/1").bearer(&issuer.token()).send();
        answer.assert_unavailable(&format!("{path}: {name}"));
        assert_eq!(gateway.get("/orders/1").bearer(&good.token()).send().status, 200, "beside {name}");
        // What needs no key is told as ever.
        let header = json!({ "typ": "JWT", "alg": "none" });
        let answer =
            gateway.get("/orders/1").bearer(&issuer.key().sign_json(&header, &issuer.claims_with(&json!({})))).send();
        assert!(matches!(answer.status, 401 | 503), "{name}: {}", answer.text());
    }
    let readiness = crate::support::Request::get(&format!("{}/readyz?verbose", gateway.admin())).send();
    assert_eq!(readiness.status, 200, "the callers of the good one are served: {}", readiness.text());
    for (name, issuer) in &sick {
        let line = readiness.text().lines().find(|line| line.contains(&issuer.url())).map(str::to_owned);
        assert!(line.as_ref().is_some_and(|line| line.starts_with("[-]")), "{name}: {line:?}");
    }
    assert_eq!(crate::support::Request::get(&format!("{}/livez", gateway.admin())).send().status, 200);
    assert_eq!(elsewhere.requests().len(), 0, "a redirect was followed");

    for (_, issuer) in &sick {
        issuer.mend();
    }
    for (name, issuer) in &sick {
        let token = issuer.token();
        eventually(&format!("{path} is well after {name}"), SOON, || {
            let status = gateway.get("/orders/1").bearer(&token).send().status;
            assert!(matches!(status, 200 | 503), "{name}: {status}");
            status == 200
        });
    }
    let _ready = gateway.ready();
}

#[test]
fn known_keys_stay_in_use_while_the_issuer_is_away() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    issuer.script(ScriptedIssuer::KEYS, {
        let jwk = issuer.key().jwk();
        move |_| Reply::json(200, &json!({ "keys": [jwk] })).header("Cache-Control", "max-age=0")
    });
    let refresh = "[issuers.refresh]\nmin = \"1s\"\nmax = \"1s\"\ncooldown = \"1s\"\n";
    let gateway =
        Gateway::start(&format!("{}{refresh}{}", issuer.table("timeout = \"500ms\""), route(&upstream))).ready();
    for path in [ScriptedIssuer::METADATA, ScriptedIssuer::KEYS] {
        issuer.script(path, |_| Reply::status(500));
    }
    eventually("a fetch has failed", SOON, || {
        gateway.metrics().sum("bearward_key_set_fetches_total", &[("result", "failed")]) >= 1.0
    });
    assert_eq!(gateway.get("/orders/1").bearer(&issuer.token()).send().status, 200);
    // A key that the gateway has not seen may be new: only the issuer could say, and it is away.
    let unknown = Signer::es256("newer").token(&issuer.claims_with(&json!({})));
    gateway.get("/orders/1").bearer(&unknown).send().assert_unavailable("an unknown key while the issuer is away");
    issuer.mend();
    eventually("the unknown key is known to be none of the issuer's", SOON, || {
        gateway.get("/orders/1").bearer(&unknown).send().status == 401
    });
    assert_eq!(gateway.get("/orders/1").bearer(&issuer.token()).send().status, 200);
}

#[test]
fn a_key_that_was_withdrawn_is_no_longer_accepted() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let old = issuer.key().jwk();
    issuer.script(ScriptedIssuer::KEYS, move |_| {
        Reply::json(200, &json!({ "keys": [old] })).header("Cache-Control", "no-store")
    });
    let refresh = "[issuers.refresh]\nmin = \"1s\"\nmax = \"1s\"\n";
    let gateway = Gateway::start(&format!("{}{refresh}{}", issuer.table(""), route(&upstream))).ready();
    let token = issuer.token();
    assert_eq!(gateway.get("/orders/1").bearer(&token).send().status, 200);
    let new = Signer::es256("new").jwk();
    issuer.script(ScriptedIssuer::KEYS, move |_| Reply::json(200, &json!({ "keys": [new] })));
    // The very token that is remembered as good.
    eventually("the token is refused", SOON, || gateway.get("/orders/1").bearer(&token).send().status == 401);
}

#[test]
fn an_odd_key_spoils_nothing() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let (good, second) = (issuer.key().jwk(), Signer::es256("second"));
    let with = |changes: Value| {
        let mut key = good.clone();
        key["kid"] = "odd".into();
        key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key
    };
    let secret = URL_SAFE_NO_PAD.encode([7; 32]);
    let odd = vec![
        json!(null),
        json!("a string"),
        json!([]),
        json!({}),
        json!({ "kty": "oct", "kid": "hmac", "alg": "HS256", "k": secret }),
        json!({ "kty": "unknown", "kid": "odd" }),
        json!({ "kty": "RSA", "kid": "odd", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "RSA", "kid": "odd", "n": "!!", "e": "AQAB" }),
        json!({ "kty": "OKP", "crv": "X25519", "kid": "odd", "x": secret }),
        with(json!({ "use": "enc" })),
        with(json!({ "alg": "ES999" })),
        with(json!({ "alg": "RS256" })),
        with(json!({ "crv": "P-999" })),
        with(json!({ "x": secret })),
        with(json!({ "key_ops": ["sign"] })),
        with(json!({ "d": secret })),
        with(json!({ "kid": 7 })),
        with(json!({ "x": 7 })),
    ];
    let count = odd.len();
    let keys = [odd, vec![good.clone(), second.jwk()]].concat();
    let odd_first = json!({ "keys": keys, "extra": true });
    issuer.script(ScriptedIssuer::KEYS, move |_| {
        Reply::json(200, &odd_first).header("Content-Type", "application/jwk-set+json; charset=utf-8")
    });
    let gateway = Gateway::start(&format!("{}{}", issuer.table(""), route(&upstream))).ready();
    assert_eq!(gateway.get("/orders/1").bearer(&issuer.token()).send().status, 200);
    let other = second.token(&issuer.claims_with(&json!({})));
    assert_eq!(gateway.get("/orders/1").bearer(&other).send().status, 200);
    let metrics = gateway.metrics();
    assert_eq!(metrics.sum("bearward_key_set_keys", &[]), 2.0, "{}", gateway.logs());
    assert_eq!(metrics.sum("bearward_key_set_skipped_keys", &[]), count as f64, "{}", gateway.logs());
    // What was left out vouches for nothing.
    let odd = issuer
        .key()
        .sign_json(&json!({ "typ": "at+jwt", "alg": "ES256", "kid": "odd" }), &issuer.claims_with(&json!({})));
    assert_eq!(gateway.get("/orders/1").bearer(&odd).send().status, 401);
}

#[test]
fn a_flood_of_unknown_keys_causes_one_fetch_per_cooldown() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = Gateway::start(&format!("{}{COOLDOWN}{}", issuer.table(""), route(&upstream))).ready();
    let (before, begun) = (issuer.hits(ScriptedIssuer::KEYS), Instant::now());
    let sent: usize = std::thread::scope(|scope| {
        let flood = |thread: usize| {
            let (issuer, gateway) = (&issuer, &gateway);
            scope.spawn(move || {
                let mut sent = 0;
                while begun.elapsed() < Duration::from_millis(2_500) {
                    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": format!("{thread}-{sent}") });
                    let token = issuer.key().sign_json(&header, &issuer.claims_with(&json!({})));
                    let answer = gateway.get("/orders/1").bearer(&token).send();
                    assert_eq!(answer.status, 401, "{}", answer.text());
                    assert_eq!(gateway.get("/orders/1").bearer(&issuer.token()).send().status, 200);
                    sent += 1;
                }
                sent
            })
        };
        let threads: Vec<_> = (0..4).map(flood).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let fetched = issuer.hits(ScriptedIssuer::KEYS) - before;
    // The cooldown is one second; one fetch at each end.
    let most = begun.elapsed().as_secs() as usize + 1;
    assert!((1..=most).contains(&fetched) && sent > 3 * most, "{fetched} fetches for {sent} tokens, at most {most}");
}

#[test]
fn a_new_key_is_found_by_one_fetch_for_all_who_need_it() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = Gateway::start(&format!("{}{}", issuer.table(""), route(&upstream))).ready();
    let (old, new) = (issuer.key().jwk(), Signer::es256("new"));
    let keys = json!({ "keys": [old, new.jwk()] });
    issuer.script(ScriptedIssuer::KEYS, move |_| Reply::json(200, &keys).after(Duration::from_millis(300)));
    let before = issuer.hits(ScriptedIssuer::KEYS);
    let tokens: Vec<String> =
        (0..12).map(|at| new.token(&issuer.claims_with(&json!({ "sub": format!("caller-{at}") })))).collect();
    let answers = at_once(&tokens.iter().collect::<Vec<_>>(), |token| gateway.get("/orders/1").bearer(token).send());
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject"), Some(format!("caller-{at}")));
    }
    assert_eq!(issuer.hits(ScriptedIssuer::KEYS) - before, 1);
}

#[test]
fn introspection_that_fails_is_503_and_says_nothing_of_the_token() {
    let (elsewhere, upstream) = (Server::start(|_| Reply::status(200)), Echo::start());
    let (sick, good) = (ScriptedIssuer::start(), ScriptedIssuer::start());
    let well = Arc::new(AtomicBool::new(false));
    let mut faulty: Vec<(&str, Fault)> = faults(&elsewhere);
    for status in [400, 401, 403, 404, 429] {
        faulty.push(("a status", Box::new(move |_| Reply::json(status, &json!({ "error": "invalid_client" })))));
    }
    for active in [json!("true"), json!(1), json!(null), json!([true]), json!({})] {
        faulty.push(("an odd `active`", Box::new(move |request| active_with(request, json!({ "active": active })))));
    }
    faulty.push(("no `active`", Box::new(|_| Reply::json(200, &json!({ "scope": "orders:read" })))));
    faulty.push(("an array", Box::new(|_| Reply::json(200, &json!([{ "active": true }])))));
    faulty.push((
        "a member that comes twice",
        Box::new(|request| {
            let body = ScriptedIssuer::active(request).to_string().replacen('{', "{\"active\":false,", 1);
            Reply::status(200).header("Content-Type", "application/json").body(body)
        }),
    ));
    let names: Vec<(String, String)> =
        faulty.iter().enumerate().map(|(at, (name, _))| (format!("good-{at}"), (*name).to_owned())).collect();
    sick.script(ScriptedIssuer::INTROSPECTION, {
        let well = Arc::clone(&well);
        move |request| {
            let at: usize = request.form()["token"].strip_prefix("good-").unwrap().parse().unwrap();
            if well.load(Ordering::SeqCst) { active_with(request, json!({})) } else { faulty[at].1(request) }
        }
    });
    let introspection = ScriptedIssuer::introspection("timeout = \"500ms\"");
    let routes = format!(
        "[[routes]]\npath = \"/sick/*\"\nupstream = \"orders\"\nissuers = [\"{}\"]\n\
         [[routes]]\npath = \"/good/*\"\nupstream = \"orders\"\nissuers = [\"{}\"]\n",
        sick.url(),
        good.url()
    );
    let config =
        format!("{}{introspection}{}{introspection}{}{routes}", sick.table(""), good.table(""), upstreams(&upstream));
    let gateway = start(&config).ready();
    for (token, name) in &names {
        let answer = gateway.get("/sick/1").bearer(token).send();
        answer.assert_unavailable(&format!("introspection: {name}"));
        assert_eq!(gateway.get("/good/1").bearer(token).send().status, 200, "the other issuer beside {name}");
    }
    // Of the same issuer, what needs no question goes on.
    assert_eq!(gateway.get("/sick/1").bearer(&sick.token()).send().status, 200);
    assert_eq!(elsewhere.requests().len(), 0, "a redirect was followed with a token and the gateway's credentials");

    // None of it was held against the tokens.
    well.store(true, Ordering::SeqCst);
    for (token, name) in &names {
        let answer = gateway.get("/sick/1").bearer(token).send();
        assert_eq!(answer.status, 200, "after {name}: {}", answer.text());
    }
}

#[test]
fn an_introspection_answer_about_another_kind_of_token_is_401() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let answers = [
        json!({ "active": false }),
        json!({ "iss": "https://other.example.com" }),
        json!({ "aud": "https://other.example.com" }),
        json!({ "aud": null }),
        json!({ "exp": 1 }),
        json!({ "exp": "tomorrow" }),
        json!({ "nbf": crate::support::now() + 600 }),
        json!({ "token_type": "refresh_token" }),
        json!({ "token_type": "DPoP" }),
        json!({ "cnf": { "jkt": "x" } }),
    ];
    let scripted = answers.clone();
    issuer.script(ScriptedIssuer::INTROSPECTION, move |request| {
        let at: usize = request.form()["token"].strip_prefix("good-").unwrap().parse().unwrap();
        active_with(request, scripted[at].clone())
    });
    let config = format!("{}{}{}", issuer.table(""), ScriptedIssuer::introspection(""), route(&upstream));
    let gateway = start(&config).ready();
    for (at, answer) in answers.iter().enumerate() {
        for _ in 0..2 {
            let refused = gateway.get("/orders/1").bearer(&format!("good-{at}")).send();
            assert_eq!(refused.status, 401, "{answer}: {}", refused.text());
        }
        // The second time from memory, but for what is not valid yet: it may be in a moment.
        let asked = if answer["nbf"].is_null() { 1 } else { 2 };
        let token = |request: &&Received| request.form()["token"] == format!("good-{at}");
        assert_eq!(issuer.requests(ScriptedIssuer::INTROSPECTION).iter().filter(token).count(), asked, "{answer}");
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn concurrent_requests_with_one_token_ask_once() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    issuer.script(ScriptedIssuer::INTROSPECTION, |request| {
        active_with(request, json!({})).after(Duration::from_millis(400))
    });
    let config = format!("{}{}{}", issuer.table(""), ScriptedIssuer::introspection(""), route(&upstream));
    let gateway = start(&config).ready();
    // The first of them goes away without waiting for the answer.
    let mut impatient = Connection::open(gateway.address());
    impatient.send_raw(&gateway.get("/orders/1").bearer("good-token").bytes()).unwrap();
    eventually("the issuer is asked", SOON, || issuer.hits(ScriptedIssuer::INTROSPECTION) == 1);
    drop(impatient);
    let answers = at_once(&[(); 20], |()| gateway.get("/orders/1").bearer("good-token").send());
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(issuer.hits(ScriptedIssuer::INTROSPECTION), 1);
    // The question was asked as RFC 7662 and RFC 6749, 2.3.1 say, and the token is nowhere but in the form.
    let question = issuer.requests(ScriptedIssuer::INTROSPECTION).remove(0);
    assert_eq!((&*question.method, question.form()["token"].as_str()), ("POST", "good-token"));
    assert!(question.header("authorization").unwrap().starts_with("Basic "));
    assert!(!question.target.contains("good-token"));
    // Another token is another question, and many of them one each.
    let tokens: Vec<String> = (0..10).map(|at| format!("good-{at}")).collect();
    let tokens: Vec<&String> = tokens.iter().chain(&tokens).collect();
    let answers = at_once(&tokens, |token| gateway.get("/orders/1").bearer(token).send());
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(issuer.hits(ScriptedIssuer::INTROSPECTION), 11);
}

type Fault = Box<dyn Fn(&Received) -> Reply + Send + Sync>;

/// What can be wrong with any answer.
fn faults(elsewhere: &Server) -> Vec<(&'static str, Fault)> {
    let location = format!("{}/elsewhere", elsewhere.url());
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let faults: Vec<(&'static str, Fault)> = vec![
        ("silence", Box::new(|_| Reply::silence())),
        (
            "a slow drip",
            Box::new(move |_| Reply::drip(format!("{json}Content-Length: 60\r\n\r\n"), Duration::from_millis(50))),
        ),
        ("hanging up", Box::new(|_| Reply::hang_up())),
        ("10 MB", Box::new(|_| Reply::json(200, &json!({ "keys": [], "active": true, "x": "x".repeat(10 << 20) })))),
        ("10 MB in chunks", Box::new(move |_| Reply::raw(chunked(json, &vec![b' '; 10 << 20])))),
        (
            "a truncated body",
            Box::new(move |_| Reply::raw(format!("{json}Content-Length: 500\r\n\r\n{{\"active\":true"))),
        ),
        ("half of JSON", Box::new(|_| Reply::json(200, &json!({})).body("{\"active\":true,\"keys\":["))),
        ("no JSON", Box::new(|_| Reply::json(200, &json!({})).body("active=true"))),
        ("no body", Box::new(|_| Reply::json(200, &json!({})).body(""))),
        (
            "HTML",
            Box::new(|_| {
                Reply::status(200).header("Content-Type", "text/html").body("<html><p>Welcome to the portal</p>")
            }),
        ),
        ("a redirect", Box::new(move |_| Reply::status(302).header("Location", &location))),
        ("500", Box::new(|_| Reply::status(500).body("{\"active\":true}"))),
        ("204", Box::new(|_| Reply::status(204))),
        ("no HTTP", Box::new(|_| Reply::raw("SSH-2.0-OpenSSH_9.9\r\n"))),
        (
            "a compressed body",
            Box::new(|request| active_with(request, json!({ "keys": [] })).header("Content-Encoding", "gzip")),
        ),
    ];
    faults
}

fn chunked(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    [head.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

/// Good metadata with these members put over it.
fn metadata(request: &Received, changes: Value) -> Reply {
    let base = request.base();
    let mut metadata = json!({ "issuer": base, "jwks_uri": format!("{base}{}", ScriptedIssuer::KEYS) });
    metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    Reply::json(200, &metadata)
}

/// A good introspection answer with these members put over it.
fn active_with(request: &Received, changes: Value) -> Reply {
    let mut answer = ScriptedIssuer::active(request);
    answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    Reply::json(200, &answer)
}

const COOLDOWN: &str = "[issuers.refresh]\ncooldown = \"1s\"\n";

fn upstreams(upstream: &Echo) -> String {
    format!("[[upstreams]]\nname = \"orders\"\nservers = [\"{}\"]\n", upstream.address())
}

/// One route for the tokens of all issuers.
fn route(upstream: &Echo) -> String {
    format!(
        "{}[[routes]]\npath = \"/orders/*\"\nupstream = \"orders\"\nscopes = [\"orders:read\"]\n",
        upstreams(upstream)
    )
}

fn start(config: &str) -> Gateway {
    Gateway::start_with(config, |command| {
        command.env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET);
    })
}

fn wait_for(gateway: &Gateway, issuer: &ScriptedIssuer) {
    let token = issuer.token();
    eventually("the good issuer's tokens are let through", SOON, || {
        gateway.get("/orders/1").bearer(&token).send().status == 200
    });
}

/// Runs `ask` for each of these at the same time.
fn at_once<T: Sync, R: Send>(all: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (start, ask) = (Barrier::new(all.len()), &ask);
    let start = &start;
    std::thread::scope(|scope| {
        let threads: Vec<_> = all
            .iter()
            .map(|one| {
                scope.spawn(move || {
                    start.wait();
                    ask(one)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
