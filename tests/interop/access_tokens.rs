//! Self-contained tokens by the issuer's keys, referential ones by its answers; other tokens not at all; and all of it
//! while keys rotate and the provider goes and comes back.

use crate::{
    expect::{assert_others_are_refused, assert_refused, assert_revocation_is_seen, assert_unavailable},
    provider::{AUDIENCE, Provider, kid, text, with_introspection},
    support::{Echo, Gateway, Request, SOON, eventually, minimal_config},
};
use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

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
    assert_revocation_is_seen(&provider, &gateway);
}

#[test]
fn id_tokens_and_refresh_tokens_are_no_access_tokens() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let introspecting = Gateway::start(&with_introspection(&provider, &echo, "")).ready();
    let local_only = Gateway::start(&minimal_config(&provider.issuer, &echo.address())).ready();
    for client in ["web", AUDIENCE] {
        for resource in ["urn:api:rs256", "urn:api:opaque"] {
            let issued = provider.login(client, resource);
            let access = text(&issued, "access_token");
            assert_eq!(introspecting.get("/orders/1").bearer(access).send().status, 200, "{client}, {resource}");
            for gateway in [&introspecting, &local_only] {
                assert_others_are_refused(&provider, gateway, &echo, &issued);
            }
        }
    }
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
