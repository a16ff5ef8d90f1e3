//! What an issuer answers about a token (RFC 7662, 2.2).

use std::fmt;

use serde_json::{Map, Value};

use crate::token::claims::Claims;
use crate::token::document::Document;
use crate::token::json::parse_object;
use crate::token::profile::check_answer_kind;
use crate::token::proof::{Origin, check_audience, prove};
use crate::verdict::{Detail, noted};
use crate::{Check, Reason, TokenRules, Trace, UnixTime, Verified};

/// An issuer's answer that a token is active, with what it says of the token. No rule has been applied to it yet.
#[derive(Clone)]
pub struct IntrospectionAnswer {
    members: Map<String, Value>,
}

impl IntrospectionAnswer {
    /// Reads the body of a successful answer (RFC 7662, 2.2). Only `active: true` is active. Members that are `null` count as
    /// absent, because some issuers write them so.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenInactive`] where the issuer says so, and [`Reason::IntrospectionUnavailable`] where the body is no
    /// introspection answer: that says nothing about the token.
    pub fn parse(body: &[u8]) -> Result<Self, Reason> {
        Self::from_members(parse_object(body).map_err(|_| Reason::IntrospectionUnavailable)?)
    }

    /// Reads the members of an answer, plain or signed.
    pub(crate) fn from_members(mut members: Map<String, Value>) -> Result<Self, Reason> {
        match members.remove("active") {
            Some(Value::Bool(true)) => Ok(Self::active(members)),
            Some(Value::Bool(false)) => Err(Reason::TokenInactive),
            _ => Err(Reason::IntrospectionUnavailable),
        }
    }

    /// An answer that says of an active token what these members say.
    pub(crate) fn active(mut members: Map<String, Value>) -> Self {
        members.retain(|_, value| !value.is_null());
        Self { members }
    }

    /// Takes the answer for the whole proof of a token, by the `rules` of the issuer that gave it.
    ///
    /// Issuers say `active: true` of refresh and ID tokens too. So a `token_type` must be `Bearer` where it is given, and
    /// `aud` must hold one of the configured audiences, unless the rules say otherwise of tokens without `aud`.
    ///
    /// # Errors
    ///
    /// The reason why the token that it describes is not valid here, in the order of [`Check`]: from [`Check::Claims`] to
    /// [`Check::Audience`].
    pub fn prove(self, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
        self.prove_traced(rules, now, None)
    }

    /// [`IntrospectionAnswer::prove`], which also notes what each check found where a trace is given.
    ///
    /// # Errors
    ///
    /// As [`IntrospectionAnswer::prove`].
    pub fn prove_traced(
        self,
        rules: &TokenRules,
        now: UnixTime,
        mut trace: Option<&mut Trace>,
    ) -> Result<Verified, Reason> {
        let claims = noted(&mut trace, Check::Claims, read(&self.members, rules), || {
            Detail::expected("members of the types that they must have")
        })?;
        prove(claims, rules, now, Origin::Answer, &mut trace)
    }

    /// Takes the answer for a second proof of `token`, whose signature and claims were verified already.
    ///
    /// The token stays what it says itself. The answer only takes away: what it says of issuer, audience, subject, client,
    /// confirmation and time must fit, what it leaves out the token has shown; the token is then good for the scopes that
    /// both name, where the answer names any, until the earlier of both expiries, and for a sender that has the key which
    /// either of them binds it to.
    ///
    /// # Errors
    ///
    /// The reason why the answer contradicts the token: [`Reason::ClaimMismatch`] where it is about another subject, client
    /// or key.
    pub fn confirm(self, token: &Verified, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
        self.confirm_traced(token, rules, now, None)
    }

    /// [`IntrospectionAnswer::confirm`], which also notes [`Check::Agreement`] where a trace is given.
    ///
    /// # Errors
    ///
    /// As [`IntrospectionAnswer::confirm`].
    pub fn confirm_traced(
        self,
        token: &Verified,
        rules: &TokenRules,
        now: UnixTime,
        mut trace: Option<&mut Trace>,
    ) -> Result<Verified, Reason> {
        noted(&mut trace, Check::Agreement, self.agree(token, rules, now), || {
            Detail::expected("an answer that does not contradict the token")
        })
    }

    fn agree(self, token: &Verified, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
        let says_scope = rules.scope_claims.iter().any(|claim| claim.find(&self.members).is_some());
        let claims = read(&self.members, rules)?;
        check_answer_kind(&claims.all)?;
        if claims.issuer().is_some_and(|issuer| issuer != token.issuer()) {
            return Err(Reason::IssuerMismatch);
        }
        claims.check_time(now, rules.leeway)?;
        if claims.all.has("aud") {
            check_audience(&claims, rules)?;
        }
        let confirmation = claims.confirmation();
        if differ(&claims.subject(), &token.subject())
            || differ(&claims.client_id(), &token.client_id())
            || differ(&confirmation.as_ref(), &token.confirmation())
        {
            return Err(Reason::ClaimMismatch);
        }
        token.narrowed(says_scope.then(|| claims.scopes()), claims.expires_at, confirmation, rules)
    }
}

/// Without the members, as [`Verified`].
impl fmt::Debug for IntrospectionAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntrospectionAnswer")
    }
}

/// Whether both say something, and not the same.
fn differ<T: PartialEq>(answer: &Option<T>, token: &Option<T>) -> bool {
    answer.is_some() && token.is_some() && answer != token
}

fn read(members: &Map<String, Value>, rules: &TokenRules) -> Result<Claims, Reason> {
    Claims::read(Document::of(members).map_err(|_| Reason::ClaimsMalformed)?, rules)
}
