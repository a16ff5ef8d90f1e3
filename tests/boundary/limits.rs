//! What is too large is refused as soon as it is (RFC 6585, 5; RFC 9110, 15.5.15), whether its end comes or not.

use super::driver::{MAX_HEAD, Row, play, row};

#[test]
fn heads_beyond_a_limit_are_refused_without_waiting_for_their_end() {
    play(&rows());
}

/// How many fields a head may have.
const MAX_FIELDS: usize = 128;

fn rows() -> Vec<Row> {
    let fields = |count: usize| (0..count).map(|at| format!("X-{at}: b\r\n")).collect::<String>();
    let get = |fields: &str| format!("GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let padded = |length: usize| {
        let rest = get("X-A: \r\n").len();
        get(&format!("X-A: {}\r\n", "b".repeat(length - rest)))
    };
    let long = |length: usize| format!("GET /public/<row-id>?{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length));
    let unfinished = |head: &str, length: usize| format!("{head}{}", "a".repeat(length));
    let start = "GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n";
    let many = "X-A: b\r\n".repeat(MAX_HEAD / 4);
    let (too_many, too_long): (&[u16], &[u16]) = (&[431], &[414]);
    let rows = [
        row("fields: as many as may be", "RFC 6585 5", get(&fields(MAX_FIELDS - 1))).arrives(""),
        row("fields: one too many", "RFC 6585 5", get(&fields(MAX_FIELDS))).refused(too_many),
        row("fields: two thousand", "RFC 6585 5", get(&fields(2_000))).refused(too_many),
        row("fields: too many of one name", "RFC 6585 5", get(&"X-A: b\r\n".repeat(500))).refused(too_many),
        row("head: nearly as large as may be", "RFC 6585 5", padded(MAX_HEAD - 100)).arrives(""),
        row("head: too large", "RFC 6585 5", padded(MAX_HEAD + 100)).refused(too_many),
        row("head: twice too large", "RFC 6585 5", padded(2 * MAX_HEAD)).refused(too_many),
        row("head: a megabyte", "RFC 6585 5", padded(1 << 20)).refused(too_many),
        row("head: too large, without its end", "RFC 6585 5", unfinished(&format!("{start}X-A: "), MAX_HEAD))
            .refused(too_many),
        row("head: a name that does not end", "RFC 6585 5", unfinished(start, MAX_HEAD)).refused(too_many),
        row("head: many fields that do not end", "RFC 6585 5", format!("{start}{many}")).refused(too_many),
        row("target: as long as may be", "RFC 9110 15.5.15", long(MAX_HEAD - 200)).arrives(""),
        row("target: too long", "RFC 9110 15.5.15", long(MAX_HEAD + 100)).refused(too_long),
        row("target: a megabyte", "RFC 9110 15.5.15", long(1 << 20)).refused(too_long),
        row("target: too long, without its end", "RFC 9110 15.5.15", unfinished("GET /public/<row-id>?", MAX_HEAD))
            .refused(too_long),
        row("method: without its end", "RFC 9112 3", unfinished("", 2 * MAX_HEAD)).refused(&[400, 414, 431, 501]),
        row(
            "method: too long",
            "RFC 9112 3",
            unfinished("", 2 * MAX_HEAD) + " /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .refused(&[400, 414, 431, 501]),
        row("version: without its end", "RFC 9112 2.3", unfinished("GET /public/<row-id> HTTP/1.1", 2 * MAX_HEAD))
            .refused(&[400, 414, 431, 505]),
        row("empty lines without an end", "RFC 9112 2.2", "\r\n".repeat(MAX_HEAD)).refused(&[400, 414, 431]),
        row("spaces without an end", "RFC 9112 2.2", " ".repeat(2 * MAX_HEAD)).refused(&[400, 414, 431]),
        row("bare LF without an end", "RFC 9112 2.2", "\n".repeat(2 * MAX_HEAD)).refused(&[400, 414, 431]),
        row(
            "Host: as long as the head may be",
            "RFC 9110 7.2",
            get(&format!("X-A: b\r\nHost: {}\r\n", "a".repeat(9_000))),
        )
        .turned_away(&[400]),
    ];
    rows.map(Row::whole_only).into()
}
