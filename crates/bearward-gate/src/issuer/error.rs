//! The errors of fetching an issuer's metadata and keys.

use std::sync::Arc;
use std::time::Duration;

use bearward_core::KeySetError;

use crate::settings::KeyFileError;

/// Why an issuer's metadata or keys cannot be fetched, for operators. Addresses are shown without their query.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The fetch did not finish in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// An address gave no usable answer.
    #[error("{address}: {why}")]
    NoAnswer {
        /// The address.
        address: String,
        /// What happened: a status, or an error of the connection.
        why: String,
    },
    /// The answer is not the metadata of an issuer.
    #[error("{address}: not an issuer's metadata: expected JSON with `issuer`")]
    NotMetadata {
        /// The address.
        address: String,
    },
    /// The metadata names another issuer than the configured one (RFC 8414, 3.3).
    #[error(
        "{address}: the metadata is of the issuer `{named}`, but `{configured}` is configured (they must be identical, \
         including a slash at the end; if the issuer has another address than its name, set `discovery_url`)"
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
    /// Neither of the two well-known addresses has the metadata; the errors of both.
    #[error("{0}; {1}")]
    Both(Box<IssuerError>, Box<IssuerError>),
    /// The metadata lacks an endpoint that is needed.
    #[error("the issuer's metadata names no `{endpoint}`{purpose}; set `{setting}`")]
    NoEndpoint {
        /// The member of the metadata.
        endpoint: &'static str,
        /// What it is needed for; may be empty.
        purpose: &'static str,
        /// The setting that replaces it.
        setting: &'static str,
    },
    /// The answer is not a key set.
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
    #[error("the issuer's key set holds no key that can verify a token ({skipped} skipped)")]
    NoUsableKey {
        /// How many keys were skipped.
        skipped: usize,
    },
    /// The fetch ended without a result, because of a defect in the gateway.
    #[error("the fetch ended without a result")]
    Lost,
}
