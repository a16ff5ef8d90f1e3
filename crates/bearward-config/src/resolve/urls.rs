//! Issuer identifiers and the URLs of endpoints.

use bearward_core::{Endpoint, EndpointError};

use crate::location::{Diagnostic, quote};
use crate::redact::without_query;

const EXAMPLE: &str = "for example: \"https://auth.example.com\"";

/// An issuer identifier: an https URL without query and fragment (RFC 8414, 2), kept letter for letter, because `iss`
/// is compared letter for letter.
pub(super) fn issuer(text: &str) -> Result<String, Diagnostic> {
    let url = endpoint(text)?;
    if url.contains('?') {
        return Err(Diagnostic::new("an issuer has no query (RFC 8414, 2)"));
    }
    if let Some((issuer, _)) = url.split_once("/.well-known/") {
        let diagnostic = Diagnostic::new("this is where the issuer's metadata is, not the issuer");
        return Err(diagnostic.did_you_mean(Some(issuer)));
    }
    Ok(url)
}

/// The URL of an endpoint, to which the gateway may connect.
pub(super) fn endpoint(text: &str) -> Result<String, Diagnostic> {
    let Err(error) = Endpoint::parse(text) else { return Ok(text.to_owned()) };
    let diagnostic = Diagnostic::new(error.to_string());
    Err(match error {
        EndpointError::NotAUrl => Diagnostic::new(format!("{} is {error}", quote(&without_query(text)))).hint(EXAMPLE),
        EndpointError::UserInfo => diagnostic.private(),
        EndpointError::PlainHttp => {
            diagnostic.did_you_mean(text.strip_prefix("http").map(|rest| format!("https{}", without_query(rest))))
        }
        EndpointError::OtherScheme => diagnostic.hint(EXAMPLE),
        EndpointError::Fragment => diagnostic,
    })
}

/// An absolute URI without fragment that names something and is never connected to (RFC 8707, 2).
pub(super) fn identifier(text: &str) -> Result<String, Diagnostic> {
    let named = |(scheme, rest): (&str, &str)| {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters) && !rest.is_empty()
    };
    if !text.split_once(':').is_some_and(named) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let diagnostic = Diagnostic::new(format!("{} is not an absolute URI", quote(&without_query(text))));
        return Err(diagnostic.hint(EXAMPLE));
    }
    if text.contains('#') {
        return Err(Diagnostic::new("a URI here has no fragment"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn issuers_are_kept_letter_for_letter() {
        for text in [
            "https://auth.example.com",
            "https://auth.example.com/",
            "https://auth.example.com:8443/realms/one",
            "https://192.0.2.1",
            "https://[2001:db8::1]:8443/",
            "http://127.0.0.1:9000",
            "http://127.8.9.10:9000/a",
            "http://[::1]:9000",
            "http://localhost:9000",
        ] {
            assert_eq!(issuer(text).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_issuer_is_refused() {
        let table = [
            ("auth.example.com", "is not a URL"),
            ("bob:hunter2@a.example.com", "no password"),
            ("https://", "is not a URL"),
            ("https:///path", "is not a URL"),
            ("https://:8443", "is not a URL"),
            ("https://a b", "is not a URL"),
            ("https://a\u{e9}.example.com", "is not a URL"),
            ("https://a.example.com:99999", "is not a URL"),
            ("https://a.example.com:0", "is not a URL"),
            ("https://a.example.com:", "is not a URL"),
            ("HTTPS://a.example.com", "must be an https URL"),
            ("ftp://a.example.com", "must be an https URL"),
            ("https://a.example.com?x=1", "has no query"),
            ("https://a.example.com/?", "has no query"),
            ("https://a.example.com#x", "has no fragment"),
            ("https://a.example.com/.well-known/openid-configuration", "not the issuer"),
            ("https://bob:hunter2@a.example.com", "no password"),
            ("https://bob:hunter2@a.example.com?@b", "no password"),
            ("http://a.example.com", "must be https"),
            ("http://127.0.0.1.example.com", "must be https"),
            ("http://localhost.example.com", "must be https"),
            ("http://128.0.0.1", "must be https"),
            ("http://0.0.0.0", "must be https"),
            ("http://[::2]", "must be https"),
            ("http://0x7f000001", "must be https"),
        ];
        for (text, expected) in table {
            let diagnostic = issuer(text).unwrap_err();
            assert!(diagnostic.message.contains(expected), "{text}: {}", diagnostic.message);
            assert!(!diagnostic.message.contains("hunter2"));
        }
    }

    #[test]
    fn endpoints_may_have_a_query() {
        assert!(endpoint("https://auth.example.com/keys?p=policy").is_ok());
        assert!(endpoint("https://auth.example.com/keys#a").is_err());
        assert!(endpoint("http://auth.example.com/keys").is_err());
    }
}
