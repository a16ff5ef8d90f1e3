//! Fields that concern one connection alone, and fields that are ours to set (RFC 9110, 7.6).

use super::driver::{Arrival, Row, Stage, TOKEN, fresh_id, play, row};

#[test]
fn fields_of_the_connection_stay_here_and_ours_cannot_be_taken_away() {
    play(&rows());
}

/// Fields that are gone, each with another that must have stayed.
const GONE: &[(&str, &[&str])] = &[
    ("Keep-Alive: timeout=5", &["Keep-Alive"]),
    ("Proxy-Connection: keep-alive", &["Proxy-Connection"]),
    ("Proxy-Authorization: Basic eDp5", &["Proxy-Authorization"]),
    ("TE: trailers", &["TE"]),
    ("TE: trailers, deflate;q=0.5\r\nConnection: TE", &["TE"]),
    ("TE: gzip", &["TE"]),
    ("Trailer: X-A", &["Trailer"]),
    ("Upgrade: h2c", &["Upgrade"]),
    // Only ever for one connection (RFC 7540, 3.2.1).
    ("HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", &["HTTP2-Settings"]),
    ("Connection: X-Hop\r\nX-Hop: 1", &["X-Hop"]),
    ("X-Hop: 1\r\nConnection: X-Hop", &["X-Hop"]),
    ("Connection: x-hop\r\nX-HOP: 1\r\nx-Hop: 2", &["X-Hop"]),
    ("Connection: keep-alive, X-Hop\r\nX-Hop: 1", &["X-Hop"]),
    ("Connection: X-Hop,X-Jump ,\tX-Leap\r\nX-Hop: 1\r\nX-Jump: 2\r\nX-Leap: 3", &["X-Hop", "X-Jump", "X-Leap"]),
    ("Connection: X-Hop\r\nConnection: X-Jump\r\nX-Hop: 1\r\nX-Jump: 2", &["X-Hop", "X-Jump"]),
    ("Connection: ,, X-Hop,,\r\nX-Hop: 1", &["X-Hop"]),
    ("Connection: Cookie\r\nCookie: a=b", &["Cookie"]),
    ("Connection: \r\nX-A: b", &["Connection"]),
];

/// Under these names a client would say who it is, or how it came here (CVE-2025-64484, CVE-2022-31813).
const FORGED: &[&str] = &[
    "X-Auth-Subject",
    "x-auth-subject",
    "X-AUTH-SUBJECT",
    "X_Auth_Subject",
    "X-Auth_Subject",
    "X.Auth.Subject",
    "X-Auth-Issuer",
    "X-Auth-Client-Id",
    "X_AUTH_SCOPE",
    "X-Auth-Scope",
    "Forwarded",
    "X-Forwarded-Prefix",
    "X-Forwarded-Client-Cert",
    "X_Forwarded_For",
    "X.Forwarded.Proto",
    "X-Original-URL",
    "X_Original_URL",
    "X-Rewrite-URL",
    "X-Real-IP",
    "X-HTTP-Method-Override",
    "Client-Cert",
    "X-SSL-Client-Verify",
    "X-Remote-User",
    "Proxy",
    "Authorization",
    "Proxy-Authorization",
];

/// What we set, and what the client could name in `Connection` to have it taken away (CVE-2025-48865).
const OURS: &[&str] = &[
    "X-Auth-Subject",
    "x-auth-issuer",
    "X-Auth-Client-Id",
    "X-Auth-Scope",
    "Authorization",
    "X-Request-Id",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "close, X-Auth-Subject",
    "X-Auth-Subject, X-Auth-Subject",
];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (fields, gone) in GONE {
        let raw = get("/public/<row-id>", &format!("{fields}\r\nX-Stays: yes"));
        let row = row(format!("{fields:?}"), "RFC 9110 7.6.1", raw).arrives("");
        rows.push(row.and(|it| gone.iter().fold(it.with("X-Stays: yes"), |it, name| it.without(name))));
    }
    for name in FORGED {
        for route in ["/public/<row-id>", "/private/<row-id>"] {
            let token = format!("Authorization: Bearer {TOKEN}\r\n");
            let token = if route.contains("private") && *name != "Authorization" { &*token } else { "" };
            let raw = get(route, &format!("{token}{name}: mallory\r\nX-Stays: yes"));
            let row = row(format!("{name} to {route}"), "RFC 9110 7.6, CVE-2025-64484", raw);
            rows.push(match *name {
                "Authorization" if route.contains("private") => row.turned_away(&[400, 401]),
                _ if route.contains("public") => row.arrives("").and(|it| it.without(name).with("X-Stays: yes")),
                _ => row.arrives("").and(|it| it.known().with("X-Stays: yes")),
            });
        }
    }
    for names in OURS {
        let fields = format!("Authorization: Bearer {TOKEN}\r\nConnection: {names}\r\nX-Auth-Subject: mallory");
        let raw = get("/private/<row-id>", &fields);
        let row = row(format!("Connection: {names}"), "CVE-2025-48865, CVE-2022-31813", raw);
        // To name what a proxy sets is a lie, so refusing is right as well.
        let mut row = row.arrives("").and(Arrival::known);
        if names.contains("close") {
            row = row.then_closed();
        }
        rows.push(row.turned_away(&[400, 401]));
    }
    for names in ["Host", "host, x-a"] {
        let raw = get("/public/<row-id>", &format!("Connection: {names}"));
        let row = row(format!("Connection: {names}"), "RFC 9110 7.6.1", raw);
        rows.push(row.arrives("").and(|it| it.with("Host: a")).turned_away(&[400]));
    }
    let via = get("/public/<row-id>", "Via: 1.1 edge, 1.0 inner\r\nVia: 1.1 other (a comment, bearward)");
    rows.push(
        row("Via of other proxies", "RFC 9110 7.6.3", via)
            .arrives("")
            .and(|it| it.with("Via: 1.1 edge, 1.0 inner").with("Via: 1.1 other (a comment, bearward)")),
    );
    rows
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n")
}

/// RFC 9110, 7.6.3: what a request passed through stands in its `Via`, and a proxy that finds itself there ends the loop.
#[test]
fn a_request_that_has_been_here_before_is_508() {
    let (stage, other) = (Stage::start(), Stage::start());
    let via_of = |stage: &Stage, via: &[&str]| {
        let id = fresh_id();
        let mut request = stage.gateway.get(&format!("/public/{id}"));
        for via in via {
            request = request.header("Via", via);
        }
        let status = request.send().status;
        let arrived = stage.upstream.arrived(&id);
        let values = arrived.first().map(|message| message.values("via")).unwrap_or_default();
        (status, values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>())
    };
    let (status, first) = via_of(&stage, &[]);
    assert_eq!((status, first.len()), (200, 1), "{first:?}");
    let (_, of_other) = via_of(&other, &[]);
    let ours = &first[0];
    assert!(ours.starts_with("1.1 "), "{ours}");
    assert_ne!(first, of_other, "two gateways that stand in a row are no loop, so each has a name of its own");

    let list = format!("1.1 edge, {ours}, 1.0 inner");
    let spelled = ours.replacen("1.1 ", "HTTP/1.1\t ", 1);
    let with_comment = format!("{ours} (a comment)");
    let other_version = ours.replacen("1.1 ", "2 ", 1);
    for via in [
        vec![&**ours],
        vec!["1.1 edge", ours],
        vec![&*list],
        vec![&*spelled],
        vec![&*with_comment],
        vec![&*other_version],
    ] {
        assert_eq!(via_of(&stage, &via), (508, Vec::new()), "{via:?}");
    }
    for via in [&*of_other[0], "1.1 edge", "1.1 bearward", "1.1 bearward-0"] {
        let (status, arrived) = via_of(&stage, &[via]);
        assert_eq!((status, arrived.len()), (200, 2), "{via}: {arrived:?}");
    }
}
