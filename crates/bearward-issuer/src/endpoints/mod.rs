//! The HTTP endpoints: one file for each.

mod dev;
mod discovery;
mod error;
mod introspect;
mod parameters;
mod revoke;
mod token;

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;

pub(crate) use error::OAuthError;
pub(crate) use parameters::Parameters;

use crate::Issuer;

/// The paths under the issuer's URL, said once for the routes and for the metadata.
mod path {
    pub(super) const TOKEN: &str = "/token";
    pub(super) const JWKS: &str = "/jwks";
    pub(super) const INTROSPECT: &str = "/introspect";
    pub(super) const REVOKE: &str = "/revoke";
}

/// The longest body, in bytes: several times the longest token a server would accept in a header.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(issuer: Issuer) -> Router {
    let controls = Router::new()
        .route("/dev/token", post(dev::token))
        .route("/dev/rotate-keys", post(dev::rotate_keys))
        .route("/dev/retire-keys", post(dev::retire_keys))
        .route_layer(middleware::from_fn(dev::only_local));
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route(path::JWKS, get(discovery::jwks))
        .route(path::TOKEN, post(token::token))
        .route(path::INTROSPECT, post(introspect::introspect))
        .route(path::REVOKE, post(revoke::revoke))
        .merge(controls)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(issuer)
}

/// What must not be stored on the way: RFC 6749 5.1 asks for both, the second for caches older than HTTP/1.1.
const NO_STORE: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
];

fn private_json(body: &impl Serialize) -> Response {
    (NO_STORE, Json(body)).into_response()
}
