//! A server that types its tokens `JWT`, leaves out audience and subject, and signs with its keys in turn: what is let in,
//! and under which profile.

use crate::{
    expect::assert_refused,
    mock_server::MockServer,
    provider::{AUDIENCE, text},
    support::{Echo, Gateway, SOON, eventually, minimal_config},
};
use serde_json::{Value, json};

fn gateway(mock: &MockServer, echo: &Echo, settings: &str) -> Gateway {
    let config = minimal_config(&mock.issuer, &echo.address());
    Gateway::start(&config.replacen("audiences", &format!("{settings}audiences"), 1)).ready()
}

const JWT: &str = "profile = \"jwt\"\n";

/// The claims of a good access token, beside those that the server makes itself.
fn claims() -> Value {
    json!({ "aud": AUDIENCE, "sub": "alice", "client_id": "web", "jti": "1", "scope": "orders:read" })
}

#[test]
fn each_token_has_its_outcome_under_each_profile() {
    let (mock, echo) = (MockServer::start(), Echo::start());
    let service = mock.grant(&[("grant_type", "client_credentials"), ("scope", "orders:read")]);
    let service_for_us =
        mock.grant(&[("grant_type", "client_credentials"), ("scope", "orders:read"), ("aud", AUDIENCE)]);
    let form = [("grant_type", "password"), ("username", "alice"), ("scope", "orders:read"), ("client_id", AUDIENCE)];
    let alice = mock.grant(&form);
    let at = json!({ "typ": "at+jwt" });
    let none = json!({});
    let tokens: Vec<(&str, String, &str, &str)> = vec![
        // the token, and why it is refused under "rfc9068" and under "jwt"; "" where it is let in
        ("no aud, no sub", text(&service, "access_token").to_owned(), "type_mismatch", "claim_missing"),
        ("no aud", text(&alice, "access_token").to_owned(), "type_mismatch", "claim_missing"),
        ("no sub", text(&service_for_us, "access_token").to_owned(), "type_mismatch", ""),
        ("an ID token", text(&alice, "id_token").to_owned(), "type_mismatch", "type_mismatch"),
        ("all claims, typed JWT", mock.token(&none, &claims()), "type_mismatch", ""),
        ("all claims, typed at+jwt", mock.token(&at, &claims()), "", ""),
        ("no sub, typed at+jwt", mock.token(&at, &changed("sub", json!(null))), "claims_malformed", "claims_malformed"),
        ("another API's", mock.token(&at, &changed("aud", json!("x"))), "audience_mismatch", "audience_mismatch"),
        ("a logout token", mock.token(&json!({ "typ": "logout+jwt" }), &claims()), "type_mismatch", "type_mismatch"),
        ("expired", mock.token(&at, &changed("exp", json!(1))), "token_expired", "token_expired"),
    ];
    let (strict, tolerant) = (gateway(&mock, &echo, ""), gateway(&mock, &echo, JWT));
    for (name, token, under_rfc9068, under_jwt) in &tokens {
        for (gateway, reason) in [(&strict, under_rfc9068), (&tolerant, under_jwt)] {
            let count = || gateway.metrics().sum("bearward_decisions_total", &[("reason", reason)]);
            let (before, forwarded) = (count(), echo.requests().len());
            let answer = gateway.get("/orders/1").bearer(token).send();
            assert_eq!(count(), before + 1.0, "{name}, expected: {reason}\n{}", gateway.logs());
            if reason.is_empty() {
                assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            } else {
                assert_refused(&answer, 401, "invalid_token");
                assert_eq!(echo.requests().len(), forwarded, "{name}: the upstream saw a refused request");
            }
        }
    }
    // A refresh token is an opaque one here, and nobody is asked about those.
    assert_refused(&tolerant.get("/orders/1").bearer(text(&alice, "refresh_token")).send(), 401, "invalid_token");
}

fn changed(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

#[test]
fn keys_that_take_turns_are_all_good_and_a_new_one_is_fetched_once() {
    let (mock, echo) = (MockServer::start(), Echo::start());
    for algorithm in ["RS256", "PS384", "EdDSA", "ES512"] {
        mock.add_key(algorithm, algorithm);
    }
    let gateway = gateway(&mock, &echo, JWT);
    let admit = |count: usize| {
        for at in 0..count {
            let answer = gateway.get("/orders/1").bearer(&mock.token(&json!({}), &claims())).send();
            assert_eq!(answer.status, 200, "token {at}: {}\n{}", answer.text(), gateway.logs());
        }
    };
    let fetched = mock.count("/jwks");
    admit(10);
    assert_eq!(mock.count("/jwks"), fetched);
    mock.add_key("ES256", "new");
    admit(12);
    assert_eq!(mock.count("/jwks"), fetched + 1);
}

#[test]
fn a_key_that_another_takes_the_name_of_is_good_for_nothing_once_that_is_known() {
    let (mock, echo) = (MockServer::start(), Echo::start());
    let config = minimal_config(&mock.issuer, &echo.address()) + "[issuers.refresh]\nmin = \"1s\"\nmax = \"1s\"\n";
    let gateway = Gateway::start(&config.replacen("audiences", &format!("{JWT}audiences"), 1)).ready();
    let old = mock.token(&json!({}), &claims());
    assert_eq!(gateway.get("/orders/1").bearer(&old).send().status, 200);
    mock.add_key("ES256", "first");
    let new = mock.token(&json!({}), &claims());
    eventually("the new key is known", SOON, || gateway.get("/orders/1").bearer(&new).send().status == 200);
    assert_refused(&gateway.get("/orders/1").bearer(&old).send(), 401, "invalid_token");
}
