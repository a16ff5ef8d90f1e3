//! What a mount asks, and what it is told.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use bearward_core::{HeaderFields, IdentityLines, Reason, Refusal, Verified};
use http::{HeaderName, HeaderValue, Method};

use super::generation::Generation;
use super::routes::Route;
use crate::memory::Identity;
use crate::source::Source;

/// The facts of a request on which a decision rests, or by which it is told.
#[derive(Clone, Copy)]
#[non_exhaustive]
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
    pub headers: HeaderFields<'a>,
    /// The address of the client, as far as the mount believes it.
    pub client: Option<IpAddr>,
    /// The scheme that the client used (RFC 9110, 4.2), as far as the mount believes it.
    pub scheme: Option<&'a str>,
    /// The certificate that the client showed in the TLS handshake, in DER.
    pub peer_certificate: Option<&'a [u8]>,
    /// The identifier of the request, by which the decision is told.
    pub request_id: Option<&'a str>,
}

impl<'a> RequestFacts<'a> {
    /// A request for this path, with the headers as they came, of which nothing else is known.
    pub fn new(method: &'a Method, path: &'a [u8], headers: impl Into<HeaderFields<'a>>) -> Self {
        Self {
            method,
            authority: None,
            path,
            query: None,
            headers: headers.into(),
            client: None,
            scheme: None,
            peer_certificate: None,
            request_id: None,
        }
    }
}

/// Names only: headers and the query hold tokens.
impl fmt::Debug for RequestFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFacts")
            .field("method", self.method)
            .field("authority", &self.authority)
            .field("path", &String::from_utf8_lossy(self.path))
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// The engine's answer to a request, with what logs and metrics want to know of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decision {
    /// Admit or refuse.
    pub verdict: Verdict,
    /// The route that matched, if one did.
    pub route: Option<Arc<Route>>,
    /// The issuer that the token was judged by, if it came so far.
    pub issuer: Option<Arc<str>>,
    /// Where the answer about the token came from, if it came so far.
    pub source: Option<Source>,
    /// The configuration that the request began with, and that its mount goes on with.
    pub generation: Arc<Generation>,
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

    /// What is admitted.
    pub fn admission(&self) -> Option<&Admission> {
        match self {
            Self::Admit(admission) => Some(admission),
            Self::Refuse(_) => None,
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
        self.identity.as_ref().map_or(&[], |identity| identity.fields())
    }

    /// The same as HTTP/1 sends them: `name: value` and a line break (CRLF) for each, and no line break elsewhere. Rendered
    /// once, when the token was proved; empty on an open route.
    pub fn lines(&self) -> &[u8] {
        let lines = self.identity.as_ref().and_then(|identity| identity.lines.as_ref().ok());
        lines.map_or(&[], IdentityLines::as_bytes)
    }

    /// The token that was verified; `None` on an open route.
    pub fn token(&self) -> Option<&Verified> {
        self.identity.as_ref().map(|identity| &identity.token)
    }

    /// The same, to be kept.
    pub fn shared_token(&self) -> Option<SharedToken> {
        self.identity.as_ref().map(|identity| SharedToken(Arc::clone(identity)))
    }
}

/// A verified token that is shared with the memory of the gate. Clones are cheap.
#[derive(Clone)]
pub struct SharedToken(Arc<Identity>);

impl Deref for SharedToken {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.0.token
    }
}

impl fmt::Debug for SharedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
