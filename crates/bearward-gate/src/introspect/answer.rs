//! The answer: what an issuer's response says of a token, and what it says of the gateway instead.

use std::time::Duration;

use bearward_core::Reason;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

use super::outcome::IntrospectionOutcome;
use crate::net::http_client::FetchError;
use crate::settings::SignedResponse;

/// What an issuer says of a token, as it came.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// JSON (RFC 7662, 2.2).
    Plain(&'a [u8]),
    /// A JWT (RFC 9701, 5).
    Signed(&'a str),
}

impl SignedResponse {
    /// The `Accept` header of a question. Plain JSON is named too, so that an issuer that signs for whoever does not say
    /// otherwise does not (RFC 9701, 4).
    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::Never => "application/json",
            Self::Accept => "application/token-introspection+jwt, application/json;q=0.5",
            Self::Require => "application/token-introspection+jwt",
        }
    }
}

/// Takes the answer out of a response; the error is why it says nothing of the token.
pub(super) fn body(response: &Response<Bytes>, signed: SignedResponse) -> Result<Body<'_>, Failure> {
    let bytes = response.body();
    match response.status() {
        StatusCode::OK => match (media_type(response.headers()).as_str(), signed) {
            ("application/json", SignedResponse::Require) => Err(Failure::NotSigned),
            ("application/json", _) => Ok(Body::Plain(bytes)),
            ("application/token-introspection+jwt", SignedResponse::Accept | SignedResponse::Require) => {
                str::from_utf8(bytes).map(Body::Signed).map_err(|_| Failure::NotASignedAnswer)
            }
            _ => Err(Failure::NotJson),
        },
        _ => Err(refusal(response)),
    }
}

/// Why a response whose status is none of success says nothing of the token.
pub(super) fn refusal(response: &Response<Bytes>) -> Failure {
    let (status, bytes) = (response.status(), response.body());
    match status {
        StatusCode::BAD_REQUEST => match error_code(bytes).as_deref() {
            // Borrowed from revocation (RFC 7009, 2.2.1): such an issuer does not introspect its own self-contained
            // tokens.
            Some("unsupported_token_type") => Failure::Unsupported,
            // RFC 6749, 5.2 lets an issuer refuse a client in this way too.
            Some("invalid_client" | "unauthorized_client") => Failure::Credentials(status),
            _ => Failure::Status(status),
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Credentials(status),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => Failure::NotThere(status),
        StatusCode::TOO_MANY_REQUESTS => Failure::TooOften,
        _ if status.is_redirection() => Failure::Redirect(status),
        _ => Failure::Status(status),
    }
}

/// How long the issuer asks to be left alone (RFC 9110, 10.2.3), where it does: in seconds, and no longer than is sensible
/// while requests wait.
pub(super) fn pause(response: &Response<Bytes>) -> Option<Duration> {
    let asks = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = response.headers().get(RETRY_AFTER).filter(|_| asks)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PAUSE))
}

/// The longest pause that an issuer is granted.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Why an issuer did not say what a token means. The messages are for the log: they say what to do, and hold nothing
/// that came with the answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(
        "the issuer refuses the gateway's own credentials ({0}): check client_id and what `auth` needs, and that this \
         client may introspect"
    )]
    Credentials(StatusCode),
    #[error("the issuer does not answer for tokens of this kind")]
    Unsupported,
    #[error("nothing answers at this address ({0}): check the introspection url")]
    NotThere(StatusCode),
    #[error(
        "the address redirects ({0}), which is not followed, since that would hand token and credentials to another \
         place: set the introspection url to the final address"
    )]
    Redirect(StatusCode),
    #[error("the issuer asks for fewer questions (429): a longer cache_ttl asks less often")]
    TooOften,
    #[error("the issuer answers with status {0}")]
    Status(StatusCode),
    #[error("the answer is not application/json: check the introspection url")]
    NotJson,
    #[error("the answer is not of the configured kind; in RFC 7662 it is one JSON object with a boolean `active`")]
    NotAnAnswer,
    #[error("the issuer answers unsigned, though `signed_response` requires it: have it sign for this client")]
    NotSigned,
    #[error(
        "the signed answer is not one of RFC 9701 for this client: type, signature, `iss`, `aud` (the client_id), `iat` \
         and `token_introspection` are held against it; check client_id, and that the clocks agree"
    )]
    NotASignedAnswer,
    #[error("the key that signed the answer is not among the issuer's, or they cannot be had")]
    KeyOfSignedAnswer,
    #[error("the gateway cannot sign an assertion with its key")]
    Signing,
    #[error("the gateway's own access token holds characters that cannot be sent: check the file")]
    UnsendableToken,
    #[error("a client certificate is configured, but the address is not https, so nobody would see it")]
    CertificateWithoutTls,
    #[error("no token endpoint: the issuer's metadata names none with https, or cannot be had")]
    NoTokenEndpoint,
    #[error(
        "the token endpoint refuses the gateway's own credentials ({0}): check client_id and what `auth` needs, and that \
         this client may use the client credentials grant"
    )]
    TokenRefused(StatusCode),
    #[error("the token endpoint answers with status {0}")]
    TokenStatus(StatusCode),
    #[error("the token endpoint's answer holds no bearer token (RFC 6749, 5.1): check the token url")]
    NotATokenAnswer,
    #[error("the token endpoint: {0}")]
    TokenFetch(FetchError),
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("too many questions at once: the issuer is slow, or max_concurrent is too low")]
    Overloaded,
    #[error("the issuer has asked for a pause (Retry-After), and is not asked until it is over")]
    Paused,
    #[error("the issuer does not answer, and is left alone for a while")]
    CircuitOpen,
    #[error("the question was abandoned by a fault of the gateway")]
    Lost,
}

impl Failure {
    /// The same failure where a token was asked for.
    pub(super) fn at_token_endpoint(self) -> Self {
        match self {
            Self::Fetch(error) => Self::TokenFetch(error),
            failure => failure,
        }
    }

    /// Whether nobody was there to answer, or nobody who was well.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Fetch(error) | Self::TokenFetch(error) => {
                matches!(error, FetchError::Connect(_) | FetchError::Timeout(_) | FetchError::Io(_))
            }
            Self::Status(status) | Self::TokenStatus(status) => status.is_server_error(),
            _ => false,
        }
    }

    /// Whether nobody was asked, for a reason on this side.
    pub(super) fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Signing
                | Self::UnsendableToken
                | Self::CertificateWithoutTls
                | Self::NoTokenEndpoint
                | Self::Overloaded
                | Self::Paused
                | Self::CircuitOpen
                | Self::Lost
        )
    }

    pub(super) fn outcome(&self) -> IntrospectionOutcome {
        match self {
            Self::Credentials(_) | Self::TokenRefused(_) => IntrospectionOutcome::Refused,
            Self::Unsupported => IntrospectionOutcome::Unsupported,
            Self::Fetch(FetchError::Timeout(_)) | Self::TokenFetch(FetchError::Timeout(_)) => {
                IntrospectionOutcome::TimedOut
            }
            Self::Overloaded | Self::Paused | Self::CircuitOpen => IntrospectionOutcome::Overloaded,
            Self::NotThere(_)
            | Self::Redirect(_)
            | Self::TooOften
            | Self::Status(_)
            | Self::NotJson
            | Self::NotAnAnswer
            | Self::NotSigned
            | Self::NotASignedAnswer
            | Self::KeyOfSignedAnswer
            | Self::Signing
            | Self::UnsendableToken
            | Self::CertificateWithoutTls
            | Self::NoTokenEndpoint
            | Self::TokenStatus(_)
            | Self::NotATokenAnswer
            | Self::TokenFetch(_)
            | Self::Fetch(_)
            | Self::Lost => IntrospectionOutcome::Failed,
        }
    }

    /// Unavailable is not invalid: only what the issuer says of the kind of token is held against the token.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Unsupported => Reason::TokenUnsupported,
            _ => Reason::IntrospectionUnavailable,
        }
    }
}

/// A page of HTML that says 200 is an answer to somebody else.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers) == "application/json"
}

/// The media type without its parameters; empty where there is not exactly one.
fn media_type(headers: &HeaderMap) -> String {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return String::new() };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The `error` of RFC 6749, 5.2. A member that comes twice makes the whole unreadable.
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        error: String,
    }
    serde_json::from_slice::<Error>(body).ok().map(|body| body.error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn response(status: u16, headers: &[(http::HeaderName, &str)]) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        response.body(Bytes::new()).unwrap()
    }

    #[test]
    fn a_pause_is_granted_where_one_may_be_asked_for_and_for_no_longer_than_half_a_minute() {
        for (status, says, granted) in [
            (429, "2", Some(2)),
            (503, " 30 ", Some(30)),
            (429, "31", Some(30)),
            (429, "18446744073709551615", Some(30)),
            (429, "soon", None),
            (429, "-1", None),
            (429, "Fri, 31 Dec 1999 23:59:59 GMT", None),
            (200, "2", None),
            (302, "2", None),
            (401, "2", None),
            (500, "2", None),
        ] {
            let found = pause(&response(status, &[(RETRY_AFTER, says)]));
            assert_eq!(found, granted.map(Duration::from_secs), "{status} {says}");
        }
        assert_eq!(pause(&response(429, &[])), None);
    }

    #[test]
    fn an_answer_has_one_media_type() {
        for (types, expected) in [
            (&["application/json"][..], true),
            (&["Application/JSON ; charset=utf-8"], true),
            (&["application/json", "application/json"], false),
            (&["application/json", "text/html"], false),
            (&["application/json, text/html"], false),
            (&[], false),
        ] {
            let types: Vec<_> = types.iter().map(|value| (CONTENT_TYPE, *value)).collect();
            assert_eq!(is_json(response(200, &types).headers()), expected, "{types:?}");
        }
    }
}
