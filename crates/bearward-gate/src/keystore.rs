//! One issuer's metadata and keys: fetched in the background, kept while the issuer is away, fetched again when a token
//! names a key that nobody has seen.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bearward_core::{KeySet, UnixTime};
use bytes::Bytes;
use http::{Response, header};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::discovery::{Metadata, discover, get_json};
use crate::http_client::{HttpClient, Limit};
use crate::metrics::Metrics;
use crate::settings::IssuerSettings;
use crate::single_flight::SingleFlight;

/// A key set of a hundred RSA keys is some 80 KB.
const MAX_KEY_SET: usize = 512 * 1024;

/// The first pause after a failed fetch; it doubles up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// How long metadata is used before it is asked for again. Endpoints move rarely; a failed key fetch asks at once.
const METADATA_LIFETIME: Duration = Duration::from_secs(3_600);

/// The keys and endpoints of one issuer.
pub(crate) struct KeyStore {
    settings: IssuerSettings,
    client: HttpClient,
    clock: Clock,
    runtime: Handle,
    metrics: Metrics,
    metadata: ArcSwapOption<(Metadata, Instant)>,
    keys: ArcSwapOption<Keys>,
    last_error: ArcSwap<Option<String>>,
    failures: AtomicU32,
    fetching: AtomicBool,
    flights: SingleFlight<(), ()>,
    /// When a token last caused a fetch.
    last_demand: Mutex<Option<Instant>>,
    /// Told when a token would have caused one, had it not been for the cooldown.
    missed: Notify,
}

/// A key set, and when the issuer last stood by it.
pub(crate) struct Keys {
    pub(crate) set: KeySet,
    pub(crate) confirmed: UnixTime,
    /// By the clock that no one can set: an old key set must not come to life again with the wall clock.
    confirmed_at: Instant,
    /// How long the issuer lets it be used before asking again.
    lifetime: Duration,
}

impl KeyStore {
    pub(crate) fn new(
        settings: IssuerSettings,
        client: HttpClient,
        clock: Clock,
        runtime: Handle,
        metrics: Metrics,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            client,
            clock,
            runtime,
            metrics,
            metadata: ArcSwapOption::empty(),
            keys: ArcSwapOption::empty(),
            last_error: ArcSwap::default(),
            failures: AtomicU32::new(0),
            fetching: AtomicBool::new(false),
            flights: SingleFlight::new(1),
            last_demand: Mutex::new(None),
            missed: Notify::new(),
        })
    }

    /// The keys in use; none before the first fetch, and none again once they are older than the stated bound.
    pub(crate) fn keys(&self) -> Option<Arc<Keys>> {
        self.keys.load_full().filter(|keys| keys.confirmed_at.elapsed() < self.settings.refresh.stale)
    }

    /// The issuer's introspection endpoint, as its metadata says.
    pub(crate) fn introspection_endpoint(&self) -> Option<String> {
        self.metadata.load().as_deref().and_then(|(metadata, _)| metadata.introspection_endpoint.clone())
    }

    /// Whether the issuer is known to publish no keys: then all its tokens are referential.
    pub(crate) fn has_no_key_set(&self) -> bool {
        self.settings.jwks_url.is_none()
            && self.metadata.load().as_deref().is_some_and(|(metadata, _)| metadata.jwks_uri.is_none())
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
    pub(crate) async fn fetch_on_demand(self: &Arc<Self>) {
        if !self.fetching.load(Ordering::Acquire) && !self.cooldown_left().is_zero() {
            self.missed.notify_one();
            return;
        }
        let this = Arc::clone(self);
        let flight = self.flights.run((), &self.runtime, move || async move {
            if this.cooldown_left().is_zero() {
                this.start_cooldown();
                this.fetch().await;
            }
        });
        // A flight that came to nothing left things as they were.
        let _ = flight.await;
    }

    /// Keeps the keys fresh for as long as it is polled.
    pub(crate) async fn refresh_forever(self: Arc<Self>) {
        loop {
            let this = Arc::clone(&self);
            let _ = self.flights.run((), &self.runtime, move || async move { this.fetch().await }).await;
            tokio::select! {
                () = tokio::time::sleep(jittered(self.next_pause())) => {}
                () = self.missed.notified() => {
                    tokio::time::sleep(self.cooldown_left()).await;
                    self.start_cooldown();
                }
            }
        }
    }

    fn next_pause(&self) -> Duration {
        let refresh = &self.settings.refresh;
        match (self.failures.load(Ordering::Relaxed), self.keys.load().as_deref()) {
            (0, Some(keys)) => keys.lifetime.clamp(refresh.min, refresh.max),
            (0, None) => refresh.max,
            (failures, _) => MIN_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(6)).min(MAX_BACKOFF),
        }
    }

    fn cooldown_left(&self) -> Duration {
        let last = *self.last_demand.lock().unwrap_or_else(PoisonError::into_inner);
        last.map_or(Duration::ZERO, |last| self.settings.refresh.cooldown.saturating_sub(last.elapsed()))
    }

    fn start_cooldown(&self) {
        *self.last_demand.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    async fn fetch(&self) {
        let _fetching = Fetching::begin(&self.fetching);
        let outcome = self.fetch_metadata_and_keys().await;
        let issuer = &*self.settings.issuer;
        let result = if outcome.is_ok() { "ok" } else { "failed" };
        self.metrics.key_set_fetches.with_label_values(&[issuer, result]).inc();
        match outcome {
            Ok(()) => {
                self.failures.store(0, Ordering::Relaxed);
                self.last_error.store(Arc::new(None));
            }
            Err(why) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                warn!(issuer, failures, error = %why, "the issuer's keys could not be fetched; what is known stays in use");
                self.last_error.store(Arc::new(Some(why)));
            }
        }
    }

    fn replace(&self, keys: Keys) {
        let issuer = &*self.settings.issuer;
        let labels = &[issuer];
        self.metrics.key_set_keys.with_label_values(labels).set(signed(keys.set.len()));
        self.metrics.key_set_skipped.with_label_values(labels).set(signed(keys.set.skipped().len()));
        self.metrics.key_set_fetched.with_label_values(labels).set(i64::try_from(keys.confirmed.0).unwrap_or(i64::MAX));
        let before = self.keys.load().as_deref().map(|keys| keys.set.fingerprint());
        if before != Some(keys.set.fingerprint()) {
            info!(issuer, keys = keys.set.len(), skipped = keys.set.skipped().len(), "the issuer's keys are in use");
            for key in keys.set.skipped() {
                warn!(issuer, kid = key.key_id.as_deref(), why = key.why, "a key of the issuer was left out");
            }
        }
        self.keys.store(Some(Arc::new(keys)));
    }

    async fn fetch_metadata_and_keys(&self) -> Result<(), String> {
        let introspects_by_metadata = self.settings.introspection.as_ref().is_some_and(|asked| asked.url.is_none());
        let metadata = match &self.settings.jwks_url {
            Some(_) if !introspects_by_metadata => None,
            _ => Some(self.fetch_metadata().await),
        };
        let url = match (&self.settings.jwks_url, &metadata) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(metadata)) => metadata.clone()?.jwks_uri,
            (None, None) => None,
        };
        match url {
            Some(url) => self.replace(self.fetch_keys(&url).await?),
            // All its tokens are referential.
            None if self.settings.introspection.is_some() => {}
            None => return Err("the issuer's metadata names no `jwks_uri`; set `jwks_url`".to_owned()),
        }
        // Keys come first: an issuer whose metadata is away can still have its keys at a configured address.
        metadata.transpose().map(|_| ())
    }

    async fn fetch_keys(&self, url: &str) -> Result<Keys, String> {
        let limit = Limit { total: self.settings.timeout, max_body: MAX_KEY_SET };
        let response = get_json(&self.client, url, limit).await.map_err(|why| format!("{url}: {why}"))?;
        let set = KeySet::parse(response.body()).map_err(|why| format!("{url}: {why}"))?;
        if set.is_empty() {
            return Err(format!("{url}: no key in the set can verify a token ({} left out)", set.skipped().len()));
        }
        let lifetime = lifetime(&response);
        Ok(Keys { set, confirmed: self.clock.now(), confirmed_at: Instant::now(), lifetime })
    }

    async fn fetch_metadata(&self) -> Result<Metadata, String> {
        let known = self.metadata.load_full();
        if let Some(known) = &known
            && known.1.elapsed() < METADATA_LIFETIME
            // After a failure the endpoints may have moved.
            && self.failures.load(Ordering::Relaxed) == 0
        {
            return Ok(known.0.clone());
        }
        match (discover(&self.client, &self.settings.issuer, self.settings.timeout).await, known) {
            (Ok(metadata), _) => {
                self.metadata.store(Some(Arc::new((metadata.clone(), Instant::now()))));
                Ok(metadata)
            }
            // What was true an hour ago is a better guess than nothing.
            (Err(_), Some(known)) => Ok(known.0.clone()),
            (Err(why), None) => Err(why),
        }
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
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    // Without randomness the pause is whole; nothing depends on it.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let [byte] = byte;
    pause.saturating_sub(pause.mul_f64(f64::from(byte) / 2_560.0))
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
