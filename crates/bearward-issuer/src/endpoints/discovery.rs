//! Metadata and public keys.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::path;
use crate::Issuer;

/// The authorization server metadata of RFC 8414. OpenID Connect Discovery gets the same document: it has what that
/// asks for, but for an authorization endpoint, which an issuer without people does not have.
pub(super) async fn metadata(State(issuer): State<Issuer>) -> impl IntoResponse {
    (cached(&issuer), Json(document(&issuer)))
}

/// The public keys (RFC 7517 5).
pub(super) async fn jwks(State(issuer): State<Issuer>) -> impl IntoResponse {
    let media_type = [(header::CONTENT_TYPE, "application/jwk-set+json")];
    (cached(&issuer), media_type, Json(issuer.shared.tokens.keys.jwks()))
}

fn cached(issuer: &Issuer) -> [(HeaderName, String); 1] {
    [(header::CACHE_CONTROL, format!("max-age={}", issuer.settings().jwks_max_age))]
}

fn document(issuer: &Issuer) -> Value {
    let settings = issuer.settings();
    let at = |path: &str| format!("{}{path}", issuer.url());
    let algorithms: Vec<&str> = settings.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let client_authentication = ["client_secret_basic", "client_secret_post"];
    json!({
        "issuer": issuer.url(),
        "token_endpoint": at(path::TOKEN),
        "jwks_uri": at(path::JWKS),
        "introspection_endpoint": at(path::INTROSPECT),
        "revocation_endpoint": at(path::REVOKE),
        "scopes_supported": settings.scopes(),
        "grant_types_supported": ["client_credentials"],
        // Required, and honestly empty: there is no authorization endpoint.
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": client_authentication,
        "introspection_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    })
}
