//! What holds of every proved token of an issuer, however it was proved: a list of checks, none of which depends on
//! another.

use crate::token::claims::Claims;
use crate::token::profile::check_answer_kind;
use crate::verdict::{Detail, Member, checked};
use crate::{AbsentAudience, Check, ClaimRule, Reason, TokenRules, Trace, UnixTime, Unverified, Verified};

/// Who vouches for the claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A signature, with a key of the issuer.
    Jws,
    /// The issuer's answer to an introspection request.
    Answer,
}

/// Makes a verified token of claims that a signature or an answer vouches for.
pub(super) fn prove(
    claims: Claims,
    rules: &TokenRules,
    now: UnixTime,
    origin: Origin,
    trace: &mut Option<&mut Trace>,
) -> Result<Verified, Reason> {
    checked(&Candidate::CHECKS, &Candidate { claims: &claims, rules, now, origin }, trace)?;
    let issuer = rules.issuer.check(&claims)?;
    Ok(Verified::new(issuer, rules.leeway, claims))
}

/// Claims that are authentic, and not yet held against the rules.
struct Candidate<'a> {
    claims: &'a Claims,
    rules: &'a TokenRules,
    now: UnixTime,
    origin: Origin,
}

/// A check, its rule, and what a trace says of it.
type Step<'a> = (Check, fn(&Candidate<'a>) -> Result<(), Reason>, fn(&Candidate<'a>) -> Detail);

impl<'a> Candidate<'a> {
    /// In the order of [`Check::ALL`].
    const CHECKS: [Step<'a>; 7] = [
        (Check::Kind, Self::kind, Self::kind_detail),
        (Check::Completeness, Self::completeness, Self::completeness_detail),
        (Check::IssuerClaim, Self::issuer_claim, Self::issuer_claim_detail),
        (Check::RequiredClaims, Self::required_claims, Self::required_claims_detail),
        (Check::Time, Self::time, Self::time_detail),
        (Check::Lifetime, Self::lifetime, Self::lifetime_detail),
        (Check::Audience, Self::audience, Self::audience_detail),
    ];

    fn kind(&self) -> Result<(), Reason> {
        match self.origin {
            Origin::Jws => self.rules.profile.check_kind(self.claims),
            Origin::Answer => check_answer_kind(&self.claims.all),
        }
    }

    fn kind_detail(&self) -> Detail {
        let scope = self.claims.all.get("scope").map(|scope| Unverified::value(Member::Scope, &scope.to_value()));
        Detail::expected("the claims of an access token").unverified(scope)
    }

    fn completeness(&self) -> Result<(), Reason> {
        if self.missing().next().is_some() { Err(Reason::ClaimMissing) } else { Ok(()) }
    }

    fn completeness_detail(&self) -> Detail {
        let mut missing: Vec<_> = self.missing().collect();
        missing.sort_unstable();
        missing.dedup();
        let found = if missing.is_empty() { "all".to_owned() } else { format!("no {}", missing.join(", ")) };
        Detail::expected("every claim that an access token must have").note(found)
    }

    /// The claims that must be there and are not.
    fn missing(&self) -> impl Iterator<Item = &'static str> {
        let (claims, rules) = (self.claims, self.rules);
        // An introspection answer may leave out everything (RFC 7662, 2.2).
        let is_jws = self.origin == Origin::Jws;
        let required = if is_jws { rules.profile.missing(claims) } else { [None; 6] };
        let aud =
            (is_jws && !claims.all.has("aud") && rules.absent_audience == AbsentAudience::Refuse).then_some("aud");
        let is_limited = rules.max_lifetime.is_some();
        let exp = (is_limited && claims.expires_at.is_none()).then_some("exp");
        let iat = (is_limited && claims.issued_at.is_none()).then_some("iat");
        // Which of them it is, only the name says.
        let iss = (rules.issuer.is_template() && claims.issuer.is_none()).then_some("iss");
        required.into_iter().chain([aud, exp, iat, iss]).flatten()
    }

    fn issuer_claim(&self) -> Result<(), Reason> {
        self.rules.issuer.check(self.claims).map(drop)
    }

    fn issuer_claim_detail(&self) -> Detail {
        Detail::expected(&**self.rules.issuer.text()).unverified(self.unverified(Member::Iss, "iss"))
    }

    fn required_claims(&self) -> Result<(), Reason> {
        if ClaimRule::all_hold(&self.rules.required_claims, &self.claims.all) {
            Ok(())
        } else {
            Err(Reason::ClaimMismatch)
        }
    }

    fn required_claims_detail(&self) -> Detail {
        ClaimRule::detail(&self.rules.required_claims, &self.claims.all)
    }

    fn time(&self) -> Result<(), Reason> {
        self.claims.check_time(self.now, self.rules.leeway)
    }

    fn time_detail(&self) -> Detail {
        let (now, leeway) = (self.now.0, self.rules.leeway);
        let expected = format!("exp after {now}, nbf and iat not after it, give or take {leeway} seconds");
        Detail::expected(expected).unverified(self.unverified(Member::Exp, "exp"))
    }

    /// Whether `exp` and `iat` are there is for [`Check::Completeness`] to say.
    fn lifetime(&self) -> Result<(), Reason> {
        match (self.rules.max_lifetime, self.claims.expires_at, self.claims.issued_at) {
            (Some(most), Some(exp), Some(iat)) if exp.seconds_since(iat) > most => Err(Reason::LifetimeTooLong),
            _ => Ok(()),
        }
    }

    fn lifetime_detail(&self) -> Detail {
        match self.rules.max_lifetime {
            Some(most) => Detail::expected(format!("at most {most} seconds from iat to exp")),
            None => Detail::expected("any lifetime"),
        }
    }

    fn audience(&self) -> Result<(), Reason> {
        // Nothing then tells an access token from a refresh token of the same client.
        let is_bare = ["token_type", "aud"].iter().all(|member| !self.claims.all.has(member));
        if self.origin == Origin::Answer && is_bare && !self.rules.bare_answers {
            return Err(Reason::AudienceMismatch);
        }
        check_audience(self.claims, self.rules)
    }

    fn audience_detail(&self) -> Detail {
        let expected = match &self.rules.absent_audience {
            AbsentAudience::Refuse => format!("one of {}", self.rules.audiences.join(" ")),
            AbsentAudience::Clients(clients) => {
                format!("one of {}, or none and a client of {}", self.rules.audiences.join(" "), clients.join(" "))
            }
        };
        Detail::expected(expected).unverified(self.unverified(Member::Aud, "aud"))
    }

    fn unverified(&self, member: Member, name: &str) -> Option<Unverified> {
        self.claims.all.get(name).map(|value| Unverified::value(member, &value.to_value()))
    }
}

/// Whether the claims name one of the issuer's audiences, or may leave them out.
pub(super) fn check_audience(claims: &Claims, rules: &TokenRules) -> Result<(), Reason> {
    let fits = match &rules.absent_audience {
        AbsentAudience::Clients(clients) if !claims.all.has("aud") => {
            claims.client_id().is_some_and(|client| clients.iter().any(|own| own == client))
        }
        _ => claims.audiences().any(|audience| rules.audiences.iter().any(|own| own == audience)),
    };
    if fits { Ok(()) } else { Err(Reason::AudienceMismatch) }
}
