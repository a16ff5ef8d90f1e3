//! The service.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bearward_gate::Progress;
use http::{Request, Response};
use tower_service::Service;

use crate::body::ResponseBody;
use crate::future::{ResponseFuture, Waiting};
use crate::mount::{Mount, Outcome};

/// A service behind a [`BearwardLayer`](crate::BearwardLayer).
///
/// The inner service must be `Clone`: where a token has to be proved first, the one that was found ready waits with the
/// request, and a clone takes its place.
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
            Progress::Decided(decision) => match self.mount.carry_out(decision, request) {
                Outcome::Admitted(request) => ResponseFuture::admitted(self.inner.call(request)),
                Outcome::Refused(answer) => ResponseFuture::refused(answer),
            },
            Progress::Pending(pending) => {
                // It is this one that was found ready, so it is this one that must be called; the clone stays behind.
                let clone = self.inner.clone();
                let service = mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(Waiting::new(pending, service, request, Arc::clone(&self.mount)))
            }
        }
    }
}
