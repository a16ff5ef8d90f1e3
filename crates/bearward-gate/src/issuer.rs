//! One issuer as the engine sees it: its rules, its keys, its introspection, and its corner of the cache.

use std::sync::Arc;
use std::time::Duration;

use bearward_core::{Reason, TokenRules, Verified, verify_jws};
use http::Uri;
use tokio::runtime::Handle;

use crate::cache::{Fingerprint, Fingerprinter, Memory};
use crate::clock::Clock;
use crate::decision::{Identity, Source};
use crate::discovery::is_acceptable_url;
use crate::gate::GateError;
use crate::http_client::HttpClient;
use crate::introspect::{Answer, Introspector};
use crate::keystore::{KeyStore, Keys};
use crate::metrics::Metrics;
use crate::settings::{IntrospectionSettings, IssuerSettings};
use crate::status::IssuerStatus;

/// A proved token, and where the proof came from; or why there is none.
type Proof = Result<(Arc<Identity>, Source), Reason>;

/// What all issuers of a gate share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) memory: Memory,
    pub(crate) max_age: Duration,
    pub(crate) clock: Clock,
    pub(crate) client: HttpClient,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: Handle,
}

pub(crate) struct Issuer {
    name: Arc<str>,
    rules: Arc<TokenRules>,
    keys: Arc<KeyStore>,
    signature_prints: Fingerprinter,
    introspection: Option<Introspection>,
    shared: Shared,
}

struct Introspection {
    introspector: Introspector,
    prints: Fingerprinter,
    settings: IntrospectionSettings,
}

impl Introspection {
    fn new(settings: IntrospectionSettings, rules: Arc<TokenRules>, shared: &Shared) -> Self {
        let prints = Fingerprinter::new(&["introspection", &rules.issuer, &settings.client_id]);
        let (memory, ttl, negative_ttl) = (shared.memory.clone(), settings.cache_ttl, settings.negative_ttl);
        let remember = move |fingerprint: &Fingerprint, answer: &Answer| match answer {
            // What cannot be told to an upstream is refused where it is used.
            Ok(token) => drop(memory.remember(*fingerprint, None, Arc::clone(token), ttl)),
            // An issuer that is away says nothing of the token.
            Err(Reason::IntrospectionUnavailable) => {}
            Err(reason) => memory.remember_refusal(*fingerprint, *reason, negative_ttl),
        };
        let introspector = Introspector::new(
            shared.client.clone(),
            settings.clone(),
            rules,
            shared.runtime.clone(),
            shared.clock.clone(),
            shared.metrics.clone(),
            remember,
        );
        Self { introspector, prints, settings }
    }
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings, shared: Shared) -> Result<Self, GateError> {
        if settings.audiences.is_empty() || settings.audiences.iter().any(String::is_empty) {
            return Err(GateError::NoAudience { issuer: settings.issuer });
        }
        let introspection_url = settings.introspection.as_ref().and_then(|introspection| introspection.url.as_ref());
        for url in [Some(&settings.issuer), settings.jwks_url.as_ref(), introspection_url].into_iter().flatten() {
            if !is_acceptable_url(url) {
                return Err(GateError::UnacceptableUrl { issuer: settings.issuer.clone(), url: url.clone() });
            }
        }
        let rules = Arc::new(settings.rules());
        let name = Arc::clone(&rules.issuer);
        let introspection =
            settings.introspection.clone().map(|asked| Introspection::new(asked, Arc::clone(&rules), &shared));
        let keys = KeyStore::new(
            settings,
            shared.client.clone(),
            shared.clock.clone(),
            shared.runtime.clone(),
            shared.metrics.clone(),
        );
        Ok(Self {
            signature_prints: Fingerprinter::new(&["signature", &name]),
            name,
            rules,
            keys,
            introspection,
            shared,
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn key_store(&self) -> &Arc<KeyStore> {
        &self.keys
    }

    /// Proves a self-contained token with the issuer's keys, or by having proved it before with the same keys.
    pub(crate) async fn prove_by_signature(&self, token: &str) -> Proof {
        let fingerprint = self.signature_prints.of(token);
        let keys = self.keys_or_wait().await?;
        let memory = &self.shared.memory;
        if let Some(identity) = memory.recall(&fingerprint, Some(keys.set.fingerprint())) {
            return Ok((identity, Source::Cache));
        }
        let (verified, keys) = match self.verify(token, &keys) {
            Err(Reason::KeyUnknown) => self.verify_with_newer_keys(token, &keys).await?,
            verified => (verified?, keys),
        };
        let proved_by = Some(keys.set.fingerprint());
        let identity = memory.remember(fingerprint, proved_by, Arc::new(verified), self.shared.max_age)?;
        Ok((identity, Source::Signature))
    }

    /// Proves a referential token by the issuer's answer, or by an answer that is still fresh.
    pub(crate) async fn prove_by_introspection(&self, token: &str) -> Proof {
        let Some(introspection) = &self.introspection else { return Err(Reason::TokenUnsupported) };
        let (fingerprint, memory) = (introspection.prints.of(token), &self.shared.memory);
        if let Some(identity) = memory.recall(&fingerprint, None) {
            return Ok((identity, Source::Cache));
        }
        if let Some(reason) = memory.recall_refusal(&fingerprint) {
            return Err(reason);
        }
        let url = self.introspection_url(introspection).await?;
        let token = introspection.introspector.introspect(&url, token, fingerprint).await?;
        Ok((memory.identify(token)?, Source::Introspection))
    }

    pub(crate) fn status(&self) -> IssuerStatus {
        let keys = self.keys.keys();
        let introspection =
            self.introspection.as_ref().map(|asked| asked.settings.url.is_some() || self.known_endpoint().is_some());
        IssuerStatus {
            issuer: self.name.to_string(),
            ready: keys.is_some() || (self.keys.has_no_key_set() && introspection == Some(true)),
            keys: keys.as_ref().map_or(0, |keys| keys.set.len()),
            skipped: keys.as_ref().map_or(0, |keys| keys.set.skipped().len()),
            age: keys.map(|keys| Duration::from_secs(self.shared.clock.now().seconds_since(keys.confirmed))),
            introspection,
            last_error: self.keys.last_error(),
        }
    }

    fn verify(&self, token: &str, keys: &Keys) -> Result<Verified, Reason> {
        verify_jws(token, &keys.set, &self.rules, self.shared.clock.now())
    }

    /// Fetches the keys again for a token whose key is not among `known`.
    ///
    /// Within the cooldown nobody is asked, and the token counts as invalid: a 5xx that strangers can cause at will would
    /// have a load balancer take this gateway for broken.
    async fn verify_with_newer_keys(&self, token: &str, known: &Keys) -> Result<(Verified, Arc<Keys>), Reason> {
        // The first time may end with a fetch that began before the issuer changed its keys.
        for _ in 0..2 {
            self.keys.fetch_on_demand().await;
            let newer = self.keys.keys().filter(|newer| newer.set.fingerprint() != known.set.fingerprint());
            if let Some(newer) = newer {
                match self.verify(token, &newer) {
                    Err(Reason::KeyUnknown) => {}
                    verified => return Ok((verified?, newer)),
                }
            }
        }
        // Where the issuer is away, nobody can say whether the key is new or invented.
        Err(if self.keys.last_error().is_some() { Reason::KeysUnavailable } else { Reason::KeyUnknown })
    }

    async fn keys_or_wait(&self) -> Result<Arc<Keys>, Reason> {
        if let Some(keys) = self.keys.keys() {
            return Ok(keys);
        }
        if self.keys.has_no_key_set() {
            return Err(Reason::TokenUnsupported);
        }
        self.keys.fetch_on_demand().await;
        self.keys.keys().ok_or(Reason::KeysUnavailable)
    }

    async fn introspection_url(&self, introspection: &Introspection) -> Result<Uri, Reason> {
        let url = match &introspection.settings.url {
            Some(url) => Some(url.clone()),
            None => match self.known_endpoint() {
                Some(url) => Some(url),
                None => {
                    self.keys.fetch_on_demand().await;
                    self.known_endpoint()
                }
            },
        };
        url.and_then(|url| url.parse().ok()).ok_or(Reason::IntrospectionUnavailable)
    }

    fn known_endpoint(&self) -> Option<String> {
        self.keys.introspection_endpoint()
    }
}
