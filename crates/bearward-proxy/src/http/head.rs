//! The head of a message: its first line and its fields (RFC 9112, 2), read where it stands.
//!
//! Every line ends in CRLF. RFC 9112, 2.2 lets a recipient take a lone LF for a line end; a neighbour that does not would see
//! other fields, so it is refused.

use memchr::memchr;

use super::fields::{Fields, FieldsError};
use super::octets;

/// Empty lines before a request line are skipped (RFC 9112, 2.2): some clients send one behind a body.
const MAX_EMPTY_LINES: usize = 4;

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Http10,
    Http11,
}

/// The head of a request.
#[derive(Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) version: Version,
    pub(crate) fields: Fields<'a>,
    /// Its bytes, to which the places of the fields belong.
    pub(crate) bytes: &'a [u8],
}

/// The head of a response.
#[derive(Debug)]
pub(crate) struct ResponseHead<'a> {
    pub(crate) version: Version,
    /// 100 to 999.
    pub(crate) status: u16,
    pub(crate) phrase: &'a [u8],
    pub(crate) fields: Fields<'a>,
    pub(crate) bytes: &'a [u8],
}

/// Why a head is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// It breaks the syntax of RFC 9112.
    Malformed,
    /// Its target breaks the syntax.
    Target,
    /// Its first line is longer than the limit.
    LineTooLong,
    /// It is larger than the limit, or has too many fields.
    TooLarge,
}

impl From<FieldsError> for HeadError {
    fn from(error: FieldsError) -> Self {
        match error {
            FieldsError::Malformed => Self::Malformed,
            FieldsError::TooMany => Self::TooLarge,
        }
    }
}

/// Looks for the end of a head that comes in pieces, and looks at each byte once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadEnd {
    /// How many bytes were looked at.
    seen: usize,
    /// Where the current line starts.
    line: usize,
    lines: usize,
}

impl HeadEnd {
    /// The length of the head at the start of `bytes`, once it is all there. `bytes` are those of the call before and more.
    pub(crate) fn find(&mut self, bytes: &[u8], max: usize) -> Result<Option<usize>, HeadError> {
        let bound = bytes.get(..max).unwrap_or(bytes);
        while let Some(feed) = bound.get(self.seen..).and_then(|rest| memchr(b'\n', rest)) {
            let feed = self.seen + feed;
            let line =
                bound.get(self.line..feed).and_then(|line| line.strip_suffix(b"\r")).ok_or(HeadError::Malformed)?;
            (self.seen, self.line) = (feed + 1, feed + 1);
            // `\r\n` alone ends a head, unless nothing came before it.
            if line.is_empty() && self.lines > 0 {
                return Ok(Some(feed + 1));
            }
            self.lines += usize::from(!line.is_empty());
        }
        self.seen = bound.len();
        match (bytes.len() < max, self.lines) {
            (true, _) => Ok(None),
            (false, 0) => Err(HeadError::LineTooLong),
            (false, _) => Err(HeadError::TooLarge),
        }
    }
}

/// Whether what begins like this can become a request line. TLS, binary protocols and noise end here with their first bytes.
pub(crate) fn may_begin_request(bytes: &[u8]) -> bool {
    const LONGEST_METHOD: usize = 64;
    let line = skip_empty_lines(bytes);
    let length = octets::token_length(line);
    match line.get(length) {
        None => length <= LONGEST_METHOD || line == b"\r",
        Some(b' ') => (1..=LONGEST_METHOD).contains(&length),
        // The first half of an empty line.
        Some(b'\r') => line.len() == 1,
        Some(_) => false,
    }
}

impl<'a> RequestHead<'a> {
    /// Reads a whole head, from its first line to the empty one.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let start = bytes.len() - skip_empty_lines(bytes).len();
        let mut lines = Lines { bytes, at: start };
        let (line, _) = lines.next().ok_or(HeadError::Malformed)??;
        // Exactly one space each (RFC 9112, 3): a target with a space in it would be another target to whoever splits at others.
        let (method, rest) = split_at_space(line).ok_or(HeadError::Malformed)?;
        let end = rest.iter().rposition(|byte| *byte == b' ').ok_or(HeadError::Malformed)?;
        let (target, version) = rest.split_at_checked(end).ok_or(HeadError::Malformed)?;
        let version = Version::of(version.get(1..).unwrap_or_default()).ok_or(HeadError::Malformed)?;
        if !octets::is_token(method) {
            return Err(HeadError::Malformed);
        }
        if !octets::is_target(target) {
            return Err(HeadError::Target);
        }
        let fields = lines.fields()?;
        Ok(Self { method, target, version, fields, bytes })
    }
}

impl<'a> ResponseHead<'a> {
    /// Reads a whole head, from its first line to the empty one.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let mut lines = Lines { bytes, at: 0 };
        let (line, _) = lines.next().ok_or(HeadError::Malformed)??;
        let (version, rest) = split_at_space(line).ok_or(HeadError::Malformed)?;
        let version = Version::of(version).ok_or(HeadError::Malformed)?;
        // Many servers leave out the space before an empty phrase.
        let (status, phrase) = split_at_space(rest).unwrap_or((rest, b""));
        let status = match status {
            [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
                status.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))
            }
            _ => return Err(HeadError::Malformed),
        };
        if !octets::is_value(phrase) {
            return Err(HeadError::Malformed);
        }
        let fields = lines.fields()?;
        Ok(Self { version, status, phrase, fields, bytes })
    }
}

impl Version {
    /// Case counts (RFC 9112, 2.3). What is said to be a later 1.x is none that is known here.
    fn of(text: &[u8]) -> Option<Self> {
        match text {
            b"HTTP/1.1" => Some(Self::Http11),
            b"HTTP/1.0" => Some(Self::Http10),
            _ => None,
        }
    }
}

/// The lines of a head, without their ends, and where each starts.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn fields(self) -> Result<Fields<'a>, HeadError> {
        let mut fields = Fields::default();
        for line in self {
            let (line, start) = line?;
            if line.is_empty() {
                return Ok(fields);
            }
            fields.add(line, start)?;
        }
        Err(HeadError::Malformed)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<(&'a [u8], usize), HeadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..)?;
        let feed = memchr(b'\n', rest)?;
        let start = self.at;
        self.at += feed + 1;
        let line = rest.get(..feed).and_then(|line| line.strip_suffix(b"\r"));
        Some(line.map(|line| (line, start)).ok_or(HeadError::Malformed))
    }
}

fn split_at_space(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr(b' ', bytes)?;
    Some((bytes.get(..space)?, bytes.get(space + 1..)?))
}

fn skip_empty_lines(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    for _ in 0..MAX_EMPTY_LINES {
        bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const MAX: usize = 1_000;

    #[test]
    fn the_end_is_found_wherever_the_pieces_break() {
        for (head, rest) in [
            ("GET / HTTP/1.1\r\n\r\n", ""),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET"),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n"),
        ] {
            let all = format!("{head}{rest}");
            for cut in 0..=all.len() {
                let mut end = HeadEnd::default();
                let first = end.find(&all.as_bytes()[..cut], MAX).unwrap();
                assert_eq!(first, (cut >= head.len()).then_some(head.len()), "{all:?} at {cut}");
                if first.is_none() {
                    assert_eq!(end.find(all.as_bytes(), MAX).unwrap(), Some(head.len()), "{all:?} at {cut}");
                }
            }
            let mut end = HeadEnd::default();
            let found = (0..=all.len()).find_map(|to| end.find(&all.as_bytes()[..to], MAX).unwrap());
            assert_eq!(found, Some(head.len()), "{all:?}");
        }
    }

    #[test]
    fn a_lone_line_feed_is_refused_as_soon_as_it_comes() {
        for head in ["GET / HTTP/1.1\n", "\n", "GET / HTTP/1.1\r\nHost: a\n", "GET / HTTP/1.1\r\n\n", "a\r\r\n\n"] {
            assert_eq!(HeadEnd::default().find(head.as_bytes(), MAX), Err(HeadError::Malformed), "{head:?}");
        }
    }

    #[test]
    fn no_more_than_the_limit_is_waited_for() {
        let line = "x".repeat(MAX);
        let mut end = HeadEnd::default();
        assert_eq!(end.find(&line.as_bytes()[..MAX - 1], MAX), Ok(None));
        assert_eq!(end.find(line.as_bytes(), MAX), Err(HeadError::LineTooLong));
        let head = format!("GET / HTTP/1.1\r\n{line}");
        assert_eq!(HeadEnd::default().find(head.as_bytes(), MAX), Err(HeadError::TooLarge));
        // One that ends just there is within it.
        let whole = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(MAX - 23));
        assert_eq!(whole.len(), MAX);
        assert_eq!(HeadEnd::default().find(whole.as_bytes(), MAX), Ok(Some(MAX)));
        assert_eq!(HeadEnd::default().find(format!("{whole}x").as_bytes(), MAX), Ok(Some(MAX)));
        assert_eq!(HeadEnd::default().find(whole.as_bytes(), MAX - 1), Err(HeadError::TooLarge));
    }

    #[test]
    fn what_is_no_request_is_known_by_its_first_bytes() {
        for bytes in
            ["", "G", "GET", "GET ", "GET / HTTP", "\r", "\r\n", "\r\nGET /", "PRI * HTTP/2.0\r\n\r\nSM", "PROXY TCP4"]
        {
            assert!(may_begin_request(bytes.as_bytes()), "{bytes:?}");
        }
        for bytes in ["\u{16}\u{3}\u{1}", " GET", "GET\t", "GET\r", "GET\0", "(", "\n", "\r\r", &"A".repeat(65)] {
            assert!(!may_begin_request(bytes.as_bytes()), "{bytes:?}");
        }
    }

    #[test]
    fn a_request_line_has_two_single_spaces() {
        let request = |line: &str| {
            let bytes = format!("{line}\r\nHost: a\r\n\r\n");
            RequestHead::parse(bytes.as_bytes()).map(|head| {
                assert_eq!(head.fields.iter().count(), 1);
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                (text(head.method), text(head.target), head.version)
            })
        };
        let read = |method: &str, target: &str, version| Ok((method.to_owned(), target.to_owned(), version));
        assert_eq!(request("GET / HTTP/1.1"), read("GET", "/", Version::Http11));
        assert_eq!(request("M-SEARCH * HTTP/1.0"), read("M-SEARCH", "*", Version::Http10));
        assert_eq!(request("GET /a?{\"b\"}|^ HTTP/1.1"), read("GET", "/a?{\"b\"}|^", Version::Http11));
        for line in [
            "GET /",
            "GET  / HTTP/1.1x",
            "GET / HTTP/1.2",
            "GET / HTTP/2.0",
            "GET / http/1.1",
            "GET / HTTP/1.1 ",
            "GET /\tHTTP/1.1",
            " GET / HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET",
            "",
            "GET / HTTP/01.1",
            "PRI * HTTP/2.0",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2",
        ] {
            assert_eq!(request(line), Err(HeadError::Malformed), "{line:?}");
        }
        for line in [
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET /a /b HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET /\u{7f} HTTP/1.1",
            "GET /\u{1} HTTP/1.1",
        ] {
            assert_eq!(request(line), Err(HeadError::Target), "{line:?}");
        }
    }

    #[test]
    fn a_status_line_has_three_digits() {
        let response = |line: &str| {
            let bytes = format!("{line}\r\nA: b\r\n\r\n");
            ResponseHead::parse(bytes.as_bytes())
                .map(|head| (head.version, head.status, String::from_utf8_lossy(head.phrase).into_owned()))
        };
        let read = |version, status, phrase: &str| Ok((version, status, phrase.to_owned()));
        assert_eq!(response("HTTP/1.1 200 OK"), read(Version::Http11, 200, "OK"));
        assert_eq!(response("HTTP/1.0 404 Not Found"), read(Version::Http10, 404, "Not Found"));
        assert_eq!(response("HTTP/1.1 599 "), read(Version::Http11, 599, ""));
        assert_eq!(response("HTTP/1.1 200"), read(Version::Http11, 200, ""));
        for line in [
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 099 x",
            "HTTP/1.1  200 OK",
            "HTTP/2 200 OK",
            "ICY 200 OK",
            "HTTP/1.1",
            "",
            "HTTP/1.1 2x0 OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1 200 O\u{1}K",
            "\r\nHTTP/1.1 200 OK",
        ] {
            assert_eq!(response(line), Err(HeadError::Malformed), "{line:?}");
        }
    }

    #[test]
    fn lines_know_their_places() {
        let bytes = b"\r\nGET / HTTP/1.1\r\nHost: a\r\nX-B:c \r\n\r\n";
        let head = RequestHead::parse(bytes).unwrap();
        let lines: Vec<_> = head.fields.iter().map(|field| &bytes[field.start..field.end]).collect();
        assert_eq!(lines, [&b"Host: a\r\n"[..], b"X-B:c \r\n"]);
    }
}
