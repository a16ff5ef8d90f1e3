//! The layer that protects a service.

use std::sync::Arc;

use bearward_gate::Gate;
use tower_layer::Layer;

use crate::mount::Mount;
use crate::service::Bearward;

/// A layer that calls the inner service only with requests that the gate admits.
///
/// The gate's routes say what a request needs; by default, every request needs a valid token. An admitted request carries the
/// caller as an [`Identity`](crate::Identity) in its extensions. A refused one is answered by the layer, with the status and
/// challenge that RFC 6750 defines, or with a gRPC status if the request is gRPC.
///
/// The gate checks the path that the inner service sees: `request.uri().path()`. So a layer that changes the path must be
/// outside of this one, never between it and the handlers. Inside an axum router that is nested under a prefix, the layer sees
/// and checks the rest of the path.
///
/// Identity headers that the client sent (`X-Auth-Subject` and so on, in every spelling that some server takes for one of them)
/// are removed from every admitted request, on open routes too. CORS preflights carry no token: put the layer that answers
/// them outside of this one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), bearward_tower::GateError> {
/// use bearward_tower::{BearwardLayer, Gate, Issuer};
///
/// let gate = Gate::builder()
///     .issuer(Issuer::new("https://auth.example.com").audience("https://api.example.com"))
///     .build()?;
/// let service = tower::ServiceBuilder::new()
///     .layer(BearwardLayer::new(gate))
///     .service_fn(|_: http::Request<String>| async { Ok::<_, std::io::Error>(http::Response::new(String::new())) });
/// # drop(service);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BearwardLayer {
    mount: Arc<Mount>,
}

impl BearwardLayer {
    /// A layer that asks `gate`.
    pub fn new(gate: impl Into<Arc<Gate>>) -> Self {
        Self { mount: Arc::new(Mount::new(gate.into(), false)) }
    }

    /// Sets the identity headers on each admitted request, for handlers that forward it to a service that reads them.
    ///
    /// Such a handler must not forward the request's trailers, nor the `Authorization` header unless that service needs the
    /// token: the layer changes neither.
    ///
    /// ```
    /// # use bearward_tower::{BearwardLayer, Gate};
    /// # use http::{Request, Response};
    /// # fn protected(gate: Gate) {
    /// let forward = tower::service_fn(async |request: Request<()>| {
    ///     let subject = request.headers().get("x-auth-subject");
    ///     // ...
    /// #   let _ = subject;
    ///     Ok::<_, std::io::Error>(Response::new(()))
    /// });
    /// let service = tower::ServiceBuilder::new()
    ///     .layer(BearwardLayer::new(gate).with_identity_headers())
    ///     .service(forward);
    /// # drop(service);
    /// # }
    /// ```
    #[must_use]
    pub fn with_identity_headers(self) -> Self {
        Self { mount: Arc::new(Mount::new(Arc::clone(self.mount.gate()), true)) }
    }
}

impl<S> Layer<S> for BearwardLayer {
    type Service = Bearward<S>;

    fn layer(&self, inner: S) -> Bearward<S> {
        Bearward::new(inner, Arc::clone(&self.mount))
    }
}
