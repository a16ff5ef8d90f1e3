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
