//! The head of an answer, as the client gets it: the upstream's, or one of our own.

use std::io::Write as _;

use http::Response;

use super::connection::Options;
use super::fields::Name;
use super::forwarding::line;
use super::framing::Framing;
use super::head::{ResponseHead, Version};

/// How the body of an answer is framed towards the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As the upstream framed it.
    AsIs,
    Chunked,
    /// By the end of the connection: HTTP/1.0 has no chunks (RFC 9112, 7.1).
    UntilClose,
}

impl Delivery {
    /// How a body that came like this goes to a client of this version.
    pub(crate) fn of(framing: Framing, client: Version) -> Self {
        match (framing, client) {
            (Framing::None | Framing::Length(_), _) => Self::AsIs,
            (Framing::Chunked | Framing::UntilClose, Version::Http11) => Self::Chunked,
            (Framing::Chunked | Framing::UntilClose, Version::Http10) => Self::UntilClose,
        }
    }
}

/// What an answer says beside what the upstream said.
#[derive(Debug)]
pub(crate) struct Answering<'a> {
    pub(crate) request_id: &'a str,
    /// The time, as `Date` has it.
    pub(crate) date: &'a str,
    /// Whether the client's connection goes on behind it.
    pub(crate) keep: bool,
}

/// Appends the head of an upstream's final answer.
pub(crate) fn write(
    head: &ResponseHead<'_>,
    options: &Options<'_>,
    framing: Framing,
    delivery: Delivery,
    with: &Answering<'_>,
    out: &mut Vec<u8>,
) {
    write_status_and_fields(head, options, out);
    match (delivery, framing) {
        (Delivery::AsIs, Framing::Length(length)) => length_line(out, length),
        // What `GET` would get (RFC 9110, 8.6 and 9.3.2), and what 204 must not say.
        (Delivery::AsIs, _) if head.status != 204 => {
            if let Some(length) = head.fields.values(Name::ContentLength).next() {
                line(out, b"Content-Length", length);
            }
        }
        (Delivery::Chunked, _) => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        (Delivery::AsIs | Delivery::UntilClose, _) => {}
    }
    // RFC 9110, 6.6.1: who passes on an answer without it adds it.
    if !head.fields.has(Name::Date) || options.nominates(b"date") {
        line(out, b"Date", with.date.as_bytes());
    }
    write_end(with, out);
}

/// Appends the head of an upstream's answer before the final one (RFC 9110, 15.2).
pub(crate) fn write_interim(head: &ResponseHead<'_>, options: &Options<'_>, out: &mut Vec<u8>) {
    write_status_and_fields(head, options, out);
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of the answer that makes a connection a WebSocket.
pub(crate) fn write_switch(head: &ResponseHead<'_>, options: &Options<'_>, request_id: &str, out: &mut Vec<u8>) {
    write_status_and_fields(head, options, out);
    out.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: websocket\r\n");
    line(out, b"X-Request-Id", request_id.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends an answer of our own, with its body.
pub(crate) fn write_own(response: &Response<Vec<u8>>, with: &Answering<'_>, out: &mut Vec<u8>) {
    status_line(out, response.status().as_u16(), response.status().canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in response.headers() {
        if name.as_str() != "x-request-id" {
            line(out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    line(out, b"Date", with.date.as_bytes());
    write_end(with, out);
    out.extend_from_slice(response.body());
}

fn write_status_and_fields(head: &ResponseHead<'_>, options: &Options<'_>, out: &mut Vec<u8>) {
    // In our own version, whatever the upstream speaks (RFC 9112, 2.3).
    status_line(out, head.status, head.phrase);
    for field in head.fields.iter() {
        // The length is written anew, and the identifier is ours.
        let is_ours = matches!(field.name, Name::ContentLength | Name::RequestId);
        if !is_ours && !options.ends_here(&field) {
            out.extend_from_slice(head.bytes.get(field.start..field.end).unwrap_or_default());
        }
    }
}

fn write_end(with: &Answering<'_>, out: &mut Vec<u8>) {
    line(out, b"X-Request-Id", with.request_id.as_bytes());
    // HTTP/1.0 clients need to be told, and nobody minds.
    let connection = if with.keep { &b"Connection: keep-alive\r\n\r\n"[..] } else { b"Connection: close\r\n\r\n" };
    out.extend_from_slice(connection);
}

fn status_line(out: &mut Vec<u8>, status: u16, phrase: &[u8]) {
    out.extend_from_slice(b"HTTP/1.1 ");
    number(out, status.into());
    out.push(b' ');
    out.extend_from_slice(phrase);
    out.extend_from_slice(b"\r\n");
}

fn length_line(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"Content-Length: ");
    number(out, length);
    out.extend_from_slice(b"\r\n");
}

fn number(out: &mut Vec<u8>, number: u64) {
    // A vector takes whatever is written.
    let _ = write!(out, "{number}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;
    use crate::http::framing;

    const WITH: Answering<'static> = Answering { request_id: "id", date: "now", keep: true };

    fn answered(head: &str, to_head: bool, delivery: Delivery, with: &Answering<'_>) -> String {
        let head = ResponseHead::parse(head.as_bytes()).unwrap();
        let options = Options::of(&head.fields).unwrap();
        let framing = framing::of_response(&head, to_head).unwrap();
        let mut out = Vec::new();
        write(&head, &options, framing, delivery, with, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_the_clients_goes_on_and_what_is_this_connections_ends() {
        let head = "HTTP/1.0 200 Fine\r\nServer: x\r\nConnection: X-Internal, keep-alive\r\nX-Internal: 1\r\nKeep-Alive: 5\r\n\
                    Content-Length: 3\r\nUpgrade: h2,h2c\r\nTE: a\r\nTrailer: b\r\nX-Request-Id: theirs\r\nset-cookie:a=b\r\n\r\n";
        assert_eq!(
            answered(head, false, Delivery::AsIs, &WITH),
            "HTTP/1.1 200 Fine\r\nServer: x\r\nset-cookie:a=b\r\nContent-Length: 3\r\nDate: now\r\n\
             X-Request-Id: id\r\nConnection: keep-alive\r\n\r\n"
        );
    }

    #[test]
    fn a_length_is_said_once_and_where_it_may_be() {
        let length = |line: &str, fields: &str, to_head| {
            let head = answered(&format!("HTTP/1.1 {line}\r\n{fields}\r\n"), to_head, Delivery::AsIs, &WITH);
            assert!(!head.contains("chunked"), "{head}");
            head.lines().filter(|line| line.starts_with("Content-Length")).map(str::to_owned).collect::<Vec<_>>()
        };
        let three = "Content-Length: 3\r\n";
        assert_eq!(length("200 OK", "Content-Length: 3\r\nContent-Length: 03\r\n", false), ["Content-Length: 3"]);
        assert_eq!(length("200 OK", three, true), ["Content-Length: 3"]);
        assert_eq!(length("304 Not Modified", three, false), ["Content-Length: 3"]);
        assert_eq!(length("200 OK", "Content-Length: 0\r\n", false), ["Content-Length: 0"]);
        assert_eq!(length("204 No Content", three, false), [""; 0]);
        assert_eq!(length("200 OK", "Transfer-Encoding: chunked\r\n", true), [""; 0]);
    }

    #[test]
    fn a_body_of_unknown_length_is_chunked_or_ends_with_the_connection() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: then\r\n\r\n";
        let end = "X-Request-Id: id\r\nConnection: keep-alive\r\n\r\n";
        assert_eq!(
            answered(head, false, Delivery::Chunked, &WITH),
            format!("HTTP/1.1 200 OK\r\nDate: then\r\nTransfer-Encoding: chunked\r\n{end}")
        );
        assert_eq!(
            answered(head, false, Delivery::UntilClose, &Answering { keep: false, ..WITH }),
            "HTTP/1.1 200 OK\r\nDate: then\r\nX-Request-Id: id\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_has_a_date_even_where_the_upstreams_ends_here() {
        let head = "HTTP/1.1 200 OK\r\nDate: then\r\nConnection: date\r\nContent-Length: 0\r\n\r\n";
        assert!(answered(head, false, Delivery::AsIs, &WITH).contains("\r\nDate: now\r\n"));
    }

    #[test]
    fn a_switch_names_one_protocol() {
        let bytes =
            b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: k\r\n\r\n";
        let head = ResponseHead::parse(bytes).unwrap();
        let mut out = Vec::new();
        write_switch(&head, &Options::of(&head.fields).unwrap(), "id", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: id\r\n\r\n"
        );
    }
}
