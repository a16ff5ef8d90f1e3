//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bearward_gate::Progress;
use http::{Request, Response};
use tower_service::Service;

use crate::body::ResponseBody;
use crate::future::{ResponseFuture, Waiting};
use crate::mount::Mount;
use crate::outcome::{Outcome, carry_out};

/// A service behind a [`BearwardLayer`](crate::BearwardLayer).
///
/// The inner service must be `Clone`: where a token has to be proved first, a clone waits with the request, and is made ready
/// once the token holds. So a request that is refused, or may yet be, keeps no place of those that the inner service has, such
/// as those of a `ConcurrencyLimit`.
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
    /// Gives back the place that the inner service holds since it was found ready: it is not called now, and maybe never.
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
            // The usual case: the inner service, which is ready, is called here and now.
            Progress::Decided(decision) => match carry_out(&self.mount, decision, request) {
                Outcome::Admitted(request) => ResponseFuture::admitted(self.inner.call(request)),
                Outcome::Refused(answer) => {
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
