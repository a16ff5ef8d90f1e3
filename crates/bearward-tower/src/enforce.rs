//! Carries out the verdict of the gate.

use std::sync::Arc;

use bearward_gate::{Decision, Verdict};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::identity::{Anonymous, DecidedBy, Identity};
use crate::mount::Mount;

/// What the service does with a request.
pub(crate) enum Action<B> {
    /// It calls the inner service with this request.
    Call(Request<B>),
    /// It answers the request.
    Answer(Response<Full<Bytes>>),
}

/// The admitted request without the client's identity headers and with the caller in its extensions, or the refusal.
pub(crate) fn enforce<B>(mount: &Arc<Mount>, decision: Decision, mut request: Request<B>) -> Action<B> {
    let Decision { verdict, route, generation, .. } = decision;
    let admission = match verdict {
        Verdict::Admit(admission) => admission,
        Verdict::Refuse(refusal) => {
            return Action::Answer(mount.answer(&refusal, route.as_deref(), request.method(), request.headers()));
        }
    };
    let headers = request.headers_mut();
    // A service could take these for headers of the gate.
    generation.identity_headers().remove_from(headers);
    if mount.sets_headers() {
        for (name, value) in admission.headers() {
            headers.insert(name.clone(), value.clone());
        }
    }
    let decided_by = DecidedBy { route, generation, mount: Arc::clone(mount) };
    let extensions = request.extensions_mut();
    // A layer outside of this one may have inserted another identity, which this layer has not proved.
    match admission.shared_token() {
        Some(token) => {
            extensions.remove::<Anonymous>();
            extensions.insert(Identity { token, decided_by });
        }
        None => {
            extensions.remove::<Identity>();
            extensions.insert(Anonymous(decided_by));
        }
    }
    Action::Call(request)
}
