//! What an issuer answers about a token (RFC 7662, 2.2).

use serde_json::{Map, Value};

use crate::token::claims::Claims;
use crate::token::json::parse_object;
use crate::token::profile::says_other;
use crate::{Reason, ScopeSet, TokenRules, UnixTime, Verified};

/// Reads the body of a successful introspection answer from the issuer whose `rules` these are.
///
/// Only `active: true` is active. Issuers say `active: true` of refresh and ID tokens too, so a `token_type` must be
/// `Bearer` where it is given, and one of the configured audiences must always stand in `aud`, unless the rules say
/// otherwise of tokens without one. Members that are `null` count as absent, as some issuers write them so.
///
/// # Errors
///
/// [`Reason::TokenInactive`] where the issuer says so, another reason of an invalid token where the answer does not fit
/// `rules`, and [`Reason::IntrospectionUnavailable`] where it is no introspection answer at all: that says nothing about
/// the token.
pub fn read_introspection(body: &[u8], rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
    IntrospectionAnswer::parse(body)?.prove(rules, now)
}

/// An issuer's word that a token is active, with what it says of the token, not yet held against any rule.
#[derive(Clone, Debug)]
pub struct IntrospectionAnswer {
    members: Map<String, Value>,
}

impl IntrospectionAnswer {
    /// Reads the body of a successful answer (RFC 7662, 2.2).
    ///
    /// # Errors
    ///
    /// [`Reason::TokenInactive`] where the issuer says so, [`Reason::IntrospectionUnavailable`] where it is no such answer.
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

    /// Takes the answer for the whole proof of a token.
    ///
    /// # Errors
    ///
    /// The reason why the token that it describes is not valid here.
    pub fn prove(self, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
        self.check_kind()?;
        // Nothing then tells an access token from a refresh token of the same client.
        if !self.members.contains_key("token_type") && !self.members.contains_key("aud") && !rules.bare_answers {
            return Err(Reason::AudienceMismatch);
        }
        rules.check(Claims::read(self.members, rules)?, now)
    }

    /// Takes the answer for a second proof of `token`, whose signature and claims were verified already.
    ///
    /// The token stays what it says itself. The answer only takes away: what it says of issuer, audience, subject, client
    /// and time must fit, what it leaves out the token has shown; the token is then good for the scopes that both name,
    /// where the answer names any, and until the earlier of both expiries.
    ///
    /// # Errors
    ///
    /// The reason why the answer does not bear the token out: [`Reason::ClaimMismatch`] where it is about somebody else.
    pub fn confirm(self, token: &Verified, rules: &TokenRules, now: UnixTime) -> Result<Verified, Reason> {
        self.check_kind()?;
        let says_scope = rules.scope_claims.iter().any(|claim| claim.find(&self.members).is_some());
        let claims = Claims::read(self.members, rules)?;
        if claims.issuer.as_deref().is_some_and(|issuer| issuer != token.issuer()) {
            return Err(Reason::IssuerMismatch);
        }
        claims.check_unbound()?;
        claims.check_time(now, rules.leeway)?;
        if claims.all.contains_key("aud") {
            rules.check_audience(&claims)?;
        }
        let differ =
            |said: &Option<String>, own: Option<&str>| said.is_some() && own.is_some() && said.as_deref() != own;
        if differ(&claims.subject, token.subject()) || differ(&claims.client_id, token.client_id()) {
            return Err(Reason::ClaimMismatch);
        }
        Ok(token.narrowed(says_scope.then_some(&claims.scopes), claims.expires_at, rules))
    }

    /// Refuses what the answer itself calls another kind of token. Beside the registered `token_type`, issuers say it in
    /// `token_use` (Hydra, Cognito) and in `typ` (Keycloak).
    fn check_kind(&self) -> Result<(), Reason> {
        match self.members.get("token_type") {
            None => {}
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("Bearer") => {}
            // A DPoP-bound token (RFC 9449, 6.2) that came as a bearer token.
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("DPoP") => return Err(Reason::ConfirmationMissing),
            Some(_) => return Err(Reason::TypeMismatch),
        }
        let is_other = says_other(&self.members, "token_use", &["access", "access_token"])
            || says_other(&self.members, "typ", &["Bearer", "at+jwt", "JWT"]);
        if is_other { Err(Reason::TypeMismatch) } else { Ok(()) }
    }
}

impl Verified {
    /// The same token, for no more than these scopes, and until no later than that.
    fn narrowed(&self, scopes: Option<&ScopeSet>, expires_at: Option<UnixTime>, rules: &TokenRules) -> Self {
        let mut narrowed = self.clone();
        if let Some(scopes) = scopes {
            narrowed.claims.keep_scopes(scopes, rules);
        }
        narrowed.claims.expires_at = self.claims.expires_at.into_iter().chain(expires_at).min();
        narrowed
    }
}
