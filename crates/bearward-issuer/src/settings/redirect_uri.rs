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
    if !is_absolute(uri) {
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

/// Whether it is a URL with a host, or has a scheme of the application's own.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    if scheme == "http" || scheme == "https" {
        let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        return !authority.is_empty() && !authority.starts_with(':') && authority.bytes().all(plain);
    }
    let begins = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    begins && plain && scheme.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_and_schemes_of_applications_can_be_registered() {
        for uri in [
            "http://127.0.0.1:8081/callback",
            "http://[::1]:8081/callback?tenant=1",
            "https://app.example.com",
            "com.example.app:/callback",
        ] {
            assert_eq!(problem(uri), None, "{uri}");
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
