//! `Host`: there once, and one place (RFC 9112, 3.2; RFC 9110, 7.2).

use super::driver::{Row, play, row};

#[test]
fn a_request_names_one_host_or_is_refused() {
    play(&rows());
}

const GOOD: &[&str] = &[
    "a",
    "a:8080",
    "A.Example.COM",
    "a.example.com",
    "a.example.com:1",
    "a.example.com:65535",
    "127.0.0.1",
    "127.0.0.1:8080",
    "[::1]",
    "[::1]:8080",
    "[2001:db8::7]",
    "xn--caf-dma.example",
    "a-b.example",
    "localhost",
];

const BAD: &[&str] = &[
    "",
    " ",
    "a, b",
    "a,a",
    "a b",
    "a\tb",
    "user@a",
    "user:secret@a",
    "@a",
    "a/",
    "a/x",
    "a?x",
    "a#x",
    "a\\x",
    "a:",
    "a:x",
    "a:-1",
    "a:+80",
    "a:80:80",
    "a:99999",
    "a: 80",
    "a :80",
    ":80",
    ":",
    "[::1",
    "::1",
    "[::1]x",
    "[]",
    "[a]",
    "[::1]:x",
    "a..b",
    ".a",
    "a..",
    "a%2eb",
    "a%00",
    "http://a",
    "//a",
    "a;b",
    "a\"",
    "<a>",
    "a|b",
    "a^b",
    "a`b",
    "{a}",
    "a\u{e9}",
    "\u{1f43b}",
    "a=b?",
    "*:80:",
    "a\u{3002}b",
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for host in GOOD {
        let arrives = row(format!("Host {host}"), "RFC 9110 7.2", get(&format!("Host: {host}\r\n"))).arrives("");
        rows.push(arrives.and(|it| it.with(format!("Host: {host}")).with(format!("X-Forwarded-Host: {host}"))));
    }
    for (name, field) in [("no space", "Host:a"), ("tabs and spaces", "Host: \t a \t "), ("small letters", "host: a")] {
        let arrives = row(format!("Host with {name}"), "RFC 9112 5.1", get(&format!("{field}\r\n"))).arrives("");
        rows.push(arrives.and(|it| it.with("Host: a")));
    }
    for host in BAD {
        let raw = get(&format!("Host: {host}\r\n"));
        rows.push(row(format!("Host {host:?}"), "RFC 9112 3.2", raw).turned_away(&[400]));
    }
    for byte in (0..32).chain([127, 128, 255]).filter(|byte| *byte != b'\t') {
        let raw = [b"GET /public/<row-id> HTTP/1.1\r\nHost: a", &[byte][..], b"b\r\n\r\n"].concat();
        rows.push(row(format!("Host with byte {byte:#04x}"), "RFC 9110 7.2", raw).turned_away(&[400]));
    }
    for (name, fields) in [
        ("no Host", ""),
        ("Host twice", "Host: a\r\nHost: b\r\n"),
        ("Host twice, the same", "Host: a\r\nHost: a\r\n"),
        ("Host twice, one empty", "Host: a\r\nHost:\r\n"),
        ("Host twice, in two spellings", "Host: a\r\nhost: a\r\n"),
        ("Host twice, apart", "Host: a\r\nX-A: b\r\nHOST: b\r\n"),
        ("Host three times", "Host: a\r\nHost: a\r\nHost: a\r\n"),
        ("a space before its colon", "Host : a\r\n"),
        ("a tab before its colon", "Host\t: a\r\n"),
        ("a space before it", " Host: a\r\n"),
        ("Host folded", "Host: a\r\n b\r\n"),
        ("Host on the next line", "Host:\r\n a\r\n"),
        ("an alias and no Host", "X-Host: a\r\nX-Forwarded-Host: a\r\nHost_: a\r\n"),
        ("Host after a bare LF alone", "X-A: b\nHost: a\r\n"),
    ] {
        rows.push(row(name, "RFC 9112 3.2", get(fields)).refused(&[400]));
    }
    for (name, fields) in
        [("twice", "Host: a\r\nHost: b\r\n"), ("with userinfo", "Host: user@a\r\n"), ("of two", "Host: a, b\r\n")]
    {
        let raw = format!("GET /public/<row-id> HTTP/1.0\r\n{fields}\r\n");
        rows.push(row(format!("HTTP/1.0: Host {name}"), "RFC 9112 3.2", raw).turned_away(&[400]));
    }
    rows
}

fn get(fields: &str) -> String {
    format!("GET /public/<row-id> HTTP/1.1\r\n{fields}\r\n")
}
