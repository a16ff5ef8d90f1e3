//! A challenge: one value of `WWW-Authenticate` (RFC 9110 section 11.6.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderValue;

use crate::{Scheme, ScopeSet};

/// A scheme, and its parameters, each at most once.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    scheme: Scheme,
    parameters: BTreeMap<Parameter, Arc<str>>,
}

/// The parameters of a challenge, in the order in which they are written (RFC 6750 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Parameter {
    /// Any text; what cannot stand in a quoted string is replaced by `?`.
    Realm,
    /// The error code, for a request that came with a credential.
    Error,
    /// What it means, for people.
    ErrorDescription,
    /// Scopes separated by spaces; left out where there is none, or anything that a scope cannot hold.
    Scope,
}

impl Challenge {
    /// A challenge of this scheme. The realm is always there, because a scheme needs at least one parameter.
    pub(super) fn new(scheme: Scheme, realm: Arc<str>) -> Self {
        Self { scheme, parameters: BTreeMap::from([(Parameter::Realm, realm)]) }
    }

    /// Sets a parameter; one that was set before is replaced.
    pub(super) fn set(&mut self, parameter: Parameter, value: Arc<str>) {
        self.parameters.insert(parameter, value);
    }

    /// Leaves a parameter out.
    pub(super) fn unset(&mut self, parameter: Parameter) {
        self.parameters.remove(&parameter);
    }

    /// The value of `WWW-Authenticate`.
    pub(super) fn value(&self) -> HeaderValue {
        let written = self.parameters.iter().filter_map(|(parameter, value)| parameter.written(value));
        let value = format!("{} {}", self.scheme.name(), written.collect::<Vec<_>>().join(", "));
        // Printable ASCII is always a header value.
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer realm=\"bearward\""))
    }
}

impl Parameter {
    const fn name(self) -> &'static str {
        match self {
            Self::Realm => "realm",
            Self::Error => "error",
            Self::ErrorDescription => "error_description",
            Self::Scope => "scope",
        }
    }

    fn written(self, value: &str) -> Option<String> {
        let inside = match self {
            Self::Scope => ScopeSet::parse(value).ok().filter(|scope| !scope.is_empty())?.to_string(),
            Self::Realm | Self::Error | Self::ErrorDescription => quoted(value),
        };
        Some(format!("{}=\"{inside}\"", self.name()))
    }
}

/// The inside of a quoted string (RFC 9110 section 5.6.4), in printable ASCII.
fn quoted(text: &str) -> String {
    let mut inside = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => inside.extend(['\\', character]),
            ' '..='~' => inside.push(character),
            _ => inside.push('?'),
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_keep_to_their_syntax() {
        let error = Some(("invalid_token", "Not valid"));
        for (realm, error, scope, expected) in [
            ("api", None, None, r#"Bearer realm="api""#),
            ("", None, None, r#"Bearer realm="""#),
            ("a \"b\" \\c", None, None, r#"Bearer realm="a \"b\" \\c""#),
            ("a\r\nX: b\u{e9}\0", None, None, r#"Bearer realm="a??X: b??""#),
            ("api", None, Some("a b"), r#"Bearer realm="api", scope="a b""#),
            ("api", None, Some("  a  b "), r#"Bearer realm="api", scope="a b""#),
            ("api", None, Some(""), r#"Bearer realm="api""#),
            ("api", None, Some("a\", error=\"x"), r#"Bearer realm="api""#),
            ("api", None, Some("a\r\nb"), r#"Bearer realm="api""#),
            ("api", error, None, r#"Bearer realm="api", error="invalid_token", error_description="Not valid""#),
            (
                "api",
                error,
                Some("a"),
                r#"Bearer realm="api", error="invalid_token", error_description="Not valid", scope="a""#,
            ),
        ] {
            let mut challenge = Challenge::new(Scheme::Bearer, realm.into());
            // The order in which they are set does not matter, and the last counts.
            challenge.set(Parameter::Scope, "replaced".into());
            match scope {
                Some(scope) => challenge.set(Parameter::Scope, scope.into()),
                None => challenge.unset(Parameter::Scope),
            }
            if let Some((code, description)) = error {
                challenge.set(Parameter::ErrorDescription, description.into());
                challenge.set(Parameter::Error, code.into());
            }
            assert_eq!(challenge.value(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_realm_and_no_scope_breaks_out(realm in any::<String>(), scope in any::<String>()) {
            let mut challenge = Challenge::new(Scheme::Bearer, realm.into());
            challenge.set(Parameter::Scope, scope.into());
            let value = challenge.value();
            let value = value.to_str().unwrap_or_default();
            // Read as RFC 9110 reads it: the closing quote of the realm is the first that is not escaped.
            let mut inside = value.strip_prefix("Bearer realm=\"").unwrap_or_default().chars();
            while let Some(character) = inside.next() {
                match character {
                    '\\' => { inside.next(); }
                    '"' => break,
                    _ => {}
                }
            }
            let rest = inside.as_str();
            let scope = rest.strip_prefix(", scope=\"").and_then(|rest| rest.strip_suffix('"'));
            prop_assert!(rest.is_empty() || scope.is_some_and(|scope| ScopeSet::parse(scope).is_ok()), "{}", value);
        }
    }
}
