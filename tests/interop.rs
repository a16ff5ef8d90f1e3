//! Bearward understands an authorization server that it has nothing in common with: npm `oidc-provider`, run by
//! `tests/oidc-provider/op.mjs`. Needs Node.js, and so the cargo feature `interop`:
//!
//! ```sh
//! (cd tests/oidc-provider && npm ci --ignore-scripts) && cargo test --features interop --test interop
//! ```
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::{
    collections::HashSet,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use support::{Echo, Gateway, Process, Request, Response, SOON, eventually, free_port, minimal_config, write_secret};
use tempfile::TempDir;

/// The audience that the gateway asks for. A client of the provider has the same name, so that its ID tokens have the
/// right audience too.
const AUDIENCE: &str = "https://api.example.com";
const SIGNED: [&str; 3] = ["urn:api:rs256", "urn:api:es256", "urn:api:eddsa"];

#[test]
fn signed_access_tokens_of_each_algorithm_are_verified_without_asking_the_issuer() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = Gateway::start(&with_introspection(&provider, &echo, "")).ready();
    for resource in SIGNED {
        let answer = gateway.get("/orders/1").bearer(&provider.token(resource)).send();
        assert_eq!(answer.status, 200, "{resource}: {}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("svc"), "{resource}");
        assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("svc"), "{resource}");
        assert_eq!(answer.echoed("x-auth-issuer").as_deref(), Some(&*provider.issuer), "{resource}");
        assert_eq!(answer.echoed("x-auth-scope").as_deref(), Some("orders:read"), "{resource}");

        let alice = provider.login("web", resource);
        let answer = gateway.get("/orders/1").bearer(text(&alice, "access_token")).send();
        assert_eq!(answer.status, 200, "{resource}: {}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("alice"), "{resource}");
        assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("web"), "{resource}");

        let answer = gateway.get("/orders/1").bearer(&provider.token_for(resource, "orders:write")).send();
        assert_refused(&answer, 403, "insufficient_scope");
    }
    assert_eq!(provider.count("/token/introspection"), 0);
}

#[test]
fn an_opaque_access_token_is_introspected_once_while_it_is_cached() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = Gateway::start(&with_introspection(&provider, &echo, "")).ready();

    let alice = provider.login("web", "urn:api:opaque");
    for _ in 0..3 {
        let answer = gateway.get("/orders/1").bearer(text(&alice, "access_token")).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("alice"));
        assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("web"));
        assert_eq!(answer.echoed("x-auth-issuer").as_deref(), Some(&*provider.issuer));
        assert_eq!(answer.echoed("x-auth-scope").as_deref(), Some("orders:read orders:write"));
        assert_eq!(provider.count("/token/introspection"), 1);
    }

    // For a client acting for itself oidc-provider names no subject, so none may reach the upstream: not the client's
    // name in its place, and not what the caller writes.
    let token = provider.token("urn:api:opaque");
    let answer = gateway.get("/orders/1").bearer(&token).header("X-Auth-Subject", "alice").send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.echoed("x-auth-subject"), None);
    assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("svc"));

    let answer = gateway.get("/orders/1").bearer(&provider.token_for("urn:api:opaque", "orders:write")).send();
    assert_refused(&answer, 403, "insufficient_scope");
    let answer = gateway.get("/orders/1").bearer("no-token-of-this-provider").send();
    assert_refused(&answer, 401, "invalid_token");
}

#[test]
fn a_revoked_opaque_access_token_is_refused_once_its_cache_time_is_over() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = Gateway::start(&with_introspection(&provider, &echo, "cache_ttl = \"1s\"")).ready();
    let token = provider.token("urn:api:opaque");
    assert_eq!(gateway.get("/orders/1").bearer(&token).send().status, 200);

    provider.revoke(&token);
    let revoked = Instant::now();
    let answer = loop {
        let answer = gateway.get("/orders/1").bearer(&token).send();
        if answer.status != 200 {
            break answer;
        }
        // the cache time, and as much again for a slow machine
        assert!(revoked.elapsed() < Duration::from_secs(2), "a revoked token is still let in");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_refused(&answer, 401, "invalid_token");
}

#[test]
fn id_tokens_and_refresh_tokens_are_no_access_tokens() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let introspecting = Gateway::start(&with_introspection(&provider, &echo, "")).ready();
    let local_only = Gateway::start(&minimal_config(&provider.issuer, &echo.address())).ready();

    for client in ["web", AUDIENCE] {
        for resource in ["urn:api:rs256", "urn:api:opaque"] {
            let issued = provider.login(client, resource);
            let (access, id, refresh) =
                (text(&issued, "access_token"), text(&issued, "id_token"), text(&issued, "refresh_token"));
            assert_eq!(introspecting.get("/orders/1").bearer(access).send().status, 200, "{client}, {resource}");
            let admitted = echo.requests().len();

            // The trap: to the issuer a refresh token is active, has a subject, and even the scope of the route.
            let said = provider.introspect(refresh);
            assert_eq!(said["active"], true, "{said}");
            assert!(text(&said, "scope").contains("orders:read"), "{said}");

            for gateway in [&introspecting, &local_only] {
                for token in [id, refresh] {
                    let answer = gateway.get("/orders/1").bearer(token).send();
                    assert_refused(&answer, 401, "invalid_token");
                }
            }
            assert_eq!(echo.requests().len(), admitted, "{client}, {resource}: the upstream saw a refused request");
        }
    }
}

#[test]
fn an_encrypted_access_token_that_the_issuer_will_not_explain_is_refused() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = Gateway::start(&with_introspection(&provider, &echo, "")).ready();
    // oidc-provider introspects no structured token: 400 unsupported_token_type is an answer about the token, and no
    // reason to tell the client to come back later.
    let answer = gateway.get("/orders/1").bearer(&provider.token("urn:api:encrypted")).send();
    assert_refused(&answer, 401, "invalid_token");
}

#[test]
fn keys_are_rotated_under_load_without_a_failed_request() {
    const WORKERS: usize = 3;
    const ROTATIONS: usize = 2;
    let (provider, echo) = (Provider::start(), Echo::start());
    let config = minimal_config(&provider.issuer, &echo.address()) + "[issuers.refresh]\ncooldown = \"1s\"\n";
    let gateway = Gateway::start(&config).ready();
    let first = provider.token("urn:api:rs256");
    let done = AtomicBool::new(false);

    let workers: Vec<(usize, HashSet<String>)> = std::thread::scope(|scope| {
        let work = |worker: usize| {
            let (mut sent, mut kids) = (0, HashSet::new());
            while !done.load(Ordering::Relaxed) {
                let token = provider.token(SIGNED[(worker + sent) % SIGNED.len()]);
                for token in [&token, &first] {
                    let answer = gateway.get("/orders/1").bearer(token).send();
                    assert_eq!(answer.status, 200, "request {sent} of worker {worker}: {}", answer.text());
                }
                kids.insert(kid(&token));
                sent += 1;
            }
            (sent, kids)
        };
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
        for _ in 0..ROTATIONS {
            std::thread::sleep(Duration::from_secs(2)); // longer than the cooldown
            provider.rotate();
        }
        std::thread::sleep(Duration::from_secs(2));
        done.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a worker saw a failed request")).collect()
    });

    let kids: HashSet<&String> = workers.iter().flat_map(|(_, kids)| kids).collect();
    assert_eq!(kids.len(), SIGNED.len() * (1 + ROTATIONS), "every key has signed a token: {workers:?}");
    // The keys at the start, and once for each rotation, however many requests met the new keys at the same time.
    assert_eq!(provider.count("/jwks"), 1 + ROTATIONS, "{workers:?}");
}

#[test]
fn without_its_provider_the_gateway_serves_what_it_can_and_recovers() {
    let (mut provider, echo) = (Provider::start(), Echo::start());
    let gateway = Gateway::start(&with_introspection(&provider, &echo, "")).ready();
    let status = |token: &str| gateway.get("/orders/1").bearer(token).send().status;
    let (seen_signed, unseen_signed) = (provider.token("urn:api:es256"), provider.token("urn:api:es256"));
    let (seen_opaque, unseen_opaque) = (provider.token("urn:api:opaque"), provider.token("urn:api:opaque"));
    assert_eq!((status(&seen_signed), status(&seen_opaque)), (200, 200));

    provider.stop();
    assert_eq!((status(&seen_signed), status(&unseen_signed)), (200, 200), "the keys are here");
    assert_eq!(status(&seen_opaque), 200, "the issuer's answer is here");
    assert_unavailable(&gateway.get("/orders/1").bearer(&unseen_opaque).send());

    provider.start_again();
    eventually("the opaque token is served again", SOON, || match status(&unseen_opaque) {
        200 => true,
        503 => false,
        other => panic!("{other} for a good token"),
    });
}

#[test]
fn a_gateway_that_is_there_before_its_provider_serves_the_moment_the_keys_arrive() {
    let (mut provider, echo) = (Provider::start(), Echo::start());
    let (signed, opaque) = (provider.token("urn:api:rs256"), provider.token("urn:api:opaque"));
    provider.stop();

    let gateway = Gateway::start(&with_introspection(&provider, &echo, ""));
    assert_eq!(Request::get(&format!("{}/readyz", gateway.admin())).send().status, 503);
    for token in [&signed, &opaque] {
        assert_unavailable(&gateway.get("/orders/1").bearer(token).send());
    }

    provider.start_again();
    let gateway = gateway.ready();
    for token in [&signed, &opaque] {
        let answer = gateway.get("/orders/1").bearer(token).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

// ---- what the answers must look like -------------------------------------------------------------------------------

fn assert_refused(answer: &Response, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer ") && challenge.contains(&format!("error=\"{error}\"")), "{challenge}");
}

fn assert_unavailable(answer: &Response) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(retry_after.is_some(), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), None);
}

// ---- the provider --------------------------------------------------------------------------------------------------

struct Provider {
    issuer: String,
    control: String,
    port: u16,
    process: Process,
    directory: TempDir,
}

impl Provider {
    fn start() -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port());
        let (process, issuer, control) = Self::spawn(&directory, port);
        Self { issuer, control, port, process, directory }
    }

    fn stop(&mut self) {
        self.process.kill();
    }

    /// Starts it at the same address, with the keys and tokens that it had.
    fn start_again(&mut self) {
        let (process, issuer, control) = Self::spawn(&self.directory, self.port);
        assert_eq!(self.issuer, issuer);
        (self.process, self.control) = (process, control);
    }

    fn spawn(directory: &TempDir, port: u16) -> (Process, String, String) {
        let home = support::workspace().join("tests/oidc-provider");
        let node = Command::new("node").arg("--version").output();
        assert!(node.is_ok_and(|node| node.status.success()), "these tests need Node.js 20 or later (`node` in PATH)");
        assert!(
            home.join("node_modules/oidc-provider").is_dir(),
            "these tests need oidc-provider: run `npm ci --ignore-scripts` in {}",
            home.display()
        );
        let mut command = Command::new("node");
        command.arg("op.mjs").current_dir(&home);
        command.env("PORT", port.to_string()).env("STATE", directory.path().join("state.json"));
        let mut process = Process::spawn("oidc-provider", &mut command);
        let mut address_of = |what: &str| {
            let line = process.wait_for_line(what, |line| line.starts_with(what));
            line[what.len()..].trim().to_owned()
        };
        let (issuer, control) = (address_of("listening"), address_of("control"));
        (process, issuer, control)
    }

    /// An access token for the service itself, to read orders.
    fn token(&self, resource: &str) -> String {
        self.token_for(resource, "orders:read")
    }

    fn token_for(&self, resource: &str, scope: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", scope), ("resource", resource)];
        let answer = Request::post(&format!("{}/token", self.issuer)).basic("svc", "svc-secret").form(&form).send();
        text(&answer.json(), "access_token").to_owned()
    }

    /// The access, ID and refresh token that a client gets when alice signs in.
    fn login(&self, client: &str, resource: &str) -> Value {
        let answer = Request::post(&format!("{}/login?client_id={client}&resource={resource}", self.control)).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    fn introspect(&self, token: &str) -> Value {
        let url = format!("{}/token/introspection", self.issuer);
        Request::post(&url).basic("rs", "rs-secret").form(&[("token", token)]).send().json()
    }

    fn revoke(&self, token: &str) {
        let url = format!("{}/token/revocation", self.issuer);
        let answer = Request::post(&url).basic("svc", "svc-secret").form(&[("token", token)]).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// New keys sign from here on; the old ones stay published.
    fn rotate(&self) {
        assert_eq!(Request::post(&format!("{}/rotate", self.control)).send().status, 200);
    }

    /// How many requests the provider has had for this path.
    fn count(&self, path: &str) -> usize {
        let counts = Request::get(&format!("{}/counts", self.control)).send().json();
        counts[path].as_u64().unwrap_or_default() as usize
    }
}

/// The minimal configuration for this provider, with introspection.
fn with_introspection(provider: &Provider, echo: &Echo, settings: &str) -> String {
    let secret = write_secret(provider.directory.path(), "rs-secret", "rs-secret\n");
    let minimal = minimal_config(&provider.issuer, &echo.address());
    let secret = secret.display();
    format!("{minimal}\n[issuers.introspection]\nclient_id = \"rs\"\nclient_secret_file = \"{secret}\"\n{settings}\n")
}

fn text<'a>(json: &'a Value, member: &str) -> &'a str {
    json[member].as_str().unwrap_or_else(|| panic!("no {member} in {json}"))
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    text(&serde_json::from_slice(&header).unwrap(), "kid").to_owned()
}
