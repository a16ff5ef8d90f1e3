//! Presets for well-known issuers. A preset is a set of settings below those of the file: the file can override each.

/// A product or service that has a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Auth0,
    Authentik,
    BeyondIdentity,
    Cognito,
    EntraId,
    FusionAuth,
    GitHubActions,
    GitLab,
    Google,
    Keycloak,
    Kubernetes,
    Okta,
    OryHydra,
    Ping,
    Spiffe,
    Zitadel,
}

impl Provider {
    /// Every provider, by name.
    pub(super) const ALL: [Self; 16] = [
        Self::Auth0,
        Self::Authentik,
        Self::BeyondIdentity,
        Self::Cognito,
        Self::EntraId,
        Self::FusionAuth,
        Self::GitHubActions,
        Self::GitLab,
        Self::Google,
        Self::Keycloak,
        Self::Kubernetes,
        Self::Okta,
        Self::OryHydra,
        Self::Ping,
        Self::Spiffe,
        Self::Zitadel,
    ];

    /// The name in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "auth0",
            Self::Authentik => "authentik",
            Self::BeyondIdentity => "beyond-identity",
            Self::Cognito => "cognito",
            Self::EntraId => "entra-id",
            Self::FusionAuth => "fusionauth",
            Self::GitHubActions => "github-actions",
            Self::GitLab => "gitlab",
            Self::Google => "google",
            Self::Keycloak => "keycloak",
            Self::Kubernetes => "kubernetes",
            Self::Okta => "okta",
            Self::OryHydra => "ory-hydra",
            Self::Ping => "ping",
            Self::Spiffe => "spiffe",
            Self::Zitadel => "zitadel",
        }
    }

    /// The settings of the preset, as they would be written in `[[issuers]]`.
    pub(super) fn settings(self) -> &'static str {
        match self {
            // RBAC puts permissions beside the scopes; with its RFC 9068 dialect the client is in `client_id`.
            Self::Auth0 => {
                "profile = \"jwt\"\nscope_claims = [\"scope\", \"permissions\"]\nclient_id_claims = [\"client_id\", \"azp\"]\n"
            }
            Self::Authentik | Self::FusionAuth | Self::Keycloak => {
                "profile = \"jwt\"\nclient_id_claims = [\"client_id\", \"azp\"]\n"
            }
            // `azp` is a path there, and names no client.
            Self::BeyondIdentity => "profile = \"jwt\"\nclient_id_claims = [\"client_id\"]\n",
            Self::Cognito => {
                "profile = \"jwt\"\nclient_id_claims = [\"client_id\"]\n\
                 required_claims = [{ claim = \"token_use\", equals = \"access\" }]\n"
            }
            // Users have `scp`, applications have `roles`; v2 says `azp`, v1 `appid`.
            Self::EntraId => {
                "profile = \"jwt\"\nscope_claims = [\"scp\", \"roles\"]\nclient_id_claims = [\"azp\", \"appid\"]\n"
            }
            // Tokens of jobs: the repository or project is the client, and there are no scopes.
            Self::GitHubActions => "profile = \"jwt\"\nclient_id_claims = [\"repository\"]\n",
            Self::GitLab => "profile = \"jwt\"\nclient_id_claims = [\"project_path\"]\n",
            // Access tokens are opaque, and its answers about them are older than RFC 7662.
            Self::Google => "tokens = \"referential\"\nintrospection = { kind = \"google-tokeninfo\" }\n",
            // A workload is its own client, which also tells its token from an ID token; there are no scopes.
            Self::Kubernetes => "profile = \"jwt\"\nclient_id_claims = [\"sub\"]\n",
            // JWT-SVID, 3.1: no EdDSA.
            Self::Spiffe => {
                "profile = \"jwt\"\nclient_id_claims = [\"sub\"]\n\
                 algorithms = [\"RS256\", \"RS384\", \"RS512\", \"ES256\", \"ES384\", \"ES512\", \"PS256\", \"PS384\", \"PS512\"]\n"
            }
            Self::Okta => {
                "profile = \"jwt\"\nscope_claims = [\"scp\", \"scope\"]\nclient_id_claims = [\"cid\", \"client_id\"]\n"
            }
            // A JWT has `scp`, an answer about an opaque token `scope`.
            Self::OryHydra => {
                "profile = \"jwt\"\nscope_claims = [\"scp\", \"scope\"]\nclient_id_claims = [\"client_id\"]\n"
            }
            Self::Ping => "profile = \"jwt\"\nclient_id_claims = [\"client_id\"]\n",
            // Its self-contained tokens have no scope; its answers do, also about those.
            Self::Zitadel => "tokens = \"referential\"\nclient_id_claims = [\"client_id\", \"azp\"]\n",
        }
    }
}
