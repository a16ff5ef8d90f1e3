//! The code that the sign-in page gave (RFC 6749 4.1.3), with its PKCE verifier (RFC 7636 4.5).

use axum::response::Response;

use super::{TokenRequest, answer::not_good};
use crate::{
    endpoints::{error::OAuthError, private::private_json},
    grants::Grant,
};

pub(super) fn answer(request: &TokenRequest<'_>) -> Result<Response, OAuthError> {
    let code = request.parameters.require("code")?;
    let redirect_uri = request.parameters.require("redirect_uri")?;
    let verifier = request.parameters.get("code_verifier");
    request.lifetime()?;
    request.has_no_custom_claims()?;

    let belongs = |grant: &Grant| {
        if grant.redirect_uri != redirect_uri {
            return Err(OAuthError::InvalidGrant("redirect_uri is not that of the authorization request"));
        }
        if !grant.proves(verifier) {
            return Err(OAuthError::InvalidGrant("code_verifier does not belong to the authorization request"));
        }
        request.resources_and_scope(grant, None).map(|_| ())
    };
    let shared = &request.authority.issuer().shared;
    let held = shared.grants.redeem(&shared.tokens, code, request.owner(), belongs, request.now).map_err(not_good)?;
    let (resources, scope) = request.resources_and_scope(&held.grant, None)?;
    let answer = request.tokens(&held, resources, scope, held.grant.nonce.as_deref())?;
    Ok(private_json(&answer))
}
