//! The URLs that the gateway connects to.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::Uri;
use http::uri::Authority;

use super::host::{Host, port, split_port};

/// A URL that the gateway may connect to: https, or plain http to this very machine (RFC 7662, 4; RFC 8414, 2), without user
/// information and without a fragment.
///
/// Only [`Endpoint::parse`] makes one. Keys and tokens travel to it: on an unprotected way, an attacker could put in keys of
/// their own.
///
/// A query may hold a secret (`?key=`), so `Debug` and [`Endpoint::shown`] leave it out.
#[derive(Clone)]
pub struct Endpoint {
    text: Arc<str>,
    uri: Uri,
    origin: Origin,
}

/// Scheme, host and port of an [`Endpoint`] (RFC 6454, 4): a default port that is written out makes no other origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    is_https: bool,
    host: Host,
    port: u16,
}

/// Why a URL is no [`Endpoint`]. The messages show nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an absolute URL with a host.
    #[error("not a URL")]
    NotAUrl,
    /// A user name or a password in it: addresses end up in logs.
    #[error("a URL here holds no user name and no password")]
    UserInfo,
    /// A fragment, which is never sent.
    #[error("a URL here has no fragment")]
    Fragment,
    /// Plain http to another machine.
    #[error("must be https; plain http is for 127.0.0.0/8, [::1] and localhost alone")]
    PlainHttp,
    /// Another scheme.
    #[error("must be an https URL")]
    OtherScheme,
}

impl Endpoint {
    /// Reads a URL, and keeps it letter for letter.
    ///
    /// # Errors
    ///
    /// An [`EndpointError`] where the gateway may not connect to it.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        // Before all else: what cannot be read may still hold a password.
        if rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
            return Err(EndpointError::UserInfo);
        }
        if scheme.is_empty() || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::NotAUrl);
        }
        let uri: Uri = url.parse().map_err(|_| EndpointError::NotAUrl)?;
        let (host, digits) = split_port(uri.authority().map_or("", Authority::as_str));
        let port =
            digits.map(|digits| port(digits).filter(|port| *port > 0).ok_or(EndpointError::NotAUrl)).transpose()?;
        let host = Host::parse(host);
        if url.contains('#') {
            return Err(EndpointError::Fragment);
        }
        let is_https = match scheme {
            "https" => true,
            "http" if host.as_ref().is_ok_and(Host::is_loopback) => false,
            "http" => return Err(EndpointError::PlainHttp),
            _ => return Err(EndpointError::OtherScheme),
        };
        let host = host.map_err(|_| EndpointError::NotAUrl)?;
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        let origin = Origin { is_https, host, port };
        Ok(Self { text: url.into(), uri, origin })
    }

    /// The URL as it was given, query included: not for a log.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL, parsed.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Its scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether it is https. If not, it is on this very machine.
    pub fn is_https(&self) -> bool {
        self.origin.is_https
    }

    /// The URL as a log may show it: without its query, and no longer than a line.
    pub fn shown(&self) -> String {
        shown_url(&self.text)
    }
}

/// A URL, or what was meant to be one, as a log may show it: without user information and query, in which some put secrets,
/// and no longer than a line.
pub fn shown_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // That there was some is told: it is why such a URL is refused.
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(_, host)| ("***@", host));
    [scheme, user, host, path].iter().flat_map(|part| part.chars()).take(200).flat_map(char::escape_debug).collect()
}

/// Two endpoints are equal where their URLs are, letter for letter.
impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Endpoint {}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.shown()).finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn https_and_this_machine_alone() {
        for good in [
            "https://a.example",
            "https://a.example:8443/keys?p=policy",
            "https://192.0.2.1",
            "https://[2001:db8::1]:8443/",
            "https://a.example/@b?@c",
            "http://127.0.0.1:9000/x",
            "http://127.8.9.10",
            "http://[::1]:9000",
            "http://localhost/",
        ] {
            assert_eq!(
                Endpoint::parse(good).map(|endpoint| endpoint.as_str().to_owned()),
                Ok(good.to_owned()),
                "{good}"
            );
        }
        for (bad, why) in [
            ("", EndpointError::NotAUrl),
            ("/x", EndpointError::NotAUrl),
            ("a.example", EndpointError::NotAUrl),
            ("a.example:443", EndpointError::NotAUrl),
            ("https://", EndpointError::NotAUrl),
            ("https:///x", EndpointError::NotAUrl),
            ("https://:8443", EndpointError::NotAUrl),
            ("https://a b", EndpointError::NotAUrl),
            ("https://a.example/\u{e9}", EndpointError::NotAUrl),
            ("https://a.example:", EndpointError::NotAUrl),
            ("https://a.example:0", EndpointError::NotAUrl),
            ("https://a.example:65536", EndpointError::NotAUrl),
            ("https://bob:hunter2@a.example", EndpointError::UserInfo),
            ("https://bob@a.example?@b", EndpointError::UserInfo),
            ("http://127.0.0.1@a.example", EndpointError::UserInfo),
            ("bob:hunter2@a.example", EndpointError::UserInfo),
            ("https://a.example#x", EndpointError::Fragment),
            ("http://a.example", EndpointError::PlainHttp),
            ("http://10.0.0.1/", EndpointError::PlainHttp),
            ("http://127.0.0.1.example/", EndpointError::PlainHttp),
            ("http://localhost.example", EndpointError::PlainHttp),
            ("http://0.0.0.0", EndpointError::PlainHttp),
            ("http://[::2]", EndpointError::PlainHttp),
            ("http://0x7f000001", EndpointError::PlainHttp),
            ("ftp://a.example", EndpointError::OtherScheme),
            ("HTTPS://a.example", EndpointError::OtherScheme),
        ] {
            assert_eq!(Endpoint::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn no_secret_of_a_url_is_shown() {
        for (url, expected) in [
            ("https://a.example:8443/b/c", "https://a.example:8443/b/c"),
            ("https://a.example/b?key=secret", "https://a.example/b"),
            ("https://a.example#secret", "https://a.example"),
            ("https://user:secret@a.example/b@c", "https://***@a.example/b@c"),
            ("https://user:sec@ret@a.example", "https://***@a.example"),
            ("https://user:secret@[::1]:1?x=@y", "https://***@[::1]:1"),
            ("https://a.example/\u{7}", "https://a.example/\\u{7}"),
            ("acme", "acme"),
        ] {
            assert_eq!(shown_url(url), expected, "{url}");
        }
        assert_eq!(shown_url(&format!("https://{}", "a".repeat(500))).len(), 200);
    }

    #[test]
    fn an_endpoint_shows_no_query() {
        let endpoint = Endpoint::parse("https://a.example/keys?key=secret").unwrap();
        assert_eq!(endpoint.shown(), "https://a.example/keys");
        assert_eq!(format!("{endpoint:?}"), r#"Endpoint("https://a.example/keys")"#);
        assert_eq!(endpoint.uri().query(), Some("key=secret"));
        assert_ne!(endpoint, Endpoint::parse("https://a.example/keys?key=other").unwrap());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |url: &str| Endpoint::parse(url).unwrap().origin().clone();
        for same in ["https://a.example/x?y", "https://A.example:443", "https://a.example:443/"] {
            assert_eq!(origin(same), origin("https://a.example"), "{same}");
        }
        assert_eq!(origin("http://127.0.0.1:80"), origin("http://127.0.0.1/x"));
        let all = [
            "https://a.example",
            "https://b.example",
            "https://a.example:444",
            "http://localhost",
            "https://localhost",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at + 1) {
                assert_ne!(origin(one), origin(other));
            }
        }
        assert!(Endpoint::parse("https://localhost").unwrap().is_https());
        assert!(!Endpoint::parse("http://localhost").unwrap().is_https());
    }
}
