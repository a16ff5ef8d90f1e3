//! Introspection answers, plain and signed.

use crate::{Seed, seeds};

const ANSWER: &str = r#"{"active":true,"token_type":"Bearer","iss":"https://auth.example.com","aud":"https://api.example.com","sub":"alice","client_id":"shop","iat":1799999940,"exp":1800000300,"scope":"orders:read"}"#;
const PAYLOAD: &str =
    r#"{"iss":"https://auth.example.com","aud":"gateway","iat":1800000000,"token_introspection":ANSWER}"#;

/// The valid answer with one text in it replaced.
fn but(from: &str, to: &str) -> String {
    assert!(ANSWER.contains(from), "{from}");
    ANSWER.replace(from, to)
}

pub(crate) fn introspection() -> Vec<Seed> {
    let and = |member: &str| format!("{}{member}}}", &ANSWER[..ANSWER.len() - 1]);
    seeds([
        ("active", ANSWER.to_owned()),
        ("active minimal", r#"{"active":true,"aud":"https://api.example.com"}"#.to_owned()),
        ("inactive", r#"{"active":false}"#.to_owned()),
        ("inactive with members", but("true", "false")),
        ("active text", but("true", r#""true""#)),
        ("active number", but("true", "1")),
        ("active null", but("true", "null")),
        ("active absent", but(r#""active":true,"#, "")),
        ("active twice", and(r#","active":false"#)),
        ("active upper case", but("active", "Active")),
        ("active only", r#"{"active":true}"#.to_owned()),
        ("type lower case", but("Bearer", "bearer")),
        ("type dpop", but("Bearer", "DPoP")),
        ("type refresh", but("Bearer", "refresh_token")),
        ("type null", but(r#""Bearer""#, "null")),
        ("type absent", but(r#""token_type":"Bearer","#, "")),
        (
            "type and audience absent",
            r#"{"active":true,"client_id":"shop","exp":1800000300,"iat":1800000000}"#.to_owned(),
        ),
        ("audience of a client", but(r#""aud":"https://api.example.com","#, "")),
        ("audience array", but(r#""https://api.example.com""#, r#"["a","https://api.example.com"]"#)),
        ("audience other", but("//api.", "//other.")),
        ("audience null", but(r#""https://api.example.com""#, "null")),
        ("issuer other", but("//auth.", "//other.")),
        ("issuer null", but(r#""https://auth.example.com""#, "null")),
        ("issuer absent", but(r#""iss":"https://auth.example.com","#, "")),
        ("expired", but("1800000300", "1799999000")),
        ("expires null", but("1800000300", "null")),
        ("expires zero", but("1800000300", "0")),
        ("expires text", but("1800000300", r#""1800000300""#)),
        ("lives long", but("1800000300", "1900000000")),
        ("issued ahead", but("1799999940", "1800009999")),
        ("bound to a key", and(r#","cnf":{"x5t#S256":"x"}"#)),
        ("bound to null", and(r#","cnf":null"#)),
        ("subject number", but(r#""alice""#, "1")),
        ("scope array", but(r#""orders:read""#, r#"["orders:read"]"#)),
        ("error", r#"{"error":"invalid_client"}"#.to_owned()),
        ("array", "[true]".to_owned()),
        ("trailing", format!("{ANSWER}{ANSWER}")),
        ("html", "<!doctype html><title>502</title>".to_owned()),
        ("empty", String::new()),
    ])
}

pub(crate) fn signed_introspection() -> Vec<Seed> {
    let payload = |answer: &str| PAYLOAD.replace("ANSWER", answer);
    let valid = payload(ANSWER);
    let under = |header: &str| format!("{header}\n{valid}");
    seeds([
        ("active", valid.clone()),
        ("active with header", under(r#"{"alg":"EdDSA","typ":"token-introspection+jwt","kid":"ed"}"#)),
        ("inactive", payload(r#"{"active":false}"#)),
        ("active text", payload(&but("true", r#""true""#))),
        ("token expired", payload(&but("1800000300", "1799999000"))),
        ("token audience other", payload(&but("//api.", "//other."))),
        ("token issuer other", payload(&but("//auth.", "//other."))),
        ("type access token", under(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}"#)),
        ("type long", under(r#"{"alg":"EdDSA","typ":"application/token-introspection+jwt","kid":"ed"}"#)),
        ("type absent", under(r#"{"alg":"EdDSA","kid":"ed"}"#)),
        ("kid other", under(r#"{"alg":"EdDSA","typ":"token-introspection+jwt","kid":"other"}"#)),
        ("alg none", under(r#"{"alg":"none","typ":"token-introspection+jwt"}"#)),
        ("alg of another key", under(r#"{"alg":"ES256","typ":"token-introspection+jwt","kid":"p256"}"#)),
        ("critical", under(r#"{"alg":"EdDSA","typ":"token-introspection+jwt","crit":["exp"]}"#)),
        ("issuer other", valid.replacen("//auth.", "//other.", 1)),
        ("issuer absent", valid.replacen(r#""iss":"https://auth.example.com","#, "", 1)),
        ("audience array", valid.replace(r#""gateway""#, r#"["gateway","another"]"#)),
        ("audience other", valid.replace("gateway", "another")),
        ("audience absent", valid.replace(r#""aud":"gateway","#, "")),
        ("issued long ago", valid.replace("1800000000", "1799999699")),
        ("issued ahead", valid.replace("1800000000", "1800000301")),
        ("issued never", valid.replace(r#""iat":1800000000,"#, "")),
        ("expired", valid.replace(r#""iat":1800000000"#, r#""iat":1800000000,"exp":1799999999"#)),
        ("answer null", payload("null")),
        ("answer text", payload(r#""{}""#)),
        ("answer array", payload("[]")),
        ("answer twice", valid.replacen('{', r#"{"token_introspection":{"active":true},"#, 1)),
        ("answer beside", ANSWER.replace(r#""https://api.example.com""#, r#"["https://api.example.com","gateway"]"#)),
        ("access token and answer", valid.replacen('{', r#"{"sub":"bob","client_id":"shop","jti":"1","#, 1)),
        ("empty", String::new()),
    ])
}
