//! What a token says that is not proved: for a log or a console, and for nothing else.

use std::fmt;

use serde_json::Value;

use crate::unverified_issuer;

/// The longest text that is shown, in characters, all of them ASCII.
const MAX_SHOWN: usize = 120;

/// A few words from a token that is not proved.
///
/// It holds one of `iss`, `aud`, `typ`, `alg`, `kid`, `scope` and `exp`, never another claim, the token or its signature.
/// `Display` is all that can be had of it: escaped to printable ASCII, cut at a bounded length, and marked as unverified.
/// So it cannot be taken for a claim that was verified:
///
/// ```compile_fail,E0308
/// fn subject(unverified: &bearward_core::Unverified) -> &str {
///     unverified
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn text(unverified: bearward_core::Unverified) -> String {
///     unverified.into()
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn serialized(unverified: &bearward_core::Unverified) -> impl serde::Serialize {
///     unverified
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Unverified {
    member: Member,
    /// Escaped and cut.
    text: Box<str>,
}

/// The members of a header or of claims that may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Iss,
    Aud,
    Typ,
    Alg,
    Kid,
    Scope,
    Exp,
}

impl Unverified {
    /// The `iss` of a self-contained token, where it can be read.
    pub fn issuer(token: &str) -> Option<Self> {
        unverified_issuer(token).map(|issuer| Self::text(Member::Iss, &issuer))
    }

    pub(crate) fn text(member: Member, text: &str) -> Self {
        Self { member, text: quoted(text) }
    }

    /// The member's value: strings, numbers and arrays of strings as they are, and of everything else its type, since it
    /// may hold other claims.
    pub(crate) fn value(member: Member, value: &Value) -> Self {
        let text = match value {
            Value::String(text) => quoted(text),
            Value::Array(elements) => listed(elements.iter().map(|element| element.as_str().unwrap_or("?"))),
            Value::Number(number) => shown(number.to_string().chars()),
            Value::Null => "null".into(),
            Value::Bool(_) => "a boolean".into(),
            Value::Object(_) => "an object".into(),
        };
        Self { member, text }
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (unverified)", self.member.name(), self.text)
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Member {
    fn name(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Aud => "aud",
            Self::Typ => "typ",
            Self::Alg => "alg",
            Self::Kid => "kid",
            Self::Scope => "scope",
            Self::Exp => "exp",
        }
    }
}

/// A text in quotes, escaped and cut.
pub(crate) fn quoted(text: &str) -> Box<str> {
    shown(std::iter::once('"').chain(text.chars().flat_map(char::escape_default)).chain(['"']))
}

/// Texts in quotes with commas between them, escaped and cut.
pub(crate) fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> Box<str> {
    let quoted =
        |text: &'a str| std::iter::once('"').chain(text.chars().flat_map(char::escape_default)).chain("\", ".chars());
    let text: String = texts.flat_map(quoted).take(MAX_SHOWN + 3).collect();
    shown(std::iter::once('[').chain(text.strip_suffix(", ").unwrap_or(&text).chars()).chain([']']))
}

/// As much as is shown; what follows is not looked at.
fn shown(text: impl Iterator<Item = char>) -> Box<str> {
    let mut shown = String::new();
    for character in text {
        if shown.len() == MAX_SHOWN {
            shown.push_str("...");
            break;
        }
        shown.push(character);
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_escaped_and_marked() {
        for (value, expected) in [
            (json!("https://a.example"), r#"iss "https://a.example" (unverified)"#),
            (json!("a\"b\\c\r\n\u{1b}[31m"), r#"iss "a\"b\\c\r\n\u{1b}[31m" (unverified)"#),
            (json!("\u{202e}caf\u{e9}"), r#"iss "\u{202e}caf\u{e9}" (unverified)"#),
            (json!(["a", "b\n", 1]), r#"iss ["a", "b\n", "?"] (unverified)"#),
            (json!([]), "iss [] (unverified)"),
            (json!(1_800_000_300_u64), "iss 1800000300 (unverified)"),
            (json!(null), "iss null (unverified)"),
            (json!(true), "iss a boolean (unverified)"),
            // What is below may be any claim.
            (json!({"email": "alice@example.com"}), "iss an object (unverified)"),
            (json!([{"email": "alice@example.com"}]), r#"iss ["?"] (unverified)"#),
        ] {
            let unverified = Unverified::value(Member::Iss, &value);
            assert_eq!(unverified.to_string(), expected);
            assert_eq!(format!("{unverified:?}"), expected);
        }
    }

    #[test]
    fn it_is_cut() {
        for value in [json!("a".repeat(10_000)), json!(vec!["a"; 10_000]), json!(["a".repeat(10_000)])] {
            let shown = Unverified::value(Member::Aud, &value).to_string();
            assert!(shown.ends_with("... (unverified)") && shown.len() < 150, "{shown}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_holds_is_printable_ascii_of_bounded_length(text in any::<String>(), many in any::<Vec<String>>()) {
            for value in [json!(text), json!(many)] {
                let shown = Unverified::value(Member::Kid, &value).to_string();
                prop_assert!(shown.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", shown);
                prop_assert!(shown.starts_with("kid ") && shown.ends_with(" (unverified)") && shown.len() < 150);
            }
        }
    }
}
