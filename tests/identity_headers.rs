//! The upstream sees each identity header exactly as verified, or not at all: nothing that a client sends, under any
//! name, can be read there as who calls or as how the request came.

use crate::support::{
    Connection, Echo, Gateway, Received, Reply, Request, SOON, ScriptedIssuer, eventually, write_secret,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// What clients put where they want to be believed.
const FORGED: &str = "mallory";

#[test]
fn the_four_native_headers_tell_who_calls() {
    let stage = Stage::start();
    let seen = stage.identity(&json!({ "scope": "orders:read openid" }));
    assert_eq!(
        seen,
        headers(&[
            ("x-auth-subject", "alice"),
            ("x-auth-issuer", &stage.issuer.url()),
            ("x-auth-client-id", "web"),
            ("x-auth-scope", "orders:read openid"),
        ])
    );
    // Proved by the issuer's answer, the same caller is told in the same way.
    let answer = stage.gateway.get("/orders/1").bearer("good-opaque-token").send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let opaque = identity_headers(&stage.upstream.last());
    assert_eq!(opaque["x-auth-subject"], "alice");
    assert_eq!(opaque["x-auth-issuer"], stage.issuer.url());
    assert_eq!(opaque["x-auth-client-id"], "web");
    assert_eq!(opaque["x-auth-scope"], "orders:read");
}

#[test]
fn what_the_token_does_not_have_the_upstream_does_not_get() {
    let stage = Stage::start();
    let inactive = |request: &Received| {
        let mut answer = ScriptedIssuer::active(request);
        for claim in ["iss", "sub", "client_id", "scope"] {
            answer.as_object_mut().unwrap().remove(claim);
        }
        Reply::json(200, &answer)
    };
    stage.issuer.script(ScriptedIssuer::INTROSPECTION, inactive);
    let mut request = stage.gateway.get("/plain/1").bearer("good-but-anonymous");
    for (name, _) in CLAIMS.iter().chain(&[("X-Auth-Subject", ""), ("X-Auth-Client-Id", ""), ("X-Auth-Scope", "")]) {
        request = request.header(name, FORGED);
    }
    assert_eq!(request.send().status, 200);
    assert_eq!(identity_headers(&stage.upstream.last()), headers(&[("x-auth-issuer", &stage.issuer.url())]));
    stage.assert_nothing_forged();
}

#[test]
fn claims_become_headers_by_json_pointer() {
    let stage = Stage::start();
    let seen = stage.identity(&json!({
        "email": "alice@example.com",
        "address": { "city": "Oslo", "streets": ["High Street", "Low Street"] },
        "groups": ["staff", "admin"],
        "https://example.com/tenant": "blue",
        "level": 3,
        "root": false,
        "nothing": null,
    }));
    let address = encoded(r#"{"city":"Oslo","streets":["High Street","Low Street"]}"#);
    for (name, value) in [
        ("x-auth-email", "alice@example.com"),
        ("x-auth-city", "Oslo"),
        ("x-auth-second-street", "Low Street"),
        ("x-auth-groups", "staff,admin"),
        ("x-auth-tenant", "blue"),
        ("x-auth-level", "3"),
        ("x-auth-root", "false"),
        ("x-auth-address", &address),
    ] {
        assert_eq!(seen.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(seen.get("x-auth-nothing"), None);
    // The same claims without the first: nothing is left of the caller before.
    let seen = stage.identity(&json!({ "groups": [] }));
    assert_eq!(seen.keys().filter(|name| !NATIVE.contains(&name.as_str())).count(), 0, "{seen:?}");
}

#[test]
fn what_a_header_cannot_hold_is_encoded_and_never_bent() {
    let stage = Stage::start();
    for subject in [
        "alice\r\nX-Auth-Scope: orders:admin",
        "alice\nbob",
        "alice\u{0}",
        "alice\t",
        " alice",
        "alice ",
        "J\u{f8}rgen \u{1f43b}",
        "=?base64?cm9vdA==?=",
        "=?utf-8?q?root?=",
    ] {
        let seen = stage.identity(&json!({ "sub": subject }));
        assert_eq!(seen["x-auth-subject"], encoded(subject), "{subject:?}");
        assert_eq!(seen["x-auth-scope"], "orders:read", "{subject:?}");
    }
    for (groups, value) in [
        (json!(["users", "a,admin"]), encoded(r#"["users","a,admin"]"#)),
        (json!(["a,admin"]), encoded(r#"["a,admin"]"#)),
        (json!("a,admin"), encoded("a,admin")), // it would read as a list
        (json!(["users", ""]), encoded(r#"["users",""]"#)),
        (json!(["users", " admin"]), encoded(r#"["users"," admin"]"#)),
        (json!(["users", 1]), encoded(r#"["users",1]"#)),
        (json!(["caf\u{e9}"]), encoded("[\"caf\u{e9}\"]")),
        (json!(["x\r\ny"]), encoded(r#"["x\r\ny"]"#)),
    ] {
        let seen = stage.identity(&json!({ "groups": groups }));
        assert_eq!(seen["x-auth-groups"], value, "{groups}");
    }
    // What would have to be cut short is not told at all.
    let before = stage.upstream.requests().len();
    for changes in [json!({ "sub": "x".repeat(5_000) }), json!({ "groups": vec!["x".repeat(100); 90] })] {
        let answer = stage.gateway.get("/orders/1").bearer(&stage.issuer.token_with(&changes)).send();
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    assert_eq!(stage.upstream.requests().len(), before);
}

#[test]
fn no_copy_of_an_identity_header_arrives_under_any_name() {
    let stage = Stage::start();
    let names: Vec<&str> = ["X-Auth-Subject", "X-Auth-Issuer", "X-Auth-Client-Id", "X-Auth-Scope"]
        .into_iter()
        .chain(CLAIMS.iter().map(|(name, _)| *name))
        .collect();
    for path in ["/orders/1", "/open/1"] {
        for spell in SPELLINGS {
            let mut request = stage.ask(path).header("X-Harmless", "kept").header("X-Authority", "kept");
            for name in &names {
                request = request.header(&spell(name), FORGED).header(&spell(name), FORGED);
            }
            let answer = request.send();
            assert_eq!(answer.status, 200, "{path} {}: {}", spell("X-Auth-Subject"), answer.text());
            let seen = identity_headers(&stage.upstream.last());
            assert_eq!(seen.get("x-auth-subject").map(String::as_str), (path == "/orders/1").then_some("alice"));
            assert_eq!(seen.len(), if path == "/orders/1" { 4 } else { 0 }, "{path}: {seen:?}");
            // Only those are taken away.
            assert_eq!(stage.upstream.last().header("x-harmless"), Some("kept"));
            assert_eq!(stage.upstream.last().header("x-authority"), Some("kept"));
        }
    }
    stage.assert_nothing_forged();
    // What is no header line in one reading is no request.
    let before = stage.upstream.requests().len();
    for line in ["X-Auth-Subject : mallory", " X-Auth-Subject: mallory", "X-A: b\r\n X-Auth-Subject: mallory"] {
        let mut connection = Connection::open(stage.gateway.address());
        let head = format!("GET /open/1 HTTP/1.1\r\nHost: api\r\n{line}\r\nConnection: close\r\n\r\n");
        connection.send_raw(head.as_bytes()).unwrap();
        let answer = String::from_utf8_lossy(&connection.read_to_end()).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{line:?}: {answer}");
    }
    assert_eq!(stage.upstream.requests().len(), before);
}

#[test]
fn connection_cannot_strip_an_identity_header() {
    let stage = Stage::start();
    for nominated in [
        "X-Auth-Subject",
        "close, X-Auth-Subject, X-Auth-Issuer, X-Auth-Client-Id, X-Auth-Scope",
        "keep-alive, x-auth-subject, authorization",
        "X-Auth-Subject, X-Request-Id, TE",
    ] {
        let request = stage.ask("/orders/1").header("Connection", nominated).header("X-Auth-Subject", FORGED);
        let answer = request.header("X-Request-Id", "nominated").send();
        assert_eq!(answer.status, 200, "{nominated}: {}", answer.text());
        let seen = stage.upstream.last();
        assert_eq!(identity_headers(&seen).len(), 4, "{nominated}: {:?}", seen.headers);
        assert_eq!(seen.header("x-auth-subject"), Some("alice"), "{nominated}");
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"), "{nominated}");
        assert_eq!(seen.header("x-request-id"), Some("nominated"), "{nominated}");
        assert_eq!(seen.values("host").len(), 1, "{nominated}");
        assert!(!seen.values("connection").concat().to_ascii_lowercase().contains("x-"), "{:?}", seen.headers);
    }
    // Some are refused outright, `Host` among them: without it there is no request that could go on.
    let before = stage.upstream.requests().len();
    for nominated in ["close, Host", "X-Auth-Subject, X-Forwarded-For", "X-Auth-Subject, :authority"] {
        assert_eq!(stage.ask("/orders/1").header("Connection", nominated).send().status, 400, "{nominated}");
    }
    assert_eq!(stage.upstream.requests().len(), before);
    // A nomination takes away what is the client's own.
    let request = stage.ask("/orders/1").header("Connection", "X-Mine").header("X-Mine", "1");
    assert_eq!(request.send().status, 200);
    assert_eq!(stage.upstream.last().header("x-mine"), None);
    stage.assert_nothing_forged();
}

#[test]
fn trailers_add_nothing() {
    let stage = Stage::start();
    for path in ["/orders/1", "/open/1"] {
        let head = [
            ("Transfer-Encoding", "chunked"),
            ("Trailer", "X-Auth-Subject, X_Auth_Scope, Authorization"),
            ("TE", "trailers"),
            ("Connection", "close, TE"),
        ];
        let request = Request::post(&format!("{}{path}", stage.gateway.url()));
        let request = head.iter().fold(request, |request, (name, value)| request.header(name, value));
        let body =
            "4\r\nbody\r\n0\r\nX-Auth-Subject: mallory\r\nX_Auth_Scope: mallory\r\nAuthorization: mallory\r\n\r\n";
        let answer = request.bearer(&stage.issuer.token()).body(body).send();
        assert!(matches!(answer.status, 200 | 400), "{path}: {}", answer.text());
        if answer.status == 200 {
            let seen = stage.upstream.last();
            assert_eq!((&*seen.body, &*seen.trailers), (&b"body"[..], &[][..]), "{path}");
        }
    }
    stage.assert_nothing_forged();
}

#[test]
fn the_clients_authorization_is_what_the_upstreams_setting_makes_of_it() {
    let stage = Stage::start();
    let token = stage.issuer.token();
    let authorization = |path: &str, connection: &str| {
        let request = stage.gateway.get(path).bearer(&token).header("Connection", connection);
        let request = request.header("Proxy-Authorization", "Basic mallory").header("X_Authorization", "kept");
        assert_eq!(request.send().status, 200, "{path}");
        let seen = stage.upstream.last();
        assert!(seen.header("proxy-authorization").is_none(), "{path}");
        seen.values("authorization").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for connection in ["close", "close, authorization"] {
        assert_eq!(authorization("/orders/1", connection), [""; 0], "{connection}");
        assert_eq!(authorization("/forward/1", connection), [format!("Bearer {token}")], "{connection}");
        assert_eq!(authorization("/replace/1", connection), ["Basic Z2F0ZXdheTpvbmU="], "{connection}");
    }
    // An open route has no token to check, and the setting holds all the same.
    let open = stage.gateway.get("/open/1").header("Authorization", "Basic YTpi").header("authorization", "Digest x");
    assert_eq!(open.send().status, 200);
    assert_eq!(stage.upstream.last().values("authorization"), [""; 0]);

    // New credentials are in use without a restart.
    write_secret(stage.secrets.path(), "authorization", "Basic Z2F0ZXdheTp0d28tYW5kLWxvbmdlcg==\n");
    eventually("the new credentials are in use", SOON, || {
        authorization("/replace/1", "close") == ["Basic Z2F0ZXdheTp0d28tYW5kLWxvbmdlcg=="]
    });
}

#[test]
fn how_the_request_came_is_told_by_the_gateway_alone() {
    let stage = Stage::start();
    for path in ["/orders/1", "/open/1"] {
        for spell in SPELLINGS {
            let mut request = stage.ask(path).header("Host", "api.example.com:8443");
            for name in FACTS {
                request = request.header(&spell(name), FORGED);
            }
            let answer = request.header("Cookie", "mine=1").send();
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let seen = stage.upstream.last();
            for (name, value) in [
                ("x-forwarded-for", "127.0.0.1"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "api.example.com:8443"),
                ("host", "api.example.com:8443"),
                ("cookie", "mine=1"),
            ] {
                assert_eq!(seen.values(name), [value], "{path}: {name} in {:?}", seen.headers);
            }
        }
    }
    stage.assert_nothing_forged();
}

/// The claims that are configured to become headers.
const CLAIMS: &[(&str, &str)] = &[
    ("X-Auth-Email", "/email"),
    ("X-Auth-City", "/address/city"),
    ("X-Auth-Second-Street", "/address/streets/1"),
    ("X-Auth-Address", "/address"),
    ("X-Auth-Groups", "/groups"),
    ("X-Auth-Tenant", "/https:~1~1example.com~1tenant"),
    ("X-Auth-Level", "/level"),
    ("X-Auth-Root", "/root"),
    ("X-Auth-Nothing", "/nothing"),
];
const NATIVE: [&str; 4] = ["x-auth-subject", "x-auth-issuer", "x-auth-client-id", "x-auth-scope"];

/// Names that some server takes for the same as the one with `-`.
const SPELLINGS: [fn(&str) -> String; 8] = [
    |name| name.to_owned(),
    |name| name.to_lowercase(),
    |name| name.to_uppercase(),
    |name| name.replace('-', "_"),
    |name| name.replacen('-', "_", 1),
    |name| name.replace('-', ".").to_lowercase(),
    |name| name.replace('-', "_").to_uppercase(),
    |name| name.replacen('-', ".", 1).replacen('-', "_", 1),
];

/// Headers by which a client could pass itself off as a trusted proxy, or have another request served.
const FACTS: &[&str] = &[
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-User",
    "X-Real-Ip",
    "Client-Ip",
    "True-Client-Ip",
    "X-Client-Ip",
    "X-Cluster-Client-Ip",
    "X-Envoy-Original-Path",
    "X-Original-Host",
    "X-Remote-User",
    "X-Auth-Request-Email",
    "Remote-Groups",
    "Script-Name",
    "X-Original-Url",
    "X-Original-Uri",
    "X-Original-Method",
    "X-Rewrite-Url",
    "X-Http-Method-Override",
    "X-Http-Method",
    "X-Method-Override",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Ssl-Client-Dn",
    "Proxy-Authorization",
];

struct Stage {
    gateway: Gateway,
    issuer: ScriptedIssuer,
    upstream: Echo,
    secrets: TempDir,
}

impl Stage {
    fn start() -> Self {
        let (issuer, upstream, secrets) = (ScriptedIssuer::start(), Echo::start(), TempDir::new().unwrap());
        let replacement = write_secret(secrets.path(), "authorization", "Basic Z2F0ZXdheTpvbmU=\n");
        let claims: String = CLAIMS.iter().map(|(name, pointer)| format!("{name} = \"{pointer}\"\n")).collect();
        let server = upstream.address();
        let upstreams: String = [
            ("orders", String::new()),
            ("forward", "authorization = \"forward\"".to_owned()),
            (
                "replace",
                format!("authorization = \"replace\"\nauthorization_file = \"{}\"", replacement.to_str().unwrap()),
            ),
        ]
        .into_iter()
        .map(|(name, more)| format!("[[upstreams]]\nname = \"{name}\"\nservers = [\"{server}\"]\n{more}\n"))
        .collect();
        let routes: String = [
            ("orders", "orders", "scopes = [\"orders:read\"]"),
            ("plain", "orders", ""),
            ("open", "orders", "open = true"),
            ("forward", "forward", ""),
            ("replace", "replace", ""),
        ]
        .into_iter()
        .map(|(path, upstream, more)| format!("[[routes]]\npath = \"/{path}/*\"\nupstream = \"{upstream}\"\n{more}\n"))
        .collect();
        let config = format!(
            "[identity.claims]\n{claims}\n{}{}\n{upstreams}\n{routes}",
            issuer.table(""),
            ScriptedIssuer::introspection("")
        );
        let gateway = Gateway::start_with(&config, |command| {
            command.env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET);
        })
        .ready();
        Self { gateway, issuer, upstream, secrets }
    }

    /// A request with a good token where the route asks for one.
    fn ask(&self, path: &str) -> Request {
        let request = self.gateway.get(path);
        if path.starts_with("/open/") { request } else { request.bearer(&self.issuer.token()) }
    }

    /// The identity headers that the upstream gets for a token with these changes.
    fn identity(&self, changes: &Value) -> BTreeMap<String, String> {
        let token = self.issuer.token_with(changes);
        let answer = self.gateway.get("/orders/1").bearer(&token).send();
        assert_eq!(answer.status, 200, "{changes}: {}", answer.text());
        identity_headers(&self.upstream.last())
    }

    fn assert_nothing_forged(&self) {
        for request in self.upstream.requests() {
            let raw = String::from_utf8_lossy(&request.raw).into_owned();
            assert!(!raw.contains(FORGED), "the upstream got what a client had made up:\n{raw}");
        }
    }
}

/// What an upstream could read as an identity header, each once, under its name in lower case.
fn identity_headers(request: &Received) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in &request.headers {
        let folded = name.to_ascii_lowercase().replace(['_', '.'], "-");
        if folded.starts_with("x-auth-") {
            assert_eq!(folded, name.to_ascii_lowercase(), "an alias arrived: {:?}", request.headers);
            assert!(found.insert(folded, value.clone()).is_none(), "{name} arrived twice: {:?}", request.headers);
        }
    }
    found
}

fn headers(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn encoded(text: &str) -> String {
    format!("=?base64?{}?=", STANDARD.encode(text))
}
