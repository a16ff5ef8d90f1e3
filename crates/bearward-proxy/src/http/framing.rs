//! The length of a message's body, which must be given once and in one way (RFC 9112, 6).

use super::fields::Name;
use super::head::{RequestHead, ResponseHead, Version};

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// By its length in bytes, one or more.
    Length(u64),
    /// By its last chunk.
    Chunked,
    /// By the end of the connection: responses alone (RFC 9112, 6.3, rule 8).
    UntilClose,
}

/// Two readers could find different ends of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// The framing of a request's body.
pub(crate) fn of_request(head: &RequestHead<'_>) -> Result<Framing, Unclear> {
    let mut codings = head.fields.values(Name::TransferEncoding);
    let mut lengths = head.fields.values(Name::ContentLength);
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(Framing::None),
        // Equal repetitions may be read as one (RFC 9110, 8.6), and not by everybody behind us.
        (None, Some(length)) if lengths.next().is_none() => of_length(length),
        // Both together is what request smuggling is made of (RFC 9112, 6.1). Other codings are nothing that a client sends. HTTP/1.0
        // has no chunks, and whoever takes it at its word reads another body.
        (Some(coding), None) if codings.next().is_none() && is_chunked(coding) && head.version == Version::Http11 => {
            Ok(Framing::Chunked)
        }
        _ => Err(Unclear),
    }
}

/// The framing of a response's body, to a request that was `HEAD` or not.
pub(crate) fn of_response(head: &ResponseHead<'_>, to_head: bool) -> Result<Framing, Unclear> {
    let mut codings = head.fields.values(Name::TransferEncoding);
    let mut lengths = head.fields.values(Name::ContentLength);
    let framing = match (codings.next(), lengths.next()) {
        (None, None) => Framing::UntilClose,
        (None, Some(length)) => {
            // One that is repeated as it was is the one meant (RFC 9110, 8.6).
            let framing = of_length(length)?;
            if lengths.all(|other| of_length(other) == Ok(framing)) { framing } else { return Err(Unclear) }
        }
        (Some(coding), None) if codings.next().is_none() && is_chunked(coding) && head.version == Version::Http11 => {
            Framing::Chunked
        }
        _ => return Err(Unclear),
    };
    // They have no body, whatever they say of one (RFC 9112, 6.3, rule 1).
    let has_none = to_head || matches!(head.status, 100..=199 | 204 | 304);
    Ok(if has_none { Framing::None } else { framing })
}

fn of_length(value: &[u8]) -> Result<Framing, Unclear> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Unclear);
    }
    match str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).ok_or(Unclear)? {
        0 => Ok(Framing::None),
        length => Ok(Framing::Length(length)),
    }
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"chunked")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn request(version: &str, fields: &[&str]) -> Result<Framing, Unclear> {
        let lines: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let bytes = format!("POST / {version}\r\n{lines}\r\n");
        of_request(&RequestHead::parse(bytes.as_bytes()).unwrap())
    }

    fn response(line: &str, fields: &[&str], to_head: bool) -> Result<Framing, Unclear> {
        let lines: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let bytes = format!("{line}\r\n{lines}\r\n");
        of_response(&ResponseHead::parse(bytes.as_bytes()).unwrap(), to_head)
    }

    const BAD_LENGTHS: [&str; 9] = ["", "+3", "-3", "0x3", "3, 3", "3,4", "1_0", "3 3", "18446744073709551616"];
    const BAD_CODINGS: [&str; 6] =
        ["identity", "gzip, chunked", "chunked, chunked", "xchunked", ",chunked", "chunked;q=1"];

    #[test]
    fn a_request_tells_its_length_once() {
        for (fields, framing) in [
            (&[][..], Framing::None),
            (&["Content-Length: 0"], Framing::None),
            (&["content-length: 003"], Framing::Length(3)),
            (&["Content-Length: 18446744073709551615"], Framing::Length(u64::MAX)),
            (&["TRANSFER-ENCODING: Chunked"], Framing::Chunked),
        ] {
            assert_eq!(request("HTTP/1.1", fields), Ok(framing), "{fields:?}");
        }
        assert_eq!(request("HTTP/1.0", &["Content-Length: 3"]), Ok(Framing::Length(3)));
        let (length, coding) = ("Content-Length: 3", "Transfer-Encoding: chunked");
        for fields in [&[length, length][..], &[length, coding], &[coding, length], &[coding, coding]] {
            assert_eq!(request("HTTP/1.1", fields), Err(Unclear), "{fields:?}");
        }
        assert_eq!(request("HTTP/1.0", &[coding]), Err(Unclear));
        for length in BAD_LENGTHS {
            assert_eq!(request("HTTP/1.1", &[&format!("Content-Length: {length}")]), Err(Unclear), "{length}");
        }
        for coding in BAD_CODINGS {
            assert_eq!(request("HTTP/1.1", &[&format!("Transfer-Encoding: {coding}")]), Err(Unclear), "{coding}");
        }
    }

    #[test]
    fn a_response_ends_by_length_chunks_or_connection() {
        let (length, coding) = ("Content-Length: 3", "Transfer-Encoding: chunked");
        let ok = "HTTP/1.1 200 OK";
        for (fields, framing) in [
            (&[][..], Ok(Framing::UntilClose)),
            (&[length], Ok(Framing::Length(3))),
            (&[length, length], Ok(Framing::Length(3))),
            (&[length, "Content-Length: 4"], Err(Unclear)),
            (&[coding], Ok(Framing::Chunked)),
            (&[coding, length], Err(Unclear)),
            (&[coding, coding], Err(Unclear)),
        ] {
            assert_eq!(response(ok, fields, false), framing, "{fields:?}");
            assert_eq!(response(ok, fields, true), framing.map(|_| Framing::None), "{fields:?} to HEAD");
        }
        for line in ["HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 103 Early Hints"] {
            assert_eq!(response(line, &[length], false), Ok(Framing::None), "{line}");
        }
        assert_eq!(response("HTTP/1.0 200 OK", &[coding], false), Err(Unclear));
        for length in BAD_LENGTHS {
            assert_eq!(response(ok, &[&format!("Content-Length: {length}")], false), Err(Unclear), "{length}");
        }
        for coding in BAD_CODINGS {
            assert_eq!(response(ok, &[&format!("Transfer-Encoding: {coding}")], false), Err(Unclear), "{coding}");
        }
    }
}
