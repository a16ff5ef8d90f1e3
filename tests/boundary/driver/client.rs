//! A client that sends what it is told to, and reads answers strictly (RFC 9112, 4 to 7).

use super::{DEADLINE, arrival::fields, find, shown};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// A connection to the gateway.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
    ended: bool,
}

/// How the end of an answer's body was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none, by the status or the method.
    Bodiless,
    /// By `Content-Length`.
    Length,
    /// By the last chunk.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// An answer, interim or final.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
    /// Whether the body came to the end that its framing tells; what ends with a connection always has.
    pub(crate) whole: bool,
}

impl Answer {
    /// The values of a field, as they came.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let fields = fields(&self.head).into_iter().filter(|(known, _)| known == name);
        fields.map(|(_, value)| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    /// Whether it says that the connection ends with it.
    pub(crate) fn says_close(&self) -> bool {
        let values = self.values("connection");
        values.iter().flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case("close"))
    }

    /// Whether other answers come before the final one.
    pub(crate) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl Client {
    /// Connects.
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self { stream, buffer: Vec::new(), ended: false }
    }

    /// Sends these bytes, if the other side still takes them; whether it did.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write); // it may be closed already
    }

    /// The next answer, interim ones included, to a request with this method. Nothing where the connection is closed
    /// without one.
    pub(crate) fn answer(&mut self, method: &str) -> Result<Option<Answer>, String> {
        self.answer_within(method, DEADLINE)
    }

    /// The same, for as long as this.
    pub(crate) fn answer_within(&mut self, method: &str, patience: Duration) -> Result<Option<Answer>, String> {
        let deadline = Instant::now() + patience;
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if self.ended && self.buffer.is_empty() {
                return Ok(None);
            }
            if self.ended {
                return Err(format!("the connection ended within a head: {}", shown(&self.buffer)));
            }
            self.read(deadline)?;
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let status = status(&head)?;
        let mut answer = Answer { status, head, body: Vec::new(), framing: Framing::Bodiless, whole: true };
        let (codings, lengths) = (answer.values("transfer-encoding"), answer.values("content-length"));
        if matches!(status, 100..=199 | 204 | 304) || method == "HEAD" {
            return Ok(Some(answer));
        }
        answer.framing = match (&codings[..], &lengths[..]) {
            ([], []) => Framing::Close,
            ([], [_]) => Framing::Length,
            ([coding], []) if coding == "chunked" => Framing::Chunked,
            _ => return Err(format!("an answer framed in two ways: {}", shown(&answer.head))),
        };
        answer.whole = match answer.framing {
            Framing::Length => {
                let length = lengths[0].parse().map_err(|_| format!("no Content-Length: {}", lengths[0]))?;
                self.take(length, &mut answer.body, deadline)?
            }
            Framing::Chunked => self.take_chunks(&mut answer.body, deadline)?,
            Framing::Close | Framing::Bodiless => self.take(usize::MAX, &mut answer.body, deadline).map(|_| true)?,
        };
        Ok(Some(answer))
    }

    /// Whether the connection is closed, with nothing more on it.
    pub(crate) fn closes(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        while !self.ended && self.buffer.is_empty() {
            self.read(deadline).map_err(|_| "the connection stays open".to_owned())?;
        }
        if self.buffer.is_empty() { Ok(()) } else { Err(format!("more came: {}", shown(&self.buffer))) }
    }

    /// All that comes until the connection ends.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let (mut rest, deadline) = (Vec::new(), Instant::now() + DEADLINE);
        self.take(usize::MAX, &mut rest, deadline).unwrap_or_else(|problem| panic!("{problem}"));
        rest
    }

    /// Reads on until the connection ends or the bytes are there; whether they are.
    fn take(&mut self, count: usize, into: &mut Vec<u8>, deadline: Instant) -> Result<bool, String> {
        while self.buffer.len() < count && !self.ended {
            self.read(deadline)?;
        }
        into.extend(self.buffer.drain(..count.min(self.buffer.len())));
        Ok(into.len() >= count)
    }

    fn take_chunks(&mut self, into: &mut Vec<u8>, deadline: Instant) -> Result<bool, String> {
        loop {
            let end = loop {
                match find(&self.buffer, b"\r\n") {
                    Some(end) => break end,
                    None if self.ended => return Ok(false),
                    None => self.read(deadline)?,
                }
            };
            let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            self.buffer.drain(..end + 2);
            let is_size = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
            let size = usize::from_str_radix(&line, 16).ok().filter(|_| is_size);
            let size = size.ok_or_else(|| format!("no chunk size: {line:?}"))?;
            let mut chunk = Vec::new();
            if !self.take(size + 2, &mut chunk, deadline)? {
                into.extend(chunk.iter().take(size));
                return Ok(false);
            }
            if !chunk.ends_with(b"\r\n") {
                return Err(format!("a chunk without its end, or a trailer: {}", shown(&chunk)));
            }
            into.extend(&chunk[..size]);
            if size == 0 {
                return Ok(true);
            }
        }
    }

    fn read(&mut self, deadline: Instant) -> Result<(), String> {
        let late = || format!("nothing more came; so far: {:?}", shown(&self.buffer));
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or_else(late)?;
        self.stream.set_read_timeout(Some(left)).unwrap();
        let mut part = [0; 16 * 1024];
        match self.stream.read(&mut part) {
            Ok(0) => self.ended = true,
            Ok(count) => self.buffer.extend(&part[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(late()),
            Err(_) => self.ended = true, // a reset is an end as well
        }
        Ok(())
    }
}

/// The status in a head that is one: our version, three digits, and fields without anything that could be read in two ways.
fn status(head: &[u8]) -> Result<u16, String> {
    let problem = || format!("no head of an answer: {}", shown(head));
    let line = head.strip_prefix(b"HTTP/1.1 ").ok_or_else(problem)?;
    let (digits, rest) = line.split_at_checked(3).ok_or_else(problem)?;
    let status = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(problem)?;
    let lines = &head[..head.len() - 4];
    let is_bare = |(at, byte): (usize, &u8)| match byte {
        b'\r' => head.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || lines[at - 1] != b'\r' || matches!(head[at + 1], b' ' | b'\t'),
        byte => *byte == 0,
    };
    if !matches!(rest[0], b' ' | b'\r') || lines.iter().enumerate().any(is_bare) {
        return Err(problem());
    }
    Ok(status)
}
