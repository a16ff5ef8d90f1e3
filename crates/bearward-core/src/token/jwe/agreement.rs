//! ECDH-ES (RFC 7518, 4.6; RFC 8037, 3.2): a key agreed between the sender's ephemeral key and ours.

use aws_lc_rs::agreement::{self, Algorithm, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};

use super::algorithm::{Encryption, KeyWrap};

/// A curve that keys are agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
    X25519,
}

impl Curve {
    pub(super) fn parse(kty: &str, crv: &str) -> Option<Self> {
        match (kty, crv) {
            ("EC", "P-256") => Some(Self::P256),
            ("EC", "P-384") => Some(Self::P384),
            ("EC", "P-521") => Some(Self::P521),
            ("OKP", "X25519") => Some(Self::X25519),
            _ => None,
        }
    }

    pub(super) fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
            Self::P521 => &agreement::ECDH_P521,
            Self::X25519 => &agreement::X25519,
        }
    }

    /// The length of a coordinate and of a private key in bytes. It is fixed (RFC 7518, 6.2.1.2 and 6.2.2.1).
    pub(super) fn length(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Whether a public key has two coordinates.
    pub(super) fn has_y(self) -> bool {
        self != Self::X25519
    }

    /// A public key as aws-lc-rs takes it: an uncompressed point (SEC 1, 2.3.3), or the bytes of X25519. `None` if a
    /// coordinate has the wrong length, so that no other encoding of a key can be meant.
    pub(super) fn point(self, x: &[u8], y: Option<&[u8]>) -> Option<Vec<u8>> {
        let fits = |coordinate: &[u8]| coordinate.len() == self.length();
        match y {
            Some(y) if self.has_y() && fits(x) && fits(y) => Some([&[4], x, y].concat()),
            None if !self.has_y() && fits(x) => Some(x.to_vec()),
            _ => None,
        }
    }
}

/// The sender's ephemeral public key. Not yet known to be a point of its curve.
pub(super) struct PeerKey {
    pub(super) curve: Curve,
    pub(super) point: Vec<u8>,
}

/// What the agreed key is used for, which goes into it so that it cannot be used for anything else.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Content(Encryption),
    Wrap(KeyWrap),
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Content(encryption) => encryption.name(),
            Self::Wrap(KeyWrap::A128) => "ECDH-ES+A128KW",
            Self::Wrap(KeyWrap::A256) => "ECDH-ES+A256KW",
        }
    }
}

/// Agrees on a key of the length of `out`. It fails for a point that is not on the curve, and for one of small order, which
/// would make the shared secret a value that is known to all.
pub(super) fn derive(
    ours: &PrivateKey,
    theirs: &PeerKey,
    purpose: Purpose,
    parties: &[Vec<u8>; 2],
    out: &mut [u8],
) -> Result<(), Unspecified> {
    let theirs = UnparsedPublicKey::new(theirs.curve.algorithm(), &theirs.point);
    agree(ours, theirs, Unspecified, |secret| concat_kdf(secret, purpose, parties, out))
}

/// The Concat KDF with SHA-256 (RFC 7518, 4.6.2), which NIST SP 800-56C calls the one-step key derivation.
fn concat_kdf(secret: &[u8], purpose: Purpose, [apu, apv]: &[Vec<u8>; 2], out: &mut [u8]) -> Result<(), Unspecified> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| Unspecified);
    let mut info = Vec::new();
    for data in [purpose.name().as_bytes(), apu, apv] {
        info.extend(length(data)?.to_be_bytes());
        info.extend(data);
    }
    info.extend(length(out)?.checked_mul(8).ok_or(Unspecified)?.to_be_bytes());
    let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).ok_or(Unspecified)?;
    sskdf_digest(sha256, secret, &info, out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    // RFC 7518, appendix C, from the side of Bob, who is the one that decrypts.
    #[test]
    fn the_example_of_rfc_7518() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let bob = decode("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
        let bob = PrivateKey::from_private_key(&agreement::ECDH_P256, &bob).unwrap();
        let x = decode("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0");
        let y = decode("SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps");
        let alice = PeerKey { curve: Curve::P256, point: Curve::P256.point(&x, Some(&y)).unwrap() };

        let mut key = [0; 16];
        let parties = [b"Alice".to_vec(), b"Bob".to_vec()];
        derive(&bob, &alice, Purpose::Content(Encryption::A128Gcm), &parties, &mut key).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(key), "VqqN6vgjbSBcIijNcacQGg");
    }

    // RFC 8037, appendix A.6 with the keys of RFC 7748, 6.1.
    #[test]
    fn the_example_of_rfc_8037() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let bob = PrivateKey::from_private_key(&agreement::X25519, &bob).unwrap();
        let x = URL_SAFE_NO_PAD.decode("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo").unwrap();
        let theirs = UnparsedPublicKey::new(Curve::X25519.algorithm(), Curve::X25519.point(&x, None).unwrap());
        let secret = agree(&bob, theirs, Unspecified, |secret| Ok(secret.to_vec())).unwrap();
        assert_eq!(secret, hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
    }
}
