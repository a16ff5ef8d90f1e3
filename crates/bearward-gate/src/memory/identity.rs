//! A proved token, with what the upstream is told of it.

use std::sync::Arc;

use bearward_core::{IdentityHeaders, Reason, Verified};
use http::{HeaderName, HeaderValue};

/// A verified token and its identity headers, rendered once. That they cannot be rendered is known, too, and judged last.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) token: Arc<Verified>,
    pub(crate) headers: Result<Vec<(HeaderName, HeaderValue)>, Reason>,
}

impl Identity {
    pub(crate) fn render(token: Arc<Verified>, headers: &IdentityHeaders) -> Arc<Self> {
        let headers = headers.render(&token);
        Arc::new(Self { token, headers })
    }
}

/// How a token is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// With the issuer's keys.
    Signature,
    /// With the gateway's own keys first: the token inside is proved with the issuer's.
    Decryption,
    /// By the issuer's answer.
    Introspection,
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
