//! An upstream that records what it gets, byte for byte, and misbehaves when the path asks it to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A running upstream.
#[derive(Clone)]
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// Whole requests, each with its body as it came.
    requests: Vec<Vec<u8>>,
    /// All bytes, as they come.
    bytes: Vec<u8>,
    connections: usize,
    /// Whether an answer that waits for it may go on.
    may_go_on: bool,
}

impl Upstream {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = Self { address, seen: Arc::default() };
        let accepting = upstream.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = accepting.clone();
                serving.seen.lock().unwrap().connections += 1;
                thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        upstream
    }

    /// How many requests came, whole ones only.
    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().requests.len()
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// The latest request.
    pub fn last(&self) -> Request {
        Request(self.seen.lock().unwrap().requests.last().expect("a request").clone())
    }

    /// All requests.
    pub fn all(&self) -> Vec<Request> {
        self.seen.lock().unwrap().requests.iter().cloned().map(Request).collect()
    }

    /// Lets the answer of `in-two` go on.
    pub fn go_on(&self) {
        self.seen.lock().unwrap().may_go_on = true;
    }

    /// Waits until these bytes have come, whether or not a request is whole.
    pub fn wait_for(&self, bytes: &[u8]) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !self.seen.lock().unwrap().bytes.windows(bytes.len()).any(|window| window == bytes) {
            assert!(Instant::now() < deadline, "never came: {:?}", String::from_utf8_lossy(bytes));
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut rest = Vec::new();
        while let Some(request) = self.read(&mut stream, &mut rest) {
            let request = Request(request);
            let path = request.target().split('?').next().unwrap_or_default().to_owned();
            self.seen.lock().unwrap().requests.push(request.0.clone());
            if path.ends_with("/in-two") {
                self.answer_in_two(&mut stream);
            } else if !respond(&mut stream, path.rsplit('/').next().unwrap_or_default(), &request) {
                return;
            }
        }
    }

    /// The second part is sent when the test says so.
    fn answer_in_two(&self, stream: &mut TcpStream) {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        while !self.seen.lock().unwrap().may_go_on {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n");
    }

    /// Reads one request with its body; nothing where the connection ends.
    fn read(&self, stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<Vec<u8>> {
        let mut is_answered = false;
        loop {
            if let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = Request(rest[..end + 4].to_vec());
                if head.target().ends_with("/early") && !is_answered {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    is_answered = true;
                }
                let whole = if head.header("transfer-encoding").is_some() {
                    rest[end + 4..].windows(5).position(|window| window == b"0\r\n\r\n").map(|at| end + 4 + at + 5)
                } else {
                    let length: usize = head.header("content-length").map_or(0, |length| length.parse().unwrap());
                    Some(end + 4 + length).filter(|whole| rest.len() >= *whole)
                };
                if let Some(whole) = whole {
                    return Some(rest.drain(..whole).collect());
                }
            }
            let mut buffer = [0; 16 * 1024];
            let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
            rest.extend_from_slice(&buffer[..read]);
            self.seen.lock().unwrap().bytes.extend_from_slice(&buffer[..read]);
        }
    }
}

/// Answers as the last segment of the path says; whether the connection goes on.
fn respond(stream: &mut TcpStream, how: &str, request: &Request) -> bool {
    let mut send = |text: &str| stream.write_all(text.as_bytes()).is_ok();
    match how {
        // It had its answer before its body.
        "early" => true,
        "slow" => {
            thread::sleep(Duration::from_millis(700));
            send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
        }
        "hang" => {
            thread::sleep(Duration::from_secs(5));
            false
        }
        "slam" => false,
        "garbage" => {
            send("this is not HTTP\r\n\r\n");
            false
        }
        "cut" => {
            send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes!");
            false
        }
        "cut-chunked" => {
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nten bytes!\r\n");
            false
        }
        "drip" => {
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
            thread::sleep(Duration::from_millis(700));
            send("6\r\nsecond\r\n0\r\n\r\n")
        }
        "trailers" => {
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Auth-Subject: evil\r\n\r\n")
        }
        "closing" => {
            send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            false
        }
        "two-answers" => {
            send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden")
        }
        "socket" => {
            send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
            let mut buffer = [0; 100];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let _ = stream.write_all(&buffer[..read]);
            false
        }
        "length" => {
            let length = request.body().len().to_string();
            send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{length}", length.len()))
        }
        _ => send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\nX-From: upstream\r\n\r\nok"),
    }
}

/// A request as it came to the upstream.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

impl Request {
    pub fn head(&self) -> String {
        let end = self.0.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        String::from_utf8(self.0[..end].to_vec()).unwrap()
    }

    pub fn body(&self) -> &[u8] {
        let end = self.0.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        &self.0[end + 4..]
    }

    pub fn target(&self) -> String {
        self.head().split(' ').nth(1).unwrap().to_owned()
    }

    /// All values of a header, in whatever case its name is.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let head = self.head();
        let lines = head.split("\r\n").skip(1).map(|line| line.split_once(':').unwrap());
        lines.filter(|(had, _)| had.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let values = self.headers(name);
        assert!(values.len() <= 1, "{name} twice in {}", self.head());
        values.into_iter().next()
    }
}
