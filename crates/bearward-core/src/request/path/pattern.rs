//! What the `path` of a route is written in.

use std::cmp::Ordering;
use std::fmt;

use super::{RequestPath, Segments, is_unreserved};

/// A path, or a family of paths.
///
/// | pattern | matches |
/// | --- | --- |
/// | `/orders` | `/orders` alone |
/// | `/orders/` | `/orders/` alone, which is another path |
/// | `/orders/*` | everything that begins with `/orders/`, and `/orders/` itself; not `/orders` |
/// | `/users/{id}/orders` | any one segment, at least one character long, in place of `{id}` |
/// | `/*` | everything |
///
/// Literal text is made of unreserved characters only (RFC 3986 section 2.3). They have one spelling; any other
/// character can come as itself or encoded, and a pattern would match one of the two.
///
/// Two patterns are equal when they match the same paths, whatever the names in `{}`.
///
/// ```
/// # use bearward_core::{PathPattern, RequestPath};
/// let pattern = PathPattern::parse("/users/{id}/*")?;
/// assert!(RequestPath::parse(b"/users/alice/orders/7").is_ok_and(|path| pattern.matches(&path)));
/// # Ok::<_, bearward_core::PathPatternError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: Box<str>,
    parts: Vec<Part>,
}

/// A part of a pattern, which ends with [`Part::End`] or [`Part::Rest`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// One segment, letter for letter. Empty only at the end, for a trailing `/`.
    Literal(Box<str>),
    /// One segment that is not empty.
    Any,
    /// Nothing further.
    End,
    /// All that follows, at least one segment; it may be empty.
    Rest,
}

impl Part {
    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Any => 1,
            Self::End => 2,
            Self::Rest => 3,
        }
    }
}

/// A part of a [`PathPattern`], as an index of patterns needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternPart<'a> {
    /// One segment, letter for letter. Empty only at the end, for a trailing `/`.
    Literal(&'a str),
    /// One segment that is not empty.
    Any,
    /// Nothing further. It is the last part.
    End,
    /// All that follows, at least one segment; it may be empty. It is the last part.
    Rest,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// The [`PathPatternError`] says what is wrong with the text, for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        let below_root = text.strip_prefix('/').ok_or(PathPatternError::NotAbsolute)?;
        let mut parts = Vec::new();
        let mut names = Vec::new();
        let mut segments = below_root.split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match (segment, name) {
                ("", _) if !last => return Err(PathPatternError::EmptySegment),
                ("." | "..", _) => return Err(PathPatternError::DotSegment),
                ("*", _) if last => {
                    parts.push(Part::Rest);
                    return Ok(Self { text: text.into(), parts });
                }
                ("*", _) => return Err(PathPatternError::StarInside),
                (_, Some(name)) => {
                    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                        return Err(PathPatternError::Name(name.to_owned()));
                    }
                    if names.contains(&name) {
                        return Err(PathPatternError::NameTwice(name.to_owned()));
                    }
                    names.push(name);
                    parts.push(Part::Any);
                }
                (literal, None) => {
                    check_literal(literal)?;
                    parts.push(Part::Literal(literal.into()));
                }
            }
        }
        parts.push(Part::End);
        Ok(Self { text: text.into(), parts })
    }

    /// Whether the path is one of the pattern's.
    pub fn matches(&self, path: &RequestPath<'_>) -> bool {
        self.matches_segments(path.segments(), |literal, segment| literal == segment)
    }

    /// The same, of a path's segments and with a comparison of one's own: of literal text, and the segment in its place.
    pub fn matches_segments(&self, mut segments: Segments<'_>, same: impl Fn(&str, &str) -> bool) -> bool {
        for part in &self.parts {
            let fits = match (part, segments.next()) {
                (Part::Rest, segment) => return segment.is_some(),
                (Part::End, segment) => segment.is_none(),
                (Part::Any, segment) => segment.is_some_and(|segment| !segment.is_empty()),
                (Part::Literal(literal), segment) => segment.is_some_and(|segment| same(literal, segment)),
            };
            if !fits {
                return false;
            }
        }
        true
    }

    /// Where the pattern stands among others that match the same path: the smallest is the most specific, and decides.
    ///
    /// Patterns are compared segment by segment from the left. At the first difference literal text comes before
    /// `{name}`, both come before `*`, and a longer pattern before a shorter one. Patterns of the same precedence match
    /// the same paths, or none in common, or differ in literal text alone.
    pub fn precedence(&self) -> impl Ord + Clone + use<> {
        self.parts.iter().map(Part::rank).collect::<Vec<u8>>()
    }

    /// [`PathPattern::precedence`] of the two, compared over the first `segments` segments alone.
    pub fn compare_within(&self, other: &Self, segments: usize) -> Ordering {
        self.parts.iter().take(segments).map(Part::rank).cmp(other.parts.iter().take(segments).map(Part::rank))
    }

    /// The parts, from the left. The last one, and none before it, is [`PatternPart::End`] or [`PatternPart::Rest`].
    pub fn parts(&self) -> impl Iterator<Item = PatternPart<'_>> {
        self.parts.iter().map(|part| match part {
            Part::Literal(literal) => PatternPart::Literal(literal),
            Part::Any => PatternPart::Any,
            Part::End => PatternPart::End,
            Part::Rest => PatternPart::Rest,
        })
    }

    /// Whether the two are equal when letters are compared without case (ASCII).
    pub fn eq_ignore_ascii_case(&self, other: &Self) -> bool {
        let same = |(own, other): (&Part, &Part)| match (own, other) {
            (Part::Literal(own), Part::Literal(other)) => own.eq_ignore_ascii_case(other),
            (own, other) => own == other,
        };
        self.parts.len() == other.parts.len() && self.parts.iter().zip(&other.parts).all(same)
    }
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for PathPattern {}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no [`PathPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// No `/` at the start.
    #[error("a path begins with '/'")]
    NotAbsolute,
    /// `//`.
    #[error("'//' matches nothing: requests with empty segments are refused")]
    EmptySegment,
    /// `.` or `..` as a segment.
    #[error("'.' and '..' match nothing: requests with such segments are refused")]
    DotSegment,
    /// `*` before the end, or as a part of a segment.
    #[error("'*' stands for all that follows, so it is the last segment, alone; for one segment write '{{name}}'")]
    StarInside,
    /// A `{` or `}` that does not enclose a whole segment.
    #[error("'{{name}}' stands for one whole segment")]
    BraceInside,
    /// A name in `{}` with other characters, or none.
    #[error("{0:?} is no name: letters, digits and '_'")]
    Name(String),
    /// The same name in two places.
    #[error("'{{{0}}}' stands twice in the path")]
    NameTwice(String),
    /// A character that has a second spelling.
    #[error("{0:?} cannot stand in the path of a route: letters, digits and '-._~' only, for they have one spelling")]
    Character(char),
}

/// Whether the segment is all unreserved characters; if not, what the person who wrote it should be told.
fn check_literal(segment: &str) -> Result<(), PathPatternError> {
    match segment.chars().find(|c| !u8::try_from(*c).is_ok_and(is_unreserved)) {
        None => Ok(()),
        Some('*') => Err(PathPatternError::StarInside),
        Some('{' | '}') => Err(PathPatternError::BraceInside),
        Some(character) => Err(PathPatternError::Character(character)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_match_whole_segments() {
        for (pattern, matching, others) in [
            ("/", &["/"][..], &["/a", "/a/"][..]),
            ("/orders", &["/orders"], &["/", "/orders/", "/orders/7", "/ordersx", "/Orders", "/order", "/orders."]),
            ("/orders/", &["/orders/"], &["/orders", "/orders/7"]),
            ("/orders/*", &["/orders/", "/orders/7", "/orders/7/", "/orders/7/items"], &["/orders", "/ordersx/7", "/"]),
            ("/*", &["/", "/a", "/a/", "/a/b/c", "/%20"], &[]),
            ("/{any}", &["/a", "/a%20b", "/*"], &["/", "/a/", "/a/b"]),
            (
                "/users/{id}",
                &["/users/alice", "/users/caf%C3%A9"],
                &["/users", "/users/", "/users/alice/", "/users/a/b"],
            ),
            (
                "/users/{id}/orders",
                &["/users/alice/orders"],
                &["/users/alice", "/users/alice/orders/", "/users/orders"],
            ),
            ("/users/{id}/*", &["/users/alice/", "/users/alice/a/b"], &["/users/alice", "/users/"]),
            ("/{a}/{b}", &["/x/y"], &["/x", "/x/", "/x/y/z"]),
            ("/a-b_c.d~e", &["/a-b_c.d~e"], &["/a-b_c.d~E"]),
        ] {
            let parsed = PathPattern::parse(pattern).unwrap();
            assert_eq!(parsed.to_string(), pattern);
            for (paths, expected) in [(matching, true), (others, false)] {
                for path in paths {
                    let found = parsed.matches(&RequestPath::parse(path.as_bytes()).unwrap());
                    assert_eq!(found, expected, "{pattern} {path}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        use PathPatternError::*;
        for (text, error) in [
            ("", NotAbsolute),
            ("*", NotAbsolute),
            ("orders", NotAbsolute),
            ("//", EmptySegment),
            ("/a//b", EmptySegment),
            ("/a//*", EmptySegment),
            ("/./a", DotSegment),
            ("/a/..", DotSegment),
            ("/*/a", StarInside),
            ("/*/", StarInside),
            ("/a*", StarInside),
            ("/**", StarInside),
            ("/a/*.json", StarInside),
            ("/{id", BraceInside),
            ("/id}", BraceInside),
            ("/a{id}", BraceInside),
            ("/{id}.json", BraceInside),
            ("/{}", Name(String::new())),
            ("/{a-b}", Name("a-b".into())),
            ("/{*rest}", Name("*rest".into())),
            ("/{a}{b}", Name("a}{b".into())),
            ("/{id}/a/{id}", NameTwice("id".into())),
            ("/a b", Character(' ')),
            ("/caf\u{e9}", Character('\u{e9}')),
            ("/a%20b", Character('%')),
            ("/a:b", Character(':')),
            ("/a;b", Character(';')),
            ("/a?b=c", Character('?')),
            ("/a\\b", Character('\\')),
        ] {
            assert_eq!(PathPattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn errors_read_well() {
        let said: Vec<_> = ["a", "/a//b", "/..", "/a*", "/a{b}", "/{a-b}", "/{a}/{a}", "/a:b"]
            .iter()
            .map(|text| format!("{text}: {}", PathPattern::parse(text).unwrap_err()))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        a: a path begins with '/'
        /a//b: '//' matches nothing: requests with empty segments are refused
        /..: '.' and '..' match nothing: requests with such segments are refused
        /a*: '*' stands for all that follows, so it is the last segment, alone; for one segment write '{name}'
        /a{b}: '{name}' stands for one whole segment
        /{a-b}: "a-b" is no name: letters, digits and '_'
        /{a}/{a}: '{a}' stands twice in the path
        /a:b: ':' cannot stand in the path of a route: letters, digits and '-._~' only, for they have one spelling
        "#);
    }

    #[test]
    fn the_more_specific_pattern_comes_first() {
        let ordered = [
            "/users/me/orders",
            "/users/me/{order}",
            "/users/me",
            "/users/me/*",
            "/users/{id}/orders",
            "/users/{id}",
            "/users/{id}/*",
            "/users/*",
            "/{any}/me",
            "/{any}",
            "/*",
        ];
        let mut sorted = ordered;
        sorted.reverse();
        sorted.sort_by_key(|text| PathPattern::parse(text).unwrap().precedence());
        // `/users/me` ends where `/users/me/*` goes on, so that one comes first of the two; both are below longer ones.
        assert_eq!(sorted, ordered);
    }

    #[test]
    fn precedence_can_be_compared_over_the_first_segments() {
        let parse = |text| PathPattern::parse(text).unwrap();
        for (a, b, segments, expected) in [
            ("/report", "/*", 1, Ordering::Less),
            ("/report/{id}", "/report/*", 1, Ordering::Equal),
            ("/report/{id}", "/report/*", 2, Ordering::Less),
            ("/{a}", "/b", 1, Ordering::Greater),
            ("/{a}", "/b", 0, Ordering::Equal),
        ] {
            assert_eq!(parse(a).compare_within(&parse(b), segments), expected, "{a} {b} {segments}");
        }
    }

    #[test]
    fn patterns_can_be_equal_but_for_case() {
        let parse = |text| PathPattern::parse(text).unwrap();
        for (a, b, expected) in [
            ("/Admin/{id}/*", "/admin/{name}/*", true),
            ("/admin", "/admin", true),
            ("/admin", "/admins", false),
            ("/admin", "/admin/", false),
            ("/admin/*", "/admin/{x}", false),
            ("/{admin}", "/admin", false),
        ] {
            assert_eq!(parse(a).eq_ignore_ascii_case(&parse(b)), expected, "{a} {b}");
            assert_eq!(parse(b).eq_ignore_ascii_case(&parse(a)), expected, "{a} {b}");
        }
    }

    #[test]
    fn equal_patterns_match_the_same_paths() {
        let parse = |text| PathPattern::parse(text).unwrap();
        assert_eq!(parse("/users/{id}"), parse("/users/{name}"));
        assert_ne!(parse("/users/{id}"), parse("/users/id"));
        assert_ne!(parse("/users/"), parse("/users"));
        assert_ne!(parse("/users/"), parse("/users/*"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), near in "/[a-c{}*./]{0,12}") {
            let _ = PathPattern::parse(&text);
            let _ = PathPattern::parse(&near);
        }

        #[test]
        fn a_literal_pattern_matches_the_path_that_is_its_text(
            text in "(/[a-zA-Z0-9._~-]{1,5}){1,4}/?", other in "(/[a-c]){1,3}",
        ) {
            if let (Ok(pattern), Ok(path)) = (PathPattern::parse(&text), RequestPath::parse(text.as_bytes())) {
                prop_assert!(pattern.matches(&path));
            }
            let other_path = RequestPath::parse(other.as_bytes()).unwrap();
            if let Ok(pattern) = PathPattern::parse(&text) {
                prop_assert_eq!(pattern.matches(&other_path), text == other);
            }
        }
    }
}
