//! Redirect URIs: what may be registered, and which one a request names.

use crate::{Application, ClientType};

/// Why a text cannot be registered; `None` if it can. Absolute, without fragment (RFC 6749 3.1.2), `http` or `https`,
/// or a scheme of the application's own with a dot in it (RFC 8252 7.1), which keeps `javascript:` and `data:` out.
pub(super) fn problem(uri: &str) -> Option<&'static str> {
    // Visible ASCII alone, and nothing that ends a header field's value or an attribute early.
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}'])
    {
        return Some("it holds a character that no URI holds");
    }
    if uri.contains('#') {
        return Some("it has a fragment");
    }
    if origin(uri).is_none() {
        return Some("it must be http://HOST/..., https://HOST/... or com.example.app:/...");
    }
    None
}

/// Whether the application has registered this URI, character by character: anything cleverer has been an open door.
/// But a program on the person's own machine has whichever port of loopback is free (RFC 8252 7.3, RFC 9700 2.1).
pub(crate) fn is_registered(application: &Application, asked: &str) -> bool {
    let native = application.client_type == ClientType::Public;
    let at_another_port = |known: &str| native && without_port(known).is_some_and(|it| without_port(asked) == Some(it));
    application.redirect_uris.iter().any(|known| known == asked || at_another_port(known))
}

/// What stands before and after the port, if the host is an address of loopback: a name is resolved by others.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (*host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => {
            let path = port.trim_start_matches(|digit: char| digit.is_ascii_digit());
            port.get(..port.len() - path.len())?.parse::<u16>().ok()?;
            path
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// How a content security policy names where a redirect URI leads: by its origin; by its scheme where that is the
/// application's own, or where the host is an IPv6 address, for which a policy has no form (CSP 3, 2.3.1).
pub(crate) fn policy_source(uri: &str) -> Option<String> {
    let origin = origin(uri)?;
    let scheme = origin.split_once("//[").map(|(scheme, _)| scheme.to_owned());
    Some(scheme.unwrap_or(origin))
}

/// The origin of a redirect URI, or its scheme where that is the application's own.
fn origin(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    if scheme == "http" || scheme == "https" {
        let authority = rest.strip_prefix("//")?.split(['/', '?']).next()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let host = !authority.is_empty() && !authority.starts_with(':') && authority.bytes().all(plain);
        return host.then(|| format!("{scheme}://{authority}"));
    }
    let begins = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (begins && plain && scheme.contains('.')).then(|| format!("{scheme}:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_and_schemes_of_applications_can_be_registered() {
        for (uri, named) in [
            ("http://127.0.0.1:8081/callback", "http://127.0.0.1:8081"),
            ("http://[::1]:8081/callback?tenant=1", "http:"),
            ("https://app.example.com", "https://app.example.com"),
            ("com.example.app:/callback", "com.example.app:"),
        ] {
            assert_eq!((problem(uri), policy_source(uri).as_deref()), (None, Some(named)), "{uri}");
        }
    }

    #[test]
    fn everything_else_cannot() {
        for uri in [
            "",
            "/callback",
            "callback",
            "http:/callback",
            "http://",
            "http://:80/",
            "http://user@app.example.com/",
            "http://app.example.com/#part",
            "http://app.example.com/a b",
            "http://app.example.com/\r\nset-cookie: a=b",
            "http://app.example.com;script-src/",
            "http://caf\u{e9}.example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
            "1com.example:/",
            "com.exa mple:/",
        ] {
            assert!(problem(uri).is_some(), "{uri:?}");
        }
    }

    #[test]
    fn a_request_names_a_uri_character_by_character() {
        let known = ["https://app.example.com/callback", "http://127.0.0.1:8081/callback"];
        let web = Application::new("app", "secret").authorization_code(known);
        let native = Application::public("app", "").authorization_code(known);
        for (uri, names) in [
            ("https://app.example.com/callback", true),
            ("https://app.example.com:443/callback", false),
            ("https://app.example.com/callback/", false),
            ("https://APP.example.com/callback", false),
            ("http://127.0.0.1:8081/callback", true),
            ("http://127.0.0.1:8081/callback?a=b", false),
        ] {
            assert_eq!([is_registered(&web, uri), is_registered(&native, uri)], [names; 2], "{uri}");
        }
    }

    #[test]
    fn a_native_application_has_any_port_of_loopback() {
        let known = ["http://127.0.0.1:8081/callback", "http://[::1]/callback", "http://localhost:8081/callback"];
        let native = Application::public("app", "").authorization_code(known);
        for (uri, names) in [
            ("http://127.0.0.1:49152/callback", true),
            ("http://127.0.0.1/callback", true),
            ("http://[::1]:49152/callback", true),
            ("http://[::1]:/callback", false),
            ("http://127.0.0.1:65536/callback", false),
            ("http://127.0.0.1:49152", false),
            ("http://127.0.0.1:49152/callback2", false),
            ("http://127.0.0.1:49152/callback?a=b", false),
            ("http://127.0.0.1:1@evil.example.com/callback", false),
            ("http://127.0.0.1.evil.example.com/callback", false),
            ("http://127.0.0.1:1\r\na: b/callback", false),
            ("http://127.0.0.2:49152/callback", false),
            ("https://127.0.0.1:49152/callback", false),
            ("http://localhost:49152/callback", false),
        ] {
            assert_eq!(is_registered(&native, uri), names, "{uri:?}");
            let web = Application::new("app", "secret").authorization_code(known);
            assert!(!is_registered(&web, uri), "a web application has the ports that it registered: {uri:?}");
        }
    }
}
