//! Refusals as RFC 6749 has them: in the body of an answer (5.2), or in a redirect (4.1.2.1).

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::private::private_json;
use crate::{CryptoError, MintError, RotateError, store::Full};

/// What a request did wrong, by the names of RFC 6749 4.1.2.1 and 5.2, and of what extends it.
#[derive(Debug)]
pub(crate) enum OAuthError {
    /// Missing, repeated or contradictory parameters.
    InvalidRequest(Cow<'static, str>),
    /// The client did not prove who it is.
    InvalidClient,
    /// The code or the token is not good, or another client's (RFC 6749 5.2, RFC 7009 2.1).
    InvalidGrant(&'static str),
    /// The client may not use this grant type.
    UnauthorizedClient,
    /// The issuer does not know this grant type.
    UnsupportedGrantType,
    /// The scope is malformed, or more than the client is allowed.
    InvalidScope,
    /// A `resource` is none of the application's, or none that was asked for in the authorization request (RFC 8707 2).
    InvalidTarget,
    /// Not from here, or not by this person.
    AccessDenied(&'static str),
    /// Only `code` is (RFC 6749 4.1.2.1).
    UnsupportedResponseType,
    /// A person would have to sign in, and the request forbids to ask (OpenID Connect Core 3.1.2.6).
    LoginRequired,
    /// Request objects are not read (OpenID Connect Core 3.1.2.6).
    RequestNotSupported,
    /// Nor fetched (OpenID Connect Core 3.1.2.6).
    RequestUriNotSupported,
    /// Not now (RFC 7009 2.2.1).
    TemporarilyUnavailable,
    /// Our fault.
    ServerError,
}

impl OAuthError {
    /// The status, the `error` and the `error_description`.
    pub(super) fn parts(&self) -> (StatusCode, &'static str, &str) {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::InvalidRequest(what) => (bad, "invalid_request", what),
            Self::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client", "client authentication failed"),
            Self::InvalidGrant(why) => (bad, "invalid_grant", why),
            Self::UnauthorizedClient => (bad, "unauthorized_client", "the client may not use this grant type"),
            Self::UnsupportedGrantType => (
                bad,
                "unsupported_grant_type",
                "only client_credentials, authorization_code and refresh_token are supported",
            ),
            Self::InvalidTarget => (
                bad,
                "invalid_target",
                "a resource is malformed, or not one that the client is linked to or was granted",
            ),
            Self::InvalidScope => (bad, "invalid_scope", "the scope is malformed or more than the client is allowed"),
            Self::AccessDenied(why) => (StatusCode::FORBIDDEN, "access_denied", why),
            Self::UnsupportedResponseType => (bad, "unsupported_response_type", "only code is supported"),
            Self::LoginRequired => (bad, "login_required", "no person stays signed in here, and prompt is none"),
            Self::RequestNotSupported => (bad, "request_not_supported", "request objects are not supported"),
            Self::RequestUriNotSupported => (bad, "request_uri_not_supported", "request objects are not supported"),
            Self::TemporarilyUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again later")
            }
            Self::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the issuer failed"),
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (status, error, description) = self.parts();
        let mut response = private_json(&json!({ "error": error, "error_description": description }));
        *response.status_mut() = status;
        match self {
            // RFC 6749 5.2 and RFC 7235 3.1: a 401 names a scheme by which the client can authenticate.
            Self::InvalidClient => {
                let challenge = HeaderValue::from_static(r#"Basic realm="bearward-issuer", charset="UTF-8""#);
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::TemporarilyUnavailable => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        response
    }
}

impl From<CryptoError> for OAuthError {
    fn from(_: CryptoError) -> Self {
        Self::ServerError
    }
}

impl From<Full> for OAuthError {
    fn from(_: Full) -> Self {
        Self::TemporarilyUnavailable
    }
}

impl From<MintError> for OAuthError {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Crypto(_) => Self::ServerError,
            MintError::Scope => Self::InvalidScope,
            other => Self::InvalidRequest(other.to_string().into()),
        }
    }
}

impl From<RotateError> for OAuthError {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Crypto(_) => Self::ServerError,
            RotateError::TooManyKeys => Self::InvalidRequest(error.to_string().into()),
        }
    }
}
