//! Metadata and public keys.

use axum::{
    Json,
    http::{HeaderName, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};

use super::path;
use crate::{ClientAuthentication, ClientType, GrantType, Protocol, authority::Authority, client_auth, settings};

/// The authorization server metadata of RFC 8414. OpenID Connect Discovery gets the same document.
pub(super) async fn metadata(authority: Authority) -> impl IntoResponse {
    (cached(&authority), Json(document(&authority)))
}

/// The public keys (RFC 7517 5).
pub(super) async fn jwks(authority: Authority) -> impl IntoResponse {
    let media_type = [(header::CONTENT_TYPE, "application/jwk-set+json")];
    (cached(&authority), media_type, Json(authority.issuer().shared.tokens.keys.jwks()))
}

fn cached(authority: &Authority) -> [(HeaderName, String); 1] {
    [(header::CACHE_CONTROL, format!("max-age={}", authority.issuer().settings().jwks_max_age))]
}

/// What this issuer URL can do: no more than its applications can.
fn document(authority: &Authority) -> Value {
    let at = |path: &str| format!("{}{path}", authority.url());
    let algorithms: Vec<&str> =
        authority.issuer().settings().algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let grants = [GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken];
    let grants: Vec<&str> = grants
        .into_iter()
        .filter(|grant| authority.applications().any(|application| application.has_grant(*grant)))
        .map(GrantType::name)
        .collect();
    let mut document = json!({
        "issuer": authority.url(),
        "token_endpoint": at(path::TOKEN),
        "jwks_uri": at(path::JWKS),
        "introspection_endpoint": at(path::INTROSPECT),
        "revocation_endpoint": at(path::REVOKE),
        "scopes_supported": scopes(authority),
        "grant_types_supported": grants,
        // Required, and honestly empty where nobody signs in.
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "introspection_signing_alg_values_supported": algorithms,
    });
    if let Some(members) = document.as_object_mut() {
        authentication(authority, members);
        if authority.applications().any(settings::has_people) {
            let endpoint = at(path::AUTHORIZE);
            members.extend([
                ("authorization_endpoint".to_owned(), endpoint.into()),
                ("response_types_supported".to_owned(), json!(["code"])),
                ("response_modes_supported".to_owned(), json!(["query"])),
                ("code_challenge_methods_supported".to_owned(), json!(["S256"])),
                // RFC 9207 3.
                ("authorization_response_iss_parameter_supported".to_owned(), true.into()),
                ("request_parameter_supported".to_owned(), false.into()),
                ("request_uri_parameter_supported".to_owned(), false.into()),
            ]);
        }
        if authority.applications().any(|application| application.protocol == Protocol::Oidc) {
            members.extend([
                ("userinfo_endpoint".to_owned(), at(path::USERINFO).into()),
                ("claims_supported".to_owned(), json!(["sub", "name", "email", "email_verified"])),
            ]);
        }
    }
    document
}

/// How clients authenticate at each endpoint.
fn authentication(authority: &Authority, document: &mut Map<String, Value>) {
    let mut methods = Vec::new();
    for application in authority.applications() {
        let method = application.authentication.name();
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    // Public clients have no business at introspection; the clients of resource servers have.
    let asking = authority.issuer().settings().applications.iter().filter(|application| {
        application.client_type == ClientType::Confidential
            && authority.introspecting_application(&application.client_id).is_some()
    });
    let mut introspecting = Vec::new();
    for method in asking.map(|application| application.authentication.name()) {
        if !introspecting.contains(&method) {
            introspecting.push(method);
        }
    }
    let signs = authority
        .applications()
        .any(|application| matches!(application.authentication, ClientAuthentication::PrivateKeyJwt(_)));
    for (endpoint, methods) in [("token", &methods), ("revocation", &methods), ("introspection", &introspecting)] {
        document.insert(format!("{endpoint}_endpoint_auth_methods_supported"), json!(methods));
        if signs {
            let algorithms: Vec<&str> = client_auth::ALGORITHMS.iter().map(|(name, _)| *name).collect();
            document.insert(format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), json!(algorithms));
        }
    }
}

/// Every scope that an application may ask for, each once.
fn scopes(authority: &Authority) -> Vec<&str> {
    let mut scopes: Vec<&str> = Vec::new();
    for application in authority.applications() {
        let allowed = application.allowed_scopes.iter().map(String::as_str);
        for name in application.identity_scopes().iter().copied().chain(allowed) {
            if !scopes.contains(&name) {
                scopes.push(name);
            }
        }
    }
    scopes
}
