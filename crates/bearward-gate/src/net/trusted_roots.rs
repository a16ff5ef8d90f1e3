//! Certificate authorities of an issuer.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::secrets::{Rotating, Secret};

/// Certificate authorities that are trusted in place of the machine's own, for example those of a cluster.
///
/// A file is read again when it changes, because clusters renew their authorities; if the new content cannot be used, the last
/// good ones stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoots(Rotating<1, Arc<WebPkiServerVerifier>, TrustedRootsError>);

/// Why a text cannot be used as certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedRootsError {
    /// It holds no certificate, or something else.
    #[error("no certificate authority: expected certificates in PEM (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
}

impl TrustedRoots {
    /// Reads the certificates of authorities, in PEM.
    ///
    /// # Errors
    ///
    /// [`TrustedRootsError`] if the text holds no certificate, or something else.
    pub fn new(pem: Secret) -> Result<Self, TrustedRootsError> {
        Rotating::new("certificate authorities", [pem], |[pem]| verifier(pem)).map(Self)
    }
}

fn verifier(pem: &str) -> Result<Arc<WebPkiServerVerifier>, TrustedRootsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
        added.ok_or(TrustedRootsError::NoCertificate)?;
    }
    // Given explicitly, never the process-wide default, as everywhere in this crate.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|_| TrustedRootsError::NoCertificate)
}

/// Checks as rustls itself does, with the current authorities.
impl ServerCertVerifier for TrustedRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.get().verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.get().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.get().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.get().supported_verify_schemes()
    }
}
