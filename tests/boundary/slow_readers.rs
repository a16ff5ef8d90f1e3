//! Clients that do not read, and upstreams that do not, cost tens of kilobytes each.

use super::driver::{RawServer, connect_to_reset, connect_with_small_buffer, gateway_to, memory, wait_for_the_end};
use crate::support::{Gateway, SOON, eventually};
use std::{
    io::Write as _,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const CLIENTS: usize = 200;
/// What each may hold of the gateway's memory; about half of it would do.
const MOST: usize = 100 * 1024;
/// More than all sockets between the two ends take.
const LARGE: usize = 64 << 20;

#[test]
fn clients_that_do_not_read_hold_little_each() {
    let written = Arc::new(AtomicUsize::new(0));
    let upstream = RawServer::start({
        let written = Arc::clone(&written);
        move |mut stream, _| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
            write_until_it_fails(&mut stream, head.as_bytes(), &written);
        }
    });
    let mut gateway = gateway_to(&upstream, "", "");
    let before = rested(&mut gateway);
    let clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = connect_with_small_buffer(gateway.address());
            stream.write_all(b"GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            stream
        })
        .collect();
    eventually("every answer has begun", SOON, || upstream.open() == CLIENTS);
    check_memory(&mut gateway, before, &written);
    drop(clients);
    eventually("they are done with", SOON, || upstream.open() == 0);
}

#[test]
fn uploads_to_an_upstream_that_does_not_read_hold_little_each() {
    let upstream = RawServer::start(|stream, _| wait_for_the_end(stream));
    let mut gateway = gateway_to(&upstream, "", "");
    let before = rested(&mut gateway);
    let written = Arc::new(AtomicUsize::new(0));
    let clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| {
            let stream = connect_to_reset(gateway.address());
            let (mut writer, written) = (stream.try_clone().unwrap(), Arc::clone(&written));
            thread::spawn(move || {
                let head = format!("POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n");
                write_until_it_fails(&mut writer, head.as_bytes(), &written);
            });
            stream
        })
        .collect();
    eventually("every upload has begun", SOON, || upstream.open() == CLIENTS);
    check_memory(&mut gateway, before, &written);
    for client in &clients {
        let _ = client.shutdown(std::net::Shutdown::Both); // so that the writers end
    }
}

/// Writes until nobody takes more, or the other side is gone.
fn write_until_it_fails(stream: &mut TcpStream, head: &[u8], written: &AtomicUsize) {
    let block = vec![b'x'; 16 * 1024];
    let mut sent = stream.write_all(head);
    for _ in 0..LARGE / block.len() {
        if sent.is_err() {
            return;
        }
        sent = stream.write_all(&block);
        written.fetch_add(block.len(), Ordering::SeqCst);
    }
}

/// The gateway's memory, once it has served a request.
fn rested(gateway: &mut Gateway) -> usize {
    let _ = gateway.get("/nowhere").send();
    memory(gateway.process().id()).0
}

/// Waits until nothing moves any more, and looks.
fn check_memory(gateway: &mut Gateway, before: usize, written: &AtomicUsize) {
    let mut last = usize::MAX;
    eventually("nothing moves any more", SOON, || {
        thread::sleep(Duration::from_millis(300));
        let now = written.load(Ordering::SeqCst);
        std::mem::replace(&mut last, now) == now
    });
    let each = memory(gateway.process().id()).0.saturating_sub(before) / CLIENTS;
    assert!(each < MOST, "{each} bytes each for {CLIENTS} of them");
}
