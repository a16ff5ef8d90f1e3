//! The keys and endpoints that one issuer publishes: fetched in the background, kept while the issuer is unavailable, and
//! fetched again when a token names an unknown key.

use std::sync::Arc;
use std::time::Duration;

use bearward_core::Endpoint;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::endpoints::{Endpoints, METADATA_LIFETIME};
use super::error::IssuerError;
use super::keys::{Keys, KeysInUse};
use super::metadata::Metadata;
use super::schedule::{Demand, Fetch, Schedule};
use crate::clock::Clock;
use crate::files::PatientReader;
use crate::metrics::EngineMetrics;
use crate::net::get::Getter;
use crate::net::http_client::HttpClient;
use crate::settings::{ResolvedIssuer, ResolvedKeys};

/// If a joined fetch fails within this time, another one is tried at once.
const JOIN_AGAIN_WITHIN: Duration = Duration::from_secs(1);

/// The keys and endpoints of one issuer.
pub(crate) struct Published {
    sources: Arc<Sources>,
    schedule: Arc<Schedule>,
}

/// The sources of keys and endpoints, and what was fetched from them.
struct Sources {
    issuer: Arc<ResolvedIssuer>,
    get: Getter,
    clock: Clock,
    keys: KeysInUse,
    endpoints: Endpoints,
    /// Reads the file of keys, where they are in one.
    file: PatientReader,
}

/// Why a key is still missing after a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMissing {
    /// The issuer answered and has no such key.
    Unknown,
    /// The issuer did not answer, or too many requests wait for it, so the key may be new or invented.
    Unavailable,
}

impl Published {
    /// Keys in the settings or in a file are available at once.
    pub(crate) fn new(
        issuer: Arc<ResolvedIssuer>,
        client: HttpClient,
        clock: Clock,
        runtime: Handle,
        metrics: EngineMetrics,
    ) -> Self {
        let settings = &issuer.settings;
        let name = Arc::clone(issuer.rules.issuer.text());
        let get = Getter::new(client, settings.bearer_token.clone(), issuer.configured_addresses());
        // A single late fetch must not drop the keys, however short the bound.
        let grace = settings.refresh.stale.max(settings.timeout);
        let keys = KeysInUse::new(Arc::clone(&name), grace);
        let schedule = Schedule::new(name, settings.refresh.cooldown, runtime, metrics);
        let endpoints = Endpoints::new(Arc::clone(&issuer));
        let sources = Sources { issuer, get, clock, keys, endpoints, file: PatientReader::default() };
        if let Some(local) = sources.issuer.keys.as_ref().and_then(|keys| Keys::local(keys, &sources.clock))
            && let Err(error) = sources.keys.settle(Some(local))
        {
            schedule.settle(Err(error));
        }
        Self { sources: Arc::new(sources), schedule }
    }

    /// Keeps keys and endpoints fresh while it is polled. It ends only if nothing can change.
    pub(crate) fn keep_fresh(&self) -> impl Future<Output = ()> + Send + 'static {
        let (schedule, sources) = (Arc::clone(&self.schedule), Arc::clone(&self.sources));
        async move {
            if sources.can_change() {
                schedule.keep_fresh(sources).await;
            }
        }
    }

    /// The keys in use; `None` before the first fetch, and again once they are too old.
    pub(crate) fn keys(&self) -> Option<Arc<Keys>> {
        self.sources.keys.current()
    }

    /// Whether the issuer needs no keys or is known to publish none. All its tokens are then referential.
    pub(crate) fn has_no_key_set(&self) -> bool {
        let issuer = &self.sources.issuer;
        let publishes_none = || self.metadata().is_some_and(|metadata| metadata.jwks_uri.is_none());
        issuer.keys.is_none() || issuer.settings.introspection.is_some() && issuer.discovers_keys() && publishes_none()
    }

    /// The latest metadata of the issuer.
    pub(crate) fn metadata(&self) -> Option<Arc<Metadata>> {
        self.sources.endpoints.known()
    }

    /// The endpoint that `pick` selects in the metadata. Metadata without it is fetched first.
    pub(crate) async fn endpoint(&self, pick: fn(&Metadata) -> Option<&Endpoint>) -> Option<Endpoint> {
        let known = || self.metadata().and_then(|metadata| pick(&metadata).cloned());
        if let Some(known) = known() {
            return Some(known);
        }
        self.fetch_on_demand().await;
        known()
    }

    /// Fetches the keys again, because `known` lacks the one that is needed, and returns what `attempt` finds among newer ones.
    ///
    /// Within the cooldown nothing is fetched, and the key counts as unknown: if attackers could cause a 5xx at will, a load
    /// balancer would take this gateway for broken.
    pub(crate) async fn with_newer_keys<T>(
        &self,
        known: Option<&Keys>,
        mut attempt: impl FnMut(&Keys) -> Option<T>,
    ) -> Result<(T, Arc<Keys>), KeyMissing> {
        let begun = Instant::now();
        let demand = loop {
            let demand = self.fetch_on_demand().await;
            let is_newer =
                |keys: &Arc<Keys>| known.is_none_or(|known| known.set.fingerprint() != keys.set.fingerprint());
            if let Some(newer) = self.keys().filter(is_newer)
                && let Some(found) = attempt(&newer)
            {
                return Ok((found, newer));
            }
            // A joined fetch may have begun before the issuer changed its keys or became available again, so another one is
            // demanded. But a request waits for a slow issuer only once.
            if demand != Demand::Joined || self.keys_failing() && begun.elapsed() > JOIN_AGAIN_WITHIN {
                break demand;
            }
        };
        let is_unavailable = demand == Demand::Busy || self.keys_failing() || self.keys().is_none();
        Err(if is_unavailable { KeyMissing::Unavailable } else { KeyMissing::Unknown })
    }

    /// Why the last fetch failed; `None` if it succeeded.
    pub(crate) fn last_error(&self) -> Option<Arc<IssuerError>> {
        self.schedule.last_error()
    }

    /// Completes when the next fetch ends.
    pub(crate) fn next_fetch(&self) -> impl Future<Output = ()> {
        self.schedule.next_fetch()
    }

    /// Whether the last fetch of keys failed.
    fn keys_failing(&self) -> bool {
        self.sources.keys.are_failing()
    }

    async fn fetch_on_demand(&self) -> Demand {
        if self.sources.can_change() { self.schedule.on_demand(&self.sources).await } else { Demand::Held }
    }
}

impl Sources {
    /// Whether anything has to be fetched.
    fn can_change(&self) -> bool {
        let keys_can_change = !matches!(self.issuer.keys, None | Some(ResolvedKeys::Fixed(_)));
        keys_can_change || self.endpoints.are_needed()
    }

    async fn fetch_metadata_and_keys(&self, afresh: bool) -> Result<(), IssuerError> {
        let metadata = self.endpoints.locate(&self.get, afresh).await;
        let fetched = match (&self.issuer.keys, &metadata) {
            (None, _) => None,
            (Some(ResolvedKeys::Url(url)), _) => Some(self.fetch_keys(url).await),
            (Some(ResolvedKeys::Metadata), Some(Ok(metadata))) => match &metadata.jwks_uri {
                Some(url) => Some(self.fetch_keys(url).await),
                None => None,
            },
            (Some(ResolvedKeys::File(path)), _) => Some(Keys::read_again(path, &self.file, &self.clock).await),
            (Some(source), _) => Keys::local(source, &self.clock),
        };
        // Keys come first: if the metadata is unavailable, keys at a configured address still count.
        self.keys.settle(fetched)?;
        match metadata.transpose()? {
            Some(metadata) => self.endpoints.complete(&metadata),
            None => Ok(()),
        }
    }

    async fn fetch_keys(&self, url: &Endpoint) -> Result<Keys, IssuerError> {
        let settings = &self.issuer.settings;
        let known = self.keys.last();
        Keys::fetch(&self.get, url, known.as_deref(), &settings.refresh, settings.timeout, &self.clock).await
    }
}

impl Fetch for Sources {
    async fn fetch(&self, afresh: bool) -> Result<(), IssuerError> {
        let timeout = self.issuer.settings.timeout;
        match tokio::time::timeout(timeout, self.fetch_metadata_and_keys(afresh)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.keys.failed();
                Err(IssuerError::Timeout(timeout))
            }
        }
    }

    fn next_pause(&self) -> Duration {
        match self.keys.last().as_deref() {
            Some(keys) => keys.lifetime.min(self.issuer.settings.refresh.max),
            // All tokens are referential, and only the endpoints have to be fetched.
            None => METADATA_LIFETIME,
        }
    }
}
