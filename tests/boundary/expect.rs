//! `Expect: 100-continue` (RFC 9110, 10.1.1): the upstream's to answer, once the request was let through.

use super::driver::{Arrival, Row, TOKEN, play, row};

#[test]
fn who_expects_100_is_answered_by_the_upstream_or_refused_at_once() {
    play(&rows());
}

fn rows() -> Vec<Row> {
    let source = "RFC 9110 10.1.1";
    let post = |target: &str, version: &str, fields: &str, body: &str| {
        format!("POST {target} HTTP/{version}\r\nHost: a\r\n{fields}\r\n\r\n{body}")
    };
    let expects = "Expect: 100-continue\r\nContent-Length: 4";
    let interim = |raw: String, body: &str| {
        let arrival = Arrival::of(raw.as_bytes(), body).with("Expect: 100-continue");
        // An upstream that has the body already may leave the 100 out.
        (raw, vec![arrival])
    };
    let (length, arrived) = interim(post("/public/<row-id>", "1.1", expects, "body"), "body");
    let (chunks, arrived_chunks) = interim(
        post("/public/<row-id>", "1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked", "4\r\nbody\r\n0\r\n\r\n"),
        "body",
    );
    let token = format!("{expects}\r\nAuthorization: Bearer {TOKEN}");
    let (private, arrived_private) = interim(post("/private/<row-id>", "1.1", &token, "body"), "body");
    let arrived_private = arrived_private.into_iter().map(Arrival::known).collect();
    let mut rows = vec![
        row("with a length", source, length).answered(&[&[100], &[200]], arrived),
        row("with chunks", source, chunks).answered(&[&[100], &[200]], arrived_chunks),
        row("with a token", source, private).answered(&[&[100], &[200]], arrived_private),
        row("without a token, and no body is sent", source, post("/private/<row-id>", "1.1", expects, ""))
            .turned_away(&[401]),
        row("without a route, and no body is sent", source, post("/nowhere/<row-id>", "1.1", expects, ""))
            .turned_away(&[404]),
        row("without a token, and the body is sent", source, post("/private/<row-id>", "1.1", expects, "body"))
            .turned_away(&[401]),
        row(
            "framed in two ways",
            source,
            post("/public/<row-id>", "1.1", &format!("{expects}\r\nTransfer-Encoding: chunked"), "body"),
        )
        .refused(&[400]),
    ];
    for fields in [expects, "Expect: 100-continue\r\nConnection: keep-alive\r\nContent-Length: 4"] {
        let raw = post("/public/<row-id>", "1.0", fields, "body");
        let row = row(format!("HTTP/1.0: {fields:?}"), source, raw).arrives("body").and(|it| it.without("expect"));
        rows.push(if fields.contains("keep-alive") { row.then_either() } else { row.then_closed() });
    }
    for value in ["100-Continue", "100-CONTINUE"] {
        let raw = post("/public/<row-id>", "1.1", &format!("Expect: {value}\r\nContent-Length: 4"), "body");
        let arrival = Arrival::of(raw.as_bytes(), "body");
        rows.push(row(format!("Expect: {value}"), source, raw).answered(&[&[100], &[200]], vec![arrival]));
    }
    for value in ["", "x", "100-continue, x", "200-ok"] {
        let raw = post("/public/<row-id>", "1.1", &format!("Expect: {value}\r\nContent-Length: 4"), "body");
        rows.push(row(format!("Expect: {value:?}"), source, raw).arrives("body").turned_away(&[400, 417]));
    }
    rows
}
