//! Fields of answers: those of the upstream's connection stay behind (RFC 9110, 7.6.1), all others pass as they are.

use super::driver::{AnswerRow, answer, play_answers};

#[test]
fn fields_of_the_upstreams_connection_do_not_reach_the_client() {
    play_answers(&rows());
}

/// Fields that are gone, and the names under which they would be seen.
const GONE: &[(&str, &[&str])] = &[
    ("Connection: X-Internal\r\nX-Internal: 1", &["X-Internal"]),
    ("X-Internal: 1\r\nConnection: keep-alive, x-internal", &["X-Internal"]),
    ("Connection: X-Internal ,\tX-Other\r\nX-Internal: 1\r\nX-Other: 2", &["X-Internal", "X-Other"]),
    ("Connection: X-Internal\r\nConnection: X-Other\r\nx-internal: 1\r\nx-other: 2", &["X-Internal", "X-Other"]),
    ("Connection: ,,X-Internal\r\nX-Internal: 1\r\nX-INTERNAL: 2", &["X-Internal"]),
    ("Keep-Alive: timeout=5", &["Keep-Alive"]),
    ("Proxy-Connection: keep-alive", &["Proxy-Connection"]),
    ("TE: trailers", &["TE"]),
    ("Trailer: X-A", &["Trailer"]),
    ("Upgrade: h2,h2c", &["Upgrade"]),
    ("Connection: Upgrade\r\nUpgrade: h2c", &["Upgrade"]),
    ("Connection: close\r\nKeep-Alive: timeout=5", &["Keep-Alive"]),
];

/// Fields that pass as they are, all of them.
const KEPT: &[&[&str]] = &[
    &["Content-Type: text/plain; charset=utf-8"],
    &["Set-Cookie: a=1; Path=/", "Set-Cookie: b=2, c", "Set-Cookie: a=3"],
    &["WWW-Authenticate: Basic realm=\"x\"", "WWW-Authenticate: Digest realm=\"y\""],
    &["Server: other/1.0", "Date: Sun, 06 Nov 1994 08:49:37 GMT"],
    &["Vary: Accept", "Vary: Cookie", "Cache-Control: no-store"],
    &["ETag: \"v1\"", "Content-Encoding: gzip", "Accept-Ranges: bytes"],
    &["Location: http://b/x?y=z#w"],
    &["Content-Range: bytes 0-1/2", "Link: </a>; rel=preload, </b>"],
    &["X_A: b", "x.a: c", "X!#$%&'*+-.^_`|~: d"],
    &["Upgrade-Insecure-Requests: 1", "Connection-Id: 7"],
];

fn rows() -> Vec<AnswerRow> {
    let mut rows = Vec::new();
    for (fields, gone) in GONE {
        for to_1_0 in [false, true] {
            let row = answer(format!("{fields:?}, HTTP/1.0: {to_1_0}"), "RFC 9110 7.6.1", ok(fields)).passes(200, "ok");
            let row = gone.iter().fold(row.with("X-Stays: yes"), |row, name| row.without(name));
            rows.push(if to_1_0 { row.asked_by_1_0() } else { row });
        }
    }
    for fields in KEPT {
        let row = answer(format!("{fields:?}"), "RFC 9110 7.6", ok(&fields.join("\r\n"))).passes(200, "ok");
        rows.push(fields.iter().fold(row, |row, field| row.with(field)));
    }
    // To take these for fields of the connection would leave a body that nobody announced.
    let length = "HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nok";
    rows.push(answer("Connection names content-length", "RFC 9110 7.6.1", length).passes(200, "ok").bad_gateway());
    let chunks =
        "HTTP/1.1 200 OK\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    rows.push(answer("Connection names transfer-encoding", "RFC 9110 7.6.1", chunks).passes(200, "ok").bad_gateway());
    let ours = "X-Request-Id: theirs\r\nConnection: x-request-id";
    rows.push(answer("Connection names ours", "RFC 9110 7.6.1", ok(ours)).passes(200, "ok").with("X-Stays: yes"));
    let close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    rows.push(answer("the upstream closes its own connection", "RFC 9112 9.6", close).closes().passes(200, "ok"));
    rows.push(answer("the upstream says close and stays", "RFC 9112 9.6", close).spoils().passes(200, "ok"));
    rows
}

fn ok(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}\r\nX-Stays: yes\r\nContent-Length: 2\r\n\r\nok")
}
