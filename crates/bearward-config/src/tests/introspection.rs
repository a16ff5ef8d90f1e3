//! `[issuers.introspection]`: how the gateway shows an issuer who it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bearward_core::Scope;
use bearward_gate::{
    ClientAuth, ClientCredentials, IntrospectionAuth, IntrospectionKind, IntrospectionSettings, SignedResponse,
    TokenFormats,
};
use tempfile::TempDir;

use super::*;

const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

/// A folder with everything that can be named.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("secret", SECRET, 0o600),
        ("short", "hunter2", 0o600),
        ("key", &keys::private_key(), 0o600),
        ("open", &keys::private_key(), 0o644),
        ("other", &keys::other_key(), 0o600),
        ("certificate", &keys::certificate(), 0o644),
        ("decryption", keys::DECRYPTION_KEY, 0o600),
        ("jwt", "hunter2.hunter2.hunter2\n", 0o600),
        ("header", "Bearer hunter2", 0o600),
    ];
    for (name, content, mode) in files {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    folder
}

fn introspecting(introspection: &str) -> String {
    format!("{ISSUER}[issuers.introspection]\n{introspection}\n{UPSTREAM}{ROUTE}")
}

fn read(text: &str) -> Result<Config, Problems> {
    let folder = folder();
    let environment = [("SECRET".to_owned(), SECRET.to_owned())];
    let read = parse(text, &folder.path().join("config.toml"), &Overrides::default(), environment);
    let shown = format!("{read:?} {}", read.as_ref().err().map(ToString::to_string).unwrap_or_default());
    assert!(!shown.contains("hunter2") && !shown.contains("MIGHAgEA"), "{shown}");
    read
}

/// What a client with a name is configured with.
fn client(introspection: &str) -> IntrospectionSettings {
    let text = introspecting(&format!("client_id = \"a\"\n{introspection}"));
    let config = read(&text).unwrap_or_else(|problems| panic!("{problems}"));
    config.gate.issuers[0].introspection.clone().unwrap()
}

/// Holds that there is one error, at the part between `<<` and `>>`.
fn refuses(introspection: &str, message: &str, hint: &str) {
    let marked = introspecting(introspection);
    let problems = read(&unmarked(&marked)).map(|_| panic!("not refused: {marked}")).unwrap_or_else(Problems::into_vec);
    holds(&marked, &problems, Severity::Error, message, hint);
}

#[test]
fn every_way_is_read() {
    let auth = |text: &str| match client(text).auth {
        IntrospectionAuth::Client(auth) => auth,
        other => panic!("{other:?}"),
    };
    let secret = "client_secret_file = 'secret'";
    assert!(matches!(auth(secret), ClientAuth::Basic(read) if &*read.read() == SECRET));
    assert!(matches!(auth(&format!("auth = 'client_secret_basic'\n{secret}")), ClientAuth::Basic(_)));
    assert!(matches!(auth("auth = 'client_secret_post'\nclient_secret_env = 'SECRET'"), ClientAuth::Post(_)));
    assert!(matches!(auth(&format!("auth = 'client_secret_jwt'\n{secret}")), ClientAuth::SecretJwt(_)));
    for name in ["tls_client_auth", "self_signed_tls_client_auth"] {
        let text = format!("auth = '{name}'\ncertificate_file = 'certificate'\ncertificate_key_file = 'key'");
        assert!(matches!(auth(&text), ClientAuth::Certificate(_)));
    }
    let assertion = auth("auth = 'client_assertion'\nclient_assertion_file = 'jwt'");
    assert!(matches!(assertion, ClientAuth::Assertion(_)));

    let shown = |text: &str| match auth(text) {
        auth @ (ClientAuth::PrivateKeyJwt(_) | ClientAuth::SecretJwt(_)) => format!("{auth:?}"),
        other => panic!("{other:?}"),
    };
    let key = "auth = 'private_key_jwt'\nprivate_key_file = 'key'";
    assert!(shown(key).contains("key_id: None, audience: Issuer"), "{}", shown(key));
    let all = shown(&format!("{key}\nkey_id = 'k'\nalgorithm = 'ES256'\nassertion_audience = 'endpoint'"));
    assert!(all.contains("key_id: Some(\"k\"), audience: Endpoint"), "{all}");
    let secret = "auth = 'client_secret_jwt'\nclient_secret_env = 'SECRET'";
    let exactly = shown(&format!("{secret}\nassertion_audience = 'https://a/token'"));
    assert!(exactly.contains("audience: Exactly(\"https://a/token\")"), "{exactly}");
}

#[test]
fn access_tokens_are_read_or_asked_for() {
    // An access token says itself who asks.
    let config = read(&introspecting("auth = 'bearer'\nbearer_token_file = 'jwt'")).unwrap();
    assert!(matches!(config.gate.issuers[0].introspection.as_ref().unwrap().auth, IntrospectionAuth::Bearer(_)));
    let signed = "auth = 'bearer'\nbearer_token_file = 'jwt'\nsigned_response = 'accept'";
    assert_eq!(client(signed).signed_response, SignedResponse::Accept);
    let missing = read(&introspecting(signed)).unwrap_err().to_string();
    assert!(missing.contains("missing key `client_id`") && missing.ends_with("\n1 error"), "{missing}");

    let grant = "client_secret_env = 'SECRET'\n[issuers.introspection.client_credentials]\n";
    let asked = |more: &str| match client(&format!("{grant}{more}")).auth {
        IntrospectionAuth::ClientCredentials(grant) => grant,
        other => panic!("{other:?}"),
    };
    let ClientCredentials { auth, token_url, scopes, resources, .. } = asked("");
    assert!(matches!(auth, ClientAuth::Basic(_)) && token_url.is_none());
    assert!(scopes.is_empty() && resources.is_empty());
    let full = asked("token_url = 'https://a/t'\nscopes = ['x', 'y']\nresources = ['https://b', 'urn:c']");
    assert_eq!(full.token_url.as_deref(), Some("https://a/t"));
    assert_eq!(full.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(full.resources, ["https://b", "urn:c"]);
    assert_eq!(
        client("client_secret_env = 'SECRET'\nsigned_response = 'require'").signed_response,
        SignedResponse::Require
    );
    assert_eq!(client("client_secret_env = 'SECRET'").signed_response, SignedResponse::Never);
}

#[test]
fn each_way_needs_its_own_keys() {
    let table = [
        ("private_key_jwt", "", "needs `private_key_file`", "private_key_file = \"secrets/private-key\""),
        ("tls_client_auth", "certificate_key_file = 'key'", "needs `certificate_file`", "certificate_file = "),
        ("self_signed_tls_client_auth", "certificate_file = 'certificate'", "needs `certificate_key_file`", "for ex"),
        ("client_assertion", "", "`auth = \"client_assertion\"` needs `client_assertion_file`", "for example"),
        ("bearer", "", "`auth = \"bearer\"` needs `bearer_token_file`", "for example"),
    ];
    for (name, more, message, hint) in table {
        refuses(&format!("client_id = 'a'\nauth = <<'{name}'>>\n{more}"), message, hint);
    }
    let missing = read(&introspecting("client_id = 'a'\nauth = 'client_secret_jwt'")).unwrap_err().to_string();
    assert!(missing.contains("the client's secret is missing in [issuers.introspection]"), "{missing}");
}

#[test]
fn keys_of_another_way_are_told() {
    let secret = "client_id = 'a'\nclient_secret_env = 'SECRET'\n";
    let key = "client_id = 'a'\nauth = 'private_key_jwt'\nprivate_key_file = 'key'\n";
    let table = [
        ("", "<<key_id>> = 'k'", "`key_id` means nothing with `auth = \"client_secret_basic\"`, the default"),
        (
            "",
            "auth = 'client_secret_post'\n<<algorithm>> = 'ES256'",
            "`algorithm` means nothing with `auth = \"client_",
        ),
        ("", "<<assertion_audience>> = 'issuer'", "`assertion_audience` means nothing"),
        ("", "<<certificate_file>> = 'certificate'", "`certificate_file` means nothing"),
        ("", "<<client_assertion_file>> = 'missing'", "`client_assertion_file` means nothing"),
        ("", "<<bearer_token_file>> = 'missing'", "`bearer_token_file` means nothing"),
        ("key", "<<client_secret_file>> = 'secret'", "`client_secret_file` means nothing"),
        ("key", "<<client_secret_env>> = 'MISSING'", "`client_secret_env` means nothing"),
        ("key", "<<certificate_key_file>> = 'key'", "`certificate_key_file` means nothing"),
    ];
    for (base, added, message) in table {
        let base = if base.is_empty() { secret } else { key };
        refuses(&format!("{base}{added}"), message, "it belongs to `auth = ");
    }
    // Who forgot `auth` is told that, and not that a secret is missing too.
    let forgotten = "client_id = 'a'\n<<private_key_file>> = 'key'";
    refuses(forgotten, "`private_key_file` means nothing with", "it belongs to `auth = \"private_key_jwt\"`");
    let several = "client_id = 'a'\nauth = 'bearer'\nbearer_token_file = 'jwt'\n<<assertion_audience>> = 'issuer'";
    refuses(several, "means nothing", "`auth = \"client_secret_jwt\"` or `auth = \"private_key_jwt\"`");
    let twice = "auth = 'bearer'\nbearer_token_file = 'jwt'\n<<[issuers.introspection.client_credentials]>>";
    refuses(twice, "has an access token and asks for none", "keep one of the two");
}

#[test]
fn values_that_cannot_be_used_are_told_at_their_place() {
    let certificate = "auth = 'tls_client_auth'\n";
    let key = "auth = 'private_key_jwt'\n";
    let both = "certificate_file = 'certificate'\ncertificate_key_file = 'key'\n";
    let table = [
        (
            "auth = <<'client_secret_basci'>>\nkey_id = 'a'".to_owned(),
            "must be one of `client_secret_basic`",
            "did you",
        ),
        ("auth = <<'none'>>".to_owned(), "must be one of", "lets every caller try tokens"),
        ("auth = <<'client_credentials'>>".to_owned(), "must be one of", "[issuers.introspection.client_credentials]"),
        ("auth = 'client_secret_jwt'\nclient_secret_file = <<'short'>>".to_owned(), "shorter than the 32 bytes", ""),
        (format!("{key}private_key_file = <<'missing'>>"), "there is no such file", "it may be the content itself"),
        (format!("{key}private_key_file = <<'open'>>"), "every user of this machine has access to", "chmod o="),
        (format!("{key}private_key_file = <<'secret'>>"), "no private key: expected PEM", ""),
        (format!("{key}private_key_file = 'key'\nalgorithm = <<'ES384'>>"), "does not sign with ES384", ""),
        (format!("{key}private_key_file = 'key'\nalgorithm = <<'RS384'>>"), "must be one of `ES256`", "did you mean"),
        (format!("{key}private_key_file = 'key'\nassertion_audience = <<'isuer'>>"), "must be `issuer`,", "`issuer`?"),
        (format!("{key}private_key_file = 'key'\nassertion_audience = <<'token'>>"), "must be `issuer`,", ""),
        (format!("{certificate}certificate_file = <<'key'>>\ncertificate_key_file = 'key'"), "no certificate", ""),
        (
            format!("{certificate}certificate_file = 'certificate'\ncertificate_key_file = <<'other'>>"),
            "does not belong to the certificate",
            "",
        ),
        (
            format!("{certificate}certificate_file = 'certificate'\ncertificate_key_file = <<'open'>>"),
            "every user of this machine",
            "chmod o=",
        ),
        (format!("{certificate}{both}url = <<'http://127.0.0.1:9/i'>>"), "must be https: a client shows", ""),
        (
            format!("{certificate}{both}client_credentials = {{ token_url = <<'http://[::1]:9/t'>> }}"),
            "must be https: a client shows",
            "",
        ),
        (
            "auth = 'client_assertion'\nclient_assertion_file = <<'secret'>>".to_owned(),
            "not a JWT: expected one assertion and nothing else",
            "",
        ),
        (
            "auth = 'bearer'\nbearer_token_file = <<'header'>>".to_owned(),
            "not an access token: expected one token and nothing else",
            "",
        ),
        ("client_secret_env = 'SECRET'\nsigned_response = <<'always'>>".to_owned(), "must be one of `never`, `ac", ""),
        (
            "client_secret_env = 'SECRET'\nclient_credentials = { scopes = [<<'a b'>>] }".to_owned(),
            "a scope cannot hold ' '",
            "a string of its own",
        ),
        (
            "client_secret_env = 'SECRET'\nclient_credentials = { resources = [<<'orders'>>] }".to_owned(),
            "`orders` is not an absolute URI",
            "for example",
        ),
        (
            "client_secret_env = 'SECRET'\nclient_credentials = { <<token_endpoint>> = 'https://a' }".to_owned(),
            "unknown key `token_endpoint` in [issuers.introspection.client_credentials]",
            "did you mean `token_url`?",
        ),
    ];
    for (introspection, message, hint) in table {
        refuses(&format!("client_id = 'a'\n{introspection}"), message, hint);
    }
}

#[test]
fn kinds_have_their_own_needs() {
    let config = |issuer: &str, introspection: &str| {
        let text = format!(
            "[[issuers]]\nissuer = '{issuer}'\naudiences = ['a']\ntokens = 'referential'\n[issuers.introspection]\n\
             {introspection}\n{UPSTREAM}{ROUTE}"
        );
        let config = read(&text).unwrap_or_else(|problems| panic!("{problems}"));
        config.gate.issuers[0].introspection.clone().unwrap()
    };
    let google = config("https://accounts.google.com", "kind = 'google-tokeninfo'");
    assert_eq!(google.kind, IntrospectionKind::GoogleTokeninfo);
    assert_eq!(google.url.as_deref(), Some("https://oauth2.googleapis.com/tokeninfo"));
    assert!(matches!(google.auth, IntrospectionAuth::Anonymous));
    let review =
        "kind = 'kubernetes-tokenreview'\nurl = 'https://k/review'\nauth = 'bearer'\nbearer_token_file = 'jwt'";
    let kubernetes = config("https://kubernetes.default.svc", review);
    assert_eq!(kubernetes.kind, IntrospectionKind::KubernetesTokenReview);
    assert!(matches!(kubernetes.auth, IntrospectionAuth::Bearer(_)));

    let google = "kind = 'google-tokeninfo'\nurl = 'https://g/info'\n";
    let review = "kind = 'kubernetes-tokenreview'\nurl = 'https://k/review'\n";
    let table = [
        (
            "client_secret_env = 'SECRET'\nclient_id = 'a'\nkind = <<'google'>>".to_owned(),
            "must be one of `rfc7662`",
            "",
        ),
        (format!("{google}<<client_id>> = 'a'"), "`client_id` means nothing with `kind = \"google-tokeninfo\"`", ""),
        (format!("{google}<<auth>> = 'bearer'"), "`auth` means nothing with", ""),
        (format!("{google}<<client_secret_env>> = 'SECRET'"), "`client_secret_env` means nothing with", ""),
        (format!("{google}<<signed_response>> = 'accept'"), "`signed_response` means nothing with", ""),
    ];
    for (introspection, message, hint) in table {
        refuses(&introspection, message, hint);
    }
    let told = |text: &str| read(&introspecting(text)).unwrap_err().to_string();
    assert!(told("kind = 'google-tokeninfo'").contains("missing key `url`"));
    assert!(told(review).contains("missing key `auth`"), "{}", told(review));
    let post = format!("{review}auth = 'client_secret_post'");
    assert!(told(&post).contains("with an access token") && told(&post).contains("`bearer`"));
    assert!(told(&format!("{review}auth = 'bearer'")).contains("needs `bearer_token_file`"));
    let warned = read(&introspecting(&format!("{review}auth = 'bearer'\nbearer_token_file = 'jwt'"))).unwrap().warnings;
    assert!(warned[0].message.contains("tokens are self-contained"), "{warned:?}");
    let capped = format!("{ISSUER}max_lifetime = '1h'\n[issuers.introspection]\n{google}\n{UPSTREAM}{ROUTE}");
    assert!(read(&capped).unwrap_err().to_string().contains("do not say how long a token lives"));
}

#[test]
fn the_breaker_and_bare_answers_have_their_bounds() {
    let settings = client("client_secret_env = 'SECRET'\nbreaker_failures = 3\nbreaker_pause = '2s'");
    assert_eq!((settings.breaker_failures, settings.breaker_pause.as_secs(), settings.bare_answers), (3, 2, false));
    let secret = "client_id = 'a'\nclient_secret_env = 'SECRET'\n";
    for (added, message, hint) in [
        ("breaker_failures = <<0>>", "must be between 1 and 1000", ""),
        ("breaker_pause = <<'0s'>>", "must be between 100ms and 10m", ""),
        ("bare_answers = <<true>>", "an answer without `aud` is for no audience", "absent_audience_clients"),
    ] {
        refuses(&format!("{secret}{added}"), message, hint);
    }
    let clients =
        format!("{ISSUER}absent_audience_clients = ['shop']\n[issuers.introspection]\n{secret}bare_answers = true");
    let config = read(&format!("{clients}\n{UPSTREAM}{ROUTE}")).unwrap();
    assert!(config.gate.issuers[0].introspection.as_ref().unwrap().bare_answers);
}

#[test]
fn formats_of_tokens_fit_what_is_configured() {
    let secret = "client_id = 'a'\nclient_secret_env = 'SECRET'\n";
    let issuer = |tokens: &str, more: &str| format!("{ISSUER}tokens = {tokens}\n{more}\n{UPSTREAM}{ROUTE}");
    let asking = format!("[issuers.introspection]\n{secret}");
    for formats in TokenFormats::ALL {
        let more = if formats == TokenFormats::SelfContained { "" } else { &asking };
        let config = read(&issuer(&format!("'{}'", formats.name()), more)).unwrap();
        assert_eq!(config.gate.issuers[0].tokens, formats);
    }
    let told = |marked: &str, message: &str, hint: &str| {
        let problems = read(&unmarked(marked)).unwrap_err().into_vec();
        holds(marked, &problems, Severity::Error, message, hint);
    };
    told(&issuer("<<'opaque'>>", ""), "must be one of `auto`, `self-contained`", "");
    told(
        &issuer("<<'referential'>>", ""),
        "needs introspection, and this issuer has none",
        "add [issuers.introspection]",
    );
    told(&issuer("<<'both'>>", ""), "needs introspection, and this issuer has none", "add [issuers.introspection]");
    let vain = format!("[issuers.<<introspection>>]\n{secret}");
    told(&issuer("'self-contained'", &vain), "the issuer is never asked", "`tokens = \"both\"`");
}

/// An issuer with these settings; what follows a blank line is its introspection.
fn issuer_with(settings: &str) -> String {
    let settings = settings.replace("\n\n", "\n[issuers.introspection]\n");
    format!("[[issuers]]\nissuer = 'https://auth.example.com'\naudiences = ['a']\n{settings}\n{UPSTREAM}{ROUTE}")
}

#[test]
fn each_contradiction_is_told_where_it_stands() {
    let client = "client_id = 'a'\nclient_secret_env = 'SECRET'";
    let google = "kind = 'google-tokeninfo'\nurl = 'https://g/info'";
    let review = "kind = 'kubernetes-tokenreview'\nbearer_token_file = 'jwt'";
    let table = [
        ("tokens = <<'referential'>>".to_owned(), "`tokens = \"referential\"` needs introspection", "add ["),
        ("tokens = <<'both'>>".to_owned(), "`tokens = \"both\"` needs introspection", "add [issuers.introspection]"),
        (
            format!("tokens = 'self-contained'\n<<introspection>> = {{ {} }}", client.replace('\n', ", ")),
            "with `tokens = \"self-contained\"` the issuer is never asked",
            "`tokens = \"both\"`",
        ),
        (
            format!("tokens = 'referential'\n<<decryption_keys_file>> = 'decryption'\n\n{client}"),
            "with `tokens = \"referential\"` the gateway decrypts no token",
            "remove it",
        ),
        (
            "leeway = '1s'\n\nclient_id = 'a'\nauth = <<'none'>>\nclient_secret_env = 'SECRET'".to_owned(),
            "must be one of `client_secret_basic`",
            "lets every caller try tokens (RFC 7662, 4)",
        ),
        (
            format!("tokens = 'both'\n\n{review}\nurl = 'https://k/review'\nauth = <<'private_key_jwt'>>"),
            "the gateway authenticates to a Kubernetes API server with an access token",
            "did you mean `bearer`?",
        ),
        (
            format!("tokens = 'both'\n\n{review}\nurl = 'https://k/review'\nauth = <<'none'>>"),
            "the gateway authenticates to a Kubernetes API server with an access token",
            "did you mean `bearer`?",
        ),
        (
            format!("tokens = 'both'\n<<[issuers.introspection]>>\n{review}\nurl = 'https://k/review'"),
            "missing key `auth` in [issuers.introspection]",
            "auth = \"bearer\"",
        ),
        (
            format!("tokens = 'both'\n<<[issuers.introspection]>>\n{review}\nauth = 'bearer'"),
            "missing key `url` in [issuers.introspection]",
            "url = \"https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews\"",
        ),
        (
            "<<[issuers.introspection]>>\nkind = 'google-tokeninfo'".to_owned(),
            "missing key `url` in [issuers.introspection]",
            "url = \"https://oauth2.googleapis.com/tokeninfo\"",
        ),
        (
            format!("leeway = '1s'\n\n{google}\n<<signed_response>> = 'require'"),
            "`signed_response` means nothing with `kind = \"google-tokeninfo\"`",
            "",
        ),
        (
            format!("<<max_lifetime>> = '1h'\n\n{google}"),
            "answers of the kind `google-tokeninfo` do not say how long a token lives",
            "remove it",
        ),
    ];
    for (settings, message, hint) in table {
        let marked = issuer_with(&settings);
        let problems = read(&unmarked(&marked)).map(|_| panic!("not refused: {marked}")).unwrap_err().into_vec();
        holds(&marked, &problems, Severity::Error, message, hint);
    }
}

#[test]
fn contradictions_are_told_together() {
    let text = issuer_with(
        "max_lifetime = '1h'\n\nkind = 'kubernetes-tokenreview'\nsigned_response = 'accept'\nauth = 'client_secret_post'",
    );
    let told = read(&text).unwrap_err().to_string();
    for message in ["long a token lives", "missing key `url`", "never signed", "with an access token"] {
        assert!(told.contains(message), "{told}\nshould say: {message}");
    }
    assert!(told.ends_with("\n4 errors, 1 warning"), "{told}");
}

#[test]
fn what_cannot_be_read_contradicts_nothing() {
    let google = "kind = 'google-tokeninfo'\nurl = 'https://g/info'";
    for settings in [
        "tokens = 'referential'\nintrospection = <<5>>".to_owned(),
        format!("tokens = <<'boht'>>\nmax_lifetime = '1h'\n\n{google}"),
        "leeway = '1s'\n\nkind = <<'google'>>\nsigned_response = 'require'".to_owned(),
        "leeway = '1s'\n\nkind = <<5>>\nauth = 'bearer'".to_owned(),
        "leeway = '1s'\n\nkind = 'google-tokeninfo'\nurl = <<'http://g/info'>>".to_owned(),
        "tokens = 'both'\n\nkind = 'kubernetes-tokenreview'\nurl = 'https://k/review'\nauth = <<'baerer'>>".to_owned(),
        "tokens = 'referential'\ndecryption_keys_file = <<'missing'>>\n\nclient_id = 'a'\nclient_secret_env = 'SECRET'"
            .to_owned(),
    ] {
        let marked = issuer_with(&settings);
        let problems = read(&unmarked(&marked)).unwrap_err().into_vec();
        let hint = problems.first().and_then(|problem| problem.hint.clone()).unwrap_or_default();
        holds(&marked, &problems, Severity::Error, "", &hint);
    }
}

#[test]
fn what_belongs_into_a_file_is_not_shown() {
    for (key, auth) in [
        ("client_secret", "client_secret_post"),
        ("private_key", "private_key_jwt"),
        ("certificate_key", "tls_client_auth"),
        ("client_assertion", "client_assertion"),
        ("bearer_token", "bearer"),
    ] {
        let text = format!("client_id = 'a'\nauth = '{auth}'\n<<{key}>> = 'hunter2'");
        refuses(&text, "secrets do not belong in the configuration", &format!("`{key}_file`"));
        // Nor where the file is no TOML, or something else is wrong beside it.
        read(&introspecting(&format!("auth = '{auth}'\n{key} = 'hunter2"))).unwrap_err();
        read(&introspecting(&format!("x = {{ auth = '{auth}', {key} = 'hunter2' }}"))).unwrap_err();
    }
}
