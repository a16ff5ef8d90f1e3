//! What a [`Gate`](crate::Gate) is built from: resolved settings, already parsed and checked by whoever read them.

pub mod bounds;
mod builder;
pub(crate) mod error;

pub use builder::{GateBuilder, Issuer, Needs, RouteRule};
pub use error::GateError;

use std::time::Duration;

use bearward_core::{
    AbsentAudience, Access, Algorithm, ClaimPointer, ClaimRule, DEFAULT_REALM, IdentityHeaders, IssuerName,
    IssuerNameError, IssuerVariable, PathPattern, Profile, TokenRules,
};
use http::Method;

use crate::introspect::auth::{IntrospectionAuth, SignedResponse};
use crate::introspect::kind::IntrospectionKind;
use crate::issuer::key_source::KeySource;
use crate::net::TrustedRoots;
use crate::secrets::Credentials;
use crate::secrets::DecryptionKeySource;

/// Everything a gate needs to know.
#[derive(Debug)]
pub struct GateSettings {
    /// The `realm` of every challenge (RFC 9110, 11.5).
    pub realm: String,
    /// The longest access token that is looked at, in bytes; a longer one is a malformed request.
    pub max_token_bytes: usize,
    /// The authorization servers whose tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
    /// The routes, in any order: the most specific match wins.
    pub routes: Vec<RouteSettings>,
    /// Bounds of the caches of verified and refused tokens.
    pub cache: CacheSettings,
    /// The headers in which the upstream learns who calls.
    pub identity: IdentityHeaders,
}

impl GateSettings {
    /// Settings with every default: the realm `bearward`, tokens of at most 16 KiB, the native identity headers alone.
    pub fn new(issuers: Vec<IssuerSettings>, routes: Vec<RouteSettings>) -> Self {
        Self {
            realm: DEFAULT_REALM.to_owned(),
            max_token_bytes: 16 * 1024,
            issuers,
            routes,
            cache: CacheSettings::default(),
            identity: IdentityHeaders::default(),
        }
    }
}

/// One authorization server.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The exact issuer identifier, as it stands in `iss` and in the server's metadata (RFC 8414, 2); with `variable`, the
    /// template of such identifiers.
    pub issuer: String,
    /// What the one `{name}` of a template stands for; `None`: `issuer` is an identifier.
    pub variable: Option<IssuerVariable>,
    /// The identifiers of the resource server; a token must hold at least one of them in `aud`. Never empty.
    pub audiences: Vec<String>,
    /// Who can say what its tokens mean.
    pub tokens: TokenFormats,
    /// The signature algorithms that this issuer may use.
    pub algorithms: Vec<Algorithm>,
    /// How a self-contained access token of this issuer is known for one.
    pub profile: Profile,
    /// What a token without `aud` is taken for.
    pub absent_audience: AbsentAudience,
    /// How far the issuer's clock may differ from ours. At most five minutes (RFC 9068, 4).
    pub leeway: Duration,
    /// The most time that may lie between a token's issue and its expiry; `None`: any.
    pub max_lifetime: Option<Duration>,
    /// Claims that every token of this issuer must have, as the tenant that it is for.
    pub required_claims: Vec<ClaimRule>,
    /// The claims that hold scopes; empty: `scope` and `scp`.
    pub scope_claims: Vec<ClaimPointer>,
    /// The claims that may hold the client identifier, the first that is there counts; empty: `client_id`, and for
    /// [`Profile::Jwt`] also `azp`, `cid` and `appid`.
    pub client_id_claims: Vec<ClaimPointer>,
    /// Where the issuer's metadata is; `None`: where OpenID Connect Discovery and RFC 8414 put it for `issuer`.
    pub discovery_url: Option<String>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// Whom to trust when connecting to the issuer; `None`: the machine's root certificates.
    pub roots: Option<TrustedRoots>,
    /// An access token to show where metadata and keys are fetched. It is shown to the configured addresses alone.
    pub bearer_token: Option<Credentials>,
    /// The keys to which this issuer encrypts self-contained tokens; `None`: every encrypted token is referential.
    pub decryption_keys: Option<DecryptionKeySource>,
    /// How to ask about referential tokens; `None` refuses them.
    pub introspection: Option<IntrospectionSettings>,
    /// The time that one fetch of metadata or keys may take in all.
    pub timeout: Duration,
    /// When the key set is fetched again.
    pub refresh: RefreshSettings,
}

impl IssuerSettings {
    /// An issuer with every default: strict RFC 9068 tokens, endpoints and keys by discovery, no introspection.
    pub fn new(issuer: impl Into<String>, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.into(),
            variable: None,
            audiences,
            tokens: TokenFormats::default(),
            algorithms: Algorithm::ALL.to_vec(),
            profile: Profile::default(),
            absent_audience: AbsentAudience::default(),
            leeway: Duration::from_secs(30),
            max_lifetime: None,
            required_claims: Vec::new(),
            scope_claims: Vec::new(),
            client_id_claims: Vec::new(),
            discovery_url: None,
            keys: KeySource::default(),
            roots: None,
            bearer_token: None,
            decryption_keys: None,
            introspection: None,
            timeout: Duration::from_secs(5),
            refresh: RefreshSettings::default(),
        }
    }

    /// Where the search for metadata begins.
    pub(crate) fn metadata_at(&self) -> &str {
        self.discovery_url.as_deref().unwrap_or(&self.issuer)
    }

    /// Where the key set is, where the configuration says so.
    pub(crate) fn jwks_url(&self) -> Option<&str> {
        match &self.keys {
            KeySource::Url(url) => Some(url),
            KeySource::Metadata | KeySource::File(_) | KeySource::Fixed(_) => None,
        }
    }

    /// Whether the keys are where the issuer's metadata says.
    pub(crate) fn discovers_keys(&self) -> bool {
        self.needs_keys() && matches!(self.keys, KeySource::Metadata)
    }

    /// Whether anything is verified with the issuer's keys: its tokens, or its signed answers.
    pub fn needs_keys(&self) -> bool {
        let signs = |asked: &IntrospectionSettings| asked.signed_response != SignedResponse::Never;
        self.tokens != TokenFormats::Referential || self.introspection.as_ref().is_some_and(signs)
    }

    /// Whether it can be asked about referential tokens.
    pub fn answers_for_referential_tokens(&self) -> bool {
        self.introspection.is_some() && self.tokens != TokenFormats::SelfContained
    }

    /// Whether anything is left to the issuer's metadata.
    pub fn needs_metadata(&self) -> bool {
        self.discovers_keys() || self.introspection.as_ref().is_some_and(IntrospectionSettings::needs_metadata)
    }

    /// What tokens of this issuer are held against.
    ///
    /// # Errors
    ///
    /// What is wrong with the template.
    pub fn rules(&self) -> Result<TokenRules, IssuerNameError> {
        let issuer = match &self.variable {
            None => IssuerName::from(self.issuer.as_str()),
            Some(variable) => IssuerName::template(&self.issuer, variable.clone())?,
        };
        let mut rules = TokenRules::new(issuer, self.audiences.clone());
        rules.algorithms.clone_from(&self.algorithms);
        rules.profile = self.profile;
        rules.absent_audience.clone_from(&self.absent_audience);
        rules.bare_answers = self.introspection.as_ref().is_some_and(|asked| asked.bare_answers);
        rules.leeway = self.leeway.as_secs();
        rules.max_lifetime = self.max_lifetime.map(|most| most.as_secs());
        rules.required_claims.clone_from(&self.required_claims);
        if !self.scope_claims.is_empty() {
            rules.scope_claims.clone_from(&self.scope_claims);
        }
        match (self.client_id_claims.as_slice(), self.profile) {
            ([], Profile::Rfc9068) => {}
            ([], Profile::Jwt) => {
                rules.client_id_claims = ["client_id", "azp", "cid", "appid"].map(ClaimPointer::member).to_vec();
            }
            (claims, _) => rules.client_id_claims = claims.to_vec(),
        }
        Ok(rules)
    }
}

/// Who can say what an issuer's tokens mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormats {
    /// A self-contained token is verified with the issuer's keys, a referential one is asked about.
    #[default]
    Auto,
    /// Only self-contained tokens, among them those that are encrypted to the gateway; no referential one is accepted.
    SelfContained,
    /// The issuer is asked about every token, also about one that looks self-contained. What such a token says selects the
    /// issuer among those of the route, and nothing else; no keys are needed.
    Referential,
    /// A self-contained token is verified with the issuer's keys, and then the issuer is asked whether it still stands by
    /// it, once in each `cache_ttl`. A referential token is asked about, as with [`TokenFormats::Auto`].
    Both,
}

impl TokenFormats {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::SelfContained, Self::Referential, Self::Both];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::SelfContained => "self-contained",
            Self::Referential => "referential",
            Self::Both => "both",
        }
    }
}

/// When a key set is fetched again, within [`bounds`](crate::bounds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshSettings {
    /// The shortest time between two regular fetches, whatever `Cache-Control` says.
    pub min: Duration,
    /// The longest time between two regular fetches, whatever `Cache-Control` says.
    pub max: Duration,
    /// How long a key set that cannot be renewed is still used.
    pub stale: Duration,
    /// The shortest time between two fetches caused by tokens that name an unknown key.
    pub cooldown: Duration,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        Self {
            min: Duration::from_secs(60),
            max: Duration::from_secs(3_600),
            stale: Duration::from_secs(24 * 3_600),
            cooldown: Duration::from_secs(10),
        }
    }
}

/// How to ask an issuer about tokens (RFC 7662); durations within [`bounds`](crate::bounds).
#[derive(Clone, Debug)]
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

    /// Why these settings cannot work together, where they cannot.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        let is_anonymous = matches!(self.auth, IntrospectionAuth::Anonymous);
        if self.kind == IntrospectionKind::Rfc7662 {
            return is_anonymous.then_some("an issuer that answers anybody lets anybody try tokens (RFC 7662, 4)");
        }
        let fits = match self.kind {
            IntrospectionKind::KubernetesTokenReview => matches!(self.auth, IntrospectionAuth::Bearer(_)),
            IntrospectionKind::Rfc7662 | IntrospectionKind::GoogleTokeninfo => is_anonymous,
        };
        match (fits, self.url.is_some(), self.signed_response) {
            (false, ..) => Some("its endpoint knows another way for the gateway to show itself"),
            (_, false, _) => Some("its endpoint is in no metadata and has to be configured"),
            (_, _, SignedResponse::Accept | SignedResponse::Require) => Some("its answers are never signed"),
            (true, true, SignedResponse::Never) => None,
        }
    }

    /// Whether an endpoint is to be taken from the issuer's metadata.
    pub(crate) fn needs_metadata(&self) -> bool {
        self.url.is_none() || self.auth.discovers_token_endpoint()
    }
}

/// Bounds of the token caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// How many verified tokens are remembered; one that takes more than 4 KiB counts for several.
    pub max_entries: u64,
    /// How long a self-contained token is not verified again, never beyond its `exp`.
    pub max_age: Duration,
    /// How many refused referential tokens are remembered, in a space of their own.
    pub negative_entries: u64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { max_entries: 100_000, max_age: Duration::from_secs(300), negative_entries: 10_000 }
    }
}

/// One route: what it matches, where it leads, and the access it needs.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// The name in logs and metrics; unique.
    pub name: String,
    /// The hosts it answers for, in lower case, without a port and without a final dot; empty: any.
    pub hosts: Vec<String>,
    /// The methods it answers for; empty: any.
    pub methods: Vec<Method>,
    /// The paths it answers for.
    pub path: PathPattern,
    /// Whether the path is matched without regard to case (ASCII letters), for upstreams that do the same.
    pub ignore_case: bool,
    /// The name of the upstream it leads to.
    pub upstream: String,
    /// What a caller must show.
    pub access: Access,
    /// The issuers whose tokens it takes, by issuer identifier; empty: all.
    pub issuers: Vec<String>,
    /// The one issuer that answers for referential tokens; needed where several candidates can.
    pub referential_issuer: Option<String>,
}

impl RouteSettings {
    /// What `other` matches with the same precedence as this route, if anything: only one of the two could ever be reached
    /// there, and its author may have meant the other, which may ask for more.
    ///
    /// A route that names its hosts goes before one that does not, and likewise with methods. So only routes that both name
    /// them, or both do not, can collide there.
    pub fn collision(&self, other: &Self) -> Option<String> {
        let ignore_case = self.ignore_case && other.ignore_case;
        if self.path != other.path && !(ignore_case && self.path.eq_ignore_ascii_case(&other.path)) {
            return None;
        }
        let host = common(&self.hosts, &other.hosts, |a, b| a.eq_ignore_ascii_case(b))?;
        let method = common(&self.methods, &other.methods, Method::eq)?;
        let method = method.map_or_else(String::new, |method| format!("{method} "));
        Some(format!("{method}{}{}", host.map_or("", String::as_str), other.path))
    }

    /// Whether the two stand for the same place, and only one of them whatever the case of its letters: then another
    /// spelling of the place would lead past the other one.
    pub fn differs_in_case(&self, other: &Self) -> bool {
        self.ignore_case != other.ignore_case
            && self.path.eq_ignore_ascii_case(&other.path)
            && common(&self.hosts, &other.hosts, |a, b| a.eq_ignore_ascii_case(b)).is_some()
    }
}

/// `None` where nothing is in both; `Some(None)` where both are empty and stand for everything.
fn common<'a, T>(a: &'a [T], b: &[T], same: impl Fn(&T, &T) -> bool) -> Option<Option<&'a T>> {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Some(None),
        _ => a.iter().find(|element| b.iter().any(|other| same(element, other))).map(Some),
    }
}
