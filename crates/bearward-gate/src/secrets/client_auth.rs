//! How the gateway authenticates to an issuer for introspection (RFC 7662, 2.1).
//!
//! Keys and certificates are parsed with the settings, so that an unusable one is an error before anything starts. They are
//! parsed again when their file changes, so that a rotation needs no restart.

mod assertion;
mod certificate;
mod signing_key;

use bearward_core::{Algorithm, Scope};

pub(crate) use self::assertion::AssertionInput;
pub use self::assertion::{AssertionAudience, ClientAssertion, PrivateKeyJwt, SecretJwt};
pub use self::certificate::ClientCertificate;
use crate::secrets::{Credentials, Secret};

/// How the gateway authenticates to the introspection endpoint.
///
/// RFC 7662 requires authentication: an open endpoint lets attackers try tokens (section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionAuth {
    /// As a client of the issuer, with each request.
    Client(ClientAuth),
    /// With an access token that another program obtains and renews: `Authorization: Bearer`. A file is read again when it
    /// changes.
    Bearer(Credentials),
    /// With an access token that the gateway obtains itself.
    ClientCredentials(ClientCredentials),
    /// Without authentication. Only for [`IntrospectionKind::GoogleTokeninfo`](crate::IntrospectionKind::GoogleTokeninfo),
    /// which has none.
    Anonymous,
}

/// How the gateway authenticates itself as a client (RFC 6749, 2.3), by the registered names of the methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `client_secret_basic`: the secret in the `Authorization` header (RFC 6749, 2.3.1).
    Basic(Secret),
    /// `client_secret_post`: the secret in the form (RFC 6749, 2.3.1).
    Post(Secret),
    /// `client_secret_jwt`: an assertion signed with the secret (RFC 7523, 2.2). The secret itself is never sent.
    SecretJwt(SecretJwt),
    /// `private_key_jwt`: an assertion signed with a private key (RFC 7523, 2.2).
    PrivateKeyJwt(PrivateKeyJwt),
    /// An assertion that another program makes and renews (RFC 7523, 2.2), for example a Kubernetes service account token that
    /// is projected for the issuer's audience.
    Assertion(ClientAssertion),
    /// `tls_client_auth` and `self_signed_tls_client_auth`: a certificate in the TLS handshake (RFC 8705, 2). The two differ
    /// only in how the issuer checks it.
    Certificate(ClientCertificate),
}

/// An access token for the gateway itself, by the client credentials grant (RFC 6749, 4.4).
///
/// The token is kept until shortly before it expires, and requested once however many introspections wait for it. If the
/// issuer refuses it earlier, with 401, the gateway requests a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCredentials {
    /// How the gateway authenticates itself at the token endpoint.
    pub auth: ClientAuth,
    /// The token endpoint; `None` means the one in the issuer's metadata.
    pub token_url: Option<String>,
    /// The scopes to request. Empty requests none, and the issuer grants its default.
    pub scopes: Vec<Scope>,
    /// The `resource` parameters to send (RFC 8707).
    pub resources: Vec<String>,
}

/// Why a secret, a key or a certificate cannot be used. The messages say what is expected and never show the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientAuthError {
    /// The text is neither PEM nor a JWK.
    #[error("no private key: expected PEM (`-----BEGIN PRIVATE KEY-----`) or one private JWK (RFC 7517)")]
    NoKey,
    /// The key is encrypted with a passphrase.
    #[error("the private key is encrypted: decrypt it with `openssl pkcs8 -in FILE -out FILE.new`, and guard the file")]
    Encrypted,
    /// The PEM is not PKCS #8.
    #[error("not a PKCS #8 key: convert it with `openssl pkcs8 -topk8 -nocrypt -in FILE -out FILE.new`")]
    NotPkcs8,
    /// The JWK lacks a member, has one twice or of the wrong type, or is not for signing.
    #[error(
        "not a private signing JWK: members `kty`, and `crv`, `d`, `x`, `y` or `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi`"
    )]
    NotAJwk,
    /// No supported algorithm signs with this key.
    #[error("an unsupported private key: EC on P-256 or P-384, Ed25519, and RSA of 2048 to 8192 bits are supported")]
    UnsupportedKey,
    /// The key does not sign with the configured algorithm.
    #[error(
        "the private key does not sign with {0}: EC keys use ES256 or ES384, by their curve, Ed25519 keys EdDSA, RSA keys RS256 or PS256"
    )]
    WrongAlgorithm(Algorithm),
    /// The secret is too short to sign with.
    #[error("the client secret is shorter than the 32 bytes that HS256 needs (RFC 7518, 3.2)")]
    SecretTooShort,
    /// The text is not a signed JWT.
    #[error("not a JWT: expected one assertion and nothing else, in one line")]
    NotAnAssertion,
    /// The text is not a certificate chain in PEM.
    #[error("no certificate: expected PEM (`-----BEGIN CERTIFICATE-----`), the client's own first")]
    NoCertificate,
    /// The private key does not belong to the certificate.
    #[error("the private key does not belong to the certificate; the client's own certificate must be the first")]
    KeyOfAnotherCertificate,
}

impl ClientCredentials {
    /// A token for the client that authenticates by `auth`, from the token endpoint in the issuer's metadata, without `scope` and
    /// `resource`.
    pub fn new(auth: ClientAuth) -> Self {
        Self { auth, token_url: None, scopes: Vec::new(), resources: Vec::new() }
    }
}

impl IntrospectionAuth {
    /// How the gateway authenticates as a client, to introspect or to obtain a token for that.
    pub(crate) fn client(&self) -> Option<&ClientAuth> {
        match self {
            Self::Client(auth) | Self::ClientCredentials(ClientCredentials { auth, .. }) => Some(auth),
            Self::Bearer(_) | Self::Anonymous => None,
        }
    }

    /// The certificate to connect with.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        match self.client() {
            Some(ClientAuth::Certificate(certificate)) => Some(certificate),
            _ => None,
        }
    }

    /// The token endpoint, where one is configured.
    pub(crate) fn token_url(&self) -> Option<&str> {
        match self {
            Self::ClientCredentials(grant) => grant.token_url.as_deref(),
            Self::Client(_) | Self::Bearer(_) | Self::Anonymous => None,
        }
    }

    /// Whether a token endpoint is needed and not configured.
    pub(crate) fn discovers_token_endpoint(&self) -> bool {
        matches!(self, Self::ClientCredentials(ClientCredentials { token_url: None, .. }))
    }
}

impl From<ClientAuth> for IntrospectionAuth {
    fn from(auth: ClientAuth) -> Self {
        Self::Client(auth)
    }
}
