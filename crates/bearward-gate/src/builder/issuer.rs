//! An issuer, stated in code.

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
    /// The issuer with this identifier, exactly as it stands in `iss`; its keys and endpoints are found from there. It needs
    /// an [`audience`](Issuer::audience).
    pub fn new(issuer: impl Into<String>) -> Self {
        Self(IssuerSettings::new(issuer, Vec::new()))
    }

    /// This API, as the issuer knows it: a token must name one of the audiences in `aud`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.0.audiences.push(audience.into());
        self
    }

    /// How its access tokens are known for such; [`Profile::Rfc9068`] where nothing is said.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.0.profile = profile;
        self
    }

    /// Which formats of tokens it hands out, and so who is believed about them; told by each token's shape where nothing is
    /// said.
    pub fn tokens(mut self, tokens: TokenFormats) -> Self {
        self.0.tokens = tokens;
        self
    }

    /// The signature algorithms that it may use; all that are known where nothing is said.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.0.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How far its clock may differ from ours, at most five minutes; 30 seconds where nothing is said.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.0.leeway = leeway;
        self
    }

    /// A condition on a claim of every token, by the claim's name; all conditions must hold.
    pub fn required_claim(mut self, claim: &str, test: ClaimTest) -> Self {
        self.0.required_claims.push(ClaimRule { claim: ClaimPointer::member(claim), test });
        self
    }

    /// Where its keys come from; its metadata says where they are where nothing is said.
    pub fn keys(mut self, keys: KeySource) -> Self {
        self.0.keys = keys;
        self
    }

    /// How to ask about referential tokens, which are refused where nothing is said.
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
