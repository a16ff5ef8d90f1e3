//! Where keys come from, and where nothing else does: inline, a file, a configured address, metadata at another address than
//! the issuer's name, and one key set for all tenants of a template.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{AUDIENCE, Key, TestClock, becomes, eventually, gate, outcome, route, try_gate};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use bearward_core::{ClaimPointer, IssuerVariable, KeySet};
use bearward_gate::{
    Credentials, GateError, IssuerError, IssuerSettings, KeyFileError, KeySource, Secret, read_key_file,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// An issuer at `name`, whether or not anything answers there.
fn named(name: &str, keys: KeySource) -> IssuerSettings {
    let mut settings = IssuerSettings::new(name, vec![AUDIENCE.to_owned()]);
    settings.keys = keys;
    settings
}

fn claims(issuer: &str, clock: &TestClock) -> Value {
    json!({
        "iss": issuer, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "scope": "orders:read",
        "iat": clock.now(), "exp": clock.now() + 600,
    })
}

fn set(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

fn fixed(keys: &[&Key]) -> KeySource {
    KeySource::Fixed(Arc::new(KeySet::parse(set(keys).as_bytes()).unwrap()))
}

async fn served(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn keys_of_the_configuration_serve_at_once_and_nobody_is_asked() {
    let (clock, key, other) = (TestClock::new(), Key::new("k1"), Key::new("k2"));
    // No URL at all, and nothing that could be connected to.
    let gate = gate(&clock, vec![named("acme.example", fixed(&[&key]))], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &key.sign(&claims("acme.example", &clock))).await, "admit signature");
    assert_eq!(outcome(&gate, "/", &other.sign(&claims("acme.example", &clock))).await, "key_unknown");
    assert_eq!(outcome(&gate, "/", &key.sign(&claims("https://acme.example", &clock))).await, "issuer_mismatch");
    let status = &gate.status()[0];
    assert!(status.ready && status.last_error.is_none(), "{status:?}");
}

#[tokio::test]
async fn a_key_file_is_read_again_and_a_broken_one_changes_nothing() {
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, set(&[&old])).unwrap();
    let gate = gate(&clock, vec![named("https://a.example", KeySource::File(path.clone()))], vec![route("/*", &[])]);
    let [by_old, by_new] = [&old, &new].map(|key| key.sign(&claims("https://a.example", &clock)));
    assert_eq!(outcome(&gate, "/", &by_old).await, "admit signature");

    std::fs::write(&path, "{").unwrap();
    // An unknown key has the file read at once, which now fails: nobody can say whether the key is new.
    assert_eq!(outcome(&gate, "/", &by_new).await, "keys_unavailable");
    assert_eq!(outcome(&gate, "/", &by_old).await, "admit cache");
    assert!(
        matches!(gate.status()[0].last_error.as_deref(), Some(IssuerError::KeyFile { path, .. }) if path.contains("keys.json"))
    );

    std::fs::write(&path, set(&[&new])).unwrap();
    becomes(&gate, &by_new, "admit signature").await;
    assert_eq!(outcome(&gate, "/", &by_old).await, "key_unknown", "a key that was taken out of the file");
}

#[test]
fn a_key_file_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let keys = set(&[&Key::new("k1")]);
    for (size, is_read) in [(512 * 1024, true), (512 * 1024 + 1, false)] {
        // The rest is white space, which a shorter look would not see.
        std::fs::write(&path, format!("{keys}{}", " ".repeat(size - keys.len()))).unwrap();
        match read_key_file(&path) {
            Ok(read) => assert!(is_read && read.len() == 1, "{size}"),
            Err(error) => assert!(!is_read && matches!(error, KeyFileError::TooLarge), "{size}: {error}"),
        }
    }
}

#[tokio::test]
async fn metadata_may_be_elsewhere_and_must_still_be_the_issuers_own() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let said = Arc::new(Mutex::new(json!({})));
    let (keys, metadata) = (set(&[&key]), Arc::clone(&said));
    let router = Router::new()
        .route("/inside/jwks", get(move || async move { keys }))
        .route("/inside/metadata", get(move || async move { Json(metadata.lock().unwrap().clone()) }));
    let url = served(router).await;
    let mut settings = named("https://login.example.com/realms/shop", KeySource::Metadata);
    settings.discovery_url = Some(format!("{url}/inside/metadata"));
    let token = key.sign(&claims("https://login.example.com/realms/shop", &clock));

    *said.lock().unwrap() = json!({"issuer": url, "jwks_uri": format!("{url}/inside/jwks")});
    let other = gate(&clock, vec![settings.clone()], vec![route("/*", &[])]);
    assert_eq!(outcome(&other, "/", &token).await, "keys_unavailable");
    assert!(matches!(other.status()[0].last_error.as_deref(), Some(IssuerError::OtherIssuer { .. })));

    *said.lock().unwrap() = json!({"issuer": settings.issuer, "jwks_uri": format!("{url}/inside/jwks")});
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &token).await, "admit signature");
}

#[tokio::test]
async fn all_tenants_of_a_template_are_proved_with_one_key_set_and_bound_to_their_claim() {
    let (clock, key, stranger) = (TestClock::new(), Key::new("k1"), Key::new("k1"));
    let template = "https://login.example.com/{tenant}/v2.0";
    let variable = IssuerVariable { claim: Some(ClaimPointer::member("tid")), one_of: Vec::new() };
    let mut settings = named(template, fixed(&[&key]));
    settings.variable = Some(variable);
    let plain = named("https://login.example.com/own/v2.0", fixed(&[&stranger]));
    let gate = gate(&clock, vec![settings.clone(), plain], vec![route("/*", &[])]);
    let token = |by: &Key, tenant: &str, tid: &str| {
        let mut claims = claims(&format!("https://login.example.com/{tenant}/v2.0"), &clock);
        claims["tid"] = json!(tid);
        by.sign(&claims)
    };
    for (token, expected) in [
        (token(&key, "a", "a"), "admit signature"),
        (token(&key, "b", "b"), "admit signature"),
        (token(&key, "a", "b"), "issuer_mismatch"),
        (token(&stranger, "a", "a"), "signature_invalid"),
        // It has an entry of its own.
        (token(&key, "own", "own"), "signature_invalid"),
        (token(&stranger, "own", "any"), "admit signature"),
        (token(&key, "..", ".."), "issuer_unknown"),
        (token(&key, "a/b", "a/b"), "issuer_unknown"),
    ] {
        assert_eq!(outcome(&gate, "/", &token).await, expected);
    }
    let decision = crate::support::decide(&gate, "/", &token(&key, "a", "a")).await;
    assert_eq!(decision.issuer.as_deref(), Some(template), "logs and metrics know the configured name alone");
    let bearward_gate::Verdict::Admit(admission) = decision.verdict else { panic!() };
    assert_eq!(admission.token().unwrap().issuer(), "https://login.example.com/a/v2.0");

    let mut unbound = settings.clone();
    unbound.variable = Some(IssuerVariable::default());
    assert!(matches!(try_gate(&clock, vec![unbound], vec![]), Err(GateError::Template { .. })));
    settings.keys = KeySource::Metadata;
    assert!(matches!(try_gate(&clock, vec![settings], vec![]), Err(GateError::TemplateWithoutMetadata { .. })));
}

#[tokio::test]
async fn an_unchanged_key_set_is_confirmed_by_its_tag_and_not_sent_again() {
    let (clock, key, new) = (TestClock::new(), Key::new("k1"), Key::new("k2"));
    let body = Arc::new(Mutex::new((set(&[&key]), "\"1\"")));
    let (full, unchanged) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let handler = {
        let (body, full, unchanged) = (Arc::clone(&body), Arc::clone(&full), Arc::clone(&unchanged));
        move |headers: HeaderMap| async move {
            let (body, tag) = body.lock().unwrap().clone();
            if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag) {
                unchanged.fetch_add(1, Ordering::SeqCst);
                return StatusCode::NOT_MODIFIED.into_response();
            }
            full.fetch_add(1, Ordering::SeqCst);
            ([(header::ETAG, tag)], body).into_response()
        }
    };
    let url = served(Router::new().route("/jwks", get(handler))).await;
    let second = Duration::from_secs(1);
    let mut settings = named("https://a.example", KeySource::Url(format!("{url}/jwks")));
    (settings.refresh.min, settings.refresh.max) = (second, second);
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    let [by_old, by_new] = [&key, &new].map(|key| key.sign(&claims("https://a.example", &clock)));
    becomes(&gate, &by_old, "admit signature").await;
    eventually("an answer that nothing has changed", || unchanged.load(Ordering::SeqCst) >= 3).await;
    assert_eq!(full.load(Ordering::SeqCst), 1);
    assert_eq!(outcome(&gate, "/", &by_old).await, "admit cache", "confirmed keys are the same keys");
    assert!(gate.status()[0].last_error.is_none());

    *body.lock().unwrap() = (set(&[&new]), "\"2\"");
    becomes(&gate, &by_new, "admit signature").await;
    assert_eq!(outcome(&gate, "/", &by_old).await, "key_unknown");
}

#[tokio::test]
async fn the_token_for_fetching_is_shown_to_configured_addresses_alone() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let shown = Arc::new(Mutex::new(Vec::new()));
    let keys = |shown: &Arc<Mutex<Vec<(&'static str, bool)>>>, who: &'static str, body: String| {
        let shown = Arc::clone(shown);
        move |headers: HeaderMap| async move {
            let token = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            assert!(token.as_deref().is_none_or(|token| token == "Bearer cluster-token"));
            shown.lock().unwrap().push((who, token.is_some()));
            body
        }
    };
    let elsewhere = served(Router::new().route("/jwks", get(keys(&shown, "elsewhere", set(&[&key]))))).await;
    let issuer_url = Arc::new(Mutex::new(String::new()));
    let metadata = {
        let (shown, issuer, jwks) = (Arc::clone(&shown), Arc::clone(&issuer_url), format!("{elsewhere}/jwks"));
        move |headers: HeaderMap| async move {
            shown.lock().unwrap().push(("metadata", headers.contains_key(header::AUTHORIZATION)));
            Json(json!({"issuer": *issuer.lock().unwrap(), "jwks_uri": jwks}))
        }
    };
    let url = served(
        Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(keys(&shown, "configured", set(&[&key])))),
    )
    .await;
    url.clone_into(&mut issuer_url.lock().unwrap());
    let bearer_token = Some(Credentials::bearer(Secret::from_text("cluster-token".to_owned())).unwrap());
    for keys in [KeySource::Metadata, KeySource::Url(format!("{url}/jwks"))] {
        let mut settings = named(&url, keys);
        settings.bearer_token.clone_from(&bearer_token);
        let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
        becomes(&gate, &key.sign(&claims(&url, &clock)), "admit signature").await;
    }
    let shown = shown.lock().unwrap();
    for (who, with_token) in [("metadata", true), ("configured", true), ("elsewhere", false)] {
        assert!(shown.iter().any(|(it, _)| *it == who), "{who} was asked");
        assert!(shown.iter().all(|(it, token)| *it != who || *token == with_token), "{who}: {shown:?}");
    }
}
