//! The length of a request's body, which must be given once and in one way (RFC 9112, 6.1 and 6.3).

use http::Version;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};

use super::head::Head;

/// Whether the length of the body is given once and in one way.
pub(super) fn is_clear(head: &Head<'_>) -> bool {
    let one = |name| {
        let mut values = head.headers.get_all(name).iter();
        (values.next(), values.next().is_some())
    };
    match (one(TRANSFER_ENCODING), one(CONTENT_LENGTH)) {
        ((None, _), (None, _)) => true,
        // A parser may accept equal repetitions and forward them to an upstream that does not.
        ((None, _), (Some(length), repeated)) => {
            !repeated && !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
        }
        // A parser may drop `Content-Length` beside `Transfer-Encoding`, so this checks the bytes and not the fields.
        ((Some(coding), repeated), _) => {
            !repeated
                && head.version == Version::HTTP_11
                && coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !names(head.raw).any(|name| name.eq_ignore_ascii_case(b"content-length"))
        }
    }
}

/// The names of a header block's lines.
fn names(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b':').next())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    #[test]
    fn a_length_is_told_once() {
        let raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        let with = |fields: &[(http::HeaderName, &'static str)], raw: &[u8], version| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name, HeaderValue::from_static(value));
            }
            is_clear(&Head { raw, method: &Method::POST, version, target: b"/", headers: &headers })
        };
        let (length, coding) = (CONTENT_LENGTH, TRANSFER_ENCODING);
        let one_one = Version::HTTP_11;
        assert!(with(&[], b"", one_one));
        assert!(with(&[(length.clone(), "3")], b"", one_one));
        assert!(with(&[(coding.clone(), "Chunked")], b"", one_one));
        assert!(!with(&[(length.clone(), "3"), (length.clone(), "3")], b"", one_one));
        assert!(!with(&[(length.clone(), "3, 3")], b"", one_one));
        assert!(!with(&[(length.clone(), "+3")], b"", one_one));
        assert!(!with(&[(length, "")], b"", one_one));
        assert!(!with(&[(coding.clone(), "gzip, chunked")], b"", one_one));
        assert!(!with(&[(coding.clone(), "chunked"), (coding.clone(), "chunked")], b"", one_one));
        assert!(!with(&[(coding.clone(), "chunked")], b"", Version::HTTP_10));
        assert!(!with(&[(coding, "chunked")], raw, one_one), "the bytes tell of a length that the parser dropped");
    }
}
