//! Who asks with an access token of this issuer (RFC 6750): at UserInfo, and at the issuer's own API.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{error::OAuthError, private::NO_STORE};
use crate::{Issuer, ResourceServer, tokens::Claims};

/// Why a bearer gets nothing, by RFC 6750 3.1.
#[derive(Debug)]
pub(super) enum BearerError {
    /// There is no token: the answer names no error.
    Missing,
    /// More than one header field, or one that is none of this form.
    InvalidRequest,
    /// None of ours, or not in force, or for another API.
    InvalidToken,
    /// It lacks this scope.
    InsufficientScope(&'static str),
}

/// A refusal where a caller may authenticate as a client or with a bearer token.
#[derive(Debug)]
pub(super) enum Refusal {
    Client(OAuthError),
    Bearer(BearerError),
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::Client(error)
    }
}

impl From<BearerError> for Refusal {
    fn from(error: BearerError) -> Self {
        Self::Bearer(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Client(error) => error.into_response(),
            Self::Bearer(error) => error.into_response(),
        }
    }
}

/// The bearer token of a request.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, BearerError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(BearerError::Missing)?;
    if values.next().is_some() {
        return Err(BearerError::InvalidRequest);
    }
    let value = value.to_str().map_err(|_| BearerError::InvalidRequest)?;
    // Of another scheme, whatever comes after it: there is no token.
    if !value.split(' ').next().is_some_and(is_bearer) {
        return Err(BearerError::Missing);
    }
    value.split_once(' ').map(|(_, token)| token).ok_or(BearerError::InvalidRequest)
}

/// Whether the request authenticates with a bearer token rather than as a client.
pub(super) fn is_used(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(' ').next()).is_some_and(is_bearer)
}

fn is_bearer(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("Bearer")
}

/// The claims of a token for the issuer's own API that holds this scope. Any issuer URL of the tenant may have issued
/// it.
pub(super) fn holder_of(issuer: &Issuer, headers: &HeaderMap, scope: &'static str) -> Result<Claims, BearerError> {
    let claims = issuer.shared.tokens.read_of_any_issuer(token(headers)?, issuer.now());
    let claims = claims.filter(|claims| claims.aud.contains(ResourceServer::ISSUER));
    let claims = claims.ok_or(BearerError::InvalidToken)?;
    if !claims.has_scope(scope) {
        return Err(BearerError::InsufficientScope(scope));
    }
    Ok(claims)
}

impl IntoResponse for BearerError {
    fn into_response(self) -> Response {
        const REALM: &str = r#"Bearer realm="bearward-issuer""#;
        let (status, challenge) = match self {
            Self::Missing => (StatusCode::UNAUTHORIZED, REALM.to_owned()),
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, format!(r#"{REALM}, error="invalid_request""#)),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, format!(r#"{REALM}, error="invalid_token""#)),
            Self::InsufficientScope(scope) => {
                (StatusCode::FORBIDDEN, format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#))
            }
        };
        let mut response = (status, NO_STORE).into_response();
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
