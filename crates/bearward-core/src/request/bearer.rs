//! The credential of a request: exactly one, from the `Authorization` field, well formed (RFC 6750 section 2.1).
//!
//! Tokens in the query or in a form body (RFC 6750 sections 2.2 and 2.3) are not looked for: they end up in logs and
//! histories, and a second place to look is a second reading of the same request.

use std::fmt;

use http::header::AUTHORIZATION;

use crate::{HeaderFields, Reason};

/// The access token that a request carries. Nothing is proved of it yet. `Debug` does not show the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credential<'a> {
    scheme: Scheme,
    token: &'a str,
}

impl<'a> Credential<'a> {
    /// How the token was sent.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The token: one `b64token`, at least one byte of ASCII without spaces. A secret.
    pub fn token(&self) -> &'a str {
        self.token
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("scheme", &self.scheme).field("token", &"[redacted]").finish()
    }
}

/// The authentication scheme of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// A bearer token: any sender that has it may use it (RFC 6750).
    Bearer,
}

impl Scheme {
    /// The name in `Authorization` and `WWW-Authenticate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
        }
    }
}

/// Takes the credential from a request.
///
/// `max_token_bytes` bounds the token, before anything looks at its characters.
///
/// # Errors
///
/// * [`Reason::CredentialMissing`]: no `Authorization` field, or one of another scheme.
/// * [`Reason::CredentialRepeated`]: more than one field, whatever they hold. Two readers could take a different one
///   each, so that one is judged and the other one used.
/// * [`Reason::CredentialTooLong`]: the token has more than `max_token_bytes`.
/// * [`Reason::CredentialMalformed`]: the scheme is `Bearer` in any case (RFC 9110 section 11.1), and what follows is
///   not `1*SP b64token` and nothing else. A comma is in no `b64token`, so `Bearer a, Bearer b` ends here too.
pub fn credential<'a>(headers: impl Into<HeaderFields<'a>>, max_token_bytes: usize) -> Result<Credential<'a>, Reason> {
    let mut fields = headers.into().values(&AUTHORIZATION);
    let field = fields.next().ok_or(Reason::CredentialMissing)?;
    if fields.next().is_some() {
        return Err(Reason::CredentialRepeated);
    }

    let scheme = Scheme::Bearer.name().as_bytes();
    let rest = match field.split_at_checked(scheme.len()) {
        // A longer token begins like the scheme and is another one.
        Some((begin, rest))
            if begin.eq_ignore_ascii_case(scheme) && !rest.first().is_some_and(|byte| is_tchar(*byte)) =>
        {
            rest
        }
        _ => return Err(Reason::CredentialMissing),
    };
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let token = rest.get(spaces..).unwrap_or_default();
    if spaces == 0 || token.is_empty() {
        return Err(Reason::CredentialMalformed);
    }
    if token.len() > max_token_bytes {
        return Err(Reason::CredentialTooLong);
    }
    match std::str::from_utf8(token) {
        Ok(text) if is_b64token(token) => Ok(Credential { scheme: Scheme::Bearer, token: text }),
        _ => Err(Reason::CredentialMalformed),
    }
}

/// Whether a query holds a parameter `access_token` (RFC 6750 section 2.3), in whatever spelling.
///
/// A token there is never looked at. Beside one in the `Authorization` field it is a second credential: the one is judged,
/// and an upstream might use the other.
///
/// The query is taken as bytes, since nothing sees to it that it is text: a stray byte must not hide what comes after it.
/// Names are read as widely as upstreams read them: without case, and as PHP does, which takes `access.token`,
/// ` access token` and `access_token[]` for it too.
pub fn query_holds_credential(query: &[u8]) -> bool {
    query.split(|byte| matches!(byte, b'&' | b';')).any(|parameter| {
        let name = decoded(parameter.split(|byte| *byte == b'=').next().unwrap_or_default());
        let name = name.split(|byte| matches!(byte, b'\0' | b'[')).next().unwrap_or_default().trim_ascii_start();
        let name = name.iter().map(|byte| if matches!(byte, b'.' | b' ') { b'_' } else { byte.to_ascii_lowercase() });
        name.eq(*b"access_token")
    })
}

/// The bytes of a form's name (WHATWG URL, 5.1): `+` is a space, and a `%` that encodes nothing is itself.
fn decoded(mut name: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len());
    while let Some((&byte, rest)) = name.split_first() {
        let pair = match rest {
            [high, low, rest @ ..] if byte == b'%' => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, rest))
            }
            _ => None,
        };
        let (byte, rest) = pair.unwrap_or((if byte == b'+' { b' ' } else { byte }, rest));
        bytes.push(byte);
        name = rest;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 section 2.1).
fn is_b64token(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len() - padding).unwrap_or_default();
    // Every token goes through here on every request, and nearly every one is good: to look at all of it without a branch is
    // many times faster than to stop at the first byte that is wrong, since the compiler looks at many at once.
    !body.is_empty() && body.iter().fold(true, |is_token, byte| is_token & is_b64token_byte(*byte))
}

fn is_b64token_byte(byte: u8) -> bool {
    // `-./` and the digits follow one another in ASCII.
    (byte | 0x20).is_ascii_lowercase() | matches!(byte, b'-'..=b'9') | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

/// A character of an HTTP `token`, such as the name of a scheme (RFC 9110 section 5.6.2).
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

    use http::HeaderValue;
    use proptest::prelude::*;

    use http::HeaderMap;

    use super::*;

    #[test]
    fn one_well_formed_bearer_token_is_taken() {
        for (field, token) in [
            ("Bearer abc", "abc"),
            ("bearer abc", "abc"),
            ("BEARER abc", "abc"),
            ("bEaReR abc", "abc"),
            ("Bearer     abc", "abc"),
            ("Bearer a", "a"),
            ("Bearer aZ09-._~+/==", "aZ09-._~+/=="),
            ("Bearer eyJh.eyJz.c2ln", "eyJh.eyJz.c2ln"),
            ("Bearer Bearer", "Bearer"),
        ] {
            let headers = request(&[field.as_bytes()]);
            let credential = credential(&headers, 100).unwrap();
            assert_eq!((credential.scheme(), credential.token()), (Scheme::Bearer, token), "{field}");
        }
    }

    #[test]
    fn no_credential_for_us_is_a_missing_one() {
        assert_eq!(credential(&HeaderMap::new(), 100), Err(Reason::CredentialMissing));
        for field in [
            "",
            " ",
            "Basic",
            "Basic YTpi",
            "Digest username=\"a\", realm=\"b\"",
            "DPoP abc",
            "Bearerabc",
            "Bearer-abc abc",
            "xBearer abc",
            "Negotiate",
            ", Bearer abc",
            "\tBearer abc",
        ] {
            assert_eq!(credential(&request(&[field.as_bytes()]), 100), Err(Reason::CredentialMissing), "{field:?}");
        }
    }

    #[test]
    fn other_places_are_not_looked_at() {
        let mut headers = HeaderMap::new();
        for name in ["proxy-authorization", "x-authorization", "cookie", "x-forwarded-authorization", "access_token"] {
            headers.insert(name, HeaderValue::from_static("Bearer abc"));
        }
        assert_eq!(credential(&headers, 100), Err(Reason::CredentialMissing));
    }

    #[test]
    fn what_follows_the_scheme_is_one_b64token_and_nothing_else() {
        for field in [
            "Bearer",
            "Bearer ",
            "Bearer    ",
            "Bearer\tabc",
            "Bearer \tabc",
            "Bearer abc\t",
            "Bearer abc ",
            "Bearer abc def",
            "Bearer abc, Bearer def",
            "Bearer abc,Basic YTpi",
            "Bearer abc,",
            "Bearer, abc",
            "Bearer \"abc\"",
            "Bearer\"abc\"",
            "Bearer/abc",
            "Bearer/abc abc",
            "Bearer 'abc'",
            "Bearer token=abc",
            "Bearer token=\"abc\"",
            "Bearer =",
            "Bearer ===",
            "Bearer a=b",
            "Bearer =abc",
            "Bearer abc;x",
            "Bearer a%20b",
            "Bearer a\u{e9}b",
            "Bearer: abc",
            "Bearer {abc}",
            "Bearer a:b",
            "Bearer a\\b",
        ] {
            assert_eq!(credential(&request(&[field.as_bytes()]), 100), Err(Reason::CredentialMalformed), "{field:?}");
        }
        assert_eq!(credential(&request(&[b"Bearer a\xffb"]), 100), Err(Reason::CredentialMalformed));
    }

    #[test]
    fn more_than_one_field_is_refused_whatever_they_hold() {
        for fields in [
            ["Bearer abc", "Bearer def"],
            ["Bearer abc", "Bearer abc"],
            ["Bearer abc", "Basic YTpi"],
            ["Basic YTpi", "Bearer abc"],
            ["Basic YTpi", "Basic YTpi"],
            ["", "Bearer abc"],
            ["Bearer abc", ""],
        ] {
            let headers = request(&fields.map(str::as_bytes));
            assert_eq!(credential(&headers, 100), Err(Reason::CredentialRepeated), "{fields:?}");
        }
    }

    #[test]
    fn the_length_is_bounded_before_the_characters_are_looked_at() {
        let longest = format!("Bearer {}", "a".repeat(100));
        assert!(credential(&request(&[longest.as_bytes()]), 100).is_ok());
        let longer = format!("Bearer {}", "a".repeat(101));
        assert_eq!(credential(&request(&[longer.as_bytes()]), 100), Err(Reason::CredentialTooLong));
        let longer_and_wrong = format!("Bearer {}", ",".repeat(101));
        assert_eq!(credential(&request(&[longer_and_wrong.as_bytes()]), 100), Err(Reason::CredentialTooLong));
    }

    #[test]
    fn every_byte_is_what_the_grammar_says() {
        for byte in 0..=u8::MAX {
            let listed = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token_byte(byte), listed, "{byte}");
            for at in [0, 1, 40, 99] {
                let mut token = [b'a'; 100];
                token[at] = byte;
                assert_eq!(is_b64token(&token), listed || at == 99 && byte == b'=', "{byte} at {at}");
            }
        }
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let headers = request(&[b"Bearer c2VjcmV0"]);
        let shown = format!("{:?} {:#?}", credential(&headers, 100), credential(&headers, 100));
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_field_panics(field in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = HeaderValue::from_bytes(&field) {
                let mut headers = HeaderMap::new();
                headers.insert(AUTHORIZATION, value);
                let _ = credential(&headers, 32);
            }
        }

        #[test]
        fn a_taken_token_is_all_that_follows_the_spaces(
            scheme in "[Bb][Ee][Aa][Rr][Ee][Rr]", spaces in " {0,3}", token in "[ -~]{0,40}",
        ) {
            let field = format!("{scheme}{spaces}{token}");
            if let Ok(credential) = credential(&request(&[field.as_bytes()]), 32) {
                prop_assert!(is_b64token(credential.token().as_bytes()));
                prop_assert!(credential.token().len() <= 32);
                prop_assert_eq!(credential.token(), token.trim_start_matches(' '));
            }
        }
    }

    fn request(fields: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(field).unwrap());
        }
        headers
    }

    #[test]
    fn a_token_in_the_query_is_seen_in_every_spelling() {
        for query in [
            "access_token=x",
            "a=b&access_token=",
            "a;access_token",
            "access%5Ftoken=x",
            "%61ccess_toke%6e=x",
            "Access_Token=x",
            "access.token=x",
            "+access%20token=x",
            "access_token[]=x",
            "access_token%00x=y",
            "caf\u{e9}=\u{1f43b}&access_token=x",
        ] {
            assert!(query_holds_credential(query.as_bytes()), "{query}");
        }
        for query in [
            "",
            "a=access_token",
            "access_tokens=x",
            "xaccess_token=x",
            "access_toke",
            "access%5token=x",
            "accesstoken=x",
            "access__token=x",
        ] {
            assert!(!query_holds_credential(query.as_bytes()), "{query}");
        }
        assert!(query_holds_credential(b"a=\xff&access_token=x"));
    }
}
