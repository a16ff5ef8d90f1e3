//! An upstream may answer before it has read the request (RFC 9112, 9.5), and its answer is worth more than the rest of the
//! body: it reaches the client at once, readable, while the client still sends.

use super::driver::{Answer, Client, RawServer, access_lines, gateway_to};
use crate::support::{Gateway, SOON, eventually};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

const MEGABYTE: usize = 1 << 20;
/// How long the upstream keeps its connection after its answer, reading nothing.
const HOLD: Duration = Duration::from_secs(3);
const SOON_ENOUGH: Duration = Duration::from_millis(1_500);

/// Answers after the head and after this pause, reads no further, holds the connection, and closes it.
fn early(answer: &'static str, after: Duration) -> RawServer {
    RawServer::start(move |mut stream, _| {
        thread::sleep(after);
        let _ = stream.write_all(answer.as_bytes()); // the gateway may be gone
        thread::sleep(HOLD);
    })
}

#[test]
fn a_401_reaches_the_client_while_it_sends_a_megabyte() {
    let upstream = early("HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", Duration::ZERO);
    let gateway = gateway_to(&upstream, "", "");
    for at in 0..10 {
        expect_early(&gateway, MEGABYTE, 401, &format!("request {at}"));
    }
}

#[test]
fn a_413_reaches_the_client_while_it_sends_20_megabytes() {
    let upstream =
        early("HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", Duration::from_millis(5));
    let gateway = gateway_to(&upstream, "", "");
    for at in 0..5 {
        expect_early(&gateway, 20 * MEGABYTE, 413, &format!("request {at}"));
    }
}

/// The usual way of servers: answer, and close with the body unread. The reset that follows must not wipe the answer.
#[test]
fn an_answer_before_a_reset_is_passed_on() {
    let upstream = RawServer::start(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
        thread::sleep(Duration::from_millis(200));
        let _ = stream.shutdown(Shutdown::Write);
        // Dropped with bytes unread, it is reset.
    });
    let gateway = gateway_to(&upstream, "", "");
    for at in 0..5 {
        expect_early(&gateway, 4 * MEGABYTE, 413, &format!("request {at}"));
    }
}

/// A refusal of the gateway's own is as readable (RFC 9112, 9.6): what still comes is read for a while, and thrown away.
#[test]
fn our_own_refusal_reaches_who_still_sends() {
    let upstream = RawServer::start(|_, _| {});
    let gateway = gateway_to(&upstream, "", "");
    for (target, status) in [("/private/x", 401), ("/nowhere", 404), ("/public//x", 400)] {
        for at in 0..5 {
            let (answer, _) = send(&gateway, target, MEGABYTE, at % 2 == 1);
            assert_eq!(answer.status, status, "{target}, request {at}");
        }
    }
    assert_eq!(upstream.open(), 0);
}

/// Neither the client's connection nor the access line waits for a body that nobody will read.
#[test]
fn a_413_with_close_is_soon_over_though_no_body_was_sent() {
    let upstream = RawServer::start(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    });
    let gateway = gateway_to(&upstream, "[log]\nformat = \"json\"\n", "");
    let mut client = Client::open(gateway.address());
    client.send(b"POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
    let begun = Instant::now();
    let answer = client.answer("POST").unwrap().expect("an answer");
    assert_eq!((answer.status, answer.whole), (413, true));
    assert!(begun.elapsed() < SOON_ENOUGH, "{:?}", begun.elapsed());
    let _ = client.stream.set_read_timeout(Some(Duration::from_secs(10)));
    let end = client.stream.read(&mut [0]);
    assert!(matches!(end, Ok(0)), "the connection stays open: {end:?}");
    eventually("the access line is there", SOON, || access_lines(&gateway).len() == 1);
    let line = access_lines(&gateway).remove(0);
    assert_eq!(line["status"], 413, "{line}");
    assert!(line["duration_us"].as_u64().is_some_and(|took| took < 2_000_000), "{line}");
}

fn expect_early(gateway: &Gateway, size: usize, status: u16, what: &str) {
    let (answer, took) = send(gateway, "/public/x", size, false);
    assert_eq!((answer.status, answer.whole, &answer.body[..]), (status, true, &b"no"[..]), "{what}, after {took:?}");
    assert!(took < SOON_ENOUGH, "{what}: answered after {took:?}");
}

/// Sends a body of this size, and reads the answer meanwhile. Gives it, and how long it took to come.
fn send(gateway: &Gateway, target: &str, size: usize, chunked: bool) -> (Answer, Duration) {
    let mut client = Client::open(gateway.address());
    let framing = if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {size}") };
    let mut head = format!("POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    if chunked {
        head += &format!("{size:x}\r\n");
    }
    let writer = client.stream.try_clone().unwrap();
    let begun = Instant::now();
    let writing = thread::spawn(move || write_all(writer, head.as_bytes(), size));
    let answer = client.answer("POST").unwrap_or_else(|problem| panic!("{target}: {problem}"));
    let took = begun.elapsed();
    drop(client.stream.shutdown(Shutdown::Both)); // so that the writer ends as well
    writing.join().unwrap();
    (answer.unwrap_or_else(|| panic!("{target}: closed without an answer")), took)
}

fn write_all(mut stream: TcpStream, head: &[u8], size: usize) {
    let block = vec![b'x'; 64 * 1024];
    let mut left = size;
    let mut sent = stream.write_all(head);
    while sent.is_ok() && left > 0 {
        sent = stream.write_all(&block[..left.min(block.len())]);
        left = left.saturating_sub(block.len());
    }
}
