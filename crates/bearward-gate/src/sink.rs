//! Where decisions are told.

use std::fmt;
use std::time::Duration;

use bearward_core::{Reason, Verified};

use crate::source::Source;

/// Is told of each decision, in the one place where decisions end: a decision log, say. The metrics know of them already.
///
/// It is called on the path of the request, so it must not wait and not do I/O.
pub trait DecisionSink: fmt::Debug + Send + Sync {
    /// A decision was made.
    fn decided(&self, event: &DecisionEvent<'_>);
}

/// A decision, as it is told. It holds no token, and of a token only what was proved.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DecisionEvent<'a> {
    /// The identifier of the request, where its mount has one.
    pub request_id: Option<&'a str>,
    /// The name of the route that matched.
    pub route: Option<&'a str>,
    /// The issuer that the token was judged by: the configured identifier or template.
    pub issuer: Option<&'a str>,
    /// Where the answer about the token came from.
    pub source: Option<Source>,
    /// Why the request is refused; `None`: it is admitted.
    pub reason: Option<Reason>,
    /// The proved token of an admitted request.
    pub token: Option<&'a Verified>,
    /// The time from the request's headers to the verdict.
    pub took: Duration,
}
