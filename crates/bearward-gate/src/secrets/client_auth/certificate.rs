//! The certificate by which a client authenticates itself in the TLS handshake (RFC 8705, 2).

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::ClientAuthError;
use crate::secrets::{Rotating, Secret};

/// A client certificate with its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate(Rotating<2, Arc<CertifiedKey>, ClientAuthError>);

impl ClientCertificate {
    /// Reads the certificate chain, the client's own first, and its private key, both in PEM. Files are read again when they
    /// change. Until both have changed, the last matching pair stays in use.
    ///
    /// # Errors
    ///
    /// A [`ClientAuthError`] when one of the two cannot be used, or they do not belong together.
    pub fn new(chain: Secret, key: Secret) -> Result<Self, ClientAuthError> {
        Rotating::new("client certificate", [chain, key], |[chain, key]| parse(chain, key)).map(Self)
    }

    /// The certificate as it is now; the same one until it changes.
    pub(crate) fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.get())
    }
}

fn parse(chain: &str, key: &str) -> Result<Arc<CertifiedKey>, ClientAuthError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| ClientAuthError::NoCertificate)?;
    if chain.is_empty() {
        return Err(ClientAuthError::NoCertificate);
    }
    let encrypted = key.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || key.contains("\nProc-Type: 4,ENCRYPTED");
    if encrypted {
        return Err(ClientAuthError::Encrypted);
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| ClientAuthError::NoKey)?;
    match CertifiedKey::from_der(chain, key, &default_provider()) {
        Ok(certified) => Ok(Arc::new(certified)),
        Err(rustls::Error::InconsistentKeys(_)) => Err(ClientAuthError::KeyOfAnotherCertificate),
        Err(rustls::Error::InvalidCertificate(_)) => Err(ClientAuthError::NoCertificate),
        Err(_) => Err(ClientAuthError::UnsupportedKey),
    }
}
