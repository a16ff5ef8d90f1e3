//! How a claim becomes the text of a header, such that nothing else could have become the same text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

/// The first number whose neighbours a double cannot tell from it: 2^53.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// A number was in the token that may have been another one before it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inexact;

/// The text of a claim; `None` where there is nothing to tell.
pub(super) fn claim(value: &Value) -> Result<Option<Cow<'_, str>>, Inexact> {
    if !is_exact(value) {
        return Err(Inexact);
    }
    Ok(match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.to_string().into()),
        // With a comma it would read as a list, and some issuers write a list of one as a string.
        Value::String(string) if string.contains(',') => Some(encoded(string).into()),
        Value::String(string) => Some(text(string)),
        Value::Array(elements) if elements.is_empty() => None,
        Value::Array(elements) => Some(list(elements).unwrap_or_else(|| encoded(&value.to_string())).into()),
        Value::Object(_) => Some(encoded(&value.to_string()).into()),
    })
}

/// The text as it is, or encoded where a header would bend it.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if is_plain(text) { text.into() } else { encoded(text).into() }
}

/// The elements joined by `,`; `None` where they could not be told apart again.
///
/// Readers of lists drop empty elements and the space around others (RFC 9110 section 5.6.1), so those cannot be told
/// either.
fn list(elements: &[Value]) -> Option<String> {
    let mut joined = String::new();
    for element in elements {
        let element = element.as_str().filter(|text| !text.is_empty() && !text.contains(',') && is_plain(text))?;
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(element);
    }
    is_plain(&joined).then_some(joined)
}

/// Whether a header holds the text as it is, and no reader would decode it. A tab would pass too, but some readers make a
/// space of it.
fn is_plain(text: &str) -> bool {
    let looks_encoded = text.starts_with("=?") && text.ends_with("?=");
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim_matches(' ') == text && !looks_encoded
}

/// The sentinel that MCP's HTTP transport uses for the same purpose, and that no plain text can be mistaken for.
fn encoded(text: &str) -> String {
    format!("=?base64?{}?=", STANDARD.encode(text))
}

/// Whether every number in the value is the one that the issuer wrote. Integers beyond 64 bits are read as doubles, and
/// there two that differ become one.
fn is_exact(value: &Value) -> bool {
    let number = |number: &Number| {
        number.is_u64() || number.is_i64() || number.as_f64().is_some_and(|double| double.abs() < FIRST_INEXACT)
    };
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(found) => number(found),
        Value::Array(elements) => elements.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_told_as_they_are_or_encoded() {
        for (string, expected) in [
            ("alice", "alice"),
            ("Alice B. Example", "Alice B. Example"),
            ("~!\"'\\<>;=%?", "~!\"'\\<>;=%?"),
            ("=?base64?", "=?base64?"),
            ("?=", "?="),
            ("", ""),
            ("caf\u{e9}", "=?base64?Y2Fmw6k=?="),
            ("a\r\nX-Auth-Subject: root", "=?base64?YQ0KWC1BdXRoLVN1YmplY3Q6IHJvb3Q=?="),
            ("a\0", "=?base64?YQA=?="),
            ("a\tb", "=?base64?YQli?="),
            ("\x7f", "=?base64?fw==?="),
            (" alice", "=?base64?IGFsaWNl?="),
            ("alice ", "=?base64?YWxpY2Ug?="),
            (" ", "=?base64?IA==?="),
            ("=?base64?cm9vdA==?=", "=?base64?PT9iYXNlNjQ/Y205dmRBPT0/PQ==?="),
            ("=?BASE64?cm9vdA==?=", "=?base64?PT9CQVNFNjQ/Y205dmRBPT0/PQ==?="),
            ("=?utf-8?q?root?=", "=?base64?PT91dGYtOD9xP3Jvb3Q/PQ==?="),
        ] {
            assert_eq!(text(string), expected, "{string:?}");
            assert_eq!(claim(&json!(string)), Ok(Some(expected.into())), "{string:?}");
        }
        // As a subject it is one text; as a claim it could be a list.
        assert_eq!(text("a,admin"), "a,admin");
        assert_eq!(claim(&json!("a,admin")), Ok(Some("=?base64?YSxhZG1pbg==?=".into())));
    }

    #[test]
    fn lists_are_joined_only_when_they_can_be_taken_apart() {
        for (elements, expected) in [
            (json!(["a"]), "a"),
            (json!(["a", "admin"]), "a,admin"),
            (json!(["a b", "c"]), "a b,c"),
            (json!(["=?", "?"]), "=?,?"),
        ] {
            assert_eq!(claim(&elements), Ok(Some(expected.into())), "{elements}");
        }
        for elements in [
            json!(["a,admin"]),
            json!(["a", "b,admin"]),
            json!(["a", " admin"]),
            json!(["a", ""]),
            json!([""]),
            json!(["", "a"]),
            json!(["caf\u{e9}"]),
            json!(["a\r\n"]),
            json!(["a\0b"]),
            json!(["=?base64?YQ==?="]),
            json!(["=?base64?YQ==", "?="]),
            json!(["a", 1]),
            json!([1, 2]),
            json!([null]),
            json!([["a"]]),
            json!([{"a": "b"}]),
            json!({}),
            json!({"a": "b\r\n"}),
        ] {
            let told = claim(&elements).unwrap().unwrap();
            assert_eq!(decode(&told).unwrap(), elements.to_string());
        }
    }

    #[test]
    fn other_values_are_told_as_json_tells_them() {
        for (value, expected) in [
            (json!(null), None),
            (json!([]), None),
            (json!(true), Some("true")),
            (json!(false), Some("false")),
            (json!(0), Some("0")),
            (json!(-7), Some("-7")),
            (json!(u64::MAX), Some("18446744073709551615")),
            (json!(i64::MIN), Some("-9223372036854775808")),
            (json!(1.5), Some("1.5")),
            (json!(1e-9), Some("1e-9")),
        ] {
            assert_eq!(claim(&value), Ok(expected.map(Cow::from)), "{value}");
        }
    }

    #[test]
    fn a_number_that_may_have_been_another_is_not_told() {
        for text in [
            "18446744073709551616",
            "18446744073709551617",
            "-9223372036854775809",
            "9007199254740992.0",
            "9007199254740993.0",
            "1e300",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(claim(&value), Err(Inexact), "{text}");
            assert_eq!(claim(&json!([value])), Err(Inexact), "{text}");
            assert_eq!(claim(&json!({"a": {"b": value}})), Err(Inexact), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_string_can_be_told_and_read_again(
            string in any::<String>(), near in "(=\\?)?(base64)?[a ?=\t]{0,4}(\\?=)?",
        ) {
            for string in [string, near] {
                let told = text(&string);
                prop_assert!(told.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                prop_assert_eq!(told.trim(), &*told);
                let read = decode(&told).unwrap_or_else(|| told.clone().into_owned());
                prop_assert_eq!(read, string);
            }
        }

        #[test]
        fn every_list_can_be_told_and_read_again(list in prop::collection::vec("[a, \u{e9}=?]{0,3}", 1..4)) {
            let value = json!(list);
            let told = claim(&value).unwrap().unwrap();
            let read: Vec<String> = match decode(&told) {
                Some(json) => serde_json::from_str(&json).unwrap(),
                None => told.split(',').map(|element| element.trim().to_owned()).collect(),
            };
            prop_assert_eq!(read, list);
        }
    }

    /// Decodes as an upstream does: `None` where the text is no encoding.
    fn decode(told: &str) -> Option<String> {
        let base64 = told.strip_prefix("=?base64?")?.strip_suffix("?=")?;
        Some(String::from_utf8(STANDARD.decode(base64).ok()?).unwrap())
    }
}
