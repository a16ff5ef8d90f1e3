//! A client that sends exactly the bytes it is told to.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is waited for an answer that need not come.
const IMPATIENCE: Duration = Duration::from_millis(700);

/// One connection to the gateway.
pub struct Client {
    stream: TcpStream,
    /// Bytes that were read and belong to the next answer.
    rest: Vec<u8>,
    impatient: bool,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case; the last of several values.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// Whether the body came to its end as its framing says.
    pub complete: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, rest: Vec::new(), impatient: false }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The gateway may have closed the connection already; the answer tells.
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// From here on, to hear nothing is an end like any other.
    pub fn lose_patience(&mut self) {
        self.stream.set_read_timeout(Some(IMPATIENCE)).unwrap();
        self.impatient = true;
    }

    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes);
        self.answer()
    }

    /// The same, or nothing where the connection was closed.
    pub fn try_ask(&mut self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        self.send(bytes);
        self.try_answer(false)
    }

    pub fn answer(&mut self) -> Answer {
        self.try_answer(false).expect("an answer")
    }

    pub fn answer_to_head(&mut self) -> Answer {
        self.try_answer(true).expect("an answer")
    }

    /// The next answer, or nothing where the connection ends without one. `100 Continue` counts as an answer.
    pub fn try_answer(&mut self, to_head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more() {
                assert!(self.rest.is_empty(), "half a header: {:?}", String::from_utf8_lossy(&self.rest));
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HashMap<_, _> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new(), complete: true };
        if to_head || matches!(status, 100..=199 | 204 | 304) {
            return Some(answer);
        }
        if answer.header("transfer-encoding") == "chunked" {
            answer.complete = self.chunks(&mut answer.body);
        } else if let Ok(length) = answer.header("content-length").parse::<usize>() {
            while self.rest.len() < length && self.read_more() {}
            let had = length.min(self.rest.len());
            answer.body = self.rest.drain(..had).collect();
            answer.complete = had == length;
        } else {
            while self.read_more() {}
            answer.body = std::mem::take(&mut self.rest);
        }
        Some(answer)
    }

    /// Reads chunks into `body`; whether the last one came.
    fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let Some(end) = self.rest.windows(2).position(|window| window == b"\r\n") else {
                if self.read_more() {
                    continue;
                }
                return false;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&self.rest[..end]).unwrap(), 16).unwrap();
            while self.rest.len() < end + 2 + size + 2 {
                if !self.read_more() {
                    return false;
                }
            }
            body.extend_from_slice(&self.rest[end + 2..end + 2 + size]);
            self.rest.drain(..end + 2 + size + 2);
            if size == 0 {
                return true;
            }
        }
    }

    /// Reads until `bytes` have come.
    pub fn wait_for(&mut self, bytes: &[u8]) {
        while !self.rest.windows(bytes.len()).any(|window| window == bytes) {
            assert!(self.read_more(), "{:?}", String::from_utf8_lossy(&self.rest));
        }
    }

    /// Whether the gateway has closed the connection, or does so soon, without sending anything more.
    pub fn is_closed(&mut self) -> bool {
        self.stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => panic!("unexpected bytes"),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    pub fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.rest.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.impatient => false,
            Err(error) => panic!("{error}; so far: {:?}", String::from_utf8_lossy(&self.rest)),
        }
    }
}
