//! The gateway shows the issuer who it is by each registered method, and where the issuer does not believe it, that is
//! nobody's fault who sent a token.

use crate::{
    expect::{assert_logged, assert_others_are_refused, assert_revocation_is_seen, assert_unavailable},
    provider::{Provider, introspecting_as, text},
    support::{Echo, Gateway, SOON, Signer, eventually},
};
use serde_json::{Value, json};
use std::process::Command;

/// A way of showing who the gateway is.
pub(crate) struct Way {
    pub(crate) method: &'static str,
    /// What the issuer knows of the client, beside its name and method.
    pub(crate) registered: Value,
    /// The settings that name files, with what is right in them and what is wrong.
    pub(crate) files: Vec<(&'static str, String, String)>,
}

impl Way {
    /// The client as it is registered.
    pub(crate) fn client(&self) -> Value {
        let mut client = json!({
            "client_id": "gateway", "token_endpoint_auth_method": self.method,
            "grant_types": [], "redirect_uris": [], "response_types": [],
        });
        client.as_object_mut().unwrap().extend(self.registered.as_object().unwrap().clone());
        client
    }

    /// Begins with the wrong credentials, which is 503 and told in the log, and goes on with the right ones, by which
    /// tokens are told apart as ever.
    pub(crate) fn must_work(&self, provider: &Provider, environment: impl FnOnce(&mut Command)) {
        let echo = Echo::start();
        let mut settings = format!("auth = \"{}\"\ncache_ttl = \"1s\"\n", self.method);
        for (setting, _, wrong) in &self.files {
            settings += &format!("{setting} = \"{}\"\n", provider.write(setting, wrong));
        }
        let gateway =
            Gateway::start_with(&introspecting_as(provider, &echo, "gateway", &settings), environment).ready();
        let issued = provider.login("web", "urn:api:opaque");
        let access = text(&issued, "access_token");
        assert_unavailable(&gateway.get("/orders/1").bearer(access).send());
        assert_eq!(echo.requests().len(), 0);
        assert_logged(&gateway, "the issuer refuses the gateway's own credentials (401 Unauthorized): check client_id");

        for (setting, right, _) in &self.files {
            provider.write(setting, right);
        }
        eventually("the credentials are read again", SOON, || {
            match gateway.get("/orders/1").bearer(access).send().status {
                200 => true,
                503 => false,
                other => panic!("{other} for a good token"),
            }
        });
        let seen = echo.last();
        assert_eq!((seen.values("x-auth-subject"), seen.values("x-auth-client-id")), (vec!["alice"], vec!["web"]));
        assert_others_are_refused(provider, &gateway, &echo, &issued);
        assert_revocation_is_seen(provider, &gateway);
    }
}

fn must_work(way: &Way) {
    way.must_work(&Provider::start_with(&json!({ "clients": [way.client()] })), |_| {});
}

const SECRET: &str = "a secret of +40 bytes: 100% sure & \"quoted\"";
const WRONG: &str = "another secret, which is as long as the one";

fn by_secret(method: &'static str) -> Way {
    let files = vec![("client_secret_file", SECRET.to_owned(), WRONG.to_owned())];
    Way { method, registered: json!({ "client_secret": SECRET }), files }
}

#[test]
fn client_secret_basic() {
    must_work(&by_secret("client_secret_basic"));
}

#[test]
fn client_secret_post() {
    must_work(&by_secret("client_secret_post"));
}

#[test]
fn client_secret_jwt() {
    must_work(&by_secret("client_secret_jwt"));
}

#[test]
fn private_key_jwt() {
    let (key, other) = (Signer::es256("gateway"), Signer::es256("gateway"));
    must_work(&Way {
        method: "private_key_jwt",
        registered: json!({ "jwks": { "keys": [key.jwk()] } }),
        files: vec![("private_key_file", key.pem(), other.pem())],
    });
}
