//! The kinds of questions about a token, and how each one's answer is read.

use bearward_core::{IntrospectionAnswer, Reason};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::answer::{Problem, error_code, is_json, refusal};
use super::request::{Form, Payload, question};

/// What an issuer is asked about a token, and how it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntrospectionKind {
    /// RFC 7662, and signed answers by RFC 9701.
    #[default]
    Rfc7662,
    /// Google's tokeninfo endpoint. It asks nobody who they are, and tells of the tokens of every client in the world, so
    /// only `aud` says which are for us. A token that is not active is told with status 400.
    GoogleTokeninfo,
    /// A Kubernetes API server's `TokenReview`. Its answers have no expiry, so `cache_ttl` alone bounds their use.
    KubernetesTokenReview,
}

/// An active token, or why it is none.
pub(super) type Said = Result<IntrospectionAnswer, Reason>;

impl IntrospectionKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Rfc7662, Self::GoogleTokeninfo, Self::KubernetesTokenReview];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc7662 => "rfc7662",
            Self::GoogleTokeninfo => "google-tokeninfo",
            Self::KubernetesTokenReview => "kubernetes-tokenreview",
        }
    }

    /// The question about `token`, for a resource server with these `audiences`. The token stands in the body alone:
    /// addresses end up in logs.
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

/// Reads the answer of Google's tokeninfo endpoint. Only `invalid_token` is held against the token.
pub(super) fn tokeninfo(response: &Response<Bytes>) -> Result<Said, Problem> {
    match response.status() {
        StatusCode::OK if !is_json(response.headers()) => Err(Problem::NotJson),
        StatusCode::OK => Ok(IntrospectionAnswer::parse_tokeninfo(response.body())),
        StatusCode::BAD_REQUEST
            if is_json(response.headers()) && error_code(response.body()).as_deref() == Some("invalid_token") =>
        {
            Ok(Err(Reason::TokenInactive))
        }
        _ => Err(refusal(response)),
    }
}

/// Reads the answer of a Kubernetes API server: what it made of the review, which it says was created.
pub(super) fn token_review(response: &Response<Bytes>) -> Result<Said, Problem> {
    match response.status() {
        StatusCode::OK | StatusCode::CREATED if !is_json(response.headers()) => Err(Problem::NotJson),
        StatusCode::OK | StatusCode::CREATED => Ok(IntrospectionAnswer::parse_token_review(response.body())),
        _ => Err(refusal(response)),
    }
}
