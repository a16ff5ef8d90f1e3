//! hyper over bytes in memory: a server that reads what an upstream would get, and a client that reads what a client would.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::rt::{Read, ReadBufCursor, Write};

/// A message as hyper has read it: a request's target, or an answer's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) line: String,
    pub(crate) fields: usize,
    /// `None` where its end did not come.
    pub(crate) body: Option<Vec<u8>>,
}

/// The requests that a server reads in these bytes.
pub(crate) fn requests(bytes: Vec<u8>) -> Vec<Message> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = hyper::service::service_fn(|request: Request<hyper::body::Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            let fields = request.headers().len();
            let body = request.into_body().collect().await.ok().map(|body| body.to_bytes().to_vec());
            seen.borrow_mut().push(Message { line, fields, body });
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .max_headers(crate::http_heads::MOST_FIELDS)
        .serve_connection(Memory::new(vec![bytes], false), service);
    let _ = poll(connection);
    seen.take()
}

/// The answers that a client reads, which sends a request of this method and then another, and gets these bytes for the first one
/// and the second. `ends`: whether the connection does behind the first. `None` where they are no HTTP.
pub(crate) fn answers(method: Method, bytes: [Vec<u8>; 2], ends: bool) -> Option<Vec<Message>> {
    let [first, second] = bytes;
    let parts = if ends { vec![first] } else { vec![first, second] };
    let seen = RefCell::new(Vec::new());
    let talk = async {
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_headers(crate::http_heads::MOST_FIELDS)
            .handshake(Memory::new(parts, ends))
            .await
            .ok()?;
        let asking = async {
            for method in [method, Method::GET].into_iter().take(if ends { 1 } else { 2 }) {
                sender.ready().await.ok()?;
                let request = Request::builder().method(method).uri("/").header("host", "a");
                let answer = sender.send_request(request.body(Empty::<Bytes>::new()).ok()?).await.ok()?;
                let line = answer.status().as_str().to_owned();
                let fields = answer.headers().len();
                let body = answer.into_body().collect().await.ok().map(|body| body.to_bytes().to_vec());
                seen.borrow_mut().push(Message { line, fields, body });
            }
            Some(())
        };
        let (mut asking, mut connection) = (pin!(asking), pin!(connection));
        std::future::poll_fn(|context| {
            let _ = connection.as_mut().poll(context);
            asking.as_mut().poll(context)
        })
        .await
    };
    poll(talk)??;
    Some(seen.into_inner())
}

/// Polls for as long as there is something to do; `None` where it then waits for more.
fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let woken = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    while woken.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection whose parts come one after the other, each when one more head was written to it.
struct Memory {
    parts: Vec<Vec<u8>>,
    /// How much of the first part was read.
    read: usize,
    written: Vec<u8>,
    ends: bool,
    is_server: bool,
    /// How many parts were read.
    done: usize,
    reader: Option<Waker>,
}

impl Memory {
    fn new(parts: Vec<Vec<u8>>, ends: bool) -> Self {
        let is_server = parts.len() == 1 && !ends;
        Self { parts, read: 0, written: Vec::new(), ends, is_server, done: 0, reader: None }
    }
}

impl Read for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let heads = self.written.windows(4).filter(|window| *window == b"\r\n\r\n").count();
        let Some(part) = self.parts.get(self.done).filter(|_| self.is_server || heads > self.done) else {
            if self.ends && self.done == self.parts.len() {
                return Poll::Ready(Ok(()));
            }
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        let rest = &part[self.read..];
        let count = rest.len().min(into.remaining());
        into.put_slice(&rest[..count]);
        if count == rest.len() {
            (self.done, self.read) = (self.done + 1, 0);
        } else {
            self.read += count;
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.is_server {
            self.written.extend_from_slice(bytes);
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
