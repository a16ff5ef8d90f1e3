//! The state of one request and its answer.

mod access_log;
mod answer;
mod fields;
pub(crate) mod service;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bearward_core::Reason;
use bearward_gate::{Admission, Gauge, Generation, Route, Source};
use http::HeaderValue;

use crate::upstream::{Address, Upstream};

/// The state of one request, from the end of its header block to the end of its answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) started: Instant,
    pub(crate) request_id: HeaderValue,
    pub(crate) outcome: ExchangeOutcome,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) issuer: Option<Arc<str>>,
    pub(crate) source: Option<Source>,
    /// The generation of the configuration that decided it.
    pub(crate) generation: Option<Arc<Generation>>,
    /// The duration of the decision.
    pub(crate) decided_in: Duration,
    pub(crate) admission: Admission,
    pub(crate) upstream: Option<Arc<Upstream>>,
    /// The address of the latest attempt.
    pub(crate) address: Option<Arc<Address>>,
    pub(crate) attempts: u8,
    _in_flight: InFlight,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExchangeOutcome {
    /// The gate admitted it.
    Admit,
    /// It was refused.
    Refuse(Reason),
    /// The gate admitted it, and it could not be served.
    Error(Reason),
}

impl ExchangeOutcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Refuse(_) => "refuse",
            Self::Error(_) => "error",
        }
    }

    pub(crate) fn reason(self) -> Option<Reason> {
        match self {
            Self::Admit => None,
            Self::Refuse(reason) | Self::Error(reason) => Some(reason),
        }
    }
}

impl Exchange {
    pub(crate) fn begin(in_flight: &Gauge) -> Self {
        Self {
            started: Instant::now(),
            request_id: HeaderValue::from_static("-"),
            // Until the gate decides: a request that fails earlier was not admitted.
            outcome: ExchangeOutcome::Refuse(Reason::Internal),
            route: None,
            issuer: None,
            source: None,
            generation: None,
            decided_in: Duration::ZERO,
            admission: Admission::default(),
            upstream: None,
            address: None,
            attempts: 0,
            _in_flight: InFlight::enter(in_flight),
        }
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
