//! The `Bearer` challenge (RFC 6750 section 3, in the syntax of RFC 9110 section 11.6.1).

use http::HeaderValue;

use crate::{Scheme, ScopeSet};

/// One challenge. Each parameter is a field here, so that none can be repeated.
pub(super) struct Challenge<'a> {
    /// Any text; what cannot stand in a quoted string is replaced by `?`.
    pub(super) realm: &'a str,
    /// The error code and its description, for a request that came with a credential.
    pub(super) error: Option<(&'a str, &'a str)>,
    /// Scopes separated by spaces; left out where it holds anything that a scope cannot.
    pub(super) scope: Option<&'a str>,
}

impl Challenge<'_> {
    /// The value of `WWW-Authenticate`. `realm` is always there, because the scheme needs at least one parameter.
    pub(super) fn value(&self) -> HeaderValue {
        let mut value = format!("{} realm=\"{}\"", Scheme::Bearer.name(), quoted(self.realm));
        if let Some((code, description)) = self.error {
            value.push_str(&format!(", error=\"{}\", error_description=\"{}\"", quoted(code), quoted(description)));
        }
        if let Some(scope) = self.scope.and_then(|scope| ScopeSet::parse(scope).ok()).filter(|scope| !scope.is_empty())
        {
            // A scope holds neither `"` nor `\`, so there is nothing to escape.
            value.push_str(&format!(", scope=\"{scope}\""));
        }
        // Printable ASCII is always a header value.
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer realm=\"bearward\""))
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
            assert_eq!(Challenge { realm, error, scope }.value(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_realm_and_no_scope_breaks_out(realm in any::<String>(), scope in any::<String>()) {
            let value = Challenge { realm: &realm, error: None, scope: Some(&scope) }.value();
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
