//! How the gateway shows an issuer who it is, where it asks about tokens (RFC 7662, 2.1).
//!
//! Everything that is made of a file is made when the settings are, so that a key that cannot be used is told before
//! anything starts; and made anew when the file changes, so that rotating it needs no restart.

mod assertion;
mod certificate;
mod signing_key;

use bearward_core::{Algorithm, Scope};

pub(crate) use self::assertion::Statement;
pub use self::assertion::{AssertionAudience, PrivateKeyJwt, SecretJwt};
pub use self::certificate::ClientCertificate;
use crate::secrets::Secret;

/// How the gateway proves at the introspection endpoint that it may ask.
///
/// RFC 7662 knows no way to ask unproved: an endpoint that answers anybody lets anybody try tokens (section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntrospectionAuth {
    /// As a client of the issuer, with each question.
    Client(ClientAuth),
    /// With an access token that somebody else obtains and renews: `Authorization: Bearer`. One in a file is read again
    /// when the file changes.
    Bearer(Secret),
    /// With an access token that the gateway obtains itself.
    ClientCredentials(ClientCredentials),
    /// Not at all, which only [`IntrospectionKind::GoogleTokeninfo`](crate::IntrospectionKind::GoogleTokeninfo) may have:
    /// it answers anybody.
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
    /// `client_secret_jwt`: an assertion signed with the secret (RFC 7523, 2.2), which itself is never sent.
    SecretJwt(SecretJwt),
    /// `private_key_jwt`: an assertion signed with a private key (RFC 7523, 2.2).
    PrivateKeyJwt(PrivateKeyJwt),
    /// An assertion that somebody else makes and renews (RFC 7523, 2.2): the file of a Kubernetes service account token
    /// that is projected for the issuer's audience, say.
    Assertion(Secret),
    /// `tls_client_auth` and `self_signed_tls_client_auth`: a certificate in the TLS handshake (RFC 8705, 2). What tells
    /// the two apart is how the issuer checks it.
    Certificate(ClientCertificate),
}

/// An access token for the gateway itself, by the client credentials grant (RFC 6749, 4.4).
///
/// It is kept until shortly before it expires, and asked for once however many questions wait for it. An issuer that
/// refuses it earlier, with 401, is given a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCredentials {
    /// How the gateway authenticates itself at the token endpoint.
    pub auth: ClientAuth,
    /// The token endpoint; `None` takes it from the issuer's metadata.
    pub token_url: Option<String>,
    /// The scopes to ask for; empty: those that the issuer gives unasked.
    pub scopes: Vec<Scope>,
    /// The `resource` to ask for (RFC 8707); empty: none.
    pub resources: Vec<String>,
}

/// Why a secret, a key or a certificate cannot be used. The messages say what is expected and show nothing of the
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientAuthError {
    /// Neither PEM nor a JWK.
    #[error("no private key: expected PEM (`-----BEGIN PRIVATE KEY-----`) or one private JWK (RFC 7517)")]
    NoKey,
    /// A key with a passphrase, which nobody is there to type.
    #[error("the private key is encrypted: decrypt it with `openssl pkcs8 -in FILE -out FILE.new`, and guard the file")]
    Encrypted,
    /// PEM of another kind than PKCS #8.
    #[error("not a PKCS #8 key: convert it with `openssl pkcs8 -topk8 -nocrypt -in FILE -out FILE.new`")]
    NotPkcs8,
    /// A JWK that lacks a member, has one of the wrong type or twice, or is for something else than signing.
    #[error(
        "not a private signing JWK: members `kty`, and `crv`, `d`, `x`, `y` or `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi`"
    )]
    NotAJwk,
    /// A key that no supported algorithm signs with.
    #[error("an unsupported private key: EC on P-256 or P-384, Ed25519, and RSA of 2048 to 8192 bits are supported")]
    UnsupportedKey,
    /// The algorithm asked for is not one that this key signs with.
    #[error(
        "the private key does not sign with {0}: EC keys use ES256 or ES384, by their curve, Ed25519 keys EdDSA, RSA keys RS256 or PS256"
    )]
    WrongAlgorithm(Algorithm),
    /// A secret that is too short to sign with.
    #[error("the client secret is shorter than the 32 bytes that HS256 needs (RFC 7518, 3.2)")]
    SecretTooShort,
    /// Not a certificate chain in PEM.
    #[error("no certificate: expected PEM (`-----BEGIN CERTIFICATE-----`), the client's own first")]
    NoCertificate,
    /// The private key is not that of the certificate.
    #[error("the private key does not belong to the certificate; the client's own certificate must be the first")]
    KeyOfAnotherCertificate,
}

impl ClientCredentials {
    /// A token that the client obtains as `auth` says, at the token endpoint that the issuer's metadata names, with the
    /// scopes that the issuer gives unasked.
    pub fn new(auth: ClientAuth) -> Self {
        Self { auth, token_url: None, scopes: Vec::new(), resources: Vec::new() }
    }
}

impl IntrospectionAuth {
    /// How the gateway authenticates itself as a client, be it to introspect or to obtain a token for that.
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
