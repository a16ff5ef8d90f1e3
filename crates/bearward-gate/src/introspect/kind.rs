//! The request and the answer of each kind of introspection.

use bearward_core::{IntrospectionAnswer, Reason};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::answer::{Failure, error_code, is_json, refusal};
use super::request::{Form, Payload, question};
use crate::settings::IntrospectionKind;

/// The content of a response: an answer about an active token, or why the token is invalid.
pub(super) type Parsed = Result<IntrospectionAnswer, Reason>;

impl IntrospectionKind {
    /// The body of a request about `token`, for a resource server with these `audiences`. The token is never part of the URL,
    /// which would be logged.
    pub(super) fn question(self, token: &str, audiences: &[String]) -> Payload {
        match self {
            Self::Rfc7662 => question(token).into(),
            Self::GoogleTokeninfo => {
                let mut form = Form::default();
                form.add("access_token", token);
                form.into()
            }
            Self::KubernetesTokenReview => Payload::json(&json!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                "spec": {"token": token, "audiences": audiences},
            })),
        }
    }
}

/// Reads the answer of Google's tokeninfo endpoint. Only the error `invalid_token` makes the token invalid.
pub(super) fn tokeninfo(response: &Response<Bytes>) -> Result<Parsed, Failure> {
    match response.status() {
        StatusCode::OK if !is_json(response.headers()) => Err(Failure::NotJson),
        StatusCode::OK => Ok(IntrospectionAnswer::parse_tokeninfo(response.body())),
        StatusCode::BAD_REQUEST
            if is_json(response.headers()) && error_code(response.body()).as_deref() == Some("invalid_token") =>
        {
            Ok(Err(Reason::TokenInactive))
        }
        _ => Err(refusal(response)),
    }
}

/// Reads the answer of a Kubernetes API server: the completed review, with status 201.
pub(super) fn token_review(response: &Response<Bytes>) -> Result<Parsed, Failure> {
    match response.status() {
        StatusCode::OK | StatusCode::CREATED if !is_json(response.headers()) => Err(Failure::NotJson),
        StatusCode::OK | StatusCode::CREATED => Ok(IntrospectionAnswer::parse_token_review(response.body())),
        _ => Err(refusal(response)),
    }
}
