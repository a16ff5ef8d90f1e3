//! Each preset against its provider's tokens and answers, in the shapes that the provider documents: what is an access
//! token is accepted by exactly the rules that the preset comes to, and what else the provider makes is refused.
//!
//! The tokens are put together and signed here, so that one that must be refused still carries a signature that holds.

mod mistakes;
mod page;
mod shapes;

use std::path::Path;
use std::sync::OnceLock;

use bearward_core::{IntrospectionAnswer, KeySet, Reason, Scope, UnixTime, Verified, verify_jws};
use bearward_testkit::Signer;
use bearward_testkit::claims::{merge, with};
use serde_json::{Value, json};

use crate::{Config, Overrides, Problems, parse};

/// The time of every check here.
const NOW: u64 = 1_800_000_000;

/// What the rest of a configuration says, so that an issuer is all that a test has to write.
const REST: &str = "[[upstreams]]\nname = \"orders\"\nservers = [\"127.0.0.1:3000\"]\n\
                    [[routes]]\npath = \"/*\"\nupstream = \"orders\"\n";

/// Reads a configuration with this issuer.
fn read(issuer: &str) -> Result<Config, Problems> {
    let secret = [("SECRET".to_owned(), "hunter2".to_owned())];
    parse(&format!("[[issuers]]\n{issuer}\n{REST}"), Path::new("config.toml"), &Overrides::default(), secret)
}

fn config(issuer: &str) -> Config {
    read(issuer).unwrap_or_else(|problems| panic!("{issuer}\n{problems}"))
}

/// What the issuer's configuration makes of a self-contained token with this header and these claims.
fn token(issuer: &str, header: &Value, claims: &Value) -> Result<Verified, Reason> {
    let rules = config(issuer).gate.issuers.remove(0).rules().unwrap();
    verify_jws(&sign(header, claims), keys(), &rules, UnixTime(NOW))
}

/// What it makes of an answer about a referential token.
fn answer(issuer: &str, answer: &Value) -> Result<Verified, Reason> {
    let rules = config(issuer).gate.issuers.remove(0).rules().unwrap();
    IntrospectionAnswer::parse(answer.to_string().as_bytes()).and_then(|answer| answer.prove(&rules, UnixTime(NOW)))
}

fn scope_named(name: &str) -> Scope {
    Scope::parse(name).unwrap()
}

fn signer() -> Signer {
    Signer::from_seed("ES256", "1", "every provider's")
}

fn keys() -> &'static KeySet {
    static KEYS: OnceLock<KeySet> = OnceLock::new();
    KEYS.get_or_init(|| KeySet::parse(json!({"keys": [signer().jwk()]}).to_string().as_bytes()).unwrap())
}

fn sign(header: &Value, claims: &Value) -> String {
    let mut header = header.clone();
    merge(&mut header, json!({"alg": "ES256", "kid": "1"}));
    signer().sign_json(&header, claims)
}
