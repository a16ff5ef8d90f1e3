//! The settings of one issuer.

use std::time::Duration;

use bearward_core::{
    AbsentAudience, Algorithm, ClaimPointer, ClaimRule, IssuerName, IssuerNameError, IssuerVariable, Profile,
    TokenRules,
};

use super::introspection::{IntrospectionSettings, SignedResponse};
use super::key_source::KeySource;
use crate::net::TrustedRoots;
use crate::secrets::{Credentials, DecryptionKeySource};

/// The settings of one authorization server. [`IssuerSettings::new`] sets every default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerSettings {
    /// The exact issuer identifier, as it stands in `iss` and in the server's metadata (RFC 8414, 2); with `variable`, the
    /// template of such identifiers.
    pub issuer: String,
    /// The rule for the one `{name}` of a template; `None` where `issuer` is an identifier.
    pub variable: Option<IssuerVariable>,
    /// The identifiers of the resource server. A token must hold at least one of them in `aud`. Never empty.
    pub audiences: Vec<String>,
    /// Which formats its tokens have, and so how they are verified.
    pub tokens: TokenFormats,
    /// The signature algorithms that this issuer may use.
    pub algorithms: Vec<Algorithm>,
    /// How a self-contained access token of this issuer is distinguished from its other tokens.
    pub profile: Profile,
    /// Whether a token without `aud` is accepted.
    pub absent_audience: AbsentAudience,
    /// How far the issuer's clock may differ from the gateway's. At most five minutes (RFC 9068, 4).
    pub leeway: Duration,
    /// The longest lifetime of a token, from `iat` to `exp`; `None` sets no limit.
    pub max_lifetime: Option<Duration>,
    /// Conditions on claims that every token of this issuer must meet, for example on its tenant.
    pub required_claims: Vec<ClaimRule>,
    /// The claims that hold scopes. Empty means `scope` and `scp`.
    pub scope_claims: Vec<ClaimPointer>,
    /// The claims that may hold the client identifier; the first one present counts. Empty means `client_id`, and for
    /// [`Profile::Jwt`] also `azp`, `cid` and `appid`.
    pub client_id_claims: Vec<ClaimPointer>,
    /// The address of the issuer's metadata; `None` means the addresses that OpenID Connect Discovery and RFC 8414 derive
    /// from `issuer`.
    pub discovery_url: Option<String>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// The certificate authorities to trust when connecting to the issuer; `None` means the machine's root certificates.
    pub roots: Option<TrustedRoots>,
    /// An access token to send with requests for metadata and keys. It is sent to the configured addresses only.
    pub bearer_token: Option<Credentials>,
    /// The keys to which this issuer encrypts self-contained tokens; `None` makes every encrypted token referential.
    pub decryption_keys: Option<DecryptionKeySource>,
    /// How to introspect referential tokens; `None` refuses them.
    pub introspection: Option<IntrospectionSettings>,
    /// The time limit for one fetch of metadata and keys.
    pub timeout: Duration,
    /// When the key set is fetched again.
    pub refresh: RefreshSettings,
}

impl IssuerSettings {
    /// An issuer with every default: strict RFC 9068 tokens, endpoints and keys by discovery, and no introspection.
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

    /// Whether the issuer's keys are needed, to verify its tokens or its signed introspection answers.
    pub fn needs_keys(&self) -> bool {
        let signs = |asked: &IntrospectionSettings| asked.signed_response != SignedResponse::Never;
        self.tokens != TokenFormats::Referential || self.introspection.as_ref().is_some_and(signs)
    }

    /// Whether referential tokens are introspected at this issuer.
    pub fn answers_for_referential_tokens(&self) -> bool {
        self.introspection.is_some() && self.tokens != TokenFormats::SelfContained
    }

    /// Whether the issuer's metadata is needed, because the settings leave out an endpoint or the keys.
    pub fn needs_metadata(&self) -> bool {
        let discovers_keys = self.needs_keys() && self.keys == KeySource::Metadata;
        discovers_keys || self.introspection.as_ref().is_some_and(IntrospectionSettings::needs_metadata)
    }

    /// The rules that tokens of this issuer must meet.
    ///
    /// # Errors
    ///
    /// An [`IssuerNameError`] where `issuer` is an unusable template.
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

/// Which formats an issuer's tokens have, and so how they are verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFormats {
    /// Self-contained tokens are verified with the issuer's keys, referential ones are introspected.
    #[default]
    Auto,
    /// Only self-contained tokens are accepted, including those that are encrypted to the gateway.
    SelfContained,
    /// Every token is introspected, even one with the shape of a self-contained token. The claims of such a token only select
    /// the issuer among those of the route. No keys are needed.
    Referential,
    /// A self-contained token is verified with the issuer's keys and introspected as well, once in each `cache_ttl`, so that
    /// a revoked token is refused. A referential token is introspected, as with [`TokenFormats::Auto`].
    Both,
}

impl TokenFormats {
    /// All formats, in the order of declaration.
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
#[non_exhaustive]
pub struct RefreshSettings {
    /// The shortest time between two regular fetches, whatever `Cache-Control` says.
    pub min: Duration,
    /// The longest time between two regular fetches, whatever `Cache-Control` says.
    pub max: Duration,
    /// How long a key set stays in use when it cannot be fetched again.
    pub stale: Duration,
    /// The shortest time between two fetches that tokens with an unknown key identifier cause.
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
