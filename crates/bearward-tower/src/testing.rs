//! For the tests of applications: an issuer in the process, whose tokens are verified as in production.
//!
//! No check is switched off. The gate is a real one; its only issuer has a new key that never leaves the process. There is no
//! network, no port and no waiting.
//!
//! ```
//! # use axum::{Router, routing::get};
//! # use bearward_tower::{BearwardLayer, Gate, Identity};
//! # use tower::ServiceExt as _;
//! fn app(gate: Gate) -> Router {
//!     let greet = async |identity: Identity| format!("Hello, {}", identity.subject().unwrap_or("stranger"));
//!     Router::new().route("/", get(greet)).layer(BearwardLayer::new(gate))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use bearward_tower::testing::TestIssuer;
//!
//! let issuer = TestIssuer::new();
//! let token = issuer.token().subject("alice").scope("orders:read");
//! let request = http::Request::get("/").header("authorization", token.header()).body(axum::body::Body::empty());
//! let response = app(issuer.gate()).oneshot(request.unwrap()).await.unwrap();
//! assert_eq!(response.status(), 200);
//! # }
//! ```
//!
//! For tests of the full flow, with keys over HTTP, introspection, revocation and key rotation, `bearward-issuer` runs a whole
//! issuer:
//!
//! ```
//! # use bearward_tower::{Gate, Issuer};
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = bearward_issuer::Issuer::builder().spawn().await?;
//! let gate = Gate::builder().issuer(Issuer::new(running.url()).audience("https://api.example.com")).build()?;
//! gate.ready().await;
//! let token = running.issuer().token().audience("https://api.example.com").subject("alice").mint()?;
//! # drop((gate, token));
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![expect(clippy::expect_used, reason = "for tests, which fail by panicking")]

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_core::KeySet;
use bearward_gate::{Gate, Issuer, KeySource};
use http::HeaderValue;
use serde_json::{Map, Value, json};

/// The identifier of every [`TestIssuer`]. No request is ever sent there.
pub const ISSUER: &str = "https://issuer.example.com";

/// The default audience of tokens of a [`TestIssuer`].
pub const AUDIENCE: &str = "https://api.example.com";

/// How long tokens live, in seconds.
const LIFETIME: u64 = 600;

/// An issuer with a key of its own. The gate of one refuses the tokens of another.
pub struct TestIssuer {
    key: EcdsaKeyPair,
}

impl TestIssuer {
    /// An issuer with a new key.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    #[expect(clippy::new_without_default, reason = "a default would be another issuer each time")]
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("randomness");
        Self { key }
    }

    /// The issuer for a gate's builder, with its key. Build the rest of the gate as in production.
    ///
    /// # Panics
    ///
    /// Never: the key is one that a gate can use.
    pub fn issuer(&self) -> Issuer {
        let keys = KeySet::parse(json!({"keys": [self.jwk()]}).to_string().as_bytes()).expect("a key set");
        Issuer::new(ISSUER).audience(AUDIENCE).keys(KeySource::Fixed(Arc::new(keys)))
    }

    /// A gate that accepts every valid token of this issuer.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn gate(&self) -> Gate {
        Gate::builder().issuer(self.issuer()).build().expect("a tokio runtime")
    }

    /// A valid token of this issuer, with every claim that RFC 9068 requires, and without scope.
    ///
    /// # Panics
    ///
    /// When the clock is before 1970.
    pub fn token(&self) -> TestToken<'_> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "user", "client_id": "client", "jti": "token",
            "iat": now, "exp": now + LIFETIME,
        });
        let Value::Object(claims) = claims else { return TestToken { issuer: self, claims: Map::new() } };
        TestToken { issuer: self, claims }
    }

    fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        // Uncompressed (SEC 1, 2.3.3): one byte, and two coordinates of equal length.
        let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
        let coordinate = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": coordinate(x), "y": coordinate(y)})
    }
}

/// Without the key.
impl fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestIssuer").finish_non_exhaustive()
    }
}

/// A builder of a token, from [`TestIssuer::token`].
#[derive(Clone)]
#[must_use]
pub struct TestToken<'a> {
    issuer: &'a TestIssuer,
    claims: Map<String, Value>,
}

impl TestToken<'_> {
    /// Sets `sub`.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// Sets `client_id`.
    pub fn client_id(self, client_id: &str) -> Self {
        self.claim("client_id", client_id)
    }

    /// Adds a scope to `scope`, or several that are separated by spaces.
    pub fn scope(self, scope: &str) -> Self {
        let joined = match self.claims.get("scope").and_then(Value::as_str) {
            Some(scopes) => format!("{scopes} {scope}"),
            None => scope.to_owned(),
        };
        self.claim("scope", joined)
    }

    /// Sets `aud`.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", audience)
    }

    /// Sets any claim; `null` removes it.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => self.claims.remove(name),
            value => self.claims.insert(name.to_owned(), value),
        };
        self
    }

    /// Makes the token expired.
    pub fn expired(mut self) -> Self {
        for name in ["iat", "exp"] {
            let then = self.claims.get(name).and_then(Value::as_u64).unwrap_or_default();
            self.claims.insert(name.to_owned(), then.saturating_sub(10 * LIFETIME).into());
        }
        self
    }

    /// The token, signed.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn sign(&self) -> String {
        let header = json!({"alg": "ES256", "typ": "at+jwt"}).to_string();
        let claims = Value::Object(self.claims.clone()).to_string();
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.issuer.key.sign(&SystemRandom::new(), input.as_bytes()).expect("randomness");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The value of an `Authorization` header with the token, signed.
    ///
    /// # Panics
    ///
    /// As [`TestToken::sign`].
    pub fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.sign())).expect("a token is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

/// Without the claims.
impl fmt::Debug for TestToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestToken").finish_non_exhaustive()
    }
}
