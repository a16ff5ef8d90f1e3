//! Requests that two servers could take for different ones (RFC 9112, 11.2): 400 and no upstream request, or one, never
//! two.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::upstream::Upstream;

/// What an attacker would like to have served as a request of its own.
const HIDDEN: &str = "GET /open/hidden HTTP/1.1\r\nHost: a\r\n\r\n";

/// Sends the request and all that hides behind it; gives the statuses that come back.
fn statuses(gateway: &Gateway, request: &str) -> Vec<u16> {
    let mut client = gateway.client();
    client.send(request);
    client.lose_patience();
    let mut statuses = Vec::new();
    while let Some(answer) = client.try_answer(false) {
        statuses.push(answer.status);
    }
    statuses
}

#[test]
fn ambiguous_framing_is_400_and_close_and_nothing_is_forwarded() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let hidden = format!("0\r\n\r\n{HIDDEN}");
    let length = hidden.len();
    for headers in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding: chunked\r\nconTENT-length:{length}\r\n"),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".into(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".into(),
        "Transfer-Encoding: chunked, identity\r\n".into(),
        "Transfer-Encoding: gzip, chunked\r\n".into(),
        "Transfer-Encoding: xchunked\r\n".into(),
        "Transfer-Encoding: ,chunked\r\n".into(),
        "Transfer-Encoding: \x0bchunked\r\n".into(),
        "Transfer-Encoding : chunked\r\n".into(),
        "Transfer-Encoding:\r\n chunked\r\n".into(),
        "X: y\nTransfer-Encoding: chunked\r\n".into(),
        "X: y\rTransfer-Encoding: chunked\r\n".into(),
        format!("Content-Length: 5\r\nContent-Length: {length}\r\n"),
        "Content-Length: 5\r\nContent-Length: 5\r\n".into(),
        "Content-Length: 5, 5\r\n".into(),
        "Content-Length: +5\r\n".into(),
        "Content-Length: 0x5\r\n".into(),
        "Content-Length: 1_0\r\n".into(),
        "Content-Length: \r\n".into(),
        "Content-Length: -1\r\n".into(),
        "Content-Length: 18446744073709551616\r\n".into(),
        "Content-Length : 5\r\n".into(),
    ] {
        let request = format!("POST /open/a HTTP/1.1\r\nHost: a\r\n{headers}\r\n{hidden}");
        assert_eq!(statuses(&gateway, &request), [400], "{headers:?}");
    }
    for line in [
        "POST /open/a HTTP/1.0\r\nTransfer-Encoding: chunked",
        "GET /open/a HTTP/2.0\r\nHost: a",
        "GET /open/a\r\nHost: a",
    ] {
        assert_eq!(statuses(&gateway, &format!("{line}\r\n\r\n{hidden}")), [400], "{line:?}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn nothing_comes_out_of_broken_chunks() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for body in [
        "0x1\r\na\r\n0\r\n\r\n",
        "-1\r\na\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "1\na\n0\n\n",
        "g\r\na\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
    ] {
        let request = format!("POST /open/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}{HIDDEN}");
        let statuses = statuses(&gateway, &request);
        assert!(statuses == [400] || statuses.is_empty(), "{body:?}: {statuses:?}");
    }
    // None of them may have left a connection on which the next request would be taken for a body, or the reverse.
    assert_eq!(upstream.count(), 0);
    assert_eq!(gateway.ask("GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn what_follows_a_chunked_body_is_the_next_request_where_its_end_is_certain() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let behind = |body: &str| {
        let request = format!("POST /open/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}{HIDDEN}");
        statuses(&gateway, &request)
    };
    // A proxy before us may not take the LF in the extension for the end of the line, and the rest for the body.
    let broken = behind("1;x\ny\r\na\r\n0\r\n\r\n");
    assert!(broken == [400] || broken.is_empty(), "{broken:?}");
    assert_eq!(upstream.count(), 0);
    assert_eq!(behind("1\r\na\r\n0\r\n\r\n"), [200, 200]);
    let targets: Vec<_> = upstream.all().iter().map(|request| request.target()).collect();
    assert_eq!(targets, ["/open/a", "/open/hidden"]);
}

#[test]
fn a_host_that_names_no_single_place_is_400() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for request in [
        "GET /open/a HTTP/1.1\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: user:secret@a\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: a/../b\r\n\r\n",
        "GET http://a/open/a HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://user@a/open/a HTTP/1.1\r\nHost: user@a\r\n\r\n",
        "GET http:/open/a HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_eq!(statuses(&gateway, request), [400], "{request:?}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn header_lines_that_can_be_read_in_two_ways_are_400() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for line in [
        "X-Auth-Subject : evil",
        " X-Auth-Subject: evil",
        "X-A: b\r\n X-Auth-Subject: evil",
        "X-A: b\nX-Auth-Subject: evil",
        "X-A: b\rX-Auth-Subject: evil",
        "X-A: b\0c",
        "X-\0A: b",
        ": b",
    ] {
        let request = format!("GET /open/a HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        assert_eq!(statuses(&gateway, &request), [400], "{line:?}");
    }
    assert_eq!(statuses(&gateway, "GET /open/a HTTP/1.1\nHost: a\n\n"), [400]);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn paths_that_can_be_read_in_two_ways_are_400() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for path in [
        "/open/../private/a",
        "/open/%2e%2e/private/a",
        "/open/./a",
        "//open/a",
        "/open//a",
        "/open/a%2fb",
        "/open/a%5cb",
        "/open/a\\b",
        "/open/%252e",
        "/open/..;/private",
        "/open/a;b",
        "/open/a%00",
        "/open/a#b",
        "/open/a#",
        "/open/%zz",
        "/open/%",
        "/open/a b",
        "/open/a\tb",
        "*",
        "open/a",
        "?/open/a",
    ] {
        let answer = gateway.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status, 400, "{path:?}");
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn bytes_behind_a_refused_upgrade_are_a_request_of_their_own() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let upgrade = "GET /open/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let hidden = "GET /private/hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let statuses = statuses(&gateway, &format!("{upgrade}{hidden}"));
    assert!(statuses == [200, 401] || statuses == [200], "{statuses:?}");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_second_answer_of_an_upstream_answers_nobody() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("GET /open/two-answers HTTP/1.1\r\nHost: a\r\n\r\nGET /open/a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().body, b"ok");
    let next = client.answer();
    assert_eq!((next.header("x-from"), &next.body[..]), ("upstream", &b"ok"[..]));
}

#[test]
fn behind_broken_chunks_of_a_refused_request_no_end_is_looked_for() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("POST /private/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz");
    // In a segment of its own: read alone, it would be the end of a body.
    std::thread::sleep(Duration::from_millis(50));
    client.send(format!("0\r\n\r\n{HIDDEN}"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("connection")), (401, "close"));
    assert!(client.try_answer(false).is_none());
    assert_eq!(upstream.count(), 0);
}
