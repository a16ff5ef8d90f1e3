//! Receivers of decisions, such as a decision log.

use std::fmt;
use std::time::Duration;

use bearward_core::{Reason, Verified};

use crate::source::Source;

/// Receives every decision, for example to write a decision log. The metrics count decisions without it.
///
/// It is called while the request waits, so it must neither block nor do I/O.
pub trait DecisionSink: fmt::Debug + Send + Sync {
    /// Receives a decision.
    fn decided(&self, event: &DecisionEvent<'_>);
}

/// A decision. It never holds the text of a token, and only verified claims.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DecisionEvent<'a> {
    /// The identifier of the request, where its mount has one.
    pub request_id: Option<&'a str>,
    /// The name of the route that matched.
    pub route: Option<&'a str>,
    /// The issuer of the token: the configured identifier or template.
    pub issuer: Option<&'a str>,
    /// Where the proof of the token came from.
    pub source: Option<Source>,
    /// Why the request is refused; `None` if it is admitted.
    pub reason: Option<Reason>,
    /// The verified token of an admitted request.
    pub token: Option<&'a Verified>,
    /// The time from the request's headers to the verdict.
    pub took: Duration,
}
