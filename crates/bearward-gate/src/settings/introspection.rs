//! What is configured of the questions to one issuer.

use std::time::Duration;

use crate::secrets::IntrospectionAuth;

/// How to ask an issuer about tokens (RFC 7662); durations within [`bounds`](crate::bounds).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntrospectionSettings {
    /// What is asked, and how the answer is read.
    pub kind: IntrospectionKind,
    /// The introspection endpoint; `None` takes it from the issuer's metadata.
    pub url: Option<String>,
    /// The client identifier with which the gateway authenticates itself, and for which signed answers are made.
    pub client_id: String,
    /// How the gateway proves that it may ask.
    pub auth: IntrospectionAuth,
    /// Whether the issuer is to sign its answers (RFC 9701).
    pub signed_response: SignedResponse,
    /// Whether an answer with neither `token_type` nor `aud` may describe an access token, of the clients that stand for an
    /// absent audience: for issuers that answer about access tokens alone.
    pub bare_answers: bool,
    /// How long an `active` answer is used, never beyond the token's `exp`; zero asks each time.
    pub cache_ttl: Duration,
    /// How long a refusal is used; zero asks each time.
    pub negative_ttl: Duration,
    /// How many questions may be under way at once.
    pub max_concurrent: usize,
    /// The time that one question may take in all, waiting for its turn included.
    pub timeout: Duration,
    /// After how many failures in a row (no connection, no answer in time, a 5xx) the issuer is left alone for a while.
    pub breaker_failures: u32,
    /// How long it is left alone at first; each further time twice as long, up to a minute or this, whichever is longer.
    pub breaker_pause: Duration,
}

impl IntrospectionSettings {
    /// Questions of the client `client_id`, with every default: the endpoint by discovery, plain JSON answers.
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

    /// Whether an endpoint is to be taken from the issuer's metadata.
    pub(crate) fn needs_metadata(&self) -> bool {
        self.url.is_none() || self.auth.discovers_token_endpoint()
    }
}

/// What an issuer is asked about a token, and how it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionKind {
    /// RFC 7662, and signed answers by RFC 9701.
    #[default]
    Rfc7662,
    /// Google's tokeninfo endpoint. It asks nobody who they are, and tells of the tokens of every client in the world, so
    /// only `aud` says which are for us. A token that is not active is told with status 400.
    GoogleTokeninfo,
    /// A Kubernetes API server's `TokenReview`. Its answers have no expiry, so `cache_ttl` alone bounds their use.
    KubernetesTokenReview,
}

impl IntrospectionKind {
    /// All kinds.
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

/// Whether the issuer is to sign its answers (RFC 9701).
///
/// A signed answer can be proved later and by others, and holds where TLS ends before the gateway. It needs the issuer's
/// keys, and an issuer that is set up to sign for this client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedResponse {
    /// Plain JSON is asked for, and nothing else is an answer.
    #[default]
    Never,
    /// A signed answer is preferred; plain JSON is an answer too.
    Accept,
    /// Only a signed answer is one.
    Require,
}

impl SignedResponse {
    /// All of them.
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
