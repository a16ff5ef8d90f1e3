//! What an issuer's metadata must be to be believed, and how long it is.

use std::sync::Arc;
use std::time::Duration;

use crate::support::stopped::{Stopped, skip};
use crate::support::wire::{Says, Wire};
use crate::support::{AUDIENCE, Key, TestClock, becomes, eventually, gate, outcome, route};
use bearward_core::KeySet;
use bearward_gate::{
    ClientAuth, Gate, IntrospectionSettings, IssuerError, IssuerSettings, KeySource, Secret, SignedResponse,
    TokenFormats,
};
use serde_json::{Value, json};

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// The shortest that there is.
const COOLDOWN: Duration = Duration::from_secs(1);

fn settings(issuer: &Wire) -> IssuerSettings {
    IssuerSettings::new(issuer.url.clone(), vec![AUDIENCE.to_owned()])
}

fn asked_about(issuer: &Wire) -> IssuerSettings {
    let auth = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
    let url = Some(format!("{}/introspect", issuer.url));
    let mut introspection = IntrospectionSettings::new("gateway", auth);
    introspection.url = url;
    let mut settings = settings(issuer);
    settings.introspection = Some(introspection);
    settings
}

fn keys(key: &Key) -> Says {
    Says::json(json!({"keys": [key.jwk()]}).to_string())
}

/// Metadata that names the issuer's keys, and says something more.
fn document(issuer: &Wire, more: &Value) -> String {
    let mut document = json!({"issuer": issuer.url, "jwks_uri": format!("{}/jwks", issuer.url)});
    let members = more.as_object().unwrap().clone();
    document.as_object_mut().unwrap().extend(members);
    document.to_string()
}

fn token(issuer: &Wire, key: &Key, clock: &TestClock) -> String {
    key.sign(&json!({
        "iss": issuer.url, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": "1", "iat": clock.now(),
        "exp": clock.now() + 86_400,
    }))
}

fn last_error(gate: &Gate) -> IssuerError {
    (*gate.status().remove(0).last_error.unwrap()).clone()
}

/// An issuer that is known to have no keys has referential tokens alone; a fault is no such knowledge.
#[tokio::test]
async fn that_there_are_no_keys_is_believed_only_where_no_other_document_could_name_them() {
    for (openid, expected) in [
        (Says::answer("404 Not Found", "", ""), "token_unsupported"),
        (Says::answer("500 Internal Server Error", "", ""), "keys_unavailable"),
        (Says::json("<html>"), "keys_unavailable"),
    ] {
        let (clock, key, issuer) = (TestClock::new(), Key::new("k1"), Wire::start().await);
        issuer.say(OPENID, openid);
        issuer.say(OAUTH, Says::json(json!({"issuer": issuer.url}).to_string()));
        let gate = gate(&clock, vec![asked_about(&issuer)], vec![route("/*", &[])]);
        let is_known = || gate.status().iter().all(|issuer| issuer.ready || issuer.last_error.is_some());
        eventually("the first fetch", is_known).await;
        assert_eq!(outcome(&gate, "/", &token(&issuer, &key, &clock)).await, expected);
    }
}

/// An issuer that is never asked about tokens has keys, whatever its metadata forgets.
#[tokio::test]
async fn where_keys_alone_could_prove_a_token_their_absence_is_a_fault() {
    let (clock, key, issuer) = (TestClock::new(), Key::new("k1"), Wire::start().await);
    issuer.say(OPENID, Says::json(json!({"issuer": issuer.url}).to_string()));
    let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
    eventually("the first fetch", || gate.status()[0].last_error.is_some()).await;
    assert_eq!(outcome(&gate, "/", &token(&issuer, &key, &clock)).await, "keys_unavailable");
}

/// An issuer without keys answers for all its tokens, unless its answers have to be signed.
#[tokio::test]
async fn an_issuer_without_keys_signs_no_answers() {
    for (signed_response, ready) in
        [(SignedResponse::Never, true), (SignedResponse::Accept, true), (SignedResponse::Require, false)]
    {
        let (clock, issuer) = (TestClock::new(), Wire::start().await);
        issuer.say(OPENID, Says::json(json!({"issuer": issuer.url}).to_string()));
        let mut settings = asked_about(&issuer);
        settings.introspection.as_mut().unwrap().signed_response = signed_response;
        let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
        let is_known = || gate.status().iter().all(|issuer| issuer.ready || issuer.last_error.is_some());
        eventually("the first fetch", is_known).await;
        assert_eq!(gate.status()[0].ready, ready, "{signed_response:?}");
        if !ready {
            assert!(matches!(last_error(&gate), IssuerError::NoEndpoint { endpoint: "jwks_uri", .. }));
        }
    }
}

/// Half of what an issuer says of itself is not used: an endpoint to which no secret may go makes the whole suspect, unless
/// the gateway has no use for it.
#[tokio::test]
async fn an_endpoint_that_must_not_be_connected_to_is_told() {
    let elsewhere = "http://192.0.2.1/x";
    for (more, is_used) in [
        (json!({}), true),
        (json!({"token_endpoint": elsewhere}), true),
        (json!({"jwks_uri": elsewhere}), false),
        (json!({"introspection_endpoint": elsewhere}), false),
    ] {
        let (clock, key, issuer) = (TestClock::new(), Key::new("k1"), Wire::start().await);
        issuer.say("/jwks", keys(&key));
        issuer.say(OPENID, Says::json(document(&issuer, &more)));
        issuer.say(OAUTH, Says::json(document(&issuer, &more)));
        let gate = gate(&clock, vec![asked_about(&issuer)], vec![route("/*", &[])]);
        let expected = if is_used { "admit signature" } else { "keys_unavailable" };
        assert_eq!(outcome(&gate, "/", &token(&issuer, &key, &clock)).await, expected, "{more}");
        if !is_used {
            let IssuerError::Both(one, _) = last_error(&gate) else { panic!("{more}") };
            assert!(matches!(*one, IssuerError::UnacceptableEndpoint { .. }), "{more}: {one}");
        }
    }
}

#[tokio::test]
async fn metadata_is_bounded() {
    for (size, expected) in [(250_000, "admit signature"), (270_000, "keys_unavailable")] {
        let (clock, key, issuer) = (TestClock::new(), Key::new("k1"), Wire::start().await);
        issuer.say("/jwks", keys(&key));
        issuer.say(OPENID, Says::json(document(&issuer, &json!({"padding": "x".repeat(size)}))));
        let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
        assert_eq!(outcome(&gate, "/", &token(&issuer, &key, &clock)).await, expected, "{size}");
    }
}

/// Status 304 answers a question that named what is known already, and this one did not.
#[tokio::test]
async fn nothing_is_confirmed_that_was_not_asked_about() {
    let (clock, key, issuer) = (TestClock::new(), Key::new("k1"), Wire::start().await);
    issuer.say(OPENID, Says::json(document(&issuer, &json!({}))));
    issuer.say("/jwks", Says::answer("304 Not Modified", "", ""));
    let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &token(&issuer, &key, &clock)).await, "keys_unavailable");
    let error = last_error(&gate);
    assert!(matches!(&error, IssuerError::NoAnswer { why, .. } if why.contains("304")), "{error}");
}

#[tokio::test]
async fn metadata_is_asked_for_again_after_half_an_hour() {
    let stopped = Stopped::now();
    let (clock, key, issuer) = (TestClock::new(), Key::new("k1"), Wire::start().await);
    issuer.say("/jwks", keys(&key));
    issuer.say(OPENID, Says::json(document(&issuer, &json!({}))));
    let mut settings = settings(&issuer);
    (settings.refresh.min, settings.refresh.max) = (Duration::from_secs(300), Duration::from_secs(300));
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    stopped.until(|| gate.status()[0].ready).await;
    stopped.pass(Duration::from_secs(1_500)).await;
    assert_eq!((issuer.asked(OPENID), issuer.asked("/jwks") > 4), (1, true), "the keys are asked for more often");
    stopped.pass(Duration::from_secs(700)).await;
    assert_eq!(issuer.asked(OPENID), 2);
}

/// Where no keys are fetched, endpoints are kept fresh all the same.
#[tokio::test]
async fn endpoints_are_asked_for_again_without_any_keys() {
    let stopped = Stopped::now();
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let key_set = json!({"keys": [key.jwk()]}).to_string();
    let fixed = KeySource::Fixed(Arc::new(KeySet::parse(key_set.as_bytes()).unwrap()));
    for (tokens, keys) in [(TokenFormats::Referential, KeySource::Metadata), (TokenFormats::Auto, fixed)] {
        let issuer = Wire::start().await;
        let more = json!({"introspection_endpoint": format!("{}/introspect", issuer.url)});
        issuer.say(OPENID, Says::json(document(&issuer, &more)));
        let mut settings = asked_about(&issuer);
        (settings.tokens, settings.keys) = (tokens, keys);
        settings.introspection.as_mut().unwrap().url = None;
        let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
        stopped.until(|| gate.status()[0].introspection == Some(true)).await;
        assert_eq!(issuer.asked(OPENID), 1);
        for _ in 0..2 {
            // Nothing is under way, so the clock may leap.
            tokio::time::advance(Duration::from_secs(1_800)).await;
            stopped.pass(Duration::from_secs(4)).await;
        }
        stopped.until(|| issuer.asked(OPENID) >= 2).await;
    }
}

/// What was true a while ago is a better guess than nothing; and once a fetch has failed, it is no better than that.
#[tokio::test]
async fn known_endpoints_are_used_while_metadata_is_away_and_asked_for_again_after_a_failure() {
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let issuer = Wire::start().await;
    issuer.say("/jwks", keys(&old));
    issuer.say(OPENID, Says::json(document(&issuer, &json!({}))));
    let mut settings = settings(&issuer);
    settings.refresh.cooldown = COOLDOWN;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &token(&issuer, &old, &clock)).await, "admit signature");
    let by_new = token(&issuer, &new, &clock);
    let away = || Says::answer("500 Internal Server Error", "", "");

    issuer.say("/jwks", away());
    skip(COOLDOWN).await;
    becomes(&gate, &by_new, "keys_unavailable").await;
    issuer.say(OPENID, away());
    issuer.say("/jwks", keys(&new));
    skip(COOLDOWN).await;
    becomes(&gate, &by_new, "admit signature").await;

    issuer.say("/jwks", away());
    issuer.say("/moved", keys(&old));
    issuer.say(OPENID, Says::json(document(&issuer, &json!({"jwks_uri": format!("{}/moved", issuer.url)}))));
    skip(COOLDOWN).await;
    becomes(&gate, &token(&issuer, &old, &clock), "admit signature").await;
}

/// The tag of a key set means something where it came from, and nothing elsewhere.
#[tokio::test]
async fn keys_at_another_address_are_not_confirmed_by_the_tag_of_the_first() {
    let (clock, old, new) = (TestClock::new(), Key::new("old"), Key::new("new"));
    let issuer = Wire::start().await;
    let tagged = json!({"keys": [old.jwk()]}).to_string();
    issuer.say("/jwks", Says::answer("200 OK", "etag: \"1\"\r\n", tagged));
    issuer.say(OPENID, Says::json(document(&issuer, &json!({}))));
    let mut settings = settings(&issuer);
    settings.refresh.cooldown = COOLDOWN;
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &token(&issuer, &old, &clock)).await, "admit signature");

    issuer.say("/jwks", Says::answer("500 Internal Server Error", "", ""));
    issuer.say("/moved", Says::answer("304 Not Modified", "", ""));
    issuer.say(OPENID, Says::json(document(&issuer, &json!({"jwks_uri": format!("{}/moved", issuer.url)}))));
    skip(COOLDOWN).await;
    becomes(&gate, &token(&issuer, &new, &clock), "keys_unavailable").await;
    eventually("a question at the new address", || issuer.asked("/moved") > 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = last_error(&gate);
    assert!(matches!(&error, IssuerError::NoAnswer { why, .. } if why.contains("304")), "{error}");
}
