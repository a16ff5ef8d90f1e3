#![cfg_attr(all(feature = "axum", feature = "testing"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "axum", feature = "testing")),
    doc = "A tower layer that verifies OAuth 2.0 access tokens; the crate's `README.md` is the introduction."
)]

mod body;
mod enforce;
pub mod engine;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod identity;
mod layer;
mod mount;
#[cfg(feature = "tonic")]
mod named;
mod require;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use bearward_core::{
    AbsentAudience, Algorithm, ClaimPointer, ClaimPointerError, ClaimRule, ClaimTest, DecryptionKeysError, HostError,
    IssuerNameError, IssuerVariable, KeySet, KeySetError, PathPatternError, Profile, Reason, Scope, ScopeError,
    ScopeSet, Scopes, UnixTime, Verified,
};
pub use bearward_gate::{
    AssertionAudience, CacheSettings, ClientAssertion, ClientAuth, ClientAuthError, ClientCertificate,
    ClientCredentials, Clock, Contradiction, Credentials, CredentialsError, DecisionEvent, DecisionSink,
    DecryptionKeySource, FailingFile, Gate, GateBuilder, GateError, IntrospectionAuth, IntrospectionKind,
    IntrospectionSettings, Issuer, IssuerError, IssuerSettings, IssuerStatus, KeyFileError, KeySource, MetricsError,
    MetricsRegistry, PrivateKeyJwt, RefreshSettings, RouteRule, Secret, SecretJwt, SignedResponse, Source,
    TokenFormats, TrustedRoots, TrustedRootsError,
};
pub use body::ResponseBody;
#[cfg(feature = "axum")]
pub use extract::{Rejection, Token};
pub use future::ResponseFuture;
pub use identity::Identity;
pub use layer::BearwardLayer;
pub use require::{Require, Required, require};
pub use service::Bearward;
