//! A spike, for tests alone: HTTP/2 of clients over the exchange that HTTP/1 has. It shows where the seam is, and is no product code.
//!
//! **Used as they are:** `http::head`, `fields`, `target`, `framing`, `request` and `forwarding`, and with them `Shared::judge` and the
//! gate, because the head of a stream is written as a head of HTTP/1.1 and read again by the same rules: what an HTTP/2 library
//! lets through in a name, a value or a path is judged like everything else, and lines that go on are copied from where they stand.
//! `upstream`, `Watch`, `Record`, refusals, and `Exchange` with both its `Half`s: a body without a length comes in as `UntilClose`, goes
//! out in chunks, and is ended by the end of the stream.
//!
//! **A second form:** the head is written ([`write_head`], in place of a socket's bytes). The answer's head is what does not fit:
//! `exchange::answer` writes it in HTTP/1.1, and [`Client`] reads it back, told apart by claiming to speak HTTP/1.0, which has no
//! chunks and no interim answers. The real thing gives `Exchange` a receiver with three calls (head, content, end); for HTTP/1
//! `http::answer` and the chunks of `Half` stand behind it, and the trick with the version goes.
//!
//! **What the real thing needs besides:**
//! - A third `Version`, for `Via: 2.0` and the log, and `:scheme` for `X-Forwarded-Proto`. `:authority` and `Host` that differ are
//!   malformed (RFC 9113, 8.3.1), as is every field of the connection but `TE: trailers` (8.2.2): h2 sees to the second alone.
//! - Flow control: here a window is opened by what the upstream has taken, and an answer waits for the client's window, so that one
//!   stream holds one buffer each way. But h2 opens the windows of stream and connection together, so that streams that stand
//!   still can use up the connection's: it must be as large as those of all streams, which bounds both.
//! - Trailers: requests' are dropped, as in HTTP/1. Answers' are too, and gRPC needs them: `http::chunked` would have to keep what
//!   may go on, and `TE: trailers` would have to reach the upstream.
//! - The end: GOAWAY for `Watch::must_end` and where the connection is at rest, which is a count of streams; a `Watch` for each stream,
//!   because it wakes one task; RST_STREAM with NO_ERROR behind an answer to a body that nobody reads, in place of `linger`.
//! - Bounds: concurrent streams, in `Places` too; `max_header_list_size` from `max_header_bytes` (the 128 fields are held here);
//!   resets that are pending or never accepted (CVE-2023-44487); time for the preface and for each head.
//! - Requests that wait for a proof (`Judged::Pending`), connections opened and tried again: as in `connection` and `forward`.
//! - WebSockets over extended CONNECT (RFC 8441) stay off until they are wanted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderName, Request, Response, header, request};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex};

use super::judge::{self, Judged};
use super::record::Record;
use super::worker::{Shared, Worker};
use crate::exchange::answer::{Asked, Exchange, Limits, Progress};
use crate::exchange::buffer::Buffers;
use crate::exchange::half::Half;
use crate::exchange::stream::Stream;
use crate::exchange::watch::Watch;
use crate::http::framing::Framing;
use crate::http::head::{HeadEnd, ResponseHead, Version};

/// Writes the head of a stream as HTTP/1.1 has it.
fn write_head(parts: &request::Parts, has_body: bool, out: &mut Vec<u8>) {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    out.extend([parts.method.as_str(), " ", path, " HTTP/1.1\r\n"].concat().into_bytes());
    if let Some(authority) = parts.uri.authority() {
        out.extend(format!("Host: {authority}\r\n").into_bytes());
    }
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        out.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    // They may come in pieces, which HTTP/1.1 does not know (RFC 9113, 8.2.3).
    let cookies: Vec<_> = parts.headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes()).collect();
    if !cookies.is_empty() {
        out.extend([b"cookie: ", &cookies.join(&b"; "[..])[..], b"\r\n"].concat());
    }
    if has_body && !parts.headers.contains_key(header::CONTENT_LENGTH) {
        out.extend(b"Transfer-Encoding: chunked\r\n");
    }
    out.extend(b"\r\n");
}

/// A stream, as an exchange sees a client: a body to read, and an answer to write.
struct Client {
    body: RecvStream,
    unread: Bytes,
    /// Whether the end of the body is to be told: it is what ends it.
    tells_end: bool,
    answer: Answer,
}

enum Answer {
    Head(SendResponse<Bytes>, Vec<u8>),
    Body(SendStream<Bytes>),
}

impl AsyncRead for Client {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            match self.body.poll_data(context) {
                Poll::Ready(Some(data)) => self.unread = data.map_err(io::Error::other)?,
                Poll::Ready(None) if self.tells_end => {
                    self.tells_end = false;
                    return Poll::Ready(Ok(()));
                }
                // A client that has sent all is still there, until it resets the stream.
                Poll::Ready(None) => return self.answer.poll_reset(context),
                Poll::Pending => return Poll::Pending,
            }
        }
        let taken = self.unread.len().min(into.remaining());
        into.put_slice(&self.unread.split_to(taken));
        self.body.flow_control().release_capacity(taken).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}

impl Answer {
    fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let reset = match self {
            Self::Head(respond, _) => respond.poll_reset(context),
            Self::Body(send) => send.poll_reset(context),
        };
        reset.map(|_| Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn reset(&mut self) {
        match self {
            Self::Head(respond, _) => respond.send_reset(Reason::INTERNAL_ERROR),
            Self::Body(send) => send.send_reset(Reason::INTERNAL_ERROR),
        }
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.answer {
            Answer::Head(respond, head) => {
                let before = head.len();
                head.extend(bytes);
                let Ok(Some(length)) = HeadEnd::default().find(head, usize::MAX) else {
                    return Poll::Ready(Ok(bytes.len()));
                };
                let send = respond.send_response(response(&head[..length]), false).map_err(io::Error::other)?;
                self.answer = Answer::Body(send);
                Poll::Ready(Ok(length - before))
            }
            Answer::Body(send) => {
                send.reserve_capacity(bytes.len());
                let capacity = match send.capacity() {
                    0 => match ready!(send.poll_capacity(context)) {
                        Some(capacity) => capacity.map_err(io::Error::other)?,
                        None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                    },
                    capacity => capacity,
                };
                let part = &bytes[..bytes.len().min(capacity)];
                send.send_data(Bytes::copy_from_slice(part), false).map_err(io::Error::other)?;
                Poll::Ready(Ok(part.len()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Answer::Body(send) = &mut self.answer else { return Poll::Ready(Ok(())) };
        Poll::Ready(send.send_data(Bytes::new(), true).map_err(io::Error::other))
    }
}

impl Stream for Client {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_closed(&self) -> bool {
        false
    }

    fn reset_when_dropped(&self) {}
}

/// The head of an answer, without what HTTP/1.1 says of its connection.
fn response(head: &[u8]) -> Response<()> {
    let head = ResponseHead::parse(head).unwrap();
    let mut response = Response::builder().status(head.status);
    for field in head.fields.iter().filter(|field| !field.text.eq_ignore_ascii_case("connection")) {
        let line = &head.bytes[field.start + field.text.len() + 1..field.end];
        response = response.header(HeaderName::try_from(field.text).unwrap(), line.trim_ascii());
    }
    response.body(()).unwrap()
}

/// Serves one stream, as `Connection::request` and `forward` serve a request.
async fn serve(
    worker: &Worker,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    mut upstream: DuplexStream,
) {
    let (parts, body) = request.into_parts();
    let (mut head, mut buffers) = (Vec::new(), Buffers::default());
    write_head(&parts, !body.is_end_stream(), &mut head);
    let mut record = Record::begin(&worker.shared.metrics.in_flight, worker.clock.now());
    let client = judge::Client { address: [192, 0, 2, 7].into(), text: "192.0.2.7".to_owned() };
    let plan = match worker.shared.judge(&head, &client, None, &mut record, &mut buffers.to_upstream) {
        Judged::Admitted(plan) => plan,
        Judged::Refused(refusal, _) => {
            let (parts, body) = refusal.response(&parts.method, &parts.headers, record.request_id.clone()).into_parts();
            let mut send = respond.send_response(Response::from_parts(parts, ()), false).unwrap();
            send.send_data(body.into(), true).unwrap();
            return;
        }
        Judged::Pending(_) => panic!("no token is asked about here"),
    };
    let is_chunked = plan.framing == Framing::Chunked;
    let mut up = Half::new(if is_chunked { Framing::UntilClose } else { plan.framing }, is_chunked);
    let mut client =
        Client { body, unread: Bytes::new(), tells_end: is_chunked, answer: Answer::Head(respond, Vec::new()) };
    let watch = Watch::new(Arc::clone(&worker.clock));
    let wait = plan.upstream.settings.read_timeout;
    let ended = Exchange {
        client: &mut client,
        upstream: &mut upstream,
        buffers: &mut buffers,
        watch: &watch,
        asked: &Asked {
            is_head: plan.is_head,
            version: Version::Http10,
            is_websocket: false,
            expects: false,
            persists: false,
            request_id: record.request_id(),
            date: &worker.date(),
        },
        limits: Limits {
            client_read: wait,
            client_write: wait,
            upstream_read: wait,
            upstream_write: wait,
            whole: None,
        },
        reused: false,
        up: &mut up,
        progress: Progress::new(watch.now(), record.began),
    }
    .run()
    .await;
    match ended {
        Ok(_) => client.shutdown().await.unwrap(),
        // A part must not be taken for the whole.
        Err(_) => client.answer.reset(),
    }
}

/// What a client gets: a status and a body, or a reset.
type Got = Result<(u16, String), Option<Reason>>;

/// Sends a request with these pieces of a body, whose upstream sends this answer and then closes. What the upstream got, and what the
/// client got.
async fn through(request: Request<()>, body: &[&'static str], answer: &'static str) -> (String, Got) {
    let (settings, gate) = crate::in_memory::tests::open_and_private();
    let shared = Arc::new(Shared::new(&settings, 1, gate, &bearward_gate::MetricsRegistry::default()).unwrap());
    let worker = Worker::new(shared, 0, 1);
    let ((near, far), (up, mut down)) = (duplex(1 << 16), duplex(1 << 16));
    let upstream = async move {
        let mut got = vec![0; 1 << 16];
        let mut length = 0;
        while !got[..length].ends_with(b"\r\n\r\n") || !body.is_empty() && !got[..length].ends_with(b"\r\n0\r\n\r\n") {
            match down.read(&mut got[length..]).await.unwrap() {
                0 => break,
                read => length += read,
            }
        }
        // Where nothing was forwarded, nobody is there any more.
        let _ = down.write_all(answer.as_bytes()).await;
        String::from_utf8(got[..length].to_vec()).unwrap()
    };
    let server = async {
        let mut connection = h2::server::handshake(far).await.unwrap();
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        // The session moves while a stream is polled beside it.
        let stream = serve(&worker, request, respond, up);
        let ((), _) = tokio::join!(stream, async { while connection.accept().await.is_some() {} });
    };
    let client = async {
        let (client, connection) = h2::client::handshake(near).await.unwrap();
        let connection = tokio::spawn(connection);
        let (answer, mut send) = client.ready().await.unwrap().send_request(request, body.is_empty()).unwrap();
        for (at, part) in body.iter().enumerate() {
            send.send_data(Bytes::from_static(part.as_bytes()), at + 1 == body.len()).unwrap();
        }
        let got = async {
            let (parts, mut body) = answer.await?.into_parts();
            let mut whole = Vec::new();
            while let Some(data) = body.data().await {
                whole.extend(data?);
            }
            Ok((parts.status.as_u16(), String::from_utf8(whole).unwrap()))
        };
        let got = got.await.map_err(|error: h2::Error| error.reason());
        connection.abort();
        got
    };
    let (forwarded, (), got) = tokio::join!(upstream, server, client);
    (forwarded, got)
}

#[tokio::test]
async fn a_stream_becomes_one_message_and_its_answer_frames() {
    let request = Request::post("http://api.example.com/open/a?b")
        .header("cookie", "a=1")
        .header("x-forwarded-for", "6.6.6.6")
        .header("cookie", "b=2");
    let answer = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n4\r\n, we\r\n0\r\n\r\n";
    let (forwarded, got) = through(request.body(()).unwrap(), &["hello, ", "world"], answer).await;
    assert_eq!(got, Ok((201, "yes, we".to_owned())));
    let (head, content) = forwarded.split_once("\r\n\r\n").unwrap();
    let ids = |line: &&str| !line.starts_with("Via: ") && !line.starts_with("X-Request-Id: ");
    assert_eq!(
        head.lines().filter(ids).collect::<Vec<_>>(),
        [
            "POST /open/a?b HTTP/1.1",
            "Host: api.example.com",
            "cookie: a=1; b=2",
            "Transfer-Encoding: chunked",
            "X-Forwarded-For: 192.0.2.7",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: api.example.com",
        ]
    );
    let chunks: Vec<_> = content.split("\r\n").skip(1).step_by(2).collect();
    assert_eq!((chunks.concat(), content.matches("\r\n0\r\n").count()), ("hello, world".to_owned(), 1));
}

#[tokio::test]
async fn the_same_rules_judge_it() {
    let get = |path: &str| Request::get(format!("http://api.example.com{path}")).body(()).unwrap();
    for (path, expected) in [("/private/a", 401), ("/open/%2e%2e/private/a", 400), ("/none", 404)] {
        let (forwarded, got) = through(get(path), &[], "").await;
        assert_eq!((forwarded, got.map(|(status, _)| status)), (String::new(), Ok(expected)), "{path}");
    }
}

#[tokio::test]
async fn half_an_answer_is_a_reset() {
    let get = Request::get("http://api.example.com/open/a").body(()).unwrap();
    let (_, got) = through(get, &[], "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await;
    assert_eq!(got, Err(Some(Reason::INTERNAL_ERROR)));
}
