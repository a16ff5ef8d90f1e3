//! The circuit breaker of introspection: an issuer that does not answer gets no requests for a while, and requests are refused
//! at once instead of waiting for a timeout each.
//!
//! Consecutive failures open the circuit: no connection, no answer in time, an exchange that breaks off, a 5xx. Any other
//! answer ends the row, because the issuer is up: also one that refuses the gateway's own credentials, which a pause would not
//! change. While the circuit is open nothing is sent. After a pause one probe is sent: its answer closes the circuit, its
//! failure opens it again for twice as long. A request that was never sent, for a fault in the gateway, changes nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::answer::Failure;
use crate::metrics::EngineMetrics;
use crate::net::jittered;

/// The longest pause, unless the first one is longer.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The circuit to one issuer's introspection endpoint.
pub(super) struct Breaker {
    issuer: Arc<str>,
    failures: u32,
    pause: Duration,
    metrics: EngineMetrics,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Requests are sent; `failed` of them failed in a row.
    Closed { failed: u32 },
    /// Nothing is sent until then. It is the `nth` pause in a row.
    Open { until: Instant, nth: u32 },
    /// The probe is in flight.
    Probing { nth: u32 },
}

impl Breaker {
    /// A closed circuit that opens after `failures` in a row, for `pause` at first.
    pub(super) fn new(issuer: Arc<str>, failures: u32, pause: Duration, metrics: EngineMetrics) -> Self {
        let _ = metrics.introspection_circuit_openings.with(&[&*issuer]);
        Self { issuer, failures: failures.max(1), pause, metrics, state: Mutex::new(State::Closed { failed: 0 }) }
    }

    /// Whether nothing may be sent now.
    pub(super) fn is_open(&self) -> bool {
        match *self.state() {
            State::Closed { .. } => false,
            State::Open { until, .. } => Instant::now() < until,
            State::Probing { .. } => true,
        }
    }

    /// The rest of the pause, if the circuit is open.
    pub(super) fn pause_left(&self) -> Option<Duration> {
        match *self.state() {
            State::Open { until, .. } => Some(until.saturating_duration_since(Instant::now())),
            State::Closed { .. } | State::Probing { .. } => None,
        }
    }

    /// A permit for one request, unless the circuit is open.
    pub(super) fn permit(&self) -> Option<Permit<'_>> {
        let mut state = self.state();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until, nth } if Instant::now() >= until => {
                *state = State::Probing { nth };
                true
            }
            State::Open { .. } | State::Probing { .. } => return None,
        };
        Some(Permit { breaker: self, is_probe, is_settled: false })
    }

    fn answered(&self, is_probe: bool) {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => *state = State::Closed { failed: 0 },
            State::Probing { .. } if is_probe => {
                *state = State::Closed { failed: 0 };
                tracing::info!(issuer = &*self.issuer, "introspection: the issuer answers again");
            }
            // A late answer to an earlier request; the next probe decides.
            State::Open { .. } | State::Probing { .. } => {}
        }
    }

    fn failed(&self, is_probe: bool) {
        let mut state = self.state();
        let nth = match *state {
            State::Closed { failed } if failed.saturating_add(1) < self.failures => {
                *state = State::Closed { failed: failed.saturating_add(1) };
                return;
            }
            State::Closed { .. } => 0,
            State::Probing { nth } if is_probe => nth.saturating_add(1),
            State::Open { .. } | State::Probing { .. } => return,
        };
        let longest = MAX_PAUSE.max(self.pause);
        let pause = jittered(self.pause.saturating_mul(1 << nth.min(16)).min(longest));
        *state = State::Open { until: Instant::now() + pause, nth };
        self.metrics.introspection_circuit_openings.with(&[&*self.issuer]).inc();
        let (issuer, failures) = (&*self.issuer, self.failures);
        if nth == 0 {
            tracing::warn!(
                issuer,
                failures,
                ?pause,
                "introspection: the issuer does not answer; no requests for a while"
            );
        } else {
            tracing::warn!(issuer, ?pause, "introspection: the issuer still does not answer; no requests for a while");
        }
    }

    fn not_sent(&self, is_probe: bool) {
        let mut state = self.state();
        if let State::Probing { nth } = *state
            && is_probe
        {
            // The pause stays over, and the next request is the probe.
            *state = State::Open { until: Instant::now(), nth };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit for one request. A probe whose permit is dropped has failed, so that the circuit never waits for it forever.
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
    is_settled: bool,
}

impl Permit<'_> {
    /// Records the result of the request.
    pub(super) fn settle<T>(mut self, result: &Result<T, Failure>) {
        self.is_settled = true;
        match result {
            Err(failure) if failure.is_no_answer() => self.breaker.failed(self.is_probe),
            Err(failure) if failure.is_not_sent() => self.breaker.not_sent(self.is_probe),
            _ => self.breaker.answered(self.is_probe),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.is_settled {
            self.breaker.failed(true);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use http::StatusCode;

    use super::*;
    use crate::net::http_client::FetchError;

    fn breaker(failures: u32) -> Breaker {
        let metrics = EngineMetrics::new(&crate::MetricsRegistry::default()).unwrap();
        Breaker::new("https://auth.example.com".into(), failures, Duration::from_secs(5), metrics)
    }

    fn timed_out() -> Result<(), Failure> {
        Err(Failure::Fetch(FetchError::Timeout(Duration::from_secs(5))))
    }

    fn openings(breaker: &Breaker) -> u64 {
        breaker.metrics.introspection_circuit_openings.with(&["https://auth.example.com"]).get()
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_answer_closes_it() {
        let breaker = breaker(3);
        for result in [timed_out(), timed_out(), Ok(()), timed_out(), timed_out()] {
            breaker.permit().unwrap().settle(&result);
        }
        assert!(!breaker.is_open(), "an answer ends the row");
        breaker.permit().unwrap().settle(&timed_out());
        assert!(breaker.is_open() && breaker.permit().is_none());
        assert_eq!(openings(&breaker), 1);

        tokio::time::advance(Duration::from_secs(5)).await;
        let probe = breaker.permit().unwrap();
        assert!(breaker.is_open() && breaker.permit().is_none(), "one at a time");
        probe.settle(&Ok(()));
        assert!(!breaker.is_open());
        assert_eq!(openings(&breaker), 1);
        breaker.permit().unwrap().settle(&timed_out());
        assert!(!breaker.is_open(), "the row begins again");
    }

    #[tokio::test(start_paused = true)]
    async fn each_pause_is_twice_as_long_up_to_a_minute() {
        let breaker = breaker(1);
        breaker.permit().unwrap().settle(&timed_out());
        for pause in [5, 10, 20, 40, 60, 60] {
            // Up to a tenth less, so that many gateways do not ask in step.
            tokio::time::advance(Duration::from_secs(pause) * 8 / 10).await;
            assert!(breaker.permit().is_none(), "{pause}");
            tokio::time::advance(Duration::from_secs(pause) * 2 / 10).await;
            breaker.permit().unwrap().settle(&timed_out());
        }
        assert_eq!(openings(&breaker), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn many_gates_do_not_ask_in_step() {
        let breakers: Vec<_> = (0..16).map(|_| breaker(1)).collect();
        for breaker in &breakers {
            breaker.permit().unwrap().settle(&timed_out());
        }
        tokio::time::advance(Duration::from_millis(4_500)).await;
        assert!(breakers.iter().all(Breaker::is_open), "no one is earlier by more than a tenth");
        tokio::time::advance(Duration::from_millis(480)).await;
        assert!(breakers.iter().any(|breaker| !breaker.is_open()), "all of them ask at the very end of the pause");
        tokio::time::advance(Duration::from_millis(20)).await;
        assert!(!breakers.iter().any(Breaker::is_open), "and no one is late");
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_a_result_has_failed() {
        let breaker = breaker(1);
        breaker.permit().unwrap().settle(&timed_out());
        tokio::time::advance(Duration::from_secs(5)).await;
        drop(breaker.permit().unwrap());
        assert!(breaker.is_open() && breaker.permit().is_none());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(breaker.permit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_was_never_sent_changes_nothing() {
        let ours = [
            Failure::Signing,
            Failure::UnsendableToken,
            Failure::CertificateWithoutTls,
            Failure::NoTokenEndpoint,
            Failure::Lost,
        ];
        let breaker = breaker(2);
        for failure in ours {
            let ours: Result<(), _> = Err(failure);
            breaker.permit().unwrap().settle(&timed_out());
            breaker.permit().unwrap().settle(&ours);
            assert!(!breaker.is_open(), "{ours:?} is no failure of the issuer");
            breaker.permit().unwrap().settle(&timed_out());
            assert!(breaker.is_open(), "{ours:?} is no answer that would end the row");

            tokio::time::advance(Duration::from_secs(5)).await;
            breaker.permit().unwrap().settle(&ours);
            assert!(matches!(*breaker.state(), State::Open { .. }), "{ours:?} closes nothing");
            // The next one decides, and there was no second pause.
            breaker.permit().unwrap().settle(&Ok(()));
            assert!(!breaker.is_open(), "{ours:?}");
        }
        assert_eq!(openings(&breaker), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn late_results_of_earlier_requests_change_nothing() {
        let breaker = breaker(1);
        let (early, other) = (breaker.permit().unwrap(), breaker.permit().unwrap());
        breaker.permit().unwrap().settle(&timed_out());
        early.settle(&Ok(()));
        other.settle(&timed_out());
        assert!(breaker.is_open());
        assert_eq!(openings(&breaker), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_probe_is_under_way_only_its_own_answer_decides() {
        let breaker = breaker(1);
        let (early, other) = (breaker.permit().unwrap(), breaker.permit().unwrap());
        breaker.permit().unwrap().settle(&timed_out());
        tokio::time::advance(Duration::from_secs(5)).await;
        let probe = breaker.permit().unwrap();
        early.settle(&Ok(()));
        assert!(breaker.is_open() && breaker.permit().is_none(), "an early question's answer closes nothing");
        other.settle(&timed_out());
        assert_eq!(openings(&breaker), 1, "nor does its failure begin another pause");
        probe.settle(&Ok(()));
        assert!(!breaker.is_open());
        assert_eq!(openings(&breaker), 1);
    }

    #[test]
    fn only_missing_answers_and_5xx_count() {
        let no_answer = [
            Failure::Fetch(FetchError::Connect(String::new())),
            Failure::Fetch(FetchError::Io(String::new())),
            Failure::TokenFetch(FetchError::Timeout(Duration::ZERO)),
            Failure::Status(StatusCode::BAD_GATEWAY),
            Failure::TokenStatus(StatusCode::INTERNAL_SERVER_ERROR),
        ];
        assert!(no_answer.iter().all(Failure::is_no_answer));
        let answers = [
            Failure::Credentials(StatusCode::UNAUTHORIZED),
            Failure::Credentials(StatusCode::FORBIDDEN),
            Failure::TooOften,
            Failure::Status(StatusCode::BAD_REQUEST),
            Failure::NotJson,
            Failure::Fetch(FetchError::BodyTooLarge(1)),
        ];
        assert!(!answers.iter().any(Failure::is_no_answer));
    }
}
