//! A token's place in memory.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};

/// One prover of this process: an issuer with the rules, keys and client by which its tokens are proved. A prover whose
/// settings change is another one, and so has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProverId(pub(crate) u64);

/// All that an answer about a token depends on beside the token: the provers that a route asks, in their order, which of them
/// answers for referential tokens, and the identity headers that are rendered of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ProverSetId([u8; 16]);

impl ProverSetId {
    /// `identity` is the number of the identity headers, which is another one when they change.
    pub(crate) fn new(
        provers: impl IntoIterator<Item = ProverId>,
        referential: Option<ProverId>,
        identity: u64,
    ) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&identity.to_be_bytes());
        // Numbers begin at one, so zero is none of them.
        context.update(&referential.map_or(0, |prover| prover.0).to_be_bytes());
        for prover in provers {
            context.update(&prover.0.to_be_bytes());
        }
        let mut id = [0; 16];
        // SHA-256 gives 32 bytes; the half of it is as many as 128 bits need.
        id.iter_mut().zip(context.finish().as_ref()).for_each(|(byte, hash)| *byte = *hash);
        Self(id)
    }
}

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
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_of_different_tokens_and_provers_never_meet() {
        let set = |provers: &[u64], referential: Option<u64>, identity: u64| {
            ProverSetId::new(provers.iter().copied().map(ProverId), referential.map(ProverId), identity)
        };
        let sets = [
            set(&[1], None, 1),
            set(&[2], None, 1),
            set(&[1, 2], None, 1),
            set(&[2, 1], None, 1),
            set(&[1, 2], Some(1), 1),
            set(&[1, 2], Some(2), 1),
            set(&[1, 2], Some(1), 2),
            set(&[], None, 1),
            set(&[], Some(1), 1),
        ];
        let keys: HashSet<_> = sets.iter().flat_map(|set| ["", "t", "u"].map(|token| Key::of(token, *set))).collect();
        assert_eq!(keys.len(), 3 * sets.len());
        assert_eq!(Key::of("t", set(&[1, 2], Some(1), 1)), Key::of("t", set(&[1, 2], Some(1), 1)));
        assert_eq!(Key::of("t", set(&[1], None, 1)).put_to(set(&[2], None, 1)), Key::of("t", set(&[2], None, 1)));
    }
}
