//! The path that is judged is byte for byte the path that is forwarded, and what can be read in two ways goes nowhere:
//! so no spelling of a protected path leads there through a route that is open.

use crate::support::{Connection, Echo, Gateway, ScriptedIssuer};
use std::collections::BTreeSet;

/// Paths below `/open/` that two servers could read in two ways.
const AMBIGUOUS: &[&str] = &[
    // dot segments, raw and encoded
    "/open/../admin/x",
    "/open/..",
    "/open/.",
    "/open/./x",
    "/open/%2e%2e/admin/x",
    "/open/%2E%2E/admin/x",
    "/open/.%2e/admin/x",
    "/open/%2e./admin/x",
    "/open/%2e",
    "/open/x/../../admin/x",
    // empty segments
    "//open/x",
    "/open//x",
    "/open/x//",
    // separators in disguise
    "/open/x%2fy",
    "/open/..%2fadmin/x",
    "/open/..%2Fadmin",
    "/open/%2e%2e%2fadmin/x",
    "/open/x%5cy",
    "/open/..%5Cadmin",
    "/open/..\\admin/x",
    "/open/x\\y",
    // parameters
    "/open/x;v=1",
    "/open/..;/admin/x",
    "/open/..;a=b/admin/x",
    "/open/x%3by",
    "/open;/x",
    // encoded twice
    "/open/%252e%252e/admin/x",
    "/open/x%252fy",
    "/open/%25%32%66",
    "/open/%2525",
    // a second spelling of a letter
    "/open/%78",
    "/%6fpen/x",
    "/open/%7E",
    // no encoding at all
    "/open/%",
    "/open/%2",
    "/open/%zz",
    "/open/%u002e",
    // control characters and what no path holds
    "/open/%00",
    "/open/x%00.png",
    "/open/%0d%0aX-Auth-Subject:%20mallory",
    "/open/%7f",
    "/open/x\u{7f}",
    "/open/x#/../admin",
    "/open/x#",
    "/open/\"x\"",
    "/open/<x>",
    "/open/[x]",
    "/open/{x}",
    "/open/x|y",
    "/open/x^y",
    "/open/`x`",
    "/open/caf\u{e9}",
    // bytes that are no UTF-8, overlong forms among them
    "/open/%c0%ae%c0%ae/admin/x",
    "/open/%c0%af",
    "/open/%e0%80%af",
    "/open/%ff",
    "/open/%c3",
    "/open/%ed%a0%80",
    "/open/%c2%85",
    // no path at all
    "open/x",
    "*",
];

#[test]
fn what_can_be_read_in_two_ways_is_400_and_goes_nowhere() {
    let stage = Stage::start();
    for path in AMBIGUOUS {
        for (method, query) in [("GET", ""), ("POST", "?a=b"), ("OPTIONS", "?/../x")] {
            let status = stage.send(method, &format!("{path}{query}"));
            assert_eq!(status, Some(400), "{method} {path}{query}");
        }
    }
    assert_eq!(stage.targets(), [""; 0], "the upstream got what was refused");
}

#[test]
fn what_reads_in_one_way_arrives_byte_for_byte() {
    let stage = Stage::start();
    let targets = [
        "/open/",
        "/open/x",
        "/open/x/",
        "/open/X/Y",
        "/open/...",
        "/open/..x",
        "/open/x..",
        "/open/.well-known/x",
        "/open/a-b_c~d.e",
        "/open/!$&'()*+,=:@",
        "/open/a%20b",
        "/open/caf%C3%A9/%c3%a9",
        "/open/%F0%9F%90%BB",
        "/open/100%25",
        "/open/%3Cx%3E",
        "/open/%23%3F",
        // The query is the upstream's to read; only the path is judged.
        "/open/x?",
        "/open/x?/../admin/x",
        "/open/x?a=%2e%2e%2f&b=%00&c=%zz&d=//;e",
        "/open/x?a=b?c=d",
        "/open/x?q='%22{}|\\^`[]",
        "/open/x?token=%25%32%66",
    ];
    for target in targets {
        assert_eq!(stage.send("GET", target), Some(200), "{target}");
        assert_eq!(stage.targets().last().map(String::as_str), Some(target));
    }
    assert_eq!(stage.targets(), targets);

    // What no query may hold (RFC 3986, 3.4) is refused or goes on as it is, never as something else.
    for query in ["\"", "<", ">", "\u{e9}", "\u{1f43b}", "%", "a#b"] {
        let (target, before) = (format!("/open/x?{query}"), stage.targets().len());
        let status = stage.send("GET", &target);
        let arrived = &stage.targets()[before..];
        assert!(
            (status == Some(400) && arrived.is_empty()) || (status == Some(200) && arrived == [target.clone()]),
            "{target}: {status:?}, {arrived:?}"
        );
    }

    // With a token, on the way that checks one.
    let target = "/admin/caf%C3%A9?next=/../open&a=%2f";
    let answer = stage.gateway.get(target).bearer(&stage.issuer.token()).send();
    assert_eq!((answer.status, stage.targets().last().map(String::as_str)), (200, Some(target)));
}

#[test]
fn what_no_target_holds_is_refused_and_never_repaired() {
    let stage = Stage::start();
    for sent in [
        "/open/a b",
        "/open/x /admin/x",
        "/open/x?a b",
        "/open/x?\u{7f}\t\u{1}",
        "/open/x HTTP/1.1",
        "/open/a\tb",
        "/open/\u{1}",
        "/open/\u{b}x",
        "/admin/x /open/x",
        "/open/.. /x/../admin/x",
    ] {
        assert_eq!(stage.send("GET", sent), Some(400), "{sent:?}");
    }
    assert_eq!(stage.targets(), [""; 0]);
}

#[test]
fn an_absolute_target_is_judged_like_the_path_in_it() {
    let stage = Stage::start();
    let send = |target: &str, host: &str| {
        let mut connection = Connection::open(stage.gateway.address());
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.send_raw(head.as_bytes()).unwrap();
        connection.read_response("GET").map(|answer| answer.status).ok()
    };
    assert_eq!(send("http://api.example.com/open/x?y=//", "api.example.com"), Some(200));
    assert_eq!(stage.targets(), ["/open/x?y=//"]);
    assert_eq!(send("http://api.example.com/admin/x", "api.example.com"), Some(401));
    for target in [
        "http://api.example.com/open/../admin/x",
        "http://api.example.com//open/x",
        "http://api.example.com/open/%2e%2e/admin/x",
        "http://api.example.com/open/x#y",
        "http://mallory@api.example.com/open/x",
        "http://other.example.com/open/x",
        "http:///open/x",
        "http://api.example.com\\open/x",
        "ftp://api.example.com/open/x",
        "//api.example.com/open/x",
    ] {
        assert_eq!(send(target, "api.example.com"), Some(400), "{target}");
    }
    assert_eq!(stage.targets().len(), 1, "{:?}", stage.targets());
}

#[test]
fn no_spelling_of_a_protected_path_gets_through_an_open_route() {
    // Everything is open, but what lies below `/admin/`.
    let stage = Stage::start_with("/*");
    let before = ["", "/", "/.", "/x/..", "/x/%2e%2e", "/%2e", "/x/..;", "/x;y/..", "/open/..", "/\\", "/%2f", "/;"];
    let admin = [
        "admin",
        "%61dmin",
        "admi%6E",
        "%2561dmin",
        "admin;x",
        "admin%3b",
        "admin%20",
        "admin.",
        "Admin",
        "ADMIN",
        "admin%00",
        "admin\\",
        "%c1%a1dmin",
        "./admin",
        "x/../admin",
        "%u0061dmin",
        "admin%09",
        "admi\u{f1}",
    ];
    let after =
        ["/x", "//x", "/./x", "/y/../x", "/%2e/x", "%2fx", "%5cx", "\\x", ";/x", "/x;v=1", "/%78", "%252fx", ""];
    let mut spellings = BTreeSet::new();
    for before in before {
        for admin in admin {
            for after in after {
                spellings.insert(format!("{before}/{admin}{after}"));
            }
        }
    }
    let mut let_through = 0;
    for spelling in &spellings {
        let before = stage.targets().len();
        let status = stage.send("GET", spelling);
        match &stage.targets()[before..] {
            [] => assert!(matches!(status, Some(400 | 401 | 404)), "{spelling}: {status:?}"),
            [target] => {
                let_through += 1;
                assert_eq!(target, spelling);
                let most_lenient = lenient(target);
                assert!(
                    !most_lenient.starts_with("/admin/"),
                    "{target} came through the open route, and can be read as {most_lenient}"
                );
            }
            more => panic!("{spelling} became {more:?}"),
        }
    }
    // Paths of their own do get through, so that the test sees what it looks for: `/ADMIN/x`, for instance.
    assert!((5..60).contains(&let_through), "{let_through} of {} got through", spellings.len());
    assert_eq!(lenient("/x/%2e%2e//%2561dmin;a=b\\.\\y"), "/admin/y", "the lenient reader is lenient");
    assert_eq!(stage.send("GET", "/admin/x"), Some(401));
    assert_eq!(stage.send("GET", "/admin"), Some(404));
}

#[test]
fn neither_host_nor_method_has_another_spelling_that_is_open() {
    let issuer = ScriptedIssuer::start();
    let upstream = Echo::start();
    let config = format!(
        r#"
{}
[[upstreams]]
name = "all"
servers = ["{}"]
[[routes]]
host = "admin.example.com"
path = "/*"
upstream = "all"
[[routes]]
path = "/*"
upstream = "all"
open = true
[[routes]]
path = "/orders/*"
methods = ["GET"]
upstream = "all"
open = true
[[routes]]
path = "/orders/*"
methods = ["DELETE"]
upstream = "all"
"#,
        issuer.table(""),
        upstream.address()
    );
    let gateway = Gateway::start(&config).ready();
    let send = |line: &str, host: &str| {
        let mut connection = Connection::open(gateway.address());
        connection.send_raw(format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n\r\n").as_bytes()).unwrap();
        connection.read_response("GET").map(|answer| answer.status).ok()
    };
    assert_eq!(send("GET /x", "Host: other.example.com\r\n"), Some(200));
    let reached = upstream.requests().len();
    for host in [
        "admin.example.com",
        "ADMIN.Example.COM",
        "admin.example.com.",
        "admin.example.com:80",
        "admin.example.com.:8080",
    ] {
        assert_eq!(send("GET /x", &format!("Host: {host}\r\n")), Some(401), "{host}");
    }
    for host in [
        "",
        "Host: admin.example.com\r\nHost: other.example.com\r\n",
        "Host: other.example.com\r\nHost: admin.example.com\r\n",
        "Host: other.example.com, admin.example.com\r\n",
        "Host: mallory@admin.example.com\r\n",
        "Host: admin%2eexample.com\r\n",
        "Host: admin.example.com..\r\n",
        "Host: admin.example.com/x\r\n",
        "Host: admin.example.com:\r\n",
        "Host: admin.example.com:x\r\n",
        "Host: admin example.com\r\n",
        "Host:\r\n",
    ] {
        assert!(matches!(send("GET /x", host), Some(400 | 401)), "{host:?}: {:?}", send("GET /x", host));
    }
    for (method, expected) in [
        ("DELETE", 401),
        ("delete", 400),
        ("Delete", 400),
        ("get", 400),
        ("PUT", 405),
        ("put", 400),
        ("PROPFIND", 405),
        ("TRACE", 405),
        ("trace", 400),
        ("track", 400),
        ("connect", 400),
    ] {
        for target in ["/orders/1", "/any/1"] {
            let status = send(&format!("{method} {target}"), "Host: other.example.com\r\n");
            let is_served = target == "/any/1" && matches!(method, "DELETE" | "PUT" | "PROPFIND");
            assert_eq!(status, Some(if is_served { 200 } else { expected }), "{method} {target}");
        }
    }
    // What is no other spelling of anything is a method like any other.
    assert_eq!(send("brew /any/1", "Host: other.example.com\r\n"), Some(200));
    let reached = reached + 4;
    assert_eq!(
        upstream.requests().len(),
        reached,
        "{:?}",
        upstream.requests().iter().map(|r| &r.target).collect::<Vec<_>>()
    );

    // A method that the upstream might take for another never arrives with one that is open.
    let request =
        gateway.get("/orders/1").header("X-HTTP-Method-Override", "DELETE").header("X-Original-URL", "/admin");
    assert_eq!(request.send().status, 200);
    assert_eq!(upstream.last().header("x-http-method-override"), None);
    assert_eq!(upstream.last().header("x-original-url"), None);
}

/// Behind a route for any method, an upstream that writes methods in capitals would run what another route guards.
#[test]
fn a_method_in_small_letters_does_not_pass_the_route_that_guards_it() {
    let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
    let config = format!(
        r#"
{}
[[upstreams]]
name = "all"
servers = ["{}"]
[[routes]]
path = "/orders/*"
methods = ["POST"]
upstream = "all"
scopes = ["orders:write"]
[[routes]]
path = "/orders/*"
upstream = "all"
open = true
"#,
        issuer.table(""),
        upstream.address()
    );
    let gateway = Gateway::start(&config).ready();
    let send = |method: &str| {
        let mut connection = Connection::open(gateway.address());
        let head = format!("{method} /orders/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        connection.send_raw(head.as_bytes()).unwrap();
        connection.read_response("GET").map(|answer| answer.status).ok()
    };
    assert_eq!(send("POST"), Some(401));
    for method in ["post", "Post", "pOST", "POSt"] {
        assert_eq!(send(method), Some(400), "{method}");
    }
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(send("PUT"), Some(200));
}

#[test]
fn a_route_that_ignores_case_guards_every_spelling_and_forwards_it_as_sent() {
    let stage = Stage::start_with_admin("/*", "ignore_case = true");
    for target in ["/admin/x", "/Admin/x", "/ADMIN/X", "/aDmIn/"] {
        assert_eq!(stage.send("GET", target), Some(401), "{target}");
    }
    for target in ["/Admin/../open", "/%41dmin/x", "/ADMIN%2fx", "//Admin/x", "/ADMIN;/x"] {
        assert_eq!(stage.send("GET", target), Some(400), "{target}");
    }
    // The other spelling of the end is no way around it either.
    assert_eq!(stage.send("GET", "/Admin"), Some(404));
    assert_eq!(stage.targets(), [""; 0]);
    let target = "/ADMIN/Caf%C3%A9?a=B";
    let answer = stage.gateway.get(target).bearer(&stage.issuer.token()).send();
    assert_eq!((answer.status, stage.targets()), (200, vec![target.to_owned()]));
    // Letters beyond ASCII have no case here, and other routes are matched as before.
    for target in ["/%C3%81dmin/x", "/Open/x"] {
        assert_eq!(stage.send("GET", target), Some(200), "{target}");
    }
}

/// A gateway where one place is open and `/admin/*` is protected.
struct Stage {
    gateway: Gateway,
    issuer: ScriptedIssuer,
    upstream: Echo,
}

impl Stage {
    fn start() -> Self {
        Self::start_with("/open/*")
    }

    fn start_with(open: &str) -> Self {
        Self::start_with_admin(open, "")
    }

    fn start_with_admin(open: &str, setting: &str) -> Self {
        let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
        let config = format!(
            r#"
{}
[[upstreams]]
name = "all"
servers = ["{}"]
[[routes]]
path = "{open}"
upstream = "all"
open = true
[[routes]]
path = "/admin/*"
upstream = "all"
{setting}
"#,
            issuer.table(""),
            upstream.address()
        );
        let gateway = Gateway::start(&config).ready();
        Self { gateway, issuer, upstream }
    }

    /// Sends a request for exactly this target; nothing where there was no answer.
    fn send(&self, method: &str, target: &str) -> Option<u16> {
        let mut connection = Connection::open(self.gateway.address());
        let head = format!("{method} {target} HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
        connection.send_raw(head.as_bytes()).unwrap();
        connection.read_response(method).ok().map(|answer| answer.status)
    }

    fn targets(&self) -> Vec<String> {
        self.upstream.requests().into_iter().map(|request| request.target).collect()
    }
}

/// The path as the most lenient of all servers would read it: decoded until nothing is left to decode, `\` for `/`,
/// without parameters, dot segments and empty segments.
fn lenient(target: &str) -> String {
    let mut path = target.split('?').next().unwrap().as_bytes().to_vec();
    for _ in 0..3 {
        path = decode(&path);
    }
    let path = String::from_utf8_lossy(&path).replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment.split([';', '\0']).next().unwrap() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                decoded.push(code);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}
