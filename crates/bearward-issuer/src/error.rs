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
    /// There is nothing to sign with.
    #[error("the issuer needs at least one signing algorithm")]
    NoAlgorithm,
    /// A resource server identifier is empty or there twice.
    #[error("resource server identifier {0:?} is empty or there twice")]
    ResourceServer(String),
    /// A scope is not a `scope-token` of RFC 6749 3.3.
    #[error("{0:?} is not a scope: printable ASCII without space, quote or backslash")]
    ScopeName(String),
    /// A client identifier is empty, not printable ASCII, or there twice.
    #[error("client_id {0:?} is empty, not printable ASCII, or there twice")]
    ClientId(String),
    /// An application without a secret; public clients are not supported.
    #[error("application {client_id:?} has an empty secret")]
    EmptySecret {
        /// Of the application.
        client_id: String,
    },
    /// A lifetime of nothing, or of more than [`Application::MAX_LIFETIME`].
    #[error(
        "application {client_id:?} has a lifetime of {lifetime} s; it must be from 1 to {} s",
        Application::MAX_LIFETIME
    )]
    Lifetime {
        /// Of the application.
        client_id: String,
        /// In seconds.
        lifetime: u64,
    },
    /// An application is linked to a resource server that does not exist.
    #[error("application {client_id:?} is linked to an unknown resource server {identifier:?}")]
    UnknownResourceServer {
        /// Of the application.
        client_id: String,
        /// Of the missing resource server.
        identifier: String,
    },
    /// An application is allowed what its resource server does not have, or has no resource server.
    #[error("application {client_id:?} is allowed {scope:?}, which is no scope of its resource server")]
    UnknownScope {
        /// Of the application.
        client_id: String,
        /// The scope in question.
        scope: String,
    },
    /// Keys could not be made.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
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
