//! Requests that are refused before the gate decides, because two servers could read them in two ways.

use bearward_core::Reason;

use super::connection::{self, Options};
use super::fields::Name;
use super::framing::{self, Framing};
use super::head::{RequestHead, Version};
use super::target::Target;

/// What a request says of itself and its connection.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) head: RequestHead<'a>,
    pub(crate) target: Target<'a>,
    pub(crate) framing: Framing,
    pub(crate) options: Options<'a>,
    /// Whether the client's connection may go on behind it.
    pub(crate) persists: bool,
    pub(crate) is_websocket: bool,
    /// Whether the client waits for `100 Continue` (RFC 9110, 10.1.1). HTTP/1.0 knows no such thing.
    pub(crate) expects: bool,
}

/// Whose nomination in `Connection` can only be an attack: without them the request is another one, or of another origin.
const NEVER_NOMINATED: [&[u8]; 7] = [
    b"content-length",
    b"forwarded",
    b"host",
    b"transfer-encoding",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
];

impl<'a> Request<'a> {
    /// Reads a whole head.
    pub(crate) fn read(head: RequestHead<'a>) -> Result<Self, Reason> {
        let malformed = Reason::RequestMalformed;
        let framing = framing::of_request(&head).map_err(|_| malformed)?;
        let options = Options::of(&head.fields).map_err(|_| malformed)?;
        // HTTP/1.1 requires one `Host`, HTTP/1.0 none (RFC 9112, 3.2). The gate checks its value.
        let hosts = head.fields.values(Name::Host).count();
        let names_host = hosts == 1 || (hosts == 0 && head.version == Version::Http10);
        if !names_host || NEVER_NOMINATED.iter().any(|name| options.nominates(name)) {
            return Err(malformed);
        }
        let target = Target::of(&head).map_err(|_| malformed)?;
        Ok(Self {
            target,
            framing,
            persists: connection::client_persists(&head, &options),
            // A body behind the request for a tunnel would be taken for a part of it.
            is_websocket: framing == Framing::None && connection::asks_for_websocket(&head, &options),
            expects: head.version == Version::Http11 && head.fields.has(Name::Expect),
            options,
            head,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn refused(lines: &str) -> bool {
        let bytes = format!("{lines}\r\n\r\n");
        Request::read(RequestHead::parse(bytes.as_bytes()).unwrap()).is_err()
    }

    #[test]
    fn plain_requests_go_on() {
        for lines in [
            "GET / HTTP/1.1\r\nHost: api.example.com",
            "GET /a HTTP/1.0",
            "POST /a HTTP/1.1\r\nHost: a_b\r\nContent-Length: 3",
            "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked",
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: x-auth-subject, authorization, x-request-id, x-hop",
        ] {
            assert!(!refused(lines), "{lines:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_does_not() {
        for lines in [
            "GET / HTTP/1.1",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: a",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
            "GET http://a/ HTTP/1.1\r\nHost: b",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: host",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Content-Length",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: transfer-encoding",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-forwarded-for",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: a b",
        ] {
            assert!(refused(lines), "{lines:?}");
        }
    }

    #[test]
    fn a_tunnel_is_asked_for_without_a_body() {
        let websocket = |lines: &str| {
            let bytes =
                format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{lines}\r\n");
            Request::read(RequestHead::parse(bytes.as_bytes()).unwrap()).unwrap().is_websocket
        };
        assert!(websocket("") && websocket("Content-Length: 0\r\n"));
        assert!(!websocket("Content-Length: 1\r\n") && !websocket("Transfer-Encoding: chunked\r\n"));
    }
}
