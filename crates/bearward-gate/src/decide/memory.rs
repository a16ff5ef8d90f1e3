//! What issuers said of tokens, remembered for a while. What routes decided is never remembered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use bearward_core::{IdentityHeaders, Reason, UnixTime, Verified};
use moka::Expiry;
use moka::sync::Cache;

use crate::clock::Clock;
use crate::decide::decision::Identity;
use crate::metrics::Metrics;
use crate::settings::CacheSettings;

/// A token's place in the cache: SHA-256 over whom it was asked of and the token itself.
///
/// It holds neither, and entries of different issuers, introspection clients and kinds never meet.
pub(crate) type Fingerprint = [u8; 32];

/// Takes fingerprints for one issuer and one way of proof.
#[derive(Clone)]
pub(crate) struct Fingerprinter(Context);

impl Fingerprinter {
    /// `context` says all that the answer depends on beside the token: the kind of proof, the issuer, the client.
    pub(crate) fn new(context: &[&str]) -> Self {
        let mut digest = Context::new(&SHA256);
        for part in context {
            // The length first, so that no two lists of parts are the same bytes.
            digest.update(&part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self(digest)
    }

    pub(crate) fn of(&self, token: &str) -> Fingerprint {
        let mut digest = self.0.clone();
        digest.update(token.as_bytes());
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.finish().as_ref());
        fingerprint
    }
}

/// The memory of a gate: what issuers said, with the headers that follow from it.
#[derive(Clone)]
pub(crate) struct Memory {
    verified: Cache<Fingerprint, Entry>,
    /// Refused referential tokens: apart, so that junk cannot drive out what is good.
    refused: Cache<Fingerprint, Refused>,
    identity: Arc<IdentityHeaders>,
    clock: Clock,
    metrics: Metrics,
}

#[derive(Clone)]
struct Entry {
    identity: Arc<Identity>,
    /// The key set that proved it; a key that was withdrawn must not live on in here.
    proved_by: Option<Fingerprint>,
    /// Until when the answer may be used, by the engine's clock.
    until: UnixTime,
    /// The same as a span, for the cache to drop it by.
    lifetime: Duration,
    /// One for a usual token, more for a large one, so that no number of large ones takes more memory than usual ones.
    weight: u32,
}

/// What a usual token takes in the cache, in bytes.
const USUAL_SIZE: usize = 4_096;

#[derive(Clone)]
struct Refused {
    reason: Reason,
    lifetime: Duration,
}

impl Memory {
    pub(crate) fn new(
        settings: &CacheSettings,
        identity: Arc<IdentityHeaders>,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self {
            verified: Cache::builder()
                .max_capacity(settings.max_entries)
                .weigher(|_, entry: &Entry| entry.weight)
                .expire_after(Lifetimes)
                .build(),
            refused: Cache::builder().max_capacity(settings.negative_entries).expire_after(Lifetimes).build(),
            identity,
            clock,
            metrics,
        }
    }

    /// A verified token that is still good, and was proved by `key_set` if by any.
    pub(crate) fn recall(&self, fingerprint: &Fingerprint, key_set: Option<Fingerprint>) -> Option<Arc<Identity>> {
        let found = self.good_entry(fingerprint, key_set);
        self.count("verified", found.is_some());
        found.map(|entry| entry.identity)
    }

    /// Whether [`Memory::recall`] would find something; nothing is counted.
    pub(crate) fn holds(&self, fingerprint: &Fingerprint, key_set: Option<Fingerprint>) -> bool {
        self.good_entry(fingerprint, key_set).is_some()
    }

    /// Whether [`Memory::recall_refusal`] would find something; nothing is counted.
    pub(crate) fn holds_refusal(&self, fingerprint: &Fingerprint) -> bool {
        self.refused.contains_key(fingerprint)
    }

    /// Why a referential token was refused a moment ago.
    pub(crate) fn recall_refusal(&self, fingerprint: &Fingerprint) -> Option<Reason> {
        let found = self.refused.get(fingerprint);
        self.count("refused", found.is_some());
        found.map(|refused| refused.reason)
    }

    /// Remembers a verified token for `at_most` that long, and never beyond its `exp`.
    pub(crate) fn remember(
        &self,
        fingerprint: Fingerprint,
        proved_by: Option<Fingerprint>,
        token: Arc<Verified>,
        at_most: Duration,
    ) -> Arc<Identity> {
        let identity = self.identify(token);
        let now = self.clock.now();
        let left = identity.token.expires_at().map_or(u64::MAX, |exp| exp.seconds_since(now));
        let lifetime = at_most.min(Duration::from_secs(left));
        if !lifetime.is_zero() {
            let until = now.saturating_add(lifetime.as_secs().max(1));
            let weight = u32::try_from(1 + identity.token.size() / USUAL_SIZE).unwrap_or(u32::MAX);
            let entry = Entry { identity: Arc::clone(&identity), proved_by, until, lifetime, weight };
            self.verified.insert(fingerprint, entry);
        }
        identity
    }

    pub(crate) fn remember_refusal(&self, fingerprint: Fingerprint, reason: Reason, lifetime: Duration) {
        if !lifetime.is_zero() {
            self.refused.insert(fingerprint, Refused { reason, lifetime });
        }
    }

    /// The token with its headers, not remembered.
    pub(crate) fn identify(&self, token: Arc<Verified>) -> Arc<Identity> {
        let headers = self.identity.render(&token);
        Arc::new(Identity { token, headers })
    }

    pub(crate) fn identity_headers(&self) -> &IdentityHeaders {
        &self.identity
    }

    /// Tells the metrics how much is remembered, about.
    pub(crate) fn report_sizes(&self) {
        for (cache, size) in [("verified", self.verified.entry_count()), ("refused", self.refused.entry_count())] {
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            self.metrics.cache_entries.with_label_values(&[cache]).set(size);
        }
    }

    fn good_entry(&self, fingerprint: &Fingerprint, key_set: Option<Fingerprint>) -> Option<Entry> {
        let now = self.clock.now();
        let is_good =
            |entry: &Entry| entry.proved_by == key_set && now < entry.until && entry.identity.token.is_current(now);
        self.verified.get(fingerprint).filter(is_good)
    }

    fn count(&self, cache: &str, hit: bool) {
        self.metrics.cache_requests.with_label_values(&[cache, if hit { "hit" } else { "miss" }]).inc();
    }
}

/// What knows how long it may be kept.
trait Lived {
    fn lifetime(&self) -> Duration;
}

impl Lived for Entry {
    fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl Lived for Refused {
    fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

struct Lifetimes;

impl<V: Lived> Expiry<Fingerprint, V> for Lifetimes {
    fn expire_after_create(&self, _: &Fingerprint, value: &V, _: Instant) -> Option<Duration> {
        Some(value.lifetime())
    }

    // Without this a renewed entry would keep the old one's deadline.
    fn expire_after_update(&self, _: &Fingerprint, value: &V, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(value.lifetime())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn fingerprints_of_different_contexts_never_meet() {
        let all = [
            Fingerprinter::new(&["signature", "https://a"]).of("t"),
            Fingerprinter::new(&["signature", "https://b"]).of("t"),
            Fingerprinter::new(&["introspection", "https://a", "client"]).of("t"),
            Fingerprinter::new(&["introspection", "https://a", "other"]).of("t"),
            Fingerprinter::new(&["signature", "https://at"]).of(""),
            Fingerprinter::new(&["signature", "https://a"]).of("u"),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(Fingerprinter::new(&["signature", "https://a"]).of("t"), all[0]);
    }

    /// Each of them is offered to the cache, which is what no number of questions to an issuer could do in a test.
    #[test]
    fn a_million_refusals_are_as_many_as_fit() {
        let settings = CacheSettings { negative_entries: 1_000, ..CacheSettings::default() };
        let identity = IdentityHeaders::new(Vec::<(_, bearward_core::ClaimPointer)>::new()).unwrap();
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        let memory = Memory::new(&settings, Arc::new(identity), Clock::system(), metrics);
        for at in 0..1_000_000_u64 {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&at.to_be_bytes());
            memory.remember_refusal(fingerprint, Reason::TokenInactive, Duration::from_secs(3_600));
            if at % 100_000 == 0 {
                // moka works through what is waiting as it goes; what it lags behind by is bounded too.
                assert!(memory.refused.entry_count() <= 2_000, "{} after {at}", memory.refused.entry_count());
            }
        }
        memory.refused.run_pending_tasks();
        assert!(memory.refused.entry_count() <= 1_000);
        assert!(memory.refused.iter().count() <= 1_000);
    }
}
