//! Bearward's engine: it knows the issuers, their keys and their introspection endpoints, remembers what they said of
//! tokens, and decides each request by the route it matches.

mod clock;
mod decide;
mod gate;
mod introspect;
mod issuer;
mod metrics;
mod net;
mod secrets;
mod settings;

pub use clock::Clock;
pub use decide::{
    Admission, Decision, Pending, Progress, RequestFacts, RequestIds, Route, Source, Verdict, X_REQUEST_ID,
};
pub use gate::Gate;
pub use introspect::{
    AssertionAudience, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, IntrospectionAuth,
    IntrospectionKind, PrivateKeyJwt, SecretJwt, SignedResponse,
};
pub use issuer::{IssuerStatus, KeyFileError, KeySource, ReadyWhen, read_key_file};
pub use net::{TrustedRoots, TrustedRootsError};
pub use secrets::{Credentials, CredentialsError, DecryptionKeySource, Secret};
pub use settings::{
    CacheSettings, GateBuilder, GateError, GateSettings, IntrospectionSettings, Issuer, IssuerSettings, Needs,
    RefreshSettings, RouteRule, RouteSettings, TokenFormats, bounds,
};
