//! The API behind the proxies: answers every request, and does as little as possible for it.
//!
//! The path decides: `/items` is answered with 1 KB, `/large` with 100 KB, `/echo` with the request's head, and `/slow` with
//! 1 KB after half a second. Bodies are read and dropped.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::http;
use crate::machine::{LOAD_CORE, pin};

/// Begins to serve on a thread of its own, for as long as this process lives.
pub(crate) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::from_std({
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        listener
    });
    let address = listener.local_addr()?;
    let server = Server {
        poll: Poll::new()?,
        listener,
        connections: HashMap::new(),
        next: LISTENER.0 + 1,
        slow: VecDeque::new(),
        scratch: vec![0; 256 * 1024],
        answers: Answers { small: answer(&vec![b'x'; 1024]), large: answer(&vec![b'x'; 100 * 1024]) },
    };
    thread::Builder::new().name("upstream".to_owned()).spawn(move || {
        let mut server = server;
        pin(&[LOAD_CORE]).and_then(|()| server.run()).expect("the upstream serves as long as there is a process")
    })?;
    Ok(address)
}

const LISTENER: Token = Token(0);

/// How long `/slow` takes.
const SLOW: Duration = Duration::from_millis(500);

struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: HashMap<usize, Connection>,
    next: usize,
    /// The connections whose answer is due later, in that order.
    slow: VecDeque<(Instant, usize)>,
    scratch: Vec<u8>,
    answers: Answers,
}

struct Answers {
    small: Arc<[u8]>,
    large: Arc<[u8]>,
}

struct Connection {
    stream: TcpStream,
    /// A request's head, as far as it came in pieces.
    head: Vec<u8>,
    path: Path,
    /// How much of its body is still to come, once the head is there.
    left: Option<usize>,
    /// What is still to be written, and from where.
    out: Option<(Arc<[u8]>, usize)>,
}

#[derive(Clone, Debug)]
enum Path {
    Items,
    Large,
    Slow,
    Echo(Arc<[u8]>),
}

impl Server {
    fn run(&mut self) -> Result<()> {
        self.poll.registry().register(&mut self.listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        loop {
            let wait = self.slow.front().map(|(due, _)| due.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                let Token(id) = event.token();
                if event.token() == LISTENER {
                    self.accept()?;
                } else if let Some(connection) = self.connections.get_mut(&id) {
                    let ready = (event.is_readable(), event.is_read_closed());
                    let lives = connection.serve(ready, &mut self.scratch, &self.answers, || {
                        self.slow.push_back((Instant::now() + SLOW, id));
                    });
                    if lives.is_err() {
                        self.connections.remove(&id);
                    }
                }
            }
            while let Some((due, id)) = self.slow.front().copied()
                && due <= Instant::now()
            {
                self.slow.pop_front();
                if let Some(connection) = self.connections.get_mut(&id)
                    && connection.answer(Arc::clone(&self.answers.small)).is_err()
                {
                    self.connections.remove(&id);
                }
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    stream.set_nodelay(true)?;
                    let id = self.next;
                    self.next += 1;
                    self.poll.registry().register(&mut stream, Token(id), Interest::READABLE | Interest::WRITABLE)?;
                    self.connections
                        .insert(id, Connection { stream, head: Vec::new(), path: Path::Items, left: None, out: None });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The connection is over.
struct Over;

impl Connection {
    fn serve(
        &mut self,
        (readable, closed): (bool, bool),
        scratch: &mut [u8],
        answers: &Answers,
        slow: impl FnMut(),
    ) -> Result<(), Over> {
        self.flush()?;
        if !readable {
            return Ok(());
        }
        let mut slow = slow;
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Err(Over),
                Ok(length) => {
                    self.take(&scratch[..length], answers, &mut slow)?;
                    // A short read has emptied the socket, and the next bytes are told of again.
                    if length < scratch.len() && !closed {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Over),
            }
        }
    }

    /// Takes what was read. One request at a time: none of the proxies sends a second one before the answer.
    fn take(&mut self, mut bytes: &[u8], answers: &Answers, slow: &mut impl FnMut()) -> Result<(), Over> {
        if self.left.is_none() {
            let before = self.head.len();
            let end = if before == 0 {
                http::head_end(bytes)
            } else {
                self.head.extend_from_slice(bytes);
                http::head_end(&self.head)
            };
            let Some(end) = end else {
                if before == 0 {
                    self.head.extend_from_slice(bytes);
                }
                return Ok(());
            };
            let whole = std::mem::take(&mut self.head);
            let head = if before == 0 { &bytes[..end] } else { &whole[..end] };
            self.left = Some(http::content_length(head).map_err(|_| Over)?);
            self.path = path(head);
            bytes = &bytes[end - before..];
        }
        let left = self.left.unwrap_or(0).checked_sub(bytes.len()).ok_or(Over)?;
        self.left = Some(left);
        if left > 0 {
            return Ok(());
        }
        self.left = None;
        match self.path.clone() {
            Path::Items => self.answer(Arc::clone(&answers.small)),
            Path::Large => self.answer(Arc::clone(&answers.large)),
            Path::Echo(head) => self.answer(answer(&head)),
            Path::Slow => {
                slow();
                Ok(())
            }
        }
    }

    fn answer(&mut self, bytes: Arc<[u8]>) -> Result<(), Over> {
        self.out = Some((bytes, 0));
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Over> {
        while let Some((bytes, at)) = &mut self.out {
            match self.stream.write(&bytes[*at..]) {
                Ok(length) => *at += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Over),
            }
            if *at == bytes.len() {
                self.out = None;
            }
        }
        Ok(())
    }
}

fn path(head: &[u8]) -> Path {
    let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    match target {
        b"/large" => Path::Large,
        b"/slow" => Path::Slow,
        b"/echo" => Path::Echo(Arc::from(head)),
        _ => Path::Items,
    }
}

fn answer(body: &[u8]) -> Arc<[u8]> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: upstream\r\nDate: Sun, 29 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\n\
         Cache-Control: no-store\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Arc::from([head.as_bytes(), body].concat())
}
