//! Tokens that widely used verifiers were seen to accept, each signed with a good key: all of them are refused here.

use crate::support::{
    AUDIENCE, ISSUER, NOW, Signer, Table, admitted, altered, b64, claims, key_set, merge, rules, signer, with,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bearward_core::{Algorithm, Profile, UnixTime, verify_jws};
use serde_json::{Value, json};

fn with_header(signer: &Signer, more: Value) -> String {
    let mut header = signer.header();
    merge(&mut header, more);
    signer.sign(header.to_string(), claims().to_string())
}

fn with_claims_text(signer: &Signer, more: &str) -> String {
    let claims = claims().to_string();
    signer.sign(signer.header().to_string(), format!("{},{more}}}", &claims[..claims.len() - 1]))
}

/// What a verifier that leaves `typ` to its user cannot be blamed for: only RFC 9068 forbids it.
fn untyped(signer: &Signer) -> Vec<(&'static str, String)> {
    let typed = |typ| signer.sign(with(signer.header(), "typ", typ).to_string(), claims().to_string());
    let no_subject = signer.token(&with(claims(), "sub", None));
    vec![("typ JWT", typed(Some(json!("JWT")))), ("no typ", typed(None)), ("no sub", no_subject)]
}

fn accepted_elsewhere(signer: &Signer) -> Vec<(&'static str, String)> {
    let deep = format!("\"x\":{}{}", "[".repeat(10_000), "]".repeat(10_000));
    // A header that leaves two bits over, for a second spelling of its last letter; and one that base64 pads.
    let spaced = [0, 1, 2].map(|spaces| format!("{}{}", signer.header(), " ".repeat(spaces)));
    let padded = spaced.iter().find(|header| header.len() % 3 != 0).unwrap();
    let two_bytes = spaced.iter().find(|header| header.len() % 3 == 2).unwrap();
    let (rest, last) = (b64(two_bytes), b64(two_bytes).pop().unwrap());
    let respelled = format!("{}{}", &rest[..rest.len() - 1], char::from(u8::try_from(last).unwrap() + 1));
    let payload = b64(claims().to_string());
    let standard = b64(with(claims(), "x", Some(json!("???>>>~~~"))).to_string()).replace('-', "+").replace('_', "/");
    assert!(standard.contains(['+', '/']));
    let claims_bytes = claims().to_string().into_bytes();
    vec![
        ("crit, unknown", with_header(signer, json!({"crit": ["x"], "x": 1}))),
        ("crit, empty", with_header(signer, json!({"crit": []}))),
        ("crit, b64", with_header(signer, json!({"crit": ["b64"], "b64": true}))),
        ("crit, a registered name", with_header(signer, json!({"crit": ["alg"]}))),
        ("padded base64url", signer.sign_segments(&URL_SAFE.encode(padded), &payload)),
        ("trailing bits", signer.sign_segments(&respelled, &payload)),
        ("the standard alphabet", signer.sign_segments(&b64(signer.header().to_string()), &standard)),
        ("alg twice", {
            let header = signer.header().to_string();
            signer.sign(header.replacen('{', "{\"alg\":\"none\",", 1), claims().to_string())
        }),
        ("sub twice", with_claims_text(signer, "\"sub\":\"bob\"")),
        ("aud twice", with_claims_text(signer, "\"aud\":\"https://other.example.com\"")),
        ("10,000 levels", with_claims_text(signer, &deep)),
        ("a number beyond all", with_claims_text(signer, "\"x\":1e400")),
        ("exp beyond all", {
            let claims = with(claims(), "exp", None).to_string();
            let payload = format!("{},\"exp\":1e400}}", &claims[..claims.len() - 1]);
            signer.sign(signer.header().to_string(), payload)
        }),
        ("aud with a number in it", signer.token(&with(claims(), "aud", Some(json!([AUDIENCE, 1]))))),
        ("aud with a slash more", signer.token(&with(claims(), "aud", Some(json!(format!("{AUDIENCE}/")))))),
        ("iss in an array", signer.token(&with(claims(), "iss", Some(json!([ISSUER]))))),
        ("a byte order mark", signer.sign(signer.header().to_string(), [b"\xef\xbb\xbf", &claims_bytes[..]].concat())),
        ("no UTF-8", {
            let spoilt = [&claims_bytes[..claims_bytes.len() - 1], b",\"x\":\"\xff\"}"].concat();
            signer.sign(signer.header().to_string(), spoilt)
        }),
        ("exp as a string", signer.token(&with(claims(), "exp", Some(json!((NOW + 300).to_string()))))),
        ("nbf as a string", signer.token(&with(claims(), "nbf", Some(json!((NOW + 300).to_string()))))),
        ("typ logout+jwt", with_header(signer, json!({"typ": "logout+jwt"}))),
        ("typ dpop+jwt", with_header(signer, json!({"typ": "dpop+jwt"}))),
        ("typ secevent+jwt", with_header(signer, json!({"typ": "secevent+jwt"}))),
        ("typ token-introspection+jwt", with_header(signer, json!({"typ": "token-introspection+jwt"}))),
        (
            "bound to a key",
            with_claims_text(signer, "\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2\"}"),
        ),
    ]
}

#[test]
fn what_other_verifiers_were_seen_to_accept_is_refused() {
    let mut table = Table::new();
    for signer in [signer(Algorithm::Rs256), signer(Algorithm::Es256)] {
        for profile in [Profile::Rfc9068, Profile::Jwt] {
            let rules = altered(rules(), |rules| rules.profile = profile);
            let verdict = |token: &str| verify_jws(token, key_set(), &rules, UnixTime(NOW)).and_then(admitted).is_ok();
            let case = |name: &str| format!("{name}, {}, {}", signer.algorithm, profile.name());
            table.case(case("a good one"), verdict(&signer.token(&claims())), true);
            for (name, token) in accepted_elsewhere(signer) {
                table.case(case(name), verdict(&token), false);
            }
            for (name, token) in untyped(signer) {
                table.case(case(name), verdict(&token), profile == Profile::Jwt);
            }
        }
    }
    table.finish();
}
