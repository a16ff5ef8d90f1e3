//! Scopes: what a token may be used for, and what a route needs (RFC 6749 section 3.3).

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::token::json::{Json, View};

/// How many scopes one [`ScopeSet`] may hold: more than any sane token, few enough to look through on every request.
const MAX_SCOPES: usize = 1_000;

/// One scope-token: at least one of the characters `%x21 / %x23-5B / %x5D-7E`. Case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// Reads one scope.
    ///
    /// # Errors
    ///
    /// When the text is empty or has a character that a scope-token cannot have, a space among them.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The scope as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes of a token, in the order in which its issuer gave them. `Display` joins them by one space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet {
    /// Already joined by single spaces: one allocation however many scopes, since these sets live in caches.
    joined: Box<str>,
}

impl ScopeSet {
    /// Reads scopes that are separated by spaces, and by nothing else. Leading, trailing and repeated spaces mean
    /// nothing, because issuers send them; an empty text is an empty set.
    ///
    /// # Errors
    ///
    /// When a character can be in no scope-token (a tab, a quote, any non-ASCII), or there are too many scopes.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::collect(text.split(' ').filter(|scope| !scope.is_empty()).map(Ok))
    }

    /// Reads a `scope` or `scp` claim: a string as in [`ScopeSet::parse`], or an array with one scope in each string.
    /// `null` is the same as no claim, an empty set.
    ///
    /// # Errors
    ///
    /// When the value is of another type, a member is no string or no single scope, or there are too many.
    pub fn from_json(value: &Value) -> Result<Self, ScopeError> {
        Self::read(value)
    }

    pub(crate) fn read<'a>(value: impl Json<'a>) -> Result<Self, ScopeError> {
        match value.view() {
            View::Null => Ok(Self::default()),
            View::Text(text) => Self::parse(text),
            View::Array => Self::collect(value.elements().map(|member| member.text().ok_or(ScopeError::WrongType))),
            View::Bool(_) | View::Number(_) | View::Object => Err(ScopeError::WrongType),
        }
    }

    /// Adds the scopes of `other`.
    pub(crate) fn extend(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        } else if !other.is_empty() {
            self.joined = format!("{} {}", self.joined, other.joined).into();
        }
    }

    /// Whether the set holds exactly this scope; no scope implies another here (see
    /// [`ScopeImplications`](crate::ScopeImplications)).
    pub fn contains(&self, scope: &Scope) -> bool {
        self.scopes().contains(scope)
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.scopes().iter()
    }

    /// The scopes joined by one space; empty for an empty set.
    pub fn as_str(&self) -> &str {
        &self.joined
    }

    /// Whether there is no scope at all.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    /// The scopes, borrowed.
    pub(crate) fn scopes(&self) -> Scopes<'_> {
        Scopes(&self.joined)
    }

    fn collect<'a>(scopes: impl Iterator<Item = Result<&'a str, ScopeError>>) -> Result<Self, ScopeError> {
        let mut joined = String::new();
        for (count, scope) in scopes.enumerate() {
            let scope = scope?;
            check(scope)?;
            if count == MAX_SCOPES {
                return Err(ScopeError::TooMany);
            }
            if count > 0 {
                joined.push(' ');
            }
            joined.push_str(scope);
        }
        Ok(Self { joined: joined.into() })
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined)
    }
}

/// The scopes of a token, in the order in which its issuer gave them, where the token keeps them. `Display` joins them by one
/// space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes<'a>(&'a str);

impl<'a> Scopes<'a> {
    /// Scopes that were read before, joined by single spaces.
    pub(crate) fn joined(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether the set holds exactly this scope; no scope implies another here (see
    /// [`ScopeImplications`](crate::ScopeImplications)).
    pub fn contains(self, scope: &Scope) -> bool {
        self.iter().any(|held| held == scope.as_str())
    }

    /// The scopes, in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }

    /// The scopes joined by one space; empty for an empty set.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there is no scope at all.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'a> From<&'a ScopeSet> for Scopes<'a> {
    fn from(set: &'a ScopeSet) -> Self {
        set.scopes()
    }
}

/// Whether the text is scopes, by the rules of [`ScopeSet::parse`], and written as a set writes them: with single spaces between
/// them and nowhere else.
pub(crate) fn is_joined(text: &str) -> Result<bool, ScopeError> {
    let mut length = 0;
    for (count, scope) in text.split(' ').filter(|scope| !scope.is_empty()).enumerate() {
        check(scope)?;
        if count == MAX_SCOPES {
            return Err(ScopeError::TooMany);
        }
        length += scope.len() + usize::from(count > 0);
    }
    Ok(length == text.len())
}

/// Why a text or a claim holds no scopes. It repeats one character at most of what it was given, which may
/// come from a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A scope has at least one character.
    #[error("a scope cannot be empty")]
    Empty,
    /// A character outside of RFC 6749's scope-token.
    #[error("a scope cannot hold {0:?}: printable ASCII without space, '\"' and '\\' only (RFC 6749 section 3.3)")]
    Character(char),
    /// A claim that is no string and no array of strings.
    #[error("scopes are a string or an array of strings")]
    WrongType,
    /// More than 1,000.
    #[error("more than {MAX_SCOPES} scopes")]
    TooMany,
}

/// Whether the text is one scope-token.
fn check(text: &str) -> Result<(), ScopeError> {
    if text.is_empty() {
        return Err(ScopeError::Empty);
    }
    match text.chars().find(|c| !matches!(c, '\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e')) {
        Some(character) => Err(ScopeError::Character(character)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_is_one_scope_token() {
        for text in ["orders:read", "https://api.example.com/orders.read", "!", "~", "#[]", "a,b", "=?x?="] {
            assert_eq!(Scope::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Scope::parse(""), Err(ScopeError::Empty));
        for (text, bad) in
            [("a b", ' '), ("a\tb", '\t'), ("a\"", '"'), ("\\", '\\'), ("\u{e9}", '\u{e9}'), ("\0", '\0')]
        {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError::Character(bad)), "{text:?}");
        }
    }

    #[test]
    fn only_spaces_separate() {
        for (text, joined) in
            [("", ""), ("   ", ""), ("a", "a"), ("a b", "a b"), ("  a   b ", "a b"), ("b a b", "b a b")]
        {
            let set = ScopeSet::parse(text).unwrap();
            assert_eq!(set.to_string(), joined, "{text:?}");
            assert_eq!(set.scopes().to_string(), joined, "{text:?}");
            assert_eq!(is_joined(text), Ok(text == joined), "{text:?}");
            assert_eq!(set.is_empty(), joined.is_empty());
        }
        for text in ["a\tb", "a\nb", "a\u{a0}b", "a\0", "\"a\""] {
            assert!(matches!(ScopeSet::parse(text), Err(ScopeError::Character(_))), "{text:?}");
            assert_eq!(is_joined(text).err(), ScopeSet::parse(text).err(), "{text:?}");
        }
    }

    #[test]
    fn a_claim_is_a_string_or_an_array_of_strings() {
        for (value, joined) in [
            (json!(null), ""),
            (json!(""), ""),
            (json!([]), ""),
            (json!("a b"), "a b"),
            (json!(["a", "b"]), "a b"),
            (json!(["a,b"]), "a,b"),
        ] {
            assert_eq!(ScopeSet::from_json(&value).unwrap().as_str(), joined, "{value}");
        }
        for value in [json!(1), json!(true), json!({"a": 1}), json!(["a", 1]), json!(["a", null]), json!([["a"]])] {
            assert_eq!(ScopeSet::from_json(&value), Err(ScopeError::WrongType), "{value}");
        }
        // One string, one scope: "a admin" in an array is not two scopes, and not one either.
        assert_eq!(ScopeSet::from_json(&json!(["a admin"])), Err(ScopeError::Character(' ')));
        assert_eq!(ScopeSet::from_json(&json!([""])), Err(ScopeError::Empty));
    }

    #[test]
    fn contains_compares_whole_scopes_and_their_case() {
        let set = ScopeSet::parse("orders:read orders:write:all").unwrap();
        for (scope, held) in [
            ("orders:read", true),
            ("orders:write:all", true),
            ("orders:write", false),
            ("orders", false),
            ("Orders:read", false),
            ("read", false),
        ] {
            assert_eq!(set.contains(&Scope::parse(scope).unwrap()), held, "{scope}");
        }
        assert!(!ScopeSet::default().contains(&Scope::parse("a").unwrap()));
    }

    #[test]
    fn the_number_of_scopes_is_bounded() {
        let most = vec!["a"; MAX_SCOPES];
        assert_eq!(ScopeSet::parse(&most.join(" ")).unwrap().iter().count(), MAX_SCOPES);
        let more = vec!["a"; MAX_SCOPES + 1];
        assert_eq!(ScopeSet::parse(&more.join(" ")), Err(ScopeError::TooMany));
        assert_eq!((is_joined(&most.join(" ")), is_joined(&more.join(" "))), (Ok(true), Err(ScopeError::TooMany)));
        assert_eq!(ScopeSet::from_json(&json!(more)), Err(ScopeError::TooMany));
    }
}
