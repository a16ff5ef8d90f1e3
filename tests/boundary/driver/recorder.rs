//! An upstream that records every byte, splits it into messages by the strictest reading, and answers each.

use super::{PAUSE, arrival::fields, find, id_in, shown};
use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use After::{Ended, GoesOn, Spoilt};

/// What came on a connection and is one message, or the part of one at which the connection ended.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Every byte of it.
    pub(crate) raw: Vec<u8>,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// What makes it no message that a gateway may send; such a connection is given up.
    pub(crate) problem: Option<String>,
    /// Whether it came to its end.
    pub(crate) complete: bool,
}

impl Message {
    /// The head, with the empty line.
    pub(crate) fn head(&self) -> &[u8] {
        find(&self.raw, b"\r\n\r\n").map_or(&self.raw[..], |end| &self.raw[..end + 4])
    }

    /// The values of a field, as they came.
    pub(crate) fn values(&self, name: &str) -> Vec<Vec<u8>> {
        fields(self.head()).into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect()
    }
}

/// What to send in answer to a message.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// Exactly these bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection is closed after them.
    pub(crate) closes: bool,
    /// Where they are cut into two writes.
    pub(crate) cut: Option<usize>,
    /// Whether no gateway may use the connection again: the answer was malformed, or more came than was announced.
    pub(crate) spoils: bool,
}

impl Script {
    /// These bytes, in one piece.
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), closes: false, cut: None, spoils: false }
    }
}

/// The upstream. It ends with the test process.
pub(crate) struct Recorder {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    messages: Mutex<HashMap<String, Vec<Message>>>,
    scripts: Mutex<HashMap<String, Script>>,
    open_inside_a_message: AtomicUsize,
    used_though_spoilt: Mutex<Vec<String>>,
}

impl Recorder {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, shared) = (listener.local_addr().unwrap().to_string(), Arc::new(Shared::default()));
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || serve(stream, &shared));
                }
            }
        });
        Self { address, shared }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Answers the messages of this row with these bytes.
    pub(crate) fn script(&self, id: &str, script: Script) {
        lock(&self.shared.scripts).insert(id.to_owned(), script);
    }

    /// The complete messages of this row, and those that are none.
    pub(crate) fn arrived(&self, id: &str) -> Vec<Message> {
        let messages = lock(&self.shared.messages).get(id).cloned().unwrap_or_default();
        messages.into_iter().filter(|message| message.complete || message.problem.is_some()).collect()
    }

    /// The rows after whose answers a connection was used again that should not have been.
    pub(crate) fn used_though_spoilt(&self) -> Vec<String> {
        lock(&self.shared.used_though_spoilt).clone()
    }

    /// How many connections are open on which a message has begun and not ended.
    pub(crate) fn unfinished(&self) -> usize {
        self.shared.open_inside_a_message.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    stream.set_nodelay(true).unwrap();
    let (mut buffer, mut part, mut spoilt_by) = (Vec::new(), [0; 16 * 1024], None::<String>);
    loop {
        let inside = !buffer.is_empty();
        shared.open_inside_a_message.fetch_add(usize::from(inside), Ordering::SeqCst);
        let read = stream.read(&mut part);
        shared.open_inside_a_message.fetch_sub(usize::from(inside), Ordering::SeqCst);
        let Ok(count @ 1..) = read else { break };
        buffer.extend(&part[..count]);
        loop {
            match split(&buffer) {
                Ok(None) => break,
                Ok(Some((length, body))) => {
                    let raw: Vec<u8> = buffer.drain(..length).collect();
                    lock(&shared.used_though_spoilt).extend(spoilt_by.take());
                    shared.record(Message { raw: raw.clone(), body, problem: None, complete: true });
                    match answer(&mut stream, &raw, shared) {
                        Ended => return,
                        Spoilt => spoilt_by = id_in(&raw),
                        GoesOn => {}
                    }
                }
                Err(problem) => {
                    shared.record(Message { raw: buffer, body: Vec::new(), problem: Some(problem), complete: false });
                    return;
                }
            }
        }
    }
    if !buffer.is_empty() {
        shared.record(Message { raw: buffer, body: Vec::new(), problem: None, complete: false });
    }
}

/// What becomes of a connection after an answer.
enum After {
    GoesOn,
    Spoilt,
    Ended,
}

/// Answers a message.
fn answer(stream: &mut TcpStream, raw: &[u8], shared: &Shared) -> After {
    let script = id_in(raw).and_then(|id| lock(&shared.scripts).get(&id).cloned());
    let Some(script) = script else {
        let interim = if expects_continue(raw) { "HTTP/1.1 100 Continue\r\n\r\n" } else { "" };
        let body = if raw.starts_with(b"HEAD ") { "" } else { "ok" };
        let answer = format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{body}");
        return if stream.write_all(answer.as_bytes()).is_ok() { GoesOn } else { Ended };
    };
    let (first, rest) = script.bytes.split_at(script.cut.unwrap_or_default().min(script.bytes.len()));
    let mut sent = stream.write_all(first);
    if !first.is_empty() {
        thread::sleep(PAUSE);
    }
    sent = sent.and_then(|()| stream.write_all(rest));
    if script.closes {
        let _ = stream.shutdown(Shutdown::Write);
        // What is closed with bytes unread is reset, and a reset can overtake the answer.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
        return Ended;
    }
    match (sent, script.spoils) {
        (Err(_), _) => Ended,
        (Ok(()), true) => Spoilt,
        (Ok(()), false) => GoesOn,
    }
}

fn expects_continue(raw: &[u8]) -> bool {
    fields(raw).iter().any(|(name, value)| name == "expect" && value.eq_ignore_ascii_case(b"100-continue"))
}

impl Shared {
    fn record(&self, message: Message) {
        let id = id_in(&message.raw).unwrap_or_default();
        lock(&self.messages).entry(id).or_default().push(message);
    }
}

/// The length of the first message in these bytes, and its body; nothing where it has not ended.
fn split(bytes: &[u8]) -> Result<Option<(usize, Vec<u8>)>, String> {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let start = end + 4;
    let fields = fields(&bytes[..start]);
    let all = |wanted: &str| -> Vec<&[u8]> {
        fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| &value[..]).collect()
    };
    match (&all("transfer-encoding")[..], &all("content-length")[..]) {
        ([], []) => Ok(Some((start, Vec::new()))),
        ([], [length]) => {
            let digits = std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length: usize = digits
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| format!("no Content-Length: {}", shown(length)))?;
            Ok(bytes.get(start..start + length).map(|body| (start + length, body.to_vec())))
        }
        ([b"chunked"], []) => Ok(dechunk(&bytes[start..])?.map(|(length, body)| (start + length, body))),
        (codings, lengths) => Err(format!("{} Transfer-Encoding, {} Content-Length", codings.len(), lengths.len())),
    }
}

/// The length of a chunked body, and what is in it. No extensions and no trailers: a gateway drops both.
fn dechunk(bytes: &[u8]) -> Result<Option<(usize, Vec<u8>)>, String> {
    let (mut at, mut body) = (0, Vec::new());
    loop {
        let Some(end) = find(&bytes[at..], b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&bytes[at..at + end]).unwrap_or_default();
        let is_size = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = usize::from_str_radix(line, 16).ok().filter(|_| is_size);
        let size = size.ok_or_else(|| format!("no chunk size: {}", shown(&bytes[at..at + end])))?;
        at += end + 2;
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Ok(None) };
        if &chunk[size..] != b"\r\n" {
            return Err(format!("what should end a chunk: {}", shown(&bytes[at + size..])));
        }
        body.extend(&chunk[..size]);
        at += size + 2;
        if size == 0 {
            return Ok(Some((at, body)));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
