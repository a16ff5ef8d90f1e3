//! Answers of Google's tokeninfo endpoint, and token reviews of a Kubernetes API server.

use crate::{Seed, seeds};

const INFO: &str = r#"{"azp":"shop","aud":"https://api.example.com","sub":"1034","scope":"openid orders:read","exp":"1800000300","expires_in":"300","email":"alice@example.com","email_verified":"true","access_type":"online"}"#;
const REVIEW: &str = r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"audiences":["https://api.example.com"]},"status":{"authenticated":true,"audiences":["https://api.example.com"],"user":{"username":"system:serviceaccount:shop:default","uid":"7","groups":["system:authenticated"],"extra":{"authentication.kubernetes.io/pod-name":["web-1"]}}}}"#;

pub(crate) fn tokeninfo() -> Vec<Seed> {
    let but = |from: &str, to: &str| replaced(INFO, from, to);
    let and = |member: &str| format!("{},{member}}}", &INFO[..INFO.len() - 1]);
    seeds([
        ("active", INFO.to_owned()),
        ("active minimal", r#"{"aud":"https://api.example.com","exp":"1800000300"}"#.to_owned()),
        ("expires number", but(r#""1800000300""#, "1800000300")),
        ("expires fraction", but(r#""1800000300""#, "1800000300.5")),
        ("expires word", but("1800000300", "soon")),
        ("expires signed", but("1800000300", "+1800000300")),
        ("expires empty", but("1800000300", "")),
        ("expires huge", but("1800000300", "99999999999999999999")),
        ("expires null", but(r#""1800000300""#, "null")),
        ("expires never", but(r#""exp":"1800000300","#, "")),
        ("expires twice", and(r#""exp":"1800009999""#)),
        ("expired", but("1800000300", "1799999000")),
        ("issued ahead", and(r#""iat":"1800009999""#)),
        ("audience array", but(r#""https://api.example.com""#, r#"["a","https://api.example.com"]"#)),
        ("audience other", but("//api.", "//other.")),
        ("audience null", but(r#""https://api.example.com""#, "null")),
        ("audience absent", but(r#""aud":"https://api.example.com","#, "")),
        (
            "audience absent of a bearer token",
            replaced(&and(r#""token_type":"Bearer""#), r#""aud":"https://api.example.com","#, ""),
        ),
        ("client null", but(r#""shop""#, "null")),
        ("client number", but(r#""shop""#, "5")),
        ("client twice", and(r#""client_id":"other""#)),
        ("subject absent", but(r#""sub":"1034","#, "")),
        ("email unverified", but("true", "false")),
        ("email verified odd", but("true", "True")),
        ("issuer", and(r#""iss":"https://auth.example.com""#)),
        ("issuer other", and(r#""iss":"https://other.example.com""#)),
        ("id token nonce", and(r#""nonce":"n""#)),
        ("id token header", and(r#""alg":"RS256","kid":"1","typ":"JWT""#)),
        ("type refresh", and(r#""token_type":"refresh_token""#)),
        ("bound to a key", and(r#""cnf":{"jkt":"x"}"#)),
        ("error", r#"{"error":"invalid_token","error_description":"Invalid Value"}"#.to_owned()),
        ("error beside", and(r#""error":"invalid_token""#)),
        ("active member", and(r#""active":false"#)),
        ("array", "[true]".to_owned()),
        ("html", "<!doctype html><title>502</title>".to_owned()),
        ("empty", String::new()),
    ])
}

pub(crate) fn token_review() -> Vec<Seed> {
    let but = |from: &str, to: &str| replaced(REVIEW, from, to);
    let status =
        |status: &str| format!(r#"{{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{status}}}"#);
    let alice =
        |audiences: &str| status(&format!(r#"{{"authenticated":true,{audiences}"user":{{"username":"alice"}}}}"#));
    let ours = r#""audiences":["https://api.example.com"],"user""#;
    seeds([
        ("authenticated", REVIEW.to_owned()),
        ("authenticated minimal", alice(r#""audiences":["https://api.example.com"],"#)),
        ("refused", status(r#"{"user":{},"error":"invalid bearer token"}"#)),
        ("refused without user", status(r#"{"error":"invalid bearer token"}"#)),
        ("refused without error", status(r#"{"user":{}}"#)),
        ("authenticated false", but(r#""authenticated":true"#, r#""authenticated":false"#)),
        ("authenticated text", but(r#""authenticated":true"#, r#""authenticated":"true""#)),
        ("authenticated null", but(r#""authenticated":true"#, r#""authenticated":null"#)),
        ("authenticated absent", but(r#""authenticated":true,"#, "")),
        ("authenticated twice", but(r#""authenticated":true"#, r#""authenticated":false,"authenticated":true"#)),
        ("authenticated with error", but(r#""authenticated":true"#, r#""authenticated":true,"error":"timeout""#)),
        ("authenticated with empty error", but(r#""authenticated":true"#, r#""authenticated":true,"error":"""#)),
        ("authenticated outside", but(r#"{"authenticated":true,"#, "{").replacen('{', r#"{"authenticated":true,"#, 1)),
        ("audiences other", but(ours, r#""audiences":["https://other.example.com"],"user""#)),
        ("audiences several", but(ours, r#""audiences":["a","https://api.example.com"],"user""#)),
        ("audiences text", but(ours, r#""audiences":"https://api.example.com","user""#)),
        ("audiences odd", but(ours, r#""audiences":["https://api.example.com",1],"user""#)),
        ("audiences empty", but(ours, r#""audiences":[],"user""#)),
        ("audiences null", but(ours, r#""audiences":null,"user""#)),
        ("audiences null of a client", alice(r#""audiences":null,"#)),
        ("audiences absent", but(ours, r#""user""#)),
        ("audiences absent of a client", alice("")),
        ("username empty", but("system:serviceaccount:shop:default", "")),
        ("username null", but(r#""system:serviceaccount:shop:default""#, "null")),
        ("username absent", but(r#""username":"system:serviceaccount:shop:default","#, "")),
        ("username not ascii", but("system:serviceaccount:shop:default", "z\u{fc}rich")),
        (
            "user of many members",
            but(r#""uid":"7""#, r#""uid":"7","exp":1800000300,"cnf":{},"scope":"admin","client_id":"shop""#),
        ),
        ("user text", status(r#"{"authenticated":true,"audiences":["https://api.example.com"],"user":"alice"}"#)),
        ("groups null", but(r#"["system:authenticated"]"#, "null")),
        ("status empty", status("{}")),
        ("status null", status("null")),
        ("status array", status("[]")),
        ("kind other", but("TokenReview", "SubjectAccessReview")),
        ("version other", but("k8s.io/v1", "k8s.io/v1beta1")),
        ("failure", r#"{"kind":"Status","apiVersion":"v1","status":"Failure","code":403}"#.to_owned()),
        ("rfc7662", r#"{"active":true,"aud":"https://api.example.com","sub":"alice"}"#.to_owned()),
        ("html", "<!doctype html><title>502</title>".to_owned()),
        ("empty", String::new()),
    ])
}

/// The valid answer with one text in it replaced.
fn replaced(answer: &str, from: &str, to: &str) -> String {
    assert!(answer.contains(from), "{from}");
    answer.replace(from, to)
}
