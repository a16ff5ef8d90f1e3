//! HTTP/1.0 clients that ask to keep the connection (`ab -k`), before an upstream that answers in chunks.

use super::driver::{Client, Framing, RawServer, gateway_to};
use std::io::{Read as _, Write as _};

#[test]
fn http_1_0_clients_never_wait_for_an_end_that_does_not_come() {
    let upstream = RawServer::start(|mut stream, _| {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
        // The next requests come on the same connection; none has a body.
        while stream.write_all(answer).is_ok() && stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
    });
    let gateway = gateway_to(&upstream, "", "");
    let mut client = None;
    for at in 0..500 {
        let mut kept = client.take().unwrap_or_else(|| Client::open(gateway.address()));
        kept.send(b"GET /public/x HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\nAccept: */*\r\n\r\n");
        let answer = kept.answer("GET").unwrap_or_else(|problem| panic!("request {at}: {problem}"));
        let answer = answer.unwrap_or_else(|| panic!("request {at}: closed without an answer"));
        assert_eq!((answer.status, &answer.body[..]), (200, &b"hello world"[..]), "request {at}");
        let keeps = answer.values("connection").iter().any(|value| value.eq_ignore_ascii_case("keep-alive"));
        match answer.framing {
            Framing::Close => assert!(!keeps, "request {at}: kept, and the body ends with the connection"),
            Framing::Length => client = keeps.then_some(kept),
            other => panic!("request {at}: {other:?}"),
        }
    }
}
