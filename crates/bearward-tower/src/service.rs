//! The protected service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bearward_gate::Progress;
use http::{Request, Response};
use tower_service::Service;

use crate::body::ResponseBody;
use crate::enforce::{Action, enforce};
use crate::future::{ResponseFuture, Waiting};
use crate::mount::Mount;

/// A service behind a [`BearwardLayer`](crate::BearwardLayer).
///
/// The inner service must be `Clone`: if a token has to be proved first, a clone waits with the request and is polled ready once
/// the token is valid. So a request that is refused, or may still be, takes no capacity of the inner service, such as a permit
/// of a `ConcurrencyLimit`.
#[derive(Clone, Debug)]
pub struct Bearward<S> {
    inner: S,
    mount: Arc<Mount>,
}

impl<S> Bearward<S> {
    pub(crate) fn new(inner: S, mount: Arc<Mount>) -> Self {
        Self { inner, mount }
    }
}

impl<S: Clone> Bearward<S> {
    /// Releases the capacity that the inner service reserved in `poll_ready`, because it is not called now, and maybe never.
    fn release(&mut self) {
        self.inner = self.inner.clone();
    }
}

impl<S, B, R> Service<Request<B>> for Bearward<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<S, B> {
        match self.mount.begin(&request) {
            // The usual case: the inner service is ready and is called at once.
            Progress::Decided(decision) => match enforce(&self.mount, decision, request) {
                Action::Call(request) => ResponseFuture::admitted(self.inner.call(request)),
                Action::Answer(answer) => {
                    self.release();
                    ResponseFuture::refused(answer)
                }
            },
            Progress::Pending(pending) => {
                self.release();
                ResponseFuture::waiting(Waiting::new(pending, self.inner.clone(), request, Arc::clone(&self.mount)))
            }
        }
    }
}
