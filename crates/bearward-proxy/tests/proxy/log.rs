//! The access log, and what must never be in any log.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::gateway::Gateway;
use crate::upstream::Upstream;

/// Everything that is logged while the tests run, pingora's own lines among it.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn capture() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| tracing_subscriber::fmt().json().with_writer(|| Log).init());
}

/// The access log's line about a request.
fn line(request_id: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
        let mut lines = log.lines().filter(|line| line.contains(request_id) && line.contains("bearward::access"));
        if let Some(line) = lines.next() {
            assert!(lines.next().is_none(), "two lines for one request");
            return line.to_owned();
        }
        assert!(Instant::now() < deadline, "no line about {request_id}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_request_is_one_line_and_no_line_holds_a_token_or_a_query() {
    capture();
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let secret = "Authorization: Bearer S3CRET.S3CRET.S3CRET\r\nCookie: t=S3CRET\r\n";
    for (id, path, expected) in [
        (
            "log-1",
            "/open/a",
            &["\"status\":200", "\"verdict\":\"admit\"", "\"upstream\":\"open\"", "\"route\":\"open\""][..],
        ),
        (
            "log-2",
            "/private/a",
            &["\"status\":401", "\"verdict\":\"refuse\"", "\"reason\":\"", "\"route\":\"private\""],
        ),
        ("log-3", "/dead/a", &["\"status\":502", "\"verdict\":\"error\"", "\"reason\":\"upstream_unreachable\""]),
        ("log-4", "/open/slam", &["\"status\":502", "\"verdict\":\"error\"", "\"reason\":\"upstream_failed\""]),
        ("log-5", "/open/garbage", &["\"status\":502", "\"reason\":\"upstream_failed\""]),
        ("log-6", "/open/cut", &["\"status\":200", "\"verdict\":\"error\"", "\"reason\":\"upstream_failed\""]),
        ("log-7", "/open/a//b", &["\"status\":400", "\"reason\":\"path_ambiguous\""]),
    ] {
        let head = format!("Host: api.example.com\r\nX-Request-Id: {id}\r\n{secret}");
        gateway.ask(format!("GET {path}?code=S3CRET HTTP/1.1\r\n{head}\r\n"));
        let line = line(id);
        let common = [
            &format!("\"path\":\"{path}\"") as &str,
            "\"method\":\"GET\"",
            "\"host\":\"api.example.com\"",
            "\"client\":\"127.0.0.1\"",
        ];
        for part in common.iter().chain(expected) {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    gateway.ask(format!("GET /open/a?S3CRET HTTP/1.1\r\nHost : S3CRET\r\n{secret}\r\n"));
    gateway.ask(format!("GET /open/a?S3CRET HTTP/1.1\r\nHost: a\r\nConnection: host\r\n{secret}\r\n"));
    std::thread::sleep(Duration::from_millis(100));
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    assert!(!log.contains("S3CRET"), "{}", log.lines().find(|line| line.contains("S3CRET")).unwrap());
}
