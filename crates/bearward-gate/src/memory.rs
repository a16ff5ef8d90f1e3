//! What issuers said of tokens, remembered for a while. What routes decided is never remembered.

mod identity;
mod key;
mod store;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bearward_core::{DecryptionKeys, Reason, UnixTime};

pub(crate) use self::identity::{Identity, Proof};
use self::key::Fingerprints;
pub(crate) use self::key::{Key, ProverId, ProverSetId};
use self::store::Store;
use crate::clock::Clock;
use crate::metrics::{Counter, EngineMetrics, MetricsError, MetricsRegistry, Reading};
use crate::settings::CacheSettings;

/// The memory of an engine. Clones share it.
#[derive(Clone)]
pub(crate) struct Memory {
    inner: Arc<Inner>,
}

struct Inner {
    verified: Store<Entry>,
    /// Refused tokens: apart, so that junk cannot drive out what is good.
    refused: Store<Refused>,
    fingerprints: Fingerprints,
    clock: Clock,
    lookups: Lookups,
    settings: CacheSettings,
}

/// A token that was proved. One of these is kept for each token, so it is small.
struct Entry {
    identity: Arc<Identity>,
    grounds: Grounds,
    /// Until when the answer may be used, by the engine's clock.
    until: UnixTime,
}

/// By whom a token was proved, and what the proof rests on that may go while it is remembered. The tokens that were proved
/// alike share one.
#[derive(Clone, Debug)]
pub(crate) struct Grounds(Arc<Ground>);

#[derive(Debug)]
struct Ground {
    prover: ProverId,
    key_set: Option<[u8; 32]>,
    opened_with: Option<Weak<DecryptionKeys>>,
}

impl Grounds {
    pub(crate) fn new(prover: ProverId, key_set: Option<[u8; 32]>, opened_with: Option<Weak<DecryptionKeys>>) -> Self {
        Self(Arc::new(Ground { prover, key_set, opened_with }))
    }

    /// Whether these are those.
    pub(crate) fn are(
        &self,
        prover: ProverId,
        key_set: Option<&[u8; 32]>,
        opened_with: Option<&Weak<DecryptionKeys>>,
    ) -> bool {
        let opened_alike = match (self.opened_with(), opened_with) {
            (Some(one), Some(other)) => one.ptr_eq(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        opened_alike && self.prover() == prover && self.key_set() == key_set
    }

    pub(crate) fn prover(&self) -> ProverId {
        self.0.prover
    }

    /// The key set that proved it; a key that was withdrawn must not live on in memory.
    pub(crate) fn key_set(&self) -> Option<&[u8; 32]> {
        self.0.key_set.as_ref()
    }

    /// The gateway's own keys that opened it, where it was encrypted to them.
    pub(crate) fn opened_with(&self) -> Option<&Weak<DecryptionKeys>> {
        self.0.opened_with.as_ref()
    }
}

/// A token that its issuer refused.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) prover: ProverId,
}

/// What a usual token takes in the cache, in bytes.
const USUAL_SIZE: usize = 4_096;

impl Memory {
    /// `settings` bound it for as long as it lives.
    pub(crate) fn new(settings: CacheSettings, clock: Clock, metrics: &EngineMetrics) -> Self {
        let inner = Inner {
            verified: Store::new(settings.max_entries),
            refused: Store::new(settings.negative_entries),
            fingerprints: Fingerprints::new(),
            clock,
            lookups: Lookups::new(metrics),
            settings,
        };
        Self { inner: Arc::new(inner) }
    }

    /// By what it is bounded.
    pub(crate) fn settings(&self) -> &CacheSettings {
        &self.inner.settings
    }

    /// Tells the metrics how much is remembered.
    ///
    /// # Errors
    ///
    /// Where another engine does so already.
    pub(crate) fn measure(&self, registry: &MetricsRegistry) -> Result<(), MetricsError> {
        let (name, help) = ("bearward_cache_entries", "Tokens remembered, about.");
        let (verified, refused) = (Arc::clone(&self.inner), Arc::clone(&self.inner));
        let size = |entries: u64| Reading::Gauge(entries as f64);
        registry.measured(name, help, &[("cache", "verified")], move || size(verified.verified.count()))?;
        registry.measured(name, help, &[("cache", "refused")], move || size(refused.refused.count()))
    }

    /// The place of a token that is put to these provers.
    pub(crate) fn key(&self, token: &str, provers: ProverSetId) -> Key {
        self.inner.fingerprints.key(token, provers)
    }

    /// A verified token that is still within its time, and who proved it, where `stands` says that what the proof rests on is
    /// still there. `at` is the time of the process, of a moment ago.
    pub(crate) fn recall(
        &self,
        key: &Key,
        at: Instant,
        stands: impl FnOnce(&Grounds) -> bool,
    ) -> Option<(ProverId, Arc<Identity>)> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        let found = inner.verified.read(key, at, |entry| {
            let is_good = now < entry.until && entry.identity.token.is_current(now) && stands(&entry.grounds);
            is_good.then(|| (entry.grounds.prover(), Arc::clone(&entry.identity)))
        });
        inner.lookups.verified(found.is_some());
        found
    }

    /// Why a token was refused a moment ago.
    pub(crate) fn recall_refusal(&self, key: &Key, at: Instant) -> Option<Refused> {
        let found = self.inner.refused.read(key, at, |refused| Some(*refused));
        self.inner.lookups.refused(found.is_some());
        found
    }

    /// Whether [`Memory::recall_refusal`] would find something; nothing is counted.
    pub(crate) fn holds_refusal(&self, key: &Key) -> bool {
        self.inner.refused.read(key, Instant::now(), |_| Some(())).is_some()
    }

    /// Remembers a verified token for `at_most` that long, and never beyond its `exp`.
    pub(crate) fn remember(&self, key: Key, grounds: Grounds, identity: &Arc<Identity>, at_most: Duration) {
        let now = self.inner.clock.now();
        let left = identity.token.expires_at().map_or(u64::MAX, |exp| exp.seconds_since(now));
        let lifetime = at_most.min(Duration::from_secs(left));
        if lifetime.is_zero() {
            return;
        }
        let until = now.saturating_add(lifetime.as_secs().max(1));
        // One for a usual token, more for a large one, so that no number of large ones takes more memory than usual ones.
        let weight = u32::try_from(1 + identity.token.size() / USUAL_SIZE).unwrap_or(u32::MAX);
        let entry = Entry { identity: Arc::clone(identity), grounds, until };
        self.inner.verified.insert(key, entry, weight, Instant::now(), lifetime);
    }

    /// Remembers that the issuer refuses a token, which ends whatever was remembered of it: a refusal is newer than the proof.
    pub(crate) fn remember_refusal(&self, key: Key, prover: ProverId, reason: Reason, lifetime: Duration) {
        if !lifetime.is_zero() {
            self.inner.refused.insert(key, Refused { reason, prover }, 1, Instant::now(), lifetime);
        }
        self.forget(&key);
    }

    /// Forgets a verified token.
    pub(crate) fn forget(&self, key: &Key) {
        self.inner.verified.remove(key);
    }
}

/// The counts of look-ups.
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
        Identity::render(token, &IdentityHeaders::default())
    }

    fn key(n: u64) -> Key {
        Key::numbered(n, ProverSetId(1))
    }

    fn remember(memory: &Memory, key: Key, identity: &Arc<Identity>, at_most: Duration) {
        memory.remember(key, Grounds::new(ProverId(1), None, None), identity, at_most);
    }

    fn recalls(memory: &Memory, n: u64) -> bool {
        memory.recall(&key(n), Instant::now(), |_| true).is_some()
    }

    #[test]
    fn a_refusal_ends_what_was_remembered_however_short_it_is_remembered_itself() {
        for lifetime in [Duration::ZERO, Duration::from_secs(60)] {
            let memory = memory(CacheSettings::default());
            for n in [1, 2] {
                remember(&memory, key(n), &identity(0), Duration::from_secs(60));
            }
            memory.remember_refusal(key(1), ProverId(1), Reason::TokenInactive, lifetime);
            assert!(!recalls(&memory, 1), "{lifetime:?}");
            assert!(recalls(&memory, 2), "{lifetime:?}");
            assert_eq!(memory.recall_refusal(&key(1), Instant::now()).is_some(), !lifetime.is_zero());
        }
    }

    #[test]
    fn what_is_remembered_for_less_than_a_second_is_remembered() {
        let memory = memory(CacheSettings::default());
        remember(&memory, key(1), &identity(0), Duration::from_millis(999));
        assert!(recalls(&memory, 1));
        assert!(memory.recall(&key(1), Instant::now(), |_| false).is_none());
        let later = Instant::now() + Duration::from_millis(999);
        assert!(memory.recall(&key(1), later, |_| true).is_none());
        remember(&memory, key(2), &identity(0), Duration::ZERO);
        assert!(!recalls(&memory, 2));
    }

    #[test]
    fn large_tokens_count_as_many() {
        let (memory, large) =
            (memory(CacheSettings { max_entries: 100, ..CacheSettings::default() }), identity(40_000));
        for n in 0..100 {
            remember(&memory, key(n), &large, Duration::from_secs(60));
        }
        let count = memory.inner.verified.count();
        assert!((5..=10).contains(&count), "{count}");
    }

    /// Each of them is offered to the cache, which is what no number of questions to an issuer could do in a test.
    #[test]
    fn a_million_refusals_are_as_many_as_fit() {
        let settings = CacheSettings { negative_entries: 1_000, ..CacheSettings::default() };
        let memory = memory(settings);
        for at in 0..1_000_000_u64 {
            memory.remember_refusal(key(at), ProverId(1), Reason::TokenInactive, Duration::from_secs(3_600));
            assert!(memory.inner.refused.count() <= 1_000, "after {at}");
        }
        assert_eq!(memory.inner.refused.count(), 1_000);
    }
}
