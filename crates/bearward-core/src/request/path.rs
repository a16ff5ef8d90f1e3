//! The path of a request: read in one way only, or not at all.
//!
//! A gateway and the service behind it are two readers of one path. Wherever they can read it differently, a request is
//! judged as one thing and served as another: `/public/../admin`, `//admin`, `/a%2fb`, `/a;x/b`, `%252e`. Rewriting the
//! path to a canonical form only moves the question to the next reader, so nothing is rewritten. What is forwarded is
//! byte for byte what was judged, and whatever has a second reading is refused.

mod pattern;
mod segments;

pub use pattern::{PathPattern, PathPatternError, PatternPart};
pub use segments::Segments;

use crate::Reason;

/// A path that reads in one way only: absolute, without dot segments, empty segments, encoded separators, or anything
/// that is spelled differently than it need be.
///
/// Paths are case-sensitive, and a trailing `/` or `.` is part of them: `/a`, `/a/`, `/A` and `/a.` are four paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestPath<'a>(&'a str);

impl<'a> RequestPath<'a> {
    /// Reads the path of a request target, without its query.
    ///
    /// Accepted are segments of RFC 3986's `pchar` without `;`, where every percent-encoding is needed, and all of them
    /// together decode to UTF-8 without control characters, separators and a further layer of encoding.
    ///
    /// # Errors
    ///
    /// [`Reason::PathAmbiguous`] for everything else:
    ///
    /// * no `/` at the start (`*` too), `//` anywhere, `.` and `..` as segments;
    /// * `\`, `;`, `#`, `?`, control characters, spaces, bytes outside of ASCII, and the characters that RFC 3986
    ///   allows in no path (`"<>[]^{|}` and the backtick), which some readers encode and some do not;
    /// * a `%` without two hexadecimal digits;
    /// * the encoding of an unreserved character, a second spelling (RFC 3986 section 2.3): `%2e`, `%61`;
    /// * the encoding of `/`, `\`, `;` or a control character, which some readers decode before they split;
    /// * `%25` before two hexadecimal digits, which decodes to something that decodes again;
    /// * bytes that are not UTF-8 once decoded, overlong forms among them.
    pub fn parse(raw: &'a [u8]) -> Result<Self, Reason> {
        let path = std::str::from_utf8(raw).map_err(|_| Reason::PathAmbiguous)?;
        let below_root = path.strip_prefix('/').ok_or(Reason::PathAmbiguous)?;
        let dots = |segment: &str| matches!(segment, "." | "..");
        if path.contains("//") || below_root.split('/').any(|segment| dots(segment) || !reads_in_one_way(segment)) {
            return Err(Reason::PathAmbiguous);
        }
        Ok(Self(path))
    }

    /// The path, byte for byte as it came.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// What stands between the slashes, not decoded. The last segment is empty where the path ends in `/`.
    pub fn segments(&self) -> Segments<'a> {
        Segments::of(self.0)
    }

    /// The segments of the path with a slash at its end where this one has none, and without where it has one: many servers
    /// take the two for one. `None` for `/`, which has no other.
    pub fn segments_with_other_end(&self) -> Option<Segments<'a>> {
        Segments::with_other_end(self.0)
    }
}

/// Whether there is one way to read the segment; whether it may stand where it stands is not asked here.
fn reads_in_one_way(segment: &str) -> bool {
    let mut bytes = segment.as_bytes();
    let mut needs_utf8 = false;
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        if byte != b'%' {
            if !is_plain(byte) {
                return false;
            }
            continue;
        }
        let Some((decoded, rest)) = hex_pair(rest) else { return false };
        bytes = rest;
        let again = decoded == b'%' && hex_pair(rest).is_some();
        if again || is_unreserved(decoded) || decoded.is_ascii_control() || matches!(decoded, b'/' | b'\\' | b';') {
            return false;
        }
        needs_utf8 |= !decoded.is_ascii();
    }
    !needs_utf8 || decodes_to_utf8(segment)
}

/// Whether the bytes of a segment whose encodings are all complete are UTF-8 without control characters.
fn decodes_to_utf8(segment: &str) -> bool {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        let (byte, rest) = if byte == b'%' { hex_pair(rest).unwrap_or((byte, rest)) } else { (byte, rest) };
        decoded.push(byte);
        bytes = rest;
    }
    std::str::from_utf8(&decoded).is_ok_and(|text| !text.contains(char::is_control))
}

/// The value of the two hexadecimal digits that the bytes begin with, and what follows them.
fn hex_pair(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = bytes.split_first_chunk()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? << 4 | digit(low)?, rest))
}

/// `unreserved` (RFC 3986 section 2.3): the characters that never need encoding.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a segment as itself: `pchar` (RFC 3986 section 3.3) without `%`, and without `;`, which begins
/// parameters that some readers drop.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_reads_in_one_way_is_accepted_as_it_is() {
        for path in [
            "/",
            "/a",
            "/a/",
            "/A/b-c_d~e.f/0",
            "/...",
            "/.well-known/openid-configuration",
            "/a.",
            "/.a",
            "/..a",
            "/a..",
            "/a/.../b",
            "/Orders('x')",
            "/a:b@c!d$e&f'g(h)i*j+k,l=m",
            "/*",
            "/a%20b",
            "/caf%C3%A9",
            "/caf%c3%a9",
            "/%E2%82%AC/%F0%9F%90%BB",
            "/100%25",
            "/100%25/a",
            "/%25zz",
            "/%25%20",
            "/%3Cb%3E",
            "/%22",
            "/%3F",
            "/%23",
            "/%5B0%5D",
            "/%7Bid%7D",
            "/a%3Ab",
        ] {
            assert_eq!(RequestPath::parse(path.as_bytes()).map(|path| path.as_str()), Ok(path), "{path}");
        }
    }

    #[test]
    fn what_has_a_second_reading_is_refused() {
        for (why, paths) in [
            ("not absolute", &["", "*", "a", "a/b", ".", "..", "http://example.com/", "%2Fa"][..]),
            ("empty segments", &["//", "//admin", "/a//b", "/a//", "///", "//example.com/a"]),
            ("dot segments", &["/.", "/..", "/./a", "/../a", "/a/.", "/a/..", "/a/./b", "/public/../admin", "/a/../"]),
            (
                "encoded dots",
                &["/%2e", "/%2E%2e/a", "/public/%2e%2e/admin", "/public/.%2E/admin", "/public/%2e./admin", "/a%2eb"],
            ),
            ("encoded slashes", &["/a%2fb", "/a%2Fb", "/%2f", "/public/..%2fadmin", "/a%2f%2fb"]),
            ("backslashes", &["/a\\b", "/a\\..\\b", "/\\", "/a%5cb", "/a%5Cb", "/public/..%5cadmin"]),
            ("parameters", &["/a;b", "/;", "/a;jsessionid=1/b", "/public/..;/admin", "/a%3bb", "/a%3Bb", "/..%3b/a"]),
            ("twice encoded", &["/%252e%252e/a", "/%252f", "/a%252Fb", "/%2525", "/%25252e", "/%2561", "/a%25AA"]),
            ("second spellings", &["/%61dmin", "/%41", "/%7e", "/%7E", "/%2d", "/%5f", "/%30", "/%5F", "/%61%64"]),
            ("second spellings of a second layer", &["/%25%32%65", "/%25%32e", "/%252%65"]),
            ("control characters", &["/a\0", "/a\tb", "/a\nb", "/a\rb", "/a\x7f", "/a\x1b[0m"]),
            ("encoded control characters", &["/%00", "/a%00.html", "/%0d%0aX:a", "/%09", "/%1F", "/%7f", "/%C2%85"]),
            ("spaces", &["/a b", " /a", "/a ", "/ "]),
            ("fragment and query", &["/a#b", "/a?b", "/#", "/?"]),
            ("not ASCII", &["/caf\u{e9}", "/\u{2215}a", "/\u{ff0e}\u{ff0e}/a"]),
            ("not in a path", &["/a\"b", "/<a>", "/a[0]", "/a^b", "/a`b", "/{id}", "/a|b"]),
            ("no hexadecimal digits", &["/%", "/a%", "/%2", "/%zz", "/%2g", "/%g2", "/%/", "/%%20", "/%u002e", "/% 2"]),
            ("not UTF-8", &["/%ff", "/%C3", "/%C3/%A9", "/%A9", "/%C0%AE", "/%C0%AF", "/%E0%80%AF", "/%ED%A0%80"]),
        ] {
            for path in paths {
                assert_eq!(RequestPath::parse(path.as_bytes()), Err(Reason::PathAmbiguous), "{why}: {path:?}");
            }
        }
        for raw in [&b"/\xff"[..], b"/\xc0\xae", b"/caf\xe9", b"\xef\xbb\xbf/"] {
            assert_eq!(RequestPath::parse(raw), Err(Reason::PathAmbiguous), "{raw:?}");
        }
    }

    #[test]
    fn no_single_byte_is_accepted_both_as_itself_and_encoded_where_it_needs_no_encoding() {
        for byte in 0..=u8::MAX {
            let raw = [b'/', b'a', byte, b'b'];
            let encoded = format!("/a%{byte:02X}b");
            let (raw, encoded) = (RequestPath::parse(&raw).is_ok(), RequestPath::parse(encoded.as_bytes()).is_ok());
            // `/` as itself separates. The reserved characters mean something else when they are encoded (RFC 3986
            // section 2.2), but none that separates may be encoded.
            let both =
                matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@');
            assert_eq!(raw && encoded, both, "{byte:#04x}");
        }
    }

    #[test]
    fn segments_are_what_stands_between_the_slashes() {
        for (path, expected) in [("/", &[""][..]), ("/a", &["a"]), ("/a/", &["a", ""]), ("/a/b%20c", &["a", "b%20c"])] {
            let segments: Vec<_> = RequestPath::parse(path.as_bytes()).unwrap().segments().collect();
            assert_eq!(segments, expected, "{path}");
        }
    }

    #[test]
    fn a_path_has_another_end() {
        for (path, expected) in [
            ("/", None),
            ("/a", Some(&["a", ""][..])),
            ("/a/", Some(&["a"])),
            ("/a/b", Some(&["a", "b", ""])),
            ("/a/b/", Some(&["a", "b"])),
        ] {
            let segments = RequestPath::parse(path.as_bytes()).unwrap().segments_with_other_end();
            assert_eq!(segments.map(Iterator::collect::<Vec<_>>).as_deref(), expected, "{path}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = RequestPath::parse(&raw);
        }

        #[test]
        fn an_accepted_path_decodes_in_one_way_only(pieces in prop::collection::vec(piece(), 1..7)) {
            let path = format!("/{}", pieces.concat());
            if let Ok(accepted) = RequestPath::parse(path.as_bytes()) {
                prop_assert_eq!(accepted.as_str(), &path);
                let once = decode(path.as_bytes());
                prop_assert_eq!(&decode(&once), &once);
                let once = String::from_utf8(once).unwrap();
                // Decoding moves no slash and makes no dot segment: whoever splits first and decodes then sees the
                // same.
                let before: Vec<_> = accepted.segments().map(|segment| decode(segment.as_bytes())).collect();
                let after = once.strip_prefix('/').unwrap().split('/');
                let after: Vec<_> = after.map(|part| part.as_bytes().to_vec()).collect();
                prop_assert_eq!(before, after);
                prop_assert!(!once.split(['/', '\\']).any(|segment| matches!(segment, "." | "..")));
                prop_assert!(!once.contains("//"));
                prop_assert!(!once.contains(['\\', ';', '\0']));
            }
        }
    }

    /// Pieces that are harmless alone, and some that are not, to be put together in every way.
    fn piece() -> impl Strategy<Value = String> {
        let harmless = ["a", "/a", "/", ".", "2", "e", "41", "%25", "%20", "%C3%A9", "%c3%a9", "%3F", "a."];
        let harmful = ["%2e", "%2F", "%5c", "%", "..", "//", ";", "\\", "%32", "%00", "%C0%AF", "%C3", "%3b"];
        prop_oneof![
            9 => prop::sample::select(harmless.to_vec()).prop_map(str::to_owned),
            1 => prop::sample::select(harmful.to_vec()).prop_map(str::to_owned),
            1 => "%[0-9a-fA-F]{2}",
        ]
    }

    /// Decodes as a lenient server does: what is no encoding stays as it is.
    fn decode(bytes: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        let mut left = bytes;
        while let Some((&byte, rest)) = left.split_first() {
            let (byte, rest) = if byte == b'%' { hex_pair(rest).unwrap_or((byte, rest)) } else { (byte, rest) };
            decoded.push(byte);
            left = rest;
        }
        decoded
    }
}
