//! What can go wrong in the Rust API. Answers to HTTP requests are in `endpoints::error`.

use std::{io, net::SocketAddr};

use crate::{Application, SigningAlgorithm};

/// Why an issuer cannot be built. Nothing was bound or generated, except where it says [`Self::Crypto`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A development issuer stays on this machine, unless `allow_non_loopback` says otherwise.
    #[error(
        "refusing to listen on {0}, which others can reach: this issuer is for development and hands out any token; \
         listen on 127.0.0.1, or say allow_non_loopback"
    )]
    NotLoopback(SocketAddr),
    /// No URL was given, and none follows from the address.
    #[error("the issuer needs a URL: {0} does not tell by which name it is reached")]
    NoUrl(SocketAddr),
    /// The URL cannot be an issuer identifier here.
    #[error("{url:?} cannot be the issuer URL: {problem}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is nothing to sign with, or an algorithm is there twice.
    #[error("the issuer needs at least one signing algorithm, and each once")]
    Algorithms,
    /// A resource server identifier is empty or there twice.
    #[error("resource server identifier {0:?} is empty or there twice")]
    ResourceServer(String),
    /// A scope is not a `scope-token` of RFC 6749 3.3.
    #[error("{0:?} is not a scope: printable ASCII without space, quote or backslash")]
    ScopeName(String),
    /// A person's subject is empty, too long, not visible ASCII, or there twice.
    #[error("subject {0:?} is empty, longer than 255 characters, not visible ASCII, or there twice")]
    Subject(String),
    /// A person's role holds what no resource server has.
    #[error("person {subject:?}: no resource server has the scope {scope:?}")]
    Role {
        /// Of the person.
        subject: String,
        /// The scope.
        scope: String,
    },
    /// A client identifier cannot stand in a URL as it is, or is there twice.
    #[error("client_id {0:?} is there twice, or not 1 to 128 of the characters A-Z a-z 0-9 - . _ ~")]
    ClientId(String),
    /// The properties of an application contradict each other, or the rest.
    #[error("application {client_id:?}: {problem}")]
    Application {
        /// Of the application.
        client_id: String,
        /// The contradiction.
        problem: ApplicationError,
    },
    /// Keys could not be made.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Which properties of an application do not go together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// A confidential client must prove who it is (RFC 6749 2.3).
    #[error("a confidential client must authenticate; `none` is for public ones")]
    ConfidentialWithoutProof,
    /// A public client has nothing to prove itself with (RFC 6749 2.1).
    #[error("a public client cannot keep what {0} needs")]
    PublicAuthenticates(&'static str),
    /// An empty secret proves nothing.
    #[error("the secret is empty")]
    EmptySecret,
    /// RFC 6749 4.4: the grant is for confidential clients alone.
    #[error("a public client cannot have client_credentials")]
    PublicClientCredentials,
    /// OpenID Connect is about a person, and client credentials know none.
    #[error("an OpenID Connect application cannot have client_credentials: there is no person to identify")]
    OidcClientCredentials,
    /// OpenID Connect without a sign-in.
    #[error("an OpenID Connect application needs authorization_code")]
    OidcWithoutCode,
    /// Refresh tokens continue what a person allowed.
    #[error("refresh_token needs authorization_code: with its own credentials a client simply asks again")]
    RefreshWithoutCode,
    /// RFC 9700 2.1.1: PKCE is all that protects the code of a public client.
    #[error("a public client cannot do without PKCE")]
    PublicWithoutPkce,
    /// The authorization code flow and redirect URIs go together.
    #[error("authorization_code needs redirect_uris, and nothing else has a use for them")]
    RedirectUris,
    /// A redirect URI that cannot be registered.
    #[error("redirect_uri {uri:?}: {problem}")]
    RedirectUri {
        /// As given.
        uri: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A lifetime of nothing, or of more than [`Application::MAX_LIFETIME`].
    #[error("the lifetime is {0} s; it must be from 1 to {max} s", max = Application::MAX_LIFETIME)]
    Lifetime(u64),
    /// Two links to one resource server: its tokens would name it twice.
    #[error("it is linked to the resource server {0:?} twice")]
    RepeatedResourceServer(String),
    /// A link to a resource server that does not exist.
    #[error("there is no resource server {0:?}")]
    UnknownResourceServer(String),
    /// It is allowed what none of its resource servers has, or has no resource server, or is allowed it twice.
    #[error("{0:?} is no scope of its resource server, or is there twice")]
    Scope(String),
}

/// Why an issuer cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// It cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// As asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a token cannot be minted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// There is no application of that client identifier.
    #[error("there is no application {0:?}")]
    UnknownApplication(String),
    /// No application was named and none may ask for tokens.
    #[error("no application of this issuer may ask for tokens")]
    NoApplication,
    /// The scope is no space-separated list of RFC 6749 3.3.
    #[error("the scope is not a list of names with one space between them")]
    Scope,
    /// The issuer has no key for that algorithm.
    #[error("this issuer has no {} key", .0.name())]
    Algorithm(SigningAlgorithm),
    /// A referential token is encrypted, never signed, so there is no unsigned one.
    #[error("a referential token has no signature to leave out")]
    UnsignedReferential,
    /// Signing or encrypting failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Why the signing keys cannot be rotated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// The published key set has a bound.
    #[error("too many old keys are still published: retire them first")]
    TooManyKeys,
    /// No key could be generated.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// The cryptography failed, which it has no reason to: it says no more, so that nothing of a key can leak.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoError;

impl From<aws_lc_rs::error::Unspecified> for CryptoError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl From<jsonwebtoken::errors::Error> for CryptoError {
    fn from(_: jsonwebtoken::errors::Error) -> Self {
        Self
    }
}

impl From<serde_json::Error> for CryptoError {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}
