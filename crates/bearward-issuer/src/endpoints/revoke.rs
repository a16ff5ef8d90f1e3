//! Token revocation (RFC 7009).

use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    bearer::{self, Refusal},
    error::OAuthError,
    parameters::Parameters,
    private::NO_STORE,
};
use crate::{authority::Authority, client_auth, tokens::Claims};

/// Ends a token: an access token alone, a refresh token with everything that came of the same sign-in. One that means
/// nothing, or nothing any more, is as good as revoked (RFC 7009 2.2).
pub(super) async fn revoke(
    authority: Authority,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let ending = ending(&authority, &headers, &parameters)?;
    end(&authority, ending.as_deref(), &parameters)?;
    Ok((StatusCode::OK, NO_STORE).into_response())
}

/// The client whose tokens may be ended; `None` for a holder of `tokens:delete`, who may end all of this issuer URL.
fn ending(authority: &Authority, headers: &HeaderMap, parameters: &Parameters) -> Result<Option<String>, Refusal> {
    if bearer::is_used(headers) && !client_auth::is_in_form(parameters) {
        bearer::holder_of(authority.issuer(), headers, "tokens:delete")?;
        return Ok(None);
    }
    Ok(Some(client_auth::authenticate(authority, headers, parameters)?.client_id.clone()))
}

fn end(authority: &Authority, owner: Option<&str>, parameters: &Parameters) -> Result<(), OAuthError> {
    let shared = &authority.issuer().shared;
    let now = authority.issuer().now();
    let token = parameters.require("token")?;
    let may = |client_id: &str| match owner {
        Some(owner) if owner != client_id => Err(OAuthError::InvalidGrant("the token was issued to another client")),
        _ => Ok(()),
    };
    // Also one that is not yet good: a clock that was ahead has issued it.
    let alive = |claims: &Claims| now < claims.exp && !shared.tokens.is_revoked(&claims.jti, now);
    let access = shared.tokens.authentic(token).filter(|claims| claims.iss == authority.url());
    if let Some(claims) = access.filter(alive) {
        may(&claims.client_id)?;
        // RFC 7009 2.2.1: after a 503 the client must assume that the token is still alive.
        shared.tokens.revoke(&claims.jti, claims.exp, now)?;
    } else if let Some((id, grant, _)) = shared.grants.find(&shared.tokens, token, now)
        && grant.issuer == authority.url()
    {
        may(&grant.client_id)?;
        shared.grants.revoke(&shared.tokens, &id, now)?;
    }
    Ok(())
}
