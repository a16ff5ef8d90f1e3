//! The keys of one issuer that are in use.

use std::path::Path;
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
use crate::files::PatientReader;
use crate::net::get::Getter;
use crate::net::http_client::Limit;
use crate::settings::{
    FILE_LIFETIME, KeyFileError, MAX_KEY_SET, RefreshSettings, ResolvedKeys, load_key_file, read_key_file,
};

/// A key set, and when the issuer last confirmed it.
pub(crate) struct Keys {
    pub(crate) set: Arc<KeySet>,
    pub(crate) confirmed: UnixTime,
    /// By the monotonic clock: a change of the wall clock must not revive an old key set.
    confirmed_at: Instant,
    /// The time until the next fetch.
    pub(super) lifetime: Duration,
    /// The address of the set and its entity tag, with which the issuer can confirm it (RFC 9110, 8.8.3).
    tag: Option<(Endpoint, HeaderValue)>,
}

impl Keys {
    fn confirmed_now(set: Arc<KeySet>, lifetime: Duration, clock: &Clock) -> Self {
        Self { set, confirmed: clock.now(), confirmed_at: Instant::now(), lifetime, tag: None }
    }

    /// The keys in the settings or in a file, which is waited for; `None` if they have to be fetched.
    pub(super) fn local(source: &ResolvedKeys, clock: &Clock) -> Option<Result<Self, IssuerError>> {
        match source {
            ResolvedKeys::Fixed(set) => Some(Ok(Self::confirmed_now(Arc::clone(set), Duration::MAX, clock))),
            ResolvedKeys::File(path) => Some(Self::of_file(path, read_key_file(path), clock)),
            ResolvedKeys::Metadata | ResolvedKeys::Url(_) => None,
        }
    }

    /// The keys in a file, read again without holding up the runtime.
    pub(super) async fn read_again(path: &Path, reader: &PatientReader, clock: &Clock) -> Result<Self, IssuerError> {
        let file = path.to_owned();
        let read = reader.run(move || load_key_file(&file)).await;
        Self::of_file(path, read.map_err(KeyFileError::from).flatten(), clock)
    }

    fn of_file(path: &Path, read: Result<KeySet, KeyFileError>, clock: &Clock) -> Result<Self, IssuerError> {
        match read {
            Ok(set) => Ok(Self::confirmed_now(Arc::new(set), FILE_LIFETIME, clock)),
            Err(why) => Err(IssuerError::KeyFile { path: path.display().to_string(), why: Arc::new(why) }),
        }
    }

    /// Fetches the keys at `url`, or lets the issuer confirm the `known` ones.
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

/// The keys in use, and whether the last fetch failed.
pub(super) struct KeysInUse {
    issuer: Arc<str>,
    /// How long keys stay in use beyond their lifetime if they cannot be fetched again.
    grace: Duration,
    keys: ArcSwapOption<Keys>,
    failing: AtomicBool,
}

impl KeysInUse {
    /// No keys yet, which counts as failing.
    pub(super) fn new(issuer: Arc<str>, grace: Duration) -> Self {
        Self { issuer, grace, keys: ArcSwapOption::empty(), failing: AtomicBool::new(true) }
    }

    /// The keys in use; `None` before the first fetch, and again after `grace`.
    pub(super) fn current(&self) -> Option<Arc<Keys>> {
        self.keys.load_full().filter(|keys| keys.confirmed_at.elapsed() < keys.lifetime.saturating_add(self.grace))
    }

    /// The latest keys, however old.
    pub(super) fn last(&self) -> Option<Arc<Keys>> {
        self.keys.load_full()
    }

    /// Whether the last fetch failed, so that it is unknown which keys the issuer has now.
    pub(super) fn are_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Records the result of a fetch.
    pub(super) fn settle(&self, fetched: Option<Result<Keys, IssuerError>>) -> Result<(), IssuerError> {
        self.failing.store(!matches!(fetched, Some(Ok(_))), Ordering::Relaxed);
        fetched.map_or(Ok(()), |keys| self.replace(keys?))
    }

    /// Records that a fetch failed.
    pub(super) fn failed(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Replaces the keys in use.
    ///
    /// A set without a usable key replaces them too: if an issuer withdraws its only key, its tokens are refused at once.
    fn replace(&self, keys: Keys) -> Result<(), IssuerError> {
        let issuer = &*self.issuer;
        let (usable, skipped) = (keys.set.len(), keys.set.skipped().len());
        let before = self.keys.load().as_deref().map(|keys| keys.set.fingerprint());
        if before != Some(keys.set.fingerprint()) {
            info!(issuer, keys = usable, skipped, "new keys of the issuer are in use");
            for key in keys.set.skipped() {
                warn!(issuer, kid = key.key_id.as_deref(), why = key.why, "skipped a key of the issuer");
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

/// The lifetime of the answer by `Cache-Control` (RFC 9111, 5.2.2). The caller applies the bounds.
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
