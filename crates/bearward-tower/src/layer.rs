//! The layer.

use std::sync::Arc;

use bearward_gate::Gate;
use tower_layer::Layer;

use crate::mount::Mount;
use crate::service::Bearward;

/// Lets no request through that the gate does not admit.
///
/// What a request needs is stated with the gate's builder: by default a valid token, whatever it asks for. An admitted
/// request carries the caller as an [`Identity`](crate::Identity) in its extensions; a refused one is answered here, with
/// the status and challenge that RFC 6750 asks for, or with a gRPC status where the caller speaks gRPC.
///
/// The path that is judged is the one that the inner service sees: `request.uri().path()`. So whatever changes the path must
/// be outside of the layer, never between it and the handlers. A layer within an axum router that is nested under a prefix
/// sees, and judges, the rest of the path.
///
/// The client's copies of the gate's identity headers (`X-Auth-Subject` and so on, in every spelling that some server takes
/// for one of them) are removed from every admitted request, open routes included. CORS preflights carry no token: put the
/// layer that answers them outside of this one.
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

    /// Sets the identity headers on each admitted request, for handlers that pass it on to a service which reads them.
    ///
    /// Such a handler must not pass on the request's trailers, nor the `Authorization` header where that service has no
    /// need of the token: the layer touches neither.
    ///
    /// ```
    /// # use bearward_tower::{BearwardLayer, Gate};
    /// # use http::{Request, Response};
    /// # fn protected(gate: Gate) {
    /// let pass_on = tower::service_fn(async |request: Request<()>| {
    ///     let subject = request.headers().get("x-auth-subject");
    ///     // ...
    /// #   let _ = subject;
    ///     Ok::<_, std::io::Error>(Response::new(()))
    /// });
    /// let service = tower::ServiceBuilder::new()
    ///     .layer(BearwardLayer::new(gate).with_identity_headers())
    ///     .service(pass_on);
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
