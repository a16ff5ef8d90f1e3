//! What is known of one request, for its log line and its metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bearward_core::Reason;
use bearward_gate::{Gauge, Route, Source};
use http::HeaderValue;

use crate::exchange::watch::Coarse;
use crate::metrics::MethodLabel;
use crate::upstream::{Address, Upstream};

/// One request, from the first byte of its head to the end of its answer.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) started: Instant,
    /// The same by the clock of the connection's thread.
    pub(super) began: Coarse,
    pub(super) request_id: HeaderValue,
    pub(super) method: MethodLabel,
    pub(super) outcome: Outcome,
    /// The status of the answer, once it has begun.
    pub(super) status: Option<u16>,
    /// Whether the answer was broken off at a place where no other word of ours, nor a close, can be told from it.
    pub(super) is_cut_off: bool,
    pub(super) route: Option<Arc<Route>>,
    pub(super) issuer: Option<Arc<str>>,
    pub(super) source: Option<Source>,
    /// The duration of the decision.
    pub(super) decided_in: Duration,
    pub(super) upstream: Option<Arc<Upstream>>,
    /// The address of the latest attempt.
    pub(super) address: Option<Arc<Address>>,
    _in_flight: InFlight,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The gate admitted it.
    Admit,
    /// It was refused.
    Refuse(Reason),
    /// The gate admitted it, and it could not be served.
    Error(Reason),
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Refuse(_) => "refuse",
            Self::Error(_) => "error",
        }
    }

    pub(super) fn reason(self) -> Option<Reason> {
        match self {
            Self::Admit => None,
            Self::Refuse(reason) | Self::Error(reason) => Some(reason),
        }
    }
}

impl Record {
    pub(super) fn begin(in_flight: &Gauge, began: Coarse) -> Self {
        Self {
            started: Instant::now(),
            began,
            request_id: HeaderValue::from_static("-"),
            method: MethodLabel::OTHER,
            // Until the gate decides: a request that fails earlier was not admitted.
            outcome: Outcome::Refuse(Reason::RequestMalformed),
            status: None,
            is_cut_off: false,
            route: None,
            issuer: None,
            source: None,
            decided_in: Duration::ZERO,
            upstream: None,
            address: None,
            _in_flight: InFlight::enter(in_flight),
        }
    }

    pub(super) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }
}

/// Counts the request as in flight until it is dropped, however it ends.
#[derive(Debug)]
struct InFlight(Gauge);

impl InFlight {
    fn enter(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
