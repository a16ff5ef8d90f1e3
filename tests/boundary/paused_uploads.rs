//! A client that pauses is no fault of the upstream, which waits for the rest of the request.

use super::driver::{Client, Stage};
use std::{thread, time::Duration};

#[test]
fn a_client_that_pauses_its_upload_is_never_counted_against_the_upstream() {
    let stage = Stage::start_with("", "read_timeout = \"500ms\"\nwrite_timeout = \"500ms\"");
    for (head, first, rest) in [
        ("Content-Length: 10", "abc", "defghij"),
        ("Content-Length: 10", "", "abcdefghij"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n", "7\r\ndefghij\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n", "\r\n"),
    ] {
        let mut client = Client::open(stage.gateway.address());
        client.send(format!("POST /public/x HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{first}").as_bytes());
        thread::sleep(Duration::from_millis(1_500));
        client.send(rest.as_bytes());
        let answer = client.answer("POST").unwrap().expect("an answer");
        // To wait is right, and so is 408 (RFC 9110, 15.5.9).
        assert!(matches!(answer.status, 200 | 408), "{head:?}, {first:?}: {}", answer.status);
    }
    let metrics = stage.gateway.metrics();
    assert_eq!(metrics.sum("bearward_upstream_requests_total", &[("result", "timeout")]), 0.0);
    assert_eq!(metrics.sum("bearward_http_requests_total", &[("code", "504")]), 0.0);
}
