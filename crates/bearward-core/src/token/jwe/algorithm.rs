//! The algorithms of encrypted tokens (RFC 7518, 4.1 and 5.1; RFC 8037, 3.2).
//!
//! RSA1_5 and PBES2 cannot be named. Neither can RSA-OAEP with SHA-1, the 192-bit family and AES-GCM key wrap, which
//! no issuer needs that can choose.

use crate::Reason;

/// How the content encryption key comes: the header's `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyManagement {
    RsaOaep256,
    /// With or without a key wrap on top of the agreed key.
    EcdhEs(Option<KeyWrap>),
    KeyWrap(KeyWrap),
    Direct,
}

impl KeyManagement {
    /// Case matters (RFC 7516, 4.1.1).
    pub(super) fn parse(name: &str) -> Result<Self, Reason> {
        match name {
            "RSA-OAEP-256" => Ok(Self::RsaOaep256),
            "ECDH-ES" => Ok(Self::EcdhEs(None)),
            "ECDH-ES+A128KW" => Ok(Self::EcdhEs(Some(KeyWrap::A128))),
            "ECDH-ES+A256KW" => Ok(Self::EcdhEs(Some(KeyWrap::A256))),
            "A128KW" => Ok(Self::KeyWrap(KeyWrap::A128)),
            "A256KW" => Ok(Self::KeyWrap(KeyWrap::A256)),
            "dir" => Ok(Self::Direct),
            _ => Err(Reason::AlgorithmRefused),
        }
    }
}

/// AES key wrap (RFC 3394) with its default initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyWrap {
    A128,
    A256,
}

impl KeyWrap {
    /// In bytes.
    pub(super) fn key_length(self) -> usize {
        match self {
            Self::A128 => 16,
            Self::A256 => 32,
        }
    }
}

/// How the content is encrypted: the header's `enc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    A128Gcm,
    A256Gcm,
    A128CbcHs256,
    A256CbcHs512,
}

impl Encryption {
    pub(super) const ALL: [Self; 4] = [Self::A128Gcm, Self::A256Gcm, Self::A128CbcHs256, Self::A256CbcHs512];

    /// Case matters (RFC 7516, 4.1.2).
    pub(super) fn parse(name: &str) -> Result<Self, Reason> {
        Self::ALL.into_iter().find(|encryption| encryption.name() == name).ok_or(Reason::AlgorithmRefused)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
        }
    }

    /// In bytes. Those with HMAC take two keys in one (RFC 7518, 5.2.2.1).
    pub(super) fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }
}
