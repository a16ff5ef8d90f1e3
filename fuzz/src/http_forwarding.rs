//! A request, as the upstream gets it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bearward_core::{ClaimPointer, IdentityHeaders, RequestPath, check_method, is_proxys_word};
use bearward_proxy::AuthorizationMode;
use bearward_proxy::fuzzing::{self, Body, Head, RequestLine};
use http::{HeaderName, Method, Uri};

use crate::http_heads::{MOST_FIELDS, after, elsewhere, head, values};
use crate::hyper_over::{Message, requests};

/// What the gate tells the upstream of the caller.
const ADMISSION: [(&str, &str); 3] =
    [("x-auth-subject", "alice"), ("x-auth-issuer", "https://auth.example.com"), ("x-email", "alice@example.com")];

static IDENTITY: LazyLock<IdentityHeaders> = LazyLock::new(|| {
    let email = ClaimPointer::parse("/email").expect("a pointer");
    IdentityHeaders::new(vec![(HeaderName::from_static("x-email"), email)]).expect("names")
});

/// What a client says of itself in none of these, in whatever alias. More is the core's to know.
const NEVER: [&str; 16] = [
    "x-auth-subject",
    "x-auth-issuer",
    "x-auth-client-id",
    "x-auth-scope",
    "x-email",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-user",
    "x-original-url",
    "x-real-ip",
    "x-remote-user",
    "x-request-id",
    "x-rewrite-url",
    "proxy-authorization",
];

/// What speaks of one connection (RFC 9110, 7.6.1; RFC 7540, 3.2.1).
const HOP_BY_HOP: [&str; 8] =
    ["connection", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// The most content that is made up for a request that says its length.
const MOST_CONTENT: u64 = 64 * 1024;

/// The input is what a client sends: a head, and content. A first line `FORWARD` has the upstream get the credential too.
///
/// What is forwarded is one message to other parsers: with the target that was judged, the body that came, the gateway's own
/// fields as the gateway means them, and of the client's fields those that are the upstream's, in their order.
pub fn http_forwarding(data: &[u8]) -> bool {
    let (forwards, data) = after(data, b"FORWARD\n");
    let Some(came) = head(data) else { return false };
    let Ok(read) = fuzzing::request(came) else { return false };
    let Ok(method) = Method::from_bytes(&read.line.method) else { return false };
    if check_method(&method, []).is_err() || RequestPath::parse(&read.line.path).is_err() {
        return false;
    }
    let mode = if forwards { AuthorizationMode::Forward } else { AuthorizationMode::Remove };
    let admission: String = ADMISSION.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let out = fuzzing::forward(came, &IDENTITY, admission.as_bytes(), &mode).expect("it was read");

    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut sent = httparse::Request::new(&mut fields);
    assert_eq!(sent.parse(&out), Ok(httparse::Status::Complete(out.len())), "one head");
    let mut target = read.line.path.clone();
    if let Some(query) = &read.line.query {
        target.extend_from_slice(&[b"?", &query[..]].concat());
    }
    assert_eq!(sent.path.map(str::as_bytes), Some(&target[..]), "what is judged is what is forwarded");
    assert_eq!((sent.method, sent.version), (Some(method.as_str()), Some(1)));
    let sent = elsewhere(sent.headers);
    hold_fields(&read, &sent, forwards);

    // The proxy's own reader comes to the same message.
    let again = fuzzing::request(&out).expect("what is forwarded can be read");
    assert_eq!((&again.line.path, &again.line.query, again.body), (&read.line.path, &read.line.query, read.body));
    hold_message(&read, out, &target, sent.len(), &data[came.len()..]);
    true
}

fn hold_fields(read: &Head<RequestLine>, sent: &[(String, Vec<u8>)], forwards: bool) {
    let field = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
    // Where it has an end of the gateway's own, in this order.
    let mut own = Vec::new();
    if read.body == Body::Chunked {
        own.push(field("Transfer-Encoding", b"chunked"));
    }
    if read.line.is_websocket {
        own.extend([field("Connection", b"Upgrade"), field("Upgrade", b"websocket")]);
    }
    own.extend(ADMISSION.iter().map(|(name, value)| field(name, value.as_bytes())));
    own.extend([field("X-Forwarded-For", fuzzing::CLIENT.as_bytes()), field("X-Forwarded-Proto", b"http")]);
    let host = read.line.authority.as_deref().or_else(|| values(read, "host").next());
    own.extend(host.map(|host| field("X-Forwarded-Host", host)));
    let via = format!("{} {}", if read.is_old { "1.0" } else { "1.1" }, fuzzing::PSEUDONYM);
    own.extend([field("Via", via.as_bytes()), field("X-Request-Id", fuzzing::REQUEST_ID.as_bytes())]);
    let rest = sent.strip_suffix(&own[..]).expect("the gateway's own fields");

    let hosts: Vec<_> = rest.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).collect();
    assert_eq!(hosts.len(), 1, "one host");
    assert_eq!(hosts[0].1, host.unwrap_or(fuzzing::SERVER.as_bytes()));
    let rest = match read.line.authority {
        Some(_) => &rest[1..],
        None if host.is_none() => &rest[1..],
        None => rest,
    };

    let nominated: BTreeSet<String> = values(read, "connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|option| String::from_utf8_lossy(option.trim_ascii()).to_ascii_lowercase())
        .collect();
    let ends_here = |name: &str| {
        let folded = folded(name);
        let lower = name.to_ascii_lowercase();
        HOP_BY_HOP.contains(&&*lower)
            || (nominated.contains(&lower) && lower != "authorization")
            || is_proxys_word(name)
            || IDENTITY.names().any(|own| own.as_str() == folded)
            || (["content-length", "transfer-encoding"].contains(&&*folded) && lower != "content-length")
            || (lower == "authorization" && !forwards)
            || (lower == "host" && read.line.authority.is_some())
            || (lower == "expect" && read.is_old)
    };
    for (name, _) in rest {
        assert!(!NEVER.contains(&&*folded(name)), "a client's {name}");
        assert!(!HOP_BY_HOP.contains(&&*name.to_ascii_lowercase()), "{name} of another connection");
    }
    let expected: Vec<_> = read.fields.iter().filter(|(name, _)| !ends_here(name)).cloned().collect();
    assert_eq!(rest, expected, "what is the upstream's goes on as it came");
}

/// hyper reads this message and the next one, each for itself.
fn hold_message(read: &Head<RequestLine>, out: Vec<u8>, target: &[u8], fields: usize, content: &[u8]) {
    let mut content = content.to_vec();
    let mut wire = out;
    match read.body {
        Body::Length(length) if length > MOST_CONTENT => return,
        Body::Length(length) => {
            content.resize(usize::try_from(length).expect("a short one"), b'x');
            wire.extend_from_slice(&content);
        }
        Body::Chunked => {
            for chunk in content.chunks(5) {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
        }
        Body::None | Body::UntilClose => content.clear(),
    }
    wire.extend_from_slice(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    let seen = requests(wire);
    let Ok(uri) = Uri::try_from(target) else {
        // It refuses some queries that clients send.
        return assert_eq!(seen, []);
    };
    let line = format!("{} {uri}", String::from_utf8_lossy(&read.line.method));
    let ours = Message { line, fields, body: Some(content) };
    let next = Message { line: "GET /next".to_owned(), fields: 1, body: Some(Vec::new()) };
    assert_eq!(seen, [ours, next]);
}

/// As CGI and its like take names for one another.
fn folded(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
