//! The keys of one issuer that are in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bearward_core::{Endpoint, KeySet, UnixTime};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tokio::time::Instant;
use tracing::{info, warn};

use super::error::IssuerError;
use crate::clock::Clock;
use crate::metrics::EngineMetrics;
use crate::net::get::Getter;
use crate::net::http_client::Limit;
use crate::settings::{FILE_LIFETIME, MAX_KEY_SET, RefreshSettings, ResolvedKeys, read_key_file};

/// A key set, and when the issuer last stood by it.
pub(crate) struct Keys {
    pub(crate) set: Arc<KeySet>,
    pub(crate) confirmed: UnixTime,
    /// By the clock that no one can set: an old key set must not come to life again with the wall clock.
    confirmed_at: Instant,
    /// After how long the issuer is to be asked again.
    pub(super) lifetime: Duration,
    /// By which the issuer can be asked whether the set is still this one, and where (RFC 9110, 8.8.3).
    tag: Option<(Endpoint, HeaderValue)>,
}

impl Keys {
    fn confirmed_now(set: Arc<KeySet>, lifetime: Duration, clock: &Clock) -> Self {
        Self { set, confirmed: clock.now(), confirmed_at: Instant::now(), lifetime, tag: None }
    }

    /// The keys that this machine has without asking the issuer; `None` where the issuer has to be asked.
    pub(super) fn at_hand(source: &ResolvedKeys, clock: &Clock) -> Option<Result<Self, IssuerError>> {
        match source {
            ResolvedKeys::Fixed(set) => Some(Ok(Self::confirmed_now(Arc::clone(set), Duration::MAX, clock))),
            ResolvedKeys::File(path) => {
                let set = read_key_file(path)
                    .map_err(|why| IssuerError::KeyFile { path: path.display().to_string(), why: Arc::new(why) });
                Some(set.map(|set| Self::confirmed_now(Arc::new(set), FILE_LIFETIME, clock)))
            }
            ResolvedKeys::Metadata | ResolvedKeys::Url(_) => None,
        }
    }

    /// Fetches the keys at `url`, or has the issuer confirm those that are `known`.
    pub(super) async fn fetch(
        get: &Getter,
        url: &Endpoint,
        known: Option<&Self>,
        refresh: &RefreshSettings,
        timeout: Duration,
        clock: &Clock,
    ) -> Result<Self, IssuerError> {
        let known = known.and_then(|keys| Some((&keys.set, keys.tag.as_ref()?))).filter(|(_, (from, _))| from == url);
        let limit = Limit { total: timeout, max_body: MAX_KEY_SET };
        let response = get.get(url, known.map(|(_, (_, tag))| tag), limit).await;
        let response = response.map_err(|why| IssuerError::NoAnswer { address: url.shown(), why: why.to_string() })?;
        let tag = response.headers().get(header::ETAG).map(|tag| (url.clone(), tag.clone()));
        let (set, tag) = match known {
            // An answer without a tag means the same as before (RFC 9110, 15.4.5).
            Some((set, tag_before)) if response.status() == StatusCode::NOT_MODIFIED => {
                (Arc::clone(set), tag.or_else(|| Some(tag_before.clone())))
            }
            _ => {
                let set = KeySet::parse(response.body());
                (Arc::new(set.map_err(|why| IssuerError::NotAKeySet { address: url.shown(), why })?), tag)
            }
        };
        let lifetime = lifetime(&response).max(refresh.min).min(refresh.max);
        Ok(Self { tag, ..Self::confirmed_now(set, lifetime, clock) })
    }
}

/// The keys in use, and whether the last try to renew them failed.
pub(super) struct KeysInUse {
    issuer: Arc<str>,
    /// How long keys that cannot be renewed are used beyond their lifetime.
    grace: Duration,
    keys: ArcSwapOption<Keys>,
    failing: AtomicBool,
    metrics: EngineMetrics,
}

impl KeysInUse {
    /// None yet, and so failing.
    pub(super) fn new(issuer: Arc<str>, grace: Duration, metrics: EngineMetrics) -> Self {
        Self { issuer, grace, keys: ArcSwapOption::empty(), failing: AtomicBool::new(true), metrics }
    }

    /// The keys in use; none before the first fetch, and none again once their renewal is overdue by the stated bound.
    pub(super) fn current(&self) -> Option<Arc<Keys>> {
        self.keys.load_full().filter(|keys| keys.confirmed_at.elapsed() < keys.lifetime.saturating_add(self.grace))
    }

    /// The keys that were last put in use, however old.
    pub(super) fn last(&self) -> Option<Arc<Keys>> {
        self.keys.load_full()
    }

    /// Whether the last try to fetch keys failed: then it is unknown which keys the issuer has.
    pub(super) fn are_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Takes what a try to fetch came to.
    pub(super) fn settle(&self, fetched: Option<Result<Keys, IssuerError>>) -> Result<(), IssuerError> {
        self.failing.store(!matches!(fetched, Some(Ok(_))), Ordering::Relaxed);
        fetched.map_or(Ok(()), |keys| self.replace(keys?))
    }

    /// Says that a try to fetch has failed.
    pub(super) fn failed(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Puts newer keys in the place of those in use.
    ///
    /// A set without a usable key is put there too: an issuer that withdraws its only key means it, and is obeyed at once.
    fn replace(&self, keys: Keys) -> Result<(), IssuerError> {
        let issuer = &*self.issuer;
        let (usable, skipped) = (keys.set.len(), keys.set.skipped().len());
        self.metrics.key_set_keys.with(&[issuer]).set(signed(usable));
        self.metrics.key_set_skipped.with(&[issuer]).set(signed(skipped));
        let confirmed = i64::try_from(keys.confirmed.0).unwrap_or(i64::MAX);
        self.metrics.key_set_fetched.with(&[issuer]).set(confirmed);
        let before = self.keys.load().as_deref().map(|keys| keys.set.fingerprint());
        if before != Some(keys.set.fingerprint()) {
            info!(issuer, keys = usable, skipped, "the issuer's keys are in use");
            for key in keys.set.skipped() {
                warn!(issuer, kid = key.key_id.as_deref(), why = key.why, "a key of the issuer was left out");
            }
        }
        if keys.set.is_empty() {
            self.keys.store(None);
            self.failed();
            return Err(IssuerError::NoUsableKey { skipped });
        }
        self.keys.store(Some(Arc::new(keys)));
        Ok(())
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

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
