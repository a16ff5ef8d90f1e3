//! A signed token is accepted only with every claim of an access token, each of its right type, for us and for now.

use crate::support::{
    AUDIENCE, ISSUER, LEEWAY, NOW, Signer, Table, altered, claims, key_set, rules, signer, verify, with,
};
use bearward_core::{Algorithm, Reason, ScopeSet, UnixTime, verify_jws};
use serde_json::{Value, json};

fn ed() -> &'static Signer {
    signer(Algorithm::EdDsa)
}

/// The verdict on a token with one claim set, or taken away.
fn verdict(claim: &str, value: Option<Value>) -> Result<(), Reason> {
    verify(&ed().token(&with(claims(), claim, value))).map(drop)
}

/// The verdict on a token with this claim as it is spelled here, which `Value` could not hold.
fn verdict_on_text(claim: &str, value: &str) -> Result<(), Reason> {
    let claims = with(claims(), claim, None).to_string();
    let payload = format!("{},\"{claim}\":{value}}}", &claims[..claims.len() - 1]);
    verify(&ed().sign(ed().header().to_string(), payload)).map(drop)
}

#[test]
fn what_the_token_says_comes_out() {
    let all = with(claims(), "email", Some(json!("alice@example.com")));
    let verified = verify(&ed().token(&all)).unwrap();
    assert_eq!(verified.issuer(), ISSUER);
    assert_eq!(verified.subject(), Some("alice"));
    assert_eq!(verified.client_id(), Some("shop"));
    assert_eq!(verified.token_id(), Some("5f1c0a52"));
    assert!(verified.audiences().eq([AUDIENCE]));
    assert_eq!(verified.expires_at(), Some(UnixTime(NOW + 300)));
    assert_eq!(verified.scopes().as_str(), "orders:read orders:write");
    assert_eq!(Value::Object(verified.claims().clone()), all);
}

// RFC 9068, 2.2.
#[test]
fn every_required_claim_is_required() {
    let mut table = Table::new();
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        table.case(format!("{claim} missing"), verdict(claim, None), Err(Reason::ClaimMissing));
        table.case(format!("{claim} null"), verdict(claim, Some(json!(null))), Err(Reason::ClaimsMalformed));
    }
    table.case("scope missing", verdict("scope", None), Ok(()));
    table.finish();
}

#[test]
fn a_claim_of_the_wrong_type_is_not_an_absent_one() {
    let mut table = Table::new();
    let text = |value: &Value| value.is_string();
    for claim in ["iss", "sub", "client_id", "jti"] {
        for value in [json!(1), json!(1.5), json!(true), json!(["alice"]), json!({"alice": 1}), json!("")] {
            assert!(!text(&value) || value == "");
            table.case(format!("{claim} {value}"), verdict(claim, Some(value)), Err(Reason::ClaimsMalformed));
        }
    }
    for claim in ["exp", "nbf", "iat"] {
        for value in
            [json!("1800000300"), json!(true), json!([NOW]), json!({"t": NOW}), json!(""), json!(-1), json!(-0.5)]
        {
            table.case(format!("{claim} {value}"), verdict(claim, Some(value)), Err(Reason::ClaimsMalformed));
        }
        for text in ["1e400", "-1e400", "1e300", "18446744073709551616", "9007199254740994", "1e16", "NaN", "Infinity"]
        {
            table.case(format!("{claim} {text}"), verdict_on_text(claim, text), Err(Reason::ClaimsMalformed));
        }
    }
    table.finish();
}

// RFC 9068, 4: the current time MUST be before exp. The leeway moves that, and nothing else does.
#[test]
fn a_token_ends_with_exp() {
    let mut table = Table::new();
    for leeway in [0, 1, LEEWAY, 300] {
        for (exp, expected) in [
            (NOW - leeway + 1, Ok(())),
            (NOW - leeway, Err(Reason::TokenExpired)),
            (NOW - leeway - 1, Err(Reason::TokenExpired)),
            (NOW - 86_400, Err(Reason::TokenExpired)),
            (1, Err(Reason::TokenExpired)),
            (0, Err(Reason::TokenExpired)),
        ] {
            let token = ed().token(&with(claims(), "exp", Some(json!(exp))));
            let rules = altered(rules(), |rules| rules.leeway = leeway);
            let found = verify_jws(&token, key_set(), &rules, UnixTime(NOW));
            table.case(format!("exp {exp}, leeway {leeway}"), found.map(drop), expected);
        }
    }
    // RFC 7519, 2: a NumericDate may have a fraction. It is cut off, so that it never lengthens a token's life.
    let exp = NOW - LEEWAY;
    table.case("a fraction", verdict_on_text("exp", &format!("{}.75", NOW + 300)), Ok(()));
    table.case("an exponent", verdict_on_text("exp", "1.8000003e9"), Ok(()));
    table.case("a fraction, ended", verdict_on_text("exp", &format!("{exp}.9")), Err(Reason::TokenExpired));
    table.case("milliseconds", verdict("exp", Some(json!((NOW + 300) * 1_000))), Ok(()));
    table.case("the greatest date", verdict("exp", Some(json!(9_007_199_254_740_992_u64))), Ok(()));
    table.case("minus zero", verdict_on_text("exp", "-0"), Err(Reason::TokenExpired));
    table.finish();
}

#[test]
fn a_token_does_not_begin_before_nbf_and_iat() {
    let mut table = Table::new();
    for claim in ["nbf", "iat"] {
        for (date, expected) in [
            (0, Ok(())),
            (NOW, Ok(())),
            (NOW + LEEWAY, Ok(())),
            (NOW + LEEWAY + 1, Err(Reason::TokenNotYetValid)),
            (NOW + 86_400, Err(Reason::TokenNotYetValid)),
            (NOW * 1_000, Err(Reason::TokenNotYetValid)),
        ] {
            table.case(format!("{claim} {date}"), verdict(claim, Some(json!(date))), expected);
        }
    }
    table.finish();
}

#[test]
fn a_remembered_token_ends_when_a_new_one_would() {
    let mut table = Table::new();
    let all = with(claims(), "nbf", Some(json!(NOW - 60)));
    let token = ed().token(&all);
    let verified = verify(&token).unwrap();
    let exp = NOW + 300;
    for now in [0, NOW - 61 - LEEWAY, NOW - 60 - LEEWAY, NOW, exp - 1, exp, exp + LEEWAY - 1, exp + LEEWAY, u64::MAX] {
        let fresh = verify_jws(&token, key_set(), &rules(), UnixTime(now)).is_ok();
        table.case(format!("at {now}"), verified.is_current(UnixTime(now)), fresh);
    }
    table.finish();
}

#[test]
fn no_time_and_no_leeway_wraps_around() {
    let mut table = Table::new();
    let token = |exp: u64, nbf: u64| {
        let claims = with(with(claims(), "iat", Some(json!(nbf))), "nbf", Some(json!(nbf)));
        ed().token(&with(claims, "exp", Some(json!(exp))))
    };
    let verdict = |token: &str, leeway, now| {
        verify_jws(token, key_set(), &altered(rules(), |rules| rules.leeway = leeway), UnixTime(now)).map(drop)
    };
    let most = 9_007_199_254_740_992;
    table.case("the first second", verdict(&token(1, 0), 0, 0), Ok(()));
    table.case("the first second, with leeway", verdict(&token(1, 0), LEEWAY, 0), Ok(()));
    table.case("the last second", verdict(&token(most, 0), u64::MAX, u64::MAX), Err(Reason::TokenExpired));
    table.case("all the leeway", verdict(&token(1, most), u64::MAX, NOW), Ok(()));
    table.case("exp long past", verdict(&token(1, 0), LEEWAY, u64::MAX), Err(Reason::TokenExpired));
    table.case("nbf far off", verdict(&token(most, most), LEEWAY, NOW), Err(Reason::TokenNotYetValid));
    table.finish();
}

// RFC 9068, 4 and RFC 8725, 3.9: letter for letter, no normalisation (RFC 7519, 7.3).
#[test]
fn our_audience_stands_in_aud() {
    let mut table = Table::new();
    for (value, expected) in [
        (json!(AUDIENCE), Ok(())),
        (json!([AUDIENCE]), Ok(())),
        (json!(["https://other.example.com", AUDIENCE]), Ok(())),
        (json!([AUDIENCE, AUDIENCE]), Ok(())),
        (json!("https://other.example.com"), Err(Reason::AudienceMismatch)),
        (json!(["https://other.example.com"]), Err(Reason::AudienceMismatch)),
        (json!([]), Err(Reason::AudienceMismatch)),
        (json!(""), Err(Reason::AudienceMismatch)),
        (json!([""]), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE}/")), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE}/orders")), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE}#")), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE} ")), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE}\u{0}")), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE} https://other.example.com")), Err(Reason::AudienceMismatch)),
        (json!(format!("{AUDIENCE},https://other.example.com")), Err(Reason::AudienceMismatch)),
        (json!("https://api.example.co"), Err(Reason::AudienceMismatch)),
        (json!("api.example.com"), Err(Reason::AudienceMismatch)),
        (json!("https://API.example.com"), Err(Reason::AudienceMismatch)),
        (json!("HTTPS://api.example.com"), Err(Reason::AudienceMismatch)),
        (json!("https://api.example.com:443"), Err(Reason::AudienceMismatch)),
        (json!("https://\u{430}pi.example.com"), Err(Reason::AudienceMismatch)),
        (json!("*"), Err(Reason::AudienceMismatch)),
        (json!(["*"]), Err(Reason::AudienceMismatch)),
        (json!({AUDIENCE: true}), Err(Reason::ClaimsMalformed)),
        (json!(1), Err(Reason::ClaimsMalformed)),
        (json!(true), Err(Reason::ClaimsMalformed)),
        (json!([AUDIENCE, 1]), Err(Reason::ClaimsMalformed)),
        (json!([AUDIENCE, null]), Err(Reason::ClaimsMalformed)),
        (json!([1, AUDIENCE]), Err(Reason::ClaimsMalformed)),
        (json!([[AUDIENCE]]), Err(Reason::ClaimsMalformed)),
        (json!([{"aud": AUDIENCE}]), Err(Reason::ClaimsMalformed)),
    ] {
        table.case(format!("{value}"), verdict("aud", Some(value)), expected);
    }
    let token = ed().token(&claims());
    let under = |audiences: &[&str]| {
        let audiences = audiences.iter().map(|&audience| audience.to_owned()).collect();
        verify_jws(&token, key_set(), &altered(rules(), |rules| rules.audiences = audiences), UnixTime(NOW)).map(drop)
    };
    table.case("one of ours", under(&["https://other.example.com", AUDIENCE]), Ok(()));
    table.case("none of ours", under(&["https://other.example.com"]), Err(Reason::AudienceMismatch));
    table.case("we have none", under(&[]), Err(Reason::AudienceMismatch));
    table.case("an empty one of ours", under(&[""]), Err(Reason::AudienceMismatch));
    table.finish();
}

#[test]
fn the_issuer_is_the_one_whose_keys_these_are() {
    let mut table = Table::new();
    for (value, expected) in [
        (json!(ISSUER), Ok(())),
        (json!(format!("{ISSUER}/")), Err(Reason::IssuerMismatch)),
        (json!(format!("{ISSUER}/tenant")), Err(Reason::IssuerMismatch)),
        (json!(format!("{ISSUER} ")), Err(Reason::IssuerMismatch)),
        (json!(format!("{ISSUER}\u{0}")), Err(Reason::IssuerMismatch)),
        (json!(format!("{ISSUER}.attacker.example")), Err(Reason::IssuerMismatch)),
        (json!("https://AUTH.example.com"), Err(Reason::IssuerMismatch)),
        (json!("http://auth.example.com"), Err(Reason::IssuerMismatch)),
        (json!("https://auth.example.com:443"), Err(Reason::IssuerMismatch)),
        (json!("https://auth.example.co"), Err(Reason::IssuerMismatch)),
        (json!("https://\u{430}uth.example.com"), Err(Reason::IssuerMismatch)),
        (json!("https://second.example.com"), Err(Reason::IssuerMismatch)),
        (json!([ISSUER]), Err(Reason::ClaimsMalformed)),
        (json!([ISSUER, "https://second.example.com"]), Err(Reason::ClaimsMalformed)),
        (json!({"iss": ISSUER}), Err(Reason::ClaimsMalformed)),
    ] {
        table.case(format!("{value}"), verdict("iss", Some(value)), expected);
    }
    // RFC 8725, 3.8: two issuers that share a kid share nothing else.
    let second = Signer::new(Algorithm::EdDsa, &ed().kid);
    let second_keys = crate::support::parse_keys([second.jwk()]);
    let second_rules = altered(rules(), |rules| rules.issuer = "https://second.example.com".into());
    let theirs = with(claims(), "iss", Some(json!("https://second.example.com")));
    for (name, token, expected) in [
        ("the second's", second.token(&theirs), Ok(())),
        ("the first's key", ed().token(&theirs), Err(Reason::SignatureInvalid)),
        ("the first's name", second.token(&claims()), Err(Reason::IssuerMismatch)),
        ("the first's", ed().token(&claims()), Err(Reason::SignatureInvalid)),
    ] {
        let found = verify_jws(&token, &second_keys, &second_rules, UnixTime(NOW));
        table.case(name, found.map(drop), expected);
    }
    table.finish();
}

// RFC 9068, 4: at+jwt or application/at+jwt, and media types are compared without case. Everything else that an issuer
// signs with the same keys is no access token (RFC 8725, 3.11 and 3.12).
#[test]
fn only_an_access_token_is_an_access_token() {
    let mut table = Table::new();
    let verdict = |typ: Option<Value>| {
        let header = with(ed().header(), "typ", typ);
        verify(&ed().sign(header.to_string(), claims().to_string())).map(drop)
    };
    for typ in ["at+jwt", "AT+JWT", "at+JWT", "application/at+jwt", "Application/AT+JWT"] {
        table.case(typ, verdict(Some(json!(typ))), Ok(()));
    }
    for typ in [
        "JWT",
        "jwt",
        "",
        "at",
        "at+jwt ",
        " at+jwt",
        "at+jwt;charset=utf-8",
        "application/at+jwt; charset=utf-8",
        "application/",
        "application/application/at+jwt",
        "text/at+jwt",
        "x-at+jwt",
        "at+jwt+x",
        "a\u{ff54}+jwt",
        "id_token+jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "entity-statement+jwt",
        "oauth-authz-req+jwt",
        "oauth-id-jag+jwt",
        "client-authentication+jwt",
        "vc+sd-jwt",
        "JOSE",
        "JOSE+JSON",
    ] {
        table.case(typ, verdict(Some(json!(typ))), Err(Reason::TypeMismatch));
    }
    table.case("no typ", verdict(None), Err(Reason::TypeMismatch));
    for typ in [json!(null), json!(1), json!(["at+jwt"]), json!({"at+jwt": 1})] {
        table.case(format!("{typ}"), verdict(Some(typ)), Err(Reason::TokenMalformed));
    }
    let id_token = with(with(claims(), "aud", Some(json!("shop"))), "nonce", Some(json!("n")));
    table.refused("an ID token's claims", &ed().token(&id_token), Reason::AudienceMismatch);
    table.finish();
}

// RFC 9449, 7.2 and RFC 8705, 3: the point of a bound token is that its bearer alone proves nothing.
#[test]
fn a_bound_token_is_no_bearer_token() {
    let mut table = Table::new();
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({}),
        json!(null),
        json!("x"),
    ] {
        table.case(format!("{cnf}"), verdict("cnf", Some(cnf)), Err(Reason::ConfirmationMissing));
    }
    table.finish();
}

#[test]
fn scopes_are_exact() {
    let mut table = Table::new();
    let scopes = |claim: &str, value: Value| {
        let all = with(with(claims(), "scope", None), claim, Some(value));
        verify(&ed().token(&all)).map(|verified| ScopeSet::parse(verified.scopes().as_str()).unwrap())
    };
    let set = |text| Ok(ScopeSet::parse(text).unwrap());
    let many = vec!["a"; 10_000];
    for claim in ["scope", "scp"] {
        for (value, expected) in [
            (json!("read"), set("read")),
            (json!("read write"), set("read write")),
            (json!("  read   write "), set("read write")),
            (json!(""), set("")),
            (json!("READ"), set("READ")),
            (json!("read:all"), set("read:all")),
            (json!("read,write"), set("read,write")),
            (json!(["read", "write"]), set("read write")),
            (json!([]), set("")),
            (json!("read\twrite"), Err(Reason::ClaimsMalformed)),
            (json!("read\nwrite"), Err(Reason::ClaimsMalformed)),
            (json!("read\u{a0}write"), Err(Reason::ClaimsMalformed)),
            (json!("read\u{2003}write"), Err(Reason::ClaimsMalformed)),
            (json!("read\u{0}"), Err(Reason::ClaimsMalformed)),
            (json!("r\u{0435}ad"), Err(Reason::ClaimsMalformed)),
            (json!("\"read\""), Err(Reason::ClaimsMalformed)),
            (json!("read\\"), Err(Reason::ClaimsMalformed)),
            (json!(["read write"]), Err(Reason::ClaimsMalformed)),
            (json!(["read", ""]), Err(Reason::ClaimsMalformed)),
            (json!(["read", 1]), Err(Reason::ClaimsMalformed)),
            (json!(["read", ["admin"]]), Err(Reason::ClaimsMalformed)),
            (json!({"read": true}), Err(Reason::ClaimsMalformed)),
            (json!(1), Err(Reason::ClaimsMalformed)),
            (json!(true), Err(Reason::ClaimsMalformed)),
            (json!(many.join(" ")), Err(Reason::ClaimsMalformed)),
            (json!(many), Err(Reason::ClaimsMalformed)),
        ] {
            let text = value.to_string();
            let name = format!("{claim} {}", &text[..text.floor_char_boundary(40)]);
            table.case(name, scopes(claim, value), expected);
        }
    }
    let granted = scopes("scope", json!("read:all READ reading")).unwrap();
    assert!(!granted.contains(&"read".parse().unwrap()));
    let both = with(claims(), "scp", Some(json!("admin")));
    let both = verify(&ed().token(&both)).unwrap();
    assert_eq!(both.scopes().as_str(), "orders:read orders:write admin", "what the issuer says in both counts");
    table.finish();
}

#[test]
fn claims_that_can_be_read_in_two_ways_are_refused() {
    let mut table = Table::new();
    let good = claims().to_string();
    let members = &good[1..good.len() - 1];
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, payload) in [
        ("sub twice", format!(r#"{{{members},"sub":"bob"}}"#).into_bytes()),
        ("sub twice, the same", format!(r#"{{{members},"sub":"alice"}}"#).into_bytes()),
        ("sub twice, once escaped", format!(r#"{{{members},"\u0073ub":"bob"}}"#).into_bytes()),
        ("aud twice", format!(r#"{{"aud":"https://other.example.com",{members}}}"#).into_bytes()),
        ("scope twice", format!(r#"{{{members},"scope":"admin"}}"#).into_bytes()),
        ("exp twice", format!(r#"{{{members},"exp":9999999999}}"#).into_bytes()),
        ("an unknown one twice", format!(r#"{{{members},"x":1,"x":2}}"#).into_bytes()),
        ("twice, deeper", format!(r#"{{{members},"realm":{{"roles":["a"],"roles":["b"]}}}}"#).into_bytes()),
        ("twice, in an array", format!(r#"{{{members},"x":[{{"a":1,"a":2}}]}}"#).into_bytes()),
        ("nothing", Vec::new()),
        ("null", b"null".to_vec()),
        ("a string", json!(good).to_string().into_bytes()),
        ("an array", format!("[{good}]").into_bytes()),
        // The order of a struct's fields, for a reader that takes an array for one.
        ("an array of values", json!([NOW + 300, NOW, "alice", ISSUER, AUDIENCE]).to_string().into_bytes()),
        ("bytes after it", format!("{good}x").into_bytes()),
        ("another after it", format!("{good}{good}").into_bytes()),
        ("cut off", good.as_bytes()[..good.len() - 1].to_vec()),
        ("byte order mark", format!("\u{feff}{good}").into_bytes()),
        ("UTF-16", utf16),
        ("no UTF-8", [format!("{{{members},\"x\":\"").as_bytes(), b"\xff\"}"].concat()),
        ("no UTF-8 in a name", [format!("{{{members},\"x").as_bytes(), b"\xff\":1}"].concat()),
        ("overlong UTF-8", [format!("{{{members},\"x\":\"").as_bytes(), b"\xc0\xaf\"}"].concat()),
        ("a surrogate in UTF-8", [format!("{{{members},\"x\":\"").as_bytes(), b"\xed\xa0\x80\"}"].concat()),
        ("a lone surrogate", format!(r#"{{{members},"x":"\udc00"}}"#).into_bytes()),
        ("a raw NUL", format!("{{{members},\"x\":\"\0\"}}").into_bytes()),
        ("a raw NUL after it", format!("{good}\0").into_bytes()),
        ("deep arrays", format!("{{{members},\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()),
        (
            "deep objects",
            format!("{{{members},\"x\":{}1{}}}", "{\"x\":".repeat(10_000), "}".repeat(10_000)).into_bytes(),
        ),
        ("deep and cut off", "[".repeat(100_000).into_bytes()),
    ] {
        table.refused(name, &ed().sign(ed().header().to_string(), payload), Reason::ClaimsMalformed);
    }
    table.finish();
}

// What they become in a header is for the identity headers to say; no claim is normalised on the way (RFC 7519, 7.3).
#[test]
fn odd_text_in_claims_comes_out_as_it_went_in() {
    for text in
        ["al\u{ef}ce", "ali\u{308}ce", "a\r\nX-Auth-Subject: bob", "a\u{0}b", "\u{202e}ecila", " alice ", "\u{1f43b}"]
    {
        let verified = verify(&ed().token(&with(claims(), "sub", Some(json!(text))))).unwrap();
        assert_eq!(verified.subject(), Some(text));
    }
}
