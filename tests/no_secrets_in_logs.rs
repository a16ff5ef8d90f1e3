//! No token, secret, query or body is in anything that the gateway writes, however much is asked of the log and whatever
//! goes wrong; and each request has one access line that says what became of it.

use crate::support::{Connection, Gateway, Received, Reply, Request, SOON, ScriptedIssuer, Server, Signer, eventually};
use crate::support::{free_port, now, write_secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// Stands in everything that must not be seen again.
const CANARY: &str = "canary";

#[test]
fn nothing_secret_is_in_json_lines_at_the_level_trace() {
    watch("json", "trace");
}

#[test]
fn nothing_secret_is_in_human_lines_at_the_level_trace() {
    watch("human", "trace");
}

#[test]
fn nothing_secret_is_in_any_line_when_libraries_are_asked_for_more() {
    watch("json", "debug,hyper=trace,hyper_util=trace,h2=trace");
}

#[test]
fn what_is_asked_for_does_appear() {
    // The other tests look for lines that are not there; these are, so the lines are looked for in the right place.
    let stage = Stage::start("json", "trace");
    let id = "appears";
    assert_eq!(stage.get("/orders/1").bearer(&stage.token()).header("X-Request-Id", id).send().status, 200);
    let line = stage.access_line(id);
    assert_eq!(line["path"], "/orders/1");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["upstream"], "orders");
    assert_eq!(line["issuer"], stage.issuer.url());
    assert_eq!(line["source"], "signature");
    let levels: Vec<Value> = stage.json_lines().iter().map(|line| line["level"].clone()).collect();
    assert!(levels.contains(&json!("TRACE")) || levels.contains(&json!("DEBUG")), "nothing below INFO was written");
}

/// What became of a request, as its access line must say.
struct Expected {
    id: String,
    route: Option<&'static str>,
    status: u16,
    verdict: &'static str,
    reason: Option<&'static str>,
}

fn watch(format: &str, level: &str) {
    let mut stage = Stage::start(format, level);
    let expected = stage.requests_of_all_kinds();
    stage.malformed_requests();
    stage.client_that_leaves();
    stage.bodies_that_are_broken();

    let access = || {
        let logs = stage.gateway.logs();
        logs.lines().filter(|line| line.contains(ACCESS)).map(str::to_owned).collect::<Vec<_>>()
    };
    eventually("each request has its access line", SOON, || {
        expected.iter().all(|expected| access().iter().any(|line| line.contains(&format!("\"{}\"", expected.id))))
    });
    // Whatever arrives has a line and is counted; nothing is twice.
    eventually("there are as many access lines as requests counted", SOON, || {
        stage.gateway.metrics().sum("bearward_http_requests_total", &[]) == access().len() as f64
    });
    if format == "json" {
        stage.check_access_lines(&expected);
    } else {
        for expected in &expected {
            let lines = access();
            let id = format!("request_id=\"{}\"", expected.id);
            let lines: Vec<&String> = lines.iter().filter(|line| line.contains(&id)).collect();
            let [line] = lines[..] else { panic!("{}: {} access lines: {lines:?}", expected.id, lines.len()) };
            let fields = [
                expected.route.map(|route| format!("route=\"{route}\"")),
                Some(format!("status={}", expected.status)),
                Some(format!("verdict=\"{}\"", expected.verdict)),
                expected.reason.map(|reason| format!("reason=\"{reason}\"")),
            ];
            for field in fields.into_iter().flatten() {
                assert!(line.contains(&field), "no {field} in {line}");
            }
        }
    }

    let metrics = stage.gateway.metrics().0;
    let readiness = Request::get(&format!("{}/readyz?verbose", stage.gateway.admin())).send().text();
    stage.gateway.stop();
    let logs = stage.gateway.logs();
    for (name, text) in [("the log", &logs), ("/metrics", &metrics), ("/readyz", &readiness)] {
        for secret in stage.secrets() {
            if let Some(at) = text.find(&secret) {
                let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
                panic!("{secret:?} is in {name}:\n{}", text[start..].lines().next().unwrap_or_default());
            }
        }
    }
    assert!(!logs.contains("panicked"), "{logs}");
}

const ACCESS: &str = "bearward::access";

struct Stage {
    gateway: Gateway,
    issuer: ScriptedIssuer,
    away: String,
    _upstreams: Vec<Server>,
    _secrets: TempDir,
}

impl Stage {
    fn start(format: &str, level: &str) -> Self {
        let (issuer, secrets) = (ScriptedIssuer::start(), TempDir::new().unwrap());
        issuer.script(ScriptedIssuer::INTROSPECTION, introspection);
        let away = format!("http://127.0.0.1:{}", free_port());
        let authorization = write_secret(secrets.path(), "authorization", "Basic canary-authorization");
        let orders = Server::start(upstream);
        let config = format!(
            r#"
[log]
format = "{format}"
level = "{level}"

[identity.claims]
X-Auth-Email = "/email"

{main}{introspection}
[[issuers]]
issuer = "{away}"
audiences = ["https://api.example.com"]
timeout = "500ms"

[[upstreams]]
name = "orders"
servers = ["{orders}"]
authorization = "replace"
authorization_file = "{authorization}"
read_timeout = "300ms"
[[upstreams]]
name = "forward"
servers = ["{orders}"]
authorization = "forward"
[[upstreams]]
name = "dead"
servers = ["127.0.0.1:{dead}"]

[[routes]]
name = "orders"
path = "/orders/*"
upstream = "orders"
scopes = ["orders:read"]
[[routes]]
name = "forward"
path = "/forward/*"
upstream = "forward"
[[routes]]
name = "dead"
path = "/dead/*"
upstream = "dead"
[[routes]]
name = "open"
path = "/open/*"
upstream = "orders"
open = true
"#,
            main = issuer.table(""),
            introspection = ScriptedIssuer::introspection("timeout = \"500ms\""),
            orders = orders.address(),
            authorization = authorization.display(),
            dead = free_port(),
        );
        let gateway = Gateway::start_with(&config, |command| {
            command.env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET);
        });
        let stage = Self { gateway, issuer, away, _upstreams: vec![orders], _secrets: secrets };
        eventually("a good token is let through", SOON, || {
            stage.get("/forward/0").bearer(&stage.token()).send().status == 200
        });
        stage
    }

    /// A good token with something in it that is nobody else's business.
    fn token(&self) -> String {
        self.token_with(json!({}))
    }

    fn token_with(&self, mut changes: Value) -> String {
        changes["email"] = "canary@example.com".into();
        changes["jti"] = "canary-jti".into();
        self.issuer.token_with(&changes)
    }

    /// A GET request with a query, a cookie and a header that are.
    fn get(&self, path: &str) -> Request {
        let request = self.gateway.get(&format!("{path}?code=canary-query&state=canary-query-token"));
        request.header("Cookie", "session=canary-cookie").header("X-Api-Key", "canary-api-key")
    }

    fn requests_of_all_kinds(&self) -> Vec<Expected> {
        let (issuer, good) = (&self.issuer, self.token());
        let stranger = Signer::es256("main").token(&issuer.claims_with(&json!({ "sub": "canary" })));
        let unknown = Signer::es256("canary-kid").token(&issuer.claims_with(&json!({ "sub": "canary" })));
        let no_type =
            issuer.key().sign_json(&json!({ "alg": "ES256", "kid": "main" }), &issuer.claims_with(&json!({})));
        let admit = |route, request: Request| (Some(route), request, 200, "admit", None);
        let refuse = |route, request: Request, status, reason| (route, request, status, "refuse", Some(reason));
        let error = |route, request: Request, status, reason| (Some(route), request, status, "error", Some(reason));
        let orders = |token: &str| self.get("/orders/1").bearer(token);
        let invalid = |token: &str, reason| refuse(Some("orders"), orders(token), 401, reason);
        let unavailable = |token: &str, reason| refuse(Some("orders"), orders(token), 503, reason);
        let grpc = orders("canary-opaque").header("Content-Type", "application/grpc");
        let with_query = self.gateway.get("/orders/1?access_token=canary");
        let cases = vec![
            admit("orders", orders(&good)),
            admit("orders", orders(&good)),
            admit("orders", orders("good-canary-token")),
            admit("orders", orders("good-canary-token")),
            admit("forward", self.get("/forward/1").bearer(&good)),
            admit("open", self.get("/open/1").bearer("canary-unread")),
            admit("open", self.get("/open/1").header("X-Auth-Subject", "canary-forged").body("canary-body")),
            invalid(&self.token_with(json!({ "exp": now() - 600 })), "token_expired"),
            invalid(&self.token_with(json!({ "aud": "https://canary.example.com" })), "audience_mismatch"),
            invalid(&self.token_with(json!({ "iss": "https://canary.example.com" })), "issuer_unknown"),
            invalid(&self.token_with(json!({ "sub": "canary".repeat(1_000) })), "identity_unrepresentable"),
            invalid(&self.token_with(json!({ "scope": ["canary", 1] })), "claims_malformed"),
            invalid(&stranger, "signature_invalid"),
            invalid(&unknown, "key_unknown"),
            invalid(&no_type, "type_mismatch"),
            invalid(&format!("{good}.canary"), "token_malformed"),
            invalid("canary-opaque", "token_inactive"),
            invalid("canary-opaque", "token_inactive"),
            refuse(Some("orders"), grpc, 200, "token_inactive"),
            refuse(Some("orders"), self.get("/orders/1"), 401, "credential_missing"),
            refuse(Some("orders"), self.get("/orders/1").basic("canary", "canary"), 401, "credential_missing"),
            refuse(Some("orders"), orders("canary").bearer("canary"), 400, "credential_repeated"),
            refuse(Some("orders"), with_query.clone().bearer(&good), 400, "credential_repeated"),
            refuse(Some("orders"), with_query, 401, "credential_missing"),
            refuse(Some("orders"), orders("canary canary"), 400, "credential_malformed"),
            refuse(Some("orders"), orders(&"canary".repeat(4_000)), 400, "credential_too_long"),
            refuse(Some("orders"), orders(&self.token_with(json!({ "scope": "canary" }))), 403, "scope_missing"),
            refuse(None, self.get("/nowhere").bearer(&good), 404, "route_not_found"),
            refuse(None, self.get("/orders//1").bearer(&good), 400, "path_ambiguous"),
            refuse(None, orders(&good).header("Host", ""), 400, "request_malformed"),
            // The issuer fails, and repeats what it was asked.
            unavailable("500-canary", "introspection_unavailable"),
            unavailable("html-canary", "introspection_unavailable"),
            unavailable("junk-canary", "introspection_unavailable"),
            unavailable("odd-canary", "introspection_unavailable"),
            unavailable("redirect-canary", "introspection_unavailable"),
            unavailable("silent-canary", "introspection_unavailable"),
            unavailable("header-canary", "introspection_unavailable"),
            unavailable(&self.token_with(json!({ "iss": self.away })), "keys_unavailable"),
            // The upstream fails, and repeats what it got.
            error("dead", self.get("/dead/1").bearer(&good), 502, "upstream_unreachable"),
            error("orders", self.get("/orders/silent").bearer(&good), 504, "upstream_timeout"),
            error("orders", self.get("/orders/hang-up").bearer(&good), 502, "upstream_failed"),
            error("orders", self.get("/orders/junk").bearer(&good), 502, "upstream_failed"),
            error("orders", self.get("/orders/header").bearer(&good), 502, "upstream_failed"),
            error("orders", self.get("/orders/half").bearer(&good), 200, "upstream_failed"),
        ];
        let mut expected = Vec::new();
        for (at, (route, request, status, verdict, reason)) in cases.into_iter().enumerate() {
            let id = format!("log-{at}");
            // What breaks off in the middle is no answer at all.
            match request.header("X-Request-Id", &id).try_send() {
                Ok(answer) => assert_eq!(answer.status, status, "{id} ({reason:?}): {}", answer.text()),
                Err(error) => assert_eq!((verdict, status), ("error", 200), "{id} ({reason:?}): {error}"),
            }
            expected.push(Expected { id, route, status, verdict, reason });
        }
        expected
    }

    /// Sends what is no request.
    fn malformed_requests(&self) {
        let authorization = format!("Authorization: Bearer {}\r\nX-Canary: canary\r\n", self.token());
        let requests = [
            format!("GET /orders/1?canary HTTP/1.1\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: canary@example.com\r\n{authorization}\r\n"),
            format!("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: a\r\nHost: b\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary HTTP/9.9\r\nHost: a\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary\r\nHost: a\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: a\r\ncanary without a colon\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: a\r\nX-Canary : canary\r\n{authorization}\r\n"),
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: a\r\n{authorization} folded canary\r\n\r\n"),
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: a\r\nX-Canary: can\0ary canary\r\n{authorization}\r\n"),
            format!("POST /orders/1?canary HTTP/1.1\r\nHost: a\r\nContent-Length: canary\r\n{authorization}\r\n"),
            format!("POST /orders/1?canary HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: canary\r\n{authorization}\r\n"),
            format!(
                "POST /orders/1?canary HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\
                 {authorization}\r\n0\r\n\r\n"
            ),
            format!("G<T /orders/1?canary HTTP/1.1\r\nHost: a\r\n{authorization}\r\n"),
            format!("\x16\x03\x01 canary\r\n{authorization}\r\n\r\n"),
            format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{authorization}\r\n"),
            format!(
                "GET /orders/1?canary HTTP/1.1\r\nHost: a\r\n{authorization}{}\r\n",
                "X-Canary: canary\r\n".repeat(300)
            ),
            format!("GET /orders/1 HTTP/1.1\r\nHost: a\r\n{authorization}X-Large: {}\r\n\r\n", "canary".repeat(8_000)),
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n{authorization}\r\n", "canary".repeat(8_000)),
            // Never finished.
            format!("GET /orders/1?canary HTTP/1.1\r\nHost: a\r\n{authorization}"),
        ];
        for request in &requests {
            let mut connection = Connection::open(self.gateway.address());
            let _ = connection.send_raw(request.as_bytes()); // it may be refused before it is all sent
            connection.finish_sending();
            let answer = String::from_utf8_lossy(&connection.read_to_end()).into_owned();
            let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5");
            assert!(refused && !answer.contains(CANARY), "{request:?}: {answer}");
        }
    }

    /// Leaves before the answer.
    fn client_that_leaves(&self) {
        let mut connection = Connection::open(self.gateway.address());
        let request = self.get("/orders/silent").bearer(&self.token()).header("X-Request-Id", "left");
        connection.send_raw(&request.bytes()).unwrap();
        drop(connection);
        eventually("the one who left has an access line", SOON, || {
            self.gateway.logs().lines().any(|line| line.contains(ACCESS) && line.contains("left"))
        });
    }

    /// Sends bodies that turn out to be broken once the request was let through.
    fn bodies_that_are_broken(&self) {
        for body in ["zz canary\r\ncanary", "6\r\ncanarycanary\r\n", "6\r\ncan"] {
            let request = Request::post(&format!("{}/forward/1?canary", self.gateway.url())).bearer(&self.token());
            let mut connection = Connection::open(self.gateway.address());
            let request = request.header("Transfer-Encoding", "chunked").body(body);
            connection.send_raw(&request.bytes()).unwrap();
            connection.finish_sending();
            let answer = String::from_utf8_lossy(&connection.read_to_end()).into_owned();
            assert!(!answer.starts_with("HTTP/1.1 2") && !answer.contains(CANARY), "{body:?}: {answer}");
        }
    }

    fn json_lines(&self) -> Vec<Value> {
        let lines = self.gateway.logs();
        lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
    }

    fn access_line(&self, id: &str) -> Value {
        let find = || self.json_lines().into_iter().find(|line| line["request_id"] == id && line["target"] == ACCESS);
        eventually(&format!("{id} has an access line"), SOON, || find().is_some());
        find().unwrap()
    }

    fn check_access_lines(&self, expected: &[Expected]) {
        let mut lines: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in self.json_lines().into_iter().filter(|line| line["target"] == ACCESS) {
            let id = line["request_id"].as_str().unwrap().to_owned();
            lines.entry(id).or_default().push(line);
        }
        for Expected { id, route, status, verdict, reason } in expected {
            let found = lines.get(id).map_or(&[][..], Vec::as_slice);
            let [line] = found else { panic!("{id}: {} access lines: {found:?}", found.len()) };
            assert_eq!(line["route"].as_str(), *route, "{line}");
            assert_eq!(line["status"], *status, "{line}");
            assert_eq!(line["verdict"], *verdict, "{line}");
            assert_eq!(line["reason"].as_str(), *reason, "{line}");
        }
    }

    /// What must not be found, in the forms in which it travels.
    fn secrets(&self) -> Vec<String> {
        let basic = STANDARD.encode(format!("gateway:{}", ScriptedIssuer::SECRET));
        vec![
            CANARY.to_owned(),
            // The beginning of every JSON object in base64: headers and claims of tokens.
            "eyJ".to_owned(),
            basic[..16].to_owned(),
            STANDARD.encode("canary:canary"),
        ]
    }
}

/// An upstream that answers with what it got, in many wrong ways.
fn upstream(request: &Received) -> Reply {
    let raw = &request.raw;
    let with = |head: &str| Reply::raw([head.as_bytes(), raw].concat());
    match request.path() {
        "/orders/silent" => Reply::silence(),
        "/orders/hang-up" => Reply::hang_up(),
        "/orders/junk" => with(""),
        "/orders/header" => with("HTTP/1.1 200 OK\r\nX-Canary\r\n: canary\r\n"),
        "/orders/half" => with("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        _ => Reply::status(200).header("Set-Cookie", "session=canary-session").body(raw.clone()),
    }
}

/// An issuer that repeats what it was asked wherever it can.
fn introspection(request: &Received) -> Reply {
    let raw = String::from_utf8_lossy(&request.raw).into_owned();
    let token = request.form().remove("token").unwrap_or_default();
    match token.split('-').next().unwrap_or_default() {
        "good" => {
            let mut answer = ScriptedIssuer::active(request);
            answer["email"] = "canary-introspection@example.com".into();
            Reply::json(200, &answer)
        }
        "500" => Reply::json(500, &json!({ "error": "canary-introspection", "error_description": raw })),
        "html" => Reply::status(200).header("Content-Type", "text/html").body(format!("<p>canary {raw}</p>")),
        "junk" => Reply::raw(format!("canary {raw}")),
        "odd" => Reply::json(200, &json!({ "active": "canary", "token": token })),
        "redirect" => Reply::status(302).header("Location", &format!("http://127.0.0.1/?canary={token}")),
        "silent" => Reply::silence(),
        "header" => Reply::raw(format!("HTTP/1.1 200 OK\r\nX canary: {token}\r\n\r\n")),
        _ => Reply::json(200, &json!({ "active": false, "canary": raw })),
    }
}
