//! The future of a response.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bearward_gate::{Decision, Pending};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::enforce::{Action, enforce};
use crate::mount::Mount;

pin_project! {
    /// The future of [`Bearward`](crate::Bearward) and [`Required`](crate::Required).
    ///
    /// It holds the inner service's future without a box. Only if the token is not cached and has to be proved first, it holds
    /// the request, in a box.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Waiting { waiting: Option<Box<Waiting<S, B>>> },
        Readying { proved: Option<Box<(S, Request<B>)>> },
        Admitted { #[pin] inner: S::Future },
        Refused { answer: Option<Response<Full<Bytes>>> },
    }
}

/// A request whose token is being proved, and its service, which is not ready yet.
pub(crate) struct Waiting<S, B> {
    decision: Pin<Box<dyn Future<Output = Decision> + Send>>,
    service: S,
    request: Request<B>,
    mount: Arc<Mount>,
}

impl<S, B> Waiting<S, B> {
    pub(crate) fn new(pending: Pending, service: S, request: Request<B>, mount: Arc<Mount>) -> Self {
        // Boxed, because the future of an async function has no type name.
        let decision = Box::pin(pending.finish());
        Self { decision, service, request, mount }
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(crate) fn admitted(inner: S::Future) -> Self {
        Self { state: State::Admitted { inner } }
    }

    pub(crate) fn refused(answer: Response<Full<Bytes>>) -> Self {
        Self { state: State::Refused { answer: Some(answer) } }
    }

    pub(crate) fn waiting(waiting: Waiting<S, B>) -> Self {
        Self { state: State::Waiting { waiting: Some(Box::new(waiting)) } }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Admitted { inner } => {
                    let response = ready!(inner.poll(context))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjection::Refused { answer } => match answer.take() {
                    Some(answer) => return Poll::Ready(Ok(answer.map(ResponseBody::answer))),
                    // Polled after completion.
                    None => return Poll::Pending,
                },
                StateProjection::Waiting { waiting } => {
                    let Some(undecided) = waiting.as_mut() else { return Poll::Pending };
                    let decision = ready!(undecided.decision.as_mut().poll(context));
                    let Some(decided) = waiting.take() else { return Poll::Pending };
                    let Waiting { service, request, mount, .. } = *decided;
                    match enforce(&mount, decision, request) {
                        Action::Call(request) => State::Readying { proved: Some(Box::new((service, request))) },
                        Action::Answer(answer) => State::Refused { answer: Some(answer) },
                    }
                }
                StateProjection::Readying { proved } => {
                    let Some((service, _)) = proved.as_deref_mut() else { return Poll::Pending };
                    ready!(service.poll_ready(context))?;
                    let Some((mut service, request)) = proved.take().map(|proved| *proved) else {
                        return Poll::Pending;
                    };
                    State::Admitted { inner: service.call(request) }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "waiting",
            State::Readying { .. } => "readying",
            State::Admitted { .. } => "admitted",
            State::Refused { .. } => "refused",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
