//! The client's own credentials (RFC 6749 4.4): there is no person, and no refresh token.

use axum::response::Response;

use super::{TokenRequest, answer::Content};
use crate::endpoints::{error::OAuthError, private::private_json};

pub(super) fn answer(request: &TokenRequest<'_>) -> Result<Response, OAuthError> {
    let resources = request.parameters.resources(&request.application.resource_servers)?;
    let scope = request.scope_for(&resources, request.parameters.scope(request.application)?)?;
    let content = Content {
        // RFC 9068 2.2: where no person is there, the subject is the client.
        subject: request.application.client_id.clone(),
        scope,
        resources,
        auth_time: None,
        custom_claims: request.parameters.custom_claims(request.application)?,
    };
    Ok(private_json(&request.access_token(content)?))
}
