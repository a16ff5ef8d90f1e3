#![cfg_attr(all(feature = "axum", feature = "testing"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "axum", feature = "testing")),
    doc = "OAuth 2.0 access tokens, proved inside of tower applications; the crate's `README.md` says how."
)]

mod body;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod identity;
mod layer;
mod mount;
#[cfg(feature = "tonic")]
mod named;
mod outcome;
mod require;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use bearward_core::{
    Algorithm, ClaimPointer, ClaimRule, ClaimTest, IssuerVariable, KeySet, Profile, ScopeSet, UnixTime, Verified,
};
pub use bearward_gate::{
    AssertionAudience, CacheSettings, ClientAuth, ClientCertificate, ClientCredentials, Clock, Contradiction,
    Credentials, DecisionEvent, DecisionSink, DecryptionKeySource, Gate, GateBuilder, GateError, IntrospectionAuth,
    IntrospectionKind, IntrospectionSettings, Issuer, IssuerError, IssuerSettings, IssuerStatus, KeySource,
    MetricsError, MetricsRegistry, PrivateKeyJwt, RefreshSettings, RouteRule, Secret, SecretJwt, SignedResponse,
    Source, TokenFormats, TrustedRoots,
};
pub use body::ResponseBody;
#[cfg(feature = "axum")]
pub use extract::{Rejection, Token};
pub use future::ResponseFuture;
pub use identity::Identity;
pub use layer::BearwardLayer;
pub use require::{Require, Required, require};
pub use service::Bearward;
