//! An issuer of a gate that is built in code.

use std::time::Duration;

use bearward_core::{Algorithm, ClaimPointer, ClaimRule, ClaimTest, Profile};

use crate::settings::{IntrospectionSettings, IssuerSettings, KeySource, TokenFormats};

/// An authorization server whose tokens a gate accepts, with the defaults of [`IssuerSettings::new`].
///
/// ```
/// use bearward_gate::Issuer;
///
/// let issuer = Issuer::new("https://auth.example.com").audience("https://api.example.com");
/// # drop(issuer);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuer(IssuerSettings);

impl Issuer {
    /// The issuer with this identifier, exactly as it stands in `iss`. Keys and endpoints are discovered from it. An
    /// [`audience`](Issuer::audience) is required.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self(IssuerSettings::new(issuer, Vec::new()))
    }

    /// Adds an identifier of this API. A token must hold at least one of them in `aud`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.0.audiences.push(audience.into());
        self
    }

    /// Sets how access tokens are distinguished from other tokens of the issuer. Default: [`Profile::Rfc9068`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.0.profile = profile;
        self
    }

    /// Sets the formats of its tokens, and so how they are verified. Default: [`TokenFormats::Auto`], by the shape of each
    /// token.
    pub fn tokens(mut self, tokens: TokenFormats) -> Self {
        self.0.tokens = tokens;
        self
    }

    /// Sets the signature algorithms that it may use. Default: all supported ones.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.0.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets how far its clock may differ from the gateway's, at most five minutes. Default: 30 seconds.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.0.leeway = leeway;
        self
    }

    /// Adds a condition on a claim of every token, by the claim's name. All conditions must hold.
    pub fn required_claim(mut self, claim: &str, test: ClaimTest) -> Self {
        self.0.required_claims.push(ClaimRule { claim: ClaimPointer::member(claim), test });
        self
    }

    /// Sets the source of its keys. Default: the `jwks_uri` of its metadata.
    pub fn keys(mut self, keys: KeySource) -> Self {
        self.0.keys = keys;
        self
    }

    /// Introspects referential tokens. Default: they are refused.
    pub fn introspection(mut self, introspection: IntrospectionSettings) -> Self {
        self.0.introspection = Some(introspection);
        self
    }
}

impl From<Issuer> for IssuerSettings {
    fn from(issuer: Issuer) -> Self {
        issuer.0
    }
}
