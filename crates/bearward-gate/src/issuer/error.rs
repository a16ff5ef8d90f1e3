//! Why an issuer's metadata or keys cannot be had.

use std::sync::Arc;
use std::time::Duration;

use bearward_core::KeySetError;

use crate::settings::KeyFileError;

/// Why an issuer's metadata or keys cannot be had, for the person who runs the gateway. Addresses are shown without their
/// query.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// Not all that is needed came in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// An address gave no usable answer.
    #[error("{address}: {why}")]
    NoAnswer {
        /// The address.
        address: String,
        /// What happened: a status, or what the connection came to.
        why: String,
    },
    /// What came is not the metadata of an issuer.
    #[error("{address}: not an issuer's metadata: expected JSON with `issuer`")]
    NotMetadata {
        /// The address.
        address: String,
    },
    /// The metadata names another issuer than the configured one (RFC 8414, 3.3).
    #[error(
        "{address}: the metadata is of another issuer: `{named}`, configured is `{configured}` (they must be identical, a \
         slash at the end included; where the issuer is reached by another address than its name, set `discovery_url`)"
    )]
    OtherIssuer {
        /// The address of the metadata.
        address: String,
        /// The issuer that it names.
        named: String,
        /// The issuer that is configured.
        configured: String,
    },
    /// The metadata names an endpoint that the gateway may not connect to.
    #[error("{address}: the metadata names `{url}`, which is not https, or has a user name")]
    UnacceptableEndpoint {
        /// The address of the metadata.
        address: String,
        /// The endpoint.
        url: String,
    },
    /// Neither of the two well-known addresses has the metadata.
    #[error("{0}; {1}")]
    Both(Box<IssuerError>, Box<IssuerError>),
    /// The metadata lacks an endpoint that is needed.
    #[error("the issuer's metadata names no `{endpoint}`{purpose}; set `{setting}`")]
    NoEndpoint {
        /// The member of the metadata.
        endpoint: &'static str,
        /// What it is needed for, where that is not plain.
        purpose: &'static str,
        /// The setting that stands for it.
        setting: &'static str,
    },
    /// What came is not a key set.
    #[error("{address}: {why}")]
    NotAKeySet {
        /// The address.
        address: String,
        /// What is wrong with it.
        why: KeySetError,
    },
    /// The file of keys cannot be used.
    #[error("{path}: {why}")]
    KeyFile {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: Arc<KeyFileError>,
    },
    /// The key set holds no key that can verify a token.
    #[error("the issuer's key set holds no key that can verify a token ({skipped} left out)")]
    NoUsableKey {
        /// How many keys were left out.
        skipped: usize,
    },
    /// A fault of the gateway's own ended the fetch.
    #[error("the fetch ended without a result")]
    Lost,
}
