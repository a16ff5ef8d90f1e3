//! The response to an introspection request: the answer about the token, or the failure to get one.

use std::time::Duration;

use bearward_core::Reason;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

use super::outcome::IntrospectionOutcome;
use crate::net::http_client::FetchError;
use crate::settings::SignedResponse;

/// The body of an introspection answer, not parsed yet.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// JSON (RFC 7662, 2.2).
    Plain(&'a [u8]),
    /// A JWT (RFC 9701, 5).
    Signed(&'a str),
}

impl SignedResponse {
    /// The `Accept` header of a request. Plain JSON is named too, because some issuers sign by default (RFC 9701, 4).
    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::Never => "application/json",
            Self::Accept => "application/token-introspection+jwt, application/json;q=0.5",
            Self::Require => "application/token-introspection+jwt",
        }
    }
}

/// The answer in a response, or why it has none.
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

/// The failure of a response without a success status.
pub(super) fn refusal(response: &Response<Bytes>) -> Failure {
    let (status, bytes) = (response.status(), response.body());
    match status {
        StatusCode::BAD_REQUEST => match error_code(bytes).as_deref() {
            // An error of revocation (RFC 7009, 2.2.1), with which some issuers refuse to introspect their own self-contained
            // tokens.
            Some("unsupported_token_type") => Failure::Unsupported,
            // RFC 6749, 5.2 allows this refusal of a client too.
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

/// The pause that the issuer asks for (RFC 9110, 10.2.3), in seconds and at most [`MAX_PAUSE`], because requests wait.
pub(super) fn pause(response: &Response<Bytes>) -> Option<Duration> {
    let asks = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = response.headers().get(RETRY_AFTER).filter(|_| asks)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PAUSE))
}

/// The longest pause that an issuer is granted.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Why an introspection failed. The messages are for the log: they say what to do, and never show content of the response.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(
        "the issuer refuses the gateway's own credentials ({0}): check client_id and what `auth` needs, and that this \
         client may introspect"
    )]
    Credentials(StatusCode),
    #[error("the issuer does not introspect tokens of this kind")]
    Unsupported,
    #[error("nothing answers at this address ({0}): check the introspection url")]
    NotThere(StatusCode),
    #[error(
        "the endpoint redirects ({0}), which is not followed, because that would send token and credentials elsewhere: set \
         the introspection url to the final address"
    )]
    Redirect(StatusCode),
    #[error("the issuer limits the rate of requests (429): a longer cache_ttl sends fewer")]
    TooOften,
    #[error("the issuer answers with status {0}")]
    Status(StatusCode),
    #[error("the answer is not application/json: check the introspection url")]
    NotJson,
    #[error("the answer is not of the configured kind; by RFC 7662 it is one JSON object with a boolean `active`")]
    NotAnAnswer,
    #[error("the answer is not signed, though `signed_response` requires it: register this client for signed answers")]
    NotSigned,
    #[error(
        "the signed answer is not one of RFC 9701 for this client: type, signature, `iss`, `aud` (the client_id), `iat` \
         and `token_introspection` are checked; check client_id, and that the clocks agree"
    )]
    NotASignedAnswer,
    #[error("the key that signed the answer is not in the issuer's key set, or the key set is unavailable")]
    KeyOfSignedAnswer,
    #[error("the gateway cannot sign an assertion with its key")]
    Signing,
    #[error("the gateway's own access token holds characters that cannot be sent: check the file")]
    UnsendableToken,
    #[error("a client certificate is configured, but the URL is not https, so it would not be used")]
    CertificateWithoutTls,
    #[error("no token endpoint: the issuer's metadata names none with https, or is unavailable")]
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
    #[error("too many introspections at once: the issuer is slow, or max_concurrent is too low")]
    Overloaded,
    #[error("the issuer asked for a pause (Retry-After), and gets no requests until it is over")]
    Paused,
    #[error("the issuer does not answer, and gets no requests for a while")]
    CircuitOpen,
    #[error("the introspection was abandoned because of a defect in the gateway")]
    Lost,
}

impl Failure {
    /// The same failure at the token endpoint.
    pub(super) fn at_token_endpoint(self) -> Self {
        match self {
            Self::Fetch(error) => Self::TokenFetch(error),
            failure => failure,
        }
    }

    /// Whether the issuer did not answer, or answered with a 5xx.
    pub(super) fn is_no_answer(&self) -> bool {
        match self {
            Self::Fetch(error) | Self::TokenFetch(error) => {
                matches!(error, FetchError::Connect(_) | FetchError::Timeout(_) | FetchError::Io(_))
            }
            Self::Status(status) | Self::TokenStatus(status) => status.is_server_error(),
            _ => false,
        }
    }

    /// Whether nothing was sent, for a reason in the gateway.
    pub(super) fn is_not_sent(&self) -> bool {
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

    /// Unavailable is not invalid: only an unsupported kind of token is the token's fault.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Unsupported => Reason::TokenUnsupported,
            _ => Reason::IntrospectionUnavailable,
        }
    }
}

/// Whether the content is JSON. A captive portal or a login page may answer 200 with HTML.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers) == "application/json"
}

/// The media type without its parameters; empty if there is not exactly one.
fn media_type(headers: &HeaderMap) -> String {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return String::new() };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The `error` of RFC 6749, 5.2; `None` also if a member is repeated.
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
