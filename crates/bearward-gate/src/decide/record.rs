//! What is learnt while a request is decided, and the one place where its decision is made and told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bearward_core::{AllowedMethods, Check, Reason, Refusal, Trace};

use super::decision::{Admission, Decision, Verdict};
use super::generation::Generation;
use super::prover::Prover;
use super::routes::{Kind, Miss, Route};
use crate::sink::DecisionEvent;
use crate::source::Source;

/// What is learnt on the way, for logs and metrics.
pub(super) struct Record {
    pub(super) route: Option<Arc<Route>>,
    pub(super) prover: Option<Arc<Prover>>,
    pub(super) source: Option<Source>,
    /// The methods that the place of the request serves, where it does not serve the request's.
    allowed: Option<AllowedMethods>,
    /// What each check found, where the decision is to be explained.
    pub(super) trace: Option<Trace>,
    pub(super) started: Instant,
}

impl Record {
    pub(super) fn new(trace: Option<Trace>) -> Self {
        Self { route: None, prover: None, source: None, allowed: None, trace, started: Instant::now() }
    }

    /// Notes a check, where the decision is to be explained, and hands its outcome on.
    pub(super) fn noted<T>(&mut self, check: Check, outcome: Result<T, Reason>) -> Result<T, Reason> {
        if let Some(trace) = &mut self.trace {
            trace.note(check, &outcome);
        }
        outcome
    }

    /// Keeps why no route was found, and gives the reason of the refusal.
    pub(super) fn missed(&mut self, miss: Miss) -> Reason {
        let reason = miss.reason();
        match miss {
            Miss::NoPlace => {}
            Miss::Method { allowed } => self.allowed = Some(allowed),
            Miss::OtherSpelling { of } => {
                tracing::debug!(route = of.name(), "no route, but with a slash at the end more or less there is one");
            }
        }
        reason
    }

    /// Makes the decision, and tells it: every decision ends here.
    pub(super) fn conclude(
        self,
        generation: Arc<Generation>,
        outcome: Result<Admission, Reason>,
        request_id: Option<&str>,
    ) -> Decision {
        let took = self.started.elapsed();
        self.count(&generation, outcome.as_ref().err().copied());
        let decision = self.decision(generation, outcome);
        let Decision { verdict, route, issuer, source, generation } = &decision;
        let event = DecisionEvent {
            request_id,
            route: route.as_deref().map(Route::name),
            issuer: issuer.as_deref(),
            source: *source,
            reason: verdict.reason(),
            token: verdict.admission().and_then(Admission::token),
            took,
        };
        generation.engine.metrics.decided_in(took, *source);
        if let Some(sink) = &generation.engine.sink {
            sink.decided(&event);
        }
        decision
    }

    fn count(&self, generation: &Generation, reason: Option<Reason>) {
        let issuer = self.prover.as_ref().map_or("", |prover| prover.name());
        let made = |route| generation.engine.metrics.decisions(route, issuer, self.source, reason);
        match &self.route {
            Some(route) => {
                let prover = self.prover.as_ref().map(|prover| prover.id());
                route.count(&Kind { prover, source: self.source, reason }, || made(route.name()));
            }
            None => made("").inc(),
        }
    }

    /// The decision, told nowhere.
    pub(super) fn decision(self, generation: Arc<Generation>, outcome: Result<Admission, Reason>) -> Decision {
        let verdict = match outcome {
            Ok(admission) => Verdict::Admit(admission),
            Err(reason) => Verdict::Refuse(self.refuse(&generation, reason)),
        };
        let Self { route, prover, source, .. } = self;
        let issuer = prover.map(|prover| Arc::clone(prover.name()));
        Decision { verdict, route, issuer, source, generation }
    }

    /// The refusal, with the time after which an issuer will be asked again that is not asked now.
    fn refuse(&self, generation: &Generation, reason: Reason) -> Refusal {
        let refusal = generation.refuse(reason, self.route.as_deref()).with_allowed(self.allowed.clone());
        let asked = self.prover.as_ref().filter(|_| reason == Reason::IntrospectionUnavailable);
        match asked.and_then(|prover| prover.introspection_pause()) {
            Some(pause) => refusal.with_retry_after(whole_seconds(pause)),
            None => refusal,
        }
    }
}

/// Rounded up: a client that comes earlier comes in vain.
fn whole_seconds(pause: Duration) -> u32 {
    let seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0));
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_rounded_up() {
        for (millis, seconds) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (u64::MAX, u32::MAX)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
