//! The verdict, carried out.

use std::sync::Arc;

use bearward_gate::{Decision, Verdict};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::identity::{Anonymous, DecidedBy, Identity};
use crate::mount::Mount;

/// What becomes of a request.
pub(crate) enum Outcome<B> {
    /// It goes on.
    Admitted(Request<B>),
    /// It is answered here.
    Refused(Response<Full<Bytes>>),
}

/// The request as the inner service may have it, or the answer to it.
pub(crate) fn carry_out<B>(mount: &Arc<Mount>, decision: Decision, mut request: Request<B>) -> Outcome<B> {
    let Decision { verdict, route, generation, .. } = decision;
    let admission = match verdict {
        Verdict::Admit(admission) => admission,
        Verdict::Refuse(refusal) => {
            return Outcome::Refused(mount.answer(&refusal, route.as_deref(), request.method(), request.headers()));
        }
    };
    let headers = request.headers_mut();
    // What a service could take for the gate's own word.
    generation.identity_headers().remove_from(headers);
    if mount.sets_headers() {
        for (name, value) in admission.headers() {
            headers.insert(name.clone(), value.clone());
        }
    }
    let decided_by = DecidedBy { route, generation, mount: Arc::clone(mount) };
    let extensions = request.extensions_mut();
    // A layer further out may have put another one there, about which this one says nothing.
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
    Outcome::Admitted(request)
}
