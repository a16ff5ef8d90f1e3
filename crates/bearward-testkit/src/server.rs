//! Servers in threads of the test: an upstream that says what it got, and one that answers by a script.

use std::{
    collections::HashMap,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// An HTTP/1.1 server that answers each request by a closure and remembers what it got. Dropped, it stops listening and
/// closes its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one on a free port.
    pub fn start(handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on(0, handler)
    }

    /// Starts one on this port: an issuer that comes back must come back at its own address.
    pub fn start_on(port: u16, handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port}: {error}"));
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let handler: Arc<Handler> = Arc::new(handler);
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared, &handler)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order they were complete.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.requests().clone()
    }

    /// The request that came last.
    pub fn last(&self) -> Received {
        self.shared.requests().last().expect("no request has come").clone()
    }

    /// How many requests this path (without query) has had.
    pub fn hits(&self, path: &str) -> usize {
        self.shared.requests().iter().filter(|request| request.path() == path).count()
    }

    /// How many requests each path has had.
    pub fn hits_by_path(&self) -> HashMap<String, usize> {
        self.shared.requests().iter().fold(HashMap::new(), |mut hits, request| {
            *hits.entry(request.path().to_owned()).or_default() += 1;
            hits
        })
    }

    /// How many connections have been accepted.
    pub fn connections(&self) -> usize {
        lock(&self.shared.connections).len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the acceptor
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for connection in lock(&self.shared.connections).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// An upstream that answers 200 with what it got: `{"method", "target", "headers": [[name, value], ..], "body"}`.
#[derive(Debug)]
pub struct Echo(Server);

impl Echo {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self(Server::start(|request| {
            Reply::json(
                200,
                &serde_json::json!({
                    "method": request.method,
                    "target": request.target,
                    "headers": request.headers,
                    "body": String::from_utf8_lossy(&request.body),
                }),
            )
        }))
    }
}

impl Deref for Echo {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Every byte of it, framing and trailers included.
    pub raw: Vec<u8>,
    /// The method.
    pub method: String,
    /// The request target, byte for byte.
    pub target: String,
    /// The header lines in order, names as they came.
    pub headers: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The trailer lines of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Received {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// All values under this header name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The first value under this header name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).first().copied()
    }

    /// `http://` and the `Host` that was asked: for an issuer that must name itself.
    pub fn base(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or_default())
    }

    /// The fields of a form body, decoded.
    pub fn form(&self) -> HashMap<String, String> {
        String::from_utf8_lossy(&self.body)
            .split('&')
            .filter_map(|field| field.split_once('='))
            .map(|(name, value)| (form_decode(name), form_decode(value)))
            .collect()
    }
}

/// What to do with a request.
#[derive(Debug)]
pub struct Reply {
    after: Duration,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Raw(Vec<u8>),
    Drip(Vec<u8>, Duration),
    Silence,
    HangUp,
}

impl Reply {
    /// An answer with no body.
    pub fn status(status: u16) -> Self {
        Self { after: Duration::ZERO, action: Action::Answer { status, headers: Vec::new(), body: Vec::new() } }
    }

    /// An answer in JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::status(status).header("Content-Type", "application/json").body(body.to_string())
    }

    /// These bytes, after which the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { after: Duration::ZERO, action: Action::Raw(bytes.into()) }
    }

    /// These bytes one by one with a pause before each, after which the connection is closed.
    pub fn drip(bytes: impl Into<Vec<u8>>, pause: Duration) -> Self {
        Self { after: Duration::ZERO, action: Action::Drip(bytes.into(), pause) }
    }

    /// No answer; the connection stays open until the other side or the server ends.
    pub fn silence() -> Self {
        Self { after: Duration::ZERO, action: Action::Silence }
    }

    /// No answer; the connection is closed.
    pub fn hang_up() -> Self {
        Self { after: Duration::ZERO, action: Action::HangUp }
    }

    /// Adds a header line to an answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Action::Answer { headers, .. } = &mut self.action {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets the body of an answer.
    pub fn body(mut self, content: impl Into<Vec<u8>>) -> Self {
        if let Action::Answer { body, .. } = &mut self.action {
            *body = content.into();
        }
        self
    }

    /// Waits before it acts.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }
}

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    requests: Mutex<Vec<Received>>,
    connections: Mutex<Vec<TcpStream>>,
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Vec<Received>> {
        lock(&self.requests)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, handler: &Arc<Handler>) {
    for stream in listener.incoming().map_while(Result::ok) {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        lock(&shared.connections).push(stream.try_clone().unwrap());
        let (shared, handler) = (Arc::clone(shared), Arc::clone(handler));
        std::thread::spawn(move || {
            let _ = serve(stream, &shared, &*handler); // the other side may leave at any time
        });
    }
}

fn serve(stream: TcpStream, shared: &Shared, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = receive(&mut stream)? {
        shared.requests().push(request.clone());
        let reply = handler(&request);
        std::thread::sleep(reply.after);
        let writer = stream.get_mut();
        match reply.action {
            Action::Answer { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
                for (name, value) in &headers {
                    head += &format!("{name}: {value}\r\n");
                }
                if !matches!(status, 100..200 | 204 | 304) {
                    head += &format!("Content-Length: {}\r\n", body.len());
                }
                let body = if request.method == "HEAD" { &[][..] } else { &body };
                writer.write_all(&[head.as_bytes(), b"\r\n", body].concat())?;
            }
            Action::Raw(bytes) => {
                writer.write_all(&bytes)?;
                return writer.shutdown(Shutdown::Both);
            }
            Action::Drip(bytes, pause) => {
                for byte in bytes {
                    std::thread::sleep(pause);
                    writer.write_all(&[byte])?;
                }
                return writer.shutdown(Shutdown::Both);
            }
            Action::HangUp => return writer.shutdown(Shutdown::Both),
            Action::Silence => {}
        }
    }
    Ok(())
}

/// Reads one request; nothing when the connection is closed between requests.
fn receive(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Received>> {
    let mut raw = Vec::new();
    let line = read_line(stream, &mut raw)?;
    if line.is_empty() {
        return Ok(None);
    }
    let mut parts = line.split(' ');
    let (method, target) = (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default().to_owned());
    let headers = read_headers(stream, &mut raw)?;
    let mut request = Received { raw: Vec::new(), method, target, headers, body: Vec::new(), trailers: Vec::new() };
    if request.header("transfer-encoding").is_some() {
        loop {
            let size = read_line(stream, &mut raw)?;
            let size =
                usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16).map_err(io::Error::other)?;
            if size == 0 {
                request.trailers = read_headers(stream, &mut raw)?;
                break;
            }
            let chunk = read_bytes(stream, &mut raw, size)?;
            request.body.extend(chunk);
            read_line(stream, &mut raw)?;
        }
    } else if let Some(length) = request.header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        request.body = read_bytes(stream, &mut raw, length)?;
    }
    request.raw = raw;
    Ok(Some(request))
}

fn read_headers(stream: &mut BufReader<TcpStream>, raw: &mut Vec<u8>) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream, raw)?;
        match line.split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None if line.is_empty() => return Ok(headers),
            None => return Err(io::Error::other(format!("no header line: {line:?}"))),
        }
    }
}

fn read_line(stream: &mut BufReader<TcpStream>, raw: &mut Vec<u8>) -> io::Result<String> {
    let start = raw.len();
    stream.read_until(b'\n', raw)?;
    Ok(String::from_utf8_lossy(&raw[start..]).trim_end_matches(['\r', '\n']).to_owned())
}

fn read_bytes(stream: &mut BufReader<TcpStream>, raw: &mut Vec<u8>, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes)?;
    raw.extend(&bytes);
    Ok(bytes)
}

fn form_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = &after[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A handler that panics fails its own test; it must not hide what the others saw.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
