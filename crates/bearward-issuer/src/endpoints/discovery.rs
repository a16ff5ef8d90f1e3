//! Metadata and public keys.

use axum::{
    Json,
    http::{HeaderName, header},
    response::IntoResponse,
};
use serde_json::{Map, Value, json};

use super::path;
use crate::{Application, ClientType, GrantType, Protocol, authority::Authority, client_auth};

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
    // The first one signs; a key of another is for tokens that are minted with it.
    let algorithm: Vec<&str> =
        authority.issuer().settings().algorithms.iter().take(1).map(|first| first.name()).collect();
    let has = |grant: &GrantType| authority.applications().any(|application| application.has_grant(*grant));
    let grants = [GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken];
    let grants: Vec<&str> = grants.into_iter().filter(has).map(GrantType::name).collect();
    let mut document = json!({
        "issuer": authority.url(),
        "token_endpoint": at(path::TOKEN),
        "jwks_uri": at(path::JWKS),
        "introspection_endpoint": at(path::INTROSPECT),
        "revocation_endpoint": at(path::REVOKE),
        "scopes_supported": scopes(authority),
        "grant_types_supported": grants,
        // Required, and empty where no person signs in.
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithm,
        "introspection_signing_alg_values_supported": algorithm,
    });
    if let Some(members) = document.as_object_mut() {
        authentication(authority, members);
        if has(&GrantType::AuthorizationCode) {
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
        // RFC 8414 3.2: an empty list is left out. But one is required, and the other would stand for its defaults.
        let kept = ["response_types_supported", "grant_types_supported"];
        members.retain(|name, value| *value != json!([]) || kept.contains(&name.as_str()));
    }
    document
}

/// How clients authenticate at each endpoint.
fn authentication(authority: &Authority, document: &mut Map<String, Value>) {
    let method = |application: &Application| application.authentication.name();
    let methods = once(authority.applications().map(method));
    // Public clients have no business at introspection; the clients of resource servers have.
    let asking = authority.issuer().settings().applications.iter().filter(|application| {
        application.client_type == ClientType::Confidential
            && authority.introspecting_application(&application.client_id).is_some()
    });
    let introspecting = once(asking.map(method));
    for (endpoint, methods) in [("token", &methods), ("revocation", &methods), ("introspection", &introspecting)] {
        if methods.contains(&"private_key_jwt") {
            let algorithms: Vec<&str> = client_auth::ALGORITHMS.iter().map(|(name, _)| *name).collect();
            document.insert(format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), json!(algorithms));
        }
        document.insert(format!("{endpoint}_endpoint_auth_methods_supported"), json!(methods));
    }
}

/// Every scope that an application may ask for.
fn scopes(authority: &Authority) -> Vec<&str> {
    once(authority.applications().flat_map(|application| {
        let allowed = application.allowed_scopes.iter().map(String::as_str);
        application.identity_scopes().iter().copied().chain(allowed)
    }))
}

/// Each name once, in the order of the first ones.
fn once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}
