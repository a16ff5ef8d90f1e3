//! What one handler asks for, beyond what its route does.

use std::sync::Arc;
use std::task::{Context, Poll};

use bearward_core::{ClaimTest, Reason, Refusal, Requirement};
use bearward_gate::{Needs, RequestIds};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::future::ResponseFuture;
use crate::identity::Admitted;
use crate::mount::{answer, say_layer_is_missing};

/// Asks for more than the route does: a token, and what is added to this. To be put behind a
/// [`BearwardLayer`](crate::BearwardLayer), which proves the token once; this only reads what it proved.
///
/// ```
/// use axum::Router;
/// use axum::routing::{get, post};
/// use bearward_tower::{ClaimTest, require};
///
/// let app: Router = Router::new()
///     .route("/orders", post(async || "ordered").route_layer(require().scope("orders:write")))
///     .route("/orders/{id}", get(async || "an order").route_layer(require().any_scope(["orders:read", "orders:admin"])))
///     .route("/sales", get(async || "7").route_layer(require().claim("department", ClaimTest::Equals("sales".into()))));
/// # drop(app);
/// ```
pub fn require() -> Require {
    Require::default()
}

/// A requirement of one handler, made by [`require`]; a layer.
///
/// The requirement is held against the token by the rules that hold for routes, and a refusal is the answer that a route
/// would give, with the scopes of both in its challenge. Where no `BearwardLayer` runs before it, where a text is no
/// scope, and where one of no scopes is asked for, every request is answered 500, and the log says why.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Require {
    needs: Needs,
}

impl Require {
    /// A scope that the token must have, beside those named already.
    pub fn scope(mut self, scope: &str) -> Self {
        self.needs.scope(scope);
        self
    }

    /// Scopes of which the token must have one; at least one has to be named. Of each further call's scopes it must have one
    /// as well.
    pub fn any_scope<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.needs.any_scope(scopes);
        self
    }

    /// An audience of which, with the others named here, one must stand in `aud`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.needs.audience(audience);
        self
    }

    /// A condition on a claim, by the claim's name; all conditions must hold.
    pub fn claim(mut self, claim: &str, test: ClaimTest) -> Self {
        self.needs.claim(claim, test);
        self
    }
}

impl<S> Layer<S> for Require {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        let requirement = self.needs.clone().requirement().inspect_err(|error| {
            tracing::error!("a requirement cannot be met: {error}; its requests are answered 500");
        });
        Required { inner, rule: Arc::new(Rule { requirement: requirement.ok(), request_ids: RequestIds::default() }) }
    }
}

/// A service behind a [`Require`].
#[derive(Clone, Debug)]
pub struct Required<S> {
    inner: S,
    rule: Arc<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// `None` where it was not stated properly: then nothing is let through.
    requirement: Option<Requirement>,
    request_ids: RequestIds,
}

impl<S, B, R> Service<Request<B>> for Required<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<S, B> {
        let (method, headers) = (request.method(), request.headers());
        let admitted = Admitted::of(request.extensions());
        if admitted.is_none() {
            say_layer_is_missing("`require()`");
        }
        match admitted.zip(self.rule.requirement.as_ref()) {
            Some((admitted, requirement)) => match admitted.narrow(requirement, method, headers) {
                Ok(()) => ResponseFuture::admitted(self.inner.call(request)),
                Err(answer) => ResponseFuture::refused(*answer),
            },
            None => {
                let refusal = Refusal::new(Reason::Internal);
                ResponseFuture::refused(answer(&refusal, &self.rule.request_ids, method, headers))
            }
        }
    }
}
