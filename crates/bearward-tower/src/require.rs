//! Requirements of single handlers, in addition to those of the route.

use std::sync::Arc;
use std::task::{Context, Poll};

use bearward_core::{ClaimTest, Reason, Refusal, Requirement};
use bearward_gate::{RequestIds, RequirementBuilder};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::future::ResponseFuture;
use crate::identity::Admitted;
use crate::mount::{answer, log_missing_layer};

/// A layer that requires a token and more than the route does. It must be inside of a
/// [`BearwardLayer`](crate::BearwardLayer), which proves the token once; this layer only checks the proved token.
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
/// The checks are those of routes, and so are the refusals, with the scopes of both in the challenge. Without a
/// `BearwardLayer` outside of it, and with an invalid scope or an empty `any_scope`, every request is answered 500, and the log
/// says why.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Require {
    requirement: RequirementBuilder,
}

impl Require {
    /// Adds a scope that the token must have.
    pub fn scope(mut self, scope: &str) -> Self {
        self.requirement.scope(scope);
        self
    }

    /// Adds a set of scopes, not empty, of which the token must have at least one. It must have one of each call's set.
    pub fn any_scope<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        self.requirement.any_scope(scopes);
        self
    }

    /// Adds an audience. `aud` must hold at least one of them.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.requirement.audience(audience);
        self
    }

    /// Adds a condition on a claim, by the claim's name. All conditions must hold.
    pub fn claim(mut self, claim: &str, test: ClaimTest) -> Self {
        self.requirement.claim(claim, test);
        self
    }
}

impl<S> Layer<S> for Require {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        let requirement = self.requirement.clone().requirement().inspect_err(|error| {
            tracing::error!("invalid requirement: {error}; its requests are answered 500");
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
    /// `None` if it is invalid: then no request is admitted.
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
            log_missing_layer("`require()`");
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
