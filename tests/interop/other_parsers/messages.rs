//! Messages as clients send them: every target with every kind of fields and every kind of body.

/// A message, and what of it the upstream's parser must read.
pub(super) struct Message {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

const TARGETS: [&str; 6] = [
    "/open/1",
    "/open/a/b.c?d=e&f=%20g",
    "/open/-._~!$&'()*+,=:@",
    "/open/q?",
    "/open/q?a=//b/../c?d[]={e}|f^g",
    "http://api.example.com/open/absolute?x",
];

fn field_sections() -> Vec<String> {
    let many: String = (0..100).map(|number| format!("X-Many-{number}: {number}\r\n")).collect();
    vec![
        String::new(),
        "Accept: */*\r\nUser-Agent: x (y; z) \"q\"\r\nCookie: a=b; c=\"d\"\r\n".to_owned(),
        "X-Empty:\r\nX-Spaces: \t a \t b \t \r\nX-Colon: a: b\r\nx!#$%&'*+-.^_`|~9: token\r\n".to_owned(),
        "X-Twice: 1\r\nX-Twice: 2\r\nVia: 1.0 other\r\n".to_owned(),
        "Connection: close, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nTrailer: X-T\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
            .to_owned(),
        "X-Auth-Subject: evil\r\nx_auth_scope: admin\r\nX-Forwarded-For: 1\r\nForwarded: for=1\r\nX.Request.Id: 1\r\n"
            .to_owned(),
        "Content_Length: 7\r\nTransfer.Encoding: chunked\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: A\r\n"
            .to_owned(),
        format!("X-Long: {}\r\n", "long".repeat(3_000)),
        many,
        "X-Latin: caf\u{e9}\r\n".to_owned(),
    ]
}

/// The fields that frame a body, the body on the wire, and its content.
fn bodies() -> Vec<(&'static str, String, Vec<u8>, Vec<u8>)> {
    let small = b"{\"a\": 1}\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n".to_vec();
    let large: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let length = |content: &[u8]| format!("Content-Length: {}\r\n", content.len());
    let chunked = "Transfer-Encoding: chunked\r\n".to_owned();
    vec![
        ("GET", String::new(), Vec::new(), Vec::new()),
        ("PUT", "Content-Length: 0\r\n".to_owned(), Vec::new(), Vec::new()),
        ("POST", length(&small), small.clone(), small.clone()),
        ("PATCH", length(&large), large.clone(), large.clone()),
        ("POST", chunked.clone(), b"0\r\n\r\n".to_vec(), Vec::new()),
        ("DELETE", chunked.clone(), chunks(&small, 3, ";e=\"f\"", "X-Auth-Subject: evil\r\n"), small),
        ("POST", chunked, chunks(&large, 9_999, "", ""), large),
    ]
}

fn chunks(content: &[u8], size: usize, extension: &str, trailers: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in content.chunks(size) {
        wire.extend_from_slice(format!("{:X}{extension}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    wire
}

pub(super) fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for target in TARGETS {
        for fields in field_sections() {
            for (method, framing, wire, content) in bodies() {
                for version in ["1.1", "1.0"] {
                    // HTTP/1.0 has no chunks.
                    if version == "1.1" || (fields.is_empty() && !framing.starts_with("Transfer")) {
                        let head = format!(
                            "{method} {target} HTTP/{version}\r\nHost: api.example.com\r\n{fields}{framing}\r\n"
                        );
                        // Latin-1, as such a field is sent.
                        let mut bytes: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap()).collect();
                        bytes.extend_from_slice(&wire);
                        let target = target.strip_prefix("http://api.example.com").unwrap_or(target).to_owned();
                        messages.push(Message { method, target, body: content.clone(), bytes });
                    }
                }
            }
        }
    }
    messages
}
