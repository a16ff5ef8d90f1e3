//! One request and its answer: what is known of them while they are served.

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
    pub(crate) outcome: Outcome,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) issuer: Option<Arc<str>>,
    pub(crate) source: Option<Source>,
    /// The configuration that it was decided by.
    pub(crate) generation: Option<Arc<Generation>>,
    /// How long the decision took.
    pub(crate) decided_in: Duration,
    pub(crate) admission: Admission,
    pub(crate) upstream: Option<Arc<Upstream>>,
    /// The address of the latest attempt.
    pub(crate) address: Option<Arc<Address>>,
    pub(crate) attempts: u8,
    _in_flight: InFlight,
}

/// How a request ended, or is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was let through.
    Admit,
    /// It was not.
    Refuse(Reason),
    /// It was let through, and could not be served.
    Error(Reason),
}

impl Outcome {
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
            // Until the gate has said otherwise: a request that fails before is not one that was admitted.
            outcome: Outcome::Refuse(Reason::Internal),
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

/// Counts the request as being served for as long as it lives, however it ends.
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
