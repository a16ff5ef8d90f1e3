//! Chunked bodies (RFC 9112, 7.1): what is malformed never completes a request at the upstream; extensions and trailers stay
//! here.

use super::driver::{MAX_HEAD, Row, play, row};

#[test]
fn a_chunked_body_is_well_formed_to_its_end_or_no_request_comes_of_it() {
    play(&rows());
}

/// Chunks, and what is in them.
const GOOD: &[(&str, &str, &str)] = &[
    ("one chunk", "4\r\nbody\r\n0\r\n\r\n", "body"),
    ("two chunks", "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", "body"),
    ("no chunk but the last", "0\r\n\r\n", ""),
    ("a last chunk of many zeros", "4\r\nbody\r\n0000000000000000\r\n\r\n", "body"),
    ("a size with zeros before it", "0004\r\nbody\r\n0\r\n\r\n", "body"),
    ("a size of sixteen digits", "0000000000000004\r\nbody\r\n0\r\n\r\n", "body"),
    ("a size in small letters", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("a size in capitals", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("a chunk that holds CRLF", "8\r\n\r\n0\r\n\r\n\r\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r"),
    ("a chunk that looks like a request", "b\r\nGET / HTTP/\r\n0\r\n\r\n", "GET / HTTP/"),
    ("an extension", "4;a\r\nbody\r\n0\r\n\r\n", "body"),
    ("an extension with a value", "4;a=b\r\nbody\r\n0\r\n\r\n", "body"),
    ("an extension with a quoted value", "4;a=\"b;c\"\r\nbody\r\n0\r\n\r\n", "body"),
    ("several extensions", "4;a;b=c;d=\"e\"\r\nbody\r\n0\r\n\r\n", "body"),
    ("an extension of the last chunk", "4\r\nbody\r\n0;a=b\r\n\r\n", "body"),
    ("a trailer", "4\r\nbody\r\n0\r\nX-A: b\r\n\r\n", "body"),
    ("two trailers", "4\r\nbody\r\n0\r\nX-A: b\r\nX-B:\r\n\r\n", "body"),
    ("a trailer that would be an identity", "4\r\nbody\r\n0\r\nX-Auth-Subject: mallory\r\n\r\n", "body"),
    ("a trailer that would be a credential", "4\r\nbody\r\n0\r\nAuthorization: Bearer x\r\n\r\n", "body"),
    ("a trailer that would be a length", "4\r\nbody\r\n0\r\nContent-Length: 9\r\n\r\n", "body"),
    ("a trailer that would be a coding", "4\r\nbody\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n", "body"),
    ("a trailer that would be a host", "4\r\nbody\r\n0\r\nHost: b\r\n\r\n", "body"),
];

/// What stands where the first chunk and all behind it should.
const BROKEN: &[(&str, &str)] = &[
    ("no size", "\r\nbody\r\n0\r\n\r\n"),
    ("a size that is no number", "g\r\nbody\r\n0\r\n\r\n"),
    ("a size with 0x", "0x4\r\nbody\r\n0\r\n\r\n"),
    ("a size with 0X", "0X4\r\nbody\r\n0\r\n\r\n"),
    ("a size with a plus", "+4\r\nbody\r\n0\r\n\r\n"),
    ("a size with a minus", "-4\r\nbody\r\n0\r\n\r\n"),
    ("a minus zero for the last", "4\r\nbody\r\n-0\r\n\r\n"),
    ("a plus zero for the last", "4\r\nbody\r\n+0\r\n\r\n"),
    ("a size with a space before it", " 4\r\nbody\r\n0\r\n\r\n"),
    ("a size with a tab before it", "\t4\r\nbody\r\n0\r\n\r\n"),
    ("a size with a vertical tab after it", "4\u{b}\r\nbody\r\n0\r\n\r\n"),
    ("a size with a space in it", "0 4\r\nbody\r\n0\r\n\r\n"),
    ("a size with an underscore", "0_4\r\nbody\r\n0\r\n\r\n"),
    ("a size with a point", "4.0\r\nbody\r\n0\r\n\r\n"),
    ("a size with a comma", "4,4\r\nbody\r\n0\r\n\r\n"),
    ("a size in quotes", "\"4\"\r\nbody\r\n0\r\n\r\n"),
    ("a size with an h", "4h\r\nbody\r\n0\r\n\r\n"),
    ("a size with a NUL", "4\0\r\nbody\r\n0\r\n\r\n"),
    ("a size in another script", "\u{664}\r\nbody\r\n0\r\n\r\n"),
    ("a size of seventeen digits", "00000000000000004\r\nbody\r\n0\r\n\r\n"),
    ("a size that overflows to four", "10000000000000004\r\nbody\r\n0\r\n\r\n"),
    ("a size of 2^64 - 1 and more", "fffffffffffffffff\r\nbody\r\n0\r\n\r\n"),
    (
        "a size of a thousand digits",
        concat!("0000000000000000000000000000000000000000000000000000000000", "4\r\nbody\r\n0\r\n\r\n"),
    ),
    ("a bare LF after the size", "4\nbody\r\n0\r\n\r\n"),
    ("a bare CR after the size", "4\rbody\r\n0\r\n\r\n"),
    ("CR CR LF after the size", "4\r\r\nbody\r\n0\r\n\r\n"),
    ("LF CR after the size", "4\n\rbody\r\n0\r\n\r\n"),
    ("a bare LF after the chunk", "4\r\nbody\n0\r\n\r\n"),
    ("a bare CR after the chunk", "4\r\nbody\r0\r\n\r\n"),
    ("nothing after the chunk", "4\r\nbody0\r\n\r\n"),
    ("a byte too many", "4\r\nbodyx\r\n0\r\n\r\n"),
    ("two bytes too many", "4\r\nbodyxy0\r\n\r\n"),
    ("a byte too few", "5\r\nbody\r\n0\r\n\r\n"),
    ("a space after the chunk", "4\r\nbody \r\n0\r\n\r\n"),
    ("bare LF everywhere", "4\nbody\n0\n\n"),
    ("a bare LF after the last chunk's size", "4\r\nbody\r\n0\n\r\n"),
    ("a bare LF for the end", "4\r\nbody\r\n0\r\n\n"),
    ("a bare CR for the end", "4\r\nbody\r\n0\r\n\rX"),
    ("a LF in an extension", "4;a\nbody\r\n0\r\n\r\n"),
    ("a LF in an extension's value", "4;a=b\nc\r\nbody\r\n0\r\n\r\n"),
    ("a CR in an extension", "4;a\rb\r\nbody\r\n0\r\n\r\n"),
    ("a NUL in an extension", "4;a\0b\r\nbody\r\n0\r\n\r\n"),
    ("a control character in an extension", "4;a\u{1}b\r\nbody\r\n0\r\n\r\n"),
    ("DEL in an extension", "4;a\u{7f}b\r\nbody\r\n0\r\n\r\n"),
    ("a LF in a quoted extension", "4;a=\"\n\"\r\nbody\r\n0\r\n\r\n"),
    ("CR LF in a quoted extension", "4;a=\"\r\n\"\r\nbody\r\n0\r\n\r\n"),
    ("an extension without its semicolon", "4 a\r\nbody\r\n0\r\n\r\n"),
    ("an extension after a comma", "4,a=b\r\nbody\r\n0\r\n\r\n"),
    ("an extension without a size", ";a=b\r\nbody\r\n0\r\n\r\n"),
    ("a trailer without a colon", "4\r\nbody\r\n0\r\nX-A\r\n\r\n"),
    ("a trailer without a name", "4\r\nbody\r\n0\r\n: b\r\n\r\n"),
    ("a trailer with a space before its colon", "4\r\nbody\r\n0\r\nX-A : b\r\n\r\n"),
    ("a trailer with a space before it", "4\r\nbody\r\n0\r\n X-A: b\r\n\r\n"),
    ("a trailer that is continued", "4\r\nbody\r\n0\r\nX-A: b\r\n c\r\n\r\n"),
    ("a trailer with a bare LF", "4\r\nbody\r\n0\r\nX-A: b\nX-B: c\r\n\r\n"),
    ("a trailer with a bare CR", "4\r\nbody\r\n0\r\nX-A: b\rX-B: c\r\n\r\n"),
    ("a trailer with a NUL", "4\r\nbody\r\n0\r\nX-A: b\0c\r\n\r\n"),
    ("trailers ended by a bare LF", "4\r\nbody\r\n0\r\nX-A: b\r\n\n"),
    ("a request for a trailer", "4\r\nbody\r\n0\r\nGET /public/<row-id>/hidden HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no chunks at all", "body of another kind, that goes on\r\n\r\n"),
    ("a request for a chunk", "GET /public/<row-id>/hidden HTTP/1.1\r\nHost: a\r\n\r\n"),
];

const SOURCE: &str = "RFC 9112 7.1";

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, chunks, body) in GOOD {
        rows.push(row(*name, SOURCE, post(chunks)).arrives(body).and(|it| it.with("Transfer-Encoding: chunked")));
    }
    let hidden = "GET /public/<row-id>/hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    for (name, chunks) in BROKEN {
        rows.push(row(*name, SOURCE, post(&format!("{chunks}{hidden}"))).refused(&[400]));
    }
    // BWS before the semicolon is for senders of old (RFC 9112, 7.1.1).
    for (name, size) in [
        ("a space before the semicolon", "4 ;a"),
        ("a space after the size", "4 "),
        ("a tab after the size", "4\t"),
        ("spaces around an extension's parts", "4; a = b"),
        ("a semicolon alone", "4;"),
    ] {
        let raw = post(&format!("{size}\r\nbody\r\n0\r\n\r\n"));
        rows.push(row(name, "RFC 9112 7.1.1", raw).arrives("body").refused(&[400]));
    }
    for (name, chunks) in [
        ("the head alone", ""),
        ("within the size", "4"),
        ("within a chunk", "4\r\nbo"),
        ("after a chunk", "4\r\nbody\r\n"),
        ("before the last CRLF", "4\r\nbody\r\n0\r\n"),
        ("within the last CRLF", "4\r\nbody\r\n0\r\n\r"),
        ("within a trailer", "4\r\nbody\r\n0\r\nX-A: b"),
    ] {
        rows.push(row(format!("it ends: {name}"), "RFC 9112 8", post(chunks)).ends().dropped(&[400, 408]));
    }
    let length = |sent| format!("POST /public/<row-id> HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n{sent}");
    for sent in ["", "b", "bod"] {
        rows.push(
            row(format!("it ends: {sent:?} of four bytes"), "RFC 9112 8", length(sent)).ends().dropped(&[400, 408]),
        );
    }
    rows.extend(bounds());
    rows
}

/// What costs the gateway something and is worth nothing is bounded, each and in total.
fn bounds() -> Vec<Row> {
    let long = |count: usize| "a".repeat(count);
    let hundred_kilobytes: String = (0..100).map(|_| format!("1;{}\r\nx\r\n", long(1_000))).collect();
    let many: String = (0..2_000).map(|at| format!("X-{at}: b\r\n")).collect();
    [
        ("an extension of 100 KB", format!("4;{}\r\nbody\r\n0\r\n\r\n", long(100_000))),
        ("an extension that does not end", format!("4;{}", long(200_000))),
        ("extensions of 100 KB together", format!("{hundred_kilobytes}0\r\n\r\n")),
        ("a size that does not end", "0".repeat(100_000)),
        ("a trailer beyond the largest head", format!("0\r\nX-A: {}\r\n\r\n", long(MAX_HEAD + 1_000))),
        ("trailers beyond the largest head", format!("0\r\n{}\r\n", format!("X-A: {}\r\n", long(1_000)).repeat(40))),
        ("trailers that do not end", format!("0\r\n{}", "X-A: b\r\n".repeat(20_000))),
        ("two thousand trailers", format!("0\r\n{many}\r\n")),
    ]
    .into_iter()
    .map(|(name, chunks)| {
        row(name, "RFC 9112 7.1.1, CVE-2023-39326", post(&chunks)).whole_only().refused(&[400, 413, 431])
    })
    .collect()
}

fn post(chunks: &str) -> String {
    format!("POST /public/<row-id> HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}
