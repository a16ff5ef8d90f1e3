//! Answers of our own.
//!
//! A refused request whose body was not read leaves bytes on the connection that must never be taken for the next request
//! (CVE-2025-4366). So the rest of the body is read and dropped, up to a bound, or the connection is closed.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bearward_core::{HeaderFields, Refusal};
use http::Method;

use super::connection::Connection;
use super::record::Record;
use crate::exchange::buffer::Buffers;
use crate::exchange::linger;
use crate::exchange::stream::Stream;
use crate::http::answer::{self, Answering};
use crate::http::body::Decoder;
use crate::http::framing::Framing;
use crate::http::head::RequestHead;

/// The longest unread body, in bytes, that is read to keep the connection.
const KEEP_BYTES: usize = 64 * 1024;
/// How long the answer waits for the rest of such a body.
const KEEP_WAIT: Duration = Duration::from_millis(250);

/// What happens to the connection after an answer of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It stays open for the next request, unless the unread body prevents that.
    Keep {
        /// How the body is framed.
        framing: Framing,
        /// Whether the client waits for `100 Continue` before it sends the body.
        waits: bool,
    },
    /// It is closed.
    Close,
}

impl<S: Stream> Connection<S> {
    /// Answers a request. Whether the connection goes on.
    pub(super) async fn refuse(
        &mut self,
        refusal: &Refusal,
        after: After,
        buffers: &mut Buffers,
        record: &mut Record,
    ) -> bool {
        let keep = self.can_keep(after, buffers).await && !self.place.watch.must_end();
        let head = RequestHead::parse(buffers.request.head()).ok();
        let method = head.as_ref().and_then(|head| Method::from_bytes(head.method).ok()).unwrap_or_default();
        let fields = head.as_ref().map_or(HeaderFields::List(&[]), |head| head.fields.as_header_fields());
        let response = refusal.response(&method, fields, record.request_id.clone());
        let date = self.worker.date();
        let with = Answering { request_id: record.request_id(), date: &date, keep };
        buffers.to_client.clear();
        answer::write_own(&response, &with, &mut buffers.to_client);
        record.status = Some(response.status().as_u16());
        if self.write_all(&buffers.to_client).await.is_err() {
            record.status = None;
            return false;
        }
        keep
    }

    async fn can_keep(&mut self, after: After, buffers: &mut Buffers) -> bool {
        match after {
            After::Keep { framing: Framing::None, .. } => true,
            // A client that waits for `100 Continue` has sent no body, and is answered without one (RFC 9110, 10.1.1). Whether it
            // sends the body all the same is unknown, so the connection cannot be used again.
            After::Close | After::Keep { waits: true, .. } => false,
            After::Keep { framing: Framing::Length(length), .. } if length > KEEP_BYTES as u64 => false,
            After::Keep { framing, .. } => {
                let body = Decoder::new(framing);
                let watch = &self.place.watch;
                linger::drop_body(&mut self.stream, &mut buffers.request, watch, body, KEEP_BYTES, KEEP_WAIT).await
            }
        }
    }

    /// Writes all of it, or fails where the client takes nothing for too long.
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (watch, limit) = (&self.place.watch, self.worker.shared.limits.write);
        watch.set_deadline_in(limit);
        let mut rest = bytes;
        let stream = &mut self.stream;
        poll_fn(|context| {
            while !rest.is_empty() {
                match Pin::new(&mut *stream).poll_write(context, rest) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(written)) => {
                        rest = rest.get(written..).unwrap_or_default();
                        watch.set_deadline_in(limit);
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending if watch.is_late() => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => return Poll::Pending,
                }
            }
            ready!(Pin::new(&mut *stream).poll_flush(context))?;
            Poll::Ready(Ok(()))
        })
        .await
    }
}
