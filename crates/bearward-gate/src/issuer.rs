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

/// How a token is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With the issuer's keys.
    Signature,
    /// With the gateway's own keys first: the token inside is proved with the issuer's.
    Decryption,
    /// By the issuer's answer.
    Introspection,
}

impl Way {
    pub(crate) fn source(self) -> Source {
        match self {
            Self::Signature | Self::Decryption => Source::Signature,
            Self::Introspection => Source::Introspection,
        }
    }
}

/// What an issuer's corner of the cache says of a token.
pub(crate) enum Recalled {
    /// What came of it, and where that was learnt.
    Known(Source, Result<Arc<Identity>, Reason>),
    /// Nothing; the token's place there.
    Unknown(Fingerprint),
}

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

    /// What is known of a token without asking anybody: that it was proved, or refused, a moment ago.
    pub(crate) fn recall(&self, way: Way, token: &str) -> Recalled {
        let Some(prints) = self.prints(way) else {
            return Recalled::Known(way.source(), Err(Reason::TokenUnsupported));
        };
        let fingerprint = prints.of(token);
        let memory = &self.shared.memory;
        let known = match way {
            Way::Signature | Way::Decryption => self.recall_signed(&fingerprint).map(Ok),
            Way::Introspection => {
                memory.recall(&fingerprint, None).map(Ok).or_else(|| memory.recall_refusal(&fingerprint).map(Err))
            }
        };
        known.map_or(Recalled::Unknown(fingerprint), |outcome| Recalled::Known(Source::Cache, outcome))
    }

    /// Proves a token of which nothing was known, and remembers what came of it.
    pub(crate) async fn prove(&self, way: Way, token: &str, fingerprint: Fingerprint) -> Result<Arc<Identity>, Reason> {
        match (way, &self.decryption, &self.introspection) {
            (Way::Signature, _, _) => self.verify_and_remember(token, fingerprint).await,
            (Way::Decryption, Some(decryption), _) => {
                let inner = decryption.keys.current().decrypt(token)?;
                self.verify_and_remember(inner.as_str(), fingerprint).await
            }
            (Way::Introspection, _, Some(introspection)) => self.ask(introspection, token, fingerprint).await,
            (Way::Decryption | Way::Introspection, _, _) => Err(Reason::TokenUnsupported),
        }
    }

    /// Waits until tokens of this issuer can be judged.
    pub(crate) async fn ready(&self) {
        loop {
            // Listened for before the state is looked at, so that no news is missed in between.
            let news = self.keys.news();
            if self.status().ready {
                return;
            }
            news.await;
        }
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

    fn prints(&self, way: Way) -> Option<&Fingerprinter> {
        match way {
            Way::Signature => Some(&self.signature_prints),
            Way::Decryption => self.decryption.as_ref().map(|decryption| &decryption.prints),
            Way::Introspection => self.introspection.as_ref().map(|introspection| &introspection.prints),
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
