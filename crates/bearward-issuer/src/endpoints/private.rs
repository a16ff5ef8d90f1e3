//! Answers that no cache may store.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// What must not be stored on the way: RFC 6749 5.1 asks for both, the second for caches older than HTTP/1.1.
pub(crate) const NO_STORE: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
];

/// A JSON answer of this kind.
pub(crate) fn private_json(body: &impl Serialize) -> Response {
    (NO_STORE, Json(body)).into_response()
}
