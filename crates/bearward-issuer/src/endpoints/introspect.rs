//! Token introspection (RFC 7662), plain or as a signed JWT (RFC 9701).

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    bearer::{self, Refusal},
    error::OAuthError,
    parameters::Parameters,
    private::NO_STORE,
    private::private_json,
};
use crate::{
    authority::Authority,
    client_auth, scope,
    tokens::{Claims, Signed},
};

/// The media type of a signed answer, which a caller asks for by `Accept` (RFC 9701 4).
const SIGNED: &str = "application/token-introspection+jwt";

#[derive(Serialize)]
struct ActiveToken {
    active: bool,
    token_type: &'static str,
    #[serde(flatten)]
    claims: Claims,
}

#[derive(Serialize)]
struct ActiveRefreshToken {
    active: bool,
    token_type: &'static str,
    iss: String,
    client_id: String,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    iat: u64,
    exp: u64,
}

/// Answers the applications of this issuer URL, the clients of resource servers, and holders of `tokens:introspect`.
/// `token_type_hint` is not needed: a token says what it is (RFC 7662 2.1 lets the hint be ignored).
pub(super) async fn introspect(
    authority: Authority,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Refusal> {
    let asking = asking(&authority, &headers, &parameters)?;
    let meaning = meaning(&authority, &asking, parameters.require("token")?)?;
    if wants_signed(&headers) {
        return Ok(signed(&authority, &asking, &meaning)?);
    }
    Ok(private_json(&meaning))
}

/// The client that asks.
fn asking(authority: &Authority, headers: &HeaderMap, parameters: &Parameters) -> Result<String, Refusal> {
    if bearer::is_used(headers) && !client_auth::is_in_form(parameters) {
        return Ok(bearer::holder_of(authority.issuer(), headers, "tokens:introspect")?.client_id);
    }
    Ok(client_auth::authenticate_to_introspect(authority, headers, parameters)?.client_id.clone())
}

/// What the token means to that client, or `active: false` and not a word on why (RFC 7662 2.2): who asks about a
/// foreign token learns nothing from us.
fn meaning(authority: &Authority, asking: &str, token: &str) -> Result<Value, OAuthError> {
    let shared = &authority.issuer().shared;
    let now = authority.issuer().now();
    if let Some(claims) = shared.tokens.read(token, authority.url(), now) {
        let meaning = ActiveToken { active: true, token_type: "Bearer", claims };
        return serde_json::to_value(meaning).map_err(|_| OAuthError::ServerError);
    }
    // A refresh token is told to its own client alone, and it has no audience: no API may take it for an access
    // token.
    let refresh = shared.grants.find(&shared.tokens, token, now);
    let own = refresh.filter(|(_, grant, _)| grant.client_id == asking && grant.issuer == authority.url());
    let Some((_, grant, exp)) = own else { return Ok(json!({ "active": false })) };
    let meaning = ActiveRefreshToken {
        active: true,
        token_type: "refresh_token",
        iss: grant.issuer,
        client_id: grant.client_id,
        sub: grant.subject,
        scope: scope::join(&grant.scope),
        iat: grant.auth_time,
        exp,
    };
    serde_json::to_value(meaning).map_err(|_| OAuthError::ServerError)
}

fn wants_signed(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    types.any(|range| range.trim().eq_ignore_ascii_case(SIGNED))
}

/// RFC 9701 5: about the token in a member of its own, so that the answer is not taken for the token.
fn signed(authority: &Authority, asking: &str, meaning: &Value) -> Result<Response, OAuthError> {
    let claims = json!({
        "iss": authority.url(),
        "aud": asking,
        "iat": authority.issuer().now(),
        "token_introspection": meaning,
    });
    let body = authority.issuer().shared.tokens.sign(Signed::Introspection, &claims)?;
    Ok((NO_STORE, [(header::CONTENT_TYPE, SIGNED)], body).into_response())
}
