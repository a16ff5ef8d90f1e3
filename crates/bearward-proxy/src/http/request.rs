//! Requests that are refused before the gate decides, because two servers could read them in two ways.
//!
//! The parser in use, pingora's, already answers 400 to repeated or differing `Host`, to a `Host` that contradicts an absolute
//! target, to obs-fold, to a space before a colon, to NUL and to malformed `Content-Length`. It accepts the cases below or
//! repairs them silently, so they are checked in the received header block. Cases that the parser refuses are checked too: a
//! later parser may be more tolerant.

use bearward_core::{Reason, check_method};
use http::Version;
use http::header::HOST;

use super::framing;
use super::head::Head;
use super::target::{self, TargetForm};

/// The form of the request's target, or why the request can be read in two ways.
pub(crate) fn check(head: &Head<'_>, max_header_bytes: usize) -> Result<TargetForm, Reason> {
    if head.raw.len() > max_header_bytes {
        return Err(Reason::HeadersTooLarge);
    }
    // The gate checks again, with the methods that routes name. Here the connection is closed as well.
    check_method(head.method, [])?;
    // RFC 9112, 2.2 lets a recipient take a lone LF for a line end; a neighbour that does not would see other headers.
    if has_bare_line_feed(head.raw) || !framing::is_clear(head) || !has_host(head) {
        return Err(Reason::RequestMalformed);
    }
    target::form(head)
}

/// HTTP/1.1 requires `Host`, HTTP/1.0 does not (RFC 9112, 3.2). The gate checks its value.
fn has_host(head: &Head<'_>) -> bool {
    head.headers.contains_key(HOST) || head.version == Version::HTTP_10
}

/// Whether some LF does not end a CRLF. Two plain counts, which the compiler turns into vector instructions.
fn has_bare_line_feed(raw: &[u8]) -> bool {
    let feeds = raw.iter().filter(|byte| **byte == b'\n').count();
    let ends = raw.iter().zip(raw.iter().skip(1)).filter(|(cr, lf)| **cr == b'\r' && **lf == b'\n').count();
    feeds != ends
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests {
    use http::header::{CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING};
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    /// Parses as pingora does: without the fragment, and without `Content-Length` beside `Transfer-Encoding`.
    fn checked(raw: &str) -> Result<TargetForm, Reason> {
        let mut lines = raw.trim_start().split('\n').map(|line| line.trim_end_matches('\r'));
        let line: Vec<_> = lines.next().unwrap().split(' ').collect();
        let version = if line[2] == "HTTP/1.0" { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        if headers.contains_key(TRANSFER_ENCODING) {
            headers.remove(CONTENT_LENGTH);
        }
        let target = line[1].split('#').next().unwrap().as_bytes();
        let method = Method::from_bytes(line[0].as_bytes()).unwrap();
        let head = Head { raw: raw.as_bytes(), method: &method, version, target, headers: &headers };
        check(&head, 1_000)
    }

    #[test]
    fn plain_requests_go_on() {
        for raw in [
            "GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n",
            "\r\n\r\nGET /a?b=c:d HTTP/1.1\r\nHost: api.example.com:8080\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: api.example.com.:80\r\n\r\n",
            "GET /a HTTP/1.0\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: a_b\r\nContent-Length: 3\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
        ] {
            assert_eq!(checked(raw), Ok(TargetForm::Origin), "{raw:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_does_not() {
        for raw in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX-B: c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nCONTENT-LENGTH: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
            "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "post /a HTTP/1.1\r\nHost: a\r\n\r\n",
            "trace /a HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(checked(raw), Err(Reason::RequestMalformed), "{raw:?}");
        }
        assert_eq!(checked("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), Err(Reason::PathAmbiguous));
    }

    #[test]
    fn too_large_and_never_allowed_are_told_apart() {
        let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "x".repeat(1_000));
        assert_eq!(checked(&large), Err(Reason::HeadersTooLarge));
        for method in ["TRACE", "TRACK"] {
            assert_eq!(checked(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")), Err(Reason::MethodNotForwarded));
        }
        assert_eq!(checked("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"), Err(Reason::MethodNotForwarded));
    }

    #[test]
    fn an_absolute_target_becomes_its_origin_form() {
        for (target, origin) in [
            ("http://api.example.com/a?b=//c", "/a?b=//c"),
            ("HTTPS://api.example.com", "/"),
            ("http://api.example.com?b", "/?b"),
        ] {
            let expected = TargetForm::Absolute { origin: origin.into(), authority: "api.example.com".into() };
            for rest in ["HTTP/1.1\r\nHost: api.example.com\r\n\r\n", "HTTP/1.0\r\n\r\n"] {
                assert_eq!(checked(&format!("GET {target} {rest}")).as_ref(), Ok(&expected), "{target}");
            }
        }
    }
}
