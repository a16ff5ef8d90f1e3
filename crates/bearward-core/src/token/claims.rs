//! The claims that rules look at, with their types held strictly (RFC 7519, 4.1; RFC 9068, 2.2; RFC 7662, 2.2).

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::token::document::{Document, Ref, Span};
use crate::token::json::{Json, View};
use crate::{Reason, ScopeSet, TokenRules, UnixTime};

/// The latest date that is believed: the last whole number that a double holds exactly.
const MAX_DATE: f64 = 9_007_199_254_740_992.0;

/// A claims object whose registered members have been read.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) issuer: Option<Span>,
    pub(crate) subject: Option<Span>,
    pub(crate) audiences: Vec<Span>,
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) token_id: Option<Span>,
    pub(crate) client_id: Option<Span>,
    pub(crate) scopes: ScopeSet,
    pub(crate) all: Document,
}

impl Claims {
    /// Reads the claims that `rules` look at; one of the wrong type refuses the token, never counts as absent.
    pub(crate) fn read(all: Document, rules: &TokenRules) -> Result<Self, Reason> {
        let mut scopes = ScopeSet::default();
        for value in rules.scope_claims.iter().filter_map(|claim| claim.find_in(&all)) {
            scopes.extend(ScopeSet::read(value).map_err(|_| Reason::ClaimsMalformed)?);
        }
        let client_id = rules.client_id_claims.iter().find_map(|claim| claim.find_in(&all)).map(string).transpose()?;
        let claim = |name: &str| all.get(name).map(string).transpose();
        Ok(Self {
            issuer: claim("iss")?,
            subject: claim("sub")?,
            token_id: claim("jti")?,
            audiences: audiences(&all)?,
            expires_at: date(&all, "exp")?,
            not_before: date(&all, "nbf")?,
            issued_at: date(&all, "iat")?,
            client_id,
            scopes,
            all,
        })
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.map(|span| self.text(span))
    }

    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.map(|span| self.text(span))
    }

    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client_id.map(|span| self.text(span))
    }

    pub(crate) fn audiences(&self) -> impl Iterator<Item = &str> {
        self.audiences.iter().map(|span| self.text(*span))
    }

    /// `cnf`, whatever it holds (RFC 7800).
    pub(crate) fn confirmation(&self) -> Option<Value> {
        self.all.get("cnf").map(Ref::to_value)
    }

    fn text(&self, span: Span) -> &str {
        span.of(self.all.text())
    }

    /// Whether `now` lies within the token's time, give or take `leeway` seconds.
    pub(crate) fn check_time(&self, now: UnixTime, leeway: u64) -> Result<(), Reason> {
        check_time([self.expires_at, self.not_before, self.issued_at], now, leeway)
    }
}

/// Whether `now` lies within a token's time, give or take `leeway` seconds: `exp` must lie ahead (RFC 9068, 4), `nbf` and `iat`
/// must not.
pub(crate) fn check_time([exp, nbf, iat]: [Option<UnixTime>; 3], now: UnixTime, leeway: u64) -> Result<(), Reason> {
    if exp.is_some_and(|exp| now >= exp.saturating_add(leeway)) {
        return Err(Reason::TokenExpired);
    }
    let latest = now.saturating_add(leeway);
    if nbf.is_some_and(|nbf| nbf > latest) || iat.is_some_and(|iat| iat > latest) {
        return Err(Reason::TokenNotYetValid);
    }
    Ok(())
}

/// Leaves of the scopes in the claims that they were read from only those that `kept` holds too: a header that is made of such a
/// claim must not tell the upstream more.
pub(crate) fn keep_scopes(claims: &mut Map<String, Value>, kept: &ScopeSet, rules: &TokenRules) {
    let kept: HashSet<&str> = kept.iter().collect();
    for claim in &rules.scope_claims {
        match claim.find_mut(claims) {
            Some(Value::String(text)) => {
                *text = text.split(' ').filter(|scope| kept.contains(scope)).collect::<Vec<_>>().join(" ");
            }
            Some(Value::Array(values)) => values.retain(|value| value.as_str().is_some_and(|text| kept.contains(text))),
            _ => {}
        }
    }
}

fn string(value: Ref<'_>) -> Result<Span, Reason> {
    value.span().filter(|_| value.text() != Some("")).ok_or(Reason::ClaimsMalformed)
}

/// `aud` is a string or an array of strings (RFC 7519, 4.1.3); an array with anything else in it is no audience at all.
fn audiences(all: &Document) -> Result<Vec<Span>, Reason> {
    let text = |value: Ref<'_>| value.span().ok_or(Reason::ClaimsMalformed);
    match all.get("aud") {
        None => Ok(Vec::new()),
        Some(value) if value.view() == View::Array => value.elements().map(text).collect(),
        Some(value) => Ok(vec![text(value)?]),
    }
}

/// A `NumericDate` (RFC 7519, 2): a number of seconds, with a fraction at some issuers, which is cut off.
fn date(all: &Document, name: &str) -> Result<Option<UnixTime>, Reason> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let seconds = if let View::Number(number) = value.view() { number.as_f64() } else { None };
    let seconds = seconds.filter(|seconds| (0.0..=MAX_DATE).contains(seconds)).ok_or(Reason::ClaimsMalformed)?;
    Ok(Some(UnixTime(seconds as u64)))
}
