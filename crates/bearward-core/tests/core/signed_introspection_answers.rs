//! A signed introspection answer (RFC 9701) says something of a token only where the issuer made it for this client, a
//! moment ago; and it is never an access token itself.

use crate::support::{
    AUDIENCE, ISSUER, LEEWAY, NOW, Signer, Table, admitted, altered, b64, key_set, merge, parse_keys, rules, signer,
    signers, with,
};
use bearward_core::{Algorithm, IntrospectionAnswer, Profile, Reason, UnixTime, Verified, verify_jws};
use serde_json::{Value, json};

const CLIENT: &str = "orders-gateway";

fn header(signer: &Signer) -> Value {
    json!({"alg": signer.algorithm.name(), "typ": "token-introspection+jwt", "kid": signer.kid})
}

/// What the issuer answers of an active token, before it is signed.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "iat": NOW - 1,
        "token_introspection": {
            "active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "exp": NOW + 300,
            "scope": "orders:read"
        }
    })
}

fn signed(claims: &Value) -> String {
    let signer = signer(Algorithm::Es256);
    signer.sign(header(signer).to_string(), claims.to_string())
}

fn read_as(client_id: &str, answer: &str) -> Result<Verified, Reason> {
    IntrospectionAnswer::parse_signed(answer, key_set(), &rules(), client_id, UnixTime(NOW))
        .and_then(|answer| answer.prove(&rules(), UnixTime(NOW)))
        .and_then(admitted)
}

fn read(answer: &str) -> Result<Verified, Reason> {
    read_as(CLIENT, answer)
}

/// The verdict on an answer with one claim of the JWT set, or taken away.
fn verdict(claim: &str, value: Option<Value>) -> Result<(), Reason> {
    read(&signed(&with(claims(), claim, value))).map(drop)
}

/// The verdict on an answer with one member of what it says of the token set, or taken away.
fn inner_verdict(member: &str, value: Option<Value>) -> Result<(), Reason> {
    verdict("token_introspection", Some(with(claims()["token_introspection"].clone(), member, value)))
}

const UNAVAILABLE: Result<(), Reason> = Err(Reason::IntrospectionUnavailable);

#[test]
fn what_the_issuer_says_comes_out_whatever_it_signs_with() {
    for signer in signers() {
        let verified = read(&signer.sign(header(signer).to_string(), claims().to_string())).unwrap();
        assert_eq!((verified.issuer(), verified.subject()), (ISSUER, Some("alice")));
        assert_eq!((verified.client_id(), verified.scopes().as_str()), (Some("shop"), "orders:read"));
        assert_eq!(verified.expires_at(), Some(UnixTime(NOW + 300)));
        assert_eq!(verified.claims().get("token_introspection"), None, "the JWT itself says nothing of the token");
    }
}

/// What the token is held against is what a plain answer is held against.
#[test]
fn the_answer_inside_is_read_by_the_rules_of_a_plain_one() {
    let mut table = Table::new();
    table.case("inactive", inner_verdict("active", Some(json!(false))), Err(Reason::TokenInactive));
    table.case("active as a string", inner_verdict("active", Some(json!("true"))), UNAVAILABLE);
    table.case("no active", inner_verdict("active", None), UNAVAILABLE);
    table.case("expired", inner_verdict("exp", Some(json!(NOW - LEEWAY))), Err(Reason::TokenExpired));
    table.case("other audience", inner_verdict("aud", Some(json!(CLIENT))), Err(Reason::AudienceMismatch));
    table.case("no audience", inner_verdict("aud", None), Err(Reason::AudienceMismatch));
    table.case("other issuer", inner_verdict("iss", Some(json!("https://x"))), Err(Reason::IssuerMismatch));
    table.case("no issuer", inner_verdict("iss", None), Ok(()));
    let refresh = inner_verdict("token_type", Some(json!("refresh_token")));
    table.case("refresh token", refresh, Err(Reason::TypeMismatch));
    let bound = inner_verdict("cnf", Some(json!({"jkt": "x"})));
    table.case("bound", bound, Err(Reason::ConfirmationMissing));
    table.finish();
}

#[test]
fn only_the_one_type_is_an_answer() {
    let signer = signer(Algorithm::Es256);
    let mut table = Table::new();
    for typ in [
        None,
        Some(json!("JWT")),
        Some(json!("at+jwt")),
        Some(json!("Token-Introspection+JWT")),
        Some(json!("application/token-introspection+jwt")),
        Some(json!("token-introspection+jwt ")),
        Some(json!(1)),
    ] {
        let header = with(header(signer), "typ", typ.clone());
        let found = read(&signer.sign(header.to_string(), claims().to_string())).map(drop);
        table.case(format!("{typ:?}"), found, UNAVAILABLE);
    }
    table.finish();
}

#[test]
fn it_must_be_made_by_this_issuer_for_this_client_now() {
    let mut table = Table::new();
    table.case("no iss", verdict("iss", None), UNAVAILABLE);
    table.case("iss with a slash", verdict("iss", Some(json!(format!("{ISSUER}/")))), UNAVAILABLE);
    table.case("iss in an array", verdict("iss", Some(json!([ISSUER]))), UNAVAILABLE);
    table.case("no aud", verdict("aud", None), UNAVAILABLE);
    table.case("other aud", verdict("aud", Some(json!("billing-gateway"))), UNAVAILABLE);
    table.case("our own audience", verdict("aud", Some(json!(AUDIENCE))), UNAVAILABLE);
    table.case("aud in another case", verdict("aud", Some(json!("Orders-Gateway"))), UNAVAILABLE);
    table.case("aud null", verdict("aud", Some(json!(null))), UNAVAILABLE);
    table.case("aud among others", verdict("aud", Some(json!(["x", CLIENT]))), Ok(()));
    table.case("no iat", verdict("iat", None), UNAVAILABLE);
    table.case("iat as a string", verdict("iat", Some(json!(NOW.to_string()))), UNAVAILABLE);
    table.case("iat within the leeway", verdict("iat", Some(json!(NOW + LEEWAY))), Ok(()));
    table.case("iat ahead", verdict("iat", Some(json!(NOW + LEEWAY + 1))), UNAVAILABLE);
    table.case("five minutes old", verdict("iat", Some(json!(NOW - 300))), Ok(()));
    table.case("older", verdict("iat", Some(json!(NOW - 301))), UNAVAILABLE);
    table.case("exp ahead", verdict("exp", Some(json!(NOW + 1))), Ok(()));
    table.case("exp past", verdict("exp", Some(json!(NOW - LEEWAY))), UNAVAILABLE);
    table.case("nbf ahead", verdict("nbf", Some(json!(NOW + LEEWAY + 1))), UNAVAILABLE);
    table.finish();
    assert!(read_as("billing-gateway", &signed(&claims())).is_err(), "made for another client");
}

/// RFC 9701, 5: the data stand in `token_introspection` alone, also where an issuer writes them beside it.
#[test]
fn nothing_beside_the_one_claim_says_anything_of_the_token() {
    let mut beside = with(claims(), "token_introspection", None);
    merge(&mut beside, json!({"active": true, "sub": "alice", "scope": "orders:read"}));
    assert_eq!(read(&signed(&beside)).map(drop), UNAVAILABLE);
    merge(&mut beside, json!({"token_introspection": {"active": false}}));
    assert_eq!(read(&signed(&beside)).map(drop), Err(Reason::TokenInactive));
    for odd in [json!(null), json!("{}"), json!([{"active": true}]), json!(true), json!({})] {
        assert_eq!(verdict("token_introspection", Some(odd.clone())), UNAVAILABLE, "{odd}");
    }
}

#[test]
fn a_jwt_that_cannot_be_proved_says_nothing_of_the_token() {
    let (es256, rs256) = (signer(Algorithm::Es256), signer(Algorithm::Rs256));
    let good = signed(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let inactive = with(claims(), "token_introspection", Some(json!({"active": false}))).to_string();
    let none = json!({"alg": "none", "typ": "token-introspection+jwt"}).to_string();
    let hs256 = json!({"alg": "HS256", "typ": "token-introspection+jwt", "kid": es256.kid}).to_string();
    let other_key = json!({"alg": "RS256", "typ": "token-introspection+jwt", "kid": es256.kid}).to_string();
    let critical = json!({"alg": "ES256", "typ": "token-introspection+jwt", "kid": es256.kid, "crit": ["x"]});
    let twice = claims().to_string().replacen('{', "{\"iat\":1,", 1);
    let mut table = Table::new();
    for (name, answer) in [
        ("nothing", String::new()),
        ("JSON", claims().to_string()),
        ("alg none", format!("{}.{}.", b64(none), b64(claims().to_string()))),
        ("HS256", format!("{}.{}.{signature}", b64(hs256), b64(claims().to_string()))),
        ("a key of another algorithm", rs256.sign(other_key, claims().to_string())),
        ("crit", es256.sign(critical.to_string(), claims().to_string())),
        ("another payload", format!("{head}.{}.{signature}", b64(inactive))),
        ("no signature", format!("{message}.")),
        ("a member twice", es256.sign(header(es256).to_string(), twice)),
        ("five parts", format!("{good}.e30.e30")),
        ("trailing newline", format!("{good}\n")),
    ] {
        table.case(name, read(&answer).map(drop), UNAVAILABLE);
    }
    let stranger = Signer::new(Algorithm::Es256, "stranger");
    let forged = stranger.sign(header(&stranger).to_string(), claims().to_string());
    table.case("unknown key", read(&forged).map(drop), Err(Reason::KeyUnknown));
    let known = parse_keys([stranger.jwk()]);
    let found = IntrospectionAnswer::parse_signed(&forged, &known, &rules(), CLIENT, UnixTime(NOW))
        .and_then(|answer| answer.prove(&rules(), UnixTime(NOW)))
        .map(drop);
    table.case("known in the newer set", found, Ok(()));
    let only_rs256 = altered(rules(), |rules| rules.algorithms = vec![Algorithm::Rs256]);
    let found = IntrospectionAnswer::parse_signed(&good, key_set(), &only_rs256, CLIENT, UnixTime(NOW))
        .and_then(|answer| answer.prove(&only_rs256, UnixTime(NOW)))
        .map(drop);
    table.case("an algorithm that is not allowed", found, UNAVAILABLE);
    table.finish();
}

/// RFC 9701, 8.1: an answer that leaked, or one that a client caused, must open nothing, even with all that an access
/// token needs written into it.
#[test]
fn it_is_no_access_token() {
    let signer = signer(Algorithm::Es256);
    let mut claims = crate::support::claims();
    merge(&mut claims, json!({"token_introspection": crate::support::claims()}));
    let token = signer.sign(header(signer).to_string(), claims.to_string());
    for profile in [Profile::Rfc9068, Profile::Jwt] {
        let rules = altered(rules(), |rules| rules.profile = profile);
        let found = verify_jws(&token, key_set(), &rules, UnixTime(NOW)).map(drop);
        assert_eq!(found, Err(Reason::TypeMismatch), "{profile:?}");
    }
}
