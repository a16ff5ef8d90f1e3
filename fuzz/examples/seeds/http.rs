//! Messages of HTTP/1: those of everyday, and what has been taken for two messages somewhere.

use crate::{Seed, seeds};

pub(crate) fn request() -> Vec<Seed> {
    seeds([
        ("get", &b"GET /a?b=c HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\n\r\n"[..]),
        ("old", b"GET / HTTP/1.0\r\n\r\n"),
        ("old keep alive", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        ("post", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
        ("chunked", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
        ("absolute", b"GET http://a:80/b?c HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        ("absolute no path", b"OPTIONS https://a?b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("absolute other host", b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        ("asterisk", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("websocket", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"),
        ("h2c", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"),
        ("empty lines before", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("empty lines too many", b"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("pipelined", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("line feeds", b"GET / HTTP/1.1\nHost: a\n\n"),
        ("line feed in value", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
        ("carriage return in value", b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
        ("obs fold", b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n"),
        ("space before colon", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc"),
        ("both lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("two lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        ("length with a sign", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"),
        ("other coding", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        ("old chunked", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        ("no host", b"GET / HTTP/1.1\r\n\r\n"),
        ("nominates host", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, host\r\n\r\n"),
        ("tabs and latin", b"GET / HTTP/1.1\r\nHost:\ta \t\r\nX-Caf: caf\xe9\r\n\r\n"),
        ("version later", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        ("preface of h2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("fragment", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("query with braces", b"GET /a?{\"b\"}|^ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ])
}

pub(crate) fn response() -> Vec<Seed> {
    seeds([
        ("length", &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\n\r\nok"[..]),
        ("length twice", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\nok"),
        ("lengths that differ", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        ("no length", b"HTTP/1.1 200 OK\r\n\r\nok"),
        ("zero", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("both", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok"),
        ("to head", b"HEAD\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        ("to head chunked", b"HEAD\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("no content", b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n"),
        ("not modified", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\nETag: x\r\n\r\n"),
        ("early hints", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 3\r\n\r\n"),
        ("switching", b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
        ("old", b"HTTP/1.0 200 OK\r\n\r\nok"),
        ("old keep alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"),
        ("no phrase", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
        ("latin phrase", b"HTTP/1.1 200 caf\xe9\r\nContent-Length: 0\r\n\r\n"),
        ("status beyond", b"HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"),
        ("line feeds", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        ("ours", b"HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nConnection: date, x-a\r\nDate: now\r\nX-A: b\r\nContent-Length: 0\r\n\r\n"),
        ("keep alive and upgrade", b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"),
    ])
}

/// As [`response`], and for other clients.
pub(crate) fn answer() -> Vec<Seed> {
    let mut all = response();
    all.extend(seeds([
        ("to an old client", &b"OLD\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nok"[..]),
        ("to an old client with length", b"OLD\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        ("to one that goes", b"CLOSE\nHTTP/1.1 200 OK\r\n\r\nok"),
        ("to an old one with head", b"HEAD\nOLD\nCLOSE\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ]));
    all
}

pub(crate) fn chunks() -> Vec<Seed> {
    seeds([
        ("two", &b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"[..]),
        ("none", b"0\r\n\r\n"),
        ("zeros before", b"0005\r\nhello\r\n000\r\n\r\n"),
        ("extension", b"5;a=\"b c\"\r\nhello\r\n0 ;d\r\n\r\n"),
        ("space and no extension", b"5 \r\nhello\r\n0\r\n\r\n"),
        ("trailers", b"5\r\nhello\r\n0\r\nX-A: b\r\nX-B:\r\n\r\n"),
        ("trailer without colon", b"5\r\nhello\r\n0\r\nX-A\r\n\r\n"),
        ("cut", b"5\r\nhel"),
        ("cut in size", b"5"),
        ("cut in trailers", b"0\r\nX-A: b\r"),
        ("chunk in content", b"9\r\n\r\n0\r\n\r\nGE\r\n0\r\n\r\n"),
        ("line feeds", b"5\nhello\n0\n\n"),
        ("line feed in extension", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("longer than said", b"5\r\nhello!\r\n0\r\n\r\n"),
        ("largest", b"ffffffffffffffff\r\nhello"),
        ("too large", b"10000000000000000\r\nhello"),
        ("hexadecimal prefix", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("negative", b"-1\r\nhello\r\n0\r\n\r\n"),
    ])
}

/// As [`request`], and with what no client may say of itself.
pub(crate) fn forwarding() -> Vec<Seed> {
    let mut all = request();
    all.retain(|Seed(name, _)| *name != "post");
    all.extend(seeds([
        ("post", &b"POST /orders/1?a=b HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer t\r\nContent-Length: 3\r\nCookie: c=1\r\n\r\nabc"[..]),
        ("with the credential", b"FORWARD\nGET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nConnection: authorization\r\n\r\n"),
        ("identity", b"GET /a HTTP/1.1\r\nHost: a\r\nX-Auth-Subject: evil\r\nx_auth_scope: admin\r\nX.Email: evil\r\n\r\n"),
        ("nominated identity", b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: x-auth-subject, x-email, x-request-id, via\r\nVia: 1.1 x\r\n\r\n"),
        ("word of a proxy", b"GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nX_Forwarded_Host: b\r\nForwarded: for=1\r\nX-Real-IP: 1\r\n\r\n"),
        ("alias of a length", b"POST /a HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\nTransfer.Encoding: chunked\r\n\r\n"),
        ("expects", b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"),
        ("expects and is old", b"POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"),
        ("absolute and host", b"GET HTTP://a?b HTTP/1.1\r\nX-A: 1\r\nhost:a\r\nX-B: 2\r\n\r\n"),
    ]));
    all
}
