//! Who can say what a token means: decided by its shape, never by trying one way and then the other.
//!
//! Trying is how a token that failed one check gets a second chance at another. The shape is decided once, by bytes
//! that a forger gains nothing by changing: either way the token goes to an issuer that the route names.

use crate::token::document::Document;
use crate::token::json::Json;
use crate::token::jws::decode;

/// What kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A JWS, or what was meant to be one: verified here, with the issuer's keys.
    SelfContained,
    /// A JWE or an opaque string: only the issuer can say what it means.
    Referential,
}

impl Shape {
    /// Determines the shape of a token.
    ///
    /// A token whose first segment, up to its first `.`, is base64url text of something that begins with `{` has a JOSE
    /// header. With four dots and a tag it is a JWE (RFC 7516 section 9), which is referential. Anything else is
    /// self-contained: the strict parse then refuses what does not have two dots. In particular `h.p.s..`, which a reader
    /// that drops empty parts takes for a JWS. Without such a header it is opaque, dots or not.
    pub fn of(token: &str) -> Self {
        match token.split_once('.') {
            Some((header, rest)) if begins_an_object(header) && !is_rest_of_jwe(rest) => Self::SelfContained,
            _ => Self::Referential,
        }
    }

    /// The name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfContained => "self_contained",
            Self::Referential => "referential",
        }
    }
}

/// The `iss` of a self-contained token that is not verified yet.
///
/// It may select among the issuers that the route names, and nothing else: it must not reach a header or a URL, and a log
/// only as [`Unverified`](crate::Unverified).
/// `None` when the token is no JWS in compact serialization, its payload is no strict JSON object, or `iss` is no
/// string.
pub fn unverified_issuer(token: &str) -> Option<String> {
    let mut segments = token.split('.');
    let (Some(_header), Some(payload), Some(_signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return None;
    };
    let claims = Document::parse(decode(payload).ok()?).ok()?;
    claims.get("iss")?.text().map(str::to_owned)
}

/// Whether the segment is base64url text and the first byte of what it encodes is `{`.
///
/// Nothing is decoded, because every request comes by here, also those whose token is already known. `{` is `0111
/// 1011`: its upper six bits are the digit `e`, its lower two begin the second digit, which is one of the last sixteen.
fn begins_an_object(segment: &str) -> bool {
    let digits = segment.as_bytes();
    digits.first() == Some(&b'e')
        && matches!(digits.get(1), Some(b'w'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && digits.len() % 4 != 1
        // Without a branch, as in `is_b64token`.
        && digits.iter().fold(true, |is_text, digit| is_text & is_digit(*digit))
}

/// A digit of base64url (RFC 4648 section 5).
fn is_digit(byte: u8) -> bool {
    (byte | 0x20).is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'-') | (byte == b'_')
}

/// After a header: encrypted key (which may be empty), initialization vector, ciphertext and tag (which is not).
fn is_rest_of_jwe(rest: &str) -> bool {
    // In pieces whose count fits into a byte, which the compiler counts many bytes at once.
    let dots = |piece: &[u8]| usize::from(piece.iter().fold(0_u8, |dots, byte| dots + u8::from(*byte == b'.')));
    rest.as_bytes().chunks(255).map(dots).sum::<usize>() == 3 && !rest.ends_with('.')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_jose_header_and_the_number_of_dots_decide() {
        let jws = encode(r#"{"alg":"RS256","typ":"at+jwt"}"#);
        let none = encode(r#"{"alg":"none"}"#);
        let empty = encode("{}");
        let cut = encode("{");
        for (token, shape) in [
            (format!("{jws}.e30.c2ln"), Shape::SelfContained),
            (format!("{none}.e30."), Shape::SelfContained),
            (format!("{empty}.."), Shape::SelfContained),
            (format!("{cut}.e30.c2ln"), Shape::SelfContained),
            (format!("{jws}.e30"), Shape::SelfContained),
            (format!("{jws}.e30.c2ln.x"), Shape::SelfContained),
            (format!("{jws}.a.b.c.d.e"), Shape::SelfContained),
            (format!("{jws}."), Shape::SelfContained),
            (format!("{jws}.!.!"), Shape::SelfContained),
            // A JWE, also with an empty encrypted key (`alg: dir`).
            (format!("{jws}.a.b.c.d"), Shape::Referential),
            (format!("{jws}..b.c.d"), Shape::Referential),
            (format!("{jws}....d"), Shape::Referential),
            // No tag: a reader that drops empty parts takes it for a JWS.
            (format!("{jws}...."), Shape::SelfContained),
            (format!("{jws}.e30.c2ln.."), Shape::SelfContained),
            // Opaque, with and without dots.
            (jws.clone(), Shape::Referential),
            (String::new(), Shape::Referential),
            (".".into(), Shape::Referential),
            ("..".into(), Shape::Referential),
            ("2YotnFZFEjr1zCsicMWpAA".into(), Shape::Referential),
            ("v1.local.abc".into(), Shape::Referential),
            ("eyJ.x".into(), Shape::SelfContained),
            ("ey~J.x.y".into(), Shape::Referential),
            ("eyJ=.x.y".into(), Shape::Referential),
            ("eyJhb.x.y".into(), Shape::Referential),
            ("e.x.y".into(), Shape::Referential),
            (format!("{}.e30.c2ln", encode(" {}")), Shape::Referential),
            (format!("{}.e30.c2ln", encode("[]")), Shape::Referential),
            (format!(".{jws}.e30.c2ln"), Shape::Referential),
        ] {
            assert_eq!(Shape::of(&token), shape, "{token}");
        }
    }

    #[test]
    fn the_issuer_is_read_from_strict_claims_only() {
        let issuer = "https://auth.example.com";
        let of = |claims: &str| unverified_issuer(&format!("e30.{}.c2ln", encode(claims)));
        assert_eq!(of(r#"{"iss":"https://auth.example.com","sub":"alice"}"#).as_deref(), Some(issuer));
        assert_eq!(of(r#"{"iss":"https:\/\/auth.example.com"}"#).as_deref(), Some(issuer));
        for claims in [
            "",
            "{}",
            "[]",
            "\"https://auth.example.com\"",
            r#"{"iss":1}"#,
            r#"{"iss":null}"#,
            r#"{"iss":["https://auth.example.com"]}"#,
            r#"{"iss":"https://auth.example.com","iss":"https://auth.example.com"}"#,
            r#"{"iss":"https://auth.example.com"} x"#,
            r#"{"iss":"https://auth.example.com""#,
        ] {
            assert_eq!(of(claims), None, "{claims}");
        }
        let payload = encode(r#"{"iss":"https://auth.example.com"}"#);
        for token in
            [payload.clone(), format!("e30.{payload}"), format!("e30.{payload}.a.b"), format!("e30.{payload}=.a")]
        {
            assert_eq!(unverified_issuer(&token), None, "{token}");
        }
    }

    #[test]
    fn dots_are_counted_in_long_tokens_too() {
        let part = "a".repeat(300);
        for (parts, is_rest) in [(3, false), (4, true), (5, false)] {
            assert_eq!(is_rest_of_jwe(&vec![part.as_str(); parts].join(".")), is_rest, "{parts}");
        }
        assert!(!is_rest_of_jwe(&".".repeat(1_003)));
        assert!(!is_rest_of_jwe(&(".".repeat(259) + "a")), "256 and 3");
    }

    proptest! {
        #[test]
        fn every_digit_is_what_the_alphabet_says(byte in any::<u8>()) {
            prop_assert_eq!(is_digit(byte), byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        }

        #[test]
        fn no_token_panics(token in any::<String>(), segments in prop::collection::vec("[ -~]{0,12}", 0..7)) {
            for token in [token, segments.join("."), format!("eyJ.{}", segments.join("."))] {
                Shape::of(&token);
                unverified_issuer(&token);
            }
        }

        #[test]
        fn whatever_encodes_an_object_has_a_jose_header(rest in any::<String>()) {
            let segment = encode(&format!("{{{rest}"));
            prop_assert!(begins_an_object(&segment));
        }

        #[test]
        fn the_first_byte_is_told_as_decoding_tells_it(bytes in prop::collection::vec(any::<u8>(), 0..9)) {
            let segment = URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(begins_an_object(&segment), bytes.first() == Some(&b'{'));
        }
    }

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }
}
