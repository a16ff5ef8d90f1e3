//! The head of a forwarded request. Every field that names the caller or the client's connection is set by the gateway or absent,
//! because upstreams trust it.
//!
//! What the client sent goes on as it stands, in its order, but for what ends here. The gateway's own fields come after that, so no
//! client can strip them by naming them in `Connection` (CVE-2022-31813, CVE-2025-48865). Trailers cannot add fields either: they are
//! read over (`chunked`).

use bearward_core::{IdentityHeaders, Server, is_proxys_word, same_field_name};

use super::fields::{Field, Name};
use super::framing::Framing;
use super::head::Version;
use super::request::Request;
use crate::settings::AuthorizationMode;

/// Fields of HTTP's own, of which no alias goes on: a server that takes `_` for `-` would read a second body length from them.
const ALIASES_REMOVED: [&str; 2] = ["content-length", "transfer-encoding"];

/// The data for a forwarded request.
#[derive(Debug)]
pub(crate) struct Forwarding<'a> {
    pub(crate) identity: &'a IdentityHeaders,
    /// The caller's identity as field lines; empty on an open route.
    pub(crate) admission: &'a [u8],
    pub(crate) authorization: &'a AuthorizationMode,
    /// The client's address.
    pub(crate) client: &'a str,
    pub(crate) request_id: &'a str,
    /// The server's own `host:port`, for requests without `Host`.
    pub(crate) server: &'a Server,
    /// How this process calls itself in `Via`.
    pub(crate) pseudonym: &'a str,
}

/// Appends the head that the upstream gets.
pub(crate) fn write(request: &Request<'_>, with: &Forwarding<'_>, out: &mut Vec<u8>) {
    let head = &request.head;
    out.extend_from_slice(head.method);
    out.push(b' ');
    request.target.write(out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    write_host(request, with, out);
    // Neighbours that stay are copied together.
    let mut run = 0..0;
    for field in head.fields.iter().filter(|field| goes_on(request, field, with)) {
        if field.start != run.end {
            out.extend_from_slice(head.bytes.get(run).unwrap_or_default());
            run = field.start..field.start;
        }
        run.end = field.end;
    }
    out.extend_from_slice(head.bytes.get(run).unwrap_or_default());
    write_own(request, with, out);
}

/// `Host` comes first where it is not the client's own: of an absolute target (RFC 9112, 3.2.2), or where HTTP/1.0 has none.
fn write_host(request: &Request<'_>, with: &Forwarding<'_>, out: &mut Vec<u8>) {
    match request.target.authority {
        Some(authority) => line(out, b"Host", authority),
        None if !request.head.fields.has(Name::Host) => line(out, b"Host", with.server.as_str().as_bytes()),
        None => {}
    }
}

/// Whether a field of the client goes on to the upstream.
fn goes_on(request: &Request<'_>, field: &Field<'_>, with: &Forwarding<'_>) -> bool {
    match field.name {
        // Even where `Connection` names it: the token was judged, and is the upstream's to judge again.
        Name::Authorization => matches!(with.authorization, AuthorizationMode::Forward),
        Name::Host => request.target.authority.is_none(),
        // HTTP/1.0 knows no expectations (RFC 9110, 10.1.1).
        Name::Expect if !request.expects => false,
        _ => !request.options.ends_here(field) && !is_removed(field, with.identity),
    }
}

/// Whether a field of this name, or one that a CGI-like server takes for it, is never forwarded.
fn is_removed(field: &Field<'_>, identity: &IdentityHeaders) -> bool {
    let is_alias = |of: &&str| field.name == Name::Other && same_field_name(of, field.text);
    is_proxys_word(field.text) || identity.is_reserved(field.text) || ALIASES_REMOVED.iter().any(is_alias)
}

/// The gateway's own fields, and the end of the head.
fn write_own(request: &Request<'_>, with: &Forwarding<'_>, out: &mut Vec<u8>) {
    if request.framing == Framing::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    if request.is_websocket {
        out.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: websocket\r\n");
    }
    out.extend_from_slice(with.admission);
    if let AuthorizationMode::Replace(credentials) = with.authorization {
        line(out, b"Authorization", credentials.value().as_bytes());
    }
    line(out, b"X-Forwarded-For", with.client.as_bytes());
    out.extend_from_slice(b"X-Forwarded-Proto: http\r\n");
    let host = request.target.authority.or_else(|| request.head.fields.values(Name::Host).next());
    if let Some(host) = host {
        line(out, b"X-Forwarded-Host", host);
    }
    // After the entries of earlier proxies (RFC 9110, 7.6.3).
    let received = if request.head.version == Version::Http10 { &b"Via: 1.0 "[..] } else { b"Via: 1.1 " };
    out.extend_from_slice(received);
    out.extend_from_slice(with.pseudonym.as_bytes());
    out.extend_from_slice(b"\r\n");
    line(out, b"X-Request-Id", with.request_id.as_bytes());
    out.extend_from_slice(b"\r\n");
}

pub(super) fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use bearward_gate::{Credentials, Secret};

    use super::*;
    use crate::http::head::RequestHead;

    /// The head that the upstream gets for this one.
    fn forwarded(head: &str, admission: &str, authorization: &AuthorizationMode) -> String {
        let identity = IdentityHeaders::new(Vec::new()).unwrap();
        let request = Request::read(RequestHead::parse(head.as_bytes()).unwrap()).unwrap();
        let with = Forwarding {
            identity: &identity,
            admission: admission.as_bytes(),
            authorization,
            client: "192.0.2.7",
            request_id: "id",
            server: &Server::parse("127.0.0.1:3000").unwrap(),
            pseudonym: "bearward-7",
        };
        let mut out = Vec::new();
        write(&request, &with, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn get(fields: &str) -> String {
        format!("GET /a?b HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
    }

    const OURS: &str = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n\
                        Via: 1.1 bearward-7\r\nX-Request-Id: id\r\n\r\n";

    #[test]
    fn what_stays_stays_as_it_stands() {
        let fields = "Accept: */*\r\ncookie:c=1\r\nX-Authentic:   yes \r\nVia: 1.1 edge\r\n";
        let expected = format!("GET /a?b HTTP/1.1\r\nHost: a\r\n{fields}{OURS}");
        assert_eq!(forwarded(&get(fields), "", &AuthorizationMode::Remove), expected);
        let mixed = "Accept: */*\r\nTE: x\r\ncookie:c=1\r\nForwarded: x\r\nX_Request_Id: x\r\nX-Authentic:   yes \r\nVia: 1.1 edge\r\nTrailer: x\r\n";
        assert_eq!(forwarded(&get(mixed), "", &AuthorizationMode::Remove), expected);
    }

    #[test]
    fn a_clients_word_about_itself_is_removed_in_every_alias() {
        for name in [
            "X-Auth-Subject",
            "x_auth_subject",
            "X-Auth_Subject",
            "X.Auth.Subject",
            "X-Auth-Scope",
            "X-Forwarded-For",
            "X_Forwarded_For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Forwarded-Uri",
            "X-Forwarded-Method",
            "X-Forwarded-Prefix",
            "X-Forwarded-Client-Cert",
            "X_Forwarded-Something-Rather-Long-To-Look-At",
            "Forwarded",
            "X-Original-URL",
            "X_Original.URL",
            "X!Real'IP",
            "X-Rewrite-URL",
            "X-Real-IP",
            "Client-IP",
            "True-Client-IP",
            "X-Client-IP",
            "X-Envoy-Original-Path",
            "X-Remote-User",
            "Script_Name",
            "X-HTTP-Method-Override",
            "X-SSL-Client-Verify",
            "Client-Cert",
            "Proxy-Authorization",
            "X-Request-Id",
            "X_Request_Id",
            "Authorization",
            "Content_Length",
            "Transfer.Encoding",
        ] {
            let head = forwarded(&get(&format!("{name}: evil\r\n")), "", &AuthorizationMode::Remove);
            assert_eq!(head, format!("GET /a?b HTTP/1.1\r\nHost: a\r\n{OURS}"), "{name}");
        }
    }

    #[test]
    fn the_admitted_identity_replaces_the_clients() {
        let fields = "X-Auth-Subject: evil\r\nx-auth-subject: worse\r\nConnection: x-auth-subject\r\n";
        let head = forwarded(&get(fields), "x-auth-subject: alice\r\n", &AuthorizationMode::Remove);
        assert_eq!(head, format!("GET /a?b HTTP/1.1\r\nHost: a\r\nx-auth-subject: alice\r\n{OURS}"));
    }

    #[test]
    fn authorization_follows_the_upstreams_mode() {
        let fields = "Authorization: Bearer t\r\nConnection: authorization\r\n";
        let authorization = |mode: &AuthorizationMode| {
            let head = forwarded(&get(fields), "", mode);
            head.lines().filter(|line| line.starts_with("Authorization")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(authorization(&AuthorizationMode::Remove), [""; 0]);
        assert_eq!(authorization(&AuthorizationMode::Forward), ["Authorization: Bearer t"]);
        let own = Credentials::new(Secret::from_text("Basic Z2F0ZXdheQ==".to_owned())).unwrap();
        assert_eq!(authorization(&AuthorizationMode::Replace(own)), ["Authorization: Basic Z2F0ZXdheQ=="]);
    }

    #[test]
    fn a_host_is_always_sent() {
        let ours = OURS.replace("X-Forwarded-Host: a\r\n", "").replace("1.1", "1.0");
        let old = forwarded("GET /a HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "", &AuthorizationMode::Remove);
        assert_eq!(old, format!("GET /a HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n{ours}"));
        let absolute = forwarded("GET http://a HTTP/1.1\r\nhost:a\r\n\r\n", "", &AuthorizationMode::Remove);
        assert_eq!(absolute, format!("GET / HTTP/1.1\r\nHost: a\r\n{OURS}"));
    }

    #[test]
    fn a_body_is_framed_as_it_was() {
        let with = |fields: &str| forwarded(&get(fields), "", &AuthorizationMode::Remove);
        assert!(
            with("Content-Length: 3\r\nExpect: 100-continue\r\n")
                .contains("\r\nContent-Length: 3\r\nExpect: 100-continue\r\n")
        );
        let chunked = with("transfer-encoding:CHUNKED\r\n");
        assert_eq!(chunked.to_ascii_lowercase().matches("chunked").count(), 1);
        assert!(chunked.contains("\r\nTransfer-Encoding: chunked\r\n"), "{chunked}");
    }

    #[test]
    fn a_websocket_is_asked_for_and_nothing_else() {
        let with = |fields: &str| forwarded(&get(fields), "", &AuthorizationMode::Remove);
        let socket =
            with("Connection: keep-alive, upgrade, x\r\nX: 1\r\nUpgrade: h2c, websocket\r\nSec-WebSocket-Key: k\r\n");
        assert_eq!(
            socket,
            format!(
                "GET /a?b HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{OURS}"
            )
        );
        let other = with("Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n");
        assert_eq!(other, format!("GET /a?b HTTP/1.1\r\nHost: a\r\n{OURS}"));
    }
}
