//! Where a request's body ends: told once and in one way (RFC 9112, 6 and 11.2; RFC 9110, 8.6).

use super::driver::{Row, play, row};

#[test]
fn a_request_tells_the_end_of_its_body_in_one_way_or_is_refused() {
    play(&rows());
}

/// What an attacker would like to have served as a request of its own.
const HIDDEN: &str = "0\r\n\r\nGET /public/<row-id>/hidden HTTP/1.1\r\nHost: a\r\n\r\n";

const LENGTHS: &[&str] = &[
    "",
    " ",
    "+5",
    "-5",
    "-0",
    "5,5",
    "5, 5",
    "5, 6",
    "5,",
    ",5",
    "5 5",
    "5\t5",
    "0x5",
    "0b1",
    "5.0",
    "5e0",
    "1_0",
    "\"5\"",
    "5;",
    "5;a",
    "#5",
    "a",
    "f",
    "five",
    "\u{665}",
    "5\u{a0}",
    "NaN",
    "chunked",
    "18446744073709551616",
    "18446744073709551621",
    "340282366920938463463374607431768211461",
    "99999999999999999999999999999999999999999999",
];

const CODINGS: &[&str] = &[
    "",
    " ",
    "identity",
    "gzip",
    "deflate",
    "compress",
    "xchunked",
    "chunkedx",
    "chunke",
    "x-chunked",
    "chun ked",
    "chunked, chunked",
    "chunked,chunked",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, identity",
    "identity, chunked",
    "chunked,",
    ",chunked",
    ", chunked",
    "chunked, ,",
    "chunked;q=1",
    "chunked;",
    "chunked; a=b",
    "\"chunked\"",
    "'chunked'",
    "chunked chunked",
    "chunked\tgzip",
    "trailers",
    "trailers, chunked",
    "\u{b}chunked",
    "chunked\u{b}",
    "\u{c}chunked",
    "chun\u{212a}ed",
    "\u{a0}chunked",
    "chunked\u{a0}",
    "chunked\0",
    "5",
    "0",
    "\u{ff43}hunked",
    "chunked: chunked",
];

/// Fields that tell of a body in more than one way.
const MIXES: &[&str] = &[
    "Content-Length: 4|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|Content-Length: 4",
    "Transfer-Encoding: chunked|Content-Length: 0",
    "Content-Length: 0|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|content-length:4",
    "Transfer-Encoding: chunked|X-A: b|CONTENT-LENGTH: 4",
    "Transfer-Encoding: chunked|Content-Length:",
    "Transfer-Encoding: chunked|Content-Length: x",
    "Transfer-Encoding: identity|Content-Length: 4",
    "Content-Length: 4|Transfer-Encoding: identity",
    "Content-Length: 4|Transfer-Encoding: xchunked",
    "Content-Length: 4|Transfer-Encoding:",
    "Content-Length: 4|Content-Length: 4",
    "Content-Length: 4|Content-Length: 5",
    "Content-Length: 5|Content-Length: 4",
    "Content-Length: 4|content-length: 4",
    "Content-Length: 4|X-A: b|Content-Length: 4",
    "Content-Length: 4|Content-Length:",
    "Content-Length:|Content-Length: 4",
    "Content-Length: 0|Content-Length: 4",
    "Content-Length: 4|Content-Length: 4|Content-Length: 4",
    "Content-Length: 4, 4|Content-Length: 4",
    "Content-Length: 4|Content-Length: 4|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|Transfer-Encoding: identity",
    "Transfer-Encoding: identity|Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip|Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked|transfer-encoding: x",
    "Transfer-Encoding: chunked|Transfer-Encoding:",
    "Transfer-Encoding:|Transfer-Encoding: chunked",
    // Spellings that some server reads as the field.
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding:| chunked",
    "Transfer-Encoding: x| chunked",
    "X-A: b\nTransfer-Encoding: chunked",
    "X-A: b\rTransfer-Encoding: chunked",
    "X-A: b\rContent-Length: 4",
    "Transfer-Encoding: chunked\rX-A: b",
    "Transfer Encoding: chunked",
    "Content-Length : 4",
    "Content-Length\u{b}: 4",
    "\u{b}Content-Length: 4",
    "Content-Length:| 4",
    "Content-Length: 4| 5",
    "Content Length: 4",
    "\0Transfer-Encoding: chunked",
    "Transfer-Encoding\0: chunked",
    "Transfer-\u{ad}Encoding: chunked",
];

fn rows() -> Vec<Row> {
    let mut rows = good();
    for length in LENGTHS {
        rows.push(refused(&format!("Content-Length: {length}")));
    }
    for coding in CODINGS {
        rows.push(refused(&format!("Transfer-Encoding: {coding}")));
        rows.push(refused(&format!("Content-Length: 4|Transfer-Encoding: {coding}")));
    }
    for fields in MIXES {
        rows.push(refused(fields));
    }
    // HTTP/1.0 has no transfer codings (RFC 9112, 6.1).
    for fields in [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nConnection: keep-alive",
        "Transfer-Encoding: identity",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
    ] {
        let raw = format!("POST /public/<row-id> HTTP/1.0\r\nHost: a\r\n{fields}\r\n\r\n{HIDDEN}");
        rows.push(row(format!("HTTP/1.0 with {fields:?}"), "RFC 9112 6.1", raw).refused(&[400]));
    }
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        let raw = format!(
            "{method} /public/<row-id> HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{HIDDEN}"
        );
        rows.push(row(format!("{method} with both"), "RFC 9112 6.1", raw).refused(&[400]));
    }
    // To take these for fields of the connection would leave a body that nobody announced.
    for (name, framing, body) in [
        ("content-length", "Content-Length: 4", "body"),
        ("transfer-encoding", "Transfer-Encoding: chunked", "4\r\nbody\r\n0\r\n\r\n"),
    ] {
        let raw = post(&format!("{framing}\r\nConnection: {name}"), body);
        rows.push(row(format!("Connection names {name}"), "RFC 9110 7.6.1", raw).refused(&[400]).arrives("body"));
    }
    rows
}

fn good() -> Vec<Row> {
    let mut rows = Vec::new();
    for field in ["Content-Length: 4", "content-length:4", "CONTENT-LENGTH: \t4 \t"] {
        rows.push(
            row(field, "RFC 9112 6.2", post(field, "body")).arrives("body").and(|it| it.with("Content-Length: 4")),
        );
    }
    for field in ["Transfer-Encoding: chunked", "transfer-encoding:Chunked", "TRANSFER-ENCODING: \tCHUNKED \t"] {
        let raw = post(field, "4\r\nbody\r\n0\r\n\r\n");
        rows.push(row(field, "RFC 9112 6.1", raw).arrives("body").and(|it| it.without("content-length")));
    }
    // Digits all of them, so refusing is stricter than the rule and not wrong.
    for length in ["04", "0000000000000000000000000000000004"] {
        let raw = post(&format!("Content-Length: {length}"), "body");
        rows.push(row(format!("length {length}"), "RFC 9110 8.6", raw).arrives("body").refused(&[400]));
    }
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PUT", "BREW"] {
        let head = format!("{method} /public/<row-id> HTTP/1.1\r\nHost: a\r\n");
        let length = format!("{head}Content-Length: 4\r\n\r\nbody");
        rows.push(row(format!("{method} with a length"), "RFC 9112 6.3", length).arrives("body"));
        let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
        rows.push(row(format!("{method} with chunks"), "RFC 9112 6.3", chunks).arrives("body"));
        let empty = format!("{head}Content-Length: 0\r\n\r\n");
        rows.push(row(format!("{method} with length zero"), "RFC 9112 6.3", empty).arrives(""));
    }
    rows.push(row("POST without a length", "RFC 9112 6.3", post("X-A: b", "")).arrives(""));
    let body = "0\r\n\r\nGET /private/x HTTP/1.1\r\nHost: a\r\n\r\n\0\u{ff}";
    let raw = post(&format!("Content-Length: {}", body.len()), body);
    rows.push(row("a body that looks like chunks and a request", "RFC 9112 6.2", raw).arrives(body));
    // Aliases, which a server behind CGI names reads as the field.
    for alias in ["Content_Length: 9", "Content.Length: 0", "Transfer_Encoding: chunked", "Transfer.Encoding: chunked"]
    {
        let name = alias.split(':').next().unwrap();
        let raw = post(&format!("Content-Length: 4\r\n{alias}"), "body");
        rows.push(row(alias, "CVE-2025-64484", raw).arrives("body").and(|it| it.without(name)).refused(&[400]));
    }
    rows
}

/// A POST request with these fields, each line after a `|`, and something hidden behind it.
fn refused(fields: &str) -> Row {
    let raw = post(&fields.replace('|', "\r\n"), HIDDEN);
    row(format!("{fields:?}"), "RFC 9112 6.1, 6.3", raw).refused(&[400])
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /public/<row-id> HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")
}
