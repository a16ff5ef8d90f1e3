//! The answer: what an issuer's response says of a token, and what it says of the gateway instead.

use std::sync::Arc;

use bearward_core::{Reason, TokenRules, UnixTime, read_introspection};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;

use super::{Answer, IntrospectionOutcome};
use crate::http_client::FetchError;

/// Reads a response: `Ok` is what the issuer says of the token, `Err` is why it says nothing.
pub(super) fn read(response: &Response<Bytes>, rules: &TokenRules, now: UnixTime) -> Result<Answer, Problem> {
    let status = response.status();
    match status {
        StatusCode::OK if !is_json(response.headers()) => Err(Problem::NotJson),
        StatusCode::OK => match read_introspection(response.body(), rules, now) {
            Err(Reason::IntrospectionUnavailable) => Err(Problem::NotAnAnswer),
            answer => Ok(answer.map(Arc::new)),
        },
        StatusCode::BAD_REQUEST => Err(match error_code(response.body()).as_deref() {
            // Borrowed from revocation (RFC 7009, 2.2.1): such an issuer does not introspect its own self-contained
            // tokens.
            Some("unsupported_token_type") => Problem::Unsupported,
            // RFC 6749, 5.2 lets an issuer refuse a client in this way too.
            Some("invalid_client" | "unauthorized_client") => Problem::Credentials(status),
            _ => Problem::Status(status),
        }),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Problem::Credentials(status)),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => Err(Problem::NotThere(status)),
        StatusCode::TOO_MANY_REQUESTS => Err(Problem::TooOften),
        _ if status.is_redirection() => Err(Problem::Redirect(status)),
        _ => Err(Problem::Status(status)),
    }
}

/// Why an issuer did not say what a token means. The messages are for the log: they say what to do, and hold nothing
/// that came with the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error(
        "the issuer refuses the gateway's own credentials ({0}): check client_id and client_secret, and that this \
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
    #[error("the answer is not one of RFC 7662: one JSON object with a boolean `active` is expected")]
    NotAnAnswer,
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("too many questions at once: the issuer is slow, or max_concurrent is too low")]
    Overloaded,
    #[error("the question was abandoned by a fault of the gateway")]
    Lost,
}

impl Problem {
    pub(super) fn outcome(&self) -> IntrospectionOutcome {
        match self {
            Self::Credentials(_) => IntrospectionOutcome::Refused,
            Self::Unsupported => IntrospectionOutcome::Unsupported,
            Self::Fetch(FetchError::Timeout(_)) => IntrospectionOutcome::TimedOut,
            Self::Overloaded => IntrospectionOutcome::Overloaded,
            Self::NotThere(_)
            | Self::Redirect(_)
            | Self::TooOften
            | Self::Status(_)
            | Self::NotJson
            | Self::NotAnAnswer
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
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// The `error` of RFC 6749, 5.2. A member that comes twice makes the whole unreadable.
fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        error: String,
    }
    serde_json::from_slice::<Error>(body).ok().map(|body| body.error)
}
