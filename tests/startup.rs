//! The gateway starts or says why not, serves whatever it can as soon as it can, and ends without dropping anybody.

use crate::support::{
    Connection, Echo, Gateway, Process, Reply, Request, Response, SOON, Server, Signer, bearward, claims, eventually,
    finish, free_port, minimal_config, now,
};
use serde_json::json;
use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tempfile::TempDir;

#[test]
fn an_address_that_is_taken_is_named_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = format!("127.0.0.1:{}", free_port());
    for (listen, admin, part) in
        [(&taken, &free, "cannot listen on"), (&free, &taken, "admin server: cannot listen on")]
    {
        let file = File::new(&format!("[server]\nlisten = {listen:?}\n[admin]\nlisten = {admin:?}\n{}", nowhere()));
        let ended = finish(bearward().arg("run").arg("--config").arg(&file.path));
        assert_eq!(ended.code, Some(69), "{}", ended.output());
        assert_eq!((ended.stderr.lines().count(), ended.stdout.as_str()), (1, ""), "{}", ended.output());
        assert!(ended.stderr.contains(&format!("{part} {taken}: the address is in use")), "{}", ended.stderr);
        assert!(TcpListener::bind(&free).is_ok(), "something still listens on {free}");
    }
    // One of several addresses is enough.
    let both = format!("[server]\nlisten = [{free:?}, {taken:?}]\n[admin]\nlisten = \"127.0.0.1:{}\"\n", free_port());
    let file = File::new(&format!("{both}{}", nowhere()));
    let ended = finish(bearward().arg("run").arg("--config").arg(&file.path));
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(69), 1), "{}", ended.output());
    assert!(ended.stderr.contains(&taken) && !ended.stderr.contains(&free), "{}", ended.stderr);
}

#[test]
fn without_its_issuer_it_lives_and_says_that_it_is_not_ready_and_recovers_by_itself() {
    let (port, echo, key) = (free_port(), Echo::start(), Signer::es256("first"));
    let issuer = format!("http://127.0.0.1:{port}");
    let token = key.token(&claims::of(&issuer, now()));
    let open = "[[routes]]\npath = \"/open\"\nupstream = \"orders\"\nopen = true\n";
    let gateway = Gateway::start(&format!("{}{open}", minimal_config(&issuer, &echo.address())));

    let readyz = |query: &str| Request::get(&format!("{}/readyz{query}", gateway.admin())).send();
    assert_eq!(Request::get(&format!("{}/livez", gateway.admin())).send().status, 200);
    assert_eq!(readyz("").status, 503);
    assert!(!readyz("").text().contains(&issuer), "{}", readyz("").text());
    let verbose = readyz("?verbose");
    assert_eq!(verbose.status, 503);
    let line = verbose.text().lines().find(|line| line.contains(&issuer)).map(str::to_owned);
    assert!(line.as_ref().is_some_and(|line| line.starts_with("[-] ")), "{}", verbose.text());

    // Nobody's token is called invalid for it, not even one that will turn out to be forged, and what needs no issuer
    // goes on.
    let forged = Signer::es256("first").token(&claims::of(&issuer, now()));
    for token in [&token, &forged] {
        gateway.get("/orders/1").bearer(token).send().assert_unavailable("before the issuer is there");
    }
    assert_eq!(gateway.get("/orders/1").send().status, 401);
    assert_eq!(gateway.get("/open").send().status, 200);
    assert_eq!(gateway.get("/nowhere").bearer(&token).send().status, 404);

    // Two failures ago it began to pause for a second or two. Callers who keep asking must not make the pause longer.
    let _issuer = issuer_on(port, &key);
    eventually("the gateway is ready", Duration::from_secs(5), || readyz("").status == 200);
    let answer = gateway.get("/orders/1").bearer(&token).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.echoed("x-auth-subject").as_deref(), Some("alice"));
    assert_eq!(gateway.get("/orders/1").bearer(&forged).send().status, 401);
    let verbose = readyz("?verbose").text();
    assert!(verbose.contains(&format!("[+] issuer {issuer} keys=1")), "{verbose}");
}

#[test]
fn the_first_request_after_its_issuer_came_up_is_served() {
    let (port, echo, key) = (free_port(), Echo::start(), Signer::es256("first"));
    let issuer = format!("http://127.0.0.1:{port}");
    let mut gateway = Gateway::start(&minimal_config(&issuer, &echo.address()));
    // By now it tries again every few seconds only, and the request comes before the next time.
    gateway.process().wait_for_line("the third failure", |line| line.contains("failures=3"));
    let _issuer = issuer_on(port, &key);
    let answer = gateway.get("/orders/1").bearer(&key.token(&claims::of(&issuer, now()))).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_signal_to_stop_lets_requests_under_way_finish() {
    for signal in ["TERM", "INT"] {
        let (key, upstream) = (Signer::es256("first"), Held::start());
        let issuer = issuer_on(0, &key);
        let mut gateway = Gateway::start(&minimal_config(&issuer.url(), &upstream.server.address())).ready();
        let idle = Connection::open(gateway.address());
        let request = gateway.get("/orders/slow").bearer(&key.token(&claims::of(&issuer.url(), now())));
        let under_way = upstream.hold(request);

        gateway.process().signal(signal);
        let readyz = format!("{}/readyz?verbose", gateway.admin());
        gateway.process().wait_until("/readyz answering 503", |_| {
            Request::get(&readyz).try_send().ok().filter(|answer| answer.status == 503)
        });
        assert!(Request::get(&readyz).send().text().contains("[-] proxy draining"));
        assert_eq!(Request::get(&format!("{}/livez", gateway.admin())).send().status, 200);
        let address = gateway.address().to_owned();
        eventually("nobody new is let in", SOON, || TcpStream::connect(&address).is_err());
        assert!(!under_way.is_finished(), "the request that was under way has been given up");

        upstream.release();
        let answer = under_way.join().unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "at last"), "{}", gateway.logs());
        let ended = gateway.process().wait(SOON);
        assert_eq!(ended.code(), Some(0), "{}", gateway.logs());
        drop(idle);
    }
}

#[test]
fn the_time_to_drain_is_bounded_and_a_second_interrupt_ends_it_at_once() {
    let (key, upstream) = (Signer::es256("first"), Held::start());
    let issuer = issuer_on(0, &key);
    let config = |drain: &str| {
        format!("[server]\ndrain = {drain:?}\n{}", minimal_config(&issuer.url(), &upstream.server.address()))
    };
    let token = key.token(&claims::of(&issuer.url(), now()));

    let mut patient = Gateway::start(&config("1h")).ready();
    let _under_way = upstream.hold(patient.get("/orders/slow").bearer(&token));
    patient.process().signal("INT");
    patient.process().wait_for_line("that it drains", |line| line.contains("draining"));
    assert_eq!(patient.process().exited(), None);
    patient.process().signal("INT");
    assert_eq!(patient.process().wait(SOON).code(), Some(130), "{}", patient.logs());

    let mut hasty = Gateway::start(&config("200ms")).ready();
    let _under_way = upstream.hold(hasty.get("/orders/slow").bearer(&token));
    let asked = Instant::now();
    hasty.process().signal("TERM");
    let ended = hasty.process().wait(Duration::from_secs(10));
    assert!(asked.elapsed() >= Duration::from_millis(200), "the request had no time to finish");
    assert_eq!(ended.code(), Some(0), "{}", hasty.logs());
    assert!(hasty.logs().contains("cutting off the remaining requests left=1"), "{}", hasty.logs());
    upstream.release();
}

#[test]
fn the_environment_can_name_the_configuration() {
    let (listen, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let file = File::new(&format!("[server]\nlisten = {listen:?}\n[admin]\nlisten = {admin:?}\n{}", nowhere()));
    let mut process = Process::spawn("bearward", bearward().arg("run").env("BEARWARD_CONFIG", &file.path));
    process.wait_for_port(listen.parse().unwrap());
    process.signal("TERM");
    assert_eq!(process.wait(SOON).code(), Some(0), "{}", process.log());

    let checked = finish(bearward().arg("check").env("BEARWARD_CONFIG", &file.path));
    assert_eq!(checked.code, Some(0), "{}", checked.output());
    // The command line wins.
    let mut command = bearward();
    command.args(["check", "--config", "no-such-file.toml"]).env("BEARWARD_CONFIG", &file.path);
    assert_eq!(finish(&mut command).code, Some(78));
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let [in_file, in_environment, in_flags] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let [in_file_admin, in_environment_admin, in_flags_admin] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let text =
        format!("[server]\nlisten = {in_file:?}\n[admin]\nlisten = {in_file_admin:?}\n[log]\nformat = \"human\"\n");
    let file = File::new(&format!("{text}{}", nowhere()));
    let run = |environment: bool, flags: bool| {
        let mut command = bearward();
        command.arg("run").arg("--config").arg(&file.path);
        if environment {
            command.env("BEARWARD_SERVER__LISTEN", &in_environment);
            command.env("BEARWARD_ADMIN__LISTEN", &in_environment_admin).env("BEARWARD_LOG__FORMAT", "json");
        }
        if flags {
            command.args(["--listen", &in_flags, "--admin-listen", &in_flags_admin, "--log-format", "human"]);
        }
        let mut process = Process::spawn("bearward", &mut command);
        process.wait_for_line("that it has started", |line| line.contains("started"));
        let open = |address: &&String| TcpStream::connect(address.as_str()).is_ok();
        let listens: Vec<String> = [&in_file, &in_environment, &in_flags].into_iter().filter(open).cloned().collect();
        let admins: Vec<String> = [&in_file_admin, &in_environment_admin, &in_flags_admin]
            .into_iter()
            .filter(|admin| open(admin) && Request::get(&format!("http://{admin}/livez")).send().status == 200)
            .cloned()
            .collect();
        let json = process.lines().iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
        process.signal("TERM");
        assert_eq!(process.wait(SOON).code(), Some(0), "{}", process.log());
        (listens, admins, json)
    };
    assert_eq!(run(false, false), (vec![in_file.clone()], vec![in_file_admin.clone()], false));
    assert_eq!(run(true, false), (vec![in_environment.clone()], vec![in_environment_admin.clone()], true));
    assert_eq!(run(true, true), (vec![in_flags.clone()], vec![in_flags_admin.clone()], false));
    assert_eq!(run(false, true), (vec![in_flags.clone()], vec![in_flags_admin.clone()], false));
}

/// An upstream that holds each request until it is told to let them go.
struct Held {
    server: Server,
    /// Dropped, it releases them.
    gate: Mutex<Option<Sender<()>>>,
}

impl Held {
    fn start() -> Self {
        let (sender, receiver) = channel::<()>();
        let receiver = Arc::new(Mutex::new(receiver));
        let server = Server::start(move |_| {
            let _ = receiver.lock().unwrap().recv(); // ends when the sender is gone
            Reply::status(200).body("at last")
        });
        Self { server, gate: Mutex::new(Some(sender)) }
    }

    /// Sends the request and waits until it is here.
    fn hold(&self, request: Request) -> JoinHandle<io::Result<Response>> {
        let before = self.server.requests().len();
        let sent = std::thread::spawn(move || request.try_send());
        eventually("the request is with the upstream", SOON, || self.server.requests().len() > before);
        sent
    }

    fn release(&self) {
        self.gate.lock().unwrap().take();
    }
}

/// An issuer with this key; port 0 is a free one.
fn issuer_on(port: u16, key: &Signer) -> Server {
    let keys = json!({ "keys": [key.jwk()] });
    Server::start_on(port, move |request| match request.path() {
        "/jwks" => Reply::json(200, &keys),
        "/.well-known/openid-configuration" => {
            Reply::json(200, &json!({ "issuer": request.base(), "jwks_uri": format!("{}/jwks", request.base()) }))
        }
        _ => Reply::status(404),
    })
}

/// The tables of a configuration whose issuer and upstream are not there.
fn nowhere() -> String {
    minimal_config("http://127.0.0.1:1", "127.0.0.1:1")
}

/// A configuration in a directory of its own.
struct File {
    path: PathBuf,
    _directory: TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("config.toml");
        fs::write(&path, text).unwrap();
        Self { path, _directory: directory }
    }
}

#[test]
fn certificate_authorities_that_cannot_be_used_are_told_by_check() {
    let folder = TempDir::new().unwrap();
    let file = File::new(&nowhere());
    let bundle = folder.path().join("bundle.pem");
    let (good, bad) = (authority(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    fs::write(&bundle, format!("{good}{bad}")).unwrap();
    let missing = folder.path().join("missing.pem");
    for (path, sentence) in [
        (
            &bundle,
            format!("warning: certificate 2 of {} (SSL_CERT_FILE) cannot be used and is left out", bundle.display()),
        ),
        (&missing, format!("warning: SSL_CERT_FILE names {}, which cannot be read", missing.display())),
    ] {
        let mut check = bearward();
        check.arg("check").arg("--config").arg(&file.path).env("SSL_CERT_FILE", path).env_remove("SSL_CERT_DIR");
        let ended = finish(&mut check);
        assert_eq!(ended.code, Some(0), "{}", ended.output());
        assert!(ended.stderr.starts_with(&sentence), "{}", ended.stderr);
    }
    fs::write(&bundle, good).unwrap();
    let mut check = bearward();
    check.arg("check").arg("--config").arg(&file.path).env("SSL_CERT_FILE", &bundle).env_remove("SSL_CERT_DIR");
    assert_eq!(finish(&mut check).stderr, "");
}

/// A certificate in PEM.
fn authority() -> String {
    rcgen::generate_simple_self_signed(["authority.example.com".to_owned()]).unwrap().cert.pem()
}

#[test]
fn the_gateway_runs_without_certificate_authorities_and_says_what_fails() {
    let (echo, folder) = (Echo::start(), TempDir::new().unwrap());
    let bundle = folder.path().join("bundle.pem");
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&bundle, format!("{}{bad}", authority())).unwrap();
    let missing = folder.path().join("missing.pem");
    for (path, sentence) in [(&bundle, "certificate 2 of "), (&missing, "which cannot be read")] {
        let open = "[[routes]]\npath = \"/open\"\nupstream = \"orders\"\nopen = true\n";
        let config = format!("{}{open}", minimal_config("https://127.0.0.1:1", &echo.address()));
        let gateway = Gateway::start_with(&config, |command| {
            command.env("SSL_CERT_FILE", path).env_remove("SSL_CERT_DIR");
        });
        assert_eq!(gateway.get("/open").send().status, 200);
        let token = Signer::es256("first").token(&claims::of("https://127.0.0.1:1", now()));
        gateway.get("/orders/1").bearer(&token).send().assert_unavailable(sentence);
        let logs = gateway.logs();
        let told = logs.lines().filter(|line| line.contains("WARN") && line.contains(sentence)).count();
        assert_eq!(told, 1, "{logs}");
        assert!(!logs.contains("panic"), "{logs}");
    }
}
