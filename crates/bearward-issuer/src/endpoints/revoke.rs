//! Token revocation (RFC 7009).

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{NO_STORE, OAuthError, Parameters};
use crate::{Issuer, client_auth, now, tokens::TooManyRevocations};

/// Ends a token of the client that asks. One that means nothing, or nothing any more, is as good as revoked
/// (RFC 7009 2.2).
pub(super) async fn revoke(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, OAuthError> {
    let application = client_auth::authenticate(issuer.settings(), &headers, &parameters)?;
    let (tokens, now) = (&issuer.shared.tokens, now());
    if let Some(claims) = tokens.read(parameters.require("token")?, issuer.url(), now) {
        if claims.client_id != application.client_id {
            return Err(OAuthError::InvalidGrant);
        }
        // RFC 7009 2.2.1: after a 503 the client must assume that the token is still alive.
        let full = |TooManyRevocations| OAuthError::TemporarilyUnavailable;
        tokens.revocations.add(&claims.jti, claims.exp, now).map_err(full)?;
    }
    Ok((StatusCode::OK, NO_STORE).into_response())
}
