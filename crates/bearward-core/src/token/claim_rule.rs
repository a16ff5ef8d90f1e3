//! Conditions on claims: the small language in which issuers' and routes' rules speak of them.

use std::fmt;

use serde_json::{Map, Value};

use crate::ClaimPointer;
use crate::token::document::Document;
use crate::token::json::Json;
use crate::verdict::Detail;

/// A condition on one claim.
///
/// Values are compared as JSON values, exactly: `"1"` is not `1`, and no value stands for several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRule {
    /// The claim.
    pub claim: ClaimPointer,
    /// What must be true of it.
    pub test: ClaimTest,
}

/// What must be true of a claim. Of a claim that is absent or `null`, nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimTest {
    /// It is there.
    Exists,
    /// It is this value.
    Equals(Value),
    /// It is one of these values.
    OneOf(Vec<Value>),
    /// It is an array that holds this value.
    Contains(Value),
}

impl ClaimRule {
    /// Whether the condition holds of these claims.
    pub fn holds(&self, claims: &Map<String, Value>) -> bool {
        self.claim.find(claims).is_some_and(|value| self.test.holds(value))
    }

    fn holds_in(&self, claims: &Document) -> bool {
        self.claim.find_in(claims).is_some_and(|value| self.test.holds(value))
    }

    /// Whether all the conditions hold of these claims.
    pub(crate) fn all_hold(rules: &[Self], claims: &Document) -> bool {
        rules.iter().all(|rule| rule.holds_in(claims))
    }

    /// The conditions, and which of them do not hold. What stands in a claim is not shown.
    pub(crate) fn detail(rules: &[Self], claims: &Document) -> Detail {
        let all: Vec<_> = rules.iter().map(Self::to_string).collect();
        let unmet: Vec<_> =
            rules.iter().filter(|rule| !rule.holds_in(claims)).map(|rule| rule.claim.to_string()).collect();
        let found =
            if unmet.is_empty() { "all of it".into() } else { format!("another value in {}", unmet.join(", ")) };
        Detail::expected(if all.is_empty() { "nothing".into() } else { all.join(" and ") }).note(found)
    }
}

impl ClaimTest {
    fn holds<'a>(&self, value: impl Json<'a>) -> bool {
        !value.is_null()
            && match self {
                Self::Exists => true,
                Self::Equals(expected) => value.is(expected),
                Self::OneOf(expected) => expected.iter().any(|expected| value.is(expected)),
                Self::Contains(expected) => value.elements().any(|element| element.is(expected)),
            }
    }
}

/// The condition as a person would say it. Texts are in quotes: `"1"` is not `1`.
impl fmt::Display for ClaimRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claim = &self.claim;
        match &self.test {
            ClaimTest::Exists => write!(f, "{claim} is there"),
            ClaimTest::Equals(value) => write!(f, "{claim} is {value}"),
            ClaimTest::OneOf(values) => {
                let values: Vec<_> = values.iter().map(Value::to_string).collect();
                write!(f, "{claim} is {}", values.join(" or "))
            }
            ClaimTest::Contains(value) => write!(f, "{claim} holds {value}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions() {
        let claims = json!({
            "tid": "acme", "level": 3, "admin": true, "groups": ["a", "b,c"], "none": null, "empty": "",
            "deep": {"er": ["x"]}, "realm": "*", "spaced": "a b",
        });
        let claims = claims.as_object().unwrap();
        let one_of = |values: &[&str]| ClaimTest::OneOf(values.iter().map(|value| json!(value)).collect());
        let cases = [
            ("/tid", ClaimTest::Exists, true),
            ("/empty", ClaimTest::Exists, true),
            ("/none", ClaimTest::Exists, false),
            ("/absent", ClaimTest::Exists, false),
            ("/tid", ClaimTest::Equals(json!("acme")), true),
            ("/tid", ClaimTest::Equals(json!("ACME")), false),
            ("/tid", ClaimTest::Equals(json!("acm")), false),
            ("/level", ClaimTest::Equals(json!(3)), true),
            ("/level", ClaimTest::Equals(json!("3")), false),
            ("/admin", ClaimTest::Equals(json!(true)), true),
            ("/none", ClaimTest::Equals(json!(null)), false),
            // All realms of a tenant is not the realm that is asked for, nor the other way round.
            ("/realm", ClaimTest::Equals(json!("r1")), false),
            ("/tid", ClaimTest::Equals(json!("*")), false),
            ("/tid", one_of(&["other", "acme"]), true),
            ("/tid", one_of(&["other"]), false),
            ("/tid", one_of(&[]), false),
            ("/groups", ClaimTest::Contains(json!("a")), true),
            ("/groups", ClaimTest::Contains(json!("c")), false),
            ("/tid", ClaimTest::Contains(json!("acme")), false),
            ("/spaced", ClaimTest::Contains(json!("a")), false),
            ("/deep/er", ClaimTest::Contains(json!("x")), true),
            ("/deep/er/0", ClaimTest::Equals(json!("x")), true),
        ];
        for (claim, test, expected) in cases {
            let rule = ClaimRule { claim: ClaimPointer::parse(claim).unwrap(), test };
            assert_eq!(rule.holds(claims), expected, "{rule:?}");
            assert_eq!(rule.holds_in(&Document::of(claims).unwrap()), expected, "{rule:?}");
        }
    }
}
