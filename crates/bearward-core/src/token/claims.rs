//! The claims that rules look at, with their types held strictly (RFC 7519, 4.1; RFC 9068, 2.2; RFC 7662, 2.2).

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::token::document::{Document, Ref, Span};
use crate::token::json::{Json, View};
use crate::token::scope::is_joined;
use crate::{Reason, ScopeSet, Scopes, TokenRules, UnixTime};

/// The latest date that is believed: the last whole number that a double holds exactly.
const MAX_DATE: f64 = 9_007_199_254_740_992.0;

/// A claims object whose registered members have been read.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) issuer: Option<Span>,
    pub(crate) subject: Option<Span>,
    pub(crate) audiences: Audiences,
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) token_id: Option<Span>,
    pub(crate) client_id: Option<Span>,
    pub(crate) scopes: Option<Span>,
    pub(crate) all: Document,
}

/// Where the audiences of a token stand. Nearly every token has one.
#[derive(Clone)]
pub(crate) enum Audiences {
    One(Span),
    Other(Box<[Span]>),
}

impl Audiences {
    pub(crate) fn spans(&self) -> &[Span] {
        match self {
            Self::One(span) => std::slice::from_ref(span),
            Self::Other(spans) => spans,
        }
    }
}

impl Claims {
    /// Reads the claims that `rules` look at; one of the wrong type refuses the token, never counts as absent.
    pub(crate) fn read(mut all: Document, rules: &TokenRules) -> Result<Self, Reason> {
        let scopes = scopes(&mut all, rules)?;
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
        self.audiences.spans().iter().map(|span| self.text(*span))
    }

    pub(crate) fn scopes(&self) -> Scopes<'_> {
        Scopes::joined(self.scopes.map(|span| self.text(span)).unwrap_or_default())
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
        check_time(self.expires_at, self.begin(), now, leeway)
    }

    /// The later of `nbf` and `iat`.
    pub(crate) fn begin(&self) -> Option<UnixTime> {
        self.not_before.max(self.issued_at)
    }
}

/// Whether `now` lies within a token's time, give or take `leeway` seconds: `exp` must lie ahead (RFC 9068, 4), and its begin,
/// the later of `nbf` and `iat`, must not.
pub(crate) fn check_time(
    exp: Option<UnixTime>,
    begin: Option<UnixTime>,
    now: UnixTime,
    leeway: u64,
) -> Result<(), Reason> {
    if exp.is_some_and(|exp| now >= exp.saturating_add(leeway)) {
        return Err(Reason::TokenExpired);
    }
    if begin.is_some_and(|begin| begin > now.saturating_add(leeway)) {
        return Err(Reason::TokenNotYetValid);
    }
    Ok(())
}

/// Leaves of the scopes in the claims that they were read from only those that `kept` holds too: a header that is made of such a
/// claim must not tell the upstream more.
pub(crate) fn keep_scopes(claims: &mut Map<String, Value>, kept: Scopes<'_>, rules: &TokenRules) {
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

/// The scopes of all claims that hold some, joined: where they stand, or added to the text where they stand nowhere so.
fn scopes(all: &mut Document, rules: &TokenRules) -> Result<Option<Span>, Reason> {
    let mut found = rules.scope_claims.iter().filter_map(|claim| claim.find_in(all));
    let only = found.next().filter(|_| found.next().is_none());
    if let Some((text, span)) = only.and_then(|value| value.text().zip(value.span()))
        && is_joined(text).map_err(|_| Reason::ClaimsMalformed)?
    {
        return Ok(Some(span));
    }
    let mut scopes = ScopeSet::default();
    for value in rules.scope_claims.iter().filter_map(|claim| claim.find_in(all)) {
        scopes.extend(ScopeSet::read(value).map_err(|_| Reason::ClaimsMalformed)?);
    }
    Ok(if scopes.is_empty() { None } else { all.append(scopes.as_str()) })
}

fn string(value: Ref<'_>) -> Result<Span, Reason> {
    value.span().filter(|_| value.text() != Some("")).ok_or(Reason::ClaimsMalformed)
}

/// `aud` is a string or an array of strings (RFC 7519, 4.1.3); an array with anything else in it is no audience at all.
fn audiences(all: &Document) -> Result<Audiences, Reason> {
    let text = |value: Ref<'_>| value.span().ok_or(Reason::ClaimsMalformed);
    match all.get("aud") {
        None => Ok(Audiences::Other(Box::default())),
        Some(value) if value.view() == View::Array => {
            let mut elements = value.elements().map(text);
            match (elements.next(), elements.next()) {
                (Some(only), None) => Ok(Audiences::One(only?)),
                _ => value.elements().map(text).collect::<Result<_, _>>().map(Audiences::Other),
            }
        }
        Some(value) => Ok(Audiences::One(text(value)?)),
    }
}

/// A `NumericDate` (RFC 7519, 2): a number of seconds, with a fraction at some issuers, which is cut off.
fn date(all: &Document, name: &str) -> Result<Option<UnixTime>, Reason> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let seconds = if let View::Number(number) = value.view() { number.as_f64() } else { None };
    let seconds = seconds.filter(|seconds| (0.0..=MAX_DATE).contains(seconds)).ok_or(Reason::ClaimsMalformed)?;
    Ok(Some(UnixTime(seconds as u64)))
}
