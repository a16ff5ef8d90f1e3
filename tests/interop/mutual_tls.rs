//! The gateway shows the issuer a certificate (RFC 8705, 2), at the address that the metadata names for that.

use crate::{
    certificates::{Authority, Identity},
    client_authentication::Way,
    expect::{assert_logged, assert_unavailable},
    provider::{Provider, introspecting_as},
    support::{Echo, Gateway},
};
use serde_json::{Value, json};

/// A provider that knows the client of `way`, with a TLS certificate by `authority`, which also vouches for clients; and the
/// file by which that authority is trusted.
fn provider(way: &Way, authority: &Authority) -> (Provider, String) {
    let server = authority.issue("localhost");
    let tls = json!({ "cert": server.certificate(), "key": server.key(), "ca": authority.pem() });
    let provider = Provider::start_with(&json!({ "clients": [way.client()], "tls": tls }));
    let trusted = provider.write("authority.pem", authority.pem());
    (provider, trusted)
}

fn by_certificate(method: &'static str, registered: Value, right: &Identity, wrong: &Identity) -> Way {
    let files = vec![
        ("certificate_file", right.certificate(), wrong.certificate()),
        ("certificate_key_file", right.key(), wrong.key()),
    ];
    Way { method, registered, files }
}

fn self_signed() -> Way {
    let (right, wrong) = (Identity::self_signed("gateway.example.com"), Identity::self_signed("gateway.example.com"));
    let registered = json!({ "jwks": { "keys": [right.jwk()] } });
    by_certificate("self_signed_tls_client_auth", registered, &right, &wrong)
}

fn must_work(way: &Way, authority: &Authority) {
    let (provider, trusted) = provider(way, authority);
    way.must_work(&provider, |gateway| {
        gateway.env("SSL_CERT_FILE", &trusted);
    });
}

#[test]
fn self_signed_tls_client_auth() {
    must_work(&self_signed(), &Authority::new());
}

#[test]
fn tls_client_auth() {
    let authority = Authority::new();
    let (right, wrong) = (authority.issue("gateway.example.com"), authority.issue("other.example.com"));
    let registered = json!({ "tls_client_auth_san_dns": "gateway.example.com" });
    must_work(&by_certificate("tls_client_auth", registered, &right, &wrong), &authority);
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_told_nothing() {
    let (way, echo) = (self_signed(), Echo::start());
    let (provider, _) = provider(&way, &Authority::new());
    let another = provider.write("another.pem", Authority::new().pem());
    let mut settings = format!("auth = \"{}\"\n", way.method);
    for (setting, right, _) in &way.files {
        settings += &format!("{setting} = \"{}\"\n", provider.write(setting, right));
    }
    let config = introspecting_as(&provider, &echo, "gateway", &settings);
    let gateway = Gateway::start_with(&config, |gateway| {
        gateway.env("SSL_CERT_FILE", &another);
    })
    .ready();
    assert_unavailable(&gateway.get("/orders/1").bearer(&provider.token("urn:api:opaque")).send());
    assert_eq!(provider.count("/token/introspection"), 0);
    assert_logged(&gateway, "cannot connect: invalid peer certificate");
}
