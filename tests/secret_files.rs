//! Files with secrets are no part of a request: one that hangs or goes bad leaves the last good content in use, and is told.

use crate::support::{
    Echo, Gateway, Reply, Request, SOON, Server, Signer, bearward, claims, eventually, finish, minimal_config, now,
    write_secret,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// How soon a change must be seen.
const SEEN: Duration = Duration::from_secs(3);

#[test]
fn a_file_that_hangs_holds_up_neither_requests_nor_other_files() {
    let (echo, folder) = (Echo::start(), tempfile::tempdir().unwrap());
    let hangs = write_secret(folder.path(), "hangs", "Basic first");
    let fine = write_secret(folder.path(), "fine", "Basic one");
    let upstream = |name: &str, file: &Path| {
        format!(
            "[[upstreams]]\nname = \"{name}\"\nservers = [\"{}\"]\nauthorization = \"replace\"\nauthorization_file = {file:?}\n\
             [[routes]]\npath = \"/{name}\"\nupstream = \"{name}\"\nopen = true\n",
            echo.address()
        )
    };
    let both = format!("{}{}", upstream("hangs", &hangs), upstream("fine", &fine));
    let mut gateway = Gateway::start(&format!("{}{both}", minimal_config("http://127.0.0.1:1", &echo.address())));
    let sent = |path: &str| {
        let answer = gateway.get(path).timeout(Duration::from_secs(2)).send();
        answer.echoed("authorization").unwrap_or_default()
    };
    assert_eq!((sent("/hangs").as_str(), sent("/fine").as_str()), ("Basic first", "Basic one"));

    // To open a pipe waits for its writer, as a mount waits for its server.
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&pipe).status().unwrap().success());
    fs::remove_file(&hangs).unwrap();
    fs::hard_link(&pipe, &hangs).unwrap();
    std::thread::sleep(SEEN);
    for _ in 0..20 {
        assert_eq!((sent("/hangs").as_str(), sent("/fine").as_str()), ("Basic first", "Basic one"));
    }
    write_secret(folder.path(), "fine", "Basic two");
    eventually("another file is read again", SEEN, || sent("/fine") == "Basic two");

    eventually("the file is told", Duration::from_secs(12), || failing(&gateway) == 1.0);
    let verbose = readyz(&gateway);
    let line = verbose.lines().find(|line| line.contains("hangs")).unwrap_or_else(|| panic!("{verbose}"));
    assert!(line.starts_with("[-] file ") && line.contains("does not answer"), "{line}");
    let told = |gateway: &Gateway| {
        let logs = gateway.logs();
        logs.lines().filter(|line| line.contains("hangs") && line.contains("WARN")).count()
    };
    assert_eq!(told(&gateway), 1, "{}", gateway.logs());

    // The server is back.
    let answer = |content: &[u8]| OpenOptions::new().write(true).open(&pipe).unwrap().write_all(content).unwrap();
    answer(b"Basic second");
    eventually("what was waited for is used", SEEN, || sent("/hangs") == "Basic second");
    write_secret(folder.path(), "new", "Basic third");
    fs::rename(folder.path().join("new"), &hangs).unwrap();
    // It may be waiting for the pipe once more.
    let released = std::thread::spawn({
        let pipe = pipe.clone();
        move || drop(OpenOptions::new().write(true).open(pipe))
    });
    eventually("the file is read as before", SEEN, || sent("/hangs") == "Basic third");
    drop(released); // it is still waiting where nobody waited for it
    eventually("nothing fails any more", SEEN, || failing(&gateway) == 0.0);
    assert_eq!(gateway.stop().code(), Some(0), "{}", gateway.logs());
}

#[test]
fn a_file_that_goes_bad_leaves_the_last_good_one_and_is_told_once() {
    let (echo, folder) = (Echo::start(), tempfile::tempdir().unwrap());
    let key = Signer::es256("first");
    let path = write_secret(folder.path(), "secret", "good");
    let issuer = Server::start({
        let jwks = serde_json::json!({"keys": [key.jwk()]});
        move |request| match request.target.as_str() {
            "/jwks" => Reply::json(200, &jwks),
            _ if request.header("authorization").is_some_and(|value| value == basic("good")) => Reply::json(
                200,
                &serde_json::json!({"active": true, "aud": "https://api.example.com", "scope": "orders:read", "sub": "a",
                    "token_type": "Bearer"}),
            ),
            _ => Reply::status(401),
        }
    });
    let introspection = format!(
        "jwks_url = \"{url}/jwks\"\n[issuers.introspection]\nurl = \"{url}/introspect\"\nclient_id = \"gate\"\nclient_secret_file = {path:?}\n",
        url = issuer.url()
    );
    let minimal = minimal_config("https://auth.example.com", &echo.address());
    let config = minimal.replacen("\n[[upstreams]]", &format!("{introspection}\n[[upstreams]]"), 1);
    let gateway = Gateway::start(&config).ready();
    let mut number = 0;
    let mut status = || {
        number += 1;
        gateway.get("/orders/1").bearer(&format!("opaque-{number}")).send().status
    };
    assert_eq!((status(), failing(&gateway)), (200, 0.0));
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("is empty", &|| fs::write(&path, "").unwrap()),
        ("every user of this machine has access", &|| {
            fs::write(&path, "other").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        }),
        ("64 KiB", &|| fs::write(&path, "a".repeat(70_000)).unwrap()),
        ("No such file", &|| fs::remove_file(&path).unwrap()),
    ];
    for (why, spoil) in spoil {
        let told = |gateway: &Gateway| {
            gateway.logs().lines().filter(|line| line.contains("WARN") && line.contains("secret")).count()
        };
        let before = told(&gateway);
        spoil();
        eventually(why, SEEN, || failing(&gateway) == 1.0);
        assert_eq!(status(), 200, "{why}: the last good one is used");
        let verbose = readyz(&gateway);
        assert!(verbose.contains(&format!("[-] file {}: ", path.display())), "{why}: {verbose}");
        assert!(verbose.contains(why), "{why}: {verbose}");
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(told(&gateway), before + 1, "{why}: {}", gateway.logs());
        let _ = fs::remove_file(&path); // the last one is gone already
        write_secret(folder.path(), "secret", "good");
        eventually("it is good again", SEEN, || failing(&gateway) == 0.0);
        assert!(!readyz(&gateway).contains("file "), "{}", readyz(&gateway));
    }
    assert_eq!(status(), 200);
    write_secret(folder.path(), "secret", "longer");
    eventually("a new one is used", SEEN, || status() == 503);
}

#[test]
fn files_of_keys_that_hang_hold_up_nothing() {
    let (echo, folder) = (Echo::start(), tempfile::tempdir().unwrap());
    let (key, newer) = (Signer::es256("first"), Signer::es256("newer"));
    // More than the runtime has threads.
    let issuers: Vec<_> = (1..=3)
        .map(|number| (format!("https://{number}.example.com"), folder.path().join(number.to_string())))
        .collect();
    let mut config = minimal_config("https://auth.example.com", &echo.address());
    for (issuer, file) in &issuers {
        fs::write(file, serde_json::json!({"keys": [key.jwk()]}).to_string()).unwrap();
        let audience = "audiences = [\"https://api.example.com\"]";
        config.push_str(&format!("[[issuers]]\nissuer = {issuer:?}\n{audience}\njwks_file = {file:?}\n"));
    }
    let gateway = Gateway::start(&config);
    for (_, file) in &issuers {
        fs::remove_file(file).unwrap();
        assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
    }
    // A key that is not known is looked for at once.
    let asks: Vec<_> = issuers
        .iter()
        .map(|(issuer, _)| {
            let request = gateway.get("/orders/1").bearer(&newer.token(&claims::of(issuer, now())));
            std::thread::spawn(move || request.send().status)
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    for (issuer, _) in &issuers {
        let livez = Request::get(&format!("{}/livez", gateway.admin())).timeout(Duration::from_secs(2)).send();
        assert_eq!(livez.status, 200);
        let known = gateway.get("/orders/1").bearer(&key.token(&claims::of(issuer, now())));
        assert_eq!(known.timeout(Duration::from_secs(2)).send().status, 200);
    }
    for asked in asks {
        assert_eq!(asked.join().unwrap(), 503);
    }
}

#[test]
fn a_file_that_hangs_at_the_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&pipe).status().unwrap().success());
    let introspection = "[issuers.introspection]\nclient_id = \"gate\"\nclient_secret_file = \"pipe\"\n";
    let keys = "jwks_file = \"pipe\"\n";
    for more in [introspection, keys] {
        let minimal = minimal_config("https://auth.example.com", "127.0.0.1:1");
        let config = minimal.replacen("\n[[upstreams]]", &format!("{more}\n[[upstreams]]"), 1);
        let file = folder.path().join("bearward.toml");
        fs::write(&file, config).unwrap();
        for command in ["check", "run"] {
            let begun = Instant::now();
            let ended = finish(bearward().arg(command).arg("--config").arg(&file));
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
            assert_eq!(ended.code, Some(78), "{}", ended.output());
            assert!(ended.stderr.contains("does not answer within 5 seconds"), "{}", ended.stderr);
            assert!(ended.stderr.contains("pipe"), "{}", ended.stderr);
        }
    }
}

fn failing(gateway: &Gateway) -> f64 {
    gateway.metrics().sum("bearward_secret_files_failing", &[])
}

/// What readiness says; a bad file is no reason not to be ready.
fn readyz(gateway: &Gateway) -> String {
    Request::get(&format!("{}/readyz?verbose", gateway.admin())).send().text()
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("gate:{secret}")))
}
