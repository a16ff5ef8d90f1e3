//! pingora's callbacks, in the order in which it calls them: read the request, ask the gate, forward or answer, log.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bearward_core::{Reason, Refusal};
use bearward_gate::{Gate, RequestFacts, RequestIds, Verdict, X_REQUEST_ID};
use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode, Version};
use pingora_core::modules::http::HttpModules;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorSource, ErrorType, Result, RetryType};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

use super::answer::{self, After};
use super::fields::RequestFields;
use super::{Exchange, ExchangeOutcome, access_log};
use crate::http::forwarding::{self, Forwarding};
use crate::http::head::Head;
use crate::http::request;
use crate::http::target::{self, TargetForm};
use crate::listen::head_timeout;
use crate::metrics::{Attempt, CLIENT_GONE, Metrics};
use crate::upstream::{Upstreams, upgrade};

/// How long an idle connection of a client is kept, in seconds.
const CLIENT_IDLE: u64 = 60;
/// The time limit for the head of a request, which includes the idle time before it, so it is more than [`CLIENT_IDLE`].
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(CLIENT_IDLE + 15);
/// The longest wait for a client to accept more bytes of an answer.
const CLIENT_WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum number of attempts to send a request.
pub(crate) const MAX_ATTEMPTS: u8 = 2;

/// The proxy as pingora sees it.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) gate: Arc<Gate>,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) max_header_bytes: usize,
    pub(crate) request_ids: RequestIds,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Exchange;

    /// Called once the head has been read.
    fn new_ctx(&self) -> Exchange {
        head_timeout::head_is_read();
        Exchange::begin(&self.metrics.in_flight)
    }

    /// No modules: pingora would add compression, which is off and would still cost time.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        exchange.request_id = self.request_ids.of(&session.req_header().headers);
        // pingora keeps idle connections of HTTP/1.1 clients forever and waits forever to write, unless configured otherwise.
        if session.get_keepalive().is_some() {
            session.set_keepalive(Some(CLIENT_IDLE));
        }
        session.set_write_timeout(Some(CLIENT_WRITE_TIMEOUT));
        // A request that is sent before the one before it is answered waits its turn (RFC 9112, 9.3.2) and is judged like
        // any other; off, pingora would break off the request that is being served. Not so behind a chunked body: pingora
        // takes a lone LF in a chunk extension, which a proxy before us may take for the end of a line, and then what comes
        // after the body is a request that no client sent. It is dropped, and the connection closed.
        let chunked = session.req_header().headers.contains_key(TRANSFER_ENCODING);
        session.set_pipelining_enabled(!chunked);

        if let Err(reason) = self.read(session) {
            exchange.outcome = ExchangeOutcome::Refuse(reason);
            answer::send(session, &Refusal::new(reason), &exchange.request_id, After::Close).await?;
            return Ok(true);
        }

        let begun = Instant::now();
        let facts = facts(session.req_header(), session, &exchange.request_id);
        let decision = self.gate.decide(&facts).await;
        exchange.decided_in = begun.elapsed();
        exchange.route = decision.route;
        exchange.issuer = decision.issuer;
        exchange.source = decision.source;
        exchange.generation = Some(decision.generation);
        match decision.verdict {
            Verdict::Admit(admission) => {
                exchange.outcome = ExchangeOutcome::Admit;
                exchange.admission = admission;
                let route = exchange.route.as_deref();
                exchange.upstream = route.and_then(|route| self.upstreams.get(route.upstream())).cloned();
                Ok(false)
            }
            Verdict::Refuse(refusal) => {
                exchange.outcome = ExchangeOutcome::Refuse(refusal.reason());
                answer::send(session, &refusal, &exchange.request_id, After::Keep).await?;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(&self, session: &mut Session, exchange: &mut Exchange) -> Result<Box<HttpPeer>> {
        exchange.attempts += 1;
        let Some(upstream) = &exchange.upstream else {
            // `check` finds this before anything is started.
            return Err(Error::new(ErrorType::Custom("the route leads to no upstream that is configured")));
        };
        let tried = exchange.address.as_ref().map(|address| address.socket).filter(|_| upstream.has_other());
        match upstream.pick(tried) {
            Some(address) => {
                let mut peer = Box::new(address.peer.clone());
                if session.is_upgrade_req() {
                    upgrade::prepare(&mut peer);
                }
                exchange.address = Some(address);
                Ok(peer)
            }
            None => {
                self.metrics.attempt(&upstream.name, Attempt::Unreachable);
                Err(Error::explain(ErrorType::ConnectNoRoute, "no server of the upstream has an address").into_up())
            }
        }
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        exchange: &mut Exchange,
        mut error: Box<Error>,
    ) -> Box<Error> {
        let mut again = false;
        if let (Some(upstream), Some(address)) = (&exchange.upstream, &exchange.address) {
            upstream.mark_failed(address);
            self.metrics.attempt(&upstream.name, attempt(reason(&error)));
            // Nothing was sent, so any request may be sent elsewhere.
            again = exchange.attempts < MAX_ATTEMPTS && upstream.has_other();
        }
        error.retry = again.into();
        if again {
            log_failure(exchange, &error, "cannot connect to a server; trying another");
        }
        error
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let (Some(upstream), Some(address), Some(generation)) =
            (&exchange.upstream, &exchange.address, &exchange.generation)
        else {
            return Err(Error::new(ErrorType::Custom("a request without an upstream")));
        };
        let forwarding = Forwarding {
            identity: generation.identity_headers(),
            admission: exchange.admission.headers(),
            authorization: &upstream.authorization,
            client: client(session),
            request_id: &exchange.request_id,
            server: &address.server,
            received: session.req_header().version,
        };
        forwarding::rewrite(&mut RequestFields(request), &session.req_header().headers, &forwarding)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        if response.status == StatusCode::SWITCHING_PROTOCOLS {
            // From here on the client may be silent as long as the upstream may. pingora's own limit is 60 s.
            session.set_read_timeout(exchange.upstream.as_ref().map(|upstream| upstream.read_timeout()));
            return response.insert_header(X_REQUEST_ID, exchange.request_id.clone());
        }
        if response.status.is_informational() {
            return Ok(());
        }
        // These concern the upstream's connection, not the client's (RFC 9110, 7.6.1). pingora sets `Connection`.
        response.remove_header("keep-alive");
        response.remove_header("proxy-connection");
        // HTTP/1.0 has no chunks (RFC 9112, 7.1): the body ends with the connection.
        if session.req_header().version == Version::HTTP_10 {
            response.remove_header(&TRANSFER_ENCODING);
        }
        if session.is_process_shutting_down() {
            session.set_keepalive(None);
        }
        response.insert_header(X_REQUEST_ID, exchange.request_id.clone())
    }

    /// By default any idempotent request would be sent again, sixteen times.
    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        exchange: &mut Exchange,
        reused: bool,
    ) -> Box<Error> {
        if let Some(upstream) = &exchange.upstream {
            self.metrics.attempt(&upstream.name, attempt(reason(&error)));
        }
        // The server may have closed an idle connection just as it was used again. pingora marks the error so if no byte of an
        // answer was received.
        let stale = reused && error.retry == RetryType::ReusedOnly;
        let harmless = session.req_header().method.is_safe() && session.is_body_done() && session.is_body_empty();
        let again = stale && harmless && exchange.attempts < MAX_ATTEMPTS;
        error.retry = again.into();
        error
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, exchange: &mut Exchange) -> FailToProxy {
        let mut error_code = 0;
        if let Some(reason) = reason(error) {
            exchange.outcome = match reason {
                Reason::RequestMalformed => ExchangeOutcome::Refuse(reason),
                _ => ExchangeOutcome::Error(reason),
            };
            log_failure(exchange, error, "a request could not be served");
            // Once an answer has begun, the connection is cut off, so that the client does not take a part for the whole.
            if final_status(session).is_none() {
                let after = if reason == Reason::RequestMalformed { After::Close } else { After::Linger };
                if answer::send(session, &Refusal::new(reason), &exchange.request_id, after).await.is_ok() {
                    error_code = reason.cause().status().as_u16();
                }
            }
        }
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, exchange: &mut Exchange) {
        let took = exchange.started.elapsed();
        let status = final_status(session).map_or(CLIENT_GONE, |status| status.as_u16());
        if let (Some(upstream), ExchangeOutcome::Admit, None) = (&exchange.upstream, exchange.outcome, error) {
            self.metrics.attempt(&upstream.name, Attempt::Answered);
        }
        let head = session.req_header();
        let route = exchange.route.as_ref().map_or("", |route| route.name());
        self.metrics.request(route, &head.method, status, took);
        access_log::write(head, exchange, client(session), status, took);
    }

    /// The description of a request in pingora's own log: never with the query.
    fn request_summary(&self, session: &Session, exchange: &Exchange) -> String {
        let head = session.req_header();
        let path = String::from_utf8_lossy(target::path(head.raw_path()));
        format!("{} {path}, request {}", head.method, exchange.request_id.to_str().unwrap_or_default())
    }

    /// The access log has it.
    fn suppress_error_log(&self, _: &Session, _: &Exchange, _: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(&self, _: &Session, _: &Exchange, _: &Error, _: ProxyWarnLogContext) -> bool {
        true
    }
}

impl Proxy {
    /// Refuses a request that can be read in two ways, and puts the target into origin form.
    fn read(&self, session: &mut Session) -> Result<(), Reason> {
        let head = session.req_header();
        let raw = session.to_h1_raw();
        let read = Head {
            raw: &raw,
            method: &head.method,
            version: head.version,
            target: head.raw_path(),
            headers: &head.headers,
        };
        match request::check(&read, self.max_header_bytes)? {
            TargetForm::Origin => Ok(()),
            TargetForm::Absolute { origin, authority } => {
                let head = session.req_header_mut();
                // From here on the target that is checked and forwarded is the origin form.
                head.set_raw_path(&origin).map_err(|_| Reason::PathAmbiguous)?;
                let host = HeaderValue::from_bytes(&authority).map_err(|_| Reason::RequestMalformed)?;
                head.insert_header(HOST, host).map_err(|_| Reason::RequestMalformed)?;
                if head.raw_path() == origin { Ok(()) } else { Err(Reason::PathAmbiguous) }
            }
        }
    }
}

fn facts<'a>(head: &'a RequestHeader, session: &Session, request_id: &'a HeaderValue) -> RequestFacts<'a> {
    // `Host` now holds the authority of an absolute target.
    let mut facts = RequestFacts::new(&head.method, target::path(head.raw_path()), &head.headers);
    facts.query = target::query(head.raw_path());
    facts.client = client(session);
    facts.scheme = Some("http");
    facts.request_id = request_id.to_str().ok();
    facts
}

fn client(session: &Session) -> Option<IpAddr> {
    Some(session.client_addr()?.as_inet()?.ip())
}

/// The status of the answer, once it has begun; `101` is the end of a request, other `1xx` are not.
fn final_status(session: &Session) -> Option<StatusCode> {
    let status = session.response_written()?.status;
    (!status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS).then_some(status)
}

/// What a failure means; `None` where the client is gone.
fn reason(error: &Error) -> Option<Reason> {
    use ErrorType::{
        ConnectError, ConnectNoRoute, ConnectRefused, ConnectTimedout, ConnectionClosed, ReadError, ReadTimedout,
        SocketError, WriteError, WriteTimedout,
    };
    match (error.esource(), error.etype()) {
        (ErrorSource::Downstream, ReadError | ReadTimedout | WriteError | WriteTimedout | ConnectionClosed) => None,
        (ErrorSource::Downstream, _) => Some(Reason::RequestMalformed),
        (ErrorSource::Upstream, ConnectTimedout | ReadTimedout | WriteTimedout) => Some(Reason::UpstreamTimeout),
        (ErrorSource::Upstream, ConnectError | ConnectNoRoute | ConnectRefused | SocketError) => {
            Some(Reason::UpstreamUnreachable)
        }
        (ErrorSource::Upstream, _) => Some(Reason::UpstreamFailed),
        (ErrorSource::Internal | ErrorSource::Unset, _) => Some(Reason::Internal),
    }
}

fn attempt(reason: Option<Reason>) -> Attempt {
    match reason {
        None | Some(Reason::RequestMalformed) => Attempt::ClientGone,
        Some(Reason::UpstreamTimeout) => Attempt::Timeout,
        Some(Reason::UpstreamUnreachable) => Attempt::Unreachable,
        Some(_) => Attempt::Failed,
    }
}

/// Logs a failure. Of pingora's error it logs only the kind and the system error: its context can quote what the upstream sent.
fn log_failure(exchange: &Exchange, error: &Error, what: &str) {
    let system = error.root_cause().downcast_ref::<io::Error>();
    tracing::warn!(
        target: "bearward::proxy",
        upstream = exchange.upstream.as_ref().map(|upstream| upstream.name.as_str()),
        server = exchange.address.as_ref().map(|address| tracing::field::display(address.socket)),
        kind = error.etype().as_str(),
        system = system.map(tracing::field::display),
        request_id = exchange.request_id.to_str().unwrap_or_default(),
        "{what}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_gone_or_silent_gets_no_answer() {
        for kind in [ErrorType::ReadError, ErrorType::ReadTimedout, ErrorType::WriteTimedout] {
            assert_eq!(reason(&Error::new(kind).into_down()), None);
        }
        let malformed = Error::new(ErrorType::InvalidHTTPHeader).into_down();
        assert_eq!(reason(&malformed), Some(Reason::RequestMalformed));
    }

    #[test]
    fn our_own_faults_are_internal_and_logged_by_their_text() {
        let error = Error::new(ErrorType::Custom("a request without an upstream"));
        assert_eq!(reason(&error), Some(Reason::Internal));
        assert_eq!(error.etype().as_str(), "a request without an upstream");
    }
}
