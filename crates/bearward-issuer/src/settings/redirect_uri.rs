//! Redirect URIs: what may be registered. A request must then repeat one character by character.

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

/// The origin of a redirect URI, or its scheme where that is the application's own: the form that a content security
/// policy names it by.
pub(crate) fn origin(uri: &str) -> Option<String> {
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
            ("http://[::1]:8081/callback?tenant=1", "http://[::1]:8081"),
            ("https://app.example.com", "https://app.example.com"),
            ("com.example.app:/callback", "com.example.app:"),
        ] {
            assert_eq!((problem(uri), origin(uri).as_deref()), (None, Some(named)), "{uri}");
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
}
