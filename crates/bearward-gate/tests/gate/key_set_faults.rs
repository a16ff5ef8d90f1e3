//! Whatever an issuer says in the place of its keys: what was known stays in use, nothing else is used, and nobody's token is
//! called invalid for it.

use std::time::Duration;

use crate::support::stopped::skip;
use crate::support::wire::{Says, Wire};
use crate::support::{AUDIENCE, Key, TestClock, becomes, decide, gate, outcome, route};
use bearward_gate::{IssuerSettings, KeySource};
use serde_json::{Value, json};

fn claims(issuer: &str, clock: &TestClock, id: &str) -> Value {
    json!({
        "iss": issuer, "sub": "alice", "aud": AUDIENCE, "client_id": "shop", "jti": id, "iat": clock.now(),
        "exp": clock.now() + 600,
    })
}

fn set(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

/// The shortest that there is.
const COOLDOWN: Duration = Duration::from_secs(1);

/// An issuer with its keys at `/jwks`, that may be asked again soon and is not waited for long.
fn settings(issuer: &Wire) -> IssuerSettings {
    let mut settings = IssuerSettings::new(issuer.url.clone(), vec![AUDIENCE.to_owned()]);
    settings.keys = KeySource::Url(format!("{}/jwks", issuer.url));
    settings.refresh.cooldown = COOLDOWN;
    settings.timeout = Duration::from_millis(700);
    settings
}

/// Each in the place of a key set that holds the attacker's key, where it holds any.
fn faults(elsewhere: &Wire, attacker: &Key) -> Vec<(&'static str, Says)> {
    let keys = set(&[attacker.jwk()]);
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}\r\n").into_bytes();
    let with_head = |more: &str, body: &str| Says::Bytes([head(more), body.as_bytes().to_vec()].concat());
    let redirect = |status: &str, to: &str| Says::answer(status, &format!("location: {to}\r\n"), &keys);
    let gzip = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let many: Vec<Value> = (0..101).map(|_| attacker.jwk()).collect();
    vec![
        ("404", Says::answer("404 Not Found", "", &keys)),
        ("401", Says::answer("401 Unauthorized", "", &keys)),
        ("429", Says::answer("429 Too Many Requests", "retry-after: 1\r\n", &keys)),
        ("500", Says::answer("500 Internal Server Error", "", &keys)),
        ("503", Says::answer("503 Service Unavailable", "", &keys)),
        ("201", Says::answer("201 Created", "content-type: application/json\r\n", &keys)),
        ("204", Says::answer("204 No Content", "", "")),
        ("206", Says::answer("206 Partial Content", "content-type: application/json\r\n", &keys)),
        ("304, though nothing was named", Says::answer("304 Not Modified", "", "")),
        ("redirect to another origin", redirect("302 Found", &format!("{}/jwks", elsewhere.url))),
        ("redirect for ever", redirect("301 Moved Permanently", "/jwks")),
        ("redirect with the method kept", redirect("307 Temporary Redirect", &format!("{}/jwks", elsewhere.url))),
        ("gzip", Says::answer("200 OK", gzip, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])),
        ("gzip by name alone", Says::answer("200 OK", gzip, &keys)),
        ("HTML", Says::answer("200 OK", "content-type: text/html\r\n", "<html>Sign in</html>")),
        ("HTML that says it is JSON", Says::json("<html>Sign in</html>")),
        ("an error", Says::json(r#"{"error":"server_error"}"#)),
        ("nothing", Says::json("")),
        ("keys twice", Says::json(format!(r#"{{"keys":[],"keys":[{}]}}"#, attacker.jwk()))),
        ("a byte order mark", Says::json(format!("\u{feff}{keys}"))),
        ("no UTF-8", Says::json([keys.as_bytes(), b"\xff"].concat())),
        ("a hundred and one keys", Says::json(set(&many))),
        ("deep", Says::json("[".repeat(100_000))),
        ("cut off in JSON", Says::json(&keys[..keys.len() - 1])),
        ("cut off on the wire", with_head("content-length: 100000\r\n", &keys)),
        ("larger than any", Says::json(format!("{keys}{}", " ".repeat(600_000)))),
        ("ten megabytes", with_head("content-length: 10000000\r\n", &keys)),
        ("no end", Says::Floods([head(""), keys.clone().into_bytes()].concat())),
        ("chunks of no length", with_head("transfer-encoding: chunked\r\n", "x\r\n")),
        ("headers without end", Says::Floods(b"HTTP/1.1 200 OK\r\nx: ".to_vec())),
        ("no HTTP", Says::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec())),
        ("the connection's end", Says::Bytes(Vec::new())),
        ("silence", Says::Nothing),
        ("silence after the headers", Says::Drips(head("content-length: 1000\r\n"), Duration::from_secs(60))),
        ("a slow drip", Says::Drips(head("content-length: 100000\r\n"), Duration::from_millis(20))),
    ]
}

#[tokio::test]
async fn at_the_start_no_fault_makes_a_token_invalid_and_the_gate_recovers() {
    let (clock, key, attacker) = (TestClock::new(), Key::new("k1"), Key::new("k1"));
    let elsewhere = Wire::start().await;
    elsewhere.say("/jwks", Says::json(set(&[attacker.jwk()])));
    for (name, fault) in faults(&elsewhere, &attacker) {
        let issuer = Wire::start().await;
        issuer.say("/jwks", fault);
        let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
        let claims = claims(&issuer.url, &clock, "1");
        let decision = decide(&gate, "/", &key.sign(&claims)).await;
        let refusal = match decision.verdict {
            bearward_gate::Verdict::Refuse(refusal) => refusal,
            bearward_gate::Verdict::Admit(_) => panic!("{name}: admitted"),
        };
        assert_eq!(refusal.reason().name(), "keys_unavailable", "{name}");
        assert_eq!(refusal.reason().cause().status(), 503, "{name}");
        assert_eq!(outcome(&gate, "/", &attacker.sign(&claims)).await, "keys_unavailable", "{name}");
        let status = gate.status().remove(0);
        assert!(!status.ready && status.last_error.is_some(), "{name}: {status:?}");

        issuer.say("/jwks", Says::json(set(&[key.jwk()])));
        skip(COOLDOWN).await;
        becomes(&gate, &key.sign(&claims), "admit signature").await;
        assert!(gate.status().remove(0).ready, "{name}");
    }
    assert_eq!(elsewhere.asked("/jwks"), 0, "no redirect was followed");
}

#[tokio::test]
async fn later_no_fault_takes_the_known_keys_away() {
    let (clock, key, attacker, new) = (TestClock::new(), Key::new("k1"), Key::new("k1"), Key::new("k2"));
    let elsewhere = Wire::start().await;
    elsewhere.say("/jwks", Says::json(set(&[attacker.jwk()])));
    let issuer = Wire::start().await;
    issuer.say("/jwks", Says::json(set(&[key.jwk()])));
    let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
    let claims = |id: &str| claims(&issuer.url, &clock, id);
    assert_eq!(outcome(&gate, "/", &key.sign(&claims("first"))).await, "admit signature");
    for (name, fault) in faults(&elsewhere, &attacker) {
        issuer.say("/jwks", fault);
        let before = issuer.asked("/jwks");
        skip(COOLDOWN).await;
        // A key that nobody has seen makes the gate ask, and learn nothing.
        becomes(&gate, &new.sign(&claims(name)), "keys_unavailable").await;
        for _ in 0..500 {
            if issuer.asked("/jwks") > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(issuer.asked("/jwks") > before, "{name}");
        assert_eq!(outcome(&gate, "/", &new.sign(&claims(name))).await, "keys_unavailable", "{name}");
        assert_eq!(outcome(&gate, "/", &key.sign(&claims(name))).await, "admit signature", "{name}");
        assert_eq!(outcome(&gate, "/", &attacker.sign(&claims(name))).await, "signature_invalid", "{name}");
    }
    assert_eq!(elsewhere.asked("/jwks"), 0, "no redirect was followed");
    issuer.say("/jwks", Says::json(set(&[key.jwk(), new.jwk()])));
    skip(COOLDOWN).await;
    becomes(&gate, &new.sign(&claims("last")), "admit signature").await;
}

#[tokio::test]
async fn odd_keys_and_odd_media_types_keep_no_good_key_away() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let odd = [
        json!({"kty": "AKP", "kid": "pq", "alg": "ML-DSA-65", "pub": "AAAA"}),
        json!({"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}),
        json!({"kty": "RSA", "kid": "k1", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "EC", "kid": "k1", "crv": "secp256k1", "x": "AAAA", "y": "AAAA"}),
        json!("no key"),
        json!(null),
        key.jwk(),
        key.jwk(),
    ];
    for headers in [
        "content-type: application/jwk-set+json; charset=utf-8\r\n",
        "content-type: application/json\r\n",
        "content-type: text/plain\r\n",
        "content-type: application/octet-stream\r\ncontent-encoding: identity\r\n",
        "",
    ] {
        let issuer = Wire::start().await;
        issuer.say("/jwks", Says::answer("200 OK", headers, set(&odd)));
        let gate = gate(&clock, vec![settings(&issuer)], vec![route("/*", &[])]);
        assert_eq!(outcome(&gate, "/", &key.sign(&claims(&issuer.url, &clock, "1"))).await, "admit signature");
        let status = gate.status().remove(0);
        assert_eq!((status.keys, status.skipped), (2, 6), "{headers}");
    }
}

#[tokio::test]
async fn metadata_of_somebody_else_leads_nowhere() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let elsewhere = Wire::start().await;
    elsewhere.say("/jwks", Says::json(set(&[key.jwk()])));
    for (name, metadata) in [
        ("another issuer", json!({"issuer": elsewhere.url, "jwks_uri": format!("{}/jwks", elsewhere.url)})),
        ("no issuer", json!({"jwks_uri": format!("{}/jwks", elsewhere.url)})),
        ("a slash more", json!({"issuer": "ISSUER/", "jwks_uri": format!("{}/jwks", elsewhere.url)})),
        ("plain http to another machine", json!({"issuer": "ISSUER", "jwks_uri": "http://192.0.2.1/jwks"})),
        ("a file", json!({"issuer": "ISSUER", "jwks_uri": "file:///etc/passwd"})),
        ("no address", json!({"issuer": "ISSUER", "jwks_uri": "/jwks"})),
    ] {
        let issuer = Wire::start().await;
        let text = metadata.to_string().replace("ISSUER", &issuer.url);
        issuer.say("/.well-known/openid-configuration", Says::json(text));
        let mut settings = settings(&issuer);
        settings.keys = KeySource::Metadata;
        let gate = gate(&clock, vec![settings], vec![route("/*", &[])]);
        let token = key.sign(&claims(&issuer.url, &clock, "1"));
        assert_eq!(outcome(&gate, "/", &token).await, "keys_unavailable", "{name}");
    }
    assert_eq!(elsewhere.asked("/jwks"), 0);
}
