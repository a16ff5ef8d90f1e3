//! Interim answers (RFC 9110, 15.2): passed on to HTTP/1.1 clients, never to HTTP/1.0 ones; and 101 only to who asked for it.

use super::driver::{AnswerRow, answer, play_answers};

#[test]
fn interim_answers_reach_those_who_can_read_them() {
    play_answers(&rows());
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const WEBSOCKET: &str = "GET /public/<row-id> HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn rows() -> Vec<AnswerRow> {
    let source = "RFC 9110 15.2";
    let mut rows = Vec::new();
    for (name, interim, statuses) in [
        ("103", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n".to_owned(), vec![103]),
        ("102", "HTTP/1.1 102 Processing\r\n\r\n".to_owned(), vec![102]),
        ("199", "HTTP/1.1 199 Odd\r\n\r\n".to_owned(), vec![199]),
        ("103 and 103", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2), vec![103, 103]),
        ("102 and 103", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n".to_owned(), vec![102, 103]),
        ("ten of them", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10), vec![103; 10]),
        ("103 with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n".to_owned(), vec![103]),
        ("103 with a coding", "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), vec![103]),
    ] {
        let is_framed = name.contains(" with ");
        let raw = format!("{interim}{OK}");
        let row = answer(format!("{name} to HTTP/1.1"), source, &raw).passes_after(&statuses, 200, "ok");
        // RFC 9110, 8.6 and RFC 9112, 6.1 forbid both fields there.
        rows.push(if is_framed { row.passes(200, "ok").bad_gateway() } else { row });
        let row = answer(format!("{name} to HTTP/1.0"), source, &raw).asked_by_1_0().passes(200, "ok");
        rows.push(if is_framed { row.bad_gateway() } else { row });
        let row = answer(format!("{name} to HEAD"), source, raw).asked_by_head().passes_after(&statuses, 200, "");
        rows.push(if is_framed { row.passes(200, "").bad_gateway() } else { row }.spoils());
    }
    // Nobody expected it, and it may be left out (RFC 9110, 15.2.1).
    let hundred = format!("HTTP/1.1 100 Continue\r\n\r\n{OK}");
    rows.push(
        answer("100 to who does not expect it", source, &hundred).passes_after(&[100], 200, "ok").passes(200, "ok"),
    );
    rows.push(answer("100 to HTTP/1.0", source, hundred).asked_by_1_0().passes(200, "ok"));
    for (name, raw) in [
        ("then nothing", "HTTP/1.1 103 Early Hints\r\n\r\n".to_owned()),
        ("then half an answer", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 20".to_owned()),
        ("then garbage", "HTTP/1.1 103 Early Hints\r\n\r\ngarbage\r\n\r\n".to_owned()),
        (
            "then a malformed answer",
            format!("HTTP/1.1 103 Early Hints\r\n\r\n{}", OK.replace("200 OK\r\n", "200 OK\nX: y\r\n")),
        ),
    ] {
        rows.push(answer(format!("103, {name}"), source, raw).closes().bad_gateway_after(&[103]).bad_gateway());
    }
    rows.push(answer("a malformed 103", source, format!("HTTP/1.1 103 Early Hints\r\nX-A\r\n\r\n{OK}")).bad_gateway());

    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes";
    let rule = "RFC 9110 7.8";
    rows.push(answer("101 that nobody asked for", rule, switch).bad_gateway());
    rows.push(
        answer(
            "101 that nobody asked for, then an answer",
            rule,
            format!("HTTP/1.1 101 Switching Protocols\r\n\r\n{OK}"),
        )
        .bad_gateway(),
    );
    rows.push(answer("101 to HTTP/1.0", rule, switch).asked_by_1_0().bad_gateway());
    let old = WEBSOCKET.replace("HTTP/1.1", "HTTP/1.0");
    rows.push(answer("101 to HTTP/1.0 that asked for it", rule, switch).asked_by(&old).bad_gateway());
    let h2c = "GET /public/<row-id> HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\
        Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
    rows.push(answer("101 to h2c", rule, switch.replace("websocket", "h2c")).asked_by(h2c).bad_gateway());
    rows.push(
        answer("101 to another protocol", rule, switch.replace("websocket", "h2c")).asked_by(WEBSOCKET).bad_gateway(),
    );
    rows
}
