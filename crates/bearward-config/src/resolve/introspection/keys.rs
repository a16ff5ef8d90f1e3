//! Reads the secrets, private keys, certificates and tokens that `[issuers.introspection]` names.

use std::collections::BTreeMap;

use bearward_core::Algorithm;
use bearward_gate::{
    AssertionAudience, ClientAssertion, ClientAuth, ClientAuthError, ClientCertificate, Credentials, PrivateKeyJwt,
    Secret, SecretJwt,
};

use super::auth_method::AuthMethod;
use crate::location::{Diagnostic, Located, Location};
use crate::reader::Section;
use crate::resolve::secret;

/// The keys that were read, and the method that they are for.
pub(super) struct AuthKeys<'s, 'r> {
    pub(super) section: &'s Section<'r>,
    pub(super) method: AuthMethod,
    /// The location of `auth`, or of the section if it is not set.
    pub(super) location: Location,
    pub(super) texts: BTreeMap<&'static str, Located<String>>,
    pub(super) algorithm: Option<Located<Algorithm>>,
    pub(super) audience: AssertionAudience,
}

impl AuthKeys<'_, '_> {
    /// How the gateway authenticates itself as a client.
    pub(super) fn client(mut self) -> Option<ClientAuth> {
        match self.method {
            AuthMethod::SecretBasic => self.client_secret().map(|secret| ClientAuth::Basic(secret.value)),
            AuthMethod::SecretPost => self.client_secret().map(|secret| ClientAuth::Post(secret.value)),
            AuthMethod::SecretJwt => {
                let Located { value, location } = self.client_secret()?;
                let key = SecretJwt::new(value, std::mem::take(&mut self.audience));
                self.usable(key, |_| &location).map(ClientAuth::SecretJwt)
            }
            AuthMethod::PrivateKeyJwt => self.private_key().map(ClientAuth::PrivateKeyJwt),
            AuthMethod::Tls | AuthMethod::SelfSignedTls => self.certificate().map(ClientAuth::Certificate),
            AuthMethod::Assertion => {
                self.sent_as_it_is("client_assertion_file", ClientAssertion::new).map(ClientAuth::Assertion)
            }
            AuthMethod::Bearer | AuthMethod::None => None,
        }
    }

    /// The access token that another program obtains.
    pub(super) fn bearer_token(&self) -> Option<Credentials> {
        self.sent_as_it_is("bearer_token_file", Credentials::bearer)
    }

    fn client_secret(&self) -> Option<Located<Secret>> {
        const ELSEWHERE: &str =
            "name a file with `client_secret_file`, or an environment variable with `client_secret_env`";
        let Self { section, texts, .. } = self;
        let reader = section.reader;
        const KEYS: [&str; 2] = ["client_secret_file", "client_secret_env"];
        if section.exclude(&KEYS, "keep one of the two") {
            return None;
        }
        match KEYS.map(|key| section.has(key)) {
            [false, false] => {
                let diagnostic = Diagnostic::new(format!("the client's secret is missing in {}", section.location));
                reader.error(&section.location, diagnostic.hint(ELSEWHERE));
                None
            }
            [true, _] => {
                let file = texts.get("client_secret_file")?;
                Some(Located { value: secret::from_file(reader, file)?, location: file.location.clone() })
            }
            [false, true] => {
                let variable = texts.get("client_secret_env")?;
                Some(Located {
                    value: secret::from_environment(reader, variable)?,
                    location: variable.location.clone(),
                })
            }
        }
    }

    fn private_key(mut self) -> Option<PrivateKeyJwt> {
        let file = self.file("private_key_file")?.clone();
        let key = secret::from_file(self.section.reader, &file)?;
        if self.algorithm.is_none() && self.section.has("algorithm") {
            return None;
        }
        let key_id = self.texts.remove("key_id").map(|id| id.value);
        let algorithm = self.algorithm.as_ref().map(|algorithm| algorithm.value);
        let key = PrivateKeyJwt::new(key, algorithm, key_id, std::mem::take(&mut self.audience));
        self.usable(key, |error| match (error, &self.algorithm) {
            (ClientAuthError::WrongAlgorithm(_), Some(algorithm)) => &algorithm.location,
            _ => &file.location,
        })
    }

    fn certificate(&self) -> Option<ClientCertificate> {
        let reader = self.section.reader;
        let (chain_file, key_file) = (self.file("certificate_file"), self.file("certificate_key_file"));
        // The chain is public; only the key is secret.
        let chain = chain_file.and_then(|file| secret::from_public_file(reader, file));
        let key = key_file.and_then(|file| secret::from_file(reader, file));
        let (chain_place, key_place) = (&chain_file?.location, &key_file?.location);
        self.usable(ClientCertificate::new(chain?, key?), |error| match error {
            ClientAuthError::NoCertificate => chain_place,
            _ => key_place,
        })
    }

    /// A file whose whole content is sent as it is.
    fn sent_as_it_is<T, E: ToString>(&self, key: &str, make: impl FnOnce(Secret) -> Result<T, E>) -> Option<T> {
        let file = self.file(key)?;
        let made = make(secret::from_file(self.section.reader, file)?);
        made.map_err(|error| self.section.reader.error(&file.location, error.to_string())).ok()
    }

    /// A file that this method requires.
    fn file(&self, key: &str) -> Option<&Located<String>> {
        if !self.section.has(key) {
            let diagnostic = Diagnostic::new(format!("`auth = \"{}\"` needs `{key}`", self.method.name()));
            let example = key.trim_end_matches("_file").replace('_', "-");
            self.section
                .reader
                .error(&self.location, diagnostic.hint(format!("for example: {key} = \"secrets/{example}\"")));
        }
        self.texts.get(key)
    }

    /// Reports why something cannot be used, at the location of the cause.
    fn usable<'p, T>(
        &self,
        made: Result<T, ClientAuthError>,
        at_fault: impl FnOnce(ClientAuthError) -> &'p Location,
    ) -> Option<T> {
        made.map_err(|error| self.section.reader.error(at_fault(error), error.to_string())).ok()
    }
}
