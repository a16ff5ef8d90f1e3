//! What of a request is refused before anyone judges it: whatever two servers could read in two ways.
//!
//! pingora's parser already answers 400 to repeated or differing `Host`, to a `Host` that contradicts an absolute target,
//! to obs-fold, to a space before a colon, to NUL and to malformed `Content-Length`. It lets the cases below through, or
//! repairs them silently, so they are looked for in the header block as it came. Where both would refuse, we still look:
//! a later parser may be more tolerant.

use bearward_core::{Reason, check_method};
use http::Version;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use pingora_core::protocols::http::authority::{RawTargetAuthority, raw_target_authority};
use pingora_http::RequestHeader;

/// The form of a request target (RFC 9112, 3.2) that may go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `/path?query`: judged and forwarded as it is.
    Origin,
    /// `http://host/path?query`: to be forwarded as `origin`, with `authority` as its `Host`.
    Absolute { origin: Vec<u8>, authority: Vec<u8> },
}

/// Looks at a request as it came (`raw`, the whole header block) and as it was parsed (`head`).
pub(crate) fn check(raw: &[u8], head: &RequestHeader, max_header_bytes: usize) -> Result<Form, Reason> {
    if raw.len() > max_header_bytes {
        return Err(Reason::HeadersTooLarge);
    }
    // The gate looks again, with the methods that routes name. Here the connection is closed as well.
    check_method(&head.method, [])?;
    // RFC 9112, 2.2 lets a recipient take a lone LF for a line end; a neighbour that does not would see other headers.
    if has_bare_line_feed(raw) {
        return Err(Reason::RequestMalformed);
    }
    framing(raw, head)?;
    host(head)?;
    form(raw, head)
}

/// The path of a target in origin form, without its query.
pub(crate) fn path(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// The query of a target in origin form, without its `?`.
pub(crate) fn query(target: &[u8]) -> Option<&[u8]> {
    target.splitn(2, |byte| *byte == b'?').nth(1)
}

/// The body has one length, told in one way (RFC 9112, 6.1 and 6.3).
fn framing(raw: &[u8], head: &RequestHeader) -> Result<(), Reason> {
    let one = |name| {
        let mut values = head.headers.get_all(name).iter();
        (values.next(), values.next().is_some())
    };
    let clear = match (one(TRANSFER_ENCODING), one(CONTENT_LENGTH)) {
        ((None, _), (None, _)) => true,
        // pingora folds equal repetitions, and forwards them: the upstream may not.
        ((None, _), (Some(length), repeated)) => {
            !repeated && !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
        }
        // pingora drops `Content-Length` where `Transfer-Encoding` stands beside it, so `head` does not tell: `raw` does.
        ((Some(coding), repeated), _) => {
            !repeated
                && head.version == Version::HTTP_11
                && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !names(raw).any(|name| name.eq_ignore_ascii_case(b"content-length"))
        }
    };
    if clear { Ok(()) } else { Err(Reason::RequestMalformed) }
}

/// HTTP/1.1 has a `Host`, HTTP/1.0 may have none (RFC 9112, 3.2). What stands in it, the gate judges.
fn host(head: &RequestHeader) -> Result<(), Reason> {
    let is_there = head.headers.contains_key(HOST) || head.version == Version::HTTP_10;
    if is_there { Ok(()) } else { Err(Reason::RequestMalformed) }
}

fn form(raw: &[u8], head: &RequestHeader) -> Result<Form, Reason> {
    let target = target(raw).ok_or(Reason::RequestMalformed)?;
    // What will be forwarded is what was sent: pingora cuts a fragment off, which RFC 9112, 3.2 forbids to send.
    if target != head.raw_path() {
        return Err(Reason::PathAmbiguous);
    }
    match raw_target_authority(target) {
        RawTargetAuthority::None => Ok(Form::Origin),
        RawTargetAuthority::Absolute { scheme, authority, path_and_query } => {
            let known = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
            let agrees = head.headers.get(HOST).is_none_or(|host| host.as_bytes() == authority);
            if !known || !agrees {
                return Err(Reason::RequestMalformed);
            }
            let slash: &[u8] = if path_and_query.starts_with(b"/") { b"" } else { b"/" };
            Ok(Form::Absolute { origin: [slash, path_and_query].concat(), authority: authority.to_vec() })
        }
        RawTargetAuthority::AmbiguousAuthority => Err(Reason::RequestMalformed),
    }
}

/// The request target of a header block, as it was sent.
fn target(raw: &[u8]) -> Option<&[u8]> {
    let mut raw = raw;
    // RFC 9112, 2.2: empty lines before the request line are to be ignored.
    while let Some(rest) = raw.strip_prefix(b"\r\n") {
        raw = rest;
    }
    let line = raw.split(|byte| *byte == b'\r').next()?;
    let start = line.iter().position(|byte| *byte == b' ')?;
    let end = line.iter().rposition(|byte| *byte == b' ')?;
    line.get(start + 1..end)
}

/// The names of a header block's lines.
fn names(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b':').next())
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
    use http::header::HeaderName;

    use super::*;

    /// Parses as pingora does: without the fragment, and without `Content-Length` beside `Transfer-Encoding`.
    fn checked(raw: &str) -> Result<Form, Reason> {
        let mut lines = raw.trim_start().split('\n').map(|line| line.trim_end_matches('\r'));
        let line: Vec<_> = lines.next().unwrap().split(' ').collect();
        let mut head = RequestHeader::build(line[0], line[1].as_bytes(), None).unwrap();
        head.set_version(if line[2] == "HTTP/1.0" { Version::HTTP_10 } else { Version::HTTP_11 });
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            head.append_header(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.trim()).unwrap();
        }
        if head.headers.contains_key(TRANSFER_ENCODING) {
            head.remove_header(&CONTENT_LENGTH);
        }
        check(raw.as_bytes(), &head, 1_000)
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
            assert_eq!(checked(raw), Ok(Form::Origin), "{raw:?}");
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
            let expected = Form::Absolute { origin: origin.into(), authority: "api.example.com".into() };
            for rest in ["HTTP/1.1\r\nHost: api.example.com\r\n\r\n", "HTTP/1.0\r\n\r\n"] {
                assert_eq!(checked(&format!("GET {target} {rest}")).as_ref(), Ok(&expected), "{target}");
            }
        }
    }

    #[test]
    fn the_path_ends_at_the_first_question_mark() {
        assert_eq!(path(b"/a/b?c?d"), b"/a/b");
        assert_eq!(path(b"/a"), b"/a");
        assert_eq!(path(b""), b"");
    }
}
