//! A client that leaves is noticed, also while it uploads to an upstream that does not read.

use super::driver::{RawServer, connect_to_reset, gateway_to, wait_for_the_end};
use crate::support::{Gateway, eventually};
use std::{io::Write as _, net::TcpStream, time::Duration};

const CLIENTS: usize = 25;
/// How soon.
const SECONDS: Duration = Duration::from_secs(10);

#[test]
fn who_resets_its_upload_is_noticed_within_seconds() {
    // As much as goes, so that the gateway cannot write, and has stopped to read.
    check(|address| {
        let mut stream = connect_to_reset(address);
        stream.write_all(head(1 << 30).as_bytes()).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        while stream.write(&[b'x'; 16 * 1024]).is_ok() {}
        stream
    });
}

#[test]
fn who_closes_within_its_upload_is_noticed_within_seconds() {
    check(|address| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head(1 << 30).as_bytes()).unwrap();
        stream.write_all(&[b'x'; 16 * 1024]).unwrap();
        stream
    });
}

#[test]
fn who_resets_while_it_waits_for_an_answer_is_noticed_within_seconds() {
    check(|address| {
        let mut stream = connect_to_reset(address);
        stream.write_all(b"GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        stream
    });
}

fn head(length: usize) -> String {
    format!("POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

/// Many begin a request at an upstream that neither reads nor answers, and leave.
fn check(begin: impl Fn(&str) -> TcpStream) {
    let upstream = RawServer::start(|stream, _| wait_for_the_end(stream));
    let gateway = gateway_to(&upstream, "[server]\ndrain = \"1s\"\n", "");
    let clients: Vec<TcpStream> = (0..CLIENTS).map(|_| begin(gateway.address())).collect();
    eventually("all are under way", SECONDS, || upstream.open() == CLIENTS && in_flight(&gateway) == CLIENTS);
    drop(clients);
    // The upstream may not see it before it reads what was sent.
    eventually("the gateway knows that they are gone", SECONDS, || in_flight(&gateway) == 0);
}

fn in_flight(gateway: &Gateway) -> usize {
    gateway.metrics().sum("bearward_http_requests_in_flight", &[]) as usize
}
