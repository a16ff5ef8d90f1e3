//! The claims that rules look at, with their types held strictly (RFC 7519, 4.1; RFC 9068, 2.2; RFC 7662, 2.2).

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::{Reason, ScopeSet, TokenRules, UnixTime};

/// The latest date that is believed: the last whole number that a double holds exactly.
const MAX_DATE: f64 = 9_007_199_254_740_992.0;

/// A claims object whose registered members have been read.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) token_id: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: ScopeSet,
    /// `cnf`, whatever it holds (RFC 7800).
    pub(crate) confirmation: Option<Value>,
    pub(crate) all: Map<String, Value>,
}

impl Claims {
    /// Reads the claims that `rules` look at; one of the wrong type refuses the token, never counts as absent.
    pub(crate) fn read(all: Map<String, Value>, rules: &TokenRules) -> Result<Self, Reason> {
        let mut scopes = ScopeSet::default();
        for value in rules.scope_claims.iter().filter_map(|claim| claim.find(&all)) {
            scopes.extend(ScopeSet::from_json(value).map_err(|_| Reason::ClaimsMalformed)?);
        }
        let client_id = rules.client_id_claims.iter().find_map(|claim| claim.find(&all)).map(string).transpose()?;
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
            confirmation: all.get("cnf").cloned(),
            all,
        })
    }

    /// Leaves of the scopes only those that `scopes` holds too, here and in the claims that they were read from: a header that
    /// is made of such a claim must not tell the upstream more.
    pub(crate) fn keep_scopes(&mut self, scopes: &ScopeSet, rules: &TokenRules) {
        let kept: HashSet<&str> = scopes.iter().collect();
        self.scopes.retain(|scope| kept.contains(scope));
        for claim in &rules.scope_claims {
            match claim.find_mut(&mut self.all) {
                Some(Value::String(text)) => {
                    *text = text.split(' ').filter(|scope| kept.contains(scope)).collect::<Vec<_>>().join(" ");
                }
                Some(Value::Array(values)) => {
                    values.retain(|value| value.as_str().is_some_and(|text| kept.contains(text)))
                }
                _ => {}
            }
        }
    }

    /// Whether `now` lies within the token's time, give or take `leeway` seconds: `exp` must lie ahead (RFC 9068, 4), `nbf`
    /// and `iat` must not.
    pub(crate) fn check_time(&self, now: UnixTime, leeway: u64) -> Result<(), Reason> {
        if self.expires_at.is_some_and(|exp| now >= exp.saturating_add(leeway)) {
            return Err(Reason::TokenExpired);
        }
        let latest = now.saturating_add(leeway);
        if self.not_before.is_some_and(|nbf| nbf > latest) || self.issued_at.is_some_and(|iat| iat > latest) {
            return Err(Reason::TokenNotYetValid);
        }
        Ok(())
    }
}

fn string(value: &Value) -> Result<String, Reason> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        _ => Err(Reason::ClaimsMalformed),
    }
}

/// `aud` is a string or an array of strings (RFC 7519, 4.1.3); an array with anything else in it is no audience at all.
fn audiences(all: &Map<String, Value>) -> Result<Vec<String>, Reason> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Reason::ClaimsMalformed);
    match all.get("aud") {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(text).collect(),
        Some(value) => Ok(vec![text(value)?]),
    }
}

/// A `NumericDate` (RFC 7519, 2): a number of seconds, with a fraction at some issuers, which is cut off.
fn date(all: &Map<String, Value>, name: &str) -> Result<Option<UnixTime>, Reason> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=MAX_DATE).contains(seconds)).ok_or(Reason::ClaimsMalformed)?;
    Ok(Some(UnixTime(seconds as u64)))
}
