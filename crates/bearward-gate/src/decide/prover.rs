//! One issuer at work: it proves tokens, by the issuer's keys or by its answer, and says so to the memory.

use std::ptr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bearward_core::{
    Check, DecryptedToken, DecryptionKeys, IdentityHeaders, KeySet, KeyTries, Reason, Trace, Verified, verify_jws,
    verify_jws_traced,
};
use tokio::task::AbortHandle;

use super::engine::Engine;
use crate::introspect::{Context, Introspector, Proved};
use crate::issuer::{IssuerStatus, KeyMissing, Keys, Published};
use crate::memory::{Grounds, Identity, Key, Proof, ProverId, ProverSetId};
use crate::net::http_client::HttpClient;
use crate::settings::{ResolvedIssuer, SignedResponse, TokenFormats};
use crate::source::Source;

/// Proves the tokens of one issuer. It lives from generation to generation while its settings do not change, and keeps its
/// keys, its breaker and its connections.
pub(crate) struct Prover {
    id: ProverId,
    name: Arc<str>,
    issuer: Arc<ResolvedIssuer>,
    published: Arc<Published>,
    introspector: Option<Introspector>,
    engine: Engine,
    /// The prover sets of the current generation that it belongs to: what it refuses is forgotten for each of them.
    sets: Arc<ArcSwap<Vec<ProverSetId>>>,
    /// What the last proof rests on.
    last_grounds: ArcSwapOption<Grounds>,
    refresh: AbortHandle,
}

/// A token, and what the proof of it is for.
pub(crate) struct Question<'a> {
    pub(crate) token: &'a str,
    pub(crate) key: Key,
    /// The headers to render of the proof.
    pub(crate) headers: &'a Arc<IdentityHeaders>,
    /// How long a proof by keys is remembered.
    pub(crate) max_age: Duration,
}

impl Prover {
    /// Starts a prover, which begins to fetch keys on the engine's runtime and waits for no issuer.
    pub(crate) fn start(issuer: Arc<ResolvedIssuer>, engine: &Engine) -> Arc<Self> {
        let settings = &issuer.settings;
        let name = Arc::clone(issuer.rules.issuer.text());
        let client = settings.roots.as_ref().map_or_else(|| engine.client.clone(), HttpClient::trusting);
        let published = Arc::new(Published::new(
            Arc::clone(&issuer),
            client.clone(),
            engine.clock.clone(),
            engine.runtime.clone(),
            engine.metrics.clone(),
        ));
        let introspector = settings.introspection.as_ref().zip(issuer.introspection.as_ref());
        let introspector = introspector.map(|(settings, endpoints)| {
            let context = Context {
                client,
                published: Arc::clone(&published),
                rules: Arc::clone(&issuer.rules),
                runtime: engine.runtime.clone(),
                clock: engine.clock.clone(),
                metrics: engine.metrics.clone(),
            };
            Introspector::new(settings, endpoints, &context)
        });
        let refresh = engine.runtime.spawn(published.keep_fresh()).abort_handle();
        let (id, engine, sets) = (engine.next_prover(), engine.clone(), Arc::default());
        let last_grounds = ArcSwapOption::empty();
        Arc::new(Self { id, name, issuer, published, introspector, engine, sets, last_grounds, refresh })
    }

    pub(crate) fn id(&self) -> ProverId {
        self.id
    }

    /// The issuer identifier, or the template of such.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The settings that it was started from.
    pub(crate) fn issuer(&self) -> &Arc<ResolvedIssuer> {
        &self.issuer
    }

    /// Takes the prover sets of the generation that is now current.
    pub(crate) fn belongs_to(&self, sets: Vec<ProverSetId>) {
        self.sets.store(Arc::new(sets));
    }

    /// Whether a token that names this issuer is one of its own, as far as can be told before it is verified.
    pub(crate) fn answers_for(&self, issuer: &str) -> bool {
        self.issuer.rules.issuer.admits(issuer)
    }

    /// How a token is proved that looks like a JWS.
    pub(crate) fn proof_of_jws(&self) -> Proof {
        if self.asks_about_every_token() { Proof::Introspection } else { Proof::Signature }
    }

    /// Whether no token of this issuer is ever verified here.
    pub(crate) fn asks_about_every_token(&self) -> bool {
        self.tokens() == TokenFormats::Referential
    }

    /// Whether the issuer is asked about any token.
    pub(crate) fn asks(&self) -> bool {
        self.introspector.is_some()
    }

    /// Where the answer about a token comes from that is proved in this way. Where both prove it, the issuer has the last
    /// word.
    pub(crate) fn source(&self, proof: Proof) -> Source {
        match proof {
            Proof::Signature | Proof::Decryption if self.tokens() != TokenFormats::Both => Source::Signature,
            Proof::Signature | Proof::Decryption | Proof::Introspection => Source::Introspection,
        }
    }

    /// The keys that open this issuer's encrypted tokens.
    pub(crate) fn decryption_keys(&self) -> Option<Arc<DecryptionKeys>> {
        self.issuer.settings.decryption_keys.as_ref().map(|keys| keys.current())
    }

    /// Whether what a remembered proof rests on is still there.
    pub(crate) fn stands_by(&self, grounds: &Grounds) -> bool {
        let has_key_set = |set: &[u8; 32]| self.published.keys().is_some_and(|keys| keys.set.fingerprint() == *set);
        let opens = |then: &Weak<DecryptionKeys>| {
            self.decryption_keys().is_some_and(|now| ptr::eq(then.as_ptr(), Arc::as_ptr(&now)))
        };
        grounds.key_set().is_none_or(has_key_set) && grounds.opened_with().is_none_or(opens)
    }

    /// What a proof rests on, in one piece for all that rest on the same.
    fn grounds(&self, key_set: Option<[u8; 32]>, opened_with: Option<Weak<DecryptionKeys>>) -> Grounds {
        let last = self.last_grounds.load();
        match last.as_deref() {
            Some(last) if last.are(self.id, key_set.as_ref(), opened_with.as_ref()) => last.clone(),
            _ => {
                let grounds = Grounds::new(self.id, key_set, opened_with);
                self.last_grounds.store(Some(Arc::new(grounds.clone())));
                grounds
            }
        }
    }

    /// Proves a token of which nothing was known, and remembers what came of it.
    pub(crate) async fn prove(
        &self,
        proof: Proof,
        question: Question<'_>,
        mut trace: Option<&mut Trace>,
    ) -> Result<Arc<Identity>, Reason> {
        match proof {
            Proof::Signature => self.prove_by_keys(question.token, None, question, trace).await,
            Proof::Decryption => {
                let keys = self.decryption_keys().ok_or(Reason::TokenUnsupported)?;
                let inner = self.decrypt(&keys, question.token, &mut KeyTries::default());
                if let Some(trace) = trace.as_deref_mut() {
                    trace.note(Check::Decryption, &inner);
                }
                self.prove_by_keys(inner?.as_str(), Some(keys), question, trace).await
            }
            Proof::Introspection => self.ask(question, None, trace).await,
        }
    }

    /// Decrypts a token with `keys`, and counts those that were tried.
    pub(crate) fn decrypt(
        &self,
        keys: &DecryptionKeys,
        token: &str,
        tries: &mut KeyTries,
    ) -> Result<DecryptedToken, Reason> {
        let before = tries.made();
        let decrypted = keys.decrypt_within(token, tries);
        self.engine.metrics.decryption_tries.with(&[&self.name]).add((tries.made() - before) as u64);
        decrypted
    }

    /// Waits until tokens of this issuer can be judged.
    pub(crate) async fn ready(&self) {
        loop {
            // Listened for before the state is looked at, so that no news is missed in between.
            let news = self.published.next_fetch();
            if self.status().ready {
                return;
            }
            news.await;
        }
    }

    /// How long it is still not asked about tokens, because it does not answer or wants a pause.
    pub(crate) fn introspection_pause(&self) -> Option<Duration> {
        self.introspector.as_ref()?.pause_left()
    }

    /// Its state. Whether a route uses it, the generation knows.
    pub(crate) fn status(&self) -> IssuerStatus {
        let keys = self.published.keys();
        let introspection = self.introspector.as_ref().map(Introspector::has_endpoint);
        let (has_keys, answers) = (keys.is_some(), introspection == Some(true));
        // An answer that has to be signed is none without the key.
        let asked = self.issuer.settings.introspection.as_ref();
        let must_sign = asked.is_some_and(|asked| asked.signed_response == SignedResponse::Require);
        let needs_keys = !self.published.has_no_key_set() || must_sign;
        IssuerStatus {
            issuer: self.name.to_string(),
            used: false,
            ready: match self.tokens() {
                TokenFormats::Auto | TokenFormats::SelfContained => has_keys || answers && !needs_keys,
                TokenFormats::Referential => answers && (has_keys || !needs_keys),
                TokenFormats::Both => has_keys && answers,
            },
            keys: keys.as_ref().map_or(0, |keys| keys.set.len()),
            skipped: keys.as_ref().map_or(0, |keys| keys.set.skipped().len()),
            age: keys.map(|keys| Duration::from_secs(self.engine.clock.now().seconds_since(keys.confirmed))),
            introspection,
            introspection_paused: self.introspector.as_ref().is_some_and(Introspector::is_paused),
            last_error: self.published.last_error(),
        }
    }

    fn tokens(&self) -> TokenFormats {
        self.issuer.settings.tokens
    }

    /// Proves the JWS `jws` with the issuer's keys, and has the issuer confirm the token as it came where that is asked for.
    async fn prove_by_keys(
        &self,
        jws: &str,
        opened_with: Option<Arc<DecryptionKeys>>,
        question: Question<'_>,
        mut trace: Option<&mut Trace>,
    ) -> Result<Arc<Identity>, Reason> {
        let (token, keys) = self.verify_with_keys(jws, trace.as_deref_mut()).await?;
        let opened_with = opened_with.as_ref().map(Arc::downgrade);
        let grounds = self.grounds(Some(keys.set.fingerprint()), opened_with);
        if self.tokens() == TokenFormats::Both {
            return self.ask(question, Some(Proved { token: Arc::new(token), grounds }), trace).await;
        }
        let identity = Identity::render(token, question.headers);
        self.engine.memory.remember(question.key, grounds, &identity, question.max_age);
        Ok(identity)
    }

    /// Verifies a JWS with the keys in use, or with newer ones where it names a key that is not among them.
    async fn verify_with_keys(
        &self,
        token: &str,
        mut trace: Option<&mut Trace>,
    ) -> Result<(Verified, Arc<Keys>), Reason> {
        let known = self.published.keys();
        let verified = match &known {
            Some(keys) => self.verify(token, &keys.set, trace.as_deref_mut()),
            None if self.published.has_no_key_set() => self.no_key(Reason::TokenUnsupported, trace.as_deref_mut()),
            // What no key could make valid need not wait for one.
            None => self.verify(token, &KeySet::default(), trace.as_deref_mut()),
        };
        match (verified, known) {
            (Err(Reason::KeyUnknown), known) => {
                let attempt = |keys: &Keys| match self.verify(token, &keys.set, trace.as_deref_mut()) {
                    Err(Reason::KeyUnknown) => None,
                    verified => Some(verified),
                };
                let (verified, keys) = match self.published.with_newer_keys(known.as_deref(), attempt).await {
                    Ok(found) => found,
                    Err(KeyMissing::Unknown) => return self.no_key(Reason::KeyUnknown, trace),
                    Err(KeyMissing::Unavailable) => return self.no_key(Reason::KeysUnavailable, trace),
                };
                Ok((verified?, keys))
            }
            (Ok(verified), Some(keys)) => Ok((verified, keys)),
            // No key verifies nothing.
            (Ok(_), None) => self.no_key(Reason::KeysUnavailable, trace),
            (Err(reason), _) => Err(reason),
        }
    }

    fn no_key<T>(&self, reason: Reason, trace: Option<&mut Trace>) -> Result<T, Reason> {
        if let Some(trace) = trace {
            trace.note_again(Check::Key, &Err::<(), _>(reason));
        }
        Err(reason)
    }

    fn verify(&self, token: &str, keys: &KeySet, trace: Option<&mut Trace>) -> Result<Verified, Reason> {
        let now = self.engine.clock.now();
        let Some(trace) = trace else { return verify_jws(token, keys, &self.issuer.rules, now) };
        let mut attempt = Trace::new();
        let verified = verify_jws_traced(token, keys, &self.issuer.rules, now, Some(&mut attempt));
        trace.replace_from(Check::Form, attempt);
        verified
    }

    /// Asks the issuer, and remembers its answer.
    async fn ask(
        &self,
        question: Question<'_>,
        proved: Option<Proved>,
        trace: Option<&mut Trace>,
    ) -> Result<Arc<Identity>, Reason> {
        let asked = self.introspector.as_ref().zip(self.issuer.settings.introspection.as_ref());
        let (introspector, settings) = asked.ok_or(Reason::TokenUnsupported)?;
        let (ttl, negative_ttl) = (settings.cache_ttl, settings.negative_ttl);
        let (id, memory, sets) = (self.id, self.engine.memory.clone(), Arc::clone(&self.sets));
        let (key, headers) = (question.key, Arc::clone(question.headers));
        let grounds = proved.as_ref().map_or_else(|| self.grounds(None, None), |proved| proved.grounds.clone());
        let finish = move |answer: Result<Arc<Verified>, Reason>| match answer {
            Ok(token) => {
                let identity = Identity::render(Arc::unwrap_or_clone(token), &headers);
                memory.remember(key, grounds.clone(), &identity, ttl);
                // What is remembered for a route that joined the question of another may come after a refusal that is newer. It
                // is looked for last, and a refusal is noted first: of the two, one sees the other.
                if sets.load().iter().any(|set| memory.holds_refusal(&key.put_to(*set))) {
                    memory.forget(&key);
                }
                Ok(identity)
            }
            // An issuer that is away says nothing of the token, and what is not valid yet may be in a moment.
            Err(reason @ (Reason::IntrospectionUnavailable | Reason::TokenNotYetValid)) => Err(reason),
            Err(reason) => {
                memory.remember_refusal(key, id, reason, negative_ttl);
                sets.load().iter().for_each(|set| memory.forget(&key.put_to(*set)));
                Err(reason)
            }
        };
        match trace {
            None => introspector.introspect(question.token, key, proved, finish).await,
            Some(trace) => introspector.introspect_traced(question.token, proved, finish, trace).await,
        }
    }
}

/// Its keys are not fetched any more once no generation and no request has it.
impl Drop for Prover {
    fn drop(&mut self) {
        self.refresh.abort();
    }
}
