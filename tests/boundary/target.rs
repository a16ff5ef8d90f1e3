//! The target: forwarded byte for byte, or refused (RFC 9112, 3.2; RFC 3986, 3). Paths with two readings have more rows in
//! `tests/paths.rs`; here are the bytes and the forms.

use super::driver::{Arrival, Row, play, row};

#[test]
fn a_target_arrives_byte_for_byte_or_not_at_all() {
    play(&rows());
}

const GOOD: &[&str] = &[
    "/public/<row-id>",
    "/public/<row-id>/",
    "/public/<row-id>?",
    "/public/<row-id>?a=b&c=d",
    "/public/<row-id>?a=b?c=d",
    "/public/<row-id>?/../private/x",
    "/public/<row-id>?//;%2f%00%zz",
    "/public/<row-id>?q='{}|\\^[]",
    "/public/<row-id>/a-b_c~d.e!$&'()*+,=:@",
    "/public/<row-id>/caf%C3%A9",
    "/public/<row-id>/a%20b",
    "/public/<row-id>/%F0%9F%90%BB",
    "/public/<row-id>?http://b/",
    "/public/<row-id>/http:",
    "/public/<row-id>?access_token=x",
];

const BAD: &[&str] = &[
    // The four forms (RFC 9112, 3.2), and what is none of them.
    "*",
    "a",
    "a:80",
    "public/<row-id>",
    "?/public/<row-id>",
    "//public/<row-id>",
    "//a/public/<row-id>",
    "http:/public/<row-id>",
    "http:public/<row-id>",
    "http:///public/<row-id>",
    "http:////a/public/<row-id>",
    "http://a//public/<row-id>",
    "ftp://a/public/<row-id>",
    "ws://a/public/<row-id>",
    "file:///public/<row-id>",
    "javascript:public/<row-id>",
    "http://a\\public/<row-id>",
    "http:\\\\a\\public/<row-id>",
    ":80/public/<row-id>",
    "http://",
    "http:",
    "://a/public/<row-id>",
    "a/public/<row-id>",
    "%2fpublic/<row-id>",
    "\\public/<row-id>",
    // Userinfo, and other hosts than `Host` says.
    "http://user@a/public/<row-id>",
    "http://user:secret@a/public/<row-id>",
    "http://@a/public/<row-id>",
    "http://a@b/public/<row-id>",
    "http://b/public/<row-id>",
    "http://a:81/public/<row-id>",
    "http://a,b/public/<row-id>",
    "http://a%00/public/<row-id>",
    "http://[a/public/<row-id>",
    "http://a]/public/<row-id>",
    "http://a:x/public/<row-id>",
    // Two readings.
    "/public/<row-id>/../x",
    "/public/%2e%2e/private/<row-id>",
    "/public/./<row-id>",
    "/public//<row-id>",
    "/public/<row-id>%2fx",
    "/public/<row-id>\\x",
    "/public/<row-id>;x",
    "/public/<row-id>%00",
    "/public/<row-id>%",
    "/public/<row-id>%zz",
    "/public/%2561<row-id>",
    "http://a/public/../private/<row-id>",
    // Fragments, and what no path holds.
    "/public/<row-id>#",
    "/public/<row-id>#x",
    "/public/<row-id>?a#b",
    "http://a/public/<row-id>#x",
    "#/public/<row-id>",
    "/public/<row-id>\"",
    "/public/<row-id><",
    "/public/<row-id>>",
    "/public/<row-id>^",
    "/public/<row-id>`",
    "/public/<row-id>{",
    "/public/<row-id>|",
    "/public/<row-id>}",
    "/public/<row-id>[",
    "/public/<row-id>]",
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for target in GOOD {
        rows.push(row(format!("target {target}"), "RFC 9112 3.2.1", request(target.as_bytes())).arrives(""));
    }
    for target in BAD {
        rows.push(row(format!("target {target}"), "RFC 9112 3.2", request(target.as_bytes())).refused_path());
    }
    rows.push(row("* for the server", "RFC 9112 3.2.4", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").turned_away(&[400]));
    for byte in (0..=32).chain([127]) {
        for place in ["/public/?<row-id>", "/public/<row-id>?/x", "/pub?lic/<row-id>", "?/public/<row-id>"] {
            let (before, after) = place.split_once('?').unwrap();
            let target = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            let name = format!("byte {byte:#04x} in {place}");
            // Half of the places for each byte, in turn.
            if (usize::from(byte) + place.len()) % 2 == 0 || b"\0\t\n\r \x7f".contains(&byte) {
                rows.push(row(name, "RFC 9112 3.2", request(&target)).refused(&[400]));
            }
        }
        let target = [b"/public/<row-id>?a", &[byte][..], b"b"].concat();
        rows.push(row(format!("byte {byte:#04x} in a query"), "RFC 9112 3.2", request(&target)).refused(&[400]));
    }
    for byte in [0x80, 0x85, 0xa0, 0xc0, 0xc3, 0xe9, 0xff] {
        let target = [b"/public/<row-id>", &[byte][..]].concat();
        rows.push(row(format!("byte {byte:#04x} in a path"), "RFC 3986 3.3", request(&target)).refused_path());
        // No query holds it (RFC 3986, 3.4); many clients send it, and what goes on as it is has one reading.
        let target = [b"/public/<row-id>?", &[byte][..]].concat();
        rows.push(
            row(format!("byte {byte:#04x} in a query"), "RFC 3986 3.4", request(&target)).refused_path().arrives(""),
        );
    }
    rows.extend(absolute());
    rows
}

/// Targets in absolute form (RFC 9112, 3.2.2): the path in them is what is judged, their authority what is asked for.
fn absolute() -> Vec<Row> {
    let source = "RFC 9112 3.2.2";
    let arrives = |target: &str, host: &str, arrived: &str| {
        let raw = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        row(format!("target {target}"), source, raw).arrives_as(Arrival::get(arrived).with(format!("Host: {host}")))
    };
    vec![
        arrives("http://a/public/<row-id>", "a", "/public/<row-id>"),
        arrives("http://a:8080/public/<row-id>?b=//c", "a:8080", "/public/<row-id>?b=//c"),
        arrives("HTTP://a/public/<row-id>", "a", "/public/<row-id>"),
        arrives("https://a/public/<row-id>", "a", "/public/<row-id>"),
        arrives("http://[::1]:80/public/<row-id>", "[::1]:80", "/public/<row-id>"),
        row("absolute and HTTP/1.0", source, "GET http://a/public/<row-id> HTTP/1.0\r\n\r\n")
            .arrives_as(Arrival::get("/public/<row-id>").with("Host: a"))
            .then_closed(),
        row("absolute, without Host", "RFC 9112 3.2", "GET http://a/public/<row-id> HTTP/1.1\r\n\r\n").refused(&[400]),
        row("absolute, protected", source, "GET http://a/private/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n")
            .turned_away(&[401]),
        row("absolute, without a path", source, "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").turned_away(&[404]),
        // Equal but for case and the default port: to refuse it is allowed, to pass on something else is not.
        row("absolute, another spelling of Host", source, "GET http://A/public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n")
            .refused_path()
            .arrives_as(Arrival::get("/public/<row-id>")),
    ]
}

fn request(target: &[u8]) -> Vec<u8> {
    [b"GET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat()
}

impl Row {
    /// 400, from the boundary or from the rules for paths: the message itself has an end, so the connection may go on.
    fn refused_path(self) -> Self {
        self.turned_away(&[400])
    }
}
