//! An answer, as the client gets it.

use bearward_proxy::fuzzing::{self, Body};
use http::Method;

use crate::http_heads::{MOST_FIELDS, after, elsewhere, head, named};
use crate::hyper_over::{Message, answers};

const NEXT: &[u8] = b"HTTP/1.1 299 Next\r\nContent-Length: 4\r\n\r\nnext";

/// The most content that is made up for an answer that says its length.
const MOST_CONTENT: u64 = 64 * 1024;

/// The input is what an upstream sends: a head, and content. First lines `HEAD`, `OLD` and `CLOSE`, in this order, tell that the
/// request was `HEAD`, that the client speaks HTTP/1.0, and that its connection ends.
///
/// What the client gets is one message to other parsers, with the upstream's status and fields, and a body that ends in one way.
pub fn http_answer(data: &[u8]) -> bool {
    let (to_head, data) = after(data, b"HEAD\n");
    let (is_old, data) = after(data, b"OLD\n");
    let (closes, data) = after(data, b"CLOSE\n");
    let Some(came) = head(data) else { return false };
    let Ok(read) = fuzzing::response(came, to_head) else { return false };
    let Ok((out, body)) = fuzzing::answer(came, to_head, is_old, !closes) else { return false };

    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut sent = httparse::Response::new(&mut fields);
    assert_eq!(sent.parse(&out), Ok(httparse::Status::Complete(out.len())), "one head");
    assert_eq!((sent.code, sent.version), (Some(read.line.status), Some(1)));
    let sent = elsewhere(sent.headers);
    let one = |name: &'static str| {
        let mut values = named(&sent, name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice");
        value
    };
    for name in ["keep-alive", "proxy-connection", "te", "trailer", "upgrade", "http2-settings"] {
        assert_eq!(one(name), None, "{name} of another connection");
    }
    if read.line.status < 200 {
        let has = ["content-length", "transfer-encoding", "connection"].into_iter().find_map(one);
        assert_eq!((has, body), (None, Body::None));
        let both = [out, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()].concat();
        let seen = answers(Method::GET, [both, NEXT.to_vec()], false).expect("HTTP");
        assert_eq!(seen, [message(200, 1, b"ok"), message(299, 1, b"next")]);
        return true;
    }
    let keeps = !closes && body != Body::UntilClose;
    assert_eq!(one("connection"), Some(if keeps { &b"keep-alive"[..] } else { b"close" }));
    assert_eq!(one("x-request-id"), Some(fuzzing::REQUEST_ID.as_bytes()));
    assert!(named(&sent, "date").next().is_some());
    let (coding, length) = (one("transfer-encoding"), one("content-length"));
    let length = length.map(|text| std::str::from_utf8(text).expect("digits").parse::<u64>().expect("a number"));
    match body {
        Body::None => assert_eq!(coding, None),
        Body::Length(expected) => assert_eq!((coding, length), (None, Some(expected))),
        Body::Chunked => assert_eq!((coding, length), (Some(&b"chunked"[..]), None)),
        Body::UntilClose => assert_eq!((coding, length), (None, None)),
    }
    let has_none = to_head || matches!(read.line.status, 204 | 304);
    assert!(!has_none || body == Body::None);
    assert!(has_none || body != Body::None || length == Some(0), "an end that is not told");

    let mut content = data[came.len()..].to_vec();
    let Some(wire) = framed(out, body, &mut content) else { return true };
    let method = if to_head { Method::HEAD } else { Method::GET };
    let seen = answers(method, [wire, NEXT.to_vec()], !keeps).expect("HTTP");
    let mut expected = vec![message(read.line.status, sent.len(), &content)];
    if keeps {
        expected.push(message(299, 1, b"next"));
    }
    assert_eq!(seen, expected);
    true
}

fn message(status: u16, fields: usize, body: &[u8]) -> Message {
    Message { line: status.to_string(), fields, body: Some(body.to_vec()) }
}

/// The whole message; `None` where it is too long.
fn framed(mut wire: Vec<u8>, body: Body, content: &mut Vec<u8>) -> Option<Vec<u8>> {
    match body {
        Body::None => content.clear(),
        Body::Length(length) if length > MOST_CONTENT => return None,
        Body::Length(length) => content.resize(usize::try_from(length).ok()?, b'x'),
        Body::Chunked | Body::UntilClose => {}
    }
    if body != Body::Chunked {
        wire.extend_from_slice(content);
        return Some(wire);
    }
    for chunk in content.chunks(5) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    Some(wire)
}
