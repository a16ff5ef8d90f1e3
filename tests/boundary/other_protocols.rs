//! What is no HTTP/1 (and what was meant for another port): refused or closed at once, and nothing comes of it.

use super::driver::{Row, play, row};

#[test]
fn other_protocols_end_at_once() {
    play(&rows());
}

/// Bytes that cannot begin a request: nobody has to wait for more.
const BYTES: &[(&str, &[u8])] = &[
    (
        "TLS 1.3 ClientHello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefghijklmnopqrstuvwxyz012345 \x00\x02\x13\x01\x01\x00",
    ),
    ("TLS record alone", b"\x16\x03\x01"),
    ("TLS alert", b"\x15\x03\x01\x00\x02\x02\x28"),
    ("SSL 2 ClientHello", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"),
    ("TLS in a TLS record with CRLF", b"\x16\x03\x01\x00\x10\r\n\r\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
    (
        "PROXY protocol, version 2",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x7f\0\0\x01\x7f\0\0\x01\x00\x50\x00\x50\
        GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    ("SOCKS 5", b"\x05\x01\x00"),
    ("SOCKS 4", b"\x04\x01\x00\x50\x7f\0\0\x01\0"),
    ("MQTT CONNECT", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"),
    ("PostgreSQL startup", b"\0\0\0\x08\x04\xd2\x16\x2f"),
    ("AMQP", b"AMQP\x00\x00\x09\x01"),
    ("NUL bytes", b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ("high bytes", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
    ("HTTP/2 frames without the preface", b"\0\0\0\x04\0\0\0\0\0"),
    ("a WebSocket frame", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
    ("RTMP", b"\x03\0\0\0\0\0\0\0\0abcdefgh"),
    ("LDAP bind", b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"),
    ("SMB", b"\0\0\0\x2f\xffSMB\x72"),
    ("RDP", b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
];

/// Lines that are no request line, from a client that then waits.
const LINES: &[&str] = &[
    "PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n",
    "PROXY TCP6 2001:db8::1 2001:db8::2 56324 80\r\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n",
    "PROXY UNKNOWN\r\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n",
    "SSH-2.0-OpenSSH_9.6\r\n",
    "EHLO example.com\r\n",
    "USER anonymous\r\n",
    "PING\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "stats\r\n",
    "get key\r\n",
    "QUIT\r\n",
    "/public/<row-id>\r\n",
    "<policy-file-request/>\0",
    "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1}\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n",
    "OPTIONS rtsp://a/x RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "GET /public/<row-id>\r\n\r\n",
    "GET gopher://a/ \r\n\r\n",
    "HELP\n\n",
    "\u{feff}GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n",
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, bytes) in BYTES {
        rows.push(row(*name, "RFC 9112 2.2, 3", bytes).dropped(&[400, 505]));
        rows.push(row(format!("{name}, and the end"), "RFC 9112 2.2, 3", bytes).ends().dropped(&[400, 505]));
    }
    for line in LINES {
        let name = line.split(['\r', '\n']).next().unwrap();
        let raw = row(name, "RFC 9112 2.2, 3", line);
        let says_it_all = line.ends_with("\r\n\r\n");
        rows.push(if says_it_all { raw.dropped(&[400, 505]) } else { raw.ends().dropped(&[400, 505]) });
    }
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (name, raw) in [
        ("HTTP/2 preface", preface.to_owned()),
        ("HTTP/2 preface and settings", format!("{preface}\0\0\0\u{4}\0\0\0\0\0")),
        ("HTTP/2 preface after a request", format!("GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n{preface}")),
    ] {
        let row = row(name, "RFC 9113 3.4, RFC 9112 2.3", &raw);
        rows.push(if raw.starts_with("PRI") {
            row.refused(&[400, 405, 505])
        } else {
            let first = super::driver::Arrival::of(raw.as_bytes(), "");
            row.answered(&[&[200], &[400, 405, 505]], vec![first]).then_closed()
        });
    }
    rows.push(row("nothing at all", "RFC 9112 9.5", "").ends().dropped(&[]).whole_only());
    rows
}
