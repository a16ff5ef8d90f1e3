//! Whatever a real server's introspection endpoint says, only `active: false` and an answer that is not for this API are
//! held against a token; everything else is 503, with what to do about it in the log.

use crate::{
    expect::{assert_refused, assert_unavailable},
    mock_server::MockServer,
    provider::AUDIENCE,
    support::{Echo, Gateway, Metrics, SOON, eventually, minimal_config},
};
use serde_json::{Value, json};

/// What becomes of the request.
enum Expected {
    Admitted,
    Invalid,
    /// 503; the outcome in the metrics, and words of the log.
    Unavailable(&'static str, &'static str),
}

use Expected::{Admitted, Invalid, Unavailable};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
const NO_ANSWER: Expected = Unavailable("failed", "by RFC 7662 it is one JSON object with a boolean `active`");
const NO_HTTP: Expected = Unavailable("failed", "the exchange failed");
const TOO_SLOW: Expected = Unavailable("timed_out", "no complete answer within");
const REDIRECTS: Expected = Unavailable("failed", "set the introspection url to the final address");
const REFUSED: Expected = Unavailable("refused", "check client_id and what `auth` needs");

/// Each answer, and what is expected of it.
fn answers(elsewhere: &str) -> Vec<(&'static str, Value, Expected)> {
    let body = |body: Value| json!({ "body": body });
    let with = |member: &str, value: Value| {
        let mut answer = active();
        answer[member] = value;
        json!({ "body": answer })
    };
    let without = |member: &str| {
        let mut answer = active();
        answer.as_object_mut().unwrap().remove(member);
        json!({ "body": answer })
    };
    let bytes = |text: &str| json!({ "raw": format!("{HEAD}Content-Length: {}\r\n\r\n{text}", text.len()) });
    let status = |status: u16| json!({ "statusCode": status, "body": { "error": "x", "active": true } });
    let redirect =
        |status: u16| json!({ "statusCode": status, "headers": { "Location": elsewhere }, "body": active() });
    let text = active().to_string();
    let unfinished = format!("{HEAD}Content-Length: 900\r\n\r\n{text}");
    let html = HEAD.replace("application/json", "text/html") + "\r\n<title>Sign in</title><p>{\"active\":true}";
    let html = json!({ "raw": html });
    vec![
        ("active", body(active()), Admitted),
        ("inactive", body(json!({ "active": false })), Invalid),
        ("inactive, whatever else it says", with("active", json!(false)), Invalid),
        ("active and nothing else, as the server says by itself", json!({}), Invalid),
        ("active for another API", with("aud", json!("https://other.example.com")), Invalid),
        ("`active` is a string", with("active", json!("true")), NO_ANSWER),
        ("`active` is a number", with("active", json!(1)), NO_ANSWER),
        ("`active` is null", with("active", json!(null)), NO_ANSWER),
        ("`active` is an array", with("active", json!([true])), NO_ANSWER),
        ("`active` is the string false", with("active", json!("false")), NO_ANSWER),
        ("`active` is missing", without("active"), NO_ANSWER),
        ("an array", body(json!([active()])), NO_ANSWER),
        ("null", body(json!(null)), NO_ANSWER),
        ("false, then true", bytes(&text.replacen('{', "{\"active\":false,", 1)), NO_ANSWER),
        ("true, then false", bytes(&text.replacen('}', ",\"active\":false}", 1)), NO_ANSWER),
        ("half of the JSON", bytes(&text[..text.len() / 2]), NO_ANSWER),
        ("more than the JSON", bytes(&format!("{text}{{}}")), NO_ANSWER),
        ("nothing", bytes(""), NO_ANSWER),
        ("half of the body", json!({ "raw": unfinished }), NO_HTTP),
        ("no HTTP", json!({ "raw": "SSH-2.0-OpenSSH_9.9\r\n" }), NO_HTTP),
        ("no byte", json!({ "raw": "" }), NO_HTTP),
        ("HTML", html, Unavailable("failed", "the answer is not application/json: check the introspection url")),
        ("a megabyte", with("padding", json!("x".repeat(1 << 20))), Unavailable("failed", "the answer is larger than")),
        ("half of the body, and silence", json!({ "raw": unfinished, "hold": true }), TOO_SLOW),
        ("301", redirect(301), REDIRECTS),
        ("302", redirect(302), REDIRECTS),
        ("307", redirect(307), REDIRECTS),
        ("400", status(400), Unavailable("failed", "status 400")),
        ("401", status(401), REFUSED),
        ("403", status(403), REFUSED),
        ("404", status(404), Unavailable("failed", "check the introspection url")),
        ("418", status(418), Unavailable("failed", "status 418")),
        ("429", status(429), Unavailable("failed", "a longer cache_ttl sends fewer")),
        ("500", status(500), Unavailable("failed", "status 500")),
        ("503", status(503), Unavailable("failed", "status 503")),
    ]
}

/// What the server should say of a good token.
fn active() -> Value {
    json!({ "active": true, "aud": AUDIENCE, "sub": "alice", "client_id": "web", "scope": "orders:read" })
}

fn gateway(mock: &MockServer, echo: &Echo) -> Gateway {
    let introspection = "[log]\nlevel = \"info,bearward_gate=debug\"\n\
         [issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"MOCK_SECRET\"\ntimeout = \"2s\"\n";
    Gateway::start_with(&format!("{}{introspection}", minimal_config(&mock.issuer, &echo.address())), |command| {
        command.env("MOCK_SECRET", "mock-secret");
    })
    .ready()
}

#[test]
fn each_answer_has_its_outcome_and_its_advice() {
    let (mock, echo) = (MockServer::start(), Echo::start());
    let gateway = gateway(&mock, &echo);
    let mut admitted = 0;
    for (at, (name, answer, expected)) in answers(&format!("{}/elsewhere", mock.issuer)).into_iter().enumerate() {
        let token = format!("token-{at}");
        mock.answer(&token, &answer);
        let before = gateway.metrics();
        let told = gateway.logs().len();
        let answer = gateway.get("/orders/1").bearer(&token).send();
        let status = match &expected {
            Admitted => 200,
            Invalid => 401,
            Unavailable(..) => 503,
        };
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        match expected {
            Admitted => {
                assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("alice"));
                admitted += 1;
            }
            Invalid => assert_refused(&answer, 401, "invalid_token"),
            Unavailable(outcome, advice) => {
                assert_unavailable(&answer);
                assert_eq!(outcomes(&gateway.metrics(), outcome), outcomes(&before, outcome) + 1.0, "{name}");
                eventually(&format!("{name}: {advice}"), SOON, || gateway.logs()[told..].contains(advice));

                // The fault was not held against the token.
                mock.answer(&token, &json!({ "statusCode": 200, "headers": {}, "body": active() }));
                assert_eq!(gateway.get("/orders/1").bearer(&token).send().status, 200, "after {name}");
                admitted += 1;
            }
        }
        assert_eq!(echo.requests().len(), admitted, "{name}: the upstream saw a refused request");
    }
    assert_eq!(mock.count("/elsewhere"), 0, "a redirect was followed with a token and the gateway's credentials");
}

fn outcomes(metrics: &Metrics, outcome: &str) -> f64 {
    metrics.sum("bearward_introspections_total", &[("outcome", outcome)])
}

#[test]
fn a_server_that_asks_for_a_pause_is_left_alone_until_it_is_over() {
    for status in [429, 503] {
        let (mock, echo) = (MockServer::start(), Echo::start());
        let gateway = gateway(&mock, &echo);
        mock.answer("first", &json!({ "statusCode": status, "headers": { "Retry-After": "2" }, "body": {} }));
        mock.answer("second", &json!({ "body": active() }));
        assert_unavailable(&gateway.get("/orders/1").bearer("first").send());
        let asked = mock.count("/introspect");
        assert_unavailable(&gateway.get("/orders/1").bearer("second").send());
        assert_eq!(mock.count("/introspect"), asked, "{status}: asked during the pause");
        eventually("the pause is over", SOON, || {
            let answer = gateway.get("/orders/1").bearer("second").send();
            assert!(matches!(answer.status, 200 | 503), "{status}: {}", answer.text());
            answer.status == 200
        });
        assert_eq!(mock.count("/introspect"), asked + 1, "{status}");
    }
}
