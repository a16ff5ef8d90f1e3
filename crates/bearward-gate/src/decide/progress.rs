//! A decision under way: what is left to do once the request itself is no longer needed.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bearward_core::{AllowedMethods, Reason, Scheme};

use crate::decide::decision::{Decision, Source};
use crate::decide::memory::Fingerprint;
use crate::decide::routes::{Miss, Route};
use crate::issuer::Way;

/// How far a decision comes without waiting.
#[derive(Debug)]
pub enum Progress {
    /// It is made.
    Decided(Decision),
    /// The token has to be proved first; [`Gate::finish`](crate::Gate::finish) does it.
    Pending(Pending),
}

/// A decision that hangs on a token that is not remembered. It borrows nothing.
pub struct Pending {
    pub(crate) unproved: Unproved,
    pub(crate) trail: Trail,
}

/// A token, and how it is to be proved.
pub(crate) struct Unproved {
    pub(crate) scheme: Scheme,
    pub(crate) token: String,
    /// The issuer's place in the gate's list.
    pub(crate) issuer: usize,
    pub(crate) way: Way,
    pub(crate) fingerprint: Fingerprint,
}

/// What is learnt on the way, for logs and metrics.
pub(crate) struct Trail {
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) issuer: Option<Arc<str>>,
    pub(crate) source: Option<Source>,
    /// The methods that the place of the request serves, where it does not serve the request's.
    pub(crate) allowed: Option<AllowedMethods>,
    pub(crate) started: Instant,
}

impl Trail {
    pub(crate) fn begin() -> Self {
        Self { route: None, issuer: None, source: None, allowed: None, started: Instant::now() }
    }

    /// Notes why no route was found, and gives the reason of the refusal.
    pub(crate) fn note(&mut self, miss: Miss) -> Reason {
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
}

/// Without the token.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("route", &self.trail.route.as_ref().map(|route| route.name()))
            .field("issuer", &self.trail.issuer)
            .field("way", &self.unproved.way)
            .finish_non_exhaustive()
    }
}
