//! Each issuer's habits are met by rules of its own, and no rule lets another kind of token in.

use crate::support::{AUDIENCE, NOW, Table, altered, claims, key_set, merge, rules, signer, with};
use bearward_core::{
    AbsentAudience, Algorithm, ClaimPointer, ClaimRule, ClaimTest, Profile, Reason, TokenRules, UnixTime, Verified,
    verify_jws,
};
use serde_json::{Value, json};

/// A validly signed token with this `typ` and these claims, under these rules.
fn verdict(rules: &TokenRules, typ: Option<&str>, claims: &Value) -> Result<Verified, Reason> {
    let signer = signer(Algorithm::EdDsa);
    let header = with(signer.header(), "typ", typ.map(|typ| json!(typ)));
    verify_jws(&signer.sign(header.to_string(), claims.to_string()), key_set(), rules, UnixTime(NOW))
}

fn untyped() -> TokenRules {
    altered(rules(), |rules| rules.profile = Profile::Jwt)
}

#[test]
fn an_untyped_token_is_accepted_where_its_issuer_types_none() {
    let plain = ["client_id", "jti", "sub", "iat"].iter().fold(claims(), |claims, name| with(claims, name, None));
    let mut table = Table::new();
    for typ in [None, Some("JWT"), Some("at+jwt")] {
        table.case(format!("{typ:?}"), verdict(&untyped(), typ, &plain).map(drop), Ok(()));
    }
    table.case("strict, no typ", verdict(&rules(), None, &claims()).map(drop), Err(Reason::TypeMismatch));
    table.case("strict, JWT", verdict(&rules(), Some("JWT"), &claims()).map(drop), Err(Reason::TypeMismatch));
    for claim in ["iss", "exp", "aud"] {
        let less = with(plain.clone(), claim, None);
        table.case(format!("without {claim}"), verdict(&untyped(), None, &less).map(drop), Err(Reason::ClaimMissing));
    }
    table.finish();
}

/// RFC 8725, 2.8 and 3.12: all of these are signed by the same issuer with the same keys.
#[test]
fn other_kinds_of_token_are_refused_under_both_profiles() {
    let mut table = Table::new();
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "ID", "refresh+jwt", "kb+jwt"] {
        for rules in [rules(), untyped()] {
            table.case(typ, verdict(&rules, Some(typ), &claims()).map(drop), Err(Reason::TypeMismatch));
        }
    }
    for (kind, more) in [
        ("ID token", json!({"nonce": "n"})),
        ("ID token", json!({"at_hash": "h"})),
        ("ID token", json!({"c_hash": "h"})),
        ("ID token", json!({"s_hash": "h"})),
        ("logout token", json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}})),
        ("introspection answer", json!({"token_introspection": {"active": true}})),
        ("DPoP proof", json!({"htm": "GET"})),
        ("DPoP proof", json!({"htu": "https://api.example.com"})),
        ("Keycloak ID token", json!({"typ": "ID"})),
        ("Keycloak refresh token", json!({"typ": "Refresh"})),
        ("Keycloak offline token", json!({"typ": "Offline"})),
        ("Cognito ID token", json!({"token_use": "id"})),
        ("a kind that is no text", json!({"token_use": 1})),
        ("a kind that is null", json!({"typ": null})),
    ] {
        let mut claims = claims();
        merge(&mut claims, more);
        table.case(kind, verdict(&untyped(), Some("JWT"), &claims).map(drop), Err(Reason::TypeMismatch));
    }
    // Code flow, no `azp`, no `nonce`; roles that count as scopes make it no better.
    let id_token = json!({"iss": rules().issuer.text().as_ref(), "aud": AUDIENCE, "sub": "alice", "exp": NOW + 300, "roles": ["admin"]});
    let by_roles = altered(untyped(), |rules| rules.scope_claims = vec![ClaimPointer::member("roles")]);
    for rules in [untyped(), by_roles] {
        table.case("a plain ID token", verdict(&rules, Some("JWT"), &id_token).map(drop), Err(Reason::TypeMismatch));
        let empty = with(id_token.clone(), "scope", Some(json!(" ")));
        table.case("with an empty scope", verdict(&rules, Some("JWT"), &empty).map(drop), Err(Reason::TypeMismatch));
    }
    let own = with(with(claims(), "aud", Some(json!([AUDIENCE, "shop"]))), "scope", None);
    table.case("an ID token by its audience", verdict(&untyped(), None, &own).map(drop), Err(Reason::TypeMismatch));
    for (kind, more) in [
        ("an API that is its own client", json!({"aud": [AUDIENCE, "shop"]})),
        ("Keycloak access token", json!({"typ": "Bearer"})),
        ("Cognito access token", json!({"token_use": "access"})),
    ] {
        let mut claims = claims();
        merge(&mut claims, more);
        table.case(kind, verdict(&untyped(), Some("JWT"), &claims).map(drop), Ok(()));
    }
    table.finish();
}

#[test]
fn required_claims_bind_a_token_to_its_tenant() {
    let rule = |claim: &str, test| ClaimRule { claim: ClaimPointer::parse(claim).unwrap(), test };
    let rules = altered(rules(), |rules| {
        rules.required_claims = vec![
            rule("/bi_t", ClaimTest::Equals(json!("tenant-1"))),
            rule("/bi_r", ClaimTest::OneOf(vec![json!("realm-1"), json!("realm-2")])),
        ];
    });
    let mut table = Table::new();
    for (more, expected) in [
        (json!({"bi_t": "tenant-1", "bi_r": "realm-2"}), Ok(())),
        (json!({"bi_t": "tenant-1", "bi_r": "realm-3"}), Err(Reason::ClaimMismatch)),
        (json!({"bi_t": "tenant-1", "bi_r": "*"}), Err(Reason::ClaimMismatch)),
        (json!({"bi_t": "tenant-2", "bi_r": "realm-1"}), Err(Reason::ClaimMismatch)),
        (json!({"bi_t": ["tenant-1"], "bi_r": "realm-1"}), Err(Reason::ClaimMismatch)),
        (json!({"bi_t": "tenant-1"}), Err(Reason::ClaimMismatch)),
        (json!({}), Err(Reason::ClaimMismatch)),
    ] {
        let mut claims = claims();
        merge(&mut claims, more.clone());
        table.case(more.to_string(), verdict(&rules, Some("at+jwt"), &claims).map(drop), expected);
    }
    table.finish();
}

#[test]
fn scopes_are_read_from_the_claims_that_the_issuer_uses() {
    let pointers = |names: &[&str]| names.iter().map(|name| ClaimPointer::parse(name).unwrap()).collect::<Vec<_>>();
    let mut table = Table::new();
    for (from, more, expected) in [
        (vec!["/scope", "/scp"], json!({"scp": ["x", "y"]}), Ok("orders:read orders:write x y")),
        (vec!["/scp"], json!({"scp": "x y"}), Ok("x y")),
        (vec!["/permissions"], json!({"permissions": ["read:orders"]}), Ok("read:orders")),
        (vec!["/scp", "/roles"], json!({"roles": ["Orders.Read"]}), Ok("Orders.Read")),
        (vec!["/realm_access/roles"], json!({"realm_access": {"roles": ["admin"]}}), Ok("admin")),
        (vec!["/permissions"], json!({}), Ok("")),
        (vec!["/roles"], json!({"roles": ["a", 1]}), Err(Reason::ClaimsMalformed)),
        (vec!["/roles"], json!({"roles": {"a": 1}}), Err(Reason::ClaimsMalformed)),
        (vec!["/roles"], json!({"roles": ["a b"]}), Err(Reason::ClaimsMalformed)),
    ] {
        let mut claims = claims();
        merge(&mut claims, more);
        let rules = altered(rules(), |rules| rules.scope_claims = pointers(&from));
        let found = verdict(&rules, Some("at+jwt"), &claims).map(|token| token.scopes().to_string());
        table.case(from.join(" "), found, expected.map(str::to_owned));
    }
    table.finish();
}

#[test]
fn the_client_is_read_from_the_first_claim_that_names_it() {
    let rules = altered(untyped(), |rules| {
        rules.client_id_claims = ["client_id", "azp", "cid"].map(ClaimPointer::member).to_vec();
    });
    let none = with(claims(), "client_id", None);
    let mut table = Table::new();
    for (claims, expected) in [
        (claims(), Ok(Some("shop"))),
        (with(claims(), "azp", Some(json!("other"))), Ok(Some("shop"))),
        (with(none.clone(), "azp", Some(json!("other"))), Ok(Some("other"))),
        (with(none.clone(), "cid", Some(json!("0oa1"))), Ok(Some("0oa1"))),
        (none.clone(), Ok(None)),
        (with(none, "azp", Some(json!(7))), Err(Reason::ClaimsMalformed)),
    ] {
        let found = verdict(&rules, None, &claims).map(|token| token.client_id().map(str::to_owned));
        table.case(claims.to_string(), found, expected.map(|client| client.map(str::to_owned)));
    }
    table.finish();
}

/// Cognito's access tokens have no `aud`.
#[test]
fn a_token_without_audience_is_for_whoever_trusts_its_client_where_that_is_said() {
    let none = with(claims(), "aud", None);
    let by_client =
        altered(untyped(), |rules| rules.absent_audience = AbsentAudience::Clients(vec!["shop".to_owned()]));
    let mut table = Table::new();
    table.case("our client", verdict(&by_client, None, &none).map(drop), Ok(()));
    let other = with(none.clone(), "client_id", Some(json!("other")));
    table.case("another client", verdict(&by_client, None, &other).map(drop), Err(Reason::AudienceMismatch));
    let nobody = with(none.clone(), "client_id", None);
    table.case("no client", verdict(&by_client, None, &nobody).map(drop), Err(Reason::AudienceMismatch));
    // An ID token of that client, for one.
    for aud in [json!("shop"), json!([]), json!(["other"])] {
        let foreign = with(none.clone(), "aud", Some(aud.clone()));
        table.case(aud.to_string(), verdict(&by_client, None, &foreign).map(drop), Err(Reason::AudienceMismatch));
    }
    table.case("not said", verdict(&untyped(), None, &none).map(drop), Err(Reason::ClaimMissing));
    table.finish();
}

#[test]
fn a_token_that_lives_too_long_is_refused() {
    let rules = altered(rules(), |rules| {
        rules.max_lifetime = Some(3_600);
        rules.profile = Profile::Jwt;
    });
    let mut table = Table::new();
    for (iat, exp, expected) in [
        (Some(NOW), NOW + 3_600, Ok(())),
        (Some(NOW), NOW + 3_601, Err(Reason::LifetimeTooLong)),
        (Some(NOW - 3_000), NOW + 601, Err(Reason::LifetimeTooLong)),
        (None, NOW + 3_600, Err(Reason::ClaimMissing)),
        // Milliseconds in the place of seconds.
        (Some(NOW), NOW * 1_000, Err(Reason::LifetimeTooLong)),
    ] {
        let claims = with(with(claims(), "iat", iat.map(|iat| json!(iat))), "exp", Some(json!(exp)));
        table.case(format!("{iat:?} {exp}"), verdict(&rules, None, &claims).map(drop), expected);
    }
    table.finish();
}
