//! What an issuer is built from, and the rules that hold between its parts.

use crate::{Application, BuildError, ResourceServer, SigningAlgorithm, TokenFormat, scope};

/// All that an issuer is built from, but for where it listens. The default is the built-in set that the demo uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Who may ask for tokens.
    pub applications: Vec<Application>,
    /// The APIs the tokens are for.
    pub resource_servers: Vec<ResourceServer>,
    /// A key of each is published. The first one signs, unless a minted token asks for another.
    pub algorithms: Vec<SigningAlgorithm>,
    /// How long others may keep the key set, in seconds (`Cache-Control: max-age`).
    pub jwks_max_age: u64,
}

impl Settings {
    /// An issuer that knows nobody yet.
    pub fn empty() -> Self {
        Self {
            applications: Vec::new(),
            resource_servers: Vec::new(),
            algorithms: vec![SigningAlgorithm::Rs256],
            jwks_max_age: 300,
        }
    }

    pub(crate) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.client_id == client_id)
    }

    /// Every scope of every resource server, each once.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = Vec::new();
        for name in self.resource_servers.iter().flat_map(|server| &server.scopes) {
            if !scopes.contains(&name.as_str()) {
                scopes.push(name);
            }
        }
        scopes
    }

    /// Holds the rules that the types cannot; checked once, before anything is bound or generated.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.algorithms.is_empty() {
            return Err(BuildError::NoAlgorithm);
        }
        let mut identifiers: Vec<&str> = Vec::new();
        for server in &self.resource_servers {
            if server.identifier.is_empty() || identifiers.contains(&server.identifier.as_str()) {
                return Err(BuildError::ResourceServer(server.identifier.clone()));
            }
            if let Some(name) = server.scopes.iter().find(|name| !scope::is_name(name)) {
                return Err(BuildError::ScopeName(name.clone()));
            }
            identifiers.push(&server.identifier);
        }
        let mut client_ids: Vec<&str> = Vec::new();
        for application in &self.applications {
            if client_ids.contains(&application.client_id.as_str()) {
                return Err(BuildError::ClientId(application.client_id.clone()));
            }
            self.check_application(application)?;
            client_ids.push(&application.client_id);
        }
        Ok(())
    }

    fn check_application(&self, application: &Application) -> Result<(), BuildError> {
        let client_id = application.client_id.clone();
        // RFC 6749 appendix A.1: printable ASCII.
        if client_id.is_empty() || !client_id.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(BuildError::ClientId(client_id));
        }
        if application.client_secret.is_empty() {
            return Err(BuildError::EmptySecret { client_id });
        }
        if !(1..=Application::MAX_LIFETIME).contains(&application.lifetime) {
            return Err(BuildError::Lifetime { client_id, lifetime: application.lifetime });
        }
        let known: &[String] = match &application.resource_server {
            None => &[],
            Some(identifier) => match self.resource_servers.iter().find(|server| server.identifier == *identifier) {
                None => return Err(BuildError::UnknownResourceServer { client_id, identifier: identifier.clone() }),
                Some(server) => &server.scopes,
            },
        };
        match application.allowed_scopes.iter().find(|name| !known.contains(name)) {
            Some(name) => Err(BuildError::UnknownScope { client_id, scope: name.clone() }),
            None => Ok(()),
        }
    }
}

impl Default for Settings {
    /// The demo's set. Its secrets are public, which is one more reason to stay on loopback.
    ///
    /// | application | secret | tokens | audience |
    /// | --- | --- | --- | --- |
    /// | `orders-app` | `orders-secret` | self-contained | `https://api.example.com` |
    /// | `orders-app-referential` | `orders-referential-secret` | referential | `https://api.example.com` |
    /// | `other-app` | `other-secret` | self-contained | `https://other.example.com` |
    /// | `gateway` | `gateway-secret` | none: it may only introspect and revoke | |
    ///
    /// Both resource servers have a scope `orders:read`, so that a token for the wrong one differs in nothing but its
    /// audience.
    fn default() -> Self {
        let (api, other) = ("https://api.example.com", "https://other.example.com");
        let scopes = ["orders:read", "orders:write"];
        Self {
            applications: vec![
                Application::new("orders-app", "orders-secret").resource_server(api, scopes),
                Application::new("orders-app-referential", "orders-referential-secret")
                    .token_format(TokenFormat::Referential)
                    .resource_server(api, scopes),
                Application::new("other-app", "other-secret").resource_server(other, ["orders:read"]),
                Application::new("gateway", "gateway-secret").without_grants(),
            ],
            resource_servers: vec![
                ResourceServer::new(api).scopes(scopes),
                ResourceServer::new(other).scopes(["orders:read"]),
            ],
            ..Self::empty()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(application: Application) -> Result<(), BuildError> {
        Settings { applications: vec![application], ..Settings::default() }.check()
    }

    #[test]
    fn the_built_in_set_and_the_empty_one_are_sound() {
        assert!(Settings::default().check().is_ok());
        assert!(Settings::empty().check().is_ok());
    }

    #[test]
    fn an_issuer_needs_an_algorithm() {
        let settings = Settings { algorithms: Vec::new(), ..Settings::default() };
        assert!(matches!(settings.check(), Err(BuildError::NoAlgorithm)));
    }

    #[test]
    fn identifiers_are_unique_and_not_empty() {
        for identifiers in [&["https://a.example.com"; 2][..], &[""]] {
            let resource_servers = identifiers.iter().copied().map(ResourceServer::new).collect();
            let settings = Settings { resource_servers, ..Settings::empty() };
            assert!(matches!(settings.check(), Err(BuildError::ResourceServer(_))));
        }
        let application = Application::new("twice", "secret");
        let settings = Settings { applications: vec![application.clone(), application], ..Settings::empty() };
        assert!(matches!(settings.check(), Err(BuildError::ClientId(_))));
        assert!(matches!(with(Application::new("", "secret")), Err(BuildError::ClientId(_))));
        assert!(matches!(with(Application::new("a\nb", "secret")), Err(BuildError::ClientId(_))));
    }

    #[test]
    fn a_secret_is_never_empty() {
        assert!(matches!(with(Application::new("app", "")), Err(BuildError::EmptySecret { .. })));
    }

    #[test]
    fn a_lifetime_has_both_bounds() {
        let app = || Application::new("app", "secret");
        assert!(with(app().lifetime(Application::MAX_LIFETIME)).is_ok());
        for seconds in [0, Application::MAX_LIFETIME + 1, u64::MAX] {
            assert!(matches!(with(app().lifetime(seconds)), Err(BuildError::Lifetime { .. })), "{seconds}");
        }
    }

    #[test]
    fn an_application_has_no_more_than_its_resource_server() {
        let app = || Application::new("app", "secret");
        let unknown = with(app().resource_server("https://nowhere.example.com", ["orders:read"]));
        assert!(matches!(unknown, Err(BuildError::UnknownResourceServer { .. })));
        let beyond = with(app().resource_server("https://other.example.com", ["orders:write"]));
        assert!(matches!(beyond, Err(BuildError::UnknownScope { .. })));
        let mut none = app();
        none.allowed_scopes.push("orders:read".to_owned());
        assert!(matches!(with(none), Err(BuildError::UnknownScope { .. })));
    }

    #[test]
    fn scope_names_follow_the_grammar() {
        let resource_servers = vec![ResourceServer::new("https://a.example.com").scopes(["two words"])];
        let settings = Settings { resource_servers, ..Settings::empty() };
        assert!(matches!(settings.check(), Err(BuildError::ScopeName(_))));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Settings::default());
        assert!(shown.contains("orders-app") && !shown.contains("-secret"));
    }
}
