//! Heads of answers (RFC 9112, 4 and 5): what two readers could read in two ways does not reach the client.

use super::driver::{AnswerRow, answer, play_answers};

#[test]
fn an_answer_whose_head_is_malformed_is_502() {
    play_answers(&rows());
}

const STATUS_LINES: &[(&str, u16)] = &[
    ("HTTP/1.1 200 OK", 200),
    ("HTTP/1.1 200 ", 200),
    ("HTTP/1.1 200 Any text, with: punctuation", 200),
    ("HTTP/1.1 200  OK", 200),
    ("HTTP/1.1 200 O\tK", 200),
    ("HTTP/1.1 404 Not Found", 404),
    ("HTTP/1.1 299 Odd", 299),
    ("HTTP/1.1 500 HTTP/1.1 200 OK", 500),
    ("HTTP/1.0 200 OK", 200),
    ("HTTP/1.0 404 ", 404),
];

const BROKEN: &[&str] = &[
    "HTTP/1.1  200 OK",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2 OK",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 2x0 OK",
    "HTTP/1.1 0x1 OK",
    "HTTP/1.1 000 OK",
    "HTTP/1.1 099 OK",
    "HTTP/1.1 +20 OK",
    "HTTP/1.1 -20 OK",
    "HTTP/1.1 20\u{660} OK",
    "HTTP/1.1 OK",
    "HTTP/1.1 OK 200",
    "HTTP/1.1 ",
    "HTTP/1.1",
    "HTTP/1.1\t200 OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1 200OK",
    "HTTP/1.1200 OK",
    " HTTP/1.1 200 OK",
    "\tHTTP/1.1 200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/2 200 OK",
    "HTTP/3.0 200 OK",
    "HTTP/0.9 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/1.10 200 OK",
    "HTTP/1. 200 OK",
    "HTTP/1 200 OK",
    "HTTP/01.1 200 OK",
    "http/1.1 200 OK",
    "HTP/1.1 200 OK",
    "HTTPS/1.1 200 OK",
    "XHTTP/1.1 200 OK",
    "ICY 200 OK",
    "RTSP/1.0 200 OK",
    "SIP/2.0 200 OK",
    "200 OK",
    "OK",
    "GET / HTTP/1.1",
    "HTTP/1.1 200 O\0K",
    "HTTP/1.1 200 O\rK",
    "HTTP/1.1 200 OK\r",
    "HTTP/1.1 200 O\nX-A: b",
    "HTTP/1.1\r 200 OK",
    "HTTP/1.1\0 200 OK",
    "HTTP /1.1 200 OK",
    "HTTP/1.1 200\0OK",
    "X-A: b",
    "\0",
    "<html>",
];

/// What is no HTTP at all, after which the upstream closes.
const OTHER: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("a TLS alert", b"\x15\x03\x03\0\x02\x02\x46"),
    ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
    ("SMTP", b"220 example.com ESMTP\r\n"),
    ("HTTP/0.9", b"<html><body>hello</body></html>"),
    ("HTTP/2 settings", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"),
    ("NUL bytes", b"\0\0\0\0\0\0\0\0"),
    ("a status line alone", b"HTTP/1.1 200 OK\r\n"),
    ("half a status line", b"HTTP/1.1 2"),
    ("half a field", b"HTTP/1.1 200 OK\r\nContent-Le"),
    ("a head without its end", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
    ("bare LF throughout", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    ("bare CR throughout", b"HTTP/1.1 200 OK\rContent-Length: 2\r\rok"),
    ("a bare LF after the head", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok"),
];

const BAD_FIELDS: &[(&str, &[u8])] = &[
    ("a bare LF", b"X-A: b\nX-B: c"),
    ("a bare CR", b"X-A: b\rX-B: c"),
    ("a bare LF at its end", b"X-A: b\nSet-Cookie: session=mallory"),
    ("CR CR LF", b"X-A: b\r"),
    ("a continued line", b"X-A: b\r\n c"),
    ("a continued line, by a tab", b"X-A: b\r\n\tc"),
    ("a continued line with a length in it", b"X-A: b\r\n Content-Length: 9"),
    ("a NUL in a value", b"X-A: b\0c"),
    ("a NUL in a name", b"X\0A: b"),
    ("no colon", b"X-A"),
    ("no name", b": b"),
    ("a space in the name", b"X A: b"),
    ("a leading space", b" X-A: b"),
    ("a name in UTF-8", "X-\u{e9}: b".as_bytes()),
    ("a name with a slash", b"X/A: b"),
    ("a name with a control character", b"X\x01A: b"),
    ("a name in brackets", b"(X-A): b"),
    ("an empty line ended by a bare LF", b"X-A: b\r\n\nHTTP/1.1 200 OK"),
    ("two empty lines, one of CR alone", b"X-A: b\r\n\r\r\n"),
];

fn rows() -> Vec<AnswerRow> {
    let source = "RFC 9112 4";
    let mut rows = Vec::new();
    for (line, status) in STATUS_LINES {
        rows.push(answer(*line, source, with_line(line.as_bytes())).passes(*status, "ok"));
    }
    for line in BROKEN {
        rows.push(answer(*line, source, with_line(line.as_bytes())).bad_gateway());
    }
    for (line, status) in [("HTTP/1.1 200", 200), ("HTTP/1.1 600 Odd", 600), ("HTTP/1.1 999 Odd", 999)] {
        rows.push(answer(line, source, with_line(line.as_bytes())).passes(status, "ok").bad_gateway());
    }
    rows.push(answer("obs-text in the reason", source, with_line(b"HTTP/1.1 200 caf\xe9")).passes(200, "ok"));
    for (name, bytes) in OTHER {
        rows.push(answer(*name, source, bytes).closes().bad_gateway());
    }
    for (name, field) in BAD_FIELDS {
        rows.push(answer(*name, "RFC 9112 2.2, 5.1, 5.2", with_field(field)).bad_gateway());
    }
    // A proxy takes the whitespace away (RFC 9112, 5.1), or the whole answer for malformed.
    rows.push(
        answer("a space before the colon", "RFC 9112 5.1", with_field(b"X-A : b"))
            .passes(200, "ok")
            .with("X-A: b")
            .bad_gateway(),
    );
    rows.push(
        answer(
            "a length with a space before its colon",
            "RFC 9112 5.1",
            "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        )
        .passes(200, "ok")
        .bad_gateway(),
    );
    for byte in [1, 8, 11, 12, 27, 127] {
        let field = [b"X-A: b", &[byte][..], b"c"].concat();
        rows.push(
            answer(format!("byte {byte:#04x} in a value"), "RFC 9110 5.5", with_field(&field))
                .passes(200, "ok")
                .bad_gateway(),
        );
    }
    for (name, field) in [("a tab in a value", "X-A: b\tc"), ("no value", "X-A: "), ("a colon first", "X-A: :b")] {
        rows.push(answer(name, "RFC 9110 5.5", with_field(field.as_bytes())).passes(200, "ok").with(field));
    }
    rows.push(
        answer("obs-text in a value", "RFC 9110 5.5", with_field(b"X-A: caf\xe9"))
            .passes(200, "ok")
            .with("X-A: caf\u{fffd}"),
    );
    rows.push(
        answer("an empty line first", "RFC 9112 2.2", [&b"\r\n"[..], &with_line(b"HTTP/1.1 200 OK")].concat())
            .passes(200, "ok")
            .bad_gateway(),
    );
    let endless = "X-A: b\r\n".repeat(300_000);
    rows.push(
        answer("a head without an end", "RFC 9110 5.4", format!("HTTP/1.1 200 OK\r\n{endless}"))
            .closes()
            .bad_gateway()
            .whole_only(),
    );
    let large = format!("X-A: {}", "b".repeat(2 << 20));
    rows.push(
        answer("a head of two megabytes", "RFC 9110 5.4", with_field(large.as_bytes()))
            .closes()
            .bad_gateway()
            .whole_only(),
    );
    let many: String = (0..20_000).map(|at| format!("X-{at}: b\r\n")).collect();
    rows.push(
        answer("twenty thousand fields", "RFC 9110 5.4", with_field(many.trim_end().as_bytes()))
            .closes()
            .bad_gateway()
            .whole_only(),
    );
    rows
}

fn with_line(line: &[u8]) -> Vec<u8> {
    [line, b"\r\nContent-Length: 2\r\n\r\nok"].concat()
}

fn with_field(field: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\n", field, b"\r\nContent-Length: 2\r\n\r\nok"].concat()
}
