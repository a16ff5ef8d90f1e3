//! One issuer as the engine sees it: its rules, its keys, its introspection, and its corner of the cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bearward_core::{DecryptionKeys, KeySet, Reason, TokenRules, Verified, verify_jws};
use http::Uri;
use tokio::runtime::Handle;

use crate::cache::{Fingerprint, Fingerprinter, Memory};
use crate::clock::Clock;
use crate::decision::{Identity, Source};
use crate::decryption::DecryptionKeySource;
use crate::discovery::is_acceptable_url;
use crate::error::GateError;
use crate::http_client::HttpClient;
use crate::introspect::{Answer, Introspector, Surroundings};
use crate::keystore::{Demand, KeyStore, Keys};
use crate::metrics::Metrics;
use crate::settings::{IntrospectionSettings, IssuerSettings};
use crate::status::IssuerStatus;

/// A proved token, or why there is none; and where that was learnt.
type Proof = (Source, Result<Arc<Identity>, Reason>);

/// How long a fetch that was joined and failed may have taken for another one to be tried at once.
const JOIN_AGAIN_WITHIN: Duration = Duration::from_secs(1);

/// "Usually no more than a few minutes" (RFC 9068, 4).
const MAX_LEEWAY: Duration = Duration::from_secs(300);

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
    decryption: Option<Decryption>,
    introspection: Option<Introspection>,
    shared: Shared,
}

/// What opens the issuer's encrypted tokens, and their own place in the cache.
struct Decryption {
    keys: DecryptionKeySource,
    prints: Fingerprinter,
}

struct Introspection {
    introspector: Introspector,
    prints: Fingerprinter,
    settings: IntrospectionSettings,
}

impl Introspection {
    fn new(settings: IntrospectionSettings, rules: Arc<TokenRules>, keys: Arc<KeyStore>, shared: &Shared) -> Self {
        let prints = Fingerprinter::new(&["introspection", rules.issuer.text(), &settings.client_id]);
        let (memory, ttl, negative_ttl) = (shared.memory.clone(), settings.cache_ttl, settings.negative_ttl);
        let remember = move |fingerprint: &Fingerprint, answer: &Answer| match answer {
            Ok(token) => {
                if let Err(reason) = memory.remember(*fingerprint, None, Arc::clone(token), ttl) {
                    memory.remember_refusal(*fingerprint, reason, negative_ttl);
                }
            }
            // An issuer that is away says nothing of the token, and what is not valid yet may be in a moment.
            Err(Reason::IntrospectionUnavailable | Reason::TokenNotYetValid) => {}
            Err(reason) => memory.remember_refusal(*fingerprint, *reason, negative_ttl),
        };
        let surroundings = Surroundings {
            client: shared.client.clone(),
            keys,
            rules,
            runtime: shared.runtime.clone(),
            clock: shared.clock.clone(),
            metrics: shared.metrics.clone(),
        };
        let introspector = Introspector::new(settings.clone(), surroundings, remember);
        Self { introspector, prints, settings }
    }
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings, shared: Shared) -> Result<Self, GateError> {
        if settings.audiences.is_empty() || settings.audiences.iter().any(String::is_empty) {
            return Err(GateError::NoAudience { issuer: settings.issuer });
        }
        if settings.leeway > MAX_LEEWAY {
            return Err(GateError::LeewayTooLarge { issuer: settings.issuer });
        }
        let introspection = settings.introspection.as_ref();
        let introspection_url = introspection.and_then(|introspection| introspection.url.as_deref());
        let token_url = introspection.and_then(|introspection| introspection.auth.token_url()).map(String::as_str);
        // Where nothing is found by it, an issuer identifier is a name, and some are no URLs.
        let metadata = settings.needs_metadata().then(|| settings.metadata_at());
        for url in [metadata, settings.jwks_url(), introspection_url, token_url].into_iter().flatten() {
            if !is_acceptable_url(url) {
                return Err(GateError::UnacceptableUrl { issuer: settings.issuer.clone(), url: url.to_owned() });
            }
        }
        if settings.variable.is_some() && settings.needs_metadata() && settings.discovery_url.is_none() {
            return Err(GateError::TemplateWithoutMetadata { issuer: settings.issuer });
        }
        let rules = settings.rules().map_err(|why| GateError::Template { issuer: settings.issuer.clone(), why })?;
        let rules = Arc::new(rules);
        let name = Arc::clone(rules.issuer.text());
        let shared = match &settings.roots {
            Some(roots) => Shared { client: HttpClient::trusting(roots), ..shared },
            None => shared,
        };
        let introspection = settings.introspection.clone();
        let decryption = settings
            .decryption_keys
            .clone()
            .map(|keys| Decryption { keys, prints: Fingerprinter::new(&["decryption", &name]) });
        let keys = KeyStore::new(
            settings,
            shared.client.clone(),
            shared.clock.clone(),
            shared.runtime.clone(),
            shared.metrics.clone(),
        );
        let introspection =
            introspection.map(|asked| Introspection::new(asked, Arc::clone(&rules), Arc::clone(&keys), &shared));
        Ok(Self {
            signature_prints: Fingerprinter::new(&["signature", &name]),
            decryption,
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

    /// Whether a token that names this issuer is one of its own, as far as can be told before it is verified.
    pub(crate) fn answers_for(&self, issuer: &str) -> bool {
        self.rules.issuer.admits(issuer)
    }

    pub(crate) fn key_store(&self) -> &Arc<KeyStore> {
        &self.keys
    }

    /// The keys that open this issuer's encrypted tokens.
    pub(crate) fn decryption_keys(&self) -> Option<Arc<DecryptionKeys>> {
        self.decryption.as_ref().map(|decryption| decryption.keys.current())
    }

    /// Proves an encrypted token that is meant for the gateway: by decrypting it and proving the token inside, or by having
    /// done so before.
    pub(crate) async fn prove_by_decryption(&self, token: &str) -> Proof {
        let Some(decryption) = &self.decryption else { return (Source::Signature, Err(Reason::TokenUnsupported)) };
        let fingerprint = decryption.prints.of(token);
        if let Some(identity) = self.recall_signed(&fingerprint) {
            return (Source::Cache, Ok(identity));
        }
        let proof = match decryption.keys.current().decrypt(token) {
            Ok(inner) => self.verify_and_remember(inner.as_str(), fingerprint).await,
            Err(reason) => Err(reason),
        };
        (Source::Signature, proof)
    }

    /// Proves a self-contained token with the issuer's keys, or by having proved it before with the same keys.
    pub(crate) async fn prove_by_signature(&self, token: &str) -> Proof {
        let fingerprint = self.signature_prints.of(token);
        if let Some(identity) = self.recall_signed(&fingerprint) {
            return (Source::Cache, Ok(identity));
        }
        (Source::Signature, self.verify_and_remember(token, fingerprint).await)
    }

    /// Proves a referential token by the issuer's answer, or by an answer that is still fresh.
    pub(crate) async fn prove_by_introspection(&self, token: &str) -> Proof {
        let Some(introspection) = &self.introspection else {
            return (Source::Introspection, Err(Reason::TokenUnsupported));
        };
        let (fingerprint, memory) = (introspection.prints.of(token), &self.shared.memory);
        if let Some(identity) = memory.recall(&fingerprint, None) {
            return (Source::Cache, Ok(identity));
        }
        if let Some(reason) = memory.recall_refusal(&fingerprint) {
            return (Source::Cache, Err(reason));
        }
        (Source::Introspection, self.ask(introspection, token, fingerprint).await)
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

    fn recall_signed(&self, fingerprint: &Fingerprint) -> Option<Arc<Identity>> {
        let keys = self.keys.keys()?;
        self.shared.memory.recall(fingerprint, Some(keys.set.fingerprint()))
    }

    async fn verify_and_remember(&self, token: &str, fingerprint: Fingerprint) -> Result<Arc<Identity>, Reason> {
        let (token, keys) = match self.keys.keys() {
            Some(keys) => match self.verify(token, &keys.set) {
                Err(Reason::KeyUnknown) => self.verify_with_newer_keys(token, Some(&keys)).await?,
                verified => (verified?, keys),
            },
            None if self.keys.has_no_key_set() => return Err(Reason::TokenUnsupported),
            // What no key could make valid need not wait for one.
            None => match self.verify(token, &KeySet::default()) {
                Err(Reason::KeyUnknown) => self.verify_with_newer_keys(token, None).await?,
                verified => return Err(verified.err().unwrap_or(Reason::Internal)),
            },
        };
        let proved_by = Some(keys.set.fingerprint());
        self.shared.memory.remember(fingerprint, proved_by, Arc::new(token), self.shared.max_age)
    }

    /// Fetches the keys again for a token whose key is not among the known ones.
    ///
    /// Within the cooldown nobody is asked, and the token counts as invalid: a 5xx that strangers can cause at will would
    /// have a load balancer take this gateway for broken.
    async fn verify_with_newer_keys(&self, token: &str, known: Option<&Keys>) -> Result<(Verified, Arc<Keys>), Reason> {
        let begun = Instant::now();
        let demand = loop {
            let demand = self.keys.fetch_on_demand().await;
            let newer = self.keys.keys();
            let is_newer =
                |keys: &Arc<Keys>| known.is_none_or(|known| known.set.fingerprint() != keys.set.fingerprint());
            if let Some(newer) = newer.filter(is_newer) {
                match self.verify(token, &newer.set) {
                    Err(Reason::KeyUnknown) => {}
                    verified => return Ok((verified?, newer)),
                }
            }
            // What was joined may have begun before the issuer changed its keys, or came back. The next wish is granted or
            // held; but nobody waits twice for an issuer that hangs.
            if demand != Demand::Joined || self.keys.keys_failing() && begun.elapsed() > JOIN_AGAIN_WITHIN {
                break demand;
            }
        };
        // Where the issuer is away, or cannot be waited for, nobody can say whether the key is new or invented.
        let is_away = demand == Demand::Busy || self.keys.keys_failing() || self.keys.keys().is_none();
        Err(if is_away { Reason::KeysUnavailable } else { Reason::KeyUnknown })
    }

    fn verify(&self, token: &str, keys: &KeySet) -> Result<Verified, Reason> {
        verify_jws(token, keys, &self.rules, self.shared.clock.now())
    }

    async fn ask(
        &self,
        introspection: &Introspection,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<Arc<Identity>, Reason> {
        let url = self.introspection_url(introspection).await?;
        let token = introspection.introspector.introspect(&url, token, fingerprint).await?;
        self.shared.memory.identify(token)
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
