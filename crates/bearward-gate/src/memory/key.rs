//! A token's place in memory.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// One prover of this process: an issuer with the rules, keys and client by which its tokens are proved. A prover whose
/// settings change is another one, and so has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProverId(pub(crate) u64);

/// One prover set of this process: all that an answer about a token depends on beside the token. One that changes, or that no
/// configuration had for a while, is another one, and so has another number: what was refused meanwhile, only the sets of that
/// time have forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ProverSetId(pub(crate) u64);

/// SHA-256 of a token, and the prover set that it is put to. It holds no token, and answers of different issuers, rules,
/// introspection clients and kinds of proof never meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    token: [u8; 32],
    provers: ProverSetId,
}

impl Key {
    pub(crate) fn of(token: &str, provers: ProverSetId) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self { token: hash, provers }
    }

    /// The token alone, whichever provers it is put to.
    pub(crate) fn token(&self) -> [u8; 32] {
        self.token
    }

    /// The key of no token, for tests that need many.
    #[cfg(test)]
    pub(crate) fn numbered(n: u64, provers: ProverSetId) -> Self {
        let mut token = [0; 32];
        token.iter_mut().zip(n.to_be_bytes()).for_each(|(byte, digit)| *byte = digit);
        Self { token, provers }
    }

    /// The same token, put to another set.
    pub(crate) fn put_to(self, provers: ProverSetId) -> Self {
        Self { provers, ..self }
    }
}

/// Not the token's hash: by it, a token that is known elsewhere could be found again.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_of_different_tokens_and_provers_never_meet() {
        let sets = [1, 2].map(ProverSetId);
        let keys: HashSet<_> = sets.iter().flat_map(|set| ["", "t", "u"].map(|token| Key::of(token, *set))).collect();
        assert_eq!(keys.len(), 3 * sets.len());
        assert_eq!(Key::of("t", sets[0]), Key::of("t", sets[0]));
        assert_eq!(Key::of("t", sets[0]).put_to(sets[1]), Key::of("t", sets[1]));
    }
}
