//! What a route asks of a request.

use std::sync::Arc;

use crate::{ClaimRule, Scope, ScopeImplications};

/// Who may use a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every request. No token is needed, and one that is sent is not looked at.
    Open,
    /// A request without a credential, and one with a valid token that meets the requirement. A credential that is not
    /// valid, or is of another scheme, is refused and never taken for none.
    Optional(Requirement),
    /// A request with a valid access token that meets the requirement.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use serde_json::{Value, json};

    use super::*;
    use crate::{Presented, Reason, Scheme, Verified};

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
            let found = admit(&requirement(all, any, audiences), &token(claims));
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
            // A client that follows the challenge is admitted.
            let claims = json!({"scope": asked.unwrap_or_default()});
            assert_eq!(admit(&requirement, &token(&claims)), Ok(()), "all: {all} any: {any}");
        }
    }

    /// What a decision comes to where nothing is wrong with the sender and the identity.
    fn admit(requirement: &Requirement, token: &Verified) -> Result<(), Reason> {
        requirement.admit(&Presented::new(token, Scheme::Bearer, Ok(())), None)
    }

    fn token(claims: &Value) -> Verified {
        Verified::for_tests("https://auth.example.com", claims.clone())
    }

    #[test]
    fn a_choice_of_nothing_is_no_choice() {
        let requirement = Requirement { any: vec![Vec::new()], ..Requirement::default() };
        assert_eq!(admit(&requirement, &token(&json!({"scope": "a"}))), Err(Reason::ScopeMissing));
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
            assert_eq!(admit(&requirement, &token).is_ok(), expected, "{granted} for {needed}");
            let any = Requirement { implications: Arc::clone(&implications), ..self::requirement("", needed, "") };
            assert!(!expected || admit(&any, &token).is_ok(), "{granted} for any of {needed}");
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
            assert_eq!(admit(&requirement, &token), expected, "{claims}");
        }
    }
}
