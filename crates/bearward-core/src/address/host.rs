//! A host, in one canonical form.
//!
//! Two programs that read one host in two ways serve two hosts: then what one of them judged is not what the other one
//! answers. So there is one grammar for requests, routes, servers and endpoints, and what it reads is compared as it stands.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A name, an IPv4 address, or an IPv6 address in brackets, in canonical form: in lower case, without the root's dot, and with
/// an IPv6 address as RFC 5952 writes it.
///
/// Only [`Host::parse`] makes one, so two of them are the same host where they are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(Arc<str>);

/// Why a text is no [`Host`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// A part between two dots is empty or longer than 63 characters, or the whole is longer than 253 (RFC 1035, 2.3.4).
    #[error("a name is made of parts of 1 to 63 characters with dots between them, 253 in all")]
    Length,
    /// A character that is in no name.
    #[error("a name holds letters, digits, `-` and `_` alone")]
    Character,
    /// A character that is not ASCII. On the wire a name is ASCII (RFC 5890, 2.3.2.1).
    #[error("a name is ASCII: write the form that begins with `xn--` (RFC 5890)")]
    NotAscii,
    /// A name that some programs take for an IPv4 address: `127.1`, `0x7f.1`, `0177.0.0.1`, `2130706433`.
    #[error(
        "what ends in a number is an IPv4 address, and that is written `192.0.2.1`: four decimal numbers without a leading zero"
    )]
    Ipv4,
    /// An IPv6 address without brackets.
    #[error("an IPv6 address stands in brackets")]
    NoBrackets,
    /// In brackets, and no IPv6 address without a zone.
    #[error("in brackets stands an IPv6 address without a zone")]
    Ipv6,
}

impl Host {
    /// Reads a host without a port.
    ///
    /// # Errors
    ///
    /// A [`HostError`] where it is none, or where it could be read in two ways.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        canonical(text).map(|host| Self(host.into()))
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.0.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse().map(IpAddr::V6).ok(),
            None => self.0.parse().map(IpAddr::V4).ok(),
        }
    }

    /// Whether it is this very machine: `localhost` (RFC 6761, 6.3), `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        &*self.0 == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The canonical form of a host. It is borrowed where the host is written so already, as nearly all are.
pub(crate) fn canonical(text: &str) -> Result<Cow<'_, str>, HostError> {
    if !text.is_ascii() {
        return Err(HostError::NotAscii);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let address = rest.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok());
        let canonical = format!("[{}]", address.ok_or(HostError::Ipv6)?);
        return Ok(if canonical == text { Cow::Borrowed(text) } else { Cow::Owned(canonical) });
    }
    if text.contains(':') && text.parse::<Ipv6Addr>().is_ok() {
        return Err(HostError::NoBrackets);
    }
    // One dot at the end is the root (RFC 1034, 3.1). Of two, some programs drop one or both.
    let name = text.strip_suffix('.').unwrap_or(text);
    let mut last = "";
    for label in name.split('.') {
        // Underscores are in no host name, but in many service names (Docker Compose).
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return Err(HostError::Character);
        }
        if !(1..=63).contains(&label.len()) {
            return Err(HostError::Length);
        }
        last = label;
    }
    if name.len() > 253 {
        return Err(HostError::Length);
    }
    // `inet_aton`, and with it browsers (WHATWG URL, 3.5) and many HTTP clients, read these as an IPv4 address; others look the
    // name up. No name on the internet ends in a number (RFC 1123, 2.1). With the root's dot, even the usual form is read in
    // both ways.
    if is_number(last) && text.parse::<Ipv4Addr>().is_err() {
        return Err(HostError::Ipv4);
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(Cow::Owned(name.to_ascii_lowercase()));
    }
    Ok(Cow::Borrowed(name))
}

/// Splits a port off, without looking at either part: what follows the bracket of an IPv6 address, or the first colon.
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
    let host_end = if text.starts_with('[') { text.find(']').map(|at| at + 1) } else { text.find(':') };
    let (host, rest) = text.split_at(host_end.unwrap_or(text.len()));
    match rest.strip_prefix(':') {
        Some(port) => (host, Some(port)),
        None if rest.is_empty() => (host, None),
        // `[::1]x`, which is no host.
        None => (text, None),
    }
}

/// A port: a decimal number of up to five digits.
pub(crate) fn port(digits: &str) -> Option<u16> {
    let is_number = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Whether a label is a number as `inet_aton` reads them: decimal, octal or hexadecimal.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_form() {
        for (text, expected) in [
            ("a", "a"),
            ("API.Example.com", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_service", "my_service"),
            ("-a", "-a"),
            ("1.example", "1.example"),
            ("0x7f.example", "0x7f.example"),
            ("a.0xg", "a.0xg"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("[2001:DB8::0:1]", "[2001:db8::1]"),
            ("[::FFFF:192.0.2.1]", "[::ffff:192.0.2.1]"),
            ("[::ffff:c000:201]", "[::ffff:192.0.2.1]"),
        ] {
            assert_eq!(Host::parse(text).unwrap().as_str(), expected, "{text}");
            assert_eq!(Host::parse(expected).unwrap().to_string(), expected, "{text}");
            assert_eq!(
                matches!(canonical(text).unwrap(), Cow::Borrowed(_)),
                expected.len() == text.trim_end_matches('.').len() && text.starts_with(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_no_host() {
        let long = "a".repeat(64);
        let longer = ["a"; 128].join(".");
        for (text, why) in [
            ("", HostError::Length),
            (".", HostError::Length),
            (".a", HostError::Length),
            ("a..", HostError::Length),
            ("a..b", HostError::Length),
            (&long, HostError::Length),
            (&longer, HostError::Length),
            ("a b", HostError::Character),
            ("a,b", HostError::Character),
            ("a/b", HostError::Character),
            ("a\\b", HostError::Character),
            ("a?b", HostError::Character),
            ("a#b", HostError::Character),
            ("u@a", HostError::Character),
            ("*.a", HostError::Character),
            ("%61", HostError::Character),
            ("a~b", HostError::Character),
            ("a:80", HostError::Character),
            ("b\u{fc}cher.example", HostError::NotAscii),
            // A full stop to some (IDNA), and a character to others.
            ("a\u{3002}example", HostError::NotAscii),
            ("127.1", HostError::Ipv4),
            ("127.0.0.1.", HostError::Ipv4),
            ("127.0.0.01", HostError::Ipv4),
            ("0177.0.0.1", HostError::Ipv4),
            ("0x7f.1", HostError::Ipv4),
            ("0X7F.0x1", HostError::Ipv4),
            ("a.0x", HostError::Ipv4),
            ("2130706433", HostError::Ipv4),
            ("256.0.0.1", HostError::Ipv4),
            ("1.2.3.4.5", HostError::Ipv4),
            ("a.example.1", HostError::Ipv4),
            ("::1", HostError::NoBrackets),
            ("[::1", HostError::Ipv6),
            ("[::1]x", HostError::Ipv6),
            ("[::1].", HostError::Ipv6),
            ("[a.example]", HostError::Ipv6),
            ("[127.0.0.1]", HostError::Ipv6),
            ("[fe80::1%25eth0]", HostError::Ipv6),
            ("[]", HostError::Ipv6),
        ] {
            assert_eq!(Host::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn addresses_are_told_from_names() {
        for (text, ip, is_loopback) in [
            ("192.0.2.1", Some("192.0.2.1"), false),
            ("127.8.9.10", Some("127.8.9.10"), true),
            ("[::1]", Some("::1"), true),
            ("[2001:db8::1]", Some("2001:db8::1"), false),
            // Another address to the one who compares, though the way leads to the same place.
            ("[::ffff:127.0.0.1]", Some("::ffff:127.0.0.1"), false),
            ("LocalHost.", None, true),
            ("localhost.example", None, false),
            ("127.0.0.1.example", None, false),
        ] {
            let host = Host::parse(text).unwrap();
            assert_eq!(host.ip(), ip.map(|ip| ip.parse().unwrap()), "{text}");
            assert_eq!(host.is_loopback(), is_loopback, "{text}");
        }
    }

    #[test]
    fn a_port_is_split_off_and_read() {
        for (text, expected) in [
            ("a:80", ("a", Some("80"))),
            ("a", ("a", None)),
            ("a:", ("a", Some(""))),
            ("a:80:81", ("a", Some("80:81"))),
            ("[::1]:80", ("[::1]", Some("80"))),
            ("[::1]", ("[::1]", None)),
            ("[::1]x:80", ("[::1]x:80", None)),
            ("[::1", ("[::1", None)),
        ] {
            assert_eq!(split_port(text), expected, "{text}");
        }
        for (digits, expected) in [("80", Some(80)), ("00080", Some(80)), ("65535", Some(65_535)), ("0", Some(0))] {
            assert_eq!(port(digits), expected, "{digits}");
        }
        for digits in ["", "65536", "000080", "+80", "http", "80:81", "8 0"] {
            assert_eq!(port(digits), None, "{digits}");
        }
    }
}
