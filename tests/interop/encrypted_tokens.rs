//! Access tokens that the issuer signs and encrypts to the gateway (RFC 7516), and encrypted ones that prove nothing.

use crate::{
    expect::{assert_others_are_refused, assert_refused, assert_revocation_is_seen},
    provider::{AUDIENCE, Provider, text, with_introspection},
    support::{Echo, Gateway},
};
use serde_json::Value;

const NESTED: [&str; 3] = ["urn:api:nested:dir", "urn:api:nested:ecdh-es", "urn:api:nested:rsa-oaep-256"];

/// A gateway with these decryption keys, which also introspects.
fn with_keys(provider: &Provider, echo: &Echo, keys: &Value) -> Gateway {
    let keys = provider.write("decryption.jwk", &keys.to_string());
    let config = with_introspection(provider, echo, "cache_ttl = \"1s\"");
    let config = config.replacen("audiences", &format!("decryption_keys_file = \"{keys}\"\naudiences"), 1);
    Gateway::start(&config).ready()
}

#[test]
fn a_token_encrypted_to_the_gateway_is_opened_and_proved() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = with_keys(&provider, &echo, &provider.decryption_keys());
    for resource in NESTED {
        let issued = provider.login("web", resource);
        let token = text(&issued, "access_token");
        assert_eq!(token.split('.').count(), 5, "{resource}: not a JWE");
        let answer = gateway.get("/orders/1").bearer(token).send();
        assert_eq!(answer.status, 200, "{resource}: {}\n{}", answer.text(), gateway.logs());
        assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("alice"), "{resource}");
        assert_eq!(answer.echoed("x-auth-client-id").as_deref(), Some("web"), "{resource}");
        assert_eq!(answer.echoed("x-auth-issuer").as_deref(), Some(&*provider.issuer), "{resource}");

        // The rules of the route are those for any other token.
        let answer = gateway.get("/orders/1").bearer(&provider.token_for(resource, "orders:write")).send();
        assert_refused(&answer, 403, "insufficient_scope");
    }
    assert_eq!(provider.count("/token/introspection"), 0, "what the gateway can open is nobody else's to see");
}

#[test]
fn beside_encrypted_tokens_the_others_are_what_they_were() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = with_keys(&provider, &echo, &provider.decryption_keys());
    for client in ["web", AUDIENCE] {
        let issued = provider.login(client, "urn:api:nested:dir");
        assert_others_are_refused(&provider, &gateway, &echo, &issued);
    }
    assert_revocation_is_seen(&provider, &gateway);
}

#[test]
fn an_encrypted_token_that_nobody_signed_is_refused() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = with_keys(&provider, &echo, &provider.decryption_keys());
    let token = provider.token("urn:api:unsigned");
    assert_refused(&gateway.get("/orders/1").bearer(&token).send(), 401, "invalid_token");
    assert_eq!(echo.requests().len(), 0);
}

#[test]
fn a_token_encrypted_to_another_key_of_the_same_name_is_refused() {
    let (provider, other, echo) = (Provider::start(), Provider::start(), Echo::start());
    let gateway = with_keys(&provider, &echo, &other.decryption_keys());
    for resource in NESTED {
        assert_refused(&gateway.get("/orders/1").bearer(&provider.token(resource)).send(), 401, "invalid_token");
    }
    assert_eq!(echo.requests().len(), 0);
}

#[test]
fn without_its_key_an_encrypted_token_is_one_that_the_issuer_will_not_explain() {
    let (provider, echo) = (Provider::start(), Echo::start());
    let gateway = Gateway::start(&with_introspection(&provider, &echo, "")).ready();
    // oidc-provider introspects no structured token: 400 unsupported_token_type is an answer about the token, and no
    // reason to tell the client to come back later.
    for (at, resource) in NESTED.into_iter().enumerate() {
        assert_refused(&gateway.get("/orders/1").bearer(&provider.token(resource)).send(), 401, "invalid_token");
        assert_eq!(provider.count("/token/introspection"), at + 1);
    }
}
