//! One issuer as the engine sees it: its rules, its keys, its introspection, and its corner of the cache.

mod discovery;
pub(crate) mod endpoints;
pub(crate) mod key_source;
pub(crate) mod keystore;
mod readiness;
mod status;

pub use key_source::{KeyFileError, KeySource, read_key_file};
pub use readiness::ReadyWhen;
pub use status::IssuerStatus;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bearward_core::{DecryptionKeys, KeySet, Reason, TokenRules, Verified, verify_jws};
use http::Uri;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::decide::decision::{Identity, Source};
use crate::decide::memory::{Fingerprint, Fingerprinter, Memory};
use crate::introspect::{Answer, Introspector, Proved, SignedResponse, Surroundings};
use crate::issuer::keystore::{Demand, KeyStore, Keys};
use crate::metrics::Metrics;
use crate::net::http_client::HttpClient;
use crate::net::{check_url, shown};
use crate::secrets::DecryptionKeySource;
use crate::settings::bounds;
use crate::settings::error::GateError;
use crate::settings::{IntrospectionSettings, IssuerSettings, TokenFormats};

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

/// What an issuer's corner of the cache says of a token.
pub(crate) enum Recalled {
    /// What came of it, and where that was learnt.
    Known(Source, Result<Arc<Identity>, Reason>),
    /// Nothing; the token's place there.
    Unknown(Fingerprint),
}

/// How long a fetch that was joined and failed may have taken for another one to be tried at once.
const JOIN_AGAIN_WITHIN: Duration = Duration::from_secs(1);

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
    tokens: TokenFormats,
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
        let remember = move |fingerprint: &Fingerprint, key_set: Option<Fingerprint>, answer: &Answer| match answer {
            Ok(token) => {
                memory.remember(*fingerprint, key_set, Arc::clone(token), ttl);
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
        bounds::check(&settings)?;
        if matches!(&settings.keys, KeySource::Fixed(set) if set.is_empty()) {
            return Err(GateError::NoKey { issuer: settings.issuer });
        }
        check_tokens(&settings)?;
        let introspection = settings.introspection.as_ref();
        let introspection_url = introspection.and_then(|introspection| introspection.url.as_deref());
        let token_url = introspection.and_then(|introspection| introspection.auth.token_url()).map(String::as_str);
        // Where nothing is found by it, an issuer identifier is a name, and some are no URLs.
        let metadata = settings.needs_metadata().then(|| settings.metadata_at());
        for url in [metadata, settings.jwks_url(), introspection_url, token_url].into_iter().flatten() {
            if check_url(url).is_err() {
                return Err(GateError::UnacceptableUrl { issuer: shown(&settings.issuer), url: shown(url) });
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
        let tokens = settings.tokens;
        // What the keys prove alone, and what the issuer was asked about as well, are two kinds of proof.
        let confirmed_for =
            introspection.as_ref().filter(|_| tokens == TokenFormats::Both).map(|asked| &*asked.client_id);
        let prints = |kind: &str| match confirmed_for {
            None => Fingerprinter::new(&[kind, &name]),
            Some(client_id) => Fingerprinter::new(&[kind, &name, "and introspection", client_id]),
        };
        let signature_prints = prints("signature");
        let decryption = settings.decryption_keys.clone().map(|keys| Decryption { keys, prints: prints("decryption") });
        let keys = KeyStore::new(
            settings,
            shared.client.clone(),
            shared.clock.clone(),
            shared.runtime.clone(),
            shared.metrics.clone(),
        );
        let introspection =
            introspection.map(|asked| Introspection::new(asked, Arc::clone(&rules), Arc::clone(&keys), &shared));
        Ok(Self { signature_prints, decryption, name, tokens, rules, keys, introspection, shared })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether a token that names this issuer is one of its own, as far as can be told before it is verified.
    pub(crate) fn answers_for(&self, issuer: &str) -> bool {
        self.rules.issuer.admits(issuer)
    }

    /// How a token is proved that looks like a JWS.
    pub(crate) fn way_of_jws(&self) -> Way {
        if self.asks_about_every_token() { Way::Introspection } else { Way::Signature }
    }

    /// Whether no token of this issuer is ever verified here.
    pub(crate) fn asks_about_every_token(&self) -> bool {
        self.tokens == TokenFormats::Referential
    }

    /// Where the answer about a token comes from that is proved in this way. Where both prove it, the issuer has the last word.
    pub(crate) fn source(&self, way: Way) -> Source {
        match way {
            Way::Signature | Way::Decryption if self.tokens != TokenFormats::Both => Source::Signature,
            Way::Signature | Way::Decryption | Way::Introspection => Source::Introspection,
        }
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
            return Recalled::Known(self.source(way), Err(Reason::TokenUnsupported));
        };
        let fingerprint = prints.of(token);
        let memory = &self.shared.memory;
        let known = match way {
            Way::Signature | Way::Decryption => {
                // Where keys alone prove it, no refusal is remembered, and none is looked for.
                let is_asked = self.tokens == TokenFormats::Both;
                let refused = || is_asked.then(|| memory.recall_refusal(&fingerprint)).flatten();
                self.recall_signed(&fingerprint).map(Ok).or_else(|| refused().map(Err))
            }
            Way::Introspection => {
                memory.recall(&fingerprint, None).map(Ok).or_else(|| memory.recall_refusal(&fingerprint).map(Err))
            }
        };
        known.map_or(Recalled::Unknown(fingerprint), |outcome| Recalled::Known(Source::Cache, outcome))
    }

    /// Whether [`Issuer::recall`] knows an encrypted token; the metrics do not hear of it.
    pub(crate) fn remembers_encrypted(&self, token: &str) -> bool {
        let (Some(prints), memory) = (self.prints(Way::Decryption), &self.shared.memory) else { return false };
        let fingerprint = prints.of(token);
        let is_proved = |keys: Arc<Keys>| memory.holds(&fingerprint, Some(keys.set.fingerprint()));
        self.keys.keys().is_some_and(is_proved)
            || self.tokens == TokenFormats::Both && memory.holds_refusal(&fingerprint)
    }

    /// Proves a token of which nothing was known, and remembers what came of it.
    pub(crate) async fn prove(&self, way: Way, token: &str, fingerprint: Fingerprint) -> Result<Arc<Identity>, Reason> {
        match (way, &self.decryption, &self.introspection) {
            (Way::Signature, _, _) => self.prove_by_keys(token, token, fingerprint).await,
            (Way::Decryption, Some(decryption), _) => {
                let inner = decryption.keys.current().decrypt(token)?;
                self.prove_by_keys(inner.as_str(), token, fingerprint).await
            }
            (Way::Introspection, _, Some(introspection)) => self.ask(introspection, token, fingerprint, None).await,
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

    /// How long it is still not asked about tokens, because it does not answer or wants a pause.
    pub(crate) fn introspection_pause(&self) -> Option<Duration> {
        self.introspection.as_ref()?.introspector.pause_left()
    }

    /// Its state. Whether a route uses it is known to the gate.
    pub(crate) fn status(&self) -> IssuerStatus {
        let keys = self.keys.keys();
        let introspection =
            self.introspection.as_ref().map(|asked| asked.settings.url.is_some() || self.known_endpoint().is_some());
        let (has_keys, answers) = (keys.is_some(), introspection == Some(true));
        // An answer that has to be signed is none without the key.
        let must_sign = |asked: &Introspection| asked.settings.signed_response == SignedResponse::Require;
        let needs_keys = !self.keys.has_no_key_set() || self.introspection.as_ref().is_some_and(must_sign);
        IssuerStatus {
            issuer: self.name.to_string(),
            used: false,
            ready: match self.tokens {
                TokenFormats::Auto | TokenFormats::SelfContained => has_keys || answers && !needs_keys,
                TokenFormats::Referential => answers && (has_keys || !needs_keys),
                TokenFormats::Both => has_keys && answers,
            },
            keys: keys.as_ref().map_or(0, |keys| keys.set.len()),
            skipped: keys.as_ref().map_or(0, |keys| keys.set.skipped().len()),
            age: keys.map(|keys| Duration::from_secs(self.shared.clock.now().seconds_since(keys.confirmed))),
            introspection,
            introspection_paused: self.introspection.as_ref().is_some_and(|asked| asked.introspector.is_paused()),
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

    /// Proves the JWS `jws` with the issuer's keys, and has the issuer confirm the token as it `came` where that is asked for.
    async fn prove_by_keys(&self, jws: &str, came: &str, fingerprint: Fingerprint) -> Result<Arc<Identity>, Reason> {
        let (token, keys) = self.verify_with_keys(jws).await?;
        let (token, key_set) = (Arc::new(token), keys.set.fingerprint());
        if self.tokens == TokenFormats::Both {
            let introspection = self.introspection.as_ref().ok_or(Reason::Internal)?;
            return self.ask(introspection, came, fingerprint, Some(Proved { token, key_set })).await;
        }
        Ok(self.shared.memory.remember(fingerprint, Some(key_set), token, self.shared.max_age))
    }

    /// Verifies a JWS with the keys in use, or with newer ones where it names a key that is not among them.
    async fn verify_with_keys(&self, token: &str) -> Result<(Verified, Arc<Keys>), Reason> {
        match self.keys.keys() {
            Some(keys) => match self.verify(token, &keys.set) {
                Err(Reason::KeyUnknown) => self.verify_with_newer_keys(token, Some(&keys)).await,
                verified => Ok((verified?, keys)),
            },
            None if self.keys.has_no_key_set() => Err(Reason::TokenUnsupported),
            // What no key could make valid need not wait for one.
            None => match self.verify(token, &KeySet::default()) {
                Err(Reason::KeyUnknown) => self.verify_with_newer_keys(token, None).await,
                verified => Err(verified.err().unwrap_or(Reason::Internal)),
            },
        }
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
        proved: Option<Proved>,
    ) -> Result<Arc<Identity>, Reason> {
        let url = self.introspection_url(introspection).await?;
        let token = introspection.introspector.introspect(&url, token, fingerprint, proved).await?;
        Ok(self.shared.memory.identify(token))
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

/// What an issuer's tokens are said to be must fit with what is configured for them.
fn check_tokens(settings: &IssuerSettings) -> Result<(), GateError> {
    let issuer = || settings.issuer.clone();
    let tokens = settings.tokens.name();
    if let Some(asked) = &settings.introspection
        && let Some(why) = asked.contradiction()
    {
        return Err(GateError::IntrospectionKind { issuer: issuer(), kind: asked.kind.name(), why });
    }
    match (settings.tokens, settings.introspection.is_some()) {
        (TokenFormats::Referential | TokenFormats::Both, false) => {
            Err(GateError::TokensWithoutIntrospection { issuer: issuer(), tokens })
        }
        (TokenFormats::SelfContained, true) => {
            Err(GateError::UnusedForTokens { issuer: issuer(), tokens, what: "introspection" })
        }
        (TokenFormats::Referential, _) if settings.decryption_keys.is_some() => {
            Err(GateError::UnusedForTokens { issuer: issuer(), tokens, what: "its decryption keys" })
        }
        _ => Ok(()),
    }
}
