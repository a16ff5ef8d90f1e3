//! What `iss` must say: one issuer's identifier, or that of any tenant of a provider that gives each its own.

use std::fmt;
use std::sync::Arc;

use crate::token::claims::Claims;
use crate::token::json::Json;
use crate::{ClaimPointer, Reason};

/// The identifier of an issuer, compared letter for letter (RFC 8414, 2; RFC 9068, 4), or a template of such identifiers.
///
/// A template has one variable, as `https://login.example.com/{tenant}/v2.0` has. What stands in its place in `iss` must be
/// bound: to a claim of the same token, to a list of values, or to both. It never chooses keys or addresses: all tenants of a
/// template are proved with the same keys.
#[derive(Clone, Debug)]
pub struct IssuerName {
    text: Arc<str>,
    template: Option<Template>,
}

#[derive(Clone, Debug)]
struct Template {
    before: Box<str>,
    after: Box<str>,
    variable: IssuerVariable,
}

/// What the variable of a template is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerVariable {
    /// The claim that must say the same (RFC 8725, 3.8).
    pub claim: Option<ClaimPointer>,
    /// The values that it may have; empty: any.
    pub one_of: Vec<String>,
}

/// Why a text is no issuer template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerNameError {
    /// No variable, several variables, or unbalanced braces.
    #[error("a template has one variable in braces, as in `https://login.example.com/{{tenant}}/v2.0`")]
    NotOneVariable,
    /// The values of the variable are not restricted.
    #[error("the variable of a template must be bound: to a claim, to a list of values, or to both")]
    Unbound,
    /// The variable is no whole segment of the path, so that it could change the host.
    #[error("the variable of a template must be a whole segment of the path")]
    NotASegment,
}

impl IssuerName {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// The [`IssuerNameError`] says what is wrong with the text, or with the binding.
    pub fn template(text: &str, variable: IssuerVariable) -> Result<Self, IssuerNameError> {
        let parts = text.split_once('{').and_then(|(before, rest)| {
            let (name, after) = rest.split_once('}')?;
            let plain = |part: &str| !part.contains(['{', '}']);
            (plain(before) && plain(name) && plain(after) && !name.is_empty()).then_some((before, after))
        });
        let (before, after) = parts.ok_or(IssuerNameError::NotOneVariable)?;
        let path = before.find("://").and_then(|at| before.get(at + 3..)).is_some_and(|rest| rest.contains('/'));
        if !path || !before.ends_with('/') || !(after.is_empty() || after.starts_with('/')) {
            return Err(IssuerNameError::NotASegment);
        }
        if variable.claim.is_none() && variable.one_of.is_empty() {
            return Err(IssuerNameError::Unbound);
        }
        let template = Template { before: before.into(), after: after.into(), variable };
        Ok(Self { text: text.into(), template: Some(template) })
    }

    /// The identifier or the template, as it is configured.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether it stands for several issuers.
    pub(crate) fn is_template(&self) -> bool {
        self.template.is_some()
    }

    /// Whether an unverified `iss` may be one of these. It selects, and proves nothing.
    pub fn admits(&self, issuer: &str) -> bool {
        match &self.template {
            None => *issuer == *self.text,
            Some(template) => template.value(issuer).is_some(),
        }
    }

    /// The issuer of these claims, where they are of one of these. An introspection answer may leave `iss` out where there is
    /// but one.
    pub(crate) fn check(&self, claims: &Claims) -> Result<Arc<str>, Reason> {
        let Some(template) = &self.template else {
            let fits = claims.issuer().is_none_or(|issuer| *issuer == *self.text);
            return if fits { Ok(Arc::clone(&self.text)) } else { Err(Reason::IssuerMismatch) };
        };
        let issuer = claims.issuer().ok_or(Reason::ClaimMissing)?;
        let value = template.value(issuer).ok_or(Reason::IssuerMismatch)?;
        let bound = template
            .variable
            .claim
            .as_ref()
            .is_none_or(|claim| claim.find_in(&claims.all).and_then(Json::text) == Some(value));
        if bound { Ok(issuer.into()) } else { Err(Reason::IssuerMismatch) }
    }
}

impl Template {
    /// What stands in the variable's place, if it may.
    fn value<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let value = issuer.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        let one_of = &self.variable.one_of;
        let is_segment = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        // A dot segment is no name: `https://login.example.com/../v2.0` is another place.
        let is_name = is_segment && !value.is_empty() && value.bytes().any(|byte| byte != b'.');
        (is_name && (one_of.is_empty() || one_of.iter().any(|allowed| allowed == value))).then_some(value)
    }
}

impl<T: Into<Arc<str>>> From<T> for IssuerName {
    /// One identifier, whatever characters it has.
    fn from(text: T) -> Self {
        Self { text: text.into(), template: None }
    }
}

impl fmt::Display for IssuerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use serde_json::{Value, json};

    use super::*;
    use crate::TokenRules;
    use crate::token::document::Document;

    const TEXT: &str = "https://login.example.com/{tenant}/v2.0";

    fn variable(claim: Option<&str>, one_of: &[&str]) -> IssuerVariable {
        let one_of = one_of.iter().map(|value| (*value).to_owned()).collect();
        IssuerVariable { claim: claim.map(ClaimPointer::member), one_of }
    }

    fn claims(value: Value) -> Claims {
        let Value::Object(members) = value else { panic!("an object") };
        Claims::read(Document::of(&members).unwrap(), &TokenRules::new("x", Vec::new())).unwrap()
    }

    #[test]
    fn what_is_no_template_is_told() {
        let bound = || variable(Some("tid"), &[]);
        for (text, error) in [
            ("https://login.example.com/a", IssuerNameError::NotOneVariable),
            ("https://login.example.com/{a}/{b}", IssuerNameError::NotOneVariable),
            ("https://login.example.com/{}", IssuerNameError::NotOneVariable),
            ("https://login.example.com/{a", IssuerNameError::NotOneVariable),
            ("https://login.example.com/a}{b}", IssuerNameError::NotOneVariable),
            ("https://{tenant}.example.com", IssuerNameError::NotASegment),
            ("https://{tenant}", IssuerNameError::NotASegment),
            ("https://login.example.com{tenant}", IssuerNameError::NotASegment),
            ("https://login.example.com/a{tenant}", IssuerNameError::NotASegment),
            ("https://login.example.com/{tenant}b", IssuerNameError::NotASegment),
            ("{tenant}", IssuerNameError::NotASegment),
        ] {
            assert_eq!(IssuerName::template(text, bound()).unwrap_err(), error, "{text}");
        }
        assert_eq!(IssuerName::template(TEXT, IssuerVariable::default()).unwrap_err(), IssuerNameError::Unbound);
        assert!(IssuerName::template("https://login.example.com/{tenant}", bound()).is_ok());
    }

    #[test]
    fn the_variable_is_a_name_and_nothing_else() {
        let name = IssuerName::template(TEXT, variable(Some("tid"), &[])).unwrap();
        for (issuer, admitted) in [
            ("https://login.example.com/7f3a-b/v2.0", true),
            ("https://login.example.com/common/v2.0", true),
            ("https://login.example.com//v2.0", false),
            ("https://login.example.com/v2.0", false),
            ("https://login.example.com/a/b/v2.0", false),
            ("https://login.example.com/../v2.0", false),
            ("https://login.example.com/./v2.0", false),
            ("https://login.example.com/a?b/v2.0", false),
            ("https://login.example.com/a%2fb/v2.0", false),
            ("https://login.example.com/{tenant}/v2.0", false),
            ("https://login.example.com/a/v2.0/", false),
            ("https://login.example.com/a/v2x0", false),
            ("https://login.example.com.evil.example/a/v2.0", false),
            ("HTTPS://login.example.com/a/v2.0", false),
        ] {
            assert_eq!(name.admits(issuer), admitted, "{issuer}");
        }
    }

    #[test]
    fn the_variable_is_bound() {
        let iss = |tenant: &str| format!("https://login.example.com/{tenant}/v2.0");
        for (claim, one_of, token, expected) in [
            (Some("tid"), &[][..], json!({"iss": iss("a"), "tid": "a"}), Ok(iss("a"))),
            (Some("tid"), &[], json!({"iss": iss("a"), "tid": "b"}), Err(Reason::IssuerMismatch)),
            (Some("tid"), &[], json!({"iss": iss("a"), "tid": "A"}), Err(Reason::IssuerMismatch)),
            (Some("tid"), &[], json!({"iss": iss("1"), "tid": 1}), Err(Reason::IssuerMismatch)),
            (Some("tid"), &[], json!({"iss": iss("a")}), Err(Reason::IssuerMismatch)),
            (Some("tid"), &["a", "b"], json!({"iss": iss("b"), "tid": "b"}), Ok(iss("b"))),
            (Some("tid"), &["a", "b"], json!({"iss": iss("c"), "tid": "c"}), Err(Reason::IssuerMismatch)),
            (None, &["a", "b"], json!({"iss": iss("a")}), Ok(iss("a"))),
            (None, &["a", "b"], json!({"iss": iss("*")}), Err(Reason::IssuerMismatch)),
            // Where each tenant has a name, an answer without one says nothing.
            (None, &["a"], json!({"sub": "alice"}), Err(Reason::ClaimMissing)),
        ] {
            let name = IssuerName::template(TEXT, variable(claim, one_of)).unwrap();
            let found = name.check(&claims(token.clone())).map(|issuer| issuer.to_string());
            assert_eq!(found, expected, "{claim:?} {one_of:?} {token}");
        }
    }
}
