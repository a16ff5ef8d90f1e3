//! A client's connection between two requests.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::stream::Stream;
use super::watch::Watch;

/// Waits for a client to send something, without a buffer. Whether it did; `false` where it was at rest for too long, or was asked to
/// end.
pub(crate) async fn rest(stream: &impl Stream, watch: &Watch, idle: Duration) -> bool {
    watch.set_deadline_in(idle);
    watch.rest();
    let readable = poll_fn(|context| match stream.poll_readable(context) {
        // What has come already is served, even where the connection is to end.
        Poll::Ready(readable) => Poll::Ready(readable.is_ok()),
        Poll::Pending => {
            if watch.must_end() || watch.is_late() {
                Poll::Ready(false)
            } else {
                Poll::Pending
            }
        }
    })
    .await;
    watch.work();
    readable
}
