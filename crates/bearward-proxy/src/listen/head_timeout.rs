//! A bound on the time to receive the head of a request.
//!
//! pingora's timeouts apply to single reads, so a client that sends a byte now and then would keep its connection forever
//! without a request (slowloris, CVE-2007-6750).

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::apps::{HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;

tokio::task_local! {
    /// Whether the head of the request that this task serves has been read.
    static HEAD_READ: Cell<bool>;
}

/// An app whose connections are closed if the head of a request takes longer than `head_timeout`, counted from the end of the
/// previous request.
pub(crate) struct HeadTimeout<A> {
    pub(crate) app: Arc<A>,
    pub(crate) head_timeout: Duration,
}

/// Notes that the head of the current request has been read, so that the bound no longer applies.
pub(crate) fn head_is_read() {
    // Without a `HeadTimeout` there is no bound to lift.
    let _ = HEAD_READ.try_with(|read| read.set(true));
}

#[async_trait]
impl<A: HttpServerApp + Send + Sync + 'static> HttpServerApp for HeadTimeout<A> {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let served = async {
            let mut serving = pin!(self.app.process_new_http(session, shutdown));
            let mut late = pin!(tokio::time::sleep(self.head_timeout));
            poll_fn(|context| {
                if let Poll::Ready(reusable) = serving.as_mut().poll(context) {
                    return Poll::Ready(reusable);
                }
                if !HEAD_READ.with(Cell::get) && late.as_mut().poll(context).is_ready() {
                    tracing::debug!(target: "bearward::proxy", "a client takes too long to send a request's head");
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await
        };
        HEAD_READ.scope(Cell::new(false), served).await
    }

    async fn http_cleanup(&self) {
        self.app.http_cleanup().await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::time::Instant;

    use pingora_core::protocols::l4::stream::Stream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;

    use super::*;

    const BOUND: Duration = Duration::from_millis(300);

    /// Reads a request as pingora does, and answers it with its body.
    struct Echo;

    #[async_trait]
    impl HttpServerApp for Echo {
        async fn process_new_http(
            self: &Arc<Self>,
            mut session: ServerSession,
            _: &ShutdownWatch,
        ) -> Option<ReusedHttpStream> {
            if !session.read_request().await.unwrap_or(false) {
                return None;
            }
            head_is_read();
            let mut stream = Vec::new();
            while let Some(bytes) = session.read_request_body().await.unwrap() {
                stream.extend_from_slice(&bytes);
            }
            let head = pingora_http::ResponseHeader::build(200, None).unwrap();
            session.write_response_header(Box::new(head)).await.unwrap();
            session.write_response_body(stream.into(), true).await.unwrap();
            None
        }
    }

    /// Sends the parts with a pause before each but the first; what comes back, and after how long.
    async fn sent(parts: &[&str], pause: Duration) -> (String, Duration) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let bounded = Arc::new(HeadTimeout { app: Arc::new(Echo), head_timeout: BOUND });
        let (_stop, shutdown) = watch::channel(false);
        let begun = Instant::now();
        let serving = async {
            let session = ServerSession::new_http1(Box::new(Stream::from(server)));
            bounded.process_new_http(session, &shutdown).await;
            begun.elapsed()
        };
        let (mut from, mut to) = client.into_split();
        let sending = async {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    tokio::time::sleep(pause).await;
                }
                if to.write_all(part.as_bytes()).await.is_err() {
                    break;
                }
            }
        };
        let mut answer = Vec::new();
        let reading = async {
            // A connection that is closed with bytes unread is reset, which is an end as well.
            let _ = from.read_to_end(&mut answer).await;
        };
        let (took, (), ()) = tokio::join!(serving, sending, reading);
        (String::from_utf8(answer).unwrap(), took)
    }

    #[tokio::test]
    async fn a_head_that_drips_is_cut_off() {
        let head: Vec<_> = std::iter::once("GET / HTTP/1.1\r\nX: ").chain(["a"; 100]).collect();
        let (answer, took) = sent(&head, BOUND / 5).await;
        assert_eq!(answer, "");
        assert!((BOUND..BOUND * 10).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn a_body_may_take_longer_than_the_head() {
        let parts = ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "a", "b", "c"];
        let (answer, took) = sent(&parts, BOUND / 2).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("abc"), "{answer}");
        assert!(took > BOUND, "{took:?}");
    }
}
