//! Development controls: what no real authorization server offers.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, FromRequest, Request, State, rejection::JsonRejection},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{error::OAuthError, private::private_json};
use crate::{CryptoError, Fault, FaultError, Issuer, TokenFormat, authority::Authority};

/// Lets only programs on this machine through, as far as the request tells: the peer is on loopback, no web page sent
/// it (a browser names the page in `Origin`), and no proxy hides the real peer. Where the peer is not known, no request.
pub(super) async fn only_local(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    let headers = request.headers();
    let elsewhere = [header::ORIGIN.as_str(), header::FORWARDED.as_str(), "x-forwarded-for"];
    if !local || elsewhere.iter().any(|name| headers.contains_key(*name)) {
        let why = "development controls answer only to programs on this machine";
        return OAuthError::AccessDenied(why).into_response();
    }
    next.run(request).await
}

/// What to mint; all of it may be left out. See [`crate::TokenBuilder`] for what each means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    application: Option<String>,
    format: Option<TokenFormat>,
    audience: Option<String>,
    scope: Option<String>,
    lifetime: Option<i64>,
    subject: Option<String>,
    custom_claims: Option<Map<String, Value>>,
}

/// Mints a token as described: `bearward token` asks for it here. At an application's issuer URL it is that
/// application's.
pub(super) async fn token(
    authority: Authority,
    StrictJson(request): StrictJson<TokenRequest>,
) -> Result<Response, OAuthError> {
    let mut token = authority.issuer().token();
    match (authority.only_application(), request.application) {
        (Some(only), Some(other)) if only != other => {
            return Err(OAuthError::InvalidRequest("this is the issuer URL of another application".into()));
        }
        (Some(only), _) => token = token.application(only).own_issuer(),
        (None, Some(client_id)) => token = token.application(client_id),
        (None, None) => {}
    }
    if let Some(format) = request.format {
        token = token.format(format);
    }
    if let Some(audience) = request.audience {
        token = token.audience(audience);
    }
    if let Some(scope) = request.scope {
        token = token.scope(scope);
    }
    if let Some(seconds) = request.lifetime {
        token = token.lifetime(seconds);
    }
    if let Some(subject) = request.subject {
        token = token.subject(subject);
    }
    if let Some(claims) = request.custom_claims {
        token = token.custom_claims(claims);
    }
    Ok(private_json(&json!({ "access_token": token.mint()? })))
}

/// Makes a new key the current one, and says which keys there are.
pub(super) async fn rotate_keys(State(issuer): State<Issuer>) -> Result<Response, OAuthError> {
    // An RSA key takes a while: it must not hold up the other requests of this thread.
    let rotated = tokio::task::spawn_blocking(move || issuer.rotate_keys());
    let keys = rotated.await.map_err(|_stopped| OAuthError::from(CryptoError))??;
    Ok(private_json(&keys))
}

/// Stops publishing the old keys, and says which keys there are.
pub(super) async fn retire_keys(State(issuer): State<Issuer>) -> Response {
    private_json(&issuer.retire_keys())
}

/// Replaces the faults; an empty array mends everything.
pub(super) async fn set_faults(
    State(issuer): State<Issuer>,
    StrictJson(faults): StrictJson<Vec<String>>,
) -> Result<StatusCode, OAuthError> {
    let faults: Result<Vec<Fault>, FaultError> = faults.iter().map(|fault| fault.parse()).collect();
    issuer.set_faults(faults.map_err(|error| OAuthError::InvalidRequest(error.to_string().into()))?);
    Ok(StatusCode::NO_CONTENT)
}

/// `Json`, with a refusal in the form of all the others, which says what is wrong: it is a developer who asks.
pub(super) struct StrictJson<T>(T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        let refused = |refused: JsonRejection| OAuthError::InvalidRequest(refused.body_text().into());
        Json::from_request(request, state).await.map(|Json(value)| Self(value)).map_err(refused)
    }
}
