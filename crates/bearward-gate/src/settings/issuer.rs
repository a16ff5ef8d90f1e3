//! What is configured of one issuer.

use std::time::Duration;

use bearward_core::{
    AbsentAudience, Algorithm, ClaimPointer, ClaimRule, IssuerName, IssuerNameError, IssuerVariable, Profile,
    TokenRules,
};

use super::introspection::{IntrospectionSettings, SignedResponse};
use super::key_source::KeySource;
use crate::net::TrustedRoots;
use crate::secrets::{Credentials, DecryptionKeySource};

/// One authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
        let discovers_keys = self.needs_keys() && self.keys == KeySource::Metadata;
        discovers_keys || self.introspection.as_ref().is_some_and(IntrospectionSettings::needs_metadata)
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
#[non_exhaustive]
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
#[non_exhaustive]
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
