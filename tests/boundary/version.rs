//! The version, and what HTTP/1.0 changes (RFC 9112, 2.3 and 9.3).

use super::driver::{Row, play, row};

#[test]
fn the_version_is_1_0_or_1_1_and_each_is_served_by_its_own_rules() {
    play(&rows());
}

/// What is neither HTTP/1.0 nor HTTP/1.1.
const OTHERS: &[&str] = &[
    "HTTP/1.2",
    "HTTP/1.9",
    "HTTP/0.9",
    "HTTP/2.0",
    "HTTP/2",
    "HTTP/3.0",
    "HTTP/9.9",
    "HTTP/1",
    "HTTP/1.",
    "HTTP/.1",
    "HTTP/11",
    "HTTP/1.1.1",
    "HTTP/1.10",
    "HTTP/1.01",
    "HTTP/01.1",
    "HTTP/1,1",
    "HTTP/1-1",
    "HTTP/1.x",
    "HTTP/1.1x",
    "HTTP/+1.1",
    "HTTP/1.+1",
    "HTTP/-1.1",
    "HTTP/ 1.1",
    "HTTP /1.1",
    "HTTP/1 .1",
    "http/1.1",
    "Http/1.1",
    "HTTPS/1.1",
    "HTP/1.1",
    "HTTP1.1",
    "HTTP//1.1",
    "HTTP\\1.1",
    "XHTTP/1.1",
    "ICY/1.1",
    "RTSP/1.0",
    "SIP/2.0",
    "HTTP/\u{661}.1",
    "HTTP/1.1\u{a0}",
    "HTTP",
    "/1.1",
    "1.1",
    "HTTP/4294967297.1",
    "HTTP/1.4294967297",
    "HTTP/1.1;a=b",
    "HTTP/1.1,",
];

fn rows() -> Vec<Row> {
    let get = |version: &str, fields: &str| format!("GET /public/<row-id> {version}\r\n{fields}\r\n");
    let mut rows = Vec::new();
    for version in OTHERS {
        let raw = get(version, "Host: a\r\n");
        rows.push(row(format!("version {version}"), "RFC 9112 2.3", raw).refused(&[400, 505]));
    }
    for (connection, is_kept) in [
        ("", true),
        ("Connection: keep-alive\r\n", true),
        ("Connection: x\r\n", true),
        ("Connection: close\r\n", false),
        ("Connection: Close\r\n", false),
        ("connection: CLOSE\r\n", false),
        ("Connection: keep-alive, close\r\n", false),
        ("Connection: x,close ,y\r\n", false),
        ("Connection: ,, close\r\n", false),
        ("Connection: keep-alive\r\nConnection: close\r\n", false),
    ] {
        let name = format!("HTTP/1.1 with {connection:?}");
        let row = row(name, "RFC 9112 9.3, 9.6", get("HTTP/1.1", &format!("Host: a\r\n{connection}"))).arrives("");
        rows.push(if is_kept { row } else { row.then_closed() });
    }
    for (connection, is_kept) in [
        ("", false),
        ("Connection: keep-alive\r\n", true),
        ("Connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n", true),
        ("Connection: x\r\n", false),
        ("Connection: close\r\n", false),
        ("Connection: keep-alive, close\r\n", false),
        ("Keep-Alive: timeout=5\r\n", false),
        ("Proxy-Connection: keep-alive\r\n", false),
    ] {
        let name = format!("HTTP/1.0 with {connection:?}");
        let raw = get("HTTP/1.0", &format!("Host: a\r\n{connection}"));
        // Keeping a connection is never a duty (RFC 9112, 9.3).
        let row = row(name, "RFC 9112 9.3, C.2.2", raw).arrives("");
        rows.push(if is_kept { row.then_either() } else { row.then_closed() });
    }
    rows.push(
        row("HTTP/1.0 without Host", "RFC 9112 3.2", get("HTTP/1.0", ""))
            .arrives("")
            .and(|it| it.without("x-forwarded-host"))
            .then_closed(),
    );
    let post = "POST /public/<row-id> HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody";
    rows.push(row("HTTP/1.0 with a body", "RFC 9112 6.3", post).arrives("body").then_closed());
    let post = "POST /public/<row-id> HTTP/1.0\r\n\r\n";
    rows.push(row("HTTP/1.0 without a length", "RFC 9112 6.3", post).arrives("").then_closed());
    rows
}
