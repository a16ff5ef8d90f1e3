//! A refresh token (RFC 6749 6): replaced at each use, and good for what the person allowed or for less.

use axum::response::Response;

use super::{TokenRequest, answer::not_good};
use crate::{
    endpoints::{error::OAuthError, private::private_json},
    grants::Grant,
    scope,
};

pub(super) fn answer(request: &TokenRequest<'_>) -> Result<Response, OAuthError> {
    let token = request.parameters.require("refresh_token")?;
    let asked = request.parameters.get("scope").map(|asked| scope::parse(asked).ok_or(OAuthError::InvalidScope));
    let asked = asked.transpose()?;
    request.lifetime()?;
    request.has_no_custom_claims()?;

    let within = |grant: &Grant| match &asked {
        Some(asked) if !asked.iter().all(|name| grant.scope.contains(name)) => Err(OAuthError::InvalidScope),
        _ => request.resources_and_scope(grant, asked.as_deref()).map(|_| ()),
    };
    let shared = &request.authority.issuer().shared;
    let held = shared.grants.refresh(&shared.tokens, token, request.owner(), within, request.now).map_err(not_good)?;
    // The access token alone is narrowed: the next one may be for all again. Its ID token repeats no nonce (OpenID
    // Connect Core 12.2).
    let (resources, scope) = request.resources_and_scope(&held.grant, asked.as_deref())?;
    Ok(private_json(&request.tokens(&held, resources, scope, None)?))
}
