//! A request's head, from its bytes to a verdict, and to the head that the upstream gets.

use std::net::IpAddr;
use std::sync::Arc;

use bearward_core::{HeaderFields, Reason, Refusal, check_method};
use bearward_gate::{Decision, Pending, Progress, RequestFacts, Verdict};
use http::Method;

use super::record::{Outcome, Record};
use super::refuse::After;
use super::worker::Shared;
use crate::http::fields::{Name, elements};
use crate::http::forwarding::{self, Forwarding};
use crate::http::framing::Framing;
use crate::http::head::{HeadError, RequestHead, Version};
use crate::http::request::Request;
use crate::metrics::MethodLabel;
use crate::upstream::{Address, Upstream};

/// How far a request has come.
pub(super) enum Judged {
    /// Its token is to be proved first.
    Pending(Pending),
    /// It is answered here.
    Refused(Refusal, After),
    /// It goes to an upstream. The head for it was written.
    Admitted(Plan),
}

/// What is done with an admitted request.
pub(super) struct Plan {
    pub(super) upstream: Arc<Upstream>,
    pub(super) address: Arc<Address>,
    pub(super) framing: Framing,
    pub(super) version: Version,
    pub(super) is_head: bool,
    /// Whether it may be sent a second time: its method is safe (RFC 9110, 9.2.1), and it has no body.
    pub(super) is_repeatable: bool,
    pub(super) is_websocket: bool,
    /// Whether the client waits for `100 Continue`.
    pub(super) expects: bool,
    pub(super) persists: bool,
}

/// The client of a connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    /// The same, as upstreams read it: an IPv4 client of a dual-stack listener is shown with its IPv4 address.
    pub(super) text: String,
}

impl Shared {
    /// Judges a request: as far as it goes without waiting, or to its end where the gate has decided. The head for the upstream is
    /// written to `out`.
    pub(super) fn judge(
        &self,
        bytes: &[u8],
        client: &Client,
        decided: Option<Decision>,
        record: &mut Record,
        out: &mut Vec<u8>,
    ) -> Judged {
        self.try_judge(bytes, client, decided, record, out).unwrap_or_else(|reason| {
            record.outcome = match reason {
                Reason::UpstreamUnreachable | Reason::Internal => Outcome::Error(reason),
                _ => Outcome::Refuse(reason),
            };
            // Where the end of the request is uncertain, nothing that follows is another one.
            Judged::Refused(Refusal::new(reason), After::Close)
        })
    }

    fn try_judge(
        &self,
        bytes: &[u8],
        client: &Client,
        decided: Option<Decision>,
        record: &mut Record,
        out: &mut Vec<u8>,
    ) -> Result<Judged, Reason> {
        let request = RequestHead::parse(bytes).map_err(|error| {
            record.request_id = self.request_ids.of(HeaderFields::List(&[]));
            reason_of(error)
        })?;
        let method = Method::from_bytes(request.method).map_err(|_| Reason::RequestMalformed)?;
        if decided.is_none() {
            record.method = MethodLabel::of(&method);
            record.request_id = self.request_ids.of(request.fields.as_header_fields());
            // The gate checks again, with the methods that routes name. Here the connection is closed as well.
            check_method(&method, [])?;
            if self.has_been_here(&request) {
                return Err(Reason::LoopDetected);
            }
        }
        let request = Request::read(request)?;
        let decision = match decided {
            Some(decision) => decision,
            None => match self.begin(&request, &method, client, record) {
                Progress::Decided(decision) => decision,
                Progress::Pending(pending) => return Ok(Judged::Pending(pending)),
            },
        };
        self.conclude(&request, &method, client, decision, record, out)
    }

    fn begin(&self, request: &Request<'_>, method: &Method, client: &Client, record: &Record) -> Progress {
        let mut facts = RequestFacts::new(method, request.target.path, request.head.fields.as_header_fields());
        // An absolute target says which host is meant (RFC 9112, 3.2.2). It is ASCII.
        facts.authority = request.target.authority.and_then(|authority| str::from_utf8(authority).ok());
        facts.query = request.target.query;
        facts.client = Some(client.address);
        facts.scheme = Some("http");
        facts.request_id = Some(record.request_id());
        self.gate.begin(&facts)
    }

    /// Carries a decision out.
    fn conclude(
        &self,
        request: &Request<'_>,
        method: &Method,
        client: &Client,
        decision: Decision,
        record: &mut Record,
        out: &mut Vec<u8>,
    ) -> Result<Judged, Reason> {
        record.decided_in = record.started.elapsed();
        record.route = decision.route;
        record.issuer = decision.issuer;
        record.source = decision.source;
        let admission = match decision.verdict {
            Verdict::Admit(admission) => admission,
            Verdict::Refuse(refusal) => {
                record.outcome = Outcome::Refuse(refusal.reason());
                let after = if request.persists {
                    After::Keep { framing: request.framing, waits: request.expects }
                } else {
                    After::Close
                };
                return Ok(Judged::Refused(refusal, after));
            }
        };
        record.outcome = Outcome::Admit;
        // `check` finds a route without an upstream before anything is started.
        let upstream = record.route.as_ref().and_then(|route| self.upstreams.get(route.upstream()));
        let upstream = Arc::clone(upstream.ok_or(Reason::Internal)?);
        record.upstream = Some(Arc::clone(&upstream));
        let Some(address) = upstream.pick(None) else {
            self.metrics.attempt(&upstream.name, crate::metrics::Attempt::Unreachable);
            return Err(Reason::UpstreamUnreachable);
        };
        forwarding::write(
            request,
            &Forwarding {
                identity: decision.generation.identity_headers(),
                admission: admission.lines(),
                authorization: &upstream.authorization,
                client: &client.text,
                request_id: record.request_id(),
                server: &address.server,
                pseudonym: &self.pseudonym,
            },
            out,
        );
        Ok(Judged::Admitted(Plan {
            upstream,
            address,
            framing: request.framing,
            version: request.head.version,
            is_head: *method == Method::HEAD,
            is_repeatable: method.is_safe() && request.framing == Framing::None,
            is_websocket: request.is_websocket,
            expects: request.expects,
            persists: request.persists,
        }))
    }

    /// Whether the request has been through this process before (RFC 9110, 7.6.3).
    fn has_been_here(&self, head: &RequestHead<'_>) -> bool {
        elements(head.fields.values(Name::Via)).any(|via| {
            // `1.1 pseudonym (comment)`: the protocol, who received it, and whatever else.
            let mut words = via.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            words.nth(1) == Some(self.pseudonym.as_bytes())
        })
    }
}

/// What the client is told of a head that is not accepted.
pub(super) fn reason_of(error: HeadError) -> Reason {
    match error {
        HeadError::Malformed => Reason::RequestMalformed,
        HeadError::Target => Reason::PathAmbiguous,
        HeadError::LineTooLong => Reason::TargetTooLong,
        HeadError::TooLarge => Reason::HeadersTooLarge,
    }
}
