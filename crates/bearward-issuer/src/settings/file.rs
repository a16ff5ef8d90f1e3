//! Settings from a TOML file, and single entries from the command line.

use serde::{Deserialize, de::DeserializeOwned};

use super::Settings;
use crate::{
    Application, ClientAuthentication, ClientKeys, ClientKeysError, ClientType, GrantType, Person, Pkce, Protocol,
    ResourceServer, Secret, SigningAlgorithm, TokenFormat,
};

/// Why a text is no description of an issuer. What is described but contradicts itself is a
/// [`BuildError`](crate::BuildError).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// No TOML, or not with these keys and values. It says where, and does not show the line: a secret may stand there.
    #[error("{0}")]
    Toml(String),
    /// The application's keys are no key set.
    #[error("application {client_id:?}: jwks: {problem}")]
    Keys {
        /// Of the application.
        client_id: String,
        /// What is wrong with them.
        problem: ClientKeysError,
    },
    /// Its resource servers are there in both ways.
    #[error("application {client_id:?}: resource_server and resource_servers exclude each other")]
    ResourceServers {
        /// Of the application.
        client_id: String,
    },
    /// The method needs a secret and there is none, or the other way round.
    #[error("application {client_id:?}: {method} goes with {needs}, and with nothing else")]
    Authentication {
        /// Of the application.
        client_id: String,
        /// The `token_endpoint_auth_method`.
        method: &'static str,
        /// What belongs to it.
        needs: &'static str,
    },
}

impl Settings {
    /// Reads a whole description: nothing of the built-in set remains.
    ///
    /// # Errors
    ///
    /// When it is not the TOML of one.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        let file: File = toml_edit::de::from_str(text).map_err(|error| mistake(&error, text, 0))?;
        let empty = Self::empty();
        Ok(Self {
            applications: file.applications.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            resource_servers: file.resource_servers,
            people: file.people,
            algorithms: file.algorithms.unwrap_or(empty.algorithms),
            jwks_max_age: file.jwks_max_age.unwrap_or(empty.jwks_max_age),
        })
    }
}

impl Application {
    /// Reads one from the inside of an inline table, such as `client_id = "app", client_secret = "secret"`.
    ///
    /// # Errors
    ///
    /// When it is not the TOML of one.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        inline::<ApplicationTable>(text)?.try_into()
    }
}

impl ResourceServer {
    /// Reads one from the inside of an inline table, such as `identifier = "https://api.example.com"`.
    ///
    /// # Errors
    ///
    /// When it is not the TOML of one.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        inline(text)
    }
}

impl Person {
    /// Reads one from the inside of an inline table, such as `subject = "carol", name = "Carol"`.
    ///
    /// # Errors
    ///
    /// When it is not the TOML of one.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        inline(text)
    }
}

fn inline<T: DeserializeOwned>(text: &str) -> Result<T, FileError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct One<T> {
        entry: T,
    }
    const BEFORE: &str = "entry = { ";
    let one = toml_edit::de::from_str::<One<T>>(&format!("{BEFORE}{text} }}"));
    one.map(|one| one.entry).map_err(|error| mistake(&error, text, BEFORE.len()))
}

/// Where in the text a mistake is, if so many bytes stood before it, and which.
fn mistake(error: &toml_edit::de::Error, text: &str, before: usize) -> FileError {
    let at = error.span().map_or(0, |span| span.start).saturating_sub(before).min(text.len());
    let read = text.get(..at).unwrap_or_default();
    let (line, column) = (read.matches('\n').count() + 1, read.chars().rev().take_while(|c| *c != '\n').count() + 1);
    FileError::Toml(format!("line {line}, column {column}: {}", error.message()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    applications: Vec<ApplicationTable>,
    #[serde(default)]
    resource_servers: Vec<ResourceServer>,
    #[serde(default)]
    people: Vec<Person>,
    algorithms: Option<Vec<SigningAlgorithm>>,
    jwks_max_age: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationTable {
    client_id: String,
    #[serde(default)]
    protocol: Protocol,
    #[serde(default)]
    client_type: ClientType,
    token_endpoint_auth_method: Option<Method>,
    client_secret: Option<String>,
    jwks: Option<String>,
    #[serde(default)]
    pkce: Pkce,
    #[serde(default)]
    grant_types: Vec<GrantType>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    token_format: TokenFormat,
    resource_server: Option<String>,
    resource_servers: Option<Vec<String>>,
    #[serde(default)]
    scopes: Vec<String>,
    lifetime: Option<u64>,
    #[serde(default)]
    custom_claims: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

impl TryFrom<ApplicationTable> for Application {
    type Error = FileError;

    fn try_from(table: ApplicationTable) -> Result<Self, FileError> {
        let authentication = table.authentication()?;
        let resource_servers = match (table.resource_server, table.resource_servers) {
            (Some(_), Some(_)) => return Err(FileError::ResourceServers { client_id: table.client_id }),
            (one, several) => one.into_iter().chain(several.into_iter().flatten()).collect(),
        };
        Ok(Self {
            client_id: table.client_id,
            protocol: table.protocol,
            client_type: table.client_type,
            authentication,
            pkce: table.pkce,
            grant_types: table.grant_types,
            redirect_uris: table.redirect_uris,
            token_format: table.token_format,
            resource_servers,
            allowed_scopes: table.scopes,
            lifetime: table.lifetime.unwrap_or(Self::DEFAULT_LIFETIME),
            custom_claims: table.custom_claims,
        })
    }
}

impl ApplicationTable {
    /// The method and what belongs to it: a secret that nothing reads would be a mistake that goes unnoticed.
    fn authentication(&self) -> Result<ClientAuthentication, FileError> {
        let method = self.token_endpoint_auth_method.unwrap_or(match self.client_type {
            ClientType::Confidential => Method::ClientSecretBasic,
            ClientType::Public => Method::None,
        });
        let wrong = |method, needs| FileError::Authentication { client_id: self.client_id.clone(), method, needs };
        match (method, &self.client_secret, &self.jwks) {
            (Method::ClientSecretBasic, Some(secret), None) => {
                Ok(ClientAuthentication::SecretBasic(Secret::new(secret)))
            }
            (Method::ClientSecretPost, Some(secret), None) => Ok(ClientAuthentication::SecretPost(Secret::new(secret))),
            (Method::PrivateKeyJwt, None, Some(jwks)) => match ClientKeys::from_json(jwks) {
                Ok(keys) => Ok(ClientAuthentication::PrivateKeyJwt(keys)),
                Err(problem) => Err(FileError::Keys { client_id: self.client_id.clone(), problem }),
            },
            (Method::None, None, None) => Ok(ClientAuthentication::None),
            (Method::ClientSecretBasic, ..) => Err(wrong("client_secret_basic", "client_secret")),
            (Method::ClientSecretPost, ..) => Err(wrong("client_secret_post", "client_secret")),
            (Method::PrivateKeyJwt, ..) => Err(wrong("private_key_jwt", "jwks")),
            (Method::None, ..) => Err(wrong("none", "neither client_secret nor jwks")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    const WHOLE: &str = r#"
        algorithms = ["ES256", "PS256"]
        jwks_max_age = 60

        [[resource_servers]]
        identifier = "https://api.example.com"
        scopes = ["orders:read"]

        [[applications]]
        client_id = "web"
        protocol = "oidc"
        client_type = "confidential"
        token_endpoint_auth_method = "client_secret_post"
        client_secret = "hidden"
        pkce = "disabled"
        grant_types = ["authorization_code", "refresh_token"]
        redirect_uris = ["https://app.example.com/callback"]
        resource_server = "https://api.example.com"
        scopes = ["orders:read"]
        token_format = "referential"
        lifetime = 60
        custom_claims = true

        [[people]]
        subject = "alice"
        name = "Alice"
        email = "alice@example.com"
        scopes = ["orders:read"]
    "#;

    #[test]
    fn every_property_is_read() {
        let settings = Settings::from_toml(WHOLE).unwrap();
        assert!(settings.check().is_ok());
        assert_eq!(settings.algorithms, [SigningAlgorithm::Es256, SigningAlgorithm::Ps256]);
        assert_eq!(settings.jwks_max_age, 60);
        let application = &settings.applications[0];
        assert_eq!((application.protocol, application.pkce), (Protocol::Oidc, Pkce::Disabled));
        assert_eq!(application.authentication.name(), "client_secret_post");
        assert_eq!(application.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        assert_eq!(application.token_format, TokenFormat::Referential);
        assert_eq!((application.lifetime, application.custom_claims), (60, true));
        assert_eq!(settings.people[0].scopes.as_deref().unwrap(), ["orders:read"]);
    }

    #[test]
    fn the_example_of_the_page_is_sound() {
        let page = include_str!("../../../../docs/issuer.md");
        let example = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
        let settings = Settings::from_toml(example).unwrap();
        assert!(settings.check().is_ok());
        assert_eq!((settings.applications.len(), settings.people.len()), (3, 1));
    }

    #[test]
    fn defaults_are_those_of_the_builder() {
        let settings = Settings::from_toml("[[applications]]\nclient_id = \"a\"\nclient_secret = \"s\"").unwrap();
        let application = &settings.applications[0];
        assert_eq!((application.protocol, application.client_type), (Protocol::OAuth2, ClientType::Confidential));
        assert_eq!((application.pkce, application.lifetime), (Pkce::S256, Application::DEFAULT_LIFETIME));
        assert_eq!(application.authentication.name(), "client_secret_basic");
        assert!(application.grant_types.is_empty(), "what is not said is not allowed");
        assert!(application.resource_servers.is_empty());
        assert_eq!(settings.algorithms, [SigningAlgorithm::Rs256]);
    }

    #[test]
    fn single_entries_are_inline_tables() {
        let public = Application::from_toml(r#"client_id = "spa", client_type = "public""#).unwrap();
        assert_eq!(public.authentication.name(), "none");
        assert_eq!(Person::from_toml(r#"subject = "carol""#).unwrap().subject, "carol");
        assert_eq!(ResourceServer::from_toml(r#"identifier = "a", scopes = ["b"]"#).unwrap().scopes, ["b"]);
        assert!(Person::from_toml("subject = \"a\" }\nother = { subject = \"b\"").is_err());
    }

    #[test]
    fn resource_servers_are_one_or_a_list() {
        let app = |more: &str| Application::from_toml(&format!(r#"client_id = "a", client_secret = "s", {more}"#));
        assert_eq!(app(r#"resource_server = "b""#).unwrap().resource_servers, ["b"]);
        assert_eq!(app(r#"resource_servers = ["b", "c"]"#).unwrap().resource_servers, ["b", "c"]);
        let both = app(r#"resource_server = "b", resource_servers = []"#).unwrap_err();
        assert!(matches!(both, FileError::ResourceServers { .. }));
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_without_the_secret() {
        for (from, to, told) in [
            ("protocol", "protocoll", "protocoll"),
            ("\"oidc\"", "\"saml\"", "saml"),
            ("subject", "name2", "name2"),
            ("lifetime = 60", "lifetime = \"1h\"", "line 21"),
            ("\"client_secret_post\"", "\"none\"", "neither client_secret nor jwks"),
            ("\"client_secret_post\"", "\"private_key_jwt\"", "jwks"),
            ("client_secret = ", "jwks = ", "client_secret"),
            ("\"ES256\"", "\"HS256\"", "HS256"),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE, "{from}");
            let error = Settings::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("hidden"), "{to}: {error}");
        }
    }

    #[test]
    fn a_mistake_beside_a_secret_is_told_once_and_without_it() {
        let entry = r#"client_id = "a", client_secret = "hidden", lifetime = "1h""#;
        let place = "column 55: invalid type: string \"1h\", expected u64";
        let file = format!("applications = [{{ {entry} }}]");
        for (error, told) in [
            (Application::from_toml(entry).unwrap_err(), format!("line 1, {place}")),
            (Application::from_toml(&format!("\n{entry}")).unwrap_err(), format!("line 2, {place}")),
            (Settings::from_toml(&file).unwrap_err(), format!("line 1, {}", place.replace("55", "73"))),
        ] {
            assert_eq!(error.to_string(), told);
            assert!(
                std::error::Error::source(&error).is_none(),
                "a caller that prints the sources would print it twice"
            );
        }
        let keys = r#"client_id = "a", token_endpoint_auth_method = "private_key_jwt", jwks = "{}""#;
        let keys = Application::from_toml(keys).unwrap_err();
        assert!(matches!(keys, FileError::Keys { .. }) && std::error::Error::source(&keys).is_none());
    }
}
