//! The form in which problems are told.

use std::fs;

use super::*;
use crate::load;

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = r#"
[server]
listen = "localhost:8080"
threads = 0
drain = 20

[admin]
listen = "0.0.0.0:9700"

[[issuers]]
issuer = "http://auth.example.com"
audiences = []
clok_skew = "30s"
algorithms = ["RS256", "none"]
  [issuers.introspection]
  client_id = "gateway"
  client_secret = "hunter2"

[[issuers]]
issuer = "https://login.example.com/"
leeway = "10m"

[[upstreams]]
name = "orders"
servers = ["http://127.0.0.1:3000", "orders.internal"]

[[upstream]]
name = "billing"

[[routes]]
path = "/orders/*"
methods = ["GET", "post"]
upstream = "oders"
scopes = ["orders:read orders:write"]

[[routes]]
path = "public"
upstream = "orders"
open = true
scopes = ["public"]

[[routes]]
path = "/orders/*"
methods = ["GET"]
upstream = "orders"
issuers = ["https://login.example.com"]
"#;
    insta::assert_snapshot!("everything", read(text).unwrap_err());
}

#[test]
fn a_syntax_error_has_the_same_form() {
    insta::assert_snapshot!(read("[server]\nlisten = oops\n").unwrap_err(), @"
    config.toml:2:10: error: not valid TOML: string values must be quoted, expected literal string
      2 | listen = oops
        |          ^^^^

    1 error
    ");
    insta::assert_snapshot!(read("[server]\n[server]\n").unwrap_err(), @"
    config.toml:2:2: error: not valid TOML: duplicate key
      2 | [server]
        |  ^^^^^^

    1 error
    ");
    insta::assert_snapshot!(read("a = \"b").unwrap_err(), @r#"
    config.toml:1:7: error: not valid TOML: invalid basic string, expected `"`
      1 | a = "b
        |       ^

    1 error
    "#);
}

#[test]
fn a_file_that_cannot_be_read_has_the_same_form() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path| {
        let told = load(path, &Overrides::default()).unwrap_err().to_string();
        told.replace(&folder.path().display().to_string(), "FOLDER")
    };
    insta::assert_snapshot!(told(&folder.path().join("missing.toml")), @"
    FOLDER/missing.toml: error: cannot read the configuration file: there is no such file
      hint: name the configuration file with --config FILE or BEARWARD_CONFIG

    1 error
    ");
    assert!(told(folder.path()).starts_with("FOLDER: error: cannot read the configuration file: it is a directory\n"));
    let path = folder.path().join("config.toml");
    fs::write(&path, [b'a', 0xff]).unwrap();
    assert!(told(&path).starts_with("FOLDER/config.toml: error: the configuration file is not UTF-8 text\n"));
    fs::write(&path, " ".repeat((4 << 20) + 1)).unwrap();
    assert!(told(&path).starts_with("FOLDER/config.toml: error: the configuration file is larger than 4MiB\n"));
}
