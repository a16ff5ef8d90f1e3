//! The signature algorithms (RFC 7518, 3.1; RFC 8037; RFC 9864).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{self, RsaParameters, VerificationAlgorithm};

/// A signature algorithm that a token may use.
///
/// Asymmetric ones only: `none` and the `HS` family cannot be named, so no confusion of a public key with a secret can
/// be expressed (RFC 8725, 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519, named `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864).
    EdDsa,
}

/// A name that is no algorithm of [`Algorithm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a supported signature algorithm; one of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA")]
pub struct UnknownAlgorithm;

/// The parameters by which aws-lc-rs knows an algorithm.
pub(crate) enum Parameters {
    Rsa(&'static RsaParameters),
    Other(&'static dyn VerificationAlgorithm),
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The JOSE name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn parameters(self) -> Parameters {
        match self {
            Self::Rs256 => Parameters::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Parameters::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Parameters::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Parameters::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Parameters::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Parameters::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Parameters::Other(&signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Parameters::Other(&signature::ECDSA_P384_SHA384_FIXED),
            Self::Es512 => Parameters::Other(&signature::ECDSA_P521_SHA512_FIXED),
            Self::EdDsa => Parameters::Other(&signature::ED25519),
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Reads a JOSE name; case matters (RFC 7515, 4.1.1).
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        if name == "Ed25519" {
            return Ok(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
