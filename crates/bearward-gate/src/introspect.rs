//! Introspection: asks an issuer what a token means, or whether it is still valid (RFC 7662).
//!
//! A failure between the gateway and the issuer says nothing about the token. It is [`Reason::IntrospectionUnavailable`], and
//! the log says what to do, without the token. Requests with the same token at the same time share one introspection. The
//! number of concurrent introspections is bounded; the rest wait for a slot, in bounded number and within the time limit.

mod answer;
mod breaker;
mod context;
mod issuer_client;
mod kind;
mod outcome;
mod request;
mod sender;
mod signed;
#[cfg(test)]
pub(crate) mod tests;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bearward_core::{Check, Endpoint, IntrospectionAnswer, Reason, Trace, Verified};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::answer::{Body, Failure};
use self::breaker::Breaker;
pub(crate) use self::context::Context;
use self::kind::Parsed;
use self::outcome::IntrospectionOutcome;
use self::sender::Sender;
use self::signed::SignedAnswers;
use crate::memory::{Grounds, Identity, Key};
use crate::net::http_client::FetchError;
use crate::net::single_flight::{FlightError, SingleFlight};
use crate::settings::{IntrospectionKind, IntrospectionSettings, ResolvedIntrospection, SignedResponse};

/// The result for a token that was introspected.
pub(crate) type Answer = Result<Arc<Identity>, Reason>;

/// A token that the issuer's keys have already proved, and the grounds of that proof.
#[derive(Clone)]
pub(crate) struct Proved {
    pub(crate) token: Arc<Verified>,
    pub(crate) grounds: Grounds,
}

/// Introspects tokens at one issuer, as one client.
pub(crate) struct Introspector {
    inner: Arc<Inner>,
    /// By the token alone: routes with other issuers beside this one join the same question.
    flights: SingleFlight<[u8; 32], (Key, Answer)>,
    runtime: Handle,
}

impl Introspector {
    pub(crate) fn new(settings: &IntrospectionSettings, endpoints: &ResolvedIntrospection, context: &Context) -> Self {
        let issuer = Arc::clone(context.rules.issuer.text());
        let metrics = &context.metrics;
        // A counter that starts at zero shows its first increase; one that appears with it does not.
        for outcome in IntrospectionOutcome::ALL {
            let _ = metrics.introspections.with(&[&*issuer, outcome.name()]);
        }
        let slots = settings.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let (failures, pause) = (settings.breaker_failures, settings.breaker_pause);
        let inner = Inner {
            url: endpoints.url.clone(),
            sender: Sender::new(settings, endpoints.token_url.clone(), context),
            kind: settings.kind,
            signed_response: settings.signed_response,
            signed_answers: SignedAnswers::new(settings.client_id.clone(), context.clone()),
            slots: Semaphore::new(slots),
            timeout: settings.timeout,
            breaker: Breaker::new(issuer, failures, pause, metrics.clone()),
            warned: Mutex::default(),
            paused_until: Mutex::default(),
            context: context.clone(),
        };
        let flights = SingleFlight::new(slots.saturating_mul(1 + WAITING_PER_SLOT));
        Self { inner: Arc::new(inner), flights, runtime: context.runtime.clone() }
    }

    /// Asks what `token` means, or waits for the answer if the same request is in flight. `key` is its key in the cache.
    ///
    /// The request finishes even if the caller disconnects. The answer only has to confirm a token that was `proved` already.
    /// `finish` gets the answer first, while the request still counts as in flight: what it caches is there before the same
    /// request could be sent again.
    ///
    /// # Errors
    ///
    /// [`Reason::IntrospectionUnavailable`] if the issuer does not answer; [`Reason::TokenUnsupported`] if it does not introspect
    /// tokens of this kind; otherwise the reason of [`IntrospectionAnswer::prove`] or [`IntrospectionAnswer::confirm`].
    pub(crate) async fn introspect(
        &self,
        token: &str,
        key: Key,
        proved: Option<Proved>,
        finish: impl Fn(Result<Arc<Verified>, Reason>) -> Answer + Clone + Send + 'static,
    ) -> Answer {
        match self.inner.endpoint().await {
            Some(url) => self.ask_at(url, token, key, proved, finish).await,
            None => Err(Reason::IntrospectionUnavailable),
        }
    }

    /// [`Introspector::introspect`], asked for itself alone, with what was found noted in `trace`.
    pub(crate) async fn introspect_traced(
        &self,
        token: &str,
        proved: Option<Proved>,
        finish: impl FnOnce(Result<Arc<Verified>, Reason>) -> Answer,
        trace: &mut Trace,
    ) -> Answer {
        let mut findings = Trace::new();
        let answer = match self.inner.endpoint().await {
            Some(url) => {
                let asked = self.inner.ask(&url, token, proved.as_ref(), Some(&mut findings)).await;
                self.inner.conclude(&url, asked)
            }
            None => Err(Reason::IntrospectionUnavailable),
        };
        // Where the answer itself was held against rules, its findings say so.
        let was_judged = !findings.findings().is_empty();
        match (&proved, was_judged) {
            (Some(_), true) => {}
            (Some(_), false) => trace.note(Check::Agreement, &answer),
            (None, true) => trace.note(Check::Introspection, &Ok::<(), Reason>(())),
            (None, false) => trace.note(Check::Introspection, &answer),
        }
        trace.append(findings);
        finish(answer)
    }

    async fn ask_at(
        &self,
        url: Endpoint,
        token: &str,
        key: Key,
        proved: Option<Proved>,
        finish: impl Fn(Result<Arc<Verified>, Reason>) -> Answer + Clone + Send + 'static,
    ) -> Answer {
        let question = || {
            let (inner, url, token, finish) = (Arc::clone(&self.inner), url.clone(), token.to_owned(), finish.clone());
            async move {
                let answer = inner.conclude(&url, inner.ask(&url, &token, proved.as_ref(), None).await);
                (key, finish(answer))
            }
        };
        let failure = match self.flights.run(key.token(), &self.runtime, question).await {
            Ok((asked_for, answer)) if asked_for == key => return answer,
            // Asked for a route with other issuers: what this one makes of the answer is its own affair.
            Ok((_, answer)) => return finish(answer.map(|identity| Arc::new(identity.token.clone()))),
            Err(FlightError::Full) => Failure::Overloaded,
            Err(FlightError::Lost) => Failure::Lost,
        };
        Err(self.inner.fail(&url, &failure))
    }

    /// Whether the introspection endpoint is known.
    pub(crate) fn has_endpoint(&self) -> bool {
        let Inner { url, context, .. } = &*self.inner;
        let is_published = || context.published.metadata().is_some_and(|known| known.introspection_endpoint.is_some());
        url.is_some() || is_published()
    }

    /// Whether the circuit is open, because the issuer does not answer.
    pub(crate) fn is_paused(&self) -> bool {
        self.inner.breaker.is_open()
    }

    /// The time until the issuer is asked again, if the circuit is open or the issuer asked for a pause.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        let asked_for = self.inner.paused_until().map(|until| until.saturating_duration_since(Instant::now()));
        asked_for.max(self.inner.breaker.pause_left()).filter(|left| !left.is_zero())
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector").field("issuer", self.inner.context.rules.issuer.text()).finish_non_exhaustive()
    }
}

/// How many requests may wait for each slot. With 64 slots and an issuer that answers in 100 ms, the last one waits 1.6 s. In a
/// longer queue most requests would time out, and each holds a task and a token.
const WAITING_PER_SLOT: usize = 16;

/// How often, at most, each outcome is logged at level `warn`. The rest is logged at `debug`.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// The state that introspections at one issuer share.
struct Inner {
    /// The configured endpoint; `None` takes it from the issuer's metadata.
    url: Option<Endpoint>,
    sender: Sender,
    kind: IntrospectionKind,
    signed_response: SignedResponse,
    signed_answers: SignedAnswers,
    slots: Semaphore,
    timeout: Duration,
    breaker: Breaker,
    /// When each outcome was last logged as a warning.
    warned: Mutex<HashMap<IntrospectionOutcome, Instant>>,
    /// The end of the pause that the issuer asked for.
    paused_until: Mutex<Option<Instant>>,
    context: Context,
}

impl Inner {
    async fn endpoint(&self) -> Option<Endpoint> {
        match &self.url {
            Some(url) => Some(url.clone()),
            None => self.context.published.endpoint(|metadata| metadata.introspection_endpoint.as_ref()).await,
        }
    }

    async fn ask(
        &self,
        url: &Endpoint,
        token: &str,
        proved: Option<&Proved>,
        trace: Option<&mut Trace>,
    ) -> Result<Result<Verified, Reason>, Failure> {
        if self.breaker.is_open() {
            return Err(Failure::CircuitOpen);
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        // The outer error is the timeout. The inner one is a closed semaphore, and this one is never closed.
        let Ok(Ok(_slot)) = tokio::time::timeout_at(deadline, self.slots.acquire()).await else {
            return Err(Failure::Overloaded);
        };
        if self.paused_until().is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Paused);
        }
        let permit = self.breaker.permit().ok_or(Failure::CircuitOpen)?;
        let parsed = tokio::time::timeout_at(deadline, self.exchange(url, token))
            .await
            .unwrap_or(Err(Failure::Fetch(FetchError::Timeout(self.timeout))));
        permit.settle(&parsed);
        self.judge(parsed?, proved, trace)
    }

    /// Sends one request and reads its response.
    async fn exchange(&self, url: &Endpoint, token: &str) -> Result<Parsed, Failure> {
        let response = self.sender.ask(url, token, self.signed_response).await?;
        if let Some(pause) = answer::pause(&response) {
            *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause);
        }
        match self.kind {
            IntrospectionKind::GoogleTokeninfo => kind::tokeninfo(&response),
            IntrospectionKind::KubernetesTokenReview => kind::token_review(&response),
            IntrospectionKind::Rfc7662 => match answer::body(&response, self.signed_response)? {
                Body::Plain(json) => Ok(IntrospectionAnswer::parse(json)),
                Body::Signed(jwt) => self.signed_answers.read(jwt).await,
            },
        }
    }

    fn paused_until(&self) -> Option<Instant> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies the rules to the answer.
    fn judge(
        &self,
        parsed: Parsed,
        proved: Option<&Proved>,
        trace: Option<&mut Trace>,
    ) -> Result<Result<Verified, Reason>, Failure> {
        // The time is read now and not before the request: the token may have expired in between.
        let (rules, now) = (&self.context.rules, self.context.clock.now());
        match (parsed, proved) {
            (Err(Reason::IntrospectionUnavailable), _) => Err(Failure::NotAnAnswer),
            (Err(reason), _) => Ok(Err(reason)),
            (Ok(answer), None) => Ok(answer.prove_traced(rules, now, trace)),
            (Ok(answer), Some(proved)) => Ok(answer.confirm_traced(&proved.token, rules, now, trace)),
        }
    }

    /// Counts the outcome of an introspection.
    fn conclude(
        &self,
        url: &Endpoint,
        asked: Result<Result<Verified, Reason>, Failure>,
    ) -> Result<Arc<Verified>, Reason> {
        let answer = asked.map_err(|failure| self.fail(url, &failure))?;
        let is_inactive = matches!(answer, Err(Reason::TokenInactive));
        self.count(if is_inactive { IntrospectionOutcome::Inactive } else { IntrospectionOutcome::Active });
        answer.map(Arc::new)
    }

    /// Counts a failure, and logs what is wrong and what to do, at most every [`WARN_EVERY`]: an issuer that is down fails every
    /// request.
    fn fail(&self, url: &Endpoint, failure: &Failure) -> Reason {
        let outcome = failure.outcome();
        self.count(outcome);
        let (issuer, endpoint) = (&**self.context.rules.issuer.text(), url.shown());
        match failure {
            // The circuit was logged when it opened.
            Failure::CircuitOpen => {}
            _ if self.is_due(outcome) => {
                tracing::warn!(issuer, endpoint, outcome = outcome.name(), "introspection: {failure}");
            }
            _ => tracing::debug!(issuer, endpoint, outcome = outcome.name(), "introspection: {failure}"),
        }
        failure.reason()
    }

    /// Whether this outcome was not logged within [`WARN_EVERY`].
    fn is_due(&self, outcome: IntrospectionOutcome) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = warned.get(&outcome).is_none_or(|last| last.elapsed() >= WARN_EVERY);
        if is_due {
            warned.insert(outcome, Instant::now());
        }
        is_due
    }

    fn count(&self, outcome: IntrospectionOutcome) {
        self.context.metrics.introspections.with(&[&**self.context.rules.issuer.text(), outcome.name()]).inc();
    }
}
