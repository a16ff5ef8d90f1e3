//! Which claim a header is made from.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::token::document::{Document, Ref};
use crate::token::json::{Json, View};

/// A JSON Pointer (RFC 6901) to one claim: `/email`, `/realm_access/roles`, `/groups/0`. Claims may be named like URLs,
/// so paths with dots would not do: `/https:~1~1api.example.com~1tenant` is the claim `https://api.example.com/tenant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPointer {
    text: Box<str>,
    claim: Box<str>,
    below: Vec<Box<str>>,
}

impl ClaimPointer {
    /// Reads a pointer.
    ///
    /// # Errors
    ///
    /// The [`ClaimPointerError`] says what is wrong with the text, for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, ClaimPointerError> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(if text.is_empty() { ClaimPointerError::Empty } else { ClaimPointerError::NoSlash });
        };
        let mut tokens = rest.split('/').map(unescape);
        let claim = tokens.next().ok_or(ClaimPointerError::Empty)??;
        Ok(Self { text: text.into(), claim, below: tokens.collect::<Result<_, _>>()? })
    }

    /// The pointer to the claim of that name, whatever characters it has.
    pub fn member(name: &str) -> Self {
        let text = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        Self { text: text.into(), claim: name.into(), below: Vec::new() }
    }

    /// The value that the pointer points to, if it is there. A number is an index only in an array.
    pub fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        self.below(claims.get(&*self.claim)?)
    }

    /// The same, in claims that are kept as text.
    pub(crate) fn find_in<'a>(&self, claims: &'a Document) -> Option<Ref<'a>> {
        self.below(claims.get(&self.claim)?)
    }

    fn below<'a, J: Json<'a>>(&self, claim: J) -> Option<J> {
        self.below.iter().try_fold(claim, |value, token| match value.view() {
            View::Object => value.member(token),
            View::Array => value.elements().nth(index(token)?),
            _ => None,
        })
    }

    /// [`ClaimPointer::find`], to change what is there.
    pub(crate) fn find_mut<'a>(&self, claims: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        let claim = claims.get_mut(&*self.claim)?;
        self.below.iter().try_fold(claim, |value, token| match value {
            Value::Object(members) => members.get_mut(&**token),
            Value::Array(elements) => elements.get_mut(index(token)?),
            _ => None,
        })
    }
}

impl FromStr for ClaimPointer {
    type Err = ClaimPointerError;

    fn from_str(text: &str) -> Result<Self, ClaimPointerError> {
        Self::parse(text)
    }
}

impl fmt::Display for ClaimPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no [`ClaimPointer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimPointerError {
    /// The empty pointer, which means all claims.
    #[error("a claim is needed, such as '/email'")]
    Empty,
    /// No `/` at the start.
    #[error("a JSON Pointer begins with '/': write '/email' for the claim 'email' (RFC 6901)")]
    NoSlash,
    /// A `~` that is neither `~0` nor `~1`.
    #[error("in a JSON Pointer '~' is written '~0', and '/' in a name '~1' (RFC 6901)")]
    Tilde,
}

/// Reads a reference token: `~1` is `/` and `~0` is `~` (RFC 6901 section 4).
fn unescape(token: &str) -> Result<Box<str>, ClaimPointerError> {
    let mut name = String::with_capacity(token.len());
    let mut letters = token.chars();
    while let Some(letter) = letters.next() {
        name.push(match (letter, letter == '~') {
            (_, true) => match letters.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err(ClaimPointerError::Tilde),
            },
            (letter, false) => letter,
        });
    }
    Ok(name.into())
}

/// An array index: digits without a leading zero (RFC 6901 section 4).
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    if canonical { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_find_claims() {
        let claims = json!({
            "email": "alice@example.com", "": "empty", "a/b": 1, "m~n": 2, "~1": 3, "a.b": 4,
            "https://api.example.com/tenant": "t1",
            "realm_access": {"roles": ["reader", "writer"], "0": "zero", "": "below"},
            "null": null,
        });
        let claims = claims.as_object().unwrap();
        for (pointer, expected) in [
            ("/email", Some(json!("alice@example.com"))),
            ("/", Some(json!("empty"))),
            ("/a~1b", Some(json!(1))),
            ("/m~0n", Some(json!(2))),
            ("/~01", Some(json!(3))),
            ("/a.b", Some(json!(4))),
            ("/https:~1~1api.example.com~1tenant", Some(json!("t1"))),
            ("/realm_access/roles", Some(json!(["reader", "writer"]))),
            ("/realm_access/roles/0", Some(json!("reader"))),
            ("/realm_access/roles/1", Some(json!("writer"))),
            ("/realm_access/0", Some(json!("zero"))),
            ("/realm_access/", Some(json!("below"))),
            ("/null", Some(json!(null))),
            ("/Email", None),
            ("/email/0", None),
            ("/null/a", None),
            ("/realm_access/roles/2", None),
            ("/realm_access/roles/00", None),
            ("/realm_access/roles/01", None),
            ("/realm_access/roles/+1", None),
            ("/realm_access/roles/-", None),
            ("/realm_access/roles/", None),
            ("/realm_access/roles/99999999999999999999999", None),
        ] {
            let parsed: ClaimPointer = pointer.parse().unwrap();
            assert_eq!(parsed.to_string(), pointer);
            assert_eq!(parsed.find(claims), expected.as_ref(), "{pointer}");
            let document = Document::of(claims).unwrap();
            assert_eq!(parsed.find_in(&document).map(Ref::to_value), expected, "{pointer}");
        }
    }

    #[test]
    fn what_is_no_pointer_says_why() {
        for (text, error) in [
            ("", ClaimPointerError::Empty),
            ("email", ClaimPointerError::NoSlash),
            ("#/email", ClaimPointerError::NoSlash),
            ("/~", ClaimPointerError::Tilde),
            ("/a~", ClaimPointerError::Tilde),
            ("/a~2", ClaimPointerError::Tilde),
            ("/a/~b", ClaimPointerError::Tilde),
        ] {
            assert_eq!(ClaimPointer::parse(text), Err(error), "{text}");
        }
    }
}
