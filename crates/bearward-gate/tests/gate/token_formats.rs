//! Who says what a token means: its signature, its issuer, or both; and what an issuer that is away changes in that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::stopped::skip;
use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, becomes, decide, gate, outcome, route, try_gate};
use axum::http::StatusCode;
use bearward_core::{Access, KeySet};
use bearward_gate::{
    ClientAuth, Gate, GateError, IntrospectionSettings, IssuerSettings, KeySource, Secret, SignedResponse,
    TokenFormats, Verdict,
};
use serde_json::{Value, json};

/// The shortest that there is.
const COOLDOWN: Duration = Duration::from_secs(1);

fn settings(issuer: &FakeIssuer, tokens: TokenFormats) -> IssuerSettings {
    let mut settings = issuer.settings();
    settings.refresh.cooldown = COOLDOWN;
    if tokens == TokenFormats::SelfContained {
        settings.introspection = None;
    }
    settings.tokens = tokens;
    settings
}

async fn scopes(gate: &Gate, token: &str) -> String {
    let Verdict::Admit(admission) = decide(gate, "/", token).await.verdict else { return "refused".to_owned() };
    admission.token().unwrap().scopes().as_str().to_owned()
}

#[tokio::test]
async fn self_contained_tokens_alone() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![settings(&issuer, TokenFormats::SelfContained)], vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", &key.sign(&issuer.claims(clock.now()))).await, "admit signature");
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_unsupported");
    assert_eq!(issuer.questions(), 0);
}

#[tokio::test]
async fn an_issuer_of_self_contained_tokens_is_no_candidate_for_others() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (signing, asked) = (FakeIssuer::start(&[&key]).await, FakeIssuer::start(&[]).await);
    let both = vec![settings(&signing, TokenFormats::SelfContained), settings(&asked, TokenFormats::Auto)];
    let gate = gate(&clock, both, vec![route("/*", &[])]);
    asked.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    assert_eq!(signing.questions(), 0);
}

#[tokio::test]
async fn every_token_is_asked_about_and_no_key_is_needed() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![settings(&issuer, TokenFormats::Referential)], vec![route("/*", &[])]);
    let token = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &token).await, "token_inactive", "a good signature is worth nothing here");
    issuer.answer("eyJhbGciOiJFUzI1NiJ9.not.ours", json!({"active": true, "aud": AUDIENCE, "sub": "alice"}));
    assert_eq!(outcome(&gate, "/", "eyJhbGciOiJFUzI1NiJ9.not.ours").await, "admit introspection");
    assert_eq!(outcome(&gate, "/", "eyJhbGciOiJFUzI1NiJ9.not.ours").await, "admit cache");
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
    let status = gate.status().remove(0);
    assert!(status.ready && status.keys == 0 && status.last_error.is_none(), "{status:?}");
    assert_eq!(issuer.key_fetches(), 0);
}

#[tokio::test]
async fn it_is_ready_where_tokens_can_be_judged_and_only_there() {
    use SignedResponse::{Never, Require};
    use TokenFormats::{Auto, Both, Referential};
    let (clock, key, nobody) = (TestClock::new(), Key::new("k1"), "http://127.0.0.1:9");
    let key_set = json!({"keys": [key.jwk()]}).to_string();
    let fixed = KeySource::Fixed(Arc::new(KeySet::parse(key_set.as_bytes()).unwrap()));
    // Whether keys are there, and whether it is known whom to ask.
    for (tokens, signed_response, has_keys, has_endpoint, ready) in [
        (Auto, Never, true, false, true),
        (Auto, Never, false, true, false),
        (Referential, Never, true, false, false),
        (Referential, Never, false, true, true),
        (Referential, Require, true, false, false),
        (Referential, Require, false, true, false),
        (Referential, Require, true, true, true),
        (Both, Never, true, false, false),
        (Both, Never, true, true, true),
    ] {
        let auth = ClientAuth::Basic(Secret::from_text("secret".to_owned()));
        let url = has_endpoint.then(|| format!("{nobody}/introspect"));
        let mut asked = IntrospectionSettings::new("gateway", auth);
        (asked.url, asked.signed_response) = (url, signed_response);
        let keys = if has_keys { fixed.clone() } else { KeySource::Url(format!("{nobody}/jwks")) };
        let mut settings = IssuerSettings::new(nobody, vec![AUDIENCE.to_owned()]);
        (settings.tokens, settings.keys, settings.introspection) = (tokens, keys, Some(asked));
        let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
        let case = format!("{tokens:?} {signed_response:?}, keys: {has_keys}, endpoint: {has_endpoint}");
        assert_eq!(gate.status()[0].ready, ready, "{case}");
    }
}

#[tokio::test]
async fn what_a_jws_says_only_selects_among_the_issuers_of_the_route() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let (asked, signing) = (FakeIssuer::start(&[]).await, FakeIssuer::start(&[&key]).await);
    let both = vec![settings(&asked, TokenFormats::Referential), settings(&signing, TokenFormats::SelfContained)];
    let gate = gate(&clock, both, vec![route("/*", &[])]);
    let (of_asked, of_signing) = (key.sign(&asked.claims(clock.now())), key.sign(&signing.claims(clock.now())));
    assert_eq!(outcome(&gate, "/", &of_signing).await, "admit signature");
    assert_eq!(asked.questions(), 0);
    assert_eq!(outcome(&gate, "/", &of_asked).await, "token_inactive");
    // Without a claim `iss` it is as opaque as any.
    assert_eq!(outcome(&gate, "/", "eyJhbGciOiJFUzI1NiJ9.not.ours").await, "token_inactive");
    let mut claims = asked.claims(clock.now());
    claims["iss"] = json!("https://stranger.example.com");
    assert_eq!(outcome(&gate, "/", &key.sign(&claims)).await, "issuer_unknown", "shown to nobody");
    assert_eq!(asked.questions(), 2);
}

/// What may be an opaque token goes only to an issuer of which no token is verified here.
#[tokio::test]
async fn a_jws_that_names_no_issuer_is_for_none_that_signs() {
    let clock = TestClock::new();
    let (asked, signing) = (FakeIssuer::start(&[]).await, FakeIssuer::start(&[]).await);
    let both = vec![settings(&asked, TokenFormats::Auto), settings(&signing, TokenFormats::SelfContained)];
    let gate = gate(&clock, both, vec![route("/*", &[])]);
    assert_eq!(outcome(&gate, "/", "eyJhbGciOiJFUzI1NiJ9.not.ours").await, "token_malformed");
    assert_eq!(asked.questions(), 0);
}

/// To try one issuer after the other would hand opaque tokens to strangers.
#[tokio::test]
async fn opaque_tokens_go_to_one_issuer_that_is_known_beforehand() {
    let clock = TestClock::new();
    let (one, two, signing) =
        (FakeIssuer::start(&[]).await, FakeIssuer::start(&[]).await, FakeIssuer::start(&[]).await);
    let issuers = vec![
        settings(&one, TokenFormats::Auto),
        settings(&two, TokenFormats::Auto),
        settings(&signing, TokenFormats::SelfContained),
    ];
    let routed = |candidates: &[&FakeIssuer], referential: Option<&FakeIssuer>| {
        let mut route = route("/*", &[]);
        route.issuers = candidates.iter().map(|issuer| issuer.url.clone()).collect();
        route.referential_issuer = referential.map(|issuer| issuer.url.clone());
        route
    };
    let build = |route| try_gate(&clock, issuers.clone(), vec![route]);
    for ambiguous in [routed(&[], None), routed(&[&one, &two], None)] {
        let error = build(ambiguous).unwrap_err();
        assert!(matches!(error, GateError::AmbiguousReferentialIssuer { .. }), "{error}");
    }
    for (candidates, referential) in [(&[&one, &signing][..], &signing), (&[&one], &two)] {
        let error = build(routed(candidates, Some(referential))).unwrap_err();
        assert!(matches!(error, GateError::NoIntrospection { .. }), "{error}");
    }
    // Where no token is looked at, none is sent anywhere.
    let mut open = routed(&[], None);
    open.access = Access::Open;
    assert!(build(open).is_ok());
    let gate = build(routed(&[], Some(&two))).unwrap();
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
    assert_eq!([one.questions(), two.questions(), signing.questions()], [0, 1, 0]);
}

/// A gate whose issuer is asked about what its keys have proved.
async fn confirming() -> (TestClock, Key, FakeIssuer, Gate) {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let gate = gate(&clock, vec![settings(&issuer, TokenFormats::Both)], vec![route("/*", &[])]);
    (clock, key, issuer, gate)
}

fn claims(issuer: &FakeIssuer, clock: &TestClock, id: &str) -> Value {
    let mut claims = issuer.claims(clock.now());
    claims["jti"] = json!(id);
    claims["scope"] = json!("orders:read orders:write");
    claims
}

#[tokio::test]
async fn both_must_stand_by_it() {
    let (clock, key, issuer, gate) = confirming().await;
    let mut tokens = HashMap::new();
    for (id, answer, expected) in [
        ("inactive", json!({"active": false}), "token_inactive"),
        ("other", json!({"active": true, "sub": "bob"}), "claim_mismatch"),
        ("client", json!({"active": true, "client_id": "other"}), "claim_mismatch"),
        ("issuer", json!({"active": true, "iss": "https://other.example.com"}), "issuer_mismatch"),
        ("audience", json!({"active": true, "aud": "other"}), "audience_mismatch"),
        ("nonsense", json!({"active": 1}), "introspection_unavailable"),
        ("good", json!({"active": true, "sub": "alice", "client_id": "shop"}), "admit introspection"),
        ("bare", json!({"active": true}), "admit introspection"),
    ] {
        let token = key.sign(&claims(&issuer, &clock, id));
        issuer.answer(&token, answer);
        assert_eq!(outcome(&gate, "/", &token).await, expected, "{id}");
        tokens.insert(id, token);
    }
    let asked = issuer.questions();
    for (id, expected) in [("good", "admit cache"), ("inactive", "token_inactive")] {
        assert_eq!(outcome(&gate, "/", &tokens[id]).await, expected);
    }
    assert_eq!(issuer.questions(), asked, "both answers are remembered");
    // What no key proves is shown to nobody.
    let forged = Key::new("k1").sign(&claims(&issuer, &clock, "good"));
    assert_eq!(outcome(&gate, "/", &forged).await, "signature_invalid");
    assert_eq!(issuer.questions(), asked);
    // Tokens that only the issuer knows are what they are elsewhere.
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
}

#[tokio::test]
async fn the_scopes_are_those_that_both_name() {
    let (clock, key, issuer, gate) = confirming().await;
    for (id, answer, left) in [
        ("subset", json!({"active": true, "scope": "orders:write admin"}), "orders:write"),
        ("none", json!({"active": true, "scope": ""}), ""),
        ("silent", json!({"active": true}), "orders:read orders:write"),
    ] {
        let token = key.sign(&claims(&issuer, &clock, id));
        issuer.answer(&token, answer);
        assert_eq!(scopes(&gate, &token).await, left, "{id}");
        assert_eq!(scopes(&gate, &token).await, left, "{id}, from the cache");
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_confirms_nothing() {
    let (clock, key, issuer, gate) = confirming().await;
    let token = key.sign(&claims(&issuer, &clock, "1"));
    issuer.answer(&token, json!({"active": true}));
    *issuer.script.introspection_status.lock().unwrap() = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(outcome(&gate, "/", &token).await, "introspection_unavailable");
    *issuer.script.introspection_status.lock().unwrap() = StatusCode::OK;
    assert_eq!(outcome(&gate, "/", &token).await, "admit introspection", "nothing of the failure is remembered");
}

#[tokio::test]
async fn a_confirmed_token_is_good_while_keys_and_answer_are() {
    let (clock, key, issuer, gate) = confirming().await;
    let (token, new) = (key.sign(&claims(&issuer, &clock, "1")), Key::new("new"));
    issuer.answer(&token, json!({"active": true}));
    assert_eq!(outcome(&gate, "/", &token).await, "admit introspection");
    clock.step(61);
    issuer.answer(&token, json!({"active": false}));
    assert_eq!(outcome(&gate, "/", &token).await, "token_inactive", "revoked, and asked about after cache_ttl");

    let other = key.sign(&claims(&issuer, &clock, "2"));
    issuer.answer(&other, json!({"active": true}));
    assert_eq!(outcome(&gate, "/", &other).await, "admit introspection");
    issuer.publish(&[&new]);
    skip(COOLDOWN).await;
    let mut of_new = claims(&issuer, &clock, "3");
    of_new["iat"] = json!(clock.now());
    let of_new = new.sign(&of_new);
    issuer.answer(&of_new, json!({"active": true}));
    becomes(&gate, &of_new, "admit introspection").await;
    assert_eq!(outcome(&gate, "/", &other).await, "key_unknown", "its key was withdrawn");
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_left_alone() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let mut settings = settings(&issuer, TokenFormats::Auto);
    let asked = settings.introspection.as_mut().unwrap();
    (asked.breaker_failures, asked.breaker_pause) = (3, Duration::from_secs(1));
    let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
    issuer.answer("good", json!({"active": true, "aud": AUDIENCE}));
    let status = |status| *issuer.script.introspection_status.lock().unwrap() = status;
    status(StatusCode::FORBIDDEN);
    for _ in 0..5 {
        assert_eq!(outcome(&gate, "/", "good").await, "introspection_unavailable");
    }
    assert_eq!(issuer.questions(), 5, "somebody is there");
    status(StatusCode::BAD_GATEWAY);
    for _ in 0..10 {
        assert_eq!(outcome(&gate, "/", "good").await, "introspection_unavailable");
    }
    assert_eq!(issuer.questions(), 8);
    assert!(gate.status()[0].introspection_paused);
    status(StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(outcome(&gate, "/", "good").await, "admit introspection");
    assert!(!gate.status()[0].introspection_paused);
}

#[tokio::test]
async fn an_answer_without_expiry_lives_no_longer_than_the_stated_time() {
    let clock = TestClock::new();
    let issuer = FakeIssuer::start(&[]).await;
    let gate = gate(&clock, vec![settings(&issuer, TokenFormats::Auto)], vec![route("/*", &[])]);
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit introspection");
    clock.step(59);
    assert_eq!(outcome(&gate, "/", "opaque").await, "admit cache");
    clock.step(2);
    issuer.answer("opaque", json!({"active": false}));
    assert_eq!(outcome(&gate, "/", "opaque").await, "token_inactive");
}
