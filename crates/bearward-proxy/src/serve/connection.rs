//! One client's connection, from its first request to its last.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use bearward_core::{HeaderFields, Reason, Refusal};
use futures_util::FutureExt as _;

use super::access_log;
use super::judge::{Client, Judged, reason_of};
use super::record::{Outcome, Record};
use super::refuse::After;
use super::worker::Worker;
use crate::exchange::buffer::Buffers;
use crate::exchange::linger;
use crate::exchange::rest::rest;
use crate::exchange::stream::{Stream, poll_read};
use crate::http::head::{HeadEnd, HeadError, may_begin_request};
use crate::listen::places::Place;
use crate::metrics::CLIENT_GONE;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    pub(super) stream: S,
    pub(super) client: Client,
    pub(super) worker: Arc<Worker>,
    pub(super) place: Place,
}

/// What a client sent where a head should be.
enum Came {
    /// A head of this length.
    Head(usize),
    /// Nothing, and the connection was closed.
    Nothing,
    /// Nothing so far: the connection is at rest.
    NotYet,
    /// A part of a head, and then no more.
    Part,
    /// What is not accepted.
    Refused(Reason),
}

impl<S: Stream> Connection<S> {
    pub(crate) fn new(stream: S, peer: SocketAddr, worker: Arc<Worker>, place: Place) -> Self {
        let client = Client { address: peer.ip(), text: peer.ip().to_canonical().to_string() };
        Self { stream, client, worker, place }
    }

    /// Serves requests until one of the sides has had enough.
    pub(crate) async fn serve(mut self) {
        poll_fn(|context| {
            self.place.watch.begin(context);
            Poll::Ready(())
        })
        .await;
        while rest(&self.stream, &self.place.watch, self.worker.shared.limits.idle).await {
            let mut buffers = self.worker.buffers.take();
            let keep = self.requests(&mut buffers).await;
            self.worker.buffers.give_back(buffers);
            if !keep {
                return;
            }
        }
    }

    /// Serves what has come, and what comes at once after it. Whether the connection goes on.
    async fn requests(&mut self, buffers: &mut Buffers) -> bool {
        loop {
            let mut record = Record::begin(&self.worker.shared.metrics.in_flight, self.place.watch.now());
            let keep = match self.head(buffers).await {
                Came::Nothing => return false,
                Came::NotYet => return true,
                Came::Head(length) => {
                    buffers.request.keep_head(length);
                    // A fault of ours is this request's, and nobody else's.
                    let served = AssertUnwindSafe(self.request(buffers, &mut record)).catch_unwind().await;
                    match served {
                        Ok(keep) => keep,
                        Err(_) => Box::pin(self.panicked(buffers, &mut record)).await,
                    }
                }
                Came::Part => false,
                Came::Refused(reason) => {
                    record.outcome = Outcome::Refuse(reason);
                    record.request_id = self.worker.shared.request_ids.of(HeaderFields::List(&[]));
                    Box::pin(self.refuse(&Refusal::new(reason), After::Close, buffers, &mut record)).await
                }
            };
            self.conclude(buffers, &record);
            let is_cut_off = record.is_cut_off;
            drop(record);
            if !keep {
                if !is_cut_off {
                    linger::close(&mut self.stream, &mut buffers.request, &self.place.watch).await;
                }
                return false;
            }
            buffers.request.drop_head();
            buffers.to_upstream.clear();
            buffers.to_client.clear();
            if buffers.request.is_empty() {
                return true;
            }
        }
    }

    /// Reads a head. It is looked at once for each byte, and takes no more room than it may.
    async fn head(&mut self, buffers: &mut Buffers) -> Came {
        let limits = self.worker.shared.limits;
        let (watch, stream) = (&self.place.watch, &mut self.stream);
        watch.set_deadline_in(limits.head);
        let mut end = HeadEnd::default();
        poll_fn(|context| {
            loop {
                let bytes = buffers.request.filled();
                if !may_begin_request(bytes.get(..80).unwrap_or(bytes)) {
                    return Poll::Ready(Came::Refused(reason_of(HeadError::Malformed)));
                }
                match end.find(bytes, limits.max_header_bytes) {
                    Ok(Some(length)) => return Poll::Ready(Came::Head(length)),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Came::Refused(reason_of(error))),
                }
                buffers.request.grow(limits.max_header_bytes);
                // Some clients send an empty line behind a body (RFC 9112, 2.2), and no request for a while.
                let nothing = buffers.request.filled().chunks(2).all(|line| line == b"\r\n");
                match poll_read(stream, context, &mut buffers.request) {
                    Poll::Ready(Ok(0) | Err(_)) => {
                        return Poll::Ready(if nothing { Came::Nothing } else { Came::Part });
                    }
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending if nothing && stream.poll_readable(context).is_pending() => {
                        buffers.request.clear();
                        return Poll::Ready(Came::NotYet);
                    }
                    Poll::Pending if watch.is_late() => {
                        let late = if nothing { Came::Nothing } else { Came::Refused(Reason::RequestTimeout) };
                        return Poll::Ready(late);
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Serves one request, whose head was kept. Whether the connection goes on.
    async fn request(&mut self, buffers: &mut Buffers, record: &mut Record) -> bool {
        let shared = Arc::clone(&self.worker.shared);
        buffers.to_upstream.clear();
        let judge = |decided, buffers: &mut Buffers, record: &mut Record| {
            shared.judge(buffers.request.head(), &self.client, decided, record, &mut buffers.to_upstream)
        };
        let judged = match judge(None, buffers, record) {
            Judged::Pending(pending) => {
                self.place.watch.clear_deadline();
                // Boxed, as all that is rare, so that a connection at rest is small.
                let decision = Box::pin(pending.finish()).await;
                judge(Some(decision), buffers, record)
            }
            judged => judged,
        };
        match judged {
            Judged::Admitted(plan) => self.forward(plan, buffers, record).await,
            Judged::Refused(refusal, after) => Box::pin(self.refuse(&refusal, after, buffers, record)).await,
            // A decision was given.
            Judged::Pending(_) => false,
        }
    }

    async fn panicked(&mut self, buffers: &mut Buffers, record: &mut Record) -> bool {
        record.outcome = Outcome::Error(Reason::Internal);
        tracing::error!(
            target: "bearward::proxy", request_id = record.request_id(),
            "a request ran into a defect of the gateway; the others go on. Please report it"
        );
        if record.is_cut_off {
            self.stream.reset_when_dropped();
        } else if record.status.is_none() {
            self.refuse(&Refusal::new(Reason::Internal), After::Close, buffers, record).await;
        }
        false
    }

    /// Logs and counts a request.
    fn conclude(&self, buffers: &Buffers, record: &Record) {
        let took = record.started.elapsed();
        let status = record.status.unwrap_or(CLIENT_GONE);
        let route = record.route.as_ref().map_or("", |route| route.name());
        self.worker.shared.metrics.request(route, record.method, status, took);
        access_log::write(buffers.request.head(), record, self.client.address, status, took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand connections at rest are what a gateway usually has.
    #[test]
    fn a_connection_at_rest_is_small() {
        fn size<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(|connection: Connection<tokio::net::TcpStream>| connection.serve());
        assert!(size <= 2_048, "{size} bytes");
    }
}
