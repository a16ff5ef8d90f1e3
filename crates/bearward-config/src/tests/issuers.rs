//! `[[issuers]]` and what is below it.

use std::time::Duration;

use bearward_core::Algorithm;
use bearward_gate::{ClientAuth, IntrospectionAuth, KeySource};

use super::*;

/// An issuer to which this is added.
fn issuer(added: &str) -> String {
    format!("{ISSUER}{added}\n{UPSTREAM}{ROUTE}")
}

/// An issuer instead of the usual one.
fn instead(issuer: &str) -> String {
    format!("{issuer}\n{UPSTREAM}{ROUTE}")
}

#[test]
fn every_setting_is_read() {
    let defaults = &accepts(&issuer("")).gate.issuers[0];
    assert_eq!(defaults.algorithms, Algorithm::ALL);
    assert_eq!((defaults.leeway, defaults.timeout), (Duration::from_secs(30), Duration::from_secs(5)));
    assert!(matches!(defaults.keys, KeySource::Metadata) && defaults.introspection.is_none());
    assert_eq!(defaults.refresh, bearward_gate::RefreshSettings::default());

    let text = issuer(
        r#"
        algorithms = ["ES256", "EdDSA"]
        leeway = "0s"
        jwks_url = "https://keys.example.com/jwks?v=1"
        timeout = "500ms"
        [issuers.refresh]
        min = "1s"
        max = "2s"
        stale = "3s"
        cooldown = "4s"
        [issuers.introspection]
        url = "http://127.0.0.1:9/introspect"
        client_id = "gateway"
        client_secret_env = "SECRET"
        auth = "client_secret_post"
        cache_ttl = "0s"
        negative_ttl = "1s"
        timeout = "2s"
        max_concurrent = 3
        "#,
    );
    let environment = [("SECRET".to_owned(), "hunter2".to_owned())];
    let config = parse(&text, Path::new("config.toml"), &Overrides::default(), environment).unwrap();
    let issuer = &config.gate.issuers[0];
    assert_eq!(issuer.algorithms, [Algorithm::Es256, Algorithm::EdDsa]);
    assert_eq!((issuer.leeway, issuer.timeout), (Duration::ZERO, Duration::from_millis(500)));
    assert!(matches!(&issuer.keys, KeySource::Url(url) if url == "https://keys.example.com/jwks?v=1"));
    assert_eq!(issuer.refresh.min + issuer.refresh.max + issuer.refresh.stale, Duration::from_secs(6));
    assert_eq!(issuer.refresh.cooldown, Duration::from_secs(4));
    let introspection = issuer.introspection.as_ref().unwrap();
    assert_eq!(introspection.url.as_deref(), Some("http://127.0.0.1:9/introspect"));
    let IntrospectionAuth::Client(ClientAuth::Post(secret)) = &introspection.auth else { panic!("{introspection:?}") };
    assert_eq!((introspection.client_id.as_str(), &*secret.read()), ("gateway", "hunter2"));
    assert_eq!(introspection.max_concurrent, 3);
    assert_eq!((introspection.cache_ttl, introspection.negative_ttl), (Duration::ZERO, Duration::from_secs(1)));
    assert_eq!(introspection.timeout, Duration::from_secs(2));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn an_issuer_is_an_https_url_with_audiences() {
    let table = [
        ("<<[[issuers]]>>\naudiences = [\"a\"]", "missing key `issuer` in [[issuers]]", "issuer = "),
        ("<<[[issuers]]>>\nissuer = \"https://a\"", "missing key `audiences` in [[issuers]]", "audiences = ["),
        ("[[issuers]]\nissuer = \"https://a\"\naudiences = <<[]>>", "must not be empty", "name this API"),
        ("[[issuers]]\nissuer = \"https://a\"\naudiences = [<<\"\">>]", "must not be empty", ""),
        ("[[issuers]]\nissuer = \"https://a\"\naudiences = <<\"a\">>", "expected a list of strings", ""),
        (
            "[[issuers]]\nissuer = \"https://a\"\n<<audience>> = \"a\"\naudiences = [\"a\"]",
            "unknown key",
            "`audiences`",
        ),
        ("[[issuers]]\nissuer = <<\"\">>\naudiences = [\"a\"]", "must not be empty", ""),
        ("[[issuers]]\nissuer = <<\"auth\">>\naudiences = [\"a\"]", "`auth` is not a URL", "https://auth.example.com"),
        ("[[issuers]]\nissuer = <<\"http://a\">>\naudiences = [\"a\"]", "must be https", "did you mean `https://a`?"),
        ("[[issuers]]\nissuer = <<\"https://a?b\">>\naudiences = [\"a\"]", "has no query", ""),
        ("[[issuers]]\nissuer = <<\"https://a#b\">>\naudiences = [\"a\"]", "has no fragment", ""),
        (
            "[[issuers]]\nissuer = <<\"https://a/.well-known/openid-configuration\">>\naudiences = [\"a\"]",
            "not the issuer",
            "did you mean `https://a`?",
        ),
    ];
    for (issuer, message, hint) in table {
        refuses(&instead(issuer), message, hint);
    }
    let second = "[[issuers]]\nissuer = <<\"https://auth.example.com\">>\naudiences = [\"a\"]";
    refuses(&issuer(second), "another entry of [[issuers]] has this name", "its own");
    accepts(&instead("[[issuers]]\nissuer = \"http://localhost:9000\"\naudiences = [\"a\"]"));
}

#[test]
fn the_rest_of_an_issuer_is_held_against_its_bounds() {
    let table = [
        ("algorithms = <<[]>>", "must not be empty", "leave it out"),
        ("algorithms = [<<\"none\">>]", "`none` is not a supported", "without a signature are never accepted"),
        ("algorithms = [<<\"HS256\">>]", "`HS256` is not a supported", "can also make one"),
        ("algorithms = [<<\"RS265\">>]", "`RS265` is not a supported", "did you mean `RS256`?"),
        ("algorithms = [<<\"rs256\">>]", "`rs256` is not a supported", "did you mean `RS256`?"),
        ("algorithms = [<<\"ROT13-256\">>]", "is not a supported", "the supported ones are RS256"),
        ("leeway = <<\"6m\">>", "must be between 0s and 5m", ""),
        ("<<clok_skew>> = \"30s\"", "unknown key `clok_skew` in [[issuers]]", "did you mean `leeway`?"),
        ("jwks_url = <<\"http://keys.example.com\">>", "must be https", "did you mean"),
        ("<<jwks_uri>> = \"https://a\"", "unknown key `jwks_uri`", "did you mean `jwks_url`?"),
        ("timeout = <<\"0s\">>", "must be between 100ms and 1m", ""),
        ("refresh = { <<mim>> = \"1s\" }", "unknown key `mim` in [issuers.refresh]", "did you mean `min`?"),
        ("refresh = { min = \"2h\", max = <<\"1h\">> }", "refresh.min, 2h, is more than refresh.max, 1h", ""),
        ("refresh = { min = <<\"2h\">> }", "refresh.min, 2h, is more than refresh.max, 1h", ""),
        ("refresh = { max = <<\"30s\">> }", "refresh.min, 1m, is more than refresh.max, 30s", ""),
        ("refresh = { stale = <<\"31d\">> }", "must be between 0s and 30d", ""),
        ("refresh = { cooldown = <<\"0s\">> }", "must be between 1s and 1h", ""),
        ("<<[[issuers.refresh]]>>\nmin = \"1s\"", "is one table, not a list of tables", "single brackets"),
    ];
    for (added, message, hint) in table {
        refuses(&issuer(added), message, hint);
    }
}
