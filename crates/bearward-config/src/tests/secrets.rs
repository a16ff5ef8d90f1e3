//! Secrets come from files and from the environment, and never come out again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use bearward_gate::{ClientAuth, IntrospectionAuth};
use tempfile::TempDir;

use super::*;
use bearward_proxy::AuthorizationMode;

const SECRET: &str = "hunter2";

/// A folder with a configuration in it, and what its author is told.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn read(&self, introspection: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let text = format!("{ISSUER}[issuers.introspection]\nclient_id = \"a\"\n{introspection}\n{UPSTREAM}{ROUTE}");
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let path = self.0.path().join("config.toml");
        let read = parse(&text, &path, &Overrides::default(), environment);
        let shown = format!("{read:?} {}", read.as_ref().err().map(ToString::to_string).unwrap_or_default());
        assert!(!shown.contains(SECRET), "{shown}");
        let folder = self.0.path().display().to_string();
        read.map_err(|problems| problems.to_string().replace(&folder, "FOLDER"))
    }
}

fn secret(config: &Config) -> String {
    let auth = &config.gate.issuers[0].introspection.as_ref().unwrap().auth;
    let IntrospectionAuth::Client(ClientAuth::Basic(secret)) = auth else { panic!("{auth:?}") };
    secret.read().to_string()
}

#[test]
fn from_a_file_beside_the_configuration_or_anywhere() {
    let folder = Folder::new();
    let path = folder.file("secret", "hunter2\n", 0o640);
    for path in ["secret", path.to_str().unwrap()] {
        let config = folder.read(&format!("client_secret_file = \"{path}\""), &[]).unwrap();
        assert_eq!(secret(&config), SECRET);
    }
}

#[test]
fn from_the_environment() {
    let folder = Folder::new();
    let read = |environment: &[_]| folder.read("client_secret_env = \"THE_SECRET\"", environment);
    // Digits alone stay text.
    for value in [SECRET, "123456", "true", "[1]"] {
        assert_eq!(secret(&read(&[("THE_SECRET", value)]).unwrap()), value);
    }
    assert!(read(&[]).unwrap_err().contains("no environment variable of this name is set"));
    assert!(read(&[("THE_SECRET", "")]).unwrap_err().contains("the environment variable THE_SECRET is empty"));
    // The secret itself is there.
    let told = folder.read("client_secret_env = \"hunter2!\"", &[]).unwrap_err();
    assert!(told.contains("must be the name of an environment variable"), "{told}");
    insta::assert_snapshot!(folder.read("client_secret_env = \"hunter2\"", &[]).unwrap_err(), @"
    FOLDER/config.toml:6:21: error: no environment variable of this name is set
      6 | client_secret_env = [redacted]
        |                     ^^^^^^^^^^
      hint: name a variable that is set where the gateway runs; the value is not shown, because it may be the secret itself

    1 error
    ");
}

#[test]
fn files_that_are_missing_empty_or_open_to_others_are_told() {
    let folder = Folder::new();
    folder.file("open", SECRET, 0o644);
    folder.file("writable", SECRET, 0o602);
    folder.file("empty", "", 0o600);
    folder.file("newline", "\n", 0o600);
    folder.file("binary", "\u{0}", 0o600);
    fs::write(folder.0.path().join("binary"), [0xff]).unwrap();
    folder.file("long", &"a".repeat(70_000), 0o600);
    fs::create_dir(folder.0.path().join("secrets")).unwrap();
    let table = [
        ("missing", "there is no such file, and no such folder for it"),
        ("secrets/missing", "cannot read `FOLDER/secrets/missing`: there is no such file"),
        (".", "is a directory"),
        ("open", "every user of this machine has access to `FOLDER/open`"),
        ("open", "hint: chmod o= FOLDER/open"),
        ("writable", "every user of this machine has access to"),
        ("empty", "`FOLDER/empty` is empty"),
        ("newline", "empty"),
        ("binary", "not UTF-8"),
        ("long", "longer than 64 KiB"),
    ];
    for (name, expected) in table {
        let told = folder.read(&format!("client_secret_file = \"{name}\""), &[]).unwrap_err();
        assert!(told.contains(expected), "{name}: {told}");
        assert!(told.contains("config.toml:6:22: error: "), "{told}");
        assert!(told.ends_with("\n1 error"), "{told}");
    }
}

/// The secret itself, in the place of the name of its file or variable, and what else may be wrong in the same table.
#[test]
fn in_the_place_of_a_name_it_is_not_shown() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.read("client_secret_file = \"hunter2\"", &[]).unwrap_err(), @"
    FOLDER/config.toml:6:22: error: there is no such file, and no such folder for it
      6 | client_secret_file = [redacted]
        |                      ^^^^^^^^^^
      hint: name a file that is there; the value is not shown, because it may be the content itself

    1 error
    ");
    for value in
        ["hunter2", "hunter2/hunter2", "/hunter2", "hunter2!", "-----BEGIN hunter2", "eyJhbGciOiJub25lIn0.hunter2."]
    {
        for line in [
            format!("client_secret_file = \"{value}\""),
            format!("client_secret_env = \"{value}\""),
            format!("client_secret_env = \"A\"\nclient_secret_file = \"{value}\""),
            format!("client_secret_fiel = \"{value}\""),
            format!("client_secret_env = [\"{value}\"]"),
            format!("client_secret_env = \"A\"\nbearer_token_file = \"{value}\""),
            format!("auth = \"bearer\"\nbearer_token_file = \"{value}\""),
            format!("auth = \"client_assertion\"\nclient_assertion_file = \"{value}\""),
            format!("auth = \"private_key_jwt\"\nprivate_key_file = \"{value}\""),
            format!("auth = \"tls_client_auth\"\ncertificate_file = \"{value}\"\ncertificate_key_file = \"{value}\""),
        ] {
            let told = folder.read(&line, &[("A", "b")]).unwrap_err();
            assert!(told.contains("config.toml:"), "{told}");
        }
    }
    for (issuer, upstream) in [
        ("bearer_token_file = \"hunter2\"", ""),
        ("decryption_keys_file = \"hunter2\"", ""),
        ("jwks_file = \"hunter2\"", ""),
        ("ca_file = \"hunter2\"", ""),
        ("", "authorization = \"replace\"\nauthorization_file = \"hunter2\""),
        ("", "authorization_file = \"hunter2\""),
    ] {
        let text = format!("{ISSUER}{issuer}\n{UPSTREAM}{upstream}\n{ROUTE}");
        let told = read(&text).unwrap_err().to_string();
        assert!(!told.contains(SECRET) && told.contains("config.toml:"), "{told}");
    }
}

/// A table in one line: what is wrong with one key shows the whole line.
#[test]
fn nor_beside_something_else_that_is_wrong() {
    for introspection in [
        "{ client_secret_file = \"hunter2\", clientid = \"a\" }",
        "{ client_id = \"\", client_secret_env = \"hunter2\" }",
        "{ client_id = \"a\", client_secret_env = \"hunter2\", url = \"ftp://a?hunter2\" }",
        "{ client_id = 1, client_secret_env = \"A\", url = \"https://a.example/?key=hunter2\" }",
    ] {
        let told =
            read(&format!("{ISSUER}introspection = {introspection}\n{UPSTREAM}{ROUTE}")).unwrap_err().to_string();
        assert!(!told.contains(SECRET) && told.contains("[redacted]"), "{told}");
    }
}

#[test]
fn queries_of_urls_are_shown_nowhere() {
    let folder = Folder::new();
    let url = "https://auth.example.com/a?key=hunter2";
    let issuer = format!("discovery_url = \"{url}\"");
    let keys = format!("jwks_url = \"{url}\"");
    let introspection = format!(
        "[issuers.introspection]\nclient_id = \"a\"\nclient_secret_env = \"A\"\nurl = \"{url}\"\n\
         [issuers.introspection.client_credentials]\ntoken_url = \"{url}\"\nresources = [\"{url}\"]"
    );
    for added in [&issuer, &keys, &introspection] {
        let text = format!("{ISSUER}{added}\n{UPSTREAM}{ROUTE}");
        let path = folder.0.path().join("config.toml");
        let environment = || [("A".to_owned(), "b".to_owned())];
        let config = parse(&text, &path, &Overrides::default(), environment()).unwrap();
        let report = crate::report(&config);
        let show = |config: Config, layers: &crate::layers::Layers| crate::show::show(&config, layers);
        let show = crate::read_with(&text, &path, &Overrides::default(), environment(), show).unwrap();
        for shown in [&report, &show] {
            assert!(shown.contains("https://auth.example.com/a?[redacted]") && !shown.contains(SECRET), "{shown}");
        }
        assert!(show.contains("\"https://auth.example.com/a?[redacted]\" # its query is not shown\n"), "{show}");
        // It can still be read.
        assert!(parse(&show, &path, &Overrides::default(), environment()).is_ok(), "{show}");
    }
    for wrong in [
        "url = \"http://auth.example.com/a?key=hunter2\"",
        "url = \"https://auth.example.com/a?key=hunter2#b\"",
        "url = \"https://auth.example.com/a b?key=hunter2 hunter2\"",
        "url = \"auth.example.com/a?key=hunter2\"",
        "url = \"https://auth.example.com/a?`\\\"hunter2\"",
        "client_credentials = { resources = [\"auth?key=hunter2\"] }",
        "client_credentials = { token_url = \"ftp://auth.example.com/a?key=hunter2\" }",
        "assertion_audience = \"auth?key=hunter2\"\nauth = \"client_secret_jwt\"",
    ] {
        // The reading itself holds that nothing of it is shown.
        folder.read(&format!("client_secret_env = \"A\"\n{wrong}"), &[("A", "b")]).unwrap_err();
    }
    for issuer in
        ["https://auth.example.com?key=hunter2", "auth.example.com?key=hunter2", "http://auth.example.com#hunter2"]
    {
        let text = with("").replace("https://auth.example.com", issuer);
        let told = read(&text).unwrap_err().to_string();
        assert!(!told.contains(SECRET), "{told}");
    }
    let server = with("").replace("127.0.0.1:3000", "http://127.0.0.1:3000/?key=hunter2");
    let told = read(&server).unwrap_err().to_string();
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn never_in_the_configuration() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.read("client_secret = \"hunter2\"", &[]).unwrap_err(), @"
    FOLDER/config.toml:6:1: error: secrets do not belong in the configuration
      6 | client_secret = [redacted]
        | ^^^^^^^^^^^^^
      hint: name a file with `client_secret_file`, or an environment variable with `client_secret_env`

    1 error
    ");
    insta::assert_snapshot!(folder.read("", &[]).unwrap_err(), @"
    FOLDER/config.toml:4:1: error: the client's secret is missing in [issuers.introspection]
      4 | [issuers.introspection]
        | ^^^^^^^^^^^^^^^^^^^^^^^
      hint: name a file with `client_secret_file`, or an environment variable with `client_secret_env`

    1 error
    ");
    let both = folder.read("client_secret_file = \"a\"\nclient_secret_env = \"B\"", &[]).unwrap_err();
    assert!(both.contains("7:1: error: `client_secret_file` and `client_secret_env` exclude each other"), "{both}");
    // A URL with a password, an unknown key, a password for a number, broken TOML.
    for stray in
        ["url = \"https://a:hunter2@b\"", "password = \"hunter2\"", "client_secret = hunter2", "secret = \"hunter2"]
    {
        folder.read(&format!("client_secret_env = \"A\"\n{stray}"), &[("A", "b")]).unwrap_err();
    }
}

#[test]
fn the_gateways_own_authorization_is_the_content_of_a_file() {
    let folder = Folder::new();
    folder.file("good", "Basic aHVudGVyMg==\n", 0o600);
    folder.file("bad", "Basic a\nX-Admin: hunter2", 0o600);
    let read = |name: &str| {
        let upstream = UPSTREAM.to_owned() + &format!("authorization = \"replace\"\nauthorization_file = \"{name}\"\n");
        let text = format!("{ISSUER}{upstream}{ROUTE}");
        parse(&text, &folder.0.path().join("config.toml"), &Overrides::default(), [])
    };
    let config = read("good").unwrap();
    let AuthorizationMode::Replace(own) = &config.proxy.upstreams[0].authorization else { panic!("not replaced") };
    assert_eq!(own.value(), "Basic aHVudGVyMg==");
    let told = read("bad").unwrap_err().to_string();
    assert!(
        told.contains("the file holds characters that a header field cannot hold") && !told.contains(SECRET),
        "{told}"
    );
}

#[test]
fn decryption_keys_are_the_content_of_a_file() {
    let folder = Folder::new();
    folder.file("good", keys::DECRYPTION_KEY, 0o600);
    folder.file("open", keys::DECRYPTION_KEY, 0o644);
    folder.file("broken", r#"{"keys":[{"kty":"oct","kid":"a\u001b[2J","alg":"dir","k":"hunter2"}]}"#, 0o600);
    folder.file("text", SECRET, 0o600);
    let read = |name: &str| {
        let text = format!("{ISSUER}decryption_keys_file = \"{name}\"\n{UPSTREAM}{ROUTE}");
        parse(&text, &folder.0.path().join("config.toml"), &Overrides::default(), [])
    };
    let config = read("good").unwrap();
    assert!(config.gate.issuers[0].decryption_keys.is_some() && !format!("{config:?}").contains("aHVudGVy"));
    for (name, expected) in [
        ("open", "every user of this machine has access to"),
        ("broken", "`k`: not base64url"),
        ("text", "not a JWK or JWK set"),
        ("missing", "there is no such file"),
    ] {
        let told = read(name).unwrap_err().to_string();
        assert!(told.contains(expected) && told.contains("config.toml:4:24: error: "), "{name}: {told}");
        assert!(!told.contains(SECRET) && !told.contains('\u{1b}'), "{name}: {told}");
    }
}
