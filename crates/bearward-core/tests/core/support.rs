//! What the tests of this crate share: a signer for each algorithm, and a valid token to spoil.
//!
//! Nothing here goes through the code under test: tokens are put together and signed by the testkit, so that one that is wrong
//! in a single place can still carry a signature that holds.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

pub(crate) mod any;
pub(crate) mod encryptor;
pub(crate) mod junk;

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::OnceLock;

use bearward_core::{
    Algorithm, KeySet, Presented, Reason, Requirement, Scheme, TokenRules, UnixTime, Verified, verify_jws,
};
pub(crate) use bearward_testkit::base64url as b64;
pub(crate) use bearward_testkit::claims::{merge, with};
use serde_json::{Value, json};

/// The issuer of every valid token here.
pub(crate) const ISSUER: &str = "https://auth.example.com";
/// The audience of every valid token here.
pub(crate) const AUDIENCE: &str = "https://api.example.com";
/// The time of every check here, unless a test says otherwise.
pub(crate) const NOW: u64 = 1_800_000_000;
/// The leeway of [`rules`], in seconds.
pub(crate) const LEEWAY: u64 = 30;

/// A key, with the algorithm as the rules name it.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    signer: bearward_testkit::Signer,
}

/// The one signer of an algorithm.
pub(crate) fn signer(algorithm: Algorithm) -> &'static Signer {
    static SIGNERS: [OnceLock<Signer>; Algorithm::ALL.len()] = [const { OnceLock::new() }; Algorithm::ALL.len()];
    let index = Algorithm::ALL.iter().position(|candidate| *candidate == algorithm).unwrap();
    let kid = format!("key-{}", algorithm.name());
    let make = || bearward_testkit::Signer::from_seed(algorithm.name(), &kid, "the one of its algorithm");
    SIGNERS[index].get_or_init(|| Signer { algorithm, signer: make() })
}

/// The one signer of each algorithm.
pub(crate) fn signers() -> impl Iterator<Item = &'static Signer> {
    Algorithm::ALL.into_iter().map(signer)
}

impl Signer {
    /// A signer with a key of its own, except that RSA ones share theirs.
    pub(crate) fn new(algorithm: Algorithm, kid: &str) -> Self {
        Self { algorithm, signer: bearward_testkit::Signer::new(algorithm.name(), kid) }
    }

    pub(crate) fn jwk(&self) -> Value {
        self.signer.jwk()
    }
}

impl Deref for Signer {
    type Target = bearward_testkit::Signer;

    fn deref(&self) -> &Self::Target {
        &self.signer
    }
}

/// Every public key, each under its own `kid` and for one algorithm.
pub(crate) fn key_set() -> &'static KeySet {
    static SET: OnceLock<KeySet> = OnceLock::new();
    SET.get_or_init(|| parse_keys(signers().map(Signer::jwk)))
}

/// A key set of these keys.
pub(crate) fn parse_keys(keys: impl IntoIterator<Item = Value>) -> KeySet {
    let keys: Vec<Value> = keys.into_iter().collect();
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).expect("a JWK set")
}

/// The rules that a valid token keeps.
pub(crate) fn rules() -> TokenRules {
    altered(TokenRules::new(ISSUER, vec![AUDIENCE.to_owned()]), |rules| rules.leeway = LEEWAY)
}

/// Rules that differ in one or two points.
pub(crate) fn altered(mut rules: TokenRules, alter: impl FnOnce(&mut TokenRules)) -> TokenRules {
    alter(&mut rules);
    rules
}

/// The claims of a valid token, at the time `now`.
pub(crate) fn claims_at(now: u64) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "jti": "5f1c0a52",
        "iat": now - 60, "exp": now + 300, "scope": "orders:read orders:write"
    })
}

/// The claims of a valid token, at [`NOW`].
pub(crate) fn claims() -> Value {
    claims_at(NOW)
}

/// The token under all keys, at [`NOW`].
pub(crate) fn verify(token: &str) -> Result<Verified, Reason> {
    verify_with(token, key_set())
}

/// The token under these keys, at [`NOW`].
pub(crate) fn verify_with(token: &str, keys: &KeySet) -> Result<Verified, Reason> {
    verify_jws(token, keys, &rules(), UnixTime(NOW)).and_then(admitted)
}

/// The verified token, if a decision admits a request that sends it as a bearer token, to a route that asks for nothing
/// more.
pub(crate) fn admitted(token: Verified) -> Result<Verified, Reason> {
    Requirement::default().admit(&Presented::new(&token, Scheme::Bearer, Ok(())), None).map(|()| token)
}

/// A table of cases. All of them run, and one failure tells all that failed.
pub(crate) struct Table {
    failed: Vec<String>,
    ran: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { failed: Vec::new(), ran: 0 }
    }

    /// One case: what came out, and what should have.
    pub(crate) fn case<T: Debug + PartialEq>(&mut self, name: impl AsRef<str>, found: T, expected: T) {
        self.ran += 1;
        if found != expected {
            self.failed.push(format!("{}: expected {expected:?}, found {found:?}", name.as_ref()));
        }
    }

    /// A token that must be refused for this reason, under all keys.
    pub(crate) fn refused(&mut self, name: impl AsRef<str>, token: &str, reason: Reason) {
        self.case(name, verify(token).map(drop), Err(reason));
    }

    /// A token that must be accepted, under all keys.
    pub(crate) fn accepted(&mut self, name: impl AsRef<str>, token: &str) {
        self.case(name, verify(token).map(drop), Ok(()));
    }

    pub(crate) fn finish(self) {
        assert!(self.ran > 0, "a table without a case");
        assert!(self.failed.is_empty(), "{} of {} cases:\n  {}", self.failed.len(), self.ran, self.failed.join("\n  "));
    }
}
