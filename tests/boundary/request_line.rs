//! The request line: a method, a target and a version, with one space between each (RFC 9112, 3).

use super::driver::{Row, play, row};

#[test]
fn a_request_line_has_one_reading_or_is_refused() {
    play(&rows());
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PROPFIND", "M-SEARCH", "brew", "!#$%&'*+-.^_`|~09azAZ"] {
        let raw = request(&format!("{method} /public/<row-id> HTTP/1.1"));
        rows.push(row(format!("method {method}"), "RFC 9110 9.1", raw).arrives(""));
    }
    for method in ["POST", "PUT", "PATCH", "QUERY"] {
        let line = format!("{method} /public/<row-id> HTTP/1.1\r\nContent-Length: 4");
        rows.push(row(format!("method {method}"), "RFC 9110 9.1", request(&line) + "body").arrives("body"));
    }
    let empty_line = format!("\r\n{}", request("GET /public/<row-id> HTTP/1.1"));
    rows.push(row("an empty line before it", "RFC 9112 2.2", empty_line).arrives(""));

    for (name, line) in BROKEN {
        rows.push(row(*name, "RFC 9112 3", request(line)).refused(&[400]));
    }
    for (name, bytes) in BROKEN_BYTES {
        rows.push(row(*name, "RFC 9112 2.2", bytes).refused(&[400]));
    }
    for c in "(),/:;<=>?@[\\]{}\"".chars() {
        let line = format!("G{c}T /public/<row-id> HTTP/1.1");
        rows.push(row(format!("a method with {c:?}"), "RFC 9110 5.6.2", request(&line)).refused(&[400]));
    }
    for byte in [0, 1, 8, 9, 11, 12, 27, 31, 127, 128, 0xa0, 0xe9, 0xff] {
        let line = [b"G", &[byte][..], b"T /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        rows.push(row(format!("a method with byte {byte:#04x}"), "RFC 9110 5.6.2", line).refused(&[400]));
    }
    // Servers that write methods in capitals would serve what another route guards.
    for method in ["get", "Get", "gET", "post", "delete", "trace", "connect", "track"] {
        let line = format!("{method} /public/<row-id> HTTP/1.1");
        rows.push(row(format!("method {method}"), "RFC 9110 9.1", request(&line)).turned_away(&[400]));
    }
    for line in ["TRACE /public/<row-id> HTTP/1.1", "TRACK /public/<row-id> HTTP/1.1", "CONNECT a:80 HTTP/1.1"] {
        rows.push(row(line, "RFC 9110 9.3.6, 9.3.8", request(line)).turned_away(&[405]));
    }
    rows
}

fn request(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n")
}

const BROKEN: &[(&str, &str)] = &[
    ("two spaces after the method", "GET  /public/<row-id> HTTP/1.1"),
    ("two spaces before the version", "GET /public/<row-id>  HTTP/1.1"),
    ("a space before the method", " GET /public/<row-id> HTTP/1.1"),
    ("a tab before the method", "\tGET /public/<row-id> HTTP/1.1"),
    ("a space after the version", "GET /public/<row-id> HTTP/1.1 "),
    ("a tab after the version", "GET /public/<row-id> HTTP/1.1\t"),
    ("a tab after the method", "GET\t/public/<row-id> HTTP/1.1"),
    ("a tab before the version", "GET /public/<row-id>\tHTTP/1.1"),
    ("a space and a tab", "GET \t/public/<row-id> HTTP/1.1"),
    ("a vertical tab after the method", "GET\x0b/public/<row-id> HTTP/1.1"),
    ("a form feed before the version", "GET /public/<row-id>\x0cHTTP/1.1"),
    ("a no-break space after the method", "GET\u{a0}/public/<row-id> HTTP/1.1"),
    ("a CR for a space", "GET\r/public/<row-id> HTTP/1.1"),
    ("a CR before the version", "GET /public/<row-id>\rHTTP/1.1"),
    ("a CR in the version", "GET /public/<row-id> HTTP/1\r.1"),
    ("two CR at the end", "GET /public/<row-id> HTTP/1.1\r"),
    ("a NUL after the method", "GET\0 /public/<row-id> HTTP/1.1"),
    ("a NUL at the end", "GET /public/<row-id> HTTP/1.1\0"),
    ("no method", "/public/<row-id> HTTP/1.1"),
    ("no method but its space", " /public/<row-id> HTTP/1.1"),
    ("no target", "GET HTTP/1.1"),
    ("no target but its space", "GET  HTTP/1.1"),
    ("no version (HTTP/0.9)", "GET /public/<row-id>"),
    ("no version but its space", "GET /public/<row-id> "),
    ("a method alone", "GET"),
    ("a space alone", " "),
    ("a target alone", "/public/<row-id>"),
    ("two targets", "GET /public/<row-id> /private/x HTTP/1.1"),
    ("two targets, the second one open", "GET /private/x /public/<row-id> HTTP/1.1"),
    ("two versions", "GET /public/<row-id> HTTP/1.1 HTTP/1.1"),
    ("a second request line", "GET /public/<row-id> HTTP/1.1 GET /private/x HTTP/1.1"),
    ("a method in quotes", "\"GET\" /public/<row-id> HTTP/1.1"),
    ("a header field for a request line", "X-A: /public/<row-id>"),
    ("an answer for a request", "HTTP/1.1 200 /public/<row-id>"),
    ("a method of two words", "GET POST /public/<row-id> HTTP/1.1"),
    ("a byte order mark before it", "\u{feff}GET /public/<row-id> HTTP/1.1"),
];

const BROKEN_BYTES: &[(&str, &[u8])] = &[
    ("a bare LF at its end", b"GET /public/<row-id> HTTP/1.1\nHost: a\r\n\r\n"),
    ("bare LF alone everywhere", b"GET /public/<row-id> HTTP/1.1\nHost: a\n\n"),
    ("a bare CR at its end", b"GET /public/<row-id> HTTP/1.1\rHost: a\r\n\r\n"),
    ("bare CR everywhere", b"GET /public/<row-id> HTTP/1.1\rHost: a\r\r\n\r\n"),
    ("LF and CR the wrong way round", b"GET /public/<row-id> HTTP/1.1\n\rHost: a\r\n\r\n"),
    ("an empty line ended by a bare LF before it", b"\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a bare CR before it", b"\rGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CR CR LF before it", b"\r\r\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a line with a space before it", b" \r\nGET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("NUL before it", b"\0GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a bare LF in the target", b"GET /public/<row-id>\n HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a bare LF after the method", b"GET\n/public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n"),
];
