//! The host that a request is for: named once, in one way.
//!
//! Two servers that take it from different places, or read it differently, serve different hosts: then what one of them
//! judged is not what the other one answers.

use std::borrow::Cow;

use http::header::HOST;

use crate::address::host::{canonical, port, split_port};
use crate::{HeaderFields, Host, Reason};

/// The host that a request is for, and its port where one was sent.
///
/// It equals a [`Host`] where the two are the same host, whatever their spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHost<'a> {
    host: Cow<'a, str>,
    port: Option<u16>,
}

impl RequestHost<'_> {
    /// The host in the canonical form of [`Host`].
    pub fn as_str(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl PartialEq<Host> for RequestHost<'_> {
    fn eq(&self, host: &Host) -> bool {
        self.as_str() == host.as_str()
    }
}

/// The host that a request is for; `None` where the request names none. It allocates only where the host is not in canonical
/// form.
///
/// HTTP/2 names it in `:authority`, HTTP/1.1 in `Host` (RFC 9110 section 7.2), and either may name it in the other place
/// too. `authority` is that of the request's target, where it has one.
///
/// # Errors
///
/// [`Reason::RequestMalformed`] for more than one `Host` (RFC 9112 section 3.2), for one that contradicts the target, and for
/// what is not a [`Host`] or a host and a port: userinfo, escapes, an empty label, an address written in an unusual way, a
/// port that is no number.
pub fn request_host<'a>(
    authority: Option<&'a str>,
    headers: impl Into<HeaderFields<'a>>,
) -> Result<Option<RequestHost<'a>>, Reason> {
    let mut fields = headers.into().values(&HOST);
    let field = match (fields.next(), fields.next()) {
        (None, _) => None,
        (Some(field), None) => Some(str::from_utf8(field).map_err(|_| Reason::RequestMalformed)?),
        (Some(_), Some(_)) => return Err(Reason::RequestMalformed),
    };
    if let (Some(authority), Some(field)) = (authority, field)
        && !authority.eq_ignore_ascii_case(field)
    {
        return Err(Reason::RequestMalformed);
    }
    authority.or(field).map(parse).transpose()
}

fn parse(text: &str) -> Result<RequestHost<'_>, Reason> {
    let (host, digits) = split_port(text);
    let host = canonical(host).map_err(|_| Reason::RequestMalformed)?;
    let port = digits.map(|digits| port(digits).ok_or(Reason::RequestMalformed)).transpose()?;
    Ok(RequestHost { host, port })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use http::HeaderMap;

    use super::*;

    /// The host as it is compared, and the port.
    fn host(authority: Option<&str>, fields: &[&[u8]]) -> Result<Option<String>, Reason> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(HOST, http::HeaderValue::from_bytes(field).unwrap());
        }
        let host = request_host(authority, &headers)?;
        Ok(host
            .map(|host| format!("{}{}", host.as_str(), host.port().map_or(String::new(), |port| format!(":{port}")))))
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
        for (text, expected) in [
            ("a", "a"),
            ("a_b", "a_b"),
            ("a-1.example.", "a-1.example"),
            ("a.example:8080", "a.example:8080"),
            ("A.example.:080", "a.example:80"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
            ("[2001:db8::1]:65535", "[2001:db8::1]:65535"),
        ] {
            assert_eq!(host(None, &[text.as_bytes()]), Ok(Some(expected.to_owned())));
            assert_eq!(host(Some(text), &[]), Ok(Some(expected.to_owned())));
        }
    }

    #[test]
    fn it_is_compared_with_hosts_and_not_with_texts() {
        let headers = HeaderMap::new();
        for (asked, route, expected) in [
            ("A.Example.:8080", "a.example", true),
            ("[0:0:0:0:0:0:0:1]:1", "[::1]", true),
            ("a.example", "b.example", false),
            ("[::ffff:127.0.0.1]", "127.0.0.1", false),
        ] {
            let asked = request_host(Some(asked), &headers).unwrap().unwrap();
            assert_eq!(asked == Host::parse(route).unwrap(), expected, "{asked:?} {route}");
        }
    }

    #[test]
    fn what_is_in_canonical_form_is_borrowed() {
        let headers = HeaderMap::new();
        for text in ["api.example.com", "api.example.com.:8080", "127.0.0.1:80", "[::1]:80"] {
            let host = request_host(Some(text), &headers).unwrap().unwrap();
            assert!(matches!(host.host, Cow::Borrowed(_)), "{text}");
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
            "a:65536",
            "127.1",
            "0x7f.1:80",
            "2130706433",
            "127.0.0.1.",
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
