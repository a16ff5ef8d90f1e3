//! Whether a verified token may be used for a request: asked on every request, whether the token was verified just now or
//! is remembered. What suffices for one route and one sender says nothing about another.

use crate::verdict::unverified::{listed, quoted};
use crate::verdict::{Detail, checked};
use crate::{Check, ClaimRule, Reason, Requirement, Scheme, Scope, ScopeImplications, Trace, Verified};

/// A verified token as it came with a request.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    token: &'a Verified,
    scheme: Scheme,
    identity: Result<(), Reason>,
}

impl<'a> Presented<'a> {
    /// A verified token, the scheme of the credential that held it, and whether its identity could be rendered (see
    /// [`IdentityHeaders::render`](crate::IdentityHeaders::render)).
    pub fn new(token: &'a Verified, scheme: Scheme, identity: Result<(), Reason>) -> Self {
        Self { token, scheme, identity }
    }
}

impl Requirement {
    /// Admits a request with a verified token, or does not.
    ///
    /// Where a trace is given, every check is made and noted; else none is made after the first that fails.
    ///
    /// # Errors
    ///
    /// The [`Reason`] of the first check that fails, in the order of [`Check`]: from [`Check::Confirmation`] to
    /// [`Check::Identity`]. The scopes of a token say nothing where it is bound to another sender or not meant for the
    /// route, and what no identity header can hold matters only where the token suffices.
    pub fn admit(&self, presented: &Presented<'_>, mut trace: Option<&mut Trace>) -> Result<(), Reason> {
        let asked = Asked { requirement: self, implications: &self.implications, presented: *presented };
        checked(&Asked::ADMISSION, &asked, &mut trace)
    }

    /// Holds a token that was admitted already against one more requirement, within a route whose scopes stand for others
    /// by `implications`. Nothing else of the request is judged again: a token that was not admitted is for
    /// [`Requirement::admit`].
    ///
    /// # Errors
    ///
    /// As [`Requirement::admit`], from [`Check::RouteAudience`] to [`Check::Conditions`].
    pub fn narrow(&self, admitted: &Verified, implications: &ScopeImplications) -> Result<(), Reason> {
        // No check of the list looks at the last two.
        let presented = Presented::new(admitted, Scheme::Bearer, Ok(()));
        checked(&Asked::REQUIREMENT, &Asked { requirement: self, implications, presented }, &mut None)
    }
}

/// A requirement, and the request that is held against it.
struct Asked<'a> {
    requirement: &'a Requirement,
    implications: &'a ScopeImplications,
    presented: Presented<'a>,
}

/// A check, its rule, and what a trace says of it.
type Step<'a> = (Check, fn(&Asked<'a>) -> Result<(), Reason>, fn(&Asked<'a>) -> Detail);

impl<'a> Asked<'a> {
    const CONFIRMATION: Step<'a> = (Check::Confirmation, Self::confirmation, Self::confirmation_detail);
    const ROUTE_AUDIENCE: Step<'a> = (Check::RouteAudience, Self::route_audience, Self::route_audience_detail);
    const SCOPE: Step<'a> = (Check::Scope, Self::scope, Self::scope_detail);
    const CONDITIONS: Step<'a> = (Check::Conditions, Self::conditions, Self::conditions_detail);
    const IDENTITY: Step<'a> = (Check::Identity, Self::identity, Self::identity_detail);

    /// In the order of [`Check::ALL`].
    const ADMISSION: [Step<'a>; 5] =
        [Self::CONFIRMATION, Self::ROUTE_AUDIENCE, Self::SCOPE, Self::CONDITIONS, Self::IDENTITY];

    /// What a requirement itself asks, of those.
    const REQUIREMENT: [Step<'a>; 3] = [Self::ROUTE_AUDIENCE, Self::SCOPE, Self::CONDITIONS];

    /// A token that is bound to a key (RFC 7800) says that to bear it proves nothing; to take it for a bearer token is what
    /// the binding is there to stop (RFC 9449, 7.2; RFC 8705, 3).
    fn confirmation(&self) -> Result<(), Reason> {
        match (self.presented.token.confirmation(), self.presented.scheme) {
            (None, Scheme::Bearer) => Ok(()),
            (Some(_), Scheme::Bearer) => Err(Reason::ConfirmationMissing),
        }
    }

    fn confirmation_detail(&self) -> Detail {
        let found = match self.presented.token.confirmation() {
            None => "a token that is not bound",
            Some(_) => "a bound token (cnf) without proof of possession",
        };
        Detail::expected("possession of the key, where the token is bound to one").note(found)
    }

    fn route_audience(&self) -> Result<(), Reason> {
        let (own, token) = (&self.requirement.audiences, self.presented.token);
        if own.is_empty() || token.audiences().any(|audience| own.iter().any(|own| own == audience)) {
            Ok(())
        } else {
            Err(Reason::AudienceMismatch)
        }
    }

    fn route_audience_detail(&self) -> Detail {
        let own = &self.requirement.audiences;
        Detail::expected(if own.is_empty() { "any audience".to_owned() } else { format!("one of {}", own.join(" ")) })
            .verified(listed(self.presented.token.audiences()))
    }

    fn scope(&self) -> Result<(), Reason> {
        let has = |scope: &Scope| self.implications.grant(self.presented.token.scopes(), scope);
        let Requirement { all, any, .. } = self.requirement;
        if all.iter().all(has) && any.iter().all(|set| set.iter().any(has)) {
            Ok(())
        } else {
            Err(Reason::ScopeMissing)
        }
    }

    fn scope_detail(&self) -> Detail {
        let names = |scopes: &[Scope]| scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ");
        let all = Some(names(&self.requirement.all)).filter(|all| !all.is_empty());
        let any = self.requirement.any.iter().map(|set| format!("one of {}", names(set)));
        let asked: Vec<_> = all.map(|all| format!("all of {all}")).into_iter().chain(any).collect();
        Detail::expected(if asked.is_empty() { "any scope".to_owned() } else { asked.join(", ") })
            .verified(quoted(self.presented.token.scopes().as_str()))
    }

    fn conditions(&self) -> Result<(), Reason> {
        let rules = &self.requirement.claims;
        let claims = || self.presented.token.document();
        if rules.is_empty() || claims().is_some_and(|claims| ClaimRule::all_hold(rules, &claims)) {
            Ok(())
        } else {
            Err(Reason::ClaimConditionUnmet)
        }
    }

    fn conditions_detail(&self) -> Detail {
        let claims = self.presented.token.document();
        claims.map(|claims| ClaimRule::detail(&self.requirement.claims, &claims)).unwrap_or_default()
    }

    fn identity(&self) -> Result<(), Reason> {
        self.presented.identity
    }

    fn identity_detail(&self) -> Detail {
        Detail::expected("claims that fit into the identity headers")
    }
}
