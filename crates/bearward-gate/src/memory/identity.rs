//! A proved token, with what the upstream is told of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bearward_core::{IdentityHeaders, IdentityLines, Reason, Verified};
use http::{HeaderName, HeaderValue};

/// A verified token and its identity headers, rendered once. That they cannot be rendered is known, too, and judged last.
///
/// In one piece, since many are remembered.
pub(crate) struct Identity {
    pub(crate) token: Verified,
    pub(crate) lines: Result<IdentityLines, Reason>,
    /// The same as fields, made for the first mount that asks for them in this form.
    fields: OnceLock<Box<Fields>>,
}

struct Fields(Vec<(HeaderName, HeaderValue)>);

impl Identity {
    pub(crate) fn render(token: Verified, headers: &IdentityHeaders) -> Arc<Self> {
        let lines = headers.render(&token);
        Arc::new(Self { token, lines, fields: OnceLock::new() })
    }

    /// The identity headers as fields; none where they could not be rendered.
    pub(crate) fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        match &self.lines {
            Ok(lines) => &self.fields.get_or_init(|| Box::new(Fields(lines.fields().collect()))).0,
            Err(_) => &[],
        }
    }
}

/// Without the headers: they say who calls.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("token", &self.token).finish_non_exhaustive()
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
