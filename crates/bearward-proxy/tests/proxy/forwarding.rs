//! What an admitted request becomes on its way, and its answer on the way back.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::gateway::{Gateway, server};
use crate::upstream::Upstream;

#[test]
fn the_target_arrives_byte_for_byte() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    for target in [
        "/open/",
        "/open/a",
        "/open/a/",
        "/open/a?",
        "/open/a?b=c&b=d",
        "/open/%C3%A9?q=%2e%2e%2f//?;\\",
        "/open/A:b@c!$&'()*+,=~-._?x[]={}|^`",
        "/open/%E2%82%AC/x?access_token=in-the-query",
    ] {
        let answer = gateway.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        assert_eq!(upstream.last().target(), target);
    }
}

#[test]
fn an_absolute_target_is_judged_and_forwarded_in_origin_form() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let answer = gateway.ask("GET http://api.example.com/open/a?b HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.last().target(), "/open/a?b");
    assert_eq!(upstream.last().header("host").unwrap(), "api.example.com");
    let refused = gateway.ask("GET http://api.example.com/private/a HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
    assert_eq!(refused.status, 401);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn identity_headers_of_the_client_are_gone_on_an_open_route() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let names = [
        "X-Auth-Subject",
        "x-auth-subject",
        "X_Auth_Subject",
        "X-Auth_Subject",
        "x.auth.subject",
        "X-AUTH-SCOPE",
        "X-Auth-Issuer",
        "X-Auth-Client-Id",
        "X-Forwarded-Prefix",
        "X_Forwarded_For",
        "Forwarded",
        "X-Original-URL",
        "X-Real-IP",
        "Proxy-Authorization",
        "Authorization",
    ];
    let lines: String = names.iter().map(|name| format!("{name}: evil\r\n")).collect();
    let answer = gateway.ask(format!("GET /open/a HTTP/1.1\r\nHost: a\r\n{lines}X-Kept: yes\r\n\r\n"));
    assert_eq!(answer.status, 200);
    let head = upstream.last().head();
    assert!(!head.contains("evil"), "{head}");
    assert_eq!(upstream.last().header("x-kept").unwrap(), "yes");
}

#[test]
fn the_way_of_the_request_is_told_by_us_alone() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let forged = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n";
    gateway.ask(format!("GET /open/a HTTP/1.1\r\nHost: api.example.com:8080\r\n{forged}\r\n"));
    let request = upstream.last();
    assert_eq!(request.header("x-forwarded-for").unwrap(), "127.0.0.1");
    assert_eq!(request.header("x-forwarded-proto").unwrap(), "http");
    assert_eq!(request.header("x-forwarded-host").unwrap(), "api.example.com:8080");
    assert_eq!(request.header("host").unwrap(), "api.example.com:8080");
    assert!(request.header("via").unwrap().starts_with("1.1 bearward-"), "{}", request.head());
    gateway.ask("GET /open/a HTTP/1.1\r\nHost: a\r\nVia: 1.1 edge\r\n\r\n");
    let head = upstream.last().head().to_ascii_lowercase();
    assert!(head.find("via: 1.1 edge\r\n").unwrap() < head.find("via: 1.1 bearward-").unwrap(), "{head}");
}

#[test]
fn connection_takes_away_the_clients_headers_and_never_ours() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let answer = gateway.ask(
        "GET /forward/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nX-Auth-Subject: evil\r\nX-Hop: 1\r\n\
         Connection: X-Auth-Subject, authorization, x-request-id, x-hop\r\n\r\n",
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = upstream.last();
    assert_eq!(request.header("authorization").unwrap(), "Bearer t");
    assert_eq!(request.header("x-request-id").unwrap(), answer.header("x-request-id"));
    for gone in ["x-auth-subject", "x-hop", "connection"] {
        assert_eq!(request.header(gone), None, "{gone}");
    }
    // To nominate these is to lie about where the request came from.
    for name in ["host", "x-forwarded-for"] {
        let request = format!("GET /open/a HTTP/1.1\r\nHost: a\r\nConnection: {name}\r\n\r\n");
        assert_eq!(gateway.ask(request).status, 400, "{name}");
    }
    assert_eq!(upstream.count(), 1);
}

#[test]
fn the_request_id_is_taken_over_or_made_and_echoed() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let answer = gateway.ask("GET /open/a HTTP/1.1\r\nHost: a\r\nX-Request-Id: job-7\r\n\r\n");
    assert_eq!(answer.header("x-request-id"), "job-7");
    assert_eq!(upstream.last().header("x-request-id").unwrap(), "job-7");
    for (path, status) in [("/open/a", 200), ("/private/a", 401)] {
        let answer = gateway.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: a b\r\n\r\n"));
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-request-id").len(), 32, "{answer:?}");
        assert_ne!(answer.header("x-request-id"), upstream.all()[0].header("x-request-id").unwrap());
    }
}

#[test]
fn bodies_stream_both_ways() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("POST /open/length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst-\r\n");
    upstream.wait_for(b"first-"); // before the client has sent the rest
    client.send("6\r\nsecond\r\n0\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.last().header("transfer-encoding").unwrap(), "chunked");
    assert_eq!(upstream.last().header("content-length"), None);

    client.send("GET /open/in-two HTTP/1.1\r\nHost: a\r\n\r\n");
    client.wait_for(b"first"); // before the upstream may send the rest
    upstream.go_on();
    assert_eq!(client.answer().text(), "firstsecond");
}

#[test]
fn a_large_body_arrives_whole() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let body = "x".repeat(3_000_000);
    let request = format!("PUT /open/length HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(gateway.ask(request).text(), "3000000");
}

#[test]
fn trailers_add_nothing_in_either_direction() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let answer = gateway.ask(
        "POST /open/trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Auth-Subject\r\n\r\n\
         2\r\nhi\r\n0\r\nX-Auth-Subject: evil\r\n\r\n",
    );
    assert_eq!(answer.text(), "ok");
    assert!(!String::from_utf8_lossy(upstream.last().body()).contains("evil"));
    assert!(!upstream.last().head().contains("Trailer"));
    upstream.wait_for(b"2\r\nhi\r\n0\r\n\r\n");
}

#[test]
fn connections_are_kept_on_both_sides() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    for _ in 0..3 {
        let answer = client.ask("GET /open/a HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((answer.status, answer.header("connection")), (200, "keep-alive"));
        assert_eq!(answer.header("x-from"), "upstream");
        assert_eq!(answer.header("keep-alive"), "", "the upstream's, about another connection");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn pipelined_requests_are_each_judged_and_answered_in_turn() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send(
        "GET /open/slow HTTP/1.1\r\nHost: a\r\n\r\nGET /private/a HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /open/length HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /open/a HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let answers: Vec<_> = (0..4).map(|_| client.answer()).map(|answer| (answer.status, answer.text())).collect();
    assert_eq!(answers[0], (200, "slow".to_owned()));
    assert_eq!(answers[1].0, 401);
    assert_eq!(answers[2], (200, "3".to_owned()));
    assert_eq!(answers[3], (200, "ok".to_owned()));
    let targets: Vec<_> = upstream.all().iter().map(|request| request.target()).collect();
    assert_eq!(targets, ["/open/slow", "/open/length", "/open/a"]);
}

#[test]
fn websocket_is_the_one_upgrade_that_goes_through() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    client.send("GET /open/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let switched = client.answer();
    assert_eq!(switched.status, 101);
    assert_eq!(switched.header("x-request-id"), upstream.last().header("x-request-id").unwrap());
    client.wait_for(b"hello");
    client.send("ping");
    client.wait_for(b"helloping");
    assert_eq!(upstream.last().header("upgrade").unwrap(), "websocket");

    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n";
    assert_eq!(gateway.ask(format!("GET /open/a HTTP/1.1\r\nHost: a\r\n{h2c}\r\n")).status, 200);
    for gone in ["upgrade", "http2-settings", "connection"] {
        assert_eq!(upstream.last().header(gone), None, "{gone}");
    }
}

#[test]
fn an_upgrade_that_is_answered_at_once_is_not_broken_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server(listener.local_addr().unwrap());
    // It answers before it has read: as early as any server could.
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
            stream.write_all(switch.as_bytes()).unwrap();
            thread::spawn(move || {
                let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
                while !read.ends_with(b"\r\n\r\nping") {
                    let more = stream.read(&mut buffer).unwrap();
                    assert!(more > 0, "broken off after {:?}", String::from_utf8_lossy(&read));
                    read.extend_from_slice(&buffer[..more]);
                }
                stream.write_all(b"pong").unwrap();
            });
        }
    });
    let gateway = Gateway::start_with(&Upstream::start(), |settings| settings.upstreams[0].servers = vec![server]);
    for _ in 0..20 {
        let mut client = gateway.client();
        client.send("GET /open/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!(client.answer().status, 101);
        client.wait_for(b"hello");
        client.send("ping");
        client.wait_for(b"hellopong");
    }
}

#[test]
fn an_upgrade_that_is_refused_is_an_answer_like_any_other() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for headers in [upgrade, "", upgrade, upgrade, ""] {
        let answer = client.ask(format!("GET /open/a HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }
    let dead = gateway.ask(format!("GET /dead/a HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n"));
    assert_eq!((dead.status, dead.header("content-type")), (502, "application/problem+json"));
    assert!(dead.text().contains("upstream_unreachable"), "{}", dead.text());
    let pair = || gateway.ask(format!("GET /pair/a HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n")).status;
    assert_eq!([pair(), pair()], [200, 200], "the one that is not there is passed over");
}

#[test]
fn an_http_1_0_client_gets_what_it_can_read() {
    let upstream = Upstream::start();
    let gateway = Gateway::start(&upstream);
    let mut client = gateway.client();
    let answer = client.ask("GET /open/drip HTTP/1.0\r\n\r\n");
    assert_eq!(answer.header("transfer-encoding"), "");
    assert_eq!((answer.text().as_str(), answer.header("connection")), ("firstsecond", "close"));
    assert_eq!(upstream.last().header("host").unwrap(), upstream.address.to_string());
    assert!(upstream.last().header("via").unwrap().starts_with("1.0 bearward-"));
}
