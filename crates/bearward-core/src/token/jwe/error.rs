//! What can be wrong with the operator's decryption keys.

/// Why a file of decryption keys cannot be used. It names the key and the member, and never shows a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptionKeysError {
    /// Not one strict JSON object with either `kty` or an array `keys`.
    #[error(
        "not a JWK or JWK set: expected a JSON object with `kty` or with an array `keys`, and no member twice (RFC 7517)"
    )]
    NotAKeySet,
    /// An empty set.
    #[error("a JWK set without a key")]
    NoKeys,
    /// More keys than one gateway has.
    #[error("a JWK set of more than 16 keys")]
    TooManyKeys,
    /// A key that cannot be used.
    #[error("{key}: `{member}`: {why}")]
    Key {
        /// Which key: by its `kid`, or by its place in the set.
        key: String,
        /// The member at fault.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}
