//! The binary, running.

use super::{Process, Request, SOON, free_port};
use std::{path::Path, process::Command};
use tempfile::TempDir;

/// A gateway with its configuration in a directory of its own. Dropped, it is killed.
pub struct Gateway {
    process: Process,
    directory: TempDir,
    listen: String,
    admin: String,
}

impl Gateway {
    /// Runs `bearward run` with this configuration and waits until it is alive and listens. `[server] listen` and
    /// `[admin] listen` are put into the text, on free ports; everything else is the caller's.
    pub fn start(config: &str) -> Self {
        Self::start_with(config, |_| {})
    }

    /// The same, with a chance to add arguments or environment to the command.
    pub fn start_with(config: &str, adjust: impl FnOnce(&mut Command)) -> Self {
        let (listen, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("bearward.toml");
        let config = with_listen(&with_listen(config, "admin", &admin), "server", &listen);
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bearward"));
        command.arg("run").arg("--config").arg(&file).current_dir(directory.path());
        adjust(&mut command);
        let mut process = Process::spawn("bearward", &mut command);
        process.wait_until("/livez answering 200", |_| {
            Request::get(&format!("http://{admin}/livez")).try_send().ok().filter(|answer| answer.status == 200)
        });
        process.wait_for_port(listen.parse().unwrap());
        Self { process, directory, listen, admin }
    }

    /// Waits until the gateway says that it is ready, and that each of its issuers is: their keys are there.
    pub fn ready(mut self) -> Self {
        let url = format!("{}/readyz?verbose", self.admin());
        self.process.wait_until("/readyz answering 200 for every issuer", |_| {
            let answer = Request::get(&url).try_send().ok().filter(|answer| answer.status == 200)?;
            (!answer.text().contains("[-]")).then_some(answer)
        });
        self
    }

    /// `http://HOST:PORT` of the proxy.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// `HOST:PORT` of the proxy, for `Connection::open`.
    pub fn address(&self) -> &str {
        &self.listen
    }

    /// `http://HOST:PORT` of the admin server.
    pub fn admin(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// A GET request to the proxy for this path and query.
    pub fn get(&self, target: &str) -> Request {
        Request::get(&format!("{}{target}", self.url()))
    }

    /// The metrics as they are now.
    pub fn metrics(&self) -> Metrics {
        let answer = Request::get(&format!("{}/metrics", self.admin())).send();
        assert_eq!(answer.status, 200, "/metrics: {}", answer.text());
        Metrics(answer.text())
    }

    /// Everything it has written so far.
    pub fn logs(&self) -> String {
        self.process.log()
    }

    /// The directory with `bearward.toml`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The running binary: for signals and for its end.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Asks it to stop, as an orchestrator does, and waits for its end.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.process.signal("TERM");
        self.process.wait(SOON)
    }
}

/// The text of `/metrics`.
#[derive(Clone, Debug)]
pub struct Metrics(pub String);

impl Metrics {
    /// The sum of all samples of this name that have all of these labels; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).iter().map(|(_, value)| value).sum()
    }

    /// The samples of this name that have all of these labels, each with its labels as text.
    pub fn samples(&self, name: &str, labels: &[(&str, &str)]) -> Vec<(&str, f64)> {
        self.0
            .lines()
            .filter_map(|line| line.strip_prefix(name))
            .filter_map(|rest| match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once("} "),
                None => rest.strip_prefix(' ').map(|value| ("", value)),
            })
            .filter(|(text, _)| labels.iter().all(|(label, value)| text.contains(&format!("{label}=\"{value}\""))))
            .filter_map(|(text, value)| Some((text, value.trim().parse().ok()?)))
            .collect()
    }
}

/// One issuer, one upstream, and one route: GET below `/orders/` with the scope `orders:read`, for the audience
/// `https://api.example.com`. More tables may be appended; `[issuers.introspection]` then belongs to this issuer.
pub fn minimal_config(issuer: &str, upstream: &str) -> String {
    format!(
        r#"
[[issuers]]
issuer = "{issuer}"
audiences = ["https://api.example.com"]

[[upstreams]]
name = "orders"
servers = ["{upstream}"]

[[routes]]
path = "/orders/*"
methods = ["GET"]
upstream = "orders"
scopes = ["orders:read"]
"#
    )
}

/// Puts `listen` into a table of the configuration, which may or may not be there.
fn with_listen(config: &str, table: &str, address: &str) -> String {
    let header = format!("[{table}]\n");
    let setting = format!("[{table}]\nlisten = \"{address}\"\n");
    if config.contains(&header) { config.replacen(&header, &setting, 1) } else { format!("{setting}\n{config}") }
}
