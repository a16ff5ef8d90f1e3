//! A challenge: one value of `WWW-Authenticate` (RFC 9110 section 11.6.1).

use std::sync::Arc;

use http::HeaderValue;

use super::DEFAULT_REALM;
use crate::{Scheme, ScopeSet};

/// One challenge. Each parameter is a field here, so that none can be repeated.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    pub(super) scheme: Scheme,
    /// Any text; what cannot stand in a quoted string is replaced by `?`. `None` is the default realm.
    pub(super) realm: Option<Arc<str>>,
    /// The error code and its description, for a request that came with a credential.
    pub(super) error: Option<(&'static str, &'static str)>,
    /// Scopes separated by spaces; left out where it holds anything that a scope cannot.
    pub(super) scope: Option<Arc<str>>,
}

impl Challenge {
    /// The value of `WWW-Authenticate`, with its parameters in the order of RFC 6750 section 3. `realm` is always there,
    /// because a scheme needs at least one parameter.
    pub(super) fn value(&self) -> HeaderValue {
        // Room for a usual challenge, so that it is not written twice.
        let mut value = String::with_capacity(256);
        value.push_str(self.scheme.name());
        push_quoted(&mut value, " realm", self.realm.as_deref().unwrap_or(DEFAULT_REALM));
        if let Some((code, description)) = self.error {
            push_quoted(&mut value, ", error", code);
            push_quoted(&mut value, ", error_description", description);
        }
        let scope = self.scope.as_deref().and_then(|scope| ScopeSet::parse(scope).ok());
        if let Some(scope) = scope.filter(|scope| !scope.is_empty()) {
            push_quoted(&mut value, ", scope", &scope.to_string());
        }
        // Printable ASCII is always a header value.
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer realm=\"bearward\""))
    }
}

/// Adds a parameter: its name, and a quoted string (RFC 9110 section 5.6.4) in printable ASCII.
fn push_quoted(to: &mut String, name: &str, text: &str) {
    to.push_str(name);
    to.push_str("=\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => to.extend(['\\', character]),
            ' '..='~' => to.push(character),
            _ => to.push('?'),
        }
    }
    to.push('"');
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
            let (scheme, realm, scope) = (Scheme::Bearer, Some(realm.into()), scope.map(Arc::from));
            let challenge = Challenge { scheme, realm, error, scope };
            assert_eq!(challenge.value(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_realm_and_no_scope_breaks_out(realm in any::<String>(), scope in any::<String>()) {
            let (scheme, realm, scope) = (Scheme::Bearer, Some(realm.into()), Some(scope.into()));
            let challenge = Challenge { scheme, realm, error: None, scope };
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
