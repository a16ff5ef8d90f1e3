//! Introspection answers that the issuer signs (RFC 9701), where the gateway takes no others.

use crate::{
    expect::{assert_logged, assert_others_are_refused, assert_refused, assert_revocation_is_seen, assert_unavailable},
    mock_server::MockServer,
    provider::{AUDIENCE, Provider, introspecting_as, text},
    support::{Echo, Gateway, Request, minimal_config},
};
use serde_json::json;

const SECRET: &str = "signed-answers-secret";
const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// A provider that signs its answers to a client of the name of each algorithm.
fn signing_provider() -> Provider {
    let client = |algorithm: &str| {
        json!({
            "client_id": algorithm, "client_secret": SECRET, "introspection_signed_response_alg": algorithm,
            "grant_types": [], "redirect_uris": [], "response_types": [],
        })
    };
    Provider::start_with(&json!({ "clients": ALGORITHMS.map(client) }))
}

/// A gateway that introspects as this client, and takes signed answers alone.
fn requiring(provider: &Provider, echo: &Echo, client: &str, secret: &str) -> Gateway {
    let secret = provider.write(&format!("{client}-secret"), secret);
    let settings = format!("client_secret_file = \"{secret}\"\nsigned_response = \"require\"\ncache_ttl = \"1s\"\n");
    Gateway::start(&introspecting_as(provider, echo, client, &settings)).ready()
}

/// The signed answer to a question of this client, as it came.
fn signed_answer(provider: &Provider, client: &str, token: &str) -> String {
    let question = Request::post(&format!("{}/token/introspection", provider.issuer)).basic(client, SECRET);
    let answer = question.header("Accept", "application/token-introspection+jwt").form(&[("token", token)]).send();
    let media_type = answer.header("content-type").unwrap_or_default();
    assert!(media_type.starts_with("application/token-introspection+jwt"), "{media_type}: {}", answer.text());
    answer.text()
}

#[test]
fn a_signed_answer_of_each_algorithm_is_proved_and_read() {
    let (provider, echo) = (signing_provider(), Echo::start());
    for algorithm in ALGORITHMS {
        let gateway = requiring(&provider, &echo, algorithm, SECRET);
        let issued = provider.login("web", "urn:api:opaque");
        let answer = gateway.get("/orders/1").bearer(text(&issued, "access_token")).send();
        assert_eq!(answer.status, 200, "{algorithm}: {}\n{}", answer.text(), gateway.logs());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("alice"), "{algorithm}");
        assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("web"), "{algorithm}");
        assert_eq!(answer.echoed("x-auth-scope").as_deref(), Some("orders:read orders:write"), "{algorithm}");

        assert_others_are_refused(&provider, &gateway, &echo, &issued);
        let answer = gateway.get("/orders/1").bearer("no-token-of-this-provider").send();
        assert_refused(&answer, 401, "invalid_token");
        assert_revocation_is_seen(&provider, &gateway);
    }
}

#[test]
fn an_answer_signed_with_a_new_key_is_proved_once_the_key_is_fetched() {
    let (provider, echo) = (signing_provider(), Echo::start());
    let gateway = requiring(&provider, &echo, "ES256", SECRET);
    assert_eq!(gateway.get("/orders/1").bearer(&provider.token("urn:api:opaque")).send().status, 200);
    let fetched = provider.count("/jwks");
    provider.rotate();
    let answer = gateway.get("/orders/1").bearer(&provider.token("urn:api:opaque")).send();
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), gateway.logs());
    assert_eq!(provider.count("/jwks"), fetched + 1);
}

#[test]
fn an_unsigned_answer_is_none_where_signed_ones_are_required() {
    let (mock, echo) = (MockServer::start(), Echo::start());
    let said = json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "client_id": "web", "scope": "orders:read" });
    mock.answer("good", &json!({ "body": said }));
    let config = |signed: &str| {
        let minimal = minimal_config(&mock.issuer, &echo.address());
        let client = "client_id = \"gateway\"\nclient_secret_env = \"MOCK_SECRET\"";
        format!("{minimal}[issuers.introspection]\n{client}\nsigned_response = \"{signed}\"\n")
    };
    let [requiring, accepting] = ["require", "accept"].map(|signed| {
        Gateway::start_with(&config(signed), |gateway| {
            gateway.env("MOCK_SECRET", "mock-secret");
        })
        .ready()
    });
    assert_unavailable(&requiring.get("/orders/1").bearer("good").send());
    assert_logged(&requiring, "`signed_response` requires it: register this client for signed answers");
    assert_eq!(echo.requests().len(), 0);
    assert_eq!(accepting.get("/orders/1").bearer("good").send().status, 200);
}

#[test]
fn a_signed_answer_is_no_access_token() {
    let (provider, echo) = (signing_provider(), Echo::start());
    let issued = provider.login(AUDIENCE, "urn:api:opaque");
    let answer = signed_answer(&provider, "ES256", text(&issued, "access_token"));
    for settings in ["", "profile = \"jwt\"\n"] {
        let secret = provider.write("secret", SECRET);
        let config = introspecting_as(&provider, &echo, "ES256", &format!("client_secret_file = \"{secret}\""));
        let gateway = Gateway::start(&config.replacen("audiences", &format!("{settings}audiences"), 1)).ready();
        assert_refused(&gateway.get("/orders/1").bearer(&answer).send(), 401, "invalid_token");
    }
    assert_eq!(echo.requests().len(), 0);
}
