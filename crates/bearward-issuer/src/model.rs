//! The parts of the model that are not an application: APIs, people, and the properties an application has.

use serde::{Deserialize, Serialize};

/// An API that accepts tokens: a namespace of scopes with an identifier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResourceServer {
    /// Becomes the `aud` of the tokens of linked applications, usually a URL.
    pub identifier: String,
    /// The scopes that exist here, by habit `<resource>:<action>`.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl ResourceServer {
    /// The issuer's own API: introspection, revocation and the listing of tokens, for holders of an access token. It
    /// is always there, with the scopes of [`Self::ISSUER_SCOPES`].
    pub const ISSUER: &'static str = "urn:bearward:issuer";
    /// What an application that is linked to [`Self::ISSUER`] may be allowed.
    pub const ISSUER_SCOPES: [&'static str; 3] = ["tokens:introspect", "tokens:read", "tokens:delete"];

    /// A resource server without scopes.
    pub fn new(identifier: impl Into<String>) -> Self {
        Self { identifier: identifier.into(), scopes: Vec::new() }
    }

    /// The scopes that exist here.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// A person who can be chosen on the sign-in page. There is no password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Person {
    /// The `sub` of the tokens that speak for this person.
    pub subject: String,
    /// Shown on the sign-in page, and told to who may have the scope `profile`.
    pub name: Option<String>,
    /// Told to who may have the scope `email`.
    pub email: Option<String>,
    /// The scopes of resource servers that this person's role holds; all of them where it is not said.
    pub scopes: Option<Vec<String>>,
}

impl Person {
    /// A person of whom only the subject is known, and who may do everything.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), name: None, email: None, scopes: None }
    }

    /// Sets the name that is shown.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the scopes of resource servers that the person's role holds: tokens for the person have no other.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }
}

/// What an application speaks with the issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OAuth 2.0: an access token is all that is wanted.
    #[default]
    OAuth2,
    /// OpenID Connect: a person signs in, and an ID token says who. Such an application always asks for `openid`.
    Oidc,
}

/// Whether an application can keep a secret (RFC 6749 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientType {
    /// It can, and proves who it is at the token endpoint.
    #[default]
    Confidential,
    /// It cannot: a program on a person's device, or in a web page.
    Public,
}

/// Whether the authorization code flow needs a proof of possession of the request (RFC 7636).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pkce {
    /// It does, by `S256`. `plain` is always refused.
    #[default]
    S256,
    /// It does not; a challenge that is there nevertheless is held to. Only for confidential clients.
    Disabled,
}

/// What a client presents at the token endpoint (RFC 6749 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GrantType {
    /// The client's own credentials; there is no person.
    ClientCredentials,
    /// The code that the sign-in page gave.
    AuthorizationCode,
    /// A refresh token. An application that has this grant type is given refresh tokens.
    RefreshToken,
}

impl GrantType {
    /// The `grant_type` value.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// What a token is made of. In JSON and TOML: `"self-contained"` and `"referential"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFormat {
    /// A JWS: it carries its claims, and every verifier can check it with the issuer's public keys.
    #[default]
    SelfContained,
    /// A JWE: only the issuer can say what it means, by introspection.
    Referential,
}
