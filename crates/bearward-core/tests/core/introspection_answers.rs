//! An introspection answer admits a token only where it says so itself, in so many words, for us and for now.

use crate::support::{AUDIENCE, ISSUER, LEEWAY, NOW, Table, admitted, altered, b64, rules, signer, with};
use bearward_core::{AbsentAudience, Algorithm, IntrospectionAnswer, Reason, TokenRules, UnixTime, Verified};
use serde_json::{Value, json};

/// What an issuer answers of an active token.
fn answer() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "token_type": "Bearer",
        "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 300, "scope": "orders:read orders:write", "username": "alice",
        "jti": "5f1c0a52"
    })
}

fn read(body: impl AsRef<[u8]>) -> Result<Verified, Reason> {
    IntrospectionAnswer::parse(body.as_ref())
        .and_then(|answer| answer.prove(&rules(), UnixTime(NOW)))
        .and_then(admitted)
}

/// The verdict on an answer with one member set, or taken away.
fn verdict(member: &str, value: Option<Value>) -> Result<(), Reason> {
    read(with(answer(), member, value).to_string()).map(drop)
}

/// The verdict on an answer with this member as it is spelled here, which `Value` could not hold.
fn verdict_on_text(member: &str, value: &str) -> Result<(), Reason> {
    let answer = with(answer(), member, None).to_string();
    read(format!("{},\"{member}\":{value}}}", &answer[..answer.len() - 1])).map(drop)
}

#[test]
fn what_the_issuer_says_comes_out() {
    let verified = read(answer().to_string()).unwrap();
    assert_eq!(verified.issuer(), ISSUER);
    assert_eq!(verified.subject(), Some("alice"));
    assert_eq!(verified.client_id(), Some("shop"));
    assert_eq!(verified.token_id(), Some("5f1c0a52"));
    assert!(verified.audiences().eq([AUDIENCE]));
    assert_eq!(verified.expires_at(), Some(UnixTime(NOW + 300)));
    assert_eq!(verified.scopes().as_str(), "orders:read orders:write");
    assert_eq!(verified.claims().get("username"), Some(&json!("alice")));
}

// RFC 7662, 2.2: all but `active` is OPTIONAL. Of that we need `aud`, or the token may be anybody's.
#[test]
fn little_is_enough() {
    let verified = read(json!({"active": true, "aud": AUDIENCE}).to_string()).unwrap();
    assert_eq!(verified.issuer(), ISSUER, "the issuer that was asked");
    assert_eq!(verified.subject(), None);
    assert_eq!(verified.client_id(), None);
    assert_eq!(verified.expires_at(), None);
    assert!(verified.scopes().is_empty());
    assert!(verified.is_current(UnixTime(u64::MAX)), "without an exp, how long to remember it is for the cache to say");
    assert_eq!(read(json!({"active": true}).to_string()).map(drop), Err(Reason::AudienceMismatch));
}

#[test]
fn only_true_is_active() {
    let mut table = Table::new();
    table.case("true", verdict("active", Some(json!(true))), Ok(()));
    table.case("false", verdict("active", Some(json!(false))), Err(Reason::TokenInactive));
    for value in [
        json!("true"),
        json!("false"),
        json!("active"),
        json!(1),
        json!(0),
        json!(null),
        json!([]),
        json!([true]),
        json!({}),
        json!({"active": true}),
        json!(""),
    ] {
        table.case(format!("{value}"), verdict("active", Some(value)), Err(Reason::IntrospectionUnavailable));
    }
    table.case("missing", verdict("active", None), Err(Reason::IntrospectionUnavailable));
    let capitals = with(with(answer(), "active", None), "Active", Some(json!(true)));
    table.case("in capitals", read(capitals.to_string()).map(drop), Err(Reason::IntrospectionUnavailable));
    let nested = json!({"token": answer()});
    table.case("nested", read(nested.to_string()).map(drop), Err(Reason::IntrospectionUnavailable));
    table.case("false alone", read(r#"{"active":false}"#).map(drop), Err(Reason::TokenInactive));
    // RFC 7662, 2.2: an issuer SHOULD say nothing else of an inactive token. What it says does not matter.
    let odd = json!({"active": false, "exp": "never", "aud": 1, "token_type": []});
    table.case("false and nonsense", read(odd.to_string()).map(drop), Err(Reason::TokenInactive));
    table.finish();
}

#[test]
fn what_is_no_answer_says_nothing_about_the_token() {
    let mut table = Table::new();
    let good = answer().to_string();
    let members = &good[1..good.len() - 1];
    let signed = signer(Algorithm::EdDsa).sign(
        json!({"alg": "EdDSA", "typ": "token-introspection+jwt", "kid": "key-EdDSA"}).to_string(),
        json!({"iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "token_introspection": answer()}).to_string(),
    );
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, body) in [
        ("nothing", Vec::new()),
        ("HTML", b"<html><body>Sign in</body></html>".to_vec()),
        ("text", b"active".to_vec()),
        ("true", b"true".to_vec()),
        ("null", b"null".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("an error", br#"{"error":"invalid_client"}"#.to_vec()),
        ("an array", format!("[{good}]").into_bytes()),
        ("an array of values", b"[true]".to_vec()),
        ("a string", json!(good).to_string().into_bytes()),
        ("a form", format!("active=true&aud={AUDIENCE}").into_bytes()),
        ("signed (RFC 9701), which was not asked for", signed.into_bytes()),
        ("base64url", b64(&good).into_bytes()),
        ("cut off", good.as_bytes()[..good.len() - 1].to_vec()),
        ("cut off in the middle", good.as_bytes()[..good.len() / 2].to_vec()),
        ("bytes after it", format!("{good}x").into_bytes()),
        ("another after it", format!("{good}{good}").into_bytes()),
        ("an inactive one before it", format!(r#"{{"active":false}}{good}"#).into_bytes()),
        ("active twice", br#"{"active":false,"active":true}"#.to_vec()),
        ("active twice, false last", format!(r#"{{{members},"active":false}}"#).into_bytes()),
        ("active twice, once escaped", format!(r#"{{"\u0061ctive":false,{members}}}"#).into_bytes()),
        ("aud twice", format!(r#"{{{members},"aud":"https://other.example.com"}}"#).into_bytes()),
        ("sub twice", format!(r#"{{{members},"sub":"bob"}}"#).into_bytes()),
        ("scope twice", format!(r#"{{{members},"scope":"admin"}}"#).into_bytes()),
        ("null and a value", format!(r#"{{"sub":null,{members}}}"#).into_bytes()),
        ("twice, deeper", format!(r#"{{{members},"x":{{"y":1,"y":2}}}}"#).into_bytes()),
        ("byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16", utf16),
        ("no UTF-8", [format!("{{{members},\"x\":\"").as_bytes(), b"\xff\"}"].concat()),
        ("a lone surrogate", format!(r#"{{{members},"x":"\ud800"}}"#).into_bytes()),
        ("a raw NUL", format!("{{{members},\"x\":\"\0\"}}").into_bytes()),
        ("a number beyond all", format!(r#"{{{members},"x":1e400}}"#).into_bytes()),
        ("deep", format!("{{{members},\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()),
        ("deep and cut off", "[".repeat(100_000).into_bytes()),
        ("deep objects, cut off", "{\"a\":".repeat(100_000).into_bytes()),
    ] {
        table.case(name, read(body).map(drop), Err(Reason::IntrospectionUnavailable));
    }
    table.finish();
}

// Issuers answer `active: true` of refresh and ID tokens as well.
#[test]
fn only_an_access_token_is_an_access_token() {
    let mut table = Table::new();
    for token_type in ["Bearer", "bearer", "BEARER"] {
        table.case(token_type, verdict("token_type", Some(json!(token_type))), Ok(()));
    }
    for token_type in [
        "refresh_token",
        "id_token",
        "access_token",
        "N_A",
        "unknown",
        "mac",
        "",
        "Bearer ",
        "Bearer,DPoP",
        "urn:ietf:params:oauth:token-type:refresh_token",
    ] {
        table.case(token_type, verdict("token_type", Some(json!(token_type))), Err(Reason::TypeMismatch));
    }
    for token_type in [json!(1), json!(["Bearer"]), json!({"Bearer": 1}), json!(true)] {
        table.case(format!("{token_type}"), verdict("token_type", Some(token_type)), Err(Reason::TypeMismatch));
    }
    for token_type in [None, Some(json!(null))] {
        table.case(format!("{token_type:?}"), verdict("token_type", token_type), Ok(()));
    }
    table.finish();
}

// RFC 9449, 6.2 and RFC 8705, 3.2.
#[test]
fn a_bound_token_is_no_bearer_token() {
    let mut table = Table::new();
    for token_type in ["DPoP", "dpop", "DPOP"] {
        table.case(token_type, verdict("token_type", Some(json!(token_type))), Err(Reason::ConfirmationMissing));
    }
    for cnf in [json!({"jkt": "0ZcOCORZNYy"}), json!({"x5t#S256": "bwcK0esc3AC"}), json!({}), json!("x")] {
        table.case(format!("cnf {cnf}"), verdict("cnf", Some(cnf)), Err(Reason::ConfirmationMissing));
    }
    table.case("cnf null", verdict("cnf", Some(json!(null))), Ok(()));
    table.finish();
}

#[test]
fn times_count_as_in_a_signed_token() {
    let mut table = Table::new();
    for (member, date, expected) in [
        ("exp", NOW - LEEWAY + 1, Ok(())),
        ("exp", NOW - LEEWAY, Err(Reason::TokenExpired)),
        ("exp", NOW - 86_400, Err(Reason::TokenExpired)),
        ("exp", 0, Err(Reason::TokenExpired)),
        ("nbf", NOW + LEEWAY, Ok(())),
        ("nbf", NOW + LEEWAY + 1, Err(Reason::TokenNotYetValid)),
        ("iat", NOW + LEEWAY, Ok(())),
        ("iat", NOW + LEEWAY + 1, Err(Reason::TokenNotYetValid)),
    ] {
        table.case(format!("{member} {date}"), verdict(member, Some(json!(date))), expected);
    }
    for member in ["exp", "nbf", "iat"] {
        table.case(format!("{member} missing"), verdict(member, None), Ok(()));
        table.case(format!("{member} null"), verdict(member, Some(json!(null))), Ok(()));
        // RFC 7662 says integer; some issuers send a fraction.
        table.case(format!("{member} fraction"), verdict_on_text(member, &format!("{NOW}.5")), Ok(()));
        for value in [json!("1800000300"), json!("2027-01-15T08:00:00Z"), json!(true), json!([NOW]), json!(-1)] {
            table.case(format!("{member} {value}"), verdict(member, Some(value)), Err(Reason::ClaimsMalformed));
        }
        table.case(format!("{member} 1e300"), verdict_on_text(member, "1e300"), Err(Reason::ClaimsMalformed));
    }
    table.finish();
}

#[test]
fn our_audience_stands_in_aud() {
    let mut table = Table::new();
    for (value, expected) in [
        (Some(json!(AUDIENCE)), Ok(())),
        (Some(json!([AUDIENCE])), Ok(())),
        (Some(json!(["shop", AUDIENCE])), Ok(())),
        (None, Err(Reason::AudienceMismatch)),
        (Some(json!(null)), Err(Reason::AudienceMismatch)),
        (Some(json!("shop")), Err(Reason::AudienceMismatch)),
        (Some(json!(["shop"])), Err(Reason::AudienceMismatch)),
        (Some(json!([])), Err(Reason::AudienceMismatch)),
        (Some(json!("")), Err(Reason::AudienceMismatch)),
        (Some(json!(format!("{AUDIENCE}/"))), Err(Reason::AudienceMismatch)),
        (Some(json!(AUDIENCE.to_uppercase())), Err(Reason::AudienceMismatch)),
        (Some(json!(format!("shop {AUDIENCE}"))), Err(Reason::AudienceMismatch)),
        (Some(json!([AUDIENCE, 1])), Err(Reason::ClaimsMalformed)),
        (Some(json!([AUDIENCE, null])), Err(Reason::ClaimsMalformed)),
        (Some(json!({AUDIENCE: 1})), Err(Reason::ClaimsMalformed)),
        (Some(json!(1)), Err(Reason::ClaimsMalformed)),
    ] {
        table.case(format!("{value:?}"), verdict("aud", value), expected);
    }
    let nobody = altered(rules(), |rules| rules.audiences = Vec::new());
    let found = IntrospectionAnswer::parse(answer().to_string().as_bytes())
        .and_then(|answer| answer.prove(&nobody, UnixTime(NOW)));
    table.case("we have none", found.map(drop), Err(Reason::AudienceMismatch));
    table.finish();
}

// django-oauth-toolkit says `active`, `scope`, `exp` and `client_id` of an access token, and nothing else.
#[test]
fn a_bare_answer_is_taken_for_known_clients_where_the_rules_say_so() {
    let clients = AbsentAudience::Clients(vec!["shop".to_owned()]);
    let known = altered(rules(), |rules| rules.absent_audience = clients);
    let bare = altered(known.clone(), |rules| rules.bare_answers = true);
    let everybody = altered(rules(), |rules| rules.bare_answers = true);
    let answer = json!({"active": true, "scope": "read", "exp": NOW + 300, "client_id": "shop"});
    let mut table = Table::new();
    let read = |answer: &Value, rules: &TokenRules| {
        IntrospectionAnswer::parse(answer.to_string().as_bytes())
            .and_then(|answer| answer.prove(rules, UnixTime(NOW)))
            .map(drop)
    };
    table.case("not asked for", read(&answer, &known), Err(Reason::AudienceMismatch));
    table.case("asked for", read(&answer, &bare), Ok(()));
    table.case("without clients", read(&answer, &everybody), Err(Reason::AudienceMismatch));
    for (member, value, expected) in [
        ("client_id", Some(json!("other")), Err(Reason::AudienceMismatch)),
        ("client_id", None, Err(Reason::AudienceMismatch)),
        ("aud", Some(json!("shop")), Err(Reason::AudienceMismatch)),
        ("aud", Some(json!(AUDIENCE)), Ok(())),
        ("token_type", Some(json!("Bearer")), Ok(())),
        ("token_type", Some(json!("refresh_token")), Err(Reason::TypeMismatch)),
        ("token_use", Some(json!("access_token")), Ok(())),
        ("token_use", Some(json!("refresh_token")), Err(Reason::TypeMismatch)),
    ] {
        let answer = with(answer.clone(), member, value.clone());
        table.case(format!("{member} {value:?}"), read(&answer, &bare), expected);
    }
    table.finish();
}

// Hydra says it in `token_use`, Keycloak in `typ`.
#[test]
fn other_names_of_the_kind_count_too() {
    let mut table = Table::new();
    for (member, value, expected) in [
        ("token_use", json!("access_token"), Ok(())),
        ("token_use", json!("access"), Ok(())),
        ("token_use", json!("refresh_token"), Err(Reason::TypeMismatch)),
        ("token_use", json!("id"), Err(Reason::TypeMismatch)),
        ("token_use", json!(1), Err(Reason::TypeMismatch)),
        ("token_use", json!(null), Ok(())),
        ("typ", json!("Bearer"), Ok(())),
        ("typ", json!("Refresh"), Err(Reason::TypeMismatch)),
        ("typ", json!("Offline"), Err(Reason::TypeMismatch)),
        ("typ", json!("ID"), Err(Reason::TypeMismatch)),
    ] {
        table.case(format!("{member} {value}"), verdict(member, Some(value)), expected);
    }
    table.finish();
}

#[test]
fn the_issuer_is_the_one_that_was_asked() {
    let mut table = Table::new();
    for (value, expected) in [
        (Some(json!(ISSUER)), Ok(())),
        (None, Ok(())),
        (Some(json!(null)), Ok(())),
        (Some(json!("https://second.example.com")), Err(Reason::IssuerMismatch)),
        (Some(json!(format!("{ISSUER}/"))), Err(Reason::IssuerMismatch)),
        (Some(json!(ISSUER.to_uppercase())), Err(Reason::IssuerMismatch)),
        (Some(json!("")), Err(Reason::ClaimsMalformed)),
        (Some(json!([ISSUER])), Err(Reason::ClaimsMalformed)),
        (Some(json!(1)), Err(Reason::ClaimsMalformed)),
    ] {
        table.case(format!("{value:?}"), verdict("iss", value), expected);
    }
    table.finish();
}

#[test]
fn members_of_the_wrong_type_are_not_absent_ones() {
    let mut table = Table::new();
    for member in ["sub", "client_id", "jti"] {
        for value in [json!(1), json!(true), json!(["alice"]), json!({"alice": 1})] {
            table.case(format!("{member} {value}"), verdict(member, Some(value)), Err(Reason::ClaimsMalformed));
        }
        table.case(format!("{member} null"), verdict(member, Some(json!(null))), Ok(()));
        table.case(format!("{member} missing"), verdict(member, None), Ok(()));
    }
    table.finish();
}

#[test]
fn scopes_are_exact() {
    let mut table = Table::new();
    let scopes = |value: Option<Value>| {
        read(with(answer(), "scope", value).to_string()).map(|verified| verified.scopes().as_str().to_owned())
    };
    for (value, expected) in [
        (Some(json!("read write")), Ok("read write")),
        (Some(json!("")), Ok("")),
        (Some(json!(["read", "write"])), Ok("read write")),
        (Some(json!([])), Ok("")),
        (Some(json!(null)), Ok("")),
        (None, Ok("")),
        (Some(json!("read\twrite")), Err(Reason::ClaimsMalformed)),
        (Some(json!("read\u{2003}write")), Err(Reason::ClaimsMalformed)),
        (Some(json!(["read write"])), Err(Reason::ClaimsMalformed)),
        (Some(json!(["read", 1])), Err(Reason::ClaimsMalformed)),
        (Some(json!({"read": true})), Err(Reason::ClaimsMalformed)),
        (Some(json!(1)), Err(Reason::ClaimsMalformed)),
    ] {
        table.case(format!("{value:?}"), scopes(value), expected.map(str::to_owned));
    }
    table.finish();
}

// RFC 9701, 8.2: what an issuer signs about a token is not that token.
#[test]
fn a_signed_answer_is_no_access_token() {
    let signer = signer(Algorithm::EdDsa);
    let inner = json!({"iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "token_introspection": answer()});
    for (typ, reason) in [
        ("token-introspection+jwt", Reason::TypeMismatch),
        ("JWT", Reason::TypeMismatch),
        ("at+jwt", Reason::ClaimMissing),
    ] {
        let header = with(signer.header(), "typ", Some(json!(typ)));
        let token = signer.sign(header.to_string(), inner.to_string());
        assert_eq!(crate::support::verify(&token).map(drop), Err(reason), "{typ}");
    }
}
