//! The flows of OAuth 2.0 and OpenID Connect, as libraries in use everywhere go through them.

use super::tenant::Tenant;
use crate::support::{node, workspace};
use std::process::Command;

#[test]
fn openid_client_gets_through_every_flow() {
    let flows = [
        "discovery",
        "client credentials",
        "private_key_jwt",
        "authorization code with PKCE",
        "authorization code without PKCE",
        "a person who says no",
        "refresh with rotation",
        "userinfo",
        "introspection",
        "signed introspection",
        "revocation",
    ];
    Tenant::start().must_get_through(&mut node("issuer-clients", "openid-client", "openid_client.mjs"), &flows);
}

#[test]
fn oauth4webapi_gets_through_every_flow() {
    let flows = [
        "discovery",
        "client credentials",
        "private_key_jwt",
        "authorization code with PKCE",
        "authorization code without PKCE",
        "refresh with rotation",
        "userinfo",
        "introspection",
        "signed introspection",
        "revocation",
    ];
    Tenant::start().must_get_through(&mut node("issuer-clients", "oauth4webapi", "oauth4webapi.mjs"), &flows);
}

#[test]
fn authlib_gets_through_every_flow() {
    let python = workspace().join("target/authlib/bin/python");
    assert!(
        python.is_file(),
        "this test needs authlib: python3 -m venv target/authlib && \
         target/authlib/bin/pip install -r tests/issuer-clients/requirements.txt"
    );
    let flows = [
        "discovery",
        "client credentials",
        "private_key_jwt",
        "authorization code with PKCE",
        "authorization code without PKCE",
        "refresh with rotation",
        "userinfo",
        "introspection",
        "signed introspection",
        "revocation",
    ];
    let mut script = Command::new(python);
    script.arg(workspace().join("tests/issuer-clients/authlib_client.py"));
    Tenant::start().must_get_through(&mut script, &flows);
}
