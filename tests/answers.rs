//! Each cause of a refusal has one answer: its status, its challenge, its body, and nothing that tells more. In
//! particular, no answer tells why a token is not valid.

use crate::support::{Connection, Echo, Gateway, Reply, Request, SOON, ScriptedIssuer, Server, Signer, eventually};
use crate::support::{free_port, now};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The challenges, letter for letter.
const NO_TOKEN: &str = "Bearer realm=\"The API\", scope=\"orders:read orders:list\"";
const MALFORMED: &str = "Bearer realm=\"The API\", error=\"invalid_request\", \
    error_description=\"The credential is malformed, or there is more than one\"";
const INVALID: &str = "Bearer realm=\"The API\", error=\"invalid_token\", \
    error_description=\"The access token is not valid here\", scope=\"orders:read orders:list\"";
const NO_SCOPE: &str = "Bearer realm=\"The API\", error=\"insufficient_scope\", error_description=\"The access token \
    does not have the scope that is needed\", scope=\"orders:read orders:list\"";

/// A request, and the answer to it.
struct Case {
    name: &'static str,
    request: Request,
    status: u16,
    reason: &'static str,
    challenge: Option<&'static str>,
    grpc_status: &'static str,
}

#[test]
fn each_cause_has_its_status_challenge_and_body() {
    let stage = Stage::start();
    for (at, case) in stage.cases().into_iter().enumerate() {
        let name = case.name;
        let id = format!("answers-{at}");
        let answer = case.request.clone().header("X-Request-Id", &id).send();
        assert_eq!(answer.status, case.status, "{name}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), case.challenge, "{name}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{name}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.header("retry-after"), (case.status == 503).then_some("5"), "{name}");
        assert_eq!(answer.header("x-request-id"), Some(&*id), "{name}");
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()), "{name}");

        let body = answer.json();
        let members: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["type", "title", "status", "detail", "reason", "request_id"]), "{name}");
        assert_eq!(body["type"], "about:blank", "{name}");
        assert_eq!(body["status"], case.status, "{name}");
        assert_eq!(body["reason"], case.reason, "{name}");
        assert_eq!(body["request_id"], *id, "{name}");
        assert!(!body["title"].as_str().unwrap().is_empty() && !body["detail"].as_str().unwrap().is_empty(), "{name}");
    }
    assert_eq!(stage.upstream.requests().len(), stage.let_through, "a refused request reached the upstream");
}

/// It is refused before it is all there, so nothing that stands in it counts.
#[test]
fn a_head_that_is_too_large_is_told_what_is_too_large() {
    let stage = Stage::start();
    let long = "x".repeat(40 * 1024);
    let header = stage.gateway.get("/orders/1").header("X-Large", &long);
    let line = stage.gateway.get(&format!("/orders/{long}"));
    for (request, status, reason) in [(header, 431, "headers_too_large"), (line, 414, "target_too_long")] {
        let answer = request.header("X-Request-Id", "large").send();
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (status, Some(reason)));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!((answer.header("connection"), answer.header("www-authenticate")), (Some("close"), None));
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
    }
}

#[test]
fn grpc_callers_get_the_same_in_their_own_terms() {
    let stage = Stage::start();
    for case in stage.cases() {
        for content_type in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8"] {
            let name = format!("{} as {content_type}", case.name);
            let answer = case.request.clone().header("Content-Type", content_type).send();
            assert_eq!(answer.status, 200, "{name}");
            assert_eq!(answer.header("content-type"), Some("application/grpc"), "{name}");
            assert_eq!(answer.header("grpc-status"), Some(case.grpc_status), "{name}");
            assert!(answer.header("grpc-message").is_some_and(|message| !message.is_empty()), "{name}");
            assert_eq!(answer.header("www-authenticate"), None, "{name}");
            assert!(answer.header("x-request-id").is_some(), "{name}");
            assert_eq!(answer.text(), "", "{name}");
        }
        // Only looks like it.
        let answer = case.request.header("Content-Type", "application/grpcx").send();
        assert_eq!(answer.status, case.status, "{}: application/grpcx", case.name);
    }
}

#[test]
fn a_head_request_is_refused_without_a_body_and_the_connection_goes_on() {
    let stage = Stage::start();
    let mut connection = Connection::open(stage.gateway.address());
    for _ in 0..2 {
        connection.send_raw(b"HEAD /orders/1 HTTP/1.1\r\nHost: api\r\n\r\n").unwrap();
        let answer = connection.read_response("HEAD").unwrap();
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(NO_TOKEN)));
    }
    connection.send_raw(b"GET /orders/1 HTTP/1.1\r\nHost: api\r\n\r\n").unwrap();
    assert_eq!(connection.read_response("GET").unwrap().json()["reason"], "no_credential");
}

#[test]
fn the_request_id_is_the_callers_where_it_is_harmless_and_else_a_new_one() {
    let stage = Stage::start();
    let ask = |id: &str| stage.gateway.get("/orders/1").header("X-Request-Id", id).send();
    assert_eq!(ask("Abc-1_2").header("x-request-id"), Some("Abc-1_2"));

    let long = "x".repeat(65);
    let mut seen = BTreeSet::new();
    for id in ["", "a b", "a\"b", "a,b", "<script>", "a\tb", &long] {
        let answer = ask(id);
        let made = answer.header("x-request-id").unwrap();
        assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id:?} became {made:?}");
        assert_eq!(answer.json()["request_id"], *made, "{id:?}");
        assert!(seen.insert(made.to_owned()), "{made} twice");
    }
    let twice = stage.gateway.get("/orders/1").header("X-Request-Id", "a").header("X-Request-Id", "b").send();
    assert_eq!(twice.header("x-request-id").map(str::len), Some(32));
    // The same on an answer that is not the gateway's own.
    let admitted = stage.gateway.get("/orders/1").bearer(&stage.good()).header("X-Request-Id", "mine").send();
    assert_eq!((admitted.status, admitted.header("x-request-id")), (200, Some("mine")));
    assert_eq!(admitted.echoed("x-request-id").as_deref(), Some("mine"));
}

#[test]
fn every_token_that_is_not_valid_is_answered_with_the_same_bytes() {
    let stage = Stage::start();
    let mut answers: Vec<(String, String)> = Vec::new();
    let tokens = stage.invalid_tokens();
    for (name, token) in &tokens {
        // Asked twice: what is remembered of a token must not show either.
        for _ in 0..2 {
            let mut connection = Connection::open(stage.gateway.address());
            let request = stage.gateway.get("/orders/1").bearer(token).header("X-Request-Id", "oracle");
            connection.send_raw(&request.header("Connection", "close").bytes()).unwrap();
            answers.push((name.clone(), without_date(&connection.read_to_end())));
        }
    }
    let (_, first) = &answers[0];
    assert!(first.starts_with("HTTP/1.1 401 ") && first.contains(INVALID), "{first}");
    for (name, answer) in &answers {
        assert_eq!(answer, first, "{name} is not answered like {}", answers[0].0);
    }
    assert_eq!(stage.upstream.requests().len(), stage.let_through);
    // The reasons are there, for those who run the gateway: so the tokens were wrong in as many ways as it seems.
    let metrics = stage.gateway.metrics();
    let reasons: BTreeSet<&str> = metrics
        .samples("bearward_decisions_total", &[("verdict", "refuse")])
        .iter()
        .filter_map(|(labels, _)| labels.split("reason=\"").nth(1)?.split('"').next())
        .collect();
    for reason in [
        "token_malformed",
        "algorithm_refused",
        "critical_header_unknown",
        "type_mismatch",
        "issuer_mismatch",
        "key_unknown",
        "signature_invalid",
        "claims_malformed",
        "claim_missing",
        "confirmation_missing",
        "audience_mismatch",
        "token_expired",
        "token_not_yet_valid",
        "token_inactive",
        "identity_unrepresentable",
    ] {
        assert!(reasons.contains(reason), "no token was refused as {reason}: {reasons:?}");
    }
}

/// A gateway with a good issuer, one that is away, and upstreams of all kinds.
struct Stage {
    gateway: Gateway,
    issuer: ScriptedIssuer,
    away: String,
    upstream: Echo,
    /// How many requests the upstream has had when the stage was ready.
    let_through: usize,
    _silent: Server,
}

impl Stage {
    fn start() -> Self {
        let (issuer, upstream) = (ScriptedIssuer::start(), Echo::start());
        let silent = Server::start(|_| Reply::silence());
        let away = format!("http://127.0.0.1:{}", free_port());
        let config = format!(
            r#"
[server]
realm = "The API"
{main}{introspection}
[[issuers]]
issuer = "{away}"
audiences = ["https://api.example.com"]
timeout = "1s"
{introspection}

[[upstreams]]
name = "orders"
servers = ["{orders}"]
[[upstreams]]
name = "dead"
servers = ["127.0.0.1:{dead}"]
[[upstreams]]
name = "silent"
servers = ["{silent}"]
read_timeout = "200ms"

[[routes]]
path = "/orders/*"
methods = ["GET", "HEAD", "POST"]
upstream = "orders"
scopes = ["orders:read", "orders:list"]
issuers = ["{issuer}"]
[[routes]]
path = "/any/*"
upstream = "orders"
any_scope = ["orders:write", "orders:admin"]
issuers = ["{issuer}"]
[[routes]]
path = "/plain/*"
upstream = "orders"
issuers = ["{issuer}"]
[[routes]]
path = "/away/*"
upstream = "orders"
issuers = ["{away}"]
[[routes]]
path = "/dead/*"
upstream = "dead"
open = true
[[routes]]
path = "/silent/*"
upstream = "silent"
open = true
"#,
            main = issuer.table(""),
            issuer = issuer.url(),
            introspection = ScriptedIssuer::introspection(""),
            orders = upstream.address(),
            dead = free_port(),
            silent = silent.address(),
        );
        let gateway = Gateway::start_with(&config, |command| {
            command.env(ScriptedIssuer::SECRET_VARIABLE, ScriptedIssuer::SECRET);
        });
        let mut stage = Self { gateway, issuer, away, upstream, let_through: 0, _silent: silent };
        let good = stage.good();
        eventually("a good token is let through", SOON, || {
            stage.gateway.get("/orders/1").bearer(&good).send().status == 200
        });
        stage.let_through = stage.upstream.requests().len();
        stage
    }

    fn good(&self) -> String {
        self.issuer.token_with(&json!({ "scope": "orders:list orders:read" }))
    }

    fn cases(&self) -> Vec<Case> {
        let get = |path| self.gateway.get(path);
        let bearer = |token: &str| get("/orders/1").bearer(token);
        let good = self.good();
        let write = self.issuer.token_with(&json!({ "scope": "orders:write" }));
        let away = self.issuer.token_with(&json!({ "iss": self.away }));
        let any = "Bearer realm=\"The API\", scope=\"orders:write\"";
        let any_scope = "Bearer realm=\"The API\", error=\"insufficient_scope\", error_description=\"The access \
            token does not have the scope that is needed\", scope=\"orders:write\"";
        let case = |name, request, status, reason, challenge: Option<&'static str>, grpc_status| Case {
            name,
            request,
            status,
            reason,
            challenge,
            grpc_status,
        };
        let no_token = |name, request| case(name, request, 401, "no_credential", Some(NO_TOKEN), "16");
        let malformed = |name, request| case(name, request, 400, "invalid_request", Some(MALFORMED), "16");
        let invalid = |name, request| case(name, request, 401, "invalid_token", Some(INVALID), "16");
        let unavailable = |name, request| case(name, request, 503, "unavailable", None, "14");
        vec![
            no_token("no credential", get("/orders/1")),
            no_token("another scheme", get("/orders/1").basic("alice", "password")),
            no_token(
                "a scheme that begins alike",
                get("/orders/1").header("Authorization", &format!("Bearerx {good}")),
            ),
            // RFC 6750, 2.2 and 2.3: not asked for here, so not looked at.
            no_token("a token in the query", get(&format!("/orders/1?access_token={good}"))),
            no_token(
                "a token in a form",
                Request::post(&format!("{}/orders/1", self.gateway.url())).body(format!("access_token={good}")),
            ),
            case("no credential, any scope", get("/any/1"), 401, "no_credential", Some(any), "16"),
            case(
                "no credential, no scope",
                get("/plain/1"),
                401,
                "no_credential",
                Some("Bearer realm=\"The API\""),
                "16",
            ),
            malformed("a scheme alone", get("/orders/1").header("Authorization", "Bearer")),
            malformed("two credentials", bearer(&good).bearer(&good)),
            malformed("a token and a password", bearer(&good).basic("alice", "password")),
            malformed("two tokens in one field", get("/orders/1").header("Authorization", "Bearer a, Bearer b")),
            malformed(
                "one in the field and one in the query",
                Request::get(&format!("{}/orders/1?a=b&access%5Ftoken={good}", self.gateway.url())).bearer(&good),
            ),
            malformed("a token and one in the query", get("/orders/1?access_token=a").bearer(&good)),
            malformed("a token and one spelled otherwise", get("/orders/1?a=b&%61ccess_token=a").bearer(&good)),
            malformed("a token and one behind a letter", get("/orders/1?a=%C3%A9&access_token=a").bearer(&good)),
            malformed("two words", get("/orders/1").header("Authorization", "Bearer a b")),
            malformed("a quoted token", get("/orders/1").header("Authorization", &format!("Bearer \"{good}\""))),
            malformed("a tab", get("/orders/1").header("Authorization", &format!("Bearer\t{good}"))),
            malformed("a token that is too long", bearer(&"a".repeat(17 * 1024))),
            invalid("an expired token", bearer(&self.issuer.token_with(&json!({ "exp": now() - 600 })))),
            invalid("an inactive token", bearer("unknown-opaque-token")),
            case("a scope is missing", bearer(&self.issuer.token()), 403, "insufficient_scope", Some(NO_SCOPE), "7"),
            case("other scopes", bearer(&write), 403, "insufficient_scope", Some(NO_SCOPE), "7"),
            case("none of any scope", get("/any/1").bearer(&good), 403, "insufficient_scope", Some(any_scope), "7"),
            unavailable("no keys", get("/away/1").bearer(&away)),
            unavailable("no introspection", get("/away/1").bearer("good-opaque-token")),
            case("no route", get("/nowhere"), 404, "no_route", None, "12"),
            case("no route, with a token", get("/nowhere").bearer(&good), 404, "no_route", None, "12"),
            case(
                "another method than the place serves",
                Request::new("PUT", &get_url(&self.gateway)),
                405,
                "method_not_allowed",
                None,
                "12",
            ),
            case("a path with two readings", get("/orders/%2e%2e/any"), 400, "bad_request", None, "3"),
            case(
                "a method that is not forwarded",
                Request::new("TRACE", &get_url(&self.gateway)),
                405,
                "method_not_allowed",
                None,
                "12",
            ),
            case("an upstream that is not there", get("/dead/1"), 502, "upstream_unreachable", None, "14"),
            case("an upstream that is silent", get("/silent/1"), 504, "upstream_timeout", None, "14"),
        ]
    }

    /// Tokens that are wrong in one way each.
    fn invalid_tokens(&self) -> Vec<(String, String)> {
        let (issuer, key) = (&self.issuer, self.issuer.key());
        let good = self.good();
        let scope = json!({ "scope": "orders:list orders:read" });
        let claims = issuer.claims_with(&scope);
        let with = |changes: Value| {
            let mut all = scope.clone();
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            issuer.token_with(&all)
        };
        let header = |header: Value| key.sign_json(&header, &claims);
        let [head, payload, signature] = <[&str; 3]>::try_from(good.split('.').collect::<Vec<_>>()).unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"none","kid":"main"}"#);
        let hmac = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"HS256","kid":"main"}"#);
        let stranger = Signer::es256("main");
        let mut tokens = vec![
            ("expired", with(json!({ "exp": now() - 600 }))),
            ("not yet valid", with(json!({ "nbf": now() + 600 }))),
            ("issued in the future", with(json!({ "iat": now() + 600 }))),
            ("another audience", with(json!({ "aud": "https://other.example.com" }))),
            ("another issuer", with(json!({ "iss": "https://other.example.com" }))),
            ("the issuer with a slash", with(json!({ "iss": format!("{}/", issuer.url()) }))),
            ("the other issuer of this gateway", with(json!({ "iss": self.away }))),
            ("bound to a key", with(json!({ "cnf": { "jkt": "x" } }))),
            ("a claim of the wrong type", with(json!({ "exp": "soon" }))),
            ("a subject that fits no header", with(json!({ "sub": "x".repeat(5_000) }))),
            ("an ID token", header(json!({ "typ": "JWT", "alg": "ES256", "kid": "main" }))),
            ("no type", header(json!({ "alg": "ES256", "kid": "main" }))),
            ("an unknown key", header(json!({ "typ": "at+jwt", "alg": "ES256", "kid": "other" }))),
            (
                "a critical extension",
                header(json!({ "typ": "at+jwt", "alg": "ES256", "kid": "main", "crit": ["exp"] })),
            ),
            ("another key of the same name", stranger.token(&claims)),
            ("alg none", format!("{none}.{payload}.")),
            ("alg none, with a signature", format!("{none}.{payload}.{signature}")),
            ("alg HS256", format!("{hmac}.{payload}.{signature}")),
            ("another payload", format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"sub":"root"}"#))),
            ("no signature", format!("{head}.{payload}.")),
            ("two parts", format!("{head}.{payload}")),
            ("four parts", format!("{good}.{signature}")),
            ("an encrypted token", format!("{head}.{payload}.{signature}.{payload}.{signature}")),
            ("a header that is no JSON", format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("{\"typ\""))),
            ("an opaque token", "unknown-opaque-token".to_owned()),
            ("an opaque token with dots", "unknown.opaque.token".to_owned()),
        ];
        for claim in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
            tokens.push(("a claim is missing", with(json!({ claim: null }))));
        }
        tokens.into_iter().map(|(name, token)| (name.to_owned(), token)).collect()
    }
}

fn get_url(gateway: &Gateway) -> String {
    format!("{}/orders/1", gateway.url())
}

/// An answer as it came, without the line that differs from second to second.
fn without_date(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer).into_owned();
    let lines = text.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("date:"));
    lines.collect()
}
