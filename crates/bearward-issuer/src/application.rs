//! Applications: who asks for tokens, how, and what they get.

use crate::{ClientKeys, ClientType, GrantType, Pkce, Protocol, Secret, TokenFormat, tokens::Audience};

/// A client of this issuer, and what it gets. Contradictions between its properties are found by
/// [`IssuerBuilder::build`](crate::IssuerBuilder::build).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Application {
    /// The client identifier (RFC 6749 2.2), and the application's name in its issuer URL, `/apps/{client_id}`.
    pub client_id: String,
    /// OAuth 2.0 or OpenID Connect.
    pub protocol: Protocol,
    /// Whether it can keep a secret.
    pub client_type: ClientType,
    /// What it proves itself with at the token, introspection and revocation endpoints.
    pub authentication: ClientAuthentication,
    /// Whether the authorization code flow needs PKCE.
    pub pkce: Pkce,
    /// What it may present at the token endpoint. Without any it may only introspect and revoke.
    pub grant_types: Vec<GrantType>,
    /// Where the sign-in page may send its answer, compared character by character, but for the port of a public
    /// application's `http://127.0.0.1` or `http://[::1]` (RFC 9700 2.1).
    pub redirect_uris: Vec<String>,
    /// Whether its tokens are self-contained or referential.
    pub token_format: TokenFormat,
    /// The identifiers of the resource servers that its tokens are for. A request chooses among them with `resource`
    /// (RFC 8707). Without one the tokens hold no scope of an API, and their audience is the application itself.
    pub resource_servers: Vec<String>,
    /// What a request may ask for, and what it gets when it asks for nothing: some or all of the resource servers'.
    pub allowed_scopes: Vec<String>,
    /// How long its access tokens live, in seconds. A request may ask for less, never for more.
    pub lifetime: u64,
    /// Whether a request may put claims of its own into the token, with the parameter `custom_claims`.
    pub custom_claims: bool,
}

/// How an application proves who it is, by the names of OpenID Connect Core 9.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `client_secret_basic`: the secret in the `Authorization` header.
    SecretBasic(Secret),
    /// `client_secret_post`: the secret in the form.
    SecretPost(Secret),
    /// `private_key_jwt`: an assertion signed by one of these keys (RFC 7523).
    PrivateKeyJwt(ClientKeys),
    /// `none`: it only says its name, as a public client does.
    None,
}

impl ClientAuthentication {
    /// The `token_endpoint_auth_method` value.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SecretBasic(_) => "client_secret_basic",
            Self::SecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
            Self::None => "none",
        }
    }
}

impl Application {
    /// The lifetime of tokens where an application says nothing, in seconds.
    pub const DEFAULT_LIFETIME: u64 = 3600;
    /// The longest lifetime an application may have: a year, in seconds. It bounds how long a revocation is kept.
    pub const MAX_LIFETIME: u64 = 365 * 24 * 3600;

    /// A confidential application with client secret basic, client credentials and self-contained tokens, and no
    /// resource server.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self {
            client_id: client_id.into(),
            protocol: Protocol::OAuth2,
            client_type: ClientType::Confidential,
            authentication: ClientAuthentication::SecretBasic(client_secret.into()),
            pkce: Pkce::S256,
            grant_types: vec![GrantType::ClientCredentials],
            redirect_uris: Vec::new(),
            token_format: TokenFormat::SelfContained,
            resource_servers: Vec::new(),
            allowed_scopes: Vec::new(),
            lifetime: Self::DEFAULT_LIFETIME,
            custom_claims: false,
        }
    }

    /// A public application with the authorization code flow, which ends at `redirect_uri`.
    pub fn public(client_id: impl Into<String>, redirect_uri: impl Into<String>) -> Self {
        Self { client_type: ClientType::Public, authentication: ClientAuthentication::None, ..Self::new(client_id, "") }
            .authorization_code([redirect_uri])
    }

    /// Has it speak OpenID Connect: requests hold the scope `openid`, and answers an ID token.
    #[must_use]
    pub fn oidc(mut self) -> Self {
        self.protocol = Protocol::Oidc;
        self
    }

    /// Sets how it proves who it is.
    #[must_use]
    pub fn authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Lets it do without PKCE.
    #[must_use]
    pub fn without_pkce(mut self) -> Self {
        self.pkce = Pkce::Disabled;
        self
    }

    /// Gives it the authorization code flow in the place of its grant types, ending at one of these.
    #[must_use]
    pub fn authorization_code<S: Into<String>>(mut self, redirect_uris: impl IntoIterator<Item = S>) -> Self {
        self.grant_types = vec![GrantType::AuthorizationCode];
        self.redirect_uris = redirect_uris.into_iter().map(Into::into).collect();
        self
    }

    /// Gives it refresh tokens as well.
    #[must_use]
    pub fn refresh_tokens(mut self) -> Self {
        self.grant_types.push(GrantType::RefreshToken);
        self
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

    /// Links it to a resource server, and says which of its scopes the application may have. Called again, it links it to
    /// another one as well.
    #[must_use]
    pub fn resource_server<S: Into<String>>(
        mut self,
        identifier: impl Into<String>,
        allowed_scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.resource_servers.push(identifier.into());
        for scope in allowed_scopes.into_iter().map(Into::into) {
            // Two resource servers may have a scope of the same name.
            if self.resource_servers.len() == 1 || !self.allowed_scopes.contains(&scope) {
                self.allowed_scopes.push(scope);
            }
        }
        self
    }

    /// Sets the lifetime of its access tokens, in seconds.
    #[must_use]
    pub fn lifetime(mut self, seconds: u64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Lets its requests put claims of their own into tokens.
    #[must_use]
    pub fn custom_claims(mut self) -> Self {
        self.custom_claims = true;
        self
    }

    /// Whether it may present this at the token endpoint.
    pub fn has_grant(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// The audience of tokens for these of its resource servers; the application itself where it has none.
    pub(crate) fn audience(&self, resources: &[String]) -> Audience {
        match resources {
            [] => Audience::One(self.client_id.clone()),
            [one] => Audience::One(one.clone()),
            several => Audience::Several(several.to_vec()),
        }
    }

    /// Scopes of OpenID Connect Core 5.4 and 11, which belong to no resource server.
    pub(crate) fn identity_scopes(&self) -> &'static [&'static str] {
        match (self.protocol, self.has_grant(GrantType::RefreshToken)) {
            (Protocol::OAuth2, _) => &[],
            (Protocol::Oidc, false) => &["openid", "profile", "email"],
            (Protocol::Oidc, true) => &["openid", "profile", "email", "offline_access"],
        }
    }

    /// Whether a request may ask for this scope.
    pub(crate) fn may_ask_for(&self, scope: &str) -> bool {
        self.identity_scopes().contains(&scope) || self.allowed_scopes.iter().any(|allowed| allowed == scope)
    }
}
