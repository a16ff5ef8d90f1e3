//! A token's place in memory.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;

/// One prover of this process: an issuer with the rules, keys and client by which its tokens are proved. A prover whose
/// settings change is another one, and so has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProverId(pub(crate) u64);

/// One prover set of this process: all that an answer about a token depends on beside the token. One that changes, or that no
/// configuration had for a while, is another one, and so has another number: what was refused meanwhile, only the sets of that
/// time have forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ProverSetId(pub(crate) u64);

/// The fingerprint of a token, and the prover set that it is put to. It holds no token, and answers of different issuers, rules,
/// introspection clients and kinds of proof never meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    token: [u8; 32],
    provers: ProverSetId,
}

impl Key {
    /// The token alone, whichever provers it is put to.
    pub(crate) fn token(&self) -> [u8; 32] {
        self.token
    }

    /// The same token, put to another set.
    pub(crate) fn put_to(self, provers: ProverSetId) -> Self {
        Self { provers, ..self }
    }

    /// Enough of it to tell keys apart in practice. Only the whole key says whether two are the same.
    pub(super) fn start(&self) -> ([u8; 8], u64) {
        (self.token.first_chunk().copied().unwrap_or_default(), self.provers.0)
    }

    /// The key of a token, for tests that have no memory.
    #[cfg(test)]
    pub(crate) fn of(token: &str, provers: ProverSetId) -> Self {
        Self { token: sha256(token), provers }
    }

    /// The key of no token, for tests that need many.
    #[cfg(test)]
    pub(crate) fn numbered(n: u64, provers: ProverSetId) -> Self {
        let mut token = [0; 32];
        token.iter_mut().zip(n.to_be_bytes()).for_each(|(byte, digit)| *byte = digit);
        Self { token, provers }
    }
}

/// Not the fingerprint: by it, a token that is known elsewhere could be found again.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Makes the fingerprints of tokens: 256 bits, as two GMACs (NIST SP 800-38D) of 128 bits each, under two keys that are drawn when
/// the process starts and that nothing ever shows.
///
/// # Why no two tokens meet
///
/// The one question is whether somebody can find two tokens with the same fingerprint: one that the issuer made, and one that it
/// did not. A GMAC under a fixed nonce is `GHASH(token) + constant`, and GHASH is a polynomial in the key, of the degree of the
/// token's length in blocks of 16 bytes, plus one. Two different tokens meet where the difference of two such polynomials is
/// zero: at no more keys than its degree, of 2^128. So whatever two tokens of at most 16 KiB somebody chooses without knowing the
/// key, they meet under it with a probability of at most 1,025 in 2^128, and under both keys, which have nothing to do with each
/// other, with one of 2^-235 (of 1 MiB, 2^-223). Nothing is assumed for that but that AES makes of a random key a block that
/// cannot be told from a random one. To try is no way either: a try tells one bit, that two tokens did not meet, which rules out
/// as few keys as above; 2^60 tries leave the odds where they were.
///
/// What must hold for that, and does: **the keys and the fingerprints stay inside.** No fingerprint reaches a log, a metric, an
/// answer, a file or another process, its place in a table is given by another keyed hash, and it is compared whole. Under a
/// repeated nonce, a GMAC that is shown gives its key away: hence the rule, and hence this is used for nothing but memory.
///
/// What SHA-256 has on top: two tokens could not be made to meet even by one who reads the memory of this process. Such a one has
/// the remembered identities themselves, and the gateway's secrets. What is gained: 350 ns in place of 560 for a token of 968
/// bytes, on every request.
pub(crate) struct Fingerprints {
    keys: Option<[LessSafeKey; 2]>,
}

impl Fingerprints {
    pub(crate) fn new() -> Self {
        let draw = || {
            let mut key = [0; 32];
            rand::fill(&mut key)?;
            UnboundKey::new(&AES_256_GCM, &key).map(LessSafeKey::new)
        };
        let keys = || Ok::<_, Unspecified>([draw()?, draw()?]);
        Self { keys: keys().ok() }
    }

    /// The key of a token that is put to these provers.
    pub(crate) fn key(&self, token: &str, provers: ProverSetId) -> Key {
        // Where the system gives no random numbers, or a token is too long for AES, SHA-256 does the same more slowly.
        Key { token: self.macs(token).unwrap_or_else(|| sha256(token)), provers }
    }

    fn macs(&self, token: &str) -> Option<[u8; 32]> {
        let keys = self.keys.as_ref()?;
        let mut fingerprint = [0; 32];
        let (halves, _) = fingerprint.as_chunks_mut::<16>();
        for (half, key) in halves.iter_mut().zip(keys) {
            // Nothing is encrypted, and no tag leaves: see above why the nonce can be the same.
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            let mac = key.seal_in_place_separate_tag(nonce, Aad::from(token.as_bytes()), &mut []).ok()?;
            *half = mac.as_ref().try_into().ok()?;
        }
        Some(fingerprint)
    }
}

fn sha256(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_of_different_tokens_and_provers_never_meet() {
        let sets = [1, 2].map(ProverSetId);
        let drawn = Fingerprints::new();
        let key = |token: &str, set: ProverSetId| drawn.key(token, set);
        let long = "t".repeat(20_000);
        let mut tokens = vec!["", "t", "u", "tt", "t\0", &long[1..], &long];
        let changed: Vec<_> = (0..968).map(|at| format!("{}u{}", &long[..at], &long[at + 1..968])).collect();
        tokens.extend(changed.iter().map(String::as_str));
        let keys: HashSet<_> = sets.iter().flat_map(|set| tokens.iter().map(|token| key(token, *set))).collect();
        assert_eq!(keys.len(), tokens.len() * sets.len());
        assert_eq!(key("t", sets[0]), key("t", sets[0]));
        assert_eq!(key("t", sets[0]).put_to(sets[1]), key("t", sets[1]));
        // Each half alone tells them apart as well.
        for half in [0..16, 16..32] {
            let halves: HashSet<_> = keys.iter().map(|key| key.token[half.clone()].to_vec()).collect();
            assert_eq!(halves.len(), tokens.len(), "{half:?}");
        }
    }

    #[test]
    fn every_process_has_fingerprints_of_its_own() {
        let made: HashSet<_> = (0..10).map(|_| Fingerprints::new().key("t", ProverSetId(1))).collect();
        assert_eq!(made.len(), 10);
        assert!(Fingerprints::new().macs("t").is_some());
        assert_eq!(Fingerprints { keys: None }.key("t", ProverSetId(1)), Key::of("t", ProverSetId(1)));
    }
}
