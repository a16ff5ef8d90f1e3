//! One request, asked in three places.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bearward_core::{HeaderField, Reason, Server, Wire};
use bearward_gate::{Explanation, RequestFacts, Verdict};
use bearward_proxy::{ProxySettings, UpstreamSettings};
use bearward_tower::{BearwardLayer, Gate};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _};

use super::table::Case;

/// The same everywhere, so that bodies are too.
const REQUEST_ID: &str = "case";

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub status: u16,
    /// Of a refusal: all but those that speak of the connection.
    pub headers: Vec<String>,
    /// Of a refusal, its body; else the identity headers that the service behind the mount gets.
    pub body: String,
    /// What the gate alone knows.
    pub reason: Option<Reason>,
}

impl Told {
    /// What a client learns of it.
    pub fn on_the_wire(&self) -> Self {
        Self { status: self.status, headers: self.headers.clone(), body: self.body.clone(), reason: None }
    }

    fn admitted(identity: String) -> Self {
        Self { status: 200, headers: Vec::new(), body: identity, reason: None }
    }

    fn refused<'a>(status: u16, fields: impl Iterator<Item = (&'a str, &'a str)>, body: String) -> Self {
        let kept = fields.filter(|(name, _)| !matches!(*name, "connection" | "date"));
        let mut headers: Vec<_> = kept.map(|(name, value)| format!("{name}: {value}")).collect();
        headers.sort();
        Self { status, headers, body, reason: None }
    }
}

/// Whatever a service could take for an identity header, sorted.
fn identity<'a>(seen: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let folded = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    let mut lines: Vec<_> = seen
        .filter(|(name, _)| folded(name).starts_with("x-auth-"))
        .map(|(name, value)| format!("{}: {value}\n", name.to_ascii_lowercase()))
        .collect();
    lines.sort();
    lines.concat()
}

fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
}

fn request(case: &Case) -> Request<()> {
    let mut request = Request::builder().method(case.method.clone()).uri(case.target);
    request = request.header("host", case.host).header("x-request-id", REQUEST_ID);
    for (name, value) in &case.headers {
        request = request.header(*name, value);
    }
    request.body(()).unwrap()
}

pub async fn at_the_gate(gate: &Gate, case: &Case) -> Told {
    let request = request(case);
    let mut facts = RequestFacts::new(request.method(), request.uri().path().as_bytes(), request.headers());
    facts.authority = request.uri().authority().map(http::uri::Authority::as_str);
    facts.query = request.uri().query().map(str::as_bytes);
    let decision = gate.decide(&facts).await;
    match decision.verdict {
        Verdict::Admit(admission) => {
            let seen = admission.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
            Told::admitted(identity(seen))
        }
        Verdict::Refuse(refusal) => {
            let answer = refusal.answer(REQUEST_ID, Wire::of(request.headers()));
            let mut headers: HeaderMap = answer.headers.into_iter().collect();
            headers.insert("x-request-id", REQUEST_ID.parse().unwrap());
            let body =
                if case.method == Method::HEAD { String::new() } else { String::from_utf8(answer.body).unwrap() };
            Told { reason: Some(refusal.reason()), ..Told::refused(answer.status.as_u16(), fields(&headers), body) }
        }
    }
}

/// The request as a head that was parsed in place, and its decision explained.
pub async fn explained(gate: &Gate, case: &Case) -> Explanation {
    let request = request(case);
    let list: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| HeaderField { name: name.as_str(), value: value.as_bytes() })
        .collect();
    let mut facts = RequestFacts::new(request.method(), request.uri().path().as_bytes(), &list[..]);
    facts.authority = request.uri().authority().map(http::uri::Authority::as_str);
    facts.query = request.uri().query().map(str::as_bytes);
    gate.explain(&facts).await
}

pub async fn at_the_layer(gate: &Arc<Gate>, case: &Case) -> Told {
    let inner = tower::service_fn(async |request: Request<()>| {
        let mut response = Response::new(Full::new(Bytes::from(identity(fields(request.headers())))));
        response.headers_mut().insert("inner", "yes".parse().unwrap());
        Ok::<_, Infallible>(response)
    });
    let service = BearwardLayer::new(Arc::clone(gate)).with_identity_headers().layer(inner);
    let (head, body) = service.oneshot(request(case)).await.unwrap().into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    if head.headers.contains_key("inner") {
        return Told::admitted(body);
    }
    Told::refused(head.status.as_u16(), fields(&head.headers), body)
}

/// A proxy in front of a server that answers with what it gets.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    /// The proxy ends when the last of these is dropped.
    _stop: Arc<tokio::sync::watch::Sender<bool>>,
}

impl Proxy {
    pub fn start(gate: Arc<Gate>) -> Self {
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server::parse(&upstream.local_addr().unwrap().to_string()).unwrap();
        thread::spawn(move || upstream.incoming().for_each(|stream| tell(stream.unwrap())));
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (stop, shutdown) = tokio::sync::watch::channel(false);
        let settings = ProxySettings::new([address], [UpstreamSettings::new("", [server])]);
        thread::spawn(move || {
            bearward_proxy::run(settings, gate, &bearward_gate::MetricsRegistry::default(), shutdown, || ()).unwrap();
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the proxy does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Self { address, _stop: Arc::new(stop) }
    }

    pub fn ask(&self, case: &Case) -> Told {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut raw = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", case.method, case.target, case.host);
        raw.push_str(&format!("connection: close\r\nx-request-id: {REQUEST_ID}\r\n"));
        for (name, value) in &case.headers {
            raw.push_str(&format!("{name}: {value}\r\n"));
        }
        raw.push_str("\r\n");
        stream.write_all(raw.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)).collect();
        // In a header, because an answer to HEAD shows no body.
        if let Some((_, seen)) = fields.iter().find(|(name, _)| name == "inner") {
            return Told::admitted(seen.replace('|', "\n"));
        }
        Told::refused(status, fields.iter().map(|(name, value)| (name.as_str(), *value)), body.to_owned())
    }
}

/// Answers one request with the identity headers that it has.
fn tell(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let seen = identity(head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "))).replace('\n', "|");
    let answer = format!("HTTP/1.1 200 OK\r\ninner: {seen}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes());
}
