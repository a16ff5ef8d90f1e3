//! Field lines: a name, a colon, a value, and CRLF (RFC 9112, 5).

use super::driver::{Row, play, row};

#[test]
fn a_field_line_has_one_reading_or_the_request_is_refused() {
    play(&rows());
}

/// A field line, and how it arrives.
const GOOD: &[(&str, &[u8], &[u8])] = &[
    ("a field", b"X-A: b", b"X-A: b"),
    ("no space after the colon", b"X-A:b", b"X-A: b"),
    ("much whitespace around the value", b"X-A: \t  b \t ", b"X-A: b"),
    ("no value", b"X-A:", b"X-A:"),
    ("whitespace for a value", b"X-A: \t ", b"X-A:"),
    ("a colon in the value", b"X-A: b:c", b"X-A: b:c"),
    ("a value that begins with a colon", b"X-A::b", b"X-A: :b"),
    ("a tab in the value", b"X-A: b\tc", b"X-A: b\tc"),
    ("many spaces in the value", b"X-A: b    c", b"X-A: b    c"),
    (
        "every printable character",
        b"X-A: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
        b"X-A: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
    ),
    ("obs-text", b"X-A: caf\xe9 \x80\xff", b"X-A: caf\xe9 \x80\xff"),
    ("UTF-8", "X-A: \u{1f43b}".as_bytes(), "X-A: \u{1f43b}".as_bytes()),
    ("every character of a name", b"!#$%&'*+-.^_`|~09azAZ: b", b"!#$%&'*+-.^_`|~09azAZ: b"),
    ("a name of one character", b"X: b", b"X: b"),
    ("a name of digits", b"123: b", b"123: b"),
    ("a value that looks like a request line", b"X-A: GET /private/x HTTP/1.1", b"X-A: GET /private/x HTTP/1.1"),
    ("a value with percent-encoded CRLF", b"X-A: b%0d%0aX-Auth-Subject: c", b"X-A: b%0d%0aX-Auth-Subject: c"),
    ("a value that looks like an escape", b"X-A: b\\r\\nc", b"X-A: b\\r\\nc"),
];

const BAD: &[(&str, &[u8])] = &[
    ("a space before the colon", b"X-A : b"),
    ("a tab before the colon", b"X-A\t: b"),
    ("a space in the name", b"X A: b"),
    ("a leading space", b" X-A: b"),
    ("a leading tab", b"\tX-A: b"),
    ("a continued line", b"X-A: b\r\n c"),
    ("a continued line, by a tab", b"X-A: b\r\n\tc"),
    ("a continued line with a field in it", b"X-A: b\r\n X-Auth-Subject: c"),
    ("a continued line of whitespace", b"X-A: b\r\n  "),
    ("a continued line without a value", b"X-A:\r\n b"),
    ("no name", b": b"),
    ("no name and no value", b":"),
    ("no colon", b"X-A"),
    ("no colon, two words", b"X-A b"),
    ("a request line", b"GET /private/x HTTP/1.1"),
    ("a bare LF", b"X-A: b\nX-Auth-Subject: c"),
    ("a bare CR", b"X-A: b\rX-Auth-Subject: c"),
    ("a bare LF and a space", b"X-A: b\n X-Auth-Subject: c"),
    ("a bare LF at its end", b"X-A: b\nX-B: c"),
    ("CR CR LF", b"X-A: b\r"),
    ("LF CR", b"X-A: b\n\rX-B: c"),
    ("CR NUL LF", b"X-A: b\r\0\nX-B: c"),
    ("a CR at the beginning of a line", b"\rX-A: b"),
    ("a CR after the colon", b"X-A:\rb"),
    ("a bare LF, twice", b"X-A: b\n\nGET /private/x HTTP/1.1"),
    ("an empty line ended by a bare LF", b"X-A: b\r\n\nGET /private/x HTTP/1.1\r\nHost: a"),
    ("CR LF CR CR LF", b"X-A: b\r\n\r"),
    ("a name with a soft hyphen", b"X\xadA: b"),
    ("a name in UTF-8", "X-\u{e9}: b".as_bytes()),
    ("a name with a no-break space at its end", b"X-A\xa0: b"),
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, sent, arrived) in GOOD {
        rows.push(row(*name, "RFC 9112 5, RFC 9110 5.5", get(sent)).arrives("").and(|it| it.with(arrived)));
    }
    let several = get(b"X-A: 1\r\nCookie: a=1\r\nX-A: 2\r\nCookie: b=2\r\nx-a: 3");
    rows.push(
        row("a field three times", "RFC 9110 5.3", several)
            .arrives("")
            .and(|it| it.with("X-A: 1").with("X-A: 2").with("X-A: 3").with("Cookie: a=1").with("Cookie: b=2")),
    );
    for (name, field) in BAD {
        rows.push(row(*name, "RFC 9112 2.2, 5.1, 5.2", get(field)).refused(&[400]));
        // The same as the first field line of all (RFC 9112, 2.2).
        let first = [b"GET /public/<row-id> HTTP/1.1\r\n", *field, b"\r\nHost: a\r\n\r\n"].concat();
        rows.push(row(format!("{name}, first of all"), "RFC 9112 2.2, 5.1", first).refused(&[400]));
    }
    for byte in b"\"(),/;<=>?@[\\]{}".iter().copied().chain(0..=32).chain([127, 128, 0xe9, 0xff]) {
        let name = format!("a name with byte {byte:#04x}");
        rows.push(row(name, "RFC 9110 5.1", get(&[b"X", &[byte][..], b"A: b"].concat())).refused(&[400]));
    }
    for byte in (0..32).chain([127]).filter(|byte| *byte != b'\t') {
        let name = format!("a value with byte {byte:#04x}");
        rows.push(row(name, "RFC 9110 5.5", get(&[b"X-A: b", &[byte][..], b"c"].concat())).refused(&[400]));
    }
    for byte in [0, b'\r', 1, 0x0b, 127] {
        let name = format!("a value that ends with byte {byte:#04x}");
        rows.push(row(name, "RFC 9110 5.5", get(&[b"X-A: b", &[byte][..]].concat())).refused(&[400]));
    }
    rows
}

fn get(field: &[u8]) -> Vec<u8> {
    [b"GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n", field, b"\r\n\r\n"].concat()
}
