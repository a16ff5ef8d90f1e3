//! Where the gateway may connect to.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Why the gateway may not connect to a URL. The messages show nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not an absolute URL with a host.
    #[error("not a URL")]
    NotAUrl,
    /// A user name or a password in it: addresses end up in logs.
    #[error("a URL here holds no user name and no password")]
    UserInfo,
    /// A fragment, which nobody is ever sent.
    #[error("a URL here has no fragment")]
    Fragment,
    /// Plain http to another machine.
    #[error("must be https; plain http is for 127.0.0.0/8, [::1] and localhost alone")]
    PlainHttp,
    /// Another scheme.
    #[error("must be an https URL")]
    OtherScheme,
}

/// Whether the gateway may connect there: https, or plain http to this very machine (RFC 7662, 4; RFC 8414, 2).
///
/// Keys and tokens travel to it. On an unprotected way, whoever sits there could put in keys of their own.
///
/// # Errors
///
/// A [`UrlError`] where it may not.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    // Before all else: what cannot be read may still hold a password.
    if rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
        return Err(UrlError::UserInfo);
    }
    let host = url.parse::<Uri>().ok().filter(|_| !scheme.is_empty()).and_then(|uri| host(&uri));
    let host = host.filter(|_| url.bytes().all(|byte| byte.is_ascii_graphic())).ok_or(UrlError::NotAUrl)?;
    if url.contains('#') {
        return Err(UrlError::Fragment);
    }
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback(&host) => Ok(()),
        "http" => Err(UrlError::PlainHttp),
        _ => Err(UrlError::OtherScheme),
    }
}

/// A URL as the log may show it: without user information and query, in which some put secrets, and no longer than a line.
pub(crate) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // That there was some is told: it is why such a URL is refused.
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(_, host)| ("***@", host));
    [scheme, user, host, path].iter().flat_map(|part| part.chars()).take(200).flat_map(char::escape_debug).collect()
}

/// The host, if the authority is nothing but a host and perhaps a port.
fn host(uri: &Uri) -> Option<String> {
    let authority = uri.authority()?;
    let host = authority.host();
    let after = authority.as_str().strip_prefix(host)?;
    let port_fits = after.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    (!host.is_empty() && port_fits).then(|| host.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || bare != host && bare.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
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
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", UrlError::NotAUrl),
            ("/x", UrlError::NotAUrl),
            ("a.example", UrlError::NotAUrl),
            ("a.example:443", UrlError::NotAUrl),
            ("https://", UrlError::NotAUrl),
            ("https:///x", UrlError::NotAUrl),
            ("https://:8443", UrlError::NotAUrl),
            ("https://a b", UrlError::NotAUrl),
            ("https://a.example/\u{e9}", UrlError::NotAUrl),
            ("https://a.example:", UrlError::NotAUrl),
            ("https://a.example:0", UrlError::NotAUrl),
            ("https://a.example:65536", UrlError::NotAUrl),
            ("https://bob:hunter2@a.example", UrlError::UserInfo),
            ("https://bob@a.example?@b", UrlError::UserInfo),
            ("http://127.0.0.1@a.example", UrlError::UserInfo),
            ("bob:hunter2@a.example", UrlError::UserInfo),
            ("https://a.example#x", UrlError::Fragment),
            ("http://a.example", UrlError::PlainHttp),
            ("http://10.0.0.1/", UrlError::PlainHttp),
            ("http://127.0.0.1.example/", UrlError::PlainHttp),
            ("http://localhost.example", UrlError::PlainHttp),
            ("http://0.0.0.0", UrlError::PlainHttp),
            ("http://[::2]", UrlError::PlainHttp),
            ("http://0x7f000001", UrlError::PlainHttp),
            ("ftp://a.example", UrlError::OtherScheme),
            ("HTTPS://a.example", UrlError::OtherScheme),
        ] {
            assert_eq!(check_url(bad), Err(why), "{bad}");
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
            assert_eq!(shown(url), expected, "{url}");
        }
        assert_eq!(shown(&format!("https://{}", "a".repeat(500))).len(), 200);
    }
}
