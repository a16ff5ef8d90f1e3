//! The methods by which the gateway authenticates itself to an issuer, and the keys of each.

use crate::location::Diagnostic;
use crate::suggest;

/// The value of `auth`: the registered name of the method if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resolve) enum AuthMethod {
    SecretBasic,
    SecretPost,
    SecretJwt,
    PrivateKeyJwt,
    Tls,
    SelfSignedTls,
    Assertion,
    Bearer,
    /// No authentication, which the gate refuses.
    None,
}

impl AuthMethod {
    /// Those that can be used.
    const ALL: [Self; 8] = [
        Self::SecretBasic,
        Self::SecretPost,
        Self::SecretJwt,
        Self::PrivateKeyJwt,
        Self::Tls,
        Self::SelfSignedTls,
        Self::Assertion,
        Self::Bearer,
    ];

    pub(super) fn parse(name: &str) -> Result<Self, Diagnostic> {
        if let Some(method) = Self::ALL.into_iter().chain([Self::None]).find(|method| method.name() == name) {
            return Ok(method);
        }
        let diagnostic = Self::unknown();
        Err(match name {
            "client_credentials" => diagnostic.hint(
                "the client credentials grant is a table of its own, [issuers.introspection.client_credentials]; \
                 `auth` says how the gateway authenticates itself there",
            ),
            _ => diagnostic.did_you_mean(suggest::nearest(name, Self::ALL.map(Self::name))),
        })
    }

    /// The diagnostic for a method that cannot be used.
    pub(in crate::resolve) fn unknown() -> Diagnostic {
        Diagnostic::new(format!("must be one of `{}`", Self::ALL.map(Self::name).join("`, `")))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SecretBasic => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
            Self::SecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Tls => "tls_client_auth",
            Self::SelfSignedTls => "self_signed_tls_client_auth",
            Self::Assertion => "client_assertion",
            Self::Bearer => "bearer",
            Self::None => "none",
        }
    }

    /// The keys of this method, apart from those that every method has.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::SecretBasic | Self::SecretPost => &["client_secret_file", "client_secret_env"],
            Self::SecretJwt => &["client_secret_file", "client_secret_env", "assertion_audience"],
            Self::PrivateKeyJwt => &["private_key_file", "key_id", "algorithm", "assertion_audience"],
            Self::Tls | Self::SelfSignedTls => &["certificate_file", "certificate_key_file"],
            Self::Assertion => &["client_assertion_file"],
            Self::Bearer => &["bearer_token_file"],
            Self::None => &[],
        }
    }

    /// The keys of other methods that this one does not have.
    pub(super) fn keys_of_others(self) -> impl Iterator<Item = &'static str> {
        // In the order of the methods, each key once.
        let all = Self::ALL.into_iter().enumerate().flat_map(|(index, method)| {
            let told = move |key: &str| Self::ALL.into_iter().take(index).any(|earlier| earlier.keys().contains(&key));
            method.keys().iter().copied().filter(move |key| !told(key))
        });
        all.filter(move |key| !self.keys().contains(key))
    }

    /// The methods that have a key, as they are written.
    pub(super) fn with_key(key: &str) -> String {
        let methods = Self::ALL.into_iter().filter(|method| method.keys().contains(&key));
        methods.map(|method| format!("`auth = \"{}\"`", method.name())).collect::<Vec<_>>().join(" or ")
    }

    pub(super) fn shows_certificate(self) -> bool {
        matches!(self, Self::Tls | Self::SelfSignedTls)
    }
}
