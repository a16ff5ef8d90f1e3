//! What a route asks of a request, and whether a verified token has it.
//!
//! Asked on every request, whether the token was verified just now or is remembered: what was enough for one route says
//! nothing about another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{ClaimRule, Reason, Scope, ScopeSet, Verified};

/// Who may use a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token; one that is sent is not looked at.
    Open,
    /// Everybody who sends no credential. Whoever sends one is asked for a valid token that meets the requirement: what does
    /// not hold, or is of another scheme, is never taken for none.
    Optional(Requirement),
    /// Whoever has a valid access token that meets the requirement.
    Token(Requirement),
}

impl Access {
    /// What is asked of a token, where one is looked at.
    pub fn requirement(&self) -> Option<&Requirement> {
        match self {
            Self::Open => None,
            Self::Optional(requirement) | Self::Token(requirement) => Some(requirement),
        }
    }
}

/// What a route asks of a valid token. The default asks nothing more than that it is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// Scopes that the token must have, all of them.
    pub all: Vec<Scope>,
    /// Sets of scopes, of each of which the token must have one. The first of a set is the one that a challenge asks for. A
    /// set without scopes is met by no token.
    pub any: Vec<Vec<Scope>>,
    /// Audiences of which one must stand in `aud`, on top of what the issuer's rules ask for. Empty: those suffice.
    pub audiences: Vec<String>,
    /// Conditions on the token's claims, all of which must hold.
    pub claims: Vec<ClaimRule>,
    /// Which scopes stand for others.
    pub implications: Arc<ScopeImplications>,
}

impl Requirement {
    /// Holds a verified token against the requirement.
    ///
    /// # Errors
    ///
    /// [`Reason::AudienceMismatch`] before [`Reason::ScopeMissing`]: of a token that is not meant for this resource,
    /// its scopes say nothing. [`Reason::ClaimConditionUnmet`] last: it is the one that no other scope can mend.
    pub fn check(&self, token: &Verified) -> Result<(), Reason> {
        self.check_under(&self.implications, token)
    }

    /// [`Requirement::check`], where scopes stand for others by `implications` instead: those of the route within which
    /// this requirement is one more.
    ///
    /// # Errors
    ///
    /// As [`Requirement::check`].
    pub fn check_under(&self, implications: &ScopeImplications, token: &Verified) -> Result<(), Reason> {
        let meant = |audience: &String| token.audiences().contains(audience);
        if !self.audiences.is_empty() && !self.audiences.iter().any(meant) {
            return Err(Reason::AudienceMismatch);
        }
        let has = |scope: &Scope| implications.grant(token.scopes(), scope);
        if !self.all.iter().all(has) || !self.any.iter().all(|set| set.iter().any(has)) {
            return Err(Reason::ScopeMissing);
        }
        if !self.claims.iter().all(|rule| rule.holds(token.claims())) {
            return Err(Reason::ClaimConditionUnmet);
        }
        Ok(())
    }

    /// The value of a challenge's `scope`: with all of these a token suffices (RFC 6750 section 3). `None` when the
    /// route needs no scope.
    ///
    /// The attribute knows no alternatives. Naming all of a set would have clients ask for more than they need, so its
    /// first is named, and none when one of it is named already.
    pub fn scope_for_challenge(&self) -> Option<String> {
        let mut needed: Vec<_> = self.all.iter().collect();
        for set in &self.any {
            if !set.iter().any(|scope| needed.contains(&scope)) {
                needed.extend(set.first());
            }
        }
        (!needed.is_empty()).then(|| needed.into_iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))
    }
}

/// Which scopes stand for others: who may administer may also read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeImplications {
    /// By a scope, all those that imply it.
    implied_by: BTreeMap<String, BTreeSet<String>>,
}

impl ScopeImplications {
    /// Reads pairs of a scope and those that it implies; what those imply in turn, it implies as well.
    pub fn new(pairs: impl IntoIterator<Item = (Scope, Vec<Scope>)>) -> Self {
        let mut implied_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (scope, implied) in pairs {
            for implied in implied {
                implied_by.entry(implied.as_str().to_owned()).or_default().insert(scope.as_str().to_owned());
            }
        }
        loop {
            let before: usize = implied_by.values().map(BTreeSet::len).sum();
            let known = implied_by.clone();
            for implying in implied_by.values_mut() {
                let further: Vec<_> = implying.iter().filter_map(|scope| known.get(scope)).flatten().cloned().collect();
                implying.extend(further);
            }
            if implied_by.values().map(BTreeSet::len).sum::<usize>() == before {
                return Self { implied_by };
            }
        }
    }

    /// Whether a token with the scopes `granted` has `needed`, by name or by implication.
    pub fn grant(&self, granted: &ScopeSet, needed: &Scope) -> bool {
        granted.contains(needed)
            || self
                .implied_by
                .get(needed.as_str())
                .is_some_and(|implying| granted.iter().any(|scope| implying.contains(scope)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn scopes_and_audiences_are_held_against_the_token() {
        let orders = json!({"aud": ["https://api.example.com", "orders"], "scope": "orders:read orders:write"});
        let none = json!({"aud": "https://api.example.com"});
        for (claims, all, any, audiences, expected) in [
            (&orders, "", "", "", Ok(())),
            (&none, "", "", "", Ok(())),
            (&orders, "orders:read", "", "", Ok(())),
            (&orders, "orders:read orders:write", "", "", Ok(())),
            (&orders, "orders:read orders:admin", "", "", Err(Reason::ScopeMissing)),
            (&orders, "orders", "", "", Err(Reason::ScopeMissing)),
            (&orders, "ORDERS:READ", "", "", Err(Reason::ScopeMissing)),
            (&none, "orders:read", "", "", Err(Reason::ScopeMissing)),
            (&orders, "", "orders:admin orders:write", "", Ok(())),
            (&orders, "", "orders:admin", "", Err(Reason::ScopeMissing)),
            (&none, "", "orders:admin", "", Err(Reason::ScopeMissing)),
            (&orders, "orders:read", "orders:write", "", Ok(())),
            (&orders, "orders:read", "orders:admin", "", Err(Reason::ScopeMissing)),
            (&orders, "orders:admin", "orders:read", "", Err(Reason::ScopeMissing)),
            // Of each set one.
            (&orders, "", "orders:read orders:admin; orders:write", "", Ok(())),
            (&orders, "", "orders:read; orders:admin", "", Err(Reason::ScopeMissing)),
            (&orders, "", "orders:admin; orders:read", "", Err(Reason::ScopeMissing)),
            (&orders, "", "", "orders", Ok(())),
            (&orders, "", "", "billing orders", Ok(())),
            (&orders, "orders:read", "", "orders", Ok(())),
            (&orders, "", "", "billing", Err(Reason::AudienceMismatch)),
            (&none, "", "", "orders", Err(Reason::AudienceMismatch)),
            (&orders, "", "", "https://api.example.com/", Err(Reason::AudienceMismatch)),
            // Both are wrong: the audience speaks first.
            (&orders, "orders:admin", "", "billing", Err(Reason::AudienceMismatch)),
        ] {
            let found = requirement(all, any, audiences).check(&token(claims));
            assert_eq!(found, expected, "{claims} all: {all} any: {any} audiences: {audiences}");
        }
    }

    #[test]
    fn a_challenge_asks_for_what_suffices() {
        for (all, any, scope) in [
            ("", "", None),
            ("a", "", Some("a")),
            ("b a", "", Some("b a")),
            ("", "c d", Some("c")),
            ("a b", "c d", Some("a b c")),
            ("a b", "c b", Some("a b")),
            ("a", "c d; e f", Some("a c e")),
            ("", "c d; f c", Some("c")),
        ] {
            let requirement = requirement(all, any, "");
            let asked = requirement.scope_for_challenge();
            assert_eq!(asked.as_deref(), scope, "all: {all} any: {any}");
            // Whoever follows the challenge is let in.
            let claims = json!({"scope": asked.unwrap_or_default()});
            assert_eq!(requirement.check(&token(&claims)), Ok(()), "all: {all} any: {any}");
        }
    }

    fn token(claims: &Value) -> Verified {
        Verified::for_tests("https://auth.example.com", claims.clone())
    }

    #[test]
    fn a_choice_of_nothing_is_no_choice() {
        let requirement = Requirement { any: vec![Vec::new()], ..Requirement::default() };
        assert_eq!(requirement.check(&token(&json!({"scope": "a"}))), Err(Reason::ScopeMissing));
        assert_eq!(requirement.scope_for_challenge(), None);
    }

    /// `any`: sets, with `;` between them.
    fn requirement(all: &str, any: &str, audiences: &str) -> Requirement {
        let scopes =
            |text: &str| -> Vec<_> { text.split_whitespace().map(|scope| Scope::parse(scope).unwrap()).collect() };
        Requirement {
            all: scopes(all),
            any: any.split(';').filter(|set| !set.is_empty()).map(scopes).collect(),
            audiences: audiences.split_whitespace().map(str::to_owned).collect(),
            ..Requirement::default()
        }
    }

    #[test]
    fn a_scope_may_stand_for_others() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let implications = Arc::new(ScopeImplications::new([
            (scope("admin"), vec![scope("write"), scope("audit")]),
            (scope("write"), vec![scope("read")]),
            // A circle is no trouble.
            (scope("audit"), vec![scope("admin")]),
        ]));
        for (granted, needed, expected) in [
            ("admin", "read", true),
            ("admin", "write audit read", true),
            ("audit", "read", true),
            ("write", "read", true),
            ("write", "audit", false),
            ("read", "write", false),
            ("read", "read", true),
            ("other", "read", false),
            ("", "read", false),
        ] {
            let requirement = Requirement { implications: Arc::clone(&implications), ..requirement(needed, "", "") };
            let token = Verified::for_tests("https://auth.example.com", json!({"scope": granted}));
            assert_eq!(requirement.check(&token).is_ok(), expected, "{granted} for {needed}");
            let any = Requirement { implications: Arc::clone(&implications), ..self::requirement("", needed, "") };
            assert!(!expected || any.check(&token).is_ok(), "{granted} for any of {needed}");
        }
    }

    #[test]
    fn conditions_on_claims_come_last() {
        let rule = |claim: &str, value: Value| ClaimRule {
            claim: crate::ClaimPointer::parse(claim).unwrap(),
            test: crate::ClaimTest::Equals(value),
        };
        let requirement = Requirement {
            claims: vec![rule("/tenant", json!("acme")), rule("/level", json!(2))],
            ..requirement("orders:read", "", "")
        };
        for (claims, expected) in [
            (json!({"scope": "orders:read", "tenant": "acme", "level": 2}), Ok(())),
            (json!({"scope": "orders:read", "tenant": "acme", "level": 1}), Err(Reason::ClaimConditionUnmet)),
            (json!({"scope": "orders:read", "level": 2}), Err(Reason::ClaimConditionUnmet)),
            (json!({"level": 2}), Err(Reason::ScopeMissing)),
        ] {
            let token = Verified::for_tests("https://auth.example.com", claims.clone());
            assert_eq!(requirement.check(&token), expected, "{claims}");
        }
    }
}
