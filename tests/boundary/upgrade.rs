//! `Upgrade` (RFC 9110, 7.8): WebSocket goes through, h2c never does, and what is not upgraded is a request like any other.

use super::driver::{Arrival, Client, Row, Script, Stage, fresh_id, play, row};

#[test]
fn only_websocket_is_upgraded_and_all_else_stays_a_request() {
    play(&rows());
}

const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const SETTINGS: &str = "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA";

fn rows() -> Vec<Row> {
    let source = "RFC 9110 7.8";
    let get = |fields: &str| format!("GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    let upgrade = |raw: &str| Arrival::of(raw.as_bytes(), "").with("Upgrade: websocket").upgrade();
    let mut rows = Vec::new();
    // The upstream answers 200, so it stays HTTP/1.1 (CVE-2026-2833: what follows is a request of its own).
    let refused = get(WEBSOCKET);
    rows.push(
        row("an upgrade that the upstream refuses", source, &refused)
            .answered(&[&[200]], vec![upgrade(&refused)])
            .then_either(),
    );
    let behind = format!("{}GET /private/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n", get(WEBSOCKET));
    rows.push(
        row("a request behind a refused upgrade is judged", "CVE-2026-2833", &behind)
            .answered(&[&[200], &[401]], vec![upgrade(&behind)])
            .then_either(),
    );
    for (name, fields) in [
        ("h2c", format!("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n{SETTINGS}")),
        ("h2c in capitals", format!("Connection: upgrade,http2-settings\r\nUpgrade: H2C\r\n{SETTINGS}")),
        ("h2c without settings", "Connection: Upgrade\r\nUpgrade: h2c".to_owned()),
        (
            "h2c, and Connection names the settings alone",
            format!("Connection: HTTP2-Settings\r\nUpgrade: h2c\r\n{SETTINGS}"),
        ),
        ("h2", "Connection: Upgrade\r\nUpgrade: h2".to_owned()),
        ("TLS", "Connection: Upgrade\r\nUpgrade: TLS/1.0".to_owned()),
        ("HTTP/2.0", "Connection: Upgrade\r\nUpgrade: HTTP/2.0".to_owned()),
        ("a protocol that nobody knows", "Connection: Upgrade\r\nUpgrade: x".to_owned()),
        ("no protocol", "Connection: Upgrade\r\nUpgrade:".to_owned()),
        ("no Upgrade field", "Connection: Upgrade".to_owned()),
        ("websocket that Connection does not name", "Upgrade: websocket".to_owned()),
        ("websocket with another Connection", "Connection: keep-alive\r\nUpgrade: websocket".to_owned()),
        (
            "websocket and a Connection that resembles",
            "Connection: Upgrade-Insecure-Requests\r\nUpgrade: websocket".to_owned(),
        ),
    ] {
        let row = row(name, "RFC 9110 7.8, RFC 9113 C", get(&fields)).arrives("");
        rows.push(row.and(|it| it.without("upgrade").without("http2-settings")));
    }
    let both = get(&format!("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\n{SETTINGS}"));
    let only = Arrival::of(both.as_bytes(), "").without("http2-settings");
    rows.push(
        row("h2c or websocket", source, &both)
            .answered(&[&[200]], vec![only.clone().without("upgrade")])
            .answered(&[&[200]], vec![only.with("Upgrade: websocket").upgrade()])
            .then_either(),
    );
    let old = format!("GET /public/<row-id> HTTP/1.0\r\nHost: a\r\n{WEBSOCKET}\r\n\r\n");
    rows.push(
        row("an upgrade from HTTP/1.0 is ignored", source, old)
            .arrives("")
            .and(|it| it.without("upgrade"))
            .then_closed(),
    );
    let private = format!("GET /private/<row-id> HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n\r\n");
    rows.push(row("an upgrade without a token", source, private).turned_away(&[401]));
    rows
}

#[test]
fn after_101_bytes_pass_both_ways_and_the_ends_are_passed_on() {
    let stage = Stage::start();
    let id = fresh_id();
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello";
    stage.upstream.script(&id, Script { closes: true, ..Script::new(switch) });
    let mut client = Client::open(stage.gateway.address());
    client.send(format!("GET /public/{id} HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n\r\n").as_bytes());
    let answer = client.answer("GET").unwrap().expect("an answer");
    assert_eq!(answer.status, 101);
    assert_eq!(answer.values("upgrade"), ["websocket"]);
    assert!(answer.values("connection")[0].eq_ignore_ascii_case("upgrade"), "{answer:?}");
    assert_eq!(answer.values("sec-websocket-accept").len(), 1);
    assert_eq!(client.rest(), b"hello");
}
