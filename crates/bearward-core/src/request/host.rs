//! The host that a request is for: named once, in one way.
//!
//! Two servers that take it from different places, or read it differently, serve different hosts: then what one of them
//! judged is not what the other one answers.

use std::net::Ipv6Addr;

use http::HeaderMap;
use http::header::HOST;

use crate::Reason;

/// The host that a request is for, with its port where one was sent; `None` where the request names none.
///
/// HTTP/2 names it in `:authority`, HTTP/1.1 in `Host` (RFC 9110 section 7.2), and either may name it in the other place
/// too. `authority` is that of the request's target, where it has one.
///
/// # Errors
///
/// [`Reason::RequestMalformed`] for more than one `Host` (RFC 9112 section 3.2), for one that contradicts the target, and for
/// what is not `host[:port]`: userinfo, escapes, an empty label, a port that is no number.
pub fn request_host<'a>(authority: Option<&'a str>, headers: &'a HeaderMap) -> Result<Option<&'a str>, Reason> {
    let mut fields = headers.get_all(HOST).iter();
    let field = match (fields.next(), fields.next()) {
        (None, _) => None,
        (Some(field), None) => Some(field.to_str().map_err(|_| Reason::RequestMalformed)?),
        (Some(_), Some(_)) => return Err(Reason::RequestMalformed),
    };
    if let (Some(authority), Some(field)) = (authority, field)
        && !authority.eq_ignore_ascii_case(field)
    {
        return Err(Reason::RequestMalformed);
    }
    let host = authority.or(field);
    if host.is_none_or(is_host) { Ok(host) } else { Err(Reason::RequestMalformed) }
}

/// `host[:port]`: a registered name or IPv4 address without escapes, or an IPv6 address in brackets. No userinfo, and no
/// empty label: one dot at the end is the root, of two some servers drop one or both and serve another host.
fn is_host(text: &str) -> bool {
    let port = if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        if address.parse::<Ipv6Addr>().is_err() {
            return false;
        }
        port
    } else {
        let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) || name.starts_with('.') || name.contains("..") {
            return false;
        }
        port
    };
    match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn host(authority: Option<&str>, fields: &[&[u8]]) -> Result<Option<String>, Reason> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(HOST, http::HeaderValue::from_bytes(field).unwrap());
        }
        request_host(authority, &headers).map(|host| host.map(str::to_owned))
    }

    #[test]
    fn it_is_named_in_the_target_or_in_the_field_or_in_both() {
        assert_eq!(host(None, &[]), Ok(None));
        for (authority, fields) in
            [(None, &["a.example"][..]), (Some("a.example"), &[]), (Some("a.example"), &["A.example"])]
        {
            let fields: Vec<_> = fields.iter().map(|field| field.as_bytes()).collect();
            assert_eq!(host(authority, &fields), Ok(Some("a.example".to_owned())), "{authority:?} {fields:?}");
        }
    }

    #[test]
    fn names_addresses_and_ports_go_on() {
        for text in ["a", "a_b", "a-1.example.", "a.example:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:65535"] {
            assert_eq!(host(None, &[text.as_bytes()]), Ok(Some(text.to_owned())));
            assert_eq!(host(Some(text), &[]), Ok(Some(text.to_owned())));
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_does_not() {
        for text in [
            "",
            ".",
            ".a",
            "a..",
            "a..b:80",
            "user@a",
            "a,b",
            "a b",
            "a/b",
            "a:b",
            "a:",
            "a:80:80",
            "a:123456",
            ":80",
            "%61",
            "[::1",
            "[nonsense]",
            "[::1]x",
            "[::1]:",
            "::1",
            "a\\b",
            "a?b",
            "a#b",
            "\u{e4}",
        ] {
            assert_eq!(host(None, &[text.as_bytes()]), Err(Reason::RequestMalformed), "{text:?}");
            assert_eq!(host(Some(text), &[]), Err(Reason::RequestMalformed), "{text:?}");
        }
        let repeated: [(Option<&str>, &[&[u8]]); 4] =
            [(None, &[b"a", b"a"]), (Some("a"), &[b"a", b"a"]), (Some("a"), &[b"b"]), (Some("a:80"), &[b"a"])];
        for (authority, fields) in repeated {
            assert_eq!(host(authority, fields), Err(Reason::RequestMalformed), "{authority:?} {fields:?}");
        }
        assert_eq!(host(None, &[b"\xff"]), Err(Reason::RequestMalformed));
    }
}
