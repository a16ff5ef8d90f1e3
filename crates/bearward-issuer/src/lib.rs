//! A development authorization server, for laptops, tests and the demo.
//!
//! It knows a few [applications](Application) and [resource servers](ResourceServer), and gives out access tokens in
//! both formats: self-contained (a JWS by the profile of RFC 9068) and referential (a JWE that only this issuer can
//! read). It shares no code with the gateway it is used to test, so that one mistake cannot hide the same mistake in
//! the other.
//!
//! **Not for production.** Keys live in memory and are new at every start, there is no person to authenticate, and
//! [`/dev`](#endpoints) hands any token to any local process. For that reason it listens on loopback unless told
//! otherwise in so many words.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use bearward_issuer::{Issuer, TokenFormat};
//!
//! // The built-in applications, on a free port of 127.0.0.1.
//! let running = Issuer::builder().spawn().await?;
//! println!("issuer: {}", running.url());
//!
//! // A token as the application "orders-app" would get it, for a person, and already expired.
//! let expired = running.issuer().token().application("orders-app").subject("alice").lifetime(-60).mint()?;
//! let referential = running.issuer().token().format(TokenFormat::Referential).scope("orders:read").mint()?;
//! # assert_eq!((expired.split('.').count(), referential.split('.').count()), (3, 5));
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Endpoints
//!
//! | request | what | by |
//! | --- | --- | --- |
//! | `GET /.well-known/oauth-authorization-server` | metadata | RFC 8414 |
//! | `GET /.well-known/openid-configuration` | the same document, for those who only look there | OpenID Connect Discovery |
//! | `GET /jwks` | the public signing keys | RFC 7517 |
//! | `POST /token` | `client_credentials`, with client secret basic or post | RFC 6749 |
//! | `POST /introspect` | what a token of either format means | RFC 7662 |
//! | `POST /revoke` | end a token before its time | RFC 7009 |
//! | `POST /dev/token` | mint a token from a JSON description | development only |
//! | `POST /dev/rotate-keys` | sign with a new key; the old one stays published | development only |
//! | `POST /dev/retire-keys` | stop publishing the old keys | development only |
//!
//! The `/dev` controls answer only to a peer on loopback that is neither a web page nor behind a proxy.

mod builder;
mod client_auth;
mod endpoints;
mod error;
mod keys;
mod mint;
mod model;
mod scope;
mod secret;
mod server;
mod settings;
mod tokens;

use std::{fmt, sync::Arc, time::SystemTime};

pub use builder::IssuerBuilder;
pub use error::{BuildError, CryptoError, MintError, RotateError, SpawnError};
pub use keys::{KeyIds, SigningAlgorithm};
pub use mint::TokenBuilder;
pub use model::{Application, GrantType, ResourceServer, TokenFormat};
pub use secret::Secret;
pub use server::RunningIssuer;
pub use settings::Settings;

/// A development authorization server with its keys and its memory of revoked tokens.
///
/// A clone is another handle on the same issuer.
#[derive(Clone)]
pub struct Issuer {
    shared: Arc<Shared>,
}

struct Shared {
    /// The exact `iss` of every token, and the base of every endpoint.
    url: String,
    settings: Settings,
    tokens: tokens::Tokens,
}

impl Issuer {
    /// Starts from the built-in applications and resource servers ([`Settings::default`]).
    pub fn builder() -> IssuerBuilder {
        IssuerBuilder::default()
    }

    /// The issuer identifier: the `iss` of its tokens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// What this issuer was built with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Describes a token to mint, starting from what the first application would get.
    ///
    /// This is for tests and demonstrations: it can make tokens that [`POST /token`](crate#endpoints) never would.
    pub fn token(&self) -> TokenBuilder<'_> {
        TokenBuilder::new(self)
    }

    /// All endpoints, to be served by the caller; [`IssuerBuilder::spawn`] is the shorter way.
    ///
    /// The `/dev` controls must know who is asking, and refuse everybody where the router is served without
    /// [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info).
    pub fn router(&self) -> axum::Router {
        endpoints::router(self.clone())
    }

    /// Signs with a new key of each algorithm from now on; the old keys stay published until [`Self::retire_keys`].
    ///
    /// # Errors
    ///
    /// [`RotateError::TooManyKeys`] when the keys of too many rotations were never retired, [`RotateError::Crypto`]
    /// when no key can be generated.
    pub fn rotate_keys(&self) -> Result<KeyIds, RotateError> {
        self.shared.tokens.keys.rotate()
    }

    /// Stops publishing, and accepting at introspection, every key but the current ones.
    pub fn retire_keys(&self) -> KeyIds {
        self.shared.tokens.keys.retire()
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

/// Whole seconds since 1970. A clock before that reads as 0: every token would then be too new, none too old.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
