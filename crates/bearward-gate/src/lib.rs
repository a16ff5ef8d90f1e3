//! Bearward's engine: it knows the issuers, their keys and their introspection endpoints, remembers what they said of
//! tokens, and decides each request by the route it matches.

pub mod bounds;
mod builder;
mod cache;
mod clock;
mod credentials;
mod decision;
mod decryption;
mod discovery;
mod endpoints;
mod error;
mod gate;
mod get;
mod http_client;
mod introspect;
mod issuer;
mod key_source;
mod keystore;
mod metrics;
mod narrow;
mod progress;
mod request_id;
mod rotating;
mod routes;
mod secret;
mod settings;
mod single_flight;
mod status;
mod trusted_roots;
mod url;

pub use builder::{GateBuilder, Issuer, Needs, RouteRule};
pub use clock::Clock;
pub use credentials::{Credentials, CredentialsError};
pub use decision::{Admission, Decision, RequestFacts, Source, Verdict};
pub use decryption::DecryptionKeySource;
pub use error::GateError;
pub use gate::Gate;
pub use introspect::{
    AssertionAudience, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, IntrospectionAuth,
    IntrospectionKind, PrivateKeyJwt, SecretJwt, SignedResponse,
};
pub use key_source::{KeyFileError, KeySource, read_key_file};
pub use progress::{Pending, Progress};
pub use request_id::{RequestIds, X_REQUEST_ID};
pub use routes::Route;
pub use secret::Secret;
pub use settings::{
    CacheSettings, GateSettings, IntrospectionSettings, IssuerSettings, RefreshSettings, RouteSettings, TokenFormats,
};
pub use status::IssuerStatus;
pub use trusted_roots::{TrustedRoots, TrustedRootsError};
pub use url::{UrlError, check_url};
