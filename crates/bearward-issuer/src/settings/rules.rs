//! The rules that hold between the parts of the settings; checked once, before anything is bound or generated.

use super::{Settings, redirect_uri};
use crate::{
    Application, ApplicationError, BuildError, ClientAuthentication, ClientType, GrantType, Pkce, Protocol,
    ResourceServer, scope,
};

impl Settings {
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.algorithms.is_empty() || repeated(&self.algorithms).is_some() {
            return Err(BuildError::Algorithms);
        }
        let mut identifiers = vec![ResourceServer::ISSUER];
        for server in &self.resource_servers {
            if server.identifier.is_empty() || identifiers.contains(&server.identifier.as_str()) {
                return Err(BuildError::ResourceServer(server.identifier.clone()));
            }
            if let Some(name) = server.scopes.iter().find(|name| !scope::is_name(name) || is_identity(name)) {
                return Err(BuildError::ScopeName(name.clone()));
            }
            identifiers.push(&server.identifier);
        }
        let mut subjects: Vec<&str> = Vec::new();
        for person in &self.people {
            // OpenID Connect Core 2: at most 255 ASCII characters.
            let sound = (1..=255).contains(&person.subject.len()) && is_visible(&person.subject);
            if !sound || subjects.contains(&person.subject.as_str()) {
                return Err(BuildError::Subject(person.subject.clone()));
            }
            if let Some(scope) = person.scopes.iter().flatten().find(|scope| !self.has_scope(scope)) {
                return Err(BuildError::Role { subject: person.subject.clone(), scope: scope.clone() });
            }
            subjects.push(&person.subject);
        }
        let mut client_ids: Vec<&str> = Vec::new();
        for application in &self.applications {
            let client_id = &application.client_id;
            if !is_client_id(client_id) || client_ids.contains(&client_id.as_str()) {
                return Err(BuildError::ClientId(client_id.clone()));
            }
            let broken = |problem| BuildError::Application { client_id: client_id.clone(), problem };
            self.check_application(application).map_err(broken)?;
            client_ids.push(client_id);
        }
        Ok(())
    }

    fn check_application(&self, application: &Application) -> Result<(), ApplicationError> {
        check_authentication(application)?;
        check_grants(application)?;
        if !(1..=Application::MAX_LIFETIME).contains(&application.lifetime) {
            return Err(ApplicationError::Lifetime(application.lifetime));
        }
        let is_known = |identifier: &&String| {
            *identifier == ResourceServer::ISSUER
                || self.resource_servers.iter().any(|server| server.identifier == **identifier)
        };
        if let Some(unknown) = application.resource_servers.iter().find(|identifier| !is_known(identifier)) {
            return Err(ApplicationError::UnknownResourceServer(unknown.clone()));
        }
        if let Some(twice) = repeated(&application.resource_servers) {
            return Err(ApplicationError::RepeatedResourceServer(twice.clone()));
        }
        let resources = &application.resource_servers;
        let beyond = application.allowed_scopes.iter().find(|name| !self.is_scope_of(name, resources));
        let wrong = beyond.or_else(|| repeated(&application.allowed_scopes));
        wrong.map_or(Ok(()), |name| Err(ApplicationError::Scope(name.clone())))
    }

    /// Whether one of these resource servers has the scope.
    pub(crate) fn is_scope_of(&self, name: &str, resources: &[String]) -> bool {
        resources.iter().any(|identifier| match identifier.as_str() {
            ResourceServer::ISSUER => is_of_issuer(name),
            identifier => {
                let server = self.resource_servers.iter().find(|server| server.identifier == identifier);
                server.is_some_and(|server| server.scopes.iter().any(|known| known == name))
            }
        })
    }

    /// Whether any resource server has it.
    fn has_scope(&self, name: &str) -> bool {
        is_of_issuer(name) || self.resource_servers.iter().flat_map(|server| &server.scopes).any(|known| known == name)
    }
}

fn is_of_issuer(scope: &str) -> bool {
    ResourceServer::ISSUER_SCOPES.contains(&scope)
}

/// The first that is there twice.
fn repeated<T: PartialEq>(all: &[T]) -> Option<&T> {
    all.iter().enumerate().find(|(at, one)| all.iter().take(*at).any(|before| before == *one)).map(|(_, one)| one)
}

fn check_authentication(application: &Application) -> Result<(), ApplicationError> {
    match (application.client_type, &application.authentication) {
        (ClientType::Public, ClientAuthentication::None) => Ok(()),
        (ClientType::Public, method) => Err(ApplicationError::PublicAuthenticates(method.name())),
        (ClientType::Confidential, ClientAuthentication::None) => Err(ApplicationError::ConfidentialWithoutProof),
        (ClientType::Confidential, ClientAuthentication::PrivateKeyJwt(_)) => Ok(()),
        (
            ClientType::Confidential,
            ClientAuthentication::SecretBasic(secret) | ClientAuthentication::SecretPost(secret),
        ) => {
            if secret.is_empty() {
                return Err(ApplicationError::EmptySecret);
            }
            Ok(())
        }
    }
}

fn check_grants(application: &Application) -> Result<(), ApplicationError> {
    let has = |grant| application.has_grant(grant);
    if has(GrantType::ClientCredentials) {
        // RFC 6749 4.4: only confidential clients.
        if application.client_type == ClientType::Public {
            return Err(ApplicationError::PublicClientCredentials);
        }
        if application.protocol == Protocol::Oidc {
            return Err(ApplicationError::OidcClientCredentials);
        }
    }
    if application.protocol == Protocol::Oidc && !has(GrantType::AuthorizationCode) {
        return Err(ApplicationError::OidcWithoutCode);
    }
    if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
        return Err(ApplicationError::RefreshWithoutCode);
    }
    // RFC 9700 2.1.1: public clients must use PKCE.
    if application.client_type == ClientType::Public && application.pkce == Pkce::Disabled {
        return Err(ApplicationError::PublicWithoutPkce);
    }
    if has(GrantType::AuthorizationCode) == application.redirect_uris.is_empty() {
        return Err(ApplicationError::RedirectUris);
    }
    let problems = application.redirect_uris.iter().map(|uri| (uri, redirect_uri::problem(uri)));
    match problems.filter_map(|(uri, problem)| Some((uri, problem?))).next() {
        Some((uri, problem)) => Err(ApplicationError::RedirectUri { uri: uri.clone(), problem }),
        None => Ok(()),
    }
}

/// RFC 3986 2.3: what stands in a path as it is, because the name does.
fn is_client_id(client_id: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=128).contains(&client_id.len())
        && client_id.bytes().all(unreserved)
        // Dot segments mean something else in a path (RFC 3986 5.2.4).
        && client_id != "."
        && client_id != ".."
}

/// The scopes that OpenID Connect gave a meaning; no API may give them another.
fn is_identity(scope: &str) -> bool {
    ["openid", "profile", "email", "address", "phone", "offline_access"].contains(&scope)
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::{Person, SigningAlgorithm};

    const CALLBACK: &str = "https://app.example.com/callback";

    fn with(application: Application) -> Result<(), ApplicationError> {
        match (Settings { applications: vec![application], ..Settings::default() }).check() {
            Ok(()) => Ok(()),
            Err(BuildError::Application { problem, .. }) => Err(problem),
            Err(other) => panic!("{other}"),
        }
    }

    fn app() -> Application {
        Application::new("app", "secret")
    }

    #[test]
    fn the_built_in_set_and_the_empty_one_are_sound() {
        assert!(Settings::default().check().is_ok());
        assert!(Settings::empty().check().is_ok());
    }

    #[test]
    fn an_issuer_needs_an_algorithm_and_each_once() {
        for algorithms in [&[][..], &[SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Es256]] {
            let settings = Settings { algorithms: algorithms.to_vec(), ..Settings::default() };
            assert!(matches!(settings.check(), Err(BuildError::Algorithms)));
        }
    }

    #[test]
    fn identifiers_are_unique_and_not_empty() {
        for identifiers in [&["https://a.example.com"; 2][..], &[""], &[ResourceServer::ISSUER]] {
            let resource_servers = identifiers.iter().copied().map(ResourceServer::new).collect();
            let settings = Settings { resource_servers, ..Settings::empty() };
            assert!(matches!(settings.check(), Err(BuildError::ResourceServer(_))));
        }
        for subjects in [&["alice"; 2][..], &[""], &["a b"], &["caf\u{e9}"]] {
            let people = subjects.iter().copied().map(Person::new).collect();
            let settings = Settings { people, ..Settings::empty() };
            assert!(matches!(settings.check(), Err(BuildError::Subject(_))));
        }
        let long = "a".repeat(129);
        for client_ids in [&["twice"; 2][..], &[""], &["a/b"], &["a b"], &["%2e"], &["."], &[".."], &[&long]] {
            let applications = client_ids.iter().map(|client_id| Application::new(*client_id, "secret")).collect();
            let settings = Settings { applications, ..Settings::empty() };
            assert!(matches!(settings.check(), Err(BuildError::ClientId(_))));
        }
    }

    #[test]
    fn authentication_goes_with_the_client_type() {
        assert!(matches!(with(Application::new("app", "")), Err(ApplicationError::EmptySecret)));
        let none = app().authentication(ClientAuthentication::None);
        assert!(matches!(with(none), Err(ApplicationError::ConfidentialWithoutProof)));
        let secret = ClientAuthentication::SecretPost("secret".into());
        let public = Application::public("app", CALLBACK);
        assert!(with(public.clone()).is_ok());
        let public = with(public.authentication(secret));
        assert!(matches!(public, Err(ApplicationError::PublicAuthenticates("client_secret_post"))));
    }

    #[test]
    fn grants_go_with_the_protocol_and_the_client_type() {
        let grants = |mut application: Application, grants: &[GrantType]| {
            application.grant_types = grants.to_vec();
            with(application)
        };
        use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
        let public = || Application::public("app", CALLBACK);
        let code = || app().authorization_code([CALLBACK]);
        let oidc = || code().oidc();
        for (outcome, expected) in [
            (grants(public(), &[AuthorizationCode, ClientCredentials]), ApplicationError::PublicClientCredentials),
            (grants(oidc(), &[AuthorizationCode, ClientCredentials]), ApplicationError::OidcClientCredentials),
            (grants(oidc(), &[]), ApplicationError::OidcWithoutCode),
            (grants(app(), &[RefreshToken]), ApplicationError::RefreshWithoutCode),
            (with(public().without_pkce()), ApplicationError::PublicWithoutPkce),
            (grants(app(), &[AuthorizationCode]), ApplicationError::RedirectUris),
            (grants(code(), &[ClientCredentials]), ApplicationError::RedirectUris),
        ] {
            assert_eq!(outcome.unwrap_err().to_string(), expected.to_string());
        }
        assert!(grants(code(), &[AuthorizationCode, ClientCredentials, RefreshToken]).is_ok());
        assert!(with(code().without_pkce()).is_ok() && with(oidc().refresh_tokens()).is_ok());
        let fragment = app().authorization_code(["https://app.example.com/#part"]);
        assert!(matches!(with(fragment), Err(ApplicationError::RedirectUri { .. })));
    }

    #[test]
    fn a_lifetime_has_both_bounds() {
        assert!(with(app().lifetime(Application::MAX_LIFETIME)).is_ok());
        for seconds in [0, Application::MAX_LIFETIME + 1, u64::MAX] {
            assert!(matches!(with(app().lifetime(seconds)), Err(ApplicationError::Lifetime(_))), "{seconds}");
        }
    }

    #[test]
    fn an_application_has_no_more_than_its_resource_server() {
        let unknown = with(app().resource_server("https://nowhere.example.com", ["orders:read"]));
        assert!(matches!(unknown, Err(ApplicationError::UnknownResourceServer(_))));
        for (server, scope) in [("https://other.example.com", "orders:write"), (ResourceServer::ISSUER, "orders:read")]
        {
            let beyond = with(app().resource_server(server, [scope]));
            assert!(matches!(beyond, Err(ApplicationError::Scope(_))));
        }
        let mut none = app();
        none.allowed_scopes.push("orders:read".to_owned());
        assert!(matches!(with(none), Err(ApplicationError::Scope(_))));
        let both = app()
            .resource_server("https://other.example.com", ["orders:read"])
            .resource_server(ResourceServer::ISSUER, ["tokens:read"]);
        assert!(with(both.clone()).is_ok());
        assert!(matches!(
            with(both.resource_server(ResourceServer::ISSUER, ["orders:write"])),
            Err(ApplicationError::RepeatedResourceServer(_))
        ));
        // Its tokens would say it twice.
        let twice = with(app().resource_server("https://other.example.com", ["orders:read", "orders:read"]));
        assert!(matches!(twice, Err(ApplicationError::Scope(_))));
    }

    #[test]
    fn a_role_holds_what_there_is() {
        let with = |scopes: &[&str]| {
            let people = vec![Person::new("carol").scopes(scopes.iter().copied())];
            Settings { people, ..Settings::default() }.check()
        };
        assert!(with(&["orders:read", "tokens:read"]).is_ok() && with(&[]).is_ok());
        for unknown in ["order:read", "openid"] {
            assert!(matches!(with(&[unknown]), Err(BuildError::Role { .. })), "{unknown}");
        }
    }

    #[test]
    fn scope_names_follow_the_grammar_and_leave_openid_connect_its_own() {
        for name in ["two words", "openid", "offline_access"] {
            let resource_servers = vec![ResourceServer::new("https://a.example.com").scopes([name])];
            let settings = Settings { resource_servers, ..Settings::empty() };
            assert!(matches!(settings.check(), Err(BuildError::ScopeName(_))));
        }
    }
}
