//! Signed introspection answers (RFC 9701).

use bearward_core::{IntrospectionAnswer, Reason};

use super::answer::Failure;
use super::context::Context;
use super::kind::Parsed;
use crate::issuer::Keys;

/// Reads signed answers with the issuer's keys.
pub(super) struct SignedAnswers {
    client_id: String,
    context: Context,
}

impl SignedAnswers {
    /// A reader of answers for the client `client_id`.
    pub(super) fn new(client_id: String, context: Context) -> Self {
        Self { client_id, context }
    }

    /// Verifies and reads `jwt`. An unknown key is fetched.
    pub(super) async fn read(&self, jwt: &str) -> Result<Parsed, Failure> {
        let attempt = |keys: &Keys| match self.read_with(jwt, keys) {
            Err(Reason::KeyUnknown) => None,
            Err(Reason::IntrospectionUnavailable) => Some(Err(Failure::NotASignedAnswer)),
            answer => Some(Ok(answer)),
        };
        let known = self.context.published.keys();
        if let Some(read) = known.as_deref().and_then(attempt) {
            return read;
        }
        let read = self.context.published.with_newer_keys(known.as_deref(), attempt).await;
        read.map_err(|_| Failure::KeyOfSignedAnswer)?.0
    }

    fn read_with(&self, jwt: &str, keys: &Keys) -> Parsed {
        let Context { rules, clock, .. } = &self.context;
        IntrospectionAnswer::parse_signed(jwt, &keys.set, rules, &self.client_id, clock.now())
    }
}
