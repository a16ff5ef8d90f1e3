//! The file, the environment above it, the flags on top.

use super::*;
use crate::LogFormat;

fn layered(text: &str, environment: &[(&str, &str)], overrides: &Overrides) -> Result<Config, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let read = parse(&with(text), Path::new("config.toml"), overrides, environment);
    read.map_err(|problems| problems.to_string())
}

#[test]
fn later_layers_win() {
    let file =
        "[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\nthreads = 1\nrealm = \"file\"\n[log]\nlevel = \"warn\"";
    let environment = [
        ("BEARWARD_SERVER__LISTEN", "127.0.0.1:3, 127.0.0.1:4"),
        ("BEARWARD_SERVER__THREADS", "7"),
        ("BEARWARD_CACHE__MAX_AGE", "1m"),
        ("BEARWARD_LOG__LEVEL", "debug"),
        ("BEARWARD_CONFIG", "ignored"),
        ("BEARWARD_PORT_8080_TCP", "ignored"),
        ("OTHER__LISTEN", "ignored"),
    ];
    let config = layered(file, &environment, &Overrides::default()).unwrap();
    assert_eq!(config.proxy.listen, ["127.0.0.1:3".parse().unwrap(), "127.0.0.1:4".parse().unwrap()]);
    assert_eq!((config.proxy.threads, config.gate.realm.as_str()), (7, "file"));
    assert_eq!((config.gate.cache.max_age.as_secs(), config.log.level.as_str()), (60, "debug"));

    let overrides = Overrides {
        listen: Some("127.0.0.1:5".parse().unwrap()),
        admin_listen: Some("127.0.0.1:6".parse().unwrap()),
        log_level: Some("error".to_owned()),
        log_format: Some(LogFormat::Json),
    };
    let config = layered(file, &environment, &overrides).unwrap();
    assert_eq!(config.proxy.listen, ["127.0.0.1:5".parse().unwrap()]);
    assert_eq!((config.admin.listen.port(), config.proxy.threads), (6, 7));
    assert_eq!((config.log.level.as_str(), config.log.format), ("error", LogFormat::Json));
}

#[test]
fn text_from_the_environment_stays_text() {
    for realm in ["123456", "true", "[a]", "{a = 1}", "1e5"] {
        let config = layered("", &[("BEARWARD_SERVER__REALM", realm)], &Overrides::default()).unwrap();
        assert_eq!(config.gate.realm, realm);
    }
}

#[test]
fn what_is_wrong_in_the_environment_names_the_variable() {
    let environment = [
        ("BEARWARD_ISSUERS__0__LEEWAY", "1s"),
        ("BEARWARD_LOG__FORMAT", "xml"),
        ("BEARWARD_SERVER__DRAIN", "soon"),
        ("BEARWARD_SERVER__LISTEN", "127.0.0.1:1,localhost:2"),
        ("BEARWARD_SERVER__LISTN", "hunter2"),
        ("BEARWARD_SERVER__REALM", ""),
        ("BEARWARD_SERVER__THREADS", "many"),
        ("BEARWARD_SERVER__THREADS__MORE", "hunter2"),
        ("BEARWARD_SERVR__THREADS", "hunter2"),
        ("BEARWARD_WHAT__EVER", "hunter2"),
        ("BEARWARD___", "hunter2"),
    ];
    insta::assert_snapshot!(layered("", &environment, &Overrides::default()).unwrap_err(), @r#"
    BEARWARD_ISSUERS__0__LEEWAY: error: only the configuration file can set [issuers]

    BEARWARD_LOG__FORMAT: error: must be one of `human`, `json`

    BEARWARD_SERVER__DRAIN: error: `soon` is not a duration
      hint: write whole numbers with ms, s, m, h or d: "250ms", "30s", "1h30m"

    BEARWARD_SERVER__LISTEN: error: `localhost:2` is not an address to listen on
      hint: did you mean `127.0.0.1:2`?

    BEARWARD_SERVER__LISTN: error: unknown key `listn` in [server]
      hint: did you mean `BEARWARD_SERVER__LISTEN`?

    BEARWARD_SERVER__REALM: error: must not be empty

    BEARWARD_SERVER__THREADS: error: `many` is not a whole number

    BEARWARD_SERVER__THREADS__MORE: error: no setting has this name
      hint: variables are BEARWARD_SECTION__KEY, where SECTION is one of `SERVER`, `ADMIN`, `LOG`, `CACHE`

    BEARWARD_SERVR__THREADS: error: no setting has this name
      hint: did you mean `BEARWARD_SERVER__THREADS`?

    BEARWARD_WHAT__EVER: error: no setting has this name
      hint: variables are BEARWARD_SECTION__KEY, where SECTION is one of `SERVER`, `ADMIN`, `LOG`, `CACHE`

    BEARWARD___: error: no setting has this name
      hint: variables are BEARWARD_SECTION__KEY, where SECTION is one of `SERVER`, `ADMIN`, `LOG`, `CACHE`

    11 errors
    "#);
}

#[test]
fn what_is_wrong_with_a_flag_names_the_flag() {
    let admin_listen = Some("127.0.0.1:8080".parse().unwrap());
    let log_level = Some("loud".to_owned());
    let overrides = Overrides { admin_listen, log_level, ..Overrides::default() };
    insta::assert_snapshot!(layered("", &[], &overrides).unwrap_err(), @"
    --admin-listen: error: server.listen 127.0.0.1:8080 and admin.listen 127.0.0.1:8080 overlap
      hint: give the admin server a port of its own

    --log-level: error: `loud` is not a level
      hint: the levels are off, error, warn, info, debug and trace

    2 errors
    ");
}

#[test]
fn a_port_that_the_system_would_choose_is_refused_in_flags_too() {
    let any_port = Some("127.0.0.1:0".parse().unwrap());
    let overrides = Overrides { listen: any_port, admin_listen: any_port, ..Overrides::default() };
    insta::assert_snapshot!(layered("", &[], &overrides).unwrap_err(), @"
    --admin-listen: error: `127.0.0.1:0` has port 0, where no client can connect
      hint: name the port that clients are to use

    --listen: error: `127.0.0.1:0` has port 0, where no client can connect
      hint: name the port that clients are to use

    2 errors
    ");
}

#[test]
fn a_mistake_in_the_file_is_told_although_a_variable_would_hide_it() {
    let told = layered("server = 5", &[("BEARWARD_SERVER__THREADS", "1")], &Overrides::default()).unwrap_err();
    assert!(told.contains("config.toml:1:10: error: expected a table, [server]"), "{told}");
}
