//! One issuer's keys: fetched in the background, kept while the issuer is away, fetched again when a token names a key
//! that nobody has seen.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bearward_core::{KeySet, UnixTime};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::issuer::endpoints::{Endpoints, METADATA_LIFETIME};
use crate::issuer::key_source::{FILE_LIFETIME, KeySource, MAX_KEY_SET, read_key_file};
use crate::metrics::Metrics;
use crate::net::get::Getter;
use crate::net::http_client::{HttpClient, Limit};
use crate::net::shown;
use crate::net::single_flight::SingleFlight;
use crate::settings::IssuerSettings;

/// The first pause after a failed fetch; it doubles up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// How many requests may wait for one issuer's keys; the rest see at once what is there.
const MAX_WAITING: usize = 1_024;

/// The keys of one issuer.
pub(crate) struct KeyStore {
    settings: IssuerSettings,
    get: Getter,
    clock: Clock,
    runtime: Handle,
    metrics: Metrics,
    endpoints: Endpoints,
    keys: ArcSwapOption<Keys>,
    /// Why the last fetch failed, and whether it was the keys that could not be had.
    last_error: ArcSwap<Option<String>>,
    keys_failing: AtomicBool,
    failures: AtomicU32,
    fetching: AtomicBool,
    /// The fetch under way; it comes to `false` where the cooldown forbade it.
    flights: SingleFlight<(), bool>,
    waiting: Semaphore,
    /// When a token last caused a fetch.
    last_demand: Mutex<Option<Instant>>,
    /// Told when a token would have caused one, had it not been for the cooldown.
    missed: Notify,
    /// Told after each fetch, whatever came of it.
    fetched: Notify,
}

/// A key set, and when the issuer last stood by it.
pub(crate) struct Keys {
    pub(crate) set: Arc<KeySet>,
    pub(crate) confirmed: UnixTime,
    /// By the clock that no one can set: an old key set must not come to life again with the wall clock.
    confirmed_at: Instant,
    /// After how long the issuer is to be asked again.
    lifetime: Duration,
    /// By which the issuer can be asked whether the set is still this one, and where (RFC 9110, 8.8.3).
    tag: Option<(String, HeaderValue)>,
}

/// What came of a request's wish for newer keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// They were fetched after the wish.
    Fetched,
    /// A fetch that was under way has ended; it may have begun before the issuer changed its keys.
    Joined,
    /// Nobody was asked: another wish was granted a moment ago.
    Held,
    /// Nobody was asked: too many wait already.
    Busy,
}

impl KeyStore {
    pub(crate) fn new(
        settings: IssuerSettings,
        client: HttpClient,
        clock: Clock,
        runtime: Handle,
        metrics: Metrics,
    ) -> Arc<Self> {
        let get = Getter::new(client, &settings);
        let store = Self {
            endpoints: Endpoints::new(get.clone(), &settings),
            settings,
            get,
            clock,
            runtime,
            metrics,
            keys: ArcSwapOption::empty(),
            last_error: ArcSwap::default(),
            keys_failing: AtomicBool::new(true),
            failures: AtomicU32::new(0),
            fetching: AtomicBool::new(false),
            flights: SingleFlight::new(1),
            waiting: Semaphore::new(MAX_WAITING),
            last_demand: Mutex::new(None),
            missed: Notify::new(),
            fetched: Notify::new(),
        };
        // What is on this machine need not be waited for.
        if let Some(keys) = store.keys_at_hand() {
            store.keys_failing.store(keys.is_err(), Ordering::Relaxed);
            if let Err(why) = keys.and_then(|keys| store.replace(keys)) {
                store.failed(why);
            }
        }
        Arc::new(store)
    }

    /// The keys in use; none before the first fetch, and none again once their renewal is overdue by the stated bound.
    pub(crate) fn keys(&self) -> Option<Arc<Keys>> {
        // One late fetch is no reason to forget keys, however short the bound.
        let grace = self.settings.refresh.stale.max(self.settings.timeout);
        self.keys.load_full().filter(|keys| keys.confirmed_at.elapsed() < keys.lifetime.saturating_add(grace))
    }

    /// The issuer's introspection endpoint, as its metadata says.
    pub(crate) fn introspection_endpoint(&self) -> Option<String> {
        self.endpoints.known()?.introspection_endpoint
    }

    /// The issuer's token endpoint, as its metadata says.
    pub(crate) fn token_endpoint(&self) -> Option<String> {
        self.endpoints.known()?.token_endpoint
    }

    /// Whether the issuer needs no keys, or is known to publish none: then all its tokens are referential.
    pub(crate) fn has_no_key_set(&self) -> bool {
        let publishes_none = || self.endpoints.known().is_some_and(|metadata| metadata.jwks_uri.is_none());
        !self.settings.needs_keys()
            || self.settings.introspection.is_some() && self.settings.discovers_keys() && publishes_none()
    }

    /// Comes to its end with the next fetch that ends after this call.
    pub(crate) fn news(&self) -> impl Future<Output = ()> {
        self.fetched.notified()
    }

    /// Whether the last try to fetch keys failed: then nobody can say which keys the issuer has.
    pub(crate) fn keys_failing(&self) -> bool {
        self.keys_failing.load(Ordering::Relaxed)
    }

    /// Why the last fetch failed; `None` where it did not.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.load().as_ref().clone()
    }

    /// Fetches once because a request needs what is not there: an unknown key, the first keys, an endpoint.
    ///
    /// All who ask at the same time wait for the same fetch, and requests cause no more than one fetch per cooldown:
    /// whoever sends tokens with invented key names cannot make the gateway flood the issuer. Within the cooldown it
    /// returns at once, the caller sees what is there, and a fetch follows when the cooldown is over: junk that used up
    /// this one delays a rotation's new key by no more than that.
    pub(crate) async fn fetch_on_demand(self: &Arc<Self>) -> Demand {
        if !self.can_change() {
            return Demand::Held;
        }
        let Ok(_place) = self.waiting.try_acquire() else { return Demand::Busy };
        if !self.fetching.load(Ordering::Acquire) && !self.cooldown_left().is_zero() {
            self.missed.notify_one();
            return Demand::Held;
        }
        let mut is_own = false;
        let flight = self.flights.run((), &self.runtime, || {
            is_own = true;
            let this = Arc::clone(self);
            async move {
                let is_due = this.start_cooldown();
                if is_due {
                    this.fetch().await;
                    if this.failures.load(Ordering::Relaxed) > 0 {
                        // The background task does not know yet; it tries again when the cooldown is over.
                        this.missed.notify_one();
                    }
                }
                is_due
            }
        });
        match flight.await {
            Ok(true) if is_own => Demand::Fetched,
            Ok(true) => Demand::Joined,
            // A flight that came to nothing left things as they were.
            Ok(false) | Err(_) => Demand::Held,
        }
    }

    /// Keeps the keys fresh for as long as it is polled.
    pub(crate) async fn refresh_forever(self: Arc<Self>) {
        while self.can_change() {
            let this = Arc::clone(&self);
            let flight = self.flights.run((), &self.runtime, move || async move {
                this.fetch().await;
                true
            });
            match flight.await {
                Ok(true) => {}
                // It joined a wish that was held back; that was no fetch.
                Ok(false) => continue,
                Err(_) => self.failed("the fetch ended without a result".to_owned()),
            }
            tokio::select! {
                () = tokio::time::sleep(jittered(self.next_pause())) => {}
                () = self.wish_and_cooldown() => {}
            }
        }
    }

    /// Waits for a wish that was held back, and for its cooldown to be over; the next one has begun then.
    async fn wish_and_cooldown(&self) {
        loop {
            self.missed.notified().await;
            tokio::time::sleep(self.cooldown_left()).await;
            if self.start_cooldown() {
                return;
            }
            // A request was first, and its fetch has granted the wish.
        }
    }

    /// Whether there is anything to be fetched, now or ever.
    fn can_change(&self) -> bool {
        self.settings.needs_keys() && self.settings.keys.can_change() || self.endpoints.are_needed()
    }

    fn next_pause(&self) -> Duration {
        match (self.failures.load(Ordering::Relaxed), self.keys.load().as_deref()) {
            (0, Some(keys)) => keys.lifetime.min(self.settings.refresh.max),
            // All tokens are referential, and only the endpoints have to be kept.
            (0, None) => METADATA_LIFETIME,
            (failures, _) => MIN_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(MAX_BACKOFF),
        }
    }

    fn cooldown_left(&self) -> Duration {
        let last = *self.last_demand.lock().unwrap_or_else(PoisonError::into_inner);
        last.map_or(Duration::ZERO, |last| self.settings.refresh.cooldown.saturating_sub(last.elapsed()))
    }

    /// Begins the next cooldown, unless one is under way: of all who see that one is over, one may fetch.
    fn start_cooldown(&self) -> bool {
        let mut last = self.last_demand.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = last.is_none_or(|last| last.elapsed() >= self.settings.refresh.cooldown);
        if is_over {
            *last = Some(Instant::now());
        }
        is_over
    }

    /// One fetch of all that is needed, within the time that one fetch may take.
    async fn fetch(&self) {
        let _fetching = Fetching::begin(&self.fetching);
        let timeout = self.settings.timeout;
        let outcome = match tokio::time::timeout(timeout, self.fetch_metadata_and_keys()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.keys_failing.store(true, Ordering::Relaxed);
                Err(format!("no answer within {timeout:?}"))
            }
        };
        match outcome {
            Ok(()) => {
                self.count("ok");
                self.failures.store(0, Ordering::Relaxed);
                self.last_error.store(Arc::new(None));
            }
            Err(why) => self.failed(why),
        }
        self.fetched.notify_waiters();
    }

    fn failed(&self, why: String) {
        self.count("failed");
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let issuer = &*self.settings.issuer;
        warn!(issuer, failures, error = %why, "the issuer could not be asked; what is known of it stays in use");
        self.last_error.store(Arc::new(Some(why)));
    }

    async fn fetch_metadata_and_keys(&self) -> Result<(), String> {
        let afresh = self.failures.load(Ordering::Relaxed) > 0;
        let metadata = if self.endpoints.are_needed() { Some(self.endpoints.locate(afresh).await) } else { None };
        let url = match (&self.settings.keys, &metadata) {
            (KeySource::Url(url), _) => Some(url),
            (KeySource::Metadata, Some(Ok(metadata))) => metadata.jwks_uri.as_ref(),
            _ => None,
        };
        let fetched = match url {
            _ if !self.settings.needs_keys() => None,
            Some(url) => Some(self.fetch_keys(url).await),
            None => self.keys_at_hand(),
        };
        // Keys come first: an issuer whose metadata is away can still have its keys at a configured address.
        self.keys_failing.store(!matches!(fetched, Some(Ok(_))), Ordering::Relaxed);
        if let Some(fetched) = fetched {
            self.replace(fetched?)?;
        }
        let Some(metadata) = metadata.transpose()? else { return Ok(()) };
        self.endpoints.complete(&metadata)
    }

    /// The keys that this machine has without asking anybody.
    fn keys_at_hand(&self) -> Option<Result<Keys, String>> {
        match &self.settings.keys {
            KeySource::Fixed(set) => Some(Ok(self.confirmed_now(Arc::clone(set), Duration::MAX))),
            KeySource::File(path) => {
                let set = read_key_file(path).map_err(|why| format!("{}: {why}", path.display()));
                Some(set.map(|set| self.confirmed_now(Arc::new(set), FILE_LIFETIME)))
            }
            KeySource::Metadata | KeySource::Url(_) => None,
        }
    }

    fn confirmed_now(&self, set: Arc<KeySet>, lifetime: Duration) -> Keys {
        Keys { set, confirmed: self.clock.now(), confirmed_at: Instant::now(), lifetime, tag: None }
    }

    async fn fetch_keys(&self, url: &str) -> Result<Keys, String> {
        let known = self.keys.load_full();
        let known = known.as_deref().and_then(|keys| Some((&keys.set, keys.tag.as_ref()?)));
        let known = known.filter(|(_, (from, _))| from == url);
        let limit = Limit { total: self.settings.timeout, max_body: MAX_KEY_SET };
        let response = self.get.get(url, known.map(|(_, (_, tag))| tag), limit).await;
        let response = response.map_err(|why| format!("{}: {why}", shown(url)))?;
        let tag = response.headers().get(header::ETAG).map(|tag| (url.to_owned(), tag.clone()));
        let (set, tag) = match known {
            // An answer without a tag means the same as before (RFC 9110, 15.4.5).
            Some((set, tag_before)) if response.status() == StatusCode::NOT_MODIFIED => {
                (Arc::clone(set), tag.or_else(|| Some(tag_before.clone())))
            }
            _ => {
                let set = KeySet::parse(response.body()).map_err(|why| format!("{}: {why}", shown(url)))?;
                (Arc::new(set), tag)
            }
        };
        let refresh = &self.settings.refresh;
        let lifetime = lifetime(&response).max(refresh.min).min(refresh.max);
        Ok(Keys { tag, ..self.confirmed_now(set, lifetime) })
    }

    /// Puts newer keys in the place of those in use.
    ///
    /// A set without a usable key is put there too: an issuer that withdraws its only key means it, and is obeyed at once.
    fn replace(&self, keys: Keys) -> Result<(), String> {
        let issuer = &*self.settings.issuer;
        let (usable, skipped) = (keys.set.len(), keys.set.skipped().len());
        self.metrics.key_set_keys.with_label_values(&[issuer]).set(signed(usable));
        self.metrics.key_set_skipped.with_label_values(&[issuer]).set(signed(skipped));
        let confirmed = i64::try_from(keys.confirmed.0).unwrap_or(i64::MAX);
        self.metrics.key_set_fetched.with_label_values(&[issuer]).set(confirmed);
        let before = self.keys.load().as_deref().map(|keys| keys.set.fingerprint());
        if before != Some(keys.set.fingerprint()) {
            info!(issuer, keys = usable, skipped, "the issuer's keys are in use");
            for key in keys.set.skipped() {
                warn!(issuer, kid = key.key_id.as_deref(), why = key.why, "a key of the issuer was left out");
            }
        }
        if keys.set.is_empty() {
            self.keys.store(None);
            self.keys_failing.store(true, Ordering::Relaxed);
            return Err(format!("the issuer's key set holds no key that can verify a token ({skipped} left out)"));
        }
        self.keys.store(Some(Arc::new(keys)));
        Ok(())
    }

    fn count(&self, result: &str) {
        self.metrics.key_set_fetches.with_label_values(&[&*self.settings.issuer, result]).inc();
    }
}

/// Says that a fetch is under way, for exactly as long as it is, also where it panics or is dropped.
struct Fetching<'a>(&'a AtomicBool);

impl<'a> Fetching<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Release);
        Self(flag)
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// How long the answer may be used, as `Cache-Control` says (RFC 9111, 5.2.2); the caller holds it within bounds.
fn lifetime(response: &Response<Bytes>) -> Duration {
    let directives = response.headers().get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut lifetime = None;
    for directive in directives.flat_map(|value| value.split(',')).map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return Duration::ZERO,
            "max-age" => lifetime = value.trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => {}
        }
    }
    lifetime.unwrap_or(Duration::from_secs(300))
}

/// Up to a tenth less, so that many gateways do not ask in step.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    // Without randomness the pause is whole; nothing depends on it.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let [byte] = byte;
    pause.saturating_sub(pause.mul_f64(f64::from(byte) / 2_560.0))
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
