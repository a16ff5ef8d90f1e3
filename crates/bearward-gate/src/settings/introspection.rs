//! The settings of introspection at one issuer.

use std::time::Duration;

use crate::secrets::IntrospectionAuth;

/// How to introspect tokens at an issuer (RFC 7662); durations within [`bounds`](crate::bounds).
///
/// [`IntrospectionSettings::new`] sets every default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntrospectionSettings {
    /// The protocol of request and answer.
    pub kind: IntrospectionKind,
    /// The introspection endpoint; `None` means the one in the issuer's metadata.
    pub url: Option<String>,
    /// The client identifier of the gateway, which is also the audience of signed answers.
    pub client_id: String,
    /// How the gateway authenticates to the endpoint.
    pub auth: IntrospectionAuth,
    /// Whether answers must be signed (RFC 9701).
    pub signed_response: SignedResponse,
    /// Whether an answer with neither `token_type` nor `aud` may describe an access token, where its client is listed in
    /// [`IssuerSettings::absent_audience`](crate::IssuerSettings::absent_audience). Only for issuers that introspect nothing
    /// but access tokens.
    pub bare_answers: bool,
    /// How long an `active` answer is cached, never beyond the token's `exp`. Zero disables the cache.
    pub cache_ttl: Duration,
    /// How long a refusal is cached. Zero disables the cache.
    pub negative_ttl: Duration,
    /// How many introspection requests may be in flight at once.
    pub max_concurrent: usize,
    /// The time limit for one introspection, which includes the wait for a free slot.
    pub timeout: Duration,
    /// After how many consecutive failures (no connection, no answer in time, a 5xx) the circuit opens and the issuer gets no
    /// requests for a while.
    pub breaker_failures: u32,
    /// The first pause of an open circuit. Each further pause is twice as long, up to a minute or this value, whichever is
    /// longer.
    pub breaker_pause: Duration,
}

impl IntrospectionSettings {
    /// Introspection by the client `client_id`, with every default: the endpoint by discovery, and plain JSON answers.
    pub fn new(client_id: impl Into<String>, auth: impl Into<IntrospectionAuth>) -> Self {
        Self {
            kind: IntrospectionKind::default(),
            url: None,
            client_id: client_id.into(),
            auth: auth.into(),
            signed_response: SignedResponse::default(),
            bare_answers: false,
            cache_ttl: Duration::from_secs(60),
            negative_ttl: Duration::from_secs(10),
            max_concurrent: 64,
            timeout: Duration::from_secs(5),
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(5),
        }
    }

    /// Whether the issuer's metadata has to name an endpoint.
    pub(crate) fn needs_metadata(&self) -> bool {
        self.url.is_none() || self.auth.discovers_token_endpoint()
    }
}

/// The protocol by which an issuer is asked about a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionKind {
    /// RFC 7662, and signed answers by RFC 9701.
    #[default]
    Rfc7662,
    /// Google's tokeninfo endpoint. It authenticates no client and answers for the tokens of every Google client, so only
    /// `aud` says which tokens are for this API. For an inactive token it answers with status 400.
    GoogleTokeninfo,
    /// A Kubernetes API server's `TokenReview`. Its answers have no expiry, so `cache_ttl` alone bounds their use.
    KubernetesTokenReview,
}

impl IntrospectionKind {
    /// All kinds, in the order of declaration.
    pub const ALL: [Self; 3] = [Self::Rfc7662, Self::GoogleTokeninfo, Self::KubernetesTokenReview];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc7662 => "rfc7662",
            Self::GoogleTokeninfo => "google-tokeninfo",
            Self::KubernetesTokenReview => "kubernetes-tokenreview",
        }
    }
}

/// Whether introspection answers must be signed (RFC 9701).
///
/// A signed answer can be verified later and by third parties, and protects the answer where TLS ends before the gateway. It
/// needs the issuer's keys, and an issuer that is registered to sign for this client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedResponse {
    /// Only plain JSON is requested and accepted.
    #[default]
    Never,
    /// A signed answer is preferred, and plain JSON is accepted.
    Accept,
    /// Only a signed answer is accepted.
    Require,
}

impl SignedResponse {
    /// All values, in the order of declaration.
    pub const ALL: [Self; 3] = [Self::Never, Self::Accept, Self::Require];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Accept => "accept",
            Self::Require => "require",
        }
    }
}
