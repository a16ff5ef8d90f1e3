//! A small blocking HTTP/1.1 client that sends exactly the bytes it is told to: targets, header names and values are
//! neither checked nor normalised, since many tests are about those that should not be sent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// A request for one connection of its own.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    address: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Duration,
}

impl Request {
    /// A request to `http://HOST:PORT/TARGET`; what follows the port is sent as it is.
    pub fn new(method: &str, url: &str) -> Self {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("not an http URL: {url}"));
        let (address, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let target = if target.is_empty() { "/" } else { target };
        Self {
            method: method.to_owned(),
            address: address.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: crate::SOON,
        }
    }

    /// A GET request.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// A POST request.
    pub fn post(url: &str) -> Self {
        Self::new("POST", url)
    }

    /// Adds a header line; none replaces another.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `Authorization: Bearer`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Adds `Authorization: Basic`.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        self.header("Authorization", &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
    }

    /// Sets the body; its length is announced.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a form as the body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let fields: Vec<String> =
            fields.iter().map(|(k, v)| format!("{}={}", form_encode(k), form_encode(v))).collect();
        self.header("Content-Type", "application/x-www-form-urlencoded").body(fields.join("&"))
    }

    /// How long to wait for any part of the answer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The bytes that are sent. `Host` is added where it is missing, `Content-Length` where there is a body or the
    /// method usually has one.
    pub fn bytes(&self) -> Vec<u8> {
        let has = |name: &str| self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !has("host") {
            head += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let framed = has("content-length") || has("transfer-encoding");
        if !framed && (!self.body.is_empty() || ["POST", "PUT", "PATCH"].contains(&self.method.as_str())) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Sends it and reads the answer.
    pub fn try_send(&self) -> io::Result<Response> {
        let mut connection = Connection::try_open(&self.address)?;
        connection.set_timeout(self.timeout);
        connection.send_raw(&self.bytes())?;
        connection.read_response(&self.method)
    }

    /// Sends it and reads the answer; panics when there is none.
    pub fn send(&self) -> Response {
        self.try_send()
            .unwrap_or_else(|error| panic!("{} http://{}{}: {error}", self.method, self.address, self.target))
    }
}

/// A connection, for several requests on it or for bytes that are no request.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `HOST:PORT`, with or without `http://` before it.
    pub fn open(address: &str) -> Self {
        Self::try_open(address).unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"))
    }

    fn try_open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address.strip_prefix("http://").unwrap_or(address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(crate::SOON))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// How long reading waits.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.stream.get_ref().set_read_timeout(Some(timeout)).expect("the timeout is not zero");
    }

    /// Sends these bytes.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&mut self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Everything until the other side closes (or resets) the connection, or until the timeout.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }

    /// Reads one final response (interim ones are skipped) to a request with `method`.
    pub fn read_response(&mut self, method: &str) -> io::Result<Response> {
        loop {
            let mut response = self.read_head()?;
            if (100..200).contains(&response.status) && response.status != 101 {
                continue;
            }
            let bodiless = method == "HEAD" || matches!(response.status, 101 | 204 | 304);
            response.body = if bodiless { Vec::new() } else { self.read_body(&response)? };
            return Ok(response);
        }
    }

    fn read_head(&mut self) -> io::Result<Response> {
        let status_line = self.read_line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| invalid(format!("no status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok(Response { status, headers, body: Vec::new() });
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(format!("no header line: {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn read_body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if response.header("transfer-encoding").is_some() {
            loop {
                let size = self.read_line()?;
                let size = usize::from_str_radix(&size, 16).map_err(|_| invalid(format!("no chunk size: {size:?}")))?;
                let start = body.len();
                body.resize(start + size, 0);
                self.stream.read_exact(&mut body[start..])?;
                let end = self.read_line()?; // after the last chunk, trailers until an empty line
                if size == 0 && end.is_empty() {
                    return Ok(body);
                }
            }
        }
        match response.header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| invalid(format!("no length: {length:?}")))?;
                body.resize(length, 0);
                self.stream.read_exact(&mut body)?;
            }
            None => drop(self.stream.read_to_end(&mut body)?),
        }
        Ok(body)
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(line) => String::from_utf8(line.to_vec()).map_err(|_| invalid("a line is not UTF-8".to_owned())),
            None if line.is_empty() => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed without an answer")),
            None => Err(invalid(format!("a line without its end: {:?}", String::from_utf8_lossy(&line)))),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header lines in order, names as they came.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header that stands there once; panics when it stands there more often.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values =
            self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} stands more than once in {self:?}");
        value
    }

    /// Says that nobody could judge the token, and when to come again: 503, never a challenge.
    pub fn assert_unavailable(&self, what: &str) {
        assert_eq!(self.status, 503, "{what}: {}", self.text());
        let seconds = self.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0), "{what}: Retry-After {seconds:?}");
        assert_eq!(self.header("www-authenticate"), None, "{what}");
        assert_eq!(self.json()["reason"], "unavailable", "{what}");
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// What `Echo` says it got under this header, if it got it; panics when it got several.
    pub fn echoed(&self, name: &str) -> Option<String> {
        let json = self.json();
        let headers = json["headers"].as_array().unwrap_or_else(|| panic!("no echo: {}", self.text()));
        let values: Vec<&str> = headers
            .iter()
            .filter(|header| header[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)))
            .filter_map(|header| header[1].as_str())
            .collect();
        assert!(values.len() <= 1, "the upstream got {name} {} times: {values:?}", values.len());
        values.first().map(|value| (*value).to_owned())
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn form_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
