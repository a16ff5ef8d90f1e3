//! A token that was proved.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::token::claims::Claims;
use crate::{ClaimPointer, ScopeSet, UnixTime};

/// A token that the issuer's signature or its introspection answer has proved, with what it says.
///
/// Only verification makes one: unverified claims cannot reach policy, headers, answers or metrics. It does not hold the
/// token. It does not say either that the sender of a request may use it: that is for
/// [`Requirement::admit`](crate::Requirement::admit), on each request.
///
/// ```compile_fail
/// let forged = bearward_core::Verified { issuer: "https://auth.example.com".into() };
/// ```
#[derive(Clone)]
pub struct Verified {
    issuer: Arc<str>,
    pub(crate) claims: Claims,
    leeway: u64,
}

impl Verified {
    pub(crate) fn new(issuer: Arc<str>, leeway: u64, claims: Claims) -> Self {
        Self { issuer, claims, leeway }
    }

    /// The issuer that proved it: the configured identifier, also where an introspection answer names none, or the one of the
    /// configured template that the token names.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`: whom the token stands for.
    pub fn subject(&self) -> Option<&str> {
        self.claims.subject.as_deref()
    }

    /// `client_id`: the application that asked for the token.
    pub fn client_id(&self) -> Option<&str> {
        self.claims.client_id.as_deref()
    }

    /// `jti`: the token's identifier.
    pub fn token_id(&self) -> Option<&str> {
        self.claims.token_id.as_deref()
    }

    /// What the token permits.
    pub fn scopes(&self) -> &ScopeSet {
        &self.claims.scopes
    }

    /// `aud`: the resource servers that the token is meant for.
    pub fn audiences(&self) -> &[String] {
        &self.claims.audiences
    }

    /// `exp`, as the issuer states it.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.claims.expires_at
    }

    /// Whether the token is within its time at `now`, give or take the issuer's leeway: the rule of verification, asked
    /// again each time a remembered token is used.
    pub fn is_current(&self, now: UnixTime) -> bool {
        self.claims.check_time(now, self.leeway).is_ok()
    }

    /// `cnf`: the key that the token is bound to (RFC 7800), as the token or the issuer's answer names it. Such a token is
    /// of use only to a sender that proves possession of the key: see [`Requirement::admit`](crate::Requirement::admit).
    pub fn confirmation(&self) -> Option<&Value> {
        self.claims.confirmation.as_ref()
    }

    /// The claim that `pointer` points to.
    pub fn claim(&self, pointer: &ClaimPointer) -> Option<&Value> {
        pointer.find(&self.claims.all)
    }

    /// About how many bytes of memory it takes, for caches.
    pub fn size(&self) -> usize {
        fn of(value: &Value) -> usize {
            const EACH: usize = 64; // a value and its place in the container, about
            EACH + match value {
                Value::String(text) => text.len(),
                Value::Array(elements) => elements.iter().map(of).sum(),
                Value::Object(members) => members.iter().map(|(name, value)| name.len() + of(value)).sum(),
                Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            }
        }
        let all: usize = self.claims.all.iter().map(|(name, value)| name.len() + of(value)).sum();
        all + self.claims.confirmation.as_ref().map_or(0, of)
    }

    /// All claims, or all members of the introspection answer.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims.all
    }
}

/// Without the claims: they are the caller's own business, and of an issuer that answers, nothing says that the token itself is
/// not among them.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
impl Verified {
    pub(crate) fn for_tests(issuer: &str, claims: Value) -> Self {
        let rules = crate::TokenRules::new(issuer, Vec::new());
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        Self::new(issuer.into(), rules.leeway, Claims::read(claims, &rules).unwrap())
    }
}
