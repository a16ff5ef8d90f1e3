//! Certificates, made where they are needed.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = named("authority", []);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate in PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for this name.
    pub(crate) fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity { certificate: named(name, [name.to_owned()]).signed_by(&key, &self.issuer).unwrap(), key }
    }
}

/// A certificate and its private key.
pub(crate) struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Identity {
    /// One that nobody vouches for.
    pub(crate) fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: named(name, [name.to_owned()]).self_signed(&key).unwrap(), key }
    }

    /// The certificate in PEM.
    pub(crate) fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// The private key in PEM.
    pub(crate) fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// The public key with its certificate as a JWK (RFC 7517, 4.7), as a client registers it.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.key.public_key_raw(); // 0x04, x, y: SEC 1, 2.3.3
        json!({
            "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]), "x5c": [STANDARD.encode(self.certificate.der())],
        })
    }
}

fn named(name: &str, alternatives: impl Into<Vec<String>>) -> CertificateParams {
    let mut params = CertificateParams::new(alternatives).unwrap();
    // Without a name of their own all of them would be of one subject, and so look as if they had signed themselves.
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
