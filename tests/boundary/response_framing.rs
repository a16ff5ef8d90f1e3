//! Where an answer's body ends (RFC 9112, 6.3, 7 and 8): told in one way, or 502; and half a body never passes for a whole one.

use super::driver::{AnswerRow, answer, play_answers};

#[test]
fn an_answer_is_whole_or_shows_that_it_is_not() {
    play_answers(&rows());
}

/// Fields that tell of a body in more than one way, each line after a `|`.
const UNCLEAR: &[&str] = &[
    "Content-Length: 2|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|Content-Length: 2",
    "Transfer-Encoding: chunked|X-A: b|content-length:2",
    "Transfer-Encoding: identity|Content-Length: 2",
    "Content-Length: 2|Content-Length: 3",
    "Content-Length: 3|content-length: 2",
    "Content-Length: 2, 3",
    "Content-Length: 2|Content-Length:",
    "Content-Length:",
    "Content-Length: x",
    "Content-Length: +2",
    "Content-Length: -2",
    "Content-Length: 0x2",
    "Content-Length: 2 3",
    "Content-Length: 2.0",
    "Content-Length: 2,",
    "Content-Length: 18446744073709551618",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|Transfer-Encoding: identity",
    "Transfer-Encoding: gzip|Transfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: \u{b}chunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding:",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: \"chunked\"",
];

/// Chunks, and what the client must get of them.
const CHUNKS: &[(&str, &str, &str)] = &[
    ("one chunk", "2\r\nok\r\n0\r\n\r\n", "ok"),
    ("two chunks", "1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "ok"),
    ("no chunk but the last", "0\r\n\r\n", ""),
    ("a size of sixteen digits", "0000000000000002\r\nok\r\n00\r\n\r\n", "ok"),
    ("capitals", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("an extension", "2;a=b;c=\"d;e\"\r\nok\r\n0;f\r\n\r\n", "ok"),
    ("trailers", "2\r\nok\r\n0\r\nX-A: b\r\nServer-Timing: x\r\n\r\n", "ok"),
    ("a trailer that would be a cookie", "2\r\nok\r\n0\r\nSet-Cookie: a=b\r\n\r\n", "ok"),
    ("a chunk that looks like the end", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
];

/// Chunks that end otherwise than they should; after those marked so, the upstream closes.
const BROKEN: &[(&str, &str, bool)] = &[
    ("no size", "\r\nok\r\n0\r\n\r\n", false),
    ("a size that is no number", "x\r\nok\r\n0\r\n\r\n", false),
    ("a size with 0x", "0x2\r\nok\r\n0\r\n\r\n", false),
    ("a size with a plus", "+2\r\nok\r\n0\r\n\r\n", false),
    ("a size with a minus", "-2\r\nok\r\n0\r\n\r\n", false),
    ("a size with a space before it", " 2\r\nok\r\n0\r\n\r\n", false),
    ("a size with an underscore", "0_2\r\nok\r\n0\r\n\r\n", false),
    ("a size of seventeen digits", "00000000000000002\r\nok\r\n0\r\n\r\n", false),
    ("a size that overflows to two", "10000000000000002\r\nok\r\n0\r\n\r\n", false),
    ("a bare LF after the size", "2\nok\r\n0\r\n\r\n", false),
    ("a bare CR after the size", "2\rok\r\n0\r\n\r\n", false),
    ("a bare LF after the chunk", "2\r\nok\n0\r\n\r\n", false),
    ("bare LF everywhere", "2\nok\n0\n\n", true),
    ("nothing after the chunk", "2\r\nok0\r\n\r\n", false),
    ("a byte too many", "2\r\nokx\r\n0\r\n\r\n", false),
    ("a byte too few", "3\r\nok\r\n0\r\n\r\n", false),
    ("a LF in an extension", "2;a\nok\r\n0\r\n\r\n", false),
    ("a NUL in an extension", "2;a\0\r\nok\r\n0\r\n\r\n", false),
    ("a broken second chunk", "2\r\nok\r\nx\r\nok\r\n0\r\n\r\n", false),
    ("a trailer without a colon", "2\r\nok\r\n0\r\nX-A\r\n\r\n", false),
    ("a trailer with a bare LF", "2\r\nok\r\n0\r\nX-A: b\nX-B: c\r\n\r\n", false),
    ("a trailer that is continued", "2\r\nok\r\n0\r\nX-A: b\r\n c\r\n\r\n", false),
    ("an answer for a trailer", "2\r\nok\r\n0\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false),
    ("it ends within the size", "2", true),
    ("it ends within a chunk", "4\r\nok", true),
    ("it ends after a chunk", "2\r\nok\r\n", true),
    ("it ends before the last CRLF", "2\r\nok\r\n0\r\n", true),
    ("it ends within a trailer", "2\r\nok\r\n0\r\nX-A", true),
    ("it ends before any chunk", "", true),
];

fn rows() -> Vec<AnswerRow> {
    let mut rows = Vec::new();
    for fields in UNCLEAR {
        let raw = ok(&fields.replace('|', "\r\n"), "2\r\nok\r\n0\r\n\r\n");
        rows.push(answer(format!("{fields:?}"), "RFC 9112 6.3", raw).bad_gateway());
    }
    for fields in ["Content-Length: 2\r\nContent-Length: 2", "Content-Length: 2, 2"] {
        let row = answer(format!("{fields:?}"), "RFC 9110 8.6", ok(fields, "ok"));
        rows.push(row.passes(200, "ok").with("Content-Length: 2").bad_gateway());
    }
    for coding in ["chunked", "identity", "gzip, chunked"] {
        let raw = format!("HTTP/1.0 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        rows.push(answer(format!("HTTP/1.0 with {coding}"), "RFC 9112 6.1", raw).bad_gateway());
    }
    rows.extend(lengths());
    rows.extend(chunks());
    rows.extend(bodiless());
    rows
}

fn lengths() -> Vec<AnswerRow> {
    let source = "RFC 9112 6.3, 8";
    vec![
        answer("a length", source, ok("Content-Length: 2", "ok")).passes(200, "ok").with("Content-Length: 2"),
        answer("length zero", source, ok("Content-Length: 0", "")).passes(200, ""),
        answer("a length to HTTP/1.0", source, ok("Content-Length: 2", "ok")).asked_by_1_0().passes(200, "ok"),
        answer("a length, cut short", source, ok("Content-Length: 9", "ok")).closes().breaks_off(200),
        answer("a length, nothing of it", source, ok("Content-Length: 9", "")).closes().breaks_off(200).bad_gateway(),
        answer("a length, cut short, to HTTP/1.0", source, ok("Content-Length: 9", "ok"))
            .closes()
            .asked_by_1_0()
            .breaks_off(200),
        answer("a length, and then silence", source, ok("Content-Length: 9", "ok")).breaks_off(200).whole_only(),
        answer("more than the length", source, ok("Content-Length: 2", "ok and more")).spoils().passes(200, "ok"),
        answer(
            "a second answer behind it",
            "RFC 9112 9.2",
            ok("Content-Length: 2", &format!("ok{}", ok("Content-Length: 4", "evil"))),
        )
        .spoils()
        .passes(200, "ok"),
        answer(
            "a second answer behind chunks",
            "RFC 9112 9.2",
            ok("Transfer-Encoding: chunked", &format!("2\r\nok\r\n0\r\n\r\n{}", ok("Content-Length: 4", "evil"))),
        )
        .spoils()
        .passes(200, "ok"),
        answer("no length, until the end", source, ok("X-A: b", "as long as it lasts"))
            .closes()
            .passes(200, "as long as it lasts"),
        answer("no length, to HTTP/1.0", source, ok("X-A: b", "as long as it lasts"))
            .closes()
            .asked_by_1_0()
            .passes(200, "as long as it lasts"),
        answer("no length and no body", source, ok("X-A: b", "")).closes().passes(200, ""),
        answer("HTTP/1.0 and a length", source, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .closes()
            .passes(200, "ok"),
        answer(
            "HTTP/1.0 with keep-alive",
            source,
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        )
        .passes(200, "ok"),
        answer("HTTP/1.0 until the end", source, "HTTP/1.0 200 OK\r\n\r\nok").closes().passes(200, "ok"),
        answer("HTTP/1.0, cut short", source, "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nok")
            .closes()
            .breaks_off(200),
        answer("HTTP/1.0 to HTTP/1.0", source, "HTTP/1.0 200 OK\r\n\r\nok").closes().asked_by_1_0().passes(200, "ok"),
    ]
}

fn chunks() -> Vec<AnswerRow> {
    let mut rows = Vec::new();
    for (name, chunks, body) in CHUNKS {
        let raw = ok("Transfer-Encoding: chunked", chunks);
        let row = answer(*name, "RFC 9112 7.1", &raw).passes(200, body);
        rows.push(row.without("content-length").without("x-a").without("set-cookie"));
        rows.push(
            answer(format!("{name}, to HTTP/1.0"), "RFC 9112 6.1", raw)
                .asked_by_1_0()
                .passes(200, body)
                .without("transfer-encoding"),
        );
    }
    for coding in ["Transfer-Encoding: Chunked", "transfer-encoding:chunked", "TRANSFER-ENCODING: \tCHUNKED "] {
        rows.push(answer(coding, "RFC 9112 7", ok(coding, "2\r\nok\r\n0\r\n\r\n")).passes(200, "ok"));
    }
    for (name, chunks, closes) in BROKEN {
        let row = answer(format!("broken: {name}"), "RFC 9112 7.1, 8", ok("Transfer-Encoding: chunked", chunks));
        let row = row.breaks_off(200).bad_gateway();
        rows.push(if *closes { row.closes() } else { row });
    }
    let long: String = (0..300).map(|_| format!("1;{}\r\nx\r\n", "a".repeat(1_000))).collect();
    for (name, chunks) in [
        ("an extension of a megabyte", format!("2;{}\r\nok\r\n0\r\n\r\n", "a".repeat(1 << 20))),
        ("extensions of 300 KB together", format!("{long}0\r\n\r\n")),
        ("a megabyte of trailers", format!("2\r\nok\r\n0\r\n{}\r\n", "X-A: b\r\n".repeat(130_000))),
    ] {
        let row = answer(format!("broken: {name}"), "RFC 9112 7.1.1", ok("Transfer-Encoding: chunked", &chunks));
        rows.push(row.breaks_off(200).bad_gateway().whole_only());
    }
    rows
}

/// What has no body whatever its fields claim (RFC 9112, 6.3): HEAD, 1xx, 204 and 304.
fn bodiless() -> Vec<AnswerRow> {
    let source = "RFC 9112 6.3, RFC 9110 8.6";
    let mut rows = Vec::new();
    for (fields, kept) in [
        ("X-A: b", "X-A: b"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 0", "Content-Length: 0"),
        ("Transfer-Encoding: chunked\r\nX-A: b", "X-A: b"),
    ] {
        rows.push(
            answer(format!("HEAD, {fields:?}"), source, ok(fields, "")).asked_by_head().passes(200, "").with(kept),
        );
        let unchanged = format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n\r\n");
        rows.push(answer(format!("304, {fields:?}"), source, &unchanged).passes(304, ""));
        rows.push(answer(format!("304 to HEAD, {fields:?}"), source, unchanged).asked_by_head().passes(304, ""));
        let nothing = format!("HTTP/1.1 204 No Content\r\n{fields}\r\n\r\n");
        let row = answer(format!("204, {fields:?}"), source, &nothing).passes(204, "").without("transfer-encoding");
        // RFC 9110, 8.6: never in a 204. A zero does no harm.
        rows.push(if fields.ends_with(": 0") { row } else { row.without("content-length") });
        rows.push(answer(format!("204 to HTTP/1.0, {fields:?}"), source, nothing).asked_by_1_0().passes(204, ""));
    }
    for (name, line) in [("204", "204 No Content"), ("304", "304 Not Modified")] {
        let raw = format!("HTTP/1.1 {line}\r\nContent-Length: 4\r\n\r\nevil");
        rows.push(
            answer(format!("{name} with a body"), "RFC 9112 6.3", raw).spoils().passes(line[..3].parse().unwrap(), ""),
        );
    }
    rows.push(
        answer("HEAD with a body", "RFC 9112 6.3", ok("Content-Length: 4", "evil"))
            .asked_by_head()
            .spoils()
            .passes(200, ""),
    );
    rows.push(
        answer("HEAD with chunks", "RFC 9112 6.3", ok("Transfer-Encoding: chunked", "4\r\nevil\r\n0\r\n\r\n"))
            .asked_by_head()
            .spoils()
            .passes(200, ""),
    );
    for fields in ["Content-Length: 2\r\nContent-Length: 3", "Content-Length: 2, 3"] {
        rows.push(answer(format!("HEAD, {fields:?}"), source, ok(fields, "")).asked_by_head().bad_gateway());
    }
    let both = ok("Content-Length: 2\r\nTransfer-Encoding: chunked", "");
    rows.push(answer("HEAD, framed in two ways", source, both).asked_by_head().passes(200, "").bad_gateway());
    rows.push(
        answer("205 with length zero", "RFC 9110 15.3.6", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n")
            .passes(205, ""),
    );
    rows
}

fn ok(fields: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}")
}
