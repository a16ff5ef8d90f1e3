//! Refused requests: the answer, and what becomes of the connection.

use std::sync::Arc;

use bearward_gate::{DecisionEvent, DecisionSink};

use crate::gateway::Gateway;
use crate::upstream::Upstream;

const REFUSED: &str = "GET /private/a HTTP/1.1\r\nHost: a\r\n\r\n";
const ADMITTED: &str = "GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_refusal_is_a_problem_with_a_challenge_and_keeps_the_connection() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    for _ in 0..2 {
        let answer = client.ask(REFUSED);
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("connection"), "keep-alive");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.header("www-authenticate").starts_with("Bearer realm=\"tests\""), "{answer:?}");
        assert!(answer.text().contains(answer.header("x-request-id")), "{}", answer.text());
    }
    assert_eq!(client.ask(ADMITTED).status, 200);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn head_is_refused_without_a_body() {
    let gateway = Gateway::start(&Upstream::start());
    let mut client = gateway.client();
    client.send("HEAD /private/a HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.answer_to_head();
    assert_eq!(answer.status, 401);
    assert_ne!(answer.header("content-length"), "0");
    assert_eq!(client.ask(ADMITTED).status, 200);
}

#[test]
fn a_small_unread_body_is_dropped_and_the_connection_kept() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let hidden = "GET /open/hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    for body in [format!("Content-Length: {}\r\n\r\n{hidden}", hidden.len()), chunked] {
        let mut client = gateway.client();
        let answer = client.ask(format!("POST /private/a HTTP/1.1\r\nHost: a\r\n{body}"));
        assert_eq!((answer.status, answer.header("connection")), (401, "keep-alive"));
        assert_eq!(client.ask(REFUSED).status, 401);
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_body_that_does_not_come_or_is_too_large_closes_the_connection() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut silent = gateway.client();
    let answer = silent.ask("POST /private/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    assert_eq!((answer.status, answer.header("connection")), (401, "close"));
    assert!(silent.is_closed());

    // Sent in full before the answer is read: it must not be lost to a reset.
    let body = "x".repeat(500_000);
    let large = format!("POST /private/a HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut client = gateway.client();
    let answer = client.ask(large);
    assert_eq!((answer.status, answer.header("connection")), (401, "close"));
    assert!(client.is_closed());
    assert_eq!(upstream.count(), 0);
}

#[test]
fn who_expects_100_continue_is_refused_without_it() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    let answer = client.ask("POST /private/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!((answer.status, answer.header("connection")), (401, "close"));
    assert!(client.is_closed());
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_header_block_over_the_bound_is_431() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let request = |length: usize| format!("GET /open/a HTTP/1.1\r\nHost: a\r\nX-Large: {}\r\n\r\n", "x".repeat(length));
    assert_eq!(gateway.ask(request(32_000)).status, 200);
    let answer = gateway.ask(request(33_000));
    assert_eq!((answer.status, answer.header("connection")), (431, "close"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(gateway.ask(request(900_000)).status, 431);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn connect_and_trace_are_405() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for line in ["CONNECT a:80", "TRACE /open/a", "TRACK /open/a"] {
        let answer = gateway
            .ask(format!("{line} HTTP/1.1\r\nHost: {}\r\n\r\n", if line == "CONNECT a:80" { "a:80" } else { "a" }));
        assert_eq!((answer.status, answer.header("connection")), (405, "close"), "{line}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn grpc_callers_are_refused_in_grpc() {
    let gateway = Gateway::start(&Upstream::start());
    let request =
        "POST /private/Orders/Get HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n";
    let answer = gateway.ask(request);
    assert_eq!((answer.status, answer.header("grpc-status")), (200, "16"));
    assert_eq!(answer.text(), "");
}

#[test]
fn a_method_override_never_reaches_the_upstream() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    gateway.ask("POST /open/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-HTTP-Method-Override: DELETE\r\n\r\n");
    assert!(!upstream.last().head().contains("DELETE"));
}

#[test]
fn what_no_route_matches_is_404() {
    let gateway = Gateway::start(&Upstream::start());
    let mut client = gateway.client();
    assert_eq!(client.ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
    assert_eq!(client.ask(ADMITTED).status, 200);
}

/// A sink with a defect.
#[derive(Debug)]
struct Broken;

impl DecisionSink for Broken {
    fn decided(&self, event: &DecisionEvent<'_>) {
        assert_ne!(event.request_id, Some("broken"));
    }
}

#[test]
fn a_panic_is_the_500_of_its_request_and_nobody_elses() {
    let upstream = Upstream::start();
    let gateway = Gateway::start_all(&upstream, |_| (), |engine| engine.with_sink(Arc::new(Broken)));
    let mut other = gateway.client();
    assert_eq!(other.ask(ADMITTED).status, 200);
    let mut client = gateway.client();
    let answer = client.ask("GET /open/a HTTP/1.1\r\nHost: a\r\nX-Request-Id: broken\r\n\r\n");
    assert_eq!((answer.status, answer.header("connection")), (500, "close"));
    assert_eq!((answer.header("x-request-id"), answer.header("content-type")), ("broken", "application/problem+json"));
    assert!(client.is_closed());
    assert_eq!(other.ask(ADMITTED).status, 200, "the others go on");
    assert_eq!(gateway.ask(ADMITTED).status, 200);
    // The end of a request is counted after its answer, which the client may have read by then.
    gateway.wait_until_in_flight(0);
    assert!(gateway.metrics().contains("bearward_http_requests_total{code=\"500\",method=\"GET\",route=\"\"} 1"));
    assert_eq!(upstream.count(), 3);
}
