//! Extractors for axum.

use std::any::type_name;
use std::convert::Infallible;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::IntoResponse;
use bearward_core::{Reason, Refusal, Requirement};
use bearward_gate::RequestIds;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;
use serde::de::DeserializeOwned;

use crate::identity::{Admitted, Identity};
use crate::mount::{answer, log_missing_layer};

/// The caller's claims, deserialized into a type of your own.
///
/// Claims that do not fit the type are answered 403, like any other unmet condition on claims. The type must be `Deserialize`;
/// otherwise the compiler only says that the function is not a `Handler`.
///
/// ```
/// use bearward_tower::Token;
///
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     email: String,
/// }
///
/// async fn greet(Token(claims): Token<Claims>) -> String {
///     format!("Hello, {}", claims.email)
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(greet));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Token<T>(pub T);

/// The response if an extractor fails.
///
/// It is 401 if the handler needs an identity and the route admitted the request without a token, 403 if the claims do not fit,
/// and 500 if no [`BearwardLayer`](crate::BearwardLayer) runs before the handler; the log then says what to do.
#[derive(Debug)]
pub struct Rejection {
    answer: Box<Response<Full<Bytes>>>,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        self.answer.map(|body| Body::new(http_body_util::BodyExt::map_err(body, |never: Infallible| match never {})))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        identity(parts, "the extractor `Identity`")
    }
}

/// `None` if the request was admitted without a token.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Identity {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        optional(parts, "the extractor `Option<Identity>`")
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Token<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let identity = identity(parts, "the extractor `Token`")?;
        claims(parts, &identity)
    }
}

/// `None` if the request was admitted without a token.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequestParts<S> for Token<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let identity = optional(parts, "the extractor `Option<Token>`")?;
        identity.map(|identity| claims(parts, &identity)).transpose()
    }
}

fn identity(parts: &Parts, what: &str) -> Result<Identity, Rejection> {
    let admitted = admitted(parts, what)?;
    // An empty requirement still needs a token.
    let narrowed = admitted.narrow(&Requirement::default(), &parts.method, &parts.headers);
    narrowed.map_err(|answer| Rejection { answer })?;
    parts.extensions.get::<Identity>().cloned().ok_or_else(|| internal(parts))
}

fn optional(parts: &Parts, what: &str) -> Result<Option<Identity>, Rejection> {
    admitted(parts, what)?;
    Ok(parts.extensions.get::<Identity>().cloned())
}

fn claims<T: DeserializeOwned>(parts: &Parts, identity: &Identity) -> Result<Token<T>, Rejection> {
    T::deserialize(identity.claims()).map(Token).or_else(|_| {
        // The error of serde would repeat the content of the token.
        tracing::debug!("the claims of a valid token do not fit `{}`", type_name::<T>());
        let admitted = admitted(parts, "the extractor `Token`")?;
        Err(Rejection { answer: admitted.refuse(Reason::ClaimConditionUnmet, &parts.method, &parts.headers) })
    })
}

fn admitted<'a>(parts: &'a Parts, what: &str) -> Result<Admitted<'a>, Rejection> {
    Admitted::of(&parts.extensions).ok_or_else(|| {
        log_missing_layer(what);
        internal(parts)
    })
}

fn internal(parts: &Parts) -> Rejection {
    let refusal = Refusal::new(Reason::Internal);
    Rejection { answer: Box::new(answer(&refusal, &RequestIds::default(), &parts.method, &parts.headers)) }
}
