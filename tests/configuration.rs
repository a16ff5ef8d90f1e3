//! A configuration is either right, or every mistake in it is told at once, with its place, before anything is bound.
//! No secret is ever part of what is told.

use crate::support::{
    Echo, Finished, Gateway, Reply, Server, bearward, finish, minimal_config, now, workspace, write_secret,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_nothing_is_bound() {
    // Who gets as far as to bind it ends with another code, and says so.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        r#"
[server]
listen = "{taken}"
lisen = 1
drain = "soon"

[admin]
listen = "{taken}"

[[issuers]]
issuer = "https://auth.example.com"

[issuers.introspection]
client_id = "orders-gateway"
client_secret_file = "nowhere"

[[upstreams]]
name = "orders"
servers = ["127.0.0.1"]

[[routes]]
path = "/orders/*"
methods = ["GET"]
upstream = "orders"
scopes = ["orders:read"]
open = true

[[routes]] # again
path = "/orders/*"
methods = ["GET"]
upstream = "ordres"

[tls]
"#,
        taken = taken.local_addr().unwrap()
    );
    let file = File::new(&text);
    let admin = text.rfind("listen = ").unwrap() + "listen = ".len();
    let expected = [
        (file.at("lisen"), "unknown key `lisen`"),
        (file.at("\"soon\""), "`soon` is not a duration"),
        (file.place(admin), "overlap"),
        (file.at("[[issuers]]"), "missing key `audiences`"),
        (file.at("\"nowhere\""), "there is no such file"),
        (file.at("\"127.0.0.1\"]"), "`127.0.0.1`"),
        (file.at("scopes = "), "open route"),
        (file.at("[[routes]] # again"), "matches"),
        (file.at("\"ordres\""), "there is no upstream `ordres`"),
        (file.at("tls]"), "unknown key `tls`"),
        ("BEARWARD_SERVR__LISTEN".to_owned(), "no setting"),
    ];
    let flags: [&[&str]; 3] = [&["check"], &["run"], &["run", "--log-level", "trace"]];
    for flags in flags {
        let told = finish(file.command(flags).env("BEARWARD_SERVR__LISTEN", "127.0.0.1:1"));
        assert_eq!(told.code, Some(78), "{}", told.output());
        assert_eq!(told.stdout, "");
        let errors = errors(&told);
        let places: Vec<&str> = errors.iter().map(|(place, _)| *place).collect();
        let expected_places: Vec<&str> = expected.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, expected_places, "{}", told.stderr);
        for ((_, said), (place, part)) in errors.iter().zip(&expected) {
            assert!(said.contains(part), "{place}: {said:?} does not say {part:?}");
        }
        assert!(told.stderr.ends_with(&format!("{} errors\n", expected.len())), "{}", told.stderr);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("folder")).unwrap();
    fs::write(path("latin1.toml"), b"# caf\xe9\n").unwrap();
    fs::write(path("large.toml"), "# large\n".repeat(1 << 20)).unwrap();
    fs::write(path("locked.toml"), "").unwrap();
    fs::set_permissions(path("locked.toml"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut files = vec![
        ("nowhere.toml", "there is no such file"),
        ("folder", "it is a directory"),
        ("latin1.toml", "not UTF-8"),
        ("large.toml", "larger than"),
    ];
    // To root, every file is open.
    if fs::read(path("locked.toml")).is_err() {
        files.push(("locked.toml", "permission denied"));
    }
    for (name, why) in files {
        for command in ["check", "run"] {
            let told = finish(bearward().args([command, "--config", name]).current_dir(directory.path()));
            assert_eq!(told.code, Some(78), "{name}: {}", told.output());
            assert_eq!(told.stdout, "");
            let errors = errors(&told);
            assert_eq!(errors.len(), 1, "{}", told.stderr);
            assert_eq!(errors[0].0, name);
            assert!(errors[0].1.contains(why), "{name}: {}", told.stderr);
        }
    }
}

#[test]
fn a_syntax_error_is_told_with_its_place() {
    for (text, place) in [
        ("[server]\nlisten = \"127.0.0.1:8080\n", "config.toml:2:10"),
        ("[server]\n[[issuers]\n", "config.toml:2:11"),
        ("[log]\nlevel = \"info\"\nlevel = \"info\"\n", "config.toml:3:1"),
    ] {
        let file = File::new(text);
        for command in ["check", "run"] {
            let told = finish(&mut file.command(&[command]));
            assert_eq!(told.code, Some(78), "{}", told.output());
            let errors = errors(&told);
            assert_eq!(errors.len(), 1, "{}", told.stderr);
            assert!(errors[0].1.contains("not valid TOML"), "{}", told.stderr);
            // The last column may be that of the character or the one after it; the line is certain.
            let line = |place: &str| place.rsplit_once(':').unwrap().0.to_owned();
            assert_eq!(line(errors[0].0), line(place), "{}", told.stderr);
        }
    }
}

#[test]
fn an_issuer_without_an_audience_is_a_mistake() {
    for replacement in ["", "audiences = []\n"] {
        let text = config().replace("audiences = [\"https://api.example.com\"]\n", replacement);
        assert_ne!(text, config());
        let file = File::new(&text);
        let told = finish(&mut file.command(&["check"]));
        assert_eq!(told.code, Some(78), "{}", told.output());
        assert_eq!(errors(&told).len(), 1, "{}", told.stderr);
        assert!(told.stderr.contains("[\"https://api.example.com\"]"), "no example: {}", told.stderr);
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let file = File::new(&with_secret("client_secret_file = \"secret\""));
    let secret = write_secret(file.directory(), "secret", "canary-in-file\n");
    for (mode, good) in [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o604, false), (0o602, false)] {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        let told = finish(&mut file.command(&["check"]));
        assert_eq!(told.code, Some(if good { 0 } else { 78 }), "{mode:o}: {}", told.output());
        assert!(!told.output().contains("canary"), "{}", told.output());
        if !good {
            let errors = errors(&told);
            assert_eq!(errors.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [file.at("\"secret\"")]);
            assert!(told.stderr.contains("chmod o="), "no way out is named: {}", told.stderr);
        }
    }
}

#[test]
fn routes_that_contradict_themselves_or_each_other_are_told() {
    let second_issuer = r#"
[[issuers]]
issuer = "https://login.example.org"
audiences = ["https://api.example.com"]
[issuers.introspection]
client_id = "a"
client_secret_env = "GATEWAY_SECRET"
"#;
    let asked = "referential_issuer = \"https://auth.example.com\"";
    // Two issuers introspect, so that it matters which of them a route asks.
    let good = format!("{}{asked}\n\n{second_issuer}", with_secret("client_secret_env = \"GATEWAY_SECRET\""));
    let passed = finish(File::new(&good).command(&["check"]).env("GATEWAY_SECRET", "x"));
    assert_eq!(passed.code, Some(0), "{}", passed.output());

    for (route, part) in [
        ("path = \"/a\"\nopen = true\nscopes = [\"a\"]", "open route"),
        ("path = \"/a\"\nopen = true\nissuers = [\"https://auth.example.com\"]", "open route"),
        (&format!("path = \"/orders/*\"\nmethods = [\"POST\", \"GET\"]\nscopes = [\"other\"]\n{asked}"), "matches"),
        ("path = \"/orders/*\"\nmethods = [\"GET\"]\nopen = true", "matches"),
        ("path = \"/a\"\nissuers = [\"https://auth.example.com/\"]", "there is no issuer"),
        ("path = \"/a\"\nreferential_issuer = \"https://nobody.example.com\"", "there is no issuer"),
        (&format!("path = \"/a\"\nissuers = [\"https://login.example.org\"]\n{asked}"), "not among the `issuers`"),
        ("path = \"/a\"", "referential tokens of this route could go to 2 issuers"),
        ("path = \"/a//b\"\nopen = true", "/a//b"),
        ("path = \"/a\"\nmethods = []\nopen = true", "must not be empty"),
    ] {
        let file = File::new(&format!("{good}\n[[routes]] # new\nupstream = \"orders\"\n{route}\n"));
        let told = finish(file.command(&["check"]).env("GATEWAY_SECRET", "x"));
        assert_eq!(told.code, Some(78), "{route}: {}", told.output());
        let errors = errors(&told);
        assert_eq!(errors.len(), 1, "{route}: {}", told.stderr);
        assert!(errors[0].1.contains(part), "{route}: {}", told.stderr);
        let line = |place: &str| place.split(':').nth(1).unwrap().parse::<usize>().unwrap();
        assert!(line(errors[0].0) >= line(&file.at("[[routes]] # new")), "{route}: {}", told.stderr);
    }
}

#[test]
fn the_environment_is_held_to_the_same_rules_as_the_file() {
    let file = File::new(&config());
    let check = |name: &str, value: &str| finish(file.command(&["check"]).env(name, value));
    let passed = check("BEARWARD_SERVER__LISTEN", "127.0.0.1:18123");
    assert_eq!(passed.code, Some(0), "{}", passed.output());
    assert!(passed.stdout.contains("127.0.0.1:18123"), "{}", passed.stdout);

    for (name, value, part) in [
        ("BEARWARD_SERVER__LISTENN", "127.0.0.1:1", "did you mean `BEARWARD_SERVER__LISTEN`?"),
        ("BEARWARD_SERVR__LISTEN", "127.0.0.1:1", "did you mean `BEARWARD_SERVER__LISTEN`?"),
        ("BEARWARD_SERVER__LISTEN", "localhost:8080", "did you mean `127.0.0.1:8080`?"),
        ("BEARWARD_CACHE__MAX_ENTRIES", "many", "a whole number"),
        ("BEARWARD_LOG__FORMAT", "xml", "must be one of"),
        ("BEARWARD_ROUTES__OPEN", "true", "only the configuration file can set"),
        ("BEARWARD_ISSUERS__0__AUDIENCES", "other", "only the configuration file can set"),
    ] {
        let told = check(name, value);
        assert_eq!(told.code, Some(78), "{name}={value}: {}", told.output());
        let errors = errors(&told);
        assert_eq!(errors.len(), 1, "{}", told.stderr);
        assert_eq!(errors[0].0, name, "{}", told.stderr);
        assert!(told.stderr.contains(part), "{}", told.stderr);
    }
    // Kubernetes announces a service called `bearward` by such names.
    let announced = check("BEARWARD_PORT", "tcp://10.0.0.1:80");
    assert_eq!(announced.code, Some(0), "{}", announced.output());
}

#[test]
fn what_the_documents_show_passes() {
    let check = |text: &str| {
        let file = File::new(text);
        let checked = finish(&mut file.command(&["check"]));
        assert_eq!(checked.code, Some(0), "{text}\n{}", checked.output());
        assert!(!checked.stdout.contains("Warnings"), "{}", checked.stdout);
    };
    let read = |name: &str| fs::read_to_string(workspace().join(name)).unwrap();
    check(&read("config.example.toml"));
    let readme = read("README.md");
    let snippets: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split_once("```").expect("the snippet ends").0).collect();
    assert!(!snippets.is_empty());
    snippets.iter().for_each(|snippet| check(snippet));
}

#[test]
fn check_shows_every_setting_in_force_as_a_configuration_and_no_secret() {
    let show = |file: &File| {
        let told = finish(file.command(&["check", "--show"]).env("GATEWAY_SECRET", "hunter2"));
        assert_eq!(told.code, Some(0), "{}", told.output());
        told.stdout
    };
    let shown = show(&File::new(&with_secret("client_secret_env = \"GATEWAY_SECRET\"")));
    for line in ["client_secret_env = \"GATEWAY_SECRET\"", "cache_ttl = \"1m\"", "realm = \"bearward\""] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(show(&File::new(&shown)), shown);
}

#[test]
fn check_lists_every_route_that_is_open() {
    let open = |check: &Finished| -> Vec<String> {
        assert_eq!(check.code, Some(0), "{}", check.output());
        let (_, section) = check.stdout.split_once("Open routes").expect("a section on open routes");
        section.lines().skip(1).map_while(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
    };
    let closed = finish(&mut File::new(&config()).command(&["check"]));
    assert_eq!(open(&closed), [""; 0]);
    assert!(closed.stdout.contains("Open routes: none"), "{}", closed.stdout);

    let routes = "[[routes]]\npath = \"/health\"\nupstream = \"orders\"\nopen = true\n\
                  [[routes]]\npath = \"/account\"\nupstream = \"orders\"\n\
                  [[routes]]\nhost = \"shop.example.com\"\npath = \"/*\"\nmethods = [\"GET\", \"HEAD\"]\n\
                  upstream = \"orders\"\nopen = true\n";
    let some = finish(&mut File::new(&format!("{}{routes}", config())).command(&["check"]));
    let open = open(&some);
    assert_eq!(open.len(), 2, "{}", some.stdout);
    assert!(open[0].contains("/health") && open[0].contains("orders"), "{open:?}");
    assert!(["GET,HEAD", "shop.example.com", "/*"].iter().all(|part| open[1].contains(part)), "{open:?}");
    assert!(!open.iter().any(|line| line.contains("/account")));
}

#[test]
fn a_secret_that_strayed_into_the_configuration_is_not_repeated() {
    let issuer = "[[issuers]]\nissuer = \"https://auth.example.com\"\naudiences = [\"https://api.example.com\"]\n";
    let introspection = "[issuers.introspection]\nclient_id = \"orders-gateway\"\n";
    let upstream = "[[upstreams]]\nname = \"orders\"\nservers = [\"127.0.0.1:3000\"]\n";
    let mistakes = [
        format!("{issuer}client_secret = \"canary\""),
        format!("{issuer}{introspection}client_secret = \"canary\""),
        format!("{issuer}{introspection}client_secret = \"\"\"\nfirst\ncanary\n\"\"\""),
        format!("{issuer}{introspection}client_secret = \"canary"),
        format!("{issuer}{introspection}client_secret = canary"),
        format!("{issuer}introspection = {{ client_id = \"a\", client_secret = \"canary\" }}"),
        format!("{issuer}{introspection}client_secret_env = \"the canary itself\""),
        format!("{upstream}authorization = \"Basic canary\""),
        format!("{upstream}authorization = \"replace\"\nauthorization_value = \"Basic canary\""),
        format!("{upstream}password = \"canary\""),
        "[[upstreams]]\nname = \"orders\"\nservers = [\"alice:canary@127.0.0.1:3000\"]\n".to_owned(),
        format!("{issuer}jwks_url = \"https://alice:canary@auth.example.com/jwks\""),
        issuer.replace("https://auth.", "https://alice:canary@auth."),
        // Other mistakes name the issuers that there are, and the password is part of such a name.
        format!(
            "{}[[routes]]\npath = \"/a\"\nissuers = [\"x\"]\n",
            issuer.replace("https://auth.", "https://alice:canary@auth.")
        ),
        format!(
            "{}{introspection}client_secret_env = \"PATH\"\n\
             [[issuers]]\nissuer = \"https://login.example.org\"\naudiences = [\"a\"]\n\
             {introspection}client_secret_env = \"PATH\"\n{upstream}[[routes]]\npath = \"/a\"\nupstream = \"orders\"\n",
            issuer.replace("https://auth.", "https://alice:canary@auth.")
        ),
    ];
    for text in mistakes {
        let file = File::new(&text);
        for flags in [&["check"][..], &["run", "--log-level", "trace"]] {
            let told = finish(&mut file.command(flags));
            assert_eq!(told.code, Some(78), "{text}\n{}", told.output());
            assert!(!told.output().contains("canary"), "{text}\nis told as\n{}", told.output());
        }
    }
    let told = finish(File::new(&config()).command(&["check"]).env("BEARWARD_SERVER__CLIENT_SECRET", "canary"));
    assert_eq!(told.code, Some(78), "{}", told.output());
    assert!(!told.output().contains("canary"), "{}", told.output());
}

#[test]
fn neither_secrets_nor_tokens_are_told_while_they_are_used() {
    const TOKEN: &str = "canary-of-a-referential-token";
    let issuer = Server::start(|request| match request.path() {
        "/introspect" => Reply::json(
            200,
            &json!({
                "active": true, "iss": request.base(), "aud": "https://api.example.com", "sub": "alice",
                "client_id": "web", "scope": "orders:read", "exp": now() + 300, "token_type": "Bearer",
            }),
        ),
        _ => Reply::json(
            200,
            &json!({ "issuer": request.base(), "introspection_endpoint": format!("{}/introspect", request.base()) }),
        ),
    });
    let echo = Echo::start();
    let secrets = TempDir::new().unwrap();
    let file = write_secret(secrets.path(), "upstream", "Basic canary-of-the-upstream\n");
    let text = minimal_config(&issuer.url(), &echo.address())
        .replace(
            "[[upstreams]]",
            "[issuers.introspection]\nclient_id = \"gw\"\nclient_secret_env = \"GATEWAY_SECRET\"\n[[upstreams]]",
        )
        .replace("[[routes]]", &format!("authorization = \"replace\"\nauthorization_file = {file:?}\n[[routes]]"));
    let gateway = Gateway::start_with(&text, |command| {
        command.args(["--log-level", "trace,hyper=trace"]).env("GATEWAY_SECRET", "canary-of-the-gateway");
    })
    .ready();
    let answer = gateway.get("/orders/1?access=canary-in-the-query").bearer(TOKEN).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(gateway.get("/orders/1").bearer(&TOKEN.replace("referential", "refused")).send().status, 200);

    // They were really used.
    assert_eq!(answer.echoed("authorization").as_deref(), Some("Basic canary-of-the-upstream"));
    let asked = issuer.requests().into_iter().find(|request| request.path() == "/introspect").unwrap();
    let basic = STANDARD.encode("gw:canary-of-the-gateway");
    assert_eq!(asked.header("authorization"), Some(&*format!("Basic {basic}")));
    assert_eq!(asked.form()["token"], TOKEN);

    let checked = finish(
        bearward()
            .args(["check", "--config"])
            .arg(gateway.directory().join("bearward.toml"))
            .env("GATEWAY_SECRET", "canary-of-the-gateway"),
    );
    assert_eq!(checked.code, Some(0), "{}", checked.output());
    for told in [checked.output(), gateway.logs(), gateway.metrics().0] {
        assert!(!told.is_empty());
        assert!(!told.contains("canary") && !told.contains(&basic), "{told}");
    }
}

/// A good configuration.
fn config() -> String {
    minimal_config("https://auth.example.com", "127.0.0.1:3000")
}

/// A good configuration in which the gateway has a secret, as this line says.
fn with_secret(line: &str) -> String {
    let introspection = format!("[issuers.introspection]\nclient_id = \"orders-gateway\"\n{line}\n\n[[upstreams]]");
    config().replace("[[upstreams]]", &introspection)
}

/// A configuration in a directory of its own.
struct File {
    directory: TempDir,
    text: String,
}

impl File {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("config.toml"), text).unwrap();
        Self { directory, text: text.to_owned() }
    }

    fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `bearward` with these arguments and this configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bearward();
        command.args(arguments).args([Path::new("--config"), &PathBuf::from("config.toml")]);
        command.current_dir(self.directory());
        command
    }

    /// Where a part of the text stands, which must stand there once.
    fn at(&self, part: &str) -> String {
        assert_eq!(self.text.matches(part).count(), 1, "{part}");
        self.place(self.text.find(part).unwrap())
    }

    /// `file:line:column` of a byte.
    fn place(&self, byte: usize) -> String {
        let before = &self.text[..byte];
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        format!("config.toml:{}:{column}", before.matches('\n').count() + 1)
    }
}

/// The place and the message of each error.
fn errors(told: &Finished) -> Vec<(&str, &str)> {
    told.stderr.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(": error: ")).collect()
}
