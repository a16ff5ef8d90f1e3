//! Bearward's engine: it knows the issuers, their keys and their introspection endpoints, remembers what they said of
//! tokens, and decides each request by the route it matches.

mod builder;
mod clock;
mod decide;
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

pub use builder::{GateBuilder, Issuer, Needs, RouteRule};
pub use clock::Clock;
pub use decide::{
    Admission, Decision, Explanation, Generation, Pending, Progress, RequestFacts, RequestIds, Route, Verdict,
    X_REQUEST_ID,
};
pub use gate::{Changes, Gate};
pub use issuer::{IssuerError, IssuerStatus, ReadyWhen};
pub use metrics::{
    Counter, Counters, Gauge, Gauges, Histogram, Histograms, Memo, MetricsError, MetricsRegistry, Reading,
};
pub use net::{TrustedRoots, TrustedRootsError};
pub use secrets::{
    AssertionAudience, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, Credentials,
    CredentialsError, DecryptionKeySource, IntrospectionAuth, PrivateKeyJwt, Secret, SecretJwt,
};
pub use settings::{
    CacheSettings, Contradiction, EngineSettings, GateError, GateSettings, IntrospectionKind, IntrospectionSettings,
    IssuerSettings, KeyFileError, KeySource, RefreshSettings, RouteSettings, SignedResponse, TokenFormats, bounds,
    read_key_file,
};
pub use sink::{DecisionEvent, DecisionSink};
pub use source::Source;
