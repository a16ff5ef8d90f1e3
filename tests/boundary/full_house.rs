//! Connections that wait for another request make room for those that have one.

use super::driver::{Client, RawServer, Stage, gateway_to};
use crate::support::{SOON, eventually};
use std::{
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

const PLACES: usize = 5;
const GET: &[u8] = b"GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n";
const SOON_ENOUGH: Duration = Duration::from_secs(2);

/// Sends a request, and gives the status of its answer and the connection.
fn ask(address: &str, request: &[u8]) -> (u16, Client) {
    let mut client = Client::open(address);
    client.send(request);
    let answer = client.answer("GET").unwrap().expect("an answer");
    (answer.status, client)
}

#[test]
fn idle_connections_make_room_at_once() {
    let stage = Stage::start_with(&format!("[server]\nmax_connections = {PLACES}\n"), "");
    let mut idle: Vec<Client> = Vec::new();
    for at in 0..4 * PLACES {
        let begun = Instant::now();
        let (status, client) = ask(stage.gateway.address(), GET);
        assert_eq!(status, 200);
        assert!(begun.elapsed() < SOON_ENOUGH, "client {at} waited {:?}", begun.elapsed());
        idle.push(client);
    }
    // Those that had to go were closed between two requests, without a word that could pass for an answer; the others go on.
    let mut gone = 0;
    for client in &mut idle {
        client.send(GET);
        match client.answer("GET").unwrap() {
            Some(answer) => assert_eq!(answer.status, 200),
            None => gone += 1,
        }
    }
    assert!((3 * PLACES..4 * PLACES).contains(&gone), "{gone} were closed");
}

#[test]
fn connections_with_a_request_are_not_closed_for_others() {
    let upstream = RawServer::start(|mut stream, head| {
        if head.starts_with(b"GET /public/slow") {
            thread::sleep(Duration::from_millis(1_500));
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    let gateway = gateway_to(&upstream, &format!("[server]\nmax_connections = {PLACES}\n"), "");
    let mut busy: Vec<Client> = (0..PLACES - 1)
        .map(|_| {
            let mut client = Client::open(gateway.address());
            client.send(b"GET /public/slow HTTP/1.1\r\nHost: a\r\n\r\n");
            client
        })
        .collect();
    eventually("they are under way", SOON, || upstream.open() == PLACES - 1);
    // Each of these holds the one place that is left, until the next one comes.
    let mut idle = Vec::new();
    for _ in 0..PLACES {
        let (status, client) = ask(gateway.address(), GET);
        assert_eq!(status, 200);
        idle.push(client);
    }
    for client in &mut busy {
        assert_eq!(client.answer("GET").unwrap().map(|answer| answer.status), Some(200));
    }
}
