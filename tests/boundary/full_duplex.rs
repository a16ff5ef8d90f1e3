//! Bodies flow both ways at once: an upstream that answers while it reads, and more than it reads, is not locked up.

use super::driver::{RawServer, gateway_to};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

/// What the client sends.
const SENT: usize = 5 << 20;
/// How many bytes the upstream writes for each that it reads.
const TIMES: usize = 20;

#[test]
fn an_upstream_that_writes_twenty_bytes_for_each_it_reads_is_not_locked_up() {
    let upstream = RawServer::start(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        let (mut part, answer) = (vec![0; 16 * 1024], vec![b'y'; 16 * 1024 * TIMES]);
        let mut read = 0;
        while read < SENT {
            let Ok(count @ 1..) = stream.read(&mut part) else { return };
            read += count;
            if stream.write_all(&answer[..count * TIMES]).is_err() {
                return;
            }
        }
    });
    let gateway = gateway_to(&upstream, "", "");
    let mut stream = TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let writing = thread::spawn(move || {
        let head = format!("POST /public/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {SENT}\r\n\r\n");
        writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&vec![b'x'; SENT]))
    });
    let (mut part, mut read, mut answered) = (vec![0; 64 * 1024], 0, 0);
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => {
                read += count;
                answered += part[..count].iter().filter(|byte| **byte == b'y').count();
            }
            Err(error) => panic!("it stands still after {read} bytes of {}: {error}", SENT * TIMES),
        }
    }
    writing.join().unwrap().unwrap();
    // The head has a `y` or two of its own.
    assert!((SENT * TIMES..SENT * TIMES + 100).contains(&answered), "{answered} bytes of {}", SENT * TIMES);
}
