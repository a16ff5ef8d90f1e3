//! Several requests in one segment (RFC 9112, 9.3.2): answered in order, each judged for itself; and what is no request is
//! never taken for one.

use super::driver::{Arrival, Row, play, row};

#[test]
fn pipelined_requests_are_answered_in_order_and_each_is_judged() {
    play(&rows());
}

const GET: &str = "GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n";
const GET_2: &str = "GET /public/<row-id>/2 HTTP/1.1\r\nHost: a\r\n\r\n";
const GET_3: &str = "GET /public/<row-id>/3 HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD: &str = "HEAD /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n";
const PRIVATE: &str = "GET /private/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n";
const NOWHERE: &str = "GET /nowhere/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /public/<row-id> HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
const CHUNKS: &str =
    "POST /public/<row-id> HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
const TRAILERS: &str = "POST /public/<row-id> HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
    4;a=b\r\nbody\r\n0\r\nX-A: b\r\n\r\n";
const CLOSE: &str = "GET /public/<row-id> HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const CLOSE_POST: &str =
    "POST /public/<row-id> HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody";
const OLD: &str = "GET /public/<row-id> HTTP/1.0\r\nHost: a\r\n\r\n";

fn rows() -> Vec<Row> {
    let (first, second, third) = (arrival(GET, ""), arrival(GET_2, ""), arrival(GET_3, ""));
    let body = || arrival(POST, "body");
    let ok: &[u16] = &[200];
    let all = |parts: &[&str]| parts.concat();
    let source = "RFC 9112 9.3.2";
    let mut rows = vec![
        row("two", source, all(&[GET, GET_2])).answered(&[ok, ok], vec![first.clone(), second.clone()]),
        row("three", source, all(&[GET, GET_2, GET_3]))
            .answered(&[ok, ok, ok], vec![first.clone(), second.clone(), third]),
        row("HEAD and GET", source, all(&[HEAD, GET_2])).answered(&[ok, ok], vec![arrival(HEAD, ""), second.clone()]),
        row("POST and GET", source, all(&[POST, GET_2])).answered(&[ok, ok], vec![body(), second.clone()]),
        row("POST, GET and POST", source, all(&[POST, GET_2, POST]))
            .answered(&[ok, ok, ok], vec![body(), second.clone(), body()]),
        row("chunks and GET", source, all(&[CHUNKS, GET_2])).answered(&[ok, ok], vec![body(), second.clone()]),
        row("chunks with trailers and GET", source, all(&[TRAILERS, GET_2]))
            .answered(&[ok, ok], vec![body(), second.clone()]),
        row("chunks, chunks and GET", source, all(&[CHUNKS, CHUNKS, GET_2]))
            .answered(&[ok, ok, ok], vec![body(), body(), second.clone()]),
        row("an empty line between two", "RFC 9112 2.2", all(&[POST, "\r\n", GET_2]))
            .answered(&[ok, ok], vec![body(), second.clone()]),
        row("a protected one between two", source, all(&[GET, PRIVATE, GET_2]))
            .answered(&[ok, &[401], ok], vec![first.clone(), second.clone()]),
        row("a protected one first", source, all(&[PRIVATE, GET_2])).answered(&[&[401], ok], vec![second.clone()]),
        row("one without a route between two", source, all(&[GET, NOWHERE, GET_2]))
            .answered(&[ok, &[404], ok], vec![first.clone(), second.clone()]),
        row("a malformed one second", source, all(&[GET, "GET  /public/x HTTP/1.1\r\n\r\n", GET_2]))
            .answered(&[ok, &[400]], vec![first.clone()])
            .then_closed(),
        row("one framed in two ways second", "RFC 9112 6.1", all(&[GET, &two_ways(), GET_2]))
            .answered(&[ok, &[400]], vec![first.clone()])
            .then_closed(),
        row("broken chunks second", "RFC 9112 7.1", all(&[GET, &CHUNKS.replace("4\r\n", "x\r\n"), GET_2]))
            .answered(&[ok, &[400]], vec![first])
            .then_closed(),
        row("a malformed one first", source, all(&["GET  /public/x HTTP/1.1\r\n\r\n", GET_2])).refused(&[400]),
        row("one framed in two ways first", "RFC 9112 6.1", all(&[&two_ways(), GET_2])).refused(&[400]),
        row(
            "an expectation and GET",
            source,
            all(&[&POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"), GET_2]),
        )
        .answered(&[&[100], ok, ok], vec![body(), second.clone()]),
    ];
    // Nothing after close is read (RFC 9112, 9.6).
    for (name, request, arrived) in
        [("close", CLOSE, ""), ("close of a POST", CLOSE_POST, "body"), ("HTTP/1.0", OLD, "")]
    {
        rows.push(
            row(format!("behind {name}"), "RFC 9112 9.6", all(&[request, GET_2, PRIVATE]))
                .answered(&[ok], vec![arrival(request, arrived)])
                .then_closed(),
        );
        rows.push(
            row(format!("second, behind {name}"), "RFC 9112 9.6", all(&[GET_2, request, GET_3]))
                .answered(&[ok, ok], vec![second.clone(), arrival(request, arrived)])
                .then_closed(),
        );
    }
    rows.extend(bodies_of_refused_requests());
    rows
}

/// RFC 9112, 9.3: the body of a request that was answered early is read to its end, or the connection is closed; it is
/// never parsed as a request (CVE-2025-4366).
fn bodies_of_refused_requests() -> Vec<Row> {
    let length =
        |target: &str| format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{GET_2}", GET_2.len());
    let chunks = |target: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{GET_2}\r\n0\r\n\r\n",
            GET_2.len()
        )
    };
    let mut rows = Vec::new();
    for (target, status) in [("/private/<row-id>", 401), ("/nowhere/<row-id>", 404), ("/public//<row-id>", 400)] {
        for (kind, raw) in [("length", length(target)), ("chunks", chunks(target))] {
            let name = format!("the body of a refused POST {target}, {kind}");
            rows.push(row(&name, "RFC 9112 9.3, CVE-2025-4366", &raw).turned_away(&[status]));
            let more = format!("{raw}{GET_3}");
            rows.push(
                row(format!("{name}, and one more"), "RFC 9112 9.3", more)
                    .answered(&[&[status], &[200]], vec![arrival(GET_3, "")])
                    .turned_away(&[status]),
            );
        }
        let broken = format!("POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n{GET_2}");
        rows.push(
            row(format!("the broken chunks of a refused POST {target}"), "RFC 9112 9.3", broken)
                .turned_away(&[status])
                .then_ended(),
        );
    }
    for method in ["TRACE", "CONNECT", "get"] {
        let raw =
            format!("{method} /public/<row-id> HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{GET_2}", GET_2.len());
        rows.push(row(format!("the body of a refused {method}"), "RFC 9112 9.3", raw).turned_away(&[400, 405]));
    }
    rows
}

fn arrival(raw: &str, body: &str) -> Arrival {
    Arrival::of(raw.as_bytes(), body)
}

fn two_ways() -> String {
    CHUNKS.replace("Host: a\r\n", "Host: a\r\nContent-Length: 4\r\n")
}
