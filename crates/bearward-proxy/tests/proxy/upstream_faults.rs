//! Upstreams that are not there, too slow, or break off.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::upstream::Upstream;

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn an_upstream_that_is_not_there_is_502() {
    let gateway = Gateway::start(&Upstream::start());
    let answer = gateway.ask(get("/dead/a"));
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.text().contains("upstream_unreachable"), "{}", answer.text());
    assert!(answer.text().contains(answer.header("x-request-id")));
}

#[test]
fn a_client_that_is_still_sending_can_read_the_502() {
    let gateway = Gateway::start(&Upstream::start());
    let body = "x".repeat(300_000);
    let request = format!("POST /dead/a HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(gateway.ask(request).status, 502);
}

#[test]
fn a_dead_server_costs_nobody_a_request() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for _ in 0..4 {
        let request = "POST /pair/length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(gateway.ask(request).text(), "3");
    }
    assert_eq!(upstream.count(), 4);
}

#[test]
fn a_part_of_an_answer_is_no_whole_one_to_http_1_0() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let read = |path: &str| {
        let mut client = TcpStream::connect(gateway.address).unwrap();
        client.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        client.read_to_end(&mut Vec::new()).map_err(|error| error.kind())
    };
    assert!(read("/open/drip").is_ok());
    assert_eq!(read("/open/cut-chunked"), Err(ErrorKind::ConnectionReset));
}

#[test]
fn an_upstream_that_is_too_slow_is_504() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let begun = Instant::now();
    let answer = gateway.ask(get("/open/hang"));
    assert_eq!(answer.status, 504);
    assert!(answer.text().contains("upstream_timeout"), "{}", answer.text());
    assert!((900..3_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert_eq!(upstream.count(), 1);
}

#[test]
fn an_upstream_that_breaks_off_before_its_answer_is_502_and_not_asked_again() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for (asked, path) in ["/open/slam", "/open/garbage"].into_iter().enumerate() {
        assert_eq!(gateway.ask(get(path)).status, 502, "{path}");
        assert_eq!(upstream.count(), asked + 1, "{path}");
    }
}

#[test]
fn a_stale_connection_is_made_up_for_once_where_that_is_harmless() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    // On a connection that was idle, breaking off says no more than that it was too old.
    for (method, headers, attempts) in [("GET", "", 2), ("POST", "Content-Length: 0\r\n", 1), ("DELETE", "", 1)] {
        gateway.ask(get("/open/a"));
        std::thread::sleep(Duration::from_millis(100)); // until the connection is idle
        let before = upstream.count();
        let answer = gateway.ask(format!("{method} /open/slam HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
        assert_eq!((answer.status, upstream.count() - before), (502, attempts), "{method}");
    }
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for path in ["/open/cut", "/open/cut-chunked"] {
        let mut client = gateway.client();
        let answer = client.ask(get(path));
        assert_eq!((answer.status, answer.text().as_str()), (200, "ten bytes!"), "{path}");
        assert!(!answer.complete, "{path}");
        assert!(client.is_closed(), "{path}");
    }
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_connection_that_the_upstream_has_closed_is_not_used_again() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for _ in 0..5 {
        assert_eq!(gateway.ask(get("/open/closing")).status, 200);
    }
    assert_eq!(upstream.count(), 5);
}

#[test]
fn outcomes_are_counted() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for path in ["/open/slam", "/open/a", "/dead/a", "/private/a", "/nothing"] {
        gateway.ask(get(path));
    }
    let expected = [
        "bearward_http_requests_total{code=\"200\",method=\"GET\",route=\"open\"} 1",
        "bearward_http_requests_total{code=\"502\",method=\"GET\",route=\"dead\"} 1",
        "bearward_http_requests_total{code=\"502\",method=\"GET\",route=\"open\"} 1",
        "bearward_http_requests_total{code=\"401\",method=\"GET\",route=\"private\"} 1",
        "bearward_http_requests_total{code=\"404\",method=\"GET\",route=\"\"} 1",
        "bearward_upstream_requests_total{result=\"answered\",upstream=\"open\"} 1",
        "bearward_upstream_requests_total{result=\"failed\",upstream=\"open\"} 1",
        "bearward_upstream_requests_total{result=\"unreachable\",upstream=\"dead\"} 1",
        "bearward_http_requests_in_flight 0",
    ];
    // The end of a request is counted after its answer, which the client may have read by then.
    let deadline = Instant::now() + Duration::from_secs(5);
    while let Some(missing) = expected.iter().find(|line| !gateway.metrics().contains(**line)) {
        assert!(Instant::now() < deadline, "{missing} in\n{}", gateway.metrics());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_early_answer_with_keep_alive_takes_the_whole_request() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("POST /open/early HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, "keep-alive"));
    std::thread::sleep(Duration::from_millis(100));
    client.send("def");
    assert_eq!(client.ask(get("/open/a")).status, 200, "the connection goes on, as it was said");
    assert!(upstream.all().iter().any(|request| request.body() == b"abcdef"));
}

#[test]
fn who_was_never_told_to_send_its_body_is_told_to_close() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("POST /open/early HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert!(client.is_closed());
}
