//! Where `[[issuers]]` says that keys come from, and whose they are.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bearward_core::IssuerVariable;
use bearward_gate::KeySource;

use super::keys::{PUBLIC_KEYS, certificate};
use super::*;

/// An issuer of that name to which this is added.
fn issuer(name: &str, added: &str) -> String {
    format!("[[issuers]]\nissuer = {name}\naudiences = [\"a\"]\n{added}\n{UPSTREAM}{ROUTE}")
}

const URL: &str = "\"https://auth.example.com\"";
const TEMPLATE: &str = "\"https://login.example.com/{tenant}/v2.0\"";

fn jwks() -> String {
    format!("jwks = '{PUBLIC_KEYS}'\n")
}

#[test]
fn keys_come_from_one_place() {
    let inline = accepts(&issuer(URL, &jwks()));
    assert!(matches!(&inline.gate.issuers[0].keys, KeySource::Fixed(set) if set.len() == 1));
    let elsewhere = accepts(&issuer(URL, "discovery_url = \"https://auth.internal/metadata?x=1\""));
    assert_eq!(elsewhere.gate.issuers[0].discovery_url.as_deref(), Some("https://auth.internal/metadata?x=1"));

    let twice = format!("{}<<jwks_url>> = \"https://a\"", jwks());
    // The first in the order of the example is the one to keep.
    refuses(
        &issuer(URL, &twice.replace("<<jwks_url>>", "jwks_url").replacen("jwks =", "<<jwks>> =", 1)),
        "exclude",
        "one place",
    );
    let good = PUBLIC_KEYS.trim().trim_end_matches("]}");
    let with_private = format!("<<'{good},{{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"aHVudGVyMg\"}}]}}'>>");
    for (keys, message) in [
        ("<<'{'>>", "not a JWK set"),
        ("<<'[]'>>", "not a JWK set"),
        (r#"<<'{"keys":[]}'>>"#, "a JWK set without keys"),
        (r#"<<'{"keys":[{"kty":"oct","k":"aHVudGVyMg"}]}'>>"#, "is a secret or private one"),
        (&with_private, "is a secret or private one"),
    ] {
        // What is written there may be a private key, so it is not shown again.
        let text = issuer(URL, &format!("jwks = {keys}"));
        let problems = read(&unmarked(&text)).unwrap_err().to_string();
        assert!(problems.contains(message) && !problems.contains("aHVudGVyMg"), "{problems}");
    }
}

#[test]
fn files_are_looked_at_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let read = |added: &str| {
        let path = folder.path().join("config.toml");
        let read = parse(&issuer("\"batch\"", added), &path, &Overrides::default(), []);
        read.map_err(|problems| problems.to_string())
    };
    file("keys.json", PUBLIC_KEYS, 0o644);
    file("broken.json", "{", 0o644);
    // A key set but for its size, which the gate would not read.
    file("large.json", &format!("{PUBLIC_KEYS}{}", " ".repeat(512 * 1024)), 0o644);
    let private = PUBLIC_KEYS.replacen('[', "[{\"kty\":\"oct\",\"k\":\"hunter2\"},", 1);
    file("private.json", &private, 0o644);
    file("ca.pem", &certificate(), 0o644);
    file("token", "hunter2", 0o600);
    file("lines", "hunter2\nhunter2", 0o600);
    file("open", "hunter2", 0o644);

    let config = read("jwks_file = \"keys.json\"\nca_file = \"ca.pem\"\nbearer_token_file = \"token\"").unwrap();
    let issuer = &config.gate.issuers[0];
    assert!(matches!(&issuer.keys, KeySource::File(path) if *path == folder.path().join("keys.json")));
    assert!(issuer.roots.is_some() && issuer.bearer_token.is_some());
    for (added, message) in [
        ("jwks_file = \"absent.json\"", "there is no such file"),
        ("jwks_file = \"broken.json\"", "not a JWK set"),
        ("jwks_file = \"large.json\"", "large.json` is larger than 512 KiB"),
        ("jwks_file = \"/dev/zero\"", "`/dev/zero` is larger than 512 KiB"),
        ("jwks_file = \".\"", "it is a directory"),
        ("jwks_file = '{\"kty\":\"oct\",\"k\":\"hunter2\"}'", "must be the name of a file"),
        ("jwks_file = \"private.json\"", "is a secret or private one"),
        ("jwks_file = \"keys.json\"\nca_file = \"broken.json\"", "no certificate authority"),
        ("jwks_file = \"keys.json\"\nca_file = \"absent.pem\"", "there is no such file"),
        ("jwks_file = \"keys.json\"\nbearer_token_file = \"open\"", "every user of this machine"),
        (
            "jwks_file = \"keys.json\"\nbearer_token_file = \"lines\"",
            "not an access token: expected one token and nothing else, in one line",
        ),
    ] {
        let problems = read(added).unwrap_err();
        assert!(problems.contains(message), "{added}\n{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}

#[test]
fn an_issuer_by_which_nothing_is_found_may_have_any_name() {
    accepts(&issuer("\"acme.example\"", &jwks()));
    accepts(&issuer("\"acme.example\"", "discovery_url = \"https://auth.internal/metadata\""));
    refuses(&issuer("<<\"acme.example\">>", ""), "is not a URL", "https://");
    // Introspection is found by the name too, unless it says where.
    let asked = "[issuers.introspection]\nclient_id = \"a\"\nclient_secret_env = \"SECRET\"\n";
    let read = |added: &str| {
        let environment = [("SECRET".to_owned(), "hunter2".to_owned())];
        parse(&issuer("\"acme.example\"", added), Path::new("config.toml"), &Overrides::default(), environment)
    };
    assert!(read(&format!("{}{asked}", jwks())).unwrap_err().to_string().contains("is not a URL"));
    assert!(read(&format!("{}{asked}url = \"https://a/introspect\"", jwks())).is_ok());
    // What looks like an address and cannot be one is a mistake all the same.
    let metadata = "<<\"https://a/.well-known/openid-configuration\">>";
    refuses(&issuer(metadata, &jwks()), "not the issuer", "did you mean `https://a`?");
}

#[test]
fn a_template_has_one_variable_and_it_is_bound() {
    let bound = format!("{}[issuers.variable]\nclaim = \"tid\"\none_of = [\"a\", \"b\"]", jwks());
    let config = accepts(&issuer(TEMPLATE, &bound));
    let expected = IssuerVariable {
        claim: Some(bearward_core::ClaimPointer::member("tid")),
        one_of: vec!["a".to_owned(), "b".to_owned()],
    };
    assert_eq!(config.gate.issuers[0].variable, Some(expected));

    let with = |binding: &str| format!("{}{binding}", jwks());
    let claim = "[issuers.variable]\nclaim = \"tid\"";
    let marked = "<<\"https://login.example.com/{tenant}/v2.0\">>";
    refuses(&issuer(marked, &jwks()), "must be bound", "[issuers.variable]");
    refuses(&issuer(marked, claim), "no address can be derived", "discovery_url, jwks_url");
    refuses(&issuer(TEMPLATE, &with("<<[issuers.variable]>>")), "must be bound", "");
    refuses(
        &issuer(TEMPLATE, &with("[issuers.variable]\none_of = <<[]>>\nclaim = \"a\"")),
        "must not be empty",
        "leave it out",
    );
    for (name, message) in [
        ("\"https://{tenant}.example.com\"", "a whole segment of the path"),
        ("\"https://login.example.com/{a}/{b}\"", "one variable in braces"),
        ("\"https://login.example.com\"", "one variable in braces"),
    ] {
        refuses(&issuer(name, &with(&claim.replace("[issuers.variable]", "<<[issuers.variable]>>"))), message, "");
    }
}
