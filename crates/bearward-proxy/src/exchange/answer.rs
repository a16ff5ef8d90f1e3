//! Answers to refused requests.
//!
//! A refused request whose body was not read leaves bytes on the connection that must never be taken for the next
//! request (CVE-2025-4366). So the rest of the body is read and dropped, up to a bound, or the connection is closed.

use std::time::Duration;

use bearward_core::Refusal;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora_core::Result;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

/// The longest unread body, in bytes, that is read to keep the connection.
const KEEP_BYTES: usize = 64 * 1024;
/// How long the answer waits for the rest of such a body.
const KEEP_WAIT: Duration = Duration::from_millis(250);
/// How much more, in bytes, is read of a body before its connection is closed. A close with bytes unread resets the
/// connection, and a client that is still sending would lose the answer.
const LINGER_BYTES: usize = 1024 * 1024;
/// How long this goes on.
const LINGER_WAIT: Duration = Duration::from_secs(1);

/// What happens to the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It stays open for the next request, unless the client or an unread body prevents that.
    Keep,
    /// It is closed after the client had time to read the answer.
    Linger,
    /// It is closed at once: the end of the request is uncertain, so nothing more is read.
    Close,
}

/// Writes the answer to a refused request.
pub(crate) async fn send(
    session: &mut Session,
    refusal: &Refusal,
    request_id: &HeaderValue,
    after: After,
) -> Result<()> {
    // A client that waits for `100 Continue` has sent no body, and is answered without one (RFC 9110, 10.1.1). Whether it sends the
    // body all the same is unknown, so the connection cannot be used again; pingora says `close` by itself, as for every
    // body that is not read.
    let waits = session.req_header().headers.contains_key(EXPECT);
    let keep = match after {
        After::Keep => {
            session.is_body_done() || (!waits && is_small(session) && drain(session, KEEP_BYTES, KEEP_WAIT).await)
        }
        After::Linger | After::Close => false,
    };
    // A shutdown that began while the body was read counts as well.
    if !keep || session.is_process_shutting_down() {
        session.set_keepalive(None);
    }

    let request = session.req_header();
    let (parts, body) = refusal.response(&request.method, &request.headers, request_id.clone()).into_parts();
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 3))?;
    for (name, value) in &parts.headers {
        head.append_header(name, value)?;
    }
    let body = Some(Bytes::from(body)).filter(|body| !body.is_empty());
    session.write_response_header(Box::new(head), body.is_none()).await?;
    session.write_response_body(body, true).await?;

    if !keep && !waits && after != After::Close {
        drain(session, LINGER_BYTES, LINGER_WAIT).await;
    }
    Ok(())
}

/// Whether the body may be small enough to read, by its `Content-Length`.
fn is_small(session: &Session) -> bool {
    let length = session.req_header().headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_none_or(|length: usize| length <= KEEP_BYTES)
}

/// Reads and drops the rest of the body. Returns whether it reached the end within the bounds.
async fn drain(session: &mut Session, most: usize, wait: Duration) -> bool {
    let mut read = 0;
    let end = async {
        while let Ok(Some(bytes)) = session.read_request_body().await {
            read += bytes.len();
            if read > most {
                break;
            }
        }
        session.is_body_done()
    };
    tokio::time::timeout(wait, end).await.unwrap_or(false)
}
