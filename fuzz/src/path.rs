//! The path of a request, and the patterns of routes.

use bearward_core::{PathPattern, Reason, RequestPath};
use http::uri::PathAndQuery;

/// The input is a path, and after a line feed a route's pattern.
///
/// An accepted path is the one that came, another parser reads it unchanged, and decoding it gives neither a separator,
/// a dot segment, a control character nor anything that can be decoded again. A pattern matches what its text says.
pub fn path(data: &[u8]) -> bool {
    let (raw, pattern) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let pattern = std::str::from_utf8(pattern.get(1..).unwrap_or_default()).ok().and_then(parse_pattern);
    let path = match RequestPath::parse(raw) {
        Ok(path) => path,
        Err(reason) => {
            assert_eq!(reason, Reason::PathAmbiguous);
            return false;
        }
    };
    assert_eq!(path.as_str().as_bytes(), raw, "what is judged is what is forwarded");
    assert_eq!(RequestPath::parse(raw), Ok(path));
    let elsewhere = PathAndQuery::try_from(raw).expect("a path for others too");
    assert_eq!((elsewhere.path(), elsewhere.query()), (path.as_str(), None));

    let segments: Vec<&str> = path.segments().collect();
    assert_eq!(format!("/{}", segments.join("/")), path.as_str());
    let (last, inner) = segments.split_last().expect("at least one");
    inner.iter().for_each(|segment| assert!(!segment.is_empty()));
    inner.iter().chain([last]).for_each(|segment| reads_in_one_way(segment));

    if let Some(pattern) = pattern {
        assert_eq!(
            pattern.matches(&path),
            expected(&pattern.to_string(), path.as_str()),
            "{pattern} {}",
            path.as_str()
        );
    }
    // The path itself is a pattern, where it can be one, and then it matches that path.
    if let Some(pattern) = parse_pattern(path.as_str()) {
        assert!(pattern.matches(&path));
    }
    true
}

fn reads_in_one_way(segment: &str) {
    let decoded = decode(segment.as_bytes());
    let text = std::str::from_utf8(&decoded).expect("UTF-8");
    assert!(!matches!(text, "." | ".."));
    assert!(!text.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ';')));
    assert_eq!(decode(&decoded), decoded, "decodes once");
    // Neither decoding first nor splitting first makes other segments, and nothing that is unreserved was encoded.
    let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let count = |bytes: &[u8]| bytes.iter().filter(|byte| unreserved(byte)).count();
    let digits = 2 * segment.matches('%').count();
    assert_eq!(count(segment.as_bytes()) - digits, count(&decoded), "a needless encoding");
}

/// Percent-decoding as most do it: what is no encoding stays.
pub(crate) fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match digits.filter(|_| bytes[at] == b'%') {
            Some(digits) => {
                let digits = std::str::from_utf8(digits).expect("ASCII");
                decoded.push(u8::from_str_radix(digits, 16).expect("two digits"));
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    decoded
}

/// A pattern is written as it was read, equal to itself, and ranks with itself.
fn parse_pattern(text: &str) -> Option<PathPattern> {
    let pattern = PathPattern::parse(text).ok()?;
    assert_eq!(pattern.to_string(), text);
    let again = PathPattern::parse(text).expect("as before");
    assert!(again == pattern && again.precedence() == pattern.precedence());
    Some(pattern)
}

/// Whether the pattern's text matches, one character after the other.
fn expected(pattern: &str, path: &str) -> bool {
    match (pattern.chars().next(), path.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => true,
        (Some('{'), Some(first)) if first != '/' => {
            let after_name = pattern.split_once('}').expect("closed").1;
            expected(after_name, &path[path.find('/').unwrap_or(path.len())..])
        }
        (Some(literal), Some(character)) if literal == character => expected(&pattern[1..], &path[1..]),
        _ => false,
    }
}
