//! Bearward's engine: it decides, for each request, whether its OAuth 2.0 access token admits it.
//!
//! A [`Gate`] is built from issuers (authorization servers) and routes. It fetches the issuers' keys and keeps them fresh,
//! verifies self-contained tokens with them (JWS, RFC 9068), asks the issuer about referential tokens (introspection,
//! RFC 7662), and caches what it has proved. For each request it finds the one route that matches, proves the token, and
//! checks audience, scopes and claims that the route requires.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use bearward_gate::{Gate, Issuer, RequestFacts, RouteRule, Verdict};
//! use http::{HeaderMap, Method};
//!
//! let gate = Gate::builder()
//!     .issuer(Issuer::new("https://auth.example.com").audience("https://api.example.com"))
//!     .route(RouteRule::new("/orders/*").scope("orders:read"))
//!     .route(RouteRule::new("/health").open())
//!     .build()?;
//!
//! let headers = HeaderMap::new();
//! let decision = gate.decide(&RequestFacts::new(&Method::GET, b"/health", &headers)).await;
//! assert!(matches!(decision.verdict, Verdict::Admit(_)));
//!
//! let decision = gate.decide(&RequestFacts::new(&Method::GET, b"/orders/7", &headers)).await;
//! assert_eq!(decision.verdict.reason().map(|reason| reason.name()), Some("credential_missing"));
//! # Ok(())
//! # }
//! ```
//!
//! - **Build a gate** in code with [`Gate::builder`], or from resolved [`GateSettings`] with [`Gate::new`], as the
//!   configuration file does. [`GateError`] says what is wrong with the settings.
//! - **Decide** with [`Gate::decide`], or in two steps with [`Gate::begin`]: the first never waits, and is enough where the
//!   cache knows the token. A [`Decision`] holds the [`Verdict`]: an [`Admission`] with the identity headers, or a refusal
//!   with status, challenge and body (`bearward_core::Refusal`).
//! - **Reload** with [`Gate::reload`]. An issuer whose settings did not change keeps its keys, cache and connections.
//! - **Observe** with [`Gate::status`], a [`MetricsRegistry`] and a [`DecisionSink`].
//!
//! The crate does no networking on the side of the client. A mount does: `bearward-proxy` is a reverse proxy, `bearward-tower`
//! a layer for axum, tonic and hyper. The rules themselves are pure functions in `bearward-core`.

mod builder;
mod clock;
mod decide;
mod files;
mod gate;
mod introspect;
mod issuer;
mod memory;
mod metrics;
mod net;
mod secrets;
mod settings;
mod sink;
mod source;

pub use builder::{GateBuilder, Issuer, RequirementBuilder, RouteRule};
pub use clock::Clock;
pub use decide::{
    Admission, Decision, Explanation, Generation, Pending, Progress, RequestFacts, RequestIds, Route, SharedToken,
    Verdict, X_REQUEST_ID,
};
pub use files::answers_in_time;
pub use gate::{Changes, Gate};
pub use issuer::{IssuerError, IssuerStatus, ReadyWhen};
pub use metrics::{
    Counter, Counters, Gauge, Gauges, Histogram, Histograms, Memo, MetricsError, MetricsRegistry, Reading,
};
pub use net::{MachineRootsProblem, TrustedRoots, TrustedRootsError, check_machine_roots};
pub use secrets::{
    AssertionAudience, ClientAssertion, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, Credentials,
    CredentialsError, DecryptionKeySource, FailingFile, IntrospectionAuth, PrivateKeyJwt, Secret, SecretJwt,
};
pub use settings::{
    CacheSettings, Contradiction, EngineSettings, GateError, GateSettings, IntrospectionKind, IntrospectionSettings,
    IssuerSettings, KeyFileError, KeySource, RefreshSettings, RouteSettings, SignedResponse, TokenFormats, bounds,
    read_key_file,
};
pub use sink::{DecisionEvent, DecisionSink};
pub use source::Source;
