//! What issuers said of tokens, remembered for a while. What routes decided is never remembered.

mod identity;
mod key;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bearward_core::{DecryptionKeys, Reason, UnixTime};
use moka::Expiry;
use moka::sync::Cache;

pub(crate) use self::identity::{Identity, Proof};
pub(crate) use self::key::{Key, ProverId, ProverSetId};
use crate::clock::Clock;
use crate::metrics::{Counter, EngineMetrics, MetricsError, MetricsRegistry, Reading};
use crate::settings::CacheSettings;

/// The memory of an engine. Clones share it.
#[derive(Clone)]
pub(crate) struct Memory {
    verified: Cache<Key, Arc<Entry>>,
    /// Refused tokens: apart, so that junk cannot drive out what is good.
    refused: Cache<Key, Refused>,
    clock: Clock,
    lookups: Lookups,
    settings: CacheSettings,
}

/// A token that was proved.
pub(crate) struct Entry {
    pub(crate) identity: Arc<Identity>,
    pub(crate) prover: ProverId,
    pub(crate) grounds: Grounds,
    /// Until when the answer may be used, by the engine's clock.
    until: UnixTime,
    /// The same as a span, for the cache to drop it by.
    lifetime: Duration,
    /// One for a usual token, more for a large one, so that no number of large ones takes more memory than usual ones.
    weight: u32,
}

/// What a proof rests on that may go while it is remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grounds {
    /// The key set that proved it; a key that was withdrawn must not live on in memory.
    pub(crate) key_set: Option<[u8; 32]>,
    /// The gateway's own keys that opened it, where it was encrypted to them.
    pub(crate) opened_with: Option<Weak<DecryptionKeys>>,
}

/// A token that its issuer refused.
#[derive(Clone)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) prover: ProverId,
    lifetime: Duration,
}

/// What a usual token takes in the cache, in bytes.
const USUAL_SIZE: usize = 4_096;

impl Memory {
    /// `settings` bound it for as long as it lives.
    pub(crate) fn new(settings: CacheSettings, clock: Clock, metrics: &EngineMetrics) -> Self {
        Self {
            verified: Cache::builder()
                .max_capacity(settings.max_entries)
                .weigher(|_, entry: &Arc<Entry>| entry.weight)
                .expire_after(Lifetimes)
                .build(),
            refused: Cache::builder().max_capacity(settings.negative_entries).expire_after(Lifetimes).build(),
            clock,
            lookups: Lookups::new(metrics),
            settings,
        }
    }

    /// By what it is bounded.
    pub(crate) fn settings(&self) -> &CacheSettings {
        &self.settings
    }

    /// Tells the metrics how much is remembered, about.
    ///
    /// # Errors
    ///
    /// Where another engine does so already.
    pub(crate) fn measure(&self, registry: &MetricsRegistry) -> Result<(), MetricsError> {
        let (name, help) = ("bearward_cache_entries", "Tokens remembered, about.");
        let (verified, refused) = (self.verified.clone(), self.refused.clone());
        let size = |entries: u64| Reading::Gauge(entries as f64);
        registry.measured(name, help, &[("cache", "verified")], move || size(verified.entry_count()))?;
        registry.measured(name, help, &[("cache", "refused")], move || size(refused.entry_count()))
    }

    /// A verified token that is still within its time, where `stands` says that what its proof rests on is still there.
    pub(crate) fn recall(&self, key: &Key, stands: impl FnOnce(&Entry) -> bool) -> Option<Arc<Entry>> {
        let now = self.clock.now();
        let is_good = |entry: &Arc<Entry>| now < entry.until && entry.identity.token.is_current(now) && stands(entry);
        let found = self.verified.get(key).filter(is_good);
        self.lookups.verified(found.is_some());
        found
    }

    /// Why a token was refused a moment ago.
    pub(crate) fn recall_refusal(&self, key: &Key) -> Option<Refused> {
        let found = self.refused.get(key);
        self.lookups.refused(found.is_some());
        found
    }

    /// Whether [`Memory::recall_refusal`] would find something; nothing is counted.
    pub(crate) fn holds_refusal(&self, key: &Key) -> bool {
        self.refused.contains_key(key)
    }

    /// Remembers a verified token for `at_most` that long, and never beyond its `exp`.
    pub(crate) fn remember(
        &self,
        key: Key,
        prover: ProverId,
        grounds: Grounds,
        identity: &Arc<Identity>,
        at_most: Duration,
    ) {
        let now = self.clock.now();
        let left = identity.token.expires_at().map_or(u64::MAX, |exp| exp.seconds_since(now));
        let lifetime = at_most.min(Duration::from_secs(left));
        if lifetime.is_zero() {
            return;
        }
        let until = now.saturating_add(lifetime.as_secs().max(1));
        let weight = u32::try_from(1 + identity.token.size() / USUAL_SIZE).unwrap_or(u32::MAX);
        let entry = Entry { identity: Arc::clone(identity), prover, grounds, until, lifetime, weight };
        self.verified.insert(key, Arc::new(entry));
    }

    /// Remembers that the issuer refuses a token, which ends whatever was remembered of it: a refusal is newer than the proof.
    pub(crate) fn remember_refusal(&self, key: Key, prover: ProverId, reason: Reason, lifetime: Duration) {
        if !lifetime.is_zero() {
            self.refused.insert(key, Refused { reason, prover, lifetime });
        }
        self.forget(&key);
    }

    /// Forgets a verified token.
    pub(crate) fn forget(&self, key: &Key) {
        self.verified.invalidate(key);
    }
}

/// The counts of look-ups.
#[derive(Clone)]
struct Lookups {
    verified: [Counter; 2],
    refused: [Counter; 2],
}

impl Lookups {
    fn new(metrics: &EngineMetrics) -> Self {
        let of = |cache| ["miss", "hit"].map(|result| metrics.cache_requests.with(&[cache, result]));
        Self { verified: of("verified"), refused: of("refused") }
    }

    fn verified(&self, is_hit: bool) {
        let [miss, hit] = &self.verified;
        if is_hit { hit.inc() } else { miss.inc() }
    }

    fn refused(&self, is_hit: bool) {
        let [miss, hit] = &self.refused;
        if is_hit { hit.inc() } else { miss.inc() }
    }
}

/// What knows how long it may be kept.
trait Lived {
    fn lifetime(&self) -> Duration;
}

impl Lived for Arc<Entry> {
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

impl<V: Lived> Expiry<Key, V> for Lifetimes {
    fn expire_after_create(&self, _: &Key, value: &V, _: Instant) -> Option<Duration> {
        Some(value.lifetime())
    }

    // Without this a renewed entry would keep the old one's deadline.
    fn expire_after_update(&self, _: &Key, value: &V, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(value.lifetime())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use bearward_core::{IdentityHeaders, IntrospectionAnswer, TokenRules};
    use serde_json::json;

    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    fn memory(settings: CacheSettings) -> Memory {
        let metrics = EngineMetrics::new(&MetricsRegistry::default()).unwrap();
        Memory::new(settings, Clock::from_fn(|| NOW), &metrics)
    }

    /// A token with a claim of this size.
    fn identity(size: usize) -> Arc<Identity> {
        let answer = json!({"active": true, "aud": "https://api.example.com", "note": "x".repeat(size)}).to_string();
        let rules = TokenRules::new("https://auth.example.com", vec!["https://api.example.com".to_owned()]);
        let token = IntrospectionAnswer::parse(answer.as_bytes()).unwrap().prove(&rules, NOW).unwrap();
        Identity::render(Arc::new(token), &IdentityHeaders::default())
    }

    fn key(n: u64) -> Key {
        Key::numbered(n, ProverSetId(1))
    }

    fn remember(memory: &Memory, key: Key, identity: &Arc<Identity>, at_most: Duration) {
        memory.remember(key, ProverId(1), Grounds::default(), identity, at_most);
    }

    #[test]
    fn a_refusal_ends_what_was_remembered_however_short_it_is_remembered_itself() {
        for lifetime in [Duration::ZERO, Duration::from_secs(60)] {
            let memory = memory(CacheSettings::default());
            for n in [1, 2] {
                remember(&memory, key(n), &identity(0), Duration::from_secs(60));
            }
            memory.remember_refusal(key(1), ProverId(1), Reason::TokenInactive, lifetime);
            assert!(memory.recall(&key(1), |_| true).is_none(), "{lifetime:?}");
            assert!(memory.recall(&key(2), |_| true).is_some(), "{lifetime:?}");
            assert_eq!(memory.recall_refusal(&key(1)).is_some(), !lifetime.is_zero());
        }
    }

    #[test]
    fn what_is_remembered_for_less_than_a_second_is_remembered() {
        let memory = memory(CacheSettings::default());
        remember(&memory, key(1), &identity(0), Duration::from_millis(999));
        assert!(memory.recall(&key(1), |_| true).is_some());
        assert!(memory.recall(&key(1), |_| false).is_none());
        remember(&memory, key(2), &identity(0), Duration::ZERO);
        assert!(memory.recall(&key(2), |_| true).is_none());
    }

    #[test]
    fn large_tokens_count_as_many() {
        let (memory, large) =
            (memory(CacheSettings { max_entries: 100, ..CacheSettings::default() }), identity(40_000));
        for n in 0..100 {
            remember(&memory, key(n), &large, Duration::from_secs(60));
        }
        memory.verified.run_pending_tasks();
        assert!(memory.verified.entry_count() <= 10, "{}", memory.verified.entry_count());
    }

    /// Each of them is offered to the cache, which is what no number of questions to an issuer could do in a test.
    #[test]
    fn a_million_refusals_are_as_many_as_fit() {
        let settings = CacheSettings { negative_entries: 1_000, ..CacheSettings::default() };
        let memory = memory(settings);
        for at in 0..1_000_000_u64 {
            memory.remember_refusal(key(at), ProverId(1), Reason::TokenInactive, Duration::from_secs(3_600));
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
