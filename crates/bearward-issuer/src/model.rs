//! Applications and resource servers: who asks for tokens, and for which API.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// An API that accepts tokens: a namespace of scopes with an identifier.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResourceServer {
    /// Becomes the `aud` of the tokens of linked applications, usually a URL.
    pub identifier: String,
    /// The scopes that exist here, by habit `<resource>:<action>`.
    pub scopes: Vec<String>,
}

impl ResourceServer {
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

/// A confidential client: who asks this issuer for tokens, and what it gets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Application {
    /// The client identifier (RFC 6749 2.2).
    pub client_id: String,
    /// What the client proves itself with, by client secret basic or client secret post.
    pub client_secret: Secret,
    /// What it may present at the token endpoint. Without any it may only introspect and revoke.
    pub grant_types: Vec<GrantType>,
    /// Whether its tokens are self-contained or referential.
    pub token_format: TokenFormat,
    /// The identifier of the one resource server its tokens are for. Without one the tokens hold no scope, and their
    /// audience is the application itself.
    pub resource_server: Option<String>,
    /// What a request may ask for, and what it gets when it asks for nothing: some or all of the resource server's.
    pub allowed_scopes: Vec<String>,
    /// How long its tokens live, in seconds. A request may ask for less, never for more.
    pub lifetime: u64,
}

impl Application {
    /// The lifetime of tokens where an application says nothing, in seconds.
    pub const DEFAULT_LIFETIME: u64 = 3600;
    /// The longest lifetime an application may have: a year, in seconds. It bounds how long a revocation is kept.
    pub const MAX_LIFETIME: u64 = 365 * 24 * 3600;

    /// An application with client credentials and self-contained tokens, and no resource server.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            grant_types: vec![GrantType::ClientCredentials],
            token_format: TokenFormat::SelfContained,
            resource_server: None,
            allowed_scopes: Vec::new(),
            lifetime: Self::DEFAULT_LIFETIME,
        }
    }

    /// Takes all grant types away: what remains is introspection and revocation, as a gateway needs.
    #[must_use]
    pub fn without_grants(mut self) -> Self {
        self.grant_types.clear();
        self
    }

    /// Sets the format of its tokens.
    #[must_use]
    pub fn token_format(mut self, format: TokenFormat) -> Self {
        self.token_format = format;
        self
    }

    /// Links it to a resource server, and says which of its scopes it may have.
    #[must_use]
    pub fn resource_server<S: Into<String>>(
        mut self,
        identifier: impl Into<String>,
        allowed_scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.resource_server = Some(identifier.into());
        self.allowed_scopes = allowed_scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the lifetime of its tokens, in seconds.
    #[must_use]
    pub fn lifetime(mut self, seconds: u64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// The audience of its tokens: the resource server, or itself where it has none.
    pub(crate) fn audience(&self) -> &str {
        self.resource_server.as_deref().unwrap_or(&self.client_id)
    }
}

/// What a client presents at the token endpoint (RFC 6749 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantType {
    /// The client's own credentials; there is no person.
    ClientCredentials,
}

/// What a token is made of. In JSON: `"self-contained"` and `"referential"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFormat {
    /// A JWS: it carries its claims, and anybody verifies it with the issuer's public keys.
    SelfContained,
    /// A JWE: only the issuer can say what it means, by introspection.
    Referential,
}
