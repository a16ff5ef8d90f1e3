//! What a mount asks, and what it is told.

use std::fmt;
use std::sync::Arc;

use bearward_core::{Reason, Refusal, Verified};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::decide::routes::Route;

/// The facts of a request on which a decision rests.
#[derive(Clone, Copy)]
pub struct RequestFacts<'a> {
    /// The method.
    pub method: &'a Method,
    /// The authority of the request's target: `:authority` in HTTP/2, that of an absolute target in HTTP/1.1. `None` where
    /// the headers alone say which host is meant.
    pub authority: Option<&'a str>,
    /// The path's bytes exactly as they will be forwarded, without the query.
    pub path: &'a [u8],
    /// The query as sent, without its `?`, where there is one.
    pub query: Option<&'a [u8]>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// Names only: headers and the query hold tokens.
impl fmt::Debug for RequestFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFacts")
            .field("method", self.method)
            .field("authority", &self.authority)
            .field("path", &String::from_utf8_lossy(self.path))
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The engine's answer to a request, with what logs and metrics want to know of it.
#[derive(Debug)]
pub struct Decision {
    /// Admit or refuse.
    pub verdict: Verdict,
    /// The route that matched, if one did.
    pub route: Option<Arc<Route>>,
    /// The issuer that the token was judged by, if it came so far.
    pub issuer: Option<Arc<str>>,
    /// Where the answer about the token came from, if it came so far.
    pub source: Option<Source>,
}

/// Admit (with an identity) or refuse (with a reason).
#[derive(Debug)]
pub enum Verdict {
    /// The request may go on, with these headers.
    Admit(Admission),
    /// The request is answered here.
    Refuse(Refusal),
}

impl Verdict {
    /// The reason of a refusal.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Admit(_) => None,
            Self::Refuse(refusal) => Some(refusal.reason()),
        }
    }
}

/// An admitted request: who calls, and the headers that say so.
///
/// A route that is open to requests without a token admits them with no identity and no headers.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    pub(crate) identity: Option<Arc<Identity>>,
}

impl Admission {
    /// The identity headers to set, after all copies and aliases of them were removed from the request.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        // None was admitted whose headers could not be rendered.
        self.identity.as_ref().and_then(|identity| identity.headers.as_deref().ok()).unwrap_or_default()
    }

    /// The token that was verified; `None` on an open route.
    pub fn token(&self) -> Option<&Verified> {
        self.identity.as_ref().map(|identity| &*identity.token)
    }

    /// The same, to be kept.
    pub fn shared_token(&self) -> Option<Arc<Verified>> {
        self.identity.as_ref().map(|identity| Arc::clone(&identity.token))
    }
}

/// A verified token and its headers, rendered once, or why they could not be.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) token: Arc<Verified>,
    pub(crate) headers: Result<Vec<(HeaderName, HeaderValue)>, Reason>,
}

/// Where the answer about a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was verified before and is still good.
    Cache,
    /// Its signature and claims were verified with the issuer's keys.
    Signature,
    /// The issuer was asked.
    Introspection,
}

impl Source {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Signature => "signature",
            Self::Introspection => "introspection",
        }
    }
}
