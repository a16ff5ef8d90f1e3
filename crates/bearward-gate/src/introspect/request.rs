//! Introspection requests: a form with the token (RFC 7662, 2.1).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;

/// The form of a request about `token`. The token is never part of the URL, which would be logged.
pub(super) fn question(token: &str) -> Form {
    let mut form = Form::default();
    form.add("token", token);
    // A hint (RFC 7662, 2.1): the gateway introspects access tokens only.
    form.add("token_type_hint", "access_token");
    form
}

/// A request that posts `payload` to `url`.
pub(super) fn post(
    url: &Uri,
    payload: Payload,
    accept: &'static str,
    authorization: Option<HeaderValue>,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(payload.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(payload.content_type));
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
    request
}

/// HTTP Basic as OAuth defines it: both parts are form-encoded first (RFC 6749, 2.3.1), so that a colon in the identifier and
/// characters beyond ASCII survive.
pub(super) fn basic(client_id: &str, secret: &str) -> HeaderValue {
    let mut pair = String::new();
    encode(client_id, &mut pair);
    pair.push(':');
    encode(secret, &mut pair);
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    #[expect(clippy::expect_used, reason = "letters, digits, `+`, `/`, `=` and one space are valid in a header field")]
    let mut value = HeaderValue::try_from(value).expect("base64");
    value.set_sensitive(true);
    value
}

/// A body and its type.
#[derive(Clone)]
pub(super) struct Payload {
    content_type: &'static str,
    body: String,
}

impl Payload {
    pub(super) fn json(value: &serde_json::Value) -> Self {
        Self { content_type: "application/json", body: value.to_string() }
    }
}

impl From<Form> for Payload {
    fn from(form: Form) -> Self {
        Self { content_type: "application/x-www-form-urlencoded", body: form.0 }
    }
}

/// A body of the type `application/x-www-form-urlencoded`.
#[derive(Clone, Default)]
pub(super) struct Form(String);

impl Form {
    /// Adds a parameter. `name` is a constant that needs no encoding; `value` is encoded.
    pub(super) fn add(&mut self, name: &'static str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        encode(value, &mut self.0);
    }
}

/// The form encoding of RFC 6749, Appendix B.
fn encode(text: &str, into: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or('0'); // a nibble is below 16
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => into.push(char::from(byte)),
            b' ' => into.push('+'),
            _ => into.extend(['%', hex(byte >> 4), hex(byte & 0xF)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_encoding_is_that_of_the_rfc() {
        // The last line is the example of RFC 6749, Appendix B.
        for (text, encoded) in [
            ("", ""),
            ("aZ09-._*", "aZ09-._*"),
            ("a+b/c==", "a%2Bb%2Fc%3D%3D"),
            ("a&token=b#?", "a%26token%3Db%23%3F"),
            ("%41", "%2541"),
            ("~\r\n\0", "%7E%0D%0A%00"),
            (" %&+\u{a3}\u{20ac}", "+%25%26%2B%C2%A3%E2%82%AC"),
        ] {
            let mut into = String::new();
            encode(text, &mut into);
            assert_eq!(into, encoded, "{text:?}");
        }
    }

    #[test]
    fn the_credentials_are_encoded_before_they_are_joined() {
        let value = basic("gate:1 %", "p:a% b");
        let expected = format!("Basic {}", BASE64_STANDARD.encode("gate%3A1+%25:p%3Aa%25+b"));
        assert_eq!(value.as_bytes(), expected.as_bytes());
        assert!(value.is_sensitive());
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
