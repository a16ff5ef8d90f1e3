//! The state that all services of one layer share: the gate, and how a refusal is answered.

use std::sync::Arc;

use bearward_core::Refusal;
use bearward_gate::{Gate, Progress, RequestFacts, RequestIds, Route};
use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;

#[derive(Debug)]
pub(crate) struct Mount {
    gate: Arc<Gate>,
    sets_headers: bool,
    request_ids: RequestIds,
}

impl Mount {
    pub(crate) fn new(gate: Arc<Gate>, sets_headers: bool) -> Self {
        Self { gate, sets_headers, request_ids: RequestIds::default() }
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Begins the decision about a request.
    pub(crate) fn begin<B>(&self, request: &Request<B>) -> Progress {
        let uri = request.uri();
        let mut facts = RequestFacts::new(request.method(), uri.path().as_bytes(), request.headers());
        facts.authority = uri.authority().map(Authority::as_str);
        facts.query = uri.query().map(str::as_bytes);
        facts.scheme = uri.scheme_str();
        facts.request_id = RequestIds::given(request.headers());
        self.gate.begin(&facts)
    }

    pub(crate) fn answer(
        &self,
        refusal: &Refusal,
        route: Option<&Route>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Response<Full<Bytes>> {
        let (reason, route) = (refusal.reason().name(), route.map(Route::name));
        tracing::debug!(reason, route, "a request was refused");
        answer(refusal, &self.request_ids, method, headers)
    }

    pub(crate) fn sets_headers(&self) -> bool {
        self.sets_headers
    }
}

/// The answer to a refused request, for HTTP or gRPC.
pub(crate) fn answer(
    refusal: &Refusal,
    request_ids: &RequestIds,
    method: &Method,
    headers: &HeaderMap,
) -> Response<Full<Bytes>> {
    refusal.response(method, headers, request_ids.of(headers)).map(Full::from)
}

/// Logs that the layer is missing, and what to do. Such a request is never admitted.
pub(crate) fn log_missing_layer(what: &str) {
    tracing::error!(
        "{what} needs a BearwardLayer: add `.layer(BearwardLayer::new(gate))` after the routes, and after every \
         `.route_layer(require())`, so that it runs before them; until then these requests are answered 500"
    );
}
