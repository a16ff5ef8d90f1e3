//! An admitted request, at its upstream: find a connection, exchange, and try again where that is harmless.

use std::io;
use std::sync::Arc;

use bearward_core::{Reason, Refusal};

use super::connection::Connection;
use super::judge::Plan;
use super::record::{Outcome, Record};
use super::refuse::After;
use crate::exchange::answer::{Asked, Ended, Exchange, Failure, Limits, Progress};
use crate::exchange::buffer::Buffers;
use crate::exchange::half::Half;
use crate::exchange::stream::Stream;
use crate::exchange::tunnel::{self, TunnelEnd};
use crate::http::framing::Framing;
use crate::metrics::Attempt;
use crate::upstream::connect::{ConnectError, connect};
use crate::upstream::stream::UpstreamStream;

/// The maximum number of attempts to send a request.
const MAX_ATTEMPTS: u8 = 2;

/// What an attempt came to.
enum Tried {
    /// The request is done with. Whether the client's connection goes on.
    Done(bool),
    /// It may be sent again, on a new connection to the same server.
    Again,
    Failed(Failed),
}

/// Why a request could not be served.
struct Failed {
    /// What the client is told; `None` where it is gone.
    reason: Option<Reason>,
    error: Option<io::Error>,
    attempt: Attempt,
}

impl Failed {
    fn upstream(reason: Reason, attempt: Attempt, error: Option<io::Error>) -> Self {
        Self { reason: Some(reason), error, attempt }
    }
}

impl<S: Stream> Connection<S> {
    /// Forwards a request whose head stands in `to_upstream`. Whether the client's connection goes on.
    pub(super) async fn forward(&mut self, mut plan: Plan, buffers: &mut Buffers, record: &mut Record) -> bool {
        let mut up = Half::new(plan.framing, plan.framing == Framing::Chunked);
        let mut may_reuse = true;
        for attempt in 1..=MAX_ATTEMPTS {
            let is_last = attempt == MAX_ATTEMPTS;
            record.address = Some(Arc::clone(&plan.address));
            let idle = if may_reuse { plan.address.idle.take(self.worker.thread) } else { None };
            let reused = idle.is_some();
            let upstream = match idle {
                Some(stream) => stream,
                None => match self.connect(&plan).await {
                    Ok(stream) => stream,
                    Err(failed) => {
                        plan.upstream.mark_failed(&plan.address);
                        self.count(&plan, failed.attempt);
                        // Nothing was sent, so any request may be sent elsewhere.
                        let other = plan.upstream.pick(Some(plan.address.socket)).filter(|_| plan.upstream.has_other());
                        if let Some(other) = other.filter(|_| !is_last) {
                            log_failure(record, &failed, "cannot connect to a server; trying another");
                            plan.address = other;
                            // A stale connection would be one failure too many.
                            may_reuse = false;
                            continue;
                        }
                        return Box::pin(self.fail(failed, buffers, record)).await;
                    }
                },
            };
            match self.exchange(upstream, reused, &plan, &mut up, buffers, record).await {
                Tried::Done(keep) => return keep,
                Tried::Again if !is_last => may_reuse = false,
                Tried::Again => break,
                Tried::Failed(failed) => {
                    self.count(&plan, failed.attempt);
                    return Box::pin(self.fail(failed, buffers, record)).await;
                }
            }
        }
        let failed = Failed::upstream(Reason::UpstreamFailed, Attempt::Failed, None);
        Box::pin(self.fail(failed, buffers, record)).await
    }

    async fn connect(&self, plan: &Plan) -> Result<UpstreamStream, Failed> {
        let within = plan.upstream.settings.connect_timeout;
        connect(plan.address.socket, within, &self.place.watch).await.map_err(|error| match error {
            ConnectError::Refused(error) => {
                Failed::upstream(Reason::UpstreamUnreachable, Attempt::Unreachable, Some(error))
            }
            ConnectError::TooSlow => Failed::upstream(Reason::UpstreamTimeout, Attempt::Timeout, None),
        })
    }

    async fn exchange(
        &mut self,
        mut upstream: UpstreamStream,
        reused: bool,
        plan: &Plan,
        up: &mut Half,
        buffers: &mut Buffers,
        record: &mut Record,
    ) -> Tried {
        let (settings, client) = (&plan.upstream.settings, self.worker.shared.limits);
        let date = self.worker.date();
        // Should this panic, nobody knows how much of an answer was written.
        record.is_cut_off = true;
        let asked = Asked {
            is_head: plan.is_head,
            version: plan.version,
            is_websocket: plan.is_websocket,
            expects: plan.expects,
            persists: plan.persists,
            request_id: record.request_id(),
            date: &date,
        };
        let watch = &self.place.watch;
        let mut exchange = Exchange {
            client: &mut self.stream,
            upstream: &mut upstream,
            buffers,
            watch,
            asked: &asked,
            limits: Limits {
                client_read: client.body,
                client_write: client.write,
                upstream_read: settings.read_timeout,
                upstream_write: settings.write_timeout,
                whole: client.request,
            },
            reused,
            up,
            progress: Progress::new(watch.now(), record.began),
        };
        let ended = exchange.run().await;
        let Progress { status, is_cut_off, .. } = exchange.progress;
        (record.status, record.is_cut_off) = (status, is_cut_off);
        match ended {
            Ok(Ended::Answered { upstream_persists, client_persists }) => {
                if upstream_persists {
                    plan.address.idle.keep(self.worker.thread, &self.worker.idle_bound, upstream, watch.now());
                }
                self.count(plan, Attempt::Answered);
                Tried::Done(client_persists)
            }
            Ok(Ended::Switched) => Box::pin(self.tunnel(upstream, plan, buffers, record)).await,
            // Nothing was sent, or nothing that matters: the connection was too old, and that is all.
            Err(Failure::Stale) if (up.written() == 0 || plan.is_repeatable) && up.rewind() => {
                self.count(plan, Attempt::Failed);
                Tried::Again
            }
            Err(failure) => Tried::Failed(failed(failure)),
        }
    }

    async fn tunnel(
        &mut self,
        mut upstream: UpstreamStream,
        plan: &Plan,
        buffers: &mut Buffers,
        record: &mut Record,
    ) -> Tried {
        let idle = plan.upstream.settings.read_timeout;
        match tunnel::run(&mut self.stream, &mut upstream, buffers, &self.place.watch, idle).await {
            TunnelEnd::Closed | TunnelEnd::ClientGone => self.count(plan, Attempt::Answered),
            TunnelEnd::Idle => self.broken(plan, Reason::UpstreamTimeout, Attempt::Timeout, None, record),
            TunnelEnd::UpstreamGone(error) => {
                self.broken(plan, Reason::UpstreamFailed, Attempt::Failed, Some(error), record);
            }
        }
        Tried::Done(false)
    }

    fn broken(&self, plan: &Plan, reason: Reason, attempt: Attempt, error: Option<io::Error>, record: &mut Record) {
        let failed = Failed::upstream(reason, attempt, error);
        self.count(plan, attempt);
        record.outcome = Outcome::Error(reason);
        log_failure(record, &failed, "a WebSocket was broken off");
    }

    /// Tells the client, unless an answer has begun: then the connection is cut off, so that the client does not take a part for the
    /// whole. Whether the client's connection goes on.
    async fn fail(&mut self, failed: Failed, buffers: &mut Buffers, record: &mut Record) -> bool {
        let Some(reason) = failed.reason else { return false };
        record.outcome = match reason {
            Reason::RequestMalformed | Reason::RequestTimeout => Outcome::Refuse(reason),
            _ => Outcome::Error(reason),
        };
        log_failure(record, &failed, "a request could not be served");
        if record.status.is_none() && !record.is_cut_off {
            self.refuse(&Refusal::new(reason), After::Close, buffers, record).await;
        }
        false
    }

    fn count(&self, plan: &Plan, attempt: Attempt) {
        self.worker.shared.metrics.attempt(&plan.upstream.name, attempt);
    }
}

fn failed(failure: Failure) -> Failed {
    match failure {
        Failure::ClientGone => Failed { reason: None, error: None, attempt: Attempt::ClientGone },
        Failure::ClientSlow => Failed::upstream(Reason::RequestTimeout, Attempt::ClientGone, None),
        Failure::RequestBroken => Failed::upstream(Reason::RequestMalformed, Attempt::ClientGone, None),
        Failure::Stale => Failed::upstream(Reason::UpstreamFailed, Attempt::Failed, None),
        Failure::UpstreamFailed(error) => Failed::upstream(Reason::UpstreamFailed, Attempt::Failed, error),
        Failure::UpstreamSlow | Failure::TooLong => Failed::upstream(Reason::UpstreamTimeout, Attempt::Timeout, None),
    }
}

/// Logs a failure. Never what a client or an upstream sent.
fn log_failure(record: &Record, failed: &Failed, what: &str) {
    tracing::warn!(
        target: "bearward::proxy",
        upstream = record.upstream.as_ref().map(|upstream| upstream.name.as_str()),
        server = record.address.as_ref().map(|address| tracing::field::display(address.socket)),
        reason = failed.reason.map(|reason| reason.name()),
        system = failed.error.as_ref().map(tracing::field::display),
        request_id = record.request_id(),
        "{what}"
    );
}
