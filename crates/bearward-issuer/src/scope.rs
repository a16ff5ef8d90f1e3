//! The `scope` parameter and claim (RFC 6749 3.3).

use std::collections::HashSet;

/// Reads a space-separated list, each name once and in the order given; `None` if it is not one.
///
/// An empty string is the empty list: a parameter without a value counts as omitted (RFC 6749 3.2).
pub(crate) fn parse(scope: &str) -> Option<Vec<String>> {
    if scope.is_empty() {
        return Some(Vec::new());
    }
    // A form holds up to 30,000 names: to compare each with all before it would take the square of that.
    let mut known = HashSet::new();
    let mut names = Vec::new();
    for name in scope.split(' ') {
        if !is_name(name) {
            return None;
        }
        if known.insert(name) {
            names.push(name.to_owned());
        }
    }
    Some(names)
}

/// The list as a claim holds it; `None` when empty, since a scope has at least one name (RFC 6749 3.3).
pub(crate) fn join(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(" "))
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_and_loses_repetitions() {
        let names = parse("orders:write orders:read orders:write");
        assert_eq!(names, Some(vec!["orders:write".to_owned(), "orders:read".to_owned()]));
        assert_eq!(parse(""), Some(Vec::new()));
    }

    #[test]
    fn a_list_as_long_as_a_form_is_read() {
        let all: Vec<String> = (0..20_000).map(|number| format!("{number:x}")).collect();
        let names = parse(&[all.join(" "), all.join(" ")].join(" "));
        assert_eq!(names, Some(all));
    }

    #[test]
    fn what_is_not_a_list_is_refused() {
        for scope in [" ", "a  b", " a", "a ", "a\tb", "a\nb", "\"a\"", "a\\b", "caf\u{e9}", "a\u{7f}"] {
            assert_eq!(parse(scope), None, "{scope:?}");
        }
    }

    #[test]
    fn the_empty_list_is_no_scope() {
        assert_eq!(join(&[]), None);
        assert_eq!(join(&["a".to_owned(), "b".to_owned()]), Some("a b".to_owned()));
    }
}
