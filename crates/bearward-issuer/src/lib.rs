//! A development authorization server, for laptops, tests and the demo.
//!
//! It knows a few [applications](Application) and [resource servers](ResourceServer), and gives out access tokens in
//! both formats: self-contained (a JWS by the profile of RFC 9068) and referential (a JWE that only this issuer can
//! read). It shares no code with the gateway it is used to test, so that one mistake cannot hide the same mistake in
//! the other.
//!
//! **Not for production.** Keys live in memory and are new at every start, people sign in without a password, and
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
//! The tenant's issuer URL serves every application; `/apps/{client_id}` is an issuer URL of its own for each one, with
//! the same endpoints under it. Tokens of one issuer URL mean nothing at another.
//!
//! | request | what | by |
//! | --- | --- | --- |
//! | `GET /.well-known/oauth-authorization-server` | metadata, also before the path | RFC 8414 |
//! | `GET /.well-known/openid-configuration` | the same document, also before the path | OpenID Connect Discovery |
//! | `GET /jwks` | the public signing keys | RFC 7517 |
//! | `GET`, `POST /authorize` | the sign-in page, with PKCE and the issuer's name in its answer | RFC 6749, 7636, 8707, 9207 |
//! | `POST /token` | client credentials, authorization code, refresh token | RFC 6749, 7523, 8707 |
//! | `GET`, `POST /userinfo` | who signed in | OpenID Connect Core |
//! | `POST /introspect` | what a token of either format means, plain or signed | RFC 7662, 9701 |
//! | `POST /revoke` | end a token before its time | RFC 7009 |
//! | `GET /tokens` | the access tokens issued lately, to a holder of `tokens:read` | |
//! | `DELETE /tokens/{id}` | end one of them, for a holder of `tokens:delete` | |
//! | `POST /dev/token` | mint a token from a JSON description | development only |
//! | `POST /dev/rotate-keys` | sign with a new key; the old one stays published | development only |
//! | `POST /dev/retire-keys` | stop publishing the old keys | development only |
//! | `PUT /dev/faults` | what goes wrong from now on, a JSON array of [`Fault`]s | development only |
//!
//! The `/dev` controls answer only to a peer on loopback that is neither a web page nor behind a proxy.

mod application;
mod authority;
mod builder;
mod client_auth;
mod client_keys;
mod clock;
mod endpoints;
mod error;
mod faults;
mod grants;
mod keys;
mod ledger;
mod mint;
mod model;
mod scope;
mod secret;
mod server;
mod settings;
mod store;
mod tokens;

use std::{fmt, sync::Arc};

pub use application::{Application, ClientAuthentication};
pub use builder::IssuerBuilder;
pub use client_keys::{ClientKeys, ClientKeysError};
pub use error::{ApplicationError, BuildError, CryptoError, MintError, RotateError, SpawnError};
pub use faults::{Endpoint, Fault, FaultError};
pub use keys::{KeyIds, SigningAlgorithm};
pub use mint::TokenBuilder;
pub use model::{ClientType, GrantType, Person, Pkce, Protocol, ResourceServer, TokenFormat};
pub use secret::Secret;
pub use server::RunningIssuer;
pub use settings::{FileError, Settings};

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
    grants: grants::Grants,
    /// Sign-in pages that were answered, by their identifier, until they would be too old anyway. Pages that were shown
    /// and not answered are not here: they are in their own forms.
    answered: store::Store<()>,
    /// Client assertions that were used, by client and `jti`.
    assertions: store::Store<()>,
    ledger: ledger::Ledger,
    clock: clock::Clock,
    faults: faults::Faults,
}

/// How many answered sign-in pages are remembered at most. Only the browser that a page was shown in can answer it.
const MAX_ANSWERED: usize = 10_000;
/// How many client assertions are remembered at most: a gateway makes one for each question that it asks.
const MAX_ASSERTIONS: usize = 100_000;

impl Shared {
    fn new(url: String, settings: Settings) -> Result<Self, CryptoError> {
        Ok(Self {
            url,
            tokens: tokens::Tokens::generate(&settings.algorithms)?,
            settings,
            grants: grants::Grants::new(),
            answered: store::Store::new(MAX_ANSWERED),
            assertions: store::Store::new(MAX_ASSERTIONS),
            ledger: ledger::Ledger::default(),
            clock: clock::Clock::default(),
            faults: faults::Faults::default(),
        })
    }
}

impl Issuer {
    /// Starts from the built-in applications and resource servers ([`Settings::default`]).
    pub fn builder() -> IssuerBuilder {
        IssuerBuilder::default()
    }

    /// The tenant's issuer identifier: the `iss` of its tokens, without a slash at the end.
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

    /// The issuer identifier of one application, at which only that application gets tokens. `None` if there is none of
    /// that name.
    pub fn application_url(&self, client_id: &str) -> Option<String> {
        self.settings().application(client_id).map(|known| authority::application_url(self.url(), &known.client_id))
    }

    /// Has these things go wrong from now on, and nothing else.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        let faults: Vec<Fault> = faults.into_iter().collect();
        let offset = faults.iter().rev().find_map(|fault| match fault {
            Fault::Clock(seconds) => Some(*seconds),
            _ => None,
        });
        self.shared.clock.set_offset(offset.unwrap_or(0));
        self.shared.faults.set(faults);
    }

    /// All endpoints, to be served by the caller; [`IssuerBuilder::spawn`] is the shorter way.
    ///
    /// The `/dev` controls must know who is asking, and refuse every caller where the router is served without
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

impl Issuer {
    /// The issuer's time, in whole seconds since 1970.
    fn now(&self) -> u64 {
        self.shared.clock.now()
    }

    /// Makes an access token of claims.
    fn issue(
        &self,
        claims: &tokens::Claims,
        format: TokenFormat,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<String, MintError> {
        let tokens = &self.shared.tokens;
        let token = match (format, algorithm) {
            (TokenFormat::Referential, _) => tokens.seal(tokens::Sealed::AccessToken, claims)?,
            (TokenFormat::SelfContained, None) => tokens.sign(tokens::Signed::AccessToken, claims)?,
            (TokenFormat::SelfContained, Some(algorithm)) => tokens.sign_by(algorithm, claims)?,
        };
        self.shared.ledger.add(ledger::Issued::new(claims, format));
        Ok(token)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

/// Compiles and runs the example of the page for users.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/issuer.md")]
struct Page;
