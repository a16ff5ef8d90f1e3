//! `tokens = "both"`: a self-contained token must be borne out by the issuer as well. What the issuer has ended is
//! refused once its last answer is over; what it cannot be asked about is 503, never 401; its answer only takes away.

use crate::support::{
    Echo, Gateway, Process, Received, Reply, Request, Response, SOON, ScriptedIssuer, Signer, bearward, eventually,
    free_port, now,
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[test]
fn a_token_is_admitted_when_the_issuer_bears_it_out() {
    let (issuer, upstream) = (DevelopmentIssuer::start(), Echo::start());
    let gateway = issuer.gateway(&upstream, "tokens = \"both\"", "");
    for application in ["orders-app", "orders-app-referential"] {
        let before = Counts::of(&gateway);
        let token = issuer.token(application);
        assert_eq!(token.split('.').count(), if application == "orders-app" { 3 } else { 5 });
        for _ in 0..2 {
            let answer = gateway.get("/orders/1").bearer(&token).send();
            assert_eq!(answer.status, 200, "{application}: {}", answer.text());
            assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some(application));
        }
        let after = Counts::of(&gateway);
        assert_eq!(after.admitted("signature"), 0.0, "nothing is admitted by its signature alone");
        assert_eq!(after.admitted("introspection") - before.admitted("introspection"), 1.0, "{application}");
        assert_eq!(after.admitted("cache") - before.admitted("cache"), 1.0, "{application}");
        assert_eq!(after.questions("active") - before.questions("active"), 1.0, "{application}");
    }
}

#[test]
fn a_revoked_token_is_refused_once_the_issuers_answer_is_over() {
    let (issuer, upstream) = (DevelopmentIssuer::start(), Echo::start());
    let both = |ttl: &str| issuer.gateway(&upstream, "tokens = \"both\"", &format!("cache_ttl = \"{ttl}\""));
    let (forgetful, brief, long) = (both("0s"), both("1s"), both("1h"));
    let alone = issuer.gateway(&upstream, "tokens = \"auto\"", "");
    for application in ["orders-app", "orders-app-referential"] {
        let token = issuer.token(application);
        let get = |gateway: &Gateway| gateway.get("/orders/1").bearer(&token).send();
        for gateway in [&forgetful, &brief, &long, &alone] {
            assert_eq!(get(gateway).status, 200, "{application}: {}", gateway.logs());
        }
        issuer.revoke(application, &token);

        assert_invalid(&get(&forgetful), application);
        assert_eq!(get(&long).status, 200, "{application}: one answer is good for `cache_ttl`");
        eventually("the token is refused", SOON, || {
            let answer = get(&brief);
            if answer.status == 200 {
                return false;
            }
            assert_invalid(&answer, application);
            true
        });
        for gateway in [&forgetful, &brief] {
            assert!(Counts::of(gateway).refused("token_inactive") >= 1.0, "{application}: {}", gateway.logs());
        }
    }
    // This is what it is for: a signature that holds knows of no revocation.
    let token = issuer.token("orders-app");
    issuer.revoke("orders-app", &token);
    assert_eq!(alone.get("/orders/1").bearer(&token).send().status, 200);
    for gateway in [&forgetful, &brief, &long] {
        assert_invalid(&gateway.get("/orders/1").bearer(&token).send(), "revoked before it came");
    }
}

#[test]
fn an_issuer_that_is_gone_is_503_and_never_401() {
    let (mut issuer, upstream) = (DevelopmentIssuer::start(), Echo::start());
    let gateway = issuer.gateway(&upstream, "tokens = \"both\"", "breaker_failures = 1000");
    let get = |token: &str| gateway.get("/orders/1").bearer(token).send();
    let (known, new, revoked) = (issuer.token("orders-app"), issuer.token("orders-app"), issuer.token("orders-app"));
    assert_eq!(get(&known).status, 200);
    issuer.revoke("orders-app", &revoked);

    issuer.faults(&["introspection=503"]);
    get(&new).assert_unavailable("an issuer that answers 503");
    issuer.faults(&["introspection=401"]);
    get(&new).assert_unavailable("an issuer that does not know the gateway");
    issuer.faults(&[]);
    assert_eq!(get(&new).status, 200, "nothing of that was held against the token");

    let other = issuer.token("orders-app");
    issuer.process.kill();
    get(&other).assert_unavailable("an issuer that is gone");
    get(&revoked).assert_unavailable("a revoked token of an issuer that is gone: nobody can say so");
    assert_eq!(get(&known).status, 200, "an answer that is not over yet");
    // What the keys already refuse needs no issuer.
    let forged = Signer::es256("forged").sign_json(&header_of(&other), &claims_of(&other));
    assert_eq!(get(&forged).status, 401);
}

#[test]
fn what_the_keys_refuse_is_shown_to_nobody() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = gateway(&issuer, &upstream, "", "");
    issuer.script(ScriptedIssuer::INTROSPECTION, |_| says(json!({})));
    let good = issuer.token();
    let header = header_of(&good);
    let claims = |changes| issuer.claims_with(&changes);
    for (reason, token) in [
        ("signature_invalid", Signer::es256("main").sign_json(&header, &claims(json!({})))),
        ("algorithm_refused", issuer.key().sign_json(&json!({ "typ": "at+jwt", "alg": "none" }), &claims(json!({})))),
        (
            "type_mismatch",
            issuer.key().sign_json(&json!({ "typ": "JWT", "alg": "ES256", "kid": "main" }), &claims(json!({}))),
        ),
        ("token_expired", issuer.token_with(&json!({ "exp": now() - 600 }))),
        ("audience_mismatch", issuer.token_with(&json!({ "aud": "https://other.example.com" }))),
        ("issuer_mismatch", issuer.token_with(&json!({ "iss": "https://other.example.com" }))),
        ("claim_missing", issuer.token_with(&json!({ "sub": null }))),
    ] {
        let answer = gateway.get("/orders/1").bearer(&token).send();
        assert_eq!(answer.status, 401, "{reason}: {}", answer.text());
        assert_eq!(Counts::of(&gateway).refused(reason), 1.0, "{reason}: {}", gateway.metrics().0);
    }
    assert_eq!(issuer.hits(ScriptedIssuer::INTROSPECTION), 0);
    assert_eq!(gateway.get("/orders/1").bearer(&good).send().status, 200);
    let question = issuer.requests(ScriptedIssuer::INTROSPECTION).remove(0);
    assert_eq!(question.form()["token"], good, "the token as it came");
}

#[test]
fn the_scopes_are_those_that_both_name() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = gateway(&issuer, &upstream, "", "");
    for (at, (answer, left)) in [
        (json!({}), "orders:read orders:write"),
        (json!({ "scope": "orders:read orders:write" }), "orders:read orders:write"),
        (json!({ "scope": "orders:admin orders:write" }), "orders:write"),
        (json!({ "scope": ["orders:read"] }), "orders:read"),
        (json!({ "scope": "orders:admin" }), ""),
        (json!({ "scope": "" }), ""),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.script(ScriptedIssuer::INTROSPECTION, {
            let answer = answer.clone();
            move |_| says(answer.clone())
        });
        let token = issuer.token_with(&json!({ "scope": "orders:read orders:write", "jti": at.to_string() }));
        let get = |path: &str| gateway.get(path).bearer(&token).send();
        // The first is answered by the issuer, the others from memory.
        for round in ["asked", "remembered"] {
            let any = get("/any/1");
            assert_eq!(any.status, 200, "{answer}, {round}: {}", any.text());
            assert_eq!(any.echoed("x-auth-scope").unwrap_or_default(), left, "{answer}, {round}");
            for (path, scope) in
                [("/orders/1", "orders:read"), ("/write/1", "orders:write"), ("/admin/1", "orders:admin")]
            {
                let expected = if left.split(' ').any(|held| held == scope) { 200 } else { 403 };
                assert_eq!(get(path).status, expected, "{answer}, {round}, {path}");
            }
        }
        assert_eq!(issuer.hits(ScriptedIssuer::INTROSPECTION), at + 1, "{answer}");
    }
}

#[test]
fn an_answer_that_does_not_fit_the_token_is_401() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = gateway(&issuer, &upstream, "", "");
    let answers = [
        ("token_inactive", json!({ "active": false })),
        ("claim_mismatch", json!({ "sub": "bob" })),
        ("claim_mismatch", json!({ "client_id": "other" })),
        ("issuer_mismatch", json!({ "iss": "https://other.example.com" })),
        ("audience_mismatch", json!({ "aud": "https://other.example.com" })),
        ("token_expired", json!({ "exp": now() - 600 })),
        ("type_mismatch", json!({ "token_type": "refresh_token" })),
        ("confirmation_missing", json!({ "cnf": { "jkt": "x" } })),
    ];
    for (at, (reason, answer)) in answers.into_iter().enumerate() {
        issuer.script(ScriptedIssuer::INTROSPECTION, {
            let answer = answer.clone();
            move |_| says(answer.clone())
        });
        let token = issuer.token_with(&json!({ "jti": at.to_string() }));
        let before = Counts::of(&gateway);
        for _ in 0..2 {
            assert_invalid(&gateway.get("/orders/1").bearer(&token).send(), reason);
        }
        let after = Counts::of(&gateway);
        assert_eq!(after.refused(reason) - before.refused(reason), 2.0, "{answer}: {}", gateway.metrics().0);
        assert_eq!(issuer.hits(ScriptedIssuer::INTROSPECTION), at + 1, "{answer}: the second time from memory");
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn what_is_no_answer_is_503_and_held_against_nobody() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = gateway(&issuer, &upstream, "", "timeout = \"2s\"\nbreaker_failures = 1000");
    let large = format!("{{\"active\":true,\"x\":\"{}\"}}", "x".repeat(64 * 1024));
    let faults: [(&str, Script); 9] = [
        ("500", Box::new(|_| Reply::json(500, &json!({ "active": false })))),
        ("404", Box::new(|_| Reply::status(404))),
        ("HTML", Box::new(|_| Reply::status(200).header("Content-Type", "text/html").body("<p>Welcome"))),
        ("too much", Box::new(move |_| Reply::json(200, &json!({})).body(large.clone()))),
        ("a yes as text", Box::new(|_| says(json!({ "active": "true" })))),
        ("no `active`", Box::new(|_| says(json!({ "active": null })))),
        ("yes and no", Box::new(|_| Reply::json(200, &json!({})).body("{\"active\":true,\"active\":false}"))),
        ("hanging up", Box::new(|_| Reply::hang_up())),
        ("silence", Box::new(|_| Reply::silence())),
    ];
    for (at, (name, fault)) in faults.into_iter().enumerate() {
        let token = issuer.token_with(&json!({ "jti": at.to_string() }));
        issuer.script(ScriptedIssuer::INTROSPECTION, fault);
        gateway.get("/orders/1").bearer(&token).send().assert_unavailable(name);
        issuer.script(ScriptedIssuer::INTROSPECTION, |_| says(json!({})));
        let answer = gateway.get("/orders/1").bearer(&token).send();
        assert_eq!(answer.status, 200, "after {name}: {}", answer.text());
    }
}

#[test]
fn a_token_lives_until_the_earlier_expiry() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let gateway = gateway(&issuer, &upstream, "leeway = \"0s\"", "cache_ttl = \"1h\"");
    let (end, asked) = (now() + 3, Arc::new(AtomicUsize::new(0)));
    issuer.script(ScriptedIssuer::INTROSPECTION, {
        let asked = Arc::clone(&asked);
        move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            says(json!({ "exp": end }))
        }
    });
    let token = issuer.token_with(&json!({ "exp": now() + 3_600 }));
    eventually("the token is over when its answer is", SOON, || {
        let status = gateway.get("/orders/1").bearer(&token).send().status;
        assert!(matches!(status, 200 | 401), "{status}");
        status == 401
    });
    assert!(now() >= end, "not before");
    assert!(asked.load(Ordering::SeqCst) <= 2, "asked once while it lived, and once after");
}

type Script = Box<dyn Fn(&Received) -> Reply + Send + Sync>;

/// An introspection answer that says yes and these things.
fn says(more: Value) -> Reply {
    let mut answer = json!({ "active": true });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Reply::json(200, &answer)
}

/// A gateway whose one issuer must bear out every token.
fn gateway(issuer: &ScriptedIssuer, upstream: &Echo, of_issuer: &str, of_introspection: &str) -> Gateway {
    let config = issuer.table(&format!("tokens = \"both\"\n{of_issuer}"))
        + &ScriptedIssuer::introspection(of_introspection)
        + &routes(upstream);
    Gateway::start_with(&config, |command| {
        command.env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET);
    })
    .ready()
}

/// `/any` asks for a valid token, the other routes for a scope.
fn routes(upstream: &Echo) -> String {
    let mut routes = format!("[[upstreams]]\nname = \"orders\"\nservers = [\"{}\"]\n", upstream.address());
    for (path, needs) in [
        ("/any/*", ""),
        ("/orders/*", "scopes = [\"orders:read\"]"),
        ("/write/*", "scopes = [\"orders:write\"]"),
        ("/admin/*", "scopes = [\"orders:admin\"]"),
    ] {
        routes += &format!("[[routes]]\npath = \"{path}\"\nupstream = \"orders\"\n{needs}\n");
    }
    routes
}

/// `bearward issuer` with its built-in applications. Dropped, it is killed.
struct DevelopmentIssuer {
    url: String,
    process: Process,
}

impl DevelopmentIssuer {
    fn start() -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let mut process = Process::spawn("bearward issuer", bearward().args(["issuer", "--listen", &address]));
        process.wait_for_port(address.parse().unwrap());
        Self { url: format!("http://{address}"), process }
    }

    fn gateway(&self, upstream: &Echo, of_issuer: &str, of_introspection: &str) -> Gateway {
        let url = &self.url;
        let config = format!(
            "[[issuers]]\nissuer = \"{url}\"\naudiences = [\"https://api.example.com\"]\n{of_issuer}\n\
             [issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"GATEWAY_SECRET\"\n\
             {of_introspection}\n{}",
            routes(upstream)
        );
        Gateway::start_with(&config, |command| {
            command.env("GATEWAY_SECRET", "gateway-secret");
        })
        .ready()
    }

    /// A token as this application gets it.
    fn token(&self, application: &str) -> String {
        let fields = [("grant_type", "client_credentials"), ("scope", "orders:read")];
        let answer = self.post("token", application).form(&fields).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    fn revoke(&self, application: &str, token: &str) {
        let answer = self.post("revoke", application).form(&[("token", token)]).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn faults(&self, faults: &[&str]) {
        let request = Request::new("PUT", &format!("{}/dev/faults", self.url));
        let answer = request.header("Content-Type", "application/json").body(json!(faults).to_string()).send();
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    fn post(&self, endpoint: &str, application: &str) -> Request {
        let secret = match application {
            "orders-app" => "orders-secret",
            "orders-app-referential" => "orders-referential-secret",
            other => panic!("{other} is not built in"),
        };
        Request::post(&format!("{}/{endpoint}", self.url)).basic(application, secret)
    }
}

/// What a gateway has counted.
struct Counts(crate::support::Metrics);

impl Counts {
    fn of(gateway: &Gateway) -> Self {
        Self(gateway.metrics())
    }

    fn admitted(&self, source: &str) -> f64 {
        self.0.sum("bearward_decisions_total", &[("verdict", "admit"), ("source", source)])
    }

    fn refused(&self, reason: &str) -> f64 {
        self.0.sum("bearward_decisions_total", &[("verdict", "refuse"), ("reason", reason)])
    }

    fn questions(&self, outcome: &str) -> f64 {
        self.0.sum("bearward_introspections_total", &[("outcome", outcome)])
    }
}

fn header_of(token: &str) -> Value {
    part(token, 0)
}

fn claims_of(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, at: usize) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn assert_invalid(answer: &Response, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    assert_eq!(answer.json()["reason"], "invalid_token", "{what}");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{what}: {challenge}");
}
