//! Whatever arrives is told: one access line and one count for each request, be it no request at all.

use super::driver::{Client, Stage, access_lines};
use crate::support::{SOON, eventually};

/// What arrives, whether it ends there, and the statuses of which one is told.
const ARRIVES: &[(&str, &[u8], &[u64])] = &[
    ("a request", b"GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n", &[200]),
    ("a request without a token", b"GET /private/x HTTP/1.1\r\nHost: a\r\n\r\n", &[401]),
    ("a request without a route", b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", &[404]),
    ("a request without Host", b"GET /public/x HTTP/1.1\r\n\r\n", &[400]),
    ("a malformed request line", b"GET  /public/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("a malformed field", b"GET /public/x HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", &[400]),
    ("a continued line", b"GET /public/x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", &[400]),
    ("a bare LF", b"GET /public/x HTTP/1.1\nHost: a\n\n", &[400]),
    ("an unknown version", b"GET /public/x HTTP/3.0\r\nHost: a\r\n\r\n", &[400, 505]),
    ("two lengths", b"POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", &[400]),
    ("broken chunks", b"POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", &[400]),
    ("CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", &[405]),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03canary\r\n\r\n", &[400, 505]),
    ("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400, 405, 505]),
    ("the PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\nGET /public/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ("bytes", b"\0\x01\x02\x1b[31mcanary\xff\xfe\r\n\r\n", &[400, 505]),
];

#[test]
fn whatever_arrives_has_an_access_line_and_is_counted() {
    let stage = Stage::start_with("[log]\nformat = \"json\"\n", "");
    let counted = || stage.gateway.metrics().sum("bearward_http_requests_total", &[]) as usize;
    let mut missing = Vec::new();
    for (name, bytes, statuses) in ARRIVES {
        let (lines, count) = (access_lines(&stage.gateway).len(), counted());
        let mut client = Client::open(stage.gateway.address());
        client.send(bytes);
        let _ = client.answer("GET"); // what it is, is the business of other tests
        client.finish_sending();
        // What is told of one request is told before the next one begins, or never.
        let told = || access_lines(&stage.gateway).len() > lines && counted() > count;
        let waited = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            told()
        });
        let line = access_lines(&stage.gateway).into_iter().nth(lines);
        let status = line.as_ref().and_then(|line| line["status"].as_u64());
        if !waited || !status.is_some_and(|status| statuses.contains(&status)) {
            missing.push(format!("{name}: {status:?}, counted {}", counted() - count));
        }
    }
    let logs = stage.gateway.logs();
    assert!(!logs.bytes().any(|byte| byte < 0x20 && byte != b'\n'), "raw bytes in the log: {logs:?}");
    assert!(missing.is_empty(), "not told, or otherwise:\n- {}", missing.join("\n- "));
}

#[test]
fn a_connection_on_which_nothing_came_is_no_request() {
    let stage = Stage::start_with("[log]\nformat = \"json\"\n", "");
    for _ in 0..5 {
        let mut client = Client::open(stage.gateway.address());
        client.finish_sending();
        let _ = client.closes();
    }
    assert_eq!(stage.gateway.get("/public/x").send().status, 200);
    eventually("the one request is told", SOON, || access_lines(&stage.gateway).len() == 1);
}
