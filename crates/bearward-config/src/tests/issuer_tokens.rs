//! What `[[issuers]]` and routes say of tokens: profile, audiences, claims and scopes.

use std::time::Duration;

use bearward_core::{AbsentAudience, Access, ClaimPointer, ClaimRule, ClaimTest, Profile, Scope, ScopeImplications};
use serde_json::json;

use super::*;

/// An issuer to which this is added.
fn issuer(added: &str) -> String {
    format!("{ISSUER}{added}\n{UPSTREAM}{ROUTE}")
}

/// A route to which this is added.
fn route(added: &str) -> String {
    format!("{ISSUER}{UPSTREAM}{ROUTE}{added}\n")
}

fn rule(claim: &str, test: ClaimTest) -> ClaimRule {
    ClaimRule { claim: ClaimPointer::parse(claim).unwrap(), test }
}

#[test]
fn every_setting_of_an_issuer_is_read() {
    let defaults = &accepts(&issuer("")).gate.issuers[0];
    assert_eq!((defaults.profile, &defaults.absent_audience), (Profile::Rfc9068, &AbsentAudience::Refuse));
    assert!(defaults.max_lifetime.is_none() && defaults.required_claims.is_empty());
    assert!(defaults.scope_claims.is_empty() && defaults.client_id_claims.is_empty());

    let config = accepts(&issuer(
        r#"
        profile = "jwt"
        absent_audience_clients = ["app", "other app"]
        max_lifetime = "1h"
        scope_claims = ["scope", "/realm_access/roles", "https://example.com/roles"]
        client_id_claims = ["azp", "/a~1b"]
        required_claims = [{ claim = "/tid", equals = "a" }, { claim = "level", one_of = [1, "1", true] }]
        "#,
    ));
    let issuer_settings = &config.gate.issuers[0];
    assert_eq!(issuer_settings.profile, Profile::Jwt);
    let clients = vec!["app".to_owned(), "other app".to_owned()];
    assert_eq!(issuer_settings.absent_audience, AbsentAudience::Clients(clients));
    assert_eq!(issuer_settings.max_lifetime, Some(Duration::from_secs(3_600)));
    let claims = |claims: &[ClaimPointer]| claims.iter().map(ToString::to_string).collect::<Vec<_>>();
    let scopes = ["/scope", "/realm_access/roles", "/https:~1~1example.com~1roles"];
    assert_eq!(claims(&issuer_settings.scope_claims), scopes);
    assert_eq!(claims(&issuer_settings.client_id_claims), ["/azp", "/a~1b"]);
    let rules = [
        rule("/tid", ClaimTest::Equals(json!("a"))),
        rule("/level", ClaimTest::OneOf(vec![json!(1), json!("1"), json!(true)])),
    ];
    assert_eq!(issuer_settings.required_claims, rules);

    let tables = "[[issuers.required_claims]]\nclaim = 'a'\ncontains = -5\n[[issuers.required_claims]]\nclaim = 'b'\nexists = true";
    let rules = [rule("/a", ClaimTest::Contains(json!(-5))), rule("/b", ClaimTest::Exists)];
    assert_eq!(accepts(&issuer(tables)).gate.issuers[0].required_claims, rules);
}

#[test]
fn the_tokens_of_an_issuer_are_held_against_their_bounds() {
    let table = [
        ("profile = <<\"JWT\">>", "must be one of `rfc9068`, `jwt`", "did you mean `jwt`?"),
        ("<<typ>> = \"jwt\"", "unknown key `typ`", "did you mean `profile`?"),
        ("absent_audience_clients = <<[]>>", "must not be empty", "leave it out to refuse"),
        ("absent_audience_clients = <<true>>", "expected a list of strings", ""),
        ("max_lifetime = <<\"1s\">>", "must be between 1m and 365d", ""),
        ("max_lifetime = <<3600>>", "expected a duration", ""),
        ("scope_claims = <<[]>>", "must not be empty", "for the default"),
        ("scope_claims = [\"scope\", <<\"scope\">>]", "is in this list twice", ""),
        ("scope_claims = [<<\"realm/roles\">>]", "neither a plain name nor a JSON", "did you mean `/realm/roles`?"),
        ("client_id_claims = [<<\"/a~b\">>]", "`/a~b` points to no claim: in a JSON Pointer '~' is written", ""),
        ("client_id_claims = <<\"azp\">>", "expected a list of strings", ""),
    ];
    for (added, message, hint) in table {
        refuses(&issuer(added), message, hint);
    }
    let both = issuer("absent_audience_clients = [<<\"https://api.example.com\">>]");
    warns(&both, "one of `audiences` too", "take it out of `audiences`");
}

#[test]
fn rules_on_claims_ask_one_thing_of_one_claim() {
    let table = [
        ("<<{ equals = 1 }>>", "missing key `claim` in [[issuers.required_claims]]", "claim = "),
        ("<<{ claim = 'a' }>>", "asks nothing of the claim", "add one of equals"),
        ("{ claim = 'a', <<equal>> = 1 }", "unknown key `equal`", "did you mean `equals`?"),
        ("{ claim = 'a', <<value>> = 1 }", "unknown key `value`", "did you mean `equals`?"),
        ("{ claim = 'a', equals = 1, <<contains>> = 1 }", "`equals` and `contains` exclude each other", "keep one"),
        ("{ claim = 'a', <<exists>> = true, equals = 1 }", "`equals` and `exists` exclude each other", "keep one"),
        ("{ claim = <<5>>, equals = 1 }", "expected a string, found a whole number", ""),
        ("{ claim = <<'a/b'>>, equals = 1 }", "neither a plain name", "did you mean `/a/b`?"),
        ("{ claim = <<''>>, equals = 1 }", "must not be empty", ""),
        ("{ claim = 'a', equals = <<1.5>> }", "expected a string, a whole number, or true or false, found a frac", ""),
        ("{ claim = 'a', equals = <<[1]>> }", "found a list", ""),
        ("{ claim = 'a', equals = <<2026-01-01>> }", "found a date", ""),
        ("{ claim = 'a', equals = <<''>> }", "must not be empty", ""),
        ("{ claim = 'a', one_of = <<[]>> }", "must not be empty", "of which it must be one"),
        ("{ claim = 'a', one_of = <<'b'>> }", "expected a list such as", ""),
        ("{ claim = 'a', one_of = [1, '1', <<1>>] }", "is in this list twice", ""),
        ("{ claim = 'a', one_of = [<<{ b = 1 }>>] }", "found a table", ""),
        ("{ claim = 'a', exists = <<false>> }", "no rule asks for a claim to be absent", "write `exists = true`"),
        ("{ claim = 'a', exists = <<'true'>> }", "expected true or false", ""),
        ("<<'a'>>", "expected a table, [[issuers.required_claims]], found a string", ""),
    ];
    for (rule, message, hint) in table {
        refuses(&issuer(&format!("required_claims = [{rule}]")), message, hint);
        let of_routes = message.replace("issuers.required_claims", "routes.claims");
        refuses(&route(&format!("claims = [{rule}]")), &of_routes, hint);
    }
    let table = "[issuers.required_claims]\nclaim = 'a'\nexists = true";
    let told = read(&issuer(table)).unwrap_err().to_string();
    assert!(told.contains("hint: write [[issuers.required_claims]], in double brackets"), "{told}");
}

#[test]
fn routes_ask_for_claims_and_know_which_scopes_stand_for_others() {
    let implications = "[scope_implications]\n\"orders:admin\" = [\"orders:read\", \"orders:write\"]\n";
    let claims = "claims = [{ claim = \"/department\", equals = \"sales\" }]";
    let config = accepts(&(implications.to_owned() + &route(claims)));
    let Access::Token(requirement) = &config.gate.routes[0].access else { panic!("{:?}", config.gate.routes) };
    assert_eq!(requirement.claims, [rule("/department", ClaimTest::Equals(json!("sales")))]);
    let scope = |text: &str| Scope::parse(text).unwrap();
    let pair = (scope("orders:admin"), vec![scope("orders:read"), scope("orders:write")]);
    assert_eq!(*requirement.implications, ScopeImplications::new([pair.clone()]));
    assert_eq!(config.scope_implications, [pair]);
    let open = route("open = true\n<<claims>> = [{ claim = \"a\", exists = true }]");
    refuses(&open, "so `claims` would mean nothing", "remove `open = true`");
}

#[test]
fn implications_are_lists_of_scopes() {
    let table = [
        ("scope_implications = <<5>>", "expected a table, [scope_implications], found a whole number", ""),
        ("<<scope_implication>> = {}", "unknown key `scope_implication`", "did you mean `scope_implications`?"),
        ("[scope_implications]\na = <<\"b\">>", "expected a list of strings", ""),
        ("[scope_implications]\na = <<[]>>", "must not be empty", "leave the entry out"),
        ("[scope_implications]\na = [<<\"b c\">>]", "a scope cannot hold ' '", "a string of its own"),
        ("[scope_implications]\na = [\"b\", <<\"b\">>]", "is in this list twice", ""),
        ("[scope_implications]\na = [<<\"a\">>]", "always stands for itself", ""),
        ("[scope_implications]\n<<\"a b\">> = [\"c\"]", "a scope cannot hold ' '", "a string of its own"),
    ];
    for (added, message, hint) in table {
        refuses(&with(added), message, hint);
    }
}
