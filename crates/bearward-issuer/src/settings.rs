//! What an issuer is built from.

mod file;
mod redirect_uri;
mod rules;

pub use file::FileError;
pub(crate) use redirect_uri::is_registered;

use crate::{Application, Person, ResourceServer, SigningAlgorithm, TokenFormat};

/// All that an issuer is built from, but for where it listens: one tenant. The default is the built-in set that the
/// demo uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Who may ask for tokens.
    pub applications: Vec<Application>,
    /// The APIs the tokens are for. The issuer's own, [`ResourceServer::ISSUER`], is there without being listed.
    pub resource_servers: Vec<ResourceServer>,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// A key of each is published. The first one signs, unless a minted token asks for another.
    pub algorithms: Vec<SigningAlgorithm>,
    /// How long others may keep the key set, in seconds (`Cache-Control: max-age`).
    pub jwks_max_age: u64,
}

impl Settings {
    /// An issuer without applications, resource servers and people.
    pub fn empty() -> Self {
        Self {
            applications: Vec::new(),
            resource_servers: Vec::new(),
            people: Vec::new(),
            algorithms: vec![SigningAlgorithm::Rs256],
            jwks_max_age: 300,
        }
    }

    /// Adds an application, in the place of one with the same `client_id` if there is one.
    pub fn set_application(&mut self, application: Application) {
        replace_or_push(&mut self.applications, application, |one, other| one.client_id == other.client_id);
    }

    /// Adds a resource server, in the place of one with the same identifier if there is one.
    pub fn set_resource_server(&mut self, server: ResourceServer) {
        replace_or_push(&mut self.resource_servers, server, |one, other| one.identifier == other.identifier);
    }

    /// Adds a person, in the place of one with the same subject if there is one.
    pub fn set_person(&mut self, person: Person) {
        replace_or_push(&mut self.people, person, |one, other| one.subject == other.subject);
    }

    /// The application of that client identifier.
    pub fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.client_id == client_id)
    }

    pub(crate) fn person(&self, subject: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.subject == subject)
    }
}

fn replace_or_push<T>(known: &mut Vec<T>, item: T, same: impl Fn(&T, &T) -> bool) {
    match known.iter_mut().find(|other| same(other, &item)) {
        Some(place) => *place = item,
        None => known.push(item),
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
    /// | `web-app` | `web-secret` | self-contained, for a person, with ID and refresh tokens | `https://api.example.com` |
    /// | `native-app` | none: it is public | referential, for a person, with refresh tokens | `https://api.example.com` |
    /// | `operator` | `operator-secret` | self-contained | `urn:bearward:issuer` |
    /// | `gateway` | `gateway-secret` | none: it may only introspect and revoke | |
    ///
    /// Both resource servers have a scope `orders:read`, so that a token for the wrong one differs in nothing but its
    /// audience. The people are `alice`, who may do everything, and `bob`, who may only read.
    fn default() -> Self {
        let (api, other) = ("https://api.example.com", "https://other.example.com");
        let callback = "http://127.0.0.1:8081/callback";
        let scopes = ["orders:read", "orders:write"];
        Self {
            applications: vec![
                Application::new("orders-app", "orders-secret").resource_server(api, scopes),
                Application::new("orders-app-referential", "orders-referential-secret")
                    .token_format(TokenFormat::Referential)
                    .resource_server(api, scopes),
                Application::new("other-app", "other-secret").resource_server(other, ["orders:read"]),
                Application::new("web-app", "web-secret")
                    .oidc()
                    .authorization_code([callback])
                    .refresh_tokens()
                    .resource_server(api, scopes),
                Application::public("native-app", callback)
                    .refresh_tokens()
                    .token_format(TokenFormat::Referential)
                    .resource_server(api, scopes),
                Application::new("operator", "operator-secret")
                    .resource_server(ResourceServer::ISSUER, ResourceServer::ISSUER_SCOPES),
                Application::new("gateway", "gateway-secret").without_grants(),
            ],
            resource_servers: vec![
                ResourceServer::new(api).scopes(scopes),
                ResourceServer::new(other).scopes(["orders:read"]),
            ],
            people: vec![
                Person::new("alice").name("Alice").email("alice@example.com"),
                Person::new("bob").name("Bob").email("bob@example.com").scopes(["orders:read"]),
            ],
            ..Self::empty()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Settings::default());
        assert!(shown.contains("orders-app") && !shown.contains("-secret"));
    }

    #[test]
    fn setting_what_is_known_replaces_it() {
        let mut settings = Settings::default();
        let before = (settings.applications.len(), settings.resource_servers.len(), settings.people.len());
        settings.set_application(Application::new("orders-app", "changed").lifetime(60));
        settings.set_resource_server(ResourceServer::new("https://other.example.com"));
        settings.set_person(Person::new("alice"));
        assert_eq!(before, (settings.applications.len(), settings.resource_servers.len(), settings.people.len()));
        assert_eq!(settings.application("orders-app").map(|application| application.lifetime), Some(60));
        settings.set_person(Person::new("carol"));
        assert_eq!(settings.people.len(), before.2 + 1);
    }
}
