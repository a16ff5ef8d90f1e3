//! An upstream that keeps what it gets, byte for byte, one message for each connection.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// The upstream. It ends with the test process.
pub(super) struct Recorder {
    address: String,
    recorded: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let recorded = Arc::<Mutex<Vec<_>>>::default();
        let keeping = Arc::clone(&recorded);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let keeping = Arc::clone(&keeping);
                thread::spawn(move || record(stream, &keeping));
            }
        });
        Self { address, recorded }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// All that came since the last call.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.recorded.lock().unwrap())
    }
}

/// Keeps what comes until the message looks whole, and whatever stands behind it; then answers.
fn record(mut stream: TcpStream, recorded: &Mutex<Vec<Vec<u8>>>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 64 * 1024]);
    while !looks_whole(&bytes) {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => bytes.extend_from_slice(&buffer[..read]),
            Ok(0) | Err(_) => return,
        }
    }
    recorded.lock().unwrap().push(bytes);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
}

fn looks_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if value("transfer-encoding:").is_some() {
        return bytes.ends_with(b"\r\n0\r\n\r\n");
    }
    let length = value("content-length:").map_or(0, |length| length.parse().unwrap());
    bytes.len() - end - 4 >= length
}
