//! How long a client may take, and how much of the house one client may have.

use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::upstream::Upstream;

const SHORT: Duration = Duration::from_millis(300);
const GET: &str = "GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n";

/// Runs it, and holds that it took about `SHORT`.
fn in_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = run();
    let took = begun.elapsed();
    assert!((SHORT..SHORT * 10).contains(&took), "{what} took {took:?}");
    result
}

#[test]
fn a_head_that_drips_is_408_and_who_says_nothing_is_closed_without_a_word() {
    let upstream = Upstream::start();
    let gateway = Gateway::start_with(&upstream, |settings| {
        settings.header_timeout = SHORT;
        settings.idle_timeout = SHORT;
    });
    let mut dripping = gateway.client();
    let answer = in_time("the dripping head", || {
        for part in ["GET /open/a HTTP/1.1\r\n", "Host", ": ", "a"] {
            dripping.send(part);
            std::thread::sleep(SHORT / 5);
        }
        dripping.answer()
    });
    assert_eq!((answer.status, answer.header("connection")), (408, "close"));
    assert!(answer.text().contains("request_timeout"), "{}", answer.text());

    let mut silent = gateway.client();
    assert!(in_time("the silent connection", || silent.is_closed()));
    let mut idle = gateway.client();
    assert_eq!(idle.ask(GET).status, 200);
    assert!(in_time("the idle connection", || idle.is_closed()));
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_body_that_stands_still_is_408_and_no_fault_of_the_upstreams() {
    let upstream = Upstream::start();
    let gateway = Gateway::start_with(&upstream, |settings| {
        settings.body_timeout = SHORT;
        settings.upstreams[0].read_timeout = Duration::from_millis(100);
    });
    let mut client = gateway.client();
    client.send("POST /open/length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    let answer = in_time("the body", || {
        client.send("abc");
        client.answer()
    });
    assert_eq!((answer.status, answer.header("connection")), (408, "close"));
    assert!(gateway.metrics().contains("bearward_upstream_requests_total{result=\"client_gone\",upstream=\"open\"} 1"));
    // One that goes on, however slowly, is waited for.
    let mut slow = gateway.client();
    slow.send("POST /open/length HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    for byte in ["a", "b", "c", "d", "e", "f"] {
        std::thread::sleep(SHORT / 3);
        slow.send(byte);
    }
    assert_eq!(slow.answer().text(), "6");
}

#[test]
fn a_whole_request_can_be_bounded() {
    let upstream = Upstream::start();
    let gateway = Gateway::start_with(&upstream, |settings| settings.request_timeout = Some(SHORT));
    let answer = in_time("the request", || gateway.ask("GET /open/hang HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(answer.status, 504);
    assert_eq!(gateway.ask(GET).status, 200);
}

#[test]
fn an_address_has_its_share_of_connections() {
    let gateway = Gateway::start_with(&Upstream::start(), |settings| settings.max_connections_per_address = Some(2));
    let mut held = [gateway.client(), gateway.client()];
    for client in &mut held {
        assert_eq!(client.ask(GET).status, 200);
    }
    let refused = gateway.client().answer();
    assert_eq!((refused.status, refused.header("retry-after"), refused.header("connection")), (503, "1", "close"));
    assert!(gateway.metrics().contains("bearward_http_connections_refused_total 1"));
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(5);
    while gateway.ask(GET).status != 200 {
        assert!(Instant::now() < deadline, "the share is not given back");
    }
}

#[test]
fn connections_at_rest_make_room() {
    let gateway = Gateway::start_with(&Upstream::start(), |settings| settings.max_connections = 3);
    let mut held: Vec<_> = (0..3).map(|_| gateway.client()).collect();
    for client in &mut held {
        assert_eq!(client.ask(GET).status, 200);
    }
    let begun = Instant::now();
    assert_eq!(gateway.ask(GET).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let closed = held.iter_mut().filter_map(|client| client.try_ask(GET)).count();
    assert_eq!(closed, 2, "one of them made room, and no more");
}
