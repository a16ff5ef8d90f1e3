//! Anybody can see Bearward work with one command and no setup, and go on from there: `bearward demo` is true in every
//! line that it prints and every file that it writes.

use crate::support::{
    Connection, Echo, Finished, Metrics, Process, Request, Response, bearward, finish, free_port, request_of,
};
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    time::Duration,
};
use tempfile::TempDir;

/// The environment variable of the written file, and its value for the development issuer.
const SECRET: (&str, &str) = ("BEARWARD_DEMO_SECRET", "gateway-secret");

#[test]
fn try_sends_every_case_and_gets_the_expected_answer() {
    let directory = TempDir::new().unwrap();
    let tried = finish(bearward().args(["demo", "--try"]).current_dir(directory.path()));
    assert_eq!(tried.code, Some(0), "{}", tried.output());
    assert_eq!(tried.stderr, "");

    let (table, count) = tried.stdout.split_once("\n\n").expect("a table, and how many passed");
    let rows: Vec<Vec<&str>> = table.lines().map(columns).collect();
    assert_eq!(rows[0], ["case", "status", "reason", "time"]);
    let seen: Vec<[&str; 3]> = rows[1..].iter().map(|row| [row[0], row[1], row[2]]).collect();
    let expected = [
        ["self-contained token", "200", "admitted (signature)"],
        ["referential token", "200", "admitted (introspection)"],
        ["referential token again", "200", "admitted (cache)"],
        ["a person signed in", "200", "admitted (signature)"],
        ["refreshed token", "200", "admitted (signature)"],
        ["open route, no token", "200", "admitted (open)"],
        ["no token", "401", "no_credential (credential_missing)"],
        ["revoked token", "401", "invalid_token (token_inactive)"],
        ["expired token", "401", "invalid_token (token_expired)"],
        ["another audience", "401", "invalid_token (audience_mismatch)"],
        ["scope missing", "403", "insufficient_scope (scope_missing)"],
        ["alg none", "401", "invalid_token (algorithm_refused)"],
    ];
    assert_eq!(seen, expected);
    for row in &rows[1..] {
        let milliseconds = row[3].strip_suffix(" ms").and_then(|time| time.parse::<f64>().ok());
        assert!(milliseconds.is_some_and(|time| time > 0.0), "{row:?}");
    }
    assert_eq!(count, "12 passed, 0 failed\n");
    assert_empty(directory.path());
}

#[test]
fn every_printed_curl_line_gets_the_printed_status() {
    let demo = Demo::start();
    let mut statuses = Vec::new();
    for (printed, line) in demo.curl_lines() {
        let before = demo.metrics();
        let answer = request_of(&line).send();
        assert_eq!(answer.status, printed, "{line}: {}", answer.text());
        let after = demo.metrics();
        let grew = |name, labels: &[_]| after.sum(name, labels) - before.sum(name, labels);
        assert_eq!(grew("bearward_decisions_total", &[]), 1.0, "{line}");

        match statuses.len() {
            // The second call with the referential token costs the issuer nothing.
            1 => {
                assert_eq!(grew("bearward_introspections_total", &[]), 1.0);
                assert_eq!(grew("bearward_decisions_total", &[("source", "introspection")]), 1.0);
            }
            2 => {
                assert_eq!(grew("bearward_introspections_total", &[]), 0.0);
                assert_eq!(grew("bearward_decisions_total", &[("source", "cache"), ("verdict", "admit")]), 1.0);
            }
            // What was revoked is asked about as well: nobody else knows.
            7 => assert_eq!(grew("bearward_introspections_total", &[]), 1.0),
            _ => assert_eq!(grew("bearward_introspections_total", &[]), 0.0),
        }
        if answer.status == 200 {
            let authorized = line.contains("Authorization");
            assert_eq!(upstream_saw(&answer, "x-auth-subject").as_deref(), authorized.then_some("alice"), "{line}");
            assert_eq!(upstream_saw(&answer, "authorization"), None, "{line}");
        } else {
            assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer ")));
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 401, 401, 401, 401, 403, 401]);
}

#[test]
fn every_printed_address_answers_and_every_printed_command_runs() {
    let demo = Demo::start();
    let text = demo.process.log();
    for url in ["/readyz?verbose", "/metrics"].map(|path| format!("{}{path}", demo.admin)) {
        assert!(text.contains(&url), "{text}");
        assert_eq!(Request::get(&url).send().status, 200, "{url}");
    }
    assert_eq!(Request::get(&format!("{}/anything", demo.upstream)).send().status, 200);

    let commands: Vec<&str> = text.lines().filter_map(|line| line.split_once(" bearward ").map(|(_, of)| of)).collect();
    assert_eq!(commands.len(), 2, "{text}");
    for command in commands {
        let ended = finish(bearward().args(command.split(' ')).current_dir(demo.directory.path()));
        assert_eq!(ended.code, Some(0), "bearward {command}: {}", ended.output());
    }
    let token = finish(bearward().args(["token", "--issuer", &demo.issuer]));
    let answer = Request::get(&format!("{}/orders/1", demo.gateway)).bearer(token.stdout.trim_end()).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn an_interrupt_ends_it_within_a_second_and_leaves_nothing_behind() {
    let mut demo = Demo::start();
    let directory = demo.directory.path().to_owned();
    // Callers that stay connected must not hold it up.
    let mut kept = Connection::open(&demo.gateway);
    kept.send_raw(b"GET /public/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(kept.read_response("GET").unwrap().status, 200);
    let _idle = Connection::open(&demo.gateway);

    demo.process.signal("INT");
    let ended = demo.process.wait(Duration::from_secs(1));
    assert_eq!(ended.code(), Some(0), "{}", demo.process.log());
    for address in [&demo.gateway, &demo.admin, &demo.issuer, &demo.upstream] {
        assert!(TcpStream::connect(address.strip_prefix("http://").unwrap()).is_err(), "{address} is still open");
    }
    assert_empty(&directory);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ended = finish(bearward().args(["demo", "--port", &address.port().to_string()]));
    assert_eq!(ended.code, Some(69), "{}", ended.output());
    assert!(ended.stderr.contains(&format!("cannot listen on {address}")), "{}", ended.stderr);
    assert_eq!((ended.stderr.lines().count(), ended.stdout.as_str()), (1, ""));
}

#[test]
fn the_written_configuration_works_as_its_printed_steps_say() {
    let directory = TempDir::new().unwrap();
    let written = write_config(directory.path(), "first.toml");
    assert_eq!(written.code, Some(0), "{}", written.output());
    assert_eq!(names(directory.path()), ["first.toml"]);

    let check = || {
        let mut command = bearward();
        command.args(["check", "--config", "first.toml"]).current_dir(directory.path());
        command
    };
    let checked = finish(check().env(SECRET.0, SECRET.1));
    assert_eq!(checked.code, Some(0), "{}", checked.output());
    assert!(checked.stdout.contains("Open routes: these let every caller in"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("Warnings"), "{}", checked.stdout);
    let without = finish(&mut check());
    assert_eq!(without.code, Some(78));
    let place = "first.toml:25:21: error: no environment variable of this name is set";
    assert!(without.stderr.starts_with(place), "where the variable is named: {}", without.stderr);
    // It is not there, so it might be the secret.
    assert!(!without.stderr.contains(SECRET.0), "{}", without.stderr);

    // The file has the fixed addresses of its comments, and other programs of this machine may have them too.
    let (issuer, echo) = (free_port(), Echo::start());
    let file = directory.path().join("first.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = replaced(&text, "127.0.0.1:9000", &format!("127.0.0.1:{issuer}"));
    fs::write(&file, replaced(&text, "127.0.0.1:3000", &echo.address())).unwrap();

    let mut command = bearward();
    command.args(["issuer", "--listen", &format!("127.0.0.1:{issuer}")]);
    let mut issuer = Process::spawn("issuer", &mut command);
    let url = issuer.wait_for_line("its URL", |line| line.starts_with("Development issuer at "));
    let url = url.split(' ').nth(3).unwrap().trim_end_matches('.').to_owned();

    let [listen, admin] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let (run, variables) = step(&written.stdout, "bearward run ");
    assert_eq!(variables, [SECRET]);
    let mut command = bearward();
    command.args(run.split(' ').skip(1)).current_dir(directory.path()).envs(variables);
    command.env("BEARWARD_SERVER__LISTEN", &listen).env("BEARWARD_ADMIN__LISTEN", &admin);
    let mut gateway = Process::spawn("gateway", &mut command);
    gateway.wait_until("readiness", |_| {
        Request::get(&format!("http://{admin}/readyz")).try_send().ok().filter(|answer| answer.status == 200)
    });

    let token = |arguments: &[&str]| {
        let token = finish(bearward().args(["token", "--issuer", &url]).args(arguments));
        assert_eq!(token.code, Some(0), "{}", token.output());
        token.stdout.trim_end().to_owned()
    };
    let (curl, _) = step(&written.stdout, "curl ");
    let curl = replaced(&replaced(curl, "127.0.0.1:8080", &listen), "$(bearward token)", &token(&[]));
    let answer = request_of(&curl).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.echoed("x-auth-subject").is_some());
    assert_eq!(answer.echoed("x-auth-issuer").as_deref(), Some(&*url));

    let get = |path: &str| Request::get(&format!("http://{listen}{path}"));
    let referential = token(&["--format", "referential"]);
    assert_eq!(get("/orders/1").bearer(&referential).send().status, 200);
    assert_eq!(get("/orders/1").send().status, 401);
    assert_eq!(get("/public/hello").send().status, 200);
    let post = |scope: &str| {
        let request = Request::post(&format!("http://{listen}/orders/1"));
        request.bearer(&token(&["--scope", scope])).send().status
    };
    assert_eq!((post("orders:read"), post("orders:write")), (403, 200));
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("mine.toml");
    for content in ["# a day's work\n", ""] {
        fs::write(&file, content).unwrap();
        let refused = write_config(directory.path(), "mine.toml");
        assert_eq!(refused.code, Some(1), "{}", refused.output());
        assert!(refused.stderr.contains("mine.toml exists"), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
    // A link to a file that is not there yet would put the configuration where nobody asked for it.
    std::os::unix::fs::symlink("elsewhere.toml", directory.path().join("link.toml")).unwrap();
    assert_eq!(write_config(directory.path(), "link.toml").code, Some(1));
    assert_eq!(names(directory.path()), ["link.toml", "mine.toml"]);

    let nowhere = write_config(directory.path(), "no/such/folder.toml");
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.stderr.contains("cannot write no/such/folder.toml"), "{}", nowhere.stderr);
}

/// A demo that has said everything, in a directory of its own, and the addresses that it printed.
struct Demo {
    process: Process,
    directory: TempDir,
    gateway: String,
    admin: String,
    issuer: String,
    upstream: String,
}

impl Demo {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut process = Process::spawn("demo", bearward().arg("demo").current_dir(directory.path()));
        process.wait_for_line("the end of its text", |line| line.starts_with("Ctrl-C ends"));
        let text = process.log();
        let url = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(name));
            let url =
                line.and_then(|line| line.split_whitespace().next()).unwrap_or_else(|| panic!("no {name}: {text}"));
            let address = url.strip_prefix("http://").and_then(|url| url.split('/').next()).unwrap_or_default();
            let parsed = address.parse::<SocketAddr>().unwrap_or_else(|_| panic!("{name} is at no address: {url}"));
            assert!(parsed.ip().is_loopback(), "{name} can be reached from elsewhere: {url}");
            format!("http://{address}")
        };
        let [gateway, admin, issuer, upstream] = ["gateway ", "admin ", "issuer ", "API "].map(url);
        Self { process, directory, gateway, admin, issuer, upstream }
    }

    /// Each curl line with the status that the line above it promises.
    fn curl_lines(&self) -> Vec<(u16, String)> {
        let lines = self.process.lines();
        let found: Vec<(u16, String)> = lines
            .windows(2)
            .filter(|pair| pair[1].starts_with("curl "))
            .map(|pair| {
                let status =
                    pair[0].strip_prefix("# ").and_then(|remark| remark.split([':', ' ']).next()?.parse().ok());
                (status.unwrap_or_else(|| panic!("no status: {}", pair[0])), pair[1].clone())
            })
            .collect();
        let mentioned = lines.iter().filter(|line| line.contains("curl")).count();
        assert_eq!(found.len(), mentioned, "a line with curl was not understood:\n{}", self.process.log());
        found
    }

    fn metrics(&self) -> Metrics {
        Metrics(Request::get(&format!("{}/metrics", self.admin)).send().text())
    }
}

/// What the demo's API says it received under this name.
fn upstream_saw(answer: &Response, name: &str) -> Option<String> {
    let json = answer.json();
    let headers = json["headers"].as_object().unwrap_or_else(|| panic!("no echo: {}", answer.text()));
    headers.get(name).map(|value| value.as_str().unwrap_or_else(|| panic!("{name}: {value}")).to_owned())
}

fn write_config(directory: &Path, file: &str) -> Finished {
    finish(bearward().args(["demo", "--write-config", file]).current_dir(directory))
}

/// The printed step with this command, and the variables that are set before it.
fn step<'a>(text: &'a str, command: &str) -> (&'a str, Vec<(&'a str, &'a str)>) {
    let line =
        text.lines().find(|line| line.contains(command)).unwrap_or_else(|| panic!("no {command}: {text}")).trim();
    let (variables, _) = line.split_once(command).unwrap();
    (&line[variables.len()..], variables.split_whitespace().filter_map(|pair| pair.split_once('=')).collect())
}

fn columns(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// The text with `new` in place of `old`, which must be there.
fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "no {old} in:\n{text}");
    text.replace(old, new)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

fn assert_empty(directory: &Path) {
    assert_eq!(names(directory), [""; 0]);
}
