//! The access tokens issued lately: looked up by tests, and ended by their identifier.

use axum::{
    extract::RawPathParams,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{bearer, error::OAuthError, private::NO_STORE, private::private_json};
use crate::{authority::Authority, ledger::Issued};

#[derive(Serialize)]
struct Entry {
    #[serde(flatten)]
    issued: Issued,
    active: bool,
}

/// What this issuer URL issued lately, oldest first, to a holder of `tokens:read`. No entry holds a token.
pub(super) async fn list(authority: Authority, headers: HeaderMap) -> Response {
    let issuer = authority.issuer();
    if let Err(refused) = bearer::holder_of(issuer, &headers, "tokens:read") {
        return refused.into_response();
    }
    let now = issuer.now();
    let entry = |issued: Issued| {
        let active = now < issued.expires && !issuer.shared.tokens.is_revoked(&issued.id, now);
        Entry { issued, active }
    };
    let tokens: Vec<Entry> = issuer.shared.ledger.of(authority.url()).into_iter().map(entry).collect();
    private_json(&json!({ "tokens": tokens }))
}

/// Ends one of them, for a holder of `tokens:delete`.
pub(super) async fn end(authority: Authority, headers: HeaderMap, parameters: RawPathParams) -> Response {
    let issuer = authority.issuer();
    if let Err(refused) = bearer::holder_of(issuer, &headers, "tokens:delete") {
        return refused.into_response();
    }
    let id = parameters.iter().find(|(name, _)| *name == "id").map(|(_, id)| id).unwrap_or_default();
    let Some(token) = issuer.shared.ledger.of(authority.url()).into_iter().find(|issued| issued.id == id) else {
        return (StatusCode::NOT_FOUND, NO_STORE).into_response();
    };
    match issuer.shared.tokens.revoke(&token.id, token.expires, issuer.now()) {
        Ok(()) => (StatusCode::NO_CONTENT, NO_STORE).into_response(),
        Err(full) => OAuthError::from(full).into_response(),
    }
}
