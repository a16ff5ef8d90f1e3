//! Asking an issuer what a token means, or whether it still stands by it (RFC 7662).
//!
//! Whatever goes wrong between the gateway and the issuer says nothing about the token: it is
//! [`Reason::IntrospectionUnavailable`], and the log says what to do about it, without the token. A token is asked
//! about once however many requests bring it at a time, and only so many questions are under way at once; the rest
//! wait their turn, up to a bound, and never longer than the question may take in all.

mod answer;
pub(crate) mod auth;
mod breaker;
pub(crate) mod kind;
mod outcome;
mod request;
mod sender;
mod signed;
mod surroundings;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod wire;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bearward_core::{IntrospectionAnswer, Reason, TokenRules, Verified};
use http::Uri;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::answer::{Body, Problem};
pub use self::auth::{
    AssertionAudience, ClientAuth, ClientAuthError, ClientCertificate, ClientCredentials, IntrospectionAuth,
    PrivateKeyJwt, SecretJwt, SignedResponse,
};
use self::breaker::Breaker;
pub use self::kind::IntrospectionKind;
use self::kind::Said;
use self::outcome::IntrospectionOutcome;
use self::sender::Sender;
use self::signed::SignedAnswers;
pub(crate) use self::surroundings::Surroundings;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::net::http_client::FetchError;
use crate::net::shown;
use crate::net::single_flight::{FlightError, SingleFlight};
use crate::settings::IntrospectionSettings;

/// What became of a token that one issuer was asked about.
pub(crate) type Answer = Result<Arc<Verified>, Reason>;

/// A token that the issuer's keys have proved already, and which key set did.
#[derive(Clone)]
pub(crate) struct Proved {
    pub(crate) token: Arc<Verified>,
    pub(crate) key_set: [u8; 32],
}

/// Asks one issuer, authenticated as one client.
pub(crate) struct Introspector {
    desk: Arc<Desk>,
    flights: SingleFlight<[u8; 32], Answer>,
    runtime: Handle,
}

impl Introspector {
    /// `remember` is told of each answer
    /// before anybody who waits for it, and while the question still counts as under way: what it puts into a cache
    /// is there before the same question could be asked again.
    pub(crate) fn new(
        settings: IntrospectionSettings,
        surroundings: Surroundings,
        remember: impl Fn(&[u8; 32], Option<[u8; 32]>, &Answer) + Send + Sync + 'static,
    ) -> Self {
        let signed_answers = SignedAnswers::new(settings.client_id.clone(), &surroundings);
        let sender = Sender::new(&settings, &surroundings);
        let Surroundings { rules, runtime, clock, metrics, .. } = surroundings;
        // A counter that starts at nought shows its first increase; one that appears with it does not.
        for outcome in IntrospectionOutcome::ALL {
            metrics.introspections.with_label_values(&[&**rules.issuer.text(), outcome.name()]);
        }
        let slots = settings.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let (failures, pause) = (settings.breaker_failures, settings.breaker_pause);
        let breaker = Breaker::new(Arc::clone(rules.issuer.text()), failures, pause, metrics.clone());
        let desk = Desk {
            sender,
            kind: settings.kind,
            signed_response: settings.signed_response,
            signed_answers,
            rules,
            clock,
            metrics,
            remember: Box::new(remember),
            slots: Semaphore::new(slots),
            timeout: settings.timeout,
            breaker,
            complained: Mutex::default(),
            resting: Mutex::default(),
        };
        Self { desk: Arc::new(desk), flights: SingleFlight::new(slots.saturating_mul(1 + WAITING_PER_SLOT)), runtime }
    }

    /// Asks the endpoint at `url` what `token` means, or waits for the answer if somebody asks already.
    ///
    /// `fingerprint` stands for the token and must be one that no other token has. The question is asked to its end
    /// even if the caller goes away. A token that was `proved` already is what it says itself, and the answer only has to bear
    /// it out.
    ///
    /// # Errors
    ///
    /// [`Reason::IntrospectionUnavailable`] when the issuer does not say what the token means;
    /// [`Reason::TokenUnsupported`] when it does not answer for tokens of this kind; otherwise what
    /// [`read_introspection`](bearward_core::read_introspection) finds wrong with the token.
    pub(crate) async fn introspect(
        &self,
        url: &Uri,
        token: &str,
        fingerprint: [u8; 32],
        proved: Option<Proved>,
    ) -> Answer {
        let question = move || {
            let (desk, url, token) = (Arc::clone(&self.desk), url.clone(), token.to_owned());
            async move {
                let answer = desk.close(&url, desk.ask(&url, &token, proved.as_ref()).await);
                (desk.remember)(&fingerprint, proved.map(|proved| proved.key_set), &answer);
                answer
            }
        };
        let problem = match self.flights.run(fingerprint, &self.runtime, question).await {
            Ok(answer) => return answer,
            Err(FlightError::Full) => Problem::Overloaded,
            Err(FlightError::Lost) => Problem::Lost,
        };
        self.desk.close(url, Err(problem))
    }

    /// Whether the issuer is left alone, because it does not answer.
    pub(crate) fn is_paused(&self) -> bool {
        self.desk.breaker.is_open()
    }

    /// How long nobody is asked yet, because the issuer does not answer, or has asked for a pause.
    pub(crate) fn pause_left(&self) -> Option<Duration> {
        let resting = self.desk.resting_until().map(|until| until.saturating_duration_since(Instant::now()));
        resting.max(self.desk.breaker.pause_left()).filter(|left| !left.is_zero())
    }
}

impl fmt::Debug for Introspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspector").field("issuer", self.desk.rules.issuer.text()).finish_non_exhaustive()
    }
}

/// How many questions may wait for each one that is being asked. With 64 slots and an issuer that answers in 100 ms,
/// the last in line waits 1.6 s; a longer line would mostly be one of timeouts, and hold a task and a token for each.
const WAITING_PER_SLOT: usize = 16;

/// How often, at most, the log hears of each outcome at level `warn`; the rest is said at `debug`.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// Where questions are asked: what they share.
struct Desk {
    sender: Sender,
    kind: IntrospectionKind,
    signed_response: SignedResponse,
    signed_answers: SignedAnswers,
    rules: Arc<TokenRules>,
    clock: Clock,
    metrics: Metrics,
    remember: Box<Remember>,
    slots: Semaphore,
    timeout: Duration,
    breaker: Breaker,
    complained: Mutex<HashMap<IntrospectionOutcome, Instant>>,
    /// Until when the issuer asked to be left alone.
    resting: Mutex<Option<Instant>>,
}

type Remember = dyn Fn(&[u8; 32], Option<[u8; 32]>, &Answer) + Send + Sync;

impl Desk {
    async fn ask(&self, url: &Uri, token: &str, proved: Option<&Proved>) -> Result<Answer, Problem> {
        if self.breaker.is_open() {
            return Err(Problem::CircuitOpen);
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        // The outer error is the time that is up, the inner one a semaphore that is closed, which nobody does.
        let Ok(Ok(_slot)) = tokio::time::timeout_at(deadline, self.slots.acquire()).await else {
            return Err(Problem::Overloaded);
        };
        if self.resting_until().is_some_and(|until| Instant::now() < until) {
            return Err(Problem::Resting);
        }
        let pass = self.breaker.pass().ok_or(Problem::CircuitOpen)?;
        let question = async {
            let response = self.sender.ask(url, token, self.signed_response).await?;
            if let Some(pause) = answer::pause(&response) {
                *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause);
            }
            match self.kind {
                IntrospectionKind::GoogleTokeninfo => kind::tokeninfo(&response),
                IntrospectionKind::KubernetesTokenReview => kind::token_review(&response),
                IntrospectionKind::Rfc7662 => match answer::body(&response, self.signed_response)? {
                    Body::Plain(json) => Ok(IntrospectionAnswer::parse(json)),
                    Body::Signed(jwt) => self.signed_answers.read(jwt).await,
                },
            }
        };
        let said = tokio::time::timeout_at(deadline, question)
            .await
            .unwrap_or(Err(Problem::Fetch(FetchError::Timeout(self.timeout))));
        pass.settle(&said);
        self.judge(said?, proved)
    }

    fn resting_until(&self) -> Option<Instant> {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds what the issuer said against the rules.
    fn judge(&self, said: Said, proved: Option<&Proved>) -> Result<Answer, Problem> {
        // The time is taken now and not before the question: a token may have expired in the meantime.
        let now = self.clock.now();
        match (said, proved) {
            (Err(Reason::IntrospectionUnavailable), _) => Err(Problem::NotAnAnswer),
            (Err(reason), _) => Ok(Err(reason)),
            (Ok(answer), None) => Ok(answer.prove(&self.rules, now).map(Arc::new)),
            (Ok(answer), Some(proved)) => Ok(answer.confirm(&proved.token, &self.rules, now).map(Arc::new)),
        }
    }

    fn close(&self, url: &Uri, said: Result<Answer, Problem>) -> Answer {
        let (outcome, answer) = match said {
            Ok(answer @ Err(Reason::TokenInactive)) => (IntrospectionOutcome::Inactive, answer),
            Ok(answer) => (IntrospectionOutcome::Active, answer),
            // The circuit itself has said so, when it opened.
            Err(problem @ Problem::CircuitOpen) => (problem.outcome(), Err(problem.reason())),
            Err(problem) => {
                self.complain(url, &problem);
                (problem.outcome(), Err(problem.reason()))
            }
        };
        self.metrics.introspections.with_label_values(&[&**self.rules.issuer.text(), outcome.name()]).inc();
        answer
    }

    /// Says what is wrong and what to do, at most once in a while: an issuer that is down fails every request.
    fn complain(&self, url: &Uri, problem: &Problem) {
        let outcome = problem.outcome();
        let due = {
            let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
            let due = complained.get(&outcome).is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY);
            if due {
                complained.insert(outcome, Instant::now());
            }
            due
        };
        let (issuer, endpoint, outcome) = (&**self.rules.issuer.text(), shown(&url.to_string()), outcome.name());
        if due {
            tracing::warn!(issuer, %endpoint, outcome, "introspection: {problem}");
        } else {
            tracing::debug!(issuer, %endpoint, outcome, "introspection: {problem}");
        }
    }
}
