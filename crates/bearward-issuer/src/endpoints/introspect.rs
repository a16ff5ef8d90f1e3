//! Token introspection (RFC 7662).

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::json;

use super::{OAuthError, Parameters, private_json};
use crate::{Issuer, client_auth, now, tokens::Claims};

#[derive(Serialize)]
struct ActiveToken {
    active: bool,
    token_type: &'static str,
    #[serde(flatten)]
    claims: Claims,
}

/// Answers any registered client, for tokens of both formats. `token_type_hint` is not needed: the form of a token
/// tells what it is (RFC 7662 2.1 lets it be ignored).
pub(super) async fn introspect(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, OAuthError> {
    client_auth::authenticate(issuer.settings(), &headers, &parameters)?;
    let token = parameters.require("token")?;
    Ok(match issuer.shared.tokens.read(token, issuer.url(), now()) {
        Some(claims) => private_json(&ActiveToken { active: true, token_type: "Bearer", claims }),
        // Not a word on why (RFC 7662 2.2): who asks about a foreign token learns nothing from us.
        None => private_json(&json!({ "active": false })),
    })
}
